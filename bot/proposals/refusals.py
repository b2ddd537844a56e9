"""Refusals that several kinds of change share, each as one sentence.

What else is known goes along as `detail`, for `--json`: people read a list of these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.figures import count
from bot.records import Skipped

FEW = 2
"""So many files are named one by one."""
_FIRST = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def guardrail(what: str, broken: Sequence[str]) -> Skipped:
    """The first of the guardrails that the change breaks, and how many more there are."""
    first, *more = dict.fromkeys(broken)
    reason = f"{first.removesuffix('.')} (and {len(more)} more)." if more else first
    return Skipped(what=what, code="guardrail", reason=reason, detail=" ".join(more))


def nothing_found(
    what: str, why: str, paths: Sequence[str], *, unread: Sequence[str] = (), advice: str = ""
) -> Skipped:
    """`why` says what is in none of `paths`; `unread` are sentences about those that do not parse.

    `advice` goes on behind a semicolon.
    """
    listed = ", ".join(map(repr, paths))
    searched = listed if len(paths) <= FEW else f"{count(len(paths), 'file')}"
    reason = f"{why}; searched {searched or 'no file of this agent'}"
    if unread:
        reason = f"{why}, and {unread[0].removesuffix('.')}"
    return Skipped(
        what=what,
        code="no_file",
        reason=f"{reason}; {advice}." if advice else f"{reason}.",
        detail=" ".join([*([f"Searched {listed}."] if listed else []), *unread]),
    )


def no_edit_stands(what: str, code: str, attempts: str, dropped: Sequence[str]) -> Skipped:
    """`dropped` says of each edit why it was refused; the first reason stands for them."""
    told = list(dict.fromkeys(dropped))
    reason = f"No edit of {attempts} could stand."
    if told:
        edit, _, why = _FIRST.split(told[0])[0].partition(": ")
        because = f" because {_lowered(why)}" if why else ""
        reason = f"No edit of {attempts} could stand: {_lowered(edit)}{because}"
    return Skipped(what=what, code=code, reason=reason, detail=" ".join(told))


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
