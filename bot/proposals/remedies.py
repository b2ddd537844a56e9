"""What a correction teaches: for each type of edit a rule in plain English, and how to see it.

Takes the texts before and after a person's edit. A remedy says what the rule is, whether one edit
did what the rule asks for, and by which words a prompt that has the rule already would show it.
Shapes of texts decide (first sentence gone, fewer words), so most of it holds in any language.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.proposals.text_checks import words

AGREEMENT = 0.6
"""Share of the edits that must do the same before it becomes a rule."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Remedy:
    """The rule that follows from one type of correction."""

    type: str
    title: str
    """Imperative; the segment is added behind it."""
    rule: str
    """In lower case, without a full stop; {n} is filled by `number_for`."""
    happened: str
    """What people did, for the list of evidence."""
    did: Test
    """One edit did what the rule asks for."""
    opposite: Test
    headings: frozenset[str]
    """Words of a heading under which such a rule belongs."""
    said: re.Pattern[str]
    """A line of a prompt that speaks of this already."""
    measure: Callable[[Shape], int] | None = None
    """What {n} limits."""
    at_most: bool = True


def _alike(one: str, other: str) -> float:
    """How much two sentences have in common, 0..1, by their words in order."""
    return difflib.SequenceMatcher(None, words(one), words(other), autojunk=False).ratio()


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


def _opening_removed(before: Shape, after: Shape) -> bool:
    return _lost_first(before.body, after.body)


def _opening_added(before: Shape, after: Shape) -> bool:
    return _lost_first(after.body, before.body)


def _closing_removed(before: Shape, after: Shape) -> bool:
    return _lost_first(before.body[::-1], after.body[::-1])


def _closing_added(before: Shape, after: Shape) -> bool:
    return _closing_removed(after, before)


def _opening_shortened(before: Shape, after: Shape) -> bool:
    if not before.body or not after.body:
        return False
    first, start = words(before.body[0]), words(after.body[0])
    shorter = 0 < len(start) <= 0.7 * len(first)
    return shorter and len(set(start) & set(first)) >= 0.6 * len(set(start))


def _opening_lengthened(before: Shape, after: Shape) -> bool:
    return _opening_shortened(after, before)


def _shortened(before: Shape, after: Shape) -> bool:
    return 0 < after.words <= 0.8 * before.words


def _lengthened(before: Shape, after: Shape) -> bool:
    return _shortened(after, before)


def _fewer(pattern: re.Pattern[str]) -> Test:
    def test(before: Shape, after: Shape) -> bool:
        return len(pattern.findall(after.text)) < len(pattern.findall(before.text))

    return test


def _swapped(test: Test) -> Test:
    return lambda before, after: test(after, before)


_fewer_questions = _fewer(re.compile(r"[?\uff1f]"))
_fewer_bullets = _fewer(_BULLET)


def _formality(shape: Shape) -> int:
    return len(_FORMAL.findall(shape.text)) - len(_CASUAL.findall(shape.text))


def _less_formal(before: Shape, after: Shape) -> bool:
    return _formality(after) < _formality(before)


def _greeting_removed(before: Shape, after: Shape) -> bool:
    return bool(before.greeting) and not after.greeting


def _all_words(shape: Shape) -> int:
    return shape.words


def _first_words(shape: Shape) -> int:
    return len(words(shape.body[0])) if shape.body else 0


_OPENING = frozenset("opening openings opener openers greeting greetings salutation".split())  # noqa: SIM905 - a vocabulary reads better in a row
_CLOSING = frozenset("closing closings ending signature sign-off signoff conclusion".split())  # noqa: SIM905
_LENGTH = frozenset("length brevity concise conciseness short size".split())  # noqa: SIM905
_LAYOUT = frozenset("format formatting layout structure lists bullets".split())  # noqa: SIM905
_TONE = frozenset("tone voice style register formality".split())  # noqa: SIM905
STYLE = frozenset(
    "style tone voice writing write wording format formatting communication email emails mail "  # noqa: SIM905
    "message messages reply replies response responses draft drafts drafting outreach copy".split()
)
"""Headings under which a rule about how to write may stand, whatever its type."""

REMEDIES: tuple[Remedy, ...] = (
    Remedy(
        type="opening_removed",
        title="Leave out the opening line",
        rule="start with the point; leave out the opening line",
        happened="the opening line was removed",
        did=_opening_removed,
        opposite=_opening_added,
        headings=_OPENING,
        said=re.compile(
            r"\b(?:leave out|skip|omit|no|without|drop|avoid)\b.{0,30}"
            r"\b(?:opening|opener|intro\w*|pleasantr\w+|small talk)|\b(?:start|begin|get straight|"
            r"open)\b.{0,20}\bthe point\b",
            re.I,
        ),
    ),
    Remedy(
        type="opening_added",
        title="Begin with a short opening line",
        rule="begin with one short opening line before the point",
        happened="an opening line was added",
        did=_opening_added,
        opposite=_opening_removed,
        headings=_OPENING,
        said=re.compile(r"\b(?:begin|start|open)\w*\b.{0,40}\b(?:opening|opener|intro\w*)", re.I),
    ),
    Remedy(
        type="opening_shortened",
        title="Keep the opening line short",
        rule="keep the opening to one sentence of at most {n} words",
        happened="the opening line was shortened",
        did=_opening_shortened,
        opposite=_opening_lengthened,
        headings=_OPENING,
        said=re.compile(
            r"\b(?:short|brief|concise|one sentence|\d+ words)\b.{0,40}\b(?:opening|opener|intro)|"
            r"\b(?:opening|opener|intro\w*)\b.{0,40}\b(?:short|brief|concise|one sentence|words)",
            re.I,
        ),
        measure=_first_words,
    ),
    Remedy(
        type="closing_removed",
        title="Leave out the closing line",
        rule="stop after the last point; leave out the closing line",
        happened="the closing line was removed",
        did=_closing_removed,
        opposite=_closing_added,
        headings=_CLOSING,
        said=re.compile(
            r"\b(?:leave out|skip|omit|no|without|drop|avoid)\b.{0,30}\b(?:closing|sign-?off)", re.I
        ),
    ),
    Remedy(
        type="closing_added",
        title="End with a short closing line",
        rule="end with one short closing line",
        happened="a closing line was added",
        did=_closing_added,
        opposite=_closing_removed,
        headings=_CLOSING,
        said=re.compile(r"\b(?:end|close|finish)\w*\b.{0,40}\bclosing\b", re.I),
    ),
    Remedy(
        type="question_removed",
        title="Leave out the question",
        rule="state the point without asking a question",
        happened="a question was removed",
        did=_fewer_questions,
        opposite=_swapped(_fewer_questions),
        headings=_CLOSING,
        said=re.compile(
            r"\b(?:do not|don't|never|avoid|without|no)\b.{0,20}\b(?:ask\w*|question)", re.I
        ),
    ),
    Remedy(
        type="question_added",
        title="Ask one clear question",
        rule="ask one clear question at the end",
        happened="a question was added",
        did=_swapped(_fewer_questions),
        opposite=_fewer_questions,
        headings=_CLOSING,
        said=re.compile(r"\b(?:end|close|ask)\w*\b.{0,30}\bquestion", re.I),
    ),
    Remedy(
        type="list_removed",
        title="Write in sentences, not in lists",
        rule="write in sentences, not in bullet points",
        happened="a list became sentences",
        did=_fewer_bullets,
        opposite=_swapped(_fewer_bullets),
        headings=_LAYOUT,
        said=re.compile(
            r"\b(?:do not|don't|never|avoid|without|no|not)\b.{0,25}\b(?:bullet|list)", re.I
        ),
    ),
    Remedy(
        type="list_added",
        title="Put several points into a list",
        rule="put several points into a list, one line for each",
        happened="points were put into a list",
        did=_swapped(_fewer_bullets),
        opposite=_fewer_bullets,
        headings=_LAYOUT,
        said=re.compile(r"\b(?:use|put|write|present)\b.{0,30}\b(?:bullet|list)", re.I),
    ),
    Remedy(
        type="tone_less_formal",
        title="Write less formally",
        rule="write as one speaks: short everyday words, contractions, no stock phrases",
        happened="the tone was made less formal",
        did=_less_formal,
        opposite=_swapped(_less_formal),
        headings=_TONE,
        said=re.compile(r"\b(?:informal|casual|conversational|less formal|contractions)\b", re.I),
    ),
    Remedy(
        type="tone_more_formal",
        title="Write more formally",
        rule="write formally: no contractions, no slang, no exclamation marks",
        happened="the tone was made more formal",
        did=_swapped(_less_formal),
        opposite=_less_formal,
        headings=_TONE,
        said=re.compile(r"\b(?:more formal|formally|formal tone|no contractions)\b", re.I),
    ),
    Remedy(
        type="greeting_removed",
        title="Leave out the greeting",
        rule="leave out the greeting",
        happened="the greeting was removed",
        did=_greeting_removed,
        opposite=_swapped(_greeting_removed),
        headings=_OPENING,
        said=re.compile(
            r"\b(?:leave out|skip|omit|no|without|drop)\b.{0,20}\b(?:greeting|salutation)", re.I
        ),
    ),
    Remedy(
        type="greeting_added",
        title="Begin with a greeting",
        rule="begin with a short greeting",
        happened="a greeting was added",
        did=_swapped(_greeting_removed),
        opposite=_greeting_removed,
        headings=_OPENING,
        said=re.compile(r"\b(?:begin|start|open|greet)\w*\b.{0,30}\b(?:greeting|by name)", re.I),
    ),
    Remedy(
        type="shortened",
        title="Keep it short",
        rule="keep it to at most {n} words",
        happened="the text was shortened",
        did=_shortened,
        opposite=_lengthened,
        headings=_LENGTH,
        said=re.compile(
            r"\b(?:at most|under|below|within|up to|no more than|maximum|max\.?|fewer than|less "
            r"than)\b.{0,15}\d+\s*(?:words|sentences|characters)|\b(?:be|keep)\b.{0,30}"
            r"\b(?:short|brief|concise)\b",
            re.I,
        ),
        measure=_all_words,
    ),
    Remedy(
        type="lengthened",
        title="Write in more detail",
        rule="write at least {n} words",
        happened="the text was made longer",
        did=_lengthened,
        opposite=_shortened,
        headings=_LENGTH,
        said=re.compile(r"\b(?:at least|minimum|no fewer than)\b.{0,15}\d+\s*words", re.I),
        measure=_all_words,
        at_most=False,
    ),
)

_ALIASES = {
    "tone_too_formal": "tone_less_formal",
    "too_formal": "tone_less_formal",
    "tone_too_casual": "tone_more_formal",
    "too_casual": "tone_more_formal",
    "tone_too_informal": "tone_more_formal",
    "too_long": "shortened",
    "length_too_long": "shortened",
    "too_short": "lengthened",
    "length_too_short": "lengthened",
    "opening_too_long": "opening_shortened",
    "intro_removed": "opening_removed",
}


def number_for(remedy: Remedy, after: Sequence[Shape]) -> int | None:
    """{n} of a rule: a limit that three of four of people's own texts keep, in steps of five."""
    if remedy.measure is None or not after:
        return None
    ordered = sorted(remedy.measure(shape) for shape in after)
    if remedy.at_most:
        return 5 * math.ceil(max(1, ordered[math.ceil(0.75 * len(ordered)) - 1]) / 5)
    return max(5, 5 * (ordered[len(ordered) // 4] // 5))


def keeps(remedy: Remedy, after: Shape, limit: int | None) -> bool:
    """True where a person's text keeps the rule's number, or the rule has none."""
    if remedy.measure is None or limit is None:
        return True
    measured = remedy.measure(after)
    return measured <= limit if remedy.at_most else measured >= limit


def remedy_for(type: str, edits: Sequence[tuple[Shape, Shape]]) -> Remedy | None:
    """The remedy of a type; for a type that we do not know, the one that the edits agree on.

    Agreement is 60 % of at least three edits. Where several are equal the first in the table is
    it: what is taken away also makes a text shorter, and says more.
    """
    known = {remedy.type: remedy for remedy in REMEDIES}
    found = known.get(_ALIASES.get(type, type))
    if found is not None or len(edits) < 3:
        return found
    shares = [sum(remedy.did(*edit) for edit in edits) / len(edits) for remedy in REMEDIES]
    best = max(shares)
    return REMEDIES[shares.index(best)] if best >= AGREEMENT else None
