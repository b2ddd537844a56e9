"""OpenInference: flattened keys such as `llm.input_messages.3.message.content`.

The index is text: it is sorted as a number, and gaps (attribute limits, masking) are allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from collector import semconv
from collector.dialects import calls, decoding, smolagents
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories
from collector.dialects.indexed import elements, in_order
from collector.dialects.spans import Span
from collector.records import Json, Message, ToolCall

NOTHING = ("{}", "None", "null", "")
"""What decorators write for "no input" and "no output"."""
MASKED = "__REDACTED__"


def speaks(span: Span) -> bool:
    return semconv.OPENINFERENCE_KIND in span


def kind(span: Span) -> str:
    """AGENT and CHAIN spans give ids only: their input and output are whatever a decorator saw."""
    return {"LLM": "call", "TOOL": "tool", "AGENT": "agent"}.get(
        (span.text(semconv.OPENINFERENCE_KIND) or "").upper(), "other"
    )


def read_call(span: Span, histories: Histories) -> Call:
    if span.text(semconv.OPENINFERENCE_KIND) != "LLM":
        return Call(span_id=span.span_id, start_ns=span.start_ns, end_ns=span.end_ns)
    system, said = _read(elements(span, "llm.input_messages."))
    _, answered = _read(elements(span, "llm.output_messages."))
    if smolagents.is_told(said) or smolagents.is_told(answered):
        said, answered = smolagents.plainly(said), smolagents.plainly(answered)
    raw_output = decoding.container(span.value("output.value"))
    raw_output = raw_output if isinstance(raw_output, dict) else {}
    if span.failed and all(not message.text and not message.tool_calls for message in answered):
        answered = []  # LangChain sends an empty assistant message for a call that failed.
    if answered:
        reason = answered[-1].finish_reason or _finish(span, raw_output)
        answered[-1] = replace(answered[-1], finish_reason=reason)
    return Call(
        span_id=span.span_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        input=tuple(said),
        output=tuple(answered),
        system=system,
        model=span.text("llm.response.model_name", "llm.model_name", "llm.request.model_name"),
        response_id=_identifier(raw_output.get("id")),
        usage=calls.usage(
            span.count("llm.token_count.prompt"), span.count("llm.token_count.completion")
        ),
        error=calls.call_error(span),
        truncated=bool(span.row["dropped_attributes"]),
        previous_response_id=_previous_response(span),
    )


def read_tool(span: Span) -> ToolRun:
    """`tool.parameters` is the schema, not the call: arguments are in `input.value`."""
    result, call_id, error = _tool_output(_unless_nothing(span.value("output.value")))
    return ToolRun(
        span_id=span.span_id,
        name=span.text("tool.name") or str(span.row["name"] or "") or None,
        call_id=span.text("tool_call.id", "tool.call_id") or call_id,
        arguments=_arguments(_unless_nothing(span.value("input.value"))),
        result=result,
        error=calls.tool_error(span) or error,
        end_ns=span.end_ns,
    )


def _unless_nothing(value: Json) -> Json:
    return None if value in NOTHING or value == MASKED else decoding.container(value)


def _arguments(given: Json) -> Json:
    """LlamaIndex writes arguments as a Python call has them: `{"args": […], "kwargs": {…}}`."""
    if isinstance(given, dict) and isinstance(given.get("kwargs"), dict):
        return given["kwargs"] or given.get("args")
    return given


def _tool_output(output: Json) -> tuple[Json, str | None, str | None]:
    """Result, id of the call and error, out of the message or object of a framework.

    LangChain sends `{"type": "tool", "data": {"content": …, "tool_call_id": …, "status": …}}`,
    LlamaIndex `{"raw_output": …, "tool_name": …, "is_error": …}`.
    """
    if not isinstance(output, dict):
        return output, None, None
    message = output.get("data") if output.get("type") == "tool" else None
    message = message if isinstance(message, dict) else output
    call_id = _identifier(message.get("tool_call_id"))
    if "content" in message and call_id is not None:
        content = decoding.container(message["content"])
        error = str(content) if message.get("status") == "error" else None
        return None if error else content, call_id, error
    if "tool_name" in output and "raw_output" in output:
        raw = decoding.container(output["raw_output"])
        error = str(raw) if output.get("is_error") is True else None
        return None if error else raw, None, error
    return output, None, None


def _previous_response(span: Span) -> str | None:
    """The response that a request continues; only the raw request says so."""
    for key in ("input.value", "llm.invocation_parameters"):
        if "previous_response_id" in (span.raw(key) or ""):
            request = decoding.container(span.value(key))
            if isinstance(request, dict) and (
                named := _identifier(request.get("previous_response_id"))
            ):
                return named
    return None


def _read(entries: list[Any]) -> tuple[str | None, list[Message]]:
    systems: list[str] = []
    messages: list[Message] = []
    for entry in entries:
        message = entry.get("message") if isinstance(entry, dict) else None
        if not isinstance(message, dict):
            continue
        role = str(message.get("role") or "user").lower()
        if role in ("system", "developer"):
            systems.append(_text(message) or "")
        else:
            messages += _spoken(role, message)
    return "\n\n".join(filter(None, systems)) or None, messages


def _spoken(role: str, message: Mapping[str, Any]) -> Iterator[Message]:
    results = list(_results_in_contents(message))
    yield from results
    text = _text(message)
    if role in ("tool", "function"):
        yield Message(
            role="tool",
            tool_call_id=_identifier(message.get("tool_call_id")),
            name=_identifier(message.get("name")),
            result=decoding.container(text),
        )
        return
    tool_calls = tuple(_tool_calls(message))
    if text is not None or tool_calls or not results:
        yield Message(
            role="user" if role in ("user", "human") else "assistant",
            text=text,
            tool_calls=tool_calls,
        )


def _text(message: Mapping[str, Any]) -> str | None:
    content = message.get("content")
    if isinstance(content, str):
        return content
    texts: list[str] = []
    for part in in_order(message.get("contents")):
        inner = part.get("message_content") if isinstance(part, dict) else None
        if isinstance(inner, dict) and "tool_call" not in part:
            kind_ = inner.get("type")
            if isinstance(inner.get("text"), str) and kind_ not in ("reasoning", "tool_result"):
                texts.append(inner["text"])
            elif kind_ not in ("text", "reasoning", "tool_use", "tool_result", None):
                texts.append(f"[{kind_}]")
    return "\n".join(texts) if texts else None


def _results_in_contents(message: Mapping[str, Any]) -> Iterator[Message]:
    """Anthropic-shaped results: parts of type `tool_result` in a message of role user."""
    for part in in_order(message.get("contents")):
        inner = part.get("message_content") if isinstance(part, dict) else None
        if isinstance(inner, dict) and inner.get("type") == "tool_result":
            yield Message(
                role="tool",
                tool_call_id=_identifier(inner.get("tool_use_id") or inner.get("id")),
                result=decoding.container(inner.get("text", inner.get("content"))),
            )


def _tool_calls(message: Mapping[str, Any]) -> Iterator[ToolCall]:
    """Calls under `message.tool_calls`; Anthropic repeats them under `message.contents`."""
    for entry in in_order(message.get("tool_calls")):
        call = entry.get("tool_call") if isinstance(entry, dict) else None
        if isinstance(call, dict):
            function = call.get("function")
            function = function if isinstance(function, dict) else {}
            yield ToolCall(
                id=_identifier(call.get("id")) or "",
                name=_identifier(function.get("name")) or "",
                arguments=decoding.container(function.get("arguments")),
            )


def _finish(span: Span, raw_output: Mapping[str, Any]) -> str | None:
    choices = raw_output.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else raw_output
    word = (
        first.get("finish_reason") or first.get("stop_reason") if isinstance(first, dict) else None
    )
    return calls.finish_reason(span.value("llm.finish_reason") or word)


def _identifier(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None
