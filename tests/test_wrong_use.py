"""Wrong use of the command line is one line that says what to do, and exit code 2: no traceback."""

from __future__ import annotations

import pytest

from bot.cli import main
from tests.loop import Debrief, write_lines


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

    nothing = {"mistakes": [], "warnings": []}
    assert done.json == {"path": str(path), "exists": text is not None, **nothing}


STEERS = "\x1b]0;mine\x07\x1b[31m\u202e"


def test_nothing_that_strangers_wrote_steers_the_terminal(debrief, tmp_path):
    messages = [{"role": "user", "content": STEERS}, {"role": "assistant", "content": STEERS}]
    line = {"id": STEERS, "agent": STEERS, "messages": messages, "outcome": {STEERS: True}}
    said = [
        debrief("import", write_lines(tmp_path / "good.jsonl", [line])),
        debrief("import", write_lines(tmp_path / "bad.jsonl", [{"event": STEERS}])),
        debrief("import", tmp_path / f"{STEERS[1:3]}\x1b.jsonl"),
        debrief("show", STEERS),
        debrief("show", "no such"),
        debrief("conversations"),
        debrief("patterns"),
    ]

    assert [done.code for done in said] == [0, 2, 2, 0, 2, 0, 0]
    told = "".join(done.out + done.err for done in said)
    assert not set(told) & set("\x1b\x07\u202e")
    assert "<U+001B>" in told


def test_ids_are_listed_in_full(debrief, tmp_path):
    name = "0190f1c2-7d3e-7a40-9d55-3f0d8e6b1a27"
    line = {"id": name, "agent": "support", "messages": [{"role": "user", "content": "a " * 90}]}
    debrief("import", write_lines(tmp_path / "data.jsonl", [line]))

    assert name in debrief("conversations").out
