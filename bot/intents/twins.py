"""Groups of one wish that look like several: those of one agent that end in the same action.

Takes documents and their groups, gives the groups with twins as one. Whole conversations fall
apart by what they are about ("exchange laptop", "exchange item"), and the tool that was called says
that they are one wish. It has to be what most of each group need and other groups do not, and most
of each have to say what it is called after: an agent that passes everybody on was not asked to.
Groups without tools stay. Costs nothing.

tau_retail_variants, 7 gold actions: 9 intents instead of 10, ACC .616 instead of .548, NMI .668
instead of .651, ARI .508 instead of .455; the airlines and tau2_retail stay as they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bot.intents.clusters import centred, mean_likeness
from bot.intents.embedding import Matrix
from bot.intents.english import LOOKING_VERBS
from bot.intents.telling import MOSTLY, NEEDED, NEEDED_MORE
from bot.intents.text import Document
from bot.intents.wording import said_in, tool_words

ALIKE_FROM = 0.1
"""Mean cosine of two groups, without what all of the agent share, from which they may be one:
`update_account` is called for an address and for a password, and those are two wishes."""


def join_twins(
    documents: Sequence[Document], vectors: Matrix, groups: Sequence[NDArray[np.int64]]
) -> list[NDArray[np.int64]]:
    """`groups` are rows of `documents`, as `vectors` are; the largest comes first."""
    members = [[documents[row] for row in rows] for rows in groups]
    with_tool = defaultdict[str, list[int]](list)
    for number, tool in enumerate(_needed(members)):
        if tool is not None:
            with_tool[tool].append(number)
    shared = {tool: own for tool, own in with_tool.items() if len(own) > 1}
    if not shared:
        return [*groups]
    likeness = _likeness(vectors, groups)
    joined = [*range(len(groups))]
    for tool, own in shared.items():
        if not _is_theirs(tool, members, own):
            continue
        for place, number in enumerate(own):
            twin = next((one for one in own[:place] if likeness[one, number] >= ALIKE_FROM), number)
            joined[number] = joined[twin]
    found = [
        np.sort(np.concatenate([groups[one] for one, to in enumerate(joined) if to == number]))
        for number in sorted(set(joined))
    ]
    return sorted(found, key=len, reverse=True)


def _needed(members: Sequence[Sequence[Document]]) -> list[str | None]:
    """Of each group the tool that most of it need and speak of."""
    said = said_in(members)
    found: list[str | None] = []
    for number, own in enumerate(members):
        users = len({one.unit for one in own})
        used = Counter(tool for one in own for tool in one.tools if _does_something(tool))
        spoken = (
            tool
            for tool, count in sorted(used.items(), key=lambda item: (-item[1], item[0]))
            if count >= NEEDED * len(own)
            and sum(at == number for at, _ in said.by(tool_words(tool)[0])) >= MOSTLY * users
        )
        found.append(next(spoken, None))
    return found


def _is_theirs(tool: str, members: Sequence[Sequence[Document]], own: Sequence[int]) -> bool:
    """Other groups hardly call it."""
    theirs = [tool in one.tools for number in own for one in members[number]]
    others = [
        tool in one.tools
        for number, group in enumerate(members)
        if number not in own
        for one in group
    ]
    return not others or float(np.mean(theirs)) >= NEEDED_MORE * float(np.mean(others))


def _does_something(tool: str) -> bool:
    said = tool_words(tool)
    return len(said) > 1 and said[0] not in LOOKING_VERBS


def _likeness(vectors: Matrix, groups: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    rows = centred(vectors, seed=0)
    numbers = np.repeat(np.arange(len(groups)), [len(own) for own in groups])
    return mean_likeness(rows[np.concatenate(groups)], numbers, len(groups))
