"""A small linear classifier: which intent, how surely, and whether it is one that we know at all.

Takes vectors with the intent of each, gives a `Classifier` that is a value: arrays and numbers,
stored as bytes. Costs seconds for thousands of examples and nothing to speak of per conversation.

Probabilities are calibrated by temperature on folds that were not learned from (Guo et al. 2017,
"On calibration"). Novelty joins three traits that fail differently: how sure the classifier is, how
near the nearest example is, and how near that is for examples of this intent. How they are joined
is learned on pretended novelty: some known intents are left out, again and again, so that no label
of a really new intent is needed. A new intent seldom comes as a single text: among many, what the
nearest texts look like counts as much as the text itself (`among_neighbours`). Numbers:
bench/intents.py.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, logit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bot.intents.embedding import Matrix, ToolWeights, normalise

INVERSE_REGULARISATION = 20.0
KEPT_PER_INTENT = 40
"""Examples that stay in the classifier to be compared with; all are learned from."""
NO_INTENT = ""
"""The id of examples that none of the intents fits."""
UNSURE_UNDER = 0.3
"""Probability under which an intent is not given, where nothing says that it has to be higher."""
FOLDS = 4
CALIBRATED_FROM = 3
"""Examples that an intent must have to be in the folds."""
SIMULATED_FROM = 4
"""Intents of so many examples that there must be to pretend that some are new."""
HELD_BACK = 0.25
FALSE_ALARMS = 0.05
"""Share of what is known that counts as novel."""
SUSPECTED = 0.2
"""Share of what is known that discovery asks again, since a new intent hides in its neighbours."""
UNLIKE = 3.0
"""Where novelty could not be learned: deviations further from the nearest example than examples are
from each other from which an intent does not fit; suspected one deviation earlier."""
ALONE = (1.0, 0.22)
"""Likeness of examples where there is one alone, mostly the intent's name: does not fit from a
cosine of 0.25. 5 % of BANKING77's questions are further from the name of their intent."""
BATCH_NEIGHBOURS = 10
"""Texts of the same batch that say with a text how novel it is."""
TINY = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Classifier:
    """What was learned about the intents of one agent."""

    embedding: str
    """Name of the `Embedder`: the vectors of another mean nothing to it."""
    tools: ToolWeights
    """Of the columns behind the text's."""
    intent_ids: tuple[str, ...]
    """Of the rows of what follows, sorted."""
    weights: Matrix
    """Intents x dimensions."""
    biases: Matrix
    temperature: float
    centroids: Matrix
    """Intents x dimensions, each of length 1."""
    examples: Matrix
    """At most 40 of each intent."""
    example_intents: NDArray[np.int64]
    """Row of `intent_ids` of each example."""
    likeness: Matrix
    """Intents x (mean, deviation): of an example with the nearest other one of its intent."""
    novelty_weights: tuple[float, ...]
    """Intercept, then one for each trait."""
    novel_from: float
    """Novelty that 5 % of what is known reaches."""
    suspect_from: float
    """Novelty that 20 % of what is known reaches: what discovery asks again."""
    no_intent: Matrix
    """One row, or none: weights and, at the end, the bias of what none of the intents fits."""
    sure_from: float = UNSURE_UNDER
    """Probability from which an intent is given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guesses:
    """The classifier's view of some documents, before it abstains."""

    intent_ids: tuple[str, ...]
    """Of the columns."""
    probabilities: NDArray[np.float64]
    """Documents x intents; calibrated: of what has 0.8, four in five are right."""
    novelty: NDArray[np.float64]
    """0..1 of each document: how little any of the intents fits."""
    novel_from: float
    """Novelty from which no intent is given."""
    suspect_from: float
    """Novelty from which discovery looks for a new intent."""
    sure_from: float
    """Probability from which an intent is given."""


def fit_classifier(
    vectors: Matrix,
    intent_ids: Sequence[str],
    *,
    embedding: str,
    tools: ToolWeights | None = None,
    seed: int = 0,
) -> Classifier:
    """Learn from `vectors`, one intent each; a row that comes twice has two intents.

    What is like rows of `NO_INTENT` is less probably any of the others, and new where it is more
    like them than like these.
    """
    # The products are small: a second thread costs fifty times what it saves where cores are busy.
    with threadpool_limits(limits=1):
        return _fitted(vectors, intent_ids, embedding, tools or ToolWeights(), seed)


def _fitted(
    vectors: Matrix, intent_ids: Sequence[str], embedding: str, tools: ToolWeights, seed: int
) -> Classifier:
    names, targets = np.unique(np.array(intent_ids, dtype=str), return_inverse=True)
    weights, biases = _fit_linear(vectors, targets, len(names))
    without = int(NO_INTENT in names)  # It sorts before every id.
    no_intent = np.column_stack([weights[:without], biases[:without]])
    names, weights, biases = names[without:], weights[without:], biases[without:]
    vectors, targets = vectors[targets >= without], targets[targets >= without] - without
    plain = Classifier(
        embedding=embedding,
        tools=tools,
        intent_ids=tuple(str(name) for name in names),
        weights=weights,
        biases=biases,
        temperature=_temperature(vectors, targets, seed=seed),
        novelty_weights=(UNLIKE, 0.0, 0.0, 1.0),
        novel_from=0.5,
        suspect_from=float(expit(-1.0)),
        no_intent=no_intent,
        **_examples(vectors, targets, len(names), seed=seed),
    )
    return _with_novelty(plain, vectors, targets, seed=seed)


def classify(classifier: Classifier, vectors: Matrix) -> Guesses:
    """What the classifier thinks of each row; some thousand rows at a time keep memory small."""
    if not classifier.intent_ids:
        nothing = np.zeros((len(vectors), 0))
        return _guesses(classifier, nothing, np.ones(len(vectors)))
    logits = _logits(classifier, vectors)
    intercept, *weights = classifier.novelty_weights
    new = -(_traits(classifier, vectors, logits) @ np.array(weights) + intercept)
    logits = logits / classifier.temperature
    if not len(classifier.no_intent):
        # With nothing to choose from, what counts is whether it fits at all.
        alone = len(classifier.intent_ids) == 1
        probabilities = expit(-new)[:, None] if alone else softmax(logits, axis=1)
        return _guesses(classifier, probabilities, expit(new))
    none = vectors @ classifier.no_intent[0, :-1] + classifier.no_intent[0, -1]
    none = none.astype(np.float64) / classifier.temperature
    # As novel as what is refused, where nothing is as probable as the best intent is.
    new = np.maximum(new, none - logits.max(axis=1) + logit(classifier.novel_from))
    probabilities = softmax(np.column_stack([logits, none]), axis=1)[:, :-1]
    return _guesses(classifier, probabilities, expit(new))


def among_neighbours(guesses: Guesses, vectors: Matrix) -> Guesses:
    """`guesses` of `vectors` with each novelty drawn towards that of the nearest rows.

    The mean of the log odds, each neighbour with its likeness as its weight: where nothing is near,
    as in a batch of a few, a row stands for itself. The cost grows with the square of the rows.
    """
    return replace(
        guesses, novelty=expit(_drawn(logit(guesses.novelty.clip(TINY, 1 - TINY)), vectors))
    )


def _drawn(odds: NDArray[np.float64], vectors: Matrix) -> NDArray[np.float64]:
    count = min(BATCH_NEIGHBOURS, len(vectors) - 1)
    if count < 1:
        return odds
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1)
    near = np.argpartition(likeness, -count, axis=1)[:, -count:]
    weights = np.take_along_axis(likeness, near, axis=1).clip(0) / BATCH_NEIGHBOURS
    drawn: NDArray[np.float64] = (odds + (weights * odds[near]).sum(axis=1)) / (
        1 + weights.sum(axis=1)
    )
    return drawn


def _guesses(
    classifier: Classifier, probabilities: NDArray[np.float64], novelty: NDArray[np.float64]
) -> Guesses:
    return Guesses(
        intent_ids=classifier.intent_ids,
        probabilities=probabilities,
        novelty=novelty,
        novel_from=classifier.novel_from,
        suspect_from=classifier.suspect_from,
        sure_from=classifier.sure_from,
    )


def to_bytes(classifier: Classifier) -> bytes:
    """The classifier as one .npz file, without pickled objects."""
    values = {one.name: getattr(classifier, one.name) for one in fields(classifier)}
    tools: ToolWeights = values.pop("tools")
    values |= {"tool_names": np.array(tools.names, dtype=str), "tool_weights": tools.weights}
    stream = io.BytesIO()
    np.savez_compressed(stream, **values)
    return stream.getvalue()


def from_bytes(data: bytes) -> Classifier:
    """What `to_bytes` wrote.

    Raises:
        ValueError: it is something else, or of a version that had other parts.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return Classifier(
                embedding=str(stored["embedding"]),
                tools=ToolWeights(
                    names=tuple(stored["tool_names"].tolist()),
                    weights=tuple(stored["tool_weights"].tolist()),
                ),
                intent_ids=tuple(stored["intent_ids"].tolist()),
                temperature=float(stored["temperature"]),
                novelty_weights=tuple(stored["novelty_weights"].tolist()),
                novel_from=float(stored["novel_from"]),
                suspect_from=float(stored["suspect_from"]),
                sure_from=float(stored["sure_from"]),
                **{
                    key: stored[key]
                    for key in (
                        *("weights", "biases", "centroids", "examples", "example_intents"),
                        *("likeness", "no_intent"),
                    )
                },
            )
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"These bytes are no classifier: {error}") from error


def _fit_linear(vectors: Matrix, targets: NDArray[np.int64], count: int) -> tuple[Matrix, Matrix]:
    """Weights and biases of `count` intents; zeros where there is nothing to choose from."""
    if count < 2:
        empty = np.zeros((count, vectors.shape[1]), dtype=np.float32)
        return empty, np.zeros(count, dtype=np.float32)
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=300, tol=1e-4)
    model.fit(vectors, targets)
    weights, biases = model.coef_, model.intercept_
    if count == 2:  # one row that speaks for the second
        weights, biases = np.vstack([-weights, weights]) / 2, np.hstack([-biases, biases]) / 2
    return weights.astype(np.float32), biases.astype(np.float32)


def _logits(classifier: Classifier, vectors: Matrix) -> NDArray[np.float64]:
    return (vectors @ classifier.weights.T + classifier.biases).astype(np.float64)


def _examples(
    vectors: Matrix, targets: NDArray[np.int64], count: int, *, seed: int
) -> dict[str, Any]:
    """What is kept to compare with: some examples of each intent, their mean and their likeness."""
    rng = np.random.default_rng(seed)
    kept: list[NDArray[np.int64]] = []
    means, likeness = np.zeros((count, vectors.shape[1])), np.tile(ALONE, (count, 1))
    for number in range(count):
        rows = np.flatnonzero(targets == number)
        means[number] = vectors[rows].mean(axis=0)
        rows = np.sort(rng.permutation(rows)[:KEPT_PER_INTENT])
        kept.append(rows)
        if len(rows) > 1:
            among = vectors[rows] @ vectors[rows].T - 2 * np.eye(len(rows))
            nearest = among.max(axis=1)
            likeness[number] = nearest.mean(), nearest.std()
    chosen = np.concatenate(kept) if kept else np.zeros(0, dtype=np.int64)
    return {
        "centroids": normalise(means),
        "examples": vectors[chosen],
        "example_intents": targets[chosen].astype(np.int64),
        "likeness": likeness.astype(np.float32),
    }


def _traits(
    classifier: Classifier, vectors: Matrix, logits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Rows x 3: how sure, how near, how near for this intent; the higher, the better known."""
    best = logits.argmax(axis=1)
    sure = softmax(logits, axis=1).max(axis=1).clip(TINY, 1 - 1e-6)
    near = vectors @ classifier.examples.T
    own = np.where(classifier.example_intents[None] == best[:, None], near, -1).max(axis=1)
    mean, deviation = classifier.likeness[best].T
    # Five equal examples have no deviation, and nothing would be as near as they are.
    relative = (own - mean) / (deviation + 0.03)
    return np.stack([np.log(sure / (1 - sure)), near.max(axis=1), relative], axis=1)


def _temperature(vectors: Matrix, targets: NDArray[np.int64], *, seed: int) -> float:
    """By which the logits are divided so that held-back examples are most probable."""
    enough = np.flatnonzero(np.bincount(targets) >= CALIBRATED_FROM)
    rows = np.flatnonzero(np.isin(targets, enough))
    if len(enough) < 2:
        return 1.0
    vectors, targets = vectors[rows], np.searchsorted(enough, targets[rows])
    folds = min(FOLDS, int(np.bincount(targets).min()))
    split = StratifiedKFold(folds, shuffle=True, random_state=seed).split(vectors, targets)
    logits = np.zeros((len(rows), len(enough)))
    for learned, held in split:
        weights, biases = _fit_linear(vectors[learned], targets[learned], len(enough))
        logits[held] = vectors[held] @ weights.T + biases

    def surprise(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(rows)), targets].mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(-2, 2), method="bounded").x))


def _with_novelty(
    classifier: Classifier, vectors: Matrix, targets: NDArray[np.int64], *, seed: int
) -> Classifier:
    """Learn how traits tell the known from the new, by leaving known intents out."""
    rng = np.random.default_rng(seed)
    often = np.flatnonzero(np.bincount(targets, minlength=1) >= SIMULATED_FROM)
    if len(often) < SIMULATED_FROM:
        return classifier
    rows = np.concatenate(
        [rng.permutation(np.flatnonzero(targets == number))[:KEPT_PER_INTENT] for number in often]
    )
    vectors, targets = vectors[rows], np.searchsorted(often, targets[rows])
    pretended = [*_pretended(classifier, vectors, targets, rng)]
    traits = np.concatenate([traits for traits, _, _ in pretended])
    known = np.concatenate([known for _, known, _ in pretended])
    scale = StandardScaler().fit(traits)
    model = LogisticRegression(class_weight="balanced").fit(scale.transform(traits), known)
    weights = model.coef_[0] / scale.scale_
    intercept = float(model.intercept_[0] - weights @ scale.mean_)
    # By batches, as it will be asked: neighbours narrow the spread, and the thresholds with it.
    drawn = [
        (_drawn(-(own @ weights + intercept), asked), is_known)
        for own, is_known, asked in pretended
    ]
    novelty = expit(np.concatenate([odds[is_known] for odds, is_known in drawn]))
    return replace(
        classifier,
        novelty_weights=(intercept, *(float(weight) for weight in weights)),
        novel_from=float(np.quantile(novelty, 1 - FALSE_ALARMS)),
        suspect_from=float(np.quantile(novelty, 1 - SUSPECTED)),
    )


def _pretended(
    classifier: Classifier,
    vectors: Matrix,
    targets: NDArray[np.int64],
    rng: np.random.Generator,
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.bool_], Matrix]]:
    """Traits of rows not learned from, whether their intent was, their vectors; fold by fold."""
    part = rng.permutation(targets.max() + 1) % FOLDS
    held = rng.random(len(targets)) < HELD_BACK
    for number in range(FOLDS):
        known = part[targets] != number
        learned = known & ~held
        names, own = np.unique(targets[learned], return_inverse=True)
        weights, biases = _fit_linear(vectors[learned], own, len(names))
        kept = _examples(vectors[learned], own, len(names), seed=0)
        without = replace(classifier, weights=weights, biases=biases, **kept)
        asked = vectors[~learned]
        yield _traits(without, asked, _logits(without, asked)), known[~learned], asked
