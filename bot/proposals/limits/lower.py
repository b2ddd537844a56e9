"""A limit on steps that lets loops run on is lowered to what every other conversation needs.

This one can be replayed exactly: the steps of each run are in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.figures import count, rate
from bot.proposals.counted import counted_evidence, counted_pattern
from bot.proposals.floors import conversation_floor
from bot.proposals.guardrails import check_edits
from bot.proposals.identity import fingerprint, proposal_id
from bot.proposals.limits.numbers import NAMES, last_name
from bot.proposals.limits.observed import loops, steps_of_runs
from bot.proposals.refusals import guardrail
from bot.proposals.scalars import Scalar, find_number, set_scalar, written_like
from bot.records import (
    TITLE_CHARS,
    EvidenceItem,
    GateCheck,
    GateResult,
    GateVerdict,
    Pattern,
    Proposal,
    Skipped,
    SourceFile,
    Table,
)
from bot.statistics import failure_rate
from collector.records import Conversation

MIN_SHARE = 0.02
MIN_LOWERED = Decimal("0.8")
"""The new limit is at most this share of the old one, or it is not worth a change."""
MIN_FACTOR = Decimal("0.5")
MARGIN = Decimal("1.25")
"""Room above the longest run that did not loop."""
MIN_RUNS = 50
_WHAT = "the limit on steps"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    conversation: Conversation
    steps: int
    is_loop: bool


def propose_lower_steps(
    agent: str, files: Sequence[SourceFile], conversations: Sequence[Conversation]
) -> Proposal | Skipped | None:
    """None where too few conversations loop to speak of it."""
    runs = [
        _Run(conversation=one, steps=steps, is_loop=loops(one.messages))
        for one in conversations
        for steps in steps_of_runs(one.messages)
    ]
    looping = list(
        {r.conversation.conversation_id: r.conversation for r in runs if r.is_loop}.values()
    )
    share = failure_rate(len(looping), max(1, len(conversations)))
    if share.interval.low < MIN_SHARE:
        return None
    pattern = counted_pattern(
        agent,
        "limit",
        "loops",
        outcome="signal:tool_loop",
        root_cause="config",
        failing=looping,
        conversations=conversations,
    )
    short = conversation_floor(pattern)
    if short is not None:
        return short
    most = max(run.steps for run in runs)
    scalar = find_number(
        files, _WHAT, lambda key, value: last_name(key) in NAMES["steps"] and value >= most - 1
    )
    if isinstance(scalar, Skipped):
        return scalar
    return _lower(pattern, scalar, runs)


def _lower(pattern: Pattern, scalar: Scalar, runs: Sequence[_Run]) -> Proposal | Skipped:
    """The value comes from the older half of the runs, the newer half is the check."""
    older, newer = runs[: len(runs) // 2], runs[len(runs) // 2 :]
    sound = [run.steps for run in older if not run.is_loop]
    if len(sound) < MIN_RUNS:
        reason = f"{count(len(sound), 'run')} without a loop; {MIN_RUNS} are needed."
        return Skipped(what=_WHAT, code="evidence_floor", reason=reason)
    old = scalar.value
    wanted = max((MARGIN * max(sound)).to_integral_value(), MIN_FACTOR * old)
    new = written_like(scalar, wanted.to_integral_value())
    if new > MIN_LOWERED * old:
        reason = f"Runs without a loop take up to {max(sound)} steps; {old} is no waste."
        return Skipped(what=_WHAT, code="healthy", reason=reason)
    edit = set_scalar(scalar, new)
    if isinstance(edit, Skipped):
        return edit
    path, text = scalar.file.path, scalar.file.text
    after = text.replace(edit.old, edit.new, 1)
    broken = check_edits({path: text}, {path: after}, kind="config", allowed=[path])
    if broken:
        return guardrail(_WHAT, broken)
    looping = [run for run in runs if run.is_loop]
    items = [
        EvidenceItem(id=run.conversation.conversation_id, paraphrase=f"a loop, {run.steps} steps")
        for run in looping
    ]
    evidence = counted_evidence(pattern, [run.conversation for run in looping], items)
    remedy = f"{path}: lower {scalar.key}"
    id = proposal_id("config", pattern, remedy)
    title = f"Lower {scalar.name} from {scalar.as_written} to {new}"
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, (edit,), evidence),
        kind="config",
        agent=pattern.agent,
        pattern_id=pattern.id,
        remedy=remedy,
        title=title if len(title) <= TITLE_CHARS else f"Lower a limit on steps to {new}",
        what=f"Lowers `{scalar.name}` in `{path}` from {scalar.as_written} to {new}.",
        why=f"The agent calls one tool with the same arguments again and again in "
        f"{len(pattern.evidence)} of the newest {count(pattern.conversations, 'conversation')}, "
        f"{rate(pattern.rate, pattern.rate_interval)}; runs without a loop take up to "
        f"{max(sound)} steps.",
        risk="A run that needs more steps than any that was seen would be stopped. Loops end "
        "sooner; why they begin is not mended by this.",
        confidence="medium",
        edits=(edit,),
        evidence=evidence,
        prediction=None,
        gate=_gate(newer, int(new)),
        root_cause="config",
        priority=pattern.rate,
        tables=(_table(runs, int(old), int(new)),),
    )


def _gate(newer: Sequence[_Run], new: int) -> GateResult:
    sound = [run for run in newer if not run.is_loop]
    stopped = sum(run.steps > new for run in sound)
    verdict: GateVerdict = "fail" if stopped else "pass"
    sentence = (
        f"Replayed on {len(newer)} newer runs that had no part in the choice: {stopped} of "
        f"{len(sound)} without a loop would have been stopped."
    )
    check = GateCheck(name="sound runs stopped", verdict=verdict, sentence=sentence, n=len(sound))
    return GateResult(verdict=verdict, sentence=sentence, checks=(check,))


def _table(runs: Sequence[_Run], old: int, new: int) -> Table:
    rows = []
    for name, is_loop in (("with a loop", True), ("without a loop", False)):
        steps = [run.steps for run in runs if run.is_loop == is_loop]
        kept = sum(min(one, new) for one in steps)
        over = sum(one > new for one in steps)
        rows.append((name, f"{len(steps):,}", f"{sum(steps):,}", f"{kept:,}", f"{over:,}"))
    return Table(
        title=f"Replay of {len(runs)} runs",
        header=("runs", "number", f"steps at {old}", f"steps at {new}", "stopped"),
        rows=tuple(rows),
    )
