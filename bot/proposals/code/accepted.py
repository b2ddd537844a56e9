"""Which values a program takes for one argument of a tool, as its own check of them says.

Takes the files of an agent and the place of the function; gives the values in their order, or None
where the code does not say it plainly: no check, several that differ, or one that is computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from bot.proposals.code.accepted_python import values_in_python
from bot.proposals.code.accepted_script import values_in_script
from bot.regions.script import SUFFIXES
from bot.regions.structure import NotParsed

MOST = 40
"""More values are data, and no list that a definition should hold."""


def accepted_values(
    path: str, place: tuple[int, int], argument: str, texts: Mapping[str, str]
) -> tuple[str, ...] | None:
    """What the function at `texts[path][start:end]` takes as `argument`.

    `texts` are the files in which a list that is imported may stand, by path.
    """
    suffix = PurePosixPath(path).suffix.lower()
    try:
        if suffix == ".py":
            found = values_in_python(path, place, argument, texts)
        elif suffix in SUFFIXES:
            found = values_in_script(path, place, argument, texts)
        else:
            return None
    except NotParsed:
        return None
    return _the_one(found)


def _the_one(found: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    """What every check lets pass, where they agree: one list, or one inside all others."""
    lists = list(dict.fromkeys(found))
    if not lists:
        return None
    least = min(lists, key=len)
    is_plain = 0 < len(set(least)) <= MOST and all(map(str.isprintable, least))
    if not is_plain or not all(set(least) <= set(one) for one in lists):
        return None
    return tuple(dict.fromkeys(least))
