"""What a person does from a terminal that the dashboard's boxes and comments do too.

rollback takes a merged proposal back, pause and resume hold and let go, and evidence tells one
pull request of a person what relies on the lines it changes.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from bot import git
from bot.bundle import operations_for
from bot.commands.loading import open_repository
from bot.commands.shell import Shell, exit_code
from bot.commands.surface import PAUSED_REF, check_restored, marked, roll_back_merged
from bot.dashboard import Dashboard, merge_boxes, parse_dashboard, render_dashboard
from bot.dashboard.page import TITLE
from bot.errors import Refused, UsageError
from bot.evidence import evidence_title
from bot.github import GitHub, NotPermitted, TokenLacks
from bot.github.issues import edit_issue, open_issue, read_issue
from bot.history import read_history
from bot.markdown import plain
from bot.proposals import apply_edits
from bot.publish import open_target, publish
from bot.records import PastProposal, PatternReport, Plan, Skipped
from bot.surface import NO_WISHES, PullPages, dashboard_issue, read_map
from bot.target_name import parse_target
from bot.workflow_commands import annotation

NOTHING = PatternReport(agents=(), tested=0, patterns=(), findings=(), refused=())


def rollback(shell: Shell, given: argparse.Namespace) -> int:
    """Open the pull request that takes a merged proposal back; with `--dry-run` only say it."""
    _, repository = open_repository(given.repo)
    past = read_history(given.to, connect=shell.reader)
    merged = _merged(past, given.proposal)
    found = roll_back_merged(given.repo, repository, merged, why="A person asked for it.")
    if isinstance(found, Skipped):
        raise Refused(f"{merged.reference} is not taken back: {found.reason}")
    operations = marked(
        operations_for(
            (found,), past, (), report=NOTHING, base_sha=repository.base_sha, now=shell.now
        ),
        {merged.id: found},
        NO_WISHES,
    )
    plan = Plan(
        schema=1,
        target=given.to,
        base_sha=repository.base_sha,
        base_branch=repository.base_branch,
        settings_sha="",
        operations=tuple(one for one in operations.operations if one.id == found.id),
        left_out=(),
    )
    target = open_target(
        given.to, connect=shell.reader if given.dry_run else shell.writer, now=shell.now
    )
    report = publish(
        plan,
        operations.bodies.__getitem__,
        target,
        apply=apply_edits,
        check=check_restored(target, past),
        dry_run=given.dry_run,
    )
    if report.refused:
        raise Refused(f"{merged.reference} is not taken back: {report.refused[0].reason}")
    where = next((one.reference for one in report.done), None) or f"debrief/{found.id}"
    if shell.json:
        shell.emit({"rollback": merged.id, "proposal": found.id, "published": asdict(report)})
    elif given.dry_run:
        shell.say(f"Would open {found.title!r}. Dry run: nothing was sent.")
    else:
        shell.say(f"{where} takes {merged.reference} back; merge it to undo the change.")
    return exit_code(report.degraded)


def pause(shell: Shell, given: argparse.Namespace) -> int:
    """Open nothing new until `resume`; verdicts still come."""
    return _switch(shell, given.to, on=True)


def resume(shell: Shell, given: argparse.Namespace) -> int:
    """Let go what `pause` holds."""
    return _switch(shell, given.to, on=False)


def evidence(shell: Shell, given: argparse.Namespace) -> int:
    """Tell one pull request what relies on the lines it changes: comment, check and summary.

    Reads the map that the last run kept in the repository, the pull request and nothing else. With
    a token that only reads, as a fork's job has, the summary and the annotations have to do.
    """
    kind, place = parse_target(given.to)
    if kind == "git":
        raise UsageError("pull requests of people are on GitHub; give --to github:OWNER/NAME")
    reader = shell.reader(place)
    found = read_map(reader)
    pull = reader.get(f"/pulls/{given.pull}")
    if pull is None:
        raise UsageError(f"{place} has no pull request #{given.pull}; look at its number")
    if found is None:
        shell.say("No run has kept evidence in this repository yet; `debrief run` does.")
        return 0
    head_sha = str(pull["head"]["sha"])
    pages = PullPages(client=shell.writer(place), map_text="")
    told = pages.look(given.pull, head_sha, found)
    written: str | None = None
    if not given.dry_run:
        try:
            written = pages.tell(given.pull, head_sha, found)
        except (TokenLacks, NotPermitted) as error:
            shell.say(f"Not said on the pull request: {error}")
    text = told.comment.partition("\n")[2]
    if given.summary:
        shell.summarise(given.summary, f"## Debrief\n\n{text}")
    shell.annotate(
        annotation("notice", one.message, title=one.title, file=one.path, line=one.first_line)
        for one in told.check.annotations[:10]
    )
    if shell.json:
        shell.emit({"touched": [asdict(one) for one in told.touched], "written": written})
    else:
        shell.say(evidence_title(told.touched) if told.touched else "No watched file changes.")
    return 0


# -- what they share -------------------------------------------------------------------------------


def _merged(past: tuple[PastProposal, ...], proposal: str) -> PastProposal:
    same = [one for one in past if proposal in (one.id, one.reference)]
    merged = [one for one in same if one.state == "merged"]
    if merged:
        return merged[-1]
    said = f"it is {same[-1].state}" if same else "the target does not know it"
    raise Refused(f"{plain(proposal, 80)!r} cannot be taken back: {said}; only what is merged can")


def _switch(shell: Shell, to: str, *, on: bool) -> int:
    kind, place = parse_target(to)
    where = (
        _switch_local(shell, place, on=on) if kind == "git" else _switch_remote(shell, place, on)
    )
    if shell.json:
        shell.emit({"paused": on, "where": where})
    else:
        shell.say(f"Paused: nothing new is opened ({where})." if on else f"Going on ({where}).")
    return 0


def _switch_local(shell: Shell, place: str, *, on: bool) -> str:
    """A ref that is there while the pause is on."""
    path = Path(place)
    git.require_repository(path)
    before = git.resolve(path, PAUSED_REF)
    if on and before is None:
        sha = git.commit_files(path, {}, on=None, parents=(), message="paused\n", at=shell.now)
        git.move_ref(path, PAUSED_REF, sha, expected=None)
    elif not on and before is not None:
        git.delete_ref(path, PAUSED_REF, expected=before)
    return PAUSED_REF


def _switch_remote(shell: Shell, place: str, on: bool) -> str:
    """The box of the dashboard, which is made where there is none."""
    client: GitHub = shell.writer(place)
    issue = dashboard_issue(client) or dashboard_issue(client, creator=client.login())
    if issue is None or (issue.state == "closed" and on):
        if not on:
            return "there is no dashboard"
        page = render_dashboard(Dashboard(at=shell.now, paused=True))
        return open_issue(client, title=TITLE, body=page).reference
    now = read_issue(client, issue.number) or issue
    dashboard = parse_dashboard(now.body)
    if dashboard is None:
        raise UsageError(
            f"{issue.reference} is no page that Debrief can read; tick its box by hand"
        )
    body = merge_boxes(dashboard, now.body, pause=on)
    if body != now.body:
        edit_issue(client, issue.number, body=body)
    return issue.reference
