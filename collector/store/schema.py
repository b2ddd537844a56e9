"""What a stored row looks like. Only nullable columns may ever be added (readers union by name).

Times are nanoseconds since 1970 UTC. Attributes lie in two maps, because most are strings and a
string needs no encoding: `attributes` has strings as they were sent, `attributes_json` all other
values as JSON text (`resource` likewise). Keys may repeat, which a map keeps. `date=` partitions
are the UTC day of receipt: late rows leave old files alone.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1

ATTRIBUTES = pa.map_(pa.string(), pa.string())
"""Key to a string as sent, or to the JSON text of another value."""

SPANS = pa.schema(
    [
        ("trace_id", pa.string()),  # 32 lower-case hex digits
        ("span_id", pa.string()),  # 16 lower-case hex digits
        ("parent_span_id", pa.string()),  # null for a root
        ("name", pa.string()),
        ("kind", pa.int8()),  # OTLP SpanKind
        ("status", pa.int8()),  # OTLP StatusCode: 0 unset, 1 ok, 2 error
        ("status_message", pa.string()),
        ("start_ns", pa.int64()),
        ("end_ns", pa.int64()),
        ("received_ns", pa.int64()),
        ("scope", pa.string()),  # instrumentation scope name
        ("scope_version", pa.string()),
        ("service", pa.string()),  # resource service.name
        ("conversation_id", pa.string()),  # as sent on this very span, else null
        ("user_id", pa.string()),  # pseudonym, as sent on this very span, else null
        ("attributes", ATTRIBUTES),  # values that are strings
        ("attributes_json", ATTRIBUTES),  # all others: numbers, booleans, lists, objects
        ("events", pa.string()),  # JSON list of {name, time_ns, attributes: {key: value}}
        ("resource", ATTRIBUTES),
        ("resource_json", ATTRIBUTES),
        ("dropped_attributes", pa.int32()),
        ("schema_version", pa.int16()),
    ]
)

EVENTS = pa.schema(
    [
        ("event_id", pa.string()),  # debrief.event.id, else a hash of the record
        ("name", pa.string()),  # event name
        ("at_ns", pa.int64()),  # null where the sender gave no time
        ("received_ns", pa.int64()),
        ("scope", pa.string()),
        ("service", pa.string()),
        ("conversation_id", pa.string()),
        ("user_id", pa.string()),
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("response_id", pa.string()),
        ("body", pa.string()),  # JSON text of the log body, null where empty
        ("attributes", ATTRIBUTES),  # values that are strings
        ("attributes_json", ATTRIBUTES),  # all others: numbers, booleans, lists, objects
        ("resource", ATTRIBUTES),
        ("resource_json", ATTRIBUTES),
        ("schema_version", pa.int16()),
    ]
)

LEDGER = pa.schema(
    [
        ("entry_id", pa.string()),  # hash of the entry: writing one twice adds nothing for a reader
        ("at_ns", pa.int64()),
        ("action", pa.string()),  # proposed, skipped, rejected, merged, verdict, erased ...
        ("subject", pa.string()),  # proposal id or other id
        ("entry", pa.string()),  # JSON
    ]
)

ERASURES = pa.schema(
    [
        ("requested_ns", pa.int64()),
        ("user_id", pa.string()),  # pseudonym
        ("conversation_id", pa.string()),
        ("trace_id", pa.string()),
    ]
)
"""Each row names one of the three. What an erased user took part in is listed with the user: its
rows are gone by the time a late span of the same conversation arrives."""

TABLES: dict[str, pa.Schema] = {
    "spans": SPANS,
    "events": EVENTS,
    "ledger": LEDGER,
    "runs": LEDGER,
    "model_labels": LEDGER,
    "erasures": ERASURES,
    "imports": LEDGER,  # which files `debrief import` has read, and how far
}

IDENTITY: dict[str, tuple[str, ...]] = {
    "spans": ("trace_id", "span_id"),
    "events": ("event_id",),
    "ledger": ("entry_id",),
    "runs": ("entry_id",),
    "model_labels": ("entry_id",),
    "erasures": ("user_id", "conversation_id", "trace_id"),
    "imports": ("entry_id",),
}
"""What makes two rows the same row: senders repeat themselves, and so may compaction."""

TIME: dict[str, str] = {
    "spans": "received_ns",
    "events": "received_ns",
    "ledger": "at_ns",
    "runs": "at_ns",
    "model_labels": "at_ns",
    "erasures": "requested_ns",
    "imports": "at_ns",
}
"""The column that `since` and `until` mean; of equal rows the latest by it is the one to read."""
