"""Each call repeats the messages of the call before it. Read the repeated part once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from collector.dialects import decoding
from collector.records import Message

ReadMessage = Callable[[Any], tuple[str | None, list[Message]]]
"""One element of a message list to `(system text, messages)`."""


@dataclass(frozen=True, slots=True)
class Read:
    """One message list."""

    messages: tuple[Message, ...]
    systems: tuple[str, ...]
    truncated: bool = False

    @property
    def system(self) -> str | None:
        return "\n\n".join(self.systems) or None


class Histories:
    """Reads the message lists of calls in time order.

    Where a list begins, byte for byte, with the list before it, only the rest is parsed and the
    messages before are the same objects: reading a conversation is linear in its turns.
    """

    def __init__(self) -> None:
        self._last: dict[ReadMessage, tuple[str, Read]] = {}

    def read(self, text: str, read_message: ReadMessage) -> Read:
        """Read a JSON list of messages; of a list that was cut off, its complete first elements."""
        start, truncated = Read((), ()), False
        last_text, last_read = self._last.get(read_message, ("", start))
        known = last_text[:-1]
        try:
            if known and text.startswith(known) and text[len(known) : len(known) + 1] in (",", "]"):
                start = last_read
                value = decoding.parse("[" + text[len(known) :].lstrip(","))
            else:
                value = decoding.parse(text)
            elements: list[Any] = value if isinstance(value, list) else [value]
        except ValueError:
            start, truncated = Read((), ()), True
            elements = decoding.leading_elements(text)
        messages, systems = list(start.messages), list(start.systems)
        for element in elements:
            system, spoken = read_message(element)
            messages += spoken
            if system:
                systems.append(system)
        read = Read(tuple(messages), tuple(systems), truncated)
        if not truncated and text.endswith("]"):
            self._last[read_message] = (text, read)
        return read
