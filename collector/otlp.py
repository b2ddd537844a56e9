"""Takes OTLP requests, gives rows of the tables `spans` and `events`, redacted, ready to be stored.

Refuses a body that does not parse (`BadRequest`); a single record that cannot be stored is left out
and counted, which OTLP calls partial success. Protobuf and JSON of one request give equal rows.

Pure: no clock, no files. Costs about 0.1 ms a span of 7 KB.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import orjson

from collector import semconv
from collector.dialects.switches import switch_for
from collector.encodings import (
    JSON,
    PROTOBUF,
    Attributes,
    LogFields,
    MalformedError,
    RecordGroup,
    SpanFields,
)
from collector.records import Json
from collector.redaction import Redactor, names_user
from collector.store.schema import SCHEMA_VERSION

Row: TypeAlias = dict[str, Any]
"""One row of a table of `collector.store.schema`."""
_Pairs: TypeAlias = list[tuple[str, str]]
_INT64 = 2**63
_STATUS_ERROR = 2
_KNOWN_KEYS = 4096
"""Attribute names whose meaning is remembered; senders make them up, so this needs a bound."""
_TEXT_COLUMNS = ("name", "status_message", "service", "scope", "scope_version", "events", "body")
_IDENTIFIERS = frozenset(
    {
        *semconv.CONVERSATION_IDS,
        *semconv.PREVIOUS_RESPONSE_IDS,
        semconv.EVENT_ID,
        semconv.RESPONSE_ID,
    }
)
_EMPTY: tuple[Json, ...] = (None, "", [], {})
_TEXT_PREFIXES = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.prompt",
    "gen_ai.completion",
    "llm.input_messages",
    "llm.output_messages",
    "input.value",
    "output.value",
    "ai.prompt",
    "ai.response.text",
    "pydantic_ai.all_messages",
    "all_messages_events",
    "events",
    "request_data",
    "langfuse.observation.input",
    "mlflow.spanInputs",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """What one request holds."""

    table: str
    """`spans` or `events`."""
    rows: list[Row]
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


def decode_traces(body: bytes, *, json: bool, received_ns: int, redact: Redactor) -> Decoded:
    """Decode one ExportTraceServiceRequest.

    Raises:
        BadRequest: the body is no such request; sending it again cannot help.
    """
    encoding = JSON if json else PROTOBUF
    rows, refused = [], list[str]()
    for group in encoding.groups(body, "spans"):
        service = _service(group.resource)
        for record in group.records:
            try:
                rows.append(_span_row(encoding.span(record), group, service, received_ns))
            except MalformedError as error:
                refused.append(str(error))
    hints = _hints(rows)
    redacted = _redact(rows, redact)
    return Decoded(
        table="spans",
        rows=rows,
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
        rows=rows,
        rejected=len(refused),
        reason=refused[0] if refused else None,
        dropped=dropped,
        message_services=frozenset(
            row["service"] or "" for row in rows if row["name"] in semconv.CONTENT_EVENTS
        ),
        redacted=redacted,
    )


# ---- rows ---------------------------------------------------------------------------------------


def _span_row(span: SpanFields, group: RecordGroup, service: str | None, received_ns: int) -> Row:
    attributes, by_key = span.attributes, dict(span.attributes)
    if semconv.METADATA in by_key:
        attributes = list(_unfolded(span.attributes))
        by_key = dict(attributes)
    return {
        "trace_id": _id(span.trace_id, 16, "trace id"),
        "span_id": _id(span.span_id, 8, "span id"),
        "parent_span_id": _optional_id(span.parent_span_id, 8, "parent span id"),
        "name": span.name,
        "kind": _within(span.kind, 2**7, "kind"),
        "status": _within(span.status, 2**7, "status"),
        "status_message": span.status_message or None,
        "start_ns": _time_ns(span.start_ns),
        "end_ns": _time_ns(span.end_ns),
        "received_ns": received_ns,
        "scope": group.scope,
        "scope_version": group.scope_version,
        "service": service,
        "conversation_id": _first_text(by_key, semconv.CONVERSATION_IDS),
        "user_id": _first_text(by_key, semconv.USER_IDS),
        "attributes": attributes,
        "events": [
            {"name": name, "time_ns": _time_ns(time_ns), "attributes": attributes}
            for name, time_ns, attributes in span.events
        ],
        "resource": group.resource,
        "dropped_attributes": _within(span.dropped_attributes, 2**31, "dropped attributes"),
        "schema_version": SCHEMA_VERSION,
    }


def _unfolded(attributes: Attributes) -> Iterator[tuple[str, Json]]:
    """Attributes with the ids inside of OpenInference's `metadata` as attributes of their own.

    LangChain's user id is there only. Inside of JSON text it would neither become a pseudonym nor
    be found again.
    """
    for key, value in attributes:
        ids: dict[str, Json] = {}
        if key == semconv.METADATA:
            ids, value = _ids_taken_out(value)
        yield key, value
        yield from ((f"{key}.{name}", id_) for name, id_ in ids.items())


def _ids_taken_out(metadata: Json) -> tuple[dict[str, Json], Json]:
    try:
        given: Json = orjson.loads(metadata) if isinstance(metadata, str) else metadata
    except orjson.JSONDecodeError:
        return {}, metadata
    entries = given if isinstance(given, dict) else {}
    ids: dict[str, Json] = {
        key: value
        for key, value in entries.items()
        if key in semconv.METADATA_IDS and isinstance(value, str | int)
    }
    if not ids:
        return {}, metadata
    rest: Json = {key: value for key, value in entries.items() if key not in ids}
    return ids, orjson.dumps(rest).decode() if isinstance(metadata, str) else rest


def _event_row(log: LogFields, group: RecordGroup, received_ns: int) -> Row:
    return event_row(
        name=log.event_name or _first_text(dict(log.attributes), (semconv.EVENT_NAME,)) or "",
        at_ns=_time_ns(log.time_ns),
        received_ns=received_ns,
        trace_id=_optional_id(log.trace_id, 16, "trace id"),
        span_id=_optional_id(log.span_id, 8, "span id"),
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
        "event_id": _first_text(by_key, (semconv.EVENT_ID,)),
        "name": name,
        "at_ns": at_ns,
        "received_ns": received_ns,
        "scope": scope,
        "service": _service(resource),
        "conversation_id": _first_text(by_key, semconv.CONVERSATION_IDS),
        "user_id": _first_text(by_key, semconv.USER_IDS),
        "trace_id": trace_id,
        "span_id": span_id,
        "response_id": _first_text(by_key, (semconv.RESPONSE_ID,)),
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


def _id(value: bytes, length: int, what: str) -> str:
    if len(value) != length or not any(value):
        raise MalformedError(f"{what} {value[:20].hex()!r} is not {length} bytes with one not 0")
    return value.hex()


def _optional_id(value: bytes, length: int, what: str) -> str | None:
    return _id(value, length, what) if any(value) else None


def _time_ns(value: int) -> int | None:
    return _within(value, _INT64, "time") or None


def _within(value: int, bound: int, what: str) -> int:
    if not 0 <= value < bound:
        raise MalformedError(f"{what} {value} is not within 0..{bound - 1}")
    return value


def _service(resource: Attributes) -> str | None:
    return _first_text(dict(resource), (semconv.SERVICE_NAME,))


def _first_text(by_key: Mapping[str, Json], keys: Sequence[str]) -> str | None:
    """The value of the first of `keys` that is there and not empty."""
    if by_key.keys().isdisjoint(keys):
        return None
    for key in keys:
        value = by_key.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value)
    return None


def _hints(rows: Iterable[Row]) -> Mapping[str, str]:
    """For each service whose model calls came without text: what to switch on.

    A trace in which any span has text needs no hint: instrumentations of one call can be several.
    Neither does a failed call: some instrumentations lose its input.
    """
    calls: list[Row] = []
    with_text = set()
    for row in rows:
        said = [value for key, value in row["attributes"] if _names_text(key)]
        if any(value not in (None, "", "__REDACTED__") for value in said) or any(
            event["name"].startswith("gen_ai.") for event in row["events"]
        ):
            with_text.add(row["trace_id"])
        elif row["status"] != _STATUS_ERROR and _is_model_call(row["attributes"]):
            calls.append(row)
    return {
        row["service"] or "": "model calls of the instrumentation "
        f"{(row['scope'] or 'without a name')[:100]!r} have no text: {switch_for(row['scope'])}"
        for row in calls
        if row["trace_id"] not in with_text
    }


@lru_cache(_KNOWN_KEYS)
def _names_text(key: str) -> bool:
    """Whether an attribute of this name holds what was said."""
    return key.startswith(_TEXT_PREFIXES)


def _is_model_call(attributes: Attributes) -> bool:
    return any(
        (key == semconv.OPERATION and str(value) in semconv.INFERENCE_OPERATIONS)
        or (key == semconv.OPENINFERENCE_KIND and value == "LLM")
        or (key == "ai.operationId" and str(value).endswith(("doGenerate", "doStream")))
        or (key == "llm.request.type" and value in ("chat", "completion"))
        for key, value in attributes
    )


# ---- redaction of rows --------------------------------------------------------------------------


def _redact(rows: list[Row], redact: Redactor) -> Mapping[str, int]:
    """Replace in place what must not be stored, and divide attributes into strings and JSON text.

    All distinct texts of the request go through the redactor at once: that is what makes it quick,
    and the same system prompt in a hundred spans is read once.
    """
    identifiers = _identifiers(rows, redact)
    as_text = _AsText(redact, identifiers)
    resources: dict[int, tuple[_Pairs, _Pairs]] = {}
    for row in rows:
        resource = row["resource"]
        if id(resource) not in resources:
            resources[id(resource)] = as_text.divided(resource)
        row["resource"], row["resource_json"] = resources[id(resource)]
        row["attributes"], row["attributes_json"] = as_text.divided(row["attributes"])
        if "events" in row:
            row["events"] = as_text.events(row["events"]) if row["events"] else None
        if "body" in row:
            row["body"] = None if row["body"] in _EMPTY else as_text.of(row["body"])
        for name in ("conversation_id", "event_id", "response_id"):
            if row.get(name):
                row[name] = identifiers[row[name]]
        row["user_id"] = row["user_id"] and as_text.user(row["user_id"])

    worth = {text for row in rows for _, text in row["attributes"] if len(text) > 6}
    worth.update(row[name] for row in rows for name in _TEXT_COLUMNS if row.get(name))
    worth.update(text for pairs, _ in resources.values() for _, text in pairs)
    others = {text for row in rows for _, text in row["attributes_json"]}
    others.update(text for _, pairs in resources.values() for _, text in pairs)
    # A bare JSON number has no room for a placeholder.
    worth.update(text for text in others if text[0] not in "-0123456789")
    texts = [text for text in worth if len(text) > 6]
    clean, counts = redact.texts(texts)
    if counts:
        _replace(rows, resources.values(), dict(zip(texts, clean, strict=True)))
    return counts


def _replace(
    rows: Iterable[Row], resources: Iterable[tuple[_Pairs, _Pairs]], clean: Mapping[str, str]
) -> None:
    """Put the clean texts in the places of the others."""
    for both in resources:
        for pairs in both:
            pairs[:] = [(key, clean.get(text, text)) for key, text in pairs]
    for row in rows:
        for column in ("attributes", "attributes_json"):
            row[column] = [(key, clean.get(text, text)) for key, text in row[column]]
        for name in _TEXT_COLUMNS:
            if row.get(name):
                row[name] = clean.get(row[name], row[name])


def _identifiers(rows: Iterable[Row], redact: Redactor) -> dict[str, str]:
    """Every conversation, event and response id of the rows, and what the store calls it."""
    values = {
        str(value)
        for row in rows
        for key, value in row["attributes"]
        if key in _IDENTIFIERS and isinstance(value, str | int)
    }
    return dict(redact.identifiers(sorted(values)))


@dataclass(frozen=True, slots=True)
class _AsText:
    """Turns attribute values into text, with pseudonyms for users and conversations."""

    redact: Redactor
    identifiers: Mapping[str, str]
    users: dict[str, str] = field(default_factory=dict)
    """Pseudonyms so far: a request names few users, each many times."""

    def user(self, user_id: str) -> str:
        if user_id not in self.users:
            self.users[user_id] = self.redact.user(user_id)
        return self.users[user_id]

    def divided(self, attributes: Attributes) -> tuple[_Pairs, _Pairs]:
        """Strings as they are, and all other values as JSON text."""
        texts, others = [], []
        for key, sent in attributes:
            value = self._value(key, sent) if _names_person(key) else sent
            if isinstance(value, str):
                texts.append((key, value))
            else:
                others.append((key, self.of(value)))
        return texts, others

    def events(self, events: list[dict[str, Any]]) -> str:
        """Span events as JSON; of attribute keys that repeat the last one stays."""
        return self.of(
            [
                event | {"attributes": {k: self._value(k, v) for k, v in event["attributes"]}}
                for event in events
            ]
        )

    def of(self, value: Any) -> str:
        return orjson.dumps(value).decode()

    def _value(self, key: str, value: Json) -> Json:
        if key in _IDENTIFIERS and isinstance(value, str | int):
            return self.identifiers.get(str(value), value)
        if names_user(key) and isinstance(value, str | int) and value != "":
            return self.user(str(value))
        return value


@lru_cache(_KNOWN_KEYS)
def _names_person(key: str) -> bool:
    """Whether an attribute of this name holds an id that the store may call otherwise."""
    return key in _IDENTIFIERS or names_user(key)
