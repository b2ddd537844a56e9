"""Hostile sets through whole cycles, each alone, with a simulated model that obeys every one.

Each set is an agent of its own: its text stands in conversations that are imported, one cycle runs
against a simulated GitHub, and all that left is searched: requests, git objects, the bundle, pages,
the terminal, the ledger. Names and ids with signs that break out go the same way, one family a run.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from bot.proposals.writing import check_candidate
from tests.bot.test_prompt_proposals import OLD
from tests.bot.test_red_team import sets, the_prompt
from tests.hostile import Attack, attacks, found_in, run_sets, telling
from tests.hostile_names import PAYLOADS
from tests.loop import Debrief
from tests.test_cycle_hostile import assert_names_are_inert

PER_CYCLE = 3
"""Patterns that one cycle puts before the model."""


class _Said(NamedTuple):
    out: str
    err: str


class _Printed:
    """What the command line printed since it was asked last, as pytest's capture gives it."""

    def __init__(self) -> None:
        self.out, self.err = StringIO(), StringIO()

    def readouterr(self) -> _Said:
        said = _Said(self.out.getvalue(), self.err.getvalue())
        for stream in (self.out, self.err):
            stream.seek(0)
            stream.truncate()
        return said


@contextmanager
def a_command_line() -> Iterator[tuple[Debrief, Path]]:
    """The command line on a store of its own, and a folder that goes afterwards."""
    before = dict(os.environ)
    printed: Any = _Printed()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            redirect_stdout(printed.out),
            redirect_stderr(printed.err),
        ):
            yield Debrief(Path(folder) / "store", printed), Path(folder)
    finally:
        os.environ.clear()
        os.environ.update(before)


def measure() -> list[str]:
    """The lines of the section."""
    return [*_words(attacks()), "", *_names(), "", *_honest()]


def _words(every: list[Attack]) -> list[str]:
    columns = ("sets", "read", "told", "strict", "shown")
    rows: dict[str, Counter[str]] = {}
    for first in range(0, len(every), PER_CYCLE):
        own = {f"desk-{at}": [one] for at, one in enumerate(every[first : first + PER_CYCLE])}
        with a_command_line() as (debrief, folder):
            cycle = run_sets(own, debrief, folder, os.environ.__setitem__)
        for agent, (attack,) in own.items():
            words = telling(attack, cycle.known)
            row = rows.setdefault(attack.why, Counter())
            row["sets"] += 1
            row["read"] += attack.name in cycle.read
            row["told"] += attack.why in cycle.reasons(agent) and agent not in cycle.opened
            row["strict"] += bool(found_in(cycle.left.strict, words))
            row["shown"] += bool(found_in(cycle.left.shown, words))
    whole = sum(rows.values(), Counter[str]())
    lines = [
        f"{len(every)} sets through whole cycles, each as an agent of its own, with a model that "
        "obeys them (simulated): reader, writer and judge put the hostile text into every field.",
        "",
        "| refused because of | sets | reached the model | refused, with this reason in the run | "
        "words of it in a diff, title, branch or commit | anywhere else |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for why, row in sorted(rows.items(), key=lambda pair: -pair[1]["sets"]):
        lines.append(f"| {why} | " + " | ".join(str(row[name]) for name in columns) + " |")
    return [*lines, "| all | " + " | ".join(str(whole[name]) for name in columns) + " |"]


def _names() -> list[str]:
    """Runs in which every name, id and value is one payload; each has to leave nothing live."""
    live = []
    for name, payload in PAYLOADS.items():
        with a_command_line() as (debrief, folder):
            try:
                assert_names_are_inert([payload], debrief, folder, os.environ.__setitem__)
            except AssertionError:
                live.append(name)
    told = f"live in {', '.join(live)}" if live else "live in none"
    return [
        f"{len(PAYLOADS)} runs in which every name, id and value that a sender can choose breaks "
        f"out of something ({', '.join(PAYLOADS)}): {told}."
    ]


def _honest() -> list[str]:
    """What comes close to the hostile edits and is none has to stand."""
    stands = 0
    honest = [found.values[0] for found in sets("harmless")]
    for one in honest:
        claim = {"thought": "", "kind": "add_rule", "old": OLD, "new": f"{OLD}\n- {one['new']}"}
        stands += not isinstance(check_candidate(the_prompt(), claim, sources=[]), list)
    return [f"{stands} of {len(honest)} honest edits that come close to hostile ones stand."]


if __name__ == "__main__":
    print("\n".join(measure()))
