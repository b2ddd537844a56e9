"""Did a merged change work? Before and after the merge, in whole weeks.

Takes one merged proposal as the target remembers it and the facts of the days around the merge;
gives a `Verdict`, or `Skipped` where there is nothing to compare yet. Costs nothing.

Before and after is weak evidence and is called so in every sentence. The data are looked at after
each of the first four weeks, so each look has a quarter of the 5 % (Bonferroni): all four together
err no more often than a single look would. Whole weeks, so that weekdays compare.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

import pyarrow as pa
from pydantic import ValidationError

from bot.figures import count, day, percent, points, rate
from bot.markdown import plain
from bot.measure.population import (
    LOOKS,
    WEEK,
    Observation,
    Population,
    Prediction,
    Unit,
    population_of,
    skipped,
    threshold_of,
)
from bot.records import (
    RETIREMENT,
    ROLLBACK,
    Correction,
    Decision,
    Interval,
    Live,
    PastProposal,
    RateEstimate,
    Skipped,
    Verdict,
)
from bot.statistics import failure_rate, risk_difference, units_for_power

LEVEL = 1 - 0.05 / LOOKS
MARGIN = 0.05
"""A difference inside ± 5 points does not matter in practice."""
GIVE_UP = (LOOKS + 1) * WEEK
"""After the merge, and after what may come late; what was not seen by then is not waited for."""
FIRST_DAYS = timedelta(days=3)
"""Told apart: what is new is noticed, and what is noticed behaves differently."""

NO_LAGS: Mapping[str, timedelta] = {}

Result = Literal["worked", "no_effect", "harmed", "unknown"]


def measure(
    past: PastProposal,
    *,
    facts: pa.Table,
    corrections: Sequence[Correction],
    decisions: Sequence[Decision],
    now: datetime,
    others: Sequence[PastProposal] = (),
    live: Live | None = None,
    min_days: int = 7,
    lags: Mapping[str, timedelta] = NO_LAGS,
) -> Verdict | Skipped:
    """Compare the predicted metric after the merge with the days before it.

    `facts` (FACTS_SCHEMA) should reach from 28 days before the merge to now. `others` are all past
    proposals: those of the same agent that were merged in the same days are named as confounders.
    `live` is what captured prompts show of the merge; without it the clock starts at the merge.
    `lags` are outcomes that may come long after a conversation, such as churn, with the time that
    they have: a conversation counts only when it is over.
    """
    try:
        prediction = Prediction.model_validate(past.marker.get("prediction"))
        threshold = threshold_of(past)
    except ValidationError:
        return skipped(past, "no_prediction", "it carries no prediction that can be measured")
    if past.merged_at is None:
        return skipped(past, "not_merged", "it is not known when it was merged")
    undone = _undone_by(past, others)
    if undone is not None:
        why = f"it was taken out again by {undone.reference.replace('#', 'pull request ')}."
        return _never_seen(past, prediction, past.merged_at, why)
    lag = lags.get(prediction.metric, timedelta())
    early = _too_early(past, past.merged_at, now, min_days, lag)
    if early is not None:
        return early
    found = population_of(
        past, prediction, threshold, facts, corrections, decisions, live, now, lag
    )
    if isinstance(found, Skipped):
        result: Verdict | Skipped = found
    else:
        early = _too_early(past, found.live_at, now, min_days, lag)
        result = early or _compare(past, prediction, found, others, lag)
    if isinstance(result, Skipped) and now - past.merged_at > GIVE_UP + lag:
        return _never_seen(past, prediction, past.merged_at, result.reason)
    return result


def _undone_by(past: PastProposal, others: Sequence[PastProposal]) -> PastProposal | None:
    """The merge that took it out before there was a verdict: later days say nothing about it."""
    undoing = (f"{RETIREMENT}{past.id}", f"{ROLLBACK}{past.id}")
    merged = (one for one in others if one.state == "merged" and not one.reverted)
    return next((one for one in merged if one.remedy in undoing), None)


def _never_seen(
    past: PastProposal, prediction: Prediction, merged_at: datetime, why: str
) -> Verdict:
    """An end to the waiting: nothing that could be compared has come in, or will."""
    return Verdict(
        proposal_id=past.id,
        agent=past.agent,
        reference=past.reference,
        result="unknown",
        strength="weak",
        method="before_after",
        metric=prediction.metric,
        unit="conversation",
        before=None,
        after=None,
        difference=None,
        interval=None,
        live_at=merged_at,
        days=0.0,
        prediction_hit=None,
        sentence=f"It cannot be told whether it worked, and Debrief stops waiting: {why}",
    )


# -- the comparison ------------------------------------------------------------------------------


def _compare(
    past: PastProposal,
    prediction: Prediction,
    population: Population,
    others: Sequence[PastProposal],
    lag: timedelta,
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
        return skipped(
            past, "no_data", f"no {population.unit} of the population was seen {side} the merge"
        )
    was, became = _estimate(before), _estimate(after)
    difference, interval = risk_difference(
        _estimate(after, level=LEVEL), _estimate(before, level=LEVEL)
    )
    later = _between(population, live_at + FIRST_DAYS, live_at + after_span)
    margin = prediction.margin
    result = _result(interval, was, _estimate(later) if later else None, margin)
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
        prediction_hit=_is_hit(prediction, became, result),
        is_beyond=margin is None and became.interval.high < prediction.low,
        sentence=" ".join(
            [
                _sentence(result, population.unit, was, became, difference, interval, look, margin),
                *_first_days(population, live_at),
                *_waited(prediction.metric, lag),
            ]
        ),
        confounders=_confounders(
            past, population, before, after, others, before_span, margin is not None
        ),
        needed=needed,
        margin=margin,
    )


def rate_lately(
    past: PastProposal,
    *,
    facts: pa.Table,
    corrections: Sequence[Correction],
    decisions: Sequence[Decision],
    now: datetime,
    lags: Mapping[str, timedelta] = NO_LAGS,
) -> tuple[RateEstimate, Unit] | None:
    """The metric that `past` predicted, in its population, in the last four weeks that are over.

    None where it predicted nothing that can be measured, or nobody came.
    """
    try:
        prediction = Prediction.model_validate(past.marker.get("prediction"))
        threshold = threshold_of(past)
    except ValidationError:
        return None
    lag = lags.get(prediction.metric, timedelta())
    since = now - lag - LOOKS * WEEK
    dated = replace(past, merged_at=since)
    found = population_of(
        dated, prediction, threshold, facts, corrections, decisions, None, now, lag
    )
    if isinstance(found, Skipped):
        return None
    seen = _between(found, since, found.known_until)
    return (_estimate(seen), found.unit) if seen else None


def _between(population: Population, start: datetime, end: datetime) -> Sequence[Observation]:
    return [one for one in population.observations if start <= one.at < end]


def _estimate(observations: Iterable[Observation], *, level: float = 0.95) -> RateEstimate:
    """A unit failed if any of its conversations did."""
    units: dict[str, bool] = defaultdict(bool)
    for one in observations:
        units[one.unit] |= one.failed
    return failure_rate(sum(units.values()), len(units), level=level)


def _result(
    interval: Interval, before: RateEstimate, later: RateEstimate | None, margin: float | None
) -> Result:
    """Good only where the days after the first three point the same way.

    With a `margin` it is a test of non-inferiority: good is that nothing got worse by so much.
    """
    if margin is not None:
        if interval.high < margin:
            return "worked"
        return "harmed" if interval.low > 0 else "unknown"
    if interval.high < 0 and later is not None and later.rate < before.rate:
        return "worked"
    if interval.low > 0:
        return "harmed"
    if interval.low >= -MARGIN and interval.high <= MARGIN:
        return "no_effect"
    return "unknown"


def _is_hit(prediction: Prediction, after: RateEstimate, result: Result) -> bool | None:
    if prediction.margin is not None:
        return None if result == "unknown" else result == "worked"
    return after.interval.low <= prediction.high and prediction.low <= after.interval.high


def _needed(prediction: Prediction, before: RateEstimate, after: RateEstimate) -> int | None:
    """Units still missing to see the predicted difference, as the design of a study counts them."""
    predicted = (prediction.low + prediction.high) / 2 - prediction.baseline_rate
    sought = prediction.margin or max(predicted, -before.rate)
    per_side = units_for_power(before.rate, sought)
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
_OPENINGS_OF_REMOVALS: Mapping[Result, str] = {
    "worked": "Weak evidence that nothing got worse by {margin} points or more",
    "harmed": "Weak evidence that taking it out did harm",
    "unknown": "The data do not settle whether anything got worse",
}


def _sentence(
    result: Result,
    unit: Unit,
    before: RateEstimate,
    after: RateEstimate,
    difference: float,
    interval: Interval,
    weeks: int,
    margin: float | None,
) -> str:
    opening = _OPENINGS[result]
    if margin is not None:
        opening = _OPENINGS_OF_REMOVALS[result].format(margin=f"{100 * margin:.0f}")
    weak = " (before is only compared with after)" if opening.startswith("Weak") else ""
    return (
        f"{opening}{weak}: from "
        f"{rate(before.rate, before.interval)} of {count(before.total, unit)} to "
        f"{rate(after.rate, after.interval)} of {count(after.total, unit)} in "
        f"{count(weeks, 'week')}, a difference of {points(difference, interval)}."
    )


def _first_days(population: Population, live_at: datetime) -> list[str]:
    first = _between(population, live_at, live_at + FIRST_DAYS)
    if not first:
        return []
    found = _estimate(first)
    return [f"Days 1 to 3 alone: {percent(found.rate)} of {count(found.total, population.unit)}."]


def _waited(metric: str, lag: timedelta) -> list[str]:
    if lag < timedelta(days=1):
        return []
    what = plain(metric.replace("_", " "), 80)
    days = count(round(lag / timedelta(days=1)), "day")
    return [f"“{what}” may come up to {days} later, so younger conversations are not counted."]


def _confounders(
    past: PastProposal,
    population: Population,
    before: Sequence[Observation],
    after: Sequence[Observation],
    others: Sequence[PastProposal],
    before_span: timedelta,
    is_removal: bool,
) -> tuple[str, ...]:
    """What else may have made the difference."""
    live_at = population.live_at
    found = []
    if not is_removal:
        found.append(
            "regression to the mean: the group was chosen because its rate was high, so some fall "
            "is expected without any change"
        )
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
    merged = sorted(
        (one.merged_at, one.reference.removeprefix("#"))
        for one in others
        if one.id != past.id
        and one.agent == past.agent
        and one.merged_at is not None
        and abs(one.merged_at - live_at) < LOOKS * WEEK
    )
    if merged:
        told = [f"{reference} ({day(at)})" for at, reference in merged]
        listed = ", ".join(told)
        found.append(f"other pull requests for this agent were merged in these weeks: {listed}")
    first = min(one.at for one in before)
    if first - (live_at - before_span) > WEEK / 7:
        days = (live_at - first) / timedelta(days=1)
        found.append(f"only {days:.0f} days of data before the change")
    return tuple(found)


def _versions(observations: Iterable[Observation]) -> frozenset[str]:
    return frozenset(one.version for one in observations if one.version)


def _listed(versions: Iterable[str]) -> str:
    names = sorted(versions)
    shown = ", ".join(plain(name, 40) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _too_early(
    past: PastProposal, live_at: datetime, now: datetime, min_days: int, lag: timedelta
) -> Skipped | None:
    needed = timedelta(days=min_days) + lag
    due = live_at + needed
    if now >= due:
        return None
    gone = max(0.0, (now - live_at) / timedelta(days=1))
    wait = f", as its outcome may come {lag.days} days late" if lag.days else ""
    return skipped(
        past,
        "too_early",
        f"{gone:.0f} of {needed.days} days since it is live{wait}; measured from {day(due)}",
    )
