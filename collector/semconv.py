"""Every attribute and event name that Debrief reads, in one place.

Follows the OpenTelemetry GenAI conventions as of 2026-11 (their own repository, status Development)
and the OpenInference semantic conventions 0.1.42. Older and foreign names are translated here
and in `collector/dialects/`, once, on the way in.
"""

from __future__ import annotations

VERSION = "gen-ai 2026-11; openinference 0.1.42"

# --- OpenTelemetry GenAI, newest -----------------------------------------------------------------
OPERATION = "gen_ai.operation.name"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
CONVERSATION_ID = "gen_ai.conversation.id"
AGENT_NAME = "gen_ai.agent.name"
AGENT_NAMES = (AGENT_NAME, "agent.name", "traceloop.entity.name", "agent_name")
"""After the first OpenInference's, OpenLLMetry's and pydantic-ai's; only on spans of agents are
they its name."""
AGENT_VERSION = "gen_ai.agent.version"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_ID = "gen_ai.response.id"
PREVIOUS_RESPONSE_IDS = (
    "gen_ai.request.previous_response_id",
    "gen_ai.openai.request.previous_response_id",
    "openai.request.previous_response_id",
)
"""No values of the convention; instrumentations of the Responses API send one of them, if any."""
UPLOADED = ("gen_ai.input.messages_ref", "gen_ai.output.messages_ref")
"""Where an upload hook put the messages that are missing on the span."""
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
TOOL_NAME = "gen_ai.tool.name"
TOOL_CALL_ID = "gen_ai.tool.call.id"
TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT = "gen_ai.tool.call.result"
TOOL_DEFINITIONS = "gen_ai.tool.definitions"

INFERENCE_OPERATIONS = frozenset({"chat", "generate_content", "text_completion"})
AGENT_OPERATIONS = frozenset({"invoke_agent", "invoke_workflow", "agent_step"})
"""`agent_step` is no value of the convention; the Vercel AI SDK 7 sends it."""
TOOL_OPERATION = "execute_tool"

INFERENCE_DETAILS_EVENT = "gen_ai.client.inference.operation.details"
EVALUATION_EVENT = "gen_ai.evaluation.result"
EVALUATION = "gen_ai.evaluation."
"""Prefix of the attributes of that event."""

# --- OpenTelemetry GenAI, older ------------------------------------------------------------------
CHOICE_EVENT = "gen_ai.choice"
MESSAGE_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
"""1.28 to 1.36: one event for each message of the request, and one choice for each answer."""
CONTENT_EVENTS = frozenset({INFERENCE_DETAILS_EVENT, CHOICE_EVENT, *MESSAGE_ROLES})
"""Log records that are a part of a model call."""

# --- OpenInference -------------------------------------------------------------------------------
OPENINFERENCE_KIND = "openinference.span.kind"

# --- general OpenTelemetry -----------------------------------------------------------------------
SERVICE_NAME = "service.name"
SERVICE_VERSION = "service.version"
ERROR_TYPE = "error.type"
ERROR_MESSAGE = "error.message"
HTTP_STATUS = "http.response.status_code"
EXCEPTION_EVENT = "exception"
EXCEPTION_TYPE = "exception.type"
EXCEPTION_MESSAGE = "exception.message"
EVENT_NAME = "event.name"

FLAG_EVENTS = frozenset({"feature_flag.evaluation", "feature_flag"})
FLAG_VARIANTS = ("feature_flag.result.variant", "feature_flag.variant", "feature_flag.result.value")
FLAG_SUBJECT = "feature_flag.context.id"
"""Whom a flag was evaluated for, mostly the user."""

# --- who and which conversation, best first ------------------------------------------------------
METADATA_PREFIXES = (
    "traceloop.association.properties.",
    "ai.telemetry.metadata.",
    "ai.settings.context.",
    "langsmith.metadata.",
    "langfuse.trace.metadata.",
    "metadata.",
)
"""Before keys that the application chose itself."""
METADATA_CONVERSATION_IDS = (
    *("conversation_id", "session_id", "thread_id", "chat_id"),
    *("conversationId", "sessionId", "threadId", "chatId"),
)
METADATA_USER_IDS = ("user_id", "userId", "enduser_id")
METADATA_IDS = frozenset({*METADATA_CONVERSATION_IDS, *METADATA_USER_IDS})

CONVERSATION_IDS = (
    CONVERSATION_ID,
    "session.id",
    "conversation.id",
    "langfuse.session.id",
    "gcp.vertex.agent.session_id",
    *(prefix + name for prefix in METADATA_PREFIXES for name in METADATA_CONVERSATION_IDS),
)
"""Not `langsmith.trace.session_name` (a project) and not `mcp.session.id` (a transport)."""

USER_IDS = (
    "user.id",
    "enduser.id",
    "debrief.user.id",
    "langfuse.user.id",
    "llm.user",
    FLAG_SUBJECT,
    *(prefix + name for prefix in METADATA_PREFIXES for name in METADATA_USER_IDS),
)
METADATA = "metadata"
"""OpenInference: what the application passed, as one JSON object, ids among it."""

# --- our own -------------------------------------------------------------------------------------
DEBRIEF = "debrief."
SEGMENT = "debrief.segment."
AGENT = "debrief.agent"
"""On spans: the agent's name as the application knows it; frameworks make up names of their own."""
EVENT_ID = "debrief.event.id"
OUTCOME_EVENT = "debrief.outcome"
DECISION_EVENTS = frozenset({"debrief.decision", "debrief.response"})
"""They need no conversation: an agent may only ever decide."""
TRANSCRIPT = "debrief.transcript"
"""On a span of an import: true where the span is a whole conversation, so that its own start and
end say nothing about single messages; those carry `timestamp` where the file had one."""
IMPORTED = "debrief.import."
"""Prefix of unknown keys of an imported conversation, kept on its span."""
