"""A dialect is decided once for all spans with the same keys, and as it would be for each."""

from __future__ import annotations

import pytest

from collector.dialects import DIALECTS, detect
from collector.dialects.detection import SpanOfKeys, ValueNeeded
from collector.dialects.spans import Span, read_row
from collector.otlp import decode_traces
from tests.collector.captured import CAPTURES, requests_of
from tests.collector.conversations import OPEN_BOOK, a_chat, a_span, an_event, assistant, user


@pytest.mark.parametrize("capture", CAPTURES)
def test_every_span_of_a_capture_gets_the_dialect_that_speaks_first(capture: str) -> None:
    for signal, body in requests_of(capture):
        if signal != "traces":
            continue
        decoded = decode_traces(body, json=False, received_ns=0, redact=OPEN_BOOK)
        for row in decoded.rows:
            span = Span(read_row(row))
            speaking = (each for each in DIALECTS if each.reader.speaks(span))

            assert detect(span) is next(speaking, None)


def test_equal_keys_with_other_values_may_be_another_dialect() -> None:
    names = []
    for system in ("strands-agents", "openai"):
        chat = a_chat([user("hi")], assistant("hello"), more={"gen_ai.system": system})
        found = detect(Span(chat))
        names.append(found.name if found else None)

    assert names == ["strands", "genai"]


def test_log_records_of_a_span_are_part_of_what_is_decided() -> None:
    row = a_span({"gen_ai.operation.name": "chat"})
    log = an_event("gen_ai.user.message", attributes={"content": "hi"})

    alone, told = detect(Span(row)), detect(Span(row, [log]))

    assert alone is not None
    assert told is not None
    assert (alone.name, told.name) == ("genai", "genai-older")


def test_what_keys_alone_do_not_tell_is_not_guessed() -> None:
    probe = SpanOfKeys(["a"], scope="s", has_logs=True, has_events=True)

    assert probe.text("b", "c") is None
    assert "a" in probe
    assert probe.row["scope"] == "s"
    for ask in (
        lambda: probe.text("a"),
        lambda: probe.raw("a"),
        lambda: probe.value("a"),
        lambda: probe.count("a"),
        lambda: probe.resource("r"),
        lambda: probe.logs,
        lambda: probe.row["name"],
        lambda: probe.row["events"],
    ):
        with pytest.raises(ValueNeeded):
            ask()
