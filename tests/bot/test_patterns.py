"""What stands out, what is refused with which numbers, and how an agent is."""

# ruff: noqa: RUF001 - intervals are printed with an en dash

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from bot.patterns import find_patterns
from bot.records import (
    Correction,
    Decision,
    Intent,
    Pattern,
    PatternReport,
    Taxonomy,
)
from tests.bot.builders import NOW, a_correction, a_decision, a_fact, facts
from tests.samples import samples_path

Row = Mapping[str, Any]
TAXONOMY = Taxonomy(
    intents=(Intent(id="i-cancel", name="Cancel an order"),), version="t1", source="repository"
)


def found_in(
    rows: Sequence[Row] = (),
    corrections: Sequence[Correction] = (),
    decisions: Sequence[Decision] = (),
) -> PatternReport:
    return find_patterns(facts(rows), corrections, decisions, taxonomy=TAXONOMY, now=NOW)


def the_pattern(report: PatternReport) -> Pattern:
    assert len(report.patterns) == 1, [(one.outcome, one.segment) for one in report.patterns]
    return report.patterns[0]


def two_groups(
    inside: tuple[int, int], outside: tuple[int, int], **of_group: Any
) -> list[dict[str, Any]]:
    """(failed, all) conversations of one user each, in the group and outside."""
    of_group = of_group or {"intents": ["i-cancel"]}
    rows = [a_fact(n, failed=n < inside[0], **of_group) for n in range(inside[1])]
    return rows + [a_fact(inside[1] + n, failed=n < outside[0]) for n in range(outside[1])]


def reason_about(report: PatternReport, what: str) -> str:
    (reason,) = [one.reason for one in report.refused if one.what == what]
    return reason


# -- outcomes -------------------------------------------------------------------------------------


def test_a_planted_group_is_found_with_its_numbers() -> None:
    report = found_in(two_groups((61, 143), (60, 250)))

    pattern = the_pattern(report)
    assert (pattern.kind, pattern.outcome, pattern.unit) == ("outcome", "failure", "user")
    assert (pattern.intent_id, pattern.intent_name) == ("i-cancel", "Cancel an order")
    assert (pattern.users, pattern.conversations, len(pattern.evidence)) == (143, 143, 61)
    assert (pattern.evidence_users, pattern.top_user_share) == (61, 1 / 61)
    assert pattern.rate == pytest.approx(61 / 143)
    assert pattern.baseline_rate == pytest.approx(0.24)
    assert pattern.interval is not None
    assert pattern.interval.low > 0
    assert pattern.risk_ratio == pytest.approx(61 / 143 / 0.24)
    assert pattern.q_value is not None
    assert pattern.q_value < 0.05
    assert pattern.evidence[0] == "c-0"
    assert report.tested == 1
    expected = 1.0 * pattern.rate_interval.low * 143 / 3 * 0.7
    assert pattern.priority == pytest.approx(expected)


def test_a_group_that_does_better_is_no_pattern() -> None:
    report = found_in(two_groups((5, 100), (60, 100)))

    assert (report.patterns, report.tested) == ((), 1)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"version": "2.3"}, id="version"),
        pytest.param({"variant": "b"}, id="variant"),
        pytest.param({"segments": {"channel": "web"}}, id="segment"),
        pytest.param({"signals": ["tool_error"]}, id="signal"),
    ],
)
def test_groups_of_every_sort_are_compared(changes: dict[str, Any]) -> None:
    pattern = the_pattern(found_in(two_groups((50, 80), (20, 80), **changes)))

    expected = changes.get("segments") or {
        "signal" if key == "signals" else key: value[0] if key == "signals" else value
        for key, value in changes.items()
    }
    assert pattern.segment == expected


def test_a_reaction_of_failing_users_makes_no_group() -> None:
    report = found_in(two_groups((50, 80), (20, 80), signals=["negative_rating"]))

    assert (report.patterns, report.tested) == ((), 0)


@pytest.mark.parametrize(
    ("users", "tested"),
    [pytest.param(4, 0, id="too-few-users"), pytest.param(5, 1, id="enough-users")],
)
def test_a_group_needs_distinct_users(users: int, tested: int) -> None:
    rows = [a_fact(n, unit=f"u-{n % users}", intents=["i-cancel"], failed=True) for n in range(40)]
    rows += [a_fact(100 + n) for n in range(100)]

    assert found_in(rows).tested == tested


def test_one_angry_user_with_forty_conversations_is_no_pattern() -> None:
    rows = [a_fact(n, unit="u-angry", intents=["i-cancel"], failed=True) for n in range(40)]
    rows += [a_fact(100 + n, intents=["i-cancel"]) for n in range(20)]
    rows += [a_fact(200 + n, failed=n < 5) for n in range(60)]

    assert found_in(rows).patterns == ()


def test_users_with_many_conversations_do_not_make_a_common_intent_look_bad() -> None:
    """Whoever talks more has more chances to fail once, whatever they talk about."""
    random = np.random.default_rng(7)
    rows, number = [], 0
    for person in range(400):
        for _ in range(8 if person % 2 else 1):
            number += 1
            common = random.random() < 0.7
            rows.append(
                a_fact(
                    number,
                    unit=f"u-{person}",
                    failed=random.random() < 0.15,
                    intents=["i-cancel"] if common else ["i-other"],
                )
            )

    assert found_in(rows).patterns == ()


def test_without_user_ids_conversations_are_counted_and_named() -> None:
    rows = [
        {**row, "has_user": False, "unit": row["conversation_id"]}
        for row in two_groups((61, 143), (60, 250))
    ]

    pattern = the_pattern(found_in(rows))

    assert (pattern.unit, pattern.evidence_users, pattern.top_user_share) == (
        "conversation",
        0,
        None,
    )


def test_the_same_failures_are_told_once_by_the_more_telling_group() -> None:
    rows = [
        a_fact(n, failed=n < 45, intents=["i-cancel"], signals=["tool_error"] if n < 45 else [])
        for n in range(90)
    ]
    rows += [a_fact(100 + n, failed=n < 10, version=None) for n in range(100)]

    pattern = the_pattern(found_in(rows))

    assert (pattern.intent_id, pattern.segment) == ("i-cancel", {})
    assert pattern.root_cause == "tool_definition"


def test_an_intent_that_broke_in_one_version_is_told_as_both() -> None:
    rows = []
    for number in range(600):
        version, intent = ("1", "2")[number % 2], ("i-cancel", "i-other")[number // 2 % 2]
        broken = version == "2" and intent == "i-cancel"
        failed = number // 4 % 10 < (6 if broken else 1)
        rows.append(a_fact(number, failed=failed, version=version, intents=[intent]))

    first = found_in(rows).patterns[0]

    assert (first.intent_id, first.segment) == ("i-cancel", {"version": "2"})


def test_a_version_that_is_bad_throughout_is_told_as_the_version() -> None:
    rows = []
    for number in range(600):
        version, intent = ("1", "2")[number % 2], ("i-cancel", "i-other")[number // 2 % 2]
        failed = number // 4 % 10 < (5 if version == "2" else 1)
        rows.append(a_fact(number, failed=failed, version=version, intents=[intent]))

    pattern = the_pattern(found_in(rows))

    assert (pattern.intent_id, pattern.segment) == (None, {"version": "2"})


def test_a_segment_key_that_names_customers_is_refused() -> None:
    rows = [a_fact(n, segments={"account": f"a-{n // 10}"}) for n in range(600)]

    report = found_in(rows)

    assert "60 values" in reason_about(report, "segment account of support")
    assert report.tested == 0


def test_conversations_without_a_verdict_are_not_taken_for_successes() -> None:
    rows = two_groups((20, 40), (20, 40))
    unjudged: dict[str, Any] = {"outcomes": [], "good": [], "bad": []}
    rows += [a_fact(1000 + n, **unjudged) for n in range(400)]

    assert found_in(rows).patterns == ()


def test_without_declared_outcomes_signals_stand_in() -> None:
    silent: dict[str, Any] = {"outcomes": [], "good": [], "bad": []}
    rows = [
        a_fact(
            n,
            **silent,
            intents=["i-cancel"] if n < 100 else [],
            signals=["quick_correction"] if n < 60 or n > 280 else [],
        )
        for n in range(300)
    ]

    pattern = the_pattern(found_in(rows))

    assert (pattern.outcome, pattern.intent_id) == ("signal:quick_correction", "i-cancel")
    assert pattern.severity == 0.5


def moved(rows: Sequence[Row], **by: float) -> list[dict[str, Any]]:
    """All at one moment, so long from now."""
    at = NOW + timedelta(**by)
    return [{**row, "started_at": at, "ended_at": at} for row in rows]


@pytest.mark.parametrize("days", [-40, 2])
def test_what_happened_before_the_window_or_after_now_does_not_count(days: float) -> None:
    rows = [*moved(two_groups((61, 143), (60, 250)), days=days), *moved([a_fact(999)], days=-1)]

    report = found_in(rows)

    assert report.tested == 0
    assert [one.conversations for one in report.agents] == [1]


def test_the_window_of_an_agent_ends_where_it_was_last_seen() -> None:
    """Who imports the conversations of last year wants to see what was in them."""
    assert the_pattern(found_in(moved(two_groups((61, 143), (60, 250)), days=-300))).users == 143


def test_conversations_without_times_count_and_have_no_trend() -> None:
    rows = [
        {**row, "started_at": None, "ended_at": None} for row in two_groups((61, 143), (60, 250))
    ]

    assert the_pattern(found_in(rows)).trend == "unknown"


def test_pattern_ids_stay_when_numbers_change() -> None:
    one = the_pattern(found_in(two_groups((61, 143), (60, 250))))
    other = the_pattern(found_in(two_groups((70, 150), (50, 250))))

    assert one.id == other.id


# -- false discoveries and power ----------------------------------------------------------------


def a_product(random: np.random.Generator, *, effect: float) -> list[dict[str, Any]]:
    """300 users, 5 intents, 3 versions, a segment; intent 0 fails more often by `effect`."""
    rows = []
    for number in range(420):
        intent = int(random.integers(5))
        fails = random.random() < 0.2 + (effect if intent == 0 else 0)
        rows.append(
            a_fact(
                number,
                unit=f"u-{random.integers(300)}",
                failed=bool(fails),
                intents=[f"i-{intent}"],
                version=str(random.integers(3)),
                segments={"channel": ("web", "app", "mail")[random.integers(3)]},
            )
        )
    return rows


def test_where_nothing_differs_hardly_ever_a_pattern_is_seen() -> None:
    random = np.random.default_rng(20261121)

    discoveries = sum(bool(found_in(a_product(random, effect=0)).patterns) for _ in range(60))

    assert discoveries <= 6  # 5 % of 60 are 3; more than 6 has a chance of 3 %


def test_a_planted_effect_of_25_points_is_nearly_always_found() -> None:
    random = np.random.default_rng(7)

    found = [found_in(a_product(random, effect=0.25)).patterns for _ in range(15)]

    assert sum(any(one.intent_id == "i-0" for one in patterns) for patterns in found) >= 12


# -- trends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rates", "trend"),
    [
        pytest.param((5, 5, 5, 5), "steady", id="steady"),
        pytest.param((2, 4, 7, 9), "growing", id="growing"),
        pytest.param((9, 7, 4, 2), "shrinking", id="shrinking"),
        pytest.param((0, 0, 9, 9), "new", id="new"),
    ],
)
def test_trends_are_said_by_a_test(rates: tuple[int, ...], trend: str) -> None:
    rows, number = [], 0
    for week, rate in enumerate(rates):
        at = NOW - timedelta(days=27) + timedelta(weeks=week)
        for step in range(40):
            number += 1
            cancel = step < 20
            failed = step % 10 < (rate if cancel else 0)
            when = {"started_at": at, "ended_at": at}
            rows.append(
                a_fact(number, failed=failed, intents=["i-cancel"] if cancel else [], **when)
            )

    pattern = the_pattern(found_in(rows))

    assert pattern.trend == trend
    assert [(week.failed, week.total) for week in pattern.weeks] == [
        (2 * rate, 20) for rate in rates
    ]
    assert pattern.weeks[-1].week == "2026-W46"


# -- corrections ----------------------------------------------------------------------------------


def corrections(number: int, start: int = 1, **changes: Any) -> list[Correction]:
    return [a_correction(start + step, **changes) for step in range(number)]


def reviewed(number: int, level: str, start: int = 100) -> list[dict[str, Any]]:
    """Conversations that a person looked at and left as they were."""
    return [
        a_fact(
            start + step,
            agent="outreach",
            outcomes=["review_accepted"],
            good=[],
            segments={"contact_level": level},
        )
        for step in range(number)
    ]


def test_five_corrections_of_one_segment_are_a_pattern() -> None:
    report = found_in(reviewed(15, "c_level") + reviewed(20, "manager", 200), corrections(5))

    pattern = the_pattern(report)
    assert (pattern.kind, pattern.outcome) == ("correction", "correction:opening_removed")
    assert pattern.segment == {"contact_level": "c_level"}
    assert (pattern.rate, pattern.users) == (0.25, 20)
    assert pattern.baseline_rate == 0
    assert [one.id for one in pattern.corrections] == ["k-1", "k-2", "k-3", "k-4", "k-5"]
    assert pattern.evidence == ("c-1", "c-2", "c-3", "c-4", "c-5")
    assert pattern.root_cause == "prompt"
    assert pattern.q_value is None


@pytest.mark.parametrize("number", [1, 2])
def test_too_few_corrections_are_refused_with_their_count(number: int) -> None:
    report = found_in((), corrections(number))

    plural = "s" if number > 1 else ""
    assert report.patterns == ()
    assert (
        reason_about(report, "correction opening_removed of outreach for contact_level=c_level")
        == f"{number} correction{plural} of opening_removed for contact_level=c_level; 3 are needed"
    )


def test_five_corrections_of_one_conversation_are_one_conversation() -> None:
    report = found_in((), corrections(5, conversation_id="c-1"))

    assert report.patterns == ()
    assert "from 1 conversation; 3 are needed" in report.refused[0].reason


def test_a_type_in_many_segments_is_for_everybody() -> None:
    mixed = [
        a_correction(n, segments={"contact_level": ("c_level", "manager")[n % 2]}) for n in range(6)
    ]

    assert the_pattern(found_in((), mixed)).segment == {}


def test_a_type_that_is_frequent_in_two_of_three_segments_is_told_for_each() -> None:
    made = corrections(8) + corrections(8, 20, segments={"contact_level": "vp"})
    rows = reviewed(2, "c_level") + reviewed(2, "vp", 200) + reviewed(30, "buyer", 300)

    report = found_in(rows, made)

    assert sorted(one.segment["contact_level"] for one in report.patterns) == ["c_level", "vp"]
    assert all(one.rate == 0.8 for one in report.patterns)


def test_the_rarer_of_two_shared_segments_is_told() -> None:
    rows = [
        {**row, "segments": {**row["segments"], "language": "en"}}
        for row in reviewed(10, "manager")
    ]
    made = corrections(4, segments={"contact_level": "c_level", "language": "en"})

    assert the_pattern(found_in(rows, made)).segment == {"contact_level": "c_level"}


def test_corrections_without_a_type_are_counted() -> None:
    report = found_in((), corrections(3, types=()))

    assert "no type" in reason_about(report, "3 corrections of outreach")


def test_old_corrections_do_not_count() -> None:
    old = corrections(5, at=NOW - timedelta(days=30))

    assert found_in((), [*old, a_correction(9, at=NOW)]).patterns == ()


# -- thresholds -----------------------------------------------------------------------------------


def decisions(number: int, dismissed: int, *, answered: int | None = None) -> list[Decision]:
    return [
        a_decision(
            step,
            at=NOW - timedelta(days=20) + timedelta(minutes=step),
            response=None
            if step >= (number if answered is None else answered)
            else ("dismiss" if step < dismissed else "approve"),
        )
        for step in range(number)
    ]


WHAT = "threshold fraud.flag of fraud-desk"


def test_a_threshold_that_people_dismiss_is_a_pattern() -> None:
    quiet = a_decision(200, confidence=0.2, response=None)
    young = a_decision(201, at=NOW - timedelta(hours=3), response=None)

    report = found_in((), (), [*decisions(100, 40, answered=90), quiet, young])

    pattern = the_pattern(report)
    assert (pattern.kind, pattern.outcome, pattern.unit) == ("threshold", "dismissed", "decision")
    assert (pattern.threshold_name, pattern.root_cause) == ("fraud.flag", "threshold")
    assert pattern.rate == pytest.approx(40 / 90)
    assert (pattern.users, pattern.conversations) == (90, 100)
    assert len(pattern.evidence) == 40
    assert len(pattern.decisions) == 102
    assert pattern.evidence_users == 40


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        pytest.param(
            decisions(100, 5),
            "healthy: 5 of 100 answered decisions dismissed, 5 % (2–11), surely under 15 %",
            id="healthy",
        ),
        pytest.param(
            decisions(100, 40, answered=59),
            "only 59 of 100 decisions (59 %) got a response, 60 % are needed; a thumb up or down "
            "per decision counts (`debrief.response` with up or down)",
            id="few-responses",
        ),
        pytest.param(
            decisions(10, 4),
            "4 of 10 answered decisions dismissed, 40 % (17–69); 4 dismissed with distinct inputs, "
            "5 are needed",
            id="few-cited",
        ),
        pytest.param(
            [a_decision(n, input_hash="same") for n in range(20)],
            "20 of 20 answered decisions dismissed, 100 % (84–100); 1 dismissed with distinct "
            "inputs, 5 are needed",
            id="one-input",
        ),
        pytest.param(
            [a_decision(n, threshold_value=None) for n in range(10)],
            "none of 10 decisions has both `confidence` and `threshold.value`; without them nobody "
            "can tell which threshold would have been better",
            id="no-value",
        ),
        pytest.param(
            [a_decision(n, at=NOW - timedelta(hours=n)) for n in range(10)],
            "none of 10 decisions fired more than 48 hours ago; 10 younger than 48 hours are not "
            "counted yet",
            id="young",
        ),
    ],
)
def test_what_is_refused_about_a_threshold(log: list[Decision], sentence: str) -> None:
    report = found_in((), (), log)

    assert report.patterns == ()
    assert reason_about(report, WHAT) == sentence


def test_decisions_without_a_time_are_counted_and_left_out() -> None:
    report = found_in((), (), [a_decision(n, at=None) for n in range(9)])

    assert reason_about(report, "9 decisions") == "they have no time; send `at` with them"


def test_a_threshold_that_turns_round_again_and_again_is_a_finding() -> None:
    log = [
        a_decision(day, at=NOW - timedelta(days=20 - day), threshold_value=(0.5, 0.4)[day // 2 % 2])
        for day in range(12)
    ]

    (finding,) = found_in((), (), log).findings

    assert finding.kind == "oscillating_threshold"
    assert "turned round 4 times" in finding.sentence


def test_two_values_on_the_same_days_are_a_rollout_and_no_oscillation() -> None:
    log = [
        a_decision(
            2 * day + arm, at=NOW - timedelta(days=20 - day), threshold_value=(0.5, 0.4)[arm]
        )
        for day in range(12)
        for arm in (0, 1)
    ]

    assert found_in((), (), log).findings == ()


def test_escalations_that_vanish_with_the_dismissals_are_a_finding() -> None:
    def answer(step: int) -> str:
        early = step < 100
        if step % 10 < (3 if early else 0):
            return "escalate"
        return "dismiss" if step % 10 < (6 if early else 1) else "approve"

    log = [
        a_decision(n, at=NOW - timedelta(days=20) + timedelta(hours=n), response=answer(n))
        for n in range(200)
    ]

    assert [one.kind for one in found_in((), (), log).findings] == ["creeping_threshold"]


# -- health ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failed", "total", "health", "why"),
    [
        pytest.param(20, 400, "healthy", "20 of 400 users failed, 5 % (3–8).", id="rare-failures"),
        pytest.param(
            58,
            100,
            "needs_attention",
            "58 of 100 users failed, 58 % (48–67); no group stands out.",
            id="everywhere",
        ),
        pytest.param(
            1,
            9,
            "not_enough_data",
            "1 of 9 users failed, 11 % (2–43); 20 are needed to say more.",
            id="few",
        ),
        pytest.param(
            10,
            59,
            "not_enough_data",
            "10 of 59 users failed, 17 % (9–28): too few to say that it is over 15 %.",
            id="undecided",
        ),
    ],
)
def test_how_an_agent_is(failed: int, total: int, health: str, why: str) -> None:
    rows = [a_fact(n * 37 % total, failed=n < failed) for n in range(total)]

    (agent,) = found_in(rows).agents

    assert (agent.health, agent.why) == (health, why)


def test_an_agent_that_got_worse_in_the_last_week_is_degraded() -> None:
    rows = []
    for number in range(400):
        at = NOW - timedelta(days=1 + number % 20)
        failed = number // 20 % 10 < (4 if number % 20 < 5 else 1)
        rows.append(a_fact(number, failed=failed, started_at=at, ended_at=at))

    (agent,) = found_in(rows).agents

    assert agent.health == "degraded"
    assert "in the last 7 days" in agent.why


def test_every_agent_is_named_also_one_that_only_decides_or_is_only_corrected() -> None:
    report = found_in([a_fact()], corrections(3), decisions(100, 5))

    assert {one.agent: one.health for one in report.agents} == {
        "support": "not_enough_data",
        "outreach": "needs_attention",
        "fraud-desk": "healthy",
    }


def test_a_fault_that_is_everywhere_is_a_finding() -> None:
    rows = [a_fact(n, signals=["broken_format"] if n % 10 else []) for n in range(60)]

    (finding,) = found_in(rows).findings

    assert (finding.kind, len(finding.evidence)) == ("broken_format", 20)
    assert finding.sentence.startswith("54 of 60 conversations have an answer that is wrapped")


def test_nothing_at_all_is_an_empty_report() -> None:
    report = found_in()

    assert (report.agents, report.tested, report.patterns, report.refused) == ((), 0, (), ())


# -- real conversations ---------------------------------------------------------------------------


def sample_rows(name: str) -> list[dict[str, Any]]:
    """Facts of a sample file by its outcomes alone; nobody has an id, nothing has a time."""
    with gzip.open(samples_path(f"conversations/{name}.jsonl.gz"), "rt") as lines:
        records = [json.loads(line) for line in lines]
    return [
        a_fact(
            number,
            agent=record["agent"],
            conversation_id=record["id"],
            unit=record["id"],
            has_user=False,
            failed=not record["outcome"]["success"],
            version=record["labels"].get("agent_version"),
            started_at=None,
            ended_at=None,
        )
        for number, record in enumerate(records)
    ]


def test_a_system_that_always_succeeds_has_no_pattern_and_is_healthy() -> None:
    report = found_in(sample_rows("tau2_medical"))

    assert (report.patterns, report.findings) == ((), ())
    assert [(one.agent, one.health) for one in report.agents] == [("medical", "healthy")]


def test_failures_that_are_everywhere_need_attention_without_a_pattern() -> None:
    report = found_in(sample_rows("tau_airline_gpt4o"))

    assert report.patterns == ()
    assert report.agents[0].why == (
        "58 of 100 conversations failed, 58 % (48–67); no group stands out."
    )


def test_one_of_four_real_versions_stands_out() -> None:
    pattern = the_pattern(found_in(sample_rows("tau2_airline")))

    assert pattern.segment == {"version": "toolorchestra/gpt-5"}
    assert (pattern.rate, pattern.unit) == (0.44, "conversation")
