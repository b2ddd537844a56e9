"""Looks for changes to an agent's files in what one cycle knows, one way after the other.

Takes an `Understanding`, the repository and what became of earlier proposals; gives proposals,
findings and what is left out, before the gate. Costs model calls for prompts and code, for
examples, and for names of intents that the taxonomy does not know yet.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from bot.counted_changes import counted_changes
from bot.example_changes import example_changes
from bot.intent_cycle import change_taxonomy
from bot.intents.taxonomy import PATH as TAXONOMY_PATH
from bot.labelling import label_again
from bot.measure import rate_lately
from bot.model_changes import model_changes, without_a_model
from bot.patterns import restless
from bot.proposals import (
    pattern_decided,
    propose_retirements,
    propose_rule,
    propose_threshold,
    ranked_patterns,
    slots_left,
    taught,
)
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
from bot.settings import Settings
from bot.understanding import Understanding

Result: TypeAlias = Proposal | Finding | Skipped
TextsOf: TypeAlias = Callable[[PastProposal], Mapping[str, tuple[str, str]] | None]
"""Path to its texts before and after a merge of ours; None where that is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeSearch:
    """What one cycle looks for changes in, and the ways in which it looks."""

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
