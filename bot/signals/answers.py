"""What the agent's side shows: tools that fail or loop, answers that cannot be used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from bot.records import Signal
from bot.signals.malformed import broken, wrapped
from bot.signals.phrases import OFFERS_MORE, PROMISES, REFUSES
from bot.signals.turns import SIMILAR, listed, similarity, turn_of
from bot.signals.words import asks
from collector.records import Message, ToolCall

LOOPS = 3
"""So many calls of one tool with equal arguments are a loop."""
SAME_ANSWERS = 3
"""So many equal answers, and different words of the user in between, lead nowhere."""
ASKED_QUESTIONS = 20
"""Newest questions of the agent that are compared with one another."""

HANDS_OVER = re.compile(
    r"(?:transfer|escalate|hand_?(?:off|over)|forward|connect)\w*_(?:human|agent|person|support"
    r"|clinician|operator|supervisor|representative|staff)|^escalate$|human_handoff",
    re.I,
)
_ERROR_TEXT = re.compile(
    r"\s*(?:#[^\n]{0,40}=\s*)?[\"']?(?:error|exception|traceback|failed)\b", re.I
)
_BEGINNING_CHARS = 300


def of_tools(messages: Sequence[Message]) -> Iterator[Signal]:
    """Failures, loops, and calls that hand over to a person."""
    asked: dict[str, list[tuple[int, ToolCall]]] = {}
    for index, message in enumerate(messages):
        for call in message.tool_calls:
            asked.setdefault(call.name, []).append((index, call))
            if HANDS_OVER.search(call.name):
                evidence = "a tool that hands over to a person was called"
                yield Signal(kind="escalation_request", message_index=index, evidence=evidence)
        if message.role == "tool" and (why := tool_failure(message)):
            yield Signal(kind="tool_error", message_index=index, evidence=why)
    for calls in asked.values():
        if len(calls) >= LOOPS:
            yield from _loops(calls)


def _loops(calls: Sequence[tuple[int, ToolCall]]) -> Iterator[Signal]:
    """Calls of one tool that say the same again and again."""
    alike: dict[str, list[int]] = {}
    for index, call in calls:
        arguments = json.dumps(call.arguments, sort_keys=True, default=str)
        alike.setdefault(arguments, []).append(index)
    for indexes in alike.values():
        if len(indexes) >= LOOPS:
            evidence = (
                f"one tool called {len(indexes)} times with the same arguments: "
                f"messages {listed(indexes)}"
            )
            yield Signal(kind="tool_loop", message_index=indexes[-1], evidence=evidence)


def tool_failure(message: Message) -> str | None:
    """Why a tool's result is a failure; None where it is none."""
    if message.error:
        return "the tool reported an error"
    result = message.result if message.result is not None else message.text
    if isinstance(result, str) and _ERROR_TEXT.match(result):
        return "the tool's result begins with an error"
    if isinstance(result, dict):
        if result.get("error") or result.get("isError") or result.get("is_error"):
            return "the tool's result names an error"
        if str(result.get("status", "")).lower() in {"error", "failed", "failure"}:
            return "the tool's result has the status of an error"
    return None


def of_answers(messages: Sequence[Message]) -> Iterator[Signal]:
    """Answers that are empty, cut off, refused or came out broken."""
    yield from cut_off(messages)
    plain = any(message.role == "user" and not wrapped(message.text) for message in messages)
    for index, message in enumerate(messages):
        if message.role != "assistant":
            continue
        text = message.text or ""
        if not text.strip():
            if not message.tool_calls and message.finish_reason not in {"length", "tool_calls"}:
                evidence = "an answer without text and without a tool call"
                yield Signal(kind="empty_answer", message_index=index, evidence=evidence)
            continue
        if message.finish_reason == "content_filter":
            evidence = "a content filter stopped the answer"
            yield Signal(kind="refusal", message_index=index, evidence=evidence)
        elif REFUSES.match(text[:_BEGINNING_CHARS].replace("\u2019", "'")):
            evidence = "the answer begins by saying that it cannot be done"
            yield Signal(kind="refusal", message_index=index, evidence=evidence)
        if message.finish_reason != "length" and (why := broken(text, for_people=plain)):
            yield Signal(kind="broken_format", message_index=index, evidence=why)


def cut_off(messages: Sequence[Message]) -> Iterator[Signal]:
    """Answers that stopped at the token limit; needs no text."""
    for index, message in enumerate(messages):
        if message.role == "assistant" and message.finish_reason == "length":
            evidence = "the answer stopped at the token limit"
            yield Signal(kind="cut_off_answer", message_index=index, evidence=evidence)


def asked_again(messages: Sequence[Message]) -> Iterator[Signal]:
    """Questions that the agent asks again although the user has answered."""
    asked = [
        turn_of(index, message.text)
        for index, message in enumerate(messages)
        if message.role == "assistant"
        and message.text
        and asks(message.text)
        and not OFFERS_MORE.search(message.text[-120:])
    ][-ASKED_QUESTIONS:]
    for at, turn in enumerate(asked):
        if turn.is_short:
            continue
        for earlier in reversed(asked[:at]):
            between = messages[earlier.index + 1 : turn.index]
            if similarity(turn, earlier) > SIMILAR and _only_words(between):
                evidence = f"asks again what message {earlier.index} asked; the user had answered"
                yield Signal(
                    kind="repeated_clarification", message_index=turn.index, evidence=evidence
                )
                break


def says_the_same(messages: Sequence[Message]) -> Iterator[Signal]:
    """An agent that gives one answer over and over, whatever the user says; also a placeholder."""
    given: dict[str, list[int]] = {}
    for index, message in enumerate(messages):
        if message.role == "assistant" and message.text and not message.tool_calls:
            given.setdefault(message.text, []).append(index)
    for text, indexes in given.items():
        if len(indexes) < SAME_ANSWERS or asks(text):
            continue
        if OFFERS_MORE.search(text[-120:]) or PROMISES.search(text[-120:]):
            continue
        said = {
            one.text
            for start, end in pairwise(indexes)
            for one in messages[start + 1 : end]
            if one.role == "user"
        }
        if len(said) >= SAME_ANSWERS - 1:  # Who asks the same may well be told the same.
            evidence = f"gives the same answer {len(indexes)} times: messages {listed(indexes)}"
            yield Signal(
                kind="repeated_clarification", message_index=indexes[-1], evidence=evidence
            )


def _only_words(between: Sequence[Message]) -> bool:
    """The user said something and no tool ran: after one, the same question may be a new one."""
    return any(message.role == "user" and message.text for message in between) and not any(
        message.role == "tool" or message.tool_calls for message in between
    )
