"""The pull request that brings Debrief to a repository: what it adds, what a first run would do.

Takes the inventory and a look at the store; gives texts. Names of files and agents are the
repository's own; anything else stays out, and what could be markup is in code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.figures import count
from bot.markdown import code_span, table
from bot.setup.inventory import KINDS, Inventory

BRANCH = "debrief-setup"
"""Not under `debrief/`: that is where proposals are."""
TITLE = "Set up Debrief"
MESSAGE = (
    "Set up Debrief\n\nSettings and workflows, as `debrief init` found them in this repository."
)
_MOST_SHOWN = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstRun:
    """What a first run would do with the conversations that are there."""

    conversations: int
    agents: tuple[str, ...]
    patterns: int
    proposals: tuple[tuple[str, str], ...]
    """(kind, title) of what would be opened, without a model."""
    left_out: tuple[str, ...]
    """Why something would not, a sentence each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """One file of the set-up, against what the repository has."""

    path: str
    text: str
    state: Literal["new", "same", "differs"]
    diff: str = ""
    """From what is there to `text`, where it differs."""


def body(
    inventory: Inventory, files: Sequence[File], first_run: FirstRun | str, *, kept: Sequence[str]
) -> str:
    """The pull request's body. `first_run`: or a sentence that says why it was not tried.

    `kept`: files that are there already and stay as they are.
    """
    added = [file.path for file in files if file.state == "new"]
    lines = [
        "Debrief reads what your agent's users went through, finds where they fail, and opens pull "
        "requests that fix prompts, harness and configs. You merge; it measures whether it worked.",
        "",
        "**Nothing runs before this is merged.** Closing it is a no, and it is not opened again.",
        "",
        f"This adds {', '.join(map(code_span, added))}." if added else "",
        f"{', '.join(map(code_span, kept))} {'is' if len(kept) == 1 else 'are'} left as it is."
        if kept
        else "",
        "",
        "## What was found",
        "",
        *_found(inventory),
        "",
        "## What a first run would do",
        "",
        *_first_run(first_run),
        "",
        "## Before the first run",
        "",
        "- the variables and secrets that the workflow names in its first lines",
        '- Settings, Actions, General: "Allow GitHub Actions to create and approve pull requests"',
        "- `debrief doctor --repo . --to github:OWNER/NAME` says what is still missing",
    ]
    text = "\n".join(lines)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text + "\n"


def _found(inventory: Inventory) -> list[str]:
    if not inventory.agents:
        return [
            "No prompt was found, in files or in code: name your agent's files in the settings."
        ]
    rows = [
        [code_span(agent.name), *(str(len(agent.of(kind))) for kind in KINDS)]
        for agent in inventory.agents[:_MOST_SHOWN]
    ]
    lines = [table(["agent", *KINDS], rows)]
    lines.append("")
    for one in inventory.instrumentation[:_MOST_SHOWN]:
        switch = code_span(one.switch) if one.switch else "sends texts by itself"
        lines.append(f"- instrumentation {code_span(one.package)}: {switch}")
    for package, path in inventory.silent_clients:
        lines.append(
            f"- {code_span(package)} in {code_span(path)} is called, and nothing instruments it"
        )
    return lines


def _first_run(first_run: FirstRun | str) -> list[str]:
    if isinstance(first_run, str):
        return [f"Not tried: {first_run}"]
    lines = [
        f"It would read {count(first_run.conversations, 'conversation')} of "
        f"{count(len(first_run.agents), 'agent')} and see {count(first_run.patterns, 'pattern')}. "
        "Without a model it would open "
        f"{count(len(first_run.proposals), 'pull request') if first_run.proposals else 'nothing'}"
        f"{':' if first_run.proposals else '.'}",
        "",
    ]
    lines += [f"- {kind}: {code_span(title)}" for kind, title in first_run.proposals[:_MOST_SHOWN]]
    if first_run.left_out:
        lines += ["", "Left out:", ""]
        lines += [f"- {code_span(reason)}" for reason in first_run.left_out[:_MOST_SHOWN]]
    return lines
