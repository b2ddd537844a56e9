"""What users of each agent try to do, found in what they say.

Takes documents, gives a taxonomy and a label per document. Refuses groups of too few users or
conversations, and agents with nothing else. Costs nothing; with `ask`, one call per new intent, for
its name.

Ids are stable: what fits an intent known before has it, and only a group that mostly fits none can
be new. The groups are found among all documents, so that an odd wording of a known wish lies with
its kin and not with other odd ones; a group that a retired intent knows gets that one back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from bot.intents.classifier import Classifier
from bot.intents.clusters import find_clusters, join_small
from bot.intents.embedding import (
    Embedder,
    Matrix,
    embed_documents,
    embed_texts,
    weigh_tools,
    without_scripts,
)
from bot.intents.fitting import fit
from bot.intents.groups import back_again, describe, make_groups, undescribed
from bot.intents.known import Known, known_by_classifier, known_by_labels
from bot.intents.label import agents_of_intents
from bot.intents.membership import label_all, sure_of_members
from bot.intents.taxonomy import taxonomy_version
from bot.intents.text import Document, script_of
from bot.intents.twins import join_twins
from bot.records import Ask, Label, ModelCost, Skipped, Taxonomy

CLUSTERED_DOCUMENTS = 4_000
"""Of one agent; where there are more, a sample is clustered and the classifier reads the rest.

It also bounds the grain: on BANKING77's 77 intents 1,000 questions give 32 groups, 3,000 give 70,
8,000 would give 139."""
NEW_FROM = 0.5
"""Share of a group that may fit no known intent from which the group is new."""
UNLABELLED_FROM = 0.25
"""Share of a new group that has no label at all. What is unsure alone is mostly an odd wording."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Discovery:
    """What was found, and what was left out."""

    taxonomy: Taxonomy
    """The intents found and all that were known before."""
    labels: tuple[Label, ...]
    """One per document, in the documents' order; no intents where nothing fits."""
    skipped: tuple[Skipped, ...]
    cost: ModelCost


def discover(
    documents: Sequence[Document],
    *,
    now: datetime,
    seed: int = 0,
    min_users: int = 5,
    min_conversations: int = 8,
    ask: Ask | None = None,
    known: Taxonomy | None = None,
    embed: Embedder = embed_texts,
    classifiers: Mapping[str, Classifier] | None = None,
    given: Mapping[tuple[str, str], Label] | None = None,
    is_ground: Callable[[Sequence[Document]], bool] | None = None,
) -> Discovery:
    """Group the documents of each agent and name the groups that are new.

    A group needs `min_users` distinct units and `min_conversations` documents; smaller ones join
    the nearest one, or their documents go where the classifier is sure, or stay without an intent.
    What is known is said by the labels `given` by agent and conversation, else by the agent's
    classifier in `classifiers`, else by one that learns from the exemplars among the documents.
    `is_ground` says whether the documents of a new group are ground enough for an intent.
    """
    before = known.intents if known else ()
    intents = {intent.id: intent for intent in before}
    agents = agents_of_intents(documents, before)
    of_agent: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        of_agent[document.agent].append(document)
    labels: dict[tuple[str, str], Label] = {}
    skipped: list[Skipped] = []
    cost = ModelCost()
    for agent, own in sorted(of_agent.items()):
        candidates = [one for one in before if not agents[one.id] or agent in agents[one.id]]
        known_as = (
            known_by_classifier(own, candidates, (classifiers or {}).get(agent), embed)
            if given is None
            else known_by_labels(own, candidates, given)
        )
        sample = _sample(len(own), seed)
        vectors = without_scripts(
            embed_documents([own[row] for row in sample], embed, tools=weigh_tools(own)),
            [script_of(own[row].text) for row in sample],
        )
        clusters = _clusters(own, sample, vectors, seed, min_users, min_conversations)
        if not clusters:
            skipped.append(_too_few(agent, own, min_users, min_conversations))
        clusters, unfit = _fitting(own, sample, clusters, min_users)
        clusters = join_twins([own[row] for row in sample], vectors, clusters)
        new = _new(own, sample, clusters, known_as, min_users, min_conversations)
        if is_ground is not None:
            new = [rows for rows in new if is_ground([own[row] for row in sample[rows]])]
        same = back_again(own, sample, vectors, new, candidates)
        groups = make_groups(own, sample, vectors, new, same, intents, min_users, now)
        if ask is not None:
            nameless = undescribed(sample, vectors, candidates, known_as)
            named, left_out, more = describe(own, [*groups, *nameless], intents, ask)
            intents |= {group.intent.id: group.intent for group in named[len(groups) :]}
            groups = named[: len(groups)]
            skipped += left_out
            cost += more
        intents |= {group.intent.id: group.intent for group in groups}
        sure = sure_of_members(sample, vectors, new)
        labels |= label_all(own, groups, sure, unfit, known_as, candidates, embed)
    version = taxonomy_version(intents.values())
    return Discovery(
        taxonomy=Taxonomy(intents=tuple(intents.values()), version=version, source="discovered"),
        labels=tuple(
            replace(labels[document.agent, document.conversation_id], taxonomy_version=version)
            for document in documents
        ),
        skipped=tuple(skipped),
        cost=cost,
    )


def _sample(count: int, seed: int) -> NDArray[np.int64]:
    """The rows that are clustered, in order."""
    rows = np.arange(count)
    if count <= CLUSTERED_DOCUMENTS:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, CLUSTERED_DOCUMENTS, replace=False))


def _clusters(
    documents: Sequence[Document],
    sample: NDArray[np.int64],
    vectors: Matrix,
    seed: int,
    min_users: int,
    min_conversations: int,
) -> list[NDArray[np.int64]]:
    """Rows of `sample` of each cluster that enough users and conversations are in."""
    clusters = find_clusters(vectors, seed=seed)
    members = [np.flatnonzero(clusters == number) for number in range(clusters.max(initial=-1) + 1)]

    def is_large(own: NDArray[np.int64]) -> bool:
        rows = [int(row) for row in sample[own]]
        return _is_large(documents, rows, min_users, min_conversations)

    return join_small(vectors, members, is_large)


def _fitting(
    documents: Sequence[Document],
    sample: NDArray[np.int64],
    clusters: Sequence[NDArray[np.int64]],
    min_users: int,
) -> tuple[list[NDArray[np.int64]], frozenset[int]]:
    """The clusters without the members that do not say what the others say, and those rows.

    A cluster that was large enough with them may have fewer conversations now, but not fewer users.
    """
    groups = np.full(len(sample), -1)
    for number, rows in enumerate(clusters):
        groups[rows] = number
    fitted = fit([documents[row] for row in sample], groups)
    found = [np.flatnonzero(fitted == number) for number in range(len(clusters))]
    large = [
        own
        for own in found
        if _is_large(documents, [int(row) for row in sample[own]], min_users, min_users)
    ]
    within = {int(row) for own in large for row in sample[own]}
    left = {int(row) for row in sample[groups >= 0]} - within
    return sorted(large, key=len, reverse=True), frozenset(left)


def _is_large(
    documents: Sequence[Document], rows: Sequence[int], min_users: int, min_conversations: int
) -> bool:
    units = {documents[row].unit for row in rows}
    return len(rows) >= min_conversations and len(units) >= min_users


def _new(
    documents: Sequence[Document],
    sample: NDArray[np.int64],
    clusters: Sequence[NDArray[np.int64]],
    known_as: Known,
    min_users: int,
    min_conversations: int,
) -> list[NDArray[np.int64]]:
    """Of the clusters that may mostly fit no known intent, the rows that may not."""
    new = []
    for own in clusters:
        strange = np.array(
            [row for row in own if int(sample[row]) in known_as.suspected], dtype=int
        )
        rows = [int(row) for row in sample[strange]]
        enough = _is_large(documents, rows, min_users, min_conversations)
        unlabelled = sum(row not in known_as.labels for row in rows)
        if (
            enough
            and len(strange) >= NEW_FROM * len(own)
            and unlabelled >= UNLABELLED_FROM * len(own)
        ):
            new.append(strange)
    return new


def _too_few(
    agent: str, documents: Sequence[Document], min_users: int, min_conversations: int
) -> Skipped:
    users = len({document.unit for document in documents})
    return Skipped(
        what=f"intents of {agent}",
        code="too_few",
        reason=(
            f"No group among {len(documents)} conversations of {users} users has {min_users} users"
            f" and {min_conversations} conversations, so that no intent is named."
        ),
    )
