"""One call that two layers told in traces of their own.

The Anthropic SDK traces its requests itself. While an answer is streamed the instrumentation around
it is not the current span, so the SDK's span, which never has text, becomes a trace of its own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from collector.assemble.sources import Source, completed
from collector.assemble.stitch import Part

_AT_ONCE = 50
"""Calls of one service that are under way at a time, at most: those that began before are over."""


def fold_twins(parts: Sequence[Part]) -> list[Part]:
    """Fold parts without any text into the calls that another part tells with their text.

    The twin has the same response id; else it is the only call of that service and model that was
    under way all the time. Parts that have an explicit id stay.
    """
    silent = [part for part in parts if _is_silent(part)]
    if not silent or len(silent) == len(parts):
        return list(parts)
    spoken = _Spoken([part for part in parts if not _is_silent(part)])
    folded: set[int] = set()
    for part in silent:
        twins = [(source, spoken.twin_of(source)) for source in part.sources.calls]
        if any(twin is None for _, twin in twins):
            continue
        for source, twin in twins:
            if twin is not None:
                twin.call = completed(twin.call, source.call)
        folded.add(id(part))
    return [part for part in parts if id(part) not in folded]


def _is_silent(part: Part) -> bool:
    explicit = part.unit.conversation_id is not None
    return not explicit and not any(source.call.has_content for source in part.sources.calls)


class _Spoken:
    """Calls with text, to be found by response id or by time."""

    def __init__(self, parts: Sequence[Part]) -> None:
        sources = [s for part in parts for s in part.sources.calls if s.call.has_content]
        self._by_id = {(_service(s), s.call.response_id): s for s in sources if s.call.response_id}
        self._in_time: dict[str, list[Source]] = {}
        for source in sorted(sources, key=lambda source: source.order):
            self._in_time.setdefault(_service(source), []).append(source)
        self._starts = {
            service: [source.call.start_ns for source in each]
            for service, each in self._in_time.items()
        }

    def twin_of(self, silent: Source) -> Source | None:
        known = self._by_id.get((_service(silent), silent.call.response_id or ""))
        if known is not None or not silent.call.start_ns:
            return known
        around = [source for source in self._around(silent) if _may_be(source, silent)]
        return around[0] if len(around) == 1 else None

    def _around(self, silent: Source) -> Iterator[Source]:
        service = _service(silent)
        end = bisect_right(self._starts.get(service, []), silent.call.start_ns)
        for source in self._in_time.get(service, [])[max(0, end - _AT_ONCE) : end]:
            if silent.call.end_ns <= source.call.end_ns:
                yield source


def _service(source: Source) -> str:
    return str(source.node.span.row["service"] or "")


def _may_be(spoken: Source, silent: Source) -> bool:
    if spoken.call.response_id and silent.call.response_id:
        return False
    one, other = spoken.call.model or "", silent.call.model or ""
    # Where an answer came its model has a date, which that of the request lacks.
    return one.startswith(other) or other.startswith(one)
