"""The document that `debrief show --json` prints."""

from __future__ import annotations

import json

from collector.show import conversation_json, conversation_row
from tests.collector.conversations import (
    a_chat,
    an_event,
    asks_tool,
    assistant,
    failed,
    the_conversation,
    tool_result,
    user,
)

CONTRACT = {
    "conversation_id",
    "agent",
    "version",
    "variant",
    "user_id",
    "started_at",
    "ended_at",
    "system",
    "messages",
    "errors",
    "usage",
    "completeness",
    "signals",
    "outcomes",
    "intents",
}


def test_the_document_has_the_promised_keys_and_is_json() -> None:
    said = [user("hi"), asks_tool(), tool_result(None)]
    conversation = the_conversation(
        [a_chat(said, assistant("done"), conversation="c")], [an_event(conversation_id="c")]
    )

    shown = conversation_json(conversation, signals=[{"kind": "refusal"}])

    assert set(shown) >= CONTRACT
    assert json.loads(json.dumps(shown)) == shown
    assert shown["signals"] == [{"kind": "refusal"}]
    assert [message["role"] for message in shown["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    assert shown["messages"][0] == {"role": "user", "text": "hi"}
    assert shown["messages"][1]["tool_calls"] == [
        {"id": "call_1", "name": "lookup", "arguments": {"q": 1}}
    ]
    assert shown["messages"][2]["result"] is None


def test_times_that_are_not_known_are_null() -> None:
    row = a_chat([user("hi")], assistant("hello")) | {"start_ns": None, "end_ns": None}

    shown = conversation_json(the_conversation([row]))

    assert (shown["started_at"], shown["ended_at"]) == (None, None)
    assert "at" not in shown["messages"][0]


def test_errors_are_shown_with_kind_and_status() -> None:
    shown = conversation_json(the_conversation([failed(a_chat([user("hi")]))]))

    assert shown["errors"] == [
        {"kind": "provider", "http_status": 429, "message": "Error code: 429 - slow down"}
    ]


def test_a_row_of_the_list_counts_turns() -> None:
    row = conversation_row(
        the_conversation([a_chat([user("hi")], assistant("hello"), conversation="c")])
    )

    assert (row["conversation_id"], row["turns"], row["errors"]) == ("c", 1, 0)
    assert row["started_at"].endswith("+00:00")
