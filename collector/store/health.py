"""What state a store is in: figures from the footers of its files, for people to act on.

Reads no row but those of the newest day, so it answers soon on a large store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import pyarrow as pa
import pyarrow.parquet as pq

from collector.errors import StoreError
from collector.store.files import DataFile, Files, listed
from collector.store.reading import Query, files_with_hidden_rows, hidden_now, read_table
from collector.store.schema import SCHEMA_VERSION, TABLES, TIME
from collector.store.upkeep import CONVERSATION_TABLES
from collector.times import time_of

_READERS = 8
_MANY_FILES = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class TableHealth:
    """One table."""

    rows: int
    """With repeats and what is hidden."""
    files: int
    bytes: int
    days: int
    first_day: date | None
    last_day: date | None
    newest_at: datetime | None
    """The latest time in it: of receipt (spans, events), or as the rows say."""
    waiting_files: int
    """Files of closed days that compaction has not merged yet."""
    schema_versions: tuple[int, ...]
    """Empty for tables whose rows carry none."""
    damaged: tuple[str, ...]
    """Files that no reader can open; move them out of the store."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """One store at one moment."""

    address: str
    tables: Mapping[str, TableHealth]
    not_writable: str | None
    """Why it cannot be written; None where it can."""
    erasures_outstanding: int | None
    """Files that still hold rows of somebody erased, hidden from readers; compaction removes them.
    None where damaged files keep us from knowing."""
    scopes: Mapping[str, int]
    """Spans of the newest day by instrumentation scope; "" for none."""

    @property
    def needs_compaction(self) -> bool:
        waiting = sum(table.waiting_files for table in self.tables.values())
        return waiting > _MANY_FILES or bool(self.erasures_outstanding)

    @property
    def is_newer(self) -> bool:
        """A newer version has written to it: it knows columns that this one does not."""
        versions = (table.schema_versions for table in self.tables.values())
        return any(version > SCHEMA_VERSION for found in versions for version in found)


def check_health(files: Files, *, today: date) -> Health:
    """Look at a store. A probe of a few bytes is written; nothing else is changed.

    Raises:
        StoreError: the place of the store does not answer.
    """
    tables = {table: _table(files, table, today) for table in TABLES}
    is_damaged = any(table.damaged for table in tables.values())
    return Health(
        address=files.address,
        tables=tables,
        not_writable=_not_writable(files),
        erasures_outstanding=None if is_damaged else _outstanding(files),
        scopes=_scopes(files, tables["spans"]) if not is_damaged else {},
    )


def _table(files: Files, table: str, today: date) -> TableHealth:
    found = listed(files, table)
    footers = _footers(files, found)
    if None in footers.values():
        still = set(listed(files, table))  # what compaction has removed meanwhile is not damaged
        footers = {file: footer for file, footer in footers.items() if file in still}
    found = list(footers)
    whole = [footer for footer in footers.values() if footer is not None]
    newest = max((at for at in (_largest(f, TIME[table]) for f in whole) if at), default=None)
    versions = {_largest(footer, "schema_version") for footer in whole}
    days = sorted({file.day for file in found})
    is_kept_compact = table in CONVERSATION_TABLES
    return TableHealth(
        rows=sum(footer.num_rows for footer in whole),
        files=len(found),
        bytes=sum(file.size_bytes for file in found),
        days=len(days),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
        newest_at=time_of(newest),
        waiting_files=sum(
            is_kept_compact and file.day < today and not file.is_compacted for file in found
        ),
        schema_versions=tuple(sorted(version for version in versions if version is not None)),
        damaged=tuple(file.name for file, footer in footers.items() if footer is None),
    )


def _footers(files: Files, found: Sequence[DataFile]) -> dict[DataFile, pq.FileMetaData | None]:
    with ThreadPoolExecutor(_READERS) as pool:
        footers = pool.map(lambda file: _footer(files, file), found)
        return dict(zip(found, footers, strict=True))


def _footer(files: Files, file: DataFile) -> pq.FileMetaData | None:
    try:
        with files.open(file) as source:
            return pq.read_metadata(source)
    except (OSError, pa.ArrowException):
        return None


def _largest(footer: pq.FileMetaData, column: str) -> int | None:
    """The largest value of an integer column, by the statistics."""
    names = [footer.schema.column(index).path for index in range(footer.num_columns)]
    if column not in names:
        return None
    index = names.index(column)
    found = [footer.row_group(g).column(index).statistics for g in range(footer.num_row_groups)]
    return max((one.max for one in found if one is not None and one.has_min_max), default=None)


def _not_writable(files: Files) -> str | None:
    try:
        files.check_writable()
    except StoreError as error:
        return str(error)
    return None


def _outstanding(files: Files) -> int:
    hidden = hidden_now(files)
    return sum(len(files_with_hidden_rows(files, name, hidden)) for name in CONVERSATION_TABLES)


def _scopes(files: Files, spans: TableHealth) -> Mapping[str, int]:
    if spans.last_day is None:
        return {}
    since = datetime.combine(spans.last_day, time(), UTC)
    scopes: Sequence[str | None] = read_table(
        files, Query("spans", since=since, columns=["scope"])
    )["scope"].to_pylist()
    return dict(Counter(scope or "" for scope in scopes).most_common())
