"""Texts as vectors, on this machine, without a download.

wordllama brings 16 MB of static token weights in its wheel (measured on BANKING77: k-means NMI .74,
beside .55 for TF-IDF and .79 for MiniLM, at a hundredth of MiniLM's cost). Its tokens are
English-centred, so hashed character n-grams stand beside them with a smaller weight: names of
products, misspellings and other languages are carried by those.
"""

from __future__ import annotations

import functools
import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer

from bot.intents.text import Document

if TYPE_CHECKING:
    from wordllama import WordLlamaInference

Matrix: TypeAlias = NDArray[np.float32]

CHARACTER_WEIGHT = 0.4
CHARACTER_DIMENSIONS = 512
SCRIPT_FROM = 20
"""Rows of one script from which their mean says what the script has in common, not the wishes."""
TOOL_WEIGHT = 0.5
"""A fifth of the similarity. More would find the actions even better (retail: ARI .61 at 0.7), but
tools show what the agent did: an agent that fails to call one would seem to have met another
intent, and its failures would hide."""


class Embedder(Protocol):
    """Texts to vectors that can be compared. Two of the same `name` give the same ones."""

    @property
    def name(self) -> str:
        """Model and version: what a stored classifier was taught in."""
        ...

    def __call__(self, texts: Sequence[str], /) -> Matrix:
        """One row per text, each of length 1, or 0 where the text carries nothing."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenTable:
    """The default embedder: wordllama and character n-grams; about 5,000 short texts a second."""

    name: str = "wordllama-0.4-256+characters-512"

    def __call__(self, texts: Sequence[str], /) -> Matrix:
        if not texts:
            return np.zeros((0, 256 + CHARACTER_DIMENSIONS), dtype=np.float32)
        tokens = normalise(np.nan_to_num(_wordllama().embed(list(texts))))
        return normalise(np.hstack([tokens, CHARACTER_WEIGHT * characters_of(texts)]))


embed_texts = TokenTable()


def characters_of(texts: Sequence[str]) -> Matrix:
    """One row of length 1 per text: its character n-grams, hashed."""
    hashing = HashingVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), n_features=CHARACTER_DIMENSIONS, dtype=np.float32
    )
    rows: Matrix = hashing.transform(texts).toarray()
    return rows


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolWeights:
    """The tools that have a column behind the text's, and how telling each is."""

    names: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()


def weigh_tools(documents: Sequence[Document]) -> ToolWeights:
    """Inverse document frequency: a tool that every conversation calls tells nothing."""
    used = Counter(tool for document in documents for tool in document.tools)
    names = tuple(sorted(used))
    everything = 1 + len(documents)
    return ToolWeights(
        names=names, weights=tuple(math.log(everything / (1 + used[name])) + 1 for name in names)
    )


def embed_documents(
    documents: Sequence[Document],
    embed: Embedder = embed_texts,
    *,
    tools: ToolWeights | None = None,
) -> Matrix:
    """One row per document: its text, and the tools used, by `tools` or else weighed among these.

    Rows can be compared only where the embedder and the tools were the same.
    """
    text = embed([document.text for document in documents])
    tools = weigh_tools(documents) if tools is None else tools
    if not tools.names:
        return text
    columns = np.zeros((len(documents), len(tools.names)), dtype=np.float32)
    column_of = {name: number for number, name in enumerate(tools.names)}
    for row, document in enumerate(documents):
        for tool in document.tools:
            if tool in column_of:
                columns[row, column_of[tool]] = tools.weights[column_of[tool]]
    return normalise(np.hstack([text, TOOL_WEIGHT * normalise(columns)]))


def without_scripts(vectors: Matrix, scripts: Sequence[str]) -> Matrix:
    """`vectors` with the mean of each script moved to that of the most frequent one.

    Where an embedder knows a script only by its letters, all that is written in it is alike:
    different wishes in Arabic have a cosine of .7, in English of .2. Rows of the most frequent
    script, and of one that has too few for a mean of its own, stay as they are.
    """
    (most, _), *others = Counter(scripts).most_common() or [("", 0)]
    moved = vectors.copy()
    of_script = np.array(scripts)
    for script in (one for one, count in others if count >= SCRIPT_FROM):
        rows = of_script == script
        moved[rows] += vectors[of_script == most].mean(axis=0) - vectors[rows].mean(axis=0)
        moved[rows] = normalise(moved[rows])
    return moved


def normalise(rows: NDArray[np.floating]) -> Matrix:
    """Each row of length 1; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return cast("Matrix", (rows / np.maximum(lengths, 1e-9)).astype(np.float32))


@functools.cache
def _wordllama() -> WordLlamaInference:
    # The package calls logging.basicConfig when it is imported, which would make every library's
    # INFO lines appear on standard error: a handler that is there already prevents that.
    root, quiet = logging.getLogger(), logging.NullHandler()
    root.addHandler(quiet)
    try:
        import wordllama
    finally:
        root.removeHandler(quiet)
    # Without the folder it looks for its tokenizer elsewhere and then asks the network.
    folder = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
