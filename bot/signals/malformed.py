"""Answers that came out broken: marks of machines, empty slots and loops in a text for people.

What stands in code is left alone: a slot or a tag may be just what was asked for.
"""

from __future__ import annotations

import json
import re

WRAPPERS = frozenset({"message", "response", "answer", "reply", "text", "content", "output"})
LOOPED = 5
"""The same line so many times in a row is a loop of the model."""
SEARCHED_CHARS = 8000
"""Of an answer; longer ones are mostly data."""
MIN_LINE_CHARS = 12
"""Shorter lines (rows of a table, a verse) may well repeat."""

_FENCE = re.compile(r"\s*```(?:json)?\s*(\{.*\})\s*```\s*", re.S)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.S)
_SUSPICIOUS = ("{", "<", "[", "```", "\ufffd", "Ã", "â€")
"""Without any of these nothing is amiss; each is found at the speed of memory."""
_ODD = re.compile(  # a first character that is rare, so that the search runs at full speed
    r"[<\[{$\ufffdÃâ](?:"
    r"(?P<leaked>(?<=<)\|[a-z_]{2,30}\|>|(?<=<)/?(?:think|thinking|tool_call|tool_response"
    r"|function_calls?|invoke|function=\w{1,40})\b|(?<=\[)/?INST\]|(?<=<)<?/?SYS>>)"
    r"|(?P<slot>(?<=\{)\{ ?[A-Za-z_][\w. ]{0,40} ?\}\}|(?<=\$)\{[A-Za-z_][\w.]{0,40}\}"
    r"|(?<=\{)[a-z]+(?:_[a-z]+)+\}|(?<=\[)object Object\]"
    r"|(?<=[<\[])(?i:insert|your|customer'?s?|user'?s?|company|agent|recipient)[ _]"
    r"[\w ]{2,30}[>\]])"
    r"|(?P<letters>(?<=\ufffd)|(?<=Ã)[\x80-\xbf]|(?<=â)€[™œ\u201c\u201d\u02dc]))"
)
_WHY = {
    "leaked": "marks that only a model or a tool should see stand in the answer",
    "slot": "a slot of a template was not filled in",
    "letters": "letters were decoded wrongly",
}


def broken(text: str, *, for_people: bool) -> str | None:
    """What is broken about an answer, in our words; None where nothing is.

    With `for_people`, an answer wrapped for a machine is broken too.
    """
    if for_people and "{" in text[:12] and (key := wrapped(text)):
        return f"the answer is wrapped as JSON under the key {key}, the user's text is not"
    if any(mark in text for mark in _SUSPICIOUS):
        text = text[:SEARCHED_CHARS]
        if len(text) < SEARCHED_CHARS and text.count("```") % 2:
            return "a block of code is opened and not closed"
        if _ODD.search(text) and (odd := _ODD.search(_CODE.sub(" ", text))):
            return _WHY[str(odd.lastgroup)]
    return _looped(text)


def wrapped(text: str | None) -> str | None:
    """The key under which JSON text holds what was meant for a person, else None."""
    if not text or "{" not in text[:12]:
        return None
    fenced = _FENCE.fullmatch(text)
    try:
        value = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or len(value) > 3:
        return None
    return next((key for key in value if key in WRAPPERS and " " in str(value[key]).strip()), None)


def _looped(text: str) -> str | None:
    lines = text.split("\n") if text.count("\n") >= LOOPED - 1 else ()
    run, last = 0, ""
    for line in lines:
        line = line.strip()
        if not line:
            continue
        run = run + 1 if line == last else 1
        last = line
        if run >= LOOPED and len(line) >= MIN_LINE_CHARS:
            return f"one line is repeated {LOOPED} times or more"
    return None
