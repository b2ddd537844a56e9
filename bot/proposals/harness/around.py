"""What stands around a tool in its files: constants, types, the functions that it calls.

Takes the places that may change; gives text of the same repository within a budget, so that a
writer knows which values are taken, which names are there and what the rest of the program does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.proposals.code import is_code
from bot.proposals.harness.functions import Function, functions_of
from bot.proposals.harness.places import Description, Place
from bot.records import SourceFile
from bot.regions import NotParsed

MAX_CHARS = 8_000
"""Of all files together: about 2,000 tokens."""
WHOLE_CHARS = 6_000
"""A file up to this size is shown whole."""
WINDOW_CHARS = 1_500
"""Before and behind the description in a longer file of data."""
HEAD_LINES = 3
"""Of a function that has nothing to do with the tool."""


def around(places: Sequence[Place]) -> str:
    """The files of `places`, the first one first, long ones in part."""
    files = {one.file.path: one.file for one in places}
    shown: list[str] = []
    left = MAX_CHARS
    for file in files.values():
        own = [one for one in places if one.file.path == file.path]
        text = _part(file, own)[:left]
        left -= len(text)
        if text:
            shown.append(f"=== {file.path} ===\n{text}")
    return "\n".join(shown)


def _part(file: SourceFile, places: Sequence[Place]) -> str:
    if len(file.text) <= WHOLE_CHARS:
        return file.text
    return _outline(file, places) if is_code(file.path) else _window(file, places)


def _window(file: SourceFile, places: Sequence[Place]) -> str:
    spans = [span for one in places for span in _spans(one)]
    start = max(0, min(low for low, _ in spans) - WINDOW_CHARS)
    end = min(len(file.text), max(high for _, high in spans) + WINDOW_CHARS)
    return f"…{file.text[start:end]}…"


def _outline(file: SourceFile, places: Sequence[Place]) -> str:
    """The file with only the heads of functions that the places do not name."""
    try:
        functions = sorted(_outermost(list(functions_of(file))), key=lambda one: one.start)
    except NotParsed:
        return _window(file, places)
    named = set(re.findall(r"\w+", "\n".join(one.text for one in places)))
    spans = [span for one in places for span in _spans(one)]
    parts, at = [], 0
    for one in functions:
        if one.name in named or any(one.start <= low < one.end for low, _ in spans):
            continue
        head = "".join(one.text.splitlines(keepends=True)[:HEAD_LINES])
        parts += [file.text[at : one.start], head, "    …\n" if head != one.text else ""]
        at = one.end
    return "".join([*parts, file.text[at:]])


def _outermost(functions: Sequence[Function]) -> Iterator[Function]:
    for one in functions:
        if not any(o.start <= one.start and one.end <= o.end and o != one for o in functions):
            yield one


def _spans(place: Place) -> Sequence[tuple[int, int]]:
    return place.region.places if isinstance(place, Description) else [(place.start, place.end)]
