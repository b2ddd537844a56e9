"""Markdown for GitHub: the summary of a job.

Every name from outside is neutralised by `bot.markdown`; both stay far under GitHub's limits
because they list few things and say how many more there are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.figures import bars, count, dollars, percent, points, rate
from bot.markdown import Live, code_span, plain, prose, table
from bot.pattern_name import pattern_name
from bot.records import (
    AgentHealth,
    ModelCost,
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
    agent_numbers,
    left_out_of,
    patterns_of,
    steps_of,
    steps_title,
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
            [one.done, plain(one.title, 100), one.kind, _reference(one.where)]
            for one in steps[:_SHOWN_PAST]
        ]
        title = steps_title(published)
        parts.append(f"### {title}\n\n" + table(["", "what", "a change of", "where"], rows))
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
        parts.append(f"{count(cost.calls, 'model call')}, {dollars(cost.usd)}.")
    return "\n\n".join(parts) + "\n"


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
    if not text:
        return ""
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


def _lines(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    shown = [f"- {prose(line, _LINE)}" for line in lines[:SHOWN_LINES]]
    if len(lines) > SHOWN_LINES:
        shown.append(f"- and {len(lines) - SHOWN_LINES:,} more")
    return [f"### {title}\n\n" + "\n".join(shown)]


def _more(number: int, shown: int, noun: str) -> list[str]:
    return [f"and {count(number - shown, f'more {noun}')}"] if number > shown else []
