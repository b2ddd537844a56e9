"""What people read: the same facts in a terminal, on a page and in Markdown, safe in each."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from rich.console import Console, RenderableType

from bot.pattern_name import pattern_name
from bot.records import (
    Cause,
    DecisionRates,
    Declined,
    Degraded,
    Done,
    Finding,
    Gone,
    Interval,
    ModelCost,
    Operation,
    PastProposal,
    PatternReport,
    Plan,
    PublishReport,
    Skipped,
    Verdict,
    WeekRate,
    Workflow,
)
from bot.report import html_page, patterns_text, run_text, summary_markdown
from bot.report.content import told_in_full
from bot.statistics import failure_rate
from tests.bot.builders import a_correction
from tests.bot.proposals_built import BASE, NOW, a_health, a_past, a_pattern, a_report, a_verdict
from tests.bot.test_markdown import HOSTILE, page


@dataclass(frozen=True, kw_only=True)
class ARun:
    """What one run hands to the reports."""

    report: PatternReport
    past: tuple[PastProposal, ...] = ()
    operations: tuple[Operation, ...] = ()
    left_out: tuple[Skipped, ...] = ()
    degraded: tuple[Degraded, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def plan(self) -> Plan:
        return Plan(
            schema=1,
            target="git:repo",
            base_sha=BASE,
            base_branch="main",
            settings_sha="",
            operations=self.operations,
            left_out=self.left_out,
        )

    def published(self, *, refused: tuple[Skipped, ...] = ()) -> PublishReport:
        done = [
            Done(op=one.op, id=one.id, steps=("branch",), reference=one.reference, url=None)
            for one in self.operations
        ]
        return PublishReport(
            done=tuple(done), unchanged=1, refused=refused, degraded=self.degraded, writes=3
        )

    def text(self) -> list[RenderableType]:
        lines = run_text(
            report=self.report,
            plan=self.plan,
            verdicts=self.verdicts,
            published=self.published(),
            cost=ModelCost(calls=3, usd=1.84),
        )
        return list(lines)

    def page(self) -> str:
        return html_page(
            self.report, now=NOW, past=self.past, verdicts=self.verdicts, left_out=self.left_out
        )

    def summary(self) -> str:
        return summary_markdown(
            report=self.report,
            plan=self.plan,
            verdicts=self.verdicts,
            published=self.published(),
            cost=ModelCost(calls=3, usd=1.84),
        )


def a_run(**changes: Any) -> ARun:
    given: dict[str, Any] = {
        "report": a_report(
            findings=(
                Finding(
                    kind="severe",
                    agent="airline",
                    sentence="one case lost data",
                    evidence=("9c1f",),
                ),
            ),
            refused=(Declined(what="rule for vp", reason="2 corrections; 3 are needed."),),
        ),
        "past": (
            a_past(state="merged", merged_at=NOW - timedelta(days=3)),
            a_past(id="p-2", reference="#207", state="merged", verdict="worked"),
            a_past(id="p-3", reference="#203", state="rejected", rejection="wrong_fix"),
        ),
        "operations": (
            Operation(
                op="open",
                id="p-9",
                kind="rule",
                branch="debrief/p-9",
                title="Leave out the opening line",
                body_file="bodies/p-9.md",
            ),
        ),
        "left_out": (
            Skipped(what="a prompt change", code="no_key", reason="No model key is set."),
        ),
        "degraded": (Degraded(code="no_key", sentence="Prompt changes were left out."),),
        "verdicts": (a_verdict(proposal_id="p-2", reference="#207"),),
    }
    return ARun(**{**given, **changes})


def a_hostile_run(text: str) -> ARun:
    """A run that carries `text` wherever something comes from outside."""
    pattern = a_pattern(
        agent=text,
        outcome=text,
        intent_name=text,
        segment={text: text},
        evidence=(text,) * 30,
        weeks=(WeekRate(week=text, failed=1, total=2),),
    )
    threshold = a_pattern(agent=text, kind="threshold", threshold_name=text)
    operation = Operation(
        op="open", id=text, kind=text, branch=text, title=text, body_file="x", reference=text
    )
    return ARun(
        report=a_report(
            agents=(a_health(agent=text, why=text),),
            patterns=(pattern, threshold),
            workflows=(a_workflow(text, span=text, corrections={text: 3}),),
            findings=(Finding(kind=text, agent=text, sentence=text, evidence=(text,)),),
            refused=(Declined(what=text, reason=text),),
        ),
        past=(a_past(id=text, title=text, reference=text, branch=text, verdict=text),),
        operations=(operation,),
        left_out=(Skipped(what=text, code=text, reason=text),),
        degraded=(Degraded(code=text, sentence=text),),
        verdicts=(a_verdict(reference=text, sentence=text, confounders=(text,)),),
    )


# -- terminal ----------------------------------------------------------------------------------


def printed(lines: Iterable[RenderableType], *, width: int = 110, **changes: Any) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False, **changes)
    for line in lines:
        console.print(line)
    return stream.getvalue()


def test_patterns_come_with_rates_intervals_and_trend() -> None:
    text = printed(patterns_text(a_report(), window_days=28))

    assert "28 days · 4,182 conversations of 3,650 users · 96 % with text" in text
    assert "needs attention" in text
    assert re.search(
        r"1 +cancel a flight: failure +43 % \(35\u201351\) +24 % +\+19 \(9\u201328\) +▅▅▇█", text
    )
    assert re.search(r"143 users +growing", text)
    assert "63 more groups were tested; none stands after correction for all of them." in text


def a_workflow(agent: str = "airline", **changes: Any) -> Workflow:
    values: dict[str, Any] = {
        "span": "last 100 jobs",
        "jobs": 100,
        "since": NOW - timedelta(days=6),
        "completion": failure_rate(82, 100),
        "override": failure_rate(10, 40),
        "usable": None,
        "exceptions": failure_rate(3, 100),
        "exception_kinds": {"escalated": 2, "tool failed": 1},
        "corrections": {"opening_removed": 6, "shortened": 4},
    }
    return Workflow(agent=agent, **{**values, **changes})


def test_reviewed_work_is_shown_beside_the_span_before() -> None:
    before = a_workflow(completion=failure_rate(70, 100), override=None)
    report = a_report(workflows=(a_workflow(before=before), a_workflow("other", jobs=7)))

    terminal = printed(patterns_text(report, window_days=28), width=160)
    page = parsed(html_page(report, now=NOW)).text

    summary = summary_markdown(report=report)
    for text in (terminal, page, summary):
        assert "last 100 jobs" in text
        assert "usable" not in text  # nobody said anything of it
        assert "3 % (1\u20138), was 3 %: escalated 2" in text
        assert "82 % (73\u201388), was 70 %" in text
        assert "25 % (14\u201340)" in text
        assert "opening removed 6, shortened 4" in text
    assert terminal.count("last 100 jobs") == 1


def test_what_users_suggest_is_not_said_of_reviewers() -> None:
    own: dict[str, Any] = {
        "kind": "correction",
        "outcome": "correction:wrong_price",
        "intent_id": None,
        "intent_name": None,
    }
    by_users = a_pattern(**own, corrections=(a_correction(1, by="user"),))
    by_both = a_pattern(**own, corrections=(a_correction(1, by="user"), a_correction(2)))

    assert pattern_name(by_users) == "users correct: wrong price"
    assert pattern_name(by_both) == "reviewers correct: wrong price"


def test_without_times_there_is_no_empty_column_for_a_trend() -> None:
    report = a_report(patterns=[a_pattern(weeks=(), trend="unknown")])

    text = printed(patterns_text(report, window_days=28))

    assert "cancel a flight: failure" in text
    assert "trend" not in text
    assert "by week" not in parsed(html_page(report, now=NOW)).text


def test_an_empty_store_is_said_and_no_failure() -> None:
    text = printed(patterns_text(a_report(agents=(), patterns=(), tested=0), window_days=28))

    assert text.startswith("No conversations in the store")


def test_a_cycle_tells_what_it_did_and_what_it_left_out() -> None:
    text = printed(a_run().text())

    assert re.search(r"opened +Leave out the opening line +rule in a prompt +debrief/p-9", text)
    assert re.search(r"a prompt change +no_key +No model key is set\.", text)
    assert re.search(r"degraded +Prompt changes were left out\.", text)
    assert "3 model calls, $1.84." in text


def test_after_publishing_only_what_was_carried_out_is_told() -> None:
    run = a_run()
    refused = Skipped(what="open p-8", code="moved", reason="the file has changed.")
    report = PublishReport(
        done=(Done(op="open", id="p-9", steps=("branch",), reference="#213", url=None),),
        unchanged=0,
        refused=(refused,),
        degraded=(),
        writes=2,
    )

    text = printed(run_text(plan=run.plan, published=report))

    assert re.search(r"opened +Leave out the opening line +rule in a prompt +#213", text)
    assert re.search(r"open p-8 +moved +the file has changed", text)


def test_a_second_run_says_that_nothing_was_to_be_done() -> None:
    report = PublishReport(done=(), unchanged=2, refused=(), degraded=(), writes=0)

    text = printed(run_text(plan=a_run().plan, published=report))

    assert "Nothing to open, update, close or say; 2 operations had been carried out" in text


def test_verdicts_say_how_strong_the_evidence_is() -> None:
    text = printed(run_text(verdicts=[a_verdict()]))

    assert re.search(r"#212 +worked +43 % .*\u221221 points .* weak", text)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for lines in (patterns_text(a_run().report, window_days=28), a_run().text()):
        assert max(map(len, printed(lines, width=width).splitlines())) <= width


@pytest.mark.parametrize("text", [*HOSTILE, "[red]x[/red]", "\x1b[2J\x1b]0;t\x07", "x\rok", "[/]"])
def test_hostile_text_gives_a_terminal_no_command_and_no_markup(text: str) -> None:
    run = a_hostile_run(text)
    for lines in (patterns_text(run.report, window_days=28), run.text()):
        plain = printed(lines)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200b]", plain)
        if text == "[red]x[/red]":
            assert "[red]x[/red]" in plain


def test_colour_is_the_consoles_affair(monkeypatch: pytest.MonkeyPatch) -> None:
    view = list(patterns_text(a_report(), window_days=28))
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = printed(view, force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    plain = printed(view, force_terminal=True, color_system="standard")

    assert "\x1b[1;33mneeds attention" in coloured
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", plain)
    assert "\x1b" not in printed(view)


# -- page --------------------------------------------------------------------------------------


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> _Html:
    found = _Html()
    found.feed(html)
    found.close()
    return found


def test_the_page_tells_health_patterns_proposals_and_verdicts() -> None:
    text = parsed(a_run().page()).text

    for said in (
        "needs attention",
        "cancel a flight: failure",
        "43 % (35\u201351)",
        "rejected: wrong fix",
        "regression to the mean",
        "2 corrections; 3 are needed.",
        "63 more groups were tested",
    ):
        assert said in text


def test_the_page_asks_nobody_for_anything() -> None:
    html = a_run().page()
    found = parsed(html)

    assert not re.search(r"https?:|//|url\(|@import", html)
    assert {tag for tag, _ in found.tags}.isdisjoint({"script", "link", "img", "iframe", "a"})
    assert all(not name.startswith("on") for _, values in found.tags for name in values)
    policy = next(v["content"] for t, v in found.tags if "http-equiv" in v)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_the_policy_lets_exactly_our_style_through() -> None:
    import base64
    import hashlib

    html = a_run().page()
    style = html.partition("<style>")[2].partition("</style>")[0]

    assert f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}" in html


@pytest.mark.parametrize(
    "text", [*HOSTILE, "</style><script>alert(1)</script>", "\" onload='x' <b>", "]]>", "&lt;b&gt;"]
)
def test_hostile_text_adds_no_element_to_the_page(text: str) -> None:
    harmless = [tag for tag, _ in parsed(a_hostile_run("harmless").page()).tags]
    html = a_hostile_run(text).page()

    assert [tag for tag, _ in parsed(html).tags] == harmless
    html.encode()  # a lone surrogate would fail here


def test_an_empty_page_says_so() -> None:
    empty = html_page(a_report(agents=(), patterns=(), tested=0), now=NOW)

    assert "No conversations in the store" in parsed(empty).text


# -- markdown ----------------------------------------------------------------------------------


def test_a_job_summary_tells_what_a_run_found_did_and_left_out() -> None:
    text = a_run().summary()

    assert "### airline · needs attention" in text
    assert (
        "| cancel a flight: failure | 43 % (35\u201351) | 24 % | +19 points (9\u201328) |" in text
    )
    assert "| opened | Leave out the opening line | rule in a prompt | `debrief/p-9` |" in text
    assert "- a prompt change: No model key is set." in text
    assert "3 model calls, $1.84." in text


def test_why_is_told_wherever_a_pattern_is() -> None:
    cause = Cause(
        cause="harness",
        by="rule",
        kind="tool_unavailable",
        sentence="9 of 12 failing conversations have `search` time out.",
        support=9,
        contradicting=3,
    )
    report = a_report(patterns=(a_pattern(cause=cause, root_cause="harness"),))

    told = printed(patterns_text(report, window_days=28), width=200)
    page = parsed(html_page(report, now=NOW)).text
    summary = summary_markdown(report=report)

    for text in (told, page, summary):
        assert "9 of 12 failing conversations have `search` time out." in text


@pytest.mark.parametrize(
    ("writes", "title", "did"),
    [pytest.param(3, "This run", "opened", id="a-run"), (0, "This run would", "to open")],
)
def test_what_a_run_did_is_told_in_plain_words(writes: int, title: str, did: str) -> None:
    run = a_run()
    published = replace(run.published(), writes=writes)

    summary = summary_markdown(plan=run.plan, published=published)
    told = printed(run_text(plan=run.plan, published=published), width=120)

    assert f"### {title}\n" in summary
    assert f"| {did} | Leave out the opening line | rule in a prompt | `debrief/p-9` |" in summary
    assert re.search(rf"{did} +Leave out the opening line +rule in a prompt +debrief/p-9", told)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert_in_the_summary(text: str) -> None:
    found = page(a_hostile_run(text).summary())
    allowed = {"p", "h2", "h3", "ul", "ol", "li", "strong", "code"}
    assert set(found.tags) <= allowed | {"table", "thead", "tbody", "tr", "th", "td"}
    assert not re.search(r"@\w|#\d|(?i:GH-\d)", found.text)


def test_many_of_everything_stay_a_short_summary() -> None:
    patterns = tuple(a_pattern(id=str(number), intent_name="x" * 500) for number in range(500))
    report = a_report(patterns=patterns, agents=(a_health(),) * 50)
    left_out = (Skipped(what="y" * 500, code="x", reason="z" * 500),) * 1000
    past = (a_past(title="t" * 500),) * 1000
    run = a_run(report=report, left_out=left_out, past=past)

    assert len(run.summary()) < 200_000  # GitHub takes 1 MiB per step


# -- what stands behind a pattern -----------------------------------------------------------------


def test_the_three_main_reasons_are_told_in_full_with_a_conversation_to_read() -> None:
    patterns = tuple(
        a_pattern(
            id=f"pt-{n}",
            agent="airline",
            share_explained=0.18,
            exemplars=(f"typical-{n}",),
            trend="growing",
            rate=61 / 143,
            users=143,
            baseline_rate=0.24,
            risk_ratio=1.78,
            risk_ratio_interval=Interval(low=1.36, high=2.32),
        )
        for n in range(4)
    )

    text = printed(patterns_text(a_report(patterns=patterns), window_days=28), width=160)

    assert text.count("61 of 143 users failed, others 24 %, 1.8 times as often (1.4 to 2.3),") == 3
    assert "accounts for 18 % of all such, growing." in text
    assert [f"debrief show typical-{n}" in text for n in range(4)] == [True, True, True, False]


def test_a_ratio_over_next_to_nothing_is_told_by_its_known_end_only() -> None:
    vague = a_pattern(risk_ratio=602.3, risk_ratio_interval=Interval(low=37.8, high=9607.1))

    told = told_in_full(vague)

    assert "at least 38 times as often" in told
    assert "602" not in told
    assert "9607" not in told


@pytest.mark.parametrize(
    ("segment", "words"),
    [
        pytest.param({"first_session": "yes"}, "first conversation of a user", id="first"),
        pytest.param({"last_tool": "book"}, "ends after book", id="tool"),
        pytest.param({"last_question": "order number"}, "left at a question about", id="question"),
        pytest.param({"wording": "cash back"}, "worded “cash back”", id="wording"),
        pytest.param({"signal": "tool_error"}, "after tool error", id="signal"),
        pytest.param({"channel": "web"}, "channel=web", id="declared"),
    ],
)
def test_segments_are_said_in_words(segment: dict[str, str], words: str) -> None:
    assert words in pattern_name(a_pattern(segment=segment))


def test_what_people_did_with_decisions_and_what_is_gone_is_told_everywhere() -> None:
    rates = DecisionRates(
        agent="airline",
        threshold_name="fraud.flag",
        waiting=3,
        response=failure_rate(80, 100),
        dismissed=failure_rate(20, 80),
        approved=failure_rate(50, 80),
        modified=failure_rate(6, 80),
        escalated=failure_rate(4, 80),
    )
    gone = Gone(pattern=a_pattern(), last_stood=NOW - timedelta(days=7), now=failure_rate(12, 100))
    report = a_report(decisions=(rates,), gone=(gone,))

    for told in (
        printed(patterns_text(report, window_days=28), width=120),
        html_page(report, now=NOW),
    ):
        for words in ("80 % of 100", "25 %", "62 %", "it stands no more."):
            assert words in told
