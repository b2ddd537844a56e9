"""The formulas against published and computed vectors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bot.statistics import (
    clustered_p_value,
    failure_rate,
    linear_trend,
    q_values,
    risk_difference,
    risk_ratio,
    two_rates_p_value,
    units_for_power,
)


@pytest.mark.parametrize(
    ("failed", "total", "low", "high"),
    [
        pytest.param(3, 10, 0.10779, 0.60322, id="small"),
        pytest.param(0, 20, 0.0, 0.16113, id="no-failure-still-has-width"),
        pytest.param(150, 1000, 0.12921, 0.17347, id="large"),
        pytest.param(10, 10, 0.72247, 1.0, id="all-failed-is-not-certainty"),
    ],
)
def test_wilson_interval(failed: int, total: int, low: float, high: float) -> None:
    estimate = failure_rate(failed, total)

    assert estimate.interval.low == pytest.approx(low, abs=1e-5)
    assert estimate.interval.high == pytest.approx(high, abs=1e-5)


@pytest.mark.parametrize(("failed", "total"), [(0, 0), (3, 2), (-1, 5)])
def test_what_is_no_rate_is_an_error(failed: int, total: int) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        failure_rate(failed, total)


def test_newcombe_interval_of_a_difference() -> None:
    difference, interval = risk_difference(failure_rate(15, 50), failure_rate(5, 50))

    assert difference == pytest.approx(0.2)
    assert (interval.low, interval.high) == pytest.approx((0.04259, 0.34866), abs=1e-5)


def test_risk_ratio_has_the_log_normal_interval() -> None:
    ratio, interval = risk_ratio(failure_rate(15, 50), failure_rate(5, 50))
    spread = 1.959964 * math.sqrt(1 / 15 - 1 / 50 + 1 / 5 - 1 / 50)

    assert ratio == pytest.approx(3.0)
    assert interval.low == pytest.approx(3 * math.exp(-spread), rel=1e-5)
    assert interval.high == pytest.approx(3 * math.exp(spread), rel=1e-5)


def test_risk_ratio_with_an_empty_cell_is_finite() -> None:
    ratio, interval = risk_ratio(failure_rate(5, 10), failure_rate(0, 10))

    assert ratio == pytest.approx((5.5 / 11) / (0.5 / 11))
    assert 0 < interval.low < ratio < interval.high < math.inf


@pytest.mark.parametrize(
    ("group", "others", "expected"),
    [
        pytest.param((8, 10), (1, 6), 0.034965, id="small-counts-use-fisher"),
        pytest.param((60, 100), (40, 100), 0.004678, id="large-counts-use-chi-squared"),
        pytest.param((0, 10), (0, 30), 1.0, id="nobody-failed"),
        pytest.param((10, 10), (30, 30), 1.0, id="everybody-failed"),
    ],
)
def test_p_of_two_rates(group: tuple[int, int], others: tuple[int, int], expected: float) -> None:
    p_value = two_rates_p_value(failure_rate(*group), failure_rate(*others))

    assert p_value == pytest.approx(expected, abs=1e-6)


def test_benjamini_hochberg_accepts_two_at_five_percent_and_six_at_ten() -> None:
    p_values = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216]

    q = q_values(p_values)

    assert sum(value <= 0.05 for value in q) == 2
    assert sum(value <= 0.10 for value in q) == 6
    assert q_values([]) == []


def test_clusters_widen_what_rows_of_the_same_user_say() -> None:
    in_group = np.repeat([True, False], 100)
    failed = np.concatenate([np.arange(100) < 60, np.arange(100) < 40])
    alone, in_tens = np.arange(200), np.arange(200) // 10

    by_row = clustered_p_value(in_group, failed, alone)
    by_user = clustered_p_value(in_group, failed, in_tens)

    assert by_row == pytest.approx(0.0046, abs=0.001)
    assert by_user > 10 * by_row


def test_a_group_without_others_cannot_differ() -> None:
    everyone = np.ones(4, dtype=np.bool_)

    assert clustered_p_value(everyone, np.array([True, False, True, False]), np.arange(4)) == 1.0


@pytest.mark.parametrize(
    ("failed", "total", "direction", "significant"),
    [
        pytest.param([2, 5, 9, 14], [40, 40, 40, 40], 1, True, id="rises"),
        pytest.param([14, 9, 5, 2], [40, 40, 40, 40], -1, True, id="falls"),
        pytest.param([5, 6, 5, 6], [40, 40, 40, 40], 1, False, id="steady"),
        pytest.param([0, 0, 0], [40, 40, 40], 0, False, id="nothing-failed"),
        pytest.param([5, 0, 0], [40, 0, 0], 0, False, id="one-week-only"),
    ],
)
def test_linear_trend(
    failed: list[int], total: list[int], direction: int, significant: bool
) -> None:
    found, p_value = linear_trend(failed, total)

    assert found == direction
    assert (p_value < 0.05) == significant


def test_linear_trend_equals_the_textbook_statistic() -> None:
    # Agresti, Categorical Data Analysis: 2xJ table, scores 0 1 2, z from the definition.
    failed, total = [10, 15, 25], [50, 50, 50]
    rate = 50 / 150
    statistic = sum(
        step * (f - n * rate) for step, f, n in zip(range(3), failed, total, strict=True)
    )
    variance = rate * (1 - rate) * sum(n * (step - 1) ** 2 for step, n in enumerate(total))

    _, p_value = linear_trend(failed, total)

    assert p_value == pytest.approx(math.erfc(statistic / math.sqrt(2 * variance)), rel=1e-9)


def test_units_for_power() -> None:
    assert units_for_power(0.2, -0.04) == pytest.approx(1447, abs=8)
    assert units_for_power(0.2, 0.0) is None
    assert units_for_power(0.05, -0.1) is None
