"""Changes that need no model and no comparison: what an agent's own conversations count up.

Joins the facts with the proposals, as `pipeline` joins all stages. An agent is looked at only where
its conversations show faults of that kind at all; then its newest ones are read whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from bot.proposals import propose_arguments, propose_limits
from bot.records import AgentFiles, ConversationsOf, Proposal, Repository, Skipped

FAULTS = frozenset({"cut_off_answer", "empty_answer", "tool_error", "tool_loop"})
MIN_FAULTS = 5
"""Conversations with such a fault, below which nothing is read."""
READ = 400
"""Newest conversations of one agent that are read whole."""


def counted_changes(
    facts: pa.Table,
    repository: Repository,
    files: Mapping[str, AgentFiles],
    *,
    conversations_of: ConversationsOf,
) -> Iterator[Proposal | Skipped]:
    """Limits and descriptions of arguments, agent by agent."""
    for agent in sorted(files):
        own = facts.filter(pc.equal(facts["agent"], agent)).sort_by("started_at")
        kinds = Counter(kind for row in own["signals"].to_pylist() for kind in row)
        if sum(kinds[kind] for kind in FAULTS) < MIN_FAULTS:
            continue
        newest = own["conversation_id"].to_pylist()[-READ:]
        read = conversations_of([(agent, one) for one in newest])
        conversations = [read[agent, one] for one in newest if (agent, one) in read]
        rates = {f"signal:{kind}": number / own.num_rows for kind, number in kinds.items()}
        yield from propose_limits(agent, repository, files[agent], conversations, rates=rates)
        yield from propose_arguments(agent, repository, files[agent], conversations, rates=rates)
