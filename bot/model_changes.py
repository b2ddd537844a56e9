"""Changes that the model writes.

Joins the facts with the proposals, as `pipeline` joins all stages: a tool or the program is changed
where the cause lies there, else the prompt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from bot.figures import count
from bot.predicted import over_all
from bot.proposals import constraints, propose_prompt
from bot.proposals.floors import MIN_CONVERSATIONS
from bot.proposals.harness import propose_harness, routed_cause
from bot.records import (
    AgentFiles,
    Ask,
    ConversationsOf,
    Finding,
    Key,
    PastProposal,
    Pattern,
    Proposal,
    Repository,
    Skipped,
)
from collector.records import Conversation

PROMPT_PATTERNS = 3
"""Patterns that one cycle puts before the model, the most important first."""
BY_THE_MODEL = frozenset({"prompt", "harness"})
EXAMPLES = 40
"""Failing conversations, and as many passing ones, from which the reader picks for one pattern."""
OF_ONE = 3
"""Failing conversations of one user among them."""
TOOL_ELSEWHERE = "The tool that it lies in stands in no file of this agent"


def model_changes(
    patterns: Sequence[Pattern],
    facts: pa.Table,
    repository: Repository,
    files: Mapping[str, AgentFiles],
    past: Sequence[PastProposal],
    *,
    slots: int,
    taken: Collection[str],
    conversations_of: ConversationsOf,
    ask: Ask,
    now: datetime,
    window_days: int = 28,
) -> Iterator[Proposal | Finding | Skipped]:
    """Changes for the most important patterns; the rest waits for the next cycle.

    What lies in a tool or in the program goes there, all else into the prompt. `taken` are
    remedies that are proposed without a model; the patterns were found in `window_days`. One answer
    for each pattern; none for those that must wait and have a finding, which says more than that
    they wait.
    """
    started = _started(facts)
    late = {one.id: _lately(one, past, started) for one in patterns}
    waiting = {
        one.id: reason
        for one in patterns
        if (reason := _unchanged(one, past) or _mended(one, late[one.id], past))
    }
    yield from waiting.values()
    open_now = {
        (one.agent, one.pattern_id)
        for one in past
        if one.state == "open" and one.kind in BY_THE_MODEL and not one.touched
    }
    fresh = [pattern for pattern in patterns if pattern.id not in waiting]
    # A revision of what is open comes first, and opens nothing new.
    fresh.sort(key=lambda pattern: (pattern.agent, pattern.id) not in open_now)
    revised = sum((pattern.agent, pattern.id) in open_now for pattern in fresh)
    read_at_most = min(PROMPT_PATTERNS, slots + revised)
    for pattern in fresh[read_at_most:]:
        if pattern.cause is not None and not pattern.cause.is_fixable:
            continue
        sentence = (
            f"The model may be asked about {count(read_at_most, 'pattern')} in this run "
            f"(at most {PROMPT_PATTERNS}, and no more than may be opened this week)."
            if read_at_most
            else "No more may be opened this week, so the model is not asked about it."
        )
        yield Skipped(
            what=_prompt_change(pattern), code="cap", reason=sentence, pattern_id=pattern.id
        )
    chosen = {one.id: examples(facts, late[one.id]) for one in fresh[:read_at_most]}
    keys = {key for pair in chosen.values() for group in pair for key in group}
    read = conversations_of(keys)
    for pattern in fresh[:read_at_most]:
        failing, passing = (
            [read[key] for key in group if key in read] for group in chosen[pattern.id]
        )
        found = change_of(
            pattern,
            repository,
            files[pattern.agent],
            failing=failing,
            passing=passing,
            constraints=constraints(pattern, past),
            taken=[
                *taken,
                *_just_merged(pattern.agent, past, now=now, window=timedelta(days=window_days)),
            ],
            ask=ask,
            now=now,
            conversations_per_month=_monthly(facts, pattern.agent, now=now),
        )
        if isinstance(found, Proposal):
            yield over_all(found, pattern, facts)
        else:
            yield replace(found, pattern_id=pattern.id)


def _just_merged(
    agent: str, past: Sequence[PastProposal], *, now: datetime, window: timedelta
) -> list[str]:
    """Remedies of the agent without a verdict, or of which the window still holds failures from
    before the merge."""
    return [
        one.remedy
        for one in past
        if one.agent == agent
        and one.merged_at is not None
        and not one.reverted
        and (one.verdict is None or now - one.merged_at < window)
    ]


def change_of(
    pattern: Pattern,
    repository: Repository,
    files: AgentFiles,
    *,
    failing: Sequence[Conversation],
    passing: Sequence[Conversation],
    constraints: Sequence[str],
    taken: Collection[str],
    ask: Ask,
    now: datetime,
    conversations_per_month: float | None,
) -> Proposal | Finding | Skipped:
    """The change for one pattern: of a tool or of the program where its cause lies there, else of
    the prompt."""
    cause = routed_cause(pattern, failing, passing)
    elsewhere: Skipped | None = None
    if cause is not None:
        routed = propose_harness(
            replace(pattern, cause=cause, root_cause=cause.cause),
            repository,
            files,
            failing=failing,
            passing=passing,
            constraints=constraints,
            taken=taken,
            ask=ask,
        )
        # Where the tools are kept elsewhere, the prompt is all that can be changed here.
        if not (isinstance(routed, Skipped) and routed.code == "no_file"):
            return routed
        elsewhere = routed
    found = propose_prompt(
        pattern,
        repository,
        files,
        failing=failing,
        passing=passing,
        constraints=constraints,
        ask=ask,
        now=now,
        conversations_per_month=conversations_per_month,
    )
    return found if elsewhere is None else _in_its_place(found, elsewhere)


def _in_its_place(
    found: Proposal | Finding | Skipped, routed: Skipped
) -> Proposal | Finding | Skipped:
    """What came of the prompt where a tool was the place, and no file of it was found."""
    if isinstance(found, Proposal):
        tried = f"{routed.what}: {routed.reason}"
        return replace(found, alternatives=(*found.alternatives, tried))
    if isinstance(found, Finding):
        return replace(found, sentence=f"{found.sentence} {TOOL_ELSEWHERE}.")
    if found.code == "no_file":
        return routed
    reason = f"{TOOL_ELSEWHERE}, and the prompt gives no change either."
    return replace(found, reason=reason, detail=f"{found.reason} {found.detail}".rstrip())


def _monthly(facts: pa.Table, agent: str, *, now: datetime) -> float | None:
    """Conversations of the agent in 30 days, by those of the last 28; None where none is known."""
    since = now - timedelta(days=28)
    own = facts.filter((pc.field("agent") == agent) & (pc.field("started_at") >= since))
    return own.num_rows * 30 / 28 or None


def _prompt_change(pattern: Pattern) -> str:
    segment = [f"{key}={value}" for key, value in sorted(pattern.segment.items())]
    whom = ", ".join(filter(None, [pattern.intent_name, *segment]))
    return f"a prompt change for {pattern.outcome} of {pattern.agent} ({whom})"


def _unchanged(pattern: Pattern, past: Sequence[PastProposal]) -> Skipped | None:
    """An open change by the model on no more evidence: asking again would only reword it."""
    for one in past:
        same = (one.agent, one.pattern_id) == (pattern.agent, pattern.id)
        seen = one.marker.get("pattern_evidence")
        by_the_model = one.kind in BY_THE_MODEL
        if one.state != "open" or not (same and by_the_model and isinstance(seen, int)):
            continue
        if one.remarks or one.stale_paths:  # A reviewer, a check or the file asks for another look.
            continue
        if len(pattern.evidence) <= seen:
            return Skipped(
                what=_prompt_change(pattern),
                code="unchanged",
                reason=f"{one.reference} rests on the same evidence; nothing is new.",
                pattern_id=pattern.id,
            )
    return None


def _mended(pattern: Pattern, late: Pattern, past: Sequence[PastProposal]) -> Skipped | None:
    """What is left of it since our last merge is too little: the same cause, found in another
    group of the same window, would be mended a second time."""
    merge = _last_merge(pattern, past)
    if merge is None or len(late.evidence) >= MIN_CONVERSATIONS:
        return None
    return Skipped(
        what=_prompt_change(pattern),
        code="measuring",
        reason=f"{len(late.evidence)} of its {count(len(pattern.evidence), 'conversation')} are "
        f"from after {merge.reference} was merged, which may have mended it; Debrief looks again "
        f"at {MIN_CONVERSATIONS}.",
        pattern_id=pattern.id,
    )


def _lately(
    pattern: Pattern, past: Sequence[PastProposal], started: Mapping[Key, datetime]
) -> Pattern:
    """The pattern with what failed since our last merge alone, where there was one."""
    merge = _last_merge(pattern, past)
    if merge is None or merge.merged_at is None:
        return pattern
    since = merge.merged_at
    dated = [(one, started.get((pattern.agent, one))) for one in pattern.evidence]
    return replace(pattern, evidence=tuple(one for one, at in dated if at and at >= since))


def _last_merge(pattern: Pattern, past: Sequence[PastProposal]) -> PastProposal | None:
    """The newest change by the model that works, or may, and is about the same users."""
    merged = [
        (one.merged_at, one)
        for one in past
        if one.agent == pattern.agent
        and one.kind in BY_THE_MODEL
        and one.merged_at is not None
        and not one.reverted
        and one.verdict in (None, "worked")
        and (_intent(one) is None or pattern.intent_id in (None, _intent(one)))
    ]
    return max(merged, key=lambda pair: pair[0])[1] if merged else None


def _intent(past: PastProposal) -> str | None:
    prediction = past.marker.get("prediction")
    found = prediction.get("intent_id") if isinstance(prediction, dict) else None
    return found if isinstance(found, str) else None


def _started(facts: pa.Table) -> Mapping[Key, datetime]:
    columns = (facts[name].to_pylist() for name in ("agent", "conversation_id", "started_at"))
    return {(agent, one): at for agent, one, at in zip(*columns, strict=True) if at is not None}


def examples(facts: pa.Table, pattern: Pattern) -> tuple[Sequence[Key], Sequence[Key]]:
    """Up to `EXAMPLES` newest failing conversations, and as many of the group that did not fail.

    Of the failing ones at most `OF_ONE` of the same user: with many chats, one user could else keep
    what the others show from being read, and with it from being mended.
    """
    failing = set(pattern.evidence)
    own = [row for row in facts.sort_by("started_at").to_pylist() if row["agent"] == pattern.agent]
    units = {row["conversation_id"]: row["unit"] for row in own}
    passing = [
        (row["agent"], row["conversation_id"])
        for row in own
        if row["conversation_id"] not in failing
        and not row["bad"]
        and (pattern.intent_id is None or pattern.intent_id in row["intents"])
    ]
    seen: Counter[str] = Counter()
    newest: list[Key] = []
    for conversation_id in reversed(pattern.evidence):
        unit = units.get(conversation_id, conversation_id)
        seen[unit] += 1
        if seen[unit] <= OF_ONE:
            newest.append((pattern.agent, conversation_id))
    return newest[:EXAMPLES][::-1], passing[-EXAMPLES:]


def without_a_model(waiting: int) -> Skipped:
    """One sentence for all that needs the model's key."""
    changes = f"prompt changes for {count(waiting, 'pattern')}" if waiting else "prompt changes"
    return Skipped(
        what=f"{changes}, and names of intents by the model",
        code="no_key",
        reason="No model key is set: set ANTHROPIC_API_KEY; rules and thresholds need none.",
    )
