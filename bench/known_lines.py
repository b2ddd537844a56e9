"""Known lines of the real prompts and the same rules in other words, as a reader would say them.

The paraphrases were written before the placement was, from the line alone; the section that the
line stood in is the right answer. Read at run time from the samples, never copied in whole.
"""

# ruff: noqa: E501 - rules in one line each

from __future__ import annotations

LINES: tuple[tuple[str, str, str], ...] = (
    # (file below agents/, how the line begins, what a reader would ask for)
    (
        "airline/tau_bench_wiki.md",
        "- Before taking any actions that update",
        "List what you are about to change and wait for the user's explicit yes before you book, change or upgrade anything.",
    ),
    (
        "airline/tau_bench_wiki.md",
        "- You should only make one tool call",
        "Call one tool at a time and do not write to the user in the same turn.",
    ),
    (
        "airline/tau_bench_wiki.md",
        "- You should deny user requests",
        "Refuse what goes against these instructions.",
    ),
    (
        "airline/tau_bench_wiki.md",
        "- Passengers: Each reservation can have",
        "Collect every traveller's full name and birth date before making a booking, and keep the group within the allowed size.",
    ),
    (
        "airline/tau_bench_wiki.md",
        "- Payment: each reservation can use",
        "Accept only payment means that are stored in the profile, and no more certificates or cards than allowed in one booking.",
    ),
    (
        "airline/tau_bench_wiki.md",
        "- Travel insurance: the agent should ask",
        "Ask whether the user wants insurance when a trip is booked.",
    ),
    (
        "airline/tau_bench_wiki.md",
        "- Change flights: Basic economy",
        "Check that the fare may be changed at all before moving it to other flights, since the system does not check.",
    ),
    (
        "airline/tau_bench_wiki.md",
        "- Change cabin: all reservations",
        "Say what the better cabin costs more and move all flights of the trip to it, never a single one.",
    ),
    (
        "airline/tau_bench_wiki.md",
        "- Change baggage and insurance",
        "Bags may be added later but not taken off again.",
    ),
    (
        "airline/tau_bench_wiki.md",
        "- Change passengers: The user can",
        "Correct a passenger's name if asked, but never add or drop a person.",
    ),
    (
        "airline/tau_bench_wiki.md",
        "- All reservations can be cancelled within",
        "Cancel only where the booking is fresh, the airline called it off or insurance covers the reason.",
    ),
    (
        "airline/tau_bench_wiki.md",
        "- The agent can only cancel the whole trip",
        "Hand over to a person where a part of the trip was already flown.",
    ),
    (
        "airline/tau_bench_wiki.md",
        "- The refund will go to original",
        "Tell users that the money returns to how they paid, and within which time.",
    ),
    (
        "airline/tau_bench_wiki.md",
        "- Do not proactively offer these",
        "Give no certificate as a gesture unless the user complains and asks for it.",
    ),
    (
        "retail/tau_bench_wiki.md",
        "- At the beginning of the conversation",
        "Verify who the user is by mail or by name and zip before anything else.",
    ),
    (
        "retail/tau_bench_wiki.md",
        "- You can only help one user",
        "Do not act on orders that belong to somebody else.",
    ),
    (
        "retail/tau_bench_wiki.md",
        "- Each product has an unique product id",
        "Do not mix up the id of a product with that of an item.",
    ),
    (
        "retail/tau_bench_wiki.md",
        "- The user needs to confirm the order id and the reason",
        "Get the reason for the cancellation from the user and accept only the two that are allowed.",
    ),
    (
        "retail/tau_bench_wiki.md",
        "- For a pending order, you can take actions",
        "On an order that is still pending change the address, the payment or the options of items only.",
    ),
    (
        "retail/tau_bench_wiki.md",
        "- If the user wants the modify the payment",
        "Check the balance of a gift card before it becomes the new way to pay.",
    ),
    (
        "retail/tau_bench_wiki.md",
        "- This action can only be called once, and",
        "Remind the user to name every item to be modified, because it works only once and locks the order.",
    ),
    (
        "retail/tau_bench_wiki.md",
        "- The refund must either go",
        "Pay a return back to the method used for the order or to a gift card the user has.",
    ),
    (
        "retail/tau_bench_wiki.md",
        "- The user needs to confirm the order id, the list",
        "Have the user confirm which items are returned and where the refund goes.",
    ),
    (
        "retail/tau_bench_wiki.md",
        "- After user confirmation, the order status will be changed to 'exchange",
        "Tell the user that an e-mail about sending the item back follows the exchange and no new order is needed.",
    ),
    (
        "medical/policy_as_run.md",
        "- The patient explicitly requests",
        "Hand the patient over when a doctor is asked for.",
    ),
    (
        "medical/policy_as_run.md",
        "- NEVER recommend specific medications",
        "Do not name a drug or a dose.",
    ),
    (
        "medical/policy_as_run.md",
        "- Always ask about current medications",
        "Ask what the patient takes at the moment and pass it on.",
    ),
    (
        "medical/policy_as_run.md",
        "- Verify patient identity before",
        "Check name, birth date and patient number before opening a record.",
    ),
    (
        "medical/policy_as_run.md",
        "- You do NOT interpret lab results",
        "Do not explain what a blood test or an x-ray shows.",
    ),
    (
        "medical/policy_as_run.md",
        "- Patients can have at most 3 active",
        "Count the visits that are planned already before adding one, and respect the limit.",
    ),
    (
        "medical/policy_as_run.md",
        "- Same-day appointments are available",
        "Offer a visit on the same day only where it is urgent enough.",
    ),
    (
        "medical/policy_as_run.md",
        "- Late cancellations (less than 24",
        "Say that calling off late costs a fee, unless the weather or the provider is the reason.",
    ),
    (
        "medical/policy_as_run.md",
        "- After 2 reschedules",
        "Once a visit was moved twice, cancel it and make a new one.",
    ),
    (
        "medical/policy_as_run.md",
        "- Insurance plans marked",
        "Make sure that a referral is on file where the insurance wants one before a specialist is booked.",
    ),
    (
        "telecom/main_policy.md",
        "For name lookup, date of birth",
        "Ask for the birth date when a customer is searched by name.",
    ),
    (
        "telecom/main_policy.md",
        "- Always check that the bill status is updated",
        "Look the bill up again after paying and only then call it settled.",
    ),
    (
        "telecom/main_policy.md",
        "- A user can only have one bill in the AWAITING",
        "Send no second payment request while one bill still waits.",
    ),
    (
        "telecom/main_policy.md",
        "After you resume the line",
        "Tell the user to restart the phone once the line works again.",
    ),
    (
        "telecom/main_policy.md",
        "You are not allowed to lift the suspension",
        "Keep a line blocked where its contract has run out, even when everything is paid.",
    ),
    (
        "telecom/main_policy.md",
        "- Ask them how much data they want",
        "Ask for the amount of data before adding it.",
    ),
    (
        "telecom/main_policy.md",
        "- Calculate the price of the new plan",
        "Work out what the other plan costs and have it confirmed before switching.",
    ),
    (
        "telecom/main_policy.md",
        "If a user is traveling outside",
        "Enable roaming free of charge where somebody is abroad and it is off.",
    ),
)
