"""Families of intents, and intents that have fallen apart: what is seen in both halves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.intents import Document
from bot.intents.structure import find_splits, propose_parents
from bot.records import Intent, Key, Label, Taxonomy
from tests.bot.intents_built import NOW, REASONS, WISHES, a_document

OBJECTS = ("credit card", "hotel room", "phone contract", "train ticket")
VERBS = ("cancel the {}", "pay for the {}", "order another {}", "complain about the {}")


def labelled(texts: Sequence[tuple[str, str]]) -> tuple[list[Document], dict[Key, Label]]:
    """A document for each text, with the intent that stands before it."""
    documents = [a_document(text, number) for number, (_, text) in enumerate(texts)]
    labels = {
        (one.agent, one.conversation_id): Label(
            agent=one.agent,
            conversation_id=one.conversation_id,
            intents=((intent_id, 0.9),),
            source="classifier",
            taxonomy_version="",
        )
        for one, (intent_id, _) in zip(documents, texts, strict=True)
    }
    return documents, labels


def taxonomy_of(*ids: str) -> Taxonomy:
    intents = tuple(Intent(id=one, name=one) for one in ids)
    return Taxonomy(intents=intents, version="v", source="repository")


def wishes_about(objects: Sequence[str]) -> list[tuple[str, str]]:
    return [
        (verb.format(thing), f"I want to {verb.format(thing)} because {why}")
        for thing in objects
        for verb in VERBS
        for why in REASONS
    ]


def test_many_intents_get_parents_that_share_what_they_are_about():
    texts = wishes_about(OBJECTS)
    documents, labels = labelled(texts)
    taxonomy = taxonomy_of(*dict.fromkeys(one for one, _ in texts))

    changed = propose_parents(documents, labels, taxonomy, now=NOW)

    known = {one.id for one in taxonomy.intents}
    parents = [one for one in changed if one.id not in known]
    families = [{one.id for one in changed if one.parent == parent.id} for parent in parents]
    assert sorted(map(sorted, families)) == sorted(
        sorted(verb.format(thing) for verb in VERBS) for thing in OBJECTS
    )
    assert all(parent.name not in known and parent.terms for parent in parents)


def test_a_handful_of_intents_gets_no_parent():
    texts = wishes_about(OBJECTS[:1])
    documents, labels = labelled(texts)
    taxonomy = taxonomy_of(*dict.fromkeys(one for one, _ in texts))

    assert propose_parents(documents, labels, taxonomy, now=NOW) == ()


def test_once_proposed_nothing_more_is():
    texts = wishes_about(OBJECTS)
    documents, labels = labelled(texts)
    taxonomy = taxonomy_of(*dict.fromkeys(one for one, _ in texts))
    changed = {one.id: one for one in propose_parents(documents, labels, taxonomy, now=NOW)}
    merged = {one.id: one for one in taxonomy.intents} | changed

    again = propose_parents(
        documents, labels, replace(taxonomy, intents=tuple(merged.values())), now=NOW
    )

    assert again == ()


def two_wishes(
    *, late: str = ""
) -> tuple[list[Document], dict[Key, Label], dict[Key, datetime | None]]:
    """Parcels and passwords under one intent, beside flights; `late` comes in the second half."""
    texts = [
        ("flight" if wish == "cancel" else "both", WISHES[wish].format(f"{why}, {again}"))
        for again in ("again", "for the first time")
        for wish in WISHES
        for why in REASONS
    ]
    documents, labels = labelled(texts)
    started: dict[Key, datetime | None] = {}
    for number, one in enumerate(documents):
        is_late = number % 2 == 1 or (bool(late) and late in one.text)
        started[one.agent, one.conversation_id] = NOW - timedelta(days=1 if is_late else 14)
    return documents, labels, started


def test_an_intent_of_two_wishes_falls_into_both_with_its_members():
    documents, labels, started = two_wishes()

    splits = find_splits(documents, labels, taxonomy_of("flight", "both"), started=started, now=NOW)

    text_of = {one.conversation_id: one.text for one in documents}
    assert [split.intent.id for split in splits] == ["both"]
    for part in splits[0].parts:
        texts = [
            text_of[one.conversation_id] for one in splits[0].labels if one.intents[0][0] == part.id
        ]
        assert len(texts) == 24
        assert all("parcel" in text for text in texts) or all("password" in text for text in texts)
        assert len(part.exemplars) == 20


@pytest.mark.parametrize(
    ("late", "known"),
    [
        pytest.param("parcel", ("flight", "both"), id="one-part-is-new-this-week"),
        pytest.param("", ("flight",), id="the-intent-is-not-in-the-taxonomy"),
    ],
)
def test_what_was_not_two_all_the_time_stays_one(late, known):
    documents, labels, started = two_wishes(late=late)

    assert find_splits(documents, labels, taxonomy_of(*known), started=started, now=NOW) == ()


IN_JAPANESE = ("予約した便を取り消したい、{}", "フライトのキャンセルをお願いします、{}")
REASONS_IN_JAPANESE = (
    "病気です",
    "予定が変わりました",
    "天気が悪い",
    "急いでいます",
    "間違えました",
    "高すぎる",
)


def test_an_intent_that_is_said_in_two_languages_stays_one():
    in_japanese = [text.format(why) for text in IN_JAPANESE for why in REASONS_IN_JAPANESE] * 2
    in_english = [
        WISHES["cancel"].format(f"{why}, {n}") for n in ("now", "today") for why in REASONS
    ]
    passwords = [WISHES["password"].format(f"{why}, {n}") for n in (1, 2) for why in REASONS]
    texts = [("flight", text) for text in (*in_english, *in_japanese)]
    documents, labels = labelled([*texts, *(("password", text) for text in passwords)])
    started: dict[Key, datetime | None] = {
        (one.agent, one.conversation_id): NOW - timedelta(days=1 + 13 * (number % 2))
        for number, one in enumerate(documents)
    }

    taxonomy = taxonomy_of("flight", "password")
    assert find_splits(documents, labels, taxonomy, started=started, now=NOW) == ()


def test_a_window_without_times_has_no_halves():
    documents, labels, started = two_wishes()

    nobody_knows = dict.fromkeys(started, None)

    assert (
        find_splits(documents, labels, taxonomy_of("flight", "both"), started=nobody_knows, now=NOW)
        == ()
    )
