"""How soon after its end a conversation has its intents: a collector and a follower, both running.

    python bench/intents_follow.py   (about two minutes, mostly waiting; DEBRIEF_SAMPLES)

Real processes: `debrief collect` takes OTLP over HTTP, `debrief intents assign --follow` labels.
Both know tau_airline_gpt4o (tau-bench, MIT) from before; some of its conversations are then sent
again under new ids, turn by turn, as a chat span for each turn. Timed from the answer to the last
span to the label in the store. Writes bench/results/intents_follow.md.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.commands.derived import labels_of
from collector.store import Store, open_store

ROOT = Path(__file__).parent.parent
SAMPLES = Path(os.environ.get("DEBRIEF_SAMPLES", ROOT / ".." / "shared" / "data"))
RESULTS = ROOT / "bench" / "results" / "intents_follow.md"
DATA = SAMPLES / "conversations" / "tau_airline_gpt4o.jsonl.gz"
AGENT = "airline"
START_S = 60.0
"""For a process to listen or to have labelled what is there."""
LABEL_S = 180.0
"""Longer than the claim, so that a miss is a number and not an error."""
CLAIMED_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=8)
    parser.add_argument("--turn-s", type=float, default=0.5, help="between two turns")
    asked = parser.parse_args()
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][: asked.conversations]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        run("import", DATA, "--store", store)
        with collecting(store) as port, following(store):
            took = [*timed(open_store(str(store), create=False), rows, port, asked.turn_s)]
    lines_of_table = [*table(took)]
    print("\n".join(lines_of_table))
    RESULTS.write_text("\n".join(lines_of_table) + "\n", encoding="utf-8")


def timed(
    store: Store, rows: Sequence[dict[str, Any]], port: int, turn_s: float
) -> Iterator[tuple[float, int]]:
    """Seconds from the last span's answer to the label, and how many intents it has; -1 for none.

    Conversations end one after another while the ones before wait for their label.
    """
    ended: dict[str, float] = {}
    found: dict[str, tuple[float, int]] = {}

    def look() -> None:
        for name in ended.keys() - found.keys():
            labels = labels_of(store, AGENT, name) if has_label(store, name) else None
            if labels is not None:
                found[name] = (time.monotonic() - ended[name], len(labels))

    for number, row in enumerate(rows):
        name = f"live-{number}"
        for body in spans_of(name, number, row["messages"]):
            send(port, body)
            time.sleep(turn_s)
            look()
        ended[name] = time.monotonic() - turn_s
    while len(found) < len(ended) and time.monotonic() - max(ended.values()) < LABEL_S:
        time.sleep(0.1)
        look()
    for name in ended:
        yield found.get(name, (-1.0, 0))


def has_label(store: Store, name: str) -> bool:
    """Also where the label says that no intent fits."""
    import pyarrow.parquet as pq

    path = store.root / "derived" / "labels.parquet"
    return name in pq.read_table(path, columns=["conversation_id"])["conversation_id"].to_pylist()


def spans_of(name: str, number: int, messages: list[dict[str, Any]]) -> Iterator[bytes]:
    """One request for each answer of the agent: what was said before it, and the answer."""
    said = [one for one in messages if one["role"] in ("user", "assistant") and one.get("content")]
    trace = f"{number + 1:032x}"
    for at, one in enumerate(said):
        if one["role"] != "assistant":
            continue
        now = time.time_ns()
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.agent.name": AGENT,
            "gen_ai.conversation.id": name,
            "user.id": f"caller-{number}",
            "gen_ai.input.messages": json.dumps([part(before) for before in said[:at]]),
            "gen_ai.output.messages": json.dumps([part(one)]),
        }
        span = {
            "traceId": trace,
            "spanId": f"{at + 1:016x}",
            "name": "chat",
            "kind": 3,
            "startTimeUnixNano": str(now - 10**8),
            "endTimeUnixNano": str(now),
            "attributes": [
                {"key": key, "value": {"stringValue": value}} for key, value in attributes.items()
            ],
        }
        yield json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


def part(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "role": message["role"],
        "parts": [{"type": "text", "content": message["content"]}],
    }


def send(port: int, body: bytes) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/traces",
        data=body,
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


def run(*arguments: object) -> None:
    subprocess.run(command(*arguments), check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "bot.cli", *map(str, arguments)]


@contextmanager
def collecting(store: Path) -> Iterator[int]:
    with socket.socket() as free, socket.socket() as other:
        free.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        port, grpc = free.getsockname()[1], other.getsockname()[1]
    with process(
        "collect", "--store", store, "--http", f"127.0.0.1:{port}", "--grpc", f"127.0.0.1:{grpc}"
    ):
        wait_for(lambda: can_connect(port), "the collector does not listen")
        yield port


@contextmanager
def following(store: Path) -> Iterator[None]:
    with process("intents", "assign", "--follow", "--store", store):
        labels = store / "derived" / "labels.parquet"
        wait_for(labels.exists, "nothing was labelled")
        yield


@contextmanager
def process(*arguments: object) -> Iterator[None]:
    started = subprocess.Popen(
        command(*arguments), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(timeout=30)


def can_connect(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def wait_for(is_so: Any, problem: str) -> None:
    begun = time.monotonic()
    while not is_so():
        if time.monotonic() - begun > START_S:
            raise SystemExit(problem)
        time.sleep(0.1)


def table(took: Sequence[tuple[float, int]]) -> Iterator[str]:
    yield f"# Labels of live conversations\n\n{paragraph()}\n"
    yield "| conversations | labelled | with an intent | median s | slowest s | within 60 s |"
    yield "|---:|---:|---:|---:|---:|---:|"
    seconds = sorted(one for one, _ in took if one >= 0)
    middle = seconds[len(seconds) // 2] if seconds else float("nan")
    yield (
        f"| {len(took)} | {len(seconds)} | {sum(intents > 0 for _, intents in took)} "
        f"| {middle:.1f} | {seconds[-1] if seconds else float('nan'):.1f} "
        f"| {sum(one <= CLAIMED_S for one in seconds)} |"
    )


def paragraph() -> str:
    return " ".join((__doc__ or "").split("\n\n")[2].split()).replace(
        " Writes bench/results/intents_follow.md.", " 2 cores, Python 3.11."
    )


if __name__ == "__main__":
    main()
