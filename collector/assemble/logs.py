"""Log records that carry the content of model calls, gathered by the call that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collector import semconv
from collector.dialects.spans import Row

Place = tuple[str, str]
"""Trace and span; both are empty or made up where the record has none."""


def by_call(logs: Iterable[Row]) -> dict[Place, list[Row]]:
    """Gather the records of each call, in time order; of equal times the first written is first.

    One record a message is the older form. Where such records point at no span, those of one trace
    or conversation are taken in order, and a call ends with its answer.
    """
    calls: dict[Place, list[Row]] = {}
    loose: dict[str, list[Row]] = {}
    for log in sorted(logs, key=lambda row: row["at_ns"] or 0):
        if log["name"] not in semconv.CONTENT_EVENTS:
            continue
        trace_id = log["trace_id"] or ""
        if log["span_id"] or log["name"] == semconv.INFERENCE_DETAILS_EVENT:
            calls.setdefault((trace_id, log["span_id"] or log["event_id"]), []).append(log)
        elif tie := trace_id or log["conversation_id"]:
            loose.setdefault(tie, []).append(log)
    for records in loose.values():
        for call in _each_call(records):
            calls[(call[0]["trace_id"] or "", call[-1]["event_id"])] = call
    return calls


def _each_call(records: Iterable[Row]) -> Iterator[list[Row]]:
    call: list[Row] = []
    for record in records:
        if call and call[-1]["name"] == semconv.CHOICE_EVENT != record["name"]:
            yield call
            call = []
        call.append(record)
    yield call
