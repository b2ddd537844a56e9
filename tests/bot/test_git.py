"""Reading a commit, and knowing what was merged, with real repositories."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.errors import RepositoryError, UsageError
from bot.git import (
    MAX_FILE_BYTES,
    commit_files,
    default_branch,
    merge_of,
    move_ref,
    read_files,
    read_repository,
)
from bot.local_pulls import read_pulls
from tests.fake_github import EPOCH, a_bare_repository, commit_on, git

FILES = {"prompts/a.md": "one\ntwo\n", "config.yml": "limit: 3\n"}


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return a_bare_repository(tmp_path / "agent.git", FILES)


def at(days: int) -> dict[str, str]:
    """Commit `days` after the first commit."""
    return {"GIT_COMMITTER_DATE": f"{EPOCH + 86_400 * days} +0000"}


def when(days: int) -> datetime:
    return datetime.fromtimestamp(EPOCH + 86_400 * days, UTC)


def proposed(path: Path, text: str = "one\nTWO\n") -> tuple[str, str]:
    """(base, head) of a commit that changes prompts/a.md; the branch is debrief/p-1."""
    base = default_branch(path)[1]
    head = commit_files(path, {"prompts/a.md": text}, on=base, parents=[base], message="m")
    assert move_ref(path, "refs/heads/debrief/p-1", head, expected=None)
    return base, head


def test_text_files_of_the_default_branch_are_read(bare: Path) -> None:
    repository = read_repository(bare)

    assert repository.base_branch == "main"
    assert repository.base_sha == git(bare, "rev-parse", "main")
    assert {path: file.text for path, file in repository.files.items()} == FILES
    assert repository.files["config.yml"].blob == git(bare, "rev-parse", "main:config.yml")


def test_what_is_no_plain_small_text_is_left_out(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    (work / "kept ünd quoted\t.md").write_text("kept\r\nno newline at the end", newline="")
    (work / "binary.bin").write_bytes(b"\0\1\2")
    (work / "latin.txt").write_bytes("für".encode("latin-1"))
    (work / "large.txt").write_text("x" * (MAX_FILE_BYTES + 1))
    (work / "empty.txt").touch()
    (work / "link.md").symlink_to("/etc/passwd")
    git(work, "add", "-A")
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    git(work, "commit", "-q", "-m", "all kinds")

    files = read_repository(work).files

    assert sorted(files) == ["empty.txt", "kept ünd quoted\t.md"]
    assert files["kept ünd quoted\t.md"].text == "kept\r\nno newline at the end"


def test_what_is_not_committed_and_what_is_checked_out_do_not_matter(
    bare: Path, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    git(bare, "clone", "-q", str(bare), str(work))
    git(work, "checkout", "-q", "-b", "feature")
    (work / "config.yml").write_text("limit: 4\n")
    git(work, "commit", "-q", "-a", "-m", "in progress")
    (work / "config.yml").write_text("limit: 5\n")

    repository = read_repository(work)

    assert repository.base_branch == "main"
    assert repository.files["config.yml"].text == "limit: 3\n"
    assert read_repository(work, ref="feature").files["config.yml"].text == "limit: 4\n"


def test_a_detached_checkout_is_read_by_its_default_branch(bare: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    git(bare, "clone", "-q", str(bare), str(work))
    git(work, "checkout", "-q", "--detach")
    git(work, "branch", "-q", "-D", "main")

    assert read_repository(work).base_branch == "main"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda path: None, "is not a folder", id="nothing"),
        pytest.param(lambda path: path.mkdir(), "not the root of a git repository", id="folder"),
        pytest.param(
            lambda path: (path.mkdir(), git(path, "init", "-q")), "has no commit", id="no-commit"
        ),
    ],
)
def test_what_cannot_be_read_is_said_clearly(tmp_path: Path, make: object, message: str) -> None:
    path = tmp_path / "repository"
    make(path)  # type: ignore[operator]

    with pytest.raises(UsageError, match=message):
        read_repository(path)


@pytest.mark.parametrize("ref", ["missing", "--all", "-x"])
def test_a_ref_that_is_none_is_refused(bare: Path, ref: str) -> None:
    with pytest.raises(RepositoryError, match="ref"):
        read_repository(bare, ref=ref)


def test_git_finds_no_repository_by_the_callers_environment(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(bare))
    (tmp_path / "empty").mkdir()

    with pytest.raises(UsageError, match="not the root"):
        read_repository(tmp_path / "empty")


def test_a_commit_keeps_modes_and_other_files(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    (work / "run.sh").write_text("old\n")
    (work / "run.sh").chmod(0o755)
    (work / "other.md").write_text("other\n")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "first")
    base = git(work, "rev-parse", "HEAD")

    files = {"run.sh": "new\n", "deep/new file.md": "x"}
    sha = commit_files(work, files, on=base, parents=[base], message="m")

    assert git(work, "ls-tree", "-r", "--format=%(objectmode) %(path)", sha).splitlines() == [
        "100644 deep/new file.md",
        "100644 other.md",
        "100755 run.sh",
    ]
    assert read_files(work, sha, ["run.sh", "missing"])["run.sh"].text == "new\n"
    assert sha == commit_files(work, files, on=base, parents=[base], message="m")


def test_a_ref_moves_only_from_where_we_saw_it(bare: Path) -> None:
    base, head = proposed(bare)

    assert not move_ref(bare, "refs/heads/debrief/p-1", base, expected=base)
    assert not move_ref(bare, "refs/heads/debrief/p-1", base, expected=None)
    assert move_ref(bare, "refs/heads/debrief/p-1", base, expected=head)


def test_an_open_proposal_is_not_merged(bare: Path) -> None:
    base, head = proposed(bare)
    commit_on(bare, "main", {"config.yml": "limit: 4\n"}, env=at(1))

    assert merge_of(bare, head=head, base=base, branch="main") is None


def test_a_merge_commit_gives_the_time_of_the_merge(bare: Path) -> None:
    base, head = proposed(bare)
    tree = git(bare, "rev-parse", f"{head}^{{tree}}")
    parents = ["-p", base, "-p", head]
    merged = git(bare, "commit-tree", tree, *parents, stdin=b"Merge", env=at(2))
    git(bare, "update-ref", "refs/heads/main", merged)
    commit_on(bare, "main", {"config.yml": "limit: 4\n"}, env=at(3))

    merge = merge_of(bare, head=head, base=base, branch="main")

    assert merge is not None
    assert (merge.sha, merge.at) == (merged, when(2))


def test_a_fast_forward_gives_the_time_at_which_the_branch_moved(
    bare: Path, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    git(bare, "clone", "-q", str(bare), str(work))
    base, head = proposed(work)
    git(work, "merge", "-q", "--ff-only", "debrief/p-1", env=at(4))
    commit_on(work, "main", {"config.yml": "limit: 4\n"}, env=at(9))

    merge = merge_of(work, head=head, base=base, branch="main")

    assert merge is not None
    assert (merge.sha, merge.at) == (head, when(4))


def test_a_squash_on_a_moved_base_is_an_equal_patch(bare: Path) -> None:
    base, head = proposed(bare)
    commit_on(bare, "main", {"config.yml": "limit: 4\n"}, env=at(1))
    squashed = commit_on(bare, "main", {"prompts/a.md": "one\nTWO\n"}, env=at(5))
    git(bare, "update-ref", "-d", "refs/heads/debrief/p-1")

    merge = merge_of(bare, head=head, base=base, branch="main")

    assert merge is not None
    assert (merge.sha, merge.at) == (squashed, when(5))


def test_another_change_to_the_same_file_is_no_merge(bare: Path) -> None:
    base, head = proposed(bare)
    commit_on(bare, "main", {"prompts/a.md": "one\ntwo, but other\n"}, env=at(5))

    assert merge_of(bare, head=head, base=base, branch="main") is None


def test_a_state_that_we_did_not_write_is_named(bare: Path) -> None:
    sha = commit_on(bare, "elsewhere", {"state.json": "[]", "body.md": ""})
    git(bare, "update-ref", "refs/debrief/pulls/p-1", sha)

    with pytest.raises(RepositoryError, match="refs/debrief/pulls/p-1"):
        read_pulls(bare)


def test_a_file_whose_content_is_not_there_is_left_out(bare: Path) -> None:
    blob = git(bare, "rev-parse", "main:config.yml")
    (bare / "objects" / blob[:2] / blob[2:]).unlink()

    files = read_files(bare, "main", ["config.yml", "prompts/a.md"])

    assert list(files) == ["prompts/a.md"]
