"""A model that answers as a careful reader would: each answer follows from what is shown.

It knows the faults of `tests/realistic_traffic.py` by what they look like in a transcript, quotes
only what stands there, and says "nothing" to all else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from tests.bot.readers import effects_for, findings_for
from tests.messages_server import Answer, Asked, says
from tests.realistic_traffic import NO_FEE_SAID

RULE = "Before you cancel a stay, name the fee that the booking shows and wait for the guest's yes."
PLACE = "- Cancel only the booking that the guest names."
DESCRIPTION = "Look a booking up by its reference."
MORE = "Leave out a sign such as # before it."
LATE = "ask for a late checkout"
WISHES = {
    LATE: r"late checkout",
    "cancel a stay": r"cancel",
    "get an invoice": r"invoice",
    "find a free room": r"free room|a room from|rooms are free",
    "hear what a room is like": r"describe the room",
    "draft a confirmation": r"confirmation",
    "check a booking": r"what is booked|which dates|tell me the dates",
}
"""Name of an intent to what its users write."""


def careful(asked: Asked) -> Answer:
    """The script of `tests.messages_server.messages_server`."""
    fields = set((asked.schema or {"properties": {}})["properties"])
    for step, reply in STEPS.items():
        if step in fields:
            return says(reply(asked))
    raise AssertionError(f"nothing is scripted for {sorted(fields)}")


def _wish(text: str) -> str | None:
    return next((name for name, said in WISHES.items() if re.search(said, text, re.I)), None)


def _label(asked: Asked) -> Mapping[str, Any]:
    ids = {name: id for id, name in re.findall(r"^(\S+): (.*?)\. ", asked.user, re.MULTILINE)}
    parts = re.split(r"^\[(\d+)\] ", asked.between("conversations"), flags=re.MULTILINE)
    labels = []
    for number, text in zip(parts[1::2], parts[2::2], strict=True):
        first = text.split(" / ")[0]
        wish = _wish(first)
        known = (
            [{"id": ids[wish], "quote": _around(WISHES[wish], first)}]
            if wish is not None and wish in ids
            else []
        )
        none_fits = wish if wish and not known else ""
        labels.append({"conversation": int(number), "intents": known, "none_fits": none_fits})
    return {"labels": labels}


def _around(said: str, text: str) -> str:
    """The words in which it is said, with some more on each side: copied, never written."""
    found = re.search(rf"(?:\S+ )?(?:\S+ )?\S*(?:{said})\S*(?: \S+)?(?: \S+)?", text, re.I)
    return found[0] if found else ""


def _name(asked: Asked) -> Mapping[str, Any]:
    """Names what most members want, where that name is not taken."""
    members = asked.between("members").splitlines()
    wishes = Counter(wish for one in members if (wish := _wish(one)))
    name, most = (wishes.most_common(1) or [("", 0)])[0]
    if 2 * most <= len(members) or name in asked.between("taken"):
        return {"coherent": False, "name": "", "definition": "", "include": [], "exclude": []}
    return {
        "coherent": True,
        "name": name,
        "definition": f"The user wants to {name}.",
        "include": ["the wish is said in the first message"],
        "exclude": ["it only comes up on the way"],
    }


def _diagnose(transcript: str) -> Mapping[str, Any]:
    found = re.search(rf"^\[(\d+)\] assistant[^\n]*{re.escape(NO_FEE_SAID)}", transcript, re.M)
    if found is None:
        nothing = {"present": False, "locus": "unknown", "kind": "none", "rule": "", "quotes": []}
        return {**nothing, "paraphrase": ""}
    return {
        "present": True,
        "locus": "prompt",
        "kind": "missing_rule",
        "rule": RULE,
        "quotes": [{"turn": int(found[1]), "text": NO_FEE_SAID}],
        "paraphrase": "The agent cancelled at once and charged a fee that it had not mentioned.",
    }


def _consolidate(asked: Asked) -> Mapping[str, Any]:
    numbers = re.findall(r"^(\d+)\. \(", asked.between("findings"), re.MULTILINE)
    return {"causes": [{"rule": RULE, "findings": [int(one) for one in numbers]}]}


def _write(asked: Asked) -> Mapping[str, Any]:
    added = {"thought": "", "kind": "add_rule", "old": PLACE, "new": f"{PLACE}\n- {RULE}"}
    old = "- A stay can be cancelled until the day before arrival."
    sharper = {
        "thought": "",
        "kind": "sharpen",
        "old": old,
        "new": old[:-1] + "; name the fee first and cancel only after the guest's yes.",
    }
    return {"candidates": [added, sharper]}


def _contrast(transcript: str) -> Mapping[str, Any]:
    if "a fee of" not in transcript:
        return {"reason": "Nothing is cancelled.", "effect": "does_not_apply"}
    return {"reason": "The fee was named before.", "effect": "already_followed"}


def _mend(asked: Asked) -> Mapping[str, Any]:
    """The reference is the one argument that guests write with a sign; of all else it knows no."""
    if DESCRIPTION not in asked.user:
        return {"why_not": "No sentence here would have prevented it.", "edits": []}
    parts = re.split(r"^=== part (\d+):", asked.user, flags=re.MULTILINE)
    numbered = zip(parts[1::2], parts[2::2], strict=True)
    part = next((int(number) for number, text in numbered if DESCRIPTION in text), 1)
    edit = {"thought": "", "old": DESCRIPTION, "new": f"{DESCRIPTION} {MORE}"}
    return {"why_not": "", "edits": [{**edit, "part": part}]}


STEPS: Mapping[str, Callable[[Asked], Any]] = {
    "labels": _label,
    "coherent": _name,
    "merge": lambda asked: {"merge": [], "split": []},
    "findings": lambda asked: findings_for(asked, _diagnose),
    "causes": _consolidate,
    "candidates": _write,
    "problems": lambda asked: {"problems": []},
    "differences": lambda asked: {"differences": []},
    "effects": lambda asked: effects_for(asked, _contrast),
    "edits": _mend,
    "request": lambda asked: {"request": ""},
    "verdicts": lambda asked: {"verdicts": []},
    "outcome": lambda asked: {
        "wanted": "",
        "done": "",
        "outcome": "unclear",
        "turn": 0,
        "quote": "",
    },
}
"""By a field that only this step's schema has."""
