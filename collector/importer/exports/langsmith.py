"""LangSmith: runs and feedback of its API, its client and its bulk export.

Unverified: written from the run data format of its documentation (2026-11); no export was made for
real. What a run says and was told is read by the dialect of LangSmith's own OTLP export, which was.
"""

from __future__ import annotations

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

NAME = "langsmith"
_SCOPE = "langsmith"


def speaks(item: Mapping[str, Any]) -> bool:
    return _is_run(item) or _is_feedback(item)


def _is_run(item: Mapping[str, Any]) -> bool:
    return {"id", "run_type", "start_time"} <= item.keys()


def _is_feedback(item: Mapping[str, Any]) -> bool:
    return {"run_id", "key", "score"} <= item.keys()


def spans(item: Mapping[str, Any]) -> Iterator[ExportedSpan]:
    if not _is_run(item):
        return
    waiting = [item]
    while waiting:
        run = waiting.pop()
        yield _span(run)
        children = unpacked(run.get("child_runs"))
        waiting += [
            {"trace_id": run.get("trace_id"), **child}
            for child in (children if isinstance(children, list) else ())
            if isinstance(child, dict) and _is_run(child)
        ]


def _span(run: Mapping[str, Any]) -> ExportedSpan:
    # `<start>Z<run>.<start>Z<run>…`: the way from the root of the trace down to this run.
    way = [part.partition("Z")[2] for part in str(run.get("dotted_order") or "").split(".")]
    parent = run.get("parent_run_id") or (way[-2] if len(way) > 1 else None)
    extra = mapping(run.get("extra"))
    metadata = {**mapping(run.get("metadata")), **mapping(extra.get("metadata"))}
    start_ns = time_ns(run["start_time"], "start_time")
    model = metadata.get("ls_model_name") or mapping(extra.get("invocation_params")).get("model")
    return ExportedSpan(
        trace_id=trace_id(run.get("trace_id") or way[0] or run["id"]),
        span_id=span_id(run["id"]),
        parent_span_id=span_id(parent) if parent else None,
        name=str(run.get("name") or ""),
        start_ns=start_ns,
        end_ns=time_ns(run.get("end_time"), "end_time") or start_ns,
        scope=_SCOPE,
        attributes={
            "langsmith.span.kind": run["run_type"],
            "gen_ai.prompt": as_text(run.get("inputs")),
            "gen_ai.completion": as_text(run.get("outputs")),
            semconv.REQUEST_MODEL: model if isinstance(model, str) else None,
            semconv.INPUT_TOKENS: _count(run.get("prompt_tokens")),
            semconv.OUTPUT_TOKENS: _count(run.get("completion_tokens")),
            **{
                f"langsmith.metadata.{key}": value if _is_plain(value) else as_text(value)
                for key, value in metadata.items()
            },
            "langsmith.metadata.thread_id": metadata.get("thread_id") or run.get("thread_id"),
        },
        error=str(run.get("error") or "") if _failed(run) else None,
        service=run.get("session_name") or None,
        service_version=as_text(metadata.get("revision_id")),
    )


def _failed(run: Mapping[str, Any]) -> bool:
    return bool(run.get("error")) or run.get("status") == "error"


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bool | int | float)


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) or str(value).isdecimal() else None


def events(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if not _is_feedback(item):
        return
    run, trace = item["run_id"], item.get("trace_id")
    value = item.get("value")
    yield {
        "event": semconv.EVALUATION_EVENT,
        semconv.EVENT_ID: f"langsmith-{item['id']}" if item.get("id") else None,
        "at": time_text(item.get("modified_at") or item.get("created_at"), "modified_at"),
        "trace_id": trace_id(trace) if trace else None,
        "span_id": span_id(run) if run else None,
        "name": item["key"],
        "score.value": item["score"],
        "score.label": value if isinstance(value, str) else None,
        "explanation": item.get("comment"),
    }
