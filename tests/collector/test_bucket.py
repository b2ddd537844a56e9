"""A store in a bucket does what one in a folder does; the server is moto's, on loopback."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest

from collector.errors import Misconfigured, StoreError
from collector.store import Store, open_store
from tests.collector.wire import a_collector, a_trace_request

boto3 = pytest.importorskip("boto3", reason="moto[server] is not installed: no S3 to talk to")
moto = pytest.importorskip("moto.server", reason="moto[server] is not installed: no S3 to talk to")

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """`HOST:PORT` of an S3 server."""
    served = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    served.start()
    host, port = served.get_host_and_port()
    yield f"{host}:{port}"
    served.stop()


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def bucket(server, request) -> str:
    """Address of a fresh prefix, without a place for copies."""
    client(server).create_bucket(Bucket="conversations")
    name = request.node.name.replace("[", "-").replace("]", "")
    return f"s3://conversations/{name}?endpoint_override={server}&scheme=http&region=us-east-1"


@pytest.fixture
def store(bucket, tmp_path) -> Store:
    return a_machine(bucket, tmp_path / "one")


def client(server: str):  # type: ignore[no-untyped-def]
    return boto3.client("s3", endpoint_url=f"http://{server}", region_name="us-east-1")


def a_machine(bucket: str, cache: Path) -> Store:
    """The store as a machine of its own opens it."""
    return open_store(f"{bucket}&cache={cache}", create=True)


def a_span(number: int = 1, **columns: object) -> dict[str, object]:
    return {
        "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}",
        "name": f"n{number}",
        "received_ns": int(NOW.timestamp()) * 10**9,
        **columns,
    }


def names(store: Store) -> list[str]:
    return sorted(store.scan("spans")["name"].to_pylist())


def copies(store: Store, table: str = "spans") -> list[Path]:
    return sorted((store.root / table).rglob("*.parquet"))


def test_what_one_machine_writes_another_one_reads(store, bucket, tmp_path):
    store.append("spans", [a_span(1), a_span(2)], now=NOW)
    other = a_machine(bucket, tmp_path / "two")
    other.append("spans", [a_span(3), a_span(1, name="again")], now=NOW + timedelta(seconds=1))

    assert names(store) == names(other) == ["again", "n2", "n3"]
    streamed = [batch["name"].to_pylist() for batch in other.scan_batches("spans", rows=2)]
    assert sorted(chain.from_iterable(streamed)) == ["again", "n2", "n3"]


def test_a_bucket_that_was_never_written_is_empty(store):
    assert store.scan("spans").num_rows == 0


def test_a_machine_reads_each_file_from_the_bucket_once(store):
    for number in range(3):
        store.append("spans", [a_span(number)], now=NOW)
    store.scan("spans")
    before = [(copy, copy.stat().st_mtime_ns) for copy in copies(store)]

    store.scan("spans")

    assert len(before) == 3
    assert [(copy, copy.stat().st_mtime_ns) for copy in copies(store)] == before


def test_copies_are_for_their_owner_and_bounded(bucket, tmp_path):
    store = a_machine(f"{bucket}&cache_gb=0", tmp_path / "small")
    store.append("spans", [a_span(1)], now=NOW)
    store.append("events", [{"event_id": "e"}], now=NOW)

    assert names(store) == ["n1"]
    assert store.scan("events").num_rows == 1
    assert (copies(store), len(copies(store, "events"))) == ([], 1)
    assert store.root.stat().st_mode & 0o077 == 0


def test_compaction_merges_and_drops_repeats(store):
    for number in (1, 2, 1):
        store.append("spans", [a_span(number)], now=NOW)

    done = store.compact(NOW + DAY, grace_s=0)

    assert (done.files_before, done.files_after) == (3, 1)
    assert len(store.files.list("spans")) == 1
    assert names(store) == ["n1", "n2"]


def test_what_was_merged_stays_for_readers_that_have_listed_it(store):
    for number in (1, 2):
        store.append("spans", [a_span(number)], now=NOW)
    old = store.files.list("spans")
    started = time.monotonic()

    store.compact(NOW + DAY, grace_s=0.5)

    assert time.monotonic() - started >= 0.5
    assert not set(old) & set(store.files.list("spans"))
    assert store.files.grace_s >= 60


def test_an_erasure_reaches_the_copies_of_every_machine(store, bucket, tmp_path):
    other = a_machine(bucket, tmp_path / "two")
    alice = store.redactor().user("alice")
    store.append("spans", [a_span(1, user_id=alice, name="secret-plan"), a_span(2)], now=NOW)
    assert names(other) == ["n2", "secret-plan"]
    (other.root / "derived").mkdir()
    (other.root / "derived" / "labels").write_text("secret-plan")

    store.erase(user_id="alice", now=NOW)

    assert names(store) == names(other) == ["n2"]
    for machine in (store, other):
        kept = [path for path in machine.root.rglob("*") if path.is_file()]
        assert kept
        assert not any(b"secret-plan" in path.read_bytes() for path in kept)
    assert not (other.root / "derived").exists()


def test_expiry_removes_days(store):
    store.append("spans", [a_span(1)], now=NOW)
    store.append("spans", [a_span(2)], now=NOW + DAY)

    assert store.expire((NOW + DAY).date()) == 1
    assert names(store) == ["n2"]


def test_collectors_that_start_together_agree_on_one_key(bucket, tmp_path):
    keys = []
    machines = [a_machine(bucket, tmp_path / str(number)) for number in range(4)]
    threads = [
        threading.Thread(target=lambda m=machine: keys.append(m.redactor().key))
        for machine in machines
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 4
    assert len({*keys, a_machine(bucket, tmp_path / "late").redactor().key}) == 1


def test_the_key_of_a_folder_that_was_copied_into_a_bucket_is_kept(store, server):
    prefix = store.address.removeprefix("s3://conversations/")
    client(server).put_object(
        Bucket="conversations", Key=f"{prefix}/redaction.key", Body=b"ab" * 32
    )

    assert store.redactor().key == b"\xab" * 32


def test_a_bucket_that_stops_answering_is_a_store_error_soon(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        address = f"s3://conversations/x?endpoint_override=127.0.0.1:{port}&scheme=http"
        started = time.monotonic()
        with pytest.raises(StoreError, match="conversations"):
            open_store(f"{address}&region=us-east-1&cache={tmp_path}", create=True)

    assert time.monotonic() - started < 30


def test_a_server_that_is_gone_loses_nothing_that_was_acknowledged(store, server):
    store.append("spans", [a_span(1)], now=NOW)
    gone = store.address + "?endpoint_override=127.0.0.1:1&scheme=http&region=us-east-1"

    with pytest.raises(StoreError):
        open_store(gone, create=True)

    assert names(store) == ["n1"]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        pytest.param("s3://", "name of a bucket", id="no-bucket"),
        pytest.param("s3://key:secret@conversations/x", "no credentials", id="credentials"),
        pytest.param("s3://conversations/x?regoin=eu", "regoin", id="unknown-option"),
        pytest.param("s3://conversations/x?cache_gb=much", "cache_gb", id="no-number"),
        pytest.param("az://conversations/x", "az://", id="other-scheme"),
    ],
)
def test_an_address_that_cannot_work_says_what_is_wrong(address, says):
    with pytest.raises(Misconfigured, match=says):
        open_store(address, create=True)


def test_a_bucket_that_does_not_exist_is_named(server):
    with pytest.raises(Misconfigured, match="nowhere"):
        open_store(f"s3://nowhere/x?endpoint_override={server}&scheme=http", create=True)


# ---- a running collector


def test_collectors_share_a_bucket_and_nothing_that_was_acknowledged_is_lost(bucket, tmp_path):
    address = f"{bucket}&cache={tmp_path}"
    with a_collector(address) as one, a_collector(address) as two:
        for first, collector in ((1, one), (100, two), (1, two)):
            body = a_trace_request(first=first, spans=5).SerializeToString()
            assert collector.post("/v1/traces", body)[0] == 200
        assert one.get("/readyz") == 200
        one.stop(signal.SIGKILL)
        two.stop(signal.SIGKILL)

    found = open_store(address, create=False).scan("spans")["span_id"].to_pylist()
    assert sorted(found) == [f"{number:016x}" for number in (*range(1, 6), *range(100, 105))]


def test_a_bucket_that_fails_makes_senders_wait_and_recovers(tmp_path):
    served = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    served.start()
    host, port = served.get_host_and_port()
    client(f"{host}:{port}").create_bucket(Bucket="failing")
    endpoint = f"endpoint_override={host}:{port}&scheme=http&region=us-east-1"
    address = f"s3://failing/x?{endpoint}&cache={tmp_path}"
    body = a_trace_request(spans=5).SerializeToString()
    with a_collector(address) as collector:
        assert collector.post("/v1/traces", body)[0] == 200
        served.stop()
        later, headers, _ = collector.post("/v1/traces", body, timeout_s=40)
        again = moto.ThreadedMotoServer(ip_address=host, port=port, verbose=False)
        again.start()
        recovered, _, _ = collector.post("/v1/traces", body, timeout_s=40)

    assert (later, recovered) == (503, 200)
    assert int(headers["retry-after"]) > 0
    assert open_store(address, create=False).scan("spans").num_rows == 5
    again.stop()
