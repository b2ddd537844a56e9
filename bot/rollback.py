"""A merged proposal taken back: the change that undoes it, as a proposal of its own.

Takes what the merge changed and the files as they are now; gives a `Proposal`, or `Skipped` where
the same lines have changed since or the merge made a new file. Pure; costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.markdown import plain
from bot.proposals.edits import edit_to
from bot.proposals.identity import fingerprint
from bot.proposals.undoing import undone
from bot.records import (
    TITLE_CHARS,
    Edit,
    Evidence,
    GateResult,
    PastProposal,
    Proposal,
    Skipped,
    SourceFile,
    short_hash,
)


def roll_back(
    past: PastProposal,
    *,
    before: Mapping[str, str],
    after: Mapping[str, str],
    now: Mapping[str, SourceFile],
    why: str,
) -> Proposal | Skipped:
    """The proposal that undoes `past`.

    `before` and `after`: texts by path of the files that the merge changed; a path that is missing
    did not exist. `why` is ours: a verdict, or that a person asked for it.
    """
    edits: list[Edit] = []
    for path in sorted({*before, *after}):
        if path not in before or path not in after:
            return _skipped(past, f"the merge made or removed {path}; revert it by hand")
        if before[path] == after[path]:
            continue
        file = now.get(path)
        text = undone(before[path], after[path], file.text) if file else None
        if file is None or text is None:
            return _skipped(past, f"the same lines of {path} have changed since; revert it by hand")
        if text != file.text:
            edits.append(edit_to(file, text))
    if not edits:
        return _skipped(past, "what it changed is not there any more")
    return _proposal(past, tuple(edits), why)


def rollback_id(past: PastProposal) -> str:
    """The same for every try to take the same proposal back."""
    return f"p-{short_hash(past.agent, 'rollback', past.id, past.merge_sha or '')}"


def _proposal(past: PastProposal, edits: tuple[Edit, ...], why: str) -> Proposal:
    id = rollback_id(past)
    evidence = Evidence(entries=max(1, past.evidence_entries), users=0, conversation_ids=())
    named = ", ".join(f"`{edit.path}`" for edit in edits)
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, edits, evidence),
        kind=past.kind,
        agent=past.agent,
        pattern_id=past.pattern_id,
        remedy=f"rollback of {past.id}",
        title=plain(f"Take back: {past.title}", TITLE_CHARS),
        what=f"puts {named} back as before {past.reference}, and nothing else.",
        why=why,
        risk="low: this text was served before. What was learned since stays in the evidence.",
        confidence="high",
        edits=edits,
        evidence=evidence,
        prediction=None,
        gate=GateResult(
            verdict="inconclusive", sentence="Not replayed: it restores what was served before."
        ),
    )


def _skipped(past: PastProposal, reason: str) -> Skipped:
    return Skipped(
        what=f"rollback of {past.reference}",
        code="no_rollback",
        reason=f"{reason[0].upper()}{reason[1:]}.",
    )
