"""Decisions: rates, likeness, rules, and whether the task is still the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from bot.patterns import find_patterns, restless
from bot.records import Decision, PastProposal, PatternReport
from tests.bot.builders import NOW, a_decision, a_fact, a_pattern, facts
from tests.bot.proposals_built import a_past


def found_in(decisions: Sequence[Decision], rows: Sequence[Any] = ()) -> PatternReport:
    return find_patterns(facts(rows), (), decisions, taxonomy=None, now=NOW)


def kinds(report: PatternReport) -> list[str]:
    return [finding.kind for finding in report.findings]


def some(number: int, **changes: Any) -> list[Decision]:
    """Decisions spread over the window, each with its own features at random."""
    random = np.random.default_rng(4)
    return [
        a_decision(
            n,
            at=NOW - timedelta(days=25) + timedelta(days=22) * n / number,
            features={name: float(random.random()) for name in ("amount", "risk", "age")},
            **{"response": "approve", **changes},
        )
        for n in range(number)
    ]


def test_rates_count_what_people_saw_long_enough_ago() -> None:
    answers = ["dismiss"] * 20 + ["approve"] * 50 + ["modify"] * 6 + ["escalate"] * 4 + [None] * 20
    log = [a_decision(n, response=answer) for n, answer in enumerate(answers)]
    unseen = a_decision(200, confidence=0.1, response=None)
    young = a_decision(201, at=NOW - timedelta(hours=47), response="dismiss")

    (rates,) = found_in([*log, unseen, young]).decisions

    assert (rates.threshold_name, rates.waiting) == ("fraud.flag", 1)
    assert (rates.response.failed, rates.response.total) == (80, 100)
    shares = (rates.dismissed, rates.approved, rates.modified, rates.escalated)
    assert [share and (share.failed, share.total) for share in shares] == [
        (20, 80),
        (50, 80),
        (6, 80),
        (4, 80),
    ]


def test_decisions_without_a_threshold_have_rates_too() -> None:
    log = [a_decision(n, threshold_name=None, confidence=None) for n in range(10)]

    (rates,) = found_in(log).decisions

    assert (rates.threshold_name, rates.response.total) == (None, 10)


def alike(number: int, response: str, start: int = 1000) -> list[Decision]:
    return [
        a_decision(
            start + n,
            at=NOW - timedelta(days=24) + timedelta(hours=12 * n),
            features={"amount": 0.95 + n / 1000, "risk": 0.05 + n / 1000, "age": 0.5 + n / 1000},
            response=response,
        )
        for n in range(number)
    ]


@pytest.mark.parametrize(
    ("number", "response", "found"),
    [
        pytest.param(5, "dismiss", ["dismiss_cluster"], id="five-dismissals"),
        pytest.param(4, "dismiss", [], id="four-dismissals"),
        pytest.param(3, "escalate", ["escalate_cluster"], id="three-escalations"),
        pytest.param(2, "escalate", [], id="two-escalations"),
    ],
)
def test_responses_to_inputs_that_are_alike_are_a_finding(
    number: int, response: str, found: list[str]
) -> None:
    report = found_in([*some(120), *alike(number, response)])

    assert kinds(report) == found
    for finding in report.findings:
        assert finding.sentence.startswith(f"{number} decisions that people {response}")
        assert "amount 0.95 to" in finding.sentence
        assert len(finding.evidence) == number


def test_one_input_that_was_dismissed_again_and_again_is_one() -> None:
    same = [a_decision(2000 + n, features={"amount": 0.9}, input_hash="same") for n in range(9)]

    assert kinds(found_in([*some(120), *same])) == []


def test_a_rule_after_which_people_dismiss_is_a_finding_with_its_rate() -> None:
    def by_rule(rule: str, start: int, dismissed: int) -> list[Decision]:
        return [
            a_decision(
                start + n,
                rules=(rule,),
                confidence=None,
                threshold_name=None,
                response="dismiss" if n < dismissed else "approve",
            )
            for n in range(40)
        ]

    report = found_in([*by_rule("velocity", 0, 30), *by_rule("country", 100, 4)])

    (finding,) = report.findings
    assert finding.kind == "dismiss_rule"
    assert finding.sentence.startswith("After rule velocity people dismissed 30 of 40")
    assert finding.sentence.endswith("after the others 10 %.")


# -- the task is not the same ---------------------------------------------------------------------


def dismissed_often(shifted: float) -> list[Decision]:
    random = np.random.default_rng(8)
    return [
        a_decision(
            n,
            at=NOW - timedelta(days=25) + timedelta(hours=2 * n),
            features={"amount": float(random.normal(shifted * (n >= 130), 1))},
            response="dismiss" if n % 2 else "approve",
        )
        for n in range(260)
    ]


def test_a_threshold_whose_traffic_changed_is_not_tuned() -> None:
    report = found_in(dismissed_often(shifted=1.5))

    assert report.patterns == ()
    assert kinds(report) == ["shifted_traffic"]
    assert "feature amount" in report.findings[0].sentence
    assert report.refused[-1].reason.endswith("No move is proposed from these decisions.")


def test_traffic_that_only_varies_stops_nothing() -> None:
    report = found_in(dismissed_often(shifted=0.0))

    assert [pattern.threshold_name for pattern in report.patterns] == ["fraud.flag"]
    assert kinds(report) == []


def test_people_who_come_with_something_else_are_a_finding_and_stop_the_agents_thresholds() -> None:
    rows = [
        a_fact(
            n,
            agent="fraud-desk",
            started_at=NOW - timedelta(days=27) + timedelta(hours=2 * n),
            ended_at=NOW - timedelta(days=27) + timedelta(hours=2 * n),
            intents=["i-new" if n > 160 and n % 2 else "i-old"],
        )
        for n in range(320)
    ]

    report = found_in(dismissed_often(shifted=0.0), rows)

    assert kinds(report) == ["shifted_traffic"]
    assert "intents" in report.findings[0].sentence
    assert report.patterns == ()


def test_a_threshold_that_turned_round_in_the_window_is_not_tuned() -> None:
    log = [
        a_decision(
            n,
            at=NOW - timedelta(days=20) + timedelta(hours=4 * n),
            threshold_value=(0.5, 0.4)[n // 24 % 2],
        )
        for n in range(100)
    ]

    report = found_in(log)

    assert kinds(report) == ["oscillating_threshold"]
    assert report.patterns == ()


def moves(*values: float) -> list[PastProposal]:
    return [
        a_past(
            id=f"p-{n}",
            agent="fraud-desk",
            state="merged",
            merged_at=NOW - timedelta(days=100 - 20 * n),
            marker={"threshold": {"name": "fraud.flag", "from": values[n], "to": values[n + 1]}},
        )
        for n in range(len(values) - 1)
    ]


@pytest.mark.parametrize(
    ("values", "turned"),
    [
        pytest.param((0.5, 0.6, 0.5, 0.6), True, id="up-down-up"),
        pytest.param((0.5, 0.6, 0.5), False, id="taken-back-once"),
        pytest.param((0.5, 0.6, 0.7, 0.8), False, id="one-direction"),
    ],
)
def test_merged_moves_that_go_up_and_down_end_the_tuning(
    values: tuple[float, ...], turned: bool
) -> None:
    pattern = a_pattern(kind="threshold", agent="fraud-desk", threshold_name="fraud.flag")

    finding = restless(pattern, moves(*values))

    assert (finding is not None) == turned
    if finding is not None:
        assert "0.5 → 0.6 → 0.5 → 0.6" in finding.sentence
