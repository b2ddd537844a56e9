"""What a careful reader answered about faults that somebody else had planted in known layouts.

All eight prompt faults and five tool faults of `bench.planted_layouts`, and two of
`bench.planted_tools` drawn by the seed 2111. Each request was read as the model would see it,
through the real client, and answered from its text alone; then what was planted was opened and the
diff judged. Kept step by step, as `bench.careful_strangers` keeps its own.
"""

# ruff: noqa: E501 - texts of prompts and programs, letter by letter

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench import careful_replies, careful_tools
from bench.careful_replies import after

_NAME_ONE = "- Name one remedy, with its price."
_NO_PAY = "- Children under six do not pay."
_FULL = "- Every guest pays the full ticket, children too."
_SLOT = "Offer the next free slot first."
_MATTERS = "- Ask for what matters before you offer a pitch."

PROMPTS: Mapping[str, careful_replies.Careful] = {
    "layout-17": careful_replies.Careful(
        rule="Say with each remedy where and how it may be used, as the tool says, and ask where the plant stands before you name one.",
        quote="Take the sulphur spray, it is 12 euros.",
        paraphrase="The agent recommended a product without passing on that it must only be applied outdoors.",
        candidates=(
            after(
                _NAME_ONE,
                "- Ask first where the plant stands, and name only a remedy that may be used there.",
                gap="\n",
            ),
            {
                "kind": "sharpen",
                "old": "with its price.",
                "new": "with its price and with where and how it may be used.",
            },
        ),
        again=(
            after(
                _NAME_ONE,
                "- Ask first where the plant stands, and say with the remedy where and how it may be used.",
                gap="\n",
            ),
        ),
        problems=(
            (
                "Ask first where the plant stands, and name only",
                {
                    "kind": "misses",
                    "sentence": "",
                    "reason": "The agent asks where the plant stands and names a fitting remedy, but never says where and how it may be used, as the rule wants.",
                },
            ),
            (
                "with its price and with where and how",
                {
                    "kind": "misses",
                    "sentence": "",
                    "reason": "The agent names a remedy with how it may be used without having asked where the plant stands, so it may be of no use there.",
                },
            ),
        ),
        merge=True,
        why="what was taken out, and with it what the tool's result says",
    ),
    "layout-18": careful_replies.Careful(
        rule="Say that children under six do not pay, and charge the full ticket only to guests who have to pay it.",
        quote="Every guest pays the full ticket",
        paraphrase="Two instructions contradict each other about young children; the agent followed the one that made a small child pay.",
        kind="conflicting_rules",
        candidates=(
            {
                "kind": "merge",
                "old": f"{_NO_PAY}\n{_FULL}",
                "new": "- Children under six do not pay; every other guest pays the full ticket, children too.",
            },
            {"kind": "delete", "old": f"\n{_FULL}", "new": ""},
        ),
        problems=(
            (
                "(taken out) Every guest pays the full ticket, children too.",
                {
                    "kind": "takes_away",
                    "sentence": "Every guest pays the full ticket, children too.",
                    "reason": "A child of seven: nothing says any more that it pays the full ticket.",
                },
            ),
        ),
        merge=False,
        why="children under six are free again, but that older ones pay in full was planted too and is not what the tool says; the removal, which came the first time, was right",
    ),
    "layout-19": careful_replies.Careful(
        rule="Where brakes or other parts on which safety depends do not work, tell the user not to ride and offer a slot; give no instructions for repairing them.",
        quote="Tighten the cable by two turns and try it on the road.",
        paraphrase="The agent explained a repair of a safety part and sent the person onto the street to test it.",
        candidates=(
            after(
                _SLOT,
                "Where brakes or other parts on which safety depends do not work, tell the user not to ride, and give no instructions for repairing them.",
                gap="\n",
            ),
            {
                "kind": "sharpen",
                "old": _SLOT,
                "new": "Offer the next free slot first, before any advice; of brakes and other parts on which safety depends explain no repair, and say not to ride.",
            },
        ),
        merge=True,
        why="the order that was lost; that a mechanic calls is known to nobody but the owner",
    ),
    "layout-20": careful_replies.Careful(
        rule="When a return is opened, tell the user to bring the receipt with the device.",
        quote="Your return is open, bring it to any branch.",
        paraphrase="The agent did not mention a document that the shop demanded, so the customer made the trip in vain.",
        candidates=(
            after(
                "- Devices go back within fourteen days.",
                "- When a device goes back, tell the customer to bring the receipt.",
                gap="\n",
            ),
        ),
        effect="better",
        merge=True,
        why="what was taken out, in other words and in the right one of two files",
    ),
    "layout-21": careful_replies.Careful(
        rule="Tell every user the same time at which a deposit is paid back.",
        quote="The deposit is paid back after one week.",
        paraphrase="The instructions give two different times for refunding deposits, so customers hear now one and now the other.",
        kind="conflicting_rules",
        merge=False,
        is_right=True,
        why="nothing shows which of the two times holds, and a person is asked",
    ),
    "layout-22": careful_replies.Careful(
        rule="Ask for the length of a caravan, tent or vehicle before you offer a pitch, and offer only a pitch that is long enough for it.",
        quote="is free, shall I book it?",
        paraphrase="The agent offered a place with a size limit without asking how big the vehicle was.",
        kind="unclear_rule",
        candidates=(
            {
                "kind": "sharpen",
                "old": _MATTERS.removeprefix("- "),
                "new": "Ask for what matters, such as the length of a caravan or tent, before you offer a pitch, and offer only one that is long enough.",
            },
            after(
                _MATTERS,
                "- Ask for the length of a caravan or tent, and offer only a pitch that is long enough for it.",
                gap="\n",
            ),
        ),
        merge=True,
        why="what had been made vague, plainly again",
    ),
    "layout-23": careful_replies.Careful(
        rule="Where an animal seems to be in danger of its life, tell the user at once to get emergency help, before you speak of slots.",
        quote="The next free slot is on Thursday at 16:00. Shall I book it?",
        paraphrase="The agent treated an acute emergency like a routine visit and proposed a date days away.",
        candidates=(
            after(
                "- Book visits only in free slots.",
                "- Where an animal seems to be in danger of its life, tell the owner to get emergency help at once, before you speak of slots.",
                gap="\n",
            ),
        ),
        merge=False,
        why="the right order at the right place, but the number to call, which only the owner knows, is not asked for; the owner would write it in first",
    ),
    "layout-24": careful_replies.Careful(
        rule="Name each article that the tool found, with the size that was asked for and its price, as in the example.",
        quote="We have some lovely ones that you will like",
        paraphrase="The agent praised the goods in general terms and left out which ones there are and what they cost.",
        kind="unclear_rule",
        candidates=(
            {
                "kind": "sharpen",
                "old": "Present offers nicely.",
                "new": "Present offers nicely: name each article with its size and price, as in the example.",
            },
            after(
                "  <rule>Present offers nicely.</rule>",
                "  <rule>Name each article that you offer with its size and price.</rule>",
                gap="\n",
            ),
        ),
        merge=True,
        why="the form that was broken; that each has a line of its own is in the example",
    ),
}


def _edit(part: int, old: str, new: str) -> Mapping[str, Any]:
    return {"thought": "", "part": part, "old": old, "new": new}


TOOLS: Mapping[str, careful_tools.Careful] = {
    "layout-25": careful_tools.Careful(
        locus="tool_definition",
        quote=r"The next charger is 900 kilometres away\.",
        rule="Say in which unit the tool takes the radius.",
        paraphrase="The tool searched far beyond the distance that was meant, as if it read the number in a larger unit.",
        edits=(_edit(3, "in metres", "in kilometres"),),
        merge=True,
        why="the unit that the code reads",
    ),
    "layout-26": careful_tools.Careful(
        edits=(
            _edit(
                2,
                "Number of the order.",
                "Code on the label of the parcel, two letters and nine digits.",
            ),
            _edit(
                1,
                "by the number of its order",
                "by the code on its label, two letters and nine digits",
            ),
        ),
        merge=False,
        why="right, and the first of two places: the tool's own description still says the number of the order, and one edit changes one part",
    ),
    "layout-27": careful_tools.Careful(
        locus="tool_definition",
        quote=r"On Friday there is the soup of the day\.",
        rule="Say for which day the tool gives the menu.",
        paraphrase="The tool answered for the current day although another one had been requested, and the agent passed it on as that one.",
        edits=(
            _edit(
                1,
                "Get the menu of today or of any day of this week.",
                "Get the menu of today; the menu of another day cannot be had.",
            ),
            _edit(2, "Day of the week.", "Not used: the menu is always that of today."),
        ),
        merge=True,
        why="says what the code does; the argument that does nothing is for the owner to drop",
    ),
    "layout-28": careful_tools.Careful(
        edits=(
            _edit(2, "Title of the book.", "Number of the loan, as list_loans gives it."),
            _edit(
                1,
                "Extend a loan of the reader.",
                "Extend a loan of the reader by the number of the loan, which list_loans gives.",
            ),
        ),
        merge=True,
        why="what is taken and where it comes from",
    ),
    "layout-29": careful_tools.Careful(
        edits=(_edit(4, "row[seat].hold()", "row[seat - 1].hold()"),),
        merge=True,
        why="seats count from 1, the list from 0",
    ),
    "ean": careful_tools.Careful(
        edits=(
            _edit(2, "The article", "The EAN-8 of the article, eight digits"),
            _edit(
                3,
                'raise ValueError("article: expected an EAN-8")',
                'raise ValueError("article: expected an EAN-8, eight digits")',
            ),
        ),
        merge=True,
        why="what the code checks, where the model looks for it",
    ),
    "slot": careful_tools.Careful(
        edits=(
            _edit(3, "The new slot", "The new slot, as YYYY-MM-DD AM or YYYY-MM-DD PM"),
            _edit(
                4,
                'throw new Error("bad slot")',
                'throw new Error("slot: expected YYYY-MM-DD AM or YYYY-MM-DD PM")',
            ),
        ),
        merge=True,
        why="the form that the code reads, and nothing else",
    ),
}
