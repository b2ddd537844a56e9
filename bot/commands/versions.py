"""The command that says which version of the repository served which conversations: versions."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pathspec import GitIgnoreSpec
from rich.table import Table
from rich.text import Text

from bot.commands.loading import open_workspace, store_of
from bot.commands.shell import Shell
from bot.figures import count
from bot.git import read_file_history
from bot.records import CapturedText, CommitRange, FileHistory, Finding, VersionMatch
from bot.settings import Settings
from bot.versions import Gathered, Serving, build_index, drift, match_texts, servings
from bot.versions.redacted import PLACEHOLDER, hidden_spans
from bot.watched import NEVER
from collector.assemble import read_conversations
from collector.records import Conversation
from collector.redaction import KEY_BYTES, Redactor
from prompts import show_invisible

SUFFIXES = (
    *("md", "mdx", "markdown", "txt", "prompt", "j2", "jinja", "jinja2", "tmpl", "hbs", "mustache"),
    *("yaml", "yml", "json", "toml", "py", "ts", "tsx", "js", "jsx", "mjs", "cjs"),
)
"""Where prompts and descriptions of tools stand, in a repository whose settings name no files."""
ALSO_NEVER = ("*.lock", "*lock.json", "*lock.yaml", "*.min.js", "dist/", "build/", "vendor/")
TOOLS_NAMED = 3
SAMPLES = 60
"""Captured texts of one agent that say which files are worth reading."""


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
        matches = matches_of(gathered, history)
    found = servings(matches)
    findings = drift(found, history)
    if shell.json:
        shell.emit(_document(history, gathered, found, findings))
    else:
        _say(shell, history, gathered, found, findings)
    return 0


def wanted_files(settings: Settings) -> Callable[[str], bool]:
    """The files that the settings name for any agent; without any, all that may hold a prompt."""
    named = [glob for one in settings.agents for glob in (*one.prompts, *one.harness, *one.configs)]
    if named:
        return GitIgnoreSpec.from_lines(named).match_file
    kinds = GitIgnoreSpec.from_lines([f"*.{suffix}" for suffix in SUFFIXES])
    never = GitIgnoreSpec.from_lines([*NEVER, *ALSO_NEVER])
    return lambda path: kinds.match_file(path) and not never.match_file(path)


def matches_of(gathered: Gathered, history: FileHistory) -> tuple[VersionMatch, ...]:
    """Each distinct text that was captured with where it comes from."""
    texts = list(gathered.texts())
    samples = _samples(texts)
    hidden = _hidden if any(PLACEHOLDER.search(sample) for sample in samples) else None
    index = build_index(history, about=samples, hidden=hidden)
    return tuple(match_texts(texts, index))


def _hidden(text: str) -> list[tuple[int, int]]:
    """Any key will do: only the places count."""
    return hidden_spans(text, Redactor(key=bytes(KEY_BYTES)).text(text))


def _samples(texts: list[CapturedText]) -> list[str]:
    """Some texts of each agent, kind and tool: all others are the same with other values."""
    kept: dict[tuple[str, str, str], list[str]] = {}
    for text in texts:
        group = kept.setdefault((text.agent, text.kind, text.name), [])
        if len(group) < SAMPLES:
            group.append(text.text)
    return [text for group in kept.values() for text in group]


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
