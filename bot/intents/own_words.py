"""Which sentences of a user are an order by which an intent is called.

Vectors put "I need to cancel my flight" among changes of flights where the rest of it speaks of
dates and fares; its own words do not. Takes intents, finds in a sentence those that it names. Costs
nothing. Where names are no English orders it finds none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from bot.intents.english import EMPTY_VERBS, LIGHT_VERBS, LINKS, PASSED_OVER
from bot.intents.wording import orders_of, scattered_orders_of, singular, words
from bot.records import Intent

JOINTS = LINKS | {"and", "or"}
"""Behind one stands another thing or another verb: "cancel a flight and get money back"."""
REFUSALS = frozenset({"don't", "never", "no", "not", "without"})
"""A sentence with one may say what is not wanted: "I do not want to cancel my flight"."""


def orders_named(intents: Iterable[Intent]) -> dict[str, str]:
    """Order ("cancel flight") to intent id, of the intents that have one for themselves."""
    orders = {one.id: _order(one.name) for one in intents}
    counted = Counter(orders.values())
    return {order: own for own, order in orders.items() if order and counted[order] == 1}


def named_in(sentence: str, orders: Mapping[str, str]) -> set[str]:
    """The intents that a sentence calls by their name, and does not refuse."""
    if not REFUSALS.isdisjoint(words(sentence)):
        return set()
    verbs = {order.partition(" ")[0] for order in orders}
    nobody = frozenset[str]()
    said = (*orders_of(sentence, verbs, nobody), *scattered_orders_of(sentence, verbs, nobody))
    return {orders[one] for one in said if one in orders}


def _order(name: str) -> str:
    """Verb and thing of a name: "cancel flight" of "cancel a booked flight for two"; empty of a
    name that is no order."""
    said = [word for word in words(re.split("[,/]", name)[0]) if word not in PASSED_OVER]
    behind = next((at for at, word in enumerate(said) if word in JOINTS), len(said))
    is_order = behind > 1 and said[0] not in LIGHT_VERBS | EMPTY_VERBS
    return f"{said[0]} {singular(said[behind - 1])}" if is_order else ""
