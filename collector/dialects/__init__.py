"""What each instrumentation sends, translated into `Call`s and `ToolRun`s. One file for each
dialect.

A dialect is decided for each span by the keys that it carries, never for a service: one process
mixes several. The first dialect of the table that speaks wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from collector.dialects import (
    adk,
    claude_code,
    codex,
    crewai,
    genai,
    genai_older,
    haystack,
    langfuse,
    langsmith,
    litellm,
    mcp,
    mlflow,
    openinference,
    openllmetry,
    pydantic_ai,
    semantic_kernel,
    strands,
    unknown,
    vercel,
)
from collector.dialects.calls import Call, ToolRun
from collector.dialects.detection import SpanOfKeys, ValueNeeded
from collector.dialects.histories import Histories
from collector.dialects.sessions import SessionReader
from collector.dialects.spans import Row, Span


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
    Dialect("litellm", litellm),
    Dialect("langsmith", langsmith),
    Dialect("strands", strands),
    Dialect("adk", adk),
    Dialect("pydantic-ai", pydantic_ai),
    Dialect("openllmetry", openllmetry),
    Dialect("langfuse", langfuse),
    Dialect("mlflow", mlflow),
    Dialect("claude-code", claude_code),
    Dialect("codex", codex),
    Dialect("mcp", mcp),
    Dialect("semantic-kernel", semantic_kernel),
    Dialect("genai-older", genai_older),
    Dialect("genai", genai),
    Dialect(unknown.NAME, unknown),
)
"""The conventions come last: many dialects carry some of their keys besides their own."""

_KEY_SETS = 4096
"""Sets of keys whose dialects are remembered; senders make up keys, so this needs a bound."""
_SESSION_READERS: tuple[SessionReader, ...] = (claude_code, codex)
SESSION_SCOPES = tuple(reader.SCOPE for reader in _SESSION_READERS)
"""What the scopes of those begin with whose log records tell a whole session."""


def detect(span: Span) -> Dialect | None:
    """Find the dialect of a span; None for spans that say nothing about a conversation."""
    row = span.row
    candidates = _candidates(span.keys, row["scope"], bool(span.logs), bool(row["events"]))
    for dialect, surely in candidates:
        if surely or dialect.reader.speaks(span):
            return dialect
    return None


@lru_cache(maxsize=_KEY_SETS)
def _candidates(
    keys: tuple[str, ...], scope: str | None, has_logs: bool, has_events: bool
) -> tuple[tuple[Dialect, bool], ...]:
    """The dialects that spans with these keys may be in, and whether they surely are."""
    probe = SpanOfKeys(keys, scope=scope, has_logs=has_logs, has_events=has_events)
    candidates: list[tuple[Dialect, bool]] = []
    for dialect in DIALECTS:
        try:
            speaks = dialect.reader.speaks(probe)
        except ValueNeeded:
            candidates.append((dialect, False))
            continue
        if speaks:
            candidates.append((dialect, True))
            break
    return tuple(candidates)


def session_reader(log: Row) -> SessionReader | None:
    """Find the product whose log records tell a whole session; None for all other records."""
    scope = log["scope"] or ""
    return next((reader for reader in _SESSION_READERS if scope.startswith(reader.SCOPE)), None)
