"""A pattern becomes one small edit of the agent's prompt, with its evidence, or a reason why not.

Takes a pattern, its failing and some passing conversations, and the agent's prompt file. A reader
diagnoses up to 20 of them side by side, our code believes what is proven and counts it, a writer
who sees no conversation proposes edits, our checks pick one. Refuses below the evidence floor, and
where the cause lies elsewhere says so as a `Finding`. Costs at most `spending.MAX_TOKENS`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from bot.figures import count
from bot.proposals.compare import DONE_OTHERWISE
from bot.proposals.contrast import MAX_CONTRAST, Contrast, contrast, pick_alike
from bot.proposals.diagnosis import Cause, Reading
from bot.proposals.nearest import nearest_sections
from bot.proposals.prompt_case import Traffic, build_proposal
from bot.proposals.prompt_cause import Found, below_floor, find_causes, what_change
from bot.proposals.prompt_file import choose_prompt_file
from bot.proposals.prompt_parts import part_for
from bot.proposals.questions import choose_one
from bot.proposals.spending import Metered, tokens_allowed
from bot.proposals.tools import tools_shown
from bot.proposals.writing import MAX_ROUNDS, NO_EDIT, Candidate, write_edit
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

MAX_WORSE_SHARE = 0.25
"""Of the passing conversations that the rule is about: above this it does more harm than good."""
COMPARED_ROUNDS = 1
"""Rounds of writing after a comparison: that has cost what two more would, for weaker evidence."""
NEAREST = 3
"""Sections that the writer is told of: the right one is among them for two rules of three."""

_KINDS = {
    "missing_rule": "no rule says what to do",
    "unclear_rule": "a rule is unclear",
    "conflicting_rules": "two rules conflict",
    "rule_not_followed": "a rule was overlooked",
    "missing_fact": "a fact is not stated",
    DONE_OTHERWISE: "where it went well the agent did this, and no rule says so",
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
    short = below_floor(pattern, told)
    if short is not None:
        return short
    metered = Metered(ask=ask, max_tokens=tokens_allowed(prompt.whole))
    tools = tools_shown(told, files, repository)
    well = [c for c in passing if c.completeness.text]
    found = find_causes(
        pattern, prompt, files, failing=told, passing=well, agent_tools=tools, ask=metered
    )
    if not isinstance(found, Found):
        return found
    causes, reading = found.causes, found.reading
    prompt = part_for(prompt, causes[0].rule)
    members = causes[0].members
    is_conflict = 2 * sum(one.kind == "conflicting_rules" for one in members) > len(members)
    alike = pick_alike(well, [d.conversation for d in members], MAX_CONTRAST)
    checked = Contrast()

    def trial(candidate: Candidate) -> Skipped | None:
        nonlocal checked
        checked = contrast(candidate.change, alike, agent_prompt=prompt.whole, ask=metered)
        return _harmful(pattern, checked)

    written = write_edit(
        prompt,
        _told(causes[0], reading, prompt.text),
        rule=causes[0].rule,
        agent_tools=tools,
        constraints=constraints,
        sources=[(c.unit, _words_of(c)) for c in (*told, *passing)],
        is_conflict=is_conflict,
        trial=trial,
        ask=metered,
        rounds=COMPARED_ROUNDS if members[0].kind == DONE_OTHERWISE else MAX_ROUNDS,
    )
    if isinstance(written, Skipped):
        is_open = is_conflict and written.code == NO_EDIT
        shown = (*told, *passing)
        path = prompt.file.path
        return (
            choose_one(pattern, path, causes[0], read=reading.read, shown=shown)
            if is_open
            else written
        )
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


def _no_text(pattern: Pattern, failing: Sequence[Conversation]) -> Skipped:
    hint = next((c.completeness.hint for c in failing if c.completeness.hint), None)
    return Skipped(
        what=what_change(pattern),
        code="no_text",
        reason=f"None of {count(len(failing), 'failing conversation')} came with text. "
        f"{hint or 'Switch the recording of content on in the agent.'}",
    )


def _harmful(pattern: Pattern, checked: Contrast) -> Skipped | None:
    worse = len(checked.worse)
    if not checked.applies or worse / checked.applies <= MAX_WORSE_SHARE:
        return None
    return Skipped(
        what=what_change(pattern),
        code="contradicted",
        reason=(
            f"The change is about {checked.applies} of {checked.read} conversations that went "
            f"well, and would have made {worse} of them worse."
        ),
    )


# -- what the models are told --------------------------------------------------------------------


def _told(cause: Cause, reading: Reading, text: str) -> str:
    """The cause for the writer: readers' sentences and our counts, nothing that a user wrote."""
    near = [one.heading or "(the top)" for one in nearest_sections(text, cause.rule)[:NEAREST]]
    lines = [
        f"Rule that would have prevented it: {cause.rule}",
        f"Seen in {len(cause.members)} of {reading.read} failed conversations that were read.",
        "What each reader said:",
    ]
    said = Counter(
        f"{_KINDS[found.kind]}. {found.paraphrase or '(not told)'} Suggested: {found.rule}"
        for found in cause.members
    )
    lines += [f"- ({number}x) {sentence}" for sentence, number in said.items()]
    if len(near) > 1:
        lines.append(f"Sections with words of that rule, the nearest first: {', '.join(near)}")
    return "\n".join(lines)


def _words_of(conversation: Conversation) -> str:
    return write_transcript(conversation, max_chars=10**9).text
