"""A tool's argument that is refused again and again gets its format into the tool's description.

Takes an agent's conversations and the files with its tools; gives a `Proposal` of kind `harness`
that adds one sentence to the description of one argument. Which format it is comes from the values
that were accepted, by a closed list of formats: no word of a conversation gets into the file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.figures import count, percent, rate
from bot.proposals.counted import counted_evidence, counted_pattern
from bot.proposals.edits import edit_to
from bot.proposals.floors import conversation_floor, is_safe_label
from bot.proposals.guardrails import check_edits
from bot.proposals.identity import fingerprint, proposal_id
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
from bot.statistics import failure_rate
from collector.records import Conversation, Json

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
_NAMES_ARGUMENT = r"(?<![\w]){}(?![\w])"
_REFUSES = re.compile(
    r"\b(?:invalid|validation|malformed|must be|expected|required|missing|format|parse|type)\b",
    re.IGNORECASE,
)


@dataclass(kw_only=True, slots=True)
class _Seen:
    """One argument of one tool, as its calls show it."""

    tool: str
    argument: str
    accepted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    failing: dict[str, Conversation] = field(default_factory=dict)


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
    own = [
        repository.files[path]
        for path in dict.fromkeys((*files.harness, *files.prompts, *files.configs))
        if path in repository.files
    ]
    for seen in _refused_arguments(conversations):
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
        yield short if short is not None else _propose(pattern, seen, own, rates)


def _refused_arguments(conversations: Iterable[Conversation]) -> list[_Seen]:
    """Arguments whose name stands in a tool's error, the most refused first."""
    found: dict[tuple[str, str], _Seen] = {}
    for conversation in conversations:
        calls = {call.id: call for message in conversation.messages for call in message.tool_calls}
        for message in conversation.messages:
            call = calls.get(message.tool_call_id or "")
            if message.role != "tool" or call is None or not isinstance(call.arguments, dict):
                continue
            error = message.error or ""
            for argument, value in call.arguments.items():
                key = (call.name, argument)
                seen = found.setdefault(key, _Seen(tool=call.name, argument=argument))
                if not error:
                    seen.accepted.append(_written(value))
                elif _REFUSES.search(error) and _names(error, argument):
                    seen.refused.append(_written(value))
                    seen.failing[conversation.conversation_id] = conversation
    return sorted((one for one in found.values() if one.refused), key=lambda one: -len(one.failing))


def _names(error: str, argument: str) -> bool:
    return re.search(_NAMES_ARGUMENT.format(re.escape(argument)), error) is not None


def _written(value: Json) -> str:
    return value if isinstance(value, str) else str(value)


def _format_of(seen: _Seen) -> str | None:
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
    pattern: Pattern, seen: _Seen, files: Sequence[SourceFile], rates: Mapping[str, float]
) -> Proposal | Skipped:
    what = f"the description of an argument of {pattern.agent}'s tools"
    sentence = _format_of(seen)
    if sentence is None:
        reason = (
            f"An argument was refused in {count(len(seen.failing), 'conversation')}, but the "
            f"{count(len(seen.accepted), 'accepted value')} have no format that refused ones lack."
        )
        return Skipped(what=what, code="no_remedy", reason=reason)
    found = _region(files, seen)
    if isinstance(found, Skipped):
        return found
    file, region = found
    if sentence.removeprefix("Format: ").rstrip(".") in region.text:
        reason = f"{region.anchor} in {file.path!r} says so already, and production refuses still."
        return Skipped(what=what, code="said_already", reason=reason)
    after = write_region(file, region, f"{region.text.rstrip().removesuffix('.')}. {sentence}")
    if isinstance(after, Skipped):
        return after
    path = file.path
    broken = check_edits({path: file.text}, {path: after}, kind="harness", allowed=[path])
    if broken:
        return Skipped(what=what, code="guardrail", reason=" ".join(broken))
    edit = edit_to(file, after)
    remedy = f"{path}: format of {region.anchor}"
    id = proposal_id("harness", pattern, remedy)
    failing = list(seen.failing.values())
    said = "the tool refused the argument"
    items = [EvidenceItem(id=one.conversation_id, paraphrase=said) for one in failing]
    evidence = counted_evidence(pattern, failing, items)
    title = f"State the format of {region.anchor}"
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, (edit,), evidence),
        kind="harness",
        agent=pattern.agent,
        pattern_id=pattern.id,
        remedy=remedy,
        title=title if len(title) <= TITLE_CHARS else "State the format of a tool's argument",
        what=f"Adds to the description of `{region.anchor}` in `{path}`: `{sentence}`",
        why=f"The tool refused this argument in {len(pattern.evidence)} of the newest "
        f"{count(pattern.conversations, 'conversation')}, "
        f"{rate(pattern.rate, pattern.rate_interval)}.",
        risk="One sentence more in each request that offers the tool, about "
        f"{max(1, len(sentence) // 4)} tokens.",
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
        tables=(_table(seen, sentence),),
    )


def _region(files: Sequence[SourceFile], seen: _Seen) -> tuple[SourceFile, Region] | Skipped:
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
    many = any(len(by_anchor[one]) > 1 for one in (f"{seen.tool}({seen.argument})", seen.tool))
    why = "Several places describe this tool" if many else "No file describes this tool"
    searched = ", ".join(repr(file.path) for file in files[:6]) or "no file of this agent"
    names = (seen.argument, seen.tool)
    whose = "of a tool's argument"
    if all(map(is_safe_label, names)):
        whose = "of the argument `{}` of the tool `{}`".format(*names)
    return Skipped(
        what=f"the description {whose}",
        code="ambiguous" if many else "no_file",
        reason=" ".join([f"{why}; searched {searched}.", *unread]),
    )


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


def _table(seen: _Seen, sentence: str) -> Table:
    pattern = next(shape for shape, said in FORMATS.values() if said == sentence)

    def share(values: Sequence[str]) -> str:
        have = sum(pattern.fullmatch(value) is not None for value in values)
        return f"{have} of {len(values)} ({percent(have / len(values))})"

    return Table(
        title="Values with the format",
        header=("", "with the format"),
        rows=(
            ("accepted by the tool", share(seen.accepted)),
            ("refused by the tool", share(seen.refused)),
        ),
    )
