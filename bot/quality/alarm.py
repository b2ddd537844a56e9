"""Days become alerts: opened once, closed with the recovery, and not flapping between.

All days are gone through again each time, so the same counts give the same alerts and a killed run
loses nothing. What was announced before is a parameter: it keeps its id, and where later data say
that it was nothing, that is told too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

import numpy as np

from bot.figures import count, percent, span
from bot.quality.counts import VOLUME, DayCount
from bot.quality.rhythm import (
    Expectation,
    Flags,
    Series,
    band,
    deviations,
    expect,
    rate_band,
    score,
    series_of,
)
from bot.records import Alert, Departure, Interval, short_hash

SLACK = 0.5
"""Deviations a day that the sum of what exceeds them lets pass (CUSUM, Page 1954)."""
LIMIT = 6.0
"""Sum of deviations from which the days are looked at together."""
ONE_DAY = 4.5
"""Deviations of a single day that are an alarm at once."""
TOGETHER = 4.25
"""Deviations of the days together, which share what is unsure about the expectation."""
MIN_CHANGE = 0.03
"""Three points: with very many users less is certain, and no reason to wake anybody."""
MIN_TIMES = 3.0
"""A rare failure alarms below three points where it is three times as frequent."""
MIN_FAILED = 8
VOLUME_SHARE = 1 / 3
"""Volume alarms where not even a third of the usual conversations came: a holiday has more."""
SURE_AGAIN = 5.0
"""Log odds of "as before" against "as in the alarm" from which it has recovered."""
SETTLED_DAYS = 28
"""A departure that stays so long is how it is now."""
TOLD_DAYS = 14
"""So long an alert that is over is told, so that a missed run does not leave an issue open."""
SHOWN_METRICS = 3
AlertState: TypeAlias = Literal["open", "recovered", "settled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DayPoint:
    """One day of a chart."""

    day: date
    failed: int
    total: int
    expected: float | None
    """None while there is too little to expect anything from."""
    band: Interval | None
    is_alarm: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhythm:
    """One metric through its days: what a chart shows."""

    agent: str
    metric: str
    days: tuple[DayPoint, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What the monitor says today."""

    alerts: tuple[Alert, ...]
    """Open ones, and those that ended in the last two weeks."""
    rhythms: tuple[Rhythm, ...]
    young: tuple[str, ...] = ()
    """Agents of which no metric has three weeks of days yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Episode:
    """One metric's departure; indexes are days of its series."""

    metric: str
    since: int
    ended: int | None
    """Last day of it; None while it lasts."""
    is_settled: bool
    departure: Departure


def watch(
    counts: Iterable[DayCount],
    *,
    now: datetime,
    announced: Sequence[Alert] = (),
) -> Watched:
    """Go through all whole days before `now`.

    `announced` are the alerts of earlier runs that were open or just over.
    """
    last = now.date() - timedelta(days=1)
    all_series = series_of(list(counts), last)
    alerts: list[Alert] = []
    rhythms: list[Rhythm] = []
    can_say: dict[str, bool] = {}
    episodes: dict[str, list[_Episode]] = {}
    firsts: dict[str, Series] = {}
    for series in all_series:
        replay = _Replay(series=series)
        replay.run()
        rhythms.append(Rhythm(agent=series.agent, metric=series.metric, days=tuple(replay.points)))
        heard = any(point.expected is not None for point in replay.points)
        can_say[series.agent] = can_say.get(series.agent, False) or heard
        episodes.setdefault(series.agent, []).extend(replay.episodes)
        firsts[series.agent] = series
    for agent, own in episodes.items():
        before = [one for one in announced if one.agent == agent]
        alerts += _alerts(agent, own, firsts[agent], before)
    fresh = last - timedelta(days=TOLD_DAYS)
    told = [one for one in alerts if one.last_day >= fresh]
    unseen = {one.agent for one in alerts if one.last_day < fresh}
    ids = {one.id for one in told}
    told += [
        _withdrawn(one, last, is_unseen=one.agent in unseen)
        for one in announced
        if one.state == "open" and one.id not in ids
    ]
    return Watched(
        alerts=tuple(sorted(told, key=lambda one: (one.state != "open", one.since, one.agent))),
        rhythms=tuple(rhythms),
        young=tuple(sorted(agent for agent, heard in can_say.items() if not heard)),
    )


@dataclass(kw_only=True, slots=True)
class _Replay:
    """Walks through the days of one series."""

    series: Series
    episodes: list[_Episode] = field(default_factory=list)
    points: list[DayPoint] = field(default_factory=list)
    usable: Flags = field(init=False)
    total: float = 0.0
    """CUSUM."""
    since: int = 0
    """First day of the run that the sum comes from."""
    opened: int | None = None
    shift: float = 1.0
    """Deviations a day in the episode, as it looked when it was opened."""
    back: float = 0.0
    """Log odds that it is over."""
    frozen: dict[int, Expectation] = field(default_factory=dict)

    def run(self) -> None:
        size = len(self.series.total)
        self.usable = np.ones(size, dtype=np.bool_)
        for at in range(size):
            expected = expect(self.series, at, self.usable)
            if expected is None and self.opened is not None:
                # The days before the episode have become too few: what they said still holds.
                expected = self.frozen[max(self.frozen)]
            if expected is None:
                self.total, self.since = 0.0, at + 1
            else:
                self.frozen[at] = expected
                self._step(at, expected)
            self._point(at, expected)
        if self.opened is not None:
            self._close(None, is_settled=False)

    def _step(self, at: int, expected: Expectation) -> None:
        series = self.series
        if series.kind == "rate" and series.total[at] == 0:
            return
        z = score(series, at, expected)
        if self.opened is None:
            if self.total <= 0:
                self.since = at
            self.total = max(0.0, min(2 * LIMIT, self.total + z - SLACK))
            if self.total >= LIMIT or z >= ONE_DAY:
                self._look_closely(at)
        else:
            self.back = max(0.0, self.back + self.shift * (self.shift / 2 - z))
            self.usable[at] = False
            if self.back >= SURE_AGAIN:
                self._close(at, is_settled=False)
            elif at - self.opened >= SETTLED_DAYS:
                self._close(at, is_settled=True)

    def _open(self, since: int, at: int) -> None:
        self.since, self.opened, self.back = since, at, 0.0
        zs = [
            score(self.series, day, self.frozen[day])
            for day in range(since, at + 1)
            if day in self.frozen
        ]
        self.shift = max(1.0, sum(zs) / len(zs))
        self.usable[since : at + 1] = False

    def _close(self, at: int | None, *, is_settled: bool) -> None:
        last = len(self.series.total) - 1 if at is None else at
        departure = _departure(self.series, self.since, last, self.frozen)
        self.episodes.append(
            _Episode(
                metric=self.series.metric,
                since=self.since,
                ended=at,
                is_settled=is_settled,
                departure=departure,
            )
        )
        if is_settled:
            # What it is now is learned from now on, and what it was is forgotten.
            self.usable[: self.since] = False
            self.usable[self.since :] = True
        self.opened, self.total, self.back = None, 0.0, 0.0

    def _look_closely(self, at: int) -> None:
        """Open an episode where the days together are far enough off, and it matters."""
        days = [day for day in range(self.since, at + 1) if day in self.frozen]
        found = {day: _departure(self.series, day, at, self.frozen) for day in days}
        if self.series.kind == "volume":
            if found[at].value < VOLUME_SHARE * found[at].expected:
                self._open(at, at)
            return
        far = {
            day: deviations(one.failed, one.total, replace(self.frozen[at], value=one.expected))
            for day, one in found.items()
            if one.total
        }
        since = max(far, key=lambda day: far[day])
        if far[since] >= TOGETHER and _matters(found[since], is_one_day=since == at):
            self._open(since, at)

    def _point(self, at: int, expected: Expectation | None) -> None:
        series = self.series
        self.points.append(
            DayPoint(
                day=series.day(at),
                failed=int(series.failed[at]),
                total=int(series.total[at]),
                expected=None if expected is None else expected.value,
                band=None if expected is None else band(series, at, expected),
                is_alarm=self.opened is not None,
            )
        )


def _matters(one: Departure, *, is_one_day: bool) -> bool:
    """Whether anybody should be woken: a rare failure, only where it comes again."""
    more = one.value - one.expected
    often = not is_one_day and one.value >= MIN_TIMES * one.expected
    return one.failed >= MIN_FAILED and (more >= MIN_CHANGE or often)


def _departure(
    series: Series, since: int, last: int, expected: Mapping[int, Expectation]
) -> Departure:
    days = [day for day in range(since, last + 1) if day in expected]
    n = series.total[days]
    values = np.array([expected[day].value for day in days])
    if series.kind == "volume":
        usual = float(values.mean())
        first = expected[days[0]]
        width = math.exp(2.5758 * math.sqrt(first.dispersion))
        limits = Interval(low=usual / width, high=usual * width, level=0.99)
        return Departure(
            metric=VOLUME,
            since=series.day(since),
            failed=int(n.sum()),
            total=len(days),
            expected=usual,
            band=limits,
        )
    rate = float((values * n).sum() / n.sum()) if n.sum() else float(values.mean())
    at = replace(expected[days[0]], value=min(max(rate, 1e-6), 1 - 1e-6))
    return Departure(
        metric=series.metric,
        since=series.day(since),
        failed=int(series.failed[days].sum()),
        total=int(n.sum()),
        expected=rate,
        band=rate_band(at, float(n.sum())),
    )


# -- one alert per agent and episode ---------------------------------------------------------------


def _alerts(
    agent: str, episodes: Sequence[_Episode], series: Series, before: Sequence[Alert]
) -> list[Alert]:
    """Episodes of an agent's metrics that touch one another are one alert."""
    size = len(series.total)
    grouped: list[list[_Episode]] = []
    reached = -1
    for one in sorted(episodes, key=lambda one: (one.since, one.metric)):
        end = size if one.ended is None else one.ended
        if one.since <= reached + 1 and grouped:
            grouped[-1].append(one)
        else:
            grouped.append([one])
        reached = max(reached, end)
    return [_alert(agent, group, series, before) for group in grouped]


def _alert(agent: str, group: Sequence[_Episode], series: Series, before: Sequence[Alert]) -> Alert:
    is_open = any(one.ended is None for one in group)
    since = series.day(min(one.since for one in group))
    last = len(series.total) - 1
    ended = last if is_open else max(one.ended or 0 for one in group)
    known = [
        one
        for one in before
        if one.since <= series.day(ended) and one.last_day >= since - timedelta(days=1)
    ]
    standing = [one for one in group if (one.ended is None) == is_open] or group
    departures = tuple(sorted((one.departure for one in standing), key=_how_far, reverse=True))
    settled = not is_open and any(one.is_settled for one in group)
    state: AlertState = "open" if is_open else "settled" if settled else "recovered"
    alert = Alert(
        id=known[0].id if known else f"al-{short_hash(agent, since.isoformat())}",
        agent=agent,
        state=state,
        since=since,
        last_day=series.day(ended),
        departures=departures,
        sentence="",
    )
    return replace(alert, sentence=sentence_of(alert))


def _how_far(one: Departure) -> float:
    """Widths of the band between what is and what was expected."""
    return abs(one.value - one.expected) / max(1e-9, one.band.high - one.band.low)


def _withdrawn(one: Alert, last: date, *, is_unseen: bool) -> Alert:
    """An alert that was open and is no more: the days say something else now, or nothing."""
    if is_unseen:
        why = f"no conversations since {one.last_day.isoformat()}; nothing is said of it any more."
    else:
        since = one.since.isoformat()
        why = f"with what arrived later, the days from {since} on are within their rhythm."
    return replace(one, state="recovered", last_day=last, sentence=f"{one.agent}: {why}")


def sentence_of(alert: Alert) -> str:
    """The alert in one or two sentences, with its numbers."""
    shown = [departure_words(one) for one in alert.departures[:SHOWN_METRICS]]
    left = len(alert.departures) - len(shown)
    more = f"; and {count(left, 'more metric')}" if left else ""
    told = f"{alert.agent}: {'; '.join(shown)}{more}."
    if alert.state == "recovered":
        return f"{told} Back in its rhythm since {alert.last_day.isoformat()}."
    if alert.state == "settled":
        return f"{told} It has stayed so for four weeks and counts as the rhythm now."
    return told


def departure_words(one: Departure) -> str:
    """`abandonment 31 % since 2026-11-18 (62 of 200), 18 % expected (12-25 %)`."""
    since = one.since.isoformat()
    if one.metric == VOLUME:
        return (
            f"{one.value:,.0f} conversations a day since {since}, {one.expected:,.0f} expected "
            f"({one.band.low:,.0f} to {one.band.high:,.0f})"
        )
    return (
        f"{metric_name(one.metric)} {percent(one.value)} since {since} "
        f"({one.failed:,} of {one.total:,}), {percent(one.expected)} expected ({span(one.band)})"
    )


def metric_name(metric: str) -> str:
    """`signal:quick_abandonment` as people read it."""
    kind, _, name = metric.partition(":")
    words = name.replace("_", " ")
    named = {"judged": f"judged {words}", "inferred": f"inferred {words}"}
    return named.get(kind, words or kind)
