"""Is the task still the same? What is decided on in the newer half of the window, and in the older.

Divergence is tested feature by feature, segment by segment and for intents, corrected for all of
them, and must be large as well: with many decisions any trifle is significant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bot.figures import percent
from bot.patterns.rows import AgentRows, Indexes
from bot.patterns.segments import SEEN
from bot.records import Decision, Finding, in_time
from bot.statistics import q_values

Q = 0.01
LEAST = 40
"""Entries in each half."""
MOVED = 0.2
"""Share of the traffic that must have moved: total variation distance for names, the largest
difference of the distribution functions (Kolmogorov-Smirnov) for numbers."""
MANY_VALUES = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """One property of the traffic that is not as it was."""

    what: str
    """`feature amount`, `segment channel` or `intents`. Outside text."""
    moved: float
    """Share of the traffic, 0..1."""
    q_value: float

    @property
    def words(self) -> str:
        return f"{self.what[:60]} ({percent(self.moved)} of it moved)"


def shifts_of_decisions(decisions: Sequence[Decision]) -> tuple[Shift, ...]:
    """What of the decisions' features, segments and rules differs between the halves of their
    time, most first."""
    ordered = sorted((one for one in decisions if one.at is not None), key=in_time)
    older, newer = _halves(ordered)
    if min(len(older), len(newer)) < LEAST:
        return ()
    tested: list[tuple[str, float, float]] = []
    for name in sorted({name for one in ordered for name in one.features}):
        before = [one.features[name] for one in older if name in one.features]
        after = [one.features[name] for one in newer if name in one.features]
        if min(len(before), len(after)) >= LEAST:
            found = stats.ks_2samp(before, after)
            tested.append((f"feature {name}", float(found.statistic), float(found.pvalue)))
    for key in sorted({key for one in ordered for key in one.segments}):
        compared = _compare_names(
            [one.segments.get(key) for one in older], [one.segments.get(key) for one in newer]
        )
        tested += [(f"segment {key}", *compared)] if compared else []
    compared = _compare_names([one.rules for one in older], [one.rules for one in newer])
    tested += [("rules", *compared)] if compared else []
    return _standing(tested)


def shifts_of_rows(rows: AgentRows) -> tuple[Shift, ...]:
    """The same for an agent's conversations: intents and declared segments."""
    known = ~np.isnan(rows.times)
    if not known.any():
        return ()
    middle = (rows.times[known].min() + rows.times[known].max()) / 2
    newer = rows.times > middle
    older = known & ~newer
    if min(older.sum(), newer.sum()) < LEAST:
        return ()
    tested = []
    keys = sorted({key for key, _ in rows.segments} - SEEN)
    groups: Mapping[str, list[Indexes]] = {
        "intents": list(rows.intents.values()),
        **{
            f"segment {key}": [at for (own, _), at in rows.segments.items() if own == key]
            for key in keys
        },
    }
    for what, members in groups.items():
        before = [int(older[at].sum()) for at in members]
        after = [int(newer[at].sum()) for at in members]
        compared = _compare_counts(before, after)
        tested += [(what, *compared)] if compared else []
    return _standing(tested)


def shifted_rows(rows: AgentRows) -> Iterator[Finding]:
    """One finding where an agent's conversations are not about what they were about."""
    shifts = shifts_of_rows(rows)
    if shifts:
        told = ", ".join(one.words for one in shifts[:3])
        sentence = f"What people come with changed between the halves of the window: {told}."
        yield Finding(kind="shifted_traffic", agent=rows.agent, sentence=sentence)


def _halves(ordered: Sequence[Decision]) -> tuple[Sequence[Decision], Sequence[Decision]]:
    if not ordered or ordered[0].at is None or ordered[-1].at is None:
        return (), ()
    middle = ordered[0].at + (ordered[-1].at - ordered[0].at) / 2
    older = [one for one in ordered if one.at is not None and one.at < middle]
    return older, ordered[len(older) :]


def _compare_names(
    before: Sequence[Hashable], after: Sequence[Hashable]
) -> tuple[float, float] | None:
    old, new = Counter(before), Counter(after)
    names = sorted(old.keys() | new.keys(), key=repr)
    return _compare_counts([old[name] for name in names], [new[name] for name in names])


def _compare_counts(before: Sequence[int], after: Sequence[int]) -> tuple[float, float] | None:
    """(total variation distance, p); None where there is nothing to compare."""
    table = np.array([before, after])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or table.shape[1] > MANY_VALUES or table.sum(axis=1).min() < LEAST:
        return None
    shares = table / table.sum(axis=1, keepdims=True)
    moved = float(np.abs(shares[0] - shares[1]).sum() / 2)
    return moved, float(stats.chi2_contingency(table).pvalue)


def _standing(tested: Sequence[tuple[str, float, float]]) -> tuple[Shift, ...]:
    q = q_values([p for _, _, p in tested])
    found = [
        Shift(what=what, moved=moved, q_value=value)
        for (what, moved, _), value in zip(tested, q, strict=True)
        if value < Q and moved >= MOVED
    ]
    return tuple(sorted(found, key=lambda one: (-one.moved, one.what)))
