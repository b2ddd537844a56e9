"""Files of the environment: lines of `NAME=value`, as docker and dotenv read them.

A value with an escape or a reference in it is left out: programs do not agree on what it means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

_LINE = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*"
    r"(?:\"(?P<double>[^\"\\\n$`]*)\"|'(?P<single>[^'\n]*)'|(?P<bare>[^\s\"'#\\$`][^\"'#\\$`\n\r]*?))"
    r"[ \t]*(?:#[^\n]*)?\r?$",
    re.MULTILINE,
)


_LISTED = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>[-+]?\d[\d_]*(?:\.\d+)?)")


def listed_number(text: str) -> tuple[str, str] | None:
    """(name, digits) of an item `MAX_STEPS=7`, as a list of variables has it; else None."""
    found = _LISTED.fullmatch(text)
    return (found["name"], found["value"]) if found is not None else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """One variable and where its value stands, without its quotes."""

    name: str
    value: str
    start: int
    end: int


def is_environment(path: str) -> bool:
    """`.env`, `.env.local`, `desk.env`."""
    name = PurePosixPath(path).name.lower()
    return name == ".env" or name.startswith(".env.") or name.endswith(".env")


def variables(text: str) -> Iterator[Variable]:
    """The variables whose value is plain; one that stands twice is left out, for it is unclear."""
    found = list(_LINE.finditer(text))
    names = [one["name"] for one in found]
    for one in found:
        group = next(name for name in ("double", "single", "bare") if one[name] is not None)
        if names.count(one["name"]) == 1:
            yield Variable(
                name=one["name"], value=one[group], start=one.start(group), end=one.end(group)
            )
