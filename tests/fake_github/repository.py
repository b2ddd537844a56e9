"""Git repositories for tests, and people who commit to them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

EPOCH = 1_760_000_000


def git(repository: Path, *args: str, stdin: bytes = b"", env: Mapping[str, str] = {}) -> str:
    """Run git for a test; fixed identity and time unless `env` says otherwise."""
    identity = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "Alice",
        "GIT_AUTHOR_EMAIL": "alice@example.com",
        "GIT_AUTHOR_DATE": f"{EPOCH} +0000",
        "GIT_COMMITTER_NAME": "Alice",
        "GIT_COMMITTER_EMAIL": "alice@example.com",
        "GIT_COMMITTER_DATE": f"{EPOCH} +0000",
    }
    done = subprocess.run(
        ["git", "-C", str(repository), *args],
        input=stdin,
        capture_output=True,
        env={"PATH": os.environ["PATH"], **identity, **env},
        check=False,
    )
    if done.returncode:
        raise subprocess.CalledProcessError(
            done.returncode, done.args, done.stdout, done.stderr.decode("utf-8", "replace")
        )
    return done.stdout.decode("utf-8", "replace").strip()


_known: dict[tuple[str, ...], str] = {}


def git_known(repository: Path, *args: str) -> str:
    """`git` where all that `args` name are object ids: what it says is the same for ever."""
    if args not in _known:
        _known[args] = git(repository, *args)
    return _known[args]


def commit_on(
    repository: Path,
    branch: str,
    files: Mapping[str, str],
    *,
    message: str = "change",
    env: Mapping[str, str] = {},
) -> str:
    """Somebody commits files to a branch (made where it is missing) without any work tree."""
    date = env.get("GIT_COMMITTER_DATE", f"{EPOCH} +0000")
    lines = [
        f"commit refs/heads/{branch}",
        "mark :1",
        f"committer Alice <alice@example.com> {date}",
    ]
    lines += [f"data {len(message.encode())}", message]
    if git(repository, "for-each-ref", f"refs/heads/{branch}"):
        lines.append(f"from refs/heads/{branch}^0")
    for path, text in files.items():
        lines += [f"M 100644 inline {path}", f"data {len(text.encode())}", text]
    script = "\n".join([*lines, "get-mark :1", ""]).encode()
    return git(repository, "fast-import", "--quiet", stdin=script, env=env)


def a_bare_repository(path: Path, files: Mapping[str, str]) -> Path:
    """A bare repository with one commit on `main`."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "--bare", "-b", "main")
    commit_on(path, "main", files, message="first")
    return path
