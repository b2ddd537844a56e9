"""Corrections, decisions and responses from events, in whatever order and spelling they come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.feedback import corrections_alone, corrections_of, decisions_of, with_shared_types
from bot.records import Correction
from collector.records import Event, Json
from tests.bot.builders import NOW, a_conversation, an_event, assistant, user

ORIGINAL = "I hope you are well.\n\nWe sell lamps."
CORRECTED = "We sell lamps."


def a_correction_event(**attributes: Json) -> Event:
    values: dict[str, Json] = {"original": ORIGINAL, "corrected": CORRECTED, **attributes}
    return an_event("debrief.correction", attributes=values)


def test_an_untyped_correction_gets_its_type_from_the_edit() -> None:
    event = a_correction_event(**{"reviewer.id": "r-1", "segment.contact_level": "c_level"})

    (found,) = corrections_of(a_conversation(events=(event,), segments={"channel": "mail"}))

    assert found.types[0] == "opening_removed"
    assert (found.type_source, found.reviewer_id) == ("edit", "r-1")
    assert found.segments == {"channel": "mail", "contact_level": "c_level"}
    assert (found.original, found.corrected) == (ORIGINAL, CORRECTED)


@pytest.mark.parametrize("declared", ["Tone too-formal", " tone_too_formal ", "tone too formal"])
def test_a_declared_type_is_kept_in_one_spelling(declared: str) -> None:
    (found,) = corrections_of(a_conversation(events=(a_correction_event(type=declared),)))

    assert (found.types, found.type_source) == (("tone_too_formal",), "declared")


def test_a_correction_counts_where_its_conversation_never_came() -> None:
    known = corrections_of(a_conversation(events=(a_correction_event(),)))
    event = replace(a_correction_event(), id="e-alone", agent="outreach", conversation_id="c-9")

    (found,) = corrections_alone(
        (*a_conversation(events=(a_correction_event(),)).events, event), known
    )

    assert (found.agent, found.conversation_id) == ("outreach", "c-9")
    assert found.types[0] == "opening_removed"


def test_humps_are_words_too() -> None:
    (found,) = corrections_of(a_conversation(events=(a_correction_event(type="openingRemoved"),)))

    assert found.types == ("opening_removed",)


def corrections_declared(*types: str) -> tuple[Correction, ...]:
    """One correction each of as many conversations."""
    conversations = (
        a_conversation(conversation_id=f"c-{number}", events=(a_correction_event(type=type),))
        for number, type in enumerate(types)
    )
    return tuple(one for conversation in conversations for one in corrections_of(conversation))


def test_names_that_hardly_anybody_shares_give_way_to_what_the_edit_was() -> None:
    found = with_shared_types(corrections_declared("drop opening", "no intro", "Too chatty"))

    assert [one.types[0] for one in found] == ["opening_removed"] * 3
    assert {one.type_source for one in found} == {"edit"}


def test_a_name_that_three_conversations_share_is_kept() -> None:
    declared = corrections_declared("too chatty", "tooChatty", "TOO-CHATTY")

    assert with_shared_types(declared) == declared
    assert {one.types for one in declared} == {("too_chatty",)}


@pytest.mark.parametrize("declared", ["edited", "Other", "rejected", "", "  "])
def test_a_type_that_says_nothing_counts_as_none(declared: str) -> None:
    (found,) = corrections_of(a_conversation(events=(a_correction_event(type=declared),)))

    assert found.type_source == "edit"
    assert found.types[0] == "opening_removed"


def test_the_long_spelling_of_keys_is_read_too() -> None:
    event = an_event(
        "debrief.correction",
        attributes={
            "correction.original": ORIGINAL,
            "correction.corrected": CORRECTED,
            "correction.reviewer.id": 7,
        },
    )

    (found,) = corrections_of(a_conversation(events=(event,)))

    assert (found.types[0], found.reviewer_id) == ("opening_removed", "7")


def test_a_repeat_counts_once_and_half_an_event_not_at_all() -> None:
    event = a_correction_event()
    half = an_event("debrief.correction", attributes={"original": ORIGINAL})

    assert len(corrections_of(a_conversation(events=(event, half, event)))) == 1


# -- decisions ------------------------------------------------------------------------------------


def a_decision_event(decision_id: str = "d-1", **changes: object) -> Event:
    attributes: dict[str, Json] = {
        "id": decision_id,
        "action": "flag",
        "confidence": 0.55,
        "threshold.name": "fraud.flag",
        "threshold.value": 0.5,
        "input.hash": "abc",
        "feature.amount": 40,
        "rules": ["big", "new"],
        "segment.country": "PT",
    }
    return an_event("debrief.decision", conversation_id=None, attributes=attributes, **changes)


def a_response_event(action: str, *, hours: float = 1, **changes: object) -> Event:
    attributes = {"decision.id": "d-1", "action": action, "responder.id": f"r-{hours}"}
    at = NOW - timedelta(days=3) + timedelta(hours=hours)
    return an_event(
        "debrief.response", conversation_id=None, at=at, attributes=attributes, **changes
    )


def test_a_decision_has_all_that_was_sent() -> None:
    (found,) = decisions_of([a_decision_event(user_id="u-1")])

    assert (found.id, found.agent, found.user_id, found.action) == (
        "d-1",
        "support",
        "u-1",
        "flag",
    )
    assert (found.confidence, found.threshold_name, found.threshold_value) == (
        0.55,
        "fraud.flag",
        0.5,
    )
    assert (found.input_hash, found.features, found.rules) == (
        "abc",
        {"amount": 40},
        ("big", "new"),
    )
    assert found.segments == {"country": "PT"}
    assert found.fired
    assert found.response is None


@pytest.mark.parametrize(
    ("said", "response"),
    [
        ("up", "approve"),
        ("down", "dismiss"),
        ("Approve", "approve"),
        ("dismissed", "dismiss"),
        ("modify", "modify"),
        ("escalate", "escalate"),
        ("maybe", None),
    ],
)
def test_thumbs_are_responses(said: str, response: str | None) -> None:
    (found,) = decisions_of([a_decision_event(), a_response_event(said)])

    assert found.response == response


def test_responses_join_late_early_and_repeated_and_the_last_wins() -> None:
    dismissed, approved = a_response_event("dismiss", hours=2), a_response_event("approve", hours=9)

    (found,) = decisions_of([approved, dismissed, a_decision_event(), dismissed])

    assert found.response == "approve"


def test_a_response_without_its_decision_is_nothing() -> None:
    assert decisions_of([a_response_event("up")]) == ()


def test_two_agents_with_one_decision_id_keep_their_own_responses() -> None:
    events = [
        a_decision_event(agent="a"),
        a_decision_event(agent="b"),
        a_response_event("dismiss", agent="b"),
    ]

    found = decisions_of(events)

    assert {one.agent: one.response for one in found} == {"a": None, "b": "dismiss"}


@pytest.mark.parametrize("sent", ["much", None, True, "nan", "inf", [1]])
def test_a_confidence_that_is_no_number_never_fires(sent: Json) -> None:
    event = an_event(
        "debrief.decision",
        attributes={"id": "d-1", "confidence": sent, "threshold.value": "0.5"},
    )

    (found,) = decisions_of([event])

    assert (found.confidence, found.threshold_value, found.fired) == (None, 0.5, False)


# -- what users suggest ---------------------------------------------------------------------------


def a_suggestion(text: str, **attributes: Json) -> Event:
    return an_event(
        "gen_ai.evaluation.result",
        user_id="u-1",
        attributes={"feedback.suggestion": text, **attributes},
    )


def test_an_answer_that_a_user_suggests_is_a_correction_by_that_user() -> None:
    event = a_suggestion("It arrives on Tuesday.", **{"feedback.category": "Wrong information"})

    (found,) = corrections_of(a_conversation(events=(event,)))

    assert (found.by, found.reviewer_id, found.types) == ("user", "u-1", ("wrong_information",))
    assert found.original == "Order L-12345 arrives on Monday."
    assert found.corrected == "It arrives on Tuesday."


@pytest.mark.parametrize(
    ("text", "types"),
    [("It arrives on 5 May.", ("facts_changed",)), ("Just say Monday.", ())],
)
def test_a_suggestion_is_no_edit_so_its_length_says_nothing(
    text: str, types: tuple[str, ...]
) -> None:
    (found,) = corrections_of(a_conversation(events=(a_suggestion(text),)))

    assert found.types == types


def test_a_suggestion_is_about_the_answer_before_it() -> None:
    early = a_conversation(
        user("Where is it?", at=NOW),
        assistant("It is in Graz.", at=NOW),
        user("And now?", at=NOW + timedelta(hours=2)),
        assistant("In Linz.", at=NOW + timedelta(hours=2)),
        events=(replace(a_suggestion("In Wels."), at=NOW + timedelta(hours=1)),),
    )
    nothing_to_rate = a_conversation(user("Hello?"), events=(a_suggestion("Hi."),))

    assert [one.original for one in corrections_of(early)] == ["It is in Graz."]
    assert corrections_of(nothing_to_rate) == ()
