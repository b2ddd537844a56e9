"""Edits become text, text becomes a diff, and the diff is checked against the text.

Takes files and `Edit`s; gives new texts or why they do not apply. An edit names the text it
replaces, which must stand there exactly once: that makes it safe to apply again on a base that
has moved. Lines end at a line feed only, as git counts them; carriage returns are kept.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

from bot.records import Edit, Skipped, SourceFile

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_NOWHERE = "/dev/null"
_NO_NEWLINE = "\\ No newline at end of file"


def split_lines(text: str) -> list[str]:
    """Lines with their ends. `str.splitlines` would also break at form feeds and U+2028."""
    return _LINE.findall(text)


def newline_of(text: str) -> str:
    """The line end that most lines of `text` have."""
    carriage = text.count("\r\n")
    return "\r\n" if carriage > text.count("\n") - carriage else "\n"


def occurs_once(text: str, part: str) -> bool:
    """True where `part` stands in `text` at one place only; overlapping places count."""
    first = text.find(part)
    return first >= 0 and text.find(part, first + 1) < 0


def apply_edits(files: Mapping[str, SourceFile], edits: Iterable[Edit]) -> dict[str, str] | Skipped:
    """New text of every path that `edits` touch, in their order.

    An edit with `base_blob` None makes a new file and its `old` is empty. Every other `old` must
    occur exactly once in the text as the edits before it left it; only in an empty file may it
    be empty. `base_blob` is not compared: an edit that still matches holds on a moved base.
    """
    texts: dict[str, str] = {}
    for edit in edits:
        if edit.base_blob is None:
            if edit.old or edit.path in files or edit.path in texts:
                return _skipped(edit, "it makes a new file, but the file is already there")
            texts[edit.path] = edit.new
            continue
        if edit.path not in files:
            return _skipped(edit, "the file is not in the repository")
        text = texts.get(edit.path, files[edit.path].text)
        if not (occurs_once(text, edit.old) if edit.old else text == ""):
            found = text.count(edit.old) if edit.old else "everywhere"
            return _skipped(edit, f"the text to replace occurs {found} times and must occur once")
        texts[edit.path] = text.replace(edit.old, edit.new, 1)
    unchanged = [path for path, text in texts.items() if path in files and files[path].text == text]
    if unchanged:
        return Skipped(
            what=f"edit of {unchanged[0]!r}", code="no_change", reason="The edits change nothing."
        )
    return texts


def _skipped(edit: Edit, why: str) -> Skipped:
    return Skipped(
        what=f"edit of {edit.path!r}", code="does_not_apply", reason=f"The edit does not fit: {why}"
    )


def edit_between(file: SourceFile, start: int, end: int, replacement: str) -> Edit:
    """The edit that puts `replacement` for `file.text[start:end]` and touches nothing else.

    Whole lines around the place are taken into `old`, as many as make it unique: first the lines
    before, because they are the ones that a reader needs, then the lines after.
    """
    text = file.text
    low = text.rfind("\n", 0, start if end > start else max(0, start - 1)) + 1
    high = end
    if end > start:
        line_end = text.find("\n", end)
        high = len(text) if line_end < 0 else line_end
    while text and not (high > low and occurs_once(text, text[low:high])):
        if low > 0:
            low = text.rfind("\n", 0, low - 1) + 1
        else:
            line_end = text.find("\n", high)
            high = len(text) if line_end < 0 else line_end + 1
    new = text[low:start] + replacement + text[end:high]
    return Edit(path=file.path, base_blob=file.blob, old=text[low:high], new=new)


def edit_to(file: SourceFile, after: str) -> Edit:
    """The edit that makes the whole of `file` into `after`: one run of lines, as short as can be.

    New lines stand in it behind the line before them, so that the edit still fits when other
    places of the file have changed.
    """
    old, new = split_lines(file.text), split_lines(after)
    first, last = _shared(old, new), 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    start, end = sum(map(len, old[:first])), sum(map(len, old[: len(old) - last]))
    lines = "".join(new[first : len(new) - last])
    for newline in ("\r\n", "\n"):
        if not file.text[:end].endswith(newline) or not lines.endswith(newline):
            continue
        if end > start:
            return edit_between(file, start, end - len(newline), lines.removesuffix(newline))
        start -= len(newline)
        return edit_between(file, start, start, newline + lines.removesuffix(newline))
    return edit_between(file, start, end, lines)


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many items both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def render_diff(before: str | None, after: str, path: str) -> str:
    """Unified diff as `git apply` reads it; `before` None makes a new file. Empty where equal."""
    if before == after:
        return ""
    header = [f"diff --git a/{path} b/{path}\n"]
    if before is None:
        header.append("new file mode 100644\n")
    source = _NOWHERE if before is None else f"a/{path}"
    lines = difflib.unified_diff(
        split_lines(before or ""), split_lines(after), source, f"b/{path}", n=3
    )
    out: list[str] = []
    for line in lines:
        # A name with a blank needs the tab that ends it, else git reads on.
        if line.startswith(("--- ", "+++ ")) and len(out) < 2 and " " in line.rstrip("\n")[4:]:
            line = line.rstrip("\n") + "\t\n"
        # difflib leaves a last line without its newline open, and the next line fuses with it.
        out.append(line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}\n")
    return "".join(header + out)


def check_diff(diff: str, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """What is wrong with `diff` as the way from `before` to `after`; empty where nothing is.

    `before` has the text of every file that exists, `after` that of every file that changes.
    unidiff reads prose, empty input and short hunks without a word, so the diff is applied here
    once more and the result compared.
    """
    try:
        patch = PatchSet.from_string(diff)
    except UnidiffParseError as error:
        return (f"The diff cannot be read: {error}.",)
    if not patch:
        return ("The diff has no files.",)
    problems = [problem for file in patch for problem in _file_problems(file, before)]
    if problems:
        return tuple(problems)
    paths = [file.path for file in patch]
    if sorted(paths) != sorted(after):
        return (f"The diff is about {sorted(paths)} and not about {sorted(after)}.",)
    return tuple(
        f"The diff does not lead to the intended text of {file.path!r}."
        for file in patch
        if _reapply(before.get(file.path, ""), file) != after[file.path]
    )


def _file_problems(file: PatchedFile, before: Mapping[str, str]) -> Iterable[str]:
    path = file.path
    if not is_plain_path(path):
        yield f"The path {path!r} is not a plain path inside the repository."
    # Not unidiff's is_added_file and is_removed_file: for them an empty file is none.
    if file.is_rename or file.target_file == _NOWHERE or file.is_binary_file:
        yield f"The diff renames, removes or replaces {path!r} as a whole."
    if file.is_symlink or file.is_submodule:
        yield f"The diff makes {path!r} a link or a submodule."
    if (file.source_file == _NOWHERE) != (path not in before):
        yield f"The diff and the repository disagree on whether {path!r} is new."
    if not file or not all(hunk.is_valid() for hunk in file):
        yield f"The diff of {path!r} has no complete hunk."


def _reapply(text: str, file: Sequence[Hunk]) -> str | None:
    """`text` after the hunks, or None where one does not fit."""
    lines = split_lines(text)
    out: list[str] = []
    position = 0
    for hunk in file:
        start = hunk.source_start - 1 if hunk.source_length else hunk.source_start
        old, new = _hunk_lines(hunk, "- "), _hunk_lines(hunk, "+ ")
        if start < position or lines[start : start + len(old)] != old:
            return None
        out += lines[position:start] + new
        position = start + len(old)
    return "".join(out + lines[position:])


def _hunk_lines(hunk: Hunk, kinds: str) -> list[str]:
    """Lines of one side; a marker takes the newline off the line before it."""
    out: list[str] = []
    last_is_ours = False
    for line in hunk:
        if line.line_type == "\\":
            if last_is_ours:
                out[-1] = out[-1].removesuffix("\n")
        else:
            last_is_ours = line.line_type in kinds
            if last_is_ours:
                out.append(line.value)
    return out


def is_plain_path(path: str) -> bool:
    """Relative, with forward slashes, without `..`, control characters, quotes or backslashes."""
    parts = path.split("/")
    return (
        path.isprintable()
        and not set(path) & set('\\"')
        and str(PurePosixPath(path)) == path
        and all(part not in {"", ".", ".."} for part in parts)
    )
