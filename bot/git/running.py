"""Runs one git command, and knows which commit a repository is about."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.errors import RepositoryError, UsageError

TIMEOUT_S = 120.0


def run_git(
    repository: Path,
    *args: str,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    accept: tuple[int, ...] = (0,),
) -> subprocess.CompletedProcess[bytes]:
    """Run one git command there, without a shell, prompts, hooks or anybody's configuration.

    Raises:
        RepositoryError: git is not installed, took longer than `TIMEOUT_S`, or said no.
    """
    git = shutil.which("git")
    if git is None:
        raise RepositoryError("git was not found; install git 2.38 or newer and put it on PATH")
    folder = repository.resolve()
    command = [git, "-C", str(folder), "-c", "core.hooksPath=/dev/null"]
    command += ["-c", "core.fsmonitor=false", "-c", "gc.auto=0"]
    # The person named this folder, and in a container it often belongs to another user. What
    # git's ownership check guards against, hooks and commands in its settings, is off or unused.
    command += ["-c", "safe.directory=*", "-c", "i18n.commitEncoding=UTF-8"]
    clean = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        # A folder inside another repository is not that repository.
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "LC_ALL": "C",
    }
    try:
        done = subprocess.run(  # noqa: S603  (no shell; refs and paths are checked or on stdin)
            [*command, *args],
            input=stdin,
            capture_output=True,
            env={**clean, **(environment or {})},
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RepositoryError(
            f"git {args[0]} in {repository} took longer than {TIMEOUT_S:.0f} s and was stopped; "
            "check the disk and run again"
        ) from error
    if done.returncode not in accept:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        raise RepositoryError(f"git {args[0]} failed in {repository}: {said[-1][:300]}")
    return done


def git_text(repository: Path, *args: str, **options: Any) -> str:
    return run_git(repository, *args, **options).stdout.decode("utf-8", "replace").strip()


def require_repository(path: Path) -> None:
    """Check that `path` is the root of a repository.

    Raises:
        UsageError: it is not; the message says what to give instead.
    """
    if not path.is_dir():
        raise UsageError(f"{path} is not a folder; give the root of a git repository")
    if run_git(path, "rev-parse", "--git-dir", accept=(0, 128)).returncode:
        raise UsageError(
            f"{path} is not the root of a git repository; give the folder that holds .git"
        )


def resolve(path: Path, ref: str) -> str | None:
    """Commit id that `ref` names, or None."""
    if ref.startswith("-"):
        raise RepositoryError(f"{ref!r} is not a ref; give a branch, a tag or a commit id")
    done = run_git(
        path, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", accept=(0, 1, 128)
    )
    return done.stdout.decode().strip() or None


def default_branch(path: Path) -> tuple[str, str]:
    """Name and head commit of the default branch.

    The remote's default where a clone knows it; in a work tree `main` or `master`, because what
    is checked out may be somebody's work in progress; else the branch that HEAD names.

    Raises:
        UsageError: not a repository, or no commit on any of these.
    """
    require_repository(path)
    names = []
    remote = git_text(path, "symbolic-ref", "--quiet", "refs/remotes/origin/HEAD", accept=(0, 1))
    head = git_text(path, "symbolic-ref", "--quiet", "--short", "HEAD", accept=(0, 1))
    bare = git_text(path, "rev-parse", "--is-bare-repository") == "true"
    if remote:
        names.append(remote.removeprefix("refs/remotes/origin/"))
    names += [head, "main", "master"] if bare else ["main", "master", head]
    for name in filter(None, names):
        sha = resolve(path, f"refs/heads/{name}") or resolve(path, f"refs/remotes/origin/{name}")
        if sha is not None:
            return name, sha
    raise UsageError(f"{path} has no commit on a branch; commit something and run again")
