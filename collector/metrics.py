"""What the collector counts about itself, in the text format of Prometheus.

By prometheus_client: the official library, without dependencies of its own, and it gets escaping,
histograms and the figures of the process right. Labels come from us and never from senders.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from collector.errors import BadRequest, StoreError
from collector.otlp import Decoded

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LATENCIES_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts of one collector. Safe to call from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = self._counter(
            "requests", "Requests by what came of them.", "signal", "transport", "outcome"
        )
        self._records = self._counter(
            "records",
            "Spans and events: stored, rejected as malformed, or ignored because they are no event "
            "that Debrief keeps.",
            "signal",
            "outcome",
        )
        self._bytes = self._counter("received_bytes", "Bodies after decompression.", "signal")
        self._redacted = self._counter("redacted_values", "Values replaced.", "kind")
        self._acknowledged = self._histogram(
            "acknowledgement_seconds", "From the head of a request to its answer.", "signal"
        )
        self._commits = self._histogram(
            "commit_seconds", "Until rows were durable.", "table", "outcome"
        )

    @contextmanager
    def request(self, signal: str, transport: str) -> Iterator[None]:
        """Count one request and time it; an error tells what came of it."""
        started = time.perf_counter()
        outcome = "hung_up"
        try:
            yield
            outcome = "accepted"
        except Exception as error:
            outcome = _outcome(error)
            raise
        finally:
            self._requests.labels(signal, transport, outcome).inc()
            self._acknowledged.labels(signal).observe(time.perf_counter() - started)

    def read(self, signal: str, size_bytes: int, decoded: Decoded) -> None:
        """Count what a request held."""
        self._bytes.labels(signal).inc(size_bytes)
        for outcome, count in (("rejected", decoded.rejected), ("ignored", decoded.dropped)):
            self._records.labels(signal, outcome).inc(count)
        for kind, count in decoded.redacted.items():
            self._redacted.labels(kind).inc(count)

    def stored(self, signal: str, count: int) -> None:
        """Count records that are durable."""
        self._records.labels(signal, "stored").inc(count)

    def committed(self, table: str, duration_s: float, is_durable: bool) -> None:
        """Count one commit of the store."""
        outcome = "durable" if is_durable else "failed"
        self._commits.labels(table, outcome).observe(duration_s)

    def watch(self, name: str, about: str, read: Callable[[], float]) -> None:
        """Show a value that is read when somebody asks for it."""
        Gauge(f"debrief_collector_{name}", about, registry=self.registry).set_function(read)

    def page(self) -> bytes:
        """All of it, as `CONTENT_TYPE`."""
        return generate_latest(self.registry)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"debrief_collector_{name}", about, labels, registry=self.registry)

    def _histogram(self, name: str, about: str, *labels: str) -> Histogram:
        return Histogram(
            f"debrief_collector_{name}",
            about,
            labels,
            buckets=_LATENCIES_S,
            registry=self.registry,
        )


def _outcome(error: Exception) -> str:
    if isinstance(error, BadRequest):
        return "refused"
    return "later" if isinstance(error, StoreError) else "failed"
