"""What user turns show: the same asked again, an answer taken back, a person wanted."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from bot.records import Signal, SignalKind
from bot.signals.phrases import AT_A_LOSS, CORRECTS, POINTS_OUT, WANTS_A_PERSON
from bot.signals.words import MARKUP_ONLY, NOTHING, meant, searched
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
SHARED_WORDS = 1 / 3
"""Turns that have fewer of their words in common are not compared more closely."""
LOST_CHARS = 40
"""Who is at a loss for words does not write more."""

_DIGIT = re.compile(r"\d")
_WORDS = re.compile(r"\w+")
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Letters of scripts that leave no space between words."""
_WORDS_OR_LETTERS = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_UNSPACED_LETTER = re.compile(f"[{_UNSPACED}]")


@dataclass(frozen=True, eq=False)
class Turn:
    """One message, prepared for comparing. Not slotted: what is compared is made once and kept."""

    index: int
    text: str
    """What is searched of it."""

    words: Sequence[str]
    """In lower case; a letter is a word where a script puts no space between words."""
    vocabulary: frozenset[str]

    @cached_property
    def is_short(self) -> bool:
        """Too short to be a request or a question of its own; two such letters count as a word."""
        if len(self.words) < SHORT_WORDS or len(self.words) >= 2 * SHORT_WORDS:
            return len(self.words) < SHORT_WORDS
        letters = (
            0 if self.text.isascii() else sum(map(bool, map(_UNSPACED_LETTER.match, self.words)))
        )
        return len(self.words) - letters / 2 < SHORT_WORDS

    @cached_property
    def folded(self) -> str:
        return " ".join(self.words)

    @cached_property
    def grams(self) -> frozenset[tuple[str, str, str]]:
        """Distinct runs of three characters."""
        return frozenset(zip(self.folded, self.folded[1:], self.folded[2:], strict=False))

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset([w for w in self.words if not w.isalpha() and _DIGIT.search(w)])


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
    start = text[:COMPARED_CHARS].lower()
    words = (_WORDS if start.isascii() else _WORDS_OR_LETTERS).findall(start)
    return Turn(index=index, text=text, words=words, vocabulary=frozenset(words))


def similarity(one: Turn, other: Turn) -> float:
    """Cosine of the sets of character 3-grams, 0..1; 0 where few words are shared.

    Two turns that each have a number which the other lacks ask about two things, so they are 0.
    """
    smaller = min(len(one.vocabulary), len(other.vocabulary))
    if len(one.vocabulary & other.vocabulary) < SHARED_WORDS * smaller:
        return 0.0
    if one.numbers - other.numbers and other.numbers - one.numbers:
        return 0.0
    a, b = one.grams, other.grams
    return len(a & b) / math.sqrt(len(a) * len(b)) if a and b else 0.0


def same_again(turns: Sequence[Turn], messages: Sequence[Message]) -> Iterator[Signal]:
    """Reformulations and repeated requests."""
    requests = [turn for turn in turns if not turn.is_short]
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
    something = any(meant([turn.text for turn in turns]))
    for turn in turns:
        before = messages[turn.index - 1] if turn.index else None
        after_answer = before is not None and before.role == "assistant" and bool(before.text)
        may = meant([turn.text]) if something else NOTHING
        if after_answer and may.corrects and CORRECTS.search(turn.text):
            yield _said("quick_correction", turn, "takes back or restates right after the answer")
        if after_answer and (
            (may.points_out and POINTS_OUT.search(turn.text)) or _is_at_a_loss(turn.text)
        ):
            yield _said("error_pointed_out", turn, "says that the answer is wrong or unclear")
        if may.wants_a_person and WANTS_A_PERSON.search(turn.text):
            yield _said("escalation_request", turn, "asks for a person")


def _is_at_a_loss(text: str) -> bool:
    return len(text) <= LOST_CHARS and AT_A_LOSS.fullmatch(text) is not None


def _said(kind: SignalKind, turn: Turn, what: str) -> Signal:
    return Signal(kind=kind, message_index=turn.index, evidence=f"the user {what}")


def listed(indexes: Sequence[int]) -> str:
    """Some message numbers, the first six."""
    return ", ".join(map(str, indexes[:6])) + (", …" if len(indexes) > 6 else "")
