"""Nothing of ours may break the agent: what fails is logged once and the agent goes on."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

_log = logging.getLogger("debrief")
_P = ParamSpec("_P")
_R = TypeVar("_R")
_O = TypeVar("_O")
_said: set[str] = set()
"""Keys of `warn_once`; all of them stand in this package, so there are few."""


def warn_once(key: str, message: str, *values: object) -> None:
    """Log a warning the first time that `key` comes up in this process.

    `values` hold no text of a conversation.
    """
    if key not in _said:
        _said.add(key)
        _log.warning(message, *values)


def never_raises(otherwise: _O) -> Callable[[Callable[_P, _R]], Callable[_P, _R | _O]]:
    """Make a function return `otherwise` where it would raise an exception.

    The exception's message is left out of the log: it may quote what was passed in.
    """

    def wrap(function: Callable[_P, _R]) -> Callable[_P, _R | _O]:
        @functools.wraps(function)
        def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R | _O:
            try:
                return function(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 -- the promise of this package
                name = function.__qualname__
                kind = type(error).__name__
                warn_once(f"raised {name}", "debrief: %s failed with %s; ignored", name, kind)
                return otherwise

        return guarded

    return wrap


def quietly(function: Callable[..., Any], *args: Any) -> None:
    """Call it; an exception is logged once. Only for calls whose result does not matter."""
    never_raises(None)(function)(*args)
