"""OpenTelemetry GenAI before 1.37: content in events, or under `gen_ai.prompt`.

1.28 to 1.36 send one event for each message: mostly a log record that points at the span, in some
libraries an event of the span itself. Version 1 of pydantic-ai's format writes the same events into
an attribute. Up to 1.27 there is one span event with the whole request and one with the answer, and
before that two attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from collector import semconv
from collector.dialects import decoding, genai, shapes
from collector.dialects.calls import Call
from collector.dialects.histories import Histories
from collector.dialects.spans import Span
from collector.records import Json, Message

PROMPT = "gen_ai.prompt"
COMPLETION = "gen_ai.completion"
PROMPT_EVENT = "gen_ai.content.prompt"
COMPLETION_EVENT = "gen_ai.content.completion"
PYDANTIC_EVENTS = ("events", "all_messages_events")
"""Version 1 of pydantic-ai: on a chat span, and the whole run on the agent's."""

_EVENTS = {*semconv.MESSAGE_ROLES, semconv.CHOICE_EVENT, PROMPT_EVENT, COMPLETION_EVENT}


def speaks(span: Span) -> bool:
    """Tell whether content is where the newest conventions would not look for it."""
    if any(key in span for key in genai.CONTENT):
        return False
    return (
        any(log["name"] in _EVENTS for log in span.logs)
        or PROMPT in span
        or COMPLETION in span
        or any(_is_event_list(span.raw(key)) for key in PYDANTIC_EVENTS)
        or ("gen_ai." in (span.row["events"] or "") and _has_events(span))
    )


def kind(span: Span) -> str:
    if semconv.OPERATION in span:
        return genai.kind(span)
    return "agent" if "all_messages_events" in span else "call"


def read_call(span: Span, histories: Histories) -> Call:
    """Read one call; what is not content is where the newest conventions have it too."""
    heard = _Heard()
    for name, value in _events(span):
        heard.add(name, value)
    for element in _prompts(span, PROMPT):
        heard.say(element)
    for element in _prompts(span, COMPLETION):
        heard.answer(element)
    call = genai.read_call(span, histories)
    return replace(
        call,
        input=tuple(heard.input),
        output=genai.with_finish(tuple(heard.output), span),
        system="\n\n".join(heard.systems) or call.system,
    )


read_tool = genai.read_tool


@dataclass(slots=True)
class _Heard:
    """What the events of one call say, in their order."""

    systems: list[str] = field(default_factory=list)
    input: list[Message] = field(default_factory=list)
    output: list[Message] = field(default_factory=list)

    def add(self, name: str, value: Mapping[str, Any]) -> None:
        if name == semconv.CHOICE_EVENT:
            self._choose(value)
        elif name in (PROMPT_EVENT, COMPLETION_EVENT):
            key = PROMPT if name == PROMPT_EVENT else COMPLETION
            for element in _as_list(value.get(key)):
                self.say(element) if key == PROMPT else self.answer(element)
        elif _has_content(value):
            self.say({"role": semconv.MESSAGE_ROLES[name], **_plain(value)})

    def say(self, raw: Any) -> None:
        """Add a message of the request. Bedrock's have results in the user's message, and once more
        in an event of their own."""
        system, messages = _read(raw)
        told = {one.tool_call_id for one in self.input if one.role == "tool"} - {None}
        self.input += [
            one for one in messages if one.role != "tool" or one.tool_call_id not in told
        ]
        if system:
            self.systems.append(system)

    def answer(self, raw: Any) -> None:
        if isinstance(raw, str):
            raw = {"role": "assistant", "content": raw}
        elif isinstance(raw, dict):
            raw = {"role": "assistant", **raw}
        self.output += _read(raw)[1]

    def _choose(self, value: Mapping[str, Any]) -> None:
        """Take an answer; of several choices the first is what the application got."""
        if self.output and value.get("index") not in (0, None):
            return
        message = decoding.container(value.get("message"))
        if isinstance(message, str):
            message = {"content": message}
        elif not isinstance(message, dict):
            message = _plain(value)
        if _has_content(message):
            self.answer({"finish_reason": value.get("finish_reason"), **message})


def _read(raw: Any) -> tuple[str | None, list[Message]]:
    content = raw.get("content") if isinstance(raw, dict) else None
    if isinstance(content, list) and all(isinstance(b, dict) and "type" not in b for b in content):
        return shapes.read_message(raw)  # Bedrock's blocks.
    return genai.read_message(raw)


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of a span event hold JSON text where a log record's body has values."""
    plain = dict(value)
    calls = decoding.container(plain.get("tool_calls"))
    if calls is not None:
        plain["tool_calls"] = calls
    return plain


def _has_content(value: Mapping[str, Any]) -> bool:
    """Where content is off the same records come with less in them, tool calls without arguments
    among it: those still tell what the agent did."""
    return value.get("content") is not None or bool(value.get("tool_calls"))


def _events(span: Span) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and content of the events of a call, log records before span events."""
    spoken = False
    for log in span.logs:
        body = decoding.container(decoding.attribute(log["body"])) if log["body"] else {}
        if log["name"] in _EVENTS and isinstance(body, dict):
            spoken = True
            yield log["name"], dict(log["attributes"] or ()) | body
    if spoken:
        return
    for event in span.events():
        attributes = event.get("attributes")
        if event["name"] in _EVENTS and isinstance(attributes, dict):
            spoken = True
            yield str(event["name"]), attributes
    if spoken:
        return
    for key in PYDANTIC_EVENTS:
        events = decoding.container(span.value(key))
        for entry in events if isinstance(events, list) else ():
            if isinstance(entry, dict) and (name := _name_of(entry)):
                yield name, entry


def _name_of(entry: Mapping[str, Json]) -> str | None:
    """Name of an entry of pydantic-ai's list: by `event.name`, in a whole run also by its role."""
    name = entry.get("event.name")
    return name if isinstance(name, str) and name in _EVENTS else None


def _has_events(span: Span) -> bool:
    return any(event["name"] in _EVENTS for event in span.events())


def _is_event_list(text: str | None) -> bool:
    return text is not None and "event.name" in text and "gen_ai." in text


def _prompts(span: Span, key: str) -> list[Any]:
    return _as_list(span.value(key)) if key in span else []


def _as_list(value: Json) -> list[Any]:
    """A list of messages, an object that holds one, one message, or a bare text."""
    value = decoding.container(value)
    if isinstance(value, dict) and isinstance(value.get("messages"), list):
        value = value["messages"]
    if isinstance(value, list):
        return value
    return [] if value is None or value == "" else [value]
