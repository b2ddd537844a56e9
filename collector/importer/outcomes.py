"""One row of a table of outcomes to one event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from collector.errors import ImportRefused
from collector.importer.events import flat_row
from collector.otlp import Row

_OWNERS = frozenset({"user_id", "conversation_id", "account_id"})


def is_table_of_outcomes(columns: Iterable[str]) -> bool:
    """One of `_OWNERS`, and `outcome`; `at` and other columns are optional."""
    names = set(columns)
    return "outcome" in names and bool(names & _OWNERS)


def outcome_row(cells: Mapping[str, Any], received_ns: int) -> Row:
    """A row, not yet redacted; columns that are not known are kept as attributes.

    Raises:
        ImportRefused: what came of it or whose it is is empty, or a time cannot be read.
    """
    filled = {
        key: text
        for key, cell in cells.items()
        if key and cell is not None and (text := str(cell).strip())
    }
    name = filled.pop("outcome", None)
    if name is None or not _OWNERS & filled.keys():
        raise ImportRefused("outcome, or all of user_id, conversation_id and account_id, are empty")
    return flat_row({"event": "debrief.outcome", "name": name, **filled}, received_ns=received_ns)
