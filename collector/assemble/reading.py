"""The store's rows to conversations of a period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from collector.assemble.assembly import Dated, dated, user_events
from collector.assemble.events import event_of
from collector.dialects.spans import Row, read_row
from collector.records import Conversation, Event, Unreadable

if TYPE_CHECKING:
    from collector.store import Store

LONGEST_CONVERSATION = timedelta(days=30)
"""How long before `since` the first span of a conversation may have been received. Of a longer one
only what each later call repeats is read, which is mostly all."""
_ROWS = 2000


def read_conversations(
    store: Store,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    agent: str | None = None,
    received_since: datetime | None = None,
) -> Iterator[Conversation | Unreadable]:
    """Give the conversations with `since <= last message < until`, in order of start and id.

    Where no time is known, the time of receipt counts. `received_since` bounds what is read
    instead: then old conversations that were imported lately are given too. `Unreadable`s come
    first, of all agents.

    Raises:
        StoreError: the store cannot be read.
    """
    received = since - LONGEST_CONVERSATION if since else received_since
    spans = _rows(store, "spans", received)
    for found in dated(spans, _rows(store, "events", received)):
        if isinstance(found, Unreadable):
            yield found
        elif _is_within(found, since, until) and agent in (None, found.conversation.agent):
            yield found.conversation


def read_user_events(
    store: Store, *, received_since: datetime | None = None, until: datetime | None = None
) -> list[Event]:
    """Give the events that are tied to a user only, such as churn, oldest first.

    `until` is about when they happened; events without a time are always given.

    Raises:
        StoreError: the store cannot be read.
    """
    events = user_events(_rows(store, "events", received_since))
    return [event for event in events if event.at is None or _between(event.at, None, until)]


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
    wanted = set(names)
    rows = (row for row in _rows(store, "events", received_since) if row["name"] in wanted)
    events = (event_of(row) for row in rows)
    return [event for event in events if event.at is None or _between(event.at, None, until)]


def _rows(store: Store, table: str, since: datetime | None) -> Iterator[Row]:
    for batch in store.scan(table, since=since).to_batches(max_chunksize=_ROWS):
        yield from map(read_row, batch.to_pylist())


def _is_within(found: Dated, since: datetime | None, until: datetime | None) -> bool:
    received = datetime.fromtimestamp(found.received_ns // 1_000_000_000, UTC)
    return _between(found.conversation.ended_at or received, since, until)


def _between(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or since <= at) and (until is None or at < until)
