"""A file to the texts in it that may be a prompt or describe a tool."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.versions.literals import Literal, python_literals, script_literals
from bot.versions.templates import Template, joined, template_of

MIN_TOKENS = 4
MAX_REGIONS = 2000
"""Of one file; a data set is no prompt."""
MAX_VALUES = 50_000
_DEEPEST = 40

Hidden = Callable[[str], list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Region:
    """One text in a file."""

    name: str
    """Empty for the whole file; else the heading, the path of keys, or the variable."""
    template: Template


def regions_of(path: str, text: str, *, hidden: Hidden | None = None) -> tuple[Region, ...]:
    """All texts of a file with at least `MIN_TOKENS`; none where it does not parse."""
    read = _READERS.get(PurePosixPath(path).suffix.lower(), _whole)
    found: list[Region] = []
    for name, template in read(text, hidden):
        if template.tokens >= MIN_TOKENS:
            found.append(Region(name, template))
        if len(found) == MAX_REGIONS:
            break
    return tuple(found)


Named = Iterator[tuple[str, Template]]


def _whole(text: str, hidden: Hidden | None) -> Named:
    yield "", template_of(text, hidden=hidden)


# -- Markdown --------------------------------------------------------------------------------------

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n.{0,20000}?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(\S[^\n]*)", re.MULTILINE)
MAX_SECTIONS = 200


def _markdown(text: str, hidden: Hidden | None) -> Named:
    """The whole file without its front matter, and each section with those below it."""
    text = _FRONT_MATTER.sub("", text)
    yield "", template_of(text, hidden=hidden)
    headings = list(_HEADING.finditer(text))
    for number, heading in enumerate(headings[:MAX_SECTIONS]):
        level = len(heading[1])
        ends = (one.start() for one in headings[number + 1 :] if len(one[1]) <= level)
        end = next(ends, len(text))
        if end - heading.start() < len(text.strip()):
            # A program that cuts a section out of a file may drop its heading.
            title = template_of(heading[0], hidden=hidden, optional=True)
            body = template_of(text[heading.end() : end], hidden=hidden)
            yield heading[0].strip()[:80], joined([title, body], is_open=False)


# -- data files ---------------------------------------------------------------------------------


def _json(text: str, hidden: Hidden | None) -> Named:
    return _parsed(json.loads, text, hidden)


def _toml(text: str, hidden: Hidden | None) -> Named:
    return _parsed(tomllib.loads, text, hidden)


def _yaml(text: str, hidden: Hidden | None) -> Named:
    return _parsed(_load_yaml, text, hidden)


def _load_yaml(text: str) -> Any:
    documents = list(YAML(typ="safe", pure=True).load_all(text))
    return documents[0] if len(documents) == 1 else documents


def _parsed(load: Callable[[str], Any], text: str, hidden: Hidden | None) -> Named:
    try:
        document = load(text)
    # A template of YAML is no YAML yet, and half-finished files are no fault of ours.
    except (ValueError, YAMLError, RecursionError, TypeError, AttributeError, KeyError):
        return _whole(text, hidden)
    return _data(document, hidden)


def _data(document: Any, hidden: Hidden | None) -> Named:
    """Each text by its path of keys; a list of texts also as one, and a tool's texts together."""
    waiting: list[tuple[str, Any, int]] = [("", document, 0)]
    seen = 0
    # Bounded: a few anchors of YAML can stand for more than fits into memory.
    while waiting and seen < MAX_VALUES:
        seen += 1
        name, value, depth = waiting.pop()
        if isinstance(value, str):
            yield name, template_of(value, hidden=hidden)
        elif depth < _DEEPEST and isinstance(value, Mapping):
            tool = _tool(value)
            if tool is not None:
                yield f"{name}({tool})" if name else tool, _tool_template(value, hidden)
            keys = [(f"{name}.{key}" if name else str(key), value[key]) for key in value]
            waiting += [(key, inner, depth + 1) for key, inner in reversed(keys)]
        elif depth < _DEEPEST and isinstance(value, list):
            if len(value) > 1 and all(isinstance(one, str) for one in value):
                yield name, joined([template_of(one, hidden=hidden) for one in value])
            items = [(f"{name}[{number}]", one, depth + 1) for number, one in enumerate(value)]
            waiting += reversed(items)


def _tool(value: Mapping[Any, Any]) -> str | None:
    """Name of the tool that an object defines."""
    name, description = value.get("name"), value.get("description")
    is_tool = isinstance(name, str) and isinstance(description, str)
    return name if is_tool and isinstance(name, str) else None


def _tool_template(value: Mapping[Any, Any], hidden: Hidden | None) -> Template:
    return joined([template_of(text, hidden=hidden) for text in described(value)])


def described(value: Any) -> Iterator[str]:
    """Descriptions in an object, its own first, then those of its parameters."""
    waiting: list[tuple[Any, int]] = [(value, 0)]
    seen = 0
    while waiting and seen < MAX_REGIONS:
        seen += 1
        one, depth = waiting.pop()
        if isinstance(one, Mapping) and depth < _DEEPEST:
            own = one.get("description")
            if isinstance(own, str) and own.strip():
                yield own
            inner = [value for key, value in one.items() if key != "description"]
            waiting += [(each, depth + 1) for each in reversed(inner)]
        elif isinstance(one, list) and depth < _DEEPEST:
            waiting += [(each, depth + 1) for each in reversed(one)]


# -- code ------------------------------------------------------------------------------------------

_DETAILS = re.compile(r"^\s*(?:Args|Arguments|Parameters|Returns|Raises|:param|@param)\b", re.M)


def _python(text: str, hidden: Hidden | None) -> Named:
    yield from _literals(python_literals(text), hidden)


def _script(text: str, hidden: Hidden | None) -> Named:
    yield from _literals(script_literals(text), hidden)


def _literals(found: Iterator[Literal], hidden: Hidden | None) -> Named:
    for one in found:
        details = _DETAILS.search(one.text) if one.is_docstring else None
        if details is None:
            yield one.name, template_of(one.text, hidden=hidden)
        else:  # Frameworks send the summary; arguments go into the schema, the rest nowhere.
            summary = template_of(one.text[: details.start()], hidden=hidden)
            rest = template_of(one.text[details.start() :], hidden=hidden, optional=True)
            yield one.name, joined([summary, rest], is_open=False)


_READERS: dict[str, Callable[[str, Hidden | None], Named]] = {
    ".md": _markdown,
    ".mdx": _markdown,
    ".markdown": _markdown,
    ".prompt": _markdown,
    ".json": _json,
    ".toml": _toml,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".py": _python,
    **dict.fromkeys((".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts"), _script),
}
