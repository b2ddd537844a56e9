"""Which proposals go through the repository's own check, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.bundle.body import render_body
from bot.proposals.harness import with_checks
from bot.records import CheckRun, Edit, PastProposal, Proposal
from tests.bot.proposals_built import a_proposal


def a_run(**changes: Any) -> CheckRun:
    values: dict[str, Any] = {
        "state": "passed",
        "command": "make test",
        "elapsed_s": 12.0,
        "is_offline": True,
        "last_lines": ("3 passed",),
    }
    return CheckRun(**{**values, **changes})


def harness(**changes: Any) -> Proposal:
    return replace(a_proposal(), **{"kind": "harness", **changes})


def always(run: CheckRun | None) -> tuple[Callable[[Proposal], CheckRun | None], list[str]]:
    asked: list[str] = []

    def check(proposal: Proposal) -> CheckRun | None:
        asked.append(proposal.id)
        return run

    return check, asked


def test_a_proposal_that_passes_carries_its_check() -> None:
    check, asked = always(a_run())

    kept, stopped = with_checks([harness()], [], run=check)

    assert kept[0].check == a_run()
    assert (asked, stopped) == ([harness().id], [])


@pytest.mark.parametrize(
    ("run", "words"),
    [
        pytest.param(a_run(state="failed", last_lines=("1 failed", "")), "fails", id="fails"),
        pytest.param(a_run(state="timed_out"), "does not end within 12 s", id="time"),
    ],
)
def test_one_that_breaks_the_check_is_not_proposed_and_one_sentence_says_why(
    run: CheckRun, words: str
) -> None:
    kept, stopped = with_checks([harness()], [], run=always(run)[0])

    assert kept == []
    assert stopped[0].code == "check_failed"
    assert words in stopped[0].reason
    assert "`make test`" in stopped[0].reason
    assert repr(next(line for line in run.last_lines if line)) in stopped[0].reason


@pytest.mark.parametrize("state", ["fails_anyway", "times_out_anyway", "not_run"])
def test_what_says_nothing_of_the_change_does_not_stop_it(state: Any) -> None:
    kept, stopped = with_checks([harness()], [], run=always(a_run(state=state))[0])

    assert (len(kept), stopped) == (1, [])


def test_a_prompt_in_prose_needs_no_check_and_one_in_code_does() -> None:
    check, asked = always(a_run())
    prose = replace(a_proposal(), kind="prompt", id="p-1")
    edit = Edit(path="agent/prompts.py", base_blob="b" * 40, old="a", new="b")

    with_checks([prose, replace(prose, id="p-2", edits=(edit,))], [], run=check)

    assert asked == ["p-2"]


def test_what_is_open_with_nothing_new_is_not_run_again() -> None:
    check, asked = always(a_run(state="failed"))
    proposal = harness()
    past = PastProposal(
        id=proposal.id,
        fingerprint=proposal.fingerprint,
        kind="harness",
        agent=proposal.agent,
        pattern_id=proposal.pattern_id,
        branch="debrief/x",
        title=proposal.title,
        state="open",
        reference="#1",
    )

    kept, _ = with_checks([proposal], [past], run=check)

    assert (kept, asked) == ([proposal], [])


def test_checks_are_counted_and_the_most_important_go_first() -> None:
    check, asked = always(a_run())
    many = [harness(id=f"p-{n}", priority=float(n)) for n in range(8)]

    kept, stopped = with_checks(many, [], run=check)

    assert asked == ["p-7", "p-6", "p-5", "p-4", "p-3", "p-2"]
    assert len(kept) == 6
    assert {one.code for one in stopped} == {"cap"}


def test_the_body_says_what_the_check_said_and_its_output_does_nothing_there() -> None:
    hostile = ("```", "</details> @everyone fixes #1", "::error::x", "\x1b[31mred")
    run = a_run(command="make `test`", last_lines=hostile)

    body = render_body(harness(check=run), base_sha="a" * 40)

    assert "**Check** `` make `test` `` passed, in 12 s, without a network." in body
    section = body.split("The end of its output")[1]
    assert "\n````text\n" in section
    assert "@everyone" not in body
    assert "\x1b" not in body


def test_a_check_that_fails_anyway_says_that_it_says_nothing() -> None:
    body = render_body(harness(check=a_run(state="fails_anyway")), base_sha="a" * 40)

    assert "fails without this change as well, so it says nothing of it" in body
