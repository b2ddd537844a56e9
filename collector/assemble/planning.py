"""The store's ids to a plan: which rows are read together, and which need not be read.

Only the narrow columns are read here. Costs well under a second for a million spans.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from collector import semconv
from collector.assemble.components import Component, Tie, components_of, continued, merged
from collector.assemble.rows import values_of
from collector.assemble.told import Told
from collector.dialects import SESSION_SCOPES
from collector.dialects.spans import Row
from collector.store.reading import Query, read_table

if TYPE_CHECKING:
    from collector.store import Store

CONTENT = "(name in ({}) or {})".format(
    ", ".join(f"'{name}'" for name in sorted(semconv.CONTENT_EVENTS)),
    " or ".join(f"coalesce(starts_with(scope, '{scope}'), false)" for scope in SESSION_SCOPES),
)
"""SQL: a row of `events` is a piece of a model call or of a session."""
OTHER_EVENTS = f"not coalesce({CONTENT}, false)"

TellParts: TypeAlias = Callable[[Sequence[Component]], Mapping[int, Sequence[Told]]]
"""Reads components and says what each, by its number, shows of what it continues."""

_IDS = ["trace_id", "conversation_id", "user_id", "service"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is read of a store."""

    components: list[Component]
    has_others: bool = False
    """Some components are not read, because nothing of them is asked for."""
    other_ids: frozenset[str] = field(default_factory=frozenset)
    """Trace ids and conversation ids of those."""

    def elsewhere(self, event: Row) -> bool:
        """Whether an event speaks of a conversation that is not read, or may do so."""
        ids = (event["conversation_id"], event["trace_id"])
        if any(each in self.other_ids for each in ids if each):
            return True
        return self.has_others and bool(event["response_id"])


def find_components(store: Store, *, received_since: datetime | None) -> list[Component]:
    """Gather all rows received since then by the ids that they share.

    Raises:
        StoreError: the store cannot be read.
    """
    return components_of([*_span_ties(store, received_since), *_log_ties(store, received_since)])


def find_some(store: Store, conversation_ids: Iterable[str]) -> tuple[list[Component], bool]:
    """Gather the rows of these conversations, and of all that shares their ids.

    Says also whether a transcript may show that something else belongs to one of them: they have
    parts without an explicit id, or such rows of the same service and user are beside them.

    Raises:
        StoreError: the store cannot be read.
    """
    ids = set(conversation_ids)
    about = _About(ids, {made[1] for each in ids if (made := _MADE.fullmatch(each))})
    ties: list[Tie] = []
    has_neighbours = False
    about.grow(_span_ties(store, None, _About.BY_ID, {"ids": sorted(ids)}))
    reads = [_span_ties, _log_ties]
    settled = 0
    while settled < len(reads):
        found = list(reads[settled](store, None, _About.WHERE, about.values()))
        own = [tie for tie in found if about.holds(tie)]
        if about.grow(own):
            ties, has_neighbours, settled = [], False, 0
            continue
        ties += own
        has_neighbours = has_neighbours or len(own) < len(found)
        settled += 1
    components = components_of(ties)
    return components, has_neighbours or any(one.is_loose for one in components)


_MADE = re.compile(r"trace-(.+)")
"""The id of a conversation whose sender gave none."""


@dataclass(frozen=True, slots=True)
class _About:
    """Ids that belong together, as far as they are known."""

    WHERE: ClassVar[str] = (
        "(conversation_id in (select unnest($ids)) or trace_id in (select unnest($traces)) "
        "or (conversation_id is null and coalesce(service, '') in (select unnest($services)) "
        "and (user_id is null or user_id in (select unnest($users)))))"
    )
    """SQL: rows with one of the ids, and those beside them that have none."""
    BY_ID: ClassVar[str] = "conversation_id in (select unnest($ids))"
    """SQL: most of the former, at a third of the price."""

    ids: set[str]
    traces: set[str]
    services: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)

    def values(self) -> dict[str, list[str]]:
        names = ("ids", "traces", "services", "users")
        return {name: sorted(getattr(self, name)) for name in names}

    def holds(self, tie: Tie) -> bool:
        return tie.conversation_id in self.ids or tie.trace_id in self.traces

    def grow(self, ties: Iterable[Tie]) -> bool:
        """Add the ids of these; says whether any was new."""
        known = self._size()
        for tie in ties:
            self.ids.update(filter(None, [tie.conversation_id]))
            self.traces.update(filter(None, [tie.trace_id]))
            self.users.update(filter(None, [tie.user_id]))
            self.services.add(tie.service or "")
        return self._size() > known

    def _size(self) -> int:
        return len(self.ids) + len(self.traces) + len(self.services) + len(self.users)


def _span_ties(
    store: Store,
    since: datetime | None,
    where: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> Iterator[Tie]:
    times = ["start_ns", "end_ns", "received_ns"]
    columns = [*_IDS, *times]
    query = Query("spans", since, None, where, values, columns, is_once=False)
    rows = read_table(store.files, query)
    return _ties(rows, _IDS, latest=times, is_span=True)


def _log_ties(
    store: Store,
    since: datetime | None,
    where: str = "true",
    values: Mapping[str, Any] | None = None,
) -> Iterator[Tie]:
    times, keys = ["at_ns", "received_ns"], [*_IDS, "event_id"]
    condition = f"{CONTENT} and {where}"
    query = Query("events", since, None, condition, values, [*keys, *times], is_once=False)
    rows = read_table(store.files, query)
    return _ties(rows, keys, latest=times, is_span=False)


def _ties(
    rows: pa.Table, keys: Sequence[str], *, latest: Sequence[str], is_span: bool
) -> Iterator[Tie]:
    aggregates: list[Any] = [(name, "max") for name in latest]
    aggregates += [("received_ns", "min"), ("received_ns", "count")]
    found = rows.group_by(list(keys)).aggregate(aggregates)
    last = pc.max_element_wise(*(found[f"{name}_max"] for name in latest))
    counts, none = values_of(found["received_ns_count"]), [0] * found.num_rows
    columns = (
        values_of(found["trace_id"].fill_null("")),
        values_of(found["conversation_id"]),
        values_of(found["user_id"]),
        values_of(found["service"]),
        [None] * found.num_rows if is_span else values_of(found["event_id"]),
        counts if is_span else none,
        none if is_span else counts,
        values_of(found["received_ns_min"].fill_null(0)),
        values_of(found["received_ns_max"].fill_null(0)),
        values_of(last.fill_null(0)),
    )
    return map(Tie._make, zip(*columns, strict=True))


def plan(
    components: Sequence[Component],
    *,
    is_asked: Callable[[Component], bool],
    tell: TellParts,
    most_rows: int,
) -> Plan:
    """Choose what is read: what is asked for, and what its transcripts may continue.

    Components that few rows tell apart (`most_rows`) are read as one; else `tell` reads them and
    says what they continue.
    """
    asked = {number for number, one in enumerate(components) if is_asked(one)}
    involved = _involved(components, asked)
    groups: list[list[int]] = []
    if involved and sum(components[number].rows for number in involved) <= most_rows:
        groups = [sorted(involved)]
    elif involved:
        groups = _continued(components, involved, tell)
    grouped = {number for numbers in groups for number in numbers}
    read = [components[number] for number in sorted(asked - grouped)]
    read += [
        merged([components[number] for number in numbers])
        for numbers in groups
        if not asked.isdisjoint(numbers)
    ]
    known = asked | grouped
    others = [one for number, one in enumerate(components) if number not in known]
    return Plan(
        components=read,
        has_others=bool(others),
        other_ids=frozenset(
            each for one in others for each in (*one.trace_ids, *one.conversation_ids)
        ),
    )


def _involved(components: Sequence[Component], asked: Collection[int]) -> set[int]:
    """The components that may belong to one another, where something is asked for.

    Those in places where something has no explicit id; and, because of one call told in two traces,
    what has neither id nor user and is as new.
    """
    places = {place for number in asked for place in components[number].places}
    if not any(one.is_loose for one in components):
        return set()
    services = {service for service, _ in places}
    oldest_ns = min((components[number].first_received_ns for number in asked), default=0)
    unnamed = {
        number
        for number, one in enumerate(components)
        if one.is_loose
        and one.last_ns >= oldest_ns - _HOUR_NS
        and any(user is None and service in services for service, user in one.places)
    }
    loose = {place for one in components if one.is_loose for place in one.places} & places
    beside = {service for number in unnamed for service, _ in components[number].places}
    return unnamed | {
        number
        for number, one in enumerate(components)
        if not loose.isdisjoint(one.places)
        or (number in asked and any(service in beside for service, _ in one.places))
    }


_HOUR_NS = 3600 * 10**9


def _continued(
    components: Sequence[Component], involved: Iterable[int], tell: TellParts
) -> list[list[int]]:
    """Say which components continue one another; those with an id are read where one without
    has said anything at all."""
    numbers = sorted(involved)
    loose = [number for number in numbers if components[number].is_loose]
    told = _numbered(loose, tell([components[number] for number in loose]))
    parts = [one for ones in told.values() for one in ones]
    places = {(one.service, one.user_id) for one in parts if one.is_open}
    services = {one.service for one in parts if one.silent}
    rest = [
        number
        for number in numbers
        if not components[number].is_loose
        and (
            not places.isdisjoint(components[number].places)
            or any(service in services for service, _ in components[number].places)
        )
    ]
    told |= _numbered(rest, tell([components[number] for number in rest]) if rest else {})
    return continued(told)


def _numbered(
    numbers: Sequence[int], told: Mapping[int, Sequence[Told]]
) -> dict[int, Sequence[Told]]:
    return {numbers[place]: ones for place, ones in told.items()}
