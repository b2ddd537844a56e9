"""What statistics say about the shape of a taxonomy: families of intents, and intents fallen apart.

Takes labelled documents and the taxonomy; gives intents that a proposal may add or change. Refuses
what is not seen in both halves of the documents. Costs nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import average, fcluster, ward
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bot.intents.clusters import centred, linked_neighbours_for, mean_likeness, smooth
from bot.intents.embedding import Embedder, Matrix, embed_documents, embed_texts, normalise
from bot.intents.entries import MAX_LEVELS
from bot.intents.groups import EXEMPLARS, new_id, spread
from bot.intents.naming import name_clusters
from bot.intents.text import Document, script_of
from bot.records import Intent, Key, Label, Taxonomy

SURVEYED = 12
"""Intents side by side that a person still surveys: no parents where there are fewer."""
FAMILY_FROM = 0.1
"""Mean cosine of two intents' conversations, without what all of the agent share (then strangers
have 0), from which they may be of one family."""
IN_BOTH_HALVES = 0.75
"""Jaccard similarity of a family with its nearest in each half of the conversations."""
MEMBERS = 8
"""Conversations, of `MIN_USERS` users, of each part in each half of the window."""
MIN_USERS = 5
APART_UNDER = 0.3
"""Mean cosine of the smoothed members of two parts, under which they are two wishes. Discovery
joins from 0.44, or from half of what is within (0.35 of 0.7): between the two, what is one stays
one, and what is two stays two."""
SAME_PARTS = 0.8
"""Adjusted Rand index of the parts found in one half and those that the other half's means give."""
BY_SCRIPT = 0.5
"""The same of two parts and the scripts that they are written in, from which an intent is not two
wishes but said in two languages."""
SEED = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """An intent whose conversations are two things, in the first half of the window and the second.

    Whether its parts become children or replace it is for the caller to say: by their outcomes.
    """

    intent: Intent
    parts: tuple[Intent, ...]
    """New intents without a parent, the larger first."""
    labels: tuple[Label, ...]
    """Of the members: the part that each is in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Unit:
    """An intent that has no parent, with all conversations of it and what is below it."""

    intent: Intent
    levels: int
    """1 for an intent without children."""
    rows: NDArray[np.int64]


def propose_parents(
    documents: Sequence[Document],
    labels: Mapping[Key, Label],
    taxonomy: Taxonomy,
    *,
    now: datetime,
    embed: Embedder = embed_texts,
) -> tuple[Intent, ...]:
    """New parents, and the intents that go below them or below a parent that there is.

    Empty for agents with fewer than 12 intents side by side, and where families of less than half
    of them are seen in both halves of the documents: a person would gain nothing by those. A family
    of parents gets a third level.
    """
    changed: dict[str, Intent] = {}
    for agent, own in _by_agent(documents):
        units = _units(own, labels, taxonomy)
        if len(units) < SURVEYED:
            continue
        vectors = _centred(own, embed)
        families = [
            family
            for family in _families(vectors, [unit.rows for unit in units])
            if 1 + max(units[one].levels for one in family) <= MAX_LEVELS
        ]
        if 2 * sum(len(family) for family in families) < len(units):
            continue
        named = [[units[one] for one in family] for family in families]
        for intent in _with_parents(
            agent, own, named, {**{one.id: one for one in taxonomy.intents}, **changed}, now
        ):
            changed[intent.id] = intent
    return tuple(changed.values())


def _families(vectors: Matrix, rows: Sequence[NDArray[np.int64]]) -> list[tuple[int, ...]]:
    """Numbers of those of `rows` that belong together, in both halves of each."""
    whole = _joined(vectors, rows)
    halves = [_joined(vectors, [one[part::2] for one in rows]) for part in (0, 1)]
    return [
        tuple(sorted(family))
        for family in whole
        if len(family) > 1
        and all(
            max(len(family & other) / len(family | other) for other in half) >= IN_BOTH_HALVES
            for half in halves
        )
    ]


def _joined(vectors: Matrix, rows: Sequence[NDArray[np.int64]]) -> list[frozenset[int]]:
    """Mean linkage of groups, down to a number that can be surveyed or until strangers are left."""
    groups = np.zeros(len(vectors), dtype=np.int64) - 1
    for number, own in enumerate(rows):
        groups[own] = number
    kept = np.flatnonzero(groups >= 0)
    likeness = mean_likeness(vectors[kept], groups[kept], len(rows))
    distances = np.clip(1 - likeness, 0, 2)
    np.fill_diagonal(distances, 0)
    tree = average(squareform(distances, checks=False))
    found = fcluster(tree, 1 - FAMILY_FROM, "distance")
    return [frozenset(np.flatnonzero(found == one).tolist()) for one in np.unique(found)]


def _with_parents(
    agent: str,
    documents: Sequence[Document],
    families: Sequence[Sequence[_Unit]],
    known: Mapping[str, Intent],
    now: datetime,
) -> Iterator[Intent]:
    members = [
        [documents[row] for unit in family for row in unit.rows.tolist()] for family in families
    ]
    ids, taken = set(known), {intent.name for intent in known.values()}
    names = name_clusters(members, min_users=MIN_USERS, taken=taken)
    for family, name in zip(families, names, strict=True):
        parents = [unit.intent for unit in family if unit.levels > 1]
        if len(parents) == 1:
            parent = parents[0]
        else:
            parent = Intent(
                id=new_id(agent, name.text, ids),
                name=name.text,
                definition=name.definition,
                exclude=name.exclude,
                introduced=now.date().isoformat(),
                terms=name.terms,
            )
            ids.add(parent.id)
            yield parent
        for unit in family:
            if unit.intent.id != parent.id:
                yield replace(unit.intent, parent=parent.id)


def find_splits(
    documents: Sequence[Document],
    labels: Mapping[Key, Label],
    taxonomy: Taxonomy,
    *,
    started: Mapping[Key, datetime | None],
    now: datetime,
    embed: Embedder = embed_texts,
) -> tuple[Split, ...]:
    """Intents whose conversations are two things, the same two before and after the middle.

    Each part has 8 conversations of 5 users in each half. Intents that have children stay.
    """
    times = sorted(at for at in started.values() if at is not None)
    if not times:
        return ()
    middle = times[len(times) // 2]
    active = _by_id(taxonomy)
    parents = {intent.parent for intent in active.values()}
    ids = {intent.id for intent in taxonomy.intents}  # of retired and merged ones too: never again
    taken = {intent.name for intent in active.values()}
    splits: list[Split] = []
    for agent, own in _by_agent(documents):
        is_late = np.array([_is_late(started.get(_key(one)), middle) for one in own])
        smoothed: Matrix | None = None
        for intent_id, rows in _members(own, labels).items():
            halves = [rows[is_late[rows] == late] for late in (0, 1)]
            if intent_id not in active or intent_id in parents:
                continue
            if min(len(half) for half in halves) < 2 * MEMBERS:
                continue
            if smoothed is None:
                vectors = _centred(own, embed)
                smoothed = smooth(vectors, linked_neighbours_for(len(vectors)))
            parts = _parts(smoothed, halves)
            if (
                len(parts) < 2
                or _is_by_script(own, parts)
                or not all(_in_both_halves(own, part, is_late) for part in parts)
            ):
                continue
            split = _split(agent, own, active[intent_id], parts, smoothed, ids, taken, now)
            ids |= {part.id for part in split.parts}
            taken |= {part.name for part in split.parts}
            splits.append(split)
    return tuple(splits)


def _parts(vectors: Matrix, halves: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Rows of the two parts, the larger first; empty where it is one, or not the same two."""
    with threadpool_limits(limits=1):
        found = [fcluster(ward(vectors[half]), 2, "maxclust") - 1 for half in halves]
    if any(own.max() < 1 for own in found):
        return []
    means = [
        normalise(np.array([vectors[half[own == part]].mean(axis=0) for part in (0, 1)]))
        for half, own in zip(halves, found, strict=True)
    ]
    given = [(vectors[half] @ means[0].T).argmax(axis=1) for half in halves]
    if adjusted_rand_score(found[1], given[1]) < SAME_PARTS:
        return []
    rows = np.concatenate(halves)
    part = np.concatenate([found[0], given[1]])
    if mean_likeness(vectors[rows], part, 2)[0, 1] >= APART_UNDER:
        return []
    return sorted((rows[part == one] for one in (0, 1)), key=len, reverse=True)


def _is_by_script(documents: Sequence[Document], parts: Sequence[NDArray[np.int64]]) -> bool:
    scripts = [script_of(documents[row].text) for part in parts for row in part]
    numbers = [number for number, part in enumerate(parts) for _ in part]
    return bool(adjusted_rand_score(numbers, scripts) >= BY_SCRIPT)


def _in_both_halves(
    documents: Sequence[Document], rows: NDArray[np.int64], is_late: NDArray[np.int64]
) -> bool:
    halves = [rows[is_late[rows] == late] for late in (0, 1)]
    return all(is_wide([documents[row] for row in half]) for half in halves)


def is_wide(documents: Sequence[Document]) -> bool:
    """Whether so many conversations of so many users are ground for an intent."""
    return len(documents) >= MEMBERS and len({one.unit for one in documents}) >= MIN_USERS


def _split(
    agent: str,
    documents: Sequence[Document],
    intent: Intent,
    parts: Sequence[NDArray[np.int64]],
    vectors: Matrix,
    ids: set[str],
    taken: set[str],
    now: datetime,
) -> Split:
    members = [[documents[row] for row in part] for part in parts]
    made, labels, used = list[Intent](), list[Label](), {*ids}
    for rows, name in zip(
        parts, name_clusters(members, min_users=MIN_USERS, taken=taken), strict=True
    ):
        typical = rows[np.argsort(-(vectors[rows] @ vectors[rows].mean(axis=0)), kind="stable")]
        part = Intent(
            id=new_id(agent, name.text, used),
            name=name.text,
            definition=name.definition,
            exclude=name.exclude,
            introduced=now.date().isoformat(),
            exemplars=tuple(documents[row].sha for row in spread(typical, EXEMPLARS)),
            terms=name.terms,
        )
        used.add(part.id)
        made.append(part)
        labels += [
            Label(
                agent=agent,
                conversation_id=documents[row].conversation_id,
                intents=((part.id, 1.0),),
                source="cluster",
                taxonomy_version="",
            )
            for row in rows
        ]
    return Split(intent=intent, parts=tuple(made), labels=tuple(labels))


def _units(
    documents: Sequence[Document], labels: Mapping[Key, Label], taxonomy: Taxonomy
) -> list[_Unit]:
    """Those of which there are members enough for two halves, in the taxonomy's order."""
    active = _by_id(taxonomy)
    rows: dict[str, list[int]] = defaultdict(list)
    levels: dict[str, int] = defaultdict(lambda: 1)
    for intent_id, own in _members(documents, labels).items():
        at, above = active.get(intent_id), 1
        while at is not None and at.parent in active and above < MAX_LEVELS:
            at, above = active[at.parent], above + 1
        if at is not None:
            rows[at.id] += own.tolist()
            levels[at.id] = max(levels[at.id], above)
    return [
        _Unit(intent=intent, levels=levels[intent.id], rows=np.array(sorted(rows[intent.id])))
        for intent in active.values()
        if len(rows[intent.id]) >= MEMBERS
    ]


def _members(
    documents: Sequence[Document], labels: Mapping[Key, Label]
) -> dict[str, NDArray[np.int64]]:
    """Rows by their first intent."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, document in enumerate(documents):
        label = labels.get(_key(document))
        if label is not None and label.intents:
            rows[label.intents[0][0]].append(row)
    return {intent_id: np.array(own) for intent_id, own in rows.items()}


def _centred(documents: Sequence[Document], embed: Embedder) -> Matrix:
    """Not by script, as discovery does: where letters are all that is known of a script, wordings
    of one wish come apart then, and what is one has to stay one."""
    return centred(embed_documents(documents, embed), seed=SEED)


def _by_agent(documents: Sequence[Document]) -> list[tuple[str, list[Document]]]:
    own: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        own[document.agent].append(document)
    return sorted(own.items())


def _by_id(taxonomy: Taxonomy) -> dict[str, Intent]:
    return {intent.id: intent for intent in taxonomy.intents if intent.status == "active"}


def _is_late(at: datetime | None, middle: datetime) -> int:
    """2 where nobody knows: in neither half."""
    return 2 if at is None else int(at >= middle)


def _key(document: Document) -> Key:
    return document.agent, document.conversation_id
