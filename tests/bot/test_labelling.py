"""What the model's answers do to the conversation that they are about, and to others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.intent_cycle import change_taxonomy
from bot.intents import taxonomy_version
from bot.intents.asking import KnownLabel
from bot.intents.embedding import embed_texts
from bot.intents.reading import FIRST_TOKENS, content_hash
from bot.intents.wishes import learn_further
from bot.labelling import Memory, label_again, label_conversations
from bot.proposals.taxonomy import PATH
from bot.records import Intent, ModelCost, Proposal, Reply, Skipped, SourceFile, Taxonomy
from tests.bot.intents_built import NOW, a_document, a_reply, replies, some_documents

WEEK = timedelta(days=7)
INTENTS = {
    "cancel": Intent(id="i-1", name="cancel a flight", definition="The user cancels a flight."),
    "password": Intent(id="i-2", name="reset a password", definition="A password was forgotten."),
}
KINDS = ("cancel", "password", "parcel")


def a_taxonomy(*intents: Intent) -> Taxonomy:
    intents = intents or tuple(INTENTS.values())
    return Taxonomy(intents=intents, version=taxonomy_version(intents), source="repository")


def some_conversations(each: int = 12):
    """Of three wishes, `each` times; the taxonomy has the first two of them."""
    told = [(kind, one) for kind in KINDS for one in some_documents([kind], each=each)]
    return [(kind, a_document(one.text, number)) for number, (kind, one) in enumerate(told)]


def key(document):
    return document.agent, document.conversation_id


def an_answer(kind: str, document, taxonomy: Taxonomy) -> KnownLabel:
    """What a careful model says of it."""
    fits = [INTENTS[kind].id] if kind in INTENTS else []
    return KnownLabel(
        agent=document.agent,
        conversation_id=document.conversation_id,
        intent_ids=tuple(fits),
        source="model",
        at=NOW,
        content=content_hash(document),
        taxonomy_version=taxonomy.version,
    )


def labels_of(documents, taxonomy, *known):
    memory = Memory(known=known)
    return label_conversations(documents, taxonomy, memory, ask_many=None, tokens=0, now=NOW)[0]


def test_what_the_model_finds_no_intent_for_has_none_whatever_the_classifier_says():
    taxonomy, (kind, odd) = (
        a_taxonomy(),
        ("parcel", a_document("cancel the flight of my parcel", 999)),
    )
    documents = [odd, *(one for _, one in some_conversations())]
    guessed = labels_of(documents, taxonomy)[key(odd)]

    told = labels_of(documents, taxonomy, an_answer(kind, odd, taxonomy))[key(odd)]

    assert guessed.intents
    assert (told.intents, told.source) == ((), "model")


def a_reader(prompts):
    """Finds no intent for anything, and takes what its prompts are long."""
    replies = []
    for one in prompts:
        asked = one.user.count("\n[") + one.user.startswith("[")
        labels = [
            {"conversation": number, "intents": [], "none_fits": "find a parcel"}
            for number in range(1, asked + 1)
        ]
        tokens = len(one.system + one.cached + one.user) // 4
        cost = ModelCost(calls=1, input_tokens=tokens, output_tokens=20 * asked, usd=0.01)
        reply = Reply(
            text="", data={"labels": labels}, model="m", stop_reason="end_turn", cost=cost
        )
        replies.append(reply)
    return replies


def strangers(count: int):
    """Conversations like none of the intents, each of the longest that is shown."""
    words = "wo bleibt mein paket es ist noch nicht angekommen und niemand weiss etwas davon"
    return [a_document(f"{words} {number} " * 12, number) for number in range(count)]


def test_what_has_no_intent_is_read_at_once_where_it_is_little():
    """A twentieth of a hundred tokens is nothing."""
    labels, learning = label_conversations(
        strangers(20), a_taxonomy(), Memory(), ask_many=a_reader, tokens=100, now=NOW
    )

    assert len(learning.read) == 20
    assert {one.source for one in labels.values()} == {"model"}
    assert not learning.skipped


def test_of_equal_conversations_one_is_read_and_all_have_the_answer():
    first = strangers(5)
    again = [replace(one, conversation_id=f"again-{one.conversation_id}") for one in first]
    late = [replace(one, conversation_id=f"late-{one.conversation_id}") for one in first]

    _, learning = label_conversations(
        [*first, *again], a_taxonomy(), Memory(), ask_many=a_reader, tokens=100, now=NOW
    )
    labels, then = label_conversations(
        [*first, *again, *late],
        a_taxonomy(),
        Memory(known=learning.read),
        ask_many=a_reader,
        tokens=100,
        now=NOW,
    )

    assert len(learning.read) == 10
    assert sum(one.tokens > 0 for one in learning.read) == 5
    assert {one.source for one in labels.values()} == {"model"}
    assert [one.tokens for one in then.read] == [0] * 5


def test_twenty_of_each_intent_are_read_the_first_time():
    documents = [a_document(f"cancel the flight I booked for {one}", one) for one in range(60)]
    taxonomy = a_taxonomy()
    before = labels_of(documents, taxonomy)
    assert all(one.intents for one in before.values())

    _, learning = label_conversations(
        documents, taxonomy, Memory(), ask_many=a_reader, tokens=100, now=NOW
    )

    assert sum(one.tokens > 0 for one in learning.read) == 20


def test_what_is_sure_is_not_read_where_somebody_has_read_of_that_agent():
    documents = [one for kind, one in some_conversations() if kind == "cancel"]
    taxonomy = a_taxonomy()
    memory = Memory(known=(an_answer("cancel", documents[0], taxonomy),))

    _, learning = label_conversations(
        documents, taxonomy, memory, ask_many=a_reader, tokens=100, now=NOW
    )

    assert not learning.read


def test_beyond_the_first_tokens_a_twentieth_is_the_bound_and_what_is_left_is_said():
    documents, taxonomy, memory = strangers(400), a_taxonomy(), Memory()
    for day in range(3):
        labels, learning = label_conversations(
            documents,
            taxonomy,
            memory,
            ask_many=a_reader,
            tokens=100_000,
            now=NOW + timedelta(days=day),
        )
        memory = Memory(known=(*memory.known, *learning.read))

    assert 0 < sum(one.tokens for one in memory.known) <= FIRST_TOKENS
    left = sum(one.source != "model" for one in labels.values())
    assert left > 100
    (said,) = learning.skipped
    assert said.what == f"the model's word on {left} conversations without an intent"
    assert "of 50,000 were spent before" in said.reason


def test_another_file_may_have_an_intent_for_what_fitted_none():
    before, odd = a_taxonomy(), a_document("cancel the flight of my parcel", 999)
    after = a_taxonomy(*INTENTS.values(), Intent(id="i-3", name="cancel the flight of a parcel"))
    documents = [odd, *(one for _, one in some_conversations())]

    found = labels_of(documents, after, an_answer("parcel", odd, before))[key(odd)]

    assert found.source == "classifier"


def test_conversations_that_the_model_finds_no_intent_for_become_one():
    """Fewer than the classifier must be unsure of: that these fit none was read."""
    taxonomy, told = a_taxonomy(), some_conversations(each=40)
    of_kind = {kind: [one for name, one in told if name == kind] for kind in KINDS}
    documents = [*of_kind["cancel"], *of_kind["password"], *of_kind["parcel"][:12]]
    known = [an_answer("parcel", one, taxonomy) for one in of_kind["parcel"][:12]]
    labels = labels_of(documents, taxonomy, *known)
    sure = {
        one: replace(own, intents=(("i-1" if number < 40 else "i-2", 0.9),))
        for number, (one, own) in enumerate((key(one), labels[key(one)]) for one in documents)
        if number < 80
    }
    times = dict.fromkeys(map(key, documents), NOW)

    proposal = change_taxonomy(
        documents,
        labels | sure,
        taxonomy,
        file=SourceFile(path=PATH, blob="0" * 40, text=_FILE),
        started=times,
        relabel=lambda after: label_again(documents, after, Memory(), now=NOW),
        ask=replies(lambda prompt: a_reply(name="find a late parcel")),
        now=NOW,
    )

    assert isinstance(proposal, Proposal), proposal
    assert "find a late parcel" in "".join(edit.new for edit in proposal.edits)


def test_a_new_intent_moves_nothing_that_answers_taught():
    """Its gate compares with what the next run will say, and that one knows the answers too."""
    taxonomy, told = a_taxonomy(), some_conversations(each=40)
    documents = [one for _, one in told]
    swapped = {"cancel": "password", "password": "cancel"}
    known = tuple(
        an_answer(swapped.get(kind, kind), one, taxonomy)
        for number, (kind, one) in enumerate(told)
        if number % 4
    )
    memory = Memory(known=known)
    labels, learning = label_conversations(
        documents, taxonomy, memory, ask_many=None, tokens=0, now=NOW
    )
    after_this_run = Memory(learned=learning.learned, known=known)

    def proposed(memory: Memory) -> Proposal | Skipped:
        return change_taxonomy(
            documents,
            labels,
            taxonomy,
            file=SourceFile(path=PATH, blob="0" * 40, text=_FILE),
            started=dict.fromkeys(map(key, documents), NOW),
            relabel=lambda after: label_again(documents, after, memory, now=NOW),
            ask=None,
            now=NOW,
        )

    with_answers, without = proposed(after_this_run), proposed(Memory())

    assert isinstance(with_answers, Proposal), with_answers
    assert isinstance(without, Proposal)
    assert with_answers.gate is not None
    assert without.gate is not None
    assert (with_answers.gate.verdict, without.gate.verdict) == ("pass", "fail")


_FILE = """version: 1
intents:
  - id: i-1
    name: cancel a flight
    definition: The user cancels a flight.
  - id: i-2
    name: reset a password
    definition: A password was forgotten.
"""


def test_two_wishes_have_two_intents_also_where_few_end_at_a_time():
    documents = [one for kind, one in some_conversations() if kind in INTENTS]
    both = a_document(f"{documents[0].text}.\n{documents[-1].text}.", 99)
    taxonomy = a_taxonomy()
    all_labels = labels_of([*documents, both], taxonomy)
    memory = Memory(wishes=learn_further([*documents, both], all_labels, embed_texts))

    alone, _ = label_conversations([both], taxonomy, memory, ask_many=None, tokens=0, now=NOW)

    assert {one for one, _ in all_labels[key(both)].intents} == {"i-1", "i-2"}
    assert {one for one, _ in alone[key(both)].intents} == {"i-1", "i-2"}
    assert all(len(all_labels[key(one)].intents) <= 1 for one in documents)
