"""What Actions know of a repository: runs of its workflows, names of what is set for them."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bot.errors import CredentialsError
from bot.github.client import GitHub
from bot.github.wire import NotPermitted


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryState:
    """What stands in the way of writing to it."""

    is_archived: bool
    has_issues: bool
    server_at: datetime | None
    """GitHub's clock when it answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowRun:
    """The newest run of a workflow."""

    conclusion: str | None
    """`success`, `failure`, …; None while it runs."""
    at: datetime
    url: str


def repository_state(client: GitHub) -> RepositoryState:
    """Ask for the repository once more, for what is not its code."""
    headers, facts = client.send("GET", "")
    date = headers.get("date")
    return RepositoryState(
        is_archived=bool(facts.get("archived")),
        has_issues=facts.get("has_issues") is not False,
        server_at=parsedate_to_datetime(date) if date else None,
    )


def newest_run(client: GitHub, workflow: str) -> WorkflowRun | None:
    """Of the workflow at this path; None where it never ran, or the token may not see it."""
    file = urllib.parse.quote(workflow.rpartition("/")[2], safe="")
    found = _visible(client, f"/actions/workflows/{file}/runs", per_page=1)
    runs = found["workflow_runs"] if found else []
    if not runs:
        return None
    return WorkflowRun(
        conclusion=runs[0]["conclusion"],
        at=datetime.fromisoformat(runs[0]["created_at"]),
        url=str(runs[0]["html_url"]),
    )


def names_set(client: GitHub) -> frozenset[str] | None:
    """Names of secrets and variables that workflows see, the organisation's among them; never a
    value. None where the token may not look."""
    names: set[str] = set()
    for kind in ("secrets", "variables"):
        own = _visible(client, f"/actions/{kind}", per_page=100)
        if own is None:
            return None
        shared = _visible(client, f"/actions/organization-{kind}", per_page=100) or {kind: []}
        names |= {str(one["name"]) for one in (*own[kind], *shared[kind])}
    return frozenset(names)


def _visible(client: GitHub, path: str, **parameters: Any) -> Any | None:
    """JSON, or None where the token may not look or there is nothing."""
    try:
        return client.get(path, **parameters)
    except (NotPermitted, CredentialsError):
        return None
