"""Events to the conversations they speak about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from collector import semconv
from collector.assemble.drafts import Card, Flag
from collector.dialects import decoding, session_reader
from collector.dialects.spans import Row
from collector.records import Event, Json, Unreadable
from collector.times import time_of

_TIES = (
    *semconv.CONVERSATION_IDS,
    *semconv.USER_IDS,
    semconv.RESPONSE_ID,
    semconv.EVENT_NAME,
    "event.id",
)
"""Attributes that are fields of an `Event`, or led to its conversation."""


def event_of(row: Row) -> Event:
    """Read one row of the table `events`. Keys lose the event's own name, else `debrief.`.

    What the event is tied to is left out of its attributes.
    """
    name = str(row["name"])
    attributes: dict[str, Json] = {}
    for key, value in dict(row["resource"] or ()).items():
        if key.startswith(semconv.SEGMENT):
            attributes[_short(key, name)] = value
    body = decoding.attribute(row["body"]) if row["body"] else None
    if isinstance(body, dict):
        attributes.update({_short(key, name): value for key, value in body.items()})
    for key, value in dict(row["attributes"] or ()).items():
        attributes[_short(key, name)] = value
    agent = attributes.pop(semconv.AGENT_NAME, None)
    for tie in _TIES:
        attributes.pop(tie, None)
    return Event(
        id=row["event_id"],
        name=name,
        at=time_of(row["at_ns"]),
        agent=agent if isinstance(agent, str) else row["service"],
        conversation_id=row["conversation_id"],
        user_id=row["user_id"],
        attributes=attributes,
    )


def _short(key: str, name: str) -> str:
    """`debrief.decision.threshold.name` of a `debrief.decision` is `threshold.name`."""
    return key.removeprefix(f"{name}.").removeprefix(semconv.DEBRIEF)


def is_content(row: Row) -> bool:
    """Whether a log record is a piece of a model call or a session, and no event about one."""
    name = str(row["name"])
    if name.startswith("gen_ai."):
        return name != semconv.EVALUATION_EVENT
    return session_reader(row) is not None


def _flag_of(row: Row) -> Flag | None:
    """Read a flag's evaluation; None where it gave no variant."""
    attributes = dict(row["attributes"] or ())
    named = (attributes[key] for key in semconv.FLAG_VARIANTS if key in attributes)
    variant = next(named, None)
    return Flag(row["at_ns"] or 0, str(variant)) if variant is not None else None


@dataclass(slots=True)
class _Joined:
    """What was found to belong to one conversation."""

    conversation_id: str
    agents: frozenset[str]
    events: list[Event] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)


@dataclass(slots=True)
class Joins:
    """Finds the conversation of an event: by its id, else by response, else by trace."""

    _by_id: dict[str, list[_Joined]] = field(default_factory=dict)
    _by_response: dict[str, list[_Joined]] = field(default_factory=dict)
    _by_trace: dict[str, list[_Joined]] = field(default_factory=dict)
    user_flags: dict[str, list[Flag]] = field(default_factory=dict)
    """Flags that were evaluated for a user and in no conversation, in time order once joined."""

    def add(self, card: Card) -> _Joined:
        """Make a conversation findable; what is found is put into the value that this gives."""
        joined = _Joined(card.conversation_id, card.agents)
        self._by_id.setdefault(card.conversation_id, []).append(joined)
        for response_id in card.response_ids:
            self._by_response.setdefault(response_id, []).append(joined)
        for trace_id in card.trace_ids:
            self._by_trace.setdefault(trace_id, []).append(joined)
        return joined

    def join(
        self, rows: Iterable[Row], *, elsewhere: Callable[[Row], bool]
    ) -> Iterator[Unreadable]:
        """Give every event to its conversation; those whose conversation is neither here nor
        `elsewhere` are counted."""
        lost: dict[str, int] = {}
        for row in rows:
            if is_content(row):
                continue
            tie = row["conversation_id"] or row["response_id"] or row["trace_id"]
            joined = self._find(row)
            if row["name"] in semconv.FLAG_EVENTS:
                self._add_flag(row, joined)
            elif joined is not None:
                event = replace(event_of(row), conversation_id=joined.conversation_id)
                joined.events.append(event)
            elif tie and row["name"] not in semconv.DECISION_EVENTS and not elsewhere(row):
                lost[tie] = lost.get(tie, 0) + 1
        for flags in self.user_flags.values():
            flags.sort(key=lambda flag: (flag.at_ns, flag.variant))
        for tie, count in lost.items():
            yield Unreadable(
                what=f"{count} event{'s' * (count > 1)} of {tie}",
                reason="no conversation with this id, response or trace is in the store, "
                "or agents share the id and the event names none of them",
            )

    def _add_flag(self, row: Row, joined: _Joined | None) -> None:
        flag = _flag_of(row)
        if flag is None:
            return
        if joined is not None:
            joined.flags.append(flag)
        elif row["user_id"]:
            self.user_flags.setdefault(row["user_id"], []).append(flag)

    def _find(self, row: Row) -> _Joined | None:
        agent = dict(row["attributes"] or ()).get(semconv.AGENT_NAME)
        named = {agent if isinstance(agent, str) else None, row["service"]}
        for known, tie in (
            (self._by_id, row["conversation_id"]),
            (self._by_response, row["response_id"]),
            (self._by_trace, row["trace_id"]),
        ):
            found = known.get(tie, []) if tie else []
            if len(found) > 1:
                found = [joined for joined in found if joined.agents & named]
            if len(found) == 1:
                return found[0]
        return None
