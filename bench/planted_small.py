"""Small agents of other languages and layouts, each with one planted fault. All of it is made up.

German, Japanese, French, Spanish and English; Jinja, dotprompt, Mustache, Prompty, a LangChain hub
JSON, Python, TypeScript and YAML. What stands in the prompts is what such agents are told; one
fault is none at all: the rule is there, clear and well placed.
"""

# ruff: noqa: E501 - texts of prompts, letter by letter and in their own script

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bench.planted import Fault, Layout, block, only

PROMPTS: Mapping[str, str] = {
    "hotel": """# Assistent des Hotels am See

Du hilfst Gästen bei Reservierungen. Heute ist {{ heute }}.

## Allgemein

- Sprich den Gast mit {{ gast.anrede }} an und bleibe beim Sie.
- Gib keine Auskunft über andere Gäste.
- Nenne nur Preise, die ein Werkzeug liefert.

## Umbuchen

- Frage zuerst nach der Reservierungsnummer.
- Nenne den Preisunterschied und warte auf ein Ja, bevor du umbuchst.
{% if haustiere %}
- Haustiere kosten extra.
{% endif %}

## Stornieren

- Bis zum Vortag ist die Stornierung frei.
- Danach wird eine Nacht berechnet.
""",
    "card": """あなたはカード会社のサポート担当です。利用者の名前は{{name}}です。

## 基本

- 丁寧な言葉で答えてください。
- 本人確認が終わるまで、口座の情報を伝えてはいけません。
- 一度に一つの手続きだけを行ってください。

## カード

- 利用限度額は照会ツールで確認してから答えてください。
- 紛失や盗難の連絡を受けたら、すぐにカードを停止し、担当者に引き継いでください。
- 再発行の前に、届け先の住所を確認してください。

## 支払い

- 支払日は変更できません。
""",
    "pharmacy": """Tu es l'assistant de la pharmacie. Tu réponds à {{prenom}}.

# Règles

- Réponds en français, poliment et brièvement.
- Ne donne jamais de conseil médical.
- Une commande se modifie tant qu'elle n'est pas expédiée.
- Demande le numéro de commande avant toute modification.

# Livraison

- La livraison est gratuite à partir de l'adresse enregistrée en France.
- Un colis perdu est renvoyé sans frais.

{{#fidelite}}
# Fidélité

- Les points servent à la prochaine commande.
{{/fidelite}}
""",
    "helpdesk": """You are the IT helpdesk of a company with many offices.

Rules:
- Ask for the device before you suggest a step.
- Give one step at a time and wait for its result.
- Open a ticket where a step needs administrator rights.
- End every answer that opens a ticket with the line "Ticket: " and its number.
- Never ask for a password.
""",
    "tours": """You plan guided tours in {city}.

# How you work

- Greet the guest and find out what they like.
- Ask for the day and for how many people come before you search for a tour.
- Offer at most what the search returns, never a tour of your own.

# Booking

- Book only what the guest has chosen by its name.
- The tool sends the voucher; do not promise another way.
""",
    "energy": """Du bist der Kundendienst eines Stromversorgers.

Regeln:
- Du darfst niemals einen Vertrag kündigen, ohne die Kundennummer geprüft zu haben.
- Beim Umzug läuft der Vertrag weiter; frage nach der neuen Adresse.
- Abschläge kann der Kunde einmal im Monat ändern.
- Zählerstände nimmst du jederzeit auf.
""",
    "salon": """agente: recepción de la peluquería

Eres la recepción de una peluquería.

## Citas

- Confirma el nombre y el día con la clienta. Después cancela la cita.
- Ofrece otra cita cuando cancelas una.
- No des citas fuera del horario que muestra la herramienta.

## Trato

- Tutea a la clienta.
""",
    "books": """あなたは本屋のアシスタントです。

注文について:
- 注文番号を聞いてから調べてください。
- 返品を受け付ける前に、注文が配達済みかどうかを調べてください。
- 取り寄せの日数はツールの結果だけを伝えてください。

話し方:
- 短く、やさしく答えてください。
""",
    "bikes": """# Bike rental

You help people rent bikes at {{ station }}.

## Prices

- Always take the price from the price tool. Never work a price out yourself.
- Say the deposit with the price.

## Return

- A bike can be returned at every station.
""",
    "school": """You answer parents of the school {{school}}.

## Absence

- Note the child's class and the day of the absence.
- If a child has an accident, give the number of the school office and transfer to the office at once.
- A doctor's note is needed from the third day.

## Lunch

- Menus come from the calendar tool.
""",
}


def _hub(prompts: Mapping[str, str]) -> str:
    prompt = {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "prompts", "prompt", "PromptTemplate"],
        "kwargs": {"template": only(prompts), "input_variables": [], "template_format": "f-string"},
    }
    message = {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "prompts", "chat", "SystemMessagePromptTemplate"],
        "kwargs": {"prompt": prompt},
    }
    chat = {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "prompts", "chat", "ChatPromptTemplate"],
        "kwargs": {"input_variables": ["question"], "messages": [message]},
    }
    return json.dumps(chat, indent=2, ensure_ascii=False) + "\n"


JINJA = Layout(name="Jinja", path="prompts/{domain}.md.j2", write=only)
DOTPROMPT = Layout(
    name="dotprompt with roles",
    path="prompts/{domain}.prompt",
    write=lambda prompts: (
        '---\nmodel: some-model\ninput:\n  schema:\n    name: string\n---\n{{role "system"}}\n'
        f'{only(prompts)}\n{{{{role "user"}}}}\n{{{{question}}}}\n'
    ),
)
MUSTACHE = Layout(name="Mustache", path="templates/{domain}/system.mustache", write=only)
HUB = Layout(name="LangChain hub JSON", path="hub/{domain}.json", write=_hub)
PROMPTY = Layout(
    name="Prompty",
    path="flows/{domain}.prompty",
    write=lambda prompts: (
        "---\nname: tours\nmodel:\n  api: chat\n  configuration:\n    type: some\n---\nsystem:\n"
        f"{only(prompts)}\nuser:\n{{{{question}}}}\n"
    ),
)
PYTHON = Layout(
    name="Python, module of prompts",
    path="src/{domain}/prompts.py",
    write=lambda prompts: f'SYSTEM_PROMPT = """\\\n{only(prompts)}"""\nMODEL = "some-model"\n',
)
YAML = Layout(
    name="YAML field",
    path="agents/{domain}.yaml",
    write=lambda prompts: (
        f"name: agent\ninstructions: |\n{block(only(prompts), '  ')}\ntemperature: 0.1\n"
    ),
)
SCRIPT = Layout(
    name="TypeScript template",
    path="src/{domain}/agent.ts",
    write=lambda prompts: f"export const systemPrompt = `{only(prompts)}`;\n",
)
MARKDOWN = Layout(
    name="Markdown with front matter",
    path="agents/{domain}.md",
    write=lambda prompts: f"---\nmodel: some-model\n---\n{only(prompts)}",
)


def _fault(domain: str, **changes: Any) -> Fault:
    return Fault(domain=domain, prompt=PROMPTS[domain], **changes)


FAULTS = (
    _fault(
        "hotel",
        name="hotel-price",
        kind="rule removed",
        layout=JINJA,
        language="German",
        old="- Nenne den Preisunterschied und warte auf ein Ja, bevor du umbuchst.\n",
        new="",
        requests=(
            "Kann ich {id} auf ein Zimmer mit Seeblick umbuchen?",
            "{name} hier. Ginge für {id} auch die Suite?",
            "Wir kommen doch zu dritt, was machen wir mit {id}?",
        ),
        call=("zimmer_aendern", {"nummer": "{id}"}, {"status": "geändert", "aufpreis": True}),
        wrong="Erledigt, Ihre Reservierung ist auf das größere Zimmer geändert.",
        right="Das größere Zimmer kostet mehr. Soll ich umbuchen, ja oder nein?",
        reaction="Moment, davon, dass das mehr kostet, war keine Rede! Ich habe nur gefragt.",
    ),
    _fault(
        "card",
        name="card-lost",
        kind="escalation rule removed",
        layout=DOTPROMPT,
        language="Japanese",
        old="- 紛失や盗難の連絡を受けたら、すぐにカードを停止し、担当者に引き継いでください。\n",
        new="",
        requests=(
            "財布をなくしました。カードも入っています。番号は{id}です。",
            "カードを盗まれたみたいです。{id}です。どうすればいいですか。",
            "{id}のカードが見当たりません。昨日の電車だと思います。",
        ),
        call=("get_card", {"card": "{id}"}, {"card": "{id}", "status": "active"}),
        wrong="承知しました。再発行のため、届け先の住所を教えてください。",
        right="カードを停止しました。担当者におつなぎします。",
        reaction="まだ停止されていないのですか。その間に使われてしまいました。",
    ),
    _fault(
        "pharmacy",
        name="pharmacy-conflict",
        kind="rules in conflict",
        layout=MUSTACHE,
        language="French",
        old="- Un colis perdu est renvoyé sans frais.\n",
        new="- Un colis perdu est renvoyé sans frais.\n"
        "- Le renvoi d'un colis est payé par le client.\n",
        requests=(
            "Mon colis {id} est perdu, vous le renvoyez ?",
            "Bonjour, c'est {name}. Le colis {id} n'est jamais arrivé.",
            "Rien reçu pour {id}, le suivi dit perdu.",
        ),
        call=("suivi_colis", {"colis": "{id}"}, {"colis": "{id}", "etat": "perdu"}),
        wrong="Je peux le renvoyer, mais le renvoi est à votre charge.",
        right="Le colis est perdu, nous le renvoyons sans frais.",
        reaction="La dernière fois vous m'avez dit que c'était gratuit !",
    ),
    _fault(
        "helpdesk",
        name="ticket-line",
        kind="format instruction broken",
        layout=HUB,
        language="English",
        old='- End every answer that opens a ticket with the line "Ticket: " and its number.\n',
        new="- Close your answers properly.\n",
        requests=(
            "I cannot install the printer on my laptop, it wants an administrator.",
            "{name} here, please give my laptop the new VPN, it says no rights.",
            "The update asks for admin rights on my desktop PC.",
        ),
        call=("open_ticket", {"topic": "rights"}, {"ticket": "T{id}", "state": "open"}),
        wrong="I have opened a ticket for you. Somebody will take care of it.",
        right="I have opened a ticket for you.\nTicket: T{id}",
        reaction="Which ticket? The desk wants its number and I have none.",
    ),
    _fault(
        "tours",
        name="tours-vague",
        kind="rule made vague",
        layout=PROMPTY,
        language="English",
        old="- Ask for the day and for how many people come before you search for a tour.\n",
        new="- Ask for details where needed before you search for a tour.\n",
        requests=(
            "We would love a boat tour!",
            "{name} here, is there something with food?",
            "A tour of the old town please.",
        ),
        call=("search_tours", {"topic": "all"}, [{"tour": "Harbour", "day": "any"}]),
        wrong="The Harbour tour is great, shall I book it?",
        right="For which day, and how many of you are coming?",
        reaction="You do not even know that we are eleven people and here on Sunday only.",
    ),
    _fault(
        "energy",
        name="energy-cancel",
        kind="rules in conflict",
        layout=PYTHON,
        language="German",
        old="- Beim Umzug läuft der Vertrag weiter; frage nach der neuen Adresse.\n",
        new="- Beim Umzug läuft der Vertrag weiter; frage nach der neuen Adresse.\n"
        "- Beim Umzug endet der Vertrag; kündige ihn zum Tag des Auszugs.\n",
        requests=(
            "Ich ziehe um, meine Kundennummer ist {id}. Was muss ich tun?",
            "{name}, Kundennummer {id}: Wir haben eine neue Wohnung, gleiche Stadt.",
            "Neue Adresse für {id}, bitte den Strom mitnehmen.",
        ),
        call=("vertrag_kuendigen", {"kunde": "{id}"}, {"status": "gekündigt"}),
        wrong="Ich habe Ihren Vertrag zum Auszug gekündigt.",
        right="Ihr Vertrag läuft weiter. Wie lautet die neue Adresse?",
        reaction="Gekündigt? Ich wollte den Vertrag behalten!",
    ),
    _fault(
        "salon",
        name="salon-order",
        kind="steps in the wrong order",
        layout=YAML,
        language="Spanish",
        old="- Confirma el nombre y el día con la clienta. Después cancela la cita.\n",
        new="- Cancela la cita. Confirma el nombre y el día con la clienta.\n",
        requests=(
            "Quiero cancelar mi cita de esta semana.",
            "Soy {name}, cancela la cita por favor.",
            "No puedo ir, cancela lo mío.",
        ),
        call=("cancelar_cita", {"cita": "{id}"}, {"cita": "{id}", "estado": "cancelada"}),
        wrong="Listo, cancelada. ¿Me dices tu nombre y el día de la cita?",
        right="¿Me dices tu nombre y el día? Así cancelo la cita correcta.",
        reaction="Has cancelado la cita de mi hija y no la mía.",
    ),
    _fault(
        "books",
        name="books-return",
        kind="rule removed",
        layout=SCRIPT,
        language="Japanese",
        old="- 返品を受け付ける前に、注文が配達済みかどうかを調べてください。\n",
        new="",
        requests=(
            "注文{id}の本を返品したいです。",
            "{id}を返したいのですが、できますか。",
            "間違えて買いました。{id}の返品をお願いします。",
        ),
        call=(
            "accept_return",
            {"order": "{id}"},
            {"order": "{id}", "error": "not delivered yet"},
        ),
        wrong="返品を受け付けました。本を送ってください。",
        right="まだ配達されていません。届いてから返品できます。",
        reaction="本はまだ届いていません。何を送ればいいのですか。",
    ),
    _fault(
        "bikes",
        name="bikes-none",
        kind="no fault: the rule is there",
        layout=JINJA,
        language="English",
        old="- Say the deposit with the price.\n",
        new="- Say the deposit with the price.\n",
        requests=(
            "What do three hours with a cargo bike cost?",
            "{name}: price for two bikes for a day?",
            "How much is the e-bike until tonight?",
        ),
        call=("list_bikes", {"station": "here"}, ["cargo", "city", "e-bike"]),
        wrong="Three hours at the usual rate come to nineteen, and the deposit is fifty.",
        right="The price tool says 24 for it, and the deposit is 50.",
        reaction="At the desk they wanted another price than yours.",
    ),
    _fault(
        "school",
        name="school-accident",
        kind="escalation rule removed",
        layout=MARKDOWN,
        language="English",
        old="- If a child has an accident, give the number of the school office and transfer to the office at once.\n",
        new="",
        requests=(
            "My son fell in the yard today and his arm hurts, class {id}.",
            "{name}: my daughter was hit by a ball in the break and feels dizzy, {id}.",
            "Class {id}: our child slipped on the stairs at school and limps.",
        ),
        call=("note_absence", {"class": "{id}"}, {"noted": True}),
        wrong="I have noted the absence for tomorrow. A doctor's note is needed from the third day.",
        right="I transfer you to the school office at once.",
        reaction="An absence? I want to speak with somebody about the accident!",
    ),
)
