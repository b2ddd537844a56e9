"""OpenLLMetry: the flat keys of its older versions, and the spans that it puts around an agent.

Up to about 0.4x messages are `gen_ai.prompt.<n>.…` and `gen_ai.completion.<n>.…`; newer model calls
are in the newest GenAI conventions. Wrapper spans have `traceloop.span.kind` in all versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector import semconv
from collector.dialects import calls, decoding, genai
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories
from collector.dialects.indexed import elements, in_order
from collector.dialects.spans import Span
from collector.records import Json, Message

_WRAPPER = "traceloop.span.kind"
_REQUEST_TYPE = "llm.request.type"
_PROMPT = "gen_ai.prompt."
_COMPLETION = "gen_ai.completion."
_CALLS = ("chat", "completion")


def speaks(span: Span) -> bool:
    """Tell whether a span is a wrapper, or a model call in the older form."""
    if any(key in span for key in genai.CONTENT):
        return False
    return (
        _WRAPPER in span
        or _REQUEST_TYPE in span
        or any(key.startswith((_PROMPT, _COMPLETION)) for key in span.keys)
    )


def kind(span: Span) -> str:
    """Workflows and tasks are whatever function a decorator stands on: they give ids only."""
    wrapper = span.text(_WRAPPER)
    if wrapper in ("tool", "agent"):
        return wrapper
    if wrapper is not None:
        return "other"
    request_type = span.text(_REQUEST_TYPE)
    return "call" if request_type is None or request_type in _CALLS else "other"


def read_call(span: Span, histories: Histories) -> Call:
    if _WRAPPER in span:
        return Call(span_id=span.span_id, start_ns=span.start_ns, end_ns=span.end_ns)
    system, said = _read(elements(span, _PROMPT))
    _, answered = _read(elements(span, _COMPLETION), role="assistant")
    return Call(
        span_id=span.span_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        input=tuple(said),
        output=genai.with_finish(tuple(answered), span),
        system=system,
        model=span.text(semconv.RESPONSE_MODEL, semconv.REQUEST_MODEL),
        response_id=span.text(semconv.RESPONSE_ID),
        usage=calls.usage(
            span.count(semconv.INPUT_TOKENS, "gen_ai.usage.prompt_tokens"),
            span.count(semconv.OUTPUT_TOKENS, "gen_ai.usage.completion_tokens"),
        ),
        error=calls.call_error(span),
        truncated=bool(span.row["dropped_attributes"]),
    )


def read_tool(span: Span) -> ToolRun:
    """Arguments are those of the decorated function; its result is encoded twice."""
    return ToolRun(
        span_id=span.span_id,
        name=span.text(semconv.TOOL_NAME, "traceloop.entity.name"),
        call_id=span.text(semconv.TOOL_CALL_ID),
        arguments=_arguments(decoding.container(span.value("traceloop.entity.input"))),
        result=_result(span.value("traceloop.entity.output")),
        error=calls.tool_error(span),
        end_ns=span.end_ns,
    )


def _arguments(given: Json) -> Json:
    """Unpack `{"args": […], "kwargs": {…}}`; LangChain's tools come as `{"input_str": …}`."""
    if not isinstance(given, dict):
        return given
    named, in_order_ = given.get("kwargs"), given.get("args")
    if isinstance(named, dict) and named:
        return named
    if isinstance(in_order_, list) and in_order_:
        return decoding.container(in_order_[0]) if len(in_order_) == 1 else in_order_
    return decoding.container(given["input_str"]) if "input_str" in given else given


def _result(output: Json) -> Json:
    """A text was written as JSON, and JSON text inside of it once more."""
    if isinstance(output, str):
        try:
            output = decoding.parse(output)
        except ValueError:
            return output
    return decoding.container(output)


def _read(entries: list[Any], role: str | None = None) -> tuple[str | None, list[Message]]:
    systems: list[str] = []
    messages: list[Message] = []
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        system, spoken = genai.read_message(_as_sent(entry, role))
        messages += spoken
        if system:
            systems.append(system)
    return "\n\n".join(systems) or None, messages


def _as_sent(entry: Mapping[str, Any], role: str | None) -> dict[str, Any]:
    """One message in the shape of the provider's own interface.

    Content that is a list of parts is JSON text here; what a user wrote is never decoded, so it
    must look like such parts.
    """
    message = {"role": role or "user", **entry}
    content = entry.get("content")
    if isinstance(content, str) and content.startswith('[{"type"'):
        parts = decoding.container(content)
        message["content"] = [_part(part) for part in parts] if isinstance(parts, list) else content
    tool_calls = list(in_order(entry.get("tool_calls")))
    function = entry.get("function_call")
    if isinstance(function, dict) and not tool_calls:
        tool_calls = [function]
    message["tool_calls"] = tool_calls
    return message


def _part(part: Any) -> Any:
    """Anthropic's parts, as the provider has them, in the words of the conventions."""
    if not isinstance(part, dict):
        return part
    if part.get("type") == "tool_use":
        return {**part, "type": "tool_call", "arguments": part.get("input")}
    if part.get("type") == "tool_result":
        return {
            "type": "tool_call_response",
            "id": part.get("tool_use_id"),
            "response": part.get("content"),
            "error": part.get("is_error"),
        }
    return part
