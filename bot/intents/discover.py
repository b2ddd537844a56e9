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
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bot.intents.classifier import KEPT_PER_INTENT, Classifier
from bot.intents.clusters import find_clusters, join_small, shares_of_neighbours
from bot.intents.describing import Description, describe_group
from bot.intents.embedding import (
    Embedder,
    Matrix,
    embed_documents,
    embed_texts,
    normalise,
    weigh_tools,
    without_scripts,
)
from bot.intents.fitting import fit
from bot.intents.label import (
    CHUNK,
    agents_of_intents,
    decide,
    fits_taxonomy,
    guess,
    intents_of_messages,
    learn,
    offered,
    with_further,
)
from bot.intents.naming import name_clusters, proper_nouns
from bot.intents.taxonomy import taxonomy_version
from bot.intents.text import Document, script_of
from bot.records import Ask, Intent, Label, ModelCost, Skipped, Taxonomy, short_hash

CLUSTERED_DOCUMENTS = 4_000
"""Of one agent; where there are more, a sample is clustered and the classifier reads the rest.

It also bounds the grain: on BANKING77's 77 intents 1,000 questions give 32 groups, 3,000 give 70,
8,000 would give 139."""
EXEMPLARS = 20
NEW_FROM = 0.5
"""Share of a group that may fit no known intent from which the group is new."""
UNLABELLED_FROM = 0.25
"""Share of a new group that has no label at all. What is unsure alone is mostly an odd wording."""
UNSURE_UNDER = 0.5
"""Probability of a label given before under which its document is asked again."""
SAME_INTENT = 0.8
"""Cosine of the means from which a new group is a retired intent that came back."""


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
    """Not an intent that came back."""
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
    classifiers: Mapping[str, Classifier] | None = None,
    given: Mapping[tuple[str, str], Label] | None = None,
) -> Discovery:
    """Group the documents of each agent and name the groups that are new.

    A group needs `min_users` distinct units and `min_conversations` documents; smaller ones join
    the nearest one, or their documents go where the classifier is sure, or stay without an intent.
    What is known is said by the labels `given` by agent and conversation, else by the agent's
    classifier in `classifiers`, else by one that learns from the exemplars among the documents.
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
            _known_as(own, candidates, (classifiers or {}).get(agent), embed)
            if given is None
            else _known_by(own, candidates, given)
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
        new = _new(own, sample, clusters, known_as, min_users, min_conversations)
        same = _back_again(own, sample, vectors, new, candidates)
        groups = _groups(own, sample, vectors, new, same, intents, min_users, now)
        if ask is not None:
            nameless = _undescribed(sample, vectors, candidates, known_as)
            named, left_out, more = _described(own, [*groups, *nameless], intents, ask)
            intents |= {group.intent.id: group.intent for group in named[len(groups) :]}
            groups = named[: len(groups)]
            skipped += left_out
            cost += more
        intents |= {group.intent.id: group.intent for group in groups}
        sure = _sure_of_members(sample, vectors, new)
        labels |= _label_all(own, groups, sure, unfit, known_as, candidates, embed)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What known intents say of the documents of one agent."""

    labels: Mapping[int, tuple[str, float]]
    """Intent and probability of the rows that fit one."""
    suspected: frozenset[int]
    """Rows that may fit none: those without a label, and the least sure and least like of others.
    A new intent hides among them, in its neighbours' names."""


def _known_as(
    documents: Sequence[Document],
    known: Sequence[Intent],
    stored: Classifier | None,
    embed: Embedder,
) -> _Known:
    live = offered(known)
    if not live:
        return _Known(labels={}, suspected=frozenset(range(len(documents))))
    usable = stored is not None and fits_taxonomy(stored, live, embed)
    classifier = stored if stored and usable else learn(documents, live, embed=embed)
    allowed = {intent.id for intent in live}
    labels: dict[int, tuple[str, float]] = {}
    suspected: set[int] = set()
    for start in range(0, len(documents), CHUNK):
        guesses = guess(documents[start : start + CHUNK], classifier, embed)
        for row, intents in enumerate(decide(guesses), start=start):
            if intents and intents[0][0] in allowed:
                labels[row] = intents[0]
            if row not in labels or guesses.novelty[row - start] >= guesses.suspect_from:
                suspected.add(row)
    return _Known(labels=labels, suspected=frozenset(suspected))


def _known_by(
    documents: Sequence[Document],
    known: Sequence[Intent],
    given: Mapping[tuple[str, str], Label],
) -> _Known:
    """The same from labels: those of a classifier that has learned from more than these documents,
    of people and of the model."""
    allowed = {intent.id for intent in offered(known)}
    labels: dict[int, tuple[str, float]] = {}
    suspected: set[int] = set()
    for row, document in enumerate(documents):
        label = given.get((document.agent, document.conversation_id))
        own = [one for one in label.intents if one[0] in allowed] if label else []
        if own:
            labels[row] = own[0]
        if not own or own[0][1] < UNSURE_UNDER:
            suspected.add(row)
    return _Known(labels=labels, suspected=frozenset(suspected))


def _new(
    documents: Sequence[Document],
    sample: NDArray[np.int64],
    clusters: Sequence[NDArray[np.int64]],
    known_as: _Known,
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


def _groups(
    documents: Sequence[Document],
    sample: NDArray[np.int64],
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
    members = [[documents[row] for row in sample[rows]] for rows in clusters]
    ids = set(intents)
    groups = []
    for number, name in enumerate(name_clusters(members, min_users=min_users, taken=taken)):
        typical = clusters[number][np.argsort(-likeness[number, clusters[number]], kind="stable")]
        outside = np.setdiff1d(np.arange(len(sample)), typical)
        nearest = outside[np.argsort(-likeness[number, outside], kind="stable")]
        rows = sample[typical]
        intent = same.get(number) or Intent(
            id=new_id(documents[rows[0]].agent, name.text, ids),
            name=name.text,
            definition=f"Told apart by: {', '.join(name.terms)}." if name.terms else "",
            introduced=now.date().isoformat(),
        )
        ids.add(intent.id)
        intent = replace(
            intent, terms=name.terms, exemplars=intent.exemplars or _exemplars(documents, rows)
        )
        groups.append(
            _Group(
                intent=intent,
                is_new=number not in same,
                rows=rows,
                nearest_others=sample[nearest],
            )
        )
    return groups


def _back_again(
    documents: Sequence[Document],
    sample: NDArray[np.int64],
    vectors: Matrix,
    clusters: Sequence[NDArray[np.int64]],
    known: Sequence[Intent],
) -> dict[int, Intent]:
    """Which new cluster is which retired intent, by the means of its exemplars (Hungarian)."""
    place = {documents[row].sha: number for number, row in enumerate(sample)}
    cited = [
        (intent, [place[sha] for sha in intent.exemplars if sha in place])
        for intent in known
        if intent.status == "retired"
    ]
    cited = [(intent, rows) for intent, rows in cited if rows]
    if not cited or not clusters:
        return {}
    means = normalise(np.array([vectors[rows].mean(axis=0) for _, rows in cited]))
    centres = normalise(np.array([vectors[rows].mean(axis=0) for rows in clusters]))
    scores = centres @ means.T
    return {
        int(number): cited[column][0]
        for number, column in zip(*linear_sum_assignment(-scores), strict=True)
        if scores[number, column] >= SAME_INTENT
    }


def new_id(agent: str, name: str, taken: set[str]) -> str:
    """`i-` and 6 hex digits; the same for the same group found again where none was known."""
    for attempt in range(len(taken) + 1):
        intent_id = f"i-{short_hash(agent, name, attempt, length=6)}"
        if intent_id not in taken:
            return intent_id
    raise AssertionError("one more attempt than there are ids taken")


def _exemplars(documents: Sequence[Document], rows: NDArray[np.int64]) -> tuple[str, ...]:
    """Hashes of members from the most typical to the least, so that they outline the group."""
    return tuple(documents[row].sha for row in spread(rows, EXEMPLARS))


def _undescribed(
    sample: NDArray[np.int64], vectors: Matrix, known: Sequence[Intent], known_as: _Known
) -> list[_Group]:
    """Known intents that have only the name that their words gave them, as groups to describe."""
    groups = []
    for intent in known:
        own = [
            number
            for number, row in enumerate(sample)
            if known_as.labels.get(int(row), ("",))[0] == intent.id
        ]
        if intent.include or not own:
            continue
        likeness = vectors @ normalise(vectors[own].mean(axis=0, keepdims=True))[0]
        order = np.argsort(-likeness, kind="stable")
        inside = np.isin(order, own)
        groups.append(
            _Group(
                intent=intent,
                is_new=False,
                rows=sample[order[inside]],
                nearest_others=sample[order[~inside]],
            )
        )
    return groups


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


def _sure_of_members(
    sample: NDArray[np.int64], vectors: Matrix, clusters: Sequence[NDArray[np.int64]]
) -> dict[int, float]:
    """Probability of each document in `clusters` that it belongs there."""
    group = np.full(len(sample), -1)
    for number, rows in enumerate(clusters):
        group[rows] = number
    shares = shares_of_neighbours(vectors, group)
    return {int(sample[row]): float(shares[row]) for row in np.flatnonzero(group >= 0)}


def _label_all(
    documents: Sequence[Document],
    groups: Sequence[_Group],
    sure: Mapping[int, float],
    unfit: Collection[int],
    known_as: _Known,
    known: Sequence[Intent],
    embed: Embedder,
) -> dict[tuple[str, str], Label]:
    """Members get their group, others their known intent, the rest what the two together teach.

    What is `unfit` for the groups gets none of them: the vectors would put it where it was.
    """
    member = {int(row): group.intent.id for group in groups for row in group.rows}
    found = {
        row: replace(_label(documents[row], (intent,)), source="classifier")
        for row, intent in known_as.labels.items()
        if row not in member
    }
    taught = {group.intent.id: spread(group.rows, KEPT_PER_INTENT) for group in groups}
    for row, (intent_id, _) in known_as.labels.items():
        others = taught.setdefault(intent_id, [])
        if row not in member and len(others) < KEPT_PER_INTENT:
            others.append(row)
    examples = [
        _label(documents[row], ((own, 1.0),)) for own, rows in taught.items() for row in rows
    ]
    intents = [*(group.intent for group in groups), *(one for one in known if one.id in taught)]
    classifier = learn(documents, intents, examples=examples, embed=embed)
    nowhere = {*unfit} - found.keys() - member.keys()
    found |= {row: _label(documents[row], ()) for row in nowhere}
    rest = [row for row in range(len(documents)) if row not in found]
    for start in range(0, len(rest), CHUNK):
        rows = rest[start : start + CHUNK]
        asked = [documents[row] for row in rows]
        for row, decided in zip(rows, decide(guess(asked, classifier, embed)), strict=True):
            own = ((member[row], round(sure[row], 4)),) if row in member else decided
            source: Literal["cluster", "classifier"] = "cluster" if row in member else "classifier"
            found[row] = replace(_label(documents[row], own), source=source)
        for number, one in intents_of_messages(asked, classifier, embed):
            before = found[rows[number]]
            found[rows[number]] = replace(before, intents=with_further(before.intents, one))
    return {
        (document.agent, document.conversation_id): found[row]
        for row, document in enumerate(documents)
    }


def spread(rows: NDArray[np.int64], count: int) -> list[int]:
    """At most `count` of `rows`, from the first to the last: they outline the group."""
    picked = np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))
    return [int(row) for row in rows[picked]]


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
