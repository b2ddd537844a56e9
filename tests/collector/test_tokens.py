"""Tokens are many, have one right each, and are revoked by taking a line out of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.errors import Misconfigured, StoreError, Unauthorized
from collector.tokens import Right, Tokens


def lets_pass(tokens: Tokens, token: str, right: Right = "send") -> bool:
    try:
        tokens.check(f"Bearer {token}", right)
    except Unauthorized:
        return False
    return True


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text("# who\nsupport-bot aaaa\nbbbb  # no name\n\nmetrics mmmm\n")
    return path


def test_without_tokens_everybody_may_do_everything():
    tokens = Tokens()

    assert not tokens.are_required
    assert lets_pass(tokens, "")
    assert lets_pass(tokens, "", "metrics")


@pytest.mark.parametrize(
    ("token", "rights"),
    [
        ("aaaa", ["send"]),
        ("bbbb", ["send"]),
        ("cccc", ["send"]),
        ("mmmm", ["metrics"]),
        ("support-bot", []),
        ("aaa", []),
        ("", []),
        ("aaaa bbbb", []),
        ("ä\udcff", []),
    ],
)
def test_a_token_has_the_right_of_its_line_and_no_other(file, token, rights):
    tokens = Tokens("cccc", file)

    assert [r for r in ("send", "metrics") if lets_pass(tokens, token, r)] == rights


@pytest.mark.parametrize("header", [None, "", "aaaa", "Basic aaaa", b"bearer", b"Bearer\xff aaaa"])
def test_whatever_is_no_bearer_token_is_refused(file, header):
    with pytest.raises(Unauthorized, match="Authorization: Bearer"):
        Tokens(None, file).check(header)


def test_the_scheme_is_told_without_regard_to_case(file):
    Tokens(None, file).check(b"bearer aaaa")


def test_a_line_that_goes_takes_its_token_with_it_and_a_new_one_counts_at_once(file):
    tokens = Tokens(None, file)
    assert lets_pass(tokens, "aaaa")

    file.write_text("bbbb\nnew dddd\n")

    assert [lets_pass(tokens, t) for t in ("aaaa", "bbbb", "dddd")] == [False, True, True]


@pytest.mark.parametrize("spoil", [Path.unlink, lambda f: f.write_text("a b c")])
def test_while_the_file_cannot_be_read_senders_are_asked_to_keep_their_data(file, spoil):
    tokens = Tokens(None, file)

    spoil(file)
    with pytest.raises(StoreError, match="correct it"):
        tokens.check("Bearer aaaa")
    file.write_text("aaaa")

    assert lets_pass(tokens, "aaaa")


@pytest.mark.parametrize("content", ["", "# nobody\n", "a b c\n", None])
def test_a_collector_does_not_start_with_tokens_that_cannot_work(tmp_path, content):
    file = tmp_path / "tokens"
    if content is not None:
        file.write_text(content)

    with pytest.raises(Misconfigured, match="token"):
        Tokens(None, file)
    with pytest.raises(Misconfigured, match="DEBRIEF_COLLECTOR_TOKEN"):
        Tokens(content or " ")


def test_no_error_repeats_a_token(file):
    with pytest.raises(Unauthorized) as caught:
        Tokens(None, file).check("Bearer hunter2hunter2")
    with pytest.raises(Misconfigured) as started:
        Tokens("one two hunter2")

    assert "hunter2" not in f"{caught.value} {started.value}"
