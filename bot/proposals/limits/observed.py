"""What conversations show of the limits that an agent runs into: answers, steps, tools' time.

Takes conversations of one agent, those that hit a limit and those that did not; gives the sizes
that ended by themselves and the sizes at which something was stopped. Sizes that were stopped are
censored: nobody knows how large they would have become.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from collector.records import Conversation, Message

LimitKind = Literal["answer", "steps", "tool_time"]
_TIMED_OUT = re.compile(r"\btime[ds]?[ _-]?out|\bdeadline exceeded|\b504\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped:
    """One thing that a limit stopped."""

    conversation: Conversation
    size: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """One limit of one agent, as its conversations show it."""

    kind: LimitKind
    tool: str
    """Kind `tool_time`: the tool that took too long."""
    ended: tuple[float, ...]
    """Sizes of what ended by itself: characters, seconds or calls of the model."""
    stopped: tuple[Stopped, ...]

    @property
    def conversations(self) -> list[Conversation]:
        """Those in which something was stopped, each once."""
        return list(
            {one.conversation.conversation_id: one.conversation for one in self.stopped}.values()
        )


def observe(conversations: Sequence[Conversation]) -> Iterator[Observed]:
    """Each limit that stopped something at least once."""
    found = [_answers(conversations), _steps(conversations), *_tool_times(conversations)]
    yield from (one for one in found if one.stopped)


def _answers(conversations: Iterable[Conversation]) -> Observed:
    """Lengths of answers, in characters: telemetry has tokens of whole conversations only."""
    ended: list[float] = []
    stopped: list[Stopped] = []
    for conversation in conversations:
        for message in conversation.messages:
            if message.role != "assistant" or not message.text or message.tool_calls:
                continue
            if message.finish_reason == "length":
                stopped.append(Stopped(conversation=conversation, size=float(len(message.text))))
            else:
                ended.append(float(len(message.text)))
    return Observed(kind="answer", tool="", ended=tuple(ended), stopped=tuple(stopped))


def _steps(conversations: Iterable[Conversation]) -> Observed:
    """Calls of the model for one user turn; stopped where the last of them asked for a tool.

    What loops is left out: it needs another end, not a later one.
    """
    ended: list[float] = []
    stopped: list[Stopped] = []
    for conversation in conversations:
        if loops(conversation.messages):
            continue
        for run in _runs(conversation.messages):
            steps = float(sum(message.role == "assistant" for message in run.messages))
            if run.is_last and _asks_for_a_tool(run.messages):
                stopped.append(Stopped(conversation=conversation, size=steps))
            elif steps:
                ended.append(steps)
    return Observed(kind="steps", tool="", ended=tuple(ended), stopped=tuple(stopped))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """What the agent did for one user turn."""

    messages: Sequence[Message]
    is_last: bool


def _runs(messages: Sequence[Message]) -> Iterator[_Run]:
    starts = [at for at, message in enumerate(messages) if message.role == "user"]
    for start, end in zip(starts, [*starts[1:], len(messages)], strict=True):
        yield _Run(messages=messages[start + 1 : end], is_last=end == len(messages))


def _asks_for_a_tool(messages: Sequence[Message]) -> bool:
    """The run ends with a call of a tool, or with its result, and nobody said anything more."""
    last = next((one for one in reversed(messages) if one.role == "assistant"), None)
    return last is not None and bool(last.tool_calls) and not last.text


def steps_of_runs(messages: Sequence[Message]) -> list[int]:
    """Calls of the model for each user turn."""
    runs = (sum(one.role == "assistant" for one in run.messages) for run in _runs(messages))
    return [steps for steps in runs if steps]


def loops(messages: Sequence[Message]) -> bool:
    """One tool was called three times with the same arguments."""
    calls = Counter(
        (call.name, repr(call.arguments)) for message in messages for call in message.tool_calls
    )
    return any(count >= 3 for count in calls.values())


def _tool_times(conversations: Iterable[Conversation]) -> Iterator[Observed]:
    """Seconds from a call to its result, for each tool that ever ran out of time."""
    ended: dict[str, list[float]] = defaultdict(list)
    stopped: dict[str, list[Stopped]] = defaultdict(list)
    for conversation in conversations:
        called = {
            call.id: message.at for message in conversation.messages for call in message.tool_calls
        }
        for message in conversation.messages:
            started = called.get(message.tool_call_id or "")
            if message.role != "tool" or not message.name or not started or not message.at:
                continue
            seconds = (message.at - started).total_seconds()
            if seconds <= 0:
                continue
            if _TIMED_OUT.search(message.error or ""):
                stopped[message.name].append(Stopped(conversation=conversation, size=seconds))
            elif not message.error:
                ended[message.name].append(seconds)
    for tool in sorted(stopped):
        yield Observed(
            kind="tool_time",
            tool=tool,
            ended=tuple(ended[tool]),
            stopped=tuple(stopped[tool]),
        )
