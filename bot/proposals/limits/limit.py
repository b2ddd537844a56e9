"""A limit becomes a proposal: how far to raise it, what that would have spared, what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from bot.figures import count, percent, rate
from bot.proposals.counted import counted_evidence, counted_pattern
from bot.proposals.floors import conversation_floor
from bot.proposals.guardrails import check_edits
from bot.proposals.identity import fingerprint, proposal_id
from bot.proposals.limits.fit import ENOUGH, MIN_ENDED, Fit, fit, still_stopped
from bot.proposals.limits.lower import propose_lower_steps
from bot.proposals.limits.numbers import WORDS, find_limit
from bot.proposals.limits.observed import LimitKind, Observed, Stopped, observe
from bot.proposals.refusals import guardrail
from bot.proposals.scalars import Scalar, set_scalar, written_like
from bot.records import (
    TITLE_CHARS,
    AgentFiles,
    EvidenceItem,
    GateResult,
    Interval,
    Pattern,
    Prediction,
    Proposal,
    Repository,
    Skipped,
    SourceFile,
    Table,
)
from bot.statistics import failure_rate
from collector.records import Conversation

MAX_FACTOR = Decimal(2)
"""One proposal at most doubles a limit; a second one may follow when the first was measured."""
MIN_FACTOR = Decimal("1.1")
MIN_SHARE = 0.02
"""Share of conversations, surely exceeded, from which a limit is worth a change."""
MEASURED_DAYS = 14
_OUTCOMES: dict[LimitKind, str] = {
    "answer": "signal:cut_off_answer",
    "steps": "signal:empty_answer",
    "tool_time": "signal:tool_error",
}
_UNITS: dict[LimitKind, str] = {
    "answer": "characters",
    "steps": "calls of the model",
    "tool_time": "seconds",
}
_STOPPED: dict[LimitKind, str] = {
    "answer": "an answer stopped at the token limit",
    "steps": "the agent's last word was a call of a tool",
    "tool_time": "a tool ran out of time",
}
_COSTS: dict[LimitKind, str] = {
    "answer": "Longer answers cost more output tokens; only those that were cut get longer.",
    "steps": "A conversation may make more calls; only those that were stopped make more.",
    "tool_time": "Users wait longer where the tool hangs; nothing else takes longer.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Move:
    observed: Observed
    scalar: Scalar
    new: Decimal
    needed: float
    """What the fit asks for, in the number's unit; more than `new` where the cap holds it back."""
    left: Interval | None
    """80 % interval of the share of what was stopped that still would be."""


def propose_limits(
    agent: str,
    repository: Repository,
    files: AgentFiles,
    conversations: Sequence[Conversation],
    *,
    rates: Mapping[str, float],
    seed: int = 0,
) -> Iterator[Proposal | Skipped]:
    """One result for each limit that stopped something in enough of `conversations`.

    `conversations` are a sample of the agent's newest: with and without faults, as they came.
    `rates` has the share of the agent's conversations with each `signal:…`, for the prediction.
    """
    own = _files(repository, files)
    lower = propose_lower_steps(agent, own, conversations)
    if lower is not None:
        yield lower
    for observed in observe(conversations):
        pattern = counted_pattern(
            agent,
            "limit",
            observed.kind,
            observed.tool,
            outcome=_OUTCOMES[observed.kind],
            root_cause="config",
            failing=observed.conversations,
            conversations=conversations,
        )
        if failure_rate(len(pattern.evidence), len(conversations)).interval.low < MIN_SHARE:
            continue
        short = conversation_floor(pattern)
        yield short if short is not None else _propose(pattern, observed, own, rates, seed)


def _files(repository: Repository, files: AgentFiles) -> list[SourceFile]:
    paths = dict.fromkeys((*files.configs, *files.harness, *files.prompts, *files.thresholds))
    return [repository.files[path] for path in paths if path in repository.files]


def _propose(
    pattern: Pattern,
    observed: Observed,
    files: Sequence[SourceFile],
    rates: Mapping[str, float],
    seed: int,
) -> Proposal | Skipped:
    scalar = find_limit(files, observed)
    if isinstance(scalar, Skipped):
        return scalar
    move = _move(observed, scalar, seed)
    if isinstance(move, Skipped):
        return move
    edit = set_scalar(scalar, move.new)
    if isinstance(edit, Skipped):
        return edit
    path, text = scalar.file.path, scalar.file.text
    after = text.replace(edit.old, edit.new, 1)
    broken = check_edits({path: text}, {path: after}, kind="config", allowed=[path])
    if broken:
        return guardrail(WORDS[observed.kind], broken)
    remedy = f"{path}: raise {scalar.key}"
    id = proposal_id("config", pattern, remedy)
    newest = {one.conversation.conversation_id: one for one in observed.stopped}
    items = [_item(one, observed.kind) for one in newest.values()]
    evidence = counted_evidence(pattern, observed.conversations, items)
    old = scalar.as_written
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, (edit,), evidence),
        kind="config",
        agent=pattern.agent,
        pattern_id=pattern.id,
        remedy=remedy,
        title=_title(scalar, move.new),
        what=f"Raises `{scalar.name}` in `{path}` from {old} to {move.new}.",
        why=_why(pattern, move),
        risk=_COSTS[observed.kind],
        confidence="medium" if move.left is not None else "low",
        edits=(edit,),
        evidence=evidence,
        prediction=_prediction(pattern, move, rates.get(pattern.outcome)),
        gate=GateResult(
            verdict="inconclusive",
            sentence="Not replayed: nobody knows how large what was stopped would have become. "
            "The value rests on a distribution fitted to what ended by itself.",
        ),
        root_cause="config",
        priority=pattern.rate,
        tables=(_table(move),),
    )


def _move(observed: Observed, scalar: Scalar, seed: int) -> _Move | Skipped:
    """The smallest round value under which nearly all would have ended, within the cap."""
    what = WORDS[observed.kind]
    sizes = [one.size for one in observed.stopped]
    fitted = fit(observed.ended, sizes)
    if fitted is None:
        ended = len(observed.ended)
        reason = f"{ended} ended by themselves; {MIN_ENDED} are needed to say how large they get."
        return Skipped(what=what, code="evidence_floor", reason=reason)
    old = scalar.value
    scale = old / Decimal(str(sorted(sizes)[len(sizes) // 2]))
    needed = Decimal(str(_needed(fitted, max(sizes)))) * scale
    if needed < MIN_FACTOR * old:
        reason = f"{old} is enough for {percent(ENOUGH)} by what was seen; nothing to raise."
        return Skipped(what=what, code="healthy", reason=reason)
    new = written_like(scalar, _round(min(needed, MAX_FACTOR * old), scalar, old))
    left = still_stopped(observed.ended, sizes, float(old / scale), float(new / scale), seed=seed)
    return _Move(observed=observed, scalar=scalar, new=new, needed=float(needed), left=left)


def _needed(fitted: Fit, largest: float) -> float:
    return max(fitted.quantile(ENOUGH), largest)


def _round(value: Decimal, scalar: Scalar, old: Decimal) -> Decimal:
    """Up to a number that a person would write, and never over the cap."""
    if not scalar.is_integer:
        step = Decimal(1).scaleb(value.adjusted() - 1)
    elif old >= 64 and old % 64 == 0:
        step = Decimal(64)
    else:
        step = Decimal(1).scaleb(max(0, value.adjusted() - 1))
    up = (value / step).to_integral_value(rounding=ROUND_CEILING) * step
    return min(up, MAX_FACTOR * old)


def _title(scalar: Scalar, new: Decimal) -> str:
    title = f"Raise {scalar.name} from {scalar.as_written} to {new}"
    short = f"Raise {scalar.name.rpartition('.')[2][-40:]} to {new}"
    return title if len(title) <= TITLE_CHARS else short


def _why(pattern: Pattern, move: _Move) -> str:
    kind = move.observed.kind
    seen = count(pattern.conversations, "conversation")
    sentence = (
        f"In {len(pattern.evidence)} of the newest {seen}, "
        f"{rate(pattern.rate, pattern.rate_interval)}, {_STOPPED[kind]}. "
        f"By the size of what ended by itself, {percent(ENOUGH)} would end at about "
        f"{move.needed:,.3g}"
    )
    capped = move.needed > float(move.new)
    return f"{sentence}; one step at most doubles the value." if capped else f"{sentence}."


def _item(stopped: Stopped, kind: LimitKind) -> EvidenceItem:
    size = f"{stopped.size:,.0f}" if kind != "tool_time" else f"{stopped.size:.1f}"
    return EvidenceItem(
        id=stopped.conversation.conversation_id,
        paraphrase=f"{_STOPPED[kind]}, after {size} {_UNITS[kind]}",
    )


def _prediction(pattern: Pattern, move: _Move, now: float | None) -> Prediction | None:
    """`now` is the rate of the signal, which may have other causes too: those stay."""
    if move.left is None or now is None:
        return None
    others = max(0.0, now - pattern.rate)
    low, high = (min(1.0, others + pattern.rate * b) for b in (move.left.low, move.left.high))
    return Prediction(
        metric=pattern.outcome,
        population=f"conversations of {pattern.agent}",
        baseline_rate=now,
        expected=Interval(low=low, high=high, level=0.8),
        days=MEASURED_DAYS,
    )


def _table(move: _Move) -> Table:
    observed = move.observed
    sizes = sorted(observed.ended)
    rows = [
        ("ended by themselves", f"{len(sizes):,}"),
        ("stopped by the limit", f"{len(observed.stopped):,}"),
        (f"median of those that ended, {_UNITS[observed.kind]}", f"{sizes[len(sizes) // 2]:,.4g}"),
        ("current value", f"{move.scalar.as_written}"),
        (f"enough for {percent(ENOUGH)}, by the fit", f"about {move.needed:,.3g}"),
        ("proposed value", f"{move.new}"),
    ]
    if move.left is not None:
        still = f"{percent(move.left.low)} to {percent(move.left.high)}"
        rows.append(("of what was stopped, still stopped then (80 % interval)", still))
    return Table(title="What the limit stopped", header=("counted", "number"), rows=tuple(rows))
