"""MLflow: every attribute value is JSON text once more, requests and answers in the provider's
shape.

Session and user are not in the stream that MLflow sends.
"""

from __future__ import annotations

from collector.dialects import calls, decoding, replies, shapes
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories
from collector.dialects.replies import Answer
from collector.dialects.shapes import Unpacked
from collector.dialects.spans import Span
from collector.records import Json

TYPE = "mlflow.spanType"
_INPUTS = "mlflow.spanInputs"
_OUTPUTS = "mlflow.spanOutputs"
_CHUNK = "mlflow.chunk.item."
_KINDS = {"CHAT_MODEL": "call", "LLM": "call", "TOOL": "tool", "AGENT": "agent"}


def speaks(span: Span) -> bool:
    return TYPE in span


def kind(span: Span) -> str:
    """A root wraps the whole turn, with its text, whatever its type."""
    named = _KINDS.get(str(_value(span, TYPE)).upper())
    return named or ("agent" if span.row["parent_span_id"] is None else "other")


def _value(span: Span, key: str) -> Json:
    """Value of an attribute without MLflow's own encoding, which is taken off once only."""
    value = span.value(key)
    return decoding.attribute(value) if isinstance(value, str) else value


def read_call(span: Span, histories: Histories) -> Call:
    asked, gave = _unpacked(span, _INPUTS), _unpacked(span, _OUTPUTS)
    request = shapes.read_request(asked.value, histories)
    answer = replies.read_answer(gave.value)
    if not any(message.text or message.tool_calls for message in answer.messages):
        answer = _streamed(span) or answer
    model = _value(span, "mlflow.llm.model")
    return Call(
        span_id=span.span_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        input=request.messages,
        output=answer.messages,
        system=request.system,
        model=answer.model or (model if isinstance(model, str) else request.model),
        response_id=answer.response_id,
        usage=replies.read_usage(_value(span, "mlflow.chat.tokenUsage")) or answer.usage,
        error=calls.call_error(span),
        truncated=asked.truncated or gave.truncated,
    )


def _streamed(span: Span) -> Answer | None:
    """The answer of a stream from its chunks, which are events of the span.

    MLflow joins their texts itself, but not the calls of tools that they ask for.
    """
    chunks: list[Json] = []
    for event in span.events():
        attributes = event.get("attributes")
        if str(event["name"]).startswith(_CHUNK) and isinstance(attributes, dict):
            chunks.append(decoding.container(attributes.get("mlflow.chunk.value")))
    answer = replies.read_answer(chunks)
    return answer if answer.messages else None


def _unpacked(span: Span, key: str) -> Unpacked:
    """A value that is no text was encoded once and is whole."""
    value = span.value(key)
    return (
        shapes.unpack(value)
        if isinstance(value, str) and value[:1] != '"'
        else Unpacked(_value(span, key))
    )


def read_tool(span: Span) -> ToolRun:
    return ToolRun(
        span_id=span.span_id,
        name=str(span.row["name"] or "") or None,
        arguments=decoding.container(_value(span, _INPUTS)),
        result=decoding.container(_value(span, _OUTPUTS)),
        error=calls.tool_error(span),
        end_ns=span.end_ns,
    )
