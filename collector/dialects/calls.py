"""What every dialect is translated into: model calls and tool runs, free of any dialect."""

from __future__ import annotations

import re
from dataclasses import dataclass

from collector import semconv
from collector.dialects.spans import Span
from collector.records import CallError, Json, Message, Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request to a model and its answer. Tool calls without an id have the id ``."""

    span_id: str
    start_ns: int = 0
    """0 where the sender gave no time."""
    end_ns: int = 0
    input: tuple[Message, ...] = ()
    """As sent, mostly with the whole history; system messages taken out."""
    output: tuple[Message, ...] = ()
    system: str | None = None
    model: str | None = None
    response_id: str | None = None
    usage: Usage | None = None
    error: CallError | None = None
    truncated: bool = False
    is_transcript: bool = False
    """A whole conversation in one span: start and end say nothing about single messages."""
    previous_response_id: str | None = None
    """The response that this call continues; its history is then not in `input`."""
    is_elsewhere: bool = False
    """The sender put the messages into a file of its own and sent the address."""

    @property
    def has_content(self) -> bool:
        return bool(self.input or self.output)


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolRun:
    """One execution of a tool, as the agent's process saw it."""

    span_id: str
    name: str | None = None
    call_id: str | None = None
    arguments: Json = None
    result: Json = None
    error: str | None = None
    end_ns: int = 0


_FINISH = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "function_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "safety": "content_filter",
}


def finish_reason(word: Json) -> str | None:
    """Normalise a finish reason (`tool-calls`, `FinishReason.STOP`, `end_turn`); else keep the
    word."""
    if not isinstance(word, str) or not word:
        return None
    return _FINISH.get(word.rpartition(".")[2].lower().replace("-", "_"), word)


_STATUS = re.compile(r"(?:error code|status[_ ]code|http(?: status)?)\W{1,3}([45]\d\d)\b", re.I)
_CLASS_STATUS = {
    "badrequest": 400,
    "authentication": 401,
    "permissiondenied": 403,
    "notfounderror": 404,
    "ratelimit": 429,
    "throttl": 429,
    "toomanyrequests": 429,
    "rate_limit": 429,
    "rate limit": 429,
    "internalserver": 500,
    "overloaded": 529,
}
_PROVIDER = re.compile(r"api_?(?:status|connection|call|response)|provider|modelhttp", re.I)


def call_error(span: Span) -> CallError | None:
    """Say why a model call failed; None where it did not.

    The HTTP status comes from the attribute, else from the message ("Error code: 429 - …"), else
    from the class name (`openai.RateLimitError`), because most instrumentations send one of them
    only.
    """
    kind = span.text(semconv.ERROR_TYPE)
    if not span.failed and kind is None:
        return None
    message = str(span.row["status_message"] or "") or span.text(semconv.ERROR_MESSAGE) or ""
    for event in span.events():
        attributes = event.get("attributes")
        if event["name"] == semconv.EXCEPTION_EVENT and isinstance(attributes, dict):
            kind = kind or str(attributes.get(semconv.EXCEPTION_TYPE, ""))
            message = message or str(attributes.get(semconv.EXCEPTION_MESSAGE, ""))
    # LangChain's carries the whole stack trace: paths of the agent's machine, twice.
    message = message.partition("Traceback (most recent call last)")[0].strip() or message[:200]
    kind = kind or ""
    status = span.count(semconv.HTTP_STATUS)
    if status is None and kind.isascii() and kind.isdigit():
        status = int(kind)
    if status is None and (found := _STATUS.search(message)):
        status = int(found[1])
    lowered = f"{kind} {message[:100]}".lower()
    if status is None:
        # A module that is not installed is nothing that a provider could not find.
        named = (
            code
            for name, code in _CLASS_STATUS.items()
            if name in lowered.replace("modulenotfounderror", "")
        )
        status = next(named, None)
    if "timeout" in lowered or "timed out" in lowered or status in (408, 504):
        family = "timeout"
    elif status is not None or _PROVIDER.search(kind):
        family = "provider"
    else:
        family = "other"
    return CallError(kind=family, message=message or kind, http_status=status)


def tool_error(span: Span) -> str | None:
    """Say why a tool failed; None where it did not."""
    error = call_error(span)
    return None if error is None else error.message or "the tool failed"


def usage(input_tokens: int | None, output_tokens: int | None) -> Usage | None:
    """Tokens of one call; None where the sender gave none."""
    if input_tokens is None and output_tokens is None:
        return None
    return Usage(input_tokens=input_tokens or 0, output_tokens=output_tokens or 0)
