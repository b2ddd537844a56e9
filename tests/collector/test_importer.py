"""Files of every kind, read whole or refused whole; what was imported comes back as it was."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from collector.assemble import read_conversations, read_user_events
from collector.importer import ImportedFile, import_files
from collector.records import Conversation, Message, ToolCall
from collector.store import Store, open_store
from tests.collector.conversations import NOW, OPEN_BOOK, REDACTOR, a_chat, as_stored
from tests.samples import samples_path

LINE: dict[str, Any] = {
    "id": "c-1",
    "agent": "airline",
    "version": "v2",
    "variant": "B",
    "user_id": "ann",
    "start_time": "2026-05-01T10:00:00",
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "hi", "timestamp": "2026-05-01T10:00:01"},
        {"role": "assistant", "content": "hello", "timestamp": "2026-05-01T12:00:02+02:00"},
    ],
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"), create=True)


def load(store: Store, *paths: Path, **options: Any) -> tuple[ImportedFile, ...]:
    options = {"signal": None, "redactor": OPEN_BOOK, "now": NOW, **options}
    return import_files(list(paths), store, **options).files


def a_file(folder: Path, lines: Iterable[Any], name: str = "data.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def stored(store: Store) -> list[Conversation]:
    found = list(read_conversations(store))
    readable = [each for each in found if isinstance(each, Conversation)]
    assert readable == found
    return readable


def imported(store: Store, folder: Path, **line: Any) -> Conversation:
    """Import one line and give what the store holds of it."""
    (file,) = load(store, a_file(folder, [{**LINE, **line}]))
    assert file.refused is None
    (conversation,) = stored(store)
    return conversation


# --- conversations -------------------------------------------------------------------------------


def test_a_conversation_comes_back_as_it_was(store: Store, tmp_path: Path) -> None:
    conversation = imported(store, tmp_path)

    assert (conversation.conversation_id, conversation.agent) == ("c-1", "airline")
    assert (conversation.version, conversation.variant) == ("v2", "B")
    assert conversation.user_id == "ann"
    assert conversation.system == "Be kind."
    assert [(m.role, m.text, m.at and m.at.isoformat()) for m in conversation.messages] == [
        ("user", "hi", "2026-05-01T10:00:01+00:00"),
        ("assistant", "hello", "2026-05-01T10:00:02+00:00"),
    ]
    assert conversation.started_at == conversation.messages[0].at
    assert conversation.ended_at == conversation.messages[1].at


def test_without_times_nothing_is_invented(store: Store, tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]

    conversation = imported(store, tmp_path, messages=messages, start_time=None)

    assert conversation.started_at is None
    assert [message.at for message in conversation.messages] == [None, None]
    assert not conversation.completeness.times


def test_twice_adds_nothing(store: Store, tmp_path: Path) -> None:
    line = {**LINE, "outcome": {"success": True}, "events": [{"event": "debrief.review"}]}
    path = a_file(tmp_path, [line, line])

    load(store, path)
    once = stored(store)
    load(store, path)

    assert stored(store) == once
    assert len(once) == 1
    assert len(once[0].events) == 2


def test_an_agent_that_was_corrected_later_replaces_the_old_outcome(
    store: Store, tmp_path: Path
) -> None:
    for day, success in enumerate((True, False)):
        path = a_file(tmp_path, [{**LINE, "outcome": {"success": success}}])
        load(store, path, now=NOW + timedelta(days=day))

    (conversation,) = stored(store)

    assert [event.attributes["name"] for event in conversation.events] == ["failure"]


def test_sub_agents_tools_and_customers_devices_keep_their_place(
    store: Store, tmp_path: Path
) -> None:
    messages = [
        {
            "role": "user",
            "content": None,
            "tool_calls": [{"id": None, "name": "reboot", "arguments": "{}", "requestor": "user"}],
        },
        {"role": "tool", "content": "rebooted", "name": "reboot", "error": False},
        {"role": "assistant", "content": "plan", "name": "planner"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": None, "name": "look", "arguments": '{"a": 1}'}],
        },
        {"role": "tool", "content": '{"b": 2}', "tool_call_id": None, "error": "half of it"},
    ]

    said = imported(store, tmp_path, messages=messages).messages

    assert said[0] == Message(
        role="user", tool_calls=(ToolCall(id="call-1", name="reboot", arguments={}),)
    )
    assert said[1] == Message(role="tool", tool_call_id="call-1", name="reboot", result="rebooted")
    assert said[2] == Message(role="assistant", text="plan", agent="planner")
    assert said[4] == Message(
        role="tool", tool_call_id="call-2", name="look", result={"b": 2}, error="half of it"
    )


def test_blocks_of_the_messages_api_are_calls_and_results(store: Store, tmp_path: Path) -> None:
    use = {"type": "tool_use", "id": "tu-1", "name": "lookup", "input": {"order": "A-1"}}
    result = {"type": "tool_result", "tool_use_id": "tu-1", "content": "no such order"}
    messages = [
        {"role": "user", "content": "Where is A-1?"},
        {"role": "assistant", "content": [{"type": "text", "text": "I look."}, use]},
        {"role": "user", "content": [{**result, "is_error": True}]},
    ]

    found = imported(store, tmp_path, messages=messages)

    asked, called, answered = found.messages
    assert (asked.role, called.role, answered.role) == ("user", "assistant", "tool")
    assert called.tool_calls[0].arguments == {"order": "A-1"}
    assert (answered.tool_call_id, answered.error) == ("tu-1", "no such order")
    assert found.turns == 1


def test_unknown_keys_are_kept_and_labels_are_not(store: Store, tmp_path: Path) -> None:
    imported(store, tmp_path, source="tau", labels={"truth": "SECRET"}, mood={"a": 1})

    (row,) = store.scan("spans").to_pylist()

    kept = dict(row["attributes"])
    assert json.loads(kept["debrief.import.source"]) == "tau"
    assert json.loads(kept["debrief.import.mood"]) == {"a": 1}
    assert "SECRET" not in str(row)


@pytest.mark.parametrize(
    ("outcome", "names"),
    [
        pytest.param({"success": True}, {"success"}, id="true"),
        pytest.param({"success": False}, {"failure"}, id="false"),
        pytest.param({"success": 0}, {"failure"}, id="zero"),
        pytest.param({"success": 1.0}, {"success"}, id="one"),
        pytest.param({"success": "maybe", "escalated": True}, {"escalated"}, id="not-a-boolean"),
        pytest.param({"escalated": False, "checks": [1], "x": {"y": 1}}, set(), id="nothing"),
        pytest.param({}, set(), id="empty"),
        pytest.param(None, set(), id="null"),
        pytest.param("good", set(), id="text"),
    ],
)
def test_each_boolean_that_is_true_is_an_outcome(
    store: Store, tmp_path: Path, outcome: Any, names: set[str]
) -> None:
    conversation = imported(store, tmp_path, outcome=outcome)

    assert {event.attributes["name"] for event in conversation.events} == names


def test_numbers_beside_an_outcome_are_kept_with_it(store: Store, tmp_path: Path) -> None:
    conversation = imported(store, tmp_path, outcome={"success": True, "reward": 0.5})

    (event,) = conversation.events
    assert event.attributes["reward"] == 0.5
    assert event.at == conversation.ended_at


def test_details_of_an_outcome_cannot_pass_for_keys_of_the_event(
    store: Store, tmp_path: Path
) -> None:
    outcome = {"success": True, "event": "x", "user_id": "eve", "name": "y", "at": "soon"}

    conversation = imported(store, tmp_path, outcome=outcome)

    (event,) = conversation.events
    assert (event.name, event.user_id) == ("debrief.outcome", "ann")
    assert event.attributes["name"] == "success"


def test_personal_data_and_users_are_redacted_as_the_receiver_does(
    store: Store, tmp_path: Path
) -> None:
    messages = [{"role": "user", "content": "write to ann@example.org"}]
    path = a_file(tmp_path, [{**LINE, "messages": messages, "outcome": {"success": True}}])

    load(store, path, redactor=REDACTOR)

    (conversation,) = stored(store)
    assert conversation.user_id == REDACTOR.user("ann")
    assert "ann@" not in str(store.scan("spans").to_pylist())
    assert [event.user_id for event in conversation.events] == [REDACTOR.user("ann")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param('{"id": "x"', "not JSON", id="broken-json"),
        pytest.param("[1]", "no conversation (`messages`)", id="no-object"),
        pytest.param('{"id": "x", "turns": []}', "`messages`", id="other-keys"),
        pytest.param('{"messages": []}', "no id", id="no-id"),
        pytest.param('{"id": "x", "messages": {}}', "must be a list", id="messages"),
        pytest.param('{"id": "x", "messages": [{"content": "a"}]}', "role", id="no-role"),
        pytest.param('{"id": {}, "messages": []}', "id must be text", id="id-object"),
        pytest.param('{"id": "x", "messages": [], "start_time": "soon"}', "'soon'", id="time"),
        pytest.param('{"id": "c-1", "agent": "airline", "messages": []}', "line 1", id="twice"),
        pytest.param('{"event": "", "user_id": "u"}', "no name", id="event-name"),
        pytest.param('{"event": "debrief.review"}', "tied to nothing", id="event-tie"),
        pytest.param(
            '{"event": "debrief.outcome", "name": "churned"}', "or account_id", id="outcome-tie"
        ),
        pytest.param('{"event": "x", "trace_id": "zz"}', "hex", id="trace-id"),
        pytest.param(
            '{"id": "x", "messages": [{"role": "assistant", "tool_calls": [3]}]}',
            "tool call",
            id="tool-call",
        ),
    ],
)
def test_a_file_with_one_bad_line_is_refused_whole(
    store: Store, tmp_path: Path, line: str, reason: str
) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps(LINE) + "\n\n" + line + "\n")
    good = a_file(tmp_path, [{**LINE, "id": "other"}], "good.jsonl")

    refused, taken = load(store, path, good)

    assert refused.refused is not None
    assert refused.refused.startswith("line 3: ")
    assert reason in refused.refused
    assert taken.conversations == 1
    assert [conversation.conversation_id for conversation in stored(store)] == ["other"]


# --- events and outcomes -------------------------------------------------------------------------


def test_flat_events_get_their_prefix_and_their_conversation(store: Store, tmp_path: Path) -> None:
    event = {
        "event": "debrief.decision",
        "conversation_id": "c-1",
        "at": "2026-05-02T00:00:00Z",
        "id": "d-1",
        "threshold.name": "limit",
        "feature.amount": 12.5,
        "segment.industry": "law",
        "rules": ["r1"],
    }

    load(store, a_file(tmp_path, [LINE, event]))

    (conversation,) = stored(store)
    (found,) = conversation.events
    assert found.attributes == {
        "id": "d-1",
        "threshold.name": "limit",
        "feature.amount": 12.5,
        "segment.industry": "law",
        "rules": ["r1"],
    }
    assert conversation.segments == {"industry": "law"}
    assert found.at is not None
    assert found.at.isoformat() == "2026-05-02T00:00:00+00:00"


def test_an_evaluation_keeps_the_standard_keys(store: Store, tmp_path: Path) -> None:
    event = {"event": "gen_ai.evaluation.result", "conversation_id": "c-1", "score.label": "bad"}

    load(store, a_file(tmp_path, [LINE, event]))

    (found,) = stored(store)[0].events
    assert found.attributes["gen_ai.evaluation.score.label"] == "bad"


def test_outcomes_of_users_come_from_csv(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "churn.csv"
    path.write_text(
        'user_id,outcome,at,reason\nann,churned,2026-05-03,"too, slow"\nbob,upgraded,,\n'
    )

    (file,) = load(store, path)

    assert file.events == 2
    found = read_user_events(store)
    assert [(e.user_id, e.attributes["name"], e.attributes.get("reason")) for e in found] == [
        ("bob", "upgraded", None),
        ("ann", "churned", "too, slow"),
    ]


def test_outcomes_of_accounts_come_from_csv_and_as_events(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "churn.csv"
    path.write_text("account_id,outcome,at\nacme,churned,2026-05-03\n")
    event = {"event": "debrief.outcome", "name": "upgraded", "account_id": 7}

    load(store, path)
    load(store, a_file(tmp_path, [event]))

    found = read_user_events(store)
    assert sorted(
        (e.attributes["name"], e.attributes["segment.account_id"], e.user_id) for e in found
    ) == [("churned", "acme", None), ("upgraded", "7", None)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("who,outcome\na,b\n", "header", id="header"),
        pytest.param("user_id,outcome\nann,\n", "line 2", id="empty-outcome"),
        pytest.param("user_id,outcome\nann,a\nbob,b,c\n", "line 3", id="too-many-cells"),
        pytest.param("user_id,outcome,at\nann,a,soon\n", "line 2: at 'soon'", id="time"),
    ],
)
def test_a_csv_that_cannot_be_read_is_refused(
    store: Store, tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)

    (file,) = load(store, path)

    assert file.refused is not None
    assert reason in file.refused
    assert store.scan("events").num_rows == 0


def test_decisions_and_responses_need_no_conversation(store: Store, tmp_path: Path) -> None:
    decision = {"event": "debrief.decision", "id": "d-1", "action": "flag", "confidence": 0.7}
    response = {"event": "debrief.response", "decision.id": "d-1", "action": "dismiss"}

    (file,) = load(store, a_file(tmp_path, [decision, response]))

    assert (file.events, file.refused) == (2, None)


# --- OTLP exports --------------------------------------------------------------------------------


def otlp_json(text: str = "hi") -> dict[str, Any]:
    said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}])
    attributes = [{"key": "gen_ai.input.messages", "value": {"stringValue": said}}]
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "chat", "attributes": attributes}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


@pytest.mark.parametrize("name", ["x.otlp.json", "x.otlp.jsonl", "x.otlp.jsonl.gz"])
def test_otlp_json_files_are_read_like_requests(store: Store, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    content = json.dumps(otlp_json()).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    (file,) = load(store, path)

    assert (file.spans, file.refused) == (1, None)
    assert stored(store)[0].messages[0].text == "hi"


def test_what_the_collectors_file_exporter_writes_is_read_whatever_its_name(
    store: Store, tmp_path: Path
) -> None:
    one, other = otlp_json("hi"), otlp_json("there")
    other["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] = "c" * 32
    path = a_file(tmp_path, [one, {"resourceMetrics": []}, other], "traces.json")
    pretty = tmp_path / "pretty.json"
    pretty.write_text(json.dumps(one, indent=2))

    lines, whole = load(store, path, pretty)

    assert (lines.spans, lines.refused) == (2, None)
    assert (whole.spans, whole.refused) == (1, None)


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.csv"])
def test_a_byte_order_mark_is_no_text(store: Store, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    csv = b"user_id,outcome\nu-1,churned\n"
    content = csv if name == "x.csv" else json.dumps(otlp_json()).encode()
    path.write_bytes(b"\xef\xbb\xbf" + content)

    (file,) = load(store, path)

    assert (file.refused, file.spans + file.events) == (None, 1)


def test_protobuf_exports_are_read_by_what_is_in_them(store: Store, tmp_path: Path) -> None:
    folder = samples_path("dialects/otel-genai-agent")
    named = tmp_path / "001.traces.pb"
    named.write_bytes((folder / "001.otlp.pb").read_bytes())
    unnamed = tmp_path / "002.pb"
    unnamed.write_bytes((folder / "002.otlp.pb").read_bytes())

    taken = load(store, named, unnamed)

    assert [file.refused for file in taken] == [None, None]
    assert stored(store)[0].conversation_id == "sess-0001"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.traces.pb", b"\xff\xff"),
        ("x.otlp.json", b"{"),
        ("x.otlp.json", b'{"a": 1}'),
        ("x.jsonl.gz", b"not gzip"),
        ("x.jsonl", b"\xff\xfe"),
        ("x.csv", b"\xff\xfe"),
        ("x.txt", b"hello"),
    ],
)
def test_files_that_are_not_what_they_seem_are_refused(
    store: Store, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    (file,) = load(store, path)

    assert file.refused


def test_a_file_that_does_not_exist_is_refused(store: Store, tmp_path: Path) -> None:
    (file,) = load(store, tmp_path / "gone.jsonl")

    assert "cannot be read" in (file.refused or "")


def test_an_export_with_a_span_that_cannot_be_stored_is_refused(
    store: Store, tmp_path: Path
) -> None:
    request = otlp_json()
    request["resourceSpans"][0]["scopeSpans"][0]["spans"].append({"traceId": "12", "name": "x"})

    (file,) = load(store, a_file(tmp_path, [request], "x.otlp.json"))

    assert "trace id" in (file.refused or "")


# --- real data -----------------------------------------------------------------------------------

REAL = [
    "tau_airline_gpt4o",
    "tau_retail_variants",
    "tau2_airline",
    "tau2_retail",
    "tau2_telecom",
    "tau2_medical",
    "whowhen_assistantbench",
]


def real_lines(name: str) -> list[dict[str, Any]]:
    with gzip.open(samples_path(f"conversations/{name}.jsonl.gz"), "rt") as file:
        return [json.loads(line) for line in file]


def value_of(content: Any) -> Any:
    """A result as a JSON value where it is a list or an object."""
    try:
        value = json.loads(content)
    except (TypeError, ValueError):
        return content
    return value if isinstance(value, dict | list) else content


@pytest.mark.parametrize("name", REAL)
def test_real_conversations_come_back_message_for_message(store: Store, name: str) -> None:
    lines = real_lines(name)

    (file,) = load(store, samples_path(f"conversations/{name}.jsonl.gz"))

    assert (file.conversations, file.refused) == (len(lines), None)
    found = {(each.agent, each.conversation_id): each for each in stored(store)}
    assert len(found) == len(lines)
    for line in lines:
        conversation = found[line["agent"], line["id"]]
        sent = [message for message in line["messages"] if message["role"] != "system"]
        assert [m.role for m in conversation.messages] == [m["role"] for m in sent]
        for message, original in zip(conversation.messages, sent, strict=True):
            check_message(message, original)
        asked_and_answered(conversation.messages)


def check_message(message: Message, original: dict[str, Any]) -> None:
    if message.role == "tool":
        assert message.result == value_of(original["content"])
        assert (message.error is not None) == bool(original.get("error"))
    else:
        # Inline media is replaced for every store.
        content = original["content"]
        assert message.text == (OPEN_BOOK.text(content) if content else content)
    asked = original.get("tool_calls") or []
    assert [call.name for call in message.tool_calls] == [call["name"] for call in asked]
    assert [call.arguments for call in message.tool_calls] == [
        value_of(call["arguments"]) for call in asked
    ]
    if original.get("tool_call_id"):
        assert message.tool_call_id == original["tool_call_id"]
    if message.role == "assistant":
        assert message.agent == original.get("name")
    assert (message.at is not None) == bool(original.get("timestamp"))


def asked_and_answered(messages: Sequence[Message]) -> None:
    """Every result answers a call that was asked before it."""
    asked: set[str] = set()
    for message in messages:
        asked.update(call.id for call in message.tool_calls)
        if message.role == "tool":
            assert message.tool_call_id in asked


def test_files_together_keep_their_agents_apart(store: Store, tmp_path: Path) -> None:
    names = ["eurtad_feedback", "tau2_telecom", "tau2_medical"]
    paths = [samples_path(f"conversations/{name}.jsonl.gz") for name in names]
    paths.append(a_file(tmp_path, real_lines("betold_calls")[:100]))

    files = load(store, *paths)

    assert [file.refused for file in files] == [None] * len(paths)
    found = stored(store)
    assert len(found) == sum(file.conversations for file in files)
    agents = {conversation.agent for conversation in found}
    assert {"telecom", "medical", "phone-appointment-bot", "dialog-system-SGD"} <= agents


def test_imported_and_received_conversations_read_alike(store: Store, tmp_path: Path) -> None:
    said = [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]
    answer = {"role": "assistant", "parts": [{"type": "text", "content": "hello"}]}
    received = a_chat(said, answer, conversation="received")
    store.append("spans", [as_stored(received)], now=NOW)
    load(store, a_file(tmp_path, [{**LINE, "id": "imported"}]))

    one, other = stored(store)

    assert [(m.role, m.text) for m in one.messages] == [(m.role, m.text) for m in other.messages]
