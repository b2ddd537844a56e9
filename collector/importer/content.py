"""What one file holds, item by item, as rows of the store; nothing is stored here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
import pyarrow as pa

from collector.errors import BadRequest, ImportRefused
from collector.importer import framing
from collector.importer.conversations import ImportedConversation, request_of, results_of
from collector.importer.events import flat_row
from collector.importer.exports import export_of, spans
from collector.importer.exports.spans import ExportedSpan
from collector.importer.outcomes import outcome_row
from collector.otlp import Decoded, Row, decode_logs, decode_traces, finish_events
from collector.records import Json
from collector.redaction import Redactor
from collector.store.store import to_arrow

Signal = Literal["traces", "logs"]
_BATCH = 200
"""Conversations or spans in one request to the decoder: a large file needs little extra memory."""
_WAITING = 2000
"""Spans that wait as Python objects before they become a table, which is ten times as small."""
_LISTS = ("data", "runs", "observations", "spans", "traces", "scores", "items")
"""Where the answers of an API have their items."""


@dataclass(frozen=True, kw_only=True, slots=True)
class How:
    """What the reading of every file needs to know."""

    received_ns: int
    redactor: Redactor
    signal: Signal | None = None
    """What protobuf holds that does not tell."""
    agent: str | None = None
    """Whose the conversations are that name no agent."""


@dataclass(slots=True)
class Content:
    """What one file holds, before any of it is stored."""

    how: How
    tables: dict[str, list[pa.Table]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: {"spans": 0, "events": 0})
    conversations: int = 0
    kinds: set[str] = field(default_factory=set)
    """What was recognised: conversations, events, outcomes, otlp, metrics, or a tool's name."""
    untied: list[dict[str, Json]] = field(default_factory=list)
    """Feedback that names a span and nothing else: whose it is, only the store knows."""
    end: int = 0
    """Bytes of the file that were read, where it can grow."""
    lines: int = 0
    grows: bool = False
    seen: dict[tuple[str, str], tuple[str, ImportedConversation]] = field(default_factory=dict)
    exported: list[ExportedSpan] = field(default_factory=list)
    flat: list[Row] = field(default_factory=list)

    # ---- taking

    def decoded(self, decoded: Decoded) -> None:
        """Take the rows of one request."""
        if decoded.rejected:
            raise ImportRefused(
                f"{decoded.rejected} records cannot be stored, the first because {decoded.reason}"
            )
        if decoded.columns.num_rows:
            self.counts[decoded.table] += decoded.columns.num_rows
            self.tables.setdefault(decoded.table, []).append(decoded.columns)

    def otlp(self, body: bytes, signal: framing.Held, *, json: bool) -> None:
        """Take one OTLP request; metrics carry no conversation."""
        self.kinds.add("metrics" if signal == "metrics" else "otlp")
        if signal != "metrics":
            decode = decode_traces if signal == "traces" else decode_logs
            how = self.how
            self.decoded(decode(body, json=json, received_ns=how.received_ns, redact=how.redactor))

    def item(self, value: Json, where: str) -> None:
        """Take one JSON value: a conversation, an event, a request, an item of an export, or a list
        of them.

        Raises:
            ImportRefused: it is none of these, or cannot be read.
        """
        items = _inside(value)
        if items is not None:
            for number, inner in enumerate(items, start=1):
                with located(f"item {number}"):
                    self.item(inner, f"{where}, item {number}")
        elif not isinstance(value, dict):
            raise _unknown()
        elif "event" in value:
            self.kinds.add("events")
            self.flat.append(flat_row(value, received_ns=self.how.received_ns))
        elif signal := framing.signal_in_json(value):
            self.otlp(orjson.dumps(value), signal, json=True)
        elif "messages" in value:
            self._conversation(value, where)
        else:
            self._exported(value)

    def outcome(self, cells: Mapping[str, Any]) -> None:
        """Take one row of a table of outcomes."""
        self.kinds.add("outcomes")
        self.flat.append(outcome_row(cells, self.how.received_ns))

    def finish(self) -> Content:
        """Turn what was taken one by one into rows; nothing may be taken after this."""
        how = self.how
        found = [conversation for _, conversation in self.seen.values()]
        self.conversations = len(found)
        for batch in _batches(found):
            self._traces(orjson.dumps(request_of(batch, how.redactor)))
        for some in _batches(self.exported):
            self._traces(spans.request_of(some, agent=how.agent))
        if self.flat:
            finish_events(self.flat, how.redactor)
            rows = list({row["event_id"]: row for row in self.flat}.values())
            self.counts["events"] += len(rows)
            self.tables.setdefault("events", []).append(to_arrow("events", rows))
        self.seen, self.exported, self.flat = {}, [], []
        return self

    def _conversation(self, line: Mapping[str, Json], where: str) -> None:
        self.kinds.add("conversations")
        conversation = ImportedConversation.of(line, agent=self.how.agent)
        first, same = self.seen.setdefault(conversation.key, (where, conversation))
        if same != conversation:
            raise ImportRefused(
                f"conversation {conversation.id[:100]!r} of agent {conversation.agent[:100]!r} is "
                f"already in {first} with other content; give it an id of its own"
            )
        self.flat += results_of(conversation, self.how.redactor, received_ns=self.how.received_ns)

    def _exported(self, item: Mapping[str, Any]) -> None:
        export = export_of(item)
        if export is None:
            raise _unknown()
        self.kinds.add(export.NAME)
        self.exported += export.spans(item)
        for event in export.events(item):
            if event.get("span_id") and not (event.get("trace_id") or event.get("conversation_id")):
                self.untied.append(dict(event))
            else:
                self.flat.append(flat_row(event, received_ns=self.how.received_ns))
        if len(self.exported) >= _WAITING:
            taken, self.exported = self.exported, []
            for some in _batches(taken):
                self._traces(spans.request_of(some, agent=self.how.agent))

    def _traces(self, body: bytes) -> None:
        how = self.how
        self.decoded(
            decode_traces(body, json=True, received_ns=how.received_ns, redact=how.redactor)
        )


@contextmanager
def located(where: str) -> Iterator[None]:
    """Say in the message of a refusal where it happened."""
    try:
        yield
    except (ImportRefused, BadRequest) as error:
        raise ImportRefused(f"{where}: {error}") from error


def _unknown() -> ImportRefused:
    return ImportRefused(
        "it is no conversation (`messages`), no event (`event`), no OTLP export (`resourceSpans` "
        "or `resourceLogs`) and no export of Phoenix, Langfuse or LangSmith"
    )


def _inside(value: Json) -> list[Any] | None:
    """The items of a list, or of the answer of an API."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or "id" in value:
        return None
    lists = [value[key] for key in _LISTS if isinstance(value.get(key), list)]
    return lists[0] if len(lists) == 1 and isinstance(lists[0], list) else None


def _batches(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
