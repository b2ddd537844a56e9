"""Text from outside, made harmless for Markdown on GitHub, titles and commit messages.

GitHub links mentions, references and closing keywords in text nodes after Markdown has become
HTML, so neither a backslash nor an entity stops them. Two things do: code, and breaking the token
with a space that everybody sees (a zero-width one would be copied into somebody's prompt).
Bots of other people read the raw text, code included, so `@name` is broken in code too, and no
line starts with `/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from prompts import show_invisible

_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)

_DROPPED = str.maketrans(
    {
        "<": "\u2039",
        ">": "\u203a",
        "[": "(",
        "]": ")",
        "`": "'",
        "|": "/",
        "*": "",
        "~": "",
        "\\": "",
    }
)
_BROKEN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<![^\W_])_+|_+(?![^\W_])"), ""),  # emphasis; snake_case stays
    (re.compile(r"\$(?=\d)"), "USD "),  # two dollar signs are a formula
    (re.compile(r"\$"), ""),
    (re.compile(r"&(?=#?\w+;)"), "& "),  # an entity becomes a sign before GitHub looks for links
    (re.compile(r"@+(?=[\w.-])"), "@ "),  # GitHub links `1@.G` too
    (re.compile(r"#(?=\d)"), "# "),
    (re.compile(r"(?i)(gh)-(?=\d)"), r"\1 "),
    (re.compile(r"(?<=:)//(?=\S)"), "// "),
    (re.compile(r"(?i)(www)\."), r"\1 ."),
    (re.compile(r"(?i)(mailto|xmpp):(?=\S)"), r"\1: "),
    (re.compile(r":(?=[a-z+_-][\w+-]*:)"), ": "),  # :emoji:
)

_NUMBER = re.compile(r"[+\u2212-]?\$?\d[\d,.]*(?: %| points)?(?: \([\d,.\u2212\u2013… %-]*\))?")


class Live(str):
    """Markdown of ours that a table takes as it is: a link that is meant to be one."""

    __slots__ = ()


def code_span(text: str) -> str:
    """One line of inline code that `text` cannot leave. Newlines show as `⏎`."""
    text = _for_raw_readers(show_invisible(text)).replace("\n", "⏎").replace("\t", " ")
    if not text.strip():
        return "`(empty)`"
    ticks = "`" * (_longest_run(text) + 1)
    # Markdown takes one space off both ends, and only where both ends have one.
    padded = f" {text} " if "`" in (text[0], text[-1]) or text[0] == text[-1] == " " else text
    return f"{ticks}{padded}{ticks}"


def fence(text: str, info: str = "text") -> str:
    """A fenced block that `text` cannot leave. `info` is ours, never from outside."""
    ticks = "`" * max(3, _longest_run(text) + 1)
    lines = _for_raw_readers(show_invisible(text)).split("\n")
    safe = "\n".join(f"·{line}" if line.lstrip().startswith("/") else line for line in lines)
    return f"{ticks}{info}\n{safe}\n{ticks}"


def plain(text: str, limit: int) -> str:
    """One line for a title or a commit message, at most `limit` code points.

    Nothing in it links, closes, pings or renders, in Markdown and as raw text: such tokens are
    broken by a space, signs of live syntax dropped or replaced.
    """
    return _shortened(_begun(_inert(text[: 10 * limit])), limit)


def prose(text: str, limit: int = 1_000) -> str:
    """One line of running text in which only code spans live.

    For sentences that a stage of ours wrote and that may carry words from outside.
    """
    return _begun(_line(text, limit))


def _line(text: str, limit: int = 1_000) -> str:
    text = _shortened(show_invisible(text[: limit + 1]), limit)
    parts: list[str] = []
    end = 0
    for found in _CODE_SPAN.finditer(text):
        parts += [_inert(text[end : found.start()], strip=False), code_span(found[2].strip())]
        end = found.end()
    parts.append(_inert(text[end:], strip=False))
    return "".join(parts).strip()


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; cells are `prose` unless `Live`, each row as wide as the header.

    Columns of numbers stand to the right, where their digits compare.
    """
    width, listed = len(header), [list(row) for row in rows]
    ruled = (" ---: |" if _is_numeric(listed, at) else " --- |" for at in range(width))
    lines = [_row(header, width), "|" + "".join(ruled)]
    lines += [_row(row, width) for row in listed]
    return "\n".join(lines)


def _is_numeric(rows: Sequence[Sequence[str]], at: int) -> bool:
    cells = [row[at] for row in rows if at < len(row) and row[at]]
    return bool(cells) and all(_NUMBER.fullmatch(cell) for cell in cells)


def _row(cells: Sequence[str], width: int) -> str:
    filled = [*cells[:width], *[""] * (width - len(cells))]
    return "| " + " | ".join(_cell(cell) for cell in filled) + " |"


def _cell(text: str) -> str:
    """A table ends its cells at `|` before it looks for code, and reads `\\|` as `|`."""
    return re.sub(r"\\*\|", r"\\|", text if isinstance(text, Live) else _line(text))


def _inert(text: str, *, strip: bool = True) -> str:
    text = show_invisible(text).translate(_DROPPED)
    for pattern, replacement in _BROKEN:
        text = pattern.sub(replacement, text)
    text = re.sub(r"\s+", " ", text)
    return text.strip() if strip else text


def _begun(line: str) -> str:
    """A line that opens no list, heading or rule, and is no command to another bot."""
    line = re.sub(r"^(?:[#+=:-]+(?=\s|$)|[/@]+|\s+)+", "", line)
    return re.sub(r"^(\d+)[.)](?!\S)", r"\1", line)


def _for_raw_readers(text: str) -> str:
    return re.sub(r"@(?=\w)", "@ ", text)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    words = cut.rpartition(" ")[0] if text[limit - 1] != " " else cut
    # One long word is cut where it stands.
    return (words if 2 * len(words) > limit else cut).rstrip(" ,;:") + "…"
