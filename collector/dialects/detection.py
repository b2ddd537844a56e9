"""Which readers may speak for a span, decided once for all spans that carry the same keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from collector.dialects.spans import Span
from collector.records import Json


class ValueNeeded(Exception):
    """What was asked for cannot be said of all spans with these keys."""


class SpanOfKeys(Span):
    """Stands for every span with these keys of this scope; gives what is true of all of them.

    Asked for anything else, it raises `ValueNeeded`.
    """

    __slots__ = ("_has_logs",)

    def __init__(
        self, keys: Iterable[str], *, scope: str | None, has_logs: bool, has_events: bool
    ) -> None:
        self._has_logs = False
        super().__init__({"attributes": dict.fromkeys(keys), "resource": None})
        self._has_logs = has_logs
        self.row = (
            _KnownColumns(scope=scope) if has_events else _KnownColumns(scope=scope, events=None)
        )

    @property
    def logs(self) -> tuple[Any, ...]:
        if self._has_logs:
            raise ValueNeeded
        return ()

    @logs.setter
    def logs(self, _: object) -> None:
        """Set by the class above, where there are none."""

    def raw(self, key: str) -> str | None:
        self._demand_none(key)
        return None

    def value(self, key: str) -> Json:
        self._demand_none(key)
        return None

    def text(self, *keys: str) -> str | None:
        self._demand_none(*keys)
        return None

    def count(self, *keys: str) -> int | None:
        self._demand_none(*keys)
        return None

    def resource(self, key: str) -> str | None:
        raise ValueNeeded

    def _demand_none(self, *keys: str) -> None:
        if any(key in self for key in keys):
            raise ValueNeeded


class _KnownColumns(dict[str, Any]):
    def __missing__(self, _: str) -> NoReturn:
        raise ValueNeeded
