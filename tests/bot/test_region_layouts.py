"""In the layouts of well-known frameworks all that may change is found, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bot.proposals.limits.numbers import NAMES, last_name
from bot.proposals.scalars import Scalar, find_number, numbers_called, set_scalar
from bot.records import Edit, Skipped, SourceFile
from bot.regions import NotParsed, Region, find_regions, write_region
from tests.bot.layouts import LAYOUTS, Layout

LIMITS = frozenset().union(*NAMES.values())
READ = [one for one in LAYOUTS if one.broken]
ADDED = {"prompt": " Be polite to everyone.", "tool": " Give it as it is written."}


def a_file(layout: Layout, newline: str = "\n") -> SourceFile:
    text = layout.text.replace("\n", newline)
    return SourceFile(path=layout.path, blob="0" * 40, text=text)


def cases(layouts: Iterable[Layout]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("layout", [pytest.param(one, id=one.name) for one in layouts])


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@cases(LAYOUTS)
def test_every_text_for_the_model_is_found_and_no_other(layout: Layout, newline: str) -> None:
    file = a_file(layout, newline)

    regions = find_regions(file.path, file.text)

    prompts = [one for one in regions if one.kind == "prompt"]
    tools = {one.anchor: one.text for one in regions if one.kind == "tool"}
    assert len(prompts) == len(layout.prompts), [(one.anchor, one.text) for one in prompts]
    assert all(part in one.text for one, part in zip(prompts, layout.prompts, strict=True))
    assert tools.keys() == layout.tools.keys()
    assert len(tools) == len(regions) - len(prompts)
    assert all(part in tools[anchor] for anchor, part in layout.tools.items())


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@cases(LAYOUTS)
def test_a_sentence_goes_into_each_text_and_nowhere_else(layout: Layout, newline: str) -> None:
    file = a_file(layout, newline)

    for region in find_regions(file.path, file.text):
        after = with_sentence(file, region)

        (first, _), (_, last) = region.places[0], region.places[-1]
        assert isinstance(after, str), after
        assert after.startswith(file.text[:first])
        assert after.endswith(file.text[last:])
        texts = [one.text for one in find_regions(file.path, after)]
        assert sum(ADDED[region.kind] in one for one in texts) == 1
        assert after.count("\r\n") == after.count("\n") or newline == "\n"


def with_sentence(file: SourceFile, region: Region) -> str | Skipped:
    """The file with a sentence more behind what `region` says."""
    said = region.text.rstrip()
    new = said + ADDED[region.kind] + region.text[len(said) :]
    return write_region(file, region, new)


def the_number(file: SourceFile, name: str) -> Scalar | Skipped:
    return find_number([file], name, lambda key, _: last_name(key) == name)


def limits_named(file: SourceFile) -> set[str]:
    names: set[str] = set()

    def note(key: str) -> bool:
        names.add(last_name(key))
        return False

    numbers_called([file], note)
    return names & LIMITS


@cases(LAYOUTS)
def test_every_limit_is_found_and_only_its_digits_change(layout: Layout) -> None:
    file = a_file(layout)

    assert limits_named(file) == layout.numbers.keys()
    for name, digits in layout.numbers.items():
        scalar = the_number(file, name)
        assert not isinstance(scalar, Skipped), scalar
        assert scalar.digits == digits
        edit = set_scalar(scalar, scalar.value * 2)
        assert isinstance(edit, Edit)
        after = file.text.replace(edit.old, edit.new, 1)
        assert after[: scalar.start] == file.text[: scalar.start]
        assert after.endswith(file.text[scalar.end :])


@cases(READ)
def test_a_file_with_a_mistake_is_left_alone_with_the_reason(layout: Layout) -> None:
    with pytest.raises(NotParsed) as caught:
        find_regions(layout.path, layout.text + layout.broken)

    assert str(caught.value)
