"""OpenInference: flattened keys such as `llm.input_messages.3.message.content`.

The index is text: it is sorted as a number, and gaps (attribute limits, masking) are allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from collector import semconv
from collector.dialects import calls, decoding, genai, smolagents
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories
from collector.dialects.indexed import elements, in_order
from collector.dialects.spans import Span
from collector.records import Json, Message, ToolCall

NOTHING = ("{}", "None", "null", "")
"""What decorators write for "no input" and "no output"."""
MASKED = "__REDACTED__"
_OF_A_CALL = ("llm.input_messages.", "llm.output_messages.", "llm.token_count.")


def speaks(span: Span) -> bool:
    return semconv.OPENINFERENCE_KIND in span


def kind(span: Span) -> str:
    """AGENT and CHAIN spans give ids only: their input and output are whatever a decorator saw.

    Unless they carry messages (Instructor): then they speak where no call below them does.
    """
    kind_ = (span.text(semconv.OPENINFERENCE_KIND) or "").upper()
    if kind_ == "LLM":
        return "call" if _is_model_call(span) else "other"
    if kind_ == "CHAIN" and _has_messages(span):
        return "agent"
    return {"TOOL": "tool", "AGENT": "agent"}.get(kind_, "other")


def _has_messages(span: Span) -> bool:
    return any(key.startswith("llm.input_messages.") for key in span.keys)


def _is_model_call(span: Span) -> bool:
    """LlamaIndex calls it LLM, too, when it prepares a request: without messages or tokens, but
    with the arguments of a Python method."""
    if span.failed or any(key.startswith(_OF_A_CALL) for key in span.keys):
        return True
    given = span.text("input.value")
    return given in (None, MASKED) or bool(_raw_messages(span))


def _raw_messages(span: Span) -> list[Json]:
    """Messages of a raw request, where nobody took them apart: a list of them, or a bare text."""
    given = decoding.container(span.value("input.value"))
    if isinstance(given, str):
        return [] if given in NOTHING or given == MASKED else [{"role": "user", "content": given}]
    messages = given.get("messages") if isinstance(given, dict) else given
    if not isinstance(messages, list):
        return []
    return [message for message in messages if isinstance(message, dict) and "role" in message]


def _raw_answer(output: Json) -> list[Message]:
    """The message of a raw response, or a bare text."""
    if isinstance(output, dict):
        choices = output.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else output
        message = first.get("message", first) if isinstance(first, dict) else None
        if not isinstance(message, dict) or "content" not in message:
            return []
        return genai.read_message({"role": "assistant", **message})[1]
    if not isinstance(output, str) or output in NOTHING or output == MASKED:
        return []
    return [Message(role="assistant", text=output)]


def read_call(span: Span, histories: Histories) -> Call:
    if span.text(semconv.OPENINFERENCE_KIND) != "LLM" and not _has_messages(span):
        return Call(span_id=span.span_id, start_ns=span.start_ns, end_ns=span.end_ns)
    system, said = _read(elements(span, "llm.input_messages."))
    _, answered = _read(elements(span, "llm.output_messages."))
    if smolagents.is_told(said) or smolagents.is_told(answered):
        said, answered = smolagents.plainly(said), smolagents.plainly(answered)
    output = decoding.container(span.value("output.value"))
    if not said:
        for system_text, messages in map(genai.read_message, _raw_messages(span)):
            said += messages
            system = system or system_text
        answered = answered or _raw_answer(output)
    elif not answered and span.text(semconv.OPENINFERENCE_KIND) == "CHAIN":
        text = span.text("output.value")  # What a structured answer was made into.
        answered = [] if text is None or text in (*NOTHING, MASKED) else _raw_answer(text)
    raw_output = output if isinstance(output, dict) else {}
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
