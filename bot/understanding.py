"""What the conversations of one window say, as one value: what a cycle decides on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pyarrow as pa

from bot.intents import Document
from bot.intents.embedding import Embedder, embed_texts
from bot.labelling import Learning, Memory
from bot.records import (
    Correction,
    Decision,
    FileHistory,
    Key,
    Label,
    Outcome,
    PatternReport,
    Signal,
    Skipped,
    Taxonomy,
    VersionMatch,
)

NOTHING_LEARNED = Learning()
NOTHING_KNOWN = Memory()


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
