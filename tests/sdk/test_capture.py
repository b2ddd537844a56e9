"""The SDK in agents that run in processes of their own, through a running collector."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.collector.conversations import texts
from tests.collector.wire import Collector, a_collector
from tests.sdk.agent import Stored, run_agent, stored


@dataclass(frozen=True, slots=True)
class Debrief:
    """A collector and its store."""

    collector: Collector
    store: Path

    @property
    def endpoint(self) -> str:
        return f"http://{self.collector.http}"

    def hears(self, agent: str, **environment: str) -> Stored:
        """Run an agent that sends here; give what arrived of it."""
        before_ns = time.time_ns()
        run_agent(agent, environment or {"DEBRIEF_ENDPOINT": self.endpoint}, flush=True)
        return stored(self.store, before_ns)


@pytest.fixture(scope="module")
def debrief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debrief]:
    store = tmp_path_factory.mktemp("sdk") / "store"
    with a_collector(store) as running:
        yield Debrief(running, store)


def test_three_lines_give_conversations_with_agent_user_and_segments(debrief: Debrief) -> None:
    agent = """
    debrief.init("support-agent", version="1.2")
    for question, answer in (("Hi", "Hello"), ("Where is my order?", "On its way")):
        with debrief.conversation("chat-1", user="ada", channel="web", level=3):
            chat(question, answer)
    """

    (conversation,) = debrief.hears(agent).conversations

    assert conversation.conversation_id == "chat-1"
    assert (conversation.agent, conversation.version) == ("support-agent", "1.2")
    assert conversation.user_id
    assert conversation.segments == {"channel": "web", "level": "3"}
    assert texts(conversation) == [
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "Where is my order?"),
        ("assistant", "On its way"),
    ]


def test_what_waits_is_sent_when_the_process_ends(tmp_path: Path) -> None:
    agent = """
    debrief.init("support-agent")
    with debrief.conversation("chat-1"):
        chat("Hi", "Hello")
        debrief.review("accepted")
    """
    store = tmp_path / "store"
    with a_collector(store) as collector:
        finished = run_agent(agent, {"DEBRIEF_ENDPOINT": f"http://{collector.http}"})
        (conversation,) = stored(store, 0).conversations

    assert [event.name for event in conversation.events] == ["debrief.review"]
    assert finished.stderr == ""


def test_every_event_arrives_with_the_names_of_the_conventions(debrief: Debrief) -> None:
    agent = """
    debrief.init("support-agent")
    with debrief.conversation("chat-1", user="ada", channel="web"):
        chat("Refund 900", "Done")
        debrief.feedback(
            0, label="thumbs_down", category="wrong_order", comment="wrong", suggestion="It is here"
        )
        debrief.correction("Dear Sir", "Hi", type="tone", note="too stiff", reviewer=7)
        debrief.review("rejected", usable=False, note="no")
        id = debrief.decision(
            "refund", confidence=0.7, threshold="refund.max", threshold_value=500, reasoning="r",
            input_hash="abc", features={"amount": 900, "bad": "x"}, rules=["r1", "r2"],
        )
        debrief.respond(id, "dismiss", responder="lead", time_to_respond_s=4.5)
        debrief.outcome("resolved", False, industry="retail")
    """

    (conversation,) = debrief.hears(agent).conversations

    found = {event.name: dict(event.attributes) for event in conversation.events}
    decision_id = found["debrief.decision"].pop("id")
    assert found == {
        "gen_ai.evaluation.result": {
            "gen_ai.evaluation.name": "user_feedback",
            "gen_ai.evaluation.score.value": 0.0,
            "gen_ai.evaluation.score.label": "thumbs_down",
            "gen_ai.evaluation.explanation": "wrong",
            "feedback.category": "wrong_order",
            "feedback.suggestion": "It is here",
            "segment.channel": "web",
        },
        "debrief.correction": {
            "original": "Dear Sir",
            "corrected": "Hi",
            "type": "tone",
            "note": "too stiff",
            "reviewer.id": found["debrief.correction"]["reviewer.id"],
            "segment.channel": "web",
        },
        "debrief.review": {
            "action": "rejected",
            "usable": False,
            "note": "no",
            "segment.channel": "web",
        },
        "debrief.decision": {
            "action": "refund",
            "confidence": 0.7,
            "threshold.name": "refund.max",
            "threshold.value": 500,
            "reasoning": "r",
            "input.hash": "abc",
            "feature.amount": 900.0,
            "rules": ["r1", "r2"],
            "segment.channel": "web",
        },
        "debrief.response": {
            "decision.id": decision_id,
            "action": "dismiss",
            "responder.id": found["debrief.response"]["responder.id"],
            "time_to_respond_s": 4.5,
            "segment.channel": "web",
        },
        "debrief.outcome": {
            "name": "resolved",
            "value": False,
            "segment.channel": "web",
            "segment.industry": "retail",
        },
    }
    assert {event.agent for event in conversation.events} == {"support-agent"}


def test_an_event_sent_from_another_request_finds_its_conversation(debrief: Debrief) -> None:
    agent = """
    debrief.init("support-agent")
    with debrief.conversation("chat-1"):
        chat("Hi", "Hello")
    with trace.get_tracer("web").start_as_current_span("POST /rating"):
        debrief.feedback(1, conversation_id="chat-1")
    """

    (conversation,) = debrief.hears(agent).conversations

    assert [event.name for event in conversation.events] == ["gen_ai.evaluation.result"]


def test_an_outcome_of_a_user_alone_belongs_to_no_trace(debrief: Debrief) -> None:
    agent = """
    from datetime import datetime
    debrief.init("support-agent")
    with trace.get_tracer("billing").start_as_current_span("POST /cancel"):
        debrief.outcome("churned", user="ada", at=datetime(2026, 11, 1))
    """

    (event,) = debrief.hears(agent).user_events

    assert event.attributes == {"name": "churned", "at": "2026-11-01T00:00:00+00:00"}
    assert event.user_id


def test_an_outcome_of_an_account_alone_belongs_to_no_trace(debrief: Debrief) -> None:
    agent = """
    debrief.init("support-agent")
    with trace.get_tracer("billing").start_as_current_span("POST /cancel"):
        debrief.outcome("churned", account_id="acme")
    """

    (event,) = debrief.hears(agent).user_events

    assert event.attributes == {"name": "churned", "segment.account_id": "acme"}
    assert event.user_id is None


def test_an_existing_provider_keeps_its_exporters_and_sends_to_debrief_too(
    debrief: Debrief,
) -> None:
    agent = """
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "web-backend"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    debrief.init("support-agent")
    with debrief.conversation("chat-1"):
        chat("Hi", "Hello")
    (span,) = kept.get_finished_spans()
    assert trace.get_tracer_provider() is provider
    assert span.attributes["gen_ai.conversation.id"] == "chat-1"
    assert span.resource.attributes["service.name"] == "web-backend"
    """

    found = debrief.hears(agent)

    (conversation,) = found.conversations
    assert (conversation.conversation_id, conversation.agent) == ("chat-1", "support-agent")
    assert [span["service"] for span in found.spans] == ["web-backend"]


def test_without_an_endpoint_an_existing_provider_is_marked_and_nothing_is_sent_twice(
    debrief: Debrief,
) -> None:
    agent = """
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    debrief.init("support-agent")
    with debrief.conversation("chat-1"):
        chat("Hi", "Hello")
        debrief.review("accepted")
    assert kept.get_finished_spans()[0].attributes["gen_ai.conversation.id"] == "chat-1"
    """

    found = debrief.hears(agent, OTEL_EXPORTER_OTLP_ENDPOINT=debrief.endpoint)

    assert not found.spans
    assert [event["name"] for event in found.events] == ["debrief.review"]


def test_events_of_instrumentations_arrive_and_ordinary_logs_stay_at_home(debrief: Debrief) -> None:
    agent = """
    import logging
    from opentelemetry._logs import LogRecord, get_logger
    debrief.init("support-agent")
    logger = get_logger("some.instrumentation")
    logger.emit(LogRecord(event_name="gen_ai.user.message", body={"content": "Hi"}))
    logger.emit(LogRecord(attributes={"event.name": "gen_ai.choice"}, body="{}"))
    logger.emit(LogRecord(body="SELECT password FROM users"))
    """

    found = debrief.hears(agent)

    assert sorted(event["name"] for event in found.events) == [
        "gen_ai.choice",
        "gen_ai.user.message",
    ]


def test_text_is_switched_on_only_when_asked_and_never_against_the_environment() -> None:
    agent = """
    import os
    before = dict(os.environ)
    debrief.init("support-agent")
    assert dict(os.environ) == before
    debrief.shutdown()
    debrief.init("support-agent", capture_text=True)
    print(os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"])
    print(os.environ["TRACELOOP_TRACE_CONTENT"])
    """

    finished = run_agent(agent, {"TRACELOOP_TRACE_CONTENT": "false"})

    assert finished.stdout.split() == ["SPAN_ONLY", "false"]


def test_a_token_is_sent_and_never_logged(tmp_path: Path) -> None:
    agent = """
    import logging
    logging.basicConfig(level=logging.DEBUG)
    debrief.init("support-agent", endpoint="http://{http}", token="{token}")
    with debrief.conversation("chat-1"):
        chat("Hi", "Hello")
    """
    store = tmp_path / "store"
    with a_collector(store, "--token", "s3cret-right") as collector:
        wrong = run_agent(agent.format(http=collector.http, token="s3cret-wrong"))
        assert not stored(store, 0).spans
        right = run_agent(agent.format(http=collector.http, token="s3cret-right"), flush=True)
        assert len(stored(store, 0).conversations) == 1

    assert "spans cannot be sent" in wrong.stderr
    assert "401" in wrong.stderr
    assert "s3cret" not in wrong.stderr + right.stderr
