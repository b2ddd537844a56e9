"""Carries out a bundle's plan: the only stage with a write token, and no model, no store.

Takes a `Plan`, its bodies and a target; gives a `PublishReport`. For each operation it reads what
is there now, decides purely (`plan.py`) which steps are missing, and does those. Refuses edits
that no longer apply, that the guardrails forbid, or that a person stands in the way of. Any step
may be the last before a crash: the next run goes on from there and does nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from bot.figures import count
from bot.github import (
    GitHub,
    NotFound,
    NotPermitted,
    RateLimited,
    TokenLacks,
    Unprocessable,
)
from bot.markdown import plain
from bot.publish.git_target import GitTarget
from bot.publish.github_target import GitHubTarget
from bot.publish.plan import (
    BODY_LIMIT,
    AddComment,
    AddLabels,
    ClosePull,
    Decision,
    EditPull,
    OpenPull,
    PutBranch,
    RequestReviews,
    Seen,
    Step,
    check_operation,
    choose_pull,
    decide_change,
    decide_close,
    decide_comment,
    decide_labels,
    needs_branch,
)
from bot.publish.target import Pull, Target
from bot.pull_template import TEMPLATE_PATHS, with_answers, with_template
from bot.records import (
    Degraded,
    Done,
    Edit,
    Operation,
    Plan,
    PublishReport,
    Skipped,
    SourceFile,
)
from bot.reviewers import CODEOWNERS_PATHS, MAX_OWNERS, owners_of
from bot.settings import PATH as SETTINGS_PATH
from bot.settings import PublishSettings
from bot.target_name import parse_target

Apply: TypeAlias = Callable[[Mapping[str, SourceFile], Iterable[Edit]], dict[str, str] | Skipped]
"""`bot.proposals.apply_edits`: stages do not import each other, so the pipeline passes it in."""

Check: TypeAlias = Callable[
    [Operation, Mapping[str, str], Mapping[str, str], str | None], Iterable[str]
]
"""(operation, texts before, texts after, settings of the default branch or None) → the guardrails
that are violated, as sentences. It sees the repository and the bundle, nothing else."""

DEFAULTS = PublishSettings()

__all__ = ["Apply", "Check", "Done", "GitHub", "PublishReport", "Target", "open_target", "publish"]


def open_target(
    spec: str,
    *,
    connect: Callable[[str], GitHub],
    now: datetime,
    lag_s: float = 1.0,
) -> Target:
    """The target that `git:DIR` or `github:OWNER/NAME` names.

    `connect` gives the client for OWNER/NAME.

    Raises:
        UsageError: `spec` is neither.
        RepositoryError: DIR is not a repository.
    """
    kind, place = parse_target(spec)
    if kind == "git":
        return GitTarget(Path(place), now=now)
    return GitHubTarget(connect(place), lag_s=lag_s)


def publish(
    plan: Plan,
    body_of: Callable[[str], str],
    target: Target,
    *,
    apply: Apply,
    check: Check,
    settings: PublishSettings = DEFAULTS,
    dry_run: bool = False,
) -> PublishReport:
    """Carry out the plan's operations in their order.

    `body_of` gives the text of an operation's `body_file`. An operation that the target will not
    take is refused by itself and the others go on; at a rate limit that lasts, the rest is left
    to a later run.

    Raises:
        CredentialsError: the token is not accepted or may not do this.
        GitHubError, RepositoryError: the target failed; run again later.
    """
    run = _Run(target=target, apply=apply, check=check, settings=settings, dry_run=dry_run)
    for number, operation in enumerate(plan.operations):
        try:
            run.carry_out(operation, body_of(operation.body_file))
        except RateLimited as error:
            left = count(len(plan.operations) - number, "operation")
            sentence = f"{left} left to a later run: {error}"
            run.degraded.append(Degraded(code="rate_limit", sentence=sentence))
            break
    return PublishReport(
        done=tuple(run.done),
        unchanged=run.unchanged,
        refused=tuple(run.refused),
        degraded=tuple(run.degraded),
        writes=run.writes,
    )


_STEP_NAMES: Mapping[type[Step], str] = {
    PutBranch: "branch",
    OpenPull: "pull_request",
    EditPull: "body",
    RequestReviews: "reviewers",
    AddLabels: "labels",
    AddComment: "comment",
    ClosePull: "close",
}


@dataclass(kw_only=True)
class _Run:
    """One pass over a plan: looks, asks `plan.py`, acts, and keeps the tally."""

    target: Target
    apply: Apply
    check: Check
    settings: PublishSettings
    dry_run: bool
    done: list[Done] = field(default_factory=list)
    refused: list[Skipped] = field(default_factory=list)
    degraded: list[Degraded] = field(default_factory=list)
    unchanged: int = 0
    writes: int = 0

    @cached_property
    def base(self) -> tuple[str, str]:
        """Name and head commit of the default branch, the same for the whole run."""
        return self.target.base()

    @cached_property
    def settings_text(self) -> str | None:
        """The settings as people merged them; a bundle cannot bring its own."""
        found = self.target.files(self.base[1], [SETTINGS_PATH]).get(SETTINGS_PATH)
        return found.text if found is not None else None

    @cached_property
    def template(self) -> str:
        """The repository's own pull request template; empty where there is none."""
        return self._first(TEMPLATE_PATHS) if self.settings.template else ""

    def _first(self, paths: Sequence[str]) -> str:
        found = self.target.files(self.base[1], paths)
        return next((found[path].text for path in paths if path in found), "")

    @cached_property
    def code_owners(self) -> str:
        return self._first(CODEOWNERS_PATHS) if self.settings.code_owners else ""

    def _reviewers(self, operation: Operation) -> tuple[str, ...]:
        owners = owners_of(self.code_owners, _paths(operation))
        return tuple(dict.fromkeys([*self.settings.reviewers, *owners]))[:MAX_OWNERS]

    def carry_out(self, operation: Operation, body: str) -> None:
        malformed = check_operation(operation, body)
        if malformed is not None:
            self.refused.append(malformed)
            return
        seen = self._look(operation)
        decision = self._decide(operation, body, seen)
        if decision.skipped is not None:
            self.refused.append(decision.skipped)
        elif not decision.steps:
            self.unchanged += 1
        if decision.steps:
            self._act(operation, decision.steps, seen.pull)

    def _look(self, operation: Operation) -> Seen:
        pull = choose_pull(operation, self.target.pulls(operation.branch))
        branch = None
        if operation.op in ("open", "update", "close"):
            branch = self.target.branch(
                operation.branch,
                proposal_id=operation.id,
                base_sha=self.base[1],
                paths=_paths(operation),
            )
        says_something = operation.op in ("close", "comment", "verdict")
        if pull is not None and (says_something or (branch is not None and not branch.is_ours)):
            markers = self.target.comment_markers(pull)
        else:
            markers = ()
        successor = None
        if operation.superseded_by:
            others = self.target.pulls(f"debrief/{operation.superseded_by}")
            successor = next((other for other in others if other.state == "open"), None)
        return Seen(
            base_sha=self.base[1], branch=branch, pull=pull, markers=markers, successor=successor
        )

    def _decide(self, operation: Operation, body: str, seen: Seen) -> Decision:
        if operation.op == "close":
            return decide_close(operation, body, seen)
        if operation.op == "label":
            return decide_labels(operation, seen)
        if operation.op in ("comment", "verdict"):
            return decide_comment(operation, body, seen)
        files = self._rebuilt(operation) if needs_branch(operation, seen) else {}
        opened = seen.pull if seen.pull is not None and seen.pull.state == "open" else None
        if opened is None:
            dressed = with_template(self.template, body)
        else:
            dressed = with_answers(opened.body, body)
        body = dressed if len(dressed) <= BODY_LIMIT else body
        reviewers = () if opened is not None and opened.labels else self._reviewers(operation)
        return decide_change(operation, body, seen, files=files, reviewers=reviewers)

    def _rebuilt(self, operation: Operation) -> Mapping[str, str] | Skipped:
        """The edits on the current base, past the guardrails, or why not."""
        paths = _paths(operation)
        occupied = self.target.occupied(self.base[1], paths)
        if occupied:
            reason = (
                f"{plain(occupied[0], 200)} is, or lies behind, a symbolic link, a submodule or a "
                "folder; Debrief writes plain files only."
            )
            return Skipped(what=f"{operation.op} {operation.id}", code="guardrail", reason=reason)
        before = self.target.files(self.base[1], paths)
        after = self.apply(before, operation.edits)
        if isinstance(after, Skipped):
            return after
        texts = {path: file.text for path, file in before.items()}
        violated = list(self.check(operation, texts, after, self.settings_text))
        if violated:
            more = f" (and {len(violated) - 1} more)" if len(violated) > 1 else ""
            reason = f"A guardrail forbids it: {violated[0].removesuffix('.')}{more}."
            return Skipped(
                what=f"{operation.op} {operation.id}",
                code="guardrail",
                reason=reason,
                detail=" ".join(violated[1:]),
            )
        return after

    def _act(self, operation: Operation, steps: Iterable[Step], pull: Pull | None) -> None:
        """Do the steps in order; what the target will not take ends this operation only."""
        names: list[str] = []
        for step in steps:
            outcome = pull if self.dry_run else self._step(operation, step, pull)
            if isinstance(outcome, Skipped):
                self.refused.append(outcome)
                break
            if isinstance(outcome, Degraded):
                self.degraded.append(outcome)
                break
            pull = outcome
            names.append(_STEP_NAMES[type(step)])
            self.writes += not self.dry_run
        if names:
            self.done.append(
                Done(
                    op=operation.op,
                    id=operation.id,
                    steps=tuple(names),
                    reference=pull.reference if pull is not None else None,
                    url=pull.url if pull is not None else None,
                )
            )

    def _step(
        self, operation: Operation, step: Step, pull: Pull | None
    ) -> Pull | Skipped | Degraded | None:
        """One step; gives the pull request that the next one is about, or why it ends here."""
        what = f"{operation.op} {operation.id}"
        try:
            if isinstance(step, PutBranch):
                moved = self.target.put_branch(
                    step.branch,
                    step.files,
                    on=step.on,
                    parents=step.parents,
                    message=step.message,
                    expected=step.expected,
                )
                if moved:
                    return pull
                reason = f"{step.branch} changed while publish ran; run publish again."
                return Skipped(what=what, code="moved", reason=reason)
            if isinstance(step, OpenPull):
                return self.target.open_pull(
                    branch=step.branch,
                    base=self.base[0],
                    title=step.title,
                    body=step.body,
                    is_draft=step.is_draft,
                )
            if pull is None:  # `plan.py` gives the other steps only where there is one.
                raise AssertionError(f"{step} without a pull request")
            if isinstance(step, EditPull):
                if self.target.edit_pull(pull, title=step.title, body=step.body):
                    return pull
                reason = f"A person changed {pull.reference} while publish ran; the next run looks."
                return Skipped(what=what, code="moved", reason=reason)
            self._change(step, pull)
        except TokenLacks as error:
            sentence = f"{what} is left where it was: {error}. The bundle holds it as a patch."
            return Degraded(code="not_permitted", sentence=sentence)
        except (NotPermitted, NotFound, Unprocessable) as error:
            return Skipped(what=what, code="target_refused", reason=str(error))
        return pull

    def _change(
        self, step: RequestReviews | AddLabels | AddComment | ClosePull, pull: Pull
    ) -> None:
        match step:
            case RequestReviews():
                self._note("reviewers", self.target.request_reviews(pull, step.names))
            case AddLabels():
                self._note("labels", self.target.add_labels(pull, step.labels))
            case AddComment():
                self.target.comment(pull, step.body)
            case ClosePull():
                self.target.close(pull)

    def _note(self, code: str, failed: str | None) -> None:
        if failed is not None:
            self.degraded.append(Degraded(code=code, sentence=failed))


def _paths(operation: Operation) -> list[str]:
    return list(dict.fromkeys(edit.path for edit in operation.edits))
