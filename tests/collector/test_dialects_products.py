"""What observability products, gateways and coding agents send, by their documentation."""

from __future__ import annotations

import time
from typing import Any

import pytest

from collector.records import Unreadable
from tests.collector.conversations import REDACTOR, an_event, conversations_of, texts
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

OPENAI_CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "lookup_order", "arguments": text(ARGUMENTS)},
        }
    ],
}
OPENAI_TOOL = {"role": "tool", "tool_call_id": "c1", "content": text(RESULT)}
OPENAI_OPENING = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": ASKED}]


def completion(message: Any, finish: str = "stop", number: int = 1) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "model": "gpt-4.1-mini-2025",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


# --- LangSmith -----------------------------------------------------------------------------------


def serial(class_: str, **kwargs: Any) -> dict[str, Any]:
    """A message as LangChain writes it."""
    path = ["langchain", "schema", "messages", class_]
    return {"lc": 1, "type": "constructor", "id": path, "kwargs": kwargs}


LANGCHAIN_CALL = serial(
    "AIMessage",
    content="",
    tool_calls=[{"name": "lookup_order", "args": ARGUMENTS, "id": "c1", "type": "tool_call"}],
)


def langsmith_run(name: str, said: list[Any], answer: Any, **span: Any) -> Sent:
    generation = {"text": "", "message": answer}
    return Sent(
        name=name,
        span=span.pop("span"),
        parent="LangGraph",
        attributes={
            "langsmith.span.kind": "llm",
            "langsmith.trace.session_name": "the project",
            "langsmith.metadata.thread_id": "th-1",
            "langsmith.metadata.user_id": "u-1",
            "langsmith.metadata.ls_model_name": "gpt-4.1-mini",
            "gen_ai.operation.name": "chat",
            "gen_ai.prompt": text({"messages": [said]}),
            "gen_ai.completion": text({"generations": [[generation]]}),
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 10,
        },
        **span,
    )


def test_langsmith_reads_serialised_messages_and_takes_the_thread_not_the_project() -> None:
    opening = [serial("SystemMessage", content=SYSTEM), serial("HumanMessage", content=ASKED)]
    result = serial("ToolMessage", content=text(RESULT), tool_call_id="c1", name="lookup_order")
    root = {
        "langsmith.span.kind": "chain",
        "gen_ai.operation.name": "chain",
        "gen_ai.prompt": text({"messages": [{"role": "user", "content": ASKED}]}),
        "gen_ai.completion": text({"messages": [{"type": "human", "content": ASKED}]}),
    }
    tool = {
        "langsmith.span.kind": "tool",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.prompt": text({"input": text(ARGUMENTS)}),
        "gen_ai.completion": text({"output": result}),
    }
    final = serial("AIMessage", content=ANSWERED, tool_calls=[])

    conversation = the_told(
        "langsmith",
        [
            Sent(name="LangGraph", attributes=root, until=9),
            langsmith_run("ChatOpenAI", opening, LANGCHAIN_CALL, at=1, span="first"),
            Sent(name="lookup_order", attributes=tool, parent="LangGraph", at=2),
            langsmith_run(
                "ChatOpenAI", [*opening, LANGCHAIN_CALL, result], final, at=3, span="second"
            ),
        ],
    )

    assert_the_turn(conversation)
    assert (conversation.conversation_id, conversation.user_id) == ("th-1", "u-1")
    assert conversation.models == ("gpt-4.1-mini",)
    assert conversation.usage.input_tokens == 200
    assert conversation.dialects == ("langsmith",)
    assert conversation.completeness.hint is None


def test_langsmith_reads_the_root_where_no_model_call_was_sent() -> None:
    state = [{"type": "human", "content": "before"}, {"type": "ai", "content": "yes"}]
    asked = [*state, {"type": "human", "content": ASKED}]
    root = {
        "langsmith.span.kind": "chain",
        "gen_ai.prompt": text({"messages": asked}),
        "gen_ai.completion": text({"messages": [*asked, {"type": "ai", "content": ANSWERED}]}),
    }

    conversation = the_told("langsmith", [Sent(name="LangGraph", attributes=root)])

    assert [said for _, said in texts(conversation)] == ["before", "yes", ASKED, ANSWERED]


def test_langsmith_tells_failure_by_the_exception_and_cuts_its_stack_trace_off() -> None:
    attributes = {
        "langsmith.span.kind": "llm",
        "gen_ai.operation.name": "chat",
        "gen_ai.prompt": text({"messages": [[serial("HumanMessage", content=ASKED)]]}),
    }
    message = (
        "RateLimitError('Error code: 429 - slow')Traceback (most recent call last):\n  File /x"
    )
    raised = ("exception", {"exception.type": "Exception", "exception.message": message})

    conversation = the_told(
        "langsmith", [Sent(name="ChatOpenAI", attributes=attributes, events=[raised])]
    )

    (error,) = conversation.errors
    assert (error.message, error.http_status) == ("RateLimitError('Error code: 429 - slow')", 429)
    assert texts(conversation) == [("user", ASKED)]


# --- Langfuse ------------------------------------------------------------------------------------


def langfuse(type_: str, **attributes: Any) -> dict[str, Any]:
    keys = {key.replace("__", "."): value for key, value in attributes.items()}
    own = {f"langfuse.observation.{key}": value for key, value in keys.items()}
    return {
        "langfuse.observation.type": type_,
        "session.id": "s-1",
        "user.id": "u-1",
        "langfuse.trace.tags": ["a"],
        **own,
    }


def test_langfuse_reads_generations_in_the_providers_shape() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    first = langfuse(
        "generation",
        input=text({"tools": [{"name": "lookup_order"}], "messages": OPENAI_OPENING}),
        output=text(OPENAI_CALL),
        model__name="gpt-4.1-mini",
        usage_details=text(usage),
    )
    tool = langfuse("tool", input=text({"args": [], "kwargs": ARGUMENTS}), output=text(RESULT))
    second = langfuse(
        "generation",
        input=text([*OPENAI_OPENING, OPENAI_CALL, OPENAI_TOOL]),
        output=text({"role": "assistant", "content": ANSWERED}),
        usage_details=text(usage),
    )

    conversation = the_told(
        "langfuse-sdk",
        [
            Sent(name="turn", attributes=langfuse("span", input=ASKED, output=ANSWERED), until=9),
            Sent(name="chat", span="one", attributes=first, parent="turn", at=1),
            Sent(name="lookup_order", attributes=tool, parent="turn", at=2),
            Sent(name="chat", span="two", attributes=second, parent="turn", at=3),
        ],
    )

    assert_the_turn(conversation)
    assert (conversation.conversation_id, conversation.user_id) == ("s-1", "u-1")
    assert conversation.models == ("gpt-4.1-mini",)
    assert (conversation.usage.input_tokens, conversation.usage.output_tokens) == (200, 20)


def test_langfuse_reads_a_decorated_root_of_plain_text() -> None:
    root = langfuse("agent", input=text({"args": [ASKED], "kwargs": {}}), output=ANSWERED)

    conversation = the_told("langfuse-sdk", [Sent(name="turn", attributes=root)])

    assert texts(conversation) == [("user", ASKED), ("assistant", ANSWERED)]


def test_langfuse_tells_failure_by_its_level() -> None:
    attributes = langfuse(
        "generation", input=ASKED, level="ERROR", status_message="Error code: 503 - busy"
    )

    conversation = the_told("langfuse-sdk", [Sent(name="chat", attributes=attributes)])

    (error,) = conversation.errors
    assert (error.kind, error.http_status) == ("provider", 503)


# --- MLflow --------------------------------------------------------------------------------------


def mlflow(type_: str, asked: Any, gave: Any, **more: Any) -> dict[str, Any]:
    """Every value is JSON text once more."""
    own = {"spanType": type_, "spanInputs": asked, "spanOutputs": gave, **more}
    return {f"mlflow.{key}": text(value) for key, value in own.items()}


def test_mlflow_takes_one_encoding_off_every_value() -> None:
    counted = {"chat.tokenUsage": {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}}
    first = mlflow(
        "CHAT_MODEL",
        {"model": "gpt-4.1-mini", "messages": OPENAI_OPENING},
        completion(OPENAI_CALL, "tool_calls"),
        **counted,
    )
    second = mlflow(
        "CHAT_MODEL",
        {"model": "gpt-4.1-mini", "messages": [*OPENAI_OPENING, OPENAI_CALL, OPENAI_TOOL]},
        completion({"role": "assistant", "content": ANSWERED}, number=2),
        **counted,
    )

    conversation = the_told(
        "mlflow.tracing.provider",
        [
            Sent(name="Completions", span="one", attributes=first, parent="lost", at=1),
            Sent(
                name="lookup_order",
                attributes=mlflow("TOOL", ARGUMENTS, RESULT),
                parent="lost",
                at=2,
            ),
            Sent(name="Completions", span="two", attributes=second, parent="lost", at=3),
        ],
    )

    assert_the_turn(conversation)
    assert conversation.usage.input_tokens == 200
    assert conversation.messages[1].finish_reason == "tool_calls"
    assert conversation.dialects == ("mlflow",)


def test_mlflow_joins_the_chunks_of_a_stream() -> None:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "chatcmpl-9", "choices": [choice]}

    def piece(arguments: str, **function: Any) -> dict[str, Any]:
        call = {"index": 0, "function": {"arguments": arguments, **function}}
        return {"tool_calls": [call | ({"id": "c1"} if function else {})]}

    outputs = [
        chunk({"role": "assistant", "content": "One "}),
        chunk({"content": "moment."}),
        chunk(piece('{"order_id"', name="lookup_order")),
        chunk(piece(': "A-1001"}')),
        chunk({}, "tool_calls"),
    ]

    conversation = the_told(
        "mlflow.tracing.provider",
        [Sent(name="c", attributes=mlflow("CHAT_MODEL", {"messages": OPENAI_OPENING}, outputs))],
    )

    said = conversation.messages[1]
    assert (said.text, said.finish_reason) == ("One moment.", "tool_calls")
    assert said.tool_calls[0].arguments == ARGUMENTS


SHAPES: dict[str, tuple[Any, Any]] = {
    "anthropic": (
        {
            "system": SYSTEM,
            "messages": [
                {"role": "user", "content": ASKED},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hmm"},
                        {
                            "type": "tool_use",
                            "id": "c1",
                            "name": "lookup_order",
                            "input": ARGUMENTS,
                        },
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "c1",
                            "content": [{"type": "text", "text": text(RESULT)}],
                        }
                    ],
                },
            ],
        },
        {
            "id": "msg_1",
            "role": "assistant",
            "content": [{"type": "text", "text": ANSWERED}],
            "stop_reason": "end_turn",
        },
    ),
    "openai-responses": (
        {
            "instructions": SYSTEM,
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": ASKED}]},
                {"type": "reasoning", "summary": []},
                {
                    "type": "function_call",
                    "id": "fc_1",
                    "call_id": "c1",
                    "name": "lookup_order",
                    "arguments": text(ARGUMENTS),
                },
                {"type": "function_call_output", "call_id": "c1", "output": text(RESULT)},
            ],
        },
        {
            "id": "resp_1",
            "object": "response",
            "output": [
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": ANSWERED}],
                }
            ],
        },
    ),
    "gemini": (
        {
            "config": {"system_instruction": {"parts": [{"text": SYSTEM}]}},
            "contents": [
                {"role": "user", "parts": [{"text": ASKED}]},
                {
                    "role": "model",
                    "parts": [{"functionCall": {"name": "lookup_order", "args": ARGUMENTS}}],
                },
                {
                    "role": "user",
                    "parts": [{"functionResponse": {"name": "lookup_order", "response": RESULT}}],
                },
            ],
        },
        {
            "candidates": [
                {
                    "content": {"role": "model", "parts": [{"text": ANSWERED}]},
                    "finishReason": "STOP",
                }
            ]
        },
    ),
    "bedrock": (
        {
            "system": [{"text": SYSTEM}],
            "messages": [
                {"role": "user", "content": [{"text": ASKED}]},
                {
                    "role": "assistant",
                    "content": [
                        {"toolUse": {"toolUseId": "c1", "name": "lookup_order", "input": ARGUMENTS}}
                    ],
                },
                {
                    "role": "user",
                    "content": [{"toolResult": {"toolUseId": "c1", "content": [{"json": RESULT}]}}],
                },
            ],
        },
        {
            "output": {"message": {"role": "assistant", "content": [{"text": ANSWERED}]}},
            "stopReason": "end_turn",
        },
    ),
}


@pytest.mark.parametrize("provider", SHAPES)
def test_requests_and_answers_are_read_in_every_providers_shape(provider: str) -> None:
    asked, gave = SHAPES[provider]

    conversation = the_told(
        "mlflow.tracing.provider", [Sent(name="c", attributes=mlflow("LLM", asked, gave))]
    )

    assert_the_turn(conversation)


# --- LiteLLM -------------------------------------------------------------------------------------


def test_litellm_finds_the_tool_call_under_the_oldest_key() -> None:
    opening = [{"role": "user", "parts": [{"type": "text", "content": ASKED}]}]
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4.1-mini",
        "gen_ai.input.messages": text(opening),
        "gen_ai.output.messages": text([{"role": "assistant", "parts": []}]),
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.function_call.name": "lookup_order",
        "gen_ai.completion.0.function_call.arguments": text(ARGUMENTS),
        "llm.is_streaming": "False",
        "llm.user": "u-1",
    }
    raw = {"llm.openai.messages": "[{'role': 'user'}]", "llm.openai.id": "x"}

    conversation = the_told(
        "litellm",
        [
            Sent(name="litellm_request", attributes=attributes, until=2),
            Sent(name="raw_gen_ai_request", attributes=raw, parent="litellm_request"),
        ],
    )

    assert texts(conversation) == [("user", ASKED), ("assistant", None)]
    (call,) = conversation.messages[1].tool_calls
    assert (call.name, call.arguments) == ("lookup_order", ARGUMENTS)
    assert conversation.user_id == "u-1"


def test_litellm_has_ids_of_tool_calls_in_the_raw_answer_and_beside_the_parts() -> None:
    opening = [{"role": "user", "parts": [{"type": "text", "content": ASKED}]}]
    called = {"role": "assistant", "parts": [{"type": "text", "content": ""}]}
    calls = [{"id": "c1", "function": {"name": "lookup_order", "arguments": text(ARGUMENTS)}}]
    answer = {"role": "tool", "parts": [{"type": "text", "content": text(RESULT)}]}
    history = [*opening, {**called, "tool_calls": calls}, {**answer, "tool_call_id": "c1"}]
    first = {
        "gen_ai.operation.name": "chat",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.input.messages": text(opening),
        "gen_ai.output.messages": text([{"role": "assistant", "parts": []}]),
        "gen_ai.completion.0.function_call.name": "lookup_order",
        "gen_ai.completion.0.function_call.arguments": text(ARGUMENTS),
    }
    choice = {"finish_reason": "tool_calls", "message": {"content": None, "tool_calls": calls}}
    raw = {"llm.openai.id": "chatcmpl-1", "llm.openai.choices": repr([choice])}
    second = {
        "gen_ai.operation.name": "chat",
        "gen_ai.response.id": "chatcmpl-2",
        "gen_ai.input.messages": text(history),
        "gen_ai.output.messages": text(
            [{"role": "assistant", "parts": [{"type": "text", "content": ANSWERED}]}]
        ),
    }

    conversation = the_told(
        "litellm",
        [
            Sent(name="litellm_request", attributes=first, trace="a"),
            Sent(name="raw_gen_ai_request", attributes=raw, parent="litellm_request", trace="a"),
            Sent(name="litellm_request", attributes=second, trace="b", at=3),
        ],
    )

    assert_the_turn(conversation, system=None)
    assert conversation.messages[1].tool_calls[0].id == "c1"


def test_litellm_users_are_stored_as_pseudonyms() -> None:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": text([{"role": "user", "content": ASKED}]),
        "llm.user": "u-1",
    }

    conversation = the_told(
        "litellm", [Sent(name="litellm_request", attributes=attributes)], redact=REDACTOR
    )

    assert conversation.user_id == REDACTOR.user("u-1")


def test_litellm_has_the_status_of_an_error_under_its_own_key() -> None:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": text([{"role": "user", "content": ASKED}]),
        "error.code": "429",
        "error.type": "APIError",
        "error.message": "slow down",
        "error.stack_trace": "File /x",
    }

    conversation = the_told(
        "litellm", [Sent(name="litellm_request", attributes=attributes, error="")]
    )

    (error,) = conversation.errors
    assert (error.kind, error.message, error.http_status) == ("provider", "slow down", 429)


# --- Anthropic's own spans -----------------------------------------------------------------------


def test_the_anthropic_sdks_own_span_adds_no_usage_to_another_report_of_the_call() -> None:
    counted = {"gen_ai.usage.input_tokens": 165, "gen_ai.usage.output_tokens": 7}
    shared = {"gen_ai.operation.name": "chat", "gen_ai.response.id": "msg_1", **counted}
    spoken = {
        "gen_ai.input.messages": text([{"role": "user", "content": ASKED}]),
        "gen_ai.output.messages": text([{"role": "assistant", "content": ANSWERED}]),
    }

    conversation = the_told(
        "com.anthropic.sdk.python",
        [
            Sent(name="chat", attributes=shared | spoken, parent="turn"),
            Sent(name="anthropic.messages.create", attributes=shared, parent="turn", at=0.1),
        ],
    )

    assert texts(conversation) == [("user", ASKED), ("assistant", ANSWERED)]
    assert conversation.usage.input_tokens == 165


def test_the_anthropic_sdks_span_alone_is_a_turn_without_text_that_says_what_to_add() -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 9}

    conversation = the_told(
        "com.anthropic.sdk.python", [Sent(name="anthropic.messages.create", attributes=attributes)]
    )

    assert conversation.messages == ()
    assert "genai-anthropic" in (conversation.completeness.hint or "")


# --- Claude Code ---------------------------------------------------------------------------------


def claude(name: str, sequence: int, **attributes: Any) -> Logged:
    own = {key.replace("__", "."): value for key, value in attributes.items()}
    common = {"session.id": "s-1", "user.id": "installation", "event.name": name}
    return Logged(
        body=f"claude_code.{name}",
        attributes={**common, "event.sequence": sequence, "prompt.id": "p", **own},
        at=sequence / 10,
    )


CLAUDE = "com.anthropic.claude_code.events"


def claude_turn() -> list[Logged]:
    return [
        claude("user_prompt", 1, prompt=ASKED, prompt_length="16"),
        claude(
            "api_request",
            2,
            model="claude-x",
            input_tokens="10",
            cache_read_tokens=90,
            output_tokens="5",
        ),
        claude("tool_decision", 3, tool_use_id="c1", tool_name="mcp_tool", decision="accept"),
        claude(
            "tool_result",
            4,
            tool_use_id="c1",
            tool_name="mcp_tool",
            tool_parameters=text({"mcp_server_name": "orders", "mcp_tool_name": "lookup_order"}),
            tool_input=text(ARGUMENTS),
            success="true",
            tool_result_size_bytes="20",
        ),
        claude("api_request", 5, model="claude-x", input_tokens=120, output_tokens=8),
        claude("assistant_response", 6, response=ANSWERED, model="claude-x", request_id="r"),
    ]


def test_the_records_of_a_claude_code_session_are_one_conversation() -> None:
    conversation = the_told(CLAUDE, logs=list(reversed(claude_turn())), service="claude-code")

    assert texts(conversation) == [
        ("user", ASKED),
        ("assistant", None),
        ("tool", None),
        ("assistant", ANSWERED),
    ]
    (call,) = conversation.messages[1].tool_calls
    assert (call.id, call.name, call.arguments) == ("c1", "lookup_order", ARGUMENTS)
    assert (conversation.conversation_id, conversation.agent) == ("s-1", "claude-code")
    assert (conversation.usage.input_tokens, conversation.usage.output_tokens) == (220, 13)
    assert conversation.models == ("claude-x",)
    assert conversation.dialects == ("claude-code",)
    assert conversation.events == ()
    assert conversation.completeness.text
    assert not conversation.completeness.tool_results
    times = [message.at for message in conversation.messages]
    assert all(times)
    assert times == sorted(times, key=str)


def test_prompts_that_claude_code_kept_back_are_turns_without_text_and_the_switch_is_named() -> (
    None
):
    logs = [claude("user_prompt", 1, prompt="<REDACTED>", prompt_length="16"), *claude_turn()[1:]]

    conversation = the_told(CLAUDE, logs=logs)

    assert conversation.messages[0].text is None
    assert not conversation.completeness.text
    assert "OTEL_LOG_USER_PROMPTS" in (conversation.completeness.hint or "")


def test_an_error_of_claude_code_counts_unless_a_later_attempt_goes_on() -> None:
    error = {"error": "overloaded", "status_code": "529"}
    logs = [
        claude("user_prompt", 1, prompt="one"),
        claude("api_error", 2, attempt="1", **error),
        claude("api_error", 3, attempt="2", **error),
        claude("api_request", 4, input_tokens=1, output_tokens=1),
        claude("assistant_response", 5, response="done"),
        claude("user_prompt", 6, prompt="two"),
        claude("api_error", 7, attempt="1", **error),
        claude("api_error", 8, attempt="2", **error),
        claude("user_prompt", 9, prompt="three"),
        claude("assistant_response", 10, response="yes"),
    ]

    conversation = the_told(CLAUDE, logs=logs)

    assert [said for _, said in texts(conversation)] == ["one", "done", "two", "three", "yes"]
    (found,) = conversation.errors
    assert (found.kind, found.message, found.http_status) == ("provider", "overloaded", 529)
    assert conversation.usage.input_tokens == 1


def test_a_long_session_with_many_failures_keeps_all_tokens_and_costs_no_more_than_its_length() -> (
    None
):
    names = ("user_prompt", "api_request", "tool_result", "assistant_response", "user_prompt")
    shared = {"session.id": "s-1", "prompt": "p", "response": "r", "input_tokens": 1, "error": "e"}
    logs = [
        an_event(
            name,
            event=f"{number} {place}",
            at_s=number + place / 10,
            scope=CLAUDE,
            conversation_id="s-1",
            attributes=shared | {"event.name": name, "prompt": f"{number} {place}"},
        )
        for number in range(300)
        for place, name in enumerate((*names, "api_error"))
    ]

    started = time.perf_counter()
    (conversation,) = conversations_of([], logs)

    assert len(conversation.messages) == 300 * 5
    assert conversation.usage.input_tokens == 300
    assert 0 < len(conversation.errors) <= 20
    assert time.perf_counter() - started < 5


def test_a_claude_code_session_that_ends_in_an_error_keeps_the_users_words() -> None:
    logs = [claude("user_prompt", 1, prompt=ASKED), claude("api_error", 2, error="no credit")]

    conversation = the_told(CLAUDE, logs=logs)

    assert texts(conversation) == [("user", ASKED)]
    assert [error.message for error in conversation.errors] == ["no credit"]


def test_a_tool_that_the_user_refused_to_claude_code_is_told_as_such() -> None:
    decision = {"tool_use_id": "c1", "tool_name": "Bash", "decision": "reject"}
    logs = [claude("user_prompt", 1, prompt=ASKED), claude("tool_decision", 2, **decision)]

    conversation = the_told(CLAUDE, logs=logs)

    assert conversation.messages[2].error == "the user did not allow it"


def test_records_of_no_session_are_counted() -> None:
    log = Logged(body="claude_code.user_prompt", attributes={"event.name": "user_prompt"})

    (found,) = told(CLAUDE, logs=[log, log])

    assert isinstance(found, Unreadable)
    assert "log record" in found.what


def test_sessions_of_two_services_with_one_id_stay_apart() -> None:
    prompt = {"prompt": ASKED, "event.name": "user_prompt"}
    sent: dict[str, Any] = {"scope": CLAUDE, "conversation_id": "s-1", "attributes": prompt}

    found = conversations_of(
        [],
        [
            an_event("user_prompt", event="a", service="one", **sent),
            an_event("user_prompt", event="b", service="two", **sent),
        ],
    )

    assert sorted(each.agent for each in found) == ["one", "two"]


# --- Codex ---------------------------------------------------------------------------------------


def codex(name: str, at: float, **attributes: Any) -> Logged:
    own = {key.replace("__", "."): value for key, value in attributes.items()}
    return Logged(
        event_name="event otel/src/events/session_telemetry.rs:703",
        attributes={"event.name": name, "conversation.id": "conv-1", **own},
        at=at,
    )


def test_the_records_of_a_codex_session_are_one_conversation_that_lacks_the_assistants_words() -> (
    None
):
    logs = [
        codex("codex.conversation_starts", 0, model="gpt-5"),
        codex("codex.user_prompt", 1, prompt=ASKED, prompt_length="16"),
        codex("codex.api_request", 2, http__response__status_code="200", attempt="0"),
        codex("codex.sse_event", 3, event__kind="response.created"),
        codex(
            "codex.sse_event",
            4,
            event__kind="response.completed",
            input_token_count="100",
            output_token_count="7",
            model="gpt-5",
        ),
        codex(
            "codex.tool_result",
            5,
            tool_name="lookup_order",
            call_id="c1",
            arguments=text(ARGUMENTS),
            output=f"Wall time: 0.0012 seconds\nOutput:\n{text(RESULT)}",
            success="true",
        ),
    ]

    conversation = the_told("codex_otel.log_only", logs=logs, service="codex_cli")

    assert texts(conversation) == [("user", ASKED), ("assistant", None), ("tool", None)]
    assert conversation.messages[1].tool_calls[0].arguments == ARGUMENTS
    assert conversation.messages[2].result == RESULT
    assert conversation.conversation_id == "conv-1"
    assert (conversation.usage.input_tokens, conversation.usage.output_tokens) == (100, 7)
    assert not conversation.completeness.text
    assert "Codex" in (conversation.completeness.hint or "")


def test_a_failed_request_of_codex_is_an_error_and_a_failed_tool_says_why() -> None:
    logs = [
        codex("codex.user_prompt", 1, prompt=ASKED),
        codex("codex.tool_result", 2, call_id="c1", tool_name="sh", output="boom", success="false"),
        codex("codex.api_request", 3, http__response__status_code="429", attempt="5"),
    ]

    conversation = the_told("codex_otel.log_only", logs=logs)

    assert conversation.messages[2].error == "boom"
    assert [error.http_status for error in conversation.errors] == [429]


def test_a_request_that_was_cut_off_keeps_its_complete_messages_and_says_so() -> None:
    opening = [serial("SystemMessage", content=SYSTEM), serial("HumanMessage", content=ASKED)]
    whole = text({"messages": [[*opening, serial("HumanMessage", content="more " * 50)]]})
    attributes = {
        "langsmith.span.kind": "llm",
        "gen_ai.prompt": whole[:-60],
        "gen_ai.completion": text({"generations": [[{"text": ANSWERED}]]}),
    }

    conversation = the_told("langsmith", [Sent(name="ChatOpenAI", attributes=attributes)])

    assert texts(conversation) == [("user", ASKED), ("assistant", ANSWERED)]
    assert conversation.system == SYSTEM
    assert conversation.completeness.truncated


def test_a_users_words_in_brackets_are_no_broken_json() -> None:
    attributes = langfuse("generation", input="[urgent] where is it?", output="{here}")

    conversation = the_told("langfuse-sdk", [Sent(name="chat", attributes=attributes)])

    assert texts(conversation) == [("user", "[urgent] where is it?"), ("assistant", "{here}")]
    assert not conversation.completeness.truncated
