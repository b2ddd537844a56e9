"""The repository's template comes under our body and cannot speak for us."""

from __future__ import annotations

import pytest

from bot.pull_template import MOST_CHARACTERS, TEMPLATE_PATHS, with_template

BODY = "<!-- debrief: marker -->\nWhat and why.\n"


def test_what_the_team_asks_stays_there_to_fill():
    body = with_template("## Checklist\r\n- [x] tests\r\n- [ ] docs\r\n", BODY)

    assert body.startswith(BODY.rstrip())
    assert "- [ ] tests\n- [ ] docs" in body


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("<!-- say what you did -->\n", id="comments-only"),
        pytest.param("<!-- without an end", id="open-comment"),
        pytest.param("  \n", id="empty"),
        pytest.param("x" * (MOST_CHARACTERS + 1), id="very-long"),
    ],
)
def test_a_template_that_asks_nothing_adds_nothing(template):
    assert with_template(template, BODY) == BODY


def test_a_template_cannot_carry_our_marker():
    assert with_template("<!-- debrief: marker -->\nHow?", BODY).count("<!--") == 1


def test_the_folder_of_github_comes_first():
    assert TEMPLATE_PATHS[0] == ".github/pull_request_template.md"
