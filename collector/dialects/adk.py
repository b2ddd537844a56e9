"""Google ADK 1.x: whole requests and answers of Gemini as JSON text on its spans.

ADK 2 speaks the newest GenAI conventions, with the content in log records.
"""

from __future__ import annotations

from collector import semconv
from collector.dialects import calls, decoding, genai, replies, shapes
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories
from collector.dialects.spans import Span

_REQUEST = "gcp.vertex.agent.llm_request"
_ANSWER = "gcp.vertex.agent.llm_response"
_ARGUMENTS = "gcp.vertex.agent.tool_call_args"
_RESULT = "gcp.vertex.agent.tool_response"


def speaks(span: Span) -> bool:
    own = _REQUEST in span or _ARGUMENTS in span or _RESULT in span
    return own and semconv.INPUT_MESSAGES not in span


def kind(span: Span) -> str:
    if span.raw(_REQUEST) is not None and (span.row["name"] != "send_data"):
        return "call"
    return "tool" if _ARGUMENTS in span or _RESULT in span else genai.kind(span)


def read_call(span: Span, histories: Histories) -> Call:
    asked, gave = shapes.unpack(span.value(_REQUEST)), shapes.unpack(span.value(_ANSWER))
    request = shapes.read_request(asked.value, histories)
    answer = replies.read_answer(gave.value)
    counted = genai.read_call(span, Histories())
    return Call(
        span_id=span.span_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        input=request.messages,
        output=answer.messages,
        system=request.system,
        model=counted.model or request.model,
        response_id=counted.response_id,
        usage=counted.usage or answer.usage,
        error=counted.error,
        truncated=asked.truncated or gave.truncated,
    )


def read_tool(span: Span) -> ToolRun:
    return ToolRun(
        span_id=span.span_id,
        name=span.text(semconv.TOOL_NAME),
        call_id=span.text(semconv.TOOL_CALL_ID),
        arguments=decoding.container(span.value(_ARGUMENTS)),
        result=decoding.container(span.value(_RESULT)),
        error=calls.tool_error(span),
        end_ns=span.end_ns,
    )
