"""From the bytes of a request to durable rows: decompress, decode, redact, queue, wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypeVar

import orjson

from collector.answers import Accepted
from collector.compression import inflate
from collector.errors import BadRequest, Busy, ImportRefused, TooLarge
from collector.importer.events import flat_row
from collector.metrics import Metrics
from collector.otlp import Decoded, Row, decode_logs, decode_traces, finish_events
from collector.redaction import Redactor
from collector.store.store import to_arrow
from collector.store.writer import GroupWriter
from collector.times import to_ns

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

Signal: TypeAlias = Literal["traces", "logs", "metrics"]

_DECODERS = 1
"""Threads that decode. Python runs one at a time; a second one only takes turns with the first,
which makes all answers later."""
_AT_ONCE_BYTES = 2 * 2**20
"""Bodies up to this size are decoded by the event loop itself, in some 15 ms. A thread beside it
costs more than it gives: each time the loop waits for a socket it has to ask for Python's lock, and
the thread keeps that for 5 ms."""
_INFLATES = 8
"""How much larger a compressed body mostly is."""
_MAX_EVENTS = 10_000
_MAX_SERVICES = 1000
"""Services whose hints are remembered; the names come from senders, so they need a bound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """What a sender sent."""

    content: bytes
    encoding: str = "identity"
    """Content-Encoding; not yet undone."""
    is_json: bool = False


class Intake:
    """Takes requests of one collector. All methods run on its event loop."""

    def __init__(
        self,
        writer: GroupWriter,
        redact: Redactor,
        *,
        clock: Callable[[], datetime],
        max_request_bytes: int,
        max_open_bytes: int = 64 * 2**20,
    ) -> None:
        """`max_open_bytes` bounds the bodies that are arriving or wait for a thread."""
        self.metrics = Metrics()
        self.metrics.watch("open_bytes", "Bodies being received.", lambda: self._open_bytes)
        self.metrics.watch(
            "queue_bytes", "Rows that wait to be durable.", lambda: writer.waiting_bytes
        )
        writer.on_commit = self.metrics.committed
        self.max_request_bytes = max_request_bytes
        self._writer = writer
        self._redact = redact
        self._clock = clock
        self._max_open_bytes = max_open_bytes
        self._open_bytes = 0
        self._threads = ThreadPoolExecutor(_DECODERS, thread_name_prefix="decode")
        self._hinted: set[str] = set()
        self._message_services: set[str] = set()

    async def take(self, signal: Signal, body: Body) -> Accepted:
        """Store one OTLP request; returns when it is durable.

        Raises:
            BadRequest: it can never be stored.
            StoreError: it cannot be stored now.
        """
        if signal == "metrics":  # never carry content; refused, they would fill the sender's log
            return Accepted()
        decode = decode_traces if signal == "traces" else decode_logs

        def read() -> Decoded:
            content = self._content(body)
            received_ns = to_ns(self._clock())
            decoded = decode(
                content, json=body.is_json, received_ns=received_ns, redact=self._redact
            )
            self.metrics.read(signal, len(content), decoded)
            return decoded

        decoded = await self._read(body, read)
        await self._store(signal, decoded)
        return Accepted(rejected=decoded.rejected, message=self._message(decoded))

    async def take_events(self, body: Body) -> tuple[int, list[dict[str, Any]]]:
        """Store plain JSON events; gives how many, and which were refused and why.

        Raises:
            BadRequest: the body is neither a JSON object nor a list of them.
            StoreError: they cannot be stored now.
        """

        def read() -> tuple[Decoded, list[dict[str, Any]]]:
            content = self._content(body)
            rows, refused = self._plain_events(content)
            redacted = finish_events(rows, self._redact)
            for row in rows:
                # Who sends as it happens need not say when. The id is made without this time, so
                # that a repeat is still a repeat.
                row["at_ns"] = row["at_ns"] or row["received_ns"]
            decoded = Decoded(
                table="events",
                columns=to_arrow("events", rows),
                rejected=len(refused),
                redacted=redacted,
            )
            self.metrics.read("events", len(content), decoded)
            return decoded, refused

        decoded, refused = await self._read(body, read)
        await self._store("events", decoded)
        return decoded.columns.num_rows, refused

    @contextmanager
    def receiving(self) -> Iterator[Callable[[int], None]]:
        """Room for one body while it arrives and is read; to be told of every piece of it.

        What is told raises `TooLarge` over the limit of one request, and `Busy` where all requests
        together hold too much memory; one that is alone may be as large as it likes.
        """
        size = 0

        def more(count: int) -> None:
            nonlocal size
            size += count
            self._open_bytes += count
            if size > self.max_request_bytes:
                raise TooLarge(
                    f"the request is over {self.max_request_bytes} bytes; export smaller batches"
                )
            is_alone = size == self._open_bytes
            if self._open_bytes > self._max_open_bytes and not is_alone:
                raise Busy(f"{self._open_bytes} bytes of requests are being read; send again later")

        try:
            yield more
        finally:
            self._open_bytes -= size

    def close(self) -> None:
        """Wait for requests that are being decoded."""
        self._threads.shutdown()

    def _content(self, body: Body) -> bytes:
        return inflate(body.content, body.encoding, self.max_request_bytes)

    def _plain_events(self, body: bytes) -> tuple[list[Row], list[dict[str, Any]]]:
        try:
            events = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"the body is not JSON: {error}; send an object or a list") from error
        events = events if isinstance(events, list) else [events]
        if len(events) > _MAX_EVENTS:
            raise TooLarge(f"{len(events)} events are over {_MAX_EVENTS}; send smaller batches")
        received_ns = to_ns(self._clock())
        rows, refused = [], []
        for index, event in enumerate(events):
            try:
                if not isinstance(event, dict):
                    raise ImportRefused("the event is not a JSON object")
                rows.append(flat_row(event, received_ns=received_ns))
            except ImportRefused as error:
                refused.append({"index": index, "reason": str(error)})
        return rows, refused

    async def _read(self, body: Body, read: Callable[[], _T]) -> _T:
        size = len(body.content) * (1 if body.encoding in ("", "identity") else _INFLATES)
        if size <= _AT_ONCE_BYTES:
            return read()
        return await asyncio.get_running_loop().run_in_executor(self._threads, read)

    async def _store(self, signal: str, decoded: Decoded) -> None:
        if count := decoded.columns.num_rows:
            await asyncio.wrap_future(self._writer.submit(decoded.table, decoded.columns))
            self.metrics.stored(signal, count)

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
