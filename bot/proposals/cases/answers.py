"""The answer of a conversation that a case is about, and what good answers have in common.

An answer is all that the agent does from one user message to the next: its calls, their results and
its words. Nothing here is told from words of a user, but that an argument stood among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.proposals.cases.case import ToolCalled
from collector.records import Conversation, Json, Message, ToolCall

SHARED = 0.8
"""A tool that this share of the good answers calls belongs to a good answer."""
MIN_GOOD = 5
"""Good answers below which nothing is said of what they share."""
MAX_ALSO_FAILING = 0.7
"""A call that more of the failing answers have as well tells the two apart too little."""
MIN_VALUE_CHARS = 3
"""Shorter values stand in any text by chance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What one conversation's agent did between two messages of the user."""

    conversation: Conversation
    before: int
    """Index of its first message; all before is what the agent was given."""
    end: int

    @property
    def messages(self) -> tuple[Message, ...]:
        return self.conversation.messages[self.before : self.end]

    @property
    def given(self) -> tuple[Message, ...]:
        return self.conversation.messages[: self.before]

    @property
    def text(self) -> str:
        """The agent's words in it."""
        return "\n".join(one.text for one in self.messages if one.role == "assistant" and one.text)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(call for one in self.messages for call in one.tool_calls)

    @property
    def asked(self) -> str:
        """All that the user has said before it."""
        return "\n".join(one.text for one in self.given if one.role == "user" and one.text)


def answer_at(conversation: Conversation, index: int | None) -> Answer | None:
    """The answer to which message `index` belongs, or, of a user's message, the one before it.

    None gives the first answer. There is none where no user spoke before it.
    """
    messages = conversation.messages
    users = [at for at, one in enumerate(messages) if one.role == "user"]
    if not users:
        return None
    if index is None:
        begins = next((at for at in range(users[0], len(messages)) if _ends(messages, at)), None)
    else:
        earlier = [at for at in users if at < index and _ends(messages, at)]
        begins = earlier[-1] if earlier else None
    if begins is None:
        return None
    before = begins + 1
    end = next((at for at in users if at >= before), len(messages))
    return Answer(conversation=conversation, before=before, end=end)


def _ends(messages: Sequence[Message], at: int) -> bool:
    """A user's message that the agent answers."""
    is_next = at + 1 < len(messages) and messages[at + 1].role != "user"
    return messages[at].role == "user" and is_next


def shared_calls(good: Sequence[Answer], failing: Sequence[Answer]) -> tuple[ToolCalled, ...]:
    """Calls that good answers have in common and failing ones often lack, in alphabetical order."""
    if len(good) < MIN_GOOD:
        return ()
    names = {call.name for answer in good for call in answer.calls}
    return tuple(
        _check(name, good)
        for name in sorted(names)
        if _share(name, good) >= SHARED and _share(name, failing) <= MAX_ALSO_FAILING
    )


def _share(name: str, answers: Sequence[Answer]) -> float:
    calling = sum(any(call.name == name for call in answer.calls) for answer in answers)
    return calling / len(answers) if answers else 0.0


def _check(name: str, good: Sequence[Answer]) -> ToolCalled:
    """The call with the arguments that all of its good calls have."""
    pairs = [(answer, call) for answer in good for call in answer.calls if call.name == name]
    given = [call.arguments for _, call in pairs if isinstance(call.arguments, dict)]
    keys = (
        sorted(set.intersection(*(set(one) for one in given))) if len(given) == len(pairs) else []
    )
    said = tuple(key for key in keys if all(stands(a.asked, c.arguments, key) for a, c in pairs))
    schema: dict[str, Json] = {"type": "object", "required": [*keys]} if keys else {}
    return ToolCalled(tool=name, arguments=schema, from_user=said)


def stands(text: str, arguments: object, key: str) -> bool:
    """Whether the value of argument `key` is one that the text holds, letter by letter."""
    value = arguments.get(key) if isinstance(arguments, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    return len(str(value)) >= MIN_VALUE_CHARS and str(value) in text
