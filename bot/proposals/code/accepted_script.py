"""The checks of one argument in a TypeScript function, and the values that they let pass."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bot.proposals.code.script import said, walk
from bot.regions.script import Node, name_of_pair, offsets, parse_script

_STOPS = frozenset({"return_statement", "throw_statement"})
_SAME = frozenset({"toLowerCase", "toString", "toUpperCase", "trim"})
_WRAPPED = frozenset({"as_expression", "parenthesized_expression", "satisfies_expression"})
_DEEPEST = 6


def values_in_script(
    path: str, place: tuple[int, int], argument: str, texts: Mapping[str, str]
) -> list[tuple[str, ...]]:
    """One list for each check of `argument` between the two places.

    Raises:
        NotParsed: the file has a mistake.
    """
    root = parse_script(texts[path])
    at = offsets(texts[path])
    inside = [
        node
        for node in walk(root)
        if place[0] <= at[node.start_byte] and at[node.end_byte] <= place[1]
    ]
    return list(_Checks(path, root, argument, texts).found(inside))


class _Checks:
    def __init__(self, path: str, root: Node, argument: str, texts: Mapping[str, str]) -> None:
        self.path, self.root, self.argument, self.texts = path, root, argument, texts

    def found(self, nodes: list[Node]) -> Iterator[tuple[str, ...]]:
        for node in nodes:
            values: tuple[str, ...] | None = None
            if node.type == "if_statement":
                values = self._refused(node)
            elif node.type == "switch_statement":
                values = self._switched(node)
            if values:
                yield values

    def _refused(self, node: Node) -> tuple[str, ...] | None:
        """`if (!LIST.includes(x)) throw …`, `if (!(x in TABLE)) return …`."""
        body, test = node.child_by_field_name("consequence"), node.child_by_field_name("condition")
        if body is None or test is None or not _ends(body):
            return None
        test = _bare(test)
        if test.type != "unary_expression" or not said(test).startswith("!"):
            return None
        asked = _bare(test.named_children[0])
        if asked.type == "binary_expression" and any(one.type == "in" for one in asked.children):
            left, right = asked.named_children
            return self._values(right, only="object") if self._is_asked(left) else None
        if asked.type != "call_expression":
            return None
        function, arguments = asked.named_children[0], asked.named_children[-1].named_children
        method = said(function).rpartition(".")[2]
        if method not in {"has", "includes"} or not arguments or not self._is_asked(arguments[0]):
            return None
        return self._values(function.named_children[0])

    def _switched(self, node: Node) -> tuple[str, ...] | None:
        """`switch (x) { case "a": … default: throw … }`."""
        value, body = node.child_by_field_name("value"), node.child_by_field_name("body")
        if value is None or body is None or not self._is_asked(_bare(value)):
            return None
        rest = [one for one in body.named_children if one.type == "switch_default"]
        if len(rest) != 1 or not _ends(rest[0]):
            return None
        cases = [one.child_by_field_name("value") for one in body.named_children]
        return _texts([one for one in cases if one is not None])

    def _is_asked(self, node: Node) -> bool:
        node = _bare(node)
        if node.type == "identifier":
            return said(node) == self.argument or self._stands_for(said(node))
        if node.type == "member_expression":
            return said(node.named_children[-1]) == self.argument
        if node.type == "subscript_expression":
            return said(node.named_children[-1]).strip("\"'`") == self.argument
        if node.type == "call_expression":
            function = node.named_children[0]
            same = said(function).rpartition(".")[2] in _SAME
            return (
                same
                and function.type == "member_expression"
                and self._is_asked(function.named_children[0])
            )
        return False

    def _stands_for(self, name: str) -> bool:
        """`const kind = input.kind`, or `const kind = String(args["kind"]).trim()`."""
        given = _declared(self.root, name)
        if len(given) != 1 or given[0].type == "identifier":
            return False
        own = re.escape(self.argument)
        return (
            re.fullmatch(
                rf"(?:String\()?[\w.]+(?:\.{own}|\[[\"']{own}[\"']\])\)?(?:\.\w+\(\))*",
                said(given[0]),
            )
            is not None
        )

    # -- what a list holds ---------------------------------------------------------------------

    def _values(
        self, node: Node, *, only: str = "", root: Node | None = None, depth: int = 0
    ) -> tuple[str, ...] | None:
        """The texts of a list, set, table or enum, also under a name and from another file."""
        node, root = _bare(node), root or self.root
        if depth > _DEEPEST:
            return None
        if node.type == "identifier":
            given, home = self._given(said(node), root)
            if given is None:
                return None
            return self._values(given, only=only, root=home, depth=depth + 1)
        if node.type == "object":
            pairs = node.named_children
            is_plain = all(one.type == "pair" for one in pairs)
            return tuple(map(name_of_pair, pairs)) or None if is_plain else None
        if only:
            return None
        if node.type == "array":
            return _texts(node.named_children)
        if node.type == "enum_body":
            return _texts([one.named_children[-1] for one in node.named_children])
        arguments = node.child_by_field_name("arguments")
        called = said(
            node.child_by_field_name("constructor") or node.child_by_field_name("function")
        )
        if arguments is None or len(arguments.named_children) != 1:
            return None
        (inner,) = arguments.named_children
        if called in {"Set", "Object.freeze"}:
            return self._values(inner, root=root, depth=depth + 1)
        if called == "Object.keys":
            return self._values(inner, only="object", root=root, depth=depth + 1)
        if called == "Object.values":
            given, home = self._given(said(inner), root)
            is_enum = given is not None and given.type == "enum_body"
            return self._values(given, root=home, depth=depth + 1) if given and is_enum else None
        return None

    def _given(self, name: str, root: Node, *, may_import: bool = True) -> tuple[Node | None, Node]:
        """What a constant stands for, and the file that says so."""
        found = _declared(root, name)
        if found or not may_import:
            return (found[0] if len(found) == 1 else None), root
        for node in walk(root):
            if node.type != "import_statement" or not re.search(
                rf"\b{re.escape(name)}\b", said(node)
            ):
                continue
            source = said(node.child_by_field_name("source")).strip("\"'")
            end = re.sub(r"^(?:\.{1,2}/|@/|~/)+|\.[jt]s$", "", source)
            paths = [
                one
                for one in self.texts
                if re.search(rf"(?:^|/){re.escape(end)}(?:/index)?\.[mc]?[jt]sx?$", one)
            ]
            if len(paths) == 1:
                return self._given(name, parse_script(self.texts[paths[0]]), may_import=False)
        return None, root


def _declared(root: Node, name: str) -> list[Node]:
    """The values of constants, and the bodies of enums, of that name."""
    found = []
    for node in walk(root):
        if node.type in {"variable_declarator", "enum_declaration"}:
            value = node.child_by_field_name("value") or node.child_by_field_name("body")
            if said(node.child_by_field_name("name")) == name and value is not None:
                found.append(_bare(value))
        elif node.type == "assignment_expression" and said(node.named_children[0]) == name:
            found.append(node)  # it may vary
    return found


def _bare(node: Node) -> Node:
    while node.type in _WRAPPED:
        node = node.named_children[0]
    return node


def _ends(node: Node) -> bool:
    """The last thing it does is to leave the function."""
    last = node.named_children[-1] if node.named_children else node
    if node.type in _STOPS:
        return True
    return last.type in _STOPS or (last.type == "statement_block" and _ends(last))


def _texts(nodes: list[Node]) -> tuple[str, ...] | None:
    texts = [said(one)[1:-1] for one in nodes if one.type == "string" and "\\" not in said(one)]
    return tuple(texts) if texts and len(texts) == len(nodes) else None
