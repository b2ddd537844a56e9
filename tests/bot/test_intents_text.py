"""What the user was trying to do, as text."""

from __future__ import annotations

import pytest

from bot.intents import Document, to_document
from bot.intents.text import script_of
from bot.records import Skipped
from collector.records import Completeness, Conversation, Message, ToolCall


def a_conversation(*messages: Message | str, text: bool = True, user: str | None = None):
    return Conversation(
        conversation_id="c-1",
        agent="support",
        user_id=user,
        messages=tuple(
            m if isinstance(m, Message) else Message(role="user", text=m) for m in messages
        ),
        completeness=Completeness(text=text, system=False, tool_results=True, times=False),
    )


def a_document_of(*messages: Message | str) -> Document:
    document = to_document(a_conversation(*messages))
    assert isinstance(document, Document)
    return document


def test_a_document_has_the_words_of_the_user_and_of_nobody_else():
    document = a_document_of(
        "I want to cancel my flight",
        Message(role="assistant", text="Which reservation is it?"),
        Message(role="tool", name="search", result="secret"),
        "the one to Boston",
    )

    assert document.text == "I want to cancel my flight\nthe one to Boston"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("my order #W123 is late", id="order-number"),
        pytest.param("my order mia_li_3668 is late", id="user-id"),
        pytest.param("my order mia@example.com is late", id="e-mail"),
        pytest.param("my order https://shop.example/a?b=c is late", id="link"),
        pytest.param("Hello! my order is late, thank you so much", id="courtesy"),
        pytest.param("my order is ###STOP### late", id="stop-sign"),
    ],
)
def test_what_tells_users_apart_and_not_wishes_is_dropped(said):
    assert a_document_of(said).text.rstrip(" ,") == "my order is late"


def test_a_word_of_courtesy_stays_where_it_says_something():
    assert a_document_of("Sure, okay! I'm not sure why").text == "I'm not sure why"


def test_tools_are_kept_once_each_in_order_of_first_use():
    calls = tuple(ToolCall(id=n, name=n, arguments=None) for n in ("find", "cancel", "find"))

    document = a_document_of("cancel it", Message(role="assistant", tool_calls=calls))

    assert document.tools == ("find", "cancel")


def test_what_one_agent_says_to_another_is_not_the_wish_of_the_user():
    inner = Message(role="user", text="summarise the ledger", parent_tool_call_id="t1")

    assert a_document_of("pay my bill", inner).text == "pay my bill"


def test_a_huge_message_stays_bounded_and_does_not_drown_the_others():
    document = a_document_of("word " * 100_000, *["cancel my order now"] * 50)

    assert len(document.text) <= 4_000
    assert "cancel my order" in document.text


@pytest.mark.parametrize(
    ("conversation", "why"),
    [
        pytest.param(a_conversation(), "no words of the user", id="nothing-said"),
        pytest.param(a_conversation("12345 #99"), "no words of the user", id="only-ids"),
        pytest.param(a_conversation(text=False), "text was not sent", id="text-switched-off"),
    ],
)
def test_a_conversation_without_words_is_skipped_with_the_reason(conversation, why):
    skipped = to_document(conversation)

    assert isinstance(skipped, Skipped)
    assert (skipped.what, skipped.code) == ("c-1", "no_text")
    assert why in skipped.reason


def test_the_hash_stays_the_same_while_the_conversation_grows_and_hides_its_text():
    short, long = a_document_of("hi there, a question"), a_document_of("a question", "and another")

    assert short.sha == long.sha
    assert len(short.sha) == 16


def test_the_unit_is_the_user_where_there_is_one():
    known, unknown = to_document(a_conversation("help", user="u-7")), a_document_of("help")

    assert isinstance(known, Document)
    assert (known.unit, unknown.unit) == ("u-7", "c-1")


@pytest.mark.parametrize(
    ("text", "script"),
    [
        pytest.param("Where is my card?", "LATIN", id="English"),
        pytest.param("Über die Kündigung", "LATIN", id="German"),
        pytest.param("أين iPhone الخاص بي", "ARABIC", id="Arabic-with-an-English-name"),
        pytest.param("契約を解約したいです", "HIRAGANA", id="Japanese-mostly-in-kanji"),
        pytest.param("ﾊﾟｽﾜｰﾄﾞを忘れました", "HIRAGANA", id="Japanese-in-half-width-letters"),
        pytest.param("我的包裹在哪里", "CJK", id="Chinese"),
        pytest.param("12 + 30 = 42", "", id="no-letters"),
        pytest.param("١٢٣ ...", "", id="no-letters-in-another-script"),
    ],
)
def test_the_script_of_a_text_is_that_of_most_of_its_letters(text, script):
    assert script_of(text) == script
