"""What the calls of a part say, as hashes: enough to find which other parts belong to it.

The hashes are the same in every process, and none of the text is kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from collector.assemble.parts import Part
from collector.assemble.sources import Source
from collector.assemble.transcript import Keys, combined
from collector.assemble.twins import Moment, is_silent, spoken_in
from collector.records import Message


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """What the first call of a unit was sent: hashes of every beginning of its message list."""

    prefixes: array[int]
    answered_from: int
    """How many messages the shortest beginning with an answer in it has; 0 where none has one."""
    second_user_from: int
    """How many messages the shortest beginning with two of the user's has; 0 where none has."""
    users: frozenset[int]
    """Lengths of the beginnings that end with the user's own words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One call of a unit."""

    order: tuple[int, int, int, str]
    """`Source.order`: it begins with the start."""
    end_ns: int
    transcript: int | None
    """Hash of the transcript after the call; None where nothing was said."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Told:
    """What the calls of one part said, as hashes that are the same in every process."""

    age: tuple[int, str]
    service: str
    user_id: str | None
    conversation_id: str | None
    opening: Opening | None
    """None where sub-agents alone spoke: nothing can be found to continue this."""
    steps: tuple[Step, ...]
    silent: tuple[Moment, ...]
    """The calls of a part without any text: another part may tell the same."""
    spoken: tuple[Moment, ...]
    """Calls with text of any other part."""
    response_ids: tuple[str, ...]
    previous_response_ids: tuple[str, ...]
    requests: tuple[str, ...]
    """What was asked of tools: of each its id and what was said before, in one."""
    unasked: tuple[str, ...]
    """Results that nobody asked for in their history, so written that they equal a request."""

    @property
    def is_open(self) -> bool:
        """Whether something else may belong to it, which has an explicit id or none."""
        return bool(self.opening or self.previous_response_ids or self.unasked)


def tell(part: Part, keys: Keys) -> Told:
    """Say of one part what `stitch` has to know."""
    unit, calls = part.unit, part.sources.calls
    spoken = [each for each in calls if each.call.has_content and not each.node.is_sub_agent]
    return Told(
        age=part.age,
        service=unit.service,
        user_id=unit.user_id,
        conversation_id=unit.conversation_id,
        opening=_opening(spoken[0].call.input, keys) if spoken else None,
        steps=tuple(_step(source, keys) for source in spoken),
        silent=tuple(map(Moment.of, calls)) if is_silent(part) else (),
        spoken=() if is_silent(part) else tuple(map(Moment.of, spoken_in(part))),
        response_ids=_texts(source.call.response_id for source in calls),
        previous_response_ids=_texts(source.call.previous_response_id for source in calls),
        requests=tuple(each for source in calls for each in _requests(source, keys)),
        unasked=tuple(each for source in calls for each in _unasked(source, keys)),
    )


def _requests(source: Source, keys: Keys) -> Iterator[str]:
    asked = [one.id for message in source.call.output for one in message.tool_calls if one.id]
    if asked:
        said = list(_prefixes(keys.of(source.call.input)))
        yield from (f"{each} {said[-1] if said else 0}" for each in asked)


def _unasked(source: Source, keys: Keys) -> Iterator[str]:
    known: set[str] = set()
    before = 0
    said = source.call.input
    if not any(message.role == "tool" for message in said):
        return
    for message, prefix in zip(said, _prefixes(keys.of(said)), strict=True):
        known.update(one.id for one in message.tool_calls)
        if message.tool_call_id and message.tool_call_id not in known:
            yield f"{message.tool_call_id} {before}"
        before = prefix


def _texts(texts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _opening(said: Sequence[Message], keys: Keys) -> Opening:
    roles = [message.role for message in said]
    of_user = [number for number, role in enumerate(roles, 1) if role == "user"]
    return Opening(
        prefixes=array("q", _prefixes(keys.of(said))),
        answered_from=roles.index("assistant") + 1 if "assistant" in roles else 0,
        second_user_from=of_user[1] if len(of_user) > 1 else 0,
        users=frozenset(of_user),
    )


def _step(source: Source, keys: Keys) -> Step:
    call = source.call
    transcript = list(_prefixes(keys.of((*call.input, *call.output))))
    return Step(
        order=source.order, end_ns=call.end_ns, transcript=transcript[-1] if transcript else None
    )


def _prefixes(keys: Iterable[int]) -> Iterator[int]:
    so_far = 0
    for key in keys:
        so_far = combined(so_far, key)
        yield so_far
