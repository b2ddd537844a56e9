"""How far patterns can be trusted: simulated products with a known truth, real data, then speed.

    python bench/patterns.py [--only false|power|medical|retail|signals|eurtad|betold|corrections
                                     |speed] [--products 200]      (about ten minutes for all on
                                                                    two cores)

The products are simulated, of two kinds. Side by side: users with rates of their own come to an
agent with several intents and two versions, some of them again, over four weeks. Rolled out: one
version follows the other while the rate drifts for everybody and one day is an outage, intents are
unequally frequent, some users come twenty times, the channel goes with the intent. In both every
conversation also has a channel, a last tool and a wording, and users have a first conversation. In
a product where nothing is wrong whatever is reported is false. In a product with planted causes one
intent in one version fails more often; a planted cause is found where a pattern names exactly its
intent and version, and a reported pattern is false where it names anything else. Writes
bench/results/patterns.md.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa

from bot.figures import percent, points, rate
from bot.patterns import find_patterns
from bot.pipeline import understand
from bot.records import Pattern
from bot.settings import load_settings
from bot.statistics import failure_rate, q_values, risk_difference, two_rates_p_value
from bot.understanding import Understanding
from collector.assemble import read_conversations, read_user_events
from collector.importer import import_files
from collector.redaction import Redactor
from collector.store import open_store

sys.path.insert(0, str(Path(__file__).parent))
from products import NOW, VERSIONS, Cell, Product, Rollout, simulate

RESULTS = Path(__file__).parent / "results" / "patterns.md"
SAMPLES = Path(os.environ.get("DEBRIEF_SAMPLES", Path(__file__).parents[2] / "shared" / "data"))


def patterns_of(facts: pa.Table) -> tuple[Pattern, ...]:
    return find_patterns(facts, (), (), taxonomy=None, now=NOW).patterns


def cell_of(pattern: Pattern) -> Cell | None:
    """The cell that a pattern names exactly."""
    if pattern.intent_id is None or set(pattern.segment) != {"version"}:
        return None
    return pattern.intent_id, pattern.segment["version"]


# -- simulated ------------------------------------------------------------------------------------

NOTHING_WRONG: tuple[tuple[str, Product | Rollout], ...] = (
    ("side by side", Product(intents=10, users_per_cell=100, base_rate=0.1)),
    ("side by side", Product(intents=10, users_per_cell=30, base_rate=0.3)),
    ("side by side", Product(intents=4, users_per_cell=300, base_rate=0.2)),
    ("side by side", Product(intents=2, users_per_cell=300, base_rate=0.05)),
    ("at once", Rollout(intents=12, users=1500, base_rate=0.1, drift=0.0, rollout_days=0)),
    ("at once, worse", Rollout(intents=12, users=1500, base_rate=0.1, drift=0.15, rollout_days=0)),
    ("6 days, worse", Rollout(intents=20, users=3000, base_rate=0.2, drift=0.2, rollout_days=6)),
    ("20 days, better", Rollout(intents=5, users=600, base_rate=0.1, drift=-0.05, rollout_days=20)),
)


def false_discoveries(products: int) -> Iterator[str]:
    yield "## Nothing is wrong"
    yield ""
    yield f"{products} simulated products of each kind, q = 0.05; goal: one in ten or less"
    yield ""
    yield "| versions | intents | conversations | failing | products | show a pattern | patterns |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    each = max(1, products // 4)
    totals = {Product: 0, Rollout: 0}
    for versions, product in NOTHING_WRONG:
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            seen = list(pool.map(_reported, [product] * each, range(each)))
        shown, found = sum(bool(count) for count, _ in seen), sum(count for count, _ in seen)
        rows = seen[-1][1]
        totals[type(product)] += shown
        yield (
            f"| {versions} | {product.intents} | {rows:,} | {product.base_rate} "
            f"| {each} | {shown} | {found} |"
        )
    yield f"| all side by side | | | | {4 * each} | {totals[Product]} | |"
    yield f"| all rolled out | | | | {4 * each} | {totals[Rollout]} | |"
    yield ""


def _reported(product: Product | Rollout, seed: int) -> tuple[int, int]:
    """(patterns, conversations) of one product."""
    facts = simulate(product, np.random.default_rng(seed))
    return len(patterns_of(facts)), facts.num_rows


def _planted(kind: str, users: int, seed: int) -> tuple[Product | Rollout, np.random.Generator]:
    rng = np.random.default_rng([users, seed])
    if kind == "rolled out":
        many, intents = int(rng.integers(1, 3)), int(rng.integers(6, 11))
        chosen = rng.choice(min(6, intents), size=many, replace=False)
        return Rollout(
            intents=intents,
            users=users,
            base_rate=float(rng.choice((0.05, 0.1, 0.2))),
            drift=float(rng.choice((-0.05, 0.0, 0.1))),
            rollout_days=float(rng.choice((0, 5, 20))),
            planted=frozenset((f"i{intent}", "v2") for intent in chosen),
        ), rng
    many = int(rng.integers(1, 6))
    intents = int(rng.integers(2 * many, 11))
    chosen = rng.choice(intents, size=many, replace=False)
    return Product(
        intents=intents,
        users_per_cell=users,
        base_rate=float(rng.choice((0.05, 0.1, 0.2, 0.3))),
        planted=frozenset((f"i{intent}", str(rng.choice(VERSIONS))) for intent in chosen),
    ), rng


def power(products: int) -> Iterator[str]:
    yield "## Planted causes"
    yield ""
    yield (
        "Causes of 20 points each. Side by side: 1 to 5, in at most half of 2 to 10 intents x 2 "
        "versions; goal at 300 users in a cell: 90 % of the planted found, at most 10 % of the "
        "reported false. Rolled out: 1 or 2 among the six most frequent of 6 to 10 intents."
    )
    yield ""
    yield "| versions | users | products | planted | found | reported | false |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    sizes = [("side by side", users, products) for users in (300, 100, 30)]
    sizes += [("rolled out", users, max(1, products // 3)) for users in (8000, 4000)]
    for kind, users, number in sizes:
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            counts = list(pool.map(_found, [kind] * number, [users] * number, range(number)))
        planted_count, found_count, reported, wrong = map(sum, zip(*counts, strict=True))
        where = f"{users} a cell" if kind == "side by side" else f"{users} in all"
        yield (
            f"| {kind} | {where} | {number} | {planted_count} "
            f"| {found_count} ({found_count / planted_count:.0%}) "
            f"| {reported} | {wrong} ({wrong / max(1, reported):.0%}) |"
        )
    yield ""


def _found(kind: str, users: int, seed: int) -> tuple[int, int, int, int]:
    """(planted, found, reported, reported and false) of one product."""
    product, rng = _planted(kind, users, seed)
    named = [cell_of(pattern) for pattern in patterns_of(simulate(product, rng))]
    wrong = sum(cell not in product.planted for cell in named)
    return len(product.planted), len(product.planted & set(named)), len(named), wrong


# -- real -----------------------------------------------------------------------------------------


def _understood(name: str) -> tuple[Understanding, Mapping[str, str]]:
    """What the product says of one sample, and each conversation's version by its labels."""
    path = SAMPLES / "conversations" / f"{name}.jsonl.gz"
    with gzip.open(path, "rt") as lines:
        records = [json.loads(line) for line in lines]
    versions = {one["id"]: str(one["labels"].get("agent_version", "")) for one in records}
    now = datetime(2026, 11, 21, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder, create=True)
        import_files([path], store, now=now, redactor=Redactor(key=bytes(32)))
        read = understand(
            read_conversations(store),
            read_user_events(store),
            (),
            taxonomy=None,
            settings=load_settings(None),
            ask=None,
            now=now,
        )
    return read, versions


def medical() -> Iterator[str]:
    read, _ = _understood("tau2_medical")
    yield "## Nothing is wrong, real"
    yield ""
    yield "| conversations of tau2_medical | patterns | health |"
    yield "|---:|---:|---|"
    (agent,) = read.report.agents
    yield f"| {agent.conversations} | {len(read.report.patterns)} | {agent.health} |"
    yield ""


def retail() -> Iterator[str]:
    """Versions by the labels of the sample; the intents are found by the product."""
    read, versions = _understood("tau_retail_variants")
    facts = read.facts
    named = [versions[one] for one in facts["conversation_id"].to_pylist()]
    at = facts.schema.get_field_index("version")
    facts = facts.set_column(at, facts.schema.field(at), pa.array(named, pa.string()))
    report = find_patterns(facts, (), (), taxonomy=read.taxonomy, now=NOW)
    yield "## Four real versions of one agent (tau_retail_variants)"
    yield ""
    yield (
        f"What the product reports: {len(report.patterns)} patterns of {report.tested} groups. "
        "Below every intent and pair of versions with eight conversations each; q is "
        "corrected for all pairs."
    )
    yield ""
    yield "| intent | version | failing | other version | failing | difference | q |"
    yield "|---|---|---|---|---|---|---:|"
    names = {intent.id: intent.name for intent in read.taxonomy.intents}
    cells: dict[tuple[str, str], list[bool]] = {}
    for intents, version, bad in zip(
        facts["intents"].to_pylist(), named, facts["bad"].to_pylist(), strict=True
    ):
        for intent in ("all", *intents):
            cells.setdefault((intent, version), []).append("failure" in bad)
    compared = []
    for (intent, one), (other_intent, other) in combinations(sorted(cells), 2):
        ours, theirs = cells[intent, one], cells[other_intent, other]
        if intent == other_intent and min(len(ours), len(theirs)) >= 8:
            a, b = failure_rate(sum(ours), len(ours)), failure_rate(sum(theirs), len(theirs))
            compared.append((intent, one, a, other, b, two_rates_p_value(a, b)))
    q = q_values([row[-1] for row in compared])
    told = sorted(zip(compared, q, strict=True), key=lambda pair: pair[0][-1])
    for (intent, one, a, other, b, _), value in told:
        difference, interval = risk_difference(a, b)
        yield (
            f"| {names.get(intent, intent)} | {one} | {a.failed} of {a.total}, "
            f"{rate(a.rate, a.interval)} | {other} | {b.failed} of {b.total}, {percent(b.rate)} "
            f"| {points(difference, interval)} | {value:.2f} |"
        )
    yield ""


def _of_signals(section: str) -> Callable[[int], Iterator[str]]:
    """A section of bench/signals.py."""

    def lines(_: int) -> Iterator[str]:
        command = [sys.executable, str(Path(__file__).parent / "signals.py"), "--only", section]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        yield from done.stdout.rstrip().splitlines()
        yield ""

    return lines


# -- speed ----------------------------------------------------------------------------------------


def speed(conversations: int) -> Iterator[str]:
    product = Product(intents=25, users_per_cell=conversations // 60, base_rate=0.15)
    facts = simulate(product, np.random.default_rng(0))
    started, cpu = time.perf_counter(), time.process_time()
    patterns_of(facts)
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield "## Speed"
    yield ""
    yield "| conversations | all patterns, s | of it CPU, s | peak of the process, MB |"
    yield "|---:|---:|---:|---:|"
    yield f"| {facts.num_rows:,} | {seconds:.1f} | {cpu_s:.1f} | {peak_mb:.0f} |"
    yield ""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--products", type=int, default=200)
    sections: dict[str, Callable[[int], Iterator[str]]] = {
        "false": false_discoveries,
        "power": lambda products: power(products // 2),
        "medical": lambda _: medical(),
        "retail": lambda _: retail(),
        **{name: _of_signals(name) for name in ("signals", "eurtad", "betold", "corrections")},
        "speed": lambda _: speed(100_000),
    }
    parser.add_argument("--only", choices=tuple(sections))
    options = parser.parse_args()
    lines = ["# How far patterns can be trusted", "", (__doc__ or "").split("\n\n")[2].strip(), ""]
    for name, section in sections.items():
        if options.only in (None, name):
            for line in section(options.products):
                print(line, flush=True)
                lines.append(line)
    if options.only is None:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
