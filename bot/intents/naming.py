"""Names for groups of conversations, from the words of many users and of no single one.

A name is a verb with its object where users say what they want ("I'd like to cancel my
reservation"), else the group's most telling words. Each word was used by at least `min_users`
distinct users of the group, and is no proper noun as far as its use shows, so that nothing that one
person wrote gets into a name. The cues are English; in other languages a name is a list of words.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.intents.english import (
    EMPTY_VERBS,
    EMPTY_WORDS,
    INTRODUCED,
    PASSED_OVER,
    WISH,
)
from bot.intents.text import Document

MAX_TERMS = 8
LISTED_TERMS = 3
"""Terms in a name that has no verb."""
MAX_OBJECT_WORDS = 3
PROPER_SHARE = 0.8
"""Written with a capital so often inside sentences, a word is a proper noun."""
CAPITALISING_SHARE = 0.25
"""Where so many words inside sentences have a capital, all nouns have one (German)."""

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

    A term that fewer than `min_users` of its users wrote is in no name.
    """
    proper = proper_nouns(document.text for cluster in clusters for document in cluster)

    def terms_of(text: str) -> set[str]:
        kept = [word for word in map(singular, words(text)) if _is_telling(word, proper)]
        return {*kept, *(f"{a} {b}" for a, b in itertools.pairwise(kept) if a != b)}

    def wishes_of(text: str) -> set[str]:
        said = ((wish[1].lower(), words(wish[2])) for wish in WISH.finditer(text))
        return {phrase for verb, behind in said for phrase in _phrases(verb, behind, proper)}

    verbs = _verbs(clusters, min_users)

    def orders_of(text: str) -> set[str]:
        return {
            phrase
            for line in text.splitlines()
            for verb, behind in _behind(words(line), verbs)
            for phrase in _phrases(verb, behind, proper)
        }

    terms = _most_telling(clusters, terms_of, min_users)
    # Of few people each says it in a cue of their own: then any order with a verb of wishes counts.
    wishes = [
        own or orders
        for own, orders in zip(
            _most_telling(clusters, wishes_of, min_users),
            _most_telling(clusters, orders_of, min_users),
            strict=True,
        )
    ]
    names: list[Name] = []
    used = set(taken)
    for own_wishes, own_terms in zip(wishes, terms, strict=True):
        text = next(name for name in _candidates(own_wishes, own_terms) if name not in used)
        used.add(text)
        names.append(Name(text=text, terms=tuple(own_terms[:MAX_TERMS])))
    return names


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


def _behind(line: Sequence[str], verbs: frozenset[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Each verb of `line`, and the words up to the next one."""
    for at, word in enumerate(line):
        if word in verbs:
            yield word, [*itertools.takewhile(lambda one: one not in verbs, line[at + 1 : at + 7])]


def _phrases(verb: str, behind: Iterable[str], proper: frozenset[str]) -> Iterator[str]:
    """A verb and the object right behind it, shorter and longer: "cancel flight reservation"."""
    if verb in EMPTY_VERBS or verb in proper:
        return
    phrase = [verb]
    for word in itertools.dropwhile(PASSED_OVER.__contains__, behind):
        if not _is_telling(word, proper) or len(phrase) > MAX_OBJECT_WORDS:
            return
        phrase.append(singular(word))
        yield " ".join(phrase)


def _most_telling(
    clusters: Sequence[Sequence[Document]],
    parts_of: Callable[[str], set[str]],
    min_users: int,
) -> list[list[str]]:
    """For each cluster the parts that set it apart, most telling first.

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
            if count >= min_users
        }
        telling = [part for part, value in weight.items() if value > 0]
        ranked.append(sorted(telling, key=lambda part: (-weight[part], part)))
    return ranked


def _users_of(cluster: Sequence[Document], parts_of: Callable[[str], set[str]]) -> Counter[str]:
    """How many distinct users of the cluster used each part."""
    seen = {(document.unit, part) for document in cluster for part in parts_of(document.text)}
    return Counter(part for _, part in seen)


def _candidates(wishes: Sequence[str], terms: Sequence[str]) -> Iterator[str]:
    """Names to try, the best first; it never ends."""
    if wishes:
        # "add checked" is an object cut short where "add checked bag" is said often enough too.
        lead = next((w for w in wishes if w.startswith(f"{wishes[0]} ")), wishes[0])
        yield lead
    else:
        lead = ", ".join(_distinct(terms)[:LISTED_TERMS]) or "unnamed group"
        yield lead
    for term in _distinct(terms):
        if not set(term.split()) & set(words(lead)):
            yield f"{lead}, {term}"
    for letters in itertools.count(1):
        for suffix in itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=letters):
            yield f"{lead}, group {''.join(suffix)}"


def _distinct(terms: Sequence[str]) -> list[str]:
    """Terms that share no word with one before them; a pair stands for its single words."""
    kept: list[str] = []
    for term in terms:
        longer = next((t for t in terms[:MAX_TERMS] if " " in t and term in t.split()), term)
        if not set(longer.split()) & {word for other in kept for word in other.split()}:
            kept.append(longer)
    return kept
