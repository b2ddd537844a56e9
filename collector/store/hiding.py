"""What an erasure covers: users, conversations and traces, and what follows from the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from collector.store.files import Files, listed
from collector.store.schema import ERASURES

if TYPE_CHECKING:
    import duckdb

# Who was erased is known by user, conversation or trace; what goes with them follows from the rows:
# everything in a conversation or trace that the user took part in, except conversations of the same
# trace that name another user as theirs (one trace can be a batch job over many conversations).
_HIDDEN = """
create temp table found_users as
    select distinct user_id from erasures where user_id is not null;
create temp table user_traces as
    select trace_id from erasures where trace_id is not null
    union select trace_id from links where user_id in (from found_users) and trace_id is not null;
create temp table found_conversations as
    select conversation_id from erasures where conversation_id is not null
    union select conversation_id from links
        where user_id in (from found_users) and conversation_id is not null
    union select conversation_id from links
        where trace_id in (from user_traces) and conversation_id is not null
        and conversation_id not in (
            select conversation_id from links where conversation_id is not null
            and user_id is not null and user_id not in (from found_users));
create temp table found_traces as
    from user_traces
    union select trace_id from links
        where conversation_id in (from found_conversations) and trace_id is not null;
"""
# One request writes all its rows at once, with the same time.
_ONLY_WANTED = """
delete from erasures where requested_ns not in (
    select erasures.requested_ns from erasures join wanted
        on erasures.user_id = wanted.user_id
        or erasures.conversation_id = wanted.conversation_id
        or erasures.trace_id = wanted.trace_id);
insert into erasures by name from wanted;
"""
IS_HIDDEN = {
    "spans": """(coalesce(user_id in (from hidden_users), false)
        or coalesce(conversation_id in (from hidden_conversations), false)
        or (conversation_id is null and user_id is null
            and coalesce(trace_id in (from hidden_traces), false)))""",
    "model_labels": """(coalesce(subject in (from hidden_conversations), false)
        or coalesce(subject in (from hidden_users), false))""",
}
"""SQL that is true for the rows of a table that are hidden; see `register_hidden`."""
IS_HIDDEN["events"] = IS_HIDDEN["spans"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hidden:
    """What erasures cover at this moment, including what follows from the rows themselves."""

    user_ids: tuple[str, ...] = ()
    conversation_ids: tuple[str, ...] = ()
    trace_ids: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.user_ids or self.conversation_ids or self.trace_ids)

    def rows(self, *, requested_ns: int | None = None) -> pa.Table:
        """Rows of the table `erasures`, each with one of the ids."""
        columns = {
            "user_id": self.user_ids,
            "conversation_id": self.conversation_ids,
            "trace_id": self.trace_ids,
        }
        rows = [{name: value} for name, values in columns.items() for value in values]
        return pa.Table.from_pylist(
            [{"requested_ns": requested_ns, **row} for row in rows], schema=ERASURES
        )


def find_hidden(
    connection: duckdb.DuckDBPyConnection, files: Files, *, wanted: Hidden | None = None
) -> Hidden:
    """Find out what is hidden. Where nothing was ever erased, that is known at once; else the ids
    of all rows are read.

    With `wanted`, find out what an erasure of these ids alone covers: by the rows that are there,
    and by what earlier requests for the same ids have listed, whose rows may be gone.

    Raises:
        duckdb.Error, FileNotFoundError: a file is gone or damaged.
        StoreError: the store does not answer.
    """
    erasures = listed(files, "erasures")
    if not erasures and wanted is None:
        return Hidden()
    files.fetch(erasures)
    connection.register("no_erasures", ERASURES.empty_table())
    connection.execute("create temp table erasures as from no_erasures")
    if erasures:
        connection.execute(
            "insert into erasures by name select requested_ns, user_id, conversation_id, trace_id "
            "from read_parquet($files, union_by_name=true)",
            {"files": [str(files.root / file.name) for file in erasures]},
        )
    if wanted is not None:
        connection.register("wanted", wanted.rows())
        connection.execute(_ONLY_WANTED)
    connection.execute(
        "create temp table links (user_id text, conversation_id text, trace_id text)"
    )
    for table in ("spans", "events"):
        if rows := listed(files, table):
            files.fetch(rows)
            connection.execute(
                "insert into links select distinct user_id, conversation_id, trace_id "
                "from read_parquet($files, union_by_name=true)",
                {"files": [str(files.root / file.name) for file in rows]},
            )
    connection.execute(_HIDDEN)
    return Hidden(
        user_ids=_column(connection, "from found_users order by 1"),
        conversation_ids=_column(connection, "from found_conversations order by 1"),
        trace_ids=_column(connection, "from found_traces order by 1"),
    )


def register_hidden(connection: duckdb.DuckDBPyConnection, hidden: Hidden) -> None:
    """Make what `IS_HIDDEN` looks at."""
    for name, column, values in (
        ("hidden_users", "user_id", hidden.user_ids),
        ("hidden_conversations", "conversation_id", hidden.conversation_ids),
        ("hidden_traces", "trace_id", hidden.trace_ids),
    ):
        connection.register(name, pa.table({column: pa.array(values, pa.string())}))


def _column(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return tuple(row[0] for row in connection.execute(query).fetchall())
