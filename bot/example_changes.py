"""Changes that add examples: regression cases, and a data set for people who train.

Joins facts, signals and conversations with `bot.proposals.cases`, as `pipeline` joins all stages;
data sets are `bot.dataset_changes`. What is written leaves the store for a repository, so it is
redacted once more. Costs nothing without a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from bot.dataset_changes import dataset_changes, published
from bot.evaluation import holds
from bot.proposals.cases import MIN_GOOD, Answer, answer_at, propose_cases
from bot.records import (
    AgentFiles,
    Ask,
    ConversationsOf,
    Correction,
    Key,
    PastProposal,
    Pattern,
    Proposal,
    Repository,
    Signal,
    Skipped,
)
from bot.settings import Settings

READ = 60
"""Newest failing conversations of a pattern, and as many that ended well, that are read whole."""


def example_changes(
    patterns: Sequence[Pattern],
    facts: pa.Table,
    signals: Mapping[Key, Sequence[Signal]],
    corrections: Sequence[Correction],
    repository: Repository,
    files: Mapping[str, AgentFiles],
    past: Sequence[PastProposal],
    *,
    settings: Settings,
    conversations_of: ConversationsOf,
    ask: Ask | None,
    now: datetime,
) -> Iterator[Proposal | Skipped]:
    """Cases for the most important patterns that have none yet, and each agent's data set."""
    unwanted = {one.pattern_id for one in past if one.rejection == "not_a_problem"}
    left = settings.cases.per_run if settings.cases.propose else 0
    for pattern in patterns:
        # A threshold has a replay of its own, which is exact.
        if not left or pattern.kind == "threshold" or pattern.id in unwanted:
            continue
        failing, passing = _answers(pattern, facts, signals, conversations_of)
        found = propose_cases(
            pattern,
            repository,
            files[pattern.agent],
            failing=failing,
            passing=passing,
            holds=holds,
            redact=published,
            quotes=settings.quotes,
            ask=ask,
        )
        left -= isinstance(found, Proposal)
        yield found
    yield from dataset_changes(
        sorted(files),
        patterns,
        facts,
        corrections,
        repository,
        past,
        settings=settings,
        conversations_of=conversations_of,
        ask=ask,
        now=now,
    )


def _answers(
    pattern: Pattern,
    facts: pa.Table,
    signals: Mapping[Key, Sequence[Signal]],
    conversations_of: ConversationsOf,
) -> tuple[list[Answer], list[Answer]]:
    """The answers that failed, and those of the same group that went well, newest first."""
    failing = [(pattern.agent, one) for one in reversed(pattern.evidence[-READ:])]
    passing = passing_of(pattern, facts)[:READ]
    read = conversations_of([*failing, *passing])
    kind = pattern.outcome.removeprefix("signal:")
    failed = []
    for key in failing:
        if key in read:
            places = [one.message_index for one in signals.get(key, ()) if one.kind == kind]
            failed.append(answer_at(read[key], places[0] if places else None))
    went_well = [answer_at(read[key], None) for key in passing if key in read]
    return [one for one in failed if one is not None], [one for one in went_well if one is not None]


def passing_of(pattern: Pattern, facts: pa.Table) -> list[Key]:
    """Conversations of the pattern's group without its failure and any bad outcome, newest first.

    Where anything good was told of some of them, only those count. A segment that tells what went
    wrong (a signal, the last tool) has no such conversations: then the rest of the intent counts.
    """
    failing = set(pattern.evidence)
    rows = [
        row
        for row in facts.sort_by([("started_at", "descending")]).to_pylist()
        if row["agent"] == pattern.agent
        and row["has_text"]
        and row["conversation_id"] not in failing
        and not row["bad"]
        and (pattern.intent_id is None or pattern.intent_id in row["intents"])
    ]
    alike = [row for row in rows if pattern.segment.items() <= dict(row["segments"]).items()]
    rows = alike if len(alike) >= MIN_GOOD else rows
    told = [row for row in rows if row["good"]]
    return [(row["agent"], row["conversation_id"]) for row in told or rows]
