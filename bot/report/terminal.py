"""What a person sees in a terminal: patterns, what a run did and left out, verdicts.

Gives rich renderables; the command prints them, so width, colour and NO_COLOR are the console's.
All text from outside goes through `_said`: no markup, no control characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.figures import bars, count, dollars, percent, points, rate
from bot.pattern_name import pattern_name
from bot.records import (
    AgentHealth,
    DecisionRates,
    Declined,
    Finding,
    ModelCost,
    Pattern,
    PatternReport,
    Plan,
    PublishReport,
    Skipped,
    Verdict,
    Workflow,
)
from bot.report.content import (
    DECISION_COLUMNS,
    HEALTH,
    HOW_TO_READ,
    SHOWN_LINES,
    SHOWN_PATTERNS,
    Step,
    agent_numbers,
    decision_cells,
    gone_sentence,
    has_weeks,
    left_out_of,
    patterns_of,
    steps_of,
    steps_title,
    tested_sentence,
    told_in_full,
    trend_words,
    workflow_table,
)
from prompts import show_invisible

_HEALTH_STYLE = {
    "healthy": "green",
    "needs_attention": "bold yellow",
    "degraded": "bold red",
    "not_enough_data": "dim",
}
_RESULT_STYLE = {"worked": "green", "harmed": "bold red", "no_effect": "yellow", "unknown": "dim"}
_LONGEST = 400
_TOP = 3
"""Reasons that are told in full: what somebody can act on in a week."""


def patterns_text(report: PatternReport, *, window_days: int) -> Iterator[RenderableType]:
    """`debrief patterns`: for each agent its health and why users fail, then what else was seen."""
    if not report.agents:
        yield Text("No conversations in the store for this window: nothing to say yet.")
        return
    for agent in report.agents:
        yield from _agent(agent, report, window_days)
        yield Text()
    yield Text(tested_sentence(report))
    yield from _gone(report)
    yield from _findings(report.findings)
    yield from _declined(report.refused)


def run_text(
    *,
    report: PatternReport | None = None,
    plan: Plan | None = None,
    verdicts: Sequence[Verdict] = (),
    published: PublishReport | None = None,
    cost: ModelCost | None = None,
    learned: str = "",
) -> Iterator[RenderableType]:
    """What a run did, what it left out and why, and the verdicts it came to.

    `learned`: what earlier proposals say of the next ones, in a sentence.
    """
    for agent in report.agents if report else ():
        health = Text(HEALTH[agent.health], style=_HEALTH_STYLE[agent.health])
        yield Text.assemble(_bold(agent.agent), "  ", health, "  ", _said(agent.why))
    if report is not None:
        yield Text()
    yield from _steps(steps_of(plan, published), published)
    if verdicts:
        yield Text()
        yield from _verdicts(verdicts)
    if learned:
        yield Text()
        yield _said(learned)
    yield from _findings(report.findings if report else ())
    yield from _left_out(left_out_of(plan, published))
    for one in published.degraded if published else ():
        yield Text.assemble(("degraded  ", "bold yellow"), _said(one.sentence))
    if cost is not None and cost.calls:
        yield Text(f"{count(cost.calls, 'model call')}, {dollars(cost.usd)}.")


def _verdicts(verdicts: Sequence[Verdict]) -> Iterator[RenderableType]:
    """One row per merged change, and its sentence below the table."""
    yield Text("Did it work?", style="bold")
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
    yield table
    for one in verdicts:
        yield _bullet(_said(one.sentence))


def _agent(agent: AgentHealth, report: PatternReport, window_days: int) -> list[RenderableType]:
    head = Table.grid(expand=True, padding=(0, 2))
    head.add_column(ratio=1, overflow="fold")
    head.add_column(justify="right", no_wrap=True)
    health = Text(HEALTH[agent.health], style=_HEALTH_STYLE[agent.health])
    head.add_row(_bold(agent.agent), health)
    numbers = Text(agent_numbers(agent, window_days), style="dim")
    parts: list[RenderableType] = [head, numbers, _said(agent.why)]
    patterns = patterns_of(report, agent.agent)
    if patterns:
        parts += [Text(), _patterns(patterns[:SHOWN_PATTERNS]), Text(HOW_TO_READ, style="dim")]
        parts.append(Text())
        parts += [_in_full(number, one) for number, one in enumerate(patterns[:_TOP], 1)]
    if len(patterns) > SHOWN_PATTERNS:
        parts.append(Text(f"and {len(patterns) - SHOWN_PATTERNS} more in --json"))
    decisions = [one for one in report.decisions if one.agent == agent.agent]
    if decisions:
        parts += [Text(), _decisions(decisions)]
    workflows = [one for one in report.workflows if one.agent == agent.agent]
    if workflows:
        parts += [Text(), _workflows(workflows)]
    return parts


def _in_full(number: int, pattern: Pattern) -> RenderableType:
    text = _said(told_in_full(pattern))
    if pattern.exemplars:
        text.append_text(Text("\ndebrief show ", style="dim"))
        text.append_text(_said(pattern.exemplars[0]))
    return _bullet(text, mark=str(number))


def _decisions(rates: Sequence[DecisionRates]) -> Table:
    """What people did with what the agent decided."""
    table = _table(*DECISION_COLUMNS)
    for one in rates:
        table.add_row(*(_said(cell) for cell in decision_cells(one)))
    return table


def _workflows(spans: Sequence[Workflow]) -> Table:
    """How the work went that people reviewed."""
    header, rows = workflow_table(spans)
    table = _table(*header)
    for row in rows:
        table.add_row(*(_said(cell) for cell in row))
    return table


def _gone(report: PatternReport) -> list[RenderableType]:
    if not report.gone:
        return []
    lines = [_bullet(_said(gone_sentence(one))) for one in report.gone[:SHOWN_LINES]]
    return [Text(), Text("Gone", style="bold"), *lines, *_more(report.gone)]


def _patterns(patterns: Sequence[Pattern]) -> Table:
    """Two lines a row, so that it can be read at 80 columns."""
    dated = ["trend"] if has_weeks(patterns) else []
    table = _table("", "Why users fail", "rate (95 %)", "others", "difference", *dated)
    for number, pattern in enumerate(patterns, 1):
        table.add_row(
            str(number),
            _said(pattern_name(pattern)),
            f"{rate(pattern.rate, pattern.rate_interval)}\n{count(pattern.users, pattern.unit)}",
            "" if pattern.baseline_rate is None else percent(pattern.baseline_rate),
            ""
            if pattern.risk_difference is None
            else points(pattern.risk_difference, pattern.interval).replace(" points", ""),
            *(f"{bars(pattern.weeks)}\n{trend_words(pattern)}".strip() for _ in dated),
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


def _steps(steps: Sequence[Step], published: PublishReport | None) -> Iterator[RenderableType]:
    if not steps:
        same = published.unchanged if published else 0
        done = f"; {count(same, 'operation')} had been carried out before" if same else ""
        yield Text(f"Nothing to open, update, close or say{done}.")
        return
    yield Text(steps_title(published), style="bold")
    table = _table("", "what", "a change of", "where")
    for one in steps:
        table.add_row(_said(one.done), _said(one.title), _said(one.kind), _said(one.where))
    yield table


def _left_out(left_out: Sequence[Skipped]) -> Iterator[RenderableType]:
    if not left_out:
        return
    yield Text()
    yield Text("Left out", style="bold")
    for one in left_out[:SHOWN_LINES]:
        code = _said(f"  {one.code}  ")
        code.stylize("dim")
        yield _bullet(Text.assemble(_said(one.what), code, _said(one.reason)))
    yield from _more(left_out)


def _more(items: Sequence[object]) -> Iterable[RenderableType]:
    hidden = len(items) - SHOWN_LINES
    return [_bullet(Text(f"and {hidden:,} more in --json"))] if hidden > 0 else []


def _bullet(text: Text, *, mark: str = "-") -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column()
    grid.add_column(overflow="fold")
    grid.add_row(mark, text)
    return Padding(grid, (0, 0, 0, 2))


def _table(*header: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for name in header:
        table.add_column(name, overflow="fold", vertical="top")
    return table


def _bold(text: str) -> Text:
    said = _said(text)
    said.stylize("bold")
    return said


def _said(text: str) -> Text:
    """Text from outside on one line: no markup, nothing that a terminal would obey."""
    line = show_invisible(text).replace("\n", "⏎").replace("\t", " ")
    return Text(line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…")
