"""Takes files, folders and buckets (design: conversations, events, outcomes, OTLP, exports of other
tools), stores what is in them as OTLP would be.

Only what is new is read. Every file is read whole or refused whole, with the line and the reason;
what is read twice adds nothing, because all ids are made from the content. Redaction and promotion
are those of the receiver: everything goes through `collector.otlp`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa

from collector.errors import BadRequest, ImportRefused
from collector.importer.content import Content, How, Signal
from collector.importer.events import flat_row
from collector.importer.files import read_file
from collector.importer.memory import Memory, Reading, digest, recall, remember
from collector.importer.sources import Source, find_sources
from collector.otlp import finish_events
from collector.redaction import Redactor
from collector.times import to_ns

if TYPE_CHECKING:
    from collector.store import Store

__all__ = ["ImportRefused", "ImportReport", "ImportedFile", "Progress", "import_files"]

_COMMIT_BYTES = 64 * 2**20
"""Arrow memory of the files that become durable together: a bucket may hold thousands of small
ones, and each commit costs a flush and a file of the store."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedFile:
    """What became of one file."""

    path: str
    """As it was named, or where in the folder or bucket it was found."""
    kinds: tuple[str, ...] = ()
    """What was recognised in it: conversations, events, outcomes, otlp, metrics, or a tool."""
    conversations: int = 0
    events: int = 0
    spans: int = 0
    """Spans of OTLP or of an export; a conversation line counts as a conversation only."""
    unchanged: bool = False
    """It was read before and has nothing new."""
    waiting_bytes: int = 0
    """At its end, unfinished: they are read when the rest is there."""
    untied: int = 0
    """Feedback on spans that the store does not have yet: the next import reads the file again."""
    refused: str | None = None
    """Why nothing of it was stored, with the line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """What became of all files of one import."""

    files: tuple[ImportedFile, ...]
    """Without those that were found in a folder or bucket and have nothing new."""
    unchanged: int = 0
    """How many files have nothing new."""

    @property
    def conversations(self) -> int:
        return sum(file.conversations for file in self.files)

    @property
    def events(self) -> int:
        return sum(file.events for file in self.files)

    @property
    def spans(self) -> int:
        return sum(file.spans for file in self.files)

    @property
    def refused(self) -> tuple[ImportedFile, ...]:
        return tuple(file for file in self.files if file.refused)


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far an import is, for whoever waits."""

    path: str
    """The file that is read now."""
    done_bytes: int
    total_bytes: int


def import_files(
    paths: Sequence[Path | str],
    store: Store,
    *,
    signal: Signal | None = None,
    agent: str | None = None,
    again: bool = False,
    now: datetime,
    redactor: Redactor,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> ImportReport:
    """Store what is new in files, folders, patterns and buckets.

    A file that cannot be read is refused; the others go on. `signal` says what protobuf holds that
    does not tell, `agent` whose the conversations are that name none. With `again`, what was read
    before is read once more. Faults of the store are raised.
    """
    how = How(received_ns=to_ns(now), redactor=redactor, signal=signal, agent=agent)
    memory = recall(store, redactor.key)
    refused, sources = _sources(paths)
    sizes = {source.location: source.size_bytes for source, _ in sources}
    total = sum(sizes.values())
    done, unchanged = 0, 0
    files: list[ImportedFile] = list(refused)
    late: list[tuple[int, _Found]] = []
    batch = _Batch(store=store, now=now, how=how)
    for source, name in sources:
        on_progress(Progress(path=name, done_bytes=done, total_bytes=total))
        done += source.size_bytes
        found = _read(source, name, memory, sizes, how, again=again)
        if isinstance(found, ImportedFile):
            unchanged += found.unchanged
            if source.is_named or not found.unchanged:
                files.append(found)
        else:
            told = batch.add(found)
            unchanged += told.unchanged
            if found.content.untied:
                late.append((len(files), found))
            if source.is_named or not told.unchanged:
                files.append(told)
    batch.commit()
    for place, found in late:  # the spans that are meant may be in any of the files
        files[place] = batch.tie(found, files[place])
    return ImportReport(files=tuple(files), unchanged=unchanged)


def _sources(paths: Sequence[Path | str]) -> tuple[list[ImportedFile], list[tuple[Source, str]]]:
    """Refusals of what cannot be listed; the files, each once, with the names to call them."""
    refused: list[ImportedFile] = []
    sources: dict[str, tuple[Source, str]] = {}
    for path in paths:
        try:
            for source in find_sources(str(path)):
                name = str(path) if source.is_named else source.location
                sources.setdefault(source.location, (source, name))
        except ImportRefused as error:
            refused.append(ImportedFile(path=str(path), refused=str(error)))
    return refused, list(sources.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """A file that was read and is not stored yet."""

    name: str
    content: Content
    reading: Reading


def _read(
    source: Source,
    name: str,
    memory: Memory,
    sizes: dict[str, int],
    how: How,
    *,
    again: bool,
) -> ImportedFile | _Found:
    """Read what is new in a file; a file by itself says what became of it already."""
    last = memory.readings.get(source.location)
    if last and last.is_of(source) and not again:
        return ImportedFile(path=name, unchanged=True)
    try:
        with closing(source.open()) as stream:
            before = None if again else memory.before(source, stream, sizes)
            if before and before.read_bytes == source.size_bytes:
                return _Found(name=name, content=Content(how=how), reading=before.now_of(source))
            if before and before.grows:
                content = read_file(stream, how, start=before.read_bytes, lines=before.lines)
            else:
                content = read_file(stream, how)
            reading = _reading(source, content, stream, memory.key)
    except (ImportRefused, BadRequest) as error:
        return ImportedFile(path=name, refused=str(error))
    except (OSError, EOFError, zlib.error) as error:
        reason = f"cannot be read: {error}; check that it exists and is not cut off"
        return ImportedFile(path=name, refused=reason)
    return _Found(name=name, content=content, reading=reading)


def _reading(source: Source, content: Content, stream: IO[bytes], key: bytes) -> Reading:
    end = content.end if content.grows else source.size_bytes
    return Reading(
        location=source.location,
        size_bytes=source.size_bytes,
        modified_ns=source.modified_ns,
        read_bytes=end,
        lines=content.lines,
        grows=content.grows,
        digest=digest(stream, end, key),
    )


@dataclass(slots=True)
class _Batch:
    """Files that become durable together: first what is in them, then that they were read."""

    store: Store
    now: datetime
    how: How
    found: list[_Found] = field(default_factory=list)
    waiting_bytes: int = 0

    def add(self, found: _Found) -> ImportedFile:
        """Keep what was read for the next commit."""
        content, reading = found.content, found.reading
        self.found.append(found)
        self.waiting_bytes += sum(table.nbytes for table in _tables(content))
        if self.waiting_bytes >= _COMMIT_BYTES:
            self.commit()
        return ImportedFile(
            path=found.name,
            kinds=tuple(sorted(content.kinds)),
            conversations=content.conversations,
            events=content.counts["events"],
            spans=content.counts["spans"] - content.conversations,
            unchanged=not content.kinds and reading.read_bytes == reading.size_bytes > 0,
            untied=len(content.untied),
            waiting_bytes=max(0, reading.size_bytes - reading.read_bytes),
        )

    def commit(self) -> None:
        """Make everything durable that was added since the last time."""
        for name in ("spans", "events"):
            tables = [each for one in self.found for each in one.content.tables.get(name, ())]
            for rows in _slices(tables):
                self.store.append_arrow(name, rows, now=self.now)
        readings = [one.reading for one in self.found if not one.content.untied]
        remember(self.store, readings, now=self.now)
        self.found, self.waiting_bytes = [], 0

    def tie(self, found: _Found, told: ImportedFile) -> ImportedFile:
        """Store the feedback of a file that names a span only, where the store knows the span.

        The file is remembered when nothing of it waits any more.
        """
        untied = found.content.untied
        known = self.store.scan(
            "spans",
            columns=["trace_id", "span_id"],
            where="list_contains($wanted, span_id)",
            parameters={"wanted": sorted({str(event["span_id"]) for event in untied})},
        )
        traces = {row["span_id"]: row["trace_id"] for row in known.to_pylist()}
        rows = [
            flat_row(
                {**event, "trace_id": traces[str(event["span_id"])]},
                received_ns=self.how.received_ns,
            )
            for event in untied
            if event["span_id"] in traces
        ]
        finish_events(rows, self.how.redactor)
        self.store.append("events", rows, now=self.now)
        if len(rows) == len(untied):
            remember(self.store, [found.reading], now=self.now)
        return replace(told, events=told.events + len(rows), untied=len(untied) - len(rows))


def _tables(content: Content) -> Iterator[pa.Table]:
    for tables in content.tables.values():
        yield from tables


def _slices(tables: Sequence[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of at most about `_COMMIT_BYTES`."""
    waiting: list[pa.Table] = []
    waiting_bytes = 0
    for table in tables:
        waiting.append(table)
        waiting_bytes += table.nbytes
        if waiting_bytes >= _COMMIT_BYTES:
            yield pa.concat_tables(waiting)
            waiting, waiting_bytes = [], 0
    if waiting:
        yield pa.concat_tables(waiting)
