"""The functions of a program, each with the names by which a model may call it.

A tool is named by its function, by a decorator, by the definition that holds it, by the class whose
method it is, or by a table or a call that gives a name to it.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.proposals.code.script import FUNCTIONS, function_name, said, walk
from bot.records import SourceFile
from bot.regions import NotParsed
from bot.regions.python import line_starts, name_of
from bot.regions.script import Node, offsets, parse_script
from bot.regions.structure import mistake

_NAMES = ("name", "toolName")
_RUNS = ("_run", "run", "invoke", "_call", "call", "execute", "forward", "__call__", "_arun")
"""Methods in which a class that is a tool does its work, the first one it has."""
_TESTED = frozenset({"===", "=="})


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """One function of a file, with its decorators and all of its lines."""

    file: SourceFile
    name: str
    names: tuple[str, ...]
    """What it or the tool that it is a part of is called."""
    start: int
    end: int
    answers: frozenset[str] = frozenset()
    """Names that it compares with: it may answer calls of tools by those names."""

    @property
    def text(self) -> str:
        return self.file.text[self.start : self.end]


def functions_of(file: SourceFile) -> Iterator[Function]:
    """All functions of a file, those inside others as well.

    Raises:
        NotParsed: it is no program that can be read.
    """
    yield from _python(file) if file.path.endswith(".py") else _script(file)


# -- Python --------------------------------------------------------------------------------------


def _python(file: SourceFile) -> Iterator[Function]:
    try:
        tree = ast.parse(file.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotParsed(mistake(error)) from error
    lines = [*line_starts(file.text), len(file.text)]
    given = _given(tree)
    by_class = _methods(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min(one.lineno for one in (node, *node.decorator_list))
            others = [*_decorated(node), *given.get(node.name, ()), *by_class.get(id(node), ())]
            yield Function(
                file=file,
                name=node.name,
                names=(node.name, *others),
                start=lines[first - 1],
                end=lines[node.end_lineno or node.lineno],
                answers=frozenset(_compared(node)),
            )


def _decorated(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Names that decorators give: `@tool("find_order")`, `@tool(name="find_order")`."""
    for one in node.decorator_list:
        if isinstance(one, ast.Call):
            values = [*one.args[:1], *(key.value for key in one.keywords if key.arg in _NAMES)]
            yield from _texts(values)


def _given(tree: ast.AST) -> Mapping[str, list[str]]:
    """Function to the names given to it: `{"find_order": look_up}`, `Tool("find_order", f)`."""
    found: dict[str, list[str]] = defaultdict(list)
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    found[name_of(value)].append(key.value)
        elif isinstance(node, ast.Call):
            values = [*node.args, *(key.value for key in node.keywords)]
            named = [one.value for one in node.keywords if one.arg in _NAMES] or node.args[:2]
            for name in _texts(named):
                for one in values:
                    if isinstance(one, ast.Name):
                        found[one.id].append(name)
    return found


def _methods(tree: ast.AST) -> Mapping[int, tuple[str, ...]]:
    """The working method of each class, by its node, with what the class calls itself."""
    found: dict[int, tuple[str, ...]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        methods = {
            one.name: one
            for one in node.body
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        working = next((methods[name] for name in _RUNS if name in methods), None)
        if working is not None:
            names = (node.name, node.name.removesuffix("Tool"), *_called(node))
            found[id(working)] = tuple(dict.fromkeys(names))
    return found


def _called(node: ast.ClassDef) -> Iterator[str]:
    """`name = "find_order"`, or the entry of that name in a definition that the class returns."""
    for one in ast.walk(node):
        if isinstance(one, ast.Assign | ast.AnnAssign) and one in node.body and one.value:
            target = one.targets[0] if isinstance(one, ast.Assign) else one.target
            if name_of(target) in _NAMES:
                yield from _texts([one.value])
        elif isinstance(one, ast.Dict):
            keys = {key.value: value for key, value in _pairs(one)}
            if "description" in keys:
                yield from _texts(keys[name] for name in _NAMES if name in keys)


def _pairs(node: ast.Dict) -> Iterator[tuple[ast.Constant, ast.expr]]:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant):
            yield key, value


def _compared(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Compare) and any(isinstance(op, ast.Eq) for op in one.ops):
            yield from _texts([one.left, *one.comparators])
        elif isinstance(one, ast.MatchValue):
            yield from _texts([one.value])


def _texts(values: Iterable[ast.expr]) -> Iterator[str]:
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value


# -- TypeScript and JavaScript -------------------------------------------------------------------


def _script(file: SourceFile) -> Iterator[Function]:
    place = offsets(file.text)
    nodes = list(walk(parse_script(file.text)))
    given = _given_in_script(nodes)
    for node in nodes:
        if node.type in FUNCTIONS:
            own = list(_script_names(node))
            names = [*own, *(name for one in own[:1] for name in given.get(one, ()))]
            yield Function(
                file=file,
                name=next(iter(own), ""),
                names=tuple(names),
                start=place[node.start_byte],
                end=place[node.end_byte],
                answers=frozenset(_compared_in_script(node)),
            )


def _script_names(node: Node) -> Iterator[str]:
    """The function's own name, then those of the definitions that it is a part of."""
    if own := function_name(node):
        yield own
    at = node.parent
    while at is not None and at.type not in FUNCTIONS:
        if at.type in {"variable_declarator", "pair"}:
            yield _bare(at.named_children[0])
        elif at.type == "object":
            yield from _named_in(at)
        elif at.type == "call_expression":
            for one in at.named_children[-1].named_children[:1]:
                if one.type == "string":
                    yield _bare(one)
        elif at.type == "class_body" and own in _RUNS:
            yield from _class_names(at)
        at = at.parent


def _named_in(node: Node) -> Iterator[str]:
    """`name: "find_order"` of an object."""
    for pair in node.named_children:
        key = _bare(pair.named_children[0]) if pair.named_children else ""
        if pair.type == "pair" and key in _NAMES:
            yield _bare(pair.named_children[-1])


def _class_names(body: Node) -> Iterator[str]:
    """`name = "find_order"` of a class, and the class's own name."""
    for one in body.named_children:
        if one.type == "public_field_definition":
            key, value = one.child_by_field_name("name"), one.child_by_field_name("value")
            if said(key) in _NAMES and value is not None and value.type == "string":
                yield _bare(value)
    if body.parent is not None:
        name = said(body.parent.child_by_field_name("name"))
        yield from (name, name.removesuffix("Tool"))


def _given_in_script(nodes: Iterable[Node]) -> Mapping[str, list[str]]:
    """Function to the names given to it: `{ find_order: lookUp }`, `add("find_order", f)`."""
    found: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        if node.type == "pair" and node.named_children[-1].type == "identifier":
            found[said(node.named_children[-1])].append(_bare(node.named_children[0]))
        elif node.type == "arguments":
            names = [_bare(one) for one in node.named_children[:1] if one.type == "string"]
            for one in node.named_children:
                if one.type == "identifier":
                    found[said(one)] += names
    return found


def _compared_in_script(node: Node) -> Iterator[str]:
    for one in walk(node):
        if one.type == "switch_case":
            yield from _strings([one.child_by_field_name("value")])
        elif one.type == "binary_expression":
            operator = one.child_by_field_name("operator")
            if operator is not None and operator.type in _TESTED:
                yield from _strings(one.named_children)


def _strings(nodes: Iterable[Node | None]) -> Iterator[str]:
    for node in nodes:
        if node is not None and node.type == "string":
            yield _bare(node)


def _bare(node: Node) -> str:
    return said(node).strip("\"'`")
