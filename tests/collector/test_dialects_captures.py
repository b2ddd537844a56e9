"""What real libraries sent, kept beside these tests: see captures/README.md."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from collector.assemble import assemble
from collector.dialects.calls import call_error
from collector.dialects.spans import Span, read_row
from collector.otlp import decode_logs, decode_traces
from collector.records import Conversation, Message, ToolCall
from tests.collector.conversations import OPEN_BOOK, a_span, conversations_of

SYSTEM = (
    "You are OrderBot, the support assistant of Acme Lamps. Look every order up before you answer. "
    "Be brief."
)
CALL = ToolCall(id="call_lookup_1", name="lookup_order", arguments={"order_id": "A-1001"})
ORDER = {
    "order_id": "A-1001",
    "status": "shipped",
    "carrier": "DHL",
    "eta": "2026-11-24",
    "window": "09:00-12:00",
}
FIRST_TURN = [
    ("user", "Hi, I'm Zoë. Where is my order A-1001?"),
    ("assistant", CALL),
    ("tool", ORDER),
    (
        "assistant",
        "Hi Zoë, order A-1001 has shipped with DHL and should arrive on 24 November 2026.",
    ),
]
BOTH_TURNS = [
    *FIRST_TURN,
    ("user", "No, that is not what I meant: I asked for the delivery window, not just the day."),
    (
        "assistant",
        "Sorry about that. DHL will deliver it between 09:00 and 12:00 on 24 November 2026.",
    ),
]
FAILED = [("user", "Cancel order A-1001, please.")]

WITH_IDS = [
    "agno",
    "autogen",
    "google-adk",
    "haystack",
    "langfuse",
    "langgraph",
    "langgraph-openllmetry",
    "langsmith",
    "llama-index",
    "openai-agents-openllmetry",
    "openinference-anthropic",
    "smolagents",
    "strands",
    "vercel-ai-v6",
    "vercel-ai-v7-legacy",
]
"""Session and user were set by the application and sent by the library."""
ALL = [
    *WITH_IDS,
    "agent-framework",
    "bedrock-botocore",
    "litellm",
    "logfire-openai",
    "mlflow",
    "mlflow-streamed",
    "openai-agents",
    "openinference-responses",
    "pydantic-ai-v1",
    "pydantic-ai-v2",
    "pydantic-ai-v3",
]
WITHOUT_CALL_IDS = ["google-genai", "google-genai-openllmetry"]
"""Gemini's calls of tools have no ids; ours are made from the position."""
WITHOUT_FAILED_WORDS = ["bedrock-openllmetry", "openai-agents-responses", "openlit"]
"""Of a call that failed the library sends no input."""
BY_OTHER_NAMES = ["semantic-kernel"]
"""The framework puts the name of a plugin before the tool's."""
NO_SUMS = ["haystack", "openinference-anthropic"]
"""No tokens at all; with those that were read from a cache."""
OWN_VERSION = {"strands": "1.62.0"}
"""Strands puts its own version in the place of the service's."""


def sent(capture: str, signal: str) -> bytes:
    """One request; an empty one where the library did not send this signal."""
    path = Path(__file__).parent / "captures" / f"{capture}.{signal}.pb.gz"
    return gzip.decompress(path.read_bytes()) if path.exists() else b""


def held(capture: str) -> list[Conversation]:
    spans = decode_traces(sent(capture, "traces"), json=False, received_ns=1, redact=OPEN_BOOK).rows
    logs = decode_logs(sent(capture, "logs"), json=False, received_ns=1, redact=OPEN_BOOK).rows
    return conversations_of(map(read_row, spans), map(read_row, logs))


def conversations_of_all(capture: str) -> list[Conversation]:
    """Of a capture that also holds records which are no part of a conversation."""
    logs = decode_logs(sent(capture, "logs"), json=False, received_ns=1, redact=OPEN_BOOK).rows
    return [one for one in assemble([], map(read_row, logs)) if isinstance(one, Conversation)]


def told(conversation: Conversation) -> list[tuple[str, object]]:
    """Role with what was said, asked or found."""
    return [(message.role, _told(message)) for message in conversation.messages]


def _told(message: Message) -> object:
    if message.role == "tool":
        return message.result
    return message.tool_calls[0] if message.tool_calls else message.text


@pytest.mark.parametrize("capture", ALL)
def test_a_capture_gives_what_was_said(capture: str) -> None:
    first, second = held(capture)

    assert told(first) == BOTH_TURNS
    assert told(second) == FAILED
    assert SYSTEM in (first.system or "")
    assert first.version == OWN_VERSION.get(capture, "1.4.0")
    assert first.agent == "orderbot"
    assert first.completeness.hint is None


@pytest.mark.parametrize("capture", WITH_IDS)
def test_a_capture_gives_the_ids_that_were_set(capture: str) -> None:
    first, second = held(capture)

    assert (first.conversation_id, second.conversation_id) == ("sess-0001", "sess-0002")
    assert {first.user_id, second.user_id} == {"user-zoe-42"}


@pytest.mark.parametrize("capture", WITHOUT_CALL_IDS)
def test_a_capture_without_ids_of_calls_gives_what_was_said(capture: str) -> None:
    first, second = held(capture)

    call = replace(CALL, id="call-1")
    assert told(first) == [(role, call if said == CALL else said) for role, said in BOTH_TURNS]
    assert first.messages[2].tool_call_id == "call-1"
    assert told(second) == FAILED


@pytest.mark.parametrize("capture", WITHOUT_FAILED_WORDS)
def test_a_capture_that_loses_the_words_of_a_failed_call_gives_all_else(capture: str) -> None:
    first, second = held(capture)

    assert told(first) == BOTH_TURNS
    assert first.system == SYSTEM
    assert told(second) == []
    assert not second.completeness.text


def test_answers_that_the_application_does_not_repeat_are_told_once() -> None:
    first, _ = held("instructor")

    made = '{"order_id": "A-1001"}'
    assert told(first) == [FIRST_TURN[0], ("assistant", made), BOTH_TURNS[4], ("assistant", made)]


@pytest.mark.parametrize(
    "capture",
    [
        *(*ALL, *WITHOUT_CALL_IDS, *WITHOUT_FAILED_WORDS, *BY_OTHER_NAMES),
        *("crewai", "crewai-with-openai", "instructor"),
    ],
)
def test_a_capture_tells_the_failed_call_once(capture: str) -> None:
    first, second = held(capture)

    assert first.errors == ()
    (error,) = second.errors
    assert (error.kind, error.http_status) == ("provider", 429)
    assert "Rate limit reached" in error.message
    assert "Traceback" not in error.message


@pytest.mark.parametrize("capture", [name for name in ALL if name not in NO_SUMS])
def test_a_capture_counts_three_calls(capture: str) -> None:
    """The fake provider counted tokens up, so only the difference to its answers is the same."""
    first, _ = held(capture)

    assert first.usage.input_tokens - first.usage.output_tokens == 3 * 80


def test_claude_code_tells_all_but_what_its_tools_gave() -> None:
    first, second = held("claude-code")

    assert told(first) == [(role, None if role == "tool" else said) for role, said in BOTH_TURNS]
    assert first.system is None
    assert not first.completeness.tool_results
    assert first.usage.input_tokens - first.usage.output_tokens == 3 * (80 + 64)
    assert told(second) == FAILED
    (error,) = second.errors
    assert (error.kind, error.http_status) == ("provider", 429)


def test_codex_tells_the_users_side_only() -> None:
    (conversation,) = (one for one in conversations_of_all("codex") if one.messages)

    assert told(conversation) == [said for said in BOTH_TURNS if said[0] == "user"]
    assert not conversation.completeness.text
    assert conversation.usage.input_tokens > 0


def test_crewai_alone_gives_task_and_result() -> None:
    first, _ = held("crewai")

    assert told(first) == [FIRST_TURN[0], FIRST_TURN[3]]
    assert first.system == SYSTEM


def test_crewai_with_the_models_client_gives_the_calls() -> None:
    first, _ = held("crewai-with-openai")

    asked, *others = told(first)
    assert others == FIRST_TURN[1:]
    assert "Where is my order A-1001?" in str(asked[1])  # within the framework's own words


@pytest.mark.parametrize("capture", BY_OTHER_NAMES)
def test_a_capture_whose_text_is_in_log_records_gives_what_was_said(capture: str) -> None:
    first, second = held(capture)

    asked, (role, call), *others = told(first)
    assert [asked, *others] == [BOTH_TURNS[0], *BOTH_TURNS[2:]]
    assert role == "assistant"
    assert isinstance(call, ToolCall)
    assert (call.id, call.arguments) == (CALL.id, CALL.arguments)
    assert call.name == "Orders-lookup_order"
    assert told(second) == FAILED
    assert first.system == SYSTEM
    assert first.completeness.hint is None


@pytest.mark.parametrize(
    ("raised", "kind", "http_status"),
    [
        pytest.param("ModuleNotFoundError: No module named 'mcp'", "other", None, id="not-a-404"),
        pytest.param("openai.NotFoundError: no such model", "provider", 404, id="a-404"),
        pytest.param("ThrottlingException: too many tokens", "provider", 429, id="amazon"),
    ],
)
def test_the_class_of_an_error_tells_its_status(raised, kind, http_status):
    span = Span(a_span(status=2, status_message=raised))

    error = call_error(span)

    assert error is not None
    assert (error.kind, error.http_status) == (kind, http_status)
