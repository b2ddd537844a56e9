"""What an instrumentation sends, as OTLP requests made by hand: through decoding and assembly.

The dialects without a capture are written from documentation; these requests follow it exactly.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.assemble import assemble
from collector.dialects.spans import read_row
from collector.otlp import decode_logs, decode_traces
from collector.records import Conversation, Unreadable
from tests.collector.conversations import OPEN_BOOK, SECOND, START_NS
from tests.collector.wire import any_value, pairs

SYSTEM = "You look up orders."
ASKED = "Where is A-1001?"
ARGUMENTS = {"order_id": "A-1001"}
RESULT = {"status": "shipped"}
ANSWERED = "It is on its way."
"""The one turn that every framework here is made to tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """One span as an application sends it; `at` is seconds, ids are any words."""

    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    at: float = 0.0
    until: float | None = None
    parent: str | None = None
    trace: str = "t"
    events: Sequence[tuple[str, Mapping[str, Any]]] = ()
    error: str | None = None
    span: str | None = None
    """The span's name where it is not given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Logged:
    """One log record."""

    event_name: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    at: float = 0.0
    span: str | None = None
    trace: str = "t"


def _id(word: str, length: int) -> bytes:
    return hashlib.sha256(word.encode()).digest()[:length]


def _ns(seconds: float) -> int:
    return START_NS + int(seconds * SECOND)


def told(
    scope: str,
    spans: Sequence[Sent] = (),
    logs: Sequence[Logged] = (),
    *,
    service: str = "orderbot",
    redact: Any = OPEN_BOOK,
) -> list[Conversation | Unreadable]:
    """Everything that these spans and log records become."""
    traces, records = ExportTraceServiceRequest(), ExportLogsServiceRequest()
    if spans:
        group = traces.resource_spans.add()
        group.resource.attributes.extend(pairs([("service.name", service)]))
        scoped = group.scope_spans.add()
        scoped.scope.name = scope
        for each in spans:
            _add_span(scoped, each)
    if logs:
        log_group = records.resource_logs.add()
        log_group.resource.attributes.extend(pairs([("service.name", service)]))
        log_scoped = log_group.scope_logs.add()
        log_scoped.scope.name = scope
        for log in logs:
            _add_log(log_scoped, log)
    decoded = decode_traces(traces.SerializeToString(), json=False, received_ns=1, redact=redact)
    heard = decode_logs(records.SerializeToString(), json=False, received_ns=1, redact=redact)
    return list(assemble(map(read_row, decoded.rows), map(read_row, heard.rows)))


def _add_span(scoped: Any, sent: Sent) -> None:
    span = scoped.spans.add(
        trace_id=_id(sent.trace, 16),
        span_id=_id(f"{sent.trace} {sent.span or sent.name}", 8),
        parent_span_id=_id(f"{sent.trace} {sent.parent}", 8) if sent.parent else b"",
        name=sent.name,
        kind=1,
        start_time_unix_nano=_ns(sent.at),
        end_time_unix_nano=_ns(sent.at + 0.5 if sent.until is None else sent.until),
    )
    span.attributes.extend(pairs(dict(sent.attributes)))
    for name, attributes in sent.events:
        event = span.events.add(name=name, time_unix_nano=_ns(sent.at))
        event.attributes.extend(pairs(dict(attributes)))
    if sent.error is not None:
        span.status.code, span.status.message = 2, sent.error


def _add_log(scoped: Any, sent: Logged) -> None:
    record = scoped.log_records.add(
        event_name=sent.event_name,
        time_unix_nano=_ns(sent.at),
        trace_id=_id(sent.trace, 16) if sent.span else b"",
        span_id=_id(f"{sent.trace} {sent.span}", 8) if sent.span else b"",
    )
    record.attributes.extend(pairs(dict(sent.attributes)))
    if sent.body is not None:
        record.body.CopyFrom(any_value(sent.body))


def the_told(*arguments: Any, **named: Any) -> Conversation:
    """Exactly one conversation, and nothing that could not be read."""
    (conversation,) = told(*arguments, **named)
    assert isinstance(conversation, Conversation), conversation
    return conversation


def text(value: Any) -> str:
    """JSON text."""
    return json.dumps(value)


def assert_the_turn(conversation: Conversation, *, system: str | None = SYSTEM) -> None:
    """The turn of this file, with its tool call, in order and once."""
    asked, called, answer, said = conversation.messages
    assert conversation.system == system
    assert (asked.role, asked.text) == ("user", ASKED)
    assert called.role == "assistant"
    assert not called.text
    (call,) = called.tool_calls
    assert (call.name, call.arguments) == ("lookup_order", ARGUMENTS)
    assert (answer.role, answer.name, answer.tool_call_id) == ("tool", "lookup_order", call.id)
    assert answer.result == RESULT
    assert (said.role, said.text) == ("assistant", ANSWERED)
