"""Is the store in order: its files, its size, its clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.checks.check import Check, not_checked, ok, problem, warning
from bot.figures import count
from collector.store.health import Health

MUCH_BYTES = 50 * 2**30
SILENT = timedelta(days=2)
SKEW = timedelta(minutes=5)
"""Clocks that run by NTP differ by less than a second."""


RECEIVED = ("spans", "events")
"""The tables that collectors and imports write."""


def unreadable_store(address: str, reason: str) -> Check:
    """There is nothing more to say of a store that cannot be read."""
    return problem(
        "store",
        f"The store {address} cannot be read: {reason}",
        "Correct the address in --store, DEBRIEF_STORE or the settings, or the permissions.",
    )


def empty_store(address: str) -> Check:
    """Nothing was ever received or imported here."""
    return problem(
        "store",
        f"There is nothing in the store {address}.",
        "Point an exporter at `debrief collect`, or read files with `debrief import`; --store "
        "names another store.",
    )


def check_store(health: Health) -> Iterator[Check]:
    """Filled, writable, whole, compacted, of a version that we know."""
    tables = [health.tables[name] for name in RECEIVED]
    files = sum(table.files for table in tables)
    days = [day for table in tables for day in (table.first_day, table.last_day) if day]
    size_bytes = sum(table.bytes for table in health.tables.values())
    if not files:
        yield empty_store(health.address)
        return
    yield ok(
        "store",
        f"{health.address}: {count(files, 'file')}, {_size(size_bytes)}, {min(days)} to "
        f"{max(days)}.",
    )
    yield _writable(health)
    yield _damaged(health)
    yield _compaction(health)
    yield _versions(health)
    if size_bytes > MUCH_BYTES:
        yield warning(
            "store_size",
            f"The store has {_size(size_bytes)}, since {min(days)}.",
            "Remove old days with `debrief expire`.",
        )


def _writable(health: Health) -> Check:
    if health.not_writable is None:
        return ok("store_writable", "The store can be written.")
    return warning(
        "store_writable",
        f"The store cannot be written from here: {health.not_writable}",
        "Where a collector or an import runs, give write permission; reading needs none.",
    )


def _damaged(health: Health) -> Check:
    damaged = [name for table in health.tables.values() for name in table.damaged]
    if not damaged:
        return ok("store_files", "No file is damaged.")
    return problem(
        "store_files",
        f"{count(len(damaged), 'damaged file')}, such as {damaged[0]}.",
        "Move them out of the store, and bring them back from a backup if there is one.",
    )


def _compaction(health: Health) -> Check:
    waiting = sum(table.waiting_files for table in health.tables.values())
    told = f"{count(waiting, 'file')} of closed days wait to be merged"
    if health.erasures_outstanding:
        held = count(health.erasures_outstanding, "file")
        told += f", and {held} still hold rows of people who were erased (no reader sees them)"
    if health.needs_compaction:
        return warning("compaction", f"{told}.", "Run `debrief compact` once a day.")
    return ok("compaction", f"{told}.")


def _versions(health: Health) -> Check:
    if health.is_newer:
        return warning(
            "schema",
            "Rows were written by a newer version of Debrief: columns of it are not seen.",
            "Install the same version here as where the collector runs.",
        )
    return ok("schema", "All rows are of a form that this version knows.")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockFacts:
    """Times of the newest rows."""

    newest_received_at: datetime | None
    looked_at: int = 0
    from_future: int = 0
    """Rows received later than `SKEW` after now."""
    ahead: Sequence[tuple[str, timedelta]] = ()
    """Services whose spans ended before they had happened here, and by how much at most."""


def check_clock(facts: ClockFacts, *, now: datetime) -> Iterator[Check]:
    """Do rows arrive, and do the clocks of senders, collector and this machine agree?"""
    newest = facts.newest_received_at
    if newest is None:
        yield not_checked("newest_data", "No row was received yet.")
        return
    if now - newest > SILENT:
        yield warning(
            "newest_data",
            f"The newest row was received {newest:%Y-%m-%d %H:%M} UTC, "
            f"{(now - newest).days} days ago.",
            "See whether the agent still exports: its exporter's log and the collector's /metrics.",
        )
    else:
        yield ok("newest_data", f"The newest row was received {newest:%Y-%m-%d %H:%M} UTC.")
    if facts.from_future:
        yield problem(
            "clock",
            f"{count(facts.from_future, 'row')} of the newest {facts.looked_at:,} were received "
            "after now.",
            "Set the clock of this machine or of the collector's by NTP.",
        )
    elif facts.ahead:
        service, by = max(facts.ahead, key=lambda pair: pair[1])
        yield warning(
            "clock",
            f"Spans of {service} end up to {_span(by)} after they were received.",
            "Set the clock where the agent runs by NTP: the order of messages depends on it.",
        )
    else:
        yield ok("clock", "The clocks of senders, collector and this machine agree.")


def _span(by: timedelta) -> str:
    minutes = int(by.total_seconds() // 60)
    return count(minutes, "minute") if minutes < 120 else count(minutes // 60, "hour")


def _size(size_bytes: int) -> str:
    value, unit = float(size_bytes), "bytes"
    for larger in ("KB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if value >= 10 or unit == "bytes" else f"{value:.1f} {unit}"
