"""Strands Agents: content in span events, as blocks of Bedrock's interface.

With the newest conventions switched on it sends several events of the inference's details for each
span, one with the input and another with the output; with attributes switched on it is plain GenAI.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from collector import semconv
from collector.dialects import decoding, genai, shapes
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories
from collector.dialects.spans import Span
from collector.records import Json, Message

_NAME = "strands-agents"
"""As JSON text, so that no span is decoded to be asked."""
_CHOICE = "gen_ai.choice"
_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}

kind = genai.kind


def speaks(span: Span) -> bool:
    named = span.row["scope"] == "strands.telemetry.tracer" or _NAME in (
        span.value("gen_ai.system"),
        span.value("gen_ai.provider.name"),
    )
    return named and semconv.OPERATION in span


def read_call(span: Span, histories: Histories) -> Call:
    span = _with_details(span)
    call = genai.read_call(span, histories)
    said: list[Json] = []
    answers: list[Message] = []
    for name, attributes in _events(span):
        if name in _ROLES:
            said.append({"role": _ROLES[name], "content": _blocks(attributes.get("content"))})
        elif name == _CHOICE:
            answers += _choice(attributes)
    if not said and not answers:
        return call
    read = histories.read(orjson.dumps(said).decode(), shapes.read_message)
    return replace(
        call,
        input=call.input or read.messages,
        output=call.output or tuple(answers),
        system=call.system or read.system,
    )


def _events(span: Span) -> Iterator[tuple[str, dict[str, Any]]]:
    for event in span.events():
        attributes = event.get("attributes")
        if isinstance(attributes, dict):
            yield str(event["name"]), attributes


def _with_details(span: Span) -> Span:
    """The span with the attributes that came in its events of the newest conventions."""
    details = {
        key: value
        for name, attributes in _events(span)
        if name == semconv.INFERENCE_DETAILS_EVENT
        for key, value in attributes.items()
    }
    if not details:
        return span
    return Span({**span.row, "attributes": {**details, **dict(span.row["attributes"] or ())}})


def _blocks(content: Json) -> Json:
    """Blocks of a message; on agent spans they may be plain text."""
    blocks = decoding.container(content)
    return blocks if isinstance(blocks, list) else [blocks] if blocks is not None else []


def _choice(attributes: dict[str, Any]) -> list[Message]:
    answer = {
        "role": "assistant",
        "content": _blocks(attributes.get("message")),
        "finish_reason": attributes.get("finish_reason"),
    }
    return shapes.read_message(answer)[1]


def read_tool(span: Span) -> ToolRun:
    """Arguments are in the event of the tool's message, the result in that of the choice."""
    span = _with_details(span)
    run = genai.read_tool(span)
    for name, attributes in _events(span):
        if name == "gen_ai.tool.message" and run.arguments is None:
            run = replace(run, arguments=decoding.container(attributes.get("content")))
        elif name == _CHOICE and run.result is None:
            run = replace(run, result=shapes.plain_result(attributes.get("message")))
    return run
