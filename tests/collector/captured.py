"""Where the captures of real instrumentations are, and their requests in both encodings."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.samples import samples_path

HERE = Path(__file__).parent / "captures"
SHARED = (
    "openinference-openai",
    "openllmetry-anthropic",
    "openllmetry-old",
    "openllmetry-openai",
    "otel-genai-agent",
    "otel-genai-anthropic",
    "otel-genai-openai",
    "otel-genai-openai-nocontent",
    "otel-genai-openai-v2-events",
    "pydantic-ai",
    "vercel-ai-v5",
    "vercel-ai-v7",
)
"""Beside the other real data, with `expected.json`; byte for byte as they were sent."""
OWN = tuple(sorted({path.name.split(".")[0] for path in HERE.glob("*.pb.gz")}))
"""Kept beside these tests: see captures/README.md."""
CAPTURES = (*SHARED, *OWN)


def requests_of(capture: str) -> list[tuple[str, bytes]]:
    """Signal (`traces`, `logs` or `metrics`) and body of each request, in order of arrival."""
    if capture in OWN:
        # Logs arrive before their span: a span ends later.
        paths = [HERE / f"{capture}.{signal}.pb.gz" for signal in ("logs", "traces")]
        found = [path for path in paths if path.exists()]
        return [(path.name.split(".")[-3], gzip.decompress(path.read_bytes())) for path in found]
    requests = []
    for path in sorted(samples_path(f"dialects/{capture}").glob("*.otlp.pb")):
        meta = json.loads(path.with_name(path.name.replace(".otlp.pb", ".meta.json")).read_text())
        requests.append((meta["signal"], path.read_bytes()))
    return requests


def as_json(signal: str, body: bytes) -> bytes:
    """The same request in OTLP/JSON: ids in hex, 64-bit integers as strings, enums as numbers."""
    kind = ExportTraceServiceRequest if signal == "traces" else ExportLogsServiceRequest
    document = MessageToDict(kind.FromString(body), use_integers_for_enums=True)
    return json.dumps(_with_hex_ids(document)).encode()


def _with_hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_hex_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _hex(item) if key in ("traceId", "spanId", "parentSpanId") else _with_hex_ids(item)
        for key, item in value.items()
    }


def _hex(base64_text: str) -> str:
    return base64.b64decode(base64_text).hex()
