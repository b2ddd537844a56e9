"""Only what is new is read: of files that grow, turn over, were read before or are unfinished."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector.assemble import read_conversations
from collector.importer import ImportReport, import_files
from collector.records import Conversation
from collector.store import Store, open_store
from tests.collector.conversations import NOW, OPEN_BOOK
from tests.collector.wire import a_trace_request


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"), create=True)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "otel"
    made.mkdir()
    return made


def load(store: Store, *paths: Path | str, **options: Any) -> ImportReport:
    return import_files(list(paths), store, now=NOW, redactor=OPEN_BOOK, **options)


def a_request(word: str) -> dict[str, Any]:
    """One span of a conversation that is called as its only message."""
    said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": word}]}])
    texts = {"gen_ai.input.messages": said, "gen_ai.conversation.id": word}
    attributes = [{"key": key, "value": {"stringValue": text}} for key, text in texts.items()]
    id_ = word.encode().hex().ljust(32, "0")
    span = {"traceId": id_, "spanId": id_[:16], "name": "chat", "attributes": attributes}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


def lines(*words: str) -> str:
    return "".join(json.dumps(a_request(word)) + "\n" for word in words)


def ids(store: Store) -> list[str]:
    found = list(read_conversations(store))
    return sorted(one.conversation_id for one in found if isinstance(one, Conversation))


@dataclass(frozen=True)
class Written:
    """The files of a store."""

    root: Path

    @property
    def spans(self) -> int:
        """Rows, repeats included: what was really read."""
        return sum(pq.read_metadata(file).num_rows for file in self.files("spans"))

    def files(self, table: str) -> list[Path]:
        return list(self.root.glob(f"{table}/*/*.parquet"))


# ---- what was read before -----------------------------------------------------------------------


def test_a_file_that_did_not_change_is_not_read_again(
    store: Store, folder: Path, written: Written
) -> None:
    file = folder / "traces.json"
    file.write_text(lines("a"))
    load(store, file)

    report = load(store, file)

    (told,) = report.files
    assert (told.unchanged, told.spans, report.unchanged) == (True, 0, 1)
    assert written.spans == 1


def test_a_file_that_was_only_touched_is_not_read_again(store: Store, folder: Path) -> None:
    file = folder / "traces.json"
    file.write_text(lines("a"))
    load(store, file)
    file.write_text(lines("a"))

    assert load(store, file).unchanged == 1


def test_a_file_is_read_again_where_that_is_asked_for(store: Store, folder: Path) -> None:
    file = folder / "traces.json"
    file.write_text(lines("a"))
    load(store, file)

    report = load(store, file, again=True)

    assert report.spans == 1
    assert ids(store) == ["a"]


def test_a_file_that_was_rewritten_is_read_whole(store: Store, folder: Path) -> None:
    file = folder / "traces.json"
    file.write_text(lines("a", "b"))
    load(store, file)
    file.write_text(lines("c", "b", "d"))

    report = load(store, file)

    assert report.spans == 3
    assert ids(store) == ["a", "b", "c", "d"]


def test_a_refused_file_is_read_when_it_was_mended(store: Store, folder: Path) -> None:
    file = folder / "traces.json"
    file.write_text(lines("a") + "{]\n" + lines("b"))
    refused = load(store, file)
    file.write_text(lines("a") + lines("b"))

    assert "line 2" in (refused.files[0].refused or "")
    assert load(store, file).spans == 2


# ---- files that are being written ---------------------------------------------------------------


def test_a_file_that_grew_is_read_from_where_it_ended(
    store: Store, folder: Path, written: Written
) -> None:
    file = folder / "traces.json"
    file.write_text(lines("a", "b"))
    load(store, file)
    with file.open("a") as more:
        more.write(lines("c"))

    report = load(store, file)

    assert report.spans == 1
    assert ids(store) == ["a", "b", "c"]
    assert written.spans == 3


def test_an_unfinished_line_waits_for_its_rest(
    store: Store, folder: Path, written: Written
) -> None:
    file = folder / "traces.json"
    whole = lines("a", "b")
    cut = len(lines("a")) + 30
    file.write_text(whole[:cut])

    first = load(store, file)
    file.write_text(whole)
    second = load(store, file)

    assert (first.spans, first.files[0].waiting_bytes, second.spans) == (1, 30, 1)
    assert ids(store) == ["a", "b"]
    assert written.spans == 2


@pytest.mark.parametrize("cut", [1, 8, 11, 40])
def test_a_line_can_be_unfinished_anywhere(store: Store, folder: Path, cut: int) -> None:
    file = folder / "traces.json"
    file.write_text(lines("a") + lines("b")[:cut])

    report = load(store, file)

    assert (report.spans, report.refused) == (1, ())


def test_a_line_that_broke_later_names_its_place_in_the_file(store: Store, folder: Path) -> None:
    file = folder / "traces.json"
    file.write_text(lines("a", "b"))
    load(store, file)
    with file.open("a") as more:
        more.write(lines("c") + "{]\n")

    (told,) = load(store, file).files

    assert (told.refused or "").startswith("line 4: ")
    assert ids(store) == ["a", "b"]


def test_rotation_leaves_nothing_out_and_reads_nothing_twice(
    store: Store, folder: Path, written: Written
) -> None:
    live, rotated = folder / "traces.json", folder / "traces-2026-11-21T05-02-14.173.json"
    live.write_text(lines("a", "b"))
    load(store, folder)
    with live.open("a") as more:
        more.write(lines("c"))
    live.rename(rotated)
    live.write_text(lines("d"))

    report = load(store, folder)

    assert report.spans == 2
    assert ids(store) == ["a", "b", "c", "d"]
    assert written.spans == 4


# ---- the file exporter's frames -----------------------------------------------------------------


def framed(*records: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(record)) + record for record in records)


def zstd(record: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(record, asbytes=True)
    return packed


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "zstd"])
@pytest.mark.parametrize("encoding", ["json", "proto"])
def test_frames_of_the_file_exporter_are_read(
    store: Store, folder: Path, encoding: str, compressed: bool
) -> None:
    records = [json.dumps(a_request("a")).encode(), json.dumps(a_request("b")).encode()]
    if encoding == "proto":
        records = [a_trace_request(spans=1).SerializeToString()] * 2
    file = folder / "traces.bin"
    file.write_bytes(framed(*(zstd(record) if compressed else record for record in records)))

    report = load(store, file)

    assert (report.spans, report.refused) == (2, ())


def test_frames_that_grow_are_read_from_where_they_ended(store: Store, folder: Path) -> None:
    first, second = (framed(zstd(json.dumps(a_request(word)).encode())) for word in "ab")
    file = folder / "traces.json"
    file.write_bytes(first + second[:9])

    one = load(store, file)
    file.write_bytes(first + second)
    other = load(store, file)

    assert (one.spans, one.files[0].waiting_bytes, other.spans) == (1, 9, 1)
    assert ids(store) == ["a", "b"]


def test_a_file_compressed_as_a_whole_is_read(store: Store, folder: Path) -> None:
    file = folder / "traces.json.zst"
    file.write_bytes(zstd(lines("a").encode()) + zstd(lines("b").encode()))

    assert load(store, file).spans == 2


# ---- folders and patterns -----------------------------------------------------------------------


def test_a_folder_is_read_with_all_that_is_in_it(store: Store, folder: Path) -> None:
    (folder / "year=2026" / "month=11").mkdir(parents=True)
    (folder / "year=2026" / "month=11" / "traces_x.json").write_text(lines("a"))
    (folder / "traces_y.json").write_text(lines("b"))
    (folder / ".traces.json.tmp").write_text("half")
    (folder / "empty.json").write_text("")

    report = load(store, folder)

    assert (len(report.files), report.refused) == (2, ())
    assert ids(store) == ["a", "b"]


def test_a_pattern_chooses_files(store: Store, folder: Path) -> None:
    (folder / "traces-1.json").write_text(lines("a"))
    (folder / "notes.txt").write_text("hello")

    report = load(store, str(folder / "traces*.json"), str(folder / "none*.json"))

    assert [file.spans for file in report.files if not file.refused] == [1]
    assert [file.path for file in report.refused] == [str(folder / "none*.json")]


def test_a_file_that_is_meant_twice_is_read_once(store: Store, folder: Path) -> None:
    file = folder / "traces.json"
    file.write_text(lines("a"))

    assert load(store, file, folder, str(folder / "*.json")).spans == 1


def test_metrics_and_ordinary_logs_are_nothing(store: Store, folder: Path) -> None:
    record = {"timeUnixNano": "1", "body": {"stringValue": "GET /"}}
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    (folder / "a.json").write_text(json.dumps({"resourceMetrics": []}) + "\n")
    (folder / "b.json").write_text(json.dumps(logs) + "\n")

    report = load(store, folder)

    assert (report.spans, report.events, report.refused) == (0, 0, ())


# ---- dying in between ---------------------------------------------------------------------------


def test_an_import_that_died_before_it_remembered_loses_and_repeats_nothing(
    store: Store, folder: Path, written: Written
) -> None:
    file = folder / "traces.json"
    file.write_text(lines("a", "b"))
    load(store, file)
    for row in written.files("imports"):  # as if the power had gone before this was written
        row.unlink()
    with file.open("a") as more:
        more.write(lines("c"))

    load(store, file)

    assert ids(store) == ["a", "b", "c"]
    assert store.scan("spans").num_rows == 3


def test_what_was_read_stays_known_when_the_clock_goes_back(store: Store, folder: Path) -> None:
    file = folder / "traces.json"
    file.write_text(lines("a"))
    load(store, file)

    earlier = import_files([file], store, now=NOW - timedelta(days=1), redactor=OPEN_BOOK)

    assert earlier.unchanged == 1


def test_another_key_knows_nothing_of_what_was_read(store: Store, folder: Path) -> None:
    file = folder / "traces.json"
    file.write_text(lines("a"))
    load(store, file)
    file.write_text(lines("a") + lines("b"))

    other = replace(OPEN_BOOK, key=b"o" * 32)
    report = import_files([file], store, now=NOW, redactor=other)

    assert report.spans == 2
