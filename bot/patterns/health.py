"""Is an agent well? One sentence of numbers for every agent, whether or not a pattern stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from bot.figures import count, percent, rate
from bot.patterns.outcome_patterns import BAD_SIGNALS
from bot.patterns.rows import AgentRows, Flags
from bot.patterns.threshold_patterns import ThresholdReport
from bot.records import AgentHealth, Pattern, RateEstimate
from bot.statistics import failure_rate, two_rates_p_value

Health = Literal["healthy", "needs_attention", "degraded", "not_enough_data"]

MIN_UNITS = 20
"""Fewer judged units say little: 0 failures of 20 still allow 16 %."""
NORMAL_RATE = 0.15
"""A failure rate surely above it needs attention, also where it is the same for everybody."""
NORMAL_SIGNS = 0.3
"""The same for signs of trouble, where no outcome is declared: signals are not failures."""
RECENT_S = 7 * 86400.0
RECENTLY_WORSE = 0.01
"""p from which the last week is worse than the weeks before it."""
_SIGNS = frozenset(BAD_SIGNALS) - {"tool_error", "reformulation"}
"""Agents recover from these two by themselves too often to count them as trouble."""


def health_of(
    agent: str,
    rows: AgentRows | None,
    patterns: Sequence[Pattern],
    thresholds: ThresholdReport,
    corrections: int,
) -> AgentHealth:
    """The verdict on one agent; `rows` is None where it has no conversation in the window."""
    health, why = _judged(rows, patterns) if rows is not None else _unseen(thresholds, corrections)
    if patterns:
        health = health if health == "degraded" else "needs_attention"
        why = f"{why} {count(len(patterns), 'pattern')} stand{'s' * (len(patterns) == 1)}."
    elif rows is None and thresholds.healthy and not thresholds.findings:
        health = "healthy"
    return AgentHealth(
        agent=agent,
        health=health,
        why=why,
        conversations=len(rows) if rows is not None else 0,
        users=len({user for user in rows.users if user is not None}) if rows is not None else 0,
        complete_share=float(rows.has_text.mean()) if rows is not None else 1.0,
    )


def _unseen(thresholds: ThresholdReport, corrections: int) -> tuple[Health, str]:
    seen = len(thresholds.patterns) + len(thresholds.declined)
    what = [count(seen, "threshold")] if seen else []
    what += [count(corrections, "correction")] if corrections else []
    return "not_enough_data", f"No conversation in the window; {' and '.join(what)}."


def _judged(rows: AgentRows, patterns: Sequence[Pattern]) -> tuple[Health, str]:
    """By declared outcomes where there are any, else by the signs that conversations show."""
    declared = bool(rows.good or rows.bad)
    if declared:
        failed = rows.flags(rows.bad.values())
        judged = failed | rows.flags(rows.good.values()) if rows.good else np.ones_like(failed)
        normal, did = NORMAL_RATE, "failed"
    else:
        judged = rows.has_text
        failed = rows.flags([rows.signals[kind] for kind in rows.signals if kind in _SIGNS])
        normal, did = NORMAL_SIGNS, "show a sign of trouble (no outcome is declared)"
    units = len(np.unique(rows.units[judged]))
    if not units:
        return "not_enough_data", f"None of {count(len(rows), 'conversation')} can be judged."
    estimate = _rate(rows, failed, judged)
    numbers = (
        f"{estimate.failed} of {count(units, rows.unit)} {did}, "
        f"{rate(estimate.rate, estimate.interval)}"
    )
    worse = _recently_worse(rows, failed, judged)
    if worse is not None:
        recent, before = worse
        return "degraded", (
            f"{numbers}; in the last 7 days {rate(recent.rate, recent.interval)}, "
            f"before {rate(before.rate, before.interval)}."
        )
    if estimate.interval.low > normal:
        everywhere = "" if patterns else "; no group stands out"
        return "needs_attention", f"{numbers}{everywhere}."
    if units < MIN_UNITS:
        return "not_enough_data", f"{numbers}; {MIN_UNITS} are needed to say more."
    if estimate.rate > normal:
        return "not_enough_data", f"{numbers}: too few to say that it is over {percent(normal)}."
    return "healthy", f"{numbers}."


def _rate(rows: AgentRows, failed: Flags, among: Flags) -> RateEstimate:
    units = np.unique(rows.units[among])
    bad = np.unique(rows.units[among & failed])
    return failure_rate(len(bad), len(units))


def _recently_worse(
    rows: AgentRows, failed: Flags, judged: Flags
) -> tuple[RateEstimate, RateEstimate] | None:
    """(last week, before) where the last week of the agent's traffic is worse beyond chance."""
    known = judged & ~np.isnan(rows.times)
    if not known.any():
        return None
    since = rows.times[known].max() - RECENT_S
    late, early = known & (rows.times > since), known & (rows.times <= since)
    if min(len(np.unique(rows.units[late])), len(np.unique(rows.units[early]))) < MIN_UNITS:
        return None
    recent, before = _rate(rows, failed, late), _rate(rows, failed, early)
    if recent.rate > before.rate and two_rates_p_value(recent, before) < RECENTLY_WORSE:
        return recent, before
    return None
