"""What reviewers and checks say of a pull request, and who is asked for a review."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.errors import CredentialsError
from bot.github.records import TRUSTED, PullRequest, to_account
from bot.github.wire import NotFound, NotPermitted, Unprocessable, Wire
from bot.records import Remark

REMARK_CHARS = 2_000
MAX_REMARKS = 20
OWN_CHECKS = "debrief"
"""What begins so is a check or a status of ours."""
_RED = frozenset({"failure", "timed_out", "startup_failure"})


def remarks_on(client: Wire, pull: PullRequest) -> tuple[Remark, ...]:
    """Red checks of its head, and what people of the repository wrote in reviews, oldest first.

    What the token may not see is left out: neither is needed to go on.
    """
    found = [*_red_checks(client, pull.head_sha), *_red_statuses(client, pull.head_sha)]
    found += _reviews(client, pull)
    return tuple(found[:MAX_REMARKS])


def _red_checks(client: Wire, head_sha: str) -> Iterator[Remark]:
    try:
        answer = client.get(f"/commits/{head_sha}/check-runs", filter="latest", per_page=100) or {}
    except (NotPermitted, CredentialsError):
        return
    for run in answer.get("check_runs") or []:
        name, output = str(run.get("name")), run.get("output") or {}
        if run.get("conclusion") in _RED and not name.startswith(OWN_CHECKS):
            said = " ".join(filter(None, [output.get("title"), output.get("summary")]))
            yield Remark(kind="check", author=name[:200], text=said[:REMARK_CHARS])


def _red_statuses(client: Wire, head_sha: str) -> Iterator[Remark]:
    try:
        answer = client.get(f"/commits/{head_sha}/status") or {}
    except (NotPermitted, CredentialsError):
        return
    for status in answer.get("statuses") or []:
        name = str(status.get("context"))
        if status.get("state") in ("failure", "error") and not name.startswith(OWN_CHECKS):
            said = str(status.get("description") or "")
            yield Remark(kind="check", author=name[:200], text=said[:REMARK_CHARS])


def _reviews(client: Wire, pull: PullRequest) -> Iterator[Remark]:
    for part in ("reviews", "comments"):
        for item in client.pages(f"/pulls/{pull.number}/{part}"):
            author = to_account(item.get("user"))
            trusted = item.get("author_association") in TRUSTED and author.is_person
            if trusted and str(item.get("body") or "").strip():
                yield Remark(
                    kind="review",
                    author=author.login,
                    text=str(item["body"])[:REMARK_CHARS],
                    path=item.get("path"),
                )


def request_reviews(client: Wire, pull: PullRequest, names: Sequence[str]) -> tuple[str, ...]:
    """Ask people (`alice`) and teams (`acme/prompts`); gives those who could not be asked.

    One by one where GitHub refuses them together: one unknown name, or a team that GITHUB_TOKEN
    may not see, would else keep all the others from being asked.
    """
    # The author of a pull request cannot review it: GitHub answers 422.
    wanted = [name for name in names if name.lower() != pull.author.login.lower()]
    if not wanted or _request(client, pull.number, wanted):
        return ()
    if len(wanted) == 1:
        return tuple(wanted)
    return tuple(name for name in wanted if not _request(client, pull.number, [name]))


def _request(client: Wire, number: int, names: Sequence[str]) -> bool:
    people = [name for name in names if "/" not in name]
    teams = [name.split("/")[1] for name in names if "/" in name]
    body = {"reviewers": people, "team_reviewers": teams}
    wanted = {key: value for key, value in body.items() if value}
    try:
        client.send("POST", f"/pulls/{number}/requested_reviewers", body=wanted)
    except (NotFound, NotPermitted, Unprocessable, CredentialsError):
        return False
    return True
