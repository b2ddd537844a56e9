"""Vercel AI SDK 4 to 6, and 7 with its legacy telemetry: spans with an `ai.operationId`.

`ai.generateText` and its relatives are one turn, the `doGenerate` or `doStream` below each is one
model call. Version 7 by default speaks the newest GenAI conventions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from collector.dialects import calls, decoding
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories, Read
from collector.dialects.spans import Span
from collector.records import Json, Message, ToolCall

OPERATION = "ai.operationId"
_MESSAGES = "ai.prompt.messages"
_PROMPT = "ai.prompt"
_TURNS = ("ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject")
_STEPS = (".doGenerate", ".doStream")
_INPUT_TOKENS = ("ai.usage.inputTokens", "ai.usage.promptTokens", "gen_ai.usage.input_tokens")
_OUTPUT_TOKENS = (
    *("ai.usage.outputTokens", "ai.usage.completionTokens"),
    "gen_ai.usage.output_tokens",
)


def speaks(span: Span) -> bool:
    return OPERATION in span


def kind(span: Span) -> str:
    operation = span.text(OPERATION) or ""
    if operation.endswith(_STEPS):
        return "call"
    if operation in _TURNS:
        return "agent"
    return "tool" if operation == "ai.toolCall" else "other"


def read_call(span: Span, histories: Histories) -> Call:
    """Read one step, or a turn whose steps never came."""
    said = _said(span, histories)
    output = () if span.failed and "ai.response.finishReason" not in span else _answered(span)
    return Call(
        span_id=span.span_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        input=said.messages,
        output=output,
        system=said.system,
        model=span.text(
            "ai.response.model", "gen_ai.response.model", "gen_ai.request.model", "ai.model.id"
        ),
        response_id=span.text("ai.response.id", "gen_ai.response.id"),
        usage=calls.usage(span.count(*_INPUT_TOKENS), span.count(*_OUTPUT_TOKENS)),
        error=calls.call_error(span),
        truncated=said.truncated,
    )


def read_tool(span: Span) -> ToolRun:
    return ToolRun(
        span_id=span.span_id,
        name=span.text("ai.toolCall.name"),
        call_id=span.text("ai.toolCall.id"),
        arguments=decoding.container(span.value("ai.toolCall.args")),
        result=_encoded(span.value("ai.toolCall.result")),
        error=calls.tool_error(span),
        end_ns=span.end_ns,
    )


def _encoded(value: Json) -> Json:
    """What the SDK wrote with JSON.stringify: a text has quotes around it."""
    if isinstance(value, str):
        try:
            value = decoding.parse(value)
        except ValueError:
            return value
    return decoding.container(value)


def _said(span: Span, histories: Histories) -> Read:
    """Messages of a step, else of the turn: `{system, messages}` or `{system, prompt}`."""
    messages = span.value(_MESSAGES)
    if isinstance(messages, str):
        return histories.read(messages, read_message)
    if isinstance(messages, list):
        return _read(messages)
    prompt = decoding.container(span.value(_PROMPT))
    if isinstance(prompt, str):
        # Cut off by a size limit; what is complete is in the list behind the system prompt.
        start = prompt.find('"messages":')
        if start < 0:
            return Read((), (), truncated=True)
        return histories.read(prompt[start + len('"messages":') :].rstrip("}"), read_message)
    if not isinstance(prompt, dict):
        return Read((), ())
    given = prompt.get("messages")
    if not isinstance(given, list):
        text = prompt.get("prompt")
        given = text if isinstance(text, list) else [{"role": "user", "content": text or ""}]
    return _read([{"role": "system", "content": prompt.get("system")}, *given])


def _read(elements: list[Any]) -> Read:
    systems: list[str] = []
    messages: list[Message] = []
    for element in elements:
        system, spoken = read_message(element)
        messages += spoken
        if system:
            systems.append(system)
    return Read(tuple(messages), tuple(systems))


def read_message(raw: Json) -> tuple[str | None, list[Message]]:
    """Read one message `{role, content}`: `(system text, messages)`, one of them mostly empty."""
    if not isinstance(raw, dict):
        return None, [Message(role="user", text=str(raw))]
    role, content = raw.get("role"), raw.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = list(_texts(parts))
    if role == "system":
        return "\n".join(texts) or None, []
    messages = []
    tool_calls = tuple(_tool_calls(parts))
    if role == "user" or any(texts) or tool_calls:
        messages.append(
            Message(
                role="user" if role == "user" else "assistant",
                text="\n".join(texts) if texts and (any(texts) or not tool_calls) else None,
                tool_calls=tool_calls,
            )
        )
    return None, [*messages, *_results(parts)]


def _texts(parts: list[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            type_ = part.get("type")
            if type_ == "text" and isinstance(part.get("text"), str):
                yield part["text"]
            elif type_ in ("image", "file"):
                yield f"[{type_}]"


def _tool_calls(parts: list[Any]) -> Iterator[ToolCall]:
    """Arguments are `input`, and `args` in version 4; as an object or as JSON text."""
    for part in parts:
        if isinstance(part, dict) and (part.get("type") == "tool-call" or "type" not in part):
            arguments = part.get("input", part.get("args"))
            yield ToolCall(
                id=_word(part.get("toolCallId")) or "",
                name=_word(part.get("toolName")) or "",
                arguments=decoding.container(arguments),
            )


def _results(parts: list[Any]) -> Iterator[Message]:
    for part in parts:
        if isinstance(part, dict) and part.get("type") == "tool-result":
            result, error = _output(part)
            yield Message(
                role="tool",
                tool_call_id=_word(part.get("toolCallId")),
                name=_word(part.get("toolName")),
                result=result,
                error=error,
            )


def _output(part: Mapping[str, Any]) -> tuple[Json, str | None]:
    """Result and error of a tool: `output: {type, value}`, and a bare `result` in version 4."""
    output = part.get("output")
    if not (isinstance(output, dict) and "value" in output and isinstance(output.get("type"), str)):
        given = part.get("result") if output is None else output
        error = "the tool failed" if part.get("isError") is True else None
        return decoding.container(given), error
    value = decoding.container(output["value"])
    if output["type"].startswith("error"):
        return None, value if isinstance(value, str) else str(value)
    return value, None


def _answered(span: Span) -> tuple[Message, ...]:
    tool_calls = decoding.container(span.value("ai.response.toolCalls"))
    asked = tuple(_tool_calls(tool_calls)) if isinstance(tool_calls, list) else ()
    text = span.value("ai.response.text")
    if not isinstance(text, str) or not text:
        answer = span.value("ai.response.object")
        text = answer if isinstance(answer, str) else None
    if text is None and not asked:
        return ()
    reason = calls.finish_reason(span.value("ai.response.finishReason"))
    return (Message(role="assistant", text=text, tool_calls=asked, finish_reason=reason),)


def _word(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None
