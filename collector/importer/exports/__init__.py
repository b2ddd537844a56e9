"""Exports of other tools, one file for each: an item of theirs to spans and feedback as OTLP has
them.

An item is recognised by its keys, never by the file's name. What becomes of it is written as the
tool's own instrumentation would have sent it, so that the dialects read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from collector.importer.exports import langfuse, langsmith, phoenix
from collector.importer.exports.spans import ExportedSpan


class Export(Protocol):
    """How to read the items of one tool; a module is one."""

    NAME: str

    def speaks(self, item: Mapping[str, Any], /) -> bool: ...

    def spans(self, item: Mapping[str, Any], /) -> Iterable[ExportedSpan]: ...

    def events(self, item: Mapping[str, Any], /) -> Iterable[Mapping[str, Any]]:
        """Feedback, flat as in a file of events. With a `span_id` alone it waits for its span."""


EXPORTS: tuple[Export, ...] = (phoenix, langsmith, langfuse)


def export_of(item: Mapping[str, Any]) -> Export | None:
    """Find the tool that wrote an item."""
    return next((export for export in EXPORTS if export.speaks(item)), None)
