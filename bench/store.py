"""A store of four weeks as a collector would have written it, and how fast it answers.

    python bench/store.py build DIR [--spans 1000000]

The corpus is made by gen_corpus.py, which is found by DEBRIEF_BENCH_TOOLS (default
../shared/bench): agent conversations with long messages, 7.5 KB a span on average, simulated.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from collector.otlp import decode_logs, decode_traces
from collector.store import open_store
from collector.store.store import to_arrow
from collector.times import EPOCH, to_ns

ROOT = Path(__file__).parent.parent
TOOLS = Path(os.environ.get("DEBRIEF_BENCH_TOOLS", ROOT / ".." / "shared" / "bench"))

FIRST_DAY = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 28
SPANS = 1_000_000
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
    stream = tools.stream(spans, days=DAYS, t0=to_ns(FIRST_DAY))
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("build",))
    parser.add_argument("store", metavar="DIR")
    parser.add_argument("--spans", type=int, default=SPANS)
    given = parser.parse_args()
    build(given.store, given.spans)


if __name__ == "__main__":
    main()
