"""Two wishes in one conversation: what its sentences say one by one."""

from __future__ import annotations

import pytest

from bot.intents import Document
from bot.intents.embedding import embed_texts
from bot.intents.label import Intents
from bot.intents.own_words import orders_named
from bot.intents.wishes import Wishes, learn_further, learn_wishes, with_further
from bot.intents.wishes import with_further_intents as with_further_labels
from bot.records import Intent, Label
from tests.bot.intents_built import REASONS, a_document

CANCEL, PARCEL = Intent(id="i-1", name="cancel a flight"), Intent(id="i-2", name="find a parcel")
CHATTER = (
    "Yes, that is the right one, please go on.",
    "I do not have that number with me, sorry.",
    "That is all fine with me, thank you so much.",
)
WISHES = {
    "i-1": "I want to cancel my flight because {}.",
    "i-2": "Where is my parcel, the delivery is late, {}.",
}


def conversations() -> tuple[list[Document], list[Intents]]:
    """Twelve of each wish, with what users answer in between."""
    told = [(key, text.format(reason)) for key, text in WISHES.items() for reason in REASONS]
    documents = [
        a_document("\n".join([text, CHATTER[n % 3], CHATTER[(n + 1) % 3]]), n)
        for n, (_, text) in enumerate(told)
    ]
    return documents, [((key, 0.9),) for key, _ in told]


def learned() -> Wishes:
    found = learn_wishes(*conversations(), embed_texts)
    assert found is not None
    return found


def further(text: str, intents: Intents, *known: Intent) -> set[str]:
    document = a_document(text, 999)
    found = with_further([document], [intents], learned(), known or (CANCEL, PARCEL), embed_texts)
    return {intent_id for intent_id, _ in found[0]}


CANCELS = "I want to cancel my flight because my plans changed."
ASKS = "Where is my parcel, the delivery is late."


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{CANCELS}\n{CHATTER[0]}\n{ASKS}", id="later"),
        pytest.param(f"{CANCELS} {ASKS}", id="in-one-message"),
        pytest.param("\n".join([CANCELS, *CHATTER, *CHATTER, *CHATTER, ASKS]), id="after-many"),
    ],
)
def test_a_second_wish_is_a_second_intent(text):
    assert further(text, (("i-1", 0.9),)) == {"i-1", "i-2"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\n".join([CANCELS, *CHATTER]), id="answers-to-the-agent"),
        pytest.param(f"{CANCELS}\nI need to cancel the flight, we are ill.", id="said-twice"),
        pytest.param(f"{CANCELS}\nok", id="a-word"),
    ],
)
def test_who_wants_one_thing_has_one_intent(text):
    assert further(text, (("i-1", 0.9),)) == {"i-1"}


def test_what_fits_none_as_a_whole_has_the_two_that_its_sentences_say():
    assert further(f"{CANCELS}\n{ASKS}", ()) == {"i-1", "i-2"}


def test_a_single_sentence_gives_no_intent_to_a_whole_that_fits_none():
    assert further(f"{ASKS}\n{CHATTER[0]}", ()) == set()


def test_the_only_intent_that_the_user_calls_by_its_name_is_that_of_a_whole_that_fits_none():
    assert further(f"{CANCELS}\n{CHATTER[0]}", ()) == {"i-1"}
    assert further(f"I don't want to cancel my flight.\n{CHATTER[0]}", ()) == set()


def test_nothing_is_added_to_an_intent_that_no_sentence_says():
    assert further(f"{ASKS}\n{CHATTER[1]}", (("i-1", 0.9),)) == {"i-1"}


def test_two_of_one_family_are_not_added_to_each_other():
    kin = [Intent(id=one, name=one, parent="i-0") for one in WISHES]

    assert further(f"{CANCELS}\n{ASKS}", (("i-1", 0.9),), *kin) == {"i-1"}


def test_an_intent_that_is_no_longer_given_is_not_added():
    assert further(f"{CANCELS}\n{ASKS}", (("i-1", 0.9),), CANCEL) == {"i-1"}


def test_a_further_intent_is_no_surer_than_the_first():
    document = a_document(f"{CANCELS}\n{ASKS}", 999)

    found = with_further([document], [(("i-1", 0.4),)], learned(), (CANCEL, PARCEL), embed_texts)

    assert [sure for _, sure in found[0]] == [0.4, 0.4]


def test_no_conversation_is_judged_by_what_was_learned_from_itself():
    documents, labels = conversations()
    odd = a_document("Please sing me the song of the whale.\nI like whales and their songs.", 500)
    wishes = learn_wishes([*documents, odd], [*labels, (("i-2", 0.9),)], embed_texts)

    found = with_further([odd], [(("i-1", 0.9),)], wishes, (CANCEL, PARCEL), embed_texts)

    assert found == [(("i-1", 0.9),)]


def test_it_needs_no_english():
    told = {
        "i-1": "ich möchte meinen Flug stornieren, weil {}.",
        "i-2": "wo bleibt mein Paket, die Lieferung dauert zu lange, {}.",
    }
    why = ("ich krank bin", "es regnet", "mein Hund bellt", "wir umziehen", "es zu teuer ist", "so")
    answers = ("ja, genau so ist das richtig.", "die Nummer habe ich nicht hier.")
    pairs = [(key, text.format(one)) for key, text in told.items() for one in why]
    documents = [a_document(f"{text}\n{answers[n % 2]}", n) for n, (_, text) in enumerate(pairs)]
    both = a_document("ich möchte den Flug stornieren.\nund wo bleibt mein Paket?", 900)
    wishes = learn_wishes(documents, [((key, 0.9),) for key, _ in pairs], embed_texts)

    found = with_further([both], [(("i-1", 0.9),)], wishes, (CANCEL, PARCEL), embed_texts)

    assert dict(found[0]).keys() == {"i-1", "i-2"}


@pytest.mark.parametrize(
    ("keep", "why"),
    [
        pytest.param(slice(0, 12), "one intent", id="one-intent"),
        pytest.param(slice(10, 14), "few of each", id="few-of-each"),
        pytest.param(slice(0, 0), "nothing", id="nothing"),
    ],
)
def test_from_too_little_nothing_is_learned_and_nothing_is_added(keep, why):
    documents, labels = conversations()

    wishes = learn_wishes(documents[keep], labels[keep], embed_texts)

    assert wishes is None, why
    asked = [(("i-1", 0.9),)]
    both = [a_document(f"{CANCELS}\n{ASKS}", 999)]
    assert with_further(both, asked, wishes, (CANCEL, PARCEL), embed_texts) == asked


def test_labels_keep_who_gave_them_and_each_agent_has_sentences_of_its_own():
    documents, intents = conversations()
    labels = {
        (one.agent, one.conversation_id): Label(
            agent=one.agent,
            conversation_id=one.conversation_id,
            intents=own,
            source="cluster",
            taxonomy_version="v",
        )
        for one, own in zip(documents, intents, strict=True)
    }
    both = [a_document(f"{CANCELS}\n{ASKS}", 900, agent=agent) for agent in ("support", "other")]
    firsts = [
        Label(
            agent=one.agent,
            conversation_id="c-900",
            intents=(("i-1", 0.9),),
            source="cluster",
            taxonomy_version="v",
        )
        for one in both
    ]
    labels |= {(one.agent, one.conversation_id): one for one in firsts}

    wishes = learn_further([*documents, *both], labels, embed_texts)
    found = with_further_labels(both, labels, wishes, (CANCEL, PARCEL), embed_texts)

    assert [len(found[agent, "c-900"].intents) for agent in ("support", "other")] == [2, 1]
    assert {one.source for one in found.values()} == {"cluster"}


CALLED_OFF = Intent(id="i-1", name="cancel my booked flight")
TRACED = Intent(id="i-2", name="trace a parcel")


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        pytest.param("I need to cancel my flight.", {"i-1"}, id="named"),
        pytest.param("Flights are a wonderful thing to be in.", {"i-2"}, id="not-named"),
        pytest.param("But do not cancel my flight.", {"i-2"}, id="refused"),
        pytest.param("Do trace my parcel, or cancel my flight.", {"i-1", "i-2"}, id="both"),
    ],
)
def test_what_the_user_calls_by_its_name_stands_in_place_of_what_no_sentence_says(text, intents):
    assert further(f"{text}\n{CHATTER[1]}", (("i-2", 0.9),), CALLED_OFF, TRACED) == intents


@pytest.mark.parametrize(
    ("name", "order"),
    [
        pytest.param("cancel a booked flight for two", "cancel flight", id="order"),
        pytest.param("update phone numbers, work", "update number", id="what-follows-a-comma"),
        pytest.param("cancel a flight and get money back", "cancel flight", id="two-verbs"),
        pytest.param("change the date or cabin of flights", "change date", id="two-things"),
        pytest.param("get quote", None, id="a-verb-that-says-little"),
        pytest.param("refunds", None, id="one-word"),
        pytest.param("予約を取り消す", None, id="another-language"),
    ],
)
def test_the_order_of_a_name(name, order):
    assert orders_named([Intent(id="i-1", name=name)]) == ({order: "i-1"} if order else {})


def test_an_order_that_two_intents_are_called_by_tells_neither():
    twins = [Intent(id="i-1", name="file claim"), Intent(id="i-2", name="file property claim")]

    assert not orders_named(twins)
