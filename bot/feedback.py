"""Feedback: what people did with the agent's work, from events to `Correction`s and `Decision`s.

Takes conversations and events, late, repeated and in any order; gives records joined by id. Refuses
what has no text to compare or no id to join by: such an event becomes nothing. Costs nothing.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from bot.edit_types import edit_types
from bot.records import Correction, Decision, in_time
from collector.records import UNKNOWN_AGENT, Conversation, Event, Json

Answer = Literal["approve", "dismiss", "modify", "escalate"]

UNTYPED = frozenset(
    {"edited", "edit", "other", "rejected", "corrected", "correction", "changed", "unknown", "none"}
)
"""Declared types that say no more than that there was a correction."""

SHARED_BY = 3
"""Conversations from which on a declared type is a group of its own."""
_NUMBERS = re.compile(r"\d+(?:[.,:]\d+)*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ANSWERS: Mapping[str, Answer] = {
    **dict.fromkeys(("approve", "approved", "accept", "accepted", "up", "thumbs_up"), "approve"),
    **dict.fromkeys(
        ("dismiss", "dismissed", "reject", "rejected", "down", "thumbs_down"), "dismiss"
    ),
    **dict.fromkeys(("modify", "modified", "edit", "edited"), "modify"),
    **dict.fromkeys(("escalate", "escalated"), "escalate"),
}


def corrections_of(conversation: Conversation) -> tuple[Correction, ...]:
    """The corrections among a conversation's events, oldest first, each event once.

    The declared type is kept; without one, or where it says no more than "edited", the types are
    told from the edit itself and may be none. A user who rates an answer and suggests a better one
    has corrected it, too.
    """
    found = {
        correction.id: replace(
            correction,
            agent=conversation.agent,
            conversation_id=conversation.conversation_id,
            segments={**conversation.segments, **correction.segments},
        )
        for event in conversation.events
        if (correction := _correction(event) or _suggestion(event, conversation)) is not None
    }
    return tuple(sorted(found.values(), key=in_time))


def _suggestion(event: Event, conversation: Conversation) -> Correction | None:
    """A better answer that a user suggested for the one before it.

    It is no edit of that answer, so its length and manner say nothing: the types are the category
    that the user chose, else only that numbers differ.
    """
    suggested = _text(event, "feedback.suggestion", "gen_ai.evaluation.suggestion")
    if event.name != "gen_ai.evaluation.result" or not suggested:
        return None
    rated = _answer_before(conversation, event)
    if rated is None:
        return None
    category = _declared_type(_text(event, "feedback.category", "gen_ai.evaluation.category"))
    numbers = {*_NUMBERS.findall(suggested)} - {*_NUMBERS.findall(rated)}
    return Correction(
        id=event.id,
        agent=conversation.agent,
        conversation_id=conversation.conversation_id,
        reviewer_id=event.user_id or conversation.user_id,
        by="user",
        types=(category,) if category else ("facts_changed",) if numbers else (),
        type_source="declared" if category else "edit",
        segments=_segments(event),
        original=rated,
        corrected=suggested,
        note=_text(event, "gen_ai.evaluation.explanation"),
        at=event.at,
    )


def _answer_before(conversation: Conversation, event: Event) -> str | None:
    for message in reversed(conversation.messages):
        is_before = message.at is None or event.at is None or message.at <= event.at
        if message.role == "assistant" and message.text and is_before:
            return message.text
    return None


def corrections_alone(
    events: Iterable[Event], known: Collection[Correction]
) -> tuple[Correction, ...]:
    """The corrections among `events` that no conversation has; `known` are those that one has.

    A correction says by itself what was written and what should have been, so it counts also
    where the conversation never came or came without an id.
    """
    seen = {correction.id for correction in known}
    found = {
        correction.id: correction
        for event in events
        if event.id not in seen and (correction := _correction(event)) is not None
    }
    return tuple(sorted(found.values(), key=in_time))


def _correction(event: Event) -> Correction | None:
    """What the event says by itself; None where it is no correction or lacks one of the texts."""
    original = _text(event, "original", "correction.original")
    corrected = _text(event, "corrected", "correction.corrected")
    if event.name != "debrief.correction" or original is None or corrected is None:
        return None
    declared = _declared_type(_text(event, "type", "correction.type"))
    return Correction(
        id=event.id,
        agent=event.agent or "unknown",
        conversation_id=event.conversation_id,
        reviewer_id=_id(event, "reviewer.id", "correction.reviewer.id"),
        types=(declared,) if declared else edit_types(original, corrected),
        type_source="declared" if declared else "edit",
        segments=_segments(event),
        original=original,
        corrected=corrected,
        note=_text(event, "note", "correction.note"),
        at=event.at,
    )


def with_shared_types(corrections: Sequence[Correction]) -> tuple[Correction, ...]:
    """The same corrections; a declared type that hardly anybody shares gives way to the edit's.

    People call one thing by many names, and a name that under three conversations of an agent
    have groups nothing. Where the edit is of no type the declared one stays.
    """
    sharing: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in corrections:
        if one.type_source == "declared":
            sharing[one.agent, one.types[0]].add(one.conversation_id or one.id)
    rare = {key for key, conversations in sharing.items() if len(conversations) < SHARED_BY}
    return tuple(
        replace(one, types=types, type_source="edit")
        if one.type_source == "declared"
        and (one.agent, one.types[0]) in rare
        and (types := edit_types(one.original, one.corrected))
        else one
        for one in corrections
    )


def decisions_of(events: Iterable[Event]) -> tuple[Decision, ...]:
    """All decisions, oldest first, each with its last response where there is one.

    A response may come before its decision, twice, or from another conversation: only the decision
    id (and the agent, where two agents use one id) joins them.
    """
    decisions: dict[tuple[str, str], Decision] = {}
    responses: dict[str, dict[str, Event]] = {}
    for event in events:
        if event.name == "debrief.decision" and (decision := _decision(event)):
            decisions[decision.agent, decision.id] = decision
        elif event.name == "debrief.response":
            decision_id = _id(event, "decision.id", "response.decision.id")
            if decision_id and _answer(event):
                responses.setdefault(decision_id, {})[event.id] = event
    agents: dict[str, set[str]] = {}
    for agent, decision_id in decisions:
        agents.setdefault(decision_id, set()).add(agent)
    joined = []
    for (agent, decision_id), decision in decisions.items():
        shared = len(agents[decision_id]) > 1
        answers = [
            event
            for event in responses.get(decision_id, {}).values()
            if not shared or event.agent == agent
        ]
        joined.append(_answered(decision, answers))
    return tuple(sorted(joined, key=in_time))


def _answered(decision: Decision, answers: Iterable[Event]) -> Decision:
    last = max(answers, key=in_time, default=None)
    return decision if last is None else replace(decision, response=_answer(last))


def _decision(event: Event) -> Decision | None:
    decision_id = _id(event, "id", "decision.id")
    if decision_id is None:
        return None
    rules = event.value("rules", "decision.rules")
    return Decision(
        id=decision_id,
        agent=event.agent or UNKNOWN_AGENT,
        conversation_id=event.conversation_id,
        user_id=event.user_id,
        at=event.at,
        action=_text(event, "action", "decision.action") or "",
        confidence=_number(event.value("confidence", "decision.confidence")),
        threshold_name=_text(event, "threshold.name", "decision.threshold.name"),
        threshold_value=_number(event.value("threshold.value", "decision.threshold.value")),
        input_hash=_id(event, "input.hash", "decision.input.hash"),
        features=_features(event),
        rules=tuple(str(rule) for rule in rules) if isinstance(rules, list) else (),
        segments=_segments(event),
    )


def _features(event: Event) -> Mapping[str, float]:
    features = {}
    for key, value in event.attributes.items():
        name = key.removeprefix("decision.")
        number = _number(value)
        if name.startswith("feature.") and number is not None:
            features[name.removeprefix("feature.")] = number
    return features


def _answer(event: Event) -> Answer | None:
    action = _text(event, "action", "response.action") or ""
    return _ANSWERS.get(action.strip().lower().replace("-", "_"))


def _declared_type(text: str | None) -> str | None:
    """One spelling of a declared type; None where it tells nothing."""
    parted = _HUMP.sub("_", text or "")
    name = re.sub(r"[\s_-]+", "_", parted.strip().lower()).strip("_")
    return name if name and name not in UNTYPED else None


def _segments(event: Event) -> dict[str, str]:
    return {
        key.removeprefix("segment."): value if isinstance(value, str) else str(value)
        for key, value in event.attributes.items()
        if key.startswith("segment.") and value is not None
    }


def _text(event: Event, *keys: str) -> str | None:
    value = event.value(*keys)
    return value if isinstance(value, str) else None


def _id(event: Event, *keys: str) -> str | None:
    value = event.value(*keys)
    return str(value) if isinstance(value, str | int) and str(value) else None


def _number(value: Json) -> float | None:
    """A finite number, also where it came as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
