"""Whole modules in Python: prompts in classes, enums, functions and options."""

from tests.bot.layouts.layout import Layout

CLASS_WITH_PROMPTS_AS_ATTRIBUTES = '''"""Prompts of the greenhouse desk."""
import logging

logger = logging.getLogger(__name__)


class PlantPrompts:
    """All that the plant desk says to the model."""

    VERSION = "2024-06-01"
    TABLE_NAME = "plant_orders"
    SYSTEM = """You are the desk of a greenhouse.
Answer questions about plants only."""
    SUMMARIZE = "Sum up the conversation in three lines, with the names of the plants."
    ESCALATE = (
        "Hand over to a gardener when a plant is poisonous. "
        "Do not guess doses."
    )
    ERROR_MESSAGE = "Sorry, something went wrong. Please try again later."

    @classmethod
    def system(cls, season: str) -> str:
        logger.info("Building the system prompt for season %s", season)
        return f"{cls.SYSTEM}\\n\\nIt is {season} now."
'''

DATACLASS_WITH_PROMPT_DEFAULT = '''from __future__ import annotations

from dataclasses import dataclass, field

DEFAULT_QUERY = "SELECT id, name FROM crossings WHERE day = ? ORDER BY id"


@dataclass
class AgentConfig:
    """Configuration of the ferry agent."""

    name: str = "ferry-agent"
    model: str = "gpt-4o-mini"
    system_prompt: str = (
        "You sell tickets for ferries. Ask for the date and the number of cars first."
    )
    welcome_text: str = "Welcome aboard! How can we help you today?"
    temperature: float = 0.2
    max_turns: int = 12
    max_tokens: int = 700
    request_timeout: float = 20.0
    max_retries: int = 3
    stop: list[str] = field(default_factory=lambda: ["\\n\\nHuman:"])
'''

PROMPTS_BY_LANGUAGE = '''PROMPTS = {
    "en": "You are the night porter of a hostel. Never give a room number to a stranger.",
    "de": "Du bist der Nachtportier eines Hostels. Nenne Fremden nie eine Zimmernummer.",
    "fr": """Tu es le portier de nuit d'une auberge.
Ne donne jamais un numéro de chambre à un inconnu.""",
}

LABELS = {
    "en": "Talk to the night porter of our hostel",
    "de": "Sprich mit dem Nachtportier unseres Hostels",
}


def get_prompt(lang: str) -> str:
    if lang not in PROMPTS:
        raise KeyError(f"No prompt for the language {lang}, add one to PROMPTS first")
    return PROMPTS[lang]
'''

ENUM_OF_PROMPTS = """from enum import Enum


class PromptType(str, Enum):
    TRIAGE = "You are a vet's assistant. Decide whether the animal must be seen today."
    FOLLOW_UP = "Ask how the animal is doing two days after the visit, in one sentence."


class Status(str, Enum):
    OPEN = "The case is open and waits for an answer of the owner"
    CLOSED = "The case was closed by the practice, nothing is left to do"
"""

FUNCTION_WITH_CONDITIONALS = '''import datetime


def build_system_prompt(user: dict, *, is_business: bool, tools: list[str]) -> str:
    """Puts the system prompt together."""
    prompt = f"You are the assistant of {user['bank']}. Today is {datetime.date.today()}."
    if is_business:
        prompt += "\\nThe customer has a business account. Use the formal tone."
    else:
        prompt += "\\nThe customer is a private person. Avoid banking terms."
    if tools:
        names = ", ".join(tools)
        prompt += f"\\nYou can use these tools: {names}. Call one at a time."
    if not user.get("verified"):
        print("User is not verified, adding the warning to the prompt")
        prompt += "\\nNever show balances: the customer has not been verified."
    return prompt
'''

STR_FORMAT_AND_PERCENT = '''import os
from string import Template

from openai import OpenAI

client = OpenAI(timeout=30, max_retries=2)

GUIDE_TEMPLATE = """You guide visitors through the {museum}.
Speak to a {age} year old.
"""
ROOM_PROMPT = Template("The visitor stands in $room. Point out at most three works there.")
CLOSING = "Remind the visitor that the museum closes at %s and that bags must be collected."


def ask(question: str, museum: str, age: int, room: str) -> str:
    messages = [
        {"role": "system", "content": GUIDE_TEMPLATE.format(museum=museum, age=age)},
        {"role": "system", "content": ROOM_PROMPT.substitute(room=room)},
        {"role": "system", "content": CLOSING % os.environ["CLOSES"]},
        {"role": "user", "content": question},
    ]
    answer = client.chat.completions.create(
        model="gpt-4o", messages=messages, max_completion_tokens=400
    )
    return answer.choices[0].message.content
'''

OPENAI_ASSISTANTS = """import argparse

from openai import OpenAI

parser = argparse.ArgumentParser(description="Creates the assistant for the wine cellar")
parser.add_argument("--model", default="gpt-4o", help="The model that the assistant uses")
parser.add_argument("--max-turns", type=int, default=8, help="Give up after so many turns")
parser.add_argument("--timeout", type=float, default=45, help="Seconds that a call may take")
parser.add_argument(
    "--instructions",
    default="You know the wines of the cellar. Never sell wine to minors.",
    help="What the assistant is told before each conversation",
)
args = parser.parse_args()

client = OpenAI()
assistant = client.beta.assistants.create(
    name="Cellar",
    description="Knows each bottle of the cellar",
    instructions=args.instructions,
    model=args.model,
    tools=[
        {"type": "file_search"},
        {
            "type": "function",
            "function": {
                "name": "count_bottles",
                "description": "Count the bottles of a wine that are left.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "wine": {"type": "string", "description": "The name on the label"},
                    },
                    "required": ["wine"],
                },
            },
        },
    ],
)
print(f"Created the assistant {assistant.id}, put it into your environment")
"""

VERTEX_FUNCTION_DECLARATIONS = """from google import genai
from google.genai import types

find_star = types.FunctionDeclaration(
    name="find_star",
    description="Find where a star stands tonight.",
    parameters=types.Schema(
        type="OBJECT",
        properties={
            "star": types.Schema(type="STRING", description="The name of the star"),
            "hour": types.Schema(type="INTEGER", description="The hour, 0 to 23"),
        },
        required=["star"],
    ),
)

client = genai.Client(vertexai=True, project="stars", location="europe-west1")


def ask(question: str) -> str:
    response = client.models.generate_content(
        model="gemini-2.0-flash",
        contents=question,
        config=types.GenerateContentConfig(
            system_instruction=[
                "You are a guide to the sky.",
                "Say from which direction to look.",
            ],
            tools=[types.Tool(function_declarations=[find_star])],
            max_output_tokens=512,
            temperature=0.1,
        ),
    )
    return response.text
"""

LIVEKIT_AGENT = '''import logging

from livekit.agents import Agent, AgentSession, JobContext, RunContext, WorkerOptions
from livekit.agents import cli, function_tool
from livekit.plugins import openai, silero

logger = logging.getLogger("voice")


class HotelAgent(Agent):
    def __init__(self, guest: str) -> None:
        super().__init__(
            instructions=(
                f"You are the voice of a hotel. The guest is {guest}. "
                "Speak in short sentences."
            ),
        )

    async def on_enter(self) -> None:
        await self.session.generate_reply(instructions="Greet the guest and offer your help.")

    @function_tool()
    async def order_towels(self, context: RunContext, count: int) -> str:
        """Order fresh towels to the room.

        Args:
            count: How many towels, six at most.
        """
        logger.info("Ordering towels for the guest")
        return "The towels are on their way to your room"


async def entrypoint(ctx: JobContext) -> None:
    session = AgentSession(vad=silero.VAD.load(), llm=openai.LLM(), max_tool_steps=3)
    await session.start(agent=HotelAgent("Ms Gray"), room=ctx.room)


if __name__ == "__main__":
    cli.run_app(WorkerOptions(entrypoint_fnc=entrypoint))
'''

PIPECAT_BOT = """import asyncio
import os

from loguru import logger
from pipecat.adapters.schemas.function_schema import FunctionSchema
from pipecat.adapters.schemas.tools_schema import ToolsSchema
from pipecat.processors.aggregators.openai_llm_context import OpenAILLMContext
from pipecat.services.openai.llm import OpenAILLMService


async def main() -> None:
    llm = OpenAILLMService(api_key=os.environ["OPENAI_API_KEY"], model="gpt-4o")
    pool = FunctionSchema(
        name="get_pool_hours",
        description="Get the opening hours of a pool.",
        properties={"pool": {"type": "string", "description": "The name of the pool"}},
        required=["pool"],
    )
    messages = [
        {
            "role": "system",
            "content": "You tell callers when the pools are open. Your output is spoken aloud.",
        },
    ]
    context = OpenAILLMContext(messages, ToolsSchema(standard_tools=[pool]))
    logger.info("The bot is ready and waits for the first caller")
    await asyncio.wait_for(run(llm, context), timeout=300)
"""

PYDANTIC_SETTINGS = '''from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of the service, read from the environment."""

    model_config = SettingsConfigDict(env_prefix="QUARRY_", env_file=".env")

    model: str = "claude-sonnet-4"
    system_prompt: str = Field(
        default="You plan blasts in a quarry. Never plan one on a Sunday.",
        description="The text that each conversation begins with",
    )
    max_steps: int = Field(default=14, ge=1, description="Steps before the agent gives up")
    max_output_tokens: int = Field(1500, gt=0)
    tool_timeout_seconds: float = 8.5
    database_url: str = Field(default="postgresql://localhost/quarry", description="Where to store")
'''

TYPER_DEFAULTS = '''"""Command line of the agent."""
from typing import Annotated

import typer

app = typer.Typer(help="Asks the archive of a newspaper and prints the answer")


@app.command()
def ask(
    question: str,
    max_turns: Annotated[int, typer.Option(help="Turns before it gives up")] = 6,
    timeout: float = typer.Option(40.0, help="Seconds that a tool may take"),
    system: str = typer.Option(
        "You search the archive of a newspaper. Name the date of each article.",
        help="The system prompt that the model gets",
    ),
) -> None:
    """Ask the archive one question."""
    typer.echo("Looking through the archive, this can take a moment")
'''

CONSTANTS_AND_RETRIES = '''import asyncio

import backoff
import httpx
from tenacity import retry, stop_after_attempt, wait_exponential

MAX_STEPS = 11
TIMEOUT_S = 18
TOP_K = 4
RETRIES = 2
GIVE_UP = "I could not finish this, please ask a person at the harbour."


@retry(stop=stop_after_attempt(3), wait=wait_exponential(max=10))
async def call_tool(url: str, payload: dict) -> dict:
    """Posts the arguments to the tool and gives its answer."""
    async with httpx.AsyncClient(timeout=httpx.Timeout(9.0, connect=2.0)) as client:
        answer = await client.post(url, json=payload)
        answer.raise_for_status()
        return answer.json()


@backoff.on_exception(backoff.expo, httpx.HTTPError, max_tries=4)
async def search(query: str) -> dict:
    return await asyncio.wait_for(call_tool("http://search", {"q": query, "k": TOP_K}), TIMEOUT_S)


async def run(agent, text: str) -> str:
    state = {"messages": [("user", text)]}
    try:
        out = await agent.ainvoke(state, config={"recursion_limit": 25, "max_concurrency": 2})
    except RecursionError as error:
        raise RuntimeError(f"The agent did not finish after {MAX_STEPS} steps") from error
    return out["messages"][-1].content
'''

PROMPT_BUILDER_CLASS = '''from __future__ import annotations

import structlog

log = structlog.get_logger()


class PromptBuilder:
    """Collects sections and gives the whole prompt."""

    def __init__(self) -> None:
        self._sections: list[str] = []

    def add(self, title: str, body: str) -> PromptBuilder:
        if not body:
            log.warning("section_is_empty_and_will_not_be_shown", title=title)
            return self
        self._sections.append(f"## {title}\\n{body}")
        return self

    def build(self) -> str:
        if not self._sections:
            raise ValueError("A prompt needs at least one section, call add() before build()")
        return "\\n\\n".join(self._sections)


def support_prompt(plan: str) -> str:
    builder = PromptBuilder()
    builder.add("Role", "You are the support of a company that rents out tents.")
    builder.add("Rules", "Never waive a deposit. Ask a colleague about damage.")
    if plan == "gold":
        builder.add("Plan", "The customer has the gold plan: a tent may be kept two days longer.")
    return builder.build()
'''

CHAINLIT_WITH_LCEL = """import chainlit as cl
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.prompts import HumanMessagePromptTemplate, SystemMessagePromptTemplate
from langchain_openai import ChatOpenAI

SYSTEM = SystemMessagePromptTemplate.from_template(
    "You help gardeners in {region}. Name plants in Latin too."
)
HUMAN = HumanMessagePromptTemplate.from_template("{question}")


@cl.on_chat_start
async def start() -> None:
    await cl.Message(content="Hello gardener, ask me anything about your plants!").send()
    llm = ChatOpenAI(model="gpt-4o", max_tokens=500, timeout=20, max_retries=2)
    cl.user_session.set("chain", ChatPromptTemplate.from_messages([SYSTEM, HUMAN]) | llm)
"""

ROUTER_WITH_INTENTS = '''INTENT_DESCRIPTIONS = {
    "refund": "The customer wants money back for something that was bought.",
    "delivery": "The customer asks where a parcel is.",
}

ROUTER_PROMPT = """Choose one of these intents for the message of a customer:
{intents}

Answer with its name only."""


def route(llm, message: str) -> str:
    listed = "\\n".join(f"- {name}: {text}" for name, text in INTENT_DESCRIPTIONS.items())
    answer = llm.complete(ROUTER_PROMPT.format(intents=listed) + f"\\nMessage: {message}")
    if answer not in INTENT_DESCRIPTIONS:
        raise ValueError(f"The model answered with {answer!r}, which is no intent that is known")
    return answer
'''

STREAMLIT_APP = """import streamlit as st
from anthropic import Anthropic

st.set_page_config(page_title="The wise owl")
st.title("Ask the wise owl about the forest and all of its animals")
st.caption("The owl may be wrong at times, so check what it tells you before you go out.")

SYSTEM = "You are an owl who knows the forest. Never advise to touch wild animals."
style = st.sidebar.selectbox("How shall the owl talk to you today?", ["short", "long"])

if prompt := st.chat_input("Ask the owl a question about the forest"):
    with st.spinner("The owl is thinking about it..."):
        reply = Anthropic().messages.create(
            model="claude-sonnet-4-0",
            system=SYSTEM if style == "short" else SYSTEM + " Tell a story with each answer.",
            max_tokens=600,
            messages=[{"role": "user", "content": prompt}],
        )
    st.chat_message("assistant").write(reply.content[0].text)
    st.error("The owl fell asleep. Please wait for a minute and try it once more.")
"""

JUDGE_AND_AGENT_IN_ONE_MODULE = '''from typing import Literal

from langgraph.prebuilt import create_react_agent
from langgraph.types import Command
from pydantic import BaseModel, Field

from .tools import find_flat


class Router(BaseModel):
    """Which worker goes next."""

    next: Literal["agent", "FINISH"] = Field(description="The worker that acts next")


members = ["agent"]
system_prompt = (
    "You manage these workers: " + ", ".join(members) + ". Answer with the worker to act next."
)

flats = create_react_agent(
    model, [find_flat], prompt="You find flats to rent. Never ask for an income."
)


def agent_node(state: dict) -> Command[Literal["supervisor"]]:
    """Runs the agent and goes back to the supervisor."""
    result = flats.invoke(state, {"recursion_limit": 18})
    return Command(update={"messages": result["messages"]}, goto="supervisor")


def supervisor(state: dict) -> Command:
    messages = [{"role": "system", "content": system_prompt}, *state["messages"]]
    answer = model.with_structured_output(Router).invoke(messages)
    return Command(goto=answer["next"])
'''

MODULES = (
    Layout(
        name="class with prompts as attributes",
        path="greenhouse/prompts.py",
        text=CLASS_WITH_PROMPTS_AS_ATTRIBUTES,
        prompts=(
            "desk of a greenhouse",
            "Sum up the conversation",
            "Hand over to a gardener",
            "It is {",
        ),
        broken="def (",
    ),
    Layout(
        name="dataclass with prompt default",
        path="ferry/config.py",
        text=DATACLASS_WITH_PROMPT_DEFAULT,
        prompts=("You sell tickets for ferries",),
        numbers={"maxturns": "12", "maxtokens": "700", "requesttimeout": "20.0"},
        broken="def (",
    ),
    Layout(
        name="prompts by language",
        path="hostel/prompts.py",
        text=PROMPTS_BY_LANGUAGE,
        prompts=(
            "night porter of a hostel",
            "Nachtportier eines",
            "portier de nuit",
        ),
        broken="def (",
    ),
    Layout(
        name="enum of prompts",
        path="vet/prompt_types.py",
        text=ENUM_OF_PROMPTS,
        prompts=(
            "vet's assistant",
            "Ask how the animal",
        ),
        broken="def (",
    ),
    Layout(
        name="function with conditionals",
        path="bank/prompting.py",
        text=FUNCTION_WITH_CONDITIONALS,
        prompts=(
            "You are the assistant of",
            "business account",
            "private person",
            "Call one at a time",
            "Never show balances",
        ),
        broken="def (",
    ),
    Layout(
        name="str.format and percent",
        path="museum/ask.py",
        text=STR_FORMAT_AND_PERCENT,
        prompts=(
            "You guide visitors",
            "Point out at most three",
            "Remind the visitor",
        ),
        numbers={"timeout": "30", "maxcompletiontokens": "400"},
        broken="def (",
    ),
    Layout(
        name="OpenAI assistants",
        path="scripts/create_assistant.py",
        text=OPENAI_ASSISTANTS,
        prompts=("You know the wines",),
        tools={"count_bottles": "Count the bottles", "count_bottles(wine)": "on the label"},
        numbers={"maxturns": "8", "timeout": "45"},
        broken="def (",
    ),
    Layout(
        name="Vertex function declarations",
        path="observatory/gemini.py",
        text=VERTEX_FUNCTION_DECLARATIONS,
        prompts=(
            "You are a guide to the sky",
            "Say from which",
        ),
        tools={
            "find_star": "Find where",
            "find_star(star)": "name of the star",
            "find_star(hour)": "0 to 23",
        },
        numbers={"maxoutputtokens": "512"},
        broken="def (",
    ),
    Layout(
        name="LiveKit agent",
        path="voice/agent.py",
        text=LIVEKIT_AGENT,
        prompts=(
            "voice of a hotel",
            "Greet the guest",
        ),
        tools={"order_towels": "fresh towels"},
        broken="def (",
    ),
    Layout(
        name="Pipecat bot",
        path="bot.py",
        text=PIPECAT_BOT,
        prompts=("when the pools are open",),
        tools={"get_pool_hours": "opening hours", "get_pool_hours(pool)": "name of the pool"},
        numbers={"timeout": "300"},
        broken="def (",
    ),
    Layout(
        name="pydantic-settings",
        path="quarry/settings.py",
        text=PYDANTIC_SETTINGS,
        prompts=("You plan blasts",),
        numbers={"maxsteps": "14", "maxoutputtokens": "1500", "tooltimeoutseconds": "8.5"},
        broken="def (",
    ),
    Layout(
        name="typer defaults",
        path="cli/main.py",
        text=TYPER_DEFAULTS,
        prompts=("You search the archive",),
        numbers={"maxturns": "6", "timeout": "40.0"},
        broken="def (",
    ),
    Layout(
        name="constants and retries",
        path="harbour/runner.py",
        text=CONSTANTS_AND_RETRIES,
        numbers={"maxsteps": "11", "timeouts": "18", "recursionlimit": "25", "timeout": "9.0"},
        broken="def (",
    ),
    Layout(
        name="prompt builder class",
        path="support/builder.py",
        text=PROMPT_BUILDER_CLASS,
        prompts=(
            "support of a company",
            "Never waive a deposit",
            "gold plan",
        ),
        broken="def (",
    ),
    Layout(
        name="Chainlit with LCEL",
        path="app.py",
        text=CHAINLIT_WITH_LCEL,
        prompts=("You help gardeners",),
        numbers={"maxtokens": "500", "timeout": "20"},
        broken="def (",
    ),
    Layout(
        name="router with intents",
        path="router.py",
        text=ROUTER_WITH_INTENTS,
        prompts=("Choose one of these",),
        broken="def (",
    ),
    Layout(
        name="Streamlit app",
        path="streamlit_app.py",
        text=STREAMLIT_APP,
        prompts=(
            "You are an owl",
            "Tell a story",
        ),
        numbers={"maxtokens": "600"},
        broken="def (",
    ),
    Layout(
        name="judge and agent in one module",
        path="src/graph/nodes.py",
        text=JUDGE_AND_AGENT_IN_ONE_MODULE,
        prompts=(
            "You manage these workers",
            "You find flats",
        ),
        tools={"next": "acts next"},
        numbers={"recursionlimit": "18"},
        broken="def (",
    ),
)
