"""Arize Phoenix: spans and annotations of its REST API, of its client and of its data frames.

Made for real with Phoenix 20.26: the answers of `/v1/projects/P/spans` and `/spans/otlpv1`, what
`get_spans` gives, and `get_spans_dataframe` as JSON lines, CSV and Parquet. Phoenix keeps neither
resource nor scope, so the agent's name is lost where no span says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from collector import semconv
from collector.importer.exports.spans import (
    ExportedSpan,
    flattened,
    mapping,
    span_id,
    time_ns,
    time_text,
    trace_id,
    unpacked,
)

NAME = "phoenix"
_SCOPE = "phoenix"
_FRAME = "attributes."
"""Columns of a data frame: `attributes.llm.model_name`, and `context.span_id`."""
_KINDS_OF_NOTHING = (None, "", "UNKNOWN")
_OTHERS = frozenset(
    {
        semconv.OPERATION,
        *("gen_ai.system", "gen_ai.provider.name", "gen_ai.prompt.0.role"),
        *("traceloop.span.kind", "ai.operationId", "pydantic_ai.all_messages"),
    }
)
"""Keys of other dialects. Phoenix adds its own translation to their spans, and loses tool results
in it; what was sent stands beside it."""
_TRANSLATION = (
    semconv.OPENINFERENCE_KIND,
    *("llm.input_messages.", "llm.output_messages.", "llm.token_count.", "llm.tools."),
    *("input.value", "input.mime_type", "output.value", "output.mime_type"),
)
_COUNTS = re.compile(r"(token|usage)[\w.]*$")
_WHOLE_NUMBER = re.compile(r"\d{1,18}(\.0)?")


def speaks(item: Mapping[str, Any]) -> bool:
    return _is_span(item) or _is_otlp(item) or _is_annotation(item)


def _is_span(item: Mapping[str, Any]) -> bool:
    return "span_kind" in item and ("context" in item or "context.span_id" in item)


def _is_otlp(item: Mapping[str, Any]) -> bool:
    return "span_id" in item and "start_time_unix_nano" in item and "attributes" in item


def _is_annotation(item: Mapping[str, Any]) -> bool:
    return "annotator_kind" in item and "span_id" in item


def spans(item: Mapping[str, Any]) -> Iterator[ExportedSpan]:
    if _is_otlp(item):
        yield _otlp_span(item)
    elif _is_span(item):
        yield _span(item)


def _span(item: Mapping[str, Any]) -> ExportedSpan:
    context = mapping(item.get("context"))
    attributes = dict(flattened(item.get("attributes") or {}, ""))
    for key, value in item.items():
        if key.startswith(_FRAME):
            attributes |= flattened(_counted(key, value), key.removeprefix(_FRAME))
    events = unpacked(item.get("events"))
    failed = item.get("status_code") == "ERROR"
    return ExportedSpan(
        trace_id=trace_id(context.get("trace_id") or item.get("context.trace_id")),
        span_id=span_id(context.get("span_id") or item.get("context.span_id")),
        parent_span_id=span_id(item["parent_id"]) if item.get("parent_id") else None,
        name=str(item.get("name") or ""),
        start_ns=time_ns(item.get("start_time"), "start_time"),
        end_ns=time_ns(item.get("end_time"), "end_time"),
        scope=_SCOPE,
        attributes=_as_sent(attributes, item["span_kind"]),
        events=[
            (
                str(event.get("name") or ""),
                time_ns(event.get("timestamp"), "timestamp of an event"),
                dict(flattened(event.get("attributes") or {}, "")),
            )
            for event in (events if isinstance(events, list) else ())
            if isinstance(event, dict)
        ],
        error=str(item.get("status_message") or "") if failed else None,
    )


def _as_sent(attributes: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    """The attributes without what Phoenix added, and with the kind, which it keeps apart."""
    if not _OTHERS.isdisjoint(attributes):
        return {k: value for k, value in attributes.items() if not k.startswith(_TRANSLATION)}
    found = {} if kind in _KINDS_OF_NOTHING else {semconv.OPENINFERENCE_KIND: kind}
    return {**found, **attributes}


def _counted(key: str, value: Any) -> Any:
    """A column of counts with gaps is one of floats, and CSV makes texts of them."""
    text = str(value)
    is_count = bool(_COUNTS.search(key)) and bool(_WHOLE_NUMBER.fullmatch(text))
    return int(text.partition(".")[0]) if is_count else value


def _otlp_span(item: Mapping[str, Any]) -> ExportedSpan:
    """One span of `/spans/otlpv1`: OTLP's names, every kind of value there and null but one."""
    status = mapping(item.get("status"))
    return ExportedSpan(
        trace_id=trace_id(item.get("trace_id")),
        span_id=span_id(item["span_id"]),
        parent_span_id=span_id(item["parent_span_id"]) if item.get("parent_span_id") else None,
        name=str(item.get("name") or ""),
        start_ns=_number(item["start_time_unix_nano"]),
        end_ns=_number(item.get("end_time_unix_nano")),
        scope=_SCOPE,
        attributes=_as_sent(_attributes(item["attributes"]), None),
        events=[
            (
                str(event.get("name") or ""),
                _number(event.get("time_unix_nano")),
                _attributes(event.get("attributes")),
            )
            for event in item.get("events") or ()
        ],
        error=str(status.get("message") or "") if status.get("code") == 2 else None,
    )


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int) or str(value).isdecimal() else 0


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair["key"]: _any_value(pair.get("value")) for pair in pairs or ()}


def _any_value(value: Any) -> Any:
    """The one value of an AnyValue that is not null."""
    for kind, inner in (value or {}).items():
        if inner is None:
            continue
        if kind == "array_value":
            return [_any_value(each) for each in inner.get("values") or ()]
        if kind == "kvlist_value":
            return _attributes(inner.get("values"))
        return int(inner) if kind == "int_value" else inner
    return None


def events(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if not _is_annotation(item):
        return
    result = mapping(item.get("result"))
    yield {
        "event": semconv.EVALUATION_EVENT,
        semconv.EVENT_ID: f"phoenix-{item.get('id') or item['span_id']}",
        "at": time_text(item.get("updated_at") or item.get("created_at"), "updated_at"),
        "span_id": str(item["span_id"]),
        "name": item.get("name") or item.get("annotation_name"),
        **{
            key: result[name] if name in result else item.get(f"result.{name}")
            for key, name in (
                ("score.value", "score"),
                ("score.label", "label"),
                ("explanation", "explanation"),
            )
        },
        "annotator_kind": item["annotator_kind"],
    }
