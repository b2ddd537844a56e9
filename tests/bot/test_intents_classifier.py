"""Probabilities that can be believed, novelty, and a classifier that survives being stored."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bot.intents.classifier import (
    NO_INTENT,
    among_neighbours,
    classify,
    fit_classifier,
    from_bytes,
    to_bytes,
)
from bot.intents.embedding import Matrix, ToolWeights, normalise

NAMES = tuple(f"i-{letter}" for letter in "abcdefgh")


def some_vectors(
    kinds: int = 8, *, each: int = 30, spread: float = 0.35, seed: int = 0, dimensions: int = 24
) -> tuple[Matrix, list[str]]:
    """Clouds around `kinds` directions, which are the same for every seed."""
    centres = normalise(np.random.default_rng(99).normal(size=(16, dimensions)))
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(kinds), each)
    noise = rng.normal(size=(len(numbers), dimensions)) * spread
    return normalise(centres[numbers] + noise), [f"i-{'abcdefghijklmnop'[n]}" for n in numbers]


def test_probabilities_agree_with_how_often_they_are_right():
    taught, intents = some_vectors(spread=0.5)
    asked, truth = some_vectors(spread=0.5, seed=1, each=200)

    guesses = classify(fit_classifier(taught, intents, embedding="x"), asked)

    sure = guesses.probabilities.max(axis=1)
    right = np.array(guesses.intent_ids)[guesses.probabilities.argmax(axis=1)] == np.array(truth)
    assert right.mean() < 0.95  # else there would be nothing to calibrate
    assert sure.mean() == pytest.approx(right.mean(), abs=0.05)


def test_intents_that_were_never_learned_are_the_most_novel():
    taught, intents = some_vectors(spread=0.2)
    known, _ = some_vectors(spread=0.2, seed=1)
    everything, truth = some_vectors(12, spread=0.2, seed=1)
    new = everything[[name not in NAMES for name in truth]]
    classifier = fit_classifier(taught, intents, embedding="x")

    of_known, of_new = classify(classifier, known), classify(classifier, new)

    assert np.median(of_new.novelty) > np.quantile(of_known.novelty, 0.9)
    assert (of_known.novelty >= of_known.novel_from).mean() < 0.15
    assert (of_new.novelty >= of_new.novel_from).mean() > 0.5


@pytest.mark.parametrize(("kinds", "each"), [(1, 1), (1, 5), (2, 1), (2, 9), (5, 2)])
def test_few_examples_are_enough_to_say_something(kinds, each):
    taught, intents = some_vectors(kinds, each=each, spread=0.1)

    guesses = classify(fit_classifier(taught, intents, embedding="x"), taught)

    assert guesses.probabilities.shape == (kinds * each, kinds)
    assert (guesses.novelty < guesses.novel_from).all()
    if kinds > 1:
        assert guesses.probabilities.sum(axis=1) == pytest.approx(1)


def test_the_only_intent_that_there_is_is_not_certain():
    taught, intents = some_vectors(1, each=20, spread=0.1)
    asked, truth = some_vectors(2, seed=1, spread=0.1)

    guesses = classify(fit_classifier(taught, intents, embedding="x"), asked)

    sure, own = guesses.probabilities[:, 0], np.array(truth) == intents[0]
    assert (sure[own] >= guesses.sure_from).all()
    assert (sure[~own] < guesses.sure_from).mean() > 0.9


def test_what_is_like_examples_that_no_intent_fits_is_new():
    vectors, kinds = some_vectors(3, each=12)
    asked, truth = some_vectors(3, each=20, seed=1)
    strange = np.array(truth) == "i-c"
    named = [NO_INTENT if kind == "i-c" else kind for kind in kinds]

    without = fit_classifier(vectors[:24], kinds[:24], embedding="x")
    guesses = classify(fit_classifier(vectors, named, embedding="x"), asked)

    assert guesses.intent_ids == ("i-a", "i-b")
    assert (guesses.novelty[strange] >= guesses.novel_from).all()
    assert (guesses.novelty[~strange] < guesses.novel_from).all()
    surest_without = classify(without, asked).probabilities[strange].max(axis=1)
    assert (guesses.probabilities[strange].max(axis=1) < surest_without).all()


def test_without_any_intent_everything_is_novel():
    taught, _ = some_vectors(1, each=1)

    guesses = classify(fit_classifier(taught[:0], [], embedding="x"), taught)

    assert guesses.probabilities.shape == (1, 0)
    assert (guesses.novelty >= guesses.novel_from).all()


def test_a_row_that_comes_twice_has_two_intents():
    taught, intents = some_vectors(2, each=20, spread=0.1)
    both = normalise(taught[:20] + taught[20:])
    rows = np.vstack([taught, both, both])
    named = [*intents, *(["i-a"] * 20), *(["i-b"] * 20)]

    guesses = classify(fit_classifier(rows, named, embedding="x"), both)

    assert guesses.probabilities.min() > 0.2


def test_a_stored_classifier_says_the_same_when_it_is_read_again():
    taught, intents = some_vectors()
    tools = ToolWeights(names=("cancel_order",), weights=(1.5,))
    classifier = fit_classifier(taught, intents, embedding="x", tools=tools)

    again = from_bytes(to_bytes(classifier))

    before, after = classify(classifier, taught), classify(again, taught)
    assert (again.embedding, again.tools, again.intent_ids) == ("x", tools, NAMES)
    assert np.array_equal(before.probabilities, after.probabilities)
    assert np.array_equal(before.novelty, after.novelty)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"not a classifier"])
def test_other_bytes_are_no_classifier(data):
    with pytest.raises(ValueError, match="are no classifier"):
        from_bytes(data)


def test_among_others_a_new_intent_stands_out_more_than_each_of_its_texts():
    taught, intents = some_vectors(spread=0.35)
    everything, truth = some_vectors(12, spread=0.35, seed=1)
    is_new = np.array([name not in NAMES for name in truth])
    classifier = fit_classifier(taught, intents, embedding="x")

    alone = classify(classifier, everything)
    together = among_neighbours(alone, everything)

    drawn = roc_auc_score(is_new, together.novelty)
    assert drawn > roc_auc_score(is_new, alone.novelty) + 0.02
    assert np.array_equal(alone.probabilities, together.probabilities)


def test_a_text_without_anything_near_stands_for_itself():
    taught, intents = some_vectors()
    classifier = fit_classifier(taught, intents, embedding="x")
    unlike = np.eye(24, dtype=np.float32)[:3]

    alone = classify(classifier, unlike)

    assert among_neighbours(alone, unlike).novelty == pytest.approx(alone.novelty)
    one = classify(classifier, unlike[:1])
    assert among_neighbours(one, unlike[:1]) == one
