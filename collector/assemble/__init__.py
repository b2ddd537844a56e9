"""Spans and events to conversations.

Takes rows of the tables `spans` and `events`, in any order, repeated or not. Gives `Conversation`s
in order of time, and `Unreadable` for what could not become one. Refuses nothing: a broken span
costs itself. Costs one pass over the spans, in memory.
"""

from __future__ import annotations

from collector.assemble.assembly import assemble, user_events
from collector.assemble.reading import (
    read_conversations,
    read_events,
    read_some,
    read_user_events,
)
from collector.assemble.workers import Means

__all__ = [
    "Means",
    "assemble",
    "read_conversations",
    "read_events",
    "read_some",
    "read_user_events",
    "user_events",
]
