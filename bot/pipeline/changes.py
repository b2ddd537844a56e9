"""Looks for changes to an agent's files, and holds them to the gate, the checks and the caps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from opentelemetry import trace

from bot.counted_changes import counted_changes
from bot.example_changes import example_changes
from bot.gate import gate
from bot.intent_cycle import change_taxonomy
from bot.intents.taxonomy import PATH as TAXONOMY_PATH
from bot.labelling import label_again
from bot.measure import rate_lately
from bot.model_changes import model_changes, without_a_model
from bot.patterns import restless
from bot.pipeline.understanding import Understanding
from bot.proposals import (
    already_decided,
    pattern_decided,
    propose_retirements,
    propose_rule,
    propose_threshold,
    ranked_patterns,
    slots_left,
    taught,
    with_learning,
    within_caps,
)
from bot.proposals.harness import RunCheck, with_checks
from bot.records import (
    AgentFiles,
    Ask,
    ConversationsOf,
    Finding,
    PastProposal,
    Pattern,
    Proposal,
    Repository,
    Skipped,
)
from bot.rollback import roll_back_harm
from bot.settings import Settings
from bot.watched import files_of_agents

_tracer = trace.get_tracer("debrief")

Result: TypeAlias = Proposal | Finding | Skipped
TextsOf: TypeAlias = Callable[[PastProposal], Mapping[str, tuple[str, str]] | None]
"""Path to its texts before and after a merge of ours; None where that is not known."""


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
    search = _Search(
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Search:
    """Looks for changes in what one cycle knows, one way after the other."""

    understood: Understanding
    repository: Repository
    past: Sequence[PastProposal]
    settings: Settings
    conversations_of: ConversationsOf
    ask: Ask | None
    now: datetime
    texts_of: TextsOf
    files: Mapping[str, AgentFiles]

    def by_rules(self) -> tuple[list[Result], list[Pattern]]:
        """What corrections and decisions ask for, and the patterns that need a model."""
        results: list[Result] = []
        for_model: list[Pattern] = []
        for pattern in self.understood.report.patterns:
            found = self._of_pattern(pattern)
            if found is None:
                for_model.append(pattern)
            elif isinstance(found, Proposal):
                results.append(found)
            else:
                results.append(replace(found, pattern_id=pattern.id))
        return results, for_model

    def _of_pattern(self, pattern: Pattern) -> Result | None:
        """What follows from a pattern without a model; None where that needs one."""
        limits = self.settings.limits
        decided = pattern_decided(pattern, self.past, now=self.now, window_days=limits.window_days)
        own = self.files[pattern.agent]
        if decided is not None:
            return decided
        if pattern.kind == "correction":
            return propose_rule(
                pattern,
                self.repository,
                own,
                others=self.understood.corrections,
                taught=taught(self.past),
                now=self.now,
            )
        if pattern.kind != "threshold":
            return None
        return restless(pattern, self.past) or propose_threshold(
            pattern, self.repository, own, now=self.now, max_move=limits.threshold_move
        )

    def by_counting(self) -> Iterable[Result]:
        """What counts of tools, limits and settings show, without a pattern."""
        return counted_changes(
            self.understood.facts,
            self.repository,
            self.files,
            conversations_of=self.conversations_of,
        )

    def retirements(self) -> Iterable[Result]:
        """Merged changes that were of no use, taken out again."""
        known = self.understood
        return propose_retirements(
            self.past,
            facts=known.facts,
            taxonomy=known.taxonomy,
            standing={pattern.id for pattern in known.report.patterns},
            files=self.repository.files,
            texts_of=self.texts_of,
            rate_of=lambda one: rate_lately(
                one,
                facts=known.facts,
                corrections=known.corrections,
                decisions=known.decisions,
                now=self.now,
                lags=known.lags,
            ),
            now=self.now,
        )

    def by_model(self, patterns: Sequence[Pattern], *, taken: Collection[str]) -> Iterable[Result]:
        """What a model writes for the patterns that need one, or how many wait for one."""
        limits = self.settings.limits
        if self.ask is None:
            return [without_a_model(len(patterns))] if self.understood.report.agents else []
        return model_changes(
            ranked_patterns(patterns, "prompt", self.past),
            self.understood.facts,
            self.repository,
            self.files,
            self.past,
            slots=slots_left(self.past, now=self.now, per_week=limits.new_per_week),
            taken=taken,
            conversations_of=self.conversations_of,
            ask=self.ask,
            now=self.now,
            window_days=limits.window_days,
        )

    def examples(self) -> Iterable[Result]:
        """Cases to replay and examples to train on."""
        known = self.understood
        return example_changes(
            known.report.patterns,
            known.facts,
            known.signals,
            known.corrections,
            self.repository,
            self.files,
            self.past,
            settings=self.settings,
            conversations_of=self.conversations_of,
            ask=self.ask,
            now=self.now,
        )

    def taxonomy(self) -> list[Result]:
        """A change of the intents; none where nobody wrote anything."""
        known = self.understood
        if not known.documents:
            return []
        facts = known.facts
        agents, ids, started = (
            facts[name].to_pylist() for name in ("agent", "conversation_id", "started_at")
        )
        change = change_taxonomy(
            known.documents,
            known.labels,
            known.taxonomy,
            file=self.repository.files.get(TAXONOMY_PATH),
            started=dict(zip(zip(agents, ids, strict=True), started, strict=True)),
            relabel=lambda taxonomy: label_again(
                known.documents, taxonomy, known.memory, now=self.now, embed=known.embed
            ),
            ask=self.ask,
            now=self.now,
            embed=known.embed,
            quotes=self.settings.quotes,
        )
        return [change]


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
