"""Tool calls over the Model Context Protocol, as its client and its server see them.

One call may show as the agent's tool span, the client's and the server's, each inside the other;
they are folded where calls are (`collector.assemble.sources`).
"""

from __future__ import annotations

from collector import semconv
from collector.dialects import calls, shapes
from collector.dialects.calls import ToolRun
from collector.dialects.genai import read_call
from collector.dialects.spans import Span

METHOD = "mcp.method.name"
_TOOL_METHOD = "tools/call"

__all__ = ["kind", "read_call", "read_tool", "speaks"]


def speaks(span: Span) -> bool:
    return METHOD in span or "mcp.request.argument" in span


def kind(span: Span) -> str:
    """Of all requests of the protocol only calls of tools are part of a conversation."""
    return "tool" if span.text(METHOD) in (_TOOL_METHOD, None) else "other"


def read_tool(span: Span) -> ToolRun:
    """OpenLLMetry has arguments and result under keys of its own."""
    asked = span.value(semconv.TOOL_CALL_ARGUMENTS)
    gave = span.value(semconv.TOOL_CALL_RESULT)
    return ToolRun(
        span_id=span.span_id,
        name=span.text(semconv.TOOL_NAME) or _named(span),
        call_id=span.text(semconv.TOOL_CALL_ID),
        arguments=shapes.plain_result(
            span.value("mcp.request.argument") if asked is None else asked
        ),
        result=shapes.plain_result(span.value("mcp.response.value") if gave is None else gave),
        error=calls.tool_error(span),
        end_ns=span.end_ns,
    )


def _named(span: Span) -> str | None:
    """`tools/call lookup_order` is the name of a span."""
    return str(span.row["name"] or "").removeprefix(_TOOL_METHOD).strip() or None
