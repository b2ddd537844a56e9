"""Replays are exact counts; intervals are honest about few and about repeated sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.records import Decision
from bot.replay import (
    Answered,
    answered,
    cost_change,
    dismissal_change,
    halves,
    missed_change,
    replay,
    settled,
)
from tests.bot.builders import NOW, a_decision

SCORES = [(0.51, False), (0.53, False), (0.55, True), (0.60, True), (0.90, True)]


def items(pairs: list[tuple[float, bool]], **changes: Any) -> tuple[Answered, ...]:
    """Answered decisions from (score, needed)."""
    return tuple(
        Answered(
            **{
                "id": f"d-{number}",
                "session": f"s-{number}",
                "score": score,
                "needed": needed,
                "input": f"i-{number}",
                "at": NOW - timedelta(days=20) + timedelta(hours=number),
                **changes,
            }
        )
        for number, (score, needed) in enumerate(pairs)
    )


@pytest.mark.parametrize(
    ("threshold", "shown", "dismissed", "missed", "cost"),
    [
        pytest.param(0.50, 5, 2, 0, 2, id="as-it-is"),
        pytest.param(0.53, 4, 1, 0, 1, id="a-score-at-the-threshold-is-shown"),
        pytest.param(0.54, 3, 0, 0, 0, id="best"),
        pytest.param(0.60, 2, 0, 1, 3, id="a-missed-one-costs-three"),
        pytest.param(1.00, 0, 0, 3, 9, id="nothing-shown"),
    ],
)
def test_replay(threshold: float, shown: int, dismissed: int, missed: int, cost: float) -> None:
    result = replay(items(SCORES), threshold)

    assert (result.shown, result.dismissed, result.missed) == (shown, dismissed, missed)
    assert result.cost == cost
    assert (result.dismissal is None) == (shown == 0)


@pytest.mark.parametrize(
    ("decision", "counts"),
    [
        pytest.param(a_decision(), True, id="answered"),
        pytest.param(a_decision(at=NOW - timedelta(hours=47)), False, id="young"),
        pytest.param(a_decision(at=NOW - timedelta(hours=48)), True, id="two-days-old"),
        pytest.param(a_decision(at=None), False, id="without-a-time"),
        pytest.param(a_decision(response=None), False, id="unanswered"),
        pytest.param(a_decision(confidence=None), False, id="without-a-score"),
    ],
)
def test_only_settled_answers_with_a_score_count(decision: Decision, counts: bool) -> None:
    assert bool(answered([decision], now=NOW)) is counts


def test_only_a_dismissal_means_not_needed() -> None:
    kinds = ("approve", "modify", "escalate", "dismiss")
    decisions = [a_decision(number, response=kind) for number, kind in enumerate(kinds)]

    assert [one.needed for one in answered(decisions, now=NOW)] == [True, True, True, False]


def test_decisions_come_oldest_first() -> None:
    decisions = [a_decision(number) for number in (3, 1, 2)]

    assert [one.id for one in settled(decisions, now=NOW)] == ["d-1", "d-2", "d-3"]


def test_a_session_is_in_one_half_only() -> None:
    older, newer = halves(
        [*items(SCORES[:2], session="a"), *items(SCORES[2:], session="b"), *items(SCORES[:1])]
    )

    assert {one.session for one in older} == {"a"}
    assert {one.session for one in newer} == {"b", "s-0"}


def test_none_hidden_among_few_proves_little() -> None:
    few = missed_change(items([(0.9, True)] * 10), 0.5, 0.6, seed=1)
    many = missed_change(items([(0.9, True)] * 400), 0.5, 0.6, seed=1)

    assert few.estimate == many.estimate == 0
    assert few.interval.high == pytest.approx(0.2129, abs=1e-3), "Wilson for 0 of 10"
    assert many.interval.high < 0.01


def test_lowering_a_threshold_hides_nothing_more() -> None:
    change = missed_change(items([(0.45, True), (0.9, True)] * 20), 0.5, 0.4, seed=1)

    assert change.estimate == -0.5
    assert change.interval.high < 0


def test_decisions_of_one_session_count_once_in_the_width() -> None:
    pairs = [(0.52, False), (0.9, True)] * 40
    alone = dismissal_change(items(pairs), 0.5, 0.6, seed=1)
    together = [
        Answered(**{**vars_of(item), "session": f"s-{number % 8}"})
        for number, item in enumerate(items(sorted(pairs)))
    ]
    clustered = dismissal_change(together, 0.5, 0.6, seed=1)

    assert alone.estimate == clustered.estimate == -0.5
    assert (alone.sessions, clustered.sessions) == (80, 8)


def vars_of(item: Answered) -> dict[str, Any]:
    return {name: getattr(item, name) for name in Answered.__slots__}


def test_the_same_seed_gives_the_same_interval() -> None:
    pairs = [(0.52, False), (0.9, True), (0.55, True)] * 10

    first, again, other = (cost_change(items(pairs), 0.5, 0.6, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert first.estimate == pytest.approx(2 / 3), "a dismissed one less, a missed one more"
    assert first.interval != other.interval
