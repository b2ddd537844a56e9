"""Finds how a proposal came into a branch: merged, squashed, rebased or cherry-picked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.git.commits import commit_time, is_ancestor, merge_base
from bot.git.running import git_text, resolve, run_git


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """How a proposal came into the default branch."""

    sha: str
    at: datetime


def merge_of(path: Path, *, head: str, base: str, branch: str) -> Merge | None:
    """How `head`, proposed on `base`, came into `branch`: as an ancestor or as an equal patch.

    An equal patch (`git patch-id`) is a squash, a rebase or a cherry-pick of the whole change.
    None where it is not there.
    """
    tip = resolve(path, f"refs/heads/{branch}") or resolve(path, f"refs/remotes/origin/{branch}")
    if tip is None or resolve(path, head) is None:
        return None
    if is_ancestor(path, head, tip):
        return _merge_of_ancestor(path, head=head, tip=tip, branch=branch)
    start = merge_base(path, head, base) or base
    changed = run_git(path, "diff", "--name-only", "-z", start, head).stdout.split(b"\0")
    paths = [name.decode("utf-8", "surrogateescape") for name in changed if name]
    wanted = _patch_ids(path, run_git(path, "diff", start, head).stdout)
    if not wanted or not paths:
        return None
    walk = ["log", "-p", "-m", "--first-parent", "--format=commit %H", f"{start}..{tip}"]
    landed = _patch_ids(path, run_git(path, "--literal-pathspecs", *walk, "--", *paths).stdout)
    for patch_id in wanted:
        if patch_id in landed:
            return Merge(sha=landed[patch_id], at=commit_time(path, landed[patch_id]))
    return None


def _merge_of_ancestor(path: Path, *, head: str, tip: str, branch: str) -> Merge:
    """The commit of the branch's own line that first had `head`."""
    line = git_text(path, "rev-list", "--first-parent", f"{head}..{tip}").split()
    own = git_text(path, "rev-list", "--first-parent", tip).split()
    if head in own:  # Fast-forward: the commit's own date is older than the merge.
        return Merge(sha=head, at=_when_seen(path, branch, head) or commit_time(path, head))
    first = next(sha for sha in reversed(line) if is_ancestor(path, head, sha))
    return Merge(sha=first, at=commit_time(path, first))


def _when_seen(path: Path, branch: str, head: str) -> datetime | None:
    """When the branch first contained `head`, by its reflog; None where it keeps none."""
    args = ["log", "-g", "--date=unix", "--format=%H %gd", f"refs/heads/{branch}", "--"]
    entries = run_git(path, *args, accept=(0, 128)).stdout.decode("utf-8", "replace").splitlines()
    seen = None
    for entry in entries:  # newest first
        sha, _, when = entry.partition(" ")
        at = re.search(r"@\{(\d+)\}$", when)
        if at is None or not is_ancestor(path, head, sha):
            break
        seen = datetime.fromtimestamp(int(at[1]), UTC)
    return seen


def _patch_ids(path: Path, patch: bytes) -> dict[str, str]:
    """Commit by patch id, for the output of `git diff` or `git log -p`."""
    lines = run_git(path, "patch-id", "--stable", stdin=patch).stdout.decode().splitlines()
    pairs = [line.split() for line in lines]
    return {pair[0]: pair[1] for pair in reversed(pairs)}
