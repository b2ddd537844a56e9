"""One metric by day with its band, as a drawing for the page: no script, numbers in its titles."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from bot.figures import percent
from bot.quality.alarm import DayPoint, Rhythm, metric_name
from bot.quality.counts import VOLUME

SHOWN_DAYS = 84
DAY_PX = 6
HEIGHT_PX = 80
_KEPT_FREE = 1.15
"""So much of the highest value is the top."""


def rhythm_figure(rhythm: Rhythm) -> Element:
    """An `svg` of the last twelve weeks: band, expected value, and a bar for each day.

    Classes: `band`, `expected`, `day`, and `day alarm` for days of an episode.
    """
    days = rhythm.days[-SHOWN_DAYS:]
    top = max([*(_value(one, rhythm.metric) for one in days), *(_high(one) for one in days), 1e-9])
    top *= _KEPT_FREE
    label = f"{rhythm.agent}: {metric_name(rhythm.metric)} by day"
    figure = Element(
        "svg",
        {
            "width": str(DAY_PX * max(1, len(days))),
            "height": str(HEIGHT_PX),
            "role": "img",
            "class": "rhythm",
            "aria-label": label,
        },
    )
    for at, day in enumerate(days):
        if day.band is not None:
            high, low = _y(min(day.band.high, top), top), _y(day.band.low, top)
            _rect(figure, at, high, max(0.5, low - high), "band")
        if day.total:
            y = _y(_value(day, rhythm.metric), top)
            bar = _rect(figure, at, y, HEIGHT_PX - y, "day alarm" if day.is_alarm else "day")
            SubElement(bar, "title").text = _told(day, rhythm.metric)
        if day.expected is not None:
            _rect(figure, at, _y(day.expected, top), 1.0, "expected")
    return figure


def _rect(figure: Element, at: int, y: float, height: float, kind: str) -> Element:
    width = DAY_PX - 2 if kind.startswith("day") else DAY_PX
    return SubElement(
        figure,
        "rect",
        {
            "x": str(DAY_PX * at),
            "y": f"{y:.1f}",
            "width": str(width),
            "height": f"{height:.1f}",
            "class": kind,
        },
    )


def _told(day: DayPoint, metric: str) -> str:
    if metric == VOLUME:
        expected = "" if day.expected is None else f", {day.expected:,.0f} expected"
        return f"{day.day.isoformat()}: {day.total:,}{expected}"
    expected = "" if day.expected is None else f", {percent(day.expected)} expected"
    return f"{day.day.isoformat()}: {day.failed:,} of {day.total:,}{expected}"


def _value(day: DayPoint, metric: str) -> float:
    if metric == VOLUME:
        return float(day.total)
    return day.failed / day.total if day.total else 0.0


def _high(day: DayPoint) -> float:
    return day.expected * 1.5 if day.expected is not None else 0.0


def _y(value: float, top: float) -> float:
    return HEIGHT_PX * (1 - min(1.0, value / top))
