"""The store: append-only tables of Parquet files in a folder; readers need read permission only."""

from __future__ import annotations

from collector.store.store import Store, open_store

__all__ = ["Store", "open_store"]
