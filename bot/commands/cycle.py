"""Commands that change something in the end: propose, measure, publish, run, reject, demo."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bot.bundle import read_body, read_bundle, write_bundle
from bot.commands.ledger import entries_of, remember
from bot.commands.loading import store_of
from bot.commands.planning import Found, plan_cycle
from bot.commands.quality import alert_lines, quality_json
from bot.commands.shell import Shell, exit_code
from bot.commands.surface import (
    asked_for,
    check_restored,
    lift,
    lifts_of,
    pause_of,
    remarks_on,
    show_surface,
    split,
    wishes_of,
    without_pages,
)
from bot.commands.understand import report_json
from bot.errors import Refused, UsageError
from bot.figures import count
from bot.history import read_history
from bot.history import reject as reject_proposal
from bot.limits import allowed_now, is_quiet
from bot.markdown import prose
from bot.proposals import apply_edits, known_ways, learning_sentence, render_diff
from bot.publish import PublishReport, open_target
from bot.publish import publish as publish_plan
from bot.records import ModelCost, Skipped
from bot.report import run_text, summary_markdown
from bot.settings import PATH as SETTINGS_PATH
from bot.settings import load_settings


def propose(shell: Shell, given: argparse.Namespace) -> int:
    """Write a bundle of proposals, with `--measure` of verdicts too, and nothing else."""
    return _write(shell, given, proposing=True, measuring=given.measure)


def measure(shell: Shell, given: argparse.Namespace) -> int:
    """Write a bundle of verdicts and nothing else."""
    return _write(shell, given, proposing=False, measuring=True)


def run(shell: Shell, given: argparse.Namespace) -> int:
    """One cycle: propose, measure, publish."""
    if given.estimate:
        return _estimate(shell, given)
    found = plan_cycle(shell, given.repo, given.to, proposing=True, measuring=True)
    kept = nullcontext(given.out) if given.out else tempfile.TemporaryDirectory()
    with kept as folder:
        bundle = Path(folder) if given.out else Path(folder) / "bundle"
        _write_bundle(bundle, found)
        report = _publish(shell, bundle, given.to, dry_run=given.dry_run)
    if not given.dry_run and found.understood.report.agents:
        entries = entries_of(*without_pages(found.plan, report), found.past, found.verdicts)
        calls = found.model.ledger if found.model else ()
        store = store_of(shell, found.workspace.settings)
        if (lost := remember(store, entries, calls, now=shell.now)) is not None:
            report = replace(report, degraded=(*report.degraded, lost))
    return _tell(shell, given, found=found, published=report)


def publish(shell: Shell, given: argparse.Namespace) -> int:
    """Send a bundle. Needs no model and no store."""
    report = _publish(shell, Path(given.bundle), given.to, dry_run=given.dry_run)
    code = _tell(shell, given, published=report)
    guarded = any(one.code == "guardrail" for one in report.refused)
    return Refused.exit_code if guarded else code


def reject(shell: Shell, given: argparse.Namespace) -> int:
    """Turn a proposal down, with the reason."""
    reference = reject_proposal(
        given.to, given.proposal, given.reason, connect=shell.writer, now=shell.now
    )
    if shell.json:
        shell.emit({"rejected": given.proposal, "reference": reference})
    else:
        shell.say(f"Rejected {reference}. The same remedy is not proposed again.")
    return 0


def demo(shell: Shell, given: argparse.Namespace) -> int:
    """The whole loop on the example agents."""
    from bot.demo import demo as conduct

    if shell.json:
        raise UsageError("`debrief demo` is for reading; it has no --json")
    conduct(console=shell.out, now=shell.now)
    return 0


def _estimate(shell: Shell, given: argparse.Namespace) -> int:
    """What this cycle's first calls could cost at most. Asks nothing, sends nothing."""
    found = plan_cycle(shell, given.repo, given.to, proposing=True, measuring=False, estimate=True)
    cost = found.model.cost if found.model else ModelCost()
    if shell.json:
        shell.emit({"estimate": asdict(cost), "key": found.model is not None})
    elif found.model is None:
        shell.say("No model key is set, so a run calls no model and costs nothing.")
    else:
        shell.say(
            f"Reading: at most {count(cost.calls, 'model call')}, {cost.input_tokens:,} tokens in, "
            f"{cost.output_tokens:,} out, ${cost.usd:.2f}. Writing and checking an edit adds a few "
            f"calls to each pattern. The budget of a cycle is "
            f"${found.workspace.settings.model.budget_usd:.2f}."
        )
    return 0


def _write(shell: Shell, given: argparse.Namespace, *, proposing: bool, measuring: bool) -> int:
    history = given.history or f"git:{given.repo}"
    found = plan_cycle(shell, given.repo, history, proposing=proposing, measuring=measuring)
    _write_bundle(Path(given.out), found)
    return _tell(shell, given, found=found)


def _write_bundle(out: Path, found: Found) -> None:
    files = found.repository.files
    patches = {}
    for operation in found.plan.operations:
        after = apply_edits(files, operation.edits)
        if operation.edits and not isinstance(after, Skipped):
            patches[operation.id] = "".join(
                render_diff(files[path].text if path in files else None, text, path)
                for path, text in after.items()
            )
    write_bundle(out, found.plan, found.operations.bodies, patches)


def _publish(shell: Shell, bundle: Path, to: str, *, dry_run: bool) -> PublishReport:
    target = open_target(to, connect=shell.reader if dry_run else shell.writer, now=shell.now)
    past = read_history(to, connect=shell.reader)
    file = target.files(target.base()[1], [SETTINGS_PATH]).get(SETTINGS_PATH)
    settings = load_settings(file.text if file else None)
    plan, surface = split(read_bundle(bundle))
    wishes = wishes_of(shell, to, past, settings)
    plan, late = allowed_now(
        plan,
        past,
        settings=settings,
        asked=asked_for(plan, past, wishes),
        paused=pause_of(shell, to, settings, wishes),
        now=shell.now,
    )

    def body_of(body_file: str) -> str:
        return read_body(bundle, body_file)

    speaks = not dry_run and not is_quiet(settings.publish.quiet_hours, shell.now)
    if speaks:
        lift(shell, to, lifts_of(past, wishes))
    with shell.working("publishing"):
        report = publish_plan(
            plan,
            body_of,
            target,
            apply=apply_edits,
            check=check_restored(target, past),
            settings=settings.publish,
            dry_run=dry_run,
        )
    if speaks:
        report = show_surface(shell, to, surface, body_of, report, plan, past)
    return replace(report, refused=(*late, *wishes.refused, *report.refused))


def _tell(
    shell: Shell,
    given: argparse.Namespace,
    *,
    found: Found | None = None,
    published: PublishReport | None = None,
) -> int:
    """Show what was done, as text, as JSON and as a summary; give the exit code."""
    report = found.understood.report if found else None
    plan = found.plan if found else None
    verdicts = found.verdicts if found else ()
    cost = found.model.cost if found and found.model else None
    learned = learning_sentence(found.past) if found and found.proposing else ""
    alerts = alert_lines(found.quality) if found and found.quality else []
    if given.summary:
        text = summary_markdown(
            report=report,
            plan=plan,
            published=published,
            verdicts=verdicts,
            cost=cost,
            learned=learned,
        )
        if alerts:
            text += "\n### Out of its rhythm\n\n" + "".join(
                f"- {prose(one, 600)}\n" for one in alerts
            )
        shell.summarise(given.summary, text)
    if published is not None:
        shell.annotate(remarks_on(published))
    if shell.json:
        shell.emit(_cycle_json(found, published))
    else:
        for part in run_text(
            report=report,
            plan=plan,
            verdicts=verdicts,
            published=published,
            cost=cost,
            learned=learned,
        ):
            shell.out.print(part)
        for line in alerts:
            shell.say(line)
        if getattr(given, "dry_run", False):
            shell.say("Dry run: nothing was sent.")
    return exit_code(published.degraded if published else ())


def _cycle_json(found: Found | None, published: PublishReport | None) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if found is not None:
        document |= report_json(found.understood.report)
        document["operations"] = [asdict(one) for one in found.plan.operations]
        document["verdicts"] = [asdict(one) for one in found.verdicts]
        document["left_out"] = [asdict(one) for one in found.plan.left_out]
        document["cost"] = asdict(found.model.cost) if found.model else None
        document["learned"] = [asdict(one) for one in known_ways(found.past)]
        if found.quality is not None:
            document["alerts"] = quality_json(found.quality)["alerts"]
    if published is not None:
        document["published"] = asdict(published)
    document["degraded"] = [asdict(one) for one in published.degraded] if published else []
    return document
