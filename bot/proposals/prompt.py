"""A pattern becomes one small edit of the agent's prompt, with its evidence, or a reason why not.

Takes a pattern, its failing and some passing conversations, and the agent's prompt file. A reader
diagnoses up to 20 of them side by side, our code believes what is proven and counts it, a writer
who sees no conversation proposes edits, our checks pick one. Refuses below the evidence floor, and
where the cause lies elsewhere says so as a `Finding`. Costs at most `spending.MAX_TOKENS`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.figures import count
from bot.proposals.contrast import MAX_CONTRAST, Contrast, contrast, pick_alike
from bot.proposals.diagnosis import (
    MIN_CALLS,
    Cause,
    Diagnosis,
    Reading,
    diagnose,
    enough_calls,
    group_causes,
    pick_conversations,
)
from bot.proposals.floors import MIN_CONVERSATIONS, conversation_floor
from bot.proposals.prompt_case import PLACES, Traffic, about, build_proposal
from bot.proposals.prompt_file import choose_prompt_file
from bot.proposals.spending import Metered, tokens_allowed
from bot.proposals.tools import tools_shown
from bot.proposals.writing import Candidate, write_edit
from bot.records import (
    AgentFiles,
    Ask,
    Finding,
    Pattern,
    Proposal,
    Repository,
    Skipped,
)
from bot.transcript import write_transcript
from collector.records import Conversation

MAX_READ = 20
"""Failing conversations that the reader gets to see."""
MAX_WORSE_SHARE = 0.25
"""Of the passing conversations that the rule is about: above this it does more harm than good."""
MIN_ELSEWHERE = 3
"""Fewer diagnoses that point away from the prompt are no finding."""

_KINDS = {
    "missing_rule": "no rule says what to do",
    "unclear_rule": "a rule is unclear",
    "conflicting_rules": "two rules conflict",
    "rule_not_followed": "a rule was overlooked",
    "none": "no rule is to blame",
}


def propose_prompt(
    pattern: Pattern,
    repository: Repository,
    files: AgentFiles,
    *,
    failing: Sequence[Conversation],
    passing: Sequence[Conversation],
    constraints: Sequence[str],
    ask: Ask,
    now: datetime,
    conversations_per_month: float | None = None,
) -> Proposal | Skipped | Finding:
    """One edit of one prompt file against the cause that most failing conversations share.

    `failing` are conversations of the pattern's evidence, `passing` others of the same group that
    ended well; `constraints` are sentences that hold for every edit, from earlier rejections.
    `conversations_per_month` of the agent, all its intents, tell what each added line will cost.

    Raises:
        DebriefError: what `ask` raises: the model's service or the key failed for good.
    """
    told = [c for c in failing if c.completeness.text]
    if failing and not told:
        return _no_text(pattern, failing)
    prompt = choose_prompt_file(files, repository, [c.system for c in told if c.system])
    if isinstance(prompt, Skipped):
        return prompt
    short = _below_floor(pattern, told)
    if short is not None:
        return short
    text = prompt.text
    metered = Metered(ask=ask, max_tokens=tokens_allowed(text))
    tools = tools_shown(told, files, repository)
    reading = diagnose(
        pick_conversations(told, MAX_READ),
        agent_prompt=text,
        agent_tools=tools,
        problem=problem_of(pattern, files),
        ask=metered,
    )
    fixable = [found for found in reading.diagnoses if found.locus == "prompt"]
    elsewhere = _elsewhere(pattern, reading, fixable)
    if elsewhere is not None:
        return elsewhere
    grouped = group_causes(fixable, agent_prompt=text, ask=metered)
    if isinstance(grouped, Skipped):
        return grouped
    causes = grouped[0]
    members = causes[0].members if causes else ()
    short = _below_floor(pattern, [d.conversation for d in members], reading)
    if short is None and not enough_calls(members):
        short = _one_sided(pattern, members)
    if short is not None:
        return short
    well = [c for c in passing if c.completeness.text]
    alike = pick_alike(well, [d.conversation for d in members], MAX_CONTRAST)
    checked = Contrast()

    def trial(candidate: Candidate) -> Skipped | None:
        nonlocal checked
        checked = contrast(candidate.change, alike, agent_prompt=text, ask=metered)
        return _harmful(pattern, checked)

    written = write_edit(
        prompt,
        _told(causes[0], reading),
        rule=causes[0].rule,
        agent_tools=tools,
        constraints=constraints,
        sources=[(c.unit, _words_of(c)) for c in (*told, *passing)],
        is_conflict=2 * sum(found.kind == "conflicting_rules" for found in members) > len(members),
        trial=trial,
        ask=metered,
    )
    if isinstance(written, Skipped):
        return written
    return build_proposal(
        pattern,
        prompt,
        reading,
        causes,
        written,
        checked,
        cost=metered.cost,
        traffic=_traffic((*told, *passing), conversations_per_month),
        now=now,
    )


def _traffic(
    conversations: Sequence[Conversation], conversations_per_month: float | None
) -> Traffic | None:
    """How often the prompt is sent; one call of the model stands behind each of its messages."""
    if conversations_per_month is None:
        return None
    sent = sum(m.role == "assistant" for c in conversations for m in c.messages)
    return Traffic(
        conversations_per_month=conversations_per_month,
        calls_per_conversation=max(1.0, sent / max(1, len(conversations))),
    )


# -- what stops a proposal ---------------------------------------------------------------------


def _below_floor(
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
    return replace(short, what=_what(pattern), reason=f"{short.reason} {counts}")


def _no_text(pattern: Pattern, failing: Sequence[Conversation]) -> Skipped:
    hint = next((c.completeness.hint for c in failing if c.completeness.hint), None)
    return Skipped(
        what=_what(pattern),
        code="no_text",
        reason=f"None of {count(len(failing), 'failing conversation')} came with text. "
        f"{hint or 'Switch the recording of content on in the agent.'}",
    )


def _elsewhere(
    pattern: Pattern, reading: Reading, fixable: Sequence[Diagnosis]
) -> Finding | Skipped | None:
    """Why no edit of the prompt is tried; None where the prompt is the place."""
    if not reading.read and reading.skipped:
        last = reading.skipped[-1]
        return Skipped(what=_what(pattern), code=last.code, reason=last.reason)
    others = [found for found in reading.diagnoses if found.locus != "prompt"]
    if len(fixable) >= MIN_CONVERSATIONS or len(others) < max(MIN_ELSEWHERE, len(fixable) + 1):
        return _below_floor(pattern, [d.conversation for d in fixable], reading)
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
        what=_what(pattern),
        code="evidence_floor",
        reason=(
            f"{len(members)} conversations share a cause, but fewer than {MIN_CALLS} of the "
            "requests that they were read in gave it: one conversation may have led the reader of "
            "the others beside it."
        ),
    )


def _harmful(pattern: Pattern, checked: Contrast) -> Skipped | None:
    worse = len(checked.worse)
    if not checked.applies or worse / checked.applies <= MAX_WORSE_SHARE:
        return None
    return Skipped(
        what=_what(pattern),
        code="contradicted",
        reason=(
            f"The change is about {checked.applies} of {checked.read} conversations that went "
            f"well, and would have made {worse} of them worse."
        ),
    )


def _what(pattern: Pattern) -> str:
    return f"a change to the prompt of {pattern.agent} against {pattern.outcome}{about(pattern)}"


# -- what the models are told --------------------------------------------------------------------


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


def _told(cause: Cause, reading: Reading) -> str:
    """The cause for the writer: readers' sentences and our counts, nothing that a user wrote."""
    lines = [
        f"Rule that would have prevented it: {cause.rule}",
        f"Seen in {len(cause.members)} of {reading.read} failed conversations that were read.",
        "What each reader said:",
    ]
    said = Counter(
        f"{_KINDS[found.kind]}. {found.paraphrase or '(not told)'} Suggested: {found.rule}"
        for found in cause.members
    )
    lines += [f"- ({number}x) {text}" for text, number in said.items()]
    return "\n".join(lines)


def _words_of(conversation: Conversation) -> str:
    return write_transcript(conversation, max_chars=10**9).text
