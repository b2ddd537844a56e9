"""Error, preference or noise: what a correction says of the agent.

Takes all corrections that are known and gives them back, each with its nature. Refuses nothing and
costs nothing. An error is a fact that was wrong: one is enough to look at. A preference counts only
where people agree. Noise says nothing: a slip of the pen, an edit that was taken back, and a type
of edit that people make in both directions, for what one reviewer adds the next one removes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bot.records import Correction, CorrectionNature, in_time

AGREEMENT = 0.6
"""Of the edits of a type and of its opposite, the share that must go one way."""
MIN_CONTESTED = 3
"""So many edits the other way are a disagreement and not a slip."""

_Way = tuple[str, frozenset[tuple[str, str]], str]
"""Agent, segments, type."""
_FACTS = frozenset({"facts_changed", "facts_added", "facts_removed"})
_ERROR = re.compile(
    r"(?:^|_)(?:fact|facts|factual|factually|wrong|error|incorrect|inaccurate|hallucination|"
    r"hallucinated|outdated|misquoted|miscalculated|false)(?:_|$)"
)
_OPPOSITES = {
    "removed": "added",
    "added": "removed",
    "shortened": "lengthened",
    "lengthened": "shortened",
    "tone_less_formal": "tone_more_formal",
    "tone_more_formal": "tone_less_formal",
}


def with_natures(corrections: Sequence[Correction]) -> tuple[Correction, ...]:
    """The same corrections in the same order, each told apart by all of them together."""
    taken_back = _taken_back(corrections)
    directions = Counter((*_where(one), type) for one in corrections for type in one.types[:1])
    return tuple(
        replace(one, nature="noise" if one.id in taken_back else _nature(one, directions))
        for one in corrections
    )


def _nature(correction: Correction, directions: Mapping[_Way, int]) -> CorrectionNature:
    if not correction.types:
        return "noise"
    leading = correction.types[0]
    if leading in _FACTS or (correction.type_source == "declared" and _ERROR.search(leading)):
        return "error"
    there = directions[(*_where(correction), leading)]
    back = directions[(*_where(correction), opposite(leading) or "")]
    contested = min(there, back) >= MIN_CONTESTED and there < AGREEMENT * (there + back)
    return "noise" if contested else "preference"


def _where(correction: Correction) -> tuple[str, frozenset[tuple[str, str]]]:
    """Shorter for one segment and longer for another is no disagreement."""
    return correction.agent, frozenset(correction.segments.items())


def opposite(type: str) -> str | None:
    """The type of an edit that takes this one back; None where there is no such type."""
    if type in _OPPOSITES:
        return _OPPOSITES[type]
    stem, _, end = type.rpartition("_")
    return f"{stem}_{_OPPOSITES[end]}" if stem and end in {"removed", "added"} else None


def _taken_back(corrections: Iterable[Correction]) -> set[str]:
    """Ids of edits that a later one undid, and of those that did; a chain of both too."""
    seen: dict[tuple[str, str | None, str, str], list[str]] = {}
    found: set[str] = set()
    for one in sorted(corrections, key=in_time):
        before, after = _plain(one.original), _plain(one.corrected)
        undone = seen.get((one.agent, one.conversation_id, after, before))
        if undone:
            found |= {one.id, undone.pop()}
        else:
            seen.setdefault((one.agent, one.conversation_id, before, after), []).append(one.id)
    return found


def _plain(text: str) -> str:
    return " ".join(text.split())
