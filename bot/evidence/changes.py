"""A pull request's hunks to changed lines, and those to the sections that they stand in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.evidence.mapping import words_of
from bot.evidence.records import EvidenceMap, Touched, Watch
from bot.regions import NotParsed, find_regions

_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S.*?)[ \t#]*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_PROSE = (".md", ".mdx", ".markdown", ".prompt", ".txt", ".j2", ".jinja", ".jinja2")
NAMED_BY = 2
"""Words of an intent that a section must hold to be about it; one is enough in its heading."""
MAX_SECTIONS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class _Section:
    name: str
    first_line: int
    last_line: int
    text: str


def changed_lines(patch: str | None) -> tuple[int, ...]:
    """Numbers of the lines of the new file that a patch adds, or that stand where it removes.

    GitHub's hunks of one file; none where GitHub left them out.
    """
    lines: list[int] = []
    at = 0
    for line in (patch or "").split("\n"):
        hunk = _HUNK.match(line)
        if hunk:
            at = int(hunk[1])
        elif not at:
            continue
        elif line.startswith("+"):
            lines.append(at)
            at += 1
        elif line.startswith("-"):
            lines.append(max(1, at - 1))
        elif not line.startswith("\\"):
            at += 1
    return tuple(sorted(set(lines)))


def touched_by(
    found: EvidenceMap, changes: Mapping[str, Sequence[int]], texts: Mapping[str, str]
) -> tuple[Touched, ...]:
    """The sections of watched files that changed, with what depends on each.

    `changes`: path to changed lines of the new file; none of them stands for the whole file, which
    is also what a file counts as whose new text is not in `texts`.
    """
    agents: dict[str, list[str]] = {}
    for file in found.files:
        agents.setdefault(file.path, []).append(file.agent)
    touched: list[Touched] = []
    for path, lines in sorted(changes.items()):
        if path not in agents:
            continue
        watches = [one for one in found.watches if one.agent in agents[path]]
        for section in _changed_sections(path, texts.get(path), lines):
            named = tuple(one for one in watches if _is_about(section, one))
            inside = [n for n in lines if section.first_line <= n <= section.last_line]
            touched.append(
                Touched(
                    path=path,
                    section=section.name,
                    first_line=min(inside, default=1),
                    last_line=max(inside, default=1),
                    named=named,
                    others=tuple(one for one in watches if one not in named),
                )
            )
    return tuple(touched[:MAX_SECTIONS])


def _changed_sections(path: str, text: str | None, lines: Sequence[int]) -> Iterator[_Section]:
    if text is None or not lines:
        yield _Section(name="", first_line=1, last_line=10**9, text="")
        return
    sections = list(_sections(path, text))
    taken: set[int] = set()
    for section in sections:
        inside = {n for n in lines if section.first_line <= n <= section.last_line} - taken
        if inside:
            taken |= inside
            yield section
    rest = sorted(set(lines) - taken)
    if rest:
        yield _Section(name="", first_line=rest[0], last_line=rest[-1], text="")


def _sections(path: str, text: str) -> Iterator[_Section]:
    if path.lower().endswith(_PROSE):
        yield from _headed(text)
        return
    try:
        regions = find_regions(path, text)
    except NotParsed:
        return
    for region in regions:
        start, end = region.pieces[0].start, region.pieces[-1].end
        yield _Section(
            name=region.anchor,
            first_line=text.count("\n", 0, start) + 1,
            last_line=text.count("\n", 0, end) + 1,
            text=region.text,
        )


def _headed(text: str) -> Iterator[_Section]:
    """Markdown by its headings; a `#` in a code block is none."""
    name, first, kept, fenced = "", 1, list[str](), False
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        fenced ^= bool(_FENCE.match(line))
        heading = None if fenced else _HEADING.match(line)
        if heading is not None:
            if number > first:
                yield _Section(
                    name=name, first_line=first, last_line=number - 1, text="\n".join(kept)
                )
            name, first, kept = heading[1], number, []
        kept.append(line)
    yield _Section(name=name, first_line=first, last_line=len(lines), text="\n".join(kept))


def _is_about(section: _Section, watch: Watch) -> bool:
    words = frozenset(watch.words)
    if not words or not section.text:
        return False
    if words & words_of(section.name.replace("_", " ").replace(".", " ")):
        return True
    return len(words & words_of(section.text)) >= min(NAMED_BY, len(words))
