"""Markdown for GitHub: the summary of a job, and the body of the one dashboard issue.

Every name from outside is neutralised by `bot.markdown`; both stay far under GitHub's limits
because they list few things and say how many more there are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.figures import bars, count, percent, points, rate
from bot.markdown import Live, code_span, plain, prose, table
from bot.records import AgentHealth, PastProposal, Pattern
from bot.report.content import (
    HEALTH,
    SHOWN_LINES,
    SHOWN_PATTERNS,
    Cycle,
    age,
    agent_numbers,
    newest_first,
    pattern_name,
    patterns_of,
    reference_words,
    result_words,
    state_words,
    tested_sentence,
    trend_words,
)

_TOP = 3
_SHOWN_PAST = 30
_SHOWN_AGENTS = 20
_LINE = 300


def job_summary(cycle: Cycle) -> str:
    """What one run found, proposed, measured and left out."""
    parts = ["## Debrief"]
    for agent in cycle.report.agents[:_SHOWN_AGENTS]:
        parts += _agent(agent, cycle)
    parts += _more(len(cycle.report.agents), _SHOWN_AGENTS, "agent")
    parts.append(
        tested_sentence(cycle.report)
        if cycle.report.agents
        else "No conversations in the store for this window: nothing to say yet."
    )
    if cycle.operations:
        rows = [
            [one.op, plain(one.title, 100), one.kind, _reference(reference_words(one))]
            for one in cycle.operations[:_SHOWN_PAST]
        ]
        parts.append("### This cycle\n\n" + table(["", "what", "kind", "where"], rows))
    if cycle.verdicts:
        lines = [
            f"- **{one.result.replace('_', ' ')}** {_reference(one.reference)}: "
            f"{prose(one.sentence, 600)}"
            for one in cycle.verdicts[:_SHOWN_PAST]
        ]
        parts.append("### Did it work?\n\n" + "\n".join(lines))
    report = cycle.report
    parts += _lines("Worth a look", [f"{one.agent}: {one.sentence}" for one in report.findings])
    parts += _lines("Not said, and why", [f"{one.what}: {one.reason}" for one in report.refused])
    parts += _lines("Left out, and why", [f"{one.what}: {one.reason}" for one in cycle.left_out])
    parts += _lines("Degraded", [one.sentence for one in cycle.degraded])
    if cycle.cost is not None and cycle.cost.calls:
        parts.append(f"{count(cycle.cost.calls, 'model call')}, ${cycle.cost.usd:.2f}.")
    return "\n\n".join(parts) + "\n"


def dashboard(cycle: Cycle) -> str:
    """The issue's body without its marker: health and top reasons per agent, then all proposals."""
    parts = [_last_run(cycle)]
    for agent in cycle.report.agents[:_SHOWN_AGENTS]:
        parts.append(f"### {plain(agent.agent, 80)} · {HEALTH[agent.health]}")
        parts.append(prose(agent.why, _LINE))
        parts += _top(patterns_of(cycle.report, agent.agent))
    parts += _more(len(cycle.report.agents), _SHOWN_AGENTS, "agent")
    past = newest_first(cycle.past)
    if past:
        parts.append("### Proposals")
        header = ["", "proposal", "kind", "state", "since", "result"]
        parts.append(table(header, [_past(one, cycle) for one in past[:_SHOWN_PAST]]))
    parts += _more(len(past), _SHOWN_PAST, "older proposal")
    decided = [one.verdict for one in cycle.past if one.verdict not in (None, "unknown")]
    if decided:
        worked = decided.count("worked")
        parts.append(f"{worked} of {count(len(decided), 'settled verdict')} say that it worked.")
    return "\n\n".join(parts) + "\n"


def _last_run(cycle: Cycle) -> str:
    """Never older than the issue's body, so a reader sees at once when the job has stopped."""
    cost = f", ${cycle.cost.usd:.2f}" if cycle.cost is not None and cycle.cost.calls else ""
    said = f"Last run {cycle.now:%Y-%m-%d %H:%M} UTC{cost}."
    reasons = "; ".join(prose(one.sentence, _LINE) for one in cycle.degraded[:SHOWN_LINES])
    empty = "" if cycle.report.agents else " No conversations in the store for this window."
    return f"{said}{empty}" + (f" Degraded: {reasons}" if reasons else "")


def _reference(text: str) -> str:
    """`#212` links to our own pull request; anything else is outside text."""
    return Live(text) if re.fullmatch(r"#\d{1,9}", text) else code_span(text[:80])


def _agent(agent: AgentHealth, cycle: Cycle) -> list[str]:
    parts = [
        f"### {plain(agent.agent, 80)} · {HEALTH[agent.health]}",
        f"{agent_numbers(agent, cycle.window_days)}. {prose(agent.why, _LINE)}",
    ]
    patterns = patterns_of(cycle.report, agent.agent)
    if patterns:
        header = ["why users fail", "rate (95 %)", "others", "difference", "n", "trend"]
        parts.append(table(header, [_pattern(one) for one in patterns[:SHOWN_PATTERNS]]))
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
    return ["Top reasons users fail:", "\n".join(named)]


def _past(past: PastProposal, cycle: Cycle) -> list[str]:
    return [
        _reference(past.reference),
        plain(past.title, 100),
        past.kind,
        state_words(past),
        age(past.merged_at or past.opened_at, cycle.now),
        result_words(past, cycle),
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
