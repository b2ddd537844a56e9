"""The collector under load, and what is left after it was killed.

    python bench/ingest.py [--only floor,load,peer,kills,soak,million] [--spans 20000] [--runs 3]
        [--kills 100] [--soak 600] [--phoenix VENV] [--million DIR] [--work DIR]

Spans are simulated: agent conversations with long messages, 7.5 KB a span on average. The load
generator shares the machine with the collector. Ratios are to what protobuf alone reaches on the
same bytes in the same minutes: `parse` makes objects, `walk` also reads every attribute into Python
values. A span counts when it is acknowledged, which is when it is durable; medians of the runs.
Each section replaces its own rows of bench/results/ingest.md and leaves the others.

The tools that make and send the corpus are found by DEBRIEF_BENCH_TOOLS (default ../shared/bench),
Arize Phoenix in a virtual environment by --phoenix, a store of bench/store.py by --million.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import importlib.util
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from collector.store import open_store
from tests.collector.captured import as_json
from tests.collector.wire import Collector, a_collector, a_trace_request

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results" / "ingest.md"
TOOLS = Path(os.environ.get("DEBRIEF_BENCH_TOOLS", ROOT / ".." / "shared" / "bench"))
HEAD = ("| section | what | figure | aim |", "|---|---|---|---|")
WARM_SPANS = 1000
KILL_SENDERS = 8
SOAK_SPANS_PER_S = 2000
"""Of a busy agent; a closed loop would fill the disk with tens of gigabytes."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    figure: str
    aim: str = ""


Section = Callable[[argparse.Namespace], list[Row]]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help="sections, with commas between them")
    parser.add_argument("--spans", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--soak", type=int, default=600, metavar="SECONDS")
    parser.add_argument("--phoenix", type=Path, metavar="VENV")
    parser.add_argument("--peer-spans", type=int, default=2_000)
    parser.add_argument("--million", type=Path, metavar="DIR")
    parser.add_argument("--work", type=Path, help="for corpora, kept; else a temporary folder")
    given = parser.parse_args()
    names = given.only.split(",") if given.only else list(SECTIONS)
    if unknown := set(names) - set(SECTIONS):
        parser.error(f"{', '.join(sorted(unknown))}: no section; there are {', '.join(SECTIONS)}")
    with tempfile.TemporaryDirectory() as folder:
        given.work = given.work or Path(folder)
        given.work.mkdir(parents=True, exist_ok=True)
        for name in names:
            rows = SECTIONS[name](given)
            write(name, rows)
            for row in rows:
                print(f"{name:8} {row.what:60} {row.figure:60} {row.aim}", flush=True)
    return 0


def write(section: str, rows: Sequence[Row]) -> None:
    """Replace the rows of one section in the file."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    kept: dict[str, list[str]] = {}
    for line in lines:
        cells = line.split("|")
        if line.startswith("| ") and len(cells) > 2 and cells[1].strip() in SECTIONS:
            kept.setdefault(cells[1].strip(), []).append(line)
    kept[section] = [f"| {section} | {row.what} | {row.figure} | {row.aim} |" for row in rows]
    about = (__doc__ or "").split("\n\n")[2].replace("\n", " ")
    text = ["# The collector under load", "", f"{about} 2 cores, Python 3.11.", "", *HEAD]
    text += [line for name in SECTIONS for line in kept.get(name, ())]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(text) + "\n", encoding="utf-8")


# ---- the corpus and the floor


def tool(name: str) -> ModuleType:
    """One of the tools, as a module."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    if spec is None or spec.loader is None or not (TOOLS / f"{name}.py").exists():
        sys.exit(f"{name}.py is not in {TOOLS}; set DEBRIEF_BENCH_TOOLS")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def corpus(given: argparse.Namespace, prefix: str = "c", spans: int = 0, seed: int = 1) -> Path:
    """A file of requests, made once."""
    spans = spans or given.spans
    path: Path = given.work / f"{prefix}-{spans}.otlp"
    if not path.exists():
        command = [sys.executable, TOOLS / "gen_corpus.py", "--spans", str(spans), "--out", path]
        options = ["--prefix", prefix, "--seed", str(seed)]
        subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
    return path


Batches = list[tuple[bytes, int, int]]
"""Body, spans, bytes in protobuf."""


def batches(path: Path, spans: int) -> Batches:
    return [(body, count, len(body)) for body, count in tool("ingest_bench").corpus(path, spans)]


@dataclass(frozen=True, slots=True)
class Floor:
    """Spans a second of protobuf alone."""

    parse: float
    walk: float


def measure_floor(path: Path, runs: int) -> Floor:
    command = [sys.executable, TOOLS / "decode_floor.py", "--corpus", path, "--runs", str(runs)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = dict(re.findall(r"^(parse|walk) warm\s+(\d+) spans/s", told, re.M))
    return Floor(float(found["parse"]), float(found["walk"]))


def floor(given: argparse.Namespace) -> list[Row]:
    found = measure_floor(corpus(given), 9)
    return [
        Row("protobuf, parse, warm", f"{found.parse:,.0f} spans/s"),
        Row("protobuf, walk, warm", f"{found.walk:,.0f} spans/s"),
    ]


# ---- load


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """One way to send."""

    what: str
    senders: int = 8
    is_grpc: bool = False
    is_json: bool = False
    redacted: bool = True
    aims: dict[str, float] = field(default_factory=dict)
    """Least ratios to `walk` and `parse`."""


SETUPS = (
    Setup(what="HTTP protobuf, 1 sender", senders=1),
    Setup(what="HTTP protobuf, 8 senders", aims={"walk": 0.20}),
    Setup(what="HTTP protobuf, 32 senders", senders=32),
    Setup(
        what="HTTP protobuf, 8 senders, nothing redacted",
        redacted=False,
        aims={"walk": 0.35, "parse": 0.035},
    ),
    Setup(what="gRPC, 8 senders", is_grpc=True),
    Setup(what="HTTP JSON, 8 senders", is_json=True),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One run."""

    spans_per_s: float
    mb_per_s: float
    p50_ms: float
    p99_ms: float
    rss_mb: float
    cpu_s_per_1000: float
    walk: float
    """Spans a second as a share of the floor's walk."""
    parse: float


def load(given: argparse.Namespace) -> list[Row]:
    path = corpus(given)
    sent = batches(path, given.spans)
    warm = batches(corpus(given, "warm", WARM_SPANS, seed=2), WARM_SPANS)
    # Conversion to JSON is slow, and a quarter is enough for a rate.
    few = sent[: max(1, len(sent) // 4)]
    in_json = [(as_json("traces", body), count, size) for body, count, size in few]
    found: dict[str, list[Measured]] = {}
    for _ in range(given.runs):
        reached = measure_floor(path, 3)
        for setup in SETUPS:
            own = in_json if setup.is_json else sent
            found.setdefault(setup.what, []).append(run_load(setup, own, warm, reached))
    return [row for setup in SETUPS for row in rows_of(setup, found[setup.what])]


def run_load(setup: Setup, sent: Batches, warm: Batches, reached: Floor) -> Measured:
    program = ("collector.receiver",) if setup.redacted else ("bench.unredacted",)
    with (
        tempfile.TemporaryDirectory() as folder,
        a_collector(Path(folder), program=program) as collector,
    ):
        send(collector, Setup(what="warm", senders=2), warm)
        before = cpu_s(collector)
        told = send(collector, setup, sent)
        used = cpu_s(collector) - before
        peak = status_mb(collector, "VmHWM")
    if told["failed"] or told["spans"] != sum(count for _, count, _ in sent):
        sys.exit(f"{setup.what}: not all was acknowledged: {told}")
    rate = told["spans_per_s"]
    return Measured(
        spans_per_s=rate,
        mb_per_s=told["MB_per_s"],
        p50_ms=told["ack_p50_ms"],
        p99_ms=told["ack_p99_ms"],
        rss_mb=peak,
        cpu_s_per_1000=1000 * used / told["spans"],
        walk=rate / reached.walk,
        parse=rate / reached.parse,
    )


def send(collector: Collector, setup: Setup, sent: Batches) -> dict[str, Any]:
    """Send with the load generator's own senders, and give what it says."""
    kind = "application/json" if setup.is_json else "application/x-protobuf"
    asked = argparse.Namespace(
        endpoint=collector.grpc if setup.is_grpc else f"http://{collector.http}/v1/traces",
        grpc=setup.is_grpc,
        concurrency=setup.senders,
        encoding="identity",
        header=[f"Content-Type:{kind}"],
        no_retry=False,
        acked_out=None,
        until_cmd=None,
    )
    told: dict[str, Any] = asyncio.run(tool("ingest_bench").run(asked, sent))
    return told


def rows_of(setup: Setup, runs: Sequence[Measured]) -> Iterator[Row]:
    def median(name: str) -> float:
        return statistics.median(getattr(run, name) for run in runs)

    yield Row(
        setup.what,
        f"{median('spans_per_s'):,.0f} spans/s, {median('mb_per_s'):.0f} MB/s, "
        f"{median('cpu_s_per_1000'):.3f} CPU s per 1,000",
    )
    least = {name: f"at least {share:.3g} of {name}" for name, share in setup.aims.items()}
    yield Row(
        f"{setup.what}: of the floor",
        f"{median('walk'):.3f} of walk, {median('parse'):.4f} of parse",
        ", ".join(least.values()),
    )
    yield Row(
        f"{setup.what}: acknowledged, memory",
        f"p50 {median('p50_ms'):.0f} ms, p99 {median('p99_ms'):.0f} ms, "
        f"{median('rss_mb'):.0f} MB resident at most",
        "p99 under 200 ms, under 300 MB" if setup.senders == 8 else "",
    )


def status_mb(collector: Collector, name: str) -> float:
    """`VmHWM` (peak) or `VmRSS` of the collector."""
    text = Path(f"/proc/{collector.process.pid}/status").read_text()
    return int(text.partition(f"{name}:")[2].split()[0]) / 1024


def cpu_s(collector: Collector) -> float:
    fields = Path(f"/proc/{collector.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- a peer


def peer(given: argparse.Namespace) -> list[Row]:
    """Ours and Phoenix with the same tool: until all spans can be asked for, and after kill -9."""
    if given.phoenix is None:
        return [Row("Arize Phoenix", "not measured: pass --phoenix VENV")]
    ours = run_peer(
        given,
        "cmd",
        given.spans * 2,  # to ask takes most of a second, in which Phoenix stores little more
        "--start",
        f"{sys.executable} -m collector.receiver --store {{dir}}/store "
        "--http 127.0.0.1:{port} --grpc 127.0.0.1:0",
        "--count",
        f"{sys.executable} -m bench.count {{dir}}/store",
    )
    theirs = run_peer(given, "phoenix", given.peer_spans, "--venv", str(given.phoenix))
    ratio = ours[0]["queryable_spans_per_s"] / max(1, theirs[0]["queryable_spans_per_s"])
    rows = [
        Row(f"{name}, 8 senders, until every span can be queried", of_peer(told))
        for name, (told, _) in (("ours", ours), ("Arize Phoenix (SQLite)", theirs))
    ]
    rows.append(Row("ours to Phoenix", f"{ratio:,.0f} times", "at least 150 times"))
    for name, (_, told) in (("ours", ours), ("Arize Phoenix (SQLite)", theirs)):
        after = told["kill9_after_last_ack"]
        survived = f"{after['stored']:,} of {after['acked']:,} acknowledged spans"
        rows.append(Row(f"{name}, left after kill -9", survived, "all" if name == "ours" else ""))
    return rows


def run_peer(
    given: argparse.Namespace, kind: str, spans: int, *options: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    command = [sys.executable, TOOLS / "peer_bench.py", kind, "--spans", str(spans), *options]
    for name, prefix, seed in (("--corpus", "c", 1), ("--kill", "k", 3)):
        command += [name, corpus(given, prefix, spans, seed)]
    command += ["--warm", corpus(given, "warm", WARM_SPANS, seed=2)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    if done.returncode:
        sys.exit(f"{kind}: {done.stderr}")
    loaded, killed = (json.loads(line) for line in done.stdout.splitlines())
    return loaded, killed


def of_peer(told: dict[str, Any]) -> str:
    return (
        f"{told['queryable_spans_per_s']:,} spans/s of {told['spans']:,}, "
        f"{told['peak_rss_MB']} MB resident at most"
    )


# ---- kills


def kills(given: argparse.Namespace) -> list[Row]:
    """Kill -9 at random moments under load; what was not acknowledged is sent again afterwards."""
    rng = random.Random(7)  # noqa: S311 (moments, no secrets)
    senders = [KillSender(number) for number in range(KILL_SENDERS)]
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(given.kills):
            with a_collector(Path(folder)) as collector:
                threads = [threading.Thread(target=one.send, args=(collector,)) for one in senders]
                for thread in threads:
                    thread.start()
                time.sleep(rng.uniform(0.02, 1.0))
                collector.stop(signal.SIGKILL)
                for thread in threads:
                    thread.join(timeout=30)
        stored = open_store(folder, create=False).scan("spans", columns=["span_id"])
        found = stored["span_id"].to_pylist()
        left = list(Path(folder).rglob("*.tmp"))
    acknowledged = {one for sender in senders for one in sender.acknowledged}
    return [
        Row("kill -9 at random moments, 8 senders", f"{given.kills} times"),
        Row("acknowledged spans", f"{len(acknowledged):,}"),
        Row("acknowledged spans missing", f"{len(acknowledged - set(found))}", "0"),
        Row("duplicates that readers see", f"{len(found) - len(set(found))}", "0"),
        Row("requests sent again after a kill", f"{sum(one.again for one in senders)}"),
        Row("unfinished files left behind, which no reader sees", f"{len(left)}"),
    ]


class KillSender:
    """Sends spans with ids of its own until the collector is gone; the last request once more."""

    SPANS = 10

    def __init__(self, number: int) -> None:
        self.acknowledged: set[str] = set()
        self.again = 0
        self._next = number * 10_000_000 + 1
        self._pending: tuple[int, bytes] | None = None

    def send(self, collector: Collector) -> None:
        host, _, port = collector.http.rpartition(":")
        link = http.client.HTTPConnection(host, int(port), timeout=20)
        self.again += self._pending is not None
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                first, body = self._pending = self._pending or self._made()
                headers = {"Content-Type": "application/x-protobuf"}
                link.request("POST", "/v1/traces", body, headers)
                answer = link.getresponse()
                answer.read()
                if answer.status == 200:
                    ids = (f"{first + number:016x}" for number in range(self.SPANS))
                    self.acknowledged.update(ids)
                    self._pending = None
        link.close()

    def _made(self) -> tuple[int, bytes]:
        first, self._next = self._next, self._next + self.SPANS
        request = a_trace_request(first=first, spans=self.SPANS, attributes={"text": "x" * 5000})
        return first, request.SerializeToString()


# ---- soak


def soak(given: argparse.Namespace) -> list[Row]:
    """A steady load for long: does memory grow?"""
    sent = batches(corpus(given), given.spans)
    resident: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder, a_collector(Path(folder)) as collector:
        began, count, number = time.monotonic(), 0, 0
        while (passed := time.monotonic() - began) < given.soak:
            part = sent[number % len(sent) : number % len(sent) + 8]
            count += send(collector, Setup(what="soak", senders=4), part)["spans"]
            number += len(part)
            resident.append((passed, status_mb(collector, "VmRSS")))
            time.sleep(max(0.0, began + count / SOAK_SPANS_PER_S - time.monotonic()))
    settled = [(at, mb) for at, mb in resident if at > given.soak * 0.1]
    slope = statistics.linear_regression(*zip(*settled, strict=True)).slope
    tenth = max(1, len(settled) // 10)
    first, last = (
        statistics.median(mb for _, mb in part) for part in (settled[:tenth], settled[-tenth:])
    )
    return [
        Row("load", f"{given.soak} s at {count / given.soak:,.0f} spans/s, {count:,} spans"),
        Row("resident, first and last tenth", f"{first:.0f} MB and {last:.0f} MB", "flat"),
        Row(
            "resident, most; slope",
            f"{max(mb for _, mb in resident):.0f} MB; {slope * 60:+.2f} MB a minute",
            "under 300 MB",
        ),
    ]


# ---- a million spans


def million(given: argparse.Namespace) -> list[Row]:
    """What bench/store.py and bench/assemble.py measure on one store."""
    if given.million is None:
        return [Row("a store of four weeks", "not measured: pass --million DIR")]
    rows: list[Row] = []
    for name in ("store", "assemble"):
        path = ROOT / "bench" / f"{name}.py"
        if not path.exists():
            continue
        spec = importlib.util.spec_from_file_location(f"bench_{name}", path)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        if name == "store" and not given.million.exists():
            module.build(str(given.million), module.SPANS)
        rows += table_rows(module.measure(str(given.million)))
    return rows


def table_rows(lines: Sequence[str]) -> Iterator[Row]:
    """Rows of another benchmark's table: its first words, and its figures under their headings."""
    tables = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|") and not set(line) <= set("|-: ")
    ]
    for cells in tables[1:]:
        figures = [f"{name}: {cell}" for name, cell in zip(tables[0], cells, strict=False)][2:]
        yield Row(f"{cells[0]}: {cells[1]}", ", ".join(figures))


SECTIONS: dict[str, Section] = {
    "floor": floor,
    "load": load,
    "peer": peer,
    "kills": kills,
    "soak": soak,
    "million": million,
}


if __name__ == "__main__":
    sys.exit(main())
