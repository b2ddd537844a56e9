"""Hooks in OpenTelemetry's pipelines: mark spans, and put what is finished into an outbox."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import get_current_span

from debrief.guard import never_raises
from debrief.outbox import Outbox
from debrief.scope import current, of_span

CLOSE_S = 3.0
"""So long the end of the process may wait for what is not sent yet."""
_OVERHEAD_BYTES = 1000
"""About what a record takes without its attributes."""


class MarkingProcessor(SpanProcessor):
    """Sets on every span that starts what the conversation around it says.

    This overrides the id that frameworks make up for each run (pydantic-ai does): the application
    knows better which conversation it is.
    """

    def __init__(self, common: Callable[[], Mapping[str, str]]) -> None:
        """`common` are attributes of every span, for example the agent's name."""
        self._common = common

    @never_raises(None)
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """The conversation that is current; in a thread that has none, that of the parent span."""
        conversation = current()
        attributes = dict(self._common())
        if conversation is not None:
            attributes |= conversation.attributes
        else:
            parent = get_current_span(parent_context)
            if isinstance(parent, ReadableSpan):
                attributes |= of_span(parent.attributes or {})
        if attributes:
            span.set_attributes(attributes)


class SendingProcessor(SpanProcessor):
    """Puts ended spans into the outbox."""

    def __init__(self, outbox: Outbox[ReadableSpan]) -> None:
        self._outbox = outbox

    @never_raises(None)
    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or not span.context.trace_flags.sampled:
            return
        size_bytes = size_of(span.attributes)
        for event in span.events:
            size_bytes += size_of(event.attributes)
        self._outbox.put(span, size_bytes)

    @never_raises(None)
    def shutdown(self) -> None:
        self._outbox.close(CLOSE_S)

    @never_raises(False)
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._outbox.flush(timeout_millis / 1000)


class EventProcessor(LogRecordProcessor):
    """Puts log records that have an event name into the outbox: ours and the instrumentations'.

    Ordinary logs of the application stay where they are.
    """

    def __init__(self, outbox: Outbox[ReadableLogRecord]) -> None:
        self._outbox = outbox

    @never_raises(None)
    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        record = copy.copy(log_record.log_record)
        if not record.event_name and "event.name" not in (record.attributes or {}):
            return
        record.context = Context()  # it may hold the whole request of a web server
        readable = ReadableLogRecord(
            log_record=record,
            resource=log_record.resource or Resource.get_empty(),
            instrumentation_scope=log_record.instrumentation_scope,
            limits=log_record.limits,
        )
        self._outbox.put(readable, size_of(record.attributes) + size_of(record.body))

    @never_raises(None)
    def shutdown(self) -> None:
        self._outbox.close(CLOSE_S)

    @never_raises(False)
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._outbox.flush(timeout_millis / 1000)


def size_of(value: Any, depth: int = 0) -> int:
    """About how many bytes a value takes; nested deeper than 8, it is not looked at."""
    if isinstance(value, str | bytes):
        return len(value)
    if depth > 8 or value is None:
        return 0
    if isinstance(value, Mapping):
        return _OVERHEAD_BYTES * (depth == 0) + sum(
            len(str(key)) + size_of(each, depth + 1) for key, each in value.items()
        )
    if isinstance(value, list | tuple):
        return sum(size_of(each, depth + 1) for each in value)
    return 8
