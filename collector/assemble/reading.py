"""The store's rows to conversations of a period.

The ids of all rows are read first (`planning`), then the texts, bucket by bucket, so that memory is
bounded by a bucket. Finished drafts wait in a drawer, because they come in order of time and events
are joined when all are known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

from collector import semconv
from collector.assemble.assembly import Left, deliver, user_events
from collector.assemble.components import Component
from collector.assemble.drafts import Card, Draft
from collector.assemble.drawer import Drawer
from collector.assemble.events import event_of
from collector.assemble.harvest import Asked, between
from collector.assemble.planning import (
    OTHER_EVENTS,
    Plan,
    find_components,
    find_some,
    plan,
)
from collector.assemble.rows import rows_of
from collector.assemble.workers import Means, Workers
from collector.dialects.spans import Row
from collector.records import Conversation, Event, Unreadable
from collector.times import EPOCH, to_ns

if TYPE_CHECKING:
    from collector.store import Store

LONGEST_CONVERSATION = timedelta(days=30)
"""How long before the period the first span of a conversation may have been received. Of a longer
one only what each later call repeats is read, which is mostly all."""


def read_conversations(
    store: Store,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    agent: str | None = None,
    received_since: datetime | None = None,
    means: Means = Means(),  # noqa: B008 -- frozen
) -> Iterator[Conversation | Unreadable]:
    """Give the conversations with `since <= last message < until`, in order of start and id.

    Where no time is known, the time of receipt counts. `received_since` asks for those of which a
    span or an event was received since then, whenever they happened; they are read whole.
    `Unreadable`s come first, of all agents.

    Raises:
        StoreError: the store cannot be read.
    """
    begin = min(filter(None, (since, received_since)), default=None)
    received = begin - LONGEST_CONVERSATION if begin else None
    new = _names(store, ("trace_id", "conversation_id"), received_since) if received_since else None
    asked = Asked(
        since=since,
        until=until,
        agent=agent,
        received_ns=to_ns(received_since) if received_since else 0,
        ids=new or frozenset(),
        named=_names(store, ("trace_id", "response_id"), received),
    )
    components = find_components(store, received_since=received)
    with Workers(store, asked, means) as workers, Drawer() as drawer:
        chosen = _plan(components, asked, workers, means)
        left, filed = _draft(chosen, workers, drawer)
        yield from left.told()
        events = _rows(store, "events", received, OTHER_EVENTS)
        yield from deliver(filed, chain(events, left.ratings), elsewhere=chosen.elsewhere)


def read_some(
    store: Store,
    conversation_ids: Collection[str],
    *,
    means: Means = Means(),  # noqa: B008 -- frozen
) -> Iterator[Conversation]:
    """Give the conversations with these ids, whole, of every agent that has them.

    Costs nothing but their own rows, where the ids of conversations are sent. Where some are not,
    what may belong to them is looked for in the transcripts of the same service and user.

    Raises:
        StoreError: the store cannot be read.
    """
    asked = Asked(conversation_ids=frozenset(conversation_ids))
    components, is_loose = find_some(store, conversation_ids)
    if not components:
        return
    if is_loose:
        first_ns = min(one.first_received_ns for one in components)
        since = EPOCH + timedelta(microseconds=first_ns // 1000) - LONGEST_CONVERSATION
        components = find_components(store, received_since=since)
    with Workers(store, asked, means) as workers, Drawer() as drawer:
        chosen = _plan(components, asked, workers, means)
        left, filed = _draft(chosen, workers, drawer)
        events = _events_about(store, [card for card, _ in filed])
        for found in deliver(filed, chain(events, left.ratings)):
            if isinstance(found, Conversation):
                yield found


Filed = list[tuple[Card, Callable[[], Draft | None]]]


def _plan(components: list[Component], asked: Asked, workers: Workers, means: Means) -> Plan:
    return plan(components, is_asked=asked.may_take, tell=workers.tell, most_rows=means.bucket_rows)


def _draft(chosen: Plan, workers: Workers, drawer: Drawer) -> tuple[Left, Filed]:
    left, filed = Left(), Filed()
    for batch in workers.draft(chosen.components):
        left.add(batch.left)
        for card, content in batch.drafts:
            filed.append((card, drawer.put(content) if content else _not_asked))
    return left, filed


def _not_asked() -> None:
    return None


def _events_about(store: Store, cards: Sequence[Card]) -> Iterator[Row]:
    """Events that may speak about these drafts, and flags of the users."""
    return _rows(
        store,
        "events",
        None,
        f"{OTHER_EVENTS} and (conversation_id in (select unnest($ids)) or trace_id in "
        "(select unnest($traces)) or response_id in (select unnest($responses)) or name in "
        "(select unnest($flags)))",
        ids=[card.conversation_id for card in cards],
        traces=[trace_id for card in cards for trace_id in card.trace_ids],
        responses=[response_id for card in cards for response_id in card.response_ids],
        flags=list(semconv.FLAG_EVENTS),
    )


def _names(store: Store, columns: Sequence[str], since: datetime | None) -> frozenset[str]:
    """All that these columns of events hold."""
    rows = store.scan("events", since=since, columns=columns, where=OTHER_EVENTS)
    return frozenset(
        value for name in columns for value in rows[name].unique().to_pylist() if value
    )


def read_user_events(
    store: Store, *, received_since: datetime | None = None, until: datetime | None = None
) -> list[Event]:
    """Give the events that are tied to a user or an account only, such as churn, oldest first.

    `until` is about when they happened; events without a time are always given.

    Raises:
        StoreError: the store cannot be read.
    """
    events = user_events(_rows(store, "events", received_since, OTHER_EVENTS))
    return [event for event in events if event.at is None or between(event.at, None, until)]


def read_events(
    store: Store,
    names: Iterable[str],
    *,
    received_since: datetime | None = None,
    until: datetime | None = None,
) -> list[Event]:
    """Give all events of these names, whatever they are tied to, in the order of receipt.

    Decisions and their responses need no conversation: an agent may only ever decide.

    Raises:
        StoreError: the store cannot be read.
    """
    wanted = "name in (select unnest($names))"
    rows = _rows(store, "events", received_since, wanted, names=list(names))
    events = (event_of(row) for row in rows)
    return [event for event in events if event.at is None or between(event.at, None, until)]


def _rows(
    store: Store, table: str, since: datetime | None, where: str, **parameters: Any
) -> Iterator[Row]:
    return rows_of(store.scan(table, since=since, where=where, parameters=parameters))
