"""LiteLLM: the newest GenAI keys, but an answer's tool call only under one of the oldest.

Inside its span is one of the raw request, whose values are Python texts: the answer there has all
tool calls with their ids.
"""

from __future__ import annotations

from dataclasses import replace

from collector import semconv
from collector.dialects import decoding, genai, python_texts, replies
from collector.dialects.calls import Call
from collector.dialects.histories import Histories
from collector.dialects.spans import Span
from collector.records import CallError, Json, Message, ToolCall

_LEGACY_CALL = "gen_ai.completion.0.function_call."
_RAW = "raw_gen_ai_request"
_RAW_PREFIX = "llm."
_RAW_ANSWER = ("choices", "content", "stop_reason", "output")
_RAW_ID = "id"

read_tool = genai.read_tool


def speaks(span: Span) -> bool:
    return span.row["scope"] == "litellm" and (
        span.row["name"] == _RAW
        or any(key in span for key in (semconv.OPERATION, semconv.INPUT_MESSAGES))
    )


def kind(span: Span) -> str:
    return "call" if span.row["name"] == _RAW else genai.kind(span)


def read_call(span: Span, histories: Histories) -> Call:
    if span.row["name"] == _RAW:
        return _raw_answer(span)
    call = genai.read_call(span, histories)
    output = tuple(each for each in call.output if each.text or each.tool_calls)
    name = span.text(f"{_LEGACY_CALL}name")
    if name and not any(message.tool_calls for message in output):
        arguments = decoding.container(span.value(f"{_LEGACY_CALL}arguments"))
        asked = ToolCall(id="", name=name, arguments=arguments)
        last = output[-1] if output else Message(role="assistant", finish_reason="tool_calls")
        output = (*output[:-1], replace(last, tool_calls=(asked,)))
    return replace(call, output=output, error=_error(span, call))


def _raw_answer(span: Span) -> Call:
    """Read the answer under `llm.<provider>.…`; its request is on the span around."""
    answer: dict[str, Json] = {}
    for key in span.keys:
        name = key.rpartition(".")[2]
        if key.startswith(_RAW_PREFIX) and name in _RAW_ANSWER:
            answer[name] = _literal(span.value(key))
        elif key.startswith(_RAW_PREFIX) and name == _RAW_ID:
            answer[name] = span.value(key)
    read = replies.read_answer(answer)
    return Call(
        span_id=span.span_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        output=read.messages,
        response_id=read.response_id,
    )


def _literal(value: Json) -> Json:
    try:
        return python_texts.literal(value) if isinstance(value, str) else value
    except ValueError:
        return None


def _error(span: Span, call: Call) -> CallError | None:
    """LiteLLM has the HTTP status under `error.code`."""
    status = span.count("error.code")
    if call.error is None or call.error.http_status is not None or status is None:
        return call.error
    family = "timeout" if status in (408, 504) else "provider"
    return replace(call.error, kind=family, http_status=status)
