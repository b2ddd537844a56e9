"""The pages of the surface: inert whatever stands in them, within their size, and back again."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bundle import render_body
from bot.bundle.stated import stated_in
from bot.dashboard import (
    AgentView,
    Dashboard,
    Quota,
    Reason,
    Row,
    dashboard_of,
    dashboard_page,
    merge_boxes,
    parse_dashboard,
    render_dashboard,
    ticked_boxes,
    with_published,
)
from bot.dashboard.page import BUDGET, same_page
from bot.evidence import (
    EvidenceMap,
    Watch,
    WatchedFile,
    changed_lines,
    evidence_comment,
    map_of_json,
    map_to_json,
    same_evidence,
    touched_by,
)
from bot.marker import parse_marker
from bot.records import Alert, Departure, Done, Interval, Operation, ThresholdMove
from bot.slash import parse_command
from bot.surface.alerts import alert_body, alert_title, recovery_comment
from bot.surface.answers import answer
from tests.bot.proposals_built import (
    BASE,
    NOW,
    a_past,
    a_pattern,
    a_prediction,
    a_proposal,
    a_report,
    a_verdict,
)
from tests.bot.test_markdown import HOSTILE, page

OURS = {
    *("p", "code", "pre", "ul", "li", "strong", "table", "thead", "tbody", "tr", "th", "td"),
    *("details", "summary", "input", "comment", "h2", "h3", "blockquote", "ol"),
}


def assert_inert(markdown: str, *, boxes: int) -> None:
    found = page(markdown)
    assert set(found.tags) <= OURS, found.tags
    assert found.tags.count("input") == boxes, found.tags
    text = re.sub(r"#\d+ ?", "", found.text) if "#7" in markdown else found.text
    assert not re.search(r"@\w|#\d|(?i:GH-\d)", text), found.text


def a_row(**changes: Any) -> Row:
    given: dict[str, Any] = {"id": "p-1", "title": "A title", "kind": "rule", "state": "open"}
    return Row(**{**given, **changes})


def a_dashboard(**changes: Any) -> Dashboard:
    return Dashboard(**{"at": NOW, "quota": Quota(opened=1, per_week=3), **changes})


def a_map(text: str = "cancel a flight", **changes: Any) -> EvidenceMap:
    watch = Watch(
        id="i-1",
        agent="airline",
        name=text,
        failed=61,
        total=143,
        unit="user",
        conversations=151,
        stands=True,
        trend="growing",
        cases=(text,),
        words=("cance", "fligh"),
    )
    given: dict[str, Any] = {
        "at": NOW,
        "window_days": 28,
        "base_sha": BASE,
        "files": (WatchedFile(path="prompts/airline.md", agent="airline", kind="prompt"),),
        "watches": (watch,),
    }
    return EvidenceMap(**{**given, **changes})


def an_alert(text: str = "airline", **changes: Any) -> Alert:
    gone = Departure(
        metric="signal:tool_error",
        since=date(2026, 11, 18),
        failed=40,
        total=100,
        expected=0.1,
        band=Interval(low=0.05, high=0.16, level=0.99),
    )
    given: dict[str, Any] = {
        "id": "al-12345678",
        "agent": text,
        "state": "open",
        "since": date(2026, 11, 18),
        "last_day": date(2026, 11, 20),
        "departures": (gone,),
        "sentence": text or "It is so.",
        "evidence": (text,),
    }
    return Alert(**{**given, **changes})


# -- hostile text ----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_on_the_dashboard_is_inert(text: str) -> None:
    reason = Reason(name=text, rate=0.4, low=0.3, high=0.5, number=9, unit="user", trend="growing")
    rows = tuple(
        a_row(id=f"p-{number}", title=text, kind=text, state=state, detail=text, reference=text)
        for number, state in enumerate(("open", "waiting", "rejected", "candidate", "worked"))
    )
    shown = a_dashboard(
        agents=(AgentView(agent=text, health="healthy", why=text, reasons=(reason,)),),
        rows=rows,
        problems=(text,),
        notes=(text,),
    )

    body = render_dashboard(shown)

    assert_inert(body, boxes=4)
    assert parse_dashboard(body) is not None


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_evidence_answers_and_alerts_is_inert(text: str) -> None:
    found = a_map(text)
    touched = touched_by(found, {"prompts/airline.md": (2,)}, {})
    command = parse_command(f"/debrief reject {text}")
    past = a_past(title=text, agent=text, state="merged")
    pattern = a_pattern(agent=text, intent_name=text, outcome=text, evidence=(text,))

    assert_inert(evidence_comment(found, touched, number=3), boxes=0)
    assert_inert(alert_body(an_alert(text)), boxes=0)
    assert_inert(alert_title(an_alert(text)), boxes=0)
    assert_inert(recovery_comment("al-1", "recovered", alert_body(an_alert(text))), boxes=0)
    for verb in ("explain", "reject", "retry", "hold", "pause", "rollback"):
        given = parse_command(f"/debrief {verb}")
        assert given is not None
        said = answer(given, past, comment_id=1, pattern=pattern, operations=())
        assert_inert(said, boxes=0)
    if command is not None:
        assert_inert(answer(command, past, comment_id=1, pattern=None, operations=()), boxes=0)


# -- there and back --------------------------------------------------------------------------------


def test_a_dashboard_parses_back_into_what_it_was_rendered_from() -> None:
    past = [
        a_past(id="p-1", pattern_id="x1", state="rejected", rejection="wrong_fix", closed_at=NOW),
        a_past(id="p-2", pattern_id="x2", state="merged", merged_at=NOW, verdict="worked"),
        a_past(id="p-3", pattern_id="x3", state="merged", merged_at=NOW, opened_at=NOW),
    ]
    shown = dashboard_of(
        a_report(),
        past,
        name_of={"cancel-failure": "cancel a flight"},
        waiting=[a_proposal(id="p-9", pattern_id="x9")],
        verdicts=[a_verdict(proposal_id="p-3", result="unknown", needed=119)],
        now=NOW,
    )

    back = parse_dashboard(render_dashboard(shown))

    assert back == shown
    assert [(row.id, row.state) for row in shown.rows] == [
        ("p-3", "measuring"),
        ("p-9", "waiting"),
        ("cancel-failure", "candidate"),
        ("p-2", "worked"),
        ("p-1", "rejected"),
    ]
    assert shown.rows[0].detail == "140 of about 259 users"


def test_what_predicted_nothing_is_merged_and_waits_for_no_verdict() -> None:
    taxonomy = a_past(state="merged", merged_at=NOW, marker={"prediction": None})

    shown = dashboard_of(a_report(patterns=()), [taxonomy], name_of={}, now=NOW)

    assert [row.state for row in shown.rows] == ["merged"]
    assert "Settled (1, 0 worked)" in render_dashboard(shown)


def test_a_page_has_as_many_candidates_before_and_after_one_of_them_is_opened() -> None:
    patterns = tuple(a_pattern(id=f"pt-{number}") for number in range(9))
    before = dashboard_of(a_report(patterns=patterns), [], name_of={}, opening={"pt-1"}, now=NOW)
    operation = Operation(
        op="open", id="p-1", kind="prompt", branch="b", title="t", body_file="f", pattern_id="pt-1"
    )
    opened = Done(op="open", id="p-1", steps=("pull_request",), reference="#1", url=None)
    past = [a_past(id="p-1", pattern_id="pt-1", opened_at=NOW, title="t", reference="#1")]

    shown = with_published(before, [opened], {"p-1": operation})
    later = dashboard_of(a_report(patterns=patterns), past, name_of={}, now=NOW)

    assert "pt-1" in {row.id for row in before.rows}
    assert [row.id for row in shown.rows] == [row.id for row in later.rows]
    assert same_page(render_dashboard(shown), render_dashboard(later))


def test_what_was_opened_beyond_the_limit_is_no_share_of_it() -> None:
    within = render_dashboard(a_dashboard(quota=Quota(opened=3, per_week=3)))
    beyond = render_dashboard(a_dashboard(quota=Quota(opened=4, per_week=3)))

    assert "3 of 3 new pull requests this week" in within
    assert "4 new pull requests this week, 1 beyond the limit because asked for" in beyond


def test_a_page_to_pass_on_says_the_same_without_state_and_boxes() -> None:
    dashboard = a_dashboard(problems=("No model key is set.",))

    issue, page = render_dashboard(dashboard), dashboard_page(dashboard)

    assert page.startswith("# Debrief dashboard\n\nLast run ")
    assert "<!--" not in page
    assert "[ ]" not in page
    inside = page.removeprefix("# Debrief dashboard\n\n").rstrip()
    assert inside in issue


@pytest.mark.parametrize("body", ["", "hello", "<!-- debrief:1 {} -->", "<!-- debrief:1 [] -->"])
def test_what_is_no_dashboard_parses_to_none(body: str) -> None:
    assert parse_dashboard(body) is None


@given(
    st.floats(0, 1, allow_nan=False),
    st.floats(0, 1, allow_nan=False),
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=100),
    st.integers(1, 60),
)
def test_a_body_parses_back_into_its_records(low: float, high: float, text: str, days: int) -> None:
    prediction = a_prediction(
        population=text, expected=Interval(low=low, high=high, level=0.8), days=days
    )
    move = ThresholdMove(name=text, old=low, new=high)
    proposal = a_proposal(prediction=prediction, threshold=move, agent=text, remedy=text)

    stated = stated_in(render_body(proposal, base_sha=BASE, pattern=a_pattern()))

    assert stated is not None
    assert (stated.prediction, stated.threshold) == (prediction, move)
    assert (stated.id, stated.fingerprint, stated.kind) == (
        proposal.id,
        proposal.fingerprint,
        proposal.kind,
    )
    assert (stated.agent, stated.remedy, stated.gate) == (text, text, "pass")


def test_a_map_of_evidence_is_the_same_after_it_was_kept() -> None:
    found = a_map()

    back = map_of_json(map_to_json(found))

    assert back == found
    assert map_of_json("{}") is None
    assert same_evidence(found, a_map(base_sha="1" * 40))
    assert not same_evidence(found, a_map(files=()))


# -- size ------------------------------------------------------------------------------------------


def test_no_dashboard_is_too_long() -> None:
    rows = tuple(
        a_row(id=f"p-{number}", title="\U0001f600|`@" * 500, detail="\u202e" * 5_000, state="open")
        for number in range(60)
    )

    body = render_dashboard(a_dashboard(rows=rows, problems=("x" * 9_000,) * 50))

    assert len(body) <= BUDGET
    assert parse_dashboard(body) is not None
    assert "pause" in body


def test_no_comment_is_too_long() -> None:
    watches = tuple(
        Watch(
            id=f"i-{number}",
            agent="airline",
            name="\u202e" * 5_000,
            failed=1,
            total=2,
            unit="user",
            conversations=2,
            cases=("`" * 5_000,) * 5,
        )
        for number in range(200)
    )
    found = a_map(watches=watches)
    touched = touched_by(found, {"prompts/airline.md": tuple(range(1, 999))}, {})

    assert len(evidence_comment(found, touched, number=1)) <= BUDGET


# -- boxes -----------------------------------------------------------------------------------------


def test_a_tick_that_the_run_acted_on_goes_and_one_that_it_never_saw_stays() -> None:
    shown = a_dashboard(
        rows=(a_row(id="p-1"), a_row(id="p-2")),
        honoured=("evaluate=p-1",),
    )
    box = "<!-- debrief:box evaluate={} -->"
    current = render_dashboard(shown)
    for id in ("p-1", "p-2"):
        current = current.replace(f"[ ] {box.format(id)}", f"[x] {box.format(id)}")

    after = merge_boxes(shown, current)

    assert ticked_boxes(current) == {"evaluate=p-1", "evaluate=p-2"}
    assert ticked_boxes(after) == {"evaluate=p-2"}


def test_a_tick_whose_box_is_gone_is_kept_for_the_next_run() -> None:
    current = render_dashboard(a_dashboard(rows=(a_row(id="p-1"),)), ticked={"evaluate=p-1"})

    after = merge_boxes(a_dashboard(), current)

    assert ticked_boxes(after) == {"evaluate=p-1"}


@pytest.mark.parametrize(
    ("line", "key"),
    [
        pytest.param("- [X] <!-- debrief:box pause -->pause", "pause", id="capital"),
        pytest.param("* [x] <!-- debrief:box lift=p-1 -->x", "lift=p-1", id="star"),
        pytest.param("- [x] <!-- debrief:box erase=p-1 -->x", None, id="no-such-box"),
        pytest.param("- [x] <!-- debrief:box create=P@1 -->x", None, id="no-id"),
        pytest.param("    - [x] <!-- debrief:box pause -->x", None, id="in-code"),
        pytest.param("> - [x] <!-- debrief:box pause -->x", None, id="quoted"),
        pytest.param("- [x] pause", None, id="without-its-key"),
    ],
)
def test_only_our_own_boxes_can_be_ticked(line: str, key: str | None) -> None:
    assert ticked_boxes(f"hello\n{line}\n") == ({key} if key else set())


def test_a_page_that_only_knows_a_later_hour_is_the_same() -> None:
    one = render_dashboard(a_dashboard())

    assert same_page(render_dashboard(a_dashboard(at=NOW.replace(hour=22))), one)
    assert not same_page(render_dashboard(a_dashboard(at=NOW.replace(day=22))), one)
    assert not same_page(render_dashboard(a_dashboard(rows=(a_row(),))), one)


# -- commands --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "verb", "words"),
    [
        pytest.param("/debrief explain", "explain", "", id="plain"),
        pytest.param(
            "/debrief  REJECT wrong fix: no\r\nmore", "reject", "wrong fix: no", id="words"
        ),
        pytest.param("/debrief retry\n/debrief reject", "retry", "", id="first-line-only"),
        pytest.param(" /debrief retry", None, "", id="indented"),
        pytest.param("> /debrief retry", None, "", id="quoted"),
        pytest.param("`/debrief retry`", None, "", id="code"),
        pytest.param("```\n/debrief retry", None, "", id="fenced"),
        pytest.param("\n/debrief retry", None, "", id="second-line"),
        pytest.param("/debriefing retry", None, "", id="another-word"),
        pytest.param("/debrief", None, "", id="nothing-to-do"),
        pytest.param("/debrief merge", None, "", id="no-such-command"),
    ],
)
def test_only_the_first_line_is_a_command(body: str, verb: str | None, words: str) -> None:
    found = parse_command(body)

    assert (found.verb if found else None) == verb
    assert (found.words if found else "") == words


# -- what relies on changed lines ------------------------------------------------------------------

PATCH = """@@ -1,4 +1,5 @@
 # Airline
-Be kind.
+Be very kind.
 
 ## Cancel flight
+Ask first.
@@ -20,2 +21,1 @@
 last
-gone"""


def test_changed_lines_are_those_of_the_new_file() -> None:
    assert changed_lines(PATCH) == (1, 2, 5, 21)
    assert changed_lines(None) == ()
    assert changed_lines("no hunk") == ()


def test_a_section_is_known_by_its_heading_and_a_heading_in_code_is_none() -> None:
    text = "# Airline\nBe kind.\n```\n# Cancel\n```\n## Cancel a flight\nAsk first.\n"
    other = Watch(
        id="i-2", agent="airline", name="pay", failed=0, total=9, unit="user",
        conversations=9, words=("payme",),
    )  # fmt: skip
    found = a_map(watches=(*a_map().watches, other))

    touched = touched_by(found, {"prompts/airline.md": (2, 7)}, {"prompts/airline.md": text})

    assert [(one.section, [watch.id for watch in one.named]) for one in touched] == [
        ("Airline", []),
        ("Cancel a flight", ["i-1"]),
    ]
    assert [watch.id for watch in touched[1].others] == ["i-2"]


def test_a_file_that_nobody_watches_is_not_touched() -> None:
    assert touched_by(a_map(), {"README.md": (1,)}, {}) == ()


def test_a_prompt_in_code_is_known_by_its_variable() -> None:
    text = 'TIMEOUT = 3\nCANCEL_PROMPT = """You cancel flights.\nAsk for the number first.\n"""\n'
    files = (WatchedFile(path="agent.py", agent="airline", kind="prompt"),)

    touched = touched_by(a_map(files=files), {"agent.py": (3,)}, {"agent.py": text})

    assert [(one.section, one.first_line) for one in touched] == [("CANCEL_PROMPT", 3)]
    assert [watch.id for watch in touched[0].named] == ["i-1"]


def test_the_comment_names_rates_places_and_cases_and_its_marker_tells_news() -> None:
    touched = touched_by(a_map(), {"prompts/airline.md": (2,)}, {})

    one = evidence_comment(a_map(), touched, number=3)
    same = evidence_comment(a_map(), touched, number=3)

    assert "43 % (35\u201351)" in one
    assert "143 users" in one
    assert "worse than others" in one
    assert parse_marker(one) == parse_marker(same)
    assert parse_marker(one) != parse_marker(evidence_comment(a_map(), (), number=3))
