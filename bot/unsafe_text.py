"""What no text may bring in, whoever wrote it: links, secrets, code, orders to models, and so on.

Takes texts; gives names of what is in them, in our words. Texts are compared in compatibility form:
full-width letters hide nothing. No I/O, milliseconds.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from prompts import INVISIBLE

_TOP_LEVEL = (
    "com|net|org|io|ai|dev|app|co|info|biz|edu|gov|xyz|site|online|cloud|tech|link|click|top|"
    "ru|cn|de|uk|fr|eu|us|in|nl|it|es|pl|ch|at|se|jp|br|ca|au|me|tv|cc|ly|gg|to|tk"
)
_DOT = r"(?:\.|\s?[\[(]\s?(?:dot|\.)\s?[\])]\s?|\sdot\s)"
"""A dot, also as people write it who do not want it to be seen as one."""
_HANDLE = (
    r"@(?!(?:async|default|deprecated|example|internal|link|override|param|private|property|public|"
    r"raises|readonly|remarks|returns?|see|since|template|throws|type|yields)\b)[a-z][\w-]+"
)
"""Not a tag of a comment that describes a function."""
_DENIES = (
    r"(?:\b(?:never|not|cannot|nobody|no circumstances)\b|n['\u2019]t\b|"
    r"(?<!never )(?<!not )\b(?:refuse|decline)\w*)"
    r"(?:, [\w ]{1,40},)?"
)
_GOES_ON = (
    r"(?:(?: +|, (?=[^.!?,\n]{0,40}\bn?or\b))"
    r"(?!(?:bother|decline|delay|fail|hesitate|mind|only|refuse|think|wait|worry)\b)[\w'\u2019/-]+)"
)
"""A word more of what is denied: "do not hesitate to" and "do not wait, skip" deny nothing."""


def _unless_denied(asked: str) -> re.Pattern[str]:
    """`asked` in a sentence that does not forbid it: "never cancel without a check" may stand."""
    denied = rf"{_DENIES}{_GOES_ON}{{0,8}}? +(?:{asked})"
    return re.compile(rf"(?:^|(?<=[.!?;]\s))(?:(?!{denied})[^.!?\n])*?({asked})", re.I | re.M)


_IN_OTHER_LANGUAGES = (
    r"\b(?:ignorier|vergiss|missacht)\w*\b[^.\n]{0,60}\b(?:anweisung|regel|vorgabe)\w*|"
    r"\b(?:ignore|oublie)[rz]?\b[^.\n]{0,60}\b(?:règle|consigne|instruction)\w*|"
    r"\bpas compte\b[^.\n]{0,30}\b(?:règle|consigne|instruction)\w*|"
    r"\b(?:ignor|olvid|esque[cç]|dimentic)\w*\b[^.\n]{0,60}\b(?:instrucci[oó]n|instruç|regl?a|regol|"
    r"istruzion)\w*|\bnegeer\w*\b[^.\n]{0,60}\b(?:instructie|regel|opdracht)\w*|"
    r"\b(?:z?ignoruj|zapomnij)\w*\b[^.\n]{0,60}\b(?:instrukcj|zasad|polece)\w*|"
    r"(?<!не )\b(?:про)?(?:игнорир|забуд)\w*[^.\n]{0,60}\b(?:инструкц|правил|указан)\w*|"
    r"تجاهل[^.\n]{0,40}(?:تعليمات|قواعد|أوامر)|"
    "(?:指示|命令|ルール|規則)[^。\n]{0,10}(?:無視|忘れ)(?!し?ない)|"
    "(?<!不要)(?<!不得)(?<!不能)(?<!不可)(?<!请勿)(?:忽略|无视|忽视|忘记)[^。\n]{0,12}"
    "(?:指令|指示|规则|提示)|(?:지시|명령|규칙)[^.\n]{0,12}(?:무시|잊)(?!하지)"
)
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
        rf"(?<=[^\s@][ \t]){_HANDLE}|(?<=[(\[\"'*,:;>]){_HANDLE}|^[ \t]*{_HANDLE}(?=[ ,]+\w)",
        re.I | re.M,
    ),
    "letters of two alphabets in one word": re.compile(
        r"\b(?=\w*[a-z])(?=\w*[\u0370-\u03bb\u03bd-\u03ff\u0400-\u052f\u0531-\u058f\u13a0-\u13ff])\w+"
        r"|[\u0250-\u02af\u1d00-\u1d7f]",  # letters of phonetics, which look like Latin ones
        re.I,
    ),
    "a long number": re.compile(r"\d(?:[ .()/-]?\d){6,}"),
    "encoded data": re.compile(
        r"[A-Za-z0-9+/_=-]{41,}|\b[0-9a-f]{32,}\b|"
        r"\b(?=[a-z0-9+/]{0,40}[A-Z])(?=[A-Z0-9+/]{0,40}[a-z])[A-Za-z0-9+/]{8,40}={1,2}(?![\w=])|"
        r"(?:\\x[0-9A-Fa-f]{2}){3,}|(?:%[0-9A-Fa-f]{2}){3,}|(?:&#[xX]?[0-9A-Fa-f]+;){2,}|"
        r"(?<!\w)(?:[A-Za-z] ){4,}[A-Za-z](?!\w)|[A-Za-z][\u0300-\u036f]|"
        r"[\U0001f1e6-\U0001f1ff]{3,}"
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
        r"<script|^[ \t]*(?:from\s+[\w.]+\s+)?import\s+[\w.{*]",
        re.I | re.M,
    ),
    "a hidden comment": re.compile(r"<!--"),
    "a keyword that closes an issue": re.compile(
        r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b:?[ \t]*(?:[\w.-]+/[\w.-]+)?(?:#|\bgh-)\d",
        re.I,
    ),
    "a mark of a turn in a chat": re.compile(
        r"<\|\s?/?[a-z_]+\s?\|>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|"
        r"^[ \t]*(?:#{1,6} *(?:system|instructions?)\b:?[ \t]*$|(?-i:SYSTEM)\b[^:\n]{0,20}:)",
        re.I | re.M,
    ),
    "a formula of a spreadsheet": re.compile(
        r"=\s?(?:HYPERLINK|WEBSERVICE|FILTERXML|IMPORT(?:XML|DATA|HTML|FEED|RANGE)|DDE|EXEC|CALL)\("
        r"|[=@+-]cmd\|",
        re.I,
    ),
    "markup": re.compile(r"<[a-z][\w-]*\s+[a-z-]+\s*=[^<>]*>", re.I),
    "a workflow command": re.compile(r"^[ \t]*(?:::[a-z-]+(?: [^:\n]*)?::|##\[)", re.I | re.M),
    "an instruction to set instructions aside": re.compile(
        _unless_denied(
            r"\b(?:ignor|disregard|forget|overrid|bypass|circumvent)\w*\b[^.\n]{0,60}?\b(?:instruction|"
            r"rule|prompt|polic|guideline|guardrail|safety|restriction|above|earlier|previous|prior|"
            r"confirmation)\w*|\byou are now\b|\bjailbreak|\bdeveloper mode\b"
        ).pattern
        + "|"
        + _IN_OTHER_LANGUAGES,
        re.I | re.M,
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
        r"\b(?:full|elevated|unlimited|admin\w*) (?:access|rights|permissions|privileges)\b|"
        r"\btreat\w*\b[^.\n]{0,40}\bas (?:an? |the )?(?:admin|owner|root|staff|superuser|verified)"
    ),
}
ONLY_IN_TEXTS: Mapping[str, re.Pattern[str]] = {
    "a host name": re.compile(r"\b(?:[\w-]{2,63}\.){1,8}[a-z]{2,24}/(?=[\w?])", re.I),
    "a secret": re.compile(r"~/\.?\w|(?<![\w.])/etc/\w|\.ssh\b|\bid_rsa\b|\$[A-Z]{2,}_[A-Z_]+\b"),
    "code that runs other code": re.compile(r"^[ \t]*>>> ", re.M),
    "a mark of a turn in a chat": re.compile(
        r"(?:\A|\n)[ \t]*(?:Assistant|Human):|[\"']role[\"']\s*:\s*[\"'](?:developer|system)[\"']"
    ),
    "a long gap": re.compile(r"\n(?:[ \t]*\n){4,}|\S[ \t\u00a0]{60,}\S"),
    "a command to a bot": re.compile(
        r"^[ \t>*-]*/[a-z][a-z-]+[ \t]+[a-z]|(?:^|(?<=[\s\"'`(:]))/(?:approve|assign|azp|cc|close|"
        r"cherry-pick|debrief|deploy|hold|label|lgtm|merge|ok-to-test|override|rebase|rerun|reopen|"
        r"retest|retitle|run|ship|test|unassign|unlabel)(?![\w/.{-])",
        re.I | re.M,
    ),
    "a command for a shell": re.compile(
        r"\|\s*(?:sudo\s+)?(?:ba|da|z)?sh\b(?!\w)|\b(?:ba|z)?sh\s+-c\b|\bsudo\s+\w|\$\([a-z]+\s|"
        r"\bpowershell\b|\bchmod\s|\bbase64\s+-|\bnc\s+-|>\s*/dev/|&&\s*(?:rm|mv|cd|git)\s",
        re.I,
    ),
    "encoded data": re.compile(r"(?:\\+u\{?[0-9a-f]{4,6}\}?){3,}", re.I),
    "a formula of a spreadsheet": re.compile(
        r"(?:^|(?<=[\"',;\t]))[=+@-][ \t]?[A-Z][A-Z0-9.]{1,20}\(|^=\w+[!+*/-]", re.M
    ),
    "a handle": re.compile(r"^[ \t]*@[a-z][\w/-]+[ \t]*$", re.I | re.M),
    "markup": re.compile(
        r"<\s*/?\s*[a-z_][\w.:-]{0,40}\s*/?\s*>|^[ \t]*\.\. [a-z-]+::", re.I | re.M
    ),
}
"""The same for what a text says when all code around it is left aside: code may look like it."""
_MAY_STAND_AGAIN = frozenset(
    {"a host name", "a link", "a long number", "a mark of a turn in a chat", "an e-mail address"}
)
"""What a text has, it may say once more: the address of the tool's own API, a form of examples."""
_BEHIND = ")]}.,;:!?\"'`*"
TOLD_OF_USERS = (
    "a sentence that gives away what the prompt says",
    "a sentence that takes a check away",
    "a sentence that gives permissions",
)
"""Harmless where a text says what users want: "grant admin access" is a wish like any other."""


def added_things(
    before: str, after: str, *, skip: Iterable[str] = (), is_said: bool = False
) -> Iterator[str]:
    """Names of what `after` has more of than `before`: links, secrets, hidden characters...

    `is_said`: both are texts alone, without code or data around them.
    """
    old, new = unicodedata.normalize("NFKC", before), unicodedata.normalize("NFKC", after)
    patterns = [*_ADDITIONS.items(), *(ONLY_IN_TEXTS.items() if is_said else ())]
    yield from dict.fromkeys(
        name for name, pattern in patterns if name not in skip and _is_more(name, pattern, old, new)
    )
    # Variation selectors and joiners belong to emoji and to some scripts; a change to a prompt can
    # do without new ones. A carriage return ends lines of some files.
    if _more(INVISIBLE, before.replace("\r", ""), after.replace("\r", "")):
        yield "hidden characters"


def _is_more(name: str, pattern: re.Pattern[str], before: str, after: str) -> bool:
    if name not in _MAY_STAND_AGAIN:
        return bool(_more(pattern, before, after))
    old, new = ({one.rstrip(_BEHIND) for one in matches(pattern, text)} for text in (before, after))
    return not new <= old


def _more(pattern: re.Pattern[str], before: str, after: str) -> Counter[str]:
    return Counter(matches(pattern, after)) - Counter(matches(pattern, before))


def matches(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """What each match is about: its group where the pattern has one, else all of it."""
    return (match[match.lastindex or 0] for match in pattern.finditer(text))
