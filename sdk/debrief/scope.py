"""Which conversation the running code belongs to; it follows tasks, and threads by `threads`.

Kept in a variable of our own beside OpenTelemetry's context: libraries start spans in contexts that
they made elsewhere, and those know nothing of a conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

from debrief.guard import never_raises, quietly

CONVERSATION_ID = "gen_ai.conversation.id"
USER_ID = "user.id"
AGENT = "debrief.agent"
SEGMENT = "debrief.segment."


@dataclass(frozen=True, kw_only=True, slots=True)
class Around:
    """What a `with debrief.conversation(…)` says of everything inside it."""

    agent: str | None = None
    conversation_id: str | None = None
    user_id: str | None = None
    segments: Mapping[str, str] = field(default_factory=dict)

    def attributes(self) -> dict[str, str]:
        """As attributes of spans and events."""
        known = {AGENT: self.agent, CONVERSATION_ID: self.conversation_id, USER_ID: self.user_id}
        segments = {SEGMENT + key: value for key, value in self.segments.items()}
        return {key: value for key, value in known.items() if value is not None} | segments


@dataclass(slots=True, eq=False)
class Conversation:
    """The block of one `with`; also what `as` gives."""

    around: Around
    attributes: Mapping[str, str]
    is_open: bool = False
    _token: Token[Place | None] | None = None

    def __enter__(self) -> Conversation:
        quietly(self._enter)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        quietly(self._leave)

    @property
    def id(self) -> str | None:
        """The conversation id, as sent."""
        return self.around.conversation_id

    def _enter(self) -> None:
        self.is_open = True
        self._token = _place.set(Place(self))

    def _leave(self) -> None:
        self.is_open = False
        token, self._token = self._token, None
        if token is not None:
            try:
                _place.reset(token)
            except ValueError:
                # Left in another context than entered, as frameworks do with generators: there
                # the block never was the current one.
                return


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation as one context sees it."""

    conversation: Conversation
    while_open: bool = False
    """It ends with the block: the thread may live on and serve others."""


_place: ContextVar[Place | None] = ContextVar("debrief_conversation", default=None)


def current() -> Conversation | None:
    """The innermost conversation around the caller."""
    place = _place.get()
    if place is None or (place.while_open and not place.conversation.is_open):
        return None
    return place.conversation


def enter(conversation: Conversation | None, *, while_open: bool = False) -> Token[Place | None]:
    """Make it the current one of this context; `leave` undoes that."""
    return _place.set(Place(conversation, while_open) if conversation else None)


def leave(token: Token[Place | None]) -> None:
    """Undo `enter`, in the same context."""
    _place.reset(token)


def text(value: object) -> str | None:
    """An id or a segment as text; None for None and for what is empty."""
    return (str(value).strip() or None) if value is not None else None


def conversation(
    id: object = None, *, user: object = None, agent: str | None = None, **segments: object
) -> Conversation:
    """Say which conversation everything inside this `with` belongs to.

    Every span that is started inside, by whichever library, carries `gen_ai.conversation.id`,
    `user.id` and `debrief.segment.<key>`; so do events. `id` is what your application calls the
    chat: the same for all of its turns. Without one, what `user` and `segments` say still holds.
    A block inside another one adds to it. `agent` overrides the name given to `init`.

    Works in synchronous and in asynchronous code. Never raises.
    """
    return _conversation(id, user, agent, segments) or Conversation(Around(), {})


@never_raises(None)
def _conversation(
    id: object, user: object, agent: str | None, segments: Mapping[str, object]
) -> Conversation | None:
    outer = current()
    around = merged(outer.around if outer else Around(), id, user, agent, segments)
    return Conversation(around, around.attributes())


def merged(
    outer: Around, id: object, user: object, agent: str | None, segments: Mapping[str, object]
) -> Around:
    """What is around, with what is said here on top."""
    named = {key: word for key, value in segments.items() if (word := text(value)) is not None}
    return replace(
        outer,
        agent=text(agent) or outer.agent,
        conversation_id=text(id) or outer.conversation_id,
        user_id=text(user) or outer.user_id,
        segments={**outer.segments, **named},
    )


def of_span(attributes: Mapping[str, Any]) -> dict[str, str]:
    """What a span says of its conversation, for spans that are started below it elsewhere."""
    return {
        key: str(value)
        for key, value in attributes.items()
        if key in (CONVERSATION_ID, USER_ID, AGENT) or key.startswith(SEGMENT)
    }
