"""Faults of the agent's own answers that are everywhere, so that no group stands out by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bot.figures import count, rate
from bot.patterns.rows import AgentRows
from bot.records import Finding
from bot.statistics import failure_rate

WIDESPREAD: Mapping[str, tuple[float, str]] = {
    "broken_format": (0.1, "have an answer that is wrapped as JSON and not plain text"),
    "cut_off_answer": (0.1, "have an answer that stopped at the token limit"),
    "empty_answer": (0.1, "have an empty answer"),
    "tool_loop": (0.25, "call one tool three times or more with the same arguments"),
    "tool_error": (0.5, "have a tool that failed"),
}
"""Signal to the share of conversations that it must surely exceed, and the finding in words."""
MAX_EVIDENCE = 20
"""Newest conversations that a finding names."""


def widespread_signals(rows: AgentRows) -> Iterator[Finding]:
    """One finding for each fault that is in more conversations than a well agent ever has."""
    seen = int(rows.has_text.sum())
    for kind, (normal, words) in WIDESPREAD.items():
        at = rows.signals.get(kind, np.array([], dtype=np.int64))
        at = at[rows.has_text[at]]
        if not len(at):
            continue
        share = failure_rate(len(at), seen)
        if share.interval.low > normal:
            yield Finding(
                kind=kind,
                agent=rows.agent,
                sentence=f"{len(at)} of {count(seen, 'conversation')} {words}, "
                f"{rate(share.rate, share.interval)}.",
                evidence=tuple(rows.conversation_ids[row] for row in at[-MAX_EVIDENCE:]),
            )
