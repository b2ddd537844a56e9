"""A pattern becomes a new file of regression cases: its failures, and successes to be kept.

Takes a pattern with answers that failed and answers that went well; gives one `Proposal` that adds
one file, or why not. By default no word of a user goes into it: a case names its conversation by a
hash, and whoever has the store can run it. Costs nothing; with a model one call per case that is
to be paraphrased.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.figures import count
from bot.markdown import plain
from bot.pattern_name import segment_words
from bot.proposals.cases.answers import Answer, shared_calls
from bot.proposals.cases.case import (
    FOLDER,
    Case,
    Check,
    Without,
    Words,
    letters_hash,
    said,
    write_cases,
)
from bot.proposals.cases.words import Given, GivenWords, given_to
from bot.proposals.floors import conversation_floor, correction_floor, floor_note, is_safe_label
from bot.proposals.guardrails import check_edits
from bot.proposals.identity import fingerprint, proposal_id
from bot.proposals.refusals import guardrail
from bot.proposals.remedies import number_for, remedy_for, seen_edit
from bot.records import (
    TITLE_CHARS,
    AgentFiles,
    Ask,
    Edit,
    Evidence,
    GateResult,
    GateVerdict,
    Pattern,
    Proposal,
    Repository,
    Skipped,
    Table,
    short_hash,
)

MAX_FAILURES = 10
KEPT_PER_FAILURE = 2
"""Successes to each failure: what is not looked at is what gets worse unseen."""
PER_USER = 2
HOLDOUT_SHARE = 0.3
SEEN_IN_ANSWERS = frozenset(
    {
        "refusal",
        "empty_answer",
        "cut_off_answer",
        "broken_format",
        "promise_without_action",
        "repeated_clarification",
        "tool_loop",
    }
)
"""Signals that an answer shows by itself."""
PREFIX = "cases-"
"""Of the pattern's id in such a proposal: cases and a fix of one pattern go side by side."""

Holds = Callable[[Check, Answer], bool]
"""Whether a check holds of an answer as it was given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chosen:
    answer: Answer
    was_failure: bool


def propose_cases(
    pattern: Pattern,
    repository: Repository,
    files: AgentFiles,
    *,
    failing: Sequence[Answer],
    passing: Sequence[Answer],
    holds: Holds,
    redact: Callable[[str], str],
    quotes: bool,
    ask: Ask | None,
) -> Proposal | Skipped:
    """A file of cases for one pattern.

    `failing` are the answers of the pattern's evidence, `passing` others of the same group that
    ended well, both newest first. `quotes`: users' words may stand in the file, redacted.
    """
    what = f"regression cases for {pattern.outcome} of {pattern.agent}"
    path = f"{FOLDER}/{letters_hash(pattern.agent, pattern.id)}.jsonl"
    if path in repository.files:
        return _skipped(what, "already_there", f"{path!r} has cases of this pattern already.")
    short = _floor(pattern, what)
    if short is not None:
        return short
    checks = _checks(pattern, failing, passing)
    criterion = _criterion(pattern, files)
    kept = [one for one in passing if all(holds(check, one) for check in checks)]
    chosen = _chosen(failing, kept)
    if not any(one.was_failure for one in chosen):
        return _skipped(what, "no_text", "No failing conversation has an answer that can be given.")
    if not criterion and not any(_tells(checks, one, holds) for one in chosen if one.was_failure):
        return _skipped(
            what,
            "no_check",
            "Nothing that a program can check tells the failing answers from the others; say in "
            f"the settings of agent {pattern.agent!r} when a conversation is done (done_when).",
        )
    given = given_to([one.answer for one in chosen], redact=redact, quotes=quotes, ask=ask)
    cases = [
        _case(pattern, one, words, checks, criterion)
        for one, words in zip(chosen, given.words, strict=True)
    ]
    return _proposal(
        pattern, path, cases, chosen, given, holds=holds, passed_over=len(passing) - len(kept)
    )


# -- what a case demands ---------------------------------------------------------------------------


def _checks(
    pattern: Pattern, failing: Sequence[Answer], passing: Sequence[Answer]
) -> tuple[Check, ...]:
    checks: list[Check] = [length_check(pattern)]
    signal: Any = pattern.outcome.removeprefix("signal:")
    if pattern.outcome.startswith("signal:") and signal in SEEN_IN_ANSWERS:
        checks.append(Without(signal=signal))
    checks += shared_calls(passing, failing)
    return tuple(checks)


def length_check(pattern: Pattern) -> Words:
    """At least a word; for corrections that shorten or lengthen, the number that people keep."""
    edits = [seen_edit(one) for one in pattern.corrections]
    remedy = remedy_for(pattern.outcome.removeprefix("correction:"), edits) if edits else None
    number = number_for(remedy, edits) if remedy is not None else None
    if remedy is None or number is None:
        return Words()
    return Words(at_most=number) if remedy.limit == "at_most" else Words(at_least=number)


def _criterion(pattern: Pattern, files: AgentFiles) -> str:
    """A question in our words or the team's; nothing in it was written in a conversation."""
    edits = [seen_edit(one) for one in pattern.corrections]
    remedy = remedy_for(pattern.outcome.removeprefix("correction:"), edits) if edits else None
    if remedy is not None:
        rule = remedy.rule.replace("{n}", str(number_for(remedy, edits)))
        return f"Does the answer keep this rule: {rule}?"
    if files.done_when:
        done = " ".join(files.done_when.split())[:300]
        return f"Does the answer bring the conversation nearer to its end, which is: {done}"
    return ""


def _tells(checks: Iterable[Check], one: _Chosen, holds: Holds) -> bool:
    return any(not holds(check, one.answer) for check in checks)


# -- which answers ---------------------------------------------------------------------------------


def _floor(pattern: Pattern, what: str) -> Skipped | None:
    if pattern.kind == "correction":
        return correction_floor(pattern.corrections, what)
    return conversation_floor(pattern)


def _chosen(failing: Sequence[Answer], passing: Sequence[Answer]) -> list[_Chosen]:
    """Newest first, at most `PER_USER` of one user, and two successes to a failure."""
    failures = _spread(failing, MAX_FAILURES)
    kept = _spread(passing, KEPT_PER_FAILURE * len(failures))
    return [
        *(_Chosen(answer=one, was_failure=True) for one in failures),
        *(_Chosen(answer=one, was_failure=False) for one in kept),
    ]


def _spread(answers: Iterable[Answer], most: int) -> list[Answer]:
    seen: Counter[str] = Counter()
    found: list[Answer] = []
    for one in answers:
        seen[one.conversation.unit] += 1
        if seen[one.conversation.unit] <= PER_USER:
            found.append(one)
    return found[:most]


def _case(
    pattern: Pattern, one: _Chosen, words: Given, checks: tuple[Check, ...], criterion: str
) -> Case:
    conversation = one.answer.conversation
    named = letters_hash(conversation.agent, conversation.conversation_id)
    user = letters_hash("user", conversation.agent, conversation.unit)
    return Case(
        id=f"c-{letters_hash(pattern.id, named, one.answer.before)}",
        agent=conversation.agent,
        intent=pattern.intent_id,
        outcome=pattern.outcome,
        was="failure" if one.was_failure else "success",
        split=split_of(conversation.agent, conversation.unit),
        user=user,
        conversation=named,
        before=one.answer.before,
        words_of=words.source,
        input=words.turns,
        checks=checks,
        criterion=criterion,
    )


def split_of(agent: str, unit: str) -> Any:
    """`tune` or `holdout`, by the user alone."""
    drawn = int(short_hash("split", agent, unit), 16) / 16**8
    return "holdout" if drawn < HOLDOUT_SHARE else "tune"


# -- the proposal ----------------------------------------------------------------------------------


def _proposal(
    pattern: Pattern,
    path: str,
    cases: Sequence[Case],
    chosen: Sequence[_Chosen],
    given: GivenWords,
    *,
    holds: Holds,
    passed_over: int,
) -> Proposal | Skipped:
    what = f"regression cases for {pattern.outcome} of {pattern.agent}"
    edit = Edit(path=path, base_blob=None, old="", new=write_cases(cases))
    broken = check_edits({}, {path: edit.new}, kind="cases", allowed=[])
    if broken:
        return guardrail(what, broken)
    evidence = _evidence(pattern, chosen)
    remedy = f"{path}: regression cases"
    id = proposal_id("cases", pattern, remedy)
    failures = sum(one.was_failure for one in chosen)
    caught = sum(
        not all(holds(check, one.answer) for check in case.checks)
        for case, one in zip(cases, chosen, strict=True)
        if one.was_failure
    )
    passed = f" {passed_over} more broke a check and are left out." if passed_over else ""
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, (edit,), evidence),
        kind="cases",
        agent=pattern.agent,
        pattern_id=f"{PREFIX}{pattern.id}",
        remedy=remedy,
        title=_title(pattern, len(cases)),
        what=f"Adds `{path}`: {count(failures, 'failure')} to be mended and "
        f"{count(len(cases) - failures, 'success')} to be kept. Run it with "
        f"`debrief eval {path} --command CMD`.".replace("successs", "successes"),
        why="A fix of this pattern, and every later change, can be held against them before it is "
        "merged.",
        risk=f"Low: no agent reads this file. {_words_in_it(given)}",
        confidence="medium" if caught == failures else "low",
        edits=(edit,),
        evidence=evidence,
        prediction=None,
        gate=_gate(failures, caught, len(cases) - failures, passed),
        root_cause=pattern.root_cause,
        tables=(_check_table(cases), _case_table(cases)),
        cost=given.cost,
    )


def _title(pattern: Pattern, cases: int) -> str:
    """With the group, as far as its name may stand in a title: in a list, titles tell apart."""
    outcome = pattern.outcome.removeprefix("signal:").replace("_", " ")
    outcome = re.sub(r"^correction:", "correction ", outcome)
    group = [one for one in segment_words(pattern) if is_safe_label(one.replace("=", " "))]
    if pattern.intent_name:
        group.insert(0, plain(pattern.intent_name, 60))
    title = f"Add {count(cases, 'regression case')} for {outcome}"
    if not is_safe_label(outcome):
        title = f"Add {count(cases, 'regression case')} for a pattern"
    with_group = f"{title} ({', '.join(group)})"
    return with_group if group and len(with_group) <= TITLE_CHARS else title


def _words_in_it(given: GivenWords) -> str:
    sources = Counter(one.source for one in given.words)
    said = []
    if sources["store"]:
        said.append(
            f"{count(sources['store'], 'case')} hold no word of a conversation: what the agent is "
            "given is looked up in the store by the hash, so only who has the store can run them"
        )
    if sources["paraphrased"]:
        said.append(
            f"{count(sources['paraphrased'], 'case')} hold a request that a model put in other "
            "words, which were compared with the user's"
        )
    if sources["quoted"]:
        said.append(
            f"{count(sources['quoted'], 'case')} hold what users wrote, redacted, because the "
            "settings allow quotes: text of strangers, to be read as data"
        )
    if given.held_back:
        said.append(
            f"of {count(given.held_back, 'case')} the words were held back, because they hold "
            "links, code, numbers of people, or instructions to a model"
        )
    return f"{'; '.join(said)}."


def _gate(failures: int, caught: int, kept: int, passed: str) -> GateResult:
    """The checks against the answers that production gave: what a case says must be so today."""
    sentence = (
        f"Checked on the recorded answers: {caught} of {failures} failures break a check, all "
        f"{kept} successes keep them.{passed}"
    )
    rest = " The criterion decides the rest." if caught < failures else ""
    verdict: GateVerdict = "pass" if caught == failures else "inconclusive"
    return GateResult(verdict=verdict, sentence=sentence + rest)


def _evidence(pattern: Pattern, chosen: Sequence[_Chosen]) -> Evidence:
    ids = [one.answer.conversation.conversation_id for one in chosen]
    users = {one.answer.conversation.user_id for one in chosen} - {None}
    dated = [one.answer.conversation.started_at for one in chosen]
    times = [at for at in dated if at is not None]
    return Evidence(
        entries=len(chosen),
        users=len(users),
        conversation_ids=tuple(ids),
        first_at=min(times, default=None),
        last_at=max(times, default=None),
        note=floor_note(pattern) if pattern.kind != "correction" else None,
    )


def _check_table(cases: Sequence[Case]) -> Table:
    checks = {said(check): None for case in cases for check in case.checks}
    rows = [(check, "by a program") for check in checks]
    rows += [
        (one, "by a judge, yes is wanted")
        for one in {case.criterion: None for case in cases}
        if one
    ]
    return Table(title="What an answer must do", header=("check", "decided"), rows=tuple(rows))


def _case_table(cases: Sequence[Case]) -> Table:
    rows = tuple((one.id, one.was, one.split, one.words_of, one.user) for one in cases)
    header = ("case", "was", "split", "words", "user (hash)")
    return Table(title="The cases", header=header, rows=rows)


def _skipped(what: str, code: str, reason: str) -> Skipped:
    return Skipped(what=what, code=code, reason=reason)
