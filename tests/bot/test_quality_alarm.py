"""The quality monitor: an alarm for a change, none for the weekly rhythm, told once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from xml.etree.ElementTree import tostring

import numpy as np
import pytest

from bot.quality import DayCount, day_counts, merged_counts, watch
from bot.quality.figure import rhythm_figure
from bot.quality.rhythm import Expectation, rate_band
from tests.bot.builders import a_fact, facts

MONDAY = date(2026, 6, 1)
ABANDONED = "signal:abandonment"


def days(
    rates: list[float], *, n: int = 100, metric: str = ABANDONED, agent: str = "support"
) -> list[DayCount]:
    """One count per day from MONDAY on; a day without users where the rate is negative."""
    return [
        DayCount(
            agent=agent,
            metric=metric,
            day=MONDAY + timedelta(days=at),
            failed=round(n * rate),
            total=n,
        )
        for at, rate in enumerate(rates)
        if rate >= 0
    ]


def by_chance(rates: list[float], *, n: int = 100, seed: int = 0) -> list[DayCount]:
    rng = np.random.default_rng(seed)
    return [
        DayCount(
            agent="support",
            metric=ABANDONED,
            day=MONDAY + timedelta(days=at),
            failed=int(rng.binomial(n, rate)),
            total=n,
        )
        for at, rate in enumerate(rates)
    ]


def on(day: int) -> datetime:
    """The morning of that day: the day before is the last whole one."""
    return datetime.combine(MONDAY + timedelta(days=day), datetime.min.time(), UTC) + timedelta(
        hours=6
    )


def test_a_failure_that_starts_today_is_known_tomorrow():
    counts = by_chance([0.15] * 42 + [0.40])

    (alert,) = watch(counts, now=on(43)).alerts

    (departure,) = alert.departures
    assert (alert.state, alert.since) == ("open", MONDAY + timedelta(days=42))
    assert (departure.metric, departure.total) == (ABANDONED, 100)
    assert departure.band.low < departure.expected < departure.band.high < departure.value
    assert "abandonment 4" in alert.sentence
    assert "expected" in alert.sentence


def test_a_small_but_lasting_change_is_seen_after_some_days():
    counts = by_chance([0.15] * 42 + [0.23] * 14)

    assert watch(counts[:43], now=on(43)).alerts == ()
    (alert,) = watch(counts, now=on(56)).alerts
    assert abs((alert.since - MONDAY).days - 42) <= 4


def test_the_rhythm_of_the_week_is_no_alarm():
    week = [0.10, 0.10, 0.10, 0.10, 0.15, 0.40, 0.45]

    watched = watch(by_chance(week * 9), now=on(63))

    assert watched.alerts == ()
    saturday, monday = watched.rhythms[0].days[-2], watched.rhythms[0].days[-7]
    assert saturday.expected == pytest.approx(0.40, abs=0.06)
    assert monday.expected == pytest.approx(0.10, abs=0.04)


def test_a_monday_as_bad_as_a_saturday_is_an_alarm():
    week = [0.10, 0.10, 0.10, 0.10, 0.15, 0.40, 0.45]

    (alert,) = watch(by_chance([*week * 6, 0.45]), now=on(43)).alerts

    assert alert.since == MONDAY + timedelta(days=42)


def test_three_weeks_of_days_are_needed_before_anything_is_said():
    watched = watch(by_chance([0.10] * 20 + [0.60]), now=on(21))

    assert watched.alerts == ()
    assert watched.young == ("support",)


def test_a_change_for_the_better_is_no_alarm():
    assert watch(by_chance([0.40] * 42 + [0.05] * 5), now=on(47)).alerts == ()


def test_a_change_of_a_point_wakes_nobody_however_sure_it_is():
    rates = [0.10] * 42 + [0.115] * 10

    assert watch(days(rates, n=20_000), now=on(52)).alerts == ()


def test_a_rare_failure_that_becomes_frequent_alarms_below_three_points():
    (alert,) = watch(by_chance([0.001] * 42 + [0.02] * 3, n=500), now=on(45)).alerts

    assert alert.departures[0].value < 0.03


def test_one_odd_day_in_the_past_does_not_hide_the_next_one():
    rates = [0.10] * 42
    rates[30] = 0.12

    assert watch(by_chance([*rates, 0.40]), now=on(43)).alerts


def test_the_alert_keeps_its_id_and_is_closed_once_when_it_is_over():
    counts = by_chance([0.15] * 42 + [0.40] * 5 + [0.15] * 12)
    told: dict[str, list[str]] = {}
    announced = ()

    for day in range(43, 60):
        known = [one for one in counts if one.day < on(day).date()]
        announced = watch(known, now=on(day), announced=announced).alerts
        for alert in announced:
            states = told.setdefault(alert.id, [])
            if alert.state not in states[-1:]:
                states.append(alert.state)

    assert list(told.values()) == [["open", "recovered"]]


def test_a_recovery_names_its_day():
    counts = by_chance([0.15] * 42 + [0.45] * 4 + [0.15] * 5)

    (alert,) = watch(counts, now=on(51)).alerts

    assert alert.state == "recovered"
    assert MONDAY + timedelta(days=46) <= alert.last_day <= MONDAY + timedelta(days=48)
    assert "Back in its rhythm" in alert.sentence


def test_what_stays_for_four_weeks_is_the_rhythm_and_is_said_to_be():
    counts = by_chance([0.15] * 42 + [0.40] * 40)

    (alert,) = watch(counts[: 42 + 32], now=on(42 + 32)).alerts
    assert alert.state == "settled"
    watched = watch(counts, now=on(82))
    assert [one for one in watched.alerts if one.state == "open"] == []
    assert watched.rhythms[0].days[-1].expected == pytest.approx(0.40, abs=0.05)


def test_several_metrics_of_one_incident_are_one_alert():
    counts = [
        one
        for metric in (ABANDONED, "signal:tool_error", "outcome:failed")
        for one in days([0.1, 0.12] * 21 + [0.5, 0.5], metric=metric)
    ]

    (alert,) = watch(counts, now=on(44)).alerts

    assert len(alert.departures) == 3


def test_agents_have_alerts_of_their_own():
    counts = [
        *days([0.1, 0.12] * 21 + [0.5]),
        *days([0.1, 0.12] * 21 + [0.5], agent="sales"),
        *days([0.1, 0.12] * 21 + [0.1], agent="quiet"),
    ]

    alerts = watch(counts, now=on(43)).alerts

    assert {one.agent for one in alerts} == {"support", "sales"}
    assert len({one.id for one in alerts}) == 2


def test_a_silent_day_of_a_busy_agent_is_an_alarm():
    volume = [
        DayCount(
            agent="support",
            metric="volume",
            day=MONDAY + timedelta(days=at),
            failed=100 + at % 3,
            total=100 + at % 3,
        )
        for at in range(42)
    ]

    (alert,) = watch(volume, now=on(43)).alerts

    assert alert.departures[0].metric == "volume"
    assert "conversations a day" in alert.sentence


def test_an_agent_whose_log_ended_long_ago_is_not_told_of_today():
    counts = days([0.1, 0.12] * 21 + [0.6])

    assert watch(counts, now=on(120)).alerts == ()


def test_an_alert_that_later_data_take_back_is_told_to_be_over():
    before = by_chance([0.15] * 42 + [0.40])
    announced = watch(before, now=on(43)).alerts
    after = by_chance([0.15] * 43)

    (alert,) = watch(after, now=on(43), announced=announced).alerts

    assert (alert.id, alert.state) == (announced[0].id, "recovered")
    assert "arrived later" in alert.sentence


def test_the_band_is_wider_where_days_vary_more_than_chance():
    plain = rate_band(Expectation(value=0.2, dispersion=1.0), 100)
    bunched = rate_band(Expectation(value=0.2, dispersion=4.0), 100)

    assert plain.low == pytest.approx(0.109, abs=0.005)
    assert plain.high == pytest.approx(0.311, abs=0.005)
    assert bunched.high - bunched.low > 1.8 * (plain.high - plain.low)


# -- counts ----------------------------------------------------------------------------------------


def test_a_user_who_fails_ten_times_in_a_day_counts_once():
    rows = [a_fact(number, unit="u-1", signals=["tool_error"]) for number in range(10)]

    (count,) = [one for one in day_counts(facts(rows)) if one.metric == "signal:tool_error"]

    assert (count.failed, count.total) == (1, 1)


def test_where_only_failures_are_declared_the_others_went_well():
    rows = [a_fact(1, outcomes=[], good=[]), a_fact(2, failed=True)]
    rows[0]["outcomes"] = []

    (count,) = [one for one in day_counts(facts(rows)) if one.metric == "outcome:failed"]

    assert (count.failed, count.total) == (1, 2)


def test_where_nothing_is_declared_of_a_conversation_it_is_not_judged():
    rows = [a_fact(1), a_fact(2, failed=True), a_fact(3, outcomes=[], good=[])]

    (count,) = [one for one in day_counts(facts(rows)) if one.metric == "outcome:failed"]

    assert (count.failed, count.total) == (1, 2)


def test_a_judged_criterion_is_counted_among_what_was_judged():
    judged = {"grounding": {("support", "c-1"): True, ("support", "c-2"): False}}

    counts = day_counts(facts([a_fact(1), a_fact(2), a_fact(3)]), judged)

    (count,) = [one for one in counts if one.metric == "judged:grounding"]
    assert (count.failed, count.total) == (1, 2)


def test_what_lies_in_the_window_is_counted_again_and_what_lies_before_stays():
    before = days([0.1, 0.2, 0.3])
    again = days([0.5, 0.5, 0.5])

    merged = merged_counts(before, again, since=MONDAY + timedelta(days=1), now=on(3))

    assert [one.failed for one in merged] == [10, 50, 50]


# -- the drawing -----------------------------------------------------------------------------------


def test_the_drawing_shows_each_day_its_band_and_the_alarm():
    rates = [0.1, 0.12] * 21 + [0.5]
    (rhythm,) = watch(days(rates), now=on(43)).rhythms

    figure = rhythm_figure(rhythm)

    kinds = [one.get("class") for one in figure.iter("rect")]
    titles = [one.text for one in figure.iter("title")]
    assert kinds.count("day") == 41  # The first day is left out.
    assert kinds.count("day alarm") == 1
    assert kinds.count("band") == kinds.count("expected") > 20
    assert titles[-1] == "2026-07-13: 50 of 100, 11 % expected"


def test_a_drawing_keeps_names_as_text():
    (rhythm,) = watch(days([0.1] * 30, agent="<script>"), now=on(30)).rhythms

    written = tostring(rhythm_figure(rhythm), encoding="unicode")

    assert "<script>" not in written
