"""Lines on standard output that GitHub Actions acts on: annotations and masks.

Source of the escapes: actions/toolkit, "Workflow commands"; a message that is not escaped could end
the command and start another.
"""

from __future__ import annotations

from typing import Literal

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
