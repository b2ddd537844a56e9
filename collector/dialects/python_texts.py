"""Values that a framework wrote with Python's `repr` where JSON was due, read as literals only."""

from __future__ import annotations

import ast
import json
import re

from collector.dialects import decoding
from collector.records import Json

STRING = r"""'(?:[^'\\]|\\.)*+(?:'|\Z)|"(?:[^"\\]|\\.)*+(?:"|\Z)"""
"""A Python string literal without a prefix. One that is never closed goes on to the end, so that no
text is read from each of its quotes again."""
_LONGEST = 100_000
"""Characters; Python's parser needs about a hundred times as much memory as its text."""
_TOKEN = re.compile(rf"{STRING}|[\[\](){{}}]", re.DOTALL)


def literal(text: str) -> Json:
    """Value of a literal of strings, numbers, lists and dicts; what JSON has not becomes text.

    Raises:
        ValueError: it is no such literal, or too long or too deep to be one.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"a literal of {len(text)} characters")
    try:
        written = json.dumps(ast.literal_eval(text), ensure_ascii=False, default=str)
    except (SyntaxError, RecursionError, MemoryError, TypeError) as error:
        raise ValueError("no Python literal") from error
    return decoding.parse(written.encode("utf-8", "replace").decode())


def bracketed(text: str, start: int) -> str:
    """Give the part of `text` from the bracket at `start` to the one that closes it.

    Brackets inside of strings do not count. Raises ValueError where it is never closed.
    """
    depth = 0
    for token in _TOKEN.finditer(text, start, start + _LONGEST):
        if token[0] in "[({":
            depth += 1
        elif token[0] in "])}":
            depth -= 1
            if depth == 0:
                return text[start : token.end()]
    raise ValueError("a bracket that is never closed")
