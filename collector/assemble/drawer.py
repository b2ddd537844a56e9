"""Drafts that are put aside until all are known: in memory while they are few, else in a file."""

from __future__ import annotations

import io
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from operator import attrgetter
from types import TracebackType
from typing import Any

from collector.assemble.drafts import Card, Draft, Flag
from collector.errors import StoreError
from collector.records import (
    CallError,
    Completeness,
    Conversation,
    Message,
    ToolCall,
    ToolDefinition,
    Usage,
)

_MOST_IN_MEMORY_BYTES = 32 * 2**20


def packed(draft: Draft) -> bytes:
    """A draft as bytes that only this program reads again."""
    packed_bytes = io.BytesIO()
    pickler = pickle.Pickler(packed_bytes, protocol=pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = _REDUCED
    pickler.dump(draft)
    return packed_bytes.getvalue()


def _restored(record: type, *values: Any) -> Any:
    one: Any = object.__new__(record)
    for put, value in zip(_PUT[record], values, strict=True):
        put(one, value)
    return one


def _reduced(record: type) -> Callable[[Any], tuple[Any, ...]]:
    """How to pickle a record at a quarter of what a frozen dataclass with slots does itself."""
    values = attrgetter(*_names(record))
    return lambda one: (_restored, (record, *values(one)))


def _names(record: type) -> list[str]:
    return [field.name for field in fields(record)]


_RECORDS: tuple[type, ...] = (
    Draft,
    Card,
    Flag,
    Conversation,
    Message,
    ToolCall,
    ToolDefinition,
    CallError,
    Usage,
    Completeness,
)
_PUT = {record: [getattr(record, name).__set__ for name in _names(record)] for record in _RECORDS}
_REDUCED: dict[type, Callable[[Any], Any]] = {record: _reduced(record) for record in _RECORDS}


class Drawer:
    """A temporary file without a name: nothing stays of it, however the process ends."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_MOST_IN_MEMORY_BYTES)  # noqa: SIM115
        self._end = 0

    def __enter__(self) -> Drawer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def put(self, content: bytes) -> Callable[[], Draft]:
        """Put a packed draft aside; gives what fetches it.

        Raises:
            StoreError: the disk is full.
        """
        start, size = self._end, len(content)
        try:
            self._file.seek(start)
            self._file.write(content)
        except OSError as error:
            raise StoreError(
                f"cannot put {size} bytes aside in {tempfile.gettempdir()}: {error.strerror}; "
                "free space there or set TMPDIR to a folder with more"
            ) from error
        self._end += size
        return partial(self._fetch, start, size)

    def _fetch(self, start: int, size: int) -> Draft:
        self._file.seek(start)
        draft: Draft = pickle.loads(self._file.read(size))  # noqa: S301 -- ours, nobody can name it
        return draft
