"""Vectors of a sentence-transformers model, and a table that imitates it at a hundredth the cost.

The extra `embedding` brings the library; the model is a folder or the name of one that is on this
machine. Nothing is downloaded unless that is asked for.

`distil` fits a vector to each word and pair of words of the user's own traffic, so that their sum
and the default vector predict what the model says of a text (ridge; Model2Vec's idea, fitted to the
corpus). It reads thousands of texts a second; what stays of the quality: bench/intents.py.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from bot.errors import SettingsError
from bot.intents.embedding import Embedder, Matrix, embed_texts, normalise
from bot.records import short_hash

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found]

BATCH = 64
BASE_RIDGE = 0.1
WORD_RIDGE = 0.3
"""How strongly rare words are held to what the default vector says without them."""
MIN_TEXTS = 2
"""Texts that a word must be in to get a vector; the default's character n-grams carry others."""
MAX_WORDS = 6_000

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class SentenceModel:
    """An `Embedder` by a sentence-transformers model; 100 to 300 short texts per CPU second."""

    name: str
    model: SentenceTransformer = field(repr=False, compare=False)

    def __call__(self, texts: Sequence[str], /) -> Matrix:
        if not texts:
            return np.zeros((0, self.model.get_embedding_dimension() or 0), dtype=np.float32)
        rows = self.model.encode(
            list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return cast("Matrix", np.asarray(rows, dtype=np.float32))


def load_sentence_model(model: str, *, download: bool = False) -> SentenceModel:
    """The model in the folder `model`, or of that name among those on this machine.

    Raises:
        SettingsError: the extra is not installed, or the model is not here.
    """
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging  # type: ignore[import-not-found]
    except ImportError as error:
        raise SettingsError(
            f"The embedding model {model!r} needs sentence-transformers; install"
            " agent-debrief[embedding], or leave the model out"
        ) from error
    logging.disable_progress_bar()  # else loading draws one amid a command's own lines
    try:
        loaded = SentenceTransformer(model, device="cpu", local_files_only=not download)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The embedding model {model!r} is not on this machine; give a folder that holds it,"
            " or set `intents: {download: true}`"
        ) from error
    return SentenceModel(name=f"sentences-{model.rstrip('/').rsplit('/', 1)[-1]}", model=loaded)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DistilledTable:
    """An `Embedder` that imitates another on texts like those it was fitted to."""

    name: str
    base: Embedder
    projection: Matrix = field(repr=False)
    """Dimensions of `base` x of the model."""
    words: tuple[str, ...] = field(repr=False)
    table: Matrix = field(repr=False)
    """Words x dimensions of the model."""

    def __call__(self, texts: Sequence[str], /) -> Matrix:
        bag = _bag(texts, self.words)
        return normalise(self.base(texts) @ self.projection + bag @ self.table)


def distil(
    texts: Sequence[str], teacher: Embedder, *, base: Embedder = embed_texts
) -> DistilledTable:
    """Fit to `texts`, some thousands of the user's own, no labels; the teacher reads each once."""
    wanted = teacher(texts)
    known = base(texts)
    projection = _ridge(known.T @ known, known.T @ wanted, BASE_RIDGE)
    words = _words(texts)
    bag = _bag(texts, words)
    rest = wanted - known @ projection
    table = (
        _ridge((bag.T @ bag).toarray(), bag.T @ rest, WORD_RIDGE)
        if words
        else np.zeros((0, wanted.shape[1]), dtype=np.float32)
    )
    return DistilledTable(
        name=f"{teacher.name}-distilled-{short_hash(*words, length=8)}",
        base=base,
        projection=projection,
        words=words,
        table=table,
    )


def _words(texts: Sequence[str]) -> tuple[str, ...]:
    """The commonest words and pairs of words."""
    counting = CountVectorizer(
        analyzer=_words_and_pairs, min_df=MIN_TEXTS, max_features=MAX_WORDS, dtype=np.float32
    )
    try:
        return tuple(counting.fit(texts).get_feature_names_out().tolist())
    except ValueError:  # no word is in two texts
        return ()


def _bag(texts: Sequence[str], words: Sequence[str]) -> sp.csr_matrix:
    """Texts x words; rows of length 1, or 0."""
    if not words or not texts:
        return sp.csr_matrix((len(texts), len(words)), dtype=np.float32)
    counting = CountVectorizer(
        analyzer=_words_and_pairs, vocabulary=list(words), binary=True, dtype=np.float32
    )
    return normalize(counting.transform(texts))


def _words_and_pairs(text: str) -> list[str]:
    said = _WORD.findall(text.lower())
    return [*said, *(f"{one} {other}" for one, other in itertools.pairwise(said))]


def _ridge(gram: Matrix, moments: Matrix, strength: float) -> Matrix:
    system = gram + strength * np.eye(len(gram), dtype=np.float32)
    return cast("Matrix", scipy.linalg.solve(system, moments, assume_a="pos").astype(np.float32))
