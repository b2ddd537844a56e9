"""Whom a merged change is measured on: conversations or decisions, when, and who failed.

The population is the pattern's own, rebuilt from the marker of the pull request, so that the same
things are counted that the prediction was made about.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, Field

from bot.figures import count
from bot.records import Correction, Decision, Live, PastProposal, Skipped
from bot.replay import RESPONSE_LAG

WEEK = timedelta(days=7)
LOOKS = 4

Unit = Literal["user", "conversation", "decision"]


class Prediction(BaseModel):
    """As the marker carries it. A body can be edited by others, so it is checked."""

    metric: str = Field(min_length=1, max_length=200)
    baseline_rate: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    level: float = Field(default=0.8, gt=0, lt=1)
    intent_id: str | None = None
    segment: dict[str, str] = {}
    margin: float | None = Field(default=None, gt=0, lt=1)


class Threshold(BaseModel):
    name: str
    to: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """One conversation or decision of the population."""

    at: datetime
    unit: str
    failed: bool
    version: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Population:
    unit: Unit
    observations: Sequence[Observation]
    live_at: datetime
    live_seen: bool
    """The change itself was seen in production; else the clock starts at the merge."""
    known_until: datetime
    """What is younger may still be answered by people, or its outcome may still come: to count it
    as good would favour the days after the merge."""


def population_of(
    past: PastProposal,
    prediction: Prediction,
    threshold: Threshold | None,
    facts: pa.Table,
    corrections: Sequence[Correction],
    decisions: Sequence[Decision],
    live: Live | None,
    now: datetime,
    lag: timedelta,
) -> Population | Skipped:
    merged_at = past.merged_at or now
    if threshold is not None:
        return _answered(past, threshold, decisions, merged_at, now)
    start = _start(past, live, merged_at)
    if isinstance(start, Skipped):
        return start
    rows = _rows(facts, past.agent, start.at, now)
    if prediction.metric.startswith("correction:"):
        return _reviewed(past, prediction, rows, corrections, start, now)
    members = [
        row for row in _judged(rows, prediction.metric) if _belongs(row, prediction, start.at)
    ]
    by_user = 2 * sum(1 for row in members if row["has_user"]) > len(members)
    return Population(
        unit="user" if by_user else "conversation",
        observations=[_observed(row, row["unit"], _failed(row, prediction)) for row in members],
        live_at=start.at,
        live_seen=start.is_seen,
        known_until=now - lag,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Start:
    """When the clock of a verdict starts."""

    at: datetime
    is_seen: bool


def _start(past: PastProposal, live: Live | None, merged_at: datetime) -> _Start | Skipped:
    """When the changed text was first served; the merge where captured texts cannot show it."""
    if live is None or not live.is_visible:
        return _Start(at=merged_at, is_seen=False)
    if live.at is not None:
        return _Start(at=max(live.at, merged_at), is_seen=True)
    if live.last_at is None or live.last_at < merged_at:
        return _Start(at=merged_at, is_seen=False)
    newest = f"{live.last_at:%Y-%m-%d %H:%M}"
    return skipped(
        past, "not_live", f"the prompt that served at {newest}, after the merge, is the one before"
    )


def _judged(rows: Sequence[dict[str, Any]], metric: str) -> Sequence[dict[str, Any]]:
    """Those that the metric speaks of, as the pattern counted them."""
    if metric.startswith("signal:"):
        return [row for row in rows if row["has_text"]]
    if metric == "failure" and any("success" in (row["good"] or ()) for row in rows):
        # Where both are declared, a conversation with neither is not judged yet.
        return [row for row in rows if {"failure", "success"} & set(row["outcomes"] or ())]
    return rows


def _reviewed(
    past: PastProposal,
    prediction: Prediction,
    rows: Sequence[dict[str, Any]],
    corrections: Sequence[Correction],
    start: _Start,
    now: datetime,
) -> Population:
    """Conversations that a person looked at; all of them where no review is ever reported."""
    kind = prediction.metric.removeprefix("correction:")
    of: dict[str, list[Correction]] = defaultdict(list)
    for one in corrections:
        if one.agent == past.agent and one.conversation_id is not None:
            of[one.conversation_id].append(one)
    seen = {row["conversation_id"] for row in rows if _is_reviewed(row)}
    observations = []
    for row in rows:
        found = of.get(row["conversation_id"], [])
        if seen and not found and row["conversation_id"] not in seen:
            continue
        if row["started_at"] > now - RESPONSE_LAG:
            continue
        told = {key: value for one in found for key, value in one.segments.items()}
        segments = {**dict(row["segments"] or ()), **told}
        if _belongs({**row, "segments": segments}, prediction, start.at):
            # The first type is the one that the pattern counts.
            failed = any(one.types[:1] == (kind,) for one in found)
            observations.append(_observed(row, row["conversation_id"], failed))
    return Population(
        unit="conversation",
        observations=observations,
        live_at=start.at,
        live_seen=start.is_seen,
        known_until=now - RESPONSE_LAG,
    )


def _is_reviewed(row: Mapping[str, Any]) -> bool:
    return any(outcome.startswith("review_") for outcome in row["outcomes"] or ())


def _rows(facts: pa.Table, agent: str, live_at: datetime, now: datetime) -> list[dict[str, Any]]:
    """The agent's conversations of the days that can count; those without a time cannot."""
    at = facts["started_at"]
    kind = pa.timestamp("us", "UTC")
    wanted = pc.and_(
        pc.equal(facts["agent"], agent),
        pc.and_(
            pc.greater_equal(at, pa.scalar(live_at - LOOKS * WEEK, kind)),
            pc.less(at, pa.scalar(min(now, live_at + LOOKS * WEEK), kind)),
        ),
    )
    found: list[dict[str, Any]] = facts.filter(wanted).to_pylist()
    return found


def _belongs(row: Mapping[str, Any], prediction: Prediction, live_at: datetime) -> bool:
    if prediction.intent_id is not None and prediction.intent_id not in (row["intents"] or ()):
        return False
    segments = dict(row["segments"] or ())
    for key, value in prediction.segment.items():
        if key == "version" and row["started_at"] >= live_at:
            continue  # the merge makes a new version, which stands for the old one
        if key == "signal" and key not in segments:
            if value not in (row["signals"] or ()):
                return False
        elif segments.get(key, row.get(key)) != value:
            return False
    return True


def _failed(row: Mapping[str, Any], prediction: Prediction) -> bool:
    metric = prediction.metric
    if metric.startswith("signal:"):
        return metric.removeprefix("signal:") in (row["signals"] or ())
    return metric in (row["outcomes"] or ()) or metric in (row["bad"] or ())


def _observed(row: Mapping[str, Any], unit: str, failed: bool) -> Observation:
    return Observation(at=row["started_at"], unit=unit, failed=failed, version=row["version"])


def _answered(
    past: PastProposal,
    threshold: Threshold,
    decisions: Iterable[Decision],
    merged_at: datetime,
    now: datetime,
) -> Population | Skipped:
    """Fired and answered decisions; live when the log shows the new value for the first time."""
    ours = [
        (one.at, one)
        for one in decisions
        if one.agent == past.agent and one.threshold_name == threshold.name and one.at is not None
    ]
    live_at, live_seen = merged_at, False
    since = [one for at, one in ours if at >= merged_at]
    if threshold.to is not None and since:
        new = threshold.to
        seen = [at for at, one in ours if at >= merged_at and _is_value(one, new)]
        if not seen:
            values = sorted({str(one.threshold_value) for one in since})
            return skipped(
                past,
                "not_live",
                f"{count(len(since), 'decision')} since the merge still use "
                f"{', '.join(values[:3])} and not {new:g}",
            )
        live_at, live_seen = min(seen), True
    observations = [
        Observation(at=at, unit=one.id, failed=one.response == "dismiss")
        for at, one in ours
        if one.fired and one.response is not None and at <= now - RESPONSE_LAG
    ]
    return Population(
        unit="decision",
        observations=observations,
        live_at=live_at,
        live_seen=live_seen,
        known_until=now - RESPONSE_LAG,
    )


def _is_value(decision: Decision, value: float) -> bool:
    given = decision.threshold_value
    return given is not None and math.isclose(given, value, rel_tol=1e-6)


def threshold_of(past: PastProposal) -> Threshold | None:
    given = past.marker.get("threshold")
    return None if given is None else Threshold.model_validate(given)


def skipped(past: PastProposal, code: str, reason: str) -> Skipped:
    return Skipped(what=f"verdict on {past.reference}", code=code, reason=f"{reason}.")
