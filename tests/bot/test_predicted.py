"""A prediction can still be measured when its change works."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from bot.predicted import over_all
from bot.records import FACTS_SCHEMA, Interval, Pattern, Prediction
from tests.bot.proposals_built import a_proposal

AT = datetime(2026, 11, 1, tzinfo=UTC)


def facts(failing: int, total: int) -> pa.Table:
    """`total` users of the agent, of whom the first `failing` end with the tool and fail."""
    rows = [
        {
            "agent": "support",
            "conversation_id": f"c-{number}",
            "unit": f"u-{number}",
            "has_user": True,
            "started_at": AT,
            "has_text": True,
            "signals": [],
            "outcomes": ["failure" if number < failing else "success"],
            "bad": ["failure"] if number < failing else [],
            "intents": ["i-1"],
            "segments": [("last_tool", "cancel" if number < failing else "look")],
        }
        for number in range(total)
    ]
    return pa.Table.from_pylist(rows, schema=FACTS_SCHEMA)


def a_pattern(**changes: Any) -> Pattern:
    made = Pattern(
        id="pt-1",
        kind="outcome",
        agent="support",
        outcome="failure",
        unit="user",
        rate=1.0,
        rate_interval=Interval(low=0.8, high=1.0),
        users=20,
        conversations=20,
        evidence=tuple(f"c-{number}" for number in range(20)),
        evidence_users=20,
        segment={"last_tool": "cancel"},
    )
    return replace(made, **changes)


def a_prediction(**changes: Any) -> Prediction:
    made = Prediction(
        metric="failure",
        population="users of support with last_tool cancel",
        baseline_rate=1.0,
        expected=Interval(low=0.2, high=0.6, level=0.8),
        days=28,
        segment={"last_tool": "cancel"},
    )
    return replace(made, **changes)


def test_a_group_that_a_working_change_empties_is_measured_among_all() -> None:
    proposal = a_proposal(prediction=a_prediction())

    found = over_all(proposal, a_pattern(), facts(20, 100)).prediction

    assert found is not None
    assert found.segment == {}
    assert found.population == "all users of support"
    assert found.baseline_rate == pytest.approx(0.2)
    # 20 of 100 users fail in this way; 40 to 80 % of them are expected to fail no more.
    assert (found.expected.low, found.expected.high) == pytest.approx((0.04, 0.12))


def test_who_they_are_stays() -> None:
    segment = {"signal": "refusal", "plan": "free"}
    proposal = a_proposal(prediction=a_prediction(segment=segment, intent_id="i-1"))
    table = facts(20, 100).to_pylist()
    for number, row in enumerate(table):
        row["segments"] = [("plan", "free" if number < 50 else "paid")]
    pattern = a_pattern(segment=segment, intent_id="i-1", intent_name="cancel a stay")

    found = over_all(proposal, pattern, pa.Table.from_pylist(table, FACTS_SCHEMA)).prediction

    assert found is not None
    assert found.segment == {"plan": "free"}
    assert found.population == 'all users of support about "cancel a stay" with plan free'
    assert found.baseline_rate == pytest.approx(20 / 50)


@pytest.mark.parametrize(
    "prediction",
    [
        pytest.param(None, id="none"),
        pytest.param(a_prediction(segment={"plan": "free"}), id="whom"),
        pytest.param(a_prediction(segment={}), id="all"),
    ],
)
def test_all_other_predictions_stay_as_they_are(prediction: Prediction | None) -> None:
    proposal = a_proposal(prediction=prediction)

    assert over_all(proposal, a_pattern(), facts(20, 100)) == proposal
