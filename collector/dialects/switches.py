"""Which switch turns content on, for each instrumentation, by the name of its scope."""

from __future__ import annotations

_SWITCHES = (
    (
        "opentelemetry.instrumentation.openai.v1",
        "set TRACELOOP_TRACE_CONTENT=true where the agent runs",
    ),
    (
        "opentelemetry.instrumentation.",
        "set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY where the agent runs",
    ),
    (
        "openinference.",
        "unset OPENINFERENCE_HIDE_INPUTS, OPENINFERENCE_HIDE_OUTPUTS and their relatives",
    ),
    ("traceloop.", "set TRACELOOP_TRACE_CONTENT=true where the agent runs"),
    ("pydantic-ai", "use InstrumentationSettings(include_content=True)"),
    ("gen_ai", "leave recordInputs and recordOutputs of the Vercel AI SDK at true"),
    (
        "com.anthropic.sdk.",
        "add opentelemetry-instrumentation-genai-anthropic: the SDK's own spans carry no text",
    ),
)
ANY = "turn on the capture of message content in the agent's instrumentation"


def switch_for(scope: str | None) -> str:
    """Say what to switch on for the instrumentation with this scope name."""
    name = scope or ""
    return next((switch for prefix, switch in _SWITCHES if name.startswith(prefix)), ANY)
