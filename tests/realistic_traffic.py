"""Simulated conversations with the two agents of `tests/realistic_repository.py`, day by day.

Each fault shows for as long as the files say what causes it, and ends with the file that mends it:
so what a cycle proposes, a person merges and a later cycle measures hangs together. Nobody real
wrote any of it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.loop import write_lines
from tests.realistic_repository import BOOKING_PROMPT, SUPPORT_PROMPT

NO_FEE_SAID = "Your stay is cancelled."
BAD_REFERENCE = "ValueError: a booking reference has letters and digits only"
BAD_DATE = "invalid arrival: expected YYYY-MM-DD"
DOWN = "503 service unavailable: the invoice service does not answer"
OPENINGS = (
    "What a pleasure to hear from you!",
    "I hope this finds you well.",
    "We hope that autumn is treating you kindly.",
    "It was lovely to speak to your office.",
)
WISHES: Mapping[str, tuple[str, ...]] = {
    "cancel": (
        "Please cancel my stay, booking {ref}.",
        "I have to cancel the stay under {ref}, something came up.",
        "Our trip is off. Cancel booking {ref} for us please.",
    ),
    "lookup": (
        "Can you check what is booked under {ref}?",
        "Which dates do I have in booking {ref}?",
        "Please look at my booking {ref} and tell me the dates.",
    ),
    "invoice": (
        "I need the invoice for my stay {ref}.",
        "Could you send me the invoice of booking {ref}? My company asks for it.",
        "The invoice for {ref} has not arrived, send it again please.",
    ),
    "late": (
        "Can I have a late checkout on my last day, booking {ref}?",
        "We would like a late checkout at two in the afternoon, {ref}.",
        "Is a late checkout possible for {ref}? Our train leaves in the evening.",
    ),
    "room": (
        "Do you have a room from {date} for {n} nights?",
        "I look for a free room, arrival {date}, {n} nights, two guests.",
        "Which rooms are free from {date} for {n} nights?",
    ),
}
CITIES = ("Hamburg", "Kiel", "Rostock", "Bremen", "Emden")


@dataclass(frozen=True, kw_only=True)
class World:
    """What the agents run on: the files that are live."""

    support: str = SUPPORT_PROMPT
    booking: str = BOOKING_PROMPT
    threshold: float = 0.5
    max_tokens: int = 256
    fee_is_named: bool = False
    reference_is_cleaned: bool = False
    date_is_described: bool = False
    invoices_are_down: bool = False


def world_of(repo: Path, *, invoices_are_down: bool = False) -> World:
    """Read what a deployment of `repo` would run on."""
    texts = {
        name: (repo / path).read_text()
        for name, path in {
            "support": "agents/support/prompts/support.md",
            "booking": "agents/booking/prompts/booking.md",
            "tools": "agents/support/support/tools.py",
            "schema": "agents/booking/tools.yaml",
            "thresholds": "config/thresholds.yaml",
            "config": "agents/booking/config-defaults.yaml",
        }.items()
    }
    number = texts["config"].split("max_tokens:")[1].split("value: ")[1].split()[0]
    return World(
        support=texts["support"],
        booking=texts["booking"],
        threshold=float(texts["thresholds"].split("review: ")[1].split()[0]),
        max_tokens=int(number),
        fee_is_named="name the fee" in texts["support"],
        reference_is_cleaned="a sign such as #" in texts["tools"],
        date_is_described="YYYY-MM-DD" in texts["schema"],
        invoices_are_down=invoices_are_down,
    )


def import_days(
    debrief: Any, folder: Path, world: World, *, first: datetime, days: int, now: datetime
) -> None:
    """Simulate `days` days from `first` on and read them into the store."""
    conversations: list[Mapping[str, Any]] = []
    events: list[Mapping[str, Any]] = []
    traces: list[Mapping[str, Any]] = []
    for number in range(days):
        day = first + timedelta(days=number)
        drawn = random.Random(day.toordinal())  # noqa: S311 - simulated, no secret
        conversations += _support(world, day, drawn)
        conversations += _booking(world, day, drawn)
        events += _refunds(world, day, drawn)
        traces += _descriptions(world, day, drawn)
    name = f"{first:%Y%m%d}"
    files = (
        write_lines(folder / f"{name}.jsonl", conversations),
        write_lines(folder / f"{name}-events.jsonl", events),
        write_lines(folder / f"{name}.otlp.jsonl", traces),
    )
    done = debrief("import", *files, now=now)
    assert done.code == 0, done.err + done.out


# -- the support agent -----------------------------------------------------------------------------


def _support(world: World, day: datetime, drawn: random.Random) -> Iterator[Mapping[str, Any]]:
    wishes = ["cancel"] * 3 + ["lookup"] * 3 + ["invoice"] * 2 + ["late"] * 2
    for number, wish in enumerate(wishes):
        at = day + timedelta(hours=7, minutes=40 * number)
        plain = f"HS{drawn.randrange(1000, 9999)}"
        # Guests copy the reference with the sign that the e-mail puts before it.
        ref = f"#{plain}" if drawn.random() < 0.4 else plain
        said = drawn.choice(WISHES[wish]).format(ref=ref)
        talk = [_says("user", said, at)]
        is_refused = "#" in ref and not world.reference_is_cleaned
        looked = _call("find_booking", {"reference": ref}, at)
        if is_refused and wish in {"lookup", "invoice"}:
            talk += [*looked, _fails("find_booking", BAD_REFERENCE, at)]
            talk.append(_says("assistant", "I cannot find that booking.", at))
            success = False
        else:
            talk += _call("find_booking", {"reference": plain}, at)
            talk.append(_gives("find_booking", {"state": "confirmed", "fee": 40}, at))
            ending, success = _ending(world, wish, plain, at, drawn)
            talk += ending
        yield {
            "id": f"s-{day:%m%d}-{number}",
            "agent": "support",
            "user_id": f"guest-{drawn.randrange(900)}",
            "start_time": at.isoformat(),
            "messages": [{"role": "system", "content": world.support}, *talk],
            "outcome": {"success": success},
        }


def _ending(
    world: World, wish: str, ref: str, at: datetime, drawn: random.Random
) -> tuple[list[Mapping[str, Any]], bool]:
    """What follows the look at the booking, and whether the guest got what they wanted."""
    talk: list[Mapping[str, Any]] = []
    if wish == "cancel" and (world.fee_is_named or drawn.random() < 0.35):
        talk.append(_says("assistant", "That costs a fee of 40 euros. Shall I cancel it?", at))
    elif wish == "cancel":
        talk += _call("cancel_booking", {"reference": ref}, at)
        talk.append(_gives("cancel_booking", {"state": "cancelled", "charged": 40}, at))
        talk.append(_says("assistant", NO_FEE_SAID, at))
        return talk, False
    elif wish == "invoice":
        talk += _call("send_invoice", {"reference": ref}, at)
        if world.invoices_are_down and drawn.random() < 0.95:
            talk.append(_fails("send_invoice", DOWN, at))
            talk.append(_says("assistant", "The invoice could not be sent.", at))
            return talk, False
        talk.append(_gives("send_invoice", {"sent": True}, at))
        talk.append(_says("assistant", "The invoice is on its way to the booking's address.", at))
    elif wish == "late":
        talk.append(_says("assistant", "I have noted it; the hotel confirms on the day.", at))
    else:
        talk.append(_says("assistant", f"Booking {ref} is confirmed for two nights.", at))
    return talk, drawn.random() > 0.04


def _refunds(world: World, day: datetime, drawn: random.Random) -> Iterator[Mapping[str, Any]]:
    """Decisions whether a refund is checked by a person; what scores under 0.6 needs no check."""
    for number in range(10):
        at = day + timedelta(hours=8, minutes=30 * number)
        score = round(world.threshold + (0.95 - world.threshold) * drawn.random(), 3)
        about = {
            "agent": "support",
            "conversation_id": f"refund-{day:%m%d}-{number}",
            "user_id": f"guest-{drawn.randrange(900)}",
        }
        yield {
            "event": "debrief.decision",
            **about,
            "at": at.isoformat(),
            "id": f"d-{day:%m%d}-{number}",
            "action": "review",
            "confidence": score,
            "threshold.name": "refund.review",
            "threshold.value": world.threshold,
            "input.hash": f"h-{day:%m%d}-{number}",
        }
        if drawn.random() < 0.9:
            yield {
                "event": "debrief.response",
                **about,
                "at": (at + timedelta(hours=4)).isoformat(),
                "decision.id": f"d-{day:%m%d}-{number}",
                "action": "approve" if score >= 0.6 else "dismiss",
                "responder.id": "finance-1",
            }


# -- the booking agent -----------------------------------------------------------------------------


def _booking(world: World, day: datetime, drawn: random.Random) -> Iterator[Mapping[str, Any]]:
    for number in range(4):
        at = day + timedelta(hours=9, minutes=50 * number)
        arrival = day + timedelta(days=30 + drawn.randrange(40))
        said = drawn.choice(WISHES["room"]).format(date=f"{arrival:%d %B}", n=drawn.randrange(1, 6))
        local = drawn.random() < 0.3 and not world.date_is_described
        given = {"arrival": f"{arrival:%d.%m.%Y}" if local else f"{arrival:%Y-%m-%d}", "nights": 2}
        talk = [_says("user", said, at), *_call("search_rooms", given, at)]
        if local:
            talk.append(_fails("search_rooms", BAD_DATE, at))
            talk.append(_says("assistant", "I could not search for rooms.", at))
        else:
            talk.append(_gives("search_rooms", {"rooms": ["sea-2", "yard-4"]}, at))
            talk.append(_says("assistant", "Two rooms are free: one to the sea, one quiet.", at))
        yield {
            "id": f"b-{day:%m%d}-{number}",
            "agent": "booking",
            "user_id": f"visitor-{drawn.randrange(900)}",
            "start_time": at.isoformat(),
            "messages": [{"role": "system", "content": world.booking}, *talk],
            "outcome": {"success": not local},
        }
    for number in range(2):
        yield _draft(world, day, number, drawn)


def _draft(world: World, day: datetime, number: int, drawn: random.Random) -> Mapping[str, Any]:
    """A confirmation that the front desk takes as it is or corrects."""
    at = day + timedelta(hours=15, minutes=20 * number)
    city = drawn.choice(CITIES)
    body = f"Your two nights in {city} are confirmed from {day:%d %B}. The room costs 210 euros."
    is_corporate = number == 0
    draft = f"{drawn.choice(OPENINGS)} {body}"
    about = {
        "segment.guest_tier": "corporate" if is_corporate else "private",
        "reviewer.id": f"desk-{drawn.randrange(1, 4)}",
        "at": (at + timedelta(minutes=30)).isoformat(),
    }
    event: Mapping[str, Any] = {"event": "debrief.review", "action": "accepted", **about}
    if is_corporate and drawn.random() < 0.85:
        texts = {"original": draft, "corrected": body}
        event = {"event": "debrief.correction", **texts, **about}
    return {
        "id": f"m-{day:%m%d}-{number}",
        "agent": "booking",
        "user_id": f"visitor-{drawn.randrange(900)}",
        "start_time": at.isoformat(),
        "messages": [
            {"role": "system", "content": world.booking},
            _says("user", f"Draft the confirmation e-mail for two nights in {city}.", at),
            _says("assistant", draft, at),
        ],
        "events": [event],
    }


def _descriptions(world: World, day: datetime, drawn: random.Random) -> Iterator[Mapping[str, Any]]:
    """Descriptions of rooms, as an exporter sends them, with the reason why an answer ended."""
    for number in range(3):
        at = day + timedelta(hours=17, minutes=15 * number)
        size = int(700 * drawn.lognormvariate(0, 0.5))
        most = world.max_tokens * 4
        text = ("The room looks to the harbour and has a desk. " * 200)[: min(size, most)]
        reason = "length" if size > most else "stop"
        asked = "Describe the room to the sea as fully as you can."
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.conversation.id": f"r-{day:%m%d}-{number}",
            "gen_ai.agent.name": "booking",
            "gen_ai.request.model": "booking-7b-v4",
            "user.id": f"visitor-{drawn.randrange(900)}",
            "gen_ai.system_instructions": [{"type": "text", "content": world.booking}],
            "gen_ai.input.messages": [_part("user", asked)],
            "gen_ai.output.messages": [{**_part("assistant", text), "finish_reason": reason}],
        }
        start = int(at.timestamp()) * 1_000_000_000
        span = {
            "traceId": f"{day.toordinal():016x}{number:016x}",
            "spanId": f"{day.toordinal() * 10 + number:016x}",
            "name": "chat",
            "kind": 3,
            "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(start + 3_000_000_000),
            "attributes": [_attribute(key, value) for key, value in attributes.items()],
        }
        yield {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span]}]}]}


# -- messages --------------------------------------------------------------------------------------


def _says(role: str, text: str, at: datetime) -> Mapping[str, Any]:
    return {"role": role, "content": text, "timestamp": at.isoformat()}


def _call(tool: str, arguments: Mapping[str, Any], at: datetime) -> list[Mapping[str, Any]]:
    call = {"id": f"c-{tool}", "name": tool, "arguments": arguments}
    return [{"role": "assistant", "tool_calls": [call], "timestamp": at.isoformat()}]


def _gives(tool: str, result: Mapping[str, Any], at: datetime) -> Mapping[str, Any]:
    done = {"role": "tool", "tool_call_id": f"c-{tool}", "name": tool}
    return {**done, "content": json.dumps(result), "timestamp": at.isoformat()}


def _fails(tool: str, error: str, at: datetime) -> Mapping[str, Any]:
    done = {"role": "tool", "tool_call_id": f"c-{tool}", "name": tool}
    return {**done, "error": error, "timestamp": at.isoformat()}


def _part(role: str, text: str) -> Mapping[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _attribute(key: str, value: object) -> Mapping[str, Any]:
    text = value if isinstance(value, str) else json.dumps(value)
    return {"key": key, "value": {"stringValue": text}}
