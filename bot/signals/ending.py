"""How a conversation ends: left by its user, or on a promise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from bot.records import Signal
from bot.signals.answers import HANDS_OVER, tool_failure
from bot.signals.phrases import LEFT_TO_OTHERS, OFFERS_MORE, PROMISES, WANTS_A_PERSON
from bot.signals.words import (
    ENDS_ITSELF,
    MARKUP_ONLY,
    QUESTION_MARKS,
    SEARCHED_CHARS,
    asks,
    searched,
    takes_leave,
)
from collector.records import Conversation, Message

QUICK = timedelta(seconds=30)
"""A user who leaves sooner than this after the first message did not even try."""
OPEN = timedelta(minutes=30)
"""Somebody who spoke less than this ago may still be there."""
_REVIEWS = frozenset({"debrief.review", "debrief.correction"})
_LAST_SENTENCES_CHARS = 300


def of_the_end(conversation: Conversation, now: datetime | None) -> Iterator[Signal]:
    """Abandonment and empty promises, only where the transcript proves them.

    A conversation that may still go on at `now` has no end yet.
    """
    messages = conversation.messages
    if now is not None and conversation.ended_at and now - conversation.ended_at < OPEN:
        return
    if not messages or any(HANDS_OVER.search(c.name) for m in messages for c in m.tool_calls):
        return
    last = len(messages) - 1
    if messages[last].role == "tool" or (messages[last].tool_calls and not messages[last].text):
        evidence = "the agent's last word was a call of a tool"
        yield Signal(kind="empty_answer", message_index=last, evidence=evidence)
    if why := _loose_end(conversation, messages[last]):
        yield Signal(kind="abandonment", message_index=last, evidence=why)
        if (lasted := _lasted(messages)) is not None and lasted < QUICK:
            evidence = f"left {lasted.total_seconds():.0f} s after the first message"
            yield Signal(kind="quick_abandonment", message_index=last, evidence=evidence)
    elif _only_promises(conversation):
        evidence = "the last answer says what it is about to do, and nothing follows"
        yield Signal(kind="promise_without_action", message_index=last, evidence=evidence)


def _lasted(messages: Sequence[Message]) -> timedelta | None:
    times = [message.at for message in messages if message.at is not None]
    return max(times) - min(times) if len(times) > 1 else None


def _only_promises(conversation: Conversation) -> bool:
    last = conversation.messages[-1]
    if last.role != "assistant" or last.tool_calls or _was_reviewed(conversation):
        return False
    end = searched((last.text or "")[-_LAST_SENTENCES_CHARS:])
    if any(mark in end for mark in QUESTION_MARKS) or not PROMISES.search(end):
        return False
    return not LEFT_TO_OTHERS.search(end)


def _was_reviewed(conversation: Conversation) -> bool:
    return any(event.name in _REVIEWS for event in conversation.events)


def _loose_end(conversation: Conversation, last: Message) -> str | None:
    if last.role == "user":
        text = (last.text or "")[-SEARCHED_CHARS:]
        if not text or MARKUP_ONLY.fullmatch(text) or ENDS_ITSELF.search(text):
            return None
        if takes_leave(text) or WANTS_A_PERSON.search(text):
            return None  # a person may have gone on where this transcript ends
        failed = "; the model call failed" if conversation.errors else ""
        return f"the conversation ends on a user turn that got no answer{failed}"
    if last.role == "tool":
        failed = "a failed tool" if tool_failure(last) else "a tool result"
        return f"the conversation ends on {failed} without an answer"
    text = (last.text or "").rstrip(" *_\"'\n)")
    if last.tool_calls and not text:
        return "the conversation ends on a tool call"
    if _was_reviewed(conversation):
        return None  # a draft for a reviewer may end with a question to its reader
    if asks(text) and not OFFERS_MORE.search(text[-120:]):
        said = [message for message in conversation.messages if message.role == "user"]
        if said and not takes_leave(said[-1].text or ""):
            return "the assistant's last question got no answer"
    return None
