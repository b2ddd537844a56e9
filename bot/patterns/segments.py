"""Segments that nobody declared: a user's first conversation, and the step at which it ended.

They stand beside the declared segments in FACTS_SCHEMA; a declared one of the same name stays.
What is chosen never looks at who failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from collector.records import Conversation

FIRST_SESSION = "first_session"
LAST_TOOL = "last_tool"
LAST_QUESTION = "last_question"
WORDING = "wording"
STEPS = frozenset({LAST_TOOL, LAST_QUESTION})
"""How a conversation ended: compared with those that ended in another one of the same kind."""
SEEN = frozenset({FIRST_SESSION, WORDING, *STEPS})
"""All that Debrief sees by itself."""
KNOWN_AFTER = timedelta(days=7)
"""A user who comes in the first days that are known may have come before them."""
MIN_RETURNING = 0.05
"""Share of users with a second conversation under which nobody's first one is special."""
QUESTION_CHARS = 300
_QUESTION_MARKS = ("?", "？", "؟")  # noqa: RUF001 - full width, Arabic
_NAME_CHARS = 80


def last_tool(conversation: Conversation) -> str | None:
    """Name of the last tool that the agent itself called."""
    for message in reversed(conversation.messages):
        if message.parent_tool_call_id is None and message.tool_calls:
            return message.tool_calls[-1].name[:_NAME_CHARS] or None
    return None


def last_question(conversation: Conversation) -> str | None:
    """What the agent asked last, where nobody answered it: its last sentence. Outside text."""
    for message in reversed(conversation.messages):
        if message.role == "tool" or message.parent_tool_call_id is not None or not message.text:
            continue
        said = message.text.rstrip(" \n\t\"'*_)»”")
        if message.role != "assistant" or not said.endswith(_QUESTION_MARKS):
            return None
        return _last_sentence(said)[-QUESTION_CHARS:]
    return None


def _last_sentence(text: str) -> str:
    line = text.splitlines()[-1]
    start = max(line.rfind(mark, 0, len(line) - 1) for mark in ".!?。！？؟")  # noqa: RUF001
    return line[start + 1 :].strip()


def with_first_sessions(facts: pa.Table) -> pa.Table:
    """`facts` with the segment first_session=yes at each user's first conversation with an agent.

    Only where users have ids and some come again; the first week that is known is left out, since
    who came then may have come before.
    """
    columns = facts.select(["agent", "unit", "has_user", "started_at", "conversation_id"])
    rows = columns.to_pydict()
    order = pc.sort_indices(
        columns, sort_keys=[("started_at", "ascending"), ("conversation_id", "ascending")]
    ).to_pylist()
    seen: dict[tuple[str, str], int] = {}
    first_seen: dict[str, object] = {}
    firsts: dict[str, list[int]] = {}
    for row in order:
        at, agent = rows["started_at"][row], rows["agent"][row]
        if at is None or not rows["has_user"][row]:
            continue
        since = first_seen.setdefault(agent, at + KNOWN_AFTER)
        key = agent, rows["unit"][row]
        seen[key] = seen.get(key, 0) + 1
        if seen[key] == 1 and at >= since:
            firsts.setdefault(agent, []).append(row)
    users: dict[str, list[int]] = {}
    for (agent, _), times in seen.items():
        users.setdefault(agent, []).append(times)
    added = {
        row: {FIRST_SESSION: "yes"}
        for agent, own in firsts.items()
        if sum(times > 1 for times in users[agent]) >= MIN_RETURNING * len(users[agent])
        for row in own
    }
    return with_segments(facts, added)


def with_segments(facts: pa.Table, added: Mapping[int, Mapping[str, str]]) -> pa.Table:
    """`facts` with further segments; `added` maps numbers of rows to them."""
    if not added:
        return facts
    at = facts.schema.get_field_index("segments")
    segments = [
        sorted({**added[row], **dict(own or ())}.items()) if row in added else own
        for row, own in enumerate(facts["segments"].to_pylist())
    ]
    field = facts.schema.field(at)
    return facts.set_column(at, field, pa.array(segments, type=field.type))
