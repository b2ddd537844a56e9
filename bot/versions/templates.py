"""A text of the repository to the pieces of it that every rendering must show, in order.

What is filled in at run time (`{x}`, `{{ x }}`, `${x}`, `%s`, `<x>`, Jinja and Handlebars tags) is
a gap in which anything may stand. Some of these marks are plain text as often as not (`<rules>`,
`{"a": 1}`), so a mark may also stand for itself. White space never counts: instrumentations fold
it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

TOKEN = re.compile(r"\w+|[^\w\s]")
MAX_CHARS = 400_000
"""Of one template or one captured text; what is longer is cut."""

_MARK = re.compile(
    r"""
      (?P<block>\{%-?[ ]?.{1,300}?%\})            # Jinja tags
    | (?P<comment>\{\#.{0,400}?\#\})
    | (?P<section>\{\{\{?[#/^>!&~].{0,200}?\}?\}\})  # Handlebars and Mustache tags
    | (?P<value>
          \{\{\{?[^{}\n]{1,200}\}?\}\}
        | \$\{[^{}\n]{1,200}\}
        | \{[A-Za-z_][\w.\[\]]{0,80}(?:![rsa])?(?::[^{}\n]{0,30})?\}
        | \{[ ]?[A-Za-z_][\w .-]{0,80}\}
        | \{\d{0,2}\}
        | %\(\w{1,80}\)[-+\#0-9.]{0,8}[sdifrxg]
        | (?<![\w%])%[-+\#0]?\d{0,3}(?:\.\d{1,2})?[sdifrx](?!\w)
        | <<[^<>\n]{1,80}>>
        | </?[A-Za-z_][\w .:-]{0,80}/?>
        | \[\[[^\[\]\n]{1,80}\]\]
        | \$[A-Za-z_]\w{0,80}
        | __[A-Z][A-Z0-9_]{0,60}__
      )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_WORD = re.compile(r"\{%-?\s*(\w+)|\{\{\{?\s*~?([#/^>!&])\s*(\w*)")
_ELSE = frozenset({"{{else}}", "{{ else }}"})
_OPENING = frozenset({"if", "for", "unless", "each", "with", "macro", "call", "filter", "^"})
_REPEATING = frozenset({"for", "each", "with", "macro", "call", "filter", "include", "import", ">"})
_REPEATING |= {"block", "extends", "from"}
_PIECE_END = re.compile(r"\n|(?<=[.!?;:])\s")
_EDGE_WORD_START = re.compile(r"^\w+")
_EDGE_WORD_END = re.compile(r"\w+$")

Kind = Literal["literal", "mark", "optional"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence, a line or a part of one, between two gaps."""

    text: str
    """Its tokens, each between two blanks: ` You are OrderBot . `."""
    tokens: int
    kind: Kind
    """`mark`: a placeholder that may stand for itself; `optional`: it may be left out."""
    open_before: bool
    """Anything may stand between the piece before and this one."""

    @property
    def weight(self) -> int:
        """Characters that it explains."""
        return len(self.text) - 1


@dataclass(frozen=True, slots=True)
class Template:
    pieces: tuple[Piece, ...]
    open_end: bool
    """Anything may stand after the last piece."""

    @property
    def required_chars(self) -> int:
        return sum(piece.weight for piece in self.pieces if piece.kind == "literal")

    @property
    def tokens(self) -> int:
        return sum(piece.tokens for piece in self.pieces if piece.kind == "literal")

    @property
    def fingerprint(self) -> tuple[tuple[str, Kind, bool], ...]:
        """Equal for templates that no rendering can tell apart."""
        return tuple((piece.text, piece.kind, piece.open_before) for piece in self.pieces)


def canonical(text: str) -> str:
    """The tokens of `text`, each between two blanks."""
    text = unicodedata.normalize("NFC", text[:MAX_CHARS])
    # A doubled brace is how Python's format writes one.
    text = text.replace("{{", "{").replace("}}", "}")
    return f" {' '.join(TOKEN.findall(text))} "


@dataclass(slots=True)
class _Builder:
    pieces: list[Piece]
    open_: bool = False
    depth: int = 0

    def literal(self, text: str) -> None:
        for part in _PIECE_END.split(text):
            self.add(part, "optional" if self.depth else "literal")

    def add(self, text: str, kind: Kind) -> None:
        spoken = canonical(text)
        if spoken != "  ":
            self.pieces.append(Piece(spoken, spoken.count(" ") - 1, kind, self.open_))
            self.open_ = False


def template_of(
    text: str,
    *,
    hidden: Callable[[str], list[tuple[int, int]]] | None = None,
    optional: bool = False,
) -> Template:
    """Cut `text` at its placeholders and into sentences.

    `hidden` gives the spans of what redaction takes out of captured texts: gaps as well.
    """
    text = text[:MAX_CHARS]
    builder = _Builder([], depth=1 if optional else 0)
    marks = [*_marks(text), *((*span, True) for span in (hidden(text) if hidden else ()))]
    at, after_gap = 0, False
    for start, end, is_gap in sorted(marks):
        if start < at:
            continue
        builder.literal(_without_glued(text[at:start], after=after_gap, before=is_gap))
        at, after_gap = end, is_gap
        if is_gap:
            builder.open_ = True
            builder.add(text[start:end], "mark")
            builder.open_ = True
        else:
            _enter(builder, text[start:end])
    builder.literal(_without_glued(text[at:], after=after_gap, before=False))
    return Template(tuple(builder.pieces), builder.open_)


def joined(templates: list[Template], *, is_open: bool = True) -> Template:
    """Templates one after the other; `is_open`: anything may stand between, as in a list."""
    pieces: list[Piece] = []
    for template in templates:
        for number, piece in enumerate(template.pieces):
            starts = number == 0 and bool(pieces) and is_open
            is_after_gap = piece.open_before or starts
            pieces.append(Piece(piece.text, piece.tokens, piece.kind, is_after_gap))
    return Template(tuple(pieces), bool(templates) and templates[-1].open_end)


def _marks(text: str) -> Iterator[tuple[int, int, bool]]:
    """(start, end, whether anything may stand there) of each mark."""
    for found in _MARK.finditer(text):
        is_gap = found.lastgroup == "value" and found[0] not in _ELSE
        yield found.start(), found.end(), is_gap


def _without_glued(literal: str, *, after: bool, before: bool) -> str:
    """Leave out the half words that touch a gap: `{amount}USD` renders as one word."""
    literal = _EDGE_WORD_START.sub("", literal) if after else literal
    return _EDGE_WORD_END.sub("", literal) if before else literal


def _enter(builder: _Builder, tag: str) -> None:
    """What a tag does: open or close what may be left out, or stand for any text."""
    found = _BLOCK_WORD.match(tag)
    if found is None:
        return
    word = found[1] or (found[3] if found[2] == "#" else found[2]) or ""
    if word in _REPEATING:
        builder.open_ = True
    if word in _OPENING or (found[2] == "#"):
        builder.depth += 1
    elif word == "/" or word.startswith("end"):
        builder.depth = max(0, builder.depth - 1)
        # A loop may have run several times, so its text may go on here.
        builder.open_ = builder.open_ or word == "endfor" or word == "/"
