"""Many questions in one batch: half the price, and nothing lost when the run ends before it."""

from __future__ import annotations

import json

import pytest

from bot.commands.batches import PENDING, asking_in_batches
from bot.model import Model
from bot.records import RenderedPrompt, Reply, Skipped
from collector.store import open_store
from tests.messages_server import KEY, Answer, Asked, fails, messages_server, says

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["n"],
    "properties": {"n": {"type": "integer"}},
}


def a_prompt(number: int, **changes) -> RenderedPrompt:
    fields = {
        "name": "room/step",
        "sha256": "0",
        "role": "reader",
        "system": "Read it.",
        "user": f"conversation {number}",
        "max_tokens": 100,
        "schema": SCHEMA,
        "cached": "the taxonomy",
    } | changes
    return RenderedPrompt(**fields)


def counts(asked: Asked) -> Answer:
    return says({"n": int(asked.user.split()[-1])})


def a_model(server, budget_usd: float = 1.0) -> Model:
    return Model(api_key=KEY, base_url=server.url, budget_usd=budget_usd, max_retries=0)


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path / "store"), create=True)


def ask(model, store, prompts, *, wait_s: float = 0.0):
    waits: list[float] = []
    ask_many = asking_in_batches(model, store, ["m"], wait_s=wait_s, poll_s=1.0, sleep=waits.append)
    return ask_many(prompts), waits


def test_answers_come_in_the_order_of_the_questions_at_half_the_price(store):
    with messages_server(counts) as server:
        model = a_model(server)
        replies, _ = ask(model, store, [a_prompt(n) for n in range(5)], wait_s=1)
        alone = a_model(server)
        alone.ask(a_prompt(9))

    assert [one.data for one in replies] == [{"n": n} for n in range(5)]
    assert len(server.batches) == 1
    assert model.cost.calls == 5
    assert model.cost.usd == pytest.approx(2.5 * alone.cost.usd, rel=0.01)


def test_what_repeats_is_marked_to_be_cached_and_comes_first(store):
    with messages_server(counts) as server:
        ask(a_model(server), store, [a_prompt(1)], wait_s=1)

    (request,) = server.batches["msgbatch_1"]["requests"]
    first, second = request["params"]["messages"][0]["content"]
    assert (first["text"], first["cache_control"]) == ("the taxonomy", {"type": "ephemeral"})
    assert second == {"type": "text", "text": "conversation 1"}
    assert request["params"]["output_config"]["format"]["schema"] == SCHEMA


def test_waiting_has_a_bound_and_the_next_run_takes_the_answers_in(store):
    with messages_server(counts) as server:
        server.batches_end_at_once = False
        first, waits = ask(a_model(server), store, [a_prompt(1), a_prompt(2)], wait_s=3)
        server.run_batches()
        second, _ = ask(a_model(server), store, [a_prompt(1), a_prompt(2), a_prompt(3)])
        server.run_batches()
        third, _ = ask(a_model(server), store, [a_prompt(3)])

    assert [one.code for one in first] == ["pending", "pending"]
    assert waits == [1.0, 1.0, 1.0]
    assert [one.data for one in second[:2]] == [{"n": 1}, {"n": 2}]
    assert second[2].code == "pending"
    assert third[0].data == {"n": 3}
    sent = [len(one["requests"]) for one in server.batches.values()]
    assert sent == [2, 1]
    assert not list((store.root / PENDING).iterdir())


def test_a_run_that_was_killed_while_it_waited_pays_only_once(store):
    class Killed(BaseException):
        pass

    def die(seconds: float) -> None:
        raise Killed

    with messages_server(counts) as server:
        server.batches_end_at_once = False
        ask_many = asking_in_batches(a_model(server), store, ["m"], wait_s=9, poll_s=1, sleep=die)
        with pytest.raises(Killed):
            ask_many([a_prompt(1)])
        server.run_batches()
        replies, _ = ask(a_model(server), store, [a_prompt(1)])

    assert replies[0].data == {"n": 1}
    assert len(server.batches) == 1


def test_the_budget_stops_a_batch_at_what_it_pays_for(store):
    with messages_server(counts) as server:
        one = a_model(server).estimate(a_prompt(1)).usd / 2
        model = a_model(server, budget_usd=2.5 * one)
        replies, _ = ask(model, store, [a_prompt(n) for n in range(5)], wait_s=1)

    assert [isinstance(one, Reply) for one in replies] == [True, True, False, False, False]
    assert all("budget" in one.reason for one in replies[2:])


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(fails(500, "overloaded"), id="errored"),
        pytest.param(says({"n": "many"}), id="breaks-the-schema"),
        pytest.param(says("no json at all"), id="prose"),
    ],
)
def test_one_bad_answer_does_not_spoil_the_others(store, answer):
    def script(asked: Asked) -> Answer:
        return answer if asked.user.endswith("1") else counts(asked)

    with messages_server(script) as server:
        replies, _ = ask(a_model(server), store, [a_prompt(n) for n in range(3)], wait_s=1)

    assert [isinstance(one, Skipped) for one in replies] == [False, True, False]


def test_a_batch_that_the_service_forgot_is_asked_again(store):
    with messages_server(counts) as server:
        server.batches_end_at_once = False
        ask(a_model(server), store, [a_prompt(1)])
        server.batches.clear()
        server.batches_end_at_once = True
        replies, _ = ask(a_model(server), store, [a_prompt(1)], wait_s=1)

    assert replies[0].data == {"n": 1}


def test_a_damaged_note_of_a_batch_is_thrown_away(store):
    (store.root / PENDING).mkdir(parents=True)
    (store.root / PENDING / "msgbatch_7.json").write_text("{")

    with messages_server(counts) as server:
        replies, _ = ask(a_model(server), store, [a_prompt(1)], wait_s=1)

    assert replies[0].data == {"n": 1}
    assert not list((store.root / PENDING).iterdir())


def test_the_key_stands_in_no_file_of_the_store(store):
    with messages_server(counts) as server:
        server.batches_end_at_once = False
        ask(a_model(server), store, [a_prompt(1)])

    (note,) = (store.root / PENDING).iterdir()
    assert KEY not in note.read_text()
    assert next(iter(json.loads(note.read_text()).values()))["user"] == "conversation 1"
