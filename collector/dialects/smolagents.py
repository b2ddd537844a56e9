"""smolagents: rounds of tools are told to the model as text, and the answer is a tool call.

Its spans are OpenInference's; this reads what is in their messages, whichever instrumentation of a
model client reports them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import orjson

from collector.dialects import decoding, python_texts
from collector.records import Json, Message, ToolCall

_CALLING = "Calling tools:\n"
_OBSERVED = re.compile(
    r"(?:Call id: (?P<id>\S+)\n)?(?P<kind>Observation|Error):\s*(?P<text>.*)", re.S
)
_TASK = "New task:\n"
_ANSWER = "final_answer"


def is_told(messages: Sequence[Message]) -> bool:
    """Tell whether messages carry rounds of tools as text, or an answer as a tool call."""
    return any(
        (message.text or "").startswith((_CALLING, _TASK))
        or any(_answer_of(call) is not None for call in message.tool_calls)
        for message in messages
    )


def plainly(messages: Sequence[Message]) -> list[Message]:
    """Messages as a person would see them: tool calls, results, the task and the answer itself."""
    return list(_plainly(messages))


def _plainly(messages: Sequence[Message]) -> Iterator[Message]:
    called = False  # the messages before told of tools, so an observation is a result
    for message in messages:
        text = message.text or ""
        if text.startswith(_CALLING) and (asked := _asked(text[len(_CALLING) :])):
            called = True
            yield from _answers(replace(message, role="assistant", text=None, tool_calls=asked))
        elif called and message.role != "tool" and (seen := _OBSERVED.match(text)):
            if not _repeats_answer(asked):
                yield _observed(seen)
        else:
            called = False
            if message.role == "user" and text.startswith(_TASK):
                yield replace(message, text=text[len(_TASK) :])
            else:
                yield from _answers(message)


def _answers(message: Message) -> Iterator[Message]:
    """A message; one that calls `final_answer` says what the answer is."""
    answers = [answer for call in message.tool_calls if (answer := _answer_of(call)) is not None]
    if not answers:
        yield message
        return
    others = tuple(call for call in message.tool_calls if _answer_of(call) is None)
    yield replace(message, text="\n".join(answers), tool_calls=others, finish_reason="stop")


def _answer_of(call: ToolCall) -> str | None:
    if call.name != _ANSWER or not isinstance(call.arguments, dict):
        return None
    if set(call.arguments) != {"answer"}:
        return None
    answer = call.arguments["answer"]
    return answer if isinstance(answer, str) else orjson.dumps(answer).decode()


def _repeats_answer(asked: Sequence[ToolCall]) -> bool:
    return bool(asked) and all(_answer_of(call) is not None for call in asked)


def _asked(text: str) -> tuple[ToolCall, ...]:
    """Tool calls of `[{'id': …, 'type': 'function', 'function': {'name': …, 'arguments': …}}]`."""
    try:
        entries = python_texts.literal(text.strip())
    except ValueError:
        return ()
    calls: list[ToolCall] = []
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(function := entry.get("function"), dict):
            calls.append(
                ToolCall(
                    id=_word(entry.get("id")),
                    name=_word(function.get("name")),
                    arguments=decoding.container(function.get("arguments")),
                )
            )
    return tuple(calls)


def _observed(seen: re.Match[str]) -> Message:
    failed = seen["kind"] == "Error"
    return Message(
        role="tool",
        tool_call_id=seen["id"],
        result=None if failed else decoding.container(seen["text"]),
        error=seen["text"] if failed else None,
    )


def _word(value: Json) -> str:
    return value if isinstance(value, str) else ""
