"""What comes first: severity * affected (lower bound) * 1/(effort + 1) * (1 - risk)."""

from __future__ import annotations

from collections.abc import Mapping

from bot.records import Interval, PatternKind

SEVERITY: Mapping[str, float] = {"churned": 2.0, "failure": 1.0, "abandoned": 1.0}
"""Of declared outcomes; any other bad outcome counts as a failure."""
SHOWN_SEVERITY = 0.5
"""Of signals, corrections and dismissals: work or annoyance, but nobody said that it failed."""
EFFORT: Mapping[PatternKind, float] = {"correction": 1.0, "threshold": 1.0, "outcome": 2.0}
"""Of a reviewer: one line or one number, against a change that has to be thought through."""
RISK: Mapping[PatternKind, float] = {"correction": 0.1, "threshold": 0.2, "outcome": 0.3}
"""That the change does harm elsewhere; our estimate until verdicts tell."""


def severity_of(kind: PatternKind, outcome: str) -> float:
    if kind != "outcome" or outcome.startswith("signal:"):
        return SHOWN_SEVERITY
    return SEVERITY.get(outcome, 1.0)


def priority_of(kind: PatternKind, severity: float, rate: Interval, units: int) -> float:
    """Bigger is first. `rate` is the interval of the pattern's rate, `units` its group's size."""
    return severity * rate.low * units / (EFFORT[kind] + 1) * (1 - RISK[kind])
