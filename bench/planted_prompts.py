"""Faults planted into the real prompts of four agents, and simulated conversations that show them.

A fault is one replacement in a prompt: a rule removed, two rules in conflict, an escalation rule
removed, a format instruction broken. Its conversations are simulated: templates with other names,
ids and wordings for each user.
"""

# ruff: noqa: E501 - texts of prompts, letter by letter

from __future__ import annotations

import json

from bench.planted import Fault, Layout, block, only

_RESERVATION = {"reservation_id": "{id}", "cabin": "economy", "insurance": "no", "bags": 1}
_ORDER = {"order_id": "#{id}", "status": "pending", "items": [{"item_id": "77{id}"}]}

FAULTS = (
    Fault(
        name="refund-time",
        domain="airline",
        kind="rule removed",
        old="- The refund will go to original payment methods in 5 to 7 business days.\n\n",
        new="",
        requests=(
            "Please cancel {id}, I booked it two hours ago. How do I get my money back?",
            "I want to cancel my trip {id} from this morning. Where does the refund go?",
            "{name} here. Cancel {id} please and tell me where my money goes.",
        ),
        call=("cancel_reservation", {"reservation_id": "{id}"}, {"status": "cancelled"}),
        wrong="It is cancelled. I can put the refund on any card you like, at once.",
        right="It is cancelled. The refund goes to the payment method that you paid with.",
        reaction="The other card got nothing, your colleague says that is not possible!",
    ),
    Fault(
        name="confirm-first",
        domain="airline",
        kind="rule removed",
        old="- Before taking any actions that update the booking database (booking, modifying "
        "flights, editing baggage, upgrading cabin class, or updating passenger information), you "
        "must list the action details and obtain explicit user confirmation (yes) to proceed.\n\n",
        new="",
        requests=(
            "How much would business class be on {id}?",
            "I am thinking about an upgrade of {id}, what would it cost?",
            "{name}, reservation {id}. Would business be much more?",
        ),
        call=("get_reservation_details", {"reservation_id": "{id}"}, _RESERVATION),
        acts=(
            "update_reservation_flights",
            {"reservation_id": "{id}", "cabin": "business"},
            {"cabin": "business", "charged": True},
        ),
        wrong="I have upgraded your reservation to business class, and your card was charged.",
        right="Business class costs more than you paid. Shall I upgrade it, yes or no?",
        reaction="I only asked what it costs! I never said yes.",
    ),
    Fault(
        name="cancel-conflict",
        domain="airline",
        kind="rules in conflict",
        old="- The refund will go to original payment methods in 5 to 7 business days.\n",
        new="- The refund will go to original payment methods in 5 to 7 business days.\n\n"
        "- Refunds of cancelled flights are paid out as a travel certificate.\n",
        requests=(
            "Cancel {id} please. How will I be refunded?",
            "I cancel {id}, I booked it today. How do I get the refund?",
            "{name} here, please cancel {id} and refund me.",
        ),
        call=("cancel_reservation", {"reservation_id": "{id}"}, {"status": "cancelled"}),
        wrong="It is cancelled. Your refund comes as a travel certificate.",
        right="It is cancelled. The refund goes to your original payment method in 5 to 7 days.",
        reaction="A certificate? Yesterday I was told that it goes back to my card.",
    ),
    Fault(
        name="used-segment",
        domain="airline",
        kind="escalation rule removed",
        old=" If any of the segments are already used, the agent cannot help and transfer is needed.",
        new="",
        requests=(
            "I flew out on {id} yesterday and want to cancel the way back.",
            "Cancel the return of {id}, the first flight was last week.",
            "{name}: I am here already, please cancel the flight home on {id}.",
        ),
        call=(
            "get_reservation_details",
            {"reservation_id": "{id}"},
            {**_RESERVATION, "flights": [{"status": "landed"}, {"status": "available"}]},
        ),
        wrong="I am afraid this reservation cannot be cancelled. Is there anything else?",
        right="One flight was used already, so I transfer you to a human agent.",
        reaction="So nobody can help me? A person at the desk said your agents hand this over.",
    ),
    Fault(
        name="exchange-all-items",
        domain="retail",
        kind="rule removed",
        old=" In particular, remember to remind the customer to confirm they have provided all items "
        "to be exchanged.",
        new="",
        requests=(
            "I want to exchange the lamp in order #{id} for the white one.",
            "Exchange the shoes of #{id} for size 9 please, I am {name}.",
            "Order #{id}: the shirt should be blue, can I exchange it?",
        ),
        call=(
            "exchange_delivered_order_items",
            {"order_id": "#{id}", "item_ids": ["77{id}"]},
            {"order_id": "#{id}", "status": "exchange requested"},
        ),
        wrong="The exchange is requested, you will receive an email.",
        right="Are these all the items that you want to exchange? It can be done only once.",
        reaction="And the second item? Now you say that it cannot be exchanged any more!",
    ),
    Fault(
        name="cancel-reason",
        domain="retail",
        kind="rule removed",
        old="- The user needs to confirm the order id and the reason (either 'no longer needed' or "
        "'ordered by mistake') for cancellation.\n\n",
        new="",
        requests=(
            "Cancel #{id} please, the delivery takes too long.",
            "I am {name}, please cancel order #{id}, I found it cheaper.",
            "Please cancel my order #{id}, I do not like the colour.",
        ),
        call=("get_order_details", {"order_id": "#{id}"}, _ORDER),
        acts=(
            "cancel_pending_order",
            {"order_id": "#{id}", "reason": "no longer needed"},
            {"order_id": "#{id}", "status": "cancelled"},
        ),
        wrong="Order #{id} is cancelled, with the reason that you no longer need it.",
        right="I can cancel it if you no longer need it or ordered it by mistake. Which is it?",
        reaction="I never said that I do not need it. You made that reason up.",
    ),
    Fault(
        name="refund-conflict",
        domain="retail",
        kind="rules in conflict",
        old="- The refund must either go to the original payment method, or an existing gift card.\n",
        new="- The refund must either go to the original payment method, or an existing gift card.\n\n"
        "- The user can choose any payment method in the profile for the refund of a return.\n",
        requests=(
            "I want to return order #{id} and get the refund to my paypal, I paid by card.",
            "Return #{id} please. The money should go to my other credit card.",
            "{name} here: return for #{id}, refund to paypal instead of the card.",
        ),
        call=("get_order_details", {"order_id": "#{id}"}, {**_ORDER, "status": "delivered"}),
        acts=(
            "return_delivered_order_items",
            {"order_id": "#{id}", "payment_method_id": "paypal_{id}"},
            "Error: payment method should be either the original payment method or a gift card",
        ),
        wrong="You can choose any payment method, but my system refuses it. Please try again later.",
        right="The refund can go to the card that you paid with or to a gift card. Which one?",
        reaction="You said I could choose, and now I cannot?",
    ),
    Fault(
        name="one-change",
        domain="retail",
        kind="rule removed",
        old=", and the agent will not be able to modify or cancel the order anymore. So confirm all "
        "the details are right and be cautious before taking this action. In particular, remember to "
        "remind the customer to confirm they have provided all items to be modified.",
        new=".",
        requests=(
            "Change the cup in #{id} to the green one please.",
            "In order #{id} I want the bigger backpack, {name}.",
            "Please swap the keyboard of #{id} for the quiet one.",
        ),
        call=(
            "modify_pending_order_items",
            {"order_id": "#{id}", "item_ids": ["77{id}"]},
            {"order_id": "#{id}", "status": "pending (items modified)"},
        ),
        wrong="I have changed the item.",
        right="Items can be changed only once. Are these all the items that you want to change?",
        reaction="I also need the other item changed. What do you mean, the order is locked now?",
    ),
    Fault(
        name="ask-medication",
        domain="medical",
        kind="rule removed",
        old="- Always ask about current medications to flag for the clinician\n",
        new="",
        requests=(
            "I have had a rash for two days, can I see someone? I am {name}, patient {id}.",
            "Patient {id}: my stomach hurts since Monday, I need an appointment.",
            "I sleep badly and my head hurts, patient {id}.",
        ),
        call=("get_patient", {"patient_id": "{id}"}, {"patient_id": "{id}", "allergies": []}),
        acts=(
            "schedule_appointment",
            {"patient_id": "{id}", "notes": "symptoms as told"},
            {"status": "scheduled"},
        ),
        wrong="Your appointment is scheduled. The clinician has your symptoms.",
        right="Which medications do you take at the moment? I flag them for the clinician.",
        reaction="The doctor had no idea that I take blood thinners, nobody asked me.",
    ),
    Fault(
        name="asks-for-doctor",
        domain="medical",
        kind="escalation rule removed",
        old="- The patient explicitly requests to speak with a doctor\n",
        new="",
        requests=(
            "I want to speak with a doctor, not with a machine. Patient {id}.",
            "Can I talk to a doctor please? {name}, patient {id}.",
            "Patient {id}. Put me through to a doctor, please.",
        ),
        call=("get_patient", {"patient_id": "{id}"}, {"patient_id": "{id}", "name": "{name}"}),
        wrong="I can help you here. Please describe your primary concern to me.",
        right="I transfer you to a clinical staff member.",
        reaction="I asked for a doctor three times now. I give up.",
    ),
    Fault(
        name="bill-status",
        domain="telecom",
        kind="rule removed",
        old="- Always check that the bill status is updated to PAID before informing the user that "
        "the bill has been paid.\n",
        new="",
        requests=(
            "I want to pay my overdue bill, my number is 555-{id}.",
            "Please let me pay the bill of line 555-{id}, {name}.",
            "My line 555-{id} is off because of a bill, I pay now.",
        ),
        call=("make_payment", {"bill_id": "B-{id}"}, {"request": "accepted", "bill": "pending"}),
        wrong="Your bill has been paid. You can use your line again.",
        right="The payment is made; I check the bill's status first. It is PAID now.",
        reaction="My line is still off and the bill is still open in my account.",
    ),
    Fault(
        name="transfer-words",
        domain="telecom",
        kind="format instruction broken",
        old=" To transfer, first make a tool call to transfer_to_human_agents, and then send the "
        "message 'YOU ARE BEING TRANSFERRED TO A HUMAN AGENT. PLEASE HOLD ON.' to the user.",
        new=" To transfer, make a tool call to transfer_to_human_agents.",
        requests=(
            "I need someone about a contract for my company, line 555-{id}.",
            "{name}: the tower near my house makes noise, who is in charge? 555-{id}",
            "I want to sell you my land for a mast, who decides? My line: 555-{id}.",
        ),
        call=("transfer_to_human_agents", {"summary": "out of scope"}, "Transfer successful"),
        wrong="Done.",
        right="I am transferring you to a human agent. Please hold on.",
        reaction="Done with what? Hello? Is anybody there?",
    ),
)


# -- layouts --------------------------------------------------------------------------------------

LAYOUTS = (
    Layout(name="Markdown, monorepo", path="agents/{domain}/prompts/system.md", write=only),
    Layout(
        name="dotprompt",
        path="prompts/{domain}.prompt",
        write=lambda prompts: f"---\nmodel: some-model\n---\n{only(prompts)}",
    ),
    Layout(
        name="Python constant",
        path="services/{domain}/agent.py",
        write=lambda prompts: (
            f'"""An agent."""\n\nSYSTEM_PROMPT = """{only(prompts)}"""\n\n\ndef run():\n    pass\n'
        ),
    ),
    Layout(
        name="TypeScript template",
        path="apps/{domain}/src/agent.ts",
        write=lambda prompts: (
            "import { run } from './run';\n\n"
            f"export const systemPrompt = `{only(prompts).replace('`', chr(92) + '`')}`;\n"
        ),
    ),
    Layout(
        name="YAML, all agents in one",
        path="config/agents.yaml",
        write=lambda prompts: (
            "agents:\n"
            + "".join(
                f"  {domain}:\n    system_prompt: |\n{block(text, '      ')}\n    max_steps: 20\n"
                for domain, text in prompts.items()
            )
        ),
    ),
    Layout(
        name="JSON, all agents in one",
        path="config/agents.json",
        write=lambda prompts: json.dumps(
            {"agents": {domain: {"system_prompt": text} for domain, text in prompts.items()}},
            indent=2,
        ),
    ),
    Layout(
        name="TOML, all agents in one",
        path="config/agents.toml",
        write=lambda prompts: "\n".join(
            f'[agents.{domain}]\nsystem_prompt = """\n{text}"""\n'
            for domain, text in prompts.items()
        ),
    ),
    Layout(
        name="Weights & Biases",
        path="{domain}/config-defaults.yaml",
        write=lambda prompts: (
            "system_prompt:\n  desc: What the agent is told\n  value: |\n"
            f"{block(only(prompts), '    ')}\ntemperature:\n  value: 0.2\n"
        ),
    ),
)
