"""A span as an export tells it, and the OTLP request that it becomes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import orjson

from collector import semconv
from collector.dialects import decoding
from collector.dialects.genai import moment
from collector.errors import ImportRefused
from collector.times import EPOCH, time_of, to_ns

_HEX = frozenset("0123456789abcdef")
_ERROR = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedSpan:
    """One span, still with plain values."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    start_ns: int
    end_ns: int
    scope: str
    attributes: Mapping[str, Any]
    """Values that are None are left out."""
    events: Sequence[tuple[str, int, Mapping[str, Any]]] = ()
    """Name, time and attributes."""
    error: str | None = None
    """What went wrong; an empty text where it failed without a word."""
    service: str | None = None
    service_version: str | None = None


def request_of(spans: Iterable[ExportedSpan], *, agent: str | None) -> bytes:
    """One OTLP export request in JSON. `agent` is the service of spans that name none."""
    groups: dict[tuple[str | None, str | None, str], list[dict[str, Any]]] = {}
    for span in spans:
        key = (span.service or agent, span.service_version, span.scope)
        groups.setdefault(key, []).append(_otlp(span))
    return orjson.dumps(
        {
            "resourceSpans": [
                {
                    "resource": {
                        "attributes": _pairs(
                            {semconv.SERVICE_NAME: service, semconv.SERVICE_VERSION: version}
                        )
                    },
                    "scopeSpans": [{"scope": {"name": scope}, "spans": found}],
                }
                for (service, version, scope), found in groups.items()
            ]
        }
    )


def _otlp(span: ExportedSpan) -> dict[str, Any]:
    made = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": 1,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _pairs(span.attributes),
        "events": [
            {"name": name, "timeUnixNano": str(at_ns), "attributes": _pairs(attributes)}
            for name, at_ns, attributes in span.events
        ],
    }
    if span.parent_span_id:
        made["parentSpanId"] = span.parent_span_id
    if span.error is not None:
        made["status"] = {"code": _ERROR, "message": span.error}
    return made


def _pairs(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": _value(value)}
        for key, value in attributes.items()
        if value is not None
    ]


def _value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int() if -(2**63) <= value < 2**63:
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_value(item) for item in value if item is not None]}}
        case str():
            return {"stringValue": value}
    return {"stringValue": as_json(value)}


# --- values of exports ---------------------------------------------------------------------------


def as_text(value: Any) -> str | None:
    """Text as it is, anything else as JSON; None where there is nothing."""
    if value is None or value == "" or isinstance(value, str):
        return value or None
    return as_json(value)


def as_json(value: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def unpacked(value: Any) -> Any:
    """The object or list that stands in a JSON text; tables cannot hold it otherwise."""
    return decoding.container(value) if isinstance(value, str) else value


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, also out of its JSON text; empty where it is none."""
    found = unpacked(value)
    return found if isinstance(found, dict) else {}


def trace_id(value: Any) -> str:
    """32 hex digits of any id: its own where it is a trace id or a UUID, else made from it."""
    return _hex(value, 32)


def span_id(value: Any) -> str:
    """16 hex digits of any id."""
    return _hex(value, 16)


def _hex(value: Any, length: int) -> str:
    text = str(value)
    plain = text.replace("-", "").lower()
    if len(plain) == length and set(plain) <= _HEX and plain.strip("0"):
        return plain
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def time_ns(value: Any, what: str) -> int:
    """Nanoseconds of a time in an export: ISO 8601, or a number since 1970 in any unit; 0 for none.

    Raises:
        ImportRefused: it is no time.
    """
    if value is None or value == "":
        return 0
    if isinstance(value, int | float) and not isinstance(value, bool):
        # What is a time today in one unit is before 1973 or after 5000 in all others.
        unit = next(ns for bound, ns in _UNITS_NS if abs(value) < bound)
        found = int(value * unit) if isinstance(value, int) else int(value * unit // 1000) * 1000
        if 0 <= found < 2**63:
            return found
    elif isinstance(value, datetime):
        return to_ns(value if value.tzinfo else value.replace(tzinfo=UTC))
    elif isinstance(value, str) and (at := moment(value)) is not None and at >= EPOCH:
        return to_ns(at)
    raise ImportRefused(f"{what} {str(value)[:60]!r} is no time")


def time_text(value: Any, what: str) -> str | None:
    """A time in an export as ISO 8601; None for none."""
    at = time_of(time_ns(value, what))
    return at.isoformat() if at else None


_UNITS_NS = ((1e11, 1_000_000_000), (1e14, 1_000_000), (1e17, 1_000), (float("inf"), 1))


def flattened(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Attributes of nested objects, as `llm.input_messages.0.message.role`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flattened(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from flattened(item, f"{prefix}.{index}")
    elif isinstance(value, date):
        yield prefix, value.isoformat()
    elif value is not None:
        yield prefix, value
