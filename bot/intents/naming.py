"""Names for groups of conversations, from the words of many users and of no single one.

A name is a verb with its object ("cancel reservation") that most of the group say when they say
what they want, in any form and order. Where they have no such words in common it is the tool that
most of them need and others do not ("exchange delivered order items"), as long as they speak of
what it does; else the group's most telling words, and whether its users ask or tell. In other
languages than English it is the tool or those words. Each word of a user was used by at least
`min_users` distinct users and is no proper noun as far as its use shows, so that nothing that one
person wrote gets into a name.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.intents.english import (
    ABOUT,
    ENGLISH,
    GERMAN,
    HELP,
    INTRODUCED,
    LIGHT_VERBS,
    LOOKING_VERBS,
    QUESTION,
)
from bot.intents.text import Document, script_of
from bot.intents.wording import (
    MAX_OBJECT_WORDS,
    OPENING,
    UNSPACED,
    Said,
    alike,
    orders_of,
    said_in,
    scattered_orders_of,
    sentences_of,
    terms_of,
    tool_words,
    verbs_of,
    words,
)

MAX_TERMS = 8
LISTED_TERMS = 3
"""Terms in a name that has no verb."""
MOSTLY = 0.5
"""Share of a group's users from which it asks, writes English, or says what it is called."""
PARTLY = 0.25
"""Share from which an order is a name where none is said by most and no tool is needed by most."""
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
SAID_LONGER = 0.33
"""Of those who say an order, the share from which the longer one that begins like it is meant."""
TRIED = 60
"""Orders of a group that are counted in any form, those of most users first."""
NEARLY = 0.8
"""Of those who say some letters, the share from which they belong to a longer term."""
SHARED_BY = 2
"""Users of a group without any common term: then one of theirs will do that many others know."""
NAMELESS = "various wishes"
"""Of a group in which no two people share a word."""
PROPER_SHARE = 0.8
"""Written with a capital so often inside sentences, a word is a proper noun."""
CAPITALISING_SHARE = 0.25
"""Where so many words inside sentences have a capital, it says nothing of a word."""

PLAIN = "{}"
"""The frame of a group whose language we do not know: its words, and nothing of ours."""

_INSIDE = re.compile(r"(?<=[^\W\d_][ ,] )[^\W\d_]+|(?<=[^\W\d_] )[^\W\d_]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Name:
    """What a group is called by its words alone."""

    text: str
    """Unique among groups named together: "cancel reservation", or a list of terms."""
    terms: tuple[str, ...]
    """Telling words and pairs of words, at most 8, most telling first."""


def name_clusters(
    clusters: Sequence[Sequence[Document]], *, min_users: int, taken: Iterable[str] = ()
) -> list[Name]:
    """One name per cluster, none of them in `taken`.

    A term that fewer than `min_users` users wrote is in no name: of the cluster, or of all of them
    where two of the cluster wrote it and it has none better.
    """
    proper = proper_nouns(document.text for cluster in clusters for document in cluster)
    verbs = _verbs(clusters, min_users)
    frames = [_frame(cluster) for cluster in clusters]
    terms = _terms(clusters, proper, min_users)
    tools = _tools(clusters, frames)
    # What they say at first is what they want; where that comes out bit by bit, it is in all.
    orders = [
        _orders(clusters, verbs, proper, min_users, messages=messages)
        for messages in (OPENING, None)
    ]
    names: list[Name] = []
    used = set(taken)
    for frame, own_terms, tool, at_first, in_all in zip(frames, terms, tools, *orders, strict=True):
        leads = _leads(at_first, in_all, tool, own_terms) or [_listed([*own_terms], frame)]
        candidates = _candidates(leads, [*at_first, *in_all], [*own_terms])
        text = next(name for name in candidates if name not in used)
        used.add(text)
        names.append(Name(text=text, terms=tuple(_distinct([*own_terms])[:MAX_TERMS])))
    return names


def _terms(
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Order:
    """An order that users of a group say, and how well it would name the group."""

    text: str
    users: int
    """Who say it in these words."""
    share: float
    """Of the group's users who say its words in any form in one sentence."""
    telling: float
    """`share` times how much more frequent it is than elsewhere, as a logarithm."""


def _orders(
    clusters: Sequence[Sequence[Document]],
    verbs: frozenset[str],
    proper: frozenset[str],
    min_users: int,
    *,
    messages: int | None,
) -> list[list[_Order]]:
    """The orders of each cluster that many enough say, and more than elsewhere; the best first."""
    sizes = [len({document.unit for document in cluster}) for cluster in clusters]
    said = said_in(clusters, messages)

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
) -> _Order | None:
    counted = Counter(cluster for cluster, _ in said.by(text))
    share = counted[number] / sizes[number]
    elsewhere = (counted.total() - counted[number] + 0.5) / max(sum(sizes) - sizes[number], 1)
    lift = math.log(share / elsewhere) if share else 0
    if share and sizes[number] > ALONE * sum(sizes):
        lift = TELLING  # Too few others to be told from: what its own people say is its name.
    if lift < TOLD_FROM:
        return None
    telling = share * min(lift, TELLING) * (1 if is_adjacent else SCATTERED)
    return _Order(text=text, users=users, share=share, telling=telling)


def _tools(clusters: Sequence[Sequence[Document]], frames: Sequence[str]) -> list[str | None]:
    """For each cluster the tool that most of it need and others do not, as words; None without.

    A tool shows what the agent did. Where we can read what users say, most must speak of what the
    tool is called after: an agent that passes everybody on was not asked to.
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
            is_known = frames[number] == PLAIN or speakers >= MOSTLY * size
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


def _frame(cluster: Sequence[Document]) -> str:
    """What to put around a group's telling words, so that they say what its users want."""
    said = {document.unit: document.text for document in cluster}
    if sum(bool(ENGLISH.search(text)) for text in said.values()) < MOSTLY * len(said):
        return PLAIN
    asking = sum(bool(QUESTION.search(text.partition("\n")[0])) for text in said.values())
    return ABOUT if asking >= MOSTLY * len(said) else HELP


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


def _verbs(clusters: Sequence[Sequence[Document]], min_users: int) -> frozenset[str]:
    """Verbs in which people of this agent say their wishes, so many of them in each."""
    everybody = [one for cluster in clusters for one in cluster]
    used = _users_of(everybody, lambda one: verbs_of(one.text))
    return frozenset(verb for verb, users in used.items() if users >= min_users)


def _most_telling(
    clusters: Sequence[Sequence[Document]],
    parts_of: Callable[[Document], set[str]],
    min_users: int,
    *,
    known_to: int = 0,
) -> list[dict[str, float]]:
    """For each cluster the parts that set it apart, most telling first, and how telling they are as
    names (`_Order.telling`).

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


def _leads(
    at_first: Sequence[_Order],
    in_all: Sequence[_Order],
    tool: str | None,
    terms: Mapping[str, float],
) -> list[str]:
    """What the group may be called, the best first; nothing where its terms say more of it."""
    best, telling = next(iter(terms.items()), ("", 0.0))
    partly = [
        [one for one in orders if one.telling >= telling or set(best.split()) & {*one.text.split()}]
        for orders in (at_first, in_all)
    ]
    found = [
        _said_by(MOSTLY, at_first),
        tool,
        _said_by(MOSTLY, in_all),
        *(_said_by(PARTLY, orders) for orders in partly),
    ]
    return list(dict.fromkeys(one for one in found if one is not None))


def _listed(terms: Sequence[str], frame: str) -> str:
    """A name without an order: telling terms and what the users do, ask or tell."""
    listed = _distinct(terms)[:LISTED_TERMS]
    # A pair says much behind a verb of ours.
    at_most = 2 if frame != PLAIN and listed and " " in listed[0] else LISTED_TERMS
    return frame.format(", ".join(listed[:at_most])) if listed else NAMELESS


def _candidates(
    leads: Sequence[str], orders: Sequence[_Order], terms: Sequence[str]
) -> Iterator[str]:
    """Names to try, the best first; it never ends."""
    yield leads[0]
    yield from (one.text for one in orders if one.text.startswith(f"{leads[0]} "))
    yield from leads[1:]
    lead = leads[0]
    for term in _distinct(terms):
        if not any(alike(one, other) for one in term.split() for other in words(lead)):
            yield f"{lead}, {term}"
    for letters in itertools.count(1):
        for suffix in itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=letters):
            yield f"{lead}, group {''.join(suffix)}"


def _said_by(share: float, orders: Sequence[_Order]) -> str | None:
    """The best order that so many say."""
    best = next((one for one in orders if one.share >= share), None)
    return None if best is None else _whole(best, orders)


def _is_light(order: str) -> bool:
    """Says too little alone: "get card"."""
    verb, _, thing = order.partition(" ")
    return verb in LIGHT_VERBS and " " not in thing


def _whole(order: _Order, orders: Sequence[_Order]) -> str:
    """The order with the rest of its object, where most who say it say that: "add checked" is "add
    checked bag"."""
    for longer in orders:
        if (
            longer.text.startswith(f"{order.text} ")
            and longer.users >= SAID_LONGER * order.users
            and longer.share >= MOSTLY * order.share
        ):
            return _whole(longer, orders)
    return order.text


def _distinct(terms: Sequence[str]) -> list[str]:
    """Terms that share no word with one before them; a pair stands for its single words."""
    kept: list[str] = []
    for term in terms:
        longer = next((t for t in terms[:MAX_TERMS] if " " in t and term in t.split()), term)
        said = [word for other in kept for word in other.split()]
        if not any(alike(one, other) for one in longer.split() for other in said):
            kept.append(longer)
    return kept
