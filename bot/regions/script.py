"""Prompts and descriptions of tools in TypeScript and JavaScript, read with tree-sitter.

The grammar of TSX reads all of them. Texts joined by `+` are one text; what a template puts in
stays in the text as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import tree_sitter
import tree_sitter_typescript

from bot.regions.hints import is_list_of_rules, is_prompt
from bot.regions.python_texts import GAP, common_indent
from bot.regions.region import Piece, Region
from bot.regions.structure import NotParsed
from bot.regions.writings import indented, script_string

Node = tree_sitter.Node

_TEXTS = frozenset({"string", "template_string"})
_NAMED = frozenset(
    {"pair", "variable_declarator", "public_field_definition", "assignment_expression"}
)
_TOOL_CALLS = re.compile(r"tool|defineFunction|action", re.IGNORECASE)
_MESSAGES = re.compile(r"(?:System|Developer)Message$|Prompt(?:Template)?(?:\.from\w+)?$")
"""Calls that make a text for the model of their first argument."""
_HOLDERS = frozenset(
    {"object", "as_expression", "satisfies_expression", "parenthesized_expression"}
)
"""What may stand between an entry and the name of what it is in."""
SUFFIXES = frozenset({".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts"})
_FOR_PEOPLE = frozenset({"console", "logger", "log", "Error", "TypeError", "require", "import"})
_ANSWERS = (".json", ".html")
"""Methods that answer a request: `res.status(400).json({message: "…"})`."""
_SKIPPED = frozenset({"import_statement", "throw_statement", "literal_type", "jsx_text"})


def script_regions(path: str, text: str) -> tuple[Region, ...]:
    """The texts of a module that may reach the model, in their order.

    Raises:
        NotParsed: the grammar finds a mistake in it.
    """
    root = parse_script(text)
    found: list[Region] = []
    waiting: list[Node] = [root]
    place = offsets(text)
    while waiting:
        node = waiting.pop()
        if node.type in _SKIPPED or _is_for_people(node):
            continue
        pieces = _pieces(node, text, place)
        if pieces:
            found += _region(path, text, node, pieces)
        else:
            waiting += node.children
    return tuple(sorted(found, key=lambda region: region.pieces[0].start))


def skeleton(text: str) -> tuple[str, ...]:
    """All that the code does apart from what its texts say: equal means that no code changed."""
    found: list[str] = []
    waiting = [parse_script(text)]
    while waiting:
        node = waiting.pop()
        if node.type in {"string", "string_fragment", "escape_sequence", "comment", "+", "`"}:
            continue
        if not node.children:
            found.append(f"{node.type} {_said(node)}")
        joined = _joined_items(node)
        if joined is not None:  # one text, however many lines it has
            waiting += [one for one in reversed(joined[1]) if one.type != "string"]
        else:
            waiting += reversed(node.children)
    return tuple(found)


@cache
def _parser() -> tree_sitter.Parser:
    language = tree_sitter.Language(tree_sitter_typescript.language_tsx())
    return tree_sitter.Parser(language)


def parse_script(text: str) -> Node:
    root = _parser().parse(text.encode()).root_node
    if root.has_error:
        raise NotParsed(f"mistake near line {_first_mistake(root)}")
    return root


def _first_mistake(root: Node) -> int:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            return node.start_point[0] + 1
        waiting += [child for child in reversed(node.children) if child.has_error]
    return root.start_point[0] + 1


def offsets(text: str) -> Sequence[int]:
    """Byte of the UTF-8 form to character of `text`."""
    if text.isascii():
        return range(len(text) + 1)
    found: list[int] = []
    for at, character in enumerate(text):
        found += [at] * len(character.encode())
    return [*found, len(text)]


def _said(node: Node) -> str:
    return (node.text or b"").decode()


# -- where the literals of an expression stand -------------------------------------------------


def _pieces(node: Node, text: str, place: Sequence[int], *, is_clean: bool = False) -> list[Piece]:
    """The literals of a text, or none where the node is something else."""
    if node.type in _TEXTS:
        start, end = place[node.start_byte] + 1, place[node.end_byte] - 1
        writing = script_string(text[start - 1])
        indent = common_indent(text[start:end]) if is_clean else ""
        return [
            Piece(start=start, end=end, writing=indented(indent, writing) if indent else writing)
        ]
    if node.type == "parenthesized_expression" and node.named_child_count == 1:
        return _pieces(node.named_children[0], text, place)
    if node.type == "binary_expression" and any(one.type == "+" for one in node.children):
        return _put_together(_operands(node), "", text, place)
    if node.type == "call_expression":
        function, arguments = node.named_children[0], node.named_children[-1]
        joined = _joined_items(node)
        if joined is not None:
            return _put_together(joined[1], joined[0], text, place)
        if arguments.type == "template_string":
            is_dedented = _said(function).endswith(("dedent", "outdent", "stripIndent"))
            return _pieces(arguments, text, place, is_clean=is_dedented)
        if function.type == "member_expression" and _said(function).endswith((".trim", ".replace")):
            return _pieces(function.named_children[0], text, place)
    return []


def _put_together(
    nodes: Sequence[Node], between: str, text: str, place: Sequence[int]
) -> list[Piece]:
    """The literals of several expressions, and a gap for what is no literal."""
    found: list[Piece] = []
    is_gap = False
    for node in nodes:
        pieces = _pieces(node, text, place)
        if pieces and (found or is_gap):
            gap = (between if found else "") + (GAP + between if is_gap else "")
            joined = between if found and not is_gap else ""
            pieces = [replace(pieces[0], gap=gap, joined=joined), *pieces[1:]]
        is_gap = not pieces
        found += pieces
    return found


def _joined_items(node: Node) -> tuple[str, Sequence[Node]] | None:
    """What stands between the texts, and the texts, of `[…].join("\\n")`; else None."""
    if node.type != "call_expression" or len(node.named_children) != 2:
        return None
    function, arguments = node.named_children
    if function.type != "member_expression" or function.named_children[0].type != "array":
        return None
    between = arguments.named_children[0] if len(arguments.named_children) == 1 else None
    is_join = _said(function).endswith(".join")
    if not is_join or between is None or between.type != "string":
        return None
    raw = _said(between)[1:-1]
    said = "".join(one for _, _, one in script_string(_said(between)[0]).units(raw))
    return (said, function.named_children[0].named_children) if said else None


def _operands(node: Node) -> list[Node]:
    """What a sum adds, from left to right."""
    found: list[Node] = []
    while node.type == "binary_expression" and any(one.type == "+" for one in node.children):
        found.append(node.named_children[-1])
        node = node.named_children[0]
    return [node, *reversed(found)]


# -- what a text is for ------------------------------------------------------------------------


def _region(path: str, text: str, node: Node, pieces: Sequence[Piece]) -> Iterator[Region]:
    name, is_described = _purpose(node)
    line = node.start_point[0] + 1
    region = Region(
        path=path,
        kind="tool" if is_described else "prompt",
        anchor=name or f"line {line}",
        file_text=text,
        pieces=tuple(pieces),
    )
    dotted = f"{_outer(node)}.{name}".strip(".")
    in_list = node.parent is not None and node.parent.type == "array" and is_list_of_rules(name)
    is_line = in_list and len(region.text.split()) > 1
    if is_described or is_line or is_prompt(dotted, region.text, path=path):
        yield region


def _purpose(node: Node) -> tuple[str, bool]:
    """(name, it is a description in a tool's definition)."""
    named = _named_above(node)
    name = name_of_pair(named) if named is not None else ""
    described = _argument_of(node, "describe")
    tool = tool_above(node)
    if tool and _is_second(node):
        return tool, True
    if described is not None:
        parameter = _named_above(described)
        inner = name_of_pair(parameter) if parameter is not None else ""
        return (f"{tool}({inner})" if tool and inner else tool or inner), True
    if name == "description" and tool and named is not None and named.parent is not None:
        owner = _named_above(named.parent)
        inner = name_of_pair(owner) if owner is not None else ""
        is_own = inner in {tool, ""} or owner is None or _is_tool(owner)
        is_own = is_own or _is_argument(named.parent) or tool in _names_of(named.parent)
        return (tool if is_own else f"{tool}({inner})"), True
    return name or _function_above(node), False


def _is_argument(node: Node) -> bool:
    """An object that is handed to a call: `tool({ … })`."""
    return node.parent is not None and node.parent.type == "arguments"


def _names_of(node: Node) -> list[str]:
    """`name: "find_order"` of an object."""
    pairs = [one for one in node.named_children if one.type == "pair"]
    named = [one.named_children[-1] for one in pairs if name_of_pair(one) == "name"]
    return [_said(one).strip("\"'`") for one in named if one.type in _TEXTS]


def _function_above(node: Node) -> str:
    """The function that gives back a text: `function systemPrompt() { return "…" }`."""
    at: Node | None = node
    while at is not None and at.type not in {"function_declaration", "method_definition"}:
        at = at.parent
    name = at.child_by_field_name("name") if at is not None else None
    return _said(name)[:80] if name is not None else ""


def _named_above(node: Node) -> Node | None:
    """The nearest pair, variable or field whose value this is in."""
    at: Node | None = node
    while at is not None and at.type not in _NAMED:
        at = at.parent
    return at


def name_of_pair(node: Node) -> str:
    # A field of a class may begin with `private readonly`.
    key = node.child_by_field_name("name") or node.named_children[0]
    return _said(key).strip("\"'").rpartition(".")[2][:80]


def _outer(node: Node) -> str:
    """What the named value is a part of, or the message that is made of the text.

    `PROMPTS` of `PROMPTS = {writer: "…"}`, `SystemMessage` of `new SystemMessage("…")`.
    """
    call = node.parent.parent if node.parent is not None else None
    if node.parent is not None and node.parent.type == "arguments" and call is not None:
        called = call.child_by_field_name("constructor") or call.child_by_field_name("function")
        said = _said(called)[-80:] if called is not None else ""
        return said if _MESSAGES.search(said) else ""
    named = _named_above(node)
    at = named.parent if named is not None else None
    # `system: [{type: "text", text: "…"}]`
    in_parts = named is not None and name_of_pair(named) == "text"
    while at is not None and (at.type in _HOLDERS or (in_parts and at.type == "array")):
        at = at.parent
    return name_of_pair(at) if at is not None and at.type in _NAMED else ""


def _is_second(node: Node) -> bool:
    """`server.tool("find_order", "Finds an order.", …)`: the text behind the tool's name."""
    call = node.parent.parent if node.parent is not None else None
    if node.parent is None or node.parent.type != "arguments" or call is None:
        return False
    first, *rest = node.parent.named_children
    is_tool = _TOOL_CALLS.search(_said(call.named_children[0])[-40:]) is not None
    return is_tool and first.type == "string" and rest[:1] == [node]


def _argument_of(node: Node, method: str) -> Node | None:
    """The call `.method(node)`, or None."""
    call = node.parent.parent if node.parent is not None else None
    if node.parent is None or node.parent.type != "arguments" or call is None:
        return None
    return call if _said(call.named_children[0]).endswith(f".{method}") else None


def tool_above(node: Node) -> str:
    """Name of the tool in whose definition `node` is; empty where it is in none."""
    at: Node | None = node
    while at is not None:
        if at.type in _NAMED and _is_tool(at):
            return name_of_pair(at)
        if at.type == "object":
            keys = {name_of_pair(one) for one in at.named_children if one.type == "pair"}
            names = _names_of(at)
            if "description" in keys and names:
                return names[0]
        if at.type == "call_expression" and _TOOL_CALLS.search(_said(at.named_children[0])[-40:]):
            first = at.named_children[-1].named_children[:1]
            if first and first[0].type == "string":
                return _said(first[0]).strip("\"'")
        at = at.parent
    return ""


def _is_tool(named: Node) -> bool:
    """The value of a pair or variable is `tool({…})`, or an object inside `tools: {…}`."""
    value = named.named_children[-1]
    if value.type == "call_expression":
        return _TOOL_CALLS.search(_said(value.named_children[0])) is not None
    above = named.parent.parent if named.parent is not None else None
    is_listed = above is not None and above.type in _NAMED and name_of_pair(above) == "tools"
    return value.type == "object" and is_listed


def _is_for_people(node: Node) -> bool:
    if node.type not in {"call_expression", "new_expression"} or not node.named_children:
        return False
    called = _said(node.named_children[0])
    return called.partition(".")[0] in _FOR_PEOPLE or called.endswith(_ANSWERS)
