"""How large a limit would have to be, when all that it stopped could have gone on.

A log-normal distribution is fitted to the sizes that ended and the sizes that were stopped, the
latter as censored (`scipy.stats.CensoredData`): sizes of answers, times of calls and numbers of
steps are skewed and positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bot.records import Interval

MIN_ENDED = 20
"""Fewer sizes that ended by themselves say nothing about the others."""
MAX_SIZES = 2_000
ENOUGH = 0.99
"""Share that should end by itself under the new limit."""
DRAWS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    shape: float
    scale: float

    def quantile(self, share: float) -> float:
        """The size under which `share` of all end."""
        return float(stats.lognorm.ppf(share, self.shape, 0, self.scale))

    def beyond(self, size: float) -> float:
        """Share, 0..1, that gets larger than `size`."""
        return float(stats.lognorm.sf(size, self.shape, 0, self.scale))


def fit(ended: Sequence[float], stopped: Sequence[float], *, near: Fit | None = None) -> Fit | None:
    """None where too few ended by themselves. `near` is where the search for the best starts."""
    if len(ended) < MIN_ENDED:
        return None
    known, cut = np.asarray(ended[-MAX_SIZES:]), np.asarray(stopped[-MAX_SIZES:])
    data = stats.CensoredData(uncensored=known, right=cut)
    start = {"scale": near.scale} if near else {}
    shape, _, scale = stats.lognorm.fit(data, *([near.shape] if near else []), floc=0, **start)
    return Fit(shape=float(shape), scale=float(scale))


def still_stopped(
    ended: Sequence[float], stopped: Sequence[float], old: float, new: float, *, seed: int = 0
) -> Interval | None:
    """80 % interval of the share of what `old` stopped that `new` would stop too."""
    rng = np.random.default_rng(seed)
    known, cut = np.asarray(ended[-MAX_SIZES:]), np.asarray(stopped[-MAX_SIZES:])
    whole = fit(ended, stopped)
    shares: list[float] = []
    for _ in range(DRAWS):
        drawn = fit(
            rng.choice(known, len(known)).tolist(), rng.choice(cut, len(cut)).tolist(), near=whole
        )
        if drawn is None:
            return None
        before = drawn.beyond(old)
        shares.append(drawn.beyond(new) / before if before > 0 else 0.0)
    low, high = np.quantile(shares, (0.1, 0.9))
    return Interval(low=float(low), high=float(min(1.0, high)), level=0.8)
