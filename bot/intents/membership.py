"""The label of every document once the groups are found: which intent, and how surely.

Takes documents, groups and what was known; gives a label per document. Costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bot.intents.classifier import KEPT_PER_INTENT
from bot.intents.clusters import shares_of_neighbours
from bot.intents.embedding import Embedder, Matrix
from bot.intents.groups import Group, spread
from bot.intents.known import Known
from bot.intents.label import CHUNK, decide, guess, learn
from bot.intents.text import Document
from bot.intents.wishes import learn_wishes, with_further
from bot.records import Intent, Label


def sure_of_members(
    sample: NDArray[np.int64], vectors: Matrix, clusters: Sequence[NDArray[np.int64]]
) -> dict[int, float]:
    """Probability of each document in `clusters` that it belongs there."""
    group = np.full(len(sample), -1)
    for number, rows in enumerate(clusters):
        group[rows] = number
    shares = shares_of_neighbours(vectors, group)
    return {int(sample[row]): float(shares[row]) for row in np.flatnonzero(group >= 0)}


def label_all(
    documents: Sequence[Document],
    groups: Sequence[Group],
    sure: Mapping[int, float],
    unfit: Collection[int],
    known_as: Known,
    known: Sequence[Intent],
    embed: Embedder,
) -> dict[tuple[str, str], Label]:
    """Members get their group, others their known intent, the rest what the two together teach.

    What is `unfit` for the groups gets none of them: the vectors would put it where it was. Each
    gets the further intents that its sentences say.
    """
    member = {int(row): group.intent.id for group in groups for row in group.rows}
    found = {
        row: replace(_label(documents[row], (intent,)), source="classifier")
        for row, intent in known_as.labels.items()
        if row not in member
    }
    taught = {group.intent.id: spread(group.rows, KEPT_PER_INTENT) for group in groups}
    for row, (intent_id, _) in known_as.labels.items():
        others = taught.setdefault(intent_id, [])
        if row not in member and len(others) < KEPT_PER_INTENT:
            others.append(row)
    examples = [
        _label(documents[row], ((own, 1.0),)) for own, rows in taught.items() for row in rows
    ]
    intents = [*(group.intent for group in groups), *(one for one in known if one.id in taught)]
    classifier = learn(documents, intents, examples=examples, embed=embed)
    nowhere = {*unfit} - found.keys() - member.keys()
    found |= {row: _label(documents[row], ()) for row in nowhere}
    rest = [row for row in range(len(documents)) if row not in found]
    for start in range(0, len(rest), CHUNK):
        rows = rest[start : start + CHUNK]
        asked = [documents[row] for row in rows]
        for row, decided in zip(rows, decide(guess(asked, classifier, embed)), strict=True):
            own = ((member[row], round(sure[row], 4)),) if row in member else decided
            source: Literal["cluster", "classifier"] = "cluster" if row in member else "classifier"
            found[row] = replace(_label(documents[row], own), source=source)
    firsts = [found[row].intents for row in range(len(documents))]
    wishes = learn_wishes(documents, firsts, embed)
    further = with_further(documents, firsts, wishes, intents, embed)
    return {
        (document.agent, document.conversation_id): replace(found[row], intents=further[row])
        for row, document in enumerate(documents)
    }


def _label(document: Document, intents: tuple[tuple[str, float], ...]) -> Label:
    """A member's label, before the taxonomy it belongs to is complete."""
    return Label(
        agent=document.agent,
        conversation_id=document.conversation_id,
        intents=intents,
        source="cluster",
        taxonomy_version="",
    )
