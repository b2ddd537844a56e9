"""What a change predicts where its pattern says how conversations went wrong, and not for whom.

"Users whose last tool was X fail" is the right place to look for a cause, and the wrong one to
measure on: where the change works nobody is left in the group, or those who are left fail as ever.
So the prediction is made about all users of the agent, or of the intent, who could have met it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bot.patterns.segments import SEEN
from bot.records import Interval, Pattern, Prediction, Proposal

HOW = frozenset({"signal"}) | SEEN
"""Keys of a segment by which a group says how it went, or how users put it."""


def over_all(proposal: Proposal, pattern: Pattern, facts: pa.Table) -> Proposal:
    """`proposal` with a prediction that can still be measured when its change works.

    `facts` are those of the window that `pattern` was found in.
    """
    prediction = proposal.prediction
    if prediction is None or HOW.isdisjoint(prediction.segment) or not prediction.baseline_rate:
        return proposal
    segment = {key: value for key, value in prediction.segment.items() if key not in HOW}
    rows = [row for row in _of_agent(facts, pattern.agent) if _belongs(row, pattern, segment)]
    failed: dict[str, bool] = defaultdict(bool)
    within = set(pattern.evidence)
    reached = set()
    for row in rows:
        failed[row["unit"]] |= _is_failed(row, prediction.metric)
        if row["conversation_id"] in within:
            reached.add(row["unit"])
    if not failed:
        return proposal
    base = sum(failed.values()) / len(failed)
    share = len(reached) / len(failed)
    low, high = (
        max(0.0, base - share * (1 - bound / prediction.baseline_rate))
        for bound in (prediction.expected.low, prediction.expected.high)
    )
    whom = [f"{key} {value}" for key, value in sorted(segment.items())]
    about = f' about "{pattern.intent_name}"' if pattern.intent_name else ""
    wider = Prediction(
        metric=prediction.metric,
        population=f"all {pattern.unit}s of {pattern.agent}{about}"
        + (f" with {', '.join(whom)}" if whom else ""),
        baseline_rate=base,
        expected=Interval(low=low, high=high, level=prediction.expected.level),
        days=prediction.days,
        intent_id=prediction.intent_id,
        segment=segment,
    )
    return replace(proposal, prediction=wider)


def _of_agent(facts: pa.Table, agent: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = facts.filter(pc.equal(facts["agent"], agent)).to_pylist()
    return found


def _belongs(row: dict[str, Any], pattern: Pattern, segment: dict[str, str]) -> bool:
    if pattern.intent_id is not None and pattern.intent_id not in (row["intents"] or ()):
        return False
    told = dict(row["segments"] or ())
    return all(told.get(key, row.get(key)) == value for key, value in segment.items())


def _is_failed(row: dict[str, Any], metric: str) -> bool:
    if metric.startswith("signal:"):
        return metric.removeprefix("signal:") in (row["signals"] or ())
    return metric in (row["outcomes"] or ()) or metric in (row["bad"] or ())
