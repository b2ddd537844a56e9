"""How much may be opened, and when: what a team can read, and when it wants to be left alone.

Pure: takes what the target remembers and the settings; gives what may go out and why the rest
waits. Counted from the history alone, however often Debrief runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.figures import count
from bot.records import Operation, PastProposal, Plan, Proposal, Skipped
from bot.settings import PublishSettings, QuietHours, Settings

WEEK = timedelta(days=7)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(kw_only=True)
class Room:
    """Counts what is opened in one run against the limits."""

    per_week: int
    limits: PublishSettings
    opened_lately: int
    """In the last seven days before this run, whatever became of them."""
    opened: Counter[str]
    """Open now, by agent, with those of this run."""
    _new: int = 0

    def hindrance(self, agent: str, *, replaces: bool = False) -> str | None:
        """Why no further pull request may be opened for `agent` now, or None.

        One that `replaces` an open one of the same agent is new, and leaves no more open.
        """
        new = self._new
        if self.opened_lately + new >= self.per_week:
            most = count(self.per_week, "new proposal")
            opened = f"{self.opened_lately} before this run, {new} in it"
            return f"At most {most} may be opened in seven days ({opened})."
        if new >= self.limits.new_per_run:
            most = count(self.limits.new_per_run, "new proposal")
            return f"At most {most} may be opened in one run."
        if self.opened.total() - replaces >= self.limits.max_open:
            return f"At most {count(self.limits.max_open, 'pull request')} may be open at once."
        if self.opened[agent] - replaces >= self.limits.open_per_agent:
            most = count(self.limits.open_per_agent, "pull request")
            return f"At most {most} of one agent may be open at once."
        return None

    def take(self, agent: str, *, replaces: bool = False) -> None:
        """One is opened for `agent`."""
        self._new += 1
        self.opened[agent] += not replaces


def room_of(
    past: Sequence[PastProposal], *, per_week: int, limits: PublishSettings, now: datetime
) -> Room:
    """What may still be opened, by what the target remembers."""
    return Room(
        per_week=per_week,
        limits=limits,
        opened_lately=_opened_lately(past, now=now),
        opened=Counter(one.agent for one in past if one.state == "open"),
    )


def slots_left(past: Sequence[PastProposal], *, now: datetime, per_week: int) -> int:
    """How many new proposals the last seven days still allow, whatever became of the others."""
    return max(0, per_week - _opened_lately(past, now=now))


def _opened_lately(past: Sequence[PastProposal], *, now: datetime) -> int:
    return sum(one.opened_at is not None and now - one.opened_at < WEEK for one in past)


def successor_of(one: PastProposal, proposals: Iterable[Proposal]) -> Proposal | None:
    """Another remedy of the same kind for the same pattern, which takes the place of an open one.

    None while the open one is itself proposed again, or a person works on it.
    """
    if one.state != "open" or one.touched:
        return None
    same = [
        proposal
        for proposal in proposals
        if (proposal.agent, proposal.pattern_id, proposal.kind)
        == (one.agent, one.pattern_id, one.kind)
    ]
    return None if any(proposal.id == one.id for proposal in same) else next(iter(same), None)


def allowed_now(
    plan: Plan,
    past: Sequence[PastProposal],
    *,
    settings: Settings,
    now: datetime,
    asked: Collection[str] = (),
    paused: str | None = None,
) -> tuple[Plan, tuple[Skipped, ...]]:
    """The plan without what the target's own settings and history do not let in any more.

    Counted again when a bundle is sent: it may be old, or not as we wrote it. `asked` are ids that
    a person wants in spite of the limits; `paused` is why nothing new may be opened.
    """
    limits = settings.publish
    if is_quiet(limits.quiet_hours, now):
        sentence = "It is quiet time by `publish.quiet_hours`; the next run looks again."
        waiting = [_skipped(one, "quiet_hours", sentence) for one in plan.operations]
        return replace(plan, operations=()), tuple(waiting)
    if settings.paused:
        paused = "`paused: true` stands in the settings of the default branch."
    known = {one.id for one in past if one.state == "open"}
    room = room_of(past, per_week=settings.limits.new_per_week, limits=limits, now=now)
    gives_way = _giving_way(plan, known)
    kept: list[Operation] = []
    refused: list[Skipped] = []
    for operation in plan.operations:
        if operation.op != "open" or operation.id in known:
            kept.append(operation)
            continue
        replaces = operation.id in gives_way
        hindrance = room.hindrance(operation.agent, replaces=replaces)
        turned_down = _turned_down(operation, past)
        if turned_down is not None:
            refused.append(_skipped(operation, "rejected_before", turned_down))
        elif paused is not None:
            refused.append(_skipped(operation, "paused", paused))
        elif hindrance is not None and operation.id not in asked:
            refused.append(_skipped(operation, "cap", hindrance))
        else:
            room.take(operation.agent, replaces=replaces)
            kept.append(operation)
    return replace(plan, operations=tuple(kept)), tuple(refused)


def _turned_down(operation: Operation, past: Sequence[PastProposal]) -> str | None:
    """Why people do not want it, or None: the same one was taken back, or nobody looked at it.

    What a person closed is seen by publish itself.
    """
    entries = operation.evidence.get("entries")
    for one in past:
        if one.id != operation.id or not (one.reverted or one.close_reason == "expired"):
            continue
        if not isinstance(entries, int) or entries < 2 * max(1, one.evidence_entries):
            became = "was merged and taken back" if one.reverted else "was looked at by nobody"
            return f"{one.reference} {became}; it comes again only if its evidence doubles."
    return None


def _giving_way(plan: Plan, known: Collection[str]) -> Mapping[str, str]:
    """Successor to the open proposal that the plan closes for it."""
    return {
        one.superseded_by: one.id
        for one in plan.operations
        if one.op == "close" and one.superseded_by and one.id in known
    }


def is_quiet(hours: QuietHours, now: datetime) -> bool:
    """Whether `now` lies within the quiet hours. Over midnight where they end before they start."""
    here = now.astimezone(ZoneInfo(hours.timezone))
    if _DAYS[here.weekday()] in hours.days:
        return True
    if hours.start is None or hours.end is None:
        return False
    at = time(here.hour, here.minute, here.second)
    if hours.start <= hours.end:
        return hours.start <= at < hours.end
    return at >= hours.start or at < hours.end


def _skipped(operation: Operation, code: str, reason: str) -> Skipped:
    return Skipped(what=operation.id, code=code, reason=reason)
