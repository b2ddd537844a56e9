"""What conversations show of one tool: how often it failed, and how its arguments look.

Takes conversations; gives counts and shapes. A shape has a letter for every letter and a nine for
every digit, so nothing that a user wrote is in it; what fewer than three people show is left out.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from collector.records import Conversation, Json, Message

MIN_PEOPLE = 3
MAX_SHAPES = 4
MIN_DIFFERENCE = 0.25
"""Between the shares of failed calls of two shapes: less is chance."""
MAX_SHAPE = 24
_BEGINS_AS_ERROR = re.compile(r"\W*(?:\w*(?:error|exception)\b|traceback\b|failed\b)", re.I)
HasFailed = Callable[[Message], bool]
_RUN = re.compile(r"([Aa9])\1{2,}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How values of one argument look."""

    argument: str
    shape: str
    refused: int
    """Calls with such a value that failed."""
    accepted: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One tool in some conversations."""

    tool: str
    calls: int
    failed: int
    shapes: tuple[Shape, ...]
    messages: tuple[str, ...] = field(repr=False)
    """What it said of its failures. Outside text: to be looked up in code, never passed on."""


def has_failed(message: Message) -> bool:
    """A tool's answer is an error, by what it was sent as or by how it begins."""
    if message.role != "tool":
        return False
    result = message.result
    if isinstance(result, dict):
        return bool(message.error or result.get("error"))
    said = result if isinstance(result, str) else message.text or ""
    return bool(message.error) or _BEGINS_AS_ERROR.match(said) is not None


def failing_tools(
    conversations: Iterable[Conversation], *, failed: HasFailed = has_failed
) -> Counter[str]:
    """Tool to the conversations in which it failed, most first."""
    return Counter(
        name
        for conversation in conversations
        for name in {one.name for one in conversation.messages if failed(one)}
        if name
    )


def tool_at(conversation: Conversation, message_index: int) -> str | None:
    """The tool that a message is about: its own, the one that it calls, or the last one before."""
    for message in reversed(conversation.messages[: message_index + 1]):
        if message.role == "tool" and message.name:
            return message.name
        if message.tool_calls:
            return message.tool_calls[-1].name
    return None


def gave_nothing(message: Message) -> bool:
    """A tool's answer is empty: it found nothing, or says nothing."""
    value = message.result if message.result is not None else message.text
    if isinstance(value, dict) and len(value) <= 3:
        lists = [one for one in value.values() if isinstance(one, list)]
        value = lists[0] if len(lists) == 1 else value
    is_empty = value in (None, "", [], {}, "[]", "{}", "null", "None")
    return message.role == "tool" and not message.error and is_empty


def look_at(
    tool: str, conversations: Sequence[Conversation], *, failed: HasFailed = has_failed
) -> Seen:
    """Count one tool's calls and what their arguments look like."""
    outcomes: list[tuple[str, Mapping[str, Json], bool]] = []
    messages: list[str] = []
    for conversation in conversations:
        calls = {call.id: call for message in conversation.messages for call in message.tool_calls}
        for message in conversation.messages:
            call = calls.get(message.tool_call_id or "")
            if message.role != "tool" or call is None or call.name != tool:
                continue
            given = call.arguments if isinstance(call.arguments, dict) else {}
            outcomes.append((conversation.unit, given, failed(message)))
            if failed(message):
                said = json.dumps(message.result, default=str)
                messages.append(f"{message.error or ''} {message.text or ''} {said}")
    return Seen(
        tool=tool,
        calls=len(outcomes),
        failed=sum(is_failure for _, _, is_failure in outcomes),
        shapes=tuple(_shapes(outcomes)),
        messages=tuple(messages),
    )


def _shapes(outcomes: Sequence[tuple[str, Mapping[str, Json], bool]]) -> list[Shape]:
    """The most frequent shapes of every argument whose values tell failures apart."""
    counted: dict[tuple[str, str], Counter[bool]] = defaultdict(Counter)
    people: dict[tuple[str, str], set[str]] = defaultdict(set)
    names = {name for _, given, _ in outcomes for name in given}
    for unit, given, failed in outcomes:
        for name in names:
            key = (name, shape_of(given[name]) if name in given else "(not given)")
            counted[key][failed] += 1
            people[key].add(unit)
    found = [
        Shape(argument=name, shape=shape, refused=seen[True], accepted=seen[False])
        for (name, shape), seen in counted.items()
        if len(people[name, shape]) >= MIN_PEOPLE
    ]
    several = Counter(one.argument for one in found)
    # Where all calls look alike, only a shape that is always refused says something.
    telling = [
        one
        for one in found
        if (several[one.argument] > 1 and _differ(found, one.argument))
        or (one.refused and not one.accepted)
    ]
    telling.sort(key=lambda one: (-abs(one.refused - one.accepted), one.argument, one.shape))
    return telling[:MAX_SHAPES]


def _differ(shapes: Sequence[Shape], argument: str) -> bool:
    """Calls with one shape of the argument fail clearly more often than those with another."""
    own = [one for one in shapes if one.argument == argument]
    shares = [one.refused / (one.refused + one.accepted) for one in own]
    return max(shares) - min(shares) >= MIN_DIFFERENCE


def shape_of(value: Json) -> str:
    """`#W2378156` is `#A9…`, `true` is (a truth value), a list is (a list)."""
    if isinstance(value, bool):
        return "(a truth value)"
    if value is None:
        return "(null)"
    if isinstance(value, int | float):
        return "(a number)"
    if not isinstance(value, str):
        return "(a list)" if isinstance(value, list) else "(an object)"
    if not value.strip():
        return "(empty)"
    if len(value.split()) > 4:
        return "(several words)"
    shape = "".join(_sign(one) for one in value)
    shape = _RUN.sub(r"\1…", shape)
    return shape if len(shape) <= MAX_SHAPE else f"{shape[:MAX_SHAPE]}…"


def _sign(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character if character in " #+-./:_,@" else "?"
