"""`/debrief` commands in comments on our pull requests, and how they are answered.

Takes the text of a comment; gives the command of its first line. Only a line that begins with
`/debrief` is one: quoted, indented and fenced text begins otherwise. Who may command is looked up
by whoever reads the comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

Verb = Literal["explain", "reject", "retry", "hold", "pause", "rollback"]
VERBS: tuple[str, ...] = get_args(Verb)
WORDS_LIMIT = 500
_COMMAND = re.compile(r"/debrief[ \t]+([A-Za-z]{1,20})(?:[ \t]+(.*))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    verb: Verb
    words: str
    """What follows on the same line: the reason of a rejection. Outside text."""


def parse_command(body: str) -> Command | None:
    """The command that the first line is; None where it is none, or one that there is not."""
    found = _COMMAND.fullmatch(body.split("\n", 1)[0].rstrip())
    if found is None or found[1].lower() not in VERBS:
        return None
    words = (found[2] or "").strip()[:WORDS_LIMIT]
    return Command(verb=cast(Verb, found[1].lower()), words=words)
