"""Takes patterns and many texts, gives which text deserves a closer look for which pattern.

Vectorscan reads all patterns at once, in one scan of all texts, beside Python's own lock. RE2 (by
pyarrow) needs a pass for every few patterns and compiles them again for every batch: six times as
slow on a request of 1 MB and a millisecond for the smallest one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import hyperscan
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Made once: without a type pyarrow looks for `dateutil` on the disk each time.
_NOTHING = pa.scalar("", pa.string())
_BETWEEN = pa.scalar("\0", pa.string())
_FLAGS = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_UTF8
_MATCHES_PER_TEXT = 8
_MORE_MATCHES = 1000


class Filters:
    """Compiled patterns; safe to share between threads."""

    def __init__(self, patterns: Sequence[str], *, words: bool = True) -> None:
        r"""Patterns know no look-around. They may also hit where two texts meet.

        With `words`, `\w` and the like know all of Unicode, which takes seconds to compile where a
        pattern has many of them.
        """
        self._count = len(patterns)
        flags = _FLAGS | (hyperscan.HS_FLAG_UCP if words else 0)
        self._every = _compiled(patterns, flags)
        self._once = _compiled(patterns, flags | hyperscan.HS_FLAG_SINGLEMATCH)
        self._threads = threading.local()

    def hits(self, texts: pa.StringArray) -> list[set[int]]:
        """For each pattern the numbers of the texts that it hits, and now and then one more.

        Takes no nulls.
        """
        found: list[set[int]] = [set() for _ in range(self._count)]
        if not len(texts):
            return found
        apart = pc.binary_join_element_wise(texts, _NOTHING, _BETWEEN)
        _, places, content = apart.buffers()
        starts = np.frombuffer(places, np.int32)[: len(apart) + 1]
        ends: list[list[int]] = [[] for _ in range(self._count)]
        left = _MATCHES_PER_TEXT * len(texts) + _MORE_MATCHES

        def matched(pattern: int, start: int, end: int, *_: object) -> bool:
            nonlocal left
            left -= 1
            ends[pattern].append(end)
            return left < 0

        try:
            self._scan(self._every, content, matched)
        except hyperscan.ScanTerminated:
            # Somebody sends a million hits; to hear of each costs more than to read text by text.
            for number, start in enumerate(starts[:-1]):
                self._scan(
                    self._once,
                    content.slice(start, starts[number + 1] - start),
                    lambda pattern, *_, number=number: found[pattern].add(number),
                )
            return found
        for numbers, last in zip(found, ends, strict=True):
            if last:
                behind = np.searchsorted(starts, np.array(last) - 1, side="right")
                numbers.update((behind - 1).tolist())
        return found

    def anywhere(self, text: bytes) -> set[int]:
        """The patterns that hit somewhere in one UTF-8 text, and now and then one more."""
        found: set[int] = set()
        self._scan(self._once, text, lambda pattern, *_: found.add(pattern))
        return found

    def _scan(
        self,
        database: hyperscan.Database,
        content: pa.Buffer | bytes,
        matched: Callable[[int, int, int, int, object], bool | None],
    ) -> None:
        """Scan with memory of this thread: Vectorscan must not share it between two scans."""
        name = "once" if database is self._once else "every"
        scratch = getattr(self._threads, name, None)
        if scratch is None:
            scratch = hyperscan.Scratch(database)
            setattr(self._threads, name, scratch)
        database.scan(content, matched, scratch=scratch)


def _compiled(patterns: Sequence[str], flags: int) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[pattern.encode() for pattern in patterns],
        ids=list(range(len(patterns))),
        flags=[flags] * len(patterns),
    )
    return database
