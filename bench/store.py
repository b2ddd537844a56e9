"""A store of four weeks as a collector would have written it, and how fast it answers.

    python bench/store.py build DIR [--spans 1000000]
    python bench/store.py measure DIR       leaves DIR as it is; writes bench/results/store.md

The corpus is simulated: agent conversations with long messages, 7.5 KB a span on average, received
over 28 days. gen_corpus.py makes it and is found by DEBRIEF_BENCH_TOOLS (default ../shared/bench).
Each step runs in a process of its own; RSS is the peak of that process.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from collector.otlp import decode_logs, decode_traces
from collector.store import Store, open_store, upkeep
from collector.store.hiding import Hidden
from collector.store.proof import prove
from collector.store.reading import hidden_now
from collector.store.store import to_arrow
from collector.times import EPOCH, to_ns

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results" / "store.md"
TOOLS = Path(os.environ.get("DEBRIEF_BENCH_TOOLS", ROOT / ".." / "shared" / "bench"))

FIRST_DAY = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 28
SPANS = 1_000_000
SPANS_PER_CONVERSATION = 9.5
"""Of this corpus, as counted; it spreads the conversations over the days."""
CONVERSATION = "c-00001234"
NOW = FIRST_DAY + timedelta(days=DAYS + 1)
REQUEST_SPANS = 100
COMMIT_BYTES = 8 * 2**20
"""What one group commit of the collector takes up (`GroupWriter`)."""


def build(location: str, spans: int) -> None:
    """Fill an empty store with `spans` spans of four weeks, and feedback on the conversations.

    Each request is received when its last span ends, and a file holds what one group commit would.
    """
    store = open_store(location, create=True)
    redact = store.redactor()
    pending, pending_bytes, at = list[pa.Table](), 0, FIRST_DAY
    started = time.process_time()
    for received, request, logs in _requests(spans):
        if pending and (pending_bytes >= COMMIT_BYTES or received.date() != at.date()):
            store.append_arrow("spans", pa.concat_tables(pending), now=at)
            pending, pending_bytes = [], 0
        at = received
        arrived = {"json": False, "received_ns": to_ns(received), "redact": redact}
        rows = to_arrow("spans", decode_traces(request.SerializeToString(), **arrived).rows)
        pending.append(rows)
        pending_bytes += rows.nbytes
        if logs is not None:
            store.append("events", decode_logs(logs.SerializeToString(), **arrived).rows, now=at)
    store.append_arrow("spans", pa.concat_tables(pending), now=at)
    print(f"built {spans} spans in {time.process_time() - started:.0f} CPU seconds")


def _requests(spans: int) -> Iterator[tuple[datetime, Any, Any]]:
    """Time of receipt, a request of spans, and sometimes one of feedback; time never goes back."""
    tools = corpus_tools()
    batch, ended, received = list[dict[str, Any]](), dict[str, int](), FIRST_DAY
    stream = tools.stream(spans, days=DAYS, t0=to_ns(FIRST_DAY), perconv=SPANS_PER_CONVERSATION)
    last = FIRST_DAY + timedelta(days=DAYS, microseconds=-1)
    for number, span in enumerate(stream, start=1):
        batch.append(span)
        ended[span["attrs"]["gen_ai.conversation.id"]] = span["end"]
        if len(batch) == REQUEST_SPANS or number == spans:
            newest = EPOCH + timedelta(microseconds=max(s["end"] for s in batch) // 1000)
            received = max(received, min(newest, last))
            logs = None
            if len(ended) >= 10 * REQUEST_SPANS or number == spans:
                logs, ended = tools.feedback(ended.items()), {}
            yield received, tools.to_proto(batch), logs
            batch = []


def corpus_tools() -> ModuleType:
    """The module gen_corpus.py, which is not part of this project."""
    path = TOOLS / "gen_corpus.py"
    spec = importlib.util.spec_from_file_location("gen_corpus", path)
    if spec is None or spec.loader is None or not path.exists():
        raise SystemExit(f"{path} is missing; give its folder by DEBRIEF_BENCH_TOOLS")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- steps; each gives what it has to say beside its cost


def group_by(store: Store) -> str:
    """four-week group-by, repeats dropped"""
    columns = ["service", "name", "status", "start_ns", "end_ns"]
    rows = store.scan("spans", since=FIRST_DAY, columns=columns)
    groups = rows.group_by(["service", "name", "status"]).aggregate([("start_ns", "count")])
    return f"{rows.num_rows:,} spans in {groups.num_rows} groups"


def one_conversation(store: Store) -> str:
    """one conversation by id"""
    rows = store.scan("spans", where="conversation_id = $id", parameters={"id": CONVERSATION})
    return f"{rows.num_rows} spans"


def newest_day(store: Store) -> str:
    """all columns of the newest day, streamed"""
    newest = store.files.list("spans")[-1].day
    return _streamed(store, datetime.combine(newest, datetime.min.time(), UTC))


def everything(store: Store) -> str:
    """all columns of all days, streamed"""
    return _streamed(store, None)


def compaction(store: Store) -> str:
    """compaction"""
    done = store.compact(NOW)
    return f"{done.files_before:,} files became {done.files_after:,}"


def hiding(store: Store) -> str:
    """erasure of a user: hidden from readers"""
    (user,) = set(store.scan("spans", columns=["user_id"], where="conversation_id = $id",
                             parameters={"id": CONVERSATION})["user_id"].to_pylist())  # fmt: skip
    upkeep.record_erasure(store.files, Hidden(user_ids=(user,)), now=NOW)
    return user


def rewriting(store: Store) -> str:
    """erasure of a user: files rewritten"""
    hidden = hidden_now(store.files)
    count = upkeep.remove_hidden(store.files, hidden, now=NOW)
    return f"{len(hidden.conversation_ids)} conversations, {count} files"


def proving(store: Store) -> str:
    """erasure of a user: every byte searched"""
    hidden = hidden_now(store.files)
    proof = prove(store.files, [*hidden.user_ids, *hidden.conversation_ids], [])
    remnants = len(proof.remnants)
    return f"{proof.searched_bytes / 1e9:.1f} GB, {proof.ids} ids, {remnants} remnants"


def group_by_after_erasure(store: Store) -> str:
    """four-week group-by where somebody was erased"""
    return group_by(store)


def expiry(store: Store) -> str:
    """retention: two weeks removed"""
    return f"{store.expire((FIRST_DAY + timedelta(days=14)).date())} day folders"


STEPS = {
    "as written": (group_by, one_conversation, newest_day, everything, compaction),
    "after compaction": (
        group_by, one_conversation, newest_day, everything, hiding, rewriting, proving,
        group_by_after_erasure, expiry,
    ),
}  # fmt: skip


def _streamed(store: Store, since: datetime | None) -> str:
    rows = sum(batch.num_rows for batch in store.scan_batches("spans", since=since))
    return f"{rows:,} spans"


def measure(location: str) -> list[str]:
    """Run every step on a copy of a store that `build` made; gives the lines of a table."""
    with tempfile.TemporaryDirectory(dir=Path(location).absolute().parent) as folder:
        copy = Path(folder) / "store"
        # Files never change, so a link is a copy.
        shutil.copytree(location, copy, copy_function=os.link)
        size = sum(file.stat().st_size for file in copy.rglob("*.parquet"))
        lines = [
            f"{size / 2**30:.2f} GiB as written.",
            "",
            "| state | step | what | CPU s | wall s | peak RSS MB |",
            "|---|---|---|---:|---:|---:|",
        ]
        for state, steps in STEPS.items():
            for step in steps:
                command = [sys.executable, __file__, "step", str(copy), "--step", step.__name__]
                told = subprocess.run(command, check=True, capture_output=True, text=True)
                lines.append(f"| {state} | {step.__doc__} | {told.stdout.strip()} |")
                print(lines[-1], flush=True)
    return lines


def run_step(location: str, name: str) -> None:
    """Run one step in this process and print its cells; once before, if it may be run again."""
    store = open_store(location, create=False)
    (step,) = {step for steps in STEPS.values() for step in steps if step.__name__ == name}
    if step is one_conversation:
        step(store)
    wall, cpu = time.perf_counter(), time.process_time()
    told = step(store)
    cost = f"{time.process_time() - cpu:.2f} | {time.perf_counter() - wall:.2f}"
    print(f"{told} | {cost} | {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("build", "measure", "step"))
    parser.add_argument("store", metavar="DIR")
    parser.add_argument("--spans", type=int, default=SPANS)
    parser.add_argument("--step")
    given = parser.parse_args()
    if given.action == "build":
        build(given.store, given.spans)
    elif given.action == "step":
        run_step(given.store, given.step)
    else:
        about = (__doc__ or "").split("\n\n")[2].replace("\n", " ")
        text = "\n".join(["# The store", "", f"{about} 2 cores, Python 3.11.", "",
                          *measure(given.store)])  # fmt: skip
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
