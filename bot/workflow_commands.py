"""Lines on standard output that GitHub Actions acts on: annotations and masks, and none but ours.

Source of the escapes: actions/toolkit, "Workflow commands"; a message that is not escaped could end
the command and start another. A runner reads `::` where a line begins, and `##[` anywhere in it
(actions/runner, ActionCommand.cs).
"""

from __future__ import annotations

import re
from typing import IO, Any, Literal

_COMMAND = re.compile(r"^((?:[^\S\n]|\x1b\[[\d;]*m)*):(?=:)|#(?=#\[)", re.M)
_DATA = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_PROPERTY = (*_DATA, (":", "%3A"), (",", "%2C"))


def annotation(
    level: Literal["notice", "warning", "error"],
    message: str,
    *,
    title: str | None = None,
    file: str | None = None,
    line: int | None = None,
) -> str:
    """One line that shows `message` in the run, and beside `file` at `line` (from 1 on)."""
    given = {"title": title, "file": file, "line": line}
    properties = ",".join(
        f"{name}={_escaped(str(value), _PROPERTY)}"
        for name, value in given.items()
        if value is not None
    )
    return f"::{level}{' ' if properties else ''}{properties}::{_escaped(message, _DATA)}"


def mask(secret: str) -> tuple[str, ...]:
    """Lines after which a secret shows as stars in the log: each of its lines is masked alone."""
    return tuple(f"::add-mask::{_escaped(line, _DATA)}" for line in secret.splitlines() if line)


def _escaped(text: str, replacements: tuple[tuple[str, str], ...]) -> str:
    for character, escape in replacements:
        text = text.replace(character, escape)
    return text


def without_commands(text: str) -> str:
    """`text` in which a runner sees no command: a space stands in what would begin one."""
    return _COMMAND.sub(r"\g<0> ", text)


class Uncommanding:
    """A stream on which nothing that is written commands a runner.

    Names come from telemetry and stand at the beginning of lines, and a table breaks its cells
    wherever they are full.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(without_commands(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
