"""Values of arguments in tool definitions that are JSON or YAML: `enum` in their schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from ruamel.yaml.error import YAMLError

from bot.regions.data import placed_texts
from bot.regions.listed import Listed, key_before
from bot.regions.region import Piece
from bot.regions.structure import NotParsed, parse
from collector.records import Json

SCHEMAS = ("parameters", "input_schema", "inputSchema", "schema", "arguments", "args")
_BOUND = frozenset({"const", "format", "pattern", "anyOf", "oneOf", "$ref"})
"""Something else says already what the text may be."""
_DEEPEST = 40
_Argument = tuple[str, str, str, Mapping[str, Json]]
"""(tool, argument, path of keys, schema)."""


def listed(path: str, text: str) -> Iterator[Listed]:
    """In the order of the file.

    Raises:
        NotParsed: the format's parser refuses it.
    """
    value = parse(path, text)
    try:
        pieces = {name: piece for name, _, piece, _ in placed_texts(path, text)}
    except (ValueError, YAMLError, RecursionError) as error:
        raise NotParsed(str(error).splitlines()[0] if str(error) else "not readable") from error
    is_yaml = PurePosixPath(path).suffix.lower() != ".json"
    for tool, argument, name, schema in _arguments(value, "", "", 0):
        default = schema.get("default")
        default = default if isinstance(default, str) else None
        values = schema.get("enum")
        if isinstance(values, list) and values:
            found = [pieces.get(f"{name}.enum[{number}]") for number in range(len(values))]
            spans = [_whole(text, piece) for piece in found if piece is not None]
            texts = [one for one in values if isinstance(one, str)]
            if len(spans) == len(texts) == len(values):
                first = text[spans[0][0]]
                yield Listed(
                    tool=tool,
                    argument=argument,
                    values=tuple(texts),
                    items=tuple(spans),
                    quote=first if first in "\"'" else "",
                    default=default,
                )
        elif schema.get("type") == "string" and _BOUND.isdisjoint(schema) and values is None:
            piece = pieces.get(f"{name}.type")
            if piece is not None:
                inserts = key_before(text, _whole(text, piece), is_block=is_yaml)
                yield Listed(tool=tool, argument=argument, default=default, inserts=inserts)


def around(path: str, text: str) -> str:
    """All that the file says apart from such lists.

    Raises:
        NotParsed: the format's parser refuses it.
    """
    return repr(_without(parse(path, text)))


def _without(value: Json) -> Json:
    if isinstance(value, list):
        return [_without(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without(one)
        for key, one in value.items()
        if not (key == "enum" and isinstance(one, list) and all(isinstance(v, str) for v in one))
    }


def _whole(text: str, piece: Piece) -> tuple[int, int]:
    """A value with the quotes around it."""
    start, end = piece.start, piece.end
    quoted = start > 0 and text[start - 1] in "\"'" and text[end : end + 1] == text[start - 1]
    return (start - 1, end + 1) if quoted else (start, end)


def _arguments(value: Json, name: str, tool: str, depth: int) -> Iterator[_Argument]:
    """Every argument of every tool."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _arguments(item, f"{name}[{number}]", tool, depth + 1)
        return
    if not isinstance(value, dict):
        return
    own = _tool_name(value) or tool
    for key, inner in value.items():
        path = f"{name}.{key}" if name else str(key)
        if own and key in SCHEMAS and isinstance(inner, dict):
            yield from _properties(own, path, inner)
        elif own and key in SCHEMAS and isinstance(inner, list):
            for number, one in enumerate(inner):
                if isinstance(one, dict) and isinstance(one.get("name"), str):
                    yield own, str(one["name"]), f"{path}[{number}]", one
        elif own and isinstance(inner, dict) and "description" in inner and "name" not in inner:
            yield own, str(key), path, inner
        else:
            yield from _arguments(inner, path, own, depth + 1)


def _properties(tool: str, name: str, schema: Mapping[str, Json]) -> Iterator[_Argument]:
    properties = schema.get("properties")
    if isinstance(properties, dict):
        name, schema = f"{name}.properties", properties
    for argument, one in schema.items():
        if isinstance(one, dict):
            yield tool, str(argument), f"{name}.{argument}", one


def _tool_name(value: Mapping[str, Json]) -> str:
    name = value.get("name")
    has_schema = any(isinstance(value.get(key), dict | list) for key in SCHEMAS)
    is_tool = isinstance(value.get("description"), str) or has_schema
    return name if is_tool and isinstance(name, str) else ""
