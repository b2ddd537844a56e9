"""Answers as a provider's or a framework's own interface has them: what `shapes` reads, coming
back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from collector.dialects import calls, decoding
from collector.dialects.shapes import read_message, tool_call
from collector.records import Json, Message, Usage

_TEXTS = ("output", "answer", "response", "result", "text", "content", "completion")
_USAGES = ("usage", "usage_metadata", "usageMetadata", "token_usage")
_ANSWERED = ("choices", "candidates", "stop_reason", "object", *_USAGES)
"""Only beside one of these is `id` the id of a response, and not of whatever a function gave."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a model gave."""

    messages: tuple[Message, ...] = ()
    response_id: str | None = None
    model: str | None = None
    usage: Usage | None = None


def read_answer(value: Json) -> Answer:
    """Read what a model or an agent gave back; streams as the list of their chunks."""
    if isinstance(value, str):
        return Answer(messages=(Message(role="assistant", text=value),) if value else ())
    if isinstance(value, list):
        return _of_chunks(value) if _are_chunks(value) else Answer(messages=_spoken(value))
    if not isinstance(value, dict):
        return Answer()
    identifier = value.get("id") if any(key in value for key in _ANSWERED) else None
    model = value.get("model") or value.get("modelVersion")
    return Answer(
        messages=_answered(value),
        response_id=identifier if isinstance(identifier, str) else _langchain_id(value),
        model=model if isinstance(model, str) else None,
        usage=read_usage(next((value[key] for key in _USAGES if key in value), None)),
    )


def _answered(value: Mapping[str, Json]) -> tuple[Message, ...]:
    for key in ("choices", "candidates"):
        choices = value.get(key)
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            choice = choices[0]
            said = choice.get("message") or choice.get("content") or choice.get("text")
            reason = choice.get("finish_reason") or choice.get("finishReason")
            return _finished(_spoken([said]), reason)
    generations = value.get("generations")
    if isinstance(generations, list) and generations:
        first = generations[0]
        first = first[0] if isinstance(first, list) and first else first
        if isinstance(first, dict):
            return _spoken([first.get("message") or first.get("text")])
    messages = value.get("messages")
    if isinstance(messages, list):
        return _after_user(_spoken(messages))
    reason = value.get("stop_reason") or value.get("finish_reason") or value.get("stopReason")
    output = value.get("output")
    if isinstance(output, dict) and isinstance(output.get("message"), dict):
        output = output["message"]  # Bedrock
    elif isinstance(value.get("message"), dict):
        output = value["message"]  # Ollama, Cohere, Logfire
    if isinstance(output, list | dict) and output:
        return _finished(_spoken(output if isinstance(output, list) else [output]), reason)
    if "role" in value or "tool_calls" in value or value.get("type") in ("constructor", "ai"):
        return _finished(_spoken([dict(value)]), reason)
    if isinstance(value.get("content"), list | dict):
        content = value["content"]
        message = content if isinstance(content, dict) else {"content": content}
        return _finished(_spoken([{**message, "role": "assistant"}]), reason)
    return _spoken([value[key] for key in _TEXTS if isinstance(value.get(key), str)][:1])


def _spoken(raw: Sequence[Json]) -> tuple[Message, ...]:
    """Messages of an answer; a text alone is the assistant's."""
    messages: list[Message] = []
    for each in raw:
        if isinstance(each, str):
            messages += [Message(role="assistant", text=each)] if each else []
        elif isinstance(each, dict):
            speaker = {} if "role" in each or "type" in each else {"role": "assistant"}
            messages += read_message({**each, **speaker})[1]
    return tuple(
        each for each in messages if each.text or each.tool_calls or each.role != "assistant"
    )


def _after_user(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The state of a graph holds all turns: what came after the user's last words is the answer."""
    last = max((n for n, message in enumerate(messages) if message.role == "user"), default=-1)
    return messages[last + 1 :]


def _finished(messages: tuple[Message, ...], reason: Json) -> tuple[Message, ...]:
    word = calls.finish_reason(reason)
    if word is None or not messages or messages[-1].finish_reason:
        return messages
    return (*messages[:-1], replace(messages[-1], finish_reason=word))


def _langchain_id(value: Mapping[str, Json]) -> str | None:
    """The provider's id inside LangChain's generations: other instrumentations have it too."""
    generations = value.get("generations")
    while isinstance(generations, list) and generations:
        generations = generations[0]
    message = generations.get("message") if isinstance(generations, dict) else None
    inner = message.get("kwargs") if isinstance(message, dict) else None
    metadata = inner.get("response_metadata") if isinstance(inner, dict) else None
    found = metadata.get("id") if isinstance(metadata, dict) else None
    return found if isinstance(found, str) else None


def _are_chunks(value: list[Json]) -> bool:
    choices = (each.get("choices") for each in value[:3] if isinstance(each, dict))
    firsts = (each[0] for each in choices if isinstance(each, list) and each)
    return any(isinstance(first, dict) and "delta" in first for first in firsts)


def _of_chunks(chunks: list[Json]) -> Answer:
    """Join the deltas of OpenAI's stream."""
    text: list[str] = []
    asked: dict[int, dict[str, str]] = {}
    reason: Json = None
    known: dict[str, Json] = {}
    for chunk in chunks:
        if not isinstance(chunk, dict):
            continue
        known.update({key: chunk[key] for key in ("id", "model", "usage") if chunk.get(key)})
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(delta, dict):
            continue
        reason = choice.get("finish_reason") or reason
        piece = delta.get("content")
        text.append(piece if isinstance(piece, str) else "")
        pieces = delta.get("tool_calls")
        for number, asked_for in enumerate(pieces if isinstance(pieces, list) else []):
            _add_piece(asked, number, asked_for)
    said = "".join(text)
    parts: list[Json] = [{"type": "text", "content": said}] if said else []
    parts += [tool_call(call["id"], call["name"], call["arguments"]) for call in asked.values()]
    joined: dict[str, Json] = {"role": "assistant", "parts": parts}
    whole: Json = {**known, "choices": [{"message": joined, "finish_reason": reason}]}
    return read_answer(whole)


def _add_piece(asked: dict[int, dict[str, str]], number: int, piece: Json) -> None:
    function = piece.get("function") if isinstance(piece, dict) else None
    if not isinstance(piece, dict) or not isinstance(function, dict):
        return
    index = piece.get("index")
    call = asked.setdefault(
        index if isinstance(index, int) else number, {"id": "", "name": "", "arguments": ""}
    )
    for key, word in (("id", piece.get("id")), ("name", function.get("name"))):
        call[key] = call[key] or (word if isinstance(word, str) else "")
    arguments = function.get("arguments")
    call["arguments"] += arguments if isinstance(arguments, str) else ""


_INPUT_TOKENS = ("input_tokens", "prompt_tokens", "promptTokenCount", "prompt_token_count")
_OUTPUT_TOKENS = (
    *("output_tokens", "completion_tokens"),
    *("candidatesTokenCount", "candidates_token_count"),
)


def read_usage(value: Json) -> Usage | None:
    """Read token counts under any provider's names.

    Cached tokens are not added: products count them in, and only Anthropic's own answers do not.
    """
    value = decoding.container(value)
    if not isinstance(value, dict):
        return None
    return calls.usage(
        _count(value, (*_INPUT_TOKENS, "inputTokens", "input")),
        _count(value, (*_OUTPUT_TOKENS, "outputTokens", "output")),
    )


def _count(value: Mapping[str, Json], keys: tuple[str, ...]) -> int | None:
    numbers = (value.get(key) for key in keys)
    return next(
        (
            int(number)
            for number in numbers
            if isinstance(number, int | float) and not isinstance(number, bool) and number >= 0
        ),
        None,
    )
