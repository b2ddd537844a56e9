"""Values of arguments in Python: `enum` in a schema that is a dict, `Literal` in annotations."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from bot.regions.choices_data import SCHEMAS
from bot.regions.listed import Insert, Listed, key_before
from bot.regions.python import class_tools, defaults_of, line_starts, name_of, offset_in
from bot.regions.structure import NotParsed, mistake

_BOUND = frozenset({"const", "enum", "format", "pattern", "anyOf", "oneOf", "$ref"})


def listed(text: str) -> Iterator[Listed]:
    """In the order of the file.

    Raises:
        NotParsed: it is no Python that this version reads.
    """
    module = _Module(text)
    found = [*module.schemas(), *module.annotations()]
    yield from sorted(found, key=lambda one: _start(one.items, one.inserts))


def around(text: str) -> str:
    """All that the module is apart from such lists.

    Raises:
        NotParsed: it is no Python that this version reads.
    """
    return ast.dump(_Without().visit(_parsed(text)))


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotParsed(mistake(error)) from error


def _start(items: tuple[tuple[int, int], ...], inserts: tuple[Insert, ...]) -> int:
    return items[0][0] if items else inserts[0].start if inserts else 0


class _Module:
    def __init__(self, text: str) -> None:
        self.text, self.tree = text, _parsed(text)
        self.lines = line_starts(text)

    def schemas(self) -> Iterator[Listed]:
        """Tools that are dicts or calls with a name and a schema."""
        for node in ast.walk(self.tree):
            values = _entries(node)
            name = texts_of([values["name"]]) if "name" in values else None
            schemas = [values[key] for key in SCHEMAS if key in values]
            for schema in schemas if name else ():
                properties = _entries(schema).get("properties", schema)
                for argument, one in _entries(properties).items():
                    yield from self._schema(name[0] if name else "", argument, _entries(one))

    def _schema(self, tool: str, argument: str, schema: Mapping[str, ast.expr]) -> Iterator[Listed]:
        values = schema.get("enum")
        kind = schema.get("type")
        default = schema.get("default")
        if isinstance(values, ast.List | ast.Tuple):
            yield from self._listed(tool, argument, values.elts, default)
        elif kind is not None and _said(kind) == "string" and _BOUND.isdisjoint(schema):
            span = self._span(kind)
            yield Listed(
                tool=tool,
                argument=argument,
                quote=self.text[span[0]],
                default=_said(default),
                inserts=key_before(self.text, span),
            )

    def annotations(self) -> Iterator[Listed]:
        """Parameters of functions, and fields of the classes that list a tool's arguments."""
        classes = class_tools(self.tree)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                defaults = dict(defaults_of(node.args))
                arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
                for one in arguments:
                    default = defaults.get(one.arg)
                    yield from self._annotated(tool_of(node), one.arg, one.annotation, default)
            elif isinstance(node, ast.ClassDef) and node.name in classes:
                for field in node.body:
                    if isinstance(field, ast.AnnAssign):
                        name = name_of(field.target)
                        tool, default = classes[node.name], _field_default(field.value)
                        yield from self._annotated(tool, name, field.annotation, default)

    def _annotated(
        self, tool: str, argument: str, annotation: ast.expr | None, default: ast.expr | None
    ) -> Iterator[Listed]:
        literal = literal_of(annotation, self.tree)
        if literal is not None:
            yield from self._listed(tool, argument, literal, default)

    def _listed(
        self, tool: str, argument: str, values: list[ast.expr], default: ast.expr | None
    ) -> Iterator[Listed]:
        texts = texts_of(values)
        if texts:
            items = tuple(map(self._span, values))
            quote = self.text[items[0][0]]
            if quote in "\"'":
                yield Listed(
                    tool=tool,
                    argument=argument,
                    values=texts,
                    items=items,
                    quote=quote,
                    default=_said(default),
                )

    def _span(self, node: ast.expr) -> tuple[int, int]:
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return (
            offset_in(self.text, self.lines, node.lineno, node.col_offset),
            offset_in(self.text, self.lines, end_line, end_column),
        )


def _entries(node: ast.AST) -> dict[str, ast.expr]:
    """What a dict or a call gives by name."""
    if isinstance(node, ast.Call):
        return {one.arg: one.value for one in node.keywords if one.arg}
    if not isinstance(node, ast.Dict):
        return {}
    pairs = zip(node.keys, node.values, strict=True)
    return {
        key.value: value
        for key, value in pairs
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _said(node: ast.expr | None) -> str | None:
    return next(iter(texts_of([node])), None) if node is not None else None


def _field_default(value: ast.expr | None) -> ast.expr | None:
    """Of a field of a class: what is assigned, or what `Field("…")` and `Field(default=…)` say."""
    if isinstance(value, ast.Call):
        named = [one.value for one in value.keywords if one.arg == "default"]
        return next(iter([*named, *value.args[:1]]), None)
    return value


def tool_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """What the model calls a function: the name that its decorator gives, else its own."""
    for one in node.decorator_list:
        if isinstance(one, ast.Call) and "tool" in name_of(one).lower():
            named = [key.value for key in one.keywords if key.arg == "name"]
            given = texts_of([*named, *one.args[:1]][:1])
            if given:
                return given[0]
    return node.name


def texts_of(nodes: list[ast.expr]) -> tuple[str, ...]:
    """The texts that the nodes are; none where one of them is something else."""
    found = [
        one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]
    return tuple(found) if len(found) == len(nodes) else ()


def literal_of(annotation: ast.expr | None, tree: ast.Module) -> list[ast.expr] | None:
    """What stands in the only `Literal[…]` of an annotation, also under a name of the module."""
    if annotation is None:
        return None
    found = [one for one in ast.walk(annotation) if _is_literal(one)]
    if not found:
        named = {name_of(one) for one in ast.walk(annotation) if isinstance(one, ast.Name)}
        given = [
            (name_of(one.targets[0]), one.value) for one in tree.body if isinstance(one, ast.Assign)
        ]
        found = [value for name, value in given if name in named and _is_literal(value)]
    if len(found) != 1 or not isinstance(found[0], ast.Subscript):
        return None
    inner = found[0].slice
    return inner.elts if isinstance(inner, ast.Tuple) else [inner]


def _is_literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Subscript) and name_of(node.value) == "Literal"


class _Without(ast.NodeTransformer):
    """Takes such lists out."""

    def visit_Dict(self, node: ast.Dict) -> ast.Dict:
        self.generic_visit(node)
        pairs = [
            (key, value)
            for key, value in zip(node.keys, node.values, strict=True)
            if not (isinstance(key, ast.Constant) and key.value == "enum" and _has_texts(value))
        ]
        node.keys, node.values = [key for key, _ in pairs], [value for _, value in pairs]
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.Subscript:
        self.generic_visit(node)
        if _is_literal(node):
            values = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            if texts_of(values):
                node.slice = ast.Constant(value="")
        return node


def _has_texts(node: ast.expr) -> bool:
    return isinstance(node, ast.List | ast.Tuple) and bool(texts_of(node.elts))
