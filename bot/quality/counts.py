"""How many failed of how many, by agent, metric and day: all that the monitor remembers.

Counts hold no ids and no text. A user who fails ten times in a day counts once that day, so that
nobody makes an alarm alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pyarrow as pa

from bot.records import SignalKind

VOLUME = "volume"
FAILED = "outcome:failed"
INFERRED = "inferred:failure"
KEPT_DAYS = 126
"""Eighteen weeks: what a rhythm is learned from, and as long an episode before it."""
_LEFT_OUT = frozenset({"reformulation"})
"""Half of the reformulations are no trouble; the other signals say the same more surely."""
SIGNALS = tuple(kind for kind in get_args(SignalKind) if kind not in _LEFT_OUT)


@dataclass(frozen=True, kw_only=True, slots=True)
class DayCount:
    """One metric of one agent on one day in UTC."""

    agent: str
    metric: str
    day: date
    failed: int
    """Distinct users (conversations, where no user is known) that show it; all, for `volume`."""
    total: int
    """Distinct users that could have; conversations, for `volume`."""

    @property
    def key(self) -> tuple[str, str, date]:
        return self.agent, self.metric, self.day


def day_counts(
    facts: pa.Table, judged: Mapping[str, Mapping[tuple[str, str], bool]] | None = None
) -> list[DayCount]:
    """Every metric of every agent on every day that has conversations; `facts` has FACTS_SCHEMA.

    `judged` maps a criterion to (agent, conversation id) and whether the judge saw it broken.
    """
    units: defaultdict[tuple[str, str, date], set[str]] = defaultdict(set)
    failing: defaultdict[tuple[str, str, date], set[str]] = defaultdict(set)
    seen: defaultdict[tuple[str, date], int] = defaultdict(int)
    rows = facts.to_pylist()
    # Where only what went wrong is ever declared, a conversation without it went well.
    only_bad = {row["agent"] for row in rows if row["bad"]}
    only_bad -= {row["agent"] for row in rows if row["good"]}
    for row in rows:
        at = row["started_at"] or row["ended_at"]
        if at is None:
            continue
        agent, day, unit = row["agent"], at.astimezone(UTC).date(), row["unit"]
        seen[agent, day] += 1
        everybody = agent in only_bad
        for metric, is_bad in _of_row(row, judged or {}, everybody=everybody):
            units[agent, metric, day].add(unit)
            if is_bad:
                failing[agent, metric, day].add(unit)
    counts = [
        DayCount(
            agent=agent,
            metric=metric,
            day=day,
            failed=len(failing[agent, metric, day]),
            total=len(who),
        )
        for (agent, metric, day), who in units.items()
    ]
    counts += [
        DayCount(agent=agent, metric=VOLUME, day=day, failed=number, total=number)
        for (agent, day), number in seen.items()
    ]
    return sorted(counts, key=lambda one: one.key)


def _of_row(
    row: Mapping[str, Any],
    judged: Mapping[str, Mapping[tuple[str, str], bool]],
    *,
    everybody: bool,
) -> Iterator[tuple[str, bool]]:
    """(metric, whether it is bad here) for all that this conversation can be judged by."""
    if everybody or row["good"] or row["bad"]:
        yield FAILED, bool(row["bad"])
    if row["has_text"]:
        for kind in SIGNALS:
            yield f"signal:{kind}", kind in row["signals"]
    if {"success", "failure"} & set(row["inferred"]):
        yield INFERRED, "failure" in row["inferred"]
    for criterion, verdicts in judged.items():
        broken = verdicts.get((row["agent"], row["conversation_id"]))
        if broken is not None:
            yield f"judged:{criterion}", broken


def merged_counts(
    before: Iterable[DayCount], now_counted: Iterable[DayCount], *, since: date, now: datetime
) -> tuple[DayCount, ...]:
    """What was counted before and what is counted now: from `since` on, the new counts alone.

    Outcomes are told late, so what lies in the window that is read is counted again each time.
    """
    first = now.date() - timedelta(days=KEPT_DAYS)
    merged = {one.key: one for one in before if first <= one.day < since}
    merged |= {one.key: one for one in now_counted if since <= one.day}
    return tuple(merged[key] for key in sorted(merged))
