"""May an edit of Python or TypeScript be made without asking? Pure checks on the text of a file.

Takes a file before and after; gives sentences for what it may not do: nothing is imported, reached,
started, written or allowed that was not before, no check, limit or signature is changed or gone.
Refuses nothing by itself; costs milliseconds.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from bot.proposals.code.facts import Facts, problems, words_of
from bot.proposals.code.python import python_facts
from bot.proposals.code.script import said, script_facts, script_values, walk
from bot.regions import NotParsed, choices, python, script, structure

__all__ = ["check_code", "is_code", "named_values", "said_in", "texts_only", "words_of"]


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
        skeleton = python.skeleton
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
        old, new = read(before), read(after)
    except NotParsed as error:
        yield f"{path!r} does not parse: {error}."
        return
    if choices.values_only(path, before, after):
        # Which values a definition lists for an argument is told to the model; code tests its own.
        new = replace(new, signatures=old.signatures)
    yield from (f"The edit {problem} in {path!r}." for problem in problems(old, new))


def named_values(path: str, text: str) -> Iterator[tuple[str, str]]:
    """(name, source) of what a program passes or assigns by name; other files have none."""
    if _reader(path) is script_facts:
        yield from script_values(text)
    else:
        yield from structure.named_values(path, text)


def said_in(path: str, text: str) -> str:
    """The texts and comments of a program: what is said in it, without its names.

    Raises:
        NotParsed: it cannot be read.
    """
    if _reader(path) is script_facts:
        kinds = {"comment", "string", "template_string"}
        return "\n\n".join(
            said(one) for one in walk(script.parse_script(text)) if one.type in kinds
        )
    kept = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", -1)}
    try:
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        return "\n\n".join(token.string for token in tokens if token.type in kept)
    except (tokenize.TokenError, SyntaxError) as error:
        raise NotParsed(str(error)) from error


def _reader(path: str) -> Callable[[str], Facts] | None:
    suffix = PurePosixPath(path).suffix.lower()
    if suffix == ".py":
        return python_facts
    return script_facts if suffix in script.SUFFIXES else None
