"""Proposals of a repository without GitHub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bot import git, local_pulls
from bot.boxes import ticked_in
from bot.errors import RepositoryError
from bot.history.reasons import (
    close_reason_of,
    effect_of,
    from_marker,
    is_taken_back,
    nothing_open,
    parse_reason,
    reviewer_edits,
    says_reverted,
    verdict_of,
)
from bot.marker import parse_marker
from bot.records import PastProposal, ReviewerEdit


def read(path: Path) -> tuple[PastProposal, ...]:
    """All proposals, oldest first.

    Raises:
        UsageError: not a repository.
        RepositoryError: it could not be read.
    """
    git.require_repository(path)
    pulls = local_pulls.read_pulls(path)
    if not pulls:
        return ()
    _, tip = git.default_branch(path)
    return tuple(_past(path, pull, written=sha, tip=tip) for pull, sha in pulls)


def _past(path: Path, pull: local_pulls.LocalPull, *, written: str, tip: str) -> PastProposal:
    state, merge = local_pulls.state_of(path, pull)
    head_sha = git.resolve(path, f"refs/heads/{pull.branch}") or pull.head_sha
    commits = git.commits_between(path, pull.base_sha, head_sha)
    ours = [commit.sha for commit in commits if git.is_made_for(commit, pull.id)]
    markers = [marker for comment in pull.comments if (marker := parse_marker(comment))]
    paths = git.changed_paths(path, git.merge_base(path, pull.base_sha, head_sha) or tip, head_sha)
    return PastProposal(
        **from_marker(pull.id, parse_marker(pull.body) or {}),
        **(_against_the_tip(path, head_sha, tip, paths) if state == "open" else {}),
        branch=pull.branch,
        title=pull.title,
        state=state,
        reference=pull.reference,
        opened_at=pull.opened_at,
        closed_at=pull.closed_at,
        # A commit can carry an older date than the pull request that it came in by.
        merged_at=max(merge.at, pull.opened_at) if merge is not None else None,
        merge_sha=merge.sha if merge is not None else None,
        head_sha=head_sha,
        base_sha=pull.base_sha,
        rejection=pull.rejection,
        reason=pull.reason,
        touched=state == "open" and len(ours) < len(commits),
        verdict=verdict_of(markers),
        effect=effect_of(markers),
        active_at=max(git.commit_time(path, written), git.commit_time(path, head_sha)),
        paths=paths,
        reverted=merge is not None and _is_reverted(path, pull, merge, head_sha, tip, paths),
        close_reason=close_reason_of(markers),
        ticked=ticked_in(pull.body),
        reviewer_edits=_edits(path, ours, head_sha, paths) if len(ours) < len(commits) else (),
    )


def _against_the_tip(path: Path, head_sha: str, tip: str, paths: Sequence[str]) -> dict[str, Any]:
    """How an open one stands to the default branch as it is now."""
    now = git.blobs_of(path, tip, paths)
    before = git.blobs_of(path, git.merge_base(path, tip, head_sha) or tip, paths)
    proposed = git.blobs_of(path, head_sha, paths)
    return {
        "stale_paths": tuple(name for name in paths if now.get(name) != before.get(name)),
        "is_done": bool(paths) and now == proposed,
    }


def _is_reverted(
    path: Path,
    pull: local_pulls.LocalPull,
    merge: git.Merge,
    head_sha: str,
    tip: str,
    paths: Sequence[str],
) -> bool:
    messages = git.messages_between(path, merge.sha, tip, paths)
    if says_reverted(messages, [merge.sha, head_sha]):
        return True
    # Where the branch was only moved forward, the merge's parent can be a commit of our own.
    before_sha = pull.base_sha if merge.sha == head_sha else git.resolve(path, f"{merge.sha}^1")
    before = git.blobs_of(path, before_sha or pull.base_sha, paths)
    now = git.blobs_of(path, tip, paths)
    return is_taken_back(before, now, paths, changed=bool(messages))


def _edits(
    path: Path, ours: Sequence[str], head_sha: str, paths: Sequence[str]
) -> tuple[ReviewerEdit, ...]:
    """What people made of our newest commit."""
    if not ours:
        return ()
    proposed, edited = (git.read_files(path, sha, paths) for sha in (ours[0], head_sha))
    return reviewer_edits(
        {name: file.text for name, file in proposed.items()},
        {name: file.text for name, file in edited.items()},
    )


def reject(path: Path, proposal_id: str, reason: str, *, now: datetime) -> str:
    """Mark the open proposal as rejected by a person; gives its reference."""
    git.require_repository(path)
    for pull, sha in local_pulls.read_pulls(path):
        if pull.id == proposal_id and local_pulls.state_of(path, pull)[0] == "open":
            category, words = parse_reason(reason)
            rejected = replace(
                pull, state="rejected", closed_at=now, rejection=category, reason=words
            )
            if local_pulls.write_pull(path, rejected, expected=sha, at=now) is None:
                raise RepositoryError(f"{pull.reference} changed meanwhile; run the command again")
            return pull.reference
    raise nothing_open(proposal_id)
