"""OpenTelemetry GenAI, newest conventions: span attributes, and the same keys on log records.

Also what OpenLLMetry since 0.5x, pydantic-ai, the Vercel AI SDK 7 and others emit. Message lists
are JSON text on spans and nested values on log records; tool results sit under `response` or
`result`, in messages of role `tool` or `user`: the type of a part decides, never the role.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from collector import semconv
from collector.dialects import calls, decoding
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories, Read
from collector.dialects.spans import Span
from collector.records import Json, Message, Role, ToolCall

CONTENT = (semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES, semconv.SYSTEM_INSTRUCTIONS)
PYDANTIC_HISTORY = "pydantic_ai.all_messages"
"""On the agent span of pydantic-ai: the only place of the user's text where the call failed."""

_ROLES: dict[str, Role] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
}
_SYSTEM_ROLES = ("system", "developer")
_SILENT_PARTS = ("reasoning", "thinking", "compaction")
"""Not said to anybody: thoughts, and a summary of history that was read already."""


def speaks(span: Span) -> bool:
    """Tell whether a span carries content or an operation of these conventions."""
    return any(key in span for key in CONTENT) or semconv.OPERATION in span


def kind(span: Span) -> str:
    operation = span.text(semconv.OPERATION)
    if operation == semconv.TOOL_OPERATION:
        return "tool"
    if operation in semconv.AGENT_OPERATIONS:
        return "agent"
    if operation in semconv.INFERENCE_OPERATIONS:
        return "call"
    return "call" if operation is None and any(key in span for key in CONTENT) else "other"


def read_call(span: Span, histories: Histories) -> Call:
    """Read one inference span, or an agent span that has no inference below it."""
    said = _messages(span, semconv.INPUT_MESSAGES, histories)
    if said is None:
        said = _messages(span, PYDANTIC_HISTORY, histories)
    answered = _messages(span, semconv.OUTPUT_MESSAGES, Histories())
    output = with_finish(answered.messages if answered else (), span)
    return Call(
        span_id=span.span_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        input=said.messages if said else (),
        output=output,
        system=_instructions(span) or (said.system if said else None),
        model=span.text(semconv.RESPONSE_MODEL, semconv.REQUEST_MODEL),
        response_id=span.text(semconv.RESPONSE_ID),
        usage=calls.usage(
            span.count(semconv.INPUT_TOKENS, "gen_ai.usage.prompt_tokens"),
            span.count(semconv.OUTPUT_TOKENS, "gen_ai.usage.completion_tokens"),
        ),
        error=calls.call_error(span),
        truncated=any(read.truncated for read in (said, answered) if read),
        is_transcript=span.value(semconv.TRANSCRIPT) is True,
        previous_response_id=span.text(*semconv.PREVIOUS_RESPONSE_IDS),
        is_elsewhere=any(key in span for key in semconv.UPLOADED),
    )


def read_tool(span: Span) -> ToolRun:
    return ToolRun(
        span_id=span.span_id,
        name=span.text(semconv.TOOL_NAME),
        call_id=span.text(semconv.TOOL_CALL_ID),
        arguments=decoding.container(span.value(semconv.TOOL_CALL_ARGUMENTS)),
        result=decoding.container(span.value(semconv.TOOL_CALL_RESULT)),
        error=calls.tool_error(span),
        end_ns=span.end_ns,
    )


def _messages(span: Span, key: str, histories: Histories) -> Read | None:
    raw = span.raw(key)
    if raw is None:
        return None
    return histories.read(raw, read_message)


def with_finish(messages: tuple[Message, ...], span: Span) -> tuple[Message, ...]:
    """Give the last output message the call's finish reason where it has none of its own."""
    reasons = decoding.container(span.value(semconv.FINISH_REASONS))
    words = reasons if isinstance(reasons, list) else [reasons]
    reason = calls.finish_reason(words[0]) if words else None
    if reason is None or not messages or messages[-1].finish_reason:
        return messages
    return (*messages[:-1], replace(messages[-1], finish_reason=reason))


def _instructions(span: Span) -> str | None:
    sent = span.value(semconv.SYSTEM_INSTRUCTIONS)
    return _told_before(sent) if isinstance(sent, str) else _instructions_in(sent)


@lru_cache(maxsize=256)
def _told_before(sent: str) -> str | None:
    """Remembered, because every call of an agent repeats them."""
    return _instructions_in(decoding.container(sent))


def _instructions_in(value: Json) -> str | None:
    if isinstance(value, str):
        return value or None
    parts = value if isinstance(value, list) else [value]
    texts = [_text_of(part) for part in parts if isinstance(part, dict | str)]
    return "\n\n".join(text for text in texts if text) or None


def read_message(raw: Json) -> tuple[str | None, list[Message]]:
    """Read one element of a message list: `(system text, messages)`, one of them mostly empty.

    Takes the convention's `{role, parts}` and, as Semantic Kernel sends it, `{role, content}`.
    """
    if not isinstance(raw, dict):
        return None, [Message(role="user", text=str(raw))]
    role = str(raw.get("role") or "user").lower()
    parts = raw.get("parts")
    if not isinstance(parts, list):
        parts = list(_parts_of_content(raw))
    elif raw.get("tool_calls"):  # LiteLLM puts them beside the parts.
        parts = [*(part for part in parts if part != _NO_TEXT), *_calls_beside(raw)]
    elif (
        len(parts) == 1 and role in ("user", "assistant") and (plain := _plain(role, parts[0], raw))
    ):
        return None, [plain]
    if role in _SYSTEM_ROLES:
        texts = [_text_of(part) for part in parts if isinstance(part, dict | str)]
        return "\n\n".join(text for text in texts if text) or None, []
    return None, list(_spoken(role, parts, raw))


def _plain(role: str, part: Json, raw: Mapping[str, Json]) -> Message | None:
    """A message that is one text and nothing else, as nearly all are."""
    if not isinstance(part, dict) or part.get("type") != "text":
        return None
    text = part.get("content")
    if not isinstance(text, str):
        return None
    return Message(
        role=_ROLES[role],
        text=text,
        agent=_word(raw.get("name")) if role == "assistant" else None,
        at=moment(raw["timestamp"]) if "timestamp" in raw else None,
        finish_reason=calls.finish_reason(raw.get("finish_reason")),
    )


_NO_TEXT = {"type": "text", "content": ""}


@dataclass(slots=True)
class _Gathered:
    """The parts of one message, by what they are."""

    texts: list[str]
    tool_calls: list[ToolCall]
    results: list[Message]


def _spoken(role: str, parts: list[Json], raw: Mapping[str, Json]) -> Iterator[Message]:
    gathered = _gather(parts, raw)
    at = moment(raw["timestamp"]) if "timestamp" in raw else None
    # Results first: in a message of role user they answer the calls that came before the text.
    yield from gathered.results if _ROLES.get(role) != "assistant" else ()
    known = _ROLES.get(role, "assistant")
    if known == "tool" and not gathered.results:
        yield Message(
            role="tool",
            tool_call_id=_word(raw.get("tool_call_id") or raw.get("id")),
            name=_word(raw.get("name")),
            result=decoding.container("\n".join(gathered.texts)) if gathered.texts else None,
            at=at,
        )
    elif gathered.texts or gathered.tool_calls or not gathered.results:
        speaker = raw.get("name") if known == "assistant" else None
        yield Message(
            role="user" if known == "tool" else known,
            text="\n".join(gathered.texts) if gathered.texts else None,
            tool_calls=tuple(gathered.tool_calls),
            agent=_word(speaker) or (role if role not in _ROLES else None),
            at=at,
            finish_reason=calls.finish_reason(raw.get("finish_reason")),
        )
    yield from gathered.results if _ROLES.get(role) == "assistant" else ()


def _gather(parts: list[Json], raw: Mapping[str, Json]) -> _Gathered:
    gathered = _Gathered([], [], [])
    for part in parts:
        if not isinstance(part, dict):
            gathered.texts.append(str(part))
            continue
        type_ = part.get("type")
        if type_ == "text":
            gathered.texts.append(_text_of(part))
        elif type_ in ("tool_call", "server_tool_call"):
            gathered.tool_calls.append(
                ToolCall(
                    id=_word(part.get("id")) or "",
                    name=_word(part.get("name")) or "",
                    arguments=decoding.container(part.get("arguments", part.get(str(type_)))),
                )
            )
        elif type_ in ("tool_call_response", "server_tool_call_response"):
            gathered.results.append(_result(part, raw, str(type_)))
        elif type_ not in _SILENT_PARTS:
            gathered.texts.append(_text_of(part))
    return gathered


def _result(part: Mapping[str, Json], raw: Mapping[str, Json], type_: str) -> Message:
    keys = ("response", "result", "content", type_)
    payload = next((part[key] for key in keys if part.get(key) is not None), None)
    return Message(
        role="tool",
        tool_call_id=_word(part.get("id")),
        name=_word(part.get("name")),
        result=_unwrapped(decoding.container(payload)),
        error=_error_text(part.get("error"), payload),
        at=moment(raw.get("timestamp")),
    )


def _unwrapped(payload: Json) -> Json:
    """Value of a result in one block of Bedrock's, `{"json": …}` or `{"text": …}`."""
    block = payload[0] if isinstance(payload, list) and len(payload) == 1 else None
    if isinstance(block, dict) and len(block) == 1:
        return decoding.container(block.get("json", block.get("text", payload)))
    return payload


def _error_text(error: Json, payload: Json) -> str | None:
    if error is True:
        return payload if isinstance(payload, str) and payload else "the tool failed"
    return _word(error) if error else None


def _parts_of_content(raw: Mapping[str, Json]) -> Iterator[Json]:
    """Parts of the chat-completions shape `{role, content, tool_calls: [{id, function: {…}}]}`."""
    content = raw.get("content")
    if isinstance(content, list):
        yield from content
    elif content is not None:
        yield {"type": "text", "content": content}
    yield from _calls_beside(raw)


def _calls_beside(raw: Mapping[str, Json]) -> Iterator[Json]:
    """Calls that are no parts but a list of their own."""
    tool_calls = raw.get("tool_calls")
    for call in tool_calls if isinstance(tool_calls, list) else []:
        if isinstance(call, dict):
            function = call.get("function")
            named = function if isinstance(function, dict) else call
            yield {
                "type": "tool_call",
                "id": call.get("id"),
                "name": named.get("name"),
                "arguments": named.get("arguments"),
            }


def _text_of(part: Any) -> str:
    """Text of a part; what is no text is named (`[image]`), never guessed."""
    if isinstance(part, str):
        return part
    content = part.get("content")
    if isinstance(content, str) and part.get("type") == "text":
        return content
    content = part.get("text") if content is None else content
    if part.get("type") in ("blob", "uri", "file") or content is None:
        return f"[{part.get('modality') or part.get('type') or 'part'}]"
    return content if isinstance(content, str) else orjson.dumps(content).decode()


def _word(value: Json) -> str | None:
    """Text or number as text; nothing else is a name or an id."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def moment(value: Json) -> datetime | None:
    """Time of a message: ISO 8601, UTC where it names no zone, or seconds since 1970."""
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
