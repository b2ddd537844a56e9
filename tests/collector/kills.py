"""Kills what works on a store at random moments, runs it again, and compares where that ends."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from collector.store import Store, open_store
from tests.samples import ROOT

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = 6
FILES_A_DAY = 12
_SETUP = f"""
import sys
from datetime import datetime, timedelta
from pathlib import Path
from collector.importer import import_files
from collector.store import open_store
folder = Path(sys.argv[1])
store = open_store(str(folder / "store"), create=False)
redactor = store.redactor(key=b"k" * 32)
now = datetime.fromisoformat({NOW.isoformat()!r}) + timedelta(days={DAYS})
print("go", flush=True)
"""
ACTIONS = {
    "import": "import_files([folder / 'in.jsonl'], store, now=now, redactor=redactor)",
    "erase": "store.erase(user_id='alice@example.org', now=now, redact=redactor)",
    "compact": "store.compact(now)",
    "expire": "store.expire((now - timedelta(days=3)).date())",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What readers see, and what lies on disk."""

    spans: tuple[tuple[str, str], ...]
    events: int
    days: tuple[str, ...]
    leftovers: tuple[str, ...]
    holds_words_of_alice: bool


def a_folder(folder: Path) -> Path:
    """A store of many small files, and a file to import."""
    folder.mkdir(parents=True)
    store = open_store(str(folder / "store"), create=True)
    alice = store.redactor(key=b"k" * 32).user("alice@example.org")
    for number in range(DAYS * FILES_A_DAY):
        at = NOW + (number % DAYS) * DAY
        is_alice = number % 4 == 0
        store.append("spans", [a_span(n, at, alice if is_alice else None)
                               for n in range(number * 20, number * 20 + 20)], now=at)  # fmt: skip
    with (folder / "in.jsonl").open("w") as lines:
        for number in range(300):
            said = [{"role": "user", "content": f"question {number}"}] * 6
            lines.write(json.dumps({"id": f"imported-{number}", "messages": said}) + "\n")
    return folder


def a_span(number: int, at: datetime, user_id: str | None) -> dict[str, object]:
    words = f"the lighthouse plan of alice, number {number}" if user_id else "words of others"
    return {
        "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}",
        "received_ns": int(at.timestamp()) * 10**9,
        "conversation_id": f"c-{'alice' if user_id else number}-{number}",
        "user_id": user_id,
        "attributes": [("text", words), ("more", f"{number * 7919 % 10007} " * 400)],
    }


def state_of(store: Store) -> State:
    rows = store.scan("spans", columns=["trace_id", "span_id"]).to_pylist()
    files = sorted(path for path in store.root.rglob("*") if path.is_file())
    texts = [str(batch) for file in files if file.suffix == ".parquet" for batch in _texts(file)]
    return State(
        spans=tuple(sorted((row["trace_id"], row["span_id"]) for row in rows)),
        events=store.scan("events").num_rows,
        days=tuple(sorted({file.day.isoformat() for file in store.files.list("spans")})),
        leftovers=tuple(file.name for file in files if file.suffix == ".tmp"),
        holds_words_of_alice=any("lighthouse plan" in text for text in texts),
    )


def _texts(file: Path) -> list[object]:
    table = pq.read_table(file)
    return table["attributes"].to_pylist() if "attributes" in table.schema.names else []


def end_after_kills(action: str, base: Path, folder: Path, *, kills: int, seed: int) -> State:
    """Run `action` on a copy of `base`, killing it `kills` times; then let it end."""
    shutil.copytree(base, folder)
    moments = random.Random(seed)  # noqa: S311 -- a seed makes a failure repeatable
    longest_s = 1.0
    for _ in range(kills):
        child = _start(action, folder)
        started = time.monotonic()
        try:
            child.wait(moments.uniform(0, longest_s))
        except subprocess.TimeoutExpired:
            child.kill()
        else:  # it was done before: the next one is killed earlier
            longest_s = max(0.01, (time.monotonic() - started) * 0.9)
        child.wait()
    last = _start(action, folder)
    assert last.wait(120) == 0
    return state_of(open_store(str(folder / "store"), create=False))


def _start(action: str, folder: Path) -> subprocess.Popen[str]:
    """A process that has begun with `action`."""
    child = subprocess.Popen(
        [sys.executable, "-c", _SETUP + ACTIONS[action], str(folder)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "go\n"
    child.stdout.close()
    return child
