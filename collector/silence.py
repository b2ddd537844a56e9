"""Takes the spans of a request, tells which services send model calls without what was said."""

from __future__ import annotations

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
    places = [place for place, key in enumerate(columns.text_keys) if key in _KIND_KEYS]
    silent = {
        span
        for place, span in zip(places, columns.owners(places), strict=True)
        if columns.statuses[span] != _STATUS_ERROR
        and _is_model_call(columns.text_keys[place], columns.texts[place])
        and not _speaks(columns, span)
    }
    if not silent:
        return {}
    with_text = {
        trace_id for span, trace_id in enumerate(columns.trace_ids) if _speaks(columns, span)
    }
    hints = {}
    for span in sorted(silent):
        if columns.trace_ids[span] not in with_text:
            group = columns.groups[columns.group[span]]
            service = first_text(dict(group.resource), (semconv.SERVICE_NAME,))
            hints[service or ""] = (
                f"model calls of the instrumentation {(group.scope or 'without a name')[:100]!r} "
                f"have no text: {switch_for(group.scope)}"
            )
    return hints


def _speaks(columns: SpanColumns, span: int) -> bool:
    """Whether a span holds what was said."""
    texts, others = columns.attributes(span)
    return (
        any(_names_text(key) and text not in ("", "__REDACTED__") for key, text in texts)
        or any(_names_text(key) and text != "null" for key, text in others)
        or any(name.startswith("gen_ai.") for name, _, _ in columns.events[span])
    )


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
