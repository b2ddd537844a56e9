"""CrewAI by OpenInference: a kickoff without spans of model calls still says what was asked.

Where the model client is instrumented too, its spans are the source and this only wraps them.
"""

from __future__ import annotations

from typing import Any

from collector.dialects import calls, decoding, openinference
from collector.dialects.calls import Call
from collector.dialects.histories import Histories
from collector.dialects.spans import Span
from collector.records import Json, Message

_TASKS = "crew_tasks"
_AGENTS = "crew_agents"


def speaks(span: Span) -> bool:
    return _TASKS in span


def kind(_: Span) -> str:
    return "agent"


def read_call(span: Span, _: Histories) -> Call:
    """Read a kickoff: descriptions of the tasks, backstories of the agents, the raw output."""
    asked = _texts(span, _TASKS, "description")
    answer = _answer(decoding.container(span.value("output.value")))
    return Call(
        span_id=span.span_id,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        input=tuple(Message(role="user", text=text) for text in asked),
        output=(Message(role="assistant", text=answer),) if answer else (),
        system="\n\n".join(_texts(span, _AGENTS, "backstory")) or None,
        error=calls.call_error(span),
    )


read_tool = openinference.read_tool


def _texts(span: Span, key: str, name: str) -> list[str]:
    entries: Any = decoding.container(span.value(key))
    texts = (
        entry.get(name)
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
    )
    return list(dict.fromkeys(text for text in texts if isinstance(text, str) and text))


def _answer(output: Json) -> str | None:
    raw = output.get("raw") if isinstance(output, dict) else output
    return raw if isinstance(raw, str) and raw not in openinference.NOTHING else None
