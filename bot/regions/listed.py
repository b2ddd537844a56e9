"""One argument of a tool and the list of values that it may have, with its place in a file."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Insert:
    """A place where a list may be written that is not there yet."""

    start: int
    end: int
    """`file[start:end]` gives way to `before`, the values and `behind`."""
    before: str
    behind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """The values of one argument, or where they could be listed."""

    tool: str
    argument: str
    values: tuple[str, ...] = ()
    """Empty where the argument takes any text."""
    items: tuple[tuple[int, int], ...] = ()
    """`file[start:end]` of each value with its quotes, in their order."""
    quote: str = '"'
    default: str | None = None
    """What is taken where the argument is left out; it has to stay in the list."""
    inserts: tuple[Insert, ...] = ()
    """Tried in their order; none where there is a list."""

    @property
    def anchor(self) -> str:
        return f"{self.tool}({self.argument})"


_KEY = re.compile(r"(?P<key>(?P<quote>[\"']?)type(?P=quote))(?P<colon>\s*:\s*)\Z")


def key_before(text: str, value: tuple[int, int], *, is_block: bool = False) -> tuple[Insert, ...]:
    """Where `enum` may stand: behind the entry `type: "string"`, whose value is at `value`.

    `is_block`: the format also has entries on lines of their own, without commas.
    """
    key = _KEY.search(text, max(0, value[0] - 40), value[0])
    if key is None:
        return ()
    name = key["key"].replace("type", "enum") + key["colon"]
    blanks = re.search(r"\s*\Z", text[: key.start()])
    gap = blanks[0] if blanks else ""
    at = value[1]
    found = [Insert(start=at, end=at, before=f",{gap or ' '}{name}[", behind="]")]
    rest = re.compile(r"[ \t]*(?:#[^\n]*)?(?=\r?\n|\Z)").match(text, at)
    if is_block and rest is not None:
        column = key.start() - (text.rfind("\n", 0, key.start()) + 1)
        newline = "\r\n" if text.startswith("\r\n", rest.end()) else "\n"
        before = f"{newline}{' ' * column}{name}["
        found.insert(0, Insert(start=rest.end(), end=rest.end(), before=before, behind="]"))
    return tuple(found)
