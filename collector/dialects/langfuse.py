"""Langfuse's SDK: observations, whose input and output are JSON text or plain text."""

from __future__ import annotations

from collector import semconv
from collector.dialects import calls, decoding, replies, shapes
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories
from collector.dialects.spans import Span

TYPE = "langfuse.observation.type"
_INPUT = "langfuse.observation.input"
_OUTPUT = "langfuse.observation.output"
_LEVEL = "langfuse.observation.level"
_STATUS_MESSAGE = "langfuse.observation.status_message"
_KINDS = {"generation": "call", "tool": "tool", "agent": "agent"}


def speaks(span: Span) -> bool:
    """Spans of other instrumentations that only carry Langfuse's session or tags are not its."""
    own = TYPE in span or _INPUT in span or _OUTPUT in span
    return own and semconv.INPUT_MESSAGES not in span


def kind(span: Span) -> str:
    """A root wraps the whole turn, with its text, whatever its type."""
    named = _KINDS.get((span.text(TYPE) or "").lower())
    return named or ("agent" if span.row["parent_span_id"] is None else "other")


def read_call(span: Span, histories: Histories) -> Call:
    asked, gave = shapes.unpack(span.value(_INPUT)), shapes.unpack(span.value(_OUTPUT))
    request = shapes.read_request(asked.value, histories)
    answer = replies.read_answer(gave.value)
    return Call(
        span_id=span.span_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        input=request.messages,
        output=answer.messages,
        system=request.system,
        model=span.text("langfuse.observation.model.name", semconv.RESPONSE_MODEL) or answer.model,
        response_id=span.text(semconv.RESPONSE_ID) or answer.response_id,
        usage=replies.read_usage(span.value("langfuse.observation.usage_details")) or answer.usage,
        error=calls.call_error(_with_level(span)),
        truncated=asked.truncated or gave.truncated,
    )


def _with_level(span: Span) -> Span:
    """The span with its failure where OpenTelemetry has it: Langfuse may tell it by a level."""
    if span.failed or span.text(_LEVEL) != "ERROR":
        return span
    return Span({**span.row, "status": 2, "status_message": span.text(_STATUS_MESSAGE)})


def read_tool(span: Span) -> ToolRun:
    """A decorated tool's input is `{args, kwargs}`: named arguments are the call's."""
    given = decoding.container(span.value(_INPUT))
    if isinstance(given, dict) and given.keys() <= {"args", "kwargs"}:
        given = given.get("kwargs") or given.get("args")
    return ToolRun(
        span_id=span.span_id,
        name=span.text(semconv.TOOL_NAME) or str(span.row["name"] or "") or None,
        call_id=span.text(semconv.TOOL_CALL_ID),
        arguments=given,
        result=decoding.container(span.value(_OUTPUT)),
        error=calls.tool_error(_with_level(span)),
        end_ns=span.end_ns,
    )
