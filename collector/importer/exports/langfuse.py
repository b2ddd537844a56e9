"""Langfuse: traces, observations and scores of its blob storage export, its pages and its API.

Unverified: written from the field reference of its documentation (2026-11), in snake_case as in the
blob storage export and in camelCase as in the API and the pages; no export was made for real.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from collector import semconv
from collector.importer.exports.spans import (
    ExportedSpan,
    as_text,
    mapping,
    span_id,
    time_ns,
    time_text,
    trace_id,
    unpacked,
)

NAME = "langfuse"
_SCOPE = "langfuse-sdk"
_TYPES = frozenset(
    {
        *("SPAN", "GENERATION", "EVENT", "AGENT", "TOOL"),
        *("CHAIN", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL"),
    }
)
_OF_A_TRACE = frozenset({"session_id", "user_id", "trace_name"})
"""An observation that has none of these comes without its trace, which is in a file of its own."""
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def _snake(item: Mapping[str, Any]) -> dict[str, Any]:
    return {_HUMP.sub(r"_\1", key).lower(): value for key, value in item.items()}


def speaks(item: Mapping[str, Any]) -> bool:
    given = _snake(item)
    return _is_observation(given) or _is_trace(given) or _is_score(given)


def _is_observation(item: Mapping[str, Any]) -> bool:
    named = str(item.get("type")).upper() in _TYPES
    return named and "trace_id" in item and "start_time" in item


def _is_trace(item: Mapping[str, Any]) -> bool:
    return {"id", "timestamp", "session_id", "user_id", "input", "output"} <= item.keys()


def _is_score(item: Mapping[str, Any]) -> bool:
    return {"name", "value", "data_type", "source"} <= item.keys()


def spans(item: Mapping[str, Any]) -> Iterator[ExportedSpan]:
    given = _snake(item)
    if _is_observation(given):
        yield _observation(given)
    elif _is_trace(given):
        yield _trace(given)
        for inner in given.get("observations") or ():
            # In a list of traces these are ids, in a single trace they are whole.
            if isinstance(inner, dict):
                yield _observation({"trace_id": given["id"], **_snake(inner)})


def _observation(given: Mapping[str, Any]) -> ExportedSpan:
    trace = given["trace_id"]
    parent = given.get("parent_observation_id")
    is_alone = not parent and _OF_A_TRACE.isdisjoint(given)
    failed = given.get("level") == "ERROR"
    resource, scope = _origin(given)
    start_ns = time_ns(given["start_time"], "start_time")
    usage = mapping(given.get("usage_details")) or mapping(given.get("usage"))
    cost = mapping(given.get("cost_details"))
    return ExportedSpan(
        trace_id=trace_id(trace),
        span_id=span_id(given["id"]),
        parent_span_id=_root(trace) if is_alone else span_id(parent) if parent else None,
        name=str(given.get("name") or ""),
        start_ns=start_ns,
        end_ns=time_ns(given.get("end_time"), "end_time") or start_ns,
        scope=scope,
        attributes={
            "langfuse.observation.type": str(given["type"]).lower(),
            "langfuse.observation.input": as_text(given.get("input")),
            "langfuse.observation.output": as_text(given.get("output")),
            "langfuse.observation.model.name": given.get("provided_model_name")
            or given.get("model")
            or None,
            "langfuse.observation.model.parameters": as_text(given.get("model_parameters")),
            "langfuse.observation.usage_details": as_text(usage or None),
            "langfuse.observation.cost_details": as_text(cost or None),
            "langfuse.observation.level": given.get("level"),
            "langfuse.observation.status_message": given.get("status_message") or None,
            "langfuse.observation.prompt.name": given.get("prompt_name") or None,
            "langfuse.observation.prompt.version": given.get("prompt_version"),
            "langfuse.trace.name": given.get("trace_name") or None,
            **_whose(given),
        },
        error=str(given.get("status_message") or "") if failed else None,
        service=resource.get(semconv.SERVICE_NAME),
        service_version=given.get("release") or given.get("version") or None,
    )


def _trace(given: Mapping[str, Any]) -> ExportedSpan:
    """A trace is not a span: it becomes the root of its observations."""
    at_ns = time_ns(given["timestamp"], "timestamp")
    return ExportedSpan(
        trace_id=trace_id(given["id"]),
        span_id=_root(given["id"]),
        parent_span_id=None,
        name=str(given.get("name") or ""),
        start_ns=at_ns,
        end_ns=at_ns,
        scope=_SCOPE,
        attributes={
            "langfuse.observation.type": "span",
            "langfuse.observation.input": as_text(given.get("input")),
            "langfuse.observation.output": as_text(given.get("output")),
            "langfuse.trace.name": given.get("name") or None,
            **_whose(given),
        },
        service_version=given.get("release") or given.get("version") or None,
    )


def _root(trace: Any) -> str:
    return span_id(f"trace {trace}")


def _whose(given: Mapping[str, Any]) -> dict[str, Any]:
    tags = unpacked(given.get("tags"))
    metadata = {
        f"langfuse.trace.metadata.{key}": value
        for key, value in mapping(given.get("metadata")).items()
        if isinstance(value, str | int | float)
    }
    return {
        "session.id": given.get("session_id") or None,
        "user.id": given.get("user_id") or None,
        "langfuse.environment": given.get("environment") or None,
        "langfuse.trace.tags": tags if isinstance(tags, list) and tags else None,
        **metadata,
    }


def _origin(given: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """Resource attributes and scope, which Langfuse keeps in the metadata of what came by OTLP."""
    metadata = mapping(given.get("metadata"))
    resource = mapping(metadata.get("resourceAttributes"))
    is_named = not str(resource.get(semconv.SERVICE_NAME, "unknown_service")).startswith(
        "unknown_service"
    )
    scope = mapping(metadata.get("scope")).get("name")
    return resource if is_named else {}, scope if isinstance(scope, str) else _SCOPE


def events(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    given = _snake(item)
    if _is_observation(given) or not (_is_score(given) or _is_trace(given)):
        return
    scores = [given] if _is_score(given) else given.get("scores") or ()
    for score in scores:
        if isinstance(score, dict):
            yield _score({"trace_id": given.get("id"), **_snake(score)})


def _score(given: Mapping[str, Any]) -> dict[str, Any]:
    is_text = given.get("data_type") in ("CATEGORICAL", "TEXT")
    return {
        "event": semconv.EVALUATION_EVENT,
        semconv.EVENT_ID: f"langfuse-{given['id']}" if given.get("id") else None,
        "at": time_text(given.get("timestamp"), "timestamp"),
        "trace_id": trace_id(given["trace_id"]) if given.get("trace_id") else None,
        "span_id": span_id(given["observation_id"]) if given.get("observation_id") else None,
        "conversation_id": given.get("session_id") or None,
        "name": given.get("name"),
        "score.value": None if is_text else given.get("value"),
        "score.label": given.get("string_value") or None,
        "explanation": given.get("comment") or None,
        "source": given.get("source"),
    }
