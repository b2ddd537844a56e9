"""Numbers as people read them: `43 % (35-51)`, `+19 points (9-28)`, `4,182 conversations`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.records import Interval, WeekRate

MINUS = "\u2212"
_TO = "\u2013"
_BLOCKS = "▁▂▃▄▅▆▇█"


def percent(rate: float) -> str:
    """`43 %`; with one decimal under 1 %, so that a rare event is not printed as none."""
    value = 100 * rate
    return f"{_number(value, 1 if 0 < abs(value) < 0.95 else 0)} %"


def rate(value: float, interval: Interval | None) -> str:
    """`43 % (35-51)`: a rate of 0..1 with its interval."""
    return f"{percent(value)}{_range(interval)}"


def points(difference: float, interval: Interval | None = None) -> str:
    """`+19 points (9-28)`: a difference of two rates."""
    digits = 1 if 0 < abs(difference) < 0.0095 else 0
    sign = "+" if round(100 * difference, digits) > 0 else ""
    return f"{sign}{_number(100 * difference, digits)} points{_range(interval)}"


def span(interval: Interval) -> str:
    """`6-20 %`, or `-3 … 2 %` where a dash would read as a minus."""
    return f"{_bounds(interval)} %"


def count(number: int, noun: str) -> str:
    """`1 user`, `4,182 conversations`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def dollars(usd: float) -> str:
    """`$4.98`; an amount that would be printed as none is `under $0.01`."""
    return "under $0.01" if 0 < usd < 0.005 else f"${usd:.2f}"


def day(at: datetime) -> str:
    return at.date().isoformat()


def bars(weeks: Sequence[WeekRate]) -> str:
    """One block per week, against the highest week; a dot where a week has no data."""
    top = max((week.failed / week.total for week in weeks if week.total), default=0.0)
    return "".join(_block(week, top) for week in weeks)


def _block(week: WeekRate, top: float) -> str:
    if not week.total:
        return "·"
    share = week.failed / week.total / top if top else 0.0
    return _BLOCKS[min(len(_BLOCKS) - 1, int(share * len(_BLOCKS)))]


def _range(interval: Interval | None) -> str:
    return "" if interval is None else f" ({_bounds(interval)})"


def _bounds(interval: Interval) -> str:
    low, high = (_number(100 * bound, 0) for bound in (interval.low, interval.high))
    return f"{low} … {high}" if MINUS in low + high else f"{low}{_TO}{high}"


def _number(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", MINUS)
