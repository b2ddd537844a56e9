"""What the surface shall show after this cycle, as operations of the bundle. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.dashboard import Dashboard, render_dashboard
from bot.evidence import EvidenceMap, map_to_json
from bot.records import Alert, Operation, PastProposal, Pattern, Proposal, Skipped
from bot.surface.alerts import alert_body, alert_title
from bot.surface.answers import answer
from bot.surface.wishes import Asked, Wishes

SURFACE_OPS = frozenset({"issue", "answer", "evidence"})
"""What `bot.surface` carries out; the rest of a plan is for `bot.publish`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SurfacePlan:
    operations: tuple[Operation, ...]
    bodies: Mapping[str, str]
    """By `Operation.body_file`."""


def plan_surface(
    dashboard: Dashboard,
    found: EvidenceMap,
    wishes: Wishes,
    *,
    past: Sequence[PastProposal],
    patterns: Sequence[Pattern],
    operations: Sequence[Operation],
    rollbacks: Mapping[str, Proposal | Skipped],
    alerts: Sequence[Alert] = (),
) -> SurfacePlan:
    """The answers first, then the map, the alerts, and the dashboard, which knows of all of them.

    `operations` are the plan's others; `rollbacks` by id of the proposal that is taken back.
    """
    by_id = {one.id: one for one in past}
    by_pattern = {one.id: one for one in patterns}
    wanted = [
        _answer(one, by_id[one.proposal_id], by_pattern, operations, rollbacks)
        for one in wishes.asked
        if one.proposal_id in by_id
    ]
    wanted.append((_operation("evidence", "evidence", "map of evidence"), map_to_json(found)))
    wanted += [
        (
            _operation("issue", one.id, alert_title(one), kind="alert", state=one.state),
            alert_body(one),
        )
        for one in alerts
    ]
    page = _operation("issue", "dashboard", "dashboard", kind="dashboard")
    wanted.append((page, render_dashboard(dashboard)))
    return SurfacePlan(
        operations=tuple(operation for operation, _ in wanted),
        bodies={operation.body_file: body for operation, body in wanted},
    )


def _answer(
    asked: Asked,
    past: PastProposal,
    patterns: Mapping[str, Pattern],
    operations: Sequence[Operation],
    rollbacks: Mapping[str, Proposal | Skipped],
) -> tuple[Operation, str]:
    body = answer(
        asked.command,
        past,
        comment_id=asked.comment_id,
        pattern=patterns.get(past.pattern_id),
        operations=operations,
        rollback=rollbacks.get(past.id),
    )
    operation = Operation(
        op="answer",
        id=f"answer-{asked.comment_id}",
        kind="answer",
        branch="",
        title=f"/debrief {asked.command.verb}",
        body_file=f"bodies/answer-{asked.comment_id}.md",
        agent=past.agent,
        reference=f"#{asked.number}",
        request={
            "comment_id": asked.comment_id,
            "verb": asked.command.verb,
            "proposal": past.id,
        },
    )
    return operation, body


def _operation(op: str, id: str, title: str, *, kind: str = "map", **request: str) -> Operation:
    suffix = "json" if op == "evidence" else "md"
    return Operation(
        op=op,  # type: ignore[arg-type]
        id=id,
        kind=kind,
        branch="",
        title=title,
        body_file=f"bodies/{id}.{suffix}",
        request=dict(request),
    )
