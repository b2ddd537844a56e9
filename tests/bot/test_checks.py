"""Facts in, checks out: each says what is wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.checks.actions import ActionsFacts, check_actions
from bot.checks.check import Check
from bot.checks.conversations import ConversationFacts, check_agents, check_conversations
from bot.checks.github import GitHubFacts, check_github, kind_of
from bot.checks.store import ClockFacts, check_clock, check_store, unreadable_store
from bot.settings import AgentSettings
from collector.store.health import Health, TableHealth
from collector.store.schema import TABLES

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def by_name(checks: Iterable[Check]) -> dict[str, Check]:
    found = list(checks)
    for check in found:
        assert bool(check.fix) or check.state in ("ok", "not_checked"), check
        assert check.sentence.endswith((".", "?")), check
    return {check.name: check for check in found}


def states(checks: Iterable[Check]) -> dict[str, str]:
    return {name: check.state for name, check in by_name(checks).items()}


# ---- the store ----------------------------------------------------------------------------------


def a_table(**facts: Any) -> TableHealth:
    given = {
        "rows": 100,
        "files": 12,
        "bytes": 3_200_000,
        "days": 2,
        "first_day": date(2026, 11, 20),
        "last_day": date(2026, 11, 21),
        "newest_at": NOW,
        "waiting_files": 0,
        "schema_versions": (1,),
        "damaged": (),
    }
    return TableHealth(**{**given, **facts})


def a_store(spans: dict[str, Any] | None = None, **facts: Any) -> Health:
    empty = a_table(files=0, bytes=0, first_day=None, last_day=None, schema_versions=())
    given = {
        "address": "/var/lib/debrief",
        "tables": dict.fromkeys(TABLES, empty) | {"spans": a_table(**spans or {})},
        "not_writable": None,
        "erasures_outstanding": 0,
        "scopes": {},
    }
    return Health(**{**given, **facts})


def test_a_store_in_order_has_nothing_to_mend() -> None:
    assert set(states(check_store(a_store())).values()) == {"ok"}


@pytest.mark.parametrize(
    ("health", "name", "state", "word"),
    [
        pytest.param(a_store({"files": 0}), "store", "problem", "nothing", id="empty"),
        pytest.param(
            a_store(not_writable="denied."), "store_writable", "warning", "denied", id="read-only"
        ),
        pytest.param(
            a_store({"damaged": ("spans/x",)}), "store_files", "problem", "spans/x", id="damaged"
        ),
        pytest.param(
            a_store({"waiting_files": 500}), "compaction", "warning", "500", id="uncompacted"
        ),
        pytest.param(
            a_store(erasures_outstanding=2), "compaction", "warning", "2 files still", id="erased"
        ),
        pytest.param(
            a_store({"schema_versions": (1, 99)}), "schema", "warning", "newer", id="newer"
        ),
        pytest.param(a_store({"bytes": 10**11}), "store_size", "warning", "100 GB", id="large"),
    ],
)
def test_what_is_wrong_with_a_store_is_said(
    health: Health, name: str, state: str, word: str
) -> None:
    check = by_name(check_store(health))[name]

    assert (check.state, word in check.sentence) == (state, True)


def test_a_store_that_cannot_be_read_is_a_problem() -> None:
    check = unreadable_store("s3://b", "no such bucket.")

    assert check.state == "problem"
    assert "s3://b" in check.sentence


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, {"newest_data": "ok", "clock": "ok"}, id="agree"),
        pytest.param(
            {"newest_received_at": NOW - timedelta(days=9)},
            {"newest_data": "warning", "clock": "ok"},
            id="silent",
        ),
        pytest.param({"from_future": 3}, {"newest_data": "ok", "clock": "problem"}, id="future"),
        pytest.param(
            {"ahead": (("shop", timedelta(hours=3)),)},
            {"newest_data": "ok", "clock": "warning"},
            id="ahead",
        ),
        pytest.param({"newest_received_at": None}, {"newest_data": "not_checked"}, id="nothing"),
    ],
)
def test_clocks_are_compared(facts: dict[str, Any], expected: dict[str, str]) -> None:
    given = {"newest_received_at": NOW - timedelta(minutes=1), "looked_at": 100, **facts}

    assert states(check_clock(ClockFacts(**given), now=NOW)) == expected


# ---- conversations ------------------------------------------------------------------------------


def conversations(**facts: Any) -> ConversationFacts:
    everything = dict.fromkeys(
        ("with_user", "with_system", "with_times", "with_tool_results", "with_version"), 100
    )
    given = {"conversations": 100, "by_agent": {"shop": 100}, "by_dialect": {"genai": 100}}
    return ConversationFacts(**{**given, **everything, **facts})


def test_whole_conversations_have_nothing_to_mend() -> None:
    assert set(states(check_conversations(conversations())).values()) == {"ok"}


@pytest.mark.parametrize(
    ("facts", "name", "state", "words"),
    [
        pytest.param(
            {"without_text": {"text is missing: set X=1": 90}, "silent_scopes": {"otel.openai": 7}},
            "text", "problem", ("90 of 100", "otel.openai 7"), id="no-text",
        ),
        pytest.param(
            {"without_text": {"set X=1": 9}}, "text", "warning", ("9 of 100",), id="some-text"
        ),
        pytest.param(
            {"unknown_scopes": {"my.lib": 4}}, "dialects", "warning", ("my.lib 4",), id="dialect"
        ),
        pytest.param(
            {"by_agent": {"unknown": 5}}, "agent_names", "warning", ("5 conv",), id="agent"
        ),
        pytest.param(
            {"by_history": 80}, "conversation_ids", "warning", ("80 %",), id="by-history"
        ),
        pytest.param({"with_user": 0}, "users", "warning", ("100 %",), id="users"),
        pytest.param({"with_times": 10}, "times", "warning", ("90 %",), id="times"),
        pytest.param({"truncated": 3}, "truncation", "warning", ("3 conv",), id="truncated"),
        pytest.param(
            {"unreadable": {"trace x: odd": 2}}, "unreadable", "warning", ("2 pieces", "odd"),
            id="unreadable",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(
    facts: dict[str, Any], name: str, state: str, words: tuple[str, ...]
) -> None:
    check = by_name(check_conversations(conversations(**facts)))[name]

    assert check.state == state
    assert all(word in check.sentence for word in words)


def test_the_fix_for_missing_text_is_the_switch() -> None:
    facts = conversations(without_text={"text is missing: set CAPTURE=true where it runs": 100})

    fix = by_name(check_conversations(facts))["text"].fix

    assert fix == "Set CAPTURE=true where it runs."


def test_every_instrumentation_without_text_has_its_switch_named() -> None:
    hints = {"text is missing: set A=1": 3, "text is missing: unset B": 60}

    fix = by_name(check_conversations(conversations(without_text=hints)))["text"].fix

    assert fix == "For 60 conversations unset B; for 3 conversations set A=1."


def test_agents_of_settings_and_store_are_compared() -> None:
    agents = (
        AgentSettings(name="shop", match=("shop-prod",)),
        AgentSettings(name="desk"),
    )

    found = list(check_agents(agents, {"shop-prod": 3, "helpdesk": 2}))

    assert [(check.name, check.state) for check in found] == [
        ("agents_in_settings", "warning"),
        ("agents_without_settings", "warning"),
    ]
    assert "'desk'" in found[0].sentence
    assert "'helpdesk'" in found[0].sentence


def test_without_settings_no_agent_is_missed() -> None:
    assert list(check_agents((), {"shop": 3})) == []


# ---- GitHub -------------------------------------------------------------------------------------


def github(**facts: Any) -> GitHubFacts:
    given = {
        "repository": "acme/agent",
        "token": "ghs_1",
        "is_github_com": True,
        "login": "debrief[bot]",
        "can_push": True,
        "actions_may_open": None,
        "base_rules": ("pull_request",),
        "branch_rules": (),
        "server_at": NOW - timedelta(seconds=2),
    }
    return GitHubFacts(**{**given, **facts})


def test_an_app_with_all_rights_has_nothing_to_mend() -> None:
    assert set(states(check_github(github(), now=NOW)).values()) == {"ok"}


ACTIONS = {"login": "github-actions[bot]"}


@pytest.mark.parametrize(
    ("facts", "name", "state", "word"),
    [
        pytest.param({"refused": "401."}, "github_token", "problem", "401", id="refused"),
        pytest.param({"token": "ghp_1"}, "github_token", "warning", "classic", id="classic"),
        pytest.param({"can_push": False}, "github_permissions", "problem", "may not", id="push"),
        pytest.param({"can_push": None}, "github_permissions", "not_checked", "", id="no-say"),
        pytest.param(
            {"scopes": ("gist",)}, "github_permissions", "problem", "scope repo", id="scope"
        ),
        pytest.param(
            {**ACTIONS, "actions_may_open": False}, "github_pull_requests", "problem", "may not",
            id="setting-off",
        ),
        pytest.param(
            {**ACTIONS, "actions_may_open": True}, "github_pull_requests", "ok", "", id="setting-on"
        ),
        pytest.param(
            ACTIONS, "github_pull_requests", "not_checked", "administrator", id="setting-unseen"
        ),
        pytest.param(
            {"branch_rules": ("creation",)}, "branch_rules", "warning", "create", id="creation"
        ),
        pytest.param({"branch_rules": None}, "branch_rules", "not_checked", "", id="rules-unseen"),
        pytest.param({"base_rules": ()}, "review", "warning", "main", id="no-review"),
        pytest.param(ACTIONS, "ci_on_pull_requests", "warning", "wait", id="ci-waits"),
        pytest.param(
            {**ACTIONS, "is_github_com": False}, "ci_on_pull_requests", "warning", "no workflow",
            id="ci-never",
        ),
        pytest.param({"login": None}, "ci_on_pull_requests", "not_checked", "", id="ci-unseen"),
        pytest.param(
            {"branch_rules": ("required_signatures",)}, "branch_rules", "ok", "", id="app-signs"
        ),
        pytest.param(
            {"branch_rules": ("required_signatures",), "token": "ghp_1"}, "branch_rules", "warning",
            "signed", id="person-does-not",
        ),
        pytest.param(
            {"token": "github_pat_1"}, "check_runs", "warning", "personal", id="no-check-runs"
        ),
        pytest.param({"is_archived": True}, "repository", "problem", "archived", id="archived"),
        pytest.param({"has_issues": False}, "repository", "warning", "dashboard", id="no-issues"),
        pytest.param(
            {"server_at": NOW + timedelta(seconds=95)}, "clock_and_github", "warning", "95 seconds",
            id="clock",
        ),
    ],
)  # fmt: skip
def test_what_stands_in_the_bots_way_is_said(
    facts: dict[str, Any], name: str, state: str, word: str
) -> None:
    check = by_name(check_github(github(**facts), now=NOW))[name]

    assert (check.state, word in check.sentence) == (state, True)


def actions(**facts: Any) -> ActionsFacts:
    given = {
        "schedules": ((".github/workflows/debrief.yml", "active"),),
        "last_conclusion": "success",
        "last_run_at": NOW - timedelta(days=1),
        "names_set": {"ANTHROPIC_API_KEY", "DEBRIEF_STORE"},
    }
    return ActionsFacts(**{**given, **facts})


def test_a_workflow_that_runs_has_nothing_to_mend() -> None:
    assert set(states(check_actions(actions(), now=NOW)).values()) == {"ok"}


@pytest.mark.parametrize(
    ("facts", "name", "state", "word"),
    [
        pytest.param(
            {"schedules": (("w/debrief.yml", "disabled_inactivity"),)}, "schedule", "problem",
            "60 days", id="asleep",
        ),
        pytest.param(
            {"schedules": (("w/debrief.yml", "disabled_manually"),)}, "schedule", "problem",
            "disabled manually", id="turned-off",
        ),
        pytest.param({"schedules": ()}, "schedule", "warning", "No workflow", id="none"),
        pytest.param({"schedules": None}, "schedule", "not_checked", "", id="schedule-unseen"),
        pytest.param(
            {"last_conclusion": "timed_out"}, "last_run", "problem", "timed out", id="failed"
        ),
        pytest.param(
            {"last_run_at": NOW - timedelta(days=30)}, "last_run", "warning", "30 days", id="late"
        ),
        pytest.param({"last_conclusion": None}, "last_run", "ok", "goes on", id="running"),
        pytest.param({"last_run_at": None}, "last_run", "not_checked", "", id="never-ran"),
        pytest.param(
            {"names_set": {"DEBRIEF_STORE"}}, "workflow_variables", "warning", "ANTHROPIC_API_KEY",
            id="no-key",
        ),
        pytest.param(
            {"names_set": {"ANTHROPIC_API_KEY"}}, "workflow_variables", "warning", "DEBRIEF_STORE",
            id="no-store",
        ),
        pytest.param(
            {"names_set": {"ANTHROPIC_API_KEY"}, "settings_name_store": True}, "workflow_variables",
            "ok", "are set", id="store-in-the-settings",
        ),
        pytest.param(
            {"names_set": None}, "workflow_variables", "not_checked", "", id="names-unseen"
        ),
        pytest.param(
            {"names_set": {"DEBRIEF_APP_ID"}}, "workflow_token", "problem", "DEBRIEF_APP_KEY",
            id="half-an-app",
        ),
        pytest.param(
            {"names_set": {"DEBRIEF_APP_ID", "DEBRIEF_APP_KEY"}}, "workflow_token", "ok", "app's",
            id="an-app",
        ),
        pytest.param({}, "workflow_token", "ok", "merge box", id="github-token"),
    ],
)  # fmt: skip
def test_what_stops_the_workflow_is_said(
    facts: dict[str, Any], name: str, state: str, word: str
) -> None:
    check = by_name(check_actions(actions(**facts), now=NOW))[name]

    assert (check.state, word in check.sentence) == (state, True)


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("ghs_x", "an app's token"),
        ("github_pat_x", "a fine-grained personal token"),
        ("ghp_x", "a classic personal token"),
        ("hello", None),
    ],
)
def test_a_tokens_kind_shows_its_beginning(token: str, kind: str | None) -> None:
    assert kind_of(token) == kind


def test_a_token_is_never_repeated() -> None:
    told = "".join(f"{check}" for check in check_github(github(token="ghs_secretsecret"), now=NOW))

    assert "secretsecret" not in told
