"""What a correction teaches: for each type of edit a rule in plain English, and how to see it.

A remedy says what the rule is, which type of edit it answers, which type contradicts it, and by
which words a prompt that has the rule already would show it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.edit_types import edit_types
from bot.proposals.text_checks import words
from bot.records import Correction

AGREEMENT = 0.6
"""Share of the edits that must do the same before it becomes a rule."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenEdit:
    """What one correction did to its text, by the texts alone and not by its declared type."""

    types: tuple[str, ...]
    words_before: int
    words_after: int


def seen_edit(correction: Correction) -> SeenEdit:
    return SeenEdit(
        types=edit_types(correction.original, correction.corrected),
        words_before=len(words(correction.original)),
        words_after=len(words(correction.corrected)),
    )


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
    opposite: str
    """The type of an edit that contradicts the rule."""
    headings: frozenset[str]
    """Words of a heading under which such a rule belongs."""
    said: re.Pattern[str]
    """A line of a prompt that speaks of this already."""
    limit: Literal["at_most", "at_least"] | None = None
    """What {n} says about the number of words."""


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
        opposite="opening_added",
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
        opposite="opening_removed",
        headings=_OPENING,
        said=re.compile(r"\b(?:begin|start|open)\w*\b.{0,40}\b(?:opening|opener|intro\w*)", re.I),
    ),
    Remedy(
        type="opening_shortened",
        title="Keep the opening line short",
        rule="keep the opening to one short sentence",
        happened="the opening line was shortened",
        opposite="opening_added",
        headings=_OPENING,
        said=re.compile(
            r"\b(?:short|brief|concise|one sentence|\d+ words)\b.{0,40}\b(?:opening|opener|intro)|"
            r"\b(?:opening|opener|intro\w*)\b.{0,40}\b(?:short|brief|concise|one sentence|words)",
            re.I,
        ),
    ),
    Remedy(
        type="closing_removed",
        title="Leave out the closing line",
        rule="stop after the last point; leave out the closing line",
        happened="the closing line was removed",
        opposite="closing_added",
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
        opposite="closing_removed",
        headings=_CLOSING,
        said=re.compile(r"\b(?:end|close|finish)\w*\b.{0,40}\bclosing\b", re.I),
    ),
    Remedy(
        type="greeting_removed",
        title="Leave out the greeting",
        rule="leave out the greeting",
        happened="the greeting was removed",
        opposite="greeting_added",
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
        opposite="greeting_removed",
        headings=_OPENING,
        said=re.compile(r"\b(?:begin|start|open|greet)\w*\b.{0,30}\b(?:greeting|by name)", re.I),
    ),
    Remedy(
        type="question_removed",
        title="Leave out the question",
        rule="state the point without asking a question",
        happened="a question was removed",
        opposite="question_added",
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
        opposite="question_removed",
        headings=_CLOSING,
        said=re.compile(r"\b(?:end|close|ask)\w*\b.{0,30}\bquestion", re.I),
    ),
    Remedy(
        type="list_removed",
        title="Write in sentences, not in lists",
        rule="write in sentences, not in bullet points",
        happened="a list became sentences",
        opposite="list_added",
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
        opposite="list_removed",
        headings=_LAYOUT,
        said=re.compile(r"\b(?:use|put|write|present)\b.{0,30}\b(?:bullet|list)", re.I),
    ),
    Remedy(
        type="tone_less_formal",
        title="Write less formally",
        rule="write as one speaks: short everyday words, contractions, no stock phrases",
        happened="the tone was made less formal",
        opposite="tone_more_formal",
        headings=_TONE,
        said=re.compile(r"\b(?:informal|casual|conversational|less formal|contractions)\b", re.I),
    ),
    Remedy(
        type="tone_more_formal",
        title="Write more formally",
        rule="write formally: no contractions, no slang, no exclamation marks",
        happened="the tone was made more formal",
        opposite="tone_less_formal",
        headings=_TONE,
        said=re.compile(r"\b(?:more formal|formally|formal tone|no contractions)\b", re.I),
    ),
    Remedy(
        type="emoji_removed",
        title="Leave out emoji",
        rule="write without emoji",
        happened="emoji were removed",
        opposite="emoji_added",
        headings=_TONE | _LAYOUT,
        said=re.compile(
            r"\b(?:no|not|never|avoid|without|don't|leave out)\b.{0,25}\bemojis?", re.I
        ),
    ),
    Remedy(
        type="emoji_added",
        title="Use a fitting emoji",
        rule="use one fitting emoji",
        happened="an emoji was added",
        opposite="emoji_removed",
        headings=_TONE | _LAYOUT,
        said=re.compile(r"\b(?:use|add|include|with)\b.{0,25}\bemojis?", re.I),
    ),
    Remedy(
        type="emphasis_removed",
        title="Write plain text, without bold and headings",
        rule="write plain text, without bold type and headings",
        happened="bold type or headings were removed",
        opposite="emphasis_added",
        headings=_LAYOUT,
        said=re.compile(
            r"\b(?:no|not|never|avoid|without|don't)\b.{0,25}\b(?:bold|markdown|headings?)|"
            r"\bplain text\b",
            re.I,
        ),
    ),
    Remedy(
        type="emphasis_added",
        title="Put what matters most in bold",
        rule="put what matters most in bold, or under a short heading",
        happened="bold type or headings were added",
        opposite="emphasis_removed",
        headings=_LAYOUT,
        said=re.compile(r"\b(?:use|put|write|set)\b.{0,40}\b(?:bold|headings?)\b", re.I),
    ),
    Remedy(
        type="link_removed",
        title="Leave out links",
        rule="write without links",
        happened="a link was removed",
        opposite="link_added",
        headings=_LAYOUT,
        said=re.compile(
            r"\b(?:no|not|never|avoid|without|don't)\b.{0,25}\b(?:links?|urls?)\b", re.I
        ),
    ),
    Remedy(
        type="link_added",
        title="Give the link to what is named",
        rule="give the link to a page that is named, where the instructions or a tool give one",
        happened="a link was added",
        opposite="link_removed",
        headings=_LAYOUT,
        said=re.compile(r"\b(?:give|add|include|use|with)\b.{0,30}\b(?:links?|urls?)\b", re.I),
    ),
    Remedy(
        type="hedging_removed",
        title="Say it without hedging",
        rule="say what is known plainly, without words such as perhaps, maybe or I think",
        happened="words that leave a way out were removed",
        opposite="hedging_added",
        headings=_TONE,
        said=re.compile(
            r"\bhedg\w+|\b(?:be|state|say)\b.{0,25}\b(?:definite|direct|plainly)", re.I
        ),
    ),
    Remedy(
        type="hedging_added",
        title="Say what is not sure",
        rule="say of what is not certain that it is not",
        happened="words that leave a way out were added",
        opposite="hedging_removed",
        headings=_TONE,
        said=re.compile(r"\b(?:uncertain\w*|not (?:sure|certain)|hedg\w+)\b", re.I),
    ),
    Remedy(
        type="shortened",
        title="Keep it short",
        rule="keep it to at most {n} words",
        happened="the text was shortened",
        opposite="lengthened",
        headings=_LENGTH,
        said=re.compile(
            r"\b(?:at most|under|below|within|up to|no more than|maximum|max\.?|fewer than|less "
            r"than)\b.{0,15}\d+\s*(?:words|sentences|characters)|\b(?:be|keep)\b.{0,30}"
            r"\b(?:short|brief|concise)\b",
            re.I,
        ),
        limit="at_most",
    ),
    Remedy(
        type="lengthened",
        title="Write in more detail",
        rule="write at least {n} words",
        happened="the text was made longer",
        opposite="shortened",
        headings=_LENGTH,
        said=re.compile(r"\b(?:at least|minimum|no fewer than)\b.{0,15}\d+\s*words", re.I),
        limit="at_least",
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


def number_for(remedy: Remedy, edits: Sequence[SeenEdit]) -> int | None:
    """{n} of a rule: a limit that three of four of people's own texts keep, in steps of five."""
    if remedy.limit is None or not edits:
        return None
    ordered = sorted(edit.words_after for edit in edits)
    if remedy.limit == "at_most":
        return 5 * math.ceil(max(1, ordered[math.ceil(0.75 * len(ordered)) - 1]) / 5)
    return max(5, 5 * (ordered[len(ordered) // 4] // 5))


def matches(remedy: Remedy, edit: SeenEdit, limit: int | None) -> bool:
    """A person did what the rule asks for, and kept its number."""
    if remedy.type not in edit.types:
        return False
    if remedy.limit is None or limit is None:
        return True
    if remedy.limit == "at_most":
        return edit.words_after <= limit
    return edit.words_after >= limit


def contradicts(remedy: Remedy, edit: SeenEdit) -> bool:
    """A person did the opposite of what the rule asks for."""
    return remedy.opposite in edit.types and remedy.type not in edit.types


def remedy_for(type: str, edits: Sequence[SeenEdit]) -> Remedy | None:
    """The remedy of a type; for a type that we do not know, the one that the edits agree on.

    Agreement is 60 % of at least three edits. Where several are equal the first in the table is
    it: what is taken away also makes a text shorter, and says more.
    """
    known = {remedy.type: remedy for remedy in REMEDIES}
    found = known.get(_ALIASES.get(type, type))
    if found is not None or len(edits) < 3:
        return found
    shares = [sum(one.type in edit.types for edit in edits) / len(edits) for one in REMEDIES]
    best = max(shares)
    return REMEDIES[shares.index(best)] if best >= AGREEMENT else None
