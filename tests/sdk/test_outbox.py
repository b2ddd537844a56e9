"""The queue between the agent and the network."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence

import pytest
from debrief.outbox import Limits, Outbox
from opentelemetry.sdk.trace.export import SpanExportResult

QUICK = Limits(items=10, total_bytes=1000, batch_items=4, batch_bytes=200, delay_s=0.01)


class Receiver:
    """An exporter; keeps what it is given, and fails or waits where it is told to."""

    def __init__(self, *, failures: int = 0, wait_for: threading.Event | None = None) -> None:
        self.batches: list[list[int]] = []
        self.began = threading.Event()
        self._failures = failures
        self._wait_for = wait_for

    def export(self, batch: Sequence[int], /) -> SpanExportResult:
        self.began.set()
        if self._wait_for is not None:
            self._wait_for.wait(10)
        if self._failures:
            self._failures -= 1
            raise OSError("the network is away")
        self.batches.append(list(batch))
        return SpanExportResult.SUCCESS


def an_outbox(make: Callable[[], Receiver], **limits: float) -> Outbox[int]:
    chosen = {name: getattr(QUICK, name) for name in Limits.__slots__} | limits
    return Outbox("spans", make, limits=Limits(**chosen))


def test_everything_is_sent_in_order_and_in_batches_of_bounded_size() -> None:
    receiver = Receiver()
    outbox = an_outbox(lambda: receiver)

    for number in range(6):
        outbox.put(number, 60 if number < 3 else 150)

    assert outbox.flush(5)
    assert [number for batch in receiver.batches for number in batch] == [0, 1, 2, 3, 4, 5]
    assert all(len(batch) <= 4 for batch in receiver.batches)
    assert outbox.dropped == 0


@pytest.mark.parametrize(
    ("size_bytes", "kept"),
    [pytest.param(1, 10, id="by-number"), pytest.param(300, 3, id="by-bytes")],
)
def test_a_full_outbox_drops_and_counts(size_bytes: int, kept: int) -> None:
    go_on = threading.Event()
    receiver = Receiver(wait_for=go_on)
    outbox = an_outbox(lambda: receiver)

    for number in range(25):
        outbox.put(number, size_bytes)
    go_on.set()

    assert outbox.flush(5)
    assert sum(map(len, receiver.batches)) == kept
    assert outbox.dropped == 25 - kept


def test_what_cannot_be_sent_is_sent_again() -> None:
    receiver = Receiver(failures=3)
    outbox = an_outbox(lambda: receiver, pause_s=0.01)

    outbox.put(1, 1)

    assert outbox.flush(5)
    assert receiver.batches == [[1]]
    assert outbox.dropped == 0


def test_what_can_never_be_sent_is_given_up_in_the_end() -> None:
    receiver = Receiver(failures=10**9)
    outbox = an_outbox(lambda: receiver, pause_s=0.01, patience_s=0.05)

    outbox.put(1, 1)

    assert outbox.flush(5)
    assert outbox.dropped == 1


def test_closing_waits_no_longer_than_it_may() -> None:
    go_on = threading.Event()
    receiver = Receiver(wait_for=go_on)
    outbox = an_outbox(lambda: receiver)
    outbox.put(1, 1)
    receiver.began.wait(5)

    started = time.monotonic()
    outbox.close(0.1)

    assert time.monotonic() - started < 2
    assert outbox.dropped == 1
    go_on.set()


def test_a_child_process_sends_what_is_its_own_and_not_what_the_parent_sends() -> None:
    read, write = os.pipe()
    go_on = threading.Event()
    receiver = Receiver(wait_for=go_on)
    outbox = an_outbox(lambda: receiver)
    outbox.put(1, 1)
    receiver.began.wait(5)
    outbox.put(2, 1)

    child = os.fork()
    if child == 0:
        receiver.__init__()  # type: ignore[misc]
        outbox.put(3, 1)
        is_sent = outbox.flush(5)
        os.write(write, repr((is_sent, receiver.batches)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    go_on.set()

    assert os.read(read, 100) == b"(True, [[3]])"
    assert outbox.flush(5)
    assert receiver.batches == [[1], [2]]
    os.close(read)
    os.close(write)
