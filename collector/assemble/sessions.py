"""Log records of agents that send no spans, to the span rows that stand in for their sessions."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from collector.dialects import session_reader
from collector.dialects.sessions import SessionReader, stand_ins
from collector.dialects.spans import Row
from collector.records import Unreadable

_BROKEN = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class Sessions:
    """What the log records of sessions became."""

    rows: list[dict[str, Any]]
    """Rows of `spans`."""
    unreadable: list[Unreadable]
    lost: Counter[str]
    """Records that name neither session nor trace, by their instrumentation."""


def read_sessions(logs: Iterable[Row]) -> Sessions:
    """Gather records by session."""
    by_session: dict[tuple[str, str, str], list[Row]] = {}
    readers: dict[str, SessionReader] = {}
    sessions = Sessions([], [], Counter())
    for log in logs:
        reader = session_reader(log)
        if reader is None:
            continue
        readers[reader.SCOPE] = reader
        session = log["conversation_id"] or log["trace_id"]
        if session:
            place = (reader.SCOPE, str(log["service"] or ""), str(session))
            by_session.setdefault(place, []).append(log)
        else:
            sessions.lost[reader.SCOPE] += 1
    for place, records in by_session.items():
        trace_id = f"log-{hashlib.sha256(repr(place).encode()).hexdigest()[:28]}"
        try:
            sessions.rows.extend(stand_ins(readers[place[0]], records, trace_id))
        except _BROKEN as error:
            reason = f"{place[0]}: {type(error).__name__}"
            sessions.unreadable.append(Unreadable(what=f"session {place[2]}", reason=reason))
    return sessions
