"""Sends what the agents do as plain OpenTelemetry: spans of the GenAI conventions, and events.

Nothing here knows who listens. Times are passed in, because the clock of the simulation is not
the clock on the wall.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

QUEUE = 100_000
MODEL = "simulated-model-1"


def nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000_000)


def text(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


class Telemetry:
    """One agent's connection to an OTLP address."""

    def __init__(self, *, endpoint: str, agent: str, version: str) -> None:
        resource = Resource.create(
            {"service.name": agent, "service.version": version, "gen_ai.agent.name": agent}
        )
        self.agent = agent
        self._spans = TracerProvider(resource=resource)
        self._spans.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces"), max_queue_size=QUEUE)
        )
        self._logs = LoggerProvider(resource=resource)
        self._logs.add_log_record_processor(
            BatchLogRecordProcessor(OTLPLogExporter(f"{endpoint}/v1/logs"), max_queue_size=QUEUE)
        )
        self._tracer = self._spans.get_tracer("order_desk")
        self._logger = self._logs.get_logger("order_desk")

    def chat(
        self,
        *,
        conversation_id: str,
        user_id: str | None,
        system: str,
        history: Sequence[Mapping[str, Any]],
        answer: Mapping[str, Any],
        started: datetime,
        ended: datetime,
    ) -> None:
        """One call of the model: the whole history in, one message out."""
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "simulated",
            "gen_ai.request.model": MODEL,
            "gen_ai.agent.name": self.agent,
            "gen_ai.conversation.id": conversation_id,
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": system}]),
            "gen_ai.input.messages": json.dumps(list(history)),
            "gen_ai.output.messages": json.dumps([answer]),
            "gen_ai.usage.input_tokens": len(json.dumps(list(history))) // 4,
            "gen_ai.usage.output_tokens": len(json.dumps(answer)) // 4,
        }
        if user_id:
            attributes["user.id"] = user_id
        span = self._tracer.start_span(
            f"chat {MODEL}",
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=nanoseconds(started),
        )
        span.end(end_time=nanoseconds(ended))

    def tool(
        self,
        *,
        conversation_id: str,
        name: str,
        call_id: str,
        arguments: Mapping[str, Any],
        result: Mapping[str, Any],
        started: datetime,
        ended: datetime,
    ) -> None:
        """One run of a tool."""
        span = self._tracer.start_span(
            f"execute_tool {name}",
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.conversation.id": conversation_id,
                "gen_ai.tool.name": name,
                "gen_ai.tool.call.id": call_id,
                "gen_ai.tool.call.arguments": json.dumps(arguments),
                "gen_ai.tool.call.result": json.dumps(result),
            },
            start_time=nanoseconds(started),
        )
        if "error" in result:
            span.set_status(Status(StatusCode.ERROR, str(result["error"])))
        span.end(end_time=nanoseconds(ended))

    def event(self, name: str, attributes: Mapping[str, Any], *, at: datetime) -> None:
        """One event such as `debrief.outcome` (docs/conventions.md)."""
        self._logger.emit(
            LogRecord(
                timestamp=nanoseconds(at),
                observed_timestamp=nanoseconds(at),
                severity_number=SeverityNumber.INFO,
                event_name=name,
                attributes=dict(attributes),
            )
        )

    def close(self) -> None:
        """Send what is waiting and stop."""
        self._spans.shutdown()
        self._logs.shutdown()
