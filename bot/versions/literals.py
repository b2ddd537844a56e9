"""The texts in source code: string literals of Python, TypeScript and JavaScript.

What is put in at run time becomes `{x}`, the same mark that template files use.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_NESTED = 60
"""Calls and sums inside one another that are followed."""


@dataclass(frozen=True, slots=True)
class Literal:
    """One text and what it is called there."""

    name: str
    """The variable, argument, key or function it belongs to, else its line."""
    text: str
    is_docstring: bool = False


# -- Python ----------------------------------------------------------------------------------------


def python_literals(source: str) -> Iterator[Literal]:
    """Every text of a module; none where it does not parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, name = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = node.name
            documented = ast.get_docstring(node)
            if documented:
                yield Literal(name, documented, is_docstring=True)
            node.body = node.body[1:] if documented else node.body
        text = _text_of(node) if isinstance(node, ast.expr) else None
        if text is not None:
            yield Literal(name or f"line {getattr(node, 'lineno', 0)}", text)
        else:
            waiting.extend(_children(node, name))


def _children(node: ast.AST, name: str) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        name = _name_of(targets[0]) or name
    elif isinstance(node, ast.keyword) and node.arg:
        name = node.arg
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            named = key.value if isinstance(key, ast.Constant) else None
            yield value, named if isinstance(named, str) and len(named) < 80 else name
        return
    for child in ast.iter_child_nodes(node):
        yield child, name


def _name_of(target: ast.expr) -> str | None:
    if isinstance(target, ast.Name):
        return target.id
    return target.attr if isinstance(target, ast.Attribute) else None


def _text_of(node: ast.AST, depth: int = 0) -> str | None:
    """The text that an expression makes, `{x}` for what is not known in it; None if it is none."""
    if depth > MOST_NESTED:
        return None
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        known = (one.value if isinstance(one, ast.Constant) else "{x}" for one in node.values)
        return "".join(map(str, known))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [_text_of(side, depth + 1) for side in (node.left, node.right)]
        if any(side is not None for side in sides):
            return "".join("{x}" if side is None else side for side in sides)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _text_of(node.left, depth + 1)
    if isinstance(node, ast.Call):
        return _text_of_call(node, depth)
    return None


_WRAPPERS = frozenset({"dedent", "cleandoc", "Template", "from_template"})
_METHODS = frozenset({"format", "strip", "lstrip", "rstrip", "replace", "format_map"})


def _text_of_call(node: ast.Call, depth: int) -> str | None:
    """`"…".format(…)`, `dedent("…")` and `"\\n".join([…])`."""
    called = node.func
    if isinstance(called, ast.Attribute) and called.attr in _METHODS:
        return _text_of(called.value, depth + 1)
    if isinstance(called, ast.Attribute) and called.attr == "join" and len(node.args) == 1:
        between, parts = _text_of(called.value, depth + 1), node.args[0]
        if between is not None and isinstance(parts, ast.List | ast.Tuple):
            texts = (_text_of(part, depth + 1) for part in parts.elts)
            return between.join("{x}" if text is None else text for text in texts)
        return None
    name = _name_of(called)
    if name in _WRAPPERS and len(node.args) == 1:
        return _text_of(node.args[0], depth + 1)
    return None


# -- TypeScript and JavaScript ---------------------------------------------------------------------

_SCRIPT = re.compile(
    r"""
      //[^\n]* | (?P<comment>/\*)
    | "(?P<double>(?:[^"\\\n]|\\.)*)" | '(?P<single>(?:[^'\\\n]|\\.)*)'
    | (?P<back>`)
    | (?P<name>[A-Za-z_$][\w$]*)\s*(?::[^=;,(){}\n]{0,80})?[:=]
    | (?P<plus>\+) | (?P<end>,) | (?P<other>[\w$]+|\S)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\r?\n|.)", re.DOTALL
)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": " ", "f": " ", "v": " ", "0": ""}


def script_literals(source: str) -> Iterator[Literal]:
    """Every text of a TypeScript or JavaScript module; texts joined by `+` are one.

    A scanner, not a parser: a quote inside a regular expression can hide the text behind it up to
    the end of that line.
    """
    name, line, counted, at = "", 1, 0, 0
    held: list[str] = []
    joins = False
    while (found := _SCRIPT.search(source, at)) is not None:
        line, counted = line + source.count("\n", counted, found.start()), found.start()
        text, at = _text_at(source, found)
        if found["plus"]:
            joins = bool(held)
        elif text is None and joins and found["other"] not in (None, ";", ")"):
            held += ["{x}"] if held[-1] != "{x}" else []
        elif text is not None and joins:
            held.append(text)
            joins = False
        elif text is not None or found["name"] or found["end"] or found["other"]:
            if held:
                yield Literal(name or f"line {line}", "".join(held))
            held, joins = [] if text is None else [text], False
            name = found["name"] or name
    if held:
        yield Literal(name or f"line {line}", "".join(held))


def _text_at(source: str, found: re.Match[str]) -> tuple[str | None, int]:
    """What a quoted text says, None where there is none, and where to read on."""
    if found["comment"]:
        end = source.find("*/", found.end())
        return None, len(source) if end < 0 else end + 2
    if found["back"]:
        return _template_literal(source, found.end())
    quoted = found["double"] if found["double"] is not None else found["single"]
    return None if quoted is None else _unescaped(quoted), found.end()


def _template_literal(source: str, at: int) -> tuple[str, int]:
    """Text of a template literal that opens before `at`, and where it ends."""
    parts: list[str] = []
    start = at
    while at < len(source):
        if source[at] == "\\":
            at += 2
        elif source[at] == "`":
            break
        elif source.startswith("${", at):
            parts += [source[start:at], "{x}"]
            at = start = _after_braces(source, at + 2)
        else:
            at += 1
    parts.append(source[start:at])
    return _unescaped("".join(parts)), at + 1


def _after_braces(source: str, at: int) -> int:
    depth = 1
    while at < len(source) and depth:
        depth += {"{": 1, "}": -1}.get(source[at], 0)
        at += 1
    return at


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_meant, text)


def _meant(found: re.Match[str]) -> str:
    escape = found[1]
    if escape[0] in "ux" and len(escape) > 1:
        try:
            return chr(int(escape[1:].strip("{}"), 16))
        except (ValueError, OverflowError):
            return ""
    return "" if escape in ("\n", "\r\n") else _ESCAPED.get(escape, escape)
