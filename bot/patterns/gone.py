"""Patterns that stood before and do not any more.

Takes the report of this run and what earlier ones kept; gives the report with what is gone. Said
only of the last weeks, and with the rate that the group has now, so that nobody takes "too few
conversations this time" for a repair.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.records import Gone, Pattern, PatternReport

TOLD = timedelta(days=28)
"""So long a pattern that is gone is worth a line."""


def gone_since(
    report: PatternReport, before: Iterable[tuple[Pattern, datetime]], *, now: datetime
) -> PatternReport:
    """`before` are patterns with the time at which a run last found them; newest first in
    `report.gone`. Agents that were not seen in this run say nothing."""
    standing = {one.id for one in report.patterns}
    agents = {one.agent for one in report.agents}
    gone = [
        Gone(pattern=pattern, last_stood=at, now=report.compared.get(pattern.id))
        for pattern, at in before
        if pattern.id not in standing and pattern.agent in agents and now - at <= TOLD
    ]
    gone.sort(key=lambda one: (-one.last_stood.timestamp(), -one.pattern.priority, one.pattern.id))
    return replace(report, gone=tuple(gone))
