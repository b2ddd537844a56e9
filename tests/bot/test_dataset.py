"""Data sets: what is an example, how many stand beside it, and what never goes into one."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dataset_changes import dataset_globs, is_teaching, published
from bot.proposals import check_edits
from bot.proposals.dataset import (
    Example,
    Material,
    accepted_example,
    corrected_example,
    mixed,
    propose_dataset,
)
from bot.proposals.dataset.files import ids_in
from bot.proposals.dataset.propose import MAX_BYTES
from bot.records import Proposal, Repository, Skipped, SourceFile
from bot.settings import load_settings
from tests.bot.builders import a_conversation, a_correction, assistant, calls, returns, user
from tests.bot.test_cases import HOSTILE

EMPTY = Repository(base_sha="0" * 40, base_branch="main", files={})


def corrected(n=0, *, asked="Draft a mail.", answer="Dear all, hello there.", better="Hello."):
    one = a_conversation(
        user(f"{asked} {n}"), assistant(answer), conversation_id=f"x-{n}", user_id=f"u-{n}"
    )
    correction = a_correction(original=answer, corrected=better)
    return corrected_example(one, correction, redact=published)


def accepted(n=0, *, by=None):
    one = a_conversation(
        user("Draft a mail."),
        assistant(f"Hello {n}."),
        conversation_id=f"g-{n}",
        user_id=by or f"g-{n}",
    )
    return accepted_example(one, redact=published)


def material(new=10, good=40, **changes):
    fields = {
        "corrected": tuple(corrected(n) for n in range(new)),
        "accepted": tuple(accepted(n) for n in range(good)),
        "left_out": {},
        "ids": {},
    }
    return Material(**{**fields, **changes})


CORRECTED = [corrected(n) for n in range(40)]
ACCEPTED = [accepted(n) for n in range(120)]


def dataset(found=None, repository=EMPTY, **changes):
    wanted = {"path": "data/debrief", "at_least": 5, **changes}
    return propose_dataset("outreach", found or material(), repository, **wanted)


def test_a_correction_becomes_an_example_and_a_pair():
    found = corrected(answer="Dear all, hello there.", better="Hello there.")

    assert isinstance(found, Example)
    assert found.prompt == ({"role": "user", "content": "Draft a mail. 0"},)
    assert (found.answer, found.rejected) == ("Hello there.", "Dear all, hello there.")
    assert 0 < found.difficulty < 1


def test_dates_numbers_of_orders_and_pictures_may_be_learned():
    one = a_conversation(
        user("Where is order W2378156?"),
        calls("find", {"order": "W2378156"}),
        returns({"order": "W2378156", "leaves": "2024-05-20", "paid_with": "gift_card_7091239"}),
        assistant("It leaves on 2024-05-20. Safe travels! \u2708\ufe0f"),
    )

    found = accepted_example(one, redact=published)

    assert isinstance(found, Example)
    assert "2024-05-20" in found.answer


def test_a_set_of_conversations_with_tools_passes_the_guardrails():
    def shown(one):
        given = {"role": "tool", "tool_call_id": "t", "content": '{"id": "W2378156"}'}
        return replace(
            one, prompt=(*one.prompt, given), answer="It left on 2024-05-20. \u2708\ufe0f"
        )

    found = material(
        corrected=tuple(replace(shown(corrected(n)), rejected="Hello.") for n in range(10)),
        accepted=tuple(shown(accepted(n)) for n in range(40)),
    )

    assert isinstance(dataset(found), Proposal)


def test_no_file_is_larger_than_what_a_run_reads_back():
    long = "A long answer in words. " * 400
    new = tuple(corrected(n, answer=f"{long}{n}", better=long) for n in range(60))
    good = tuple(replace(accepted(n), answer=f"{long}{n}") for n in range(150))
    found = material(corrected=new, accepted=good)

    proposal = dataset(found)
    refused = dataset(found, at_least=45)

    assert isinstance(proposal, Proposal)
    sizes = [len(edit.new) for edit in proposal.edits]
    assert 0.9 * MAX_BYTES < max(sizes) <= MAX_BYTES
    examples = [json.loads(line) for line in proposal.edits[0].new.splitlines()]
    sources = Counter(one["source"] for one in examples)
    assert sources["accepted"] == 2 * sources["correction"]
    assert isinstance(refused, Skipped)
    assert refused.code == "too_large"
    assert f"dataset.at_least to {sources['correction']} or less" in refused.reason
    older = 60 - sources["correction"]
    assert "The set is full (at most 600 examples and 900 kB" in proposal.what
    assert f"the newest corrections are in it, and {older} older ones not" in proposal.what
    left_out = dict(next(one for one in proposal.tables if one.title == "Left out").rows)
    assert left_out["the set is full, and newer corrections are in it"] == str(older)


def test_a_set_with_room_says_nothing_of_being_full():
    proposal = dataset(material())

    assert isinstance(proposal, Proposal)
    assert "full" not in proposal.what


def test_calls_and_results_of_tools_stand_before_the_answer_that_rests_on_them():
    one = a_conversation(
        user("Where is L-1?"), calls("find", {"order": "L-1"}), returns("late"), assistant("Late.")
    )

    found = accepted_example(one, redact=published)

    assert isinstance(found, Example)
    assert [each["role"] for each in found.prompt] == ["user", "assistant", "tool"]
    assert found.prompt[1]["tool_calls"][0]["function"]["arguments"] == '{"order": "L-1"}'


def test_an_answer_whose_results_were_not_recorded_would_teach_inventing():
    one = a_conversation(user("Where?"), calls("find"), returns(None), assistant("Late."))

    assert "teach inventing" in accepted_example(one, redact=published)


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_are_no_example_wherever_they_stand(words):
    assert isinstance(corrected(asked=words), str)
    assert isinstance(corrected(answer=words), str)
    assert isinstance(corrected(better=words), str)


def test_personal_data_is_redacted_once_more():
    found = corrected(asked="Write to jane.roe@example.com or [email:3f2a9c].")

    assert isinstance(found, Example)
    assert found.question == "Write to [email] or [email]. 0"


@pytest.mark.parametrize(
    ("changes", "teaches"),
    [
        pytest.param({}, True, id="reviewer"),
        pytest.param({"by": "user"}, False, id="stranger"),
        pytest.param({"nature": "noise"}, False, id="slip"),
    ],
)
def test_only_reviewers_teach(changes, teaches):
    assert is_teaching(a_correction(**changes)) is teaches


@pytest.mark.parametrize(("new", "good", "kept"), [(10, 40, 10), (10, 12, 6), (10, 1, 0)])
def test_two_accepted_answers_stand_beside_each_new_one(new, good, kept):
    mix = mixed(material(new).corrected, material(good=good).accepted)

    assert mix.number("correction") == kept
    assert mix.number("accepted") == 2 * kept
    assert mix.waiting == new - kept


def test_the_order_is_from_easy_to_hard_and_the_same_in_every_run():
    found = material()

    mix = mixed(found.corrected, found.accepted)

    hard = [one.difficulty for one in mix.examples]
    assert hard == sorted(hard)
    assert mix == mixed(found.corrected, tuple(reversed(found.accepted)))


def test_one_user_has_no_more_than_a_tenth_of_what_is_kept():
    many = tuple(accepted(n, by="one") for n in range(100))

    mix = mixed(material().corrected, (*many, *material(good=40).accepted))

    loud = [one for one in mix.examples if one.source == "accepted" and one.user == many[0].user]
    assert len(loud) <= 2


def test_what_a_model_wrote_is_at_most_three_tenths_of_what_is_new():
    found = material(good=100)
    made = [replace(one, source="synthetic", seed=one.id) for one in found.corrected]

    mix = mixed(found.corrected, found.accepted, made * 3)

    new = mix.number("correction") + mix.number("synthetic")
    assert 0 < mix.number("synthetic") <= 0.3 * new
    assert mix.number("accepted") == 2 * new


@given(
    new=st.integers(0, 40),
    good=st.integers(0, 120),
    each=st.integers(0, 5),
    share=st.floats(0, 1),
)
def test_no_mixture_ever_has_more_than_three_tenths_from_a_model(new, good, each, share):
    fresh, kept = [CORRECTED[n] for n in range(new)], [ACCEPTED[n] for n in range(good)]
    made = [
        replace(one, id=f"{one.id}{n}", source="synthetic", seed=one.id)
        for one in fresh
        for n in range(each)
    ]

    mix = mixed(fresh, kept, made, share=share)

    written, own = mix.number("synthetic"), mix.number("correction")
    assert written <= min(0.3, share) * (written + own) + 1e-9
    assert written <= 0.3 * len(mix.examples)
    assert len({one.id for one in mix.examples}) == len(mix.examples)


def test_what_a_person_kept_brings_a_set_again_and_waits_where_there_is_no_room():
    first = dataset()
    files = {e.path: SourceFile(path=e.path, blob="1" * 40, text=e.new) for e in first.edits}
    merged = Repository(base_sha="1" * 40, base_branch="main", files=files)
    seed = material().corrected[0]
    made = [replace(seed, id=f"x-{c * 12}", source="synthetic", seed=seed.id) for c in "abcdefgh"]
    kept = material(synthetic=tuple(made), kept=frozenset(one.id for one in made))

    again = dataset(kept, merged)

    assert isinstance(again, Proposal)
    rows = dict(row for table in again.tables for row in table.rows if len(row) == 2)
    assert rows["waits: a person kept it, and a model may not write more of this set"] == "4"


def test_the_files_are_json_lines_without_hidden_signs():
    found = dataset()

    assert isinstance(found, Proposal)
    assert [edit.path.rsplit("/", 1)[0] for edit in found.edits] == ["data/debrief/outreach"] * 3
    for edit in found.edits:
        assert edit.new.isascii()
    for line in found.edits[0].new.splitlines():
        assert json.loads(line)["synthetic"] is False
    assert "strangers" in found.risk


def test_a_name_that_is_no_folder_becomes_a_hash():
    found = propose_dataset("../x y", material(), EMPTY, path="data", at_least=5)

    assert isinstance(found, Proposal)
    assert found.edits[0].path.startswith("data/agent-")


@pytest.mark.parametrize(
    ("found", "code"),
    [
        pytest.param(material(4), "evidence_floor", id="too-few"),
        pytest.param(material(good=3), "retention", id="nothing-to-keep"),
    ],
)
def test_too_little_is_said_with_its_numbers(found, code):
    found = dataset(found)

    assert isinstance(found, Skipped)
    assert found.code == code


def test_a_merged_set_comes_again_only_with_as_many_new_corrections():
    first = dataset()
    assert isinstance(first, Proposal)
    files = {e.path: SourceFile(path=e.path, blob="1" * 40, text=e.new) for e in first.edits}
    merged = Repository(base_sha="1" * 40, base_branch="main", files=files)

    same, more = dataset(repository=merged), dataset(material(16), merged)

    assert isinstance(same, Skipped)
    assert same.code == "unchanged"
    assert isinstance(more, Proposal)
    assert more.id != first.id
    assert [e.path.rsplit("/", 1)[1] for e in more.edits] == ["examples.jsonl", "preferences.jsonl"]
    assert ids_in("{\n[]\n") == frozenset()


@pytest.mark.parametrize(
    ("path", "broken"),
    [
        pytest.param("data/debrief/a/examples.jsonl", False, id="where-the-settings-say"),
        pytest.param("prompts/a/examples.jsonl", True, id="elsewhere"),
        pytest.param("data/debrief/a/run.py", True, id="another-file"),
        pytest.param(".debrief/intents.yml", True, id="ours"),
    ],
)
def test_publish_lets_a_data_set_only_into_its_folder(path, broken):
    settings = load_settings("dataset: {path: data/debrief/}\n")

    found = check_edits({}, {path: "{}\n"}, kind="dataset", allowed=dataset_globs(settings))

    assert bool(found) is broken
