"""Builders of stored rows: one fact in sight, everything else by default."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from collector.assemble import assemble
from collector.records import Conversation
from collector.redaction import Redactor

SECOND = 1_000_000_000
START_NS = 1_790_000_000 * SECOND
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
REDACTOR = Redactor(key=b"k" * 32, personal=True)
OPEN_BOOK = Redactor(key=b"k" * 32, personal=False)
"""Leaves ids and personal data as they are, for comparing with what was sent."""


def user(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "user", "parts": [{"type": "text", "content": text}], **more}


def assistant(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "parts": [{"type": "text", "content": text}], **more}


def asks_tool(name: str = "lookup", arguments: Any = None, id: str | None = "call_1") -> Any:
    part = {"type": "tool_call", "id": id, "name": name, "arguments": arguments or {"q": 1}}
    return {"role": "assistant", "parts": [part]}


def tool_result(result: Any = "found", id: str | None = "call_1", **part: Any) -> Any:
    answer = {"type": "tool_call_response", "id": id, "response": result, **part}
    return {"role": "tool", "parts": [answer]}


def a_span(
    attributes: Mapping[str, Any] | None = None,
    *,
    trace: str = "t1",
    span: str = "s1",
    parent: str | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
    **columns: Any,
) -> dict[str, Any]:
    """One row of `spans`; `trace` and `span` are any words, times are seconds after START_NS."""
    sent = dict(attributes or {})
    end_s = start_s + 1 if end_s is None else end_s
    row = {
        "trace_id": _hex(trace, 32),
        "span_id": _hex(f"{trace} {span}", 16),
        "parent_span_id": _hex(f"{trace} {parent}", 16) if parent else None,
        "name": "span",
        "kind": 1,
        "status": 0,
        "status_message": None,
        "start_ns": START_NS + int(start_s * SECOND),
        "end_ns": START_NS + int(end_s * SECOND),
        "received_ns": START_NS + int(end_s * SECOND) + SECOND,
        "scope": "opentelemetry.instrumentation.genai.openai",
        "scope_version": "1",
        "service": "shop",
        "conversation_id": sent.get("gen_ai.conversation.id"),
        "user_id": sent.get("user.id"),
        "attributes": list(sent.items()),
        "events": None,
        "resource": [("service.version", "1.0")],
        "dropped_attributes": 0,
        "schema_version": 1,
    }
    return row | columns


def as_stored(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as the store keeps it: strings in one map, the JSON text of all else in another."""
    stored = dict(row)
    for name in ("attributes", "resource"):
        pairs = list(dict(row[name]).items())
        stored[name] = [(key, value) for key, value in pairs if isinstance(value, str)]
        stored[f"{name}_json"] = [
            (key, json.dumps(value)) for key, value in pairs if not isinstance(value, str)
        ]
    return stored


def a_chat(
    said: Sequence[Any],
    answer: Any | None = None,
    *,
    conversation: str | None = None,
    user_id: str | None = None,
    system: str | None = "You sell lamps.",
    more: Mapping[str, Any] | None = None,
    **span: Any,
) -> dict[str, Any]:
    """One inference span in the newest GenAI form."""
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m-1",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.input.messages": json.dumps(said),
    }
    if answer is not None:
        attributes["gen_ai.output.messages"] = json.dumps([answer])
    if system is not None:
        attributes["gen_ai.system_instructions"] = json.dumps([{"type": "text", "content": system}])
    if conversation is not None:
        attributes["gen_ai.conversation.id"] = conversation
    if user_id is not None:
        attributes["user.id"] = user_id
    return a_span({**attributes, **(more or {})}, **span)


def an_agent(name: str = "seller", **more: Any) -> dict[str, Any]:
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
    return a_span(attributes | more.pop("attributes", {}), **more)


def a_tool(name: str = "lookup", call_id: str | None = "call_1", **more: Any) -> dict[str, Any]:
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}
    if call_id is not None:
        attributes["gen_ai.tool.call.id"] = call_id
    return a_span(attributes | more.pop("attributes", {}), **more)


def failed(row: Mapping[str, Any], message: str = "Error code: 429 - slow down") -> dict[str, Any]:
    error = ("error.type", "openai.RateLimitError")
    attributes = [*row["attributes"], error]
    return {**row, "status": 2, "status_message": message, "attributes": attributes}


def an_event(
    name: str = "debrief.outcome", *, at_s: float | None = 5.0, event: str = "e1", **columns: Any
) -> dict[str, Any]:
    """One row of `events`."""
    attributes = columns.pop("attributes", {"debrief.outcome.name": "resolved"})
    row = {
        "event_id": event,
        "name": name,
        "at_ns": None if at_s is None else START_NS + int(at_s * SECOND),
        "received_ns": START_NS,
        "scope": None,
        "service": "shop",
        "conversation_id": None,
        "user_id": None,
        "trace_id": None,
        "span_id": None,
        "response_id": None,
        "body": None,
        "attributes": list(attributes.items()),
        "resource": [],
        "schema_version": 1,
    }
    return row | columns


def _hex(word: str, length: int) -> str:
    return hashlib.sha256(word.encode()).hexdigest()[:length]


def trace_id(word: str) -> str:
    return _hex(word, 32)


def conversations_of(
    spans: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]] = ()
) -> list[Conversation]:
    """Assemble and demand that everything was readable."""
    found = list(assemble(spans, events))
    readable = [each for each in found if isinstance(each, Conversation)]
    assert readable == found
    return readable


def the_conversation(
    spans: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]] = ()
) -> Conversation:
    """Assemble what must be exactly one conversation."""
    (conversation,) = conversations_of(spans, events)
    return conversation


def texts(conversation: Conversation) -> list[tuple[str, str | None]]:
    """Role and text of every message: what a person would read."""
    return [(message.role, message.text) for message in conversation.messages]
