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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.intents.english import ABOUT, ENGLISH, HELP, LINKS, QUESTION
from bot.intents.telling import (
    MOSTLY,
    Order,
    orders_by_cluster,
    proper_nouns,
    terms_by_cluster,
    tools_by_cluster,
    verbs_of_wishes,
)
from bot.intents.text import Document
from bot.intents.wording import OPENING, Said, alike, said_in, words

MAX_TERMS = 8
LISTED_TERMS = 3
"""Terms in a name that has no verb."""
PARTLY = 0.25
"""Share from which an order is a name where none is said by most and no tool is needed by most."""
BETWEEN_TERMS = " / "
"""No comma: names stand in lists with commas."""
SAID_LONGER = 0.33
"""Of those who say an order, the share from which the longer one that begins like it is meant."""
COUNTED = 4
"""Phrases in a definition."""
HOW_MANY = ((1.0, "all"), (MOSTLY, "most"), (0.0, "some"))
"""Of a group's users who say a phrase, by their share."""
EXCLUDED = 2
NAMELESS = "various wishes"
"""Of a group in which no two people share a word."""

PLAIN = "{}"
"""The frame of a group whose language we do not know: its words, and nothing of ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Name:
    """What a group is called by its words alone."""

    text: str
    """Unique among groups named together: "cancel reservation", or a list of terms."""
    terms: tuple[str, ...]
    """Telling words and pairs of words, at most 8, most telling first."""
    definition: str
    """What they want, and what many of them say; empty where they have nothing in common."""
    exclude: tuple[str, ...] = ()
    """Groups named together that are called nearly the same."""


def name_clusters(
    clusters: Sequence[Sequence[Document]], *, min_users: int, taken: Iterable[str] = ()
) -> list[Name]:
    """One name per cluster, none of them in `taken`.

    A term that fewer than `min_users` users wrote is in no name: of the cluster, or of all of them
    where two of the cluster wrote it and it has none better.
    """
    proper = proper_nouns(document.text for cluster in clusters for document in cluster)
    verbs = verbs_of_wishes(clusters, min_users)
    frames = [_frame(cluster) for cluster in clusters]
    terms = terms_by_cluster(clusters, proper, min_users)
    tools = tools_by_cluster(clusters, [frame != PLAIN for frame in frames])
    # What they say at first is what they want; where that comes out bit by bit, it is in all.
    orders = [
        orders_by_cluster(clusters, verbs, proper, min_users, messages=messages)
        for messages in (OPENING, None)
    ]
    said = said_in(clusters, None)
    names: list[Name] = []
    used = set(taken)
    for number, (frame, own_terms, tool, at_first, in_all) in enumerate(
        zip(frames, terms, tools, *orders, strict=True)
    ):
        orders_or_tool = _leads(at_first, in_all, tool, own_terms)
        leads = orders_or_tool or [_listed([*own_terms], frame)]
        candidates = _candidates(leads, [*at_first, *in_all], [*own_terms])
        text = next(name for name in candidates if name not in used)
        used.add(text)
        told = tuple(_distinct([*own_terms])[:MAX_TERMS])
        users = len({document.unit for document in clusters[number]})
        counted = _counted([*(one.text for one in at_first), *told], said, number, users)
        definition = _definition(text, counted, users, is_listed=not orders_or_tool)
        names.append(Name(text=text, terms=told, definition=definition))
    return [replace(one, exclude=_excluded(one, names)) for one in names]


def _excluded(name: Name, names: Sequence[Name]) -> tuple[str, ...]:
    """What is no part of this group, since it is another: those that share most words with it."""
    own = {*words(name.text)} - LINKS
    shared = {one.text: len(own & {*words(one.text)}) for one in names if one is not name}
    near = sorted((text for text in shared if shared[text]), key=lambda text: -shared[text])
    return tuple(f"{text!r} is an intent of its own" for text in near[:EXCLUDED])


def _counted(phrases: Sequence[str], said: Said, number: int, users: int) -> list[tuple[str, int]]:
    """The phrases that many of a group say, with how many; none that says another one again."""
    counts = {one: sum(own == number for own, _ in said.by(one)) for one in phrases}
    many = list[tuple[str, int]]()
    for phrase, count in counts.items():
        before = [word for one, _ in many for word in one.split()]
        is_new = not any(alike(word, other) for word in phrase.split() for other in before)
        if is_new and count >= PARTLY * users:
            many.append((phrase, count))
    return sorted(many, key=lambda one: -one[1])[:COUNTED]


def _definition(
    name: str, counted: Sequence[tuple[str, int]], users: int, *, is_listed: bool
) -> str:
    """What the group wants, and what an owner can tell its conversations by.

    Words and no numbers: those of the day would stand in the file for years. A list of terms is no
    wish, so then it is only what they say; the words of the name are not said twice.
    """
    order = "" if is_listed else name.partition(BETWEEN_TERMS)[0]
    wants = f"Users want to {order}. " if order else ""
    left = [one for one in counted if one[0] != order]
    parts = list[str]()
    for share, how_many in HOW_MANY:
        phrases = [repr(phrase) for phrase, said_by in left if said_by >= share * users]
        left = left[len(phrases) :]
        if phrases:
            who = how_many if parts else f"{how_many.capitalize()} users say"
            parts.append(f"{who} {_and(phrases)}")
    return f"{wants}{', '.join(parts)}{'.' if parts else ''}".strip()


def _and(phrases: Sequence[str]) -> str:
    *others, last = phrases
    return f"{', '.join(others)} and {last}" if others else last


def _frame(cluster: Sequence[Document]) -> str:
    """What to put around a group's telling words, so that they say what its users want."""
    said = {document.unit: document.text for document in cluster}
    if sum(bool(ENGLISH.search(text)) for text in said.values()) < MOSTLY * len(said):
        return PLAIN
    asking = sum(bool(QUESTION.search(text.partition("\n")[0])) for text in said.values())
    return ABOUT if asking >= MOSTLY * len(said) else HELP


def _leads(
    at_first: Sequence[Order],
    in_all: Sequence[Order],
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
    return frame.format(BETWEEN_TERMS.join(listed[:at_most])) if listed else NAMELESS


def _candidates(
    leads: Sequence[str], orders: Sequence[Order], terms: Sequence[str]
) -> Iterator[str]:
    """Names to try, the best first; it never ends."""
    yield leads[0]
    yield from (one.text for one in orders if one.text.startswith(f"{leads[0]} "))
    yield from leads[1:]
    lead = leads[0]
    for term in _distinct(terms):
        if not any(alike(one, other) for one in term.split() for other in words(lead)):
            yield f"{lead}{BETWEEN_TERMS}{term}"
    for word in dict.fromkeys(word for term in terms for word in term.split()):
        if not any(alike(word, other) for other in (*words(lead), *LINKS)):
            yield f"{lead}{BETWEEN_TERMS}{word}"
    for letters in itertools.count(1):
        for suffix in itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=letters):
            yield f"{lead}{BETWEEN_TERMS}group {''.join(suffix)}"


def _said_by(share: float, orders: Sequence[Order]) -> str | None:
    """The best order that so many say."""
    best = next((one for one in orders if one.share >= share), None)
    return None if best is None else _whole(best, orders)


def _whole(order: Order, orders: Sequence[Order]) -> str:
    """The order with the rest of its object, where most who say it say that: "add checked" is "add
    checked bag", and "update number" is "update phone number"."""
    verb, _, thing = order.text.rpartition(" ")
    for longer in orders:
        if (
            longer.text != order.text
            and (
                longer.text.startswith(f"{order.text} ")
                or (longer.text.startswith(f"{verb} ") and longer.text.endswith(f" {thing}"))
            )
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
