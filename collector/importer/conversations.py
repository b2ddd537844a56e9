"""One line of a file of conversations to one span in the newest GenAI form, plus outcome events."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from collector import semconv
from collector.errors import ImportRefused
from collector.importer.events import SCOPE, flat_row, nanoseconds, word
from collector.otlp import Row
from collector.records import UNKNOWN_AGENT, Json
from collector.redaction import Redactor

_KNOWN = frozenset(
    {"id", "agent", "version", "variant", "user_id", "start_time", "messages", "outcome", "events"}
)
_LABELS = "labels"
"""Ground truth of a data set: a production system does not have it, so it is never stored."""
_MESSAGE_KEYS = frozenset({"role", "content", "tool_calls", "tool_call_id", "error", "timestamp"})


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedConversation:
    """One line, checked."""

    id: str
    agent: str
    line: Mapping[str, Json]
    messages: tuple[Mapping[str, Json], ...]
    """In the GenAI form `{role, parts, …}`."""
    start_ns: int | None
    """First time known, of messages or of the line."""
    end_ns: int | None

    @property
    def key(self) -> tuple[str, str]:
        return (self.agent, self.id)

    @classmethod
    def of(cls, line: Mapping[str, Json], *, agent: str | None = None) -> ImportedConversation:
        """Check a line; `agent` is whose it is where it names none.

        Raises:
            ImportRefused: it has no id, a message without a role, or a time that cannot be read.
        """
        messages = line["messages"]
        if not isinstance(messages, list):
            raise ImportRefused("messages must be a list")
        times: list[int] = []
        for number, message in enumerate(messages):
            if not isinstance(message, dict) or not isinstance(message.get("role"), str):
                raise ImportRefused(f"message {number} must be an object with a role")
            at_ns = nanoseconds(message.get("timestamp"), f"timestamp of message {number}")
            if at_ns is not None:
                times.append(at_ns)
        start_ns = nanoseconds(line.get("start_time"), "start_time")
        return cls(
            id=word(line, "id") or _no_id(),
            agent=word(line, "agent") or agent or UNKNOWN_AGENT,
            line=line,
            messages=tuple(_element(message) for message in messages if isinstance(message, dict)),
            start_ns=min(times, default=start_ns),
            end_ns=max(times, default=start_ns),
        )


def _no_id() -> str:
    raise ImportRefused("the conversation has no id; give each one its own under `id`")


def _element(message: Mapping[str, Any]) -> dict[str, Json]:
    """One message in the GenAI form; keys that are not known stay beside role and parts."""
    kept = {key: value for key, value in message.items() if key not in _MESSAGE_KEYS}
    if message.get("timestamp") is not None:
        kept["timestamp"] = message["timestamp"]
    if isinstance(message.get("parts"), list) and message.get("content") is None:
        return {**kept, "role": message["role"]}
    content = message.get("content")
    if message["role"] in ("tool", "function"):
        result = {
            "type": "tool_call_response",
            "id": message.get("tool_call_id"),
            "name": message.get("name"),
            "response": content,
            "error": message.get("error"),
        }
        return {**kept, "role": "tool", "parts": [_without_none(result)]}
    parts = [_part(part) for part in content] if isinstance(content, list) else []
    if content is not None and not isinstance(content, list):
        parts.append({"type": "text", "content": content})
    parts += [_tool_call(call) for call in message.get("tool_calls") or ()]
    return {**kept, "role": message["role"], "parts": parts}


def _part(part: Any) -> Json:
    """One block of a content list; those of the Messages API have tools of their own spelling."""
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "tool_use":
        call = {"id": part.get("id"), "name": part.get("name"), "arguments": part.get("input")}
        return {"type": "tool_call", **call}
    if kind == "tool_result":
        error = part.get("content") if part.get("is_error") else None
        response = {"id": part.get("tool_use_id"), "response": part.get("content"), "error": error}
        return {"type": "tool_call_response", **_without_none(response)}
    return part  # type: ignore[no-any-return]  # JSON, as the line had it


def _tool_call(call: Any) -> Json:
    """A tool call, flat or as chat completions nest it under `function`."""
    inner = call.get("function") if isinstance(call, dict) else None
    named = inner if isinstance(inner, dict) else call
    if not isinstance(named, dict) or not isinstance(named.get("name"), str):
        raise ImportRefused("a tool call must be an object with a name")
    return _without_none({"type": "tool_call", **named, "id": call.get("id")})


def _without_none(part: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in part.items() if value is not None}


# --- the span ------------------------------------------------------------------------------------


def request_of(conversations: Sequence[ImportedConversation], redactor: Redactor) -> dict[str, Any]:
    """One OTLP export request in JSON with one span for each conversation."""
    by_agent: dict[str, list[ImportedConversation]] = {}
    for conversation in conversations:
        by_agent.setdefault(conversation.agent, []).append(conversation)
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [_attribute(semconv.SERVICE_NAME, agent)]},
                "scopeSpans": [
                    {"scope": {"name": SCOPE}, "spans": [_span(c, redactor) for c in found]}
                ],
            }
            for agent, found in by_agent.items()
        ]
    }


def _span(conversation: ImportedConversation, redactor: Redactor) -> dict[str, Any]:
    """Ids are made from agent and id, so the same line gives the same span."""
    digest = _digest("span", conversation, redactor)
    return {
        "traceId": digest[:32],
        "spanId": digest[32:48],
        "name": "chat",
        "kind": 1,
        "startTimeUnixNano": str(conversation.start_ns or 0),
        "endTimeUnixNano": str(conversation.end_ns or 0),
        "attributes": [_attribute(key, value) for key, value in _attributes(conversation)],
    }


def _digest(what: str, conversation: ImportedConversation, redactor: Redactor) -> str:
    """Hash of agent and id, with the store's key: an id that is a telephone number is soon
    guessed."""
    named = orjson.dumps([what, conversation.agent, conversation.id])
    return hmac.new(redactor.key, named, hashlib.sha256).hexdigest()


def _attributes(conversation: ImportedConversation) -> Iterator[tuple[str, Any]]:
    messages = conversation.messages
    answered = messages[-1:] if messages and messages[-1]["role"] == "assistant" else ()
    line = conversation.line
    yield semconv.OPERATION, "chat"
    yield semconv.CONVERSATION_ID, conversation.id
    yield semconv.AGENT_NAME, conversation.agent
    yield semconv.TRANSCRIPT, True
    for key, name in (
        (semconv.AGENT_VERSION, "version"),
        (semconv.FLAG_VARIANTS[0], "variant"),
        (semconv.USER_IDS[0], "user_id"),
    ):
        if text := word(line, name):
            yield key, text
    yield semconv.INPUT_MESSAGES, _text(messages[: len(messages) - len(answered)])
    yield semconv.OUTPUT_MESSAGES, _text(answered)
    for key, value in line.items():
        if key.startswith("segment.") and isinstance(value, str | int):
            yield f"{semconv.DEBRIEF}{key}", str(value)
        elif key not in _KNOWN and key != _LABELS and value is not None:
            yield f"{semconv.IMPORTED}{key}", _text(value)


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()


def _attribute(key: str, value: str | bool) -> dict[str, Any]:
    kind = "boolValue" if isinstance(value, bool) else "stringValue"
    return {"key": key, "value": {kind: value}}


# --- what came of it -----------------------------------------------------------------------------


def results_of(
    conversation: ImportedConversation, redactor: Redactor, *, received_ns: int
) -> Iterable[Row]:
    """Rows, not yet redacted, of the outcomes and events that a line carries."""
    line = conversation.line
    tie = _without_none(
        {
            "conversation_id": conversation.id,
            "agent": conversation.agent,
            "user_id": line.get("user_id"),
        }
    )
    for key, outcome in _outcomes(line.get("outcome")):
        event = {
            "event": semconv.OUTCOME_EVENT,
            semconv.EVENT_ID: _digest(f"outcome {key}", conversation, redactor),
            **tie,
            **outcome,
        }
        yield flat_row(event, received_ns=received_ns) | {"at_ns": conversation.end_ns}
    events = line.get("events")
    for own in events if isinstance(events, list) else ():
        if not isinstance(own, dict):
            raise ImportRefused("each of events must be an object")
        yield flat_row({**tie, **own}, received_ns=received_ns)


def _outcomes(recorded: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    """Each boolean that is true is an outcome; `success` also says failure, as false or 0.

    Numbers and texts beside them are kept as attributes of `success` or `failure`.
    """
    if not isinstance(recorded, dict):
        return
    # With their full names, so that none is taken for a key of the event itself.
    details = {
        f"{semconv.OUTCOME_EVENT}.{key}": value
        for key, value in recorded.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool) and key != "success"
    }
    for key, value in recorded.items():
        if key == "success" and isinstance(value, bool | int | float) and value in (0, 1):
            yield key, {**details, "name": "success" if value else "failure"}
        elif value is True:
            yield key, {"name": key}
