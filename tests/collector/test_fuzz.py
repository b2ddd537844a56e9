"""No request of a stranger crashes the collector or costs its neighbours anything.

A short run; `bench/fuzz.py` makes the long one.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.assemble import assemble
from collector.dialects.spans import read_row
from collector.errors import BadRequest
from collector.otlp import decode_logs, decode_traces
from collector.records import Conversation
from collector.show import conversation_json
from collector.store import open_store
from collector.store.store import to_arrow
from tests.collector.conversations import OPEN_BOOK
from tests.collector.mutations import NEIGHBOUR_TEXT, Broken, broken
from tests.collector.wire import a_collector, a_trace_request

LONGEST_S = 5.0
"""CPU time of one request, far above what any takes: only a hang is over it."""


def put_through(given: Broken) -> None:
    """From bytes to what a person reads; anything but a clear refusal is a fault."""
    decode = decode_traces if given.signal == "traces" else decode_logs
    began = time.process_time()
    try:
        decoded = decode(given.body, json=given.is_json, received_ns=1, redact=OPEN_BOOK)
    except BadRequest:
        assert given.neighbour is None, "a broken record refused its neighbours"
        return
    stored = to_arrow(decoded.table, decoded.rows).to_pylist()
    rows = [read_row(row) for row in stored]
    found = list(assemble(rows, []) if given.signal == "traces" else assemble([], rows))
    told = [conversation_json(each) for each in found if isinstance(each, Conversation)]
    assert time.process_time() - began < LONGEST_S
    if given.neighbour is not None:
        ids = {row["span_id" if given.signal == "traces" else "event_id"] for row in stored}
        assert given.neighbour in ids
        if given.signal == "traces":
            assert any(
                [message.get("text") for message in each["messages"]] == [NEIGHBOUR_TEXT]
                for each in told
            )


@given(seed=st.integers(0, 2**40))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_what_is_broken_costs_itself_and_nothing_else(seed: int) -> None:
    put_through(broken(seed))


def test_a_running_collector_answers_all_and_keeps_every_neighbour(tmp_path):
    requests = [broken(seed) for seed in range(200)]
    with a_collector(tmp_path) as collector:

        def post(each: Broken) -> int:
            kind = "application/json" if each.is_json else "application/x-protobuf"
            return collector.post(f"/v1/{each.signal}", each.body, content_type=kind)[0]

        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(post, requests))

    assert set(statuses) == {200, 400}
    stored = open_store(str(tmp_path), create=False)
    found = set(stored.scan("spans")["span_id"].to_pylist())
    found |= set(stored.scan("events")["event_id"].to_pylist())
    assert {each.neighbour for each in requests if each.neighbour} <= found


def test_an_operation_that_is_no_text_is_stored_like_any_other_attribute():
    request = a_trace_request(attributes={"gen_ai.operation.name": ["chat"]})

    decoded = decode_traces(
        request.SerializeToString(), json=False, received_ns=1, redact=OPEN_BOOK
    )

    assert len(decoded.rows) == 1
