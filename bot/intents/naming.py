"""Names for groups of conversations, from the words of many users and of no single one.

A name is a verb with its object where users say what they want ("I'd like to cancel my
reservation"). Where they only ask, or tell what is wrong, it says so, with the group's most telling
words. In other languages than English it is the tool that most of them need, else those words.
Each word of a user was used by at least `min_users` distinct users, of the group where it has such
words, and is no proper noun as far as its use shows, so that nothing that one person wrote gets
into a name.
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
    EMPTY_VERBS,
    EMPTY_WORDS,
    ENGLISH,
    HELP,
    INTRODUCED,
    LIGHT_VERBS,
    LINKS,
    NEGATIONS,
    PARTICLES,
    PASSED_OVER,
    QUESTION,
    TAILS,
    WISH,
)
from bot.intents.text import Document

MAX_TERMS = 8
LISTED_TERMS = 3
"""Terms in a name that has no verb."""
SAID_LONGER = 0.33
"""Of those who say an order, the share from which the longer one that begins like it is meant."""
MOSTLY = 0.5
"""Share of a group's users from which it asks, or writes English."""
MAX_OBJECT_WORDS = 3
SHARED_BY = 2
"""Users of a group without any common term: then one of theirs will do that many others know."""
NAMELESS = "various wishes"
"""Of a group in which no two people share a word."""
PROPER_SHARE = 0.8
"""Written with a capital so often inside sentences, a word is a proper noun."""
CAPITALISING_SHARE = 0.25
"""Where so many words inside sentences have a capital, all nouns have one (German)."""

PLAIN = "{}"
"""The frame of a group whose language we do not know: its words, and nothing of ours."""

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")  # noqa: RUF001 - people type both apostrophes
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

    def terms_of(one: Document) -> set[str]:
        return {term for line in one.text.splitlines() for term in _terms(words(line), proper)}

    def wishes_of(one: Document) -> set[str]:
        said = ((wish[1].lower(), words(wish[2])) for wish in WISH.finditer(one.text))
        return {phrase for verb, behind in said for phrase in _phrases(verb, behind, proper)}

    verbs = _verbs(clusters, min_users)

    def orders_of(one: Document) -> set[str]:
        return {
            phrase
            for line in one.text.splitlines()
            for verb, behind in _behind(words(line), verbs)
            for phrase in _phrases(verb, behind, proper)
        }

    def scattered_of(one: Document) -> set[str]:
        return {
            f"{verb} {term}"
            for line in one.text.splitlines()
            for verb, behind in _behind(words(line), verbs)
            for term in _terms([*itertools.takewhile(_joins_nothing, behind)], proper)
            if verb not in LIGHT_VERBS
        }

    terms = [
        own or fewer
        for own, fewer in zip(
            _most_telling(clusters, terms_of, min_users),
            _most_telling(clusters, terms_of, SHARED_BY, known_to=min_users),
            strict=True,
        )
    ]
    # Of few people each says it in words of their own: then any order with a verb of wishes counts,
    # and then one whose object comes a few words later.
    ways = [_most_telling(clusters, of, min_users) for of in (wishes_of, orders_of, scattered_of)]
    called = _most_telling(clusters, _tools_of, min_users)
    names: list[Name] = []
    used = set(taken)
    for cluster, own_terms, tools, *own_ways in zip(clusters, terms, called, *ways, strict=True):
        wishes: Mapping[str, int] = next((own for own in own_ways if own), {})
        frame = _frame(cluster)
        if frame == PLAIN and not wishes:
            enough = MOSTLY * len({document.unit for document in cluster})
            wishes = {tool: users for tool, users in tools.items() if users >= enough}
        candidates = _candidates(wishes, list(own_terms), frame)
        text = next(name for name in candidates if name not in used)
        used.add(text)
        names.append(Name(text=text, terms=tuple(_distinct(list(own_terms))[:MAX_TERMS])))
    return names


def _frame(cluster: Sequence[Document]) -> str:
    """What to put around a group's telling words, so that they say what its users want."""
    said = {document.unit: document.text for document in cluster}
    if sum(bool(ENGLISH.search(text)) for text in said.values()) < MOSTLY * len(said):
        return PLAIN
    asking = sum(bool(QUESTION.search(text.partition("\n")[0])) for text in said.values())
    return ABOUT if asking >= MOSTLY * len(said) else HELP


def _tools_of(document: Document) -> set[str]:
    """The agent's tools as words, where they are two at least: "cancel order"."""
    spoken = (words(_HUMP.sub(" ", tool.replace("_", " "))) for tool in document.tools)
    return {" ".join(said) for said in spoken if 2 <= len(said) <= 1 + MAX_OBJECT_WORDS}


def words(text: str) -> list[str]:
    """Words of letters, in lower case, apostrophes made straight."""
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]  # noqa: RUF001


def singular(word: str) -> str:
    """Folds the common English plurals: what "bags" and "bag" say is one thing."""
    if len(word) < 5 or not word.endswith("s") or word.endswith(("ss", "us", "is", "'s")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes")) else word[:-1]


def proper_nouns(texts: Iterable[str]) -> frozenset[str]:
    """Words that are names of people, places and products, in lower case.

    Those that nearly always have a capital inside a sentence, where not all nouns do, and those
    with which users introduce themselves. Words all in capitals (ATM) stay: they are mostly terms.
    """
    capital: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    introduced: set[str] = set()
    for text in texts:
        introduced.update(word for found in INTRODUCED.findall(text) for word in words(found))
        for word in _INSIDE.findall(text):
            seen[word.lower()] += 1
            capital[word.lower()] += word[:1].isupper() and not (word.isupper() and len(word) > 1)
    if sum(capital.values()) > CAPITALISING_SHARE * sum(seen.values()):
        return frozenset(introduced)
    often = {word for word, count in capital.items() if count >= PROPER_SHARE * seen[word]}
    return frozenset(often | introduced)


def _is_telling(word: str, proper: frozenset[str]) -> bool:
    return len(word) > 2 and word not in EMPTY_WORDS and word not in proper


def _verbs(clusters: Sequence[Sequence[Document]], min_users: int) -> frozenset[str]:
    """Verbs in which people of this agent say their wishes, so many of them in each."""
    said = {
        (document.unit, wish[1].lower())
        for cluster in clusters
        for document in cluster
        for wish in WISH.finditer(document.text)
    }
    used = Counter(verb for _, verb in said)
    return frozenset(
        verb for verb, users in used.items() if users >= min_users and verb not in EMPTY_VERBS
    )


def _terms(line: Sequence[str], proper: frozenset[str]) -> Iterator[str]:
    """Telling words, and pairs with what joins them: "wait for transfer", "card not working"."""
    before, joint = "", ""
    for word in map(singular, line):
        if _is_telling(word, proper):
            yield word
            if before and not _alike(before, word):
                yield f"{before} {joint}{word}"
            before, joint = word, ""
        elif word in NEGATIONS or (word in LINKS and not joint):
            joint = "not " if word in NEGATIONS else f"{word} "
        elif word not in PASSED_OVER:
            before, joint = "", ""


def _joins_nothing(word: str) -> bool:
    return word not in LINKS


def _behind(line: Sequence[str], verbs: frozenset[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Each verb of `line`, and the words up to the next one."""
    for at, word in enumerate(line):
        if word in verbs and _is_a_verb(line, at):
            yield word, [*itertools.takewhile(lambda one: one not in verbs, line[at + 1 : at + 7])]


def _is_a_verb(line: Sequence[str], at: int) -> bool:
    """Many a verb is a noun as well: "my transfer", "cash deposit", "transfer pending"."""
    before = line[at - 1] if at else ""
    behind = line[at + 1] if at + 1 < len(line) else ""
    is_noun = before in PASSED_OVER or before in LINKS - {"to"} or _is_telling(before, frozenset())
    return not is_noun and not behind.endswith(("ed", "ing"))


def _phrases(verb: str, behind: Iterable[str], proper: frozenset[str]) -> Iterator[str]:
    """A verb and the object right behind it, shorter and longer: "get quote for life insurance"."""
    behind = [*behind]
    if verb not in proper and behind[:1] and behind[0] in PARTICLES:
        verb, behind = f"{verb} {behind[0]}", behind[1:]
    if verb.partition(" ")[0] in EMPTY_VERBS or verb in proper:
        return
    phrase, link, telling = [verb], "", 0
    for word in itertools.dropwhile(PASSED_OVER.__contains__, behind):
        if link and word in PASSED_OVER:
            continue
        if word in LINKS and telling and not link:
            link = word
            continue
        is_tail = singular(word) in TAILS and bool(telling)
        if telling == MAX_OBJECT_WORDS or not (is_tail or _is_telling(word, proper)):
            return
        if link and link not in phrase:
            phrase.append(link)
        phrase.append(singular(word))
        telling += 1
        yield " ".join(phrase)


def _most_telling(
    clusters: Sequence[Sequence[Document]],
    parts_of: Callable[[Document], set[str]],
    min_users: int,
    *,
    known_to: int = 0,
) -> list[dict[str, int]]:
    """For each cluster the parts that set it apart, most telling first, with how many users.

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
        weight = {
            part: (count / size)
            * math.log((count / size) / ((total[part] - count + 0.5) / elsewhere))
            for part, count in own.items()
            if count >= min_users and total[part] >= known_to
        }
        telling = [part for part, value in weight.items() if value > 0]
        telling.sort(key=lambda part: (-weight[part], part))
        ranked.append({part: own[part] for part in telling})
    return ranked


def _users_of(
    cluster: Sequence[Document], parts_of: Callable[[Document], set[str]]
) -> Counter[str]:
    """How many distinct users of the cluster used each part."""
    seen = {(document.unit, part) for document in cluster for part in parts_of(document)}
    return Counter(part for _, part in seen)


def _candidates(wishes: Mapping[str, int], terms: Sequence[str], frame: str) -> Iterator[str]:
    """Names to try, the best first; it never ends."""
    order = next((wish for wish in wishes if not _is_light(wish)), None)
    if order is not None:
        # The group may want more than those who are told apart best: "get quote", not only "get
        # quote for life insurance".
        begun = [wish for wish in wishes if f"{order} ".startswith(f"{wish} ")]
        yield (lead := _whole(min(begun, key=len), wishes))
    else:
        listed = _distinct(terms)[:LISTED_TERMS]
        # A pair says much behind a verb of ours.
        at_most = 2 if frame != PLAIN and listed and " " in listed[0] else LISTED_TERMS
        lead = frame.format(", ".join(listed[:at_most])) if listed else NAMELESS
        yield lead
    yield from (longer for longer in wishes if longer.startswith(f"{lead} "))
    for term in _distinct(terms):
        if not any(_alike(one, other) for one in term.split() for other in words(lead)):
            yield f"{lead}, {term}"
    for letters in itertools.count(1):
        for suffix in itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=letters):
            yield f"{lead}, group {''.join(suffix)}"


def _is_light(order: str) -> bool:
    """Says too little alone: "get card"."""
    verb, _, thing = order.partition(" ")
    return verb in LIGHT_VERBS and " " not in thing


def _whole(order: str, wishes: Mapping[str, int]) -> str:
    """The order with the rest of its object, where most who say it say that: "add checked" is "add
    checked bag"."""
    for longer, users in wishes.items():
        if longer.startswith(f"{order} ") and users >= SAID_LONGER * wishes[order]:
            return _whole(longer, wishes)
    return order


def _distinct(terms: Sequence[str]) -> list[str]:
    """Terms that share no word with one before them; a pair stands for its single words."""
    kept: list[str] = []
    for term in terms:
        longer = next((t for t in terms[:MAX_TERMS] if " " in t and term in t.split()), term)
        said = [word for other in kept for word in other.split()]
        if not any(_alike(one, other) for one in longer.split() for other in said):
            kept.append(longer)
    return kept


def _alike(one: str, other: str) -> bool:
    """Forms of one word, by how they begin: "delay" and "delayed"."""
    begun = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return one == other or len([*begun]) >= max(4, min(len(one), len(other)) - 1)
