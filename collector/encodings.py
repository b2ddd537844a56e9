"""Takes the bytes of an OTLP request, gives its records, the same from protobuf and from JSON.

Formats: opentelemetry-proto 1.x and "JSON Protobuf Encoding" of the OTLP specification (ids are
hex, 64-bit integers are strings, enums are numbers; names of enums and snake_case are taken too).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.columns import MalformedError, SpanColumns
from collector.errors import BadRequest
from collector.pseudonyms import Attributes
from collector.records import Json
from collector.semconv import METADATA

_MAX_DEPTH = 100
"""Protobuf refuses deeper nesting by itself; JSON gets the same bound."""
_UINT64 = 2**64
_JSON_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


@dataclass(frozen=True, slots=True)
class RecordGroup:
    """The records of one resource and one scope."""

    resource: Attributes
    scope: str | None
    scope_version: str | None
    records: Iterable[Any]


class LogFields(NamedTuple):
    event_name: str
    time_ns: int
    trace_id: bytes
    span_id: bytes
    body: Json
    attributes: Attributes


# ---- protobuf -----------------------------------------------------------------------------------


class Encoding(NamedTuple):
    """How to read one of the two encodings."""

    groups: Callable[[bytes, str], Iterator[RecordGroup]]
    take_span: Callable[[SpanColumns, Any], None]
    """Put one span into the columns; raises `MalformedError` and then leaves them as they were."""
    log: Callable[[Any], LogFields]


def _protobuf_groups(body: bytes, signal: str) -> Iterator[RecordGroup]:
    try:
        if signal == "spans":
            for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = _protobuf_attributes(resource_spans.resource.attributes)
                for spans in resource_spans.scope_spans:
                    yield RecordGroup(
                        resource, spans.scope.name or None, spans.scope.version or None, spans.spans
                    )
        else:
            for resource_logs in ExportLogsServiceRequest.FromString(body).resource_logs:
                resource = _protobuf_attributes(resource_logs.resource.attributes)
                for logs in resource_logs.scope_logs:
                    yield RecordGroup(
                        resource,
                        logs.scope.name or None,
                        logs.scope.version or None,
                        logs.log_records,
                    )
    except DecodeError as error:
        raise BadRequest(
            f"the body of {len(body)} bytes is no OTLP {signal} request in protobuf; check that "
            "Content-Type and the path fit what the exporter sends"
        ) from error


def _protobuf_take_span(columns: SpanColumns, span: Span) -> None:
    status, events = span.status, span.events
    columns.add(
        span.trace_id,
        span.span_id,
        span.parent_span_id,
        span.name,
        span.kind,
        status.code,
        status.message,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.dropped_attributes_count,
        [
            (event.name, event.time_unix_nano, _protobuf_attributes(event.attributes))
            for event in events
        ]
        if events
        else (),
    )
    # The hottest loop of the collector. Nearly every value is a string, and to ask for the kind
    # first costs twice as much.
    keys, texts = columns.text_keys, columns.texts
    for pair in span.attributes:
        key, value = pair.key, pair.value
        text = value.string_value
        if text and key != METADATA:
            keys.append(key)
            texts.append(text)
        else:
            columns.put(key, text or _protobuf_value(value))


def _protobuf_log(log: LogRecord) -> LogFields:
    return LogFields(
        event_name=log.event_name,
        time_ns=log.time_unix_nano or log.observed_time_unix_nano,
        trace_id=log.trace_id,
        span_id=log.span_id,
        body=_protobuf_value(log.body),
        attributes=_protobuf_attributes(log.attributes),
    )


def _protobuf_attributes(pairs: Iterable[Any]) -> Attributes:
    return [(pair.key, pair.value.string_value or _protobuf_value(pair.value)) for pair in pairs]


def _protobuf_value(value: Any) -> Json:
    """The JSON value of one AnyValue; bytes become base64."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_protobuf_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: _protobuf_value(item.value) for item in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind) if kind in _SCALARS else None


_SCALARS = frozenset({"string_value", "bool_value", "int_value", "double_value"})
PROTOBUF = Encoding(_protobuf_groups, _protobuf_take_span, _protobuf_log)


# ---- OTLP/JSON ----------------------------------------------------------------------------------

_NAMES = {"spans": ("Spans", "spans"), "logs": ("Logs", "logRecords")}


def _json_groups(body: bytes, signal: str) -> Iterator[RecordGroup]:
    document = _parse_json(body)
    suffix, records = _NAMES[signal]
    try:
        for resource_group in _list(document, f"resource{suffix}"):
            resource = _json_attributes(_get(resource_group, "resource") or {})
            for scope_group in _list(resource_group, f"scope{suffix}"):
                scope = _get(scope_group, "scope") or {}
                yield RecordGroup(
                    resource,
                    _text(scope, "name") or None,
                    _text(scope, "version") or None,
                    _list(scope_group, records),
                )
    except MalformedError as error:
        raise BadRequest(f"the body is no OTLP {signal} request in JSON: {error}") from error


def _parse_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"\\ud" not in body.lower():
            raise BadRequest(f"the body is not JSON: {error}; send OTLP/JSON in UTF-8") from error
    # JavaScript senders cut strings inside a surrogate pair; the standard parser lets that pass.
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}; send OTLP/JSON in UTF-8") from error
    return orjson.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _json_take_span(columns: SpanColumns, span: Any) -> None:
    status = _get(span, "status") or {}
    attributes = _json_attributes(span)
    columns.add(
        _hex(span, "traceId"),
        _hex(span, "spanId"),
        _hex(span, "parentSpanId"),
        _text(span, "name"),
        _enum(span, "kind", Span.SpanKind),
        _enum(status, "code", Status.StatusCode),
        _text(status, "message"),
        _integer(span, "startTimeUnixNano"),
        _integer(span, "endTimeUnixNano"),
        _integer(span, "droppedAttributesCount"),
        [
            (_text(event, "name"), _integer(event, "timeUnixNano"), _json_attributes(event))
            for event in _list(span, "events")
        ],
    )
    for key, value in attributes:
        columns.put(key, value)


def _json_log(log: Any) -> LogFields:
    return LogFields(
        event_name=_text(log, "eventName"),
        time_ns=_integer(log, "timeUnixNano") or _integer(log, "observedTimeUnixNano"),
        trace_id=_hex(log, "traceId"),
        span_id=_hex(log, "spanId"),
        body=_json_value(_get(log, "body")),
        attributes=_json_attributes(log),
    )


def _json_attributes(owner: Any) -> Attributes:
    return [
        (_text(pair, "key"), _json_value(_get(pair, "value")))
        for pair in _list(owner, "attributes")
    ]


def _json_value(value: Any, depth: int = 0) -> Json:
    """The JSON value of one AnyValue such as `{"intValue": "7"}`."""
    if value is None or value == {}:
        return None
    if depth > _MAX_DEPTH:
        raise MalformedError(f"a value is nested more than {_MAX_DEPTH} deep")
    for name, item in _object(value).items():
        match name:
            case "stringValue" | "string_value" if isinstance(item, str):
                return item
            case "boolValue" | "bool_value" if isinstance(item, bool):
                return item
            case "intValue" | "int_value":
                return _int64(item, name)
            case "doubleValue" | "double_value" if not isinstance(item, bool):
                return _double(item)
            case "arrayValue" | "array_value":
                return [_json_value(v, depth + 1) for v in _list(item, "values")]
            case "kvlistValue" | "kvlist_value":
                pairs = _list(item, "values")
                return {_text(p, "key"): _json_value(_get(p, "value"), depth + 1) for p in pairs}
            case "bytesValue" | "bytes_value" if isinstance(item, str):
                return base64.b64encode(_bytes(item)).decode()
    raise MalformedError(f"{str(value)[:60]!r} is no value of OTLP/JSON")


def _get(owner: Any, name: str) -> Any:
    """A field by its lowerCamelCase name, else by the snake_case name of the protobuf file."""
    value = _object(owner).get(name)
    if value is None:
        return owner.get("".join(f"_{c.lower()}" if c.isupper() else c for c in name))
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedError(f"{str(value)[:60]!r} stands where an object is expected")
    return value


def _list(owner: Any, name: str) -> list[Any]:
    value = _get(owner, name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedError(f"{name} is not a list")
    return value


def _text(owner: Any, name: str) -> str:
    value = _get(owner, name)
    if value is not None and not isinstance(value, str):
        raise MalformedError(f"{name} is not a string")
    return value or ""


def _integer(owner: Any, name: str) -> int:
    value = _get(owner, name)
    return 0 if value in (None, "") else _int64(value, name)


def _int64(value: Any, name: str) -> int:
    """A 64-bit integer, which JSON writes as a string because its own numbers are too small."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        raise MalformedError(f"{name} {str(value)[:40]!r} is not an integer") from None
    if isinstance(value, bool) or (number != value and not isinstance(value, str)):
        raise MalformedError(f"{name} {value!r} is not an integer")
    if not -_UINT64 // 2 <= number < _UINT64:
        raise MalformedError(f"{name} {str(value)[:40]!r} does not fit in 64 bits")
    return number


def _double(value: Any) -> float:
    try:
        return _JSON_NUMBERS[value] if value in _JSON_NUMBERS else float(value)
    except (TypeError, ValueError):
        raise MalformedError(f"doubleValue {str(value)[:40]!r} is not a number") from None


def _hex(owner: Any, name: str) -> bytes:
    try:
        return bytes.fromhex(_text(owner, name))
    except ValueError:
        raise MalformedError(f"{name} is not hex: {_text(owner, name)[:40]!r}") from None


def _bytes(value: str) -> bytes:
    try:
        return base64.b64decode(value.replace("-", "+").replace("_", "/") + "==", validate=False)
    except binascii.Error:
        raise MalformedError("bytesValue is not base64") from None


def _enum(owner: Any, name: str, names: Any) -> int:
    value = _get(owner, name)
    if isinstance(value, str) and not value.isdigit():
        try:
            return int(names.Value(value))
        except ValueError:
            raise MalformedError(f"{name} {value[:40]!r} is not known") from None
    return 0 if value is None else _int64(value, name)


JSON = Encoding(_json_groups, _json_take_span, _json_log)
