"""Takes attribute values that name a user or a conversation, gives what the store calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import orjson

from collector import semconv
from collector.records import Json
from collector.redaction import Redactor, names_user

IDENTIFIERS = frozenset(
    {
        *semconv.CONVERSATION_IDS,
        *semconv.PREVIOUS_RESPONSE_IDS,
        semconv.EVENT_ID,
        semconv.RESPONSE_ID,
    }
)
_KNOWN_KEYS = 4096
"""Attribute names whose meaning is remembered; senders make them up, so this needs a bound."""

Attributes: TypeAlias = list[tuple[str, Json]]
"""As sent; keys may repeat."""
Pairs: TypeAlias = list[tuple[str, str]]
"""Keys with strings or JSON texts; keys may repeat."""


@lru_cache(_KNOWN_KEYS)
def names_person(key: str) -> bool:
    """Whether an attribute of this name holds an id that the store may call otherwise."""
    return key in IDENTIFIERS or names_user(key)


def first_text(by_key: Mapping[str, Json], keys: Sequence[str]) -> str | None:
    """The value of the first of `keys` that is there and not blank."""
    if by_key.keys().isdisjoint(keys):
        return None
    for key in keys:
        value = by_key.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value)
    return None


class Pseudonyms:
    """What the store calls the users and conversations of one request."""

    def __init__(self, redact: Redactor, identifiers: Iterable[str]) -> None:
        """`identifiers` are the ids of conversations, events and responses, as sent."""
        self._redact = redact
        self._identifiers = dict(redact.identifiers(sorted(set(identifiers))))
        self._users: dict[str, str] = {}

    def identifier(self, value: str) -> str:
        """An id that was given; any other passes through."""
        return self._identifiers.get(value, value)

    def user(self, user_id: str) -> str:
        # A request names few users, each many times.
        if user_id not in self._users:
            self._users[user_id] = self._redact.user(user_id)
        return self._users[user_id]

    def value(self, key: str, value: Json) -> Json:
        """The value of an attribute; what names nobody passes through."""
        if not names_person(key) or not isinstance(value, str | int) or isinstance(value, bool):
            return value
        if key in IDENTIFIERS:
            return self.identifier(str(value))
        return self.user(str(value)) if value != "" else value

    def divided(self, attributes: Attributes) -> tuple[Pairs, Pairs]:
        """Attributes that are strings, and all others as JSON text."""
        texts: Pairs = []
        others: Pairs = []
        for key, sent in attributes:
            value = self.value(key, sent)
            if isinstance(value, str):
                texts.append((key, value))
            else:
                others.append((key, orjson.dumps(value).decode()))
        return texts, others
