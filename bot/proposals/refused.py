"""Arguments that tools refused, counted over an agent's conversations."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from collector.records import Conversation, Json

_NAMES_ARGUMENT = r"(?<![\w]){}(?![\w])"
_REFUSES = re.compile(
    r"\b(?:invalid|validation|malformed|must be|expected|required|missing|format|parse|type|"
    r"unknown|unsupported|unrecogni[sz]ed|one of|not (?:a )?(?:valid|supported|allowed|known))\b",
    re.IGNORECASE,
)


@dataclass(kw_only=True, slots=True)
class Refused:
    """One argument of one tool, as its calls show it."""

    tool: str
    argument: str
    accepted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)
    """(unit, what the tool said) of each refusal: outside text."""
    units: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Refused value to those whose conversations have it."""
    failing: dict[str, Conversation] = field(default_factory=dict)
    """By conversation id."""


def refused_arguments(conversations: Iterable[Conversation]) -> list[Refused]:
    """Arguments whose name stands in a tool's error, the most refused first."""
    found: dict[tuple[str, str], Refused] = {}
    for conversation in conversations:
        calls = {call.id: call for message in conversation.messages for call in message.tool_calls}
        for message in conversation.messages:
            call = calls.get(message.tool_call_id or "")
            if message.role != "tool" or call is None or not isinstance(call.arguments, dict):
                continue
            error = message.error or ""
            for argument, value in call.arguments.items():
                key = (call.name, argument)
                seen = found.setdefault(key, Refused(tool=call.name, argument=argument))
                if not error:
                    seen.accepted.append(_written(value))
                elif _REFUSES.search(error) and _names(error, argument):
                    seen.refused.append(_written(value))
                    seen.errors.append((conversation.unit, error))
                    seen.units[_written(value)].add(conversation.unit)
                    seen.failing[conversation.conversation_id] = conversation
    return sorted((one for one in found.values() if one.refused), key=lambda one: -len(one.failing))


def _names(error: str, argument: str) -> bool:
    return re.search(_NAMES_ARGUMENT.format(re.escape(argument)), error) is not None


def _written(value: Json) -> str:
    return value if isinstance(value, str) else str(value)
