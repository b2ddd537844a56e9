"""What the intents that are known say of an agent's documents, before new ones are looked for.

Takes documents and intents, and the labels given before or a classifier; gives a label of each row
that fits one, and the rows that may fit none. Costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.intents.classifier import Classifier
from bot.intents.embedding import Embedder
from bot.intents.label import CHUNK, decide, fits_taxonomy, guess, learn, offered
from bot.intents.text import Document
from bot.records import Intent, Label

UNSURE_UNDER = 0.5
"""Probability of a label given before under which its document is asked again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What known intents say of the documents of one agent."""

    labels: Mapping[int, tuple[str, float]]
    """Intent and probability of the rows that fit one."""
    suspected: frozenset[int]
    """Rows that may fit none: those without a label, and the least sure and least like of others.
    A new intent hides among them, in its neighbours' names."""


def known_by_classifier(
    documents: Sequence[Document],
    known: Sequence[Intent],
    stored: Classifier | None,
    embed: Embedder,
) -> Known:
    """By the `stored` classifier where it knows all of `known`, else by one that learns here."""
    live = offered(known)
    if not live:
        return Known(labels={}, suspected=frozenset(range(len(documents))))
    usable = stored is not None and fits_taxonomy(stored, live, embed)
    classifier = stored if stored and usable else learn(documents, live, embed=embed)
    allowed = {intent.id for intent in live}
    labels: dict[int, tuple[str, float]] = {}
    suspected: set[int] = set()
    for start in range(0, len(documents), CHUNK):
        guesses = guess(documents[start : start + CHUNK], classifier, embed)
        for row, intents in enumerate(decide(guesses), start=start):
            if intents and intents[0][0] in allowed:
                labels[row] = intents[0]
            if row not in labels or guesses.novelty[row - start] >= guesses.suspect_from:
                suspected.add(row)
    return Known(labels=labels, suspected=frozenset(suspected))


def known_by_labels(
    documents: Sequence[Document],
    known: Sequence[Intent],
    given: Mapping[tuple[str, str], Label],
) -> Known:
    """The same from labels: those of a classifier that has learned from more than these documents,
    of people and of the model."""
    allowed = {intent.id for intent in offered(known)}
    labels: dict[int, tuple[str, float]] = {}
    suspected: set[int] = set()
    for row, document in enumerate(documents):
        label = given.get((document.agent, document.conversation_id))
        own = [one for one in label.intents if one[0] in allowed] if label else []
        if own:
            labels[row] = own[0]
        if not own or own[0][1] < UNSURE_UNDER:
            suspected.add(row)
    return Known(labels=labels, suspected=frozenset(suspected))
