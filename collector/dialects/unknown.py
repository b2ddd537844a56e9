"""What no dialect speaks, read as far as any known key goes.

An instrumentation that nobody has written a dialect for still has its conversation read where it
puts requests and answers under one of the usual names. It is named in the conversation's
`dialects`, so that somebody can.
"""

from __future__ import annotations

from typing import Any

from collector import semconv
from collector.dialects import calls, decoding, genai, replies, shapes
from collector.dialects.calls import Call
from collector.dialects.histories import Histories
from collector.dialects.indexed import elements
from collector.dialects.spans import Span
from collector.records import Json

NAME = "unknown"
_REQUESTS = (
    *("gen_ai.request.messages", "gen_ai.prompt", "gen_ai.input"),
    *("llm.request.messages", "llm.messages", "llm.prompts", "llm.prompt", "llm.input"),
    *("haystack.agent.step.llm.input", "haystack.agent.input", "request_data"),
    *("input.value", "input.messages", "input", "messages", "prompt"),
)
_ANSWERS = (
    *("gen_ai.response.messages", "gen_ai.completion", "gen_ai.output"),
    *("llm.response.messages", "llm.completions", "llm.completion", "llm.response", "llm.output"),
    *("haystack.agent.step.llm.output", "haystack.agent.output", "response_data"),
    *("output.value", "output.messages", "output", "completion", "response"),
)
_INDEXED = ("llm.prompts.", "llm.completions.")
"""The first OpenLLMetry: `llm.prompts.0.role`."""
_OF_A_MODEL = ("gen_ai.", "llm.", "ai.model", "haystack.agent")
_COUNTED = (
    *(semconv.INPUT_TOKENS, "gen_ai.usage.prompt_tokens"),
    *("llm.usage.prompt_tokens", "llm.token_count.prompt"),
)
_ANSWER_TOKENS = (
    *(semconv.OUTPUT_TOKENS, "gen_ai.usage.completion_tokens"),
    *("llm.usage.completion_tokens", "llm.token_count.completion"),
)

read_tool = genai.read_tool


def speaks(span: Span) -> bool:
    """Tell whether a span has a request under a known name, or the tokens of one.

    A plain word such as `input` may be anybody's: then messages, or a key of a model beside it,
    must say that it is about a conversation.
    """
    if any(key in span for key in _COUNTED):
        return True
    if not any(key in span for key in _REQUESTS) and f"{_INDEXED[0]}0.content" not in span:
        return False
    return any(key.startswith(_OF_A_MODEL) for key in span.keys) or _holds_messages(span)


def kind(span: Span) -> str:
    """It may wrap calls that are read better: it speaks only where nothing below it does."""
    has_text = any(key in span for key in _REQUESTS) or f"{_INDEXED[0]}0.content" in span
    return "agent" if has_text else "call"


def _holds_messages(span: Span) -> bool:
    value = _first(span, _REQUESTS)
    value = value.get("messages") if isinstance(value, dict) else value
    first = value[0] if isinstance(value, list) and value else None
    return isinstance(first, dict) and "role" in first


def _first(span: Span, keys: tuple[str, ...]) -> Json:
    return next((decoding.container(span.value(key)) for key in keys if key in span), None)


def read_call(span: Span, histories: Histories) -> Call:
    asked: Any = elements(span, _INDEXED[0]) or _first(span, _REQUESTS)
    gave: Any = elements(span, _INDEXED[1]) or _first(span, _ANSWERS)
    request = shapes.read_request(asked, histories)
    answer = replies.read_answer(gave)
    return Call(
        span_id=span.span_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        input=request.messages,
        output=answer.messages,
        system=request.system,
        model=span.text(semconv.RESPONSE_MODEL, semconv.REQUEST_MODEL, "llm.model_name", "model")
        or answer.model
        or request.model,
        response_id=span.text(semconv.RESPONSE_ID) or answer.response_id,
        usage=calls.usage(span.count(*_COUNTED), span.count(*_ANSWER_TOKENS)) or answer.usage,
        error=calls.call_error(span),
    )
