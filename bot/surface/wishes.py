"""What people ticked on the dashboard and asked for in comments, read with a token that only reads.

A tick is made by somebody who may write to the repository, as GitHub lets nobody else edit our
issue. A comment can be a stranger's: its author's permission is looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from bot.dashboard import ticked_boxes
from bot.github import GitHub
from bot.github.issues import Issue, Remark, find_issues, reacted, remarks_since
from bot.records import PastProposal, Skipped
from bot.slash import Command, parse_command

LOOKS_BACK = timedelta(days=14)
"""A command that no run has seen for so long is no longer meant."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A command that a person with write access gave and that is not carried out yet."""

    comment_id: int
    number: int
    """Of the pull request."""
    proposal_id: str
    command: Command
    login: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """All that people want of the next run."""

    boxes: frozenset[str] = frozenset()
    """Keys of the ticked boxes."""
    asked: tuple[Asked, ...] = ()
    refused: tuple[Skipped, ...] = ()
    dashboard: str | None = None
    """`#7`, where there is one that is open."""
    is_muted: bool = False
    """A person closed the dashboard: it stays closed and is not written."""

    def ids(self, kind: str) -> frozenset[str]:
        """Proposals whose box of this kind is ticked."""
        prefix = f"{kind}="
        return frozenset(key.removeprefix(prefix) for key in self.boxes if key.startswith(prefix))

    @property
    def paused(self) -> bool:
        return "pause" in self.boxes or any(one.command.verb == "pause" for one in self.asked)

    @property
    def evaluate(self) -> frozenset[str]:
        """Open proposals to look at again, by box or by `/debrief retry`."""
        retried = {one.proposal_id for one in self.asked if one.command.verb == "retry"}
        return self.ids("evaluate") | retried


Seen: TypeAlias = tuple[Asked, ...]
NO_WISHES = Wishes()


def read_wishes(client: GitHub, past: Sequence[PastProposal], *, now: datetime) -> Wishes:
    """Ticks of the dashboard and commands on pull requests of ours, open or merged.

    Two calls where nobody wants anything; two more for each command.
    """
    issue = dashboard_issue(client)
    asked, refused = _asked(client, past, now=now)
    return Wishes(
        boxes=_boxes(issue),
        asked=asked,
        refused=refused,
        dashboard=issue.reference if issue is not None and issue.state == "open" else None,
        is_muted=issue is not None and issue.state == "closed",
    )


def dashboard_issue(client: GitHub, *, creator: str | None = None) -> Issue | None:
    """The dashboard: the open one, else the newest that was closed."""
    found = find_issues(client, kind="dashboard", creator=creator)
    return next((one for one in found if one.state == "open"), next(iter(found), None))


def _boxes(issue: Issue | None) -> frozenset[str]:
    """Of a closed dashboard only the pause still counts: to close it must not set the bot free."""
    ticked = frozenset() if issue is None else ticked_boxes(issue.body)
    return ticked if issue is not None and issue.state == "open" else ticked & {"pause"}


def _asked(
    client: GitHub, past: Sequence[PastProposal], *, now: datetime
) -> tuple[Seen, tuple[Skipped, ...]]:
    ours = {
        int(one.reference.removeprefix("#")): one.id
        for one in past
        if one.state in ("open", "merged") and one.reference.startswith("#")
    }
    if not ours:
        return (), ()
    asked: list[Asked] = []
    refused: list[Skipped] = []
    for remark in remarks_since(client, now - LOOKS_BACK):
        if remark.number not in ours:
            continue
        found = command_of(client, remark)
        if isinstance(found, Skipped):
            refused.append(found)
        elif found is not None:
            asked.append(
                Asked(
                    comment_id=remark.id,
                    number=remark.number,
                    proposal_id=ours[remark.number],
                    command=found,
                    login=remark.author.login,
                )
            )
    return tuple(asked), tuple(refused)


def command_of(client: GitHub, remark: Remark) -> Command | Skipped | None:
    """The command of a comment, if its author may give it and it is not carried out yet.

    An edited comment is none: somebody else than its author may have edited it.
    """
    command = parse_command(remark.body)
    if command is None or remark.is_edited or not remark.author.is_person:
        return None
    if remark.reactions and _is_done(client, remark.id):
        return None
    if not client.can_write(remark.author.login):
        return Skipped(
            what=f"/debrief {command.verb} on #{remark.number}",
            code="no_write_access",
            reason="Whoever wrote it may not write to the repository, or this token may not ask.",
        )
    return command


def _is_done(client: GitHub, comment_id: int) -> bool:
    """It has the reaction of an app or of somebody who may write: our token may be a person's."""
    accounts = reacted(client, comment_id, "rocket")
    return any(not one.is_person or client.can_write(one.login) for one in accounts)
