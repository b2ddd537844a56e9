"""The cause that a change of the prompt is for, or why there is none: floors, places, questions.

Takes failing conversations and others that went well; gives causes with enough people and requests
behind them. Where the mistake lies elsewhere, where only the owner knows a fact, or where a person
has to decide, the answer is a `Finding`. Costs the reader's calls and one to group what they said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.proposals.compare import Comparison, compare
from bot.proposals.contrast import MAX_CONTRAST, pick_alike
from bot.proposals.diagnosis import (
    MIN_CALLS,
    MISSING_FACT,
    Cause,
    Diagnosis,
    Reading,
    diagnose,
    enough_calls,
    group_causes,
    pick_conversations,
)
from bot.proposals.floors import MIN_CONVERSATIONS, conversation_floor
from bot.proposals.prompt_case import PLACES, about
from bot.proposals.prompt_file import PromptFile
from bot.proposals.questions import decide, state_the_fact
from bot.records import AgentFiles, Ask, Finding, Pattern, Skipped
from collector.records import Conversation

MAX_READ = 20
"""Failing conversations that the reader gets to see."""
MIN_ELSEWHERE = 3
"""Fewer diagnoses that point away from the prompt are no finding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was read and what it comes to."""

    reading: Reading
    causes: tuple[Cause, ...]
    """At least one; the first is the one to mend."""


def find_causes(
    pattern: Pattern,
    prompt: PromptFile,
    files: AgentFiles,
    *,
    failing: Sequence[Conversation],
    passing: Sequence[Conversation],
    agent_tools: str,
    ask: Ask,
) -> Found | Finding | Skipped:
    """All conversations have text; `agent_tools` is what `bot.proposals.tools` shows."""
    reading = diagnose(
        pick_conversations(failing, MAX_READ),
        agent_prompt=prompt.whole,
        agent_tools=agent_tools,
        problem=problem_of(pattern, files),
        ask=ask,
    )
    facts = [found for found in reading.diagnoses if found.kind == MISSING_FACT]
    fixable = [
        found
        for found in reading.diagnoses
        if found.locus == "prompt" and found.kind != MISSING_FACT
    ]
    path = prompt.file.path
    if len(facts) >= MIN_CONVERSATIONS and len(facts) > len(fixable):
        causes = _causes(pattern, reading, facts, prompt.whole, ask)
        if isinstance(causes, Skipped):
            return causes
        return state_the_fact(pattern, path, causes[0], read=reading.read, shown=failing)
    compared = _compared(pattern, files, reading, passing, agent_prompt=prompt.whole, ask=ask)
    fixable = list(compared.differences) or fixable
    elsewhere = _elsewhere(pattern, reading, fixable)
    if elsewhere is not None:
        return elsewhere
    causes = _causes(pattern, reading, fixable, prompt.whole, ask)
    if isinstance(causes, Skipped):
        return causes
    undecided = decide(pattern, path, causes[0], compared, shown=(*failing, *passing))
    return undecided or Found(reading=reading, causes=causes)


def problem_of(pattern: Pattern, files: AgentFiles) -> str:
    """What the reader of a failing conversation is told of it: nothing that a user wrote."""
    lines = [f"The conversation counts as failed: its outcome is `{pattern.outcome}`."]
    if files.task:
        lines.append(f"The agent's task: {files.task}")
    if files.done_when:
        lines.append(f"The task is done when: {files.done_when}")
    if pattern.intent_name:
        lines.append(f"What the user tried to do, as others labelled it: {pattern.intent_name}")
    lines.append(
        "The tools' results are what really happened. Why the outcome is bad is not known."
    )
    return "\n".join(lines)


def _compared(
    pattern: Pattern,
    files: AgentFiles,
    reading: Reading,
    passing: Sequence[Conversation],
    *,
    agent_prompt: str,
    ask: Ask,
) -> Comparison:
    """Where most conversations broke no rule: what was done otherwise in those that went well."""
    if reading.absent < MIN_CONVERSATIONS or reading.absent <= len(reading.diagnoses):
        return Comparison()
    return compare(
        reading.blameless,
        pick_alike(passing, reading.blameless, MAX_CONTRAST),
        agent_prompt=agent_prompt,
        problem=problem_of(pattern, files),
        ask=ask,
    )


def _causes(
    pattern: Pattern,
    reading: Reading,
    diagnoses: Sequence[Diagnosis],
    agent_prompt: str,
    ask: Ask,
) -> tuple[Cause, ...] | Skipped:
    """The causes, the first with enough people and requests behind it."""
    grouped = group_causes(diagnoses, agent_prompt=agent_prompt, ask=ask)
    if isinstance(grouped, Skipped):
        return replace(grouped, what=what_change(pattern))
    causes = grouped[0]
    members = causes[0].members if causes else ()
    short = below_floor(pattern, [d.conversation for d in members], reading)
    if short is None and not enough_calls(members):
        short = _one_sided(pattern, members)
    return short or causes


# -- what stops a proposal ---------------------------------------------------------------------


def below_floor(
    pattern: Pattern, conversations: Sequence[Conversation], reading: Reading | None = None
) -> Skipped | None:
    """The evidence floor, for those of the pattern's conversations that a proposal rests on."""
    users = Counter(c.user_id for c in conversations if c.user_id)
    cited = replace(
        pattern,
        evidence=tuple(c.conversation_id for c in conversations),
        evidence_users=len(users),
        top_user_share=max(users.values()) / len(conversations) if users else None,
    )
    short = conversation_floor(cited)
    if short is None or reading is None:
        return short
    counts = (
        f"{reading.read} failing conversations were read: {len(conversations)} share a cause that "
        f"the prompt can mend, {reading.absent} showed no mistake, {reading.unverified} diagnoses "
        f"had no proof."
    )
    if reading.skipped:
        counts += f" {len(reading.skipped)} more had no usable reply: {reading.skipped[-1].reason}"
    having = f"{len(conversations)} of {reading.read} that were read share a cause in the prompt"
    reason = f"{short.reason.removesuffix('.')} ({having})."
    return replace(short, what=what_change(pattern), reason=reason, detail=counts)


def _elsewhere(
    pattern: Pattern, reading: Reading, fixable: Sequence[Diagnosis]
) -> Finding | Skipped | None:
    """Why no edit of the prompt is tried; None where the prompt is the place."""
    if not reading.read and reading.skipped:
        last = reading.skipped[-1]
        return Skipped(what=what_change(pattern), code=last.code, reason=last.reason)
    others = [found for found in reading.diagnoses if found.locus != "prompt"]
    if len(fixable) >= MIN_CONVERSATIONS or len(others) < max(MIN_ELSEWHERE, len(fixable) + 1):
        return below_floor(pattern, [d.conversation for d in fixable], reading)
    counts = Counter(found.locus for found in others)
    listed = ", ".join(f"{PLACES[place]} ({n})" for place, n in counts.most_common())
    return Finding(
        kind=f"root_cause:{counts.most_common(1)[0][0]}",
        agent=pattern.agent,
        sentence=(
            f"Not fixable by a change to the prompt: of {reading.read} failing conversations that "
            f"were read, the mistake lies in {listed}, and in the prompt in {len(fixable)}."
        ),
        evidence=tuple(found.conversation.conversation_id for found in others),
    )


def _one_sided(pattern: Pattern, members: Sequence[Diagnosis]) -> Skipped:
    return Skipped(
        what=what_change(pattern),
        code="evidence_floor",
        reason=(
            f"{len(members)} conversations share a cause, but fewer than {MIN_CALLS} requests to "
            "the reader gave it: one conversation may have led it on."
        ),
    )


def what_change(pattern: Pattern) -> str:
    """What would be proposed, as a refusal names it."""
    return f"a change to the prompt of {pattern.agent} against {pattern.outcome}{about(pattern)}"
