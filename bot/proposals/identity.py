"""Names of proposals: the same remedy has the same id, the same content the same fingerprint."""

from __future__ import annotations

from collections.abc import Sequence

from bot.records import Edit, Evidence, Pattern, ProposalKind, short_hash


def proposal_id(kind: ProposalKind, pattern: Pattern, remedy: str) -> str:
    """`p-` and 8 hex digits; the wording and the values of a remedy are no part of it."""
    return f"p-{short_hash(pattern.agent, kind, pattern.id, remedy)}"


def fingerprint(id: str, edits: Sequence[Edit], evidence: Evidence) -> str:
    """16 hex digits of all that would change the pull request: nothing new, nothing written."""
    changes = [[edit.path, edit.old, edit.new] for edit in edits]
    return short_hash(id, changes, sorted(evidence.conversation_ids), length=16)
