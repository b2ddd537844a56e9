"""What the reports say, whatever they are written in: names of patterns, states, order, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.figures import count, percent
from bot.records import (
    AgentHealth,
    Degraded,
    ModelCost,
    Operation,
    PastProposal,
    Pattern,
    PatternReport,
    Skipped,
    Verdict,
)

SHOWN_PATTERNS = 10
"""Per agent. A reader decides on a handful; all of them are in `debrief patterns --json`."""
SHOWN_LINES = 12
HEALTH: Mapping[str, str] = {
    "healthy": "healthy",
    "needs_attention": "needs attention",
    "degraded": "degraded",
    "not_enough_data": "not enough data",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cycle:
    """All that one run can tell. Empty parts are left out of every report."""

    report: PatternReport
    now: datetime
    window_days: int = 28
    past: Sequence[PastProposal] = ()
    operations: Sequence[Operation] = ()
    left_out: Sequence[Skipped] = ()
    degraded: Sequence[Degraded] = ()
    verdicts: Sequence[Verdict] = ()
    cost: ModelCost | None = None


def pattern_name(pattern: Pattern) -> str:
    """Whom it concerns and what goes wrong, in a few words. Carries text from outside."""
    segment = [f"{key}={value}" for key, value in sorted(pattern.segment.items())]
    whom = ", ".join([*([pattern.intent_name or pattern.intent_id or ""]), *segment]).strip(", ")
    if pattern.kind == "correction":
        kind = pattern.outcome.removeprefix("correction:").replace("_", " ")
        return f"reviewers correct: {kind}" + (f" ({whom})" if whom else "")
    if pattern.kind == "threshold":
        return f"{pattern.threshold_name or 'threshold'}: shown and dismissed"
    what = pattern.outcome.removeprefix("signal:").replace("_", " ")
    return f"{whom}: {what}" if whom else what


def trend_words(pattern: Pattern) -> str:
    return "" if pattern.trend == "unknown" else pattern.trend


def agent_numbers(agent: AgentHealth, window_days: int) -> str:
    """`28 days · 4,182 conversations of 3,650 users · 96 % with text`."""
    who = f" of {count(agent.users, 'user')}" if agent.users else ", no user ids"
    said = f"{window_days} days · {count(agent.conversations, 'conversation')}{who}"
    return f"{said} · {percent(agent.complete_share)} with text" if agent.conversations else said


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


def result_words(past: PastProposal, cycle: Cycle) -> str:
    """The verdict that was posted, or how far measuring is."""
    if past.verdict is not None:
        return past.verdict.replace("_", " ")
    if past.state != "merged":
        return ""
    fresh = [one for one in cycle.verdicts if one.proposal_id == past.id]
    return fresh[-1].result.replace("_", " ") if fresh else "measuring"


def age(at: datetime | None, now: datetime) -> str:
    """`9 d`; nothing where the time is not known."""
    return "" if at is None else f"{max(0, (now - at) // timedelta(days=1))} d"


def newest_first(past: Sequence[PastProposal]) -> list[PastProposal]:
    """Those whose time is not known come last."""
    return sorted(
        past, key=lambda one: one.opened_at.timestamp() if one.opened_at else 0.0, reverse=True
    )


def reference_words(operation: Operation) -> str:
    return operation.reference or operation.branch or operation.id
