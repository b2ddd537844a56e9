"""What Python code names: the tools of a module, and where a line and its literals stand.

A tool is a function with a decorator that says so, one that is handed over in a list of tools, or a
class with a name and a description.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

TOOL_DECORATORS = re.compile(r"tool|kernel_function|ai_function|function_schema|skill", re.I)
_PROMPT_DECORATORS = frozenset({"system_prompt", "instructions", "prompt", "dynamic_prompt"})
_PROMPT_ARGUMENTS = frozenset({"instructions", "instruction", "system_prompt", "prompt"})
NAME_ARGUMENTS = ("name", "name_override", "tool_name")
DESCRIPTION_ARGUMENTS = frozenset({"description", "description_override", "tool_description"})
_SCHEMA_ARGUMENTS = frozenset({"args_schema", "input_schema", "fn_schema"})
_HANDED_OVER = frozenset({"bind_tools", "bind_functions", "pydantic_function_tool"})
"""Calls whose first argument is a tool or a list of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """What the module as a whole says of its functions and classes."""

    tools: frozenset[str]
    """Functions and classes that are handed over as tools."""
    prompts: frozenset[str]
    """Functions that are handed over as prompts: what they return reaches the model."""
    classes: Mapping[str, str]
    """Class to the tool that it is or whose arguments it lists."""


def named_in(tree: ast.AST) -> Named:
    return Named(
        tools=frozenset(_listed_tools(tree)),
        prompts=frozenset(_handed_prompts(tree)),
        classes=class_tools(tree),
    )


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def tool_decorator(node: Definition) -> ast.expr | None:
    """The decorator that makes a tool of a function or class."""
    found = (one for one in node.decorator_list if TOOL_DECORATORS.search(name_of(one)))
    return next(found, None)


def is_prompt_function(node: Definition, named: Named) -> bool:
    """What it returns is a prompt, by its decorator or by where it is handed over."""
    decorated = any(name_of(one) in _PROMPT_DECORATORS for one in node.decorator_list)
    return decorated or node.name in named.prompts


def given_name(decorator: ast.expr | None) -> str:
    """`@tool("find-order")`, `@tool(name="find-order")`: the name that the model sees."""
    if not isinstance(decorator, ast.Call):
        return ""
    values = [one.value for one in decorator.keywords if one.arg in NAME_ARGUMENTS]
    values += decorator.args[:1]
    return next(filter(None, map(text_of, values)), "")


def is_described(decorator: ast.expr | None) -> bool:
    """The decorator has the description, so that the docstring is for people."""
    return isinstance(decorator, ast.Call) and any(
        one.arg in DESCRIPTION_ARGUMENTS for one in decorator.keywords
    )


def text_of(node: ast.expr) -> str:
    """What a literal says; empty where it is none."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def name_of(node: ast.expr) -> str:
    """The last name of what is called, assigned to or used as a decorator."""
    if isinstance(node, ast.Call):
        return name_of(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _listed_tools(tree: ast.AST) -> Iterator[str]:
    """Functions that the module hands over as `tools=[…]` or puts into a list of that name."""
    for node in ast.walk(tree):
        if (isinstance(node, ast.keyword) and "tools" in (node.arg or "").lower()) or (
            isinstance(node, ast.Assign) and "tools" in name_of(node.targets[0]).lower()
        ):
            yield from _listed(node.value)
        elif isinstance(node, ast.Call) and name_of(node.func) in _HANDED_OVER and node.args:
            yield from _listed(node.args[0])
            yield name_of(node.args[0])


def _listed(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        yield from filter(None, map(name_of, value.elts))
    elif isinstance(value, ast.Dict):
        yield from filter(None, map(name_of, value.values))


def _handed_prompts(tree: ast.AST) -> Iterator[str]:
    """`Agent(instructions=greet)`: the function's name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Name):
            yield from [node.value.id] if node.arg in _PROMPT_ARGUMENTS else ()


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
        if isinstance(node, ast.ClassDef) and (tool := own_name(node)):
            found[node.name] = tool
            found |= {
                name_of(value): tool for name, value in _fields(node) if name in _SCHEMA_ARGUMENTS
            }
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for one in node.decorator_list:
                found |= dict(_schemas(one, given_name(one) or node.name))
        elif isinstance(node, ast.Call):
            named = [one.value for one in node.keywords if one.arg in NAME_ARGUMENTS]
            name = next(filter(None, map(text_of, named)), "")
            found |= dict(_schemas(node, name)) if name else {}
    return found


def _schemas(call: ast.expr, tool: str) -> Iterator[tuple[str, str]]:
    """`args_schema=Arguments` of a call that makes a tool."""
    for one in call.keywords if isinstance(call, ast.Call) else ():
        if one.arg in _SCHEMA_ARGUMENTS and isinstance(one.value, ast.Name):
            yield one.value.id, tool


def own_name(node: ast.ClassDef) -> str:
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


# -- places ------------------------------------------------------------------------------------


def line_starts(text: str) -> list[int]:
    """Where each line begins, as `tokenize` and `ast` count lines."""
    starts, at = [0], 0
    for line in io.StringIO(text, newline=""):
        at += len(line)
        starts.append(at)
    return starts


def offset_in(text: str, lines: Sequence[int], line: int, column: int) -> int:
    """Characters before a place that `ast` gives in lines and UTF-8 bytes."""
    start = lines[line - 1]
    whole = text[start : lines[line] if line < len(lines) else len(text)]
    if whole.isascii():
        return start + column
    return start + len(whole.encode()[:column].decode(errors="ignore"))


def literals(text: str) -> Iterator[tuple[int, int]]:
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
