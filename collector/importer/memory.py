"""What was imported before, so that only what is new is read.

One row of the table `imports` for each reading of a file. It is written after the rows of the file
are durable: an import that dies in between reads the file again, and equal ids make that harmless.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import IO, TYPE_CHECKING

import orjson

from collector.importer.sources import Source
from collector.times import to_ns

if TYPE_CHECKING:
    from collector.store import Store

TABLE = "imports"
_CHUNK = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How far a file was read, and what it was then."""

    location: str
    size_bytes: int
    modified_ns: int
    read_bytes: int
    """From here on it is new; less than the size where the end was unfinished."""
    lines: int
    """Lines or records before that, for the messages about the rest."""
    grows: bool
    """What is appended can be read alone: lines and framed records, not compressed as a whole."""
    digest: str
    """Of the bytes that were read, with the store's key."""

    def is_of(self, source: Source) -> bool:
        """The file looks as it did: nothing was written since."""
        return (self.size_bytes, self.modified_ns) == (source.size_bytes, source.modified_ns)

    def now_of(self, source: Source) -> Reading:
        """The same reading of a file that was renamed or touched."""
        return replace(
            self,
            location=source.location,
            size_bytes=source.size_bytes,
            modified_ns=source.modified_ns,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """The last reading of each file."""

    readings: Mapping[str, Reading]
    key: bytes

    def before(self, source: Source, stream: IO[bytes], sizes: Mapping[str, int]) -> Reading | None:
        """The reading whose bytes this file begins with; None where it is new or was rewritten.

        Rotation renames the file that was read and starts another: one that was in the same folder
        and is gone or shorter now may be this one. `sizes` are those of the files that were listed.
        """
        own = self.readings.get(source.location)
        moved = [
            reading
            for reading in self.readings.values()
            if reading.grows
            and reading.location != source.location
            and reading.location.rpartition("/")[0] == source.folder
            and sizes.get(reading.location, 0) < reading.read_bytes
        ]
        for reading in [own, *moved] if own else moved:
            # One that was read to no purpose says nothing: every file begins with no bytes.
            if (
                0 < reading.read_bytes <= source.size_bytes
                and digest(stream, reading.read_bytes, self.key) == reading.digest
            ):
                return reading
        return None


def recall(store: Store, key: bytes) -> Memory:
    """Read what the store knows about earlier imports."""
    rows = store.scan(TABLE, columns=["at_ns", "subject", "entry"])
    last = {
        row["subject"]: row["entry"]
        for row in sorted(rows.to_pylist(), key=lambda row: int(row["at_ns"]))
    }
    readings = {
        location: Reading(location=location, **orjson.loads(entry))
        for location, entry in last.items()
    }
    return Memory(readings=readings, key=key)


def remember(store: Store, readings: Sequence[Reading], *, now: datetime) -> None:
    """Add readings; when this returns, they survive a power cut."""
    rows = []
    for reading in readings:
        known = asdict(reading)
        location = known.pop("location")
        entry = orjson.dumps(known).decode()
        rows.append(
            {
                "entry_id": hashlib.sha256(f"{location}\n{entry}".encode()).hexdigest(),
                "at_ns": to_ns(now),
                "action": "imported",
                "subject": location,
                "entry": entry,
            }
        )
    store.append(TABLE, rows, now=now)


def digest(stream: IO[bytes], length: int, key: bytes) -> str:
    """Of the first `length` bytes; of a short file alone one could guess what is in it."""
    stream.seek(0)
    made = hmac.new(key, digestmod=hashlib.sha256)
    while length > 0 and (chunk := stream.read(min(_CHUNK, length))):
        made.update(chunk)
        length -= len(chunk)
    return made.hexdigest()
