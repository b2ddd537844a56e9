"""Prompts in Python, as agent frameworks have people write them."""

from tests.bot.layouts.layout import Layout

OPENAI_AGENTS = '''from agents import Agent, ModelSettings, RunContextWrapper, Runner, function_tool


@function_tool
async def get_balance(account_id: str) -> str:
    """Look up the balance of an account.

    Args:
        account_id: Eight digits, as on the card.
    """
    return await bank.balance(account_id)


@function_tool(name_override="block_card", description_override="Block a card at once.")
def block(card: str) -> str:
    return bank.block(card)


def greeting(context: RunContextWrapper[Customer], agent: Agent[Customer]) -> str:
    return f"The customer is {context.context.name}. Ask one question at a time."


billing = Agent(
    name="Billing",
    handoff_description="Answers all questions about bills.",
    instructions="You answer questions about bills. Never promise a refund.",
)
triage = Agent(
    name="Triage",
    instructions=greeting,
    handoffs=[billing],
    tools=[get_balance, block],
    model_settings=ModelSettings(max_tokens=300),
)
result = Runner.run_sync(triage, "Hello", max_turns=6)
'''

PYDANTIC_AI = '''from pydantic_ai import Agent, RunContext, UsageLimits

support = Agent(
    "openai:gpt-4o",
    deps_type=Desk,
    retries=2,
    system_prompt=(
        "You are the support desk of a bank.",
        "Reply in the language of the customer.",
    ),
)


@support.system_prompt
async def add_name(ctx: RunContext[Desk]) -> str:
    name = await ctx.deps.name()
    return f"The name of the customer is {name!r}, use it once."


@support.tool
async def balance(ctx: RunContext[Desk], pending: bool) -> str:
    """Give the balance of the account.

    Args:
        ctx: The context.
        pending: Whether payments on their way count.
    """
    return await ctx.deps.balance(pending)


reply = support.run_sync("Hi", usage_limits=UsageLimits(request_limit=5))
'''

LANGCHAIN = """from langchain.agents import AgentExecutor, create_tool_calling_agent
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.tools import StructuredTool
from pydantic import BaseModel, Field


class SearchInput(BaseModel):
    query: str = Field(description="Words of the title")
    limit: int = Field(default=10, description="How many books at most")


catalogue = StructuredTool.from_function(
    func=search,
    name="search_catalogue",
    description="Search the catalogue of books.",
    args_schema=SearchInput,
)
prompt = ChatPromptTemplate.from_messages(
    [
        ("system", "You are a librarian. Answer in {language}."),
        MessagesPlaceholder("history"),
        ("human", "{input}"),
    ]
)
executor = AgentExecutor(agent=agent, tools=[catalogue], max_iterations=4)
"""

LANGGRAPH = '''from langchain_core.messages import SystemMessage
from langgraph.prebuilt import create_react_agent

desk = create_react_agent(
    model="anthropic:claude",
    tools=[find_room],
    prompt="You book rooms. Ask for the day first.",
)


def call_model(state):
    system = SystemMessage(content="You are the night desk of a hotel.")
    return {"messages": [model.invoke([system, *state["messages"]])]}


def find_room(guests: int) -> str:
    """Find a free room for the guests."""
    return rooms.find(guests)


answer = desk.invoke({"messages": []}, config={"recursion_limit": 12})
'''

AUTOGEN = '''from typing import Annotated

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination


async def convert(amount: Annotated[float, "The amount in euros"]) -> str:
    """Convert euros to francs."""
    return str(amount * rate)


planner = AssistantAgent(
    "planner",
    model_client=client,
    tools=[convert],
    system_message="""You plan trips for small groups.
Say TERMINATE when the plan is complete.""",
)
stop = MaxMessageTermination(12)
'''

DSPY = '''import dspy


class Triage(dspy.Signature):
    """Sort the ticket to the team that can solve it."""

    ticket: str = dspy.InputField()
    team: str = dspy.OutputField(desc="billing where money is named, else tech")


def look_up(order: str) -> str:
    """Look up an order by its number."""
    return orders[order]


triage = dspy.ChainOfThought(Triage)
desk = dspy.ReAct(Triage, tools=[look_up], max_iters=5)
'''

HAYSTACK = '''from haystack.components.builders import PromptBuilder
from haystack.dataclasses import ChatMessage

template = """
Answer from the documents only. Say so where they do not tell.
{% for document in documents %}
- {{ document.content }}
{% endfor %}
Question: {{ question }}
"""
builder = PromptBuilder(template=template, required_variables=["question"])
messages = [ChatMessage.from_system("You answer with the name of the document.")]
'''

LLAMA_INDEX = """from llama_index.core import PromptTemplate
from llama_index.core.tools import FunctionTool, QueryEngineTool, ToolMetadata

QA = PromptTemplate(
    "Context:\\n{context_str}\\n"
    "Answer the question {query_str} from the context alone.\\n"
)
stock = FunctionTool.from_defaults(
    fn=in_stock, name="in_stock", description="Tell whether an article is in stock."
)
manual = QueryEngineTool(
    query_engine=engine,
    metadata=ToolMetadata(name="manual", description="Passages of the manual of a machine."),
)
agent = FunctionAgent(tools=[stock, manual], llm=llm, system_prompt="You help in the workshop.")
"""

SMOLAGENTS = '''from smolagents import CodeAgent, Tool, tool


@tool
def travel_time(start: str, goal: str) -> str:
    """Give the minutes between two places.

    Args:
        start: Where the trip begins.
        goal: Where it ends.
    """
    return maps.minutes(start, goal)


class Tides(Tool):
    name = "tides"
    description = "Give the tides of a harbour."
    inputs = {
        "harbour": {"type": "string", "description": "Name of the harbour."},
    }
    output_type = "string"

    def forward(self, harbour: str) -> str:
        return tables[harbour]


agent = CodeAgent(tools=[travel_time, Tides()], model=model, max_steps=6)
'''

JOINED = '''from textwrap import dedent

TONE = "You are the desk of a garden centre and you are kind."
RULES = "\\n".join(
    [
        "- Ask for the plant.",
        "- Name one remedy, never more.",
        f"- Close with {GREETING}.",
    ]
)
FORMAT = dedent(
    f"""\\
    Answer as a list.
      - at most {MOST} points
    No tables."""
)
SYSTEM_PROMPT = f"{TONE}\\n\\n{RULES}\\n\\n{FORMAT}"
system = "You sell seeds. " + TONE + " Never sell what is out of stock."
PROMPTS = {"support": "You repair what customers broke.", "sales": "You sell what customers need."}
'''

ENVIRONMENT = """import os
from dataclasses import dataclass
from datetime import timedelta

SYSTEM_PROMPT = os.getenv("SYSTEM_PROMPT", "You are the desk of a parcel service.")
MAX_OUTPUT_TOKENS = int(os.getenv("MAX_OUTPUT_TOKENS", "256"))
max_turns = int(os.environ.get("AGENT_MAX_TURNS", 8))


@dataclass
class Settings:
    instructions: str = "You track parcels and nothing else."
    tool_timeout: float = 7.5
"""

ANTHROPIC = """import anthropic

TOOLS = [
    {
        "name": "find_seat",
        "description": "Find a free seat in a train.",
        "input_schema": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "Name of the train."},
                "day": {"type": "string", "description": "Day of the trip."},
            },
        },
    }
]
reply = client.messages.create(
    model="claude",
    max_tokens=400,
    system=[{"type": "text", "text": "You sell tickets. Say the price first."}],
    tools=TOOLS,
    messages=history,
)
"""

BEDROCK = """TOOL_CONFIG = {
    "tools": [
        {
            "toolSpec": {
                "name": "top_song",
                "description": "Get the most played song of a station.",
                "inputSchema": {
                    "json": {
                        "type": "object",
                        "properties": {
                            "sign": {"type": "string", "description": "Call sign of the station."}
                        },
                    }
                },
            }
        }
    ]
}
reply = client.converse(
    modelId=MODEL,
    system=[{"text": "You are a radio host and answer in one sentence."}],
    inferenceConfig={"maxTokens": 400, "temperature": 0.2},
    toolConfig=TOOL_CONFIG,
    messages=messages,
)
"""

AGNO = """from agno.agent import Agent

desk = Agent(
    name="Desk",
    description="You are the weather desk.",
    instructions=[
        "Warn of storms.",
        f"Use {UNIT} for temperatures.",
    ],
    tool_call_limit=5,
)


def build_prompt(user):
    parts = ["You are the desk of a bakery."]
    parts.append("Say which bread is left.")
    return "\\n".join(parts)
"""

LONG = "SYSTEM = '" + "Answer every question about the tariff with its number. " * 150 + "'\n"
BROKEN = "\ndef broken(:\n"

PYTHON = (
    Layout(
        name="OpenAI Agents SDK",
        path="desk/agents.py",
        text=OPENAI_AGENTS,
        prompts=(
            "{context.context.name}. Ask one question at a time.",
            "Answers all questions about bills.",
            "Never promise a refund.",
        ),
        tools={
            "get_balance": "Look up the balance",
            "block_card": "Block a card at once.",
        },
        numbers={"maxtokens": "300", "maxturns": "6"},
        broken=BROKEN,
    ),
    Layout(
        name="PydanticAI",
        path="desk/support.py",
        text=PYDANTIC_AI,
        prompts=("support desk of a bank.", "language of the customer.", "use it once."),
        tools={"balance": "Give the balance of the account."},
        numbers={"requestlimit": "5"},
        broken=BROKEN,
    ),
    Layout(
        name="LangChain",
        path="app/chain.py",
        text=LANGCHAIN,
        prompts=("You are a librarian. Answer in {language}.",),
        tools={
            "search_catalogue(query)": "Words of the title",
            "search_catalogue(limit)": "How many books at most",
            "search_catalogue": "Search the catalogue of books.",
        },
        numbers={"maxiterations": "4"},
        broken=BROKEN,
    ),
    Layout(
        name="LangGraph",
        path="app/graph.py",
        text=LANGGRAPH,
        prompts=("Ask for the day first.", "night desk of a hotel."),
        tools={"find_room": "Find a free room for the guests."},
        numbers={"recursionlimit": "12"},
        broken=BROKEN,
    ),
    Layout(
        name="AutoGen",
        path="team.py",
        text=AUTOGEN,
        prompts=("You plan trips for small groups.\nSay TERMINATE",),
        tools={"convert(amount)": "The amount in euros", "convert": "Convert euros to francs."},
        broken=BROKEN,
    ),
    Layout(
        name="DSPy",
        path="triage.py",
        text=DSPY,
        prompts=("Sort the ticket to the team", "billing where money is named, else tech"),
        tools={"look_up": "Look up an order by its number."},
        numbers={"maxiters": "5"},
        broken=BROKEN,
    ),
    Layout(
        name="Haystack",
        path="answers.py",
        text=HAYSTACK,
        prompts=("Answer from the documents only.", "You answer with the name of the document."),
        broken=BROKEN,
    ),
    Layout(
        name="LlamaIndex",
        path="workshop.py",
        text=LLAMA_INDEX,
        prompts=("{query_str} from the context alone.", "You help in the workshop."),
        tools={
            "in_stock": "Tell whether an article is in stock.",
            "manual": "Passages of the manual of a machine.",
        },
        broken=BROKEN,
    ),
    Layout(
        name="smolagents",
        path="sailing.py",
        text=SMOLAGENTS,
        tools={
            "travel_time": "Give the minutes between two places.",
            "tides": "Give the tides of a harbour.",
            "tides(harbour)": "Name of the harbour.",
        },
        numbers={"maxsteps": "6"},
        broken=BROKEN,
    ),
    Layout(
        name="Python, texts put together",
        path="garden/prompts.py",
        text=JOINED,
        prompts=(
            "you are kind.",
            "- Ask for the plant.\n- Name one remedy, never more.\n- Close with {GREETING}.",
            "Answer as a list.\n  - at most {MOST} points\nNo tables.",
            "You sell seeds. {…} Never sell what is out of stock.",
            "You repair what customers broke.",
            "You sell what customers need.",
        ),
        broken=BROKEN,
    ),
    Layout(
        name="Python, defaults of the environment",
        path="parcels/settings.py",
        text=ENVIRONMENT,
        prompts=("You are the desk of a parcel service.", "You track parcels and nothing else."),
        numbers={"maxoutputtokens": "256", "maxturns": "8", "tooltimeout": "7.5"},
        broken=BROKEN,
    ),
    Layout(
        name="Anthropic",
        path="trains.py",
        text=ANTHROPIC,
        prompts=("You sell tickets. Say the price first.",),
        tools={
            "find_seat": "Find a free seat in a train.",
            "find_seat(name)": "Name of the train.",
            "find_seat(day)": "Day of the trip.",
        },
        numbers={"maxtokens": "400"},
        broken=BROKEN,
    ),
    Layout(
        name="Bedrock",
        path="radio.py",
        text=BEDROCK,
        prompts=("You are a radio host and answer in one sentence.",),
        tools={
            "top_song": "Get the most played song of a station.",
            "top_song(sign)": "Call sign of the station.",
        },
        numbers={"maxtokens": "400"},
        broken=BROKEN,
    ),
    Layout(
        name="Agno, and a function that puts lines together",
        path="weather.py",
        text=AGNO,
        prompts=(
            "You are the weather desk.",
            "Warn of storms.",
            "Use {UNIT} for temperatures.",
            "You are the desk of a bakery.",
            "Say which bread is left.",
        ),
        numbers={"toolcalllimit": "5"},
        broken=BROKEN,
    ),
    Layout(
        name="Python, one line of 8,000 characters",
        path="tariff.py",
        text=LONG,
        prompts=("Answer every question about the tariff with its number. Answer",),
        broken=BROKEN,
    ),
)
