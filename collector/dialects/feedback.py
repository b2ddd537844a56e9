"""Feedback that travels as a span: Logfire's annotations, OpenInference's evaluations.

It becomes the standard event `gen_ai.evaluation.result` about the span's parent, so that nothing
behind this needs to know in which form a rating came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from collector import semconv
from collector.dialects.indexed import elements
from collector.dialects.pydantic_ai import ANNOTATION, SPAN_TYPE
from collector.dialects.spans import Row, Span
from collector.records import Json

_LOGFIRE_NAME = "logfire.feedback.name"
_LISTS = ("trace.evaluations", "session.evaluations", "trace.annotations", "session.annotations")


def feedback_rows(span: Span) -> list[Row]:
    """Rows of `events` for the ratings that a span carries; mostly none."""
    return [_row(span, number, said) for number, said in enumerate(_ratings(span))]


def _ratings(span: Span) -> Iterator[dict[str, Json]]:
    if _LOGFIRE_NAME in span and span.text(SPAN_TYPE) == ANNOTATION:
        name = span.text(_LOGFIRE_NAME) or ""
        comment = span.text("logfire.feedback.comment")
        yield _rating(name, span.value(name), None, comment)
    if not span.keys_in(*_LISTS):
        return
    for key in _LISTS:
        given = span.value(key)
        entries = given if isinstance(given, list) else elements(span, f"{key}.")
        for entry in entries:
            yield from _of_openinference(entry)


def _of_openinference(entry: Any) -> Iterator[dict[str, Json]]:
    """One entry: `{evaluation: {name, score, …}}`, or flat `{"evaluation.name": …}`."""
    if not isinstance(entry, dict):
        return
    for prefix in ("evaluation", "annotation"):
        flat = {
            key.removeprefix(f"{prefix}."): value
            for key, value in entry.items()
            if key.startswith(f"{prefix}.")
        }
        said = entry.get(prefix) if isinstance(entry.get(prefix), dict) else flat
        if isinstance(said, Mapping) and isinstance(said.get("name"), str):
            rating = _rating(
                said["name"], said.get("score"), said.get("label"), said.get("explanation")
            )
            if isinstance(said.get("annotator_kind"), str):
                rating["annotator_kind"] = said["annotator_kind"]
            yield rating


def _rating(name: str, value: Json, label: Json, explanation: Json) -> dict[str, Json]:
    """Attributes of the standard event; true and false are 1 and 0, a word is a label."""
    rating: dict[str, Json] = {f"{semconv.EVALUATION}name": name}
    if isinstance(value, int | float):
        rating[f"{semconv.EVALUATION}score.value"] = float(value)
    elif isinstance(value, str) and label is None:
        label = value
    if isinstance(label, str) and label:
        rating[f"{semconv.EVALUATION}score.label"] = label
    if isinstance(explanation, str) and explanation:
        rating[f"{semconv.EVALUATION}explanation"] = explanation
    return rating


def _row(span: Span, number: int, attributes: Mapping[str, Json]) -> Row:
    row = span.row
    return {
        "event_id": f"{row['trace_id']}-{span.span_id}-{number}",
        "name": semconv.EVALUATION_EVENT,
        "at_ns": row["start_ns"],
        "received_ns": row["received_ns"],
        "scope": row["scope"],
        "service": row["service"],
        "conversation_id": row["conversation_id"],
        "user_id": row["user_id"],
        "trace_id": row["trace_id"],
        "span_id": row["parent_span_id"],
        "response_id": None,
        "body": None,
        "attributes": attributes,
        "resource": row["resource"],
    }
