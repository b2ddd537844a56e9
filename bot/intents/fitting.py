"""Whether the members of a group say what their group says; who does not, leaves it.

Groups are found by vectors, which put an odd conversation somewhere: a change of a passenger's name
lies near cancellations, since both speak of a reservation. Takes documents and their groups, gives
the groups without such members: in the group that they do speak for, or in none. Costs nothing.

What a group says are the words that at least a third of its members say at first, and others do
not; who lacks too many of them is told by a Bernoulli naive Bayes. A tool that was called speaks
for a group whose members speak of it, and one that was not against none: an agent that fails to
call it would else seem to have met another wish.

Only conversations leave: a single message lacks words because it is short. Right of those that keep
a group, by gold actions: .85 to .90 on tau_airline, .84 to .85 on tau2_airline, .85 and .85 on tau
retail, where 12, 7 and 5 % leave; single questions (DSTC11, BANKING77) .72 to .73, .87 to .88 and
.47 to .46, where 9, 5 and 7 % would leave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bot.intents.telling import proper_nouns
from bot.intents.text import Document
from bot.intents.wording import is_telling, sentences_of, singular, tool_words, words

_Numbers: TypeAlias = NDArray[np.float64]

SAID_BY = 1 / 3
"""Share of a group's members who say a word, from which it is one of the group's."""
SAID_MORE = 1.5
"""Times as often as others say it, at least."""
CALLED_MORE = 2
"""Times as often as others, that a tool is called which speaks for a group."""
STAYS_FROM = 0.0
"""Log odds of a group's words against everybody's from which a member stays."""
JOINS_FROM = 2.0
"""Log odds from which one that left its group joins the one whose words it says."""
ROUNDS = 3
"""Each round changes what the groups say."""
FOLDED = 5
"""Letters in which the forms of a word agree: cancel, cancelled, cancellation."""
SURE = 0.98
"""No word is certain to be said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """Words or tools, and who has them."""

    names: tuple[str, ...]
    has: NDArray[np.bool_]
    """Documents x names."""


def fit(documents: Sequence[Document], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The groups (numbers from 0, or -1) without the members that do not say what the others say.

    A group may become empty; numbers stay.
    """
    proper = proper_nouns(one.text for one in documents)
    said = _table([_words_of(one, proper) for one in documents])
    called = _table([set(one.tools) for one in documents])
    is_long = np.array(["\n" in one.text for one in documents], dtype=bool)
    count = int(groups.max(initial=-1)) + 1
    everyone = np.arange(len(documents))
    for _ in range(ROUNDS if count else 0):
        odds = _odds(said, called, groups, count)
        own = np.where(groups >= 0, odds[everyone, groups], -np.inf)
        best = np.where(odds.max(axis=1) >= JOINS_FROM, odds.argmax(axis=1), -1)
        stays = ~is_long | (own >= STAYS_FROM)
        moved = np.where(stays, groups, best)
        if (moved == groups).all():
            break
        groups = moved
    return groups


def _odds(said: _Table, called: _Table, groups: NDArray[np.int64], count: int) -> _Numbers:
    """Documents x groups: log odds of the words that each says and lacks, and the tools called."""
    odds = np.zeros((len(groups), count))
    for number in range(count):
        members = groups == number
        if not members.any():
            odds[:, number] = -np.inf
            continue
        share, elsewhere = _shares(said.has, members)
        common = {said.names[column] for column in np.flatnonzero(share >= SAID_BY)}
        own = (share >= SAID_BY) & (share > SAID_MORE * elsewhere)
        share, elsewhere = share[own], elsewhere[own]
        has, lacks = np.log(share / elsewhere), np.log((1 - share) / (1 - elsewhere))
        odds[:, number] = np.where(said.has[:, own], has, lacks).sum(axis=1)
        share, elsewhere = _shares(called.has, members)
        spoken = np.array([bool(_words_in(tool) & common) for tool in called.names], dtype=bool)
        own = spoken & (share >= SAID_BY) & (share > CALLED_MORE * elsewhere)
        odds[:, number] += (called.has[:, own] * np.log(share[own] / elsewhere[own])).sum(axis=1)
    return odds


def _shares(table: NDArray[np.bool_], members: NDArray[np.bool_]) -> tuple[_Numbers, _Numbers]:
    """Of each column: the share of members, and of others, that have it."""
    inside = np.clip(table[members].mean(axis=0), 1 - SURE, SURE)
    others = (table[~members].sum(axis=0) + 0.5) / (np.count_nonzero(~members) + 1)
    return inside, others


def _words_of(document: Document, proper: frozenset[str]) -> set[str]:
    """What the user says at first, in a form that all forms of a word share."""
    said = (singular(word) for sentence in sentences_of(document) for word in words(sentence))
    return {word[:FOLDED] for word in said if is_telling(word, proper)}


def _words_in(tool: str) -> set[str]:
    return {singular(word)[:FOLDED] for word in tool_words(tool)}


def _table(parts: Sequence[set[str]]) -> _Table:
    """Who has which part, of those that two have."""
    used = Counter(part for own in parts for part in own)
    names = tuple(sorted(part for part in used if used[part] > 1))
    column = {name: number for number, name in enumerate(names)}
    has = np.zeros((len(parts), len(names)), dtype=bool)
    for row, own in enumerate(parts):
        has[row, [column[part] for part in own if part in column]] = True
    return _Table(names=names, has=has)
