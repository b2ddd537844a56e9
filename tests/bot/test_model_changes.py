"""Which patterns the model is asked about after a change of ours was merged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from bot.model_changes import model_changes
from bot.records import (
    FACTS_SCHEMA,
    AgentFiles,
    Finding,
    Interval,
    Key,
    PastProposal,
    Pattern,
    Proposal,
    RenderedPrompt,
    Reply,
    Repository,
    Skipped,
)
from collector.records import Conversation
from tests.bot.proposals_built import a_past

MERGED = datetime(2026, 11, 20, tzinfo=UTC)
NOW = MERGED + timedelta(days=14)
PATTERN = Pattern(
    id="pt-2",
    kind="outcome",
    agent="support",
    outcome="failure",
    unit="user",
    rate=0.5,
    rate_interval=Interval(low=0.3, high=0.7),
    users=20,
    conversations=20,
    evidence=tuple(f"c-{number}" for number in range(20)),
    evidence_users=20,
    intent_id="i-cancel",
    intent_name="cancel a stay",
)


def facts(after: int) -> pa.Table:
    """Twenty failures, the last `after` of them since the merge."""
    rows = [
        {
            "agent": "support",
            "conversation_id": f"c-{number}",
            "unit": f"u-{number}",
            "has_user": True,
            "started_at": MERGED + timedelta(days=1 if number >= 20 - after else -1),
            "has_text": True,
            "signals": [],
            "outcomes": ["failure"],
            "bad": ["failure"],
            "intents": ["i-cancel"],
            "segments": [],
        }
        for number in range(20)
    ]
    return pa.Table.from_pylist(rows, schema=FACTS_SCHEMA)


def a_merge(**changes: Any) -> PastProposal:
    made = a_past(agent="support", pattern_id="pt-1", state="merged", merged_at=MERGED)
    return replace(made, **changes)


def asked_about(past: PastProposal, *, after: int) -> tuple[set[str], list[str]]:
    """Ids of the failing conversations that are read, and codes of what is left out."""
    read: set[str] = set()

    def conversations_of(keys: Collection[Key]) -> Mapping[Key, Conversation]:
        read.update(id for _, id in keys)
        return {}

    def ask(prompt: RenderedPrompt) -> Reply | Skipped:
        raise AssertionError("nothing that was read has text")

    found: list[Proposal | Finding | Skipped] = list(
        model_changes(
            [PATTERN],
            facts(after),
            Repository(base_sha="0" * 40, base_branch="main", files={}),
            {"support": AgentFiles(agent="support")},
            [past],
            slots=3,
            taken=(),
            conversations_of=conversations_of,
            ask=ask,
            now=NOW,
        )
    )
    return read, [one.code for one in found if isinstance(one, Skipped)]


def test_failures_from_before_a_merge_are_mended_no_second_time() -> None:
    read, codes = asked_about(a_merge(), after=4)

    assert codes == ["measuring"]
    assert read == set()


def test_what_fails_after_a_merge_is_read_and_nothing_from_before() -> None:
    read, codes = asked_about(a_merge(), after=6)

    assert "measuring" not in codes
    assert read == {f"c-{number}" for number in range(14, 20)}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"verdict": "no_effect"}, id="it-had-no-effect"),
        pytest.param({"reverted": True}, id="it-was-taken-back"),
        pytest.param({"agent": "booking"}, id="of-another-agent"),
        pytest.param({"marker": {"prediction": {"intent_id": "i-refund"}}}, id="other-intent"),
        pytest.param({"kind": "threshold"}, id="a-number"),
    ],
)
def test_a_merge_that_mended_nothing_of_it_holds_nothing_up(changes: dict[str, Any]) -> None:
    read, codes = asked_about(a_merge(**changes), after=0)

    assert "measuring" not in codes
    assert len(read) == 20
