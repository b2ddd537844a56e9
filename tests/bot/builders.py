"""Values with defaults for the bot's tests: name the one fact that matters, leave the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from bot.records import FACTS_SCHEMA, Correction, Decision, Interval, Pattern, short_hash
from collector.records import Completeness, Conversation, Event, Json, Message, ToolCall

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
COMPLETE = Completeness(text=True, system=True, tool_results=True, times=True)


def user(text: str, **changes: Any) -> Message:
    return Message(role="user", text=text, **changes)


def assistant(text: str | None, **changes: Any) -> Message:
    return Message(
        role="assistant", text=text, finish_reason=changes.pop("finish", "stop"), **changes
    )


def calls(name: str, arguments: Json = None, *, id: str = "call_1") -> Message:
    """The assistant calls one tool."""
    call = ToolCall(id=id, name=name, arguments=arguments if arguments is not None else {})
    return Message(role="assistant", tool_calls=(call,), finish_reason="tool_calls")


def returns(
    result: Json, *, name: str = "tool", id: str = "call_1", error: str | None = None
) -> Message:
    """The tool answers."""
    return Message(role="tool", name=name, tool_call_id=id, result=result, error=error)


def a_conversation(
    *messages: Message, conversation_id: str = "c-1", agent: str = "support", **changes: Any
) -> Conversation:
    """A short conversation that went well, unless `messages` say otherwise."""
    values: dict[str, Any] = {
        "messages": messages
        or (user("Where is my order L-12345?"), assistant("Order L-12345 arrives on Monday.")),
        "completeness": COMPLETE,
        "started_at": NOW - timedelta(days=3),
        "ended_at": NOW - timedelta(days=3) + timedelta(minutes=2),
    }
    return Conversation(conversation_id=conversation_id, agent=agent, **{**values, **changes})


def an_event(name: str, /, **changes: Any) -> Event:
    """One event; keyword `attributes` has the keys as a store reader gives them."""
    attributes: Mapping[str, Json] = changes.pop("attributes", {})
    values: dict[str, Any] = {
        "at": NOW - timedelta(days=3),
        "agent": "support",
        "conversation_id": "c-1",
        "user_id": None,
    }
    values = {**values, **changes}
    made = short_hash(name, dict(attributes), {key: str(value) for key, value in values.items()})
    values.setdefault("id", f"e-{made}")
    return Event(name=name, attributes=attributes, **values)


def a_correction(number: int = 1, **changes: Any) -> Correction:
    """Reviewer r-1 removed the opening line of a mail to a C-level contact."""
    values: dict[str, Any] = {
        "id": f"k-{number}",
        "agent": "outreach",
        "conversation_id": f"c-{number}",
        "reviewer_id": "r-1",
        "types": ("opening_removed", "shortened"),
        "type_source": "edit",
        "segments": {"contact_level": "c_level"},
        "original": f"I hope mail {number} finds you well.\n\nWe sell lamps. Shall we talk?",
        "corrected": "We sell lamps. Shall we talk?",
        "note": None,
        "at": NOW - timedelta(days=20) + timedelta(hours=number),
    }
    return Correction(**{**values, **changes})


def a_decision(number: int = 1, **changes: Any) -> Decision:
    """An order was flagged at 0.55 over the threshold 0.50, and a reviewer dismissed it."""
    values: dict[str, Any] = {
        "id": f"d-{number}",
        "agent": "fraud-desk",
        "conversation_id": None,
        "user_id": f"u-{number}",
        "at": NOW - timedelta(days=20) + timedelta(hours=number),
        "action": "flag",
        "confidence": 0.55,
        "threshold_name": "fraud.flag",
        "threshold_value": 0.5,
        "input_hash": f"hash-{number}",
        "response": "dismiss",
    }
    return Decision(**{**values, **changes})


def a_fact(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One row for `facts`: conversation c-NUMBER of user u-NUMBER, which succeeded."""
    values: dict[str, Any] = {
        "agent": "support",
        "conversation_id": f"c-{number}",
        "unit": f"u-{number}",
        "has_user": True,
        "version": None,
        "variant": None,
        "started_at": NOW - timedelta(days=20) + timedelta(minutes=number),
        "ended_at": NOW - timedelta(days=20) + timedelta(minutes=number + 2),
        "turns": 2,
        "has_text": True,
        "signals": [],
        "outcomes": ["success"],
        "good": ["success"],
        "bad": [],
        "inferred": [],
        "intents": [],
        "segments": [],
    }
    if changes.pop("failed", False):
        values.update(outcomes=["failure"], good=[], bad=["failure"])
    return {**values, **changes}


def facts(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The table that `find_patterns` takes; `segments` may be a mapping."""
    listed = [{**row, "segments": sorted(dict(row["segments"]).items())} for row in rows]
    return pa.Table.from_pylist(listed, schema=FACTS_SCHEMA)


def a_pattern(**changes: Any) -> Pattern:
    """61 of 143 users who want to cancel fail, others in 24 %."""
    values: dict[str, Any] = {
        "id": "pt-1",
        "kind": "outcome",
        "agent": "support",
        "outcome": "failure",
        "unit": "user",
        "rate": 61 / 143,
        "rate_interval": Interval(low=0.348, high=0.509),
        "users": 143,
        "conversations": 150,
        "evidence": tuple(f"c-{number}" for number in range(61)),
        "evidence_users": 61,
        "top_user_share": 1 / 61,
        "intent_id": "i-cancel",
        "intent_name": "Cancel an order",
        "baseline_rate": 0.24,
        "risk_difference": 61 / 143 - 0.24,
        "interval": Interval(low=0.09, high=0.28),
        "risk_ratio": 1.78,
        "risk_ratio_interval": Interval(low=1.36, high=2.32),
        "q_value": 0.001,
    }
    return Pattern(**{**values, **changes})
