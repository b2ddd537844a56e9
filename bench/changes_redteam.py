"""Hostile sets through whole cycles, with a simulated model that obeys every one.

A few sets are an agent: their text stands in conversations that are imported, one cycle runs
against a simulated GitHub, and all that left is searched: requests, git objects, the bundle, pages,
the terminal, the ledger. What is found is known by its words; then its set goes again alone. Names
and ids with signs that break out go the same way.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from bot.proposals.writing import check_candidate
from tests.bot.test_prompt_proposals import OLD
from tests.bot.test_red_team import sets, the_prompt
from tests.hostile import (
    IN_PROMPT,
    IN_TOOL,
    PER_AGENT,
    PER_TOOL,
    Attack,
    Fault,
    attacks,
    found_in,
    run_sets,
    source_attacks,
    telling,
    tool_attacks,
)
from tests.hostile_names import PAYLOADS
from tests.hostile_tools import ROUTES, SOURCES
from tests.loop import Debrief
from tests.test_cycle_hostile import assert_names_are_inert

PER_CYCLE = 3
"""Patterns that one cycle puts before the model."""
PER_RUN = 6
"""Payloads in one run."""
_T = TypeVar("_T")


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
    every = attacks()
    return [*_words(every), "", *_tools(), "", *_names(), "", *_honest()]


@dataclass(kw_only=True)
class _Group:
    """Sets that one agent's conversations hold."""

    own: list[Attack]
    fault: Fault = IN_PROMPT
    found: dict[str, list[Attack]] = field(default_factory=dict)
    """Column of the table to its sets."""

    @property
    def is_clean(self) -> bool:
        found = self.found
        return not found["strict"] and not found["shown"] and found["told"] == self.own


def _run(groups: Sequence[_Group]) -> list[_Group]:
    """Each group as an agent, a few in one cycle. What is found is known by its words, so the sets
    of a group share a cycle; where something is found, its sets go again, each alone."""
    for first in range(0, len(groups), PER_CYCLE):
        some = {f"desk-{at}": one for at, one in enumerate(groups[first : first + PER_CYCLE])}
        in_tools = {agent: IN_TOOL for agent, one in some.items() if one.fault == IN_TOOL}
        with a_command_line() as (debrief, folder):
            cycle = run_sets(
                {agent: one.own for agent, one in some.items()},
                debrief,
                folder,
                os.environ.__setitem__,
                faults=in_tools,
                judged=in_tools,
                languages={agent: one.own[0].language for agent, one in some.items()},
            )
        for agent, one in some.items():
            reasons = cycle.reasons(agent) if agent not in cycle.opened else ""
            for attack in one.own:
                words = telling(attack, cycle.known)
                holds = {
                    "sets": True,
                    "read": attack.name in cycle.read,
                    "told": attack.why in reasons,
                    "strict": bool(found_in(cycle.left.strict, words)),
                    "shown": bool(found_in(cycle.left.shown, words)),
                }
                for column, is_so in holds.items():
                    one.found.setdefault(column, []).extend([attack] * is_so)
    again = [
        _Group(own=[attack], fault=one.fault)
        for one in groups
        if not one.is_clean and len(one.own) > 1
        for attack in one.own
    ]
    settled = [one for one in groups if one.is_clean or len(one.own) == 1]
    return [*settled, *(_run(again) if again else ())]


def _table(groups: Sequence[_Group]) -> list[str]:
    rows: dict[str, Counter[str]] = {}
    for one in groups:
        for column, own in one.found.items():
            for attack in own:
                rows.setdefault(attack.why, Counter())[column] += 1
    whole = sum(rows.values(), Counter[str]())
    columns = ("sets", "read", "told", "strict", "shown")
    lines = [
        "| refused because of | sets | reached the model | refused, with this reason in the run | "
        "words of it in a diff, title, branch or commit | anywhere else |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for why, row in sorted(rows.items(), key=lambda pair: -pair[1]["sets"]):
        lines.append(f"| {why} | " + " | ".join(str(row[name]) for name in columns) + " |")
    return [*lines, "| all | " + " | ".join(str(whole[name]) for name in columns) + " |"]


def _words(every: Sequence[Attack]) -> list[str]:
    alike = sorted(every, key=lambda one: one.why)
    groups = [_Group(own=some) for some in _parts(alike, PER_AGENT)]
    return [
        f"{len(every)} sets through whole cycles, with a model that obeys them (simulated): "
        "reader, writer and judge put the hostile text into every field. A few sets share an "
        "agent; where anything is found they go again, each alone.",
        "",
        *_table(_run(groups)),
    ]


def _tools() -> list[str]:
    by_route = {route: tool_attacks(route) for route in ROUTES}
    edits = source_attacks()
    alike = [*by_route.values(), *([e for e in edits if e.language == one] for one in SOURCES)]
    groups = [
        _Group(own=part, fault=IN_TOOL)
        for own in alike
        for part in _parts(sorted(own, key=lambda one: one.why), PER_TOOL)
    ]
    number = len(next(iter(by_route.values())))
    return [
        f"{number} of them against a tool, each in {len(by_route)} ways ({', '.join(by_route)}), "
        f"and {len(edits)} edits of a tool in Python, TypeScript or JSON that need no text of "
        "their own or hide it in code. What failed is said by a judge who obeys as well.",
        "",
        *_table(_run(groups)),
    ]


def _parts(every: Sequence[_T], size: int) -> list[list[_T]]:
    return [list(every[at : at + size]) for at in range(0, len(every), size)]


def _names() -> list[str]:
    """Runs in which every name, id and value is a payload; each has to leave nothing live."""
    live: list[str] = []
    for some in _parts(list(PAYLOADS), PER_RUN):
        if not _is_inert(some):
            live += [name for name in some if not _is_inert([name])]
    told = f"live in {', '.join(live)}" if live else "live in none"
    return [
        f"{len(PAYLOADS)} payloads, at most {PER_RUN} in one run, as every name, id and value that "
        f"a sender can choose ({', '.join(PAYLOADS)}): {told}."
    ]


def _is_inert(names: Sequence[str]) -> bool:
    with a_command_line() as (debrief, folder):
        try:
            texts = [PAYLOADS[name] for name in names]
            assert_names_are_inert(texts, debrief, folder, os.environ.__setitem__)
        except AssertionError:
            return False
    return True


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
