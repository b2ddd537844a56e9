"""Proposals on GitHub, by a client that only reads."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from bot import git
from bot.boxes import ticked_in
from bot.github import (
    Comment,
    Commit,
    Comparison,
    GitHub,
    PullRequest,
    marker_of,
    remarks_on,
    ticked_rejection,
)
from bot.github.issues import comments_of
from bot.history.reasons import (
    LABELS,
    PREFIX,
    REASON_LIMIT,
    close_reason_of,
    effect_of,
    from_marker,
    is_answered,
    is_taken_back,
    nothing_open,
    parse_reason,
    reviewer_edits,
    says_reverted,
    verdict_of,
)
from bot.markdown import fence
from bot.marker import HOLD, parse_marker, render_marker
from bot.records import PastProposal, PullState, Rejection, ReviewerEdit

log = logging.getLogger(__name__)

FOLLOWED = timedelta(days=365)
"""So long after a merge it is looked whether people took it back or had edited it."""


def read(client: GitHub) -> tuple[PastProposal, ...]:
    """All proposals, oldest first. Pull requests of people cost nothing but their page."""
    pulls = [pull for pull in client.pulls() if pull.branch.startswith(PREFIX)]
    newest = max((pull.updated_at for pull in pulls), default=datetime.min.replace(tzinfo=UTC))
    reader = _Reader(client=client, newest=newest)
    return tuple(found for pull in reversed(pulls) if (found := reader.past(pull)) is not None)


@dataclass(kw_only=True)
class _Reader:
    """Reads what is the same for all pull requests once."""

    client: GitHub
    newest: datetime
    """When anything happened last to a pull request of ours."""
    _messages: dict[str, list[tuple[datetime, tuple[str, ...]]]] = field(default_factory=dict)

    @cached_property
    def base_sha(self) -> str:
        return self.client.base()[1]

    def past(self, pull: PullRequest) -> PastProposal | None:
        """None, and a warning, where a person replaced the whole body or opened it by hand."""
        marker = parse_marker(pull.body)
        if marker is None:
            log.warning("pull request #%d has no marker of Debrief; it is left out", pull.number)
            return None
        comments = self.client.comments(pull)
        markers = [found for comment in comments if (found := marker_of(comment))]
        state: PullState = "open" if pull.state == "open" else self._closed(pull, comments)
        facts: dict[str, Any] = {}
        if state == "open":
            facts = self._open(pull, answered=is_answered(markers))
        elif state == "merged":
            facts = self._merged(pull)
        rejection, reason = None, None
        if state in ("open", "rejected"):
            rejection, reason = _rejection(self.client, pull, comments)
        elif state == "merged" and "queue" in marker:  # what people say of examples they left out
            _, reason = _rejection(self.client, pull, comments)
        return PastProposal(
            **from_marker(pull.branch.removeprefix(PREFIX), marker),
            **facts,
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
            verdict=verdict_of(markers),
            effect=effect_of(markers),
            active_at=pull.updated_at,
            close_reason=close_reason_of(markers) if state == "closed" else None,
            ticked=ticked_in(pull.body),
        )

    def _closed(
        self, pull: PullRequest, comments: Sequence[Comment]
    ) -> Literal["merged", "rejected", "closed"]:
        if pull.merged_at is not None:
            return "merged"
        return "rejected" if self.client.closed_by_person(pull, comments) else "closed"

    def _open(self, pull: PullRequest, *, answered: bool) -> dict[str, Any]:
        """How an open one stands to its reviewers and to the default branch as it is now."""
        found = self.client.compare(self.base_sha, pull.head_sha)
        if found is None:  # Somebody put another history on the branch.
            return {"touched": True}
        ours = _ours(found.commits, pull)
        touched = len(ours) < len(found.commits) or HOLD in pull.labels
        paths = tuple(found.blobs)
        return {
            "touched": touched,
            "has_labels": bool(pull.labels),
            "paths": paths,
            "reviewer_edits": self._edits(ours, pull, paths) if touched else (),
            "remarks": () if touched or answered else remarks_on(self.client, pull),
            **self._against_the_base(found),
        }

    def _against_the_base(self, found: Comparison) -> dict[str, Any]:
        paths = tuple(found.blobs)
        if found.merge_base_sha == self.base_sha or not paths:
            return {}
        now = self.client.blobs(self.base_sha, paths)
        before = self.client.blobs(found.merge_base_sha, paths)
        return {
            "stale_paths": tuple(name for name in paths if now.get(name) != before.get(name)),
            "is_done": now == dict(found.blobs),
        }

    def _merged(self, pull: PullRequest) -> dict[str, Any]:
        """What people made of it before the merge, and whether they took it back since."""
        merged_at = pull.merged_at or pull.created_at
        if self.newest - merged_at > FOLLOWED or pull.merge_sha is None:
            return {}
        paths = self.client.changed_paths(pull)
        commits = self.client.commits(pull)
        ours = _ours(commits, pull)
        touched = len(ours) < len(commits)
        return {
            "paths": paths,
            "reviewer_edits": self._edits(ours, pull, paths) if touched else (),
            "reverted": self._is_reverted(pull, merged_at, commits, paths),
        }

    def _is_reverted(
        self,
        pull: PullRequest,
        merged_at: datetime,
        commits: Sequence[Commit],
        paths: Sequence[str],
    ) -> bool:
        # The merge itself is among the commits since: it says nothing of a revert.
        since = [message for path in paths for message in self._since(path, merged_at)]
        shas = [pull.merge_sha or "", *(commit.sha for commit in commits)]
        if says_reverted(since, shas, pull.number):
            return True
        parent = self.client.parent_of(pull.merge_sha or "") if since else None
        if parent is None:
            return False
        before = self.client.blobs(parent, paths)
        now = self.client.blobs(self.base_sha, paths)
        return is_taken_back(before, now, paths, changed=True)

    def _since(self, path: str, at: datetime) -> tuple[str, ...]:
        """Messages of commits on a file, asked for once per file and from the oldest merge on."""
        for since, messages in self._messages.get(path, []):
            if since <= at:
                return messages
        messages = self.client.messages_on(path, since=at.astimezone(UTC))
        self._messages.setdefault(path, []).append((at, messages))
        return messages

    def _edits(
        self, ours: Sequence[str], pull: PullRequest, paths: Sequence[str]
    ) -> tuple[ReviewerEdit, ...]:
        if not ours:
            return ()
        proposed = self.client.files(ours[-1], paths)
        edited = self.client.files(pull.head_sha, paths)
        return reviewer_edits(
            {name: file.text for name, file in proposed.items()},
            {name: file.text for name, file in edited.items()},
        )


def _ours(commits: Sequence[Commit], pull: PullRequest) -> list[str]:
    """Those that we made for this proposal and nobody changed, in their order."""
    proposal_id = pull.branch.removeprefix(PREFIX)
    return [
        commit.sha
        for commit in commits
        if commit.is_as_made and git.trailer(commit.message, git.PROPOSAL) == proposal_id
    ]


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
        if pull.state == "open" or marker or not comment.is_trusted:
            continue
        # None: this token may not ask; then belonging to the repository has to do.
        if comment.author.is_person and client.can_write(comment.author.login) is not False:
            said_category, words = parse_reason(comment.body)
            break
    labelled = next((LABELS[label] for label in pull.labels if label in LABELS), None)
    return ticked_rejection(pull.body) or labelled or said_category, words


def reject(client: GitHub, proposal_id: str, reason: str) -> str:
    """Close the open proposal with the reason in a comment; gives its reference."""
    for pull in client.pulls(branch=PREFIX + proposal_id):
        if pull.state == "open":
            marker = {"comment": "reject", "id": proposal_id, "reason": reason[:REASON_LIMIT]}
            said = [parse_marker(one.body) for one in comments_of(client, pull.number)]
            if not said or said[-1] != marker:  # else a run died between the two
                client.add_comment(pull.number, f"{render_marker(marker)}\n{_rejected(reason)}\n")
            client.edit_pull(pull.number, state="closed")
            return f"#{pull.number}"
    raise nothing_open(proposal_id)


def _rejected(reason: str) -> str:
    if not reason:
        return "Rejected. The same remedy comes back only if its evidence doubles."
    told = "Rejected, with this reason, which counts for whatever is proposed here next:"
    return f"{told}\n\n{fence(reason[:REASON_LIMIT])}"
