"""Groups that overlap: which ones carry the failures."""

from __future__ import annotations

import numpy as np

from bot.patterns.explained import carriers


def a_product(rates, rows_per_cell=300, seed=0):
    """(intent, version) to rate; gives the groups by name, who failed, and the units."""
    rng = np.random.default_rng(seed)
    intents, versions, failed = [], [], []
    for (intent, version), rate in rates.items():
        intents += [intent] * rows_per_cell
        versions += [version] * rows_per_cell
        failed += list(rng.random(rows_per_cell) < rate)
    at_intent, at_version = np.asarray(intents), np.asarray(versions)
    groups = {
        (intent, version): (at_intent == intent) & (at_version == version)
        for intent, version in rates
    }
    groups |= {intent: at_intent == intent for intent in dict.fromkeys(intents)}
    groups |= {version: at_version == version for version in dict.fromkeys(versions)}
    return groups, np.asarray(failed), np.arange(len(failed))


def named(groups, wanted, failed, units):
    chosen = carriers([groups[name] for name in wanted], failed, units)
    return [wanted[index] for index in chosen]


FLAT = {(f"i{intent}", version): 0.1 for intent in range(4) for version in ("v1", "v2")}


def test_one_bad_cell_is_named_and_neither_its_intent_nor_its_version():
    groups, failed, units = a_product(FLAT | {("i0", "v2"): 0.35})
    assert named(groups, [("i0", "v2"), "i0", "v2"], failed, units) == [("i0", "v2")]


def test_an_intent_that_is_bad_in_both_versions_is_named_once():
    groups, failed, units = a_product(FLAT | {("i0", "v1"): 0.35, ("i0", "v2"): 0.35})
    assert named(groups, [("i0", "v1"), ("i0", "v2"), "i0"], failed, units) == ["i0"]


def test_a_version_that_is_bad_everywhere_is_named_once():
    groups, failed, units = a_product({cell: 0.1 + 0.2 * (cell[1] == "v2") for cell in FLAT})
    wanted = [*(cell for cell in FLAT if cell[1] == "v2"), "v2"]
    assert named(groups, wanted, failed, units) == ["v2"]


def test_two_bad_cells_of_one_version_are_both_named():
    groups, failed, units = a_product(FLAT | {("i0", "v2"): 0.35, ("i1", "v2"): 0.35})
    cells = [("i0", "v2"), ("i1", "v2")]
    assert named(groups, [*cells, "i0", "i1", "v2"], failed, units) == cells


def test_an_intent_and_a_cell_of_it_that_is_worse_still_are_both_named():
    groups, failed, units = a_product(FLAT | {("i0", "v1"): 0.3, ("i0", "v2"): 0.7})
    assert named(groups, [("i0", "v2"), "i0"], failed, units) == [("i0", "v2"), "i0"]


def test_the_same_rows_under_two_names_are_one_group():
    groups, failed, units = a_product(FLAT | {("i0", "v2"): 0.35})
    groups["channel"] = groups["i0", "v2"].copy()
    assert named(groups, [("i0", "v2"), "channel"], failed, units) == [("i0", "v2")]


def test_users_who_come_again_and_fail_again_count_once():
    groups, failed, units = a_product(FLAT | {("i0", "v2"): 0.6, ("i1", "v1"): 0.13}, seed=1)
    wanted = [("i0", "v2"), ("i1", "v1")]
    again = {name: np.repeat(rows, 5) for name, rows in groups.items()}
    failed, one_each, shared = np.repeat(failed, 5), np.arange(5 * len(units)), np.repeat(units, 5)
    assert named(again, wanted, failed, one_each) == wanted
    assert named(again, wanted, failed, shared) == [("i0", "v2")]
