"""Takes patterns and many texts, gives which text deserves a closer look for which pattern.

Vectorscan reads all patterns at once, in one scan of all texts, beside Python's own lock. RE2 (by
pyarrow) needs a pass for every few patterns and compiles them again for every batch: six times as
slow on a request of 1 MB and a millisecond for the smallest one.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

import hyperscan

_BETWEEN = b"\0"
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

    def hits(self, texts: Sequence[str]) -> list[set[int]]:
        """For each pattern the numbers of the texts that it hits, and now and then one more.

        Raises:
            UnicodeEncodeError: a text holds half a surrogate pair.
        """
        parts = [text.encode() for text in texts]
        found: list[set[int]] = [set() for _ in range(self._count)]
        starts = list(accumulate((len(part) + 1 for part in parts[:-1]), initial=0))
        left = _MATCHES_PER_TEXT * len(texts) + _MORE_MATCHES

        def matched(pattern: int, start: int, end: int, *_: object) -> bool:
            nonlocal left
            left -= 1
            found[pattern].add(bisect_right(starts, end - 1) - 1)
            return left < 0

        try:
            self._scan(self._every, _BETWEEN.join([*parts, b""]), matched)
        except hyperscan.ScanTerminated:
            # Somebody sends a million hits; to hear of each costs more than to read text by text.
            for number, part in enumerate(parts):
                self._scan(
                    self._once,
                    part + _BETWEEN,
                    lambda pattern, *_, number=number: found[pattern].add(number),
                )
        return found

    def _scan(
        self,
        database: hyperscan.Database,
        content: bytes,
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
