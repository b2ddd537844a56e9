"""Codex CLI: log records of a session; what the assistant says is never sent.

The record's own event name is a place in the source; the real one is an attribute.
"""

from __future__ import annotations

import re

from collector import semconv
from collector.dialects import decoding, genai
from collector.dialects.sessions import Entry, Record, said, tool_round
from collector.dialects.spans import Span

SCOPE = "codex_otel"
NEVER_SENT = True
_WALL_TIME = re.compile(r"Wall time: [^\n]{0,40}\n(?:Output:\n)?")

kind = genai.kind
read_call = genai.read_call
read_tool = genai.read_tool


def speaks(span: Span) -> bool:
    return str(span.row["scope"]).startswith(SCOPE) and semconv.TRANSCRIPT in span


def read_entry(record: Record) -> Entry | None:
    match record.name:
        case "codex.user_prompt":
            return Entry(messages=[said("user", record.text("prompt"))])
        case "codex.tool_result":
            return _tool_result(record)
        case "codex.sse_event" if record.text("event.kind") == "response.completed":
            usage = (record.count("input_token_count"), record.count("output_token_count"))
            return Entry(usage=usage, model=record.text("model"), is_recovery=True)
        case "codex.api_request":
            status = record.count("http.response.status_code")
            message = record.text("error.message")
            if status >= 400 or message:
                failure = message or f"status code {status}"
                return Entry(failure=failure, http_status=status or None)
    return None


def _tool_result(record: Record) -> Entry:
    output = record.text("output")
    failed = str(record.value("success")).lower() == "false"
    # Codex puts how long it took before what the tool gave.
    plain = None if output is None else _WALL_TIME.sub("", output, count=1)
    messages = tool_round(
        record.text("call_id"),
        record.text("tool_name"),
        decoding.container(record.value("arguments")),
        decoding.container(plain),
        (plain or "the tool failed") if failed else None,
    )
    return Entry(messages=messages, is_recovery=True)
