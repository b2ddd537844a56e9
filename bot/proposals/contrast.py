"""A change held against conversations that went well without it: would it have spoiled them?

Takes the change in words and successes of nearly the same input as the failures; gives counts and
the cases that would be worse. Costs one call, more only where the reply cannot be used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.proposals.diagnosis import as_object, by_number, checked_paraphrase, pick_conversations
from bot.proposals.excerpt import excerpt, side_by_side
from bot.proposals.text_checks import words
from bot.records import Ask, EvidenceItem, ModelCost, Skipped
from bot.rendering import render_prompt
from collector.records import Conversation

MAX_CONTRAST = 6
"""Successes that one change is held against."""
EXCERPT_CHARS = 3_000
_MIN_LETTERS = 4
"""Shorter words are grammar more often than subject."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """What came of it."""

    read: int = 0
    effects: Mapping[str, int] = field(default_factory=dict)
    """does_not_apply, already_followed, better, worse."""
    worse: tuple[EvidenceItem, ...] = ()
    cost: ModelCost = field(default_factory=ModelCost)

    @property
    def applies(self) -> int:
        return self.read - self.effects.get("does_not_apply", 0)


def contrast(
    change: str, conversations: Sequence[Conversation], *, agent_prompt: str, ask: Ask
) -> Contrast:
    """Ask the reader about all of `conversations`; in halves where a reply cannot be used."""
    if not conversations:
        return Contrast()
    transcripts = [excerpt(conversation, EXCERPT_CHARS) for conversation in conversations]
    reply = ask(
        render_prompt(
            "proposals/contrast",
            agent_prompt=agent_prompt,
            rule=change,
            conversations=side_by_side(transcripts),
        )
    )
    if isinstance(reply, Skipped):
        if reply.code == "budget" or len(conversations) == 1:
            return Contrast()
        half = len(conversations) // 2
        parts = [
            contrast(change, part, agent_prompt=agent_prompt, ask=ask)
            for part in (conversations[:half], conversations[half:])
        ]
        return _joined(parts)
    effects: Counter[str] = Counter()
    worse: list[EvidenceItem] = []
    for number, claim in by_number(as_object(reply)["effects"], len(conversations)):
        effects[claim["effect"]] += 1
        if claim["effect"] == "worse":
            said = checked_paraphrase(claim["reason"], transcripts)
            worse.append(
                EvidenceItem(
                    id=conversations[number - 1].conversation_id,
                    paraphrase=said or "The change would have made this conversation worse.",
                )
            )
    return Contrast(read=effects.total(), effects=effects, worse=tuple(worse), cost=reply.cost)


def _joined(parts: Iterable[Contrast]) -> Contrast:
    whole = Contrast()
    for part in parts:
        whole = Contrast(
            read=whole.read + part.read,
            effects=Counter(whole.effects) + Counter(part.effects),
            worse=(*whole.worse, *part.worse),
            cost=whole.cost + part.cost,
        )
    return whole


def pick_alike(
    passing: Sequence[Conversation], failing: Sequence[Conversation], limit: int
) -> list[Conversation]:
    """Those of `passing` that are most like `failing`: by what users asked and the tools called.

    A change can only do harm where its situation comes up, and nearly the same request, or a tool
    that sets the failures apart, is the cheapest sign of that. Of equals `pick_conversations`.
    """
    tools = _telling([_tools_of(c) for c in failing], [_tools_of(c) for c in passing])
    asked = _telling([_asked_in(c) for c in failing], [_asked_in(c) for c in passing])
    ranked = pick_conversations(passing, len(passing))
    ranked.sort(key=lambda c: -(_share(_tools_of(c), tools) + _share(_asked_in(c), asked)))
    return ranked[:limit]


def _telling(failing: Sequence[set[str]], passing: Sequence[set[str]]) -> dict[str, float]:
    """What is in more of the failing ones, and by how much, 0..1."""
    usual = _shares(passing)
    return {
        one: more
        for one, share in _shares(failing).items()
        if (more := share - usual.get(one, 0.0)) > 0
    }


def _shares(groups: Sequence[set[str]]) -> dict[str, float]:
    counts = Counter(one for group in groups for one in group)
    return {one: number / len(groups) for one, number in counts.items()}


def _share(own: set[str], weights: Mapping[str, float]) -> float:
    """Of all that tells, how much is in `own`, 0..1."""
    total = sum(weights.values())
    return sum(weights.get(one, 0.0) for one in sorted(own)) / total if total else 0.0


def _tools_of(conversation: Conversation) -> set[str]:
    return {call.name for message in conversation.messages for call in message.tool_calls}


def _asked_in(conversation: Conversation) -> set[str]:
    """Words of what users wrote."""
    said = " ".join(m.text or "" for m in conversation.messages if m.role == "user")
    return {word for word in words(said) if len(word) >= _MIN_LETTERS}
