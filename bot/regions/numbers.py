"""Numbers that code assigns, passes or returns by name: limits, timeouts, thresholds.

Takes Python and TypeScript; gives each number with the path of names to it and its place.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias

from bot.regions.python import line_starts, name_of, offset_in, text_of
from bot.regions.script import SUFFIXES, Node, name_of_pair, offsets, parse_script
from bot.regions.structure import NotParsed

_FIELDS = frozenset({"Field", "field", "Setting", "Option"})
_OPTIONS = frozenset({"add_argument", "option", "Option"})
"""Calls that declare an option of a command line: its first text that begins with `-` names it."""
_CASTS = frozenset({"int", "float", "Number", "parseInt", "parseFloat"})
_DIGITS = re.compile(r"\d{1,9}(?:\.\d{1,6})?")
_Names: TypeAlias = tuple[str, ...]
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
    waiting: list[tuple[ast.AST, _Names]] = [(tree, ())]
    found: list[Number] = []
    texts = _default_texts(tree)
    while waiting:
        node, names = waiting.pop()
        is_text = id(node) in texts and isinstance(node, ast.expr) and _is_digits(text_of(node))
        is_number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
        if isinstance(node, ast.Constant) and (is_number or is_text) and names:
            start = offset_in(text, lines, node.lineno, node.col_offset)
            end = offset_in(text, lines, node.end_lineno or 0, node.end_col_offset or 0)
            found.append(Number(".".join(names), start + is_text, end - is_text))
        else:
            waiting += _named_children(node, names)
    yield from sorted(found, key=lambda one: one.start)


def _named_children(node: ast.AST, names: _Names) -> Iterator[tuple[ast.AST, _Names]]:
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
        yield from _in_call(node, names)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            said = key.value if isinstance(key, ast.Constant) else None
            yield value, (*names, said) if isinstance(said, str) else ()
    elif isinstance(node, ast.expr):
        yield from ((one, ()) for one in ast.iter_child_nodes(node))
    else:
        yield from ((one, names) for one in ast.iter_child_nodes(node))


def _in_call(node: ast.Call, names: _Names) -> Iterator[tuple[ast.AST, _Names]]:
    """`int(os.getenv("LIMIT", "8"))` is the limit; `Limit(8)` names its number itself."""
    called = name_of(node.func)
    option = _option(node) if called in _OPTIONS else ""
    own = (*names, option) if option else names
    for one in node.keywords:
        is_default = (called in _FIELDS or bool(option)) and one.arg == "default"
        if one.arg:
            yield one.value, own if is_default else (*names, called, one.arg)
    yield node.func, ()
    reads = _reads_environment(node)
    passes = reads or called in _FIELDS or called in _CASTS
    at = 1 if reads else 0
    for number, given in enumerate(node.args):
        if passes and number == at:
            yield given, names or _variable(node)
        elif not isinstance(given, ast.Constant):
            yield given, ()
        elif len(node.args) == 1:
            yield given, (*names, called)


def _option(node: ast.Call) -> str:
    """`--max-turns` of `add_argument("-m", "--max-turns", …)` is `max_turns`."""
    said = [one for one in map(text_of, node.args) if one.startswith("-")]
    return max(said, key=len, default="").lstrip("-").replace("-", "_")


def _reads_environment(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or len(node.args) != 2:
        return False
    return ast.unparse(node.func) in {"os.getenv", "getenv", "os.environ.get", "environ.get"}


def _variable(node: ast.Call) -> _Names:
    """The variable of the environment that a call reads."""
    first = text_of(node.args[0])
    return (first,) if first and _reads_environment(node) else ()


def _default_texts(tree: ast.AST) -> frozenset[int]:
    """Defaults of variables, by their node: texts that may be numbers."""
    return frozenset(
        id(node.args[1])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _reads_environment(node)
    )


def _script(text: str) -> Iterator[Number]:
    place = offsets(text)
    waiting = [parse_script(text)]
    while waiting:
        node = waiting.pop()
        is_text = node.type == "string" and _is_digits(_bare(node))
        if node.type == "number" or is_text:
            value = _defaulted(node)
            names = _names_above(value) if value.id != node.id or not is_text else ()
            if names:
                start, end = place[node.start_byte], place[node.end_byte]
                yield Number(".".join(names), start + is_text, end - is_text)
        waiting += reversed(node.children)


def _defaulted(node: Node) -> Node:
    """The whole value whose last resort this is: `Number(process.env.LIMIT ?? 8)`."""
    at = node
    while at.parent is not None:
        above = at.parent
        operator = above.child_by_field_name("operator")
        is_default = operator is not None and operator.type in {"??", "||"}
        if (
            is_default and above.named_children[-1].id == at.id
        ) or above.type == "parenthesized_expression":
            at = above
        elif at.id != node.id and _is_cast(above, at) and above.parent is not None:
            at = above.parent
        else:
            break
    return at


def _is_cast(arguments: Node, first: Node) -> bool:
    if arguments.type != "arguments" or arguments.parent is None:
        return False
    called = (arguments.parent.named_children[0].text or b"").decode()
    is_first = arguments.named_children[0].id == first.id
    return is_first and called.rpartition(".")[2] in _CASTS


def _is_digits(text: str) -> bool:
    return _DIGITS.fullmatch(text) is not None


def _bare(node: Node) -> str:
    return (node.text or b"").decode()[1:-1]


def _names_above(node: Node) -> tuple[str, ...]:
    """The names that lead to a number that is a value by itself; empty where it is not."""
    above = node.parent
    if above is not None and above.type == "arguments" and above.named_child_count == 1:
        above = above.parent  # `stepCountIs(8)` names its number itself
    elif above is None or above.type not in _NAMED or above.named_children[-1].id != node.id:
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
