"""How far the judge can be believed, by conversations of which people said how they went.

A judge who misses one breach in three shows two thirds of them. With its sensitivity and
specificity the rate that is really there can be estimated (Rogan and Gladen 1978), with an interval
that also carries how unsure those two are (Lang and Reiczigel 2014).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bot.records import Interval, Key, RateEstimate
from bot.statistics import Z_95, failure_rate

MIN_EACH = 15
"""Conversations that people found bad, and good: fewer calibrate nothing."""
MIN_YOUDEN = 0.2
"""Sensitivity + specificity - 1 under which the judge says hardly more than chance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """The judge against people, on conversations that both judged."""

    sensitivity: RateEstimate
    """Share of what people found bad in which the judge saw a breach."""
    specificity: RateEstimate
    """Share of what people found good in which it saw none."""
    kappa: float
    """Agreement beyond chance (Cohen), at most 1."""

    @property
    def youden(self) -> float:
        return self.sensitivity.rate + self.specificity.rate - 1

    @property
    def is_usable(self) -> bool:
        return self.youden >= MIN_YOUDEN


@dataclass(frozen=True, kw_only=True, slots=True)
class NotCalibrated:
    """People said too little to say how far the judge can be believed."""

    found_bad: int
    found_good: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjusted:
    """A rate with the judge's own mistakes taken out."""

    rate: float
    interval: Interval


def calibrate(
    judged: Mapping[Key, bool], people: Mapping[Key, bool]
) -> Calibration | NotCalibrated:
    """Compare what both judged; True is bad. Rogan-Gladen's assumption holds only as far as people
    speak of conversations like the others: complainers write more often than the content."""
    both = [(judged[key], bad) for key, bad in people.items() if key in judged]
    bad = [said for said, is_bad in both if is_bad]
    good = [said for said, is_bad in both if not is_bad]
    if min(len(bad), len(good)) < MIN_EACH:
        return NotCalibrated(found_bad=len(bad), found_good=len(good))
    return Calibration(
        sensitivity=failure_rate(sum(bad), len(bad)),
        specificity=failure_rate(len(good) - sum(good), len(good)),
        kappa=kappa(both),
    )


def kappa(pairs: list[tuple[bool, bool]]) -> float:
    """Cohen's kappa of two raters; 0 where both always say the same one thing."""
    n = len(pairs)
    agreed = sum(one == other for one, other in pairs) / n
    first, second = (sum(pair[at] for pair in pairs) / n for at in (0, 1))
    chance = first * second + (1 - first) * (1 - second)
    return (agreed - chance) / (1 - chance) if chance < 1 else 0.0


def adjusted_rate(broken: int, total: int, calibration: Calibration) -> Adjusted:
    """The rate that is really there, where the judge saw `broken` of `total`.

    Raises:
        ValueError: the judge says hardly more than chance, or `total` is 0.
    """
    if not calibration.is_usable or not total:
        raise ValueError(f"{broken} of {total} cannot be adjusted by {calibration.youden:.2f}")
    z = Z_95
    n_se, n_sp = calibration.sensitivity.total, calibration.specificity.total
    se = (calibration.sensitivity.failed + 1) / (n_se + 2)
    sp = (calibration.specificity.failed + 1) / (n_sp + 2)
    n = total + z * z
    seen = (broken + z * z / 2) / n
    youden = se + sp - 1
    rate = (seen + sp - 1) / youden
    shift = (
        2 * z * z * (rate * se * (1 - se) / (n_se + 2) - (1 - rate) * sp * (1 - sp) / (n_sp + 2))
    )
    variance = (
        seen * (1 - seen) / n
        + rate**2 * se * (1 - se) / (n_se + 2)
        + (1 - rate) ** 2 * sp * (1 - sp) / (n_sp + 2)
    )
    half = z * math.sqrt(variance) / youden
    middle = rate + shift
    return Adjusted(
        rate=_share((broken / total + calibration.specificity.rate - 1) / calibration.youden),
        interval=Interval(low=_share(middle - half), high=_share(middle + half)),
    )


def _share(value: float) -> float:
    return max(0.0, min(1.0, value))
