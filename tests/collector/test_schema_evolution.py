"""Files that other versions wrote are read together with ours, and upkeep loses nothing of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector.store import Store, open_store
from collector.store.schema import SCHEMA_VERSION, TABLES

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)

FIRST = pa.schema(
    [
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("parent_span_id", pa.string()),
        ("name", pa.string()),
        ("kind", pa.int8()),
        ("status", pa.int8()),
        ("start_ns", pa.int64()),
        ("end_ns", pa.int64()),
        ("received_ns", pa.int64()),
        ("service", pa.string()),
        ("conversation_id", pa.string()),
        ("user_id", pa.string()),
        ("attributes", pa.map_(pa.string(), pa.string())),
        ("events", pa.string()),
    ]
)
"""What the first version of all wrote: no scope, no resource, no version of the schema."""
NEWER = pa.schema([*TABLES["spans"], ("cost_usd", pa.float64()), ("labels", pa.list_(pa.string()))])
"""What a version to come may write."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One file of each: an older version, ours, a newer one."""
    store = open_store(str(tmp_path), create=True)
    write(store, FIRST, a_span(1, "old"), "0190aaaa")
    store.append("spans", [a_span(2, "ours", schema_version=SCHEMA_VERSION)], now=NOW)
    write(store, NEWER, a_span(3, "new", cost_usd=0.25, labels=["a", "b"],
                               schema_version=SCHEMA_VERSION + 1), "0190bbbb")  # fmt: skip
    return store


def a_span(number: int, name: str, **columns: object) -> dict[str, object]:
    return {
        "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}",
        "name": name,
        "conversation_id": name,
        "received_ns": int(NOW.timestamp()) * 10**9,
        "attributes": [("k", "v")],
        **columns,
    }


def write(store: Store, schema: pa.Schema, row: dict[str, object], name: str) -> None:
    folder = store.root / "spans" / f"date={NOW.date()}"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([row], schema=schema), folder / f"{name}.parquet")


def names(store: Store) -> list[str]:
    return sorted(store.scan("spans")["name"].to_pylist())


def test_all_versions_are_read_together(store):
    rows = store.scan("spans")

    assert names(store) == ["new", "old", "ours"]
    assert rows.schema.equals(TABLES["spans"])
    assert {row["name"]: row["schema_version"] for row in rows.to_pylist()} == {
        "old": None, "ours": SCHEMA_VERSION, "new": SCHEMA_VERSION + 1,
    }  # fmt: skip


def test_all_versions_are_streamed_together(store):
    batches = list(store.scan_batches("spans", order=["name"]))

    assert [name for b in batches for name in b["name"].to_pylist()] == ["new", "old", "ours"]
    assert all(batch.schema.equals(TABLES["spans"]) for batch in batches)


def test_a_column_that_all_files_of_a_day_lack_is_null(store):
    rows = store.scan("spans", where="conversation_id = 'old'")

    assert rows["resource"].to_pylist() == [None]
    assert rows["scope"].to_pylist() == [None]


def test_compaction_keeps_the_columns_of_a_newer_version(store):
    store.compact(NOW + DAY)

    (file,) = (store.root / "spans").rglob("*.parquet")
    (new,) = (row for row in pq.read_table(file).to_pylist() if row["name"] == "new")
    assert (new["cost_usd"], new["labels"]) == (0.25, ["a", "b"])
    assert names(store) == ["new", "old", "ours"]


def test_an_erasure_keeps_the_columns_of_a_newer_version(store):
    write(store, NEWER, a_span(4, "gone", cost_usd=1.0), "0190cccc")
    store.compact(NOW + DAY)

    store.erase(conversation_id="gone", now=NOW + DAY)

    (file,) = (store.root / "spans").rglob("*.parquet")
    assert sorted(pq.read_table(file)["cost_usd"].to_pylist(), key=str) == [0.25, None, None]


def test_a_newer_version_is_noticed(store):
    health = store.health(today=(NOW + DAY).date())

    assert health.is_newer
    assert health.tables["spans"].schema_versions == (SCHEMA_VERSION, SCHEMA_VERSION + 1)
