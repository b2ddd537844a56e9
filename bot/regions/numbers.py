"""Numbers that code assigns, passes or returns by name: limits, timeouts, thresholds.

Takes Python and TypeScript; gives each number with the path of names to it and its place.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.regions.python import line_starts, name_of, offset_in
from bot.regions.script import SUFFIXES, Node, name_of_pair, offsets, parse_script
from bot.regions.structure import NotParsed

_NAMED = {"pair", "variable_declarator", "public_field_definition", "assignment_expression"}


@dataclass(frozen=True, slots=True)
class Number:
    """A literal number in code."""

    key: str
    """Dotted: `Settings.max_tokens`, `generateText.maxSteps`."""
    start: int
    end: int


def code_numbers(path: str, text: str) -> tuple[Number, ...]:
    """The named numbers of a module, in their order; none in a file that is no code.

    Raises:
        NotParsed: the code has a mistake.
    """
    suffix = PurePosixPath(path).suffix.lower()
    if suffix == ".py":
        return tuple(_python(text))
    return tuple(_script(text)) if suffix in SUFFIXES else ()


def _python(text: str) -> Iterator[Number]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        first = str(error).splitlines()[:1]
        raise NotParsed(f"{type(error).__name__}: {first[0] if first else ''}") from error
    lines = line_starts(text)
    waiting: list[tuple[ast.AST, tuple[str, ...]]] = [(tree, ())]
    found: list[Number] = []
    while waiting:
        node, names = waiting.pop()
        if isinstance(node, ast.Constant) and type(node.value) in (int, float) and names:
            start = offset_in(text, lines, node.lineno, node.col_offset)
            end = offset_in(text, lines, node.end_lineno or 0, node.end_col_offset or 0)
            found.append(Number(".".join(names), start, end))
        else:
            waiting += _named_children(node, names)
    yield from sorted(found, key=lambda one: one.start)


def _named_children(
    node: ast.AST, names: tuple[str, ...]
) -> Iterator[tuple[ast.AST, tuple[str, ...]]]:
    """What is inside, with its names. A number inside a sum or an index is not the named value."""
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield node.value, (*names, name_of(targets[0]))
    elif isinstance(node, ast.ClassDef):
        yield from ((one, (*names, node.name)) for one in node.body)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = [*node.args.posonlyargs, *node.args.args]
        last = arguments[len(arguments) - len(node.args.defaults) :]
        pairs = [*zip(last, node.args.defaults, strict=True)]
        pairs += [
            (one, value)
            for one, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            if value is not None
        ]
        yield from ((value, (*names, node.name, one.arg)) for one, value in pairs)
        yield from ((one, (*names, node.name)) for one in node.body)
    elif isinstance(node, ast.Call):
        called = name_of(node.func)
        yield from ((one.value, (*names, called, one.arg)) for one in node.keywords if one.arg)
        yield from ((one, ()) for one in (node.func, *node.args) if not _is_number(one))
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            said = key.value if isinstance(key, ast.Constant) else None
            yield value, (*names, said) if isinstance(said, str) else ()
    elif isinstance(node, ast.expr):
        yield from ((one, ()) for one in ast.iter_child_nodes(node))
    else:
        yield from ((one, names) for one in ast.iter_child_nodes(node))


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


def _script(text: str) -> Iterator[Number]:
    place = offsets(text)
    waiting = [parse_script(text)]
    while waiting:
        node = waiting.pop()
        if node.type == "number":
            names = _names_above(node)
            if names:
                yield Number(".".join(names), place[node.start_byte], place[node.end_byte])
        waiting += reversed(node.children)


def _names_above(node: Node) -> tuple[str, ...]:
    """The names that lead to a number that is a value by itself; empty where it is not."""
    above = node.parent
    if above is None or above.type not in _NAMED or above.named_children[-1].id != node.id:
        return ()
    names: list[str] = []
    at: Node | None = above
    while at is not None:
        if at.type in _NAMED:
            names.append(name_of_pair(at))
        elif at.type == "call_expression":
            names.append((at.named_children[0].text or b"").decode().rpartition(".")[2][:80])
        at = at.parent
    return tuple(reversed(names))
