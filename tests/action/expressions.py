"""GitHub's expressions, as far as our action and our workflows use them; all else is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|\|\||&&|==|!=|[!(),]|-?\d+(?:\.\d+)?|[A-Za-z_][\w.-]*)")
_WHOLE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "startsWith": lambda text, start: str(text).lower().startswith(str(start).lower()),
    "contains": lambda text, part: str(part).lower() in str(text).lower(),
    "success": lambda: True,
    "always": lambda: True,
}
_WORDS = {"true": True, "false": False, "null": None}


def filled(text: str, contexts: Mapping[str, Any]) -> str:
    """`text` with each `${{ }}` replaced by its value."""
    return _WHOLE.sub(lambda found: shown(evaluate(found[1], contexts)), text)


def evaluate(expression: str, contexts: Mapping[str, Any]) -> Any:
    """The value; a name that its context lacks is empty, as on GitHub."""
    tokens = _tokens(expression)
    value = _either(tokens, contexts)
    if tokens:
        raise ValueError(f"{expression!r}: {tokens[0]!r} was not expected")
    return value


def _tokens(expression: str) -> list[str]:
    tokens, at = [], 0
    while expression[at:].strip():
        found = _TOKEN.match(expression, at)
        if found is None:
            raise ValueError(f"{expression!r} is not understood from {expression[at:]!r} on")
        tokens.append(found[1])
        at = found.end()
    return tokens


def _either(tokens: list[str], contexts: Mapping[str, Any]) -> Any:
    value = _both(tokens, contexts)
    while tokens[:1] == ["||"]:
        tokens.pop(0)
        other = _both(tokens, contexts)
        value = value or other
    return value


def _both(tokens: list[str], contexts: Mapping[str, Any]) -> Any:
    value = _compared(tokens, contexts)
    while tokens[:1] == ["&&"]:
        tokens.pop(0)
        other = _compared(tokens, contexts)
        value = value and other
    return value


def _compared(tokens: list[str], contexts: Mapping[str, Any]) -> Any:
    value = _single(tokens, contexts)
    if tokens[:1] in (["=="], ["!="]):
        wanted = tokens.pop(0) == "=="
        other = _single(tokens, contexts)
        return (shown(value).lower() == shown(other).lower()) is wanted
    return value


def _single(tokens: list[str], contexts: Mapping[str, Any]) -> Any:
    token = tokens.pop(0)
    if token == "!":
        return not _single(tokens, contexts)
    if token == "(":
        value = _either(tokens, contexts)
        assert tokens.pop(0) == ")"
        return value
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    if token in _WORDS:
        return _WORDS[token]
    if tokens[:1] == ["("]:
        return _called(token, tokens, contexts)
    return _looked_up(token, contexts)


def _called(name: str, tokens: list[str], contexts: Mapping[str, Any]) -> Any:
    tokens.pop(0)
    given = []
    while tokens[0] != ")":
        given.append(_either(tokens, contexts))
        if tokens[0] == ",":
            tokens.pop(0)
    tokens.pop(0)
    return _FUNCTIONS[name](*given)


def _looked_up(path: str, contexts: Mapping[str, Any]) -> Any:
    context, *names = path.split(".")
    if context not in contexts:
        raise ValueError(f"{path!r}: there is no context {context!r} here")
    value: Any = contexts[context]
    for name in names:
        value = value.get(name, "") if isinstance(value, Mapping) else ""
    return value


def shown(value: Any) -> str:
    """As GitHub writes a value into a text."""
    if value is None or value is False:
        return "" if value is None else "false"
    return "true" if value is True else str(value)
