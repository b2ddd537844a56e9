"""The router: what lies in a tool or in the program goes there before any prompt gets longer.

Takes a pattern whose cause is known; gives one small edit of a tool's description or of one
function, or a sentence that says why not. Refuses below the evidence floor. Asks a reader only
where a reader named the cause (whose answers are kept), then a writer and a judge: two to eight
calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.figures import count
from bot.proposals.diagnosis import Diagnosis, diagnose, enough_calls, pick_conversations
from bot.proposals.floors import conversation_floor
from bot.proposals.harness.case import build_proposal
from bot.proposals.harness.places import (
    Description,
    Function,
    find_description,
    find_function,
    messages_of,
)
from bot.proposals.harness.seen import Seen, failing_tools, look_at, tool_at
from bot.proposals.harness.writing import NotHere, write_edit
from bot.proposals.prompt import MAX_READ, problem_of
from bot.proposals.prompt_file import choose_prompt_file
from bot.proposals.spending import MAX_TOKENS, Metered
from bot.proposals.tools import tools_shown
from bot.records import (
    AgentFiles,
    Ask,
    Cause,
    Finding,
    Pattern,
    Proposal,
    Repository,
    Skipped,
)
from bot.transcript import write_transcript
from collector.records import Conversation

ROUTED = frozenset({"config", "harness", "tool_definition"})
"""Causes for which no prompt is asked to make up."""
MIN_SHARE = 0.5
"""Of the conversations that show the cause: where fewer share one tool there is no one place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """The conversations that show the cause at one tool, and what readers said of them."""

    tool: str
    conversations: tuple[Conversation, ...]
    read: int
    told: tuple[str, ...] = ()
    """Checked paraphrases and suggested rules of readers; none where a rule found the cause."""


def propose_harness(
    pattern: Pattern,
    repository: Repository,
    files: AgentFiles,
    *,
    failing: Sequence[Conversation],
    passing: Sequence[Conversation],
    constraints: Sequence[str],
    taken: Collection[str] = (),
    ask: Ask,
) -> Proposal | Skipped | Finding:
    """One edit where the pattern's cause lies; `pattern.cause` is one of `ROUTED`.

    `taken` are remedies that this cycle proposes without a model: one for a place is enough.

    Raises:
        DebriefError: what `ask` raises: the model's service or the key failed for good.
    """
    ask = metered = Metered(ask=ask, max_tokens=MAX_TOKENS)
    cause = pattern.cause
    if cause is None or cause.cause == "config":
        return _elsewhere(
            pattern, "limits and settings are proposed by counting, where a count fits"
        )
    shown = _shown(pattern, cause, failing, files, repository, ask)
    if not isinstance(shown, Shown):
        return shown
    short = conversation_floor(_cited(pattern, shown.conversations))
    if short is not None:
        return replace(short, what=_what(pattern))
    if any(shown.tool in remedy for remedy in taken):
        reason = "A change of this tool that rests on counting alone is proposed in this run."
        return Skipped(what=_what(pattern), code="covered", reason=reason)
    seen = look_at(shown.tool, (*failing, *passing))
    place = _place(cause, shown.tool, seen, files, repository)
    if isinstance(place, Skipped):
        return place
    seen = replace(
        seen, shapes=tuple(one for one in seen.shapes if one.argument in place.file.text)
    )
    written = write_edit(
        place,
        _told(cause, shown, seen, place),
        around=_around(place, shown.tool, files, repository),
        constraints=constraints,
        sources=[(one.unit, _words_of(one)) for one in (*failing, *passing)],
        ask=ask,
    )
    if isinstance(written, Skipped):
        return written
    if isinstance(written, NotHere):
        return _elsewhere(pattern, "the writer of changes sees no small edit that would prevent it")
    cited = _cited(pattern, shown.conversations)
    return build_proposal(
        cited, cause, place, written, seen, shown.conversations, shown.read, metered.cost
    )


# -- what shows the cause --------------------------------------------------------------------------


def _shown(
    pattern: Pattern,
    cause: Cause,
    failing: Sequence[Conversation],
    files: AgentFiles,
    repository: Repository,
    ask: Ask,
) -> Shown | Skipped | Finding:
    """By counting where a rule found the cause, by the readers' diagnoses where a reader did."""
    told = [one for one in failing if one.completeness.text]
    if cause.by == "rule":
        tools = [one for one, _ in failing_tools(failing).most_common()]
        if not tools or not cause.kind.startswith("tool_") or cause.kind == "tool_loop":
            return _elsewhere(pattern, "what was seen names no tool, so no one place either")
        tool = next((one for one in tools if f"`{one}`" in cause.sentence), tools[0])
        hit = tuple(one for one in failing if tool in failing_tools([one]))
        return Shown(tool=tool, conversations=hit, read=len(failing))
    prompt = choose_prompt_file(files, repository, [one.system for one in told if one.system])
    systems = [one.system for one in told if one.system]
    agent_prompt = (systems or ["(not known)"])[-1] if isinstance(prompt, Skipped) else prompt.text
    reading = diagnose(
        pick_conversations(told, MAX_READ),
        agent_prompt=agent_prompt,
        agent_tools=tools_shown(told, files, repository),
        problem=problem_of(pattern, files),
        ask=ask,
    )
    members = [one for one in reading.diagnoses if one.locus == cause.cause]
    if not enough_calls(members):
        reason = "Too few separate requests to the reader name this cause, so one could mislead it."
        return Skipped(what=_what(pattern), code="evidence_floor", reason=reason)
    at = {one.conversation.conversation_id: _tool_of(one) for one in members}
    named = Counter(tool for tool in at.values() if tool)
    if not named or named.most_common(1)[0][1] < MIN_SHARE * len(members):
        return _elsewhere(pattern, "its diagnoses point at no one tool, so at no one place either")
    tool = named.most_common(1)[0][0]
    own = [one for one in members if at[one.conversation.conversation_id] == tool]
    return Shown(
        tool=tool,
        conversations=tuple(one.conversation for one in own),
        read=reading.read,
        told=tuple(
            dict.fromkeys(text for one in own for text in (one.paraphrase, one.rule) if text)
        ),
    )


def _tool_of(diagnosis: Diagnosis) -> str | None:
    return tool_at(diagnosis.conversation, diagnosis.message_index)


def _cited(pattern: Pattern, conversations: Sequence[Conversation]) -> Pattern:
    """The pattern with only these conversations as its evidence."""
    users = Counter(one.user_id for one in conversations if one.user_id)
    return replace(
        pattern,
        evidence=tuple(one.conversation_id for one in conversations),
        evidence_users=len(users),
        top_user_share=max(users.values()) / len(conversations) if users else None,
    )


def _elsewhere(pattern: Pattern, why: str) -> Finding:
    said = f" {pattern.cause.sentence}" if pattern.cause else ""
    return Finding(
        kind=f"root_cause:{pattern.root_cause}",
        agent=pattern.agent,
        sentence=f"Not fixable by a change that a model writes: {why}.{said}",
        evidence=pattern.evidence[-12:],
    )


def _what(pattern: Pattern) -> str:
    return f"a change to a tool of {pattern.agent} against {pattern.outcome}"


# -- the place and what the writer is told of it -------------------------------------------------


def _place(
    cause: Cause, tool: str, seen: Seen, files: AgentFiles, repository: Repository
) -> Description | Function | Skipped:
    """Where the cause says, else the tool's other half: its function says in a docstring, and its
    description to the model, what the other one does."""
    described = find_description(tool, files, repository)
    if cause.cause == "tool_definition" and not _is_missing(described):
        return described
    function = find_function(tool, seen.messages, files, repository)
    if cause.cause == "harness" and _is_missing(function) and not _is_missing(described):
        return described
    return function


def _is_missing(place: Description | Function | Skipped) -> bool:
    return isinstance(place, Skipped) and place.code == "no_file"


def _around(
    place: Description | Function, tool: str, files: AgentFiles, repository: Repository
) -> str:
    """The other half of the tool, where it is in the agent's files: never outside text."""
    if isinstance(place, Function):
        other: Description | Function | Skipped = find_description(tool, files, repository)
    else:
        other = find_function(tool, (), files, repository)
    return "" if isinstance(other, Skipped) else other.text


def _told(cause: Cause, shown: Shown, seen: Seen, place: Description | Function) -> str:
    """The cause for writer and judge: our counts, shapes, the code's own texts, readers' words."""
    lines = [
        cause.sentence,
        f"{count(len(shown.conversations), 'conversation')} show it. The tool was called "
        f"{seen.calls} times, and {seen.failed} calls failed.",
    ]
    if seen.shapes:
        lines.append("Shapes of its arguments (A and a are letters, 9 is a digit, … repeats):")
        lines += [
            f"- {one.argument} like {one.shape}: {one.refused} calls failed, {one.accepted} did not"
            for one in seen.shapes
        ]
    if isinstance(place, Function) and (said := messages_of(place, seen.messages)):
        lines.append("Texts of this function that stood in the errors:")
        lines += [f"- {text}" for text in said[:5]]
    if shown.told:
        lines.append("What readers said, each of one conversation:")
        lines += [f"- {text}" for text in shown.told[:12]]
    return "\n".join(lines)


def _words_of(conversation: Conversation) -> str:
    return write_transcript(conversation, max_chars=10**9).text
