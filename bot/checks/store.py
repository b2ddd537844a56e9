"""Is the store in order: its files, its size, its clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.checks.check import Check, not_checked, ok, problem, warning
from bot.figures import count

SMALL_BYTES = 8 * 2**20
MANY_SMALL_FILES = 200
"""On closed days; reading opens each of them."""
MUCH_BYTES = 50 * 2**30
SILENT = timedelta(days=2)
SKEW = timedelta(minutes=5)
"""Clocks that run by NTP differ by less than a second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreFacts:
    """What is known of a store without reading its conversations."""

    address: str
    unreadable: str | None = None
    """Why it cannot be read."""
    unwritable: str | None = None
    """Why it cannot be written."""
    files: int = 0
    size_bytes: int = 0
    days: Sequence[date] = ()
    """The days that have files, oldest first."""
    small_files: int = 0
    """Smaller than `SMALL_BYTES`, on days that are closed and have several files."""
    damaged: Sequence[str] = ()
    """Names of files whose footer cannot be read."""
    looked_at: int = 0
    """How many footers were read, the newest."""
    schema_versions: Sequence[int] = ()
    """Of the rows of the newest days."""
    known_schema_version: int = 1


def check_store(facts: StoreFacts) -> Iterator[Check]:
    """Reachable, writable, whole, compacted, of a version that we know."""
    if facts.unreadable:
        yield problem(
            "store",
            f"The store {facts.address} cannot be read: {facts.unreadable}",
            "Correct the address in --store, DEBRIEF_STORE or the settings, or the permissions.",
        )
        return
    if not facts.files:
        yield problem(
            "store",
            f"There is nothing in the store {facts.address}.",
            "Point an exporter at `debrief collect`, or read files with `debrief import`; --store "
            "names another store.",
        )
    else:
        span = f"{facts.days[0]} to {facts.days[-1]}" if facts.days else "no day"
        yield ok(
            "store",
            f"{facts.address}: {count(facts.files, 'file')}, {_size(facts.size_bytes)}, {span}.",
        )
    yield _writable(facts)
    if facts.files:
        yield _damaged(facts)
        yield _small(facts)
        yield _versions(facts)
    if facts.size_bytes > MUCH_BYTES:
        yield warning(
            "store_size",
            f"The store has {_size(facts.size_bytes)}, since {facts.days[0]}.",
            "Remove old days with `debrief expire`.",
        )


def _writable(facts: StoreFacts) -> Check:
    if facts.unwritable is None:
        return ok("store_writable", "The store can be written.")
    return warning(
        "store_writable",
        f"The store cannot be written from here: {facts.unwritable}",
        "Where a collector or an import runs, give write permission; reading needs none.",
    )


def _damaged(facts: StoreFacts) -> Check:
    looked = f"{count(facts.looked_at, 'file')} of {facts.files:,}, the newest"
    if not facts.damaged:
        return ok("store_files", f"No damaged file ({looked}).")
    return problem(
        "store_files",
        f"{count(len(facts.damaged), 'damaged file')}, such as {facts.damaged[0]} ({looked}).",
        "Move them out of the store, and bring them back from a backup if there is one.",
    )


def _small(facts: StoreFacts) -> Check:
    told = f"{count(facts.small_files, 'small file')} of closed days"
    if facts.small_files < MANY_SMALL_FILES:
        return ok("compaction", f"{told}: reading is quick.")
    return warning("compaction", f"{told} wait to be merged.", "Run `debrief compact` once a day.")


def _versions(facts: StoreFacts) -> Check:
    newer = [v for v in facts.schema_versions if v > facts.known_schema_version]
    if newer:
        return warning(
            "schema",
            f"Rows were written by a newer version of Debrief (schema {max(newer)}, known here "
            f"is {facts.known_schema_version}): columns of it are not seen.",
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
