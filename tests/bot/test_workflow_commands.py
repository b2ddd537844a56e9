"""A message in a workflow command can neither end it nor start another one."""

from __future__ import annotations

import pytest

from bot.workflow_commands import annotation, mask


@pytest.mark.parametrize(
    ("given", "line"),
    [
        pytest.param({"message": "all well"}, "::notice::all well", id="plain"),
        pytest.param(
            {"message": "100 %\n::stop-commands::x"},
            "::notice::100 %25%0A::stop-commands::x",
            id="a-second-line",
        ),
        pytest.param(
            {"message": "m", "file": "a,b:c.yml", "line": 3, "title": "T"},
            "::notice title=T,file=a%2Cb%3Ac.yml,line=3::m",
            id="properties",
        ),
    ],
)
def test_an_annotation_is_one_line(given, line):
    assert annotation("notice", **given) == line


def test_every_line_of_a_secret_is_masked():
    assert mask("-----BEGIN\r\nabc%\n\n") == ("::add-mask::-----BEGIN", "::add-mask::abc%25")
