"""Before and after a merge: planted effects are found, chance is not, and weak is called weak."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from bot.measure import measure, rate_lately
from bot.measure.verdict import LEVEL
from bot.records import Correction, Decision, Live, PastProposal, Skipped, Verdict
from tests.bot.builders import NOW, a_correction, a_decision, a_fact, facts

MERGED = NOW - timedelta(days=29)
DAY = timedelta(days=1)


def a_merged(prediction: dict[str, Any] | None = None, **changes: Any) -> PastProposal:
    """Merged 29 days ago; it predicted that failures fall from 60 % to 20-40 %."""
    predicted = {"metric": "failure", "baseline_rate": 0.6, "low": 0.2, "high": 0.4}
    marker = {"prediction": {**predicted, **(prediction or {})}, **changes.pop("marker", {})}
    values: dict[str, Any] = {
        "id": "p-1",
        "fingerprint": "f",
        "kind": "prompt",
        "agent": "support",
        "pattern_id": "pt-1",
        "branch": "debrief/p-1",
        "title": "Ask first",
        "state": "merged",
        "reference": "#212",
        "merged_at": MERGED,
        "marker": marker,
    }
    return PastProposal(**{**values, **changes})


def rows(before: float, after: float, *, each: int = 200, **changes: Any) -> list[dict[str, Any]]:
    """`each` users spread evenly over four weeks on both sides, failing at the given rates."""
    made = []
    for side, (start, rate) in enumerate([(MERGED - timedelta(days=28), before), (MERGED, after)]):
        for number in range(each):
            failed = int((number + 1) * rate + 1e-9) > int(number * rate + 1e-9)
            at = start + timedelta(days=28) * (number + 0.5) / each
            values = {"started_at": at, "failed": failed, **changes}
            made.append(a_fact(side * each + number, **values))
    return made


def verdict_of(
    table: pa.Table | None = None,
    past: PastProposal | None = None,
    *,
    corrections: Sequence[Correction] = (),
    decisions: Sequence[Decision] = (),
    **changes: Any,
) -> Verdict:
    given = {"now": NOW, **changes}
    found = measure(
        past or a_merged(),
        facts=table if table is not None else facts([]),
        corrections=corrections,
        decisions=decisions,
        **given,
    )
    assert isinstance(found, Verdict), found
    return found


def skipped_of(table: pa.Table, past: PastProposal, **changes: Any) -> Skipped:
    given: dict[str, Any] = {"now": NOW, "corrections": (), "decisions": (), **changes}
    found = measure(past, facts=table, **given)
    assert isinstance(found, Skipped), found
    return found


@pytest.mark.parametrize(
    ("before", "after", "each", "result"),
    [
        pytest.param(0.6, 0.3, 200, "worked", id="halved"),
        pytest.param(0.3, 0.6, 200, "harmed", id="doubled"),
        pytest.param(0.30, 0.30, 4000, "no_effect", id="the-same-on-much-data"),
        pytest.param(0.6, 0.55, 60, "unknown", id="too-little-data"),
    ],
)
def test_a_planted_change_gets_its_verdict(
    before: float, after: float, each: int, result: str
) -> None:
    verdict = verdict_of(facts(rows(before, after, each=each)))

    assert verdict.result == result
    assert (verdict.strength, verdict.method) == ("weak", "before_after")
    assert verdict.before is not None
    assert verdict.after is not None
    assert (verdict.before.total, verdict.after.total) == (each, each)


def test_the_sentence_has_numbers_intervals_and_says_that_the_evidence_is_weak() -> None:
    verdict = verdict_of(facts(rows(0.6, 0.3)))

    assert verdict.sentence.startswith("Weak evidence that it worked (before is only compared")
    assert (
        "from 60 % (53\u201367) of 200 users to 30 % (24\u201337) of 200 users" in verdict.sentence
    )
    assert "in 4 weeks, a difference of \u221230 points" in verdict.sentence
    assert "Days 1 to 3 alone: " in verdict.sentence
    assert any(one.startswith("regression to the mean") for one in verdict.confounders)
    assert any(
        "when the change went live in production was not seen" in one for one in verdict.confounders
    )


def test_four_looks_share_the_error_rate() -> None:
    verdict = verdict_of(facts(rows(0.6, 0.3)))

    assert verdict.interval is not None
    assert verdict.interval.level == LEVEL == 0.9875


def test_chance_is_seldom_called_an_effect() -> None:
    rng = np.random.default_rng(7)
    said = 0
    for _ in range(40):
        table = facts(
            [
                a_fact(
                    n,
                    failed=bool(rng.random() < 0.4),
                    started_at=MERGED + timedelta(days=28 * (2 * float(rng.random()) - 1)),
                )
                for n in range(200)
            ]
        )
        looks = [
            measure(
                a_merged(),
                facts=table,
                corrections=(),
                decisions=(),
                now=MERGED + timedelta(days=days),
            )
            for days in (7, 14, 21, 28)
        ]
        said += any(
            isinstance(one, Verdict) and one.result in ("worked", "harmed") for one in looks
        )

    assert said <= 5  # 40 * 5 % and two standard deviations of noise


@pytest.mark.parametrize("days", [0, 3, 6])
def test_a_week_must_have_passed(days: int) -> None:
    skipped = skipped_of(
        facts(rows(0.6, 0.3)), a_merged(), now=MERGED + timedelta(days=days, hours=23)
    )

    assert skipped.code == "too_early"
    assert "of 7 days" in skipped.reason


def test_only_whole_weeks_count() -> None:
    verdict = verdict_of(facts(rows(0.6, 0.3)), now=MERGED + timedelta(days=20))

    assert verdict.days == 14
    assert verdict.after is not None
    assert verdict.after.total == 100


def test_users_are_compared_over_equal_spans_and_conversations_over_all_there_is() -> None:
    users = verdict_of(facts(rows(0.6, 0.3)), now=MERGED + timedelta(days=8))
    table = facts(rows(0.6, 0.3, has_user=False))
    conversations = verdict_of(table, now=MERGED + timedelta(days=8))

    assert users.before is not None
    assert conversations.before is not None
    assert (users.unit, users.before.total) == ("user", 50)
    assert (conversations.unit, conversations.before.total) == ("conversation", 200)


def test_a_user_counts_once_and_fails_if_any_conversation_did() -> None:
    table = facts(
        [
            a_fact(1, unit="u", started_at=MERGED - timedelta(days=2)),
            a_fact(2, unit="u", started_at=MERGED - timedelta(days=1), failed=True),
            a_fact(3, unit="u", started_at=MERGED + timedelta(days=1)),
        ]
    )

    verdict = verdict_of(table)

    assert verdict.before is not None
    assert (verdict.before.failed, verdict.before.total) == (1, 1)


def test_only_the_predicted_population_counts() -> None:
    ours = rows(0.6, 0.3, intents=["i-cancel"], segments={"tier": "pro"})
    others = [
        *rows(0.9, 0.9, agent="other", intents=["i-cancel"], segments={"tier": "pro"}),
        *rows(0.9, 0.9, intents=["i-else"], segments={"tier": "pro"}),
        *rows(0.9, 0.9, intents=["i-cancel"], segments={"tier": "free"}),
    ]
    past = a_merged({"intent_id": "i-cancel", "segment": {"tier": "pro"}})

    verdict = verdict_of(facts([*ours, *others]), past)

    assert verdict.before is not None
    assert (verdict.before.total, verdict.before.failed) == (200, 120)


def test_a_signal_can_be_the_metric() -> None:
    table = facts(
        [
            *rows(0, 0, signals=["tool_loop"])[:200],
            *rows(0, 0)[200:],
        ]
    )

    assert verdict_of(table, a_merged({"metric": "signal:tool_loop"})).result == "worked"


def test_a_new_version_is_named_and_a_pattern_of_the_old_one_is_followed() -> None:
    made = rows(0.6, 0.3)
    table = facts([{**row, "version": "2.3" if at < 200 else "2.4"} for at, row in enumerate(made)])

    verdict = verdict_of(table, a_merged({"segment": {"version": "2.3"}}))

    assert verdict.result == "worked"
    assert any("(2.3 before, 2.4 after)" in one for one in verdict.confounders)


@pytest.mark.parametrize("how", ["retire", "rollback of"])
def test_what_was_taken_out_again_has_no_verdict_from_the_days_without_it(how: str) -> None:
    back = a_merged(id="p-2", reference="#213", marker={"remedy": f"{how} p-1"})

    verdict = verdict_of(facts(rows(0.6, 0.3)), others=[back])

    assert (verdict.result, verdict.is_final) == ("unknown", True)
    assert verdict.sentence.endswith("it was taken out again by pull request 213.")


def test_other_merges_of_the_same_agent_are_named() -> None:
    others = [
        a_merged(),
        a_merged(id="p-2", reference="#213", merged_at=MERGED + timedelta(days=2)),
        a_merged(id="p-3", reference="#214", merged_at=MERGED - timedelta(days=90)),
        a_merged(id="p-4", reference="#215", agent="other"),
    ]

    named = [
        one
        for one in verdict_of(facts(rows(0.6, 0.3)), others=others).confounders
        if "were merged" in one
    ]

    assert len(named) == 1
    assert "213" in named[0]


@pytest.mark.parametrize(
    ("low", "high", "hit"), [(0.2, 0.4, True), (0.0, 0.1, False), (0.5, 0.6, False)]
)
def test_a_prediction_is_hit_where_the_intervals_overlap(
    low: float, high: float, hit: bool
) -> None:
    past = a_merged({"low": low, "high": high})

    verdict = verdict_of(facts(rows(0.6, 0.3)), past)

    assert verdict.prediction_hit is hit
    assert verdict.is_beyond is (low == 0.5)


def test_an_unknown_says_how_many_more_units_would_settle_it() -> None:
    verdict = verdict_of(facts(rows(0.6, 0.55, each=20)))

    assert verdict.result == "unknown"
    assert verdict.needed is not None
    assert 10 <= verdict.needed <= 100


def test_a_good_start_that_does_not_last_is_no_success() -> None:
    early = [a_fact(n, started_at=MERGED + timedelta(hours=n % 60)) for n in range(1000, 1400)]
    table = facts([*rows(0.6, 0.6), *early])

    assert verdict_of(table).result != "worked"


def test_corrections_are_counted_by_conversation_of_the_segment() -> None:
    segment = {"contact_level": "c_level"}
    made = rows(0, 0, agent="outreach", segments=segment, has_user=False)
    corrections = [
        a_correction(number, conversation_id=f"c-{number}", types=("opening_removed", "shortened"))
        for number in range(0, 120)
    ]
    past = a_merged(
        {"metric": "correction:opening_removed", "segment": segment}, agent="outreach", kind="rule"
    )

    verdict = verdict_of(facts(made), past, corrections=corrections)

    assert verdict.unit == "conversation"
    assert verdict.result == "worked"
    assert verdict.before is not None
    assert (verdict.before.failed, verdict.before.total) == (120, 200)


def a_reviewed(number: int, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"agent": "outreach", "outcomes": ["review_accepted"], "good": []}
    return a_fact(number, has_user=False, **{**values, **changes})


def test_only_reviewed_conversations_count_where_reviews_are_reported() -> None:
    before, after = MERGED - timedelta(days=9), MERGED + timedelta(days=9)
    table = facts(
        [
            a_reviewed(1, started_at=before),
            a_reviewed(2, started_at=before, outcomes=["review_edited"]),
            a_reviewed(3, started_at=before, outcomes=[]),
            a_reviewed(4, started_at=after),
            a_reviewed(5, started_at=after, outcomes=[]),
        ]
    )
    past = a_merged({"metric": "correction:opening_removed"}, agent="outreach", kind="rule")

    verdict = verdict_of(table, past, corrections=[a_correction(2)])

    assert verdict.before is not None
    assert verdict.after is not None
    assert (verdict.before.failed, verdict.before.total) == (1, 2)
    assert (verdict.after.failed, verdict.after.total) == (0, 1)


def test_a_segment_may_stand_on_the_correction_alone() -> None:
    segment = {"contact_level": "c_level"}
    table = facts(
        [
            a_reviewed(1, started_at=MERGED - timedelta(days=9)),
            a_reviewed(2, started_at=MERGED + timedelta(days=9), segments=segment),
        ]
    )
    past = a_merged(
        {"metric": "correction:opening_removed", "segment": segment}, agent="outreach", kind="rule"
    )

    verdict = verdict_of(table, past, corrections=[a_correction(1, segments=segment)])

    assert verdict.before is not None
    assert verdict.before.failed == 1


def test_conversations_that_nobody_judged_are_not_counted_as_good() -> None:
    silent = [{**row, "unit": f"s-{row['unit']}"} for row in rows(0, 0, outcomes=[], good=[])]
    table = facts([*rows(0.6, 0.3), *silent])

    verdict = verdict_of(table)

    assert verdict.before is not None
    assert (verdict.before.failed, verdict.before.total) == (120, 200)


@pytest.mark.parametrize(
    ("before", "after", "each", "result", "hit"),
    [
        pytest.param(0.20, 0.20, 2000, "worked", True, id="the-same"),
        pytest.param(0.20, 0.10, 400, "worked", True, id="even-better"),
        pytest.param(0.20, 0.35, 400, "harmed", False, id="missed"),
        pytest.param(0.20, 0.20, 60, "unknown", None, id="too-few-to-tell"),
        pytest.param(0.20, 0.24, 400, "unknown", None, id="perhaps-a-little-worse"),
    ],
)
def test_a_removal_worked_where_surely_nothing_got_worse_by_its_margin(
    before: float, after: float, each: int, result: str, hit: bool | None
) -> None:
    past = a_merged({"baseline_rate": before, "low": 0.0, "high": before + 0.05, "margin": 0.05})

    verdict = verdict_of(facts(rows(before, after, each=each)), past)

    assert (verdict.result, verdict.prediction_hit) == (result, hit)
    assert verdict.margin == 0.05
    opening = {
        "worked": "Weak evidence that nothing got worse by 5 points or more (before is only",
        "harmed": "Weak evidence that taking it out did harm (before is only",
        "unknown": "The data do not settle whether anything got worse: from",
    }
    assert verdict.sentence.startswith(opening[result])
    assert bool(verdict.needed) is (result == "unknown")
    assert not any("regression to the mean" in one for one in verdict.confounders)


def test_the_rate_of_lately_is_of_the_population_that_was_predicted_for() -> None:
    ours = rows(0.6, 0.3, intents=["i-cancel"])
    others = rows(0.9, 0.9, intents=["i-else"])
    table = facts([*ours, *others])

    def lately(past: PastProposal, **changes: Any) -> Any:
        given = {"facts": table, "corrections": (), "decisions": (), "now": NOW, **changes}
        return rate_lately(past, **given)

    found, unit = lately(a_merged({"intent_id": "i-cancel"}))

    assert (unit, found.rate) == ("user", pytest.approx(0.3, abs=0.02))
    assert 190 <= found.total <= 200
    assert lately(a_merged({"intent_id": "i-nobody"})) is None
    assert lately(a_merged(marker={"prediction": None})) is None


CHURN = {"churned": timedelta(days=28)}


def churned(rate: float, now: datetime) -> list[dict[str, Any]]:
    """Ten users a day from 28 days before the merge on; as many leave, evenly over 28 days.

    At `now` it is not known yet who of the newer ones will.
    """
    made = []
    for number in range(10 * ((now - MERGED).days + 28)):
        at = MERGED - timedelta(days=28) + number * DAY / 10
        leaves = (number * 7) % 10 < 10 * rate
        left = leaves and at + DAY * ((number * 11) % 28) <= now
        changes = {"outcomes": ["churned"], "bad": ["churned"]} if left else {"outcomes": []}
        made.append(a_fact(number, started_at=at, ended_at=at, good=[], **changes))
    return made


@pytest.mark.parametrize("days", [28, 35, 42, 49, 56])
def test_users_who_may_still_leave_do_not_count_as_if_they_had_stayed(days: int) -> None:
    now = MERGED + days * DAY
    past = a_merged({"metric": "churned", "baseline_rate": 0.4})

    found = measure(
        past, facts=facts(churned(0.4, now)), corrections=(), decisions=(), now=now, lags=CHURN
    )

    if days < 35:
        assert isinstance(found, Skipped)
        assert "of 35 days since it is live, as its outcome may come 28 days late" in found.reason
    else:
        assert isinstance(found, Verdict)
        assert found.days == days - 28
        assert found.result in ("no_effect", "unknown")
        assert found.difference == pytest.approx(0, abs=0.02)
        assert "“churned” may come up to 28 days later" in found.sentence


def test_what_comes_late_is_waited_for_longer() -> None:
    past = a_merged({"metric": "churned", "intent_id": "i-nobody"})

    def after(days: int) -> Verdict | Skipped:
        now = MERGED + days * DAY
        return measure(past, facts=facts([]), corrections=(), decisions=(), now=now, lags=CHURN)

    assert isinstance(after(62), Skipped)
    assert isinstance(after(64), Verdict)


def decisions(before: float, after: float, *, value_after: float = 0.57) -> list[Decision]:
    made = []
    for side, (start, rate) in enumerate([(MERGED - timedelta(days=28), before), (MERGED, after)]):
        for number in range(200):
            dismissed = int((number + 1) * rate + 1e-9) > int(number * rate + 1e-9)
            made.append(
                a_decision(
                    side * 200 + number,
                    at=start + timedelta(days=28) * (number + 0.5) / 200,
                    confidence=0.7,
                    threshold_value=value_after if side else 0.5,
                    response="dismiss" if dismissed else "approve",
                )
            )
    return made


def a_threshold_merged() -> PastProposal:
    return a_merged(
        {"metric": "dismissed"},
        agent="fraud-desk",
        kind="threshold",
        marker={"threshold": {"name": "fraud.flag", "from": 0.5, "to": 0.57}},
    )


def test_a_threshold_is_measured_by_dismissals_since_the_log_shows_it() -> None:
    verdict = verdict_of(past=a_threshold_merged(), decisions=decisions(0.6, 0.2))

    assert (verdict.result, verdict.unit) == ("worked", "decision")
    assert verdict.live_at > MERGED
    assert not any("went live in production was not seen" in one for one in verdict.confounders)


def test_a_threshold_that_production_does_not_use_yet_is_not_measured() -> None:
    skipped = skipped_of(
        facts([]), a_threshold_merged(), decisions=decisions(0.6, 0.2, value_after=0.5)
    )

    assert skipped.code == "not_live"
    assert "200 decisions since the merge still use 0.5 and not 0.57" in skipped.reason


def test_unanswered_young_and_silent_decisions_do_not_count() -> None:
    silent = [
        a_decision(900, at=NOW - timedelta(days=3), confidence=0.1, threshold_value=0.57),
        a_decision(901, at=NOW - timedelta(days=3), response=None, threshold_value=0.57),
        a_decision(902, at=NOW - timedelta(hours=40), confidence=0.9, threshold_value=0.57),
        a_decision(903, at=None, confidence=0.9, threshold_value=0.57),
    ]
    with_them = verdict_of(past=a_threshold_merged(), decisions=[*decisions(0.6, 0.2), *silent])
    without = verdict_of(past=a_threshold_merged(), decisions=decisions(0.6, 0.2))

    assert with_them.after == without.after


@pytest.mark.parametrize(
    ("past", "code"),
    [
        pytest.param(a_merged(marker={"prediction": None}), "no_prediction", id="none"),
        pytest.param(a_merged(marker={"prediction": "x"}), "no_prediction", id="a-text"),
        pytest.param(a_merged({"baseline_rate": 7}), "no_prediction", id="no-rate"),
        pytest.param(a_merged({"segment": [1]}), "no_prediction", id="no-segment"),
        pytest.param(a_merged(marker={"threshold": 3}), "no_prediction", id="no-threshold"),
        pytest.param(a_merged(merged_at=None), "not_merged", id="no-time"),
        pytest.param(a_merged({"intent_id": "i-nobody"}), "no_data", id="nobody"),
    ],
)
def test_what_cannot_be_measured_is_skipped_with_the_reason(past: PastProposal, code: str) -> None:
    assert skipped_of(facts(rows(0.6, 0.3)), past).code == code


def test_conversations_without_times_are_not_compared() -> None:
    table = facts(rows(0.6, 0.3, started_at=None, ended_at=None))

    assert skipped_of(table, a_merged()).code == "no_data"


def test_a_short_history_is_named() -> None:
    short = [row for row in rows(0.6, 0.3) if row["started_at"] > MERGED - timedelta(days=10)]

    assert "only 10 days of data before the change" in verdict_of(facts(short)).confounders


def test_what_is_never_seen_is_not_waited_for_for_ever() -> None:
    late = MERGED + timedelta(days=36)

    found = verdict_of(facts(rows(0.6, 0.3)), a_merged({"intent_id": "i-nobody"}), now=late)

    assert (found.result, found.before, found.after) == ("unknown", None, None)
    assert "stops waiting" in found.sentence


def test_the_clock_starts_when_the_changed_prompt_was_first_served() -> None:
    served_at = MERGED + timedelta(days=7)
    live = Live(is_visible=True, at=served_at, last_at=NOW)
    verdict = verdict_of(facts(rows(0.6, 0.3)), live=live)

    assert verdict.live_at == served_at
    assert not any("was not seen" in one for one in verdict.confounders)


def test_a_branch_that_was_served_before_its_merge_counts_from_the_merge() -> None:
    live = Live(is_visible=True, at=MERGED - timedelta(days=3), last_at=NOW)

    assert verdict_of(facts(rows(0.6, 0.3)), live=live).live_at == MERGED


def test_a_merge_that_production_does_not_serve_yet_is_not_measured() -> None:
    live = Live(is_visible=True, at=None, last_at=MERGED + timedelta(days=9))
    skipped = skipped_of(facts(rows(0.6, 0.3)), a_merged(), live=live, now=MERGED + 10 * DAY)

    assert skipped.code == "not_live"
    assert "after the merge, is the one before" in skipped.reason


@pytest.mark.parametrize(
    "live",
    [
        pytest.param(None, id="nothing-captured"),
        pytest.param(Live(is_visible=False, at=None, last_at=NOW), id="in-no-captured-file"),
        pytest.param(Live(is_visible=True, at=None, last_at=None), id="no-times"),
        pytest.param(
            Live(is_visible=True, at=None, last_at=MERGED - timedelta(days=1)), id="none-since"
        ),
    ],
)
def test_what_captured_prompts_cannot_show_counts_from_the_merge(live: Live | None) -> None:
    verdict = verdict_of(facts(rows(0.6, 0.3)), live=live)

    assert verdict.live_at == MERGED
    assert any("was not seen" in one for one in verdict.confounders)
