"""A change of the taxonomy: what it says, what it moves, and when it is not proposed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.bundle.body import render_body
from bot.intent_cycle import change_taxonomy
from bot.intents import Document, discover, label, read_taxonomy, taxonomy_version, write_taxonomy
from bot.labelling import Memory, label_again
from bot.proposals.edits import apply_edits
from bot.proposals.relabelling import Relabelling, agreement, moves_between
from bot.proposals.taxonomy import PATH
from bot.records import Intent, Label, Proposal, Skipped, SourceFile, Taxonomy
from tests.bot.intents_built import NOW, REASONS, a_document, some_documents

SHA = "0" * 40


def a_file(text: str) -> SourceFile:
    return SourceFile(path=PATH, blob=SHA, text=text)


def a_taxonomy(*intents: Intent) -> Taxonomy:
    return Taxonomy(intents=intents, version=taxonomy_version(intents), source="repository")


def key(document: Document) -> tuple[str, str]:
    return document.agent, document.conversation_id


def labelled(documents, labels):
    return {key(one): found for one, found in zip(documents, labels, strict=True)}


def numbered(documents):
    """With ids of their own, however they were put together."""
    return [a_document(one.text, number, agent=one.agent) for number, one in enumerate(documents)]


def change(documents, labels, taxonomy, *, file=None, started=None, ask=None):
    times = dict.fromkeys((key(one) for one in documents), NOW) if started is None else started
    return change_taxonomy(
        documents,
        labels,
        taxonomy,
        file=file,
        started=times,
        relabel=lambda after: label_again(documents, after, Memory(), now=NOW),
        ask=ask,
        now=NOW,
    )


@pytest.fixture
def first():
    """Three kinds of wishes, 60 conversations, nothing known before."""
    documents = numbered(some_documents(each=20))
    found = discover(documents, now=NOW)
    return documents, found


def test_the_first_taxonomy_holds_what_was_found_and_reads_back(first):
    documents, found = first

    proposal = change(documents, labelled(documents, found.labels), found.taxonomy)

    assert isinstance(proposal, Proposal)
    assert proposal.title == "Begin the taxonomy with 3 intents"
    (edit,) = proposal.edits
    assert (edit.path, edit.base_blob, edit.old) == (PATH, None, "")
    written = read_taxonomy(edit.new)
    assert {one.id for one in written.intents} == {one.id for one in found.taxonomy.intents}
    assert proposal.gate.verdict == "inconclusive"
    assert proposal.prediction is None


def test_the_same_conversations_give_the_same_proposal(first):
    documents, found = first
    labels = labelled(documents, found.labels)

    assert change(documents, labels, found.taxonomy) == change(documents, labels, found.taxonomy)


@pytest.mark.parametrize("each", [pytest.param(8, id="24"), pytest.param(16, id="48")])
def test_too_few_conversations_begin_no_taxonomy(each):
    documents = numbered(some_documents(each=each))
    found = discover(documents, now=NOW)

    result = change(documents, labelled(documents, found.labels), found.taxonomy)

    assert isinstance(result, Skipped)
    assert result.code == "evidence_floor"


def a_known(first, *, without: str):
    """The taxonomy of the repository, in which one kind of wish is not known yet and fits none."""
    documents, found = first
    known = [one for one in found.taxonomy.intents if without not in " ".join(one.terms)]
    taxonomy = a_taxonomy(*(replace(one, terms=()) for one in known))
    text = "# ours\n" + write_taxonomy(taxonomy)
    labels = labelled(documents, label(documents, taxonomy))
    for one in documents:
        if without in one.text:
            labels[key(one)] = replace(labels[key(one)], intents=())
    return documents, labels, taxonomy, a_file(text)


def test_what_fits_no_intent_becomes_a_new_one_at_the_end_of_the_file(first):
    documents, labels, taxonomy, file = a_known(first, without="parcel")

    proposal = change(documents, labels, taxonomy, file=file)

    assert isinstance(proposal, Proposal)
    after = apply_edits({PATH: file}, proposal.edits)[PATH]
    assert after.startswith(file.text)
    new = read_taxonomy(after).intents[-1]
    assert new.id not in {one.id for one in taxonomy.intents}
    assert proposal.title == "Bring the intents up to date: add 1"
    assert proposal.gate.verdict == "pass", proposal.gate
    moves = next(one for one in proposal.tables if one.title == "What moves").rows
    assert moves[0][0] == "no intent"
    assert moves[0][1] == new.name
    assert int(moves[0][2]) >= 15


def test_a_wish_that_a_known_intent_swallows_becomes_an_intent_once_it_came_lately(first):
    documents, labels, taxonomy, file = a_known(first, without="parcel")
    neighbour = taxonomy.intents[0].id
    started = {}
    for number, one in enumerate(documents):
        is_parcel = "parcel" in one.text
        probability = 0.6 if is_parcel else 0.9
        own = neighbour if is_parcel else labels[key(one)].intents[0][0]
        labels[key(one)] = replace(labels[key(one)], intents=((own, probability),))
        started[key(one)] = NOW - timedelta(days=number % (4 if is_parcel else 28))

    proposal = change(documents, labels, taxonomy, file=file, started=started)
    at_once = change(documents, labels, taxonomy, file=file)

    assert isinstance(proposal, Proposal)
    assert proposal.title == "Bring the intents up to date: add 1"
    moves = next(one for one in proposal.tables if one.title == "What moves").rows
    assert (moves[0][0], int(moves[0][2])) == (taxonomy.intents[0].name, 20)
    assert isinstance(at_once, Skipped)


def few_parcels(first, count: int, *, days: list[int], read: bool = False):
    """Of 40 others over four weeks, and `count` parcels without an intent on these days."""
    documents, labels, taxonomy, file = a_known(first, without="parcel")
    parcels = [one for one in documents if "parcel" in one.text][:count]
    kept = [one for one in documents if "parcel" not in one.text]
    started = {key(one): NOW - timedelta(days=number % 28) for number, one in enumerate(kept)}
    for number, one in enumerate(parcels):
        started[key(one)] = NOW - timedelta(days=days[number % len(days)])
        if read:
            labels[key(one)] = replace(labels[key(one)], source="model")
    # Odd ones of nothing: the residue is large enough to be looked at.
    odd = [a_document(f"{word} {word}? {word}", 900 + n) for n, word in enumerate(ODD)]
    started |= {key(one): NOW - timedelta(days=number) for number, one in enumerate(odd)}
    labels |= {key(one): replace(labels[key(kept[0])], intents=()) for one in odd}
    return [*kept, *parcels, *odd], labels, taxonomy, file, started


ODD = ("zebra", "quartz", "violin", "harbour", "pepper", "glacier", "lantern", "meadow", "tunnel",
       "saddle", "orchid", "anvil")  # fmt: skip


@pytest.mark.parametrize(
    ("parcels", "days", "read", "is_new"),
    [
        pytest.param(12, [2, 9, 16, 23], False, False, id="twelve-over-four-weeks-are-odd"),
        pytest.param(20, [2, 9, 16, 23], False, True, id="twenty-over-four-weeks-are-an-intent"),
        pytest.param(12, [1, 2], False, True, id="twelve-of-the-last-days-came-anew"),
        pytest.param(12, [2, 9, 16, 23], True, True, id="twelve-that-were-read-and-fit-nothing"),
    ],
)
def test_what_fits_nothing_is_an_intent_once_it_lasts_or_comes_anew(
    first, parcels, days, read, is_new
):
    documents, labels, taxonomy, file, started = few_parcels(first, parcels, days=days, read=read)

    proposal = change(documents, labels, taxonomy, file=file, started=started)

    assert isinstance(proposal, Proposal) == is_new, proposal
    if is_new:
        assert proposal.title == "Bring the intents up to date: add 1"


def test_what_a_person_took_out_of_the_file_is_not_proposed_again(first):
    documents, labels, taxonomy, file = a_known(first, without="parcel")
    (parcel,) = (one for one in first[1].taxonomy.intents if "parcel" in " ".join(one.terms))
    renamed = replace(parcel, id="i-000000", name="look for a box")

    for removed in (parcel, renamed, replace(renamed, name=parcel.name, exemplars=())):
        known = replace(taxonomy, removed=(removed,))
        result = change(documents, labels, known, file=file)
        assert isinstance(result, Skipped)
        assert "A person took" in result.reason
    other = replace(renamed, exemplars=("0" * 16,))
    assert isinstance(
        change(documents, labels, replace(taxonomy, removed=(other,)), file=file), Proposal
    )


def test_a_hand_edit_elsewhere_does_not_get_in_the_way_of_the_edits(first):
    documents, labels, taxonomy, file = a_known(first, without="parcel")
    proposal = change(documents, labels, taxonomy, file=file)
    meanwhile = a_file(file.text.replace("# ours", "# ours, and nobody else's"))

    after = apply_edits({PATH: meanwhile}, proposal.edits)

    assert not isinstance(after, Skipped)
    assert after[PATH].startswith("# ours, and nobody else's")


def test_nothing_new_proposes_nothing(first):
    documents, found = first
    taxonomy = a_taxonomy(*found.taxonomy.intents)
    labels = labelled(documents, label(documents, taxonomy))

    result = change(documents, labels, taxonomy, file=a_file(write_taxonomy(taxonomy)))

    assert isinstance(result, Skipped)
    assert result.code == "healthy"


def test_an_intent_that_nobody_has_any_more_is_retired_after_two_months(first):
    documents, found = first
    documents = numbered([*documents] * 20)[:1100]
    old = Intent(id="i-old", name="order a telegram", introduced="2026-01-01")
    young = Intent(id="i-young", name="order a singing telegram", introduced="2026-11-01")
    by_hand = Intent(id="i-hand", name="order a dancing telegram")
    taxonomy = a_taxonomy(*found.taxonomy.intents, old, young, by_hand)
    labels = {
        key(one): Label(
            agent=one.agent,
            conversation_id=one.conversation_id,
            intents=((found.taxonomy.intents[0].id, 0.9),),
            source="classifier",
            taxonomy_version=taxonomy.version,
        )
        for one in documents
    }

    proposal = change(documents, labels, taxonomy, file=a_file(write_taxonomy(taxonomy)))

    told = {one.id: one.status for one in _after(proposal, taxonomy).intents}
    assert (told["i-old"], told["i-young"], told["i-hand"]) == ("retired", "active", "active")


def _after(proposal, taxonomy):
    assert isinstance(proposal, Proposal), proposal
    text = apply_edits({PATH: a_file(write_taxonomy(taxonomy))}, proposal.edits)[PATH]
    return read_taxonomy(text)


def both(documents, ids) -> dict[tuple[str, str], Label]:
    """Every conversation has both intents."""
    return {
        key(one): Label(
            agent=one.agent,
            conversation_id=one.conversation_id,
            intents=tuple((one_id, 0.9) for one_id in ids),
            source="classifier",
            taxonomy_version="v",
        )
        for one in documents
    }


def test_two_intents_that_always_come_together_are_merged_into_the_older(first):
    documents, found = first
    a, b, *_ = found.taxonomy.intents
    taxonomy = a_taxonomy(*found.taxonomy.intents)
    started = {key(one): NOW + timedelta(hours=at) for at, one in enumerate(documents)}

    proposal = change(
        documents,
        both(documents, [a.id, b.id]),
        taxonomy,
        file=a_file(write_taxonomy(taxonomy)),
        started=started,
    )

    merged = next(one for one in _after(proposal, taxonomy).intents if one.id == b.id)
    assert (merged.status, merged.into) == ("merged", (a.id,))


def test_two_intents_that_came_together_in_one_half_only_stay_two(first):
    documents, found = first
    a, b, *_ = found.taxonomy.intents
    taxonomy = a_taxonomy(*found.taxonomy.intents)
    started: dict[tuple[str, str], datetime | None] = {
        key(one): NOW + timedelta(hours=at) for at, one in enumerate(documents)
    }
    labels = both(documents[:30], [a.id, b.id]) | both(documents[30:45], [a.id])
    labels |= both(documents[45:], [b.id])

    result = change(
        documents, labels, taxonomy, file=a_file(write_taxonomy(taxonomy)), started=started
    )

    assert isinstance(result, Skipped)


def test_a_change_that_moves_labels_nobody_meant_to_move_fails_its_gate():
    keys = [("a", f"c-{number}") for number in range(40)]
    names = {number: ("x" if number % 2 else "y") for number in range(40)}
    swapped = {number: ("y" if number % 3 else "x") for number in range(40)}

    def given(ids):
        return {
            one: Label(
                agent="a",
                conversation_id=one[1],
                intents=((ids[number], 1.0),),
                source="classifier",
                taxonomy_version="v",
            )
            for number, one in enumerate(keys)
        }

    labels = Relabelling(
        before=given(names), after=given(swapped), now_called={}, units=dict.fromkeys(keys, "u")
    )

    found = agreement(labels)

    assert found.anchors == 40
    assert found.kappa is not None
    assert found.kappa < 0.5
    assert {(one.source, one.target) for one in moves_between(labels)} == {("x", "y"), ("y", "x")}


def test_a_merged_id_is_no_disagreement():
    keys = [("a", f"c-{number}") for number in range(30)]
    old = {one: _one(one, "i-old") for one in keys}
    new = {one: _one(one, "i-new") for one in keys}

    labels = Relabelling(before=old, after=new, now_called={"i-old": "i-new"}, units={})

    assert agreement(labels).kappa == 1.0
    assert moves_between(labels) == []


def _one(key: tuple[str, str], intent_id: str) -> Label:
    return Label(
        agent=key[0],
        conversation_id=key[1],
        intents=((intent_id, 1.0),),
        source="classifier",
        taxonomy_version="v",
    )


def test_the_body_says_in_its_first_lines_what_it_is_and_quotes_nobody(first):
    documents, labels, taxonomy, file = a_known(first, without="parcel")
    proposal = change(documents, labels, taxonomy, file=file)

    body = render_body(proposal, base_sha=SHA)

    assert "root cause" not in body.split("-->")[1]
    assert "Cohen's kappa" in body
    assert "What moves" in body
    for document in documents:
        words = document.text.split()
        runs = (" ".join(words[at : at + 5]) for at in range(len(words) - 4))
        assert not any(run in body for run in runs), document.text


def test_the_pull_request_stays_the_same_one_while_more_is_found(first):
    documents, found = first
    labels = labelled(documents, found.labels)

    one = change(documents, labels, found.taxonomy)
    seen = found.taxonomy.intents[:2]
    fewer = change(documents, labels, replace(found.taxonomy, intents=seen))

    assert isinstance(one, Proposal)
    assert isinstance(fewer, Proposal)
    assert one.id == fewer.id
    assert one.fingerprint != fewer.fingerprint


WISHES = {
    "bag": "I want to add a heavy suitcase to my trip, {}",
    "seat": "Please reserve a window seat near the wing, {}",
}


def a_mixed_intent():
    """One intent in the file, of which the users want two things, all the time."""
    said = [(wish, n) for n in range(40) for wish in WISHES]
    documents = [
        a_document(WISHES[wish].format(f"{REASONS[n % 12]} {REASONS[n % 7]}"), number)
        for number, (wish, n) in enumerate(said)
    ]
    others = [
        a_document(f"I forgot my password and must reset it, {REASONS[n % 12]}", 500 + n)
        for n in range(40)
    ]
    extras = Intent(
        id="i-extras", name="buy extras", exemplars=tuple(one.sha for one in documents[:20])
    )
    password = Intent(
        id="i-password", name="reset password", exemplars=tuple(one.sha for one in others[:20])
    )
    taxonomy = a_taxonomy(extras, password)
    both = [*documents, *others]
    labels = {key(one): _one(key(one), "i-extras") for one in documents}
    labels |= {key(one): _one(key(one), "i-password") for one in others}
    started = {key(one): NOW - timedelta(hours=number % 80) for number, one in enumerate(both)}
    return both, labels, taxonomy, started


def test_an_intent_that_is_two_things_gets_them_below_it_and_keeps_its_trend():
    documents, labels, taxonomy, started = a_mixed_intent()
    file = a_file(write_taxonomy(taxonomy))

    proposal = change(documents, labels, taxonomy, file=file, started=started)

    assert isinstance(proposal, Proposal)
    written = apply_edits({PATH: file}, proposal.edits)
    assert not isinstance(written, Skipped)
    after = {one.id: one for one in read_taxonomy(written[PATH]).intents}
    children = [one for one in after.values() if one.parent == "i-extras"]
    assert len(children) == 2
    assert after["i-extras"].status == "active"
    assert proposal.gate is not None
    assert proposal.gate.verdict == "pass"


def test_quotes_are_shown_as_code_where_they_are_allowed_and_nowhere_else(first):
    documents, found = first
    labels = labelled(documents, found.labels)
    started = {key(one): NOW for one in documents}

    def body(quotes: bool) -> str:
        proposal = change_taxonomy(
            documents,
            labels,
            found.taxonomy,
            file=None,
            started=started,
            relabel=lambda after: label_again(documents, after, Memory(), now=NOW),
            ask=None,
            now=NOW,
            quotes=quotes,
        )
        assert isinstance(proposal, Proposal)
        return render_body(proposal, base_sha=SHA)

    assert "`I want to cancel my flight because" in body(True)
    assert "I want to cancel my flight" not in body(False)
