"""Agents that send log records and no spans: a session becomes stand-in spans.

A stand-in is a span row of the newest GenAI form that holds a whole transcript, as an import's
does, so that everything behind reads it like any other. A turn that failed for good gives one of
its own, because a span has one status.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from collector import semconv
from collector.dialects import genai
from collector.dialects.spans import Row
from collector.records import Json

_MOST_PARTS = 20
"""Stand-ins of one session; of more failed turns the latest are kept, for each stand-in repeats the
transcript before it."""
_REDACTED = ("<REDACTED>", "[REDACTED]", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What one log record adds to its session."""

    messages: Sequence[dict[str, Json]] = ()
    """Messages of the GenAI conventions, `{role, parts}`."""
    usage: tuple[int, int] | None = None
    """Input and output tokens of one request to a model."""
    model: str | None = None
    failure: str | None = None
    """Why a request failed; it failed for good unless the agent goes on before the user does."""
    http_status: int | None = None
    is_recovery: bool = False
    """The agent went on: what failed before was tried again."""


class SessionReader(Protocol):
    """How to read the log records of one product; a module is one."""

    SCOPE: str
    """What the names of its scopes begin with."""
    NEVER_SENT: bool
    """Whether texts are missing whatever is switched on."""

    def read_entry(self, record: Record, /) -> Entry | None:
        """Read one record; None where it is about no message, request or tool."""


class Record:
    """One stored log record with its attributes by key."""

    __slots__ = ("_values", "row")

    def __init__(self, row: Row) -> None:
        self.row = row
        self._values: dict[str, Json] = dict(row["attributes"] or ())

    @property
    def name(self) -> str:
        """Name of the event: the attribute first, for some put a source location in the field."""
        return self.text(semconv.EVENT_NAME) or str(self.row["name"])

    @property
    def at_ns(self) -> int:
        """0 where the sender gave no time."""
        if self.row["at_ns"]:
            return int(self.row["at_ns"])
        at = genai.moment(self.value("event.timestamp"))
        return int(at.timestamp() * 1e9) if at else 0

    def value(self, key: str) -> Json:
        return self._values.get(key)

    def text(self, key: str) -> str | None:
        """Text or number as text; None where it was withheld."""
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        return None if value in _REDACTED else str(value)

    def count(self, *keys: str) -> int:
        """Sum of numbers, which some senders write as text."""
        return sum(_number(self.value(key)) for key in keys)

    @property
    def order(self) -> tuple[int, int]:
        return (self.at_ns, _number(self.value("event.sequence")))


def _number(value: Json) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    is_count = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return int(value) if is_count and isinstance(value, int | float) else 0


def said(role: str, text: str | None) -> dict[str, Json]:
    """A message of the conventions; one whose text was withheld has no parts."""
    parts: list[Json] = [] if text is None else [{"type": "text", "content": text}]
    return {"role": role, "parts": parts}


def tool_round(
    id_: str | None, name: str | None, arguments: Json, result: Json, error: str | None
) -> list[dict[str, Json]]:
    """A call of a tool and what came of it; both are told by one record."""
    call: Json = {"type": "tool_call", "id": id_, "name": name, "arguments": arguments}
    answer: dict[str, Json] = {"type": "tool_call_response", "id": id_, "name": name}
    answer |= {"response": result, "error": error}
    return [{"role": "assistant", "parts": [call]}, {"role": "tool", "parts": [answer]}]


def stand_ins(reader: SessionReader, logs: Iterable[Row], trace_id: str) -> list[dict[str, Any]]:
    """Span rows for the records of one session, in any order; none where nothing was said."""
    in_order = sorted((Record(row) for row in logs), key=lambda record: record.order)
    session = _Session(trace_id)
    for record in in_order:
        entry = reader.read_entry(record)
        if entry is not None:
            session.add(entry, record)
    session.close()
    rows = [session.row(number, part) for number, part in enumerate(session.parts)]
    if rows and (session.is_withheld or reader.NEVER_SENT):
        rows.append(session.silent_row())
    return rows


@dataclass(slots=True)
class _Part:
    """The transcript up to one failure, or to the end."""

    length: int
    usage: tuple[int, int]
    """Of the requests since the part before."""
    model: str | None
    failure: tuple[str, int | None] | None
    start_ns: int
    """Of the first record since the part before: that is how the parts are put in order."""
    end_ns: int


@dataclass(slots=True)
class _Session:
    """A transcript that is being put together."""

    trace_id: str
    messages: list[dict[str, Json]] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    is_withheld: bool = False
    _since: int = 0
    """Number of records of the parts that are cut off."""
    _usage: tuple[int, int] = (0, 0)
    _model: str | None = None
    _failure: tuple[str, int | None] | None = None

    def add(self, entry: Entry, record: Record) -> None:
        speaks_user = any(message["role"] == "user" for message in entry.messages)
        if speaks_user and self._failure is not None:
            self._cut()
        elif entry.is_recovery:
            self._failure = None
        if entry.failure is not None:
            self._failure = (entry.failure, entry.http_status)
        if entry.usage is not None:
            self._usage = _sum(self._usage, entry.usage)
        self._model = entry.model or self._model
        at_s = record.at_ns / 1e9
        for message in entry.messages:
            self.is_withheld = self.is_withheld or not message["parts"]
            self.messages.append({**message, "timestamp": at_s} if at_s else message)
        self.records.append(record)

    def close(self) -> None:
        known = self.parts[-1].length if self.parts else 0
        if self._failure or len(self.messages) > known or self._usage != (0, 0):
            self._cut()

    def _cut(self) -> None:
        if len(self.parts) == _MOST_PARTS:
            dropped = self.parts.pop(0)
            self.parts[0].usage = _sum(self.parts[0].usage, dropped.usage)
        self.parts.append(
            _Part(
                length=len(self.messages),
                usage=self._usage,
                model=self._model,
                failure=self._failure,
                start_ns=self.records[self._since].at_ns,
                end_ns=self.records[-1].at_ns,
            )
        )
        self._usage, self._failure, self._since = (0, 0), None, len(self.records)

    def row(self, number: int, part: _Part) -> dict[str, Any]:
        attributes: dict[str, Json] = {
            semconv.OPERATION: "chat",
            semconv.TRANSCRIPT: True,
            semconv.INPUT_MESSAGES: list[Json](self.messages[: part.length]),
            semconv.RESPONSE_MODEL: part.model,
            semconv.INPUT_TOKENS: part.usage[0],
            semconv.OUTPUT_TOKENS: part.usage[1],
        }
        columns: dict[str, Any] = {"start_ns": part.start_ns, "end_ns": part.end_ns}
        if part.failure is not None:
            message, attributes[semconv.HTTP_STATUS] = part.failure
            columns |= {"status": 2, "status_message": message}
        return self._row(str(number), attributes, columns)

    def silent_row(self) -> dict[str, Any]:
        """A request without content: it says that there was more than was sent.

        It has no time, so it is nobody's twin.
        """
        attributes: dict[str, Json] = {semconv.OPERATION: "chat", semconv.TRANSCRIPT: True}
        return self._row("silent", attributes, {"start_ns": None, "end_ns": None})

    def _row(
        self, name: str, attributes: Mapping[str, Json], columns: Mapping[str, Any]
    ) -> dict[str, Any]:
        first, last = self.records[0], self.records[-1]
        users = (record.row["user_id"] for record in self.records)
        sent = {key: value for key, value in attributes.items() if value is not None}
        return {
            "trace_id": self.trace_id,
            "span_id": hashlib.sha256(f"{self.trace_id} {name}".encode()).hexdigest()[:16],
            "parent_span_id": None,
            "name": "session",
            "status": 0,
            "status_message": None,
            "received_ns": max(record.row["received_ns"] or 0 for record in self.records),
            "scope": last.row["scope"],
            "service": first.row["service"],
            "conversation_id": first.row["conversation_id"],
            "user_id": next(filter(None, users), None),
            "attributes": sent,
            "resource": last.row["resource"],
            "events": None,
            "dropped_attributes": 0,
        } | dict(columns)


def _sum(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]
