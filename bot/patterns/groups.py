"""Which groups of one agent's conversations are worth comparing with the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from bot.patterns.rows import AgentRows, Indexes
from bot.patterns.segments import FIRST_SESSION, STEPS, WORDING
from bot.records import Declined

MAX_VALUES = 50
"""A segment key with more values of a testable size is a name or a number, not a segment."""
AGENT_SIDE = (
    "tool_error",
    "tool_loop",
    "repeated_clarification",
    "promise_without_action",
    "refusal",
    "empty_answer",
    "cut_off_answer",
    "broken_format",
)
"""Signals that make a group. The others are what a failing user does, so they say nothing new."""
_RESERVED = frozenset({"version", "variant", "signal", WORDING})


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Conversations of one agent that have something in common."""

    rows: Indexes
    telling: int
    """0 for the most telling: of two groups that fail in the same conversations it is kept."""
    intent_id: str | None = None
    segment: Mapping[str, str] = field(default_factory=dict)
    among: Indexes | None = None
    """Rows that it is compared with, itself included; None for all of the agent."""
    by_conversation: bool = False
    """Nearly every user is inside and outside, so that conversations are counted."""

    @property
    def name(self) -> tuple[str, ...]:
        """Identifies the group within its agent."""
        return self.intent_id or "", *(f"{key}={self.segment[key]}" for key in sorted(self.segment))

    @property
    def is_how(self) -> bool:
        """It says how conversations went wrong; the others say for whom."""
        return "signal" in self.segment or not STEPS.isdisjoint(self.segment)


def groups_of(rows: AgentRows, *, least: int, with_signals: bool) -> Iterator[Group | Declined]:
    """Groups of at least `least` conversations: intent x version, intent x wording, intent,
    version, segment, last step, signal.

    Signals make groups only where outcomes are told otherwise (`with_signals`).
    """
    versions = {version: at for version, at in rows.versions.items() if len(at) >= least}
    for intent, inside in rows.intents.items():
        if len(versions) > 1:
            for version, at in versions.items():
                both = np.intersect1d(inside, at, assume_unique=True)
                if len(both) >= least:
                    yield Group(
                        rows=both, telling=0, intent_id=intent, segment={"version": version}
                    )
        if len(inside) >= least:
            yield from _wordings(rows, intent, inside, least)
            yield Group(rows=inside, telling=2, intent_id=intent)
    for key, values in (("version", rows.versions), ("variant", rows.variants)):
        for value, at in values.items():
            if len(at) >= least:
                yield Group(rows=at, telling=3, segment={key: value})
    yield from _segments(rows, least)
    if with_signals:
        for kind in AGENT_SIDE:
            if kind in rows.signals and len(rows.signals[kind]) >= least:
                yield Group(rows=rows.signals[kind], telling=6, segment={"signal": kind})


def _wordings(rows: AgentRows, intent: str, inside: Indexes, least: int) -> Iterator[Group]:
    """Each wording of an intent against the intent's other ones."""
    own = {
        value: both
        for (key, value), at in rows.segments.items()
        if key == WORDING and len(both := np.intersect1d(inside, at, assume_unique=True)) >= least
    }
    if len(own) < 2:
        return
    among = np.unique(np.concatenate(list(own.values())))
    for value, both in own.items():
        yield Group(rows=both, telling=1, intent_id=intent, segment={WORDING: value}, among=among)


def _segments(rows: AgentRows, least: int) -> Iterator[Group | Declined]:
    by_key: dict[str, list[tuple[str, Indexes]]] = {}
    for (key, value), at in rows.segments.items():
        if len(at) >= least and key not in _RESERVED:
            by_key.setdefault(key, []).append((value, at))
    for key, values in by_key.items():
        if len(values) > MAX_VALUES:
            yield Declined(
                what=f"segment {key[:40]} of {rows.agent}",
                reason=f"{len(values)} values of {least} conversations or more; at most "
                f"{MAX_VALUES} are compared, since such a key names single customers or things",
            )
            continue
        steps = np.unique(np.concatenate([at for _, at in values])) if key in STEPS else None
        for value, at in values:
            yield Group(
                rows=at,
                telling=4 if steps is None else 5,
                segment={key: value},
                among=steps,
                by_conversation=key == FIRST_SESSION,
            )
