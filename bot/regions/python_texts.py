"""Prompts and descriptions of tools in Python code.

Reads with `ast` what a text is for and with `tokenize` where its literals stand. Texts that follow
one another, are added or are joined in a list are one text; what code puts in between is a gap.
"""

from __future__ import annotations

import ast
import re
import textwrap
import tokenize
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.regions.hints import is_list_of_rules, is_prompt
from bot.regions.python import (
    DESCRIPTION_ARGUMENTS,
    NAME_ARGUMENTS,
    Definition,
    defaults_of,
    given_name,
    is_described,
    is_prompt_function,
    line_starts,
    literals,
    name_of,
    named_in,
    offset_in,
    own_name,
    text_of,
    tool_decorator,
)
from bot.regions.region import Piece, Region
from bot.regions.structure import NotParsed, mistake
from bot.regions.writings import indented, python_string

_OPENING = re.compile(r"([A-Za-z]{0,2})(\"\"\"|'''|\"|')")
_FOR_PEOPLE = frozenset(
    "print debug info warning error exception critical log getLogger compile "  # noqa: SIM905
    "execute fail skip warn deprecated system confirm echo secho "
    "ArgumentParser add_parser FastAPI Typer".split()
)
_TOOL_CALLS = re.compile(r"tool|function|declaration|from_defaults|signature", re.I)
_TEXTS = ast.Constant | ast.JoinedStr
_FIELDS = frozenset({"Field", "Schema", "Param", "Parameter"})
"""Calls that describe one argument."""
_OPTIONS = frozenset({"add_argument", "option", "argument", "Option", "Argument"})
"""Calls that declare an option of a command line."""
_CONFIGURES = re.compile(r"(?:settings|config|configuration|options)(?:\.|$)", re.IGNORECASE)
"""Classes whose fields are set by people who run the program."""
_SIGNATURE_FIELDS = frozenset({"InputField", "OutputField"})
_ROLES = (
    frozenset({"role", "goal"}),
    frozenset({"description", "expected_output"}),
)
"""Arguments that make an agent or a task of a crew."""
_INSTRUCTING = frozenset({"instructions", "system_prompt", "system_message"})
"""Arguments of what is an agent, with tools or without."""
_KEEPING = frozenset({"format", "strip", "rstrip", "lstrip", "replace"})
"""Methods that leave nearly all of a text as it is."""
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
    returns_prompt: bool = False
    """It stands in a function whose result is a prompt."""
    outer: str = ""
    """Dotted names of what the value is a part of: `system` in `system=[{"text": …}]`."""
    is_certain: bool = False
    """A framework makes a prompt of it, however short it is."""


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
            self.literals = sorted(literals(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
            raise NotParsed(mistake(error)) from error
        self.lines = line_starts(text)
        self.named = named_in(self.tree)

    def regions(self) -> tuple[Region, ...]:
        waiting: list[tuple[ast.AST, _Place]] = [(self.tree, _Place())]
        found: list[Region] = []
        while waiting:
            node, place = waiting.pop()
            if isinstance(node, Definition):
                waiting += self._definition(node, place, found)
                continue
            pieces = self._pieces(node) if isinstance(node, ast.expr) else None
            if pieces:
                found += self._region(pieces, place)
            else:
                waiting += _children(node, place)
        return tuple(sorted(found, key=lambda region: region.pieces[0].start))

    def _definition(
        self, node: Definition, place: _Place, found: list[Region]
    ) -> Iterator[tuple[ast.AST, _Place]]:
        decorator = tool_decorator(node)
        own = given_name(decorator) or node.name
        tool = own if decorator is not None or node.name in self.named.tools else ""
        is_class = isinstance(node, ast.ClassDef)
        inner = _Place(
            name=node.name,
            tool=tool or place.tool,
            returns_prompt=is_prompt_function(node, self.named),
        )
        docstring, body = _docstring(node)
        if docstring is not None and tool and not is_described(decorator):
            pieces = self._pieces(docstring, is_clean=True)
            found += self._region(pieces, replace(inner, name=tool, is_described=True))
        elif docstring is not None and is_class and _is_signature(node):
            found += self._region(
                self._pieces(docstring, is_clean=True), replace(inner, is_certain=True)
            )
        yield from ((one, _Place(tool=tool) if tool else place) for one in node.decorator_list)
        if isinstance(node, ast.ClassDef):
            known = self.named.classes.get(node.name, inner.tool)
            is_own = own_name(node) != ""
            yield from ((one, replace(inner, tool=known, in_class=is_own)) for one in body)
            return
        arguments = node.args
        for one in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            # A text that is the whole annotation is a type, not a description.
            if tool and one.annotation is not None and not isinstance(one.annotation, ast.Constant):
                yield one.annotation, _Place(f"{tool}({one.arg})", tool, is_described=True)
        for name, default in defaults_of(arguments):
            yield default, replace(inner, name=name) if tool else inner
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
        is_certain = place.is_certain and len(region.text.split()) > 1
        dotted = f"{place.outer}.{place.name}".strip(".")
        if place.is_described or is_certain or is_prompt(dotted, region.text, path=self.path):
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
            return self._put_together(_operands(node), "", depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            return self._pieces(node.left, depth=depth + 1)
        if isinstance(node, ast.Call):
            joined = joined_items(node)
            if joined is not None:
                return self._put_together(joined[1], joined[0], depth)
            name = name_of(node.func)
            method = isinstance(node.func, ast.Attribute) and name in _KEEPING
            if method and isinstance(node.func, ast.Attribute):
                return self._pieces(node.func.value, depth=depth + 1)
            if name in {*_DEDENTED, "Template", "from_template"} and len(node.args) == 1:
                dedents = name in _DEDENTED
                return self._pieces(node.args[0], is_clean=dedents, depth=depth + 1)
        return []

    def _put_together(self, nodes: Sequence[ast.expr], between: str, depth: int) -> list[Piece]:
        """The literals of several expressions, and a gap for what is no literal."""
        found: list[Piece] = []
        is_gap = False
        for node in nodes:
            pieces = self._pieces(node, depth=depth + 1)
            if pieces and (found or is_gap):
                gap = (between if found else "") + (GAP + between if is_gap else "")
                joined = between if found and not is_gap else ""
                pieces = [replace(pieces[0], gap=gap, joined=joined), *pieces[1:]]
            is_gap = not pieces
            found += pieces
        return found

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


def joined_items(node: ast.expr) -> tuple[str, Sequence[ast.expr]] | None:
    """What stands between the texts, and the texts, of `"\\n".join([…])`; else None."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr != "join" or len(node.args) != 1:
        return None
    between, listed = text_of(node.func.value), node.args[0]
    if not between or not isinstance(listed, ast.List | ast.Tuple):
        return None
    return between, listed.elts


def _operands(node: ast.BinOp) -> list[ast.expr]:
    """What a sum adds, from left to right."""
    found: list[ast.expr] = []
    at: ast.expr = node
    while isinstance(at, ast.BinOp) and isinstance(at.op, ast.Add):
        found.append(at.right)
        at = at.left
    return [at, *reversed(found)]


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


def _docstring(node: Definition) -> tuple[ast.expr | None, Sequence[ast.stmt]]:
    """(the docstring, the body without it)."""
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is None or not isinstance(first, ast.Expr):
        return None, node.body
    return first.value, node.body[1:]


def _is_signature(node: Definition) -> bool:
    """A class of DSPy, whose docstring is the instruction."""
    bases = node.bases if isinstance(node, ast.ClassDef) else []
    return any(name_of(one).endswith("Signature") for one in bases)


def _children(node: ast.AST, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        name = name_of(targets[0]) or place.name
        if node.value is not None:
            if place.in_class and name == "description":
                yield node.value, _Place(place.tool, place.tool, is_described=True)
            else:
                yield node.value, _Place(name, place.tool, outer=place.name)
    elif isinstance(node, ast.Call):
        yield from _arguments(node, place)
    elif isinstance(node, ast.Dict):
        yield from _entries(node, place)
    elif isinstance(node, ast.List | ast.Tuple):
        rules = is_list_of_rules(place.name) and all(isinstance(one, _TEXTS) for one in node.elts)
        yield from ((one, replace(place, is_certain=rules)) for one in node.elts)
    elif isinstance(node, ast.Return) and node.value is not None:
        yield node.value, replace(place, is_certain=place.returns_prompt)
    elif not _is_for_people(node):
        yield from ((child, place) for child in ast.iter_child_nodes(node))


def _is_for_people(node: ast.AST) -> bool:
    """Errors, types, and texts that stand alone as comments do."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    is_type = isinstance(node, ast.Subscript) and name_of(node.value) == "Literal"
    return is_type or isinstance(node, ast.Raise | ast.Assert)


def _arguments(node: ast.Call, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    called = name_of(node.func)
    is_sent = called == "send" and isinstance(getattr(node.func, "value", None), ast.Call)
    if called in _FOR_PEOPLE or is_sent:  # `Message(content="Hello!").send()`
        return
    if called in _OPTIONS:
        yield from _option(node, place)
        return
    keys = {one.arg for one in node.keywords}
    if called in _FIELDS and not place.tool and _CONFIGURES.search(place.outer):
        yield from ((one.value, place) for one in node.keywords if one.arg == "default")
        yield from ((one, place) for one in node.args[:1])
        return
    is_agent = called.endswith("Agent")  # its description is for itself, or for other agents
    is_instructed = not keys.isdisjoint(_INSTRUCTING)
    makes_tool = keys & DESCRIPTION_ARGUMENTS and called not in _FIELDS
    makes_tool = makes_tool and not (is_agent or is_instructed)
    own = _named_by(node) if makes_tool else ""
    tool = own or place.tool
    outer = f"{place.outer}.{called}".strip(".")
    certain = {name for names in _ROLES if names <= keys for name in (*names, "backstory")}
    yield node.func, place
    yield from ((one, replace(place, outer=outer)) for one in node.args)
    for one in node.keywords:
        name = one.arg or place.name
        if one.arg in certain or (is_agent and one.arg == "description"):
            yield one.value, _Place(name, outer=outer, is_certain=True)
        elif one.arg in DESCRIPTION_ARGUMENTS and _describes(called, tool):
            described = own or _parameter(place, tool)
            yield one.value, _Place(described, tool, is_described=True)
        elif one.arg == "desc" and called in _SIGNATURE_FIELDS:
            yield one.value, _Place(place.name, is_certain=True)
        else:
            yield one.value, _Place(name, tool, outer=outer)


def _option(node: ast.Call, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    """The default of an option; its help is for people."""
    name = next((one for one in map(text_of, node.args) if one.startswith("-")), "")
    inner = replace(place, name=name.lstrip("-").replace("-", "_") or place.name)
    yield from ((one.value, inner) for one in node.keywords if one.arg == "default")
    if not name and node.args and not place.is_described:
        yield node.args[0], inner  # `system: str = typer.Option("You are …")`


def _named_by(node: ast.Call) -> str:
    """What a call names the tool that it makes: by a name, else by the function."""
    called = name_of(node.func)
    values = [one.value for one in node.keywords if one.arg in NAME_ARGUMENTS]
    functions = [one.value for one in node.keywords if one.arg in {"func", "fn", "function"}]
    if _TOOL_CALLS.search(called):
        values += node.args[:1]
        functions += node.args[:1]
    names = [text_of(one) for one in values]
    names += [one.id for one in functions if isinstance(one, ast.Name)]
    return next(filter(None, names), "")


def _describes(called: str, tool: str) -> bool:
    """`description=` of this call is for the model, as far as anybody can tell."""
    return bool(tool) or called in _FIELDS or _TOOL_CALLS.search(called) is not None


def _parameter(place: _Place, tool: str) -> str:
    """The anchor of what a call without a name of its own describes."""
    if place.is_described or not tool:
        return place.name
    return f"{tool}({place.name})" if place.name else tool


def _entries(node: ast.Dict, place: _Place) -> Iterator[tuple[ast.AST, _Place]]:
    """Entries of a dict; one with `name` and `description` defines a tool."""
    keys = [text_of(key) if key is not None else "" for key in node.keys]
    values = dict(zip(keys, node.values, strict=True))
    own = text_of(values["name"]) if "description" in values and "name" in values else ""
    tool = own or place.tool
    outer = f"{place.outer}.{place.name}".strip(".")
    for said, value in zip(keys, node.values, strict=True):
        if said == "description" and tool and not isinstance(value, ast.Dict):
            yield value, _Place(own or f"{tool}({place.name})", tool, is_described=True)
        else:
            yield value, _Place(said[:80] or place.name, tool, outer=outer)


def skeleton(text: str) -> str:
    """All that the code does apart from what its texts say: equal means that no code changed."""
    tree = _Folded().visit(ast.parse(text))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
        elif isinstance(node, ast.JoinedStr):
            node.values = [one for one in node.values if not isinstance(one, ast.Constant)]
    return ast.dump(tree)


class _Folded(ast.NodeTransformer):
    """Texts that are joined in a list are one text, however many lines it has."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        joined = joined_items(node)
        if joined is not None and isinstance(node.args[0], ast.List | ast.Tuple):
            node.args[0].elts = [one for one in joined[1] if not text_of(one)]
        return node
