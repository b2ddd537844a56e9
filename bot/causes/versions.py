"""Causes by version: a version that fails began with a commit, and the commit changed files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from bot.figures import count, percent
from bot.gitignore import gitignore
from bot.records import Cause, FileHistory, HistoryCommit, Pattern, RootCause
from bot.settings import AgentSettings
from bot.watched import DEFAULT_GLOBS

MIN_SHA = 7
SHOWN_FILES = 3
_WORDS = {
    "prompt": "the prompt",
    "tool_definition": "tool definitions",
    "harness": "the harness",
    "config": "the configuration",
    "threshold": "thresholds",
}


def cause_by_version(
    pattern: Pattern, history: FileHistory, kind_of: Callable[[str], RootCause | None]
) -> Cause | None:
    """What the commit changed that the pattern's version began with.

    None where the pattern is about no version, the version names no commit of the branch, or the
    commit changed none of the agent's files. `kind_of` says what a path is to the agent.
    """
    commit = _commit(pattern.segment.get("version", ""), history)
    if commit is None:
        return None
    kinds = {path: kind for path in sorted(commit.files) if (kind := kind_of(path)) is not None}
    if not kinds:
        return None
    cause, _ = Counter(kinds.values()).most_common(1)[0]
    named = [path for path, kind in kinds.items() if kind == cause]
    others = sorted({_WORDS.get(kind, kind) for kind in kinds.values() if kind != cause})
    also = f" It also changed {', '.join(others)}." if others else ""
    usual = "" if pattern.baseline_rate is None else f", {percent(pattern.baseline_rate)} otherwise"
    more = f" and {len(named) - SHOWN_FILES} more" if len(named) > SHOWN_FILES else ""
    return Cause(
        cause=cause,
        by="rule",
        kind="changed_with_version",
        sentence=(
            f"It began with commit {commit.sha[:12]}, which changed {_WORDS.get(cause, cause)} "
            f"({', '.join(named[:SHOWN_FILES])}{more}): "
            f"{percent(pattern.rate)} of {count(pattern.users, pattern.unit)} since{usual}.{also}"
        ),
        support=len(pattern.evidence),
        contradicting=0,
    )


def _commit(version: str, history: FileHistory) -> HistoryCommit | None:
    """The step that the version names; the oldest one holds all files and shows no change."""
    if len(version) < MIN_SHA:
        return None
    return next((one for one in history.commits[1:] if one.sha.startswith(version)), None)


def kinds_of_files(agent: AgentSettings) -> Callable[[str], RootCause | None]:
    """What a path is to this agent: by its own globs, else by its place and name.

    A file of code that describes tools is told from other code by its name alone.
    """
    globs: tuple[tuple[RootCause, Sequence[str]], ...] = (
        ("prompt", agent.prompts or DEFAULT_GLOBS["prompts"]),
        ("threshold", agent.thresholds or DEFAULT_GLOBS["thresholds"]),
        ("config", agent.configs or DEFAULT_GLOBS["configs"]),
        ("tool_definition", ("*tool*", "*function*")),
        ("harness", agent.harness or ("*.py", "*.ts", "*.tsx", "*.js", "*.mjs")),
    )
    specs = [(kind, gitignore(own)) for kind, own in globs]
    return lambda path: next((kind for kind, spec in specs if spec.match_file(path)), None)
