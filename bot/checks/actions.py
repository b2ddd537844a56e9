"""Does the workflow run: its schedule, its last run, and what it needs to be set.

Facts and their sources: GitHub's REST documentation (2026-11), "List repository workflows", "List
workflow runs", "List repository secrets".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.checks.check import Check, not_checked, ok, problem, warning

LATE = timedelta(days=8)
"""A schedule that is weekly or more often has run since."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionsFacts:
    """What GitHub said. None where it did not say, or not to this token."""

    schedules: Sequence[tuple[str, str]] | None = None
    """Workflows that run Debrief: path and state, `active` or why not."""
    last_conclusion: str | None = None
    """Of the newest run; None while it runs."""
    last_run_at: datetime | None = None
    last_run_url: str = ""
    names_set: AbstractSet[str] | None = None
    """Secrets and variables, by name."""
    settings_name_store: bool = False


def check_actions(facts: ActionsFacts, *, now: datetime) -> Iterator[Check]:
    """The schedule first: without it nothing else counts."""
    yield from _schedule(facts)
    if facts.schedules:
        yield _last_run(facts, now)
        yield _names(facts)
        if facts.names_set is not None:
            yield _token(facts.names_set)


def _schedule(facts: ActionsFacts) -> Iterator[Check]:
    name = "schedule"
    if facts.schedules is None:
        yield not_checked(
            name, "Workflows cannot be listed with this token.", "It would need actions: read."
        )
    elif not facts.schedules:
        yield warning(
            name,
            "No workflow of the repository is called Debrief.",
            "`debrief init` writes one; or run `debrief run` by a scheduler of yours.",
        )
    for path, state in facts.schedules or ():
        enable = f"Enable it again: `gh workflow enable {path.rpartition('/')[2]}`."
        if state == "active":
            yield ok(name, f"{path} is active.")
        elif state == "disabled_inactivity":
            yield problem(
                name,
                f"{path} was disabled: GitHub does that after 60 days without activity in a "
                "public repository.",
                enable,
            )
        else:
            yield problem(name, f"{path} is {state.replace('_', ' ')}.", enable)


def _last_run(facts: ActionsFacts, now: datetime) -> Check:
    name = "last_run"
    at = facts.last_run_at
    if at is None:
        return not_checked(
            name,
            "The workflow has not run yet, or its runs cannot be seen.",
            "Start it by hand once: Actions, Debrief, Run workflow.",
        )
    told = f"The newest run began {at:%Y-%m-%d %H:%M} UTC"
    if facts.last_conclusion not in ("success", None):
        return problem(
            name,
            f"{told} and ended with {facts.last_conclusion.replace('_', ' ')}.",
            f"Read its log: {facts.last_run_url}",
        )
    if now - at > LATE:
        return warning(
            name,
            f"{told}, {(now - at).days} days ago.",
            "See whether its schedule is what you want; GitHub may drop runs at full hours.",
        )
    return ok(name, f"{told}{' and succeeded' if facts.last_conclusion else ' and goes on'}.")


def _names(facts: ActionsFacts) -> Check:
    name = "workflow_variables"
    if facts.names_set is None:
        return not_checked(
            name,
            "Names of secrets and variables cannot be listed with this token.",
            "The first lines of the workflow say what it needs.",
        )
    wanted = {"ANTHROPIC_API_KEY": "the secret ANTHROPIC_API_KEY: prompts are not edited without"}
    if not facts.settings_name_store:
        wanted["DEBRIEF_STORE"] = "the variable DEBRIEF_STORE: no conversation is found without"
    missing = [why for one, why in wanted.items() if one not in facts.names_set]
    if missing:
        return warning(
            name,
            f"Not set, or only for an environment: {'; '.join(missing)}.",
            "Settings, Secrets and variables, Actions.",
        )
    return ok(name, "The secrets and variables of the workflow are set.")


def _token(names: AbstractSet[str]) -> Check:
    """Whose token the workflow publishes with: that decides on CI, not the token given here."""
    name = "workflow_token"
    missing = sorted({"DEBRIEF_APP_ID", "DEBRIEF_APP_KEY"} - names)
    if not missing:
        return ok(name, "The workflow publishes with an app's token: CI runs on what it opens.")
    if len(missing) == 1:
        return problem(
            name,
            f"An app is set up by half: {missing[0]} is not set.",
            f"Set {missing[0]} too, or remove the other one: docs/action.md, Which token.",
        )
    return ok(
        name,
        "The workflow publishes with GITHUB_TOKEN: a person starts CI on what it opens, in the "
        "merge box.",
    )
