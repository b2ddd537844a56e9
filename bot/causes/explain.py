"""Gives the patterns of a report their causes, and finds what no change of a file can mend."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from bot.causes.reader import read_cause
from bot.causes.rules import Shown, cause_by_rules
from bot.causes.traits import Trait
from bot.causes.versions import cause_by_version, kinds_of_files
from bot.figures import count
from bot.proposals.diagnosis import diagnose, pick_conversations
from bot.proposals.prompt_case import about
from bot.proposals.prompt_cause import MAX_READ, problem_of
from bot.proposals.prompt_file import choose_prompt_file
from bot.proposals.tools import tools_shown
from bot.records import (
    AgentFiles,
    Ask,
    Cause,
    ConversationsOf,
    FileHistory,
    Finding,
    Key,
    PastProposal,
    Pattern,
    PatternReport,
    Repository,
    Skipped,
)
from bot.settings import Settings
from collector.records import Conversation

MIN_OTHERS = 20
"""Conversations of the same group that did not fail; else all of the agent's are compared."""
READ_PATTERNS = 3
"""Patterns without a cause by rule that one run puts before the reader, the first ones."""
UNKNOWN_PROMPT = "(not known)"


def explain_by_rules(
    report: PatternReport,
    facts: pa.Table,
    traits: Mapping[Key, tuple[Trait, ...]],
    *,
    history: FileHistory | None,
    settings: Settings,
) -> PatternReport:
    """Give each pattern on outcomes the cause that its conversations show, where they show one.

    `facts` has FACTS_SCHEMA. Corrections and thresholds are their own cause.
    """
    rows = facts.select(["agent", "conversation_id", "intents", "bad"]).to_pylist()
    found: list[Pattern] = []
    for pattern in report.patterns:
        cause = None
        if pattern.kind == "outcome":
            if history is not None:
                kind_of = kinds_of_files(settings.agent(pattern.agent))
                cause = cause_by_version(pattern, history, kind_of)
            if cause is None:
                own = [row for row in rows if row["agent"] == pattern.agent]
                failing = _shown(pattern.agent, pattern.evidence, traits)
                others = _shown(pattern.agent, _others(pattern, own), traits)
                cause = cause_by_rules(pattern, failing, others)
        found.append(_with_cause(pattern, cause))
    return _told(report, found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """The report with what a reader found, and what was not read."""

    report: PatternReport
    skipped: tuple[Skipped, ...] = ()


def explain_by_reader(
    report: PatternReport,
    *,
    repository: Repository | None,
    files: Mapping[str, AgentFiles],
    newest: Callable[[Pattern], Sequence[Key]],
    conversations_of: ConversationsOf,
    ask: Ask,
) -> Explained:
    """Let a reader look at the first patterns whose cause no rule knows.

    `newest` gives the failing conversations that may be read. Asks exactly what a change of the
    prompt will ask, so that its answers are there already.

    Raises:
        DebriefError: what `ask` raises: the model's service or the key failed for good.
    """
    waiting = [one for one in report.patterns if one.kind == "outcome" and one.cause is None]
    causes: dict[str, Cause] = {}
    skipped: list[Skipped] = []
    for pattern in waiting[:READ_PATTERNS]:
        own = files.get(pattern.agent) or AgentFiles(agent=pattern.agent)
        keys = newest(pattern)
        read = conversations_of(keys)
        told = [read[key] for key in keys if key in read and read[key].completeness.text]
        reading = diagnose(
            pick_conversations(told, MAX_READ),
            agent_prompt=_agent_prompt(own, repository, told),
            agent_tools=tools_shown(told, own, repository),
            problem=problem_of(pattern, own),
            ask=ask,
        )
        cause = read_cause(pattern, reading)
        if cause is not None:
            causes[pattern.id] = cause
        elif reading.skipped:
            last = reading.skipped[-1]
            skipped.append(
                Skipped(
                    what=f"the cause of {pattern.outcome} of {pattern.agent}{about(pattern)} "
                    f"({count(reading.read, 'conversation')} read)",
                    code=last.code,
                    reason=last.reason,
                    pattern_id=pattern.id,
                )
            )
    patterns = [_with_cause(one, causes.get(one.id)) for one in report.patterns]
    return Explained(report=_told(report, patterns), skipped=tuple(skipped))


def unanswered(
    report: PatternReport, past: Sequence[PastProposal], answered: Collection[str] = ()
) -> PatternReport:
    """The report without the findings on patterns that have another answer.

    That is a pull request that is open, or in this run a proposal, a finding or a reason:
    `answered` are their ids. Each pattern has one answer.
    """
    ids = {*answered, *(one.pattern_id for one in past if one.state == "open")}
    kept = tuple(one for one in report.findings if one.pattern_id not in ids)
    return replace(report, findings=kept)


def _agent_prompt(
    files: AgentFiles, repository: Repository | None, conversations: Sequence[Conversation]
) -> str:
    """The prompt's file, else what was sent in the newest conversation that has it."""
    systems = [one.system for one in conversations if one.system]
    if repository is not None:
        prompt = choose_prompt_file(files, repository, systems)
        if not isinstance(prompt, Skipped):
            return prompt.whole
    return systems[-1] if systems else UNKNOWN_PROMPT


def _others(pattern: Pattern, rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Conversations of the agent that did not fail, of the same intent where there are enough."""
    failing = set(pattern.evidence)
    well = [row for row in rows if row["conversation_id"] not in failing and not row["bad"]]
    alike = [row for row in well if pattern.intent_id in _ids(row["intents"])]
    chosen = alike if len(alike) >= MIN_OTHERS else well
    return [str(row["conversation_id"]) for row in chosen]


def _ids(intents: object) -> Collection[str]:
    return intents if isinstance(intents, list) else ()


def _shown(agent: str, ids: Sequence[str], traits: Mapping[Key, tuple[Trait, ...]]) -> Shown:
    return Shown(conversation_ids=ids, traits={one: traits.get((agent, one), ()) for one in ids})


def _with_cause(pattern: Pattern, cause: Cause | None) -> Pattern:
    return pattern if cause is None else replace(pattern, cause=cause, root_cause=cause.cause)


def _told(report: PatternReport, patterns: Sequence[Pattern]) -> PatternReport:
    """The report with these patterns, and a finding for each cause that no diff can mend."""
    before = {one.id for one in report.patterns if one.cause is not None}
    findings = [
        Finding(
            kind=f"root_cause:{one.cause.cause}",
            agent=one.agent,
            sentence=f"Not fixable by a change to a file: {one.cause.sentence}",
            evidence=tuple(dict.fromkeys(place.conversation_id for place in one.cause.quotes)),
            pattern_id=one.id,
        )
        for one in patterns
        if one.cause is not None and not one.cause.is_fixable and one.id not in before
    ]
    return replace(report, patterns=tuple(patterns), findings=(*report.findings, *findings))
