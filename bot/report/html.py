"""`debrief report`: one self-contained page. No script, no font, no request to anywhere.

The page is built as a tree and serialised by the standard library, so text cannot become markup;
a content security policy says once more that nothing may be loaded.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from importlib import resources
from xml.etree.ElementTree import Element, tostring

from bot.figures import count, day, percent, points, rate
from bot.pattern_name import pattern_name
from bot.records import (
    AgentHealth,
    Finding,
    PastProposal,
    Pattern,
    PatternReport,
    RateEstimate,
    SignalRate,
    Skipped,
    Verdict,
    WeekRate,
)
from bot.report.content import (
    DECISION_COLUMNS,
    HEALTH,
    HOW_TO_READ,
    SHOWN_PATTERNS,
    age,
    agent_numbers,
    decision_cells,
    gone_sentence,
    has_weeks,
    newest_first,
    patterns_of,
    result_words,
    state_words,
    tested_sentence,
    told_in_full,
    trend_words,
    workflow_table,
)
from prompts import show_invisible

_LONGEST = 1_000
_TOP = 3
_SHOWN_EVIDENCE = 12
_SHOWN_PAST = 200
_CHART_WEEKS = 16


def html_page(
    report: PatternReport,
    *,
    now: datetime,
    window_days: int = 28,
    past: Sequence[PastProposal] = (),
    verdicts: Sequence[Verdict] = (),
    left_out: Sequence[Skipped] = (),
    by_day: Sequence[tuple[str, Element]] = (),
) -> str:
    """The whole HTML document. `by_day` are sentences, each with a drawing of its days."""
    body = [
        _el("h1", "Debrief report"),
        _soft(f"Written {now:%Y-%m-%d %H:%M} UTC, the last {window_days} days."),
        *_agents(report, window_days),
        *_by_day(by_day),
        *_proposals(past, verdicts, now),
        *_verdicts(verdicts),
        *_list("Gone", [gone_sentence(one) for one in report.gone]),
        *_list("Worth a look", [_finding(one) for one in report.findings]),
        *_list("Not said, and why", [f"{one.what}: {one.reason}" for one in report.refused]),
        *_list("Left out, and why", [f"{one.what}: {one.reason}" for one in left_out]),
    ]
    page = _el("html", _head(), _el("body", *body), lang="en")
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def _by_day(by_day: Sequence[tuple[str, Element]]) -> list[Element]:
    if not by_day:
        return []
    cards = [_el("div", _el("p", said), drawing, class_="card") for said, drawing in by_day]
    return [_el("h2", "Day by day, in UTC"), *cards]


def _head() -> Element:
    """The style and the policy that lets exactly this style through."""
    style = resources.files("bot.report").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = _el(
        "head",
        _el("meta", charset="utf-8"),
        _el("meta", **{"http-equiv": "Content-Security-Policy", "content": policy}),
        _el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        _el("meta", name="referrer", content="no-referrer"),
        _el("title", "Debrief report"),
    )
    # Serialised raw: the digest in the policy is of exactly these characters, and they are ours.
    sheet = Element("style")
    sheet.text = style
    head.append(sheet)
    return head


# -- agents and patterns -------------------------------------------------------------------------


def _agents(report: PatternReport, window_days: int) -> list[Element]:
    if not report.agents:
        return [_el("p", "No conversations in the store for this window.")]
    cards = [_agent(agent, report, window_days) for agent in report.agents]
    return [*cards, _soft(tested_sentence(report))]


def _agent(agent: AgentHealth, report: PatternReport, window_days: int) -> Element:
    patterns = patterns_of(report, agent.agent)
    head = _el(
        "div",
        _el("h3", agent.agent),
        _soft(agent_numbers(agent, window_days)),
        _el("span", HEALTH[agent.health], class_=f"mark {agent.health}"),
        class_="head",
    )
    parts = [head, _el("p", agent.why)]
    if patterns:
        header = ["Why users fail", "rate (95 %)", "", "others", "difference", "n"]
        rows = [_pattern(one) for one in patterns[:SHOWN_PATTERNS]]
        if has_weeks(patterns):
            header.append("by week")
            rows = [[*row, _by_week(one)] for row, one in zip(rows, patterns, strict=False)]
        parts += [_table(header, rows), _soft(HOW_TO_READ)]
        told = [
            _el("li", _el("b", pattern_name(one)), f": {told_in_full(one)}")
            for one in patterns[:_TOP]
        ]
        parts.append(_el("ol", *told))
        parts.append(_evidence(patterns[:SHOWN_PATTERNS]))
    if len(patterns) > SHOWN_PATTERNS:
        parts.append(_soft(f"and {len(patterns) - SHOWN_PATTERNS} more in debrief patterns"))
    decisions = [one for one in report.decisions if one.agent == agent.agent]
    if decisions:
        cells = [decision_cells(one) for one in decisions]
        rows = [[_el("td", row[0]), *(_number(cell) for cell in row[1:])] for row in cells]
        parts.append(_table(DECISION_COLUMNS, rows))
    workflows = [one for one in report.workflows if one.agent == agent.agent]
    if workflows:
        header, cells = workflow_table(workflows)
        rows = [[_el("td", row[0]), *(_number(cell) for cell in row[1:])] for row in cells]
        parts.append(_table(header, rows))
    signals = [one for one in report.signal_rates if one.agent == agent.agent]
    if signals:
        parts.append(_signals(signals))
    return _el("section", *parts, class_="card")


def _signals(rates: Sequence[SignalRate]) -> Element:
    """How often each signal shows: in all conversations, and where it is most frequent."""
    rows = []
    for everywhere in (one for one in rates if one.by == "all"):
        row = [_el("td", everywhere.signal.replace("_", " ")), _estimate(everywhere.rate)]
        for by in ("intent", "version"):
            among = [one for one in rates if (one.signal, one.by) == (everywhere.signal, by)]
            most = max(among, key=lambda one: one.rate.interval.low, default=None)
            told = f"{most.value}: {percent(most.rate.rate)}" if most and len(among) > 1 else ""
            row.append(_el("td", told))
        rows.append((everywhere.rate.rate, [*row, _number(count(everywhere.users, "user"))]))
    rows.sort(key=lambda pair: -pair[0])
    header = ("Signal", "rate (95 %)", "most in the intent", "most in the version", "of")
    summary = _el("summary", "What the conversations show by themselves")
    return _el("details", summary, _table(header, [row for _, row in rows]))


def _estimate(estimate: RateEstimate) -> Element:
    return _number(rate(estimate.rate, estimate.interval))


def _pattern(pattern: Pattern) -> list[Element]:
    difference = pattern.risk_difference
    return [
        _el("td", pattern_name(pattern)),
        _number(rate(pattern.rate, pattern.rate_interval)),
        _el("td", _rate_bar(pattern)),
        _number("" if pattern.baseline_rate is None else percent(pattern.baseline_rate)),
        _number("" if difference is None else points(difference, pattern.interval)),
        _number(count(pattern.users, pattern.unit)),
    ]


def _by_week(pattern: Pattern) -> Element:
    return _el("td", _weeks(pattern.weeks), _soft(trend_words(pattern)))


def _rate_bar(pattern: Pattern) -> Element:
    """The rate as a bar of 0..100 % with its interval as a line."""
    low, high = pattern.rate_interval.low, pattern.rate_interval.high
    return _el(
        "svg",
        _el("rect", class_="track", x="0", y="4", width="100", height="8"),
        _el("rect", x="0", y="4", width=_px(pattern.rate), height="8"),
        _el("line", class_="range", x1=_px(low), x2=_px(high), y1="8", y2="8"),
        width="100",
        height="16",
        role="img",
        **{"aria-label": rate(pattern.rate, pattern.rate_interval)},
    )


def _weeks(weeks: Sequence[WeekRate]) -> Element:
    """One bar per week, the highest fills the height; a week without data has none. Numbers are in
    its title."""
    shown = weeks[-_CHART_WEEKS:]
    top = max((week.failed / week.total for week in shown if week.total), default=0.0) or 1.0
    bars = []
    for at, week in enumerate(shown):
        share = week.failed / week.total / top if week.total else 0.0
        told = f"{week.week}: {week.failed} of {week.total}"
        bars.append(
            _el(
                "rect",
                _el("title", told),
                x=str(10 * at),
                y=f"{28 - 28 * share:.1f}",
                width="7",
                height=f"{28 * share:.1f}",
            )
        )
    label = ", ".join(f"{week.week} {week.failed} of {week.total}" for week in shown)
    return _el(
        "svg",
        *bars,
        width=str(max(1, 10 * len(shown))),
        height="28",
        role="img",
        **{"aria-label": label or "no weekly data"},
    )


def _finding(finding: Finding) -> str:
    """With an id to look at; a finding is about what is in it, and not about how often."""
    where = f" ({finding.evidence[0]})" if finding.evidence else ""
    return f"{finding.agent}: {finding.sentence}{where}"


def _evidence(patterns: Sequence[Pattern]) -> Element:
    lines = []
    for pattern in patterns:
        ids = ", ".join(pattern.evidence[-_SHOWN_EVIDENCE:])
        more = len(pattern.evidence) - _SHOWN_EVIDENCE
        said = f"{pattern_name(pattern)}: {ids}" + (f" and {more:,} more" if more > 0 else "")
        lines.append(_el("li", said))
    summary = _el("summary", "The newest evidence (ids)")
    return _el("details", summary, _el("ul", *lines))


# -- proposals and verdicts ----------------------------------------------------------------------


def _proposals(
    past: Sequence[PastProposal], verdicts: Sequence[Verdict], now: datetime
) -> list[Element]:
    if not past:
        return []
    rows = [
        [
            _el("td", one.reference),
            _el("td", one.title),
            _el("td", one.kind),
            _el("td", state_words(one)),
            _number(age(one.merged_at or one.opened_at, now)),
            _el("td", result_words(one, verdicts), class_=one.verdict or ""),
        ]
        for one in newest_first(past)[:_SHOWN_PAST]
    ]
    header = ("", "proposal", "kind", "state", "since", "result")
    return [_el("h2", "Proposals"), _el("div", _table(header, rows), class_="card")]


def _verdicts(verdicts: Sequence[Verdict]) -> list[Element]:
    if not verdicts:
        return []
    cards = [
        _el(
            "div",
            _el(
                "div",
                _el("h3", one.reference),
                _soft(f"live since {day(one.live_at)}"),
                _el("span", one.result.replace("_", " "), class_=f"mark {one.result}"),
                class_="head",
            ),
            _el("p", one.sentence),
            _el("ul", *(_el("li", f"May also explain it: {text}") for text in one.confounders)),
            class_="card",
        )
        for one in verdicts
    ]
    return [_el("h2", "Did it work?"), *cards]


# -- elements ------------------------------------------------------------------------------------


def _el(tag: str, *children: Element | str, **attributes: str) -> Element:
    """One element. A string becomes text, hidden characters shown; `class_` is `class`."""
    element = Element(tag, {name.rstrip("_"): _said(value) for name, value in attributes.items()})
    for child in children:
        if isinstance(child, Element):
            element.append(child)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + _said(child)
        else:
            element.text = (element.text or "") + _said(child)
    return element


def _table(header: Sequence[str], rows: Sequence[Sequence[Element]]) -> Element:
    top = _el("thead", _el("tr", *(_el("th", name) for name in header)))
    return _el("table", top, _el("tbody", *(_el("tr", *cells) for cells in rows)))


def _list(title: str, lines: Sequence[str]) -> list[Element]:
    if not lines:
        return []
    return [_el("h2", title), _el("ul", *(_el("li", line) for line in lines))]


def _number(text: str) -> Element:
    return _el("td", text, class_="n")


def _soft(text: str) -> Element:
    return _el("p", text, class_="soft")


def _px(share: float) -> str:
    return f"{100 * min(1.0, max(0.0, share)):.1f}"


def _said(text: str) -> str:
    shown = show_invisible(text)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
