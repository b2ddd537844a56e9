"""pydantic-ai before its spans had `gen_ai.operation.name`, and what Logfire adds around any span.

Model calls of pydantic-ai are in the GenAI conventions of their time; its agent and tool spans were
`agent run` and `running tool`. Logfire's own instrumentations of model clients send `request_data`
and `response_data`. Logfire marks starts of spans and annotations, which are no calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector import semconv
from collector.dialects import calls, decoding, genai, genai_older
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories
from collector.dialects.spans import Span
from collector.records import Json, Message

SPAN_TYPE = "logfire.span_type"
ANNOTATION = "annotation"
_MARKERS = ("pending_span", ANNOTATION)
"""A pending span repeats the content of a span that is still open."""
_REQUEST = "request_data"
_RESPONSE = "response_data"
_WHOLE_RUN = (genai.PYDANTIC_HISTORY, "all_messages_events")


def speaks(span: Span) -> bool:
    if span.text(SPAN_TYPE) in _MARKERS:
        return True
    if semconv.OPERATION in span and (_REQUEST not in span or _has_newer_content(span)):
        return False
    return (
        any(key in span for key in _WHOLE_RUN)
        or "tool_response" in span
        or ("tool_arguments" in span and semconv.TOOL_NAME in span)
        or (_REQUEST in span and any(key.startswith("gen_ai.") for key in span.keys))
    )


def _has_newer_content(span: Span) -> bool:
    return any(key in span for key in (*genai.CONTENT, *genai_older.PYDANTIC_EVENTS))


def kind(span: Span) -> str:
    if span.text(SPAN_TYPE) in _MARKERS:
        return "other"
    if any(key in span for key in _WHOLE_RUN):
        return "agent"
    return "call" if _REQUEST in span else "tool"


def read_call(span: Span, histories: Histories) -> Call:
    """Read an agent's whole run, or a call that Logfire itself instrumented."""
    if "all_messages_events" in span:
        return genai_older.read_call(span, histories)
    if _REQUEST not in span:
        return genai.read_call(span, histories)
    request = decoding.container(span.value(_REQUEST))
    response = decoding.container(span.value(_RESPONSE))
    request = request if isinstance(request, dict) else {}
    response = response if isinstance(response, dict) else {}
    systems, said = _said(request)
    counted = response.get("usage")
    counted = counted if isinstance(counted, dict) else {}
    return Call(
        span_id=span.span_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        input=tuple(said),
        output=tuple(_answered(response)),
        system="\n\n".join(systems) or None,
        model=span.text(semconv.RESPONSE_MODEL, semconv.REQUEST_MODEL),
        response_id=span.text(semconv.RESPONSE_ID),
        usage=calls.usage(
            span.count(semconv.INPUT_TOKENS) or _count(counted, "prompt_tokens", "input_tokens"),
            span.count(semconv.OUTPUT_TOKENS)
            or _count(counted, "completion_tokens", "output_tokens"),
        ),
        error=calls.call_error(span),
    )


def read_tool(span: Span) -> ToolRun:
    return ToolRun(
        span_id=span.span_id,
        name=span.text(semconv.TOOL_NAME),
        call_id=span.text(semconv.TOOL_CALL_ID),
        arguments=decoding.container(span.value("tool_arguments")),
        result=decoding.container(span.value("tool_response")),
        error=calls.tool_error(span),
        end_ns=span.end_ns,
    )


def _said(request: Mapping[str, Any]) -> tuple[list[str], list[Message]]:
    systems = [request["system"]] if isinstance(request.get("system"), str) else []
    said: list[Message] = []
    messages = request.get("messages")
    for element in messages if isinstance(messages, list) else ():
        system, spoken = genai.read_message(element)
        said += spoken
        systems += [system] if system else []
    return systems, said


def _answered(response: Mapping[str, Any]) -> list[Message]:
    message = response.get("message")
    if not isinstance(message, dict):
        streamed = response.get("combined_chunk_content")
        if not isinstance(streamed, str):
            return []
        message = {"content": streamed}
    return genai.read_message({"role": "assistant", **message})[1]


def _count(counted: Mapping[str, Json], *keys: str) -> int | None:
    numbers = (counted.get(key) for key in keys)
    return next((number for number in numbers if isinstance(number, int)), None)
