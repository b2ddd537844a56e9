"""LiteLLM: the newest GenAI keys, but tool calls only under the oldest ones."""

from __future__ import annotations

from dataclasses import replace

from collector import semconv
from collector.dialects import decoding, genai
from collector.dialects.calls import Call
from collector.dialects.histories import Histories
from collector.dialects.spans import Span
from collector.records import CallError, Message, ToolCall

_LEGACY_CALL = "gen_ai.completion.0.function_call."

kind = genai.kind
read_tool = genai.read_tool


def speaks(span: Span) -> bool:
    return span.row["scope"] == "litellm" and any(
        key in span for key in (semconv.OPERATION, semconv.INPUT_MESSAGES, semconv.REQUEST_MODEL)
    )


def read_call(span: Span, histories: Histories) -> Call:
    call = genai.read_call(span, histories)
    output = tuple(each for each in call.output if each.text or each.tool_calls)
    name = span.text(f"{_LEGACY_CALL}name")
    if name and not any(message.tool_calls for message in output):
        arguments = decoding.container(span.value(f"{_LEGACY_CALL}arguments"))
        asked = ToolCall(id="", name=name, arguments=arguments)
        last = output[-1] if output else Message(role="assistant", finish_reason="tool_calls")
        output = (*output[:-1], replace(last, tool_calls=(asked,)))
    return replace(call, output=output, error=_error(span, call))


def _error(span: Span, call: Call) -> CallError | None:
    """LiteLLM has the HTTP status under `error.code`."""
    status = span.count("error.code")
    if call.error is None or call.error.http_status is not None or status is None:
        return call.error
    family = "timeout" if status in (408, 504) else "provider"
    return replace(call.error, kind=family, http_status=status)
