"""Patterns: what fails, for whom, how often, and what people correct and dismiss.

Takes facts (one row per conversation), corrections and decisions; gives a ranked `PatternReport`.
Refuses, with the numbers, what rests on too little or is healthy. No model, no I/O; a few seconds
for 100,000 conversations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import pyarrow as pa

from bot.patterns.correction_patterns import correction_patterns
from bot.patterns.gone import gone_since
from bot.patterns.health import health_of
from bot.patterns.outcome_patterns import compare_all, rates_by_pattern, stand_out
from bot.patterns.rows import ends_of_windows, in_windows, rows_by_agent
from bot.patterns.signal_rates import signal_rates
from bot.patterns.threshold_patterns import ThresholdReport, restless, threshold_patterns
from bot.patterns.traffic import shifted_rows
from bot.patterns.widespread import widespread_signals
from bot.records import Correction, Decision, Declined, Pattern, PatternReport, Taxonomy

__all__ = ["find_patterns", "gone_since", "restless"]


def find_patterns(
    facts: pa.Table,
    corrections: Sequence[Correction],
    decisions: Sequence[Decision],
    *,
    taxonomy: Taxonomy | None,
    now: datetime,
    window_days: int = 28,
    min_users: int = 5,
    min_conversations: int = 8,
) -> PatternReport:
    """Everything that stands out in each agent's window, most important first.

    A window is the `window_days` before `now`, or before the agent was last seen. `facts` has
    FACTS_SCHEMA. A group is tested from `min_users` units and `min_conversations` conversations
    on, against at least as many other units of the same agent.
    """
    others = [(one.agent, one.at) for one in corrections if one.at is not None]
    others += [(one.agent, one.at) for one in decisions if one.at is not None]
    ends = ends_of_windows(facts, others, now)
    by_agent = rows_by_agent(in_windows(facts, ends, window_days))
    corrections_by_agent = _by_agent(corrections, ends, now, window_days)
    timed = [decision for decision in decisions if decision.at is not None]
    decisions_by_agent = _by_agent(timed, ends, now, window_days)

    comparisons, refused = [], _without_time(decisions)
    for rows in by_agent.values():
        compared, declined = compare_all(
            rows, min_users=min_users, min_conversations=min_conversations
        )
        comparisons += compared
        refused += declined
    names = {intent.id: intent.name for intent in taxonomy.intents} if taxonomy else {}
    patterns = stand_out(comparisons, names)
    shifted = {agent: tuple(shifted_rows(rows)) for agent, rows in by_agent.items()}

    agents = sorted({*by_agent, *corrections_by_agent, *decisions_by_agent})
    thresholds: dict[str, ThresholdReport] = {}
    for agent in agents:
        found, declined = correction_patterns(
            agent, corrections_by_agent[agent], by_agent.get(agent)
        )
        thresholds[agent] = threshold_patterns(
            agent, decisions_by_agent[agent], now=now, unstable=shifted.get(agent, ())
        )
        patterns += [*found, *thresholds[agent].patterns]
        refused += [*declined, *thresholds[agent].declined]
    return PatternReport(
        agents=tuple(
            health_of(
                agent,
                by_agent.get(agent),
                [pattern for pattern in patterns if pattern.agent == agent],
                thresholds[agent],
                len(corrections_by_agent[agent]),
            )
            for agent in agents
        ),
        tested=len(comparisons),
        patterns=tuple(sorted(patterns, key=_rank)),
        findings=(
            *(finding for rows in by_agent.values() for finding in widespread_signals(rows)),
            *(finding for found in shifted.values() for finding in found),
            *(finding for agent in agents for finding in thresholds[agent].findings),
        ),
        refused=tuple(refused),
        decisions=tuple(one for agent in agents for one in thresholds[agent].rates),
        compared=rates_by_pattern(comparisons),
        signal_rates=tuple(
            rate for rows in by_agent.values() for rate in signal_rates(rows, names)
        ),
    )


_Fed = TypeVar("_Fed", Correction, Decision)


def _by_agent(
    items: Iterable[_Fed], ends: Mapping[str, datetime], now: datetime, window_days: int
) -> defaultdict[str, list[_Fed]]:
    """Those of each agent's window; what has no time is taken to be in it."""
    found: defaultdict[str, list[_Fed]] = defaultdict(list)
    for item in items:
        end = ends.get(item.agent, now)
        if item.at is None or end - timedelta(days=window_days) <= item.at <= end:
            found[item.agent].append(item)
    return found


def _without_time(decisions: Sequence[Decision]) -> list[Declined]:
    """Decisions without a time cannot be told old enough to have been answered."""
    count = sum(decision.at is None for decision in decisions)
    if not count:
        return []
    return [Declined(what=f"{count} decisions", reason="they have no time; send `at` with them")]


def _rank(pattern: Pattern) -> tuple[float, str]:
    return -pattern.priority, pattern.id
