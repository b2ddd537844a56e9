"""Takes the spans of a request, tells which services send model calls without what was said."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache

from collector import semconv
from collector.columns import SpanColumns
from collector.dialects.switches import switch_for
from collector.pseudonyms import first_text

_STATUS_ERROR = 2
_KNOWN_KEYS = 4096
"""Attribute names whose meaning is remembered; senders make them up, so this needs a bound."""
_KIND_KEYS = frozenset(
    {semconv.OPERATION, semconv.OPENINFERENCE_KIND, "ai.operationId", "llm.request.type"}
)
_TEXT_PREFIXES = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.prompt",
    "gen_ai.completion",
    "llm.input_messages",
    "llm.output_messages",
    "input.value",
    "output.value",
    "ai.prompt",
    "ai.response.text",
    "pydantic_ai.all_messages",
    "all_messages_events",
    "events",
    "request_data",
    "langfuse.observation.input",
    "mlflow.spanInputs",
)


def missing_text(columns: SpanColumns) -> Mapping[str, str]:
    """For each service whose model calls came without text: what to switch on.

    A trace in which any span has text needs no hint: instrumentations of one call can be several.
    Neither does a failed call: some instrumentations lose its input.
    """
    calls = columns.places(_KIND_KEYS.__contains__)
    calling = {
        span
        for place, span in zip(calls, columns.owners(calls), strict=True)
        if columns.statuses[span] != _STATUS_ERROR
        and _is_model_call(columns.text_keys[place], columns.texts[place])
    }
    speaking = _speaking(columns) if calling else set[int]()
    if calling <= speaking:
        return {}
    with_text = {columns.trace_ids[span] for span in speaking}
    hints = {}
    for span in sorted(calling - speaking):
        if columns.trace_ids[span] not in with_text:
            group = columns.groups[columns.group[span]]
            service = first_text(dict(group.resource), (semconv.SERVICE_NAME,))
            hints[service or ""] = (
                f"model calls of the instrumentation {(group.scope or 'without a name')[:100]!r} "
                f"have no text: {switch_for(group.scope)}"
            )
    return hints


def _speaking(columns: SpanColumns) -> set[int]:
    """The spans that hold what was said."""
    texts = [
        place
        for place in columns.places(_names_text)
        if columns.texts[place] not in ("", "__REDACTED__")
    ]
    speaking = set(columns.owners(texts))
    for place, key in enumerate(columns.json_keys):
        if _names_text(key) and columns.json_texts[place] != "null":
            speaking.add(bisect_right(columns.json_starts, place) - 1)
    for span, events in enumerate(columns.events):
        if any(name.startswith("gen_ai.") for name, _, _ in events):
            speaking.add(span)
    return speaking


@lru_cache(_KNOWN_KEYS)
def _names_text(key: str) -> bool:
    """Whether an attribute of this name holds what was said."""
    return key.startswith(_TEXT_PREFIXES)


def _is_model_call(key: str, value: str) -> bool:
    """Whether the value of one of `_KIND_KEYS` says so."""
    return (
        (key == semconv.OPERATION and value in semconv.INFERENCE_OPERATIONS)
        or (key == semconv.OPENINFERENCE_KIND and value == "LLM")
        or (key == "ai.operationId" and value.endswith(("doGenerate", "doStream")))
        or (key == "llm.request.type" and value in ("chat", "completion"))
    )
