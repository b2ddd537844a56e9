"""What the model was told about its tools, wherever a span says so.

The keys belong to no dialect alone: one library sends several of them, and many dialects share
one. So they are read by key, the convention's first, and every spelling of one definition (chat
completions, Responses and Messages API, Gemini, Bedrock, pydantic-ai, the AI SDK) is understood.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from collector import semconv
from collector.dialects import decoding
from collector.dialects.indexed import elements
from collector.dialects.spans import Span
from collector.records import Json, ToolDefinition

MAX_TOOLS = 200
"""Of one request; providers take 128."""
_DEEPEST = 4
"""Gemini's: request, config, tools, element, declarations."""

_LISTS = (
    semconv.TOOL_DEFINITIONS,
    "ai.prompt.tools",
    "model_request_parameters",
    "mlflow.chat.tools",
    "tools",
    f"{semconv.IMPORTED}tools",
)
"""Keys whose value is a list of tools, or a request that holds one."""
_REQUESTS = (
    "llm.invocation_parameters",
    "langfuse.observation.input",
    "mlflow.spanInputs",
    "gcp.vertex.agent.llm_request",
    "input.value",
)
"""Keys whose value may be a whole request, history included: parsed only if it names tools."""
_NAMES_TOOLS = ('tools":', 'tools\\":', 'function_declarations":', 'function_declarations\\":')
_NESTED = ("tools", "function_tools", "functions", "function_declarations", "functionDeclarations")
_PLACES = ("config", "kwargs", "invocation_params")
"""Objects of a request under which the tools may lie."""
_SCHEMAS = (
    *("parameters", "input_schema", "inputSchema", "parameters_json_schema"),
    *("parametersJsonSchema", "json_schema"),
)


def tool_definitions(span: Span) -> tuple[ToolDefinition, ...]:
    """Tools that this span's request offered, in its order, each name once; none where it says
    nothing."""
    for key in _LISTS:
        if key in span and (found := _parsed(_fullest(span, key))):
            return found
    for prefix in ("llm.tools.", "llm.request.functions."):
        if any(f"{prefix}0.{leaf}" in span for leaf in ("tool.json_schema", "name")):
            each = (one.get("tool", one) for one in elements(span, prefix) if isinstance(one, dict))
            if found := _once(each):
                return found
    for key in _REQUESTS:
        raw = span.raw(key) or ""
        if any(name in raw for name in _NAMES_TOOLS):
            found = _once(_definitions(decoding.attribute(raw)))
            if found:
                return found
    return ()


def of_tool_run(span: Span) -> ToolDefinition | None:
    """The definition that the span of a tool's execution carries, as Strands sends it."""
    name = span.text(semconv.TOOL_NAME, "tool.name")
    description = span.text("gen_ai.tool.description", "tool.description")
    schema = decoding.container(span.value("gen_ai.tool.json_schema"))
    if schema is None:
        schema = decoding.container(span.value("tool.parameters"))
    if name is None or (description is None and not isinstance(schema, dict)):
        return None
    return ToolDefinition(name=name, description=description, parameters=schema or None)


def _fullest(span: Span, key: str) -> str:
    """Of the span's own value and its log records' the longest: ADK cuts schemas on spans."""
    told = [span.raw(key) or ""]
    told += [Span(log).raw(key) or "" for log in span.logs]
    return max(told, key=len)


@lru_cache(maxsize=256)
def _parsed(raw: str) -> tuple[ToolDefinition, ...]:
    """Remembered, because every call of an agent repeats the same list."""
    return _once(_definitions(decoding.attribute(raw)))


def _once(raw: Iterator[Any]) -> tuple[ToolDefinition, ...]:
    found: dict[str, ToolDefinition] = {}
    for one in raw:
        definition = _definition(decoding.container(one))
        if definition is not None and len(found) < MAX_TOOLS:
            found.setdefault(definition.name, definition)
    return tuple(found.values())


def _definitions(value: Json, depth: int = 0) -> Iterator[Json]:
    """Elements of a list of tools, or of the list inside a request."""
    value = decoding.container(value)
    if isinstance(value, list):
        for one in value:
            one = decoding.container(one)
            nested = isinstance(one, dict) and not _named(one) and depth < _DEEPEST
            # Gemini and ADK put several functions into one element.
            yield from _definitions(one, depth + 1) if nested else (one,)
    elif isinstance(value, dict) and depth < _DEEPEST:
        for key in (*_NESTED, *_PLACES):
            if isinstance(value.get(key), list | dict | str):
                yield from _definitions(value[key], depth + 1)


def _named(raw: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """The object that has the name: itself, or what it wraps."""
    if isinstance(raw.get("name"), str) and raw["name"]:
        return raw
    for key in ("function", "toolSpec", "json_schema"):
        inner = decoding.container(raw.get(key))
        if isinstance(inner, dict) and (named := _named(inner)):
            return named
    return None


def _definition(raw: Json) -> ToolDefinition | None:
    named = _named(raw) if isinstance(raw, dict) else None
    if named is None:
        return None
    schema = next((named[key] for key in _SCHEMAS if named.get(key) is not None), None)
    schema = decoding.container(schema)
    if isinstance(schema, dict) and set(schema) == {"json"}:  # Bedrock's wrapping
        schema = schema["json"]
    description = named.get("description")
    return ToolDefinition(
        name=str(named["name"])[:200],
        description=description if isinstance(description, str) and description else None,
        parameters=schema if isinstance(schema, dict) else None,
    )
