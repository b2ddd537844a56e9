"""A tool's argument that is refused again and again gets what it takes into its definition.

Takes an agent's conversations and the files with its tools; gives a `Proposal` of kind `harness`:
the list of values that the tool takes, else one sentence about their format. A list comes from the
code or from what the tool itself says and does, a format from a closed list by the values that were
accepted: no other word of a conversation gets into the file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.figures import count, percent, rate
from bot.markdown import code_span
from bot.proposals.counted import counted_evidence, counted_pattern
from bot.proposals.edits import edit_to
from bot.proposals.floors import conversation_floor, is_safe_label
from bot.proposals.guardrails import check_edits
from bot.proposals.identity import fingerprint, proposal_id
from bot.proposals.refusals import guardrail, nothing_found
from bot.proposals.refused import Refused, refused_arguments
from bot.proposals.values import Values, values_of
from bot.records import (
    TITLE_CHARS,
    AgentFiles,
    EvidenceItem,
    GateResult,
    Interval,
    Pattern,
    Prediction,
    Proposal,
    Repository,
    Skipped,
    SourceFile,
    Table,
)
from bot.regions import NotParsed, Region, find_regions, write_region
from bot.regions.choices import write_choices
from bot.regions.docstrings import argument_span
from bot.regions.listed import Listed
from bot.statistics import failure_rate
from collector.records import Conversation

FORMATS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "date": (re.compile(r"\d{4}-\d{2}-\d{2}"), "Format: YYYY-MM-DD."),
    "date and time": (
        re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?"),
        "Format: ISO 8601, for example YYYY-MM-DDThh:mm:ssZ.",
    ),
    "time": (re.compile(r"\d{2}:\d{2}(?::\d{2})?"), "Format: hh:mm, 24 hours."),
    "whole number": (re.compile(r"-?\d{1,9}"), "Digits only, without words or units."),
    "number": (re.compile(r"-?\d{1,9}\.\d{1,6}"), "A plain number, without words or units."),
    "airport": (re.compile(r"[A-Z]{3}"), "Format: three capital letters."),
    "country": (re.compile(r"[A-Z]{2}"), "Format: two capital letters."),
    "email": (re.compile(r"[^@\s]+@[^@\s]+\.\w+"), "Format: a full e-mail address."),
    "phone": (re.compile(r"\+\d{7,15}"), "Format: E.164, with + and the country code."),
    "number with #": (re.compile(r"#[A-Z]?\d{3,}"), "Format: with the leading #."),
    "name in snake case": (re.compile(r"[a-z]+(?:_[a-z0-9]+)+"), "Format: snake_case."),
}
"""Name to what it looks like and the sentence that says so. The first that fits is taken."""
ACCEPTED = 0.95
"""Share of the accepted values that must have the format."""
REFUSED = 0.2
"""Largest share of the refused values that may have it."""
MIN_ACCEPTED = 10
MIN_SHARE = 0.02
MEASURED_DAYS = 14
FIXED_SHARE = (0.4, 0.95)
"""Assumption behind the prediction: of the refusals, so many end once the format is said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Remedy:
    """One edit of a definition and what is said of it."""

    file: SourceFile
    after: str
    part: str
    """What of it changes: `format of book(date)`."""
    title: str
    what: str
    risk: str
    table: Table


def propose_arguments(
    agent: str,
    repository: Repository,
    files: AgentFiles,
    conversations: Sequence[Conversation],
    *,
    rates: Mapping[str, float],
) -> Iterator[Proposal | Skipped]:
    """One result for each argument that tools refused in enough of `conversations`.

    `rates` has the share of the agent's conversations with each `signal:…`, for the prediction.
    """
    for seen in refused_arguments(conversations):
        pattern = counted_pattern(
            agent,
            "argument",
            seen.tool,
            seen.argument,
            outcome="signal:tool_error",
            root_cause="tool_definition",
            failing=list(seen.failing.values()),
            conversations=conversations,
        )
        if failure_rate(len(pattern.evidence), len(conversations)).interval.low < MIN_SHARE:
            continue
        short = conversation_floor(pattern)
        yield short if short is not None else _propose(pattern, seen, files, repository, rates)


def _format_of(seen: Refused) -> str | None:
    """The sentence about the format that accepted values have and refused ones have not."""
    if len(seen.accepted) < MIN_ACCEPTED:
        return None
    for pattern, sentence in FORMATS.values():
        accepted = sum(pattern.fullmatch(value) is not None for value in seen.accepted)
        refused = sum(pattern.fullmatch(value) is not None for value in seen.refused)
        if accepted >= ACCEPTED * len(seen.accepted) and refused <= REFUSED * len(seen.refused):
            return sentence
    return None


def _propose(
    pattern: Pattern,
    seen: Refused,
    files: AgentFiles,
    repository: Repository,
    rates: Mapping[str, float],
) -> Proposal | Skipped:
    values = values_of(seen, files, repository)
    if isinstance(values, Skipped):
        return values
    own = _own(files, repository)
    if values is None:
        remedy = _format(pattern, seen, own)
    elif values.file is not None and values.listed is not None:
        remedy = _list(values, values.file, values.listed, seen)
    else:
        sentence = f"One of: {', '.join(values.values)}."
        remedy = _described(pattern, seen, own, sentence, _values_table(seen, values.values))
    if isinstance(remedy, Skipped):
        return remedy
    path, before = remedy.file.path, remedy.file.text
    broken = check_edits({path: before}, {path: remedy.after}, kind="harness", allowed=[path])
    if broken:
        what = f"the description of an argument of {pattern.agent}'s tools"
        return guardrail(what, broken)
    return _proposal(pattern, seen, remedy, rates)


def _proposal(
    pattern: Pattern, seen: Refused, remedy: _Remedy, rates: Mapping[str, float]
) -> Proposal:
    edit = edit_to(remedy.file, remedy.after)
    named = f"{remedy.file.path}: {remedy.part}"
    id = proposal_id("harness", pattern, named)
    failing = list(seen.failing.values())
    said = "the tool refused the argument"
    items = [EvidenceItem(id=one.conversation_id, paraphrase=said) for one in failing]
    evidence = counted_evidence(pattern, failing, items)
    is_short = len(remedy.title) <= TITLE_CHARS
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, (edit,), evidence),
        kind="harness",
        agent=pattern.agent,
        pattern_id=pattern.id,
        remedy=named,
        title=remedy.title if is_short else "Say what a tool's argument takes",
        what=remedy.what,
        why=f"The tool refused this argument in {len(pattern.evidence)} of the newest "
        f"{count(pattern.conversations, 'conversation')}, "
        f"{rate(pattern.rate, pattern.rate_interval)}.",
        risk=remedy.risk,
        confidence="medium",
        edits=(edit,),
        evidence=evidence,
        prediction=_prediction(pattern, rates.get(pattern.outcome)),
        gate=GateResult(
            verdict="inconclusive",
            sentence="Not replayed: whether the model follows it is measured after the merge.",
        ),
        root_cause="tool_definition",
        priority=pattern.rate,
        tables=(remedy.table,),
    )


def _list(values: Values, file: SourceFile, listed: Listed, seen: Refused) -> _Remedy | Skipped:
    """The values in the definition's own list."""
    after = write_choices(file, listed, values.values)
    if isinstance(after, Skipped):
        return after
    anchor, path = listed.anchor, file.path
    now = ", ".join(map(code_span, values.values))
    changes = f"Gives {code_span(anchor)} in `{path}` a list of its values: {now}"
    risk = "A value that is not listed cannot be sent any more; the tool refuses it today."
    if listed.values:
        was = ", ".join(map(code_span, listed.values))
        changes = f"Changes the values of {code_span(anchor)} in `{path}` from {was} to {now}"
    return _Remedy(
        file=file,
        after=after,
        part=f"values of {anchor}",
        title=f"{'Correct' if listed.values else 'List'} the values of {anchor}",
        what=f"{changes}; {values.known_from}.",
        risk=risk,
        table=_values_table(seen, values.values),
    )


def _format(pattern: Pattern, seen: Refused, files: Sequence[SourceFile]) -> _Remedy | Skipped:
    """The format of accepted values in the argument's description."""
    sentence = _format_of(seen)
    if sentence is None:
        reason = (
            f"An argument was refused in {count(len(seen.failing), 'conversation')}, but the "
            f"{count(len(seen.accepted), 'accepted value')} have no format that refused ones lack."
        )
        what = f"the description of an argument of {pattern.agent}'s tools"
        return Skipped(what=what, code="no_remedy", reason=reason)
    return _described(pattern, seen, files, sentence, _format_table(seen, sentence))


def _described(
    pattern: Pattern, seen: Refused, files: Sequence[SourceFile], sentence: str, table: Table
) -> _Remedy | Skipped:
    """One sentence more in the argument's description."""
    found = _region(files, seen)
    if isinstance(found, Skipped):
        return found
    file, region = found
    own = argument_span(region.text, seen.argument) if region.anchor == seen.tool else None
    start, end = own or (0, len(region.text.rstrip()))
    text, rest = region.text[:end].removesuffix("."), region.text[end:].rstrip()
    _, _, said = sentence.rstrip(".").rpartition(": ")
    if said in region.text[start:end]:
        return Skipped(
            what=f"the description of an argument of {pattern.agent}'s tools",
            code="said_already",
            reason=f"{region.anchor} in {file.path!r} says so already, and production refuses "
            "still.",
        )
    after = write_region(file, region, f"{text}. {sentence}{rest}")
    if isinstance(after, Skipped):
        return after
    kind = "values" if sentence.startswith("One of: ") else "format"
    return _Remedy(
        file=file,
        after=after,
        part=f"{kind} of {region.anchor}",
        title=f"State the {kind} of {region.anchor}",
        what=f"Adds to the description of `{region.anchor}` in `{file.path}`: `{sentence}`",
        risk="One sentence more in each request that offers the tool, about "
        f"{max(1, len(sentence) // 4)} tokens.",
        table=table,
    )


def _own(files: AgentFiles, repository: Repository) -> list[SourceFile]:
    paths = dict.fromkeys((*files.harness, *files.prompts, *files.configs))
    return [repository.files[path] for path in paths if path in repository.files]


def _region(files: Sequence[SourceFile], seen: Refused) -> tuple[SourceFile, Region] | Skipped:
    """The only description of this argument, else the only one of its tool."""
    by_anchor: dict[str, list[tuple[SourceFile, Region]]] = defaultdict(list)
    unread: list[str] = []
    for file in files:
        try:
            regions = find_regions(file.path, file.text)
        except NotParsed as error:
            unread.append(f"{file.path!r} does not parse ({error}).")
            continue
        for region in regions:
            if region.kind == "tool":
                by_anchor[region.anchor].append((file, region))
    for anchor in (f"{seen.tool}({seen.argument})", seen.tool):
        if len(by_anchor[anchor]) == 1:
            return by_anchor[anchor][0]
    names = (seen.argument, seen.tool)
    whose = "of a tool's argument"
    if all(map(is_safe_label, names)):
        whose = "of the argument `{}` of the tool `{}`".format(*names)
    paths = [file.path for file in files]
    found = nothing_found(
        f"the description {whose}", "No file describes this tool", paths, unread=unread
    )
    if any(len(by_anchor[one]) > 1 for one in (f"{seen.tool}({seen.argument})", seen.tool)):
        reason = "Several places describe this tool; name one of the files in the settings."
        return replace(found, code="ambiguous", reason=reason)
    return found


def _prediction(pattern: Pattern, now: float | None) -> Prediction | None:
    if now is None:
        return None
    low, high = (max(0.0, now - pattern.rate * share) for share in reversed(FIXED_SHARE))
    return Prediction(
        metric=pattern.outcome,
        population=f"conversations of {pattern.agent}",
        baseline_rate=now,
        expected=Interval(low=low, high=high, level=0.8),
        days=MEASURED_DAYS,
    )


def _format_table(seen: Refused, sentence: str) -> Table:
    pattern = next(shape for shape, said in FORMATS.values() if said == sentence)
    return _counted(seen, "the format", lambda value: pattern.fullmatch(value) is not None)


def _values_table(seen: Refused, values: Sequence[str]) -> Table:
    folded = {value.casefold() for value in values}
    return _counted(seen, "a value of the list", lambda value: value.casefold() in folded)


def _counted(seen: Refused, having: str, has: Callable[[str], bool]) -> Table:
    def share(values: Sequence[str]) -> str:
        found = sum(map(has, values))
        return f"{found} of {len(values)} ({percent(found / len(values))})" if values else "none"

    return Table(
        title=f"Calls with {having}",
        header=("", f"with {having}"),
        rows=(
            ("accepted by the tool", share(seen.accepted)),
            ("refused by the tool", share(seen.refused)),
        ),
    )
