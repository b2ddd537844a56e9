"""When the classifier learns anew, on what, and whether the result replaces what there was.

Pure. An example is a conversation whose intents somebody knows: a person who corrected a label, the
model that read it, or the taxonomy that cites it. One in five is held back for good: it never
trains, and a classifier that says less of these right than the present one does not replace it.

Answers of people and of the model are few at first, and of odd conversations: what they teach may
be wrong for all others. A classifier counts only if it labels answers that it did not learn from,
and `PROVEN` of these rightly; until then the one without them stays (`_proof`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Literal

import numpy as np

from bot.figures import count, percent
from bot.intents.classifier import (
    NO_INTENT,
    UNSURE_UNDER,
    Classifier,
    classify,
    fit_classifier,
)
from bot.intents.embedding import Matrix, ToolWeights
from bot.intents.taxonomy import now_called
from bot.records import Taxonomy
from bot.statistics import failure_rate

HELD_BACK = 5
"""One in so many, chosen by the conversation's hash."""
OLD_TO_NEW = 2
"""Of what was learned before at least twice as much as of what is new, against forgetting."""
PER_INTENT = 200
"""Examples kept for one intent: people's first, then the newest."""
NEW_LABELS = 50
NEW_SHARE = 0.1
"""New examples, as a share of those learned from, that are worth a training; and 50 at least."""
UNPROVEN_LABELS = 10
"""New examples that are worth another try where answers did not prove anything yet."""
PROVEN = 0.7
"""Share of labels that must be right, proven on answers not learned from: of nine, all."""
STEPS = (UNSURE_UNDER, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Probabilities from which a label may be given: the lowest that is proven."""
ENOUGH_HELD_BACK = 50
"""Answers held back from which they alone prove; of fewer, each fifth is asked in its turn."""
DRIFT = 0.05
"""Rise of the share without an intent since the training, proven, that asks for another one."""

ExampleSource = Literal["person", "model", "exemplar", "definition"]
ANSWERS: Collection[ExampleSource] = ("person", "model")
_RANK: Mapping[ExampleSource, int] = {"person": 3, "model": 2, "exemplar": 1, "definition": 0}
Reason = Literal["first", "taxonomy", "corrections", "labels", "drift"]


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """What one training did; an entry of the ledger."""

    agent: str
    reason: Reason
    replaced: bool
    trained_on: int
    new: int
    """Of these, examples that came since the training before."""
    held_back: int
    rate_before: float | None
    """Share of the held-back examples that the present classifier gets right; None: there is none,
    or nothing is held back yet."""
    rate_after: float | None
    sentence: str


def with_examples(
    learned: Learned, examples: Sequence[Example], vectors: Matrix, taxonomy: Taxonomy
) -> Learned:
    """`learned` with more examples: one per conversation, of the most trusted source.

    Ids are brought up to `taxonomy`; what stands for no active intent any more is dropped, and what
    fitted none of those that there were: one of today's may.
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


def why_train(learned: Learned, taxonomy: Taxonomy, *, unsure: int, read: int) -> Reason | None:
    """The reason to train now, or None. `unsure` of `read` conversations have no intent."""
    before = learned.trained_at
    new = [one for one in learned.examples if before is None or one.at > before]
    if not learned.examples:
        return None
    if learned.classifier is None or before is None:
        return "first" if new else None
    if learned.taxonomy_version != taxonomy.version:
        return "taxonomy"
    if any(one.source == "person" for one in new):
        return "corrections"
    if not learned.answers and sum(one.source in ANSWERS for one in new) >= UNPROVEN_LABELS:
        return "labels"
    if len(new) >= max(NEW_LABELS, NEW_SHARE * (len(learned.examples) - len(new))):
        return "labels"
    if new and read and failure_rate(unsure, read).interval.low > learned.unsure_rate + DRIFT:
        return "drift"
    return None


def train(
    agent: str,
    learned: Learned,
    taxonomy: Taxonomy,
    *,
    reason: Reason,
    embedding: str,
    unsure_rate: float,
    now: datetime,
    seed: int = 0,
) -> tuple[Learned, Training]:
    """Fit on the examples that are not held back; keep the better of the two classifiers.

    `learned.vectors` must come from `embedding`.
    """
    rows, new = _mixed(learned)
    vectors = learned.vectors
    if vectors is None or not rows:
        raise ValueError("there is no example to train on; ask why_train first")
    present = learned.classifier
    if present is not None and present.embedding != embedding:
        present = None
    fit = partial(_fit, learned, vectors, embedding=embedding, seed=seed)
    proof = _proof(learned, vectors, rows, fit)
    held = [row for row, one in enumerate(learned.examples) if one.is_held_back and one.intent_ids]
    truths = [learned.examples[row].intent_ids for row in held]
    if proof.sure_from is None:
        rows = [row for row in rows if learned.examples[row].source not in ANSWERS]
    fitted = replace(fit(rows), sure_from=proof.sure_from or UNSURE_UNDER)
    after = _rate_right(fitted, vectors[held], truths, {})
    before = None
    if present is not None:
        before = _rate_right(present, vectors[held], truths, now_called(taxonomy))
    stays = proof.sure_from is None and learned.answers > 0 and _knows(present, learned)
    replaced = not stays and (before is None or after is None or after >= before)
    report = Training(
        agent=agent,
        reason=reason,
        replaced=replaced,
        trained_on=len(rows),
        new=new,
        held_back=len(held),
        rate_before=before,
        rate_after=after,
        sentence=_sentence(replaced, before, after, len(rows), new, len(held), proof),
    )
    return (
        replace(
            learned,
            classifier=fitted if replaced else learned.classifier,
            taxonomy_version=taxonomy.version,
            trained_at=now,
            unsure_rate=unsure_rate,
            answers=_answers(learned, rows) if replaced else learned.answers,
        ),
        report,
    )


def _fit(
    learned: Learned, vectors: Matrix, rows: Sequence[int], *, embedding: str, seed: int
) -> Classifier:
    """From these examples; an intent's own words only where there is no conversation of it."""
    examples = learned.examples
    seen = {
        intent_id
        for row in rows
        if examples[row].source != "definition"
        for intent_id in examples[row].intent_ids
    }
    targets = [
        (row, intent_id)
        for row in rows
        for intent_id in examples[row].intent_ids or (NO_INTENT,)
        if examples[row].source != "definition" or intent_id not in seen
    ]
    return fit_classifier(
        vectors[[row for row, _ in targets]],
        [intent_id for _, intent_id in targets],
        embedding=embedding,
        tools=learned.tools,
        seed=seed,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Proof:
    """What answers that were not learned from say of a classifier that learns from answers."""

    answers: int
    labelled: int
    """Of these, those that got an intent."""
    right: int
    sure_from: float | None
    """Probability from which it may label; None: none is proven."""


def _proof(
    learned: Learned,
    vectors: Matrix,
    rows: Sequence[int],
    fit: Callable[[Sequence[int]], Classifier],
) -> _Proof:
    """Whether what learns from `rows` is right about answers that it did not learn from.

    Where few are held back, classifiers that are thrown away learn from four fifths of all answers
    and are asked about the others. An answer that no intent fits makes each label wrong. Nothing is
    proven before each intent has a conversation: answers are about what had no label, and beside
    conversations an intent's mere words lose all that they had.
    """
    examples = learned.examples
    answers = [row for row, one in enumerate(examples) if one.source in ANSWERS]
    if not any(row in rows for row in answers):
        return _Proof(answers=0, labelled=0, right=0, sure_from=UNSURE_UNDER)
    held = [row for row in answers if examples[row].is_held_back]
    parts = [held]
    if len(held) < ENOUGH_HELD_BACK:
        parts = [[row for row in answers if examples[row].part == n] for n in range(HELD_BACK)]
    given: list[tuple[float, bool]] = []
    for asked in filter(None, parts):
        classifier = fit(sorted({*rows, *held} - set(asked)))
        given += _labels_of(classifier, vectors[asked], [examples[row].intent_ids for row in asked])
    if not learned.answers and _only_words(examples):
        return _unproven(answers, given)
    for sure_from in STEPS:
        right = [is_right for probability, is_right in given if probability >= sure_from]
        if right and failure_rate(sum(right), len(right)).interval.low >= PROVEN:
            return _Proof(
                answers=len(answers), labelled=len(right), right=sum(right), sure_from=sure_from
            )
    return _unproven(answers, given)


def _unproven(answers: Sequence[int], given: Sequence[tuple[float, bool]]) -> _Proof:
    right = [is_right for probability, is_right in given if probability >= UNSURE_UNDER]
    return _Proof(answers=len(answers), labelled=len(right), right=sum(right), sure_from=None)


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


def _answers(learned: Learned, rows: Sequence[int]) -> int:
    return sum(learned.examples[row].source in ANSWERS for row in rows)


def _knows(present: Classifier | None, learned: Learned) -> bool:
    """Whether the classifier in use knows all intents that there are examples of."""
    ids = {intent_id for one in learned.examples for intent_id in one.intent_ids}
    return present is not None and ids <= set(present.intent_ids)


def _mixed(learned: Learned) -> tuple[list[int], int]:
    """Rows to train on, and how many of them are new: two old ones at least to each new one.

    What finds no room now is old the next time. People's corrections and intents that were not
    there before always find room.
    """
    trains = [row for row, one in enumerate(learned.examples) if not one.is_held_back]
    since = learned.trained_at
    examples = learned.examples
    old = [row for row in trains if since is not None and examples[row].at <= since]
    new = [row for row in trains if row not in set(old)]
    if all(examples[row].source == "definition" for row in old):  # No conversation to forget.
        return trains, len(new)
    known = {intent_id for row in old for intent_id in examples[row].intent_ids}
    must = [row for row in new if _has_to_be_in(examples[row], known)]
    others = sorted(set(new) - set(must), key=lambda row: examples[row].sha)
    chosen = [*must, *others[: max(0, len(old) // OLD_TO_NEW - len(must))]]
    return sorted([*old, *chosen]), len(chosen)


def _has_to_be_in(example: Example, known: Collection[str]) -> bool:
    return example.source == "person" or not set(example.intent_ids) <= set(known)


def _rate_right(
    classifier: Classifier,
    vectors: Matrix,
    truths: Sequence[Collection[str]],
    called: Mapping[str, str],
) -> float | None:
    """Share of the rows whose most probable intent is one of the true ones."""
    if not truths:
        return None
    guesses = classify(classifier, vectors)
    if not guesses.intent_ids:
        return 0.0
    best = (guesses.intent_ids[column] for column in guesses.probabilities.argmax(axis=1))
    right = [called.get(one, one) in true for one, true in zip(best, truths, strict=True)]
    return sum(right) / len(right)


def _sentence(
    replaced: bool,
    before: float | None,
    after: float | None,
    rows: int,
    new: int,
    held: int,
    proof: _Proof,
) -> str:
    on = f"on {count(rows, 'example')}, {new:,} of them new"
    if proof.sure_from is None:
        right = f"of {count(proof.labelled, 'label')} that they taught {proof.right:,} were right"
        return (
            f"{count(proof.answers, 'answer')} of people or the model are too few to learn from:"
            f" {right}. What was not answered is labelled as before."
        )
    if after is None:
        return f"Trained {on}; none is held back yet, so that nothing can be compared."
    of = f"{percent(after)} of {held:,} held back are right"
    if before is None:
        return f"Trained {on}: {of}."
    kept = "it replaces the one before" if replaced else "the one before stays"
    return f"Trained {on}: {of}, {percent(before)} before; {kept}."
