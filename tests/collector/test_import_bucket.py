"""What the OpenTelemetry Collector's S3 exporter writes is read from a bucket as from a folder."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.importer import ImportReport, import_files
from collector.store import Store, open_store
from tests.collector.conversations import NOW, OPEN_BOOK
from tests.collector.test_import_again import a_request, ids
from tests.collector.wire import a_trace_request

boto3 = pytest.importorskip("boto3", reason="moto[server] is not installed: no S3 to talk to")
moto = pytest.importorskip("moto.server", reason="moto[server] is not installed: no S3 to talk to")

KEYS = "otel/year=2026/month=11/day=21/hour=05"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    served = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    served.start()
    host, port = served.get_host_and_port()
    yield f"{host}:{port}"
    served.stop()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def bucket(server: str, request: pytest.FixtureRequest) -> Any:
    name = f"b-{abs(hash(request.node.name)) % 10**9}"
    made = boto3.resource("s3", endpoint_url=f"http://{server}", region_name="us-east-1").Bucket(
        name
    )
    made.create()
    return made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"), create=True)


def load(store: Store, server: str, *places: str) -> ImportReport:
    options = f"?endpoint_override={server}&scheme=http&region=us-east-1"
    urls = [f"s3://{place}{options}" for place in places]
    return import_files(urls, store, now=NOW, redactor=OPEN_BOOK)


def test_json_protobuf_and_gzip_under_keys_of_minutes_are_read(
    store: Store, server: str, bucket: Any
) -> None:
    one = json.dumps(a_request("a")).encode()
    bucket.put_object(Key=f"{KEYS}/minute=01/traces_aBc.json", Body=one)
    other = json.dumps(a_request("b")).encode()
    bucket.put_object(Key=f"{KEYS}/minute=02/traces_dEf.json.gz", Body=gzip.compress(other))
    proto = a_trace_request(spans=2).SerializeToString()
    bucket.put_object(Key=f"{KEYS}/minute=03/traces_gHi.binpb", Body=proto)
    bucket.put_object(Key=f"{KEYS}/", Body=b"")

    report = load(store, server, bucket.name)

    assert (len(report.files), report.refused) == (3, ())
    assert report.spans == 4
    assert {"a", "b"} <= set(ids(store))


def test_only_new_objects_are_fetched(store: Store, server: str, bucket: Any) -> None:
    def put(minute: int, word: str) -> None:
        body = json.dumps(a_request(word)).encode()
        bucket.put_object(Key=f"{KEYS}/minute={minute:02}/traces_x.json", Body=body)

    put(1, "a")
    load(store, server, f"{bucket.name}/otel")
    put(2, "b")

    report = load(store, server, f"{bucket.name}/otel")

    assert (report.unchanged, report.spans) == (1, 1)
    assert [file.path for file in report.files] == [
        f"s3://{bucket.name}/{KEYS}/minute=02/traces_x.json"
    ]


def test_a_pattern_chooses_objects(store: Store, server: str, bucket: Any) -> None:
    body = json.dumps(a_request("a")).encode()
    bucket.put_object(Key=f"{KEYS}/minute=01/traces_x.json", Body=body)
    bucket.put_object(Key=f"{KEYS}/minute=01/logs_x.json", Body=b"no json")

    report = load(store, server, f"{bucket.name}/otel/**/traces_*.json")

    assert [(file.spans, file.refused) for file in report.files] == [(1, None)]


def test_what_is_remembered_names_no_credentials(store: Store, server: str, bucket: Any) -> None:
    body = json.dumps(a_request("a")).encode()
    bucket.put_object(Key="traces_x.json", Body=body)

    load(store, server, f"testing:secret@{bucket.name}/traces_x.json")

    (row,) = store.scan("imports").to_pylist()
    assert row["subject"] == f"s3://{bucket.name}/traces_x.json"
    assert "secret" not in str(row)


@pytest.mark.parametrize("place", ["nothing-here-123", "{bucket}/nothing"])
def test_what_is_not_there_is_refused(store: Store, server: str, bucket: Any, place: str) -> None:
    report = load(store, server, place.format(bucket=bucket.name))

    (file,) = report.refused
    assert "cannot be read" in (file.refused or "")
