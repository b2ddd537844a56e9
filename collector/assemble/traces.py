"""Spans of one trace to nodes that know what they are inside of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from collector import semconv
from collector.dialects import Dialect, detect
from collector.dialects.spans import Span


@dataclass(slots=True, eq=False)
class Node:
    """One span in its trace, with what it inherits from the spans around it."""

    span: Span
    parent: Node | None
    dialect: Dialect | None = None
    kind: str = "other"
    conversation_id: str | None = None
    user_id: str | None = None
    agent: str | None = None
    """Name of the nearest agent, this span's own included."""
    outer_agent: str | None = None
    """Name of the agent nearest to the root."""
    call: Node | None = None
    """Nearest model call around this span with no tool in between: the same call, seen twice."""
    wrapper: Node | None = None
    """Nearest agent span around this one with no tool in between."""
    depth: int = 0
    tool: Node | None = None
    """Nearest tool around this span: it runs for that tool."""

    @property
    def is_sub_agent(self) -> bool:
        return self.tool is not None or self.agent != self.outer_agent


def newest(spans: Iterable[Span]) -> list[Span]:
    """Drop repeats of (trace, span): the one received last stays, then the fullest."""
    kept: dict[tuple[str, str], Span] = {}
    for span in spans:
        key = (span.row["trace_id"], span.span_id)
        other = kept.get(key)
        if other is None or _freshness(other) < _freshness(span):
            kept[key] = span
    return list(kept.values())


def _freshness(span: Span) -> tuple[int, int, int, str]:
    attributes = span.row["attributes"] or ()
    pairs = attributes.items() if isinstance(attributes, dict) else attributes
    return (span.row["received_ns"] or 0, span.end_ns, len(attributes), str(sorted(pairs)))


def plant(spans: Iterable[Span]) -> list[Node]:
    """Link the spans of one trace, parents before children; then spread ids over the trace.

    Parents that never came make their children roots, and so does a circle of parents.
    """
    in_time = sorted(spans, key=lambda span: (span.start_ns, span.end_ns, span.span_id))
    by_id = {span.span_id: span for span in in_time}
    children: dict[str, list[Span]] = {}
    roots: list[Span] = []
    for span in in_time:
        parent = span.row["parent_span_id"]
        if parent in by_id and parent != span.span_id:
            children.setdefault(parent, []).append(span)
        else:
            roots.append(span)
    nodes: dict[str, Node] = {}
    for root in (*roots, *in_time):  # the second part only reaches what hangs on a circle
        waiting: list[tuple[Span, Node | None]] = [(root, None)]
        for span, parent_node in waiting:
            if span.span_id not in nodes:
                node = nodes[span.span_id] = _node(span, parent_node)
                waiting += [(child, node) for child in children.get(span.span_id, ())]
    planted = list(nodes.values())
    _spread(planted, "conversation_id")
    _spread(planted, "user_id")
    return planted


def _node(span: Span, parent: Node | None) -> Node:
    dialect = detect(span)
    kind = dialect.reader.kind(span) if dialect else "other"
    agent = _agent_name(span, kind)
    node = Node(
        span=span,
        parent=parent,
        dialect=dialect,
        kind=kind,
        conversation_id=span.row["conversation_id"] or span.text(*semconv.CONVERSATION_IDS),
        user_id=span.row["user_id"] or span.text(*semconv.USER_IDS),
        agent=agent or (parent.agent if parent else None),
        outer_agent=(parent.outer_agent if parent else None) or agent,
    )
    if parent is None:
        return node
    node.depth = parent.depth + 1
    if parent.kind == "tool":
        node.tool = parent
    else:
        node.tool = parent.tool
        node.call = parent if parent.kind == "call" else parent.call
        node.wrapper = parent if parent.kind == "agent" else parent.wrapper
    return node


def _agent_name(span: Span, kind: str) -> str | None:
    if kind == "agent":
        return span.text(*semconv.AGENT_NAMES)
    return span.text(semconv.AGENT_NAME) if kind == "call" else None


_MODEL_KEYS = ("gen_ai.", "llm.", "ai.", "traceloop.", "langsmith.", "langfuse.", "mlflow.")
"""What keys of instrumentations of agents begin with, those that are not read yet among them."""


def is_of_a_model(node: Node) -> bool:
    """Whether a span is about a model or an agent; tools may run in traces of their own."""
    if node.dialect is not None:
        return node.kind in ("call", "agent")
    return any(key.startswith(_MODEL_KEYS) for key in node.span.keys)


def _spread(nodes: list[Node], name: str) -> None:
    """Give an id to the spans of a trace that have none of their own.

    The only id of a trace holds for all of it. Where a trace has several (a batch job), a span
    takes that of its nearest ancestor, else the one that all below it agree on.
    """
    sent = {value for node in nodes if (value := getattr(node, name)) is not None}
    if not sent:
        return
    if len(sent) == 1:
        only = sent.pop()
        for node in nodes:
            setattr(node, name, only)
        return
    below: dict[Node, set[str]] = {}
    for node in reversed(nodes):
        own = getattr(node, name)
        ids = {own} if own is not None else below.get(node, set())
        if node.parent is not None and ids:
            below.setdefault(node.parent, set()).update(ids)
    for node in nodes:
        if getattr(node, name) is None:
            inherited = getattr(node.parent, name) if node.parent else None
            agreed = below.get(node, set())
            setattr(node, name, inherited or (min(agreed) if len(agreed) == 1 else None))


@dataclass(slots=True, eq=False)
class Unit:
    """What surely is one conversation: one explicit id, or one trace without any."""

    service: str
    conversation_id: str | None
    nodes: list[Node] = field(default_factory=list)

    @property
    def user_id(self) -> str | None:
        return next((node.user_id for node in self.nodes if node.user_id), None)


def units(traces: Iterable[list[Node]]) -> list[Unit]:
    """Gather nodes by explicit id, over all traces; else by trace.

    The service that owns a part of a trace is that of its outermost agent or call, so that a web
    server in front and a remote tool behind change nothing.
    """
    by_key: dict[tuple[str, str], Unit] = {}
    for nodes in traces:
        parts: dict[str | None, list[Node]] = {}
        for node in nodes:
            parts.setdefault(node.conversation_id, []).append(node)
        for conversation_id, part in parts.items():
            owner = next((node for node in part if node.kind in ("agent", "call")), None)
            if owner is None:
                continue
            service = str(owner.span.row["service"] or "")
            trace_id = str(owner.span.row["trace_id"])
            key = (service, f"id {conversation_id}" if conversation_id else f"trace {trace_id}")
            unit = by_key.setdefault(key, Unit(service, conversation_id))
            unit.nodes += part
    for unit in by_key.values():
        unit.nodes.sort(key=_in_time)
    return list(by_key.values())


def _in_time(node: Node) -> tuple[int, int, str, str]:
    """Time order with parents before their children."""
    span = node.span
    return (span.start_ns, -span.end_ns, str(span.row["trace_id"]), span.span_id)
