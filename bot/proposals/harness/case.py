"""The case that a harness proposal makes: what, why, risk, prediction, tables.

All sentences are ours and all numbers are counted; of the writer's words only what is new in a
description stands in the body, and the diff says the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from bot.figures import count, rate
from bot.markdown import plain
from bot.proposals.code import words_of
from bot.proposals.floors import MIN_USERS, floor_note
from bot.proposals.harness.functions import Function
from bot.proposals.harness.places import Description, Place
from bot.proposals.harness.seen import Seen, has_failed
from bot.proposals.harness.writing import Written
from bot.proposals.identity import fingerprint, proposal_id
from bot.proposals.prompt_case import about, predicted
from bot.records import (
    TITLE_CHARS,
    Cause,
    Evidence,
    EvidenceItem,
    ModelCost,
    Pattern,
    Proposal,
    Table,
)
from collector.records import Conversation

FIXED_SHARE = (0.25, 0.9)
"""Assumption behind the prediction: of the failures that show the cause, so many end. Scored after
every merge."""
ITEMS_SHOWN = 12
WHOLE_CHARS = 240
"""A description up to this length stands whole in the body."""


def build_proposal(
    pattern: Pattern,
    cause: Cause,
    written: Written,
    seen: Seen,
    conversations: Sequence[Conversation],
    read: int,
    cost: ModelCost,
    *,
    said: Mapping[str, str],
) -> Proposal:
    """`pattern` has `conversations`, which show the cause, as its evidence, of `read` in all.

    `said` gives by conversation what a reader saw there; empty where the cause was counted.
    """
    candidate = written.candidate
    place = candidate.place
    tool = place.tool if isinstance(place, Description) else _tool_of(place, seen)
    name = place.region.anchor if isinstance(place, Description) else tool
    part = "description" if isinstance(place, Description) else "function"
    remedy = f"{place.file.path}: {part} of {name}"
    id = proposal_id("harness", pattern, remedy)
    evidence = _evidence(pattern, conversations, seen, said)
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, (candidate.edit,), evidence),
        kind="harness",
        agent=pattern.agent,
        pattern_id=pattern.id,
        remedy=remedy,
        title=_title(place, tool),
        what=_what_changes(place, tool, written),
        why=_why(pattern, cause, seen),
        risk=_risk(place, written),
        confidence=_confidence(pattern, evidence),
        edits=(candidate.edit,),
        evidence=evidence,
        prediction=predicted(pattern, having=len(conversations), read=read, fixed=FIXED_SHARE),
        root_cause=cause.cause,
        priority=pattern.priority,
        tables=(_table(seen),) if seen.shapes else (),
        weeks=pattern.weeks,
        alternatives=written.dropped,
        cost=cost,
    )


def _tool_of(place: Function, seen: Seen) -> str:
    """The tool whose function it is; the function around the model has its own name alone."""
    names = map(words_of, place.names)
    return seen.tool if words_of(seen.tool) in names or seen.tool in place.answers else place.name


def _title(place: Place, tool: str) -> str:
    file = place.file.path.rsplit("/", 1)[-1]
    doing = f"Mend {tool}"
    if isinstance(place, Description):
        doing = f"Describe the tool {place.tool} better"
        if place.argument:
            doing = f"Describe {place.argument} of {place.tool} better"
    return plain(f"{file}: {doing}", TITLE_CHARS)


def _what_changes(place: Place, tool: str, written: Written) -> str:
    candidate = written.candidate
    if not isinstance(place, Description):
        whose = "" if words_of(place.name) == words_of(tool) else f" of the tool `{tool}`"
        return (
            f"Changes {count(candidate.changed_lines, 'line')} of the function `{place.name}`"
            f"{whose} in `{place.file.path}`. Its signature, its checks and its numbers stay as "
            "they are, and it reaches nothing that it did not reach."
        )
    is_short = len(candidate.text) <= WHOLE_CHARS
    shown = " ".join((candidate.text if is_short else candidate.added).split()).replace("`", "'")
    lead = "It then says" if is_short else "It says in addition"
    said = f". {lead}: `{shown}`" if shown else ", and adds nothing."
    whose = f"the tool `{place.tool}`"
    if place.argument:
        whose = f"the argument `{place.argument}` of {whose}"
    return f"Changes the description of {whose} in `{place.file.path}`{said}"


def _why(pattern: Pattern, cause: Cause, seen: Seen) -> str:
    # No rate: as many failing as other conversations were looked at, so it would say nothing.
    calls = (
        f" In failing and other conversations {seen.failed} of {count(seen.calls, 'call')} of the "
        "tool failed."
        if seen.failed
        else ""
    )
    return (
        f"Of {count(pattern.users, pattern.unit)}{about(pattern)}, "
        f"{rate(pattern.rate, pattern.rate_interval)} end with `{pattern.outcome}`. "
        f"{cause.sentence}{calls}"
    )


def _risk(place: Place, written: Written) -> str:
    if isinstance(place, Description):
        growth = max(0, written.candidate.growth_tokens)
        return f"Every request that offers the tool gets about {growth} tokens longer."
    return (
        "Calls of the function that work today may behave otherwise: it was read by a model and "
        "checked by counting what it does, not proven. The repository's check says more where one "
        "is set."
    )


def _confidence(pattern: Pattern, evidence: Evidence) -> Literal["low", "medium", "high"]:
    """From counts and the test. Never high: nothing was replayed."""
    tested = pattern.q_value is not None and pattern.q_value <= 0.05
    return "medium" if tested and evidence.users >= MIN_USERS else "low"


def _evidence(
    pattern: Pattern, conversations: Sequence[Conversation], seen: Seen, said: Mapping[str, str]
) -> Evidence:
    times = sorted(one.started_at for one in conversations if one.started_at)
    return Evidence(
        entries=len(conversations),
        users=pattern.evidence_users,
        conversation_ids=tuple(sorted(one.conversation_id for one in conversations)),
        items=tuple(
            EvidenceItem(
                id=one.conversation_id,
                paraphrase=said.get(one.conversation_id) or _counted(one, seen.tool),
            )
            for one in conversations[:ITEMS_SHOWN]
        ),
        first_at=times[0] if times else None,
        last_at=times[-1] if times else None,
        note=floor_note(pattern),
    )


def _counted(conversation: Conversation, tool: str) -> str:
    """What our own count shows of one conversation."""
    messages = enumerate(conversation.messages)
    failed = [at for at, one in messages if has_failed(one) and one.name == tool]
    if failed:
        return f"The tool failed in message {failed[0]}."
    if tool:
        return "The tool gave nothing back."
    return "The program around the model failed."


def _table(seen: Seen) -> Table:
    return Table(
        title="How arguments look (A, a: letters; 9: digits)",
        header=("argument", "shape", "calls that failed", "calls that did not"),
        rows=tuple(
            (f"`{one.argument}`", f"`{one.shape}`", str(one.refused), str(one.accepted))
            for one in seen.shapes
        ),
    )
