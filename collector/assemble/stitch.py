"""Units without an explicit id to conversations: a request that begins with the transcript of an
earlier call of the same service (and user, where known) continues it.

One pass over all calls in time order. Transcripts are looked up by hash, so the cost does not grow
with the number of conversations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from collector.assemble.sources import Source, Sources
from collector.assemble.traces import Unit
from collector.assemble.transcript import Keys

_RETRY_NS = 3600 * 10**9
"""How long after an unanswered message the same message is a retry, and not a new conversation."""


@dataclass(slots=True, eq=False)
class Gathered:
    """The units of one conversation and what their spans say."""

    units: list[Unit]
    sources: Sources
    follows: Gathered | None = None
    """The earlier part that this part was found to continue."""
    offer: Offer | None = None
    """The transcript that a later part may continue."""

    def root(self) -> Gathered:
        found = self
        while found.follows is not None:
            found = found.follows
        while self.follows is not None and self.follows is not found:
            self.follows, self = found, self.follows
        return found


@dataclass(slots=True, eq=False)
class Offer:
    """The transcript after one call, open until a later call continues it."""

    part: Gathered
    end_ns: int
    is_open: bool = True


_Place = tuple[str, str | None, bool, int]
"""Service, user, whether the id is explicit, hash of the transcript."""


@dataclass(slots=True)
class _Offers:
    """Transcripts that may be continued, the latest last."""

    open: dict[_Place, list[Offer]] = field(default_factory=dict)
    taken: dict[_Place, Offer] = field(default_factory=dict)

    def put(self, place: _Place, offer: Offer) -> None:
        self.open.setdefault(place, []).append(offer)

    def take(self, place: _Place, *, also_taken: bool) -> Offer | None:
        """Give the latest open offer; one that is taken already only where that may be right."""
        waiting = self.open.get(place, [])
        while waiting:
            offer = waiting[-1]
            if offer.is_open:
                return offer
            self.taken[place] = waiting.pop()
        return self.taken.get(place) if also_taken else None


def stitch(parts: Sequence[Gathered], keys: Keys) -> list[list[Gathered]]:
    """Join parts that continue one another; parts with different explicit ids never join."""
    if all(part.units[0].conversation_id for part in parts):
        return [[part] for part in parts]
    offers = _Offers()
    begun: set[int] = set()
    for part, source in sorted(_calls(parts), key=lambda pair: pair[1].order):
        said = keys.of(source.call.input)
        hashes = list(_prefix_hashes(said))
        if id(part) not in begun:
            begun.add(id(part))
            _link(part, source, hashes, offers)
        elif part.offer is not None:
            part.offer.is_open = False
        _put(part, source, said, keys.of(source.call.output), offers)
    joined: dict[int, list[Gathered]] = {}
    for part in parts:
        joined.setdefault(id(part.root()), []).append(part)
    return list(joined.values())


def _calls(parts: Iterable[Gathered]) -> Iterator[tuple[Gathered, Source]]:
    for part in parts:
        for source in part.sources.calls:
            if source.call.has_content and not source.node.is_sub_agent:
                yield part, source


def _prefix_hashes(keys: Iterable[int]) -> Iterator[int]:
    so_far = 0
    for key in keys:
        so_far = hash((so_far, key))
        yield so_far


def _explicit(part: Gathered) -> str | None:
    return part.root().units[0].conversation_id


def _link(part: Gathered, source: Source, hashes: list[int], offers: _Offers) -> None:
    unit = part.units[0]
    roles = [message.role for message in source.call.input]
    for length in range(len(hashes), 0, -1):
        # An opening alone ("Hi") is anybody's; with an answer in it, or from one known user, it is
        # one conversation. Continued twice (the user went back) only where it is surely the same.
        if unit.user_id is None and "assistant" not in roles[:length]:
            return
        surely = unit.user_id is not None or roles[:length].count("user") > 1
        for explicit in (False,) if unit.conversation_id else (False, True):
            place = (unit.service, unit.user_id, explicit, hashes[length - 1])
            offer = offers.take(place, also_taken=surely)
            if offer is None or not _may_join(offer.part, part):
                continue
            waited_ns = source.call.start_ns - offer.end_ns
            if roles[length - 1] == "user" and waited_ns > _RETRY_NS:
                continue
            offer.is_open = False
            _join(offer.part.root(), part)
            return


def _may_join(one: Gathered, other: Gathered) -> bool:
    ids = {_explicit(one), _explicit(other)} - {None}
    return one.root() is not other.root() and len(ids) < 2


def _join(earlier: Gathered, later: Gathered) -> None:
    """Make the part with the explicit id the root, so that its id is found there."""
    if later.units[0].conversation_id is not None:
        earlier.follows = later
    else:
        later.follows = earlier


def _put(
    part: Gathered, source: Source, said: list[int], answered: list[int], offers: _Offers
) -> None:
    unit = part.units[0]
    transcript = list(_prefix_hashes([*said, *answered]))
    if not transcript:
        return
    part.offer = Offer(part, source.call.end_ns)
    explicit = _explicit(part) is not None
    offers.put((unit.service, unit.user_id, explicit, transcript[-1]), part.offer)
