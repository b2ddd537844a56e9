"""Times as the store has them, nanoseconds since 1970, and as records have them, aware UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ns(at: datetime) -> int:
    """Nanoseconds since 1970 of an aware time, exact to its microsecond."""
    return (at - EPOCH) // timedelta(microseconds=1) * 1000


def time_of(ns: int | None) -> datetime | None:
    """Aware UTC time of nanoseconds since 1970; None for 0 and for what no calendar holds."""
    if not ns:
        return None
    try:
        return EPOCH + timedelta(microseconds=ns // 1000)
    except OverflowError:
        return None
