"""Requests of real instrumentations, broken: what a hostile or faulty sender may send.

Every broken request carries a neighbour: one whole span or log record in a resource group of its
own, which must be stored whatever happened to the rest.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collector import semconv
from tests.collector.captured import OWN, as_json, requests_of
from tests.collector.wire import any_value, pairs

NEIGHBOUR_TEXT = "Is my neighbour there?"
_MOST_RECORDS = 4
_WORDS = (
    *("", "\x00", "\u202e", "__REDACTED__", "None", "null", "[]", "{}", '"', "[{", '{"a":', "-1"),
    *("NaN", "1e999", "9" * 400, "[" * 5000, '{"a":' * 2000, '[{"role":"user","parts":7}]'),
    *('[{"role":[],"content":{}}]', '{"messages":[[null]]}', "\ud7ff\ue000", "A" * 70_000),
    *('{"choices":[{"message":{"tool_calls":[{"function":3}]}}]}', '"\\ud800"', "1001", "true"),
)
_KEYS = (
    *(semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES, semconv.SYSTEM_INSTRUCTIONS),
    *(semconv.OPERATION, semconv.OPENINFERENCE_KIND, semconv.CONVERSATION_ID, "session.id"),
    *("llm.input_messages.0.message.role", "llm.input_messages.999999999.message.content"),
    *("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", "metadata"),
    *("gen_ai.prompt.0.content", "gen_ai.completion.x.role", "ai.prompt.messages", "user.id"),
    *("mlflow.spanType", "langfuse.observation.input", "pydantic_ai.all_messages", "events"),
    *("traceloop.span.kind", "gen_ai.tool.definitions", "mcp.method.name", "input.value"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """One request that something was done to."""

    signal: str
    is_json: bool
    body: bytes
    neighbour: str | None
    """Id of the span or of the event beside what is broken; None where its bytes may be broken too,
    so that the request may be refused whole."""


def broken(seed: int) -> Broken:
    """The broken request of a number, the same for the same number."""
    rng = random.Random(seed)  # noqa: S311 (the same again for the same seed; nothing is secret)
    signal, sent = rng.choice(_requests())
    request = _some_records(rng, signal, sent)
    for _ in range(rng.randint(1, 4)):
        rng.choice(_BREAKS)(rng, request)
    neighbour = _add_neighbour(signal, request, seed)
    is_json, body = rng.random() < 0.5, request.SerializeToString()
    if is_json:
        body = as_json(signal, body)
        if rng.random() < 0.4:
            body = _break_json(rng, signal, body)
    if rng.random() < 0.25:
        return Broken(signal=signal, is_json=is_json, body=_break_bytes(rng, body), neighbour=None)
    return Broken(signal=signal, is_json=is_json, body=body, neighbour=neighbour)


@cache
def _requests() -> tuple[tuple[str, Any], ...]:
    kinds = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}
    sent = (request for capture in OWN for request in requests_of(capture))
    return tuple((signal, kinds[signal].FromString(body)) for signal, body in sent)


def _some_records(rng: random.Random, signal: str, sent: Any) -> Any:
    """A few records of a request, with their resource and scope."""
    groups = list(_scopes(sent))
    resource, scoped = rng.choice(groups)
    records = list(_records(scoped))
    start = rng.randrange(len(records))
    request = type(sent)()
    group = request.resource_spans.add() if signal == "traces" else request.resource_logs.add()
    group.resource.CopyFrom(resource)
    inner = group.scope_spans.add() if signal == "traces" else group.scope_logs.add()
    inner.scope.CopyFrom(scoped.scope)
    _records(inner).extend(records[start : start + rng.randint(1, _MOST_RECORDS)])
    return request


def _scopes(request: Any) -> Iterator[tuple[Any, Any]]:
    is_traces = isinstance(request, ExportTraceServiceRequest)
    for group in request.resource_spans if is_traces else request.resource_logs:
        for scoped in group.scope_spans if is_traces else group.scope_logs:
            yield group.resource, scoped


def _records(scoped: Any) -> Any:
    return scoped.spans if hasattr(scoped, "spans") else scoped.log_records


def _add_neighbour(signal: str, request: Any, seed: int) -> str:
    said = orjson.dumps(
        [{"role": "user", "parts": [{"type": "text", "content": NEIGHBOUR_TEXT}]}]
    ).decode()
    attributes = pairs({semconv.OPERATION: "chat", semconv.INPUT_MESSAGES: said})
    if signal == "traces":
        group = request.resource_spans.add()
        span_id = (2**63 + seed).to_bytes(8, "big")
        span = group.scope_spans.add().spans.add(
            trace_id=b"neighbour" + seed.to_bytes(7, "big"), span_id=span_id, name="chat"
        )
        span.start_time_unix_nano = span.end_time_unix_nano = 1_790_000_000_000_000_000
        span.attributes.extend(attributes)
        return span_id.hex()
    log_group = request.resource_logs.add()
    record = log_group.scope_logs.add().log_records.add(event_name="debrief.outcome")
    record.attributes.extend(pairs({semconv.EVENT_ID: f"neighbour-{seed}"}))
    return f"neighbour-{seed}"


# ---- what can be done to a request that still is one


def _any_record(rng: random.Random, request: Any) -> Any:
    return rng.choice([record for _, scoped in _scopes(request) for record in _records(scoped)])


def _break_value(rng: random.Random, request: Any) -> None:
    """Another type or another text where something is."""
    attributes = _any_record(rng, request).attributes
    if attributes:
        rng.choice(attributes).value.CopyFrom(_odd_value(rng, 0))


def _cut_text(rng: random.Random, request: Any) -> None:
    texts = [a.value for a in _any_record(rng, request).attributes if a.value.string_value]
    if texts:
        value = rng.choice(texts)
        value.string_value = value.string_value[: rng.randrange(len(value.string_value) + 1)]


def _edit_text(rng: random.Random, request: Any) -> None:
    """Another piece in the middle of a text, which mostly is JSON."""
    texts = [a.value for a in _any_record(rng, request).attributes if a.value.string_value]
    if texts:
        value = rng.choice(texts)
        text, at = value.string_value, rng.randrange(len(value.string_value))
        value.string_value = text[:at] + rng.choice(_WORDS)[:2000] + text[at + rng.randrange(9) :]


def _repeat_key(rng: random.Random, request: Any) -> None:
    record = _any_record(rng, request)
    if record.attributes:
        again = KeyValue(key=rng.choice(record.attributes).key, value=_odd_value(rng, 0))
        record.attributes.append(again)


def _add_key(rng: random.Random, request: Any) -> None:
    record = _any_record(rng, request)
    record.attributes.append(KeyValue(key=rng.choice(_KEYS), value=_odd_value(rng, 0)))


def _rename_key(rng: random.Random, request: Any) -> None:
    attributes = _any_record(rng, request).attributes
    if attributes:
        rng.choice(attributes).key = rng.choice(_KEYS)


def _break_ids(rng: random.Random, request: Any) -> None:
    record = _any_record(rng, request)
    name = rng.choice(("trace_id", "span_id"))
    odd = (b"", b"\0" * 8, b"\0" * 16, b"\1", b"\2" * 40, b"\3" * 8, b"\3" * 16)
    setattr(record, name, rng.choice(odd))


def _break_parent(rng: random.Random, request: Any) -> None:
    """A span may be its own parent, or in a circle of parents."""
    one, other = _any_record(rng, request), _any_record(rng, request)
    if hasattr(one, "parent_span_id"):
        one.parent_span_id, other.parent_span_id = other.span_id, one.span_id


def _break_time(rng: random.Random, request: Any) -> None:
    record = _any_record(rng, request)
    name = "start_time_unix_nano" if hasattr(record, "status") else "time_unix_nano"
    setattr(record, name, rng.choice((0, 1, 2**63 - 1, 2**63, 2**64 - 1)))


def _break_body(rng: random.Random, request: Any) -> None:
    record = _any_record(rng, request)
    if hasattr(record, "body"):
        record.body.CopyFrom(_odd_value(rng, 0))
        record.event_name = rng.choice((record.event_name, *sorted(semconv.CONTENT_EVENTS)))
    elif record.events:
        event = rng.choice(record.events)
        event.name = rng.choice((event.name, *sorted(semconv.CONTENT_EVENTS)))
        if event.attributes:
            rng.choice(event.attributes).value.CopyFrom(_odd_value(rng, 0))


_BREAKS: tuple[Callable[[random.Random, Any], None], ...] = (
    *(_break_value, _cut_text, _edit_text, _repeat_key, _add_key, _rename_key),
    *(_break_ids, _break_parent, _break_time, _break_body),
)


def _odd_value(rng: random.Random, depth: int) -> AnyValue:
    if depth < 3 and rng.random() < 0.3:
        inner = [_odd_value(rng, depth + 1) for _ in range(rng.randrange(4))]
        made = AnyValue()
        if rng.random() < 0.5:
            made.array_value.values.extend(inner)
        else:
            made.kvlist_value.values.extend(
                KeyValue(key=rng.choice(("role", "parts", "content", "", "id")), value=value)
                for value in inner
            )
        return made
    if rng.random() < 0.1:
        return _deep(rng.choice((20, 40)))
    odd = (None, True, -1, 2**63 - 1, -(2**63), 0.5, float("nan"), float("inf"), b"\xff\0")
    return any_value(rng.choice((*odd, *_WORDS, *_WORDS)))


def _deep(levels: int) -> AnyValue:
    made = AnyValue(string_value="deep")
    for _ in range(levels):
        outer = AnyValue()
        outer.array_value.values.append(made)
        made = outer
    return made


# ---- what can be done to the bytes


def _break_json(rng: random.Random, signal: str, body: bytes) -> bytes:
    """Another value somewhere in the first record: the neighbour's group stays as it is."""
    document = orjson.loads(body)
    group = document["resourceSpans" if signal == "traces" else "resourceLogs"][0]
    scoped = group["scopeSpans" if signal == "traces" else "scopeLogs"][0]
    node: Any = scoped["spans" if signal == "traces" else "logRecords"]
    at: Any = 0
    while isinstance(node[at], dict | list) and node[at] and rng.random() < 0.8:
        node = node[at]
        at = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
    node[at] = rng.choice((None, True, -1, 1.5, 2**63, "x", "", [], {}, [[]], {"a": {}}, "ff" * 40))
    return orjson.dumps(document)


def _break_bytes(rng: random.Random, body: bytes) -> bytes:
    made = bytearray(body)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(made) + 1)
        match rng.randrange(4):
            case 0:
                made[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del made[at : at + rng.randint(1, 40)]
            case 2:
                made[at:at] = rng.randbytes(rng.randint(1, 20))
            case _:
                del made[at:]
    return bytes(made)
