"""Whether a request is one that GitHub's official description knows.

What it cannot see: refusals that depend on the state of a repository (those are the fake's), and
what a token may do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

MANY_PARTS = {"ref", "path", "base", "head", "basehead", "branch"}
"""Parameters of a path whose values have slashes in them."""
DESCRIPTIONS = ("github", "ghes")


def violations(method: str, path: str, query: Mapping[str, str], body: Any) -> list[str]:
    """What is wrong with a call below `/repos/OWNER/NAME`, for github.com and for old servers."""
    return [
        f"{method} {path}: {wrong} ({name})"
        for name in DESCRIPTIONS
        for wrong in _wrong(_operations(name), method, path, query, body)
    ]


def _wrong(
    operations: list[tuple[re.Pattern[str], dict[str, Any]]],
    method: str,
    path: str,
    query: Mapping[str, str],
    body: Any,
) -> Iterator[str]:
    asked = next(
        (of[method] for form, of in operations if form.fullmatch(path) and method in of), None
    )
    if asked is None:
        yield "there is no such operation"
        return
    for name, value in query.items():
        if name not in asked["query"]:
            yield f"it takes no parameter {name!r}"
        elif not _fits(asked["query"][name], value):
            yield f"{name}={value!r} is not allowed"
    for name in asked.get("required", []):
        if name not in query:
            yield f"it needs the parameter {name!r}"
    yield from _wrong_body(asked.get("body"), body)


def _wrong_body(schema: Any, body: Any) -> Iterator[str]:
    if body is None:
        return
    if schema is None:
        yield "it takes no body"
        return
    for error in Draft202012Validator(schema).iter_errors(body):
        yield f"body, {'.'.join(map(str, error.path)) or 'whole'}: {error.message[:200]}"
    # GitHub ignores keys that it does not know, so one that is misspelt does nothing, silently.
    known = schema.get("properties")
    if known and isinstance(body, dict) and not ({"oneOf", "anyOf"} & set(schema)):
        yield from (f"body: unknown key {key!r}" for key in body if key not in known)


def _fits(schema: Mapping[str, Any], value: str) -> bool:
    """A parameter of a query is text: `2` may stand for a number."""
    candidates: list[Any] = [value]
    if re.fullmatch(r"-?\d+", value):
        candidates.append(int(value))
    if value in ("true", "false"):
        candidates.append(value == "true")
    return any(Draft202012Validator(dict(schema)).is_valid(one) for one in candidates)


@cache
def _operations(name: str) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    text = Path(__file__).with_name(f"{name}.json").read_text()
    paths: dict[str, dict[str, Any]] = json.loads(text)["paths"]
    # `/issues/comments` comes before `/issues/{issue_number}`: fewer parameters, then longer.
    ordered = sorted(paths, key=lambda path: (path.count("{"), -len(path)))
    return [(_form(path), paths[path]) for path in ordered]


def _form(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", path)
    pattern = ""
    for number, part in enumerate(parts):
        if number % 2:
            pattern += ".+" if part in MANY_PARTS else "[^/]+"
        else:
            pattern += re.escape(part)
    return re.compile(pattern)
