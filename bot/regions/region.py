"""A text inside a file that a change may be made to, and the change itself.

Takes a region and an edit of its text as the program reads it; gives the file with every
byte outside the place as it was.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from bot.regions.writings import Unit, Writing

RegionKind = Literal["prompt", "tool"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One literal, or the whole of a text that is not cut into literals."""

    start: int
    end: int
    """`file[start:end]` is what stands between the quotes."""
    writing: Writing
    gap: str = ""
    """Stands in the text for what code puts in before this piece."""
    joined: str = ""
    """The gap, where this piece is the next one of a list whose texts are joined by it."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """One text that reaches the model."""

    path: str
    kind: RegionKind
    anchor: str
    """Empty for a whole file; else the path of keys, the variable, or the tool and its parameter:
    `agents.support.instructions`, `SYSTEM_PROMPT`, `search_flights(date)`."""
    file_text: str
    pieces: tuple[Piece, ...]
    """In their order; what stands between two of them is code."""

    @cached_property
    def _units(self) -> tuple[Unit, ...]:
        units: list[Unit] = []
        for number, piece in enumerate(self.pieces):
            if piece.gap:
                before = self.pieces[number - 1].end if number else piece.start
                units.append((before, piece.start, piece.gap))
            raw = self.file_text[piece.start : piece.end]
            units += [
                (start + piece.start, end + piece.start, text)
                for start, end, text in piece.writing.units(raw)
                if text
            ]
        return tuple(units)

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """(start, end) of each piece in the file."""
        return tuple((piece.start, piece.end) for piece in self.pieces)

    @cached_property
    def text(self) -> str:
        """What the program reads, lines ended by a line feed."""
        return "".join(text for _, _, text in self._units)

    @cached_property
    def _starts(self) -> list[int]:
        """Where in `text` each unit begins."""
        starts, at = [], 0
        for _, _, text in self._units:
            starts.append(at)
            at += len(text)
        return starts

    def place(self, start: int, end: int) -> tuple[int, int, Piece]:
        """Where `text[start:end]` stands in the file, and the piece that it begins in.

        Characters that one escape stands for go together, so the place may hold more.
        """
        units, last = self._units, len(self.text)
        if start == end:
            at = units[self._unit_at(start)][0] if start < last else self.pieces[-1].end
            # Behind the last character of a literal, not before the first one of the next.
            if 0 < start < last and self._piece_at(units[self._unit_at(start) - 1][1] - 1) != (
                self._piece_at(at)
            ):
                at = units[self._unit_at(start) - 1][1]
                return at, at, self._piece_at(at - 1)
            return at, at, self._piece_at(min(at, self.pieces[-1].end - 1))
        first, final = units[self._unit_at(start)], units[self._unit_at(end - 1)]
        return first[0], final[1], self._piece_at(first[0])

    def _unit_at(self, at: int) -> int:
        return bisect_right(self._starts, at) - 1

    def _piece_at(self, offset: int) -> Piece:
        number = bisect_right([piece.start for piece in self.pieces], offset) - 1
        return self.pieces[max(0, number)]


def rewritten(region: Region, start: int, end: int, new: str) -> str:
    """The whole file with `new` for `region.text[start:end]`, not yet checked."""
    if start == end and (item := _item(region, start, new)):
        start, new = item
        end = start
    low, high, piece = region.place(start, end)
    text = region.file_text
    written = _separated(region, piece, low, new) if start == end else None
    if written is None:
        written = piece.writing.write(new)
        if piece.writing.indent:
            low, high, written = _at_line_ends(region, (start, end), (low, high), written, piece)
    newline = _newline_of(text)
    return text[:low] + written.replace("\r\n", "\n").replace("\n", newline) + text[high:]


def _at_line_ends(
    region: Region, part: tuple[int, int], place: tuple[int, int], written: str, piece: Piece
) -> tuple[int, int, str]:
    """Where the change begins or ends with a line, the lines keep their indentation."""
    (start, end), (low, high) = part, place
    text, indent = region.file_text, piece.writing.indent
    next_at = region.place(end, end + 1)[0] if end < len(region.text) else high
    begins_line = start == 0 or region.text[start - 1] == "\n"
    if begins_line and end > start and region.text[end - 1] == "\n":
        high = next_at  # whole lines go with the indentation of the line after them
    begun = text[text.rfind("\n", 0, low) + 1 : low]
    if begins_line and written.strip("\n") and start and not begun.endswith(indent):
        written = indent + written
    next_is_text = region.text[end : end + 1] not in ("", "\n")
    if next_is_text and high == next_at:
        if written.endswith("\n"):
            written += indent
        elif begins_line and not written and not begun.endswith(indent):
            written = indent
    return low, high, written


def _item(region: Region, at: int, new: str) -> tuple[int, str] | None:
    """The same insertion as (place, text) right behind an item of a joined list; None elsewhere.

    Added behind `- a\n`, the text `- b\n` is what `\n- b` is, added before that line end.
    """
    joined = next((one.joined for one in region.pieces if one.joined), "")
    ends = {piece.end for piece in region.pieces}
    for shift in range(min(at, len(new)) + 1) if joined else ():
        moved = new[len(new) - shift :] + new[: len(new) - shift]
        if region.text[at - shift : at] != new[len(new) - shift :]:
            break
        if moved.startswith(joined) and region.place(at - shift, at - shift)[0] in ends:
            return at - shift, moved
    return None


def _separated(region: Region, piece: Piece, at: int, new: str) -> str | None:
    """`new` as literals on lines of their own, where the text is made of such; else None."""
    separate = piece.writing.separate
    if separate is None or at != piece.end or len(region.pieces) < 2:
        return None
    text = region.file_text
    joined = next((one.joined for one in region.pieces if one.joined), "")
    if joined and new.startswith(joined):
        return _as_items(region, piece, new.removeprefix(joined).split(joined))
    lines = {text.count("\n", 0, one.start) for one in region.pieces}
    if len(lines) < len(region.pieces) or any(one.gap for one in region.pieces):
        return None
    line = text[text.rfind("\n", 0, piece.start) + 1 : piece.start]
    indent = line[: len(line) - len(line.lstrip())]
    parts = new.splitlines(keepends=True)
    return "".join(separate("\n" + indent) + piece.writing.write(part) for part in parts)


def _as_items(region: Region, piece: Piece, items: Sequence[str]) -> str:
    """More items of a list, on lines of their own where the others have such."""
    text = region.file_text
    line = text[text.rfind("\n", 0, piece.start) + 1 : piece.start]
    own_line = line.strip(" \t\"'`frbFRBuU") == ""
    gap = ",\n" + line[: len(line) - len(line.lstrip())] if own_line else ", "
    opened, closed = piece.writing.quotes
    return "".join(f"{closed}{gap}{opened}{piece.writing.write(one)}" for one in items)


def _newline_of(text: str) -> str:
    carriage = text.count("\r\n")
    return "\r\n" if carriage > text.count("\n") - carriage else "\n"


def trimmed(old: str, new: str) -> tuple[int, int, str]:
    """(start, end, text): the smallest replacement inside `old` that makes it `new`."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, len(old) - end, new[start : len(new) - end]
