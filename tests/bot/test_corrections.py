"""Types of edits, told from the two texts alone."""

from __future__ import annotations

import gzip
import json
import time

import pytest

from bot.edit_types import edit_types
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
