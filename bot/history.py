"""What became of earlier proposals, read from the target, and how a person rejects one.

Takes `git:DIR` or `github:OWNER/NAME` and a client that only reads; gives `PastProposal`s, oldest
first. The state is where people work: the marker in a pull request's body, its branch, its
comments and labels. Nothing else is kept anywhere. A few calls per pull request of ours.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast, get_args

from bot import git, local_pulls
from bot.errors import Refused, RepositoryError
from bot.github import Comment, GitHub, PullRequest, marker_of, ticked_rejection
from bot.markdown import fence, plain
from bot.marker import parse_marker, render_marker
from bot.records import PastProposal, ProposalKind, PullState, Rejection
from bot.target_name import parse_target

log = logging.getLogger(__name__)

PREFIX = "debrief/"
REASON_LIMIT = 2_000
_LABELS: Mapping[str, Rejection] = {
    "debrief:not-a-problem": "not_a_problem",
    "debrief:wrong-fix": "wrong_fix",
    "debrief:later": "later",
}
_SAID = re.compile(r"\s*(not[ _-]a[ _-]problem|wrong[ _-]fix|later)\b[\s:.,;-]*", re.IGNORECASE)


def read_history(target: str, *, connect: Callable[[str], GitHub]) -> tuple[PastProposal, ...]:
    """All proposals that the target remembers, oldest first.

    `connect` gives the client for OWNER/NAME; one that only reads is enough.

    Raises:
        UsageError: `target` is neither `git:DIR` nor `github:OWNER/NAME`.
        CredentialsError, GitHubError, RepositoryError: it could not be read.
    """
    kind, place = parse_target(target)
    if kind == "git":
        git.require_repository(Path(place))
        return tuple(_local(Path(place), pull) for pull, _ in local_pulls.read_pulls(Path(place)))
    client = connect(place)
    found = (_remote(client, pull) for pull in client.pulls() if _is_proposal(pull))
    past = [proposal for proposal in found if proposal is not None]
    return tuple(reversed(past))


def parse_reason(text: str) -> tuple[Rejection | None, str | None]:
    """Category and words of "wrong fix: keep the greeting"; either may be missing."""
    text = text.strip()[:REASON_LIMIT]
    found = _SAID.match(text)
    if found is None:
        return None, text or None
    category = re.sub(r"[ -]", "_", found[1].lower())
    return cast(Rejection, category), text[found.end() :].strip() or None


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
        return _reject_local(Path(place), proposal_id, reason, now=now)
    return _reject_remote(connect(place), proposal_id, reason)


# -- without GitHub ------------------------------------------------------------------------------


def _local(path: Path, pull: local_pulls.LocalPull) -> PastProposal:
    state, merge = local_pulls.state_of(path, pull)
    head_sha = git.resolve(path, f"refs/heads/{pull.branch}") or pull.head_sha
    commits = git.commits_between(path, pull.base_sha, head_sha)
    markers = [marker for comment in pull.comments if (marker := parse_marker(comment))]
    return PastProposal(
        **_from_marker(pull.id, parse_marker(pull.body) or {}),
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
        touched=state == "open" and not all(git.is_made_for(c, pull.id) for c in commits),
        verdict=_verdict(markers),
    )


def _reject_local(path: Path, proposal_id: str, reason: str, *, now: datetime) -> str:
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
    raise _nothing_open(proposal_id)


# -- on GitHub -----------------------------------------------------------------------------------


def _is_proposal(pull: PullRequest) -> bool:
    return pull.branch.startswith(PREFIX)


def _remote(client: GitHub, pull: PullRequest) -> PastProposal | None:
    """None, and a warning, where a person replaced the whole body or opened it by hand."""
    marker = parse_marker(pull.body)
    if marker is None:
        log.warning("pull request #%d has no marker of Debrief; it is left out", pull.number)
        return None
    proposal_id = pull.branch.removeprefix(PREFIX)
    touched = False
    comments: tuple[Comment, ...] = ()
    state: PullState = "open"
    if pull.state == "open":
        commits = client.commits(pull)
        touched = not all(
            commit.is_as_made and git.trailer(commit.message, git.PROPOSAL) == proposal_id
            for commit in commits
        )
    else:
        comments = client.comments(pull)
        state = _closed_state(client, pull, comments)
    rejection, reason = None, None
    if state in ("open", "rejected"):
        rejection, reason = _rejection(client, pull, comments)
    return PastProposal(
        **_from_marker(proposal_id, marker),
        branch=pull.branch,
        title=pull.title,
        state=state,
        reference=f"#{pull.number}",
        url=pull.url,
        opened_at=pull.created_at,
        closed_at=pull.closed_at,
        merged_at=pull.merged_at,
        merge_sha=pull.merge_sha,
        head_sha=pull.head_sha,
        base_sha=pull.base_sha,
        rejection=rejection,
        reason=reason,
        touched=touched,
        verdict=_verdict([found for comment in comments if (found := marker_of(comment))]),
    )


def _closed_state(
    client: GitHub, pull: PullRequest, comments: Sequence[Comment]
) -> Literal["merged", "rejected", "closed"]:
    if pull.merged_at is not None:
        return "merged"
    return "rejected" if client.closed_by_person(pull, comments) else "closed"


def _rejection(
    client: GitHub, pull: PullRequest, comments: Sequence[Comment]
) -> tuple[Rejection | None, str | None]:
    """Why, by what a person ticked, labelled or said last; and his words."""
    said_category, words = None, None
    for comment in reversed(comments):
        marker = marker_of(comment) or {}
        if marker.get("comment") == "reject":
            said_category, words = parse_reason(str(marker.get("reason", "")))
            break
        if marker or not comment.is_trusted or not comment.author.is_person:
            continue
        # None: this token may not ask; then belonging to the repository has to do.
        if client.can_write(comment.author.login) is not False:
            said_category, words = parse_reason(comment.body)
            break
    labelled = next((_LABELS[label] for label in pull.labels if label in _LABELS), None)
    return ticked_rejection(pull.body) or labelled or said_category, words


def _reject_remote(client: GitHub, proposal_id: str, reason: str) -> str:
    for pull in client.pulls(branch=PREFIX + proposal_id):
        if pull.state == "open":
            marker = {"comment": "reject", "id": proposal_id, "reason": reason[:REASON_LIMIT]}
            body = f"{render_marker(marker)}\nRejected:\n\n{fence(reason[:REASON_LIMIT])}\n"
            client.add_comment(pull.number, body)
            client.edit_pull(pull.number, state="closed")
            return f"#{pull.number}"
    raise _nothing_open(proposal_id)


# -- both ----------------------------------------------------------------------------------------


def _from_marker(proposal_id: str, marker: Mapping[str, Any]) -> dict[str, Any]:
    """What the marker says, with the branch's id: people can edit a body, so nothing is sure."""
    kind = marker.get("kind")
    evidence = marker.get("evidence")
    entries = evidence.get("entries") if isinstance(evidence, Mapping) else None
    return {
        "id": proposal_id,
        "fingerprint": str(marker.get("fingerprint", "")),
        "kind": kind if kind in get_args(ProposalKind) else "prompt",
        "agent": str(marker.get("agent", "")),
        "pattern_id": str(marker.get("pattern_id", "")),
        "evidence_entries": entries if isinstance(entries, int) else 0,
        "marker": marker,
    }


def _verdict(markers: Sequence[Mapping[str, Any]]) -> str | None:
    """Result of the newest verdict that was posted."""
    verdicts = [marker for marker in markers if marker.get("comment") == "verdict"]
    return str(verdicts[-1].get("result")) if verdicts else None


def _nothing_open(proposal_id: str) -> Refused:
    return Refused(
        f"there is no open proposal {plain(proposal_id, 80)!r}; "
        "`debrief report` lists those that there are"
    )
