"""Simulated products with a known truth, of two kinds; facts as the pipeline gives them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from bot.patterns.segments import with_first_sessions
from bot.records import FACTS_SCHEMA

NOW = datetime(2026, 11, 21, tzinfo=UTC)
WINDOW_DAYS = 28
VERSIONS = ("v1", "v2")
CHANNELS = ("web", "app", "phone")
AGENT_SIGNALS = ("tool_error", "refusal", "cut_off_answer")
WORDINGS = ("please how", "want now", "help cannot")
Cell = tuple[str, str]
"""(intent, version)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """Two versions side by side; users alike but for a rate of their own."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """Version v2 follows v1 in time, while the rate of failure drifts for everybody.

    Intents are unequally frequent, users keep to favourites among them, a few users come many times
    and differ a lot, the channel goes with the intent, and one day is an outage.
    """

    intents: int
    users: int
    base_rate: float
    drift: float
    """What the rate of failure gains from the first to the last day."""
    rollout_days: float
    """From the first to the last user on v2, around the middle; 0 is all at once."""
    planted: frozenset[Cell] = frozenset()
    effect: float = 0.2
    outage: float = 0.3


def simulate(product: Product | Rollout, rng: np.random.Generator) -> pa.Table:
    """Facts of one product, with the segments that Debrief sees by itself."""
    rows = _parallel(product, rng) if isinstance(product, Product) else _rollout(product, rng)
    for number, row in enumerate(rows):
        row["conversation_id"] = f"c{number}"
    return with_first_sessions(pa.Table.from_pylist(rows, schema=FACTS_SCHEMA))


def _parallel(product: Product, rng: np.random.Generator) -> list[dict[str, object]]:
    rows = []
    for intent in range(product.intents):
        for version in VERSIONS:
            for number in range(product.users_per_cell):
                user = f"u-{intent}-{version}-{number}"
                own = rng.beta(
                    product.base_rate * product.spread, (1 - product.base_rate) * product.spread
                )
                intents = [f"i{intent}"]
                if rng.random() < product.comes_again:
                    intents.append(f"i{rng.integers(product.intents)}")
                for name in intents:
                    rate = own + product.effect * ((name, version) in product.planted)
                    day = WINDOW_DAYS * float(rng.random())
                    channel = str(rng.choice(CHANNELS))
                    rows.append(_fact(rng, user, name, version, rate, day, channel))
    return rows


def _rollout(product: Rollout, rng: np.random.Generator) -> list[dict[str, object]]:
    popular = 1 / np.arange(1, product.intents + 1)
    outage_day = int(rng.integers(WINDOW_DAYS))
    rows = []
    for number in range(product.users):
        # One user in ten comes five to twenty times; their logits differ by a normal effect.
        times = int(rng.integers(5, 21)) if rng.random() < 0.1 else 1 + int(rng.random() < 0.3)
        logit = np.log(product.base_rate / (1 - product.base_rate)) + rng.normal(0, 0.8)
        own = 1 / (1 + np.exp(-logit))
        favours = rng.dirichlet(3 * popular / popular.sum() * product.intents / 3 + 0.01)
        switched = WINDOW_DAYS / 2 + product.rollout_days * (float(rng.random()) - 0.5)
        for _ in range(times):
            day = WINDOW_DAYS * float(rng.random())
            intent = int(rng.choice(product.intents, p=favours))
            version = VERSIONS[day >= switched]
            rate = own + product.drift * day / WINDOW_DAYS
            rate += product.outage * (int(day) == outage_day)
            rate += product.effect * ((f"i{intent}", version) in product.planted)
            channel = CHANNELS[intent % 3] if rng.random() < 0.7 else str(rng.choice(CHANNELS))
            rows.append(_fact(rng, f"u-{number}", f"i{intent}", version, rate, day, channel))
    return rows


def _fact(
    rng: np.random.Generator,
    user: str,
    intent: str,
    version: str,
    rate: float,
    day: float,
    channel: str,
) -> dict[str, object]:
    failed = bool(rng.random() < rate)
    started = NOW - timedelta(days=WINDOW_DAYS - day, hours=1)
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
        "segments": [
            ("channel", channel),
            ("last_tool", f"tool_{int(intent[1:]) % 4}" if rng.random() < 0.8 else "search"),
            ("wording", str(rng.choice(WORDINGS))),
        ],
    }
