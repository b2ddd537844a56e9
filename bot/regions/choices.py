"""The values that an argument of a tool may have, where its definition lists them or could.

Takes the text of one file: JSON, YAML, Python or TypeScript; gives the lists (`enum`, `Literal`,
`z.enum`), and the plain texts that may get one. `write_choices` gives the file with one list
changed and nothing else, or a sentence that says why not. No I/O.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from bot.records import Skipped, SourceFile
from bot.regions import choices_data, choices_python, choices_script
from bot.regions.listed import Listed
from bot.regions.script import SUFFIXES
from bot.regions.structure import NotParsed

__all__ = ["Listed", "find_choices", "unlisted", "values_only", "write_choices"]

_DATA = frozenset({".json", ".yaml", ".yml"})
_PLAIN = re.compile(r"\w[\w ./:+-]{0,59}")
"""A value that stands between quotes as it is."""
_BETWEEN = re.compile(r"[\s,|-]*")


def find_choices(path: str, text: str) -> tuple[Listed, ...]:
    """All arguments of tools in a file that have a list of values or may get one.

    Raises:
        NotParsed: the file cannot be read as what its name says.
    """
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in _DATA:
        return tuple(choices_data.listed(path, text))
    if suffix == ".py":
        return tuple(choices_python.listed(text))
    return tuple(choices_script.listed(text)) if suffix in SUFFIXES else ()


def write_choices(file: SourceFile, choices: Listed, values: Sequence[str]) -> str | Skipped:
    """The file's text with `values` as the list of one argument, read again before it counts.

    `choices` is one of `find_choices` of this very text.
    """
    problem = "a value needs more than letters, digits and blanks"
    if choices.default is not None and choices.default not in values:
        problem = "its default is not among the values"
    elif values and all(map(_PLAIN.fullmatch, values)):
        problem = "comments or code stand between the values"
        for after in _candidates(file.text, choices, values):
            if _is_right(file, choices, values, after):
                return after
            problem = "it would read differently"
    return Skipped(
        what=f"the values of {choices.anchor} in {file.path!r}",
        code="does_not_fit",
        reason=f"The list cannot be written there: {problem}.",
    )


def values_only(path: str, before: str, after: str) -> bool:
    """The change is in lists of an argument's values, and in nothing else.

    Raises:
        NotParsed: one of the two cannot be read.
    """
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in _DATA:
        return choices_data.around(path, before) == choices_data.around(path, after)
    if suffix == ".py":
        return choices_python.around(before) == choices_python.around(after)
    return choices_script.around(before) == choices_script.around(after)


def unlisted(path: str, text: str) -> str:
    """The text of a file without the values in such lists; whole where it cannot be read."""
    try:
        spans = sorted({span for one in find_choices(path, text) for span in one.items})
    except NotParsed:
        return text
    for start, end in reversed(spans):
        text = text[:start] + text[end:]
    return text


def _candidates(text: str, choices: Listed, values: Sequence[str]) -> Iterator[str]:
    """Ways to write it, the one most like the file first."""
    for quote in dict.fromkeys((choices.quote, '"')):
        written = [f"{quote}{value}{quote}" for value in values]
        if choices.items:
            separator = _separator(text, choices)
            if separator is not None:
                (start, _), (_, end) = choices.items[0], choices.items[-1]
                yield text[:start] + separator.join(written) + text[end:]
        for one in choices.inserts:
            listed = ", ".join(written)
            yield text[: one.start] + one.before + listed + one.behind + text[one.end :]


def _separator(text: str, choices: Listed) -> str | None:
    """What stands between two values; None where that is more than layout."""
    items = choices.items
    between = [text[end:start] for (_, end), (start, _) in pairwise(items)]
    if not between:
        line = text[text.rfind("\n", 0, items[0][0]) + 1 : items[0][0]]
        return f"\n{line}" if re.fullmatch(r"\s*- +", line) else ", "
    if not all(map(_BETWEEN.fullmatch, between)):
        return None
    return Counter(between).most_common(1)[0][0]


def _is_right(file: SourceFile, choices: Listed, values: Sequence[str], after: str) -> bool:
    """Read again, this one list says `values`, and all else what it said."""
    try:
        was, now = find_choices(file.path, file.text), find_choices(file.path, after)
        if not values_only(file.path, file.text, after):
            return False
    except NotParsed:
        return False
    at = was.index(choices)
    wanted = [(one.anchor, tuple(values) if n == at else one.values) for n, one in enumerate(was)]
    return wanted == [(one.anchor, one.values) for one in now]
