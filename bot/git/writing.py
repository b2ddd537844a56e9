"""Writes commits, refs and checkouts, without the person's work tree, index or configuration."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.errors import RepositoryError
from bot.git.commits import AUTHOR_EMAIL, AUTHOR_NAME, commit_time
from bot.git.files import entries_of
from bot.git.running import git_text, resolve, run_git


def commit_files(
    path: Path,
    files: Mapping[str, str],
    *,
    on: str | None,
    parents: Sequence[str],
    message: str,
    at: datetime | None = None,
) -> str:
    """Make a commit of the tree of `on` with these files changed; no ref moves.

    The same arguments give the same commit id: the author is fixed, and the date is `at` or else
    the date of `on`. File modes stay; a new file is plain.
    """
    blobs = {
        name: git_text(path, "hash-object", "-w", "--stdin", stdin=text.encode("utf-8"))
        for name, text in files.items()
    }
    when = at or (commit_time(path, on) if on else datetime.fromtimestamp(0, UTC))
    with tempfile.TemporaryDirectory(prefix="debrief-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        modes = {}
        if on is not None:
            modes = {entry.path: entry.mode for entry in entries_of(path, on, tuple(files))}
            run_git(path, "read-tree", on, environment=index)
        lines = (f"{modes.get(name, '100644')} {blobs[name]}\t{name}\0" for name in files)
        run_git(
            path,
            *("update-index", "--add", "-z", "--index-info"),
            stdin="".join(lines).encode("utf-8"),
            environment=index,
        )
        tree = git_text(path, "write-tree", environment=index)
    date = f"{int(when.timestamp())} +0000"
    identity = {}
    for role in ("AUTHOR", "COMMITTER"):
        identity[f"GIT_{role}_NAME"] = AUTHOR_NAME
        identity[f"GIT_{role}_EMAIL"] = AUTHOR_EMAIL
        identity[f"GIT_{role}_DATE"] = date
    flags = [argument for parent in parents for argument in ("-p", parent)]
    return git_text(
        path,
        *("commit-tree", tree, *flags),
        stdin=message.encode("utf-8"),
        environment=identity,
    )


def move_ref(path: Path, ref: str, sha: str, *, expected: str | None) -> bool:
    """Point `ref` at `sha` if it is still at `expected` (None: must not exist); False if not.

    Raises:
        RepositoryError: the ref is where we expected it, and git still said no.
    """
    # An empty old value means that the ref must not exist yet: git-update-ref(1).
    done = run_git(path, "update-ref", ref, sha, expected or "", accept=(0, 1, 128))
    if done.returncode == 0:
        return True
    if resolve(path, ref) != expected:
        return False
    said = done.stderr.decode("utf-8", "replace").strip()[-300:]
    raise RepositoryError(f"git could not move {ref} in {path}: {said}")


def delete_ref(path: Path, ref: str, *, expected: str) -> bool:
    """Delete a ref; False where it is no longer at `expected`."""
    return run_git(path, "update-ref", "-d", ref, expected, accept=(0, 1, 128)).returncode == 0


def is_checked_out(path: Path, branch: str) -> bool:
    """A work tree of this repository has the branch checked out, so moving it would disturb it."""
    ref = f"refs/heads/{branch}"
    return bool(git_text(path, "for-each-ref", "--format=%(worktreepath)", ref))


def copy_commit(path: Path, sha: str, folder: Path) -> None:
    """Check `sha` out into a new repository at `folder`, which borrows the objects of `path`.

    Nothing is written at `path`; the copy has no remote, no hooks and no ref of it.

    Raises:
        RepositoryError: there is no such commit, or the folder cannot be written.
    """
    folder.mkdir()
    run_git(folder, "init", "--quiet", "--template=", "--initial-branch=check")
    objects = git_text(path, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    (folder / ".git/objects/info").mkdir(exist_ok=True)
    (folder / ".git/objects/info/alternates").write_text(f"{objects}\n")
    run_git(folder, "checkout", "--quiet", "--detach", sha)
