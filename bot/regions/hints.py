"""Which texts of a program or a data file are meant for the model, by their name and their words.

A guess that may be too generous: whether production runs on a text is decided later, by what was
captured. What is certainly for people (log lines, help texts, errors) is not among them.
"""

from __future__ import annotations

import re

_NAMES = re.compile(
    r"prompt|instruct|system|persona|policy|policies|guideline|template|backstory|preamble|"
    r"behaviou?r|directive|guardrail|few_?shot|handoff_?description|expected_?output|"
    r"(?:first|welcome|system)_?message$|\brules?\b|_rules?$|(?:\b|_)(?:format|tone)$|"
    r"\b(?:goal|role|message|content)$",
    re.IGNORECASE,
)
_FOR_PEOPLE = re.compile(
    r"^(?:desc|description|help|title|label|license|copyright|sql|query|regex|pattern|url|version|changelog|"
    r"usage|epilog|error|errors|log|placeholder|comment|comments|author|homepage|info|tooltip|caption)$|"
    r"(?:error|failure|commit|log|alert|toast|e_?mail|sms)_?(?:message|text|body|subject)s?$",
    re.IGNORECASE,
)
_GROUP_FOR_PEOPLE = re.compile(
    r"(?:^|[._])(?:labels?|titles|tooltips|placeholders|captions|errors?|error_?messages|toasts|status|"
    r"translations)(?=[.\[])|(?<=[a-z])(?:Labels?|Titles|Tooltips|Errors?|Status|Toasts)(?=[.\[])",
    re.IGNORECASE,
)
"""Names of what holds texts for people only: `ROLE_LABELS`, `class Status(Enum)`."""
_ONE_OF_PROMPTS = re.compile(r"(?:^|\.)\w*prompts\.(?!desc)\w+$", re.IGNORECASE)
"""`prompts.title` is the prompt that asks for a title."""
_FOR_MACHINES = re.compile(
    r"\s*(?:SELECT\b[^;]*\bFROM|INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|WITH\s+\w+\s+AS\s*\(|"
    r"(?:CREATE|ALTER|DROP)\s+(?:TABLE|INDEX|VIEW))\b"
)
_EXCUSE = re.compile(
    r"\s*(?:sorry|oops|apologies|(?:i am|i'm|we're) sorry|(?:i|we) (?:could not|couldn't))\b",
    re.IGNORECASE,
)
"""How a program begins what it says itself when something failed."""
NAMED_WORDS = 5
"""Words of a text whose name says that it is a prompt."""
UNNAMED_WORDS = 12
"""Words of a text that nothing tells to be one."""


_CHECKED = re.compile(r"(?:^|\.)(?:tests?|asserts?|vars|test_cases)(?:\.|\[|$)", re.IGNORECASE)
"""Keys of what a prompt is tried with."""
_OF_PROMPTS = re.compile(r"prompt", re.IGNORECASE)


_LISTED = re.compile(
    r"^(?:system_?prompts?|instructions?|rules|guidelines|directives|policies|guardrails|"
    r"constraints|principles)$",
    re.IGNORECASE,
)


def is_list_of_rules(name: str) -> bool:
    """What is listed under this name is a prompt line by line, however short a line is."""
    return _LISTED.match(name) is not None


def is_prompt(name: str, text: str, *, path: str = "") -> bool:
    """`name` is the variable, argument or path of keys; its last part says most.

    `path` is the file's, which may say that it holds prompts.
    """
    last = re.split(r"[.\[\]()]", name.rstrip("])"))[-1] if name else ""
    words = len(text.split())
    is_one = _ONE_OF_PROMPTS.search(name) is not None
    for_people = _FOR_PEOPLE.search(last) or _GROUP_FOR_PEOPLE.search(name)
    if (for_people and not is_one) or _CHECKED.search(name):
        return False
    if _FOR_MACHINES.match(text) or _EXCUSE.match(text):
        return False
    is_named = _NAMES.search(name) or _OF_PROMPTS.search(path)
    return words >= (NAMED_WORDS if is_named else UNNAMED_WORDS)
