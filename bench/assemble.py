"""How fast a store becomes conversations, and in how much memory.

    python bench/assemble.py DIR       a store that `bench/store.py build DIR` made

DIR stays as it is: a compacted copy is read. bench/results/assemble.md is written. Each step runs
in a process of its own, which starts others where a period is large. CPU and RSS are those of all
of them. `--processes 1` measures without others.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow.compute as pc

from collector.assemble import Means, read_conversations, read_some
from collector.records import Conversation
from collector.store import Store, open_store
from collector.times import EPOCH

RESULTS = Path(__file__).parent / "results" / "assemble.md"
PERIODS: dict[str, timedelta | None] = {
    "newest day": timedelta(days=1),
    "week": timedelta(days=7),
    "all": None,
}
ONE = "one by id"
_IDS = 15
"""Conversations that are read one by one; the first pays for what is read once in a process."""


def measure(location: str, *, processes: int | None = None) -> list[str]:
    """The lines of the table, with its heading, for a compacted copy of a store."""
    with tempfile.TemporaryDirectory(dir=Path(location).absolute().parent) as folder:
        copy = Path(folder) / "store"
        # Files never change, so a link is a copy.
        shutil.copytree(location, copy, copy_function=os.link)
        open_store(str(copy), create=False).compact(datetime.now(UTC))
        return _table(str(copy), processes)


def _table(location: str, processes: int | None) -> list[str]:
    lines = [
        "| read | spans | conversations | wall s | CPU s | spans/s | RSS MB of all processes |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for step in PERIODS:
        found = _in_a_process(location, step, processes)
        rate = found["spans"] / found["wall_s"]
        lines.append(
            f"| {step} | {found['spans']:,} | {found['conversations']:,} | {found['wall_s']:.1f} "
            f"| {found['cpu_s']:.1f} | {rate:,.0f} | {found['rss_mb']:.0f} |"
        )
    found = _in_a_process(location, ONE, processes)
    lines.append(
        f"| {ONE} (median of {_IDS}, in process) | {found['spans']:,} | 1 | {found['wall_s']:.3f} "
        f"| {found['cpu_s']:.3f} | | {found['rss_mb']:.0f} |"
    )
    return lines


def _in_a_process(location: str, step: str, processes: int | None) -> dict[str, float]:
    command = [sys.executable, __file__, location, "--step", step]
    command += ["--processes", str(processes)] if processes else []
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run_step(location: str, step: str, means: Means) -> dict[str, float]:
    """One step in this process."""
    store = open_store(location, create=False)
    with _most_memory() as seen_mb:
        found = _one(store) if step == ONE else _period(store, PERIODS[step], means)
    found["rss_mb"] = max(seen_mb)
    return found


@contextmanager
def _most_memory() -> Iterator[list[float]]:
    """What this process and its children hold together, in MB, five times a second."""
    seen_mb, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
            seen_mb.append(sum(_resident_mb(each) for each in ["self", *children]))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen_mb
    finally:
        done.set()
        thread.join()


def _resident_mb(process: str) -> float:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:  # it has just ended
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def _period(store: Store, period: timedelta | None, means: Means) -> dict[str, Any]:
    since = _newest(store) - period if period else None
    began, cpu = time.perf_counter(), _cpu_s()
    items = read_conversations(store, received_since=since, means=means)
    conversations = sum(isinstance(item, Conversation) for item in items)
    wall_s, cpu_s = time.perf_counter() - began, _cpu_s() - cpu
    spans = store.scan("spans", since=since, columns=["trace_id"]).num_rows
    return {"spans": spans, "conversations": conversations, "wall_s": wall_s, "cpu_s": cpu_s}


def _one(store: Store) -> dict[str, Any]:
    walls, cpus = [], []
    for conversation_id in _some_ids(store):
        began, cpu = time.perf_counter(), _cpu_s()
        (found,) = read_some(store, [conversation_id])
        walls.append(time.perf_counter() - began)
        cpus.append(_cpu_s() - cpu)
        if found.conversation_id != conversation_id:
            raise AssertionError(f"asked for {conversation_id}, got {found.conversation_id}")
    spans = store.scan("spans", columns=["trace_id"]).num_rows
    return {"spans": spans, "wall_s": median(walls), "cpu_s": median(cpus)}


def _some_ids(store: Store) -> Iterator[str]:
    """Conversations of all days."""
    ids = sorted(
        filter(None, pc.unique(store.scan("spans", columns=["conversation_id"])[0]).to_pylist())
    )
    return iter(ids[:: max(1, len(ids) // _IDS)][:_IDS])


def _newest(store: Store) -> datetime:
    newest_ns = pc.max(store.scan("spans", columns=["received_ns"])[0]).as_py()
    return EPOCH + timedelta(microseconds=newest_ns // 1000)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("--processes", type=int)
    parser.add_argument("--step", help="only this step, as JSON")
    given = parser.parse_args(arguments)
    if given.step:
        means = Means(processes=given.processes)
        sys.stdout.write(json.dumps(run_step(given.store, given.step, means)))
        return
    text = "\n".join(
        [
            "# A store to conversations",
            "",
            "2 cores, Python 3.11; simulated corpus of `bench/store.py`.",
            "",
            *measure(given.store, processes=given.processes),
        ]
    )
    print(text)
    RESULTS.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
