"""What a program asks of others: the methods that it calls, and the data of the file it changes.

`client.refund(order)` needs no new name where the file has a client. So a method counts as new that
the file has not called before, unless it is one of plain values, and so does one of an imported
object that is taken or handed on uncalled; and what stands outside of all functions may be read
there, and not changed.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from bot.proposals.code.facts import acts_for_good
from bot.proposals.code.script import said, walk
from bot.regions.script import Node, parse_script

_PLAIN_TYPES = (
    *(str, bytes, list, tuple, dict, set, int, float, Decimal, date, datetime, timedelta),
    *(re.Pattern, re.Match),
)
_OF_VALUES = {name for kind in _PLAIN_TYPES for name in dir(kind) if not name.startswith("_")}
_MODULES = frozenset(
    "asyncio collections datetime decimal difflib functools itertools json logging math re "  # noqa: SIM905
    "statistics string textwrap time unicodedata Array Date Intl JSON Math Number Object Promise "
    "String console".split()
)
_IN_SCRIPTS = frozenset(
    "all allSettled at charAt codePointAt concat endsWith entries every exec filter find findIndex "  # noqa: SIM905
    "findLast flat flatMap forEach get getDate getDay getFullYear getHours getMinutes getMonth "
    "getTime has includes indexOf join keys lastIndexOf localeCompare map match matchAll normalize "
    "padEnd padStart push reduce repeat replace replaceAll reverse slice some sort split "
    "startsWith substring test toFixed toISOString toLocaleString toLowerCase toSorted "
    "toString toUpperCase trim trimEnd trimStart values".split()
)
_LOGGED = frozenset("debug error exception info log warn warning".split())  # noqa: SIM905
_HARMLESS = frozenset(_OF_VALUES | _IN_SCRIPTS | _LOGGED)
"""Methods that a mend may call on whatever it has."""
_OF_A_CONSOLE = frozenset({"copyright", "credits", "exit", "help", "input", "license", "quit"})
"""What Python has for whoever sits before it: they end the process, or wait for a person."""
_CHANGES = frozenset(
    "add append clear delete discard extend fill insert pop popitem push remove reverse set "  # noqa: SIM905
    "setdefault shift sort splice unshift update".split()
)


def python_reach(text: str) -> tuple[Counter[str], Counter[str]]:
    """(methods called, names of the whole file that are written to) of a module that parses."""
    tree = ast.parse(text)
    called: Counter[str] = Counter()
    written: Counter[str] = Counter()
    of_file = set(_bound(tree))
    brought = set(_imported(tree)) - _MODULES
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_handed_on(node.attr, _root(node), brought):
            called[node.attr] += 1
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method, root = node.func.attr, _root(node.func)
            if method not in _HARMLESS and root not in _MODULES:
                called[method] += 1
            if method in _CHANGES and root in of_file:
                written[root] += 1
        elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            if _root(node) in of_file:
                written[_root(node)] += 1
        elif isinstance(node, ast.Call) and _is_counted(_root(node.func)):
            called[_root(node.func)] += 1
        elif isinstance(node, ast.Global):
            written.update(node.names)
    return called, written


def _imported(tree: ast.Module) -> Iterator[str]:
    for one in tree.body:
        if isinstance(one, ast.Import | ast.ImportFrom):
            yield from (name.asname or name.name.partition(".")[0] for name in one.names)


def _is_counted(function: str) -> bool:
    """A function of the file or the language may be called, but for these."""
    return function in _OF_A_CONSOLE or acts_for_good(function)


def _is_handed_on(name: str, owner: str, brought: set[str]) -> bool:
    """`map(client.delete, orders)` reaches as far as a call; `State.OPEN` is a value."""
    return owner in brought and name not in _HARMLESS and not name.isupper()


def _bound(tree: ast.Module) -> Iterator[str]:
    """Names that stand outside of all functions."""
    yield from _imported(tree)
    for one in tree.body:
        if isinstance(one, ast.Assign | ast.AnnAssign):
            targets = one.targets if isinstance(one, ast.Assign) else [one.target]
            yield from (
                at.id for head in targets for at in ast.walk(head) if isinstance(at, ast.Name)
            )
        elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield one.name


def _root(node: ast.expr) -> str:
    """The name that a chain of attributes and places begins with; empty where it is none."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def script_reach(text: str) -> tuple[Counter[str], Counter[str]]:
    """(methods called, names of the whole file that are written to) of a module that parses."""
    root = parse_script(text)
    called: Counter[str] = Counter()
    written: Counter[str] = Counter()
    of_file = set(_bound_in_script(root))
    brought = set(_imported_in_script(root)) - _MODULES
    for node in walk(root):
        called.update(_handed_on(node, brought))
        if node.type == "call_expression":
            function = node.child_by_field_name("function")
            if function is not None and function.type == "identifier":
                called.update([said(function)] if _is_counted(said(function)) else [])
            if function is None or function.type != "member_expression":
                continue
            method, owner = said(function.child_by_field_name("property")), _owner(function)
            if method not in _HARMLESS and owner not in _MODULES:
                called[method] += 1
            if method in _CHANGES and owner in of_file:
                written[owner] += 1
            if owner == "Object" and method == "assign":
                arguments = node.named_children[-1].named_children[:1]
                written.update(name for name in map(_owner, arguments) if name in of_file)
        elif node.type in _WRITES or (node.type == "unary_expression" and _deletes(node)):
            target = node.child_by_field_name("left") or node.child_by_field_name("argument")
            if target is not None and _owner(target) in of_file:
                written[_owner(target)] += 1
    return called, written


_WRITES = frozenset(
    {"assignment_expression", "augmented_assignment_expression", "update_expression"}
)
_HEADS = frozenset({"identifier", "shorthand_property_identifier_pattern"})


def _handed_on(node: Node, brought: set[str]) -> Iterator[str]:
    """`const { refund } = client` and `ids.map(client.refund)` reach as far as a call."""
    if node.type == "debugger_statement":
        yield "debugger"
    elif node.type == "member_expression":
        name = said(node.child_by_field_name("property"))
        if _is_handed_on(name, _owner(node), brought):
            yield name
    elif node.type == "variable_declarator":
        head, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if head is not None and value is not None and head.type == "object_pattern":
            taken = [
                one.named_children[0] if one.type == "pair_pattern" else one
                for one in head.named_children
            ]
            yield from (
                said(one) for one in taken if _is_handed_on(said(one), _owner(value), brought)
            )


def _deletes(node: Node) -> bool:
    return said(node.child_by_field_name("operator")) == "delete"


def _imported_in_script(root: Node) -> Iterator[str]:
    for one in root.named_children:
        if one.type == "import_statement":
            yield from (said(at) for at in walk(one) if at.type == "identifier")


def _bound_in_script(root: Node) -> Iterator[str]:
    """Names that stand outside of all functions."""
    yield from _imported_in_script(root)
    for one in root.named_children:
        inner = one.child_by_field_name("declaration") or one
        for declared in inner.named_children:
            name = declared.child_by_field_name("name")
            if declared.type == "variable_declarator" and name is not None:
                yield from (said(at) for at in walk(name) if at.type in _HEADS)


def _owner(node: Node) -> str:
    """The name that a chain of members begins with; empty where it is none."""
    at: Node | None = node
    while at is not None and at.type in {"member_expression", "subscript_expression"}:
        at = at.child_by_field_name("object")
    while at is not None and at.type in {"parenthesized_expression", "non_null_expression"}:
        at = at.named_children[0]
    return said(at) if at is not None and at.type == "identifier" else ""
