"""Records of one cycle to the dashboard, and what publishing changed of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median

from bot.dashboard.records import AgentView, Dashboard, Quota, Reason, Row, State
from bot.figures import count, points
from bot.records import (
    AgentHealth,
    Done,
    ModelCost,
    Operation,
    PastProposal,
    Pattern,
    PatternReport,
    Proposal,
    Rejection,
    Skipped,
    Verdict,
)

TOP = 3
ROWS = 60
AGENTS = 20
CANDIDATES = 5
_WEEK = timedelta(days=7)
_RANK: Mapping[State, int] = {
    "harmed": 0,
    "open": 1,
    "measuring": 2,
    "waiting": 3,
    "candidate": 4,
    "worked": 5,
    "no_effect": 6,
    "unknown": 7,
    "merged": 8,
    "rejected": 9,
    "closed": 10,
}
_RESULTS: Mapping[str, State] = {
    "worked": "worked",
    "no_effect": "no_effect",
    "harmed": "harmed",
    "unknown": "unknown",
}
_PAST: Mapping[State, str] = {
    "open": "open",
    "measuring": "merged",
    "merged": "merged",
    **dict.fromkeys(_RESULTS.values(), "merged"),
    "rejected": "rejected",
    "closed": "closed",
}
"""State of the page to that of the pull request."""


def dashboard_of(
    report: PatternReport,
    past: Sequence[PastProposal],
    *,
    name_of: Mapping[str, str],
    waiting: Sequence[Proposal] = (),
    why_waiting: Mapping[str, str] | None = None,
    opening: Collection[str] = (),
    verdicts: Sequence[Verdict] = (),
    skipped: Sequence[Skipped] = (),
    problems: Sequence[str] = (),
    notes: Sequence[str] = (),
    honoured: Sequence[str] = (),
    cost: ModelCost | None = None,
    per_week: int = 3,
    paused: bool = False,
    now: datetime,
) -> Dashboard:
    """Everything that the page says about one cycle.

    `name_of` names patterns by id in a few words; `waiting` are proposals that a limit held back,
    with the reason by title in `why_waiting`; `skipped` tells how far measuring is. `opening` are
    patterns for which publishing is about to open something: candidates only where it does not.
    """
    measuring = {one.what: one.reason for one in skipped}
    rows = [_past_row(one, verdicts, measuring) for one in _newest_of_each(past)]
    known = {row.id for row in rows}
    reasons = why_waiting or {}
    rows += [
        Row(
            id=one.id,
            title=one.title,
            kind=one.kind,
            state="waiting",
            # Without what the next run would count anew.
            detail=re.split(r" and | \(", reasons.get(one.title, ""))[0],
        )
        for one in waiting
        if one.id not in known
    ]
    taken = {one.pattern_id for one in past if one.state in ("open", "merged", "rejected")}
    taken |= {one.pattern_id for one in waiting}
    rows += _candidates(report, taken, opening, name_of)
    rows.sort(key=_order)
    settled = [row.state for row in rows if row.state in ("worked", "no_effect", "harmed")]
    merged = [one for one in past if one.merged_at is not None]
    return Dashboard(
        at=now,
        agents=tuple(_agent(one, report, name_of) for one in report.agents[:AGENTS]),
        rows=tuple(rows[:ROWS]),
        quota=Quota(opened=_opened_lately(past, now), per_week=per_week),
        cost_usd=round(cost.usd, 4) if cost else 0.0,
        days_to_merge=_median_days([(one.opened_at, one.merged_at) for one in merged]),
        days_to_fix=_median_days([(_first_seen(one), one.merged_at) for one in merged]),
        worked=settled.count("worked"),
        settled=len(settled),
        problems=tuple(problems),
        notes=tuple(notes),
        honoured=tuple(honoured),
        paused=paused,
    )


def with_published(
    dashboard: Dashboard,
    done: Sequence[Done],
    planned: Mapping[str, Operation],
    *,
    past: Sequence[PastProposal] = (),
    rejected: Mapping[str, str] | None = None,
) -> Dashboard:
    """The dashboard after publishing: what was opened, closed or turned down in the same run.

    `planned`: by proposal id, what was to be done. `past`: what there was before publishing, as a
    bundle may be sent a second time, or late. `rejected`: by proposal id, the reason's category.
    """
    rows = _as_of(past, {row.id: row for row in dashboard.rows})
    today = dashboard.at.date().isoformat()
    opened = 0
    for one in done:
        before, operation = rows.get(one.id), planned.get(one.id)
        if one.op in ("open", "update") and one.reference is not None and operation is not None:
            opened += one.op == "open" and "pull_request" in one.steps
            rows.pop(operation.pattern_id, None)  # was a candidate
            rows[one.id] = Row(
                id=one.id,
                title=operation.title,
                kind=operation.kind,
                state="open",
                reference=one.reference,
                since=before.since if before and before.state == "open" else today,
            )
        elif one.op == "close" and before is not None:
            rows[one.id] = replace(before, state="closed", since=today, detail="")
    for id, why in (rejected or {}).items():
        if id in rows:
            rows[id] = replace(rows[id], state="rejected", since=today, detail=why)
    ordered = sorted(rows.values(), key=_order)
    quota = dashboard.quota
    if quota is not None:
        lately = max(quota.opened, _opened_lately(past, dashboard.at))
        quota = replace(quota, opened=lately + opened)
    return replace(dashboard, rows=tuple(ordered[:ROWS]), quota=quota)


def _as_of(past: Sequence[PastProposal], rows: Mapping[str, Row]) -> dict[str, Row]:
    """The rows, where one that the bundle knew in another state has its present one."""
    found = dict(rows)
    for one in _newest_of_each(past):
        known = found.get(one.id)
        if known is None or _PAST.get(known.state) != one.state:
            found.pop(one.pattern_id, None)  # was a candidate
            found[one.id] = _past_row(one, (), {})
    return found


# -- rows ------------------------------------------------------------------------------------------


def _past_row(one: PastProposal, verdicts: Sequence[Verdict], measuring: Mapping[str, str]) -> Row:
    fresh = next((verdict for verdict in verdicts if verdict.proposal_id == one.id), None)
    state: State
    detail, since = "", one.opened_at
    if one.state == "merged":
        result = fresh.result if fresh else one.verdict
        settled = one.verdict is not None or (fresh is not None and fresh.is_final)
        waiting: State = "measuring" if one.is_measured else "merged"
        state = _RESULTS.get(result or "", waiting) if settled else waiting
        since = one.merged_at or since
        if fresh is not None and fresh.difference is not None and fresh.result != "unknown":
            detail = points(fresh.difference, fresh.interval)
        elif fresh is None and state in ("worked", "no_effect", "harmed"):
            detail = one.effect
        elif state == "measuring":
            detail = _progress(fresh) or measuring.get(f"verdict on {one.reference}", "")
    elif one.state == "rejected":
        state, since = "rejected", one.closed_at or since
        detail = rejection_words(one.rejection)
    elif one.state == "closed":
        state, since = "closed", one.closed_at or since
    else:
        state = "open"
        detail = "a person works on it" if one.touched else ""
    return Row(
        id=one.id,
        title=one.title,
        kind=one.kind,
        state=state,
        reference=one.reference,
        since=since.date().isoformat() if since else None,
        detail=detail,
    )


def rejection_words(why: Rejection | None) -> str:
    """What the page says beside a proposal that a person turned down."""
    return (why or "no reason given").replace("_", " ")


def _progress(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    so_far = verdict.after.total if verdict.after else 0
    if not verdict.needed:
        return count(so_far, verdict.unit) + " so far"
    return f"{so_far:,} of about {count(so_far + verdict.needed, verdict.unit)}"


def _candidates(
    report: PatternReport, taken: set[str], opening: Collection[str], name_of: Mapping[str, str]
) -> list[Row]:
    """As many as the next run shows, when what is opening has left their number."""
    free = [one for one in report.patterns if one.id not in taken]
    shown = [one for one in free if one.id not in opening][:CANDIDATES]
    shown += [one for one in free if one.id in opening]
    return [
        Row(
            id=one.id,
            title=name_of.get(one.id, one.outcome),
            kind=one.root_cause if one.root_cause != "unknown" else "",
            state="candidate",
            detail="no proposal yet",
        )
        for one in shown
    ]


def _newest_of_each(past: Sequence[PastProposal]) -> list[PastProposal]:
    """One row per proposal: the open pull request, else its newest."""
    newest: dict[str, PastProposal] = {}
    for one in past:  # oldest first
        before = newest.get(one.id)
        if before is None or before.state != "open" or one.state == "open":
            newest[one.id] = one
    return list(newest.values())


# -- numbers ---------------------------------------------------------------------------------------


def _agent(agent: AgentHealth, report: PatternReport, name_of: Mapping[str, str]) -> AgentView:
    own = [one for one in report.patterns if one.agent == agent.agent][:TOP]
    return AgentView(
        agent=agent.agent,
        health=agent.health,
        why=agent.why,
        reasons=tuple(_reason(one, name_of) for one in own),
    )


def _reason(pattern: Pattern, name_of: Mapping[str, str]) -> Reason:
    return Reason(
        name=name_of.get(pattern.id, pattern.outcome),
        rate=round(pattern.rate, 4),
        low=round(pattern.rate_interval.low, 4),
        high=round(pattern.rate_interval.high, 4),
        number=pattern.users,
        unit=pattern.unit,
        trend="" if pattern.trend == "unknown" else pattern.trend,
    )


def _opened_lately(past: Sequence[PastProposal], now: datetime) -> int:
    return sum(one.opened_at is not None and now - one.opened_at < _WEEK for one in past)


def _first_seen(past: PastProposal) -> datetime | None:
    """Start of the oldest conversation of its evidence, as its marker says; people can edit it."""
    evidence = past.marker.get("evidence")
    first = evidence.get("first_at") if isinstance(evidence, Mapping) else None
    try:
        at = datetime.fromisoformat(first) if isinstance(first, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def _median_days(spans: Sequence[tuple[datetime | None, datetime | None]]) -> float | None:
    days = [(end - start) / timedelta(days=1) for start, end in spans if start and end]
    return round(max(0.0, median(days)), 1) if days else None


def _order(row: Row) -> tuple[int, int, str]:
    """By state, the newest first; those whose day is not known come last."""
    return _RANK[row.state], -int(row.since.replace("-", "")) if row.since else 0, row.id
