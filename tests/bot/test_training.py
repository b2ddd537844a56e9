"""When the classifier learns anew, what it learns from, and that it never gets worse."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from bot.commands.learning import read_learned, write_learned
from bot.intents import taxonomy_version
from bot.intents.classifier import classify
from bot.intents.examples import PER_INTENT, Example, Learned, with_examples
from bot.intents.training import train, why_train
from bot.records import Intent, Taxonomy, short_hash
from tests.bot.intents_built import NOW

DIMENSIONS = 12
WEEK = timedelta(days=7)


def a_taxonomy(*intents: Intent) -> Taxonomy:
    return Taxonomy(intents=intents, version=taxonomy_version(intents), source="repository")


ABC = a_taxonomy(*(Intent(id=f"i-{letter}", name=letter) for letter in "abc"))


def a_vector(letter: str, number: int, noise: float = 0.3):
    """A direction for each intent, and something of its own."""
    own = np.random.default_rng(number).normal(size=DIMENSIONS)
    vector = np.eye(DIMENSIONS)["abcdefgh".index(letter)] + noise * own / np.linalg.norm(own)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def examples_of(letter, count, *, first=0, source="model", at=NOW, said=None, like=None):
    """`count` conversations whose words are like `like`, and which are said to be `said`."""
    examples = [
        Example(
            sha=short_hash(letter, number, length=16),
            intent_ids=(said or f"i-{letter}",),
            source=source,
            at=at,
        )
        for number in range(first, first + count)
    ]
    vectors = np.array(
        [a_vector(like or letter, hash_of(letter, n)) for n in range(first, first + count)]
    )
    return examples, vectors


def hash_of(letter: str, number: int) -> int:
    return 1000 * "abcdefgh".index(letter) + number


def learned_from(*parts, before=None, taxonomy=ABC) -> Learned:
    learned = before or Learned()
    for examples, vectors in parts:
        learned = with_examples(learned, examples, vectors, taxonomy)
    return learned


def trained(learned: Learned, taxonomy=ABC, *, reason="first", at=NOW, unanswered=None):
    return train(
        "support",
        learned,
        taxonomy,
        reason=reason,
        embedding="test",
        unsure_rate=0.1,
        now=at,
        unanswered=unanswered,
    )


@pytest.fixture
def first() -> Learned:
    """Trained on forty conversations of each of three intents."""
    return trained(learned_from(*(examples_of(letter, 40) for letter in "abc")))[0]


def test_the_first_examples_give_the_first_classifier():
    learned = learned_from(*(examples_of(letter, 40) for letter in "abc"))

    after, report = trained(learned)

    assert why_train(learned, ABC, unsure=0, read=100) == "first"
    assert report.replaced
    assert report.rate_before is None
    assert report.rate_after is not None
    assert report.rate_after >= 0.9
    assert after.classifier is not None
    assert after.classifier.intent_ids == ("i-a", "i-b", "i-c")


def test_what_is_held_back_is_never_trained_on(first):
    held = [one for one in first.examples if one.is_held_back]

    _, report = trained(first, reason="labels", at=NOW + WEEK)

    assert 12 <= len(held) <= 36
    assert (report.held_back, report.trained_on) == (len(held), len(first.examples) - len(held))


@pytest.mark.parametrize(
    ("more", "unsure", "reason"),
    [
        pytest.param((), 0, None, id="nothing-new"),
        pytest.param(("a", 10, "model"), 0, None, id="too-few"),
        pytest.param(("a", 50, "model"), 0, "labels", id="enough-labels"),
        pytest.param(("a", 1, "person"), 0, "corrections", id="one-correction"),
        pytest.param(("a", 10, "model"), 300, "drift", id="drift"),
        pytest.param((), 300, None, id="drift-without-anything-to-learn-from"),
    ],
)
def test_a_training_has_a_reason(first, more, unsure, reason):
    learned = first
    if more:
        letter, count, source = more
        new = examples_of(letter, count, first=500, source=source, at=NOW + WEEK)
        learned = learned_from(new, before=first)

    assert why_train(learned, ABC, unsure=unsure, read=1000) == reason


def test_another_taxonomy_is_a_reason(first):
    more = a_taxonomy(*ABC.intents, Intent(id="i-d", name="d"))

    assert why_train(first, more, unsure=0, read=100) == "taxonomy"


def test_a_new_intent_is_learned_and_the_old_ones_are_kept(first):
    more = a_taxonomy(*ABC.intents, Intent(id="i-d", name="d"))
    learned = learned_from(examples_of("d", 30, at=NOW + WEEK), before=first, taxonomy=more)

    after, report = trained(learned, more, reason="taxonomy", at=NOW + WEEK)

    assert report.replaced
    assert after.classifier is not None
    guesses = classify(after.classifier, np.array([a_vector(one, 9) for one in "abcd"]))
    best = [guesses.intent_ids[at] for at in guesses.probabilities.argmax(axis=1)]
    assert best == ["i-a", "i-b", "i-c", "i-d"]


def test_a_classifier_that_does_worse_does_not_replace_the_present_one(first):
    """A flood of labels that say b of what is a, as a model that went wrong would give them."""
    wrong = examples_of("e", 60, at=NOW + WEEK, said="i-b", like="a")
    learned = learned_from(wrong, before=first)
    right = replace(
        learned,
        examples=tuple(
            replace(one, intent_ids=("i-a",))
            if one.is_held_back and one.sha in _shas(wrong)
            else one
            for one in learned.examples
        ),
    )

    after, report = trained(right, reason="labels", at=NOW + WEEK)

    assert not report.replaced
    assert report.rate_before is not None
    assert report.rate_after is not None
    assert report.rate_after < report.rate_before
    assert after.classifier is first.classifier
    assert "the one before stays" in report.sentence
    assert why_train(after, ABC, unsure=0, read=100) is None


def _shas(part) -> set[str]:
    return {one.sha for one in part[0]}


def test_of_what_is_old_at_least_twice_as_much_is_learned_as_of_what_is_new(first):
    new = examples_of("a", 150, first=500, at=NOW + WEEK)
    learned = learned_from(new, before=first)

    after, report = trained(learned, reason="labels", at=NOW + WEEK)
    _, next_report = trained(after, reason="labels", at=NOW + 2 * WEEK)

    assert report.new <= (report.trained_on - report.new) / 2
    assert next_report.new == 0
    assert next_report.trained_on > report.trained_on


def conversations(letter: str, count: int, *, first: int = 0, **changes):
    """Answers on conversations, which are more like each other than like the words of an intent."""
    examples, vectors = examples_of(letter, count, first=first, **changes)
    talk = vectors * 0.5 + np.eye(DIMENSIONS)[-1]
    return examples, (talk / np.linalg.norm(talk, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def by_words() -> Learned:
    """Trained on what three intents are called, and on no conversation."""
    words = [
        Example(sha=f"i-{letter}", intent_ids=(f"i-{letter}",), source="definition", at=NOW)
        for letter in "abc"
    ]
    return trained(learned_from((words, np.eye(DIMENSIONS, dtype=np.float32)[:3])))[0]


def intents_given(learned: Learned, vectors) -> list[str | None]:
    assert learned.classifier is not None
    guesses = classify(learned.classifier, vectors)
    best = guesses.probabilities.argmax(axis=1)
    sure = guesses.probabilities.max(axis=1) >= guesses.sure_from
    known = sure & (guesses.novelty < guesses.novel_from)
    return [guesses.intent_ids[at] if ok else None for at, ok in zip(best, known, strict=True)]


def test_a_few_answers_label_no_conversation_but_their_own(by_words):
    """Else whatever is a conversation is like the five of a, whose words nobody is compared to."""
    answers = conversations("a", 5, at=NOW + WEEK)
    _, others = conversations("b", 30, first=100)

    after, report = trained(learned_from(answers, before=by_words), reason="drift", at=NOW + WEEK)

    assert intents_given(after, others) == intents_given(by_words, others)
    assert "5 answers of people or the model are too few to learn from" in report.sentence
    assert after.answers == 0


def test_answers_that_are_right_about_each_other_are_learned_from(by_words):
    answers = [conversations(letter, 12, at=NOW + WEEK) for letter in "abc"]
    asked = np.vstack([conversations(letter, 20, first=100)[1] for letter in "abc"])

    after, report = trained(learned_from(*answers, before=by_words), reason="labels", at=NOW + WEEK)

    assert report.replaced
    assert after.answers > 20
    truth = [f"i-{letter}" for letter in "abc" for _ in range(20)]
    given = intents_given(after, asked)
    right = [one == true for one, true in zip(given, truth, strict=True) if one is not None]
    assert len(right) > 40
    assert sum(right) / len(right) > 0.85


def test_answers_on_some_intents_do_not_take_away_what_others_have_by_their_words(by_words):
    """The answers are right about each other: they are all about what had no label."""
    answers = [conversations(letter, 25, at=NOW + WEEK) for letter in "ab"]
    _, others = conversations("c", 30, first=100)

    after, _ = trained(learned_from(*answers, before=by_words), reason="labels", at=NOW + WEEK)

    assert intents_given(after, others) == intents_given(by_words, others)


def test_an_intent_that_was_always_plain_keeps_what_it_had_beside_answers_on_others(by_words):
    """Answers are about what had no sure label: of c there are three, and odd ones."""
    answers = [conversations(letter, 25, at=NOW + WEEK) for letter in "ab"]
    odd = conversations("d", 3, at=NOW + WEEK, said="i-c")
    learned = learned_from(*answers, odd, before=by_words)
    unanswered = np.vstack([conversations(letter, 20, first=200)[1] for letter in "abc"])
    _, others = conversations("c", 30, first=100)
    plain = intents_given(by_words, others).count("i-c")

    after, report = trained(learned, reason="labels", at=NOW + WEEK, unanswered=unanswered)
    robbed, _ = trained(learned, reason="labels", at=NOW + WEEK)

    assert report.replaced
    assert after.answers > 30
    assert plain > 15
    assert intents_given(after, others).count("i-c") >= plain
    assert intents_given(robbed, others).count("i-c") < plain


def test_answers_that_contradict_each_other_are_not_learned_from(by_words):
    mixed = [
        conversations("a", 12, first=20 * number, at=NOW + WEEK, said=f"i-{said}")
        for number, said in enumerate("abc")
    ]
    _, others = conversations("a", 30, first=100)

    after, _ = trained(learned_from(*mixed, before=by_words), reason="labels", at=NOW + WEEK)

    assert after.answers == 0
    assert intents_given(after, others) == intents_given(by_words, others)


def test_what_answers_proved_once_stays_where_later_ones_prove_nothing(first):
    wrong = [
        examples_of(like, 60, first=500 + 60 * number, at=NOW + WEEK, said=f"i-{said}")
        for like in "abc"
        for number, said in enumerate("abc".replace(like, ""))
    ]

    after, report = trained(learned_from(*wrong, before=first), reason="labels", at=NOW + WEEK)

    assert not report.replaced
    assert after.classifier is first.classifier
    assert after.answers == first.answers


def test_where_only_the_surest_labels_are_right_only_these_are_given(by_words):
    clear = [conversations(letter, 30, at=NOW + WEEK) for letter in "abc"]
    odd, vectors = conversations("d", 60, at=NOW + WEEK)
    odd = [replace(one, intent_ids=(f"i-{'abc'[n % 3]}",)) for n, one in enumerate(odd)]

    after, _ = trained(
        learned_from(*clear, (odd, vectors), before=by_words), reason="labels", at=NOW + WEEK
    )

    assert after.classifier is not None
    assert after.classifier.sure_from > 0.3
    given = intents_given(after, conversations("d", 30, first=200)[1])
    assert given.count(None) > 5


def between(letter: str, other: str, count: int, *, first: int = 0):
    """Conversations that are mostly like those of `letter`."""
    examples, vectors = examples_of(other, count, first=first, at=NOW + WEEK)
    mixed = vectors + 2 * examples_of(letter, count, first=first)[1]
    return examples, (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)


def test_an_answer_that_no_intent_fits_is_learned_until_the_file_changes(first):
    none, vectors = between("a", "d", 20)
    none = [replace(one, intent_ids=()) for one in none]
    learned = learned_from((none, vectors), before=replace(first, taxonomy_version=ABC.version))

    after, _ = trained(learned, reason="labels", at=NOW + WEEK)
    _, asked = between("a", "d", 30, first=100)

    assert set(intents_given(after, asked)) == {None}
    assert set(intents_given(first, asked)) != {None}
    more = a_taxonomy(*ABC.intents, Intent(id="i-d", name="d"))
    kept = with_examples(after, [], np.zeros((0, DIMENSIONS), np.float32), more)
    assert all(one.intent_ids for one in kept.examples)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [pytest.param(9, None, id="few-more"), pytest.param(10, "labels", id="some-more")],
)
def test_where_nothing_is_proven_yet_some_more_answers_are_worth_a_try(by_words, answers, reason):
    learned = learned_from(conversations("a", answers, at=NOW + WEEK), before=by_words)

    assert why_train(learned, ABC, unsure=0, read=100) == reason


def test_a_person_s_word_outranks_the_model_s_however_late(first):
    (example, *_), vectors = examples_of("a", 1)
    person = replace(example, intent_ids=("i-c",), source="person", at=NOW + WEEK)
    model = replace(example, intent_ids=("i-b",), at=NOW + 2 * WEEK)

    learned = learned_from(([person], vectors), ([model], vectors), before=first)

    (found,) = [one for one in learned.examples if one.sha == example.sha]
    assert (found.intent_ids, found.source) == (("i-c",), "person")


def test_examples_follow_merges_and_leave_with_retired_intents(first):
    changed = a_taxonomy(
        ABC.intents[0],
        replace(ABC.intents[1], status="merged", into=("i-a",)),
        replace(ABC.intents[2], status="retired"),
    )

    learned = with_examples(first, [], np.zeros((0, DIMENSIONS), np.float32), changed)

    assert {one.intent_ids for one in learned.examples} == {("i-a",)}
    assert len(learned.examples) == 80
    assert learned.vectors is not None
    assert len(learned.vectors) == 80


def test_words_of_an_intent_that_became_another_say_nothing_of_that_one(by_words):
    merged = replace(ABC.intents[1], status="merged", into=("i-a",))

    learned = with_examples(
        by_words,
        [],
        np.zeros((0, DIMENSIONS), np.float32),
        a_taxonomy(ABC.intents[0], merged, ABC.intents[2]),
    )

    assert [one.sha for one in learned.examples] == ["i-a", "i-c"]


def test_what_is_kept_of_an_intent_is_bounded():
    learned = learned_from(examples_of("a", PER_INTENT + 100), examples_of("b", 10))

    told = [one.intent_ids[0] for one in learned.examples]
    assert (told.count("i-a"), told.count("i-b")) == (PER_INTENT, 10)


def test_what_was_learned_is_read_back_the_same(first):
    found = read_learned(write_learned("support", first))

    assert found is not None
    agent, learned = found
    assert agent == "support"
    assert learned.examples == first.examples
    assert learned.trained_at == first.trained_at
    assert learned.classifier is not None
    assert learned.classifier.intent_ids == ("i-a", "i-b", "i-c")
    assert why_train(learned, ABC, unsure=0, read=100) is None


@pytest.mark.parametrize(
    "data",
    [pytest.param(b"", id="empty"), pytest.param(b"PK\x03\x04 and then nothing", id="cut-off")],
)
def test_a_damaged_file_is_as_if_nothing_was_learned(data):
    assert read_learned(data) is None
