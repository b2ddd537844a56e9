"""Changes that add examples: regression cases, and a data set for people who train.

Joins facts, signals and conversations with `bot.proposals.cases` and `bot.proposals.dataset`, as
`pipeline` joins all stages. What is written leaves the store for a repository, so it is redacted
here once more, whatever the collector was set to, and placeholders lose their digest: nobody can
tell that two of them stand for one person. Costs nothing without a model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache

import pyarrow as pa

from bot.evaluation import holds
from bot.proposals.cases import MIN_GOOD, Answer, answer_at, letters_hash, propose_cases
from bot.proposals.dataset import (
    NAMES,
    Example,
    Material,
    accepted_example,
    corrected_example,
    propose_dataset,
)
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
    in_time,
)
from bot.settings import Settings
from collector.redaction import Redactor

CORRECTIONS = 200
"""Newest corrections of one agent that a data set is made of."""
ACCEPTED_READ = 600
"""Newest answers that went well, from which those beside them are drawn."""
ACCEPTED = frozenset({"review_accepted", "review_accept", "review_approved"})
"""Outcomes by which a reviewer took an answer as it was."""
READ = 60
"""Newest failing conversations of a pattern, and as many that ended well, that are read whole."""
PLACEHOLDER = re.compile(r"\[([a-z_0-9-]+):[0-9a-f]{6}\]")


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
    if settings.dataset.path is not None:
        for agent in sorted(files):
            own = [one for one in corrections if one.agent == agent and is_teaching(one)]
            if own:
                material = _material(agent, own, facts, conversations_of)
                yield propose_dataset(
                    agent,
                    material,
                    repository,
                    path=settings.dataset.path,
                    at_least=settings.dataset.at_least,
                )


def dataset_globs(settings: Settings) -> tuple[str, ...]:
    """Where a data set may be written; nowhere, unless the settings name a folder."""
    folder = settings.dataset.path
    return () if folder is None else tuple(f"/{folder}/*/{name}" for name in NAMES)


def is_teaching(correction: Correction) -> bool:
    """A reviewer's, and no slip of the pen: strangers must not train the agent."""
    return correction.by == "reviewer" and correction.nature != "noise"


def _material(
    agent: str,
    corrections: Sequence[Correction],
    facts: pa.Table,
    conversations_of: ConversationsOf,
) -> Material:
    """Examples of one agent: its newest corrections, and its newest answers that went well."""
    newest = sorted(corrections, key=in_time, reverse=True)[:CORRECTIONS]
    corrected = {one.conversation_id for one in corrections}
    rows = [
        row
        for row in facts.sort_by([("started_at", "descending")]).to_pylist()
        if row["agent"] == agent
        and row["has_text"]
        and not row["bad"]
        and (row["good"] or ACCEPTED & {*row["outcomes"]})
        and row["conversation_id"] not in corrected
    ]
    good = [(agent, row["conversation_id"]) for row in rows[:ACCEPTED_READ]]
    read = conversations_of(
        [*good, *((agent, one.conversation_id) for one in newest if one.conversation_id)]
    )
    left_out: Counter[str] = Counter()
    taught: list[Example] = []
    for one in newest:
        conversation = read.get((agent, one.conversation_id or ""))
        found: Example | str = "its conversation is not in the store"
        if conversation is not None:
            found = corrected_example(conversation, one, redact=published)
        if isinstance(found, Example):
            taught.append(found)
        else:
            left_out[found] += 1
    kept = [accepted_example(read[key], redact=published) for key in good if key in read]
    left_out.update(one for one in kept if isinstance(one, str))
    return Material(
        corrected=tuple(taught),
        accepted=tuple(one for one in kept if isinstance(one, Example)),
        left_out=left_out,
        reviewers=len({one.reviewer_id for one in newest} - {None}),
        ids={letters_hash(*key): key[1] for key in read},
    )


def published(text: str) -> str:
    """`text` as it may stand in a repository: secrets and personal data become `[email]`."""
    return PLACEHOLDER.sub(r"[\1]", _redactor().text(text))


@cache
def _redactor() -> Redactor:
    # The digests are cut out at once, so the key keeps nothing secret.
    return Redactor(key=b"published", personal=True)


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
