"""A captured text to the texts of the repository that it was made of, and the commits they were in.

Takes an index of the history and a captured text; gives a `VersionMatch`, `none` included. The best
text explains the largest part, then the rest is looked up again: a prompt may be put together from
several files, and one file may be filled into another.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.records import CapturedText, CommitRange, FileHistory, MatchedPart, VersionMatch
from bot.versions.align import Alignment, Text, align, read_text
from bot.versions.index import Index, Place, Span, Version, common, merged
from bot.versions.templates import canonical

MAX_PARTS = 12
CANDIDATES = 120
"""Versions that are put beside a captured text word by word; all others share less with it."""
NEAR = 0.4
WHOLE = 0.8
MIN_COVERAGE = 0.6
MIN_EVIDENCE_TOKENS = 12
"""A shorter text counts only where it is the whole captured text."""
CLEAR_EVIDENCE_TOKENS = 20
"""From here on, a text that is there to the letter counts wherever it stands."""
CUT_EVIDENCE_TOKENS = 24
MIN_EXPLAINED = 0.5
ALL_BUT = 0.98
MOSTLY = 0.8
LEAST_BESIDE = 0.2
"""How long a text that is there whole must be beside a longer one that is there in parts."""
MAX_PIECES_SHOWN = 10
NEAREST = 0.15
"""Share of the captured text below which nothing is even near."""

CUT_MARK_CHARS = 200
_CUT_MARK = re.compile(
    r"(?:\s*(?:\.{3}|…|[\[(<]{0,3}(?:truncated|cut|omitted)\b[^\n]{0,60})){1,3}\s*\Z", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Best:
    """The versions that explain a part best; more than one where nothing tells them apart."""

    versions: tuple[Version, ...]
    alignment: Alignment


def match_text(captured: CapturedText, index: Index) -> VersionMatch:
    """Find where a captured text comes from. Costs some milliseconds and no model call."""
    return explained_by(captured, index)[0]


def spoken_of(captured: CapturedText) -> tuple[str, bool]:
    """The tokens of a captured text, and whether its sender cut it."""
    text = captured.text
    ending = _CUT_MARK.sub("", text[-CUT_MARK_CHARS:])
    shortened = text[:-CUT_MARK_CHARS] + ending
    return canonical(shortened), captured.is_cut or len(shortened) < len(text)


def explained_by(
    captured: CapturedText, index: Index
) -> tuple[VersionMatch, tuple[tuple[Version, ...], ...], tuple[Alignment, ...]]:
    """The match, with the versions of each part and how they lie in the text."""
    spoken, is_cut = spoken_of(captured)
    text = read_text(spoken, index)
    whole = len(text.tokens) - 1
    parts: list[_Best] = []
    nearest: _Best | None = None
    free: list[tuple[int, int]] = [(0, whole)]
    for _ in range(MAX_PARTS):
        best = _best(text, index, free, is_cut=is_cut)
        nearest = nearest or best
        if best is None or not _counts(best, whole):
            break
        parts.append(best)
        free = _without(free, best.alignment.covered)
    parts = _without_values(parts)
    explained = _explained(parts, whole)
    if not _is_match(parts, explained):
        return _no_match(captured, nearest, whole, index.history), (), ()
    match = _matched(captured, parts, explained, text, index.history)
    return match, tuple(one.versions for one in parts), tuple(one.alignment for one in parts)


def _best(
    text: Text, index: Index, free: Sequence[tuple[int, int]], *, is_cut: bool
) -> _Best | None:
    """The version with the highest score and those that are exactly as good."""
    found: list[tuple[int, int, Alignment, Version]] = []
    for number in _candidates(text, index, free):
        version = index.versions[number]
        alignment = align(version.template, text, free, is_cut=is_cut)
        if alignment.literal:
            found.append((alignment.score, -alignment.added, alignment, version))
    if not found:
        return None
    best = max(found, key=_merit)
    to_the_letter = [one for one in found if _is_clear(one[2])]
    if to_the_letter:
        # A text that is there whole outdoes a longer one of which only parts are: that one was
        # filled in. But a section does not outdo its own file.
        other = max(to_the_letter, key=_merit)
        own = {place.path for place in best[3].places}
        is_apart = own.isdisjoint(place.path for place in other[3].places)
        if is_apart and other[2].literal >= LEAST_BESIDE * best[2].literal:
            best = other
    equal = tuple(one[3] for one in found if one[:2] == best[:2])
    return _Best(equal, best[2])


def _merit(one: tuple[int, int, Alignment, Version]) -> tuple[int, int, int]:
    return (one[0], one[1], one[2].evidence)


def _candidates(text: Text, index: Index, free: Sequence[tuple[int, int]]) -> list[int]:
    """Numbers of the versions that share most with what is still free."""
    shared: Counter[int] = Counter()
    for piece, places in text.found.items():
        weight = len(piece) - 1
        if any(a <= at and at + weight <= b for at in places for a, b in free):
            for number in index.holders[piece]:
                shared[number] += weight
    most = max(shared.values(), default=0)
    balance = {
        number: 2 * chars - index.required_chars[number]
        for number, chars in shared.items()
        # What shares far less than another, and is not even whole, cannot be the best.
        if chars >= NEAR * most or chars >= WHOLE * index.required_chars[number]
    }
    if len(balance) <= CANDIDATES:
        return list(balance)
    chosen = dict.fromkeys(sorted(balance, key=lambda n: -balance[n])[: CANDIDATES // 2])
    # A text that was cut lacks much of the right version too: what is shared decides then.
    chosen |= dict.fromkeys(number for number, _ in shared.most_common(CANDIDATES // 2))
    return list(chosen)


def _counts(best: _Best, whole: int) -> bool:
    """Whether a part is surely of this text: not a sentence that everybody writes."""
    found = best.alignment
    if found.is_cut and found.evidence < CUT_EVIDENCE_TOKENS:
        return False
    if found.literal >= ALL_BUT * whole and found.coverage >= ALL_BUT:
        return True
    return (
        found.evidence >= MIN_EVIDENCE_TOKENS
        and found.coverage >= MIN_COVERAGE
        and found.literal >= MIN_COVERAGE * (found.literal + found.added)
    )


def _is_exact(found: Alignment) -> bool:
    return not found.missing_pieces and not found.added


def _is_clear(found: Alignment) -> bool:
    least = CUT_EVIDENCE_TOKENS if found.is_cut else CLEAR_EVIDENCE_TOKENS
    return _is_exact(found) and found.evidence >= least


def _is_match(parts: Sequence[_Best], explained: float) -> bool:
    clear = any(_is_clear(part.alignment) for part in parts)
    return bool(parts) and (explained >= MIN_EXPLAINED or clear)


def _without_values(parts: Sequence[_Best]) -> list[_Best]:
    """Leave out what was only filled into another part: a text from elsewhere, not an include."""
    return [
        part
        for part in parts
        if not any(
            _is_clear(outer.alignment)
            and _is_inside(part.alignment, outer.alignment)
            and not (_is_exact(part.alignment) and common(_spans(part), _spans(outer)))
            for outer in parts
            if outer is not part
        )
    ]


def _is_inside(inner: Alignment, outer: Alignment) -> bool:
    """Nearly all: the sentences that both have may stand outside too."""
    within = sum(
        max(0, min(end, b) - max(start, a))
        for start, end in inner.covered
        for a, b in outer.filled_spans
    )
    return within >= MOSTLY * inner.literal


def _spans(part: _Best) -> tuple[Span, ...]:
    return merged([span for version in part.versions for span in version.spans])


def _explained(parts: Sequence[_Best], whole: int) -> float:
    """Share of the text that is literally there or was filled in where that may be."""
    spans = [span for part in parts for span in part.alignment.covered]
    spans += [span for part in parts for span in part.alignment.filled_spans]
    return sum(end - start for start, end in merged(spans)) / whole if whole else 0.0


def _without(
    free: Iterable[tuple[int, int]], covered: Iterable[tuple[int, int]]
) -> list[tuple[int, int]]:
    left: list[tuple[int, int]] = []
    taken = merged(list(covered))
    for start, end in free:
        for a, b in taken:
            if a < end and start < b:
                if start < a:
                    left.append((start, a))
                start = max(start, b)
        if start < end:
            left.append((start, end))
    return left


# -- what is said of it ----------------------------------------------------------------------------


def _matched(
    captured: CapturedText,
    parts: Sequence[_Best],
    explained: float,
    text: Text,
    history: FileHistory,
) -> VersionMatch:
    together: tuple[Span, ...] = ((0, len(history.commits)),)
    for part in parts:
        together = common(together, _spans(part))
    is_exact = all(_is_exact(part.alignment) for part in parts)
    ranges = tuple(_range(span, history) for span in together)
    served = _served(captured, ranges)
    whole = len(text.tokens) - 1
    shown = tuple(_part(part, text, whole, together) for part in parts)
    return VersionMatch(
        captured=captured,
        result="exact" if is_exact and ranges else "edited",
        parts=shown,
        ranges=ranges,
        served=served,
        explained=min(1.0, explained),
        why=_why(shown, is_exact=is_exact, served=served),
    )


def _part(best: _Best, text: Text, whole: int, together: Sequence[Span]) -> MatchedPart:
    places = [place for version in best.versions for place in version.places]
    newest = max(places, key=lambda place: _rank(place, together))
    others = sorted({place.path for place in places} - {newest.path})
    found = best.alignment
    return MatchedPart(
        path=newest.path,
        region=newest.region,
        coverage=found.coverage,
        share=found.literal / whole if whole else 0.0,
        also_in=tuple(others),
        missing=found.missing_pieces[:MAX_PIECES_SHOWN],
        added=tuple(
            text.tokens[start:end].strip() for start, end in found.added_spans[:MAX_PIECES_SHOWN]
        ),
    )


def _rank(place: Place, together: Sequence[Span]) -> tuple[int, int, int]:
    """The place that was there when the text was in force, last; of equals the whole file."""
    shared = common(place.spans, tuple(together))
    return (shared[-1][1] if shared else -1, place.spans[-1][1], -len(place.region))


def _range(span: Span, history: FileHistory) -> CommitRange:
    first, end = span
    is_now = end == len(history.commits)
    return CommitRange(
        first_sha=history.commits[first].sha,
        first_at=history.commits[first].at,
        last_sha=history.commits[end - 1].sha,
        until=None if is_now else history.commits[end].at,
    )


def _served(captured: CapturedText, ranges: Sequence[CommitRange]) -> CommitRange | None:
    """The last range that began before the first conversation; else the first one."""
    if not ranges or captured.first_at is None:
        return ranges[-1] if ranges else None
    before = [one for one in ranges if one.first_at <= captured.first_at]
    return before[-1] if before else ranges[0]


def _why(parts: Sequence[MatchedPart], *, is_exact: bool, served: CommitRange | None) -> str:
    first = parts[0]
    named = f"{first.path} {first.region}".strip()
    more = f" and {len(parts) - 1} more" if len(parts) > 1 else ""
    if served is None:
        return f"It is made of {named}{more}, but no commit has all of these texts together."
    if is_exact:
        return f"It is {named}{more} as of {served.first_sha[:12]}."
    return f"No commit has this text; {named}{more} as of {served.first_sha[:12]} is nearest."


def _no_match(
    captured: CapturedText, nearest: _Best | None, whole: int, history: FileHistory
) -> VersionMatch:
    near = nearest is not None and nearest.alignment.literal >= NEAREST * whole
    shown: tuple[MatchedPart, ...] = ()
    why = "No file of the history resembles it."
    if nearest is not None and near:
        found = nearest.alignment
        part = _part(nearest, Text("", {}), whole, ((0, len(history.commits)),))
        shown = (replace(part, added=()),)
        why = (
            f"The nearest, {part.path} {part.region}".rstrip()
            + f", has {part.share:.0%} of it in common and {found.coverage:.0%} of its own text: "
            "too little to be the same."
        )
    return VersionMatch(
        captured=captured,
        result="none",
        parts=shown,
        ranges=(),
        served=None,
        explained=0.0,
        why=why,
    )
