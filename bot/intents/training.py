"""When the classifier learns anew, on what, and whether the result replaces what there was.

Pure. An example is a conversation whose intents somebody knows: a person who corrected a label, the
model that read it, or the taxonomy that cites it. One in five is held back for good: it never
trains, and a classifier that says less of these right than the present one does not replace it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np

from bot.figures import count, percent
from bot.intents.classifier import Classifier, classify, fit_classifier
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
DRIFT = 0.05
"""Rise of the share without an intent since the training, proven, that asks for another one."""

ExampleSource = Literal["person", "model", "exemplar", "definition"]
_RANK: Mapping[ExampleSource, int] = {"person": 3, "model": 2, "exemplar": 1, "definition": 0}
Reason = Literal["first", "taxonomy", "corrections", "labels", "drift"]


NO_TOOLS = ToolWeights()


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One conversation whose intents are known."""

    sha: str
    """`Document.sha`; the intent's id for an intent's own definition."""
    intent_ids: tuple[str, ...]
    source: ExampleSource
    at: datetime
    """When it was first known here."""

    @property
    def is_held_back(self) -> bool:
        """Never trained on. Definitions always train: they are no conversations."""
        return self.source != "definition" and int(self.sha[:8], 16) % HELD_BACK == 0


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

    Ids are brought up to `taxonomy`; what stands for no active intent any more is dropped.
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
    kept: list[tuple[int, Example]] = []
    for row in best.values():
        ids = dict.fromkeys(current[one] for one in rows[row].intent_ids if one in current)
        if ids:
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
        if min(taken[intent_id] for intent_id in one.intent_ids) < PER_INTENT:
            taken.update(one.intent_ids)
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
    targets = [(row, intent_id) for row in rows for intent_id in learned.examples[row].intent_ids]
    fitted = fit_classifier(
        vectors[[row for row, _ in targets]],
        [intent_id for _, intent_id in targets],
        embedding=embedding,
        tools=learned.tools,
        seed=seed,
    )
    held = [row for row, one in enumerate(learned.examples) if one.is_held_back]
    truths = [learned.examples[row].intent_ids for row in held]
    after = _rate_right(fitted, vectors[held], truths, {})
    before = None
    if learned.classifier is not None and learned.classifier.embedding == embedding:
        before = _rate_right(learned.classifier, vectors[held], truths, now_called(taxonomy))
    replaced = before is None or after is None or after >= before
    report = Training(
        agent=agent,
        reason=reason,
        replaced=replaced,
        trained_on=len(rows),
        new=new,
        held_back=len(held),
        rate_before=before,
        rate_after=after,
        sentence=_sentence(replaced, before, after, len(rows), new, len(held)),
    )
    return (
        replace(
            learned,
            classifier=fitted if replaced else learned.classifier,
            taxonomy_version=taxonomy.version,
            trained_at=now,
            unsure_rate=unsure_rate,
        ),
        report,
    )


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
    if not old:
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
    best = (guesses.intent_ids[column] for column in guesses.probabilities.argmax(axis=1))
    right = [called.get(one, one) in true for one, true in zip(best, truths, strict=True)]
    return sum(right) / len(right)


def _sentence(
    replaced: bool, before: float | None, after: float | None, rows: int, new: int, held: int
) -> str:
    on = f"on {count(rows, 'example')}, {new:,} of them new"
    if after is None:
        return f"Trained {on}; none is held back yet, so that nothing can be compared."
    of = f"{percent(after)} of {held:,} held back are right"
    if before is None:
        return f"Trained {on}: {of}."
    kept = "it replaces the one before" if replaced else "the one before stays"
    return f"Trained {on}: {of}, {percent(before)} before; {kept}."
