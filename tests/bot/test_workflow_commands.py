"""A message in a workflow command can neither end it nor start another one."""

from __future__ import annotations

import json

import pytest

from bot.commands.shell import Shell
from bot.settings import Secrets
from bot.workflow_commands import annotation, mask, without_commands
from prompts import INVISIBLE
from tests.loop import NOW


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


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        pytest.param(
            "::error::x\n  ::set-output name=a::1", ": :error::x\n  : :set-output name=a::1"
        ),
        pytest.param("\x1b[1m::add-mask::x", "\x1b[1m: :add-mask::x", id="behind-a-colour"),
        pytest.param("an agent ##[set-output name=a]1", "an agent # #[set-output name=a]1"),
        pytest.param("a std::vector, 12::34 and ## [a]", "a std::vector, 12::34 and ## [a]"),
    ],
)
def test_nothing_that_is_printed_commands_the_runner(text, safe):
    assert without_commands(text) == safe
    assert without_commands(safe) == safe


def test_a_document_has_no_sign_that_steers_a_terminal_and_says_the_same(capsys):
    value = {"agent": "##[error]\x9b31m\u202e\U000e0041\x1b", "lone": "\ud800", "text": "##\n#[é"}

    Shell(store=None, now=NOW, json=True, secrets=Secrets(), pause_s=0).emit(value)

    printed = capsys.readouterr().out
    assert json.loads(printed) == value
    assert not INVISIBLE.search(printed)
    assert "##[" not in printed
    assert "é" in printed
