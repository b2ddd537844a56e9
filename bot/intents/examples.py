"""Conversations whose intents somebody knows: what a classifier learns from, and what it learned.

An example's intents are known from a person who corrected a label, from the model that read it, or
from the taxonomy that cites it. One in five is held back for good and never trains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np

from bot.intents.classifier import NO_INTENT, Classifier
from bot.intents.embedding import Matrix, ToolWeights
from bot.intents.taxonomy import now_called
from bot.records import Taxonomy

HELD_BACK = 5
"""One in so many, chosen by the conversation's hash."""
PER_INTENT = 200
"""Examples kept for one intent: people's first, then the newest."""

ExampleSource = Literal["person", "model", "exemplar", "definition"]
ANSWERS: Collection[ExampleSource] = ("person", "model")
_RANK: Mapping[ExampleSource, int] = {"person": 3, "model": 2, "exemplar": 1, "definition": 0}
NO_TOOLS = ToolWeights()


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One conversation whose intents are known."""

    sha: str
    """`Document.sha`; the intent's id for an intent's own definition."""
    intent_ids: tuple[str, ...]
    """Empty: none of those that there are fits."""
    source: ExampleSource
    at: datetime
    """When it was first known here."""

    @property
    def is_held_back(self) -> bool:
        """Never trained on. Definitions always train: they are no conversations."""
        return self.source != "definition" and self.part == 0

    @property
    def part(self) -> int:
        """Which fifth of all conversations it is in."""
        return int(self.sha[:8], 16) % HELD_BACK


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """What one agent's classifier learned from, and the classifier."""

    examples: tuple[Example, ...] = ()
    vectors: Matrix | None = None
    """A row per example."""
    tools: ToolWeights = NO_TOOLS
    """Of the columns behind the text's, the same for as long as this learns."""
    classifier: Classifier | None = None
    taxonomy_version: str = ""
    trained_at: datetime | None = None
    """Of the last training, whether its result was kept or not."""
    unsure_rate: float = 0.0
    """Share of conversations without an intent in the run that trained it."""
    answers: int = 0
    """Of people and the model, that `classifier` learned from; 0 until enough prove it right."""


def with_examples(
    learned: Learned, examples: Sequence[Example], vectors: Matrix, taxonomy: Taxonomy
) -> Learned:
    """`learned` with more examples: one per conversation, of the most trusted source.

    Ids are brought up to `taxonomy`; what stands for no active intent any more is dropped, so are
    the words of an intent that became another, and what fitted none of those that there were: one
    of today's may.
    """
    rows = [*learned.examples, *examples]
    own = learned.vectors if learned.vectors is not None else vectors[:0]
    both = np.vstack([own, vectors]) if len(own) else vectors
    best: dict[str, int] = {}
    for row, one in enumerate(rows):
        held = best.get(one.sha)
        if held is None or _RANK[one.source] >= _RANK[rows[held].source]:
            best[one.sha] = row
    current = now_called(taxonomy)
    same = len(own) == 0 or learned.taxonomy_version == taxonomy.version
    kept: list[tuple[int, Example]] = []
    for row in best.values():
        said = rows[row].intent_ids
        ids = dict.fromkeys(current[one] for one in said if one in current)
        if rows[row].source == "definition" and rows[row].sha not in ids:
            continue
        if ids or (not said and (same or row >= len(own))):
            at = _first_seen(rows[row], learned.examples)
            kept.append((row, replace(rows[row], intent_ids=tuple(ids), at=at)))
    kept = _thinned(kept)
    return replace(
        learned,
        examples=tuple(one for _, one in kept),
        vectors=both[[row for row, _ in kept]] if kept else both[:0],
    )


def _first_seen(example: Example, known: Sequence[Example]) -> datetime:
    """An example that says what it said before is not new again."""
    same = (one.at for one in known if (one.sha, one.source) == (example.sha, example.source))
    return min(same, default=example.at)


def _thinned(rows: Sequence[tuple[int, Example]]) -> list[tuple[int, Example]]:
    """At most `PER_INTENT` of each intent, in the order in which they came."""
    ranked = sorted(rows, key=lambda one: (_RANK[one[1].source], one[1].at), reverse=True)
    taken: Counter[str] = Counter()
    kept: set[int] = set()
    for row, one in ranked:
        ids = one.intent_ids or (NO_INTENT,)
        if min(taken[intent_id] for intent_id in ids) < PER_INTENT:
            taken.update(ids)
            kept.add(row)
    return [one for one in rows if one[0] in kept]
