"""Single cases that a person should see, and patterns that are gone."""

# ruff: noqa: RUF001 - typographic apostrophes, and intervals with an en dash

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.commands.standing import STANDING, keep_standing, stood_before
from bot.patterns import find_patterns, gone_since
from bot.patterns.severe import MOST, SevereCases
from bot.records import Finding, PatternReport
from bot.report.content import gone_sentence
from bot.signals import find_signals
from collector.records import Conversation
from collector.store import open_store
from tests.bot.builders import NOW, a_conversation, a_fact, a_pattern, assistant, facts, user


def severe(*conversations: Conversation) -> tuple[Finding, ...]:
    cases = SevereCases()
    for one in conversations:
        cases.take(one, find_signals(one))
    return cases.findings()


@pytest.mark.parametrize(
    "text",
    [
        "I want to kill myself",
        "My chest hurts, I think I’m having a heart attack",
        "Ich will mich umbringen.",
        "もう死にたい",
        "quiero suicidarme",
        "I'm not kidding, I want to kill myself",
        "I do not know what to do anymore I want to end my life",
        "No joke. I can't breathe",
        "my carbon monoxide alarm keeps going off",
    ],
)
def test_a_user_in_danger_is_told_of(text: str) -> None:
    (finding,) = severe(a_conversation(user(text), assistant("Where is your order?")))

    assert (finding.kind, finding.evidence) == ("safety", ("c-1",))
    assert text not in finding.sentence


@pytest.mark.parametrize(
    "text",
    [
        "How do I kill a process?",
        "this song is killing me, please refund",
        "Is there harm in waiting?",
        "My old phone is dying",
        "I'm not having a heart attack, trust me.",
        "No, I have never had any thoughts of suicide",
        "I don't smell gas or anything",
        "I do not want to kill myself, I want to cancel",
        "Can I return a carbon monoxide detector?",
    ],
)
def test_a_figure_of_speech_is_no_danger(text: str) -> None:
    assert severe(a_conversation(user(text), assistant("Yes."))) == ()


def test_money_that_is_promised_and_not_booked_is_told_of() -> None:
    promised = a_conversation(
        user("The lamp is broken."), assistant("I will now refund you €40 to your card.")
    )

    (finding,) = severe(promised)

    assert finding.kind == "promise_of_money"


def test_the_mail_address_of_another_user_in_an_answer_is_told_of() -> None:
    own = "[email:3f2a9c]"
    asks = a_conversation(
        user(f"I am {own}"), assistant("Thanks."), conversation_id="c-1", user_id="u-1"
    )
    leaks = a_conversation(
        user("Who am I?"), assistant(f"You are {own}."), conversation_id="c-2", user_id="u-2"
    )
    echoes = a_conversation(
        user("And I?"), assistant(f"You are {own}."), conversation_id="c-3", user_id="u-1"
    )

    (finding,) = severe(leaks, asks, echoes)

    assert (finding.kind, finding.evidence) == ("data_of_another", ("c-2",))
    assert finding.sentence.startswith("An answer holds the email that another user gave")


def test_the_address_of_the_company_is_nobodys() -> None:
    everybody = [
        a_conversation(
            user("Is help [email:aaaaaa] yours?" if n < 2 else "Help?"),
            assistant("Write to [email:aaaaaa]."),
            conversation_id=f"c-{n}",
            user_id=f"u-{n}",
        )
        for n in range(6)
    ]

    assert severe(*everybody) == ()


def test_without_ids_of_users_nobody_is_said_to_be_another() -> None:
    told = a_conversation(user("I am [email:3f2a9c]"), conversation_id="c-1", user_id="u-1")
    comes_again = a_conversation(
        user("It is me again"), assistant("You are [email:3f2a9c]."), conversation_id="c-2"
    )

    assert severe(told, comes_again) == ()


def test_many_of_a_kind_are_capped_newest_first() -> None:
    found = severe(
        *(
            a_conversation(user("I want to kill myself"), conversation_id=f"c-{n}")
            for n in range(MOST + 5)
        )
    )

    assert [one.evidence[0] for one in found] == [f"c-{n}" for n in range(MOST + 4, 4, -1)]


# -- gone ------------------------------------------------------------------------------------------


def a_report(failed: int, **changes: Any) -> PatternReport:
    rows = [a_fact(n, failed=n < failed, intents=["i-cancel"]) for n in range(100)]
    rows += [a_fact(200 + n, failed=n < 20) for n in range(200)]
    return find_patterns(facts(rows), (), (), taxonomy=None, now=NOW)


def test_a_pattern_that_stood_last_week_and_does_not_now_is_gone_with_its_rate_of_now() -> None:
    (before,) = a_report(45).patterns

    report = gone_since(a_report(10), [(before, NOW - timedelta(days=7))], now=NOW)

    (gone,) = report.gone
    assert gone.pattern.id == before.id
    assert gone.now is not None
    assert gone.now.rate == 0.1
    assert gone_sentence(gone).endswith(
        "until 2026-11-14; now 10 % (6–17) of 100 users, it stands no more."
    )


def test_what_still_stands_is_not_gone_nor_what_went_long_ago_nor_other_agents() -> None:
    (pattern,) = a_report(45).patterns
    other = replace(pattern, id="pt-other", agent="another")
    old = replace(pattern, id="pt-old")
    before = [(pattern, NOW), (other, NOW), (old, NOW - timedelta(days=29))]

    assert gone_since(a_report(45), before, now=NOW).gone == ()


def test_what_cannot_be_compared_any_more_is_said_so() -> None:
    lost = a_pattern(id="pt-lost")

    (gone,) = gone_since(a_report(10), [(lost, NOW)], now=NOW).gone

    assert gone.now is None
    assert gone_sentence(gone).endswith("too little came since to say how it is.")


def test_what_stands_is_kept_and_read_again(tmp_path: Any) -> None:
    store = open_store(str(tmp_path / "store"), create=True)
    report = a_report(45)

    keep_standing(store, report, [(a_pattern(id="pt-old"), NOW - timedelta(days=7))], now=NOW)

    kept = {pattern.id: (pattern, at) for pattern, at in stood_before(store)}
    assert kept["pt-old"][1] == NOW - timedelta(days=7)
    pattern, at = kept[report.patterns[0].id]
    assert (at, pattern.evidence, pattern.rate) == (NOW, (), 0.45)


@pytest.mark.parametrize("text", ["{", "[1]", '[{"id": 1}]'])
def test_a_broken_file_of_what_stood_is_nothing_known(tmp_path: Any, text: str) -> None:
    store = open_store(str(tmp_path / "store"), create=True)
    (store.root / STANDING).parent.mkdir(exist_ok=True)
    (store.root / STANDING).write_text(text)

    assert stood_before(store) == []
