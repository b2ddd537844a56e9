"""Takes the texts of many columns, gives them back redacted; each distinct text is read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

from collector.redaction import Redactor

_Text = TypeVar("_Text", str, str | None)

_SHORTEST = 7
"""Characters of the shortest text in which something is found."""
_NUMBER = tuple("-0123456789")
"""How a number in JSON begins. A bare one has no room for a placeholder."""


class Cleaning:
    """First give all columns, then redact, then ask for each column again."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._clean: dict[str, str] = {}

    def give(self, *columns: Iterable[str | None]) -> None:
        for column in columns:
            self._given.update(text for text in column if text and len(text) >= _SHORTEST)

    def give_json(self, *columns: Iterable[str]) -> None:
        for column in columns:
            self.give(text for text in column if not text.startswith(_NUMBER))

    def redact(self, redact: Redactor) -> Counter[str]:
        """How many values of each kind were replaced; a text that repeats counts once."""
        texts = list(self._given)
        clean, counts = redact.texts(texts)
        self._clean = dict(zip(texts, clean, strict=True)) if counts else {}
        return counts

    def text(self, text: _Text) -> _Text:
        return text if text is None else self._clean.get(text, text)

    def texts(self, column: Sequence[_Text]) -> Sequence[_Text]:
        if not self._clean:
            return column
        return [self.text(text) for text in column]

    def json_texts(self, column: Sequence[str]) -> Sequence[str]:
        if not self._clean:
            return column
        return [
            text if text.startswith(_NUMBER) else self._clean.get(text, text) for text in column
        ]

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Keys with their strings."""
        return list(zip((key for key, _ in pairs), self.texts([t for _, t in pairs]), strict=True))

    def json_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Keys with their JSON texts."""
        texts = self.json_texts([text for _, text in pairs])
        return list(zip((key for key, _ in pairs), texts, strict=True))
