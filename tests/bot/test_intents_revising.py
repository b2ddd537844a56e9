"""The model's second look at new groups, and the check that decides whether it counts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.intents import Document, discover
from bot.intents.discover import Discovery
from bot.intents.revising import read_changes, revise
from bot.intents.told_apart import judge_change
from bot.records import Intent, Label, ModelCost, RenderedPrompt, Skipped, Taxonomy
from tests.bot.intents_built import NOW, REASONS, a_document, a_reply, replies

WISHES = {
    "call off": "Please call off the journey to my aunt, {}",
    "cancel": "I want to cancel the flight reservation because {}",
    "password": "I forgot my password and need to reset my password, {}",
}


def documents(*wishes: str, each: int = 20) -> list[Document]:
    said = [(wish, n) for wish in wishes or WISHES for n in range(each)]
    return [
        a_document(WISHES[wish].format(f"{REASONS[n % 12]} {'again ' * (n // 12)}"), number)
        for number, (wish, n) in enumerate(said)
    ]


class AReader:
    """Answers every prompt; `change` is what it says of the groups, by their names."""

    def __init__(self, change: Any, *, tells_apart: bool = False) -> None:
        self.change = change
        self.tells_apart = tells_apart
        self.asked: list[RenderedPrompt] = []

    def __call__(self, prompt: RenderedPrompt) -> dict[str, Any] | Skipped:
        self.asked.append(prompt)
        if prompt.name == "intents/revise":
            groups = re.findall(r"^(i-\w+): ([^.\n]*)", prompt.user, re.MULTILINE)
            return self.change({name: intent_id for intent_id, name in groups})
        if prompt.name == "intents/name":
            return a_reply(name=f"wish number {'abcdefghij'[len(self.asked) % 10]}")
        offered = re.findall(r"^(i-\w+): ([^\n]*)", prompt.cached, re.MULTILINE)
        return {"labels": [self._label(*one, offered) for one in self._read(prompt)]}

    def _read(self, prompt: RenderedPrompt) -> list[tuple[int, str]]:
        return [(int(n), text) for n, text in re.findall(r"^\[(\d+)\] (.*)$", prompt.user, re.M)]

    def _label(self, number: int, text: str, offered: list[tuple[str, str]]) -> dict[str, Any]:
        """Flights and journeys are one thing to this reader, unless it `tells_apart`."""
        journeys_first = sorted(offered, key=lambda one: "flight" in "".join(one))
        travel = [i for i, said in journeys_first if "password" not in said]
        others = [i for i, said in offered if "password" in said]
        found = (others if "password" in text else travel) or [i for i, _ in offered]
        at = ("flight" in text) if self.tells_apart else number % 2
        chosen = found[at % len(found)]
        return {
            "conversation": number,
            "intents": [{"id": chosen, "quote": " ".join(text.split()[:4])}],
            "none_fits": "",
        }


def merge_of_travel(groups: dict[str, str]) -> dict[str, Any]:
    return {"merge": [[i for name, i in groups.items() if "password" not in name]], "split": []}


def members(found: Discovery) -> dict[str, set[str]]:
    of: dict[str, set[str]] = {}
    for one in found.labels:
        for intent_id, _ in one.intents:
            of.setdefault(intent_id, set()).add(one.conversation_id)
    return of


@pytest.fixture(scope="module")
def found() -> Discovery:
    result = discover(documents(), now=NOW)
    assert len(result.taxonomy.intents) == 3
    return result


def test_groups_that_the_model_cannot_tell_apart_become_one(found):
    reader = AReader(merge_of_travel)

    better, (check,) = revise(documents(), found, ask=replies(reader))

    assert (check.kind, check.groups, check.kept) == ("merge", 2, True)
    assert check.right < 0.6 * check.conversations
    assert sorted(len(one) for one in members(better).values()) == [20, 40]
    assert {i.id for i in better.taxonomy.intents} < {i.id for i in found.taxonomy.intents}
    assert {one.taxonomy_version for one in better.labels} == {better.taxonomy.version}
    assert better.cost.calls == len(reader.asked)


def test_groups_that_the_model_does_tell_apart_stay_two(found):
    reader = AReader(merge_of_travel, tells_apart=True)

    same, (check,) = revise(documents(), found, ask=replies(reader))

    assert not check.kept
    assert same.taxonomy == found.taxonomy
    assert same.labels == found.labels
    assert [one.code for one in same.skipped] == ["no_gain"]


def test_a_list_that_needs_no_change_costs_one_call(found):
    reader = AReader(lambda groups: {"merge": [], "split": []})

    same, checks = revise(documents(), found, ask=replies(reader))

    assert (same.taxonomy, checks) == (found.taxonomy, ())
    assert len(reader.asked) == 1


def test_known_intents_are_not_looked_over(found):
    reader = AReader(merge_of_travel)

    same, checks = revise(documents(), found, ask=replies(reader), known=found.taxonomy)

    assert (same, checks, reader.asked) == (found, (), [])


def test_a_budget_that_ends_in_the_middle_leaves_what_was_found(found):
    reader = AReader(merge_of_travel)

    def asked(prompt: RenderedPrompt) -> dict[str, Any] | Skipped:
        spent = len(reader.asked) >= 3
        return Skipped(what="x", code="budget", reason="Spent.") if spent else reader(prompt)

    same, checks = revise(documents(), found, ask=replies(asked))

    assert (same.taxonomy, same.labels, checks) == (found.taxonomy, found.labels, ())
    assert [one.code for one in same.skipped] == ["budget"]
    assert same.cost.calls == 3


def in_groups(groups: dict[str, list[Document]]) -> Discovery:
    """A discovery that found these groups, by name."""
    intents = tuple(
        Intent(id=f"i-{name}", name=name, exemplars=tuple(one.sha for one in own))
        for name, own in groups.items()
    )
    labels = tuple(
        Label(
            agent=one.agent,
            conversation_id=one.conversation_id,
            intents=((f"i-{name}", 0.9),),
            source="cluster",
            taxonomy_version="v",
        )
        for name, own in groups.items()
        for one in own
    )
    taxonomy = Taxonomy(intents=intents, version="v", source="discovered")
    return Discovery(taxonomy=taxonomy, labels=labels, skipped=(), cost=ModelCost())


def test_a_split_goes_by_nearness_to_the_examples_and_keeps_the_id():
    all_of_them = documents("cancel", "call off", "password")
    mixed = in_groups({"both": all_of_them[20:], "flight": all_of_them[:20]})
    wishes: dict[str, list[int]] = {}

    def asked(prompt: RenderedPrompt) -> dict[str, Any] | Skipped:
        if prompt.name == "intents/revise":
            block = prompt.user.split("i-both")[1].split("\ni-")[0]
            for n, text in re.findall(r"^  \[(\d+)\] (.*)", block, re.MULTILINE):
                wishes.setdefault("pass" if "password" in text else "travel", []).append(int(n))
        if prompt.name == "intents/name":
            is_password = "password" in prompt.user.split("<members>")[1].split("</members>")[0]
            return a_reply(name="reset a password" if is_password else "call off a journey")
        return reader(prompt)

    reader = AReader(
        lambda groups: {
            "merge": [],
            "split": [{"group": "i-both", "wishes": [*wishes.values()]}],
        },
        tells_apart=True,
    )

    after, (check,) = revise(all_of_them, mixed, ask=replies(asked))

    assert (check.kind, check.groups, check.kept) == ("split", 2, True)
    assert sorted(len(one) for one in members(after).values()) == [20, 20, 20]
    assert {"i-both", "i-flight"} < {one.id for one in after.taxonomy.intents}


SHOWN = {"a": [3, 1, 4, 8], "b": [5, 9], "c": [2, 6]}


class TestChanges:
    @pytest.mark.parametrize(
        ("merge", "split", "merges", "splits"),
        [
            pytest.param([["a", "b"]], [], [["a", "b"]], {}, id="merge"),
            pytest.param([["a", "zzz"]], [], [], {}, id="invented-id"),
            pytest.param([["a", "a"]], [], [], {}, id="with-itself"),
            pytest.param([["a", "b"], ["b", "c"]], [], [["a", "b"]], {}, id="twice"),
            pytest.param([], [("a", [[1, 2], [3, 4]])], [], {"a": [[3, 1], [4, 8]]}, id="split"),
            pytest.param([], [("a", [[1, 2], [2, 3]])], [], {}, id="one-example-in-two"),
            pytest.param([], [("a", [[1, 2], [3, 99]])], [], {}, id="invented-example"),
            pytest.param([], [("a", [[1, 2, 3, 4]])], [], {}, id="one-wish"),
            pytest.param([], [("a", [[1, 2], [3]])], [], {}, id="odd-one"),
            pytest.param([["a", "b"]], [("a", [[1, 2], [3, 4]])], [["a", "b"]], {}, id="both"),
        ],
    )
    def test_only_clear_ones_of_known_groups_are_tried(self, merge, split, merges, splits):
        data = {"merge": merge, "split": [{"group": g, "wishes": w} for g, w in split]}

        assert read_changes(data, SHOWN) == (merges, splits)


def told(of_a: str, of_b: str) -> dict[str, list[str]]:
    """What a reader answered for the conversations of the groups a and b, a letter each."""
    return {"a": [*of_a], "b": [*of_b]}


class TestVerdicts:
    @pytest.mark.parametrize(
        ("answers", "kept"),
        [
            pytest.param(told("ab" * 12, "ab" * 12), True, id="told-apart-by-chance"),
            pytest.param(told("a" * 24, "a" * 24), True, id="always-the-same-one"),
            pytest.param(told("a" * 24, "b" * 24), False, id="told-apart"),
            pytest.param(told("a" * 18 + "b" * 6, "b" * 18 + "a" * 6), False, id="mostly"),
            pytest.param(told("ab" * 2, "ab" * 2), False, id="too-few-to-know"),
            pytest.param(told("c" * 24, "c" * 24), False, id="all-elsewhere"),
            pytest.param(told("", ""), False, id="none-was-fresh"),
            pytest.param(told("a" * 24, "a" * 4), False, id="one-is-too-small"),
        ],
    )
    def test_a_merge_needs_groups_that_are_surely_not_told_apart(self, answers, kept):
        assert judge_change("merge", answers, "support").kept is kept

    @pytest.mark.parametrize(
        ("answers", "kept"),
        [
            pytest.param(told("a" * 24, "b" * 24), True, id="told-apart"),
            pytest.param(told("a" * 22 + "bb", "b" * 22 + "a-"), True, id="nearly-always"),
            pytest.param(told("a" * 18 + "b" * 6, "b" * 18 + "a" * 6), False, id="mostly"),
            pytest.param(told("ab" * 12, "ab" * 12), False, id="by-chance"),
            pytest.param(told("a" * 3, "b" * 3), False, id="too-few-to-know"),
            pytest.param(told("-" * 24, "b" * 24), False, id="one-has-no-definition"),
            pytest.param(told("", ""), False, id="none-was-fresh"),
        ],
    )
    def test_a_split_needs_parts_that_are_surely_told_apart(self, answers, kept):
        assert judge_change("split", answers, "support").kept is kept

    def test_three_become_one_only_where_no_two_are_told_apart(self):
        mixed = told("abc" * 16, "abc" * 16)

        one = judge_change("merge", {**mixed, "c": [*"abc" * 16]}, "support")
        two = judge_change("merge", {**mixed, "c": [*"c" * 48]}, "support")

        assert (one.kept, two.kept) == (True, False)

    def test_the_sentence_counts_what_was_read(self):
        check = judge_change("merge", told("a" * 24, "b" * 24), "support")

        assert check.sentence == (
            "What the model proposed, merging 2 groups, is dropped: of 48 conversations that it "
            "read by the definitions alone it told 48 apart as they lie."
        )
