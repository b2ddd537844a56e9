"""Prompts and descriptions of tools in Python code.

Reads with `ast` what a text is for and with `tokenize` where its literals stand. Texts that follow
one another or are joined by `+` are one text; what code puts in between is a gap.
"""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.regions.hints import is_prompt
from bot.regions.region import Piece, Region
from bot.regions.structure import NotParsed, mistake
from bot.regions.writings import indented, python_string

_OPENING = re.compile(r"([A-Za-z]{0,2})(\"\"\"|'''|\"|')")
_TOOL_DECORATORS = re.compile(r"tool|kernel_function|ai_function|function_schema|skill", re.I)
_FOR_PEOPLE = frozenset(
    "print debug info warning error exception critical log getLogger add_argument compile "  # noqa: SIM905
    "execute fail skip option argument warn deprecated".split()
)
_DEDENTED = frozenset({"dedent", "cleandoc"})
GAP = "{…}"
_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class _Place:
    """What a text is for."""

    name: str = ""
    tool: str = ""
    """The tool whose definition this is in."""
    is_described: bool = False
    """It is a description, in a tool's definition."""
    in_class: bool = False
    """It stands in the body of a class that is a tool: `description = …` is the tool's."""


def python_regions(path: str, text: str) -> tuple[Region, ...]:
    """The texts of a module that may reach the model, in their order.

    Raises:
        NotParsed: it is no Python that this version reads.
    """
    return _Module(path, text).regions()


class _Module:
    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        try:
            self.tree = ast.parse(text)
            self.literals = sorted(_literals(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
            raise NotParsed(mistake(error)) from error
        self.lines = line_starts(text)
        self.tools = _listed_tools(self.tree)
        self.classes = class_tools(self.tree)

    def regions(self) -> tuple[Region, ...]:
        waiting: list[tuple[ast.AST, _Place]] = [(self.tree, _Place())]
        found: list[Region] = []
        while waiting:
            node, place = waiting.pop()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                waiting += self._definition(node, place, found)
                continue
            pieces = self._pieces(node) if isinstance(node, ast.expr) else None
            if pieces:
                found += self._region(pieces, place)
            else:
                waiting += _children(node, place)
        return tuple(sorted(found, key=lambda region: region.pieces[0].start))

    def _definition(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        place: _Place,
        found: list[Region],
    ) -> Iterator[tuple[ast.AST, _Place]]:
        is_tool = node.name in self.tools or any(
            _TOOL_DECORATORS.search(name_of(one)) for one in node.decorator_list
        )
        inner = _Place(name=node.name, tool=node.name if is_tool else place.tool)
        body = node.body
        if ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            body = node.body[1:]
            if is_tool and isinstance(docstring, ast.Expr):
                pieces = self._pieces(docstring.value, is_clean=True)
                found += self._region(pieces or [], replace(inner, is_described=True))
        yield from ((one, place) for one in node.decorator_list)
        if isinstance(node, ast.ClassDef):
            known = replace(inner, tool=self.classes.get(node.name, inner.tool))
            is_own = _own_name(node) != ""
            yield from ((one, replace(known, in_class=is_own)) for one in body)
            return
        arguments = node.args
        for one in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            if is_tool and one.annotation is not None:
                described = f"{node.name}({one.arg})"
                yield one.annotation, _Place(described, node.name, is_described=True)
        for name, default in defaults_of(arguments):
            yield default, replace(inner, name=name) if is_tool else inner
        yield from ((one, inner) for one in body)

    def _region(self, pieces: Sequence[Piece], place: _Place) -> Iterator[Region]:
        if not pieces:
            return
        line = self.text.count("\n", 0, pieces[0].start) + 1
        region = Region(
            path=self.path,
            kind="tool" if place.is_described else "prompt",
            anchor=place.name or f"line {line}",
            file_text=self.text,
            pieces=tuple(pieces),
        )
        if place.is_described or is_prompt(place.name, region.text):
            yield region

    # -- where the literals of an expression stand ---------------------------------------------

    def _pieces(self, node: ast.expr, *, is_clean: bool = False, depth: int = 0) -> list[Piece]:
        """The literals of a text, or none where the expression is something else."""
        if depth > _DEEPEST:
            return []
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        ):
            return self._literal_pieces(node, is_clean)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            found: list[Piece] = []
            is_gap = False
            for operand in _operands(node):
                pieces = self._pieces(operand, depth=depth + 1)
                if pieces and is_gap:
                    pieces = [replace(pieces[0], gap=GAP), *pieces[1:]]
                is_gap = not pieces
                found += pieces
            return found
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            return self._pieces(node.left, depth=depth + 1)
        if isinstance(node, ast.Call):
            name = name_of(node.func)
            method = isinstance(node.func, ast.Attribute) and name in {"format", "strip", "rstrip"}
            if method and isinstance(node.func, ast.Attribute):
                return self._pieces(node.func.value, depth=depth + 1)
            if name in {*_DEDENTED, "Template", "from_template"} and len(node.args) == 1:
                dedents = name in _DEDENTED
                return self._pieces(node.args[0], is_clean=dedents, depth=depth + 1)
        return []

    def _literal_pieces(self, node: ast.expr, is_clean: bool) -> list[Piece]:
        start, end = self._span(node)
        first = bisect_left(self.literals, (start, 0))
        found: list[Piece] = []
        for low, high in self.literals[first:]:
            if low >= end:
                break
            opening = _OPENING.match(self.text, low)
            if opening is None or "b" in opening[1].lower():
                return []
            prefix, quote = opening[1], opening[2]
            inner = (opening.end(), high - len(quote))
            writing = python_string(prefix, quote)
            indent = common_indent(self.text[slice(*inner)]) if is_clean else ""
            found.append(
                Piece(
                    start=inner[0],
                    end=inner[1],
                    writing=indented(indent, writing) if indent else writing,
                )
            )
        return found

    def _span(self, node: ast.expr) -> tuple[int, int]:
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return (
            offset_in(self.text, self.lines, node.lineno, node.col_offset),
            offset_in(self.text, self.lines, end_line, end_column),
        )


def offset_in(text: str, lines: Sequence[int], line: int, column: int) -> int:
    """Characters before a place that `ast` gives in lines and UTF-8 bytes."""
    start = lines[line - 1]
    whole = text[start : lines[line] if line < len(lines) else len(text)]
    if whole.isascii():
        return start + column
    return start + len(whole.encode()[:column].decode(errors="ignore"))


def _operands(node: ast.BinOp) -> list[ast.expr]:
    """What a sum adds, from left to right."""
    found: list[ast.expr] = []
    at: ast.expr = node
    while isinstance(at, ast.BinOp) and isinstance(at.op, ast.Add):
        found.append(at.right)
        at = at.left
    return [at, *reversed(found)]


def _literals(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of every string literal, f-strings whole on every version of Python."""
    starts = line_starts(text)
    opened: list[int] = []
    kinds = {getattr(tokenize, name, -1): name for name in ("FSTRING_START", "FSTRING_END")}
    for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
        start = starts[token.start[0] - 1] + token.start[1]
        kind = kinds.get(token.type)
        if token.type == tokenize.STRING and not opened:
            yield start, starts[token.end[0] - 1] + token.end[1]
        elif kind == "FSTRING_START":
            opened.append(start)
        elif kind == "FSTRING_END":
            low = opened.pop()
            if not opened:
                yield low, starts[token.end[0] - 1] + token.end[1]


def line_starts(text: str) -> list[int]:
    """Where each line begins, as `tokenize` and `ast` count lines."""
    starts, at = [0], 0
    for line in io.StringIO(text, newline=""):
        at += len(line)
        starts.append(at)
    return starts


def common_indent(raw: str) -> str:
    """What all lines but the first begin with, so that it is layout and not text."""
    _, newline, rest = raw.partition("\n")
    if not newline:
        return ""
    lines = [line for line in rest.split("\n")[:-1] if line.strip()]
    last = rest.rpartition("\n")[2]
    lines += [last] if last.strip() else []
    if not lines:
        return ""
    shortest = min(len(line) - len(line.lstrip(" \t")) for line in lines)
    indent = lines[0][:shortest]
    same = all(line.startswith(indent) for line in lines)
    return indent if same and textwrap.dedent("\n".join(lines)) else ""


# -- what a text is for ------------------------------------------------------------------------


def _children(node: ast.AST, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        name = name_of(targets[0]) or place.name
        if node.value is not None:
            if place.in_class and name == "description":
                yield node.value, _Place(place.tool, place.tool, is_described=True)
            else:
                yield node.value, _Place(name, place.tool)
        return
    if isinstance(node, ast.Call):
        yield from _arguments(node, place)
        return
    if isinstance(node, ast.Dict):
        yield from _entries(node, place)
        return
    if isinstance(node, ast.Raise | ast.Assert):
        return
    if isinstance(node, ast.Subscript) and name_of(node.value) == "Literal":
        return
    yield from ((child, place) for child in ast.iter_child_nodes(node))


def _arguments(node: ast.Call, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    called = name_of(node.func)
    if called in _FOR_PEOPLE:
        return
    named = {
        one.arg: one.value.value
        for one in node.keywords
        if one.arg and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str)
    }
    is_field = called == "Field"
    tool = named.get("name", "") if "description" in named and not is_field else place.tool
    yield node.func, place
    yield from ((one, place) for one in node.args)
    for one in node.keywords:
        if one.arg == "description":
            name = f"{tool}({place.name})" if is_field and tool else tool or place.name
            yield one.value, _Place(name, tool, is_described=True)
        else:
            yield one.value, _Place(one.arg or place.name, tool, is_described=False)


def _entries(node: ast.Dict, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    """Entries of a dict; one with `name` and `description` defines a tool."""
    values = {
        key.value: value
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
    name = values.get("name")
    is_tool = "description" in values and isinstance(name, ast.Constant)
    tool = str(name.value) if is_tool and isinstance(name, ast.Constant) else place.tool
    for key, value in zip(node.keys, node.values, strict=True):
        said = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
        if said == "description" and tool:
            named = tool if is_tool else f"{tool}({place.name})"
            yield value, _Place(named, tool, is_described=True)
        else:
            yield value, _Place(said[:80] or place.name, tool)


def name_of(node: ast.expr) -> str:
    """The last name of what is called, assigned to or used as a decorator."""
    if isinstance(node, ast.Call):
        return name_of(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _listed_tools(tree: ast.AST) -> frozenset[str]:
    """Functions that the module hands over as `tools=[…]` or puts into a list of that name."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword):
            name = node.arg or ""
        elif isinstance(node, ast.Assign):
            name = name_of(node.targets[0])
        else:
            continue
        value = node.value if "tools" in name.lower() else None
        if isinstance(value, ast.List | ast.Tuple | ast.Set):
            found.update(filter(None, map(name_of, value.elts)))
        elif isinstance(value, ast.Dict):
            found.update(filter(None, map(name_of, value.values)))
    return frozenset(found)


def defaults_of(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    """(argument, its default value)."""
    positional = [*arguments.posonlyargs, *arguments.args]
    late = positional[len(positional) - len(arguments.defaults) :]
    yield from ((one.arg, value) for one, value in zip(late, arguments.defaults, strict=True))
    for one, given in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if given is not None:
            yield one.arg, given


def class_tools(tree: ast.AST) -> Mapping[str, str]:
    """Class to the tool that it is, or whose arguments it lists: `args_schema = Arguments`."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and (tool := _own_name(node)):
            found[node.name] = tool
            found |= {
                name_of(value): tool for name, value in _fields(node) if name == "args_schema"
            }
    return found


def _own_name(node: ast.ClassDef) -> str:
    """What a class that is a tool is called by the model: it has a name and a description."""
    fields = {
        name: value.value
        for name, value in _fields(node)
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    }
    return fields.get("name", "") if "description" in fields else ""


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    for one in node.body:
        if isinstance(one, ast.Assign):
            yield name_of(one.targets[0]), one.value
        elif isinstance(one, ast.AnnAssign) and one.value is not None:
            yield name_of(one.target), one.value


def skeleton(text: str) -> str:
    """All that the code does apart from what its texts say: equal means that no code changed."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
        elif isinstance(node, ast.JoinedStr):
            node.values = [one for one in node.values if not isinstance(one, ast.Constant)]
    return ast.dump(tree)
