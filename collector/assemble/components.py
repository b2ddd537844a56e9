"""Which rows belong together, found by their ids alone, before any text is read.

A component holds all rows that share trace ids and conversation ids, directly or through others.
What one conversation consists of is in one component, except where only the transcripts show that
two belong together: components without an explicit id are merged once their transcripts are hashed
(`collector.assemble.stitch`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from collector.assemble.stitch import stitch
from collector.assemble.told import Told
from collector.assemble.twins import Moments

Place: TypeAlias = tuple[str, str | None]
"""Service and user: only within one can transcripts continue one another."""


class Tie(NamedTuple):
    """Rows that name the same ids. A tuple, because a store has hundreds of thousands."""

    trace_id: str
    """Empty where the rows name none."""
    conversation_id: str | None
    user_id: str | None = None
    service: str | None = None
    event_id: str | None = None
    """Of a log record that names neither trace nor conversation."""
    spans: int = 0
    logs: int = 0
    first_received_ns: int = 0
    last_received_ns: int = 0
    last_ns: int = 0
    """The latest of all times of the rows."""


@dataclass(kw_only=True, slots=True, eq=False)
class Component:
    """Rows that are read together."""

    trace_ids: tuple[str, ...] = ()
    conversation_ids: tuple[str, ...] = ()
    event_ids: tuple[str, ...] = ()
    places: frozenset[Place] = frozenset()
    is_loose: bool = False
    """A part of it has no explicit id: its transcript may show what it belongs to."""
    spans: int = 0
    logs: int = 0
    first_received_ns: int = 0
    last_received_ns: int = 0
    last_ns: int = 0

    @property
    def rows(self) -> int:
        return self.spans + self.logs


def components_of(ties: Iterable[Tie]) -> list[Component]:
    """Gather rows by the ids that they share."""
    known = list(ties)
    sets = _Sets()
    numbers = [sets.number(_first_key(tie)) for tie in known]
    for tie, number in zip(known, numbers, strict=True):
        if tie.trace_id and tie.conversation_id:
            sets.join(number, sets.number(f"c{tie.conversation_id}"))
    gathered: dict[int, list[Tie]] = defaultdict(list)
    for tie, number in zip(known, numbers, strict=True):
        gathered[sets.root(number)].append(tie)
    same: dict[frozenset[Place], frozenset[Place]] = {}
    return [_component(members, same) for members in gathered.values()]


def _first_key(tie: Tie) -> str:
    if tie.trace_id:
        return f"t{tie.trace_id}"
    return f"c{tie.conversation_id}" if tie.conversation_id else f"e{tie.event_id}"


def _component(ties: Sequence[Tie], same: dict[frozenset[Place], frozenset[Place]]) -> Component:
    """`same` has one of equal places, so that what is kept of a component is little."""
    conversation_ids = {tie.conversation_id for tie in ties}
    services = {tie.service or "" for tie in ties}
    users = {tie.user_id for tie in ties}
    traces = {tie.trace_id: None for tie in ties}
    is_loose = False
    if None in conversation_ids:
        is_loose = any(len(ids) != 2 for ids in _of_traces(ties, "conversation_id") if None in ids)
    if None in users and len(users) > 1:
        # The only user of a trace holds for all of it, as its only id does (`traces.plant`).
        own = _of_traces(ties, "user_id")
        users = {user for ids in own for user in (ids - {None} if len(ids) == 2 else ids)}
    places = frozenset((service, user) for service in services for user in users)
    traces.pop("", None)
    return Component(
        trace_ids=tuple(traces),
        conversation_ids=tuple(sorted(filter(None, conversation_ids))),
        event_ids=tuple(tie.event_id for tie in ties if tie.event_id),
        places=same.setdefault(places, places),
        is_loose=is_loose,
        spans=sum([tie.spans for tie in ties]),
        logs=sum([tie.logs for tie in ties]),
        first_received_ns=min([tie.first_received_ns for tie in ties]),
        last_received_ns=max([tie.last_received_ns for tie in ties]),
        last_ns=max([tie.last_ns for tie in ties]),
    )


def _of_traces(ties: Iterable[Tie], name: str) -> Iterable[set[str | None]]:
    """What the rows of each trace name."""
    found: dict[str, set[str | None]] = defaultdict(set)
    for tie in ties:
        found[tie.trace_id].add(getattr(tie, name))
    return found.values()


def merged(components: Sequence[Component]) -> Component:
    """Several components as one."""
    return Component(
        trace_ids=tuple(each for one in components for each in one.trace_ids),
        conversation_ids=tuple(each for one in components for each in one.conversation_ids),
        event_ids=tuple(each for one in components for each in one.event_ids),
        places=frozenset(place for one in components for place in one.places),
        is_loose=any(one.is_loose for one in components),
        spans=sum(one.spans for one in components),
        logs=sum(one.logs for one in components),
        first_received_ns=min(one.first_received_ns for one in components),
        last_received_ns=max(one.last_received_ns for one in components),
        last_ns=max(one.last_ns for one in components),
    )


def continued(told: Mapping[int, Sequence[Told]]) -> list[list[int]]:
    """Say which components continue one another, by their numbers: those of two or more.

    Takes what the parts of each component said.
    """
    parts = sorted(
        ((one, number) for number, ones in told.items() for one in ones),
        key=lambda part: part[0].age,
    )
    sets = _Sets()
    for group in stitch([one for one, _ in parts]):
        first, *others = (sets.number(f"n{parts[place][1]}") for place in group)
        for other in others:
            sets.join(first, other)
    for one, number in parts:
        own = sets.number(f"n{number}")
        # The history of a response is put before the call that continues it by its id.
        for response_id in one.response_ids:
            sets.join(own, sets.number(f"r{one.service} {response_id}"))
        for response_id in one.previous_response_ids:
            sets.join(own, sets.number(f"r{one.service} {response_id}"))
        for request in (*one.requests, *one.unasked):
            sets.join(own, sets.number(f"q{one.service} {request}"))
        if one.conversation_id:
            sets.join(own, sets.number(f"c{one.conversation_id}"))
    _join_twins(parts, sets)
    together: dict[int, list[int]] = defaultdict(list)
    for number in told:
        together[sets.root(sets.number(f"n{number}"))].append(number)
    return [numbers for numbers in together.values() if len(numbers) > 1]


def _join_twins(parts: Sequence[tuple[Told, int]], sets: _Sets) -> None:
    spoken = [(moment, number) for one, number in parts for moment in one.spoken]
    moments = Moments([moment for moment, _ in spoken])
    for one, number in parts:
        for moment in one.silent:
            twin = moments.twin_of(moment)
            if twin is not None:
                sets.join(sets.number(f"n{number}"), sets.number(f"n{spoken[twin][1]}"))


def in_buckets(components: Iterable[Component], *, rows: int) -> Iterator[list[Component]]:
    """Divide components into lists of about so many rows each.

    In the order in which compaction lays rows down (day of receipt, conversation), so that a bucket
    touches few files, and few row groups of a file.
    """
    bucket: list[Component] = []
    size = 0
    for component in sorted(components, key=_laid_down):
        if bucket and size + component.rows > rows:
            yield bucket
            bucket, size = [], 0
        bucket.append(component)
        size += component.rows
    if bucket:
        yield bucket


_DAY_NS = 86_400 * 10**9


def _laid_down(component: Component) -> tuple[int, int, str]:
    day = component.first_received_ns // _DAY_NS
    days = component.last_received_ns // _DAY_NS - day
    # Those that last for weeks are read together: each would make its bucket look at all files.
    return (days > 1, day, min((*component.conversation_ids, *component.trace_ids), default=""))


class _Sets:
    """Disjoint sets of keys."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._above: list[int] = []

    def number(self, key: str) -> int:
        number = self._numbers.setdefault(key, len(self._above))
        if number == len(self._above):
            self._above.append(number)
        return number

    def root(self, number: int) -> int:
        above = self._above
        while above[number] != number:
            above[number] = above[above[number]]
            number = above[number]
        return number

    def join(self, one: int, other: int) -> None:
        self._above[self.root(other)] = self.root(one)
