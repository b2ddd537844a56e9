"""One cycle up to its plan: read, understand, look for changes, plan. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.bundle import Operations, operations_for
from bot.causes import unanswered
from bot.check_command import CheckCommand
from bot.commands.loading import (
    Workspace,
    ask_of,
    conversations_by_key,
    empty_store,
    model_of,
    open_repository,
    store_of,
    understanding_of,
)
from bot.commands.merges import taken_out_by, texts_of_merge, with_verdicts
from bot.commands.quality import Monitored, monitored
from bot.commands.shell import Shell
from bot.commands.surface import (
    as_wished,
    marked,
    pause_of,
    rollbacks_of,
    wishes_of,
    with_surface,
)
from bot.history import read_history
from bot.pipeline import Changes, explain, measure, propose
from bot.proposals import apply_edits
from bot.records import (
    Ask,
    CheckRun,
    PastProposal,
    Plan,
    Proposal,
    Repository,
    Skipped,
    Verdict,
)
from bot.settings import Settings, settings_sha
from bot.surface import Wishes
from bot.understanding import Understanding
from collector.store import Store

if TYPE_CHECKING:
    from bot.model import Model

BEFORE_MERGE = timedelta(days=28)
"""How far before a merge a verdict looks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What one cycle found, before anything is sent."""

    workspace: Workspace
    repository: Repository
    understood: Understanding
    verdicts: tuple[Verdict, ...]
    plan: Plan
    operations: Operations
    past: tuple[PastProposal, ...]
    model: Model | None
    proposing: bool = True
    quality: Monitored | None = None
    """What the monitor says; None where a run only estimates."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """What a cycle has read before it decides anything."""

    repo: str
    target: str
    workspace: Workspace
    repository: Repository
    past: tuple[PastProposal, ...]
    wishes: Wishes
    store: Store
    model: Model | None
    ask: Ask | None
    understood: Understanding

    @property
    def settings(self) -> Settings:
        return self.workspace.settings


@dataclass(frozen=True, kw_only=True, slots=True)
class _Decided:
    """What a cycle makes of it."""

    changes: Changes
    verdicts: tuple[Verdict, ...]
    too_early: tuple[Skipped, ...]
    paused_by: str | None
    watched: Monitored | None


def plan_cycle(
    shell: Shell,
    repo: str,
    target: str,
    *,
    proposing: bool,
    measuring: bool,
    estimate: bool = False,
) -> Found:
    """Everything up to the bundle. `estimate` counts what a model would cost and asks nothing."""
    read = _read(shell, repo, target, proposing=proposing, estimate=estimate)
    decided = _decide(shell, read, proposing=proposing, measuring=measuring, estimate=estimate)
    operations, left_out = _operations(shell, read, decided)
    plan = Plan(
        schema=1,
        target=target,
        base_sha=read.repository.base_sha,
        base_branch=read.repository.base_branch,
        settings_sha=settings_sha(read.workspace.settings_text),
        operations=operations.operations,
        left_out=left_out,
    )
    report = unanswered(read.understood.report, read.past, decided.changes.answered)
    told = replace(report, findings=(*report.findings, *decided.changes.findings))
    return Found(
        workspace=read.workspace,
        repository=read.repository,
        understood=replace(read.understood, report=told),
        verdicts=decided.verdicts,
        plan=plan,
        operations=operations,
        past=read.past,
        model=read.model,
        proposing=proposing,
        quality=decided.watched,
    )


def _read(shell: Shell, repo: str, target: str, *, proposing: bool, estimate: bool) -> _Read:
    """The repository, what became of earlier proposals, and what the conversations say."""
    workspace, repository = open_repository(repo)
    settings = workspace.settings
    past = read_history(target, connect=shell.reader)
    wishes = wishes_of(shell, target, past, settings)
    model = model_of(shell, settings, estimate=estimate)
    since = min((one.merged_at - BEFORE_MERGE for one in past if one.merged_at), default=None)
    understood = understanding_of(shell, workspace, model=model, since=since)
    store = store_of(shell, settings)
    ask = ask_of(model, store, settings)
    if proposing:
        understood = explain(
            understood,
            repository,
            settings=settings,
            conversations_of=partial(conversations_by_key, store),
            ask=ask,
        )
    return _Read(
        repo=repo,
        target=target,
        workspace=workspace,
        repository=repository,
        past=past,
        wishes=wishes,
        store=store,
        model=model,
        ask=ask,
        understood=understood,
    )


def _decide(
    shell: Shell, read: _Read, *, proposing: bool, measuring: bool, estimate: bool
) -> _Decided:
    """What is out of its rhythm, what earlier merges did, and what to change now."""
    watched = None
    if not estimate:
        watched = monitored(shell, read.store, read.understood, read.settings, read.ask)
    paused_by = pause_of(shell, read.target, read.settings, read.wishes)
    verdicts: tuple[Verdict, ...] = ()
    too_early: tuple[Skipped, ...] = ()
    if measuring:
        verdicts, too_early = measure(read.understood, read.past, now=shell.now)
    changes = Changes()
    if proposing and paused_by is not None:
        changes = Changes(skipped=(Skipped(what="proposals", code="paused", reason=paused_by),))
    elif proposing:
        changes = _changes(shell, read, verdicts)
    return _Decided(
        changes=changes,
        verdicts=verdicts,
        too_early=too_early,
        paused_by=paused_by,
        watched=watched,
    )


def _changes(shell: Shell, read: _Read, verdicts: Sequence[Verdict]) -> Changes:
    with shell.working("looking for changes"):
        return propose(
            read.understood,
            read.repository,
            with_verdicts(as_wished(read.past, read.wishes), verdicts),
            settings=read.settings,
            conversations_of=partial(conversations_by_key, read.store),
            texts_of=lambda one: texts_of_merge(read.repo, one),
            ask=read.ask,
            now=shell.now,
            wanted_now=read.wishes.ids("create"),
            check=_check_of(shell, read.repo, read.repository, read.settings),
        )


def _operations(
    shell: Shell, read: _Read, decided: _Decided
) -> tuple[Operations, tuple[Skipped, ...]]:
    """What to do on the target, pages that people read included, and what is left out."""
    changes, settings = decided.changes, read.settings
    rollbacks = rollbacks_of(read.repo, read.repository, read.past, read.wishes)
    proposed = {one.id for one in changes.proposals}
    back = [
        one for one in rollbacks.values() if isinstance(one, Proposal) and one.id not in proposed
    ]
    operations = operations_for(
        (*changes.proposals, *back),
        as_wished(read.past, read.wishes),
        decided.verdicts,
        report=read.understood.report,
        base_sha=read.repository.base_sha,
        now=shell.now,
        expire_days=settings.publish.expire_days,
    )
    nothing = () if read.understood.report.agents else (empty_store(shell, settings),)
    unread = [one for one in read.understood.skipped if one.pattern_id not in changes.answered]
    skipped = (*nothing, *unread, *changes.skipped, *decided.too_early, *operations.left_out)
    left_out = tuple(dict.fromkeys(skipped))
    operations = with_surface(
        marked(operations, rollbacks, read.wishes, taken_out_by(changes.proposals)),
        read.understood,
        read.repository,
        read.past,
        changes,
        read.wishes,
        target=read.target,
        settings=settings,
        verdicts=decided.verdicts,
        left_out=left_out,
        rollbacks=rollbacks,
        cost=read.model.cost if read.model else None,
        paused_by=decided.paused_by,
        alerts=decided.watched.watched.alerts if decided.watched else (),
        now=shell.now,
    )
    return operations, left_out


def _check_of(
    shell: Shell, repo: str, repository: Repository, settings: Settings
) -> Callable[[Proposal], CheckRun | None]:
    """Runs the check that the settings name for a proposal's agent on the proposal."""
    commands: dict[str, CheckCommand] = {}

    def run(proposal: Proposal) -> CheckRun | None:
        own = settings.agent(proposal.agent).check or settings.harness.check
        after = apply_edits(repository.files, proposal.edits)
        if not own or isinstance(after, Skipped):
            return None
        command = commands.setdefault(
            own,
            CheckCommand(
                repository=Path(repo),
                base_sha=repository.base_sha,
                command=own,
                timeout_s=settings.harness.timeout_s,
                environment=shell.environment,
            ),
        )
        with shell.working(f"running the repository's check on {proposal.id}"):
            return command.run(after)

    return run
