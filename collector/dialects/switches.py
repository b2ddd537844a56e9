"""Which switch turns content on, for each instrumentation, by the name of its scope."""

from __future__ import annotations

_SWITCHES = (
    (
        "opentelemetry.instrumentation.openai.v1",
        "set TRACELOOP_TRACE_CONTENT=true where the agent runs",
    ),
    (
        "opentelemetry.instrumentation.openai_v2",
        "export logs too, and set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true where "
        "the agent runs",
    ),
    (
        "opentelemetry.instrumentation.",
        "set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY where the agent runs",
    ),
    (
        "openinference.instrumentation.crewai",
        "instrument the model's client too: CrewAI's own spans have no model calls",
    ),
    (
        "openinference.instrumentation.haystack",
        "instrument the model's client too: the spans of Haystack's agent have no model calls",
    ),
    (
        "openinference.",
        "unset OPENINFERENCE_HIDE_INPUTS, OPENINFERENCE_HIDE_OUTPUTS and their relatives",
    ),
    ("traceloop.", "set TRACELOOP_TRACE_CONTENT=true where the agent runs"),
    ("pydantic-ai", "use InstrumentationSettings(include_content=True)"),
    ("gen_ai", "leave recordInputs and recordOutputs of the Vercel AI SDK at true"),
    (
        "com.anthropic.claude_code",
        "set OTEL_LOG_USER_PROMPTS=1, OTEL_LOG_ASSISTANT_RESPONSES=1 and OTEL_LOG_TOOL_DETAILS=1 "
        "where Claude Code runs",
    ),
    (
        "codex_otel",
        "set log_user_prompt = true under [otel] in Codex's configuration; it never sends what the "
        "assistant says",
    ),
    (
        "gcp.vertex.agent",
        "export logs too, and set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=EVENT_ONLY "
        "where the agent runs",
    ),
    ("agent_framework", "set ENABLE_SENSITIVE_DATA=true where the agent runs"),
    (
        "semantic_kernel",
        "export logs too, and set SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS_"
        "SENSITIVE=true where the agent runs",
    ),
    ("langsmith", "unset LANGSMITH_HIDE_INPUTS and LANGSMITH_HIDE_OUTPUTS where the agent runs"),
    ("litellm", "leave turn_off_message_logging of LiteLLM at false"),
    (
        "com.anthropic.sdk.",
        "add opentelemetry-instrumentation-genai-anthropic: the SDK's own spans carry no text",
    ),
)
_BY_WHOLE_NAME = {
    "ai": "leave recordInputs and recordOutputs of experimental_telemetry at true in every call of "
    "the Vercel AI SDK",
}
ANY = "turn on the capture of message content in the agent's instrumentation"


def switch_for(scope: str | None) -> str:
    """Say what to switch on for the instrumentation with this scope name."""
    name = scope or ""
    by_prefix = next((switch for prefix, switch in _SWITCHES if name.startswith(prefix)), ANY)
    return _BY_WHOLE_NAME.get(name, by_prefix)
