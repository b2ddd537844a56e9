"""Which patterns stood in earlier runs, kept in STORE/derived so that a run sees what is gone.

Derived data: who deletes it loses one "gone" and nothing else. Ids of conversations are not kept.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.commands.derived import replace_file
from bot.records import Interval, Pattern, PatternReport
from collector.store import Store

log = logging.getLogger(__name__)

STANDING = "derived/patterns.json"
_KEPT = (
    *("id", "kind", "agent", "outcome", "unit", "rate", "users", "conversations", "intent_id"),
    *("intent_name", "segment", "baseline_rate", "priority", "threshold_name"),
)
MOST = 500


def stood_before(store: Store) -> list[tuple[Pattern, datetime]]:
    """Patterns with the time at which a run last found them; empty where nothing can be read."""
    path = store.root / STANDING
    try:
        rows = json.loads(path.read_bytes())
        return [_pattern(row) for row in rows]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.warning("the patterns kept in %s cannot be read: %s", path, error)
        return []


def keep_standing(
    store: Store,
    report: PatternReport,
    before: Iterable[tuple[Pattern, datetime]],
    *,
    now: datetime,
) -> None:
    """Write down what stands now, and what stood before, each with its last time."""
    last = {pattern.id: (pattern, at) for pattern, at in before}
    last |= {pattern.id: (pattern, now) for pattern in report.patterns}
    newest = sorted(last.values(), key=lambda pair: (pair[1], pair[0].id), reverse=True)[:MOST]
    if newest:
        text = json.dumps([_row(pattern, at) for pattern, at in newest], ensure_ascii=False)
        replace_file(store.root / STANDING, lambda path: path.write_text(text, encoding="utf-8"))


def _row(pattern: Pattern, at: datetime) -> dict[str, Any]:
    values = {key: getattr(pattern, key) for key in _KEPT}
    interval = asdict(pattern.rate_interval)
    return {
        **values,
        "segment": dict(pattern.segment),
        "rate_interval": interval,
        "at": at.isoformat(),
    }


def _pattern(row: dict[str, Any]) -> tuple[Pattern, datetime]:
    interval = Interval(**row["rate_interval"])
    kept = {key: row[key] for key in _KEPT}
    pattern = Pattern(**kept, rate_interval=interval, evidence=(), evidence_users=0)
    return pattern, datetime.fromisoformat(row["at"])
