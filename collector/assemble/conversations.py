"""Threads and tool runs of one conversation to the record that all later stages read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from operator import attrgetter

from collector import semconv
from collector.assemble.answers import answer
from collector.assemble.drafts import Card, Draft, Flag, order_of
from collector.assemble.parts import Part
from collector.assemble.sources import Source
from collector.assemble.traces import Node
from collector.assemble.transcript import Keys, Line, Thread, place_of, weave
from collector.dialects.calls import ToolRun
from collector.dialects.spans import Span
from collector.dialects.switches import switch_for
from collector.dialects.tool_definitions import of_tool_run, tool_definitions
from collector.dialects.unknown import NAME as UNKNOWN_DIALECT
from collector.records import (
    UNKNOWN_AGENT,
    Completeness,
    Conversation,
    Message,
    ToolDefinition,
    Usage,
)
from collector.times import time_of


def build(parts: Sequence[Part], *, conversation_id: str, keys: Keys) -> Draft:
    """Build one conversation of what its spans say; `parts` are not empty."""
    nodes = sorted((node for part in parts for node in part.unit.nodes), key=_age)
    sources = sorted((s for part in parts for s in part.sources.calls), key=lambda s: s.order)
    runs = [run for part in parts for run in part.sources.runs]
    threads = weave(sources, keys)
    main = max(threads, key=Thread.weight, default=None)
    system = main.system if main else None
    lines = answer(
        _merged(main, threads, _outermost(nodes)), sorted(runs, key=lambda run: run.end_ns)
    )
    messages = tuple(_message(line) for line in lines)
    started_at, ended_at = _times(messages, sources)
    flag = min(_flags(nodes), default=None)
    conversation = Conversation(
        conversation_id=conversation_id,
        agent=_agent_of(nodes),
        version=_first(_versions(nodes)),
        variant=flag.variant if flag else None,
        user_id=_first(node.user_id for node in nodes),
        started_at=started_at,
        ended_at=ended_at,
        system=system,
        tool_definitions=_tool_definitions(main, nodes),
        messages=messages,
        errors=tuple(error for thread in threads for _, error in thread.failures),
        usage=_usage(sources),
        models=tuple(dict.fromkeys(s.call.model for s in sources if s.call.model)),
        segments=_segments(nodes),
        completeness=_completeness(sources, messages, runs, started_at, system),
        dialects=tuple(sorted({_dialect_name(source.node) for source in sources})),
    )
    return Draft(
        conversation=conversation,
        flag=flag,
        received_ns=max(node.span.row["received_ns"] or 0 for node in nodes),
        card=_card(conversation, nodes, sources),
    )


def _card(conversation: Conversation, nodes: Sequence[Node], sources: Sequence[Source]) -> Card:
    services = {str(node.span.row["service"]) for node in nodes}
    return Card(
        order=order_of(conversation),
        conversation_id=conversation.conversation_id,
        agents=frozenset({conversation.agent, *services}),
        trace_ids=frozenset(str(node.span.row["trace_id"]) for node in nodes),
        response_ids=frozenset(s.call.response_id for s in sources if s.call.response_id),
    )


def _dialect_name(node: Node) -> str:
    """Of an unknown dialect also the instrumentation, so that somebody can add it."""
    name = node.dialect.name if node.dialect else UNKNOWN_DIALECT
    if name != UNKNOWN_DIALECT:
        return name
    return f"{name} ({str(node.span.row['scope'] or 'without a name')[:100]})"


def _age(node: Node) -> tuple[int, int, str]:
    return (node.span.start_ns, node.depth, node.span.span_id)


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)


def _agent_of(nodes: Sequence[Node]) -> str:
    """The name that the application gave to `debrief.init`, else the outermost agent's."""
    return _first(node.span.text(semconv.AGENT) for node in nodes) or _outermost(nodes)


def _outermost(nodes: Sequence[Node]) -> str:
    """Name of the outermost agent of the earliest trace that names one, else of the service."""
    named = _first(node.outer_agent for node in nodes)
    services = (node.span.row["service"] for node in nodes if node.kind in ("agent", "call"))
    return named or _first(services) or UNKNOWN_AGENT


def _versions(nodes: Sequence[Node]) -> Iterator[str | None]:
    for node in nodes:
        yield node.span.text(semconv.AGENT_VERSION)
    for node in nodes:
        if node.kind in ("agent", "call"):
            yield node.span.resource(semconv.SERVICE_VERSION)


# --- the transcript ------------------------------------------------------------------------------


def _tool_definitions(main: Thread | None, nodes: Sequence[Node]) -> tuple[ToolDefinition, ...]:
    """Those of the last request of the main thread that offers any, else of the tools that ran."""
    if main is None:
        return ()
    for node in reversed(nodes):
        is_main = node.kind in ("call", "agent") and place_of(node) == main.place()
        if is_main and (found := tool_definitions(node.span)):
            return found
    ran = (of_tool_run(node.span) for node in nodes if node.kind == "tool" and node.tool is None)
    return tuple({one.name: one for one in ran if one}.values())


def _merged(main: Thread | None, threads: Sequence[Thread], agent: str) -> list[Line]:
    """The main thread with what sub-agents said put where it happened.

    What a sub-agent was told is not kept as a message: no user said it, and it is in the
    arguments of the tool call that started it.
    """
    if main is None:
        return []
    lines = [_labelled(line, line.agent if line.agent != agent else None) for line in main.lines]
    for thread in threads:
        if thread is main:
            continue
        spoken = [line for line in thread.lines if line.message.role != "user"]
        tool = thread.first.node.tool
        call_id = tool.span.text(semconv.TOOL_CALL_ID) if tool else None
        name = thread.first.node.agent
        name = name if name and name != agent else "sub-agent"
        place = _place(lines, call_id, spoken)
        lines[place:place] = [_labelled(line, name, call_id) for line in spoken]
    return lines


def _labelled(line: Line, agent: str | None, call_id: str | None = None) -> Line:
    message = line.message
    if message.role != "assistant":
        agent = None
    if agent is None and call_id is None:
        return line
    labelled = replace(message, agent=message.agent or agent, parent_tool_call_id=call_id)
    return Line(labelled, line.at_ns)


def _place(lines: Sequence[Line], call_id: str | None, spoken: Sequence[Line]) -> int:
    """Where a sub-agent's lines go: before the result of its tool call, else by time."""
    if call_id is not None:
        for number, line in enumerate(lines):
            if line.message.tool_call_id == call_id:
                return number
        for number, line in enumerate(lines):
            if any(call.id == call_id for call in line.message.tool_calls):
                return number + 1
    first_ns = spoken[0].at_ns if spoken else 0
    later = (number for number, line in enumerate(lines) if first_ns and line.at_ns > first_ns)
    return next(later, len(lines))


def _message(line: Line) -> Message:
    message = line.message
    if message.at or not line.at_ns:
        return message
    # A fifth of what `dataclasses.replace` costs, and every message comes by.
    return Message(
        **{**dict(zip(_FIELDS, _values(message), strict=True)), "at": time_of(line.at_ns)}
    )


_FIELDS = tuple(field.name for field in fields(Message))
_values = attrgetter(*_FIELDS)


# --- what surrounds it ---------------------------------------------------------------------------


def _times(
    messages: Sequence[Message], sources: Sequence[Source]
) -> tuple[datetime | None, datetime | None]:
    """First and last time known; a transcript's own span counts where no message has a time."""
    known = [message.at for message in messages if message.at]
    for source in sources:
        if not (source.call.is_transcript and known):
            bounds = (time_of(source.call.start_ns), time_of(source.call.end_ns))
            known += [bound for bound in bounds if bound]
    return min(known, default=None), max(known, default=None)


def _usage(sources: Sequence[Source]) -> Usage:
    counted = [source.call.usage for source in sources if source.call.usage]
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in counted),
        output_tokens=sum(usage.output_tokens for usage in counted),
    )


def _segments(nodes: Sequence[Node]) -> Mapping[str, str]:
    """Context keys; a span overrides its resource."""
    start = len(semconv.SEGMENT)
    segments: dict[str, str] = {}
    for node in nodes:
        span = node.span
        for key in span.resource_keys:
            if key.startswith(semconv.SEGMENT) and (text := span.resource(key)):
                segments.setdefault(key[start:], text)
    for node in nodes:
        for key in node.span.keys_in(semconv.SEGMENT):
            if text := node.span.text(key):
                segments[key[start:]] = text
    return segments


def _flags(nodes: Sequence[Node]) -> Iterator[Flag]:
    for node in nodes:
        if variant := node.span.text(*semconv.FLAG_VARIANTS):
            yield Flag(node.span.start_ns, variant)
        if node.span.row["events"] and "feature_flag" in node.span.row["events"]:
            yield from _event_flags(node.span)


def _event_flags(span: Span) -> Iterator[Flag]:
    for event in span.events():
        attributes = event.get("attributes")
        if event["name"] in semconv.FLAG_EVENTS and isinstance(attributes, dict):
            variant = _first(str(attributes.get(key) or "") for key in semconv.FLAG_VARIANTS)
            if variant:
                yield Flag(int(event.get("time_ns") or 0) or span.start_ns, variant)


def _completeness(
    sources: Sequence[Source],
    messages: Sequence[Message],
    runs: Sequence[ToolRun],
    started_at: datetime | None,
    system: str | None,
) -> Completeness:
    silent = [source for source in sources if not source.call.has_content]
    truncated = any(source.call.truncated for source in sources)
    has_text = bool(messages) and not silent
    has_results = _has_results(messages, runs)
    hint = None
    if not has_text:
        hint = _missing_text(silent[0] if silent else None)
    elif truncated:
        hint = (
            "content was cut: raise OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT and "
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT where the agent runs"
        )
    elif not has_results:
        hint = (
            "results of tools are missing: trace the tools too, or send the next request's history"
        )
    elif system is None:
        hint = "the system prompt was not sent: pass it with the request that is traced"
    return Completeness(
        text=has_text,
        system=system is not None,
        tool_results=has_results,
        times=started_at is not None,
        truncated=truncated,
        hint=hint,
    )


def _missing_text(silent: Source | None) -> str:
    if silent is not None and silent.call.is_elsewhere:
        return (
            "text is elsewhere: an upload hook of OpenTelemetry put it into files; to send it here "
            "unset OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK and set "
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY where the agent runs"
        )
    return f"text is missing: {switch_for(silent.node.span.row['scope'] if silent else None)}"


def _has_results(messages: Sequence[Message], runs: Sequence[ToolRun]) -> bool:
    """Whether every tool call has its result; calls at the very end may still be under way."""
    answered = {message.tool_call_id for message in messages if message.role == "tool"}
    last = max((n for n, message in enumerate(messages) if message.tool_calls), default=-1)
    for number, message in enumerate(messages):
        if message.role == "tool" and message.result is None and message.error is None:
            return False
        under_way = number == last == len(messages) - 1
        for call in message.tool_calls:
            if call.id not in answered and not under_way:
                return False
    return all(run.result is not None or run.error for run in runs) or bool(answered)
