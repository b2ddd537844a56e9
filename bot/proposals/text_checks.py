"""What a change may not add to a text or take from it: guardrails on words and characters.

Each check compares the whole text before and after, so that a line that is only moved or extended
adds nothing. Texts are compared in compatibility form: full-width letters hide nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from prompts import INVISIBLE

NGRAM_WORDS = 5
"""Added text that shares this many words in a row with too few people's texts was lifted."""
MIN_WRITERS = 5
"""So many people have to use the same words before a change may use them too: three who agree with
each other are not yet how everybody speaks."""

_TOP_LEVEL = (
    "com|net|org|io|ai|dev|app|co|info|biz|edu|gov|xyz|site|online|cloud|tech|link|click|top|"
    "ru|cn|de|uk|fr|eu|us|in|nl|it|es|pl|ch|at|se|jp|br|ca|au|me|tv|cc|ly|gg|to|tk"
)
_DOT = r"(?:\.|\s?[\[(]\s?(?:dot|\.)\s?[\])]\s?|\sdot\s)"
"""A dot, also as people write it who do not want it to be seen as one."""
_DENIED = r"\b(?:never|not|cannot|refuse\w*|decline\w*|unless|nobody)\b|n['\u2019]t\b"


def _unless_denied(asked: str) -> re.Pattern[str]:
    """`asked` in a sentence that does not forbid it before: "never cancel without a check" may."""
    return re.compile(rf"(?:^|(?<=[.!?;]\s))(?:(?!{_DENIED})[^.!?\n])*?({asked})", re.I | re.M)


_ADDITIONS: Mapping[str, re.Pattern[str]] = {
    "a link": re.compile(
        r"[a-z][a-z0-9+.-]{0,30}://\S*|\b(?:www\.|data:|javascript:)\S+|\]\(\S+|[\"'(]//\w\S*",
        re.I,
    ),
    "a host name": re.compile(
        rf"\b(?:[\w-]{{1,63}}{_DOT}){{1,8}}(?:{_TOP_LEVEL})\b(?!\.\w)|\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}\b",
        re.I,
    ),
    "an e-mail address": re.compile(
        rf"(?<![\w.+-])[\w.+-]{{1,64}}(?:@[\w-]+\.[\w.-]+|"
        rf"\s?[\[(]\s?(?:at|@)\s?[\])]\s?[\w-]+| at [\w-]{{1,63}}{_DOT}\w+)",
        re.I,
    ),
    # Not a decorator, which stands first in its line and has brackets or nothing behind it.
    "a handle": re.compile(
        r"(?<=[^\s@][ \t])@[a-z]\w+|(?<=[(\[\"'*,:;>])@[a-z]\w+|^[ \t]*@[a-z][\w-]*(?=[ ,]+\w)",
        re.I | re.M,
    ),
    "letters of two alphabets in one word": re.compile(
        r"\b(?=\w*[a-z])(?=\w*[\u0370-\u03bb\u03bd-\u03ff\u0400-\u052f\u0531-\u058f\u13a0-\u13ff])\w+",
        re.I,
    ),
    "a long number": re.compile(r"\d(?:[ .()/-]?\d){6,}"),
    "encoded data": re.compile(
        r"[A-Za-z0-9+/_=-]{41,}|\b[0-9a-f]{32,}\b|"
        r"\b(?=[a-z0-9+/]{0,40}[A-Z])(?=[A-Z0-9+/]{0,40}[a-z])[A-Za-z0-9+/]{8,40}={1,2}(?![\w=])|"
        r"(?:\\x[0-9A-Fa-f]{2}){3,}|(?:%[0-9A-Fa-f]{2}){3,}|(?:&#[xX]?[0-9A-Fa-f]+;){2,}"
    ),
    "a secret": re.compile(
        r"\bAKIA[0-9A-Z]{16}|\bgh[opsru]_\w{20,}|\bgithub_pat_\w+|\bsk-[\w-]{16,}|\bxox[abprs]-\S+|"
        r"\beyJ[\w-]{8,}\.[\w-]+|-----BEGIN|\bbearer\s+[\w.-]{12,}|"
        r"\b(?:password|passwd|secret|api[_-]?key|access[_-]?token)\b[\"']?\s*[:=]\s*\S{6,}",
        re.I,
    ),
    "code that runs other code": re.compile(
        r"\b(?:eval|exec|compile|__import__|getattr|popen|spawn|Function)\s*\(|\bsubprocess\b|"
        r"\bos\.(?:system|exec|popen)|\bchild_process\b|\bpickle\b|\bcurl\s|\bwget\s|\brm\s+-|"
        r"<script|^\s*(?:from\s+[\w.]+\s+)?import\s+[\w.{*]",
        re.I | re.M,
    ),
    "a hidden comment": re.compile(r"<!--"),
    "a formula of a spreadsheet": re.compile(
        r"=\s?(?:HYPERLINK|WEBSERVICE|FILTERXML|IMPORT(?:XML|DATA|HTML|FEED|RANGE)|DDE|EXEC|CALL)\("
        r"|[=@+-]cmd\|",
        re.I,
    ),
    "markup": re.compile(r"<[a-z][\w-]*\s+[a-z-]+\s*=[^<>]*>", re.I),
    "a workflow command": re.compile(r"^\s*(?:::[a-z-]+(?: [^:\n]*)?::|##\[)", re.I | re.M),
    "an instruction to set instructions aside": re.compile(
        r"\b(?:ignor|disregard|forget|overrid|bypass|circumvent)\w*\b[^.\n]{0,60}?"
        r"\b(?:instruction|rule|prompt|polic|guideline|guardrail|safety|restriction|above|earlier|"
        r"previous|prior|confirmation)\w*|\byou are now\b|\bjailbreak|\bdeveloper mode\b|"
        r"\b(?:ignorier|vergiss|missacht)\w*\b[^.\n]{0,60}\b(?:anweisung|regel|vorgabe)\w*|"
        r"\b(?:ignore|oublie)[rz]?\b[^.\n]{0,60}\b(?:règle|consigne)\w*|"
        r"\b(?:ignor|olvid)[ae]\w*\b[^.\n]{0,60}\b(?:instruccion|regla)\w*",
        re.I,
    ),
    "a sentence that gives away what the prompt says": _unless_denied(
        r"\b(?:reveal|show|print|repeat|quote|disclose|share|output|tell|display|leak)\w*\b"
        r"[^.\n]{0,40}\b(?:system prompt|this prompt|"
        r"(?:your|these|hidden|internal) (?:instruction|rule|prompt))"
    ),
    "a sentence that takes a check away": _unless_denied(
        r"\b(?:skip|omit|drop|waive|leave out|switch off|disable)\w*\b[^.\n]{0,30}\b"
        r"(?:check|verif|confirm|authenti|identity|approval)|"
        r"\bwithout (?:asking for |a |any )?(?:confirm|verif|approv|authenti|check)|"
        r"\bno need to (?:check|confirm|verify|authenticate)|\bas (?:already )?verified\b"
    ),
    "a sentence that gives permissions": _unless_denied(
        r"\b(?:grant|give|assign|make|promote)\w*\b[^.\n]{0,40}\b(?:admin\w*|root|superuser)\b|"
        r"\b(?:full|elevated|unlimited|admin\w*) (?:access|rights|permissions|privileges)\b"
    ),
}
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
    r"(?<![{$])\{[A-Za-z_][\w.\[\]!:-]*\}(?!\})|</?[A-Za-z_][\w.-]{0,40}/?>|%\([A-Za-z_]\w*\)[sdrf]"
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


def added_things(before: str, after: str, *, skip: Iterable[str] = ()) -> Iterator[str]:
    """Names of what `after` has more of than `before`: links, secrets, hidden characters..."""
    old, new = unicodedata.normalize("NFKC", before), unicodedata.normalize("NFKC", after)
    for name, pattern in _ADDITIONS.items():
        if name not in skip and _more(pattern, old, new):
            yield name
    # Variation selectors and joiners belong to emoji and to some scripts; a change to a prompt can
    # do without new ones. A carriage return ends lines of some files.
    if _more(INVISIBLE, before.replace("\r", ""), after.replace("\r", "")):
        yield "hidden characters"


def _more(pattern: re.Pattern[str], before: str, after: str) -> Counter[str]:
    return Counter(_matches(pattern, after)) - Counter(_matches(pattern, before))


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """What each match is about: its group where the pattern has one, else all of it."""
    return (match[match.lastindex or 0] for match in pattern.finditer(text))


def new_number_words(before: str, after: str) -> list[str]:
    """Numbers in English words that stand in `after` only: they are numbers all the same.

    A number that `before` has in digits is not new.
    """
    known = {word.lower() for word in _matches(_NUMBER_WORDS, before)}
    known |= {
        word for word, digits in _SMALL.items() if re.search(rf"(?<!\d){digits}(?!\d)", before)
    }
    return sorted({word.lower() for word in _matches(_NUMBER_WORDS, after)} - known)


def lost_placeholders(before: str, after: str) -> list[str]:
    """Placeholders such as {x}, {{x}}, ${x} or <x> that stand in `before` only."""
    return sorted(set(_matches(_PLACEHOLDER, before)) - set(_matches(_PLACEHOLDER, after)))


def new_placeholders(before: str, after: str) -> list[str]:
    """Placeholders that nothing fills yet; whoever renders the text would fail or print them."""
    return lost_placeholders(after, before)


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
    """Sentences with must, never, always, refuse or the like that `after` does not have as such."""
    kept = _folded(_as_read(after))
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
