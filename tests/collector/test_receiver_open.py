"""A collector that others can reach: tokens, TLS, web pages, metrics, and how it stops."""

from __future__ import annotations

import datetime
import gzip
import http.client
import json
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import grpc
import pyarrow as pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.answers import answer_for, status_details
from collector.compression import inflate
from collector.errors import BadRequest, Busy, Misconfigured, TooLarge, Unauthorized
from collector.intake import Intake
from collector.listening import Options, check_exposure, check_tls, parse_address
from collector.receiver import serve
from collector.store import open_store
from collector.store.writer import GroupWriter
from collector.tokens import Tokens
from tests.collector.test_store import NOW
from tests.collector.wire import KEY, Collector, a_collector, a_trace_request

pytestmark = pytest.mark.slow
JSON = "application/json"
EVENT = json.dumps({"event": "debrief.outcome", "name": "ok", "conversation_id": "c-1"}).encode()


# ---- compression --------------------------------------------------------------------------------


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def zstd(content: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(content, asbytes=True))


PACKERS = [
    pytest.param("gzip", gzip.compress, id="gzip"),
    pytest.param("deflate", zlib.compress, id="deflate"),
    pytest.param("deflate", raw_deflate, id="deflate-without-header"),
    pytest.param("zstd", zstd, id="zstd"),
]


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
def test_what_is_compressed_comes_back(encoding, pack):
    content = os.urandom(5000) + bytes(5000)

    assert inflate(pack(content), encoding, 10_000) == content


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_several_members_are_one_body(encoding):
    pack = gzip.compress if encoding == "gzip" else zstd

    assert inflate(pack(b"one ") + pack(b"two"), encoding, 100) == b"one two"


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
def test_a_bomb_is_refused_at_the_limit(encoding, pack):
    with pytest.raises(TooLarge, match="over 1000 bytes"):
        inflate(pack(bytes(50_000_000)), encoding, 1000)


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
def test_what_is_cut_off_or_broken_is_a_bad_request(encoding, pack):
    with pytest.raises(BadRequest):
        inflate(pack(os.urandom(5000))[:-900], encoding, 10_000)
    with pytest.raises(BadRequest):
        inflate(b"\xff" * 100, encoding, 10_000)


def test_zstd_is_taken_from_the_wire(tmp_path):
    with a_collector(tmp_path) as collector:
        body = zstd(a_trace_request(spans=3).SerializeToString())
        headers = {"Content-Encoding": "zstd"}
        assert collector.post("/v1/traces", body, headers=headers)[0] == 200

    assert open_store(str(tmp_path), create=False).scan("spans").num_rows == 3


# ---- tokens and exposure ------------------------------------------------------------------------


def test_tokens_of_a_file_are_revoked_while_the_collector_runs(tmp_path):
    file = tmp_path / "tokens"
    file.write_text("bot aaaa\nweb bbbb\nmetrics mmmm\n")
    with a_collector(tmp_path / "store", "--token-file", str(file)) as collector:

        def send(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return collector.post("/v1/events", EVENT, content_type=JSON, headers=headers)[0]

        before = [send(token) for token in ("aaaa", "bbbb", "mmmm")]
        file.write_text("web bbbb\n")
        after = [send(token) for token in ("aaaa", "bbbb")]
        log = "".join(collector.log)

    assert (before, after) == ([200, 200, 401], [401, 200])
    assert "aaaa" not in log


@pytest.mark.parametrize(
    ("options", "tokens", "warnings"),
    [
        pytest.param(Options(), Tokens(), 0, id="this-machine-only"),
        pytest.param(Options(http="0.0.0.0:1"), Tokens("t"), 1, id="token-without-tls"),
        pytest.param(Options(http="[::]:1", is_insecure=True), Tokens(), 2, id="insecure"),
        pytest.param(
            Options(grpc="10.0.0.1:1", tls_cert=Path("c"), tls_key=Path("k")), Tokens("t"), 0,
            id="token-and-tls",
        ),
    ],
)  # fmt: skip
def test_a_port_open_to_the_network_is_warned_of_as_far_as_it_is_not_safe(
    options, tokens, warnings
):
    addresses = parse_address(options.http), parse_address(options.grpc)
    assert len(check_exposure(addresses, tokens, options)) == warnings


def test_insecure_listens_to_the_network_without_a_token(tmp_path):
    with a_collector(tmp_path, "--http", "0.0.0.0:0", "--insecure") as collector:
        port = collector.http.rpartition(":")[2]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=20) as answer:
            assert answer.status == 200


# ---- TLS ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "localhost")])
    day = datetime.timedelta(days=1)
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


def test_both_ports_speak_tls(tmp_path, certificate):
    cert, key = certificate
    body = a_trace_request(spans=2).SerializeToString()
    with a_collector(tmp_path, "--tls-cert", str(cert), "--tls-key", str(key)) as collector:
        context = ssl.create_default_context(cafile=str(cert))
        request = urllib.request.Request(
            f"https://localhost:{collector.http.rpartition(':')[2]}/v1/traces",
            data=body,
            headers={"Content-Type": "application/x-protobuf"},
        )
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            assert answer.status == 200
        target = f"localhost:{collector.grpc.rpartition(':')[2]}"
        with grpc.secure_channel(
            target, grpc.ssl_channel_credentials(cert.read_bytes())
        ) as channel:
            method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
            assert channel.unary_unary(method)(body, timeout=20) == b""
        with pytest.raises((http.client.HTTPException, OSError)):
            collector.get("/healthz")


def test_half_of_a_key_pair_or_a_broken_one_is_said_before_anything_listens(tmp_path, certificate):
    cert, key = certificate
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")

    with pytest.raises(Misconfigured, match="both"):
        serve(str(tmp_path / "s"), Options(tls_cert=cert))
    for pair in ((broken, key), (cert, broken), (tmp_path / "none.pem", key)):
        with pytest.raises(Misconfigured, match="PEM"):
            check_tls(Options(tls_cert=pair[0], tls_key=pair[1]))


# ---- web pages ----------------------------------------------------------------------------------


def preflight(collector: Collector, origin: str, path: str = "/v1/events") -> dict[str, str]:
    request = urllib.request.Request(
        f"http://{collector.http}{path}",
        method="OPTIONS",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,traceparent",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return {key.lower(): value for key, value in answer.headers.items()}
    except urllib.error.HTTPError as error:
        with error:
            return {key.lower(): value for key, value in error.headers.items()}


def test_only_web_pages_that_are_named_may_send(tmp_path):
    shop = "https://shop.example"
    with a_collector(tmp_path, "--cors-origin", shop, "--token", "web") as collector:
        named = preflight(collector, shop)
        stranger = preflight(collector, "https://evil.example")
        refused = collector.post("/v1/events", EVENT, headers={"Origin": shop})
        sent = collector.post(
            "/v1/traces",
            a_trace_request().SerializeToString(),
            headers={"Origin": shop, "Authorization": "Bearer web"},
        )

    assert named["access-control-allow-origin"] == shop
    assert "authorization" in named["access-control-allow-headers"]
    assert "access-control-allow-origin" not in stranger
    assert (refused[0], refused[1]["access-control-allow-origin"]) == (401, shop)
    assert (sent[0], sent[1]["access-control-allow-origin"]) == (200, shop)


def test_without_origins_no_web_page_may_send(tmp_path):
    with a_collector(tmp_path) as collector:
        assert "access-control-allow-origin" not in preflight(collector, "https://shop.example")


# ---- metrics ------------------------------------------------------------------------------------


def test_the_collector_counts_what_it_does(tmp_path):
    request = a_trace_request(spans=3, attributes={"note": "write to ann@example.com"})
    request.resource_spans[0].scope_spans[0].spans[0].span_id = b"short"
    with a_collector(tmp_path) as collector:
        collector.post("/v1/traces", request.SerializeToString())
        collector.post("/v1/traces", b"\xff\xff")
        collector.post("/v1/events", EVENT, content_type=JSON)
        with urllib.request.urlopen(f"http://{collector.http}/metrics", timeout=20) as answer:
            page = answer.read().decode()

    lines = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
             for line in page.splitlines() if line[:1] != "#"}  # fmt: skip
    prefix = "debrief_collector_"
    expected = {
        'requests_total{outcome="accepted",signal="traces",transport="http"}': 1,
        'requests_total{outcome="refused",signal="traces",transport="http"}': 1,
        'records_total{outcome="stored",signal="traces"}': 2,
        'records_total{outcome="rejected",signal="traces"}': 1,
        'records_total{outcome="stored",signal="events"}': 1,
        'redacted_values_total{kind="email"}': 1,
        'acknowledgement_seconds_count{signal="traces"}': 2,
        'commit_seconds_count{outcome="durable",table="spans"}': 1,
        "queue_bytes": 0,
        "open_bytes": 0,
    }
    assert {key: lines[prefix + key] for key in expected} == expected
    assert lines["process_resident_memory_bytes"] > 0


def test_where_tokens_are_needed_metrics_need_one_of_their_own(tmp_path):
    file = tmp_path / "tokens"
    file.write_text("bot aaaa\nmetrics mmmm\n")
    with a_collector(tmp_path / "store", "--token-file", str(file)) as collector:

        def read(token: str) -> int:
            request = urllib.request.Request(
                f"http://{collector.http}/metrics", headers={"Authorization": f"Bearer {token}"}
            )
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code

        assert [read(token) for token in ("mmmm", "aaaa", "")] == [200, 401, 401]


# ---- too much, and the end ----------------------------------------------------------------------


def an_intake(tmp_path: Path, **limits: int) -> Intake:
    store = open_store(str(tmp_path), create=True)
    writer = GroupWriter(store, clock=lambda: NOW)
    return Intake(writer, store.redactor(key=KEY), clock=lambda: NOW, **limits)


def test_over_the_budget_of_bytes_only_a_lone_request_gets_in(tmp_path):
    intake = an_intake(tmp_path, max_request_bytes=100, max_open_bytes=50)

    with intake.receiving() as first, intake.receiving() as second:
        first(50)
        with pytest.raises(Busy):
            second(1)
    with intake.receiving() as lone:
        lone(90)
        with pytest.raises(TooLarge):
            lone(90)
    with intake.receiving() as next_one:
        next_one(50)


def test_a_refusal_for_now_tells_grpc_senders_when_to_come_again():
    ((name, content),) = status_details(answer_for(Busy("x")))
    again = RetryInfo()

    assert name == "grpc-status-details-bin"
    assert Status.FromString(content).details[0].Unpack(again)
    assert again.retry_delay.seconds > 0
    assert status_details(answer_for(Unauthorized("x"))) == ()


def test_a_request_under_way_is_finished_before_the_collector_stops(tmp_path):
    body = a_trace_request(spans=2).SerializeToString()
    with a_collector(tmp_path) as collector:
        host, _, port = collector.http.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(
                b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body) + body[:10]
            )
            time.sleep(0.3)  # the server has read the head
            collector.process.terminate()
            time.sleep(0.3)  # and the signal
            connection.sendall(body[10:])
            answer = connection.recv(1000)
        assert collector.process.wait(timeout=20) == 0

    assert answer.startswith(b"HTTP/1.1 200")
    assert open_store(str(tmp_path), create=False).scan("spans").num_rows == 2
