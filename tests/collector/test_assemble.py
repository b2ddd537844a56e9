"""Spans in any order, repeated, nested and failed: one transcript, told once."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.assemble import assemble, read_conversations, read_user_events, user_events
from collector.assemble.sources import read_sources
from collector.assemble.traces import Unit, plant
from collector.dialects import Dialect
from collector.dialects.spans import Span
from collector.records import Conversation, Unreadable
from collector.store import open_store
from tests.collector.conversations import (
    NOW,
    SECOND,
    START_NS,
    a_chat,
    a_span,
    a_tool,
    an_agent,
    an_event,
    as_stored,
    asks_tool,
    assistant,
    conversations_of,
    failed,
    texts,
    the_conversation,
    tool_result,
    trace_id,
    user,
)

HI = [("user", "hi"), ("assistant", "hello")]


def turns(count: int, **chat: Any) -> list[dict[str, Any]]:
    """One call a turn, each in a trace of its own and with the whole history."""
    rows = []
    history: list[Any] = []
    for number in range(count):
        history.append(user(f"question {number}"))
        answer = assistant(f"answer {number}")
        trace = f"{chat.get('user_id')} {number}"
        rows.append(a_chat(history, answer, **{"trace": trace, "start_s": number * 10.0, **chat}))
        history.append(answer)
    return rows


def at(seconds: float) -> datetime:
    start = datetime.fromtimestamp(START_NS // SECOND, UTC)
    return start + timedelta(seconds=seconds)


# --- which spans are one conversation ------------------------------------------------------------


def test_calls_without_an_id_are_joined_by_their_history() -> None:
    conversation = the_conversation(turns(4))

    assert conversation.turns == 4
    assert len(conversation.messages) == 8
    assert conversation.conversation_id == f"trace-{trace_id('None 0')}"
    assert conversation.usage.input_tokens == 40


def test_a_generated_id_stays_when_later_turns_arrive() -> None:
    rows = turns(4)

    ids = {the_conversation(rows[:count]).conversation_id for count in range(1, 5)}

    assert len(ids) == 1


def test_an_explicit_id_holds_for_its_whole_trace() -> None:
    root = a_span({"session.id": "s-9", "user.id": "u-9"}, span="root", end_s=9)
    chat = a_chat([user("hi")], assistant("hello"), parent="root", start_s=1)

    conversation = the_conversation([chat, root | {"conversation_id": "s-9", "user_id": "u-9"}])

    assert (conversation.conversation_id, conversation.user_id) == ("s-9", "u-9")


def test_several_conversations_of_one_batch_trace_stay_apart() -> None:
    rows = [a_span({}, span="job", end_s=60)]
    for name in ("a", "b"):
        rows.append(an_agent(span=f"agent {name}", parent="job", conversation_id=name))
        rows.append(
            a_chat([user(name)], assistant("ok"), span=f"chat {name}", parent=f"agent {name}")
        )

    found = conversations_of(rows)

    assert {(each.conversation_id, each.messages[0].text) for each in found} == {
        ("a", "a"),
        ("b", "b"),
    }


def test_equal_openings_of_two_known_users_are_not_merged() -> None:
    rows = turns(3, user_id="ann") + turns(3, user_id="bob")

    found = conversations_of(rows)

    assert sorted((each.user_id, each.turns) for each in found) == [("ann", 3), ("bob", 3)]


def test_equal_openings_of_unknown_users_are_continued_once_each() -> None:
    opening = [user("hi"), assistant("hello")]
    rows = [
        a_chat(opening[:1], opening[1], trace="a1", start_s=0),
        a_chat(opening[:1], opening[1], trace="b1", start_s=1),
        a_chat([*opening, user("refund")], assistant("done"), trace="a2", start_s=20),
        a_chat([*opening, user("cancel")], assistant("ok"), trace="b2", start_s=21),
    ]

    found = conversations_of(rows)

    assert sorted(texts(each)[-1][1] or "" for each in found) == ["done", "ok"]
    assert [len(each.messages) for each in found] == [4, 4]


def test_the_same_first_question_twice_is_two_conversations() -> None:
    rows = [a_chat([user("hi")], assistant("hello"), trace=name) for name in ("one", "two")]

    assert [texts(each) for each in conversations_of(rows)] == [HI, HI]


def test_a_thread_that_gets_its_id_late_is_one_conversation() -> None:
    first, second, third = turns(3)
    late = [second | {"conversation_id": "thread-7"}, third | {"conversation_id": "thread-7"}]

    conversation = the_conversation([first, *late])

    assert conversation.conversation_id == "thread-7"
    assert conversation.turns == 3


def test_two_agents_may_use_the_same_conversation_id() -> None:
    rows = [
        a_chat([user(name)], assistant("ok"), conversation="1", trace=name, service=name)
        for name in ("shop", "bank")
    ]

    found = conversations_of(rows)

    assert sorted((each.agent, each.messages[0].text) for each in found) == [
        ("bank", "bank"),
        ("shop", "shop"),
    ]


# --- one transcript ------------------------------------------------------------------------------


def test_messages_have_the_times_of_their_calls() -> None:
    conversation = the_conversation(turns(2))

    assert [message.at for message in conversation.messages] == [at(0), at(1), at(10), at(11)]
    assert (conversation.started_at, conversation.ended_at) == (at(0), at(11))


def test_a_tool_call_its_result_and_its_span_are_told_once() -> None:
    said = [user("hi")]
    rows = [
        an_agent(span="agent", end_s=9, conversation_id="c"),
        a_chat(said, asks_tool(), span="s1", parent="agent", conversation="c"),
        a_tool(
            span="tool",
            parent="agent",
            start_s=2,
            end_s=3,
            attributes={"gen_ai.tool.call.result": "found"},
        ),
        a_chat(
            [*said, asks_tool(), tool_result()],
            assistant("done"),
            span="s2",
            parent="agent",
            start_s=4,
            conversation="c",
        ),
    ]

    conversation = the_conversation(rows)

    assert [message.role for message in conversation.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    assert conversation.messages[2].at == at(3)
    assert conversation.messages[2].name == "lookup"
    assert conversation.agent == "seller"


def test_the_error_of_a_tool_comes_from_its_span() -> None:
    rows = [
        a_chat([user("hi")], asks_tool()),
        a_tool(span="tool", start_s=2, status=2, status_message="no such order"),
    ]

    conversation = the_conversation(rows)

    assert conversation.messages[-1].error == "no such order"
    assert conversation.messages[-1].tool_call_id == "call_1"


def test_tool_results_whose_ids_differ_are_matched_by_position() -> None:
    said = [user("hi"), asks_tool("look", id="fc_1"), tool_result("found", id="call_77")]

    conversation = the_conversation([a_chat(said, assistant("done"))])

    (call,) = conversation.messages[1].tool_calls
    assert call.id == conversation.messages[2].tool_call_id == "call_77"
    assert conversation.messages[2].name == "look"


def test_calls_and_results_without_ids_are_paired_in_order() -> None:
    said = [
        user("hi"),
        asks_tool("a", id=None),
        tool_result("1", id=None),
        asks_tool("b", id=None),
        tool_result("2", id=None),
    ]

    conversation = the_conversation([a_chat(said, assistant("done"))])

    asked = [call.id for message in conversation.messages for call in message.tool_calls]
    answered = [m.tool_call_id for m in conversation.messages if m.role == "tool"]
    assert asked == answered
    assert len(set(asked)) == 2


def test_a_provider_span_inside_an_instrumentation_span_counts_once() -> None:
    outer = a_chat([user("hi")], assistant("hello"), span="outer", end_s=5)
    inner = a_span(
        {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 10},
        span="inner",
        parent="outer",
        start_s=1,
    )

    conversation = the_conversation([outer, inner])

    assert conversation.usage.input_tokens == 10
    assert texts(conversation) == HI


def test_a_framework_span_around_two_model_calls_is_not_counted() -> None:
    outer = a_chat([user("hi")], assistant("done"), span="outer", end_s=20)
    first = a_chat([user("hi")], asks_tool(), span="s1", parent="outer", start_s=1)
    second = a_chat(
        [user("hi"), asks_tool(), tool_result()],
        assistant("done"),
        span="s2",
        parent="outer",
        start_s=5,
    )

    conversation = the_conversation([outer, first, second])

    assert conversation.usage.input_tokens == 20
    assert [message.role for message in conversation.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


def test_what_a_sub_agent_says_is_marked_and_nobody_elses_turn() -> None:
    rows = [
        an_agent("boss", span="boss", end_s=30, conversation_id="c"),
        a_chat([user("plan a trip")], asks_tool("research"), span="s1", parent="boss"),
        a_tool("research", span="tool", parent="boss", start_s=2, end_s=9),
        an_agent("scout", span="scout", parent="tool", start_s=3, end_s=8),
        a_chat(
            [user("find hotels")],
            assistant("three hotels"),
            span="s2",
            parent="scout",
            start_s=4,
            system="You search.",
        ),
        a_chat(
            [user("plan a trip"), asks_tool("research"), tool_result("three hotels")],
            assistant("booked"),
            span="s3",
            parent="boss",
            start_s=10,
        ),
    ]

    conversation = the_conversation(rows)

    assert conversation.turns == 1
    assert [(m.role, m.agent, m.text) for m in conversation.messages] == [
        ("user", None, "plan a trip"),
        ("assistant", None, None),
        ("assistant", "scout", "three hotels"),
        ("tool", None, None),
        ("assistant", None, "booked"),
    ]
    assert conversation.messages[2].parent_tool_call_id == "call_1"
    assert conversation.usage.input_tokens == 30


def test_a_router_in_front_of_the_agent_does_not_double_the_users_words() -> None:
    rows = [
        a_chat(
            [user("hi")],
            assistant("small_talk"),
            span="r",
            conversation="c",
            system="Classify the intent of the message.",
        ),
        a_chat(
            [user("hi")], assistant("hello, what can I do?"), span="m", start_s=2, conversation="c"
        ),
    ]

    conversation = the_conversation(rows)

    assert conversation.turns == 1
    assert conversation.system == "You sell lamps."
    assert conversation.messages[-1].text == "hello, what can I do?"


def test_a_title_made_afterwards_is_not_the_conversation() -> None:
    rows = [
        a_chat([user("hi")], assistant("hello, how can I help?"), span="m", conversation="c"),
        a_chat(
            [user("hi")],
            assistant("Greeting"),
            span="t",
            start_s=5,
            conversation="c",
            system="Write a title for this chat.",
        ),
    ]

    conversation = the_conversation(rows)

    assert conversation.system == "You sell lamps."
    assert conversation.turns == 1


def test_an_agent_that_sends_no_history_still_has_one_transcript() -> None:
    rows = [
        a_chat([user(f"q{n}")], assistant(f"a{n}"), trace=str(n), start_s=n * 5.0, conversation="c")
        for n in range(3)
    ]

    conversation = the_conversation(rows)

    assert [text for _, text in texts(conversation)] == ["q0", "a0", "q1", "a1", "q2", "a2"]


def test_a_trimmed_history_goes_on_where_it_was() -> None:
    rows = turns(3, conversation="c")
    kept = [assistant("answer 1"), user("question 2"), assistant("answer 2"), user("question 2")]
    rows.append(a_chat(kept, assistant("as I said"), trace="t", start_s=99, conversation="c"))

    conversation = the_conversation(rows)

    assert texts(conversation)[-2:] == [("user", "question 2"), ("assistant", "as I said")]
    assert conversation.turns == 4


def test_what_the_application_kept_of_an_answer_is_what_the_user_saw() -> None:
    rows = [
        a_chat([user("hi")], assistant('{"message": "hello"}'), trace="1", conversation="c"),
        a_chat(
            [user("hi"), assistant("hello"), user("bye")],
            assistant("bye"),
            trace="2",
            start_s=9,
            conversation="c",
        ),
    ]

    conversation = the_conversation(rows)

    assert texts(conversation) == [*HI, ("user", "bye"), ("assistant", "bye")]
    assert conversation.messages[1].at == at(1)


def test_a_history_that_was_seen_from_its_middle_has_no_invented_times() -> None:
    said = [user("old"), assistant("older answer"), user("new")]

    conversation = the_conversation([a_chat(said, assistant("done"), start_s=5)])

    assert [message.at for message in conversation.messages] == [None, None, at(5), at(6)]


def test_calls_that_start_in_one_tick_are_ordered_by_their_history() -> None:
    rows = [
        a_chat([user("hi"), asks_tool(), tool_result()], assistant("done"), span="s2", end_s=1),
        a_chat([user("hi")], asks_tool(), span="s1", end_s=5),
    ]

    conversation = the_conversation(rows)

    assert [m.role for m in conversation.messages] == ["user", "assistant", "tool", "assistant"]
    assert conversation.messages[-1].text == "done"


# --- failures ------------------------------------------------------------------------------------


def test_retries_of_one_request_are_one_message_and_one_error() -> None:
    rows = [
        failed(a_chat([user("hi")], span=f"s{n}", start_s=n, conversation="c")) for n in range(6)
    ]

    conversation = the_conversation(rows)

    assert texts(conversation) == [("user", "hi")]
    assert [(error.kind, error.http_status) for error in conversation.errors] == [("provider", 429)]


def test_a_retry_that_succeeds_leaves_no_error() -> None:
    rows = [
        failed(a_chat([user("hi")], span="s1", conversation="c")),
        a_chat([user("hi")], assistant("hello"), span="s2", start_s=3, conversation="c"),
    ]

    conversation = the_conversation(rows)

    assert texts(conversation) == HI
    assert conversation.errors == ()


@pytest.mark.parametrize(("later_s", "count"), [(30, 1), (86_400, 2)])
def test_a_known_users_retry_in_a_new_trace_is_the_same_conversation_for_an_hour(
    later_s: float, count: int
) -> None:
    rows = [
        failed(a_chat([user("hi")], trace="1", user_id="ann")),
        a_chat([user("hi")], assistant("hello"), trace="2", start_s=later_s, user_id="ann"),
    ]

    assert len(conversations_of(rows)) == count


def test_an_error_that_the_user_had_to_write_again_after_stays() -> None:
    rows = [
        failed(a_chat([user("hi")], trace="1", conversation="c")),
        a_chat(
            [user("hi"), user("anybody?")],
            assistant("yes"),
            trace="2",
            start_s=60,
            conversation="c",
        ),
    ]

    conversation = the_conversation(rows)

    assert texts(conversation) == [("user", "hi"), ("user", "anybody?"), ("assistant", "yes")]
    assert len(conversation.errors) == 1


def test_a_span_that_breaks_its_dialect_is_counted_and_the_others_are_read() -> None:
    def breaks(*_: Any) -> Any:
        raise KeyError("parts")

    good, bad = plant([Span(a_chat([user("hi")], assistant("hello"), span=n)) for n in ("1", "2")])
    odd = SimpleNamespace(speaks=breaks, kind=breaks, read_call=breaks, read_tool=breaks)
    bad.dialect = Dialect("odd", odd)

    sources = read_sources(Unit("shop", None, [good, bad]))

    assert [source.node for source in sources.calls] == [good]
    assert [each.reason for each in sources.unreadable] == ["odd: KeyError"]


# --- order does not matter -----------------------------------------------------------------------

STORY = [
    *turns(3, user_id="ann"),
    *turns(2, user_id="bob"),
    an_agent(span="agent", trace="x", conversation_id="c", end_s=50),
    a_chat([user("hi")], asks_tool(), span="s1", trace="x", parent="agent", start_s=1),
    a_tool(
        span="tool",
        trace="x",
        parent="agent",
        start_s=2,
        attributes={"gen_ai.tool.call.result": "found"},
    ),
    failed(
        a_chat(
            [user("hi"), asks_tool(), tool_result()],
            span="s2",
            trace="x",
            parent="agent",
            start_s=4,
        )
    ),
]
EVENTS = [
    an_event(event="e1", conversation_id="c"),
    an_event(event="e2", trace_id=trace_id("ann 1"), at_s=3),
]


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(STORY), repeated=st.lists(st.sampled_from(STORY), max_size=6))
def test_shuffled_and_repeated_spans_give_the_same_conversations(
    order: list[dict[str, Any]], repeated: list[dict[str, Any]]
) -> None:
    expected = conversations_of(STORY, EVENTS)

    found = conversations_of([*order, *repeated], [*reversed(EVENTS), *EVENTS])

    assert found == expected


def test_a_parent_that_never_comes_costs_only_what_it_knew() -> None:
    chat = a_chat([user("hi")], assistant("hello"), parent="lost")

    assert texts(the_conversation([chat])) == HI


def test_spans_that_are_each_others_parents_are_read() -> None:
    one = a_chat([user("hi")], assistant("hello"), span="s1", parent="s2")
    two = a_tool(span="s2", parent="s1")

    assert texts(the_conversation([one, two])) == HI


def test_of_a_span_that_came_twice_the_last_received_counts() -> None:
    early = a_chat([user("hi")], received_ns=1)
    late = a_chat([user("hi")], assistant("hello"), received_ns=2)

    assert texts(the_conversation([late, early])) == HI


# --- what surrounds a conversation ---------------------------------------------------------------


def test_events_are_joined_by_conversation_response_or_trace() -> None:
    chat = a_chat(
        [user("hi")], assistant("hello"), conversation="c", more={"gen_ai.response.id": "r-1"}
    )
    events = [
        an_event(event="e1", conversation_id="c", at_s=3),
        an_event(event="e2", response_id="r-1", at_s=1),
        an_event(event="e3", trace_id=chat["trace_id"], at_s=2),
    ]

    conversation = the_conversation([chat], events)

    assert [event.id for event in conversation.events] == ["e2", "e3", "e1"]
    assert {event.conversation_id for event in conversation.events} == {"c"}
    assert conversation.events[0].attributes == {"name": "resolved"}


def test_an_event_of_no_known_conversation_is_counted() -> None:
    found = list(
        assemble([], [an_event(conversation_id="gone"), an_event(event="e2", user_id="u")])
    )

    (lost,) = found
    assert isinstance(lost, Unreadable)
    assert "gone" in lost.what


def test_events_of_a_user_alone_are_given_apart() -> None:
    events = [an_event(event="e1", user_id="u"), an_event(event="e2", conversation_id="c")]

    assert [event.id for event in user_events(events)] == ["e1"]


@pytest.mark.parametrize(
    ("attributes", "kept"),
    [
        pytest.param({"debrief.decision.threshold.name": "t"}, {"threshold.name": "t"}, id="own"),
        pytest.param(
            {"debrief.segment.industry": "law"}, {"segment.industry": "law"}, id="segment"
        ),
        pytest.param({"debrief.decision.feature.amount": 3}, {"feature.amount": 3}, id="feature"),
        pytest.param({"plan": "pro"}, {"plan": "pro"}, id="foreign"),
    ],
)
def test_event_attributes_lose_their_prefix(attributes: dict[str, Any], kept: Any) -> None:
    (event,) = user_events([an_event("debrief.decision", user_id="u", attributes=attributes)])

    assert event.attributes == kept


def test_segments_come_from_resource_span_and_event_in_rising_order() -> None:
    chat = a_chat(
        [user("hi")],
        assistant("hello"),
        conversation="c",
        more={"debrief.segment.channel": "web", "debrief.segment.plan": "free"},
        resource=[("debrief.segment.region", "eu"), ("debrief.segment.plan", "?")],
    )
    event = an_event(conversation_id="c", attributes={"debrief.segment.channel": "mail"})

    conversation = the_conversation([chat], [event])

    assert conversation.segments == {"region": "eu", "plan": "free", "channel": "mail"}


@pytest.mark.parametrize("form", ["attribute", "span event", "log"])
def test_the_variant_comes_from_a_feature_flag(form: str) -> None:
    chat = a_chat([user("hi")], assistant("hello"), conversation="c")
    flag = {"feature_flag.key": "prompt", "feature_flag.result.variant": "B"}
    logs: list[dict[str, Any]] = []
    if form == "attribute":
        chat["attributes"] += flag.items()
    elif form == "span event":
        event = {"name": "feature_flag.evaluation", "time_ns": 1, "attributes": flag}
        chat["events"] = json.dumps([event])
    else:
        logs = [an_event("feature_flag.evaluation", trace_id=chat["trace_id"], attributes=flag)]

    conversation = the_conversation([chat], logs)

    assert conversation.variant == "B"
    assert conversation.events == ()


def test_the_version_is_the_agents_before_the_services() -> None:
    chat = a_chat([user("hi")], assistant("hello"))
    agent = an_agent(span="agent", attributes={"gen_ai.agent.version": "7"})

    assert the_conversation([chat]).version == "1.0"
    assert the_conversation([chat, agent]).version == "7"


def test_missing_tool_results_and_system_prompts_are_said() -> None:
    said = [user("hi"), asks_tool(), assistant("done"), user("thanks")]

    complete = the_conversation([a_chat(said, assistant("bye"), system=None)]).completeness

    assert (complete.text, complete.system, complete.tool_results) == (True, False, False)
    assert "tool" in (complete.hint or "")


def test_a_tool_call_at_the_very_end_may_still_be_under_way() -> None:
    assert the_conversation([a_chat([user("hi")], asks_tool())]).completeness.tool_results


# --- the store -----------------------------------------------------------------------------------


def test_a_period_is_about_the_last_message(tmp_path: Path) -> None:
    store = open_store(str(tmp_path), create=True)
    now_ns = int(NOW.timestamp()) * SECOND
    rows = []
    for number, days in enumerate((1, 10, 40)):
        start_ns = now_ns - days * 86_400 * SECOND
        row = a_chat([user("hi")], assistant("hello"), conversation=f"d{days}", trace=str(number))
        rows.append(row | {"start_ns": start_ns, "end_ns": start_ns + 5, "received_ns": now_ns})
    untimed = a_chat([user("hi")], assistant("hello"), conversation="untimed", trace="u")
    rows.append(untimed | {"start_ns": None, "end_ns": None, "received_ns": now_ns})
    store.append("spans", [as_stored(row) for row in rows], now=NOW)

    def ids(**period: Any) -> list[str]:
        found = read_conversations(store, **period)
        return [each.conversation_id for each in found if isinstance(each, Conversation)]

    assert ids() == ["untimed", "d40", "d10", "d1"]
    assert ids(since=NOW - timedelta(days=28)) == ["untimed", "d10", "d1"]
    assert ids(until=NOW - timedelta(days=5)) == ["d40", "d10"]
    assert ids(agent="other") == []


def test_an_empty_store_has_no_conversations(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "none"), create=False)

    assert list(read_conversations(store)) == []
    assert read_user_events(store) == []


def test_user_events_of_a_period_are_read_from_the_store(tmp_path: Path) -> None:
    store = open_store(str(tmp_path), create=True)
    rows = [an_event(event=f"e{day}", user_id="u", at_s=day * 86_400) for day in (1, 3)]
    store.append("events", rows, now=NOW)

    found = read_user_events(store, until=at(2 * 86_400))

    assert [event.id for event in found] == ["e1"]


def test_long_conversations_cost_time_in_proportion_to_their_length() -> None:
    def seconds(count: int) -> float:
        rows = turns(count, conversation="c")
        began = time.process_time()
        the_conversation(rows)
        return time.process_time() - began

    seconds(50)

    assert seconds(400) < 40 * max(seconds(50), 0.005)
