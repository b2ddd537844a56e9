"""Many texts of few templates: each template is looked up once, its other instances are recognised.

A product has some prompts and fills in a name or a date for every conversation. Two texts that
differ only in what was filled in have the same origin, and to see that takes a few searches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bot.records import CapturedText, VersionMatch
from bot.versions.align import Alignment, read_text
from bot.versions.index import KEY_TOKENS, Index, Version, merged
from bot.versions.match import explained_by, spoken_of

REMEMBERED = 12
"""Templates of one agent's prompt, or of one tool, the latest first."""
AROUND_CHARS = 400
SEARCHES = 64
"""Gaps of one text; with more of them nothing is gained."""


@dataclass(frozen=True, slots=True)
class _Mould:
    """A text that was matched, without what was filled in."""

    match: VersionMatch
    stretches: tuple[str, ...]
    """What stands between the gaps, in order; the first and the last may be empty."""
    own: frozenset[str]
    """The pieces of its template."""
    rivals: tuple[str, ...]
    """Short pieces that only other versions of these files have: they are not looked up by their
    start, and in a gap they would speak for such a version."""


def match_texts(texts: Iterable[CapturedText], index: Index) -> Iterator[VersionMatch]:
    """`match_text` for many texts, in their order; quicker where they are instances of a few."""
    moulds: dict[tuple[str, str, str], list[_Mould]] = {}
    for captured in texts:
        known = moulds.setdefault((captured.agent, captured.kind, captured.name), [])
        spoken, is_cut = spoken_of(captured)
        mould = None if is_cut else next((m for m in known if _fits(m, spoken, index)), None)
        if mould is not None:
            known.remove(mould)
            known.insert(0, mould)
            yield replace(mould.match, captured=captured)
            continue
        match, versions, alignments = explained_by(captured, index)
        if match.result == "exact" and not any(one.is_cut for one in alignments):
            known.insert(0, _mould(match, versions, alignments, spoken, index))
            del known[REMEMBERED:]
        yield match


def _mould(
    match: VersionMatch,
    versions: Iterable[tuple[Version, ...]],
    alignments: Iterable[Alignment],
    spoken: str,
    index: Index,
) -> _Mould:
    found = tuple(alignments)
    covered = merged([span for one in found for span in one.covered])
    gaps = merged([span for one in found for span in one.filled_spans if span[0] < span[1]])
    stretches: list[str] = []
    at = 0
    for start, end in _minus(gaps, covered):
        stretches.append(spoken[at:start])
        at = end
    stretches.append(spoken[at:])
    own = [version for group in versions for version in group]
    pieces = frozenset(piece.text for version in own for piece in version.template.pieces)
    return _Mould(match, tuple(stretches), pieces, _rivals(own, pieces, index))


def _minus(
    spans: Iterable[tuple[int, int]], taken: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    others = list(taken)
    for start, end in spans:
        for a, b in others:
            if a < end and start < b:
                if start < a:
                    yield start, a
                start = max(start, b)
        if start < end:
            yield start, end


def _rivals(own: Iterable[Version], ours: frozenset[str], index: Index) -> tuple[str, ...]:
    paths = {place.path for version in own for place in version.places}
    return tuple(
        dict.fromkeys(
            piece.text
            for version in index.versions
            if any(place.path in paths for place in version.places)
            for piece in version.template.pieces
            if piece.tokens < KEY_TOKENS and piece.text not in ours
        )
    )


def _fits(mould: _Mould, spoken: str, index: Index) -> bool:
    """The text is that mould with other values, and no value speaks for another version."""
    first, *inner = mould.stretches
    if not inner or len(inner) > SEARCHES:
        return spoken == first if not inner else False
    *inner, last = inner
    if not spoken.startswith(first) or not spoken.endswith(last):
        return False
    at, end = len(first), len(spoken) - len(last)
    gaps: list[tuple[int, int]] = []
    for stretch in inner:
        place = spoken.find(stretch, at, end)
        if place < 0:
            return False
        gaps.append((at, place))
        at = place + len(stretch)
    if at > end:
        return False
    gaps.append((at, end))
    return not any(_speaks_for_another(mould, spoken, gap, index) for gap in gaps)


def _speaks_for_another(mould: _Mould, spoken: str, gap: tuple[int, int], index: Index) -> bool:
    """A piece that the mould's template has not lies in this gap, or reaches into it."""
    start, end = gap
    low = max(0, spoken.rfind(" ", 0, max(1, start - AROUND_CHARS)))
    high = spoken.find(" ", end + AROUND_CHARS)
    near = spoken[low : len(spoken) if high < 0 else high + 1]
    start, end = start - low, end - low
    if any(rival in near[max(0, start - len(rival)) : end + len(rival)] for rival in mould.rivals):
        return True
    return any(
        place < end and start < place + len(piece) - 1
        for piece, places in read_text(near, index).found.items()
        if piece not in mould.own
        for place in places
    )
