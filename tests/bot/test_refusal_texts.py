"""What is left out is told in one sentence; this reads the sentences where the code writes them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot

FOLDER = Path(bot.__file__).parent
VALUE_CHARS = 12
"""What a name, a number or a count takes on average."""
MOST_CHARS = 190
_SECOND = re.compile(r"[.!?] +[A-Z]")


def sentences(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of each reason that is written in the call of `Skipped`, or for it."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Skipped", "_skipped"):
            given = [one.value for one in node.keywords if one.arg == "reason"]
            given += node.args[2:3]
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "reason":
            given = [node.value]
        else:
            continue
        yield from ((one.lineno, text) for one in given if (text := written(one)))


def written(node: ast.expr) -> str:
    """The text of a literal, with a word for each value."""
    if isinstance(node, ast.Constant):
        return str(node.value) if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(written, node.values))
    if isinstance(node, ast.FormattedValue):
        return "v" * VALUE_CHARS
    if isinstance(node, ast.BinOp):
        return written(node.left) + written(node.right)
    return ""


@pytest.mark.parametrize(
    "path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER))
)
def test_each_reason_is_one_short_sentence(path: Path) -> None:
    for line, text in sentences(path):
        assert len(text) <= MOST_CHARS, (line, text)
        assert _SECOND.search(text) is None, (line, text)
