"""What one conversation shows of where the fault may lie: kinds and places, no text.

Finer than signals: which tool failed, and how. Takes a conversation with its signals; costs
microseconds for one in which nothing happened.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from bot.records import Signal
from bot.signals.answers import HANDS_OVER
from collector.records import CallError, Conversation, Message

SLOW = timedelta(seconds=60)
"""A person who waits longer for an answer has looked away."""
MAX_NAME = 60


class Trait(NamedTuple):
    """Something that points at a cause. A named tuple: there are millions of them."""

    kind: str
    """A key of `bot.causes.rules.CAUSES`."""
    detail: str
    """The tool's name, or empty. Outside text, one line of at most 60 characters."""
    message_index: int


_OF_SIGNALS = {
    "tool_loop": "tool_loop",
    "empty_answer": "empty_answer",
    "cut_off_answer": "cut_off",
    "broken_format": "broken_format",
    "repeated_clarification": "asks_again",
    "promise_without_action": "promise",
    "refusal": "refusal",
}
"""Signals that point at a cause as they are."""
_FAILURES = (
    (
        "tool_unavailable",
        r"time[d]?[ _-]?out|\b50[0234]\b|\b429\b|rate.?limit|too many requests|unavailable"
        r"|connection|network|econn|temporar|overload|throttl|internal server error",
    ),
    (
        "tool_denied",
        r"\b40[13]\b|unauthori[sz]ed|forbidden|permission|access denied|not allowed"
        r"|api.?key|credential|expired token",
    ),
    (
        "tool_unknown",
        r"(?:unknown|no such|undefined|invalid) (?:tool|function)|tool .{0,60}not (?:found|exist)",
    ),
    (
        "tool_arguments",
        r"argument|parameter|missing|required|invalid|validation|schema|must be|expected"
        r"|type ?error|key ?error|malformed|parse|format|cannot be (?:empty|null)",
    ),
    (
        "tool_not_found",
        r"not (?:been )?found|no such|does(?:n't| not) exist|unknown|\b404\b"
        r"|no (?:record|match|result)",
    ),
)
"""How a tool failed, by the words of its error; the first that matches."""
_FAILURE = tuple((kind, re.compile(pattern, re.I)) for kind, pattern in _FAILURES)
_LOOKS_UP = re.compile(r"search|find|look_?up|retriev|query|fetch|knowledge|docs?\b|faq|list", re.I)
_TOO_LONG = re.compile(r"context|too long|too many tokens|maximum.{0,20}tokens|token limit", re.I)


def traits_of(conversation: Conversation, signals: Iterable[Signal]) -> tuple[Trait, ...]:
    """All traits of one conversation, each (kind, detail) once, where it is first seen."""
    messages = conversation.messages
    found: dict[tuple[str, str], Trait] = {}
    for trait in (
        *_of_signals(signals, messages),
        *_of_errors(conversation.errors, len(messages)),
        *_of_lookups(messages),
        *_of_waiting(messages),
    ):
        found.setdefault(trait[:2], trait)
    return tuple(found.values())


def _of_signals(signals: Iterable[Signal], messages: Sequence[Message]) -> Iterator[Trait]:
    wants_person: int | None = None
    for signal in signals:
        at = signal.message_index
        if signal.kind in _OF_SIGNALS:
            yield Trait(_OF_SIGNALS[signal.kind], "", at)
        elif signal.kind == "tool_error" and at < len(messages):
            message = messages[at]
            yield Trait(how_it_failed(message), _name(message.name), at)
        elif signal.kind == "escalation_request" and wants_person is None:
            by_user = at < len(messages) and messages[at].role == "user"
            wants_person = at if by_user else None
    handed = next((at for at, one in enumerate(messages) if _hands_over(one)), None)
    if handed is not None:
        yield Trait("handed_over", "", handed)
    elif wants_person is not None:
        yield Trait("person_not_reached", "", wants_person)
    for at, message in enumerate(messages):
        if message.finish_reason == "content_filter":
            yield Trait("content_filter", "", at)


def how_it_failed(message: Message) -> str:
    """Kind of a tool's failure by what the tool said of it: `tool_failed` where that is nothing."""
    said = message.error or message.text or ""
    if message.result is not None:
        value = message.result
        said += " " + (value if isinstance(value, str) else json.dumps(value, default=str))
    said = said[:400]
    return next((kind for kind, words in _FAILURE if words.search(said)), "tool_failed")


def _hands_over(message: Message) -> bool:
    return any(HANDS_OVER.search(call.name) for call in message.tool_calls)


def _of_errors(errors: Iterable[CallError], at: int) -> Iterator[Trait]:
    for error in errors:
        last = max(0, at - 1)
        if error.http_status in (400, 413) and _TOO_LONG.search(error.message[:400]):
            yield Trait("context_too_long", "", last)
        else:
            yield Trait("call_timeout" if error.kind == "timeout" else "call_failed", "", last)


def _of_lookups(messages: Sequence[Message]) -> Iterator[Trait]:
    """Searches that found nothing: an empty list, an empty object, an empty text."""
    for at, message in enumerate(messages):
        if message.role != "tool" or message.error or not message.name:
            continue
        value = message.result if message.result is not None else message.text
        if isinstance(value, dict) and len(value) <= 3:
            lists = [one for one in value.values() if isinstance(one, list)]
            value = lists[0] if len(lists) == 1 else value
        is_nothing = value in ([], {}, "", "[]", "{}", "null", "None", None)
        if is_nothing and _LOOKS_UP.search(message.name):
            yield Trait("empty_lookup", _name(message.name), at)


def _of_waiting(messages: Sequence[Message]) -> Iterator[Trait]:
    asked = None
    for at, message in enumerate(messages):
        if message.role == "user":
            asked = message.at
        elif message.role == "assistant" and message.text:
            if asked is not None and message.at is not None and message.at - asked >= SLOW:
                yield Trait("slow_answer", "", at)
            asked = None


def _name(name: str | None) -> str:
    """One copy of each name, however many conversations have it."""
    return sys.intern(" ".join((name or "").split())[:MAX_NAME])
