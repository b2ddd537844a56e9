"""What each instrumentation sends, translated into `Call`s and `ToolRun`s. One file for each
dialect.

A dialect is decided for each span by the keys that it carries, never for a service: one process
mixes several. The first dialect of the table that speaks wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from collector.dialects import (
    crewai,
    genai,
    genai_older,
    haystack,
    openinference,
    openllmetry,
    pydantic_ai,
    vercel,
)
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories
from collector.dialects.spans import Span


class Reader(Protocol):
    """How to read the spans of one family of instrumentations; a module is one."""

    def speaks(self, span: Span, /) -> bool: ...

    def kind(self, span: Span, /) -> str:
        """`call`, `agent` (wraps calls), `tool` or `other`."""

    def read_call(self, span: Span, histories: Histories, /) -> Call: ...

    def read_tool(self, span: Span, /) -> ToolRun: ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """A reader and what it is called in a conversation's `dialects`."""

    name: str
    reader: Reader


DIALECTS = (
    Dialect("crewai", crewai),
    Dialect("haystack", haystack),
    Dialect("openinference", openinference),
    Dialect("vercel", vercel),
    Dialect("pydantic-ai", pydantic_ai),
    Dialect("openllmetry", openllmetry),
    Dialect("genai-older", genai_older),
    Dialect("genai", genai),
)
"""The conventions come last: many dialects carry some of their keys besides their own."""


def detect(span: Span) -> Dialect | None:
    """Find the dialect of a span; None for spans that say nothing about a conversation."""
    return next((dialect for dialect in DIALECTS if dialect.reader.speaks(span)), None)
