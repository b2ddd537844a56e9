"""A wish that came within the window, and that a known intent swallows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.intents import Document
from bot.intents.embedding import embed_texts
from bot.intents.emerging import find_emerging
from bot.records import Intent, Key, Label, ModelCost, Taxonomy
from tests.bot.intents_built import NOW, REASONS, WISHES, a_document, a_reply, replies

KNOWN = Taxonomy(
    intents=(Intent(id="flight", name="flight"), Intent(id="password", name="password")),
    version="v",
    source="repository",
)


def a_window(
    *, parcels_since: int = 5, sure: float = 0.6, parcel_users: int = 24
) -> tuple[list[Document], dict[Key, Label], dict[Key, datetime | None]]:
    """28 days of flights and passwords, and parcels of the last days, given the passwords' intent.

    Labels of flights and passwords are .8 to .9 sure, those of parcels `sure`.
    """
    documents, labels, started = [], {}, {}
    for wish in ("cancel", "password", "parcel"):
        for number in range(24):
            text = WISHES[wish].format(f"{REASONS[number % 12]}{', again' * (number // 12)}")
            unit = f"{wish}-{number % (parcel_users if wish == 'parcel' else 24)}"
            one = a_document(text, len(documents), unit=unit)
            key = one.agent, one.conversation_id
            days = 1 + number % (parcels_since if wish == "parcel" else 28)
            probability = sure if wish == "parcel" else 0.8 + number / 240
            documents.append(one)
            started[key] = NOW - timedelta(days=days)
            labels[key] = Label(
                agent=one.agent,
                conversation_id=one.conversation_id,
                intents=(("flight" if wish == "cancel" else "password", probability),),
                source="classifier",
                taxonomy_version="v",
            )
    return documents, labels, started


def emerging(window, ask=None):
    documents, labels, started = window
    return find_emerging(
        documents, labels, KNOWN, started=started, ask=ask, now=NOW, embed=embed_texts
    )


def test_a_wish_that_came_lately_is_new_though_a_known_intent_was_given_to_all_of_it():
    documents, labels, started = a_window()

    intents, members, cost = emerging((documents, labels, started))

    assert len(intents) == 1
    assert members == {
        (one.agent, one.conversation_id) for one in documents if "parcel" in one.text
    }
    assert len(members) == 24
    assert len(intents[0].exemplars) == 20
    assert intents[0].id not in {"flight", "password"}
    assert cost == ModelCost()


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(a_window(parcels_since=28), id="it-was-there-all-the-time"),
        pytest.param(a_window(sure=0.85), id="the-labels-are-as-sure-of-it-as-of-others"),
        pytest.param(a_window(parcel_users=4), id="it-is-four-users"),
    ],
)
def test_what_is_not_both_late_and_strange_and_said_by_many_is_no_intent(window):
    assert emerging(window) == ([], frozenset(), ModelCost())


def test_what_nobody_knows_the_time_of_is_left_out():
    documents, labels, started = a_window()

    nothing = ([], frozenset(), ModelCost())
    assert emerging((documents, labels, dict.fromkeys(started))) == nothing


def test_with_a_model_the_intent_has_its_words():
    ask = replies(lambda _: a_reply(name="ask where a parcel is"))

    intents, _, cost = emerging(a_window(), ask)

    assert [one.name for one in intents] == ["ask where a parcel is"]
    assert cost.calls >= 1


def test_two_runs_find_the_same():
    assert emerging(a_window()) == emerging(a_window())
