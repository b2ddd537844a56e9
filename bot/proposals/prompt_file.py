"""Which prompt file did these conversations run on?

Takes the agent's files and the system prompts that were captured; gives the file that a change
belongs in. Placeholders are wildcards: the text between them has to be found in what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.records import AgentFiles, Repository, Skipped, SourceFile

MATCHES = 0.5
"""From this share of a file's text on, the file is what was sent."""
MIN_SEGMENT_CHARS = 12
"""Shorter pieces are found anywhere."""
_CUT = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\$?\{[\w.]+\}|\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptFile:
    """The file to change and how well production matches it."""

    file: SourceFile
    match: float | None
    """Share of the file's text found in the captured system prompts, 0..1; None where none was
    captured, so that the file was taken for being the only one."""


def choose_prompt_file(
    files: AgentFiles, repository: Repository, systems: Sequence[str]
) -> PromptFile | Skipped:
    """The prompt file whose text is in most of `systems`; without systems, the only one.

    Several files may be parts of one prompt: the one with most text in it is taken.
    """
    known = [repository.files[path] for path in files.prompts if path in repository.files]
    if not known:
        return _no_file(files, "no prompt file of this agent is in the repository")
    if not systems:
        if len(known) > 1:
            return _no_file(
                files,
                f"no system prompt was captured, so nobody can tell which of {len(known)} prompt "
                "files is live; record system instructions, or name one file in the settings",
            )
        return PromptFile(file=known[0], match=None)
    folded = [_folded(system) for system in systems]
    matches = [(_match(file.text, folded), file) for file in known]
    share, best = max(
        matches, key=lambda found: (found[0] >= MATCHES, found[0] * len(found[1].text))
    )
    if share < MATCHES:
        return _no_file(
            files,
            f"only {share:.0%} of the text of {best.path} is in the captured system prompts, so "
            "production runs on another text",
        )
    return PromptFile(file=best, match=share)


def _match(template: str, systems: Sequence[str]) -> float:
    """Mean share of the fixed text of `template` that stands in a system prompt."""
    segments = [_folded(part) for part in _CUT.split(template)]
    segments = [part for part in segments if len(part) >= MIN_SEGMENT_CHARS]
    total = sum(map(len, segments))
    if not total:
        return 0.0
    found = (sum(len(part) for part in segments if part in system) for system in systems)
    return sum(found) / total / len(systems)


def _folded(text: str) -> str:
    return " ".join(text.split())


def _no_file(files: AgentFiles, why: str) -> Skipped:
    return Skipped(
        what=f"a change to the prompt of {files.agent}",
        code="no_file",
        reason=f"{why[0].upper()}{why[1:]}.",
    )
