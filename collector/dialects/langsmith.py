"""LangSmith's OpenTelemetry export: runs of LangChain and LangGraph, and of LangSmith's wrappers.

Inputs and outputs of a run are JSON text under `gen_ai.prompt` and `gen_ai.completion`, in
LangChain's serialised form or in that of the wrapped provider.
"""

from __future__ import annotations

from dataclasses import replace

from collector import semconv
from collector.dialects import calls, decoding, replies, shapes
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories
from collector.dialects.spans import Span
from collector.records import CallError

KIND = "langsmith.span.kind"
_INPUT = "gen_ai.prompt"
_OUTPUT = "gen_ai.completion"
_STACK_TRACE = "Traceback (most recent call last)"


def speaks(span: Span) -> bool:
    return KIND in span or span.row["scope"] == "langsmith"


def kind(span: Span) -> str:
    """A root wraps the whole turn, with its text; other chains are steps of the framework."""
    named = {"llm": "call", "tool": "tool"}.get((span.text(KIND) or "").lower())
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
        model=span.text(
            semconv.RESPONSE_MODEL, semconv.REQUEST_MODEL, "langsmith.metadata.ls_model_name"
        ),
        response_id=span.text(semconv.RESPONSE_ID) or answer.response_id,
        usage=calls.usage(
            span.count(semconv.INPUT_TOKENS, "gen_ai.usage.prompt_tokens"),
            span.count(semconv.OUTPUT_TOKENS, "gen_ai.usage.completion_tokens"),
        )
        or replies.read_usage(span.value("langsmith.metadata.usage_metadata"))
        or answer.usage,
        error=_error(span),
        truncated=asked.truncated or gave.truncated,
    )


def _error(span: Span) -> CallError | None:
    """The message is the exception's repr with its stack trace, which is nobody's answer.

    The status of a failed run may still be OK: then the exception is what tells.
    """
    if any(event["name"] == semconv.EXCEPTION_EVENT for event in span.events()):
        span = Span({**span.row, "status": 2})
    error = calls.call_error(span)
    return error and replace(error, message=error.message.partition(_STACK_TRACE)[0].strip())


def read_tool(span: Span) -> ToolRun:
    """A tool's input is what it was called with, or its Python repr under `input`."""
    given = decoding.container(span.value(_INPUT))
    given = given["input"] if isinstance(given, dict) and given.keys() == {"input"} else given
    gave = decoding.container(span.value(_OUTPUT))
    gave = gave["output"] if isinstance(gave, dict) and "output" in gave else gave
    _, messages = shapes.read_message(gave) if isinstance(gave, dict) else (None, [])
    answer = next((message for message in messages if message.role == "tool"), None)
    error = _error(span)
    return ToolRun(
        span_id=span.span_id,
        name=span.text(semconv.TOOL_NAME) or str(span.row["name"] or "") or None,
        call_id=span.text(semconv.TOOL_CALL_ID) or (answer.tool_call_id if answer else None),
        arguments=decoding.container(given),
        result=answer.result if answer else decoding.container(gave),
        error=(error.message or "the tool failed") if error else answer.error if answer else None,
        end_ns=span.end_ns,
    )
