"""Which spans are the source of which call: one model call counts once, however many spans show it.

Provider SDK, instrumentation and framework each report the same call. Leaf inference spans are the
source; what wraps them gives ids, and content only where the leaf has none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace

from collector.assemble.traces import Node, Unit
from collector.dialects.calls import Call, ToolRun
from collector.dialects.histories import Histories
from collector.records import Message, Unreadable, Usage

_BROKEN = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What a hostile span can make a dialect raise; it costs that span and nothing else."""


@dataclass(slots=True, eq=False)
class Source:
    """One model call and the span it was read from."""

    node: Node
    call: Call

    @property
    def order(self) -> tuple[int, int, int, str]:
        """Time; of calls that start in one tick of the clock, the shorter history comes first."""
        call = self.call
        return (call.start_ns, len(call.input), call.end_ns, call.span_id)


@dataclass(frozen=True, slots=True)
class Sources:
    """All that the spans of one unit say."""

    calls: list[Source]
    """In time order."""
    runs: list[ToolRun]
    """In time order."""
    unreadable: list[Unreadable]


def read_sources(unit: Unit) -> Sources:
    """Read the spans of a unit (in time order) and fold those that show the same call."""
    histories = Histories()
    sources: list[Source] = []
    runs: dict[Node, ToolRun] = {}
    unreadable: list[Unreadable] = []
    for node in unit.nodes:
        if node.dialect is None or node.kind not in ("call", "tool"):
            continue
        try:
            if node.kind == "call":
                sources.append(Source(node, node.dialect.reader.read_call(node.span, histories)))
            else:
                runs[node] = node.dialect.reader.read_tool(node.span)
        except _BROKEN as error:
            unreadable.append(_unreadable(node, error))
    sources = _fold_same_response(sources)
    sources = _fold_nested(sources)
    sources = _fold_siblings(sources)
    sources = _ask_wrappers(unit, sources, unreadable)
    in_order = sorted(sources, key=lambda source: source.order)
    return Sources(in_order, _fold_runs(runs), unreadable)


def _fold_runs(runs: dict[Node, ToolRun]) -> list[ToolRun]:
    """Fold a run of a tool inside a run of the same tool: agent, MCP client and MCP server each
    report it. Deepest first, so that three fold into one."""
    for node in sorted(runs, key=lambda node: -node.depth):
        outer = runs.get(node.tool) if node.tool else None
        is_inside = node.wrapper is None and node.call is None
        if node.tool and outer and is_inside and _is_same_tool(outer.name, runs[node].name):
            runs[node.tool] = _completed_run(outer, runs.pop(node))
    return list(runs.values())


def _is_same_tool(outer: str | None, inner: str | None) -> bool:
    """Frameworks put the plugin or the server before the name that the protocol has."""
    return outer is None or inner is None or outer.endswith(inner)


def _completed_run(run: ToolRun, twin: ToolRun) -> ToolRun:
    return replace(
        run,
        name=run.name or twin.name,
        call_id=run.call_id or twin.call_id,
        arguments=twin.arguments if run.arguments is None else run.arguments,
        result=twin.result if run.result is None else run.result,
        error=run.error or (twin.error if run.result is None else None),
    )


def _unreadable(node: Node, error: Exception) -> Unreadable:
    return Unreadable(
        what=f"span {node.span.span_id} of trace {node.span.row['trace_id']}",
        reason=f"{node.dialect.name if node.dialect else 'no dialect'}: {type(error).__name__}",
    )


def completed(call: Call, twin: Call) -> Call:
    """Fill what `call` lacks from another report of the same call."""
    error = call.error
    if error is not None and twin.error is not None and error.http_status is None:
        error = replace(error, kind=twin.error.kind, http_status=twin.error.http_status)
    elif error is None and not call.output:
        error = twin.error
    return replace(
        call,
        input=call.input or twin.input,
        output=_identified(call.output, twin.output),
        system=call.system or twin.system,
        model=call.model or twin.model,
        response_id=call.response_id or twin.response_id,
        usage=call.usage or twin.usage,
        error=error,
        previous_response_id=call.previous_response_id or twin.previous_response_id,
        is_elsewhere=call.is_elsewhere or twin.is_elsewhere,
    )


def _identified(output: tuple[Message, ...], twin: tuple[Message, ...]) -> tuple[Message, ...]:
    """Of two reports of one answer the one whose tool calls have their ids."""
    if any(not call.id for message in output for call in message.tool_calls):
        theirs = [call for message in twin for call in message.tool_calls]
        return twin if theirs and all(call.id for call in theirs) else output
    return output or twin


def _fold_same_response(sources: list[Source]) -> list[Source]:
    """Fold reports with the same response id; the fullest stays, and of equals the innermost."""
    by_response: dict[str, list[Source]] = {}
    folded: list[Source] = []
    for source in sources:
        if source.call.response_id:
            by_response.setdefault(source.call.response_id, []).append(source)
        else:
            folded.append(source)
    for twins in by_response.values():
        twins.sort(key=lambda source: (-_fullness(source.call), -source.node.depth))
        first, *others = twins
        for other in others:
            first.call = completed(first.call, other.call)
        folded.append(first)
    return folded


def _fullness(call: Call) -> int:
    return 2 * bool(call.output) + bool(call.input)


def _fold_nested(sources: list[Source]) -> list[Source]:
    """Fold a call inside a call. Deepest first, so that three layers fold into one."""
    by_node = {source.node: source for source in sources}
    inside: dict[Node, list[Source]] = {}
    for source in sorted(sources, key=lambda source: -source.node.depth):
        inner = [twin for twin in inside.pop(source.node, ()) if twin.node in by_node]
        outer = source.node.call
        while outer is not None and outer not in by_node:
            outer = outer.call
        if inner:
            spoken = [twin for twin in inner if twin.call.has_content]
            if spoken or not source.call.has_content:
                del by_node[source.node]
                if len(inner) == 1:
                    inner[0].call = completed(inner[0].call, source.call)
                if outer is not None:
                    inside.setdefault(outer, []).extend(inner)
                continue
            for twin in inner:
                source.call = completed(source.call, twin.call)
                del by_node[twin.node]
        if outer is not None:
            inside.setdefault(outer, []).append(source)
    return list(by_node.values())


def _fold_siblings(sources: list[Source]) -> list[Source]:
    """Fold a silent call into the speaking one beside it that was under way at that time.

    The Anthropic SDK's own span is a sibling of OpenLLMetry's, and a failed call has no response
    id.
    """
    speaking: dict[tuple[str, str | None], list[Source]] = {}
    for source in sorted(sources, key=lambda source: source.order):
        if source.call.has_content:
            speaking.setdefault(_place(source), []).append(source)
    starts = {place: [twin.call.start_ns for twin in twins] for place, twins in speaking.items()}
    folded: list[Source] = []
    for source in sources:
        beside = [] if source.call.has_content else speaking.get(_place(source), [])
        position = bisect_right(starts[_place(source)], source.call.start_ns) - 1 if beside else -1
        if position < 0 or not _same_moment(source.call, beside[position].call):
            folded.append(source)
            continue
        beside[position].call = completed(beside[position].call, source.call)
    return folded


def _place(source: Source) -> tuple[str, str | None]:
    return (source.node.span.row["trace_id"], source.node.span.row["parent_span_id"])


def _same_moment(silent: Call, speaking: Call) -> bool:
    if silent.response_id and speaking.response_id:
        return False
    return bool(silent.start_ns) and silent.start_ns < speaking.end_ns


def _ask_wrappers(unit: Unit, sources: list[Source], unreadable: list[Unreadable]) -> list[Source]:
    """Take content from agent spans where no call below them has it.

    An agent span without any call below is the call. Where all calls below are silent, the agent
    span speaks for them; where some spoke, a failed silent one takes the agent's input only.
    """
    covered: set[Node] = set()
    silent: dict[Node, list[Source]] = {}
    spoke: set[Node] = set()
    for source in sources:
        wrapper = source.node.wrapper
        if wrapper is not None and not source.call.has_content:
            silent.setdefault(wrapper, []).append(source)
        while wrapper is not None and (wrapper not in covered or source.call.has_content):
            covered.add(wrapper)
            if source.call.has_content:
                if wrapper in spoke:
                    break
                spoke.add(wrapper)
            wrapper = wrapper.wrapper
    replaced: set[Source] = set()
    added: list[Source] = []
    wrappers = [node for node in unit.nodes if node.kind == "agent"]
    for node in sorted(wrappers, key=lambda node: -node.depth):
        mine = silent.pop(node, [])
        if node in spoke or (node in covered and not mine):
            mine = [source for source in mine if source.call.error is not None]
            if not mine:
                continue
        call = _read_wrapper(node, unreadable)
        if call is None or not call.has_content:
            if mine and node.wrapper is not None:
                silent.setdefault(node.wrapper, []).extend(mine)
            continue
        if node in spoke:
            for source in mine:
                source.call = replace(source.call, input=call.input)
            continue
        added.append(Source(node, _speaking_for(call, mine)))
        replaced.update(mine)
        _cover(node, covered, spoke)
    return [source for source in sources if source not in replaced] + added


def _cover(node: Node, covered: set[Node], spoke: set[Node]) -> None:
    wrapper = node.wrapper
    while wrapper is not None and wrapper not in spoke:
        covered.add(wrapper)
        spoke.add(wrapper)
        wrapper = wrapper.wrapper


def _read_wrapper(node: Node, unreadable: list[Unreadable]) -> Call | None:
    if node.dialect is None:
        return None
    try:
        return node.dialect.reader.read_call(node.span, Histories())
    except _BROKEN as error:
        unreadable.append(_unreadable(node, error))
        return None


def _speaking_for(call: Call, silent: Iterable[Source]) -> Call:
    """Agent span's content with the usage of the calls below it, never the sum of both."""
    spoken_for = list(silent)
    counted = [source.call.usage for source in spoken_for if source.call.usage]
    if counted:
        usage = Usage(
            input_tokens=sum(usage.input_tokens for usage in counted),
            output_tokens=sum(usage.output_tokens for usage in counted),
        )
        call = replace(call, usage=usage)
    for source in spoken_for:
        call = replace(
            call,
            model=call.model or source.call.model,
            response_id=source.call.response_id or call.response_id,
            error=(source.call.error or call.error) if not call.output else None,
        )
    return call
