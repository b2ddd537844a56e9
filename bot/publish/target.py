"""What publish asks of a place that holds pull requests, and the nouns that it answers in.

Two implementations: `git_target.py` for a repository without GitHub, `github_target.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.records import Degraded, PullState, SourceFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """A branch of ours as it is now."""

    sha: str
    is_ours: bool
    """Every commit that the default branch has not was made by Debrief for this proposal."""
    fingerprint: str | None
    """Of the trailer of its newest commit."""
    in_base: bool
    """The default branch contains it already."""
    contains_base: bool
    is_stale: bool = False
    """The default branch has changed the files in question since this branch left it."""
    is_checked_out: bool = False
    """A work tree stands on it, and moving it would disturb that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pull:
    """A pull request as it is now."""

    reference: str
    url: str | None
    state: PullState
    title: str
    body: str
    labels: tuple[str, ...] = ()
    is_ticked: bool = False
    """A person ticked a reason for rejecting it in the body."""
    is_review_requested: bool = False
    """Somebody was asked for a review, and has not given it yet."""


class Target(Protocol):
    """Where a plan is carried out. Reads give what is there now."""

    def base(self) -> tuple[str, str]:
        """Name and head commit of the default branch."""

    def files(self, commit: str, paths: Sequence[str]) -> dict[str, SourceFile]:
        """Those of `paths` that are text files in `commit`."""

    def occupied(self, commit: str, paths: Sequence[str]) -> tuple[str, ...]:
        """Those of `paths` that are a link, a submodule or a folder, or lead through one."""

    def branch(
        self, name: str, *, proposal_id: str, base_sha: str, paths: Sequence[str] = ()
    ) -> Branch | None:
        """The branch, or None where there is none. `paths` are those that have to be fresh."""

    def pulls(self, branch: str) -> tuple[Pull, ...]:
        """All pull requests of a branch, newest first."""

    def comment_markers(self, pull: Pull) -> tuple[Mapping[str, Any], ...]:
        """Markers of the comments that Debrief wrote on it."""

    def put_branch(
        self,
        name: str,
        files: Mapping[str, str],
        *,
        on: str,
        parents: Sequence[str],
        message: str,
        expected: str | None,
    ) -> bool:
        """Commit files on top of the tree of `on` and move the branch there.

        False where the branch is no longer at `expected` (None: there must be none yet).
        """

    def open_pull(
        self, *, branch: str, base: str, title: str, body: str, is_draft: bool = False
    ) -> Pull | Degraded:
        """Open a pull request into the branch `base`, or give the one that is open already.

        As a draft where the target has drafts.

        `Degraded` where the target's settings forbid it: the branch is there, and the sentence
        says how a person can go on.
        """

    def edit_pull(self, pull: Pull, *, title: str, body: str) -> bool:
        """Give a pull request a new title and body; False where a person changed it meanwhile."""

    def request_reviews(self, pull: Pull, names: Sequence[str]) -> str | None:
        """Best effort: None, or one sentence that says who could not be asked."""

    def add_labels(self, pull: Pull, labels: Sequence[str]) -> str | None:
        """Best effort: None, or one sentence that says why it did not work."""

    def comment(self, pull: Pull, body: str) -> None:
        """Say something on it, once: the caller has looked for the marker."""

    def close(self, pull: Pull) -> None:
        """Close it. The caller has said why in a comment."""
