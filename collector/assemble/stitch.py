"""Units without an explicit id to conversations: a request that begins with the transcript of an
earlier call of the same service (and user, where known) continues it.

One pass over all calls in time order. Transcripts are looked up by hash, so the cost does not grow
with the number of conversations, and what units said can be compared without holding it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from collector.assemble.told import Step, Told

_RETRY_NS = 3600 * 10**9
"""How long after an unanswered message the same message is a retry, and not a new conversation."""


@dataclass(slots=True, eq=False)
class _Joining:
    """A part while it looks for what it continues."""

    number: int
    told: Told
    follows: _Joining | None = None
    """The earlier part that this part was found to continue."""
    offer: _Offer | None = None
    """The transcript that a later part may continue."""
    has_begun: bool = False

    def root(self) -> _Joining:
        found = self
        while found.follows is not None:
            found = found.follows
        while self.follows is not None and self.follows is not found:
            self.follows, self = found, self.follows
        return found


@dataclass(slots=True, eq=False)
class _Offer:
    """The transcript after one call, open until a later call continues it."""

    part: _Joining
    end_ns: int
    is_open: bool = True


_Place = tuple[str, str | None, bool, int]
"""Service, user, whether the id is explicit, hash of the transcript."""


@dataclass(slots=True)
class _Offers:
    """Transcripts that may be continued, the latest last."""

    open: dict[_Place, list[_Offer]] = field(default_factory=dict)
    taken: dict[_Place, _Offer] = field(default_factory=dict)

    def put(self, place: _Place, offer: _Offer) -> None:
        self.open.setdefault(place, []).append(offer)

    def take(self, place: _Place, *, also_taken: bool) -> _Offer | None:
        """Give the latest open offer; one that is taken already only where that may be right."""
        waiting = self.open.get(place, [])
        while waiting:
            offer = waiting[-1]
            if offer.is_open:
                return offer
            self.taken[place] = waiting.pop()
        return self.taken.get(place) if also_taken else None


def stitch(parts: Sequence[Told]) -> list[list[int]]:
    """Say which parts continue one another, by their numbers in `parts`.

    Parts with different explicit ids never join.
    """
    offers = _Offers()
    joining = [_Joining(number, told) for number, told in enumerate(parts)]
    steps = ((part, step) for part in joining for step in part.told.steps)
    for part, step in sorted(steps, key=lambda pair: pair[1].order):
        if not part.has_begun:
            part.has_begun = True
            _link(part, step, offers)
        elif part.offer is not None:
            part.offer.is_open = False
        _put(part, step, offers)
    joined: dict[int, list[int]] = {}
    for part in joining:
        joined.setdefault(part.root().number, []).append(part.number)
    return list(joined.values())


def _explicit(part: _Joining) -> str | None:
    return part.root().told.conversation_id


def _link(part: _Joining, step: Step, offers: _Offers) -> None:
    told, opening = part.told, part.told.opening
    if opening is None:
        return
    for length in range(len(opening.prefixes), 0, -1):
        # An opening alone ("Hi") is anybody's; with an answer in it, or from one known user, it is
        # one conversation. Continued twice (the user went back) only where it is surely the same.
        if told.user_id is None and not 0 < opening.answered_from <= length:
            return
        surely = told.user_id is not None or 0 < opening.second_user_from <= length
        for explicit in (False,) if told.conversation_id else (False, True):
            place = (told.service, told.user_id, explicit, opening.prefixes[length - 1])
            offer = offers.take(place, also_taken=surely)
            if offer is None or not _may_join(offer.part, part):
                continue
            waited_ns = step.order[0] - offer.end_ns
            if length in opening.users and waited_ns > _RETRY_NS:
                continue
            offer.is_open = False
            _join(offer.part.root(), part)
            return


def _may_join(one: _Joining, other: _Joining) -> bool:
    ids = {_explicit(one), _explicit(other)} - {None}
    return one.root() is not other.root() and len(ids) < 2


def _join(earlier: _Joining, later: _Joining) -> None:
    """Make the part with the explicit id the root, so that its id is found there."""
    if later.told.conversation_id is not None:
        earlier.follows = later
    else:
        later.follows = earlier


def _put(part: _Joining, step: Step, offers: _Offers) -> None:
    if step.transcript is None:
        return
    told = part.told
    part.offer = _Offer(part, step.end_ns)
    explicit = _explicit(part) is not None
    offers.put((told.service, told.user_id, explicit, step.transcript), part.offer)
