"""What the receiver says: statuses and bodies of OTLP answers, by HTTP and by gRPC.

OTLP has two families. Retryable (503, UNAVAILABLE): the sender keeps the data and tries again. All
others: the sender drops the data, so they are for requests that can never succeed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import orjson
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from collector.errors import BadRequest, StoreError, TooLarge, Unauthorized

_log = logging.getLogger(__name__)

RETRY_AFTER_S = 5
_REJECTED: dict[str, tuple[str, str, Any]] = {
    "traces": ("rejected_spans", "rejectedSpans", ExportTraceServiceResponse),
    "logs": ("rejected_log_records", "rejectedLogRecords", ExportLogsServiceResponse),
    "metrics": ("rejected_data_points", "rejectedDataPoints", ExportMetricsServiceResponse),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """A request whose rows are durable."""

    rejected: int = 0
    """Records that were malformed; all others are stored."""
    message: str = ""
    """Why records were rejected, or a warning where none was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A request that was not taken."""

    http_status: int
    grpc_status: Any
    message: str
    retry_after_s: int | None = None


def answer_for(error: Exception) -> Answer:
    """The one place where errors become statuses."""
    message = str(error)
    match error:
        case TooLarge():
            return Answer(
                http_status=413, grpc_status=StatusCode.RESOURCE_EXHAUSTED, message=message
            )
        case Unauthorized():
            return Answer(http_status=401, grpc_status=StatusCode.UNAUTHENTICATED, message=message)
        case BadRequest():
            return Answer(http_status=400, grpc_status=StatusCode.INVALID_ARGUMENT, message=message)
        case StoreError():
            return Answer(
                http_status=503,
                grpc_status=StatusCode.UNAVAILABLE,
                message=message,
                retry_after_s=RETRY_AFTER_S,
            )
    # Only the type: the message of an unknown error may quote what a user wrote.
    _log.error("a request failed in an unknown way: %s", type(error).__name__)
    return Answer(
        http_status=500,
        grpc_status=StatusCode.INTERNAL,
        message=f"the collector failed with {type(error).__name__}; please report this",
    )


def export_body(signal: str, accepted: Accepted, *, json: bool) -> bytes:
    """The body of a successful export; a warning is a partial success that rejects nothing."""
    name, json_name, response = _REJECTED[signal]
    if not accepted.rejected and not accepted.message:
        return b"{}" if json else b""
    if json:
        partial = {json_name: str(accepted.rejected), "errorMessage": accepted.message}
        return orjson.dumps({"partialSuccess": partial})
    message = response()
    setattr(message.partial_success, name, accepted.rejected)
    message.partial_success.error_message = accepted.message
    return bytes(message.SerializeToString())


def error_body(answer: Answer, *, json: bool) -> bytes:
    """The body of a refusal, a google.rpc.Status, as OTLP/HTTP wants it."""
    code = answer.grpc_status.value[0]
    if json:
        return orjson.dumps({"code": code, "message": answer.message})
    return bytes(Status(code=code, message=answer.message).SerializeToString())


def status_details(answer: Answer) -> tuple[tuple[str, bytes], ...]:
    """Trailing metadata of a refusal by gRPC: when to come again, as OTLP/gRPC wants it."""
    if answer.retry_after_s is None:
        return ()
    status = Status(code=answer.grpc_status.value[0], message=answer.message)
    again = RetryInfo()
    again.retry_delay.seconds = answer.retry_after_s
    detail = AnyMessage()
    detail.Pack(again)
    status.details.append(detail)
    return (("grpc-status-details-bin", status.SerializeToString()),)
