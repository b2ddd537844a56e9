"""A miscalibrated threshold moves by at most a fifth; anything doubtful is refused with numbers."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.gate import gate
from bot.proposals import apply_edits, propose_threshold
from bot.proposals.scalars import Scalar, digits_like, find_scalar, set_scalar
from bot.records import (
    AgentFiles,
    Decision,
    Edit,
    Pattern,
    Proposal,
    Repository,
    Skipped,
    SourceFile,
    ThresholdMove,
)
from bot.regions.structure import changed_leaves
from bot.replay import answered, halves
from bot.statistics import failure_rate
from tests.bot.builders import NOW, a_decision, a_pattern

PATH = "config/thresholds.yml"
YAML = """\
# Tuned by hand in spring; never below 0.40.
fraud:
  flag: 0.50   # people look at everything from here
  block: 0.95
support:
  escalate: "0.50"
"""


def decisions(
    count: int = 400,
    *,
    seed: int = 1,
    useful_from: float = 0.6,
    noise: float = 0.05,
    lowest: float = 0.5,
    answered_share: float = 0.9,
    days: int = 26,
    **changes: Any,
) -> tuple[Decision, ...]:
    """`count` decisions at threshold 0.50; people dismiss what scores under `useful_from`."""
    rng = random.Random(seed)  # noqa: S311 - a simulation
    made = []
    for number in range(count):
        score = round(rng.uniform(lowest, 1), 3)
        dismissed = (score < useful_from) != (rng.random() < noise)
        response = "dismiss" if dismissed else "approve"
        asked = score >= 0.5 and rng.random() < answered_share
        values = {
            "conversation_id": f"c-{number // 2}",
            "user_id": f"u-{number % 50}",
            "at": NOW - timedelta(days=28) + timedelta(days=days) * (number / count),
            "confidence": score,
            "response": response if asked else None,
        }
        made.append(a_decision(number, **{**values, **changes}))
    return tuple(made)


def a_threshold_pattern(group: Sequence[Decision], name: str = "fraud.flag") -> Pattern:
    fired = [one for one in group if one.fired and one.response]
    dismissed = failure_rate(sum(one.response == "dismiss" for one in fired), len(fired) or 1)
    return a_pattern(
        kind="threshold",
        agent="fraud-desk",
        outcome="dismissed",
        unit="decision",
        rate=dismissed.rate,
        rate_interval=dismissed.interval,
        decisions=tuple(group),
        threshold_name=name,
        intent_id=None,
    )


def propose(
    group: Sequence[Decision], files: Mapping[str, str] | None = None, name: str = "fraud.flag"
) -> Proposal | Skipped:
    sources = {
        path: SourceFile(path=path, blob="b10b", text=text)
        for path, text in (files or {PATH: YAML}).items()
    }
    result = propose_threshold(
        a_threshold_pattern(group, name),
        Repository(base_sha="ba5e", base_branch="main", files=sources),
        AgentFiles(agent="fraud-desk", thresholds=tuple(sources)),
        now=NOW,
    )
    if isinstance(result, Proposal):
        assert isinstance(apply_edits(sources, result.edits), dict)
    return result


def proposed(group: Sequence[Decision], files: Mapping[str, str] | None = None) -> Proposal:
    result = propose(group, files)
    assert isinstance(result, Proposal), result
    return result


def refusal(group: Sequence[Decision], files: Mapping[str, str] | None = None) -> Skipped:
    result = propose(group, files)
    assert isinstance(result, Skipped), result
    return result


def test_four_hundred_decisions_move_a_miscalibrated_threshold_by_a_fifth() -> None:
    result = proposed(decisions())

    assert result.threshold == ThresholdMove(name="fraud.flag", old=0.5, new=0.6)
    assert result.title == "Raise fraud.flag from 0.50 to 0.60"
    assert [edit.new for edit in result.edits] == [
        "  flag: 0.60   # people look at everything from here"
    ]
    assert result.evidence.entries >= 5
    assert 3 <= len(result.evidence.items) <= 5


@pytest.mark.parametrize("seed", range(8))
def test_no_move_is_larger_than_a_fifth_nor_without_effect(seed: int) -> None:
    result = proposed(decisions(seed=seed, useful_from=0.75))

    assert result.threshold is not None
    assert 0.5 < result.threshold.new <= 0.6


def test_the_gate_passes_what_holds_on_decisions_that_chose_nothing() -> None:
    group = decisions()
    result = gate(proposed(group), a_threshold_pattern(group), now=NOW)

    assert result.verdict == "pass"
    assert {check.name: check.verdict for check in result.checks} == {
        "dismissal rate": "pass",
        "needed but not shown": "pass",
        "cost per decision": "pass",
    }


def test_the_gate_fails_what_only_held_in_the_older_half() -> None:
    group = decisions(useful_from=0.75)
    older = {one.id for one in halves(answered(group, now=NOW))[0]}
    turned = [
        one if one.id in older or one.response is None else replace(one, response="approve")
        for one in group
    ]

    result = gate(proposed(turned), a_threshold_pattern(turned), now=NOW)

    assert result.verdict == "fail"
    assert "needed but not shown" in result.sentence


def test_the_gate_needs_sessions_for_an_interval() -> None:
    few = tuple(replace(one, conversation_id="c-1") for one in decisions()[-100:])

    result = gate(proposed(decisions()), a_threshold_pattern(few), now=NOW)

    assert result.verdict == "inconclusive"


def test_the_gate_says_that_a_rule_was_not_replayed() -> None:
    rule = replace(proposed(decisions()), kind="rule", threshold=None)

    result = gate(rule, a_threshold_pattern(decisions()), now=NOW)

    assert result.verdict == "inconclusive"
    assert "Not replayed" in result.sentence


@pytest.mark.parametrize(
    ("group", "code", "says"),
    [
        pytest.param(decisions(6), "evidence_floor", "5 are needed", id="six"),
        pytest.param((), "evidence_floor", "No decision older", id="none"),
        pytest.param(decisions(at=NOW - timedelta(hours=47)), "evidence_floor", "48", id="young"),
        pytest.param(decisions(answered_share=0.5), "few_responses", "60 %", id="few-responses"),
        pytest.param(decisions(useful_from=0.0), "healthy", "under 15 %", id="healthy"),
        pytest.param(
            decisions(input_hash="same"), "evidence_floor", "1 dismissed", id="one-input-repeated"
        ),
        pytest.param(decisions(noise=0.5), "no_better_value", "3 times", id="scores-say-nothing"),
        pytest.param(
            decisions(threshold_value=0.4), "production_differs", "0.4;", id="production-differs"
        ),
        pytest.param(
            decisions(threshold_value=None), "evidence_floor", "No decision", id="no-threshold"
        ),
    ],
)
def test_what_is_no_ground_for_a_change_is_refused(
    group: Sequence[Decision], code: str, says: str
) -> None:
    refused = refusal(group)

    assert refused.code == code
    assert says in refused.reason


def test_a_value_that_might_hide_what_people_need_is_not_proposed() -> None:
    group = [
        replace(one, response="approve")
        if one.response and (one.confidence or 0) < 0.6 and number % 4 == 0
        else one
        for number, one in enumerate(decisions(90, noise=0.0))
    ]

    assert refusal(group).code == "no_better_value"


def test_below_the_threshold_nothing_moves_without_labels() -> None:
    group = decisions(lowest=0.0, useful_from=0.3, noise=0.2)

    refused = refusal(group)

    assert refused.detail == ("Below 0.50 the risk is unknown: 0 decisions there have a response.")


def test_a_labelled_sample_below_the_threshold_can_lower_it() -> None:
    group = [
        replace(one, response="approve" if (one.confidence or 0) >= 0.41 else "dismiss")
        if (one.confidence or 0) < 0.5
        else one
        for one in decisions(600, lowest=0.3, useful_from=0.41, noise=0.2)
    ]

    result = proposed(group)

    assert result.threshold is not None
    assert 0.4 <= result.threshold.new < 0.5
    assert "Only a sample of what lies below 0.50 was judged" in result.risk


def test_a_hostile_threshold_name_reaches_nothing() -> None:
    result = propose(decisions(), name="x` ::set-output @everyone")

    assert isinstance(result, Skipped)
    assert "everyone" not in result.what + result.reason


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        pytest.param("a.json", '{"fraud": {"flag": 0.5}}', '{"fraud": {"flag": 0.6}}', id="json"),
        pytest.param("a.toml", "[fraud]\nflag = 0.5 # x\n", "[fraud]\nflag = 0.6 # x\n", id="toml"),
        pytest.param("a.yml", "fraud.flag: '.5'\r\n", "fraud.flag: '.6'\r\n", id="quoted-crlf"),
        pytest.param(
            "a.yml", "t:\n  fraud:\n    flag: 0.500", "t:\n  fraud:\n    flag: 0.598", id="decimals"
        ),
        pytest.param(
            "a.yml",
            "- name: other\n  value: 0.5\n- name: fraud.flag\n  value: 0.5\n",
            "- name: other\n  value: 0.5\n- name: fraud.flag\n  value: 0.6\n",
            id="list-of-names",
        ),
    ],
)
def test_only_the_digits_change(path: str, before: str, after: str) -> None:
    [edit] = proposed(decisions(), {path: before}).edits

    assert before.replace(edit.old, edit.new) == after


@pytest.mark.parametrize(
    ("files", "code"),
    [
        pytest.param({"a.yml": "other: 0.5\n"}, "no_file", id="no-such-name"),
        pytest.param({"a.yml": "fraud: {flag: 0.5"}, "no_file", id="does-not-parse"),
        pytest.param(
            {"a.yml": "x: {fraud: {flag: 0.5}}\ny: {fraud: {flag: 0.5}}\n"}, "ambiguous", id="two"
        ),
        pytest.param(
            {"a.yml": "fraud: {flag: 0.5}\n", "b.yml": "fraud: {flag: 0.5}\n"},
            "ambiguous",
            id="two-files",
        ),
        pytest.param({"a.yml": "base: &b 0.5\nfraud: {flag: *b}\n"}, "no_file", id="alias"),
        pytest.param({"a.yml": "fraud: {flag: 1}\n"}, "production_differs", id="another-value"),
    ],
)
def test_a_number_that_cannot_be_told_is_left_alone(files: Mapping[str, str], code: str) -> None:
    assert refusal(decisions(), files).code == code


def test_an_integer_stays_an_integer_and_within_a_fifth() -> None:
    group = [
        replace(one, confidence=round(100 * (one.confidence or 0)), threshold_value=52.0)
        for one in decisions(lowest=0.52)
    ]

    result = proposed(group, {PATH: "fraud:\n  flag: 52\n"})

    assert result.threshold is not None
    assert result.threshold.new == int(result.threshold.new) <= 62


def test_an_integer_too_small_to_move_by_a_fifth_stays() -> None:
    group = [replace(one, confidence=3.0, threshold_value=3.0) for one in decisions()]
    group = [replace(one, response="dismiss") if n % 2 else one for n, one in enumerate(group)]

    assert refusal(group, {PATH: "fraud:\n  flag: 3\n"}).code == "no_room"


def test_a_threshold_of_zero_moves_by_a_share_of_the_scores() -> None:
    group = [
        replace(one, confidence=round((one.confidence or 0) - 0.5, 3), threshold_value=0.0)
        for one in decisions()
    ]

    result = proposed(group, {PATH: "fraud:\n  flag: 0.0\n"})

    assert result.threshold is not None
    assert 0 < result.threshold.new <= 0.1


@settings(max_examples=60, deadline=None)
@given(
    others=st.lists(st.sampled_from([0.5, 0.7, 0.50, 5, 50]), min_size=1, max_size=6),
    new=st.decimals(min_value="0.01", max_value="0.99", places=2),
)
def test_no_other_value_of_the_file_changes(others: list[float], new: Decimal) -> None:
    lines = [f"  k{number}: {value}  # 0.5 here\n" for number, value in enumerate(others)]
    text = "other:\n" + "".join(lines) + "fraud:\n  flag: 0.5  # 0.5 there\n"
    scalar = find_scalar([SourceFile(path="a.yml", blob="b", text=text)], "fraud.flag")
    assert isinstance(scalar, Scalar)

    edit = set_scalar(scalar, new)

    if new == Decimal("0.50"):
        assert isinstance(edit, Skipped)
    else:
        assert not isinstance(edit, Skipped)
        after = text.replace(edit.old, edit.new)
        assert changed_leaves("a.yml", text, after) == {"fraud.flag"}
        assert after.replace(f"flag: {digits_like(scalar, new)}", "flag: 0.5") == text


def test_digits_in_groups_stay_in_groups() -> None:
    file = SourceFile(path="limits.py", blob="5" * 40, text="MAX_BYTES = 1_048_576\n")
    scalar = find_scalar([file], "MAX_BYTES")
    assert isinstance(scalar, Scalar)

    edit = set_scalar(scalar, Decimal(2_000_000))

    assert isinstance(edit, Edit)
    assert edit.new == "MAX_BYTES = 2_000_000"
