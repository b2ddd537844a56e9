"""Which spans a conversation reaches: tasks, threads, and spans with parents from elsewhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from debrief import conversation
from debrief.processors import MarkingProcessor
from debrief.threads import follow_threads
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import set_span_in_context


class Spans:
    """A tracer whose spans are marked, and what they say."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(MarkingProcessor(lambda: {"debrief.agent": "support-agent"}))
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.tracer = provider.get_tracer("tests")

    def make(self, name: str) -> None:
        self.tracer.start_span(name).end()

    @property
    def conversations(self) -> dict[str, object]:
        """Name of each span to its conversation id."""
        return {name: sent.get("gen_ai.conversation.id") for name, sent in self.attributes.items()}

    @property
    def attributes(self) -> dict[str, dict[str, object]]:
        return {span.name: dict(span.attributes or {}) for span in self._kept.get_finished_spans()}


@pytest.fixture
def spans() -> Spans:
    follow_threads()
    return Spans()


def test_a_block_inside_a_block_adds_to_it(spans: Spans) -> None:
    with conversation("chat-1", user="ada", channel="web"):
        with conversation(agent="researcher", level=3):
            spans.make("inner")
        with conversation("chat-2"):
            spans.make("other")
        spans.make("outer")
    spans.make("after")

    outer = {
        "debrief.agent": "support-agent",
        "gen_ai.conversation.id": "chat-1",
        "user.id": "ada",
        "debrief.segment.channel": "web",
    }
    assert spans.attributes == {
        "inner": outer | {"debrief.agent": "researcher", "debrief.segment.level": "3"},
        "other": outer | {"gen_ai.conversation.id": "chat-2"},
        "outer": outer,
        "after": {"debrief.agent": "support-agent"},
    }


def test_the_applications_id_wins_over_one_that_a_framework_made_up(spans: Spans) -> None:
    with conversation("chat-1"):
        spans.tracer.start_span("run", attributes={"gen_ai.conversation.id": "run-77"}).end()

    assert spans.conversations == {"run": "chat-1"}


def test_tasks_that_run_at_the_same_time_keep_to_their_own_conversation(spans: Spans) -> None:
    async def turn(number: int) -> None:
        with conversation(f"chat-{number}"):
            await asyncio.sleep(0)
            await asyncio.gather(tool(number), asyncio.to_thread(spans.make, f"thread-{number}"))
            spans.make(f"span-{number}")

    async def tool(number: int) -> None:
        await asyncio.sleep(0)
        spans.make(f"tool-{number}")

    async def turns() -> None:
        await asyncio.gather(*(turn(number) for number in range(20)))

    asyncio.run(turns())

    assert len(spans.conversations) == 60
    assert all(
        name.split("-")[1] == str(id).split("-")[1] for name, id in spans.conversations.items()
    )


def test_a_stream_that_is_read_elsewhere_leaves_no_conversation_behind(spans: Spans) -> None:
    def stream() -> Iterator[str]:
        with conversation("chat-1"):
            spans.make("streaming")
            yield "piece"

    async def read() -> None:
        pieces = stream()
        await asyncio.to_thread(next, pieces)
        await asyncio.to_thread(lambda: list(pieces))
        spans.make("after")

    asyncio.run(read())

    assert spans.conversations == {"streaming": "chat-1", "after": None}


def test_threads_and_pools_take_the_conversation_along(spans: Spans) -> None:
    class OwnRun(threading.Thread):
        def run(self) -> None:
            spans.make("own run")

    with ThreadPoolExecutor(1) as pool:
        with conversation("chat-1"):
            for thread in (threading.Thread(target=spans.make, args=["thread"]), OwnRun()):
                thread.start()
                thread.join()
            pool.submit(spans.make, "task").result()
        pool.submit(spans.make, "task outside").result()

    assert spans.conversations == {
        "thread": "chat-1",
        "own run": "chat-1",
        "task": "chat-1",
        "task outside": None,
    }


def test_a_worker_that_lives_on_forgets_the_conversation_it_was_started_in(spans: Spans) -> None:
    began, go_on = threading.Event(), threading.Event()

    def work() -> None:
        spans.make("during")
        began.set()
        go_on.wait(5)
        spans.make("later")

    worker = threading.Thread(target=work)
    with conversation("chat-1"):
        worker.start()
        began.wait(5)
    go_on.set()
    worker.join()

    assert spans.conversations == {"during": "chat-1", "later": None}


def test_a_span_below_a_span_of_a_conversation_belongs_to_it_wherever_it_starts(
    spans: Spans,
) -> None:
    with conversation("chat-1", user="ada"):
        parent = spans.tracer.start_span("parent")
    spans.tracer.start_span("child", context=set_span_in_context(parent, Context())).end()
    parent.end()

    assert spans.conversations == {"parent": "chat-1", "child": "chat-1"}
    assert spans.attributes["child"]["user.id"] == "ada"


def test_a_span_in_an_empty_context_still_belongs_to_the_block_around_it(spans: Spans) -> None:
    with conversation("chat-1"):
        spans.tracer.start_span("detached", context=Context()).end()

    assert spans.conversations == {"detached": "chat-1"}
