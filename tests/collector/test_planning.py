"""What is read is chosen in a time that grows with the store, and not with its square."""

from __future__ import annotations

import time

from collector.assemble.components import Component, Tie, components_of
from collector.assemble.planning import plan

MANY = 40_000
ENOUGH_S = 5.0
"""Of CPU; it takes less than half of it, and by the square of the components a minute."""


def components() -> list[Component]:
    return components_of(
        Tie(trace_id=f"t{number}", conversation_id=f"c{number}", last_received_ns=number)
        for number in range(MANY)
    )


def test_many_conversations_are_planned_in_a_moment() -> None:
    begun = time.process_time()

    chosen = plan(
        components(),
        is_asked=lambda one: one.last_received_ns >= MANY // 2,
        tell=lambda _: {},
        most_rows=100,
    )

    assert time.process_time() - begun < ENOUGH_S
    assert len(chosen.components) == MANY // 2
    assert chosen.has_others
    assert len(chosen.other_ids) == MANY
