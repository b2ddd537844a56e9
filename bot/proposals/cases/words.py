"""What the agent is given in a case: nothing, a paraphrase, or the user's own words.

A repository may be public and is read by models, so the words of strangers stay in the store unless
the team allows quotes. With a model a request is put in other words, and ours decide whether they
are other: no run of words that the user wrote, no number, link, code or instruction. What fails is
left to the store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from bot.proposals.cases.answers import Answer
from bot.proposals.cases.case import MAX_TEXT_CHARS, Turn
from bot.proposals.text_checks import lifted, new_placeholders
from bot.records import Ask, ModelCost, Skipped
from bot.rendering import render_prompt
from bot.unsafe_text import added_things
from collector.records import Message

MAX_TURNS = 12
MAX_PARAPHRASE_CHARS = 600
MIN_WRITERS = 2
"""A run of five words that a single user wrote is that user's."""
_NUMBER = re.compile(r"\d{3,}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """Where the words come from, and the words."""

    source: Literal["store", "quoted", "paraphrased"]
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenWords:
    """For each answer what the agent was given, in the order of the answers."""

    words: tuple[Given, ...]
    held_back: int
    """Quotes and paraphrases that may not stand in a repository."""
    cost: ModelCost


IN_STORE = Given(source="store")


def given_to(
    answers: Sequence[Answer], *, redact: Callable[[str], str], quotes: bool, ask: Ask | None
) -> GivenWords:
    """One `Given` for each answer. Costs a call each where a model paraphrases.

    Raises:
        DebriefError: what `ask` raises: the model's service or the key failed for good.
    """
    words: list[Given] = []
    held_back, cost = 0, ModelCost()
    for answer in answers:
        found: Given | None = IN_STORE
        if quotes:
            found = _quoted(answer, redact)
        elif ask is not None:
            found, spent = _paraphrased(answer, redact, ask)
            cost += spent
        held_back += found is None
        words.append(found or IN_STORE)
    return GivenWords(words=tuple(words), held_back=held_back, cost=cost)


def may_stand(text: str) -> bool:
    """No link, code, secret, hidden sign, placeholder or instruction to a model is in it."""
    is_safe = next(added_things("", text, is_said=True), None) is None
    return is_safe and not new_placeholders("", text)


def _quoted(answer: Answer, redact: Callable[[str], str]) -> Given | None:
    """The newest turns as they were, redacted; None where one may not stand in a repository."""
    spoken = [one for one in answer.given if one.text and one.role != "tool"][-MAX_TURNS:]
    turns = [_turn(one, redact) for one in spoken]
    if not turns or not all(may_stand(one.content) for one in turns):
        return None
    return Given(source="quoted", turns=tuple(turns))


def _turn(message: Message, redact: Callable[[str], str]) -> Turn:
    text = redact(message.text or "")[:MAX_TEXT_CHARS]
    return Turn(role="assistant" if message.role == "assistant" else "user", content=text)


def _paraphrased(
    answer: Answer, redact: Callable[[str], str], ask: Ask
) -> tuple[Given | None, ModelCost]:
    asked = redact(answer.asked)
    reply = ask(render_prompt("cases/paraphrase", conversation=asked[-MAX_TEXT_CHARS:]))
    if isinstance(reply, Skipped):
        return IN_STORE, ModelCost()
    request = cast("dict[str, Any]", reply.data)["request"].strip()
    if not request or is_copied(request, answer.asked):
        return None, reply.cost
    return Given(source="paraphrased", turns=(Turn(role="user", content=request),)), reply.cost


def is_copied(request: str, asked: str) -> bool:
    """Whether a paraphrase holds what only this user can have written, or what no file may hold."""
    too_long = len(request) > MAX_PARAPHRASE_CHARS
    numbers = set(_NUMBER.findall(request)) & set(_NUMBER.findall(asked))
    own = lifted("", request, [("the user", asked)], min_writers=MIN_WRITERS) is not None
    return too_long or bool(numbers) or own or not may_stand(request)
