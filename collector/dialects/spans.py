"""One stored span, or one stored log record that stands for a span, as dialects read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from collector.dialects import decoding
from collector.records import Json

Row = Mapping[str, Any]
"""One row of `spans` or `events` with `attributes` and `resource` as dicts, or lists of pairs, of
values and not of JSON text: see `read_row`."""


def read_row(stored: Row) -> dict[str, Any]:
    """A row as dialects read it, from one of `collector.store.schema`.

    Of keys that repeat the last value stays, and strings come before all others.
    """
    return {
        **stored,
        "attributes": _merged(stored["attributes"], stored["attributes_json"]),
        "resource": _merged(stored["resource"], stored["resource_json"]),
    }


def _merged(texts: Iterable[Any] | None, others: Iterable[Any] | None) -> dict[str, Json]:
    values: dict[str, Json] = dict(texts or ())
    for key, text in others or ():
        values[key] = decoding.attribute(text)
    return values


def _by_key(given: Any) -> dict[str, Json]:
    return given if isinstance(given, dict) else dict(given or ())


@lru_cache(maxsize=4096)
def _keys_in(keys: tuple[str, ...], prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """Remembered, because most spans of an agent carry the same keys."""
    return tuple(key for key in keys if key.startswith(prefixes))


class Span:
    """A row with its attributes by key.

    `logs` are the log records that point at this span; a key that the span does not carry is taken
    from them, because many instrumentations send content on one of the two only.
    """

    __slots__ = ("_resource", "_values", "end_ns", "keys", "logs", "row", "span_id", "start_ns")

    start_ns: int
    """0 where the sender gave no time."""
    end_ns: int
    """0 where the sender gave no time; never before the start."""
    keys: tuple[str, ...]
    """Of the attributes, in the order in which they were sent."""

    def __init__(self, row: Row, logs: Iterable[Row] = ()) -> None:
        self.row = row
        self.logs = tuple(logs)
        self._values = _by_key(row["attributes"])
        if self.logs:
            self._values = {}
            for log in self.logs:
                self._values.update(log["attributes"] or ())
            self._values.update(row["attributes"] or ())
        self._resource = _by_key(row["resource"])
        self.keys = tuple(self._values)
        # A log record that is read like a span has no such times.
        self.span_id = str(row.get("span_id"))
        self.start_ns = row.get("start_ns") or 0
        self.end_ns = max(row.get("end_ns") or 0, self.start_ns)

    @classmethod
    def of_logs(cls, logs: Sequence[Row]) -> Span:
        """Stand in for a span that never came: only its log records did (at least one)."""
        log = logs[-1]
        times = [each["at_ns"] for each in logs if each["at_ns"]]
        return cls(
            {
                "trace_id": log["trace_id"] or f"log-{log['event_id']}",
                "span_id": log["span_id"] or log["event_id"],
                "parent_span_id": None,
                "name": log["name"],
                "status": 0,
                "status_message": None,
                "start_ns": min(times, default=None),
                "end_ns": max(times, default=None),
                "received_ns": log["received_ns"],
                "scope": log["scope"],
                "service": log["service"],
                "conversation_id": log["conversation_id"],
                "user_id": log["user_id"],
                "attributes": log["attributes"],
                "resource": log["resource"],
                "events": None,
                "dropped_attributes": 0,
            },
            logs,
        )

    @property
    def failed(self) -> bool:
        return bool(self.row["status"] == 2)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def keys_in(self, *prefixes: str) -> tuple[str, ...]:
        """The keys that begin with one of these."""
        return _keys_in(self.keys, prefixes)

    def raw(self, key: str) -> str | None:
        """A string attribute as sent, the JSON text of any other."""
        value = self._values.get(key)
        if isinstance(value, str) or key not in self._values:
            return value if isinstance(value, str) else None
        return orjson.dumps(value).decode()

    def value(self, key: str) -> Json:
        return self._values.get(key)

    def text(self, *keys: str) -> str | None:
        """First of `keys` that holds text or a number, as text."""
        values = self._values
        for key in keys:
            if key in values:
                value = values[key]
                if isinstance(value, str) and value:
                    return value
                if isinstance(value, int | float) and not isinstance(value, bool):
                    return str(value)
        return None

    def count(self, *keys: str) -> int | None:
        """First of `keys` that holds a number that is not negative (some senders use text)."""
        for key in keys:
            value = self.value(key)
            if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
                return int(value)
            if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
                return int(value)
        return None

    def resource(self, key: str) -> str | None:
        value = self._resource.get(key)
        return None if value is None or value == "" else str(value)

    @property
    def resource_keys(self) -> Iterable[str]:
        return self._resource.keys()

    def events(self) -> list[dict[str, Any]]:
        """Span events `{name, time_ns, attributes}`; what is not such a list is no event."""
        value = decoding.attribute(self.row["events"]) if self.row["events"] else []
        if not isinstance(value, list):
            return []
        return [event for event in value if isinstance(event, dict) and "name" in event]
