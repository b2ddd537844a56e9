"""When the classifier learns anew, on what, and whether the result replaces what there was.

Pure. One example in five is held back for good: it never trains, and a classifier that says less
of these right than the present one does not replace it. Answers of people and of the model teach
only what they prove (`proof.py`); until then the classifier without them stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Literal

import numpy as np

from bot.figures import count, percent
from bot.intents.classifier import NO_INTENT, UNSURE_UNDER, Classifier, classify, fit_classifier
from bot.intents.embedding import Matrix
from bot.intents.examples import ANSWERS, Example, Learned
from bot.intents.proof import NOTHING_TO_PROVE, Proof, Rehearsal, prove, rehearse
from bot.intents.taxonomy import now_called
from bot.records import Taxonomy
from bot.statistics import failure_rate

OLD_TO_NEW = 2
"""Of what was learned before at least twice as much as of what is new, against forgetting."""
NEW_LABELS = 50
NEW_SHARE = 0.1
"""New examples, as a share of those learned from, that are worth a training; and 50 at least."""
UNPROVEN_LABELS = 10
"""New examples that are worth another try where answers did not prove anything yet."""
DRIFT = 0.05
"""Rise of the share without an intent since the training, proven, that asks for another one."""

Reason = Literal["first", "taxonomy", "corrections", "labels", "drift"]


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
    unanswered: Matrix | None = None,
    seed: int = 0,
) -> tuple[Learned, Training]:
    """Fit on the examples that are not held back; keep the better of the two classifiers.

    `learned.vectors` must come from `embedding`, and so must those of the `unanswered`: some of
    the agent's conversations that are no examples, to be rehearsed beside answers.
    """
    rows, new = _mixed(learned)
    vectors = learned.vectors
    if vectors is None or not rows:
        raise ValueError("there is no example to train on; ask why_train first")
    present = learned.classifier
    if present is not None and present.embedding != embedding:
        present = None
    fit = partial(_fit, learned, vectors, embedding=embedding, seed=seed)
    without = [row for row in rows if learned.examples[row].source not in ANSWERS]
    beside, proof = Rehearsal(vectors=vectors[:0]), NOTHING_TO_PROVE
    if len(without) < len(rows):
        if without and unanswered is not None:
            beside = rehearse(fit(without), unanswered)
        proof = prove(
            learned.examples,
            vectors,
            rows,
            partial(fit, beside=beside),
            rehearsed=beside.intent_ids,
            is_proven=learned.answers > 0,
        )
    held = [row for row, one in enumerate(learned.examples) if one.is_held_back and one.intent_ids]
    truths = [learned.examples[row].intent_ids for row in held]
    if proof.sure_from is None:
        rows, beside = without, Rehearsal(vectors=vectors[:0])
    fitted = replace(fit(rows, beside=beside), sure_from=proof.sure_from or UNSURE_UNDER)
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
    learned: Learned,
    vectors: Matrix,
    rows: Sequence[int],
    *,
    beside: Rehearsal | None = None,
    embedding: str,
    seed: int,
) -> Classifier:
    """From these examples; an intent's own words only where there is no conversation of it."""
    examples = learned.examples
    beside = beside or Rehearsal(vectors=vectors[:0])
    seen = {*beside.intent_ids}.union(
        intent_id
        for row in rows
        if examples[row].source != "definition"
        for intent_id in examples[row].intent_ids
    )
    targets = [
        (row, intent_id)
        for row in rows
        for intent_id in examples[row].intent_ids or (NO_INTENT,)
        if examples[row].source != "definition" or intent_id not in seen
    ]
    return fit_classifier(
        np.vstack([vectors[[row for row, _ in targets]], beside.vectors]),
        [*(intent_id for _, intent_id in targets), *beside.intent_ids],
        embedding=embedding,
        tools=learned.tools,
        seed=seed,
    )


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
    proof: Proof,
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
