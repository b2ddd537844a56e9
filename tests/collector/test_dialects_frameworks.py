"""What agent frameworks, MCP and feature flags send, by their documentation; and strangers."""

from __future__ import annotations

from typing import Any

import pytest

from collector.assemble import assemble
from collector.dialects import DIALECTS
from collector.records import Conversation, Unreadable
from tests.collector.conversations import REDACTOR, a_span, texts
from tests.collector.sent import (
    ANSWERED,
    ARGUMENTS,
    ASKED,
    RESULT,
    SYSTEM,
    Logged,
    Sent,
    assert_the_turn,
    text,
    the_told,
    told,
)

ANSWER_PARTS = [{"role": "assistant", "parts": [{"type": "text", "content": ANSWERED}]}]
ASKED_PARTS = [{"role": "user", "parts": [{"type": "text", "content": ASKED}]}]
CALL_PART = {"type": "tool_call", "id": "c1", "name": "lookup_order", "arguments": ARGUMENTS}
CALL_PARTS = [{"role": "assistant", "parts": [CALL_PART]}]
RESULT_PART = {"type": "tool_call_response", "id": "c1", "response": RESULT}


# --- Strands -------------------------------------------------------------------------------------

STRANDS = "strands.telemetry.tracer"
USE = [{"toolUse": {"toolUseId": "c1", "name": "lookup_order", "input": ARGUMENTS}}]
USED = [
    {"toolResult": {"toolUseId": "c1", "status": "success", "content": [{"text": text(RESULT)}]}}
]


def strands(operation: str, **more: Any) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": operation,
        "gen_ai.system": "strands-agents",
        "session.id": "s-1",
        "user.id": "u-1",
        **more,
    }


def strands_chat(at: float, said: list[tuple[str, Any]], answer: Any, finish: str) -> Sent:
    events: list[tuple[str, dict[str, Any]]] = [
        (f"gen_ai.{role}.message", {"content": text(blocks)}) for role, blocks in said
    ]
    events.append(("gen_ai.choice", {"message": text(answer), "finish_reason": finish}))
    counted = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.prompt_tokens": 100}
    attributes = strands("chat", **counted, **{"gen_ai.request.model": "m"})
    return Sent(
        name="chat", span=f"chat {at}", parent="cycle", attributes=attributes, events=events, at=at
    )


def test_strands_is_read_from_the_span_events_of_its_chats() -> None:
    opening = [("system", [{"text": SYSTEM}]), ("user", [{"text": ASKED}])]
    agent_events = [
        ("gen_ai.user.message", {"content": text([{"text": ASKED}])}),
        ("gen_ai.choice", {"message": ANSWERED, "finish_reason": "end_turn"}),
    ]
    agent = strands("invoke_agent", **{"gen_ai.agent.name": "orders"})

    conversation = the_told(
        STRANDS,
        [
            Sent(name="agent", attributes=agent, events=agent_events, until=9),
            Sent(
                name="cycle",
                attributes=strands("execute_event_loop_cycle"),
                events=agent_events,
                parent="agent",
                until=9,
            ),
            strands_chat(1, opening, USE, "tool_use"),
            strands_chat(
                3, [*opening, ("assistant", USE), ("tool", USED)], [{"text": ANSWERED}], "end_turn"
            ),
        ],
    )

    assert_the_turn(conversation)
    assert (conversation.conversation_id, conversation.user_id) == ("s-1", "u-1")
    assert conversation.agent == "orders"
    assert conversation.usage.input_tokens == 200
    assert conversation.messages[1].finish_reason == "tool_calls"


def test_an_agent_span_of_strands_alone_speaks_for_itself() -> None:
    events = [
        ("gen_ai.user.message", {"content": text([{"text": ASKED}])}),
        ("gen_ai.choice", {"message": ANSWERED, "finish_reason": "end_turn"}),
    ]

    conversation = the_told(
        STRANDS, [Sent(name="agent", attributes=strands("invoke_agent"), events=events)]
    )

    assert texts(conversation) == [("user", ASKED), ("assistant", ANSWERED)]


def test_strands_newest_form_comes_in_two_events_of_one_span() -> None:
    name = "gen_ai.client.inference.operation.details"
    events = [
        (name, {"gen_ai.input.messages": text(ASKED_PARTS)}),
        (name, {"gen_ai.output.messages": text(ANSWER_PARTS)}),
    ]

    conversation = the_told(STRANDS, [Sent(name="chat", attributes=strands("chat"), events=events)])

    assert texts(conversation) == [("user", ASKED), ("assistant", ANSWERED)]


def test_a_tool_of_strands_gives_its_result_in_an_event() -> None:
    use = strands_chat(1, [("user", [{"text": ASKED}])], USE, "tool_use")
    events = [
        ("gen_ai.tool.message", {"role": "tool", "content": text(ARGUMENTS), "id": "c1"}),
        ("gen_ai.choice", {"message": text([{"text": text(RESULT)}]), "id": "c1"}),
    ]
    run = {"gen_ai.tool.name": "lookup_order", "gen_ai.tool.call.id": "c1"}
    tool = Sent(
        name="tool", attributes=strands("execute_tool", **run), events=events, parent="cycle", at=2
    )

    conversation = the_told(STRANDS, [use, tool])

    assert conversation.messages[-1].result == RESULT


# --- Google ADK ----------------------------------------------------------------------------------

ADK = "gcp.vertex.agent"


def test_adk_2_is_read_from_its_log_records() -> None:
    system = [{"type": "text", "content": SYSTEM}]
    named = {"gen_ai.conversation.id": "s-1", "gen_ai.operation.name": "generate_content"}
    details = "gen_ai.client.inference.operation.details"

    def heard(span: str, said: Any, answer: Any) -> Logged:
        attributes = {
            "user.id": "u-1",
            "gen_ai.system_instructions": system,
            "gen_ai.input.messages": said,
            "gen_ai.output.messages": answer,
        }
        return Logged(event_name=details, span=span, attributes=attributes)

    called = [*ASKED_PARTS, *CALL_PARTS, {"role": "user", "parts": [RESULT_PART]}]

    conversation = the_told(
        ADK,
        [
            Sent(
                name="agent",
                attributes={
                    "gen_ai.operation.name": "invoke_agent",
                    "gen_ai.agent.name": "orders",
                },
                until=9,
            ),
            Sent(name="one", attributes=named, parent="agent", at=1),
            Sent(
                name="execute_tool lookup_order",
                attributes={
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": "lookup_order",
                },
                parent="agent",
                at=2,
            ),
            Sent(name="two", attributes=named, parent="agent", at=3),
        ],
        [heard("one", ASKED_PARTS, CALL_PARTS), heard("two", called, ANSWER_PARTS)],
    )

    assert_the_turn(conversation)
    assert (conversation.conversation_id, conversation.user_id) == ("s-1", "u-1")
    assert conversation.completeness.hint is None


def test_adk_1_is_read_from_whole_requests_on_its_spans() -> None:
    user_said = {"role": "user", "parts": [{"text": ASKED}]}
    model_called = {
        "role": "model",
        "parts": [{"function_call": {"id": "c1", "name": "lookup_order", "args": ARGUMENTS}}],
    }
    function = {"id": "c1", "name": "lookup_order", "response": RESULT}
    tool_gave = {"role": "user", "parts": [{"function_response": function}]}

    def call(span: str, at: float, contents: list[Any], content: Any) -> Sent:
        request = {"model": "gemini-x", "config": {"system_instruction": SYSTEM}}
        answer = {"content": content, "usage_metadata": {"prompt_token_count": 50}}
        attributes = {
            "gen_ai.system": "gcp.vertex.agent",
            "gcp.vertex.agent.session_id": "s-1",
            "gcp.vertex.agent.llm_request": text({**request, "contents": contents}),
            "gcp.vertex.agent.llm_response": text(answer),
        }
        return Sent(name="call_llm", span=span, attributes=attributes, at=at, parent="run")

    final = {"role": "model", "parts": [{"thought": True, "text": "hm"}, {"text": ANSWERED}]}

    conversation = the_told(
        ADK,
        [
            call("one", 1, [user_said], model_called),
            Sent(
                name="execute_tool lookup_order",
                attributes={
                    "gcp.vertex.agent.tool_call_args": text(ARGUMENTS),
                    "gcp.vertex.agent.tool_response": text(RESULT),
                    "gen_ai.tool.name": "lookup_order",
                },
                parent="run",
                at=2,
            ),
            call("two", 3, [user_said, model_called, tool_gave], final),
        ],
    )

    assert_the_turn(conversation)
    assert conversation.conversation_id == "s-1"
    assert conversation.models == ("gemini-x",)
    assert conversation.usage.input_tokens == 100


# --- Microsoft -----------------------------------------------------------------------------------


def test_semantic_kernel_is_read_from_log_bodies_in_the_order_of_their_index() -> None:
    called = {
        "role": "assistant",
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "Orders-lookup_order", "arguments": text(ARGUMENTS)},
            }
        ],
    }
    said = [
        ("gen_ai.system.message", {"role": "system", "content": SYSTEM}),
        ("gen_ai.user.message", {"role": "user", "content": ASKED}),
        ("gen_ai.assistant.message", called),
        ("gen_ai.tool.message", {"role": "tool", "tool_call_id": "c1", "content": text(RESULT)}),
    ]
    logs = [
        Logged(
            body=text(body),
            attributes={"event.name": name, "CHAT_MESSAGE_INDEX": index, "gen_ai.system": "openai"},
            span="two",
        )
        for index, (name, body) in enumerate(said)
    ]
    choice = {"message": {"role": "assistant", "content": ANSWERED}, "index": 0}
    logs.append(Logged(body=text(choice), attributes={"event.name": "gen_ai.choice"}, span="two"))
    ordinary = Logged(body="function invoked", span="two")

    conversation = the_told(
        "semantic_kernel",
        [
            Sent(
                name="two",
                attributes={
                    "gen_ai.operation.name": "chat",
                    "gen_ai.request.model": "gpt",
                    "gen_ai.response.finish_reason": "FinishReason.STOP",
                },
            )
        ],
        [ordinary, *reversed(logs)],
    )

    assert conversation.system == SYSTEM
    assert texts(conversation) == [
        ("user", ASKED),
        ("assistant", None),
        ("tool", None),
        ("assistant", ANSWERED),
    ]
    assert conversation.messages[1].tool_calls[0].name == "Orders-lookup_order"
    assert conversation.messages[2].result == RESULT
    assert conversation.messages[3].finish_reason == "stop"
    assert conversation.dialects == ("semantic-kernel",)


def test_agent_framework_says_everything_on_spans_and_logs_and_is_told_once() -> None:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": text(
            [
                *ASKED_PARTS,
                {"role": "assistant", "parts": [{**CALL_PART, "arguments": text(ARGUMENTS)}]},
                {"role": "tool", "parts": [RESULT_PART]},
            ]
        ),
        "gen_ai.output.messages": text(ANSWER_PARTS),
        "gen_ai.system_instructions": text([{"type": "text", "content": SYSTEM}]),
        "gen_ai.response.finish_reasons": '["stop"]',
    }
    agent = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "orders",
        "gen_ai.provider.name": "microsoft.agent_framework",
        "gen_ai.input.messages": text(ASKED_PARTS),
        "gen_ai.output.messages": text([*CALL_PARTS, {"role": "tool", "parts": [RESULT_PART]}]),
    }
    logs = [
        Logged(event_name="gen_ai.user.message", body={"content": ASKED}, span="chat"),
        Logged(event_name="gen_ai.choice", body={"message": {"content": ANSWERED}}, span="chat"),
    ]

    conversation = the_told(
        "agent_framework",
        [
            Sent(name="agent", attributes=agent, until=9),
            Sent(name="chat", attributes=attributes, parent="agent", at=1),
        ],
        logs,
    )

    assert_the_turn(conversation)
    assert conversation.messages[-1].finish_reason == "stop"
    assert conversation.events == ()


# --- MCP -----------------------------------------------------------------------------------------


def mcp(**more: Any) -> dict[str, Any]:
    return {"mcp.method.name": "tools/call", "mcp.session.id": "a transport", **more}


def chat(at: float, said: Any, answer: Any, name: str) -> Sent:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": text(said),
        "gen_ai.output.messages": text(answer),
    }
    return Sent(name=name, attributes=attributes, parent="agent", at=at)


def test_a_tool_call_seen_by_agent_client_and_server_counts_once() -> None:
    named = {"gen_ai.tool.name": "lookup_order"}
    called = {**CALL_PART, "id": None}
    again = [*ASKED_PARTS, {"role": "assistant", "parts": [called, called]}]

    conversation = the_told(
        "any",
        [
            chat(1, ASKED_PARTS, again[1:], "one"),
            *(
                span
                for number, result in enumerate(({"n": 1}, {"n": 2}))
                for span in (
                    Sent(
                        name="execute_tool lookup_order",
                        span=f"tool {number}",
                        attributes={"gen_ai.operation.name": "execute_tool", **named},
                        parent="agent",
                        at=2 + number,
                    ),
                    Sent(
                        name="tools/call lookup_order",
                        span=f"client {number}",
                        attributes=mcp(**{"gen_ai.tool.call.arguments": text(ARGUMENTS)}),
                        parent=f"tool {number}",
                        at=2.1 + number,
                    ),
                    Sent(
                        name="tools/call lookup_order",
                        span=f"server {number}",
                        attributes=mcp(**named, **{"gen_ai.tool.call.result": text(result)}),
                        parent=f"client {number}",
                        at=2.2 + number,
                    ),
                )
            ),
        ],
    )

    answers = [message for message in conversation.messages if message.role == "tool"]
    assert [answer.result for answer in answers] == [{"n": 1}, {"n": 2}]
    assert conversation.conversation_id != "a transport"


def test_openllmetrys_keys_of_mcp_are_read() -> None:
    result = {"content": [{"type": "text", "text": text(RESULT)}], "isError": False}
    attributes = {
        "mcp.method.name": "tools/call",
        "gen_ai.tool.name": "lookup_order",
        "mcp.request.argument": text(ARGUMENTS),
        "mcp.response.value": text(result),
    }

    conversation = the_told(
        "any",
        [
            chat(1, ASKED_PARTS, CALL_PARTS, "one"),
            Sent(name="tools/call lookup_order", attributes=attributes, parent="agent", at=2),
        ],
    )

    assert conversation.messages[-1].result == RESULT


def test_other_requests_of_mcp_are_no_tools() -> None:
    listed = {"mcp.method.name": "tools/list"}

    conversation = the_told(
        "any",
        [
            chat(1, ASKED_PARTS, ANSWER_PARTS, "one"),
            Sent(name="tools/list", attributes=listed, parent="agent", at=0.5),
        ],
    )

    assert conversation.completeness.tool_results


# --- feature flags -------------------------------------------------------------------------------


def flag(variant: str, at: float, **attributes: Any) -> Logged:
    own = {"feature_flag.key": "prompt", "feature_flag.result.variant": variant}
    return Logged(event_name="feature_flag.evaluation", attributes=own | attributes, at=at)


def a_users_chat(at: float, user: str, trace: str) -> Sent:
    attributes = {
        "gen_ai.operation.name": "chat",
        "user.id": user,
        "gen_ai.input.messages": text(ASKED_PARTS),
        "gen_ai.output.messages": text(ANSWER_PARTS),
    }
    return Sent(name="chat", attributes=attributes, at=at, trace=trace)


@pytest.mark.parametrize("redact", [None, REDACTOR], ids=["open", "redacted"])
def test_a_flag_evaluated_for_a_user_gives_the_variant_of_what_the_user_says_then(
    redact: Any,
) -> None:
    subject = {"feature_flag.context.id": "u-1"}
    logs = [flag("old", 0, **subject), flag("new", 50, **subject), flag("x", 0)]
    spans = [
        a_users_chat(10, "u-1", "a"),
        a_users_chat(60, "u-1", "b"),
        a_users_chat(9, "u-2", "c"),
    ]

    found = told("any", spans, logs, **({"redact": redact} if redact else {}))

    conversations = [each for each in found if isinstance(each, Conversation)]
    assert [each.variant for each in conversations] == [None, "old", "new"]
    assert all(each.events == () for each in conversations)


def test_a_flag_of_the_trace_counts_before_one_of_the_user() -> None:
    own = Logged(
        event_name="feature_flag.evaluation",
        attributes={"feature_flag.result.value": "blue"},
        at=5,
        span="chat",
    )
    users = flag("old", 0, **{"feature_flag.context.id": "u-1"})

    conversation = the_told("any", [a_users_chat(10, "u-1", "t")], [users, own])

    assert conversation.variant == "blue"


# --- strangers -----------------------------------------------------------------------------------

STRANGERS: dict[str, dict[str, Any]] = {
    "messages-under-a-plain-word": {
        "input": text([{"role": "user", "content": ASKED}]),
        "output": text({"role": "assistant", "content": ANSWERED}),
    },
    "text-beside-a-key-of-a-model": {
        "gen_ai.request.model": "m",
        "input.value": ASKED,
        "output.value": ANSWERED,
    },
    "the-first-openllmetry": {
        "llm.prompts.0.role": "user",
        "llm.prompts.0.content": ASKED,
        "llm.completions.0.role": "assistant",
        "llm.completions.0.content": ANSWERED,
    },
    "logfire-around-a-client": {
        "request_data": text({"model": "m", "messages": [{"role": "user", "content": ASKED}]}),
        "response_data": text({"message": {"role": "assistant", "content": ANSWERED}}),
    },
    "haystack-native": {
        "haystack.agent.input": text({"messages": [{"role": "user", "content": ASKED}]}),
        "haystack.agent.output": text({"messages": [{"role": "assistant", "content": ANSWERED}]}),
    },
}


@pytest.mark.parametrize("form", STRANGERS)
def test_an_unknown_dialect_is_read_by_known_keys_and_named(form: str) -> None:
    conversation = the_told("acme.tracing", [Sent(name="any", attributes=STRANGERS[form])])

    assert texts(conversation) == [("user", ASKED), ("assistant", ANSWERED)]
    assert conversation.dialects == ("unknown (acme.tracing)",)


def test_an_unknown_span_around_calls_that_are_read_says_nothing() -> None:
    outer = {"input": text([{"role": "user", "content": "otherwise"}]), "output": "x"}

    conversation = the_told(
        "acme",
        [Sent(name="agent", attributes=outer, until=9), chat(1, ASKED_PARTS, ANSWER_PARTS, "c")],
    )

    assert texts(conversation) == [("user", ASKED), ("assistant", ANSWERED)]


def test_tokens_of_an_unknown_dialect_are_a_turn_without_text() -> None:
    attributes = {"gen_ai.system": "acme", "gen_ai.usage.input_tokens": 7}

    conversation = the_told("acme", [Sent(name="any", attributes=attributes)])

    assert conversation.usage.input_tokens == 7
    assert not conversation.completeness.text


def test_a_span_of_anybody_with_an_input_is_no_conversation() -> None:
    assert told("acme", [Sent(name="job", attributes={"input": "file.csv", "output": "ok"})]) == []


# --- hostile -------------------------------------------------------------------------------------

KEYS = [
    *("gen_ai.prompt", "gen_ai.completion", "langfuse.observation.input"),
    *("langfuse.observation.output", "langfuse.observation.usage_details", "mlflow.spanInputs"),
    *("mlflow.spanOutputs", "mlflow.chat.tokenUsage", "gcp.vertex.agent.llm_request"),
    *("gcp.vertex.agent.llm_response", "gcp.vertex.agent.tool_response", "input", "output"),
    *("mcp.request.argument", "llm.prompts.0.content", "gen_ai.completion.0.function_call.name"),
]
VALUES: list[Any] = [
    7,
    "[[[[",
    '{"messages": 3}',
    [[]],
    {"messages": [None, 3, [], [["a"]], {"role": [], "content": {"a": [1]}}]},
    {"choices": [{"message": {"tool_calls": [3, {"function": 4}], "content": [None]}}]},
    {"generations": [[[[]]]], "kwargs": 1},
    [{"choices": [{"delta": {"tool_calls": [{"index": "x", "function": {}}]}}]}],
    {"contents": [{"parts": [{"functionCall": 3}, {"functionResponse": "x"}]}], "config": 3},
    {"output": {"message": {"content": [{"toolResult": {"content": 3}}]}}, "input": {"input": {}}},
    [{"type": "constructor", "id": 3, "kwargs": {"content": None}}, {"type": "function_call"}],
]
MARKS: list[dict[str, Any]] = [
    {"langsmith.span.kind": "llm"},
    {"langfuse.observation.type": "generation"},
    {"mlflow.spanType": '"LLM"'},
    {"gen_ai.operation.name": "chat", "gen_ai.system": "strands-agents"},
    {"mcp.method.name": "tools/call"},
    {"CHAT_MESSAGE_INDEX": "x", "gen_ai.operation.name": "chat"},
    {},
]


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: next(iter(mark), "unknown"))
def test_hostile_values_never_raise_in_any_dialect(mark: dict[str, Any]) -> None:
    for value in VALUES:
        row = a_span({**mark, **dict.fromkeys(KEYS, value)}, trace=str(value))
        sent = dict.fromkeys(("content", "message", "gen_ai.input.messages"), value)
        names = ("gen_ai.user.message", "gen_ai.choice")
        events = [{"name": name, "time_ns": 0, "attributes": sent} for name in names]
        found = assemble([row | {"events": text(events)}], [])
        assert not any("Error" in each.reason for each in found if isinstance(each, Unreadable))


def test_every_dialect_has_a_name_of_its_own() -> None:
    names = [dialect.name for dialect in DIALECTS]

    assert len(names) == len(set(names))
