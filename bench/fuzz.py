"""Broken requests by the hundred thousand: does any crash, hang or cost a neighbour its place?

    python bench/fuzz.py [--inputs 100000] [--through 3000] [--first 0]

Requests of real instrumentations with values, keys, ids, times and bytes broken, in protobuf and in
JSON (tests/collector/mutations.py), each with a whole record beside what is broken. In process they
go from bytes to what a person reads; a share goes through a running collector. Any fault is printed
with its number: `broken(number)` makes that request again. Writes bench/results/fuzz.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from collector.errors import BadRequest
from collector.otlp import decode_logs, decode_traces
from collector.store import open_store
from tests.collector.conversations import OPEN_BOOK
from tests.collector.mutations import Broken, broken
from tests.collector.test_fuzz import put_through
from tests.collector.wire import a_collector

RESULTS = Path(__file__).parent / "results" / "fuzz.md"
SENDERS = 4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--through", type=int, default=3_000, help="through a running collector")
    parser.add_argument("--first", type=int, default=0, help="number of the first request")
    given = parser.parse_args()
    counts = in_process(range(given.first, given.first + given.inputs))
    sent = through_a_collector(range(given.first, given.first + given.through))
    lines = [
        "# Broken requests",
        "",
        (__doc__ or "").split("\n\n")[2].replace("\n", " "),
        "",
        "| what | in process | through a running collector |",
        "|---|---:|---:|",
        *(
            f"| {what} | {counts.get(what, '')} | {sent.get(what, '')} |"
            for what in dict.fromkeys((*counts, *sent))
        ),
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 1 if counts["crashes, hangs or lost neighbours"] or sent["lost neighbours"] else 0


def in_process(numbers: range) -> dict[str, float]:
    found: Counter[str] = Counter()
    slowest_s = 0.0
    for number in numbers:
        each = broken(number)
        began = time.process_time()
        try:
            put_through(each)
        except Exception:  # noqa: BLE001 (whatever it is, it is what the fuzzer looks for)
            found["crashes"] += 1
            print(f"request {number}:", file=sys.stderr)
            traceback.print_exc()
            continue
        slowest_s = max(slowest_s, time.process_time() - began)
        found["JSON" if each.is_json else "protobuf"] += 1
        found[what_became_of(each)] += 1
    return {
        "requests": len(numbers),
        "in protobuf": found["protobuf"],
        "in JSON": found["JSON"],
        "taken whole": found["whole"],
        "taken in part": found["part"],
        "refused with 400": found["refused"],
        "crashes, hangs or lost neighbours": found["crashes"],
        "slowest, CPU ms": round(1000 * slowest_s),
    }


def what_became_of(each: Broken) -> str:
    decode = decode_traces if each.signal == "traces" else decode_logs
    try:
        decoded = decode(each.body, json=each.is_json, received_ns=1, redact=OPEN_BOOK)
    except BadRequest:
        return "refused"
    return "part" if decoded.rejected else "whole"


def through_a_collector(numbers: range) -> dict[str, float]:
    requests = [broken(number) for number in numbers]
    with tempfile.TemporaryDirectory() as folder, a_collector(Path(folder)) as collector:

        def post(each: Broken) -> int:
            kind = "application/json" if each.is_json else "application/x-protobuf"
            return collector.post(f"/v1/{each.signal}", each.body, content_type=kind)[0]

        with ThreadPoolExecutor(SENDERS) as pool:
            statuses = Counter(pool.map(post, requests))
        is_alive = collector.process.poll() is None
        stored = open_store(folder, create=False)
        ids = set(stored.scan("spans")["span_id"].to_pylist())
        ids |= set(stored.scan("events")["event_id"].to_pylist())
    unexpected = sum(count for status, count in statuses.items() if status not in (200, 400))
    neighbours = {each.neighbour for each in requests if each.neighbour}
    return {
        "requests": len(requests),
        "refused with 400": statuses[400],
        "answered otherwise": unexpected,
        "neighbours": len(neighbours),
        "lost neighbours": len(neighbours - ids) + (not is_alive),
    }


if __name__ == "__main__":
    sys.exit(main())
