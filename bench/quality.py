"""How often the quality monitor cries wolf, and how soon it sees a real change. Simulated.

    python bench/quality.py [--products 8] [--seed 0]     (about four minutes on two cores)

Products whose days are normal for a year: traffic and rates have a weekly rhythm, days vary more
than chance (users come in bunches), traffic and rates drift slowly. Then the same products with one
metric that goes up by 10 or 20 points, for good or for a week. Another world than the monitor's
model: days vary by a beta distribution, volumes log-normally, holidays happen.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bot.quality import DayCount, watch
from bot.records import Alert

FIRST = date(2025, 1, 6)
YEAR = 364
METRICS = 16
"""As many as the monitor has signals."""
CHANGE_AT = 100
"""Day of the change, in a history of 140 days."""
TRAFFIC = (20, 50, 100, 300)
RESULTS = Path(__file__).parent / "results" / "quality.md"
Each = Callable[..., Iterator[Any]]
"""`map` of a pool of processes."""


def a_product(
    rng: np.random.Generator,
    *,
    days: int,
    volume: float,
    change: tuple[float, int, int] | None = None,
) -> list[DayCount]:
    """Counts of a year or less; `change` is (points, first day, day after the last) of metric 0."""
    weekly = np.array([1, 1.05, 1.05, 1, 0.9, 0.45, 0.4]) ** rng.uniform(0, 1.5)
    growth = np.exp(np.linspace(0, rng.normal(0, 0.3), YEAR))[:days]
    noise = np.exp(rng.normal(0, 0.12, days))
    sizes = rng.poisson(volume * growth * noise * np.resize(weekly, days))
    for holiday in rng.choice(days, max(1, days // 45), replace=False):
        sizes[holiday] = int(sizes[holiday] * rng.uniform(0.4, 0.8))
    counts = [
        DayCount(agent="a", metric="volume", day=_day(at), failed=int(n), total=int(n))
        for at, n in enumerate(sizes)
        if n
    ]
    for metric in range(METRICS):
        base = 0.15 if metric == 0 and change else float(np.exp(rng.uniform(-6, -1)))
        by_weekday = np.exp(rng.normal(0, 0.15, 7))
        drift = np.exp(np.linspace(0, rng.normal(0, 0.25), YEAR))[:days]
        rates = np.clip(base * np.resize(by_weekday, days) * drift, 0, 0.9)
        if metric == 0 and change:
            points, begin, end = change
            rates[begin:end] = np.minimum(rates[begin:end] + points, 0.98)
        together = rng.uniform(0.0005, 0.004)
        for at, n in enumerate(sizes):
            p = float(rates[at])
            today = rng.beta(p * (1 / together - 1), (1 - p) * (1 / together - 1))
            failed = int(rng.binomial(n, today))
            counts.append(
                DayCount(agent="a", metric=f"m{metric}", day=_day(at), failed=failed, total=int(n))
            )
    return counts


def _day(at: int) -> date:
    return FIRST + timedelta(days=at)


def as_run_daily(counts: list[DayCount], *, start: int, end: int) -> Iterator[tuple[int, Alert]]:
    """(day, alert) of every day's run, which knows its own day's past only."""
    announced: tuple[Alert, ...] = ()
    for at in range(start, end):
        first, last = _day(at - 126), _day(at)
        known = [one for one in counts if first <= one.day < last]
        now = datetime.combine(last, datetime.min.time(), UTC) + timedelta(hours=6)
        announced = watch(known, now=now, announced=announced).alerts
        yield from ((at, one) for one in announced)


def false_alarms(products: int, seed: int, each: Each) -> list[str]:
    rows = [
        "| conversations a day | product-years | alerts per product-year (16 metrics and volume) |"
    ]
    rows.append("| --- | --- | --- |")
    years = products // len(TRAFFIC)
    tasks = [(seed, volume, number) for volume in TRAFFIC for number in range(years)]
    found = list(each(_alerts_of_a_year, tasks))
    for at, volume in enumerate(TRAFFIC):
        alerts = sum(found[at * years : (at + 1) * years])
        rows.append(f"| {volume} | {years} | {alerts / years:.2f} |")
    return rows


def _alerts_of_a_year(task: tuple[int, int, int]) -> int:
    seed, volume, number = task
    rng = np.random.default_rng([1, volume, number, seed])
    counts = a_product(rng, days=YEAR, volume=volume)
    # A week at a time: what a daily run would see, at a seventh of the price.
    ids: set[str] = set()
    announced: tuple[Alert, ...] = ()
    for at in range(28, YEAR, 7):
        known = [one for one in counts if _day(at - 126) <= one.day < _day(at)]
        now = datetime.combine(_day(at), datetime.min.time(), UTC) + timedelta(hours=6)
        announced = watch(known, now=now, announced=announced).alerts
        ids |= {one.id for one in announced}
    return len(ids)


def detection(products: int, seed: int, each: Each) -> list[str]:
    rows = [
        "| conversations a day | change | episodes | seen after 1 day | after 3 | after 7 "
        "| after 14 | median days | alerts per episode | days until it is told to be over "
        "(median) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    number = products // len(TRAFFIC)
    cells = [(volume, points) for volume in TRAFFIC for points in (0.1, 0.2)]
    tasks = [(seed, *cell, one) for cell in cells for one in range(number)]
    found = list(each(_one_episode, tasks))
    for at, (volume, points) in enumerate(cells):
        own = found[at * number : (at + 1) * number]
        seen = np.array([delay for delay, _, _ in own])
        overs = [over for _, _, over in own if over is not None]
        shares = " | ".join(f"{100 * (seen <= d).mean():.0f} %" for d in (1, 3, 7, 14))
        median = float(np.median(seen))
        told = f"{median:.0f}" if np.isfinite(median) else "not seen"
        over_median = f"{np.median(overs):.0f}" if overs else "-"
        rows.append(
            f"| {volume} | 15 % + {100 * points:.0f} points for 14 days | {number} | {shares} "
            f"| {told} | {np.mean([alerts for _, alerts, _ in own]):.2f} | {over_median} |"
        )
    return rows


def _one_episode(task: tuple[int, int, float, int]) -> tuple[float, int, int | None]:
    """(days from the change to the run that tells, alerts in all, days from its end to the news)"""
    seed, volume, points, number = task
    end = CHANGE_AT + 14
    counts = a_product(
        np.random.default_rng([2, volume, number, seed]),
        days=CHANGE_AT + 35,
        volume=volume,
        change=(points, CHANGE_AT, end),
    )
    told: dict[str, int] = {}
    over: int | None = None
    for at, alert in as_run_daily(counts, start=CHANGE_AT + 1, end=CHANGE_AT + 35):
        if any(one.metric == "m0" for one in alert.departures):
            told.setdefault(alert.id, at)
            if alert.state != "open" and over is None and at >= end:
                over = at - end
    first = min(told.values(), default=None)
    return (float("inf") if first is None else first - CHANGE_AT), len(told), over


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=8, help="at least 4")
    parser.add_argument("--seed", type=int, default=0, help="another world of the same kind")
    given = parser.parse_args()
    products, seed = max(len(TRAFFIC), given.products), given.seed
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        alarms = false_alarms(products, seed, pool.map)
        seen = detection(products, seed, pool.map)
    text = "\n".join(
        [
            "# The quality monitor, on simulated products",
            "",
            f"`python bench/quality.py --products {products} --seed {seed}`, 2 cores, Python "
            "3.11. All data are simulated: weekly rhythm of traffic and rates, drift, holidays, "
            "days that vary more than chance. 16 rates from 0.25 % to 37 % each, and the volume.",
            "",
            "## Nothing is wrong",
            "",
            *alarms,
            "",
            "## One metric gets worse",
            "",
            "Runs are daily. Seen after one day: the run on the next morning tells.",
            "",
            *seen,
            "",
        ]
    )
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
