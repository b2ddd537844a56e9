"""Further intents of a conversation: what its sentences say one by one.

A user who wants a flight cancelled and, twenty messages later, another one booked, wants two
things, and the whole of it looks like neither or like one. Takes the documents of an agent with
their labels; learns from those with one intent which sentence says it and which say none, and gives
each document the further intents that its own sentences surely say. Costs nothing.

What users of one intent say and those of others do not is what says that intent, in any language,
and "yes, please go on" says none. No document is judged by what was learned from itself. Numbers:
bench/wishes.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bot.intents.embedding import Embedder, Matrix
from bot.intents.label import CHUNK, Intents
from bot.intents.own_words import named_in, orders_named
from bot.intents.text import Document
from bot.intents.wording import OPENING, sentences_of
from bot.records import Intent, Key, Label

SURE_FROM = 0.55
"""What a sentence must have to add an intent: the value of a least-squares fit to 1 for sentences
that say the intent and to 0 for others, which is an estimate of a probability."""
OWN_FROM = 0.4
"""What another sentence must have for the first intent: where none says it, the further one may
well be the only one, and the first a mistake."""
UNSAID_UNDER = 0.2
"""What no sentence reaches of a first intent that another one stands in the place of: the only one
that the user calls by its name."""
MAX_INTENTS = 3
SENTENCE_BYTES = 12
"""In UTF-8, in which a Chinese sign takes three. Shorter ones say "yes, that one"."""
SENTENCES = 8_000
"""Sentences that are learned from; of more conversations, some are drawn."""
MEMBERS = 5
"""Conversations that an intent must have to be learned."""
FOLDS = 4
RIDGE = 1.0
SAYS_LITTLE = 0.5
"""Times as telling as the sentence that says the intent, up to which another one says none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What was learned of the sentences of one agent."""

    embedding: str
    """Name of the `Embedder`."""
    intent_ids: tuple[str, ...]
    """Of the columns of the fits."""
    fits: tuple[tuple[Matrix, Matrix], ...] = field(repr=False)
    """Weights (dimensions x intents) and biases, learned without the documents of each fold."""


def learn_wishes(
    documents: Sequence[Document], labels: Sequence[Intents], embed: Embedder
) -> Wishes | None:
    """Learn from the documents with exactly one intent; None where there are no two such intents,
    or nobody says two sentences."""
    members: dict[str, list[int]] = {}
    for row, intents in enumerate(labels):
        if len(intents) == 1:
            members.setdefault(intents[0][0], []).append(row)
    ids = tuple(sorted(one for one, rows in members.items() if len(rows) >= MEMBERS))
    drawn = max(1, -(-sum(len(members[one]) for one in ids) // SENTENCES))
    members = {one: members[one][::drawn] for one in ids}
    rows = sorted(row for one in ids for row in members[one])
    said = {row: _sentences(documents[row]) for row in rows}
    if len(ids) < 2 or not any(len(_sentences(one)) > 1 for one in documents):
        return None
    step = max(1, -(-sum(map(len, said.values())) // SENTENCES))
    rows = [row for own in (members[one] for one in ids) for row in own[::step]]
    of_row = np.array([row for row in rows for _ in said[row]])
    vectors = embed([sentence for row in rows for sentence in said[row]])
    target = np.array([ids.index(labels[row][0][0]) for row in of_row])
    fold = np.array([_fold(documents[row]) for row in of_row])
    with threadpool_limits(limits=1):
        says = _says(of_row, target, _held_back(vectors, target, fold, len(ids)))
        spoken = says >= 0
        fits = _fits(vectors[spoken], says[spoken], fold[spoken], len(ids))
    return Wishes(embedding=embed.name, intent_ids=ids, fits=fits)


def with_further(
    documents: Sequence[Document],
    labels: Sequence[Intents],
    wishes: Wishes | None,
    intents: Sequence[Intent],
    embed: Embedder,
) -> list[Intents]:
    """`labels` with what sentences of their documents surely add, at most three intents each.

    A sentence at the beginning that calls an intent by its name says it as surely, whatever the
    vectors say. One that has no intent gets those of its sentences where they say two: then the
    whole is of no kind because it is of two. It also gets the only one that they say, where they
    call it by its name. Intents of one family are not added to each other.
    """
    found = list(labels)
    if wishes is None or wishes.embedding != embed.name:
        return found
    family = {one.id: one.parent or one.id for one in intents}
    orders = orders_named(one for one in intents if one.id in wishes.intent_ids)
    verbs = {own: order.partition(" ")[0] for order, own in orders.items()}
    for row, vectors in _sentence_vectors(documents, embed):
        weights, biases = wishes.fits[_fold(documents[row])]
        values = vectors @ weights + biases
        named = _named(documents[row], labels[row], orders, verbs)
        for number, intent_ids in enumerate(named):
            for intent_id in intent_ids:
                column = wishes.intent_ids.index(intent_id)
                values[number, column] = max(values[number, column], SURE_FROM)
        found[row] = _joined(labels[row], values, wishes.intent_ids, family, set().union(*named))
    return found


def _sentence_vectors(
    documents: Sequence[Document], embed: Embedder
) -> Iterator[tuple[int, Matrix]]:
    """The row of each document of several sentences, and their vectors; `CHUNK` documents at a
    time, since those of all would be gigabytes."""
    for first in range(0, len(documents), CHUNK):
        said = {
            row: own
            for row, one in enumerate(documents[first : first + CHUNK], start=first)
            if len(own := _sentences(one)) > 1
        }
        vectors = embed([sentence for own in said.values() for sentence in own])
        start = 0
        for row, own in said.items():
            yield row, vectors[start : start + len(own)]
            start += len(own)


def _named(
    document: Document, intents: Intents, orders: Mapping[str, str], verbs: Mapping[str, str]
) -> list[set[str]]:
    """The intents that each of the first sentences calls by name; of those with the verb of the
    first intent only that one, since "exchange item" is said of laptops too."""
    first = intents[0][0] if intents else ""
    return [
        {
            own
            for own in named_in(sentence, orders)
            if own == first or verbs[own] != verbs.get(first)
        }
        for sentence in _sentences(document, OPENING)
    ]


def learn_further(
    documents: Sequence[Document], labels: Mapping[Key, Label], embed: Embedder
) -> dict[str, Wishes | None]:
    """What is learned of the sentences of each agent."""
    of_agent: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        of_agent[document.agent].append(document)
    return {
        agent: learn_wishes(own, [labels[_key(one)].intents for one in own], embed)
        for agent, own in of_agent.items()
    }


def with_further_intents(
    documents: Sequence[Document],
    labels: Mapping[Key, Label],
    wishes: Mapping[str, Wishes | None],
    intents: Sequence[Intent],
    embed: Embedder,
) -> dict[Key, Label]:
    """The labels of these documents with the further intents that their sentences say."""
    found: dict[Key, Label] = {}
    live = [one for one in intents if one.status == "active"]
    for agent in dict.fromkeys(one.agent for one in documents):
        own = [one for one in documents if one.agent == agent]
        firsts = [labels[_key(one)].intents for one in own]
        joined = with_further(own, firsts, wishes.get(agent), live, embed)
        for one, further in zip(own, joined, strict=True):
            found[_key(one)] = replace(labels[_key(one)], intents=further)
    return found


def _joined(
    intents: Intents,
    values: Matrix,
    ids: tuple[str, ...],
    family: Mapping[str, str],
    named: Set[str],
) -> Intents:
    """`intents` and those that single sentences say, none surer than those of the whole.

    Where no sentence says the first, nothing is added to it but what is `named`; where none does
    by far, the only one that is named stands in its place.
    """
    best, value = values.argmax(axis=1), values.max(axis=1)
    said: dict[str, float] = {}
    taken: set[int] = set()
    if intents:
        first = intents[0][0]
        own = float(values[:, ids.index(first)].max()) if first in ids else 0.0
        instead = [one for one in named if one in family and one != first]
        if own < UNSAID_UNDER and len(intents) == 1 and len(instead) == 1:
            return ((instead[0], intents[0][1]),)
        if own < (UNSAID_UNDER if instead else OWN_FROM):
            return intents
        taken.add(int(values[:, ids.index(first)].argmax()))
    for number in np.argsort(-value):
        if value[number] >= SURE_FROM and int(number) not in taken:
            said.setdefault(ids[best[number]], round(min(1.0, float(value[number])), 4))
    for intent_id in sorted(named):  # Two of them may be in one sentence.
        said.setdefault(intent_id, SURE_FROM)
    joined = list(intents)
    for intent_id, sure in said.items():
        kin = {family.get(one) for one, _ in joined}
        is_new = intent_id in family and family[intent_id] not in kin
        if is_new and len(joined) < MAX_INTENTS:
            joined.append((intent_id, min(sure, *(one for _, one in joined), 1.0)))
    is_known = bool(intents) or len(joined) > 1 or (len(named) == 1 and named == {*said})
    return tuple(joined) if is_known else intents


def _says(
    of_row: NDArray[np.int64], target: NDArray[np.int64], values: Matrix
) -> NDArray[np.int64]:
    """What each sentence teaches: its document's intent, that it says none (the number behind the
    last intent), or nothing (-1).

    The one that is most telling says it; those that say half as much or less say none.
    """
    none = values.shape[1]
    share = np.bincount(target, minlength=none) / len(target)
    telling = values[np.arange(len(target)), target] - share[target]
    says = np.full(len(target), -1)
    starts = np.flatnonzero(np.r_[True, of_row[1:] != of_row[:-1]])
    for start, end in zip(starts, [*starts[1:], len(of_row)], strict=True):
        own = telling[start:end]
        most = int(own.argmax())
        says[start:end][own < SAYS_LITTLE * own[most]] = none
        says[start + most] = target[start + most]
    return says


def _held_back(
    vectors: Matrix, target: NDArray[np.int64], fold: NDArray[np.int64], count: int
) -> Matrix:
    """Sentences x intents: how much each is like what others with this intent say."""
    values = np.zeros((len(vectors), count), dtype=np.float32)
    for number, (weights, biases) in enumerate(_fits(vectors, target, fold, count)):
        values[fold == number] = vectors[fold == number] @ weights + biases
    return values


def _fits(
    vectors: Matrix, target: NDArray[np.int64], fold: NDArray[np.int64], count: int
) -> tuple[tuple[Matrix, Matrix], ...]:
    """Of each fold: ridge regression on 0 and 1 for each intent, without the fold's sentences."""
    wanted = np.eye(count + 1, dtype=np.float32)[target][:, :count]
    found = []
    for number in range(FOLDS):
        kept = fold != number
        if not kept.any():  # All of them are in one fold: there is nothing to judge it by.
            kept = ~kept
        mean, share = vectors[kept].mean(axis=0), wanted[kept].mean(axis=0)
        centred = vectors[kept] - mean
        gram = centred.T @ centred + RIDGE * np.eye(vectors.shape[1], dtype=np.float32)
        weights = scipy.linalg.solve(gram, centred.T @ (wanted[kept] - share), assume_a="pos")
        found.append((weights.astype(np.float32), (share - mean @ weights).astype(np.float32)))
    return tuple(found)


def _sentences(document: Document, messages: int | None = None) -> list[str]:
    return [
        own
        for one in sentences_of(document, messages)
        if len((own := one.strip()).encode()) >= SENTENCE_BYTES
    ]


def _fold(document: Document) -> int:
    return int(document.sha, 16) % FOLDS


def _key(document: Document) -> Key:
    return document.agent, document.conversation_id
