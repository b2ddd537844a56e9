"""One example of a data set: what the agent was given, and the answer that people wanted.

Takes conversations and corrections; gives `Example`s in the form of chat messages that trainers
read. What a stranger wrote stays data: everything is redacted and bounded, and an example that
holds a link, a secret, code, a hidden sign or an instruction to a model is left out: whoever trains
on it would teach it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from bot.proposals.cases import letters_hash
from bot.proposals.text_checks import new_placeholders
from bot.records import Correction
from bot.unsafe_text import added_things
from collector.records import Conversation, Json, Message

MAX_CHARS = 24_000
"""Of one example, some 6,000 tokens: half of the conversations with tools that were measured are
longer than 12,000. Many trainers would cut a longer one, in its beginning."""
HARD_TURNS = 10
"""Turns from which on a conversation is as hard as can be, by its length."""

Source = Literal["correction", "accepted", "synthetic"]
Redact = Callable[[str], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """What the agent was given and what it should have said."""

    id: str
    source: Source
    prompt: tuple[Mapping[str, Json], ...]
    """Chat messages, the last one a user's or a tool's."""
    answer: str
    rejected: str | None
    """The agent's own words that a person corrected; None where nothing was."""
    difficulty: float
    """0..1: half by the turns before it, half by how much a person changed."""
    user: str
    """Hash of the user, else of the conversation."""
    conversation: str
    """Hash of agent and conversation id."""
    variant: str = ""
    """Of a synthetic one, how it differs from its seed."""
    seed: str = ""
    """Id of the example that it was made of."""

    @property
    def question(self) -> str:
        """The last thing that the user said."""
        said = [one["content"] for one in self.prompt if one["role"] == "user"]
        return str(said[-1]) if said else ""


def corrected_example(
    conversation: Conversation, correction: Correction, *, redact: Redact
) -> Example | str:
    """The answer as a person made it, or why it is no example, in words."""
    place = _place(conversation.messages, correction.original)
    if place is None:
        return "the corrected answer is not in the conversation"
    return _example(
        conversation,
        place,
        answer=correction.corrected,
        rejected=correction.original,
        source="correction",
        redact=redact,
    )


def accepted_example(conversation: Conversation, *, redact: Redact) -> Example | str:
    """The last answer of a conversation that went well, or why it is no example, in words."""
    spoken = [
        at for at, one in enumerate(conversation.messages) if one.role == "assistant" and one.text
    ]
    if not spoken:
        return "there is no answer in words"
    answer = conversation.messages[spoken[-1]].text or ""
    return _example(
        conversation, spoken[-1], answer=answer, rejected=None, source="accepted", redact=redact
    )


def _place(messages: Sequence[Message], original: str) -> int | None:
    """The newest answer with this text; white space does not count."""
    wanted = _folded(original)
    places = [
        at
        for at, one in enumerate(messages)
        if one.role == "assistant" and one.text and _folded(one.text) == wanted
    ]
    return places[-1] if places else None


def _folded(text: str) -> str:
    return " ".join(text.split())


def _example(
    conversation: Conversation,
    place: int,
    *,
    answer: str,
    rejected: str | None,
    source: Source,
    redact: Redact,
) -> Example | str:
    given = conversation.messages[:place]
    if not any(one.role == "user" and one.text for one in given):
        return "nothing was asked before the answer"
    if any(one.role == "tool" and one.text is None and one.result is None for one in given):
        return "the results of its tools were not recorded, so the answer would teach inventing"

    prompt = tuple(_chat_message(one, redact) for one in given)
    wanted = redact(answer).strip()
    was = None if rejected is None else redact(rejected).strip()
    whole = "\n".join([json.dumps(list(prompt), ensure_ascii=False), wanted, was or ""])
    if not wanted or wanted == was:
        return "the correction leaves no other answer"
    if len(whole) > MAX_CHARS:
        return f"it is longer than {MAX_CHARS:,} characters"
    if not all(may_teach(text) for text in _texts(prompt, wanted, was)):
        return "it holds a link, an address, a secret, code or an instruction to a model"
    turns = sum(one.role == "user" for one in given)
    named = letters_hash(conversation.agent, conversation.conversation_id)
    return Example(
        id=f"x-{letters_hash(named, source, place, wanted)}",
        source=source,
        prompt=prompt,
        answer=wanted,
        rejected=was,
        difficulty=difficulty(turns, wanted, was),
        user=letters_hash("user", conversation.agent, conversation.unit),
        conversation=named,
    )


def difficulty(turns: int, wanted: str, was: str | None) -> float:
    """0..1: the longer the conversation and the more a person changed, the harder."""
    changed = 0.0
    if was is not None:
        words, others = was.split()[:1_000], wanted.split()[:1_000]
        changed = 1 - SequenceMatcher(None, words, others, autojunk=False).ratio()
    return round(0.5 * min(1.0, turns / HARD_TURNS) + 0.5 * changed, 3)


def may_teach(text: str) -> bool:
    """Nothing in it is a link, code, a secret, a hidden sign, a placeholder that nobody filled or
    an instruction to a model.

    Dates and the numbers of orders are what agents look up; those of people are redacted. The sign
    that makes a picture colourful hides nothing.
    """
    plain = text.replace("\N{VARIATION SELECTOR-16}", "")
    found = added_things("", plain, skip=("a long number",), is_said=True)
    return next(found, None) is None and not new_placeholders("", plain)


def _chat_message(message: Message, redact: Redact) -> Mapping[str, Json]:
    if message.role == "tool":
        said = message.text if message.text is not None else _json(message.result)
        return {
            "role": "tool",
            "tool_call_id": message.tool_call_id or "",
            "content": redact(message.error or said),
        }
    found: dict[str, Json] = {"role": message.role, "content": redact(message.text or "")}
    if message.tool_calls:
        found["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": redact(_json(call.arguments))},
            }
            for call in message.tool_calls
        ]
    return found


def _json(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _texts(prompt: Sequence[Mapping[str, Json]], wanted: str, was: str | None) -> list[str]:
    said = [str(one["content"]) for one in prompt]
    called = [
        json.dumps(one["tool_calls"], ensure_ascii=False) for one in prompt if "tool_calls" in one
    ]
    return [*said, *called, wanted, was or ""]
