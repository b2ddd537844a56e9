"""Which vectors a run compares conversations by: the default ones, or those of a model of yours.

A model of sentence-transformers reads some tens of conversations a second. It reads each one where
there are few; else it reads a sample, and a table fitted to what it said serves all of them at the
speed of the default. The table stays in STORE/derived until the users speak of other things.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bot.commands.derived import replace_file
from bot.intents import Document
from bot.intents.embedding import Embedder, Matrix, embed_texts
from bot.intents.tables import STALE_FROM, table_from_bytes, table_to_bytes, unknown_share
from bot.settings import IntentSettings
from collector.store import Store

if TYPE_CHECKING:
    from bot.intents.sentences import DistilledTable

DEFAULT = "default"
TABLE = "derived/embedding.npz"
DISTILLED_FROM = 500
"""Conversations of a run from which a table is worth its fit; under this the model reads each."""
FITTED_TO = 3_000
"""Conversations that the model reads for a table: two to three minutes of one core."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Remembered:
    """An `Embedder` that reads the same text once in a run, whichever stage asks."""

    teacher: Embedder
    seen: dict[str, Matrix] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        return self.teacher.name

    def __call__(self, texts: Sequence[str], /) -> Matrix:
        new = list(dict.fromkeys(text for text in texts if text not in self.seen))
        self.seen.update(zip(new, self.teacher(new), strict=True))
        if not texts:
            return self.teacher(())
        return np.array([self.seen[text] for text in texts], dtype=np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Embedding:
    """The settings' choice over one store. Called with a run's documents, gives their vectors."""

    store: Store
    model: str | None
    """As the settings name it; None: the default vectors."""
    load: Callable[[], Embedder]
    """Gives the model; a run that has a table loads none, which saves it seconds and 300 MB."""

    def __call__(self, documents: Sequence[Document]) -> Embedder:
        """The model itself, or a table that is kept; a new one where that has aged."""
        if self.model is None:
            return embed_texts
        texts = [document.text for document in _sample(documents)]
        table = self._table(self.model)
        if table is not None and unknown_share(texts, table) < STALE_FROM:
            return table
        if len(documents) < DISTILLED_FROM:
            return self.load()
        # Imported here: what it stands on takes a second to load.
        from bot.intents.sentences import distil

        table = distil(texts, self.load())
        data = table_to_bytes(table, teacher=self.model)
        replace_file(self.store.root / TABLE, lambda draft: draft.write_bytes(data))
        return table_from_bytes(data, teacher=self.model) or table

    def kept(self) -> Embedder:
        """What the last run compared by, for conversations that come in after it."""
        if self.model is None:
            return embed_texts
        return self._table(self.model) or self.load()

    def _table(self, model: str) -> DistilledTable | None:
        try:
            data = (self.store.root / TABLE).read_bytes()
        except OSError:  # none was fitted yet
            return None
        return table_from_bytes(data, teacher=model)


def embedding_of(store: Store, chosen: IntentSettings) -> Embedding:
    """The embedding that the settings name.

    Loading its model raises `SettingsError` where the extra is not installed, or the model is not
    on this machine.
    """

    @functools.cache
    def load() -> Embedder:
        from bot.intents.sentences import load_sentence_model

        return Remembered(teacher=load_sentence_model(chosen.embedding, download=chosen.download))

    model = None if chosen.embedding == DEFAULT else chosen.embedding
    return Embedding(store=store, model=model, load=load)


def _sample(documents: Sequence[Document]) -> list[Document]:
    """At most `FITTED_TO`, chosen by their hashes: the same ones from run to run."""
    ordered = sorted(documents, key=lambda one: one.sha)
    return ordered[:FITTED_TO]
