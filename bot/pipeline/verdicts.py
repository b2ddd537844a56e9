"""Measures what became of merged changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.measure import measure as measure_one
from bot.pipeline.understanding import Understanding
from bot.records import (
    UNMEASURED,
    Live,
    PastProposal,
    Skipped,
    Verdict,
)
from bot.versions import seen_live


def measure(
    understood: Understanding, past: Sequence[PastProposal], *, now: datetime
) -> tuple[tuple[Verdict, ...], tuple[Skipped, ...]]:
    """One verdict per merged proposal that has none yet; what is too early is skipped."""
    results = [
        measure_one(
            one,
            facts=understood.facts,
            corrections=understood.corrections,
            decisions=understood.decisions,
            others=past,
            live=_live(one, understood),
            now=now,
            lags=understood.lags,
        )
        for one in past
        if one.state == "merged"
        and one.verdict is None
        and one.kind not in UNMEASURED
        and one.is_measured
    ]
    return (
        tuple(result for result in results if isinstance(result, Verdict)),
        tuple(result for result in results if isinstance(result, Skipped)),
    )


def _live(past: PastProposal, understood: Understanding) -> Live | None:
    """What captured prompts and tools show of a merge; None where they are not known."""
    if understood.history is None or past.merge_sha is None:
        return None
    own = [one for one in understood.served if one.captured.agent == past.agent]
    return seen_live(own, past.merge_sha, understood.history)
