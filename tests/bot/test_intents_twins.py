"""Groups that end in the same action."""

from __future__ import annotations

import numpy as np

from bot.intents.embedding import embed_documents
from bot.intents.text import Document
from bot.intents.twins import join_twins
from tests.bot.intents_built import a_document

REASONS = ("it is too small", "my cat broke it", "of its colour", "it is late", "I moved", "no use")
EXCHANGE = ("find_order", "exchange_items")


def some(text: str, first: int, *tools: str) -> list[Document]:
    return [
        a_document(f"{text} because {REASONS[n % 6]}", first + n, tools=tools) for n in range(12)
    ]


LAPTOPS = some("I want to exchange my laptop, the old laptop", 0, *EXCHANGE)
JACKETS = some("I want to exchange my jacket, the old jacket", 20, *EXCHANGE)
ADDRESSES = some("Please send the parcel to my new house", 40, "find_order", "update_address")
OTHERS = (
    some("How much does a parcel to Oslo cost", 200),
    some("My password is forgotten and I cannot log in", 220),
    some("Cancel the subscription to the paper", 240, "cancel_subscription"),
)


def joined(*own: list[Document]) -> list[list[int]]:
    """Which of `own` are in each group that is left, beside those of other wishes."""
    groups = (*own, *OTHERS)
    documents = [document for group in groups for document in group]
    number = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    rows = [np.flatnonzero(number == one) for one in range(len(groups))]
    found = join_twins(documents, embed_documents(documents), rows)
    assert sorted(np.concatenate(found).tolist()) == [*range(len(documents))]
    left = [sorted({int(one) for one in number[rows]}) for rows in found]
    return [one for one in left if one[0] < len(own)]


def test_two_groups_that_say_and_get_the_same_are_one():
    assert joined(ADDRESSES, LAPTOPS, JACKETS) == [[1, 2], [0]]


def test_groups_without_tools_stay():
    without = [some(own[0].text, 100 + 20 * at) for at, own in enumerate((LAPTOPS, JACKETS))]

    assert joined(ADDRESSES, *without) == [[0], [1], [2]]


def test_a_tool_that_nobody_speaks_of_joins_nothing():
    laptops = some("My laptop broke, the old laptop", 0, "find_order", "transfer_to_human")
    jackets = some("My jacket is torn, the old jacket", 20, "find_order", "transfer_to_human")

    assert joined(ADDRESSES, laptops, jackets) == [[0], [1], [2]]


def test_a_tool_that_others_call_as_well_joins_nothing():
    texts = ("My parcel is late", "Where is the manual", "An invoice with a number", "Hire a guide")
    callers = [some(text, 40 + 20 * at, *EXCHANGE) for at, text in enumerate(texts)]

    assert joined(LAPTOPS, JACKETS, *callers) == [[one] for one in range(6)]


def test_a_tool_that_only_looks_something_up_joins_nothing():
    laptops = some("I want to find my laptop, the old laptop", 0, "find_order")
    jackets = some("I want to find my jacket, the old jacket", 20, "find_order")
    addresses = some("Please send the parcel to my new house", 40, "update_address")

    assert joined(addresses, laptops, jackets) == [[0], [1], [2]]


def test_one_tool_for_unlike_wishes_leaves_them_apart():
    streets = some("I want to update where my parcels go, a new street", 0, "update_account")
    secrets = some("Update the secret word for the login page, hacked", 20, "update_account")

    assert joined(streets, secrets) == [[0], [1]]
