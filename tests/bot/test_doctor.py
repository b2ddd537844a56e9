"""`debrief doctor` on real stores, a small GitHub and a small model service."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from collector.store import open_store
from tests.collector.conversations import a_chat, a_span, as_stored, assistant, user
from tests.fake_github import REPOSITORY, TOKEN, FakeGitHub, a_bare_repository, serve_github
from tests.loop import NOW, Debrief, Done, a_repository
from tests.messages_server import messages_server, says
from tests.samples import ROOT

SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "GITHUB_TOKEN", "GH_TOKEN", "GITHUB_API_URL")
GLOBS = "version: 1\nagents: [{name: shop, prompts: [promts/*.md]}]\n"
SETTINGS = "version: 1\nagents:\n  - name: shop\n    prompts: [prompts/*.md]\n"


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def debrief(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Debrief:
    return Debrief(tmp_path / "store", capsys)


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    with serve_github(a_bare_repository(tmp_path / "remote.git", {"a.md": "a"})) as fake:
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("GITHUB_API_URL", fake.url)
        yield fake


def checks(done: Done) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in done.json["checks"]}


def a_full_store(path: Path, **columns: Any) -> None:
    """One conversation of the agent `shop`, received a minute ago."""
    received_ns = int((NOW - timedelta(minutes=1)).timestamp()) * 10**9
    times = {"start_ns": received_ns - 2 * 10**9, "end_ns": received_ns - 10**9}
    row = a_chat([user("hi")], assistant("hello"), conversation="c-1")
    row |= {"received_ns": received_ns, "service": "shop", "user_id": "u_1", **times, **columns}
    open_store(str(path), create=True).append("spans", [as_stored(row)], now=NOW)


def test_an_empty_store_is_a_problem_with_a_way_out(debrief: Debrief) -> None:
    done = debrief("doctor", "--json")

    store = checks(done)["store"]
    assert (done.code, store["state"]) == (2, "problem")
    assert "debrief import" in store["fix"]
    assert not debrief.store.exists()


def test_a_store_in_order_ends_well(debrief: Debrief) -> None:
    a_full_store(debrief.store)

    done = debrief("doctor", "--json")

    found = checks(done)
    assert (done.code, done.json["problems"]) == (0, 0)
    for name in (
        "store",
        "store_writable",
        "store_files",
        "schema",
        "newest_data",
        "clock",
        "text",
    ):
        assert found[name]["state"] == "ok", found[name]
    assert "shop 1" in found["conversations"]["sentence"]


def test_people_get_a_table_with_fixes(debrief: Debrief) -> None:
    a_full_store(debrief.store)

    done = debrief("doctor")

    assert done.code == 0
    assert "not checked" in done.out
    assert "→" in done.out
    assert "0 problems" in done.out


def test_a_damaged_file_is_named(debrief: Debrief) -> None:
    a_full_store(debrief.store)
    (file,) = (debrief.store / "spans").glob("*/*.parquet")
    file.with_name("0-damaged.parquet").write_bytes(b"PAR1 and then nothing")

    done = debrief("doctor", "--json")

    assert done.code == 2
    assert any("damaged" in check["sentence"] for check in done.json["checks"])


def test_a_clock_that_runs_ahead_is_seen(debrief: Debrief) -> None:
    ahead_ns = int((NOW + timedelta(hours=3)).timestamp()) * 10**9
    a_full_store(debrief.store, start_ns=ahead_ns, end_ns=ahead_ns)

    clock = checks(debrief("doctor", "--json"))["clock"]

    assert clock["state"] == "warning"
    assert "shop" in clock["sentence"]


def test_rows_from_the_future_are_a_problem(debrief: Debrief) -> None:
    a_full_store(debrief.store, received_ns=int((NOW + timedelta(hours=1)).timestamp()) * 10**9)

    assert checks(debrief("doctor", "--json"))["clock"]["state"] == "problem"


def test_calls_without_text_name_the_library_and_the_switch(debrief: Debrief) -> None:
    silent = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt"}
    received_ns = int(NOW.timestamp()) * 10**9
    scope = "opentelemetry.instrumentation.genai.openai"
    row = a_span(silent, received_ns=received_ns, scope=scope)
    open_store(str(debrief.store), create=True).append("spans", [as_stored(row)], now=NOW)

    done = debrief("doctor", "--json")

    text = checks(done)["text"]
    assert (done.code, text["state"]) == (2, "problem")
    assert scope in text["sentence"]
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT" in text["fix"]


def test_an_unknown_dialect_is_counted_by_its_scope(debrief: Debrief) -> None:
    said = json.dumps([{"role": "user", "content": "hi"}])
    received_ns = int(NOW.timestamp()) * 10**9
    row = a_span({"llm.request.messages": said}, received_ns=received_ns, scope="acme.tracing")
    open_store(str(debrief.store), create=True).append("spans", [as_stored(row)], now=NOW)

    dialects = checks(debrief("doctor", "--json"))["dialects"]

    assert dialects["state"] == "warning"
    assert "acme.tracing 1" in dialects["sentence"]


def test_settings_are_held_against_what_arrives(debrief: Debrief, tmp_path: Path) -> None:
    a_full_store(debrief.store)
    other = SETTINGS.replace("shop", "desk")
    files = {".github/debrief.yml": other, "prompts/a.md": "Be kind."}
    repository = a_repository(tmp_path / "repo", files)

    found = checks(debrief("doctor", "--repo", repository, "--json"))

    assert found["settings"]["state"] == "ok"
    assert "'desk'" in found["agents_in_settings"]["sentence"]
    assert "'shop'" in found["agents_without_settings"]["sentence"]


def test_globs_that_match_nothing_are_a_warning(debrief: Debrief, tmp_path: Path) -> None:
    repository = a_repository(tmp_path / "repo", {".github/debrief.yml": GLOBS})

    found = checks(debrief("doctor", "--repo", repository, "--json"))["settings"]

    assert found["state"] == "warning"
    assert "line 2" in found["sentence"]


def test_wrong_settings_are_a_problem_and_not_the_end(debrief: Debrief, tmp_path: Path) -> None:
    a_full_store(debrief.store)
    repository = a_repository(tmp_path / "repo", {".github/debrief.yml": "version: 1\nagnts: []\n"})

    done = debrief("doctor", "--repo", repository, "--json")

    assert (done.code, checks(done)["settings"]["state"]) == (2, "problem")
    assert "agents" in checks(done)["settings"]["sentence"]
    assert checks(done)["store"]["state"] == "ok"


@pytest.mark.parametrize(
    ("key", "model", "state", "word"),
    [
        pytest.param("sk-test", "claude-haiku-5-5", "ok", "works", id="works"),
        pytest.param("wrong", "claude-haiku-5-5", "problem", "did not accept", id="key"),
        pytest.param("sk-test", "unknown-1", "problem", "does not know", id="model"),
    ],
)
def test_the_model_key_is_tried_only_online(
    debrief: Debrief,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    model: str,
    state: str,
    word: str,
) -> None:
    settings = f"version: 1\nmodel: {{reader: {model}}}\n"
    repository = a_repository(tmp_path / "repo", {".github/debrief.yml": settings})
    with messages_server(lambda asked: says({}), key="sk-test") as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", key)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        offline = checks(debrief("doctor", "--repo", repository, "--json"))["model"]
        tried = checks(debrief("doctor", "--repo", repository, "--online", "--json"))["model"]

    assert offline["state"] == "not_checked"
    assert (tried["state"], word in tried["sentence"]) == (state, True)
    assert server.asked == []


def test_github_is_looked_at_without_writing(debrief: Debrief, github: FakeGitHub) -> None:
    found = checks(debrief("doctor", "--to", f"github:{REPOSITORY}", "--json"))

    for name in ("github_token", "github_permissions", "branch_rules", "review", "schedule"):
        assert found[name]["state"] == "ok", found[name]
    for name in ("repository", "check_runs"):
        assert found[name]["state"] == "ok", found[name]
    # The clock of a replay is not held against GitHub's.
    assert "clock_and_github" not in found
    assert [request.path for request in github.writes] == ["/graphql"]


def test_the_last_run_and_what_is_not_set_are_told(debrief: Debrief, github: FakeGitHub) -> None:
    path = ".github/workflows/debrief.yml"
    run = {"path": path, "conclusion": "failure", "created_at": "2026-11-19T06:17:00Z"}
    github.runs = [{**run, "html_url": "https://github.example/runs/1"}]
    github.workflows[".github/workflows/debrief-check.yml"] = "active"

    found = checks(debrief("doctor", "--to", f"github:{REPOSITORY}", "--json"))

    assert found["last_run"]["state"] == "problem"
    assert "https://github.example/runs/1" in found["last_run"]["fix"]
    assert "DEBRIEF_STORE" in found["workflow_variables"]["sentence"]


def test_what_a_token_may_not_list_is_not_checked(debrief: Debrief, github: FakeGitHub) -> None:
    github.secrets = None

    found = checks(debrief("doctor", "--to", f"github:{REPOSITORY}", "--json"))

    assert found["workflow_variables"]["state"] == "not_checked"


def test_an_archived_repository_is_a_problem(debrief: Debrief, github: FakeGitHub) -> None:
    github.is_archived = True

    done = debrief("doctor", "--to", f"github:{REPOSITORY}", "--json")

    assert (done.code, checks(done)["repository"]["state"]) == (2, "problem")


def test_github_says_what_stands_in_the_way(debrief: Debrief, github: FakeGitHub) -> None:
    github.login = "github-actions[bot]"
    github.actions_may_open = False
    github.permissions = {"pull": True, "push": False}
    github.rules = {"main": [], "*": ["creation"]}
    github.workflows = {".github/workflows/debrief.yml": "disabled_inactivity"}

    done = debrief("doctor", "--to", f"github:{REPOSITORY}", "--json")

    states = {name: check["state"] for name, check in checks(done).items()}
    assert done.code == 2
    assert states["github_permissions"] == "problem"
    assert states["github_pull_requests"] == "problem"
    assert states["schedule"] == "problem"
    assert states["branch_rules"] == states["review"] == "warning"
    assert states["ci_on_pull_requests"] == "warning"


def test_a_token_that_github_refuses_is_a_problem(
    debrief: Debrief, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_another")

    done = debrief("doctor", "--to", f"github:{REPOSITORY}", "--json")

    token = checks(done)["github_token"]
    assert (done.code, token["state"]) == (2, "problem")
    assert "ghs_another" not in done.out


def test_a_name_that_steers_the_terminal_is_shown_as_text(debrief: Debrief) -> None:
    a_full_store(debrief.store, service="\x1b[2Jshop")

    done = debrief("doctor")

    assert "\x1b[2J" not in done.out


def test_the_page_lists_every_check() -> None:
    page = (ROOT / "docs" / "doctor.md").read_text()
    sources = "".join(path.read_text() for path in (ROOT / "bot" / "checks").glob("*.py"))
    sources += (ROOT / "bot" / "commands" / "doctor.py").read_text()
    named = set(re.findall(r'(?:ok|warning|problem|not_checked|make)\(\s*"([a-z_]+)"', sources))
    named |= set(re.findall(r'^\s*name = "([a-z_]+)"', sources, re.M))
    table = set(re.findall(r"`([a-z_]+)`", page.partition("| --- |")[2]))

    assert named <= table, named - table
    assert len(named) > 15
