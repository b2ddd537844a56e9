"""A rule of ours that is of no use is proposed for removal, with its figures.

Takes the merged proposals with their verdicts, what their merges did to the files, and the facts
of the weeks since; gives one `Proposal` for each rule that did not work, that nobody can tell to
have worked, or that never fires. It predicts that nothing gets worse, and is measured by that like
any other. Refuses before enough weeks and traffic, and where the text does not stand there exactly
as it was merged. What worked is never retired: that its pattern is gone is its doing. What did harm
is taken back by `bot.rollback`. Costs nothing; no model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bot.figures import count, percent, rate
from bot.markdown import plain
from bot.proposals.edits import edit_to
from bot.proposals.identity import fingerprint
from bot.proposals.undoing import undone
from bot.records import (
    RETIREMENT,
    ROLLBACK,
    TITLE_CHARS,
    Edit,
    Evidence,
    GateResult,
    Interval,
    PastProposal,
    Prediction,
    Proposal,
    RateEstimate,
    Skipped,
    SourceFile,
    Table,
    Taxonomy,
    short_hash,
)
from bot.statistics import failure_rate, units_for_power

MIN_AGE = timedelta(days=28)
"""Since the merge, before a rule with the verdict `no_effect` may go."""
PATIENCE = timedelta(days=56)
"""The same where no verdict was reached, or nobody came whom the rule is about."""
MIN_TRAFFIC = 200
"""Conversations of the agent since then: none of so many is surely under 2 %."""
MIN_BEFORE = 5
"""Conversations before the merge that the rule would have been about: else it cannot be counted."""
PRIORITY = 0.05
"""What fails users comes before what only costs tokens."""
MARGIN = 0.05
"""The rate of what the rule was for may rise by less than this without it."""
MEASURED_DAYS = 28
_KINDS = ("rule", "prompt")

Texts = Mapping[str, tuple[str, str]]
"""Path to the text before a merge and after it."""
RateOf = Callable[[PastProposal], tuple[RateEstimate, str] | None]
"""What a past proposal was to change, as it is now, and the unit; None where nobody came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fires:
    """How often the situation of a rule came up."""

    before: int
    since: int
    traffic: int
    """All conversations of the agent since."""


def propose_retirements(
    past: Sequence[PastProposal],
    *,
    facts: pa.Table,
    taxonomy: Taxonomy,
    standing: Collection[str],
    files: Mapping[str, SourceFile],
    texts_of: Callable[[PastProposal], Texts | None],
    rate_of: RateOf,
    now: datetime,
) -> Iterator[Proposal | Skipped]:
    """One proposal for each rule that should go. `standing`: ids of the patterns that stand now.

    `texts_of` reads what a merge did; None where the repository's history does not reach so far.
    """
    active = {one.id for one in taxonomy.intents if one.status == "active"}
    gone = {one.remedy for one in past if one.state == "merged"}
    for one in past:
        if one.state != "merged" or one.reverted or one.merged_at is None:
            continue
        if {f"{RETIREMENT}{one.id}", f"{ROLLBACK}{one.id}"} & gone:
            continue
        if one.kind not in _KINDS or one.remedy.startswith((RETIREMENT, ROLLBACK)):
            continue
        fires = _fires(one, one.merged_at, facts, active, now)
        why = _why(one, fires, one.merged_at, now, stands=one.pattern_id in standing)
        if why is not None:
            yield _retirement(one, why, fires, files, texts_of(one), rate_of)


def _why(
    one: PastProposal, fires: _Fires | None, merged_at: datetime, now: datetime, *, stands: bool
) -> str | None:
    """Why it should go, in our words; None where it may stay, or it is too early to say."""
    age = now - merged_at
    days = f"{age.days} days after the merge"
    if one.verdict in ("worked", "harmed"):
        return None
    if one.verdict == "no_effect" and age >= MIN_AGE:
        return f"The verdict on `{one.reference}`, {days}, is that it had no effect that matters."
    if age < PATIENCE or fires is None or fires.traffic < MIN_TRAFFIC:
        return None
    if fires.before >= MIN_BEFORE and fires.since == 0:
        most = failure_rate(0, fires.traffic).interval.high
        return (
            f"It never fires any more: of {count(fires.traffic, 'conversation')} in the last "
            f"{PATIENCE.days} days none is of the kind that it is about (at most {percent(most)}), "
            f"and {fires.before} were before the merge."
        )
    if one.verdict == "unknown":
        pattern = "still stands" if stands else "is gone, and not shown to be by this"
        return f"Nobody can tell {days} that it helped, and the pattern behind it {pattern}."
    return None


def _fires(
    one: PastProposal, merged_at: datetime, facts: pa.Table, active: Collection[str], now: datetime
) -> _Fires | None:
    """None where the agent has no conversations with a time."""
    own = facts.filter(pc.equal(facts["agent"], one.agent))
    rows = [row for row in own.to_pylist() if row["started_at"] is not None]
    since = max(merged_at, now - PATIENCE)
    recent = [row for row in rows if since <= row["started_at"] <= now]
    if not recent:
        return None
    earlier = [row for row in rows if row["started_at"] < merged_at]
    prediction = one.marker.get("prediction")
    scope = prediction if isinstance(prediction, Mapping) else {}
    # A rule for everybody fires everywhere, and an intent that is no more labels nobody.
    intent, segment = scope.get("intent_id"), scope.get("segment") or {}
    known = intent in active if intent else isinstance(segment, Mapping) and bool(segment)
    before = sum(_is_about(row, scope) for row in earlier) if known else 0
    return _Fires(
        before=before,
        since=sum(_is_about(row, scope) for row in recent),
        traffic=len(recent),
    )


def _is_about(row: Mapping[str, Any], scope: Mapping[str, Any]) -> bool:
    intent, segment = scope.get("intent_id"), scope.get("segment") or {}
    if intent and intent not in (row["intents"] or ()):
        return False
    return isinstance(segment, Mapping) and segment.items() <= dict(row["segments"]).items()


def _retirement(
    one: PastProposal,
    why: str,
    fires: _Fires | None,
    files: Mapping[str, SourceFile],
    texts: Texts | None,
    rate_of: RateOf,
) -> Proposal | Skipped:
    what = f"retirement of {one.reference}"
    if texts is None:
        reason = "Its merge is not in this checkout; fetch the whole history (`fetch-depth: 0`)."
        return Skipped(what=what, code="no_history", reason=reason)
    edits: list[Edit] = []
    for path, (before, after) in sorted(texts.items()):
        text = undone(before, after, files[path].text) if path in files else None
        if text is None:
            reason = f"What it wrote into {path} has changed since, so a person should look at it."
            return Skipped(what=what, code="changed_since", reason=reason)
        if text != files[path].text:
            edits.append(edit_to(files[path], text))
    if not edits:
        return Skipped(what=what, code="no_change", reason="What it wrote is not there any more.")
    return _proposal(one, why, fires, tuple(edits), _scoped(one, fires), rate_of)


def _scoped(one: PastProposal, fires: _Fires | None) -> PastProposal:
    """With the population to watch: where nobody of its own comes any more, all conversations."""
    given = one.marker.get("prediction")
    if not isinstance(given, Mapping) or fires is None or fires.since or not fires.before:
        return one
    whom = f"all conversations of {one.agent}, as nobody comes whom the rule is about"
    everybody = {**given, "intent_id": None, "segment": {}, "population": whom}
    return replace(one, marker={**one.marker, "prediction": everybody})


def _prediction(one: PastProposal, now: tuple[RateEstimate, str] | None) -> Prediction | None:
    """Nothing gets worse without it. None where there is nothing that could be measured."""
    given = one.marker.get("prediction")
    if now is None or not isinstance(given, Mapping):
        return None
    found, _ = now
    intent, segment = given.get("intent_id"), given.get("segment")
    return Prediction(
        metric=str(given["metric"]),
        population=str(given.get("population") or f"conversations of {one.agent}"),
        baseline_rate=found.rate,
        expected=Interval(low=0.0, high=min(1.0, found.rate + MARGIN)),
        days=MEASURED_DAYS,
        intent_id=intent if isinstance(intent, str) else None,
        segment={str(k): str(v) for k, v in segment.items()} if isinstance(segment, dict) else {},
        margin=MARGIN,
    )


def _proposal(
    one: PastProposal,
    why: str,
    fires: _Fires | None,
    edits: tuple[Edit, ...],
    scoped: PastProposal,
    rate_of: RateOf,
) -> Proposal:
    now = rate_of(scoped)
    id = f"p-{short_hash(one.agent, 'retire', one.id, one.merge_sha or '')}"
    evidence = Evidence(entries=fires.traffic if fires else 1, users=0, conversation_ids=())
    tokens = sum(len(edit.old) - len(edit.new) for edit in edits) // 4
    named = ", ".join(f"`{edit.path}`" for edit in edits)
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, edits, evidence),
        kind=one.kind,
        agent=one.agent,
        # Of its own: to reject the removal says nothing about the pattern.
        pattern_id=f"retire-{one.id}",
        remedy=f"{RETIREMENT}{one.id}",
        undoes=one.reference,
        title=plain(f"Retire: {one.title}", TITLE_CHARS),
        what=f"Takes out of {named} what `{one.reference}` wrote, and nothing else: "
        f"{_saved(tokens)} in each call.",
        why=why,
        risk="Low: this was served before the rule. It can come back when its pattern does.",
        confidence="medium",
        edits=edits,
        evidence=evidence,
        prediction=_prediction(scoped, now),
        gate=GateResult(
            verdict="inconclusive", sentence="Not replayed: it restores what was served before."
        ),
        priority=PRIORITY,
        tables=(_table(one, fires, tokens, now),),
    )


def _saved(tokens: int) -> str:
    """Taken back, a rule that made the text shorter makes it longer again."""
    if not tokens:
        return "no token more or less"
    return f"about {count(abs(tokens), 'token')} {'less' if tokens > 0 else 'more'}"


def _table(
    one: PastProposal,
    fires: _Fires | None,
    tokens: int,
    now: tuple[RateEstimate, str] | None,
) -> Table:
    rows = [
        ("evidence when it was proposed", str(one.evidence_entries)),
        ("verdict", (one.verdict or "none").replace("_", " ")),
        ("in each call", _saved(tokens)),
    ]
    if one.merged_at is not None:
        rows.insert(0, ("merged", f"{one.merged_at:%Y-%m-%d}"))
    if fires is not None:
        rows.append(("conversations of the agent since", str(fires.traffic)))
    if fires is not None and fires.before:
        rows.append(("of the kind that it is about", f"{fires.since} since, {fires.before} before"))
    if now is not None:
        found, unit = now
        shown = f"{rate(found.rate, found.interval)} of {count(found.total, unit)}"
        rows.append(("failing by its metric in the last 28 days", shown))
        needed = units_for_power(found.rate, MARGIN)
        if needed is not None and needed > found.total:
            told = f"about {count(needed, unit)} on each side; with fewer it may stay open"
            rows.append((f"to rule out a rise of {100 * MARGIN:.0f} points", told))
    return Table(title="What is retired", header=("known of it", "figure"), rows=tuple(rows))
