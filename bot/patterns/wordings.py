"""Ways in which one thing is said: texts in groups by their vectors, each named by its words.

Takes short texts and their vectors; gives a name per text, or None where it is in no group. Names
are a few words that are frequent in the group and rare beside it; the texts are redacted already.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

LEAST = 20
"""Texts in a group; fewer could not be told from the others."""
MOST = 4
"""Groups of one kind: each is a test more, and only a common wording is worth a name."""
NAME_WORDS = 3
_WORD = re.compile(r"[^\W\d_]{3,20}")


def name_wordings(texts: Sequence[str], vectors: npt.NDArray[np.float32]) -> list[str | None]:
    """The name of each text's wording. All None where there is too little to compare."""
    names: list[str | None] = [None] * len(texts)
    groups = _groups(vectors)
    words = [frozenset(_WORD.findall(text.casefold())) for text in texts]
    everywhere = Counter(word for own in words for word in own)
    for members in groups:
        # Two groups of one name are one wording that was cut in two.
        name = _name([words[at] for at in members], everywhere, len(texts))
        for at in members:
            names[at] = name
    return names


def _groups(vectors: npt.NDArray[np.float32]) -> list[list[int]]:
    """Positions of the texts of each group, the largest first."""
    many = min(MOST, len(vectors) // (2 * LEAST))
    if many < 2:
        return []
    # Equal texts once: a thousand times "hi" is one point and no cluster's worth of distance.
    distinct, at = np.unique(vectors, axis=0, return_inverse=True)
    if len(distinct) < many:
        many = len(distinct)
    if many < 2:
        return []
    counts = np.bincount(at.ravel())
    found = KMeans(many, n_init=3, random_state=0).fit_predict(distinct, sample_weight=counts)
    members: dict[int, list[int]] = defaultdict(list)
    for position, group in enumerate(found[at.ravel()]):
        members[int(group)].append(position)
    return sorted((own for own in members.values() if len(own) >= LEAST), key=lambda one: -len(one))


def _name(words: Sequence[frozenset[str]], everywhere: Counter[str], total: int) -> str | None:
    """The words whose share in the group exceeds their share elsewhere most."""
    inside = Counter(word for own in words for word in own)
    others = max(1, total - len(words))

    def gain(word: str) -> float:
        return inside[word] / len(words) - (everywhere[word] - inside[word]) / others

    telling = sorted(inside, key=lambda word: (-round(gain(word), 3), word))[:NAME_WORDS]
    telling = [word for word in telling if gain(word) > 0.05]
    return " ".join(telling) or None


def typical_and_different(vectors: npt.NDArray[np.float32], *, many: int = 3) -> list[int]:
    """Positions of the most typical one, then of those that are least like the ones chosen."""
    if not len(vectors):
        return []
    middle = vectors.mean(axis=0)
    chosen = [int(np.argmax(vectors @ middle))]
    nearest = vectors @ vectors[chosen[0]]
    while len(chosen) < min(many, len(vectors)):
        furthest = int(np.argmin(nearest))
        if nearest[furthest] > 0.999:
            break  # The rest repeats what is chosen.
        chosen.append(furthest)
        nearest = np.maximum(nearest, vectors @ vectors[furthest])
    return chosen
