"""Every conversation is labelled by what the repository's taxonomy says, or left without."""

from __future__ import annotations

from dataclasses import replace

from bot.intents import discover, label, read_taxonomy, write_taxonomy
from bot.records import Intent, Label, Taxonomy
from tests.bot.intents_built import NOW, a_document, some_documents

CANCEL = Intent(
    id="i-cancel", name="cancel a flight", definition="The user wants to cancel a flight."
)
PASSWORD = Intent(id="i-pass", name="reset a password", definition="The user forgot the password.")


def a_taxonomy(*intents: Intent) -> Taxonomy:
    return Taxonomy(intents=intents, version="v1", source="repository")


def intent_of(found: Label) -> str | None:
    return found.intents[0][0] if found.intents else None


def test_intents_known_by_name_alone_are_told_apart():
    documents = some_documents(["cancel", "password"])

    labels = label(documents, a_taxonomy(CANCEL, PASSWORD))

    assert [intent_of(one) for one in labels] == ["i-cancel"] * 12 + ["i-pass"] * 12
    assert all(one.source == "classifier" for one in labels)
    assert all(one.taxonomy_version == "v1" for one in labels)


def test_what_fits_nothing_has_no_intent():
    strange = a_document("Der Zug nach Ulm hat Verspätung", 99)

    (found,) = label([strange], a_taxonomy(CANCEL, PASSWORD))

    assert found.intents == ()


def test_a_single_intent_is_not_given_to_everything():
    documents = [*some_documents(["cancel"]), a_document("quantum chromodynamics homework", 99)]

    labels = label(documents, a_taxonomy(CANCEL))

    assert [intent_of(one) for one in labels] == ["i-cancel"] * 12 + [None]


def test_without_intents_every_document_is_labelled_with_none():
    labels = label(some_documents(["cancel"]), a_taxonomy())

    assert [one.intents for one in labels] == [()] * 12


def test_no_documents_give_no_labels():
    assert label([], a_taxonomy(CANCEL)) == ()


def test_retired_intents_are_not_given():
    labels = label(some_documents(["cancel"]), a_taxonomy(replace(CANCEL, status="retired")))

    assert {intent_of(one) for one in labels} == {None}


def test_examples_teach_what_a_name_does_not_say_and_come_back_as_they_are():
    documents = some_documents(["cancel", "parcel"])
    odd = (Intent(id="i-x", name="flurb"), Intent(id="i-y", name="zork"))
    examples = [
        Label(
            agent="support",
            conversation_id=documents[row].conversation_id,
            intents=((intent_id, 1.0),),
            source="model",
            taxonomy_version="v0",
        )
        for row, intent_id in ((0, "i-x"), (1, "i-x"), (2, "i-x"), (12, "i-y"), (13, "i-y"))
    ]

    labels = label(documents, a_taxonomy(*odd), examples=examples)

    assert [intent_of(one) for one in labels] == ["i-x"] * 12 + ["i-y"] * 12
    assert labels[0] is examples[0]
    assert labels[5].source == "classifier"


def test_exemplars_of_the_file_teach_too():
    documents = some_documents(["cancel", "parcel"])
    flurb = Intent(id="i-x", name="flurb", exemplars=tuple(d.sha for d in documents[:3]))
    zork = Intent(id="i-y", name="zork", exemplars=tuple(d.sha for d in documents[12:15]))

    labels = label(documents, a_taxonomy(flurb, zork))

    assert [intent_of(one) for one in labels] == ["i-x"] * 12 + ["i-y"] * 12


def test_a_discovered_taxonomy_that_went_through_its_file_labels_the_same():
    documents = some_documents()
    found = discover(documents, now=NOW)

    labels = label(documents, read_taxonomy(write_taxonomy(found.taxonomy)))

    assert [intent_of(one) for one in labels] == [intent_of(one) for one in found.labels]


def test_an_intent_that_only_another_agent_has_is_not_offered():
    air, rail = some_documents(["cancel"], agent="air"), some_documents(["cancel"], agent="rail")
    found = discover([*air, *rail], now=NOW)

    labels = label([*air, *rail], found.taxonomy, examples=found.labels[:3] + found.labels[-3:])

    of_air, of_rail = {intent_of(x) for x in labels[:12]}, {intent_of(x) for x in labels[12:]}
    assert of_air.isdisjoint(of_rail)
    assert None not in of_air | of_rail
