"""Debrief's own runs as OpenTelemetry spans, under a service name of their own.

Spans of the stages carry counts, never text. Nothing is sent unless an OTLP endpoint is set, and a
collector that receives them sees no conversation in them: they carry no GenAI attribute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace


@contextmanager
def trace_to(endpoint: str | None) -> Iterator[None]:
    """Export the spans made inside to `endpoint` (OTLP over HTTP); without one, make none."""
    if not endpoint:
        yield
        return
    # Imported here: the exporter takes half a second to load, and most runs have no endpoint.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "debrief"}))
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()
