"""One cycle's understanding to the map of evidence, and the map as JSON."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from bot.evidence.records import EvidenceMap, Watch, WatchedFile
from bot.records import AgentFiles, Intent, Pattern, PatternReport, Taxonomy

CASES = 5
WATCHES = 200
FILES = 500
NAME_CHARS = 120
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON = frozenset(
    (
        *("the", "and", "for", "with", "from", "about", "their", "that", "this", "user", "users"),
        *("customer", "wants", "want", "ask", "asks", "how", "what", "when", "where", "does"),
        *("not", "can", "has", "have", "its", "your", "our", "any", "all"),
    )
)
_MAP = TypeAdapter(EvidenceMap)
_KINDS: tuple[tuple[str, Literal["prompt", "harness", "config", "threshold"]], ...] = (
    ("prompts", "prompt"),
    ("harness", "harness"),
    ("configs", "config"),
    ("thresholds", "threshold"),
)


def evidence_map(
    report: PatternReport,
    facts: pa.Table,
    taxonomy: Taxonomy,
    files: Mapping[str, AgentFiles],
    *,
    base_sha: str,
    window_days: int,
    now: datetime,
) -> EvidenceMap:
    """Every watched file, and every intent and pattern with its rate and a few cases.

    A unit fails where any of its conversations did; units without a known outcome do not count.
    """
    patterns: dict[tuple[str, str], Pattern] = {}
    for one in report.patterns:
        if one.kind == "outcome" and one.intent_id is not None:
            patterns.setdefault((one.agent, one.intent_id), one)
    watches = [
        _of_intent(agent, intent, seen, patterns.get((agent, intent.id)))
        for agent, by_intent in _by_intent(facts).items()
        for intent in taxonomy.intents
        if (seen := by_intent.get(intent.id)) is not None
    ]
    watches += [_of_pattern(one) for one in report.patterns if one.kind != "outcome"]
    watches.sort(key=lambda one: (not one.stands, -one.conversations, one.agent, one.id))
    return EvidenceMap(
        at=now,
        window_days=window_days,
        base_sha=base_sha,
        files=tuple(_files(files))[:FILES],
        watches=tuple(watches[:WATCHES]),
    )


def map_to_json(found: EvidenceMap) -> str:
    return json.dumps(asdict(found), default=_iso, indent=1, ensure_ascii=True) + "\n"


def map_of_json(text: str) -> EvidenceMap | None:
    """None where the text is no map of this version."""
    try:
        return _MAP.validate_json(text)
    except ValidationError:
        return None


def same_evidence(one: EvidenceMap, other: EvidenceMap) -> bool:
    """Equal but for when and on which commit, or of the same day and files: nothing to write.

    Who compares lines with a map does not need it newer than of today.
    """
    same_day = (one.at.date(), one.window_days, one.files) == (
        other.at.date(),
        other.window_days,
        other.files,
    )
    return same_day or replace(one, at=other.at, base_sha=other.base_sha) == other


def words_of(text: str) -> frozenset[str]:
    """Words that can tell what a text is about, as stems: the first five letters."""
    found = (word.lower() for word in _WORD.findall(text))
    return frozenset(word[:5] for word in found if word not in _COMMON)


class _Seen:
    """What the facts say of one intent of one agent."""

    def __init__(self) -> None:
        self.failed: dict[str, bool] = {}
        self.conversations = 0
        self.cases: list[str] = []
        self.has_users = True


def _by_intent(facts: pa.Table) -> dict[str, dict[str, _Seen]]:
    columns = ("agent", "conversation_id", "unit", "has_user", "good", "bad", "intents")
    found: dict[str, dict[str, _Seen]] = defaultdict(lambda: defaultdict(_Seen))
    for agent, conversation_id, unit, has_user, good, bad, intents in zip(
        *(facts[name].to_pylist() for name in columns), strict=True
    ):
        for intent in intents or ():
            seen = found[agent][intent]
            seen.conversations += 1
            seen.has_users &= bool(has_user)
            if good or bad:
                seen.failed[unit] = seen.failed.get(unit, False) or bool(bad)
            if bad:
                seen.cases.append(conversation_id)
    return found


def _of_intent(agent: str, intent: Intent, seen: _Seen, pattern: Pattern | None) -> Watch:
    # Not its terms: those are counted anew from conversations, and would change the map each run.
    words = words_of(intent.name)
    return Watch(
        id=intent.id,
        agent=agent,
        name=intent.name[:NAME_CHARS],
        failed=sum(seen.failed.values()),
        total=len(seen.failed),
        unit="user" if seen.has_users else "conversation",
        conversations=seen.conversations,
        stands=pattern is not None,
        trend=pattern.trend if pattern and pattern.trend != "unknown" else "",
        cases=tuple((pattern.evidence if pattern else seen.cases)[-CASES:]),
        words=tuple(sorted(words)),
    )


def _of_pattern(pattern: Pattern) -> Watch:
    """A correction or a threshold: no intent, and known by other words."""
    said = pattern.outcome.rpartition(":")[2].replace("_", " ")
    if pattern.kind == "threshold":
        name = f"{pattern.threshold_name or 'threshold'}: shown and dismissed"
        words = words_of((pattern.threshold_name or "").replace(".", " ").replace("_", " "))
    else:
        whom = ", ".join(sorted(pattern.segment.values()))
        name = f"reviewers correct: {said}" + (f" ({whom})" if whom else "")
        words = words_of(said)
    return Watch(
        id=pattern.id,
        agent=pattern.agent,
        name=name[:NAME_CHARS],
        failed=round(pattern.rate * pattern.users),
        total=pattern.users,
        unit=pattern.unit,
        conversations=pattern.conversations,
        stands=True,
        trend="" if pattern.trend == "unknown" else pattern.trend,
        cases=pattern.evidence[-CASES:],
        words=tuple(sorted(words)),
    )


def _files(files: Mapping[str, AgentFiles]) -> Iterable[WatchedFile]:
    for agent, own in sorted(files.items()):
        seen: set[str] = set()
        for field, kind in _KINDS:
            paths: Sequence[str] = getattr(own, field)
            for path in paths:
                if path not in seen:
                    seen.add(path)
                    yield WatchedFile(path=path, agent=agent, kind=kind)


def _iso(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON value")
