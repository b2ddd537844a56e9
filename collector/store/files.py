"""Files of a store: durable writes, and which data files there are.

A table is a folder of day folders (`spans/date=2026-11-21/`), a day folder holds Parquet files that
never change. A file is complete when it has its name: it is written under a name that readers skip,
flushed, renamed, and the folder is flushed (`.x.tmp` is skipped by the globs of DuckDB and Spark).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from collector.errors import StoreError

TEMPORARY = ".tmp"
_PREFIX = "date="
# Texts differ from row to row, so a dictionary costs time there and saves nothing.
_DICTIONARY_COLUMNS = [
    "name",
    "scope",
    "scope_version",
    "service",
    "conversation_id",
    "user_id",
    "trace_id",
    "action",
    "attributes.key_value.key",
    "resource.key_value.key",
    "resource.key_value.value",
]


def day_folder(table: Path, day: date) -> Path:
    return table / f"{_PREFIX}{day.isoformat()}"


def day_folders(table: Path) -> Iterator[tuple[date, Path]]:
    """The days that a table has, oldest first; none where it does not exist."""
    try:
        names = sorted(entry.name for entry in table.iterdir() if entry.name.startswith(_PREFIX))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        with suppress(ValueError):  # some other folder that people keep there
            yield date.fromisoformat(name.removeprefix(_PREFIX)), table / name


def data_files(table: Path, since: date | None = None, until: date | None = None) -> list[Path]:
    """The data files of the days `since` to `until`, both included, oldest first."""
    return [
        file
        for day, folder in day_folders(table)
        if (since is None or day >= since) and (until is None or day <= until)
        for file in files_of_day(folder)
    ]


def files_of_day(folder: Path) -> list[Path]:
    """The data files of one day; none where the day has been removed."""
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == ".parquet")
    except FileNotFoundError:
        return []


def write_parquet(
    rows: pa.Table, folder: Path, *, now: datetime, level: int = 1, row_group_rows: int = 50_000
) -> Path:
    """Write one data file; when this returns, it survives a power cut.

    Raises:
        StoreError: the disk is full, read-only or failing; nothing is left behind.
    """
    sink = pa.BufferOutputStream()
    names = rows.schema.names
    pq.write_table(
        rows,
        sink,
        compression="zstd",
        compression_level=level,
        row_group_size=row_group_rows,
        use_dictionary=[c for c in _DICTIONARY_COLUMNS if c.split(".")[0] in names],
        write_statistics=[c for c in names if c not in ("attributes", "resource", "body")],
    )
    path = folder / f"{uuid7(now)}.parquet"
    write_durably(path, sink.getvalue())
    return path


def write_durably(path: Path, content: bytes | pa.Buffer, *, mode: int = 0o644) -> None:
    """Write a file so that it is there whole, after any crash, or not at all.

    Raises:
        StoreError: it could not be written; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}{TEMPORARY}")
    try:
        make_folder(path.parent)
        _write_and_flush(temporary, content, mode)
        temporary.rename(path)
        flush_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}; free space or correct the "
            "permissions of the store, the sender will try again"
        ) from error


def _write_and_flush(path: Path, content: bytes | pa.Buffer, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents, each durable in its own parent."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    flush_folder(folder.parent)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def uuid7(now: datetime) -> str:
    """A version 7 UUID (RFC 9562): names sort by the time of writing."""
    milliseconds = int(now.astimezone(UTC).timestamp() * 1000) & (2**48 - 1)
    value = milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62
    text = f"{value | secrets.randbits(62):032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
