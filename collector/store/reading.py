"""Reads tables of a store with DuckDB in memory: without repeats, without what was erased.

Two things can happen while a reader reads. New files appear: it does not see them. Compaction
removes a file that it is about to open: it lists the files again and starts over.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from collector.errors import StoreError
from collector.store.files import data_files
from collector.store.schema import IDENTITY, TABLES, TIME
from collector.times import to_ns

_T = TypeVar("_T")

_ATTEMPTS = 5

_RECEIVED = ("spans", "events")
"""Tables whose time column is the time of receipt, by which the day folders are named."""

_SOURCE = "read_parquet($files, union_by_name=true, filename=true, file_row_number=true)"

# Who was erased is known by user, conversation or trace; what goes with them follows from the rows:
# everything in a conversation or trace that the user took part in, except conversations of the same
# trace that name another user as theirs (one trace can be a batch job over many conversations).
_HIDDEN = """
create temp table hidden_users as
    select distinct user_id from erasures where user_id is not null;
create temp table user_traces as
    select trace_id from erasures where trace_id is not null
    union select trace_id from links where user_id in (from hidden_users) and trace_id is not null;
create temp table hidden_conversations as
    select conversation_id from erasures where conversation_id is not null
    union select conversation_id from links
        where user_id in (from hidden_users) and conversation_id is not null
    union select conversation_id from links
        where trace_id in (from user_traces) and conversation_id is not null
        and conversation_id not in (
            select conversation_id from links where conversation_id is not null
            and user_id is not null and user_id not in (from hidden_users));
create temp table hidden_traces as
    from user_traces
    union select trace_id from links
        where conversation_id in (from hidden_conversations) and trace_id is not null;
"""
_IS_HIDDEN = {
    "spans": """(coalesce(user_id in (from hidden_users), false)
        or coalesce(conversation_id in (from hidden_conversations), false)
        or (conversation_id is null and user_id is null
            and coalesce(trace_id in (from hidden_traces), false)))""",
    "model_labels": """(coalesce(subject in (from hidden_conversations), false)
        or coalesce(subject in (from hidden_users), false))""",
}
_IS_HIDDEN["events"] = _IS_HIDDEN["spans"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hidden:
    """What erasures cover at this moment, including what follows from the rows themselves."""

    user_ids: tuple[str, ...]
    conversation_ids: tuple[str, ...]
    trace_ids: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.user_ids or self.conversation_ids or self.trace_ids)


def read_table(
    root: Path,
    table: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    where: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """Rows of one table with `since <= time < until`, in the order in which they were written.

    `time` is when a row was received (spans, events) or what it says itself (all others). `where`
    is SQL over the columns, with values only by `$name` from `parameters`.

    Raises:
        StoreError: a file is damaged or cannot be read.
    """
    query = _Query(root, table, since, until, where, parameters or {}, columns, hidden=None)
    return _patiently(lambda: query.run(_list(root / table, *query.days())))


def read_files(root: Path, table: str, files: Sequence[Path], hidden: Hidden) -> pa.Table:
    """Rows of some files of one table, each once, without what is hidden."""
    return _Query(root, table, None, None, None, {}, None, hidden).run(files)


def find_hidden(root: Path) -> Hidden:
    """What must not be read any more, and does not have to stay."""

    def find() -> Hidden:
        with _connect() as connection:
            if not _prepare_hidden(connection, root):
                return Hidden(user_ids=(), conversation_ids=(), trace_ids=())
            return Hidden(
                user_ids=_column(connection, "from hidden_users order by 1"),
                conversation_ids=_column(connection, "from hidden_conversations order by 1"),
                trace_ids=_column(connection, "from hidden_traces order by 1"),
            )

    return _patiently(find)


def files_with_hidden_rows(root: Path, table: str, hidden: Hidden) -> list[Path]:
    """The data files that still hold rows which were erased."""

    def find() -> list[Path]:
        files = _list(root / table)
        if not files or hidden.is_empty:
            return []
        with _connect() as connection:
            _register_hidden(connection, hidden)
            condition = _IS_HIDDEN[table]
            query = f"select distinct filename from {_SOURCE} where {condition}"  # noqa: S608 -- ours
            return sorted(Path(name) for name in _column(connection, query, files))

    return _patiently(find)


@dataclass(frozen=True, slots=True)
class _Query:
    """One reading of one table."""

    root: Path
    table: str
    since: datetime | None
    until: datetime | None
    where: str | None
    parameters: Mapping[str, Any]
    columns: Sequence[str] | None
    hidden: Hidden | None
    """Where it is known already; to find it reads the ids of all rows."""

    def days(self) -> tuple[date | None, date | None]:
        """The day folders that can hold such rows; a row is never received before it happened."""
        first = self.since and self.since.astimezone(UTC).date()
        is_received = self.table in _RECEIVED
        return first, (self.until.astimezone(UTC).date() if self.until and is_received else None)

    def run(self, files: Sequence[Path]) -> pa.Table:
        schema = TABLES[self.table]
        if self.columns is not None:
            schema = pa.schema([schema.field(name) for name in self.columns])
        if not files:
            return schema.empty_table()
        with _connect() as connection:
            conditions = self._times()
            values = {"files": [str(file) for file in files], **self._time_values()}
            if self._has_repeats(connection, values):
                conditions.append(
                    "(filename, file_row_number) not in (select filename, row from repeats)"
                )
            if self.table in _IS_HIDDEN and self._hides(connection):
                conditions.append(f"not {_IS_HIDDEN[self.table]}")
            if self.where:
                conditions.append(f"({self.where})")
            connection.register("no_rows", TABLES[self.table].empty_table())
            found = connection.sql(
                f"select {_names(schema.names)} from "  # noqa: S608 -- names of our own schema
                f"(from {_SOURCE} union all by name from no_rows) "
                f"where {' and '.join(conditions) or 'true'}",
                params={**values, **self.parameters},
            )
            return found.to_arrow_table().cast(schema)

    def _hides(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Make the temp tables of what is hidden; False where nothing is."""
        if self.hidden is None:
            return _prepare_hidden(connection, self.root)
        _register_hidden(connection, self.hidden)
        return not self.hidden.is_empty

    def _has_repeats(self, connection: duckdb.DuckDBPyConnection, values: dict[str, Any]) -> bool:
        """Find which rows a later one replaces; nearly always none, so only keys are read."""
        key, time = ", ".join(IDENTITY[self.table]), TIME[self.table]
        connection.execute(
            "create temp table repeats as select filename, row from ("  # noqa: S608 -- our names
            f"select filename, file_row_number as row, row_number() over (partition by {key} "
            f"order by {time} desc, filename desc, file_row_number desc) as place "
            f"from {_SOURCE} where {' and '.join(self._times()) or 'true'}) where place > 1",
            values,
        )
        return bool(_column(connection, "select 1 from repeats limit 1"))

    def _times(self) -> list[str]:
        column = TIME[self.table]
        since = [f"{column} >= $since_ns"] if self.since else []
        return since + ([f"{column} < $until_ns"] if self.until else [])

    def _time_values(self) -> dict[str, int]:
        since = {"since_ns": to_ns(self.since)} if self.since else {}
        return since | ({"until_ns": to_ns(self.until)} if self.until else {})


def _register_hidden(connection: duckdb.DuckDBPyConnection, hidden: Hidden) -> None:
    for name, column, values in (
        ("hidden_users", "user_id", hidden.user_ids),
        ("hidden_conversations", "conversation_id", hidden.conversation_ids),
        ("hidden_traces", "trace_id", hidden.trace_ids),
    ):
        connection.register(name, pa.table({column: pa.array(values, pa.string())}))


def _prepare_hidden(connection: duckdb.DuckDBPyConnection, root: Path) -> bool:
    """Find out what is hidden, from erasures and rows; False where nothing was ever erased."""
    erasures = _list(root / "erasures")
    if not erasures:
        return False
    connection.register("no_erasures", TABLES["erasures"].empty_table())
    connection.execute(
        "create temp table erasures as from read_parquet($files, union_by_name=true) "
        "union all by name from no_erasures",
        {"files": [str(file) for file in erasures]},
    )
    connection.execute(
        "create temp table links (user_id text, conversation_id text, trace_id text)"
    )
    for table in _RECEIVED:
        if files := _list(root / table):
            connection.execute(
                "insert into links "  # noqa: S608 -- our own names
                f"select distinct user_id, conversation_id, trace_id from {_SOURCE}",
                {"files": [str(file) for file in files]},
            )
    connection.execute(_HIDDEN)
    return True


def _connect() -> duckdb.DuckDBPyConnection:
    # The default folder for what does not fit in memory is the working directory.
    return duckdb.connect(config={"temp_directory": tempfile.gettempdir()})


def _column(
    connection: duckdb.DuckDBPyConnection, query: str, files: Sequence[Path] | None = None
) -> tuple[Any, ...]:
    values = {} if files is None else {"files": [str(file) for file in files]}
    return tuple(row[0] for row in connection.execute(query, values).fetchall())


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _patiently(read: Callable[[], _T]) -> _T:
    """Read; when a file has vanished meanwhile, list the files again and read again."""
    try:
        for _ in range(_ATTEMPTS - 1):
            with suppress(duckdb.IOException):
                return read()
        return read()
    except duckdb.Error as error:
        raise _unreadable(error) from error


def _list(table: Path, since: date | None = None, until: date | None = None) -> list[Path]:
    """The data files of a table at one moment.

    A folder is not listed at one moment: a listing can miss the file that compaction adds and then
    the files that it removes. Two equal listings rule that out.
    """
    files = data_files(table, since, until)
    for _ in range(_ATTEMPTS):
        again = data_files(table, since, until)
        if again == files:
            break
        files = again
    return files


def _unreadable(error: duckdb.Error) -> StoreError:
    return StoreError(
        f"the store cannot be read: {str(error).splitlines()[0]}; move a damaged file out of the "
        "store, or correct its permissions"
    )
