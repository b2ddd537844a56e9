"""What people decided before is respected, and nobody gets more than can be read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.proposals import already_decided, constraints, pattern_decided, within_caps
from bot.proposals.floors import conversation_floor, floor_note, is_safe_label
from bot.records import (
    Evidence,
    Interval,
    PastProposal,
    Prediction,
    Proposal,
    Remark,
    ReviewerEdit,
    ThresholdMove,
)
from bot.settings import PublishSettings
from tests.bot.builders import NOW, a_pattern


def a_proposal(number: int = 1, **changes: Any) -> Proposal:
    entries = changes.pop("entries", 5)
    values: dict[str, Any] = {
        "id": f"p-{number:08x}",
        "fingerprint": f"f-{number}",
        "kind": "rule",
        "agent": "support",
        "pattern_id": f"pt-{number}",
        "remedy": f"prompts/a.md: rule {number}",
        "title": f"Rule {number}",
        "what": "",
        "why": "",
        "risk": "",
        "confidence": "low",
        "edits": (),
        "evidence": Evidence(entries=entries, users=1, conversation_ids=()),
        "prediction": None,
        "priority": float(number),
    }
    return Proposal(**{**values, **changes})


def past(number: int = 1, **changes: Any) -> PastProposal:
    """Proposal NUMBER as it was opened ten days ago."""
    values: dict[str, Any] = {
        "id": f"p-{number:08x}",
        "fingerprint": f"f-{number}",
        "kind": "rule",
        "agent": "support",
        "pattern_id": f"pt-{number}",
        "branch": f"debrief/p-{number:08x}",
        "title": f"Rule {number}",
        "state": "open",
        "reference": f"#{number}",
        "opened_at": NOW - timedelta(days=10),
        "evidence_entries": 5,
    }
    return PastProposal(**{**values, **changes})


def intent(id: str) -> Prediction:
    return Prediction(
        metric="failure",
        population="users",
        baseline_rate=0.4,
        expected=Interval(low=0.1, high=0.3),
        days=14,
        intent_id=id,
    )


@pytest.mark.parametrize(
    ("proposal", "before", "code"),
    [
        pytest.param(a_proposal(), past(2), None, id="about-something-else"),
        pytest.param(a_proposal(), past(fingerprint="old"), None, id="open-with-news"),
        pytest.param(a_proposal(), past(), "unchanged", id="open-without-news"),
        pytest.param(
            a_proposal(), past(fingerprint="old", touched=True), "hands_off", id="a-person-works-on"
        ),
        pytest.param(a_proposal(), past(state="rejected"), "rejected_before", id="rejected"),
        pytest.param(
            a_proposal(entries=9), past(state="rejected"), "rejected_before", id="not-yet-doubled"
        ),
        pytest.param(a_proposal(entries=10), past(state="rejected"), None, id="doubled"),
        pytest.param(
            a_proposal(entries=99),
            past(state="rejected", evidence_entries=0),
            "rejected_before",
            id="nothing-known-cannot-double",
        ),
        pytest.param(
            a_proposal(entries=99),
            past(state="rejected", rejection="not_a_problem"),
            "rejected_before",
            id="not-a-problem-is-for-good",
        ),
        pytest.param(
            a_proposal(7, pattern_id="pt-1"),
            past(state="rejected", rejection="wrong_fix"),
            None,
            id="another-remedy-after-a-wrong-one",
        ),
        pytest.param(
            a_proposal(7, pattern_id="pt-1"),
            past(state="rejected", rejection="not_a_problem"),
            "rejected_before",
            id="another-remedy-for-no-problem",
        ),
        pytest.param(
            a_proposal(7),
            past(state="rejected", marker={"remedy": "prompts/a.md: rule 7"}),
            "rejected_before",
            id="the-same-remedy-for-another-pattern",
        ),
        pytest.param(a_proposal(), past(state="merged"), "measuring", id="being-measured"),
        pytest.param(
            a_proposal(), past(state="merged", verdict="harmed"), "failed_before", id="did-harm"
        ),
        pytest.param(a_proposal(), past(state="merged", verdict="worked"), None, id="worked"),
        pytest.param(a_proposal(), past(state="closed"), None, id="closed-by-us"),
        pytest.param(
            a_proposal(), past(state="rejected", agent="other"), None, id="of-another-agent"
        ),
    ],
)
def test_the_past_decides(proposal: Proposal, before: PastProposal, code: str | None) -> None:
    decided = already_decided(proposal, [before])

    assert (decided.code if decided else None) == code
    assert decided is None or "#" in decided.reason


@pytest.mark.parametrize(
    ("history", "code"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([past(state="rejected", rejection="wrong_fix")], None, id="one-wrong-fix"),
        pytest.param(
            [
                past(state="rejected", rejection="wrong_fix"),
                past(2, pattern_id="pt-1", state="rejected"),
            ],
            "rejected_before",
            id="two-remedies",
        ),
        pytest.param(
            [past(state="rejected", rejection="not_a_problem")], "rejected_before", id="no-problem"
        ),
        pytest.param(
            [past(state="rejected", rejection="later", closed_at=NOW - timedelta(days=27))],
            "rejected_before",
            id="later",
        ),
        pytest.param(
            [past(state="rejected", rejection="later", closed_at=NOW - timedelta(days=29))],
            None,
            id="it-is-later",
        ),
        pytest.param([past(state="merged")], "measuring", id="being-measured"),
        pytest.param([past(state="merged", verdict="unknown")], None, id="measured"),
    ],
)
def test_a_pattern_may_be_decided_as_a_whole(history: list[PastProposal], code: str | None) -> None:
    decided = pattern_decided(a_pattern(id="pt-1"), history, now=NOW)

    assert (decided.code if decided else None) == code


@pytest.mark.parametrize(("window_days", "code"), [(28, None), (42, "measuring")])
def test_what_worked_rests_as_long_as_the_window_holds_failures_from_before(
    window_days: int, code: str | None
) -> None:
    worked = past(state="merged", verdict="worked", merged_at=NOW - timedelta(days=35))

    decided = pattern_decided(a_pattern(id="pt-1"), [worked], now=NOW, window_days=window_days)

    assert (decided.code if decided else None) == code


def kept(proposals: list[Proposal], history: list[PastProposal]) -> list[str]:
    result, _ = within_caps(proposals, history, now=NOW)
    return [proposal.title for proposal in result]


def test_three_new_ones_a_week_the_most_important_first() -> None:
    result, waiting = within_caps([a_proposal(n) for n in range(1, 6)], [], now=NOW)

    assert [proposal.title for proposal in result] == ["Rule 5", "Rule 4", "Rule 3"]
    assert [skipped.what for skipped in waiting] == ["Rule 2", "Rule 1"]
    assert {skipped.code for skipped in waiting} == {"cap"}


@pytest.mark.parametrize("state", ["open", "merged", "rejected", "closed"])
def test_what_was_opened_this_week_counts_whatever_became_of_it(state: str) -> None:
    history = [past(n, state=state, opened_at=NOW - timedelta(days=6)) for n in (10, 11)]

    assert kept([a_proposal(1), a_proposal(2)], history) == ["Rule 2"]


def test_what_was_opened_before_this_week_does_not_count() -> None:
    history = [past(n, opened_at=NOW - timedelta(days=7)) for n in (10, 11, 12)]

    assert kept([a_proposal(1)], history) == ["Rule 1"]


def test_a_cycle_that_runs_twice_opens_no_more() -> None:
    first = kept([a_proposal(n) for n in range(1, 6)], [])
    history = [past(n, opened_at=NOW) for n in (3, 4, 5)]

    assert len(first) == 3
    assert kept([a_proposal(1), a_proposal(2)], history) == []


def test_an_update_of_an_open_one_is_not_new() -> None:
    history = [past(n, opened_at=NOW) for n in (1, 2, 3)]

    assert kept([a_proposal(1), a_proposal(9)], history) == ["Rule 1"]


def test_one_open_for_each_intent() -> None:
    first, second = (a_proposal(n, prediction=intent("i-cancel")) for n in (1, 2))
    other = a_proposal(3, prediction=intent("i-refund"))

    assert kept([first, second, other], []) == ["Rule 3", "Rule 2"]
    history = [past(9, marker={"prediction": {"intent_id": "i-cancel"}})]
    assert kept([first, other], history) == ["Rule 3"]


@pytest.mark.parametrize(
    ("days", "stood_at", "new", "fine"),
    [
        pytest.param(6, 0.5, 0.6, False, id="moved-this-week"),
        pytest.param(8, 0.5, 0.6, True, id="moved-last-week"),
        pytest.param(60, 0.4, 0.62, False, id="half-its-value-in-a-quarter"),
        pytest.param(100, 0.4, 0.62, True, id="in-more-than-a-quarter"),
    ],
)
def test_a_threshold_moves_slowly(days: int, stood_at: float, new: float, fine: bool) -> None:
    move = a_proposal(threshold=ThresholdMove(name="flag", old=0.52, new=new))
    marker: dict[str, Any] = {"threshold": {"name": "flag", "from": stood_at, "to": 0.52}}
    opened = NOW - timedelta(days=days)
    history = [past(8, state="merged", verdict="worked", opened_at=opened, marker=marker)]

    assert bool(kept([move], history)) is fine


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({}, None, id="enough"),
        pytest.param({"evidence": tuple("abcd")}, "4 conversations", id="four"),
        pytest.param({"evidence": ("a",) * 9}, "1 conversation;", id="one-repeated"),
        pytest.param({"evidence_users": 2}, "2 users", id="two-users"),
        pytest.param({"top_user_share": 0.41}, "41 %", id="one-user-has-most"),
        pytest.param({"evidence_users": 0, "top_user_share": None}, None, id="no-ids"),
    ],
)
def test_strangers_must_be_several(changes: dict[str, Any], says: str | None) -> None:
    refused = conversation_floor(a_pattern(**changes))

    assert (says is None) == (refused is None)
    assert refused is None or says is None or says in refused.reason


def test_without_user_ids_the_pull_request_says_so() -> None:
    assert floor_note(a_pattern()) is None
    assert "No user ids" in (floor_note(a_pattern(evidence_users=0)) or "")


@pytest.mark.parametrize(
    ("label", "safe"),
    [
        ("c_level", True),
        ("Head of Sales", True),
        ("eu/west-1", True),
        ("x" * 40, True),
        ("x" * 41, False),
        ("a b c d e", False),
        ("a\n", False),
        ("Geschäftsführung", True),
        ("役員", False),
        ("\u0430dmin", False),
        ("a\u200b", False),
        ("", False),
    ],
)
def test_a_label_is_a_short_plain_name(label: str, safe: bool) -> None:
    assert is_safe_label(label) is safe


def test_two_patterns_with_one_remedy_give_one_proposal_at_a_time() -> None:
    first, second = (a_proposal(number, remedy="prompts/a.md § top") for number in (2, 1))
    opened = past(2, marker={"remedy": first.remedy})

    kept, skipped = within_caps([second, first], [], now=NOW)
    again, waits = within_caps([second], [opened], now=NOW)

    assert (kept, again) == ((first,), ())
    assert ["comes first" in one.reason for one in (*skipped, *waits)] == [True, True]


# -- what people did besides closing ---------------------------------------------------------------


@pytest.mark.parametrize(
    "how", [{"state": "merged", "reverted": True}, {"state": "closed", "close_reason": "expired"}]
)
def test_what_was_taken_back_or_forgotten_comes_again_only_with_twice_the_evidence(
    how: dict[str, Any],
) -> None:
    decided = already_decided(a_proposal(entries=9), [past(**how)])

    assert decided is not None
    assert decided.code == "rejected_before"
    assert already_decided(a_proposal(entries=10), [past(**how)]) is None


def test_a_merge_that_was_taken_back_counts_as_a_rejected_remedy_and_not_as_measured() -> None:
    pattern = a_pattern(id="pt-1", agent="support")
    taken_back = [past(n, pattern_id="pt-1", state="merged", reverted=True) for n in (1, 2)]

    one = pattern_decided(pattern, taken_back[:1], now=NOW)
    two = pattern_decided(pattern, taken_back, now=NOW)

    assert one is None
    assert two is not None
    assert "#1, #2" in two.reason
    assert two.what == "a change of support against Cancel an order: failure"


@pytest.mark.parametrize(
    ("verdict", "waits"), [(None, True), ("harmed", True), ("worked", False), ("unknown", False)]
)
def test_what_was_retired_is_not_proposed_again_before_the_retirements_verdict(
    verdict: str | None, waits: bool
) -> None:
    proposal = a_proposal(entries=100)
    marker = {"remedy": f"retire {proposal.id}", "prediction": {"metric": "failure"}}
    retirement = past(7, state="merged", verdict=verdict, marker=marker)

    decided = already_decided(proposal, [retirement])

    assert (decided is not None) is waits
    assert decided is None or decided.code == "measuring"


def test_what_is_stale_is_proposed_again_though_nothing_new_is_known() -> None:
    assert already_decided(a_proposal(), [past()]) is not None
    assert already_decided(a_proposal(), [past(stale_paths=("prompts/a.md",))]) is None


def test_remarks_and_edits_of_reviewers_are_told_to_the_next_attempt() -> None:
    pattern = a_pattern(id="pt-1", agent="support")
    open_one = past(
        remarks=(
            Remark(kind="check", author="lint", text="line too long"),
            Remark(kind="review", author="alice", text="Too curt.", path="prompts/a.md"),
        ),
        reviewer_edits=(
            ReviewerEdit(path="prompts/a.md", proposed="a\nb\n", edited="a\nbetter\n"),
        ),
    )

    said = constraints(pattern, [open_one, past(2)])

    assert said == [
        "The check lint fails on the open change: line too long",
        "A reviewer said about prompts/a.md of the open change: Too curt.",
        "A reviewer changed what we proposed for prompts/a.md:\n- b\n+ better",
    ]


def test_another_remedy_for_the_same_pattern_does_not_wait_for_the_one_that_it_replaces() -> None:
    new = a_proposal(2, pattern_id="pt-1", remedy="prompts/b.md: other")
    full = PublishSettings(max_open=1)

    kept, _ = within_caps([new], [past()], now=NOW, limits=full)
    waiting, _ = within_caps([new], [past(touched=True)], now=NOW, limits=full)

    assert [one.id for one in kept] == [new.id]
    assert waiting == ()
