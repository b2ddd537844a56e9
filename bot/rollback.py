"""A merged proposal taken back: the change that undoes it, as a proposal of its own.

Takes what the merge changed and the files as they are now; gives a `Proposal`, or `Skipped` where
the same lines have changed since or the merge made a new file. Pure; costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from bot.markdown import plain
from bot.proposals.edits import edit_to
from bot.proposals.identity import fingerprint
from bot.proposals.undoing import undone
from bot.records import (
    RETIREMENT,
    ROLLBACK,
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


HARM_FIRST = 100.0
"""Priority: what does harm now comes before everything that could be better."""


def roll_back_harm(
    past: Sequence[PastProposal],
    *,
    files: Mapping[str, SourceFile],
    texts_of: Callable[[PastProposal], Mapping[str, tuple[str, str]] | None],
) -> Iterator[Proposal | Skipped]:
    """One for each merged change whose verdict is that it did harm; a retirement is one too.

    `texts_of` gives (before, after) by path of what a merge changed; None where the repository's
    history does not reach so far.
    """
    undone_before = {one.remedy for one in past if one.state == "merged"}
    for one in past:
        if one.state != "merged" or one.reverted or one.verdict != "harmed":
            continue
        ends = {f"{ROLLBACK}{one.id}", f"{RETIREMENT}{one.id}"}
        if ends & undone_before or one.remedy.startswith(ROLLBACK):
            continue
        texts = texts_of(one)
        if texts is None:
            reason = (
                "its merge made or removed a file, or is not in this checkout; fetch the whole "
                "history (`fetch-depth: 0`), or revert it by hand"
            )
            yield _skipped(one, reason)
            continue
        found = roll_back(
            one,
            before={path: text for path, (text, _) in texts.items()},
            after={path: text for path, (_, text) in texts.items()},
            now=files,
            why=f"The verdict on `{one.reference}` is that it did harm.",
        )
        is_back = one.remedy.startswith(RETIREMENT)
        if is_back and isinstance(found, Proposal):
            found = _brought_back(found, one)
        yield replace(found, priority=HARM_FIRST) if isinstance(found, Proposal) else found


def _brought_back(proposal: Proposal, retirement: PastProposal) -> Proposal:
    """The rollback of a retirement, in the words of the rule that it brings back."""
    rule = retirement.title.removeprefix("Retire: ")
    named = ", ".join(f"`{edit.path}`" for edit in proposal.edits)
    return replace(
        proposal,
        title=plain(f"Bring back: {rule}", TITLE_CHARS),
        what=f"Puts back into {named} what `{retirement.reference}` took out, and nothing else.",
        why=f"It was missed: {proposal.why[0].lower()}{proposal.why[1:]}",
        risk="Low: this text was served before it was retired.",
    )


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
        # Of its own: it carries no prediction, so nothing is measured for the pattern.
        pattern_id=f"rollback-{past.id}",
        remedy=f"{ROLLBACK}{past.id}",
        undoes=past.reference,
        title=plain(f"Take back: {past.title}", TITLE_CHARS),
        what=f"Puts {named} back as before `{past.reference}`, and nothing else.",
        why=why,
        risk="Low: this text was served before. What was learned since stays in the evidence.",
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
