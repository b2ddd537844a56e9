"""What a change may not add to a text or take from it: guardrails on words and characters.

Each check compares the whole text before and after, so that a line that is only moved or extended
adds nothing. Texts are compared in compatibility form: full-width letters hide nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from bot.unsafe_text import matches

NGRAM_WORDS = 5
"""Added text that shares this many words in a row with too few people's texts was lifted."""
MIN_WRITERS = 5
"""So many people have to use the same words before a change may use them too: three who agree with
each other are not yet how everybody speaks."""

_NUMBER_WORDS = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w{3,5}teen|"
    r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand|million|dozen)s?\b",
    re.I,
)
_SMALL = {
    word: str(number)
    for number, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve".split(),  # noqa: SIM905
        start=2,
    )
}
_PLACEHOLDER = re.compile(
    r"\{\{-?\s*[^{}\n]{1,60}?\s*-?\}\}|\{%[^%\n]{1,80}%\}|\$\{[^{}\n]{1,60}\}|"
    r"(?<![{$])\{[A-Za-z_][\w.\[\]!:-]*\}(?!\})|%\([A-Za-z_]\w*\)[sdrf]|"
    # Not the group of a regular expression, (?P<name>…).
    r"(?<!\(\?)(?<!\(\?P)</?[A-Za-z_][\w.-]{0,40}/?>"
)
_NAMED = re.compile(r"`([A-Za-z_][\w.-]*)`|\b([a-z][a-z0-9]*(?:_[a-z0-9]+)+)\b")
_DUTY = re.compile(
    r"\b(?:must|never|always|refuse|required|mandatory|prohibited|forbidden|only if|"
    r"(?:do|does|should|would|could) not|(?:can|may|will|shall|must) not|cannot|\w+n['\u2019]t|"
    r"müssen|muss|musst|darf|darfst|dürfen|niemals|nie|immer|stets|keinesfalls|verboten|"
    r"jamais|toujours|doi[st]|devez|doivent|interdite?s?|obligatoires?|"
    r"nunca|jamás|siempre|sempre|deb[eo]|debes|deben|deve|devem|devi|devono|"
    r"prohibid[oa]s?|proibid[oa]s?|vietat[oa]|mai|nooit|altijd|moet|moeten|verplicht)\b|"
    "必ず|決して|絶対に|いけません|"
    "いけない|ならない|ないでください|"
    "禁止|必须|不得|绝不|切勿|务必",
    re.I,
)
"""English, German, French, Spanish, Portuguese, Italian, Dutch, Japanese and Chinese."""
_SENTENCE_END = re.compile(
    r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])|\n\s*\n|\n(?=\s*(?:[-*+#>|]|\d+[.)]))"
)
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\u3040-\u30ff\u3400-\u9fff]+")


def new_number_words(before: str, after: str) -> list[str]:
    """Numbers in English words that stand in `after` only: they are numbers all the same.

    A number that `before` has in digits is not new.
    """
    known = {word.lower() for word in matches(_NUMBER_WORDS, before)}
    known |= {
        word for word, digits in _SMALL.items() if re.search(rf"(?<!\d){digits}(?!\d)", before)
    }
    return sorted({word.lower() for word in matches(_NUMBER_WORDS, after)} - known)


def lost_placeholders(before: str, after: str) -> list[str]:
    """Placeholders such as {x}, {{x}}, ${x} or <x> that stand in `before` only."""
    return sorted(set(matches(_PLACEHOLDER, before)) - set(matches(_PLACEHOLDER, after)))


def new_placeholders(before: str, after: str) -> list[str]:
    """Placeholders that nothing fills yet; whoever renders the text would fail or print them."""
    plain = (unicodedata.normalize("NFKC", text) for text in (after, before))
    return lost_placeholders(*plain)


def lost_names(before: str, after: str, tools: Iterable[str]) -> list[str]:
    """Tools, and identifiers such as `get_user` or user_id, that the text does not name any more.

    Identifiers stand in for tool names where nobody knows the tools, as in `publish`.
    """
    names = {found for match in _NAMED.findall(before) for found in match if found}
    names |= {tool for tool in tools if tool and _names(tool, before)}
    return sorted(name for name in names if not _names(name, after))


def _names(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def lost_duties(before: str, after: str) -> list[str]:
    """Sentences with must, never, always, refuse or the like that `after` does not have as such.

    One may go on after a semicolon instead of its full stop, as it could in a sentence of its own.
    """
    kept = _folded(_as_read(after))
    kept = f"{kept}\n{kept.replace('; ', '. ')}"
    sentences = (
        _folded(part) for part in _SENTENCE_END.split(_as_read(before)) if _DUTY.search(part)
    )
    return [sentence for sentence in sentences if sentence not in kept]


def _as_read(text: str) -> str:
    """With the line ends and quotation marks that JSON and code write with a backslash.

    Else a whole prompt in a JSON file is one sentence, and any edit of it loses that.
    """
    return text.replace("\\r\\n", "\n").replace("\\n", "\n").replace('\\"', '"')


def _folded(text: str) -> str:
    return " ".join(text.split())


def words(text: str) -> list[str]:
    """Words in one form for comparing; each character of Chinese, Japanese or Korean is one."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def lifted(
    before: str, after: str, sources: Sequence[tuple[str, str]], *, min_writers: int
) -> str | None:
    """The first words in a row that `after` took from fewer than `min_writers` people, or None.

    `sources` has (who wrote it, text). Looked for are `NGRAM_WORDS` words in a row and, of a new
    sentence that is shorter, all of it. What `before` says already is not lifted, and what many
    people write is the language of the field.
    """
    fresh = [*_runs(words(after)), *_short_sentences(after)]
    known = {run for size in {*map(len, fresh)} for run in _runs(words(before), size)}
    fresh = [run for run in fresh if run not in known]
    sizes = {*map(len, fresh)}
    writers: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for writer, text in sources:
        said = words(text)
        for run in {run for size in sizes for run in _runs(said, size)}.intersection(fresh):
            writers[run].add(writer)
    few = (run for run in fresh if 0 < len(writers.get(run, ())) < min_writers)
    return next((" ".join(run) for run in few), None)


def _runs(said: Sequence[str], size: int = NGRAM_WORDS) -> Iterator[tuple[str, ...]]:
    return (tuple(said[at : at + size]) for at in range(len(said) - size + 1))


def _short_sentences(text: str) -> Iterator[tuple[str, ...]]:
    """Sentences and lines too short for `NGRAM_WORDS`, but of two words at least."""
    for sentence in _SENTENCE_END.split(_as_read(text)):
        said = words(sentence)
        if 1 < len(said) < NGRAM_WORDS:
            yield tuple(said)
