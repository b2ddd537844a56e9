"""What each instrumentation sends, translated into `Call`s and `ToolRun`s. One file for each
dialect.

A dialect is decided for each span by the keys that it carries, never for a service: one process
mixes several. The first dialect of the table that speaks wins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from collector.dialects import genai, openinference
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories
from collector.dialects.spans import Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """How to read the spans of one family of instrumentations."""

    name: str
    speaks: Callable[[Span], bool]
    kind: Callable[[Span], str]
    """`call`, `agent` (wraps calls), `tool` or `other`."""
    read_call: Callable[[Span, Histories], Call]
    read_tool: Callable[[Span], ToolRun]


DIALECTS = (
    Dialect(
        name="openinference",
        speaks=openinference.speaks,
        kind=openinference.kind,
        read_call=openinference.read_call,
        read_tool=openinference.read_tool,
    ),
    Dialect(
        name="genai",
        speaks=genai.speaks,
        kind=genai.kind,
        read_call=genai.read_call,
        read_tool=genai.read_tool,
    ),
)
"""OpenInference first: its spans may carry single `gen_ai.*` keys besides their own."""


def detect(span: Span) -> Dialect | None:
    """Find the dialect of a span; None for spans that say nothing about a conversation."""
    return next((dialect for dialect in DIALECTS if dialect.speaks(span)), None)
