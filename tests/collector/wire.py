"""OTLP requests with defaults, and a real collector in a process of its own to send them to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from tests.samples import ROOT

KEY = b"k" * 32


def any_value(value: object) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case str():
            return AnyValue(string_value=value)
        case list():
            made = AnyValue()
            made.array_value.values.extend(any_value(item) for item in value)
            made.array_value.SetInParent()
            return made
        case dict():
            made = AnyValue()
            made.kvlist_value.values.extend(pairs(value))
            made.kvlist_value.SetInParent()
            return made
    return AnyValue()


def pairs(attributes: dict[str, object] | list[tuple[str, object]]) -> list[KeyValue]:
    items = attributes.items() if isinstance(attributes, dict) else attributes
    return [KeyValue(key=key, value=any_value(value)) for key, value in items]


def a_trace_request(
    *,
    spans: int = 1,
    first: int = 1,
    trace: int = 1,
    service: str = "orderbot",
    scope: str = "tests",
    attributes: dict[str, object] | list[tuple[str, object]] | None = None,
) -> ExportTraceServiceRequest:
    """Spans with the ids `first`, `first + 1`, …"""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(pairs({"service.name": service}))
    scoped = group.scope_spans.add()
    scoped.scope.name = scope
    for number in range(first, first + spans):
        span = scoped.spans.add(
            trace_id=trace.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            name="chat gpt",
            kind=3,
            start_time_unix_nano=1_790_000_000_000_000_000,
            end_time_unix_nano=1_790_000_001_000_000_000,
        )
        span.attributes.extend(pairs(attributes or {}))
    return request


def a_log_request(
    *,
    name: str = "gen_ai.evaluation.result",
    attributes: dict[str, object] | None = None,
    body: object = None,
    time_ns: int = 1_790_000_000_000_000_000,
) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    record = (
        request.resource_logs.add()
        .scope_logs.add()
        .log_records.add(event_name=name, time_unix_nano=time_ns)
    )
    record.attributes.extend(pairs(attributes or {}))
    if body is not None:
        record.body.CopyFrom(any_value(body))
    return request


@dataclass
class Collector:
    """A collector process and how to reach it."""

    process: subprocess.Popen[str]
    http: str
    grpc: str
    log: list[str] = field(default_factory=list)

    def post(
        self,
        path: str,
        body: bytes,
        *,
        content_type: str = "application/x-protobuf",
        headers: dict[str, str] | None = None,
        timeout_s: float = 20,
    ) -> tuple[int, dict[str, str], bytes]:
        request = urllib.request.Request(
            f"http://{self.http}{path}",
            data=body,
            headers={"Content-Type": content_type, **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                return answer.status, _lower(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _lower(error.headers), error.read()

    def get(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://{self.http}{path}", timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=20)


def _lower(headers: object) -> dict[str, str]:
    return {key.lower(): value for key, value in dict(headers).items()}  # type: ignore[call-overload]


@contextmanager
def a_collector(
    store: Path,
    *arguments: str,
    program: Sequence[str] = ("collector.receiver",),
    under: Sequence[str] = (),
    **environment: str,
) -> Iterator[Collector]:
    """Run `python -m PROGRAM` on free ports until the block ends; `under` another command."""
    command = [*under, sys.executable, "-m", *program, "--store", str(store)]
    command += ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    assert process.stderr is not None
    log: list[str] = []
    ready = None
    deadline = time.monotonic() + 30
    while ready is None and time.monotonic() < deadline:
        line = process.stderr.readline()
        if not line:
            break
        log.append(line)
        ready = re.search(r"ready: http=(\S+) grpc=(\S+)", line)
    drain = threading.Thread(target=lambda: log.extend(process.stderr), daemon=True)  # type: ignore[arg-type]
    drain.start()
    try:
        assert ready, f"the collector did not start: {''.join(log)}"
        yield Collector(process, ready[1], ready[2], log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=20)
        drain.join(timeout=5)
        process.stderr.close()
