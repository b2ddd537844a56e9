"""What user turns show: the same asked again, an answer taken back, a person wanted."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.records import Signal, SignalKind
from bot.signals.words import (
    CORRECTS,
    MARKUP_ONLY,
    POINTS_OUT,
    WANTS_A_PERSON,
    pointing_out_or_wanting,
    searched,
)
from collector.records import Message

SIMILAR = 0.8
"""Cosine of two turns above which one says the other again."""
REPEATS = 3
"""So many similar user turns are a repetition."""
COMPARED_CHARS = 400
"""Of each turn; a long paste repeats its beginning."""
COMPARED_TURNS = 40
"""Newest turns that are compared with one another, so that cost stays bounded."""
SHORT_WORDS = 4
"""A turn of fewer words ("yes please") says too little to be a request."""

_DIGIT = re.compile(r"\d")
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One message, prepared for comparing."""

    index: int
    text: str
    folded: str
    grams: Mapping[str, int]
    norm: float
    numbers: frozenset[str]


def user_turns(messages: Sequence[Message]) -> list[Turn]:
    """User messages that hold words."""
    return [
        turn_of(index, message.text)
        for index, message in enumerate(messages)
        if message.role == "user" and message.text and not MARKUP_ONLY.fullmatch(message.text)
    ]


def turn_of(index: int, text: str) -> Turn:
    """Prepare one message."""
    text = searched(text)
    words = _WORDS.findall(text[:COMPARED_CHARS].lower())
    folded = " ".join(words)
    grams = Counter([folded[at : at + 3] for at in range(len(folded) - 2)])
    return Turn(
        index=index,
        text=text,
        folded=folded,
        grams=grams,
        norm=math.sqrt(sum([count * count for count in grams.values()])),
        numbers=frozenset([w for w in words if not w.isalpha() and _DIGIT.search(w)]),
    )


def similarity(one: Turn, other: Turn) -> float:
    """Cosine of character 3-gram counts, 0..1.

    Two turns that each have a number which the other lacks ask about two things, so they are 0.
    """
    if one.numbers - other.numbers and other.numbers - one.numbers:
        return 0.0
    if not one.norm or not other.norm:
        return 0.0
    a, b = one.grams, other.grams
    return sum([a[gram] * b[gram] for gram in a.keys() & b.keys()]) / (one.norm * other.norm)


def same_again(turns: Sequence[Turn], messages: Sequence[Message]) -> Iterator[Signal]:
    """Reformulations and repeated requests."""
    requests = [turn for turn in turns if len(turn.folded.split()) >= SHORT_WORDS]
    requests = requests[-COMPARED_TURNS:]
    counted: set[int] = set()
    for at, turn in enumerate(requests):
        alike = [(similarity(turn, earlier), earlier) for earlier in requests[:at]]
        alike = [(score, earlier) for score, earlier in alike if score > SIMILAR]
        if not alike:
            continue
        score, earlier = max(alike, key=lambda pair: (pair[0], pair[1].index))
        if earlier.folded != turn.folded and _answered(messages, earlier.index, turn.index):
            evidence = f"similarity {score:.2f} with message {earlier.index}"
            yield Signal(kind="reformulation", message_index=turn.index, evidence=evidence)
        group = {turn.index, *(one.index for _, one in alike)}
        if len(group) >= REPEATS and not group & counted:
            counted |= group
            evidence = f"{len(group)} similar requests: messages {listed(sorted(group))}"
            yield Signal(kind="repeated_query", message_index=turn.index, evidence=evidence)


def _answered(messages: Sequence[Message], start: int, end: int) -> bool:
    return any(one.role == "assistant" and one.text for one in messages[start + 1 : end])


def reactions(turns: Sequence[Turn], messages: Sequence[Message]) -> Iterator[Signal]:
    """Corrections, errors pointed out and requests for a person."""
    pointing_out, wanting = pointing_out_or_wanting([turn.text for turn in turns])
    for at, turn in enumerate(turns):
        before = messages[turn.index - 1] if turn.index else None
        after_answer = before is not None and before.role == "assistant" and bool(before.text)
        if after_answer and CORRECTS.search(turn.text):
            yield _said("quick_correction", turn, "takes back or restates right after the answer")
        if after_answer and at in pointing_out and POINTS_OUT.search(turn.text):
            yield _said("error_pointed_out", turn, "says that the answer is wrong or unclear")
        if at in wanting and WANTS_A_PERSON.search(turn.text):
            yield _said("escalation_request", turn, "asks for a person")


def _said(kind: SignalKind, turn: Turn, what: str) -> Signal:
    return Signal(kind=kind, message_index=turn.index, evidence=f"the user {what}")


def listed(indexes: Sequence[int]) -> str:
    """Some message numbers, the first six."""
    return ", ".join(map(str, indexes[:6])) + (", …" if len(indexes) > 6 else "")
