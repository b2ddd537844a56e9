"""Erases, expires and compacts. Every step leaves a readable store and can be run again.

A new file is written and durable before the ones it replaces go, so for a while rows are there
twice; readers drop repeats, and the next run finishes what was cut short.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain, groupby

from collector.store.files import (
    DataFile,
    Files,
    listed,
    new_name,
    to_parquet,
    to_parquet_files,
)
from collector.store.hiding import Hidden, find_hidden
from collector.store.proof import Proof, prove, words_of
from collector.store.reading import (
    Reading,
    connect,
    files_with_hidden_rows,
    hidden_now,
    patiently,
    rewriting,
)
from collector.times import to_ns

CONVERSATION_TABLES = ("spans", "events", "model_labels")
"""What holds words of users. The ledger and the runs hold ids and are kept."""
_GROUP_BYTES = 64 * 2**20
"""Compressed size of what is merged at once; in memory it is some ten times as much."""
_FILE_BYTES = 8 * 2**20
"""Of a compacted file. To erase a person is to rewrite the files that hold their conversations, so
smaller ones would be better for that, and worse for all who read many."""
_ROW_GROUP_ROWS = 8192
_REPLACED_BYTES = 2**30
"""Removing waits for the end of a run, because a reader starts over when files vanish; but not for
more than this, so that a full disk empties."""
_SORT = {
    "spans": ["conversation_id", "trace_id", "start_ns"],
    "events": ["conversation_id", "at_ns"],
    "model_labels": ["subject", "at_ns"],
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """What an erasure covered and how far it got on disk."""

    user_ids: tuple[str, ...]
    """As in the store."""
    conversation_ids: tuple[str, ...]
    trace_ids: tuple[str, ...]
    files_rewritten: int
    proof: Proof


@dataclass(frozen=True, kw_only=True, slots=True)
class Compacted:
    files_before: int
    files_after: int


def record_erasure(files: Files, hidden: Hidden, *, now: datetime) -> None:
    """Hide rows from all readers, durably; physical removal may come later."""
    rows = hidden.rows(requested_ns=to_ns(now))
    if rows.num_rows:
        files.write(new_name("erasures", now.astimezone(UTC).date(), now), to_parquet(rows))


def erase(files: Files, wanted: Hidden, *, raw_ids: Sequence[str], now: datetime) -> Erased:
    """Hide what belongs to the ids, remove it from the files, and search for what may be left.

    Ids are as in the store, and `raw_ids` what people call them. What a user took part in is
    recorded too, in the same write: when its rows are gone, a late span of the same conversation
    would otherwise not be known for what it is.
    """
    covered = patiently(lambda: _covered_by(files, wanted))
    record_erasure(files, covered, now=now)
    after = hidden_now(files)
    holding = [
        file
        for table in CONVERSATION_TABLES
        for file in files_with_hidden_rows(files, table, after)
    ]
    for table in CONVERSATION_TABLES:
        files.remove_leftovers(table, now.astimezone(UTC).date())
    phrases = patiently(lambda: words_of(files, holding, after))
    rewritten = remove_hidden(files, after, now=now)
    # What was derived from the erased rows; all of it can be made again.
    shutil.rmtree(files.root / "derived", ignore_errors=True)
    return Erased(
        user_ids=wanted.user_ids,
        conversation_ids=covered.conversation_ids,
        trace_ids=covered.trace_ids,
        files_rewritten=rewritten,
        proof=prove(files, [*raw_ids, *after.user_ids, *after.conversation_ids], phrases),
    )


def _covered_by(files: Files, wanted: Hidden) -> Hidden:
    with connect() as connection:
        return find_hidden(connection, files, wanted=wanted)


def remove_hidden(files: Files, hidden: Hidden, *, now: datetime) -> int:
    """Rewrite the files that hold erased rows, at once; gives how many there were."""
    rewritten = 0
    for table in CONVERSATION_TABLES:
        for file in files_with_hidden_rows(files, table, hidden):
            with (
                suppress(FileNotFoundError),  # compaction was faster; it drops erased rows too
                rewriting(files, table, [file], hidden) as reading,
            ):
                _rewrite(files, reading, [file], now=now, is_compacted=file.is_compacted)
                files.remove([file])
                rewritten += 1
    return rewritten


def expire(files: Files, before_day: date) -> int:
    """Remove all days before `before_day` from the tables that hold conversations; gives how many.

    Erasures, ledger and runs stay.
    """
    removed = set[date]()
    for table in CONVERSATION_TABLES:
        old = [file for file in listed(files, table) if file.day < before_day]
        removed.update(file.day for file in old)
        files.remove(old)
        files.remove_leftovers(table, before_day)
    return len(removed)


def compact(files: Files, now: datetime, *, grace_s: float | None = None) -> Compacted:
    """Merge the small files of every closed day and drop repeats and erased rows from them.

    What was merged stays for `grace_s` after the last file was written, for readers that have
    listed it already and that do not list again; by default as the place of the store needs.
    """
    today = now.astimezone(UTC).date()
    hidden = hidden_now(files)
    grace_s = files.grace_s if grace_s is None else grace_s
    before = written = removed = 0
    replaced: list[DataFile] = []
    for table in CONVERSATION_TABLES:
        files.remove_leftovers(table, today)
        erased = set(files_with_hidden_rows(files, table, hidden))
        closed = [file for file in listed(files, table) if file.day < today]
        before += len(closed)
        for _, of_day in groupby(closed, key=lambda file: file.day):
            day = list(of_day)
            is_compact = _is_compact(day)
            # Two runs at once, or one that was killed, may each have written the same rows.
            is_of_one_run = len({file.stamp for file in day}) == 1
            if is_compact and is_of_one_run and not erased.intersection(day):
                continue
            with (
                suppress(FileNotFoundError),  # another run was faster
                rewriting(files, table, day, hidden) as reading,
            ):
                worn = erased.intersection(day).union(reading.files_with_repeats(day))
                if is_compact and not worn:
                    continue
                for group in _groups([file for file in day if file in worn or _is_small(file)]):
                    written += _rewrite(files, reading, group, now=now, is_compacted=True)
                    replaced += group
            if sum(file.size_bytes for file in replaced) > _REPLACED_BYTES:
                _remove_after(files, replaced, grace_s)
                removed += len(replaced)
                replaced = []
    _remove_after(files, replaced, grace_s)
    removed += len(replaced)
    if (erased_meanwhile := hidden_now(files)) != hidden:
        remove_hidden(files, erased_meanwhile, now=now)
    return Compacted(files_before=before, files_after=before + written - removed)


def _remove_after(files: Files, replaced: Sequence[DataFile], grace_s: float) -> None:
    if replaced:
        time.sleep(grace_s)
        files.remove(replaced)


def _rewrite(
    files: Files, reading: Reading, group: Sequence[DataFile], *, now: datetime, is_compacted: bool
) -> int:
    """Write what is still wanted of some files of one day anew; gives how many files that makes.

    Raises:
        FileNotFoundError: one of them is gone.
    """
    table = group[0].name.split("/")[0]
    is_sorted = len(group) == 1 and group[0].is_compacted
    batches = reading.batches(
        group, order=() if is_sorted else _SORT[table], rows=_ROW_GROUP_ROWS, every_column=True
    )
    first = next(batches, None)
    if first is None:
        return 0
    count = 0
    for content in to_parquet_files(first.schema, chain([first], batches), file_bytes=_FILE_BYTES):
        files.write(new_name(table, group[0].day, now, is_compacted=is_compacted), content)
        count += 1
    return count


def _is_small(file: DataFile) -> bool:
    return not file.is_compacted or file.size_bytes < _FILE_BYTES // 2


def _is_compact(day: Sequence[DataFile]) -> bool:
    small = [file for file in day if _is_small(file)]
    return all(file.is_compacted for file in small) and len(small) < 2


def _groups(files: Sequence[DataFile]) -> Iterator[list[DataFile]]:
    """Files in runs of at most `_GROUP_BYTES`, so that memory stays bounded on a busy day."""
    group: list[DataFile] = []
    size = 0
    for file in files:
        if group and size + file.size_bytes > _GROUP_BYTES:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.size_bytes
    if group:
        yield group
