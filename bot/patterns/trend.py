"""How a pattern's rate went over the weeks, said only where a test supports it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from bot.patterns.rows import NO_WEEK, AgentRows, Flags, Indexes, week_name
from bot.records import WeekRate
from bot.statistics import linear_trend

Trend = Literal["new", "growing", "steady", "shrinking", "unknown"]
ALPHA = 0.05
NEW_AFTER_S = 14 * 86400.0
"""An agent must have been seen so long before the first failure for that to be news."""


def weekly(rows: AgentRows, group: Indexes, failed: Flags) -> tuple[WeekRate, ...]:
    """Distinct units of `group` in each ISO week, and those that failed. Empty without times.

    All weeks in which the agent was seen are there, so that a week without the group shows.
    """
    known = rows.weeks[rows.weeks != NO_WEEK]
    timed = group[rows.weeks[group] != NO_WEEK]
    if not len(known) or 2 * len(timed) < len(group):
        return ()
    first, last = int(known.min()), int(known.max())
    total = _units_by_week(rows, timed, first, last)
    bad = _units_by_week(rows, timed[failed[timed]], first, last)
    return tuple(
        WeekRate(week=week_name(first + step), failed=bad[step], total=total[step])
        for step in range(last - first + 1)
    )


def trend_of(rows: AgentRows, group: Indexes, failed: Flags, weeks: Sequence[WeekRate]) -> Trend:
    """`new` where all failures came late by more than chance; else the trend of the rate."""
    trend = trend_of_weeks(weeks)
    return "new" if trend != "unknown" and _is_new(rows, group[failed[group]]) else trend


def trend_of_weeks(weeks: Sequence[WeekRate]) -> Trend:
    """The trend of the rate alone; unknown where fewer than two weeks have data."""
    if sum(week.total > 0 for week in weeks) < 2:
        return "unknown"
    direction, p_value = linear_trend(
        [week.failed for week in weeks], [week.total for week in weeks]
    )
    if p_value >= ALPHA:
        return "steady"
    return "growing" if direction > 0 else "shrinking"


def _units_by_week(rows: AgentRows, indexes: Indexes, first: int, last: int) -> list[int]:
    pairs = np.unique(np.stack([rows.weeks[indexes], rows.units[indexes]]), axis=1)
    counts = np.bincount(pairs[0] - first, minlength=last - first + 1)
    return [int(count) for count in counts]


def _is_new(rows: AgentRows, failures: Indexes) -> bool:
    """Whether k failures all fell so late by chance: (share of traffic after the first) ** k."""
    times = rows.times[~np.isnan(rows.times)]
    failed_at = rows.times[failures]
    failed_at = failed_at[~np.isnan(failed_at)]
    if not len(failed_at) or failed_at.min() - times.min() < NEW_AFTER_S:
        return False
    later = float((times >= failed_at.min()).mean())
    return bool(later ** len(failed_at) < ALPHA)
