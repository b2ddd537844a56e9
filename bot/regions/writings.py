"""How a text is written inside a file: what stands for which character, and how to add more.

A `Writing` reads what stands between the quotes (or below the key) and gives the text that the
program gets, character by character with its place; and it writes new text the same way. Readers
never guess: whoever uses a writing compares what it read with what the format's own parser gives.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

Unit: TypeAlias = tuple[int, int, str]
"""(start, end, text): what stands at `raw[start:end]` means `text`, which may be empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """One way to write text. Two pieces with equal writings may be joined."""

    name: str
    units: Callable[[str], Iterator[Unit]]
    write: Callable[[str], str]
    indent: str = ""
    """Stands before every line but the first and is not part of the text."""
    separate: Callable[[str], str] | None = None
    """What closes this literal and opens one more on a line of its own, where literals that follow
    one another are one text: takes the newline with the indentation."""
    quotes: tuple[str, str] = ("", "")
    """What opens and closes a literal."""


def _characters(raw: str, start: int = 0, end: int | None = None) -> Iterator[Unit]:
    """Each character as itself; a line end is one character, however the file writes it."""
    at, end = start, len(raw) if end is None else end
    while at < end:
        width = 2 if raw.startswith("\r\n", at) else 1
        yield at, at + width, "\n" if width == 2 else raw[at]
        at += width


def _same(text: str) -> str:
    return text


PLAIN = Writing(name="plain", units=_characters, write=_same)
"""The text as it is: prose, and literals without escapes."""


def indented(indent: str, inner: Writing = PLAIN) -> Writing:
    """`inner` with `indent` before each line but the first, as in a block of YAML."""

    def units(raw: str) -> Iterator[Unit]:
        line_starts = False
        skipped_to = 0
        for start, end, text in inner.units(raw):
            if start < skipped_to:
                continue
            if line_starts and raw.startswith(indent, start):
                skipped_to = start + len(indent)
            elif line_starts:  # a blank line may end before its indentation
                blanks = len(raw[start:]) - len(raw[start:].lstrip(" \t"))
                skipped_to = start + min(blanks, len(indent))
            line_starts = raw[end - 1] == "\n"
            if start >= skipped_to or line_starts:
                yield start, end, text

    def write(text: str) -> str:
        return re.sub(r"\n(?=[^\n])", "\n" + indent, inner.write(text))

    return Writing(
        name=f"{inner.name} after {len(indent)}", units=units, write=write, indent=indent
    )


def _by_escapes(
    pattern: re.Pattern[str], meant: Callable[[str], str]
) -> Callable[[str], Iterator[Unit]]:
    def units(raw: str) -> Iterator[Unit]:
        at = 0
        for escape in pattern.finditer(raw):
            yield from _characters(raw, at, escape.start())
            yield escape.start(), escape.end(), meant(escape[0])
            at = escape.end()
        yield from _characters(raw, at)

    return units


# -- JSON and TOML -----------------------------------------------------------------------------

_JSON_ESCAPE = re.compile(
    r"(?:\\u[dD][89abAB][0-9a-fA-F]{2})(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u.{4}|\\."
)


def _json_meant(escape: str) -> str:
    return str(json.loads(f'"{escape}"'))


def _json_units(raw: str) -> Iterator[Unit]:
    return _by_escapes(_JSON_ESCAPE, _json_meant)(raw)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


JSON_STRING = Writing(name="json", units=_json_units, write=_quoted)
ASCII_JSON_STRING = Writing(
    name="json in ASCII", units=_json_units, write=lambda text: json.dumps(text)[1:-1]
)
"""For a file that writes everything else as \\u escapes."""

_TOML_ESCAPE = re.compile(r"\\(?:u.{4}|U.{8}|x..|[ \t]*\r?\n\s*|.)", re.DOTALL)


def _toml_meant(escape: str) -> str:
    if escape[1] in "uUx":
        return chr(int(escape[2:], 16))
    if escape[1:].isspace():
        return ""
    return str(json.loads(f'"{escape}"')) if escape[1] != "e" else "\x1b"


_toml_units = _by_escapes(_TOML_ESCAPE, _toml_meant)
TOML_STRING = Writing(name="toml", units=_toml_units, write=_quoted)
TOML_LINES = Writing(
    name="toml lines",
    units=_toml_units,
    write=lambda text: text.replace("\\", "\\\\").replace('"""', '""\\"'),
)


# -- YAML --------------------------------------------------------------------------------------

_FOLD = re.compile(r"[ \t]*\r?\n((?:[ \t]*\r?\n)*)[ \t]*")
_YAML_ESCAPE = re.compile(
    r"\\(?:x..|u....|U........|[ \t]*\r?\n[ \t]*|.)|[ \t]*\r?\n(?:[ \t]*\r?\n)*[ \t]*", re.DOTALL
)
_YAML_NAMED = {
    **{"0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f"},
    **{"r": "\r", "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85"},
    **{"_": "\xa0", "L": "\u2028", "P": "\u2029"},
}


def _folded(gap: str) -> str:
    """A line break is a blank, and each empty line after it a line break."""
    return "\n" * (gap.count("\n") - 1) or " "


def _yaml_meant(escape: str) -> str:
    if escape[0] != "\\":
        return _folded(escape)
    if escape[1] in "xuU":
        return chr(int(escape[2:], 16))
    return "" if escape[1:].isspace() and "\n" in escape else _YAML_NAMED.get(escape[1], "")


YAML_DOUBLE = Writing(
    name="yaml double", units=_by_escapes(_YAML_ESCAPE, _yaml_meant), write=_quoted
)
_SINGLE = re.compile(f"''|{_FOLD.pattern}")


def yaml_single(indent: str) -> Writing:
    """Between single quotes; lines after the first stand behind `indent`."""
    return Writing(
        name="yaml single",
        units=_by_escapes(_SINGLE, lambda gap: "'" if gap == "''" else _folded(gap)),
        write=lambda text: text.replace("'", "''").replace("\n", "\n\n" + indent),
    )


YAML_PLAIN = "yaml plain"


def yaml_plain(indent: str) -> Writing:
    """Without quotes; lines after the first stand behind `indent`."""
    return Writing(
        name=YAML_PLAIN,
        units=_by_escapes(_FOLD, _folded),
        write=lambda text: text.replace("\n", "\n\n" + indent),
    )


def yaml_folded(indent: str) -> Writing:
    """A block that begins with `>`: lines are joined by blanks, empty lines part paragraphs."""

    def units(raw: str) -> Iterator[Unit]:
        end = len(raw.rstrip(" \n\r\t"))
        yield from _by_escapes(_FOLD, _folded)(raw[:end])
        if end < len(raw):
            yield end, len(raw), "\n"

    def write(text: str) -> str:
        return text.replace("\n", "\n\n" + indent)

    return Writing(name=f"yaml folded after {len(indent)}", units=units, write=write, indent=indent)


# -- Python ------------------------------------------------------------------------------------

_PYTHON_ESCAPE = re.compile(r"\\(?:\r?\n|[0-7]{1,3}|x..|u....|U........|N\{[^}]*\}|.)", re.DOTALL)


def _python_meant(escape: str) -> str:
    return "" if escape[1:].isspace() and "\n" in escape else str(ast.literal_eval(f"'{escape}'"))


_python_units = _by_escapes(_PYTHON_ESCAPE, _python_meant)


def python_string(prefix: str, quote: str) -> Writing:
    """A literal of Python. What stands in braces of an f-string is text like any other here."""

    def write(text: str) -> str:
        if "r" in prefix.lower():
            return text
        escaped = text.replace("\\", "\\\\")
        return escaped if len(quote) == 3 else _one_line(escaped.replace(quote, "\\" + quote))

    return Writing(
        name=f"python {prefix.lower()}{quote}",
        units=_characters if "r" in prefix.lower() else _python_units,
        write=write,
        separate=(lambda gap: f"{quote}{gap}{prefix}{quote}") if len(quote) == 1 else None,
        quotes=(prefix + quote, quote),
    )


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")


# -- TypeScript and JavaScript -----------------------------------------------------------------

_SCRIPT_ESCAPE = re.compile(r"\\(?:u\{[0-9a-fA-F]{1,6}\}|u.{4}|x..|\r?\n|.)", re.DOTALL)
_SCRIPT_NAMED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def _script_meant(escape: str) -> str:
    kind = escape[1]
    if kind in "ux":
        return chr(int(escape[2:].strip("{}"), 16))
    return "" if kind in "\r\n" else _SCRIPT_NAMED.get(kind, kind)


_script_units = _by_escapes(_SCRIPT_ESCAPE, _script_meant)


def script_string(quote: str) -> Writing:
    """A literal of TypeScript or JavaScript; what a template puts in stays as it is written."""

    def write(text: str) -> str:
        escaped = text.replace("\\", "\\\\").replace(quote, "\\" + quote)
        return escaped.replace("${", "\\${") if quote == "`" else _one_line(escaped)

    return Writing(
        name=f"script {quote}",
        units=_script_units,
        write=write,
        separate=(lambda gap: f"{quote} +{gap}{quote}") if quote != "`" else None,
        quotes=(quote, quote),
    )
