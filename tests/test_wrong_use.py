"""Wrong use of the command line is one line that says what to do, and exit code 2: no traceback."""

from __future__ import annotations

import pytest

from bot.cli import main
from tests.loop import Debrief


@pytest.fixture
def debrief(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("DEBRIEF_STORE", raising=False)
    return Debrief(tmp_path / "store", capsys)


@pytest.mark.parametrize("since", ["28", "²d", "1e3d", "99999999d", "9" * 400 + "d"])
def test_a_span_of_time_that_is_none_is_explained(debrief, since):
    done = debrief("conversations", "--since", since)

    assert done.code == 2
    assert "28d" in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("now", ["tomorrow", "0001-01-01", "9999-12-31T23:59:59Z"])
def test_a_clock_that_no_window_fits_around_is_refused(now, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["patterns", "--store", str(tmp_path), "--now", now])

    assert stopped.value.code == 2
    assert "is no time" in capsys.readouterr().err


def test_settings_in_another_encoding_are_refused(debrief, tmp_path):
    path = tmp_path / ".github" / "debrief.yml"
    path.parent.mkdir()
    path.write_bytes(b"store: caf\xe9")

    done = debrief("config", "check", "--repo", tmp_path)

    assert done.code == 2
    assert "save it as UTF-8" in done.err


@pytest.mark.parametrize("text", [None, "version: 1\n"])
def test_a_check_gives_a_document_where_one_is_asked_for(debrief, tmp_path, text):
    path = tmp_path / ".github" / "debrief.yml"
    if text is not None:
        path.parent.mkdir()
        path.write_text(text)

    done = debrief("config", "check", "--json", "--repo", tmp_path)

    assert done.json == {"path": str(path), "exists": text is not None}
