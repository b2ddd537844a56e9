"""Tells where a checkout comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bot.git.running import git_text, resolve


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What a checkout's remote has of it."""

    url: str
    """Of the remote `origin`; without credentials."""
    sha: str | None
    """The commit that is checked out, where a branch of the remote has it."""
    tag: str | None
    """A version's tag on that commit."""


def origin_of(path: Path) -> Origin | None:
    """Where the checkout at `path` was cloned from; None where it is no clone."""
    url = git_text(path, "config", "--get", "remote.origin.url", accept=(0, 1, 128))
    if not url:
        return None
    sha = resolve(path, "HEAD")
    if sha is not None:
        there = git_text(
            path, "for-each-ref", "--count=1", "--contains", sha, "refs/remotes/origin"
        )
        sha = sha if there else None
    tags = git_text(path, "tag", "--points-at", sha, "v*").split() if sha else []
    return Origin(url=re.sub(r"//[^/@]*@", "//", url), sha=sha, tag=tags[-1] if tags else None)
