"""How many spans a reader of a store sees: `python -m bench.count STORE`."""

from __future__ import annotations

import sys

from collector.store import open_store

if __name__ == "__main__":
    print(open_store(sys.argv[1], create=False).scan("spans", columns=["span_id"]).num_rows)
