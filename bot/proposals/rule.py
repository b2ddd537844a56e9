"""A correction that people make again and again becomes one plain rule in the agent's prompt.

Takes a `Pattern` of kind `correction` and the agent's prompt files; gives one `Proposal` that adds
one line in the right file and section. Refuses too few corrections, a type without a remedy, a
prompt that says it already, and a rule that newer corrections contradict. Costs nothing; no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.figures import count, percent, rate
from bot.proposals.edits import apply_edits, edit_between
from bot.proposals.floors import correction_floor, is_safe_label
from bot.proposals.guardrails import check_edits
from bot.proposals.identity import fingerprint, proposal_id
from bot.proposals.placement import choose_file, choose_section, says_already
from bot.proposals.refusals import guardrail
from bot.proposals.remedies import (
    AGREEMENT,
    Remedy,
    SeenEdit,
    contradicts,
    matches,
    number_for,
    remedy_for,
    seen_edit,
)
from bot.proposals.sections import Section, ends_inside_fence, insertion
from bot.records import (
    TITLE_CHARS,
    AgentFiles,
    Correction,
    Edit,
    Evidence,
    EvidenceItem,
    Interval,
    Pattern,
    Prediction,
    Proposal,
    Repository,
    Skipped,
    SourceFile,
    Table,
    in_time,
)
from bot.statistics import failure_rate

MEASURED_DAYS = 14
MIN_DRAFTED_ON = 3
FOLLOWED = 0.5
"""Share of answers in which a model is expected to keep a new rule, at least."""
NOTHING_TAUGHT: Mapping[str, str] = {}
_SAMPLES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Backtest:
    """The rule, drafted on the older corrections, against the newer ones."""

    newer: int
    matched: int
    contradicted: tuple[Correction, ...]

    @property
    def sentence(self) -> str:
        if not self.newer:
            return "No newer corrections to score it on yet"
        return (
            f"Would have matched {self.matched} of the next {self.newer} corrections, "
            f"contradicted {len(self.contradicted)}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Draft:
    """A rule in words, before it has a place in a prompt."""

    what: str
    """For the sentence that says why there is no proposal."""
    corrections: Sequence[Correction]
    remedy: Remedy
    segment: str
    """For whom, in words; empty for everyone."""
    text: str
    """The rule as it goes into the prompt."""
    backtest: _Backtest
    learned: tuple[str, ...]
    """What reviewers taught us that shows in the wording."""


def propose_rule(
    pattern: Pattern,
    repository: Repository,
    files: AgentFiles,
    *,
    others: Sequence[Correction] = (),
    taught: Mapping[str, str] = NOTHING_TAUGHT,
    now: datetime,
) -> Proposal | Skipped:
    """One rule for one type of correction and one segment, or why there is none.

    `others` are all corrections that are known: those that do the opposite for the same people
    count against the rule, whatever their type. Corrections from the future of `now` are left out.
    The wording is ours: of the corrections only lengths get into it, of the segment only short
    plain names. `taught` is what reviewers taught us of our own writing, by type of edit: where
    they shorten our rules, a rule of two halves is said by the second one alone.
    """
    type = pattern.outcome.removeprefix("correction:")
    if not all(is_safe_label(part) for part in (type, *pattern.segment, *pattern.segment.values())):
        return _skipped(
            f"{count(len(pattern.corrections), 'correction')} of one type",
            "unsafe_name",
            "Their type or segment is no short plain name: letters, digits and _ . / - in up to "
            "four words; send such a name.",
        )
    segment = " and ".join(f"{key} {_quoted(value)}" for key, value in pattern.segment.items())
    what = f"rule for {type}" + (f" with {segment}" if segment else "")
    corrections = sorted(
        (one for one in pattern.corrections if one.at is None or one.at <= now),
        key=in_time,
    )
    refusal = correction_floor(corrections, what)
    if refusal is not None:
        return refusal
    edits = [seen_edit(one) for one in corrections]
    remedy = remedy_for(type, edits)
    if remedy is None:
        return _skipped(
            what,
            "no_remedy",
            f"No rule of ours fits {type!r} and the {len(edits)} edits do not agree on one; "
            "it needs a reviewer's note or a model.",
        )
    opposite = _opposite(remedy, pattern, corrections, others, now=now)
    if len(corrections) < AGREEMENT * (len(corrections) + len(opposite)):
        return _skipped(
            what,
            "contradicted",
            f"{count(len(corrections), 'correction')} ask for it and {len(opposite)} for the "
            "opposite: people do not agree on it.",
        )
    drafted_on = max(MIN_DRAFTED_ON, -(-len(corrections) // 2))
    is_brief = "shortened" in taught and "; " in remedy.rule
    text, limit = _wording(remedy, edits[:drafted_on], segment, is_brief=is_brief)
    backtest = _backtest(remedy, limit, corrections[drafted_on:], edits[drafted_on:])
    if len(backtest.contradicted) > backtest.matched:
        return _skipped(what, "contradicted", f"{backtest.sentence}: people do not agree on it.")
    draft = _Draft(
        what=what,
        corrections=corrections,
        remedy=remedy,
        segment=segment,
        text=text,
        backtest=backtest,
        learned=(taught["shortened"],) if is_brief else (),
    )
    return _place(pattern, draft, repository, files)


def _opposite(
    remedy: Remedy,
    pattern: Pattern,
    corrections: Sequence[Correction],
    others: Sequence[Correction],
    *,
    now: datetime,
) -> tuple[Correction, ...]:
    """Corrections of other types that undo, for the same segment, what the rule would do."""
    own = {one.id for one in corrections}
    return tuple(
        one
        for one in others
        if one.agent == pattern.agent
        and one.id not in own
        and (one.at is None or one.at <= now)
        and pattern.segment.items() <= one.segments.items()
        and contradicts(remedy, seen_edit(one))
    )


def _quoted(value: str) -> str:
    """Several words of a name stand in quotes, so that nobody reads on."""
    return f'"{value}"' if " " in value else value


def _wording(
    remedy: Remedy, edits: Sequence[SeenEdit], segment: str, *, is_brief: bool
) -> tuple[str, int | None]:
    """(the rule as it goes into the prompt, its number)."""
    limit = number_for(remedy, edits)
    text = remedy.rule.replace("{n}", str(limit))
    if is_brief:
        text = text.rpartition("; ")[2]
    sentence = f"For {segment}: {text}." if segment else f"{text[0].upper()}{text[1:]}."
    return sentence, limit


def _backtest(
    remedy: Remedy,
    limit: int | None,
    corrections: Sequence[Correction],
    edits: Sequence[SeenEdit],
) -> _Backtest:
    """What people did later: the same, the opposite, or something else."""
    return _Backtest(
        newer=len(edits),
        matched=sum(matches(remedy, edit, limit) for edit in edits),
        contradicted=tuple(
            correction
            for correction, edit in zip(corrections, edits, strict=True)
            if contradicts(remedy, edit)
        ),
    )


def _place(
    pattern: Pattern, draft: _Draft, repository: Repository, files: AgentFiles
) -> Proposal | Skipped:
    """Put the rule where it belongs and check the result like anybody's change."""
    prompts = [repository.files[path] for path in files.prompts if path in repository.files]
    file = choose_file(prompts, pattern, draft.corrections, draft.remedy, what=draft.what)
    if isinstance(file, Skipped):
        return file
    for prompt in prompts:
        line = says_already(prompt.text, draft.remedy, pattern.segment)
        if line is not None:
            return _skipped(
                draft.what,
                "already_there",
                f"Line {line} of {prompt.path!r} speaks of this already and people still correct "
                "it: a person should look at that line.",
            )
    section = choose_section(file.text, draft.remedy, pattern.segment)
    if ends_inside_fence(file.text):
        return _skipped(draft.what, "no_place", f"{file.path!r} ends inside a code block.")
    offset, addition = insertion(file.text, section, draft.text)
    edit = edit_between(file, offset, offset, addition)
    after = apply_edits({file.path: file}, [edit])
    if isinstance(after, Skipped):
        return after
    broken = check_edits({file.path: file.text}, after, kind="rule", allowed=[file.path])
    if broken:
        return guardrail(draft.what, broken)
    return _proposal(pattern, draft, file, section, edit)


def _proposal(
    pattern: Pattern, draft: _Draft, file: SourceFile, section: Section | None, edit: Edit
) -> Proposal:
    remedy, backtest = draft.remedy, draft.backtest
    evidence = _evidence(draft.corrections, remedy)
    aim = f"{file.path}: {remedy.type} for {draft.segment or 'everyone'}"
    id = proposal_id("rule", pattern, aim)
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, (edit,), evidence),
        kind="rule",
        agent=pattern.agent,
        pattern_id=pattern.id,
        remedy=aim,
        title=_title(remedy, pattern.segment),
        what=_what(file, section, draft.text),
        why=_why(pattern, draft.corrections, remedy, draft.segment, evidence),
        risk=f"Low: one line in one prompt. {backtest.sentence}.",
        confidence=_confidence(backtest),
        edits=(edit,),
        evidence=evidence,
        prediction=_prediction(pattern, backtest, draft.segment),
        root_cause="prompt",
        priority=pattern.priority,
        tables=(_table(draft.corrections, backtest),),
        weeks=pattern.weeks,
        losing=tuple(_item(one, "people did the opposite") for one in backtest.contradicted),
        learned=draft.learned,
    )


def _title(remedy: Remedy, segment: Mapping[str, str]) -> str:
    """At most `TITLE_CHARS`: the keys go first, then the segment."""
    names = [" and ".join(f"{key} {value}" for key, value in segment.items())]
    names += [" and ".join(segment.values())]
    titles = [f"{remedy.title} for {name}" for name in names] if segment else []
    return next((title for title in titles if len(title) <= TITLE_CHARS), remedy.title)


def _what(file: SourceFile, section: Section | None, rule: str) -> str:
    where = "at its end" if section is None else "at its beginning"
    if section is not None and section.heading:
        where = f"in the section `{section.heading}`"
    return f"Adds one rule to `{file.path}`, {where}: `{rule}`"


def _why(
    pattern: Pattern,
    corrections: Sequence[Correction],
    remedy: Remedy,
    segment: str,
    evidence: Evidence,
) -> str:
    reviewers = f" by {count(evidence.users, 'reviewer')}" if evidence.users else ""
    whom = f" for {segment}" if segment else ""
    return (
        f"In {count(len(corrections), 'correction')}{reviewers}{whom} {remedy.happened}: "
        f"{rate(pattern.rate, pattern.rate_interval)} of {pattern.conversations} conversations."
    )


def _evidence(corrections: Sequence[Correction], remedy: Remedy) -> Evidence:
    dated = [one.at for one in corrections if one.at is not None]
    reviewers = {one.reviewer_id for one in corrections} - {None}
    return Evidence(
        entries=len(corrections),
        users=len(reviewers),
        conversation_ids=tuple(dict.fromkeys(one.conversation_id or one.id for one in corrections)),
        items=tuple(_item(one, remedy.happened) for one in corrections[-_SAMPLES:]),
        first_at=min(dated, default=None),
        last_at=max(dated, default=None),
        note=None if reviewers else "No reviewer ids are known.",
    )


def _item(correction: Correction, happened: str) -> EvidenceItem:
    edit = seen_edit(correction)
    return EvidenceItem(
        id=correction.conversation_id or correction.id,
        paraphrase=f"{happened} ({edit.words_before} words before, {edit.words_after} after)",
    )


def _confidence(backtest: _Backtest) -> Literal["low", "medium", "high"]:
    """By what newer corrections say, never by anybody's word."""
    share = backtest.matched / backtest.newer if backtest.newer else 0.0
    if backtest.newer >= 10 and share >= 0.8 and not backtest.contradicted:
        return "high"
    return "medium" if backtest.newer >= 3 and share >= 0.6 else "low"


def _prediction(pattern: Pattern, backtest: _Backtest, segment: str) -> Prediction:
    """Between all corrections gone and what half-heartedly following the rule would leave.

    The upper end takes the low end of the backtest's 80 % interval, and half of that, because a
    model does not keep every rule every time. Without a backtest it is the pattern's own rate.
    """
    helped = 0.0
    if backtest.newer:
        matched = failure_rate(backtest.matched, backtest.newer, level=0.8)
        helped = FOLLOWED * matched.interval.low
    return Prediction(
        metric=pattern.outcome,
        population=f"conversations of {pattern.agent}" + (f" with {segment}" if segment else ""),
        baseline_rate=pattern.rate,
        expected=Interval(low=0.0, high=pattern.rate * (1 - helped), level=0.8),
        days=MEASURED_DAYS,
        intent_id=pattern.intent_id,
        segment=pattern.segment,
    )


def _table(corrections: Sequence[Correction], backtest: _Backtest) -> Table:
    rows = [("drafted on", str(len(corrections) - backtest.newer), "the older corrections")]
    if backtest.newer:
        share = percent(backtest.matched / backtest.newer)
        rows.append(("scored on", str(backtest.newer), "the newer ones"))
        rows.append(("would have matched", str(backtest.matched), share))
        rows.append(("contradicted", str(len(backtest.contradicted)), ""))
    return Table(title="Backtest", header=("", "corrections", ""), rows=tuple(rows))


def _skipped(what: str, code: str, reason: str) -> Skipped:
    return Skipped(what=what or "a rule", code=code, reason=reason)
