"""Where the description of a tool speaks of one of its arguments.

Knows the styles of Google (`date: The day.` below `Args:`), Sphinx (`:param date: The day.`) and
NumPy (`date : str` with the words below it).
"""

from __future__ import annotations

import re


def argument_span(text: str, argument: str) -> tuple[int, int] | None:
    """`text[start:end]` describes `argument`; None where no line is about it."""
    name = re.escape(argument)
    head = re.compile(
        rf"^(?P<indent>[ \t]*)(?:[-*][ \t]+)?"
        rf"(?::param[ \t]+(?:\S+[ \t]+)?{name}:|(?P<numpy>{name}[ \t]+:[ \t])"
        rf"|\*{{0,2}}`{{0,2}}{name}`{{0,2}}(?:[ \t]*\([^)\n]*\))?:)[ \t]*(?P<said>.*)$",
        re.MULTILINE,
    )
    found = list(head.finditer(text))
    if len(found) != 1:
        return None
    start, end = found[0].start("said"), found[0].end()
    below = re.compile(rf"\n{found[0]['indent']}[ \t]+\S.*")
    first = end
    while (line := below.match(text, end)) is not None:
        end = line.end()
    if found[0]["numpy"] is not None:  # the line of the name has the type
        start = first
    said = text[start:end]
    if not said.strip():
        return None
    return start + len(said) - len(said.lstrip()), start + len(said.rstrip())
