"""What time alone explains: where all gets worse, the newest version looks bad.

A group that came early or late is compared with others of the same days: the smooth course of the
rate is taken out of failures and of membership, and what days have in common (an outage, a weekend)
widens the interval. A group that is spread over the window loses nothing by it.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import stats

from bot.patterns.rows import AgentRows, Flags, Indexes

MIN_DAYS = 8
"""Over fewer days a course in time cannot be told from a difference of groups."""
DEGREE = 3
LUMPY = 1.5
"""Variance of a group's share over days beside that of chance; one group in twenty of thirty days
gets there by chance."""
_DAY_S = 86400.0

_Floats = npt.NDArray[np.float64]


class DriftControl:
    """One bad outcome of one agent, prepared so that many groups can be tested beside time."""

    def __init__(self, rows: AgentRows, judged: Flags, failed: Flags) -> None:
        self._at = np.flatnonzero(judged)
        self._position = np.full(len(rows), -1, dtype=np.int64)
        self._position[self._at] = np.arange(len(self._at))
        days = np.floor(rows.times[self._at] / _DAY_S)
        known = ~np.isnan(days)
        self._days = np.unique(np.where(known, days, -1.0), return_inverse=True)[1]
        self._sizes = np.bincount(self._days).astype(np.float64)
        self._units = rows.units[self._at]
        count = len(np.unique(days[known]))
        self.is_possible = count >= MIN_DAYS
        """False where too few days are known: then there is nothing to take out."""
        if self.is_possible:
            self._basis = _basis(days, known)
            self._correction = count / max(1, count - DEGREE - 1)
            self._failed = _without(self._basis, failed[self._at].astype(np.float64))

    def z(self, group: Indexes) -> float:
        """How far the group's judged rows are worse than others of the same time; 0 where all of
        its difference could be time."""
        member = np.zeros(len(self._at))
        member[self._position[group]] = 1.0
        own = _without(self._basis, member)
        size = float(own @ own)
        if size < 1e-9 * len(group):
            return 0.0
        # As if nothing but chance and time were at work: the spread of all, not of the group's own.
        scores = own * self._failed
        by_row = float(scores @ scores)
        if not by_row:
            return 0.0
        wider = float((np.bincount(self._units, weights=scores) ** 2).sum()) / by_row
        if self._is_lumpy(member):
            shared = float((np.bincount(self._days, weights=scores) ** 2).sum()) / by_row
            wider = max(wider, shared * self._correction)
        variance = float((self._failed**2).mean()) * size * max(1.0, wider)
        return float(own @ self._failed) / math.sqrt(variance)

    def _is_lumpy(self, member: _Floats) -> bool:
        """The group is on some days more than chance alone puts it there, so that what those days
        have in common is in its rate."""
        expected = self._sizes * member.mean()
        came = np.bincount(self._days, weights=member)
        uneven = float(((came - expected) ** 2 / (expected * (1 - member.mean()) + 1e-9)).sum())
        return uneven > LUMPY * len(self._sizes)

    def p_value(self, group: Indexes, *, worse: bool) -> float:
        """Two-sided; 1 where the difference beside time has another direction than `worse`."""
        z = self.z(group)
        return float(2 * stats.norm.sf(abs(z))) if (z > 0) == worse else 1.0


def _basis(days: _Floats, known: npt.NDArray[np.bool_]) -> _Floats:
    """Orthonormal columns: a polynomial of the day, and who has no time."""
    first, last = days[known].min(), days[known].max()
    scaled = np.where(known, 2 * (days - first) / (last - first) - 1, 0.0)
    columns = [np.where(known, scaled**power, 0.0) for power in range(DEGREE + 1)]
    if not known.all():
        columns.append((~known).astype(np.float64))
    found: _Floats = np.linalg.qr(np.column_stack(columns))[0]
    return found


def _without(basis: _Floats, values: _Floats) -> _Floats:
    residual: _Floats = values - basis @ (basis.T @ values)
    return residual
