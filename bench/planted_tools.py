"""Faults planted into tools and the program around them, and simulated conversations that show them.

A fault is a file as a team might have it: a format or a unit that a description does not say, an
error that says nothing, a result that is cut, a retry without an end. All conversations are
simulated. The two agents of the samples lend their definitions of tools, read at run time.
"""

# ruff: noqa: E501 - programs and definitions as people write them

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bench.planted import SAMPLES, prompt_of
from bench.planted_python import (
    BARE,
    CENTS,
    CLASS,
    CUT,
    DATES,
    DOWN,
    LOOP,
    NOTHING,
    REASONS_PY,
    REASONS_YAML,
)
from bench.planted_scripts import (
    CABIN_RUN,
    CABIN_TOOLS,
    CLIENT,
    CLIENT_TOOLS,
    EMPTY,
    GRAMS,
    MCP_TS,
    RETRY,
)
from collector.records import Conversation, Json, Message
from tests.bot.builders import NOW, a_conversation, assistant, calls, returns, user

FAILING, PASSING = 12, 12
Call = tuple[Mapping[str, Any], Json, str | None]
"""Arguments, result, error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolFault:
    """One fault in a small program and how users meet it."""

    name: str
    layout: str
    files: Mapping[str, str]
    tool: str
    right: Sequence[str]
    """Paths in which a change can mend it; none where no change can."""
    wishes: Sequence[str]
    bad: Callable[[int], Call]
    good: Callable[[int], Call]
    wrong: str
    fine: str = "Here it is."
    reaction: str = "That is no help, I need this today."
    times: int = 1
    """Calls in one failing conversation."""
    system: str = "You help customers. Use the tools for facts. Be brief and friendly."

    def failing(self) -> list[Conversation]:
        return [self._conversation(n, is_wrong=True) for n in range(FAILING)]

    def passing(self) -> list[Conversation]:
        return [self._conversation(n, is_wrong=False) for n in range(PASSING)]

    def _conversation(self, n: int, *, is_wrong: bool) -> Conversation:
        word = "f" if is_wrong else "s"
        given, result, error = (self.bad if is_wrong else self.good)(n)
        messages: list[Message] = [user(self.wishes[n % len(self.wishes)].format(n=n))]
        for time in range(self.times if is_wrong else 1):
            id = f"call_{time}"
            messages += [
                calls(self.tool, dict(given), id=id),
                returns(result, name=self.tool, id=id, error=error),
            ]
        messages += [
            assistant(self.wrong if is_wrong else self.fine),
            user(self.reaction if is_wrong else "Thank you."),
        ]
        return a_conversation(
            *messages,
            conversation_id=f"{self.name}-{word}{n}",
            agent="agent",
            user_id=f"{word}-{n}",
            system=self.system,
            started_at=NOW - timedelta(days=1 + n),
        )


def _tools_of(domain: str, *changes: tuple[str, str]) -> str:
    """A copy of the agent's tools with each old text taken out or replaced."""
    text = (SAMPLES / "agents" / domain / "tools.json").read_text("utf-8")
    whole = json.dumps(json.loads(text), indent=2)
    for old, new in changes:
        if old not in whole:
            raise ValueError(f"{domain}: {old!r} is not in its tools")
        whole = whole.replace(old, new)
    return whole + "\n"


_MONTHS = ("January", "March", "May", "June", "August", "October")

FAULTS = (
    ToolFault(
        name="date-format",
        layout="Python, @tool",
        files={"desk/tools.py": DATES},
        tool="search_flights",
        right=("desk/tools.py",),
        wishes=(
            "Is there a flight from Oslo to Rome next month, day {n}?",
            "Rome to Oslo, what goes on the {n}th?",
        ),
        bad=lambda n: (
            {"origin": "OSL", "destination": "FCO", "date": f"{_MONTHS[n % 6]} {n + 1}"},
            None,
            f"ValueError: time data '{_MONTHS[n % 6]} {n + 1}' does not match format '%Y-%m-%d'",
        ),
        good=lambda n: (
            {"origin": "OSL", "destination": "FCO", "date": f"2026-05-{n + 1:02}"},
            [{"flight": f"HZ{n + 100}"}],
            None,
        ),
        wrong="The search does not work right now, please try our website.",
    ),
    ToolFault(
        name="cents",
        layout="Python, MCP server",
        files={"cashier/server.py": CENTS, "cashier/ledger.py": "class Ledger: ...\n"},
        tool="refund_payment",
        right=("cashier/server.py",),
        wishes=(
            "You charged me {n}9.00 twice, I want the second one back.",
            "Please refund {n}9.00, the item never came.",
        ),
        bad=lambda n: (
            {"payment_id": f"p-{n}", "amount": n * 10 + 9},
            f"Refunded {(n * 10 + 9) / 100:.2f} EUR",
            None,
        ),
        good=lambda n: (
            {"payment_id": f"p-{n}", "amount": (n * 10 + 9) * 100},
            f"Refunded {n * 10 + 9:.2f} EUR",
            None,
        ),
        wrong="I have refunded the full amount to your card.",
        fine="It is refunded.",
        reaction="I see only a few cents on my card. This is not the amount that I paid!",
    ),
    ToolFault(
        name="bare-error",
        layout="Python, dicts and handlers",
        files={"shop/tools.py": BARE},
        tool="book_room",
        right=("shop/tools.py",),
        wishes=("A room for two for {n} nights please.", "I need a twin room, {n} nights."),
        bad=lambda n: (
            {"room_type": ("twin", "family", "for two")[n % 3], "nights": n + 1},
            {"error": "invalid request"},
            None,
        ),
        good=lambda n: ({"room_type": "double", "nights": n + 1}, {"booking": f"b-{n}"}, None),
        wrong="I could not book that, something is wrong with the request.",
        times=2,
    ),
    ToolFault(
        name="missing-values",
        layout="YAML list, Python handlers",
        files={"desk/tools.yaml": REASONS_YAML, "desk/handlers.py": REASONS_PY},
        tool="cancel_order",
        right=("desk/tools.yaml",),
        wishes=(
            "Cancel order 4821{n}, I do not need it any more.",
            "I ordered twice by accident, cancel 4821{n}.",
        ),
        bad=lambda n: (
            {
                "order_id": f"4821{n}",
                "reason": ("No longer needed", "Customer changed their mind", "Duplicate order")[
                    n % 3
                ],
            },
            None,
            "ValueError: invalid reason: "
            + ("No longer needed", "Customer changed their mind", "Duplicate order")[n % 3],
        ),
        good=lambda n: (
            {"order_id": f"4821{n}", "reason": ("changed_mind", "ordered_by_mistake")[n % 2]},
            "cancelled",
            None,
        ),
        wrong="I am sorry, this order cannot be cancelled.",
    ),
    ToolFault(
        name="endless-retry",
        layout="TypeScript, tool()",
        files={"src/track.ts": RETRY},
        tool="trackParcel",
        right=("src/track.ts",),
        wishes=("Where is parcel 77{n}?", "My parcel 77{n} should be here, where is it?"),
        bad=lambda n: (
            {"parcelId": f"77{n}"},
            None,
            "TimeoutError: tool call timed out after 120000 ms",
        ),
        good=lambda n: ({"parcelId": f"77{n}"}, {"state": "on its way"}, None),
        wrong="I cannot see it, the system does not answer.",
        reaction="I waited two minutes for that?",
    ),
    ToolFault(
        name="cut-result",
        layout="Python, @function_tool",
        files={"staff/search.py": CUT},
        tool="search_handbook",
        right=("staff/search.py",),
        wishes=(
            "How many days of parental leave do I get, region {n}?",
            "What does the handbook say on sabbaticals in region {n}?",
        ),
        bad=lambda n: (
            {"question": f"leave region {n}"},
            '[{"section": "Leave", "text": "'
            + f"In region {n} the rules for leave are the same for all. " * 9
            + "Employees with more tha",
            None,
        ),
        good=lambda n: (
            {"question": f"desk {n}"},
            '[{"section": "Desks", "text": "Book one in the app."}]',
            None,
        ),
        wrong="The handbook has no rule on that, so there is none.",
        fine="You book one in the app.",
        reaction="There is a whole section on it, you left half of it out.",
    ),
    ToolFault(
        name="grams",
        layout="TypeScript, zod",
        files={"src/tools.ts": GRAMS},
        tool="quoteShipping",
        right=("src/tools.ts",),
        wishes=(
            "What does a parcel of {n} kilos to France cost?",
            "I have {n} kg for Spain, how much?",
        ),
        bad=lambda n: (
            {"weight": n + 1, "country": "FR"},
            None,
            "RangeError: weight is out of range",
        ),
        good=lambda n: ({"weight": (n + 1) * 1000, "country": "FR"}, {"price": 12.5}, None),
        wrong="I am sorry, we do not ship parcels of that weight.",
        fine="It is 12.50.",
    ),
    ToolFault(
        name="bad-code",
        layout="TypeScript, MCP server",
        files={"src/server.ts": MCP_TS},
        tool="find_booking",
        right=("src/server.ts",),
        wishes=("Look up my booking ab12345{n}.", "Booking ab-12345{n}, when does it start?"),
        bad=lambda n: ({"code": f"ab12345{n % 10}"}, "Error: bad code", None),
        good=lambda n: ({"code": f"AB-12345{n % 10}"}, {"start": "May"}, None),
        wrong="There is no such booking.",
    ),
    ToolFault(
        name="wrong-values",
        layout="TypeScript, JSON schema and switch",
        files={"src/definitions.ts": CABIN_TOOLS, "src/run.ts": CABIN_RUN},
        tool="upgrade_seat",
        right=("src/definitions.ts",),
        wishes=("Upgrade B{n} to business please.", "I would like premium on B{n}."),
        bad=lambda n: (
            {"booking_id": f"B{n}", "cabin": ("business", "premium")[n % 2]},
            None,
            f"Error: invalid cabin {('business', 'premium')[n % 2]}",
        ),
        good=lambda n: ({"booking_id": f"B{n}", "cabin": ("BIZ", "PREM")[n % 2]}, "done", None),
        wrong="An upgrade is not possible for this booking.",
    ),
    ToolFault(
        name="ean",
        layout="Python, tool classes",
        files={"stock/tools.py": CLASS},
        tool="stock_level",
        right=("stock/tools.py",),
        wishes=("How many of the blue lamp {n} do we have?", "Is lamp {n} in stock?"),
        bad=lambda n: (
            {"article": f"blue lamp {n}"},
            None,
            "ValueError: article: expected an EAN-8",
        ),
        good=lambda n: ({"article": f"4006{n:04}"}, 12, None),
        wrong="I could not look that up.",
        fine="There are 12.",
    ),
    ToolFault(
        name="says-nothing",
        layout="Python, own decorator",
        files={"support/tools.py": NOTHING},
        tool="find_contract",
        right=("support/tools.py",),
        wishes=("Is my contract V-{n} still running?", "Until when does contract V-{n} run?"),
        bad=lambda n: ({"number": f"V-{n}", "customer_id": f"k{n}"}, None, None),
        good=lambda n: ({"number": f"V-{n}", "customer_id": f"k{n}"}, {"state": "running"}, None),
        wrong="Your contract has ended.",
        fine="It is running.",
        reaction="It has not ended, I pay for it each month!",
    ),
    ToolFault(
        name="slot",
        layout="JSON list, JavaScript handlers",
        files={"agent/tools.json": CLIENT_TOOLS, "agent/handlers.js": CLIENT},
        tool="reschedule_delivery",
        right=("agent/tools.json", "agent/handlers.js"),
        wishes=(
            "Bring delivery D{n} on Friday afternoon instead.",
            "Move D{n} to Monday morning please.",
        ),
        bad=lambda n: (
            {"delivery_id": f"D{n}", "slot": ("Friday afternoon", "Monday morning")[n % 2]},
            None,
            "Error: bad slot",
        ),
        good=lambda n: ({"delivery_id": f"D{n}", "slot": f"2026-05-{n + 1:02} PM"}, "moved", None),
        wrong="That slot is taken.",
        fine="It is moved.",
    ),
    ToolFault(
        name="order-sign",
        layout="the retail agent's tools",
        files={
            "retail/tools.json": _tools_of(
                "retail",
                (
                    ", such as '#W0000000'. Be careful there is a '#' symbol at the beginning of the order id.",
                    ".",
                ),
            ),
        },
        tool="get_order_details",
        right=("retail/tools.json",),
        wishes=("Where is order W23780{n}?", "Has W23780{n} been sent?"),
        bad=lambda n: ({"order_id": f"W23780{n:02}"}, "Error: order not found", None),
        good=lambda n: ({"order_id": f"#W23780{n:02}"}, {"status": "pending"}, None),
        wrong="I cannot find this order, please check the number.",
        system=prompt_of("retail"),
    ),
    ToolFault(
        name="wrong-situation",
        layout="the airline agent's tools",
        files={
            "airline/tools.json": _tools_of(
                "airline",
                (
                    "Cancel the whole reservation.",
                    "Cancel one flight of a reservation, the others stay.",
                ),
            ),
        },
        tool="cancel_reservation",
        right=("airline/tools.json",),
        wishes=(
            "Drop the return flight of ZFA0{n}Y, I keep the way out.",
            "I only want to cancel the first leg of ZFA0{n}Y.",
        ),
        bad=lambda n: (
            {"reservation_id": f"ZFA0{n}Y"},
            {"status": "cancelled", "flights": []},
            None,
        ),
        good=lambda n: (
            {"reservation_id": f"ZFA0{n}Y"},
            {"status": "cancelled", "flights": []},
            None,
        ),
        wrong="I have cancelled that flight, your other flight stays as it is.",
        fine="The whole trip is cancelled, as you asked.",
        reaction="My whole trip is gone, both flights!",
        system=prompt_of("airline"),
    ),
    ToolFault(
        name="loop-cuts",
        layout="Python, loop around the model",
        files={"archive/agent.py": LOOP},
        tool="read_letter",
        right=("archive/agent.py",),
        wishes=("When did letter {n} reach the king?", "Who signed letter {n}?"),
        bad=lambda n: (
            {"letter": n},
            f"Letter {n}. " + "To the honoured council of the town. " * 13 + "We ask you hum",
            None,
        ),
        good=lambda n: ({"letter": n + 50}, f"Letter {n + 50}. Signed by the clerk.", None),
        wrong="The letter does not say it.",
        fine="The clerk signed it.",
        reaction="It does, on its last page.",
    ),
    ToolFault(
        name="empty-answer",
        layout="TypeScript, loop around the model",
        files={"src/answer.ts": EMPTY},
        tool="searchDocs",
        right=("src/answer.ts",),
        wishes=(
            "How do I set up sign-in, variant {n}?",
            "Where do I find the audit log, plan {n}?",
        ),
        bad=lambda n: ({"query": f"variant {n}"}, [{"page": f"p{n}"}], None),
        good=lambda n: ({"query": f"variant {n}"}, [{"page": f"p{n}"}], None),
        wrong="",
        fine="On the page for administrators.",
        reaction="Hello? There is no answer.",
        times=4,
    ),
    ToolFault(
        name="bank-down",
        layout="Python, @function_tool",
        files={"bank/tools.py": DOWN},
        tool="exchange_rate",
        right=(),
        wishes=("How much is the dollar today, case {n}?", "Rate of the yen, case {n}?"),
        bad=lambda n: (
            {"currency": ("USD", "JPY")[n % 2]},
            None,
            "ServiceUnavailable: 503 from the bank, maintenance",
        ),
        good=lambda n: ({"currency": ("USD", "JPY")[n % 2]}, 1.1, None),
        wrong="I cannot get the rate at the moment.",
    ),
)
