"""The one sentence that joins the stages: understand, propose, measure.

Takes what the shell has read (conversations, repository, history) and gives what the shell writes
(reports, bundles). No I/O here: a model is an `Ask`, conversations are an iterator, time is a
parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa
from opentelemetry import trace

from bot.causes import explain_by_reader, explain_by_rules
from bot.change_search import ChangeSearch, Result, TextsOf
from bot.correction_natures import with_natures
from bot.discovered import discover_and_label
from bot.feedback import corrections_alone, decisions_of, with_shared_types
from bot.gate import gate
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
from bot.measure import measure as measure_one
from bot.model_changes import examples
from bot.outcomes import OutcomeRules, lags_of, later_outcomes
from bot.patterns import find_patterns
from bot.proposals import already_decided, with_learning, within_caps
from bot.proposals.harness import RunCheck, with_checks
from bot.records import (
    UNMEASURED,
    Ask,
    ConversationsOf,
    Correction,
    Decision,
    FileHistory,
    Finding,
    Key,
    Label,
    Live,
    PastProposal,
    Pattern,
    PatternReport,
    Proposal,
    Repository,
    Skipped,
    Taxonomy,
    Verdict,
    VersionMatch,
)
from bot.rollback import roll_back_harm
from bot.settings import Settings
from bot.understanding import Understanding
from bot.versions import drift, find_matches, seen_live, servings
from bot.watched import files_of_agents
from bot.workflow import workflows
from collector.records import Conversation, Event, Unreadable

_tracer = trace.get_tracer("debrief")

FEEDBACK_EVENTS = ("debrief.correction", "debrief.decision", "debrief.response")
"""What people said of the agent's work; it counts also where its conversation never came."""


def _by_default(documents: Sequence[Document]) -> Embedder:
    """The vectors that need nothing but the base install, whatever is compared."""
    return embed_texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What one cycle would change."""

    proposals: tuple[Proposal, ...] = ()
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    waiting: tuple[Proposal, ...] = ()
    """Ready, and held back by a limit."""
    answered: frozenset[str] = frozenset()
    """Patterns that these answer: what was said of them before gives way."""


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
    intent, for labels what `label_conversations` may spend, and a call for each
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


def propose(
    understood: Understanding,
    repository: Repository,
    past: Sequence[PastProposal],
    *,
    settings: Settings,
    conversations_of: ConversationsOf,
    ask: Ask | None,
    now: datetime,
    wanted_now: Collection[str] = (),
    check: RunCheck = lambda proposal: None,
    texts_of: TextsOf = lambda past: None,
) -> Changes:
    """Turn patterns into gated proposals, or say why not.

    `texts_of` gives what a merge of ours made of its files: what was of no use is retired.
    `wanted_now` are ids that a person wants opened whatever the limits say; `check` runs the
    repository's own check on a candidate. Costs model calls for prompts and code, for examples,
    and for names of intents that the taxonomy does not know yet.
    """
    agents = [agent.agent for agent in understood.report.agents]
    search = ChangeSearch(
        understood=understood,
        repository=repository,
        past=past,
        settings=settings,
        conversations_of=conversations_of,
        ask=ask,
        now=now,
        texts_of=texts_of,
        files=files_of_agents(agents, repository, settings, systems=understood.systems),
    )
    with _tracer.start_as_current_span("propose") as span:
        results, for_model = search.by_rules()
        results += search.by_counting()
        results += search.retirements()
        results += roll_back_harm(past, files=repository.files, texts_of=texts_of)
        taken = [one.remedy for one in results if isinstance(one, Proposal)]
        results += search.by_model(for_model, taken=taken)
        # Last, so that the model's budget goes to fixes first.
        results += search.examples()
        span.set_attribute("debrief.results", len(results))
    results += search.taxonomy()
    gated, stopped = _gated(results, understood.report.patterns, past, now=now)
    gated, failed = with_checks(with_learning(gated, past), past, run=check)
    ready = [one for one in gated if one.id not in wanted_now]
    kept, capped = within_caps(
        ready,
        past,
        now=now,
        per_week=settings.limits.new_per_week,
        limits=settings.publish,
    )
    held = {one.what for one in capped}
    left_out = [result for result in results if isinstance(result, Skipped)]
    patterns = {one.title: one.pattern_id for one in results if isinstance(one, Proposal)}
    left_out += [
        replace(one, pattern_id=patterns.get(one.what)) for one in (*stopped, *failed, *capped)
    ]
    return Changes(
        proposals=(*(one for one in gated if one.id in wanted_now), *kept),
        waiting=tuple(one for one in ready if one.title in held),
        findings=tuple(result for result in results if isinstance(result, Finding)),
        skipped=tuple(left_out),
        answered=frozenset(one.pattern_id for one in results if one.pattern_id is not None),
    )


def _gated(
    results: Iterable[Result],
    patterns: Iterable[Pattern],
    past: Sequence[PastProposal],
    *,
    now: datetime,
) -> tuple[list[Proposal], list[Skipped]]:
    """The proposals with their gate's result, and why some may not be opened.

    A taxonomy rests on no pattern: it comes with the agreement of the labels as its gate.
    """
    by_id = {pattern.id: pattern for pattern in patterns}
    gated: list[Proposal] = []
    stopped: list[Skipped] = []
    for proposal in results:
        if not isinstance(proposal, Proposal):
            continue
        decided = already_decided(proposal, past)
        if decided is not None:
            stopped.append(decided)
            continue
        pattern = by_id.get(proposal.pattern_id)
        result = gate(proposal, pattern, now=now) if pattern else proposal.gate
        if result.verdict == "fail":
            stopped.append(Skipped(what=proposal.title, code="gate", reason=result.sentence))
            continue
        gated.append(replace(proposal, gate=result))
    return gated, stopped


def measure(
    understood: Understanding, past: Sequence[PastProposal], *, now: datetime
) -> tuple[tuple[Verdict, ...], tuple[Skipped, ...]]:
    """One verdict per merged proposal that has none yet; what is too early is skipped."""
    results = [
        measure_one(
            one,
            facts=understood.facts,
            corrections=understood.corrections,
            decisions=understood.decisions,
            others=past,
            live=_live(one, understood),
            now=now,
            lags=understood.lags,
        )
        for one in past
        if one.state == "merged"
        and one.verdict is None
        and one.kind not in UNMEASURED
        and one.is_measured
    ]
    return (
        tuple(result for result in results if isinstance(result, Verdict)),
        tuple(result for result in results if isinstance(result, Skipped)),
    )


def _live(past: PastProposal, understood: Understanding) -> Live | None:
    """What captured prompts and tools show of a merge; None where they are not known."""
    if understood.history is None or past.merge_sha is None:
        return None
    own = [one for one in understood.served if one.captured.agent == past.agent]
    return seen_live(own, past.merge_sha, understood.history)
