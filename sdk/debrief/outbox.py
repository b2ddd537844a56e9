"""What waits between the agent and the network: bounded, counted, and never in the agent's way.

OpenTelemetry's own batch processor does not fit here: it bounds a queue by number only (a span with
text may have a megabyte), logs each failure, and holds up the end of the process for many seconds.
Encoding, compression and the protocol stay with its exporters.
"""

from __future__ import annotations

import contextvars
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, set_value

from debrief.guard import never_raises, warn_once

Item = TypeVar("Item")
_Item = TypeVar("_Item", contravariant=True)

_LAST_CHANCE_S = 0.5
THREAD_PREFIX = "debrief-"
_EXPORTERS = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
)


class Exporter(Protocol[_Item]):
    """The part of OpenTelemetry's exporters that is used."""

    def export(self, batch: Sequence[_Item], /) -> Any:
        """Gives an enumeration whose member `SUCCESS` says that all was taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much may wait and for how long."""

    items: int = 8192
    total_bytes: int = 64 * 2**20
    batch_items: int = 128
    batch_bytes: int = 8 * 2**20
    """A collector refuses requests that are too large."""
    delay_s: float = 1.0
    patience_s: float = 60.0
    """For so long a batch that cannot be sent is sent again."""
    pause_s: float = 2.0
    """Between two attempts; the exporter has made some of its own before."""


class Outbox(Generic[Item]):
    """A queue with one thread behind it that sends. Every method returns at once, or in time."""

    def __init__(
        self,
        name: str,
        make_exporter: Callable[[], Exporter[Item]],
        *,
        limits: Limits | None = None,
    ) -> None:
        """`make_exporter` is called by the sending thread, once in each process."""
        self.dropped = 0
        """Items that were never sent."""
        self._name = name
        self._make_exporter = make_exporter
        self._limits = limits or Limits()
        self._start_over()
        if hasattr(os, "register_at_fork"):
            restart = weakref.WeakMethod(self._start_over)
            os.register_at_fork(after_in_child=lambda: (again := restart()) and again())

    def _start_over(self) -> None:
        """Begin empty: at first, and in a child process, which has none of the parent's threads.

        What waits in the parent is sent by the parent.
        """
        # Re-entrant: the garbage collector may end a span in the middle of `put`.
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._queue: SimpleQueue[tuple[Item, int] | threading.Event] = SimpleQueue()
        self._waiting_items = 0
        self._waiting_bytes = 0
        self._thread: threading.Thread | None = None
        self._exporter: Exporter[Item] | None = None

    def put(self, item: Item, size_bytes: int) -> None:
        """Send it soon, or drop it where too much waits."""
        with self._lock:
            if self._closing.is_set():
                return
            limits = self._limits
            is_full = self._waiting_items >= limits.items or (
                self._waiting_items > 0 and self._waiting_bytes + size_bytes > limits.total_bytes
            )
            if is_full:
                self._drop(1, "too much waits to be sent")
                return
            self._waiting_items += 1
            self._waiting_bytes += size_bytes
            if self._thread is None:
                self._thread = self._start_thread()
        self._queue.put((item, size_bytes))

    def flush(self, timeout_s: float) -> bool:
        """Wait until what was put before is sent or dropped; False if that takes longer."""
        if self._thread is None:
            return True
        sent = threading.Event()
        self._queue.put(sent)
        return sent.wait(timeout_s)

    def close(self, timeout_s: float) -> None:
        """Send what waits, for at most `timeout_s`; what is put later goes nowhere.

        Gives up sooner where sending fails already: the exporter tries again for ten seconds.
        """
        if self._closing.is_set():
            return
        self._closing.set()
        if self._thread is None:
            return
        sent, started = threading.Event(), time.monotonic()
        self._queue.put(sent)
        while not sent.wait(0.05):
            waited_s = time.monotonic() - started
            if waited_s > timeout_s or (waited_s > _LAST_CHANCE_S and _last_words.reason):
                self._drop(self._waiting_items, "the process ended first")
                return

    def _start_thread(self) -> threading.Thread:
        thread = threading.Thread(
            target=self._run, args=(self._queue,), name=THREAD_PREFIX + self._name, daemon=True
        )
        # In a context of its own: it belongs to no conversation.
        contextvars.Context().run(thread.start)
        return thread

    # ---- on the sending thread ------------------------------------------------------------------

    def _run(self, queue: SimpleQueue[tuple[Item, int] | threading.Event]) -> None:
        # Without this an instrumentation of the HTTP client would trace the export of its spans.
        attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        never_raises(None)(self._prepared)()  # loads the HTTP client; a process may end soon
        while True:
            batch, size_bytes, waiting = self._next_batch(queue)
            if batch:
                self._send(batch)
                with self._lock:
                    self._waiting_items -= len(batch)
                    self._waiting_bytes -= size_bytes
            if waiting is not None:
                waiting.set()

    def _next_batch(
        self, queue: SimpleQueue[tuple[Item, int] | threading.Event]
    ) -> tuple[list[Item], int, threading.Event | None]:
        """Wait for something, then for more of it until a batch is full or late, or a flush."""
        limits, batch, size_bytes = self._limits, list[Item](), 0
        due: float | None = None
        while len(batch) < limits.batch_items and size_bytes < limits.batch_bytes:
            try:
                timeout_s = None if due is None else max(due - time.monotonic(), 0)
                got = queue.get(timeout=timeout_s)
            except Empty:
                break
            if isinstance(got, threading.Event):
                return batch, size_bytes, got
            batch.append(got[0])
            size_bytes += got[1]
            due = time.monotonic() + limits.delay_s if due is None else due
        return batch, size_bytes, None

    def _send(self, batch: Sequence[Item]) -> None:
        give_up_at = time.monotonic() + self._limits.patience_s
        while not self._was_exported(batch):
            if self._closing.is_set() or time.monotonic() > give_up_at:
                self._drop(len(batch), "it could not be sent")
                return
            self._closing.wait(self._limits.pause_s)

    def _prepared(self) -> Exporter[Item]:
        if self._exporter is None:
            self._exporter = self._make_exporter()
        return self._exporter

    def _was_exported(self, batch: Sequence[Item]) -> bool:
        try:
            if self._prepared().export(batch).name == "SUCCESS":
                _last_words.reason = None
                return True
            reason = _last_words.reason or "no reason given"
        except Exception as error:  # noqa: BLE001 -- the thread must live
            reason = type(error).__name__
        warn_once(
            "unsent",
            "debrief: %s cannot be sent (%s); the agent is not affected",
            self._name,
            reason,
        )
        return False

    def _drop(self, count: int, why: str) -> None:
        with self._lock:
            self.dropped += count
        warn_once(
            "dropped", "debrief: %s dropped: %s; debrief.dropped() counts them", self._name, why
        )


class _LastWords(logging.Filter):
    """Keeps what an exporter says on our threads out of the agent's log, for `warn_once`."""

    reason: str | None = None
    """None while sending works."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not (record.threadName or "").startswith(THREAD_PREFIX):
            return True
        self.reason = record.getMessage()[:300]
        return False


_last_words = _LastWords()
for _exporter in _EXPORTERS:
    logging.getLogger(_exporter).addFilter(_last_words)
