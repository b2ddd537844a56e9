"""Tools in Python, as agent frameworks have people write them."""

from tests.bot.layouts.layout import Layout

CREWAI_TOOL = '''from crewai import Agent, Crew, Task
from crewai.tools import BaseTool
from pydantic import BaseModel, Field


class InvoiceInput(BaseModel):
    """What the tool is given."""

    number: str = Field(..., description="Number of the invoice.")


class InvoiceTool(BaseTool):
    name: str = "find_invoice"
    description: str = (
        "Find an invoice "
        "and its open amount."
    )
    args_schema: type[BaseModel] = InvoiceInput

    def _run(self, number: str) -> str:
        return ledger.find(number)


clerk = Agent(
    role="Clerk of the accounts",
    goal="Tell customers what is still open",
    backstory="You have kept the books of this shop for years.",
    max_iter=8,
)
task = Task(
    description="Tell the customer what is open on {number}.",
    expected_output="The open amount with its currency, nothing else.",
    agent=clerk,
)
'''

FASTMCP = '''from typing import Annotated

from fastmcp import FastMCP
from pydantic import Field

mcp = FastMCP("Library", instructions="Search before you reserve a book for anybody.")


@mcp.tool
def search_books(query: Annotated[str, Field(description="Words of the title.")]) -> list[str]:
    """Search the shelves for a book."""
    return shelves.search(query)


@mcp.tool(name="reserve", description="Reserve a book for a reader.")
def reserve_book(book: str) -> str:
    """For people who read this code."""
    return shelves.reserve(book)


@mcp.prompt()
def ask_for_book(topic: str) -> str:
    """A prompt that readers can choose."""
    return f"Suggest three books about {topic} and say why."


@mcp.resource("shelves://all")
def all_shelves() -> str:
    """Names of all shelves of the library, one on each line, as they stand in the hall."""
    return shelves.names()
'''

SEMANTIC_KERNEL = '''from typing import Annotated

from semantic_kernel.functions import kernel_function


class Lights:
    @kernel_function(name="switch_light", description="Switch a lamp on or off.")
    def switch(self, lamp: Annotated[int, "Number of the lamp"]) -> str:
        """For people who read this code."""
        return self.lamps[lamp].switch()
'''

ADK = '''from google.adk.agents import Agent
from google.genai import types


def get_tariff(zone: str) -> dict:
    """Give the tariff of a zone.

    Args:
        zone (str): The zone, one capital letter.

    Returns:
        dict: The tariff with its price.
    """
    return tariffs[zone]


root_agent = Agent(
    name="tariff_desk",
    model="gemini",
    description="Answers questions about tariffs.",
    instruction="You answer questions about tariffs. Ask for the zone first.",
    tools=[get_tariff],
    generate_content_config=types.GenerateContentConfig(max_output_tokens=300),
)
find_stop = types.FunctionDeclaration(
    name="find_stop",
    description="Find a stop by its name.",
    parameters=types.Schema(
        type="OBJECT",
        properties={"stop": types.Schema(type="STRING", description="Name of the stop.")},
    ),
)
'''

PYDANTIC_TOOLS = '''from langchain_core.tools import tool
from pydantic import BaseModel, Field


class Refund(BaseModel):
    """Refund a part of a payment."""

    payment: str = Field(description="Number of the payment.")
    cents: int = Field(description="How much is paid back.")


class Slip(BaseModel):
    """A slip as it is printed for the customers of the shop at the end of each working day."""

    number: str


class LookUp(BaseModel):
    order: str = Field(description="Number of the order.")


@tool("find-order", args_schema=LookUp)
def find(order: str) -> str:
    """Find an order by its number."""
    return orders[order]


@tool(parse_docstring=True)
def cancel(order: str) -> str:
    """Cancel an order.

    Args:
        order: Number of the order.
    """
    return orders.cancel(order)


model = chat.bind_tools([Refund, find, cancel])
'''

PLAIN_OPENAI = '''from openai import OpenAI

client = OpenAI(timeout=20.0, max_retries=2)


def count_stock(sku: str) -> int:
    """Count the pieces of an article in all stores, for the report that people read on Mondays."""
    return stock[sku]


count_tool = {
    "type": "function",
    "name": "count_stock",
    "description": "Count the pieces of an article.",
    "parameters": {
        "type": "object",
        "properties": {"sku": {"type": "string", "description": "Number of the article."}},
    },
    "strict": True,
}
response = client.responses.create(
    model="gpt",
    instructions="You count stock. Name the store with each number.",
    input=question,
    max_output_tokens=350,
    tools=[count_tool],
)
if response.status != "completed":
    raise RuntimeError(f"the model did not come to an end and gave back {response.status} to us")
'''

BROKEN = "\nclass Broken(\n"

PYTHON_TOOLS = (
    Layout(
        name="CrewAI in Python",
        path="crew/invoices.py",
        text=CREWAI_TOOL,
        prompts=(
            "Clerk of the accounts",
            "Tell customers what is still open",
            "kept the books of this shop",
            "Tell the customer what is open on {number}.",
            "The open amount with its currency",
        ),
        tools={
            "find_invoice(number)": "Number of the invoice.",
            "find_invoice": "Find an invoice and its open amount.",
        },
        numbers={"maxiter": "8"},
        broken=BROKEN,
    ),
    Layout(
        name="FastMCP",
        path="server.py",
        text=FASTMCP,
        prompts=("Search before you reserve a book", "Suggest three books about {topic}"),
        tools={
            "search_books(query)": "Words of the title.",
            "search_books": "Search the shelves for a book.",
            "reserve": "Reserve a book for a reader.",
        },
        broken=BROKEN,
    ),
    Layout(
        name="Semantic Kernel in Python",
        path="plugins/lights.py",
        text=SEMANTIC_KERNEL,
        tools={
            "switch_light": "Switch a lamp on or off.",
            "switch_light(lamp)": "Number of the lamp",
        },
        broken=BROKEN,
    ),
    Layout(
        name="Google ADK",
        path="tariffs/agent.py",
        text=ADK,
        prompts=(
            "Answers questions about tariffs.",
            "You answer questions about tariffs. Ask for the zone first.",
        ),
        tools={
            "get_tariff": "Give the tariff of a zone.",
            "find_stop": "Find a stop by its name.",
            "find_stop(stop)": "Name of the stop.",
        },
        numbers={"maxoutputtokens": "300"},
        broken=BROKEN,
    ),
    Layout(
        name="pydantic classes as tools",
        path="payments/tools.py",
        text=PYDANTIC_TOOLS,
        tools={
            "Refund": "Refund a part of a payment.",
            "Refund(payment)": "Number of the payment.",
            "Refund(cents)": "How much is paid back.",
            "find-order(order)": "Number of the order.",
            "find-order": "Find an order by its number.",
            "cancel": "Cancel an order.",
        },
        broken=BROKEN,
    ),
    Layout(
        name="OpenAI responses",
        path="stock/agent.py",
        text=PLAIN_OPENAI,
        prompts=("You count stock. Name the store with each number.",),
        tools={
            "count_stock": "Count the pieces of an article.",
            "count_stock(sku)": "Number of the article.",
        },
        numbers={"timeout": "20.0", "maxoutputtokens": "350"},
        broken=BROKEN,
    ),
)
