"""The body of a pull request: what a reviewer needs to decide in a minute, and our own state.

Takes a `Proposal` and the `Pattern` it rests on; gives Markdown of at most `BUDGET` code points, in
which text from outside stands only in code. Its first line is the marker that `history` reads back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.bundle.questions import SHOWN, questions_section
from bot.figures import count, day, dollars, percent, points, rate, span
from bot.markdown import code_span, fence, plain, prose, table
from bot.marker import render_marker
from bot.records import (
    ROLLBACK,
    TITLE_CHARS,
    CheckRun,
    EvidenceItem,
    GateCheck,
    GateResult,
    Interval,
    Pattern,
    Prediction,
    Proposal,
    Table,
    WeekRate,
)
from bot.statistics import failure_rate
from collector.records import Json

BUDGET = 60_000
"""Code points. GitHub takes 65,536 (github-limits, measured); other bots edit bodies too."""
SENTENCE = 600
TINY = 0.001
"""Smaller is not told apart: people read it as "surely"."""
MEASURED_WEEKS = 4
_SHOWN_ITEMS = 50
_SHOWN_IDS = 200
_OPEN_ROWS = 12
_ALWAYS = 9
_SHOWN_ROWS = 60
_SHOWN_COLUMNS = 12
_SHOWN_WEEKS = 26
_NOUNS = {"rule": "correction", "threshold": "decision"}
_WORDS = {"rule": "corrected", "threshold": "dismissed"}
_FOUND_BY = {"rule": "a rule, without a model", "model": "a model, its quotes looked up by us"}
_WEEK = re.compile(r"\d{4}-W\d{2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Section:
    text: str
    name: str
    rank: int
    """The lowest goes first when the body is too long; `_ALWAYS` stays."""


def render_body(proposal: Proposal, *, base_sha: str, pattern: Pattern | None = None) -> str:
    """Render the whole body. `pattern` adds rates, the difference and what measuring needs."""
    sections = [
        _Section(name="header", rank=_ALWAYS, text=_header(proposal, base_sha, pattern)),
        _Section(name="questions", rank=_ALWAYS, text=questions_section(proposal.choices)),
        _Section(name="checks of the gate", rank=7, text=_gate_table(proposal.gate.checks)),
        _Section(name="the repository's check", rank=7, text=_check(proposal.check)),
        _Section(name="tables", rank=6, text=_tables(proposal.tables)),
        _Section(name="what reviewers taught", rank=6, text=_learned(proposal.learned)),
        _Section(name="root cause", rank=5, text=_cause(pattern)),
        _Section(name="rate by week", rank=5, text=_weeks(proposal)),
        _Section(name="evidence", rank=3, text=_evidence(proposal)),
        _Section(name="what got worse", rank=4, text=_losing(proposal.losing)),
        _Section(name="tried and dropped", rank=2, text=_alternatives(proposal.alternatives)),
        _Section(name="cost", rank=1, text=_cost(proposal)),
        _Section(name="footer", rank=_ALWAYS, text=_footer(proposal)),
    ]
    return _within_budget([section for section in sections if section.text])


def marker_values(
    proposal: Proposal, *, base_sha: str, pattern: Pattern | None = None
) -> dict[str, Json]:
    """What `history` and `measure` need after the merge; every string bounded."""
    values: dict[str, Json] = {
        "id": _clip(proposal.id),
        "fingerprint": _clip(proposal.fingerprint),
        "kind": proposal.kind,
        "agent": _clip(proposal.agent),
        "pattern_id": _clip(proposal.pattern_id),
        "remedy": _clip(proposal.remedy),
        "title": plain(proposal.title, TITLE_CHARS),
        "base_sha": _clip(base_sha),
        "root_cause": proposal.root_cause,
        "gate": proposal.gate.verdict,
        "evidence": _evidence_values(proposal),
        "prediction": prediction_values(proposal.prediction),
    }
    if pattern is not None:
        # Of all that the pattern rests on, the reader sees a part: this tells whether more came.
        values["pattern_evidence"] = len(pattern.evidence)
    metric = proposal.prediction.metric if proposal.prediction else ""
    metric = pattern.outcome if pattern else metric
    if metric.startswith("correction:"):
        values["correction_type"] = _clip(metric.removeprefix("correction:"))
    if proposal.choices:
        # What was asked and how sure we were: what people tick is held against it.
        values["queue"] = [
            [one.id, one.variant, one.seed, one.points, *one.doubts]
            for one in proposal.choices[:SHOWN]
        ]
    if proposal.variants:
        # A run that has no model would write the set without them.
        values["variants"] = proposal.variants
    move = proposal.threshold
    if move is not None:
        values["threshold"] = {"name": _clip(move.name), "from": move.old, "to": move.new}
    return values


def _evidence_values(proposal: Proposal) -> dict[str, Json]:
    evidence = proposal.evidence
    values: dict[str, Json] = {"entries": evidence.entries, "users": evidence.users}
    # From then on it was there to be seen: the dashboard counts the days to its merged fix.
    return values | ({"first_at": evidence.first_at.isoformat()} if evidence.first_at else {})


def prediction_values(prediction: Prediction | None) -> dict[str, Json] | None:
    """The prediction as JSON, for the marker and plan.json."""
    if prediction is None:
        return None
    segment = sorted(prediction.segment.items())[:8]
    return {
        "metric": _clip(prediction.metric),
        "population": _clip(prediction.population),
        "baseline_rate": prediction.baseline_rate,
        "low": prediction.expected.low,
        "high": prediction.expected.high,
        "level": prediction.expected.level,
        "days": prediction.days,
        "intent_id": _clip(prediction.intent_id) if prediction.intent_id else None,
        "segment": {_clip(k, 60): _clip(v, 60) for k, v in segment},
        **({"margin": prediction.margin} if prediction.margin is not None else {}),
    }


# -- sections ------------------------------------------------------------------------------------


def _header(proposal: Proposal, base_sha: str, pattern: Pattern | None) -> str:
    gate = proposal.gate
    lines = [
        render_marker(marker_values(proposal, base_sha=base_sha, pattern=pattern)),
        f"**{plain(proposal.title, TITLE_CHARS)}** · {proposal.kind} · "
        f"confidence {proposal.confidence}",
        "",
        f"- **What** {prose(proposal.what, SENTENCE)}",
        f"- **Why** {prose(proposal.why, SENTENCE)}{_why_numbers(proposal, pattern)}",
        f"- **Evidence** {_evidence_sentence(proposal)}",
        f"- **Gate** {_gate_sentence(gate)}",
        f"- **Risk** {prose(proposal.risk, SENTENCE)}",
    ]
    return "\n".join(lines)


def _gate_sentence(gate: GateResult) -> str:
    """What was not tried at all is said as that, and not as a result that is open."""
    said = prose(gate.sentence, SENTENCE)
    is_open = gate.verdict == "inconclusive"
    if is_open and (not gate.checks or said.startswith("Not ")):
        return said
    return f"{gate.verdict}: {said}"


def _why_numbers(proposal: Proposal, pattern: Pattern | None) -> str:
    """The pattern's rate and difference with their intervals, where the reason lacks them."""
    if pattern is None:
        return ""
    found = rate(pattern.rate, pattern.rate_interval)
    said = []
    if found not in proposal.why:
        said.append(f"{found} of {count(pattern.users, pattern.unit)}")
    if pattern.baseline_rate is not None:
        said.append(f"others {percent(pattern.baseline_rate)}")
    if pattern.risk_difference is not None:
        said.append(f"difference {points(pattern.risk_difference, pattern.interval)}")
    if pattern.q_value is not None:
        shown = f"= {pattern.q_value:.2g}" if pattern.q_value >= TINY else f"< {TINY:g}"
        said.append(f"q {shown} after correction for all that was tested")
    if pattern.trend in ("new", "growing", "shrinking"):
        said.append(pattern.trend)
    return f" Measured: {'; '.join(said)}." if said else ""


def _evidence_sentence(proposal: Proposal) -> str:
    evidence = proposal.evidence
    if proposal.undoes:
        return f"{_of_undoing(proposal)}."
    said = count(evidence.entries, _NOUNS.get(proposal.kind, "conversation"))
    if evidence.users:
        said += f" of {count(evidence.users, 'reviewer' if proposal.kind == 'rule' else 'user')}"
    if evidence.first_at and evidence.last_at:
        first, last = day(evidence.first_at), day(evidence.last_at)
        said += f", {first}" if first == last else f", {first} to {last}"
    # Some kinds are about no single failure, and some have their cause in the name.
    if proposal.kind not in {"taxonomy", "dataset", proposal.root_cause}:
        said += f"; root cause: {proposal.root_cause.replace('_', ' ')}"
    said += "."
    return f"{said} {prose(evidence.note, SENTENCE)}" if evidence.note else said


def _of_undoing(proposal: Proposal) -> str:
    """A rollback rests on what was said of the merge; a retirement on the weeks since."""
    undoes = proposal.undoes
    merge = undoes if re.fullmatch(r"#\d{1,9}", undoes) else code_span(_clip(undoes))
    if proposal.remedy.startswith(ROLLBACK):
        return f"what is said on {merge}; nothing else was counted"
    seen = count(proposal.evidence.entries, "conversation")
    return f"{seen} of the agent since {merge} was merged"


def _gate_table(checks: Sequence[GateCheck]) -> str:
    if not checks:
        return ""
    rows = [
        [
            check.name,
            check.verdict,
            check.sentence,
            f"{check.n:,}" if check.n else "",
        ]
        for check in checks[:_SHOWN_ROWS]
    ]
    return table(["gate", "verdict", "result (95 %)", "n"], rows)


_CHECKED = {
    "passed": "passed",
    "failed": "failed",
    "timed_out": "took too long",
    "fails_anyway": "fails, and fails without this change as well, so it says nothing of it",
    "times_out_anyway": "took too long, with and without this change, so it says nothing of it",
    "not_run": "was not run: no copy of the repository could be made",
}


def _check(check: CheckRun | None) -> str:
    """What the repository's own check said, with the end of its output as it cannot act."""
    if check is None:
        return ""
    where = "without a network" if check.is_offline else "with the network of the machine"
    ran = "" if check.state == "not_run" else f", in {_seconds(check.elapsed_s)}, {where}"
    line = f"**Check** {code_span(_clip(check.command))} {_CHECKED[check.state]}{ran}."
    if not check.last_lines:
        return line
    return f"{line}\n\n{_folded('The end of its output', fence(chr(10).join(check.last_lines)))}"


def _seconds(elapsed_s: float) -> str:
    return f"{elapsed_s:.0f} s" if elapsed_s >= 1 else "under a second"


def _cause(pattern: Pattern | None) -> str:
    """Why the conversations failed, with what speaks against it as well."""
    cause = pattern.cause if pattern is not None else None
    if cause is None:
        return ""
    sentence = f"{cause.sentence[:1].upper()}{cause.sentence[1:]}"
    said = [f"- {prose(sentence, SENTENCE)} Found by {_FOUND_BY[cause.by]}."]
    if cause.by == "model":  # A rule's sentence holds these numbers.
        looked = count(cause.support + cause.contradicting, "failing conversation")
        said.append(f"- Of {looked} that were looked at, {cause.support:,} show it.")
    if cause.elsewhere is not None:
        found = rate(cause.elsewhere.rate, cause.elsewhere.interval)
        said.append(f"- Of those that did not fail, {found} show it as well.")
    return _folded(f"Root cause: {cause.cause.replace('_', ' ')}", "\n".join(said))


def _tables(tables: Sequence[Table]) -> str:
    return "\n\n".join(_shown(one) for one in tables[:5] if one.header and one.rows)


def _shown(one: Table) -> str:
    """A long one is folded: the reader has a decision to make below it."""
    title = plain(one.title, TITLE_CHARS) or "Numbers"
    rows = table(one.header[:_SHOWN_COLUMNS], one.rows[:_SHOWN_ROWS])
    if len(one.rows) > _OPEN_ROWS:
        return _folded(f"{title} ({count(len(one.rows), 'row')})", rows)
    return f"**{title}**\n\n{rows}"


def _learned(rules: Sequence[str]) -> str:
    """The corrections of Debrief itself that it was written by."""
    lines = [f"- {prose(one, SENTENCE)}" for one in rules[:10]]
    return "\n".join(["**Written as reviewers taught Debrief here**", "", *lines]) if lines else ""


def _weeks(proposal: Proposal) -> str:
    """A chart where two weeks or more have data, and always the same numbers as a table."""
    word = _WORDS.get(proposal.kind, "failing")
    weeks = proposal.weeks
    seen = [week for week in weeks if week.total and _WEEK.fullmatch(week.week)][-_SHOWN_WEEKS:]
    if not seen:
        return ""
    rates = [failure_rate(week.failed, week.total) for week in seen]
    rows = [
        [week.week, f"{week.failed:,}", f"{week.total:,}", rate(found.rate, found.interval)]
        for week, found in zip(seen, rates, strict=True)
    ]
    parts = [table(["week", word, "of", "rate (95 %)"], rows)]
    if len(seen) >= 2:
        parts.insert(0, _chart(seen, word))
    return _folded(f"{word.capitalize()} by week", "\n\n".join(parts))


def _chart(weeks: Sequence[WeekRate], word: str) -> str:
    """Old Mermaid syntax only: GitHub does not say which version it runs."""
    names = ", ".join(f'"{week.week}"' for week in weeks)
    bars = ", ".join(f"{100 * week.failed / week.total:.1f}" for week in weeks)
    lines = [
        "```mermaid",
        "xychart-beta",
        f"    x-axis [{names}]",
        f'    y-axis "{word} (percent)" 0 --> 100',
        f"    bar [{bars}]",
        "```",
    ]
    return "\n".join(lines)


def _evidence(proposal: Proposal) -> str:
    noun = "decisions" if proposal.kind == "threshold" else "conversations"
    parts = [_items(proposal.evidence.items)]
    shown = {item.id for item in proposal.evidence.items[:_SHOWN_ITEMS]}
    others = [one for one in proposal.evidence.conversation_ids if one not in shown]
    if others:
        listed = ", ".join(code_span(_clip(one)) for one in others[:_SHOWN_IDS])
        more = len(others) - _SHOWN_IDS
        also = "Also: " if shown else ""
        parts.append(f"{also}{listed}" + (f" and {more:,} more." if more > 0 else "."))
    text = "\n\n".join(part for part in parts if part)
    return _folded(f"The {noun} (ids, paraphrased)", text) if text else ""


def _losing(items: Sequence[EvidenceItem]) -> str:
    return _folded(f"What got worse ({len(items):,})", _items(items)) if items else ""


def _items(items: Sequence[EvidenceItem]) -> str:
    lines = [
        f"- {code_span(_clip(item.id))} {prose(item.paraphrase, SENTENCE)}"
        + (f": {code_span(item.quote[:SENTENCE])}" if item.quote else "")
        for item in items[:_SHOWN_ITEMS]
    ]
    if len(items) > _SHOWN_ITEMS:
        lines.append(f"- and {len(items) - _SHOWN_ITEMS:,} more")
    return "\n".join(lines)


def _alternatives(alternatives: Sequence[str]) -> str:
    lines = [f"- {prose(one, SENTENCE)}" for one in alternatives[:20]]
    return _folded(f"Tried and dropped ({len(alternatives):,})", "\n".join(lines)) if lines else ""


def _cost(proposal: Proposal) -> str:
    cost = proposal.cost
    if not cost.calls:
        return ""
    tokens = f"{cost.input_tokens:,} tokens in, {cost.output_tokens:,} out"
    return f"Made with {count(cost.calls, 'model call')}: {tokens}, {dollars(cost.usd)}."


def _footer(proposal: Proposal) -> str:
    paths = sorted({edit.path for edit in proposal.edits})
    named = ", ".join(code_span(_clip(path)) for path in paths[:10])
    return "\n".join(
        [
            f"**Prediction** {_prediction_sentence(proposal)}",
            "",
            "**Not wanted?** Close this pull request and tick why:",
            "",
            "- [ ] not a problem",
            "- [ ] wrong fix (say what would be right)",
            "- [ ] later",
            "",
            "Or comment `/debrief explain`, `/debrief reject REASON`, `/debrief retry` or "
            "`/debrief hold`.",
            "",
            "**Undo** `/debrief rollback` after the merge, or revert it: one commit, which touches "
            f"only {named or 'no file'}.",
        ]
    )


def _prediction_sentence(proposal: Proposal) -> str:
    prediction = proposal.prediction
    if prediction is None and proposal.undoes:
        return "none: it is again as it was before."
    if prediction is None:
        return "none: this change moves no rate that is measured."
    metric, population = _metric_words(prediction.metric), prose(prediction.population, 200)
    if prediction.margin is not None:
        return (
            f"nothing gets worse. {prose(metric.capitalize(), 120)} for {population}: now "
            f"{percent(prediction.baseline_rate)}, and less than {100 * prediction.margin:.0f} "
            f"points more without it. Measured each week for up to {MEASURED_WEEKS} weeks after "
            "the merge; the result comes as a comment here. If it is surely worse, Debrief "
            "proposes to bring it back."
        )
    return (
        f"{prose(metric, 120)} for {population}: "
        f"now {percent(prediction.baseline_rate)}, expected {_expected(prediction.expected)} "
        f"({percent(prediction.expected.level)} interval). Measured each week for up to "
        f"{MEASURED_WEEKS} weeks after the merge; the result comes as a comment here."
    )


def _expected(expected: Interval) -> str:
    """`25-77 %`; one number where both ends are the same to a percent."""
    low, high = percent(expected.low), percent(expected.high)
    return f"about {low}" if low == high else span(expected)


def _metric_words(metric: str) -> str:
    """An outcome as people say it: `correction:shortened` is `corrections (shortened)`."""
    kind, _, name = metric.rpartition(":")
    words = name.replace("_", " ")
    return {"correction": f"corrections ({words})", "signal": f"the sign `{words}`"}.get(
        kind, words
    )


# -- fitting it in -------------------------------------------------------------------------------


def _within_budget(sections: Sequence[_Section]) -> str:
    """Drop whole sections, the least needed first, until the body fits; say which."""
    kept, dropped = list(sections), list[str]()
    while True:
        parts = [section.text for section in kept]
        if dropped:
            parts.insert(-1, f"Left out for length: {', '.join(dropped)}.")
        body = "\n\n".join(parts) + "\n"
        droppable = [section for section in kept if section.rank < _ALWAYS]
        if len(body) <= BUDGET or not droppable:
            return body
        least = min(droppable, key=lambda section: section.rank)
        kept.remove(least)
        dropped.append(least.name)


def _folded(summary: str, text: str) -> str:
    """GitHub needs the blank lines; `summary` is ours."""
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def _clip(text: str, limit: int = 120) -> str:
    return text[:limit]
