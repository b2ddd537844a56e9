"""Is the change better on cases that had no part in making it?

Takes a proposal and its pattern; gives pass, fail or inconclusive with intervals. Thresholds are
replayed exactly on the newer half of the decisions. Every other kind would need the agent to run
again, which is not done yet: the result says so and is inconclusive. Costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.figures import MINUS, points
from bot.records import GateCheck, GateResult, GateVerdict, Pattern, Proposal, ThresholdMove
from bot.replay import (
    MISSED_ALLOWANCE,
    Answered,
    Change,
    answered,
    cost_change,
    dismissal_change,
    halves,
    missed_change,
    replay,
)

MIN_SESSIONS = 10
"""Drawing fewer sessions again says nothing about others."""
MIN_RELATIVE_IMPROVEMENT = 0.05


def gate(proposal: Proposal, pattern: Pattern, *, now: datetime, seed: int = 0) -> GateResult:
    """The gate's result for one proposal. `fail` means that no pull request is opened."""
    if proposal.threshold is None:
        return GateResult(
            verdict="inconclusive",
            sentence="Not replayed: this needs the agent to answer again, which is not done yet; "
            "what happens after the merge is measured.",
        )
    newer = halves(answered(pattern.decisions, now=now))[1]
    sessions = len({item.session for item in newer})
    if sessions < MIN_SESSIONS:
        return GateResult(
            verdict="inconclusive",
            sentence=f"{len(newer)} unseen decisions of {sessions} sessions; {MIN_SESSIONS} "
            "sessions are needed for an interval.",
        )
    checks = (
        _dismissals(newer, proposal.threshold, seed=seed),
        _missed(newer, proposal.threshold, seed=seed),
        _cost(newer, proposal.threshold, seed=seed),
    )
    verdict = _together([check.verdict for check in checks])
    return GateResult(
        verdict=verdict,
        sentence=f"Replayed on {len(newer)} newer decisions that had no part in the choice: "
        + "; ".join(
            f"{check.name} {check.sentence}" + f" {check.verdict}" * (check.verdict != verdict)
            for check in checks
        )
        + ".",
        checks=checks,
    )


def _together(verdicts: Sequence[GateVerdict]) -> GateVerdict:
    if "fail" in verdicts:
        return "fail"
    return "pass" if set(verdicts) == {"pass"} else "inconclusive"


def _dismissals(items: Sequence[Answered], move: ThresholdMove, *, seed: int) -> GateCheck:
    """A raise must lower the dismissal rate; a lower one may raise it within the allowance."""
    change = dismissal_change(items, move.old, move.new, seed=seed)
    before = replay(items, move.old).dismissal
    wanted = MIN_RELATIVE_IMPROVEMENT * (before.rate if before else 0.0)
    if move.new < move.old:
        verdict = _at_most(change, MISSED_ALLOWANCE)
    elif change.interval.low > 0:
        verdict = "fail"
    else:
        better = change.estimate <= -wanted and change.interval.high < 0
        verdict = "pass" if better else "inconclusive"
    return _check("dismissal rate", change, verdict, len(items))


def _missed(items: Sequence[Answered], move: ThresholdMove, *, seed: int) -> GateCheck:
    """What people needed must still be shown, but for an allowance that is proven."""
    change = missed_change(items, move.old, move.new, seed=seed)
    needed = sum(item.needed for item in items)
    return _check("needed but not shown", change, _at_most(change, MISSED_ALLOWANCE), needed)


def _cost(items: Sequence[Answered], move: ThresholdMove, *, seed: int) -> GateCheck:
    """Dismissed decisions and three times the missed ones together must not get more."""
    change = cost_change(items, move.old, move.new, seed=seed)
    verdict: GateVerdict = "inconclusive"
    if change.interval.low > 0:
        verdict = "fail"
    elif change.interval.high < 0:
        verdict = "pass"
    return GateCheck(
        name="cost per decision",
        verdict=verdict,
        sentence=f"{change.estimate:+.2f} ({change.interval.low:+.2f} … "
        f"{change.interval.high:+.2f})".replace("-", MINUS),
        n=len(items),
        estimate=change.estimate,
        interval=change.interval,
    )


def _at_most(change: Change, allowance: float) -> GateVerdict:
    if change.interval.low > allowance:
        return "fail"
    return "pass" if change.interval.high <= allowance else "inconclusive"


def _check(name: str, change: Change, verdict: GateVerdict, n: int) -> GateCheck:
    return GateCheck(
        name=name,
        verdict=verdict,
        sentence=points(change.estimate, change.interval),
        n=n,
        estimate=change.estimate,
        interval=change.interval,
    )
