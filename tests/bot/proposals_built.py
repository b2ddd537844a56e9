"""Builders of what passes between the later stages: one fact in sight, defaults for the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.records import (
    AgentHealth,
    Edit,
    Evidence,
    EvidenceItem,
    GateCheck,
    GateResult,
    Interval,
    PastProposal,
    Pattern,
    PatternReport,
    Prediction,
    Proposal,
    Table,
    Verdict,
    WeekRate,
)
from bot.statistics import failure_rate

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
BASE = "4be1c20" + "0" * 33


def a_prediction(**changes: Any) -> Prediction:
    given: dict[str, Any] = {
        "metric": "failure",
        "population": "users who want to cancel a flight",
        "baseline_rate": 0.43,
        "expected": Interval(low=0.23, high=0.37, level=0.8),
        "days": 14,
        "intent_id": "cancel-flight",
    }
    return Prediction(**{**given, **changes})


def a_proposal(**changes: Any) -> Proposal:
    given: dict[str, Any] = {
        "id": "p-7f3a0001",
        "fingerprint": "a1b2c3d4e5f60718",
        "kind": "prompt",
        "agent": "airline",
        "pattern_id": "cancel-failure",
        "remedy": "prompts/airline.md: ask for the number",
        "title": "Ask for the reservation number before looking up a cancellation",
        "what": "adds one rule to `prompts/airline.md`, section Cancel flight (+18 tokens).",
        "why": "Users who want to cancel fail more often than others.",
        "risk": "low: two conversations got worse, both listed below.",
        "confidence": "medium",
        "edits": (
            Edit(
                path="prompts/airline.md",
                base_blob="1" * 40,
                old="# Cancel flight\n",
                new="# Cancel flight\nAsk for the reservation number first.\n",
            ),
        ),
        "evidence": Evidence(
            entries=61,
            users=58,
            conversation_ids=tuple(f"conversation-{number}" for number in range(61)),
            items=tuple(
                EvidenceItem(id=f"conversation-{number}", paraphrase="asked twice for the number")
                for number in range(4)
            ),
            first_at=NOW - timedelta(days=28),
            last_at=NOW - timedelta(days=1),
        ),
        "prediction": a_prediction(),
        "root_cause": "prompt",
        "gate": GateResult(
            verdict="pass",
            sentence="target +14 points (4 to 24) on 122 replayed conversations.",
            checks=(
                GateCheck(
                    name="target",
                    verdict="pass",
                    sentence="more users get done",
                    n=122,
                    estimate=0.14,
                    interval=Interval(low=0.04, high=0.24),
                ),
                GateCheck(
                    name="all other intents",
                    verdict="pass",
                    sentence="no worse",
                    n=244,
                    estimate=-0.005,
                    interval=Interval(low=-0.03, high=0.02),
                ),
            ),
        ),
        "tables": (
            Table(
                title="Tokens",
                header=("", "before", "after"),
                rows=(("tokens per answer", "412", "431"),),
            ),
        ),
        "weeks": (
            WeekRate(week="2026-W44", failed=9, total=30),
            WeekRate(week="2026-W45", failed=12, total=35),
            WeekRate(week="2026-W46", failed=17, total=38),
            WeekRate(week="2026-W47", failed=23, total=40),
        ),
        "losing": (EvidenceItem(id="conversation-70", paraphrase="asked for a number it had"),),
        "alternatives": ("no change: fails 43 % of the cases", "a longer rule: same effect"),
    }
    return Proposal(**{**given, **changes})


def a_pattern(**changes: Any) -> Pattern:
    given: dict[str, Any] = {
        "id": "cancel-failure",
        "kind": "outcome",
        "agent": "airline",
        "outcome": "failure",
        "unit": "user",
        "rate": 61 / 143,
        "rate_interval": failure_rate(61, 143).interval,
        "users": 143,
        "conversations": 151,
        "evidence": tuple(f"conversation-{number}" for number in range(61)),
        "evidence_users": 58,
        "intent_id": "cancel-flight",
        "intent_name": "cancel a flight",
        "baseline_rate": 0.24,
        "risk_difference": 0.19,
        "interval": Interval(low=0.09, high=0.28),
        "q_value": 0.002,
        "trend": "growing",
        "weeks": (
            WeekRate(week="2026-W44", failed=9, total=30),
            WeekRate(week="2026-W45", failed=12, total=35),
            WeekRate(week="2026-W46", failed=17, total=38),
            WeekRate(week="2026-W47", failed=23, total=40),
        ),
        "root_cause": "prompt",
    }
    return Pattern(**{**given, **changes})


def a_health(**changes: Any) -> AgentHealth:
    given: dict[str, Any] = {
        "agent": "airline",
        "health": "needs_attention",
        "why": "one pattern stands",
        "conversations": 4182,
        "users": 3650,
        "complete_share": 0.96,
    }
    return AgentHealth(**{**given, **changes})


def a_report(**changes: Any) -> PatternReport:
    given: dict[str, Any] = {
        "agents": (a_health(),),
        "tested": 64,
        "patterns": (a_pattern(),),
        "findings": (),
        "refused": (),
    }
    return PatternReport(**{**given, **changes})


def a_past(**changes: Any) -> PastProposal:
    given: dict[str, Any] = {
        "id": "p-7f3a0001",
        "fingerprint": "a1b2c3d4e5f60718",
        "kind": "prompt",
        "agent": "airline",
        "pattern_id": "cancel-failure",
        "branch": "debrief/p-7f3a0001",
        "title": "Ask for the reservation number before looking up a cancellation",
        "state": "open",
        "reference": "#212",
        "opened_at": NOW - timedelta(days=20),
    }
    return PastProposal(**{**given, **changes})


def a_verdict(**changes: Any) -> Verdict:
    given: dict[str, Any] = {
        "proposal_id": "p-7f3a0001",
        "agent": "airline",
        "reference": "#212",
        "result": "worked",
        "strength": "weak",
        "method": "before_after",
        "metric": "failure",
        "unit": "user",
        "before": failure_rate(61, 143),
        "after": failure_rate(30, 140),
        "difference": -0.21,
        "interval": Interval(low=-0.34, high=-0.08, level=0.9875),
        "live_at": NOW - timedelta(days=14),
        "days": 14.0,
        "prediction_hit": True,
        "sentence": "The rate fell; this compares before with after only.",
        "confounders": ("regression to the mean",),
    }
    return Verdict(**{**given, **changes})
