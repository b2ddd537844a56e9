"""Types of edits, told from the two texts alone."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.correction_natures import opposite, with_natures
from bot.edit_types import edit_types
from bot.patterns.correction_patterns import correction_patterns
from bot.records import Correction
from tests.bot.builders import a_correction
from tests.samples import samples_path

BODY = "We supply hotels with reading lamps. Your house in Porto opens in spring."


@pytest.mark.parametrize(
    "opening",
    [
        "I hope this message finds you well and that your week is going smoothly.",
        "What a wonderful autumn it has been so far for the hotel business!",
        "How are you doing today?",
        "Wir hoffen, dass es Ihnen gut geht.",
        "お世話になっております。",
        "Congratulations on the new lobby. It looks great.",
    ],
)
@pytest.mark.parametrize("gap", [" ", "\n\n"])
def test_dropping_the_opening_is_opening_removed_whatever_it_said(opening: str, gap: str) -> None:
    assert edit_types(f"{opening}{gap}{BODY}", BODY)[0] == "opening_removed"


def test_the_opening_is_what_comes_after_the_greeting() -> None:
    before = f"Dear Ann,\n\nI hope you are well.\n\n{BODY}\n\nBest regards,\nLumen"
    after = f"Dear Ann,\n\n{BODY}\n\nBest regards,\nLumen"

    assert edit_types(before, after)[0] == "opening_removed"


@pytest.mark.parametrize(
    ("before", "after", "first"),
    [
        pytest.param(
            "I hope you are well and I wanted to ask if we can meet on Monday.",
            "I wanted to ask if we can meet on Monday.",
            "opening_removed",
            id="the-opening-clause-went",
        ),
        pytest.param(BODY, f"I saw your new lobby. {BODY}", "opening_added", id="added"),
        pytest.param(
            f"I hope that this message finds you and all of your team well. {BODY}",
            f"Hope you are well. {BODY}",
            "opening_shortened",
            id="shortened",
        ),
        pytest.param(
            f"Nothing beats a warm October evening. {BODY}",
            f"Congratulations on the fine new lobby. {BODY}",
            "opening_replaced",
            id="replaced",
        ),
        pytest.param(
            f"{BODY} Please let me know what you think about it.",
            BODY,
            "closing_removed",
            id="closing-removed",
        ),
        pytest.param(
            BODY, f"{BODY} I look forward to the talk.", "closing_added", id="closing-added"
        ),
        pytest.param(f"Hi Ann,\n{BODY}", BODY, "greeting_removed", id="greeting"),
        pytest.param(
            "We offer:\n- lamps for rooms\n- lamps for halls\n- lamps for baths",
            "We offer: lamps for rooms, lamps for halls, lamps for baths",
            "list_removed",
            id="list-removed",
        ),
        pytest.param(
            f"{BODY} Which room is it for? We ship on Monday.",
            f"{BODY} We ship on Monday.",
            "question_removed",
            id="question-inside",
        ),
        pytest.param("The total is 40 EUR.", "The total is 45 EUR.", "facts_changed", id="number"),
        pytest.param(
            "You can talk to Mr Smith about the new lamps.",
            "You can talk to Mr Jones about the new lamps.",
            "facts_changed",
            id="name",
        ),
        pytest.param(
            "Please open the basket and press order now.",
            "Please open the shopping cart and press order now.",
            "term_replaced",
            id="term",
        ),
        pytest.param(
            "The lamp is bright. It is cheap, too.",
            "It is cheap, too. The lamp is bright.",
            "reordered",
            id="reordered",
        ),
        pytest.param(
            "Kindly note that we will ship the lamp to the hotel on Monday.",
            "We'll ship the lamp to the hotel on Monday.",
            "opening_shortened",
            id="clause-before-tone",
        ),
        pytest.param(
            "We are unable to ship the lamp on Monday, we regret.",
            "We're unable to ship the lamp on Monday, sorry.",
            "tone_less_formal",
            id="tone",
        ),
        pytest.param(
            "one two three four five six seven eight", "nine ten", "shortened", id="rewritten"
        ),
        pytest.param(
            "We ship the lamp to your hotel next week.",
            "We ship the lamp to your hotel on 24 May next week.",
            "facts_added",
            id="a-date-came",
        ),
        pytest.param("The lamp is here 🎉", "The lamp is here", "emoji_removed", id="emoji"),
        pytest.param(
            "The **lamp** is here now.", "The lamp is here now.", "emphasis_removed", id="bold"
        ),
        pytest.param(
            "The lamp is in our shop in the town.",
            "The lamp is in our shop in the town: https://lumen.example",
            "link_added",
            id="link",
        ),
        pytest.param(
            "We looked at it and the lamp might be too bright for the room.",
            "We looked at it and the lamp will be too bright for the room.",
            "hedging_removed",
            id="hedges",
        ),
    ],
)
def test_the_most_telling_type_comes_first(before: str, after: str, first: str) -> None:
    assert edit_types(before, after)[0] == first


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("It  works.\n", "It works", id="white-space"),
        pytest.param("We recieve it.", "We receive it.", id="spelling"),
        pytest.param("it works", "It works!", id="case-and-punctuation"),
        pytest.param(BODY, BODY, id="nothing"),
        pytest.param("", "", id="empty"),
    ],
)
def test_noise_has_no_type(before: str, after: str) -> None:
    assert edit_types(before, after) == ()


@pytest.mark.parametrize("pair", [("", BODY), (BODY, ""), ("!!!", "???"), ("a" * 10**5, "b")])
def test_odd_texts_never_fail(pair: tuple[str, str]) -> None:
    assert "edited" not in edit_types(*pair)


def test_a_flood_of_sentences_stays_quick() -> None:
    started = time.perf_counter()
    edit_types("One more sentence here. " * 5000, "Another sentence there. " * 5000)

    assert time.perf_counter() - started < 3


def test_nearly_every_real_edit_of_a_writer_has_a_type() -> None:
    with gzip.open(samples_path("corrections/lamp_edits.jsonl.gz"), "rt") as lines:
        edits = [json.loads(line) for line in lines]

    typed = [edit_types(edit["before"], edit["after"]) for edit in edits]

    assert sum(bool(types) for types in typed) >= 0.95 * len(edits)
    assert not any("edited" in types for types in typed)


# -- error, preference or noise -------------------------------------------------------------------


def edits(type: str, count: int, *, start: int = 0, **changes: Any) -> list[Correction]:
    return [a_correction(start + n, types=(type,), **changes) for n in range(count)]


def natures(corrections: Sequence[Correction]) -> list[str]:
    return [one.nature for one in with_natures(corrections)]


@pytest.mark.parametrize(
    ("types", "source", "nature"),
    [
        (("facts_changed", "term_replaced"), "edit", "error"),
        (("wrong_price",), "declared", "error"),
        (("tone_too_formal",), "declared", "preference"),
        (("opening_removed", "facts_changed"), "edit", "preference"),
        ((), "edit", "noise"),
    ],
)
def test_a_wrong_fact_is_an_error_and_a_manner_a_preference(
    types: tuple[str, ...], source: str, nature: str
) -> None:
    assert natures([a_correction(types=types, type_source=source)]) == [nature]


def test_an_edit_that_was_taken_back_is_noise_and_so_is_what_took_it_back() -> None:
    first = a_correction(1, conversation_id="c-1", original="A b c.", corrected="A b.")
    back = replace(first, id="k-2", original="A b.", corrected="A b  c.")
    third = replace(first, id="k-3")
    elsewhere = replace(back, id="k-4", conversation_id="c-2")

    assert natures([first, back]) == ["noise", "noise"]
    assert natures([first, back, third]) == ["noise", "noise", "preference"]
    assert natures([first, elsewhere]) == ["preference", "preference"]


@pytest.mark.parametrize(
    ("one_way", "other_way", "expected"),
    [
        pytest.param(5, 4, {"noise"}, id="nobody-agrees"),
        pytest.param(9, 3, {"preference", "noise"}, id="most-agree"),
        pytest.param(3, 2, {"preference"}, id="two-are-no-disagreement"),
    ],
)
def test_what_people_do_in_both_directions_is_noise(
    one_way: int, other_way: int, expected: set[str]
) -> None:
    corrections = [
        *edits("opening_removed", one_way),
        *edits("opening_added", other_way, start=one_way),
    ]

    assert {*natures(corrections)[:one_way]} <= expected
    assert {*natures(corrections)} == expected


def test_one_way_here_and_the_other_way_there_is_no_disagreement() -> None:
    corrections = [
        *edits("shortened", 5, segments={"contact_level": "c_level"}),
        *edits("lengthened", 5, start=5, segments={"contact_level": "engineer"}),
    ]

    assert {*natures(corrections)} == {"preference"}


def test_noise_makes_no_pattern_and_is_told() -> None:
    corrections = with_natures([*edits("shortened", 5), *edits("lengthened", 4, start=5)])

    patterns, declined = correction_patterns("outreach", corrections, None)

    assert patterns == []
    assert [one.what for one in declined] == [
        "4 corrections lengthened of outreach",
        "5 corrections shortened of outreach",
    ]
    assert "both directions" in declined[0].reason


def test_wrong_facts_are_no_matter_of_the_prompt() -> None:
    corrections = with_natures(edits("facts_changed", 3))

    (pattern,), _ = correction_patterns("outreach", corrections, None)

    assert pattern.root_cause == "knowledge"


@pytest.mark.parametrize(
    ("conversations", "users", "found"),
    [
        pytest.param(5, 3, True, id="enough"),
        pytest.param(4, 4, False, id="few-conversations"),
        pytest.param(9, 2, False, id="few-users"),
    ],
)
def test_what_users_suggest_needs_more_than_what_reviewers_edit(
    conversations: int, users: int, found: bool
) -> None:
    corrections = [
        a_correction(n, types=("wrong_price",), by="user", reviewer_id=f"u-{n % users}")
        for n in range(conversations)
    ]

    patterns, declined = correction_patterns("outreach", corrections, None)

    assert bool(patterns) is found
    assert found or f"suggestions of {users} users" in declined[0].reason


@pytest.mark.parametrize(
    ("type", "expected"),
    [
        ("opening_removed", "opening_added"),
        ("shortened", "lengthened"),
        ("tone_more_formal", "tone_less_formal"),
        ("facts_changed", None),
    ],
)
def test_opposites(type: str, expected: str | None) -> None:
    assert opposite(type) == expected
