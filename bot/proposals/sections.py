"""Where in a prompt a rule belongs: sections with their offsets, and the lists inside them.

Takes the text of a Markdown or plain text prompt; gives places and insertions. Headings are `#`
lines and lines that hold one XML tag, because prompts use both; what stands inside a code fence is
neither. Offsets count characters of the text as it is, so nothing around a place is rewritten.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bot.proposals.edits import newline_of, split_lines

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*\r?\n?\Z")
_OPEN_TAG = re.compile(r"[ \t]*<([A-Za-z][\w -]{0,40})>[ \t]*\r?\n?\Z")
_CLOSE_TAG = re.compile(r"[ \t]*</[A-Za-z][\w -]{0,40}>[ \t]*\r?\n?\Z")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_ITEM = re.compile(r"([ \t]*)([-*+\u2022]|(\d{1,4})([.)]))([ \t]+)\S")
_RULES_FOLLOW = re.compile(
    r"\b(?:rules?|style|tone|guidelines?|principles?|writ\w+|follow\w*|format\w*)\b", re.I
)
NEW_SECTION = "Learned from corrections"


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A heading and the text below it, up to the next heading of any level."""

    heading: str
    """Without its marks; empty for what stands before the first heading."""
    level: int
    start: int
    """Offset of the first character below the heading."""
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _List:
    """A list of a section, by its outermost items."""

    intro: str
    """The line above it, empty where there is none."""
    indent: str
    marker: str
    """Of the next item: a bullet, or the next number with its sign."""
    space: str
    loose: bool
    """Items are set apart by empty lines."""
    end: int
    """Offset behind its last line."""


def lines_outside_fences(text: str) -> Iterator[tuple[int, str, bool]]:
    """(offset, line, is text) of every line; False for front matter, fences and what they hold."""
    offset = 0
    fence = ""
    lines = split_lines(text)
    marks = [index for index, line in enumerate(lines) if line.strip() == "---"]
    front = marks[:1] == [0] and len(marks) > 1
    for index, line in enumerate(lines):
        mark = _FENCE.match(line)
        plain = not fence and not front and mark is None
        if front:
            front = index == 0 or line.strip() != "---"
        elif fence:
            closes = mark is not None and mark[1].startswith(fence) and not mark[2].strip()
            fence = "" if closes else fence
        elif mark is not None:
            fence = mark[1]
        yield offset, line, plain
        offset += len(line)


def ends_inside_fence(text: str) -> bool:
    """True where what is appended would become part of a code block."""
    probe = text + ("" if text.endswith("\n") else "\n") + "probe"
    return not list(lines_outside_fences(probe))[-1][2]


def sections(text: str) -> tuple[Section, ...]:
    """All sections in order; the first one is what stands before any heading."""
    found: list[Section] = []
    heading, level, start = "", 0, 0
    for offset, line, plain in lines_outside_fences(text):
        mark = _heading_of(line) if plain else None
        if mark is not None:
            found.append(Section(heading=heading, level=level, start=start, end=offset))
            (heading, level), start = mark, offset + len(line)
    found.append(Section(heading=heading, level=level, start=start, end=len(text)))
    return tuple(found)


def _heading_of(line: str) -> tuple[str, int] | None:
    """(heading, level); a closing tag ends a section and begins one without a name."""
    if mark := _HEADING.match(line):
        return (mark[2] or "").strip(), len(mark[1])
    if tag := _OPEN_TAG.match(line):
        return tag[1], 7
    return ("", 7) if _CLOSE_TAG.match(line) else None


def insertion(text: str, section: Section | None, rule: str) -> tuple[int, str]:
    """(offset, what to insert there) so that `rule` joins `section` in the section's own style.

    A list of rules gets one more item with its bullet, indentation and spacing; a section without
    one gets a paragraph. Without a section a new one goes to the end of the text.
    """
    newline = newline_of(text)
    if section is None:
        mark = "#" * _usual_level(text)
        head = f"{mark} {NEW_SECTION}{newline}{newline}- {rule}"
        return _at(text, len(text.rstrip()), head, newline, apart=bool(text.strip()))
    rules = next((one for one in reversed(_lists(text, section)) if _holds_rules(one)), None)
    if rules is not None:
        item = f"{rules.indent}{rules.marker}{rules.space}{rule}"
        return _at(text, rules.end, item, newline, apart=rules.loose)
    body = text[section.start : section.end].rstrip()
    end = section.start + len(body) if body else section.start
    return _at(text, end, rule if body else f"- {rule}", newline, apart=True)


def _at(text: str, end: int, addition: str, newline: str, *, apart: bool) -> tuple[int, str]:
    """Put `addition` on a line of its own below the line that `end` closes."""
    line_end = text.find("\n", end)
    on_new_line = end > 0 and text[end - 1] == "\n"
    gap = newline if apart else ""
    if on_new_line:
        return end, f"{gap}{addition}{newline}"
    if line_end < 0:
        # The text has no last newline, and gets none.
        return len(text), f"{newline if text else ''}{gap}{addition}"
    return line_end + 1, f"{gap}{addition}{newline}"


def _usual_level(text: str) -> int:
    levels = Counter(section.level for section in sections(text) if 1 <= section.level <= 6)
    return 1 if levels[1] > 1 else 2


def _holds_rules(found: _List) -> bool:
    """A list that ends a sentence ("transfer if:") is part of it and takes no further rule."""
    intro = found.intro.rstrip().rstrip("*_")
    return not intro.endswith(":") or _RULES_FOLLOW.search(intro) is not None


def _lists(text: str, section: Section) -> list[_List]:
    """The lists of a section, in order."""
    found: list[_List] = []
    rows = [
        (offset, line, plain)
        for offset, line, plain in lines_outside_fences(text)
        if section.start <= offset < section.end
    ]
    intro, at = "", 0
    while at < len(rows):
        _, line, plain = rows[at]
        if plain and (item := _ITEM.match(line)) and len(item[1].expandtabs(4)) < 4:
            length, one = _read_list(rows[at:], item[1], intro)
            found.append(one)
            at += length
            intro = ""
            continue
        intro = line.strip() or intro
        at += 1
    return found


def _read_list(rows: list[tuple[int, str, bool]], indent: str, intro: str) -> tuple[int, _List]:
    """(rows taken, the list) that begins in the first row."""
    end, loose, taken, blank = 0, False, 0, False
    last = _ITEM.match(rows[0][1])
    for index, (offset, line, plain) in enumerate(rows):
        item = _ITEM.match(line) if plain else None
        if not line.strip():
            blank = True
            continue
        ours = item is not None and item[1] == indent
        deeper = len(line) - len(line.lstrip()) > len(indent)
        if not (ours or deeper or (plain and not blank)):
            break
        if ours:
            loose = loose or (blank and index > 0)
            last = item
        end, taken, blank = offset + len(line), index + 1, False
    if last is None:
        raise ValueError("a list begins with an item")
    number = f"{int(last[3]) + 1}{last[4]}" if last[3] else last[2]
    return taken, _List(
        intro=intro, indent=indent, marker=number, space=last[5], loose=loose, end=end
    )
