"""Rows made by columns are the rows that `read_row` makes."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from collector.assemble.rows import rows_of, values_of
from collector.dialects.spans import read_row
from collector.store.schema import SPANS

STORED: dict[str, Any] = {
    "trace_id": "t",
    "span_id": "s",
    "name": "chat",
    "status": 0,
    "start_ns": 1_790_865_221_457_955_273,
    "attributes": [("a", "one"), ("b", "two")],
    "attributes_json": [("n", "1"), ("l", "[1, 2]"), ("x", "no JSON")],
    "resource": [("service.name", "shop")],
    "resource_json": [],
}


def a_table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([STORED | row for row in rows], schema=SPANS)


def assert_same(table: pa.Table) -> None:
    wanted = [read_row(row) for row in table.to_pylist()]
    for row in wanted:
        del row["attributes_json"], row["resource_json"]
    assert list(rows_of(table)) == wanted


def test_each_row_has_its_own_attributes() -> None:
    assert_same(a_table({}, {"attributes": []}, {"attributes": [("b", "3")]}, {"resource": []}))


def test_rows_without_attributes_or_times_keep_the_others_exact() -> None:
    absent = {"attributes": None, "attributes_json": None, "start_ns": None, "name": None}
    assert_same(a_table({}, absent, {"resource": None}, {"end_ns": 1_790_865_221_457_955_275}))


def test_of_keys_that_repeat_the_last_value_stays() -> None:
    repeated = [("a", "1"), ("a", "2")]
    assert_same(a_table({"attributes": [("a", "x"), ("a", "y")], "attributes_json": repeated}))


def test_a_part_of_a_table_is_read_from_its_own_beginning() -> None:
    rows = [{"attributes": [("number", str(number))] * (number % 4)} for number in range(3000)]
    assert_same(a_table(*rows).slice(7, 2500))
    assert_same(pa.concat_tables([a_table(*rows[:5]), a_table(*rows[5:9])]).slice(3, 4))
    assert_same(a_table())


def test_lists_of_two_rows_are_not_one_object() -> None:
    first, second = rows_of(a_table({}, {}))

    first["attributes"]["l"].append(3)

    assert second["attributes"]["l"] == [1, 2]


def test_integers_beside_nulls_stay_integers() -> None:
    assert values_of(pa.array([2**60 + 1, None])) == [2**60 + 1, None]
