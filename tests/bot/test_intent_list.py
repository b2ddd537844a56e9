"""The list of intents as people read it: agent by agent, families together."""

from __future__ import annotations

from bot.commands.intent_list import IntentList, Seen, intent_lines
from bot.records import Intent


def a_list(*intents: tuple[Intent, dict[str, int]], **changes) -> IntentList:
    """Each intent with its conversations by agent, one user each."""
    given = {
        "intents": tuple(intent for intent, _ in intents),
        "seen": {intent.id: Seen(conversations=seen, users=seen) for intent, seen in intents},
        "conversations": {"support": 40},
        "unlabelled": {"support": 0},
        "examples": {},
    }
    return IntentList(**{**given, **changes})


TRIP = Intent(id="i-trip", name="change a trip", definition="All about a\nbooked trip.")
CANCEL = Intent(id="i-cancel", name="cancel a flight", parent="i-trip")
BILL = Intent(id="i-bill", name="ask about a bill")


def test_each_agent_has_its_own_counts_of_an_intent_that_both_have():
    listed = a_list(
        (BILL, {"support": 1_200, "sales": 7}),
        conversations={"support": 1_300, "sales": 20},
        unlabelled={"support": 100, "sales": 13},
    )

    lines = [*intent_lines(listed)]

    assert [line.split() for line in lines if "i-bill" in line] == [
        ["1,200", "1,200", "i-bill", "ask", "about", "a", "bill"],
        ["7", "7", "i-bill", "ask", "about", "a", "bill"],
    ]
    assert [line for line in lines if line.endswith("conversations")] == [
        "support: 1,300 conversations",
        "sales: 20 conversations",
    ]
    assert [line.split()[0] for line in lines if "without an intent: " in line] == ["100", "13"]


def test_what_is_under_an_intent_stands_below_it_and_its_definition_takes_one_line():
    lines = [
        *intent_lines(
            a_list((CANCEL, {"support": 9}), (BILL, {"support": 12}), (TRIP, {"support": 15}))
        )
    ]

    shown = [line[22:].rstrip() for line in lines[2:-1]]
    assert shown == [
        "  i-trip  change a trip",
        "  All about a booked trip.",
        "    i-cancel  cancel a flight",
        "  i-bill  ask about a bill",
    ]


def test_what_no_user_wants_now_is_listed_last_with_its_state():
    old = Intent(id="i-old", name="send a fax", status="retired")

    lines = [*intent_lines(a_list((old, {}), (BILL, {"support": 12})))]

    assert lines[-2:] == ["In no conversation:", "  i-old  send a fax (retired)"]


def test_agents_without_any_intent_are_named():
    listed = a_list((BILL, {"support": 12}), conversations={"support": 40, "fax": 3})

    lines = [*intent_lines(listed)]

    assert lines[-1] == "No conversation of these agents has an intent: fax (3)."


def test_without_intents_it_says_why():
    assert [*intent_lines(a_list())] == ["No intents: too few conversations say something similar."]


def test_what_users_wrote_stands_below_the_definition():
    listed = a_list((BILL, {"support": 12}), examples={"i-bill": ["why is it so high"]})

    assert any(line.strip() == "“why is it so high”" for line in intent_lines(listed))
