"""From the bytes of a request to durable rows: decompress, decode, redact, queue, wait."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Literal, TypeAlias

import orjson

from collector.answers import Accepted
from collector.errors import BadRequest, Busy, TooLarge
from collector.importer.events import flat_row
from collector.importer.refusal import ImportRefused
from collector.otlp import Decoded, Row, decode_logs, decode_traces, finish_events
from collector.redaction import Redactor
from collector.store.store import to_arrow
from collector.store.writer import GroupWriter

_log = logging.getLogger(__name__)

Signal: TypeAlias = Literal["traces", "logs", "metrics"]

_DECODERS = 2
"""Threads that decode. Python runs one at a time, but the filters of redaction run beside it."""
_MAX_EVENTS = 10_000
_MAX_SERVICES = 1000
"""Services whose hints are remembered; the names come from senders, so they need a bound."""
_GZIP_OR_ZLIB = 47
"""`wbits` of zlib: find out by the header."""


class Intake:
    """Takes requests of one collector. All methods run on its event loop."""

    def __init__(
        self,
        writer: GroupWriter,
        redact: Redactor,
        *,
        clock: Callable[[], datetime],
        max_request_bytes: int,
        max_open_bytes: int = 256 * 2**20,
    ) -> None:
        """`max_open_bytes` bounds the bodies that wait for a thread at one time."""
        self.max_request_bytes = max_request_bytes
        self._writer = writer
        self._redact = redact
        self._clock = clock
        self._max_open_bytes = max_open_bytes
        self._open_bytes = 0
        self._threads = ThreadPoolExecutor(_DECODERS, thread_name_prefix="decode")
        self._hinted: set[str] = set()
        self._message_services: set[str] = set()

    async def take(self, signal: Signal, body: bytes, *, json: bool) -> Accepted:
        """Store one OTLP request; returns when it is durable.

        Raises:
            BadRequest: it can never be stored.
            StoreError: it cannot be stored now.
        """
        if signal == "metrics":  # never carry content; refused, they would fill the sender's log
            return Accepted()
        decode = decode_traces if signal == "traces" else decode_logs

        def read() -> tuple[Decoded, Any]:
            received_ns = int(self._clock().timestamp() * 1e9)
            decoded = decode(body, json=json, received_ns=received_ns, redact=self._redact)
            return decoded, to_arrow(decoded.table, decoded.rows)

        decoded, rows = await self._in_thread(read, len(body))
        if rows.num_rows:
            await asyncio.wrap_future(self._writer.submit(decoded.table, rows))
        return Accepted(rejected=decoded.rejected, message=self._message(decoded))

    async def take_events(self, body: bytes) -> tuple[int, list[dict[str, Any]]]:
        """Store plain JSON events; gives how many, and which were refused and why.

        Raises:
            BadRequest: the body is neither a JSON object nor a list of them.
            StoreError: they cannot be stored now.
        """

        def read() -> tuple[Any, list[dict[str, Any]]]:
            rows, refused = self._plain_events(body)
            finish_events(rows, self._redact)
            return to_arrow("events", rows), refused

        rows, refused = await self._in_thread(read, len(body))
        if rows.num_rows:
            await asyncio.wrap_future(self._writer.submit("events", rows))
        return rows.num_rows, refused

    def close(self) -> None:
        """Wait for requests that are being decoded."""
        self._threads.shutdown()

    def _plain_events(self, body: bytes) -> tuple[list[Row], list[dict[str, Any]]]:
        try:
            events = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"the body is not JSON: {error}; send an object or a list") from error
        events = events if isinstance(events, list) else [events]
        if len(events) > _MAX_EVENTS:
            raise TooLarge(f"{len(events)} events are over {_MAX_EVENTS}; send smaller batches")
        received_ns = int(self._clock().timestamp() * 1e9)
        rows, refused = [], []
        for index, event in enumerate(events):
            try:
                if not isinstance(event, dict):
                    raise ImportRefused("the event is not a JSON object")
                rows.append(flat_row(event, received_ns=received_ns))
            except ImportRefused as error:
                refused.append({"index": index, "reason": str(error)})
        return rows, refused

    async def _in_thread(self, read: Callable[[], Any], size_bytes: int) -> Any:
        if self._open_bytes and self._open_bytes + size_bytes > self._max_open_bytes:
            raise Busy(f"{self._open_bytes} bytes of requests are being read; send again later")
        self._open_bytes += size_bytes
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, read)
        finally:
            self._open_bytes -= size_bytes

    def _message(self, decoded: Decoded) -> str:
        """What the sender should know; a hint is logged once for each service."""
        if len(self._message_services) < _MAX_SERVICES:
            self._message_services |= decoded.message_services
        hints = {
            service: hint
            for service, hint in decoded.hints.items()
            if service not in self._message_services
        }
        for service, hint in hints.items():
            if service not in self._hinted and len(self._hinted) < _MAX_SERVICES:
                self._hinted.add(service)
                _log.warning("service %r: %s", service[:100], hint)
        parts = [f"{decoded.rejected} rejected: {decoded.reason}"] if decoded.rejected else []
        return "; ".join([*parts, *sorted(set(hints.values()))])


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """The body before compression, at most `limit` bytes of it.

    Raises:
        BadRequest: the encoding is not known, or the body is not compressed that way.
        TooLarge: there is more.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise BadRequest(
            f"Content-Encoding {encoding[:40]!r} is not known; send gzip, deflate or none"
        )
    parts, size = [], 0
    while body:
        stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            parts.append(stream.decompress(body, limit - size + 1))
        except zlib.error as error:
            raise BadRequest(f"the body is not {encoding}: {error}; check the exporter") from error
        size += len(parts[-1])
        if size > limit:
            raise TooLarge(f"the request is over {limit} bytes; export smaller batches")
        if not stream.eof:
            raise BadRequest(f"the {encoding} body is cut off; check what lies in between")
        body = stream.unused_data  # gzip may hold several members
    return b"".join(parts)
