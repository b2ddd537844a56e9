"""Edits apply exactly once and touch nothing else; diffs are what git reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.proposals.edits import (
    apply_edits,
    check_diff,
    edit_between,
    is_plain_path,
    newline_of,
    render_diff,
)
from bot.records import Edit, Skipped, SourceFile

PATH = "prompts/support.md"
PIECES = st.sampled_from(
    ["a", "rule\n", "- rule\n", "\n", "\r\n", "x\r\n", "\f", "\u2028", "\r", "--- a\n", "é", "+"]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)


def a_file(text: str, path: str = PATH) -> SourceFile:
    return SourceFile(path=path, blob="b10b", text=text)


def an_edit(old: str, new: str, **changes: str | None) -> Edit:
    values: dict[str, str | None] = {"path": PATH, "base_blob": "b10b", "old": old, "new": new}
    return Edit(**{**values, **changes})  # type: ignore[arg-type]


def applied(text: str, *edits: Edit) -> dict[str, str] | Skipped:
    return apply_edits({PATH: a_file(text)}, edits)


def test_an_edit_replaces_what_occurs_once() -> None:
    assert applied("one\ntwo\n", an_edit("two", "three")) == {PATH: "one\nthree\n"}


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        pytest.param("one\n", an_edit("two", "three"), id="not-there"),
        pytest.param("one one\n", an_edit("one", "two"), id="twice"),
        pytest.param("aaa\n", an_edit("aa", "b"), id="overlapping-places-are-two"),
        pytest.param("one\n", an_edit("", "two"), id="nothing-to-find"),
        pytest.param("one\n", an_edit("one", "one"), id="changes-nothing"),
        pytest.param("one\n", an_edit("", "new", base_blob=None), id="new-file-that-exists"),
        pytest.param("one\n", an_edit("a", "b", path="other.md"), id="no-such-file"),
    ],
)
def test_an_edit_that_does_not_fit_says_why(text: str, edit: Edit) -> None:
    result = applied(text, edit)

    assert isinstance(result, Skipped)
    assert edit.path in result.what


def test_a_second_edit_sees_what_the_first_one_left() -> None:
    assert applied("one\n", an_edit("one", "two"), an_edit("two", "three")) == {PATH: "three\n"}


def test_an_edit_without_a_base_makes_a_new_file() -> None:
    edit = an_edit("", "{}\n", base_blob=None, path=".debrief/cases/one.jsonl")

    assert applied("one\n", edit) == {".debrief/cases/one.jsonl": "{}\n"}


@given(TEXTS, st.data())
def test_what_stands_outside_the_edit_stays_byte_for_byte(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    new = data.draw(TEXTS)

    result = applied(text, edit_between(a_file(text), start, end, new))

    intended = text[:start] + new + text[end:]
    assert intended == text if isinstance(result, Skipped) else result == {PATH: intended}


@given(TEXTS, TEXTS)
def test_a_rendered_diff_leads_to_the_intended_text(before: str, after: str) -> None:
    diff = render_diff(before, after, PATH)

    if before == after:
        assert diff == ""
    else:
        assert check_diff(diff, {PATH: before}, {PATH: after}) == ()
        assert check_diff(diff, {PATH: before}, {PATH: after + "x"}) != ()


@settings(max_examples=25, deadline=None)
@given(before=TEXTS, after=TEXTS, name=st.sampled_from(["a.md", "a b.md", "ü.md"]))
def test_git_applies_the_diff_to_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str, name: str
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    file = folder / name
    file.write_text(before, newline="")

    if before != after:
        git_apply(folder, render_diff(before, after, name))

    assert file.read_bytes() == after.encode()


def test_git_makes_a_new_file_from_the_diff(tmp_path: Path) -> None:
    git_apply(tmp_path, render_diff(None, "one\ntwo", "new.md"))

    assert (tmp_path / "new.md").read_bytes() == b"one\ntwo"


def git_apply(folder: Path, diff: str) -> None:
    """As git does it without any settings of the person who runs the tests."""
    quiet = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "PATH": "/usr/bin:/bin"}
    command = ["git", "apply", "--whitespace=nowarn", "-"]
    subprocess.run(command, cwd=folder, input=diff.encode(), check=True, env=quiet)


GOOD = render_diff("one\ntwo\n", "one\nthree\n", PATH)


@pytest.mark.parametrize(
    "diff",
    [
        pytest.param("", id="empty"),
        pytest.param("just prose\n", id="prose"),
        pytest.param(GOOD.replace(PATH, "../../etc/passwd"), id="leaves-the-repository"),
        pytest.param(GOOD.replace("@@ -1,2 +1,2 @@", "@@ -1,1 +1,1 @@"), id="counts-too-small"),
        pytest.param(GOOD.replace("@@ -1,2 +1,2 @@", "@@ -1,9 +1,9 @@"), id="counts-too-large"),
        pytest.param(GOOD.split("@@")[0] + "@@ ... @@\n", id="no-hunk"),
        pytest.param(GOOD.replace("--- a/", "new file mode 120000\n--- a/"), id="a-link"),
        pytest.param(GOOD.replace("+three", "+four"), id="another-text"),
        pytest.param(GOOD.replace("-two", "-2"), id="another-base"),
        pytest.param(f"diff --git a/{PATH} b/{PATH}\nBinary files a/{PATH} and b/{PATH} differ\n"),
        pytest.param(
            f"diff --git a/{PATH} b/b.md\nsimilarity index 100%\nrename from {PATH}\n"
            "rename to b.md\n",
            id="rename",
        ),
        pytest.param(GOOD.replace(f"+++ b/{PATH}", "+++ /dev/null"), id="removal"),
    ],
)
def test_a_diff_that_is_not_the_change_is_refused(diff: str) -> None:
    assert check_diff(diff, {PATH: "one\ntwo\n"}, {PATH: "one\nthree\n"}) != ()


def test_most_line_ends_decide() -> None:
    assert newline_of("a\r\nb\r\nc\n") == "\r\n"
    assert newline_of("a\nb\n") == "\n"


@pytest.mark.parametrize("path", ["/a", "../a", "a/../b", "a//b", "a\\b", 'a"b', "a\nb", "", "./a"])
def test_a_path_that_could_leave_the_repository_is_not_plain(path: str) -> None:
    assert not is_plain_path(path)
