"""A threshold moves when people's responses show that another value would have served them better.

Takes a `Pattern` of kind `threshold` and the agent's threshold and config files; gives one
`Proposal` that changes one number by at most 20 %. Refuses young, few or unanswered decisions, a
healthy threshold, a number that production does not use, and anything that nobody has judged:
below the threshold nobody was asked. Costs one replay per value tried; no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal

from bot.figures import percent, rate
from bot.proposals.floors import MIN_CITED
from bot.proposals.guardrails import check_edits
from bot.proposals.identity import fingerprint, proposal_id
from bot.proposals.refusals import guardrail
from bot.proposals.scalars import Scalar, find_scalar, set_scalar, written_like
from bot.records import (
    TITLE_CHARS,
    AgentFiles,
    Decision,
    Evidence,
    EvidenceItem,
    Pattern,
    Prediction,
    Proposal,
    Repository,
    Skipped,
    SourceFile,
    Table,
    ThresholdMove,
)
from bot.replay import (
    MISSED_ALLOWANCE,
    MISSED_COST,
    Answered,
    Change,
    Replay,
    answered,
    halves,
    missed_change,
    replay,
    settled,
)
from bot.statistics import failure_rate

MIN_RESPONSE_RATE = 0.6
HEALTHY_DISMISSAL_RATE = 0.15
MIN_IMPROVEMENT = 0.05
"""A value must lower the cost by this share, or it is not worth a person's time."""
MEASURED_DAYS = 14
_SAMPLES = 5
_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,80}")
"""Names come from telemetry and stand in titles: nothing but a dotted path gets there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Choice:
    value: Decimal
    missed: Change
    """Change of the share of needed actions that nobody sees, on the older half."""


def propose_threshold(
    pattern: Pattern,
    repository: Repository,
    files: AgentFiles,
    *,
    now: datetime,
    max_move: float = 0.2,
    seed: int = 0,
) -> Proposal | Skipped:
    """One move of the pattern's threshold, or why there is none.

    The value is chosen on the older half of the answered decisions; the gate replays it on the
    newer half, which has no part in the choice. `max_move` is a share of the value in the file.
    """
    name = pattern.threshold_name or ""
    if _NAME.fullmatch(name) is None:
        return _skipped("", "unsafe_name", "The threshold's name is missing or no plain name.")
    items = answered(pattern.decisions, now=now)
    refusal = _input_refusal(pattern, items, name, now=now)
    if refusal is not None:
        return refusal
    scalar = find_scalar(_files(repository, files), name)
    if isinstance(scalar, Skipped):
        return scalar
    in_production = _newest_value(pattern.decisions)
    if in_production is None or abs(float(scalar.value) - in_production) > 1e-9:
        seen = "no value" if in_production is None else f"{in_production:g}"
        return _skipped(
            name,
            "production_differs",
            f"{scalar.file.path!r} says {scalar.value} and the newest decisions were made with "
            f"{seen}; deploy the file or correct it first.",
        )
    choice = _choose(scalar, halves(items)[0], name, max_move=max_move, seed=seed)
    if isinstance(choice, Skipped):
        return choice
    return _proposal(pattern, name, scalar, choice, items)


def _files(repository: Repository, files: AgentFiles) -> list[SourceFile]:
    paths = dict.fromkeys((*files.thresholds, *files.configs))
    return [repository.files[path] for path in paths if path in repository.files]


def _newest_value(decisions: Iterable[Decision]) -> float | None:
    """The threshold that the newest decision was made with."""
    dated = [
        (one.at, one.id, one.threshold_value)
        for one in decisions
        if one.at is not None and one.threshold_value is not None
    ]
    return max(dated)[2] if dated else None


def _input_refusal(
    pattern: Pattern, items: Sequence[Answered], name: str, *, now: datetime
) -> Skipped | None:
    """Why the responses are no ground to stand on, or None."""
    fired = [one for one in settled(pattern.decisions, now=now) if one.fired]
    responses = [one for one in fired if one.response is not None]
    if not responses:
        return _skipped(
            name, "evidence_floor", "No decision older than 48 hours has a response from a person."
        )
    share = len(responses) / len(fired)
    if share < MIN_RESPONSE_RATE:
        return _skipped(
            name,
            "few_responses",
            f"{len(responses)} of {len(fired)} decisions were answered ({percent(share)}); "
            f"{percent(MIN_RESPONSE_RATE)} are needed, and a thumb up or down counts.",
        )
    dismissed = failure_rate(sum(one.response == "dismiss" for one in responses), len(responses))
    if dismissed.interval.high < HEALTHY_DISMISSAL_RATE:
        return _skipped(
            name,
            "healthy",
            f"{rate(dismissed.rate, dismissed.interval)} of {dismissed.total} decisions were "
            f"dismissed, surely under {percent(HEALTHY_DISMISSAL_RATE)}: nothing to tune.",
        )
    inputs = {item.input for item in items if not item.needed}
    if len(inputs) < MIN_CITED:
        return _skipped(
            name,
            "evidence_floor",
            f"{len(inputs)} dismissed decisions with different inputs; {MIN_CITED} are needed.",
        )
    return None


def _choose(
    scalar: Scalar, older: Sequence[Answered], name: str, *, max_move: float, seed: int
) -> _Choice | Skipped:
    """The cheapest value within the move that hides too little to matter; nearest one on a tie."""
    old = scalar.as_written
    values = _candidates(scalar, older, Decimal(str(max_move)))
    if not values:
        return _skipped(
            name, "no_room", f"No other value lies within {percent(max_move)} of {old}."
        )
    ceiling = (1 - MIN_IMPROVEMENT) * replay(older, float(old)).cost
    costs = sorted((replay(older, float(new)).cost, abs(new - old), new) for new in values)
    better = [new for cost, _, new in costs if cost < ceiling]
    unknown = hides = 0
    for new in better:
        if len({item.input for item in _between(older, old, new)}) < MIN_CITED:
            unknown += 1
            continue
        missed = missed_change(older, float(old), float(new), seed=seed)
        if missed.interval.high <= MISSED_ALLOWANCE:
            return _Choice(value=new, missed=missed)
        hides += 1
    if hides:
        reason = (
            f"{hides} values would be cheaper, but each might hide over "
            f"{percent(MISSED_ALLOWANCE)} of the actions that people needed; more answered "
            "decisions would settle it."
        )
    elif unknown:
        reason = f"{unknown} values look cheaper, but under {MIN_CITED} answered decisions say so."
    else:
        reason = (
            f"No value from {min(values)} to {max(values)} lowers dismissals without hiding what "
            f"people needed (a missed action counts {MISSED_COST:g} times)."
        )
    below = sum(item.score < old for item in older)
    risk = f"Below {old} the risk is unknown: {below} decisions there have a response."
    return Skipped(what=name, code="no_better_value", reason=reason, detail=risk)


def _candidates(scalar: Scalar, items: Sequence[Answered], max_move: Decimal) -> list[Decimal]:
    """Values within the move at which the log would have been split otherwise.

    They have the file's decimals, two at least where the number is no integer, and are rounded
    towards the present value so that the cap holds. From 0 the move is a share of the scores'
    range, because a share of nothing is nothing.
    """
    old = scalar.value
    step = Decimal(1) if scalar.is_integer else Decimal(1).scaleb(-max(2, scalar.decimals))
    scores = [Decimal(str(item.score)) for item in items]
    reach = abs(old) if old else max(scores, default=old) - min(scores, default=old)
    low = (old - max_move * reach).quantize(step, rounding=ROUND_CEILING)
    high = (old + max_move * reach).quantize(step, rounding=ROUND_FLOOR)
    grid = {low, high}
    for score in scores:
        if low - step <= score <= high + step:
            floor = score.quantize(step, rounding=ROUND_FLOOR)
            grid |= {floor, floor + step}
    return sorted(value for value in grid if low <= value <= high and value != old)


def _between(items: Iterable[Answered], old: Decimal, new: Decimal) -> list[Answered]:
    """Answered decisions whose fate the move changes, in the way that argues for it."""
    low, high = sorted((float(old), float(new)))
    raises = new > old
    return [item for item in items if low <= item.score < high and item.needed != raises]


def _proposal(
    pattern: Pattern,
    name: str,
    scalar: Scalar,
    choice: _Choice,
    items: Sequence[Answered],
) -> Proposal | Skipped:
    old, new = scalar.as_written, written_like(scalar, choice.value)
    edit = set_scalar(scalar, new)
    if isinstance(edit, Skipped):
        return edit
    path = scalar.file.path
    text = scalar.file.text.replace(edit.old, edit.new, 1)
    broken = check_edits({path: scalar.file.text}, {path: text}, kind="threshold", allowed=[path])
    if broken:
        return guardrail(name, broken)
    cited = _between(items, old, new)
    evidence = _evidence(cited, {one.id: one for one in pattern.decisions})
    verb = "Raise" if new > old else "Lower"
    remedy = f"{path}: {verb.lower()} {scalar.key}"
    id = proposal_id("threshold", pattern, remedy)
    move = f" ({100 * (new - old) / abs(old):+.0f} %)" if old else ""
    before, after = replay(items, float(old)), replay(items, float(new))
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, (edit,), evidence),
        kind="threshold",
        agent=pattern.agent,
        pattern_id=pattern.id,
        remedy=remedy,
        title=_title(verb, name, old, new),
        what=f"{verb}s `{scalar.key}` in `{path}` from {old} to {new}{move}.",
        why=f"People dismissed {_rate(before)} of {before.shown} answered decisions at or above "
        f"{old}; at {new} it would have been {_rate(after)} of {after.shown}.",
        risk=_risk(old, new, before, after, choice),
        confidence=_confidence(before),
        edits=(edit,),
        evidence=evidence,
        prediction=_prediction(pattern, name, items, new),
        root_cause="threshold",
        priority=pattern.priority,
        tables=(_table(items, old, new, before, after),),
        weeks=pattern.weeks,
        losing=_losing(items, old, new),
        threshold=ThresholdMove(name=name, old=float(old), new=float(new)),
    )


def _title(verb: str, name: str, old: Decimal, new: Decimal) -> str:
    title = f"{verb} {name} from {old} to {new}"
    short = f"{verb} {name.rpartition('.')[2][-40:]} to {new}"
    return title if len(title) <= TITLE_CHARS else short


def _rate(result: Replay) -> str:
    dismissal = result.dismissal
    return rate(dismissal.rate, dismissal.interval) if dismissal else "none"


def _risk(old: Decimal, new: Decimal, before: Replay, after: Replay, choice: _Choice) -> str:
    if new < old:
        more = after.dismissed - before.dismissed
        return (
            f"People see {after.shown - before.shown} more of the answered decisions, {more} of "
            f"which they dismissed. Only a sample of what lies below {old} was judged."
        )
    hidden = after.missed - before.missed
    bound = choice.missed.interval.high
    said = f"{hidden:,} decisions" if hidden != 1 else "1 decision"
    return (
        f"{said if hidden else 'No decision'} that people acted on would not have been shown (at "
        f"most {percent(bound)} of them, by the older half). Nobody has judged what lies below "
        f"{old}."
    )


def _confidence(result: Replay) -> Literal["low", "medium", "high"]:
    """By the width of the interval of the dismissal rate, never by anybody's word."""
    if result.dismissal is None:
        return "low"
    interval = result.dismissal.interval
    half = (interval.high - interval.low) / 2
    return "high" if half <= 0.05 else "medium" if half <= 0.1 else "low"


def _evidence(cited: Sequence[Answered], decisions: Mapping[str, Decision]) -> Evidence:
    """One entry for each input; the samples are spread over the whole time."""
    entries = list({item.input: item for item in cited}.values())
    entries.sort(key=lambda item: (item.at, item.id))
    step = max(1, len(entries) // _SAMPLES)
    users = {decisions[item.id].user_id for item in entries} - {None}
    return Evidence(
        entries=len(entries),
        users=len(users),
        conversation_ids=tuple(item.id for item in entries),
        items=tuple(_item(item) for item in entries[::step][:_SAMPLES]),
        first_at=entries[0].at,
        last_at=entries[-1].at,
        note=None if users else "No user ids are known, so the evidence counts decisions.",
    )


def _item(item: Answered) -> EvidenceItem:
    judged = "needed" if item.needed else "dismissed"
    return EvidenceItem(
        id=item.id, paraphrase=f"score {item.score:g}, {judged}, {item.at.date().isoformat()}"
    )


def _losing(items: Sequence[Answered], old: Decimal, new: Decimal) -> tuple[EvidenceItem, ...]:
    """Answered decisions that the new value gets wrong and the old one did not."""
    low, high = sorted((float(old), float(new)))
    worse = [item for item in items if low <= item.score < high and item.needed == (new > old)]
    return tuple(_item(item) for item in worse[-_SAMPLES:])


def _prediction(
    pattern: Pattern, name: str, items: Sequence[Answered], new: Decimal
) -> Prediction | None:
    """The dismissal rate to come, from the newer half: it had no part in choosing the value."""
    newer = replay(halves(items)[1], float(new))
    if newer.dismissal is None:
        return None
    expected = failure_rate(newer.dismissed, newer.shown, level=0.8).interval
    return Prediction(
        metric=pattern.outcome,
        population=f"answered decisions of {pattern.agent} at {name}",
        baseline_rate=pattern.rate,
        expected=expected,
        days=MEASURED_DAYS,
        intent_id=pattern.intent_id,
        segment=pattern.segment,
    )


def _table(
    items: Sequence[Answered], old: Decimal, new: Decimal, before: Replay, after: Replay
) -> Table:
    return Table(
        title=f"Replay of {len(items)} answered decisions",
        header=("", f"current {old}", f"proposed {new}"),
        rows=(
            ("decisions shown", str(before.shown), str(after.shown)),
            ("dismissed", str(before.dismissed), str(after.dismissed)),
            ("dismissal rate", _rate(before), _rate(after)),
            ("needed, but not shown", str(before.missed), str(after.missed)),
        ),
    )


def _skipped(name: str, code: str, reason: str) -> Skipped:
    what = f"threshold {name}" if name else "a threshold"
    return Skipped(what=what, code=code, reason=reason)
