"""What a body of ours states about itself, as records: the way back from `render_body`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from bot.marker import parse_marker
from bot.records import GateVerdict, Interval, Prediction, ProposalKind, ThresholdMove


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """The state of a proposal, as its pull request carries it."""

    id: str
    fingerprint: str
    kind: ProposalKind
    agent: str
    pattern_id: str
    remedy: str
    title: str
    base_sha: str
    root_cause: str
    gate: GateVerdict
    entries: int
    users: int
    prediction: Prediction | None
    threshold: ThresholdMove | None


def stated_in(body: str) -> Stated | None:
    """The records of a body; None where it has no marker of ours or the marker is not whole.

    People can edit a body, so every value is checked for its type.
    """
    marker = parse_marker(body) or {}
    kind, gate = marker.get("kind"), marker.get("gate", "inconclusive")
    evidence = marker.get("evidence")
    texts = ("id", "fingerprint", "agent", "pattern_id", "remedy", "title", "base_sha")
    if kind not in get_args(ProposalKind) or gate not in get_args(GateVerdict):
        return None
    if not isinstance(evidence, Mapping) or not all(isinstance(marker.get(t), str) for t in texts):
        return None
    return Stated(
        **{name: cast(str, marker[name]) for name in texts},
        kind=cast(ProposalKind, kind),
        gate=cast(GateVerdict, gate),
        root_cause=str(marker.get("root_cause", "unknown")),
        entries=_whole(evidence.get("entries")),
        users=_whole(evidence.get("users")),
        prediction=_prediction(marker.get("prediction")),
        threshold=_threshold(marker.get("threshold")),
    )


def _prediction(value: Any) -> Prediction | None:
    if not isinstance(value, Mapping):
        return None
    numbers = [value.get(name) for name in ("baseline_rate", "low", "high", "level", "days")]
    if not all(_is_number(one) for one in numbers) or not isinstance(value.get("metric"), str):
        return None
    segment = value.get("segment")
    return Prediction(
        metric=value["metric"],
        population=str(value.get("population", "")),
        baseline_rate=value["baseline_rate"],
        expected=Interval(low=value["low"], high=value["high"], level=value["level"]),
        days=int(value["days"]),
        intent_id=value.get("intent_id") if isinstance(value.get("intent_id"), str) else None,
        segment={str(k): str(v) for k, v in segment.items()} if isinstance(segment, dict) else {},
        margin=value["margin"] if _is_number(value.get("margin")) else None,
    )


def _threshold(value: Any) -> ThresholdMove | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        return None
    if not (_is_number(value.get("from")) and _is_number(value.get("to"))):
        return None
    return ThresholdMove(name=value["name"], old=value["from"], new=value["to"])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
