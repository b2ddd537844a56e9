"""Reads tables of a store with DuckDB in memory: without repeats, without what was erased.

Two things can happen while a reader reads. New files appear: it does not see them. Compaction
removes a file that it is about to open: it lists the files again and starts over.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from collector.errors import StoreError
from collector.store.files import DataFile, Files, listed
from collector.store.hiding import IS_HIDDEN, Hidden, find_hidden, register_hidden
from collector.store.schema import IDENTITY, TABLES, TIME
from collector.times import to_ns

_T = TypeVar("_T")

_ATTEMPTS = 5
_PAUSE_S = 0.05
"""Before the second attempt, doubled each time: compaction removes its files one after another."""
_MEMORY_LIMIT = "600MB"
"""Of all queries together; what does not fit goes to the temporary folder."""

_RECEIVED = ("spans", "events")
"""Tables whose time column is the time of receipt, by which the day folders are named."""

_SOURCE = "read_parquet($files, union_by_name=true, filename=true, file_row_number=true)"


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows and columns of one table."""

    table: str
    since: datetime | None = None
    until: datetime | None = None
    """`since <= time < until`: when a row was received (spans, events), or what it says itself."""
    where: str | None = None
    """SQL over the columns, with values only by `$name` from `parameters`. Of a row that was sent
    again with other content, the latest that it admits is given."""
    parameters: Mapping[str, Any] | None = None
    columns: Sequence[str] | None = None
    is_once: bool = True
    """Else a row that was sent again may come more than once: to know costs as much as to read."""

    @property
    def schema(self) -> pa.Schema:
        schema = TABLES[self.table]
        if self.columns is None:
            return schema
        return pa.schema([schema.field(name) for name in self.columns])

    def files(self, files: Files) -> list[DataFile]:
        """The files of the days that can hold such rows; a row is never received before it
        happened."""
        first = self.since and self.since.astimezone(UTC).date()
        is_received = self.table in _RECEIVED
        last = self.until.astimezone(UTC).date() if self.until and is_received else None
        return [file for file in listed(files, self.table) if _is_within(file.day, first, last)]

    @property
    def condition(self) -> str:
        """`where` and the times, as SQL."""
        column = TIME[self.table]
        since = [f"{column} >= $since_ns"] if self.since else []
        until = [f"{column} < $until_ns"] if self.until else []
        where = [f"({self.where})"] if self.where else []
        return " and ".join([*since, *until, *where]) or "true"

    def values(self) -> dict[str, Any]:
        since = {"since_ns": to_ns(self.since)} if self.since else {}
        until = {"until_ns": to_ns(self.until)} if self.until else {}
        return {**since, **until, **(self.parameters or {})}


def read_table(files: Files, query: Query) -> pa.Table:
    """Rows of one table, in the order in which they were written.

    Raises:
        StoreError: a file is damaged or cannot be read.
    """

    def read() -> pa.Table:
        chosen = query.files(files)
        if not chosen:
            return query.schema.empty_table()
        with Reading(files, query, chosen) as reading:
            return reading.relation(chosen).to_arrow_table().cast(query.schema)

    return patiently(read)


def read_batches(
    files: Files, query: Query, *, order: Sequence[str] = (), rows: int = 2000
) -> Iterator[pa.RecordBatch]:
    """`read_table`, a batch of at most `rows` at a time, in memory that does not grow with the
    table: day by day of receipt, oldest first, and by the columns `order` within a day.

    What compaction does meanwhile is not noticed; a file that comes meanwhile may be read or not.

    Raises:
        StoreError: a file is damaged or cannot be read.
    """
    key = list(IDENTITY[query.table])
    wanted = list(query.schema.names)
    # With the keys of the day's rows that were given, a day can be begun again.
    keyed = replace(query, columns=[*wanted, *(k for k in key if k not in wanted)])
    after: date | None = None
    given: list[pa.RecordBatch] = []
    vanished = 0
    while True:
        try:
            chosen = patiently(lambda: _fetched(files, keyed))
            with Reading(files, keyed, chosen) as reading:
                for day, of_day in groupby(chosen, key=lambda file: file.day):
                    if after is None or day > after:
                        for batch in reading.batches(
                            list(of_day), order=order, rows=rows, given=given
                        ):
                            given.append(batch.select(key))
                            yield batch.select(wanted)
                        after, given, vanished = day, [], 0
            return
        except (duckdb.IOException, FileNotFoundError) as error:
            vanished += 1
            if vanished == _ATTEMPTS:
                raise _unreadable(error) from error
        except duckdb.Error as error:
            raise _unreadable(error) from error


@contextmanager
def rewriting(
    files: Files, table: str, chosen: Sequence[DataFile], hidden: Hidden
) -> Iterator[Reading]:
    """Read files of one day in order to write them anew, each row once and without what is hidden.

    Raises:
        FileNotFoundError: somebody else has rewritten one of them meanwhile.
        StoreError: a file is damaged or cannot be read.
    """
    try:
        with Reading(files, Query(table=table), chosen, hidden) as reading:
            yield reading
    except duckdb.IOException as error:
        raise FileNotFoundError(str(error)) from error
    except duckdb.Error as error:
        raise _unreadable(error) from error


def hidden_now(files: Files) -> Hidden:
    """What must not be read any more, and does not have to stay.

    Raises:
        StoreError: a file is damaged or cannot be read.
    """

    def find() -> Hidden:
        with connect() as connection:
            return find_hidden(connection, files)

    return patiently(find)


def files_with_hidden_rows(files: Files, table: str, hidden: Hidden) -> list[DataFile]:
    """The data files that still hold rows which were erased.

    Raises:
        StoreError: a file is damaged or cannot be read.
    """

    def find() -> list[DataFile]:
        chosen = listed(files, table)
        if not chosen or hidden.is_empty:
            return []
        files.fetch(chosen)
        with connect() as connection:
            register_hidden(connection, hidden)
            names = connection.execute(
                f"select distinct filename from {_SOURCE} where {IS_HIDDEN[table]}",  # noqa: S608 -- ours
                {"files": _paths(files, chosen)},
            ).fetchall()
        holding = {name for (name,) in names}
        return [file for file in chosen if str(files.root / file.name) in holding]

    return patiently(find)


class Reading:
    """One query on one state of the files, with what it needs to know found out beforehand."""

    def __init__(
        self,
        files: Files,
        query: Query,
        chosen: Sequence[DataFile],
        hidden: Hidden | None = None,
    ) -> None:
        """`hidden` where it is known already: to find it reads the ids of all rows."""
        self._files = files
        self._query = query
        self._connection = connect()
        try:
            files.fetch(chosen)
            self._conditions = self._find_conditions(chosen, hidden)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def relation(
        self, chosen: Sequence[DataFile], *conditions: str, every_column: bool = False
    ) -> duckdb.DuckDBPyRelation:
        """The rows of some of the files."""
        schema = self._query.schema
        empty = TABLES[self._query.table].empty_table()
        self._connection.register("no_rows", empty)
        found = f"from {_SOURCE} union all by name from no_rows" if chosen else "from no_rows"
        where = " and ".join([*self._conditions, *conditions] if chosen else [])
        names = "* exclude (filename, file_row_number)" if every_column else _names(schema.names)
        values = self._query.values() if chosen else {}
        return self._connection.sql(
            f"select {names} from ({found}) rows where {where or 'true'}",  # noqa: S608 -- our names
            params={**values, **({"files": _paths(self._files, chosen)} if chosen else {})},
        )

    def batches(
        self,
        chosen: Sequence[DataFile],
        *,
        order: Sequence[str],
        rows: int,
        given: Sequence[pa.RecordBatch] = (),
        every_column: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """The rows of some of the files but those whose keys were `given`, streamed.

        With `every_column` also those columns that only a newer version knows.
        """
        conditions = []
        if given:
            keys = IDENTITY[self._query.table]
            self._connection.register("given", pa.Table.from_batches(given))
            same = " and ".join(f"given.{key} is not distinct from rows.{key}" for key in keys)
            conditions = [f"not exists (from given where {same})"]
        relation = self.relation(chosen, *conditions, every_column=every_column)
        if order:
            relation = relation.order(_names(order))
        reader = relation.to_arrow_reader(rows)
        schema = _with_known_types(reader.schema, TABLES[self._query.table])
        for batch in reader:
            yield batch.cast(schema)

    def files_with_repeats(self, chosen: Sequence[DataFile]) -> list[DataFile]:
        """Files that hold rows which a later row replaces."""
        found = self._connection.execute("select distinct filename from repeats").fetchall()
        names = {name for (name,) in found}
        return [file for file in chosen if str(self._files.root / file.name) in names]

    def _find_conditions(self, chosen: Sequence[DataFile], hidden: Hidden | None) -> list[str]:
        if not chosen:
            return []
        conditions = [self._query.condition]
        if self._query.is_once and self._has_repeats(chosen):
            conditions.append(
                "(filename, file_row_number) not in (select filename, row from repeats)"
            )
        table = self._query.table
        if table in IS_HIDDEN:
            if hidden is None:
                hidden = find_hidden(self._connection, self._files)
            if not hidden.is_empty:
                register_hidden(self._connection, hidden)
                conditions.append(f"not {IS_HIDDEN[table]}")
        return conditions

    def _has_repeats(self, chosen: Sequence[DataFile]) -> bool:
        """Find which rows a later one replaces. Nearly always none, and that is known by hashes of
        the keys at a third of the cost."""
        table = self._query.table
        key, time = ", ".join(IDENTITY[table]), TIME[table]
        rows = f"from {_SOURCE} where {self._query.condition}"
        values = {"files": _paths(self._files, chosen), **self._query.values()}
        self._connection.execute(
            f"create temp table repeated as select hash({key}) as key {rows} "
            "group by all having count(*) > 1",
            values,
        )
        if not self._connection.execute("select 1 from repeated limit 1").fetchall():
            self._connection.execute("create temp table repeats (filename text, row bigint)")
            return False
        self._connection.execute(
            "create temp table repeats as select filename, row from ("  # noqa: S608 -- our names
            f"select filename, file_row_number as row, row_number() over (partition by {key} "
            f"order by {time} desc, filename desc, file_row_number desc) as place "
            f"{rows} and hash({key}) in (from repeated)) where place > 1",
            values,
        )
        return True


def _with_known_types(found: pa.Schema, known: pa.Schema) -> pa.Schema:
    names = set(known.names)
    return pa.schema([known.field(f.name) if f.name in names else f for f in found])


def _fetched(files: Files, query: Query) -> list[DataFile]:
    chosen = query.files(files)
    files.fetch(chosen)
    return chosen


@lru_cache(maxsize=1)
def _database() -> duckdb.DuckDBPyConnection:
    """The one database of this process: it is empty, and to open one takes longer than a query."""
    # The default folder for what does not fit in memory is the working directory.
    database = duckdb.connect(config={"temp_directory": tempfile.gettempdir()})
    # Files never change, so what one query has read of their footers is good for the next.
    database.execute("set parquet_metadata_cache = true")
    database.execute(f"set memory_limit = '{_MEMORY_LIMIT}'")
    return database


def connect() -> duckdb.DuckDBPyConnection:
    """A connection of its own, with temporary tables of its own."""
    return _database().cursor()


def _paths(files: Files, chosen: Sequence[DataFile]) -> list[str]:
    return [str(files.root / file.name) for file in chosen]


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _is_within(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or day >= first) and (last is None or day <= last)


def patiently(read: Callable[[], _T]) -> _T:
    """Read; when a file has vanished meanwhile, list the files again and read again.

    Raises:
        StoreError: a file is damaged or cannot be read.
    """
    try:
        for attempt in range(_ATTEMPTS - 1):
            with suppress(duckdb.IOException, FileNotFoundError):
                return read()
            time.sleep(_PAUSE_S * 2**attempt)
        return read()
    except (duckdb.Error, FileNotFoundError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> StoreError:
    return StoreError(
        f"the store cannot be read: {str(error).splitlines()[0]}; move a damaged file out of the "
        "store, or correct its permissions"
    )
