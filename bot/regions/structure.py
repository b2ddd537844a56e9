"""Files that a machine reads too: do they still parse, and which of their values changed.

Takes texts with their paths; gives values by dotted path. Reads YAML 1.2, JSON, JSON lines, TOML,
files of the environment, Python and the front matter of prompts; of any other file it says that it
has no structure.
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import PurePosixPath

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from bot.regions.environment import is_environment, variables
from collector.records import Json

MAX_LEAVES = 20_000
"""More values than any file that people keep by hand; aliases can multiply a few lines to more."""
_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.S | re.M)
_WITH_FRONT_MATTER = frozenset({".md", ".mdx", ".markdown", ".prompt", ".prompty"})
_NAME_KEYS = ("name", "id", "key")


class NotParsed(ValueError):
    """The file does not parse; the message says why in one line."""


def mistake(error: Exception) -> str:
    """What a parser says against a text, in one short line, with the place where it knows it."""
    if isinstance(error, SyntaxError) and error.msg:
        return f"{error.msg}, line {error.lineno}"
    if isinstance(error, MarkedYAMLError) and error.problem and error.problem_mark:
        # Of a key that stands twice the parser also tells the value, which is nobody's business.
        problem = error.problem.partition(" with value ")[0]
        return f"{problem}, line {error.problem_mark.line + 1}"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    first = str(error).strip().splitlines()[:1]
    return first[0] if first else type(error).__name__


def parse(path: str, text: str) -> Json:
    """The file's data; None where this kind of file has none.

    Raises:
        NotParsed: the file should have data and cannot be read.
    """
    suffix = PurePosixPath(path).suffix.lower()
    try:
        if suffix in {".yaml", ".yml"}:
            return _yaml(text)
        if suffix == ".json":
            return json.loads(text)  # type: ignore[no-any-return]
        if suffix == ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        if suffix == ".toml":
            return tomllib.loads(text)
        if is_environment(path):
            return {one.name: one.value for one in variables(text)}
        if suffix == ".py":
            ast.parse(text)
        front = _FRONT_MATTER.match(text) if suffix in _WITH_FRONT_MATTER else None
        return _yaml(front[1]) if front else None
    except (ValueError, SyntaxError, YAMLError, RecursionError) as error:
        raise NotParsed(mistake(error)) from error


def _yaml(text: str) -> Json:
    documents = list(YAML(typ="safe", pure=True).load_all(text))
    return documents[0] if len(documents) == 1 else documents


def leaves(value: Json) -> dict[str, Json]:
    """Every scalar by its dotted path; an item of a list goes by its name, else by its number.

    Raises:
        NotParsed: there are more than `MAX_LEAVES`.
    """
    found: dict[str, Json] = {}
    try:
        for path, leaf in _walk(value, ()):
            found[".".join(path)] = leaf
            if len(found) > MAX_LEAVES:
                raise NotParsed(f"more than {MAX_LEAVES} values")
    except RecursionError:
        raise NotParsed("nested too deeply, or an alias inside itself") from None
    return found


def _walk(value: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Json]]:
    if isinstance(value, dict | list) and value:
        for name, inner in entry_names(value):
            yield from _walk(inner, (*path, name))
    else:
        yield path, value


def entry_names(value: Json) -> Iterator[tuple[str, Json]]:
    """What a mapping or a list holds, each with its part of the dotted path."""
    if isinstance(value, dict):
        yield from ((str(key), inner) for key, inner in value.items())
    elif isinstance(value, list):
        names = [_item_name(item) for item in value]
        for index, inner in enumerate(value):
            name = names[index]
            unique = name is not None and names.count(name) == 1
            yield name if name and unique else str(index), inner


def _item_name(item: Json) -> str | None:
    named = (item[key] for key in _NAME_KEYS if key in item) if isinstance(item, dict) else iter(())
    return next((name for name in named if isinstance(name, str) and name), None)


def changed_leaves(path: str, before: str, after: str) -> set[str]:
    """Dotted paths whose value is new, gone or another one.

    Raises:
        NotParsed: one of the two texts cannot be read.
    """
    old, new = leaves(parse(path, before)), leaves(parse(path, after))
    return {
        key
        for key in old.keys() | new.keys()
        if key not in old or key not in new or not _same(old[key], new[key])
    }


def _same(one: Json, other: Json) -> bool:
    """Equal with the same type: 1, 1.0 and true are three different values in a config file."""
    return type(one) is type(other) and (one == other or (one != one and other != other))


def number(value: Json) -> Decimal | None:
    """The number that `value` is, or that it holds as a string; never a boolean."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def named_values(path: str, text: str) -> Iterable[tuple[str, str]]:
    """(name, source) of what Python code passes or assigns by name; other files have none."""
    if PurePosixPath(path).suffix.lower() != ".py":
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg:
            yield node.arg, ast.unparse(node.value)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield ast.unparse(target).rpartition(".")[2], ast.unparse(node.value)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, ast.unparse(value)
