"""Does the cause of a pattern lie in a tool or in the program, so that no prompt has to make up?

Takes a pattern with its cause and its conversations; gives the cause, moved where the calls say
more than the words of an error did. Costs milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.figures import count
from bot.proposals.harness.seen import (
    MIN_PEOPLE,
    HasFailed,
    Seen,
    Shape,
    failing_tools,
    gave_nothing,
    has_failed,
    look_at,
)
from bot.records import Cause, Pattern
from collector.records import Conversation, Message

ROUTED = frozenset({"config", "harness", "tool_definition"})
"""Causes for which no prompt is asked to make up."""
_LOOKED_UP = frozenset({"empty_lookup", "tool_not_found"})
"""Nothing was found: the records lack it, or it was asked for in a form that finds nothing."""
MAX_ACCEPTED = 0.1
"""Share of the calls with a shape that went well: above it the form is not what fails."""
MIN_EMPTY = 0.5
"""Share of the failing conversations in which the tool answers without any word."""


def routed_cause(
    pattern: Pattern, failing: Sequence[Conversation], passing: Sequence[Conversation]
) -> Cause | None:
    """The pattern's cause where it lies in a tool or in the program; None where it does not.

    A record that is not found is a fault of the records, unless the form of an argument tells what
    is found from what is not, or the tool has no words for it.
    """
    cause = pattern.cause
    if cause is None or cause.cause in ROUTED:
        return cause
    if cause.by != "rule" or cause.kind not in _LOOKED_UP:
        return None
    failed = failure_of(cause)
    tool = failing_tool(cause, failing)
    if tool is None:
        return None
    shape = _misleading(look_at(tool, (*failing, *passing), failed=failed))
    if shape is not None:
        sentence = (
            f"{cause.sentence} {count(shape.refused, 'call')} gave `{shape.argument}` in a form "
            f"that is never found, and what is found has another one."
        )
        return replace(cause, cause="tool_definition", sentence=sentence, is_fixable=True)
    wordless = sum(any(_is_wordless(m) and m.name == tool for m in c.messages) for c in failing)
    if wordless >= MIN_EMPTY * len(failing):
        sentence = f"{cause.sentence} It then answers without a word."
        return replace(cause, cause="harness", sentence=sentence, is_fixable=True)
    return None


def failure_of(cause: Cause) -> HasFailed:
    """What counts as a failed call of a tool: an error, or an empty answer where that is it."""
    if cause.kind == "empty_lookup":
        return lambda message: has_failed(message) or gave_nothing(message)
    return has_failed


def failing_tool(cause: Cause, failing: Sequence[Conversation]) -> str | None:
    """The tool that the cause names, else the one that fails in most conversations."""
    tools = [name for name, _ in failing_tools(failing, failed=failure_of(cause)).most_common()]
    return next((one for one in tools if f"`{one}`" in cause.sentence), next(iter(tools), None))


def _misleading(seen: Seen) -> Shape | None:
    """A shape that is refused wherever it is seen, while another one of the argument works."""
    for one in seen.shapes:
        works = sum(o.accepted for o in seen.shapes if o.argument == one.argument and o != one)
        refused = one.refused >= MIN_PEOPLE and one.accepted <= MAX_ACCEPTED * one.refused
        if refused and works >= MIN_PEOPLE and one.shape[:1] != "(":
            return one
    return None


def _is_wordless(message: Message) -> bool:
    """No list and no object that is empty, but nothing at all."""
    said = message.result if message.result is not None else message.text
    return message.role == "tool" and not message.error and said in (None, "", "null", "None")
