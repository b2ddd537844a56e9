"""Both encodings of OTLP become the same rows; what cannot be read is counted and explained."""

from __future__ import annotations

import base64
import json

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.errors import BadRequest
from collector.otlp import Decoded, decode_logs, decode_traces
from collector.redaction import Redactor
from tests.collector.wire import KEY, a_log_request, a_trace_request, any_value, pairs
from tests.samples import samples_path

REDACT = Redactor(key=KEY)


def traces(body: bytes, *, json: bool = False) -> Decoded:
    return decode_traces(body, json=json, received_ns=7, redact=REDACT)


def logs(body: bytes, *, json: bool = False, received_ns: int = 7) -> Decoded:
    return decode_logs(body, json=json, received_ns=received_ns, redact=REDACT)


def as_json(message: object) -> bytes:
    """OTLP/JSON of a request: protobuf's own JSON, but ids in hex."""

    def with_hex(value: object) -> object:
        if isinstance(value, list):
            return [with_hex(item) for item in value]
        if isinstance(value, dict):
            return {
                key: base64.b64decode(item).hex()
                if key in ("traceId", "spanId", "parentSpanId")
                else with_hex(item)
                for key, item in value.items()
            }
        return value

    document = json_format.MessageToDict(message, use_integers_for_enums=True)
    return json.dumps(with_hex(document)).encode()


VALUES = st.recursive(
    st.text(max_size=20)
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.binary(max_size=20)
    | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.text(max_size=8) | st.sampled_from(
    ["gen_ai.conversation.id", "session.id", "user.id", "event.name", "debrief.event.id"]
)
ATTRIBUTES = st.lists(st.tuples(KEYS, VALUES), max_size=4)


@given(attributes=ATTRIBUTES, event=ATTRIBUTES, times=st.tuples(*[st.integers(0, 2**64 - 1)] * 2))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_protobuf_and_json_of_one_trace_request_give_the_same_rows(attributes, event, times):
    request = a_trace_request(attributes=attributes)
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.start_time_unix_nano, span.end_time_unix_nano = times
    happened = span.events.add(name="exception", time_unix_nano=5)
    happened.attributes.extend(a_trace_request(attributes=event).resource_spans[0].scope_spans[0]
                               .spans[0].attributes)  # fmt: skip

    assert traces(request.SerializeToString()) == traces(as_json(request), json=True)


@given(attributes=ATTRIBUTES, body=VALUES, name=st.sampled_from(["", "debrief.outcome"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_protobuf_and_json_of_one_log_request_give_the_same_rows(attributes, body, name):
    request = a_log_request(name=name, body=body)
    for key, value in attributes:
        record = request.resource_logs[0].scope_logs[0].log_records[0]
        record.attributes.add(key=key).value.CopyFrom(any_value(value))

    assert logs(request.SerializeToString()) == logs(as_json(request), json=True)


@pytest.mark.parametrize("is_json", [True, False])
@pytest.mark.parametrize("decode", [decode_traces, decode_logs])
@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@settings(max_examples=100, deadline=None)
def test_random_bytes_are_refused_or_read_and_never_crash(decode, is_json, body):
    try:
        decoded = decode(body, json=is_json, received_ns=1, redact=REDACT)
    except BadRequest:
        return
    assert decoded.rejected >= 0


JSON_SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resourceSpans", "scopeSpans", "spans", "resource", "attributes", "key", "value",
                 "stringValue", "intValue", "arrayValue", "values", "traceId", "status", "events"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON_SHAPES)
@settings(max_examples=150, deadline=None)
def test_any_json_is_refused_or_read_and_never_crashes(document):
    try:
        traces(json.dumps(document).encode(), json=True)
    except BadRequest:
        return


def test_a_row_has_what_the_span_had():
    request = a_trace_request(
        attributes=[
            ("gen_ai.conversation.id", "c-1"),
            ("user.id", "bob"),
            ("tag", "first"),
            ("tag", "second"),
            ("gen_ai.usage.input_tokens", 12),
            ("gen_ai.input.messages", [{"role": "user", "parts": [{"content": "hi"}]}]),
        ]
    )

    (row,) = traces(request.SerializeToString()).rows

    assert row["trace_id"] == "00000000000000000000000000000001"
    assert row["span_id"] == "0000000000000001"
    assert row["parent_span_id"] is None
    assert (row["service"], row["scope"], row["received_ns"]) == ("orderbot", "tests", 7)
    assert row["conversation_id"] == "c-1"
    assert row["user_id"] == REDACT.user("bob")
    assert row["attributes"] == [
        ("gen_ai.conversation.id", "c-1"),
        ("user.id", REDACT.user("bob")),
        ("tag", "first"),
        ("tag", "second"),
    ]
    assert row["attributes_json"] == [
        ("gen_ai.usage.input_tokens", "12"),
        ("gen_ai.input.messages", '[{"role":"user","parts":[{"content":"hi"}]}]'),
    ]


def test_a_user_id_that_is_a_number_becomes_a_pseudonym():
    request = a_trace_request(attributes={"user.id": 4711, "session.id": 9})

    (row,) = traces(request.SerializeToString()).rows

    assert (row["user_id"], row["conversation_id"]) == (REDACT.user("4711"), "9")
    assert row["attributes"] == [("user.id", REDACT.user("4711")), ("session.id", "9")]
    assert row["attributes_json"] == []


def test_the_best_key_says_which_conversation_and_which_user_it_is():
    request = a_trace_request(
        attributes=[
            ("metadata.user_id", "last"),
            ("session.id", "second"),
            ("gen_ai.conversation.id", " "),
            ("user.id", "old"),
            ("user.id", "new"),
        ]
    )

    (row,) = traces(request.SerializeToString()).rows

    assert (row["conversation_id"], row["user_id"]) == ("second", REDACT.user("new"))


def test_each_span_has_the_resource_and_scope_of_its_group():
    request = a_trace_request(service="one", scope="first", spans=2)
    request.MergeFrom(a_trace_request(service="two", scope="second", first=3))
    request.resource_spans[1].resource.attributes.extend(pairs({"process.pid": 7}))

    rows = traces(request.SerializeToString()).rows

    assert [(row["service"], row["scope"]) for row in rows] == [
        *[("one", "first")] * 2,
        ("two", "second"),
    ]
    assert [row["resource"] for row in rows] == [
        *[[("service.name", "one")]] * 2,
        [("service.name", "two")],
    ]
    assert [row["resource_json"] for row in rows] == [[], [], [("process.pid", "7")]]


def test_a_text_that_many_spans_repeat_is_clean_in_all_of_them_and_counts_once():
    request = a_trace_request(spans=3, attributes={"gen_ai.system_instructions": "Mail a@b.com"})

    decoded = traces(request.SerializeToString())

    texts = {text for row in decoded.rows for _, text in row["attributes"]}
    assert texts == {REDACT.text("Mail a@b.com")}
    assert decoded.redacted == {"email": 1}


def test_a_long_number_stays_a_number_also_where_the_same_digits_are_a_card_in_a_text():
    card = "4111111111111111"
    request = a_trace_request(attributes={"amount": int(card), "note": card})
    request.resource_spans[0].scope_spans[0].spans[0].name = card

    (row,) = traces(request.SerializeToString()).rows

    assert row["attributes_json"] == [("amount", card)]
    assert card not in (row["name"], dict(row["attributes"])["note"])


def test_nothing_personal_is_left_in_any_column():
    secret = "bob@example.com"
    request = a_trace_request(
        service=secret, attributes={"session.id": secret, "user.email": secret, "x": [secret]}
    )
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.name = span.status.message = f"mail {secret}"
    span.events.add(name=secret).attributes.add(key="user.id").value.string_value = secret

    assert secret not in str(traces(request.SerializeToString()).rows)
    event = a_log_request(name="debrief.outcome", attributes={"user.id": secret}, body=secret)
    assert secret not in str(logs(event.SerializeToString()).rows)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("trace_id", b"short", id="short-trace-id"),
        pytest.param("trace_id", bytes(16), id="trace-id-of-zeros"),
        pytest.param("span_id", b"", id="no-span-id"),
        pytest.param("parent_span_id", b"abc", id="short-parent"),
        pytest.param("start_time_unix_nano", 2**63, id="time-out-of-range"),
    ],
)
def test_a_bad_span_is_rejected_and_the_others_are_kept(field, value):
    request = a_trace_request(spans=3)
    setattr(request.resource_spans[0].scope_spans[0].spans[1], field, value)

    decoded = traces(request.SerializeToString())

    assert [row["span_id"][-1] for row in decoded.rows] == ["1", "3"]
    assert decoded.rejected == 1
    assert decoded.reason


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut-off"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b'{"resourceSpans": 7}', id="no-list"),
        pytest.param(b'{"resourceSpans": [{"resource": {"attributes": [{"key": 1}]}}]}', id="key"),
        pytest.param(b"[" * 3000, id="deep"),
    ],
)
def test_a_json_body_that_is_no_request_is_a_bad_request(body):
    with pytest.raises(BadRequest, match="JSON"):
        traces(body, json=True)


def test_a_deeply_nested_value_is_rejected():
    value: object = {"stringValue": "x"}
    for _ in range(150):
        value = {"arrayValue": {"values": [value]}}
    span = {"traceId": "1" * 32, "spanId": "1" * 16, "attributes": [{"key": "a", "value": value}]}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}

    assert traces(json.dumps(body).encode(), json=True).rejected == 1


def test_json_may_use_names_of_enums_snake_case_and_plain_numbers():
    span = {
        "trace_id": "A" * 32,
        "span_id": "b" * 16,
        "kind": "SPAN_KIND_CLIENT",
        "status": {"code": "STATUS_CODE_ERROR"},
        "start_time_unix_nano": 5,
        "attributes": [{"key": "n", "value": {"int_value": 3}}],
    }
    body = {"resource_spans": [{"scope_spans": [{"spans": [span]}]}]}

    (row,) = traces(json.dumps(body).encode(), json=True).rows

    assert row["trace_id"] == "a" * 32
    assert (row["kind"], row["status"], row["start_ns"], row["end_ns"]) == (3, 2, 5, None)
    assert row["attributes_json"] == [("n", "3")]


def test_half_a_surrogate_pair_from_a_javascript_sender_is_replaced():
    body = as_json(a_trace_request(attributes={"a": "CUT"})).replace(b"CUT", b"\\ud83d")

    (row,) = traces(body, json=True).rows

    assert row["attributes"] == [("a", "\ufffd")]


def test_ordinary_logs_are_dropped_and_counted():
    decoded = logs(a_log_request(name="", body="GET /health").SerializeToString())

    assert (decoded.rows, decoded.dropped, decoded.rejected) == ([], 1, 0)


def test_an_event_may_have_its_name_in_an_attribute():
    request = a_log_request(name="", attributes={"event.name": "debrief.outcome"})

    assert logs(request.SerializeToString()).rows[0]["name"] == "debrief.outcome"


def test_an_event_that_is_sent_twice_keeps_its_id_and_another_has_another():
    first = a_log_request(attributes={"score": 1}).SerializeToString()
    other = a_log_request(attributes={"score": 2}).SerializeToString()

    ids = [logs(body, received_ns=ns).rows[0]["event_id"]
           for body, ns in ((first, 1), (first, 2), (other, 1))]  # fmt: skip

    assert ids[0] == ids[1] != ids[2]


def test_the_sender_may_name_an_event():
    request = a_log_request(attributes={"debrief.event.id": "mine"})

    assert logs(request.SerializeToString()).rows[0]["event_id"] == "mine"


def test_model_calls_without_text_get_a_hint_that_names_the_switch():
    request = a_trace_request(
        scope="opentelemetry.instrumentation.genai.openai",
        attributes={"gen_ai.operation.name": "chat"},
    )

    hints = traces(request.SerializeToString()).hints

    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT" in hints["orderbot"]


@pytest.mark.parametrize("attributes", [{"gen_ai.input.messages": "[]"}, {"http.method": "GET"}])
def test_spans_with_text_or_without_a_model_need_no_hint(attributes):
    request = a_trace_request(attributes=attributes)

    assert not traces(request.SerializeToString()).hints


def test_captures_of_real_instrumentations_are_read_whole():
    spans = events = 0
    for meta_path in sorted(samples_path("dialects").glob("*/*.meta.json")):
        meta = json.loads(meta_path.read_text())
        body = (meta_path.parent / meta["file"]).read_bytes()
        if meta["signal"] == "traces":
            decoded, message = traces(body), ExportTraceServiceRequest.FromString(body)
            assert traces(as_json(message), json=True) == decoded
            spans += len(decoded.rows)
        elif meta["signal"] == "logs":
            decoded, log_message = logs(body), ExportLogsServiceRequest.FromString(body)
            assert logs(as_json(log_message), json=True) == decoded
            events += len(decoded.rows)
        assert decoded.rejected == 0

    assert spans > 50
    assert events > 20
