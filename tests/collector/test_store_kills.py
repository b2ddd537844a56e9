"""Whatever works on a store may be killed at any moment; run again, it ends where it would have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.collector.kills import ACTIONS, a_folder, end_after_kills


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return a_folder(tmp_path_factory.mktemp("kills") / "base")


@pytest.mark.parametrize("action", list(ACTIONS))
def test_a_command_that_was_killed_ends_the_same_when_it_is_run_again(base, tmp_path, action):
    undisturbed = end_after_kills(action, base, tmp_path / "undisturbed", kills=0, seed=0)

    killed = end_after_kills(action, base, tmp_path / "killed", kills=2, seed=1)

    assert killed == undisturbed
    assert killed.spans
    assert killed.leftovers == ()
    assert killed.holds_words_of_alice == (action != "erase")
