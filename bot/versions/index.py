"""All texts of the watched files through their history, ready to be looked up by what they say.

Blobs repeat from commit to commit and sentences from blob to blob: each is read once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bot.records import FileHistory
from bot.versions.regions import Hidden, Region, regions_of
from bot.versions.templates import MAX_CHARS, TOKEN, Template

KEY_TOKENS = 3
"""A piece is found by this many tokens at its start; shorter ones only between others."""

RUN_TOKENS = 5

Span = tuple[int, int]
"""Numbers of commits, from the first up to but not with the second."""


@dataclass(frozen=True, slots=True)
class Place:
    """A text in a file and when it was there."""

    path: str
    region: str
    spans: tuple[Span, ...]
    """In order, apart from one another."""


@dataclass(slots=True)
class Version:
    """One distinct template and every place that ever had it."""

    template: Template
    places: list[Place] = field(default_factory=list)

    @property
    def spans(self) -> tuple[Span, ...]:
        return merged(span for place in self.places for span in place.spans)


@dataclass(frozen=True, slots=True)
class Index:
    history: FileHistory
    versions: tuple[Version, ...]
    starts: dict[tuple[str, ...], tuple[str, ...]]
    """First tokens of a piece to the pieces that begin so."""
    holders: dict[str, tuple[int, ...]]
    """Piece to the numbers of the versions that have it."""
    required_chars: tuple[int, ...]
    """Of each version."""


def build_index(
    history: FileHistory, *, about: Iterable[str] | None = None, hidden: Hidden | None = None
) -> Index:
    """Read every distinct content of every watched file once.

    `about`: only files that share a few words in a row with one of these texts are read, which is
    what makes a large repository bearable. `hidden` gives the spans of what redaction takes out of
    captured texts.
    """
    versions: dict[object, Version] = {}
    shared = None if about is None else _runs(about)
    resembles: dict[str, bool] = {}
    for path, blob, spans in _in_force(history):
        if shared is not None:
            if blob not in resembles:
                resembles[blob] = _shares(history.texts.get(blob, ""), shared)
            if not resembles[blob]:
                continue
        for region in _regions(history, path, blob, hidden):
            version = versions.setdefault(region.template.fingerprint, Version(region.template))
            version.places.append(Place(path, region.name, spans))
    numbered = tuple(versions.values())
    starts: dict[tuple[str, ...], dict[str, None]] = {}
    holders: dict[str, dict[int, None]] = {}
    for number, version in enumerate(numbered):
        for piece in version.template.pieces:
            if piece.tokens >= KEY_TOKENS:
                holders.setdefault(piece.text, {})[number] = None
                first = tuple(piece.text.split(maxsplit=KEY_TOKENS)[:KEY_TOKENS])
                starts.setdefault(first, {})[piece.text] = None
    return Index(
        history,
        numbered,
        {key: tuple(pieces) for key, pieces in starts.items()},
        {piece: tuple(numbers) for piece, numbers in holders.items()},
        tuple(version.template.required_chars for version in numbered),
    )


def _runs(texts: Iterable[str]) -> set[tuple[str, ...]]:
    return {run for text in texts for run in _runs_of(text)}


def _runs_of(text: str) -> Iterator[tuple[str, ...]]:
    words = TOKEN.findall(text[:MAX_CHARS])
    return zip(*(words[number:] for number in range(RUN_TOKENS)), strict=False)


def _shares(text: str, shared: set[tuple[str, ...]]) -> bool:
    return any(run in shared for run in _runs_of(text))


def _regions(
    history: FileHistory, path: str, blob: str, hidden: Hidden | None
) -> tuple[Region, ...]:
    text = history.texts.get(blob)
    return () if text is None else regions_of(path, text, hidden=hidden)


def _in_force(history: FileHistory) -> Iterator[tuple[str, str, tuple[Span, ...]]]:
    """(path, blob, when the file had it)."""
    now: dict[str, tuple[str, int]] = {}
    spans: dict[tuple[str, str], list[Span]] = {}
    for number, commit in enumerate(history.commits):
        for path, blob in commit.files.items():
            if path in now:
                old, since = now.pop(path)
                spans.setdefault((path, old), []).append((since, number))
            if blob is not None:
                now[path] = (blob, number)
    for path, (blob, since) in now.items():
        spans.setdefault((path, blob), []).append((since, len(history.commits)))
    for (path, blob), found in spans.items():
        yield path, blob, merged(found)


def merged(spans: Iterator[Span] | list[Span]) -> tuple[Span, ...]:
    """In order, with those put together that touch."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


def common(one: tuple[Span, ...], other: tuple[Span, ...]) -> tuple[Span, ...]:
    """Commits that lie in both."""
    both = ((max(a, c), min(b, d)) for a, b in one for c, d in other if max(a, c) < min(b, d))
    return merged(list(both))
