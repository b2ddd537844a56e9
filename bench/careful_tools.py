"""What one careful reader, writer and judge answered to the requests about faults in tools, by hand.

Written from what the requests show: the parts that may change, the files around them, the counts
and, for the reader, the transcripts. The judgement whether the diff would be merged as it is was
written with them. `BAD` are edits that nobody should merge, with what the judge said of each.
"""

# ruff: noqa: E501 - texts of programs, letter by letter

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Careful:
    """The replies about one fault, and the judgement."""

    edits: tuple[Mapping[str, Any], ...] = ()
    why_not: str = ""
    locus: str = ""
    """Of the reader, where no rule names the cause."""
    quote: str = ""
    """A pattern that finds the proof in each transcript."""
    rule: str = ""
    paraphrase: str = ""
    merge: bool
    why: str


def _edit(part: int, old: str, new: str) -> Mapping[str, Any]:
    return {"thought": "", "part": part, "old": old, "new": new}


REPLIES: Mapping[str, Careful] = {
    "date-format": Careful(
        edits=(
            _edit(1, "date: The day of the flight.", "date: The day of the flight, as YYYY-MM-DD."),
        ),
        merge=True,
        why="says the form that the code reads",
    ),
    "cents": Careful(
        locus="tool_definition",
        quote=r"Refunded [\d.]+ EUR",
        rule="Say in which unit the amount of a refund is given.",
        paraphrase="The tool took the amount in a smaller unit than the agent had meant.",
        edits=(_edit(3, "How much is refunded.", "How much is refunded, in cents."),),
        merge=True,
        why="the unit that the code reads, where the model looks for it",
    ),
    "bare-error": Careful(
        edits=(
            _edit(2, "Kind of room.", "Kind of room: single, double or suite."),
            _edit(
                4,
                '    if room not in ROOMS:\n        return {"error": "invalid request"}',
                '    if room not in ROOMS:\n        return {"error": f"room_type must be one of {\', \'.join(ROOMS)}"}',
            ),
        ),
        merge=True,
        why="names the values that the code takes; the error still says nothing, which a person may add",
    ),
    "missing-values": Careful(
        edits=(
            _edit(
                3,
                "Why the order is cancelled",
                "Why the order is cancelled: changed_mind, ordered_by_mistake or too_late",
            ),
        ),
        merge=True,
        why="the values of REASONS; quotes were added, the comment stayed",
    ),
    "endless-retry": Careful(
        edits=(
            _edit(
                1,
                """    while (true) {
      try {
        return await carrier.track(parcelId);
      } catch (error) {
        if (!carrier.isPassing(error)) {
          throw error;
        }
        await sleep(2000);
      }
    }
""",
                """    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        return await carrier.track(parcelId);
      } catch (error) {
        if (!carrier.isPassing(error)) {
          throw error;
        }
        await sleep(2000);
      }
    }
    throw new Error("the carrier does not answer now; tell the user and offer to look later");
""",
            ),
        ),
        merge=False,
        why="nearly: it ends with an error that says what to do, but waits once more after the last attempt",
    ),
    "cut-result": Careful(
        locus="harness",
        quote=r"Employees with more tha",
        rule="",
        paraphrase="The lookup gave only the beginning of what it had found, and nothing said so.",
        edits=(
            _edit(
                1,
                "    return json.dumps(sections)[:MAX_CHARS]",
                "    found = json.dumps(sections)\n"
                '    cut = " (cut; ask for less at once to see the rest)" if len(found) > MAX_CHARS else ""\n'
                "    return found[:MAX_CHARS] + cut",
            ),
        ),
        merge=True,
        why="the agent learns that there is more; a higher limit is the owner's decision",
    ),
    "grams": Careful(
        edits=(_edit(2, "Weight of the parcel", "Weight of the parcel in grams"),),
        merge=True,
        why="the unit that the limits have",
    ),
    "bad-code": Careful(
        edits=(
            _edit(
                2,
                "The booking's code",
                "The booking's code: two capital letters, a hyphen and six digits",
            ),
        ),
        merge=True,
        why="the form that the code tests, in words",
    ),
    "wrong-values": Careful(
        edits=(
            _edit(
                3,
                "One of: economy, premium, business",
                "One of: ECO (economy), PREM (premium), BIZ (business)",
            ),
        ),
        merge=True,
        why="the values that the code takes, with what they mean",
    ),
    "ean": Careful(
        edits=(_edit(2, "The article", "The article's EAN-8: eight digits"),),
        merge=True,
        why="what the code asks for",
    ),
    "says-nothing": Careful(
        edits=(
            _edit(
                1,
                """    if contract is None:
        return None
    if contract.customer_id != customer_id:
        return None
""",
                """    if contract is None:
        return {"error": "this customer has no contract of that number"}
    if contract.customer_id != customer_id:
        return {"error": "this customer has no contract of that number"}
""",
            ),
        ),
        merge=True,
        why="one sentence for both, so that nothing is told of other customers",
    ),
    "slot": Careful(
        edits=(
            _edit(3, "The new slot", "The new slot: a date as YYYY-MM-DD, a space, then AM or PM"),
            _edit(
                4,
                'throw new Error("bad slot");',
                'throw new Error("slot must be a date as YYYY-MM-DD, a space, then AM or PM");',
            ),
        ),
        merge=True,
        why="the form that the code reads",
    ),
    "order-sign": Careful(
        edits=(_edit(2, "The order id.", "The order id, with the '#' that it begins with."),),
        merge=True,
        why="what accepted calls have; the real definition says the same",
    ),
    "wrong-situation": Careful(
        locus="tool_definition",
        quote=r'"status": "cancelled", "flights": \[\]',
        rule="Say in the tool's description that it cancels the whole reservation.",
        paraphrase="The tool took away every flight although its description speaks of a single one.",
        edits=(
            _edit(
                1,
                "Cancel one flight of a reservation, the others stay.",
                "Cancel the whole reservation with all of its flights.",
            ),
        ),
        merge=True,
        why="what the tool does; the real definition says the same",
    ),
    "loop-cuts": Careful(
        locus="harness",
        quote=r"We ask you hum",
        paraphrase="The lookup broke off in the middle of a word, and the agent took it for all.",
        edits=(
            _edit(
                1,
                """            result = run_tool(call.name, call.input)
""",
                """            result = run_tool(call.name, call.input)
            if len(result) > RESULT_CHARS:
                result = result[:RESULT_CHARS] + " (cut; ask for a part to see the rest)"
""",
            ),
            _edit(
                1,
                '"content": result[:RESULT_CHARS]}',
                '"content": result[:RESULT_CHARS] + " (cut)" * (len(result) > RESULT_CHARS)}',
            ),
        ),
        merge=True,
        why="the model learns that there is more; what it may ask for is the owner's to say",
    ),
    "empty-answer": Careful(
        edits=(
            _edit(
                1,
                "  return result.text;",
                '  return result.text || "I have not found it yet. Shall I go on, or get somebody from our team?";',
            ),
        ),
        merge=False,
        why="better than silence, but the limit of steps is the cause, and that is a setting",
    ),
    "bank-down": Careful(
        why_not="The bank's service is down; nothing in this tool can change that.",
        merge=True,
        why="right: no edit of the tool brings the bank back",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bad:
    """An edit that nobody should merge, and the judge's answer where the checks let it through."""

    fault: str
    what: str
    edit: Mapping[str, Any]
    objection: Mapping[str, str] | None = None
    """None: the checks have to refuse it."""


def _says(kind: str, call: str, reason: str) -> Mapping[str, str]:
    return {"kind": kind, "call": call, "reason": reason}


BAD = (
    Bad(
        fault="grams",
        what="a wrong unit",
        edit=_edit(2, "Weight of the parcel", "Weight of the parcel in kilograms"),
        objection=_says(
            "untrue", "a parcel of one kilogram", "the code compares with grams and refuses it"
        ),
    ),
    Bad(
        fault="grams",
        what="a limit taken out",
        edit=_edit(
            4,
            "if (weight < MIN_WEIGHT_G || weight > MAX_WEIGHT_G) {",
            "if (weight < MIN_WEIGHT_G) {",
        ),
    ),
    Bad(
        fault="grams",
        what="every weight taken for kilograms",
        edit=_edit(
            4, "return rates.quote(weight / 1000, country);", "return rates.quote(weight, country);"
        ),
    ),
    Bad(
        fault="says-nothing",
        what="the record of another customer given out",
        edit=_edit(
            1,
            "    if contract.customer_id != customer_id:\n        return None\n",
            "    if contract.customer_id != customer_id:\n        pass\n",
        ),
    ),
    Bad(
        fault="says-nothing",
        what="it tells whose contract it is",
        edit=_edit(
            1,
            "    if contract.customer_id != customer_id:\n        return None\n",
            '    if contract.customer_id != customer_id:\n        return {"error": "the contract belongs to another customer"}\n',
        ),
        objection=_says(
            "loosens", "a number of somebody else", "it now says that the contract exists"
        ),
    ),
    Bad(
        fault="missing-values",
        what="the check of reasons taken out",
        edit=_edit(
            4,
            "    if reason not in REASONS:\n        raise ValueError",
            "    if not reason:\n        raise ValueError",
        ),
    ),
    Bad(
        fault="missing-values",
        what="a value that the code does not take",
        edit=_edit(
            3,
            "Why the order is cancelled",
            "Why the order is cancelled: changed_mind, defective or too_late",
        ),
        objection=_says(
            "untrue", "reason defective", "REASONS does not have it, so the call is refused"
        ),
    ),
    Bad(
        fault="endless-retry",
        what="every error hidden",
        edit=_edit(
            1, "        if (!carrier.isPassing(error)) {\n          throw error;\n        }\n", ""
        ),
    ),
    Bad(
        fault="cut-result",
        what="a higher limit",
        edit=_edit(1, "[:MAX_CHARS]", "[:60000]"),
    ),
    Bad(
        fault="cut-result",
        what="advice that changes nothing",
        edit=_edit(2, "the sections that fit.", "the sections that fit, each with its text."),
        objection=_says("misses", "a long section", "its end is still cut without a word"),
    ),
    Bad(
        fault="slot",
        what="a wish in words passed on",
        edit=_edit(
            4,
            '    if (!match) {\n      throw new Error("bad slot");\n    }\n',
            "    if (!match) {\n      return carrierClient.reschedule(args.delivery_id, slot, slot);\n    }\n",
        ),
    ),
    Bad(
        fault="bank-down",
        what="an old rate made up",
        edit=_edit(
            1, "    return rates.today(currency)", "    return rates.today(currency) or 1.0"
        ),
    ),
)
