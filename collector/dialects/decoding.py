"""JSON as telemetry carries it: in strings, in strings in strings, cut off, or not JSON at all."""

from __future__ import annotations

import json
from typing import Any

import orjson

from collector.records import Json

DEEPEST = 200
"""Nesting that still can be written as JSON again (orjson stops at 254)."""


def parse(text: str) -> Json:
    """Give the JSON value of `text`.

    Lone surrogates, which JavaScript and Python senders let through, become `?`.

    Raises:
        ValueError: `text` is not JSON, or is nested too deeply to be handled.
    """
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = _parse_leniently(text)
    if len(text) > DEEPEST and text.count("[") + text.count("{") > DEEPEST:
        try:
            orjson.dumps(value)
        except TypeError as error:
            raise ValueError("JSON nested too deeply") from error
    return value


def _parse_leniently(text: str) -> Json:
    try:
        value = json.loads(text, parse_constant=lambda _: None)
    except RecursionError as error:
        raise ValueError("JSON nested too deeply") from error
    clean: Json = _clean(value)
    return clean


def _clean(value: Any) -> Any:
    """Make what the standard library reads (surrogates, huge integers) fit for orjson."""
    return orjson.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def attribute(text: str) -> Json:
    """Value of one stored attribute (JSON text); text that is not JSON is given as it is."""
    try:
        return parse(text)
    except ValueError:
        return text


def container(value: Json) -> Json:
    """Unpack a JSON list or object that sits in a string, up to three strings deep.

    Anything else comes back unchanged: `"1001"` stays text, for it may be an order id. Never
    call it on what a user wrote.
    """
    inner = value
    for _ in range(3):
        if not isinstance(inner, str) or inner.lstrip()[:1] not in ("{", "[", '"'):
            break
        try:
            inner = parse(inner)
        except ValueError:
            break
    return inner if isinstance(inner, dict | list) else value


def leading_elements(text: str) -> list[Any]:
    """Complete elements at the start of a JSON list that was cut off by a size limit."""
    decoder = json.JSONDecoder(parse_constant=lambda _: None)
    elements: list[Any] = []
    position = text.find("[") + 1
    while 0 < position < len(text):
        try:
            element, position = decoder.raw_decode(text, position)
            elements.append(_clean(element))
        except (ValueError, RecursionError):
            break
        rest = text[position : position + 64].lstrip()
        if not rest.startswith(","):
            break
        position = text.index(",", position) + 1
        while position < len(text) and text[position].isspace():
            position += 1
    return elements
