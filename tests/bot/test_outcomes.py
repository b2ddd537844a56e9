"""What was declared, what follows by rule, and what a model only inferred."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import SettingsError
from bot.outcomes import (
    LaterOutcomes,
    OutcomeRules,
    Rule,
    later_outcomes,
    link_outcomes,
    outcomes_after,
)
from bot.records import Signal
from bot.settings import load_settings
from collector.records import Event, Json
from tests.bot.builders import NOW, a_conversation, an_event, assistant, user

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


def test_a_category_that_a_user_chose_is_declared() -> None:
    chosen = an_event(
        "gen_ai.evaluation.result",
        attributes={"gen_ai.evaluation.name": "thumbs", "feedback.category": "Too slow"},
    )

    (found,) = link_outcomes(a_conversation(events=(chosen,)), (), RULES)

    assert (found.name, found.source, found.polarity) == (
        "feedback_too_slow",
        "declared",
        "neutral",
    )


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
    rules = OutcomeRules(rules=(Rule(name="abandoned", when=frozenset({"abandonment"})),))

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
    later = later_outcomes([churn("u-1", days_after)], RULES)
    began = NOW - timedelta(days=20)
    conversation = a_conversation(user_id="u-1", started_at=began, ended_at=began)

    found = outcomes_after(conversation, later, RULES)

    assert [(one.name, one.conversation_id, one.agent) for one in found] == (
        [("churned", "c-1", "support")] if joined else []
    )


@pytest.mark.parametrize("user_id", ["u-2", None])
def test_other_users_are_left_alone(user_id: str | None) -> None:
    later = later_outcomes([churn("u-1", 19)], RULES)

    assert outcomes_after(a_conversation(user_id=user_id), later, RULES) == ()


def test_a_conversation_without_times_is_joined_to_nothing() -> None:
    later = later_outcomes([churn("u-1", 19)], RULES)
    conversation = a_conversation(user_id="u-1", started_at=None, ended_at=None)

    assert outcomes_after(conversation, later, RULES) == ()


def test_events_of_conversations_and_repeats_are_no_user_outcomes() -> None:
    twice = churn("u-1", 1, id="e-1")
    of_conversation = an_event("debrief.outcome", user_id="u-1", attributes={"name": "churned"})

    found = later_outcomes([twice, twice, of_conversation, churn(None, 1)], RULES)

    assert {user: len(outcomes) for user, outcomes in found.of_users.items()} == {"u-1": 1}


def test_the_time_in_the_event_counts_before_its_arrival() -> None:
    late = an_event(
        "debrief.outcome",
        conversation_id=None,
        user_id="u-1",
        attributes={"name": "churned", "at": "2026-11-01T10:00:00"},
    )

    (found,) = later_outcomes([late], RULES).of_users["u-1"]

    assert found.at is not None
    assert found.at.isoformat() == "2026-11-01T10:00:00+00:00"


# -- rules that look at several signals, and at silence -------------------------------------------


def rules_of(text: str) -> OutcomeRules:
    return OutcomeRules.from_settings(
        load_settings(f"outcomes:\n  rules:\n    - {text}\n").outcomes
    )


IDLE = rules_of("{name: abandoned, idle_min: 30, without: [resolved]}")


@pytest.mark.parametrize(
    ("minutes", "events", "names"),
    [
        pytest.param(29, (), [], id="may-come-back"),
        pytest.param(30, (), ["abandoned"], id="silent-for-long"),
        pytest.param(90, (outcome("resolved"),), ["resolved"], id="resolved"),
    ],
)
def test_a_user_who_is_silent_for_long_has_given_up(
    minutes: int, events: tuple[Event, ...], names: list[str]
) -> None:
    spoke = NOW - timedelta(minutes=minutes)
    conversation = a_conversation(
        user("Where is it?", at=spoke),
        assistant("On its way.", at=NOW),
        started_at=spoke,
        ended_at=NOW,
        events=events,
    )

    assert [one.name for one in link_outcomes(conversation, (), IDLE, now=NOW)] == names


def test_nobody_is_idle_where_no_time_is_known() -> None:
    conversation = a_conversation(started_at=None, ended_at=None)

    assert link_outcomes(conversation, (), IDLE, now=NOW) == ()
    assert link_outcomes(a_conversation(), (), IDLE) == ()


@pytest.mark.parametrize(("count", "holds"), [(1, False), (2, True)])
def test_a_rule_may_ask_for_several_signals(count: int, holds: bool) -> None:
    rules = rules_of("{name: annoyed, when: [reformulation, error_pointed_out], at_least: 2}")
    signals = [
        Signal(kind="reformulation", message_index=2, evidence=""),
        Signal(kind="error_pointed_out", message_index=4, evidence=""),
    ][:count]

    found = link_outcomes(a_conversation(), [*signals, LEFT], rules)

    assert [one.name for one in found] == (["annoyed"] if holds else [])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{name: left, when: abandoment}", "no signal 'abandoment'; did you mean abandonment?"),
        ("{name: left, when: [abandonment, xyzzy]}", "no signal 'xyzzy'; known are reformulation,"),
        ("{name: left}", "give `when` or `idle_min`"),
        ("{name: left, idle_min: 0}", "outcomes.rules.0.idle_min"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused_with_what_would_be_right(
    rule: str, message: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        rules_of(rule)

    assert message in str(refused.value)


# -- accounts -------------------------------------------------------------------------------------


def account_churn(days_after: float, **segments: str) -> Event:
    attributes: dict[str, Json] = {f"segment.{key}": value for key, value in segments.items()}
    return an_event(
        "debrief.outcome",
        conversation_id=None,
        at=NOW - timedelta(days=20) + timedelta(days=days_after),
        attributes={"name": "churned", **attributes},
    )


def of_account(later: LaterOutcomes, rules: OutcomeRules, **segments: str) -> list[str]:
    began = NOW - timedelta(days=20)
    conversation = a_conversation(
        user_id="u-1", started_at=began, ended_at=began, segments=segments
    )
    return [one.name for one in outcomes_after(conversation, later, rules)]


def test_what_happens_to_an_account_counts_for_each_of_its_users() -> None:
    later = later_outcomes([account_churn(5, account_id="acme")], RULES)

    assert of_account(later, RULES, account_id="acme") == ["churned"]
    assert of_account(later, RULES, account_id="other") == []
    assert of_account(later, RULES) == []


def test_the_settings_say_which_segment_is_the_account_and_how_long_is_soon() -> None:
    settings = load_settings("outcomes: {account: company, within_days: 3}")
    rules = OutcomeRules.from_settings(settings.outcomes)
    soon = later_outcomes([account_churn(2, company="acme")], rules)
    late = later_outcomes([account_churn(4, company="acme")], rules)

    assert of_account(soon, rules, company="acme") == ["churned"]
    assert of_account(late, rules, company="acme") == []


def test_what_names_a_user_happened_to_the_user_and_not_to_the_account() -> None:
    event = replace(account_churn(2, account_id="acme"), user_id="u-2")
    later = later_outcomes([event], RULES)

    assert of_account(later, RULES, account_id="acme") == []
    assert set(later.of_users) == {"u-2"}
