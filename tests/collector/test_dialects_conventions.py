"""Older GenAI conventions, OpenLLMetry, the Vercel AI SDK, pydantic-ai and Logfire, in the forms
that no capture has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collector.assemble import assemble
from collector.dialects import detect
from collector.dialects.histories import Histories
from collector.dialects.spans import Span
from collector.dialects.switches import switch_for
from collector.records import Conversation, Message, ToolCall
from tests.collector.conversations import (
    a_chat,
    a_span,
    an_agent,
    an_event,
    assistant,
    conversations_of,
    failed,
    texts,
    the_conversation,
    trace_id,
    user,
)

LOOKUP = ToolCall(id="c1", name="lookup", arguments={"q": 1})
ASKS_LOOKUP = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "lookup", "arguments": '{"q": 1}'}}
    ],
}
FOUND = {"role": "tool", "tool_call_id": "c1", "content": '{"lamp": 3}'}


def told(conversation: Conversation) -> list[Any]:
    """Messages as `(role, text or result)`; tool calls by name."""
    return [
        (message.role, message.text if message.role != "tool" else message.result)
        if not message.tool_calls
        else (message.role, message.text, [call.name for call in message.tool_calls])
        for message in conversation.messages
    ]


A_ROUND_OF_TOOLS = [
    ("user", "where is it?"),
    ("assistant", None, ["lookup"]),
    ("tool", {"lamp": 3}),
    ("assistant", "in the shop"),
]


# --- one event for each message, 1.28 to 1.36 -----------------------------------------------------


def message_log(role: str, body: Any, number: int, **columns: Any) -> dict[str, Any]:
    name = "gen_ai.choice" if role == "choice" else f"gen_ai.{role}.message"
    place = {"trace_id": trace_id("t1"), "span_id": a_span()["span_id"], **columns}
    at_s = 1 + number / 1000
    row = an_event(name, event=f"e{number}", at_s=at_s, attributes={}, **place)
    return row | {"body": None if body is None else json.dumps(body)}


def a_round_of_logs(**columns: Any) -> list[dict[str, Any]]:
    bodies: list[tuple[str, Any]] = [
        ("system", {"content": "You sell lamps."}),
        ("user", {"content": "where is it?"}),
        ("assistant", {"tool_calls": ASKS_LOOKUP["tool_calls"]}),
        ("tool", {"id": "c1", "content": '{"lamp": 3}'}),
        ("choice", {"index": 0, "finish_reason": "stop", "message": {"content": "in the shop"}}),
    ]
    return [message_log(*body, number, **columns) for number, body in enumerate(bodies)]


def test_one_log_record_for_each_message_is_one_call() -> None:
    span = a_span({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 9})

    conversation = the_conversation([span], a_round_of_logs()[::-1])

    assert told(conversation) == A_ROUND_OF_TOOLS
    assert conversation.system == "You sell lamps."
    assert conversation.messages[1].tool_calls == (LOOKUP,)
    assert conversation.messages[2].tool_call_id == "c1"
    assert conversation.messages[3].finish_reason == "stop"
    assert conversation.usage.input_tokens == 9
    assert conversation.events == ()
    assert conversation.dialects == ("genai-older",)


def test_messages_with_one_time_stay_in_the_order_in_which_they_came() -> None:
    logs = [row | {"at_ns": 7, "event_id": f"e{9 - n}"} for n, row in enumerate(a_round_of_logs())]

    conversation = the_conversation([a_span({"gen_ai.operation.name": "chat"})], logs)

    assert told(conversation) == A_ROUND_OF_TOOLS


def test_message_logs_whose_span_never_came_are_a_call() -> None:
    assert told(the_conversation([], a_round_of_logs())) == A_ROUND_OF_TOOLS


def test_message_logs_without_any_span_are_calls_that_end_with_their_answers() -> None:
    place = {"trace_id": None, "span_id": None, "conversation_id": "c-7"}
    later = [
        message_log("user", {"content": "thanks"}, 10, **place),
        message_log("choice", {"index": 0, "message": {"content": "bye"}}, 11, **place),
    ]

    conversation = the_conversation([], a_round_of_logs(**place) + later)

    assert conversation.conversation_id == "c-7"
    assert told(conversation) == [*A_ROUND_OF_TOOLS, ("user", "thanks"), ("assistant", "bye")]


def test_message_logs_without_content_keep_tool_calls_and_say_that_text_is_missing() -> None:
    logs = [
        message_log("system", None, 0),
        message_log("user", {}, 1),
        message_log("choice", {"index": 0, "message": {"role": "assistant"}}, 2),
    ]

    conversation = the_conversation([a_span({"gen_ai.operation.name": "chat"})], logs)

    assert conversation.messages == ()
    assert not conversation.completeness.text


def test_of_several_choices_the_first_is_the_answer() -> None:
    choices = [
        message_log("choice", {"index": n, "message": {"content": f"answer {n}"}}, 2 + n)
        for n in range(3)
    ]
    logs = [message_log("user", {"content": "hi"}, 1), *choices]

    conversation = the_conversation([a_span({"gen_ai.operation.name": "chat"})], logs)

    assert texts(conversation) == [("user", "hi"), ("assistant", "answer 0")]


def span_events(*events: tuple[str, dict[str, Any]]) -> str:
    return json.dumps(
        [
            {"name": name, "time_ns": n, "attributes": given}
            for n, (name, given) in enumerate(events)
        ]
    )


def test_the_same_messages_may_be_events_of_the_span() -> None:
    events = span_events(
        ("gen_ai.system.message", {"content": "You sell lamps."}),
        ("gen_ai.user.message", {"content": "where is it?"}),
        ("gen_ai.assistant.message", {"tool_calls": json.dumps(ASKS_LOOKUP["tool_calls"])}),
        ("gen_ai.tool.message", {"id": "c1", "content": '{"lamp": 3}'}),
        ("gen_ai.choice", {"index": 0, "message": '{"content": "in the shop"}'}),
    )
    span = a_span({"gen_ai.operation.name": "chat", "gen_ai.system": "acme"}, events=events)

    conversation = the_conversation([span])

    assert told(conversation) == A_ROUND_OF_TOOLS
    assert conversation.system == "You sell lamps."


@pytest.mark.parametrize("place", ["events", "attributes"])
def test_the_whole_request_may_be_one_value(place: str) -> None:
    prompt = json.dumps(
        [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hi"}]
    )
    completion = json.dumps([{"role": "assistant", "content": "hello"}])
    attributes: dict[str, Any] = {"gen_ai.system": "acme", "gen_ai.request.model": "m"}
    events = None
    if place == "events":
        events = span_events(
            ("gen_ai.content.prompt", {"gen_ai.prompt": prompt}),
            ("gen_ai.content.completion", {"gen_ai.completion": completion}),
        )
    else:
        attributes |= {"gen_ai.prompt": prompt, "gen_ai.completion": completion}

    conversation = the_conversation([a_span(attributes, events=events)])

    assert texts(conversation) == [("user", "hi"), ("assistant", "hello")]
    assert conversation.system == "Be kind."


def test_a_bare_text_may_be_the_whole_request() -> None:
    span = a_span({"gen_ai.prompt": "hi", "gen_ai.completion": "hello"})

    assert texts(the_conversation([span])) == [("user", "hi"), ("assistant", "hello")]


def test_messages_that_were_uploaded_are_said_to_be_elsewhere() -> None:
    span = a_span(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages_ref": "s3://bucket/a.json",
            "gen_ai.output.messages_ref": "s3://bucket/b.json",
        }
    )

    completeness = the_conversation([span]).completeness

    assert not completeness.text
    assert "elsewhere" in (completeness.hint or "")


# --- OpenLLMetry ---------------------------------------------------------------------------------


def openllmetry(messages: list[dict[str, Any]], answer: dict[str, Any] | None, **span: Any) -> Any:
    attributes: dict[str, Any] = {"llm.request.type": "chat", "gen_ai.system": "OpenAI"}
    for number, message in enumerate(messages):
        for key, value in message.items():
            attributes[f"gen_ai.prompt.{number}.{key}"] = value
    for key, value in (answer or {}).items():
        attributes[f"gen_ai.completion.0.{key}"] = value
    return a_span(attributes, **span)


def test_flat_keys_are_ordered_by_number() -> None:
    said = [{"role": "user" if n % 2 == 0 else "assistant", "content": str(n)} for n in range(13)]

    conversation = the_conversation([openllmetry(said, {"content": "end"})])

    assert [text for _, text in texts(conversation)] == [*map(str, range(13)), "end"]


def test_keys_that_the_sender_cut_off_are_said_to_be_missing() -> None:
    row = openllmetry([{"role": "user", "content": "hi"}], None, dropped_attributes=4)

    conversation = the_conversation([row])

    assert conversation.completeness.truncated
    assert "COUNT_LIMIT" in (conversation.completeness.hint or "")


def test_parts_that_openllmetry_wrote_as_json_are_read_and_a_users_json_is_not() -> None:
    parts = json.dumps([{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {}}])
    said = [{"role": "user", "content": parts}, {"role": "user", "content": '{"a": 1}'}]

    conversation = the_conversation([openllmetry(said, {"content": "ok"})])

    assert texts(conversation)[:2] == [("user", "look\n[image_url]"), ("user", '{"a": 1}')]


def test_results_of_anthropics_shape_are_results() -> None:
    result = json.dumps([{"type": "tool_result", "tool_use_id": "c1", "content": '{"lamp": 3}'}])
    said = [
        {"role": "user", "content": "where is it?"},
        {"role": "assistant", **{f"tool_calls.0.{k}": v for k, v in _flat_call().items()}},
        {"role": "user", "content": result},
    ]

    conversation = the_conversation([openllmetry(said, {"content": "in the shop"})])

    assert told(conversation) == A_ROUND_OF_TOOLS


def _flat_call() -> dict[str, str]:
    return {"id": "c1", "name": "lookup", "arguments": '{"q": 1}'}


def test_a_tool_wrapper_gives_the_result_that_nobody_repeated() -> None:
    answer = {"role": "assistant", **{f"tool_calls.0.{k}": v for k, v in _flat_call().items()}}
    call = openllmetry([{"role": "user", "content": "where is it?"}], answer)
    tool = a_span(
        {
            "traceloop.span.kind": "tool",
            "traceloop.entity.name": "lookup",
            "traceloop.entity.input": '{"args": [], "kwargs": {"q": 1}}',
            "traceloop.entity.output": json.dumps(json.dumps({"lamp": 3})),
        },
        span="tool",
        start_s=2,
    )

    assert told(the_conversation([call, tool])) == A_ROUND_OF_TOOLS[:3]


def test_a_workflow_wrapper_is_nobodys_words() -> None:
    wrapper = a_span(
        {"traceloop.span.kind": "workflow", "traceloop.entity.input": '{"args": ["secret"]}'},
        end_s=9,
    )
    call = openllmetry(
        [{"role": "user", "content": "hi"}], {"content": "hello"}, span="c", parent="s1"
    )

    assert texts(the_conversation([wrapper, call])) == [("user", "hi"), ("assistant", "hello")]


def test_an_agent_wrapper_names_the_agent() -> None:
    wrapper = a_span({"traceloop.span.kind": "agent", "traceloop.entity.name": "seller"}, end_s=9)
    call = openllmetry(
        [{"role": "user", "content": "hi"}], {"content": "hello"}, span="c", parent="s1"
    )

    assert the_conversation([wrapper, call]).agent == "seller"


def test_an_older_call_without_text_is_kept_and_its_switch_named() -> None:
    row = openllmetry([], None, scope="opentelemetry.instrumentation.openai.v1")

    completeness = the_conversation([row]).completeness

    assert "TRACELOOP_TRACE_CONTENT" in (completeness.hint or "")


@pytest.mark.parametrize("key", ["session_id", "chat_id", "threadId"])
def test_association_properties_name_the_conversation(key: str) -> None:
    row = openllmetry([{"role": "user", "content": "hi"}], {"content": "hello"})
    row["attributes"].append((f"traceloop.association.properties.{key}", "s-1"))

    assert the_conversation([row]).conversation_id == "s-1"


# --- Vercel AI SDK -------------------------------------------------------------------------------

VERCEL_SAID = [
    {"role": "system", "content": "You sell lamps."},
    {"role": "user", "content": [{"type": "text", "text": "where is it?"}]},
]
VERCEL_ROUND = [
    *VERCEL_SAID,
    {
        "role": "assistant",
        "content": [
            {"type": "reasoning", "text": "hmm"},
            {"type": "text", "text": ""},
            {"type": "tool-call", "toolCallId": "c1", "toolName": "lookup", "input": {"q": 1}},
        ],
    },
    {
        "role": "tool",
        "content": [
            {
                "type": "tool-result",
                "toolCallId": "c1",
                "toolName": "lookup",
                "output": {"type": "json", "value": {"lamp": 3}},
            }
        ],
    },
]


def vercel(operation: str, attributes: dict[str, Any], **span: Any) -> dict[str, Any]:
    written = {
        key: value if isinstance(value, str | int) else json.dumps(value)
        for key, value in attributes.items()
    }
    return a_span({"ai.operationId": operation, **written}, scope="ai", **span)


def test_steps_of_a_turn_are_one_transcript_and_the_turn_is_not_counted_again() -> None:
    asked = [{"toolCallId": "c1", "toolName": "lookup", "input": '{"q": 1}'}]
    rows = [
        vercel(
            "ai.streamText",
            {"ai.prompt": {"messages": VERCEL_SAID[1:]}, "ai.usage.inputTokens": 30},
            span="turn",
            end_s=9,
        ),
        vercel(
            "ai.streamText.doStream",
            {
                "ai.prompt.messages": VERCEL_SAID,
                "ai.response.toolCalls": asked,
                "ai.response.text": "",
                "ai.response.finishReason": "tool-calls",
                "ai.usage.inputTokens": 10,
            },
            span="1",
            parent="turn",
        ),
        vercel(
            "ai.streamText.doStream",
            {
                "ai.prompt.messages": VERCEL_ROUND,
                "ai.response.text": "in the shop",
                "ai.response.finishReason": "stop",
                "ai.usage.inputTokens": 20,
                "ai.telemetry.metadata.conversationId": "chat-1",
                "ai.telemetry.metadata.userId": "zoe",
            },
            span="2",
            parent="turn",
            start_s=2,
        ),
    ]

    conversation = the_conversation(rows)

    assert told(conversation) == A_ROUND_OF_TOOLS
    assert conversation.messages[1].finish_reason == "tool_calls"
    assert (conversation.conversation_id, conversation.user_id) == ("chat-1", "zoe")
    assert conversation.usage.input_tokens == 30
    assert conversation.system == "You sell lamps."


@pytest.mark.parametrize(
    "output",
    [
        pytest.param({"output": {"type": "error-text", "value": "no such lamp"}}, id="v5"),
        pytest.param({"output": {"type": "error-json", "value": "no such lamp"}}, id="v5-json"),
    ],
)
def test_an_error_of_a_tool_is_no_result(output: dict[str, Any]) -> None:
    failed_tool = {"type": "tool-result", "toolCallId": "c1", "toolName": "lookup", **output}
    said = [*VERCEL_ROUND[:3], {"role": "tool", "content": [failed_tool]}]

    row = vercel("ai.generateText.doGenerate", {"ai.prompt.messages": said})

    message = the_conversation([row]).messages[2]
    assert (message.result, message.error) == (None, "no such lamp")


def test_version_4_says_args_and_result() -> None:
    call = {"type": "tool-call", "toolCallId": "c1", "toolName": "lookup", "args": {"q": 1}}
    result = {
        "type": "tool-result",
        "toolCallId": "c1",
        "toolName": "lookup",
        "result": {"lamp": 3},
    }
    said = [
        *VERCEL_SAID,
        {"role": "assistant", "content": [call]},
        {"role": "tool", "content": [result]},
    ]
    row = vercel(
        "ai.generateText.doGenerate",
        {"ai.prompt.messages": said, "ai.response.text": "in the shop"},
    )

    assert told(the_conversation([row])) == A_ROUND_OF_TOOLS


@pytest.mark.parametrize(
    "prompt",
    [
        pytest.param({"system": "You sell lamps.", "prompt": "where is it?"}, id="text"),
        pytest.param({"messages": VERCEL_SAID}, id="messages"),
        pytest.param({"system": "You sell lamps.", "prompt": VERCEL_SAID[1:]}, id="list"),
    ],
)
def test_a_turn_whose_steps_never_came_speaks_for_them(prompt: dict[str, Any]) -> None:
    row = vercel("ai.generateText", {"ai.prompt": prompt, "ai.response.text": "in the shop"})

    conversation = the_conversation([row])

    assert texts(conversation) == [("user", "where is it?"), ("assistant", "in the shop")]
    assert conversation.system == "You sell lamps."


def test_an_object_is_an_answer() -> None:
    row = vercel(
        "ai.generateObject.doGenerate",
        {"ai.prompt.messages": VERCEL_SAID, "ai.response.object": '{"lamp":3}'},
    )

    assert the_conversation([row]).messages[-1].text == '{"lamp":3}'


def test_a_tool_span_gives_a_text_without_its_quotes() -> None:
    asked = [{"toolCallId": "c1", "toolName": "lookup", "input": {"q": 1}}]
    call = vercel(
        "ai.generateText.doGenerate",
        {"ai.prompt.messages": VERCEL_SAID, "ai.response.toolCalls": asked},
    )
    tool = vercel(
        "ai.toolCall",
        {"ai.toolCall.name": "lookup", "ai.toolCall.id": "c1", "ai.toolCall.result": '"in stock"'},
        span="tool",
        start_s=2,
    )

    assert the_conversation([call, tool]).messages[-1].result == "in stock"


def test_a_prompt_that_was_cut_off_keeps_its_complete_messages() -> None:
    row = vercel(
        "ai.generateText.doGenerate", {"ai.prompt.messages": json.dumps(VERCEL_ROUND)[:-60]}
    )

    conversation = the_conversation([row])

    assert told(conversation) == A_ROUND_OF_TOOLS[:2]
    assert conversation.completeness.truncated


# --- pydantic-ai and Logfire ---------------------------------------------------------------------

PYDANTIC_EVENTS: list[dict[str, Any]] = [
    {"event.name": "gen_ai.system.message", "content": "You sell lamps.", "role": "system"},
    {"event.name": "gen_ai.user.message", "content": "where is it?", "role": "user"},
    {"event.name": "gen_ai.assistant.message", **ASKS_LOOKUP},
    {"event.name": "gen_ai.tool.message", "id": "c1", "name": "lookup", "content": {"lamp": 3}},
]
CHOICE = {"event.name": "gen_ai.choice", "index": 0, "message": {"content": "in the shop"}}


def test_the_first_format_of_pydantic_ai_has_events_in_an_attribute() -> None:
    events = json.dumps([*PYDANTIC_EVENTS, CHOICE])
    row = a_span({"gen_ai.operation.name": "chat", "events": events}, scope="pydantic-ai")

    conversation = the_conversation([row])

    assert told(conversation) == A_ROUND_OF_TOOLS
    assert conversation.system == "You sell lamps."


def test_a_run_of_the_first_format_speaks_where_its_calls_are_silent() -> None:
    last = {"event.name": "gen_ai.assistant.message", "content": "in the shop"}
    run = a_span(
        {"agent_name": "seller", "all_messages_events": json.dumps([*PYDANTIC_EVENTS, last])},
        name="agent run",
        scope="pydantic-ai",
    )

    conversation = the_conversation([run])

    assert told(conversation) == A_ROUND_OF_TOOLS
    assert conversation.agent == "seller"


def test_a_tool_of_an_older_pydantic_ai_is_a_tool() -> None:
    call = a_chat([user("where is it?")], {"role": "assistant", "parts": [_call_part()]}, span="1")
    tool = a_span(
        {
            "gen_ai.tool.name": "lookup",
            "gen_ai.tool.call.id": "c1",
            "tool_arguments": '{"q": 1}',
            "tool_response": '{"lamp": 3}',
        },
        name="running tool",
        span="tool",
        start_s=2,
    )

    assert told(the_conversation([call, tool])) == A_ROUND_OF_TOOLS[:3]


def _call_part() -> dict[str, Any]:
    return {"type": "tool_call", "id": "c1", "name": "lookup", "arguments": '{"q": 1}'}


def test_a_start_marker_of_logfire_is_dropped() -> None:
    whole = a_chat([user("hi")], assistant("hello"))
    marker = a_chat(
        [user("hi")],
        assistant("hello"),
        more={"logfire.span_type": "pending_span"},
        span="marker",
        parent="s1",
        end_s=0,
    )

    conversation = the_conversation([whole, marker])

    assert texts(conversation) == [("user", "hi"), ("assistant", "hello")]
    assert conversation.usage.input_tokens == 10


@pytest.mark.parametrize(
    ("value", "key", "expected"),
    [("good", "score.label", "good"), (0.5, "score.value", 0.5), (True, "score.value", 1.0)],
)
def test_an_annotation_of_logfire_is_feedback(value: Any, key: str, expected: Any) -> None:
    judged = a_chat([user("hi")], assistant("hello"), conversation="c-1")
    annotation = a_span(
        {
            "logfire.span_type": "annotation",
            "logfire.feedback.name": "thumbs",
            "thumbs": value,
            "logfire.feedback.comment": "too short",
        },
        scope="logfire.feedback",
        span="a",
        parent="s1",
        start_s=500,
    )

    conversation = the_conversation([judged, annotation])

    (event,) = conversation.events
    assert event.name == "gen_ai.evaluation.result"
    assert event.attributes["gen_ai.evaluation.name"] == "thumbs"
    assert event.attributes[f"gen_ai.evaluation.{key}"] == expected
    assert event.attributes["gen_ai.evaluation.explanation"] == "too short"
    assert texts(conversation) == [("user", "hi"), ("assistant", "hello")]


def test_logfires_own_instrumentation_of_a_client_is_read() -> None:
    request = {"messages": [{"role": "user", "content": "hi"}], "model": "m"}
    response = {"message": {"role": "assistant", "content": "hello"}, "usage": {"prompt_tokens": 4}}
    row = a_span(
        {
            "request_data": json.dumps(request),
            "response_data": json.dumps(response),
            "gen_ai.request.model": "m",
        },
        scope="logfire.openai",
    )

    conversation = the_conversation([row])

    assert texts(conversation) == [("user", "hi"), ("assistant", "hello")]
    assert conversation.usage.input_tokens == 4


# --- response chains -----------------------------------------------------------------------------


def test_a_chain_of_responses_is_one_conversation_with_its_history() -> None:
    rows = [
        a_chat(
            [user(f"question {n}")],
            assistant(f"answer {n}"),
            trace=f"t{n}",
            start_s=n * 10,
            more={"gen_ai.response.id": f"r{n}"}
            | ({"gen_ai.request.previous_response_id": f"r{n - 1}"} if n else {}),
        )
        for n in range(3)
    ]

    conversation = the_conversation(rows)

    assert [text for _, text in texts(conversation)] == [
        *("question 0", "answer 0", "question 1", "answer 1", "question 2", "answer 2"),
    ]


def test_a_user_may_say_the_same_twice_in_a_chain_of_responses() -> None:
    rows = [
        a_chat([user("yes")], assistant("sure?"), more={"gen_ai.response.id": "r1"}, trace="1"),
        a_chat(
            [user("yes")],
            assistant("done"),
            more={"gen_ai.response.id": "r2", "gen_ai.request.previous_response_id": "r1"},
            trace="2",
            start_s=9,
        ),
    ]

    assert [text for _, text in texts(the_conversation(rows))] == ["yes", "sure?", "yes", "done"]


def test_a_chain_does_not_lead_into_another_users_conversation() -> None:
    rows = [
        a_chat(
            [user("a")], assistant("b"), more={"gen_ai.response.id": "r"}, user_id="ann", trace="1"
        ),
        a_chat(
            [user("c")],
            assistant("d"),
            more={"gen_ai.request.previous_response_id": "r"},
            user_id="bob",
            trace="2",
            start_s=9,
        ),
    ]

    found = conversations_of(rows)

    assert [texts(each) for each in found] == [
        [("user", "a"), ("assistant", "b")],
        [("user", "c"), ("assistant", "d")],
    ]


def test_a_name_that_an_agent_has_in_older_forms_is_its_name() -> None:
    agent = an_agent(attributes={"gen_ai.operation.name": "invoke_agent"})
    agent["attributes"] = [("gen_ai.operation.name", "invoke_agent"), ("agent_name", "old")]
    call = a_chat([user("hi")], assistant("hello"), span="c", parent="s1")

    assert the_conversation([agent, call]).agent == "old"


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("ai", "experimental_telemetry"),
        ("aiohttp", "capture of message content"),
        ("opentelemetry.instrumentation.openai_v2", "export logs"),
        ("openinference.instrumentation.crewai", "instrument the model's client"),
    ],
)
def test_the_switch_is_that_of_the_library(scope: str, words: str) -> None:
    assert words in switch_for(scope)


# --- hostile -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile",
    [
        {"gen_ai.prompt.0": "x", "gen_ai.prompt.0.role": "user"},
        {"gen_ai.prompt.0.role.a.b": 1, "gen_ai.prompt.9999999999999999.content": "x"},
        {"gen_ai.prompt": "[[[[", "gen_ai.completion": 7},
        {"gen_ai.prompt": "[" * 5000},
        {"llm.request.type": ["chat"], "gen_ai.completion.0.tool_calls.0": "x"},
        {"ai.operationId": "ai.generateText.doGenerate", "ai.prompt.messages": "[1, null, {}]"},
        {"ai.operationId": "ai.generateText", "ai.prompt": '{"messages":[{"role":'},
        {"ai.operationId": ["x"]},
        {
            "events": '[{"event.name": "gen_ai.choice", "message": [1]}, 3]',
            "gen_ai.operation.name": "chat",
        },
        {"request_data": "[1]", "response_data": '{"message": {"tool_calls": 3}}', "gen_ai.x": 1},
        {"all_messages_events": '"gen_ai. event.name"', "pydantic_ai.all_messages": 3},
        {"traceloop.span.kind": "tool", "traceloop.entity.input": '{"args": [], "kwargs": 3}'},
    ],
)
def test_hostile_values_are_read_or_refused_without_harm(hostile: dict[str, Any]) -> None:
    row = a_span(hostile, events='[{"name": "gen_ai.choice", "attributes": {"message": 3}}]')
    good = a_chat([user("hi")], assistant("hello"), trace="good")

    found = [each for each in assemble([failed(row), good], []) if isinstance(each, Conversation)]

    assert [("user", "hi"), ("assistant", "hello")] in [texts(each) for each in found]


@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool"])
@pytest.mark.parametrize("content", [None, 3, ["x"], [{"type": []}], {"a": 1}, [None]])
def test_vercel_messages_of_any_shape_are_messages(role: str, content: Any) -> None:
    row = vercel(
        "ai.generateText.doGenerate", {"ai.prompt.messages": [{"role": role, "content": content}]}
    )
    span = Span(row)
    dialect = detect(span)

    assert dialect is not None
    call = dialect.reader.read_call(span, Histories())
    assert all(isinstance(message, Message) for message in call.input)
