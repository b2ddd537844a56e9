"""Members of a group that do not say what the group says."""

from __future__ import annotations

import numpy as np

from bot.intents.fitting import fit
from tests.bot.intents_built import a_document

REASONS = ("I am ill", "plans changed", "it rains", "my boss said so", "a wedding", "a mistake")


def some(text: str, count: int, first: int = 0, **changes):
    return [
        a_document(f"{text} because {REASONS[n % 6]}\nThat is all", first + n, **changes)
        for n in range(count)
    ]


def fitted(*groups) -> list[int]:
    """Group of each document, in order."""
    documents = [document for _, own in groups for document in own]
    numbers = np.array([number for number, own in groups for _ in own])
    return [int(one) for one in fit(documents, numbers)]


CANCEL = some("I want to cancel my reservation", 12)
BOOK = some("I want to book a flight to Oslo", 12, 100)


def test_who_says_something_else_than_the_group_belongs_to_none():
    odd = some("How many suitcases may I take along", 2, 200)

    assert fitted((0, CANCEL), (0, odd), (1, BOOK)) == [0] * 12 + [-1] * 2 + [1] * 12


def test_a_single_message_stays_since_it_is_too_short_to_tell():
    odd = [a_document("How many suitcases may I take along", 200)]

    assert fitted((0, CANCEL), (0, odd), (1, BOOK))[12] == 0


def test_a_tool_that_nobody_speaks_of_speaks_for_nobody():
    group = some("I want to cancel my reservation", 12, tools=("transfer_to_human",))
    odd = some("How many suitcases may I take along", 2, 200, tools=("transfer_to_human",))

    assert fitted((0, group), (0, odd), (1, BOOK))[12:14] == [-1] * 2


def test_who_says_what_another_group_says_belongs_there():
    strayed = some("I want to cancel a reservation", 2, 200)

    assert fitted((0, CANCEL), (1, strayed), (1, BOOK)) == [0] * 12 + [0] * 2 + [1] * 12


def test_who_was_in_no_group_joins_the_one_whose_words_it_says():
    assert fitted((0, CANCEL), (1, BOOK), (-1, some("cancel my reservation", 1, 200)))[-1] == 0


def test_another_form_of_a_word_is_that_word():
    forms = some("My reservation has to be cancelled", 3, 200)

    assert fitted((0, CANCEL), (0, forms), (1, BOOK))[12:15] == [0] * 3


def test_an_agent_that_fails_to_call_the_tool_met_the_same_wish():
    served = some("I want to cancel my reservation", 12, tools=("cancel_reservation",))
    failed = some("I want to cancel my reservation", 3, 200, tools=("think",))

    assert fitted((0, served), (0, failed), (1, BOOK))[:15] == [0] * 15


def test_what_is_said_late_in_a_conversation_tells_no_member_from_another():
    late = [
        a_document(
            f"{one.text}\nYes\nThat one\nAnd how many suitcases do I get\nSpeak to a manager",
            200 + n,
        )
        for n, one in enumerate(CANCEL[:3])
    ]

    assert fitted((0, CANCEL), (0, late), (1, BOOK))[:15] == [0] * 15


def test_a_group_without_common_words_keeps_its_members():
    wordings = ("kestrel", "basalt", "quiver", "trellis", "mortar", "sonnet")
    mixed = [a_document(word, 300 + n) for n, word in enumerate(wordings)]

    assert fitted((0, mixed), (1, BOOK))[:6] == [0] * 6


def test_no_groups_and_no_documents_are_no_error():
    assert fitted((-1, CANCEL)) == [-1] * 12
    assert fit([], np.zeros(0, dtype=np.int64)).tolist() == []
