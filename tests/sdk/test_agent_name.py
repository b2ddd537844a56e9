"""The name given to `debrief.init` is the conversation's agent, whatever a framework calls it."""

from __future__ import annotations

from tests.collector.conversations import (
    a_chat,
    an_agent,
    assistant,
    the_conversation,
    user,
)

NAMED = {"debrief.agent": "support-agent"}


def test_the_applications_name_stands_before_the_frameworks() -> None:
    spans = [
        an_agent("agent", attributes=NAMED, span="run", end_s=3),
        a_chat([user("Hi")], assistant("Hello"), more=NAMED, span="chat", parent="run"),
    ]

    conversation = the_conversation(spans)

    assert conversation.agent == "support-agent"
    assert [message.agent for message in conversation.messages] == [None, None]
