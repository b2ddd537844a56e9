"""Does a rule in other words go back to the section that it was taken out of?

A line of a real prompt is taken out, and the placement is asked where the same rule belongs, in a
reader's words. Beside it: chance, and the section with most text.
"""

from __future__ import annotations

from bench.known_lines import LINES
from bench.planted import SAMPLES
from bot.proposals.nearest import nearest_sections
from bot.proposals.sections import Section, sections


def measure() -> list[str]:
    """The lines of the section."""
    first = among = largest = 0
    chance = 0.0
    missed: list[str] = []
    for file, begins, rule in LINES:
        text, right = _without(file, begins)
        found = nearest_sections(text, rule)
        names = [_heading(one) for one in found]
        own = [one for one in sections(text) if text[one.start : one.end].strip()]
        chance += 1 / len(own)
        largest += _heading(max(own, key=lambda one: one.end - one.start)) == right
        among += right in names[:3]
        if names[:1] == [right]:
            first += 1
        else:
            got = names[0] if names else "none"
            missed.append(f"| {file} | `{begins}` | {right or 'top'} | {got or 'top'} |")
    total = len(LINES)
    return [
        f"{total} lines of the real prompts, each taken out and asked for in other words: the "
        f"right section comes first for {first} of {total} ({first / total:.0%}) and is among the "
        f"first three for {among} ({among / total:.0%}). By chance it would be "
        f"{chance / total:.0%}, with always the largest section {largest / total:.0%}. The "
        "paraphrases were written by hand and before the placement; its weights were chosen on "
        "these lines among a few dozen, so other prompts may do a little worse. The writer is told "
        "of three sections and decides.",
        "",
        "| prompt | line taken out | its section | first |",
        "|---|---|---|---|",
        *missed,
    ]


def _without(file: str, begins: str) -> tuple[str, str]:
    """The prompt without the line, and the heading of the section that it stood in."""
    text = (SAMPLES / "agents" / file).read_text("utf-8")
    at = text.index(begins)
    if text.count(begins) != 1:
        raise ValueError(f"{file}: {begins!r} stands {text.count(begins)}x")
    here = [one for one in sections(text) if one.start <= at][-1]
    end = text.find("\n", at)
    return text[:at] + text[end + 1 :], _heading(here)


def _heading(section: Section) -> str:
    return section.heading
