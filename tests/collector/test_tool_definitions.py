"""What the model was told about its tools: read from every spelling that captures and docs show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collector.dialects.spans import Span
from collector.dialects.tool_definitions import MAX_TOOLS, tool_definitions
from collector.records import ToolDefinition
from tests.collector.conversations import (
    a_chat,
    a_span,
    a_tool,
    an_agent,
    assistant,
    conversations_of,
    the_conversation,
    user,
)
from tests.collector.test_dialects import CAPTURES, rows_of
from tests.collector.test_dialects_captures import ALL, held

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"order_id": {"type": "string"}},
    "required": ["order_id"],
}
LOOKUP = ToolDefinition(name="lookup_order", description="Look it up.", parameters=SCHEMA)
FLAT = {"name": "lookup_order", "description": "Look it up.", "parameters": SCHEMA}
WRAPPED = {"type": "function", "function": FLAT}
NAMED = {"name": "lookup_order", "description": "Look it up."}
SILENT = ("otel-genai-openai-v2-events", "haystack", "bedrock-botocore")
"""Their libraries send no definitions."""


def is_complete(tool: ToolDefinition) -> bool:
    return tool.name == "lookup_order" and isinstance(tool.parameters, dict)


@pytest.mark.parametrize("capture", [name for name in CAPTURES if name not in SILENT])
def test_a_sample_capture_tells_its_tool(capture: str) -> None:
    for conversation in conversations_of(*rows_of(capture)):
        (tool,) = conversation.tool_definitions
        assert is_complete(tool)
        assert tool.description == "Look up one order by its id."


@pytest.mark.parametrize("capture", [name for name in ALL if name not in SILENT])
def test_a_capture_tells_its_tool(capture: str) -> None:
    first, _ = held(capture)

    assert is_complete(first.tool_definitions[0])


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"gen_ai.tool.definitions": json.dumps([FLAT])}, id="the-convention"),
        pytest.param({"gen_ai.tool.definitions": [json.dumps(FLAT)]}, id="a-list-of-texts"),
        pytest.param({"gen_ai.tool.definitions": json.dumps([WRAPPED])}, id="chat-completions"),
        pytest.param(
            {"gen_ai.tool.definitions": json.dumps([{**NAMED, "inputSchema": SCHEMA}])},
            id="ai-sdk-7",
        ),
        pytest.param(
            {"llm.tools.0.tool.json_schema": json.dumps({**NAMED, "input_schema": SCHEMA})},
            id="openinference-of-the-messages-api",
        ),
        pytest.param(
            {
                "llm.tools.0.tool.json_schema": json.dumps(
                    {"toolSpec": {**NAMED, "inputSchema": {"json": SCHEMA}}}
                )
            },
            id="openinference-of-bedrock",
        ),
        pytest.param(
            {
                "llm.request.functions.0.name": "lookup_order",
                "llm.request.functions.0.description": "Look it up.",
                "llm.request.functions.0.parameters": json.dumps(SCHEMA),
            },
            id="openllmetry-old",
        ),
        pytest.param({"ai.prompt.tools": [json.dumps(FLAT)]}, id="ai-sdk-5"),
        pytest.param(
            {
                "model_request_parameters": json.dumps(
                    {"function_tools": [{**NAMED, "parameters_json_schema": SCHEMA}]}
                )
            },
            id="pydantic-ai-1",
        ),
        pytest.param({"mlflow.chat.tools": json.dumps([WRAPPED])}, id="mlflow"),
        pytest.param({"mlflow.spanInputs": json.dumps({"tools": [WRAPPED]})}, id="mlflow-inputs"),
        pytest.param({"debrief.import.tools": json.dumps([WRAPPED])}, id="an-imported-line"),
        pytest.param(
            {"input.value": json.dumps({"messages": [], "tools": [WRAPPED]})}, id="a-whole-request"
        ),
        pytest.param(
            {
                "gcp.vertex.agent.llm_request": json.dumps(
                    {"config": {"tools": [{"function_declarations": [FLAT]}]}}
                )
            },
            id="gemini",
        ),
    ],
)
def test_every_spelling_gives_the_same_definition(attributes: dict[str, Any]) -> None:
    assert tool_definitions(Span(a_span(attributes))) == (LOOKUP,)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param("no JSON", id="text"),
        pytest.param([], id="empty"),
        pytest.param(7, id="number"),
        pytest.param([{"description": "nameless"}, None, 7, "x", [["y"]]], id="nameless"),
        pytest.param([{"function": {"function": {"function": {}}}}], id="nested"),
        pytest.param({"tools": {"tools": {"tools": {"tools": {"tools": [FLAT]}}}}}, id="too-deep"),
    ],
)
def test_what_is_no_definition_gives_none(sent: Any) -> None:
    attributes = {"gen_ai.tool.definitions": json.dumps(sent), "llm.tools.0.tool.json_schema": sent}

    assert tool_definitions(Span(a_span(attributes))) == ()


def test_a_thousand_definitions_are_cut() -> None:
    many = [{**FLAT, "name": f"tool_{number}"} for number in range(1000)]

    found = tool_definitions(Span(a_span({"gen_ai.tool.definitions": json.dumps(many)})))

    assert len(found) == MAX_TOOLS


def test_a_conversation_has_the_definitions_of_its_last_request() -> None:
    newer = json.dumps([{**FLAT, "description": "Look it up, always."}])
    said = [user("hi"), assistant("hello"), user("bye")]

    conversation = the_conversation(
        [
            a_chat(said[:1], said[1], more={"gen_ai.tool.definitions": json.dumps([FLAT])}),
            a_chat(
                said,
                assistant("bye"),
                span="s2",
                start_s=5,
                more={"gen_ai.tool.definitions": newer},
            ),
        ]
    )

    (tool,) = conversation.tool_definitions
    assert tool.description == "Look it up, always."


def test_the_tools_of_a_sub_agent_are_not_the_conversations() -> None:
    own, others = json.dumps([FLAT]), json.dumps([{**FLAT, "name": "search"}])

    conversation = the_conversation(
        [
            an_agent("seller", span="agent", end_s=9),
            a_chat(
                [user("hi")],
                assistant("hello"),
                parent="agent",
                more={"gen_ai.tool.definitions": own},
            ),
            a_tool("ask", span="tool", parent="agent", start_s=2, end_s=6),
            a_chat(
                [user("find it")],
                assistant("found"),
                span="s3",
                parent="tool",
                start_s=3,
                more={"gen_ai.tool.definitions": others},
            ),
        ]
    )

    assert [tool.name for tool in conversation.tool_definitions] == ["lookup_order"]


def test_without_a_list_the_tools_that_ran_are_given() -> None:
    conversation = the_conversation(
        [
            an_agent("seller", span="agent", end_s=9),
            a_chat([user("hi")], assistant("hello"), parent="agent"),
            a_tool(
                "lookup_order",
                span="tool",
                parent="agent",
                attributes={
                    "gen_ai.tool.description": "Look it up.",
                    "gen_ai.tool.json_schema": json.dumps(SCHEMA),
                },
            ),
        ]
    )

    assert conversation.tool_definitions == (LOOKUP,)
