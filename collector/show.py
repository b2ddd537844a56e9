"""A conversation as the commands `show` and `conversations` print it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from collector.records import Conversation, Message


def conversation_json(
    conversation: Conversation,
    *,
    signals: Sequence[Any] = (),
    outcomes: Sequence[Any] = (),
    intents: Sequence[Any] = (),
) -> dict[str, Any]:
    """The document of `debrief show --json`: times are ISO 8601 in UTC, null where not known.

    Keys of a message that say nothing are left out. What other stages found is put in as it comes.
    """
    return {
        "conversation_id": conversation.conversation_id,
        "agent": conversation.agent,
        "version": conversation.version,
        "variant": conversation.variant,
        "user_id": conversation.user_id,
        "started_at": _time(conversation.started_at),
        "ended_at": _time(conversation.ended_at),
        "system": conversation.system,
        "tools": [asdict(tool) for tool in conversation.tool_definitions],
        "messages": [_message_json(message) for message in conversation.messages],
        "errors": [
            {"kind": error.kind, "http_status": error.http_status, "message": error.message}
            for error in conversation.errors
        ],
        "usage": asdict(conversation.usage),
        "models": list(conversation.models),
        "segments": dict(conversation.segments),
        "completeness": asdict(conversation.completeness),
        "signals": list(signals),
        "outcomes": list(outcomes),
        "intents": list(intents),
        "events": [
            {
                "id": event.id,
                "name": event.name,
                "at": _time(event.at),
                "user_id": event.user_id,
                "attributes": dict(event.attributes),
            }
            for event in conversation.events
        ],
        "dialects": list(conversation.dialects),
    }


def conversation_row(conversation: Conversation) -> dict[str, Any]:
    """One entry of `debrief conversations --json`."""
    return {
        "conversation_id": conversation.conversation_id,
        "agent": conversation.agent,
        "version": conversation.version,
        "variant": conversation.variant,
        "user_id": conversation.user_id,
        "started_at": _time(conversation.started_at),
        "ended_at": _time(conversation.ended_at),
        "turns": conversation.turns,
        "messages": len(conversation.messages),
        "errors": len(conversation.errors),
    }


def _message_json(message: Message) -> dict[str, Any]:
    shown: dict[str, Any] = {"role": message.role, "text": message.text}
    if message.tool_calls:
        shown["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        # A result of null is a result: the tool gave nothing.
        shown["result"] = message.result
    for key in ("tool_call_id", "name", "error", "agent", "finish_reason", "parent_tool_call_id"):
        shown[key] = getattr(message, key)
    shown["at"] = _time(message.at)
    return {key: value for key, value in shown.items() if value is not None or key == "result"}


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
