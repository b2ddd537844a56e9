"""What can go wrong in the collector, and who can do something about it.

    CollectorError
    ├── BadRequest          the sender's bytes are wrong: never send them again
    │   ├── TooLarge        a request above the size limit: send smaller batches
    │   └── Unauthorized    the bearer token is missing or wrong
    ├── ImportRefused       a file is not what it seems to be: nothing of it is stored
    ├── StoreError          the store cannot be read or written now: later is fine
    │   └── Busy            more is waiting than the writer may hold: later is fine
    └── Misconfigured       the collector was started in a way that cannot work or is not safe

Every message says what happened, with which value, and what to do. `BadRequest` is final for a
sender, `StoreError` is retryable; `collector.receiver.answer_for` maps both families to statuses.
"""

from __future__ import annotations


class CollectorError(Exception):
    """Base of all errors of this package."""


class BadRequest(CollectorError):
    """The request cannot be read; sending it again cannot help."""


class TooLarge(BadRequest):
    """The request is over the size limit; the same data fits in smaller batches."""


class Unauthorized(BadRequest):
    """The bearer token is missing or wrong."""


class ImportRefused(CollectorError):
    """A file cannot be read as what it seems to be; nothing of it is stored."""


class StoreError(CollectorError):
    """The store cannot be read or written at the moment (full disk, permissions, damaged file)."""


class Busy(StoreError):
    """More rows are waiting than the writer may hold in memory; the sender should try later."""


class Misconfigured(CollectorError):
    """The collector was asked to start in a way that cannot work or would not be safe."""
