"""Every capture of a real instrumentation, sent to a running collector, and read as a user reads
it.

`debrief collect` takes the requests as the library sent them; `debrief show --json` must tell what
was said, and `debrief import` of the same requests must tell it in the same bytes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from collector.otlp import decode_logs, decode_traces
from collector.redaction import Redactor
from tests.collector.captured import CAPTURES, SHARED, as_json, requests_of
from tests.collector.conversations import OPEN_BOOK
from tests.collector.wire import KEY, Collector, a_collector
from tests.loop import Debrief
from tests.samples import ROOT, samples_path

pytestmark = pytest.mark.slow
USER = Redactor(key=KEY, personal=True).user("user-zoe-42")
WITHOUT_TEXT = "otel-genai-openai-nocontent"
Document = Mapping[str, Any]
Post = Callable[[Collector, str, bytes], None]


def by_protobuf(collector: Collector, signal: str, body: bytes) -> None:
    assert collector.post(f"/v1/{signal}", body)[0] == 200


def by_json(collector: Collector, signal: str, body: bytes) -> None:
    sent = as_json(signal, body)
    assert collector.post(f"/v1/{signal}", sent, content_type="application/json")[0] == 200


def by_grpc(collector: Collector, signal: str, body: bytes) -> None:
    with grpc.insecure_channel(collector.grpc) as channel:
        if signal == "traces":
            traces = trace_service_pb2_grpc.TraceServiceStub(channel)
            traces.Export(trace_service_pb2.ExportTraceServiceRequest.FromString(body), timeout=20)
        else:
            logs = logs_service_pb2_grpc.LogsServiceStub(channel)
            logs.Export(logs_service_pb2.ExportLogsServiceRequest.FromString(body), timeout=20)


Collect = Callable[..., Path]
"""Sends a capture to the running collector and gives a store with nothing else in it."""


@pytest.fixture(scope="module")
def collect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collect]:
    """One `debrief collect` for all tests here. It keeps nothing between requests but the files of
    its store, so what a capture left there is put aside before the next."""
    store, numbers = tmp_path_factory.mktemp("running"), count()
    program = ("bot.cli", "collect")
    with a_collector(store, program=program, DEBRIEF_REDACTION_KEY=KEY.hex()) as collector:

        def of(capture: str, post: Post = by_protobuf) -> Path:
            for signal, body in requests_of(capture):
                post(collector, signal, body)
            aside = tmp_path_factory.getbasetemp() / f"collected-{next(numbers)}"
            shutil.copytree(store, aside)
            for path in store.rglob("*.parquet"):
                path.unlink()
            return aside

        yield of


@pytest.fixture(scope="module")
def collected(collect: Collect) -> Callable[[str], Path]:
    """The store of a capture that was sent in protobuf over HTTP: once for all tests here."""
    return cache(collect)


@pytest.fixture(scope="module")
def told_before() -> dict[Path, list[str]]:
    """What `told` gave: the stores here do not change."""
    return {}


@pytest.fixture
def told(
    capsys: pytest.CaptureFixture[str], told_before: dict[Path, list[str]]
) -> Callable[[Path], list[str]]:
    """What `debrief show --json` prints for each conversation of a store, in order of time."""

    def of(store: Path) -> list[str]:
        debrief = Debrief(store, capsys)
        if store not in told_before:
            rows = debrief("conversations", "--json").json["conversations"]
            told_before[store] = [
                debrief("show", row["conversation_id"], "--agent", row["agent"], "--json").out
                for row in reversed(rows)
            ]
        return told_before[store]

    return of


def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(samples_path("dialects/expected.json").read_text())
    return found


def without(message: Document, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key not in keys}


@pytest.mark.parametrize("capture", [name for name in SHARED if name != WITHOUT_TEXT])
def test_a_capture_sent_to_the_collector_gives_what_was_said(capture, collected, told):
    truth = expected()
    facts, conversations = truth["dialects"][capture], truth["conversations"]

    found = [json.loads(text) for text in told(collected(capture))]

    assert len(found) == len(conversations)
    for shown, spoken in zip(found, conversations, strict=True):
        messages = [without(message, "at", "finish_reason") for message in shown["messages"]]
        assert messages == spoken["messages"]
        assert shown["system"] == spoken["system"]
        assert shown["user_id"] == (USER if facts["user_id_sent"] else None)
        if facts["conversation_id_sent"]:
            assert shown["conversation_id"] == spoken["conversation_id"]
    (error,) = found[1]["errors"]
    wanted = conversations[1]["error"]
    assert (error["kind"], error["http_status"]) == (wanted["kind"], wanted["http_status"])
    assert wanted["message_contains"] in error["message"]


def test_calls_without_text_are_kept_and_say_how_to_turn_text_on(collected, told):
    found = [json.loads(text) for text in told(collected(WITHOUT_TEXT))]

    assert [shown["messages"] for shown in found] == [[]] * 4
    assert sum(shown["usage"]["input_tokens"] for shown in found) == 312
    assert [len(shown["errors"]) for shown in found] == [0, 0, 0, 1]
    for shown in found[:3]:
        assert "CAPTURE_MESSAGE_CONTENT" in shown["completeness"]["hint"]


def test_feedback_sent_to_the_collector_is_on_its_conversation(collected, told):
    first, _ = (json.loads(text) for text in told(collected("otel-genai-agent")))

    (event,) = first["events"]
    assert event["name"] == "gen_ai.evaluation.result"
    assert event["attributes"]["gen_ai.evaluation.score.label"] == "thumbs_down"


@pytest.mark.parametrize("capture", CAPTURES)
def test_import_and_collector_tell_the_same_bytes(capture, collected, told, tmp_path, capsys):
    files = []
    for number, (signal, body) in enumerate(requests_of(capture)):
        if signal != "metrics":
            files.append(tmp_path / f"{number:03}.{signal}.pb")
            files[-1].write_bytes(body)
    debrief = Debrief(tmp_path / "store", capsys)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DEBRIEF_REDACTION_KEY", KEY.hex())
        assert debrief("import", *files).code == 0

    imported = told(tmp_path / "store")

    assert imported
    assert imported == told(collected(capture))


@pytest.mark.parametrize("post", [by_json, by_grpc])
@pytest.mark.parametrize("capture", ["otel-genai-openai", "otel-genai-openai-v2-events"])
def test_json_and_grpc_tell_the_same_bytes(capture, post, collect, collected, told):
    signals = {signal for signal, _ in requests_of(capture)}
    assert {"traces", "logs"} <= signals

    def without_metrics(collector: Collector, signal: str, body: bytes) -> None:
        if signal != "metrics":
            post(collector, signal, body)

    assert told(collect(capture, without_metrics)) == told(collected(capture))


@pytest.mark.parametrize("capture", CAPTURES)
def test_both_encodings_of_a_capture_give_equal_rows(capture):
    for signal, body in requests_of(capture):
        if signal != "metrics":
            decode = decode_traces if signal == "traces" else decode_logs
            given = {"received_ns": 1, "redact": OPEN_BOOK}
            encoded = decode(as_json(signal, body), json=True, **given)
            assert encoded == decode(body, json=False, **given)


# ---- the table of what could not be had


def row_of(capture: str, found: list[Document]) -> str:
    """One row of the table in docs/dialects.md: what the conversations of a capture gave."""
    truth = expected()["conversations"]
    first = max(found, key=lambda shown: len(shown["messages"]))
    failed = next((shown for shown in found if shown["errors"]), None)
    said = [message["text"] for message in truth[0]["messages"] if "text" in message]
    heard = [message.get("text", "") for message in first["messages"]]
    calls = [call for message in first["messages"] for call in message.get("tool_calls", ())]
    results = [m["result"] for m in first["messages"] if m["role"] == "tool"]
    ids = {shown["conversation_id"] for shown in found}
    system = first["system"] or ""
    cells = [
        "yes" if ids == {"sess-0001", "sess-0002"} else "no",
        "yes" if first["user_id"] == USER else "no",
        _as(system == truth[0]["system"], truth[0]["system"] in system),
        _as(
            [text for text in heard if text] == said,
            all(any(text in each for each in heard) for text in said),
            any(text in heard for text in said),
        ),
        _as([call["arguments"] for call in calls] == [{"order_id": "A-1001"}]),
        _as([call["id"] for call in calls] == ["call_lookup_1"]),
        _as(results == [truth[0]["messages"][2]["result"]]),
        _as(first["usage"]["input_tokens"] > 0),
        _as(bool(failed and failed["errors"][0]["http_status"] == 429)),
        _as(
            bool(failed and _opening(failed) == truth[1]["messages"][0]["text"]),
            bool(failed and truth[1]["messages"][0]["text"] in _opening(failed)),
        ),
    ]
    return f"| {capture} | {' | '.join(cells)} |"


def _as(whole: bool, wrapped: bool = False, partly: bool = False) -> str:
    return "yes" if whole else "wrapped" if wrapped else "partly" if partly else "no"


def _opening(shown: Document) -> str:
    return next((m.get("text", "") for m in shown["messages"] if m["role"] == "user"), "")


def table() -> list[str]:
    """Rows of the table in docs/dialects.md."""
    text = (ROOT / "docs" / "dialects.md").read_text()
    block = text.partition("<!-- what captures gave -->")[2].partition("<!-- end -->")[0]
    return [line for line in block.strip().splitlines()[2:] if line]


@pytest.mark.parametrize("capture", CAPTURES)
def test_the_table_tells_what_a_capture_gave(capture, collected, told):
    row = row_of(capture, [json.loads(text) for text in told(collected(capture))])

    assert row in table(), f"docs/dialects.md should hold: {row}"


def test_the_table_has_a_row_for_every_capture_and_no_other():
    named = [row.split("|")[1].strip() for row in table()]

    assert named == list(CAPTURES)
