"""The prompt file and the section that a rule about writing belongs to.

Takes the agent's prompt files and what was corrected; gives the one file whose words are the words
of what was corrected, and in it the section whose heading is about such rules. Better none than a
wrong one: where two files fit equally the answer says so.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from bot.proposals.remedies import STYLE, Remedy
from bot.proposals.sections import NEW_SECTION, Section, lines_outside_fences, sections
from bot.proposals.text_checks import words
from bot.records import Correction, Pattern, Skipped, SourceFile

_PROSE = frozenset(
    ("", ".md", ".markdown", ".mdx", ".txt", ".prompt", ".j2", ".jinja", ".jinja2", ".tmpl")
)
_LETTER_WORDS = frozenset(("email", "emails", "mail", "message", "messages", "outreach", "letter"))
_LETTER = re.compile(
    r"\A\s*(?:hi|hello|dear|hallo|liebe[rs]?|sehr geehrte[rs]?|bonjour|hola)\b[^\n]{0,60},\s*\n|"
    r"^(?:[a-z]+ )?(?:regards|wishes|sincerely|cheers),?[ \t]*$",
    re.I | re.M,
)
"""A greeting or a sign-off on a line of its own: the text is a letter of some kind."""
_MIN_LETTERS = 4
"""Shorter words are grammar more often than subject."""
_IN_HEADING = 3
_NOT_RULES = re.compile(r"\b(?:examples?|samples?|changelog|history|appendix|glossary)\b", re.I)


def choose_file(
    prompts: Sequence[SourceFile],
    pattern: Pattern,
    corrections: Sequence[Correction],
    remedy: Remedy,
    *,
    what: str,
) -> SourceFile | Skipped:
    """The only prompt, else the one that speaks of what is corrected.

    A word counts three times in a path or heading, and the less the more prompts have it. A long
    text has many words of everything, so scores are taken by the root of its vocabulary.
    """
    readable = [file for file in prompts if PurePosixPath(file.path).suffix.lower() in _PROSE]
    if not readable:
        others = ", ".join(repr(file.path) for file in prompts[:4]) or "none"
        return Skipped(
            what=what,
            code="no_file",
            reason="The agent has no prompt as Markdown or plain text in the repository "
            f"(found: {others}); name it under `agents:` in the settings.",
        )
    if len(readable) == 1:
        return readable[0]
    terms = _terms(pattern, corrections) | remedy.headings
    loud = [set(words(_loud(file))) for file in readable]
    all_words = [set(words(file.text)) | heard for file, heard in zip(readable, loud, strict=True)]
    known_by = Counter(word for found in all_words for word in found & terms)
    scores = [
        sum(
            math.log(len(readable) / known_by[word]) * (_IN_HEADING if word in heard else 1)
            for word in sorted(found & terms)
        )
        / math.sqrt(len(found) or 1)
        for found, heard in zip(all_words, loud, strict=True)
    ]
    best = max(scores)
    winners = [file for file, score in zip(readable, scores, strict=True) if score == best]
    if len(winners) == 1:
        return winners[0]
    return Skipped(
        what=what,
        code="ambiguous",
        reason="These prompts fit equally well: "
        + ", ".join(repr(file.path) for file in winners[:4])
        + "; name the right one under `agents:` in the settings.",
    )


def _terms(pattern: Pattern, corrections: Sequence[Correction]) -> set[str]:
    """Words that at least half of the corrections have, and those that name the segment.

    One correction alone can bring in no word, so nobody steers the choice with one text.
    """
    texts = [f"{one.original}\n{one.corrected}" for one in corrections]
    seen = Counter(word for text in texts for word in set(words(text)))
    terms = {word for word, n in seen.items() if 2 * n >= len(texts) and len(word) >= _MIN_LETTERS}
    terms.update(_label_words(pattern.segment), _split_words(pattern.agent))
    if 2 * sum(_LETTER.search(one.original) is not None for one in corrections) >= len(texts):
        terms |= _LETTER_WORDS
    return terms


def _label_words(segment: Mapping[str, str]) -> set[str]:
    return set(_split_words(" ".join([*segment.keys(), *segment.values()])))


def _split_words(name: str) -> list[str]:
    """Words of a path or an identifier, which puts _ and - where prose puts blanks."""
    return words(re.sub(r"[_./-]+", " ", name))


def _loud(file: SourceFile) -> str:
    headings = " ".join(section.heading for section in sections(file.text))
    return " ".join([*_split_words(file.path), *_split_words(headings)])


def choose_section(text: str, remedy: Remedy, segment: Mapping[str, str]) -> Section | None:
    """The section whose heading is about such rules, or None; the first one on a tie.

    Words of the remedy count most, then our own section of earlier rules, then words about style.
    Names of the segment help but do not decide: a section about C-level contacts may be about
    anything.
    """
    label = _label_words(segment) - {"level", "type", "group", "segment"}
    best, found = 0.0, None
    for section in sections(text):
        heading = set(_split_words(section.heading))
        if not heading or _NOT_RULES.search(section.heading):
            continue
        score = 3.0 * len(heading & remedy.headings) + _about_style(heading)
        if section.heading == NEW_SECTION:
            score += 1.5
        if not score:
            continue
        score += 2.0 * bool(heading & label) - 0.5 * (section.level == 1)
        if score > best:
            best, found = score, section
    return found


def _about_style(heading: set[str]) -> int:
    """Words about style, where they are the heading's subject and no aside in it."""
    about = len(heading & STYLE)
    telling = sum(len(word) >= _MIN_LETTERS for word in heading)
    return about if about >= 2 or 2 * about >= telling else 0


def says_already(text: str, remedy: Remedy, segment: Mapping[str, str]) -> int | None:
    """Number of the first line that speaks of the rule for these people or for all, or None."""
    label = {word for value in segment.values() for word in _split_words(value)}
    for number, (_, line, plain) in enumerate(lines_outside_fences(text), start=1):
        if not plain or not remedy.said.search(line):
            continue
        for_some = re.match(r"\W*(?:for|when|if)\b", line, re.I)
        if for_some is None or _mentions(line, label):
            return number
    return None


def _mentions(line: str, label: Iterable[str]) -> bool:
    named = list(label)
    return bool(named) and set(named) <= set(_split_words(line))
