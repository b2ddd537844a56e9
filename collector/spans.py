"""Takes the columns of a request, gives the rows of the table `spans`, redacted.

Attribute values are long and many: they go through the redactor where they lie in memory. Of all
other texts the distinct ones do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow as pa

from collector import semconv
from collector.cleaning import Cleaning
from collector.columns import SpanColumns, SpanEvent, known_time_ns
from collector.pseudonyms import IDENTIFIERS, Pseudonyms, first_text, names_person
from collector.redaction import Redactor
from collector.store.schema import ATTRIBUTES, SCHEMA_VERSION, SPANS

_CONVERSATIONS = {key: rank for rank, key in enumerate(semconv.CONVERSATION_IDS)}
_USERS = {key: rank for rank, key in enumerate(semconv.USER_IDS)}


def span_rows(
    columns: SpanColumns, redact: Redactor, *, received_ns: int
) -> tuple[pa.Table, Counter[str]]:
    """Rows without what must not be stored, and how many values of each kind were replaced.

    Uses the columns up. A text that repeats counts once.
    """
    names, conversations, users = _named(columns, redact)
    events = [_events_text(each, names) if each else None for each in columns.events]
    clean = Cleaning()
    clean.give(columns.names, columns.status_messages, events)
    clean.give_json(columns.json_texts)
    groups = _Groups(columns, names)
    groups.give(clean)
    counts = clean.redact(redact)
    texts, more_counts = redact.column(pa.array(columns.texts, pa.string()))

    spans = range(len(columns.span_ids))
    arrays: dict[str, Any] = {
        "trace_id": columns.trace_ids,
        "span_id": columns.span_ids,
        "parent_span_id": columns.parent_span_ids,
        "name": clean.texts(columns.names),
        "kind": columns.kinds,
        "status": columns.statuses,
        "status_message": clean.texts(columns.status_messages),
        "start_ns": columns.start_ns,
        "end_ns": columns.end_ns,
        "received_ns": [received_ns] * len(spans),
        "conversation_id": [conversations.get(span) for span in spans],
        "user_id": [users.get(span) for span in spans],
        "attributes": _map(columns.text_starts, columns.text_keys, texts),
        "attributes_json": _map(
            columns.json_starts, columns.json_keys, clean.json_texts(columns.json_texts)
        ),
        "events": clean.texts(events),
        "dropped_attributes": columns.dropped_attributes,
        "schema_version": [SCHEMA_VERSION] * len(spans),
        **groups.arrays(clean),
    }
    rows = [
        array if isinstance(array, pa.Array) else pa.array(array, field.type)
        for field, array in ((field, arrays[field.name]) for field in SPANS)
    ]
    return pa.table(rows, schema=SPANS), counts + more_counts


def _events_text(events: Sequence[SpanEvent], names: Pseudonyms) -> str:
    """Span events as JSON; of attribute keys that repeat the last one stays."""
    return orjson.dumps(
        [
            {
                "name": name,
                "time_ns": known_time_ns(time_ns),
                "attributes": {key: names.value(key, value) for key, value in attributes},
            }
            for name, time_ns, attributes in events
        ]
    ).decode()


def _named(
    columns: SpanColumns, redact: Redactor
) -> tuple[Pseudonyms, dict[int, str], dict[int, str]]:
    """Put pseudonyms into the texts; gives them, and conversation and user of the spans that name
    one: what stands under the best key and is not blank."""
    keys, texts = columns.text_keys, columns.texts
    places = columns.places(names_person)
    names = Pseudonyms(redact, (texts[place] for place in places if keys[place] in IDENTIFIERS))
    conversations: dict[int, tuple[int, str]] = {}
    users: dict[int, tuple[int, str]] = {}
    for place, span in zip(places, columns.owners(places), strict=True):
        key, text = keys[place], texts[place]
        if not text:
            continue
        is_identifier = key in IDENTIFIERS
        name = names.identifier(text) if is_identifier else names.user(text)
        texts[place] = name
        best, ranks = (conversations, _CONVERSATIONS) if is_identifier else (users, _USERS)
        rank = ranks.get(key)
        if rank is not None and text.strip() and (span not in best or rank <= best[span][0]):
            best[span] = rank, name
    return (
        names,
        {span: name for span, (_, name) in conversations.items()},
        {span: name for span, (_, name) in users.items()},
    )


def _map(starts: Sequence[int], keys: Sequence[str], texts: pa.Array | Sequence[str]) -> pa.Array:
    items = texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string())
    return pa.MapArray.from_arrays(
        pa.array([*starts, len(keys)], pa.int32()), pa.array(keys, pa.string()), items
    )


class _Groups:
    """The columns that are equal for all spans of a group."""

    def __init__(self, columns: SpanColumns, names: Pseudonyms) -> None:
        self._of_span = pa.array(columns.group, pa.int32())
        self._divided = [names.divided(group.resource) for group in columns.groups]
        self._columns = {
            "service": [
                first_text(dict(group.resource), (semconv.SERVICE_NAME,))
                for group in columns.groups
            ],
            "scope": [group.scope for group in columns.groups],
            "scope_version": [group.scope_version for group in columns.groups],
        }

    def give(self, clean: Cleaning) -> None:
        """Give out all texts for redaction."""
        clean.give(*self._columns.values())
        for texts, others in self._divided:
            clean.give([text for _, text in texts])
            clean.give_json([text for _, text in others])

    def arrays(self, clean: Cleaning) -> dict[str, pa.Array]:
        """For each column one value a span."""
        arrays = {
            name: pa.array(clean.texts(column), pa.string())
            for name, column in self._columns.items()
        }
        arrays["resource"] = pa.array(
            [clean.pairs(texts) for texts, _ in self._divided], ATTRIBUTES
        )
        arrays["resource_json"] = pa.array(
            [clean.json_pairs(others) for _, others in self._divided], ATTRIBUTES
        )
        return {name: array.take(self._of_span) for name, array in arrays.items()}
