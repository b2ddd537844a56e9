"""Commands that say what the conversations mean: intents, patterns, report, config."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bot.commands.loading import Workspace, empty_store, model_of, open_workspace, understanding_of
from bot.commands.shell import Shell
from bot.errors import SettingsError, UsageError
from bot.history import read_history
from bot.intents.taxonomy import PATH as TAXONOMY_PATH
from bot.pipeline import Understanding, measure
from bot.records import Pattern, PatternReport
from bot.report import dashboard_markdown, html_page, patterns_text
from bot.settings import PATH, load_settings, settings_schema


def intents(shell: Shell, given: argparse.Namespace) -> int:
    """discover, list, assign or check.

    Raises:
        UsageError: there is nothing to check.
        SettingsError: the taxonomy is wrong; the message says where.
    """
    if given.action == "check" and given.repo is None:
        raise UsageError("`debrief intents check` needs --repo: the taxonomy lives in a repository")
    workspace = open_workspace(given.repo)
    if given.action == "check":
        return _check_taxonomy(shell, workspace)
    if given.action == "discover":
        workspace = replace(workspace, taxonomy=None)
    model = model_of(shell, workspace.settings)
    understood = understanding_of(shell, workspace, model=model)
    if given.action == "assign":
        return _show_labels(shell, understood)
    return _show_intents(shell, understood)


def patterns(shell: Shell, given: argparse.Namespace) -> int:
    """What fails, for whom, how often."""
    workspace = open_workspace(given.repo)
    understood = understanding_of(shell, workspace, model=model_of(shell, workspace.settings))
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
    workspace = open_workspace(given.repo)
    understood = understanding_of(shell, workspace, model=model_of(shell, workspace.settings))
    history = given.history or (f"git:{given.repo}" if given.repo else None)
    past = read_history(history, connect=shell.reader) if history else ()
    verdicts, _ = measure(understood, past, now=shell.now)
    out = Path(given.out)
    if out.suffix == ".md":
        page = dashboard_markdown(understood.report, past=past, verdicts=verdicts, now=shell.now)
    else:
        page = html_page(
            understood.report,
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


def config(shell: Shell, given: argparse.Namespace) -> int:
    """check or schema.

    Raises:
        SettingsError: the file is wrong; the message says where and what would be right.
    """
    if given.action == "schema":
        shell.emit(settings_schema())
        return 0
    path = Path(given.repo) / PATH
    if path.exists():
        load_settings(_text_of(path), path=str(path))
    return _tell_checked(shell, str(path), path.exists(), "everything is at its default")


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: it is not UTF-8 ({error}); save it as UTF-8") from None


def _tell_checked(shell: Shell, path: str, exists: bool, without: str) -> int:
    """Say that a file is right, or what holds without it."""
    if shell.json:
        shell.emit({"path": path, "exists": exists})
    else:
        shell.say(f"{path} is right." if exists else f"{path} does not exist; {without}.")
    return 0


def _check_taxonomy(shell: Shell, workspace: Workspace) -> int:
    exists = workspace.taxonomy_text is not None
    return _tell_checked(shell, TAXONOMY_PATH, exists, "intents are discovered anew in each run")


def _show_intents(shell: Shell, understood: Understanding) -> int:
    conversations: Counter[str] = Counter()
    users: dict[str, set[str]] = {}
    units = dict(
        zip(
            zip(
                understood.facts["agent"].to_pylist(),
                understood.facts["conversation_id"].to_pylist(),
                strict=True,
            ),
            understood.facts["unit"].to_pylist(),
            strict=True,
        )
    )
    for key, label in understood.labels.items():
        for intent_id, _ in label.intents:
            conversations[intent_id] += 1
            users.setdefault(intent_id, set()).add(units.get(key, ""))
    rows: list[dict[str, Any]] = [
        {
            "id": intent.id,
            "name": intent.name,
            "definition": intent.definition,
            "parent": intent.parent,
            "conversations": conversations[intent.id],
            "users": len(users.get(intent.id, ())),
        }
        for intent in understood.taxonomy.intents
        # What was discovered once and is not seen now is kept for its id only.
        if conversations[intent.id] or understood.taxonomy.source == "repository"
    ]
    if shell.json:
        shell.emit({"taxonomy_version": understood.taxonomy.version, "intents": rows})
        return 0
    for row in sorted(rows, key=lambda row: -row["conversations"]):
        shell.say(f"{row['conversations']:6}  {row['id']}  {row['name']}")
    if not rows:
        shell.say("No intents: too few conversations say something similar.")
    return 0


def _show_labels(shell: Shell, understood: Understanding) -> int:
    labels = [
        {
            "conversation_id": label.conversation_id,
            "agent": label.agent,
            "intent_ids": [intent_id for intent_id, _ in label.intents],
            "intents": [
                {"id": intent_id, "confidence": confidence}
                for intent_id, confidence in label.intents
            ],
            "confidence": max((confidence for _, confidence in label.intents), default=0.0),
            "source": label.source,
        }
        for label in understood.labels.values()
    ]
    if shell.json:
        shell.emit({"taxonomy_version": understood.taxonomy.version, "labels": labels})
        return 0
    told = sum(1 for label in labels if label["intent_ids"])
    shell.say(f"{told} of {len(labels)} conversations have an intent; --json gives each.")
    return 0


def report_json(report: PatternReport) -> dict[str, Any]:
    """The document of `patterns --json`."""
    return {
        "agents": [asdict(agent) for agent in report.agents],
        "tested": report.tested,
        "patterns": [pattern_json(pattern) for pattern in report.patterns],
        "findings": [asdict(finding) for finding in report.findings],
        "refused": [asdict(declined) for declined in report.refused],
    }


def pattern_json(pattern: Pattern) -> dict[str, Any]:
    """One pattern; corrections and decisions behind it are named by their ids in `evidence`."""
    values = asdict(pattern)
    for payload in ("corrections", "decisions"):
        del values[payload]
    return values
