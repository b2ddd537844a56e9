"""Erases, expires and compacts. Every step leaves a readable store and can be run again.

A new file is written and durable before the ones it replaces go, so for a moment rows are there
twice; readers drop repeats, and the next run finishes what was cut short.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa

from collector.errors import StoreError
from collector.store.files import (
    TEMPORARY,
    day_folder,
    day_folders,
    files_of_day,
    flush_folder,
    write_parquet,
)
from collector.store.reading import Hidden, files_with_hidden_rows, find_hidden, read_files
from collector.store.schema import ERASURES
from collector.times import to_ns

CONVERSATION_TABLES = ("spans", "events", "model_labels")
"""What holds words of users. The ledger and the runs hold ids and are kept."""
_GROUP_BYTES = 128 * 2**20
"""Compressed size of what is merged at once; in memory it is some ten times as much."""
_SORT = {
    "spans": ["conversation_id", "trace_id", "start_ns"],
    "events": ["conversation_id", "at_ns"],
    "model_labels": ["subject", "at_ns"],
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """What an erasure covered and how far it got on disk."""

    conversation_ids: tuple[str, ...]
    trace_ids: tuple[str, ...]
    files_rewritten: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Compacted:
    files_before: int
    files_after: int


def record_erasure(
    root: Path,
    *,
    user_ids: Sequence[str],
    conversation_ids: Sequence[str],
    trace_ids: Sequence[str],
    now: datetime,
) -> None:
    """Hide rows from all readers, durably; physical removal may come later."""
    requested_ns = to_ns(now)
    names = ("user_id", "conversation_id", "trace_id")
    rows = [
        {"requested_ns": requested_ns, **dict.fromkeys(names), name: value}
        for name, values in zip(names, (user_ids, conversation_ids, trace_ids), strict=True)
        for value in values
    ]
    table = pa.Table.from_pylist(rows, schema=ERASURES)
    write_parquet(table, day_folder(root / "erasures", now.astimezone(UTC).date()), now=now)


def erase(
    root: Path,
    *,
    user_ids: Sequence[str] = (),
    conversation_ids: Sequence[str] = (),
    trace_ids: Sequence[str] = (),
    now: datetime,
) -> Erased:
    """Hide what belongs to the ids, then remove it from the files.

    Ids are as in the store. What a user took part in is recorded too: when its rows are gone, a
    late span of the same conversation would otherwise not be known for what it is.
    """
    before = find_hidden(root)
    record_erasure(
        root, user_ids=user_ids, conversation_ids=conversation_ids, trace_ids=trace_ids, now=now
    )
    after = find_hidden(root)
    more_conversations = _without(after.conversation_ids, before.conversation_ids)
    more_traces = _without(after.trace_ids, before.trace_ids)
    if more_conversations or more_traces:
        record_erasure(
            root, user_ids=(), conversation_ids=more_conversations, trace_ids=more_traces, now=now
        )
    rewritten = 0
    for table in CONVERSATION_TABLES:
        for file in files_with_hidden_rows(root, table, after):
            _replace(root, table, [file], after, now=now)
            rewritten += 1
    return Erased(
        conversation_ids=more_conversations,
        trace_ids=more_traces,
        files_rewritten=rewritten,
    )


def expire(root: Path, before_day: date) -> int:
    """Remove all days before `before_day` from the tables that hold conversations; gives how many.

    Erasures, ledger and runs stay.
    """
    removed = 0
    for table in CONVERSATION_TABLES:
        for day, folder in day_folders(root / table):
            if day < before_day:
                _remove_folder(folder)
                removed += 1
    return removed


def compact(root: Path, now: datetime) -> Compacted:
    """Merge the small files of every closed day and drop repeats and erased rows from them."""
    today = now.astimezone(UTC).date()
    hidden = find_hidden(root)
    before = after = 0
    for table in CONVERSATION_TABLES:
        erased = set(files_with_hidden_rows(root, table, hidden))
        for day, folder in day_folders(root / table):
            if day >= today:
                continue
            _remove_leftovers(folder)
            for group in _groups(files_of_day(folder)):
                before += len(group)
                after += 1
                if len(group) > 1 or erased.intersection(group):
                    _replace(root, table, group, hidden, now=now)
    return Compacted(files_before=before, files_after=after)


def _replace(
    root: Path, table: str, files: Sequence[Path], hidden: Hidden, *, now: datetime
) -> None:
    """Write what is still wanted of some files of one day as one file, then remove them."""
    rows = read_files(root, table, files, hidden)
    folder = files[0].parent
    if rows.num_rows:
        order = [(name, "ascending") for name in _SORT[table]]
        write_parquet(rows.sort_by(order), folder, now=now, level=3, row_group_rows=8192)
    try:
        for file in files:
            file.unlink(missing_ok=True)
        flush_folder(folder)
    except OSError as error:
        raise _cannot_remove(folder, error) from error


def _groups(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Files in runs of at most `_GROUP_BYTES`, so that memory stays bounded on a busy day."""
    group: list[Path] = []
    size = 0
    for file in files:
        file_size = file.stat().st_size
        if group and size + file_size > _GROUP_BYTES:
            yield group
            group, size = [], 0
        group.append(file)
        size += file_size
    if group:
        yield group


def _remove_leftovers(folder: Path) -> None:
    """Remove half-written files of a collector that died; nobody writes to a closed day."""
    for file in folder.glob(f".*{TEMPORARY}"):
        with suppress(FileNotFoundError):
            file.unlink()


def _remove_folder(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
        flush_folder(folder.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _cannot_remove(folder, error) from error


def _cannot_remove(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot remove files in {folder}: {error.strerror or error}; correct the permissions of "
        "the store and run the command again"
    )


def _without(ids: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    seen = set(known)
    return tuple(value for value in ids if value not in seen)
