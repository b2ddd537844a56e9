"""Of groups that overlap, which ones carry the failures, and which only contain those that do.

One bad cell makes its whole intent look bad, and its whole version too. So groups that failed more
often than the rest are put into one model of the failures, strongest first, and each stays only as
long as it is worse than the others in the model explain: forward selection with elimination, in a
linear model of the rate with binomial variances.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

LEVEL = 0.01
"""One-sided p that a group needs beside the others to stay. Which groups come here was corrected
for all comparisons already; this is the price of the wrong name for a right finding."""
Q = 0.05
"""Share of wrong names. To be added, the k-th group needs a p of k * Q / all groups tested: what
several causes make significant leaves few names, and chance offers one for each group there is."""
NEARLY = 0.97
"""A group this close to the strongest is taken first, where it comes earlier in the order."""

_Floats = npt.NDArray[np.float64]


def carriers(
    members: Sequence[npt.NDArray[np.bool_]],
    failed: npt.NDArray[np.bool_],
    units: npt.NDArray[np.int64],
    *,
    given: Sequence[npt.NDArray[np.bool_]] = (),
    weeks: npt.NDArray[np.int64] | None = None,
    tested: int = 1,
) -> list[int]:
    """Positions of the groups that are worse than the other chosen ones explain.

    `members` has one array per group, the more telling groups first; all arrays have one entry per
    judged row. `units` are codes of who is counted: rows of one user are not independent. `given`
    are groups that are in the model already; each row's week takes a trend out of the rates.
    `tested` is the number of groups that these were found among.
    """
    if not members or (len(members) < 2 and not given):
        return list(range(len(members)))
    beside = [*given] if weeks is None or len(np.unique(weeks)) < 2 else [weeks, *given]
    patterns, at = np.unique(np.column_stack([*beside, *members]), axis=0, return_inverse=True)
    at = at.ravel()
    model = _Model(
        columns=np.column_stack([np.ones(len(patterns)), patterns]).astype(np.float64),
        beside=len(beside),
        total=np.bincount(at).astype(float),
        failed=np.asarray(np.bincount(at, weights=failed), dtype=np.float64),
        effect=_design_effect(failed, units),
    )
    chosen: list[int] = []
    for _ in range(2 * len(members)):  # each step adds one or ends; elimination could go round
        so_far = len(given) + len(chosen)
        level = min(LEVEL, Q * (so_far + 1) / tested) if so_far else 0.5
        best = _strongest(model, chosen, len(members), level)
        if best is None:
            break
        chosen = _still_worse(model, [*chosen, best])
        if best not in chosen:
            break
    return sorted(chosen)


class _Model:
    """Rows counted by which groups they are in; gives how sure each group's effect is."""

    def __init__(
        self, *, columns: _Floats, beside: int, total: _Floats, failed: _Floats, effect: float
    ) -> None:
        self._columns, self._total, self._failed = columns, total, failed
        self._fixed = 1 + beside
        self._effect = effect

    def strengths(self, groups: Sequence[int]) -> _Floats:
        """z of each group's effect beside the others; minus infinity where it cannot be told."""
        x = self._columns[:, [*range(self._fixed), *(group + self._fixed for group in groups)]]
        gram = x.T @ (self._total[:, None] * x)
        if np.linalg.matrix_rank(gram) < len(gram):
            return np.full(len(groups), -np.inf)
        inverse = np.linalg.inv(gram)
        effects = inverse @ (x.T @ self._failed)
        # Half a row at the overall rate keeps a cell in which nobody failed from looking certain.
        overall = self._failed.sum() / self._total.sum()
        fitted = np.clip(x @ effects, 0.0, 1.0)
        rate = (fitted * self._total + overall / 2) / (self._total + 0.5)
        spread = x.T @ ((self._total * rate * (1 - rate))[:, None] * x)
        variances = np.diag(inverse @ spread @ inverse) * self._effect
        found: _Floats = (effects / np.sqrt(np.maximum(variances, 1e-12)))[self._fixed :]
        return found


def _strongest(model: _Model, chosen: Sequence[int], groups: int, level: float) -> int | None:
    """The group to add; the first of all may be any, since it was found worse already."""
    needed = float(stats.norm.isf(level))
    added = {
        group: float(model.strengths([*chosen, group])[-1])
        for group in range(groups)
        if group not in chosen
    }
    strongest = max(added.values(), default=-np.inf)
    if strongest <= needed:
        return None
    return next(group for group, z in added.items() if z >= NEARLY * strongest)


def _still_worse(model: _Model, chosen: Sequence[int]) -> list[int]:
    """Without the groups that the others explain by now, weakest first."""
    kept = list(chosen)
    while len(kept) > 1:
        strengths = model.strengths(kept)
        weakest = int(np.argmin(strengths))
        if strengths[weakest] > stats.norm.isf(LEVEL):
            break
        del kept[weakest]
    return kept


def _design_effect(failed: npt.NDArray[np.bool_], units: npt.NDArray[np.int64]) -> float:
    """How much wider rates vary because rows share units; at least 1 (Rao and Scott, 1984)."""
    residuals = failed - failed.mean()
    by_row = float((residuals**2).sum())
    by_unit = float((np.bincount(units, weights=residuals) ** 2).sum())
    return max(1.0, by_unit / by_row) if by_row else 1.0
