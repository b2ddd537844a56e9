"""The three lines in agents that use real libraries, against a model that answers by rote.

The Anthropic client is there in every development environment. For the others set
DEBRIEF_SDK_PYTHON to a Python that has this SDK and what the test's id names; docs/sdk.md says
which versions were tried.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from collector.records import Conversation
from tests.collector.conversations import texts
from tests.collector.wire import a_collector
from tests.sdk.agent import run_agent, stored

START = """
debrief.init("shop-agent", capture_text=True)
questions = ("Hello", "Where is A-1?")
"""

OPENAI = """
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
OpenAIInstrumentor().instrument()
from openai import OpenAI
client = OpenAI(base_url=MODEL + "/v1", api_key="none")
said = [{"role": "system", "content": "You sell lamps."}]
for question in questions:
    with debrief.conversation("chat-1", user="ada"):
        said.append({"role": "user", "content": question})
        reply = client.chat.completions.create(model="m-1", messages=said)
        said.append({"role": "assistant", "content": reply.choices[0].message.content})
"""

ANTHROPIC_CLIENT = """
import asyncio
from anthropic import AsyncAnthropic
client = AsyncAnthropic(base_url=MODEL, api_key="none")

async def talk():
    said = []
    for question in questions:
        with debrief.conversation("chat-1", user="ada"):
            said.append({"role": "user", "content": question})
            reply = await client.messages.create(
                model="m-1", max_tokens=9, system="You sell lamps.", messages=said
            )
            said.append({"role": "assistant", "content": reply.content[0].text})

asyncio.run(talk())
"""

ANTHROPIC = f"""
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
AnthropicInstrumentor().instrument()
{ANTHROPIC_CLIENT}
"""

LANGCHAIN = """
from openinference.instrumentation.langchain import LangChainInstrumentor
LangChainInstrumentor().instrument()
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
model = ChatOpenAI(model="m-1", base_url=MODEL + "/v1", api_key="none")
agent = create_agent(model, tools=[], system_prompt="You sell lamps.")
said = []
for question in questions:
    with debrief.conversation("chat-1", user="ada"):
        said = agent.invoke({"messages": [*said, {"role": "user", "content": question}]})
        said = said["messages"]
"""

PYDANTIC_AI = """
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
Agent.instrument_all()
provider = OpenAIProvider(base_url=MODEL + "/v1", api_key="none")
agent = Agent(OpenAIChatModel("m-1", provider=provider), instructions="You sell lamps.")
said = None
for question in questions:
    with debrief.conversation("chat-1", user="ada"):
        said = agent.run_sync(question, message_history=said).all_messages()
"""


class Model(BaseHTTPRequestHandler):
    """Answers with what was asked, in the form of either vendor."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        last = asked["messages"][-1]["content"]
        text = f"You said: {last if isinstance(last, str) else last[0]['text']}"
        reply = _chat_completion(text) if "completions" in self.path else _message(text)
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


def _chat_completion(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": f"chatcmpl-{len(text)}",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "m-1",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def _message(text: str) -> dict[str, Any]:
    return {
        "id": f"msg_{len(text)}",
        "type": "message",
        "role": "assistant",
        "model": "m-1",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }


@pytest.fixture
def model() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def captured(agent: str, model: str, store: Path, python: str | None = None) -> Conversation:
    with a_collector(store) as collector:
        source = f"MODEL = {model!r}\n{START}{agent}"
        endpoint = {"DEBRIEF_ENDPOINT": f"http://{collector.http}"}
        run_agent(source, endpoint, timeout_s=60, python=python, flush=True)
        (conversation,) = stored(store, 0).conversations
    return conversation


def test_the_anthropic_clients_own_spans_are_of_the_conversation(
    model: str, tmp_path: Path
) -> None:
    conversation = captured(ANTHROPIC_CLIENT, model, tmp_path / "store")

    assert (conversation.conversation_id, conversation.agent) == ("chat-1", "shop-agent")
    assert conversation.usage.input_tokens == 20
    assert not conversation.completeness.text
    assert "opentelemetry-instrumentation-genai-anthropic" in (conversation.completeness.hint or "")


@pytest.mark.parametrize(
    "agent",
    [
        pytest.param(OPENAI, id="openai,opentelemetry-instrumentation-genai-openai"),
        pytest.param(ANTHROPIC, id="anthropic,opentelemetry-instrumentation-genai-anthropic"),
        pytest.param(LANGCHAIN, id="langchain,langchain-openai,openinference-langchain"),
        pytest.param(PYDANTIC_AI, id="pydantic-ai-slim"),
    ],
)
def test_three_lines_capture_the_conversation(agent: str, model: str, tmp_path: Path) -> None:
    python = os.environ.get("DEBRIEF_SDK_PYTHON")
    if not python:
        pytest.skip("set DEBRIEF_SDK_PYTHON to a Python with the libraries of agents")

    conversation = captured(agent, model, tmp_path / "store", python)

    assert (conversation.conversation_id, conversation.agent) == ("chat-1", "shop-agent")
    assert conversation.user_id
    assert conversation.system == "You sell lamps."
    assert texts(conversation) == [
        ("user", "Hello"),
        ("assistant", "You said: Hello"),
        ("user", "Where is A-1?"),
        ("assistant", "You said: Where is A-1?"),
    ]
    assert conversation.usage.input_tokens == 20
