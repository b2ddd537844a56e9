"""Intervals, tests and corrections for multiple comparisons. All from scipy where scipy has them.

Rates are 0..1. Units are independent: users, not conversations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from bot.records import Interval, RateEstimate

Z_95 = 1.959963984540054


def failure_rate(failed: int, total: int, *, level: float = 0.95) -> RateEstimate:
    """Estimate a rate from `failed` of `total` units.

    Gives the Wilson score interval and not the Wald one: groups are small and Wald's interval has
    no width at 0 of n. Source: Wilson (1927), "Probable inference".

    Raises:
        ValueError: `total` is 0, or `failed` is not within 0..`total`.
    """
    if not 0 <= failed <= total or total == 0:
        raise ValueError(f"{failed} of {total} is not a rate")
    found = stats.binomtest(failed, total).proportion_ci(level, method="wilson")
    interval = Interval(low=float(found.low), high=float(found.high), level=level)
    return RateEstimate(failed=failed, total=total, rate=failed / total, interval=interval)


def risk_difference(group: RateEstimate, others: RateEstimate) -> tuple[float, Interval]:
    """Difference of two rates with Newcombe's hybrid score interval (1998, method 10)."""
    d = group.rate - others.rate
    g, o = group.interval, others.interval
    low = d - math.hypot(group.rate - g.low, o.high - others.rate)
    high = d + math.hypot(g.high - group.rate, others.rate - o.low)
    return d, Interval(low=max(-1.0, low), high=min(1.0, high), level=g.level)


def risk_ratio(group: RateEstimate, others: RateEstimate) -> tuple[float, Interval]:
    """Ratio of two rates with the log-normal interval; ½ is added to each cell when any is 0."""
    a, n1, c, n2 = (float(x) for x in (group.failed, group.total, others.failed, others.total))
    if 0 in (a, n1 - a, c, n2 - c):
        a, n1, c, n2 = a + 0.5, n1 + 1, c + 0.5, n2 + 1
    ratio = (a / n1) / (c / n2)
    half = Z_95 * math.sqrt(max(0.0, 1 / a - 1 / n1 + 1 / c - 1 / n2))
    return ratio, Interval(low=ratio * math.exp(-half), high=ratio * math.exp(half))


def two_rates_p_value(group: RateEstimate, others: RateEstimate) -> float:
    """Two-sided p of equal rates: Fisher's exact test where an expected count is small, else χ²."""
    table = np.array(
        [
            [group.failed, group.total - group.failed],
            [others.failed, others.total - others.failed],
        ]
    )
    if not table.sum(axis=0).all():
        return 1.0  # everybody failed or nobody did: nothing can differ
    expected = stats.contingency.expected_freq(table)
    if expected.min() < 5:
        return float(stats.fisher_exact(table).pvalue)
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def q_values(p_values: Sequence[float]) -> list[float]:
    """Benjamini-Hochberg adjusted p-values, in the order given."""
    if not p_values:
        return []
    return [float(q) for q in stats.false_discovery_control(p_values, method="bh")]


def units_for_power(baseline: float, difference: float, *, power: float = 0.8) -> int | None:
    """Units per side to see `difference` from `baseline` at two-sided 5 %; None for none."""
    other = baseline + difference
    if difference == 0 or not 0 <= other <= 1:
        return None
    spread = baseline * (1 - baseline) + other * (1 - other)
    z = Z_95 + float(stats.norm.ppf(power))
    return max(1, math.ceil(z * z * spread / (difference * difference)))


def clustered_p_value(
    in_group: npt.NDArray[np.bool_], failed: npt.NDArray[np.bool_], units: npt.NDArray[np.int64]
) -> float:
    """Two-sided p of equal rates of rows inside and outside a group, where rows share units.

    The chi-squared test divided by the design effect: how much wider the difference varies when
    residuals are summed within each unit first, so that a user with forty conversations counts
    about as one. At least 1, so it is never surer than the plain test. Arrays have one entry per
    row; `units` are codes from 0. Source: Rao and Scott (1984).
    """
    inside, outside = int(in_group.sum()), int((~in_group).sum())
    if not inside or not outside or failed.all() or not failed.any():
        return 1.0
    rate = float(failed.mean())
    weights = np.where(in_group, 1 / inside, -1 / outside)
    residuals = weights * (failed - rate)
    by_row = float((residuals**2).sum())
    by_unit = float((np.bincount(units, weights=residuals) ** 2).sum())
    effect = max(1.0, by_unit / by_row)
    variance = rate * (1 - rate) * (1 / inside + 1 / outside) * effect
    difference = float((weights * failed).sum())
    return float(2 * stats.norm.sf(abs(difference) / math.sqrt(variance)))


def linear_trend(failed: Sequence[int], total: Sequence[int]) -> tuple[int, float]:
    """(direction -1, 0 or 1; two-sided p) of a rate that rises or falls over equal steps.

    The Cochran-Armitage test. Steps with a total of 0 are left out; without a spread p is 1.
    Source: Armitage (1955), "Tests for linear trends in proportions and frequencies".
    """
    steps = np.flatnonzero(np.asarray(total))
    n, f = np.asarray(total, dtype=float)[steps], np.asarray(failed, dtype=float)[steps]
    if len(steps) < 2 or not 0 < f.sum() < n.sum():
        return 0, 1.0
    rate = f.sum() / n.sum()
    centred = steps - (steps * n).sum() / n.sum()
    score = float((centred * (f - n * rate)).sum())
    variance = rate * (1 - rate) * float((n * centred**2).sum())
    p = float(2 * stats.norm.sf(abs(score) / math.sqrt(variance)))
    return (score > 0) - (score < 0), p
