"""Groups of conversations as intents: with an id, a name and exemplars, and with the model's words.

Takes rows of an agent's documents; gives an intent for each group. Costs nothing; with `ask`, one
call for each intent that is new or nameless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from bot.intents.describing import Description, describe_group
from bot.intents.embedding import Matrix, normalise
from bot.intents.known import Known
from bot.intents.naming import name_clusters
from bot.intents.telling import proper_nouns
from bot.intents.text import Document
from bot.records import Ask, Intent, ModelCost, Skipped, short_hash

EXEMPLARS = 20
SAME_INTENT = 0.8
"""Cosine of the means from which a new group is a retired intent that came back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The conversations of one intent of one agent."""

    intent: Intent
    is_new: bool
    """Not an intent that came back."""
    rows: NDArray[np.int64]
    """Into the agent's documents; the most typical first."""
    nearest_others: NDArray[np.int64]


def make_groups(
    documents: Sequence[Document],
    sample: NDArray[np.int64],
    vectors: Matrix,
    clusters: Sequence[NDArray[np.int64]],
    same: Mapping[int, Intent],
    intents: Mapping[str, Intent],
    min_users: int,
    now: datetime,
) -> list[Group]:
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
            definition=name.definition,
            exclude=name.exclude,
            introduced=now.date().isoformat(),
        )
        ids.add(intent.id)
        intent = replace(
            intent, terms=name.terms, exemplars=intent.exemplars or _exemplars(documents, rows)
        )
        groups.append(
            Group(
                intent=intent,
                is_new=number not in same,
                rows=rows,
                nearest_others=sample[nearest],
            )
        )
    return groups


def back_again(
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


def spread(rows: NDArray[np.int64], count: int) -> list[int]:
    """At most `count` of `rows`, from the first to the last: they outline the group."""
    picked = np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int))
    return [int(row) for row in rows[picked]]


def undescribed(
    sample: NDArray[np.int64], vectors: Matrix, known: Sequence[Intent], known_as: Known
) -> list[Group]:
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
            Group(
                intent=intent,
                is_new=False,
                rows=sample[order[inside]],
                nearest_others=sample[order[~inside]],
            )
        )
    return groups


def describe(
    documents: Sequence[Document],
    groups: Sequence[Group],
    known: dict[str, Intent],
    ask: Ask,
) -> tuple[list[Group], list[Skipped], ModelCost]:
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
