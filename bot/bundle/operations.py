"""Decides what publish shall do: open, update or close a pull request, or post a verdict.

Takes what this cycle proposes and measured and what the target remembers; gives operations, the
texts they name, and what was left out. Caps and rejections were looked at before
(`bot.proposals`); a pull request that a person touched is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.bundle.body import prediction_values, render_body
from bot.bundle.comments import verdict_comment
from bot.markdown import plain
from bot.marker import render_marker
from bot.records import (
    TITLE_CHARS,
    Operation,
    PastProposal,
    Pattern,
    PatternReport,
    Proposal,
    Skipped,
    Verdict,
)

SETTLED = timedelta(days=14)
"""A pull request younger than this is not closed because its pattern is not seen in one cycle."""
LAST_LOOK = timedelta(days=28)
"""An unknown verdict is said only then: before, more data may still settle it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operations:
    """What goes into the bundle."""

    operations: tuple[Operation, ...]
    bodies: Mapping[str, str]
    """By `Operation.body_file`."""
    left_out: tuple[Skipped, ...]


def operations_for(
    proposals: Sequence[Proposal],
    past: Sequence[PastProposal],
    verdicts: Sequence[Verdict],
    *,
    report: PatternReport,
    base_sha: str,
    now: datetime,
) -> Operations:
    """Plan the cycle's operations. The same input twice gives the same operations."""
    patterns = {pattern.id: pattern for pattern in report.patterns}
    wanted = [
        *(_for_proposal(one, _latest(past, one.id), patterns, base_sha) for one in proposals),
        *_closings(proposals, past, report, now),
        *(_for_verdict(one, _latest(past, one.proposal_id), now) for one in verdicts),
    ]
    planned = [one for one in wanted if isinstance(one, tuple)]
    return Operations(
        operations=tuple(operation for operation, _ in planned),
        bodies={operation.body_file: body for operation, body in planned},
        left_out=tuple(one for one in wanted if isinstance(one, Skipped)),
    )


def _for_proposal(
    proposal: Proposal,
    before: PastProposal | None,
    patterns: Mapping[str, Pattern],
    base_sha: str,
) -> tuple[Operation, str] | Skipped:
    is_open = before is not None and before.state == "open"
    if before is not None and is_open:
        if before.touched:
            return _left(proposal, "touched", f"a person works on {before.reference}: hands off")
        if before.fingerprint == proposal.fingerprint:
            return _left(proposal, "unchanged", f"{before.reference} already says all of this")
    pattern = patterns.get(proposal.pattern_id)
    evidence = proposal.evidence
    operation = Operation(
        op="update" if is_open else "open",
        id=proposal.id,
        kind=proposal.kind,
        branch=f"debrief/{proposal.id}",
        title=plain(proposal.title, TITLE_CHARS),
        body_file=f"bodies/{proposal.id}.md",
        labels=_labels(proposal),
        edits=proposal.edits,
        evidence={
            "entries": evidence.entries,
            "users": evidence.users,
            "conversation_ids": list(evidence.conversation_ids),
        },
        prediction=prediction_values(proposal.prediction),
        fingerprint=proposal.fingerprint,
        pattern_id=proposal.pattern_id,
        agent=proposal.agent,
        reference=before.reference if before is not None and is_open else None,
    )
    return operation, render_body(proposal, base_sha=base_sha, pattern=pattern)


def _closings(
    proposals: Sequence[Proposal],
    past: Sequence[PastProposal],
    report: PatternReport,
    now: datetime,
) -> list[tuple[Operation, str]]:
    """Close what is open on a pattern that is surely gone.

    Surely: the agent is healthy on enough data, the pattern is not among the found ones, and the
    pull request is old enough that this is not the noise of one cycle.
    """
    healthy = {one.agent: one.why for one in report.agents if one.health == "healthy"}
    alive = {one.id for one in report.patterns} | {one.pattern_id for one in proposals}
    return [
        _closing(one, healthy[one.agent])
        for one in past
        if one.state == "open"
        and not one.touched
        and one.agent in healthy
        and one.pattern_id not in alive
        and one.opened_at is not None
        and now - one.opened_at >= SETTLED
    ]


def _closing(past: PastProposal, why: str) -> tuple[Operation, str]:
    operation = _about(past, "close", f"bodies/close-{past.id}.md")
    marker = render_marker({"comment": "close", "id": past.id})
    reason = "The pattern that this rests on is no longer seen, so Debrief closes it."
    return operation, f"{marker}\n{reason} {plain(why, 300)}\n"


def _for_verdict(
    verdict: Verdict, before: PastProposal | None, now: datetime
) -> tuple[Operation, str] | Skipped:
    what = f"verdict on {verdict.reference}"
    if before is None:
        return Skipped(what=what, code="unknown_proposal", reason="the target does not know it")
    if before.verdict is not None:
        return Skipped(what=what, code="said_before", reason=f"it says {before.verdict} already")
    if verdict.result == "unknown" and now - verdict.live_at < LAST_LOOK:
        return Skipped(what=what, code="measuring", reason=verdict.sentence)
    operation = _about(before, "verdict", f"bodies/verdict-{before.id}.md")
    return operation, verdict_comment(verdict)


def _about(past: PastProposal, op: Literal["close", "verdict"], body_file: str) -> Operation:
    """An operation on a pull request that exists."""
    return Operation(
        op=op,
        id=past.id,
        kind=past.kind,
        branch=past.branch,
        title=past.title,
        body_file=body_file,
        fingerprint=past.fingerprint,
        pattern_id=past.pattern_id,
        agent=past.agent,
        reference=past.reference,
    )


def _labels(proposal: Proposal) -> tuple[str, ...]:
    labels: tuple[str, ...] = (
        "debrief",
        f"kind/{proposal.kind}",
        f"confidence/{proposal.confidence}",
    )
    intent = proposal.prediction.intent_id if proposal.prediction else None
    # GitHub takes 50 characters, and a comma would be read as two labels by some clients.
    if intent and re.fullmatch(r"[\w.-]{1,43}", intent):
        labels += (f"intent/{intent}",)
    return labels


def _latest(past: Sequence[PastProposal], id: str) -> PastProposal | None:
    """The open one, else the newest; one whose time is not known counts as oldest."""
    same = [one for one in past if one.id == id]
    return max(
        same,
        key=lambda one: (one.state == "open", one.opened_at.timestamp() if one.opened_at else 0.0),
        default=None,
    )


def _left(proposal: Proposal, code: str, reason: str) -> Skipped:
    return Skipped(what=plain(proposal.title, TITLE_CHARS), code=code, reason=reason)
