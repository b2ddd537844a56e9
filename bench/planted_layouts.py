"""Faults planted by somebody who had not written the finder, in layouts of well-known frameworks.

Their names say nothing of what was planted, so that somebody else can answer them. Every
conversation is simulated.
"""

# ruff: noqa: E501 - files as people write them

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.planted import Fault, Layout, block, only
from bench.planted_tools import ToolFault
from collector.records import Conversation


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberFault:
    """A number that is too low or off, among files that hold others like it."""

    name: str
    layout: str
    kind: str
    """`answer`, `steps`, `tool_time` or `threshold`."""
    files: Mapping[str, str]
    path: str
    """The file in which it stands."""
    before: str
    """What stands right before its digits there."""
    per_unit: int = 1
    """1,000 for milliseconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FormatFault:
    """A tool's argument whose description does not say its format."""

    name: str
    layout: str
    path: str
    text: str
    tool: str
    argument: str
    after: str
    """The line of the argument's description with its format, as it should be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LayoutFault(Fault):
    """A fault in a prompt that a program sends together with other texts."""

    sent: str = "{prompt}"
    """What the model is sent; `{prompt}` is the text with the fault."""
    rule: str = ""
    """What a reader would ask for, in other words; empty where the prompt is one text."""

    def failing(self, system: str, number: int = 10) -> list[Conversation]:
        return Fault.failing(self, self.sent.replace("{prompt}", system), number)

    def passing(self, system: str, number: int = 6) -> list[Conversation]:
        return Fault.passing(self, self.sent.replace("{prompt}", system), number)


@dataclass(frozen=True, kw_only=True, slots=True)
class WithOthers(Layout):
    """A layout in which other files hold texts too."""

    others: Mapping[str, str] = field(default_factory=dict)

    def files(self, prompts: Mapping[str, str]) -> dict[str, str]:
        return {**self.others, **Layout.files(self, prompts)}


# -- numbers ---------------------------------------------------------------------------------------

NUMBERS = (
    NumberFault(
        name="layout-01",
        layout="Vercel AI SDK",
        kind="steps",
        files={
            "app/api/chat/route.ts": """import { stepCountIs, streamText } from 'ai';
import { tools } from '../../tools';

export const maxDuration = 30;

export async function POST(request: Request) {
  const { messages } = await request.json();
  const result = streamText({
    model: gateway('anthropic/claude'),
    messages,
    tools,
    maxRetries: 3,
    maxOutputTokens: 1200,
    stopWhen: stepCountIs(6),
  });
  return result.toUIMessageStreamResponse();
}
""",
            "app/tools.ts": "export const pageSize = 6;\nexport const tools = { search };\n",
        },
        path="app/api/chat/route.ts",
        before="stepCountIs(",
    ),
    NumberFault(
        name="layout-02",
        layout="dotprompt",
        kind="answer",
        files={
            "prompts/desk.prompt": """---
model: googleai/gemini-2.5-flash
config:
  temperature: 0.3
  maxOutputTokens: 400
input:
  schema:
    question: string
---
{{role "system"}}
You are the desk of a zoo. Answer in whole sentences, with at most 400 words.
{{role "user"}}
{{question}}
""",
            "README.md": "Answers have at most 400 tokens.\n",
        },
        path="prompts/desk.prompt",
        before="maxOutputTokens: ",
    ),
    NumberFault(
        name="layout-03",
        layout="flagd",
        kind="answer",
        files={
            "flags/desk.json": """{
  "$schema": "https://flagd.dev/schema/v0/flags.json",
  "flags": {
    "max_output_tokens": {
      "state": "ENABLED",
      "variants": { "short": 400, "long": 420 },
      "defaultVariant": "short"
    },
    "history_turns": {
      "state": "ENABLED",
      "variants": { "few": 4, "many": 400 },
      "defaultVariant": "few"
    }
  }
}
"""
        },
        path="flags/desk.json",
        before='"short": ',
    ),
    NumberFault(
        name="layout-04",
        layout="Python, default of the environment",
        kind="steps",
        files={
            "desk/settings.py": '''"""Settings of the desk."""

import os

MODEL = os.getenv("DESK_MODEL", "small")
MAX_TURNS = int(os.getenv("DESK_MAX_TURNS", "6"))
WORKERS = int(os.getenv("DESK_WORKERS", "6"))
''',
            "desk/run.py": "from agents import Runner\n\nfrom desk import settings\n\n\n"
            "async def answer(agent, text):\n"
            "    return await Runner.run(agent, text, max_turns=settings.MAX_TURNS)\n",
        },
        path="desk/settings.py",
        before='"DESK_MAX_TURNS", "',
    ),
    NumberFault(
        name="layout-05",
        layout="file of the environment",
        kind="tool_time",
        files={
            "deploy/desk.env": "# Desk\nLOG_LEVEL=info\nTOOL_TIMEOUT_S=10   # one call\nPOOL_SIZE=10\n",
            "chart/values.yaml": "replicaCount: 10\nlivenessProbe:\n  timeoutSeconds: 3\n",
        },
        path="deploy/desk.env",
        before="TOOL_TIMEOUT_S=",
    ),
    NumberFault(
        name="layout-06",
        layout="Hydra",
        kind="tool_time",
        files={
            "conf/config.yaml": "defaults:\n  - tools: search\n  - _self_\n\ndesk:\n"
            "  timeout_s: ${tools.search.timeout_s}\n  top_k: 10\n",
            "conf/tools/search.yaml": "search:\n  url: ${oc.env:SEARCH_URL}\n  top_k: 10\n"
            "  timeout_s: 10.0 # measured in spring\n",
        },
        path="conf/tools/search.yaml",
        before="timeout_s: ",
    ),
    NumberFault(
        name="layout-07",
        layout="Weights & Biases with a sweep",
        kind="answer",
        files={
            "sweep.yaml": "program: run.py\nmethod: grid\nparameters:\n"
            "  max_tokens: {values: [200, 400, 800]}\n  temperature: {min: 0.0, max: 0.4}\n",
            "config-defaults.yaml": "wandb_version: 1\nmax_tokens:\n"
            "  desc: Longest answer, 400 was enough in spring\n  value: 400\ntop_k:\n  value: 400\n",
        },
        path="config-defaults.yaml",
        before="value: ",
    ),
    NumberFault(
        name="layout-08",
        layout="CrewAI",
        kind="steps",
        files={
            "src/crew/config/agents.yaml": "clerk:\n  role: Clerk of the shop\n"
            "  goal: Find orders for customers\n  backstory: >\n    You know every order.\n"
            "  max_iter: 6\n  max_rpm: 6\n\nauditor:\n  role: Auditor of the books\n"
            "  goal: Check what the clerk says\n  backstory: >\n    You are never in a hurry.\n"
            "  max_iter: 20\n",
            "src/crew/config/tasks.yaml": "find:\n  description: Find {order}.\n"
            "  expected_output: The order.\n  agent: clerk\n",
        },
        path="src/crew/config/agents.yaml",
        before="  max_iter: ",
    ),
    NumberFault(
        name="layout-09",
        layout="LaunchDarkly",
        kind="steps",
        files={
            "flags.json": '{\n  "flags": {\n    "max-steps": {\n      "key": "max-steps",\n'
            '      "on": true,\n      "fallthrough": {"variation": 1},\n      "offVariation": 0,\n'
            '      "variations": [5, 6, 7]\n    }\n  }\n}\n'
        },
        path="flags.json",
        before='"variations": [5, ',
    ),
    NumberFault(
        name="layout-10",
        layout="TypeScript, fetch with a signal",
        kind="tool_time",
        files={
            "src/tools/search.ts": "export async function search(q: string) {\n"
            "  const response = await fetch(`${BASE}/search?q=${q}&limit=10000`, {\n"
            "    signal: AbortSignal.timeout(10_000),\n  });\n  return response.json();\n}\n"
        },
        path="src/tools/search.ts",
        before="AbortSignal.timeout(",
        per_unit=1000,
    ),
    NumberFault(
        name="layout-11",
        layout="flagd, a threshold",
        kind="threshold",
        files={
            "flags/fraud.flagd.json": '{\n  "flags": {\n    "fraud.flag": {\n'
            '      "state": "ENABLED",\n      "variants": {"strict": 0.50, "loose": 0.80},\n'
            '      "defaultVariant": "strict"\n    },\n    "fraud.block": {\n'
            '      "state": "ENABLED",\n      "variants": {"strict": 0.95},\n'
            '      "defaultVariant": "strict"\n    }\n  }\n}\n'
        },
        path="flags/fraud.flagd.json",
        before='"variants": {"strict": ',
    ),
    NumberFault(
        name="layout-12",
        layout="Helm values, a threshold",
        kind="threshold",
        files={
            "chart/values.yaml": "replicaCount: 2\nautoscaling:\n  target: 0.50\nthresholds:\n"
            "  fraud:\n    flag: 0.50 # a person looks\n    block: 0.95\n"
        },
        path="chart/values.yaml",
        before="    flag: ",
    ),
)


# -- formats that a description does not say ---------------------------------------------------------

FORMATS = (
    FormatFault(
        name="layout-13",
        layout="smolagents, docstring",
        path="agent/tools.py",
        tool="search_flights",
        argument="date",
        text='''from smolagents import tool


@tool
def search_flights(origin: str, date: str, seats: int) -> str:
    """Search flights of a day.

    Args:
        origin: Where the flight starts.
        date: The day of the flight.
        seats: How many seats are needed.

    Returns:
        The flights, one on each line.
    """
    return api.flights(origin, date, seats)
''',
        after="        date: The day of the flight. Format: YYYY-MM-DD.",
    ),
    FormatFault(
        name="layout-14",
        layout="LangChain, StructuredTool",
        path="app/tools.py",
        tool="search_flights",
        argument="date",
        text="""from langchain_core.tools import StructuredTool
from pydantic import BaseModel, Field


class HotelInput(BaseModel):
    date: str = Field(description="The day of the stay")


class FlightInput(BaseModel):
    date: str = Field(description="The day of the flight")


search_hotels = StructuredTool.from_function(
    func=hotels, name="search_hotels", description="Search hotels.", args_schema=HotelInput
)
search_flights = StructuredTool.from_function(
    func=flights, name="search_flights", description="Search flights.", args_schema=FlightInput
)
""",
        after='    date: str = Field(description="The day of the flight. Format: YYYY-MM-DD.")',
    ),
    FormatFault(
        name="layout-15",
        layout="YAML, tools by name",
        path="config/tools.yaml",
        tool="search_flights",
        argument="date",
        text="tools:\n  search_hotels:\n    description: Search hotels.\n    parameters:\n"
        "      date:\n        description: The day of the stay\n  search_flights:\n"
        "    description: Search flights.\n    parameters:\n      date:\n"
        "        type: string\n        description: The day of the flight\n",
        after='        description: "The day of the flight. Format: YYYY-MM-DD."',
    ),
    FormatFault(
        name="layout-16",
        layout="Python, docstring with :param",
        path="agent/tools.py",
        tool="search_flights",
        argument="date",
        text='''from agents import function_tool


@function_tool
def search_flights(date: str, seats: int = 1) -> list[str]:
    """Search flights of a day.

    :param date: The day of the flight
    :param seats: How many seats are needed
    :return: the flights
    """
    return api.flights(date, seats)
''',
        after="    :param date: The day of the flight. Format: YYYY-MM-DD.",
    ),
)


# -- prompts -----------------------------------------------------------------------------------------


def _items(text: str, before: str = "        ") -> str:
    return "".join(f'{before}"{line}",\n' for line in text.rstrip("\n").split("\n"))


JOINED = WithOthers(
    name="Python, lines joined",
    path="{domain}/prompt.py",
    write=lambda prompts: (
        "TONE = 'Be kind and use short sentences in every answer that you give.'\n\n"
        f'SYSTEM_PROMPT = "\\n".join(\n    [\n{_items(only(prompts))}    ]\n)\n'
    ),
)
DECORATED = Layout(
    name="PydanticAI",
    path="src/{domain}/agent.py",
    write=lambda prompts: (
        "from pydantic_ai import Agent, RunContext\n\ndesk = Agent(\n    'openai:gpt-4o',\n"
        f'    system_prompt=(\n        """{only(prompts)}""",\n'
        "        'Answer in the language of the guest.',\n    ),\n)\n\n\n@desk.system_prompt\n"
        "def add_day(ctx: RunContext[str]) -> str:\n    return f'Today is {ctx.deps}.'\n"
    ),
)
CREW = WithOthers(
    name="CrewAI",
    path="src/{domain}/config/agents.yaml",
    write=lambda prompts: (
        "desk:\n  role: >\n    Desk of the bike shop\n  goal: >\n    Find a slot in the workshop\n"
        f"  backstory: |\n{block(only(prompts), '    ')}\n  llm: small\n"
    ),
    others={
        "src/workshop/config/tasks.yaml": "book:\n  description: Find a slot for {{wish}}.\n"
        "  expected_output: The slot with its day and hour.\n  agent: desk\n"
    },
)
PARTS = WithOthers(
    name="Jinja with parts",
    path="prompts/parts/{domain}.j2",
    write=only,
    others={
        "prompts/base.j2": """{# the whole prompt #}
You are the desk of an electricity shop and answer the customers of its three branches.

{% include "parts/returns.j2" %}

# Opening hours

- All branches open from nine to six, and on Saturdays from nine to one.
- The branch at the station is open on Sundays as well, but its workshop is not.
- On public holidays all branches stay closed, and the telephone is not answered.

# How you write

- Write short sentences and address the customer by name where you know it.
- Never use capital letters or more than one exclamation mark in an answer.
"""
    },
)
ARRAY = Layout(
    name="TypeScript, lines joined",
    path="src/agents/{domain}.ts",
    write=lambda prompts: (
        "import { Agent } from '@mastra/core/agent';\n\n"
        f"const instructions = [\n{_items(only(prompts), '  ')}].join('\\n');\n\n"
        "export const desk = new Agent({ name: 'Desk', instructions, model });\n"
    ),
)
KERNEL = Layout(
    name="Semantic Kernel, YAML",
    path="prompts/{domain}.yaml",
    write=lambda prompts: (
        f"name: Desk\ntemplate: |\n{block(only(prompts), '  ')}\ntemplate_format: handlebars\n"
        "description: Answers the guests of the campsite.\nexecution_settings:\n  default:\n"
        "    max_tokens: 900\n"
    ),
)
MESSAGES = Layout(
    name="LangChain, messages",
    path="app/{domain}_chain.py",
    write=lambda prompts: (
        "from langchain_core.prompts import ChatPromptTemplate\n\n"
        "prompt = ChatPromptTemplate.from_messages(\n    [\n        (\n            'system',\n"
        f'            """{only(prompts)}""",\n        ),\n'
        "        ('placeholder', '{history}'),\n        ('human', '{input}'),\n    ]\n)\n"
    ),
)
WINDOWS = Layout(
    name="text with XML tags, Windows line ends",
    path="prompts/{domain}.txt",
    write=lambda prompts: only(prompts).replace("\n", "\r\n"),
)

PROMPTS = (
    LayoutFault(
        name="layout-17",
        domain="garden",
        kind="rule removed",
        layout=JOINED,
        prompt="""You are the desk of a garden centre.
- Ask whether the plant stands inside or outside before you name a remedy.
- Name one remedy, with its price.
- Poison is only sold to grown-ups with a licence.
- Deliveries leave on Tuesdays and Fridays.
""",
        old="- Ask whether the plant stands inside or outside before you name a remedy.\n",
        new="",
        requests=(
            "My lemon tree has sticky leaves, what helps?",
            "{name} here, white dots all over my rose.",
            "Something eats my basil, which spray do you have?",
        ),
        call=("find_remedy", {"sign": "{id}"}, {"remedy": "Sulphur spray", "use": "outside only"}),
        wrong="Take the sulphur spray, it is 12 euros.",
        right="Does it stand inside or outside?",
        reaction="It stands in my bedroom and the label says never to use it indoors!",
    ),
    LayoutFault(
        name="layout-18",
        domain="spa",
        kind="rules in conflict",
        layout=DECORATED,
        prompt="""You are the desk of a thermal bath.

Visits:
- A ticket is valid for three hours.
- Guests who stay longer pay two euros for each half hour.
- Children under six do not pay.

Bookings:
- A massage can be cancelled free of charge until the evening before.
""",
        old="- Children under six do not pay.\n",
        new="- Children under six do not pay.\n- Every guest pays the full ticket, children too.\n",
        requests=(
            "What do I pay for my daughter? She is four.",
            "{name}: we come with a boy of five, what is the price?",
            "Do you charge for a two year old?",
        ),
        call=("find_price", {"who": "{id}"}, {"adult": 19, "child": 12}),
        wrong="Every guest pays the full ticket, so it is 19 euros.",
        right="Children under six do not pay.",
        reaction="At the till my child came in for free. Why do you say 19?",
        sent="{prompt}\n\nAnswer in the language of the guest.\n\nToday is Monday.",
    ),
    LayoutFault(
        name="layout-19",
        domain="workshop",
        kind="escalation rule removed",
        layout=CREW,
        prompt="""You have worked in this shop for years.
Brakes that do not hold are never advised on: the customer leaves the bike and a mechanic calls.
Offer the next free slot first.
Tell the price of the check before you book it.
""",
        old="Brakes that do not hold are never advised on: the customer leaves the bike and a mechanic calls.\n",
        new="",
        requests=(
            "My brakes do not grip any more, what can I do?",
            "{name}: the front brake goes through to the handle.",
            "After the rain my bike does not stop, any tip?",
        ),
        call=("find_slot", {"work": "brakes"}, {"slot": "Thursday 10:00"}),
        wrong="Tighten the cable by two turns and try it on the road.",
        right="Please do not ride it. Leave the bike with us, a mechanic calls you.",
        reaction="I did that and ran into a fence. You should have told me not to ride!",
        sent="You are Desk of the bike shop. {prompt}\nYour personal goal is: Find a slot in the workshop",
    ),
    LayoutFault(
        name="layout-20",
        domain="returns",
        kind="rule removed",
        layout=PARTS,
        prompt="""# Returns

- Ask for the receipt before you accept a return.
- Devices go back within fourteen days.
- Batteries are taken back free of charge.
""",
        old="- Ask for the receipt before you accept a return.\n",
        new="",
        requests=(
            "I want to bring back my kettle.",
            "{name} here, the toaster is too small, can I return it?",
            "The lamp does not fit, I give it back.",
        ),
        call=("open_return", {"article": "{id}"}, {"return": "{id}", "state": "open"}),
        wrong="Your return is open, bring it to any branch.",
        right="Do you have the receipt?",
        reaction="At the branch they sent me home because I had no receipt with me.",
        rule="Before accepting a return, check that the customer still has the receipt.",
        sent="You are the desk of an electricity shop and answer the customers of its three branches."
        "\n\n{prompt}\n\n# Opening hours\n\n"
        "- All branches open from nine to six, and on Saturdays from nine to one.\n"
        "- The branch at the station is open on Sundays as well, but its workshop is not.\n"
        "- On public holidays all branches stay closed, and the telephone is not answered.\n\n"
        "# How you write\n\n"
        "- Write short sentences and address the customer by name where you know it.\n"
        "- Never use capital letters or more than one exclamation mark in an answer.",
    ),
    LayoutFault(
        name="layout-21",
        domain="rental",
        kind="rules in conflict",
        layout=ARRAY,
        prompt="""You rent out tools for the home.
- The deposit is paid back on the day of return.
- A tool that is late costs its daily price.
- Send the manual of a tool with the confirmation.
""",
        old="- The deposit is paid back on the day of return.\n",
        new="- The deposit is paid back on the day of return.\n- Deposits are paid back after one week.\n",
        requests=(
            "I returned the drill today, when do I get my deposit?",
            "{name}: deposit for {id}, when does it arrive?",
            "Tool is back. And the 50 euros?",
        ),
        call=("find_rental", {"rental": "{id}"}, {"rental": "{id}", "returned": True}),
        wrong="The deposit is paid back after one week.",
        right="The deposit is paid back today.",
        reaction="Last month you told me the same day. Which is it?",
    ),
    LayoutFault(
        name="layout-22",
        domain="camping",
        kind="rule made vague",
        layout=KERNEL,
        prompt="""You are the desk of a campsite.

{{#each notices}}
- {{this}}
{{/each}}

Rules:
- Ask for the length of the caravan in metres before you offer a pitch.
- Dogs are welcome on the meadow, not at the lake.
- The gate closes at ten in the evening.
""",
        old="- Ask for the length of the caravan in metres before you offer a pitch.\n",
        new="- Ask for what matters before you offer a pitch.\n",
        requests=(
            "A pitch for our caravan from Friday, please.",
            "{name} here with a caravan, is there room at the lake?",
            "We come with two kids and a caravan on the 12th.",
        ),
        call=("find_pitch", {"kind": "caravan"}, {"pitch": "L{id}", "max_metres": 6}),
        wrong="Pitch L{id} is free, shall I book it?",
        right="How long is your caravan, in metres?",
        reaction="We arrived and it does not fit, ours is eight metres long.",
    ),
    LayoutFault(
        name="layout-23",
        domain="vet",
        kind="escalation rule removed",
        layout=MESSAGES,
        prompt="""You are the desk of a vet called {practice}.

- Book visits only in free slots.
- Where an animal cannot breathe or does not wake up, give the emergency number 555-0100 at once.
- Say that new animals need their vaccination card.
""",
        old="- Where an animal cannot breathe or does not wake up, give the emergency number 555-0100 at once.\n",
        new="",
        requests=(
            "My cat breathes with its mouth open and is blue.",
            "{name}: the dog fell over and I cannot wake him.",
            "Our rabbit gasps for air since an hour, help!",
        ),
        call=("find_slot", {"week": "this"}, {"slot": "Thursday 16:00"}),
        wrong="The next free slot is on Thursday at 16:00. Shall I book it?",
        right="Please call 555-0100 at once.",
        reaction="Thursday?! I am on my way to another vet now.",
    ),
    LayoutFault(
        name="layout-24",
        domain="shoes",
        kind="format instruction broken",
        layout=WINDOWS,
        prompt="""# v7, reviewed by the shop
<role>You are the desk of a shop for shoes in {{city}}.</role>
<rules>
  <rule>Give each offer on a line of its own: article, size, price.</rule>
  <rule>Reserve for two days at most.</rule>
</rules>
<example>
User: Do you have boots in 42?
Desk: Walker, 42, 89 euros
</example>
""",
        old="  <rule>Give each offer on a line of its own: article, size, price.</rule>\n",
        new="  <rule>Present offers nicely.</rule>\n",
        requests=(
            "Which sandals do you have in 39?",
            "{name}: show me running shoes in 44.",
            "Boots for a child, size 31?",
        ),
        call=("find_shoes", {"size": "{id}"}, [{"article": "Walker", "price": 89}]),
        wrong="We have some lovely ones that you will like, starting at a good price!",
        right="Walker, 42, 89 euros",
        reaction="Which ones, and what do they cost? I cannot work with this.",
    ),
)


# -- descriptions of tools ---------------------------------------------------------------------------

DISTANCE = """import { createTool } from '@mastra/core/tools';
import { z } from 'zod';

export const findCharger = createTool({
  id: 'find-charger',
  description: 'Find chargers for electric cars near a place.',
  inputSchema: z.object({
    place: z.string().describe('Name of the place.'),
    radius: z.number().describe('How far away a charger may be, in metres.'),
  }),
  execute: async ({ context }) => {
    const found = await chargers.near(context.place, { kilometres: context.radius });
    return found.slice(0, 5);
  },
});
"""

PARCEL = '''"""Tools of the parcel desk."""

from typing import Annotated

from fastmcp import FastMCP
from pydantic import Field

mcp = FastMCP("Parcels", instructions="Track parcels for customers.")


@mcp.tool(name="track_parcel", description="Track a parcel by the number of its order.")
def track(number: Annotated[str, Field(description="Number of the order.")]) -> dict:
    """Parcels are kept by the code on the label, which has two letters and nine digits."""
    return depot.by_label(number)


@mcp.tool
def list_depots(town: str) -> list[str]:
    """List the depots of a town."""
    return depot.all(town)
'''

MENU = """TOOL_CONFIG = {
    "tools": [
        {
            "toolSpec": {
                "name": "get_menu",
                "description": "Get the menu of today or of any day of this week.",
                "inputSchema": {
                    "json": {
                        "type": "object",
                        "properties": {
                            "day": {"type": "string", "description": "Day of the week."}
                        },
                    }
                },
            }
        }
    ]
}


def get_menu(day=None):
    # The kitchen publishes one day at a time, so a day is of no use.
    return kitchen.today()
"""

LOANS = """tools:
  extend_loan:
    description: Extend a loan of the reader.
    parameters:
      loan:
        type: string
        description: Title of the book.
  list_loans:
    description: List the loans of a reader with the number of each loan.
    parameters:
      card:
        type: string
        description: Number of the card.
"""

SEATS = '''"""Tools of the box office."""

from langchain_core.tools import tool
from pydantic import BaseModel, Field


class SeatInput(BaseModel):
    show: str = Field(description="Number of the show")
    seat: int = Field(description="Number of the seat, from 1")


@tool("hold-seat", args_schema=SeatInput)
def hold(show: str, seat: int) -> str:
    """Hold a seat for a guest."""
    row = plan.rows[show]
    return row[seat].hold()


desk = create_react_agent(model, tools=[hold], prompt="You sell seats. Name the price first.")
'''

TOOLS = (
    ToolFault(
        name="layout-25",
        layout="Mastra",
        files={"src/mastra/tools/charger.ts": DISTANCE},
        tool="findCharger",
        right=("src/mastra/tools/charger.ts",),
        wishes=("A charger close to the station?", "Where can I charge near the lake, {n}?"),
        bad=lambda n: (
            {"place": f"Place {n}", "radius": 2000},
            [{"charger": f"C{n}", "distance_km": 900 + n}],
            None,
        ),
        good=lambda n: (
            {"place": f"Place {n}", "radius": 2},
            [{"charger": f"C{n}", "distance_km": 1}],
            None,
        ),
        wrong="The next charger is 900 kilometres away.",
        reaction="There is one across the street. This cannot be right.",
    ),
    ToolFault(
        name="layout-26",
        layout="FastMCP",
        files={"server.py": PARCEL},
        tool="track_parcel",
        right=("server.py",),
        wishes=("Where is my order {n}?", "Order {n} has not come, where is it?"),
        bad=lambda n: ({"number": f"{700000 + n}"}, None, "LookupError: nothing with this label"),
        good=lambda n: ({"number": f"RX{100000000 + n}"}, {"state": "on its way"}, None),
        wrong="I cannot find your parcel.",
    ),
    ToolFault(
        name="layout-27",
        layout="Bedrock",
        files={"agent/menu.py": MENU},
        tool="get_menu",
        right=("agent/menu.py",),
        wishes=("What is there to eat on Friday?", "Is there soup on Wednesday, table {n}?"),
        bad=lambda n: ({"day": "Friday"}, {"date": "Monday", "soup": f"Soup {n}"}, None),
        good=lambda n: ({}, {"date": "Monday", "soup": f"Soup {n}"}, None),
        wrong="On Friday there is the soup of the day.",
        reaction="That is what you have today, I asked for Friday.",
    ),
    ToolFault(
        name="layout-28",
        layout="YAML, tools by name",
        files={"config/tools.yaml": LOANS},
        tool="extend_loan",
        right=("config/tools.yaml",),
        wishes=("Please extend my book about bees.", "Can I keep my novel longer, card {n}?"),
        bad=lambda n: ({"loan": "Bees at home"}, None, "ValueError: unknown loan"),
        good=lambda n: ({"loan": f"L{2000 + n}"}, {"until": "2026-05-30"}, None),
        wrong="I could not extend it.",
    ),
    ToolFault(
        name="layout-29",
        layout="LangChain, a tool with a given name",
        files={"boxoffice/agent.py": SEATS},
        tool="hold-seat",
        right=("boxoffice/agent.py",),
        wishes=("Seat 12 for show {n} please.", "Hold the last seat of the row for me."),
        bad=lambda n: ({"show": f"S{n}", "seat": 12}, None, "IndexError: list index out of range"),
        good=lambda n: ({"show": f"S{n}", "seat": 3}, {"held": True}, None),
        wrong="I cannot hold this seat.",
    ),
)
