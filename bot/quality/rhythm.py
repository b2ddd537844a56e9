"""One metric through its days: what each day was expected to be, and how far off it was.

Expected is what the same weekday was in six weeks, the one before today not among them, without
days that were odd or lie in an alarm. Weekdays are told apart only as far as they surely differ
(James and Stein 1961), so that a young or small agent is not held against four Mondays. How much
days vary beyond chance is learned from them too: users come in bunches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from bot.quality.counts import VOLUME, DayCount
from bot.records import Interval

Numbers: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

HISTORY_DAYS = 42
"""Six of each weekday. A product changes: what was before them says little of today."""
GUARD_DAYS = 7
"""The days just before are no part of it: a change that creeps in must not become its own norm."""
MIN_DAYS = 14
"""Days with data before anything is said: two of each weekday."""
MIN_UNITS = 60
MIN_VOLUME = 20.0
"""Conversations a day from which a silent day means something."""
ODD = 3.5
"""Deviations from its weekday beyond which a day teaches nothing."""
Z_BAND = 2.5758293035489004
"""99 %."""
Z_MOST = 8.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Series:
    """All days from the first to the last that the agent was seen, those without data too."""

    agent: str
    metric: str
    first: date
    failed: Numbers
    total: Numbers

    @property
    def kind(self) -> Literal["rate", "volume"]:
        return "volume" if self.metric == VOLUME else "rate"

    def day(self, at: int) -> date:
        return self.first + timedelta(days=at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What one day should be."""

    value: float
    """A rate, or conversations a day."""
    dispersion: float
    """How many times as much days vary as chance alone would let them; of volume the variance of
    its logarithm."""
    leverage: float = 0.0
    """1 / units that `value` rests on: how unsure it is itself."""


def series_of(counts: Sequence[DayCount], last: date) -> list[Series]:
    """One series per agent and metric, up to `last`; an agent's series all have the same days.

    The first day of an agent is left out: it is seldom a whole one.
    """
    by_agent: dict[str, dict[str, list[DayCount]]] = {}
    for one in counts:
        if one.day <= last:
            by_agent.setdefault(one.agent, {}).setdefault(one.metric, []).append(one)
    found = []
    for agent, metrics in sorted(by_agent.items()):
        days = [one.day for own in metrics.values() for one in own]
        first, end = min(days) + timedelta(days=1), _end(max(days), last)
        for metric, own in sorted(metrics.items()):
            size = max(0, (end - first).days + 1)
            failed, total = np.zeros(size), np.zeros(size)
            for one in own:
                at = (one.day - first).days
                if 0 <= at < size:
                    failed[at], total[at] = one.failed, one.total
            found.append(
                Series(agent=agent, metric=metric, first=first, failed=failed, total=total)
            )
    return found


def _end(last_seen: date, last: date) -> date:
    """An agent that was not seen for longer was switched off, or its log was imported."""
    return min(last, last_seen + timedelta(days=2))


def expect(series: Series, at: int, usable: Flags) -> Expectation | None:
    """What day `at` should be by the `usable` days before it; None where they are too few."""
    end = max(0, at - GUARD_DAYS)
    before = np.arange(max(0, end - HISTORY_DAYS), end)
    weekdays = (before - at) % 7  # 0 is the weekday of `at`
    if series.kind == "volume":
        return _expected_volume(series.total[before], weekdays, usable[before])
    return _expected_rate(series.failed[before], series.total[before], weekdays, usable[before])


def score(series: Series, at: int, expected: Expectation) -> float:
    """How far the day is on the bad side, in standard deviations, at most 8; 0 without data.

    Rates on the arcsine scale, whose spread does not depend on the rate (Anscombe 1948): few cases
    of a rare failure do not look like many deviations.
    """
    n, failed = series.total[at], series.failed[at]
    if series.kind == "volume":
        gone = math.log(expected.value + 0.5) - math.log(n + 0.5)
        return _bounded(gone / math.sqrt(expected.dispersion))
    return _bounded(deviations(failed, n, expected)) if n else 0.0


def deviations(failed: float, n: float, expected: Expectation) -> float:
    """How many standard deviations `failed` of `n` is over what was expected."""
    far = math.asin(math.sqrt((failed + 0.375) / (n + 0.75))) - math.asin(math.sqrt(expected.value))
    return 2 * far * math.sqrt(_worth(n, expected))


def band(series: Series, at: int, expected: Expectation) -> Interval:
    """Where 99 % of such days lie."""
    if series.kind == "volume":
        width = math.exp(Z_BAND * math.sqrt(expected.dispersion))
        return Interval(low=expected.value / width, high=expected.value * width, level=0.99)
    return rate_band(expected, series.total[at])


def rate_band(expected: Expectation, n: float) -> Interval:
    """Where the rate of `n` units lies in 99 % of cases when nothing has changed."""
    middle = math.asin(math.sqrt(expected.value))
    half = Z_BAND / (2 * math.sqrt(_worth(max(n, 1), expected)))
    low, high = max(0.0, middle - half), min(math.pi / 2, middle + half)
    return Interval(low=math.sin(low) ** 2, high=math.sin(high) ** 2, level=0.99)


def _worth(n: float, expected: Expectation) -> float:
    """Independent units that the comparison of `n` with what was expected is worth."""
    return float(1 / (expected.dispersion * (1 / (n + 0.5) + expected.leverage)))


def _bounded(z: float) -> float:
    return max(-Z_MOST, min(Z_MOST, z))


def _expected_rate(
    failed: Numbers, total: Numbers, weekdays: npt.NDArray[np.int64], usable: Flags
) -> Expectation | None:
    kept = usable & (total > 0)
    found = None
    for _ in range(2):
        n, f, day = total[kept], failed[kept], weekdays[kept]
        if len(n) < MIN_DAYS or n.sum() < MIN_UNITS:
            return None
        rates, share = _by_weekday(f, n, day)
        spread = n * rates[day] * (1 - rates[day])
        residuals = (f - n * rates[day]) / np.sqrt(spread)
        dispersion = _dispersion(residuals)
        own = n[day == 0].sum()
        found = Expectation(
            value=float(rates[0]),
            dispersion=dispersion,
            leverage=float((1 - share) / n.sum() + (share / own if own else 0.0)),
        )
        odd = np.abs(residuals) > ODD * math.sqrt(dispersion)
        if not odd.any():
            break
        kept = kept.copy()
        kept[np.flatnonzero(kept)[odd]] = False
    return found


def _by_weekday(
    failed: Numbers, total: Numbers, weekdays: npt.NDArray[np.int64]
) -> tuple[Numbers, float]:
    """The rate of each weekday, drawn to their common level by 1 - share; and the share."""
    # Half a failure more: what never happened is rare, not impossible.
    level = (failed.sum() + 0.5) / (total.sum() + 1)
    n = np.bincount(weekdays, weights=total, minlength=7)
    f = np.bincount(weekdays, weights=failed, minlength=7)
    seen = n > 0
    chance = _dispersion((failed - total * level) / np.sqrt(total * level * (1 - level)))
    far = float(((f - n * level)[seen] ** 2 / (n[seen] * level * (1 - level))).sum())
    freedom = float(seen.sum() - 1)
    share = max(0.0, 1 - chance * freedom / far) if far > 0 else 0.0
    rates = np.where(seen, level + share * (f / np.maximum(n, 1) - level), level)
    return np.clip(rates, 1e-6, 1 - 1e-6), share


def _dispersion(residuals: Numbers) -> float:
    """Variance of the residuals, at least 1; a few odd days do not blow it up."""
    return max(1.0, float((np.minimum(np.abs(residuals), 3.0) ** 2).mean()))


def _expected_volume(
    total: Numbers, weekdays: npt.NDArray[np.int64], usable: Flags
) -> Expectation | None:
    n, day = total[usable], weekdays[usable]
    own = n[day == 0]
    if len(n) < 2 * MIN_DAYS or len(own) < 3 or np.median(own) < MIN_VOLUME:
        return None
    usual = np.array([np.median(n[day == one]) if (day == one).any() else 0.0 for one in range(7)])
    off = np.log(n + 0.5) - np.log(usual[day] + 0.5)
    spread = 1.4826 * float(np.median(np.abs(off - np.median(off))))
    # Four values of a weekday know its middle to about half of their own spread.
    variance = max(spread**2 * (1 + 1.57 / len(own)), 1 / float(np.median(own)))
    return Expectation(value=float(np.median(own)), dispersion=variance)
