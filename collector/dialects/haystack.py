"""Haystack's agent by OpenInference: messages only as Python texts on the agent's own span.

Read as far as they can be: `ChatMessage(_role=<ChatRole.USER: 'user'>, _content=[TextContent(…)])`.
Strings are passed over whole, so that what a user wrote cannot open a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from collector import semconv
from collector.dialects import calls, decoding, openinference, python_texts
from collector.dialects.calls import Call
from collector.dialects.histories import Histories
from collector.dialects.spans import Span
from collector.records import Json, Message, ToolCall

_MESSAGE = "ChatMessage("
_TOKEN = re.compile(
    r"_role=<ChatRole\.(?P<role>\w+)"
    rf"|TextContent\(text=(?P<text>{python_texts.STRING})"
    rf"|ToolCallResult\(result=(?P<result>{python_texts.STRING})"
    rf"|origin=(?P<origin>ToolCall\()"
    rf"|(?P<call>ToolCall\()tool_name=(?P<name>{python_texts.STRING}), arguments="
    rf"|\bid=(?P<id>{python_texts.STRING})"
    r"|\berror=(?P<error>True)"
    rf"|{python_texts.STRING}",
    re.DOTALL,
)


def speaks(span: Span) -> bool:
    if span.text(semconv.OPENINFERENCE_KIND) not in ("CHAIN", "AGENT"):
        return False
    return any(_MESSAGE in (span.raw(key) or "") for key in ("input.value", "output.value"))


def kind(span: Span) -> str:
    """Only the agent's span: a pipeline around it has the same texts once more."""
    return "agent" if span.row["name"] == "Agent.run" else "other"


def read_call(span: Span, _: Histories) -> Call:
    """Read a run: the output repeats the input and goes on from there."""
    systems, said = _messages(span.value("input.value"))
    more, told = _messages(span.value("output.value"))
    answered = told[len(said) :] if told[: len(said)] == said else told
    return Call(
        span_id=span.span_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        input=tuple(said),
        output=tuple(answered),
        system="\n\n".join(systems or more) or None,
        error=calls.call_error(span),
    )


read_tool = openinference.read_tool


def _messages(value: Json) -> tuple[list[str], list[Message]]:
    reading = _Reading()
    for text in _texts(decoding.container(value)):
        if _MESSAGE in text:
            reading.read(text)
            reading.end()
    return reading.systems, reading.messages


def _texts(value: Json) -> Iterator[str]:
    """Texts of the key `messages`, else of all; the last message may be there once more."""
    if isinstance(value, dict):
        inner = value.get("messages")
        for each in [inner] if inner is not None else value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


@dataclass(slots=True)
class _Reading:
    """Messages of one text, and the one that is being read."""

    systems: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    role: str = ""
    texts: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)

    def read(self, text: str) -> None:
        position = 0
        while token := _TOKEN.search(text, position):
            position = token.end()
            if token["role"]:
                self.end()
                self.role = token["role"].lower()
            elif token["text"]:
                self.texts.append(_string(token["text"]))
            elif token["result"]:
                self.results.append({"result": _string(token["result"])})
            elif token["call"]:
                arguments, position = _arguments(text, position)
                self.calls.append({"name": _string(token["name"]), "arguments": arguments})
            elif token["id"] and self.role == "tool" and self.results:
                self.results[-1].setdefault("id", _string(token["id"]))
            elif token["id"] and self.calls:
                self.calls[-1].setdefault("id", _string(token["id"]))
            elif token["error"] and self.results:
                self.results[-1]["error"] = True

    def end(self) -> None:
        """Keep the message that was being read."""
        text = "\n".join(self.texts) if self.texts else None
        for result in self.results:
            failed = "error" in result
            self.messages.append(
                Message(
                    role="tool",
                    tool_call_id=result.get("id"),
                    result=None if failed else decoding.container(result["result"]),
                    error=result["result"] if failed else None,
                )
            )
        if self.role == "system" and text:
            self.systems.append(text)
        elif self.role in ("user", "assistant") and (text is not None or self.calls):
            asked = (
                ToolCall(id=call.get("id", ""), name=call["name"], arguments=call["arguments"])
                for call in self.calls
            )
            role = "user" if self.role == "user" else "assistant"
            self.messages.append(
                Message(role="user", text=text)
                if role == "user"
                else Message(role="assistant", text=text, tool_calls=tuple(asked))
            )
        self.role, self.texts, self.calls, self.results = "", [], [], []


def _string(text: str) -> str:
    try:
        return str(python_texts.literal(text))
    except ValueError:
        return text[1:-1]


def _arguments(text: str, start: int) -> tuple[Json, int]:
    """Arguments of a tool call, and where the text goes on behind them."""
    try:
        given = python_texts.bracketed(text, start)
    except ValueError:
        return None, len(text)  # cut off: nothing behind it can be told from it
    try:
        value = python_texts.literal(given)
    except ValueError:
        value = given
    return value, start + len(given)
