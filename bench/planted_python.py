"""Small programs in Python around an agent, each with a fault; see `bench/planted_tools.py`."""

from __future__ import annotations

DATES = '''"""Tools of the travel desk."""

from datetime import datetime

from langchain_core.tools import tool

from desk import flights


@tool
def search_flights(origin: str, destination: str, date: str) -> list[dict]:
    """Search direct flights between two airports.

    Args:
        origin: Airport code, three letters.
        destination: Airport code, three letters.
        date: The day of the flight.
    """
    day = datetime.strptime(date, "%Y-%m-%d")
    return flights.find(origin.upper(), destination.upper(), day.date())


@tool
def cancel_flight(booking: str) -> str:
    """Cancel a booking by its code."""
    return flights.cancel(booking)
'''

CENTS = '''"""An MCP server for the cashier."""

from mcp.server import Server
from mcp.types import TextContent, Tool

from ledger import ledger

server = Server("cashier")
MAX_REFUND_CENTS = 50_000


@server.list_tools()
async def list_tools() -> list[Tool]:
    return [
        Tool(
            name="refund_payment",
            description="Refunds a part of a payment.",
            inputSchema={
                "type": "object",
                "properties": {
                    "payment_id": {"type": "string", "description": "Id of the payment."},
                    "amount": {"type": "integer", "description": "How much is refunded."},
                },
                "required": ["payment_id", "amount"],
            },
        ),
        Tool(
            name="list_payments",
            description="Lists the payments of a customer.",
            inputSchema={
                "type": "object",
                "properties": {"customer_id": {"type": "string", "description": "The customer."}},
                "required": ["customer_id"],
            },
        ),
    ]


@server.call_tool()
async def call_tool(name: str, arguments: dict) -> list[TextContent]:
    if name == "refund_payment":
        amount_cents = int(arguments["amount"])
        if amount_cents > MAX_REFUND_CENTS:
            raise ValueError("over the limit for refunds")
        done = await ledger.refund(arguments["payment_id"], cents=amount_cents)
        return [TextContent(type="text", text=f"Refunded {done.amount}")]
    if name == "list_payments":
        return [TextContent(type="text", text=str(await ledger.of(arguments["customer_id"])))]
    raise ValueError(f"Unknown tool: {name}")
'''

BARE = '''"""What the agent may call."""

from shop.store import bookings

ROOMS = ("single", "double", "suite")


def book_room(arguments):
    room = arguments.get("room_type")
    nights = arguments.get("nights")
    if room not in ROOMS:
        return {"error": "invalid request"}
    if not isinstance(nights, int) or nights < 1:
        return {"error": "invalid request"}
    return bookings.make(room, nights)


def cancel_room(arguments):
    return bookings.cancel(arguments.get("booking_id"))


HANDLERS = {"book_room": book_room, "cancel_room": cancel_room}

TOOLS = [
    {
        "name": "book_room",
        "description": "Books a room for some nights.",
        "input_schema": {
            "type": "object",
            "properties": {
                "room_type": {"type": "string", "description": "Kind of room."},
                "nights": {"type": "integer", "description": "Number of nights."},
            },
        },
    },
    {
        "name": "cancel_room",
        "description": "Cancels a booking.",
        "input_schema": {"type": "object", "properties": {"booking_id": {"type": "string"}}},
    },
]
'''

REASONS_YAML = """# Tools of the order desk; handlers are in desk/handlers.py
tools:
  - name: cancel_order
    description: Cancels an order that was not sent yet.
    parameters:
      type: object
      properties:
        order_id:
          type: string
          description: "Number of the order, for example 48213"
        reason:
          type: string
          description: Why the order is cancelled   # shown to the warehouse
      required: [order_id, reason]
  - name: order_status
    description: Says where an order is.
    parameters:
      type: object
      properties:
        order_id: {type: string, description: Number of the order}
"""

REASONS_PY = '''"""Handlers of the order desk."""

from desk import orders

REASONS = ("changed_mind", "ordered_by_mistake", "too_late")


def cancel_order(order_id: str, reason: str) -> str:
    if reason not in REASONS:
        raise ValueError(f"invalid reason: {reason}")
    return orders.cancel(order_id, reason)


def order_status(order_id: str) -> str:
    return orders.status(order_id)
'''

CUT = '''"""Search in the handbook."""

import json

from agents import function_tool

from handbook import index

MAX_CHARS = 600


@function_tool
def search_handbook(question: str) -> str:
    """Search the handbook for staff and return the sections that fit.

    Args:
        question: What to look for, in a few words.
    """
    sections = index.search(question)
    return json.dumps(sections)[:MAX_CHARS]
'''

CLASS = '''"""Tools of the stock desk."""

from langchain.tools import BaseTool
from pydantic import BaseModel, Field

from stock import stock


class StockInput(BaseModel):
    article: str = Field(description="The article")


class StockLevelTool(BaseTool):
    name: str = "stock_level"
    description: str = "Says how many pieces of an article are in stock."
    args_schema: type[BaseModel] = StockInput

    def _run(self, article: str) -> int:
        if not article.isdigit() or len(article) != 8:
            raise ValueError("article: expected an EAN-8")
        return stock.level(article)


class OrderTool(BaseTool):
    name: str = "order_article"
    description: str = "Orders pieces of an article."

    def _run(self, article: str, pieces: int) -> str:
        return stock.order(article, pieces)
'''

NOTHING = '''"""Tools that the support agent calls by name."""

from registry import register

from crm import crm


@register("find_contract")
def look_up_contract(number: str, customer_id: str):
    contract = crm.contract(number)
    if contract is None:
        return None
    if contract.customer_id != customer_id:
        return None
    return {"state": contract.state, "until": contract.until.isoformat()}


@register("list_contracts")
def list_contracts(customer_id: str):
    return [one.number for one in crm.contracts(customer_id)]
'''

DOWN = '''"""The exchange rates."""

from agents import function_tool

from bank import rates


@function_tool
def exchange_rate(currency: str) -> float:
    """Gives today's exchange rate of a currency to the euro.

    Args:
        currency: Code of three capital letters.
    """
    return rates.today(currency)
'''

LOOP = '''"""The assistant of the archive."""

import anthropic

from archive.search import run_tool
from archive.settings import MODEL, SYSTEM, TOOLS

client = anthropic.Anthropic()
MAX_STEPS = 12
RESULT_CHARS = 500


def answer(messages: list[dict]) -> str:
    for _ in range(MAX_STEPS):
        reply = client.messages.create(
            model=MODEL, max_tokens=2000, system=SYSTEM, tools=TOOLS, messages=messages
        )
        messages.append({"role": "assistant", "content": reply.content})
        calls = [block for block in reply.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in reply.content if block.type == "text")
        results = []
        for call in calls:
            result = run_tool(call.name, call.input)
            results.append(
                {"type": "tool_result", "tool_use_id": call.id, "content": result[:RESULT_CHARS]}
            )
        messages.append({"role": "user", "content": results})
    raise RuntimeError("too many steps")
'''
