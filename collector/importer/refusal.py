"""Why a file is not imported."""

from __future__ import annotations

from collector.errors import CollectorError


class ImportRefused(CollectorError):
    """A file cannot be read as what it seems to be; nothing of it is stored."""
