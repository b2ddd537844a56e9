"""Reads every conversation once and says what they show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pyarrow as pa
from opentelemetry import trace

from bot.causes import explain_by_reader, explain_by_rules
from bot.correction_natures import with_natures
from bot.discovered import discover_and_label
from bot.feedback import corrections_alone, decisions_of, with_shared_types
from bot.gathering import Gathering, counted
from bot.inferred import (
    NOTHING_INFERRED,
    Inferred,
    adjusted,
    in_place_of_declared,
    infer,
    with_inferred,
)
from bot.intent_cycle import sample_of
from bot.intents import Document
from bot.intents.embedding import Embedder, embed_texts
from bot.intents.reading import AskMany
from bot.labelling import Learning, Memory, label_conversations
from bot.model_changes import examples
from bot.outcomes import (
    OutcomeRules,
    lags_of,
    later_outcomes,
)
from bot.patterns import find_patterns
from bot.records import (
    Ask,
    ConversationsOf,
    Correction,
    Decision,
    FileHistory,
    Key,
    Label,
    Outcome,
    PatternReport,
    Repository,
    Signal,
    Skipped,
    Taxonomy,
    VersionMatch,
)
from bot.settings import Settings
from bot.versions import drift, find_matches, servings
from bot.watched import files_of_agents
from bot.workflow import workflows
from collector.records import Conversation, Event, Unreadable

_tracer = trace.get_tracer("debrief")

FEEDBACK_EVENTS = ("debrief.correction", "debrief.decision", "debrief.response")
"""What people said of the agent's work; it counts also where its conversation never came."""

NOTHING_LEARNED = Learning()
NOTHING_KNOWN = Memory()


def _by_default(documents: Sequence[Document]) -> Embedder:
    """The vectors that need nothing but the base install, whatever is compared."""
    return embed_texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Understanding:
    """What the conversations of one window say."""

    facts: pa.Table
    signals: Mapping[Key, tuple[Signal, ...]]
    outcomes: Mapping[Key, tuple[Outcome, ...]]
    labels: Mapping[Key, Label]
    taxonomy: Taxonomy
    corrections: tuple[Correction, ...]
    decisions: tuple[Decision, ...]
    systems: Mapping[str, tuple[str, ...]]
    """Agent to some of its captured system prompts."""
    report: PatternReport
    skipped: tuple[Skipped, ...]
    documents: tuple[Document, ...] = ()
    """A sample of what users wrote: what a change of the taxonomy is tried on."""
    learning: Learning = NOTHING_LEARNED
    memory: Memory = NOTHING_KNOWN
    """What the next run will know of labels."""
    embed: Embedder = embed_texts
    """What the documents were compared by."""
    history: FileHistory | None = None
    served: tuple[VersionMatch, ...] = ()
    """Where the captured system prompts and tools come from in `history`."""
    lags: Mapping[str, timedelta] = field(default_factory=dict)
    """Outcomes that may come late, and how long after a conversation."""


def understand(
    conversations: Iterable[Conversation | Unreadable],
    user_events: Sequence[Event],
    feedback_events: Sequence[Event],
    *,
    taxonomy: Taxonomy | None,
    known: Taxonomy | None = None,
    settings: Settings,
    ask: Ask | None,
    now: datetime,
    memory: Memory | None = None,
    ask_many: AskMany | None = None,
    history: FileHistory | None = None,
    embedding: Callable[[Sequence[Document]], Embedder] = _by_default,
    conversations_of: ConversationsOf | None = None,
) -> Understanding:
    """Read every conversation once; find signals, outcomes, intents and patterns.

    `user_events` are tied to a user or an account only; `feedback_events` are all of
    `FEEDBACK_EVENTS`. `taxonomy` is the repository's, or None: then intents are discovered, and
    named by their terms or, with `ask`, by the model. `known` are the intents discovered before:
    those that are found again keep their ids and names. `memory` is what earlier runs learned of
    labels; `ask_many` reads what the classifier could not place; `embedding` gives the vectors by
    which these conversations are compared. `history` are the watched files through time: what was
    captured is matched against them, and conversations without a version get one. With
    `conversations_of`, outcomes that nobody declared are inferred. Costs a model call per new
    intent, for labels at most a twentieth of reading every conversation, and a call for each
    conversation whose outcome is read.
    """
    rules = OutcomeRules.from_settings(settings.outcomes)
    reads_outcomes = ask is not None and conversations_of is not None
    read = Gathering(
        rules=rules,
        later=later_outcomes(user_events, rules),
        now=now,
        has_task=lambda agent: reads_outcomes and bool(_task_of(settings, agent)),
    )
    with _tracer.start_as_current_span("understand") as span:
        for item in conversations:
            read.take(item)
        served = find_matches(read.gathered, history) if history else ()
        read.name_versions(served)
        embed = embedding(read.documents)
        taxonomy, labels, learning = _labelled(
            read,
            taxonomy,
            known=known,
            memory=memory or Memory(),
            ask=ask,
            ask_many=ask_many,
            embed=embed,
            now=now,
        )
        facts = read.facts(labels)
        inferred = _inferred(read, settings=settings, conversations_of=conversations_of, ask=ask)
        facts = with_inferred(facts, inferred)
        decisions = tuple(decisions_of(feedback_events))
        alone = corrections_alone(feedback_events, read.corrections)
        corrections = with_natures(with_shared_types((*read.corrections, *alone)))
        report = _report(
            read,
            facts,
            inferred,
            corrections,
            decisions,
            taxonomy=taxonomy,
            settings=settings,
            history=history,
            served=served,
            now=now,
        )
        span.set_attributes(
            {
                "debrief.conversations": len(read.rows),
                "debrief.skipped": len(read.skipped),
                "debrief.patterns": len(report.patterns),
            }
        )
    return Understanding(
        facts=facts,
        signals=read.signals,
        outcomes=read.outcomes,
        labels=labels,
        taxonomy=taxonomy,
        corrections=corrections,
        decisions=decisions,
        systems={agent: tuple(texts) for agent, texts in read.systems.items()},
        report=report,
        skipped=(*counted(read.skipped), *learning.skipped, *inferred.skipped),
        documents=sample_of(read.documents),
        learning=learning,
        memory=_remembered(memory, learning),
        embed=embed,
        history=history,
        served=served,
        lags=lags_of(read.later, rules),
    )


def _labelled(
    read: Gathering,
    taxonomy: Taxonomy | None,
    *,
    known: Taxonomy | None,
    memory: Memory,
    ask: Ask | None,
    ask_many: AskMany | None,
    embed: Embedder,
    now: datetime,
) -> tuple[Taxonomy, Mapping[Key, Label], Learning]:
    """The intents, found first where the repository has none, and each conversation's own."""
    if taxonomy is None:
        return discover_and_label(
            read.documents, known=known, memory=memory, ask=ask, embed=embed, now=now
        )
    labels, learning = label_conversations(
        read.documents,
        taxonomy,
        memory,
        ask_many=ask_many,
        tokens=read.tokens,
        now=now,
        embed=embed,
    )
    return taxonomy, labels, learning


def _remembered(memory: Memory | None, learning: Learning) -> Memory:
    """What was known and what this run learned, without the labels of this taxonomy."""
    known = memory.known if memory else ()
    return Memory(learned=learning.learned, known=(*known, *learning.read))


def _inferred(
    read: Gathering,
    *,
    settings: Settings,
    conversations_of: ConversationsOf | None,
    ask: Ask | None,
) -> Inferred:
    """Outcomes of agents whose own outcomes nobody declares."""
    if ask is None or conversations_of is None:
        return NOTHING_INFERRED
    declared = {row["agent"] for row in read.rows if row["good"] or row["bad"]}
    return infer(
        {key: one for key, one in read.endings.items() if key[0] not in declared},
        agent_of=settings.agent,
        conversations_of=conversations_of,
        ask=ask,
    )


def _report(
    read: Gathering,
    facts: pa.Table,
    inferred: Inferred,
    corrections: Sequence[Correction],
    decisions: Sequence[Decision],
    *,
    taxonomy: Taxonomy,
    settings: Settings,
    history: FileHistory | None,
    served: Sequence[VersionMatch],
    now: datetime,
) -> PatternReport:
    """What fails, with all that was observed of it and the causes that rules know."""
    report = find_patterns(
        in_place_of_declared(facts, inferred),
        corrections,
        decisions,
        taxonomy=taxonomy,
        now=now,
        window_days=settings.limits.window_days,
        min_users=settings.limits.min_users,
    )
    report = adjusted(read.observed.complete(report, read.documents), facts, inferred)
    drifted = drift(servings(served), history) if history is not None else ()
    report = replace(
        report,
        workflows=workflows(read.jobs, decisions, now=now),
        findings=(*report.findings, *drifted, *inferred.findings),
    )
    return explain_by_rules(report, facts, read.traits, history=history, settings=settings)


def _task_of(settings: Settings, agent: str) -> str:
    own = settings.agent(agent)
    return own.task + own.done_when


def explain(
    understood: Understanding,
    repository: Repository | None,
    *,
    settings: Settings,
    conversations_of: ConversationsOf,
    ask: Ask | None,
) -> Understanding:
    """Let a reader look for the causes that no rule knows; nothing changes without a model."""
    if ask is None:
        return understood
    agents = [agent.agent for agent in understood.report.agents]
    files = (
        files_of_agents(agents, repository, settings, systems=understood.systems)
        if repository is not None
        else {}
    )
    explained = explain_by_reader(
        understood.report,
        repository=repository,
        files=files,
        newest=lambda pattern: examples(understood.facts, pattern)[0],
        conversations_of=conversations_of,
        ask=ask,
    )
    skipped = (*understood.skipped, *explained.skipped)
    return replace(understood, report=explained.report, skipped=skipped)
