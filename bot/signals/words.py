"""How the phrases of `phrases.py` are looked for: quickly, and in what was said itself.

Structure comes first; words only where it says too little. Each phrase is searched in what one
message says, never in what it pastes: `searched` bounds that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from bot.signals.phrases import (
    CORRECTS,
    POINTS_OUT,
    SENTENCE,
    START,
    TAKES_LEAVE,
    WANTS_A_PERSON,
)
from collector.filters import Filters

SEARCHED_CHARS = 2000
"""Of each message that are searched for words: what people mean stands in what they wrote, and a
pasted document is bounded so."""
MARKUP_ONLY = re.compile(r"\s*(?:<[^<>]*>|###[^#]*###)\s*", re.S)
"""A placeholder such as <SILENCE> or ###STOP### instead of words."""
ENDS_ITSELF = re.compile(r"###[A-Z -]+###\s*$")
"""The mark by which a simulated customer says that it is done; real ones have other words."""
QUESTION_MARKS = ("?", "？", "؟")  # noqa: RUF001 - Chinese and Arabic marks
_AROUND = " *_\"'\n)」』”"
_BETWEEN = "\0"


class Meant(NamedTuple):
    """What texts may say; a filter, so that few are read word by word."""

    corrects: bool
    points_out: bool
    wants_a_person: bool


NOTHING = Meant(corrects=False, points_out=False, wants_a_person=False)


def searched(text: str) -> str:
    """The part of a message that is searched, with plain apostrophes."""
    return text[:SEARCHED_CHARS].replace("\u2019", "'")


def asks(text: str) -> bool:
    """Whether a text ends on a question."""
    return text.rstrip(_AROUND).endswith(QUESTION_MARKS)


def meant(texts: Sequence[str]) -> Meant:
    """What may be said somewhere in these texts.

    Patterns with free distances between words are slow, and nearly nothing holds them: one scan
    of a whole conversation tells whether it is worth to look.
    """
    joined = _BETWEEN.join(texts).lower().encode(errors="replace")
    found = _filters().anywhere(joined)
    return Meant(0 in found, 1 in found, 2 in found) if found else NOTHING


@cache
def _filters() -> Filters:
    """What may be meant; compiled at first use, in a fraction of a second.

    For text in lower case. Looser than the patterns themselves, so that they compile quickly:
    without anchors, and with any distance within one text for a bounded one. `re` has the last
    word.
    """
    looser = {
        r"\.\{0,\d+\}|\[\^\.\?!\]\{0,\d+\}": r"[^\\0]*",
        r"\^\\W\*|\\b|(?<!\[)\^|\$": "",
        r"\\w": r"\\S",
    }
    patterns = [
        one.pattern.replace(START, "").replace(SENTENCE, "")
        for one in (CORRECTS, POINTS_OUT, WANTS_A_PERSON)
    ]
    for exact, loose in looser.items():
        patterns = [re.sub(exact, loose, one) for one in patterns]
    return Filters(patterns, words=False)


def takes_leave(text: str) -> bool:
    """Whether a user says goodbye or thank you, and asks nothing more."""
    text = text[-SEARCHED_CHARS:]
    return not any(mark in text for mark in QUESTION_MARKS) and bool(TAKES_LEAVE.search(text))
