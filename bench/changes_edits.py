"""Random edits of texts and numbers in every format: no byte outside the place may change.

Each edit is written, read again and taken back. `refused` counts edits that a format cannot hold,
such as a line break in a literal string of TOML: the product refuses them with a sentence.
"""

from __future__ import annotations

import random
import re
from decimal import Decimal

from bot.proposals.edits import apply_edits, check_diff, edit_to, render_diff
from bot.proposals.scalars import find_number, set_scalar
from bot.records import Edit, Skipped, SourceFile
from bot.regions import code_numbers, find_regions, write_region
from bot.regions.structure import leaves, number, parse
from tests.bot.layouts import LAYOUTS
from tests.bot.region_files import FILES, NUMBERS, random_edit

TEXT_EDITS = 8_040
NUMBER_EDITS = 2_040
EACH_LAYOUT = 10
_HUNK = re.compile(r"@@ -(\S+) \+(\S+) @@(.*)")


def measure() -> list[str]:
    """The table's lines; raises AssertionError at the first edit that touches anything else."""
    lines = [
        "| format | line ends | edits | fitted | refused | outside changed | read otherwise |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for newline in ("\n", "\r\n"):
        for path, text in FILES.items():
            each = TEXT_EDITS // (2 * len(FILES))
            lines.append(_row(path, newline, each, _texts(path, text, newline, each)))
        layouts = [one for one in LAYOUTS if find_regions(one.path, one.text)]
        fitted = sum(_texts(one.path, one.text, newline, EACH_LAYOUT) for one in layouts)
        name = f"{len(layouts)} layouts of frameworks"
        lines.append(_row(name, newline, EACH_LAYOUT * len(layouts), fitted))
        for path, text in NUMBERS.items():
            each = NUMBER_EDITS // (2 * len(NUMBERS))
            lines.append(
                _row(f"numbers in {path}", newline, each, _numbers(path, text, newline, each))
            )
    return lines


def _row(name: str, newline: str, each: int, fitted: int) -> str:
    ends = "LF" if newline == "\n" else "CRLF"
    return f"| {name} | {ends} | {each:,} | {fitted:,} | {each - fitted:,} | 0 | 0 |"


def _file(path: str, text: str) -> SourceFile:
    return SourceFile(path=path, blob="0" * 40, text=text)


def _texts(path: str, text: str, newline: str, number_of_edits: int) -> int:
    text = text.replace("\n", newline)
    rng = random.Random(f"{path} {newline}")  # noqa: S311 - drawn edits, no secret
    regions = find_regions(path, text)
    fitted = 0
    for _ in range(number_of_edits):
        region = rng.choice(regions)
        new = random_edit(region, rng)
        after = write_region(_file(path, text), region, new)
        if isinstance(after, Skipped):
            continue
        fitted += 1
        (first, _), (_, last) = region.places[0], region.places[-1]
        assert after.startswith(text[:first]), (path, region.anchor, new)
        assert after.endswith(text[last:]), (path, region.anchor, new)
        now = find_regions(path, after)
        wanted = [new if one.places == region.places else one.text for one in regions]
        got = [one.text for one in now]
        assert [one.rstrip("\n") for one in wanted] == [one.rstrip("\n") for one in got]
        back_and_forth(path, text, after, edit_to(_file(path, text), after))
    return fitted


def _numbers(path: str, text: str, newline: str, number_of_edits: int) -> int:
    text = text.replace("\n", newline)
    rng = random.Random(f"{path} {newline}")  # noqa: S311 - drawn edits, no secret
    file = _file(path, text)
    keys = values_of(path, text)
    fitted = 0
    for _ in range(number_of_edits):
        wanted = rng.choice(sorted(keys))
        scalar = find_number([file], wanted, lambda key, _, wanted=wanted: key == wanted)
        if isinstance(scalar, Skipped):
            continue
        step = Decimal(1) if scalar.is_integer else Decimal("0.01")
        value = (scalar.value * Decimal(str(rng.uniform(0.8, 1.2)))).quantize(step)
        value += step * (value == scalar.value)
        edit = set_scalar(scalar, value)
        if isinstance(edit, Skipped):
            continue
        fitted += 1
        after = text.replace(edit.old, edit.new, 1)
        assert after[: scalar.start] == text[: scalar.start]
        assert after.endswith(text[scalar.end :])
        assert values_of(path, after) == {**keys, wanted: value}
        back_and_forth(path, text, after, edit)
    return fitted


def values_of(path: str, text: str) -> dict[str, Decimal]:
    """Key to value of every number of a file."""
    found = {one.key: text[one.start : one.end] for one in code_numbers(path, text)}
    values = found or leaves(parse(path, text))
    return {key: value for key, one in values.items() if (value := number(one)) is not None}


def back_and_forth(path: str, text: str, after: str, *edits: Edit) -> None:
    """The edits give `after`, their diff says so, and taken back it gives `text`."""
    assert apply_edits({path: _file(path, text)}, edits) == {path: after}
    diff = render_diff(text, after, path)
    assert check_diff(diff, {path: text}, {path: after}) == ()
    assert check_diff(_reverted(diff), {path: after}, {path: text}) == ()


def _reverted(diff: str) -> str:
    """The same diff the other way round, as `git apply -R` reads it."""
    swapped = str.maketrans("+-", "-+")
    lines = []
    for line in diff.split("\n"):
        if hunk := _HUNK.fullmatch(line):
            line = f"@@ -{hunk[2]} +{hunk[1]} @@{hunk[3]}"
        elif line[:1] in {"+", "-"} and not line.startswith(("+++ ", "--- ")):
            line = line[0].translate(swapped) + line[1:]
        lines.append(line)
    return "\n".join(lines)


if __name__ == "__main__":
    print("\n".join(measure()))
