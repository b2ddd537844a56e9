"""Whether answers of people and of the model may label other conversations than their own.

Answers are few at first, and of odd conversations: those that had no sure label. What they teach
may be wrong for all others. So what the classifier without them surely says of conversations that
nobody was asked about is learned beside them (`rehearse`): an intent that was always plain has no
answers, and would lose its conversations to those that have. And what learned from answers counts
only if it labels answers that it did not learn from, and `PROVEN` of these rightly (`prove`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from bot.intents.classifier import (
    UNSURE_UNDER,
    Classifier,
    among_neighbours,
    classify,
)
from bot.intents.embedding import Matrix
from bot.intents.examples import ANSWERS, HELD_BACK, Example
from bot.statistics import failure_rate

PROVEN = 0.7
"""Share of labels that must be right, proven on answers not learned from: of nine, all."""
STEPS = (UNSURE_UNDER, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Probabilities from which a label may be given: the lowest that is proven."""
ENOUGH_HELD_BACK = 50
"""Answers held back from which they alone prove; of fewer, each fifth is asked in its turn."""
REHEARSED = 20
"""Conversations without an answer that are learned of one intent."""

FitRows: TypeAlias = Callable[[Sequence[int]], Classifier]
"""A classifier that learned from these rows of the examples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """Conversations that nobody answered, and what the classifier without answers says of them."""

    vectors: Matrix
    """A row per conversation."""
    intent_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What answers that were not learned from say of a classifier that learns from answers."""

    answers: int
    labelled: int
    """Of these, those that got an intent."""
    right: int
    sure_from: float | None
    """Probability from which it may label; None: none is proven."""


NOTHING_TO_PROVE = Proof(answers=0, labelled=0, right=0, sure_from=UNSURE_UNDER)


def rehearse(without: Classifier, unanswered: Matrix) -> Rehearsal:
    """What a classifier that learned `without` answers gives, `REHEARSED` of an intent at most."""
    guesses = among_neighbours(classify(without, unanswered), unanswered)
    if not guesses.intent_ids or not len(unanswered):
        return Rehearsal(vectors=unanswered[:0])
    best = guesses.probabilities.argmax(axis=1)
    sure = guesses.probabilities.max(axis=1) >= without.sure_from
    given = sure & (guesses.novelty < guesses.novel_from)
    rows = [
        int(row)
        for column in range(len(guesses.intent_ids))
        for row in np.flatnonzero(given & (best == column))[:REHEARSED]
    ]
    return Rehearsal(
        vectors=unanswered[rows], intent_ids=tuple(guesses.intent_ids[best[row]] for row in rows)
    )


def prove(
    examples: Sequence[Example],
    vectors: Matrix,
    rows: Sequence[int],
    fit: FitRows,
    *,
    rehearsed: Collection[str],
    is_proven: bool,
) -> Proof:
    """Whether what learns from `rows` is right about answers that it did not learn from.

    Where few are held back, classifiers that are thrown away learn from four fifths of all answers
    and are asked about the others. An answer that no intent fits makes each label wrong. Where
    answers never proved anything yet (`is_proven`), nothing is proven before each intent has a
    conversation: beside conversations an intent's mere words lose all that they had.
    """
    answers = [row for row, one in enumerate(examples) if one.source in ANSWERS]
    held = [row for row in answers if examples[row].is_held_back]
    parts = [held]
    if len(held) < ENOUGH_HELD_BACK:
        parts = [[row for row in answers if examples[row].part == n] for n in range(HELD_BACK)]
    given: list[tuple[float, bool]] = []
    for asked in filter(None, parts):
        classifier = fit(sorted({*rows, *held} - set(asked)))
        given += _labels_of(classifier, vectors[asked], [examples[row].intent_ids for row in asked])
    steps = STEPS if is_proven or not _only_words(examples) - {*rehearsed} else ()
    for sure_from in steps:
        right = [is_right for probability, is_right in given if probability >= sure_from]
        if right and failure_rate(sum(right), len(right)).interval.low >= PROVEN:
            return Proof(
                answers=len(answers), labelled=len(right), right=sum(right), sure_from=sure_from
            )
    right = [is_right for probability, is_right in given if probability >= UNSURE_UNDER]
    return Proof(answers=len(answers), labelled=len(right), right=sum(right), sure_from=None)


def _only_words(examples: Sequence[Example]) -> set[str]:
    """Intents that no conversation is known of."""
    said = {i for one in examples if one.source == "definition" for i in one.intent_ids}
    return said - {i for one in examples if one.source != "definition" for i in one.intent_ids}


def _labels_of(
    classifier: Classifier, vectors: Matrix, truths: Sequence[Collection[str]]
) -> list[tuple[float, bool]]:
    """Probability of the intent that each row is given, 0 where it is new, and whether it is so."""
    guesses = classify(classifier, vectors)
    if not guesses.intent_ids:
        return []
    best = guesses.probabilities.argmax(axis=1)
    known = guesses.probabilities.max(axis=1) * (guesses.novelty < guesses.novel_from)
    return [
        (float(probability), guesses.intent_ids[column] in true)
        for probability, column, true in zip(known, best, truths, strict=True)
    ]
