"""No rule was broken and users failed all the same: what did the agent do where it went well?

Takes failing conversations in which a reader saw no mistake, and others of the same group that went
well; gives what was done otherwise, proven by a passage of both. A difference is no cause, and who
uses it says so. Costs `MIN_CALLS` calls that share no conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.proposals.diagnosis import (
    MIN_CALLS,
    Diagnosis,
    as_object,
    by_number,
    checked_paraphrase,
    pick_conversations,
    short,
)
from bot.proposals.excerpt import excerpt, groups_apart, side_by_side
from bot.records import Ask, Skipped
from bot.rendering import render_prompt
from bot.transcript import Transcript
from collector.records import Conversation

DONE_OTHERWISE = "done_otherwise"
"""The kind of such a diagnosis."""
FAILED_EACH, WELL_EACH = 3, 2
"""Conversations in one request."""
EXCERPT_CHARS = 1_600


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What came of it."""

    read: int = 0
    """Failing conversations that were compared."""
    well: int = 0
    """Conversations that went well and were shown beside them."""
    differences: tuple[Diagnosis, ...] = ()
    orders: Mapping[str, str] | None = None
    """Conversation id to the sentence of the agent's prompt that asks for what was done there, word
    for word as it stands in the prompt."""
    skipped: tuple[Skipped, ...] = ()


def compare(
    failing: Sequence[Conversation],
    passing: Sequence[Conversation],
    *,
    agent_prompt: str,
    problem: str,
    ask: Ask,
) -> Comparison:
    """`passing` are ranked, the most alike first; without enough for each request none is asked."""
    groups = groups_apart(pick_conversations(failing, MIN_CALLS * FAILED_EACH), MIN_CALLS)
    beside = groups_apart(passing[: MIN_CALLS * WELL_EACH], MIN_CALLS)
    if len(groups) < MIN_CALLS or len(beside) < MIN_CALLS:
        return Comparison()
    found: list[Diagnosis] = []
    orders: dict[str, str] = {}
    skipped: list[Skipped] = []
    read = 0
    for call, (failed, well) in enumerate(zip(groups, beside, strict=True)):
        here = [excerpt(one, EXCERPT_CHARS) for one in failed]
        there = [excerpt(one, EXCERPT_CHARS) for one in well]
        reply = ask(
            render_prompt(
                "proposals/compare",
                agent_prompt=agent_prompt,
                problem=problem,
                failed=side_by_side(here),
                went_well=side_by_side(there),
            )
        )
        if isinstance(reply, Skipped):
            skipped.append(reply)
            continue
        read += len(failed)
        for number, claim in by_number(as_object(reply)["differences"], len(failed)):
            at = _proof(claim, here[number - 1], there)
            if at is None:
                continue
            conversation = failed[number - 1]
            found.append(
                Diagnosis(
                    conversation=conversation,
                    locus="prompt",
                    kind=DONE_OTHERWISE,
                    rule=short(claim["rule"]),
                    message_index=at,
                    paraphrase=checked_paraphrase(claim["paraphrase"], [*here, *there]),
                    call=call,
                )
            )
            order = sentence_of(agent_prompt, claim["order"])
            if order:
                orders[conversation.conversation_id] = order
    return Comparison(
        read=read,
        well=sum(map(len, beside)),
        differences=tuple(found),
        orders=orders,
        skipped=tuple(skipped),
    )


def _proof(claim: Mapping[str, Any], here: Transcript, there: Sequence[Transcript]) -> int | None:
    """Number of the failed conversation's message; None unless both passages are found."""
    if not claim["present"] or not claim["rule"].strip():
        return None
    number = claim["well"]["conversation"]
    if not 1 <= number <= len(there):
        return None
    if there[number - 1].find(claim["well"]["text"], claim["well"]["turn"]) is None:
        return None
    return here.find(claim["quote"]["text"], claim["quote"]["turn"])


def sentence_of(agent_prompt: str, claimed: str) -> str:
    """The claimed sentence where the prompt has it, white space aside; else empty."""
    wanted = " ".join(claimed.replace("&lt;", "<").split()).lstrip("-*• ")
    text = " ".join(agent_prompt.split())
    return wanted if len(wanted.split()) > 1 and wanted in text else ""
