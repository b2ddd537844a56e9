"""Takes files (design: conversations, events, outcomes, OTLP exports), stores them as OTLP would
be.

Every file is read whole or refused whole, with the line and the reason; what is read twice adds
nothing, because all ids are made from the content. Redaction and promotion are those of the
receiver: a conversation becomes one span, and both go through `collector.otlp`.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson

from collector.dialects import decoding
from collector.errors import BadRequest, ImportRefused
from collector.importer.conversations import ImportedConversation, request_of, results_of
from collector.importer.events import flat_row
from collector.otlp import Decoded, Row, decode_logs, decode_traces, finish_events
from collector.records import Json
from collector.redaction import Redactor
from collector.times import to_ns

if TYPE_CHECKING:
    from collector.store import Store

__all__ = ["ImportRefused", "ImportReport", "ImportedFile", "import_files"]

Signal = Literal["traces", "logs"]
_BATCH = 200
"""Conversations in one request to the decoder, so that a large file needs little extra memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedFile:
    """What became of one file."""

    path: str
    conversations: int = 0
    events: int = 0
    spans: int = 0
    """Spans of an OTLP export; a conversation line counts as a conversation only."""
    refused: str | None = None
    """Why nothing of it was stored, with the line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """What became of all files of one import."""

    files: tuple[ImportedFile, ...]

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


@dataclass(slots=True)
class _Rows:
    """Everything that one file holds, before any of it is stored."""

    spans: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    conversations: int = 0

    def take(self, decoded: Decoded) -> None:
        if decoded.rejected:
            raise ImportRefused(
                f"{decoded.rejected} records cannot be stored, the first because {decoded.reason}"
            )
        (self.spans if decoded.table == "spans" else self.events).extend(decoded.rows)


def import_files(
    paths: Sequence[Path],
    store: Store,
    *,
    signal: Signal | None = None,
    now: datetime,
    redactor: Redactor,
) -> ImportReport:
    """Store what the files hold. A file that cannot be read is refused; the others go on.

    `signal` says what a `*.pb` file holds whose name does not. Faults of the store are raised.
    """
    files: list[ImportedFile] = []
    for path in paths:
        try:
            rows = _read(path, signal, to_ns(now), redactor)
        except (ImportRefused, BadRequest) as error:
            files.append(ImportedFile(path=str(path), refused=str(error)))
            continue
        except (OSError, EOFError, zlib.error) as error:
            reason = f"cannot be read: {error}; check that it exists and is not cut off"
            files.append(ImportedFile(path=str(path), refused=reason))
            continue
        for table, found in (("spans", rows.spans), ("events", rows.events)):
            if found:
                store.append(table, found, now=now)
        files.append(
            ImportedFile(
                path=str(path),
                conversations=rows.conversations,
                events=len(rows.events),
                spans=len(rows.spans) - rows.conversations,
            )
        )
    return ImportReport(files=tuple(files))


def _read(path: Path, signal: Signal | None, received_ns: int, redactor: Redactor) -> _Rows:
    """Read one file by what its name says it is."""
    name = path.name.removesuffix(".gz")
    rows = _Rows()
    if name.endswith(".pb"):
        named: Signal | None = "logs" if name.endswith(".logs.pb") else signal
        named = "traces" if name.endswith(".traces.pb") else named
        if named is None:
            raise ImportRefused("a .pb file does not say what it holds; pass --signal traces|logs")
        decode = decode_traces if named == "traces" else decode_logs
        rows.take(decode(_bytes(path), json=False, received_ns=received_ns, redact=redactor))
    elif name.endswith(".json"):
        _take_json(rows, path, received_ns, redactor)
    elif name.endswith(".jsonl"):
        _take_lines(rows, path, received_ns, redactor)
    elif name.endswith(".csv"):
        _take_csv(rows, path, received_ns, redactor)
    else:
        raise ImportRefused(
            f"{path.suffix or 'no suffix'} is no kind of file that is known; use .jsonl, .csv, .pb "
            "or .otlp.json, each also with .gz"
        )
    return rows


def _bytes(path: Path) -> bytes:
    if path.suffix == ".gz":
        with gzip.open(path) as file:
            return file.read()
    return path.read_bytes()


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            # Editors on Windows write a mark before the first line.
            text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if text.strip():
                yield number, text


# --- OTLP JSON -----------------------------------------------------------------------------------


def _take_json(rows: _Rows, path: Path, received_ns: int, redactor: Redactor) -> None:
    """One request in many lines, or one in each: the Collector's file exporter writes the latter
    whatever the file is called."""
    body = _bytes(path).removeprefix(codecs.BOM_UTF8)
    first, _, rest = body.strip().partition(b"\n")
    if rest and _is_json(first):
        _take_lines(rows, path, received_ns, redactor)
    else:
        _take_otlp(rows, body, received_ns, redactor)


def _is_json(text: bytes) -> bool:
    try:
        _json(text)
    except ImportRefused:
        return False
    return True


def _take_otlp(rows: _Rows, body: bytes, received_ns: int, redactor: Redactor) -> None:
    """Take one export request in JSON; it says itself whether it holds spans or log records."""
    value = _json(body)
    keys = set(value) if isinstance(value, dict) else set()
    if keys & {"resourceSpans", "resource_spans"}:
        rows.take(decode_traces(body, json=True, received_ns=received_ns, redact=redactor))
    elif keys & {"resourceLogs", "resource_logs"}:
        rows.take(decode_logs(body, json=True, received_ns=received_ns, redact=redactor))
    elif not keys & {"resourceMetrics", "resource_metrics"}:
        raise ImportRefused("it is no OTLP export: neither resourceSpans nor resourceLogs is in it")


def _json(body: bytes) -> Json:
    try:
        return decoding.parse(body.decode())
    except ValueError as error:
        raise ImportRefused(f"it is not JSON: {str(error)[:200]}") from error


# --- lines of conversations and events -----------------------------------------------------------


def _take_lines(rows: _Rows, path: Path, received_ns: int, redactor: Redactor) -> None:
    conversations: dict[tuple[str, str], tuple[int, ImportedConversation]] = {}
    flat: list[Row] = []
    for number, line in _lines(path):
        try:
            value = _json(line)
            if isinstance(value, dict) and "event" in value:
                flat.append(flat_row(value, received_ns=received_ns))
            elif isinstance(value, dict) and "messages" in value:
                conversation = ImportedConversation.of(value)
                first, same = conversations.setdefault(conversation.key, (number, conversation))
                if same != conversation:
                    raise ImportRefused(
                        f"conversation {conversation.id[:100]!r} of agent "
                        f"{conversation.agent[:100]!r} is already in line {first} with other "
                        "content; give it an id of its own"
                    )
                flat += results_of(conversation, redactor, received_ns=received_ns)
            elif isinstance(value, dict) and any(key.startswith("resource") for key in value):
                _take_otlp(rows, line, received_ns, redactor)
            else:
                raise ImportRefused(
                    "it is no conversation (`messages`), no event (`event`) and no OTLP export "
                    "(`resourceSpans` or `resourceLogs`)"
                )
        except (ImportRefused, BadRequest) as error:
            raise ImportRefused(f"line {number}: {error}") from error
    found = [conversation for _, conversation in conversations.values()]
    for start in range(0, len(found), _BATCH):
        body = orjson.dumps(request_of(found[start : start + _BATCH], redactor))
        rows.take(decode_traces(body, json=True, received_ns=received_ns, redact=redactor))
    rows.conversations = len(found)
    _take_events(rows, flat, redactor)


def _take_csv(rows: _Rows, path: Path, received_ns: int, redactor: Redactor) -> None:
    """Take outcomes: `user_id` or `conversation_id`, `outcome`, `at`; other columns are kept."""
    try:
        text = _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(f"it is not UTF-8: {error}") from error
    reader = csv.DictReader(text.splitlines(keepends=True), strict=True)
    header = set(reader.fieldnames or ())
    if "outcome" not in header or not header & {"user_id", "conversation_id"}:
        raise ImportRefused("line 1: the header needs outcome, and user_id or conversation_id")
    flat: list[Row] = []
    try:
        for cells in reader:
            try:
                flat.append(_outcome_row(cells, received_ns))
            except ImportRefused as error:
                raise ImportRefused(f"line {reader.line_num}: {error}") from error
    except csv.Error as error:
        raise ImportRefused(f"line {reader.line_num}: {error}") from error
    _take_events(rows, flat, redactor)


def _outcome_row(cells: dict[str, Any], received_ns: int) -> Row:
    if None in cells or None in cells.values():
        raise ImportRefused("the number of cells is not that of the header")
    filled = {key: text for key, cell in cells.items() if key and (text := str(cell).strip())}
    name = filled.pop("outcome", None)
    if name is None or not ("user_id" in filled or "conversation_id" in filled):
        raise ImportRefused("outcome, or both user_id and conversation_id, are empty")
    return flat_row({"event": "debrief.outcome", "name": name, **filled}, received_ns=received_ns)


def _take_events(rows: _Rows, flat: Iterable[Row], redactor: Redactor) -> None:
    events = list(flat)
    if events:
        finish_events(events, redactor)
        rows.events += list({row["event_id"]: row for row in events}.values())
