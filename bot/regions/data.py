"""Prompts and descriptions of tools in YAML, JSON and TOML.

What a text is comes from the format's own parser; where it stands comes from YAML's marks, or, for
JSON and TOML, from reading the file once more with a number in place of every string.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.regions.hints import is_prompt
from bot.regions.region import Piece, Region
from bot.regions.structure import NotParsed, leaves, parse
from bot.regions.writings import (
    ASCII_JSON_STRING,
    JSON_STRING,
    PLAIN,
    TOML_LINES,
    TOML_STRING,
    YAML_DOUBLE,
    indented,
    yaml_folded,
    yaml_plain,
    yaml_single,
)

MAX_REGIONS = 2_000
"""Of one file: a data set is no prompt."""
_DEEPEST = 60


def data_regions(path: str, text: str) -> tuple[Region, ...]:
    """The texts of a data file that may reach the model, in their order.

    Raises:
        NotParsed: the format's parser refuses it, or it has too many values.
    """
    leaves(parse(path, text))  # the same limits and the same errors as everywhere
    try:
        placed = list(placed_texts(path, text))
    except (ValueError, YAMLError, RecursionError) as error:
        raise NotParsed(str(error).splitlines()[0] if str(error) else "not readable") from error
    found: list[Region] = []
    for name, value, piece, tool in placed:
        kind = "tool" if tool else "prompt"
        anchor = tool or name
        if not tool and not is_prompt(name, value):
            continue
        region = Region(
            path=path,
            kind="tool" if kind == "tool" else "prompt",
            anchor=anchor,
            file_text=text,
            pieces=(piece,),
        )
        if region.text == value:  # else it is written in a way that we do not understand
            found.append(region)
        if len(found) > MAX_REGIONS:
            raise NotParsed(f"more than {MAX_REGIONS} texts")
    return tuple(sorted(found, key=lambda region: region.pieces[0].start))


Placed = tuple[str, str, Piece, str]
"""(path of keys, what it says, where, the tool's name where it describes one)."""


def placed_texts(path: str, text: str) -> Iterator[Placed]:
    """Every string of a data file with its place."""
    suffix = PurePosixPath(path).suffix.lower()
    return _yaml(text) if suffix in {".yaml", ".yml"} else _quoted(text, suffix)


# -- YAML --------------------------------------------------------------------------------------


def _yaml(text: str) -> Iterator[Placed]:
    yaml = YAML(typ="safe", pure=True)
    documents = list(yaml.compose_all(text))
    shift = 1 if text.startswith("\ufeff") else 0
    for number, document in enumerate(documents):
        name = f"[{number}]" if len(documents) > 1 else ""
        seen: set[int] = set()
        for path, node, tool in _nodes(document, name, "", 0, seen):
            piece = _yaml_piece(text, node, shift)
            if piece is not None:
                yield path, node.value, piece, tool


def _nodes(
    node: Node, name: str, tool: str, depth: int, seen: set[int]
) -> Iterator[tuple[str, ScalarNode, str]]:
    """Every string; each once, though aliases may name it often."""
    if node is None or id(node) in seen or depth > _DEEPEST:
        return
    seen.add(id(node))
    if isinstance(node, ScalarNode):
        if str(node.tag).endswith(":str"):
            yield name, node, ""
    elif isinstance(node, SequenceNode):
        for number, item in enumerate(node.value):
            yield from _nodes(item, f"{name}[{number}]", tool, depth + 1, seen)
    elif isinstance(node, MappingNode):
        entries = {key.value: value for key, value in node.value if isinstance(key, ScalarNode)}
        own = _tool_name({key: getattr(one, "value", None) for key, one in entries.items()})
        for key, value in entries.items():
            inner = f"{name}.{key}" if name else str(key)
            if key == "description" and (own or tool) and isinstance(value, ScalarNode):
                described = own or f"{tool}({name.rpartition('.')[2]})"
                yield inner, value, described
            else:
                yield from _nodes(value, inner, own or tool, depth + 1, seen)


def _yaml_piece(text: str, node: ScalarNode, shift: int) -> Piece | None:
    start, end = node.start_mark.index + shift, node.end_mark.index + shift
    if node.style in {"|", ">"}:
        return _block(text, node, start, end)
    if node.style in {'"', "'"}:
        start, end = start + 1, end - 1
    line = text[text.rfind("\n", 0, start) + 1 : start]
    indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
    writing = YAML_DOUBLE
    if node.style != '"':
        writing = yaml_single(indent) if node.style == "'" else yaml_plain(indent)
    return Piece(start=start, end=end, writing=writing)


def _block(text: str, node: ScalarNode, start: int, end: int) -> Piece | None:
    """Below the line with `|` or `>`, from the first line's text on."""
    body = text.find("\n", start) + 1
    first = re.compile(r"(?:[ \t]*\r?\n)*([ ]+)(?=\S)").match(text, body)
    if body == 0 or first is None or re.search(r"[|>][-+]?[1-9]", text[start:body]):
        return None
    indent = first[1]
    stop = start + len(text[start:end].rstrip("\r\n \t"))
    keeps_newline = node.value.endswith("\n")
    if keeps_newline:
        line_end = text.find("\n", stop)
        stop = len(text) if line_end < 0 else line_end + 1
    if node.style == ">":
        return Piece(start=first.end(), end=stop, writing=yaml_folded(indent))
    return Piece(start=first.end(), end=stop, writing=indented(indent, PLAIN))


# -- JSON and TOML -----------------------------------------------------------------------------

_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"')
_TOML_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{1,2}(?!"))?|\'\'\'.*?\'\'\'(?:\'{1,2}(?!\'))?'
    r'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|(?P<comment>#[^\n]*)',
    re.DOTALL,
)


def _quoted(text: str, suffix: str) -> Iterator[Placed]:
    """The file is read with a number for each string, which tells where each value stands."""
    pattern, load = (_TOML_TOKEN, tomllib.loads) if suffix == ".toml" else (_JSON_TOKEN, json.loads)
    tokens = [one for one in pattern.finditer(text) if not one.groupdict().get("comment")]
    mark = "debrief text"
    while mark in text:
        mark += "'"
    parts, at = [], 0
    for number, token in enumerate(tokens):
        parts += [text[at : token.start()], f'"{mark} {number}"']
        at = token.end()
    numbered: Any = load("".join([*parts, text[at:]]))
    values = {f"{mark} {number}": token for number, token in enumerate(tokens)}
    said: dict[str, str] = {}
    for marked, token in values.items():
        said[marked] = _value(token[0], suffix)
    for path, marked, tool in _strings(numbered, said, "", "", 0):
        piece = _quoted_piece(values[marked], suffix, text)
        yield path, said[marked].replace("\r\n", "\n"), piece, tool


def _value(token: str, suffix: str) -> str:
    if suffix == ".toml":
        return str(tomllib.loads(f"value = {token}")["value"])
    return str(json.loads(token))


def _quoted_piece(token: re.Match[str], suffix: str, text: str) -> Piece:
    written = token[0]
    width = 3 if suffix == ".toml" and written.startswith(('"""', "'''")) else 1
    start, end = token.start() + width, token.end() - width
    if width == 3 and text.startswith(("\n", "\r\n"), start):
        start += 1 if text[start] == "\n" else 2  # TOML leaves out the first line end
    if suffix != ".toml":
        writing = ASCII_JSON_STRING if "\\u" in text and text.isascii() else JSON_STRING
    elif written[0] == "'":
        writing = PLAIN
    else:
        writing = TOML_LINES if width == 3 else TOML_STRING
    return Piece(start=start, end=end, writing=writing)


def _strings(
    value: Any, said: Mapping[str, str], name: str, tool: str, depth: int
) -> Iterator[tuple[str, str, str]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, str) and value in said:
        yield name, value, ""
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _strings(item, said, f"{name}[{number}]", tool, depth + 1)
    elif isinstance(value, dict):
        entries = {said.get(key, key): inner for key, inner in value.items()}
        own = _tool_name({k: said.get(v) if isinstance(v, str) else v for k, v in entries.items()})
        for key, inner in entries.items():
            path = f"{name}.{key}" if name else key
            if key == "description" and (own or tool) and isinstance(inner, str):
                yield path, inner, own or f"{tool}({name.rpartition('.')[2]})"
            else:
                yield from _strings(inner, said, path, own or tool, depth + 1)


def _tool_name(entries: Mapping[str, Any]) -> str:
    """Name of the tool that a mapping defines; empty where it defines none."""
    name = entries.get("name")
    is_tool = isinstance(name, str) and isinstance(entries.get("description"), str)
    return str(name) if is_tool else ""
