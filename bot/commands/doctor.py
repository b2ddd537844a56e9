"""`debrief doctor`: looks at the store, the conversations, the settings, the model and GitHub, and
says of each what is wrong and how to mend it. It reads the newest days only."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from rich.table import Table
from rich.text import Text

from bot.checks.actions import ActionsFacts, check_actions
from bot.checks.check import Check, not_checked, ok, problem, warning
from bot.checks.conversations import ConversationFacts, check_agents, check_conversations
from bot.checks.github import GitHubFacts, check_github
from bot.checks.store import (
    RECEIVED,
    SKEW,
    ClockFacts,
    check_clock,
    check_store,
    empty_store,
    unreadable_store,
)
from bot.commands.loading import Workspace, model_of, open_repository, store_path
from bot.commands.shell import Shell
from bot.errors import CredentialsError, DebriefError, UsageError
from bot.figures import count
from bot.github import GitHub
from bot.github.actions import names_set, newest_run, repository_state
from bot.settings import PATH, Settings, load_settings
from bot.setup.globs import glob_warnings
from bot.setup.workflows import PATH as WORKFLOW_PATH
from collector.assemble import assemble
from collector.dialects import detect, unknown
from collector.dialects.histories import Histories
from collector.dialects.spans import Row, Span, read_row
from collector.errors import CollectorError
from collector.importer.events import SCOPE as IMPORTED
from collector.records import Conversation
from collector.store import Store, open_store
from collector.store.health import Health
from collector.store.schema import TABLES
from collector.times import EPOCH, time_of, to_ns
from prompts import show_invisible

NEWEST_SPANS = 5_000
"""Enough to know how an agent reports, few enough to be read in seconds."""
NEWEST_DAYS = 7
_MARKS = {"ok": "ok", "warning": "warning", "problem": "problem", "not_checked": "not checked"}
_STYLES = {"ok": "green", "warning": "yellow", "problem": "red", "not_checked": "dim"}
_TIMES = ("received_ns", "end_ns", "service", "scope")


def doctor(shell: Shell, given: argparse.Namespace) -> int:
    """Run all checks. Ends with 2 where one of them is a problem."""
    with shell.working("looking"):
        checks = list(_checks(shell, given))
    problems = sum(check.state == "problem" for check in checks)
    if shell.json:
        states = Counter(check.state for check in checks)
        shell.emit(
            {
                "problems": problems,
                "warnings": states["warning"],
                "checks": [asdict(check) for check in checks],
            }
        )
    else:
        _say(shell, checks)
    return UsageError.exit_code if problems else 0


def _say(shell: Shell, checks: list[Check]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        told = Text(show_invisible(check.sentence))
        if check.fix:
            told.append(f"\n→ {show_invisible(check.fix)}", style="bold")
        table.add_row(Text(_MARKS[check.state], style=_STYLES[check.state]), check.name, told)
    shell.out.print(table)
    states = Counter(check.state for check in checks)
    shell.say(
        f"{count(states['problem'], 'problem')}, {count(states['warning'], 'warning')}, "
        f"{states['ok']} in order, {states['not_checked']} not checked."
    )


def _checks(shell: Shell, given: argparse.Namespace) -> Iterator[Check]:
    workspace, settings_checks = _settings(given.repo)
    settings = workspace.settings
    yield from settings_checks
    conversations = ConversationFacts(conversations=0)
    address = store_path(shell, settings)
    try:
        store = open_store(address, create=False)
        if not any(store.files.list(table) for table in RECEIVED):
            yield empty_store(store.address)  # to see whether it can be written would make it
        else:
            health = store.health(today=shell.now.date())
            yield from check_store(health)
            newest = _newest(store, health)
            yield from check_clock(_clock(newest, shell.now), now=shell.now)
            since = time_of(pc.min(newest["received_ns"]).as_py()) if newest.num_rows else None
            conversations = _conversations(store, since or EPOCH)
            yield from check_conversations(conversations)
    except CollectorError as error:
        yield unreadable_store(address, f"{error}")
    yield from check_agents(settings.agents, conversations.by_agent)
    yield _model(shell, settings, online=given.online)
    yield from _github(shell, settings, given)


# ---- settings and model -------------------------------------------------------------------------


def _settings(repo: str | None) -> tuple[Workspace, list[Check]]:
    if repo is None:
        told = "No repository was given, so the settings are the defaults."
        fix = "Pass --repo DIR with the checkout that holds your prompts."
        return Workspace(), [not_checked("settings", told, fix)]
    try:
        workspace, repository = open_repository(repo)
    except DebriefError as error:
        fix = "Correct what it names; `debrief config check` says the same."
        return Workspace(), [problem("settings", f"{error}", fix)]
    if workspace.settings_text is None:
        told = f"There is no {PATH} on the default branch: defaults are used."
        fix = "`debrief init` writes it; without it files are found by their place and name."
        return workspace, [warning("settings", told, fix)]
    text = workspace.settings_text
    empty = glob_warnings(load_settings(text), text, tuple(repository.files))
    if empty:
        told = f"{PATH}, {empty[0]}{f' and {len(empty) - 1} more' if len(empty) > 1 else ''}."
        fix = "Correct the globs; `debrief config check` lists them all."
        return workspace, [warning("settings", told, fix)]
    agents = count(len(workspace.settings.agents), "agent")
    return workspace, [ok("settings", f"{PATH} is in order: {agents}.")]


def _model(shell: Shell, settings: Settings, *, online: bool) -> Check:
    try:
        model = model_of(shell, settings)
        if model is None:
            return warning(
                "model",
                "ANTHROPIC_API_KEY is not set: rules and thresholds work, prompts are not edited.",
                "Set it under `env:` of the job that proposes.",
            )
        if not online:
            told = "A model key is set; whether it works was not tried."
            return not_checked("model", told, "Pass --online to try it.")
        model.check()
    except CredentialsError as error:
        return problem("model", f"{error}", "Make a new key and set it.")
    except DebriefError as error:
        return problem("model", f"{error}", "Correct `model` in the settings, or try later.")
    return ok("model", "The model key works, and the models of the settings are known.")


# ---- the store ----------------------------------------------------------------------------------


def _newest(store: Store, health: Health) -> pa.Table:
    """Times and senders of the newest spans, of at most `NEWEST_DAYS` days before the last."""
    rows = TABLES["spans"].empty_table().select(_TIMES)
    last_day = health.tables["spans"].last_day
    if last_day is None:
        return rows
    for back in range(NEWEST_DAYS):
        since = datetime.combine(last_day - timedelta(days=back), time(), UTC)
        rows = store.scan("spans", since=since, columns=_TIMES)
        if rows.num_rows >= NEWEST_SPANS:
            break
    return rows.sort_by([("received_ns", "descending")]).slice(0, NEWEST_SPANS)


def _clock(newest: pa.Table, now: datetime) -> ClockFacts:
    if not newest.num_rows:
        return ClockFacts(newest_received_at=None)
    limit_ns, skew_ns = to_ns(now + SKEW), SKEW // timedelta(microseconds=1) * 1000
    ahead: dict[str, int] = {}
    for row in newest.to_pylist():
        by_ns = (row["end_ns"] or 0) - row["received_ns"]
        if by_ns > skew_ns and row["scope"] != IMPORTED:
            service = row["service"] or "an unnamed service"
            ahead[service] = max(by_ns, ahead.get(service, 0))
    return ClockFacts(
        newest_received_at=time_of(pc.max(newest["received_ns"]).as_py()),
        looked_at=newest.num_rows,
        from_future=pc.sum(pc.greater(newest["received_ns"], limit_ns)).as_py() or 0,
        ahead=[(service, timedelta(microseconds=ns // 1000)) for service, ns in ahead.items()],
    )


def _conversations(store: Store, since: datetime) -> ConversationFacts:
    unreadable = Counter[str]()
    agents, dialects, hints = Counter[str](), Counter[str](), Counter[str]()
    sums: Counter[str] = Counter()
    # Only what was received since: the whole of long conversations would be read from the start.
    rows = [read_row(row) for row in store.scan("spans", since=since).to_pylist()]
    logs = [read_row(row) for row in store.scan("events", since=since).to_pylist()]
    for one in assemble(rows, logs):
        if not isinstance(one, Conversation):
            # Events are told by conversations that may be older than what is read here.
            if " event" not in one.what:
                unreadable[f"{one.what}: {one.reason}"] += 1
            continue
        whole = one.completeness
        agents[one.agent] += 1
        dialects.update(one.dialects)
        if not whole.text:
            hints[whole.hint or "turn on the capture of message content"] += 1
        sums.update(
            conversations=1,
            with_user=one.user_id is not None,
            with_system=whole.system,
            with_times=whole.times,
            with_tool_results=whole.tool_results,
            with_version=one.version is not None,
            truncated=whole.truncated,
            by_history=one.conversation_id.startswith("trace-"),
        )
    read, unread, wordless = _scopes(rows, silent=bool(hints))
    return ConversationFacts(
        **{"conversations": 0, **sums},
        unreadable={
            told: number
            for told, number in unreadable.items()
            # Of what is read, a trace may begin before the newest rows do.
            if not any(repr(scope) in told for scope in read)
        },
        by_agent=agents,
        by_dialect=dialects,
        without_text=hints,
        unknown_scopes=unread,
        silent_scopes=wordless,
    )


class _Scopes(NamedTuple):
    """Instrumentations by the name of their scope."""

    read: set[str]
    unread: Counter[str]
    """Model calls that only the reader of the unknown can read."""
    wordless: Counter[str]
    """Model calls without text."""


def _scopes(rows: Iterable[Row], *, silent: bool) -> _Scopes:
    """Look at each span; `wordless` costs more and is counted only with `silent`."""
    read, unread, wordless = set[str](), Counter[str](), Counter[str]()
    histories = Histories()
    for row in rows:
        span = Span(row)
        dialect = detect(span)
        if dialect is None:
            continue
        scope = row["scope"] or "no scope"
        if dialect.name == unknown.NAME:
            unread[scope] += 1
        else:
            read.add(scope)
        if silent and dialect.reader.kind(span) == "call":
            wordless[scope] += not dialect.reader.read_call(span, histories).has_content
    return _Scopes(read, unread, +wordless)


# ---- GitHub -------------------------------------------------------------------------------------


def _github(shell: Shell, settings: Settings, given: argparse.Namespace) -> Iterator[Check]:
    target: str | None = given.to
    if target is None or not target.startswith("github:"):
        told = "No repository on GitHub was given."
        yield not_checked("github_token", told, "Pass --to github:OWNER/NAME.")
        return
    # A clock that was set by --now says nothing about this machine's.
    compared = given.now is None
    facts, actions = _github_facts(shell, target.removeprefix("github:"), compared=compared)
    yield from check_github(facts, now=shell.now)
    if facts.refused is None:
        named = replace(actions, settings_name_store=settings.store is not None)
        yield from check_actions(named, now=shell.now)


def _github_facts(
    shell: Shell, repository: str, *, compared: bool
) -> tuple[GitHubFacts, ActionsFacts]:
    token = shell.secrets.github_token or ""
    facts = GitHubFacts(
        repository=repository,
        token=token,
        is_github_com="api.github.com" in (shell.secrets.github_api_url or "api.github.com"),
    )
    try:
        client: GitHub = shell.reader(repository)
        can_push, scopes = client.access()
        state = repository_state(client)
        base, _ = client.base()
        facts = replace(
            facts,
            login=client.login(),
            can_push=can_push,
            scopes=scopes,
            actions_may_open=client.actions_may_open_pulls(),
            base=base,
            base_rules=client.rules(base),
            branch_rules=client.rules("debrief/doctor"),
            is_archived=state.is_archived,
            has_issues=state.has_issues,
            server_at=state.server_at if compared else None,
        )
        return facts, _actions_facts(client)
    except DebriefError as error:
        return replace(facts, refused=f"{error}"), ActionsFacts()


def _actions_facts(client: GitHub) -> ActionsFacts:
    workflows = client.workflows()
    ours = workflows and [one for one in workflows if "debrief" in one[0].lower()]
    # The one that `init` writes, else the first.
    path = next((path for path, _ in ours or () if path == WORKFLOW_PATH), None)
    path = path or next((path for path, _ in ours or ()), None)
    run = newest_run(client, path) if path else None
    return ActionsFacts(
        schedules=ours,
        last_conclusion=run.conclusion if run else None,
        last_run_at=run.at if run else None,
        last_run_url=run.url if run else "",
        names_set=names_set(client) if ours else None,
    )
