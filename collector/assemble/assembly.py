"""Rows to conversations: the pure core that joins the steps of this package."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from collector import semconv
from collector.assemble.chains import follow_responses
from collector.assemble.conversations import build, when
from collector.assemble.events import Joins, event_of, is_content
from collector.assemble.logs import by_call
from collector.assemble.sessions import read_sessions
from collector.assemble.sources import read_sources
from collector.assemble.stitch import Gathered, stitch
from collector.assemble.traces import Node, is_of_a_model, newest, plant, units
from collector.assemble.transcript import Keys
from collector.dialects.feedback import feedback_rows
from collector.dialects.spans import Row, Span
from collector.records import Conversation, Event, Unreadable


@dataclass(frozen=True, slots=True)
class Dated:
    """A conversation and when the last of its spans was received."""

    conversation: Conversation
    received_ns: int


def assemble(spans: Iterable[Row], events: Iterable[Row]) -> Iterator[Conversation | Unreadable]:
    """Give every conversation of these rows, in order of its start and its id.

    Conversations whose start is not known come first, and `Unreadable`s before all.
    """
    for found in dated(spans, events):
        yield found.conversation if isinstance(found, Dated) else found


def dated(spans: Iterable[Row], events: Iterable[Row]) -> Iterator[Dated | Unreadable]:
    """`assemble` with the time of receipt."""
    kept = newest(Span(row) for row in spans)
    logs = _once([*events, *(row for span in kept for row in feedback_rows(span))])
    keys = Keys()
    sessions = read_sessions(logs)
    yield from sessions.unreadable
    traces = list(_traces([*kept, *(Span(row) for row in sessions.rows)], logs))
    parts: list[Gathered] = []
    for unit in units(traces):
        sources = read_sources(unit)
        yield from sources.unreadable
        if sources.calls:
            parts.append(Gathered([unit], sources))
    yield from _silent(traces, parts)
    follow_responses(source for part in parts for source in part.sources.calls)
    joins = Joins()
    groups = stitch(sorted(parts, key=_age), keys)
    joined = [joins.add(group, _conversation_id(group)) for group in groups]
    yield from joins.join(logs)
    conversations = [
        build(
            group,
            conversation_id=found.conversation_id,
            events=found.events,
            flags=found.flags,
            user_flags=joins.user_flags,
            keys=keys,
        )
        for group, found in zip(groups, joined, strict=True)
    ]
    in_order = sorted(zip(conversations, groups, strict=True), key=lambda pair: _order(pair[0]))
    for conversation, group in in_order:
        yield Dated(conversation, _received_ns(group))


def _received_ns(group: Sequence[Gathered]) -> int:
    spans = (node.span for part in group for unit in part.units for node in unit.nodes)
    return max((span.row["received_ns"] or 0 for span in spans), default=0)


def user_events(events: Iterable[Row]) -> list[Event]:
    """Give the events that name a user and no conversation, response or trace, oldest first."""
    found = [
        event_of(row)
        for row in _once(events)
        if row["user_id"]
        and not (row["conversation_id"] or row["response_id"] or row["trace_id"])
        and not is_content(row)
        and row["name"] not in semconv.FLAG_EVENTS
    ]
    return sorted(found, key=when)


def _once(events: Iterable[Row]) -> list[Row]:
    """Drop repeats of an event id: the record received last stays, in the order of receipt."""
    in_order = sorted(events, key=lambda row: row["received_ns"] or 0)
    return list({row["event_id"]: row for row in in_order}.values())


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


def _silent(traces: Iterable[list[Node]], parts: Iterable[Gathered]) -> Iterator[Unreadable]:
    """Count, by instrumentation, the traces of agents in which no model call could be read."""
    heard = {source.node.span.row["trace_id"] for part in parts for source in part.sources.calls}
    silent: Counter[str] = Counter()
    for nodes in traces:
        if nodes[0].span.row["trace_id"] not in heard:
            scopes = (node.span.row["scope"] for node in nodes if is_of_a_model(node))
            # The innermost: around it are the wrappers of a framework or of the application.
            silent.update(str(scope or "without a name")[:100] for scope in list(scopes)[-1:])
    for scope, count in sorted(silent.items()):
        yield Unreadable(
            what=f"{count} trace{'s' * (count > 1)} of the instrumentation {scope!r}",
            reason="no model call in it is in a dialect that is read; see docs for those that are",
        )


def _age(part: Gathered) -> tuple[int, str]:
    first = part.sources.calls[0]
    return (first.call.start_ns, str(first.node.span.row["trace_id"]))


def _conversation_id(group: Sequence[Gathered]) -> str:
    """The id that was sent, else one made of the first trace: later spans do not change it."""
    sent = (part.units[0].conversation_id for part in group)
    first = min(group, key=_age)
    return next(filter(None, sent), f"trace-{_age(first)[1]}")


def _order(conversation: Conversation) -> tuple[float, str, str]:
    started_at = conversation.started_at
    return (
        started_at.timestamp() if started_at else float("-inf"),
        conversation.conversation_id,
        conversation.agent,
    )
