"""The command that says which version of the repository served which conversations: versions."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from bot.commands.loading import open_workspace, store_of
from bot.commands.shell import Shell
from bot.figures import count
from bot.git import read_file_history
from bot.records import CommitRange, FileHistory, Finding
from bot.versions import Gathered, Serving, drift, find_matches, servings
from bot.watched import wanted_files
from collector.assemble import read_conversations
from collector.records import Conversation
from prompts import show_invisible

TOOLS_NAMED = 3


def versions(shell: Shell, given: argparse.Namespace) -> int:
    """For each agent, which file and commit served how many conversations, from when to when.

    Raises:
        UsageError: not a repository.
    """
    workspace = open_workspace(given.repo)
    since = shell.since(given.since) if given.since else None
    store = store_of(shell, workspace.settings)
    gathered = Gathered()
    with shell.working("reading conversations"):
        for item in read_conversations(store, since=since, agent=given.agent):
            if isinstance(item, Conversation):
                gathered.take(item)
    with shell.working("reading the repository's history"):
        history = read_file_history(Path(given.repo), wanted_files(workspace.settings))
    with shell.working("matching"):
        matches = find_matches(gathered, history)
    found = servings(matches)
    findings = drift(found, history)
    if shell.json:
        shell.emit(_document(history, gathered, found, findings))
    else:
        _say(shell, history, gathered, found, findings)
    return 0


# -- output --------------------------------------------------------------------------------------


def _document(
    history: FileHistory,
    gathered: Gathered,
    found: tuple[Serving, ...],
    findings: tuple[Finding, ...],
) -> dict[str, Any]:
    return {
        "repository": {
            "branch": history.branch,
            "head_sha": history.commits[-1].sha,
            "commits": len(history.commits),
            "is_whole": history.is_whole,
        },
        "agents": [
            {
                "agent": agent,
                "conversations": conversations,
                "served": [_served_json(one) for one in found if one.agent == agent],
                "drift": [one.sentence for one in findings if one.agent == agent],
            }
            for agent, conversations in sorted(gathered.conversations.items())
        ],
    }


def _served_json(one: Serving) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "tool": one.name or None,
        "result": one.result,
        "version": one.served.first_sha[:12] if one.served and one.result == "exact" else None,
        "commits": _range_json(one.served),
        "parts": [
            {
                "path": part.path,
                "region": part.region or None,
                "coverage": round(part.coverage, 4),
                "share": round(part.share, 4),
                "also_in": list(part.also_in),
                "missing": list(part.missing),
                "added": list(part.added),
            }
            for part in one.parts
        ],
        "conversations": one.conversations,
        "texts": one.texts,
        "first_at": one.first_at,
        "last_at": one.last_at,
        "why": one.why,
    }


def _range_json(served: CommitRange | None) -> dict[str, Any] | None:
    if served is None:
        return None
    return {
        "first_sha": served.first_sha,
        "first_at": served.first_at,
        "last_sha": served.last_sha,
        "until": served.until,
    }


def _say(
    shell: Shell,
    history: FileHistory,
    gathered: Gathered,
    found: tuple[Serving, ...],
    findings: tuple[Finding, ...],
) -> None:
    if not gathered.conversations:
        shell.say("There are no conversations in this store.")
        return
    for agent, conversations in sorted(gathered.conversations.items()):
        shell.say(f"{agent}: {count(conversations, 'conversation')}")
        own = [one for one in found if one.agent == agent]
        if own:
            shell.out.print(_table(own))
        else:
            shell.say("  No system prompt and no definitions of tools were sent.")
    for finding in findings:
        shell.say(f"{finding.agent}: {finding.sentence}")
    if not history.is_whole:
        shell.say(
            f"Only {len(history.commits)} commits of {history.branch} were read; older versions "
            "cannot be told. In a GitHub workflow set `fetch-depth: 0` on actions/checkout."
        )


def _table(found: Sequence[Serving]) -> Table:
    table = Table(box=None, pad_edge=True)
    table.add_column("file", overflow="fold")
    for column in ("commits", "served", "from", "to"):
        table.add_column(column, no_wrap=True)
    rows: dict[tuple[str, ...], list[Serving]] = {}
    for one in found:
        times = (f"{at:%Y-%m-%d}" if at else "unknown" for at in (one.first_at, one.last_at))
        facts = (_where(one), _commits(one), str(one.conversations), *times)
        rows.setdefault((one.kind, *facts), []).append(one)
    for (kind, where, *rest), alike in rows.items():
        names = [one.name for one in alike]
        tools = ", ".join(names) if len(names) <= TOOLS_NAMED else f"{len(names)} tools"
        place = f"{where}: {tools}" if kind == "tool" else where
        table.add_row(*(Text(show_invisible(cell)) for cell in (place, *rest)))
    return table


def _where(one: Serving) -> str:
    if one.result == "none":
        return "not in the repository"
    if one.kind == "tool":
        return " + ".join(dict.fromkeys(part.path for part in one.parts))
    return " + ".join(dict.fromkeys(f"{part.path} {part.region}".strip() for part in one.parts))


def _commits(one: Serving) -> str:
    if one.result == "none" or one.served is None:
        return "-"
    first, last = one.served.first_sha[:7], one.served.last_sha[:7]
    named = first if first == last else f"{first}..{last}"
    named = f"{named} (newest)" if one.served.until is None else named
    return f"near {named}" if one.result == "edited" else named
