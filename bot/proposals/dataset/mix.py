"""Puts examples together to a set that teaches what is new without forgetting what was good.

Two examples that people accepted stand beside each new one, synthetic ones are at most 30 % of the
set, no user has more than a tenth of it, and it goes from easy to hard. Pure counting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.proposals.dataset.example import Example
from bot.records import short_hash

RETENTION = 2
"""Accepted examples to each new one: the ratio of replay that is known to keep what was learned."""
MAX_SYNTHETIC = 0.3
MAX_OF_USER = 0.1
MAX_EXAMPLES = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Mix:
    """One set, from easy to hard, and what did not go into it."""

    examples: tuple[Example, ...]
    waiting: int
    """New examples for which there are not enough accepted ones yet."""
    room: int = 0
    """Synthetic examples that would still fit in."""

    def number(self, source: str) -> int:
        return sum(one.source == source for one in self.examples)


def mixed(
    corrected: Sequence[Example],
    accepted: Sequence[Example],
    synthetic: Sequence[Example] = (),
    *,
    share: float = MAX_SYNTHETIC,
    most: int = MAX_EXAMPLES,
) -> Mix:
    """The largest set of at most `most` that keeps all ratios. `corrected` has the newest first.

    Synthetic examples teach something new as well, so they need accepted ones beside them too. Of
    what is new they are at most `share`, and never more than `MAX_SYNTHETIC`.
    """
    own = _one_each(corrected)
    # So many new ones that twice as many accepted ones fit in, and nobody has too many.
    new = min(len(own), len(accepted) // RETENTION, most // (RETENTION + 1))
    fresh = _spread(own, new)
    made = _made(synthetic, fresh, room=len(accepted) // RETENTION - len(fresh), share=share)
    kept = _spread(_drawn(accepted), RETENTION * (len(fresh) + len(made)))
    # Whoever was talked to much may leave too few accepted ones: then less that is new fits in.
    fresh = fresh[: len(kept) // RETENTION]
    made = _made(made, fresh, room=len(kept) // RETENTION - len(fresh), share=share)
    kept = kept[: RETENTION * (len(fresh) + len(made))]
    whole = sorted((*fresh, *made, *kept), key=lambda one: (one.difficulty, one.id))
    left = min(_most(fresh, share), len(accepted) // RETENTION - len(fresh)) - len(made)
    return Mix(examples=tuple(whole), waiting=len(own) - len(fresh), room=max(0, left))


def _made(
    synthetic: Sequence[Example], fresh: Sequence[Example], *, room: int, share: float
) -> list[Example]:
    """Only variants of what is in the set, each once."""
    of = {one.id for one in fresh}
    own = {one.id: one for one in synthetic if one.seed in of}
    return list(own.values())[: max(0, min(room, _most(fresh, share)))]


def _most(fresh: Sequence[Example], share: float) -> int:
    """So many that they are `share` of what is new, and so less of the whole set."""
    capped = min(share, MAX_SYNTHETIC)
    return int(len(fresh) * capped / (1 - capped) + 1e-9)


def _one_each(examples: Iterable[Example]) -> list[Example]:
    """Of two corrections of the same answer the newer counts."""
    found: dict[tuple[str, int], Example] = {}
    for one in examples:
        found.setdefault((one.conversation, len(one.prompt)), one)
    return list(found.values())


def _spread(examples: Sequence[Example], most: int) -> list[Example]:
    """At most `most`, none of whose users has more than a tenth (but always one)."""
    limit = max(1, int(MAX_OF_USER * most))
    of: Counter[str] = Counter()
    kept: list[Example] = []
    for one in examples:
        of[one.user] += 1
        if of[one.user] <= limit:
            kept.append(one)
    return kept[:most]


def _drawn(examples: Sequence[Example]) -> list[Example]:
    """In an order that their ids give: every run and every machine draws the same ones."""
    return sorted(examples, key=lambda one: short_hash("drawn", one.id, length=16))
