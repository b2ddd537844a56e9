"""What users of each agent try to do, found in what they say.

Takes documents, gives a taxonomy and a label per document. Refuses groups of too few users or
conversations, and agents with nothing else. Costs nothing; with `ask`, one call per new intent, for
its name. Ids are stable: a group that is mostly an intent known before keeps its id and its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bot.intents.clusters import find_clusters, join_small
from bot.intents.describing import Description, describe_group
from bot.intents.embedding import Embedder, Matrix, embed_documents, embed_texts, normalise
from bot.intents.label import agents_of_intents, decide, guess
from bot.intents.naming import name_clusters, proper_nouns
from bot.intents.taxonomy import taxonomy_version
from bot.intents.text import Document
from bot.records import Ask, Intent, Label, ModelCost, Skipped, Taxonomy, short_hash

CLUSTERED_DOCUMENTS = 4_000
"""Of one agent; where there are more, a sample is clustered and the classifier reads the rest.

It also bounds the grain: on BANKING77's 77 intents 1,000 questions give 32 groups, 3,000 give 70,
8,000 would give 139."""
EXEMPLARS = 20
SAME_INTENT = 0.5
"""Likeness from which a group is an intent known before (0.7 overlap + 0.3 cosine)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Discovery:
    """What was found, and what was left out."""

    taxonomy: Taxonomy
    """The intents found and all that were known before."""
    labels: tuple[Label, ...]
    """One per document, in the documents' order; no intents where nothing fits."""
    skipped: tuple[Skipped, ...]
    cost: ModelCost


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    """The conversations of one intent of one agent."""

    intent: Intent
    is_new: bool
    rows: NDArray[np.int64]
    """Into the agent's documents; the most typical first."""
    nearest_others: NDArray[np.int64]


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
) -> Discovery:
    """Group the documents of each agent and name the groups.

    A group needs `min_users` distinct units and `min_conversations` documents; smaller ones join
    the nearest one, or their documents go where the classifier is sure, or stay without an intent.
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
        vectors = embed_documents(own, embed)
        clusters = _clusters(own, vectors, seed, min_users, min_conversations)
        if not clusters:
            skipped.append(_too_few(agent, own, min_users, min_conversations))
        candidates = [one for one in before if not agents[one.id] or agent in agents[one.id]]
        same = _matches(own, vectors, clusters, candidates, embed)
        groups = _groups(own, vectors, clusters, same, intents, min_users, now)
        if ask is not None:
            groups, left_out, more = _described(own, groups, intents, ask)
            skipped += left_out
            cost += more
        intents |= {group.intent.id: group.intent for group in groups}
        labels |= _label_all(own, vectors, groups, embed)
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


def _clusters(
    documents: Sequence[Document],
    vectors: Matrix,
    seed: int,
    min_users: int,
    min_conversations: int,
) -> list[NDArray[np.int64]]:
    """Rows of each cluster that enough users and conversations are in, the largest first."""
    rows = np.arange(len(documents))
    if len(rows) > CLUSTERED_DOCUMENTS:
        drawn = np.random.default_rng(seed).choice(rows, CLUSTERED_DOCUMENTS, replace=False)
        rows = np.sort(drawn)
    clusters = find_clusters(vectors[rows], seed=seed)
    members = [rows[clusters == number] for number in range(clusters.max(initial=-1) + 1)]

    def is_large(own: NDArray[np.int64]) -> bool:
        units = {documents[row].unit for row in own}
        return len(own) >= min_conversations and len(units) >= min_users

    return join_small(vectors, members, is_large)


def _groups(
    documents: Sequence[Document],
    vectors: Matrix,
    clusters: Sequence[NDArray[np.int64]],
    same: Mapping[int, Intent],
    intents: Mapping[str, Intent],
    min_users: int,
    now: datetime,
) -> list[_Group]:
    """Each cluster as an intent: the known one that it is the `same` as, or a new one.

    `intents` are all there are so far, so that ids and names stay unique.
    """
    if not clusters:
        return []
    centroids = np.array([vectors[rows].mean(axis=0) for rows in clusters])
    likeness = normalise(centroids) @ vectors.T
    taken = {intent.name for intent in intents.values()}
    members = [[documents[row] for row in rows] for rows in clusters]
    ids = set(intents)
    groups = []
    for number, name in enumerate(name_clusters(members, min_users=min_users, taken=taken)):
        rows = clusters[number][np.argsort(-likeness[number, clusters[number]], kind="stable")]
        outside = np.setdiff1d(np.arange(len(documents)), rows)
        nearest = outside[np.argsort(-likeness[number, outside], kind="stable")]
        intent = same.get(number) or Intent(
            id=_new_id(documents[rows[0]].agent, name.text, ids),
            name=name.text,
            definition=f"Told apart by: {', '.join(name.terms)}." if name.terms else "",
            introduced=now.date().isoformat(),
        )
        ids.add(intent.id)
        intent = replace(
            intent, terms=name.terms, exemplars=intent.exemplars or _exemplars(documents, rows)
        )
        groups.append(
            _Group(intent=intent, is_new=number not in same, rows=rows, nearest_others=nearest)
        )
    return groups


def _matches(
    documents: Sequence[Document],
    vectors: Matrix,
    clusters: Sequence[NDArray[np.int64]],
    known: Sequence[Intent],
    embed: Embedder,
) -> dict[int, Intent]:
    """Which cluster is which known intent, retired ones included.

    The classifier labels all documents by the known intents; then 0.7 x Jaccard overlap + 0.3 x
    cosine of the means, at most one cluster per intent (Hungarian assignment).
    """
    live = [intent for intent in known if intent.status in ("active", "retired")]
    if not live:
        return {}
    guesses = guess(documents, vectors, live, embed=embed)
    labelled = guesses.probabilities.argmax(axis=1)
    scores = np.zeros((len(clusters), len(guesses.intent_ids)))
    for number, rows in enumerate(clusters):
        centre = normalise(vectors[rows].mean(axis=0, keepdims=True))[0]
        for column in range(scores.shape[1]):
            theirs = np.flatnonzero(labelled == column)
            shared = len(np.intersect1d(rows, theirs))
            overlap = shared / (len(rows) + len(theirs) - shared)
            scores[number, column] = 0.7 * overlap + 0.3 * guesses.centroids[column] @ centre
    by_id = {intent.id: intent for intent in live}
    return {
        int(number): by_id[guesses.intent_ids[column]]
        for number, column in zip(*linear_sum_assignment(-scores), strict=True)
        if scores[number, column] >= SAME_INTENT
    }


def _new_id(agent: str, name: str, taken: set[str]) -> str:
    """`i-` and 6 hex digits; the same for the same group found again where none was known."""
    for attempt in range(len(taken) + 1):
        intent_id = f"i-{short_hash(agent, name, attempt, length=6)}"
        if intent_id not in taken:
            return intent_id
    raise AssertionError("one more attempt than there are ids taken")


def _exemplars(documents: Sequence[Document], rows: NDArray[np.int64]) -> tuple[str, ...]:
    """Hashes of members from the most typical to the least, so that they outline the group."""
    picked = np.unique(np.linspace(0, len(rows) - 1, min(EXEMPLARS, len(rows))).astype(int))
    return tuple(documents[row].sha for row in rows[picked])


def _described(
    documents: Sequence[Document],
    groups: Sequence[_Group],
    known: dict[str, Intent],
    ask: Ask,
) -> tuple[list[_Group], list[Skipped], ModelCost]:
    """The new groups with the model's names where they pass the checks. Stops with the budget."""
    proper = proper_nouns(document.text for document in documents)
    named, skipped, cost = [*groups], list[Skipped](), ModelCost()
    for number, group in enumerate(groups):
        if not group.is_new and group.intent.include:
            continue  # described before, by the model or by people
        result, more = describe_group(
            [documents[row] for row in group.rows],
            [documents[row] for row in group.nearest_others],
            called=group.intent.name,
            taken={intent.name for intent in known.values()}
            | {other.intent.name for other in named if other is not group},
            proper=proper,
            ask=ask,
        )
        cost += more
        if isinstance(result, Description):
            intent = replace(
                group.intent,
                name=result.name,
                definition=result.definition,
                include=result.include,
                exclude=result.exclude,
            )
            named[number] = replace(group, intent=intent)
            continue
        skipped.append(result)
        if result.code == "budget":
            break
    return named, skipped, cost


def _label_all(
    documents: Sequence[Document], vectors: Matrix, groups: Sequence[_Group], embed: Embedder
) -> dict[tuple[str, str], Label]:
    """Members get their group, the rest what the classifier learned from the members says."""
    member = {int(row): group.intent.id for group in groups for row in group.rows}
    examples = {row: _label(documents[row], ((own, 1.0),)) for row, own in member.items()}
    intents = [group.intent for group in groups]
    guesses = guess(documents, vectors, intents, examples=examples.values(), embed=embed)
    columns = {intent_id: column for column, intent_id in enumerate(guesses.intent_ids)}
    labels: dict[tuple[str, str], Label] = {}
    for row, decided in enumerate(decide(guesses, vectors)):
        document, own = documents[row], member.get(row)
        if own is not None:
            probability = round(float(guesses.probabilities[row, columns[own]]), 4)
            found = _label(document, ((own, probability),))
        else:
            found = replace(_label(document, decided), source="classifier")
        labels[document.agent, document.conversation_id] = found
    return labels


def _label(document: Document, intents: tuple[tuple[str, float], ...]) -> Label:
    """A member's label, before the taxonomy it belongs to is complete."""
    return Label(
        agent=document.agent,
        conversation_id=document.conversation_id,
        intents=intents,
        source="cluster",
        taxonomy_version="",
    )


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
