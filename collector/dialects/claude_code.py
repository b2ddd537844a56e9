"""Claude Code: log records of a session; what a tool gave back is never sent."""

from __future__ import annotations

from collector import semconv
from collector.dialects import decoding, genai
from collector.dialects.sessions import Entry, Record, said, tool_round
from collector.dialects.spans import Span
from collector.records import Json

SCOPE = "com.anthropic.claude_code"
NEVER_SENT = False

kind = genai.kind
read_call = genai.read_call
read_tool = genai.read_tool


def speaks(span: Span) -> bool:
    """Only stand-ins for a session: its beta traces have no text but the user's, told twice."""
    return str(span.row["scope"]).startswith(SCOPE) and semconv.TRANSCRIPT in span


def read_entry(record: Record) -> Entry | None:
    match record.name.removeprefix("claude_code."):
        case "user_prompt":
            return Entry(messages=[said("user", record.text("prompt"))])
        case "assistant_response":
            spoken = said("assistant", record.text("response"))
            return Entry(messages=[spoken], model=record.text("model"), is_recovery=True)
        case "tool_result":
            return Entry(messages=_tool_round(record), is_recovery=True)
        case "tool_decision" if record.text("decision") == "reject":
            return Entry(messages=_tool_round(record, "the user did not allow it"))
        case "api_request":
            # The provider counts what is read from and written to its cache apart.
            cached = ("cache_read_tokens", "cache_creation_tokens")
            sent = record.count("input_tokens", *cached)
            return Entry(
                usage=(sent, record.count("output_tokens")),
                model=record.text("model"),
                is_recovery=True,
            )
        case "api_error":
            return Entry(
                failure=record.text("error") or "the request failed",
                http_status=record.count("status_code") or None,
            )
    return None


def _tool_round(record: Record, refusal: str | None = None) -> list[dict[str, Json]]:
    parameters = decoding.container(record.value("tool_parameters"))
    parameters = parameters if isinstance(parameters, dict) else {}
    arguments = decoding.container(record.value("tool_input"))
    name = record.text("tool_name")
    if name == "mcp_tool" and isinstance(parameters.get("mcp_tool_name"), str):
        name = str(parameters["mcp_tool_name"])
    error = refusal
    if error is None and str(record.value("success")).lower() == "false":
        error = record.text("error") or "the tool failed"
    given = parameters or None if arguments is None else arguments
    return tool_round(record.text("tool_use_id"), name, given, None, error)
