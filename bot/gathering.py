"""The one pass over the conversations: what each says by itself, without the others.

No text is kept but what grouping by intent needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from bot.causes import Trait, traits_of
from bot.feedback import corrections_of
from bot.figures import count
from bot.inferred import Ending, ending_of
from bot.intents import Document, to_document
from bot.intents.reading import CHARS_PER_TOKEN
from bot.observed import Observed
from bot.outcomes import LaterOutcomes, OutcomeRules, link_outcomes, outcomes_after
from bot.records import (
    FACTS_SCHEMA,
    Correction,
    Key,
    Label,
    Outcome,
    Signal,
    Skipped,
    VersionMatch,
    short_hash,
)
from bot.signals import find_signals
from bot.versions import Gathered, version_names
from bot.workflow import Job, job_of
from collector.records import Conversation, Unreadable

SYSTEMS_KEPT = 20
"""Distinct captured system prompts that are kept per agent."""
REACTIONS = frozenset({"quick_correction", "error_pointed_out", "escalation_request"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathering:
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

    def name_versions(self, served: Iterable[VersionMatch]) -> None:
        """Give conversations that name no version the commit that their system prompt is of."""
        named = version_names(served)
        names = {(agent, short_hash(text)): name for (agent, text), name in named.items()}
        for row, prompt in zip(self.rows, self.prompts, strict=True):
            if row["version"] is None and prompt is not None:
                row["version"] = names.get((row["agent"], prompt))

    def facts(self, labels: Mapping[Key, Label]) -> pa.Table:
        """FACTS_SCHEMA: one row per conversation."""
        for row in self.rows:
            found = labels.get((row["agent"], row["conversation_id"]))
            row["intents"] = [intent for intent, _ in found.intents] if found else []
        table = pa.Table.from_pylist(list(self.rows), schema=FACTS_SCHEMA)
        return self.observed.with_segments(table, self.documents)

    @property
    def tokens(self) -> int:
        """What reading all of them with a model would cost."""
        return int(sum(self.characters) / CHARS_PER_TOKEN)


def counted(skipped: Iterable[Skipped]) -> Iterator[Skipped]:
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
