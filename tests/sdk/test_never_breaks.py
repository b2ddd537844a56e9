"""What the SDK promises an agent: nothing raises, nothing waits, memory is bounded."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.sdk.agent import run_agent

REFUSED = {"DEBRIEF_ENDPOINT": "http://127.0.0.1:9"}
"""Nobody listens on the discard port."""


@contextmanager
def a_silent_server() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


WORK = """
debrief.init("support-agent")
with debrief.conversation("chat-1", user="ada"):
    for _ in range(50):
        chat("Hi", "Hello")
        debrief.feedback(1)
"""


def test_an_agent_whose_collector_is_away_ends_at_once_and_is_told_once() -> None:
    started = time.monotonic()

    finished = run_agent(WORK, REFUSED)

    assert time.monotonic() - started < 10
    told = [line for line in finished.stderr.splitlines() if "debrief" in line]
    assert 1 <= len(told) <= 2
    assert finished.stderr.count("\n") == len(told)


def test_a_collector_that_never_answers_holds_nothing_up() -> None:
    with a_silent_server() as endpoint:
        agent = """
        import time
        started = time.monotonic()
        debrief.init("support-agent")
        for _ in range(200):
            with debrief.conversation("chat-1"):
                chat("Hi", "Hello")
                debrief.feedback(1)
        print(json.dumps(time.monotonic() - started))
        assert debrief.flush(0.3) is False
        """
        started = time.monotonic()

        finished = run_agent(agent, {"DEBRIEF_ENDPOINT": endpoint})

        assert json.loads(finished.stdout) < 2
        assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "endpoint",
    [
        pytest.param("not a url", id="no-url"),
        pytest.param("http://[broken", id="broken-address"),
        pytest.param("http://127.0.0.1:99999", id="no-such-port"),
        pytest.param("ftp://127.0.0.1", id="another-protocol"),
    ],
)
def test_a_wrong_endpoint_breaks_nothing(endpoint: str) -> None:
    finished = run_agent(WORK, {"DEBRIEF_ENDPOINT": endpoint})

    assert "Traceback" not in finished.stderr
    assert "debrief: " in finished.stderr


def test_wrong_values_are_never_an_exception_and_the_agents_own_exceptions_stay() -> None:
    agent = """
    class Odd:
        def __str__(self): raise ValueError("odd")
        def __float__(self): raise ValueError("odd")
        def __bool__(self): raise ValueError("odd")
    odd = Odd()
    debrief.init(odd)
    debrief.shutdown()
    debrief.init("support-agent")
    debrief.init("again")
    with debrief.conversation(odd, user=odd, agent=odd, channel=odd):
        chat("Hi", "Hello")
    with debrief.conversation(12, user=None, channel=None) as block:
        assert block.id == "12"
        debrief.feedback(odd, label=odd, comment=odd, name=odd, user=odd)
        debrief.feedback(object())
        debrief.correction(odd, None, type=odd, reviewer=odd)
        debrief.review(odd, usable=odd)
        assert isinstance(debrief.decision(odd, id=odd, features={odd: odd}, rules=odd), str)
        assert isinstance(debrief.decision("act", features=odd, confidence="high"), str)
        debrief.respond(odd, odd, time_to_respond_s=odd)
        debrief.outcome(odd, odd, at=odd)
        debrief.outcome("done", {"a": {"b": object()}})
    try:
        with debrief.conversation("chat-1"):
            raise KeyError("the agent's own")
    except KeyError:
        print("raised")
    debrief.flush(odd)
    """

    finished = run_agent(agent, REFUSED)

    assert finished.stdout.strip() == "raised"
    assert "Traceback" not in finished.stderr


def test_everything_works_before_init_and_after_shutdown() -> None:
    agent = """
    with debrief.conversation("chat-1"):
        chat("Hi", "Hello")
        debrief.feedback(1)
    assert debrief.flush() is True
    debrief.shutdown()
    debrief.init("support-agent")
    debrief.shutdown()
    with debrief.conversation("chat-1"):
        chat("Hi", "Hello")
        debrief.outcome("resolved")
    """

    finished = run_agent(agent, REFUSED)

    assert finished.stderr == "debrief: gen_ai.evaluation.result before debrief.init is not sent\n"


def test_an_agent_goes_on_where_opentelemetry_is_disabled() -> None:
    finished = run_agent(WORK, {**REFUSED, "OTEL_SDK_DISABLED": "true"})

    assert finished.stderr == ""


def test_what_does_not_fit_is_dropped_and_counted_and_said_once() -> None:
    with a_silent_server() as endpoint:
        agent = """
        debrief.init("support-agent")
        for _ in range(30):
            chat("Hi" * 2_000_000, "Hello")
        print(json.dumps(debrief.dropped()))
        """

        finished = run_agent(agent, {"DEBRIEF_ENDPOINT": endpoint})

        assert 10 < json.loads(finished.stdout) < 20, "64 MiB of spans with 4 MB each"
        assert finished.stderr.count("\n") == 1
        assert "spans dropped: too much waits" in finished.stderr
