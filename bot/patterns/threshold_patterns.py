"""What people do with decisions, and thresholds whose decisions they dismiss too often.

Counted are decisions that fired, were made more than 48 hours ago (people need that long to answer)
and got a response. Healthy thresholds, and those that people do not answer, are refused with the
numbers: no news is the right news about them. So are those that do not come to rest, and those
whose traffic has changed: the task is not stable, so what was best for it says little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from bot.figures import count, percent, rate
from bot.patterns.decision_clusters import decision_clusters, input_of
from bot.patterns.outcome_patterns import pattern_id, with_users
from bot.patterns.ranking import priority_of, severity_of
from bot.patterns.rows import week_name, week_of
from bot.patterns.traffic import shifts_of_decisions
from bot.patterns.trend import ALPHA, trend_of_weeks
from bot.records import (
    Decision,
    DecisionRates,
    Declined,
    Finding,
    PastProposal,
    Pattern,
    RateEstimate,
    WeekRate,
    in_time,
)
from bot.replay import RESPONSE_LAG
from bot.statistics import failure_rate, two_rates_p_value

MIN_RESPONSE_RATE = 0.6
HEALTHY_DISMISSAL_RATE = 0.15
MIN_CITED = 5
REVERSALS = 2
"""So often must a value turn round within the window to be called oscillating."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThresholdReport:
    """What one agent's thresholds show."""

    patterns: tuple[Pattern, ...] = ()
    findings: tuple[Finding, ...] = ()
    declined: tuple[Declined, ...] = ()
    rates: tuple[DecisionRates, ...] = ()
    healthy: int = 0
    """Thresholds whose dismissals are surely under 15 %."""


def threshold_patterns(
    agent: str, decisions: Iterable[Decision], *, now: datetime, unstable: Sequence[Finding] = ()
) -> ThresholdReport:
    """All thresholds of one agent, by the decisions of the window.

    With `unstable` findings about the agent's traffic no move of any threshold is to be thought of.
    """
    by_name: dict[str | None, list[Decision]] = defaultdict(list)
    for decision in sorted(decisions, key=in_time):
        by_name[decision.threshold_name or None].append(decision)
    patterns, findings, declined, healthy = [], [], [], 0
    rates = [_rates_of(agent, name, by_name[name], now) for name in sorted(by_name, key=str)]
    everything = [one for log in by_name.values() for one in log]
    for name, log in sorted((name, log) for name, log in by_name.items() if name is not None):
        own = [*_oscillates(agent, name, log), *_shifted(agent, name, log)]
        result = _examine(agent, name, log, now=now)
        if isinstance(result, Pattern) and (own or unstable):
            reason = f"{(*own, *unstable)[0].sentence} No move is proposed from these decisions."
            result = Declined(what=_threshold(agent, name), reason=reason)
        if isinstance(result, Pattern):
            patterns.append(result)
        else:
            declined.append(result)
            healthy += result.reason.startswith(_HEALTHY)
        findings += [*own, *_creeps(agent, name, log, now=now)]
    findings += decision_clusters(agent, _answered(everything, now))
    return ThresholdReport(
        patterns=tuple(patterns),
        findings=tuple(findings),
        declined=tuple(declined),
        rates=tuple(one for one in rates if one is not None),
        healthy=healthy,
    )


def _threshold(agent: str, name: str) -> str:
    return f"threshold {name[:60]} of {agent}"


def _settled(log: Iterable[Decision], now: datetime) -> list[Decision]:
    """Those that people saw and had two days to answer. Without a score all were seen."""
    return [
        one
        for one in log
        if (one.fired or one.confidence is None or one.threshold_value is None)
        and one.at is not None
        and now - one.at >= RESPONSE_LAG
    ]


def _answered(log: Iterable[Decision], now: datetime) -> list[Decision]:
    return [one for one in _settled(log, now) if one.response is not None]


def _rates_of(
    agent: str, name: str | None, log: Sequence[Decision], now: datetime
) -> DecisionRates | None:
    """None where nothing is old enough to be counted."""
    settled, answered = _settled(log, now), _answered(log, now)
    if not settled:
        return None
    young = [one for one in log if one.at is not None and now - one.at < RESPONSE_LAG]
    shares = {
        key: _share(answered, action) if answered else None
        for key, action in (
            ("dismissed", "dismiss"),
            ("approved", "approve"),
            ("modified", "modify"),
            ("escalated", "escalate"),
        )
    }
    return DecisionRates(
        agent=agent,
        threshold_name=name,
        waiting=len(young),
        response=failure_rate(len(answered), len(settled)),
        **shares,
    )


_HEALTHY = "healthy: "


def _examine(
    agent: str, name: str, log: Sequence[Decision], *, now: datetime
) -> Pattern | Declined:
    what = _threshold(agent, name)
    fired = [one for one in log if one.fired and one.at is not None]
    settled = [one for one in fired if one.at is not None and now - one.at >= RESPONSE_LAG]
    waiting = len(fired) - len(settled)
    young = f"; {waiting} younger than 48 hours are not counted yet" if waiting else ""
    if not any(one.threshold_value is not None and one.confidence is not None for one in log):
        reason = (
            f"none of {count(len(log), 'decision')} has both `confidence` and `threshold.value`; "
            "without them nobody can tell which threshold would have been better"
        )
        return Declined(what=what, reason=reason)
    if not settled:
        reason = f"none of {count(len(log), 'decision')} fired more than 48 hours ago{young}"
        return Declined(what=what, reason=reason)
    answered = [one for one in settled if one.response is not None]
    response = failure_rate(len(answered), len(settled))
    if response.rate < MIN_RESPONSE_RATE:
        return Declined(
            what=what,
            reason=f"only {len(answered)} of {count(len(settled), 'decision')} "
            f"({percent(response.rate)}) got a response, {percent(MIN_RESPONSE_RATE)} are needed; "
            f"a thumb up or down per decision counts (`debrief.response` with up or down){young}",
        )
    dismissed = [one for one in answered if one.response == "dismiss"]
    dismissals = failure_rate(len(dismissed), len(answered))
    numbers = (
        f"{len(dismissed)} of {count(len(answered), 'answered decision')} dismissed, "
        f"{rate(dismissals.rate, dismissals.interval)}"
    )
    if dismissals.interval.high < HEALTHY_DISMISSAL_RATE:
        return Declined(
            what=what,
            reason=f"{_HEALTHY}{numbers}, surely under {percent(HEALTHY_DISMISSAL_RATE)}{young}",
        )
    cited = len({input_of(one) for one in dismissed})
    if cited < MIN_CITED:
        return Declined(
            what=what,
            reason=f"{numbers}; {cited} dismissed with distinct inputs, "
            f"{MIN_CITED} are needed{young}",
        )
    return _pattern(agent, name, log, settled, answered, dismissals)


def _pattern(
    agent: str,
    name: str,
    log: Sequence[Decision],
    settled: Sequence[Decision],
    answered: Sequence[Decision],
    dismissals: RateEstimate,
) -> Pattern:
    dismissed = [one for one in answered if one.response == "dismiss"]
    weeks = _weekly(answered)
    severity = severity_of("threshold", "dismissed")
    interval = dismissals.interval
    pattern = Pattern(
        id=pattern_id(agent, "threshold", None, {"threshold": name}, "dismissed"),
        kind="threshold",
        agent=agent,
        outcome="dismissed",
        unit="decision",
        rate=dismissals.rate,
        rate_interval=interval,
        users=len(answered),
        conversations=len(settled),
        evidence=tuple(one.id for one in dismissed),
        evidence_users=0,
        weeks=weeks,
        trend=trend_of_weeks(weeks),
        severity=severity,
        priority=priority_of("threshold", severity, interval, len(answered)),
        root_cause="threshold",
        decisions=tuple(log),
        threshold_name=name,
    )
    return with_users(pattern, [one.user_id for one in dismissed if one.user_id is not None])


def _weekly(answered: Sequence[Decision]) -> tuple[WeekRate, ...]:
    total: dict[int, int] = defaultdict(int)
    failed: dict[int, int] = defaultdict(int)
    for decision in answered:
        week = week_of(decision.at)
        total[week] += 1
        failed[week] += decision.response == "dismiss"
    return tuple(
        WeekRate(week=week_name(week), failed=failed[week], total=total[week])
        for week in range(min(total), max(total) + 1)
    )


# -- worth a person's eye -------------------------------------------------------------------------


def _oscillates(agent: str, name: str, log: Sequence[Decision]) -> list[Finding]:
    """The value turned round again and again. Days with two values (a rollout) say nothing."""
    by_day: dict[date, set[float]] = defaultdict(set)
    for decision in log:
        if decision.at is not None and decision.threshold_value is not None:
            by_day[decision.at.date()].add(decision.threshold_value)
    values: list[float] = []
    for day in sorted(by_day):
        if len(by_day[day]) == 1:
            (value,) = by_day[day]
            if not values or values[-1] != value:
                values.append(value)
    moves = [later - earlier for earlier, later in pairwise(values)]
    turns = sum(one * other < 0 for one, other in pairwise(moves))
    if turns < REVERSALS:
        return []
    path = " → ".join(f"{value:g}" for value in values[-6:])
    sentence = (
        f"Threshold {name[:60]} turned round {turns} times within the window ({path}): whatever "
        "sets it does not come to rest."
    )
    return [Finding(kind="oscillating_threshold", agent=agent, sentence=sentence)]


def restless(pattern: Pattern, past: Sequence[PastProposal]) -> Finding | None:
    """The finding that merged moves of a threshold went up and down; None where they did not."""
    moves: list[tuple[datetime, float, float]] = []
    for one in past:
        given = one.marker.get("threshold")
        if one.agent != pattern.agent or one.merged_at is None or not isinstance(given, Mapping):
            continue
        old, new = given.get("from"), given.get("to")
        if given.get("name") != pattern.threshold_name:
            continue
        if isinstance(old, int | float) and isinstance(new, int | float):
            moves.append((one.merged_at, float(old), float(new)))
    moves.sort()
    turns = sum((b[2] - b[1]) * (a[2] - a[1]) < 0 for a, b in pairwise(moves))
    if turns < REVERSALS:
        return None
    path = " → ".join(f"{value:g}" for value in [moves[0][1], *(move[2] for move in moves)][-6:])
    sentence = (
        f"Merged changes moved threshold {str(pattern.threshold_name)[:60]} up and down ({path}): "
        "one number cannot serve all that it decides on, so no further move is proposed."
    )
    return Finding(kind="oscillating_threshold", agent=pattern.agent, sentence=sentence)


def _shifted(agent: str, name: str, log: Sequence[Decision]) -> list[Finding]:
    """What is decided on is not what it was."""
    shifts = shifts_of_decisions(log)
    if not shifts:
        return []
    told = ", ".join(one.words for one in shifts[:3])
    sentence = (
        f"What threshold {name[:60]} decides on changed between the halves of the window: {told}."
    )
    return [Finding(kind="shifted_traffic", agent=agent, sentence=sentence)]


def _creeps(agent: str, name: str, log: Sequence[Decision], *, now: datetime) -> list[Finding]:
    """Escalations and dismissals fall together: the agent may have become too careful to speak."""
    answered = [
        one for one in log if one.response and one.at is not None and now - one.at >= RESPONSE_LAG
    ]
    times = [one.at for one in answered if one.at is not None]
    if not times:
        return []
    middle = times[0] + (times[-1] - times[0]) / 2
    early = [one for one in answered if one.at is not None and one.at < middle]
    late = [one for one in answered if one.at is not None and one.at >= middle]
    if not early or not late:
        return []
    falls: Mapping[str, tuple[RateEstimate, RateEstimate]] = {
        action: (_share(early, action), _share(late, action)) for action in ("escalate", "dismiss")
    }
    for before, after in falls.values():
        if after.rate >= before.rate or two_rates_p_value(before, after) >= ALPHA:
            return []
    (escalated, then), (dismissed, now_dismissed) = falls["escalate"], falls["dismiss"]
    sentence = (
        f"At threshold {name[:60]} escalations fell from {percent(escalated.rate)} to "
        f"{percent(then.rate)} while dismissals fell from {percent(dismissed.rate)} to "
        f"{percent(now_dismissed.rate)}: it may have become too cautious and miss cases."
    )
    return [Finding(kind="creeping_threshold", agent=agent, sentence=sentence)]


def _share(decisions: Sequence[Decision], action: str) -> RateEstimate:
    return failure_rate(sum(one.response == action for one in decisions), len(decisions))
