"""YAML that people write, checked against a pydantic model: each mistake with its line and what
would be right.

Takes a text and a model, gives the model or the mistakes; reads nothing else. What a key may be is
known from the model alone, so a new setting needs no entry here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

Checked = TypeVar("Checked", bound=BaseModel)
Location = Sequence[int | str]
"""Keys and list positions from the top of the file to a value."""

_CLOSE, _VAGUE = 0.75, 0.5
"""Of difflib: the share of letters that are the same, in order."""
_MOST_MISTAKES = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """One thing that is wrong with a file."""

    line: int | None
    """From 1 on; None where the file as a whole is meant."""
    key: str
    """Such as `agents.0.prompts`; empty for the file as a whole."""
    sentence: str
    """What is wrong and what would be right; one line, no full stop."""

    def __str__(self) -> str:
        return f"line {self.line}: {self.sentence}" if self.line else self.sentence


def read_checked(
    model: type[Checked], text: str, *, planned: frozenset[str] = frozenset()
) -> Checked | tuple[Mistake, ...]:
    """The file as `model`, or at least one mistake. An empty file is the model's defaults.

    `planned`: keys that later versions will know.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        values, tree = yaml.load(text), yaml.compose(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = " ".join(str(getattr(error, "problem", None) or "not YAML").split())
        line = mark.line + 1 if mark else None
        return (Mistake(line=line, key="", sentence=f"{problem}; correct the file or remove it"),)
    except RecursionError:
        deep = "the file is nested too deeply; correct it or remove it"
        return (Mistake(line=None, key="", sentence=deep),)
    if values is None:
        return model()
    if not isinstance(values, dict):
        wrong = f"a mapping of settings is expected, not {values!r:.60}"
        return (Mistake(line=1, key="", sentence=wrong),)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found = [
            Mistake(
                line=line_of(tree, one["loc"]),
                key=".".join(map(str, one["loc"])),
                sentence=_sentence(one, model, planned),
            )
            for one in error.errors(include_url=False)[:_MOST_MISTAKES]
        ]
        return tuple(sorted(found, key=lambda mistake: mistake.line or 0))


def line_of(tree: Node | None, location: Location) -> int | None:
    """Line of a key, or of the nearest thing around it that is there."""
    if tree is None or not location:
        return None
    line = None
    for part in location:
        found = next((pair for pair in _inner(tree) if pair[0] == part), None)
        if found is None:
            break
        _, line, tree = found
    return line


def _inner(tree: Node) -> Iterator[tuple[int | str, int, Node]]:
    """Key or position, its line, and the value, of each thing in a node."""
    if isinstance(tree, MappingNode):
        for key, value in tree.value:
            yield key.value, key.start_mark.line + 1, value
    elif isinstance(tree, SequenceNode):
        for position, value in enumerate(tree.value):
            yield position, value.start_mark.line + 1, value


def lines_of(text: str) -> Mapping[tuple[int | str, ...], int]:
    """Line of every key and list item of a file that was read without mistakes."""
    lines: dict[tuple[int | str, ...], int] = {}
    top = YAML(typ="safe", pure=True).compose(text)
    waiting: list[tuple[tuple[int | str, ...], Node]] = [((), top)] if top is not None else []
    while waiting:
        location, node = waiting.pop()
        for part, line, value in _inner(node):
            lines[*location, part] = line
            waiting.append(((*location, part), value))
    return lines


# ---- sentences ----------------------------------------------------------------------------------


def _sentence(problem: Any, model: type[BaseModel], planned: frozenset[str]) -> str:
    location: Location = problem["loc"]
    key = ".".join(map(str, location))
    if problem["type"] == "extra_forbidden":
        return _unknown(str(location[-1]), key, _model_at(model, location[:-1]), model, planned)
    if problem["type"] == "value_error":
        where = f"`{key}`: " if key else ""
        return f"{where}{problem['ctx']['error']}"
    if problem["type"] == "missing":
        return f"`{key}` is missing"
    # Pydantic speaks of Python's types, the file's reader knows YAML's.
    said = problem["msg"].replace("valid tuple", "list, such as [a, b]")
    said = re.sub("valid dictionary.*", "mapping of keys", said)
    return f"`{key}` is {problem['input']!r:.60}: {said}"


def _unknown(
    name: str,
    key: str,
    section: type[BaseModel],
    top: type[BaseModel],
    planned: frozenset[str],
) -> str:
    if name in planned:
        return f"`{key}` is not supported by this version yet: leave it out"
    known = sorted(section.model_fields)
    elsewhere = [place for place, other in _sections(top) if name in other.model_fields]
    if close := difflib.get_close_matches(name, known, n=1, cutoff=_CLOSE):
        hint = f"did you mean `{close[0]}`?"
    elif elsewhere:
        hint = f"it belongs {f'under `{elsewhere[0]}`' if elsewhere[0] else 'at the top'}"
    elif vague := difflib.get_close_matches(name, known, n=1, cutoff=_VAGUE):
        hint = f"did you mean `{vague[0]}`?"
    else:
        hint = f"known are {', '.join(known)}"
    return f"unknown key `{key}`: {hint}"


def _model_at(top: type[BaseModel], location: Location) -> type[BaseModel]:
    """The model that holds at a place of the file."""
    model = top
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """`Section`, be it in `tuple[Section, ...]`, `Section | None` or `Mapping[str, Section]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one))), None)


def _sections(top: type[BaseModel], place: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Every section of the file with where it stands, such as `outcomes.rules`."""
    yield place, top
    for name, field in top.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is not None:
            yield from _sections(inner, f"{place}.{name}" if place else name)
