"""What one careful reader and writer answered to the requests about the planted faults, by hand.

Written from what the requests show: the prompt with the fault, the transcripts and, for the writer,
the causes. The judgement whether the diff would be merged as it is was written with them.
"""

# ruff: noqa: E501 - texts of prompts, letter by letter

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Careful:
    """The replies about one fault, and the judgement."""

    rule: str
    quote: str
    paraphrase: str
    candidates: tuple[Mapping[str, str], ...] = ()
    again: tuple[Mapping[str, str], ...] = ()
    """What the writer answered once these were rejected; empty: the same."""
    kind: str = "missing_rule"
    present: bool = True
    problems: tuple[tuple[str, Mapping[str, str]], ...] = ()
    """(words of the added text that it is about, the judge's objection)."""
    locus: str = "prompt"
    difference: Mapping[str, str] | None = None
    """Where no mistake is seen: what was done otherwise, as `proposals/compare` asks for it."""
    effect: str = "already_followed"
    """Of the edit on conversations that went well, as `proposals/contrast` asks for it."""
    merge: bool
    is_right: bool = False
    """Where no diff comes: the finding, or no change, is the right answer."""
    why: str


def after(line: str, rule: str, *, gap: str = "\n\n") -> Mapping[str, str]:
    return {"kind": "add_rule", "old": line, "new": f"{line}{gap}{rule}"}


def longer(sentence: str, more: str) -> Mapping[str, str]:
    return {"kind": "sharpen", "old": sentence, "new": f"{sentence} {more}"}


_NO_INFORMATION = (
    "- You should not provide any information, knowledge, or procedures not provided by the user or "
    "available tools, or give subjective recommendations or comments."
)
_WHOLE_TRIP = "- The agent can only cancel the whole trip that is not flown."
_TRANSFER = (
    "- You should transfer the user to a human agent if and only if the request cannot be handled "
    "within the scope of your actions."
)

REPLIES: Mapping[str, Careful] = {
    "refund-time": Careful(
        locus="knowledge",
        kind="missing_fact",
        rule="how and where the refund of a cancelled flight is paid, and how long it takes",
        quote="I can put the refund on any card you like",
        paraphrase="The agent offered a choice that no tool and no instruction supports.",
        merge=False,
        is_right=True,
        why="asks the owner for the very fact that was removed, and makes none up",
    ),
    "confirm-first": Careful(
        rule="Before calling a tool that books, changes or charges anything, list the details and "
        "wait for the user's explicit yes.",
        quote="your card was charged",
        paraphrase="The user asked for a price only, and the agent made the change at once.",
        candidates=(
            after(
                _NO_INFORMATION,
                "- Before calling a tool that books, changes or charges anything, list the details "
                "and wait for the user's explicit yes.",
            ),
            longer(
                "Cabin changes require the user to pay for the difference between their current "
                "cabin and the new cabin class.",
                "Name the difference and wait for a yes before changing the cabin.",
            ),
        ),
        problems=(
            (
                "Name the difference",
                {
                    "kind": "misses",
                    "sentence": "",
                    "reason": "Bookings and baggage are charged without a yes as well.",
                },
            ),
        ),
        merge=True,
        why="says what the removed rule said, in the list of general rules",
    ),
    "cancel-conflict": Careful(
        kind="conflicting_rules",
        rule="Refunds of cancelled flights have one way of payment, the original one.",
        quote="Your refund comes as a travel certificate",
        paraphrase="Two sentences name two ways of paying out, and the agent took the second.",
        candidates=(
            {
                "kind": "delete",
                "old": "\n\n- Refunds of cancelled flights are paid out as a travel certificate.",
                "new": "",
            },
            {
                "kind": "merge",
                "old": "- Refunds of cancelled flights are paid out as a travel certificate.",
                "new": "- A certificate is paid out only as the section Refund says.",
            },
        ),
        merge=True,
        why="takes the planted sentence out and says that the choice is the reviewer's",
    ),
    "used-segment": Careful(
        kind="unclear_rule",
        rule="Transfer the user to a human agent where a flight of the trip was used already.",
        quote="this reservation cannot be cancelled",
        paraphrase="A trip that was partly flown was refused instead of handed over.",
        candidates=(
            longer(
                _WHOLE_TRIP, "Where a flight of it was used already, transfer the user to a human."
            ),
            after(_TRANSFER, "- Transfer users whose reservation cannot be cancelled."),
        ),
        problems=(
            (
                "Transfer users whose reservation",
                {
                    "kind": "contradicts",
                    "sentence": "You should deny user requests that are against this policy.",
                    "reason": "A basic economy ticket without insurance is to be denied.",
                },
            ),
        ),
        merge=True,
        why="the removed rule in other words, where the agent needs it",
    ),
    "exchange-all-items": Careful(
        rule="Before an exchange ask whether the customer named all items to be exchanged.",
        quote="The exchange is requested",
        paraphrase="A one-time action was taken before the user had named everything.",
        candidates=(
            longer(
                "- An order can only be exchanged if its status is 'delivered', and you should check "
                "its status before taking the action.",
                "Ask the customer whether anything else is to be exchanged first.",
            ),
        ),
        merge=True,
        why="the removed rule in other words",
    ),
    "cancel-reason": Careful(
        rule="Before cancelling ask which of the two reasons that the tool takes is the user's, and "
        "pass on no reason that the user did not give.",
        quote="with the reason that you no longer need it",
        paraphrase="The agent recorded another reason than the user had given.",
        candidates=(
            after(
                "- An order can only be cancelled if its status is 'pending', and you should check "
                "its status before taking the action.",
                "- Before cancelling ask the user which reason holds, 'no longer needed' or 'ordered "
                "by mistake', and pass on only the one that the user confirms.",
            ),
        ),
        merge=True,
        why="the removed rule with both reasons, which the tool's definition names",
    ),
    "refund-conflict": Careful(
        kind="conflicting_rules",
        rule="The refund of a return goes to the original payment method or a gift card.",
        quote="You can choose any payment method",
        paraphrase="One sentence allows what another one and the tool refuse.",
        candidates=(
            {
                "kind": "delete",
                "old": "- The user can choose any payment method in the profile for the refund of a "
                "return.\n\n",
                "new": "",
            },
        ),
        merge=True,
        why="takes the planted sentence out; the one with must stays",
    ),
    "one-change": Careful(
        rule="Before items are modified ask whether the user named all of them.",
        quote="I have changed the item",
        paraphrase="A one-time action was taken before the user had named everything.",
        candidates=(
            longer(
                "- This action can only be called once, and will change the order status to 'pending "
                "(items modifed)'.",
                "Ask the user first whether anything else is to be modified.",
            ),
        ),
        merge=True,
        why="the part of the removed rule that mattered to these users",
    ),
    "ask-medication": Careful(
        kind="unclear_rule",
        rule="Ask about current medications before scheduling and put them into the notes.",
        quote="The clinician has your symptoms",
        paraphrase="Nobody asked what the patient takes before the visit was arranged.",
        candidates=(
            after(
                "- NEVER override or contradict a doctor's prescribed treatment",
                "- Ask about current medications before scheduling and put them into the notes",
                gap="\n",
            ),
        ),
        merge=True,
        why="the removed rule with the step at which it is due",
    ),
    "asks-for-doctor": Careful(
        present=False,
        kind="none",
        rule="Transfer the patient to a member of the clinical staff when a doctor is wanted.",
        quote="Please describe your primary concern",
        paraphrase="",
        difference={
            "rule": "Transfer the patient to a member of the clinical staff when a doctor is wanted.",
            "order": "You should transfer the patient to a human clinician if and only if:",
            "well": "I transfer you to a clinical staff member",
            "paraphrase": "Elsewhere the wish alone was enough for a handover.",
        },
        merge=False,
        is_right=True,
        why="the prompt says if and only if: whether the wish is a reason is for a person, who is "
        "shown the sentence and what was done where it went well",
    ),
    "bill-status": Careful(
        rule="Say that a bill is paid only after its status reads PAID.",
        quote="Your bill has been paid",
        paraphrase="The agent announced success while the account still showed it as pending.",
        candidates=(
            after(
                "- After the payment is made, the bill status will be updated to PAID.",
                "- Look up the bill after the payment and say that it is settled only where its "
                "status is PAID.",
                gap="\n",
            ),
        ),
        merge=True,
        why="the removed rule with the step that was left out",
    ),
    "transfer-words": Careful(
        rule="After the handover tell the user that a human agent takes over and to hold on.",
        quote="Is anybody there",
        paraphrase="The user was not told that somebody else would take over.",
        candidates=(
            longer(
                "To transfer, make a tool call to transfer_to_human_agents.",
                "Then tell the user that a human agent takes over and to stay in the chat.",
            ),
        ),
        merge=True,
        why="the agent says what happens; the fixed wording of old is for the owner to add",
    ),
}
