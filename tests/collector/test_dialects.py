"""Real captures of real instrumentations, and the odd forms that content comes in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from collector.assemble import assemble
from collector.dialects import calls, decoding, genai
from collector.dialects.histories import Histories
from collector.dialects.spans import Span, read_row
from collector.dialects.switches import ANY, switch_for
from collector.otlp import decode_logs, decode_traces
from collector.records import Conversation, Message, ToolCall, Unreadable
from tests.collector.conversations import (
    OPEN_BOOK,
    a_chat,
    a_span,
    a_tool,
    an_agent,
    an_event,
    asks_tool,
    assistant,
    conversations_of,
    failed,
    texts,
    the_conversation,
    trace_id,
    user,
)
from tests.samples import samples_path

CAPTURES = [
    "otel-genai-openai",
    "otel-genai-agent",
    "otel-genai-anthropic",
    "openinference-openai",
    "pydantic-ai",
    "vercel-ai-v7",
    "openllmetry-openai",
    "openllmetry-anthropic",
    "openllmetry-old",
    "otel-genai-openai-v2-events",
    "vercel-ai-v5",
]
USAGE = {
    "otel-genai-anthropic": (501, 69),
    "openllmetry-anthropic": (501, 69),
    "openllmetry-old": (206, 46),
}
"""Tokens of the first conversation. The old library sends none for an answer that is streamed."""


def rows_of(capture: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Spans and events of all requests of a capture."""
    spans: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for path in sorted(samples_path(f"dialects/{capture}").glob("*.otlp.pb")):
        meta = json.loads(path.with_name(path.name.replace(".otlp.pb", ".meta.json")).read_text())
        if meta["signal"] == "traces":
            body = path.read_bytes()
            decoded = decode_traces(body, json=False, received_ns=1, redact=OPEN_BOOK)
            spans += map(read_row, decoded.rows)
        elif meta["signal"] == "logs":
            body = path.read_bytes()
            decoded = decode_logs(body, json=False, received_ns=1, redact=OPEN_BOOK)
            events += map(read_row, decoded.rows)
    return spans, events


def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(samples_path("dialects/expected.json").read_text())
    return found


def as_expected(message: Message) -> dict[str, Any]:
    """A message in the form of expected.json."""
    shown: dict[str, Any] = {"role": message.role}
    if message.text is not None:
        shown["text"] = message.text
    if message.tool_calls:
        shown["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        shown |= {
            "tool_call_id": message.tool_call_id,
            "name": message.name,
            "result": message.result,
        }
    return shown


@pytest.mark.parametrize("capture", CAPTURES)
def test_a_capture_gives_the_conversations_that_were_held(capture: str) -> None:
    truth = expected()
    facts = truth["dialects"][capture]

    found = conversations_of(*rows_of(capture))

    assert len(found) == 2
    for conversation, spoken in zip(found, truth["conversations"], strict=True):
        assert [as_expected(message) for message in conversation.messages] == spoken["messages"]
        assert conversation.system == spoken["system"]
        assert conversation.version == truth["agent"]["service.version"]
        assert conversation.user_id == (truth["user_id"] if facts["user_id_sent"] else None)
        if facts["conversation_id_sent"]:
            assert conversation.conversation_id == spoken["conversation_id"]
        assert conversation.completeness.hint is None
        assert all(message.at for message in conversation.messages)


@pytest.mark.parametrize("capture", CAPTURES)
def test_a_capture_counts_each_call_once(capture: str) -> None:
    first, second = conversations_of(*rows_of(capture))

    tokens = (first.usage.input_tokens, first.usage.output_tokens)
    assert tokens == USAGE.get(capture, (312, 72))
    assert first.errors == ()
    assert second.usage.input_tokens == 0


@pytest.mark.parametrize("capture", CAPTURES)
def test_a_capture_tells_the_failed_call_with_its_status(capture: str) -> None:
    error = expected()["conversations"][1]["error"]

    _, second = conversations_of(*rows_of(capture))

    (found,) = second.errors
    assert (found.kind, found.http_status) == (error["kind"], error["http_status"])
    assert error["message_contains"] in found.message


def test_a_capture_without_content_keeps_its_calls_and_names_the_switch() -> None:
    found = conversations_of(*rows_of("otel-genai-openai-nocontent"))

    assert len(found) == 4
    assert sum(conversation.usage.input_tokens for conversation in found) == 312
    assert [len(conversation.errors) for conversation in found] == [0, 0, 0, 1]
    for conversation in found:
        assert conversation.messages == ()
        assert not conversation.completeness.text
        assert "CAPTURE_MESSAGE_CONTENT" in (conversation.completeness.hint or "")


def test_the_evaluation_of_a_capture_is_joined_to_its_conversation() -> None:
    first, second = conversations_of(*rows_of("otel-genai-agent"))

    (event,) = first.events
    assert event.name == "gen_ai.evaluation.result"
    assert event.attributes["gen_ai.evaluation.score.label"] == "thumbs_down"
    assert second.events == ()


def test_a_stack_trace_is_no_message_of_an_error() -> None:
    trace = "RateLimitError('slow down')Traceback (most recent call last):\n  File \"/srv/a.py\""

    error = calls.call_error(Span(a_span(status=2, status_message=trace)))

    assert error is not None
    assert error.message == "RateLimitError('slow down')"


def test_a_dialect_that_nobody_knows_is_counted_by_its_name() -> None:
    row = a_span({"llm.vendor.request": "{...}"}, scope="acme.tracing")

    (found,) = assemble([row], [])

    assert isinstance(found, Unreadable)
    assert "'acme.tracing'" in found.what


# --- odd forms -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    [
        pytest.param({"response": {"a": 1}}, id="response-object"),
        pytest.param({"response": '{"a": 1}'}, id="response-json-text"),
        pytest.param({"result": {"a": 1}}, id="result-object"),
        pytest.param({"result": '"{\\"a\\":1}"'}, id="result-encoded-twice"),
    ],
)
def test_a_tool_result_is_the_same_value_in_every_form(part: dict[str, Any]) -> None:
    said = [
        user("hi"),
        asks_tool(),
        {"role": "user", "parts": [{"type": "tool_call_response", "id": "call_1", **part}]},
    ]

    result = the_conversation([a_chat(said, assistant("done"))]).messages[2]

    assert (result.role, result.tool_call_id, result.name) == ("tool", "call_1", "lookup")
    assert result.result == {"a": 1}


def test_text_of_a_user_that_looks_like_json_stays_text() -> None:
    conversation = the_conversation([a_chat([user('{"a": 1}')], assistant("ok"))])

    assert conversation.messages[0].text == '{"a": 1}'


def test_a_result_that_is_only_digits_stays_text() -> None:
    run = a_tool(span="s2", attributes={"gen_ai.tool.call.result": "0042"}, start_s=0.5)

    conversation = the_conversation([a_chat([user("hi")], asks_tool()), run])

    assert conversation.messages[-1].result == "0042"


def test_a_log_record_gives_the_content_that_its_span_lacks() -> None:
    span = a_span({"gen_ai.operation.name": "chat"})
    log = an_event(
        "gen_ai.client.inference.operation.details",
        trace_id=span["trace_id"],
        span_id=span["span_id"],
        attributes={
            "gen_ai.input.messages": [user("hi")],
            "gen_ai.output.messages": [assistant("hello")],
        },
    )

    conversation = the_conversation([span], [log])

    assert texts(conversation) == [("user", "hi"), ("assistant", "hello")]
    assert conversation.events == ()


def test_a_log_record_whose_span_never_came_is_a_call() -> None:
    log = an_event(
        "gen_ai.client.inference.operation.details",
        trace_id=trace_id("lost"),
        span_id="ab" * 8,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": [user("hi")],
            "gen_ai.output.messages": [assistant("hello")],
        },
    )

    conversation = the_conversation([], [log])

    assert conversation.conversation_id == f"trace-{trace_id('lost')}"
    assert texts(conversation) == [("user", "hi"), ("assistant", "hello")]


def test_content_that_was_cut_off_keeps_its_complete_messages_and_says_so() -> None:
    whole = json.dumps([user("first"), assistant("yes"), user("second " * 50)])
    row = a_chat([], assistant("done"), more={"gen_ai.input.messages": whole[:-40]})

    conversation = the_conversation([row])

    assert texts(conversation)[:2] == [("user", "first"), ("assistant", "yes")]
    assert conversation.completeness.truncated
    assert "LENGTH_LIMIT" in (conversation.completeness.hint or "")


def test_messages_of_the_content_form_are_read_like_those_with_parts() -> None:
    said = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "function": {"name": "look", "arguments": '{"a":1}'}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": '{"b":2}'},
    ]

    conversation = the_conversation([a_chat(said, assistant("done"), system=None)])

    assert conversation.system == "Be kind."
    assert conversation.messages[1].tool_calls == (
        ToolCall(id="c", name="look", arguments={"a": 1}),
    )
    assert conversation.messages[2].result == {"b": 2}


def test_media_is_named_and_thoughts_are_not_said() -> None:
    said = [
        {
            "role": "user",
            "parts": [
                {"type": "blob", "modality": "image", "content": "AAAA"},
                {"type": "text", "content": "what is it?"},
            ],
        }
    ]
    answer = {
        "role": "assistant",
        "parts": [{"type": "reasoning", "content": "hmm"}, {"type": "text", "content": "a lamp"}],
    }

    conversation = the_conversation([a_chat(said, answer)])

    assert texts(conversation) == [("user", "[image]\nwhat is it?"), ("assistant", "a lamp")]


def openinference(attributes: dict[str, Any], **span: Any) -> dict[str, Any]:
    return a_span({"openinference.span.kind": "LLM", **attributes}, **span)


def test_openinference_messages_are_ordered_by_number_with_gaps() -> None:
    attributes: dict[str, Any] = {"llm.output_messages.0.message.role": "assistant"}
    attributes["llm.output_messages.0.message.content"] = "end"
    for number in (10, 9, 2, 0):
        role = "user" if number % 2 == 0 else "assistant"
        attributes[f"llm.input_messages.{number}.message.role"] = role
        attributes[f"llm.input_messages.{number}.message.content"] = str(number)

    conversation = the_conversation([openinference(attributes)])

    assert [text for _, text in texts(conversation)] == ["0", "2", "9", "10", "end"]


def test_openinference_reads_anthropic_contents_once() -> None:
    prefix = "llm.output_messages.0.message"
    call = "tool_calls.0.tool_call"
    conversation = the_conversation(
        [
            openinference(
                {
                    "llm.input_messages.0.message.role": "user",
                    "llm.input_messages.0.message.contents.0.message_content.type": "text",
                    "llm.input_messages.0.message.contents.0.message_content.text": "hi",
                    f"{prefix}.role": "assistant",
                    f"{prefix}.{call}.id": "c",
                    f"{prefix}.{call}.function.name": "look",
                    f"{prefix}.{call}.function.arguments": '{"a": 1}',
                    f"{prefix}.contents.0.tool_call.id": "c",
                    f"{prefix}.contents.0.tool_call.function.name": "look",
                }
            )
        ]
    )

    assert texts(conversation) == [("user", "hi"), ("assistant", None)]
    assert conversation.messages[1].tool_calls == (
        ToolCall(id="c", name="look", arguments={"a": 1}),
    )


def test_an_empty_answer_of_a_failed_call_is_no_answer() -> None:
    row = openinference(
        {
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "hi",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": "",
        }
    )

    conversation = the_conversation([failed(row)])

    assert texts(conversation) == [("user", "hi")]
    assert len(conversation.errors) == 1


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "normal"),
    [
        ("tool-calls", "tool_calls"),
        ("FinishReason.TOOL_CALLS", "tool_calls"),
        ("end_turn", "stop"),
        ("MAX_TOKENS", "length"),
        ("refusal", "content_filter"),
        ("paused", "paused"),
        (None, None),
        (3, None),
    ],
)
def test_finish_reasons_have_one_spelling(word: Any, normal: str | None) -> None:
    assert calls.finish_reason(word) == normal


@pytest.mark.parametrize(
    ("attributes", "message", "kind", "status"),
    [
        pytest.param({"error.type": "503"}, "", "provider", 503, id="status-as-type"),
        pytest.param({"error.type": "APITimeoutError"}, "", "timeout", None, id="timeout"),
        pytest.param({"error.type": "overloaded_error"}, "", "provider", 529, id="class-name"),
        pytest.param({}, "status_code: 400, model", "provider", 400, id="status-in-message"),
        pytest.param({"http.response.status_code": 401}, "no", "provider", 401, id="attribute"),
        pytest.param({"error.type": "ValueError"}, "bad", "other", None, id="own-fault"),
    ],
)
def test_errors_say_whose_fault_and_which_status(
    attributes: dict[str, Any], message: str, kind: str, status: int | None
) -> None:
    span = Span(a_span(attributes, status=2, status_message=message))

    error = calls.call_error(span)

    assert error is not None
    assert (error.kind, error.http_status) == (kind, status)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 300 + "1" + "}" * 300, "NaN", '"\\ud800"', "", "\x00"]
)
def test_hostile_json_is_a_value_or_a_value_error(text: str) -> None:
    try:
        value = decoding.parse(text)
    except ValueError:
        return
    assert decoding.parse(json.dumps(value)) == value


def test_a_history_that_grows_is_parsed_once_and_equals_a_fresh_reading() -> None:
    said = [user(f"message {number}") for number in range(6)]
    growing = [json.dumps(said[: end + 1]) for end in range(6)]
    histories = Histories()

    read = [histories.read(text, genai.read_message) for text in growing]

    fresh = [Histories().read(text, genai.read_message) for text in growing]
    assert read == fresh
    assert read[-1].messages[0] is read[0].messages[0]


def test_times_of_messages_are_utc_where_no_zone_is_named() -> None:
    assert genai.moment("2026-01-02T03:04:05") == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert genai.moment("2026-01-02T03:04:05+02:00") == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert genai.moment("soon") is None


def test_the_switch_depends_on_the_instrumentation() -> None:
    assert "TRACELOOP" in switch_for("opentelemetry.instrumentation.openai.v1")
    assert switch_for(None) == ANY


@pytest.mark.parametrize(
    "hostile",
    [
        {"gen_ai.input.messages": 7},
        {"gen_ai.input.messages": [[[[]]]]},
        {"gen_ai.input.messages": [{"role": {}, "parts": [None, 3, {"type": ["x"]}]}]},
        {"gen_ai.input.messages": "not json"},
        {
            "gen_ai.output.messages": [
                {"parts": [{"type": "tool_call", "arguments": {"a": "\ud800"}}]}
            ]
        },
        {"gen_ai.system_instructions": {"a": 1}},
        {"gen_ai.response.finish_reasons": {}, "gen_ai.usage.input_tokens": "many"},
        {"openinference.span.kind": "LLM", "llm.input_messages.x.message": 1},
        {
            "openinference.span.kind": "LLM",
            "llm.input_messages.0.message.role.role": 1,
            "llm.input_messages.0.message.contents.0": "x",
        },
        {"openinference.span.kind": ["LLM"]},
    ],
)
def test_a_hostile_span_never_stops_the_others(hostile: dict[str, Any]) -> None:
    row = a_span({"gen_ai.operation.name": "chat", **hostile}, trace="bad", events="{")

    found = list(assemble([row, a_chat([user("hi")], assistant("hello"), trace="good")], []))

    spoken = [texts(each) for each in found if isinstance(each, Conversation)]
    assert [("user", "hi"), ("assistant", "hello")] in spoken


def test_an_agent_span_without_calls_below_speaks_for_itself() -> None:
    agent = an_agent(
        attributes={
            "gen_ai.input.messages": json.dumps([user("hi")]),
            "gen_ai.output.messages": json.dumps([assistant("hello")]),
        }
    )

    conversation = the_conversation([agent])

    assert texts(conversation) == [("user", "hi"), ("assistant", "hello")]
    assert conversation.agent == "seller"
