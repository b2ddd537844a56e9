"""Decides what publish shall do: open, update or close a pull request, or post a verdict.

Takes what this cycle proposes and measured and what the target remembers; gives operations, the
texts they name, and what was left out. Caps and rejections were looked at before
(`bot.proposals`); a pull request that a person touched is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from bot.bundle.body import prediction_values, render_body
from bot.bundle.comments import verdict_comment
from bot.limits import successor_of
from bot.markdown import code_span, plain
from bot.marker import render_marker
from bot.records import (
    TITLE_CHARS,
    CloseReason,
    Operation,
    PastProposal,
    Pattern,
    PatternReport,
    Proposal,
    Skipped,
    Verdict,
)

RELABELLED = timedelta(days=3)
"""So long after it was opened, labels that are missing are put on again."""
SETTLED = timedelta(days=14)
"""A pull request younger than this is not closed because its pattern is not seen in one cycle."""


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
    expire_days: int = 60,
) -> Operations:
    """Plan the cycle's operations. The same input twice gives the same operations."""
    patterns = {pattern.id: pattern for pattern in report.patterns}
    wanted = [
        *(_for_proposal(one, _latest(past, one.id), patterns, base_sha) for one in proposals),
        *_closings(proposals, past, report, now, timedelta(days=expire_days)),
        *_notes(proposals, past),
        *_labellings(proposals, past, now),
        *(_for_verdict(one, _latest(past, one.proposal_id)) for one in verdicts),
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
        # What it says may be the same; what it is said about has changed on the default branch.
        if before.fingerprint == proposal.fingerprint and not before.stale_paths:
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
        is_draft=proposal.is_draft and not is_open,
    )
    return operation, render_body(proposal, base_sha=base_sha, pattern=pattern)


def _closings(
    proposals: Sequence[Proposal],
    past: Sequence[PastProposal],
    report: PatternReport,
    now: datetime,
    expires: timedelta,
) -> list[tuple[Operation, str]]:
    """Close what is done, obsolete, superseded or forgotten; never what a person works on."""
    healthy = {one.agent: one.why for one in report.agents if one.health == "healthy"}
    alive = {one.id for one in report.patterns} | {one.pattern_id for one in proposals}
    renewed = {one.id for one in proposals}
    closings = []
    for one in past:
        if one.state != "open" or one.touched or one.opened_at is None:
            continue
        settled = now - one.opened_at >= SETTLED
        heir = successor_of(one, proposals)
        active_at = one.active_at or one.opened_at
        if one.is_done:
            closings.append(_closing(one, "done", "The default branch says the same by now."))
        # Surely gone: the agent is healthy on enough data, the pattern is not among the found
        # ones, and the pull request is old enough that this is not the noise of one cycle.
        elif settled and _is_gone(one, alive) and one.agent in healthy:
            gone = "The pattern that this rests on is no longer seen, so Debrief closes it."
            why = f"{gone} {plain(healthy[one.agent], 300)}"
            closings.append(_closing(one, "obsolete", why))
        elif heir is not None:
            why = "Newer evidence asks for another change of the same kind."
            closings.append(_closing(one, "superseded", why, superseded_by=heir.id))
        elif one.id not in renewed and now - active_at >= expires:
            why = (
                f"Nobody did anything to it for {(now - active_at).days} days. That is no "
                "rejection; it comes again only if its evidence doubles."
            )
            closings.append(_closing(one, "expired", why))
    return closings


def _is_gone(one: PastProposal, alive: Collection[str]) -> bool:
    """Cases and examples are of use also when what they were made of is no longer seen."""
    return one.kind not in ("cases", "dataset") and one.pattern_id not in alive


def _closing(
    past: PastProposal, reason: CloseReason, why: str, *, superseded_by: str = ""
) -> tuple[Operation, str]:
    operation = _about(past, "close", f"bodies/close-{past.id}.md")
    marker = render_marker({"comment": "close", "id": past.id, "why": reason})
    return replace(operation, superseded_by=superseded_by), f"{marker}\n{why}\n"


def _notes(
    proposals: Sequence[Proposal], past: Sequence[PastProposal]
) -> list[tuple[Operation, str]]:
    """Say once what a reader of an open pull request has to know."""
    revised = {one.id: one.fingerprint for one in proposals}
    notes = []
    for one in past:
        if one.state != "open" or one.touched or one.is_done:
            continue
        if one.stale_paths and one.id not in revised:
            notes.append(_stale(one))
        if one.remarks:
            is_revised = revised.get(one.id, one.fingerprint) != one.fingerprint
            notes.append(_answer(one, is_revised=is_revised))
    return notes


def _labellings(
    proposals: Sequence[Proposal], past: Sequence[PastProposal], now: datetime
) -> list[tuple[Operation, str]]:
    """Put on again what GitHub did not take when the pull request was new: a fault of some hours.

    Later it is a token that may not, or a person who wants none.
    """
    revised = {one.id for one in proposals}
    return [
        (
            replace(
                _about(one, "label", f"bodies/label-{one.id}.md"),
                labels=("debrief", f"kind/{one.kind}"),
            ),
            "The labels that are missing.\n",
        )
        for one in past
        if one.state == "open" and not one.has_labels and one.id not in revised
        if not one.touched and one.opened_at is not None and now - one.opened_at < RELABELLED
    ]


def _stale(past: PastProposal) -> tuple[Operation, str]:
    """Once for each state of the default branch's files would be noise: once for each proposal."""
    named = ", ".join(code_span(path[:200]) for path in past.stale_paths[:5])
    marker = {"comment": "stale", "id": past.id, "fingerprint": past.fingerprint}
    text = (
        f"The default branch has changed {named} since this was proposed, and this cycle does not "
        "propose it again: what was measured here is about the earlier text. Look twice before "
        "you merge."
    )
    operation = _about(past, "comment", f"bodies/stale-{past.id}.md")
    return operation, f"{render_marker(marker)}\n{text}\n"


def _answer(past: PastProposal, *, is_revised: bool) -> tuple[Operation, str]:
    """The one answer to red checks and reviewers: what they said stands where they said it."""
    checks = [code_span(one.author[:100]) for one in past.remarks if one.kind == "check"]
    said = []
    if is_revised:
        said.append("Debrief has revised the change once, with what was said here as input.")
    else:
        said.append("With what was said here as input, Debrief has no other change to offer.")
    if checks:
        listed = ", ".join(dict.fromkeys(checks[:5]))
        said.append(f"If {listed} fails because of it, a person has to decide.")
    said.append(
        "It does not argue further. Change the branch as you like: Debrief leaves it alone from "
        "then on and learns from the difference. Or close it and say what would be right."
    )
    marker = {"comment": "answer", "id": past.id}
    operation = _about(past, "comment", f"bodies/answer-{past.id}.md")
    return operation, f"{render_marker(marker)}\n{' '.join(said)}\n"


def _for_verdict(verdict: Verdict, before: PastProposal | None) -> tuple[Operation, str] | Skipped:
    what = f"verdict on {verdict.reference}"
    if before is None:
        return Skipped(what=what, code="unknown_proposal", reason="the target does not know it")
    if before.verdict is not None:
        return Skipped(what=what, code="said_before", reason=f"it says {before.verdict} already")
    if not verdict.is_final:
        return Skipped(what=what, code="measuring", reason=verdict.sentence)
    operation = _about(before, "verdict", f"bodies/verdict-{before.id}.md")
    return operation, verdict_comment(verdict)


def _about(
    past: PastProposal, op: Literal["label", "close", "comment", "verdict"], body_file: str
) -> Operation:
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
