"""How far patterns can be trusted: simulated products with a known truth, then speed.

    python bench/patterns.py [--only false|power|speed]     (about five minutes for all)

The products are simulated: users with rates of their own come to an agent with several intents and
two versions, some of them again and again, over four weeks. In a product where nothing is wrong
whatever is reported is false. In a product with planted causes one intent in one version fails more
often; a planted cause is found where a pattern names exactly its intent and version, and a reported
pattern is false where it names anything else. Writes bench/results/patterns.md.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from bot.patterns import find_patterns
from bot.records import FACTS_SCHEMA, Pattern

RESULTS = Path(__file__).parent / "results" / "patterns.md"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
WINDOW_DAYS = 28
VERSIONS = ("v1", "v2")
CHANNELS = ("web", "app", "phone")
AGENT_SIGNALS = ("tool_error", "refusal", "cut_off_answer")
Cell = tuple[str, str]
"""(intent, version)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """One simulated product."""

    intents: int
    users_per_cell: int
    base_rate: float
    planted: frozenset[Cell] = frozenset()
    effect: float = 0.2
    """What a planted cause adds to the rate of failure."""
    comes_again: float = 0.2
    """Share of users with a second conversation, about anything."""
    spread: float = 10.0
    """Precision of the beta distribution of users' own rates: small is more unlike."""


def simulate(product: Product, rng: np.random.Generator) -> pa.Table:
    """Facts of one product."""
    rows = []
    for intent in range(product.intents):
        for version in VERSIONS:
            for number in range(product.users_per_cell):
                user = f"u-{intent}-{version}-{number}"
                own = rng.beta(
                    product.base_rate * product.spread, (1 - product.base_rate) * product.spread
                )
                rows.append(_fact(product, rng, user, f"i{intent}", version, own))
                if rng.random() < product.comes_again:
                    other = f"i{rng.integers(product.intents)}"
                    rows.append(_fact(product, rng, user, other, version, own))
    for number, row in enumerate(rows):
        row["conversation_id"] = f"c{number}"
    return pa.Table.from_pylist(rows, schema=FACTS_SCHEMA)


def _fact(
    product: Product, rng: np.random.Generator, user: str, intent: str, version: str, own: float
) -> dict[str, object]:
    rate = own + product.effect * ((intent, version) in product.planted)
    failed = bool(rng.random() < rate)
    started = NOW - timedelta(days=float(rng.random() * WINDOW_DAYS), hours=1)
    return {
        "agent": "shop",
        "unit": user,
        "has_user": True,
        "version": version,
        "variant": None,
        "started_at": started,
        "ended_at": started + timedelta(minutes=3),
        "turns": 3,
        "has_text": True,
        "signals": [kind for kind in AGENT_SIGNALS if rng.random() < 0.05],
        "outcomes": ["failure" if failed else "success"],
        "good": [] if failed else ["success"],
        "bad": ["failure"] if failed else [],
        "inferred": [],
        "intents": [intent],
        "segments": [("channel", str(rng.choice(CHANNELS)))],
    }


def patterns_of(facts: pa.Table) -> tuple[Pattern, ...]:
    return find_patterns(facts, (), (), taxonomy=None, now=NOW).patterns


def cell_of(pattern: Pattern) -> Cell | None:
    """The cell that a pattern names exactly."""
    if pattern.intent_id is None or set(pattern.segment) != {"version"}:
        return None
    return pattern.intent_id, pattern.segment["version"]


def false_discoveries(products: int) -> Iterator[str]:
    yield "## Nothing is wrong"
    yield ""
    yield f"{products} simulated products, q = 0.05; goal: at most one in ten shows any pattern."
    yield ""
    yield "| intents | users in a cell | failing | products | show a pattern | patterns |"
    yield "|---:|---:|---:|---:|---:|---:|"
    kinds = [(10, 100, 0.1), (10, 30, 0.3), (4, 300, 0.2), (2, 300, 0.05)]
    total = 0
    for intents, users, base in kinds:
        shown = found = 0
        for seed in range(products // len(kinds)):
            product = Product(intents=intents, users_per_cell=users, base_rate=base)
            patterns = patterns_of(simulate(product, np.random.default_rng(seed)))
            shown += bool(patterns)
            found += len(patterns)
        total += shown
        yield f"| {intents} | {users} | {base} | {products // len(kinds)} | {shown} | {found} |"
    yield f"| all | | | {products} | {total} | |"
    yield ""


def power(products: int) -> Iterator[str]:
    yield "## Planted causes"
    yield ""
    yield (
        "1 to 5 planted causes of 20 points each, in at most half of 2 to 10 intents x 2 "
        "versions; goal at 300 users in a cell: 90 % of the planted found, at most 10 % of the "
        "reported false."
    )
    yield ""
    yield "| users in a cell | products | planted | found | reported | false |"
    yield "|---:|---:|---:|---:|---:|---:|"
    for users in (300, 100, 30):
        planted_count = found_count = reported = wrong = 0
        for seed in range(products):
            rng = np.random.default_rng([users, seed])
            many = int(rng.integers(1, 6))
            intents = int(rng.integers(2 * many, 11))
            chosen = rng.choice(intents, size=many, replace=False)
            planted = frozenset((f"i{intent}", str(rng.choice(VERSIONS))) for intent in chosen)
            product = Product(
                intents=intents,
                users_per_cell=users,
                base_rate=float(rng.choice((0.05, 0.1, 0.2, 0.3))),
                planted=planted,
            )
            named = [cell_of(pattern) for pattern in patterns_of(simulate(product, rng))]
            planted_count += len(planted)
            found_count += len(planted & set(named))
            reported += len(named)
            wrong += sum(cell not in planted for cell in named)
        yield (
            f"| {users} | {products} | {planted_count} "
            f"| {found_count} ({found_count / planted_count:.0%}) "
            f"| {reported} | {wrong} ({wrong / max(1, reported):.0%}) |"
        )
    yield ""


def speed(conversations: int) -> Iterator[str]:
    product = Product(intents=25, users_per_cell=conversations // 60, base_rate=0.15)
    facts = simulate(product, np.random.default_rng(0))
    started = time.perf_counter()
    patterns_of(facts)
    seconds = time.perf_counter() - started
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield "## Speed"
    yield ""
    yield "| conversations | all patterns, s | peak of the process, MB |"
    yield "|---:|---:|---:|"
    yield f"| {facts.num_rows} | {seconds:.1f} | {peak_mb:.0f} |"
    yield ""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", choices=("false", "power", "speed"))
    parser.add_argument("--products", type=int, default=200)
    options = parser.parse_args()
    sections: dict[str, Callable[[], Iterator[str]]] = {
        "false": lambda: false_discoveries(options.products),
        "power": lambda: power(options.products // 2),
        "speed": lambda: speed(100_000),
    }
    lines = ["# How far patterns can be trusted", "", (__doc__ or "").split("\n\n")[2]]
    for name, section in sections.items():
        if options.only in (None, name):
            for line in section():
                print(line, flush=True)
                lines.append(line)
    if options.only is None:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
