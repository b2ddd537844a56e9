"""The intents of each agent with how many conversations and users each has, as people read them.

Takes what was understood; gives rows for JSON and lines for a terminal. Writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.figures import count
from bot.records import Intent
from bot.understanding import Understanding

EXAMPLES, EXAMPLE_CHARS = 2, 160
"""Of what users wrote, where the settings allow quotes."""
_HEADER = f"{'conversations':>15}{'users':>7}  "
_NO_INTENT = "without an intent: none of these fits"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Where an intent, or one below it, was seen."""

    conversations: Mapping[str, int]
    """By agent, and no agent with 0."""
    users: Mapping[str, int]
    """By agent; a conversation without a user id counts as one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IntentList:
    """What `debrief intents list` shows."""

    intents: tuple[Intent, ...]
    """Of the file, all of them; of those that were discovered, the ones that are seen now."""
    seen: Mapping[str, Seen]
    """By intent id, of all of `intents`."""
    conversations: Mapping[str, int]
    """By agent, the busiest first."""
    unlabelled: Mapping[str, int]
    """Conversations without an intent, by agent."""
    examples: Mapping[str, Sequence[str]]
    """What users of an intent wrote, redacted; empty where the settings allow no quotes."""


def intent_list(understood: Understanding, *, quotes: bool) -> IntentList:
    """Count each conversation for its intents and for all that these are under."""
    columns = (understood.facts[name].to_pylist() for name in ("agent", "conversation_id", "unit"))
    units = {(agent, name): unit for agent, name, unit in zip(*columns, strict=True)}
    parents = {intent.id: intent.parent for intent in understood.taxonomy.intents}
    found: dict[str, dict[str, list[str]]] = {one: defaultdict(list) for one in parents}
    conversations: dict[str, int] = defaultdict(int)
    unlabelled: dict[str, int] = defaultdict(int)
    for key, label in understood.labels.items():
        conversations[label.agent] += 1
        unlabelled[label.agent] += not label.intents
        for intent_id in {up for one, _ in label.intents for up in _with_above(one, parents)}:
            found[intent_id][label.agent].append(units[key])
    seen = {
        intent_id: Seen(
            conversations={agent: len(own) for agent, own in by_agent.items()},
            users={agent: len({*own}) for agent, own in by_agent.items()},
        )
        for intent_id, by_agent in found.items()
    }
    return IntentList(
        intents=tuple(
            intent
            for intent in understood.taxonomy.intents
            # What was discovered once and is not seen now is kept for its id only.
            if seen[intent.id].conversations or understood.taxonomy.source == "repository"
        ),
        seen=seen,
        conversations=dict(sorted(conversations.items(), key=lambda one: (-one[1], one[0]))),
        unlabelled=unlabelled,
        examples=_examples(understood) if quotes else {},
    )


def _with_above(intent_id: str, parents: Mapping[str, str | None]) -> Iterator[str]:
    """The intent and all that it is under; the file is refused where these go in a circle."""
    at: str | None = intent_id
    while at is not None:
        yield at
        at = parents.get(at)


def _examples(understood: Understanding) -> dict[str, list[str]]:
    """What users of each intent wrote, redacted: of those that it fits best."""
    best: dict[str, list[tuple[float, str]]] = {}
    for document in understood.documents:
        label = understood.labels[document.agent, document.conversation_id]
        said = " / ".join(document.text.splitlines())
        for intent_id, confidence in label.intents:
            best.setdefault(intent_id, []).append((-confidence, said[:EXAMPLE_CHARS]))
    return {
        intent_id: [said for _, said in sorted(found)[:EXAMPLES]]
        for intent_id, found in best.items()
    }


def intent_rows(listed: IntentList, *, quotes: bool) -> list[dict[str, Any]]:
    """One row per intent, for JSON; `agents` are those whose users want it, the busiest first."""
    return [
        {
            "id": intent.id,
            "name": intent.name,
            "definition": intent.definition,
            "parent": intent.parent,
            "status": intent.status,
            "agents": sorted(seen.conversations, key=lambda agent: -seen.conversations[agent]),
            "conversations": sum(seen.conversations.values()),
            "users": sum(seen.users.values()),
            **({"examples": list(listed.examples.get(intent.id, ()))} if quotes else {}),
        }
        for intent in listed.intents
        for seen in [listed.seen[intent.id]]
    ]


def agent_rows(listed: IntentList) -> list[dict[str, Any]]:
    """How many conversations each agent has, and how many of them no intent, for JSON."""
    return [
        {"agent": agent, "conversations": total, "without_an_intent": listed.unlabelled[agent]}
        for agent, total in listed.conversations.items()
    ]


def intent_lines(listed: IntentList) -> Iterator[str]:
    """The intents of one agent after the other, then those that nobody wants now."""
    if not listed.intents:
        yield "No intents: too few conversations say something similar."
        return
    without_any = []
    for agent, total in listed.conversations.items():
        own = [one for one in listed.intents if agent in listed.seen[one.id].conversations]
        if own:
            yield f"{agent}: {count(total, 'conversation')}"
            yield f"{_HEADER}intent"
            yield from _of_agent(listed, agent, own, above=None, depth=0)
            if without := listed.unlabelled[agent]:
                yield f"{without:>15,}{'':7}  {_NO_INTENT}"
            yield ""
        else:
            without_any.append(f"{agent} ({total:,})")
    if without_any:
        yield f"No conversation of these agents has an intent: {', '.join(without_any)}."
    unseen = [one for one in listed.intents if not listed.seen[one.id].conversations]
    if unseen:
        yield "In no conversation:"
        for intent in unseen:
            yield f"  {intent.id}  {_name(intent)}"


def _of_agent(
    listed: IntentList, agent: str, own: Sequence[Intent], *, above: str | None, depth: int
) -> Iterator[str]:
    """The intents that are under `above`, the most frequent first, each with what is under it."""
    ids = {intent.id for intent in own}
    here = [one for one in own if (one.parent if one.parent in ids else None) == above]
    for intent in sorted(here, key=lambda one: -listed.seen[one.id].conversations[agent]):
        seen, step = listed.seen[intent.id], "  " * depth
        numbers = f"{seen.conversations[agent]:>15,}{seen.users[agent]:>7,}"
        yield f"{numbers}  {step}{intent.id}  {_name(intent)}"
        told = [intent.definition, *(f"“{said}”" for said in listed.examples.get(intent.id, ()))]
        yield from (f"{'':22}  {step}{' '.join(line.split())}" for line in told if line)
        yield from _of_agent(listed, agent, own, above=intent.id, depth=depth + 1)


def _name(intent: Intent) -> str:
    return intent.name + ("" if intent.status == "active" else f" ({intent.status})")
