"""Conversations as their spans tell them, and what events add to them once all are known."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from collector.records import Conversation, Event
from collector.times import EPOCH, to_ns


@dataclass(frozen=True, slots=True, order=True)
class Flag:
    """One evaluation of a feature flag."""

    at_ns: int
    variant: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What stays in memory of a draft: where it is in the order, and what an event can name."""

    order: tuple[float, str, str]
    """Start (the beginning of time where it is not known), conversation id, agent."""
    conversation_id: str
    agents: frozenset[str]
    """Names under which events may speak about it: the agent's and those of the services."""
    trace_ids: frozenset[str]
    response_ids: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A conversation that no event was joined to yet."""

    conversation: Conversation
    flag: Flag | None
    """The first that its own spans evaluated; the variant is this one's so far."""
    received_ns: int
    """When the last of its spans was received."""
    card: Card


def order_of(conversation: Conversation) -> tuple[float, str, str]:
    """Conversations come in order of start, id and agent; those without a start come first."""
    started_at = conversation.started_at
    return (
        started_at.timestamp() if started_at else float("-inf"),
        conversation.conversation_id,
        conversation.agent,
    )


def when(event: Event) -> tuple[datetime, str]:
    """Order of events: by time, those without one first."""
    return (event.at or EPOCH, event.id)


def finish(
    draft: Draft,
    *,
    events: Iterable[Event],
    flags: Iterable[Flag],
    user_flags: Mapping[str, Sequence[Flag]],
) -> Conversation:
    """Add what events say.

    `events` and `flags` are the conversation's own, in any order; `user_flags` are those of every
    user, in time order.
    """
    conversation = draft.conversation
    in_order = sorted(events, key=when)
    user_id = conversation.user_id or next((e.user_id for e in in_order if e.user_id), None)
    own = sorted([*flags, *([draft.flag] if draft.flag else ())])
    variant = next((flag.variant for flag in own if flag.variant), None)
    if variant is None and user_id is not None:
        variant = _in_force(user_flags.get(user_id, ()), conversation.ended_at)
    if not in_order and variant == conversation.variant:
        return conversation
    segments = dict(conversation.segments)
    for event in in_order:
        for key, value in event.attributes.items():
            if key.startswith("segment.") and value is not None:
                segments[key.removeprefix("segment.")] = str(value)
    return replace(
        conversation,
        user_id=user_id,
        variant=variant,
        segments=segments,
        events=tuple(in_order),
    )


def _in_force(flags: Sequence[Flag], ended_at: datetime | None) -> str | None:
    """The last variant that the user was given before the end of a conversation."""
    if ended_at is None:
        return None
    ended_ns = to_ns(ended_at) + 999
    before = bisect_right(flags, ended_ns, key=lambda flag: flag.at_ns)
    return flags[before - 1].variant if before else None
