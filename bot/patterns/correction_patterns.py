"""Corrections of one type that people make again and again, for one segment or for all.

Known reviewers are trusted, so three corrections from three conversations are a pattern; fewer are
refused with their count. A type belongs to the segment that explains it: the one that all of its
corrections share, else the values of the key by which the rates differ, else everybody.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from bot.patterns.outcome_patterns import pattern_id, with_users
from bot.patterns.ranking import priority_of, severity_of
from bot.patterns.rows import AgentRows, Indexes
from bot.patterns.trend import trend_of, weekly
from bot.records import Correction, Declined, Pattern, in_time
from bot.statistics import failure_rate, risk_difference, risk_ratio

MIN_CORRECTIONS = 3
"""And as many conversations."""
MIN_SUGGESTIONS, MIN_USERS = 5, 3
"""What users suggest rests on so many conversations of so many users: they are strangers."""
DIFFERS = 0.05
"""p from which a segment key explains where a type occurs."""

Segment = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reviewed:
    """The conversations of one agent that a person looked at, by segment."""

    rows: AgentRows | None
    conversations: frozenset[str]
    segments: Mapping[Segment, frozenset[str]]

    def within(self, segment: Mapping[str, str]) -> frozenset[str]:
        inside = self.conversations
        for pair in segment.items():
            inside &= self.segments.get(pair, frozenset())
        return inside


def correction_patterns(
    agent: str, corrections: Sequence[Correction], rows: AgentRows | None
) -> tuple[list[Pattern], list[Declined]]:
    """Patterns of one agent's corrections in the window, and what was too few or only noise."""
    by_type: dict[str, list[Correction]] = defaultdict(list)
    noise: dict[str, int] = Counter()
    for correction in corrections:
        type = correction.types[0] if correction.types else ""
        if correction.nature == "noise" or not type:
            noise[type] += 1
        else:
            by_type[type].append(correction)
    reviewed = _reviewed(corrections, rows)
    patterns, declined = [], []
    for type in sorted(by_type):
        for segment, group in _segments_of(by_type[type], reviewed):
            if _is_enough(group):
                elsewhere = _conversation_ids(by_type[type])
                patterns.append(_pattern(agent, type, segment, group, elsewhere, reviewed))
            else:
                declined.append(_too_few(agent, type, segment, group))
    declined += [_noise(agent, type, noise[type]) for type in sorted(noise)]
    return patterns, declined


def _noise(agent: str, type: str, number: int) -> Declined:
    if not type:
        return Declined(
            what=f"{number} corrections of {agent}",
            reason="spelling, layout or a rewording that is of no type; "
            "send `type` with the correction to say what was wrong",
        )
    return Declined(
        what=f"{number} corrections {type[:60]} of {agent}",
        reason="they were taken back, or reviewers make this edit in both directions; "
        "agree on which way it should be",
    )


def _reviewed(corrections: Iterable[Correction], rows: AgentRows | None) -> _Reviewed:
    seen: set[str] = set()
    segments: dict[Segment, set[str]] = defaultdict(set)
    for correction in corrections:
        key = _conversation(correction)
        seen.add(key)
        for pair in correction.segments.items():
            segments[pair].add(key)
    if rows is not None:
        for outcome, at in rows.outcomes.items():
            if outcome.startswith("review_"):
                seen.update(rows.conversation_ids[row] for row in at)
        for pair, at in rows.segments.items():
            segments[pair].update(
                name for row in at if (name := rows.conversation_ids[row]) in seen
            )
    return _Reviewed(
        rows=rows,
        conversations=frozenset(seen),
        segments={pair: frozenset(names) for pair, names in segments.items()},
    )


def _conversation(correction: Correction) -> str:
    """Corrections that name no conversation may all be of one."""
    return correction.conversation_id or ""


def _conversation_ids(corrections: Iterable[Correction]) -> frozenset[str]:
    return frozenset(_conversation(correction) for correction in corrections)


def _is_enough(group: Sequence[Correction]) -> bool:
    if len(_conversation_ids(one for one in group if one.by == "reviewer")) >= MIN_CORRECTIONS:
        return True
    users = {one.reviewer_id for one in group} - {None}
    return len(_conversation_ids(group)) >= MIN_SUGGESTIONS and len(users) >= MIN_USERS


def _segments_of(
    corrections: Sequence[Correction], reviewed: _Reviewed
) -> Iterator[tuple[Mapping[str, str], list[Correction]]]:
    """The groups that one type falls into: each correction is in exactly one."""
    having: Counter[Segment] = Counter()
    for correction in corrections:
        having.update(correction.segments.items())
    shared = [pair for pair, count in having.items() if count == len(corrections)]
    if shared:
        # Of several, the one that is rarest among all that was reviewed says most.
        most_telling = min(shared, key=lambda pair: (len(reviewed.within(dict([pair]))), pair))
        yield dict([most_telling]), list(corrections)
        return
    key = _explaining_key(corrections, reviewed)
    groups: dict[str | None, list[Correction]] = defaultdict(list)
    for correction in corrections:
        groups[correction.segments.get(key) if key is not None else None].append(correction)
    for value in sorted(groups, key=str):
        yield ({key: value} if key is not None and value is not None else {}), groups[value]


def _explaining_key(corrections: Sequence[Correction], reviewed: _Reviewed) -> str | None:
    """The segment key by whose values the share of corrected conversations differs most."""
    corrected = _conversation_ids(corrections)
    values: dict[str, list[frozenset[str]]] = defaultdict(list)
    for (key, _), inside in reviewed.segments.items():
        values[key].append(inside)
    found: list[tuple[float, str]] = []
    for key, groups in values.items():
        table = np.array([[len(one & corrected), len(one - corrected)] for one in groups])
        if len(groups) > 1 and table.sum(axis=0).all():
            p_value = float(stats.chi2_contingency(table, correction=False).pvalue)
            found.append((p_value, key))
    p_value, key = min(found, default=(1.0, ""))
    return key if p_value < DIFFERS else None


def _too_few(
    agent: str, type: str, segment: Mapping[str, str], group: Sequence[Correction]
) -> Declined:
    where = " and ".join(f"{key}={value}"[:80] for key, value in segment.items())
    what = f"correction {type[:60]} of {agent}" + (f" for {where}" if where else "")
    conversations = len(_conversation_ids(group))
    have = f"{len(group)} correction{'s' * (len(group) != 1)} of {type[:60]}"
    if where:
        have += f" for {where}"
    if any(one.by == "user" for one in group):
        users = len({one.reviewer_id for one in group} - {None})
        have += f", suggestions of {users} user{'s' * (users != 1)} among them"
        needed = f"{MIN_CORRECTIONS} of reviewers, or {MIN_SUGGESTIONS} of {MIN_USERS} users,"
        return Declined(what=what, reason=f"{have}; {needed} are needed")
    if len(group) >= MIN_CORRECTIONS:
        have += f" from {conversations} conversation{'s' * (conversations != 1)}"
    return Declined(what=what, reason=f"{have}; {MIN_CORRECTIONS} are needed")


def _pattern(
    agent: str,
    type: str,
    segment: Mapping[str, str],
    group: Sequence[Correction],
    with_type: frozenset[str],
    reviewed: _Reviewed,
) -> Pattern:
    """`with_type`: all conversations that have a correction of this type, in any segment."""
    outcome = f"correction:{type}"
    ordered = tuple(sorted(group, key=in_time))
    corrected = _conversation_ids(ordered)
    everyone = reviewed.within(segment) | corrected
    others = reviewed.conversations - everyone
    inside = failure_rate(len(corrected), len(everyone))
    outside = failure_rate(len(with_type & others), len(others)) if others else None
    difference, interval = risk_difference(inside, outside) if outside else (None, None)
    ratio, ratio_interval = risk_ratio(inside, outside) if outside else (None, None)
    severity = severity_of("correction", outcome)
    pattern = Pattern(
        id=pattern_id(agent, "correction", None, segment, outcome),
        kind="correction",
        agent=agent,
        outcome=outcome,
        unit="conversation",
        rate=inside.rate,
        rate_interval=inside.interval,
        users=len(everyone),
        conversations=len(everyone),
        evidence=tuple(dict.fromkeys(map(_conversation, ordered))),
        evidence_users=0,
        segment=dict(segment),
        baseline_rate=outside.rate if outside else None,
        risk_difference=difference,
        interval=interval,
        risk_ratio=ratio,
        risk_ratio_interval=ratio_interval,
        severity=severity,
        priority=priority_of("correction", severity, inside.interval, inside.total),
        # A rule about style mends no wrong fact.
        root_cause="knowledge" if ordered[-1].nature == "error" else "prompt",
        corrections=ordered,
    )
    if reviewed.rows is None:
        return pattern
    return _with_rows(pattern, reviewed.rows, everyone, corrected)


def _with_rows(
    pattern: Pattern, rows: AgentRows, everyone: frozenset[str], corrected: frozenset[str]
) -> Pattern:
    """Add weeks, trend and users, for the conversations that are in the window's facts."""
    at = {name: row for row, name in enumerate(rows.conversation_ids)}
    group = _indexes(at, everyone)
    failing = _indexes(at, corrected)
    if not len(group):
        return pattern
    failed = rows.flags([failing])
    weeks = weekly(rows, group, failed)
    trend = trend_of(rows, group, failed, weeks)
    return with_users(replace(pattern, weeks=weeks, trend=trend), rows.users_of(failing))


def _indexes(at: Mapping[str, int], names: Iterable[str]) -> Indexes:
    return np.asarray(sorted(at[name] for name in names if name in at), dtype=np.int64)
