"""Prompts and descriptions of tools in YAML, JSON, TOML and files of the environment.

What a text is comes from the format's own parser; where it stands comes from YAML's marks, or, for
JSON and TOML, from reading the file once more with a number in place of every string.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.regions.data_purpose import Within, is_note, purpose
from bot.regions.environment import is_environment, variables
from bot.regions.hints import is_list_of_rules, is_prompt
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
        placed = list(_texts(path, text))
    except (ValueError, YAMLError, RecursionError) as error:
        raise NotParsed(str(error).splitlines()[0] if str(error) else "not readable") from error
    found: list[Region] = []
    for one in placed:
        if one.for_people:
            continue
        if not (one.tool or one.is_certain or is_prompt(one.name, one.value, path=path)):
            continue
        region = Region(
            path=path,
            kind="tool" if one.tool else "prompt",
            anchor=one.tool or one.name,
            file_text=text,
            pieces=(one.piece,),
        )
        if region.text == one.value:  # else it is written in a way that we do not understand
            found.append(region)
        if len(found) > MAX_REGIONS:
            raise NotParsed(f"more than {MAX_REGIONS} texts")
    return tuple(sorted(found, key=lambda region: region.pieces[0].start))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Text:
    """One string of a data file."""

    name: str
    """The path of keys."""
    value: str
    piece: Piece
    tool: str
    """The anchor of a tool or an argument that it describes; empty where it describes none."""
    is_certain: bool
    """A framework makes a prompt of it."""
    for_people: bool
    """It stands in a note or a letter."""


Placed = tuple[str, str, Piece, str]
"""(path of keys, what it says, where, the tool's name where it describes one)."""


def placed_texts(path: str, text: str) -> Iterator[Placed]:
    """Every string of a data file with its place."""
    yield from ((one.name, one.value, one.piece, one.tool) for one in _texts(path, text))


def _texts(path: str, text: str) -> Iterator[_Text]:
    suffix = PurePosixPath(path).suffix.lower()
    if is_environment(path):
        return _of_environment(text)
    return _yaml(text) if suffix in {".yaml", ".yml"} else _quoted(text, suffix)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Leaf:
    """A string with the place where it is written."""

    value: str
    piece: Piece


_Tree: TypeAlias = "_Leaf | Mapping[str, _Tree] | Sequence[_Tree] | None"


def _walk(node: _Tree, within: Within, depth: int = 0) -> Iterator[_Text]:
    """Every string of a tree, with what the keys around say of it."""
    if depth > _DEEPEST:
        return
    if isinstance(node, _Leaf):
        yield _text(node, within)
    elif isinstance(node, Mapping):
        texts = {k: one.value if isinstance(one, _Leaf) else None for k, one in node.items()}
        if is_note(texts):
            within = replace(within, for_people=True)
        found = purpose(texts, within)
        for key, one in node.items():
            inner = within.entry(key, found.tool)
            if isinstance(one, _Leaf):
                described = found.described if key == found.describing else ""
                yield _text(one, inner, described, is_certain=key in found.certain)
            else:
                yield from _walk(one, inner, depth + 1)
    elif isinstance(node, Sequence):
        rules = is_list_of_rules(within.key)
        for number, one in enumerate(node):
            if isinstance(one, _Leaf):
                yield _text(one, within.item(number), is_certain=rules)
            else:
                yield from _walk(one, within.item(number), depth + 1)


def _text(leaf: _Leaf, within: Within, tool: str = "", *, is_certain: bool = False) -> _Text:
    is_certain = is_certain and len(leaf.value.split()) > 1
    return _Text(
        name=within.name,
        value=leaf.value,
        piece=leaf.piece,
        tool=tool,
        is_certain=is_certain,
        for_people=within.for_people,
    )


def _of_environment(text: str) -> Iterator[_Text]:
    for one in variables(text):
        yield _text(
            _Leaf(value=one.value, piece=Piece(start=one.start, end=one.end, writing=PLAIN)),
            Within(name=one.name, key=one.name),
        )


# -- YAML --------------------------------------------------------------------------------------


def _yaml(text: str) -> Iterator[_Text]:
    yaml = YAML(typ="safe", pure=True)
    documents = list(yaml.compose_all(text))
    shift = 1 if text.startswith("\ufeff") else 0
    for number, document in enumerate(documents):
        name = f"[{number}]" if len(documents) > 1 else ""
        yield from _walk(_of_yaml(text, document, shift, set(), 0), Within(name=name))


def _of_yaml(text: str, node: Node, shift: int, seen: set[int], depth: int) -> _Tree:
    """The strings of a document; each once, though aliases may name it often."""
    if node is None or id(node) in seen or depth > _DEEPEST:
        return None
    seen.add(id(node))
    if isinstance(node, ScalarNode):
        piece = _yaml_piece(text, node, shift) if str(node.tag).endswith(":str") else None
        return _Leaf(value=node.value, piece=piece) if piece is not None else None
    if isinstance(node, SequenceNode):
        return [_of_yaml(text, one, shift, seen, depth + 1) for one in node.value]
    return {
        str(key.value): _of_yaml(text, value, shift, seen, depth + 1)
        for key, value in (node.value if isinstance(node, MappingNode) else ())
        if isinstance(key, ScalarNode)
    }


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


def _quoted(text: str, suffix: str) -> Iterator[_Text]:
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
    said: dict[str, _Leaf] = {}
    for number, token in enumerate(tokens):
        value = _value(token[0], suffix).replace("\r\n", "\n")
        said[f"{mark} {number}"] = _Leaf(value=value, piece=_quoted_piece(token, suffix, text))
    yield from _walk(_of_marks(numbered, said, 0), Within())


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


def _of_marks(value: Any, said: Mapping[str, _Leaf], depth: int) -> _Tree:
    """The same tree with the strings in place of their marks."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, str):
        return said.get(value)
    if isinstance(value, list):
        return [_of_marks(one, said, depth + 1) for one in value]
    if isinstance(value, dict):
        return {
            said[key].value if key in said else key: _of_marks(one, said, depth + 1)
            for key, one in value.items()
        }
    return None
