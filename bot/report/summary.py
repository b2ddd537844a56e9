"""Markdown for GitHub: the summary of a job, and the body of the one dashboard issue.

Every name from outside is neutralised by `bot.markdown`; both stay far under GitHub's limits
because they list few things and say how many more there are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from bot.figures import bars, count, percent, points, rate
from bot.markdown import Live, code_span, plain, prose, table
from bot.records import (
    AgentHealth,
    Degraded,
    ModelCost,
    PastProposal,
    Pattern,
    PatternReport,
    Plan,
    PublishReport,
    Verdict,
)
from bot.report.content import (
    HEALTH,
    HOW_TO_READ,
    SHOWN_LINES,
    SHOWN_PATTERNS,
    age,
    agent_numbers,
    left_out_of,
    newest_first,
    pattern_name,
    patterns_of,
    result_words,
    state_words,
    steps_of,
    tested_sentence,
    told_in_full,
    trend_words,
    workflow_table,
)

_TOP = 3
_SHOWN_PAST = 30
_SHOWN_AGENTS = 20
_LINE = 300


def summary_markdown(
    *,
    report: PatternReport | None = None,
    plan: Plan | None = None,
    published: PublishReport | None = None,
    verdicts: Sequence[Verdict] = (),
    cost: ModelCost | None = None,
    window_days: int = 28,
    learned: str = "",
) -> str:
    """What one run found, did, measured, learned and left out."""
    parts = ["## Debrief", *_understood(report, window_days)]
    steps = steps_of(plan, published)
    if steps:
        rows = [
            [one.op, plain(one.title, 100), one.kind, _reference(one.where)]
            for one in steps[:_SHOWN_PAST]
        ]
        title = "This run" if published else "In the bundle"
        parts.append(f"### {title}\n\n" + table(["", "what", "kind", "where"], rows))
    if verdicts:
        lines = [
            f"- **{one.result.replace('_', ' ')}** {_reference(one.reference)}: "
            f"{prose(one.sentence, 600)}"
            for one in verdicts[:_SHOWN_PAST]
        ]
        parts.append("### Did it work?\n\n" + "\n".join(lines))
    if learned:
        parts.append(prose(learned, 600))
    if report is not None:
        parts += _lines("Worth a look", [f"{one.agent}: {one.sentence}" for one in report.findings])
        refused = [f"{one.what}: {one.reason}" for one in report.refused]
        parts += _lines("Not said, and why", refused)
    left_out = [f"{one.what}: {one.reason}" for one in left_out_of(plan, published)]
    parts += _lines("Left out, and why", left_out)
    parts += _lines("Degraded", [one.sentence for one in (published.degraded if published else ())])
    if cost is not None and cost.calls:
        parts.append(f"{count(cost.calls, 'model call')}, ${cost.usd:.2f}.")
    return "\n\n".join(parts) + "\n"


def dashboard_markdown(
    report: PatternReport,
    *,
    past: Sequence[PastProposal],
    now: datetime,
    verdicts: Sequence[Verdict] = (),
    degraded: Sequence[Degraded] = (),
    cost: ModelCost | None = None,
) -> str:
    """The issue's body without its marker: health and top reasons per agent, then all proposals."""
    parts = [_last_run(report, now, degraded, cost)]
    for agent in report.agents[:_SHOWN_AGENTS]:
        parts.append(f"### {plain(agent.agent, 80)} · {HEALTH[agent.health]}")
        parts.append(prose(agent.why, _LINE))
        parts += _top(patterns_of(report, agent.agent))
    parts += _more(len(report.agents), _SHOWN_AGENTS, "agent")
    if past:
        header = ["", "proposal", "kind", "state", "since", "result"]
        rows = [_past(one, verdicts, now) for one in newest_first(past)[:_SHOWN_PAST]]
        parts += ["### Proposals", table(header, rows)]
    parts += _more(len(past), _SHOWN_PAST, "older proposal")
    settled = [one.verdict for one in past if one.verdict not in (None, "unknown")]
    if settled:
        worked = settled.count("worked")
        parts.append(f"Worked: {worked} of {count(len(settled), 'settled verdict')}.")
    return "\n\n".join(parts) + "\n"


def _last_run(
    report: PatternReport, now: datetime, degraded: Sequence[Degraded], cost: ModelCost | None
) -> str:
    """Never older than the issue's body, so a reader sees at once when the job has stopped."""
    spent = f", ${cost.usd:.2f}" if cost is not None and cost.calls else ""
    parts = [f"Last run {now:%Y-%m-%d %H:%M} UTC{spent}."]
    if not report.agents:
        parts.append("No conversations in the store for this window.")
    if degraded:
        reasons = "; ".join(prose(one.sentence, _LINE) for one in degraded[:SHOWN_LINES])
        parts.append(f"Degraded: {reasons}")
    return " ".join(parts)


def _understood(report: PatternReport | None, window_days: int) -> list[str]:
    if report is None:
        return []
    if not report.agents:
        return ["No conversations in the store for this window: nothing to say yet."]
    parts = []
    for agent in report.agents[:_SHOWN_AGENTS]:
        parts += _agent(agent, report, window_days)
    parts += _more(len(report.agents), _SHOWN_AGENTS, "agent")
    return [*parts, tested_sentence(report)]


def _reference(text: str) -> str:
    """`#212` links to our own pull request; anything else is outside text."""
    return Live(text) if re.fullmatch(r"#\d{1,9}", text) else code_span(text[:80])


def _agent(agent: AgentHealth, report: PatternReport, window_days: int) -> list[str]:
    parts = [
        f"### {plain(agent.agent, 80)} · {HEALTH[agent.health]}",
        f"{agent_numbers(agent, window_days)}. {prose(agent.why, _LINE)}",
    ]
    patterns = patterns_of(report, agent.agent)
    if patterns:
        header = ["what goes wrong", "rate (95 %)", "others", "difference", "n", "trend"]
        parts.append(table(header, [_pattern(one) for one in patterns[:SHOWN_PATTERNS]]))
        parts.append(HOW_TO_READ)
        told = [
            f"{number}. {prose(pattern_name(one), 120)}: {prose(told_in_full(one), 600)}"
            for number, one in enumerate(patterns[:_TOP], 1)
        ]
        parts.append("\n".join(told))
    workflows = [one for one in report.workflows if one.agent == agent.agent]
    if workflows:
        parts.append(table(*workflow_table(workflows)))
    return parts


def _pattern(pattern: Pattern) -> list[str]:
    difference = pattern.risk_difference
    return [
        pattern_name(pattern)[:_LINE],
        rate(pattern.rate, pattern.rate_interval),
        "" if pattern.baseline_rate is None else percent(pattern.baseline_rate),
        "" if difference is None else points(difference, pattern.interval),
        count(pattern.users, pattern.unit),
        f"{bars(pattern.weeks)} {trend_words(pattern)}".strip(),
    ]


def _top(patterns: Sequence[Pattern]) -> list[str]:
    if not patterns:
        return []
    named = [
        f"{number}. {prose(pattern_name(pattern), 120)} ({percent(pattern.rate)})"
        for number, pattern in enumerate(patterns[:_TOP], 1)
    ]
    return ["What goes wrong most:", "\n".join(named)]


def _past(past: PastProposal, verdicts: Sequence[Verdict], now: datetime) -> list[str]:
    return [
        _reference(past.reference),
        plain(past.title, 100),
        past.kind,
        state_words(past),
        age(past.merged_at or past.opened_at, now),
        result_words(past, verdicts),
    ]


def _lines(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    shown = [f"- {prose(line, _LINE)}" for line in lines[:SHOWN_LINES]]
    if len(lines) > SHOWN_LINES:
        shown.append(f"- and {len(lines) - SHOWN_LINES:,} more")
    return [f"### {title}\n\n" + "\n".join(shown)]


def _more(number: int, shown: int, noun: str) -> list[str]:
    return [f"and {count(number - shown, f'more {noun}')}"] if number > shown else []
