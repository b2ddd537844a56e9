"""One store: what the collector, the importer and the bot open."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from collector.errors import BadRequest, StoreError
from collector.redaction import KEY_BYTES, Redactor
from collector.store import upkeep
from collector.store.files import (
    day_folder,
    flush_folder,
    make_folder,
    write_durably,
    write_parquet,
)
from collector.store.reading import read_table
from collector.store.schema import TABLES

_KEY_FILE = "redaction.key"
_TRACE_CONVERSATION = re.compile(r"trace-([0-9a-f]{32})")
"""The id that assembly gives to a conversation whose sender gave none."""


def open_store(location: str, *, create: bool) -> Store:
    """Open the store in a folder; with `create`, make the folder where it does not exist.

    A missing store is empty for readers, so this does not fail without `create`.

    Raises:
        StoreError: the location is no folder, or cannot be made one.
    """
    scheme, separator, rest = location.partition("://")
    if separator and scheme != "file":
        raise StoreError(
            f"{scheme}:// is not supported yet; the store is a folder for now: give its path, for "
            "example ./debrief-data or a mounted bucket"
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
    return Store(root=root)


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """Append-only tables (`collector.store.schema.TABLES`) in one folder.

    Safe to share between threads and processes: files never change, and each has a name of its own.
    """

    root: Path

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
        write_parquet(rows, day_folder(self.root / table, now.astimezone(UTC).date()), now=now)

    def check_writable(self) -> None:
        """Write and remove a small file.

        Raises:
            StoreError: that did not work.
        """
        probe = self.root / f".probe-{secrets.token_hex(4)}"
        write_durably(probe, b"probe")
        probe.unlink(missing_ok=True)

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
        """Rows of a table, each once and without what was erased; see `reading.read_table`.

        A store or table that does not exist is empty.

        Raises:
            StoreError: a file is damaged or cannot be read.
        """
        return read_table(
            self.root,
            table,
            since=since,
            until=until,
            where=where,
            parameters=parameters,
            columns=columns,
        )

    # ---- who may be known

    def redactor(self, *, key: bytes | None = None, personal: bool = True) -> Redactor:
        """The redactor of this store; the key is made on first use, unless one is given.

        Raises:
            StoreError: the key file cannot be read or created.
        """
        return Redactor(key=key or self._redaction_key(), personal=personal)

    def _redaction_key(self) -> bytes:
        path = self.root / _KEY_FILE
        try:
            if not path.exists():
                self._create_key(path)
            return bytes.fromhex(path.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"the redaction key {path} cannot be read or created: {error}; correct its "
                "permissions or give the key by the environment"
            ) from error

    def _create_key(self, path: Path) -> None:
        """Create the key file once, whoever comes first, readable by its owner only."""
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        write_durably(temporary, secrets.token_hex(KEY_BYTES).encode(), mode=0o600)
        try:
            os.link(temporary, path)  # unlike rename, this fails where the file exists already
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        flush_folder(self.root)

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
        """Hide everything of a user or a conversation at once and for good, then remove it.

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
        erased = upkeep.erase(
            self.root,
            user_ids=sorted(users),
            conversation_ids=sorted(conversations),
            trace_ids=sorted(traces),
            now=now,
        )
        # What was derived from the erased rows; all of it can be made again.
        shutil.rmtree(self.root / "derived", ignore_errors=True)
        return erased

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
        """Remove all days before `before_day`; gives how many day folders went."""
        return upkeep.expire(self.root, before_day)

    def compact(self, now: datetime) -> upkeep.Compacted:
        """Merge the small files of closed days, without repeats and erased rows."""
        return upkeep.compact(self.root, now)


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
