"""Groups whose bad outcome is more frequent than in the same agent's other units.

Units are users where ids exist: a user failed if any conversation of theirs in the group did, and
is counted in the group only, also with conversations outside. Users with many conversations have
more chances to fail once, so where users come again the test is by conversation, with users as
clusters. What time alone explains is nobody's fault (`drift`). Benjamini-Hochberg over all tests of
the cycle; only worse groups stand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bot.patterns.drift import DriftControl
from bot.patterns.explained import carriers
from bot.patterns.groups import Group, groups_of
from bot.patterns.ranking import priority_of, severity_of
from bot.patterns.rows import AgentRows, Flags, Indexes
from bot.patterns.trend import trend_of, weekly
from bot.records import Declined, Pattern, RateEstimate, RootCause, short_hash
from bot.statistics import (
    clustered_p_value,
    failure_rate,
    q_values,
    risk_difference,
    risk_ratio,
    two_rates_p_value,
)

Q = 0.05
"""False discovery rate over all that was tested in the cycle."""
SAME_FAILURES = 0.8
"""Jaccard overlap of failing conversations from which two groups are one pattern."""
OPPOSITE = {"failure": "success"}
"""Where the opposite is declared too, conversations with neither are not judged."""
BAD_SIGNALS = (
    "reformulation",
    "repeated_query",
    "quick_correction",
    "error_pointed_out",
    "abandonment",
    "escalation_request",
    "negative_rating",
    "tool_error",
    "tool_loop",
    "repeated_clarification",
    "promise_without_action",
    "empty_answer",
    "cut_off_answer",
    "broken_format",
)
"""Stand in for outcomes where an agent declares none. A refusal may be what the policy asks for."""
_CAUSES: Mapping[str, RootCause] = {
    "cut_off_answer": "config",
    "empty_answer": "harness",
    "broken_format": "harness",
    "tool_loop": "harness",
    "tool_error": "tool_definition",
}
"""What an agent-side signal points at, surest first; a diagnosis may say more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One bad outcome of one agent: who was judged by it, and who failed."""

    outcome: str
    judged: Flags
    failed: Flags


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One group against the same agent's other units."""

    rows: AgentRows
    group: Group
    series: Series
    inside: RateEstimate
    outside: RateEstimate
    p_value: float

    @property
    def judged_rows(self) -> Indexes:
        return self.group.rows[self.series.judged[self.group.rows]]

    @property
    def failing_rows(self) -> Indexes:
        return self.group.rows[self.series.failed[self.group.rows]]


def series_of(rows: AgentRows) -> list[Series]:
    """The bad outcomes that occurred; signals where the agent has no good or bad outcome at all."""
    if not rows.good and not rows.bad:
        return [
            Series(
                outcome=f"signal:{kind}",
                judged=rows.has_text,
                failed=rows.flags([rows.signals[kind]]) & rows.has_text,
            )
            for kind in BAD_SIGNALS
            if kind in rows.signals
        ]
    found = []
    for outcome, at in rows.bad.items():
        failed = rows.flags([at])
        opposite = rows.good.get(OPPOSITE.get(outcome, ""))
        everyone = np.ones(len(rows), dtype=np.bool_)
        judged = everyone if opposite is None else rows.flags([at, opposite])
        found.append(Series(outcome=outcome, judged=judged, failed=failed))
    return found


def compare_all(
    rows: AgentRows, *, min_users: int, min_conversations: int
) -> tuple[list[Comparison], list[Declined]]:
    """Every group that is large enough, by every bad outcome. What is chosen never looks at who
    failed, so that the correction for many tests holds."""
    comparisons, declined = [], []
    fields = [_Field(rows, one) for one in series_of(rows)]
    with_signals = bool(rows.good or rows.bad)
    for group in groups_of(rows, least=min_conversations, with_signals=with_signals):
        if isinstance(group, Declined):
            declined.append(group)
            continue
        for one in fields:
            comparison = one.compare(group, min_users, min_conversations)
            if comparison is not None:
                comparisons.append(comparison)
    return comparisons, declined


class _Field:
    """All that one outcome judged, prepared so that many groups can be compared in it."""

    def __init__(self, rows: AgentRows, series: Series) -> None:
        self._rows, self._series = rows, series
        self._among: tuple[Indexes | None, Flags, DriftControl] | None = None

    def _compared_with(self, group: Group) -> tuple[Flags, DriftControl]:
        """Which rows the group is compared in; groups of the same ones come one after another."""
        kept = self._among
        if kept is None or kept[0] is not group.among:
            judged = self._series.judged
            if group.among is not None:
                judged = judged & self._rows.flags([group.among])
            drift = DriftControl(self._rows, judged, self._series.failed)
            kept = self._among = (group.among, judged, drift)
        return kept[1], kept[2]

    def compare(self, group: Group, min_users: int, min_conversations: int) -> Comparison | None:
        rows, series = self._rows, self._series
        everyone, drift = self._compared_with(group)
        judged = group.rows[everyone[group.rows]]
        if len(judged) < min_conversations:
            return None
        rates = (_by_conversation if group.by_conversation else _by_unit)(
            rows, judged, everyone, series.failed, min_users
        )
        if rates is None:
            return None
        inside, outside = rates
        p_value = two_rates_p_value(inside, outside)
        if everyone.sum() > inside.total + outside.total or group.by_conversation:
            p_value = _clustered(rows, judged, everyone, series.failed, rates, p_value)
        if drift.is_possible:
            beside_time = drift.p_value(judged, worse=inside.rate > outside.rate)
            p_value = max(p_value, beside_time)
        return Comparison(
            rows=rows, group=group, series=series, inside=inside, outside=outside, p_value=p_value
        )


def _by_unit(
    rows: AgentRows, judged: Indexes, everyone: Flags, failed: Flags, min_users: int
) -> tuple[RateEstimate, RateEstimate] | None:
    """(inside, outside) by users; one with conversations inside counts there only."""
    members = _units(rows, judged)
    others = _units(rows, np.flatnonzero(everyone)) & ~members
    if members.sum() < min_users or others.sum() < min_users:
        return None
    inside = _rate(_units(rows, judged[failed[judged]]), members)
    return inside, _rate(_units(rows, np.flatnonzero(failed & everyone)), others)


def _by_conversation(
    rows: AgentRows, judged: Indexes, everyone: Flags, failed: Flags, min_users: int
) -> tuple[RateEstimate, RateEstimate] | None:
    """(inside, outside) by conversations, of at least so many users on both sides."""
    others = np.setdiff1d(np.flatnonzero(everyone), judged, assume_unique=True)
    if min(_units(rows, judged).sum(), _units(rows, others).sum()) < min_users:
        return None
    inside = failure_rate(int(failed[judged].sum()), len(judged))
    return inside, failure_rate(int(failed[others].sum()), len(others))


def _clustered(
    rows: AgentRows,
    judged: Indexes,
    everyone: Flags,
    failed: Flags,
    rates: tuple[RateEstimate, RateEstimate],
    p_value: float,
) -> float:
    """p by conversation with users as clusters; `p_value` is by user, a floor for small counts."""
    inside, outside = rates
    at = np.flatnonzero(everyone)
    in_group = rows.flags([judged])[at]
    fails = failed[at]
    worse = fails[in_group].mean() > fails[~in_group].mean()
    if worse != (inside.rate > outside.rate):
        return 1.0
    by_row = clustered_p_value(in_group, fails, rows.units[at])
    share = (inside.failed + outside.failed) / (inside.total + outside.total)
    small = min(inside.total, outside.total) * min(share, 1 - share) < 5
    return max(by_row, p_value) if small else by_row


def _units(rows: AgentRows, indexes: Indexes) -> Flags:
    flags = np.zeros(int(rows.units.max()) + 1, dtype=np.bool_)
    flags[rows.units[indexes]] = True
    return flags


def _rate(failed: Flags, units: Flags) -> RateEstimate:
    return failure_rate(int((failed & units).sum()), int(units.sum()))


# -- what stands ----------------------------------------------------------------------------------


def stand_out(comparisons: Sequence[Comparison], names: Mapping[str, str]) -> list[Pattern]:
    """The worse groups that survive the correction, each set of failures told once.

    `names` maps intent ids to names.
    """
    q = q_values([comparison.p_value for comparison in comparisons])
    worse = [
        (one, value)
        for one, value in zip(comparisons, q, strict=True)
        if value <= Q and one.inside.rate > one.outside.rate
    ]
    worse.sort(key=lambda pair: (pair[0].group.telling, pair[1], pair[0].group.name))
    tested = Counter((one.rows.agent, one.series.outcome) for one in comparisons)
    carrying = _carrying([one for one, _ in worse], tested)
    kept: list[tuple[Comparison, float]] = []
    for one, value in worse:
        if id(one) in carrying and not any(_same_failures(one, other) for other, _ in kept):
            kept.append((one, value))
    return [_pattern(one, value, names) for one, value in kept]


def _carrying(worse: Sequence[Comparison], tested: Mapping[tuple[str, str], int]) -> set[int]:
    """Identities of those that the others of the same agent and outcome do not explain.

    First for whom it fails; then how, where that is more than the first ones explain: a tool error
    may be how an intent fails, not why the intent seems to. `tested` maps (agent, outcome) to the
    number of comparisons.
    """
    kept: set[int] = set()
    alike: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
    for one in worse:
        alike[one.rows.agent, one.series.outcome].append(one)
    for key, group in alike.items():
        rows, series = group[0].rows, group[0].series
        at = np.flatnonzero(series.judged)
        failed, units, weeks = series.failed[at], rows.units[at], rows.weeks[at]
        given: list[Flags] = []
        for is_how in (False, True):
            asked = [one for one in group if one.group.is_how == is_how]
            members = [rows.flags([one.group.rows])[at] for one in asked]
            chosen = carriers(members, failed, units, given=given, weeks=weeks, tested=tested[key])
            kept.update(id(asked[index]) for index in chosen)
            given = [members[index] for index in chosen]
    return kept


def _same_failures(one: Comparison, other: Comparison) -> bool:
    if one.rows is not other.rows:
        return False
    a, b = one.failing_rows, other.failing_rows
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both >= SAME_FAILURES * (len(a) + len(b) - both)


def _pattern(one: Comparison, q_value: float, names: Mapping[str, str]) -> Pattern:
    rows, group, outcome = one.rows, one.group, one.series.outcome
    difference, interval = risk_difference(one.inside, one.outside)
    ratio, ratio_interval = risk_ratio(one.inside, one.outside)
    judged, failing = one.judged_rows, one.failing_rows
    weeks = weekly(rows, judged, one.series.failed)
    severity = severity_of("outcome", outcome)
    pattern = Pattern(
        id=pattern_id(rows.agent, "outcome", group.intent_id, group.segment, outcome),
        kind="outcome",
        agent=rows.agent,
        outcome=outcome,
        unit="conversation" if group.by_conversation else rows.unit,
        rate=one.inside.rate,
        rate_interval=one.inside.interval,
        users=one.inside.total,
        conversations=len(judged),
        evidence=tuple(rows.conversation_ids[row] for row in failing),
        evidence_users=0,
        intent_id=group.intent_id,
        intent_name=names.get(group.intent_id) if group.intent_id else None,
        segment=dict(group.segment),
        baseline_rate=one.outside.rate,
        risk_difference=difference,
        interval=interval,
        share_explained=_explained(one),
        risk_ratio=ratio,
        risk_ratio_interval=ratio_interval,
        q_value=q_value,
        trend=trend_of(rows, judged, one.series.failed, weeks),
        weeks=weeks,
        severity=severity,
        priority=priority_of("outcome", severity, one.inside.interval, one.inside.total),
        root_cause=_root_cause(one),
    )
    return with_users(pattern, rows.users_of(failing))


def _explained(one: Comparison) -> float:
    """Share of all failures compared that is over the others' rate; equal to Levin's
    pe (RR - 1) / (1 + pe (RR - 1)), pe being the group's share of the units."""
    over = one.inside.failed - one.outside.rate * one.inside.total
    return max(0.0, over / (one.inside.failed + one.outside.failed))


def rates_by_pattern(comparisons: Sequence[Comparison]) -> dict[str, RateEstimate]:
    """Id that each comparison's pattern has or would have, to the rate of its group."""
    return {
        pattern_id(
            one.rows.agent,
            "outcome",
            one.group.intent_id,
            one.group.segment,
            one.series.outcome,
        ): one.inside
        for one in comparisons
    }


def pattern_id(
    agent: str, kind: str, intent_id: str | None, segment: Mapping[str, str], outcome: str
) -> str:
    """Stable over runs and free of numbers, so that the same pattern is found again next week."""
    return f"pt-{short_hash(agent, kind, intent_id, dict(segment), outcome)}"


def with_users(pattern: Pattern, users: Sequence[str]) -> Pattern:
    """Add who is behind the evidence: one entry of `users` for each piece whose user is known."""
    if not users:
        return pattern
    counts = Counter(users)
    share = max(counts.values()) / len(pattern.evidence)
    return replace(pattern, evidence_users=len(counts), top_user_share=share)


def _root_cause(one: Comparison) -> RootCause:
    """What an agent-side signal points at, where most failures have it and others do not."""
    signal = one.group.segment.get("signal", one.series.outcome.removeprefix("signal:"))
    if signal in _CAUSES:
        return _CAUSES[signal]
    failing = one.failing_rows
    passing = np.setdiff1d(one.judged_rows, failing)
    for kind, cause in _CAUSES.items():
        having = one.rows.flags([one.rows.signals[kind]] if kind in one.rows.signals else [])
        share = float(having[failing].mean()) if len(failing) else 0.0
        elsewhere = float(having[passing].mean()) if len(passing) else 0.0
        if share >= 0.5 and share >= 2 * elsewhere:
            return cause
    return "unknown"
