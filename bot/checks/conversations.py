"""Do conversations come whole: their text, their dialects, whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.checks.check import Check, not_checked, ok, problem, warning
from bot.figures import count
from bot.settings import AgentSettings
from collector.records import UNKNOWN_AGENT

FEW = 0.5
"""Below this share something is a warning."""
_NAMED = 3
"""Names in one sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConversationFacts:
    """The newest conversations of a store, counted."""

    conversations: int
    unreadable: Mapping[str, int] = field(default_factory=dict)
    """Pieces of telemetry that could not become a conversation, by the reason."""
    by_agent: Mapping[str, int] = field(default_factory=dict)
    by_dialect: Mapping[str, int] = field(default_factory=dict)
    unknown_scopes: Mapping[str, int] = field(default_factory=dict)
    """Spans of model calls that no dialect speaks, by the instrumentation's scope."""
    without_text: Mapping[str, int] = field(default_factory=dict)
    """Conversations whose text was not sent, by what turns it on."""
    silent_scopes: Mapping[str, int] = field(default_factory=dict)
    """Instrumentations whose model calls have no text, and how many calls."""
    with_user: int = 0
    with_system: int = 0
    with_times: int = 0
    with_tool_results: int = 0
    """Of all; those that called no tool count as complete."""
    with_version: int = 0
    truncated: int = 0
    by_history: int = 0
    """Conversations that no sender named: put together by history or by trace."""


def check_conversations(facts: ConversationFacts) -> Iterator[Check]:
    """Who speaks, in which dialect, and what is missing."""
    if not facts.conversations:
        yield not_checked(
            "conversations",
            "No conversation is in the newest rows.",
            "See whether the agent's instrumentation exports spans of model calls.",
        )
        return
    yield ok(
        "conversations",
        f"The newest {count(facts.conversations, 'conversation')}: {_list(facts.by_agent)}.",
    )
    yield _dialects(facts)
    if facts.unreadable:
        yield _unreadable(facts.unreadable)
    yield _text(facts)
    yield from _names(facts)
    yield from _shares(facts)


def _dialects(facts: ConversationFacts) -> Check:
    known = {name: n for name, n in facts.by_dialect.items() if name != "unknown"}
    if facts.unknown_scopes:
        return warning(
            "dialects",
            f"Model calls of {_list(facts.unknown_scopes, 'span')} speak no dialect that is known: "
            "they are read as far as their keys are.",
            "Ask for the dialect with an example of the spans; docs/dialects.md lists those known.",
        )
    return ok("dialects", f"All is read: {_list(known) or 'nothing'}.")


def _unreadable(reasons: Mapping[str, int]) -> Check:
    most = max(reasons, key=lambda reason: reasons[reason])
    return warning(
        "unreadable",
        f"{count(sum(reasons.values()), 'piece')} of telemetry could not become a conversation, "
        f"mostly {most[:200]}.",
        "Tie feedback to a conversation or a trace, and send spans with their trace.",
    )


def _text(facts: ConversationFacts) -> Check:
    lacking = sum(facts.without_text.values())
    if not lacking:
        return ok("text", "What was said is there.")
    told = f"{lacking:,} of {count(facts.conversations, 'conversation')} came without text."
    if facts.silent_scopes:
        told += f" Model calls without text: {_list(facts.silent_scopes)}."
    make = problem if lacking / facts.conversations > FEW else warning
    return make("text", told, _switches(facts.without_text))


def _switches(hints: Mapping[str, int]) -> str:
    """Every switch that turns texts on, the most needed first, each with how many need it."""
    ordered = sorted(hints, key=lambda hint: (-hints[hint], hint))
    told = [hint.removeprefix("text is missing: ") for hint in ordered]
    if len(told) == 1:
        return f"{told[0][:1].upper()}{told[0][1:]}."
    numbered = [
        f"for {count(hints[hint], 'conversation')} {switch}"
        for hint, switch in zip(ordered, told, strict=True)
    ]
    return f"{numbered[0][:1].upper()}{numbered[0][1:]}; {'; '.join(numbered[1:])}."


def _names(facts: ConversationFacts) -> Iterator[Check]:
    nameless = facts.by_agent.get(UNKNOWN_AGENT, 0)
    if nameless:
        yield warning(
            "agent_names",
            f"No agent is named by {count(nameless, 'conversation')}.",
            "Set OTEL_SERVICE_NAME where the agent runs, or pass --agent to `debrief import`.",
        )
    if facts.by_history > FEW * facts.conversations:
        yield warning(
            "conversation_ids",
            f"{_percent(facts.by_history, facts.conversations)} of conversations have no id of "
            "their own: they were put together by their history or by trace.",
            "Send `gen_ai.conversation.id` or `session.id`; three lines of the SDK do it "
            "(docs/sdk.md).",
        )


def _shares(facts: ConversationFacts) -> Iterator[Check]:
    """What statistics and proposals need, and how much of it is there."""
    total = facts.conversations
    for name, has, lacks, what_for, fix in (
        (
            "users", facts.with_user, "name no user",
            "evidence then counts conversations instead of people",
            "Send `user.id` (a hash will do: the store keeps pseudonyms only).",
        ),
        (
            "times", facts.with_times, "have no times", "they stay out of trends and verdicts",
            "Send or import the times of messages.",
        ),
        (
            "system_prompts", facts.with_system, "have no system prompt",
            "which prompt served them is then not known",
            "Turn on the capture of system instructions in the agent's instrumentation.",
        ),
        (
            "tool_results", facts.with_tool_results, "lack results of tools",
            "failures of tools are then not seen",
            "Instrument the tools too, or let the instrumentation capture their results.",
        ),
    ):  # fmt: skip
        if has <= FEW * total:
            told = f"{_percent(total - has, total)} of conversations {lacks}: {what_for}."
            yield warning(name, told, fix)
        else:
            yield ok(name, f"{name.replace('_', ' ').capitalize()}: {_percent(has, total)}.")
    if facts.truncated:
        yield warning(
            "truncation",
            f"A limit of the sender has cut {count(facts.truncated, 'conversation')}.",
            "Raise OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT and OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT where "
            "the agent runs.",
        )


def check_agents(agents: Sequence[AgentSettings], by_agent: Mapping[str, int]) -> Iterator[Check]:
    """Do the settings and the store speak of the same agents?"""
    if not by_agent:
        return
    known = {name for agent in agents for name in (agent.name, *agent.match)}
    strangers = [name for name in by_agent if name not in known and name != UNKNOWN_AGENT]
    for agent in agents:
        if not {agent.name, *agent.match} & by_agent.keys():
            others = f": did you mean {_list(strangers)}?" if strangers else "."
            yield warning(
                "agents_in_settings",
                f"The settings name the agent {agent.name!r}, and no new conversation is of "
                f"it{others}",
                "Correct `name`, or list the names under which it arrives in `match`.",
            )
    if agents and strangers:
        yield warning(
            "agents_without_settings",
            f"Conversations of {_list(strangers)} arrive, and the settings say nothing of them.",
            "Name them under `agents` with their prompts and thresholds, or nothing can be "
            "proposed for them.",
        )


def _list(names: Mapping[str, int] | Sequence[str], noun: str = "") -> str:
    """`shop 12, desk 3 and 4 more`, most frequent first."""
    if isinstance(names, Mapping):
        ordered = sorted(names, key=lambda name: (-names[name], name))
        told = [f"{name or 'no name'} {names[name]:,}" for name in ordered]
    else:
        told = [repr(name) for name in names]
    more = f" and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    ending = f" {noun}s" if noun and told else ""
    return ", ".join(told[:_NAMED]) + more + ending


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %"
