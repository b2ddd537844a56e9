"""Group commit: many senders wait, one thread writes, everybody waits for one flush.

There is no timer: while one commit is under way the next batch collects, so a lone sender waits
for its own write only and many senders share theirs.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from collector.errors import Busy, StoreError
from collector.store.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Rows of one request and who waits for them."""

    table: str
    rows: pa.Table
    durable: Future[None]


class GroupWriter:
    """Writes rows to a store from one thread, in batches; safe to call from any thread."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime],
        batch_bytes: int = 8 * 2**20,
        queue_bytes: int = 64 * 2**20,
    ) -> None:
        """`clock` says when rows were written; a batch is cut at `batch_bytes` of Arrow memory
        because spans vary from 250 bytes to 50 KB; over `queue_bytes` senders are turned away."""
        self._store = store
        self._clock = clock
        self._batch_bytes = batch_bytes
        self._queue_bytes = queue_bytes
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._is_open = True
        self.on_commit: Callable[[str, float, bool], None] = lambda *_: None
        """Told of each commit: its table, how long it took in seconds, whether it is durable."""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """Arrow memory of rows that no commit has taken up yet."""
        return self._waiting_bytes

    def submit(self, table: str, rows: pa.Table) -> Future[None]:
        """Queue rows; the future is done when they are durable, or holds a `StoreError`.

        Raises:
            Busy: too much is waiting already, or the writer is closed.
        """
        durable: Future[None] = Future()
        with self._changed:
            if not self._is_open:
                raise Busy("the collector is stopping; send again, another one will answer")
            if self._waiting and self._waiting_bytes + rows.nbytes > self._queue_bytes:
                raise Busy(
                    f"{self._waiting_bytes} bytes wait to be written, more than the disk keeps up "
                    "with; send again later, or run a second collector"
                )
            self._waiting.append(_Waiting(table, rows, durable))
            self._waiting_bytes += rows.nbytes
            self._changed.notify()
        return durable

    def close(self, *, timeout_s: float) -> bool:
        """Take nothing more, write what waits; False where that took longer than `timeout_s`."""
        with self._changed:
            self._is_open = False
            self._changed.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while batch := self._next_batch():
            by_table: defaultdict[str, list[_Waiting]] = defaultdict(list)
            for waiting in batch:
                by_table[waiting.table].append(waiting)
            for table, group in by_table.items():
                self._commit(table, group)

    def _next_batch(self) -> list[_Waiting]:
        """What waits, up to `batch_bytes`; empty when the writer is closed and all is written."""
        with self._changed:
            while self._is_open and not self._waiting:
                self._changed.wait()
            batch: list[_Waiting] = []
            size = 0
            while self._waiting and (not batch or size < self._batch_bytes):
                batch.append(self._waiting.popleft())
                size += batch[-1].rows.nbytes
            self._waiting_bytes -= size
            return batch

    def _commit(self, table: str, group: Sequence[_Waiting]) -> None:
        started = time.monotonic()
        try:
            rows = pa.concat_tables([waiting.rows for waiting in group])
            self._store.append_arrow(table, rows, now=self._clock())
        except Exception as error:  # noqa: BLE001 -- whatever it is, every sender must hear of it
            failure = (
                error
                if isinstance(error, StoreError)
                else StoreError(
                    f"rows could not be written: {type(error).__name__}: {error}; the sender will "
                    "try again"
                )
            )
            _log.error("%s: %s", table, failure)
            self.on_commit(table, time.monotonic() - started, False)
            for waiting in group:
                waiting.durable.set_exception(failure)
            return
        duration_s = time.monotonic() - started
        self.on_commit(table, duration_s, True)
        for waiting in group:
            waiting.durable.set_result(None)
        _log.debug(
            "committed",
            extra={
                "table": table,
                "rows": rows.num_rows,
                "requests": len(group),
                "duration_s": round(duration_s, 4),
            },
        )
