"""Completion, overrides, corrections and exceptions over the last jobs and the last month."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.feedback import corrections_of, decisions_of
from bot.outcomes import OutcomeRules, link_outcomes
from bot.signals import find_signals
from bot.workflow import Job, job_of, workflows
from collector.records import Conversation, Event, Json
from tests.bot.builders import NOW, a_conversation, an_event

RULES = OutcomeRules()


def review(action: str, **attributes: Json) -> Event:
    return an_event("debrief.review", attributes={"action": action, **attributes})


def read(conversation: Conversation) -> Job:
    signals = find_signals(conversation)
    outcomes = link_outcomes(conversation, signals, RULES)
    return job_of(conversation, signals, outcomes, corrections_of(conversation))


def a_job(number: int = 1, **changes: Any) -> Job:
    values: dict[str, Any] = {"agent": "support", "id": f"j-{number}", "reviewed": True}
    values["at"] = NOW - timedelta(hours=number)
    return Job(**{**values, **changes})


@pytest.mark.parametrize(
    ("events", "completed", "overridden"),
    [
        pytest.param((review("accepted"),), True, False, id="accepted"),
        pytest.param((review("edited"),), True, True, id="edited"),
        pytest.param((review("rejected"),), False, True, id="rejected"),
        pytest.param((review("escalated"),), False, False, id="escalated"),
        pytest.param((review("rejected"), review("accepted")), True, False, id="the-last-counts"),
        pytest.param((), None, False, id="nobody-said"),
    ],
)
def test_a_review_says_whether_the_job_was_done_and_by_whom(
    events: tuple[Event, ...], completed: bool | None, overridden: bool
) -> None:
    job = read(a_conversation(events=events))

    assert (job.completed, job.overridden, job.reviewed) == (completed, overridden, bool(events))


def test_a_declared_outcome_says_more_than_the_review_of_a_draft() -> None:
    failed = an_event("debrief.outcome", attributes={"name": "failure"})

    assert read(a_conversation(events=(review("accepted"), failed))).completed is False


def test_what_a_model_inferred_completes_nothing() -> None:
    judged = an_event(
        "gen_ai.evaluation.result",
        attributes={
            "gen_ai.evaluation.name": "task_completion",
            "gen_ai.evaluation.score.label": "pass",
        },
    )

    assert read(a_conversation(events=(judged,))).completed is None


def test_a_correction_is_an_override_of_its_type() -> None:
    corrected = an_event(
        "debrief.correction",
        attributes={"original": "It is 40 EUR.", "corrected": "It is 45 EUR."},
    )

    job = read(a_conversation(events=(corrected,)))

    assert (job.overridden, job.corrections) == (True, ("facts_changed",))


def test_measures_are_rates_of_what_was_asked() -> None:
    jobs = [
        a_job(1, completed=True, usable=True),
        a_job(2, completed=True, overridden=True, corrections=("shortened",)),
        a_job(3, completed=False, exceptions=frozenset({"escalated"})),
        a_job(4, reviewed=False),
    ]

    (last, month) = workflows(jobs, (), now=NOW)

    assert (last.span, last.jobs, month.span, month.jobs) == ("last 100 jobs", 4, "month", 4)
    assert last.completion is not None
    assert (last.completion.failed, last.completion.total) == (2, 3)
    assert last.override is not None
    assert (last.override.failed, last.override.total) == (1, 3)
    assert last.usable is not None
    assert last.usable.total == 1
    assert (last.exceptions.failed, last.exceptions.total) == (1, 4)
    assert (last.exception_kinds, last.corrections) == ({"escalated": 1}, {"shortened": 1})


def test_each_span_is_the_newest_jobs_beside_those_before() -> None:
    jobs = [a_job(number, completed=number <= 100) for number in range(1, 1201)]

    spans = {one.span: one for one in workflows(jobs, (), now=NOW)}

    assert {span: one.jobs for span, one in spans.items()} == {
        "last 100 jobs": 100,
        "last 1,000 jobs": 1000,
        "month": 720,
    }
    hundred = spans["last 100 jobs"]
    assert hundred.completion is not None
    assert hundred.completion.rate == 1
    assert hundred.before is not None
    assert hundred.before.completion is not None
    assert hundred.before.completion.rate == 0
    assert spans["last 1,000 jobs"].before is None
    assert spans["month"].before is not None
    assert spans["month"].before.jobs == 480


def test_a_decision_that_belongs_to_no_conversation_is_a_job() -> None:
    events = [
        an_event("debrief.decision", conversation_id=None, attributes={"id": "d-1"}),
        an_event("debrief.decision", conversation_id=None, attributes={"id": "d-2"}),
        an_event("debrief.response", attributes={"decision.id": "d-1", "action": "dismiss"}),
    ]

    found = workflows((), decisions_of(events), now=NOW)

    assert found[0].jobs == 2
    assert found[0].override is not None
    assert (found[0].override.failed, found[0].override.total) == (1, 1)


def test_a_decision_inside_a_conversation_is_no_second_job() -> None:
    events = [
        an_event("debrief.decision", attributes={"id": "d-1"}),
        an_event("debrief.response", attributes={"decision.id": "d-1", "action": "escalate"}),
    ]
    job = read(a_conversation())

    (last, _) = workflows([job], decisions_of(events), now=NOW)

    assert (last.jobs, last.exception_kinds) == (1, {"escalated": 1})


def test_where_nobody_says_anything_there_is_no_workflow() -> None:
    assert workflows([read(a_conversation())], (), now=NOW) == ()


def test_rare_types_of_corrections_are_counted_together() -> None:
    jobs = [a_job(1, corrections=tuple(f"type_{n}" for n in range(12)))]

    (last, _) = workflows(jobs, (), now=NOW)

    assert len(last.corrections) == 11
    assert last.corrections["other"] == 2
