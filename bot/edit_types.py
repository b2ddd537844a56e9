"""What kind of edit was it: fine types of a correction, told from its two texts without a model.

Takes the text before and after a person's edit and gives type names, the most telling first. Shapes
decide (the first sentence is gone, the numbers differ), so most of it holds in any language; only
greetings, sign-offs and tone need words. An edit that is spelling or layout, or that fits no type,
has none: never a type that only says "edited". Costs about a millisecond.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

SAME_SENTENCE = 0.5
"""Share of common words from which two sentences are one sentence, edited."""
SHORTER = 0.8
"""Of the words that were there: at most so many left is a shortened text."""
MAX_SENTENCES = 60
"""Of each text that are compared; the rest of a long text counts only in its length."""
TERM_WORDS = 3
"""A replacement of at most so many words by as few is a change of term."""

_SENTENCE = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|(?<=[。！？])|\n+")  # noqa: RUF001 - full-width marks
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_NUMBER = re.compile(r"\d")
_QUESTION = re.compile(r"[?？؟]")  # noqa: RUF001 - Chinese and Arabic marks
_BULLET = re.compile(r"^[ \t]*(?:[-*+•]|\d+[.)])[ \t]+\S", re.M)
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|greetings|hallo|liebe[rs]?|"
    r"sehr geehrte[rs]?|guten tag|bonjour|cher|chère|hola|estimad[oa]|ciao|to whom)\b.{0,60}",
    re.I,
)
_SIGN_OFF = re.compile(
    r"(?:(?:best|kind|warm|kindest|warmest|many)\s+(?:regards|wishes)|regards|sincerely|yours|"
    r"cheers|best|thanks|thank you|all the best|mit freundlichen grüßen|viele grüße|liebe grüße|"
    r"cordialement|saludos)\b.{0,30}",
    re.I,
)
_CASUAL = re.compile(r"\b\w+['\u2019](?:re|ve|ll|m|d|t)\b|!|\b(?:hey|hi|cheers|yeah|ok)\b", re.I)
_FORMAL = re.compile(
    r"\b(?:furthermore|moreover|hereby|kindly|pursuant|utili[sz]e|herein|henceforth|sincerely|"
    r"please be advised|please find|we regret|at your earliest convenience|dear)\b",
    re.I,
)
_MAX_GREETING_WORDS = 8
_MARKS: dict[str, re.Pattern[str]] = {
    "emoji": re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]"),
    "emphasis": re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__|^#{1,6} \S", re.M),
    "link": re.compile(r"https?://\S|\bwww\.\w|\]\("),
}
"""What stands in a text beside its words."""
_HEDGES = re.compile(
    r"\b(?:perhaps|maybe|possibly|probably|might|i (?:think|believe|guess)|it seems|kind of|"
    r"sort of|vielleicht|möglicherweise|eventuell|peut-être|quizás|tal vez)\b",
    re.I,
)


@dataclass(frozen=True)
class _Text:
    """One text taken apart. Not slotted: its words are counted once and kept."""

    text: str
    greeting: str
    sentences: tuple[str, ...]
    """Of the body, without greeting and sign-off."""

    @cached_property
    def words(self) -> list[list[str]]:
        return [_words(sentence) for sentence in self.sentences]


def edit_types(original: str, corrected: str) -> tuple[str, ...]:
    """Types of one edit, the most telling first; none where it is noise or fits no type.

    opening_, closing_ and greeting_ come with removed, added, shortened or replaced; list_,
    question_, facts_, emoji_, emphasis_, link_ and hedging_ with removed or added; besides them
    facts_changed, tone_less_formal, tone_more_formal, term_replaced, shortened and lengthened.
    Sentences that only changed places are reordered.
    """
    if _is_noise(original, corrected):
        return ()
    before, after = _taken_apart(original), _taken_apart(corrected)
    if _is_reordered(before, after):
        return ("reordered",)
    pairs = _aligned(before.words[:MAX_SENTENCES], after.words[:MAX_SENTENCES])
    replaced = list(_replacements(before, after, pairs))
    found = [
        *_edge("opening", before.words, after.words, pairs),
        *_edge("closing", before.words[::-1], after.words[::-1], _mirrored(pairs, before, after)),
        *_counted("list", len(_BULLET.findall(original)), len(_BULLET.findall(corrected)), least=2),
        *_counted("greeting", bool(before.greeting), bool(after.greeting)),
        *_counted("question", _questions(before), _questions(after)),
        *("facts_changed" for old, new in replaced if _is_fact(old, new)),
        *_facts(before, after, pairs),
        *_tone(before, after, pairs),
        *(
            type
            for name, mark in _MARKS.items()
            for type in _counted(name, len(mark.findall(original)), len(mark.findall(corrected)))
        ),
        *_hedging(before, after, pairs),
        *("term_replaced" for old, new in replaced if _is_term(old, new)),
        *_length(_words(original), _words(corrected)),
    ]
    return tuple(dict.fromkeys(found))


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _is_noise(original: str, corrected: str) -> bool:
    """Only white space, punctuation, case or spelling differs."""
    before, after = _words(original), _words(corrected)
    if len(before) != len(after) or _questions_in(original) != _questions_in(corrected):
        return False
    for mark in (_BULLET, *_MARKS.values()):
        if len(mark.findall(original)) != len(mark.findall(corrected)):
            return False
    return all(
        one == other or _misspelt(one, other) for one, other in zip(before, after, strict=True)
    )


def _misspelt(one: str, other: str) -> bool:
    if _NUMBER.search(one + other):
        return False
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= 0.8


def _taken_apart(text: str) -> _Text:
    parts = [part.strip() for part in _SENTENCE.split(text.strip()) if part and part.strip()]
    parts = [part for part in parts if _words(part)]
    greeting = ""
    if len(parts) > 1 and _is_greeting(parts[0]):
        greeting, *parts = parts
    for tail in (1, 2):
        if len(parts) > tail and _SIGN_OFF.fullmatch(parts[-tail].rstrip(",.! ")):
            parts = parts[:-tail]
            break
    return _Text(text=text, greeting=greeting, sentences=tuple(parts))


def _is_greeting(part: str) -> bool:
    """ "Hi Ann," with few words; "Hello Ann, I am writing because …" is a sentence."""
    short = len(_words(part)) <= _MAX_GREETING_WORDS and part[-1] in ",!:"
    return short and _GREETING.fullmatch(part) is not None


Pairs = list[tuple[int, int]]


def _aligned(before: Sequence[list[str]], after: Sequence[list[str]]) -> Pairs:
    """Which sentence became which, in order: the alignment with the most words in common."""
    bags = [Counter(words) for words in after]
    alike = [[_common(Counter(words), bag) for bag in bags] for words in before]
    best = [[0.0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for i in range(len(before) - 1, -1, -1):
        for j in range(len(after) - 1, -1, -1):
            take = alike[i][j] + best[i + 1][j + 1] if alike[i][j] >= SAME_SENTENCE else 0.0
            best[i][j] = max(take, best[i + 1][j], best[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < len(before) and j < len(after):
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            pairs.append((i, j))
            i, j = i + 1, j + 1
    return pairs


def _common(one: Counter[str], other: Counter[str]) -> float:
    """Share of common words, 0..1; a sentence that lost a clause is still the same sentence."""
    both = (one & other).total()
    dice = 2 * both / (one.total() + other.total())
    smaller = min(one.total(), other.total())
    contained = 0.9 * both / smaller if smaller >= 4 else 0.0
    return max(dice, contained)


def _mirrored(pairs: Pairs, before: _Text, after: _Text) -> Pairs:
    """The same pairs counted from the end."""
    last_before, last_after = len(before.words) - 1, len(after.words) - 1
    return [(last_before - i, last_after - j) for i, j in reversed(pairs)]


def _edge(
    name: str, before: Sequence[list[str]], after: Sequence[list[str]], pairs: Pairs
) -> Iterator[str]:
    """What happened to the first sentences. For the closing, everything comes reversed."""
    if not pairs:
        return
    lost, won = pairs[0]
    if lost > max(1, len(before) // 2) or won > max(1, len(after) // 2):
        return  # most of the text went or came: that is no edit of an edge
    if lost and not won:
        yield f"{name}_removed"
    elif won and not lost:
        yield f"{name}_added"
    elif lost and won:
        words_lost = sum(map(len, before[:lost]))
        words_won = sum(map(len, after[:won]))
        yield f"{name}_shortened" if words_won <= 0.7 * words_lost else f"{name}_replaced"
    elif name == "opening" or len(before) > 1:
        yield from _edge_of_sentence(name, before[0], after[0])


def _edge_of_sentence(name: str, before: list[str], after: list[str]) -> Iterator[str]:
    """The first sentence stayed: did it lose the clause at its edge, or words anywhere?"""
    kept = after if name == "opening" else after[::-1]
    whole = before if name == "opening" else before[::-1]
    if 3 <= len(kept) <= len(whole) - 3 and whole[-len(kept) :] == kept:
        yield f"{name}_removed"
    elif len(kept) <= 0.7 * len(whole):
        yield f"{name}_shortened"


def _counted(name: str, before: int, after: int, *, least: int = 1) -> Iterator[str]:
    """Something that can be counted went or came; a list has at least two points."""
    if before >= least and after < before and after < least:
        yield f"{name}_removed"
    elif after >= least and before < after and before < least:
        yield f"{name}_added"


def _questions(text: _Text) -> int:
    return sum(_questions_in(sentence) for sentence in text.sentences)


def _questions_in(text: str) -> int:
    return len(_QUESTION.findall(text))


def _replacements(
    before: _Text, after: _Text, pairs: Pairs
) -> Iterator[tuple[list[str], list[str]]]:
    """Words that gave way to other words inside sentences that stayed."""
    for i, j in pairs:
        old, new = _WORD.findall(before.sentences[i]), _WORD.findall(after.sentences[j])
        yield from _replaced(old, new)


def _replaced(before: list[str], after: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """The same of one sentence; a word that was only spelt anew is none."""
    lower = [word.lower() for word in before], [word.lower() for word in after]
    matcher = difflib.SequenceMatcher(None, *lower, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        old, new = before[i1:i2], after[j1:j2]
        if kind != "replace" or (i1 == 0 and len(old) > TERM_WORDS):
            continue
        same = len(old) == len(new)
        if not (same and all(_misspelt(*pair) for pair in zip(old, new, strict=True))):
            yield old, new


def _is_fact(old: list[str], new: list[str]) -> bool:
    """A number, or a name inside a sentence, gave way to another."""
    if any(map(_NUMBER.search, old)) and any(map(_NUMBER.search, new)):
        return True
    return len(old) == len(new) == 1 and old[0][0].isupper() and new[0][0].isupper()


def _is_term(old: list[str], new: list[str]) -> bool:
    return len(old) <= TERM_WORDS and len(new) <= TERM_WORDS and not _is_fact(old, new)


def _facts(before: _Text, after: _Text, pairs: Pairs) -> Iterator[str]:
    """Numbers that came into sentences that stayed, or went from them, with none in their place."""
    old = {word for i, _ in pairs for word in before.words[i] if _NUMBER.search(word)}
    new = {word for _, j in pairs for word in after.words[j] if _NUMBER.search(word)}
    if old < new:
        yield "facts_added"
    elif new < old:
        yield "facts_removed"


def _hedging(before: _Text, after: _Text, pairs: Pairs) -> Iterator[str]:
    """Words that leave a way out, in the sentences that stayed."""
    old = sum(len(_HEDGES.findall(before.sentences[i])) for i, _ in pairs)
    new = sum(len(_HEDGES.findall(after.sentences[j])) for _, j in pairs)
    yield from _counted("hedging", old, new)


def _is_reordered(before: _Text, after: _Text) -> bool:
    one, other = [" ".join(words) for words in before.words], [" ".join(w) for w in after.words]
    return one != other and sorted(one) == sorted(other)


def _tone(before: _Text, after: _Text, pairs: Pairs) -> Iterator[str]:
    """Formality of what stayed: a sentence that went says nothing about the tone of the others."""
    old = " ".join([before.greeting, *(before.sentences[i] for i, _ in pairs)])
    new = " ".join([after.greeting, *(after.sentences[j] for _, j in pairs)])
    change = _formality(new) - _formality(old)
    if change:
        yield "tone_more_formal" if change > 0 else "tone_less_formal"


def _formality(text: str) -> int:
    """By words, so in English only; in other languages tone is not told."""
    return len(_FORMAL.findall(text)) - len(_CASUAL.findall(text))


def _length(before: list[str], after: list[str]) -> Iterator[str]:
    if len(after) <= SHORTER * len(before):
        yield "shortened"
    elif len(before) <= SHORTER * len(after):
        yield "lengthened"
