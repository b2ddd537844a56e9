"""The nouns of a conversation. Whoever reads this file knows what an agent's telemetry becomes.

Everything here is a value: frozen, compared by content, safe to share between threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Role = Literal["user", "assistant", "tool"]
UNKNOWN_AGENT = "unknown"
"""The agent of a conversation whose telemetry names none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """One call that the assistant asked for."""

    id: str
    """As sent; made from the position in the transcript where the sender gave none."""
    name: str
    arguments: Json
    """The JSON value where it parses, else the string as sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolDefinition:
    """One tool as the model was told about it."""

    name: str
    description: str | None = None
    parameters: Json = None
    """JSON Schema of the arguments; None where the sender kept it back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message as a person would see it. The system prompt is not a message."""

    role: Role
    text: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    """Role `tool`: the `ToolCall.id` that this answers."""
    name: str | None = None
    """Role `tool`: the tool's name."""
    result: Json = None
    """Role `tool`: the JSON value where it parses, else the string as sent."""
    error: str | None = None
    """Role `tool`: what went wrong, where the tool failed."""
    agent: str | None = None
    """The sub-agent that spoke, where it is not the conversation's own agent."""
    at: datetime | None = None
    finish_reason: str | None = None
    """Normalised: stop, length, tool_calls, content_filter; else the sender's own word."""
    parent_tool_call_id: str | None = None
    """The tool call inside which a sub-agent's message happened."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallError:
    """A model call that failed for good (retries are folded into one)."""

    kind: str
    """`provider`, `timeout` or `other`."""
    message: str
    http_status: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens of all model calls of one conversation; input includes what was read from a cache."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Completeness:
    """What the instrumentation gave and what it kept back. Nothing missing is ever guessed."""

    text: bool
    """Message texts were sent."""
    system: bool
    tool_results: bool
    """True also where no tool was called."""
    times: bool
    truncated: bool = False
    """Some content was cut by a size limit of the sender."""
    hint: str | None = None
    """What to switch on in the agent, where something is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Feedback, a correction, review, decision, response or outcome (docs/conventions.md)."""

    id: str
    """`debrief.event.id`, else a hash of the event; repeats have the same id."""
    name: str
    """For example `debrief.correction` or `gen_ai.evaluation.result`."""
    at: datetime | None
    agent: str | None
    conversation_id: str | None
    user_id: str | None
    attributes: Mapping[str, Json]
    """Keys without the prefix `debrief.`; `segment.<key>` and `feature.<name>` among them."""

    def value(self, *keys: str) -> Json:
        """The first of these attributes that is there: senders write more or less of a prefix."""
        return next((self.attributes[key] for key in keys if key in self.attributes), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """All turns under one conversation id. The key is (agent, conversation_id)."""

    conversation_id: str
    agent: str
    version: str | None = None
    variant: str | None = None
    user_id: str | None = None
    """A stable pseudonym where redaction is on."""
    started_at: datetime | None = None
    """Aware UTC; None where the source had no times: such conversations stay out of trends."""
    ended_at: datetime | None = None
    system: str | None = None
    tool_definitions: tuple[ToolDefinition, ...] = ()
    """What the model could call, by the last request that says so; empty where none does."""
    messages: tuple[Message, ...] = ()
    errors: tuple[CallError, ...] = ()
    usage: Usage = Usage()
    models: tuple[str, ...] = ()
    segments: Mapping[str, str] = field(default_factory=dict)
    """Context such as contact_level or channel, from spans and events."""
    events: tuple[Event, ...] = ()
    """The events that belong to this conversation, oldest first."""
    completeness: Completeness
    dialects: tuple[str, ...] = ()

    @property
    def turns(self) -> int:
        """Number of user messages."""
        return sum(message.role == "user" for message in self.messages)

    @property
    def unit(self) -> str:
        """Who is counted in statistics: the user where there is an id, else the conversation."""
        return self.user_id or self.conversation_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreadable:
    """Something received that could not become a conversation; it travels on and is counted."""

    what: str
    reason: str
