"""Documents and replies for the tests of the intent stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.intents import Document
from bot.records import Ask, ModelCost, RenderedPrompt, Reply, Skipped, short_hash

NOW = datetime(2026, 11, 21, tzinfo=UTC)

WISHES = {
    "cancel": "I want to cancel my flight because {}",
    "password": "I forgot my password and need to reset my password, {}",
    "parcel": "Where is my parcel, the delivery of the parcel is late, {}",
}
REASONS = (
    "I am ill",
    "plans changed",
    "the weather is bad",
    "my boss said so",
    "a wedding was moved",
    "it was a mistake",
    "my cat is sick",
    "we moved house",
    "the price went down",
    "it is urgent",
    "I lost my phone",
    "nobody answered before",
)


def a_document(text: str, number: int = 0, **changes: Any) -> Document:
    fields: dict[str, Any] = {
        "agent": "support",
        "conversation_id": f"c-{number}",
        "unit": f"u-{number}",
        "text": text,
        "tools": (),
    } | changes
    sha = short_hash(fields["agent"], fields["conversation_id"], length=16)
    return Document(**fields, sha=sha)


def some_documents(
    wishes: Sequence[str] = tuple(WISHES), *, each: int = 12, agent: str = "support"
) -> list[Document]:
    """`each` conversations of different users for each kind of wish."""
    texts = [WISHES[wish].format(REASONS[i % 12]) for wish in wishes for i in range(each)]
    return [a_document(text, number, agent=agent) for number, text in enumerate(texts)]


def a_reply(**changes: Any) -> dict[str, Any]:
    return {
        "coherent": True,
        "name": "call off a booked trip",
        "definition": "The user no longer travels and wants the booking ended.",
        "include": ["asks to end a booking"],
        "exclude": ["asks to move a booking to another day"],
    } | changes


def replies(reply_to: Callable[[RenderedPrompt], dict[str, Any] | Skipped]) -> Ask:
    """An `Ask` that answers by `reply_to` and costs one cent a call."""

    def ask(prompt: RenderedPrompt) -> Reply | Skipped:
        data = reply_to(prompt)
        if isinstance(data, Skipped):
            return data
        cost = ModelCost(calls=1, input_tokens=100, output_tokens=10, usd=0.01)
        return Reply(text="", data=data, model="scripted", stop_reason="end_turn", cost=cost)

    return ask
