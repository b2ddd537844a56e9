"""One store: what the collector, the importer and the bot open."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from collector.errors import BadRequest, Misconfigured, StoreError
from collector.redaction import KEY_BYTES, Redactor
from collector.store import upkeep
from collector.store.files import Files, new_name, to_parquet
from collector.store.folder import Folder, make_folder
from collector.store.health import Health, check_health
from collector.store.hiding import Hidden
from collector.store.reading import Query, read_batches, read_table
from collector.store.schema import TABLES

_KEY_FILE = "redaction.key"
_TRACE_CONVERSATION = re.compile(r"trace-([0-9a-f]{32})")
"""The id that assembly gives to a conversation whose sender gave none."""
_BUCKETS = ("s3", "gs")


def open_store(location: str, *, create: bool) -> Store:
    """Open the store in a folder or in a bucket (`s3://bucket/prefix?region=..`).

    With `create`, make the folder where it does not exist; buckets are never made.

    A missing store is empty for readers, so this does not fail without `create`.

    Raises:
        Misconfigured: the address is none of a store, or there is no such bucket.
        StoreError: the location is no folder or cannot be made one, or the bucket does not answer.
    """
    scheme, separator, rest = location.partition("://")
    if separator and scheme in _BUCKETS:
        # The client of an object store takes a while to load, which a folder can do without.
        from collector.store.bucket import open_bucket

        return Store(files=open_bucket(location))
    if separator and scheme != "file":
        raise Misconfigured(
            f"{scheme}:// is not supported; a store is a folder, s3://bucket/prefix or "
            "gs://bucket/prefix"
        )
    root = Path(rest if separator else location).absolute()
    if root.exists() and not root.is_dir():
        raise StoreError(f"{root} is not a folder; give the path of a folder for the store")
    if create:
        try:
            make_folder(root)
        except OSError as error:
            raise StoreError(
                f"cannot create the store {root}: {error.strerror}; give a folder you may write to"
            ) from error
    return Store(files=Folder(root))


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """Append-only tables (`collector.store.schema.TABLES`) in one place.

    Safe to share between threads and processes: files never change, and each has a name of its own.
    """

    files: Files

    @property
    def root(self) -> Path:
        """The folder of the store; of a bucket the folder of its copies. What is derived from the
        store lies in `derived` below it."""
        return self.files.root

    @property
    def address(self) -> str:
        """Where the store is, for people; holds no secret."""
        return self.files.address

    # ---- writing

    def append(self, table: str, rows: Sequence[Mapping[str, Any]], *, now: datetime) -> None:
        """Add rows; when this returns, they survive a power cut. No rows, no file.

        Raises:
            BadRequest: a row does not fit the table.
            StoreError: it cannot be written now.
        """
        if rows:
            self.append_arrow(table, to_arrow(table, rows), now=now)

    def append_arrow(self, table: str, rows: pa.Table, *, now: datetime) -> None:
        """`append` for rows that are a pyarrow table of the table's schema already."""
        if rows.num_rows:
            name = new_name(table, now.astimezone(UTC).date(), now)
            self.files.write(name, to_parquet(rows))

    def check_writable(self) -> None:
        """Write a small file.

        Raises:
            StoreError: that did not work.
        """
        self.files.check_writable()

    # ---- reading

    def scan(
        self,
        table: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        where: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Rows of a table, each once and without what was erased; see `reading.Query`.

        A store or table that does not exist is empty.

        Raises:
            StoreError: a file is damaged or cannot be read.
        """
        return read_table(self.files, Query(table, since, until, where, parameters, columns))

    def scan_batches(
        self,
        table: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        where: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        columns: Sequence[str] | None = None,
        order: Sequence[str] = (),
        rows: int = 2000,
    ) -> Iterator[pa.RecordBatch]:
        """`scan`, at most `rows` at a time, in memory that does not grow with the table: day by day
        of receipt, oldest first, and by the columns `order` within a day.

        Compaction that runs meanwhile is not noticed.

        Raises:
            StoreError: a file is damaged or cannot be read.
        """
        query = Query(table, since, until, where, parameters, columns)
        return read_batches(self.files, query, order=order, rows=rows)

    # ---- who may be known

    def redactor(self, *, key: bytes | None = None, personal: bool = True) -> Redactor:
        """The redactor of this store; the key is made on first use, unless one is given.

        Raises:
            StoreError: the key cannot be read or created.
        """
        return Redactor(key=key or self._redaction_key(), personal=personal)

    def _redaction_key(self) -> bytes:
        offered = secrets.token_hex(KEY_BYTES).encode()
        text = self.files.read_or_create(_KEY_FILE, offered)
        try:
            return bytes.fromhex(text.decode("ascii"))
        except ValueError as error:
            raise StoreError(
                f"{_KEY_FILE} in {self.address} is not hexadecimal; put back the key that the "
                "store was begun with, or give it by the environment"
            ) from error

    # ---- upkeep

    def erase(
        self,
        *,
        user_id: str | None = None,
        conversation_id: str | None = None,
        trace_ids: Sequence[str] = (),
        now: datetime,
        redact: Redactor | None = None,
    ) -> upkeep.Erased:
        """Hide everything of a user or a conversation at once and for good, then remove it and
        search every file for what is left.

        Ids are raw or as in the store. Of a user goes every conversation that the user took part
        in. What arrives later under the same ids stays hidden too.

        Raises:
            StoreError: the store cannot be written; run it again, nothing is lost or half done.
        """
        redact = redact or self.redactor()
        users, conversations, traces = set[str](), set[str](), set(trace_ids)
        if user_id:
            users = self._as_stored("user_id", user_id, redact.user(user_id))
        if conversation_id:
            ((_, name),) = redact.identifiers([conversation_id])
            conversations = self._as_stored("conversation_id", conversation_id, name)
            if match := _TRACE_CONVERSATION.fullmatch(conversation_id):
                traces.add(match[1])
        wanted = Hidden(
            user_ids=tuple(sorted(users)),
            conversation_ids=tuple(sorted(conversations)),
            trace_ids=tuple(sorted(traces)),
        )
        raw_ids = [name for name in (user_id, conversation_id) if name]
        return upkeep.erase(self.files, wanted, raw_ids=raw_ids, now=now)

    def _as_stored(self, column: str, raw: str, redacted: str) -> set[str]:
        """What an id is called in this store; the raw form only where it really is stored."""
        is_raw = any(
            self.scan(
                table, columns=[column], where=f"{column} = $raw", parameters={"raw": raw}
            ).num_rows
            for table in ("spans", "events")
        )
        return {redacted, raw} if is_raw else {redacted}

    def expire(self, before_day: date) -> int:
        """Remove all days before `before_day`; gives how many days that were."""
        return upkeep.expire(self.files, before_day)

    def compact(self, now: datetime, *, grace_s: float | None = None) -> upkeep.Compacted:
        """Merge the small files of closed days, without repeats and erased rows; see
        `upkeep.compact`."""
        return upkeep.compact(self.files, now, grace_s=grace_s)

    def health(self, *, today: date) -> Health:
        """What state the store is in; see `health.check_health`."""
        return check_health(self.files, today=today)


def to_arrow(table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as a pyarrow table of the table's schema; a missing key is null.

    Raises:
        BadRequest: a value does not fit its column.
    """
    schema = TABLES[table]
    try:
        return pa.table(
            [pa.array([row.get(field.name) for row in rows], field.type) for field in schema],
            schema=schema,
        )
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise BadRequest(
            f"a row does not fit the table {table}: {error}; correct the sender"
        ) from error
