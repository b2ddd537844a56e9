"""Conversations that show one fault, as the evidence floors and a pull request count them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bot.proposals.floors import floor_note
from bot.records import Evidence, EvidenceItem, Pattern, RootCause, short_hash
from bot.statistics import failure_rate
from collector.records import Conversation

SAMPLES = 5
"""Conversations that the evidence describes one by one, the newest."""


def counted_pattern(
    agent: str,
    *fault: str,
    outcome: str,
    root_cause: RootCause,
    failing: Sequence[Conversation],
    conversations: Sequence[Conversation],
) -> Pattern:
    """`failing` among `conversations`, oldest first; `fault` tells it from the agent's others."""
    share = failure_rate(len(failing), len(conversations))
    users = Counter(one.user_id for one in failing if one.user_id)
    return Pattern(
        id=f"pt-{short_hash(agent, *fault)}",
        kind="outcome",
        agent=agent,
        outcome=outcome,
        unit="conversation",
        rate=share.rate,
        rate_interval=share.interval,
        users=len({one.unit for one in conversations}),
        conversations=len(conversations),
        evidence=tuple(one.conversation_id for one in failing),
        evidence_users=len(users),
        top_user_share=max(users.values()) / len(failing) if users else None,
        root_cause=root_cause,
    )


def counted_evidence(
    pattern: Pattern, failing: Sequence[Conversation], items: Sequence[EvidenceItem]
) -> Evidence:
    """All of `failing`, of which `items` describe some."""
    times = sorted(one.started_at for one in failing if one.started_at)
    return Evidence(
        entries=len(pattern.evidence),
        users=pattern.evidence_users,
        conversation_ids=pattern.evidence,
        items=tuple(items[-SAMPLES:]),
        first_at=times[0] if times else None,
        last_at=times[-1] if times else None,
        note=floor_note(pattern),
    )
