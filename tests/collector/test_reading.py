"""A store that is read bucket by bucket gives what all its rows at once would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collector.assemble import Means, assemble, read_conversations, read_some
from collector.dialects.spans import read_row
from collector.otlp import decode_logs, decode_traces
from collector.records import Conversation, Unreadable
from collector.store import Store, open_store
from tests.collector.captured import CAPTURES, requests_of
from tests.collector.conversations import (
    OPEN_BOOK,
    SECOND,
    START_NS,
    a_chat,
    a_span,
    a_tool,
    an_agent,
    an_event,
    as_stored,
    assistant,
    trace_id,
    user,
)

pytestmark = pytest.mark.slow
DAY_S = 86_400.0
RECEIVED = datetime.fromtimestamp(START_NS // SECOND, UTC)
Rows = Sequence[Mapping[str, Any]]


def a_store(folder: Path, spans: Rows, events: Rows = ()) -> Store:
    """Each row in a file of its own day of receipt."""
    store = open_store(str(folder), create=True)
    for table, rows in (("spans", spans), ("events", events)):
        by_day: dict[int, list[Mapping[str, Any]]] = {}
        for row in rows:
            by_day.setdefault(row["received_ns"] // (86_400 * SECOND), []).append(row)
        for day_rows in by_day.values():
            at = datetime.fromtimestamp(day_rows[0]["received_ns"] // SECOND, UTC)
            store.append(table, [as_stored(row) for row in day_rows], now=at)
    return store


def a_thread(word: str, count: int, **chat: Any) -> list[dict[str, Any]]:
    """A conversation of so many turns a day apart, each in a trace of its own, without an id."""
    rows, history = [], list[Any]()
    for number in range(count):
        history.append(user(f"{word} {number}"))
        answer = assistant(f"answer {word} {number}")
        trace = f"{word} {number}"
        rows.append(a_chat(history, answer, **{"trace": trace, "start_s": number * DAY_S, **chat}))
        history.append(answer)
    return rows


def in_buckets(store: Store, **period: Any) -> list[Conversation | Unreadable]:
    return list(read_conversations(store, means=Means(bucket_rows=1), **period))


SEVERAL = {
    "threads-without-ids": [*a_thread("lamp", 3), *a_thread("sofa", 3)],
    "threads-of-users": [*a_thread("lamp", 3, user_id="ann"), *a_thread("sofa", 2, user_id="bob")],
    "an-id-that-comes-late": [
        row | ({"conversation_id": "late"} if number else {})
        for number, row in enumerate(a_thread("lamp", 3))
    ],
    "ids-on-the-root-only": [
        a_span({}, span="root", end_s=9, conversation_id="c1"),
        a_chat([user("hi")], assistant("hello"), parent="root", start_s=1),
        *a_thread("lamp", 2),
    ],
    "a-batch-trace": [
        a_span({}, span="job", end_s=60),
        *(
            a_chat([user(name)], assistant("ok"), span=name, parent="job", conversation_id=name)
            for name in ("a", "b")
        ),
        a_chat([user("b")], assistant("more"), trace="t2", conversation_id="b", start_s=70),
    ],
    "responses-by-id": [
        a_chat(
            [user(f"question {number}")],
            assistant(f"answer {number}"),
            trace=f"r{number}",
            start_s=number * 10,
            more={
                "gen_ai.response.id": f"resp-{number}",
                **({"gen_ai.request.previous_response_id": f"resp-{number - 1}"} if number else {}),
            },
        )
        for number in range(3)
    ],
    "silent-traces-beside": [
        *a_thread("lamp", 2),
        *(a_span({"gen_ai.x": "y"}, trace=f"other {n}", scope="some.thing") for n in range(3)),
    ],
    "tools-and-agents": [
        an_agent(span="agent", end_s=9, conversation_id="c"),
        a_chat([user("hi")], assistant("ok"), span="chat", parent="agent", start_s=1),
        a_tool(parent="agent", span="tool", start_s=2),
        a_tool(trace="elsewhere", span="alone", start_s=3),
    ],
}


@pytest.mark.parametrize("rows", [pytest.param(rows, id=name) for name, rows in SEVERAL.items()])
def test_buckets_of_one_row_give_what_all_rows_give(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    store = a_store(tmp_path, rows[::-1])

    assert in_buckets(store) == list(assemble(rows, []))


def test_the_captures_of_all_libraries_in_one_store_give_what_each_row_gives(
    tmp_path: Path,
) -> None:
    store = open_store(str(tmp_path), create=True)
    stored: dict[str, list[Any]] = {"spans": [], "events": []}
    for number, capture in enumerate(CAPTURES):
        at = RECEIVED + timedelta(days=number % 3)
        for signal, body in requests_of(capture):
            if signal == "metrics":
                continue
            decode = decode_traces if signal == "traces" else decode_logs
            received_ns = int(at.timestamp()) * SECOND
            decoded = decode(body, json=False, received_ns=received_ns, redact=OPEN_BOOK)
            store.append(decoded.table, decoded.rows, now=at)
    for table, rows in stored.items():
        rows += (read_row(row) for row in store.scan(table).to_pylist())

    found = in_buckets(store)

    assert found == list(assemble(stored["spans"], stored["events"]))
    assert len(found) > len(CAPTURES) / 2


def test_events_find_their_conversation_whatever_bucket_it_was_in(tmp_path: Path) -> None:
    spans = [
        *(row | {"conversation_id": "one"} for row in a_thread("lamp", 1)),
        *a_thread("sofa", 2),
        a_chat([user("x")], assistant("y"), trace="r", more={"gen_ai.response.id": "resp-9"}),
    ]
    events = [
        an_event(event="e1", conversation_id="one"),
        an_event(event="e2", trace_id=trace_id("sofa 1")),
        an_event(event="e3", response_id="resp-9", user_id="carl"),
        an_event(event="e4", conversation_id="nobody's"),
    ]

    found = in_buckets(a_store(tmp_path, spans, events))

    assert found == list(assemble(spans, events))
    told = [each for each in found if isinstance(each, Conversation)]
    assert sorted(event.id for each in told for event in each.events) == ["e1", "e2", "e3"]


# --- what is asked for ---------------------------------------------------------------------------


def ids(found: Sequence[Conversation | Unreadable]) -> list[str]:
    assert not [each for each in found if isinstance(each, Unreadable)]
    return [each.conversation_id for each in found if isinstance(each, Conversation)]


def test_what_got_something_new_is_read_whole(tmp_path: Path) -> None:
    old = a_thread("lamp", 1)
    thread = a_thread("sofa", 3)
    spans = [*old, *(row | {"conversation_id": "long"} for row in thread)]
    store = a_store(tmp_path, spans)

    (found,) = in_buckets(store, received_since=RECEIVED + timedelta(days=1.5))

    assert isinstance(found, Conversation)
    assert (found.conversation_id, found.turns) == ("long", 3)


def test_a_thread_without_an_id_is_read_back_to_its_beginning(tmp_path: Path) -> None:
    store = a_store(tmp_path, [*a_thread("lamp", 1), *a_thread("sofa", 3)])

    for bucket_rows in (1, 1000):
        later = RECEIVED + timedelta(days=1.5)
        (found,) = read_conversations(
            store, received_since=later, means=Means(bucket_rows=bucket_rows)
        )

        assert isinstance(found, Conversation)
        assert found.turns == 3


def test_an_event_about_an_old_conversation_asks_for_it(tmp_path: Path) -> None:
    spans = [
        *(row | {"conversation_id": "judged"} for row in a_thread("lamp", 1)),
        *(row | {"conversation_id": "other"} for row in a_thread("sofa", 1)),
    ]
    late_ns = START_NS + int(5 * DAY_S) * SECOND
    store = a_store(tmp_path, spans, [an_event(conversation_id="judged", received_ns=late_ns)])

    assert ids(in_buckets(store, received_since=RECEIVED + timedelta(days=4))) == ["judged"]


def test_events_about_what_is_not_read_are_not_called_lost(tmp_path: Path) -> None:
    spans = [
        *(row | {"conversation_id": "old"} for row in a_thread("lamp", 1)),
        *(
            row | {"conversation_id": "new"}
            for row in a_thread("sofa", 1, start_s=9 * DAY_S, trace="new")
        ),
    ]
    events = [
        an_event(event="e1", conversation_id="old"),
        an_event(event="e2", response_id="resp-of-old"),
    ]
    store = a_store(tmp_path, spans, events)

    assert ids(in_buckets(store, since=RECEIVED + timedelta(days=8))) == ["new"]


@pytest.mark.parametrize("bucket_rows", [1, 1000])
def test_one_conversation_is_read_by_its_id(tmp_path: Path, bucket_rows: int) -> None:
    spans = [
        *a_thread("lamp", 3),
        *a_thread("sofa", 2),
        *(row | {"conversation_id": "named"} for row in a_thread("bed", 2)),
    ]
    store = a_store(tmp_path, spans, [an_event(conversation_id="named")])

    def read(conversation_id: str) -> list[Conversation]:
        return list(read_some(store, [conversation_id], means=Means(bucket_rows=bucket_rows)))

    (named,) = read("named")
    (thread,) = read(f"trace-{trace_id('lamp 0')}")
    assert (named.turns, len(named.events), thread.turns) == (2, 1, 3)
    assert read("nobody's") == []
    assert read(f"trace-{trace_id('lamp 1')}") == []


def test_several_processes_give_what_one_gives(tmp_path: Path) -> None:
    spans = [row for number in range(20) for row in a_thread(f"thing {number}", 2)]
    store = a_store(tmp_path, spans)

    found = list(read_conversations(store, means=Means(bucket_rows=10, processes=2, alone_rows=0)))

    assert found == list(assemble(spans, []))
