"""The one sentence that joins the stages: understand, propose, measure.

Takes what the shell has read (conversations, repository, history) and gives what the shell writes
(reports, bundles). No I/O here: a model is an `Ask`, conversations are an iterator, time is a
parameter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast, get_args

import pyarrow as pa
import pyarrow.compute as pc
from opentelemetry import trace

from bot.causes import Trait, explain_by_reader, explain_by_rules, traits_of
from bot.correction_natures import with_natures
from bot.counted_changes import counted_changes
from bot.example_changes import dataset_globs, example_changes
from bot.feedback import corrections_alone, corrections_of, decisions_of, with_shared_types
from bot.figures import count
from bot.gate import gate
from bot.inferred import (
    NOTHING_INFERRED,
    Ending,
    adjusted,
    ending_of,
    in_place_of_declared,
    infer,
    with_inferred,
)
from bot.intent_cycle import change_taxonomy, sample_of
from bot.intents import Document, discover, to_document
from bot.intents.embedding import Embedder, embed_texts
from bot.intents.reading import CHARS_PER_TOKEN, AskMany
from bot.intents.revising import revise
from bot.intents.taxonomy import PATH as TAXONOMY_PATH
from bot.labelling import Learning, Memory, corrected, label_conversations
from bot.measure import measure as measure_one
from bot.observed import Observed
from bot.outcomes import (
    LaterOutcomes,
    OutcomeRules,
    later_outcomes,
    link_outcomes,
    outcomes_after,
)
from bot.patterns import find_patterns, restless
from bot.proposals import (
    already_decided,
    check_edits,
    constraints,
    pattern_decided,
    propose_prompt,
    propose_retirements,
    propose_rule,
    propose_threshold,
    ranked_patterns,
    slots_left,
    with_learning,
    within_caps,
)
from bot.proposals.harness import ROUTED, RunCheck, propose_harness, with_checks
from bot.records import (
    FACTS_SCHEMA,
    AgentFiles,
    Ask,
    Correction,
    Decision,
    FileHistory,
    Finding,
    Label,
    Live,
    Operation,
    Outcome,
    PastProposal,
    Pattern,
    PatternReport,
    Proposal,
    ProposalKind,
    Repository,
    Signal,
    Skipped,
    Taxonomy,
    Verdict,
    VersionMatch,
    short_hash,
)
from bot.settings import Settings, load_settings
from bot.signals import find_signals
from bot.versions import Gathered, drift, find_matches, seen_live, servings, version_names
from bot.watched import default_globs, files_of_agents
from bot.workflow import Job, job_of, workflows
from collector.records import Conversation, Event, Unreadable

_tracer = trace.get_tracer("debrief")

Key = tuple[str, str]
"""(agent, conversation id)."""
ConversationsOf = Callable[[Collection[Key]], Mapping[Key, Conversation]]
"""Reads some conversations again, whole; what is gone by now is missing."""
SYSTEMS_KEPT = 20
"""Distinct captured system prompts that are kept per agent."""
PROMPT_PATTERNS = 3
"""Patterns that one cycle puts before the model, the most important first."""
BY_THE_MODEL = frozenset({"prompt", "harness"})
EXAMPLES = 40
"""Failing conversations, and as many passing ones, from which the reader picks for one pattern."""
REACTIONS = frozenset({"quick_correction", "error_pointed_out", "escalation_request"})
FEEDBACK_EVENTS = ("debrief.correction", "debrief.decision", "debrief.response")
"""What people said of the agent's work; it counts also where its conversation never came."""


UNMEASURED = frozenset({"taxonomy", "cases", "dataset"})
"""Kinds that change no agent: they move no rate."""
NOTHING_LEARNED = Learning()


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
    embed: Embedder = embed_texts
    """What the documents were compared by."""
    history: FileHistory | None = None
    served: tuple[VersionMatch, ...] = ()
    """Where the captured system prompts and tools come from in `history`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What one cycle would change."""

    proposals: tuple[Proposal, ...] = ()
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    waiting: tuple[Proposal, ...] = ()
    """Ready, and held back by a limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """What reading the conversations one by one gathers; nothing of their text but documents."""

    rules: OutcomeRules
    later: LaterOutcomes
    now: datetime
    rows: list[dict[str, Any]] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    signals: dict[Key, tuple[Signal, ...]] = field(default_factory=dict)
    outcomes: dict[Key, tuple[Outcome, ...]] = field(default_factory=dict)
    corrections: list[Correction] = field(default_factory=list)
    systems: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    gathered: Gathered = field(default_factory=Gathered)
    prompts: list[str | None] = field(default_factory=list)
    """Hash of each row's system prompt."""
    skipped: list[Skipped] = field(default_factory=list)
    characters: list[int] = field(default_factory=list)
    """Of all that each conversation says."""
    jobs: list[Job] = field(default_factory=list)
    traits: dict[Key, tuple[Trait, ...]] = field(default_factory=dict)
    """Of conversations that have any."""
    observed: Observed = field(default_factory=Observed)
    has_task: Callable[[str], bool] = lambda agent: False
    """Agents of which an outcome may be inferred, because the settings say when one is done."""
    endings: dict[Key, Ending] = field(default_factory=dict)

    def take(self, item: Conversation | Unreadable) -> None:
        if isinstance(item, Unreadable):
            self.skipped.append(Skipped(what=item.what, code="unreadable", reason=item.reason))
            return
        key = (item.agent, item.conversation_id)
        signals = self.signals[key] = find_signals(item, now=self.now)
        outcomes = self.outcomes[key] = (
            *link_outcomes(item, signals, self.rules, now=self.now),
            *outcomes_after(item, self.later, self.rules),
        )
        self.rows.append(_fact(item, signals, outcomes))
        self.observed.take(item, signals)
        if item.completeness.text and self.has_task(item.agent):
            self.endings[key] = ending_of(item, signals)
        if traits := traits_of(item, signals):
            self.traits[key] = traits
        corrections = corrections_of(item)
        self.corrections.extend(corrections)
        self.jobs.append(job_of(item, signals, outcomes, corrections))
        self.gathered.take(item)
        self.prompts.append(short_hash(item.system) if item.system else None)
        self.characters.append(sum(len(message.text or "") for message in item.messages))
        if item.system and len(self.systems[item.agent]) < SYSTEMS_KEPT:
            self.systems[item.agent][item.system] = None
        document = to_document(item, leave_out=_reactions(signals))
        if isinstance(document, Skipped):
            self.skipped.append(document)
        else:
            self.documents.append(document)


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
    read = _Read(rules=rules, later=later_outcomes(user_events, rules), now=now)
    if ask is not None and conversations_of is not None:
        read = replace(read, has_task=lambda name: bool(_task_of(settings, name)))
    with _tracer.start_as_current_span("understand") as span:
        for item in conversations:
            read.take(item)
        served = find_matches(read.gathered, history) if history else ()
        _name_versions(read, served)
        memory = memory or Memory()
        learning = NOTHING_LEARNED
        embed = embedding(read.documents)
        if taxonomy is None:
            found = discover(read.documents, ask=ask, known=known, now=now, embed=embed)
            if ask is not None:
                found, _ = revise(read.documents, found, ask=ask, known=known, embed=embed)
            taxonomy, not_named = found.taxonomy, found.skipped
            labels = corrected(found.labels, taxonomy, memory)
        else:
            labels, learning = label_conversations(
                read.documents,
                taxonomy,
                memory,
                ask_many=ask_many,
                tokens=int(sum(read.characters) / CHARS_PER_TOKEN),
                now=now,
                embed=embed,
            )
            not_named = learning.skipped
        facts = read.observed.with_segments(_with_intents(read.rows, labels), read.documents)
        inferred = NOTHING_INFERRED
        if ask is not None and conversations_of is not None:
            declared = {row["agent"] for row in read.rows if row["good"] or row["bad"]}
            inferred = infer(
                {key: one for key, one in read.endings.items() if key[0] not in declared},
                agent_of=settings.agent,
                conversations_of=conversations_of,
                ask=ask,
            )
            facts = with_inferred(facts, inferred)
        decisions = decisions_of(feedback_events)
        alone = corrections_alone(feedback_events, read.corrections)
        typed = with_natures(with_shared_types((*read.corrections, *alone)))
        report = find_patterns(
            in_place_of_declared(facts, inferred),
            typed,
            decisions,
            taxonomy=taxonomy,
            now=now,
            window_days=settings.limits.window_days,
            min_users=settings.limits.min_users,
        )
        report = read.observed.complete(report, read.documents)
        report = replace(report, workflows=workflows(read.jobs, decisions, now=now))
        if history is not None:
            found_drift = drift(servings(served), history)
            report = replace(report, findings=(*report.findings, *found_drift))
        report = adjusted(report, facts, inferred)
        report = replace(report, findings=(*report.findings, *inferred.findings))
        report = explain_by_rules(report, facts, read.traits, history=history, settings=settings)
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
        corrections=typed,
        decisions=tuple(decisions),
        systems={agent: tuple(texts) for agent, texts in read.systems.items()},
        report=report,
        skipped=(*_counted(read.skipped), *not_named, *inferred.skipped),
        documents=sample_of(read.documents),
        learning=learning,
        embed=embed,
        history=history,
        served=served,
    )


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
    texts_of: Callable[[PastProposal], Mapping[str, tuple[str, str]] | None] = lambda past: None,
) -> Changes:
    """Turn patterns into gated proposals, or say why not.

    `texts_of` gives what a merge of ours made of its files: what was of no use is retired.
    `wanted_now` are ids that a person wants opened whatever the limits say; `check` runs the
    repository's own check on a candidate. Costs model calls for
    prompts, and for names of intents that the taxonomy does not know yet.
    """
    agents = [agent.agent for agent in understood.report.agents]
    files = files_of_agents(agents, repository, settings, systems=understood.systems)
    results: list[Proposal | Finding | Skipped] = []
    for_model: list[Pattern] = []
    with _tracer.start_as_current_span("propose") as span:
        for pattern in understood.report.patterns:
            decided = pattern_decided(pattern, past, now=now)
            own = files[pattern.agent]
            if decided is not None:
                results.append(decided)
            elif pattern.kind == "correction":
                others = understood.corrections
                results.append(propose_rule(pattern, repository, own, others=others, now=now))
            elif pattern.kind == "threshold" and (turning := restless(pattern, past)):
                results.append(turning)
            elif pattern.kind == "threshold":
                move = settings.limits.threshold_move
                results.append(propose_threshold(pattern, repository, own, now=now, max_move=move))
            else:
                for_model.append(pattern)
        results += counted_changes(
            understood.facts, repository, files, conversations_of=conversations_of
        )
        results += example_changes(
            understood.report.patterns,
            understood.facts,
            understood.signals,
            understood.corrections,
            repository,
            files,
            past,
            settings=settings,
            conversations_of=conversations_of,
            ask=ask,
            now=now,
        )
        results += propose_retirements(
            past,
            facts=understood.facts,
            taxonomy=understood.taxonomy,
            standing={pattern.id for pattern in understood.report.patterns},
            files=repository.files,
            texts_of=texts_of,
            now=now,
        )
        if ask is not None:
            results += _by_the_model(
                ranked_patterns(for_model, "prompt", past),
                understood.facts,
                repository,
                files,
                past,
                slots=slots_left(past, now=now, per_week=settings.limits.new_per_week),
                taken=[one.remedy for one in results if isinstance(one, Proposal)],
                conversations_of=conversations_of,
                ask=ask,
                now=now,
            )
        elif agents:
            results.append(_without_a_model(len(for_model)))
        span.set_attribute("debrief.results", len(results))
    if understood.documents:
        quotes = settings.quotes
        results.append(_taxonomy_change(understood, repository, ask=ask, now=now, quotes=quotes))
    gated, stopped = _gated(results, understood.report.patterns, past, now=now)
    gated, failed = with_checks(with_learning(gated, past), past, run=check)
    asked = [one for one in gated if one.id in wanted_now]
    ready = [one for one in gated if one.id not in wanted_now]
    kept, capped = within_caps(
        ready,
        past,
        now=now,
        per_week=settings.limits.new_per_week,
        limits=settings.publish,
    )
    held = {one.what for one in capped}
    return Changes(
        proposals=(*asked, *kept),
        waiting=tuple(one for one in ready if one.title in held),
        findings=tuple(result for result in results if isinstance(result, Finding)),
        skipped=(
            *(result for result in results if isinstance(result, Skipped)),
            *stopped,
            *failed,
            *capped,
        ),
    )


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
        )
        for one in past
        if one.state == "merged" and one.verdict is None and one.kind not in UNMEASURED
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


def _taxonomy_change(
    understood: Understanding,
    repository: Repository,
    *,
    ask: Ask | None,
    now: datetime,
    quotes: bool,
) -> Proposal | Skipped:
    facts = understood.facts
    agents, ids, started = (
        facts[name].to_pylist() for name in ("agent", "conversation_id", "started_at")
    )
    return change_taxonomy(
        understood.documents,
        understood.labels,
        understood.taxonomy,
        file=repository.files.get(TAXONOMY_PATH),
        started=dict(zip(zip(agents, ids, strict=True), started, strict=True)),
        ask=ask,
        now=now,
        embed=understood.embed,
        quotes=quotes,
    )


def _counted(skipped: Iterable[Skipped]) -> Iterator[Skipped]:
    """One entry for all conversations that were passed over for the same reason."""
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in skipped:
        alike[one.code, one.reason].append(one.what)
    for (code, reason), whats in alike.items():
        others = len(whats) - 1
        more = f" and {count(others, 'other')}" if others else ""
        yield Skipped(what=f"{whats[0]}{more}", code=code, reason=reason)


def reactions_of(conversation: Conversation) -> set[int]:
    """Messages that say how it went and not what was wanted."""
    return _reactions(find_signals(conversation))


def _reactions(signals: Iterable[Signal]) -> set[int]:
    """Messages in which the user reacts to a failure."""
    return {signal.message_index for signal in signals if signal.kind in REACTIONS}


def _fact(
    conversation: Conversation, signals: Iterable[Signal], outcomes: Iterable[Outcome]
) -> dict[str, Any]:
    """One row of FACTS_SCHEMA, without the intents."""
    told = [outcome for outcome in outcomes if outcome.source != "inferred"]
    return {
        "agent": conversation.agent,
        "conversation_id": conversation.conversation_id,
        "unit": conversation.unit,
        "has_user": conversation.user_id is not None,
        "version": conversation.version,
        "variant": conversation.variant,
        "started_at": conversation.started_at,
        "ended_at": conversation.ended_at,
        "turns": conversation.turns,
        "has_text": conversation.completeness.text,
        "signals": sorted({signal.kind for signal in signals}),
        "outcomes": sorted({outcome.name for outcome in told}),
        "good": sorted({outcome.name for outcome in told if outcome.polarity == "good"}),
        "bad": sorted({outcome.name for outcome in told if outcome.polarity == "bad"}),
        "inferred": sorted({one.name for one in outcomes if one.source == "inferred"}),
        "segments": sorted(conversation.segments.items()),
    }


def _name_versions(read: _Read, served: Iterable[VersionMatch]) -> None:
    """Give conversations that name no version the commit that their system prompt is of."""
    named = version_names(served)
    names = {(agent, short_hash(text)): name for (agent, text), name in named.items()}
    for row, prompt in zip(read.rows, read.prompts, strict=True):
        if row["version"] is None and prompt is not None:
            row["version"] = names.get((row["agent"], prompt))


def _with_intents(rows: Sequence[dict[str, Any]], labels: Mapping[Key, Label]) -> pa.Table:
    for row in rows:
        found = labels.get((row["agent"], row["conversation_id"]))
        row["intents"] = [intent for intent, _ in found.intents] if found else []
    return pa.Table.from_pylist(list(rows), schema=FACTS_SCHEMA)


def _gated(
    results: Iterable[Proposal | Finding | Skipped],
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


def _by_the_model(
    patterns: Sequence[Pattern],
    facts: pa.Table,
    repository: Repository,
    files: Mapping[str, AgentFiles],
    past: Sequence[PastProposal],
    *,
    slots: int,
    taken: Collection[str],
    conversations_of: ConversationsOf,
    ask: Ask,
    now: datetime,
) -> Iterator[Proposal | Finding | Skipped]:
    """Changes for the most important patterns; the rest waits for the next cycle.

    What lies in a tool or in the program goes there, all else into the prompt. `taken` are
    remedies that are proposed without a model.
    """
    waiting = {one.id: reason for one in patterns if (reason := _unchanged(one, past))}
    yield from waiting.values()
    open_now = {
        (one.agent, one.pattern_id)
        for one in past
        if one.state == "open" and one.kind in BY_THE_MODEL and not one.touched
    }
    fresh = [pattern for pattern in patterns if pattern.id not in waiting]
    # A revision of what is open comes first, and opens nothing new.
    fresh.sort(key=lambda pattern: (pattern.agent, pattern.id) not in open_now)
    revised = sum((pattern.agent, pattern.id) in open_now for pattern in fresh)
    read_at_most = min(PROMPT_PATTERNS, slots + revised)
    for pattern in fresh[read_at_most:]:
        sentence = (
            f"This cycle may read {count(read_at_most, 'pattern')} with the model "
            f"(at most {PROMPT_PATTERNS}, and no more than may be opened this week)."
        )
        yield Skipped(what=_prompt_change(pattern), code="cap", reason=sentence)
    chosen = {pattern.id: examples(facts, pattern) for pattern in fresh[:read_at_most]}
    keys = {key for pair in chosen.values() for group in pair for key in group}
    read = conversations_of(keys)
    for pattern in fresh[:read_at_most]:
        failing, passing = (
            [read[key] for key in group if key in read] for group in chosen[pattern.id]
        )
        if pattern.cause is not None and pattern.cause.cause in ROUTED:
            routed = propose_harness(
                pattern,
                repository,
                files[pattern.agent],
                failing=failing,
                passing=passing,
                constraints=constraints(pattern, past),
                taken=taken,
                ask=ask,
            )
            # Where the tools are kept elsewhere, the prompt is all that can be changed here.
            if not (isinstance(routed, Skipped) and routed.code == "no_file"):
                yield routed
                continue
        yield propose_prompt(
            pattern,
            repository,
            files[pattern.agent],
            failing=failing,
            passing=passing,
            constraints=constraints(pattern, past),
            ask=ask,
            now=now,
            conversations_per_month=_monthly(facts, pattern.agent, now=now),
        )


def _monthly(facts: pa.Table, agent: str, *, now: datetime) -> float | None:
    """Conversations of the agent in 30 days, by those of the last 28; None where none is known."""
    since = now - timedelta(days=28)
    own = facts.filter((pc.field("agent") == agent) & (pc.field("started_at") >= since))
    return own.num_rows * 30 / 28 or None


def _without_a_model(waiting: int) -> Skipped:
    """One sentence for all that needs the model's key."""
    changes = f"prompt changes for {count(waiting, 'pattern')}" if waiting else "prompt changes"
    return Skipped(
        what=f"{changes}, and names of intents by the model",
        code="no_key",
        reason="No model key is set. Set ANTHROPIC_API_KEY; rules and thresholds need none.",
    )


def _prompt_change(pattern: Pattern) -> str:
    segment = [f"{key}={value}" for key, value in sorted(pattern.segment.items())]
    whom = ", ".join(filter(None, [pattern.intent_name, *segment]))
    return f"a prompt change for {pattern.outcome} of {pattern.agent} ({whom})"


def _unchanged(pattern: Pattern, past: Sequence[PastProposal]) -> Skipped | None:
    """An open change by the model on no more evidence: asking again would only reword it."""
    for one in past:
        same = (one.agent, one.pattern_id) == (pattern.agent, pattern.id)
        seen = one.marker.get("pattern_evidence")
        by_the_model = one.kind in BY_THE_MODEL
        if one.state != "open" or not (same and by_the_model and isinstance(seen, int)):
            continue
        if one.remarks or one.stale_paths:  # A reviewer, a check or the file asks for another look.
            continue
        if len(pattern.evidence) <= seen:
            return Skipped(
                what=_prompt_change(pattern),
                code="unchanged",
                reason=f"{one.reference} rests on the same evidence; nothing is new.",
            )
    return None


def examples(facts: pa.Table, pattern: Pattern) -> tuple[Sequence[Key], Sequence[Key]]:
    """Up to `EXAMPLES` newest failing conversations, and as many of the group that did not fail."""
    failing = set(pattern.evidence)
    passing = [
        (row["agent"], row["conversation_id"])
        for row in facts.sort_by("started_at").to_pylist()
        if row["agent"] == pattern.agent
        and row["conversation_id"] not in failing
        and not row["bad"]
        and (pattern.intent_id is None or pattern.intent_id in row["intents"])
    ]
    newest = [(pattern.agent, conversation_id) for conversation_id in pattern.evidence[-EXAMPLES:]]
    return newest, passing[-EXAMPLES:]


def check_again(
    operation: Operation,
    before: Mapping[str, str],
    after: Mapping[str, str],
    settings_text: str | None,
) -> tuple[str, ...]:
    """The guardrails that can be checked from repository and bundle alone, for `publish`.

    `settings_text` is read from the default branch: a bundle cannot widen what it may touch.
    """
    settings = load_settings(settings_text)
    agent = settings.agent(operation.agent)
    own = (*agent.prompts, *agent.harness, *agent.configs, *agent.thresholds)
    kind = operation.kind
    if kind not in get_args(ProposalKind):
        return (f"{kind!r:.40} is no kind of proposal",)
    if kind == "dataset":  # It goes where the settings say, and never where an agent's files are.
        own = dataset_globs(settings)
        return check_edits(before, after, kind="dataset", allowed=own)
    return check_edits(
        before,
        after,
        kind=cast(ProposalKind, kind),
        allowed=(*(own or default_globs()), *settings.allow),
    )
