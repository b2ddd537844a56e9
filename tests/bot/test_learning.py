"""What became of earlier proposals moves the next ones, a little and with honest uncertainty."""

from __future__ import annotations

from typing import Any

import pytest

from bot.proposals.caps import constraints
from bot.proposals.learning import (
    LEAST,
    MOST,
    known_ways,
    learning_sentence,
    own_rules,
    ranked_patterns,
    standing_of,
    with_learning,
)
from bot.records import ModelCost, PastProposal, ReviewerEdit
from tests.bot.proposals_built import a_past, a_pattern, a_proposal

MERGED = {"state": "merged", "verdict": None}
WORKED = {"state": "merged", "verdict": "worked"}
HARMED = {"state": "merged", "verdict": "harmed"}
REJECTED = {"state": "rejected", "rejection": "wrong_fix"}
LONG = "- When a user asks to cancel, you may perhaps first ask for the reservation number.\n"
SHORT = "- Ask for the reservation number first.\n"


def earlier(*ways: dict[str, Any], cause: str = "prompt", **changes: Any) -> list[PastProposal]:
    return [
        a_past(id=f"p-{number:08x}", marker={"root_cause": cause}, **{**way, **changes})
        for number, way in enumerate(ways)
    ]


def factor(*past: PastProposal, kind: Any = "prompt", cause: Any = "prompt") -> float:
    return standing_of(kind, cause, past).factor


def test_a_way_that_was_never_tried_is_neither_good_nor_bad() -> None:
    assert factor() == 1.0
    assert factor(*earlier(WORKED, WORKED, kind="rule")) == 1.0


@pytest.mark.parametrize(
    ("way", "direction"),
    [
        pytest.param(WORKED, 1, id="worked"),
        pytest.param(MERGED, 1, id="merged-and-not-measured"),
        pytest.param({**WORKED, "reverted": True}, -1, id="taken-back"),
        pytest.param({"state": "merged", "verdict": "no_effect"}, -1, id="no-effect"),
        pytest.param(HARMED, -1, id="harmed"),
        pytest.param(REJECTED, -1, id="rejected"),
        pytest.param({"state": "rejected", "rejection": "later"}, 0, id="later"),
        pytest.param({"state": "open"}, 0, id="open"),
        pytest.param({"state": "closed", "close_reason": "superseded"}, 0, id="closed-by-us"),
    ],
)
def test_each_end_of_a_proposal_speaks_for_its_like_or_against_it(
    way: dict[str, Any], direction: int
) -> None:
    found = factor(*earlier(way))

    assert (found > 1) - (found < 1) == direction


def test_one_result_moves_little_and_many_move_within_bounds() -> None:
    once, often = factor(*earlier(WORKED)), factor(*earlier(*[WORKED] * 40))

    assert 1 < once < 1.4
    assert once < often <= MOST
    assert factor(*earlier(*[HARMED] * 40)) == LEAST


def test_harm_says_more_than_a_rejection_and_a_verdict_more_than_a_merge() -> None:
    assert factor(*earlier(HARMED)) < factor(*earlier(REJECTED))
    assert factor(*earlier(WORKED)) > factor(*earlier(MERGED))


def test_another_root_cause_lends_a_quarter_of_what_it_knows() -> None:
    same, other = earlier(WORKED, WORKED), earlier(WORKED, WORKED, cause="knowledge")

    assert 1 < factor(*other) < factor(*same)
    assert standing_of("prompt", "prompt", other).decided == 0


def test_what_a_person_had_to_mend_first_counts_for_less() -> None:
    edit = ReviewerEdit(path="a.md", proposed=LONG, edited=SHORT)

    mended = earlier(WORKED, reviewer_edits=(edit,))

    assert 1 < factor(*mended) < factor(*earlier(WORKED))
    assert standing_of("prompt", "prompt", mended).edited == 1


def test_what_takes_a_change_back_is_no_try_to_help() -> None:
    back = a_past(**REJECTED, marker={"root_cause": "prompt", "remedy": "rollback of p-1"})

    assert factor(back) == 1.0


def test_candidates_change_places_only_where_the_past_outweighs_the_evidence() -> None:
    prompt = a_proposal(priority=1.0)
    rule = a_proposal(id="p-2", kind="rule", priority=1.1)
    strong = a_proposal(id="p-3", kind="rule", priority=9.0)
    past = earlier(*[WORKED] * 5) + earlier(*[REJECTED] * 5, kind="rule")

    learned = with_learning([rule, prompt, strong], past)

    ranked = [one.id for one in sorted(learned, key=lambda one: -one.priority)]
    assert ranked == ["p-3", prompt.id, "p-2"]
    rows = learned[1].tables[-1].rows
    assert rows == (
        ("worked", "5"),
        (
            "so such a change helps in (50 % before any was tried)",
            "73 % (55\u201388), 80 % interval",
        ),
        ("so this one is ranked", "90 % higher"),
    )
    assert "prompt proposals for the root cause prompt" in learned[1].tables[-1].title


def test_without_a_past_nothing_changes_and_that_is_said() -> None:
    assert with_learning([a_proposal()], []) == [a_proposal()]
    assert known_ways(earlier({"state": "open"})) == []
    assert learning_sentence([]).startswith("Nothing is known yet of what helps here")


def test_what_was_learned_is_told_with_intervals_the_most_tried_first() -> None:
    past = earlier(*[WORKED] * 4) + earlier(REJECTED, REJECTED, kind="rule", cause="knowledge")

    said = learning_sentence(past)

    assert said.startswith(
        "Learned from 6 decided proposals: prompt changes (cause: prompt) help in 70 % (51\u2013"
    )
    assert "; rule changes (cause: knowledge) help in 38 % (17\u201360), ranked 30 % lower" in said
    assert "writing rule" not in said


@pytest.mark.parametrize("kind", ["cases", "dataset", "taxonomy"])
def test_of_a_kind_that_never_has_a_verdict_only_what_people_did_is_told(kind: Any) -> None:
    past = earlier(MERGED, MERGED, REJECTED, kind=kind, cause="unknown")

    (proposal,) = with_learning([a_proposal(kind=kind, root_cause="unknown")], past)

    said = learning_sentence(past)
    assert said.startswith(f"Learned from 3 decided proposals: of 3 {kind} changes people merged 2")
    assert "help" not in said
    assert "interval" not in said
    (*_, table) = proposal.tables
    assert table.title == f"Earlier {kind} proposals"
    assert table.rows[:2] == (("merged", "2"), ("rejected", "1"))
    assert not any("helps" in cell for row in table.rows for cell in row)


def test_a_root_cause_that_people_wrote_into_a_body_is_unknown() -> None:
    past = earlier(WORKED, cause="buy **now**")

    assert "buy" not in learning_sentence(past)
    assert [one.root_cause for one in known_ways(past)] == ["unknown"]


def test_the_interval_narrows_as_more_is_known() -> None:
    few, many = (standing_of("prompt", "prompt", earlier(*[WORKED, REJECTED] * n)) for n in (1, 20))

    assert many.interval.high - many.interval.low < few.interval.high - few.interval.low
    assert few.interval.low < few.expected < few.interval.high


def test_what_takes_a_change_back_is_not_ranked_by_what_helps() -> None:
    past = earlier(*[WORKED] * 5)
    back = a_proposal(remedy="rollback of p-1", priority=100.0)

    assert with_learning([back], past) == [back]


def test_patterns_of_a_cause_that_prompts_did_not_mend_are_read_later() -> None:
    patterns = [
        a_pattern(id="a", priority=1.0, root_cause="knowledge"),
        a_pattern(id="b", priority=0.9, root_cause="prompt"),
        a_pattern(id="c", priority=0.9, root_cause="prompt"),
    ]
    past = earlier(*[REJECTED] * 6, cause="knowledge")

    assert [one.id for one in ranked_patterns(patterns, "prompt", [])] == ["a", "b", "c"]
    assert [one.id for one in ranked_patterns(patterns, "prompt", past)] == ["b", "c", "a"]


# -- constraints -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["prompt", "rule", "harness", "config", "threshold"])
def test_three_rejections_of_any_kind_are_a_constraint_with_their_reasons(kind: str) -> None:
    reasons = ["too long", "wrong tone", "too long"]
    past = [
        a_past(id=f"p-{n}", pattern_id=f"other-{n}", kind=kind, reason=reason, **REJECTED)
        for n, reason in enumerate(reasons)
    ]

    assert constraints(a_pattern(), past) == [
        f"People rejected 3 changes of kind {kind}.",
        "Rejected before: too long",
        "Rejected before: wrong tone",
    ]
    assert constraints(a_pattern(), past[:2]) == []


def test_a_change_that_was_taken_back_counts_as_rejected_and_a_later_does_not() -> None:
    back = [a_past(pattern_id="x", state="merged", reverted=True) for _ in range(3)]
    later = [a_past(pattern_id="x", state="rejected", rejection="later") for _ in range(3)]

    assert constraints(a_pattern(), back) == [
        "People rejected 3 changes of kind prompt. No reason was given."
    ]
    assert constraints(a_pattern(), later) == []


# -- corrections of Debrief itself ----------------------------------------------------------------


def edited(number: int, proposed: str, after: str) -> PastProposal:
    base = f"# Rules\n\n- Rule {number}.\n"
    edit = ReviewerEdit(path="prompts/a.md", proposed=base + proposed, edited=base + after)
    return a_past(id=f"p-{number}", pattern_id=f"x-{number}", **MERGED, reviewer_edits=(edit,))


def test_three_edits_of_reviewers_alike_become_a_rule_for_debrief_itself() -> None:
    past = [edited(number, LONG, SHORT) for number in range(3)]

    rules = own_rules(past)

    assert any("3 proposals in the same way: say it in fewer words" in rule for rule in rules)
    assert any("(usually 6 words where 15 were" in rule for rule in rules)
    assert own_rules(past[:2]) == []
    assert set(rules) <= set(constraints(a_pattern(), past))
    written, counted = with_learning(
        [a_proposal(cost=ModelCost(calls=3)), a_proposal(kind="config")], past
    )
    assert written.learned == tuple(rules)
    assert counted.learned == ()
    assert "Reviewers' edits taught 3 writing rules" in learning_sentence(past)


def test_edits_that_contradict_each_other_are_no_rule() -> None:
    past = [edited(n, LONG, SHORT) for n in range(3)]
    past += [edited(n, SHORT, LONG) for n in range(3, 6)]

    assert not any("fewer words" in rule or "more than" in rule for rule in own_rules(past))


def test_nothing_that_a_reviewer_wrote_stands_in_such_a_rule() -> None:
    words = "- Zebra always wins.\n"
    past = [edited(number, LONG, words) for number in range(3)]

    assert not any("zebra" in rule.lower() for rule in own_rules(past))
