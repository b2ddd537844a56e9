"""What the reports say, whatever they are written in: names of patterns, states, order, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.figures import count, day, percent, rate
from bot.pattern_name import pattern_name
from bot.records import (
    AgentHealth,
    DecisionRates,
    Gone,
    Interval,
    PastProposal,
    Pattern,
    PatternReport,
    Plan,
    PublishReport,
    RateEstimate,
    Skipped,
    Verdict,
    Workflow,
)

SHOWN_PATTERNS = 10
"""Per agent. A reader decides on a handful; all of them are in `debrief patterns --json`."""
SHOWN_LINES = 12
VAGUE = 30
"""How many times the lower end of a ratio's interval its upper end may be, to be printed."""
HEALTH: Mapping[str, str] = {
    "healthy": "healthy",
    "needs_attention": "needs attention",
    "degraded": "degraded",
    "not_enough_data": "not enough data",
}


DONE: Mapping[str, str] = {
    "open": "opened",
    "update": "updated",
    "label": "labelled",
    "close": "closed",
    "comment": "commented",
    "verdict": "verdict posted",
    "issue": "page written",
    "answer": "answered",
    "evidence": "kept",
}
TO_DO: Mapping[str, str] = {
    "open": "to open",
    "update": "to update",
    "label": "to label",
    "close": "to close",
    "comment": "to comment",
    "verdict": "verdict to post",
    "issue": "page to write",
    "answer": "to answer",
    "evidence": "to keep",
}
"""Operations in words: what was done, and what a bundle or a dry run would do."""
KINDS: Mapping[str, str] = {
    "rule": "rule in a prompt",
    "prompt": "prompt",
    "threshold": "threshold",
    "harness": "tool or code",
    "config": "config",
    "taxonomy": "intents",
    "cases": "test cases",
    "dataset": "training data",
}
"""What a change is of; pages of ours are of no kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One row of what a run did, in words."""

    done: str
    title: str
    kind: str
    where: str
    """A pull request, an issue or a branch; empty for what has no place that people open."""


def steps_of(plan: Plan | None, published: PublishReport | None) -> list[Step]:
    """What is in the bundle and, where publish ran, only what it carried out."""
    planned = {(str(one.op), one.id): one for one in plan.operations} if plan else {}
    if published is None:
        return [
            Step(
                done=TO_DO[one.op],
                title=one.title,
                kind=KINDS.get(one.kind, ""),
                where=one.reference or one.branch,
            )
            for one in planned.values()
            if one.reference or one.branch  # the rest are pages, which only show what is here
        ]
    words = DONE if published.writes else TO_DO
    steps = []
    for sent in published.done:
        known = planned.get((sent.op, sent.id))
        steps.append(
            Step(
                done=words.get(sent.op, sent.op),
                title=known.title if known else sent.id,
                kind=KINDS.get(known.kind, "") if known else "",
                where=sent.reference or (known.branch if known else ""),
            )
        )
    return steps


def steps_title(published: PublishReport | None) -> str:
    if published is None:
        return "In the bundle"
    return "This run" if published.writes else "This run would"


def left_out_of(plan: Plan | None, published: PublishReport | None) -> list[Skipped]:
    """What the run did not propose or do, and why; equal sentences on two patterns once."""
    every = (*(plan.left_out if plan else ()), *(published.refused if published else ()))
    return list({(one.what, one.reason): one for one in every}.values())


def told_in_full(pattern: Pattern) -> str:
    """One pattern in sentences: who, how often, how much of it all, since when, and why."""
    parts = [_numbers(pattern)]
    if pattern.baseline_rate is not None:
        parts.append(f"others {percent(pattern.baseline_rate)}")
    if pattern.risk_ratio is not None and pattern.risk_ratio_interval is not None:
        parts.append(_ratio_words(pattern.risk_ratio, pattern.risk_ratio_interval))
    if pattern.share_explained:
        parts.append(f"accounts for {percent(pattern.share_explained)} of all such")
    if trend_words(pattern):
        parts.append(trend_words(pattern))
    return f"{', '.join(parts)}.{_why(pattern)}"


def _ratio_words(ratio: float, interval: Interval) -> str:
    """A ratio over next to nothing is no number to print: only its better known end is."""
    if interval.low > 1 and interval.high > VAGUE * interval.low:
        return f"at least {interval.low:.0f} times as often"
    return f"{ratio:.1f} times as often ({interval.low:.1f} to {interval.high:.1f})"


def _why(pattern: Pattern) -> str:
    """Corrections and thresholds are their own cause."""
    if pattern.cause is not None:
        return f" {pattern.cause.sentence}"
    return "" if pattern.kind != "outcome" else " Why, no rule can tell."


def _numbers(pattern: Pattern) -> str:
    if pattern.kind == "correction":
        by = f" by {count(pattern.evidence_users, 'user')}" if pattern.evidence_users else ""
        return f"{count(len(pattern.corrections), 'correction')}{by}"
    failed = f"{round(pattern.rate * pattern.users):,} of {count(pattern.users, pattern.unit)}"
    if pattern.outcome.startswith("signal:"):
        return f"{failed} show {pattern.outcome.removeprefix('signal:').replace('_', ' ')}"
    did = "failed" if pattern.outcome == "failure" else pattern.outcome.replace("_", " ")
    return f"{failed} {did}"


def gone_sentence(one: Gone) -> str:
    """What stood, until when, and what is known of it now."""
    was = f"{pattern_name(one.pattern)}: {rate(one.pattern.rate, one.pattern.rate_interval)}"
    until = f"{was} until {day(one.last_stood)}"
    if one.now is None:
        return f"{until}; too little came since to say how it is."
    now = rate(one.now.rate, one.now.interval)
    return f"{until}; now {now} of {count(one.now.total, one.pattern.unit)}, it stands no more."


def decision_cells(one: DecisionRates) -> list[str]:
    """The columns of DECISION_COLUMNS."""
    shares = (one.dismissed, one.approved, one.modified, one.escalated)
    return [
        one.threshold_name or "without a threshold",
        f"{percent(one.response.rate)} of {one.response.total:,}",
        *("" if share is None else rate(share.rate, share.interval) for share in shares),
    ]


DECISION_COLUMNS = ("Decisions", "answered", "dismissed", "approved", "modified", "escalated")


def workflow_table(spans: Sequence[Workflow]) -> tuple[list[str], list[list[str]]]:
    """(header, rows) of how the work went; behind a rate stands that of the span before.

    A column of which nobody said anything is left out.
    """
    rows = [_workflow_cells(one) for one in spans]
    told = [at for at, _ in enumerate(WORKFLOW_COLUMNS) if any(row[at] for row in rows)]
    return [WORKFLOW_COLUMNS[at] for at in told], [[row[at] for at in told] for row in rows]


def _workflow_cells(one: Workflow) -> list[str]:
    was = one.before
    exceptions = _beside(one.exceptions, was.exceptions if was else None)
    if one.exception_kinds:
        exceptions += f": {_most_frequent(one.exception_kinds)}"
    return [
        one.span if f"{one.jobs:,}" in one.span else f"{one.span} ({one.jobs:,})",
        _beside(one.completion, was.completion if was else None),
        _beside(one.override, was.override if was else None),
        _beside(one.usable, was.usable if was else None),
        exceptions,
        _most_frequent(one.corrections),
    ]


def _most_frequent(numbers: Mapping[str, int]) -> str:
    told = [f"{type.replace('_', ' ')} {number}" for type, number in numbers.items()]
    return ", ".join(told[:_SHOWN_TYPES])


def _beside(now: RateEstimate | None, before: RateEstimate | None) -> str:
    if now is None:
        return ""
    said = rate(now.rate, now.interval)
    return said if before is None else f"{said}, was {percent(before.rate)}"


WORKFLOW_COLUMNS = ("The work", "done", "overridden", "usable", "exceptions", "corrected")
_SHOWN_TYPES = 3
HOW_TO_READ = (
    "Rates with their 95 % interval; others: the agent's conversations outside the group; "
    "difference in percentage points."
)


def has_weeks(patterns: Sequence[Pattern]) -> bool:
    """Whether there is a trend to show: imported conversations often have no times."""
    return any(week.total for pattern in patterns for week in pattern.weeks)


def trend_words(pattern: Pattern) -> str:
    return "" if pattern.trend == "unknown" else pattern.trend


def agent_numbers(agent: AgentHealth, window_days: int) -> str:
    """`28 days · 4,182 conversations of 3,650 users · 96 % with text`.

    Only the days where there are no conversations: `AgentHealth.reason` says that."""
    if not agent.conversations:
        return f"{window_days} days"
    who = f" of {count(agent.users, 'user')}" if agent.users else ", no user ids"
    text = f"{percent(agent.complete_share)} with text"
    return f"{window_days} days · {count(agent.conversations, 'conversation')}{who} · {text}"


def patterns_of(report: PatternReport, agent: str) -> list[Pattern]:
    """In the report's order: most important first."""
    return [pattern for pattern in report.patterns if pattern.agent == agent]


def tested_sentence(report: PatternReport) -> str:
    """How much was looked at, so that nobody takes what stands for all there is."""
    standing = sum(1 for pattern in report.patterns if pattern.q_value is not None)
    others = max(0, report.tested - standing)
    if not report.tested:
        return "No group was large enough to be tested."
    if others == 1:
        return "1 more group was tested; it does not stand."
    return f"{others:,} more groups were tested; none stands after correction for all of them."


def state_words(past: PastProposal) -> str:
    """`rejected: wrong fix`, `merged`, `open, a person works on it`."""
    if past.state == "rejected" and past.rejection:
        return f"rejected: {past.rejection.replace('_', ' ')}"
    if past.state == "open" and past.touched:
        return "open, a person works on it"
    return past.state


def result_words(past: PastProposal, verdicts: Sequence[Verdict]) -> str:
    """The verdict that was posted, or how far measuring is."""
    if past.verdict is not None:
        return past.verdict.replace("_", " ")
    if past.state != "merged":
        return ""
    fresh = [one for one in verdicts if one.proposal_id == past.id]
    return fresh[-1].result.replace("_", " ") if fresh else "measuring"


def age(at: datetime | None, now: datetime) -> str:
    """`9 d`; nothing where the time is not known."""
    return "" if at is None else f"{max(0, (now - at) // timedelta(days=1))} d"


def newest_first(past: Sequence[PastProposal]) -> list[PastProposal]:
    """Those whose time is not known come last."""
    return sorted(
        past, key=lambda one: one.opened_at.timestamp() if one.opened_at else 0.0, reverse=True
    )
