"""The router: what lies in a tool or in the program goes there before any prompt gets longer.

Takes a pattern whose cause is known; gives one small edit of a tool's description or of one
function, or a sentence that says why not. Refuses below the evidence floor. Asks a reader only
where a reader named the cause (whose answers are kept), then a writer and a judge: two to eight
calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.figures import count
from bot.proposals.diagnosis import Diagnosis, diagnose, enough_calls, pick_conversations
from bot.proposals.floors import conversation_floor
from bot.proposals.harness.around import around
from bot.proposals.harness.case import build_proposal
from bot.proposals.harness.functions import Function
from bot.proposals.harness.places import (
    Place,
    error_kinds,
    find_places,
    find_runner,
    messages_of,
)
from bot.proposals.harness.routing import failing_tool, failure_of
from bot.proposals.harness.seen import Seen, failing_tools, look_at, tool_at
from bot.proposals.harness.writing import NotHere, write_edit
from bot.proposals.prompt_case import about, seen_there
from bot.proposals.prompt_cause import MAX_READ, problem_of
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

MIN_SHARE = 0.5
"""Of the conversations that show the cause: where fewer share one tool there is no one place."""

_OF_TOOLS = frozenset(
    "empty_lookup tool_arguments tool_denied tool_failed tool_not_found tool_unavailable "  # noqa: SIM905
    "tool_unknown".split()
)
"""Kinds of causes by rule in which one tool answers badly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """The conversations that show the cause at one tool, and what readers said of them."""

    tool: str
    """Empty where it lies in the program around the model and at no tool."""
    conversations: tuple[Conversation, ...]
    read: int
    told: tuple[str, ...] = ()
    """Checked paraphrases and suggested rules of readers; none where a rule found the cause."""
    seen: Mapping[str, str] = field(default_factory=dict)
    """Conversation id to what a reader saw there, checked; empty where a rule found the cause."""


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
    """One edit where the pattern's cause lies; `pattern.cause` is one that `routed_cause` gives.

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
    if shown.tool and any(shown.tool in remedy for remedy in taken):
        reason = "A change of this tool is proposed in this run, or merged and still measured."
        return Skipped(what=_what(pattern), code="covered", reason=reason)
    seen = look_at(shown.tool, (*failing, *passing), failed=failure_of(cause))
    places = _places(cause, shown.tool, seen, files, repository)
    if isinstance(places, Skipped):
        return places
    if not places:
        why = "what was seen points at no one tool"
        if cause.cause == "harness":
            why += ", and no single function of this agent's files calls the model"
        return _elsewhere(pattern, why)
    texts = [one.file.text for one in places]
    seen = replace(
        seen, shapes=tuple(one for one in seen.shapes if any(one.argument in t for t in texts))
    )
    written = write_edit(
        places,
        _told(cause, shown, seen, places),
        around=around(places),
        constraints=constraints,
        sources=[(one.unit, _words_of(one)) for one in (*failing, *passing)],
        ask=ask,
    )
    if isinstance(written, Skipped):
        return written
    if isinstance(written, NotHere):
        return _elsewhere(
            pattern, "the model that writes changes sees no small edit that would prevent it"
        )
    cited = _cited(pattern, shown.conversations)
    return build_proposal(
        cited, cause, written, seen, shown.conversations, shown.read, metered.cost, said=shown.seen
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
        tool = failing_tool(cause, failing) if cause.kind in _OF_TOOLS else None
        if tool is None:
            return Shown(tool="", conversations=tuple(failing), read=len(failing))
        failed = failure_of(cause)
        hit = tuple(one for one in failing if tool in failing_tools([one], failed=failed))
        return Shown(tool=tool, conversations=hit, read=len(failing))
    prompt = choose_prompt_file(files, repository, [one.system for one in told if one.system])
    systems = [one.system for one in told if one.system]
    agent_prompt = (systems or ["(not known)"])[-1] if isinstance(prompt, Skipped) else prompt.whole
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
    tool, most = named.most_common(1)[0] if named else ("", 0)
    own = [one for one in members if at[one.conversation.conversation_id] == tool]
    if most < MIN_SHARE * len(members):
        tool, own = "", members
    return Shown(
        tool=tool,
        conversations=tuple(one.conversation for one in own),
        read=reading.read,
        told=tuple(
            dict.fromkeys(text for one in own for text in (one.paraphrase, one.rule) if text)
        ),
        seen={one.conversation.conversation_id: seen_there(one) for one in own},
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
        sentence=f"Not fixable by a small change of the files: {why}.{said}",
        evidence=pattern.evidence[-12:],
    )


def _what(pattern: Pattern) -> str:
    return f"a change to a tool of {pattern.agent} against {pattern.outcome}{about(pattern)}"


def _places(
    cause: Cause, tool: str, seen: Seen, files: AgentFiles, repository: Repository
) -> tuple[Place, ...] | Skipped:
    """Both halves of the tool; for a fault of the program also the function around the model."""
    in_program = cause.cause == "harness"
    runner = find_runner(files, repository) if in_program else None
    others = (runner,) if runner is not None else ()
    if not tool:
        return others
    found = find_places(tool, seen.messages, files, repository, function_first=in_program)
    if isinstance(found, Skipped):
        return others or found
    return found if runner in found else (*found, *others)


# -- what the writer is told -----------------------------------------------------------------------


def _told(cause: Cause, shown: Shown, seen: Seen, places: Sequence[Place]) -> str:
    """The cause for writer and judge: our counts, shapes, the code's own texts, readers' words."""
    lines = [cause.sentence]
    if shown.tool:
        lines.append(
            f"{count(len(shown.conversations), 'conversation')} show it. The tool {shown.tool} was "
            f"called {seen.calls} times, and {seen.failed} calls failed."
        )
    if seen.shapes:
        lines.append("Shapes of its arguments (A and a are letters, 9 is a digit, … repeats):")
        lines += [
            f"- {one.argument} like {one.shape}: {one.refused} calls failed, {one.accepted} did not"
            for one in seen.shapes
        ]
    if kinds := error_kinds(seen.messages):
        lines.append(f"Kinds of errors: {', '.join(kinds)}")
    functions = [one for one in places if isinstance(one, Function)]
    if said := [text for one in functions for text in messages_of(one, seen.messages)]:
        lines.append("Texts of this function that stood in the errors:")
        lines += [f"- {text}" for text in said[:5]]
    if shown.told:
        lines.append("What readers said, each of one conversation:")
        lines += [f"- {text}" for text in shown.told[:12]]
    return "\n".join(lines)


def _words_of(conversation: Conversation) -> str:
    return write_transcript(conversation, max_chars=10**9).text
