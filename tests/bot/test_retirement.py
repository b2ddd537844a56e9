"""What was of no use is proposed for removal, with its figures; what worked stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.proposals.edits import apply_edits
from bot.proposals.retirement import RateOf, propose_retirements
from bot.records import Intent, PastProposal, Proposal, Skipped, SourceFile, Taxonomy
from bot.rollback import roll_back_harm
from bot.statistics import failure_rate
from tests.bot.builders import NOW, a_fact, facts
from tests.bot.proposals_built import a_past

PATH = "prompts/a.md"
BEFORE = "# Rules\n\n- Be kind.\n"
AFTER = BEFORE + "- You must always ask for the number first.\n"
SINCE = AFTER.replace("# Rules", "# All rules") + "- Samples are free.\n"
TAXONOMY = Taxonomy(
    intents=(Intent(id="cancel", name="cancel an order"),), version="v", source="repository"
)


def merged(days: int = 60, **changes: Any) -> PastProposal:
    given: dict[str, Any] = {
        "agent": "support",
        "state": "merged",
        "merged_at": NOW - timedelta(days=days),
        "merge_sha": "c" * 40,
        "verdict": "no_effect",
        "evidence_entries": 9,
        "marker": {"remedy": "r", "prediction": {"intent_id": "cancel", "segment": {}}},
    }
    return a_past(**{**given, **changes})


def rows(*, before: int = 0, since: int = 0, others: int = 300) -> list[dict[str, Any]]:
    """`before` and `since` the merge 60 days ago the intent came up; `others` are of none."""
    ages = [(70, ["cancel"])] * before + [(10, ["cancel"])] * since + [(10, [])] * others
    return [
        a_fact(number, started_at=NOW - timedelta(days=age), intents=intents)
        for number, (age, intents) in enumerate(ages)
    ]


def propose(
    *past: PastProposal,
    now: str = SINCE,
    history: bool = True,
    texts: tuple[str, str] = (BEFORE, AFTER),
    rate_of: RateOf = lambda past: None,
    **traffic: int,
) -> list[Proposal | Skipped]:
    return list(
        propose_retirements(
            past,
            facts=facts(rows(**traffic)),
            taxonomy=TAXONOMY,
            standing=(),
            files={PATH: SourceFile(path=PATH, blob="b" * 40, text=now)},
            texts_of=lambda one: {PATH: texts} if history else None,
            rate_of=rate_of,
            now=NOW,
        )
    )


def test_a_rule_without_effect_goes_and_all_that_people_wrote_since_stays() -> None:
    (found,) = propose(merged())

    assert isinstance(found, Proposal)
    files = {PATH: SourceFile(path=PATH, blob="b" * 40, text=SINCE)}
    after = apply_edits(files, found.edits)
    assert after == {PATH: SINCE.replace("- You must always ask for the number first.\n", "")}
    assert found.title.startswith("Retire: ")
    assert found.remedy == f"retire {merged().id}"
    assert "60 days after the merge, is that it had no effect" in found.why
    assert ("verdict", "no effect") in found.tables[0].rows
    assert ("in each call", "about 11 tokens less") in found.tables[0].rows
    assert "about 11 tokens less in each call." in found.what


def test_a_removal_that_is_taken_back_is_not_told_as_a_saving() -> None:
    (found,) = propose(merged(), texts=(AFTER, BEFORE), now=BEFORE)

    assert isinstance(found, Proposal)
    assert "about 11 tokens more in each call." in found.what


def test_the_same_history_gives_the_same_proposal() -> None:
    assert propose(merged()) == propose(merged())


@pytest.mark.parametrize(
    ("changes", "traffic", "goes"),
    [
        pytest.param({"verdict": "worked"}, {}, False, id="worked"),
        pytest.param({"verdict": "worked"}, {"before": 9}, False, id="worked-and-quiet"),
        pytest.param({"verdict": "harmed"}, {}, False, id="harmed-is-rolled-back"),
        pytest.param({"days": 27}, {}, False, id="no-effect-but-young"),
        pytest.param({"days": 28}, {}, True, id="no-effect"),
        pytest.param({"verdict": "unknown", "days": 55}, {}, False, id="unknown-and-young"),
        pytest.param({"verdict": "unknown"}, {}, True, id="unknown-after-eight-weeks"),
        pytest.param({"verdict": "unknown"}, {"others": 199}, False, id="too-little-traffic"),
        pytest.param({"verdict": None}, {}, False, id="measuring"),
        pytest.param({"verdict": None}, {"before": 5}, True, id="never-fires"),
        pytest.param({"verdict": None}, {"before": 4}, False, id="never-was-counted"),
        pytest.param({"verdict": None}, {"before": 5, "since": 1}, False, id="fires-once"),
        pytest.param({"reverted": True}, {}, False, id="taken-back-already"),
        pytest.param({"state": "open"}, {}, False, id="open"),
        pytest.param({"kind": "threshold"}, {}, False, id="a-threshold"),
        pytest.param({"marker": {"remedy": "rollback of p-1"}}, {}, False, id="a-rollback"),
    ],
)
def test_only_what_is_of_no_use_goes_after_enough_weeks_and_traffic(
    changes: dict[str, Any], traffic: dict[str, int], goes: bool
) -> None:
    assert bool(propose(merged(**changes), **traffic)) is goes


def test_a_rule_that_never_fires_says_of_how_many() -> None:
    (found,) = propose(merged(verdict=None), before=7)

    assert isinstance(found, Proposal)
    assert "of 300 conversations in the last 56 days none" in found.why
    assert "and 7 were before the merge" in found.why


def test_an_intent_that_is_no_more_says_nothing_of_a_rule() -> None:
    marker = {"remedy": "r", "prediction": {"intent_id": "merged-away"}}

    assert propose(merged(verdict=None, marker=marker), before=7) == []


def test_what_people_changed_since_is_left_to_people() -> None:
    (found,) = propose(merged(), now=SINCE.replace("ask for", "please ask for"))

    assert isinstance(found, Skipped)
    assert found.code == "changed_since"


def test_without_the_merge_in_the_checkout_it_says_how_to_get_it() -> None:
    (found,) = propose(merged(), history=False)

    assert isinstance(found, Skipped)
    assert "fetch-depth: 0" in found.reason


def test_what_was_retired_is_not_retired_again() -> None:
    gone = merged(id="p-2", marker={"remedy": f"retire {merged().id}"})

    assert propose(merged(), gone) == []


# -- what it predicts ------------------------------------------------------------------------------

PREDICTED = {
    "metric": "failure",
    "population": "users who want to cancel",
    "intent_id": "cancel",
    "segment": {"tier": "pro"},
}


def test_it_predicts_that_nothing_gets_worse_for_those_the_rule_was_for() -> None:
    past = merged(marker={"remedy": "r", "prediction": PREDICTED})

    (found,) = propose(past, rate_of=lambda one: (failure_rate(12, 100), "user"))

    assert isinstance(found, Proposal)
    assert found.prediction is not None
    assert (found.prediction.metric, found.prediction.margin) == ("failure", 0.05)
    assert found.prediction.expected.high == pytest.approx(0.17)
    assert (found.prediction.intent_id, found.prediction.segment) == ("cancel", {"tier": "pro"})
    rows = dict(found.tables[0].rows)
    assert rows["failing by its metric in the last 28 days"].startswith("12 % (7\u201320) of 100 ")
    assert "with fewer it may stay open" in rows["to rule out a rise of 5 points"]


def test_where_nobody_comes_any_more_everybody_is_watched() -> None:
    asked: list[PastProposal] = []

    def rate_of(one: PastProposal) -> tuple[Any, str]:
        asked.append(one)
        return failure_rate(30, 300), "user"

    past = merged(verdict=None, marker={"remedy": "r", "prediction": PREDICTED | {"segment": {}}})
    (found,) = propose(past, before=7, rate_of=rate_of)

    assert isinstance(found, Proposal)
    assert found.prediction is not None
    assert found.prediction.intent_id is None
    assert "all conversations of support" in found.prediction.population
    assert asked[0].marker["prediction"]["intent_id"] is None  # type: ignore[index,call-overload]


def test_without_anybody_to_measure_it_predicts_nothing() -> None:
    (found,) = propose(merged())

    assert isinstance(found, Proposal)
    assert found.prediction is None


# -- harm is undone --------------------------------------------------------------------------------


def rolled_back(*past: PastProposal, now: str = AFTER) -> list[Proposal | Skipped]:
    files = {PATH: SourceFile(path=PATH, blob="b" * 40, text=now)}
    return list(roll_back_harm(past, files=files, texts_of=lambda one: {PATH: (BEFORE, AFTER)}))


@pytest.mark.parametrize("kind", ["rule", "prompt", "threshold", "config", "harness"])
def test_whatever_did_harm_is_taken_back_before_anything_else(kind: str) -> None:
    (found,) = rolled_back(merged(kind=kind, verdict="harmed", title="Ask first"))

    assert isinstance(found, Proposal)
    files = {PATH: SourceFile(path=PATH, blob="b" * 40, text=AFTER)}
    assert apply_edits(files, found.edits) == {PATH: BEFORE}
    assert found.title == "Take back: Ask first"
    assert found.priority > 10


def test_a_retirement_that_was_missed_brings_its_rule_back() -> None:
    marker = {"remedy": "retire p-1"}
    (found,) = rolled_back(merged(verdict="harmed", title="Retire: Ask first", marker=marker))

    assert isinstance(found, Proposal)
    assert found.title == "Bring back: Ask first"
    assert found.why.startswith("It was missed: the verdict on `#212`")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"verdict": "worked"}, id="worked"),
        pytest.param({"verdict": "unknown"}, id="unknown"),
        pytest.param({"verdict": "harmed", "reverted": True}, id="people-did-it"),
        pytest.param({"verdict": "harmed", "state": "open"}, id="not-merged"),
        pytest.param(
            {"verdict": "harmed", "marker": {"remedy": "rollback of p-1"}}, id="itself-a-rollback"
        ),
    ],
)
def test_nothing_else_is_taken_back(changes: dict[str, Any]) -> None:
    assert rolled_back(merged(**changes)) == []


def test_what_was_taken_back_is_not_taken_back_again() -> None:
    back = merged(id="p-2", marker={"remedy": f"rollback of {merged().id}", "prediction": None})

    assert rolled_back(merged(verdict="harmed"), back) == []


def test_harm_in_lines_that_people_changed_since_is_left_to_people() -> None:
    (found,) = rolled_back(merged(verdict="harmed"), now=AFTER.replace("always", "often"))

    assert isinstance(found, Skipped)
    assert "changed since; revert it by hand" in found.reason
