"""Requests as a provider's or a framework's own interface has them.

Observability products store what the application gave to a model, untranslated: OpenAI's chat and
responses, Anthropic, Bedrock, Gemini, LangChain's serialised messages. Here they become messages
of the GenAI conventions, `{role, parts}`, and are read as those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import orjson

from collector.dialects import decoding, genai
from collector.dialects.histories import Histories
from collector.records import Json, Message

_LISTS = ("messages", "contents", "input", "inputs", "prompts")
_TEXTS = ("input", "question", "query", "prompt", "text", "user_input", "message")
_SYSTEMS = ("system", "instructions", "system_instruction", "systemInstruction", "system_prompt")
_SPEAKERS = {
    "humanmessage": "user",
    "human": "user",
    "aimessage": "assistant",
    "ai": "assistant",
    "systemmessage": "system",
    "toolmessage": "tool",
    "functionmessage": "tool",
}
"""Class names and types of LangChain's messages."""
_TEXT_TYPES = ("text", "input_text", "output_text")
_THOUGHTS = ("thinking", "redacted_thinking", "reasoning", "reasoningContent")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What was asked of a model."""

    messages: tuple[Message, ...] = ()
    system: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The value of one attribute."""

    value: Json
    truncated: bool = False
    """It was cut off; then `value` holds the complete messages at its start, if any."""


def unpack(sent: Json) -> Unpacked:
    """Take JSON text apart; text that never was JSON stays as it is."""
    value = decoding.container(sent)
    if not isinstance(value, str) or not value.startswith(('{"', "[{", "[[")):
        return Unpacked(value)
    start = max(value.find('"messages"'), 0)
    elements = decoding.leading_elements(value[start:].replace("[[", "[", 1))
    return Unpacked(elements or None, truncated=True)


# --- requests ------------------------------------------------------------------------------------


def read_request(value: Json, histories: Histories) -> Request:
    """Read a request: a message list, an object that holds one, or the user's text alone.

    What is none of these has no messages: nothing is guessed.
    """
    value = _arguments(value)
    if isinstance(value, str):
        return Request(messages=(Message(role="user", text=value),) if value else ())
    if isinstance(value, list):
        return _of_list(value, histories)
    if not isinstance(value, dict):
        return Request()
    request = next(
        (_of_list(value[key], histories) for key in _LISTS if isinstance(value.get(key), list)),
        None,
    )
    if request is None:
        texts = (value[key] for key in _TEXTS if isinstance(value.get(key), str | dict))
        request = read_request(next(texts, None), histories)
    systems = [_system(value[key]) for key in _SYSTEMS if value.get(key)]
    config = value.get("config")
    if isinstance(config, dict):
        systems += [_system(config[key]) for key in _SYSTEMS if config.get(key)]
    system = "\n\n".join(text for text in [*systems, request.system] if text)
    model = value.get("model") or value.get("modelId")
    return replace(
        request,
        system=system or None,
        model=model if isinstance(model, str) else request.model,
    )


def _arguments(value: Json) -> Json:
    """What a decorated function was given, as `{args, kwargs}`: its only argument of any use."""
    if not isinstance(value, dict) or not value.keys() <= {"args", "kwargs"}:
        return value
    args, named = value.get("args"), value.get("kwargs")
    if isinstance(named, dict) and any(key in named for key in (*_LISTS, *_TEXTS)):
        return named
    useful = [each for each in args if each] if isinstance(args, list) else []
    return useful[0] if useful else named


def _of_list(value: Json, histories: Histories) -> Request:
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]  # LangChain sends a batch of one.
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return Request(messages=(Message(role="user", text="\n".join(map(str, value))),))
    read = histories.read(orjson.dumps(value).decode(), read_message)
    return Request(messages=read.messages, system=read.system)


def _system(value: Json) -> str | None:
    if isinstance(value, dict):
        value = value.get("parts") or value.get("content") or value.get("text")
    blocks = value if isinstance(value, list) else [value]
    texts = [each if isinstance(each, str) else _text_in(each) for each in blocks]
    return "\n\n".join(text for text in texts if text) or None


# --- messages ------------------------------------------------------------------------------------


def read_message(raw: Json) -> tuple[str | None, list[Message]]:
    """Read one element of a message list of any known shape, like `genai.read_message`."""
    if isinstance(raw, dict) and raw.get("type") == "reasoning":
        return None, []  # OpenAI's responses have thoughts as items of their own.
    return genai.read_message(as_convention(raw))


def as_convention(raw: Json) -> Json:
    """Translate one message to `{role, parts}`; what is no message comes back as it is."""
    if isinstance(raw, list) and len(raw) == 2 and all(isinstance(each, str) for each in raw):
        raw = {"role": raw[0], "content": raw[1]}  # LangChain: ["human", "hi"].
    if not isinstance(raw, dict):
        return raw
    kwargs, data = raw.get("kwargs"), raw.get("data")
    if raw.get("type") == "constructor" and isinstance(kwargs, dict):
        names = raw.get("id")
        raw = _named(kwargs, names[-1] if isinstance(names, list) and names else None)
    elif isinstance(data, dict) and "content" in data:
        raw = _named(data, raw.get("type"))
    elif raw.get("type") in ("function_call", "custom_tool_call"):
        call = {**raw, "id": raw.get("call_id") or raw.get("id"), "type": "tool_call"}
        call["arguments"] = raw.get("arguments", raw.get("input"))
        return {"role": "assistant", "parts": [call]}
    elif str(raw.get("type")).endswith("_call_output"):
        return {"role": "tool", "parts": [_result(raw.get("call_id"), None, raw.get("output"))]}
    return raw if _is_convention(raw) else _of_chat(raw)


def _named(message: Mapping[str, Json], name: Json) -> dict[str, Json]:
    speaker = _SPEAKERS.get(str(name).lower().removesuffix("chunk"))
    return {**message, "role": speaker or message.get("role") or "user"}


def _is_convention(raw: Mapping[str, Json]) -> bool:
    parts = raw.get("parts")
    return isinstance(parts, list) and any(isinstance(p, dict) and "type" in p for p in parts)


def _of_chat(raw: Mapping[str, Json]) -> Json:
    """Translate `{role, content, tool_calls}` in the ways that providers fill it."""
    role = str(raw.get("role") or raw.get("type") or "user").lower()
    role = _SPEAKERS.get(role, role)
    content = raw.get("parts") if isinstance(raw.get("parts"), list) else raw.get("content")
    if role in ("tool", "function") and not _holds_result(content):
        failed = raw.get("status") == "error" or raw.get("is_error") is True
        result = _result(raw.get("tool_call_id") or raw.get("id"), raw.get("name"), content)
        return {**raw, "role": "tool", "parts": [result | ({"error": True} if failed else {})]}
    blocks = content if isinstance(content, list) else [] if content is None else [content]
    parts = [part for block in blocks for part in _parts(block)]
    if not any(part["type"] == "tool_call" for part in parts):
        # LangChain repeats Anthropic's blocks of calls under `tool_calls`.
        parts += _tool_calls(raw)
    if any(part["type"] == "tool_call" for part in parts):
        parts = [part for part in parts if part["type"] != "text" or part["content"] != ""]
    return {
        "role": role,
        "parts": [*parts],
        "name": raw.get("name"),
        "finish_reason": raw.get("finish_reason") or raw.get("stop_reason"),
        **({"timestamp": raw["timestamp"]} if "timestamp" in raw else {}),
    }


def _holds_result(content: Json) -> bool:
    return isinstance(content, list) and any(
        isinstance(block, dict)
        and (block.get("type") == "tool_result" or "toolResult" in block or _response_of(block))
        for block in content
    )


def _response_of(block: Mapping[str, Json]) -> Json:
    return block.get("functionResponse") or block.get("function_response")


def _tool_calls(raw: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    """Calls of OpenAI `{id, function: {name, arguments}}` and LangChain `{id, name, args}`."""
    sent = raw.get("tool_calls")
    extra = raw.get("additional_kwargs")
    if not sent and isinstance(extra, dict):
        sent = extra.get("tool_calls")
    for call in sent if isinstance(sent, list) else []:
        if isinstance(call, dict):
            function = call.get("function")
            named = function if isinstance(function, dict) else call
            arguments = named.get("arguments", named.get("args"))
            yield tool_call(call.get("id"), named.get("name"), arguments)
    lone = raw.get("function_call")
    if isinstance(lone, dict):
        yield tool_call(None, lone.get("name"), lone.get("arguments"))


def tool_call(id_: Json, name: Json, arguments: Json) -> dict[str, Json]:
    return {"type": "tool_call", "id": id_, "name": name, "arguments": arguments}


def _result(id_: Json, name: Json, payload: Json) -> dict[str, Json]:
    return {
        "type": "tool_call_response",
        "id": id_,
        "name": name,
        "response": plain_result(payload),
    }


def plain_result(payload: Json) -> Json:
    """Payload of a tool result; blocks of text and JSON (Anthropic, Bedrock, MCP) as one value."""
    payload = decoding.container(payload)
    if isinstance(payload, dict) and isinstance(payload.get("content"), list):
        payload = payload["content"]  # A result of MCP.
    if not isinstance(payload, list) or not all(isinstance(each, dict) for each in payload):
        return payload
    if len(payload) == 1 and isinstance(payload[0], dict) and "json" in payload[0]:
        return payload[0]["json"]
    texts = [_text_in(block) for block in payload]
    if not texts or not all(isinstance(text, str) for text in texts):
        return payload
    return decoding.container("\n".join(text for text in texts if text))


def _text_in(block: Json) -> str | None:
    """Text of a block that is nothing but text."""
    if not isinstance(block, dict) or block.get("type", "text") not in _TEXT_TYPES:
        return None
    text = block.get("text", block.get("content"))
    return text if isinstance(text, str) else None


def _parts(block: Json) -> Iterator[dict[str, Json]]:
    """Translate one block of content."""
    if not isinstance(block, dict):
        yield {"type": "text", "content": str(block)}
        return
    kind = block.get("type")
    for shape in (block.get("toolUse"), block.get("functionCall"), block.get("function_call")):
        if isinstance(shape, dict):  # Bedrock's; Gemini's in two spellings
            id_ = shape.get("toolUseId", shape.get("id"))
            yield tool_call(id_, shape.get("name"), shape.get("input", shape.get("args")))
            return
    if isinstance(used := block.get("toolResult"), dict):
        result = _result(used.get("toolUseId"), None, used.get("content"))
        yield result | ({"error": True} if used.get("status") == "error" else {})
    elif isinstance(response := _response_of(block), dict):
        yield _result(response.get("id"), response.get("name"), response.get("response"))
    elif kind == "tool_use":
        yield tool_call(block.get("id"), block.get("name"), block.get("input"))
    elif kind == "tool_result":
        result = _result(block.get("tool_use_id"), None, block.get("content"))
        yield result | ({"error": True} if block.get("is_error") is True else {})
    elif kind in _THOUGHTS or block.get("thought") is True or "reasoningContent" in block:
        yield {"type": "reasoning"}
    elif (text := _text_in(block)) is not None:
        yield {"type": "text", "content": text}
    elif "role" not in block:
        named = kind if isinstance(kind, str) else next(iter(block), "part")
        yield {"type": "file", "modality": str(named).removesuffix("_url")[:40]}
