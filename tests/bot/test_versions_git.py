"""The history of files, read from real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import UsageError
from bot.git import MAX_FILE_BYTES, read_file_history
from tests.fake_github import git


def is_prompt(path: str) -> bool:
    return path.startswith("prompts/")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Four steps on main: written, changed by a merged branch, renamed, something else."""
    path = tmp_path / "work"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    commit(path, {"prompts/a.md": "one", "readme.md": "x"})
    git(path, "checkout", "-q", "-b", "feature")
    commit(path, {"prompts/a.md": "half"})
    commit(path, {"prompts/a.md": "two"})
    git(path, "checkout", "-q", "main")
    git(path, "merge", "-q", "--no-ff", "-m", "merge", "feature")
    git(path, "mv", "prompts/a.md", "prompts/ü b.md")
    git(path, "commit", "-q", "-m", "rename")
    commit(path, {"code.py": "pass"})
    return path


def commit(path: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "step")


def test_the_default_branch_is_read_step_by_step(work: Path) -> None:
    history = read_file_history(work, is_prompt)

    told = [
        {path: blob and history.texts[blob] for path, blob in one.files.items()}
        for one in history.commits
    ]
    assert told == [
        {"prompts/a.md": "one"},
        {"prompts/a.md": "two"},
        {"prompts/a.md": None, "prompts/ü b.md": "two"},
        {},
    ]
    assert history.branch == "main"
    assert history.is_whole
    assert history.commits[-1].sha == git(work, "rev-parse", "main")
    assert set(history.texts.values()) == {"one", "two"}


def test_a_history_that_is_cut_off_begins_with_all_its_files(work: Path) -> None:
    history = read_file_history(work, is_prompt, max_commits=1)

    (only,) = history.commits
    assert list(only.files) == ["prompts/ü b.md"]
    assert not history.is_whole


def test_a_shallow_clone_says_that_it_is_one(work: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", work.as_uri(), "clone")

    history = read_file_history(tmp_path / "clone", is_prompt)

    assert list(history.commits[0].files) == ["prompts/ü b.md"]
    assert not history.is_whole


def test_what_is_no_small_text_has_no_text(work: Path) -> None:
    (work / "prompts" / "link.md").symlink_to("a.md")
    commit(work, {"prompts/b.md": b"\xff\xfe", "prompts/c.md": "x" * (MAX_FILE_BYTES + 1)})

    history = read_file_history(work, is_prompt)

    last = history.commits[-1].files
    assert last["prompts/link.md"] is None
    assert set(last) == {"prompts/link.md", "prompts/b.md", "prompts/c.md"}
    assert set(history.texts.values()) == {"one", "two"}


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not the root of a git repository"):
        read_file_history(tmp_path, is_prompt)
