"""What was declared, what follows by rule, and what a model only inferred."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.outcomes import OutcomeRules, SignalRule, link_outcomes, outcomes_of_user, user_outcomes
from bot.records import Signal
from bot.settings import load_settings
from collector.records import Event, Json
from tests.bot.builders import NOW, a_conversation, an_event

RULES = OutcomeRules()
LEFT = Signal(kind="abandonment", message_index=1, evidence="")


def outcome(name: str, **attributes: Json) -> Event:
    return an_event("debrief.outcome", attributes={"name": name, **attributes})


@pytest.mark.parametrize(
    ("name", "polarity"),
    [("success", "good"), ("churned", "bad"), ("Escalated to human", "neutral")],
)
def test_declared_outcomes_have_the_polarity_of_the_rules(name: str, polarity: str) -> None:
    (found,) = link_outcomes(a_conversation(events=(outcome(name),)), (), RULES)

    assert (found.name, found.polarity, found.source) == (
        name.lower().replace(" ", "_"),
        polarity,
        "declared",
    )


@pytest.mark.parametrize(
    ("name", "value", "names"),
    [
        ("success", False, ["failure"]),
        ("resolved", False, []),
        ("resolved", True, ["resolved"]),
        ("refund", 12.5, ["refund"]),
    ],
)
def test_a_false_value_turns_the_outcome_round(name: str, value: Json, names: list[str]) -> None:
    found = link_outcomes(a_conversation(events=(outcome(name, value=value),)), (), RULES)

    assert [one.name for one in found] == names


def test_repeats_count_once_and_the_last_word_wins() -> None:
    events = (outcome("failure"), outcome("failure", note="again"), outcome("success"))

    found = link_outcomes(a_conversation(events=events), (), RULES)

    assert [one.name for one in found] == ["success"]


def test_an_evaluator_infers_and_never_declares() -> None:
    judged = an_event(
        "gen_ai.evaluation.result",
        attributes={
            "gen_ai.evaluation.name": "Task Completion",
            "gen_ai.evaluation.score.label": "fail",
        },
    )

    found = link_outcomes(a_conversation(events=(outcome("success"), judged)), (), RULES)

    assert [(one.name, one.source) for one in found] == [
        ("success", "declared"),
        ("failure", "inferred"),
    ]


def test_an_evaluation_of_something_else_is_no_outcome() -> None:
    scored = an_event(
        "gen_ai.evaluation.result",
        attributes={"gen_ai.evaluation.name": "toxicity", "gen_ai.evaluation.score.value": 0.9},
    )

    assert link_outcomes(a_conversation(events=(scored,)), (), RULES) == ()


def test_a_review_is_an_outcome_that_settings_may_call_bad() -> None:
    events = (an_event("debrief.review", attributes={"action": "rejected"}),)
    rules = OutcomeRules(bad=frozenset({"review_rejected"}))

    assert link_outcomes(a_conversation(events=events), (), RULES)[0].polarity == "neutral"
    assert link_outcomes(a_conversation(events=events), (), rules)[0].polarity == "bad"


def test_a_rule_of_the_settings_file_makes_an_outcome_of_a_signal() -> None:
    settings = load_settings(
        "outcomes:\n  bad: [left]\n  rules:\n"
        "  - {name: left, when: abandonment, without: [resolved]}\n"
    )
    rules = OutcomeRules.from_settings(settings.outcomes)

    left = link_outcomes(a_conversation(), [LEFT], rules)
    solved = link_outcomes(a_conversation(events=(outcome("resolved"),)), [LEFT], rules)
    stayed = link_outcomes(a_conversation(), [], rules)

    assert [(one.name, one.polarity, one.source) for one in left] == [("left", "bad", "rule")]
    assert [one.name for one in solved] == ["resolved"]
    assert stayed == ()


def test_what_is_declared_is_not_said_again_by_a_rule() -> None:
    rules = OutcomeRules(rules=(SignalRule(name="abandoned", when="abandonment"),))

    found = link_outcomes(a_conversation(events=(outcome("abandoned"),)), [LEFT], rules)

    assert [one.source for one in found] == ["declared"]


# -- users ----------------------------------------------------------------------------------------


def churn(user_id: str | None, days_after: float, **changes: object) -> Event:
    return an_event(
        "debrief.outcome",
        conversation_id=None,
        user_id=user_id,
        at=NOW - timedelta(days=20) + timedelta(days=days_after),
        attributes={"name": "churned"},
        **changes,
    )


@pytest.mark.parametrize(
    ("days_after", "joined"),
    [
        pytest.param(-1, False, id="before-the-conversation"),
        pytest.param(10, True, id="in-time"),
        pytest.param(29, False, id="too-late"),
    ],
)
def test_what_happens_to_a_user_is_joined_to_conversations_in_time(
    days_after: float, joined: bool
) -> None:
    of_users = user_outcomes([churn("u-1", days_after)], RULES)
    began = NOW - timedelta(days=20)
    conversation = a_conversation(user_id="u-1", started_at=began, ended_at=began)

    found = outcomes_of_user(conversation, of_users)

    assert [(one.name, one.conversation_id, one.agent) for one in found] == (
        [("churned", "c-1", "support")] if joined else []
    )


@pytest.mark.parametrize("user_id", ["u-2", None])
def test_other_users_are_left_alone(user_id: str | None) -> None:
    of_users = user_outcomes([churn("u-1", 19)], RULES)

    assert outcomes_of_user(a_conversation(user_id=user_id), of_users) == ()


def test_a_conversation_without_times_is_joined_to_nothing() -> None:
    of_users = user_outcomes([churn("u-1", 19)], RULES)
    conversation = a_conversation(user_id="u-1", started_at=None, ended_at=None)

    assert outcomes_of_user(conversation, of_users) == ()


def test_events_of_conversations_and_repeats_are_no_user_outcomes() -> None:
    twice = churn("u-1", 1, id="e-1")
    of_conversation = an_event("debrief.outcome", user_id="u-1", attributes={"name": "churned"})

    found = user_outcomes([twice, twice, of_conversation, churn(None, 1)], RULES)

    assert {user: len(outcomes) for user, outcomes in found.items()} == {"u-1": 1}


def test_the_time_in_the_event_counts_before_its_arrival() -> None:
    late = an_event(
        "debrief.outcome",
        conversation_id=None,
        user_id="u-1",
        attributes={"name": "churned", "at": "2026-11-01T10:00:00"},
    )

    (found,) = user_outcomes([late], RULES)["u-1"]

    assert found.at is not None
    assert found.at.isoformat() == "2026-11-01T10:00:00+00:00"
