"""The pull request body: short first, numbers with intervals, our state in its first line."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from bot.bundle import render_body, verdict_comment
from bot.bundle.body import BUDGET
from bot.bundle.stated import stated_in
from bot.markdown import code_span
from bot.marker import parse_marker
from bot.records import (
    Edit,
    Evidence,
    EvidenceItem,
    GateCheck,
    GateResult,
    Proposal,
    Table,
    ThresholdMove,
    WeekRate,
)
from tests.bot.proposals_built import (
    BASE,
    a_pattern,
    a_prediction,
    a_proposal,
    a_verdict,
)
from tests.bot.test_markdown import HOSTILE, page

ALLOWED = {
    *("p", "code", "pre", "ul", "li", "strong", "table", "thead", "tbody", "tr", "th", "td"),
    *("details", "summary", "input", "comment"),
}


def body_of(proposal: Proposal | None = None, **changes: Any) -> str:
    return render_body(proposal or a_proposal(**changes), base_sha=BASE, pattern=a_pattern())


def marker_of(body: str) -> dict[str, Any]:
    found = parse_marker(body)
    assert found is not None
    return found


def test_the_first_line_carries_what_history_and_measuring_need() -> None:
    marker = marker_of(body_of())

    assert marker["id"] == "p-7f3a0001"
    assert marker["fingerprint"] == "a1b2c3d4e5f60718"
    assert marker["base_sha"] == BASE
    first_at = "2026-10-24T06:00:00+00:00"
    assert marker["evidence"] == {"entries": 61, "users": 58, "first_at": first_at}
    assert marker["gate"] == "pass"
    assert marker["prediction"] == {
        "metric": "failure",
        "population": "users who want to cancel a flight",
        "baseline_rate": 0.43,
        "low": 0.23,
        "high": 0.37,
        "level": 0.8,
        "days": 14,
        "intent_id": "cancel-flight",
        "segment": {},
    }


def test_the_five_lines_come_first_with_numbers_and_intervals() -> None:
    lines = body_of().splitlines()

    assert lines[1].startswith("**Ask for the reservation number before")
    assert lines[1].endswith("** · prompt · confidence medium")
    assert [line.split("** ")[0] for line in lines[3:8]] == [
        f"- **{word}" for word in ("What", "Why", "Evidence", "Gate", "Risk")
    ]
    assert "Measured: 43 % (35\u201351) of 143 users; others 24 %" in lines[4]
    assert "difference +19 points (9\u201328)" in lines[4]
    assert "61 conversations of 58 users, 2026-10-24 to 2026-11-20." in lines[5]


def test_a_rate_that_the_reason_gives_is_not_said_twice() -> None:
    why = "43 % (35\u201351) of 143 users who want to cancel fail."

    line = body_of(why=why).splitlines()[4]

    assert line.count("43 %") == 1
    assert "Measured: others 24 %; difference +19 points" in line


def test_weeks_are_named_by_what_the_kind_counts() -> None:
    body = body_of(kind="threshold")

    assert "<summary>Dismissed by week</summary>" in body
    assert 'y-axis "dismissed (percent)" 0 --> 100' in body


def test_a_threshold_move_is_in_the_marker() -> None:
    move = ThresholdMove(name="fraud.flag", old=0.5, new=0.57)

    marker = marker_of(body_of(kind="threshold", threshold=move))

    assert marker["threshold"] == {"name": "fraud.flag", "from": 0.5, "to": 0.57}


def test_a_correction_type_is_in_the_marker() -> None:
    prediction = a_prediction(
        metric="correction:opening_removed", segment={"contact_level": "c_level"}
    )
    marker = marker_of(render_body(a_proposal(kind="rule", prediction=prediction), base_sha=BASE))

    assert marker["correction_type"] == "opening_removed"
    assert marker["prediction"]["segment"] == {"contact_level": "c_level"}


@pytest.mark.parametrize(
    ("weeks", "charts", "rows"),
    [
        pytest.param((), 0, 0, id="no-weeks"),
        pytest.param((WeekRate(week="2026-W44", failed=1, total=3),), 0, 1, id="one-week"),
        pytest.param(
            (
                WeekRate(week="2026-W44", failed=1, total=3),
                WeekRate(week="2026-W45", failed=0, total=0),
            ),
            0,
            1,
            id="a-week-without-data",
        ),
        pytest.param(
            (
                WeekRate(week="2026-W44", failed=1, total=3),
                WeekRate(week="2026-W45", failed=2, total=3),
            ),
            1,
            2,
            id="two-weeks",
        ),
        pytest.param(
            (
                WeekRate(week='"] evil', failed=1, total=3),
                WeekRate(week="2026-W45", failed=2, total=3),
            ),
            0,
            1,
            id="a-week-that-is-none",
        ),
    ],
)
def test_a_chart_needs_two_weeks_and_the_numbers_stand_beside_it(
    weeks: tuple[WeekRate, ...], charts: int, rows: int
) -> None:
    body = body_of(weeks=weeks, evidence=Evidence(entries=1, users=1, conversation_ids=()))

    assert body.count("xychart-beta") == charts
    assert len(re.findall(r"(?m)^\| 2026-W", body)) == rows


def test_reasons_to_reject_can_be_ticked() -> None:
    body = body_of()

    assert "\n- [ ] not a problem\n- [ ] wrong fix (say what would be right)\n- [ ] later\n" in body


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_every_field_is_inert(text: str) -> None:
    body = render_body(hostile(text), base_sha=BASE, pattern=a_pattern(outcome=text))
    found = page(body)

    assert set(found.tags) <= ALLOWED, found.tags
    assert found.tags.count("input") == 3  # the boxes of ours
    assert found.tags.count("comment") == 1  # the marker
    assert not re.search(r"@\w|#\d|(?i:GH-\d)", found.text)
    assert marker_of(body)["id"] == "p-7f3a0001"


def test_no_input_breaks_the_budget() -> None:
    body = render_body(
        hostile("\U000e0041😀|`\n" * 5_000, many=60), base_sha=BASE, pattern=a_pattern()
    )

    assert len(body) <= BUDGET
    assert marker_of(body)["kind"] == "prompt"
    assert "Left out for length: " in body
    assert body.rstrip().splitlines()[-1].startswith("**Undo**")
    assert body.count("<details>") == body.count("</details>")


def test_the_least_needed_section_goes_first() -> None:
    rows = tuple((("word " * 180).strip(), "1") for _ in range(60))
    wide = Table(title="Cases", header=("a", "b"), rows=rows)

    body = body_of(tables=(wide,), evidence=many_items(50))

    assert "Left out for length: tried and dropped, evidence." in body
    assert "<summary>Cases (60 rows)</summary>" in body
    assert "What got worse (1)" in body


def test_nothing_that_is_not_known_is_said() -> None:
    body = render_body(
        a_proposal(prediction=None, losing=(), alternatives=(), tables=(), weeks=()), base_sha=BASE
    )

    assert "none: this change moves no rate that is measured" in body
    assert "What got worse" not in body
    assert "model call" not in body


def test_a_verdict_says_numbers_strength_and_what_else_may_explain_it() -> None:
    comment = verdict_comment(a_verdict())

    marker = marker_of(comment)
    assert (marker["comment"], marker["id"], marker["result"]) == (
        "verdict",
        "p-7f3a0001",
        "worked",
    )
    assert str(marker["effect"]) in comment.partition("\n")[2]
    assert "weak evidence (before against after)" in comment
    assert "| before | 61 | 143 | 43 % (35\u201351) |" in comment
    assert "Difference \u221221 points (\u221234 … \u22128), 98.75 % interval, wider" in comment
    assert "May also explain it: regression to the mean" in comment


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prediction_hit": True}, "The prediction held.\n"),
        ({"prediction_hit": False}, "The prediction did not hold.\n"),
        ({"prediction_hit": False, "is_beyond": True}, "did not hold: better than predicted.\n"),
    ],
)
def test_a_prediction_that_was_missed_on_the_good_side_says_so(
    changes: dict[str, Any], said: str
) -> None:
    assert said in verdict_comment(a_verdict(**changes))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_verdict_on_hostile_names_is_inert(text: str) -> None:
    verdict = a_verdict(proposal_id=text, metric=text, sentence=text, confounders=(text,))
    found = page(verdict_comment(verdict))

    assert set(found.tags) <= ALLOWED - {"input", "details", "summary"}
    assert not re.search(r"@\w|#\d|(?i:GH-\d)", found.text)


def many_items(number: int) -> Evidence:
    items = tuple(EvidenceItem(id=f"c{at}", paraphrase="word " * 110) for at in range(number))
    return Evidence(entries=number, users=number, conversation_ids=(), items=items)


def hostile(text: str, *, many: int = 3) -> Proposal:
    """A proposal that says `text` wherever it can say something."""
    items = tuple(EvidenceItem(id=text, paraphrase=text) for _ in range(many))
    evidence = Evidence(
        entries=60, users=3, conversation_ids=(text,) * 5 * many, items=items, note=text
    )
    gate = GateResult(
        verdict="pass",
        sentence=text,
        checks=tuple(GateCheck(name=text, verdict="pass", sentence=text) for _ in range(many)),
    )
    return dataclasses.replace(
        a_proposal(),
        agent=text,
        pattern_id=text,
        remedy=text,
        what=text,
        why=text,
        risk=text,
        title=text or "a title",
        evidence=evidence,
        gate=gate,
        losing=items,
        alternatives=(text,) * many,
        tables=tuple(
            Table(title=text, header=(text,) * 14, rows=((text,) * 14,) * many) for _ in "ab"
        ),
        prediction=a_prediction(
            metric=text,
            population=text,
            intent_id=text,
            segment={f"{at}{text}": text for at in range(20)},
        ),
        edits=tuple(Edit(path=f"{at}{text}", base_blob=None, old="", new="") for at in range(many)),
    )


# -- what takes a merge out again ------------------------------------------------------------------


def test_a_removal_says_what_it_takes_out_and_that_nothing_shall_get_worse() -> None:
    removal = a_proposal(
        kind="rule",
        remedy="retire p-1",
        undoes="#212",
        evidence=Evidence(entries=340, users=0, conversation_ids=()),
        prediction=a_prediction(baseline_rate=0.12, margin=0.05),
    )

    text = render_body(removal, base_sha=BASE)

    assert "- **Evidence** 340 conversations of the agent since #212 was merged." in text
    assert "nothing gets worse. Failure for users who want to cancel a flight: now 12 %" in text
    assert "less than 5 points more without it" in text
    stated = stated_in(text)
    assert stated is not None
    assert stated.prediction is not None
    assert stated.prediction.margin == 0.05


def test_a_rollback_predicts_nothing_and_a_reference_from_outside_is_code() -> None:
    rollback = a_proposal(remedy="rollback of p-1", undoes="@x **y**", prediction=None)

    text = render_body(rollback, base_sha=BASE)

    assert f"what is said on {code_span('@x **y**')}; nothing else was counted." in text
    assert "**Prediction** none: it is again as it was before." in text


def test_what_reviewers_taught_is_told_where_it_shows() -> None:
    taught = "Reviewers of this repository changed 3 proposals in the same way: say less."

    text = render_body(a_proposal(learned=(taught,)), base_sha=BASE)

    assert f"**Written as reviewers taught Debrief here**\n\n- {taught}" in text
    assert "taught Debrief" not in render_body(a_proposal(), base_sha=BASE)
