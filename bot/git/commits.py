"""Reads commits: who made them, what they say and change, and which line came in by which."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.git.running import git_text, run_git

AUTHOR_NAME = "Debrief"
AUTHOR_EMAIL = "debrief@debrief.invalid"
PROPOSAL = "Debrief-Proposal"
FINGERPRINT = "Debrief-Fingerprint"
"""Trailers of our commits: for which proposal, in which state of its evidence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitInfo:
    """One commit, as far as it matters who made it."""

    sha: str
    parents: tuple[str, ...]
    author: str
    """Name and e-mail address: outside text."""
    committer: str
    message: str


def trailer(message: str, name: str) -> str | None:
    """Value of the last trailer of that name in a commit message, on GitHub or not."""
    found = re.findall(rf"^{name}: (\S+)$", message, re.MULTILINE)
    return found[-1] if found else None


def is_made_for(commit: CommitInfo, proposal_id: str) -> bool:
    """We made this commit for that proposal, and nobody has amended it since."""
    own = f"{AUTHOR_NAME} <{AUTHOR_EMAIL}>"
    ours = commit.author == commit.committer == own
    return ours and trailer(commit.message, PROPOSAL) == proposal_id


_LOG_FORMAT = "%H%x00%P%x00%an <%ae>%x00%cn <%ce>%x00%B%x01"


def commits_between(path: Path, base: str, head: str) -> tuple[CommitInfo, ...]:
    """Commits that `head` has and `base` has not, newest first."""
    found = []
    listing = git_text(path, "log", f"--format={_LOG_FORMAT}", f"{base}..{head}", "--")
    for block in filter(None, (part.strip("\n") for part in listing.split("\x01"))):
        sha, parents, author, committer, message = block.split("\0", 4)
        found.append(
            CommitInfo(
                sha=sha,
                parents=tuple(parents.split()),
                author=author,
                committer=committer,
                message=message,
            )
        )
    return tuple(found)


def messages_between(path: Path, base: str, head: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Messages of the commits that `head` has and `base` has not and that change `paths`."""
    args = ["--literal-pathspecs", "log", "--format=%B%x01", f"{base}..{head}", "--", *paths]
    listing = run_git(path, *args).stdout.decode("utf-8", "replace")
    return tuple(message.strip() for message in listing.split("\x01") if message.strip())


def changed_paths(path: Path, base: str, head: str) -> tuple[str, ...]:
    """Files that differ between two commits."""
    listing = run_git(path, "diff", "--name-only", "--no-renames", "-z", base, head).stdout
    return tuple(name.decode("utf-8", "replace") for name in listing.split(b"\0") if name)


def is_ancestor(path: Path, older: str, newer: str) -> bool:
    """`newer` contains `older`. A commit is its own ancestor."""
    return not run_git(path, "merge-base", "--is-ancestor", older, newer, accept=(0, 1)).returncode


def merge_base(path: Path, one: str, other: str) -> str | None:
    """The newest commit that both have, or None where they share none."""
    return git_text(path, "merge-base", one, other, accept=(0, 1)) or None


def commit_time(path: Path, sha: str) -> datetime:
    """When a commit was made."""
    return datetime.fromtimestamp(int(git_text(path, "show", "-s", "--format=%ct", sha)), UTC)


def refs_under(path: Path, prefix: str) -> list[tuple[str, str]]:
    """(ref, what it points at) of all refs whose name begins with `prefix`, which ends with `/`."""
    listing = git_text(path, "for-each-ref", "--format=%(refname) %(objectname)", prefix)
    return [(ref, sha) for ref, sha in (line.split() for line in listing.splitlines())]


@dataclass(frozen=True, kw_only=True, slots=True)
class LineCommit:
    """One line of a file and the commit that it came in by."""

    number: int
    """From 1 on."""
    text: str
    """Without its end."""
    sha: str
    at: datetime
    author: str
    """Outside text, as the next two."""
    summary: str
    message: str
    """The whole message, trailers included."""


_PORCELAIN = re.compile(rb"([0-9a-f]{40,64}) \d+ (\d+)(?: \d+)?")


def line_commits(path: Path, commit: str, name: str) -> tuple[LineCommit, ...]:
    """Which commit each line of a file came in by, as `git blame` tells it.

    A change of white space alone leaves a line with whom it is from.
    """
    args = ["--literal-pathspecs", "blame", "--line-porcelain", "-w", commit, "--", name]
    found: list[dict[str, Any]] = []
    for raw in run_git(path, *args).stdout.split(b"\n"):
        if raw.startswith(b"\t"):
            found[-1]["text"] = raw[1:].decode("utf-8", "replace").rstrip("\r")
        elif begins := _PORCELAIN.fullmatch(raw):
            found.append({"sha": begins[1].decode(), "number": int(begins[2])})
        elif raw:
            key, _, value = raw.decode("utf-8", "replace").partition(" ")
            found[-1][key] = value
    messages = {sha: git_text(path, "log", "-1", "--format=%B", sha) for sha in _shas(found)}
    return tuple(
        LineCommit(
            number=one["number"],
            text=one["text"],
            sha=one["sha"],
            at=datetime.fromtimestamp(int(one["committer-time"]), UTC),
            author=one["author"],
            summary=one["summary"],
            message=messages[one["sha"]],
        )
        for one in found
    )


def _shas(found: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return dict.fromkeys(one["sha"] for one in found)
