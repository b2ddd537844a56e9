"""Whether two texts are in the same language, as far as a few words tell.

By the script of the letters, then by the small words that every sentence needs. Says nothing of
texts that are too short for either: a wrong alarm would cost a good example.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_SMALL: dict[str, frozenset[str]] = {
    "English": frozenset("the and of to is in it you that for with are this my".split()),  # noqa: SIM905 - a vocabulary reads better in a row
    "German": frozenset("der die das und ist nicht ich mit ein eine für zu den wie".split()),  # noqa: SIM905
    "French": frozenset("le la les et est une pour que je vous dans pas des mon".split()),  # noqa: SIM905
    "Spanish": frozenset("el los las y es una para que con por del mi no está".split()),  # noqa: SIM905
    "Portuguese": frozenset("o os as e é uma para que com não meu do da em".split()),  # noqa: SIM905
    "Italian": frozenset("il lo gli e è una per che con non del mio di sono".split()),  # noqa: SIM905
    "Dutch": frozenset("de het een en is niet ik met voor van dat mijn te zijn".split()),  # noqa: SIM905
    "Polish": frozenset("i w na nie z do się jest to mój że jak czy od".split()),  # noqa: SIM905
}
_MIN_HITS = 3
_LEAD = 1.5
_WORD = re.compile(r"[^\W\d_]+")


def are_alike(one: str, other: str, *, beside: str = "") -> bool:
    """False only where both texts show a language, and not the same one.

    Where `other` is too short to show one, what stands `beside` it speaks for it.
    """
    first = _script(one), _language(one)
    second = _script(other) or _script(beside), _language(other) or _language(beside)
    return all(not a or not b or a == b for a, b in zip(first, second, strict=True))


def _script(text: str) -> str:
    """The first word of most letters' names: LATIN, CYRILLIC; Japanese and Chinese are CJK."""
    names = Counter(
        unicodedata.name(letter, "").split(" ")[0] for letter in text[:2_000] if letter.isalpha()
    )
    found = next(iter(names.most_common(1)), ("", 0))[0]
    return {"HIRAGANA": "CJK", "KATAKANA": "CJK"}.get(found, found)


def _language(text: str) -> str:
    """The language whose small words clearly lead; empty where none does."""
    words = [word.lower() for word in _WORD.findall(text[:4_000])]
    hits = Counter({name: sum(word in small for word in words) for name, small in _SMALL.items()})
    (first, most), (_, second) = hits.most_common(2)
    return first if most >= _MIN_HITS and most >= _LEAD * second else ""
