"""One template against one captured text: which of its pieces are there, in its order.

Never a regular expression: a captured text is hostile, and backtracking over it could take for
ever. Pieces are found by their first tokens, and the heaviest chain that keeps both orders wins, in
time m log m of the places found.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.versions.index import KEY_TOKENS, Index
from bot.versions.templates import Piece, Template

MAX_PLACES = 24
"""Of one piece in one text: what stands more often than that (a bullet, a hostile repetition)
places nothing."""


SEEN_BEFORE_CUT = 0.3
"""Share of a template that must be there before its end is taken for cut off in a long value."""


SIDE_BY_SIDE = 4
"""Short pieces that are looked for as one: that many words are in no value by chance."""
TOUCHING = 3
"""What it is worth, in characters, that two pieces stand side by side as in the template."""


@dataclass(frozen=True, slots=True)
class Text:
    """A captured text, and where the known pieces are in it."""

    tokens: str
    found: Mapping[str, tuple[int, ...]]
    """Piece to its first characters in `tokens`, in order."""


def read_text(spoken: str, index: Index) -> Text:
    """`spoken`: as `canonical` gives it."""
    words = spoken.split()
    found: dict[str, list[int]] = {}
    at = 0
    for key in zip(*(words[n:] for n in range(KEY_TOKENS)), strict=False):
        for piece in index.starts.get(key, ()):
            places = found.setdefault(piece, [])
            if len(places) < MAX_PLACES and spoken.startswith(piece, at):
                places.append(at)
        at += len(key[0]) + 1
    return Text(spoken, {piece: tuple(places) for piece, places in found.items() if places})


@dataclass(frozen=True, slots=True)
class Alignment:
    """What of a template was found, in characters."""

    literal: int
    """Of the captured text that are literally the template's, marks that stand for themselves
    included."""
    missing: int
    """Of the template that should be there and is not; none behind the end of a text that was
    cut."""
    added: int
    """Of the captured text between pieces that have nothing between them."""
    filled: int
    """Of the captured text where anything may stand."""
    evidence: int
    """Tokens of the pieces that are long enough to say something."""
    covered: tuple[tuple[int, int], ...]
    """Spans of the captured text that the literal part is."""
    filled_spans: tuple[tuple[int, int], ...]
    missing_pieces: tuple[str, ...]
    added_spans: tuple[tuple[int, int], ...]
    is_cut: bool
    """The text ends in the midst of the template."""

    @property
    def score(self) -> int:
        return self.literal - self.missing - self.added

    @property
    def coverage(self) -> float:
        """Share of the template that is there."""
        whole = self.literal + self.missing
        return self.literal / whole if whole else 0.0


@dataclass(frozen=True, slots=True)
class _Hit:
    number: int
    """Of the piece in its template."""
    start: int
    end: int


def align(
    template: Template, text: Text, free: Sequence[tuple[int, int]], *, is_cut: bool
) -> Alignment:
    """`free`: the spans of the text that nothing explains yet, in order."""
    reading = _Reading(template, text, free, is_cut=is_cut)
    chain = heaviest_chain(reading.hits(), template.pieces)
    whole = reading.along(chain)
    last = reading.last_before_cut
    if last is None or reading.best_prefix <= whole.score:
        return whole
    # Behind a value that goes on to the end of a text that was cut, every hit is inside that value.
    shortened = _Reading(template, text, free, is_cut=is_cut).along(
        chain[: last + 1], ends_here=True
    )
    is_much = shortened.literal >= SEEN_BEFORE_CUT * template.required_chars
    return shortened if shortened.score > whole.score and (is_cut or is_much) else whole


class _Reading:
    """Goes through the gaps between the hits of the heaviest chain."""

    def __init__(
        self, template: Template, text: Text, free: Sequence[tuple[int, int]], *, is_cut: bool
    ) -> None:
        self.pieces, self.open_end = template.pieces, template.open_end
        self.text, self.free, self.is_cut = text, free, is_cut
        self.literal = self.missing = self.added = self.filled = self.evidence = 0
        self.covered: list[tuple[int, int]] = []
        self.filled_spans: list[tuple[int, int]] = []
        self.added_spans: list[tuple[int, int]] = []
        self.missing_pieces: list[str] = []
        self.best_prefix = 0
        self.last_before_cut: int | None = None

    def along(self, chain: Sequence[_Hit], *, ends_here: bool = False) -> Alignment:
        """`ends_here`: behind the last hit comes a value in which the text was cut."""
        if chain:
            self._before(chain[0])
            for number, (one, other) in enumerate(pairwise(chain)):
                self._take(one)
                self._note_prefix(number, one.number + 1, other.number + 1)
                self._between(one, other)
            self._take(chain[-1])
            self._note_prefix(len(chain) - 1, chain[-1].number + 1, len(self.pieces))
            if ends_here:
                self._cut_behind(chain[-1])
            else:
                self._after(chain[-1])
        else:
            self._lack(self.pieces)
        return Alignment(
            self.literal,
            self.missing,
            self.added,
            self.filled,
            self.evidence,
            tuple(self.covered),
            tuple(self.filled_spans),
            tuple(self.missing_pieces),
            tuple(self.added_spans),
            self.is_cut,
        )

    def _note_prefix(self, number: int, first: int, end: int) -> None:
        score = self.literal - self.missing - self.added - 1
        if score >= self.best_prefix and any(one.open_before for one in self.pieces[first:end]):
            self.best_prefix, self.last_before_cut = score, number

    def hits(self) -> list[_Hit]:
        ends = [end for _, end in self.free]
        hits = []
        for number, piece in enumerate(self.pieces):
            for start in self.text.found.get(piece.text, ()):
                end = start + piece.weight
                at = bisect_right(ends, end - 1)
                if at < len(self.free) and self.free[at][0] <= start and end <= self.free[at][1]:
                    hits.append(_Hit(number, start, end))
        return hits

    def _take(self, hit: _Hit) -> None:
        self._literally(hit.start, hit.end)
        self.evidence += self.pieces[hit.number].tokens

    def _literally(self, start: int, end: int) -> None:
        self.literal += end - start
        if self.covered and self.covered[-1][1] == start:
            self.covered[-1] = (self.covered[-1][0], end)
        else:
            self.covered.append((start, end))

    def _lack(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            if piece.kind == "literal":
                self.missing += piece.weight
                self.missing_pieces.append(piece.text.strip())

    def _between(self, one: _Hit, other: _Hit) -> None:
        """Short pieces are looked for in order; what is left is filled in, or was added."""
        inner = self.pieces[one.number + 1 : other.number]
        is_open = self.pieces[other.number].open_before
        left, end, is_open = self._backwards(inner, one.end, other.start, is_open)
        self._forwards(left, one.end, end, is_open)

    def _forwards(self, pieces: Sequence[Piece], at: int, end: int, is_open: bool) -> None:
        number, gap_is_open = 0, False
        while number < len(pieces):
            gap_is_open = gap_is_open or pieces[number].open_before
            run, place = self._find(pieces[number:], at, end + 1, is_open=gap_is_open)
            number += len(run)
            if place < 0:
                self._lack(run)
                gap_is_open = gap_is_open or run[-1].kind == "mark"
                continue
            self._gap(at, place, is_open=gap_is_open)
            at = place + _weight(run)
            self._literally(place, at)
            gap_is_open = run[-1].kind == "mark"
        self._gap(at, end, is_open=gap_is_open or is_open)

    def _find(
        self, pieces: Sequence[Piece], at: int, end: int, *, is_open: bool
    ) -> tuple[Sequence[Piece], int]:
        """The next pieces that stand side by side and where they are, else only the next one.

        Behind a gap a single ` . ` would be found in the value; the words after it are not.
        """
        together = 1
        longest = min(len(pieces), SIDE_BY_SIDE) if is_open else 1
        while together < longest and not pieces[together].open_before:
            together += 1
        for length in {together: None, 1: None}:
            run = pieces[:length]
            place = self.text.tokens.find(_spoken(run), at, end)
            if place >= 0 and self._is_free(place, place + _weight(run)):
                return run, place
        return pieces[:1], -1

    def _backwards(
        self, pieces: Sequence[Piece], low: int, end: int, is_open: bool
    ) -> tuple[Sequence[Piece], int, bool]:
        """Take off the pieces that stand right before `end`; give the rest, and the gap's end.

        From the front they would be found too early: ` . ` is in every value.
        """
        left = len(pieces)
        while left and not is_open:
            piece = pieces[left - 1]
            start = end - piece.weight
            is_there = start >= low and self.text.tokens.startswith(piece.text, start)
            if not is_there or not self._is_free(start, end):
                break
            self._literally(start, end)
            end, is_open, left = start, piece.open_before, left - 1
        return pieces[:left], end, is_open

    def _gap(self, start: int, end: int, *, is_open: bool) -> None:
        chars = sum(max(0, min(end, b) - max(start, a)) for a, b in self._free_in(start, end))
        if is_open:
            self.filled += chars
            self.filled_spans.append((start, end))
        elif chars:
            self.added += chars
            self.added_spans.append((start, end))

    def _free_in(self, start: int, end: int) -> Sequence[tuple[int, int]]:
        return [span for span in self.free if span[0] < end and start < span[1]]

    def _before(self, first: _Hit) -> None:
        """What stands before the first long piece: short ones right at it, else the outside."""
        at, gap_is_open = first.start, self.pieces[first.number].open_before
        for number in range(first.number - 1, -1, -1):
            piece = self.pieces[number]
            low = 0 if gap_is_open else max(0, at - piece.weight)
            place = self.text.tokens.rfind(piece.text, low, at + 1)
            if number == 0 and gap_is_open and self.text.tokens.startswith(piece.text):
                place = 0
            if place < 0 or not self._is_free(place, place + piece.weight):
                self._lack([piece])
            else:
                self._gap(place + piece.weight, at, is_open=True)
                self.literal += piece.weight
                self.covered.insert(0, (place, place + piece.weight))
                at, gap_is_open = place, False
            gap_is_open = gap_is_open or piece.open_before or piece.kind == "mark"
        if gap_is_open:
            self._gap(0, at, is_open=True)

    def _cut_behind(self, last: _Hit) -> None:
        at, end = last.end, len(self.text.tokens) - 1
        for piece in self.pieces[last.number + 1 :]:
            if piece.open_before:
                break
            is_there = self.text.tokens.startswith(piece.text, at)
            if not is_there or not self._is_free(at, at + piece.weight):
                self._lack([piece])
                continue
            self._literally(at, at + piece.weight)
            at += piece.weight
        self._gap(at, end, is_open=True)
        self._rest_is_unseen()

    def _rest_is_unseen(self) -> None:
        """Where the sender did not say so, a text that really ends here is the likelier one."""
        self.missing += 0 if self.is_cut else 1
        self.is_cut = True

    def _after(self, last: _Hit) -> None:
        """What stands behind the last long piece; the text may end here because it was cut."""
        end = len(self.text.tokens) - 1
        at, gap_is_open = last.end, False
        rest = self.pieces[last.number + 1 :]
        left, low, is_open = self._backwards(rest, at, end, self.open_end)
        if len(left) < len(rest):
            self._forwards(left, at, low, is_open)
            return
        number = 0
        while number < len(rest):
            piece = rest[number]
            gap_is_open = gap_is_open or piece.open_before
            limit = end + 1 if gap_is_open else at + len(piece.text)
            run, place = self._find(rest[number:], at, limit, is_open=gap_is_open)
            number += len(run)
            if place >= 0:
                self._gap(at, place, is_open=gap_is_open)
                at = place + _weight(run)
                self._literally(place, at)
                gap_is_open = run[-1].kind == "mark"
            elif piece.kind == "literal" and self._ends_in(piece, self.text.tokens[at:end]):
                self._literally(at, end)
                self.is_cut = True
                return
            elif piece.kind == "literal" and at == end:
                self._rest_is_unseen()
                return
            else:
                self._lack([piece])
                gap_is_open = gap_is_open or piece.kind == "mark"
        if gap_is_open or self.open_end:
            self._gap(at, end, is_open=True)

    def _is_free(self, start: int, end: int) -> bool:
        return any(a <= start and end <= b for a, b in self.free)

    def _ends_in(self, piece: Piece, left: str) -> bool:
        """The text ends within this piece, mostly in the midst of a word."""
        return 1 < len(left) < piece.weight and piece.text.startswith(left)


def _spoken(run: Sequence[Piece]) -> str:
    """Text of pieces that stand side by side."""
    return "".join(piece.text[:-1] for piece in run) + " "


def _weight(run: Sequence[Piece]) -> int:
    return sum(piece.weight for piece in run)


def heaviest_chain(hits: Sequence[_Hit], pieces: Sequence[Piece]) -> list[_Hit]:
    """Of `hits`, in the order of their pieces, those that keep the text's order too and weigh most.

    A Fenwick tree over the places where hits end holds the best chain up to each place. Where a
    value repeats the template, the chain that jumps least is the right one.
    """
    ends = sorted({hit.end for hit in hits})
    best: list[tuple[int, int]] = [(0, -1)] * (len(ends) + 1)
    ending = {(hit.number, hit.end): number for number, hit in enumerate(hits)}
    before = [-1] * len(hits)
    score = [0] * len(hits)
    at = 0
    while at < len(hits):
        group = at
        while group < len(hits) and hits[group].number == hits[at].number:
            place = bisect_right(ends, hits[group].start)
            found = (0, -1)
            while place:
                found = max(found, best[place])
                place &= place - 1
            touching = ending.get((hits[group].number - 1, hits[group].start))
            if touching is not None:
                found = max(found, (score[touching] + TOUCHING, touching))
            score[group] = found[0] + pieces[hits[group].number].weight
            before[group] = found[1]
            group += 1
        for number in range(at, group):
            place = bisect_right(ends, hits[number].end)
            while place <= len(ends):
                best[place] = max(best[place], (score[number], number))
                place += place & -place
        at = group
    last = max(range(len(hits)), key=lambda number: (score[number], -number), default=-1)
    chain = []
    while last >= 0:
        chain.append(hits[last])
        last = before[last]
    return chain[::-1]
