"""One scan tells which texts deserve a closer look; it may say too much and never too little."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.filters import Filters
from collector.redaction import _KINDS

FILTERS = Filters(["ab", "[0-9]{3}", "(?i:tel).{1,4}x"])


def hits(texts: list[str], filters: Filters = FILTERS) -> list[set[int]]:
    return filters.hits(pa.array(texts, pa.string()))


def test_every_text_is_told_with_the_patterns_that_hit_it():
    assert hits(["ab", "", "1234", "Tel: éx ab", "none"]) == [{0, 3}, {2}, {3}]


def test_a_part_of_a_column_is_numbered_from_its_own_beginning():
    column = pa.array(["ab", "1234", "", "ab"], pa.string())

    assert FILTERS.hits(column[1:]) == [{2}, {0}, set()]


def test_no_texts_have_no_hits():
    assert hits([]) == [set(), set(), set()]


def test_a_text_with_a_million_hits_hides_no_neighbour():
    assert hits(["ab" * 500_000, "7", "777", "ab"]) == [{0, 3}, {2}, set()]


@given(texts=st.lists(st.text(alphabet="ab1T é\0", max_size=12), max_size=6))
@settings(max_examples=200, deadline=None)
def test_whoever_holds_a_literal_is_hit(texts):
    expected = {number for number, text in enumerate(texts) if "ab" in text}

    assert hits(texts)[0] == expected


def test_threads_may_share_the_filters():
    texts = [str(number) * 3 + "ab" * (number % 2) for number in range(10, 99)]
    expected = hits(texts)

    with ThreadPoolExecutor(8) as pool:
        assert all(found == expected for found in pool.map(hits, [texts] * 64))


def test_every_kind_of_value_has_a_filter_that_compiles():
    assert len(hits(["x"], Filters([kind.filter for kind in _KINDS]))) == len(_KINDS)
