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

from collector.assemble.drafts import Draft
from collector.errors import StoreError
from collector.records import Message

_MOST_IN_MEMORY_BYTES = 32 * 2**20


def packed(draft: Draft) -> bytes:
    """A draft as bytes that only this program reads again."""
    packed_bytes = io.BytesIO()
    _Packer(packed_bytes, protocol=pickle.HIGHEST_PROTOCOL).dump(draft)
    return packed_bytes.getvalue()


def _message(*values: Any) -> Message:
    return Message(**dict(zip(_FIELDS, values, strict=True)))


_FIELDS = tuple(field.name for field in fields(Message))
_values = attrgetter(*_FIELDS)


class _Packer(pickle.Pickler):
    """Packs messages at half the price: how a frozen dataclass pickles itself is slow."""

    def reducer_override(self, value: object) -> Any:
        return (_message, _values(value)) if isinstance(value, Message) else NotImplemented


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
