"""Writes what the surface shows, each thing by itself: what the token may not do is said, not lost.

Every write is preceded by a look at what is there, so a run that was killed is finished by the next
and does nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from bot.dashboard import merge_boxes, parse_dashboard, rejection_words, with_published
from bot.dashboard.page import TITLE, same_page
from bot.errors import CredentialsError, GitHubError, Refused
from bot.github import GitHub, NotPermitted, RateLimited, Unprocessable
from bot.github.issues import (
    Issue,
    add_label,
    comments_of,
    edit_issue,
    find_issues,
    has_issues,
    open_issue,
    react,
    read_issue,
    read_remark,
)
from bot.history import parse_reason
from bot.marker import parse_marker, render_marker
from bot.records import Degraded, Done, Operation, PastProposal, PublishReport, Skipped
from bot.surface.alerts import recovery_comment
from bot.surface.pulls import PullPages
from bot.surface.store import keep_map
from bot.surface.wishes import command_of, dashboard_issue

HOLD = "debrief:hold"
Reject = Callable[[str, str], object]
"""(id of the proposal, reason): closes it as rejected by a person."""


@dataclass(kw_only=True)
class Surface:
    """One pass over the surface's operations."""

    client: GitHub
    reject: Reject
    done: list[Done] = field(default_factory=list)
    refused: list[Skipped] = field(default_factory=list)
    degraded: list[Degraded] = field(default_factory=list)
    pause_asked: bool = False
    rejected: dict[str, str] = field(default_factory=dict)
    """Ids of the proposals that a command turned down, with the reason's category."""
    is_limited: bool = False

    def attempt(self, what: str, act: Callable[[], object]) -> None:
        """Do one thing; a token that may not, or a GitHub that fails, is no fault of the rest.

        After a rate limit that lasts nothing more is tried: the next run finds what is missing.
        """
        if self.is_limited:
            return
        try:
            act()
        except RateLimited as error:
            self.is_limited = True
            self.degraded.append(Degraded(code="rate_limit", sentence=f"{_WHAT[what]}: {error}"))
        except (CredentialsError, GitHubError) as error:
            self.degraded.append(Degraded(code=f"no_{what}", sentence=f"{_WHAT[what]}: {error}"))

    def did(
        self, op: str, id: str, step: str, reference: str | None, url: str | None = None
    ) -> None:
        self.done.append(Done(op=op, id=id, steps=(step,), reference=reference, url=url))


_WHAT = {
    "answer": "A command was not answered",
    "evidence_map": "The map of evidence was not kept",
    "evidence": "Pull requests have no evidence",
    "alert": "An alert was not shown",
    "dashboard": "The dashboard was not written",
}


def show(
    client: GitHub,
    operations: Sequence[Operation],
    body_of: Callable[[str], str],
    report: PublishReport,
    *,
    reject: Reject,
    planned: Mapping[str, Operation],
    past: Sequence[PastProposal] = (),
) -> PublishReport:
    """Carry out the surface's operations after `report`, and give the report of both.

    `planned` by proposal id: what `bot.publish` was to do; `past`: what it found.
    """
    limited = any(one.code == "rate_limit" for one in report.degraded)
    run = Surface(client=client, reject=reject, is_limited=limited)
    pages = []
    for operation in operations:
        body = body_of(operation.body_file)
        if operation.op == "answer":
            run.attempt("answer", partial(_answer, run, operation, body))
        elif operation.op == "evidence":
            run.attempt("evidence_map", partial(keep_map, client, body))
            told = PullPages(client=client, map_text=body)
            run.attempt("evidence", partial(told.write, run.did))
        else:
            pages.append((operation, body))
    run.attempt("dashboard", partial(_pages, run, pages, report, planned, past))
    return replace(
        report,
        done=(*report.done, *run.done),
        refused=(*report.refused, *run.refused),
        degraded=(*report.degraded, *run.degraded),
        writes=report.writes + len(run.done),
    )


# -- commands --------------------------------------------------------------------------------------


def _answer(run: Surface, operation: Operation, body: str) -> None:
    """Look at the comment again, as a bundle may be old or forged; act, answer, then react."""
    comment_id, number = operation.request.get("comment_id"), _number(operation.reference)
    remark = read_remark(run.client, comment_id) if isinstance(comment_id, int) else None
    if remark is None or number is None or remark.number != number:
        return
    command = command_of(run.client, remark)
    if isinstance(command, Skipped):
        run.refused.append(command)
    if command is None or isinstance(command, Skipped):
        return
    if command.verb != operation.request.get("verb"):
        return
    said = [parse_marker(one.body) or {} for one in comments_of(run.client, number)]
    if command.verb == "hold" and (problem := add_label(run.client, number, HOLD)):
        raise NotPermitted(problem)
    if command.verb == "pause":
        run.pause_asked = True
    is_said = any(one.get("comment") == "answer" and one.get("to") == remark.id for one in said)
    if command.verb == "reject":
        # The comment that closes it is the answer, and carries the reason for later runs.
        proposal = str(operation.request.get("proposal"))
        with suppress(Refused):  # closed already, by a run that died before it reacted
            run.reject(proposal, command.words)
        run.rejected[proposal] = rejection_words(parse_reason(command.words)[0])
    elif not is_said:
        run.client.add_comment(number, body)
    react(run.client, remark.id, "rocket")
    run.did("answer", operation.id, command.verb, operation.reference)


def lift_rejections(client: GitHub, references: Mapping[str, str]) -> tuple[str, ...]:
    """Say on each rejected pull request that its rejection is taken back; ids of those it did.

    `references`: id of the proposal to `#212`. `bot.history` reads the comment's marker.
    """
    lifted = []
    for id, reference in references.items():
        number = _number(reference)
        if number is None:
            continue
        said = [parse_marker(one.body) or {} for one in comments_of(client, number)]
        if not said or said[-1].get("comment") != "lift":
            text = "A person ticked on the dashboard that this may be proposed again."
            client.add_comment(number, f"{render_marker({'comment': 'lift', 'id': id})}\n{text}\n")
            lifted.append(id)
    return tuple(lifted)


# -- issues ----------------------------------------------------------------------------------------


def _pages(
    run: Surface,
    pages: Sequence[tuple[Operation, str]],
    report: PublishReport,
    planned: Mapping[str, Operation],
    past: Sequence[PastProposal],
) -> None:
    """The alerts, then the dashboard; one sentence where the repository has no issues."""
    if pages and not has_issues(run.client):
        sentence = (
            "The repository has its issues turned off, so there is no dashboard: turn them on "
            "under Settings > General > Features, or set `publish: {dashboard: false}`."
        )
        run.degraded.append(Degraded(code="issues_off", sentence=sentence))
        return
    for operation, body in pages:
        if operation.kind == "alert":
            run.attempt("alert", partial(_alert, run, operation, body))
        elif operation.kind == "dashboard":
            run.attempt("dashboard", partial(_dashboard, run, body, report, planned, past))


def _dashboard(
    run: Surface,
    page: str,
    report: PublishReport,
    planned: Mapping[str, Operation],
    past: Sequence[PastProposal],
) -> None:
    dashboard = parse_dashboard(page)
    if dashboard is None:
        run.refused.append(
            Skipped(
                what="dashboard", code="malformed", reason="The bundle's page is none of Debrief."
            )
        )
        return
    dashboard = with_published(dashboard, report.done, planned, past=past, rejected=run.rejected)
    issue = dashboard_issue(run.client) or dashboard_issue(run.client, creator=run.client.login())
    if issue is None:
        dashboard = replace(dashboard, paused=run.pause_asked)
        made = open_issue(run.client, title=TITLE, body=merge_boxes(dashboard, ""))
        run.did("issue", "dashboard", "issue", made.reference, made.url)
        return
    if issue.state == "closed":
        if run.pause_asked:
            raise Unprocessable(
                f"{issue.reference} was closed by a person, so it cannot show the pause; open it "
                "again, or set `paused: true` in .github/debrief.yml"
            )
        return
    # Read again right before the write: a person may have ticked a box since.
    now = read_issue(run.client, issue.number) or issue
    body = merge_boxes(dashboard, now.body, pause=run.pause_asked or None)
    if same_page(body, now.body):
        return
    edit_issue(run.client, issue.number, body=body)
    run.did("issue", "dashboard", "body", issue.reference, issue.url)


def _alert(run: Surface, operation: Operation, body: str) -> None:
    marker = parse_marker(body) or {}
    found = [
        one for one in find_issues(run.client, kind="alert") if one.marker.get("id") == operation.id
    ]
    issue: Issue | None = found[0] if found else None
    if marker.get("state") == "open":
        if issue is None:
            made = open_issue(run.client, title=operation.title, body=body)
            run.did("issue", operation.id, "issue", made.reference, made.url)
        elif issue.state == "open" and issue.body != body:
            edit_issue(run.client, issue.number, body=body)
            run.did("issue", operation.id, "body", issue.reference, issue.url)
        return
    if issue is None or issue.state == "closed":
        return
    said = [parse_marker(one.body) or {} for one in comments_of(run.client, issue.number)]
    if not any(one.get("comment") == "recovered" for one in said):
        text = recovery_comment(operation.id, str(marker.get("state")), body)
        run.client.add_comment(issue.number, text)
    edit_issue(run.client, issue.number, state="closed")
    run.did("issue", operation.id, "close", issue.reference, issue.url)


def _number(reference: str | None) -> int | None:
    text = (reference or "").removeprefix("#")
    return int(text) if text.isdecimal() and len(text) < 10 else None
