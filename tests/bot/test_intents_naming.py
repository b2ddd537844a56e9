"""Names that groups get from the words of their users alone."""

from __future__ import annotations

import pytest

from bot.intents import Document
from bot.intents.naming import name_clusters
from tests.bot.intents_built import a_document

OTHERS = [
    a_document(f"Where is the nearest shop number {'abcdefgh'[n]}", 900 + n) for n in range(8)
]


def a_group(text: str, users: int = 8, **changes) -> list[Document]:
    """As many users as given; `{}` in the text is a word of each one's own."""
    own = ["apple", "brick", "candle", "dragon", "engine", "flower", "garden", "hammer"]
    return [a_document(text.format(own[n % 8]), n, **changes) for n in range(users)]


def name_of(group: list[Document]) -> str:
    return name_clusters([group, OTHERS], min_users=5)[0].text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("I want to cancel my flight {}", "cancel flight", id="order"),
        pytest.param(
            "Can I get a quote for condo insurance, {}",
            "get quote for condo insurance",
            id="what-the-object-is-about",
        ),
        pytest.param(
            "I need to change my security question {}", "change security question", id="tail"
        ),
        pytest.param("I need to set up online banking {}", "set up online banking", id="particle"),
        pytest.param("Why was my top-up declined, {}", "ask about top-up declined", id="they-ask"),
        pytest.param(
            "The machine swallowed my card, {}", "get help with swallowed card", id="they-tell"
        ),
        pytest.param("Wo liegt mein Paket {}", "liegt mein", id="another-language"),
    ],
)
def test_a_group_is_called_by_what_its_users_want(text, name):
    assert name_of(a_group(text)) == name


def test_what_follows_one_wish_does_not_hide_the_next():
    group = a_group("Hello, I want to know things. Can you check my balance {}")

    assert name_of(group) == "check balance"


def test_a_verb_that_is_a_noun_here_gives_no_order():
    verbs = a_group("I want to transfer money {}")
    nouns = a_group("The bank transfer pending since days {}")

    assert name_clusters([verbs, nouns], min_users=5)[1].text.startswith("get help with")


def test_a_group_in_another_language_is_called_by_the_tool_that_it_needs():
    group = a_group("予約を取り消したいです {}", tools=("lookup", "cancelOrder"))

    assert name_of(group) == "cancel order"


def test_a_name_is_what_most_say_in_whatever_form_and_not_what_sets_a_few_apart():
    ways = (
        "I want to cancel my flight to Oslo {}",
        "I need to cancel a flight to Oslo {}",
        "My flight has to be cancelled {}",
        "Cancelling that flight is what I came for {}",
    )
    group = [a_document(ways[n % 4].format("x" * n), n) for n in range(12)]
    rest = [a_document("I want to cancel my newsletter", 100 + n) for n in range(12)]

    assert name_clusters([group, rest], min_users=3)[0].text == "cancel flight"


def test_where_each_wants_another_thing_it_is_the_tool_that_all_of_them_need():
    things = ("laptop", "jacket", "kettle", "lamp")
    group = [
        a_document(f"I'd like to exchange my {things[n % 4]}", n, tools=("exchange_order_items",))
        for n in range(12)
    ]

    assert name_clusters([group, OTHERS], min_users=5)[0].text == "exchange order items"


@pytest.mark.parametrize(
    "tool",
    [
        pytest.param("transfer_to_human", id="nobody-spoke-of-it"),
        pytest.param("get_lamp_details", id="it-looks-something-up"),
        pytest.param("broken", id="one-word"),
    ],
)
def test_what_the_agent_did_is_no_name_where_it_was_not_wanted(tool):
    group = a_group("The lamp is broken {}", tools=(tool,))

    assert name_of(group) == "get help with broken / lamp"


def test_a_group_that_is_nearly_all_of_its_agent_is_called_by_what_most_of_it_say():
    told = "I want to schedule an appointment {}\nMy date of birth is in May"
    others = [a_document("I want to schedule an appointment", 100 + n) for n in range(3)]

    assert name_clusters([a_group(told, 16), others], min_users=5)[0].text == "schedule appointment"


def test_what_users_say_later_is_no_name_where_they_said_what_they_want():
    text = "I want to cancel my flight\nNumber seven\nYes\nI want to speak to a supervisor"

    assert name_of(a_group(text)) == "cancel flight"


@pytest.mark.parametrize(
    ("texts", "other", "name"),
    [
        pytest.param(
            ("契約を解約したいです", "今月で契約を解約してください"),
            "荷物がまだ届きません",
            "契約を解約",
            id="Japanese",
        ),
        pytest.param(
            ("我想取消订单", "请帮我取消订单吧"), "我的包裹在哪里", "取消订单", id="Chinese"
        ),
        pytest.param(
            ("ฉันต้องการยกเลิกคำสั่งซื้อ", "ช่วยยกเลิกคำสั่งซื้อ"),
            "พัสดุของฉันอยู่ที่ไหน",
            "ยกเลิกคำสั่งซื้อ",
            id="Thai",
        ),
        pytest.param(
            ("मुझे ऑर्डर रद्द करना है", "मेरा ऑर्डर रद्द कर दो"),
            "मेरा पार्सल कहाँ है",
            "ऑर्डर रद्द",
            id="Hindi",
        ),
        pytest.param(
            ("أريد إلغاء الاشتراك", "كيف يمكنني إلغاء الاشتراك"),
            "أين الطرد الخاص بي",
            "إلغاء الاشتراك",
            id="Arabic",
        ),
        pytest.param(
            ("Ich möchte meinen Vertrag kündigen", "Wie kann ich den Vertrag kündigen?"),
            "Ich möchte wissen, wie und wann ich mein Paket an den Nachbarn umleiten kann",
            "vertrag kündigen",
            id="German",
        ),
    ],
)
def test_other_languages_and_scripts_without_spaces_get_real_names(texts, other, name):
    group = [a_document(texts[n % 2], n) for n in range(12)]
    others = [a_document(other, 100 + n) for n in range(12)]

    assert name in name_clusters([group, others], min_users=5)[0].text


def test_moods_are_no_names():
    assert "frustrated" not in name_of(a_group("I am frustrated and upset, my parcel is late {}"))


def test_two_forms_of_one_word_count_once():
    name = name_of(a_group("delay delayed, {} delays of the plane"))

    assert sum(word.startswith("delay") for word in name.split()) == 1


def test_a_group_without_common_words_is_called_by_what_many_others_know_too():
    group = [
        a_document(f"{('refund', 'invoice')[n % 2]} {word}", n)
        for n, word in enumerate(["kestrel", "basalt", "quiver", "trellis", "mortar", "sonnet"])
    ]
    known = [a_document(f"Where is my {('refund', 'invoice')[n % 2]}", 50 + n) for n in range(12)]
    rest = [a_document("Which shop is open on Sunday", 100 + n) for n in range(40)]

    one, _ = name_clusters([group, [*known, *rest]], min_users=5)

    assert set(one.terms) == {"refund", "invoice"}
    assert "refund" in one.text


def test_a_group_in_which_nobody_shares_a_word_says_so_and_quotes_nobody():
    group = [a_document(word, n) for n, word in enumerate(["kestrel", "basalt", "quiver"])]

    assert name_of(group) == "various wishes"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a seat for Williams is what the {} needs", id="ends-in-s"),
        pytest.param("please change the seat in Kovacs's name to {}", id="possessive"),
        pytest.param("please write that Roberts wants another seat {}", id="like-a-plural"),
    ],
)
def test_no_form_of_a_surname_is_in_a_name_or_its_terms(text):
    name, _ = name_clusters([a_group(text), OTHERS], min_users=5)

    assert not any(part in f"{name.text} {name.terms}" for part in ("kovac", "robert", "william"))


@pytest.mark.parametrize(
    ("text", "no_name"),
    [
        pytest.param("I want to cancel my booked flight {}", "cancel booked", id="participle"),
        pytest.param("I want to change my upcoming flight {}", "change upcoming", id="which-one"),
        pytest.param("I want to change it to purple {}", "change purple", id="what-it-becomes"),
    ],
)
def test_a_verb_has_a_thing_behind_it_and_not_which_one_or_what_it_becomes(text, no_name):
    assert name_of(a_group(text)) != no_name


def test_a_name_says_the_whole_thing_that_most_of_them_say():
    ways = ("I want to update my phone number {}", "I want to update my number for the phone {}")
    group = [a_document(ways[n % 4 == 3].format("x" * n), n) for n in range(12)]

    assert name_of(group) == "update phone number"


def test_a_definition_is_the_wish_and_what_many_say_beside_it():
    ways = ("I want to cancel my flight {}", "Cancel the flight, I want a refund {}")
    group = [a_document(ways[n % 2].format("x" * n), n) for n in range(12)]

    named = name_clusters([group, OTHERS], min_users=5)[0]

    assert named.definition == "Users want to cancel flight. Most users say 'refund'."


def test_a_definition_says_no_term_that_only_tells_two_names_apart():
    group = a_group("I want to cancel my flight {}")

    named = name_clusters([group, OTHERS], min_users=5, taken=["cancel flight"])[0]

    assert " / " in named.text
    assert named.definition.startswith("Users want to cancel flight.")


def test_a_definition_in_a_language_that_we_do_not_read_says_what_they_say():
    named = name_clusters([a_group("Wo liegt mein Paket {}"), OTHERS], min_users=5)[0]

    assert named.definition.startswith("All users say '")
    assert "want" not in named.definition


def test_nearly_the_same_name_is_named_as_another_intent():
    flights, hotels = (a_group(f"I want to cancel my {one} {{}}") for one in ("flight", "hotel"))

    one, other, strange = name_clusters([flights, hotels, OTHERS], min_users=5)

    assert (one.exclude, other.exclude) == (
        ("'cancel hotel' is an intent of its own",),
        ("'cancel flight' is an intent of its own",),
    )
    assert not strange.exclude
