"""The rows of the faults in layouts of well-known frameworks."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from bench import planted_layouts
from bench.planted_layouts import FormatFault, NumberFault
from bench.planted_tools import ToolFault
from bench.simulated_faults import (
    ARGUMENTS,
    LIMIT_SET,
    Row,
    argument_calls,
    drawn_need,
    first_proposal,
    limited,
    located,
    repository_of,
    threshold_pattern,
)
from bot.proposals import propose_arguments, propose_limits, propose_threshold
from bot.proposals.edits import apply_edits
from bot.proposals.harness.places import Description, find_places
from bot.records import AgentFiles, Proposal, Skipped
from tests.bot.builders import NOW

USEFUL_FROM = 0.56
"""Of the two thresholds, which stand at 0.50."""


def layout_rows() -> Iterator[Row]:
    """One row for each fault of `bench.planted_layouts`."""
    for number in planted_layouts.NUMBERS:
        yield _number(number)
    for one in planted_layouts.FORMATS:
        yield _format(one)
    for fault in planted_layouts.PROMPTS:
        if fault.layout is not None:
            yield located(fault, fault.layout, rule=fault.rule)
    for tool in planted_layouts.TOOLS:
        yield _described(tool)


def _number(fault: NumberFault) -> Row:
    """The digits behind the right words, and none besides, become a fitting number."""
    kind = "threshold off" if fault.kind == "threshold" else "limit too low"
    found = _threshold(fault) if fault.kind == "threshold" else _limit(fault)
    row = Row(kind=kind, layout=fault.layout, name=fault.name, place=False, value=False)
    if not isinstance(found, Proposal):
        return _noted(row, found)
    repository = repository_of(fault.files)
    after = apply_edits(repository.files, found.edits)
    assert isinstance(after, dict)
    old = fault.files[fault.path]
    at = old.index(fault.before) + len(fault.before)
    new = after.get(fault.path, old)
    digits = re.compile(r"[\d_.]+")
    was, now = digits.match(old, at), digits.match(new, at)
    assert was is not None
    place = now is not None and was[0] != now[0] and old[was.end() :] == new[now.end() :]
    if not place or now is None:
        return _noted(row, f"{found.edits[0].path}: {found.edits[0].new.strip()[:80]}")
    value = float(now[0].replace("_", "")) / fault.per_unit
    return Row(
        kind=kind,
        layout=fault.layout,
        name=fault.name,
        place=True,
        value=_fits(fault, value),
        note=f"{was[0]} → {now[0]}",
    )


def _fits(fault: NumberFault, value: float) -> bool:
    if fault.kind == "threshold":
        return abs(value - USEFUL_FROM) <= 0.03
    needs = sorted(_needs(fault))
    limit = LIMIT_SET[fault.kind]
    low = min(needs[int(0.95 * len(needs))], 2 * limit * 0.95)
    return low <= value <= min(2 * limit, 1.6 * needs[-1])


def _needs(fault: NumberFault) -> list[float]:
    rng = random.Random(fault.name)  # noqa: S311 - a simulation
    return [drawn_need(fault.kind, rng) for _ in range(300)]


def _limit(fault: NumberFault) -> Proposal | str:
    conversations = [limited(fault.kind, need, n) for n, need in enumerate(_needs(fault))]
    files = AgentFiles(agent="agent", harness=tuple(fault.files))
    found = propose_limits("agent", repository_of(fault.files), files, conversations, rates={})
    return first_proposal(found)


def _threshold(fault: NumberFault) -> Proposal | str:
    pattern = threshold_pattern(0.50, USEFUL_FROM, seed=fault.name)
    files = AgentFiles(agent="fraud-desk", thresholds=tuple(fault.files))
    found = propose_threshold(pattern, repository_of(fault.files), files, now=NOW)
    if isinstance(found, Proposal):
        return found
    return found.reason if isinstance(found, Skipped) else str(found)


def _format(fault: FormatFault) -> Row:
    repository = repository_of({fault.path: fault.text})
    files = AgentFiles(agent="agent", harness=(fault.path,))
    (argument,) = [one for one in ARGUMENTS if one.tool == fault.tool]
    found = first_proposal(
        propose_arguments("agent", repository, files, argument_calls(argument), rates={})
    )
    row = Row(
        kind="wrong tool description",
        layout=fault.layout,
        name=fault.name,
        place=False,
        value=False,
    )
    if not isinstance(found, Proposal):
        return _noted(row, found)
    after = apply_edits(repository.files, found.edits)
    assert isinstance(after, dict)
    added = [one for one in after[fault.path].split("\n") if one not in fault.text.split("\n")]
    is_right = added == [fault.after]
    return Row(
        kind=row.kind,
        layout=row.layout,
        name=row.name,
        place=is_right,
        value=is_right,
        note=" / ".join(one.strip() for one in added)[:160],
    )


def _described(fault: ToolFault) -> Row:
    """The tool's own description is among the places that a writer is shown."""
    repository = repository_of(fault.files)
    files = AgentFiles(agent="agent", harness=tuple(fault.files))
    messages = [one.error or "" for c in fault.failing() for one in c.messages if one.error]
    found = find_places(fault.tool, messages, files, repository, function_first=False)
    row = Row(
        kind="tool described wrongly",
        layout=fault.layout,
        name=fault.name,
        place=False,
        value=None,
    )
    if isinstance(found, Skipped):
        return _noted(row, found.reason)
    described = [one for one in found if isinstance(one, Description)]
    is_right = bool(described) and all(one.file.path in fault.right for one in described)
    return Row(
        kind=row.kind,
        layout=row.layout,
        name=row.name,
        place=is_right and any(not one.argument for one in described),
        value=None,
        note=", ".join(one.region.anchor for one in described),
    )


def _noted(row: Row, note: str) -> Row:
    return Row(
        kind=row.kind,
        layout=row.layout,
        name=row.name,
        place=row.place,
        value=row.value,
        note=note,
    )
