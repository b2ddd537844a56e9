"""The audit of what Debrief did, append-only in the store; it is never read to decide.

An entry's id is a hash of what it says, so a second run on the same input writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.publish import PublishReport
from bot.records import Degraded, PastProposal, Plan, Verdict, short_hash
from collector.errors import StoreError
from collector.store import Store
from collector.times import to_ns

if TYPE_CHECKING:
    from bot.model import ModelCall

Entry = tuple[str, str, Mapping[str, Any]]
"""(action, subject, what it says)."""


def entries_of(
    plan: Plan,
    published: PublishReport,
    past: Sequence[PastProposal],
    verdicts: Sequence[Verdict],
) -> list[Entry]:
    """Every proposal, approval, rejection and verdict of one cycle, with its evidence ids."""
    entries: list[Entry] = []
    for operation in plan.operations:
        said = {**asdict(operation), "base_sha": plan.base_sha, "target": plan.target}
        del said["edits"]  # they are in the repository
        entries.append((f"planned:{operation.op}", operation.id, said))
    entries += [("skipped", one.what, asdict(one)) for one in plan.left_out]
    entries += [("verdict", one.proposal_id, asdict(one)) for one in verdicts]
    entries += [("published", one.id, asdict(one)) for one in published.done]
    entries += [("refused", one.what, asdict(one)) for one in published.refused]
    for one in past:
        # What people made of our change is a correction of Debrief itself.
        entries += [
            ("corrected", one.id, {"reference": one.reference, **asdict(edit)})
            for edit in one.reviewer_edits
        ]
        if one.state == "open":
            # Also of a run that was killed before it could write here what it had opened.
            evidence = one.marker.get("evidence")
            said = {"reference": one.reference, "fingerprint": one.fingerprint, "on": evidence}
            entries.append(("open", one.id, said))
        elif one.state == "merged":
            said = {"reference": one.reference, "merge_sha": one.merge_sha, "at": one.merged_at}
            entries.append(("approved", one.id, said))
            if one.reverted:
                entries.append(("taken_back", one.id, {"reference": one.reference}))
        elif one.state == "rejected":
            said = {"reference": one.reference, "why": one.rejection, "reason": one.reason}
            entries.append(("rejected", one.id, said))
    return entries


def remember(
    store: Store, entries: Iterable[Entry], calls: Sequence[ModelCall], *, now: datetime
) -> Degraded | None:
    """Append what the ledger does not have yet, and what the model cost.

    A store that may only be read is no fault: the run goes on and says so.
    """
    try:
        known = set(store.scan("ledger", columns=["entry_id"])["entry_id"].to_pylist())
        rows = [row for row in _rows(entries, now) if row["entry_id"] not in known]
        paid = [("model_call", one.prompt, {**asdict(one), "at": now}) for one in calls]
        store.append("ledger", rows, now=now)
        store.append("runs", _rows(paid, now), now=now)
    except StoreError as error:
        return Degraded(code="ledger", sentence=f"The ledger was not written: {error}")
    return None


def _rows(entries: Iterable[Entry], now: datetime) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for action, subject, said in entries:
        text = json.dumps(said, default=str, sort_keys=True)
        entry_id = short_hash(action, subject, text, length=32)
        rows[entry_id] = {
            "entry_id": entry_id,
            "at_ns": to_ns(now),
            "action": action,
            "subject": subject,
            "entry": text,
        }
    return list(rows.values())
