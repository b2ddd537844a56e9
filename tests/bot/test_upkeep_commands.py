"""erase, expire and compact as a person runs them."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bot.cli import main
from bot.records import short_hash
from collector.store import Store, open_store

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PLAN = "my secret plan is to move to a lighthouse on the coast"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three days; alice says something on the first."""
    store = open_store(str(tmp_path / "store"), create=True)
    alice = store.redactor().user("alice@example.org")
    for days in range(3):
        at = NOW - timedelta(days=days)
        store.append("spans", [a_span(days, at), a_span(days + 10, at)], now=at)
    store.append(
        "spans",
        [a_span(99, NOW, conversation_id="of-alice", user_id=alice, attributes=[("q", PLAN)])],
        now=NOW,
    )
    return store


def a_span(number: int, at: datetime, **columns: object) -> dict[str, object]:
    return {
        "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}",
        "received_ns": int(at.timestamp()) * 10**9,
        "conversation_id": f"of-{number}",
        **columns,
    }


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose cases and taxonomy cite alice's conversation."""
    folder = tmp_path / "repository"
    cases = folder / ".debrief" / "cases"
    cases.mkdir(parents=True)
    (cases / "refund.jsonl").write_text('{"from": "of-alice"}\n')
    (cases / "other.jsonl").write_text('{"from": "of-1"}\n')
    cited = short_hash("orderbot", "of-alice", length=16)
    (folder / ".debrief" / "intents.yml").write_text(f"exemplars: [{cited}]\n")
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"],
                    ["update-ref", "refs/debrief/pulls/p", "HEAD"]):  # fmt: skip
        subprocess.run([*git, *command], check=True)
    return folder


def run(store: Store, *command: str) -> int:
    return main([*command, "--store", str(store.root), "--now", NOW.isoformat()])


def test_an_erasure_says_that_it_searched_and_found_nothing(store, capsys):
    assert run(store, "erase", "--user", "alice@example.org") == 0

    said = capsys.readouterr().out
    assert "Erased: 1 conversation id, 1 trace; 1 file rewritten." in said
    assert "Nothing is left." in said
    assert "--repo" in said


def test_an_erasure_names_what_still_holds_the_ids(store, repository, capsys):
    ledger = [
        ("planned:open", {"evidence": {"conversation_ids": ["of-alice"]}}),
        ("published", {"reference": "#12", "url": "https://example.org/pull/12"}),
    ]
    rows = [
        {"entry_id": f"{n}", "action": a, "subject": "proposal-1", "entry": json.dumps(said)}
        for n, (a, said) in enumerate(ledger)
    ]
    store.append("ledger", rows, now=NOW)
    derived = store.root / "derived"
    derived.mkdir()
    labels = [{"agent": "orderbot", "conversation_id": "of-alice"}]
    pq.write_table(pa.Table.from_pylist(labels), derived / "labels.parquet")

    code = run(store, "erase", "--user", "alice@example.org", "--repo", str(repository), "--json")

    said = json.loads(capsys.readouterr().out)
    assert code == 0
    assert said["pull_requests"] == ["https://example.org/pull/12"]
    assert said["paths"] == [
        ".debrief/cases/refund.jsonl",
        ".debrief/intents.yml",
        "refs/debrief/pulls/p:.debrief/cases/refund.jsonl",
        "refs/debrief/pulls/p:.debrief/intents.yml",
    ]
    assert said["proof"]["audit_entries"] == 1
    assert said["proof"]["remnants"] == []


def test_an_erasure_that_met_nobody_does_not_claim_to_have_worked(store, capsys):
    assert run(store, "erase", "--user", "alcie@example.org") == 0

    said = capsys.readouterr().out
    assert "No row was of this id" in said
    assert "Nothing is left" not in said


def test_an_erasure_in_a_store_that_does_not_exist_is_refused(tmp_path, capsys):
    missing = open_store(str(tmp_path / "sotre"), create=False)

    assert run(missing, "erase", "--user", "alice@example.org") == 2

    assert "sotre" in capsys.readouterr().err
    assert not missing.root.exists()


def test_a_short_id_is_not_found_inside_of_other_words(store, repository, capsys):
    store.append("spans", [a_span(7, NOW, conversation_id="of-al")], now=NOW)

    run(store, "erase", "--conversation", "of-al", "--repo", str(repository), "--json")

    assert json.loads(capsys.readouterr().out)["paths"] == []


def test_an_erasure_that_could_not_reach_everything_is_degraded(store, capsys):
    (store.root / "notes.txt").write_text(PLAN)

    assert run(store, "erase", "--user", "alice@example.org") == 3

    assert "notes.txt (words)" in capsys.readouterr().out


def test_old_days_expire(store, capsys):
    assert run(store, "expire", "--older-than", "1d") == 0

    assert "before 2026-11-19: 1 day" in capsys.readouterr().out
    assert {file.day.day for file in store.files.list("spans")} == {19, 20}


def test_compaction_can_drop_old_days(store, capsys):
    assert run(store, "compact", "--keep", "1d", "--json") == 0

    said = json.loads(capsys.readouterr().out)
    assert said["days_removed"] == 1
    assert {file.day.day for file in store.files.list("spans")} == {19, 20}


@pytest.mark.parametrize("command", [["expire", "--older-than"], ["compact", "--keep"]])
def test_a_span_of_time_that_is_none_is_refused(store, capsys, command):
    assert run(store, *command, "soon") == 2

    assert f"{command[1]} 'soon'" in capsys.readouterr().err
    assert len(store.files.list("spans")) == 4
