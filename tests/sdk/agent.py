"""An agent in a process of its own: OpenTelemetry is set up once in a process and never undone."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.assemble import assemble, user_events
from collector.dialects.spans import read_row
from collector.records import Conversation, Event
from collector.store import open_store

PREAMBLE = """
import json
import debrief
from opentelemetry import trace

def chat(question, answer, tracer=None, **attributes):
    tracer = tracer or trace.get_tracer("opentelemetry.instrumentation.genai.openai")
    said = [{"role": "user", "parts": [{"type": "text", "content": question}]}]
    told = [{"role": "assistant", "parts": [{"type": "text", "content": answer}]}]
    with tracer.start_as_current_span("chat m-1", attributes=attributes) as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.input.messages", json.dumps(said))
        span.set_attribute("gen_ai.output.messages", json.dumps(told))
"""


FLUSH = """
assert debrief.flush(20), "the machine is too busy"
"""


def run_agent(
    source: str,
    environment: Mapping[str, str] | None = None,
    *,
    timeout_s: float = 30,
    python: str | None = None,
    flush: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run Python after `PREAMBLE`, which gives `chat(question, answer)`; demand that it ends well.

    `flush` waits for what was recorded: at its exit a process waits only shortly.
    None of the variables OTEL_… and DEBRIEF_… of this process are passed on.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "DEBRIEF_"))}
    finished = subprocess.run(
        [python or sys.executable, "-c", PREAMBLE + textwrap.dedent(source) + FLUSH * flush],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env={**kept, **(environment or {})},
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What a store makes of what was sent."""

    conversations: list[Conversation]
    user_events: list[Event]
    """Events of a user alone."""
    spans: list[dict[str, Any]]
    events: list[dict[str, Any]]


def stored(store: Path, since_ns: int) -> Stored:
    """Read what was received since then."""
    opened = open_store(str(store), create=False)
    spans, events = (
        [read_row(row) for row in opened.scan(table).to_pylist() if row["received_ns"] >= since_ns]
        for table in ("spans", "events")
    )
    found = list(assemble(spans, events))
    return Stored(
        conversations=[each for each in found if isinstance(each, Conversation)],
        user_events=user_events(events),
        spans=spans,
        events=events,
    )
