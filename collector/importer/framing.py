"""How OpenTelemetry Collectors lay requests into files, and which signal a request is of.

The file exporter writes JSON one request a line, or frames: four bytes with the length of what
follows, most significant first, each record perhaps compressed with zstd by itself (its README and
`file_writer.go`, 2026). The S3 exporter writes one request an object. Neither says in the file
whether traces, logs or metrics are in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import IO, Any, Literal, cast

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.compression import inflate
from collector.errors import ImportRefused

Held = Literal["traces", "logs", "metrics"]
ZSTD = b"\x28\xb5\x2f\xfd"
PROTOBUF = b"\x0a"
"""All three requests have one field, of number 1, so this is how each begins."""
_LENGTH_BYTES = 4
_LONGEST_RECORD = 256 * 2**20
_BY_KEY: Mapping[str, Held] = {
    "resourcespans": "traces",
    "resourcelogs": "logs",
    "resourcemetrics": "metrics",
}
_FIRST_KEY = re.compile(rb'\s*\{\s*"resource_?(spans|logs|metrics)"\s*:', re.IGNORECASE)
_BEGINS = b'{"resource'


def signal_in_line(line: bytes) -> Held | None:
    """The signal of a request in JSON, by its first key; None where that tells nothing."""
    found = _FIRST_KEY.match(line)
    return _BY_KEY[f"resource{found[1].decode().lower()}"] if found else None


def signal_in_json(value: Mapping[str, Any]) -> Held | None:
    """The signal of a request in JSON; None where it is no request."""
    return next(
        (_BY_KEY[name] for key in value if (name := key.replace("_", "").lower()) in _BY_KEY), None
    )


def signal_in_protobuf(body: bytes) -> Held | None:
    """The signal of a request in protobuf; None where it is no request.

    The three look alike down to their records: a span has two ids of fixed length, a log record a
    time as its first field, a metric a name and data. Read as another, a request may not parse.
    """
    for signal, tells in (("traces", _has_spans), ("logs", _has_logs), ("metrics", _has_metrics)):
        try:
            if tells(body):
                return cast(Held, signal)
        except DecodeError:
            continue
    return None


def _has_spans(body: bytes) -> bool:
    return any(
        len(span.trace_id) == 16 and len(span.span_id) == 8 and span.start_time_unix_nano
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )


def _has_logs(body: bytes) -> bool:
    return any(
        log.time_unix_nano or log.observed_time_unix_nano
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs
        for scope in resource.scope_logs
        for log in scope.log_records
    )


def _has_metrics(body: bytes) -> bool:
    return any(
        metric.WhichOneof("data")
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def is_framed(head: bytes) -> bool:
    """Whether a file that begins so can consist of frames: records are shorter than 128 MB, and no
    text begins with such a byte."""
    return len(head) > _LENGTH_BYTES and head[0] < 8


def frames(stream: IO[bytes]) -> Iterator[bytes]:
    """The records of a file. One that is not there whole is left: it is still being written.

    Raises:
        ImportRefused: a length is too great to be one.
    """
    while len(prefix := stream.read(_LENGTH_BYTES)) == _LENGTH_BYTES:
        length = int.from_bytes(prefix)
        if length > _LONGEST_RECORD:
            raise ImportRefused(f"a length of {length} bytes is no record of a Collector's file")
        record = stream.read(length)
        if len(record) < length:
            return
        yield record


def opened(record: bytes) -> bytes:
    """A record as it was before compression."""
    return inflate(record, "zstd", _LONGEST_RECORD) if record.startswith(ZSTD) else record


def is_unfinished(line: bytes, *, is_first: bool) -> bool:
    """Whether a last line is a request that is still being written.

    Of the first line enough must be there to know it; after others, any beginning will do.
    """
    text = line.strip()
    begun = text[: len(_BEGINS)]
    looks = begun == _BEGINS if is_first else _BEGINS.startswith(begun)
    if b"\n" in line or not looks:
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return True
    return False
