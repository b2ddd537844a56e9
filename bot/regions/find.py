"""A file to its regions, and a changed region to the new file, which was read before it counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from bot.records import Skipped, SourceFile
from bot.regions import python_texts, script
from bot.regions.data import data_regions
from bot.regions.environment import is_environment
from bot.regions.region import Piece, Region, rewritten, trimmed
from bot.regions.structure import NotParsed, changed_leaves
from bot.regions.writings import PLAIN, YAML_DOUBLE, YAML_PLAIN

_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n.{0,20000}?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_PROSE = frozenset(
    ".md .mdx .markdown .txt .prompt .prompty .j2 .jinja .jinja2 .tmpl .hbs .mustache "  # noqa: SIM905
    ".liquid".split()
)
_DATA = frozenset({".yaml", ".yml", ".json", ".toml"})


def find_regions(path: str, text: str) -> tuple[Region, ...]:
    """All texts of a file that may reach the model; none of a kind of file that holds no such.

    Raises:
        NotParsed: the file cannot be read as what its name says; the message says why.
    """
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in _PROSE:
        return _prose(path, text)
    if suffix in _DATA or is_environment(path):
        return data_regions(path, text)
    if suffix == ".py":
        return python_texts.python_regions(path, text)
    return script.script_regions(path, text) if suffix in script.SUFFIXES else ()


def _prose(path: str, text: str) -> tuple[Region, ...]:
    """The whole file but its front matter, which sets the model and its parameters."""
    front = _FRONT_MATTER.match(text)
    start = front.end() if front else 1 if text.startswith("\ufeff") else 0
    if not text[start:].strip():
        return ()
    piece = Piece(start=start, end=len(text), writing=PLAIN)
    return (Region(path=path, kind="prompt", anchor="", file_text=text, pieces=(piece,)),)


def write_region(file: SourceFile, region: Region, new: str) -> str | Skipped:
    """The file's text with `new` as what `region` says, changed in as few characters as can be.

    `region` is one of `find_regions` of this very text. The new file was read again: every other
    region says what it said, and the code or data around it means what it meant.
    """
    if region.pieces[-1].writing.indent and region.text.endswith("\n") > new.endswith("\n"):
        new += "\n"  # the last line of a block always has an end
    after = rewritten(region, *trimmed(region.text, new))
    problem = _problem(file, region, after, new)
    if problem is None:
        return after
    (start, end), *others = region.places
    if region.pieces[0].writing.name == YAML_PLAIN and not others:
        # What a value without quotes cannot hold, a colon for example, needs them.
        quoted = f'{file.text[:start]}"{YAML_DOUBLE.write(new)}"{file.text[end:]}'
        if _problem(file, region, quoted, new) is None:
            return quoted
    where = f"{region.anchor} in {file.path!r}" if region.anchor else repr(file.path)
    return Skipped(
        what=f"an edit of {where}",
        code="does_not_fit",
        reason=f"The text cannot be written there: {problem}.",
    )


def _problem(file: SourceFile, region: Region, after: str, wanted: str) -> str | None:
    """Why `after` is not the file with this one text changed; None where it is."""
    if after == file.text:
        return "it changes nothing"
    try:
        was, now = find_regions(file.path, file.text), find_regions(file.path, after)
        around = _around(file.path)
        if around is not None and around(file.text) != around(after):
            return "it would change what the code does"
        if PurePosixPath(file.path).suffix.lower() in _DATA or is_environment(file.path):
            changed = changed_leaves(file.path, file.text, after)
            if len(changed) != 1:
                return f"{len(changed)} values of the file would change"
    except (NotParsed, SyntaxError, ValueError) as error:
        return f"the file would not parse any more ({error})"
    at = next((n for n, one in enumerate(was) if one.places == region.places), None)
    if at is None or list(map(_lasting, was)) != list(map(_lasting, now)):
        return "the file's texts could not be told apart afterwards"
    texts = [one.text for one in was]
    texts[at] = wanted
    return None if texts == [one.text for one in now] else "it would read differently"


def _lasting(region: Region) -> str:
    """The anchor; a line number is none that lasts."""
    return "" if region.anchor.startswith("line ") else region.anchor


def _around(path: str) -> Callable[[str], object] | None:
    suffix = PurePosixPath(path).suffix.lower()
    if suffix == ".py":
        return python_texts.skeleton
    return script.skeleton if suffix in script.SUFFIXES else None
