"""Segments that nobody declared, drift in time, wordings, exemplars."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from bot.intents import Document
from bot.observed import Observed, with_exemplars
from bot.patterns import find_patterns
from bot.patterns.segments import last_question, last_tool, with_first_sessions
from bot.patterns.wordings import name_wordings, typical_and_different
from bot.records import PatternReport
from tests.bot.builders import (
    NOW,
    a_conversation,
    a_fact,
    a_pattern,
    assistant,
    calls,
    facts,
    returns,
    user,
)


def found_in(rows: Any) -> PatternReport:
    return find_patterns(facts(rows), (), (), taxonomy=None, now=NOW)


def on_day(number: int, day: float, **changes: Any) -> dict[str, Any]:
    at = NOW - timedelta(days=28) + timedelta(days=day)
    return a_fact(number, started_at=at, ended_at=at, **changes)


# -- drift ----------------------------------------------------------------------------------------


def a_rollout(jump: float, *, seed: int = 3, users: int = 1400) -> list[dict[str, Any]]:
    """v2 follows v1 after two weeks; failures rise from 10 to 30 % over the four weeks anyway."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(users):
        day = 28 * number / users
        version = "2" if day >= 14 else "1"
        rate = 0.1 + 0.2 * day / 28 + jump * (version == "2")
        rows.append(on_day(number, day, failed=random.random() < rate, version=version))
    return rows


def churned(seed: int, users: int = 1400) -> list[dict[str, Any]]:
    """v2 follows v1 after 16 days, and users leave at one rate all the time: of those who came
    last fewer have had the time to."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(users):
        day = 28 * number / users
        left = ["churned"] if random.exponential(60) < 28 - day else []
        version = "2" if day >= 16 else "1"
        more: dict[str, Any] = {"outcomes": left, "bad": left, "good": []}
        rows.append(on_day(number, day, failed=bool(left), version=version) | more)
    return rows


def test_the_older_version_is_not_blamed_for_users_who_had_more_time_to_leave() -> None:
    rows = churned(0)
    rates = [
        np.mean([bool(row["bad"]) for row in rows if row["version"] == version])
        for version in ("1", "2")
    ]

    assert rates[0] > 1.5 * rates[1]  # so it looks, and it is nothing but time
    assert not any(found_in(churned(seed)).patterns for seed in range(4))


def test_a_version_that_came_while_all_got_worse_is_hardly_ever_blamed() -> None:
    blamed = sum(bool(found_in(a_rollout(0.0, seed=seed)).patterns) for seed in range(12))

    assert blamed <= 2  # 2.5 % of 12 are 0.3; without control for time it is all of them


def test_a_version_with_which_failures_jump_is_blamed() -> None:
    (pattern,) = found_in(a_rollout(0.3)).patterns

    assert pattern.segment == {"version": "2"}


def test_an_outage_of_one_day_blames_nobody_who_happened_to_come_then() -> None:
    random = np.random.default_rng(5)
    rows = []
    for number in range(1400):
        day = 28 * number / 1400
        campaign = 20 <= day < 22
        rate = 0.6 if 21 <= day < 22 else 0.1
        segments = {"campaign": "autumn"} if campaign and number % 2 else {}
        rows.append(on_day(number, day, failed=random.random() < rate, segments=segments))

    assert found_in(rows).patterns == ()


# -- first conversations --------------------------------------------------------------------------


def test_a_users_first_conversation_is_marked_after_the_first_known_week() -> None:
    rows = [
        on_day(1, 1, unit="u-early"),
        on_day(2, 10, unit="u-early"),
        on_day(3, 10, unit="u-new"),
        on_day(4, 12, unit="u-new"),
        on_day(5, 13, unit="c-5", has_user=False),
    ]

    marked = with_first_sessions(facts(rows))

    found = dict(
        zip(*(marked[name].to_pylist() for name in ("conversation_id", "segments")), strict=True)
    )
    assert {name: dict(own) for name, own in found.items()} == {
        "c-1": {},
        "c-2": {},
        "c-3": {"first_session": "yes"},
        "c-4": {},
        "c-5": {},
    }


def test_where_nobody_comes_again_no_conversation_is_a_first_one() -> None:
    rows = [on_day(number, number % 28) for number in range(100)]

    assert with_first_sessions(facts(rows)) == facts(rows)


def test_first_conversations_that_fail_are_a_pattern_of_conversations() -> None:
    random = np.random.default_rng(1)
    rows: list[dict[str, Any]] = []
    for person in range(150):
        start = 20 * random.random()
        for turn in range(4):
            rate = 0.45 if turn == 0 else 0.1
            day = start + 2 * turn
            failed = bool(random.random() < rate)
            rows.append(on_day(len(rows), day, unit=f"u-{person}", failed=failed))

    report = find_patterns(with_first_sessions(facts(rows)), (), (), taxonomy=None, now=NOW)

    (pattern,) = report.patterns
    assert (pattern.segment, pattern.unit) == ({"first_session": "yes"}, "conversation")
    assert pattern.rate > 2 * (pattern.baseline_rate or 1)


# -- steps and questions ---------------------------------------------------------------------------


def test_the_last_tool_is_the_agents_own() -> None:
    found = a_conversation(
        user("hi"), calls("search"), returns({}), calls("book"), returns({}), assistant("Done.")
    )

    assert (last_tool(found), last_tool(a_conversation())) == ("book", None)


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        pytest.param(
            "I can help. What is your order number?", "What is your order number?", id="en"
        ),
        pytest.param("承知しました。注文番号は？", "注文番号は？", id="ja"),  # noqa: RUF001
        pytest.param("Is it this? It is done.", None, id="no-question"),
        pytest.param("Which size? **", "Which size?", id="markup"),
    ],
)
def test_the_last_question_is_what_nobody_answered(answer: str, question: str | None) -> None:
    assert last_question(a_conversation(user("hi"), assistant(answer))) == question


def test_a_question_that_was_answered_is_not_the_last() -> None:
    found = a_conversation(user("hi"), assistant("Your number?"), user("12"))

    assert last_question(found) is None


def test_a_last_tool_is_compared_with_the_conversations_that_used_any() -> None:
    rows = [a_fact(n, failed=n < 45, segments={"last_tool": "book"}) for n in range(90)]
    rows += [a_fact(100 + n, failed=n < 10, segments={"last_tool": "look"}) for n in range(90)]
    rows += [a_fact(300 + n, failed=n < 5) for n in range(300)]

    (pattern,) = found_in(rows).patterns

    assert pattern.segment == {"last_tool": "book"}
    assert pattern.baseline_rate == pytest.approx(10 / 90)


def test_a_step_that_only_its_intent_explains_is_not_told_beside_it() -> None:
    random = np.random.default_rng(2)
    rows = []
    for number in range(900):
        intent = number % 3
        failed = random.random() < (0.5 if intent == 0 else 0.1)
        tool = "book" if intent == 0 and random.random() < 0.7 else "look"
        rows.append(
            a_fact(number, failed=failed, intents=[f"i-{intent}"], segments={"last_tool": tool})
        )

    (pattern,) = found_in(rows).patterns

    assert (pattern.intent_id, pattern.segment) == ("i-0", {})


# -- wordings --------------------------------------------------------------------------------------


def vectors_of(groups: list[int]) -> np.ndarray:
    random = np.random.default_rng(0)
    found = np.eye(4, dtype=np.float32)[groups] + random.normal(0, 0.05, (len(groups), 4))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


def test_wordings_are_named_by_the_words_that_set_them_apart() -> None:
    texts = ["please refund my order"] * 50 + ["where is the money back"] * 50
    names = name_wordings(texts, vectors_of([0] * 50 + [1] * 50))

    assert len(set(names[:50])) == len(set(names[50:])) == 1
    assert names[0] is not None
    assert set(names[0].split()) <= {"please", "refund", "order"}
    assert names[0] != names[99]


def test_few_texts_have_no_wordings() -> None:
    assert name_wordings(["a question"] * 30, vectors_of([0, 1] * 15)) == [None] * 30
    assert name_wordings([], np.zeros((0, 4), dtype=np.float32)) == []


def test_the_same_words_are_one_wording_and_nothing_to_compare() -> None:
    assert set(name_wordings(["hello there"] * 100, vectors_of([0]).repeat(100, axis=0))) == {None}


def test_a_wording_that_fails_is_told_within_its_intent() -> None:
    documents, rows = [], []
    for number in range(400):
        odd = number % 4 == 0
        text = (
            f"gimme cash back asap for thing {number}"
            if odd
            else f"I would like to request a refund for my order {number}, please"
        )
        documents.append(
            Document(
                agent="support",
                conversation_id=f"c-{number}",
                unit=f"u-{number}",
                text=text,
                tools=(),
                sha="",
            )
        )
        failed = number // 4 % 10 < (6 if odd else 1)
        rows.append(a_fact(number, failed=failed, intents=["i-refund"]))
    seen = Observed().with_segments(facts(rows), documents)

    report = find_patterns(seen, (), (), taxonomy=None, now=NOW)

    assert {pattern.intent_id for pattern in report.patterns} == {"i-refund"}
    (pattern,) = report.patterns
    assert "asap" in pattern.segment["wording"] or "cash" in pattern.segment["wording"]
    assert pattern.rate == pytest.approx(0.6)
    assert pattern.baseline_rate == pytest.approx(0.1, abs=0.02)

    (told,) = with_exemplars(report.patterns, documents)
    assert 1 <= len(told.exemplars) <= 3
    assert set(told.exemplars) <= set(pattern.evidence)


# -- exemplars -------------------------------------------------------------------------------------


def test_exemplars_are_typical_first_and_then_unlike() -> None:
    chosen = typical_and_different(vectors_of([0] * 10 + [1] * 3 + [2]), many=3)

    assert chosen[0] < 10
    assert sorted("aaaaaaaaaabbbc"[at] for at in chosen) == ["a", "b", "c"]


def test_equal_failures_have_one_exemplar() -> None:
    assert len(typical_and_different(np.ones((5, 1), dtype=np.float32))) == 1


def test_a_pattern_without_texts_cites_its_newest_evidence() -> None:
    (told,) = with_exemplars([a_pattern()], ())

    assert told.exemplars == ("c-60",)
