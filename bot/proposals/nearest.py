"""Which sections of a prompt speak of a rule? Those whose lines share rare words with it.

Takes the text of a prompt and a rule in any words; gives sections, the nearest first. A hint for
whoever places the rule, and no decision: a rule said in other words than the file's is often nearer
to another section. No I/O, milliseconds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from bot.proposals.sections import Section, sections
from bot.proposals.text_checks import words

STEM = 5
"""Letters that two forms of a word share: cancel, cancels, cancellation."""
IN_HEADING = 4.0
"""A word of a heading counts as so many lines that have it."""
SECOND = 0.5
"""What the second best line of a section adds."""
_MIN_LETTERS = 3
_SOON, _FLAT = 1.2, 0.75
"""BM25's k1 and b: how soon a repeated word counts no more, how far a long line is held back."""


def nearest_sections(text: str, rule: str) -> tuple[Section, ...]:
    """Those with a line or a heading that shares a word with `rule`, by BM25 over the lines.

    Source: Robertson and Zaragoza (2009), "The Probabilistic Relevance Framework: BM25 and Beyond".
    """
    found = sections(text)
    lines = [
        [Counter(_stems(line)) for line in text[one.start : one.end].splitlines() if line.strip()]
        for one in found
    ]
    every = [line for own in lines for line in own]
    heads = [Counter(_stems(" ".join(path))) for path in _paths(found)]
    weights = _weights(set(_stems(rule)), every, heads)
    usual = sum(line.total() for line in every) / max(1, len(every)) or 1.0
    scored = []
    for one, own, head in zip(found, lines, heads, strict=True):
        best = sorted((_score(line, weights, usual) for line in own), reverse=True)[:2]
        score = IN_HEADING * sum(weights[stem] for stem in sorted(weights) if stem in head)
        score += sum(value * share for value, share in zip(best, (1.0, SECOND), strict=False))
        scored.append((score, one))
    ranked = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: -pair[0])
    return tuple(one for _, one in ranked)


def _weights(
    asked: set[str], lines: Sequence[Counter[str]], heads: Sequence[Counter[str]]
) -> dict[str, float]:
    """What a word of the rule tells: the more, the fewer lines have it."""
    known = {stem for bag in (*lines, *heads) for stem in bag}
    having = {stem: sum(stem in line for line in lines) for stem in sorted(asked & known)}
    return {
        stem: math.log(1 + (len(lines) - number + 0.5) / (number + 0.5))
        for stem, number in having.items()
    }


def _score(line: Counter[str], weights: Mapping[str, float], usual: float) -> float:
    held = _SOON * (1 - _FLAT + _FLAT * line.total() / usual)
    return sum(
        weight * line[stem] * (_SOON + 1) / (line[stem] + held)
        for stem, weight in weights.items()
        if line[stem]
    )


def _paths(found: Sequence[Section]) -> list[tuple[str, ...]]:
    """The headings that stand over each section, its own last; the file's title is none."""
    titles = sum(one.level == 1 for one in found)
    above: list[Section] = []
    paths: list[tuple[str, ...]] = []
    for one in found:
        above = [other for other in above if other.level < one.level]
        if one.level > 1 or titles > 1:
            above.append(one)
        paths.append(tuple(other.heading for other in above if other.heading))
    return paths


def _stems(text: str) -> list[str]:
    return [word[:STEM] for word in words(text) if len(word) >= _MIN_LETTERS or not word.isascii()]
