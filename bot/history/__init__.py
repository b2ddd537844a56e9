"""What became of earlier proposals, read from the target, and how a person rejects one.

Takes `git:DIR` or `github:OWNER/NAME` and a client that only reads; gives `PastProposal`s, oldest
first. The state is where people work: the marker in a pull request's body, its branch, its
comments and labels. Nothing else is kept anywhere. A few calls per pull request of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bot.github import GitHub
from bot.history import local, remote
from bot.history.reasons import parse_reason
from bot.records import PastProposal
from bot.target_name import parse_target

__all__ = ["parse_reason", "read_history", "reject"]


def read_history(target: str, *, connect: Callable[[str], GitHub]) -> tuple[PastProposal, ...]:
    """All proposals that the target remembers, oldest first.

    `connect` gives the client for OWNER/NAME; one that only reads is enough.

    Raises:
        UsageError: `target` is neither `git:DIR` nor `github:OWNER/NAME`.
        CredentialsError, GitHubError, RepositoryError: it could not be read.
    """
    kind, place = parse_target(target)
    if kind == "git":
        return local.read(Path(place))
    return remote.read(connect(place))


def reject(
    target: str,
    proposal_id: str,
    reason: str,
    *,
    connect: Callable[[str], GitHub],
    now: datetime,
) -> str:
    """Close a proposal as rejected by a person, with the reason; gives its reference.

    `reason` is "not a problem", "wrong fix: …", "later", or words of one's own.

    Raises:
        Refused: the target has no open proposal of that id.
        UsageError: `target` is no target.
    """
    kind, place = parse_target(target)
    if kind == "git":
        return local.reject(Path(place), proposal_id, reason, now=now)
    return remote.reject(connect(place), proposal_id, reason)
