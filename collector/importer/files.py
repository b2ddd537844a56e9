"""Reads one file: what it is shows its content and not its name, then every item goes to `Content`.

Compression is known by its first bytes; then come Parquet, requests in protobuf, frames, JSON in
lines or whole, and CSV. A file is taken whole or refused whole, with the line and the reason.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from itertools import chain
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from collector.dialects import decoding, python_texts
from collector.errors import ImportRefused
from collector.importer import framing
from collector.importer.content import Content, How, located
from collector.importer.exports import export_of
from collector.importer.outcomes import is_table_of_outcomes
from collector.records import Json

_BOM = b"\xef\xbb\xbf"
"""Editors on Windows write this mark before the first line."""
_ROWS_OF_PARQUET = 500
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_LONGEST_CELL = 2**31 - 1
"""The default of the module `csv` is 128 KB, less than many a prompt."""
_UNKNOWN = (
    "it is nothing that import knows: OTLP in JSON or protobuf, lines of conversations or events, "
    "a table of outcomes, or an export of Phoenix, Langfuse or LangSmith"
)


def read_file(stream: IO[bytes], how: How, *, start: int = 0, lines: int = 0) -> Content:
    """Read a file from byte `start`, before which there are `lines` lines or records.

    Raises:
        ImportRefused: it is nothing that is known, or a part of it cannot be read.
        OSError: it cannot be read, or is compressed and cut off.
    """
    stream.seek(start)
    plain = _decompressed(stream)
    content = Content(how=how, grows=plain is stream, end=start, lines=lines)
    head = plain.peek(64)
    text = head.removeprefix(_BOM).lstrip()
    if head.startswith(_PARQUET):
        content.grows = False
        _take_parquet(content, plain)
    elif framing.is_framed(head):
        _take_frames(content, plain)
    elif head.startswith(framing.PROTOBUF) and not _is_json_after_a_blank_line(plain, text):
        _take_protobuf(content, plain.read())
    elif text.startswith((b"{", b"[")):
        _take_json(content, plain)
    elif head:
        content.grows = False
        _take_csv(content, plain.read())
    return content.finish()


def _decompressed(stream: IO[bytes]) -> io.BufferedReader:
    start = stream.tell()
    head = stream.read(4)
    stream.seek(start)
    if head.startswith(_GZIP):
        return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=stream)))
    if head == framing.ZSTD:
        # It would close the file itself, and the file is needed again.
        return io.BufferedReader(pa.CompressedInputStream(pa.BufferReader(stream.read()), "zstd"))
    return cast(io.BufferedReader, stream)


# ---- OTLP as Collectors write it ----------------------------------------------------------------


def _is_json_after_a_blank_line(stream: io.BufferedReader, text: bytes) -> bool:
    """A request of 123 bytes begins as an empty line and a brace do."""
    if not text.startswith((b"{", b"[")):
        return False
    body = stream.peek(256)[:256]
    return len(body) > 200 or framing.signal_in_protobuf(body) is None


def _take_protobuf(content: Content, body: bytes) -> None:
    content.grows = False
    signal = content.how.signal or framing.signal_in_protobuf(body)
    if signal is None:
        raise ImportRefused(
            f"{_UNKNOWN}; if it is a request in protobuf, say of what with --signal traces|logs"
        )
    content.otlp(body, signal, json=False)


def _take_frames(content: Content, stream: IO[bytes]) -> None:
    for frame in framing.frames(stream):
        content.lines += 1
        with located(f"record {content.lines}"):
            record = framing.opened(frame)
            if signal := framing.signal_in_line(record):
                content.otlp(record, signal, json=True)
            elif record:
                _take_framed_protobuf(content, record)
        content.end += len(frame) + 4
    if content.lines == 0:
        raise ImportRefused(_UNKNOWN)


def _take_framed_protobuf(content: Content, record: bytes) -> None:
    signal = content.how.signal or framing.signal_in_protobuf(record)
    if signal is None:
        raise ImportRefused("it is no OTLP request; it was written by something else or is damaged")
    content.otlp(record, signal, json=False)


# ---- JSON ---------------------------------------------------------------------------------------


def _take_json(content: Content, stream: IO[bytes]) -> None:
    """One value in many lines, or one in each: a Collector writes the latter whatever the file is
    called."""
    may_be_whole = content.lines == 0
    for raw in stream:
        line = raw.removeprefix(_BOM) if content.lines == 0 else raw
        number = content.lines + 1
        if line.strip():
            if content.grows and framing.is_unfinished(line, is_first=may_be_whole):
                return  # the rest of the line is not written yet
            if may_be_whole and not _is_json(line):
                _take_document(content, line + stream.read())
                return
            may_be_whole = False
            with located(f"line {number}"):
                _take_line(content, line, number)
        content.lines = number
        content.end += len(raw)


def _take_line(content: Content, line: bytes, number: int) -> None:
    if signal := framing.signal_in_line(line):
        content.otlp(line, signal, json=True)
    else:
        content.item(_json(line), f"line {number}")


def _take_document(content: Content, body: bytes) -> None:
    content.grows = False
    content.item(_json(body), "the file")


def _is_json(text: bytes) -> bool:
    try:
        decoding.parse(text.decode())
    except ValueError:
        return False
    return True


def _json(body: bytes) -> Json:
    try:
        return decoding.parse(body.decode())
    except ValueError as error:
        raise ImportRefused(f"it is not JSON: {str(error)[:200]}") from error


# ---- tables -------------------------------------------------------------------------------------


def _take_parquet(content: Content, stream: IO[bytes]) -> None:
    """Items of an export, or outcomes, one a row."""
    try:
        file = pq.ParquetFile(io.BytesIO(stream.read()))
        batches = (batch.to_pylist() for batch in file.iter_batches(_ROWS_OF_PARQUET))
        _take_rows(content, chain.from_iterable(batches), list(file.schema_arrow.names))
    except pa.ArrowException as error:
        raise ImportRefused(f"it is not Parquet: {str(error)[:200]}; it is damaged") from error


def _take_csv(content: Content, body: bytes) -> None:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(f"{_UNKNOWN}; as a table it is not UTF-8: {error}") from error
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = list(reader.fieldnames or ())
        cells = _cells(reader)
        first = next(cells, None)
        if not is_table_of_outcomes(columns) and (first is None or not export_of(_filled(first))):
            raise ImportRefused(
                f"{_UNKNOWN}; as a table its header (line 1) needs outcome, and user_id, "
                "conversation_id or account_id"
            )
        _take_rows(content, cells if first is None else chain([first], cells), columns)
    except csv.Error as error:
        raise ImportRefused(f"line {reader.line_num}: {error}") from error


def _cells(reader: csv.DictReader[str]) -> Iterator[dict[str, Any]]:
    for cells in reader:
        if None in cells or None in cells.values():
            raise ImportRefused(
                f"line {reader.line_num}: the number of cells is not that of the header"
            )
        yield cells


def _take_rows(content: Content, rows: Iterator[dict[str, Any]], columns: list[str]) -> None:
    """Rows of a table by what its columns are; the first row is in line 2."""
    is_outcomes = is_table_of_outcomes(columns)
    for number, row in enumerate(rows, start=2):
        with located(f"line {number}"):
            if is_outcomes:
                content.outcome(row)
            else:
                content.item(cast(Json, _filled(row)), f"line {number}")


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is empty, and with what is nested out of its text."""
    return {key: _value(cell) for key, cell in row.items()}


def _value(cell: Any) -> Any:
    match cell:
        case "":
            return None
        case dict():
            return {key: _value(inner) for key, inner in cell.items() if inner is not None}
        case list():
            return [_value(inner) for inner in cell]
        case str() if cell[0] in "{[" and not _is_json(cell.encode("utf-8", "replace")):
            return _literal(cell)
    return cell


def _literal(cell: str) -> Any:
    """What pandas writes into a cell that is nested: Python's `repr`. JSON text stays text."""
    try:
        return python_texts.literal(cell)
    except ValueError:
        return cell
