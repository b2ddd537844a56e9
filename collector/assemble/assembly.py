"""Rows to conversations: the pure core that joins the steps of this package.

`gather` reads spans, as many as belong together, and gives drafts; `deliver` joins the events of
all of them and gives conversations. Between the two drafts may lie anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from collector import semconv
from collector.assemble.chains import follow_responses, restore_requests
from collector.assemble.conversations import build
from collector.assemble.drafts import Card, Draft, finish, when
from collector.assemble.events import Joins, event_of, is_content
from collector.assemble.logs import by_call
from collector.assemble.parts import Part
from collector.assemble.sessions import read_sessions
from collector.assemble.sources import read_sources
from collector.assemble.stitch import stitch
from collector.assemble.told import Told, tell
from collector.assemble.traces import Node, is_of_a_model, newest, plant, units
from collector.assemble.transcript import Keys
from collector.assemble.twins import fold_twins
from collector.dialects.feedback import feedback_rows
from collector.dialects.spans import Row, Span
from collector.records import Conversation, Event, Unreadable


@dataclass(slots=True)
class Left:
    """What did not become a conversation, or is none."""

    unreadable: list[Unreadable] = field(default_factory=list)
    silent: Counter[str] = field(default_factory=Counter)
    """Traces without a model call that could be read, by their instrumentation."""
    lost: Counter[str] = field(default_factory=Counter)
    """Log records that name neither session nor trace, by their instrumentation."""
    ratings: list[Row] = field(default_factory=list)
    """Rows of `events` for ratings that travelled as spans."""

    def add(self, other: Left) -> None:
        self.unreadable += other.unreadable
        self.silent += other.silent
        self.lost += other.lost
        self.ratings += other.ratings

    def told(self) -> Iterator[Unreadable]:
        for scope, count in self.lost.items():
            what = f"{count} log record{'s' * (count > 1)} of {scope}"
            yield Unreadable(what=what, reason="no session id and no trace id")
        yield from self.unreadable
        for scope, count in sorted(self.silent.items()):
            yield Unreadable(
                what=f"{count} trace{'s' * (count > 1)} of the instrumentation {scope!r}",
                reason="no model call in it is in a dialect that is read; "
                "see docs for those that are",
            )


def assemble(spans: Iterable[Row], events: Iterable[Row]) -> Iterator[Conversation | Unreadable]:
    """Give every conversation of these rows, in order of its start and its id.

    Conversations whose start is not known come first, and `Unreadable`s before all.
    """
    rows = _once(events)
    left = Left()
    drafts = list(gather(spans, rows, left))
    filed = [(draft.card, lambda draft=draft: draft) for draft in drafts]
    yield from left.told()
    yield from deliver(filed, [*rows, *left.ratings])


def gather(spans: Iterable[Row], logs: Sequence[Row], left: Left) -> Iterator[Draft]:
    """Give the conversations of rows that hold, of each, all that belongs to it.

    `logs` are rows of `events`, each once; those that are no content are passed over. What did not
    become a conversation is added to `left`.
    """
    parts = _parts(spans, logs, left)
    follow_responses(source for part in parts for source in part.sources.calls)
    restore_requests(source for part in parts for source in part.sources.calls)
    keys = Keys()
    for group in _groups(parts, keys):
        yield build(group, conversation_id=_conversation_id(group), keys=keys)


def _groups(parts: Sequence[Part], keys: Keys) -> list[list[Part]]:
    if all(part.unit.conversation_id for part in parts):
        return [[part] for part in parts]
    stitched = stitch([tell(part, keys) for part in parts])
    return [[parts[number] for number in numbers] for numbers in stitched]


def tell_apart(spans: Iterable[Row], logs: Sequence[Row]) -> list[Told]:
    """Say of the parts in these rows what shows which other parts continue them."""
    keys = Keys()
    return [tell(part, keys) for part in _parts(spans, logs, Left())]


def deliver(
    filed: Iterable[tuple[Card, Callable[[], Draft | None]]],
    events: Iterable[Row],
    *,
    elsewhere: Callable[[Row], bool] = lambda _: False,
) -> Iterator[Conversation | Unreadable]:
    """Join events to drafts and give the conversations in their order.

    Takes the card of every draft and how to get it: None where it is known and not asked for.
    Events are rows, each once. `elsewhere` says of one that speaks about none of the drafts
    whether its conversation is known to be another.
    """
    joins = Joins()
    in_order = sorted(((card, fetch, joins.add(card)) for card, fetch in filed), key=_order)
    yield from joins.join(events, elsewhere=elsewhere)
    for _, fetch, joined in in_order:
        draft = fetch()
        if draft is not None:
            yield finish(
                draft, events=joined.events, flags=joined.flags, user_flags=joins.user_flags
            )


def _order(filed: tuple[Card, object, object]) -> tuple[float, str, str]:
    return filed[0].order


def user_events(events: Iterable[Row]) -> list[Event]:
    """Give the events that name no conversation, response or trace, oldest first.

    They name a user, or are an outcome with segments: of an account, say.
    """
    found = [
        event_of(row)
        for row in _once(events)
        if (row["user_id"] or _names_segment(row))
        and not (row["conversation_id"] or row["response_id"] or row["trace_id"])
        and not is_content(row)
        and row["name"] not in semconv.FLAG_EVENTS
    ]
    return sorted(found, key=when)


def _names_segment(row: Row) -> bool:
    """Whether an outcome says for whom it holds by a segment."""
    return row["name"] == semconv.OUTCOME_EVENT and any(
        key.startswith(semconv.SEGMENT) for key in dict(row["attributes"] or ())
    )


def _once(events: Iterable[Row]) -> list[Row]:
    """Drop repeats of an event id: the record received last stays, in the order of receipt."""
    in_order = sorted(events, key=lambda row: row["received_ns"] or 0)
    return list({row["event_id"]: row for row in in_order}.values())


def _parts(spans: Iterable[Row], logs: Sequence[Row], left: Left) -> list[Part]:
    """Read the rows unit by unit; the oldest part is first."""
    kept = newest(Span(row) for row in spans)
    left.ratings += (row for span in kept for row in feedback_rows(span))
    sessions = read_sessions(logs)
    left.lost += sessions.lost
    left.unreadable += sessions.unreadable
    traces = list(_traces([*kept, *(Span(row) for row in sessions.rows)], logs))
    parts: list[Part] = []
    for unit in units(traces):
        sources = read_sources(unit)
        left.unreadable += sources.unreadable
        if sources.calls:
            parts.append(Part(unit, sources))
    left.silent += _silent(traces, parts)
    return sorted(fold_twins(parts), key=lambda part: part.age)


def _traces(spans: Iterable[Span], logs: Sequence[Row]) -> Iterator[list[Node]]:
    """Nodes of each trace; a call's log records go with its span, or stand in for it."""
    twins = by_call(logs)
    by_trace: dict[str, list[Span]] = {}
    for span in spans:
        own = twins.pop((span.row["trace_id"], span.span_id), None)
        whole = Span(span.row, own) if own else span
        by_trace.setdefault(span.row["trace_id"], []).append(whole)
    for left in twins.values():
        lone = Span.of_logs(left)
        by_trace.setdefault(lone.row["trace_id"], []).append(lone)
    for trace in by_trace.values():
        yield plant(trace)


def _silent(traces: Iterable[list[Node]], parts: Iterable[Part]) -> Counter[str]:
    """Count, by instrumentation, the traces of agents in which no model call could be read."""
    heard = {source.node.span.row["trace_id"] for part in parts for source in part.sources.calls}
    silent: Counter[str] = Counter()
    for nodes in traces:
        if nodes[0].span.row["trace_id"] not in heard:
            scopes = (node.span.row["scope"] for node in nodes if is_of_a_model(node))
            # The innermost: around it are the wrappers of a framework or of the application.
            silent.update(str(scope or "without a name")[:100] for scope in list(scopes)[-1:])
    return silent


def _conversation_id(group: Sequence[Part]) -> str:
    """The id that was sent, else one made of the first trace: later spans do not change it."""
    sent = (part.unit.conversation_id for part in group)
    first = min(group, key=lambda part: part.age)
    return next(filter(None, sent), f"trace-{first.age[1]}")
