"""What sets groups of conversations apart: the orders, terms and tools of many of their users.

Takes the groups of one agent, gives what each says or needs and others do not, the most telling
first, and how telling it is. Counts users, not occurrences; a word of a user counts only where
`min_users` users said it and it is no proper noun as far as its use shows.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.intents.english import (
    GERMAN,
    INTRODUCED,
    LIGHT_VERBS,
    LOOKING_VERBS,
    PASSED_OVER,
    TAILS,
)
from bot.intents.text import Document, script_of
from bot.intents.wording import (
    MAX_OBJECT_WORDS,
    UNSPACED,
    Said,
    is_telling,
    orders_of,
    said_in,
    scattered_orders_of,
    sentences_of,
    singular,
    terms_of,
    tool_words,
    verbs_of,
    words,
)

MOSTLY = 0.5
"""Share of a group's users from which it asks, writes English, or says what it is called."""
NEEDED, NEEDED_MORE = 0.6, 2
"""Share of a group's conversations from which a tool is what they need, and times as often as
others do."""
TELLING = math.log(6)
"""Six times as frequent as elsewhere is as telling as it gets: a name says what most of a group
want, and being rarer elsewhere does not make up for being said by fewer."""
SCATTERED = 0.8
"""What an order is worth whose object stands some words behind its verb: it reads worse."""
TOLD_FROM = math.log(1.3)
"""Times as frequent as elsewhere that an order or a tool is, to be a name."""
ALONE = 0.75
"""Share of all users from which a group needs no word that the others do not say."""
TRIED = 60
"""Orders of a group that are counted in any form, those of most users first."""
NOUN_IN_ED = 4
"""Letters of a word in -ed that may be a noun: feed, seed."""
NEARLY = 0.8
"""Of those who say some letters, the share from which they belong to a longer term."""
SHARED_BY = 2
"""Users of a group without any common term: then one of theirs will do that many others know."""
PROPER_SHARE = 0.8
"""Written with a capital so often inside sentences, a word is a proper noun."""
CAPITALISING_SHARE = 0.25
"""Where so many words inside sentences have a capital, it says nothing of a word."""
_INSIDE = re.compile(r"(?<=[^\W\d_][ ,] )[^\W\d_]+|(?<=[^\W\d_] )[^\W\d_]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An order that users of a group say, and how well it would name the group."""

    text: str
    users: int
    """Who say it in these words."""
    share: float
    """Of the group's users who say its words in any form in one sentence."""
    telling: float
    """`share` times how much more frequent it is than elsewhere, as a logarithm."""


def orders_by_cluster(
    clusters: Sequence[Sequence[Document]],
    verbs: frozenset[str],
    proper: frozenset[str],
    min_users: int,
    *,
    messages: int | None,
) -> list[list[Order]]:
    """The orders of each cluster that many enough say, and more than elsewhere; the best first."""
    sizes = [len({document.unit for document in cluster}) for cluster in clusters]
    said = said_in(clusters, messages)
    qualities = _qualities(clusters, min_users)

    def adjacent_of(one: Document) -> set[str]:
        return {
            own
            for sentence in sentences_of(one, messages)
            for own in orders_of(sentence, verbs, proper)
        }

    def scattered_of(one: Document) -> set[str]:
        return {
            own
            for sentence in sentences_of(one, messages)
            for own in scattered_orders_of(sentence, verbs, proper)
        }

    found = []
    for number, cluster in enumerate(clusters):
        adjacent, scattered = (_users_of(cluster, of) for of in (adjacent_of, scattered_of))
        tried = [
            (text, users)
            for text, users in {**scattered, **adjacent}.items()
            if users >= SHARED_BY
            and not _is_light(text)
            and text.split()[-1] not in qualities
            and all(said.users_of(word) >= min_users for word in text.split())
        ]
        tried.sort(key=lambda one: (-one[1], one[0]))
        orders = (
            _order(text, users, number, sizes, said, is_adjacent=text in adjacent)
            for text, users in tried[:TRIED]
        )
        enough = (one for one in orders if one and one.share * sizes[number] >= min_users)
        found.append(sorted(enough, key=lambda one: (-one.telling, -one.users, one.text)))
    return found


def _order(
    text: str, users: int, number: int, sizes: Sequence[int], said: Said, *, is_adjacent: bool
) -> Order | None:
    counted = Counter(cluster for cluster, _ in said.by(text))
    share = counted[number] / sizes[number]
    elsewhere = (counted.total() - counted[number] + 0.5) / max(sum(sizes) - sizes[number], 1)
    lift = math.log(share / elsewhere) if share else 0
    if share and sizes[number] > ALONE * sum(sizes):
        lift = TELLING  # Too few others to be told from: what its own people say is its name.
    if lift < TOLD_FROM:
        return None
    telling = share * min(lift, TELLING) * (1 if is_adjacent else SCATTERED)
    return Order(text=text, users=users, share=share, telling=telling)


def _is_light(order: str) -> bool:
    """Says too little alone: "get card"."""
    verb, _, thing = order.partition(" ")
    return verb in LIGHT_VERBS and " " not in thing


def _qualities(clusters: Sequence[Sequence[Document]], min_users: int) -> frozenset[str]:
    """Words that say which thing is meant and not what it is: "upcoming", "booked", "purple".

    A word in -ed, or one that most users who say it say right before another known word.
    """
    before: dict[str, set[str]] = defaultdict(set)
    users: dict[str, set[str]] = defaultdict(set)
    pairs: list[tuple[str, str, str]] = []
    for document in itertools.chain.from_iterable(clusters):
        for sentence in sentences_of(document):
            line = [singular(word) for word in words(sentence)]
            for word, after in itertools.pairwise([*line, ""]):
                users[word].add(document.unit)
                pairs.append((document.unit, word, after))
    for unit, word, after in pairs:
        is_known = len(users[after]) >= min_users
        if is_known and (is_telling(after, frozenset()) or after in TAILS):
            before[word].add(unit)
    return frozenset(
        word
        for word, own in users.items()
        if word in PASSED_OVER
        or (len(word) > NOUN_IN_ED and word.endswith("ed"))
        or len(before[word]) > MOSTLY * len(own)
    )


def terms_by_cluster(
    clusters: Sequence[Sequence[Document]], proper: frozenset[str], min_users: int
) -> list[dict[str, float]]:
    """Terms of each cluster and how telling they are: if there are any, those said at first."""

    def at_first(one: Document) -> set[str]:
        return {term for sentence in sentences_of(one) for term in terms_of(sentence, proper)}

    def in_all(one: Document) -> set[str]:
        return {term for sentence in sentences_of(one, None) for term in terms_of(sentence, proper)}

    ways = [
        _most_telling(clusters, at_first, min_users),
        _most_telling(clusters, in_all, min_users),
        _most_telling(clusters, in_all, SHARED_BY, known_to=min_users),
    ]
    return [_whole_terms(next(filter(None, found), {})) for found in zip(*ways, strict=True)]


def _whole_terms(terms: Mapping[str, float]) -> dict[str, float]:
    """Without the parts of longer terms that nearly as many say, in scripts without spaces."""
    letters = [term for term in terms if script_of(term) in UNSPACED]
    parts = {
        term
        for term in letters
        for longer in letters
        if term in longer != term and terms[longer] >= NEARLY * terms[term]
    }
    return {term: telling for term, telling in terms.items() if term not in parts}


def tools_by_cluster(
    clusters: Sequence[Sequence[Document]], are_read: Sequence[bool]
) -> list[str | None]:
    """For each cluster the tool that most of it need and others do not, as words; None without.

    A tool shows what the agent did. Where we read (`are_read`) what users say, most must speak of
    what the tool is called after: an agent that passes everybody on was not asked to.
    """
    said = said_in(clusters)
    used = [Counter(tool for one in cluster for tool in _tools_of(one)) for cluster in clusters]
    total, everyone = sum(used, Counter[str]()), sum(len(cluster) for cluster in clusters)
    found: list[str | None] = []
    for number, cluster in enumerate(clusters):
        size = len({document.unit for document in cluster})
        telling = {}
        for tool, count in used[number].items():
            share = count / len(cluster)
            elsewhere = (total[tool] - count + 0.5) / max(everyone - len(cluster), 1)
            speakers = max(sum(own == number for own, _ in said.by(one)) for one in tool.split())
            is_known = not are_read[number] or speakers >= MOSTLY * size
            if share >= NEEDED and share >= NEEDED_MORE * elsewhere and is_known:
                telling[tool] = share * math.log(share / elsewhere)
        found.append(max(sorted(telling), key=lambda tool: telling[tool], default=None))
    return found


def _tools_of(document: Document) -> set[str]:
    """Tools that do something, as words, where they are two at least: "cancel order"."""
    spoken = map(tool_words, document.tools)
    return {
        " ".join(said)
        for said in spoken
        if 2 <= len(said) <= 1 + MAX_OBJECT_WORDS and said[0] not in LOOKING_VERBS
    }


def verbs_of_wishes(clusters: Sequence[Sequence[Document]], min_users: int) -> frozenset[str]:
    """Verbs in which people of this agent say their wishes, so many of them in each."""
    everybody = [one for cluster in clusters for one in cluster]
    used = _users_of(everybody, lambda one: verbs_of(one.text))
    return frozenset(verb for verb, users in used.items() if users >= min_users)


def proper_nouns(texts: Iterable[str]) -> frozenset[str]:
    """Words that are names of people, places and products, in lower case.

    Those that nearly always have a capital inside a sentence, where not all nouns do as in German,
    and those with which users introduce themselves. Words all in capitals (ATM) stay: mostly terms.
    """
    capital: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    introduced: set[str] = set()
    for text in texts:
        introduced.update(word for found in INTRODUCED.findall(text) for word in words(found))
        for word in () if GERMAN.search(text) else _INSIDE.findall(text):
            seen[word.lower()] += 1
            capital[word.lower()] += word[:1].isupper() and not (word.isupper() and len(word) > 1)
    if sum(capital.values()) > CAPITALISING_SHARE * sum(seen.values()):
        return frozenset(introduced)
    often = {word for word, count in capital.items() if count >= PROPER_SHARE * seen[word]}
    return frozenset(often | introduced)


def _most_telling(
    clusters: Sequence[Sequence[Document]],
    parts_of: Callable[[Document], set[str]],
    min_users: int,
    *,
    known_to: int = 0,
) -> list[dict[str, float]]:
    """For each cluster the parts that set it apart, most telling first, and how telling they are as
    names (`Order.telling`).

    `min_users` of the cluster used each, and `known_to` of all clusters.

    Counts users, not occurrences. The weight is share x log(share / share elsewhere), a c-TF-IDF
    (Grootendorst 2022, "BERTopic") on rates, so that large clusters do not drown small ones.
    """
    used = [_users_of(cluster, parts_of) for cluster in clusters]
    sizes = [len({document.unit for document in cluster}) for cluster in clusters]
    total, everyone = sum(used, Counter[str]()), sum(sizes)
    ranked = []
    for own, size in zip(used, sizes, strict=True):
        elsewhere = max(everyone - size, 1)
        lifts = {
            part: math.log((users / size) / ((total[part] - users + 0.5) / elsewhere))
            for part, users in own.items()
            if users >= min_users and total[part] >= known_to
        }
        telling = [part for part, lift in lifts.items() if lift > 0]
        telling.sort(key=lambda part: (-own[part] * lifts[part], part))
        ranked.append({part: own[part] / size * min(lifts[part], TELLING) for part in telling})
    return ranked


def _users_of(
    cluster: Sequence[Document], parts_of: Callable[[Document], set[str]]
) -> Counter[str]:
    """How many distinct users of the cluster used each part."""
    seen = {(document.unit, part) for document in cluster for part in parts_of(document)}
    return Counter(part for _, part in seen)
