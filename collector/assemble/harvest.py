"""One piece of work of reading a store: the rows of some components to drafts.

It runs in this process or in another, so that what goes in and what comes out can be pickled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from collector.assemble.assembly import Left, gather, tell_apart
from collector.assemble.components import Component
from collector.assemble.drafts import Card, Draft
from collector.assemble.drawer import packed
from collector.assemble.planning import CONTENT
from collector.assemble.rows import rows_of
from collector.assemble.told import Told
from collector.dialects.spans import Row
from collector.times import EPOCH, to_ns

if TYPE_CHECKING:
    from collector.store import Store

_WRITTEN_WITHIN = timedelta(hours=1)
"""What was received before midnight may lie in the folder of the day on which it was written."""
Ids: TypeAlias = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""Trace ids, conversation ids and event ids of one component."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Some components, and when their rows were received."""

    components: tuple[Ids, ...]
    since: datetime
    until: datetime
    has_logs: bool
    rows: int

    @classmethod
    def of(cls, components: Sequence[Component]) -> Work:
        first = min(one.first_received_ns for one in components)
        last = max(one.last_received_ns for one in components)
        return cls(
            components=tuple(
                (one.trace_ids, one.conversation_ids, one.event_ids) for one in components
            ),
            since=EPOCH + timedelta(microseconds=first // 1000),
            until=EPOCH + timedelta(microseconds=last // 1000 + 1) + _WRITTEN_WITHIN,
            has_logs=any(one.logs for one in components),
            rows=sum(one.rows for one in components),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Which conversations are asked for."""

    since: datetime | None = None
    until: datetime | None = None
    agent: str | None = None
    received_ns: int = 0
    """Something of them was received at or after this."""
    ids: frozenset[str] = frozenset()
    """Trace and conversation ids about which an event was received since then."""
    conversation_ids: frozenset[str] | None = None
    """Their ids, where single ones are asked for."""
    named: frozenset[str] | None = None
    """Trace ids and response ids that events name, where that is known: only these have to stay
    findable."""

    def may_take(self, component: Component) -> bool:
        """Whether a conversation that is asked for may be in a component."""
        if self.since and component.last_ns < to_ns(self.since):
            return False
        if self.conversation_ids is not None:
            made = (f"trace-{trace_id}" for trace_id in component.trace_ids)
            return not self.conversation_ids.isdisjoint((*component.conversation_ids, *made))
        if component.last_received_ns >= self.received_ns:
            return True
        return not self.ids.isdisjoint((*component.trace_ids, *component.conversation_ids))

    def takes(self, draft: Draft) -> bool:
        conversation, card = draft.conversation, draft.card
        if self.agent not in (None, conversation.agent):
            return False
        if self.conversation_ids is not None:
            return conversation.conversation_id in self.conversation_ids
        received = datetime.fromtimestamp(draft.received_ns // 1_000_000_000, UTC)
        if not between(conversation.ended_at or received, self.since, self.until):
            return False
        if draft.received_ns >= self.received_ns or card.conversation_id in self.ids:
            return True
        return not self.ids.isdisjoint(card.trace_ids)


@dataclass(slots=True)
class Batch:
    """What came of one piece of work."""

    drafts: list[tuple[Card, bytes | None]] = field(default_factory=list)
    """Packed; None where it is not asked for, but events may speak about it."""
    left: Left = field(default_factory=Left)


def draft_work(store: Store, work: Work, asked: Asked) -> Batch:
    """Read the rows and draft their conversations.

    Raises:
        StoreError: the store cannot be read.
    """
    batch = Batch()
    for spans, logs in _each(store, work):
        left = Left()
        drafts = list(gather(spans, logs, left))
        named = asked.named
        if named is not None and left.ratings:
            named |= {row["trace_id"] for row in left.ratings}
        batch.left.add(left)
        for draft in drafts:
            content = packed(draft) if asked.takes(draft) else None
            batch.drafts.append((_short(draft.card, named), content))
    return batch


def tell_work(store: Store, work: Work, _: Asked) -> list[list[Told]]:
    """Read the rows and say of each component what its parts show.

    Raises:
        StoreError: the store cannot be read.
    """
    return [tell_apart(*rows) for rows in _each(store, work)]


def between(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or since <= at) and (until is None or at < until)


def _short(card: Card, named: frozenset[str] | None) -> Card:
    """A card with no more than what events name: there is one for every conversation."""
    traces, responses = card.trace_ids, card.response_ids
    if named is not None:
        traces, responses = traces & named or _NONE, responses & named or _NONE
    return replace(card, agents=_same(card.agents), trace_ids=traces, response_ids=responses)


_NONE: frozenset[str] = frozenset()


@lru_cache(maxsize=1000)
def _same(agents: frozenset[str]) -> frozenset[str]:
    return agents


def _each(store: Store, work: Work) -> Iterator[tuple[Sequence[Row], Sequence[Row]]]:
    """The rows of `spans` and of `events` of each component, in the order of the store."""
    traces = {each: n for n, ids in enumerate(work.components) for each in ids[0]}
    conversations = {each: n for n, ids in enumerate(work.components) for each in ids[1]}
    records = {each: n for n, ids in enumerate(work.components) for each in ids[2]}
    values: dict[str, Any] = {"traces": list(traces)}
    spans = store.scan(
        "spans",
        since=work.since,
        until=work.until,
        where="trace_id in (select unnest($traces))",
        parameters=values,
    )
    span_rows: list[list[Row]] = [[] for _ in work.components]
    for row in rows_of(spans):
        span_rows[traces[row["trace_id"]]].append(row)
    del spans
    log_rows: list[list[Row]] = [[] for _ in work.components]
    if work.has_logs:
        logs = store.scan(
            "events",
            since=work.since,
            until=work.until,
            where=f"{CONTENT} and (trace_id in (select unnest($traces)) or conversation_id in "
            "(select unnest($conversations)) or event_id in (select unnest($records)))",
            parameters=values | {"conversations": list(conversations), "records": list(records)},
        )
        for row in rows_of(logs):
            trace, conversation, record = (row[name] for name in _TIES)
            place = traces.get(trace, conversations.get(conversation, records.get(record, 0)))
            log_rows[place].append(row)
    for number in range(len(work.components)):
        yield span_rows[number], log_rows[number]
        span_rows[number] = log_rows[number] = []  # What was read need not be kept.


_TIES = ("trace_id", "conversation_id", "event_id")
