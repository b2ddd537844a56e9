"""`init`: joins the pieces to OpenTelemetry; and `flush`, `shutdown`, `dropped`."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from debrief.events import events
from debrief.guard import never_raises, warn_once
from debrief.outbox import Outbox
from debrief.processors import CLOSE_S, EventProcessor, MarkingProcessor, SendingProcessor
from debrief.scope import AGENT
from debrief.threads import follow_threads

_LOCAL = "http://localhost:4318"
_TEXT_SWITCHES: Mapping[str, str] = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
    # Without it the older OpenTelemetry packages do not know the value above.
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
    "TRACELOOP_TRACE_CONTENT": "true",
    "SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS_SENSITIVE": "true",
    "ENABLE_SENSITIVE_DATA": "true",
    "HAYSTACK_CONTENT_TRACING_ENABLED": "true",
}
"""What turns message texts on, for instrumentations where that is an environment variable."""


@dataclass(frozen=True, slots=True)
class _Running:
    """What `init` started."""

    spans: Outbox[ReadableSpan]
    events: Outbox[ReadableLogRecord]


@dataclass(slots=True)
class _State:
    """Of this process."""

    running: _Running | None = None
    own_provider: TracerProvider | None = None
    common: Mapping[str, str] | None = None
    """Attributes of every span while running."""
    dropped: int = 0
    """By what was shut down before."""


_state = _State()


@never_raises(None)
def init(
    agent: str,
    *,
    endpoint: str | None = None,
    token: str | None = None,
    version: str | None = None,
    capture_text: bool = False,
    follow_work_in_threads: bool = True,
    tracer_provider: trace.TracerProvider | None = None,
) -> None:
    """Start once in each process, before the instrumentations of your LLM libraries.

    Args:
        agent: the name under which Debrief shows the agent.
        endpoint: the collector, for example `http://127.0.0.1:4318`; else DEBRIEF_ENDPOINT, else
            what the variables OTEL_EXPORTER_OTLP_… say, else `http://localhost:4318`.
        token: bearer token of the collector; else DEBRIEF_COLLECTOR_TOKEN.
        version: of the agent, for example a commit.
        capture_text: set the environment variables that turn message texts on in known
            instrumentations, where they are not set. What users write is then sent.
        follow_work_in_threads: work handed to `Thread` and `ThreadPoolExecutor` inside a
            conversation stays in it; both are wrapped for that.
        tracer_provider: where spans are marked; else the global one, else a new one is made
            global. Call `init` after your own OpenTelemetry set-up.

    An existing provider keeps its exporters and its resource. It also sends to Debrief where
    `endpoint` or DEBRIEF_ENDPOINT is given; else its own exporters carry the marked spans.

    Never raises and never waits for the network.
    """
    if _state.running is not None:
        warn_once("init twice", "debrief: init was called again; the first call holds")
        return
    agent = str(agent)
    if capture_text:
        for name, value in _TEXT_SWITCHES.items():
            os.environ.setdefault(name, value)  # noqa: TID251 -- switches are read from there
    endpoint = endpoint or os.environ.get("DEBRIEF_ENDPOINT")  # noqa: TID251 -- the edge
    token = token or os.environ.get("DEBRIEF_COLLECTOR_TOKEN")  # noqa: TID251 -- the edge
    headers = {"authorization": f"Bearer {token}"} if token else None
    running = _Running(
        Outbox("spans", lambda: OTLPSpanExporter(_url(endpoint, "traces"), headers=headers)),
        Outbox("events", lambda: OTLPLogExporter(_url(endpoint, "logs"), headers=headers)),
    )
    _state.running = running
    atexit.register(shutdown)
    resource = Resource.create(
        {"service.name": agent} | ({"service.version": version} if version else {})
    )
    _state.common = {AGENT: agent} | ({"gen_ai.agent.version": version} if version else {})
    _mark_and_send_spans(running, resource, tracer_provider, is_explicit=bool(endpoint))
    _send_events(running, resource, agent, is_explicit=bool(endpoint))
    if follow_work_in_threads:
        follow_threads()


def _url(endpoint: str | None, signal: str) -> str | None:
    """None lets the exporter read its own environment variables."""
    if endpoint is None:
        return None
    return f"{endpoint.strip().rstrip('/')}/v1/{signal}"


def _mark_and_send_spans(
    running: _Running,
    resource: Resource,
    given: trace.TracerProvider | None,
    *,
    is_explicit: bool,
) -> None:
    provider = given or trace.get_tracer_provider()
    if isinstance(provider, trace.ProxyTracerProvider):
        # It would hold up the end of the process; `shutdown` does not.
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        trace.set_tracer_provider(provider)
        _state.own_provider = provider
    if not isinstance(provider, TracerProvider):
        kind = type(provider).__name__
        warn_once(
            "provider", "debrief: a %s takes no span processors; spans stay as they are", kind
        )
        return
    provider.add_span_processor(MarkingProcessor(lambda: _state.common or {}))
    if is_explicit or provider is _state.own_provider:
        provider.add_span_processor(SendingProcessor(running.spans))
    elif not any(name.startswith("OTEL_EXPORTER_OTLP") for name in os.environ):  # noqa: TID251
        warn_once(
            "no endpoint",
            "debrief: a TracerProvider exists and its exporters carry the spans; "
            "pass endpoint= to debrief.init to send them to Debrief too",
        )


def _send_events(running: _Running, resource: Resource, agent: str, *, is_explicit: bool) -> None:
    """Events go to a provider of our own; what instrumentations log goes where it always went,
    and to Debrief."""
    own = LoggerProvider(resource=resource, shutdown_on_exit=False)
    own.add_log_record_processor(EventProcessor(running.events))
    events.logger, events.agent = own.get_logger("debrief"), agent
    existing = get_logger_provider()
    if not isinstance(existing, LoggerProvider):
        if type(existing).__name__ == "ProxyLoggerProvider":
            set_logger_provider(own)
    elif is_explicit:
        existing.add_log_record_processor(EventProcessor(running.events))


@never_raises(False)
def flush(timeout_s: float = 5.0) -> bool:
    """Wait until what was recorded is sent, at most `timeout_s`; False if that was not enough.

    Where a process ends without `atexit`: in serverless functions and forked workers.
    """
    running = _state.running
    if running is None:
        return True
    deadline = time.monotonic() + timeout_s
    spans_sent = running.spans.flush(timeout_s)
    return running.events.flush(max(deadline - time.monotonic(), 0)) and spans_sent


@never_raises(None)
def shutdown(timeout_s: float = CLOSE_S) -> None:
    """Send what waits, for at most `timeout_s`, and stop. Runs by itself when the process ends."""
    running, _state.running = _state.running, None
    if running is None:
        return
    events.logger, _state.common = None, None
    deadline = time.monotonic() + timeout_s
    running.spans.close(timeout_s)
    running.events.close(deadline - time.monotonic())
    _state.dropped += running.spans.dropped + running.events.dropped
    atexit.unregister(shutdown)


def dropped() -> int:
    """How many spans and events of this process were dropped because they could not be sent."""
    running = _state.running
    return _state.dropped + (running.spans.dropped + running.events.dropped if running else 0)
