"""Pull requests where there is no GitHub: a ref of the repository holds each.

Each commit on `refs/debrief/pulls/<key>` holds `state.json`, `body.md` and `comments/NNNN.md`; its
second parent keeps the proposed head alive. The branch itself is an ordinary branch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

from bot import git
from bot.errors import RepositoryError
from bot.records import PullState, Rejection

PULLS = "refs/debrief/pulls/"


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalPull:
    """One pull request of a repository without GitHub."""

    key: str
    """Id of the proposal; `<id>-2` where the first one of that id is merged or closed."""
    id: str
    branch: str
    base_branch: str
    base_sha: str
    head_sha: str
    title: str
    body: str
    state: Literal["open", "closed", "rejected"]
    """`merged` is not stored: the default branch says it."""
    opened_at: datetime
    closed_at: datetime | None = None
    labels: tuple[str, ...] = ()
    rejection: Rejection | None = None
    reason: str | None = None
    comments: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """The branch; with the number behind it from the second pull request of that branch on."""
        return f"{self.branch}{self.key.removeprefix(self.id)}"


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def read_pulls(path: Path) -> tuple[tuple[LocalPull, str], ...]:
    """All pull requests under `refs/debrief/pulls/` with the commit that holds each, oldest first.

    Raises:
        RepositoryError: one of them cannot be read; the message names its ref.
    """
    found = []
    for ref, sha in git.refs_under(path, PULLS):
        try:
            found.append((_read_pull(path, ref, sha), sha))
        except (KeyError, ValueError, TypeError) as error:
            raise RepositoryError(
                f"{ref} in {path} does not hold a state that Debrief wrote ({error!r}); "
                f"look at it with `git show {ref}:state.json`, or delete the ref"
            ) from error
    return tuple(sorted(found, key=lambda pair: (pair[0].opened_at, pair[0].key)))


def _read_pull(path: Path, ref: str, sha: str) -> LocalPull:
    texts = git.read_all_files(path, sha)
    state: dict[str, Any] = json.loads(texts["state.json"].text)
    return LocalPull(
        key=ref.removeprefix(PULLS),
        id=state["id"],
        branch=state["branch"],
        base_branch=state["base_branch"],
        base_sha=state["base_sha"],
        head_sha=state["head_sha"],
        title=state["title"],
        body=texts["body.md"].text,
        state=state["state"],
        opened_at=cast(datetime, _time(state["opened_at"])),
        closed_at=_time(state["closed_at"]),
        labels=tuple(state["labels"]),
        rejection=state["rejection"],
        reason=state["reason"],
        comments=tuple(texts[name].text for name in sorted(texts) if name.startswith("comments/")),
    )


def state_of(path: Path, pull: LocalPull) -> tuple[PullState, git.Merge | None]:
    """The stored state, or what a person made of an open one with git alone.

    It is merged where the default branch has it by now, and rejected where its branch was deleted:
    as on GitHub, where that closes the pull request.
    """
    if pull.state != "open":
        return pull.state, None
    merge = git.merge_of(path, head=pull.head_sha, base=pull.base_sha, branch=pull.base_branch)
    if merge is not None:
        return "merged", merge
    has_branch = git.resolve(path, f"refs/heads/{pull.branch}") is not None
    return ("open" if has_branch else "rejected"), None


def write_pull(path: Path, pull: LocalPull, *, expected: str | None, at: datetime) -> str | None:
    """Record a pull request's new state on top of `expected`; None if somebody else was quicker.

    Gives the commit that holds it.
    """
    state = {
        "schema": 1,
        "id": pull.id,
        "branch": pull.branch,
        "base_branch": pull.base_branch,
        "base_sha": pull.base_sha,
        "head_sha": pull.head_sha,
        "title": pull.title,
        "state": pull.state,
        "opened_at": pull.opened_at.isoformat(),
        "closed_at": pull.closed_at.isoformat() if pull.closed_at else None,
        "labels": list(pull.labels),
        "rejection": pull.rejection,
        "reason": pull.reason,
    }
    files = {"state.json": json.dumps(state, indent=2, sort_keys=True) + "\n", "body.md": pull.body}
    for number, comment in enumerate(pull.comments, start=1):
        files[f"comments/{number:04}.md"] = comment
    parents = [expected, pull.head_sha] if expected else [pull.head_sha]
    message = f"{pull.state}: {pull.title}\n"
    sha = git.commit_files(path, files, on=None, parents=parents, message=message, at=at)
    return sha if git.move_ref(path, PULLS + pull.key, sha, expected=expected) else None
