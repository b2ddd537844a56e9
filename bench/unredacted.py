"""Run a collector that stores every text as it was sent: to measure what redaction costs.

    python bench/unredacted.py --store STORE [--http HOST:PORT] [--grpc HOST:PORT]

It says that it is ready, on standard error, as `debrief collect` does. No setting of the product
turns redaction off.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from collector.listening import add_options, options_of
from collector.receiver import serve
from collector.redaction import Redactor


class KeepAll(Redactor):
    """Replaces nothing."""

    def user(self, user_id: str) -> str:
        return user_id

    def identifiers(self, values: Sequence[str]) -> list[tuple[str, str]]:
        return [(value, value) for value in values]

    def texts(self, texts: Sequence[str]) -> tuple[list[str], Counter[str]]:
        return list(texts), Counter()

    def column(self, texts: pa.StringArray) -> tuple[pa.StringArray, Counter[str]]:
        return texts, Counter()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", required=True)
    add_options(parser)
    given = parser.parse_args()
    serve(given.store, options_of(given, token=None), redactor=KeepAll(key=b""))
