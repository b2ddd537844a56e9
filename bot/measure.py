"""Did a merged change work? Before and after the merge, in whole weeks.

Takes one merged proposal as the target remembers it and the facts of the days around the merge;
gives a `Verdict`, or `Skipped` where there is nothing to compare yet. Costs nothing.

Before and after is weak evidence and is called so in every sentence. The data are looked at after
each of the first four weeks, so each look has a quarter of the 5 % (Bonferroni): all four together
err no more often than a single look would. Whole weeks, so that weekdays compare.
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
from pydantic import BaseModel, Field, ValidationError

from bot.figures import count, day, percent, points, rate
from bot.markdown import plain
from bot.records import (
    Correction,
    Decision,
    Interval,
    PastProposal,
    RateEstimate,
    Skipped,
    Verdict,
)
from bot.statistics import failure_rate, risk_difference, units_for_power

WEEK = timedelta(days=7)
LOOKS = 4
LEVEL = 1 - 0.05 / LOOKS
MARGIN = 0.05
"""A difference inside ± 5 points does not matter in practice."""
FIRST_DAYS = timedelta(days=3)
"""Told apart: what is new is noticed, and what is noticed behaves differently."""
ANSWER_LAG = timedelta(hours=48)
"""People answer late; what is younger looks better than it is."""

Unit = Literal["user", "conversation", "decision"]
Result = Literal["worked", "no_effect", "harmed", "unknown"]


class _Prediction(BaseModel):
    """As the marker carries it. A body can be edited by others, so it is checked."""

    metric: str = Field(min_length=1, max_length=200)
    baseline_rate: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    level: float = Field(default=0.8, gt=0, lt=1)
    intent_id: str | None = None
    segment: dict[str, str] = {}


class _Threshold(BaseModel):
    name: str
    to: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Observation:
    """One conversation or decision of the population."""

    at: datetime
    unit: str
    failed: bool
    version: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Population:
    unit: Unit
    observations: Sequence[_Observation]
    live_at: datetime
    live_seen: bool
    """The change itself was seen in production; else the clock starts at the merge."""
    known_until: datetime
    """What is younger may still be answered by people, so it is not counted."""


def measure(
    past: PastProposal,
    *,
    facts: pa.Table,
    corrections: Sequence[Correction],
    decisions: Sequence[Decision],
    now: datetime,
    others: Sequence[PastProposal] = (),
    min_days: int = 7,
) -> Verdict | Skipped:
    """Compare the predicted metric after the merge with the days before it.

    `facts` (FACTS_SCHEMA) should reach from 28 days before the merge to now. `others` are all past
    proposals: those of the same agent that were merged in the same days are named as confounders.
    """
    try:
        prediction = _Prediction.model_validate(past.marker.get("prediction"))
        threshold = _threshold(past)
    except ValidationError:
        return _skipped(past, "no_prediction", "it carries no prediction that can be measured")
    if past.merged_at is None:
        return _skipped(past, "not_merged", "it is not known when it was merged")
    early = _too_early(past, past.merged_at, now, min_days)
    if early is not None:
        return early
    found = _population(past, prediction, threshold, facts, corrections, decisions, now)
    if isinstance(found, Skipped):
        return found
    early = _too_early(past, found.live_at, now, min_days)
    return early or _compare(past, prediction, found, others)


# -- who is compared -----------------------------------------------------------------------------


def _population(
    past: PastProposal,
    prediction: _Prediction,
    threshold: _Threshold | None,
    facts: pa.Table,
    corrections: Sequence[Correction],
    decisions: Sequence[Decision],
    now: datetime,
) -> _Population | Skipped:
    merged_at = past.merged_at or now
    if threshold is not None:
        return _answered(past, threshold, decisions, merged_at, now)
    rows = _rows(facts, past.agent, merged_at, now)
    if prediction.metric.startswith("correction:"):
        kind = prediction.metric.removeprefix("correction:")
        corrected = {
            one.conversation_id
            for one in corrections
            if one.agent == past.agent and kind in one.types
        }
        observations = [
            _observed(row, row["conversation_id"], row["conversation_id"] in corrected)
            for row in rows
            if _belongs(row, prediction, merged_at) and row["started_at"] <= now - ANSWER_LAG
        ]
        return _Population(
            unit="conversation",
            observations=observations,
            live_at=merged_at,
            live_seen=False,
            known_until=now - ANSWER_LAG,
        )
    members = [row for row in rows if _belongs(row, prediction, merged_at)]
    return _Population(
        unit="user" if any(row["has_user"] for row in members) else "conversation",
        observations=[_observed(row, row["unit"], _failed(row, prediction)) for row in members],
        live_at=merged_at,
        live_seen=False,
        known_until=now,
    )


def _rows(facts: pa.Table, agent: str, merged_at: datetime, now: datetime) -> list[dict[str, Any]]:
    """The agent's conversations of the days that can count; those without a time cannot."""
    at = facts["started_at"]
    kind = pa.timestamp("us", "UTC")
    wanted = pc.and_(
        pc.equal(facts["agent"], agent),
        pc.and_(
            pc.greater_equal(at, pa.scalar(merged_at - LOOKS * WEEK, kind)),
            pc.less(at, pa.scalar(min(now, merged_at + LOOKS * WEEK), kind)),
        ),
    )
    found: list[dict[str, Any]] = facts.filter(wanted).to_pylist()
    return found


def _belongs(row: Mapping[str, Any], prediction: _Prediction, merged_at: datetime) -> bool:
    if prediction.intent_id is not None and prediction.intent_id not in (row["intents"] or ()):
        return False
    segments = dict(row["segments"] or ())
    for key, value in prediction.segment.items():
        if key == "version" and row["started_at"] >= merged_at:
            continue  # the merge makes a new version, which stands for the old one
        if key == "signal" and key not in segments:
            if value not in (row["signals"] or ()):
                return False
        elif segments.get(key, row.get(key)) != value:
            return False
    return True


def _failed(row: Mapping[str, Any], prediction: _Prediction) -> bool:
    metric = prediction.metric
    if metric.startswith("signal:"):
        return metric.removeprefix("signal:") in (row["signals"] or ())
    return metric in (row["outcomes"] or ()) or metric in (row["bad"] or ())


def _observed(row: Mapping[str, Any], unit: str, failed: bool) -> _Observation:
    return _Observation(at=row["started_at"], unit=unit, failed=failed, version=row["version"])


def _answered(
    past: PastProposal,
    threshold: _Threshold,
    decisions: Iterable[Decision],
    merged_at: datetime,
    now: datetime,
) -> _Population | Skipped:
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
            return _skipped(
                past,
                "not_live",
                f"{count(len(since), 'decision')} since the merge still use "
                f"{', '.join(values[:3])} and not {new:g}",
            )
        live_at, live_seen = min(seen), True
    observations = [
        _Observation(at=at, unit=one.id, failed=one.response == "dismiss")
        for at, one in ours
        if one.fired and one.response is not None and at <= now - ANSWER_LAG
    ]
    return _Population(
        unit="decision",
        observations=observations,
        live_at=live_at,
        live_seen=live_seen,
        known_until=now - ANSWER_LAG,
    )


def _is_value(decision: Decision, value: float) -> bool:
    given = decision.threshold_value
    return given is not None and math.isclose(given, value, rel_tol=1e-6)


# -- the comparison ------------------------------------------------------------------------------


def _compare(
    past: PastProposal,
    prediction: _Prediction,
    population: _Population,
    others: Sequence[PastProposal],
) -> Verdict | Skipped:
    live_at = population.live_at
    look = min(LOOKS, max(1, (population.known_until - live_at) // WEEK))
    after_span = look * WEEK
    # A user has more chances to fail in more days, so users are compared over equal spans.
    before_span = after_span if population.unit == "user" else LOOKS * WEEK
    before = _between(population, live_at - before_span, live_at)
    after = _between(population, live_at, live_at + after_span)
    if not before or not after:
        side = "after" if before else "before"
        return _skipped(
            past, "no_data", f"no {population.unit} of the population was seen {side} the merge"
        )
    was, became = _estimate(before), _estimate(after)
    difference, interval = risk_difference(
        _estimate(after, level=LEVEL), _estimate(before, level=LEVEL)
    )
    later = _between(population, live_at + FIRST_DAYS, live_at + after_span)
    result = _result(interval, was, _estimate(later) if later else None)
    needed = _needed(prediction, was, became) if result == "unknown" else None
    return Verdict(
        proposal_id=past.id,
        agent=past.agent,
        reference=past.reference,
        result=result,
        strength="weak",
        method="before_after",
        metric=prediction.metric,
        unit=population.unit,
        before=was,
        after=became,
        difference=difference,
        interval=interval,
        live_at=live_at,
        days=after_span / timedelta(days=1),
        prediction_hit=(
            became.interval.low <= prediction.high and prediction.low <= became.interval.high
        ),
        sentence=" ".join(
            [
                _sentence(result, population.unit, was, became, difference, interval, look),
                *_first_days(population, live_at),
            ]
        ),
        confounders=_confounders(past, population, before, after, others, before_span),
        needed=needed,
    )


def _between(population: _Population, start: datetime, end: datetime) -> Sequence[_Observation]:
    return [one for one in population.observations if start <= one.at < end]


def _estimate(observations: Iterable[_Observation], *, level: float = 0.95) -> RateEstimate:
    """A unit failed if any of its conversations did."""
    units: dict[str, bool] = defaultdict(bool)
    for one in observations:
        units[one.unit] |= one.failed
    return failure_rate(sum(units.values()), len(units), level=level)


def _result(interval: Interval, before: RateEstimate, later: RateEstimate | None) -> Result:
    """Good or bad only where the days after the first three point the same way."""
    if interval.high < 0 and later is not None and later.rate < before.rate:
        return "worked"
    if interval.low > 0:
        return "harmed"
    if interval.low >= -MARGIN and interval.high <= MARGIN:
        return "no_effect"
    return "unknown"


def _needed(prediction: _Prediction, before: RateEstimate, after: RateEstimate) -> int | None:
    """Units still missing to see the predicted difference, as the design of a study counts them."""
    predicted = (prediction.low + prediction.high) / 2 - prediction.baseline_rate
    per_side = units_for_power(before.rate, max(predicted, -before.rate))
    if per_side is None:
        return None
    return max(0, per_side - min(before.total, after.total)) or None


# -- in words ------------------------------------------------------------------------------------

_OPENINGS: Mapping[Result, str] = {
    "worked": "Weak evidence that it worked",
    "harmed": "Weak evidence that it did harm",
    "no_effect": f"Weak evidence of no effect beyond {100 * MARGIN:.0f} points",
    "unknown": "The data do not settle it",
}


def _sentence(
    result: Result,
    unit: Unit,
    before: RateEstimate,
    after: RateEstimate,
    difference: float,
    interval: Interval,
    weeks: int,
) -> str:
    return (
        f"{_OPENINGS[result]}, because before is only compared with after: from "
        f"{rate(before.rate, before.interval)} of {count(before.total, unit)} to "
        f"{rate(after.rate, after.interval)} of {count(after.total, unit)} in "
        f"{count(weeks, 'week')}, a difference of {points(difference, interval)}."
    )


def _first_days(population: _Population, live_at: datetime) -> list[str]:
    first = _between(population, live_at, live_at + FIRST_DAYS)
    if not first:
        return []
    found = _estimate(first)
    return [f"Days 1 to 3 alone: {percent(found.rate)} of {count(found.total, population.unit)}."]


def _confounders(
    past: PastProposal,
    population: _Population,
    before: Sequence[_Observation],
    after: Sequence[_Observation],
    others: Sequence[PastProposal],
    before_span: timedelta,
) -> tuple[str, ...]:
    """What else may have made the difference."""
    live_at = population.live_at
    found = [
        "regression to the mean: the group was chosen because its rate was high, so some fall is "
        "expected without any change"
    ]
    if not population.live_seen:
        found.append(
            f"the clock starts at the merge ({day(live_at)}): when the change went live in "
            "production was not seen"
        )
    was, became = _versions(before), _versions(after)
    if was and became and was != became:
        found.append(
            f"the agent's version changed in these days ({_listed(was)} before, "
            f"{_listed(became)} after); it may hold more than this change"
        )
    found += [
        f"{plain(one.reference, 40)} of the same agent was merged on {day(one.merged_at)}"
        for one in others
        if one.id != past.id
        and one.agent == past.agent
        and one.merged_at is not None
        and abs(one.merged_at - live_at) < LOOKS * WEEK
    ]
    first = min(one.at for one in before)
    if first - (live_at - before_span) > WEEK / 7:
        days = (live_at - first) / timedelta(days=1)
        found.append(f"only {days:.0f} days of data before the change")
    return tuple(found)


def _versions(observations: Iterable[_Observation]) -> frozenset[str]:
    return frozenset(one.version for one in observations if one.version)


def _listed(versions: Iterable[str]) -> str:
    names = sorted(versions)
    shown = ", ".join(plain(name, 40) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _threshold(past: PastProposal) -> _Threshold | None:
    given = past.marker.get("threshold")
    return None if given is None else _Threshold.model_validate(given)


def _too_early(
    past: PastProposal, live_at: datetime, now: datetime, min_days: int
) -> Skipped | None:
    due = live_at + timedelta(days=min_days)
    if now >= due:
        return None
    gone = max(0.0, (now - live_at) / timedelta(days=1))
    return _skipped(
        past,
        "too_early",
        f"{gone:.0f} of {min_days} days since it is live; measured from {day(due)}",
    )


def _skipped(past: PastProposal, code: str, reason: str) -> Skipped:
    return Skipped(what=f"verdict on {plain(past.reference, 80)}", code=code, reason=f"{reason}.")
