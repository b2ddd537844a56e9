"""The parts of which conversations are put together."""

from __future__ import annotations

from dataclasses import dataclass

from collector.assemble.sources import Sources
from collector.assemble.traces import Unit


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One unit and what its spans say, at least one call."""

    unit: Unit
    sources: Sources

    @property
    def age(self) -> tuple[int, str]:
        first = self.sources.calls[0]
        return (first.call.start_ns, str(first.node.span.row["trace_id"]))
