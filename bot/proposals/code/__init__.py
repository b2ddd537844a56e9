"""May an edit of Python or TypeScript be made without asking? Pure checks on the text of a file.

Takes a file before and after; gives sentences for what it may not do: nothing is imported, reached,
started, written or allowed that was not before, no check, limit or signature is changed or gone.
Refuses nothing by itself; costs milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from bot.proposals.code.facts import Facts, problems, words_of
from bot.proposals.code.python import python_facts
from bot.proposals.code.reach import python_reach, script_reach
from bot.proposals.code.script import script_facts, script_values
from bot.proposals.code.texts import (
    directives,
    python_names,
    python_texts,
    script_names,
    script_texts,
    spelled_out,
)
from bot.regions import NotParsed, choices, script, structure
from bot.regions.python_texts import skeleton as python_skeleton

__all__ = [
    "check_code",
    "is_code",
    "named_values",
    "names_in",
    "said_in",
    "texts_only",
    "words_of",
]


def is_code(path: str) -> bool:
    """The file is a program that can be checked."""
    return _reader(path) is not None


def texts_only(path: str, before: str, after: str) -> bool:
    """The change is in what texts of a program say, and in nothing that it does.

    Raises:
        NotParsed: one of the two cannot be read.
    """
    skeleton: Callable[[str], object] = script.skeleton
    if _reader(path) is python_facts:
        skeleton = python_skeleton
    try:
        return skeleton(before) == skeleton(after)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise NotParsed(str(error)) from error


def check_code(path: str, before: str, after: str) -> Iterator[str]:
    """What a change of a program does that it may not, one sentence each.

    A file that is no program in a language that we read has nothing to say.
    """
    read = _reader(path)
    if read is None:
        return
    try:
        old, new = _with_reach(path, read(before), before), _with_reach(path, read(after), after)
    except NotParsed as error:
        yield f"{path!r} does not parse: {error}."
        return
    if choices.values_only(path, before, after):
        # Which values a definition lists for an argument is told to the model; code tests its own.
        new = replace(new, signatures=old.signatures, calls=old.calls)
    yield from (f"The edit {problem} in {path!r}." for problem in problems(old, new))


def named_values(path: str, text: str) -> Iterator[tuple[str, str]]:
    """(name, source) of what a program passes or assigns by name; other files have none."""
    if _reader(path) is script_facts:
        yield from script_values(text)
    else:
        yield from structure.named_values(path, text)


def said_in(path: str, text: str) -> list[str]:
    """The comments and texts of a program, without escapes and without the code in them.

    Raises:
        NotParsed: it cannot be read.
    """
    return python_texts(text) if _reader(path) is python_facts else script_texts(text)


def names_in(path: str, text: str) -> list[str]:
    """The longer names of a program, each as the words that a reader sees in it.

    Raises:
        NotParsed: it cannot be read.
    """
    read = python_names if _reader(path) is python_facts else script_names
    try:
        return list(spelled_out(read(text)))
    except (SyntaxError, ValueError, RecursionError) as error:
        raise NotParsed(str(error)) from error


def _with_reach(path: str, facts: Facts, text: str) -> Facts:
    is_python = _reader(path) is python_facts
    called, written = python_reach(text) if is_python else script_reach(text)
    return replace(facts, calls=called, written=written, directives=directives(text))


def _reader(path: str) -> Callable[[str], Facts] | None:
    suffix = PurePosixPath(path).suffix.lower()
    if suffix == ".py":
        return python_facts
    return script_facts if suffix in script.SUFFIXES else None
