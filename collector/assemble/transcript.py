"""Calls to one transcript: each call repeats the history, and only what is new is added.

Histories are compared message by message: role, text, tool names, arguments and results as JSON
values. Ids are not compared, because several senders use different ones for one tool call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import orjson

from collector.assemble.sources import Source
from collector.assemble.traces import Node
from collector.records import CallError, Message

_RECENT = 200
"""Threads that a call is compared with. More are open at a time only where one conversation id is
used for everything, and then comparing with all of them would take for ever."""


class Keys:
    """Comparison keys of messages; equal keys mean the same message said."""

    def __init__(self) -> None:
        # By identity: `Histories` gives the same objects for a repeated history, and the
        # messages are kept here so that no id is used twice.
        self._known: dict[int, tuple[Message, int]] = {}

    def of(self, messages: Iterable[Message]) -> list[int]:
        return [self._of_one(message) for message in messages]

    def _of_one(self, message: Message) -> int:
        known = self._known.get(id(message))
        if known is None:
            known = self._known[id(message)] = (message, _key(message))
        return known[1]


def _key(message: Message) -> int:
    text = (message.text or "").strip()
    if message.result is None and not message.tool_calls:
        # Nearly all are so. No JSON begins as a role does, so none of the others looks the same.
        return _hash(f"{message.role} {text}".encode("utf-8", "replace"))
    said = [
        message.role,
        text,
        [[call.name, call.arguments] for call in message.tool_calls],
        message.result,
    ]
    return _hash(orjson.dumps(said, option=orjson.OPT_SORT_KEYS))


def combined(key: int, next_key: int) -> int:
    """Key of two things in this order."""
    return _hash(b"%d %d" % (key, next_key))


def _hash(content: bytes) -> int:
    """64 bits, the same in every process; Python's own `hash` of bytes is not."""
    return int.from_bytes(blake2b(content, digest_size=8).digest(), signed=True)


@dataclass(slots=True)
class Line:
    """One message of a transcript that is still being put together."""

    message: Message
    at_ns: int
    """0 where it is not known."""
    agent: str | None = None


@dataclass(slots=True, eq=False)
class Thread:
    """One line of thought: the conversation itself, or what a sub-agent did for it."""

    first: Source
    system: str | None
    lines: list[Line] = field(default_factory=list)
    path: list[int] = field(default_factory=list)
    """Keys of the history as the last call knows it."""
    anchors: set[int] = field(default_factory=set)
    """Keys of all that is not the user's: a rewritten history is found again by them."""
    unconfirmed: int = 0
    """How many lines at the end no later call has repeated yet."""
    failures: list[tuple[list[int], CallError]] = field(default_factory=list)
    last_ns: int = 0

    @property
    def is_nested(self) -> bool:
        return self.first.node.is_sub_agent

    def place(self) -> object:
        """What the thread works for: equal for the calls of one sub-agent run."""
        return place_of(self.first.node)

    def takes(self, source: Source) -> bool:
        """Whether a call that does not repeat this thread's history may still belong to it."""
        return place_of(source.node) == self.place() and _alike(self.system, source.call.system)

    def weight(self) -> tuple[bool, int, int, int]:
        """The heaviest thread is the conversation itself.

        A router before it or a title made after it hears as many users in a short conversation, but
        says little.
        """
        users = sum(line.message.role == "user" for line in self.lines)
        said = sum(
            len(line.message.text or "") + 100 * len(line.message.tool_calls)
            for line in self.lines
            if line.message.role == "assistant"
        )
        return (not self.is_nested, users, said, self.last_ns)


def place_of(node: Node) -> object:
    """What a span works for: a sub-agent's run, or None for the conversation itself."""
    return (node.tool, node.agent) if node.is_sub_agent else None


def _alike(one: str | None, other: str | None) -> bool:
    """Whether two system prompts are the same but for what is filled in (a date, a name)."""
    if one is None or other is None or one == other:
        return True
    half = min(len(one), len(other)) // 2
    return one[:half] == other[:half]


def weave(sources: Sequence[Source], keys: Keys) -> list[Thread]:
    """Put calls, in time order, into threads."""
    threads: list[Thread] = []
    recent: list[Thread] = []
    for source in sources:
        input_keys = keys.of(source.call.input)
        thread = _thread_of(recent, source, input_keys)
        if thread is None:
            thread = Thread(first=source, system=source.call.system)
            threads.append(thread)
        else:
            recent.remove(thread)
        recent = [*recent[-_RECENT:], thread]
        thread.system = thread.system or source.call.system
        _add(thread, source, input_keys, keys.of(source.call.output))
    return threads


def _thread_of(threads: list[Thread], source: Source, keys: list[int]) -> Thread | None:
    continued = [
        thread
        for thread in threads
        if thread.path and len(thread.path) <= len(keys) and keys[: len(thread.path)] == thread.path
    ]
    if continued:
        return max(continued, key=lambda thread: len(thread.path))
    possible = [thread for thread in threads if thread.takes(source)]
    if not possible:
        return None
    return max(reversed(possible), key=lambda thread: _common(thread.path, keys) if keys else 0)


def _common(one: list[int], other: list[int]) -> int:
    if one[: len(other)] == other[: len(one)]:
        return min(len(one), len(other))
    return next(number for number, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)


def _add(thread: Thread, source: Source, keys: list[int], answer_keys: list[int]) -> None:
    call = source.call
    common = _common(thread.path, keys)
    known = len(thread.path)
    moved_ns = 0
    if not call.has_content:
        fresh = 0
    elif common == known:
        fresh = common
    elif common == len(keys):
        fresh = common
        if known - common <= thread.unconfirmed:
            if not call.output or answer_keys == thread.path[common:]:
                _note(thread, source, keys)
                return
            _drop(thread, known - common)
    elif known - common <= thread.unconfirmed and call.input[common].role == "assistant":
        # The history tells the last answer otherwise than its call did: what the application
        # kept is what the user saw.
        moved_ns = thread.lines[-1].at_ns
        fresh = common
        _drop(thread, known - common)
    elif common and known - common <= thread.unconfirmed and call.input[common].role == "user":
        fresh = common  # The application does not keep what the assistant said last.
    else:
        fresh = _rewritten(thread, call.input, keys)
    if call.has_content:
        _append(thread, source, call.input[fresh:], keys[fresh:], moved_ns)
        thread.path = keys + answer_keys
        thread.unconfirmed = len(call.output)
        thread.anchors.update(answer_keys)
    _note(thread, source, keys)


def _drop(thread: Thread, count: int) -> None:
    if count:
        del thread.lines[-count:]


def _rewritten(thread: Thread, said: Sequence[Message], keys: list[int]) -> int:
    """Find where a trimmed, summarised or edited history goes on: after the last known answer.

    Only what is not the user's counts, because users repeat themselves. Without any known answer
    all is new: the agent sends no history.
    """
    for number in range(len(keys) - 1, -1, -1):
        if said[number].role != "user" and keys[number] in thread.anchors:
            return number + 1
    return 0


def _append(
    thread: Thread, source: Source, said: Sequence[Message], keys: list[int], moved_ns: int
) -> None:
    call = source.call
    stamped = not call.is_transcript
    answered = max((n for n, message in enumerate(said) if message.role == "assistant"), default=-1)
    for number, message in enumerate(said):
        # What came before an answer that we never saw as output happened before this call.
        at_ns = call.start_ns if stamped and number > answered else 0
        thread.lines.append(Line(message, moved_ns if moved_ns and number <= answered else at_ns))
    agent = source.node.agent
    for message in call.output:
        thread.lines.append(Line(message, call.end_ns if stamped else 0, agent))
    thread.anchors.update(
        key for message, key in zip(said, keys, strict=True) if message.role != "user"
    )
    thread.last_ns = max(thread.last_ns, call.end_ns)


def _note(thread: Thread, source: Source, keys: list[int]) -> None:
    """Keep a failure until the same request succeeds, or its user is answered without a new
    message."""
    call = source.call
    answered = call.error is None
    if answered:
        thread.failures = [
            (failed, error)
            for failed, error in thread.failures
            if not _answers(call.input, keys, failed)
        ]
    elif all(failed != keys for failed, _ in thread.failures) and call.error is not None:
        thread.failures.append((keys, call.error))


def _answers(said: Sequence[Message], keys: list[int], failed: list[int]) -> bool:
    if keys[: len(failed)] != failed:
        return False
    return len(keys) == len(failed) or said[len(failed)].role != "user"
