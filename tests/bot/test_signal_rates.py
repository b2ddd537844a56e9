"""How often signals occur, by intent and by version."""

from __future__ import annotations

import pyarrow as pa
import pytest

from bot.patterns.rows import rows_by_agent
from bot.patterns.signal_rates import signal_rates
from tests.bot.builders import a_fact, facts


@pytest.fixture
def table() -> pa.Table:
    return facts(
        [
            a_fact(1, signals=["refusal"], intents=["i-1"], version="v1", unit="ann"),
            a_fact(2, signals=["refusal"], intents=["i-1"], version="v2", unit="ann"),
            a_fact(3, signals=[], intents=["i-2"], version="v2", unit="bob"),
            a_fact(4, signals=["tool_error"], intents=[], version=None, has_text=False),
        ]
    )


def test_rates_are_of_conversations_and_by_group(table: pa.Table) -> None:
    (rows,) = rows_by_agent(table).values()

    found = {
        (one.signal, one.by, one.value): (one.rate.failed, one.rate.total, one.users)
        for one in signal_rates(rows, {"i-1": "cancel a flight"})
    }

    assert found == {
        ("refusal", "all", ""): (2, 3, 1),
        ("refusal", "intent", "cancel a flight"): (2, 2, 1),
        ("refusal", "intent", "i-2"): (0, 1, 0),
        ("refusal", "version", "v1"): (1, 1, 1),
        ("refusal", "version", "v2"): (1, 2, 1),
        ("tool_error", "all", ""): (1, 4, 1),
        ("tool_error", "intent", "cancel a flight"): (0, 2, 0),
        ("tool_error", "intent", "i-2"): (0, 1, 0),
        ("tool_error", "version", "v1"): (0, 1, 0),
        ("tool_error", "version", "v2"): (0, 2, 0),
    }
