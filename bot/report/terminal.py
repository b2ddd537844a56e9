"""What a person sees in a terminal: patterns, what a cycle did and left out, verdicts.

Gives rich renderables; the command prints them, so width, colour and NO_COLOR are the console's.
All text from outside goes through `_said`: no markup, no control characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.figures import bars, count, percent, points, rate
from bot.markdown import visible
from bot.records import AgentHealth, Declined, Finding, Pattern, PatternReport, Skipped, Verdict
from bot.report.content import (
    HEALTH,
    SHOWN_LINES,
    SHOWN_PATTERNS,
    Cycle,
    agent_numbers,
    pattern_name,
    patterns_of,
    reference_words,
    tested_sentence,
    trend_words,
)

_HEALTH_STYLE = {
    "healthy": "green",
    "needs_attention": "bold yellow",
    "degraded": "bold red",
    "not_enough_data": "dim",
}
_RESULT_STYLE = {"worked": "green", "harmed": "bold red", "no_effect": "yellow", "unknown": "dim"}
_LONGEST = 400


def patterns_view(report: PatternReport, *, window_days: int) -> RenderableType:
    """`debrief patterns`: for each agent its health and why users fail, then what else was seen."""
    if not report.agents:
        return Text("No conversations in the store for this window: nothing to say yet.")
    parts: list[RenderableType] = []
    for agent in report.agents:
        parts += [*_agent(agent, report, window_days), Text()]
    parts.append(Text(tested_sentence(report)))
    parts += _findings(report.findings)
    parts += _declined(report.refused)
    return Group(*parts)


def cycle_view(cycle: Cycle) -> RenderableType:
    """What one cycle puts into its bundle, what it left out and why, and the verdicts."""
    parts: list[RenderableType] = [*_operations(cycle)]
    if cycle.verdicts:
        parts += [Text(), verdicts_view(cycle.verdicts)]
    if cycle.left_out:
        parts += [Text(), Text("Left out", style="bold"), *_left_out(cycle.left_out)]
    for one in cycle.degraded:
        parts.append(Text.assemble(("degraded  ", "bold yellow"), _said(one.sentence)))
    if cycle.cost is not None and cycle.cost.calls:
        parts.append(Text(f"{count(cycle.cost.calls, 'model call')}, ${cycle.cost.usd:.2f}."))
    return Group(*parts)


def verdicts_view(verdicts: Sequence[Verdict]) -> RenderableType:
    """One row per merged change, and its sentence below the table."""
    table = _table("change", "result", "before", "after", "difference", "evidence")
    for one in verdicts:
        table.add_row(
            _said(one.reference),
            Text(one.result.replace("_", " "), style=_RESULT_STYLE[one.result]),
            rate(one.before.rate, one.before.interval) if one.before else "",
            rate(one.after.rate, one.after.interval) if one.after else "",
            points(one.difference, one.interval) if one.difference is not None else "",
            one.strength,
        )
    sentences = [_bullet(_said(one.sentence)) for one in verdicts]
    return Group(Text("Did it work?", style="bold"), table, *sentences)


# -- parts ---------------------------------------------------------------------------------------


def _agent(agent: AgentHealth, report: PatternReport, window_days: int) -> list[RenderableType]:
    head = Table.grid(expand=True, padding=(0, 2))
    head.add_column()
    head.add_column(ratio=1)
    head.add_column(justify="right")
    head.add_row(
        Text.assemble((_said(agent.agent).plain, "bold")),
        Text(agent_numbers(agent, window_days)),
        Text(HEALTH[agent.health], style=_HEALTH_STYLE[agent.health]),
    )
    parts: list[RenderableType] = [head, _said(agent.why)]
    patterns = patterns_of(report, agent.agent)
    if patterns:
        parts += [Text(), _patterns(patterns[:SHOWN_PATTERNS])]
    if len(patterns) > SHOWN_PATTERNS:
        parts.append(Text(f"and {len(patterns) - SHOWN_PATTERNS} more in --json"))
    return parts


def _patterns(patterns: Sequence[Pattern]) -> Table:
    """Two lines a row, so that it can be read at 80 columns."""
    table = _table("", "Why users fail", "rate (95 %)", "others", "difference", "trend")
    for number, pattern in enumerate(patterns, 1):
        table.add_row(
            str(number),
            _said(pattern_name(pattern)),
            f"{rate(pattern.rate, pattern.rate_interval)}\n{count(pattern.users, pattern.unit)}",
            "" if pattern.baseline_rate is None else percent(pattern.baseline_rate),
            ""
            if pattern.risk_difference is None
            else points(pattern.risk_difference, pattern.interval).replace(" points", ""),
            f"{bars(pattern.weeks)}\n{trend_words(pattern)}".strip(),
        )
    return table


def _findings(findings: Sequence[Finding]) -> list[RenderableType]:
    if not findings:
        return []
    lines = [_bullet(_finding(one)) for one in findings[:SHOWN_LINES]]
    return [Text(), Text("Worth a look", style="bold"), *lines, *_more(findings)]


def _finding(finding: Finding) -> Text:
    text = _said(f"{finding.agent}: {finding.sentence}")
    if finding.evidence:
        text.append_text(Text("  debrief show ", style="dim"))
        text.append_text(_said(finding.evidence[0]))
    return text


def _declined(refused: Sequence[Declined]) -> list[RenderableType]:
    if not refused:
        return []
    lines = [_bullet(_said(f"{one.what}: {one.reason}")) for one in refused[:SHOWN_LINES]]
    return [Text(), Text("Not said, and why", style="bold"), *lines, *_more(refused)]


def _operations(cycle: Cycle) -> list[RenderableType]:
    if not cycle.operations:
        return [Text("Nothing to open, update or close.")]
    table = _table("", "what", "kind", "where")
    for one in cycle.operations:
        table.add_row(one.op, _said(one.title), _said(one.kind), _said(reference_words(one)))
    return [Text("This cycle", style="bold"), table]


def _left_out(left_out: Sequence[Skipped]) -> list[RenderableType]:
    lines = [
        _bullet(Text.assemble(_said(one.what), ("  " + one.code + "  ", "dim"), _said(one.reason)))
        for one in left_out[:SHOWN_LINES]
    ]
    return [*lines, *_more(left_out)]


def _more(items: Sequence[object]) -> Iterable[RenderableType]:
    hidden = len(items) - SHOWN_LINES
    return [_bullet(Text(f"and {hidden:,} more in --json"))] if hidden > 0 else []


def _bullet(text: Text) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column()
    grid.add_column(overflow="fold")
    grid.add_row("-", text)
    return Padding(grid, (0, 0, 0, 2))


def _table(*header: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for name in header:
        table.add_column(name, overflow="fold", vertical="top")
    return table


def _said(text: str) -> Text:
    """Text from outside on one line: no markup, nothing that a terminal would obey."""
    line = visible(text).replace("\n", "⏎").replace("\t", " ")
    return Text(line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…")
