"""What the cycle's commands do about the surface: read the wishes, plan it, carry it out.

And the commands by which a person does from a terminal what the dashboard's boxes do: rollback,
pause, resume, evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bot import git
from bot.bundle import Operations
from bot.commands.merges import is_restored, merged_texts
from bot.commands.shell import Shell
from bot.dashboard import dashboard_of
from bot.evidence import evidence_map
from bot.github import GitHub, NotPermitted, TokenLacks
from bot.history import reject
from bot.pattern_name import pattern_name
from bot.pipeline import Changes
from bot.proposals.guardrails import NEVER
from bot.publish import Check, Target
from bot.recheck import check_again
from bot.records import (
    Alert,
    ModelCost,
    Operation,
    PastProposal,
    PatternReport,
    Plan,
    Proposal,
    PublishReport,
    Repository,
    Skipped,
    Verdict,
)
from bot.rollback import roll_back
from bot.settings import Settings
from bot.surface import (
    NO_WISHES,
    SURFACE_OPS,
    Wishes,
    lift_rejections,
    plan_surface,
    read_wishes,
    show,
)
from bot.target_name import parse_target
from bot.understanding import Understanding
from bot.watched import files_of_agents
from bot.workflow_commands import annotation
from collector.records import Json

PAUSED_REF = "refs/debrief/paused"
"""There while a repository without GitHub is paused."""
_TOLD = {
    "open": "Debrief opened",
    "update": "Debrief updated",
    "close": "Debrief closed",
    "verdict": "Debrief measured",
}
_MENDABLE = frozenset({"empty_store", "no_file", "unreadable"})


def wishes_of(
    shell: Shell, target: str, past: Sequence[PastProposal], settings: Settings
) -> Wishes:
    """What people want of this run; nothing where there is no GitHub to say it on."""
    kind, place = parse_target(target)
    if kind == "git" or not settings.publish.dashboard:
        return NO_WISHES
    try:
        return read_wishes(shell.reader(place), past, now=shell.now)
    except (TokenLacks, NotPermitted) as error:
        reason = f"The token may not read issues: {error}"
        unread = Skipped(what="boxes and commands", code="no_permission", reason=reason)
        return Wishes(refused=(unread,))


def pause_of(shell: Shell, target: str, settings: Settings, wishes: Wishes) -> str | None:
    """Why nothing new may be opened, or None: settings, repository variable, label or dashboard."""
    if settings.paused:
        return "`paused: true` stands in the settings."
    if shell.paused:
        return "DEBRIEF_PAUSED is set: see the repository's variables."
    if wishes.paused:
        return (
            f"The pause is ticked on the dashboard {wishes.dashboard or ''}".rstrip()
            + "; untick it to go on."
        )
    kind, place = parse_target(target)
    if kind == "git":
        is_set = git.resolve(Path(place), PAUSED_REF) is not None
        return "`debrief pause` was run; `debrief resume` goes on." if is_set else None
    label = settings.publish.pause_label
    try:
        is_labelled = shell.reader(place).is_labelled(label)
    except (TokenLacks, NotPermitted):
        return None  # as above: without the permission there are no wishes
    return f"An open issue or pull request carries the label {label}." if is_labelled else None


def as_wished(past: Sequence[PastProposal], wishes: Wishes) -> tuple[PastProposal, ...]:
    """The past as people want it looked at: rejections taken back, open ones evaluated again."""
    return tuple(_as_wished(one, wishes) for one in past)


def _as_wished(one: PastProposal, wishes: Wishes) -> PastProposal:
    if one.state == "rejected" and one.id in wishes.ids("lift"):
        return replace(one, state="closed", rejection=None, reason=None)
    if one.state == "open" and one.id in wishes.evaluate:
        # Without it nobody knows how much was seen, so the model is asked again.
        marker = {key: value for key, value in one.marker.items() if key != "pattern_evidence"}
        return replace(one, marker=marker)
    return one


def rollbacks_of(
    repo: str, repository: Repository, past: Sequence[PastProposal], wishes: Wishes
) -> dict[str, Proposal | Skipped]:
    """By id of the merged proposal that somebody asked to take back."""
    wanted = {one.proposal_id: one for one in wishes.asked if one.command.verb == "rollback"}
    return {
        one.id: roll_back_merged(repo, repository, one, why="A person with write access asked.")
        for one in past
        if one.id in wanted and one.state == "merged"
    }


def roll_back_merged(
    repo: str, repository: Repository, past: PastProposal, *, why: str
) -> Proposal | Skipped:
    """What the merge changed, read from the repository's history, and the change that undoes it."""
    texts = merged_texts(repo, past)
    if texts is None:
        return Skipped(
            what=f"rollback of {past.reference}",
            code="no_history",
            reason="The merge is not in this checkout; fetch the whole history "
            "(`fetch-depth: 0` on actions/checkout).",
        )
    before, after = texts
    return roll_back(past, before=before, after=after, now=repository.files, why=why)


def marked(
    operations: Operations,
    rollbacks: Mapping[str, Proposal | Skipped],
    wishes: Wishes,
    retired: Mapping[str, Proposal] | None = None,
) -> Operations:
    """The operations that take a merge or a rejection back say so, for publish to look it up."""
    requests: dict[str, Mapping[str, Json]] = {id: {"lift": True} for id in wishes.ids("lift")}
    for id, retirement in (retired or {}).items():
        requests[retirement.id] = {"retire": id}
    for id, one in rollbacks.items():
        if isinstance(one, Proposal):
            requests[one.id] = {"rollback": id}
    return replace(
        operations,
        operations=tuple(
            replace(one, request=requests[one.id])
            if one.op == "open" and one.id in requests
            else one
            for one in operations.operations
        ),
    )


def with_surface(
    operations: Operations,
    understood: Understanding,
    repository: Repository,
    past: Sequence[PastProposal],
    changes: Changes,
    wishes: Wishes,
    *,
    target: str,
    settings: Settings,
    verdicts: Sequence[Verdict],
    left_out: Sequence[Skipped],
    rollbacks: Mapping[str, Proposal | Skipped],
    cost: ModelCost | None,
    alerts: Sequence[Alert] = (),
    paused_by: str | None = None,
    now: datetime,
) -> Operations:
    """The bundle's operations and those of the surface, where the target is GitHub."""
    if parse_target(target)[0] == "git" or not settings.publish.dashboard:
        return operations
    report = understood.report
    agents = [one.agent for one in report.agents]
    page = dashboard_of(
        report,
        past,
        name_of={one.id: pattern_name(one) for one in report.patterns},
        waiting=changes.waiting,
        why_waiting={one.what: one.reason for one in changes.skipped},
        opening={one.pattern_id for one in operations.operations if one.op == "open"},
        verdicts=verdicts,
        skipped=left_out,
        problems=_problems(report, left_out, paused_by),
        notes=_notes(wishes, past, operations.operations),
        honoured=sorted(wishes.boxes - {"pause"}),
        cost=cost,
        per_week=settings.limits.new_per_week,
        paused=wishes.paused,
        now=now,
    )
    found = evidence_map(
        report,
        understood.facts,
        understood.taxonomy,
        files_of_agents(agents, repository, settings, systems=understood.systems),
        base_sha=repository.base_sha,
        window_days=settings.limits.window_days,
        now=now,
    )
    surface = plan_surface(
        page,
        found,
        wishes,
        past=past,
        patterns=report.patterns,
        operations=operations.operations,
        rollbacks=rollbacks,
        alerts=alerts,
    )
    return replace(
        operations,
        operations=(*operations.operations, *surface.operations),
        bodies={**operations.bodies, **surface.bodies},
    )


def _problems(
    report: PatternReport, left_out: Sequence[Skipped], paused_by: str | None
) -> list[str]:
    """What the reader of the page can do something about."""
    said = [f"{one.what}: {one.reason}" for one in left_out if one.code in _MENDABLE]
    keyless = next((one.reason for one in left_out if one.code == "no_key"), None)
    if keyless and any(one.kind == "outcome" for one in report.patterns):
        said.insert(0, keyless)
    return [*([paused_by] if paused_by else []), *said]


def _notes(
    wishes: Wishes, past: Sequence[PastProposal], operations: Sequence[Operation]
) -> list[str]:
    """What became of each box that was ticked."""
    planned = {one.id: one.op for one in operations}
    names = {one.id: f"{one.title} ({one.reference})" for one in past}
    notes = []
    for key in sorted(wishes.boxes - {"pause"}):
        kind, _, id = key.partition("=")
        name, op = names.get(id, id), planned.get(id)
        if kind == "create":
            said = "opened as asked" if op else "could not be opened: the pattern is gone"
        elif kind == "evaluate":
            said = "looked at again: " + ("updated" if op == "update" else "nothing changes")
        else:
            said = "rejection taken back" + ("" if op else "; nothing to propose at the moment")
        notes.append(f"{name}: {said}")
    return notes


def without_pages(plan: Plan, report: PublishReport) -> tuple[Plan, PublishReport]:
    """For the ledger, which keeps what was decided: the pages only show it."""
    pages = ("issue", "evidence")
    operations = tuple(one for one in plan.operations if one.op not in pages)
    done = tuple(one for one in report.done if one.op not in pages)
    return replace(plan, operations=operations), replace(report, done=done)


def remarks_on(report: PublishReport) -> Iterator[str]:
    """What the page of a workflow's run shows: what was opened, closed or judged, and what failed.

    GitHub shows ten of each kind of a step.
    """
    told = [one for one in report.done if one.op in _TOLD and one.reference is not None]
    for one in told[:10]:
        yield annotation("notice", f"{one.reference} {one.url or ''}".strip(), title=_TOLD[one.op])
    for degraded in report.degraded[:10]:
        yield annotation("warning", degraded.sentence, title=f"Debrief: {degraded.code}")


def check_restored(target: Target, past: Sequence[PastProposal]) -> Check:
    """`check_again`, but what puts files back exactly as before a merge of ours may do so.

    A guardrail is for what is new; the text before the merge is what people had. What leads to a
    file that no proposal may touch is refused all the same.
    """
    merged = {one.id: one for one in past if one.state == "merged" and one.base_sha}

    def check(
        operation: Operation,
        before: Mapping[str, str],
        after: Mapping[str, str],
        settings_text: str | None,
    ) -> Iterable[str]:
        problems = tuple(check_again(operation, before, after, settings_text))
        request = operation.request
        earlier = merged.get(str(request.get("rollback") or request.get("retire")))
        if not problems or earlier is None or earlier.base_sha is None:
            return problems
        restores = is_restored(
            after,
            before,
            before_merge=target.files(earlier.base_sha, list(after)),
            merged=target.files(earlier.merge_sha, list(after)) if earlier.merge_sha else {},
        )
        never = any(NEVER.match_file(path.lower()) for path in after)
        return () if restores and not never else problems

    return check


# -- sending it ------------------------------------------------------------------------------------


def split(plan: Plan) -> tuple[Plan, tuple[Operation, ...]]:
    """What `bot.publish` carries out, and what the surface does."""
    own = tuple(one for one in plan.operations if one.op in SURFACE_OPS)
    others = tuple(one for one in plan.operations if one.op not in SURFACE_OPS)
    return replace(plan, operations=others), own


def asked_for(plan: Plan, past: Sequence[PastProposal], wishes: Wishes) -> frozenset[str]:
    """Ids that no limit holds up: a person ticked "open now", or takes back what is merged."""
    merged = {one.id for one in past if one.state == "merged"}
    back = {one.id for one in plan.operations if one.request.get("rollback") in merged}
    return wishes.ids("create") | back


def show_surface(
    shell: Shell,
    to: str,
    operations: Sequence[Operation],
    body_of: Callable[[str], str],
    report: PublishReport,
    plan: Plan,
    past: Sequence[PastProposal],
) -> PublishReport:
    """Carry out the surface's operations on GitHub, after everything else."""
    kind, place = parse_target(to)
    if kind == "git" or not operations:
        return report
    client: GitHub = shell.writer(place)

    def turn_down(proposal: str, reason: str) -> str:
        return reject(to, proposal, reason, connect=lambda _: client, now=shell.now)

    planned = {one.id: one for one in plan.operations}
    with shell.working("updating the dashboard"):
        return show(
            client, operations, body_of, report, reject=turn_down, planned=planned, past=past
        )


def lifts_of(past: Sequence[PastProposal], wishes: Wishes) -> dict[str, str]:
    """Rejected proposals whose rejection a person took back: id to reference."""
    return {
        one.id: one.reference
        for one in past
        if one.state == "rejected" and one.id in wishes.ids("lift")
    }


def lift(shell: Shell, to: str, references: Mapping[str, str]) -> None:
    """Say it on the pull requests, so that this publishing and every later run know."""
    if references:
        lift_rejections(shell.writer(parse_target(to)[1]), references)
