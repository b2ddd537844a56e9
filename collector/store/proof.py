"""After an erasure: does any byte of the store still hold the person's ids or words?

The search trusts no column and no index: every file is decompressed and all its text is read.
Words are searched for as they were stored, in runs of plain characters, so that it does not matter
whether a text stands alone or inside JSON.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import hyperscan
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from collector.store.files import DataFile, Files, data_file, listed
from collector.store.hiding import IS_HIDDEN, Hidden, register_hidden
from collector.store.reading import connect
from collector.store.schema import TABLES

_RUNS = re.compile(
    rb"[A-Za-z0-9 ,.;:!?'()-]{24,64}"
    rb"|(?: ?[\x80-\xff]){24,64}"
    rb"|(?:\\u[0-9a-fA-F]{4}){8,16}"
)
"""Plain characters, other scripts, and other scripts inside JSON."""
_MAX_PHRASES = 200
SHORTEST_ID = 8
"""A shorter id stands in too many words to be searched for in texts."""
_PARQUET = b"PAR1"
"""How such a file begins, whatever its name."""
_COMMON = 3
"""Words in so many conversations of others are a template or a common sentence."""
_WORDS_OF_OTHERS = ("spans", "events")
_AUDIT = ("ledger", "runs", "imports")
"""Tables that keep ids on purpose, and never words."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Remnant:
    """Something of the person that is still there."""

    place: str
    """A file of the store."""
    what: str
    """`id` or `words`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What a search of the whole store found."""

    files: int
    searched_bytes: int
    """After decompression."""
    ids: int
    phrases: int
    """How much was searched for."""
    remnants: tuple[Remnant, ...]
    """Empty where the erasure is complete."""
    audit_entries: int
    """Files of the audit that name the erased ids; they stay, and hold no words."""
    elsewhere: tuple[str, ...]
    """Conversations or traces of others that hold some of the same words: quotes, or the same
    person under no id."""


def words_of(files: Files, chosen: Sequence[DataFile], hidden: Hidden) -> tuple[bytes, ...]:
    """Telling pieces of what the hidden rows of some files say; none where they say nothing."""
    found: set[bytes] = set()
    for file in chosen:
        table = file.name.split("/")[0]
        texts = [
            column.name
            for column in TABLES[table]
            if pa.types.is_map(column.type) or column.name in ("events", "body", "entry")
        ]
        with connect() as connection:
            register_hidden(connection, hidden)
            connection.register("no_rows", TABLES[table].empty_table())
            rows = connection.sql(
                f"select {', '.join(texts)} from (from read_parquet($file) "  # noqa: S608 -- ours
                f"union all by name from no_rows) where {IS_HIDDEN[table]}",
                params={"file": str(files.root / file.name)},
            ).to_arrow_table()
        for column in rows.columns:
            for strings in _texts(column):
                for value in strings.values():
                    found.update(_RUNS.findall(value))
    return tuple(sorted(found, key=lambda words: (-len(set(words)), words))[:_MAX_PHRASES])


def prove(files: Files, ids: Iterable[str], phrases: Sequence[bytes]) -> Proof:
    """Search every file of the store, but not the list of what must stay erased.

    Raises:
        StoreError: the store does not answer.
        OSError: a file cannot be read.
    """
    names = sorted({name.encode() for name in ids if len(name) >= SHORTEST_ID})
    search = _Search([*names, *phrases], ids=len(names))
    for table in TABLES:
        for file in listed(files, table) if table != "erasures" else ():
            search.parquet(files, file, table)
    for path in sorted(files.root.rglob("*")):
        place = path.relative_to(files.root).as_posix()
        # A draft in a table is what somebody is writing just now; those of the dead are removed.
        is_draft = path.name.startswith(".") and place.split("/")[0] in TABLES
        if path.is_file() and not is_draft and data_file(place, 0) is None:
            with suppress(FileNotFoundError):  # a probe, or the draft of something
                search.content(place, path.read_bytes())
    return search.proof()


class _Search:
    """One pass over everything."""

    def __init__(self, literals: Sequence[bytes], *, ids: int) -> None:
        self._ids = ids
        self._literals = literals
        self._files = self._bytes = 0
        self._remnants: set[Remnant] = set()
        self._audit: set[str] = set()
        self._others: dict[int, set[str]] = {}
        self._database = None
        if literals:
            self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
            self._database.compile(
                expressions=list(literals),
                ids=list(range(len(literals))),
                flags=hyperscan.HS_FLAG_SINGLEMATCH,
                literal=True,
            )

    def parquet(self, files: Files, file: DataFile, table: str) -> None:
        try:
            source = files.open(file)
        except FileNotFoundError:
            return  # compaction has replaced it; what replaced it is rewritten without the person
        with source:
            self._files += 1
            self._rows(file.name, table, pq.ParquetFile(source))

    def content(self, place: str, content: bytes) -> None:
        """A file that belongs to no table."""
        self._files += 1
        for literal in self._found(content):
            self._remnants.add(Remnant(place=place, what=self._what(literal)))
        if content.startswith(_PARQUET):
            with suppress(pa.ArrowInvalid):  # cut off, so nobody can read it
                self._rows(place, "", pq.ParquetFile(pa.BufferReader(content)))

    def _rows(self, place: str, table: str, reader: pq.ParquetFile) -> None:
        for group in range(reader.num_row_groups):
            rows = reader.read_row_group(group)
            for name in rows.schema.names:
                for strings in _texts(rows[name]):
                    for literal in self._found(strings.content):
                        self._note(place, table, literal, rows, strings)

    def proof(self) -> Proof:
        few = Counter(
            other for others in self._others.values() if len(others) < _COMMON for other in others
        )
        return Proof(
            files=self._files,
            searched_bytes=self._bytes,
            ids=self._ids,
            phrases=len(self._literals) - self._ids,
            remnants=tuple(sorted(self._remnants)),
            audit_entries=len(self._audit),
            elsewhere=tuple(other for other, _ in few.most_common()),
        )

    def _found(self, content: bytes) -> list[int]:
        """Numbers of the literals that stand in it."""
        found: list[int] = []
        self._bytes += len(content)
        if self._database is not None and content:
            self._database.scan(content, lambda literal, *_: found.append(literal))
        return found

    def _note(
        self, place: str, table: str, literal: int, rows: pa.Table, strings: _Strings
    ) -> None:
        what = self._what(literal)
        if what == "id" and table in _AUDIT:
            self._audit.add(place)
        elif what == "words" and table in _WORDS_OF_OTHERS:
            others = self._others.setdefault(literal, set())
            for row in strings.rows_with(self._literals[literal]):
                if len(others) == _COMMON:
                    return
                said = rows.slice(row, 1)
                others.add(said["conversation_id"][0].as_py() or f"trace-{said['trace_id'][0]}")
        else:
            self._remnants.add(Remnant(place=place, what=what))

    def _what(self, literal: int) -> str:
        return "id" if literal < self._ids else "words"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Strings:
    """All strings of one chunk of a column."""

    text: pa.Array
    first_row: int
    starts: Any
    """Of each row, the number of its first string."""

    @property
    def content(self) -> bytes:
        """All strings, one after the other."""
        return bytes(self.text.buffers()[2] or b"")

    @property
    def _offsets(self) -> Any:
        return np.frombuffer(self.text.buffers()[1], dtype=np.int32)

    def values(self) -> Iterator[bytes]:
        """The strings, each by itself."""
        content, first = self.content, self.text.offset
        ends = self._offsets[first : first + len(self.text) + 1].tolist()
        for start, end in pairwise(ends):
            yield content[start:end]

    def rows_with(self, literal: bytes) -> Iterator[int]:
        """The rows that hold it, as often as they do."""
        content, offsets = self.content, self._offsets
        end = content.find(literal) + len(literal)
        while end >= len(literal):
            string = int(np.searchsorted(offsets, end, side="left")) - 1 - self.text.offset
            yield self.first_row + int(np.searchsorted(self.starts, string, side="right")) - 1
            end = content.find(literal, end) + len(literal)


def _texts(column: pa.ChunkedArray) -> Iterator[_Strings]:
    first = 0
    for chunk in column.chunks:
        if pa.types.is_string(chunk.type):
            yield _Strings(text=chunk, first_row=first, starts=np.arange(len(chunk) + 1))
        elif pa.types.is_map(chunk.type):
            starts = np.asarray(chunk.offsets)
            yield _Strings(text=chunk.keys, first_row=first, starts=starts)
            yield _Strings(text=chunk.items, first_row=first, starts=starts)
        first += len(chunk)
