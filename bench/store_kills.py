"""Kills import, erase, compact and expire at random moments and compares where they end.

    python bench/store_kills.py [--kills 100] [--seed 1]

Ten kills, then one run that is let be; its store must be that of a run that nobody disturbed.
Prints a table and writes it to bench/results/store_kills.md.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.collector.kills import ACTIONS, a_folder, end_after_kills

RESULTS = Path(__file__).parent / "results" / "store_kills.md"
_KILLS_A_RUN = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="of each command")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    lines = [
        "# Commands killed at random moments",
        "",
        "| command | kills | runs that ended differently |",
        "|---|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        base = a_folder(Path(folder) / "base")
        for action in ACTIONS:
            expected = end_after_kills(action, base, Path(folder) / action, kills=0, seed=0)
            runs = -(-given.kills // _KILLS_A_RUN)
            ends = [
                end_after_kills(
                    action,
                    base,
                    Path(folder) / f"{action}-{run}",
                    kills=_KILLS_A_RUN,
                    seed=given.seed * 1000 + run,
                )
                for run in range(runs)
            ]
            differing = sum(end != expected for end in ends)
            lines.append(f"| {action} | {runs * _KILLS_A_RUN} | {differing} |")
            print(lines[-1], flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
