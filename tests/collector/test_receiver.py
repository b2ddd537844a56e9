"""A real collector answers real exporters, and says what is wrong with everybody else."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator

import grpc
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcSpanExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpSpanExporter,
)
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from collector.answers import answer_for
from collector.errors import BadRequest, Busy, Misconfigured, StoreError, TooLarge, Unauthorized
from collector.listening import Options, parse_address
from collector.receiver import serve
from collector.store import Store, open_store
from tests.collector.wire import Collector, a_collector, a_log_request, a_trace_request

JSON = "application/json"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Collector, Store]]:
    """One collector for all tests of this file; each test uses ids of its own."""
    folder = tmp_path_factory.mktemp("store")
    with a_collector(folder) as collector:
        yield collector, open_store(str(folder), create=False)


def spans_of(store: Store, trace: int) -> list[dict[str, object]]:
    return list(
        store.scan("spans", where="trace_id = $t", parameters={"t": f"{trace:032x}"}).to_pylist()
    )


@pytest.mark.parametrize("kind", ["http", "grpc"])
def test_the_real_exporter_delivers_and_what_it_sent_is_stored(running, kind):
    collector, store = running
    exporter = (
        HttpSpanExporter(endpoint=f"http://{collector.http}/v1/traces")
        if kind == "http"
        else GrpcSpanExporter(endpoint=collector.grpc, insecure=True)
    )
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    with provider.get_tracer("tests").start_as_current_span(f"by {kind}") as span:
        span.set_attribute("gen_ai.conversation.id", f"conv-{kind}")
    provider.shutdown()

    found = store.scan("spans", where="name = $n", parameters={"n": f"by {kind}"}).to_pylist()
    assert [row["conversation_id"] for row in found] == [f"conv-{kind}"]


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        pytest.param("gzip", gzip.compress, id="gzip"),
        pytest.param("deflate", zlib.compress, id="deflate"),
        pytest.param("identity", bytes, id="identity"),
    ],
)
def test_compressed_requests_are_read(running, encoding, compress):
    collector, store = running
    trace = 100 + len(encoding)
    body = compress(a_trace_request(trace=trace, spans=2).SerializeToString())

    status, headers, answer = collector.post(
        "/v1/traces", body, headers={"Content-Encoding": encoding}
    )

    assert (status, headers["content-type"], answer) == (200, "application/x-protobuf", b"")
    assert len(spans_of(store, trace)) == 2


def test_json_is_answered_in_json(running):
    collector, store = running
    span = {"traceId": f"{200:032x}", "spanId": "1" * 16, "name": "x"}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span, {"traceId": "bad"}]}]}]}

    status, headers, answer = collector.post(
        "/v1/traces", json.dumps(body).encode(), content_type=f"{JSON}; charset=utf-8"
    )

    partial = json.loads(answer)["partialSuccess"]
    assert (status, headers["content-type"]) == (200, JSON)
    assert partial["rejectedSpans"] == "1"
    assert "traceId" in partial["errorMessage"]
    assert len(spans_of(store, 200)) == 1


def test_a_part_that_cannot_be_stored_is_a_partial_success(running):
    collector, _ = running
    request = a_trace_request(trace=300, spans=2)
    request.resource_spans[0].scope_spans[0].spans[0].span_id = b"short"

    status, _, answer = collector.post("/v1/traces", request.SerializeToString())

    partial = ExportTraceServiceResponse.FromString(answer).partial_success
    assert (status, partial.rejected_spans) == (200, 1)


def test_a_model_call_without_text_is_stored_with_a_warning_that_is_logged_once(running):
    collector, store = running
    body = a_trace_request(
        trace=400,
        service="silent-bot",
        scope="opentelemetry.instrumentation.genai.openai",
        attributes={"gen_ai.operation.name": "chat"},
    ).SerializeToString()

    answers = [collector.post("/v1/traces", body)[2] for _ in range(2)]

    partial = ExportTraceServiceResponse.FromString(answers[1]).partial_success
    assert partial.rejected_spans == 0
    assert "CAPTURE_MESSAGE_CONTENT" in partial.error_message
    assert len(spans_of(store, 400)) == 1
    collector.post("/v1/traces", body)
    assert sum("silent-bot" in line for line in collector.log) == 1


def test_a_service_whose_texts_come_as_events_gets_no_hint(running):
    collector, _ = running
    log = a_log_request(name="gen_ai.user.message", body={"content": "hi"})
    log.resource_logs[0].resource.attributes.add(key="service.name").value.string_value = "evented"
    spans = a_trace_request(
        trace=410, service="evented", attributes={"gen_ai.operation.name": "chat"}
    )

    collector.post("/v1/logs", log.SerializeToString())

    assert collector.post("/v1/traces", spans.SerializeToString())[2] == b""


def test_events_are_kept_and_ordinary_logs_are_not(running):
    collector, store = running
    for name in ("debrief.review", ""):
        body = a_log_request(name=name, attributes={"session.id": "c-500"}).SerializeToString()
        assert collector.post("/v1/logs", body)[0] == 200

    found = store.scan("events", where="conversation_id = 'c-500'").to_pylist()
    assert [row["name"] for row in found] == ["debrief.review"]


def test_metrics_are_taken_and_dropped(running):
    assert running[0].post("/v1/metrics", b"whatever")[0] == 200


def test_a_web_page_can_send_one_event_or_a_list(running):
    collector, store = running
    good = {"event": "debrief.outcome", "name": "success", "conversation_id": "c-600"}
    listed = [{**good, "name": "upgraded"}, {"event": "debrief.outcome"}, 7]

    one = collector.post("/v1/events", json.dumps(good).encode(), content_type=JSON)
    many = collector.post("/v1/events", json.dumps(listed).encode(), content_type=JSON)

    assert json.loads(one[2]) == {"accepted": 1, "refused": []}
    reply = json.loads(many[2])
    assert (many[0], reply["accepted"]) == (200, 1)
    assert [item["index"] for item in reply["refused"]] == [1, 2]
    assert all(item["reason"] for item in reply["refused"])
    found = store.scan("events", where="conversation_id = 'c-600'")
    assert found.num_rows == 2


def test_an_event_that_does_not_say_when_happened_when_it_came(running):
    collector, store = running
    event = {"event": "debrief.decision", "id": "d-600", "action": "flag", "user_id": "u-600"}

    for _ in range(2):
        collector.post("/v1/events", json.dumps(event).encode(), content_type=JSON)

    events = store.scan("events").to_pylist()
    found = [row for row in events if ("debrief.decision.id", "d-600") in row["attributes"]]
    assert found
    assert all(row["at_ns"] == row["received_ns"] for row in found)
    assert len({row["event_id"] for row in found}) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"{", "JSON", id="not-json"),
        pytest.param(b'{"event": "debrief.outcome"}', "tied to nothing", id="only-refused"),
    ],
)
def test_events_of_which_none_can_be_kept_are_a_bad_request(running, body, reason):
    status, _, answer = running[0].post("/v1/events", body, content_type=JSON)

    assert status == 400
    assert reason in answer.decode()


@pytest.mark.parametrize(
    ("body", "headers", "content_type", "status"),
    [
        pytest.param(b"\xff\xff", {}, "application/x-protobuf", 400, id="not-protobuf"),
        pytest.param(b"{", {}, JSON, 400, id="not-json"),
        pytest.param(b"x", {"Content-Encoding": "gzip"}, JSON, 400, id="not-gzip"),
        pytest.param(gzip.compress(b"{}")[:-9], {"Content-Encoding": "gzip"}, JSON, 400,
                     id="gzip-cut-off"),
        pytest.param(b"x", {"Content-Encoding": "br"}, JSON, 400, id="unknown-encoding"),
        pytest.param(b"x", {}, "text/plain", 400, id="unknown-type"),
        pytest.param(gzip.compress(bytes(33 * 2**20)), {"Content-Encoding": "gzip"}, JSON, 413,
                     id="bomb"),
        pytest.param(bytes(33 * 2**20), {}, JSON, 413, id="too-large"),
    ],
)  # fmt: skip
def test_a_request_that_can_never_work_is_refused_for_good(
    running, body, headers, content_type, status
):
    got, answer_headers, answer = running[0].post(
        "/v1/traces", body, headers=headers, content_type=content_type
    )

    assert got == status
    assert "retry-after" not in answer_headers
    message = (
        json.loads(answer)["message"] if content_type == JSON else Status.FromString(answer).message
    )
    assert message


def call(address: str, body: bytes, *, service: str = "trace.v1.TraceService", token: str = ""):
    with grpc.insecure_channel(address) as channel:
        method = channel.unary_unary(f"/opentelemetry.proto.collector.{service}/Export")
        metadata = [("authorization", f"Bearer {token}")] if token else None
        return method(body, timeout=20, metadata=metadata)


def test_grpc_takes_logs_and_metrics_too(running):
    collector, store = running
    body = a_log_request(attributes={"session.id": "c-700"}).SerializeToString()

    answer = call(collector.grpc, body, service="logs.v1.LogsService")
    metrics = call(collector.grpc, b"", service="metrics.v1.MetricsService")

    assert ExportLogsServiceResponse.FromString(answer).partial_success.rejected_log_records == 0
    assert metrics == b""
    assert store.scan("events", where="conversation_id = 'c-700'").num_rows == 1


def test_bad_protobuf_by_grpc_is_an_invalid_argument(running):
    with pytest.raises(grpc.RpcError) as caught:
        call(running[0].grpc, b"\xff\xff")

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_health_and_readiness(running):
    assert (running[0].get("/healthz"), running[0].get("/readyz")) == (200, 200)


def test_no_text_of_a_conversation_reaches_the_log(tmp_path):
    with a_collector(tmp_path) as collector:
        secret = "my dog is called Rufus"
        body = a_trace_request(attributes={"gen_ai.input.messages": secret}).SerializeToString()
        collector.post("/v1/traces", body)
        collector.post("/v1/traces", body[:-3])
        collector.post("/v1/traces", secret.encode(), content_type=JSON)
        collector.post("/v1/events", json.dumps([secret]).encode(), content_type=JSON)
        assert collector.stop() == 0

    assert "Rufus" not in "".join(collector.log)


def test_with_a_token_only_those_who_know_it_get_in(tmp_path):
    body = a_trace_request().SerializeToString()
    with a_collector(tmp_path, "--token", "s3cret") as collector:
        statuses = [
            collector.post("/v1/traces", body, headers={"Authorization": value})[0]
            for value in ("", "Bearer wrong", "Basic s3cret", "Bearer s3cret")
        ]
        with pytest.raises(grpc.RpcError) as caught:
            call(collector.grpc, body)
        assert call(collector.grpc, body, token="s3cret") == b""
        assert collector.post("/v1/events", b"[]", content_type=JSON)[0] == 401
        assert collector.get("/healthz") == 200

    assert statuses == [401, 401, 401, 200]
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "example.com:4318"])
def test_a_port_open_to_the_network_needs_a_token(tmp_path, address):
    with pytest.raises(Misconfigured, match="token"):
        serve(str(tmp_path), Options(http=address))


def test_a_port_that_is_taken_is_said_to_be_taken(running, tmp_path):
    collector, _ = running
    for addresses in ({"http": collector.http, "grpc": "127.0.0.1:0"},
                      {"http": "127.0.0.1:0", "grpc": collector.grpc}):  # fmt: skip
        with pytest.raises(Misconfigured, match="cannot listen"):
            serve(str(tmp_path), Options(**addresses))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        (":4318", ("127.0.0.1", 4318)),
        ("[::1]:4318", ("::1", 4318)),
    ],
)
def test_addresses_are_host_and_port(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("error", "http_status", "grpc_status", "again"),
    [
        pytest.param(BadRequest("x"), 400, grpc.StatusCode.INVALID_ARGUMENT, False, id="bad"),
        pytest.param(TooLarge("x"), 413, grpc.StatusCode.RESOURCE_EXHAUSTED, False, id="large"),
        pytest.param(Unauthorized("x"), 401, grpc.StatusCode.UNAUTHENTICATED, False, id="token"),
        pytest.param(StoreError("x"), 503, grpc.StatusCode.UNAVAILABLE, True, id="store"),
        pytest.param(Busy("x"), 503, grpc.StatusCode.UNAVAILABLE, True, id="busy"),
        pytest.param(ValueError("x"), 500, grpc.StatusCode.INTERNAL, False, id="unknown"),
    ],
)
def test_every_error_has_one_status_of_each_protocol(error, http_status, grpc_status, again):
    answer = answer_for(error)

    assert (answer.http_status, answer.grpc_status) == (http_status, grpc_status)
    assert (answer.retry_after_s is not None) == again
