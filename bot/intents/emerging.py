"""Wishes that came within the window, and that the intents known before them swallow.

Takes labelled documents and when each began; gives intents and who has them. Refuses what was
there all the time, and what the labels are sure of. Costs nothing; with `ask`, one call per intent,
for its name.

Who looks only at what has no label misses a new wish beside a known one: of 15 conversations the
classifier may give 13 to its neighbour. But they are alike, they all came after a certain day, and
the labels are less sure of them than of others from that day on; a known wish that is in season is
two of these at most. Every branch of the tree of groups is asked, as tree-based scan statistics do
(Kulldorff et al. 2003, "A tree-based scan statistic for database disease surveillance"), and the
chance that one of them looks so is kept small. Numbers: bench/intents.py, stability.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import average
from scipy.spatial.distance import squareform
from scipy.stats import hypergeom, mannwhitneyu
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bot.intents.clusters import LINKED_FROM, MANY, centred, linked_neighbours_for, smooth
from bot.intents.embedding import Embedder, Matrix, embed_documents, weigh_tools, without_scripts
from bot.intents.groups import describe, make_groups
from bot.intents.structure import MEMBERS, MIN_USERS, is_wide
from bot.intents.text import Document, script_of
from bot.records import Ask, Intent, Key, Label, ModelCost, Taxonomy

EARLY = (0.1, 0.25)
"""Shares of a group that may be older than the rest: odd wordings of another wish. Both are tried:
in the one a small group is clear, in the other a mixed one."""
BY_CHANCE = 0.05
"""Groups that look as new as this, expected among all branches where nothing is new."""
LESS_SURE = 0.01
"""p-value under which the labels are less sure of a group than of others of the same days."""
AT_MOST = 0.5
"""Share of the conversations up to which a group is a wish; beyond, the traffic has changed."""


def find_emerging(
    documents: Sequence[Document],
    labels: Mapping[Key, Label],
    taxonomy: Taxonomy,
    *,
    started: Mapping[Key, datetime | None],
    ask: Ask | None,
    now: datetime,
    embed: Embedder,
) -> tuple[list[Intent], frozenset[Key], ModelCost]:
    """New intents, the conversations that are of one of them, and what their names cost.

    Each has 8 conversations of 5 users. Of more than 2,500 documents of an agent, so many are
    compared; those that nobody knows the time of are left out.
    """
    intents = {intent.id: intent for intent in taxonomy.intents}
    of_agent: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        if started.get(_key(document)) is not None:
            of_agent[document.agent].append(document)
    members, cost = set[Key](), ModelCost()
    for _, timed in sorted(of_agent.items()):
        drawn = np.linspace(0, len(timed) - 1, min(len(timed), MANY)).astype(int)
        own = [timed[row] for row in drawn]
        vectors = _vectors(own, embed)
        at = np.array([moment.timestamp() for one in own if (moment := started[_key(one)])])
        sure = np.array([_sure(labels.get(_key(one))) for one in own])
        found = _emerging(own, vectors, at, sure)
        everyone = np.arange(len(own))
        groups = make_groups(own, everyone, vectors, found, {}, intents, MIN_USERS, now)
        if ask is not None:
            groups, _, more = describe(own, groups, intents, ask)
            cost += more
        for group in groups:
            intents[group.intent.id] = group.intent
            members |= {_key(own[row]) for row in group.rows}
    known = {intent.id for intent in taxonomy.intents}
    return [one for one in intents.values() if one.id not in known], frozenset(members), cost


def _emerging(
    documents: Sequence[Document],
    vectors: Matrix,
    at: NDArray[np.float64],
    sure: NDArray[np.float64],
) -> list[NDArray[np.int64]]:
    """Rows of each new wish, the clearest first; no row is in two."""
    if len(documents) < 2 * MEMBERS:
        return []
    with threadpool_limits(limits=1):
        branches = [own for own in _branches(vectors) if is_wide([documents[row] for row in own])]
    found: list[NDArray[np.int64]] = []
    taken = np.zeros(len(documents), dtype=bool)
    for branch in _late(branches, at):
        if not taken[branch].any() and _is_unsure(branch, at, sure):
            found.append(np.sort(branch))
            taken[branch] = True
    return found


def _branches(vectors: Matrix) -> list[NDArray[np.int64]]:
    """Rows of each branch of the tree of mean linkage, from pairs to what is no longer alike."""
    smoothed = smooth(centred(vectors, seed=0), linked_neighbours_for(len(vectors)))
    distances = np.clip(1 - smoothed @ smoothed.T, 0, 2)
    np.fill_diagonal(distances, 0)
    members = [[row] for row in range(len(vectors))]
    for one, other, distance, _ in average(squareform(distances, checks=False)):
        if distance > 1 - LINKED_FROM:
            break
        members.append(members[int(one)] + members[int(other)])
    most = AT_MOST * len(vectors)
    return [np.array(own) for own in members[len(vectors) :] if len(own) <= most]


def _late(
    branches: Sequence[NDArray[np.int64]], at: NDArray[np.float64]
) -> list[NDArray[np.int64]]:
    """Those that came after a certain moment by more than chance, the clearest first."""
    clear = []
    for branch in branches:
        p_value, _ = chance_of_late(at[branch], at)
        if p_value * len(branches) < BY_CHANCE:
            clear.append((p_value, branch))
    return [branch for _, branch in sorted(clear, key=lambda one: one[0])]


def _is_unsure(
    branch: NDArray[np.int64], at: NDArray[np.float64], sure: NDArray[np.float64]
) -> bool:
    _, since = chance_of_late(at[branch], at)
    others = at >= since
    others[branch] = False
    if not others.any():
        return False
    test = mannwhitneyu(sure[branch], sure[others], alternative="less")
    return bool(test.pvalue < LESS_SURE)


def chance_of_late(own: NDArray[np.float64], at: NDArray[np.float64]) -> tuple[float, float]:
    """p-value of moments `own`, of all that `at` holds, to lie as late as they do, and since when.

    Low where what they are of came within the window, 1 where it was there from its beginning. The
    k-th moment of a group that was there all the time lies after `since` with just this chance.
    """
    found = []
    for share in EARLY:
        since = float(np.quantile(own, share, method="lower"))
        late = int(np.count_nonzero(at >= since))
        inside = int(np.count_nonzero(own >= since))
        p_value = float(hypergeom.sf(inside - 1, len(at), late, len(own)))
        found.append((min(1.0, len(EARLY) * p_value), since))
    return min(found)


def _vectors(documents: Sequence[Document], embed: Embedder) -> Matrix:
    vectors = embed_documents(documents, embed, tools=weigh_tools(documents))
    return without_scripts(vectors, [script_of(one.text) for one in documents])


def _sure(label: Label | None) -> float:
    """Probability of the first intent; 0 where there is none."""
    return label.intents[0][1] if label is not None and label.intents else 0.0


def _key(document: Document) -> Key:
    return document.agent, document.conversation_id
