"""The facts of a TypeScript or JavaScript module, read with tree-sitter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.proposals.code.facts import Facts, words_of
from bot.regions.script import Node, parse_script

FUNCTIONS = frozenset(
    "arrow_function function_declaration function_expression generator_function "  # noqa: SIM905
    "generator_function_declaration method_definition".split()
)
_TYPES = frozenset(
    "class_declaration enum_declaration interface_declaration type_alias_declaration".split()  # noqa: SIM905
)
_OWNERS = frozenset(
    "assignment_expression pair public_field_definition variable_declarator".split()  # noqa: SIM905
)
_SCHEMAS = frozenset({"input_schema", "inputSchema", "parameters", "schema"})
_CONDITIONS = frozenset({"do_statement", "if_statement", "switch_statement", "while_statement"})
_LOOPS = frozenset({"do_statement", "while_statement"})
_CHOICES = frozenset({"&&", "||", "??", "<", "<=", ">", ">=", "==", "===", "!=", "!=="})
_CHECKS = frozenset(
    "assert authorise authorize check confirm enforce ensure guard invariant permit require "  # noqa: SIM905
    "validate verify".split()
)
_TIDYING = re.compile(
    r"(\w+) = (?:String\()?\1\)?(?:\.(?:trim|toLowerCase|toUpperCase|trimStart|trimEnd)\(\)"
    r"|\.replace(?:All)?\((?:\"[^\"]*\"|'[^']*'|/[^/]+/\w*), ?(?:\"[^\"]*\"|'[^']*')\))*"
)
_LABEL = re.compile(r"[\w./:-]{1,40}")
_LANGUAGE = frozenset(
    "Array BigInt Boolean Date Error Infinity Intl JSON Map Math NaN Number Object Promise "  # noqa: SIM905
    "RangeError RegExp Set String Symbol SyntaxError TypeError URL URLSearchParams WeakMap "
    "arguments clearTimeout console decodeURIComponent encodeURIComponent isFinite isNaN "
    "parseFloat parseInt setTimeout structuredClone undefined".split()
)
"""What a program always has and may always use; the rest of that kind counts as unknown."""


def script_facts(text: str) -> Facts:
    """Facts of one module.

    Raises:
        NotParsed: the grammar finds a mistake in it.
    """
    root = parse_script(text)
    facts = Facts(unknown=_unknown(root))
    aliases = _aliases(root)
    for node in walk(root):
        _structure(node, facts)
        _uses(node, facts, aliases)
    return facts


def script_values(text: str) -> Iterator[tuple[str, str]]:
    """(name, source) of what a program assigns or passes by name.

    Raises:
        NotParsed: the grammar finds a mistake in it.
    """
    for node in walk(parse_script(text)):
        if node.type in _OWNERS and len(node.named_children) > 1:
            name = said(node.named_children[0]).strip("\"'").rpartition(".")[2]
            yield name, said(node.named_children[-1])


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, in the order of the source."""
    waiting = [node]
    while waiting:
        at = waiting.pop()
        yield at
        waiting += reversed(at.children)


def said(node: Node | None) -> str:
    """The source of a node in one line."""
    return " ".join((node.text or b"").decode().split()) if node is not None else ""


# -- functions, checks, loops --------------------------------------------------------------------


def _structure(node: Node, facts: Facts) -> None:
    if node.type in FUNCTIONS:
        name = function_name(node)
        if name:
            facts.signatures[_signature(name, node)] += 1
    elif node.type in _TYPES:
        body = node.child_by_field_name("body")
        head = said(node)[: len(said(node)) - len(said(body))]
        facts.signatures[said(node) if node.type != "class_declaration" else head] += 1
    elif node.type == "pair" and said(node.named_children[0]).strip("\"'") in _SCHEMAS:
        facts.signatures[f"schema {_without_texts(node.named_children[-1])}"] += 1
    guard = _guard(node)
    if guard is not None:
        facts.guards[" | ".join([_owner(node), *_path(node), guard, *_before(node)])] += 1
    if node.type in _LOOPS or _is_endless(node):
        facts.unbounded[said(node.child_by_field_name("condition"))] += 1
    if node.type == "catch_clause" and not _statements(node.child_by_field_name("body")):
        facts.swallowed[_owner(node)] += 1
    if node.type == "call_expression":
        called = said(node.child_by_field_name("function"))
        if called.endswith(".catch"):
            facts.swallowed[called] += 1


def function_name(node: Node) -> str:
    """What a function is called, by itself or by what it is assigned to; else empty."""
    own = node.child_by_field_name("name")
    if own is not None:
        return said(own)
    above = node.parent
    while above is not None and above.type in {"parenthesized_expression", "as_expression"}:
        above = above.parent
    if above is not None and above.type in _OWNERS:
        return said(above.named_children[0]).strip("\"'")
    return ""


def _signature(name: str, node: Node) -> str:
    parts = [node.child_by_field_name(one) for one in ("parameters", "parameter", "return_type")]
    leading = [one.type for one in node.children if one.type in {"async", "static", "get", "set"}]
    modifiers = [said(one) for one in node.children if one.type == "accessibility_modifier"]
    decorators = [said(one) for one in node.children if one.type == "decorator"]
    texts = [said(one) for one in parts]
    return " ".join([*decorators, *modifiers, *leading, node.type, name, *texts])


def _without_texts(node: Node) -> str:
    """The source of a schema but for what its descriptions say."""
    if node.type in {"string", "template_string"}:
        return '""' if _is_described(node) else said(node)
    if not node.children:
        return said(node)
    return " ".join(map(_without_texts, node.children))


def _is_described(node: Node) -> bool:
    above = node.parent
    if above is not None and above.type == "pair":
        return said(above.named_children[0]).strip("\"'") == "description"
    call = above.parent if above is not None else None
    return call is not None and said(call.child_by_field_name("function")).endswith(".describe")


def _guard(node: Node) -> str | None:
    """What kind of check a node is, with what it asks; None where it is none."""
    if node.type == "while_statement" and _is_endless(node):
        return None  # it asks nothing, and a bound may take its place
    if node.type in _CONDITIONS:
        asked = node.child_by_field_name("condition") or node.child_by_field_name("value")
        return f"{node.type} {said(asked)} {_stops(node)}"
    if node.type == "throw_statement":
        thrown = node.named_children[0] if node.named_children else None
        constructor = thrown.child_by_field_name("constructor") if thrown is not None else None
        return f"throw {said(constructor or thrown)}"
    if node.type in {"catch_clause", "finally_clause"}:
        return node.type
    if node.type == "ternary_expression":
        return f"choice {said(node.child_by_field_name('condition'))}"
    if node.type == "binary_expression":
        operator = node.child_by_field_name("operator")
        return said(node) if operator is not None and operator.type in _CHOICES else None
    if node.type == "call_expression":
        called = said(node.child_by_field_name("function")).rpartition(".")[2]
        return None if _CHECKS.isdisjoint(words_of(called)) else said(node)
    return None


def _stops(node: Node) -> str:
    """How the first branch of an `if` leaves the function or the loop; empty where it goes on."""
    body = node.child_by_field_name("consequence")
    if body is None:
        return ""
    inner = _statements(body) if body.type == "statement_block" else [body]
    last = inner[-1].type if inner else ""
    kinds = {"return_statement", "throw_statement", "continue_statement", "break_statement"}
    return last if last in kinds else ""


def _statements(node: Node | None) -> list[Node]:
    if node is None:
        return []
    return [one for one in node.named_children if one.type != "comment"]


def _is_endless(node: Node) -> bool:
    if node.type not in {"for_statement", "while_statement"}:
        return False
    asked = said(node.child_by_field_name("condition"))
    return asked in {"", ";", "true", "(true)"}


def _is_counted(node: Node) -> bool:
    """`for (let i = 0; i < 3; i++)`: it runs its body some times, as one without an end does."""
    step = node.child_by_field_name("increment")
    return node.type == "for_statement" and step is not None and step.type == "update_expression"


def _function_above(node: Node) -> Node | None:
    at = node.parent
    while at is not None and at.type not in FUNCTIONS:
        at = at.parent
    return at


def _owner(node: Node) -> str:
    """The named functions that a node stands in, from the outside."""
    names: list[str] = []
    at = _function_above(node)
    while at is not None:
        names.append(function_name(at))
        at = _function_above(at)
    return ".".join(reversed([name for name in names if name]))


def _path(node: Node) -> list[str]:
    """The blocks of its function that a node stands in, with what decides whether they run."""
    found: list[str] = []
    at, above = node, node.parent
    while above is not None and at.type not in FUNCTIONS:
        if above.type == "if_statement" and at.type == "else_clause":
            found.append(f"else {said(above.child_by_field_name('condition'))}")
        elif above.type == "if_statement" and at != above.child_by_field_name("condition"):
            found.append(f"if {said(above.child_by_field_name('condition'))}")
        elif above.type in {"for_statement", "for_in_statement", *_LOOPS, "switch_statement"}:
            body = above.child_by_field_name("body")
            if at == body and (_is_endless(above) or _is_counted(above)):
                found.append("loop")
            elif at == body:
                found.append(said(above)[: max(0, len(said(above)) - len(said(body)))][:200])
        elif above.type in {"try_statement", "catch_clause", "switch_case", "ternary_expression"}:
            found.append(f"{above.type} {said(above.child_by_field_name('value'))}".strip())
        at, above = above, above.parent
    return list(reversed(found))


def _before(check: Node) -> Iterator[str]:
    """What leaves the function ahead of a check that stops something, and what sets its names."""
    stops = check.type in {"throw_statement", "call_expression"}
    if not stops and not (check.type == "if_statement" and _stops(check)):
        return
    function = _function_above(check)
    asked = check.child_by_field_name("condition") or check
    names = {said(one) for one in walk(asked) if one.type == "identifier"}
    for node in walk(function) if function is not None else ():
        if node.start_byte >= check.start_byte or _function_above(node) != function:
            continue
        if node.type == "return_statement" and not _is_message(node):
            yield said(node)
        elif node.type in {"continue_statement", "break_statement"}:
            if _loop_end(node) > check.start_byte:
                yield node.type
        elif node.type in {"assignment_expression", "augmented_assignment_expression"}:
            left = node.child_by_field_name("left")
            is_fine = _TIDYING.fullmatch(said(node)) or _is_caught(node, asked)
            if said(left) in names and not is_fine:
                yield said(node)
        elif node.type == "variable_declarator":
            heads = [one for one in walk(node.named_children[0]) if not one.children]
            if names & {said(one) for one in heads}:
                yield said(node)


def _loop_end(node: Node) -> int:
    """Where the loop ends that `break` or `continue` is about."""
    at = node.parent
    while at is not None and at.type not in {"for_statement", "for_in_statement", *_LOOPS}:
        at = at.parent
    return at.end_byte if at is not None else 0


def _is_caught(assignment: Node, asked: Node) -> bool:
    """`x = null` ahead of `if (x === null)` or `if (!x)`: the check stops exactly that."""
    name, _, value = said(assignment).partition(" = ")
    tests = {f"({name} === {value})", f"({name} == {value})", f"(!{name})"}
    return value in {"null", "undefined"} and said(asked) in tests


def _is_message(node: Node) -> bool:
    """A result that is said and not looked up: text, nothing, or an object or list of such."""
    if node.type in {"string", "null", "undefined", "false"}:
        return True
    if node.type == "template_string":
        inner = [one.named_children[0] for one in node.named_children if one.named_children]
        return all(one.type == "string_fragment" or _is_listing(one) for one in inner)
    if node.type in {"return_statement", "object", "array", "parenthesized_expression"}:
        return all(map(_is_message, node.named_children))
    return node.type == "pair" and _is_message(node.named_children[-1])


_LISTED = re.compile(r"(?:\w+|\[\.\.\.\w+\])(?:\.join\((?:\"[^\"]*\"|'[^']*')\))?")


def _is_listing(node: Node) -> bool:
    """A name, or what one holds in a row: `[...STATES].join(", ")`."""
    return _LISTED.fullmatch(said(node)) is not None


# -- what is used --------------------------------------------------------------------------------


def _uses(node: Node, facts: Facts, aliases: dict[str, str]) -> None:
    if node.type == "import_statement":
        facts.imports[said(node)] += 1
    elif node.type == "call_expression":
        called = said(node.child_by_field_name("function"))
        if called in {"require", "import"}:
            facts.imports[said(node)] += 1
    elif node.type == "member_expression":
        if node.parent is None or node.parent.type != "member_expression":
            name = said(node).replace("?.", ".").replace(" ", "")
            first, dot, rest = name.partition(".")
            facts.names[aliases.get(first, first) + dot + rest] += 1
    elif node.type in {"identifier", "shorthand_property_identifier"}:
        above = node.parent
        if above is None or above.type != "member_expression":
            facts.names[aliases.get(said(node), said(node))] += 1
        facts.words[said(node)] += 1
    elif node.type in {"property_identifier", "shorthand_property_identifier_pattern"}:
        facts.words[said(node)] += 1
    elif node.type == "string":
        value = said(node)[1:-1]
        if _LABEL.fullmatch(value):
            facts.words[value] += 1
    elif node.type in {"number", "true", "false"} and not _heads_a_loop(node):
        facts.numbers[f"{_number_owner(node)} {said(node)}"] += 1


def _heads_a_loop(node: Node) -> bool:
    """The `true` of `while (true)`."""
    above = node.parent
    if above is not None and above.type == "parenthesized_expression":
        above = above.parent
    is_loop = above is not None and above.type in {"for_statement", "while_statement"}
    return is_loop and node.type == "true"


def _number_owner(node: Node) -> str:
    at = node.parent
    while at is not None and at.type not in FUNCTIONS:
        if at.type in _OWNERS:
            return said(at.named_children[0])[-60:]
        if at.type == "call_expression":
            return said(at.child_by_field_name("function"))[-60:]
        at = at.parent
    return function_name(at) if at is not None else ""


def _aliases(root: Node) -> dict[str, str]:
    """Name in the file to what it stands for elsewhere: `run` to `child_process.run`."""
    found: dict[str, str] = {}
    for node in walk(root):
        if node.type == "import_statement":
            source = said(node.child_by_field_name("source")).strip("\"'").removeprefix("node:")
            for one in walk(node):
                if one.type == "import_specifier":
                    name, alias = said(one.named_children[0]), said(one.named_children[-1])
                    found[alias] = f"{source}.{name}"
                elif one.type in {"import_clause", "namespace_import"}:
                    for inner in one.named_children:
                        if inner.type == "identifier":
                            found[said(inner)] = source
        elif node.type == "variable_declarator":
            value = said(node.child_by_field_name("value"))
            if value in found:
                found[said(node.named_children[0])] = found[value]
    return found


_BINDING = {
    "arrow_function": "parameter",
    "catch_clause": "parameter",
    "class_declaration": "name",
    "enum_declaration": "name",
    "for_in_statement": "left",
    "function_declaration": "name",
    "function_expression": "name",
    "generator_function_declaration": "name",
    "optional_parameter": "pattern",
    "required_parameter": "pattern",
    "variable_declarator": "name",
}


def _unknown(root: Node) -> frozenset[str]:
    """Names that are read and nowhere bound."""
    bound = set(_LANGUAGE)
    read: set[str] = set()
    kinds = {
        "identifier",
        "type_identifier",
        "shorthand_property_identifier_pattern",
    }
    for node in walk(root):
        heads = [node.child_by_field_name(_BINDING[node.type])] if node.type in _BINDING else []
        if node.type == "import_clause":
            heads.append(node)
        for head in filter(None, heads):
            bound.update(said(one) for one in walk(head) if one.type in kinds)
        if node.type in {"identifier", "shorthand_property_identifier"}:
            read.add(said(node))
    return frozenset(read - bound)
