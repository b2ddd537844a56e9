"""How often each signal occurs: in all of an agent's conversations, by intent and by version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bot.patterns.rows import AgentRows, Indexes
from bot.records import SignalRate
from bot.statistics import failure_rate

WITHOUT_TEXT = frozenset({"tool_error", "tool_loop", "negative_rating", "cut_off_answer"})
"""Signals that show also where no text was sent; the others are counted where there is text."""


def signal_rates(rows: AgentRows, names: Mapping[str, str]) -> Iterator[SignalRate]:
    """A rate for each signal that occurs at all, and for each group that has such conversations.

    `names` are those of the intents, by id. The interval takes conversations for independent:
    read it beside `users`.
    """
    everything = np.arange(len(rows), dtype=np.int64)
    groups: list[tuple[str, str, Indexes]] = [("all", "", everything)]
    groups += [("intent", names.get(id, id), inside) for id, inside in rows.intents.items()]
    groups += [("version", version, inside) for version, inside in rows.versions.items()]
    for signal in sorted(rows.signals):
        shown = rows.flags([rows.signals[signal]])
        for by, value, inside in groups:
            seen = inside if signal in WITHOUT_TEXT else inside[rows.has_text[inside]]
            if not len(seen):
                continue
            having = seen[shown[seen]]
            yield SignalRate(
                agent=rows.agent,
                signal=signal,
                by=by,  # type: ignore[arg-type]
                value=value,
                rate=failure_rate(len(having), len(seen)),
                users=len(np.unique(rows.units[having])),
            )
