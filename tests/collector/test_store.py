"""Rows are kept durably, read once each, and gone for good when they are erased."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from collector.errors import BadRequest, StoreError
from collector.store import Store, open_store
from collector.store.files import uuid7
from collector.store.schema import TABLES
from tests.samples import ROOT

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"), create=True)


def ns(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000


def a_span(number: int = 1, *, at: datetime = NOW, **columns: object) -> dict[str, object]:
    return {
        "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}",
        "name": "chat",
        "received_ns": ns(at),
        "attributes": [("k", "1"), ("k", "2")],
        **columns,
    }


def an_event(number: int = 1, *, at: datetime = NOW, **columns: object) -> dict[str, object]:
    return {"event_id": f"e{number}", "name": "debrief.outcome", "received_ns": ns(at), **columns}


def names(store: Store, table: str = "spans", **how: object) -> list[str]:
    return sorted(store.scan(table, **how)["name"].to_pylist())  # type: ignore[arg-type]


def files(store: Store, table: str = "spans") -> list[Path]:
    return [store.root / file.name for file in store.files.list(table)]


# ---- writing and reading


def test_rows_come_back_as_they_were_given(store):
    row = a_span(conversation_id="c", dropped_attributes=3, events='[{"name":"x"}]')

    store.append("spans", [row], now=NOW)

    (back,) = store.scan("spans").to_pylist()
    assert {key: back[key] for key in row} == row
    assert back["parent_span_id"] is None
    assert store.scan("spans").schema.equals(TABLES["spans"])


def test_files_lie_in_the_folder_of_the_day_and_sort_by_time(store):
    store.append("spans", [a_span(1)], now=NOW)
    store.append("spans", [a_span(2)], now=NOW + timedelta(seconds=1))

    assert {file.parent.name for file in files(store)} == {"date=2026-11-20"}
    assert [pq.read_table(f)["span_id"][0].as_py()[-1] for f in files(store)] == ["1", "2"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                        uuid7(NOW))  # fmt: skip


@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_missing_store_is_empty_for_readers(tmp_path, table):
    store = open_store(str(tmp_path / "nowhere"), create=False)

    assert store.scan(table).num_rows == 0
    assert store.scan(table).schema.equals(TABLES[table])
    assert not (tmp_path / "nowhere").exists()


def test_a_span_that_was_sent_twice_is_read_once_and_the_last_one_wins(store):
    store.append("spans", [a_span(name="old"), a_span(2, name="other")], now=NOW)
    store.append("spans", [a_span(name="new", at=NOW + DAY)], now=NOW + DAY)
    store.append("spans", [a_span(name="late copy", at=NOW)], now=NOW + 2 * DAY)

    assert names(store) == ["new", "other"]


def test_a_ledger_entry_that_was_written_twice_is_read_once(store):
    entry = {"entry_id": "a", "at_ns": ns(NOW), "action": "proposed", "subject": "p", "entry": "{}"}

    for _ in range(2):
        store.append("ledger", [entry], now=NOW)

    assert store.scan("ledger").num_rows == 1


def test_since_and_until_are_about_receipt(store):
    for days in range(4):
        at = NOW + days * DAY
        store.append("spans", [a_span(days + 1, name=str(days), at=at)], now=at)

    assert names(store, since=NOW + DAY, until=NOW + 3 * DAY) == ["1", "2"]


def test_a_filter_takes_values_as_parameters(store):
    hostile = "x' or 1=1 --"
    store.append("spans", [a_span(1), a_span(2, name=hostile)], now=NOW)

    found = store.scan("spans", columns=["name"], where="name = $n", parameters={"n": hostile})

    assert found.to_pylist() == [{"name": hostile}]


def test_a_column_that_older_files_lack_is_null(store):
    store.append("spans", [a_span()], now=NOW)
    (file,) = files(store)
    pq.write_table(pq.read_table(file).drop_columns(["status_message", "resource"]), file)

    assert store.scan("spans")["status_message"].to_pylist() == [None]


def test_a_row_that_does_not_fit_is_a_bad_request(store):
    with pytest.raises(BadRequest, match="spans"):
        store.append("spans", [a_span(start_ns=2**70)], now=NOW)


def test_a_damaged_file_is_named(store):
    store.append("spans", [a_span()], now=NOW)
    files(store)[0].write_bytes(b"not parquet at all")

    with pytest.raises(StoreError, match=r"\.parquet"):
        store.scan("spans")


def test_a_store_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match="not a folder"):
        open_store(str(tmp_path / "file"), create=False)


def test_reading_goes_on_while_files_are_compacted_away(store):
    for number in range(30):
        store.append("spans", [a_span(number + 1)], now=NOW)
    done = threading.Event()

    def compact_and_add() -> None:
        for number in range(8):
            store.append("spans", [a_span(1, at=NOW + timedelta(seconds=number))], now=NOW)
            store.compact(NOW + DAY)
        done.set()

    keeper = threading.Thread(target=compact_and_add)
    keeper.start()
    counts = {store.scan("spans").num_rows}
    while not done.is_set():
        counts.add(store.scan("spans").num_rows)
    keeper.join()

    assert counts == {30}


# ---- durability


def test_a_file_is_flushed_before_it_is_renamed_and_its_folder_after(store, tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: the order of system calls cannot be seen")
    code = (
        "from datetime import datetime, UTC\n"
        "from collector.store import open_store\n"
        f"s = open_store({str(store.root)!r}, create=True)\n"
        "s.append('ledger', [{'entry_id': 'a'}], now=datetime(2026, 11, 20, tzinfo=UTC))\n"
    )
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-y", "-e", "trace=fsync,rename,renameat,renameat2,mkdir", "-o"]
    ran = subprocess.run(
        [*command, str(trace), sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    if ran.returncode and "ptrace" in ran.stderr:
        pytest.skip(f"strace may not trace here: {ran.stderr.splitlines()[0]}")
    assert ran.returncode == 0, ran.stderr

    calls = [
        f"{match[1]} {'file' if match[2].endswith('.parquet.tmp') else match[2]}"
        for line in trace.read_text().splitlines()
        if (match := re.search(rf"(\w+)\(.*?({re.escape(str(store.root))}[^>\"]*)", line))
        and line.endswith("= 0")
    ]

    table, day = store.root / "ledger", store.root / "ledger" / "date=2026-11-20"
    assert calls == [
        f"mkdir {table}",
        f"fsync {store.root}",
        f"mkdir {day}",
        f"fsync {table}",
        "fsync file",
        "rename file",
        f"fsync {day}",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_a_store_error(store):
    store.root.chmod(0o500)

    with pytest.raises(StoreError, match="cannot write"):
        store.append("spans", [a_span()], now=NOW)


def test_a_write_that_fails_leaves_nothing_behind(store):
    (store.root / "spans").write_text("in the way")

    with pytest.raises(StoreError, match="cannot write"):
        store.append("spans", [a_span()], now=NOW)

    assert [path.name for path in store.root.iterdir()] == ["spans"]


def test_half_written_files_are_not_read_and_compaction_removes_them(store):
    store.append("spans", [a_span()], now=NOW)
    leftover = files(store)[0].with_name(".x.parquet.tmp")
    leftover.write_bytes(b"PAR1 half")

    assert store.scan("spans").num_rows == 1
    store.compact(NOW + DAY)
    assert not leftover.exists()


# ---- the redaction key


def test_the_key_is_made_once_and_only_its_owner_may_read_it(store):
    keys = set()
    threads = [threading.Thread(target=lambda: keys.add(store.redactor().key)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 1
    assert stat.S_IMODE((store.root / "redaction.key").stat().st_mode) == 0o600
    assert open_store(str(store.root), create=False).redactor().key in keys
    assert store.redactor(key=b"given").key == b"given"


def test_a_broken_key_file_is_said_to_be_broken(store):
    (store.root / "redaction.key").write_text("not hex")

    with pytest.raises(StoreError, match=r"redaction\.key"):
        store.redactor()


# ---- erasure


def a_store_of_two_users(store: Store) -> tuple[str, str]:
    """Alice and Bob; of every trace only some spans say who it is."""
    redact = store.redactor()
    alice, bob = redact.user("alice"), redact.user("bob")
    store.append(
        "spans",
        [
            a_span(1, span_id="a" * 16, name="alice root", user_id=alice),
            a_span(1, span_id="b" * 16, name="alice child", conversation_id="ca"),
            a_span(2, name="alice later trace", conversation_id="ca"),
            a_span(2, span_id="c" * 16, name="alice later child"),
            a_span(3, name="bob", conversation_id="cb", user_id=bob),
            a_span(4, span_id="d" * 16, name="batch alice", conversation_id="c4", user_id=alice),
            a_span(4, span_id="e" * 16, name="batch bob", conversation_id="c5", user_id=bob),
        ],
        now=NOW,
    )
    store.append(
        "events",
        [
            an_event(1, name="by user", user_id=alice),
            an_event(2, name="by conversation", conversation_id="ca"),
            an_event(3, name="by trace", trace_id=f"{2:032x}"),
            an_event(4, name="of bob", conversation_id="cb"),
        ],
        now=NOW,
    )
    return alice, bob


@pytest.mark.parametrize("raw", [True, False], ids=["raw-id", "pseudonym"])
def test_erasing_a_user_takes_every_conversation_of_that_user(store, raw):
    alice, _ = a_store_of_two_users(store)

    store.erase(user_id="alice" if raw else alice, now=NOW)

    assert names(store) == ["batch bob", "bob"]
    assert names(store, "events") == ["of bob"]


def test_what_was_erased_is_gone_from_the_files_too(store):
    a_store_of_two_users(store)

    store.erase(user_id="alice", now=NOW)

    kept = [name for f in files(store) for name in pq.read_table(f)["name"].to_pylist()]
    assert sorted(kept) == ["batch bob", "bob"]
    everything = b"".join(f.read_bytes() for f in store.root.rglob("*.parquet"))
    assert b"alice" not in everything


def test_what_arrives_later_of_an_erased_conversation_stays_hidden(store):
    a_store_of_two_users(store)
    store.erase(user_id="alice", now=NOW)

    late = [
        a_span(2, span_id="f" * 16, name="late, by trace"),
        a_span(9, name="late, by conversation", conversation_id="ca"),
    ]
    store.append("spans", late, now=NOW + DAY)
    assert names(store) == ["batch bob", "bob"]

    store.compact(NOW + 2 * DAY)
    assert not any("late" in str(pq.read_table(f)["name"].to_pylist()) for f in files(store))


def test_erasing_one_conversation_leaves_the_others_of_its_user(store):
    a_store_of_two_users(store)

    store.erase(conversation_id="ca", now=NOW)

    assert names(store) == ["alice root", "batch alice", "batch bob", "bob"]


def test_a_conversation_that_has_only_a_trace_can_be_erased(store):
    store.append("spans", [a_span(7), a_span(8, name="other")], now=NOW)

    store.erase(conversation_id=f"trace-{7:032x}", now=NOW)

    assert names(store) == ["other"]


def test_labels_of_an_erased_conversation_go_and_the_ledger_stays(store):
    a_store_of_two_users(store)
    for table in ("model_labels", "ledger"):
        rows = [{"entry_id": subject, "subject": subject} for subject in ("ca", "cb")]
        store.append(table, rows, now=NOW)

    store.erase(user_id="alice", now=NOW)

    assert store.scan("model_labels")["subject"].to_pylist() == ["cb"]
    assert store.scan("ledger").num_rows == 2


def test_erasing_twice_changes_nothing_more(store):
    a_store_of_two_users(store)
    store.erase(user_id="alice", now=NOW)

    again = store.erase(user_id="alice", now=NOW)

    assert again.files_rewritten == 0
    assert names(store) == ["batch bob", "bob"]


def test_one_write_hides_all_of_a_user_and_running_again_tells_the_same(store):
    a_store_of_two_users(store)
    store.erase(user_id="bob", now=NOW)

    first = store.erase(user_id="alice", now=NOW + DAY)
    again = store.erase(user_id="alice", now=NOW + 2 * DAY)

    assert len(store.files.list("erasures")) == 3
    assert first.conversation_ids == again.conversation_ids == ("c4", "ca")
    assert first.trace_ids == again.trace_ids


def test_a_draft_of_a_dead_writer_goes_with_an_erasure_and_a_live_one_stays(store):
    store.append("spans", [a_span(conversation_id="c")], now=NOW)
    (file,) = files(store)
    dead, alive = (file.with_name(f".{name}.parquet.tmp") for name in ("dead", "alive"))
    for draft in (dead, alive):
        draft.write_bytes(file.read_bytes())
    os.utime(dead, (0, 0))

    store.erase(conversation_id="c", now=NOW)

    assert not dead.exists()
    assert alive.exists()


def test_a_copy_that_somebody_keeps_beside_the_files_is_searched(store):
    store.append("spans", [a_span(conversation_id="chat-with-alice")], now=NOW)
    (file,) = files(store)
    file.with_name("kept.parquet.bak").write_bytes(file.read_bytes())

    proof = store.erase(conversation_id="chat-with-alice", now=NOW).proof

    assert [remnant.place.rsplit("/", 1)[-1] for remnant in proof.remnants] == ["kept.parquet.bak"]


# ---- compaction and retention


def test_compaction_makes_one_file_of_a_closed_day_and_drops_repeats(store):
    for number in (1, 2, 1):
        store.append("spans", [a_span(number, name=f"n{number}")], now=NOW)
    store.append("spans", [a_span(9, name="today", at=NOW + DAY)], now=NOW + DAY)

    store.compact(NOW + DAY)

    assert len(files(store)) == 2
    assert sum(pq.read_metadata(f).num_rows for f in files(store)) == 3
    assert names(store) == ["n1", "n2", "today"]
    assert store.scan("spans")["attributes"].to_pylist()[0] == [("k", "1"), ("k", "2")]


def test_compaction_that_was_killed_before_it_removed_its_input_changes_nothing(store, tmp_path):
    for number in (1, 2, 3):
        store.append("spans", [a_span(number, name=f"n{number}")], now=NOW)
    inputs = [(file, file.read_bytes()) for file in files(store)]
    store.compact(NOW + DAY)
    for file, content in inputs:
        file.write_bytes(content)

    assert names(store) == ["n1", "n2", "n3"]
    store.compact(NOW + DAY)
    assert names(store) == ["n1", "n2", "n3"]
    assert len(files(store)) == 1


def test_repeats_of_two_compactions_at_once_go_with_the_next(store):
    # Each row fills a file, so both results are too large to be merged again.
    wide = [(f"k{number}", os.urandom(2**20).hex()) for number in range(5)]
    store.append("spans", [a_span(attributes=wide)], now=NOW)
    (file,) = files(store)
    content = file.read_bytes()
    store.compact(NOW + DAY)
    file.write_bytes(content)
    (first,) = [path for path in files(store) if path != file]
    kept = first.read_bytes()
    first.unlink()
    store.compact(NOW + DAY + timedelta(seconds=1))
    first.write_bytes(kept)

    store.compact(NOW + 2 * DAY)

    assert len(files(store)) == 1
    store.compact(NOW + 3 * DAY)
    assert sum(pq.read_metadata(f).num_rows for f in files(store)) == 1


def test_expiry_counts_a_day_once(store):
    store.append("spans", [a_span()], now=NOW)
    store.append("events", [an_event()], now=NOW)

    assert store.expire((NOW + DAY).date()) == 1


def test_a_compact_day_is_left_alone(store):
    store.append("spans", [a_span()], now=NOW)
    store.compact(NOW + DAY)
    before = files(store)

    done = store.compact(NOW + DAY)

    assert files(store) == before
    assert (done.files_before, done.files_after) == (1, 1)


def test_expiry_removes_whole_days_and_keeps_the_ledger(store):
    for days in range(3):
        at = NOW + days * DAY
        store.append("spans", [a_span(days + 1, name=str(days), at=at)], now=at)
    store.append("ledger", [{"entry_id": "a", "at_ns": ns(NOW)}], now=NOW)

    assert store.expire(date(2026, 11, 22)) == 2

    assert names(store) == ["2"]
    assert store.scan("ledger").num_rows == 1
    assert store.expire(date(2026, 11, 22)) == 0


# ---- the proof of an erasure

PLAN = "my secret plan is to move to a lighthouse on the coast"


def a_store_that_quotes(store: Store, **spans: object) -> None:
    """Alice says her plan; a template of the agent stands in everybody's spans."""
    alice = store.redactor().user("alice@example.org")
    template = ("system", "You are the order desk of a large shop, and you answer politely.")
    said = [
        a_span(1, conversation_id="of-alice", user_id=alice, attributes=[("q", PLAN), template]),
        *(a_span(n, conversation_id=f"of-{n}", attributes=[template]) for n in range(2, 8)),
        a_span(9, attributes=[("unrelated", "text"), template], **spans),
    ]
    store.append("spans", said, now=NOW)


def test_an_erasure_searches_every_file_and_finds_nothing(store):
    a_store_that_quotes(store)
    store.append("events", [an_event(1, attributes=[("note", PLAN)], conversation_id="of-alice")],
                 now=NOW)  # fmt: skip

    proof = store.erase(user_id="alice@example.org", now=NOW).proof

    assert proof.remnants == ()
    assert proof.elsewhere == ()
    assert (proof.ids, proof.phrases) == (3, 2)
    assert proof.files >= 1
    assert proof.searched_bytes > 500
    assert PLAN.encode() not in b"".join(
        str(pq.read_table(file)).encode() for file in store.root.rglob("*.parquet")
    )


@pytest.mark.parametrize(
    ("table", "row", "what"),
    [
        pytest.param("runs", {"entry_id": "1", "entry": f'{{"reply": "{PLAN}"}}'}, "words",
                     id="words-in-an-audit"),
        pytest.param("model_labels", {"entry_id": "1", "subject": "x", "entry": "of-alice"}, "id",
                     id="id-in-a-label-of-another"),
    ],
)  # fmt: skip
def test_what_an_erasure_could_not_reach_is_said(store, table, row, what):
    a_store_that_quotes(store)
    store.append(table, [row], now=NOW)

    proof = store.erase(user_id="alice@example.org", now=NOW).proof

    assert [(one.place.split("/")[0], one.what) for one in proof.remnants] == [(table, what)]


def test_files_that_are_no_table_are_searched_too(store):
    a_store_that_quotes(store)
    (store.root / "notes.txt").write_text(f"somebody said: {PLAN}!")

    proof = store.erase(user_id="alice@example.org", now=NOW).proof

    assert [one.place for one in proof.remnants] == ["notes.txt"]


def test_the_same_words_in_the_conversation_of_another_are_named(store):
    a_store_that_quotes(store, conversation_id="of-bob", status_message=f"they said {PLAN}")

    proof = store.erase(user_id="alice@example.org", now=NOW).proof

    assert proof.remnants == ()
    assert proof.elsewhere == ("of-bob",)


def test_the_audit_keeps_ids_and_that_is_said(store):
    a_store_that_quotes(store)
    store.append("ledger", [{"entry_id": "1", "subject": "p", "entry": '["of-alice"]'}], now=NOW)

    proof = store.erase(user_id="alice@example.org", now=NOW).proof

    assert (proof.remnants, proof.audit_entries) == ((), 1)
