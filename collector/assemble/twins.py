"""One call that two layers told in traces of their own.

The Anthropic SDK traces its requests itself. While an answer is streamed the instrumentation around
it is not the current span, so the SDK's span, which never has text, becomes a trace of its own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector.assemble.parts import Part
from collector.assemble.sources import Source, completed

_AT_ONCE = 50
"""Calls of one service that are under way at a time, at most: those that began before are over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """What of a call tells whether another report is about the same call."""

    service: str
    start_ns: int
    end_ns: int
    model: str
    response_id: str | None

    @classmethod
    def of(cls, source: Source) -> Moment:
        call = source.call
        return cls(
            service=str(source.node.span.row["service"] or ""),
            start_ns=call.start_ns,
            end_ns=call.end_ns,
            model=call.model or "",
            response_id=call.response_id,
        )


def fold_twins(parts: Sequence[Part]) -> list[Part]:
    """Fold parts without any text into the calls that another part tells with their text.

    The twin has the same response id; else it is the only call of that service and model that was
    under way all the time. Parts that have an explicit id stay.
    """
    silent = [part for part in parts if is_silent(part)]
    if not silent or len(silent) == len(parts):
        return list(parts)
    spoken = [source for part in parts if not is_silent(part) for source in spoken_in(part)]
    moments = Moments([Moment.of(source) for source in spoken])
    folded: set[int] = set()
    for part in silent:
        twins = [(source, moments.twin_of(Moment.of(source))) for source in part.sources.calls]
        if any(twin is None for _, twin in twins):
            continue
        for source, twin in twins:
            if twin is not None:
                spoken[twin].call = completed(spoken[twin].call, source.call)
        folded.add(id(part))
    return [part for part in parts if id(part) not in folded]


def is_silent(part: Part) -> bool:
    """Whether a part may be one that another part tells, too."""
    return part.unit.conversation_id is None and not spoken_in(part)


def spoken_in(part: Part) -> list[Source]:
    return [source for source in part.sources.calls if source.call.has_content]


class Moments:
    """Calls with text, to be found by response id or by time."""

    def __init__(self, spoken: Sequence[Moment]) -> None:
        self._spoken = spoken
        self._by_id = {
            (one.service, one.response_id): number
            for number, one in enumerate(spoken)
            if one.response_id
        }
        self._in_time: dict[str, list[int]] = {}
        for number in sorted(range(len(spoken)), key=lambda number: spoken[number].start_ns):
            self._in_time.setdefault(spoken[number].service, []).append(number)
        self._starts = {
            service: [spoken[number].start_ns for number in numbers]
            for service, numbers in self._in_time.items()
        }

    def twin_of(self, silent: Moment) -> int | None:
        """The number of the call that a silent one is another report of."""
        known = self._by_id.get((silent.service, silent.response_id or ""))
        if known is not None or not silent.start_ns:
            return known
        around = [n for n in self._around(silent) if _may_be(self._spoken[n], silent)]
        return around[0] if len(around) == 1 else None

    def _around(self, silent: Moment) -> Iterator[int]:
        end = bisect_right(self._starts.get(silent.service, []), silent.start_ns)
        for number in self._in_time.get(silent.service, [])[max(0, end - _AT_ONCE) : end]:
            if silent.end_ns <= self._spoken[number].end_ns:
                yield number


def _may_be(spoken: Moment, silent: Moment) -> bool:
    if spoken.response_id and silent.response_id:
        return False
    # Where an answer came its model has a date, which that of the request lacks.
    return spoken.model.startswith(silent.model) or silent.model.startswith(spoken.model)
