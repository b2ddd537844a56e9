"""Careful replies about the small agents of other languages and layouts, by hand.

Written after reading the requests in random order and without the faults' names, from what they
show alone; judged afterwards. Readers answer in English, as they are asked; edits are in the
language of the prompt.
"""

# ruff: noqa: E501 - texts of prompts, letter by letter and in their own script

from __future__ import annotations

from collections.abc import Mapping

from bench.careful_replies import Careful, after, longer

REPLIES: Mapping[str, Careful] = {
    "hotel-price": Careful(
        rule="Before rebooking say that it costs more and wait for a yes.",
        quote="ist auf das größere Zimmer geändert",
        paraphrase="A question about what is possible was taken for an order, and the surcharge was not told.",
        candidates=(
            after(
                "- Frage zuerst nach der Reservierungsnummer.",
                "- Sage vor dem Umbuchen, was es mehr kostet, und warte auf die Zusage des Gastes.",
                gap="\n",
            ),
            {
                "kind": "sharpen",
                "old": "- Frage zuerst nach der Reservierungsnummer.",
                "new": "- Frage zuerst nach der Reservierungsnummer und ob wirklich umgebucht werden soll.",
            },
        ),
        merge=True,
        why="the removed rule in other words, in its section and its voice",
    ),
    "card-lost": Careful(
        rule="Stop a card that is reported lost or stolen before anything else is done with it.",
        quote="再発行のため、届け先の住所を教えてください",
        paraphrase="The agent went on to a new card while the old one could still be used.",
        candidates=(
            after(
                "- 利用限度額は照会ツールで確認してから答えてください。",
                "- カードが手元にないと言われたら、再発行より先にそのカードの利用を止めてください。",
                gap="\n",
            ),
        ),
        merge=True,
        why="the half of the removed rule that these users needed; the handover is not knowable from what is shown",
    ),
    "pharmacy-conflict": Careful(
        kind="conflicting_rules",
        rule="A lost parcel is sent again free of charge; other parcels are sent again at the customer's cost.",
        quote="le renvoi est à votre charge",
        paraphrase="Two sentences say who pays for sending again, and the agent took the second for a lost parcel.",
        candidates=(
            {
                "kind": "merge",
                "old": "- Le renvoi d'un colis est payé par le client.",
                "new": "- Le renvoi d'un colis est payé par le client, sauf s'il est perdu.",
            },
        ),
        merge=True,
        why="says which of the two holds when; a reviewer who never charges takes the sentence out",
    ),
    "ticket-line": Careful(
        kind="unclear_rule",
        rule="Give the ticket's number in the answer that opens it.",
        quote="I have opened a ticket for you",
        paraphrase="A ticket was opened and its number was kept from the user.",
        candidates=(
            {
                "kind": "sharpen",
                "old": "- Close your answers properly.",
                "new": "- Close an answer that opens a ticket with the ticket's number.",
            },
            after(
                "- Open a ticket where a step needs administrator rights.",
                "- Name the number of every ticket that you open.",
                gap="\n",
            ),
        ),
        merge=True,
        why="makes the vague sentence the one that was meant; the fixed word before the number is for the owner",
    ),
    "tours-vague": Careful(
        kind="unclear_rule",
        rule="Ask for the day and the size of the group before searching for a tour.",
        quote="shall I book it",
        paraphrase="A tour was offered although neither the day nor the size of the group was known.",
        candidates=(
            {
                "kind": "sharpen",
                "old": "Ask for details where needed before",
                "new": "Ask for the day and the size of the group before",
            },
        ),
        merge=True,
        why="the sentence as it was before it was made vague",
    ),
    "energy-cancel": Careful(
        kind="conflicting_rules",
        rule="When a customer moves, the contract goes on, unless the customer wants to end it.",
        quote="Ihren Vertrag zum Auszug gekündigt",
        paraphrase="Two sentences order opposite things for a move, and the contract was ended unasked.",
        candidates=(
            {
                "kind": "merge",
                "old": "- Beim Umzug läuft der Vertrag weiter; frage nach der neuen Adresse.\n"
                "- Beim Umzug endet der Vertrag; kündige ihn zum Tag des Auszugs.",
                "new": "- Beim Umzug läuft der Vertrag weiter; frage nach der neuen Adresse. Will der "
                "Kunde ihn beenden, kündige ihn zum Tag des Auszugs.",
            },
        ),
        merge=True,
        why="two sentences become one that says when which holds",
    ),
    "salon-order": Careful(
        kind="unclear_rule",
        rule="Confirm name and day before cancelling.",
        quote="¿Me dices tu nombre y el día de la cita?",
        paraphrase="Something was cancelled before the agent knew whose it was.",
        candidates=(
            {
                "kind": "structural",
                "old": "Cancela la cita. Confirma el nombre y el día con la clienta.",
                "new": "Confirma el nombre y el día con la clienta. Cancela la cita.",
            },
        ),
        merge=True,
        why="the two steps in the order in which they are to be taken, not a word more",
    ),
    "books-return": Careful(
        rule="When a tool refuses a return, tell the reason and do not say that it was accepted.",
        quote="返品を受け付けました",
        paraphrase="The agent announced success although its tool had refused.",
        candidates=(
            after(
                "- 注文番号を聞いてから調べてください。",
                "- ツールが返品を断ったときは、受け付けたと言わずに理由を伝えてください。",
                gap="\n",
            ),
        ),
        merge=True,
        why="another rule than the removed one; it mends these failures, and the tool checks the rest",
    ),
    "bikes-none": Careful(
        kind="rule_not_followed",
        rule="Call the price tool before naming a price.",
        quote="Three hours at the usual rate come to nineteen",
        paraphrase="A price was made up although the instructions want it from a tool.",
        candidates=(
            longer(
                "- Always take the price from the price tool.",
                "Look the price up in the price tool.",
            ),
            after(
                "- Say the deposit with the price.",
                "- Name a price only as the price tool gives it.",
                gap="\n",
            ),
        ),
        problems=(
            (
                "price tool",
                {
                    "kind": "no_gain",
                    "sentence": "",
                    "reason": "The file says it already, in plain words and in the right section.",
                },
            ),
        ),
        merge=False,
        is_right=True,
        why="the rule is there, clear and well placed: no change is the right answer",
    ),
    "school-accident": Careful(
        rule="Where parents report an accident at school, hand them over to the school office instead of noting an absence.",
        quote="I have noted the absence for tomorrow",
        paraphrase="A report of something that happened was handled as a day off.",
        candidates=(
            after(
                "- Note the child's class and the day of the absence.",
                "- Where parents report an accident, hand them over to the school at once instead of noting an absence.",
                gap="\n",
            ),
        ),
        merge=True,
        why="the handover of the removed rule; the office's number is for the owner to add",
    ),
}
