"""A pattern becomes one small edit of the agent's prompt, with its evidence, or a reason why not.

Takes a pattern, its failing and some passing conversations, and the agent's prompt file. A reader
diagnoses each failing conversation, our code believes what is proven and counts it, a writer who
sees no conversation proposes edits, our checks pick one. Refuses below the evidence floor, and
where the cause lies elsewhere says so as a `Finding`. Costs about one call per conversation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from bot.figures import count, percent, rate
from bot.markdown import plain
from bot.proposals.diagnosis import (
    Cause,
    Contrast,
    Diagnosis,
    Reading,
    contrast,
    diagnose,
    group_causes,
    pick_conversations,
    sum_costs,
)
from bot.proposals.floors import MIN_CONVERSATIONS, MIN_USERS, conversation_floor, floor_note
from bot.proposals.identity import fingerprint, proposal_id
from bot.proposals.prompt_file import PromptFile, choose_prompt_file
from bot.proposals.sections import sections
from bot.proposals.transcript import write_transcript
from bot.proposals.writing import Candidate, Written, write_edit
from bot.records import (
    AgentFiles,
    Ask,
    Evidence,
    EvidenceItem,
    Finding,
    Interval,
    ModelCost,
    Pattern,
    Prediction,
    Proposal,
    Repository,
    Skipped,
    Table,
)
from bot.statistics import failure_rate
from collector.records import Conversation

MAX_READ = 12
"""Failing conversations that the reader gets to see."""
MAX_CONTRAST = 6
"""Passing conversations that the new rule is held against."""
MAX_WORSE_SHARE = 0.25
"""Of the passing conversations that the rule is about: above this it does more harm than good."""
MIN_ELSEWHERE = 3
"""Fewer diagnoses that point away from the prompt are no finding."""
FIXED_SHARE = (0.25, 0.75)
"""Assumption behind the prediction: a rule that is in the prompt prevents between a quarter and
three quarters of the failures that show its cause. Scored after every merge."""
PREDICTION_DAYS = 28
ITEMS_SHOWN = 5

_KINDS = {
    "missing_rule": "no rule says what to do",
    "unclear_rule": "a rule is unclear",
    "conflicting_rules": "two rules conflict",
    "rule_not_followed": "a rule was overlooked",
    "none": "no rule is to blame",
}
_PLACES = {
    "prompt": "the prompt",
    "tool_definition": "a tool's definition",
    "harness": "the program around the model",
    "config": "a limit in the configuration",
    "knowledge": "the facts that the agent was given",
    "handoff": "the handoff",
    "data": "the records behind the tools",
    "user": "what the user said",
    "model": "the model itself",
    "unknown": "nobody can tell",
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
) -> Proposal | Skipped | Finding:
    """One edit of one prompt file against the cause that most failing conversations share.

    `failing` are conversations of the pattern's evidence, `passing` others of the same group that
    ended well; `constraints` are sentences that hold for every edit, from earlier rejections.

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
    text = prompt.file.text
    reading = diagnose(
        pick_conversations(told, MAX_READ),
        agent_prompt=text,
        problem=_problem(pattern, files),
        ask=ask,
    )
    fixable = [found for found in reading.diagnoses if found.locus == "prompt"]
    elsewhere = _elsewhere(pattern, reading, fixable)
    if elsewhere is not None:
        return elsewhere
    grouped = group_causes(fixable, agent_prompt=text, ask=ask)
    if isinstance(grouped, Skipped):
        return grouped
    causes, grouping_cost = grouped
    members = causes[0].members if causes else ()
    short = _below_floor(pattern, [d.conversation for d in members], reading)
    if short is not None:
        return short
    written = write_edit(
        prompt.file,
        _told(causes[0], reading),
        constraints=constraints,
        sources=[(c.unit, _words_of(c)) for c in (*told, *passing)],
        ask=ask,
    )
    if isinstance(written, Skipped):
        return written
    checked = contrast(
        written.candidate.added,
        pick_conversations([c for c in passing if c.completeness.text], MAX_CONTRAST),
        agent_prompt=text,
        ask=ask,
    )
    harmful = _harmful(pattern, checked)
    if harmful is not None:
        return harmful
    cost = sum_costs([reading.cost, grouping_cost, written.cost, checked.cost])
    return _proposal(pattern, prompt, reading, causes, written, checked, cost, now)


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
    listed = ", ".join(f"{_PLACES[place]} ({n})" for place, n in counts.most_common())
    return Finding(
        kind=f"root_cause:{counts.most_common(1)[0][0]}",
        agent=pattern.agent,
        sentence=(
            f"Not fixable by a change to the prompt: of {reading.read} failing conversations that "
            f"were read, the mistake lies in {listed}, and in the prompt in {len(fixable)}."
        ),
        evidence=tuple(found.conversation.conversation_id for found in others),
    )


def _harmful(pattern: Pattern, checked: Contrast) -> Skipped | None:
    worse = len(checked.worse)
    if not checked.applies or worse / checked.applies <= MAX_WORSE_SHARE:
        return None
    return Skipped(
        what=_what(pattern),
        code="contradicted",
        reason=(
            f"The rule is about {checked.applies} of {checked.read} conversations that went well, "
            f"and would have made {worse} of them worse."
        ),
    )


# -- what the models are told --------------------------------------------------------------------


def _problem(pattern: Pattern, files: AgentFiles) -> str:
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
    for found in cause.members:
        seen = found.paraphrase or "(not told)"
        lines.append(f"- {_KINDS[found.kind]}. {seen} Suggested: {found.rule}")
    return "\n".join(lines)


def _words_of(conversation: Conversation) -> str:
    return write_transcript(conversation, max_chars=10**9).text


# -- what a person reads ---------------------------------------------------------------------------


def _proposal(
    pattern: Pattern,
    prompt: PromptFile,
    reading: Reading,
    causes: Sequence[Cause],
    written: Written,
    checked: Contrast,
    cost: ModelCost,
    now: datetime,
) -> Proposal:
    cause, candidate = causes[0], written.candidate
    path = prompt.file.path
    section = section_of(prompt.file.text, prompt.file.text.index(candidate.edit.old))
    remedy = f"{path} § {section or 'top'}"
    id = proposal_id("prompt", pattern, remedy)
    evidence = _evidence(pattern, cause)
    return Proposal(
        id=id,
        fingerprint=fingerprint(id, [candidate.edit], evidence),
        kind="prompt",
        agent=pattern.agent,
        pattern_id=pattern.id,
        remedy=remedy,
        title=_title(pattern, candidate, path, section),
        what=_what_changes(candidate, path, section),
        why=_why(pattern, reading, cause, checked, evidence, now),
        risk=_risk(candidate, prompt, checked),
        confidence=_confidence(pattern, evidence),
        edits=(candidate.edit,),
        evidence=evidence,
        prediction=_prediction(pattern, reading, cause),
        root_cause="prompt",
        priority=pattern.priority,
        tables=(_reading_table(reading), _contrast_table(checked)),
        weeks=pattern.weeks,
        losing=checked.worse,
        alternatives=(*written.dropped, *_other_causes(causes, reading)),
        cost=cost,
    )


def _evidence(pattern: Pattern, cause: Cause) -> Evidence:
    conversations = [found.conversation for found in cause.members]
    times = sorted(c.started_at for c in conversations if c.started_at)
    users = {c.user_id for c in conversations if c.user_id}
    return Evidence(
        entries=len(conversations),
        users=len(users),
        conversation_ids=tuple(sorted(c.conversation_id for c in conversations)),
        items=tuple(
            EvidenceItem(
                id=found.conversation.conversation_id,
                paraphrase=found.paraphrase
                or f"The reader's proof is in message {found.message_index}.",
            )
            for found in cause.members[:ITEMS_SHOWN]
        ),
        first_at=times[0] if times else None,
        last_at=times[-1] if times else None,
        note=floor_note(replace(pattern, evidence_users=len(users))),
    )


def _title(pattern: Pattern, candidate: Candidate, path: str, section: str) -> str:
    doing = "Add a rule to" if candidate.kind == "add_rule" else "Sharpen a rule in"
    subject = section or pattern.intent_name
    return plain(f"{doing} {path}" + (f": {subject}" if subject else ""), 72)


def _what_changes(candidate: Candidate, path: str, section: str) -> str:
    doing = "Adds a rule to" if candidate.kind == "add_rule" else "Rewords a rule in"
    place = f"`{path}`" + (f", section `{section}`" if section else "")
    return f"{doing} {place}: `{candidate.added.replace('`', chr(39))}`"


def _why(
    pattern: Pattern,
    reading: Reading,
    cause: Cause,
    checked: Contrast,
    evidence: Evidence,
    now: datetime,
) -> str:
    parts = [
        f"`{pattern.outcome}` is the outcome for {rate(pattern.rate, pattern.rate_interval)} of "
        f"{count(pattern.users, pattern.unit)}{_about(pattern)}."
    ]
    if pattern.baseline_rate is not None:
        parts.append(f"Of the others it is {percent(pattern.baseline_rate)}.")
    parts.append(
        f"Of {reading.read} failing conversations that were read, {len(cause.members)} share this "
        "cause; for each a passage that proves it was found word for word in the transcript."
    )
    if reading.unverified:
        parts.append(f"{reading.unverified} diagnoses without such a passage were dropped.")
    if checked.applies:
        followed = checked.effects.get("already_followed", 0)
        parts.append(
            f"Of {checked.applies} read conversations that went well and that the rule is about, "
            f"the agent did in {followed} what it says."
        )
    if evidence.last_at:
        days = max(0, (now - evidence.last_at).days)
        parts.append(f"The newest is {count(days, 'day')} old.")
    return " ".join(parts)


def _about(pattern: Pattern) -> str:
    return f" about: {pattern.intent_name}" if pattern.intent_name else ""


def _risk(candidate: Candidate, prompt: PromptFile, checked: Contrast) -> str:
    parts = [f"Every call gets about {max(0, candidate.growth_tokens)} tokens longer."]
    if checked.read:
        parts.append(
            f"Of {checked.read} conversations that went well, the rule is about {checked.applies} "
            f"and would have made {len(checked.worse)} worse, by a model's reading."
        )
    else:
        parts.append("It was not held against conversations that went well.")
    if prompt.match is None:
        parts.append("No system prompt was captured: that this file is live is taken on trust.")
    elif prompt.match < 0.98:
        parts.append(
            f"Production differs from the file: {percent(prompt.match)} of its text was in the "
            "captured system prompts."
        )
    return " ".join(parts)


def _confidence(pattern: Pattern, evidence: Evidence) -> Literal["low", "medium", "high"]:
    """From counts and the test, never from a model's opinion of itself."""
    tested = pattern.q_value is not None and pattern.q_value <= 0.05
    if tested and evidence.users >= 10:
        return "high"
    return "medium" if tested and evidence.users >= MIN_USERS else "low"


def _prediction(pattern: Pattern, reading: Reading, cause: Cause) -> Prediction:
    share = failure_rate(len(cause.members), reading.read, level=0.8).interval
    least, most = FIXED_SHARE
    return Prediction(
        metric=pattern.outcome,
        population=f"{pattern.unit}s of {pattern.agent}{_about(pattern)}",
        baseline_rate=pattern.rate,
        expected=Interval(
            low=pattern.rate * (1 - most * share.high),
            high=pattern.rate * (1 - least * share.low),
            level=0.8,
        ),
        days=PREDICTION_DAYS,
        intent_id=pattern.intent_id,
        segment=pattern.segment,
    )


def _reading_table(reading: Reading) -> Table:
    rows = [(_PLACES[place], str(n)) for place, n in reading.loci.most_common()]
    rows.append(("no mistake seen", str(reading.absent)))
    rows.append(("diagnosis without proof, dropped", str(reading.unverified)))
    if reading.skipped:
        rows.append(("no usable reply", str(len(reading.skipped))))
    return Table(
        title="Where the readers saw the mistake",
        header=("place", "failing conversations"),
        rows=tuple(rows),
    )


def _contrast_table(checked: Contrast) -> Table:
    names = {
        "already_followed": "the agent did what the rule says",
        "better": "the agent did not, and it would have done no harm",
        "worse": "following it would have made things worse",
        "does_not_apply": "the rule is about something else",
    }
    return Table(
        title="The rule held against conversations that went well",
        header=("what was found", "conversations"),
        rows=tuple((text, str(checked.effects.get(key, 0))) for key, text in names.items()),
    )


def _other_causes(causes: Sequence[Cause], reading: Reading) -> tuple[str, ...]:
    return tuple(
        f"Another cause in {len(cause.members)} of {reading.read} conversations was left for later."
        for cause in causes[1:]
    )


def _what(pattern: Pattern) -> str:
    return f"a change to the prompt of {pattern.agent} against {pattern.outcome}"


def section_of(text: str, at: int) -> str:
    """The heading above position `at`; empty before any and under the title of the whole file."""
    found = sections(text)
    here = [section for section in found if section.start <= at][-1]
    is_title = here.level == 1 and sum(section.level == 1 for section in found) == 1
    return "" if is_title else plain(here.heading, 60)
