"""Who does the reading: this process, or several where there is much to read."""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from collector.assemble.components import Component, in_buckets
from collector.assemble.harvest import Asked, Batch, Work, draft_work, tell_work
from collector.assemble.told import Told
from collector.errors import StoreError

if TYPE_CHECKING:
    from collector.store import Store

_T = TypeVar("_T")
Do: TypeAlias = "Callable[[Store, Work, Asked], _T]"
"""Does one piece of work; a function of a module, for it is sent to other processes by its name."""
_MOST_PROCESSES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """How much of the machine reading may take."""

    bucket_rows: int = 4000
    """Rows whose texts are in memory at a time, in each process; of 7 KB each, 30 MB."""
    processes: int | None = None
    """The most that are used; by default one for each processor."""
    alone_rows: int = 30_000
    """Up to so many rows one process does it all: another takes a second to begin, a row a tenth
    of a millisecond."""


class Workers:
    """Does pieces of work, in the order in which they are given."""

    def __init__(self, store: Store, asked: Asked, means: Means) -> None:
        self._store = store
        self._asked = asked
        self._means = means
        self._most = means.processes or min(len(os.sched_getaffinity(0)), _MOST_PROCESSES)
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def draft(self, components: Sequence[Component]) -> Iterator[Batch]:
        """Draft the conversations of components, bucket by bucket.

        Raises:
            StoreError: the store cannot be read, or a process ended.
        """
        work = [Work.of(bucket) for bucket in in_buckets(components, rows=self._means.bucket_rows)]
        return self._each(draft_work, work)

    def tell(self, components: Sequence[Component]) -> dict[int, Sequence[Told]]:
        """Say of each component, by its number, what its parts show of what they continue.

        Raises:
            StoreError: the store cannot be read, or a process ended.
        """
        numbers = {id(component): number for number, component in enumerate(components)}
        buckets = list(in_buckets(components, rows=self._means.bucket_rows))
        found: dict[int, Sequence[Told]] = {}
        told = self._each(tell_work, [Work.of(bucket) for bucket in buckets])
        for bucket, ones in zip(buckets, told, strict=True):
            found |= {numbers[id(one)]: parts for one, parts in zip(bucket, ones, strict=True)}
        return found

    def _each(self, do: Do[_T], work: Sequence[Work]) -> Iterator[_T]:
        if self._most < 2 or sum(one.rows for one in work) <= self._means.alone_rows:
            for one in work:
                yield do(self._store, one, self._asked)
            return
        if self._pool is None:
            # Forked, a process would have the locks of threads that it does not have.
            self._pool = ProcessPoolExecutor(
                self._most,
                mp_context=get_context("spawn"),
                initializer=_begin,
                initargs=(self._store, self._asked),
            )
        waiting: deque[Future[_T]] = deque()
        try:
            for one in work:
                if len(waiting) > self._most:
                    yield waiting.popleft().result()
                waiting.append(self._pool.submit(_do, do, one))
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise StoreError(
                "a process that read the store was ended from outside, mostly for want of memory; "
                "give the machine more memory or ask for a shorter period"
            ) from error


_given: list[tuple[Store, Asked]] = []
"""What a process of the pool was given when it began: with each piece of work it would be too much
to send."""


def _begin(store: Store, asked: Asked) -> None:
    _given.append((store, asked))
    # Look for circles of objects less often: what a bucket makes goes with it at once.
    gc.set_threshold(50_000)


def _do(do: Do[_T], work: Work) -> _T:
    store, asked = _given[-1]
    return do(store, work, asked)
