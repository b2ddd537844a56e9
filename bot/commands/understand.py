"""Commands that say what the conversations mean: patterns, report."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.causes import unanswered
from bot.commands.loading import (
    Workspace,
    ask_of,
    conversations_by_key,
    empty_store,
    model_of,
    open_repository,
    recall_of,
    store_of,
    understanding_of,
)
from bot.commands.quality import drawings, monitored
from bot.commands.shell import Shell
from bot.dashboard import dashboard_of, dashboard_page
from bot.history import read_history
from bot.pattern_name import pattern_name
from bot.pipeline import explain, measure
from bot.records import Pattern, PatternReport
from bot.report import html_page, patterns_text
from bot.understanding import Understanding

if TYPE_CHECKING:
    from bot.model import Model


def patterns(shell: Shell, given: argparse.Namespace) -> int:
    """What fails, for whom, how often."""
    workspace, understood, _ = _with_read_causes(shell, given.repo)
    if shell.json:
        shell.emit(report_json(understood.report))
        return 0
    window_days = workspace.settings.limits.window_days
    if not understood.report.agents:
        nothing = empty_store(shell, workspace.settings)
        shell.say(f"{nothing.what}: {nothing.reason}")
        return 0
    for part in patterns_text(understood.report, window_days=window_days):
        shell.out.print(part)
    return 0


def report(shell: Shell, given: argparse.Namespace) -> int:
    """A page to read and to pass on: HTML, or Markdown where the file's name ends in .md."""
    workspace, understood, model = _with_read_causes(shell, given.repo)
    history = given.history or (f"git:{given.repo}" if given.repo else None)
    past = read_history(history, connect=shell.reader) if history else ()
    understood = replace(understood, report=unanswered(understood.report, past))
    verdicts, waiting = measure(understood, past, now=shell.now)
    out = Path(given.out)
    if out.suffix == ".md":
        page = dashboard_page(
            dashboard_of(
                understood.report,
                past,
                name_of={one.id: pattern_name(one) for one in understood.report.patterns},
                verdicts=verdicts,
                skipped=waiting,
                cost=model.cost if model else None,
                per_week=workspace.settings.limits.new_per_week,
                now=shell.now,
            )
        )
    else:
        store = store_of(shell, workspace.settings)
        ask = ask_of(model, store, workspace.settings)
        page = html_page(
            understood.report,
            by_day=drawings(monitored(shell, store, understood, workspace.settings, ask)),
            past=past,
            verdicts=verdicts,
            now=shell.now,
            window_days=workspace.settings.limits.window_days,
        )
    out.write_text(page, encoding="utf-8")
    if shell.json:
        shell.emit({"out": given.out})
    else:
        shell.say(f"Wrote {given.out}.")
    return 0


def _with_read_causes(
    shell: Shell, repo: str | None
) -> tuple[Workspace, Understanding, Model | None]:
    """What the conversations say, with the causes that a reader found in an earlier run."""
    workspace, repository = open_repository(repo) if repo else (Workspace(), None)
    settings = workspace.settings
    model = model_of(shell, settings)
    understood = understanding_of(shell, workspace, model=model)
    store = store_of(shell, settings)
    explained = explain(
        understood,
        repository,
        settings=settings,
        conversations_of=lambda keys: conversations_by_key(store, keys),
        ask=recall_of(store, settings),
    )
    return workspace, explained, model


def report_json(report: PatternReport) -> dict[str, Any]:
    """The document of `patterns --json`."""
    return {
        "agents": [asdict(agent) for agent in report.agents],
        "tested": report.tested,
        "patterns": [pattern_json(pattern) for pattern in report.patterns],
        "gone": [
            {
                "pattern": pattern_json(one.pattern),
                "last_stood": one.last_stood,
                "now": asdict(one.now) if one.now else None,
            }
            for one in report.gone
        ],
        "decisions": [asdict(rates) for rates in report.decisions],
        "signals": [asdict(rate) for rate in report.signal_rates],
        "compared": {id: asdict(rate) for id, rate in report.compared.items()},
        "workflows": [asdict(workflow) for workflow in report.workflows],
        "findings": [asdict(finding) for finding in report.findings],
        "refused": [asdict(declined) for declined in report.refused],
    }


def pattern_json(pattern: Pattern) -> dict[str, Any]:
    """One pattern; corrections and decisions behind it are named by their ids in `evidence`."""
    values = asdict(pattern)
    for payload in ("corrections", "decisions"):
        del values[payload]
    return values
