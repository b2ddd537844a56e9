"""Proposals that change what a program does or reads go through the repository's own check.

Takes proposals and a function that runs the check; gives those that may be opened, with the result,
and one sentence for each that may not. Costs one run for each, a second for one that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.figures import count
from bot.proposals.code import is_code
from bot.records import CheckRun, PastProposal, Proposal, Skipped

MAX_RUNS = 6
"""Checks in one cycle, the most important proposals first; each may take minutes."""

RunCheck = Callable[[Proposal], CheckRun | None]
"""Runs the check of the proposal's agent on it; None where the settings name none."""


def with_checks(
    proposals: Sequence[Proposal], past: Sequence[PastProposal], *, run: RunCheck
) -> tuple[list[Proposal], list[Skipped]]:
    """The proposals, the most important first, those that need it with their check.

    One that is open already and on which nothing is new is not run again: nothing is written.
    """
    known = {(one.id, one.fingerprint) for one in past if one.state == "open"}
    kept: list[Proposal] = []
    stopped: list[Skipped] = []
    runs = 0
    for proposal in sorted(proposals, key=lambda one: -one.priority):
        if not needs_check(proposal) or (proposal.id, proposal.fingerprint) in known:
            kept.append(proposal)
        elif runs == MAX_RUNS:
            reason = f"This cycle has run {count(MAX_RUNS, 'check')}; this one waits for the next."
            stopped.append(Skipped(what=proposal.title, code="cap", reason=reason))
        else:
            found = run(proposal)
            runs += found is not None
            if found is not None and found.state in {"failed", "timed_out"}:
                stopped.append(_failed(proposal, found))
            else:
                kept.append(replace(proposal, check=found))
    return kept, stopped


def needs_check(proposal: Proposal) -> bool:
    """Code, definitions of tools and configuration may break a program; other texts do not."""
    kinds = {"harness", "config", "threshold"}
    return proposal.kind in kinds or any(is_code(edit.path) for edit in proposal.edits)


def _failed(proposal: Proposal, check: CheckRun) -> Skipped:
    command = " ".join(check.command.split())[:80]
    how, otherwise = "fails", "passes"
    if check.state == "timed_out":
        how, otherwise = f"does not end within {check.elapsed_s:.0f} s", "ends"
    last = next((line.strip() for line in reversed(check.last_lines) if line.strip()), "")
    said = f" Its last line: {last!r:.160}" if last else ""
    return Skipped(
        what=proposal.title,
        code="check_failed",
        reason=f"With this change the repository's check `{command}` {how}; without it, the check "
        f"{otherwise}.{said}",
    )
