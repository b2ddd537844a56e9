"""The health of a store says what a person should do about it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from collector.store import Store, open_store, upkeep
from collector.store.hiding import Hidden

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"), create=True)


def a_span(number: int = 1, *, at: datetime = NOW, **columns: object) -> dict[str, object]:
    return {
        "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}",
        "received_ns": int(at.timestamp()) * 10**9,
        "schema_version": 1,
        **columns,
    }


def test_an_empty_store_has_nothing_wrong(store):
    health = store.health(today=TODAY)

    assert health.tables["spans"].rows == 0
    assert health.tables["spans"].last_day is None
    assert health.not_writable is None
    assert health.erasures_outstanding == 0
    assert not health.needs_compaction
    assert not health.is_newer


def test_figures_are_told_by_table(store):
    for days in (0, 0, 1):
        at = NOW + days * DAY
        store.append("spans", [a_span(at=at, scope="openai"), a_span(2, at=at)], now=at)

    spans = store.health(today=TODAY + DAY).tables["spans"]

    assert (spans.rows, spans.files, spans.days) == (6, 3, 2)
    assert (spans.first_day, spans.last_day) == (date(2026, 11, 20), date(2026, 11, 21))
    assert spans.newest_at == NOW + DAY
    assert spans.bytes == sum(file.size_bytes for file in store.files.list("spans"))
    assert spans.schema_versions == (1,)


def test_files_of_closed_days_wait_until_they_are_compacted(store):
    for number in range(3):
        store.append("spans", [a_span(number)], now=NOW)
    waiting = [
        store.health(today=day).tables["spans"].waiting_files for day in (TODAY, TODAY + DAY)
    ]

    store.compact(NOW + DAY)

    assert waiting == [0, 3]
    assert store.health(today=TODAY + DAY).tables["spans"].waiting_files == 0


def test_damaged_files_are_named_and_hide_nothing_else(store):
    store.append("spans", [a_span()], now=NOW)
    store.append("spans", [a_span(2)], now=NOW)
    broken = store.files.list("spans")[0]
    (store.root / broken.name).write_bytes(b"PAR1 torn")

    health = store.health(today=TODAY)

    assert health.tables["spans"].damaged == (broken.name,)
    assert health.tables["spans"].rows == 1
    assert health.erasures_outstanding is None


def test_what_was_erased_and_still_lies_in_files_is_outstanding(store):
    store.append("spans", [a_span(user_id="u")], now=NOW)
    upkeep.record_erasure(store.files, Hidden(user_ids=("u",)), now=NOW)

    health = store.health(today=TODAY)

    assert health.erasures_outstanding == 1
    assert health.needs_compaction


def test_scopes_are_those_of_the_newest_day(store):
    store.append("spans", [a_span(scope="old")], now=NOW)
    later = NOW + DAY
    rows = [a_span(2, at=later, scope="new"), a_span(3, at=later, scope="new"), a_span(4, at=later)]
    store.append("spans", rows, now=later)

    assert store.health(today=TODAY).scopes == {"new": 2, "": 1}


def test_why_a_store_cannot_be_written_is_said(store):
    (store.root / "spans").mkdir()
    missing = open_store(str(store.root / "spans" / "x"), create=False)
    (store.root / "spans" / "x").write_text("in the way")

    assert "cannot write" in (missing.health(today=TODAY).not_writable or "")
