"""Exports of other tools come back as the conversations that they were.

The shapes of Phoenix are those of real exports (20.26); those of Langfuse and LangSmith are what
their documentation says.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector.assemble import read_conversations
from collector.importer import ImportedFile, import_files
from collector.importer.exports.spans import span_id, time_ns, trace_id
from collector.records import Conversation
from collector.store import Store, open_store
from tests.collector.conversations import NOW, OPEN_BOOK, REDACTOR

TRACE, SPAN = "473367f8309e3c69950180c61a1e5dd3", "9673df86f1f87641"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"), create=True)


def load(
    store: Store, folder: Path, *items: Any, name: str = "x.jsonl", **how: Any
) -> ImportedFile:
    path = folder / name
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return load_file(store, path, **how)


def load_file(store: Store, path: Path, **how: Any) -> ImportedFile:
    options = {"now": NOW, "redactor": OPEN_BOOK, **how}
    (file,) = import_files([path], store, **options).files
    return file


def the_one(store: Store) -> Conversation:
    (found,) = read_conversations(store)
    assert isinstance(found, Conversation)
    return found


def said(conversation: Conversation) -> list[tuple[str, str | None]]:
    return [(message.role, message.text) for message in conversation.messages]


# ---- Phoenix ------------------------------------------------------------------------------------

ATTRIBUTES = {
    "input.value": '{"messages": []}',
    "metadata.channel": "web",
    "session.id": "sess-1",
    "user.id": "zoe",
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": "Be brief.",
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.content": "Where is A-1?",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "[on its way]",
    "llm.token_count.prompt": 12,
    "llm.token_count.completion": 3,
    "tag.tags": ["prod"],
}
ANSWER: dict[str, Any] = {
    "name": "ChatCompletion",
    "context": {"trace_id": TRACE, "span_id": SPAN},
    "span_kind": "LLM",
    "parent_id": None,
    "start_time": "2026-11-21T01:34:49.539902+00:00",
    "end_time": "2026-11-21T01:34:49.547925+00:00",
    "status_code": "OK",
    "status_message": "",
    "attributes": ATTRIBUTES,
    "events": [],
}
FRAME = {
    "name": "ChatCompletion",
    "span_kind": "LLM",
    "parent_id": None,
    "start_time": "2026-11-21T01:34:49.539Z",
    "end_time": "2026-11-21T01:34:49.547Z",
    "status_code": "OK",
    "status_message": "",
    "events": [],
    "context.span_id": SPAN,
    "context.trace_id": TRACE,
    "attributes.openinference.span.kind": "LLM",
    "attributes.metadata": {"channel": "web"},
    "attributes.input.value": '{"messages": []}',
    "attributes.session.id": "sess-1",
    "attributes.user.id": "zoe",
    "attributes.llm.input_messages": [
        {"message.role": "system", "message.content": "Be brief."},
        {"message.role": "user", "message.content": "Where is A-1?"},
    ],
    "attributes.llm.output_messages": [
        {"message.role": "assistant", "message.content": "[on its way]"}
    ],
    "attributes.llm.token_count.prompt": 12.0,
    "attributes.llm.token_count.completion": 3.0,
    "attributes.tag.tags": ["prod"],
}
OTLP = {
    "trace_id": TRACE,
    "span_id": SPAN,
    "parent_span_id": None,
    "name": "ChatCompletion",
    "start_time_unix_nano": "1795224889539902000",
    "end_time_unix_nano": 1795224889547925000,
    "status": {"code": 1, "message": ""},
    "attributes": [
        {
            "key": key,
            "value": {
                "array_value": None,
                "int_value": value if isinstance(value, int) else None,
                "string_value": value if isinstance(value, str) else None,
            },
        }
        for key, value in {"openinference.span.kind": "LLM", **ATTRIBUTES}.items()
    ],
    "events": None,
}


def check_answer(store: Store) -> None:
    found = the_one(store)
    assert said(found) == [("user", "Where is A-1?"), ("assistant", "[on its way]")]
    assert (found.conversation_id, found.user_id, found.system) == ("sess-1", "zoe", "Be brief.")
    assert (found.usage.input_tokens, found.usage.output_tokens) == (12, 3)
    assert found.dialects == ("openinference",)
    assert found.started_at is not None
    assert found.started_at.isoformat()[:19] == "2026-11-21T01:34:49"


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({"data": [ANSWER], "next_cursor": None}, id="rest"),
        pytest.param({"data": [OTLP], "next_cursor": None}, id="rest-otlp"),
        pytest.param(ANSWER, id="client"),
        pytest.param(FRAME, id="frame"),
        pytest.param([FRAME], id="frame-in-a-list"),
    ],
)
def test_spans_of_phoenix_become_the_conversation_again(
    store: Store, tmp_path: Path, item: Any
) -> None:
    file = load(store, tmp_path, item)

    assert (file.kinds, file.spans, file.refused) == (("phoenix",), 1, None)
    check_answer(store)


def test_a_data_frame_as_csv_has_what_is_nested_as_python_writes_it(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "frame.csv"
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["context.span_id", *FRAME])  # the index comes first, and again
    writer.writerow([SPAN, *("" if value is None else str(value) for value in FRAME.values())])
    path.write_text(text.getvalue())

    file = load_file(store, path)

    assert (file.kinds, file.refused) == (("phoenix",), None)
    check_answer(store)


def test_a_data_frame_as_parquet(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "frame.parquet"
    other = {**FRAME, "attributes.metadata": {"other": 1}, "context.span_id": "b" * 16}
    pq.write_table(pa.Table.from_pylist([FRAME, other]), path)

    file = load_file(store, path)

    assert (file.kinds, file.spans, file.refused) == (("phoenix",), 2, None)
    check_usage = the_one(store)
    assert said(check_usage)[0] == ("user", "Where is A-1?")


def test_what_phoenix_translated_is_read_as_it_was_sent(store: Store, tmp_path: Path) -> None:
    call = {"type": "tool_call", "id": "c1", "name": "lookup", "arguments": {"order": "A-1"}}
    result = {"type": "tool_call_response", "id": "c1", "response": {"status": "shipped"}}
    sent = [
        {"role": "user", "parts": [{"type": "text", "content": "Where?"}]},
        {"role": "assistant", "parts": [call]},
        {"role": "user", "parts": [result]},
    ]
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": json.dumps(sent),
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": '{"status": "shipped"}',
    }

    load(store, tmp_path, {**ANSWER, "attributes": attributes})

    found = the_one(store)
    assert [message.role for message in found.messages] == ["user", "assistant", "tool"]
    assert found.dialects == ("genai",)


def test_annotations_find_their_conversation_by_the_span(store: Store, tmp_path: Path) -> None:
    annotation = {
        "id": "a-1",
        "updated_at": "2026-11-21T06:15:57+00:00",
        "name": "user feedback",
        "annotator_kind": "HUMAN",
        "result": {"label": "thumbs-down", "score": 0.0, "explanation": "wrong window"},
        "span_id": SPAN,
    }
    framed = {
        "id": "a-2",
        "annotation_name": "correctness",
        "annotator_kind": "LLM",
        "result.label": "correct",
        "result.score": 1.0,
        "span_id": SPAN,
    }
    load(store, tmp_path, ANSWER)

    file = load(store, tmp_path, {"data": [annotation]}, framed, name="annotations.jsonl")

    assert (file.events, file.refused) == (2, None)
    events = the_one(store).events
    assert sorted(str(event.value("gen_ai.evaluation.name")) for event in events) == [
        "correctness",
        "user feedback",
    ]
    assert {event.value("gen_ai.evaluation.score.label") for event in events} == {
        "thumbs-down",
        "correct",
    }


def test_an_annotation_waits_for_its_span(store: Store, tmp_path: Path) -> None:
    early = {"id": "a", "annotation_name": "x", "annotator_kind": "HUMAN", "span_id": SPAN}

    first = load(store, tmp_path, early, name="annotations.jsonl")
    load(store, tmp_path, ANSWER)
    second = load_file(store, tmp_path / "annotations.jsonl")

    assert (first.events, first.untied) == (0, 1)
    assert (second.events, second.untied, second.unchanged) == (1, 0, False)
    assert len(the_one(store).events) == 1


def test_an_annotation_may_come_before_its_span(store: Store, tmp_path: Path) -> None:
    early = {"id": "a", "annotation_name": "x", "annotator_kind": "HUMAN", "span_id": SPAN}
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "a.jsonl").write_text(json.dumps(early))
    (folder / "b.jsonl").write_text(json.dumps(ANSWER))

    report = import_files([folder], store, now=NOW, redactor=OPEN_BOOK)

    assert [(file.events, file.untied) for file in report.files] == [(1, 0), (0, 0)]
    assert import_files([folder], store, now=NOW, redactor=OPEN_BOOK).unchanged == 2


# ---- Langfuse -----------------------------------------------------------------------------------

GENERATION = {
    "id": "obs-1",
    "trace_id": "trace-a",
    "type": "GENERATION",
    "parent_observation_id": "",
    "start_time": "2026-05-29 13:46:19.963000",
    "end_time": "2026-05-29 13:46:21.000000",
    "name": "chat",
    "level": "DEFAULT",
    "status_message": "",
    "input": json.dumps([{"role": "user", "content": "Where is A-1?"}]),
    "output": json.dumps({"role": "assistant", "content": "On its way."}),
    "provided_model_name": "gpt-4o",
    "usage_details": {"input": 12, "output": 3, "total": 15},
    "user_id": "zoe",
    "session_id": "sess-1",
    "trace_name": "support",
    "tags": [],
    "release": "v7",
}
LEGACY = {k: v for k, v in GENERATION.items() if k not in ("user_id", "session_id", "trace_name")}
TRACE_ROW = {
    "id": "trace-a",
    "timestamp": "2026-05-29 13:46:19.963000",
    "name": "support",
    "user_id": "zoe",
    "session_id": "sess-1",
    "release": "v7",
    "input": "Where is A-1?",
    "output": "On its way.",
}


def camel(item: dict[str, Any]) -> dict[str, Any]:
    """As Langfuse's API and pages spell it."""
    heads = {key: key.split("_") for key in item}
    return {
        head[0] + "".join(part.title() for part in head[1:]): item[key]
        for key, head in heads.items()
    }


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([GENERATION], id="enriched"),
        pytest.param([camel(GENERATION)], id="api"),
        pytest.param([TRACE_ROW, LEGACY], id="traces-and-observations"),
        pytest.param([{**TRACE_ROW, "observations": [LEGACY]}], id="one-whole-trace"),
        pytest.param([TRACE_ROW], id="traces-alone"),
    ],
)
def test_langfuse_gives_the_conversation_once(
    store: Store, tmp_path: Path, items: Sequence[Any]
) -> None:
    file = load(store, tmp_path, *items)

    assert (file.kinds, file.refused) == (("langfuse",), None)
    found = the_one(store)
    assert said(found) == [("user", "Where is A-1?"), ("assistant", "On its way.")]
    assert (found.conversation_id, found.user_id) == ("sess-1", "zoe")
    assert found.version == "v7"


def test_langfuse_names_the_service_in_its_metadata(store: Store, tmp_path: Path) -> None:
    metadata = {"resourceAttributes": {"service.name": "shop"}, "scope": {"name": "langfuse-sdk"}}

    load(store, tmp_path, {**GENERATION, "metadata": metadata})

    assert the_one(store).agent == "shop"


def test_a_failed_generation_of_langfuse_is_an_error(store: Store, tmp_path: Path) -> None:
    failed = {**GENERATION, "level": "ERROR", "status_message": "429 slow down", "output": ""}

    load(store, tmp_path, failed)

    (error,) = the_one(store).errors
    assert "429" in error.message


def test_scores_of_langfuse_are_evaluations(store: Store, tmp_path: Path) -> None:
    score = {
        "id": "s-1",
        "timestamp": "2026-05-29 14:00:00.000000",
        "trace_id": "trace-a",
        "name": "helpfulness",
        "value": 0,
        "data_type": "CATEGORICAL",
        "string_value": "bad",
        "source": "ANNOTATION",
        "comment": "too slow",
    }

    load(store, tmp_path, GENERATION, score)

    (event,) = the_one(store).events
    assert event.name == "gen_ai.evaluation.result"
    assert event.value("gen_ai.evaluation.score.label") == "bad"
    assert event.value("gen_ai.evaluation.score.value") is None


# ---- LangSmith ----------------------------------------------------------------------------------

ROOT_RUN = "df570c03-5a03-4cea-8df0-c162d05127ac"
RUN = {
    "id": "497f6eca-6276-4993-bfeb-53cbbbba6f08",
    "name": "ChatOpenAI",
    "run_type": "llm",
    "start_time": "2026-04-29T00:49:12.090000",
    "end_time": "2026-04-29T00:49:12.459000",
    "trace_id": ROOT_RUN,
    "dotted_order": f"20260429T004912090000Z{ROOT_RUN}."
    "20260429T004912090000Z497f6eca-6276-4993-bfeb-53cbbbba6f08",
    "inputs": {"messages": [{"role": "user", "content": "Where is A-1?"}]},
    "outputs": {"messages": [{"role": "assistant", "content": "On its way."}]},
    "extra": {"metadata": {"thread_id": "sess-1", "user_id": "zoe", "ls_model_name": "gpt-4o"}},
    "prompt_tokens": 12,
    "completion_tokens": 3,
    "status": "success",
    "session_name": "support",
}


def test_runs_of_langsmith_become_the_conversation_again(store: Store, tmp_path: Path) -> None:
    file = load(store, tmp_path, {"runs": [RUN], "cursors": {}})

    assert (file.kinds, file.refused) == (("langsmith",), None)
    found = the_one(store)
    assert said(found) == [("user", "Where is A-1?"), ("assistant", "On its way.")]
    assert (found.conversation_id, found.user_id, found.agent) == ("sess-1", "zoe", "support")
    assert (found.usage.input_tokens, found.models) == (12, ("gpt-4o",))


def test_a_bulk_export_has_its_objects_as_texts(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "runs.parquet"
    row = {
        key: json.dumps(value) if isinstance(value, dict) else value for key, value in RUN.items()
    }
    pq.write_table(pa.Table.from_pylist([row]), path)

    file = load_file(store, path)

    assert file.refused is None
    assert said(the_one(store)) == [("user", "Where is A-1?"), ("assistant", "On its way.")]
    assert the_one(store).conversation_id == "sess-1"


def test_a_run_finds_its_place_by_the_dotted_order(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, {key: value for key, value in RUN.items() if key != "trace_id"})

    (row,) = store.scan("spans", columns=["trace_id", "parent_span_id"]).to_pylist()

    assert row == {"trace_id": trace_id(ROOT_RUN), "parent_span_id": span_id(ROOT_RUN)}


def test_feedback_of_langsmith_is_an_evaluation(store: Store, tmp_path: Path) -> None:
    feedback = {
        "id": "f-1",
        "run_id": RUN["id"],
        "trace_id": ROOT_RUN,
        "key": "thumbs",
        "score": 0,
        "comment": "no",
        "created_at": "2026-04-29T00:50:00",
    }

    load(store, tmp_path, RUN, feedback)

    (event,) = the_one(store).events
    assert event.value("gen_ai.evaluation.name") == "thumbs"


# ---- all of them --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "item", [ANSWER, GENERATION, RUN], ids=["phoenix", "langfuse", "langsmith"]
)
def test_exports_are_redacted_as_everything_is(store: Store, tmp_path: Path, item: Any) -> None:
    text = json.dumps(item).replace("A-1", "A-1, ann@example.org")

    load(store, tmp_path, json.loads(text), redactor=REDACTOR)

    found = the_one(store)
    assert found.user_id == REDACTOR.user("zoe")
    assert "ann@" not in str(store.scan("spans").to_pylist())


def test_an_agent_can_be_given_to_what_names_none(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, ANSWER, agent="shop")

    assert the_one(store).agent == "shop"


def test_reading_an_export_again_adds_nothing(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, GENERATION, RUN, ANSWER)
    once = list(read_conversations(store))

    load(store, tmp_path, GENERATION, RUN, ANSWER, again=True)

    assert list(read_conversations(store)) == once


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"start_time": "soon"}, "line 2: start_time 'soon' is no time", id="time"),
        pytest.param({"start_time": -5}, "is no time", id="negative"),
    ],
)
def test_a_bad_item_refuses_the_file(
    store: Store, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    file = load(store, tmp_path, GENERATION, {**GENERATION, **change})

    assert reason in (file.refused or "")
    assert store.scan("spans").num_rows == 0


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1795224889, id="s"),
        pytest.param(1795224889000, id="ms"),
        pytest.param(1795224889000000, id="us"),
        pytest.param(1795224889000000000, id="ns"),
        pytest.param("2026-11-21T01:34:49Z", id="iso"),
        pytest.param("2026-11-21 01:34:49", id="no-zone"),
    ],
)
def test_times_are_read_in_every_unit(value: Any) -> None:
    assert time_ns(value, "at") == 1795224889_000000000


def test_an_id_of_any_kind_becomes_one_of_a_span() -> None:
    assert trace_id("DF570C03-5A03-4CEA-8DF0-C162D05127AC") == ROOT_RUN.replace("-", "")
    assert len(trace_id("trace-a")) == 32
    assert span_id("0" * 16) != "0" * 16
