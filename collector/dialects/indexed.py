"""Lists spread over flat keys, such as `gen_ai.prompt.3.role`, put together again.

The index is text: it is sorted as a number, and gaps (attribute limits, masking) are allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from collector.dialects.spans import Span


def elements(span: Span, prefix: str) -> list[Any]:
    """Rebuild `prefix.<n>.a.<m>.b` as a list of nested dicts, in numeric order."""
    root: dict[str, Any] = {}
    for key in span.keys:
        if not key.startswith(prefix):
            continue
        place = root
        *path, leaf = key[len(prefix) :].split(".")
        for step in path:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                break
        else:
            place[leaf] = span.value(key)
    return list(in_order(root))


def in_order(indexed: Any) -> Iterator[Any]:
    """Values of a dict whose keys are numbers; all other keys are left out."""
    if isinstance(indexed, dict):
        numbers = (key for key in indexed if key.isascii() and key.isdigit())
        for number in sorted(numbers, key=lambda key: int(key[:9])):
            yield indexed[number]
