"""What a user says, as the parts that a name can be made of: words, terms and orders.

An order is a verb of wishes with its object ("cancel reservation"), a term a word or a pair of
words that says something. Scripts without spaces give terms by their letters: what stands between
two changes of script in Japanese, two to six letters elsewhere.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from bot.intents.english import (
    EMPTY_VERBS,
    EMPTY_WORDS,
    LIGHT_VERBS,
    LINKS,
    NEGATIONS,
    PARTICLES,
    PASSED_OVER,
    TAILS,
    WISH,
)
from bot.intents.text import Document, script_of

OPENING = 3
"""Messages in which users say what they want; later ones answer the agent, or react to it."""
MAX_OBJECT_WORDS = 3
AIMS = frozenset({"for", "to"})
"""Links that may stand right behind a verb: "upgrade to business"."""
AFTER_OBJECTS = LINKS - {"in", "of"}
"""What stands behind one is no object of the verb: "change it to purple"."""
UNSPACED = frozenset({"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"})
"""Scripts that put no blank between words."""
UNSPACED_LETTERS = range(2, 13)
"""Letters of a term in such a script, each with its marks."""
UNSPACED_RUN = 40
"""Letters of a run that are read: what is longer was pasted."""

# Vowel signs of Hindi, Thai and others are marks and no letters, and \w leaves them out.
_MARKS = "".join(map(chr, filter(lambda c: unicodedata.category(chr(c))[0] == "M", range(0x10000))))
_LETTER = re.compile(rf"[^\W\d_][{_MARKS}]*")
_LETTERS = rf"(?:{_LETTER.pattern})+"
_WORD = re.compile(rf"{_LETTERS}(?:['’-]{_LETTERS})*")  # noqa: RUF001 - people type both apostrophes
_SENTENCE_END = re.compile(r"[.?!。？！؟।]+")  # noqa: RUF001
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_HIRAGANA = re.compile(r"^[ぁ-ん]+|[ぁ-ん]+$")


def sentences_of(document: Document, messages: int | None = OPENING) -> list[str]:
    """Of the first `messages` of the user; of all where that is None."""
    messages_read = document.text.splitlines()[:messages]
    return [one for message in messages_read for one in _SENTENCE_END.split(message) if one.strip()]


def words(text: str) -> list[str]:
    """Words of letters, in lower case, apostrophes made straight."""
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]  # noqa: RUF001


def tool_words(tool: str) -> list[str]:
    """A tool's name as words: cancel_order and cancelOrder are "cancel", "order"."""
    return words(_HUMP.sub(" ", tool.replace("_", " ")))


def singular(word: str) -> str:
    """Folds the common English plurals: what "bags" and "bag" say is one thing."""
    if len(word) < 5 or not word.endswith("s") or word.endswith(("ss", "us", "is", "'s")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes")) else word[:-1]


def alike(one: str, other: str) -> bool:
    """Forms of one word, by how they begin: "delay" and "delayed"."""
    begun = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return one == other or len([*begun]) >= max(4, min(len(one), len(other)) - 1)


def is_telling(word: str, proper: Set[str]) -> bool:
    """False for words that say nothing of a wish, and for names."""
    return len(word) > 2 and word not in EMPTY_WORDS and not is_proper(word, proper)


def is_proper(word: str, proper: Set[str]) -> bool:
    """Ask it of the word as it was written: the singular of "Kovacs" is no known name."""
    return word in proper or word.removesuffix("'s") in proper


def terms_of(sentence: str, proper: Set[str]) -> Iterator[str]:
    """Telling words, and pairs with what joins them: "wait for transfer", "card not working"."""
    before, joint = "", ""
    for written in words(sentence):
        word = singular(written)
        if script_of(word) in UNSPACED:
            yield from _unspaced_terms(word)
            before, joint = "", ""
        elif is_telling(word, proper) and not is_proper(written, proper):
            if word not in TAILS:
                yield word
            if before and not alike(before, word):
                yield f"{before} {joint}{word}"
            before, joint = word, ""
        elif word in NEGATIONS or (word in LINKS and not joint):
            joint = "not " if word in NEGATIONS else f"{word} "
        elif word not in PASSED_OVER:
            before, joint = "", ""


def _unspaced_terms(run: str) -> Iterator[str]:
    """Letters in a row, without the Japanese endings and particles at either end."""
    letters = _LETTER.findall(run[:UNSPACED_RUN])
    for length in UNSPACED_LETTERS:
        for at in range(len(letters) - length + 1):
            part = "".join(letters[at : at + length])
            if _HIRAGANA.sub("", part) == part:
                yield part


def orders_of(sentence: str, verbs: Set[str], proper: Set[str]) -> Iterator[str]:
    """Orders with one of `verbs`, or with a verb behind "I want to", and the object right behind
    it, shorter and longer: "get quote", "get quote for life insurance"."""
    for wish in WISH.finditer(sentence):
        yield from _phrases(wish[1].lower(), words(wish[2]), proper)
    for verb, behind in _behind(words(sentence), verbs):
        yield from _phrases(verb, behind, proper)


def scattered_orders_of(sentence: str, verbs: Set[str], proper: Set[str]) -> Iterator[str]:
    """Verbs with what stands a few words later: "upgrade all of our seats" is "upgrade seat"."""
    for verb, behind in _behind(words(sentence), verbs):
        if verb not in LIGHT_VERBS:
            for written in itertools.takewhile(lambda one: one not in AFTER_OBJECTS, behind):
                word = singular(written)
                if is_proper(written, proper) or alike(verb, written):
                    continue
                if is_telling(word, proper):
                    yield f"{verb} {word}"


def verbs_of(sentence: str) -> set[str]:
    """Verbs in which the user says a wish: "I want to cancel"."""
    said = (wish[1].lower() for wish in WISH.finditer(sentence))
    return {verb for verb in said if verb not in EMPTY_VERBS}


def _behind(line: Sequence[str], verbs: Set[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Each verb of `line`, and the words up to the next one."""
    for at, word in enumerate(line):
        if word in verbs and _is_a_verb(line, at):
            yield word, [*itertools.takewhile(lambda one: one not in verbs, line[at + 1 : at + 7])]


def _is_a_verb(line: Sequence[str], at: int) -> bool:
    """Many a verb is a noun as well: "my transfer", "cash deposit", "transfer pending"."""
    before = line[at - 1] if at else ""
    behind = line[at + 1] if at + 1 < len(line) else ""
    is_noun = before in PASSED_OVER or before in LINKS - {"to"} or is_telling(before, frozenset())
    return not is_noun and not behind.endswith(("ed", "ing"))


def _phrases(verb: str, behind: Iterable[str], proper: Set[str]) -> Iterator[str]:
    """A verb and the object right behind it, shorter and longer."""
    behind = [*behind]
    if verb not in proper and behind[:1] and behind[0] in PARTICLES:
        verb, behind = f"{verb} {behind[0]}", behind[1:]
    if verb.partition(" ")[0] in EMPTY_VERBS or verb in proper:
        return
    phrase, link, telling = [verb], "", 0
    for word in itertools.dropwhile(PASSED_OVER.__contains__, behind):
        if link and word in PASSED_OVER:
            continue
        if word in LINKS and not link and (telling or word in AIMS):
            link = word
            continue
        is_tail = singular(word) in TAILS and bool(telling)
        if telling == MAX_OBJECT_WORDS or not (is_tail or is_telling(word, proper)):
            return
        if link and link not in phrase:
            phrase.append(link)
        phrase.append(singular(word))
        telling += 1
        yield " ".join(phrase)


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """Which users said which words in one sentence, to count who says an order in any form."""

    users: tuple[tuple[int, str], ...]
    """Of each sentence: number of the cluster, and the user."""
    sentences: dict[str, set[int]]
    """Of each word: the sentences that it stands in."""
    begun: dict[str, tuple[str, ...]]
    """Words by their first four letters."""

    def by(self, phrase: str) -> set[tuple[int, str]]:
        """Cluster and user of everyone who said all of its words, in any form, in one sentence."""
        parts = [one for one in phrase.split() if one not in LINKS and one not in PARTICLES]
        if not parts:
            return set()
        first, *others = [self._with(part) for part in parts]
        return {self.users[number] for number in first.intersection(*others)}

    def users_of(self, word: str) -> int:
        """How many users said it in this form, whatever their cluster."""
        return len({self.users[number][1] for number in self.sentences.get(word, ())})

    def _with(self, word: str) -> set[int]:
        near = [one for one in self.begun.get(word[:4], ()) if alike(one, word)]
        return {number for one in {*near, word} for number in self.sentences.get(one, ())}


def said_in(clusters: Sequence[Sequence[Document]], messages: int | None = OPENING) -> Said:
    """The first `messages` of all documents, word by word."""
    users: list[tuple[int, str]] = []
    sentences: dict[str, set[int]] = defaultdict(set)
    for cluster, documents in enumerate(clusters):
        for document in documents:
            for sentence in sentences_of(document, messages):
                for word in {form for one in words(sentence) for form in (one, singular(one))}:
                    sentences[word].add(len(users))
                users.append((cluster, document.unit))
    begun: dict[str, tuple[str, ...]] = {}
    for start, group in itertools.groupby(sorted(sentences), key=lambda word: word[:4]):
        begun[start] = tuple(group)
    return Said(users=tuple(users), sentences=dict(sentences), begun=begun)
