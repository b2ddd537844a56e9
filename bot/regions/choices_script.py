"""Values of arguments in TypeScript and JavaScript: `enum` in a schema, and `z.enum([…])`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.regions.choices_data import SCHEMAS
from bot.regions.listed import Insert, Listed, key_before
from bot.regions.script import Node, name_of_pair, offsets, parse_script, tool_above

_BOUND = frozenset({"const", "enum", "format", "pattern", "anyOf", "oneOf"})
_SAYS_NOTHING = frozenset(
    {"default", "describe", "meta", "nullable", "nullish", "optional", "trim"}
)
"""Methods of `z.string()` that leave open which text it is."""


def listed(text: str) -> Iterator[Listed]:
    """In the order of the file.

    Raises:
        NotParsed: the grammar finds a mistake in it.
    """
    place = offsets(text)
    for node in _walk(parse_script(text)):
        if node.type != "pair":
            continue
        value = node.named_children[-1]
        if value.type == "object" and name_of_pair(node) in SCHEMAS:
            yield from _schema(node, value, text, place)
        elif value.type == "call_expression" and (tool := tool_above(node)):
            yield from _zod(tool, name_of_pair(node), value, text, place)


def around(text: str) -> tuple[str, ...]:
    """All that the module is apart from such lists.

    Raises:
        NotParsed: the grammar finds a mistake in it.
    """
    found: list[str] = []
    waiting = [parse_script(text)]
    while waiting:
        node = waiting.pop()
        if _is_list(node):
            continue
        if node.type == "," and node.parent is not None and node.parent.type == "object":
            continue  # it comes and goes with the list
        if node.type == "call_expression" and _is_zod(node):
            found.append("z text")
            continue
        if not node.children:
            found.append(f"{node.type} {_said(node)}")
        waiting += reversed(node.children)
    return tuple(found)


def _schema(pair: Node, schema: Node, text: str, place: Sequence[int]) -> Iterator[Listed]:
    # Behind its name: a tool in a list is told by what stands beside its schema.
    tool = tool_above(pair.parent) if pair.parent is not None else ""
    properties = _pairs(schema).get("properties", schema)
    for argument, one in _pairs(properties).items() if tool else ():
        inner = _pairs(one)
        values, kind = inner.get("enum"), inner.get("type")
        if values is not None:
            default = _default(inner.get("default"))
            yield from _listed(tool, argument, _array(values), place, text, default)
        elif kind is not None and _text(kind) == "string" and _BOUND.isdisjoint(inner):
            span = place[kind.start_byte], place[kind.end_byte]
            inserts = key_before(text, span)
            yield Listed(
                tool=tool,
                argument=argument,
                quote=text[span[0]],
                default=_default(inner.get("default")),
                inserts=inserts,
            )


def _zod(
    tool: str, argument: str, value: Node, text: str, place: Sequence[int]
) -> Iterator[Listed]:
    methods: list[str] = []
    default: str | None = None
    at = value
    while at.type == "call_expression":
        function, arguments = at.named_children[0], at.named_children[-1]
        if _is_zod(at):
            if _said(function).endswith("enum"):
                values = _array(arguments.named_children[0])
                yield from _listed(tool, argument, values, place, text, default)
            elif _SAYS_NOTHING.issuperset(methods):
                start, end = place[function.end_byte] - len("string"), place[at.end_byte]
                insert = Insert(start=start, end=end, before="enum([", behind="])")
                quote = '"' if text.count('"') >= text.count("'") else "'"
                yield Listed(
                    tool=tool, argument=argument, quote=quote, default=default, inserts=(insert,)
                )
            return
        if function.type != "member_expression":
            return
        methods.append(_said(function.named_children[-1]))
        if methods[-1] == "default":
            default = _default(next(iter(arguments.named_children), None))
        at = function.named_children[0]


def _listed(
    tool: str,
    argument: str,
    values: list[Node],
    place: Sequence[int],
    text: str,
    default: str | None,
) -> Iterator[Listed]:
    texts = [_text(one) for one in values]
    if not values or None in texts:
        return
    items = tuple((place[one.start_byte], place[one.end_byte]) for one in values)
    yield Listed(
        tool=tool,
        argument=argument,
        values=tuple(one for one in texts if one is not None),
        items=items,
        quote=text[items[0][0]],
        default=default,
    )


def _default(node: Node | None) -> str | None:
    return _text(node) if node is not None else None


def _is_zod(call: Node) -> bool:
    """`z.enum([…])` of texts, or `z.string()`."""
    function, arguments = call.named_children[0], call.named_children[-1].named_children
    said = _said(function)
    if said == "z.string":
        return not arguments
    is_enum = said == "z.enum" and len(arguments) == 1
    return is_enum and all(_text(one) is not None for one in _array(arguments[0]) or arguments)


def _is_list(node: Node) -> bool:
    if node.type != "pair" or name_of_pair(node) != "enum":
        return False
    values = _array(node.named_children[-1])
    return bool(values) and all(_text(one) is not None for one in values)


def _array(node: Node) -> list[Node]:
    while node.type in {"as_expression", "satisfies_expression"}:
        node = node.named_children[0]
    return node.named_children if node.type == "array" else []


def _pairs(node: Node) -> dict[str, Node]:
    while node.type in {"as_expression", "satisfies_expression"}:
        node = node.named_children[0]
    if node.type != "object":
        return {}
    pairs = (one for one in node.named_children if one.type == "pair")
    return {name_of_pair(one): one.named_children[-1] for one in pairs}


def _text(node: Node) -> str | None:
    """What a literal without escapes says."""
    if node.type != "string" or any(one.type == "escape_sequence" for one in node.children):
        return None
    return _said(node)[1:-1]


def _walk(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        at = waiting.pop()
        yield at
        waiting += reversed(at.children)


def _said(node: Node) -> str:
    return (node.text or b"").decode()
