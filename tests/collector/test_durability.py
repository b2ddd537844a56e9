"""What was acknowledged is there after a crash, a full disk or a stop; nothing is read twice."""

from __future__ import annotations

import re
import resource
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path

import pyarrow as pa
import pytest

from collector.errors import Busy, StoreError
from collector.store import Store, open_store
from collector.store.store import to_arrow
from collector.store.writer import GroupWriter
from tests.collector.wire import Collector, a_collector, a_trace_request

SENDERS = 8
SPANS = 5
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def span_ids(store: Path) -> list[str]:
    return list(open_store(str(store), create=False).scan("spans")["span_id"].to_pylist())


class Senders:
    """Threads that send spans, each with an id of its own, until the collector is gone."""

    def __init__(self, collector: Collector) -> None:
        self.acknowledged: set[str] = set()
        self.statuses: list[int] = []
        self._collector = collector
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=(i,)) for i in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 30
        while len(self.acknowledged) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.acknowledged) >= count

    def join(self) -> None:
        for thread in self._threads:
            thread.join(timeout=30)

    def _send(self, sender: int) -> None:
        for number in range(10_000):
            first = (sender * 10_000 + number) * SPANS + 1
            body = a_trace_request(first=first, spans=SPANS, attributes={"text": "x" * 2000})
            try:
                status, _, _ = self._collector.post("/v1/traces", body.SerializeToString())
            except (OSError, HTTPException):
                return
            with self._lock:
                self.statuses.append(status)
                if status == 200:
                    self.acknowledged |= {f"{first + i:016x}" for i in range(SPANS)}


def test_every_acknowledged_span_survives_kill_9_and_is_read_once(tmp_path):
    with a_collector(tmp_path) as collector:
        senders = Senders(collector)
        senders.wait_for(300)
        collector.stop(signal.SIGKILL)
        senders.join()

    found = span_ids(tmp_path)

    assert senders.acknowledged <= set(found)
    assert len(found) == len(set(found))


def test_a_sender_that_repeats_itself_after_a_crash_adds_nothing(tmp_path):
    body = a_trace_request(spans=SPANS).SerializeToString()
    for _ in range(2):
        with a_collector(tmp_path) as collector:
            assert collector.post("/v1/traces", body)[0] == 200
            collector.stop(signal.SIGKILL)

    assert len(span_ids(tmp_path)) == SPANS


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopping_collector_finishes_what_is_under_way(tmp_path, number):
    with a_collector(tmp_path) as collector:
        senders = Senders(collector)
        senders.wait_for(100)
        assert collector.stop(number) == 0
        senders.join()

    assert set(senders.statuses) <= {200, 503}
    assert senders.acknowledged <= set(span_ids(tmp_path))
    assert "leaked" not in "".join(collector.log)


def test_a_full_disk_says_try_again_later_and_recovers(tmp_path):
    body = a_trace_request(spans=SPANS).SerializeToString()
    with a_collector(tmp_path) as collector:
        pid = collector.process.pid
        assert collector.post("/v1/traces", body)[0] == 200
        limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)

        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, limits[1]))
        full = collector.post("/v1/traces", a_trace_request(first=50).SerializeToString())
        ready_when_full = collector.get("/readyz")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
        again = collector.post("/v1/traces", a_trace_request(first=50).SerializeToString())

        assert (full[0], int(full[1]["retry-after"]) > 0, ready_when_full) == (503, True, 503)
        assert (again[0], collector.get("/readyz")) == (200, 200)

    assert len(span_ids(tmp_path)) == SPANS + 1
    assert not list(tmp_path.rglob("*.tmp"))


@dataclass(frozen=True)
class Called:
    """One system call of a trace: its text, and at which lines it began and ended."""

    text: str
    began: int
    ended: int


def system_calls(lines: list[str]) -> list[Called]:
    """Read what `strace -f -y` wrote: of a call that another thread interrupts, two lines."""
    calls: list[Called] = []
    open_calls: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(lines):
        thread, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            open_calls[thread] = (text, number)
        elif text.startswith("<... ") and thread in open_calls:
            began_text, began = open_calls.pop(thread)
            calls.append(Called(began_text, began, number))
        else:
            calls.append(Called(text, number, number))
    return calls


def test_a_request_is_written_synced_named_and_its_folder_synced_before_it_is_acknowledged(
    tmp_path,
):
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: the order of system calls cannot be seen")
    trace, store = tmp_path / "trace", tmp_path / "store"
    watched = "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,send,sendto,sendmsg"
    # As a grandchild (-D) strace leaves the collector a direct child, which can be stopped.
    under = (strace, "-D", "-f", "-y", "-s", "40", "-e", f"trace={watched}", "-o", str(trace))
    with a_collector(store, under=under) as collector:
        body = a_trace_request(spans=SPANS, attributes={"text": "x" * 2000}).SerializeToString()
        assert collector.post("/v1/traces", body)[0] == 200
        collector.stop()

    calls = system_calls(trace.read_text(errors="replace").splitlines())

    def first(pattern: str, after: Called | None = None) -> Called:
        """The first call like this that began when `after` had ended."""
        since = after.ended if after else -1
        found = (one for one in calls if one.began > since and re.search(pattern, one.text))
        return next(found, None) or pytest.fail(f"no {pattern} after {after}")

    written = first(r"^p?write\w*\(\d+<[^>]*/spans/[^>]*\.tmp>")
    synced = first(r"^f(data)?sync\(\d+<[^>]*/spans/[^>]*\.tmp>", written)
    named = first(r"^rename\w*\(.*/spans/.*\.tmp.*/spans/.*\.parquet", synced)
    assert [one for one in calls if one.began > synced.began and ".tmp>" in one.text] == []
    folder = first(r"^fsync\(\d+<[^>]*/spans/date=[^/>]*>", named)
    first(r"^send\w*\(.*HTTP/1.1 200|^write\w*\(.*HTTP/1.1 200", folder)
    answers = [one for one in calls if "HTTP/1.1 200" in one.text]
    assert len(answers) == 1


# ---- the writer on its own


def rows(count: int = 1, first: int = 1) -> pa.Table:
    return to_arrow(
        "spans",
        [{"trace_id": "a" * 32, "span_id": f"{first + i:016x}"} for i in range(count)],
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path), create=True)


def test_requests_that_wait_share_one_file(store):
    writer = GroupWriter(store, clock=lambda: NOW)
    with ThreadPoolExecutor(SENDERS) as pool:
        futures = list(pool.map(lambda i: writer.submit("spans", rows(first=i)), range(200)))
    for future in futures:
        future.result(timeout=20)

    assert store.scan("spans").num_rows == 200
    assert len(list(store.root.rglob("*.parquet"))) < 100
    assert writer.close(timeout_s=5)


def test_too_much_waiting_turns_senders_away(store):
    may_go_on = threading.Event()

    def slow_clock() -> datetime:
        may_go_on.wait(20)
        return NOW

    writer = GroupWriter(store, clock=slow_clock, queue_bytes=1)
    first = writer.submit("spans", rows())
    time.sleep(0.2)
    second = writer.submit("spans", rows(first=2))
    with pytest.raises(Busy, match="later"):
        writer.submit("spans", rows(first=3))
    may_go_on.set()

    first.result(timeout=20)
    second.result(timeout=20)
    assert writer.close(timeout_s=5)


def test_a_closed_writer_has_written_all_and_takes_no_more(store):
    writer = GroupWriter(store, clock=lambda: NOW)
    futures = [writer.submit("spans", rows(first=i)) for i in range(20)]

    assert writer.close(timeout_s=20)

    assert all(future.done() for future in futures)
    assert store.scan("spans").num_rows == 20
    with pytest.raises(Busy, match="stopping"):
        writer.submit("spans", rows())


def test_whatever_goes_wrong_every_sender_and_the_log_hear_of_it(store, caplog):
    answers = iter([ValueError("clock fell off the wall"), NOW])

    def broken_clock() -> datetime:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    writer = GroupWriter(store, clock=broken_clock)
    with pytest.raises(StoreError, match="fell off the wall"):
        writer.submit("spans", rows()).result(timeout=20)
    assert "fell off the wall" in caplog.text

    writer.submit("spans", rows()).result(timeout=20)
    assert writer.close(timeout_s=5)
