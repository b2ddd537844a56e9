"""A monorepo as teams have them: two agents, two languages, owners, a template, a history.

A hotel group's support agent is Python with prompts in Markdown; its booking agent is TypeScript
with its tools in YAML. Thresholds stand in YAML with comments, limits in TOML, and the settings of
a fine-tuned model in a Weights & Biases file. Everything is invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from tests.loop import git

SUPPORT_PROMPT = """\
# Support agent

You help guests of Harbour Stays, a group of small hotels, with stays that they have booked.

## Style

- Write as a receptionist would: friendly, short, no exclamation marks.
- Answer in the guest's language.

## Looking up a booking

- Look a booking up before you say anything about it.
- Never read out payment details.

## Cancelling a stay

- A stay can be cancelled until the day before arrival.
- Cancel only the booking that the guest names.

## Invoices

- Send an invoice only to the address that stands in the booking.
"""
SUPPORT_TOOLS = '''\
"""Tools of the support agent."""

from __future__ import annotations

from support.backend import Backend, tool

backend = Backend()


@tool
def find_booking(reference: str) -> dict[str, object]:
    """Look a booking up by its reference."""
    if not reference.isalnum():
        raise ValueError("a booking reference has letters and digits only")
    return backend.booking(reference.upper())


@tool
def cancel_booking(reference: str) -> dict[str, object]:
    """Cancel a booking and charge the fee that applies."""
    return backend.cancel(reference.upper())


@tool
def send_invoice(reference: str) -> dict[str, object]:
    """Send the invoice of a stay to the address in the booking."""
    return backend.invoice(reference.upper())
'''
SUPPORT_BACKEND = '''\
"""The hotel's booking system, as far as the support agent may use it."""

from __future__ import annotations

from collections.abc import Callable

TOOLS: list[Callable[..., object]] = []


def tool(function: Callable[..., object]) -> Callable[..., object]:
    TOOLS.append(function)
    return function


class Backend:
    def booking(self, reference: str) -> dict[str, object]:
        return {"reference": reference, "state": "confirmed", "cancellation_fee_eur": 40}

    def cancel(self, reference: str) -> dict[str, object]:
        return {"reference": reference, "state": "cancelled", "charged_eur": 40}

    def invoice(self, reference: str) -> dict[str, object]:
        return {"reference": reference, "sent": True}
'''
SUPPORT_TEST = '''\
"""Run by `make test` and by Debrief on every change of the support agent's code."""

from support.tools import cancel_booking, find_booking

assert find_booking("HS4711")["state"] == "confirmed"
assert cancel_booking("hs4711")["state"] == "cancelled"
'''
THRESHOLDS = """\
# Agreed with finance on 2026-06-02. Change only by pull request.
refund:
  # A person checks a refund that scores at least this.
  review: 0.50
  # Above this it is never paid out without a second person.
  second_person: 0.90
"""
SUPPORT_LIMITS = """\
[model]
name = "claude-haiku-5-5"
temperature = 0.2

[limits]
max_steps = 12  # calls of the model for one message
"""
BOOKING_PROMPT = """\
# Booking agent

You help guests of Harbour Stays to find a room, and you draft the confirmation for the front desk.

## Finding a room

- Ask for arrival, departure and number of guests before you search.
- Offer at most three rooms.

## Confirmation e-mails

- State arrival, departure, room and price.
- At most 150 words.
"""
BOOKING_TOOLS = """\
# Read by src/tools.ts at start-up.
tools:
  - name: search_rooms
    description: Search free rooms.
    parameters:
      type: object
      properties:
        arrival:
          type: string
          description: Day of arrival.
        nights:
          type: integer
          description: Number of nights.
      required: [arrival, nights]
  - name: describe_room
    description: Get the full description of one room.
    parameters:
      type: object
      properties:
        room_id: {type: string, description: Id of the room from search_rooms.}
      required: [room_id]
"""
BOOKING_AGENT = """\
import { readFileSync } from "node:fs";
import { settings } from "./settings";
import { tools } from "./tools";

const instructions = readFileSync("agents/booking/prompts/booking.md", "utf8");

export async function answer(client: Client, messages: Message[]): Promise<Message> {
  return client.chat({
    model: settings.model,
    system: instructions,
    maxTokens: settings.max_tokens,
    tools,
    messages,
  });
}
"""
BOOKING_CONFIG = """\
# Sweep of 2026-05, run harbour/booking/3k2f; kept in step with the deployed model.
wandb_version: 1
model:
  desc: fine-tuned base
  value: booking-7b-v4
max_tokens:
  desc: longest answer, in tokens
  value: 256
temperature:
  desc: sampling
  value: 0.3
"""
SETTINGS = """\
version: 1
agents:
  - name: support
    task: Answer guests about stays that they have booked.
    done_when: The guest has what they asked for, or knows why not.
    prompts: [agents/support/prompts/*.md]
    harness: [agents/support/support/*.py]
    configs: [agents/support/limits.toml]
    thresholds: [config/thresholds.yaml]
    check: PYTHONPATH=agents/support python3 agents/support/tests/smoke.py
  - name: booking
    task: Find rooms, and draft confirmations for the front desk.
    done_when: The guest has an offer, or the front desk a draft.
    prompts: [agents/booking/prompts/*.md]
    harness: [agents/booking/tools.yaml, agents/booking/src/*.ts]
    configs: [agents/booking/config-defaults.yaml]
cases: {propose: true}
dataset: {path: data/debrief, at_least: 12}
model: {budget_usd: 5}
publish: {reviewers: [alice]}
"""
OWNERS = """\
*                       @acme/platform
/agents/support/        @alice
/agents/booking/        @bob
/config/thresholds.yaml @acme/finance
"""
TEMPLATE = """\
## What does this change for guests?

## Checklist

- [ ] I ran `make test`
- [ ] The hotel managers know, if guests will notice
"""
README = """\
# Harbour Stays: agents

`agents/support` answers guests, `agents/booking` finds rooms. `make test` runs the checks.
"""
WORKFLOW = """\
name: tests
on: [pull_request]
permissions: {}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: make test
"""
FIRST: Mapping[str, str] = {
    "README.md": README,
    "Makefile": "test:\n\tPYTHONPATH=agents/support python3 agents/support/tests/smoke.py\n",
    "agents/support/support/__init__.py": "",
    "agents/support/support/backend.py": SUPPORT_BACKEND,
    "agents/support/support/tools.py": SUPPORT_TOOLS,
    "agents/support/prompts/support.md": SUPPORT_PROMPT,
    "agents/support/tests/smoke.py": SUPPORT_TEST,
    "agents/support/limits.toml": SUPPORT_LIMITS,
    ".github/workflows/tests.yml": WORKFLOW,
}
BOOKING: Mapping[str, str] = {
    "agents/booking/package.json": '{"name": "booking", "private": true}\n',
    "agents/booking/src/agent.ts": BOOKING_AGENT,
    "agents/booking/tools.yaml": BOOKING_TOOLS,
    "agents/booking/prompts/booking.md": BOOKING_PROMPT,
    "agents/booking/config-defaults.yaml": BOOKING_CONFIG,
    ".github/CODEOWNERS": OWNERS,
    ".github/PULL_REQUEST_TEMPLATE.md": TEMPLATE,
}
RULES: Mapping[str, str] = {
    "config/thresholds.yaml": THRESHOLDS,
    ".github/debrief.yml": SETTINGS,
}
COMMITS = (
    (200, "Support agent for booked stays", FIRST),
    (150, "Booking agent, owners and a pull request template", BOOKING),
    (90, "Thresholds agreed with finance, Debrief's settings", RULES),
)
"""Days before the first cycle, message and files of each commit."""


def a_realistic_repository(
    path: Path, *, now: datetime, changed: Mapping[str, str] | None = None
) -> Path:
    """The repository at `path`; `changed` files (path to text) replace those of its last commit."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch", "main")
    for number, (days, message, files) in enumerate(COMMITS, start=1):
        last = dict(changed or {}) if number == len(COMMITS) else {}
        for name, text in ({**files, **last}).items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text(text)
        at = now - timedelta(days=days)
        git(path, "add", "--all", at=at)
        git(path, "commit", "--quiet", "--message", message, at=at)
    return path
