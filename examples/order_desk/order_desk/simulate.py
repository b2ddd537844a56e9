"""Simulated customers, reviewers and a simulated model for the three agents of the order desk.

The model is a script with a seed, and its behaviour depends on the files of the repository:

- `support` fails to cancel orders because `prompts/support.md` never says to ask which order;
- `outreach` opens with small talk, and the account manager removes it for C-level readers, until
  `prompts/outreach.md` has a rule that says so;
- `fraud-desk` flags every order from the score in `config/thresholds.yaml` on, and the risk team
  dismisses nearly everything below 0.60.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from order_desk.telemetry import Telemetry, text

VERSION = "2026.10"


@dataclass(frozen=True)
class Errand:
    """What a customer may want, in several wordings, and how often it goes wrong."""

    share: float
    fails: float
    wordings: tuple[str, ...]
    answer: str


ERRANDS = {
    "track": Errand(
        0.34,
        0.12,
        (
            "Where is my order {order}? It should have arrived by now.",
            "Can you track parcel {order} with the {item} for me",
            "any news about when {order} arrives?",
            "My {item} has not arrived yet, where is the parcel?",
            "When will the parcel with my {item} arrive?",
            "The tracking of {order} has not moved for days, where is my parcel",
        ),
        "Order {order} has left our warehouse and is on its way to you.",
    ),
    "cancel": Errand(
        0.22,
        0.46,
        (
            "I want to cancel my order of the {item}",
            "Please cancel the order I placed yesterday",
            "cancel my order please, I ordered the wrong {item}",
            "How do I cancel an order? I changed my mind about the {item}",
            "I need you to cancel the order for the {item}",
            "Stop my order, I want to cancel it before it ships",
        ),
        "I have cancelled the order. The money goes back to your card within five working days.",
    ),
    "address": Errand(
        0.16,
        0.14,
        (
            "Can I change the delivery address of order {order}?",
            "I moved house, please send the {item} to my new address",
            "wrong street in the delivery address of {order}, please correct the address",
            "Need to update the address for my {item}",
            "The address on order {order} is my old one, change the address please",
        ),
        "I have changed the delivery address of order {order}.",
    ),
    "return": Errand(
        0.16,
        0.13,
        (
            "I would like to return the {item} and get a refund",
            "The {item} is broken, how do I return it and get a refund?",
            "How can I send back a {item} I don't like? I want a refund",
            "I want to return the {item}, it does not fit my room",
            "Refund please, the {item} flickers and I want to return it",
        ),
        "You can return the lamp within 30 days. I have sent you a label for the parcel.",
    ),
    "invoice": Errand(
        0.12,
        0.10,
        (
            "Please send me the invoice for order {order}",
            "I need an invoice with VAT for the {item}",
            "can I get a copy of the invoice, order {order}",
            "Where do I find the invoice of my {item}?",
            "The invoice of {order} lacks our VAT number, please send a new invoice",
        ),
        "I have sent the invoice of order {order} to the address on the account.",
    ),
}
ITEMS = ("desk lamp", "floor lamp", "reading light", "ceiling light", "bedside lamp", "spotlight")
ASIDES = ("", "", "", " It is a present.", " I am in a bit of a hurry.", " Thanks in advance!")


@dataclass(frozen=True)
class Contact:
    level: str
    opening: str
    removed: float
    """How often the account manager removes the opening."""


OPENINGS = (
    "I hope this message finds you well and that your week is going smoothly.",
    "What a wonderful autumn it has been so far for the hotel business!",
    "I just saw the pictures of your new lobby and had to smile.",
    "Congratulations on another exciting season at your company!",
)
BODIES = (
    "We are Lumen Lamps and supply hotels with reading lamps that guests do not steal. You open "
    "a house in {city} in spring. May I send you two samples?",
    "We are Lumen Lamps, a supplier of office lamps. Your {city} office moves next quarter, and "
    "good light is cheaper before the desks are in. Shall we talk on Tuesday?",
    "Lumen Lamps makes lamps for lobbies. Your house in {city} is being renovated. Which day suits "
    "you for a short call?",
)
CITIES = ("Porto", "Ghent", "Turin", "Lyon", "Graz", "Bergen")
LEVELS = (("c_level", 0.35), ("manager", 0.4), ("buyer", 0.25))


def in_working_hours(day: datetime, random: Random) -> datetime:
    return day + timedelta(hours=8, seconds=random.randrange(10 * 3600))


def support_day(day: datetime, repo: Path, random: Random, to: Telemetry) -> None:
    """Some customers write; `support` answers, and the shop knows whether it worked."""
    system = (repo / "prompts/support.md").read_text()
    asks_which_order = re.search(r"(which order|order number|order id)", system, re.I) is not None
    for _ in range(random.randint(13, 18)):
        name = random.choices(list(ERRANDS), [errand.share for errand in ERRANDS.values()])[0]
        errand = ERRANDS[name]
        fails = 0.15 if name == "cancel" and asks_which_order else errand.fails
        one_conversation(day, name, errand, random.random() < fails, system, random, to)


def one_conversation(
    day: datetime,
    name: str,
    errand: Errand,
    failed: bool,
    system: str,
    random: Random,
    to: Telemetry,
) -> None:
    at = in_working_hours(day, random)
    ids = {
        "conversation_id": f"s-{day:%m%d}-{random.getrandbits(32):08x}",
        "user_id": f"customer-{random.randrange(2500)}",
    }
    order = f"L-{random.randrange(10000, 99999)}"
    words = random.choice(errand.wordings).format(order=order, item=random.choice(ITEMS))
    history: list[dict[str, Any]] = [text("user", words + random.choice(ASIDES))]

    def reply(answer: dict[str, Any], seconds: float) -> None:
        nonlocal at
        ended = at + timedelta(seconds=seconds)
        answer = {**answer, "finish_reason": answer.get("finish_reason", "stop")}
        to.chat(**ids, system=system, history=history, answer=answer, started=at, ended=ended)
        history.append(answer)
        at = ended + timedelta(seconds=random.randint(8, 60))

    call = {"type": "tool_call", "id": f"call_{random.getrandbits(32):08x}", "name": "find_order"}
    if name == "cancel" and failed:
        # The assistant guesses an order; the customer notices.
        call["arguments"] = {"customer": "unknown"}
        found: dict[str, Any] = {"error": "more than one order matches"}
    else:
        call["arguments"] = {"order": order}
        found = {"order": order, "status": "shipped" if name == "track" else "open"}
    reply({"role": "assistant", "parts": [call], "finish_reason": "tool_call"}, 1.5)
    to.tool(
        conversation_id=ids["conversation_id"],
        name="find_order",
        call_id=call["id"],
        arguments=call["arguments"],
        result=found,
        started=at,
        ended=at + timedelta(seconds=0.3),
    )
    response = {"type": "tool_call_response", "id": call["id"], "response": found}
    history.append({"role": "tool", "parts": [response]})
    if not failed:
        reply(text("assistant", errand.answer.format(order=order)), 2)
        history.append(text("user", random.choice(("Thank you!", "Great, thanks", "Perfect"))))
        reply(text("assistant", "You are welcome. Anything else?"), 1)
    elif name == "cancel":
        reply(text("assistant", "I have cancelled your latest order."), 2)
        history.append(text("user", "No, that was the wrong order! I meant the other one."))
        reply(text("assistant", "I am sorry. I cannot undo the cancellation."), 2)
        if random.random() < 0.5:
            history.append(text("user", "Then let me talk to a human please"))
            reply(text("assistant", "I will hand you over to a colleague."), 1)
    else:
        reply(text("assistant", "I am afraid I cannot find that."), 2)
        history.append(text("user", random.choice(("That does not help.", "Hm, and now?"))))
        reply(text("assistant", "I am sorry that I could not help."), 1)
    outcome = {"debrief.outcome.name": "failure" if failed else "success"}
    keys = {"gen_ai.conversation.id": ids["conversation_id"], "user.id": ids["user_id"]}
    to.event("debrief.outcome", {**keys, **outcome}, at=at)


def outreach_day(day: datetime, repo: Path, random: Random, to: Telemetry) -> None:
    """`outreach` drafts mails; the account manager accepts or edits every one."""
    system = (repo / "prompts/outreach.md").read_text()
    rule = re.search(r"c[_ -]level.*opening|opening.*c[_ -]level", system, re.I)
    for _ in range(random.randint(3, 5)):
        at = in_working_hours(day, random)
        level = random.choices([name for name, _ in LEVELS], [share for _, share in LEVELS])[0]
        obeys = level == "c_level" and rule is not None and random.random() < 0.95
        body = random.choice(BODIES).format(city=random.choice(CITIES))
        draft = body if obeys else f"{random.choice(OPENINGS)}\n\n{body}"
        conversation = f"o-{day:%m%d}-{random.getrandbits(32):08x}"
        ask = text("user", f"Draft a mail to our contact ({level.replace('_', '-')}).")
        answer = {**text("assistant", draft), "finish_reason": "stop"}
        to.chat(
            conversation_id=conversation,
            user_id=None,
            system=system,
            history=[ask],
            answer=answer,
            started=at,
            ended=at + timedelta(seconds=4),
        )
        keys = {"gen_ai.conversation.id": conversation, "debrief.segment.contact_level": level}
        reviewed = at + timedelta(hours=random.uniform(0.2, 5))
        edited = level == "c_level" and not obeys and random.random() < 0.85
        if edited:
            to.event(
                "debrief.correction",
                {
                    **keys,
                    "debrief.correction.original": draft,
                    "debrief.correction.corrected": body,
                    "debrief.correction.reviewer.id": "account-manager-1",
                },
                at=reviewed,
            )
        to.event(
            "debrief.review",
            {**keys, "debrief.review.action": "edited" if edited else "accepted"},
            at=reviewed,
        )


def fraud_day(day: datetime, repo: Path, random: Random, to: Telemetry) -> None:
    """`fraud-desk` flags orders by score; the risk team approves or dismisses what it sees."""
    found = re.search(r"flag:\s*([0-9.]+)", (repo / "config/thresholds.yaml").read_text())
    threshold = float(found[1]) if found else 0.5
    for _ in range(random.randint(14, 20)):
        at = in_working_hours(day, random)
        score = round(random.betavariate(4, 3), 3)
        decision = f"f-{day:%m%d}-{random.getrandbits(32):08x}"
        to.event(
            "debrief.decision",
            {
                "user.id": f"buyer-{random.randrange(4000)}",
                "debrief.decision.id": decision,
                "debrief.decision.action": "flag" if score >= threshold else "pass",
                "debrief.decision.confidence": score,
                "debrief.decision.threshold.name": "fraud.flag",
                "debrief.decision.threshold.value": threshold,
                "debrief.decision.input.hash": f"{random.getrandbits(64):016x}",
                "debrief.decision.feature.amount": round(random.uniform(40, 900), 2),
            },
            at=at,
        )
        if score < threshold or random.random() > 0.9:
            continue
        fraud = random.random() < (0.04 if score < 0.6 else 0.88)
        to.event(
            "debrief.response",
            {
                "debrief.response.decision.id": decision,
                "debrief.response.action": "approve" if fraud else "dismiss",
                "debrief.response.responder.id": random.choice(("risk-1", "risk-2")),
            },
            at=at + timedelta(hours=random.uniform(0.5, 20)),
        )


DAY: dict[str, Callable[[datetime, Path, Random, Telemetry], None]] = {
    "support": support_day,
    "outreach": outreach_day,
    "fraud-desk": fraud_day,
}


def simulate(
    *, repo: Path, endpoint: str, start: datetime, days: int, seed: int
) -> Iterator[tuple[int, int]]:
    """Play `days` days and yield (days done, days in all) after each."""
    agents = {name: Telemetry(endpoint=endpoint, agent=name, version=VERSION) for name in DAY}
    for number in range(days):
        day = start + timedelta(days=number)
        for name, play in DAY.items():
            play(day, repo, Random(f"{seed} {name} {day:%Y-%m-%d}"), agents[name])
        yield number + 1, days
    for telemetry in agents.values():
        telemetry.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repo", type=Path, default=Path(), help="folder with prompts and config")
    parser.add_argument("--endpoint", default="http://127.0.0.1:4318", help="OTLP over HTTP")
    parser.add_argument("--from", dest="start", type=datetime.fromisoformat, required=True)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    played = simulate(
        repo=given.repo,
        endpoint=given.endpoint,
        start=given.start.astimezone(),
        days=given.days,
        seed=given.seed,
    )
    for done, total in played:
        print(f"day {done} of {total}", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
