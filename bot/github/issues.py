"""Issues of ours, and the comments and reactions by which people talk to Debrief."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot.errors import CredentialsError, GitHubError
from bot.github.records import Account, to_account
from bot.github.wire import PER_PAGE, NotFound, NotPermitted, Unprocessable, Wire
from bot.marker import parse_marker

LABEL = "debrief:page"
"""By which our issues are found with one call. Who they are is in their marker."""
COMMENT_PAGES = 10
_TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
_NUMBER = re.compile(r"/issues/(\d+)$")
Reaction = Literal["+1", "-1", "eyes", "rocket", "confused"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """An issue that carries a marker of ours."""

    number: int
    url: str
    state: Literal["open", "closed"]
    title: str
    body: str
    marker: Mapping[str, Any]

    @property
    def reference(self) -> str:
        return f"#{self.number}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """A comment anywhere in the repository, with what tells whether it is a command."""

    id: int
    number: int
    """Of the issue or pull request that it stands on."""
    author: Account
    is_member: bool
    """The author belongs to the repository, as GitHub says beside the comment."""
    is_edited: bool
    body: str
    reactions: int
    """How many of any kind: without any, nobody has to look who reacted."""
    created_at: datetime


def has_issues(client: Wire) -> bool:
    """Whether the repository has its issues turned on."""
    facts = client.get("")
    return facts is None or facts.get("has_issues") is not False


def find_issues(client: Wire, *, kind: str, creator: str | None = None) -> tuple[Issue, ...]:
    """Issues whose marker says `issue: kind`, newest first; by our label, or all of `creator`.

    A stranger can copy our marker into an issue of his own, so only what an app or a member opened
    counts. Labels are for people: who is about to open an issue looks for one without it first.
    """
    query = {"labels": LABEL} if creator is None else {"creator": creator}
    try:
        items = list(client.pages("/issues", state="all", **query))
    except NotFound:
        return ()
    issues = [_issue(item) for item in items if "pull_request" not in item and _is_trusted(item)]
    return tuple(one for one in issues if one.marker.get("issue") == kind)


def _is_trusted(item: Mapping[str, Any]) -> bool:
    author = to_account(item.get("user"))
    return not author.is_person or item.get("author_association") in _TRUSTED


def read_issue(client: Wire, number: int) -> Issue | None:
    """The issue as it is now; None where it was deleted."""
    item = client.get(f"/issues/{number}")
    return None if item is None else _issue(item)


def open_issue(client: Wire, *, title: str, body: str, labels: Sequence[str] = ()) -> Issue:
    """Open one. Not tried again by itself: a try that seemed to fail may have worked.

    Raises:
        NotPermitted, CredentialsError: the token may not.
    """
    wanted = {"title": title, "body": body, "labels": [LABEL, *labels]}
    return _issue(client.send("POST", "/issues", body=wanted, repeatable=False)[1])


def edit_issue(client: Wire, number: int, **changes: str) -> None:
    """Set `title`, `body` or `state`."""
    client.send("PATCH", f"/issues/{number}", body=changes)


def remarks_since(client: Wire, since: datetime) -> tuple[Remark, ...]:
    """Comments on issues and pull requests of the whole repository since then, oldest first.

    At most `COMMENT_PAGES` pages of the newest: one call serves all pull requests at once.
    """
    query = {
        "since": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "sort": "created",
        "direction": "desc",
        "per_page": PER_PAGE,
    }
    found: list[Remark] = []
    for page in range(1, COMMENT_PAGES + 1):
        items = client.get("/issues/comments", **query, page=page) or []
        found += [one for item in items if (one := _remark(item)) is not None]
        if len(items) < PER_PAGE:
            break
    return tuple(reversed(found))


def read_remark(client: Wire, comment_id: int) -> Remark | None:
    """The comment as it is now; None where it was deleted."""
    item = client.get(f"/issues/comments/{comment_id}")
    return None if item is None else _remark(item)


def reacted(client: Wire, comment_id: int, content: Reaction) -> tuple[Account, ...]:
    """Who gave the reaction, at most the first hundred."""
    items = client.get(f"/issues/comments/{comment_id}/reactions", per_page=PER_PAGE) or []
    return tuple(to_account(one.get("user")) for one in items if one.get("content") == content)


def react(client: Wire, comment_id: int, content: Reaction) -> None:
    """Give a reaction; a second one of the same kind changes nothing."""
    client.send("POST", f"/issues/comments/{comment_id}/reactions", body={"content": content})


def edit_comment(client: Wire, comment_id: int, body: str) -> None:
    client.send("PATCH", f"/issues/comments/{comment_id}", body={"body": body})


def comments_of(client: Wire, number: int) -> tuple[Remark, ...]:
    """The comments of one issue or pull request, oldest first."""
    items = client.pages(f"/issues/{number}/comments")
    return tuple(one for item in items if (one := _remark(item, number)) is not None)


def add_label(client: Wire, number: int, label: str) -> str | None:
    """Best effort: None, or one sentence that says why it did not work."""
    try:
        client.send("POST", f"/issues/{number}/labels", body={"labels": [label]})
    except (CredentialsError, NotPermitted, NotFound, Unprocessable, GitHubError) as error:
        return f"#{number} has no label {label}: {error}"
    return None


def _issue(item: Mapping[str, Any]) -> Issue:
    body = (item.get("body") or "").replace("\r\n", "\n")
    return Issue(
        number=item["number"],
        url=str(item.get("html_url", "")),
        state=item["state"],
        title=str(item.get("title", "")),
        body=body,
        marker=parse_marker(body) or {},
    )


def _remark(item: Mapping[str, Any], number: int | None = None) -> Remark | None:
    found = _NUMBER.search(str(item.get("issue_url", "")))
    if number is None and found is None:
        return None
    reactions = item.get("reactions") or {}
    return Remark(
        id=int(item.get("id", 0)),
        number=number if number is not None else int(found[1]) if found else 0,
        author=to_account(item.get("user")),
        is_member=item.get("author_association") in _TRUSTED,
        is_edited=item.get("updated_at", item["created_at"]) != item["created_at"],
        body=(item.get("body") or "").replace("\r\n", "\n"),
        reactions=int(reactions.get("total_count", 0)),
        created_at=datetime.fromisoformat(item["created_at"]),
    )
