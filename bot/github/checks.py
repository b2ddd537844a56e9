"""The check run `debrief/evidence` on a commit, or a commit status where the token may not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.errors import CredentialsError
from bot.github.wire import NotFound, NotPermitted, Unprocessable, Wire

NAME = "debrief/evidence"
BATCH = 50
"""Annotations of one request (official OpenAPI description); more requests append."""
MAX_ANNOTATIONS = 500
TEXT_CHARS = 60_000
"""GitHub takes 65,535 in summary and text."""
MESSAGE_CHARS = 8_000
TITLE_CHARS = 255
STATUS_CHARS = 140

Conclusion = Literal["success", "failure", "neutral"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotation:
    """A remark on lines of a file of the commit, numbered from 1."""

    path: str
    first_line: int
    last_line: int
    title: str
    message: str
    level: Literal["notice", "warning"] = "notice"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What the check says. `fingerprint` equal means nothing new, so nothing is written."""

    conclusion: Conclusion
    title: str
    summary: str
    fingerprint: str
    annotations: tuple[Annotation, ...] = ()
    url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedFile:
    """One file of a pull request."""

    path: str
    status: str
    patch: str | None
    """Hunks; GitHub leaves them out of large and binary files."""


def has_check(client: Wire, head_sha: str, fingerprint: str) -> bool:
    """Whether our newest check run says this already; False where the token may not look."""
    try:
        newest = _newest(client, head_sha)
    except (NotPermitted, CredentialsError):
        return False
    return newest is not None and newest.get("external_id") == fingerprint


def _newest(client: Wire, head_sha: str) -> Mapping[str, Any] | None:
    found = client.get(f"/commits/{head_sha}/check-runs", check_name=NAME) or {}
    runs = found.get("check_runs") or []
    return max(runs, key=lambda run: int(run.get("id", 0)), default=None)


def put_check(
    client: Wire, head_sha: str, check: Check
) -> Literal["check", "status", "unchanged", "none"]:
    """Write the check run, else the commit status, and say which of them it became.

    A check run takes a token of an app, GITHUB_TOKEN among them; a person's token can write a
    status, which has one line and no annotations. `none`: the token may write neither.
    """
    try:
        if has_check(client, head_sha, check.fingerprint):
            return "unchanged"
        _create(client, head_sha, check)
    except (NotPermitted, NotFound, CredentialsError):
        return _put_status(client, head_sha, check)
    return "check"


def _create(client: Wire, head_sha: str, check: Check) -> None:
    # The first request is not complete yet: a run that dies here leaves one that the next replaces.
    batches = list(_batches(check.annotations))
    body = {
        "name": NAME,
        "head_sha": head_sha,
        "external_id": check.fingerprint if len(batches) < 2 else "",
        **_state(check, completed=len(batches) < 2),
        "output": _output(check, batches[0] if batches else []),
    }
    made = client.send("POST", "/check-runs", body=body)[1]
    for number, batch in enumerate(batches[1:], 2):
        is_last = number == len(batches)
        client.send(
            "PATCH",
            f"/check-runs/{made['id']}",
            body={
                **({"external_id": check.fingerprint} if is_last else {}),
                **_state(check, completed=is_last),
                "output": _output(check, batch),
            },
            repeatable=False,  # annotations are appended
        )


def _state(check: Check, *, completed: bool) -> dict[str, Any]:
    link = {"details_url": check.url} if check.url else {}
    if not completed:
        return {"status": "in_progress", **link}
    return {"status": "completed", "conclusion": check.conclusion, **link}


def _output(check: Check, annotations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    output: dict[str, Any] = {
        "title": check.title[:TITLE_CHARS],
        "summary": check.summary[:TEXT_CHARS],
    }
    return {**output, "annotations": list(annotations)} if annotations else output


def _batches(annotations: Sequence[Annotation]) -> Iterator[list[dict[str, Any]]]:
    shown = [_annotation(one) for one in annotations[:MAX_ANNOTATIONS]]
    for start in range(0, len(shown), BATCH):
        yield shown[start : start + BATCH]


def _annotation(one: Annotation) -> dict[str, Any]:
    return {
        "path": one.path,
        "start_line": one.first_line,
        "end_line": one.last_line,
        "annotation_level": one.level,
        "title": one.title[:TITLE_CHARS],
        "message": one.message[:MESSAGE_CHARS],
    }


def _put_status(
    client: Wire, head_sha: str, check: Check
) -> Literal["status", "unchanged", "none"]:
    # A status has no neutral: what we cannot tell must not block a merge.
    state = "failure" if check.conclusion == "failure" else "success"
    body = {"state": state, "context": NAME, "description": check.title[:STATUS_CHARS]}
    if check.url:
        body["target_url"] = check.url
    try:
        for found in client.get(f"/commits/{head_sha}/statuses") or []:
            if found.get("context") == NAME:
                if (found.get("state"), found.get("description")) == (state, body["description"]):
                    return "unchanged"
                break
        client.send("POST", f"/statuses/{head_sha}", body=body)
    except (NotPermitted, NotFound, Unprocessable, CredentialsError):
        return "none"
    return "status"


def changed_files(client: Wire, number: int) -> tuple[ChangedFile, ...]:
    """The files of a pull request, at most the 3,000 that GitHub lists."""
    return tuple(
        ChangedFile(
            path=str(item["filename"]),
            status=str(item.get("status", "modified")),
            patch=item.get("patch"),
        )
        for item in client.pages(f"/pulls/{number}/files")
    )
