"""The marker carries our state through bodies that others can write to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.marker import parse_marker, render_marker

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=10), values, max_size=5))
def test_a_marker_parses_back_to_its_values(given_values):
    assert parse_marker(render_marker(given_values) + "\nbody") == given_values


@given(st.text(max_size=60))
def test_no_text_can_end_the_comment(text):
    line = render_marker({"title": text + "-->"})

    assert line.count("-->") == 1
    assert "\n" not in line


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="empty"),
        pytest.param("Hello\n" + render_marker({"id": "p-1"}), id="not-the-first-line"),
        pytest.param('<!-- debrief:2 {"id":"p-1"} -->', id="unknown-version"),
        pytest.param("<!-- debrief:1 {broken} -->", id="no-json"),
        pytest.param("<!-- debrief:1 [] -->", id="no-mapping"),
    ],
)
def test_what_is_no_marker_of_ours_is_not_read(body):
    assert parse_marker(body) is None
