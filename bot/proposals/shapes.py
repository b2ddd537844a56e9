"""What an edit did to a text, seen by its shape: first sentence gone, fewer words, a list less.

Takes the texts before and after a person's edit, taken apart once; each test says whether one thing
happened. Shapes hold in most languages; greetings and formality know a few.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.proposals.text_checks import words

_COMPARED_WORDS = 60
"""Of a sentence: enough to know it again, and a text without any full stop costs no more."""
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|greetings|hallo|liebe[rs]?|"
    r"sehr geehrte[rs]?|guten tag|bonjour|cher|chère|hola|estimad[oa]|ciao)\b[^.!?\n]{0,60}",
    re.I,
)
_SIGN_OFF = re.compile(
    r"(?:(?:best|kind|warm|many)?\s*(?:regards|wishes)|sincerely|yours|cheers|best|thanks|"
    r"thank you|all the best|mit freundlichen|viele grüße|cordialement|saludos)\b[^.!?]{0,30}",
    re.I,
)
_SENTENCE = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+|\n+")
_BULLET = re.compile(r"^[ \t]*(?:[-*+\u2022]|\d+[.)])[ \t]+\S", re.M)
_CASUAL = re.compile(r"\b\w+['\u2019](?:re|ve|ll|m|d|t|s)\b|!", re.I)
_FORMAL = re.compile(
    r"\b(?:furthermore|moreover|hereby|kindly|pursuant|utili[sz]e|herein|henceforth|sincerely|"
    r"please be advised|please find|we regret|at your earliest convenience)\b",
    re.I,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """One text taken apart: greeting, sentences of the body, sign-off."""

    greeting: str
    body: tuple[str, ...]
    sign_off: str
    words: int
    text: str


def shape_of(text: str) -> Shape:
    """The parts of a message; each may be missing."""
    parts = [part.strip() for part in _SENTENCE.split(text.strip()) if part.strip()]
    greeting = sign_off = ""
    if len(parts) > 1 and _GREETING.fullmatch(parts[0]) and len(words(parts[0])) <= 8:
        greeting, *parts = parts
    for tail in (1, 2):
        if len(parts) > tail and _SIGN_OFF.fullmatch(parts[-tail].rstrip(",.!")):
            sign_off, parts = parts[-tail], parts[:-tail]
            break
    return Shape(
        greeting=greeting,
        body=tuple(parts),
        sign_off=sign_off,
        words=len(words(text)),
        text=text,
    )


Test = Callable[[Shape, Shape], bool]


def _alike(one: str, other: str) -> float:
    """How much two sentences have in common, 0..1, by their words in order."""
    rows = (words(one)[:_COMPARED_WORDS], words(other)[:_COMPARED_WORDS])
    return difflib.SequenceMatcher(None, *rows, autojunk=False).ratio()


def _lost_first(before: Sequence[str], after: Sequence[str]) -> bool:
    """The first sentence of `before` is gone and a later one begins `after`."""
    if not before or not after:
        return False
    first, start = words(before[0]), words(after[0])
    if 3 <= len(start) <= len(first) - 3 and first[-len(start) :] == start:
        return True  # the opening clause went and the sentence kept its end
    if any(_alike(before[0], sentence) >= 0.5 for sentence in after[:2]):
        return False
    return any(_alike(sentence, after[0]) >= 0.6 for sentence in before[1:4])


def opening_removed(before: Shape, after: Shape) -> bool:
    return _lost_first(before.body, after.body)


def opening_added(before: Shape, after: Shape) -> bool:
    return _lost_first(after.body, before.body)


def closing_removed(before: Shape, after: Shape) -> bool:
    return _lost_first(before.body[::-1], after.body[::-1])


def closing_added(before: Shape, after: Shape) -> bool:
    return closing_removed(after, before)


def opening_shortened(before: Shape, after: Shape) -> bool:
    if not before.body or not after.body:
        return False
    first, start = words(before.body[0]), words(after.body[0])
    shorter = 0 < len(start) <= 0.7 * len(first)
    return shorter and len(set(start) & set(first)) >= 0.6 * len(set(start))


def opening_lengthened(before: Shape, after: Shape) -> bool:
    return opening_shortened(after, before)


def shortened(before: Shape, after: Shape) -> bool:
    return 0 < after.words <= 0.8 * before.words


def lengthened(before: Shape, after: Shape) -> bool:
    return shortened(after, before)


def fewer(pattern: re.Pattern[str]) -> Test:
    def test(before: Shape, after: Shape) -> bool:
        return len(pattern.findall(after.text)) < len(pattern.findall(before.text))

    return test


def swapped(test: Test) -> Test:
    return lambda before, after: test(after, before)


fewer_questions = fewer(re.compile(r"[?\uff1f]"))
fewer_bullets = fewer(_BULLET)


def _formality(shape: Shape) -> int:
    return len(_FORMAL.findall(shape.text)) - len(_CASUAL.findall(shape.text))


def less_formal(before: Shape, after: Shape) -> bool:
    return _formality(after) < _formality(before)


def greeting_removed(before: Shape, after: Shape) -> bool:
    return bool(before.greeting) and not after.greeting


def all_words(shape: Shape) -> int:
    return shape.words


def first_words(shape: Shape) -> int:
    return len(words(shape.body[0])) if shape.body else 0
