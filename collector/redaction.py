"""Takes text that is about to be stored, gives it back without secrets and personal data.

Each value found becomes a typed placeholder such as `[email:3f2a9c]`. The hex digits are a keyed
digest, so that equal values stay equal and nobody without the key can test a guess. Secrets and
inline media are always replaced, personal data unless the settings say otherwise.

Attribute values are often JSON inside a string. The patterns therefore treat an escape (`\\n`,
`\\u00a0`) as a boundary and never begin or end inside one; placeholders need no escaping.

Cost: texts are long (a chat span is 7 KB on average) and findings rare. So each kind has a filter,
a pattern without look-around that hits at least what the kind finds. All filters run at once over a
whole batch (`collector.filters`) at 800 MB/s; only texts that they hit are read by `re`.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector.filters import Filters

KEY_BYTES = 32
MEDIA_CHARS = 512
"""A base64 run of this length is a file, not a sentence."""

_BEFORE_CHARS = 80
_KNOWN_DIGESTS = 10_000
"""How many are remembered: the users of the last minutes come again."""

_PSEUDONYM = re.compile(r"u_[0-9a-f]{16}")
_PLACEHOLDER = re.compile(r"(\[[a-z_]{2,16}:[0-9a-f]{6}\])")
_USER_KEY = re.compile(
    r"(?:^|[._])(?:end)?user[._]?id$|^llm\.user$|^feature_flag\.context\.id$", re.IGNORECASE
)


# ---- kinds --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of value."""

    name: str
    filter: str
    """Hits every text in which the pattern finds something, and few others."""
    pattern: re.Pattern[str]
    """The group `value`, else the whole match, is what goes."""
    real_length: Callable[[str], int]
    """How many leading characters of a match really are such a value; 0 for none."""
    before: re.Pattern[str] | None
    """What must stand right before a match, and goes with it. To look for the @ of an address
    first is ten times as quick as to try every word."""


def _kind(
    name: str,
    filter: str,
    pattern: str,
    real_length: Callable[[str], int] = len,
    *,
    before: str | None = None,
) -> _Kind:
    return _Kind(
        name, filter, re.compile(pattern), real_length, re.compile(before) if before else None
    )


def _after(first: str) -> str:
    """`first`, where no word goes on before it: behind a JSON escape or a non-word character.

    The test stands behind the character because `re` skips quickly to a leading class only.
    """
    return rf"{first}(?:(?<![\w\\]{first})|(?<=\\[nrtbf]{first})|(?<=\\u[0-9a-fA-F]{{4}}{first}))"


def _digits(value: str) -> str:
    return "".join(c for c in value if "0" <= c <= "9")


def _with_a_digit(value: str) -> int:
    return len(value) if _digits(value) else 0


def _card(value: str) -> int:
    """Cards end in a check digit (Luhn, ISO/IEC 7812-1)."""
    digits = [int(c) for c in reversed(_digits(value))]
    doubled = sum(d * 2 - 9 if d > 4 else d * 2 for d in digits[1::2])
    return len(value) if len(set(digits)) > 1 and (sum(digits[::2]) + doubled) % 10 == 0 else 0


# Length by country: SWIFT IBAN registry.
_IBAN_LENGTHS = {
    country: int(length)
    for country, length in re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 "
        "EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 "
        "IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 "
        "NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 "
        "TR26 UA29 VA22 VG24 XK20",
    )
}


def _iban(value: str) -> int:
    """IBANs have a length and check digits (mod 97, ISO 13616); words may follow in capitals."""
    end, left = 0, _IBAN_LENGTHS.get(value[:2], 0)
    while left and end < len(value):
        left -= value[end] != " "
        end += 1
    plain = value[:end].replace(" ", "")
    if left or not plain or not (end == len(value) or value[end] == " "):
        return 0
    return end if int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1 else 0


def _ipv4(value: str) -> int:
    try:
        address = ipaddress.IPv4Address(value)
    except ipaddress.AddressValueError:
        return 0
    return 0 if address.is_loopback or address.is_unspecified else len(value)


def _ipv6(value: str) -> int:
    """Written out, or with two groups more than `a::b`, which is a name in many languages."""
    try:
        address = ipaddress.IPv6Address(value)
    except ipaddress.AddressValueError:
        return 0
    is_long = value.count(":") >= 3 and bool(_digits(value))
    return len(value) if is_long and not address.is_loopback else 0


def _trunk_phone(value: str) -> int:
    return len(value) if 9 <= len(_digits(value)) <= 13 else 0


def _media(value: str) -> int:
    """Encoded bytes use the whole alphabet; a long run of one letter is somebody's test."""
    return len(value) if len(set(value[:MEDIA_CHARS])) > 20 else 0


_END = r"(?!\w)"
_DIGIT = _after("[0-9]")

_MEDIA = (
    _kind("media", ";base64,", r"(?<=;base64,)[A-Za-z0-9+/_-]{16,}+={0,2}"),
    _kind(
        "media",
        f"[A-Za-z0-9+/_-]{{{MEDIA_CHARS}}}",
        rf"[A-Za-z0-9+/_-]{{{MEDIA_CHARS},}}+={{0,2}}",
        _media,
    ),
)

_SECRETS = (
    _kind(
        "private_key",
        "-----BEGIN",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:(?:[\w+/=:,.()\s-]|\\+[nrt]){0,20000}?-----END [A-Z0-9 ]{0,60}-----"
        r"|(?:[A-Za-z0-9+/=]{16,}|\s|\\+[nrt])*+)",
    ),
    _kind(
        "jwt",
        r"eyJ[A-Za-z0-9_-]{8}",
        r"eyJ[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+)?",
    ),
    _kind("aws_key", "A[KS]IA[A-Z0-9]{16}", r"A[KS]IA[A-Z0-9]{16}" + _END),
    _kind(
        "github_token",
        "gh[posur]_[A-Za-z0-9]{20}|github_pat_",
        r"gh[posur]_[A-Za-z0-9]{20,}+|github_pat_\w{20,}+",
    ),
    _kind(
        "api_key",
        "[srp]k-[A-Za-z0-9_-]{16}",
        _after("[srp]") + r"k-[A-Za-z0-9_-]{16,}+",
        _with_a_digit,
    ),
    _kind("api_key", "k_live_|k_test_|whsec_", r"[srp]k_(?:live|test)_\w{12,}+|whsec_\w{12,}+"),
    _kind("api_key", "AIza|glpat-", r"AIza[A-Za-z0-9_-]{30,}+|glpat-[A-Za-z0-9_-]{16,}+"),
    _kind(
        "api_key",
        "hf_[A-Za-z0-9]{20}|npm_[A-Za-z0-9]{30}",
        r"hf_[A-Za-z0-9]{20,}+|npm_[A-Za-z0-9]{30,}+",
    ),
    _kind("slack_token", "xox[a-z]-", r"xox[abeoprs]-[A-Za-z0-9-]{10,}+"),
    _kind(
        "slack_token",
        r"hooks\.slack\.com/",
        r"(?<=hooks\.slack\.com/services/)[\w/]{16,}+",
    ),
    _kind(
        "bearer",
        "[Ee](?:arer|ARER) [^ ]{16}",
        r"[Ee](?:arer|ARER) (?P<value>[\w.~+/=-]{16,}+)",
        _with_a_digit,
    ),
    _kind(
        "bearer",
        "Basic [A-Za-z0-9+/]{12}",
        r"(?<=Basic )[A-Za-z0-9+/]{12,}+={0,2}",
        _with_a_digit,
    ),
    _kind(
        "password",
        r"://[^ /@]*:[^ /@]+@",
        r"(?<=://)[^\s/:@\"'\\\[\]]{0,100}:[^\s/:@\"'\\\[\]]{1,200}(?=@)",
    ),
    _kind(
        "password",
        "(?i:passw|secret|api.?key|_token).{1,8}[:=]|(?i:passw|secret|api.?key|_token).{0,8}[0-9]",
        r"(?i:passw(?:or)?d|secret(?:[_-]?key)?|api[_-]?key|(?:access|auth|refresh|id)_token)"
        r"\\*[\"']?\s{0,2}[:=]\s{0,2}\\*[\"']?(?P<value>[^\s\"'\\,;{}\[\]]{8,200}+)",
        _with_a_digit,
    ),
)

_PERSONAL = (
    _kind(
        "email",
        "@[^ ]|u0040",
        r"[@\\](?:(?<=@)|u0040)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}" + _END,
        before=_after(r"[\w+]") + r"[\w.+%'-]{0,63}+(?<=[\w+%'-])\\*$",
    ),
    _kind(
        "iban",
        "[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4} ?[A-Z0-9]{3}",
        _after("[A-Z]") + r"[A-Z][0-9]{2}(?: ?[A-Z0-9]{4}){2,7}+(?: ?[A-Z0-9]{1,3})?",
        _iban,
    ),
    _kind(
        "card",
        "[3-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]|3[47][0-9]{2}[ -][0-9]{6}[ -]",
        _after("[3-6]") + r"(?<![.-][3-6])(?:[0-9]{12,18}|"
        r"[0-9]{3}(?P<gap>[ -])[0-9]{4}(?P=gap)[0-9]{4}(?P=gap)[0-9]{1,7}|"
        r"[0-9]{3}(?P<amex>[ -])[0-9]{6}(?P=amex)[0-9]{5})(?![\w-])",
        _card,
    ),
    _kind(
        "ssn",
        "[0-9]{3}-[0-9]{2}-[0-9]{4}",
        _DIGIT + r"[0-9]{2}(?<!000)(?<!666)-[0-9]{2}-[0-9]{4}(?![\w-])",
    ),
    _kind(
        "ip",
        r"(?:[0-9]{1,3}\.){3}[0-9]",
        _DIGIT + r"[0-9]{0,2}+(?:\.[0-9]{1,3}+){3}(?!\w|\.[0-9])",
        _ipv4,
    ),
    _kind(
        "ip",
        "[0-9a-fA-F]{1,4}:[0-9a-fA-F:]{0,12}:[0-9a-fA-F]{1,4}",
        _after("[0-9a-fA-F]") + r"(?<![.:][0-9a-fA-F])[0-9a-fA-F]{0,3}+"
        r"(?::{1,2}[0-9a-fA-F]{1,4}+){2,7}(?![\w:]|\.[0-9])",
        _ipv6,
    ),
    _kind(
        "phone",
        r"\+[0-9][0-9 ().-]{7}",
        _after(r"\+") + r"[0-9](?:[ ().-]{0,2}[0-9]){7,14}" + _END,
    ),
    _kind(  # North America
        "phone",
        "[0-9]{3}[-. )]{1,2}[0-9]{3}[-. ][0-9]{4}",
        _after("[1-9(]") + r"(?<![.,$#-][1-9(])(?:(?<=1)[-. ]\(?[2-9]|(?<=\()[2-9])?[0-9]{2}"
        r"(?:\) ?|[-. ])[0-9]{3}[-. ][0-9]{4}(?![\w-]|[.,][0-9])",
    ),
    _kind(  # trunk prefix 0, most of the world
        "phone",
        "0[0-9]{2,4}[ /-][0-9]{3}|0[0-9](?:[ .-][0-9]{2}){4}",
        _after("0") + r"(?<![.,$#:-]0)(?:[0-9]{2,4}[ /-][0-9]{3,8}(?:[ -][0-9]{2,4}){0,3}"
        r"|[0-9](?:[ .-][0-9]{2}){4})(?![\w:-]|[.,][0-9])",
        _trunk_phone,
    ),
    _kind(  # any digits behind a word that says so
        "phone",
        "(?i:phone|mobile|whatsapp|tel|cell)[^0-9]{1,24}[0-9]{8}",
        # `userPhone` is a telephone, `smartphone` is a product
        r"[pPmMwWtTcC](?<![a-zA-Z][a-z])"
        r"(?i:(?<=p)hone|(?<=m)obile|(?<=w)hatsapp|(?<=t)el(?:ephone)?|(?<=c)ell)"
        r"(?:[ _-]?(?i:number|no|num))?"
        r"[.]?\\*[\"']?\s{0,2}[:=]?\s{0,2}(?:is |at )?\\*[\"']?(?P<value>[0-9]{8,15})(?![\w.-])",
    ),
)


_ALWAYS = (*_MEDIA, *_SECRETS)
_KINDS = (*_ALWAYS, *_PERSONAL)


# ---- the redactor -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Redactor:
    """Replaces what must not be stored. Twice gives the same as once."""

    key: bytes
    """Secret of this store; the same key gives the same placeholders and pseudonyms."""
    personal: bool = True
    """Also replace personal data and user ids; secrets and media are always replaced."""

    def user(self, user_id: str) -> str:
        """Stable pseudonym of a user id, `u_` and 16 hex digits; a pseudonym passes through."""
        if not self.personal or _PSEUDONYM.fullmatch(user_id):
            return user_id
        return f"u_{self._digest('user', user_id)[:16]}"

    def identifiers(self, values: Sequence[str]) -> list[tuple[str, str]]:
        """Conversation ids with what they are called in the store.

        Most pass through. Chat gateways use the telephone number as conversation id, though, and a
        placeholder's 24 bits would merge the conversations of strangers: such an id becomes `c_`
        and 16 hex digits.
        """
        return [
            (value, value if clean == value else f"c_{self._digest('id', value)[:16]}")
            for value, clean in zip(values, self.texts(values)[0], strict=True)
        ]

    def text(self, text: str) -> str:
        """One text without what must not be stored."""
        return self.texts([text])[0][0]

    def texts(self, texts: Sequence[str]) -> tuple[list[str], Counter[str]]:
        """Many texts at once, in order, and how many values of each kind were replaced."""
        return self._clean(texts, _filters().hits(pa.array(texts, pa.string())))

    def column(self, texts: pa.StringArray) -> tuple[pa.StringArray, Counter[str]]:
        """`texts` for a column of pyarrow, whose texts become strings of Python only where some
        kind may be in them."""
        hits = _filters().hits(texts)
        places = sorted(set().union(*hits))
        near = texts.take(pa.array(places, pa.int64())).to_pylist()
        distinct = {text: number for number, text in enumerate(dict.fromkeys(near))}
        numbers = {place: distinct[text] for place, text in zip(places, near, strict=True)}
        clean, counts = self._clean(
            list(distinct), [{numbers[place] for place in found} for found in hits]
        )
        if not counts:
            return texts, counts
        mask = np.zeros(len(texts), bool)
        mask[places] = True
        new = pa.array([clean[numbers[place]] for place in places], pa.string())
        return pc.replace_with_mask(texts, pa.array(mask), new), counts

    def _clean(
        self, texts: Sequence[str], hits: Sequence[set[int]]
    ) -> tuple[list[str], Counter[str]]:
        """Texts of which the filters of all kinds have hit some."""
        clean, counts, pending = list(texts), Counter[str](), list(range(len(texts)))
        # A placeholder is a boundary, so replacing one value can uncover its neighbour. Every
        # round replaces something in what it keeps pending, so this ends.
        while pending:
            found = Counter[int]()
            for kind, numbers in zip(_KINDS if self.personal else _ALWAYS, hits, strict=False):
                for i in (pending[number] for number in sorted(numbers)):
                    clean[i], replaced = self._replace(kind, clean[i])
                    counts[kind.name] += replaced
                    found[i] += replaced
            pending = [i for i in pending if found[i]]
            hits = _filters().hits(pa.array([clean[i] for i in pending], pa.string()))
        return clean, +counts

    def _replace(self, kind: _Kind, text: str) -> tuple[str, int]:
        """The text with every value of one kind replaced, and how many there were."""
        pieces, replaced, is_json = [], 0, text.lstrip('"\\ ')[:1] in ("{", "[")
        for piece in _PLACEHOLDER.split(text):
            last = 0
            for start, end in () if _PLACEHOLDER.fullmatch(piece) else _find(kind, piece):
                value = self._placeholder(kind.name, piece, start, end, is_json=is_json)
                pieces += [piece[last:start], value]
                last = end
                replaced += 1
            pieces.append(piece[last:])
        return "".join(pieces) if replaced else text, replaced

    def _placeholder(self, kind: str, text: str, start: int, end: int, *, is_json: bool) -> str:
        """What stands for `text[start:end]`; a bare number in JSON stays one, so that it parses."""
        if is_json and _is_bare_number(text, start, end):
            return "0"
        value = text[start:end].lower().replace("\\u0040", "@")
        plain = _digits(value) if kind in ("card", "phone") else value.replace(" ", "")
        return f"[{kind}:{self._digest(kind, plain)[:6]}]"

    def _digest(self, kind: str, value: str) -> str:
        return _keyed_digest(self.key, f"{kind}\0{value}")


@lru_cache(_KNOWN_DIGESTS)
def _keyed_digest(key: bytes, message: str) -> str:
    return hmac.digest(key, message.encode("utf-8", "surrogatepass"), "sha256").hex()


def names_user(key: str) -> bool:
    """Whether an attribute of this name holds a user id: `user.id`, `enduser.id`, `...user_id`.

    LiteLLM's `llm.user` and the subject of a feature flag are users too.
    """
    return bool(_USER_KEY.search(key))


@cache
def _filters() -> Filters:
    return Filters([kind.filter for kind in _KINDS])


def _find(kind: _Kind, text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every value of one kind, left to right, without overlaps."""
    group = "value" if "value" in kind.pattern.groupindex else 0
    last = 0
    for match in kind.pattern.finditer(text):
        start, end = match.span(group)
        end = start + kind.real_length(text[start:end])
        if kind.before and end > start:
            window = max(last, start - _BEFORE_CHARS)
            before = kind.before.search(text[window:start])
            start = window + before.start() if before else end
        if end > start:
            yield start, end
            last = end


def _is_bare_number(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` stands in JSON as a number, without quotes."""
    if not text[start:end].isdigit():
        return False
    before, behind = text[max(0, start - 4) : start].rstrip(), text[end : end + 4].lstrip()
    return before[-1:] in (":", ",", "[") and behind[:1] in (",", "}", "]")
