"""The part of a body that asks people: one box for each example, and its text below it in code."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent, wrap

from bot.boxes import keep_box
from bot.figures import count, percent
from bot.markdown import code_span, fence, prose
from bot.records import Choice

SHOWN = 20
_CHARS = {"request": 500, "answer": 900, "seed_request": 200, "seed_answer": 400}
"""Twenty choices of this length leave room for the rest; the whole text stands in the file."""
_WHY_CHARS = 600
_SAID_CHARS = 240
_COLUMNS = 96


def questions_section(choices: Sequence[Choice]) -> str:
    """All boxes, or nothing. Texts stand indented: a line of theirs can be no box."""
    if not choices:
        return ""
    head = (
        f"**Which would you train on?** {count(len(choices), 'example')}: a tick keeps one, "
        "no tick at the merge rejects it. (Without boxes: write `true` behind `keep` in the file.)"
    )
    return "\n\n".join([head, *map(_question, choices[:SHOWN])])


def _question(one: Choice) -> str:
    texts = {name: _wrapped(getattr(one, name), most) for name, most in _CHARS.items()}
    new = fence(f"USER\n{texts['request']}\n\nANSWER\n{texts['answer']}")
    seed = fence(f"USER\n{texts['seed_request']}\n\nANSWER, CORRECTED\n{texts['seed_answer']}")
    said = "".join(f" {code_span(words[:_SAID_CHARS])}" for words in one.said if words)
    # Without a blank line before the code, which would set the box on a line of its own.
    return (
        f"{keep_box(one.id)} **{one.variant}**, confidence {percent(one.confidence)}: "
        f"{prose(one.why, _WHY_CHARS)}.{said}\n{indent(new, '  ')}\n\n"
        "<details><summary>Made of this answer, as a person corrected it "
        f"({one.id} in the file)</summary>\n\n"
        f"{indent(seed, '  ')}\n\n</details>"
    )


def _wrapped(text: str, most: int) -> str:
    """Cut to `most` signs and wrapped, as GitHub does not wrap code."""
    cut = text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
    return "\n".join(line for part in cut.splitlines() for line in wrap(part, _COLUMNS) or [""])
