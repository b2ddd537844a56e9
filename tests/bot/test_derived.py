"""What a run keeps for the next one is a convenience: never a fault, never more than was said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.commands.derived import discovered_before, keep, labels_of, remembering
from bot.records import Intent, Label, ModelCost, RenderedPrompt, Reply, Skipped, Taxonomy
from collector.store import open_store

NOW = datetime(2026, 11, 20, tzinfo=UTC)
PROMPT = RenderedPrompt(
    name="a/b", sha256="0", role="reader", system="s", user="u", max_tokens=9, schema=None
)
REPLY = Reply(
    text="{}", data={"a": [1]}, model="m", stop_reason="end_turn", cost=ModelCost(calls=1, usd=0.1)
)
TAXONOMY = Taxonomy(intents=(Intent(id="i-1", name="cancel"),), version="1", source="discovered")
LABELS = {
    ("a", "c-1"): Label(
        agent="a",
        conversation_id="c-1",
        intents=(("i-1", 0.9),),
        source="cluster",
        taxonomy_version="1",
    )
}


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path / "store"), create=True)


def test_a_question_is_paid_for_once(store):
    asked = []
    ask = remembering(lambda prompt: asked.append(prompt) or REPLY, store, ["m"])

    first, second = ask(PROMPT), ask(PROMPT)

    assert len(asked) == 1
    assert first == REPLY
    assert second == replace(REPLY, cost=ModelCost(), paid_before=REPLY.cost)


def test_other_words_or_another_model_are_another_question(store):
    asked = []
    answer = lambda prompt: asked.append(prompt) or REPLY  # noqa: E731

    remembering(answer, store, ["m"])(PROMPT)
    remembering(answer, store, ["m"])(replace(PROMPT, user="v"))
    remembering(answer, store, ["n"])(PROMPT)

    assert len(asked) == 3


def test_a_call_that_failed_is_asked_again(store):
    refused = Skipped(what="x", code="model_refused", reason="no")
    answers = iter([refused, REPLY])
    ask = remembering(lambda prompt: next(answers), store, ["m"])

    assert ask(PROMPT) == refused
    assert ask(PROMPT) == REPLY


def test_a_damaged_reply_is_asked_again(store):
    ask = remembering(lambda prompt: REPLY, store, ["m"])
    ask(PROMPT)
    (kept,) = (store.root / "derived/replies").iterdir()
    kept.write_text("{")

    assert ask(PROMPT) == REPLY


def test_labels_and_discovered_intents_are_read_back(store):
    keep(store, TAXONOMY, LABELS, discovered=True)

    before = discovered_before(store)

    assert before is not None
    assert [(one.id, one.name) for one in before.intents] == [("i-1", "cancel")]
    assert labels_of(store, "a", "c-1") == [{"id": "i-1", "name": "cancel", "confidence": 0.9}]
    assert labels_of(store, "b", "c-1") == []


def test_erasing_a_person_removes_what_was_derived(store):
    keep(store, TAXONOMY, LABELS, discovered=True)
    remembering(lambda prompt: REPLY, store, ["m"])(PROMPT)

    store.erase(user_id="somebody", now=NOW)

    assert not (store.root / "derived").exists()
    assert discovered_before(store) is None
    assert labels_of(store, "a", "c-1") == []
