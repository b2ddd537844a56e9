"""What was not found for its form lies in the tool; what is not there lies in the records."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.proposals.harness import routed_cause
from bot.proposals.harness.seen import look_at
from bot.records import Cause, Pattern, RootCause
from collector.records import Conversation, Json
from tests.bot.builders import a_conversation, a_pattern, assistant, calls, returns, user

NOT_FOUND: dict[str, Any] = {"kind": "tool_not_found", "cause": "data"}
NOTHING: dict[str, Any] = {"kind": "empty_lookup", "cause": "knowledge"}


def a_cause(**changes: Any) -> Cause:
    values: dict[str, Any] = {
        "cause": "data",
        "by": "rule",
        "kind": "tool_not_found",
        "sentence": "6 of 6 failing conversations have `find_order` miss the record.",
        "support": 6,
        "contradicting": 0,
        "is_fixable": False,
    }
    return Cause(**{**values, **changes})


def patterns(**changes: Any) -> Pattern:
    cause = a_cause(**changes)
    return replace(a_pattern(), cause=cause, root_cause=cause.cause)


def looked_up(order_id: str, result: Json, *, number: int) -> Conversation:
    return a_conversation(
        user("Where is it?"),
        calls("find_order", {"order_id": order_id}),
        returns(result, name="find_order"),
        assistant("So."),
        conversation_id=f"c-{order_id}-{number}",
        user_id=f"u-{number}",
    )


def some(shape: str, result: Json) -> list[Conversation]:
    return [looked_up(shape.format(n=n), result, number=n) for n in range(100, 106)]


@pytest.mark.parametrize("cause", ["config", "harness", "tool_definition"])
def test_what_lies_in_tools_and_programs_stays_there(cause: RootCause) -> None:
    pattern = patterns(cause=cause, kind="tool_arguments")

    assert routed_cause(pattern, [], []) is pattern.cause


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        pytest.param(NOT_FOUND, "Error: order not found", id="an-error"),
        pytest.param(NOTHING, [], id="an-empty-list"),
        pytest.param(NOTHING, {"orders": []}, id="an-empty-list-inside"),
    ],
)
def test_a_form_that_never_finds_anything_is_the_definitions_fault(
    changes: dict[str, Any], result: Json
) -> None:
    cause = routed_cause(
        patterns(**changes), some("W{n}", result), some("#W{n}", {"state": "sent"})
    )

    assert cause is not None
    assert (cause.cause, cause.is_fixable) == ("tool_definition", True)
    assert "6 calls gave `order_id` in a form that is never found" in cause.sentence


def test_a_record_that_is_not_there_is_no_fault_of_the_tool() -> None:
    cause = routed_cause(
        patterns(**NOT_FOUND), some("W{n}", "Error: order not found"), some("W{n}", {"state": "x"})
    )

    assert cause is None


def test_a_tool_that_answers_without_a_word_lies_in_the_program() -> None:
    cause = routed_cause(patterns(**NOTHING), some("W{n}", None), some("W{n}", {"state": "x"}))

    assert cause is not None
    assert cause.cause == "harness"
    assert cause.sentence.endswith("It then answers without a word.")


def test_an_honest_empty_list_is_no_fault_of_the_program() -> None:
    assert routed_cause(patterns(**NOTHING), some("W{n}", []), some("W{n}", ["x"])) is None


def test_what_a_reader_says_of_facts_stays_with_the_prompt() -> None:
    pattern = patterns(by="model", kind="knowledge", cause="knowledge")

    assert routed_cause(pattern, some("W{n}", []), some("#W{n}", ["x"])) is None


def test_an_argument_whose_forms_fail_alike_tells_nothing() -> None:
    calls_ = [*some("A{n}", "Error: no"), *some("{n}", "Error: no")]
    fine = [*some("A{n}", "yes"), *some("{n}", "yes")]

    assert look_at("find_order", [*calls_, *fine]).shapes == ()
