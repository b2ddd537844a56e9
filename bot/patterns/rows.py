"""One agent's facts as arrays, so that thousands of groups can be counted quickly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Indexes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
NO_WEEK = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentRows:
    """All conversations of one agent in the window, oldest first; arrays have one entry per row."""

    agent: str
    unit: Literal["user", "conversation"]
    """What is counted: users, where most conversations have an id of one."""
    conversation_ids: Sequence[str]
    users: Sequence[str | None]
    units: Indexes
    """Codes of users, and of conversations without one."""
    has_text: Flags
    weeks: Indexes
    """Weeks since Monday 1970-01-05, or NO_WEEK."""
    times: npt.NDArray[np.float64]
    """Seconds since 1970, or NaN."""
    outcomes: Mapping[str, Indexes]
    """Outcome to its rows; so are the rest."""
    good: Mapping[str, Indexes]
    bad: Mapping[str, Indexes]
    signals: Mapping[str, Indexes]
    intents: Mapping[str, Indexes]
    versions: Mapping[str, Indexes]
    variants: Mapping[str, Indexes]
    segments: Mapping[tuple[str, str], Indexes]

    def __len__(self) -> int:
        return len(self.conversation_ids)

    def flags(self, rows: Iterable[Indexes]) -> Flags:
        """True at every row that is in any of `rows`."""
        flags = np.zeros(len(self), dtype=np.bool_)
        for indexes in rows:
            flags[indexes] = True
        return flags

    def users_of(self, rows: Indexes) -> list[str]:
        """The user id of each of these rows that has one."""
        return [user for index in rows if (user := self.users[index]) is not None]


def in_windows(facts: pa.Table, ends: Mapping[str, datetime], window_days: float) -> pa.Table:
    """Conversations in the window before each agent's end, and those without a time."""
    at = pc.coalesce(facts["ended_at"], facts["started_at"])
    agents = sorted(ends)
    times = pa.array([ends[agent] for agent in agents], pa.timestamp("us", "UTC"))
    last = pc.take(times, pc.index_in(facts["agent"], pa.array(agents, pa.string())))
    first = pc.subtract(last, pa.scalar(timedelta(days=window_days), pa.duration("us")))
    inside = pc.and_(pc.greater_equal(at, first), pc.less_equal(at, last))
    return facts.filter(pc.or_(pc.is_null(at), pc.fill_null(inside, False)))


def ends_of_windows(
    facts: pa.Table, others: Iterable[tuple[str, datetime | None]], now: datetime
) -> dict[str, datetime]:
    """Agent to the end of its window: now, or when it was last seen where that is longer ago.

    `others` are (agent, time) of corrections and decisions. What has no time counts as now. So
    last year's conversations, imported today, are seen in the window in which they happened.
    """
    at = pc.coalesce(facts["ended_at"], facts["started_at"])
    seen = [*zip(facts["agent"].to_pylist(), at.to_pylist(), strict=True), *others]
    ends: dict[str, datetime] = {}
    for agent, time in seen:
        moment = now if time is None else min(time, now)
        ends[agent] = max(ends.get(agent, moment), moment)
    return ends


def rows_by_agent(facts: pa.Table) -> dict[str, AgentRows]:
    """Agent to its rows, agents in alphabetical order."""
    ordered = facts.sort_by([("started_at", "ascending"), ("conversation_id", "ascending")])
    agents = sorted(pc.unique(ordered["agent"]).to_pylist())
    return {
        agent: _rows(agent, ordered.filter(pc.equal(ordered["agent"], agent))) for agent in agents
    }


def _rows(agent: str, table: pa.Table) -> AgentRows:
    columns: dict[str, list[Any]] = table.to_pydict()
    has_user = columns["has_user"]
    codes = np.unique(np.asarray(columns["unit"], dtype=object).astype(str), return_inverse=True)[1]
    times = [at.timestamp() if at else np.nan for at in columns["started_at"]]
    return AgentRows(
        agent=agent,
        unit="user" if 2 * sum(has_user) >= len(has_user) else "conversation",
        conversation_ids=columns["conversation_id"],
        users=[
            unit if known else None for unit, known in zip(columns["unit"], has_user, strict=True)
        ],
        units=codes.astype(np.int64),
        has_text=np.asarray(columns["has_text"], dtype=np.bool_),
        weeks=np.asarray([week_of(at) for at in columns["started_at"]], dtype=np.int64),
        times=np.asarray(times, dtype=np.float64),
        outcomes=_indexed(columns["outcomes"]),
        good=_indexed(columns["good"]),
        bad=_indexed(columns["bad"]),
        signals=_indexed(columns["signals"]),
        intents=_indexed(columns["intents"]),
        versions=_indexed([[value] if value else [] for value in columns["version"]]),
        variants=_indexed([[value] if value else [] for value in columns["variant"]]),
        segments=_indexed(columns["segments"]),
    )


def _indexed(lists: Iterable[Iterable[Any] | None]) -> dict[Any, Indexes]:
    """Value to the rows that have it; values in their own order, so that runs are equal."""
    found: dict[Any, list[int]] = {}
    for row, values in enumerate(lists):
        for value in dict.fromkeys(values or ()):
            found.setdefault(value, []).append(row)
    return {value: np.asarray(found[value], dtype=np.int64) for value in sorted(found)}


def week_of(at: datetime | None) -> int:
    """Number of the ISO week, counted from 1970; NO_WEEK without a time."""
    return NO_WEEK if at is None else (at - _MONDAY) // timedelta(weeks=1)


def week_name(week: int) -> str:
    """For example 2026-W47."""
    year, number, _ = (_MONDAY + timedelta(weeks=week)).isocalendar()
    return f"{year}-W{number:02d}"
