"""How large a limit would have to be, when all that it stopped could have gone on.

A log-normal distribution is fitted to the sizes that ended and the sizes that were stopped, the
latter as censored, by maximum likelihood: sizes of answers, times of calls and numbers of steps
are skewed and positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import minimize
from scipy.special import log_ndtr

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
    logs, cut_logs = np.log(known), np.log(cut)

    def unlikely(parameters: NDArray[np.float64]) -> float:
        mean, spread = parameters[0], np.exp(parameters[1])
        ended_by_itself = 0.5 * np.sum(((logs - mean) / spread) ** 2) + len(logs) * parameters[1]
        return float(ended_by_itself - np.sum(log_ndtr((mean - cut_logs) / spread)))

    first = near or Fit(shape=max(float(logs.std()), 0.01), scale=float(np.exp(logs.mean())))
    # What `lognorm.fit` of censored data finds too, in a tenth of the time.
    found = minimize(unlikely, [np.log(first.scale), np.log(first.shape)], method="L-BFGS-B")
    return Fit(shape=float(np.exp(found.x[1])), scale=float(np.exp(found.x[0])))


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
