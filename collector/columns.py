"""Takes the spans of one request one by one, keeps them as columns.

A dict for every row costs more than all else that is done with a span. So values go into flat
lists, one for each column, and pyarrow makes arrays of these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import orjson

from collector.pseudonyms import Attributes, names_person
from collector.records import Json
from collector.semconv import METADATA, METADATA_IDS

SpanEvent: TypeAlias = tuple[str, int, Attributes]
"""Name, time in ns, attributes."""

_INT8, _INT32, _INT64 = 2**7, 2**31, 2**63


class MalformedError(ValueError):
    """One record cannot be stored; the others of its request can."""


class Group(NamedTuple):
    """What the spans of one resource and one scope share."""

    resource: Attributes
    scope: str | None
    scope_version: str | None


class SpanColumns:
    """Columns of the table `spans`, in the order of the request."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.group: list[int] = []
        """For each span the place in `groups`."""
        self.trace_ids: list[str] = []
        self.span_ids: list[str] = []
        self.parent_span_ids: list[str | None] = []
        self.names: list[str] = []
        self.kinds: list[int] = []
        self.statuses: list[int] = []
        self.status_messages: list[str | None] = []
        self.start_ns: list[int | None] = []
        self.end_ns: list[int | None] = []
        self.dropped_attributes: list[int] = []
        self.events: list[Sequence[SpanEvent]] = []
        self.text_starts: list[int] = []
        """For each span where its attributes begin in `text_keys` and `texts`."""
        self.text_keys: list[str] = []
        self.texts: list[str] = []
        self.json_starts: list[int] = []
        self.json_keys: list[str] = []
        self.json_texts: list[str] = []
        """Attribute values that are no strings, as JSON text."""

    def open(self, resource: Attributes, scope: str | None, scope_version: str | None) -> None:
        """Begin a group; all spans belong to the last one."""
        self.groups.append(Group(resource, scope, scope_version))

    def add(
        self,
        trace_id: bytes,
        span_id: bytes,
        parent_span_id: bytes,
        name: str,
        kind: int,
        status: int,
        status_message: str,
        start_ns: int,
        end_ns: int,
        dropped_attributes: int,
        events: Sequence[SpanEvent],
    ) -> None:
        """Begin a span; its attributes are to be put next.

        Raises:
            MalformedError: the span cannot be stored; nothing was added.
        """
        trace = hex_id(trace_id, 16, "trace id")
        span = hex_id(span_id, 8, "span id")
        parent = optional_hex_id(parent_span_id, 8, "parent span id") if parent_span_id else None
        if not (
            0 <= kind < _INT8
            and 0 <= status < _INT8
            and 0 <= start_ns < _INT64
            and 0 <= end_ns < _INT64
            and 0 <= dropped_attributes < _INT32
        ):
            raise MalformedError(
                f"kind {kind}, status {status}, start {start_ns}, end {end_ns} or dropped "
                f"attributes {dropped_attributes} is negative or too large"
            )
        for _, time_ns, _ in events:
            known_time_ns(time_ns)
        self.trace_ids.append(trace)
        self.span_ids.append(span)
        self.parent_span_ids.append(parent)
        self.group.append(len(self.groups) - 1)
        self.names.append(name)
        self.kinds.append(kind)
        self.statuses.append(status)
        self.status_messages.append(status_message or None)
        self.start_ns.append(start_ns or None)
        self.end_ns.append(end_ns or None)
        self.dropped_attributes.append(dropped_attributes)
        self.events.append(events)
        self.text_starts.append(len(self.texts))
        self.json_starts.append(len(self.json_texts))

    def owners(self, places: Sequence[int]) -> list[int]:
        """The spans whose attributes lie at these places of `texts`."""
        found: list[int] = np.searchsorted(self.text_starts, places, side="right").tolist()
        return [number - 1 for number in found]

    def places(self, wanted: Callable[[str], bool]) -> list[int]:
        """Where in `texts` the attributes lie whose names are wanted."""
        keys = {key for key in set(self.text_keys) if wanted(key)}
        return [place for place, key in enumerate(self.text_keys) if key in keys]

    def put(self, key: str, value: Json) -> None:
        """Put one attribute of the last span, whatever it is.

        A number that names a person becomes a string, as its pseudonym will be one. Ids inside of
        OpenInference's `metadata` become attributes of their own: LangChain's user id is there
        only, and inside of JSON text it would neither become a pseudonym nor be found again.
        """
        if key == METADATA:
            ids, value = _ids_taken_out(value)
            for name, id_ in ids.items():
                self.put(f"{key}.{name}", id_)
        elif type(value) is int and names_person(key):
            value = str(value)
        if isinstance(value, str):
            self.text_keys.append(key)
            self.texts.append(value)
        else:
            self.json_keys.append(key)
            self.json_texts.append(orjson.dumps(value).decode())


def _ids_taken_out(metadata: Json) -> tuple[dict[str, Json], Json]:
    try:
        given: Json = orjson.loads(metadata) if isinstance(metadata, str) else metadata
    except orjson.JSONDecodeError:
        return {}, metadata
    entries = given if isinstance(given, dict) else {}
    ids: dict[str, Json] = {
        key: value
        for key, value in entries.items()
        if key in METADATA_IDS and isinstance(value, str | int)
    }
    if not ids:
        return {}, metadata
    rest: Json = {key: value for key, value in entries.items() if key not in ids}
    return ids, orjson.dumps(rest).decode() if isinstance(metadata, str) else rest


# ---- what fits into a column --------------------------------------------------------------------


def hex_id(value: bytes, length: int, what: str) -> str:
    """An id as lower-case hex; raises `MalformedError`, as all of these do."""
    if len(value) != length or not any(value):
        raise MalformedError(f"{what} {value[:20].hex()!r} is not {length} bytes with one not 0")
    return value.hex()


def optional_hex_id(value: bytes, length: int, what: str) -> str | None:
    """None for an id that is empty or all 0."""
    return hex_id(value, length, what) if any(value) else None


def known_time_ns(value: int) -> int | None:
    """A time, None for 0."""
    if not 0 <= value < _INT64:
        raise MalformedError(f"time {value} is not within 0..{_INT64 - 1}")
    return value or None
