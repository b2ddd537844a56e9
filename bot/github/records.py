"""What GitHub says of pull requests, comments and commits, as records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot.marker import parse_marker
from bot.records import Rejection

TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
"""`author_association` of those who belong to the repository."""
_TICKED = re.compile(r"^\s*[-*] \[[xX]\] (not a problem|wrong fix|later)\b", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    login: str
    is_person: bool
    """Of type User; apps are of type Bot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comment:
    id: int
    author: Account
    is_trusted: bool
    """Written by the pull request's author, an app, or somebody who belongs to the repository.

    Anybody can comment on a public pull request, so only these can carry our markers. Apps can,
    because an app must be installed by an administrator and the token may change its identity.
    """
    body: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequest:
    number: int
    url: str
    state: Literal["open", "closed"]
    title: str
    body: str
    branch: str
    head_sha: str
    base_sha: str
    author: Account
    labels: tuple[str, ...]
    is_review_requested: bool
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    merged_at: datetime | None
    merge_sha: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    sha: str
    author: str
    """Name and e-mail address: outside text."""
    committer: str
    message: str

    @property
    def is_as_made(self) -> bool:
        """Nobody amended or rebased it: that would make him the committer.

        Commits made through the API have GitHub itself as the committer.
        """
        return self.committer == self.author or self.committer.endswith("<noreply@github.com>")


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A branch against a base."""

    head_sha: str
    merge_base_sha: str
    in_base: bool
    """The base has all of the branch."""
    contains_base: bool
    commits: tuple[Commit, ...]
    """What the branch has and the base has not, oldest first, at most 250."""
    blobs: Mapping[str, str]
    """Files that the branch changes since `merge_base_sha`, with their object ids there."""


def marker_of(comment: Comment) -> dict[str, Any] | None:
    """Our marker in a comment; None where there is none or a stranger wrote it."""
    return parse_marker(comment.body) if comment.is_trusted else None


def ticked_rejection(body: str) -> Rejection | None:
    """The reason that a person ticked in a pull request's body."""
    found = _TICKED.search(body)
    if found is None:
        return None
    reasons: dict[str, Rejection] = {
        "not a problem": "not_a_problem",
        "wrong fix": "wrong_fix",
        "later": "later",
    }
    return reasons[found[1]]


def to_account(item: Mapping[str, Any] | None) -> Account:
    # GitHub gives null for a deleted account.
    item = item or {"login": "ghost", "type": "User"}
    return Account(login=item["login"], is_person=item.get("type") == "User")


def to_comment(item: Mapping[str, Any], pull: PullRequest) -> Comment:
    author = to_account(item.get("user"))
    trusted = item.get("author_association") in TRUSTED or not author.is_person
    return Comment(
        id=int(item.get("id", 0)),
        author=author,
        is_trusted=trusted or author.login == pull.author.login,
        body=_newlines(item.get("body")),
        created_at=datetime.fromisoformat(item["created_at"]),
    )


def to_commit(item: Mapping[str, Any]) -> Commit:
    commit = item["commit"]
    return Commit(
        sha=item["sha"],
        author=_signature(commit["author"]),
        committer=_signature(commit["committer"]),
        message=commit["message"],
    )


def _signature(person: Mapping[str, Any] | None) -> str:
    person = person or {}
    return f"{person.get('name')} <{person.get('email')}>"


def _newlines(text: str | None) -> str:
    # A form on GitHub's pages sends CRLF.
    return (text or "").replace("\r\n", "\n")


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def to_pull(item: Mapping[str, Any]) -> PullRequest:
    return PullRequest(
        number=item["number"],
        url=item["html_url"],
        state=item["state"],
        title=item["title"],
        body=_newlines(item.get("body")),
        branch=item["head"]["ref"],
        head_sha=item["head"]["sha"],
        base_sha=item["base"]["sha"],
        author=to_account(item.get("user")),
        labels=tuple(label["name"] for label in item["labels"]),
        is_review_requested=bool(item.get("requested_reviewers") or item.get("requested_teams")),
        created_at=datetime.fromisoformat(item["created_at"]),
        updated_at=datetime.fromisoformat(item["updated_at"]),
        closed_at=_time(item["closed_at"]),
        merged_at=_time(item["merged_at"]),
        merge_sha=item.get("merge_commit_sha") if item["merged_at"] else None,
    )
