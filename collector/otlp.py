"""Takes OTLP requests, gives rows of the tables `spans` and `events`, redacted, ready to be stored.

Refuses a body that does not parse (`BadRequest`); a single record that cannot be stored is left out
and counted, which OTLP calls partial success. Protobuf and JSON of one request give equal rows.

Pure: no clock, no files. Costs about 40 us a span of 7 KB in protobuf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson
import pyarrow as pa

from collector import semconv
from collector.cleaning import Cleaning
from collector.columns import MalformedError, SpanColumns, known_time_ns, optional_hex_id
from collector.encodings import JSON, PROTOBUF, LogFields, RecordGroup
from collector.pseudonyms import IDENTIFIERS, Attributes, Pseudonyms, first_text
from collector.records import Json
from collector.redaction import Redactor
from collector.silence import missing_text
from collector.spans import span_rows
from collector.store.schema import SCHEMA_VERSION
from collector.store.store import to_arrow

Row: TypeAlias = dict[str, Any]
"""One row of a table of `collector.store.schema`."""
_Pairs: TypeAlias = list[tuple[str, str]]
_TEXT_COLUMNS = ("name", "service", "scope", "body")
_EMPTY: tuple[Json, ...] = (None, "", [], {})


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """What one request holds."""

    table: str
    """`spans` or `events`."""
    columns: pa.Table
    """With the schema of that table."""
    rejected: int = 0
    """Records that are malformed and were left out."""
    reason: str | None = None
    """Why the first of them was."""
    dropped: int = 0
    """Log records without an event name: ordinary logs, which Debrief does not keep."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """Service to a sentence: model calls arrived without text, and which switch turns it on."""
    message_services: frozenset[str] = frozenset()
    """Services that send message texts as log events, so their spans need none."""
    redacted: Mapping[str, int] = field(default_factory=dict)
    """How many values of each kind were replaced; a text that repeats counts once."""

    @property
    def rows(self) -> list[Row]:
        rows: list[Row] = self.columns.to_pylist()
        return rows


def decode_traces(body: bytes, *, json: bool, received_ns: int, redact: Redactor) -> Decoded:
    """Decode one ExportTraceServiceRequest.

    Raises:
        BadRequest: the body is no such request; sending it again cannot help.
    """
    encoding = JSON if json else PROTOBUF
    columns, refused = SpanColumns(), list[str]()
    for group in encoding.groups(body, "spans"):
        columns.open(group.resource, group.scope, group.scope_version)
        for record in group.records:
            try:
                encoding.take_span(columns, record)
            except MalformedError as error:
                refused.append(str(error))
    hints = missing_text(columns)
    rows, redacted = span_rows(columns, redact, received_ns=received_ns)
    return Decoded(
        table="spans",
        columns=rows,
        rejected=len(refused),
        reason=refused[0] if refused else None,
        hints=hints,
        redacted=redacted,
    )


def decode_logs(body: bytes, *, json: bool, received_ns: int, redact: Redactor) -> Decoded:
    """Decode one ExportLogsServiceRequest; only records with an event name are kept.

    Raises:
        BadRequest: the body is no such request; sending it again cannot help.
    """
    encoding = JSON if json else PROTOBUF
    rows, refused, dropped = [], list[str](), 0
    for group in encoding.groups(body, "logs"):
        for record in group.records:
            try:
                row = _event_row(encoding.log(record), group, received_ns)
            except MalformedError as error:
                refused.append(str(error))
                continue
            if row["name"]:
                rows.append(row)
            else:
                dropped += 1
    redacted = finish_events(rows, redact)
    return Decoded(
        table="events",
        columns=to_arrow("events", rows),
        rejected=len(refused),
        reason=refused[0] if refused else None,
        dropped=dropped,
        message_services=frozenset(
            row["service"] or "" for row in rows if row["name"] in semconv.CONTENT_EVENTS
        ),
        redacted=redacted,
    )


# ---- rows ---------------------------------------------------------------------------------------


def _event_row(log: LogFields, group: RecordGroup, received_ns: int) -> Row:
    return event_row(
        name=log.event_name or first_text(dict(log.attributes), (semconv.EVENT_NAME,)) or "",
        at_ns=known_time_ns(log.time_ns),
        received_ns=received_ns,
        trace_id=optional_hex_id(log.trace_id, 16, "trace id"),
        span_id=optional_hex_id(log.span_id, 8, "span id"),
        body=log.body,
        attributes=log.attributes,
        resource=group.resource,
        scope=group.scope,
    )


def event_row(
    *,
    name: str,
    at_ns: int | None,
    received_ns: int,
    attributes: Attributes,
    trace_id: str | None = None,
    span_id: str | None = None,
    body: Json = None,
    resource: Attributes | None = None,
    scope: str | None = None,
) -> Row:
    """One row of `events`; still with plain attributes, which `finish_events` makes storable."""
    resource = [] if resource is None else resource
    by_key = dict(attributes)
    return {
        "event_id": first_text(by_key, (semconv.EVENT_ID,)),
        "name": name,
        "at_ns": at_ns,
        "received_ns": received_ns,
        "scope": scope,
        "service": _service(resource),
        "conversation_id": first_text(by_key, semconv.CONVERSATION_IDS),
        "user_id": first_text(by_key, semconv.USER_IDS),
        "trace_id": trace_id,
        "span_id": span_id,
        "response_id": first_text(by_key, (semconv.RESPONSE_ID,)),
        "body": body,
        "attributes": attributes,
        "resource": resource,
        "schema_version": SCHEMA_VERSION,
    }


def finish_events(rows: list[Row], redact: Redactor) -> Mapping[str, int]:
    """Redact rows of `event_row` in place and give those without an id one: a hash of the row.

    The hash leaves out when the record was received, so a record that is sent twice keeps its id.
    Gives how many values of each kind were replaced.
    """
    redacted = _redact(rows, redact)
    for row in rows:
        if row["event_id"] is None:
            content = {k: v for k, v in row.items() if k not in ("event_id", "received_ns")}
            canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
            row["event_id"] = hashlib.sha256(canonical).hexdigest()
    return redacted


def _service(resource: Attributes) -> str | None:
    return first_text(dict(resource), (semconv.SERVICE_NAME,))


# ---- redaction of rows --------------------------------------------------------------------------


def _redact(rows: list[Row], redact: Redactor) -> Mapping[str, int]:
    """Replace in place what must not be stored; divide attributes into strings and JSON text."""
    names = Pseudonyms(redact, _identifiers(rows))
    clean = Cleaning()
    for row in rows:
        for column in ("attributes", "resource"):
            row[column], row[f"{column}_json"] = names.divided(row[column])
            clean.give(text for _, text in row[column])
            clean.give_json(text for _, text in row[f"{column}_json"])
        row["body"] = None if row["body"] in _EMPTY else orjson.dumps(row["body"]).decode()
        for name in ("conversation_id", "event_id", "response_id"):
            row[name] = row[name] and names.identifier(row[name])
        row["user_id"] = row["user_id"] and names.user(row["user_id"])
        clean.give(row[name] for name in _TEXT_COLUMNS)
    counts = clean.redact(redact)
    for row in rows if counts else ():
        for column in ("attributes", "resource"):
            row[column] = clean.pairs(row[column])
            row[f"{column}_json"] = clean.json_pairs(row[f"{column}_json"])
        for name in _TEXT_COLUMNS:
            row[name] = clean.text(row[name])
    return counts


def _identifiers(rows: Iterable[Row]) -> Iterator[str]:
    """Every conversation, event and response id of the rows."""
    return (
        str(value)
        for row in rows
        for key, value in row["attributes"]
        if key in IDENTIFIERS and isinstance(value, str | int)
    )
