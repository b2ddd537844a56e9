"""How a reviewed workflow is doing: completion, overrides, corrections, exceptions.

Takes one `Job` for each conversation, and decisions; gives each agent's measures over its last 100
jobs, its last 1,000 and the last month, beside the same of the time before. Refuses nothing: what
nobody told has no rate. Costs nothing.

A job is a conversation, or a decision that belongs to none. The measures are those by which a team
sees whether an agent needs less and less help: did it finish, did a person have to change
something, what kind of thing, was it usable in the next step, and how much left the usual path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.records import Correction, Decision, Outcome, RateEstimate, Signal, Workflow
from bot.statistics import failure_rate
from collector.records import Conversation, Event

LAST_JOBS = (100, 1000)
MONTH = timedelta(days=30)
SHOWN_TYPES = 10
"""Types of corrections that are counted by name; the rest is `other`."""

_CHANGED = frozenset({"edited", "rejected"})
_DONE = frozenset({"accepted", "edited"})
_NOT_DONE = frozenset({"rejected", "escalated"})
_EXCEPTIONS: Mapping[str, str] = {
    "escalation_request": "escalated",
    "refusal": "refused",
    "empty_answer": "unusable answer",
    "cut_off_answer": "unusable answer",
    "broken_format": "unusable answer",
    "tool_loop": "tool failed",
}
_OLDEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One piece of work of an agent, and what people made of it."""

    agent: str
    id: str
    """Of the conversation, or of the decision where there is none."""
    at: datetime | None
    completed: bool | None = None
    """None where nobody said."""
    reviewed: bool = False
    overridden: bool = False
    """A person changed, rejected or corrected the result."""
    usable: bool | None = None
    """In the next step, as a reviewer said."""
    exceptions: frozenset[str] = frozenset()
    """How it left the usual path; empty where it did not."""
    corrections: tuple[str, ...] = ()
    """The type of each correction."""


def job_of(
    conversation: Conversation,
    signals: Iterable[Signal],
    outcomes: Iterable[Outcome],
    corrections: Sequence[Correction],
) -> Job:
    """What one conversation says about the workflow."""
    reviews = [one for one in conversation.events if one.name == "debrief.review"]
    actions = [str(one.value("action", "review.action") or "").lower() for one in reviews]
    edited = any(one.by == "reviewer" for one in corrections)
    exceptions = {_EXCEPTIONS[one.kind] for one in signals if one.kind in _EXCEPTIONS}
    if "escalated" in actions:
        exceptions.add("escalated")
    return Job(
        agent=conversation.agent,
        id=conversation.conversation_id,
        at=conversation.ended_at or conversation.started_at,
        completed=_completed(outcomes, actions[-1:]),
        reviewed=bool(reviews) or edited,
        overridden=edited or any(action in _CHANGED for action in actions[-1:]),
        usable=_usable(reviews),
        exceptions=frozenset(exceptions),
        corrections=tuple(one.types[0] if one.types else "other" for one in corrections),
    )


def _completed(outcomes: Iterable[Outcome], last_action: Sequence[str]) -> bool | None:
    """By what was declared or follows by rule, else by the last review; never by a model's word."""
    told = {one.polarity for one in outcomes if one.source != "inferred"} - {"neutral"}
    if told:
        return "bad" not in told
    for action in last_action:
        if action in _DONE | _NOT_DONE:
            return action in _DONE
    return None


def _usable(reviews: Sequence[Event]) -> bool | None:
    said = [one.value("usable", "review.usable") for one in reviews]
    answers = [value for value in said if isinstance(value, bool)]
    return answers[-1] if answers else None


def workflows(
    jobs: Iterable[Job], decisions: Iterable[Decision], *, now: datetime
) -> tuple[Workflow, ...]:
    """Each agent's measures, agents in alphabetical order, the shortest span first.

    A span in which there is no more than in a shorter one is left out. The month ends at `now`.
    """
    by_agent: dict[str, list[Job]] = {}
    for job in _with_decisions(jobs, decisions):
        by_agent.setdefault(job.agent, []).append(job)
    found: list[Workflow] = []
    for agent in sorted(by_agent):
        newest_first = sorted(by_agent[agent], key=_when, reverse=True)
        if any(_is_seen(job) for job in newest_first):
            found += _spans(agent, newest_first, now)
    return tuple(found)


def _is_seen(job: Job) -> bool:
    """Whether anybody said anything about it: without that there is nothing to measure."""
    return job.reviewed or job.completed is not None or job.usable is not None


def _when(job: Job) -> tuple[datetime, str]:
    return job.at or _OLDEST, job.id


def _with_decisions(jobs: Iterable[Job], decisions: Iterable[Decision]) -> Iterable[Job]:
    by_key = {(job.agent, job.id): job for job in jobs}
    for decision in decisions:
        key = (decision.agent, decision.conversation_id or decision.id)
        job = by_key.get(key) or Job(agent=key[0], id=key[1], at=decision.at)
        by_key[key] = _after_response(job, decision)
    return by_key.values()


def _after_response(job: Job, decision: Decision) -> Job:
    if decision.response is None:
        return job
    escalated = {"escalated"} if decision.response == "escalate" else set()
    return replace(
        job,
        reviewed=True,
        overridden=job.overridden or decision.response in {"dismiss", "modify"},
        completed=decision.response in {"approve", "modify"}
        if job.completed is None
        else job.completed,
        exceptions=job.exceptions | escalated,
    )


def _spans(agent: str, newest_first: Sequence[Job], now: datetime) -> Iterable[Workflow]:
    shorter = 0
    for count in LAST_JOBS:
        if min(count, len(newest_first)) > shorter:
            last, before = newest_first[:count], newest_first[count : 2 * count]
            yield _compared(
                agent, f"last {count:,} jobs", last, before if len(before) == count else ()
            )
        shorter = count
    last = [job for job in newest_first if job.at and now - MONTH <= job.at <= now]
    before = [job for job in newest_first if job.at and now - 2 * MONTH <= job.at < now - MONTH]
    if last:
        yield _compared(agent, "month", last, before)


def _compared(agent: str, span: str, last: Sequence[Job], before: Sequence[Job]) -> Workflow:
    measured = _measured(agent, span, last)
    if not before:
        return measured
    return replace(measured, before=_measured(agent, f"before: {span}", before))


def _measured(agent: str, span: str, jobs: Sequence[Job]) -> Workflow:
    types = Counter(type for job in jobs for type in job.corrections)
    shown = dict(types.most_common(SHOWN_TYPES))
    if rest := types.total() - sum(shown.values()):
        shown["other"] = shown.get("other", 0) + rest
    times = [job.at for job in jobs if job.at is not None]
    return Workflow(
        agent=agent,
        span=span,
        jobs=len(jobs),
        since=min(times, default=None),
        completion=_rate(job.completed for job in jobs),
        override=_rate(job.overridden for job in jobs if job.reviewed),
        usable=_rate(job.usable for job in jobs),
        exceptions=failure_rate(sum(bool(job.exceptions) for job in jobs), len(jobs)),
        exception_kinds=dict(
            Counter(kind for job in jobs for kind in sorted(job.exceptions)).most_common()
        ),
        corrections=shown,
    )


def _rate(said: Iterable[bool | None]) -> RateEstimate | None:
    """Share of yes among those of which anything is known; None where nothing is."""
    known = [one for one in said if one is not None]
    return failure_rate(sum(known), len(known)) if known else None
