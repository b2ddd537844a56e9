"""What another threshold would have done with the decisions that are in the log: exact, no model.

Takes decisions with scores and people's responses; gives counts, rates and their intervals. Where
a score stayed below the threshold nobody was asked, so below it only labelled samples count.
Intervals come from drawing whole sessions again, because decisions of one session are alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bot.records import Decision, Interval, RateEstimate
from bot.statistics import failure_rate

RESPONSE_LAG = timedelta(hours=48)
"""People answer within two days; younger decisions would count as unanswered or as easy ones."""
MISSED_COST = 3.0
"""One needed action that nobody saw costs as much as three that somebody had to dismiss."""
MISSED_ALLOWANCE = 0.10
"""Largest share of needed actions that a change may hide, at the upper end of its interval."""
DRAWS = 1000
_CELLS = 1_000_000
_ONE_SIDED = 0.9
"""Level of an interval of which only one end matters: 5 % beyond it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A decision with a score that a person has judged."""

    id: str
    session: str
    score: float
    needed: bool
    """Approved, modified or escalated; False where it was dismissed."""
    input: str
    """What identifies its input: equal inputs are one piece of evidence."""
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """What people would have seen at one threshold."""

    shown: int
    dismissed: int
    missed: int
    """Needed, but scored below the threshold."""

    @property
    def cost(self) -> float:
        return self.dismissed + MISSED_COST * self.missed

    @property
    def dismissal(self) -> RateEstimate | None:
        """Dismissed of shown; None where nothing would have been shown."""
        return failure_rate(self.dismissed, self.shown) if self.shown else None


def settled(decisions: Iterable[Decision], *, now: datetime) -> list[Decision]:
    """Decisions with a score that people have had 48 hours to answer, oldest first."""
    old_enough = (
        (decision.at, decision)
        for decision in decisions
        if decision.confidence is not None
        and decision.at is not None
        and decision.at <= now - RESPONSE_LAG
    )
    return [decision for _, decision in sorted(old_enough, key=lambda pair: (pair[0], pair[1].id))]


def answered(decisions: Iterable[Decision], *, now: datetime) -> tuple[Answered, ...]:
    """The settled decisions that somebody answered, oldest first."""
    return tuple(
        Answered(
            id=decision.id,
            session=decision.conversation_id or decision.user_id or decision.id,
            score=decision.confidence,
            needed=decision.response != "dismiss",
            input=decision.input_hash or decision.conversation_id or decision.id,
            at=decision.at,
        )
        for decision in settled(decisions, now=now)
        if decision.response is not None
        and decision.confidence is not None
        and decision.at is not None
    )


def halves(items: Sequence[Answered]) -> tuple[tuple[Answered, ...], tuple[Answered, ...]]:
    """The older and the newer half; a session is in one of them only."""
    order = list(dict.fromkeys(item.session for item in items))
    older: set[str] = set()
    sizes = dict.fromkeys(order, 0)
    for item in items:
        sizes[item.session] += 1
    taken = 0
    for session in order:
        if taken + sizes[session] / 2 > len(items) / 2:
            break
        older.add(session)
        taken += sizes[session]
    return (
        tuple(item for item in items if item.session in older),
        tuple(item for item in items if item.session not in older),
    )


def replay(items: Iterable[Answered], threshold: float) -> Replay:
    """Counts as if `threshold` had decided what people see."""
    shown = dismissed = missed = 0
    for item in items:
        if item.score >= threshold:
            shown += 1
            dismissed += not item.needed
        else:
            missed += item.needed
    return Replay(shown=shown, dismissed=dismissed, missed=missed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """An estimate with its interval over sessions."""

    estimate: float
    interval: Interval
    sessions: int


def missed_change(items: Sequence[Answered], old: float, new: float, *, seed: int) -> Change:
    """Change of the share of needed actions that nobody sees, -1..1, with a 90 % interval.

    Its upper end is what matters, so 5 % lie beyond it. It is never below Wilson's: none hidden
    among few needed ones proves little, and drawing zeros again gives nothing but zeros.
    """
    needed = [item for item in items if item.needed]
    change = _ratio_change(
        needed,
        [(float(item.score < new) - float(item.score < old), 1.0) for item in needed],
        seed=seed,
        level=_ONE_SIDED,
    )
    if new <= old or not needed:
        return change
    hidden = sum(old <= item.score < new for item in needed)
    wilson = failure_rate(hidden, len(needed), level=_ONE_SIDED).interval.high
    found = change.interval
    interval = Interval(low=found.low, high=max(found.high, wilson), level=found.level)
    return Change(estimate=change.estimate, interval=interval, sessions=change.sessions)


def cost_change(items: Sequence[Answered], old: float, new: float, *, seed: int) -> Change:
    """Change of the cost per answered decision: dismissed ones, and three for each missed one."""

    def cost(item: Answered, threshold: float) -> float:
        if item.needed:
            return MISSED_COST * (item.score < threshold)
        return float(item.score >= threshold)

    rows = [(cost(item, new) - cost(item, old), 1.0) for item in items]
    return _ratio_change(items, rows, seed=seed)


def dismissal_change(items: Sequence[Answered], old: float, new: float, *, seed: int) -> Change:
    """Change of the dismissal rate among what is shown, -1..1."""

    def row(item: Answered, threshold: float) -> tuple[float, float]:
        shown = float(item.score >= threshold)
        return (shown * (not item.needed), shown)

    after = [row(item, new) for item in items]
    before = [row(item, old) for item in items]
    draws = _session_sums(items, [(*a, *b) for a, b in zip(after, before, strict=True)], seed=seed)
    rates_after, rates_before = _share(draws[:, 0], draws[:, 1]), _share(draws[:, 2], draws[:, 3])
    return _change(rates_after - rates_before, items)


def _ratio_change(
    items: Sequence[Answered],
    rows: Sequence[tuple[float, float]],
    *,
    seed: int,
    level: float = 0.95,
) -> Change:
    draws = _session_sums(items, rows, seed=seed)
    return _change(_share(draws[:, 0], draws[:, 1]), items, level=level)


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _change(
    values: NDArray[np.float64], items: Sequence[Answered], *, level: float = 0.95
) -> Change:
    """The first value is the estimate, the others are its draws; without any, all is possible."""
    tail = 50 * (1 - level)
    low, high = np.percentile(values[1:], [tail, 100 - tail]) if len(values) > 1 else (-1.0, 1.0)
    return Change(
        estimate=float(values[0]),
        interval=Interval(low=float(low), high=float(high), level=level),
        sessions=len({item.session for item in items}),
    )


def _session_sums(
    items: Sequence[Answered], rows: Sequence[tuple[float, ...]], *, seed: int
) -> NDArray[np.float64]:
    """Column sums of `rows`: as they are in the first line, then of `DRAWS` draws of sessions."""
    if not items:
        return np.zeros((1, 4))
    index = {session: at for at, session in enumerate(dict.fromkeys(i.session for i in items))}
    sums = np.zeros((len(index), len(rows[0])))
    np.add.at(sums, [index[item.session] for item in items], np.array(rows, dtype=np.float64))
    rng = np.random.default_rng(seed)
    chances = np.full(len(index), 1 / len(index))
    # In parts: a table of all draws and all sessions would not fit for a busy agent.
    part = max(1, min(DRAWS, _CELLS // len(index)))
    drawn = [
        rng.multinomial(len(index), chances, size=min(part, DRAWS - done)) @ sums
        for done in range(0, DRAWS, part)
    ]
    return np.vstack([sums.sum(axis=0), *drawn])
