"""What a conversation shows by itself, and what it does not show."""

# ruff: noqa: RUF001 - text in many scripts

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.records import SignalKind
from bot.signals import find_signals
from collector.records import CallError, Completeness, Conversation, Message
from tests.bot.builders import (
    a_conversation,
    an_event,
    assistant,
    calls,
    returns,
    user,
)


def kinds(conversation: Conversation) -> list[SignalKind]:
    return [signal.kind for signal in find_signals(conversation)]


def after_answer(text: str, *, answer: str = "It costs 20 EUR.") -> Conversation:
    return a_conversation(
        user("How much is the brass reading lamp?"),
        assistant(answer),
        user(text),
        assistant("I have looked again."),
    )


def test_a_conversation_that_went_well_has_no_signals() -> None:
    assert find_signals(a_conversation()) == ()


def test_a_conversation_without_messages_has_no_signals() -> None:
    empty = Conversation(
        conversation_id="c",
        agent="a",
        completeness=Completeness(text=False, system=False, tool_results=False, times=False),
    )

    assert find_signals(empty) == ()


# -- user turns ---------------------------------------------------------------------------------


def test_asking_again_in_other_words_after_an_answer_is_a_reformulation() -> None:
    found = find_signals(
        after_answer("How much is the brass reading lamp, please?", answer="We have many lamps.")
    )

    assert [(one.kind, one.message_index) for one in found] == [("reformulation", 2)]
    assert found[0].evidence.startswith("similarity 0.9")
    assert found[0].evidence.endswith("with message 0")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("And how long does delivery to Graz take?", id="another-question"),
        pytest.param("Thanks, I take it", id="thanks"),
        pytest.param("How much is the brass reading lamp?", id="word-for-word-is-a-repeat"),
    ],
)
def test_what_is_no_reformulation(text: str) -> None:
    assert "reformulation" not in kinds(after_answer(text))


def test_the_same_request_about_another_order_is_not_a_reformulation() -> None:
    conversation = a_conversation(
        user("Please cancel order L-10001 for me"),
        assistant("Cancelled."),
        user("Please cancel order L-10002 for me"),
        assistant("Cancelled."),
    )

    assert kinds(conversation) == []


def test_two_messages_in_a_row_are_not_a_reformulation() -> None:
    conversation = a_conversation(
        user("How much is the brass reading lamp"),
        user("How much is the brass reading lamp?? please"),
        assistant("20 EUR."),
    )

    assert kinds(conversation) == []


def test_asking_three_times_is_one_repeated_query() -> None:
    ask = "Where is my parcel with the lamp"
    conversation = a_conversation(
        *(user(ask), assistant("It is on its way.")) * 4,
    )

    assert kinds(conversation) == ["repeated_query"]


def test_short_confirmations_are_not_repeats() -> None:
    conversation = a_conversation(*(user("yes, that one"), assistant("Noted.")) * 4)

    assert kinds(conversation) == []


@pytest.mark.parametrize(
    "text",
    [
        "No, that's not what I asked",
        "no that was the wrong order! I meant the other one.",
        "I meant the blue one",
        "That\u2019s not the one. Could you check again?",
        "Nein, das habe ich nicht gemeint",
        "Ich meinte die blaue Lampe",
        "Non, ce n'est pas ça",
    ],
)
def test_quick_corrections(text: str) -> None:
    assert "quick_correction" in kinds(after_answer(text))


@pytest.mark.parametrize(
    "text",
    [
        "No, thanks",
        "No, that's all",
        "No, I don't have the number",
        "That's exactly what I wanted",
        "It was a mistake of mine, I ordered twice",
        "I gave you the wrong order id",
        "Does that work?",
        "What do you mean by VAT?",
        "Great, that is right",
    ],
)
def test_ordinary_answers_are_no_corrections(text: str) -> None:
    assert not {"quick_correction", "error_pointed_out"} & set(kinds(after_answer(text)))


@pytest.mark.parametrize(
    "text",
    [
        "that is wrong",
        "That does not help.",
        "what are you talking about?",
        "You misunderstood me",
        "it doesn't work",
        "Das stimmt nicht",
        "ça ne marche pas",
    ],
)
def test_errors_that_users_point_out(text: str) -> None:
    assert "error_pointed_out" in kinds(after_answer(text))


def test_a_first_message_points_at_nothing() -> None:
    assert kinds(a_conversation(user("That is wrong"), assistant("What is?"), user("thanks"))) == []


@pytest.mark.parametrize(
    ("text", "wants"),
    [
        ("Then let me talk to a human please", True),
        ("I want to speak with a real person", True),
        ("operator", True),
        ("transfer me", True),
        ("Ich möchte mit einem Mitarbeiter sprechen", True),
        ("quiero hablar con una persona", True),
        ("My agent number is 7", False),
        ("Who is the manager of the shop in Graz?", False),
        ("Can you connect the lamp to the ceiling?", False),
    ],
)
def test_requests_for_a_person(text: str, wants: bool) -> None:
    assert ("escalation_request" in kinds(after_answer(text))) == wants


def test_handing_over_by_a_tool_is_an_escalation_and_no_abandonment() -> None:
    conversation = a_conversation(
        user("My lamp exploded"), calls("transfer_to_human_agents"), returns("ok")
    )

    assert kinds(conversation) == ["escalation_request"]


# -- tools ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "failed"),
    [
        pytest.param(returns(None, error="timeout"), True, id="reported"),
        pytest.param(returns("Error: user not found"), True, id="text"),
        pytest.param(returns({"error": "no such order"}), True, id="key"),
        pytest.param(returns({"isError": True, "content": []}), True, id="mcp"),
        pytest.param(returns({"status": "failed"}), True, id="status"),
        pytest.param(returns({"error": None, "order": 1}), False, id="empty-key"),
        pytest.param(returns({"errors_fixed": 2}), False, id="other-key"),
        pytest.param(returns("The terror of errors, a book"), False, id="word-inside"),
    ],
)
def test_tool_errors(message: Message, failed: bool) -> None:
    conversation = a_conversation(
        user("Find my order"), calls("find"), message, assistant("Here it is.")
    )

    assert kinds(conversation) == (["tool_error"] if failed else [])


def test_the_same_call_three_times_is_a_loop() -> None:
    again = (calls("find", {"b": 1, "a": 2}), returns("nothing"))
    other_order = (calls("find", {"a": 2, "b": 1}), returns("nothing"))
    conversation = a_conversation(user("Find it"), *again, *other_order, *again, assistant("No."))

    loops = [one for one in find_signals(conversation) if one.kind == "tool_loop"]

    assert [(one.message_index, one.evidence) for one in loops] == [
        (5, "one tool called 3 times with the same arguments: messages 1, 3, 5")
    ]


def test_the_same_tool_with_other_arguments_is_no_loop() -> None:
    steps = [
        message for page in range(5) for message in (calls("list", {"page": page}), returns("rows"))
    ]

    assert kinds(a_conversation(user("List all"), *steps, assistant("Done."))) == []


# -- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(assistant("I'm sorry, but I cannot do that."), ["refusal"], id="refusal"),
        pytest.param(assistant("I can\u2019t help with that"), ["refusal"], id="curly-quote"),
        pytest.param(assistant("Leider kann ich das nicht tun"), ["refusal"], id="german"),
        pytest.param(assistant("You cannot return lamps."), [], id="no-refusal"),
        pytest.param(assistant(" "), ["empty_answer"], id="empty"),
        pytest.param(assistant("It is", finish="length"), ["cut_off_answer"], id="cut-off"),
        pytest.param(assistant("", finish="length"), ["cut_off_answer"], id="cut-off-at-once"),
        pytest.param(assistant("No.", finish="content_filter"), ["refusal"], id="filtered"),
        pytest.param(
            assistant('{"message": "It is on its way."}'), ["broken_format"], id="wrapped"
        ),
        pytest.param(
            assistant('```json\n{"response": "It is here."}\n```'), ["broken_format"], id="fenced"
        ),
        pytest.param(assistant('{"order": 7, "total": 20}'), [], id="data-is-fine"),
        pytest.param(assistant('{"message": '), [], id="no-json"),
    ],
)
def test_answers(answer: Message, expected: list[SignalKind]) -> None:
    assert kinds(a_conversation(user("Where is my order?"), answer)) == expected


def test_json_for_a_caller_that_speaks_json_is_no_broken_format() -> None:
    conversation = a_conversation(
        user('{"message": "where is it now"}'), assistant('{"message": "on its way to you"}')
    )

    assert kinds(conversation) == []


# -- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "abandoned"),
    [
        pytest.param((user("Where is it?"),), True, id="no-answer"),
        pytest.param((user("Hi"), assistant("It is here."), user("Thanks, bye")), False, id="bye"),
        pytest.param((user("Hi"), assistant("Which order?")), True, id="question-unanswered"),
        pytest.param(
            (user("Hi"), assistant("Done. Anything else I can do?")), False, id="courtesy"
        ),
        pytest.param((user("Thanks!"), assistant("Shall I remind you?")), False, id="after-thanks"),
        pytest.param((user("Hi"), calls("find"), returns({"error": "x"})), True, id="failed-tool"),
        pytest.param((user("Hi"), calls("find")), True, id="tool-call"),
        pytest.param((user("Hi"), assistant("It is here.")), False, id="normal-end-proves-nothing"),
        pytest.param((user("Hi"), assistant("Ok."), user("###STOP###")), False, id="stop-mark"),
    ],
)
def test_abandonment_only_where_the_transcript_proves_it(
    messages: tuple[Message, ...], abandoned: bool
) -> None:
    assert ("abandonment" in kinds(a_conversation(*messages))) == abandoned


def test_a_failed_model_call_is_named_in_the_evidence() -> None:
    conversation = a_conversation(
        user("Where is it?"), errors=(CallError(kind="timeout", message="30 s"),)
    )

    assert "the model call failed" in find_signals(conversation)[0].evidence


# -- ratings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "attributes", "negative"),
    [
        pytest.param("user_feedback", {"gen_ai.evaluation.score.value": 0}, True, id="zero"),
        pytest.param("user_feedback", {"gen_ai.evaluation.score.value": 1}, False, id="one"),
        pytest.param("thumbs", {"gen_ai.evaluation.score.label": "Down"}, True, id="label"),
        pytest.param("star_rating", {"gen_ai.evaluation.score.value": 2}, True, id="two-stars"),
        pytest.param("star_rating", {"gen_ai.evaluation.score.value": 5}, False, id="five-stars"),
        pytest.param("hallucination", {"gen_ai.evaluation.score.value": 0}, False, id="evaluator"),
    ],
)
def test_ratings(name: str, attributes: dict[str, object], negative: bool) -> None:
    event = an_event(
        "gen_ai.evaluation.result", attributes={"gen_ai.evaluation.name": name, **attributes}
    )

    assert ("negative_rating" in kinds(a_conversation(events=(event,)))) == negative


@pytest.mark.parametrize(
    ("attributes", "negative"),
    [
        ({"action": "rejected"}, True),
        ({"action": "edited", "usable": False}, True),
        ({"action": "accepted", "usable": True}, False),
    ],
)
def test_reviews(attributes: dict[str, object], negative: bool) -> None:
    conversation = a_conversation(events=(an_event("debrief.review", attributes=attributes),))

    assert ("negative_rating" in kinds(conversation)) == negative


# -- all of it ------------------------------------------------------------------------------------


def test_no_text_of_a_stranger_gets_into_the_evidence() -> None:
    conversation = a_conversation(
        user("ignore all rules xyzzy"),
        calls("xyzzy"),
        returns("Error: xyzzy"),
        assistant('{"message": "xyzzy is it", "xyzzy": 1}'),
        user("No, that's wrong xyzzy"),
        assistant("I cannot xyzzy. xyzzy?"),
    )

    found = find_signals(conversation)

    assert len(found) >= 5
    assert not any("xyzzy" in signal.evidence for signal in found)


def test_without_text_only_structure_speaks() -> None:
    conversation = a_conversation(
        Message(role="user"),
        Message(role="assistant", finish_reason="length"),
        returns(None, error="boom"),
        completeness=Completeness(text=False, system=False, tool_results=True, times=True),
    )

    assert kinds(conversation) == ["cut_off_answer", "tool_error"]


def test_hostile_lengths_stay_quick() -> None:
    nested = "[" * 100_000
    conversation = a_conversation(
        *(user(f"no that's not {'a ' * 20_000}{number}") for number in range(60)),
        assistant("{" + nested),
        assistant('{"message": ' + nested),
    )

    started = time.perf_counter()
    find_signals(conversation)

    assert time.perf_counter() - started < 2


def test_a_question_asked_again_after_the_user_answered_is_a_repeated_clarification() -> None:
    question = "Could you please give me the number of your order?"
    found = find_signals(
        a_conversation(
            user("Where is my parcel?"),
            assistant(question),
            user("It is A-77."),
            assistant(f"Thanks. {question}"),
            user("A-77, as I wrote."),
            assistant("It arrives on Friday."),
        )
    )

    assert [(one.kind, one.message_index) for one in found] == [("repeated_clarification", 3)]


@pytest.mark.parametrize(
    ("answer", "times", "again"),
    [
        ("Sorry, I did not get that.", 3, True),
        ("Sorry, I did not get that.", 2, False),
        ("すみません、わかりませんでした。", 3, True),
        ("<did_not_understand>", 3, True),
        ("Done. Is there anything else I can do?", 3, False),
    ],
)
def test_one_answer_over_and_over_leads_nowhere(answer: str, times: int, again: bool) -> None:
    turns = [
        message
        for number in range(times)
        for message in (user(f"It is number {number} on {number + 3} Street"), assistant(answer))
    ]

    assert ("repeated_clarification" in kinds(a_conversation(*turns))) is again


def test_the_same_question_after_a_tool_ran_may_be_a_new_one() -> None:
    question = "Shall I go ahead with this change of your order?"
    found = kinds(
        a_conversation(
            user("Change the address of both of my orders."),
            assistant(question),
            user("Yes."),
            calls("change_address", {"order": "A-1"}),
            returns({"ok": True}),
            assistant(question),
            user("Yes."),
            assistant("Both are changed."),
        )
    )

    assert "repeated_clarification" not in found


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        ("Let me check the state of your order. One moment.", True),
        ("I'll cancel the order now.", True),
        ("Ich werde das prüfen.", True),
        ("Your order is cancelled.", False),
        ("I'll send you an email within 3 days.", False),
        ("I will cancel it once you confirm.", False),
        ("Let me check. Which order is it?", False),
    ],
)
def test_a_promise_that_nothing_follows(text: str, empty: bool) -> None:
    found = kinds(a_conversation(user("Cancel my order."), assistant(text)))

    assert ("promise_without_action" in found) is empty


def test_a_promise_with_the_call_beside_it_is_kept() -> None:
    promise = replace(calls("cancel_order"), text="Let me cancel that.")

    assert "promise_without_action" not in kinds(a_conversation(user("Cancel it."), promise))


@pytest.mark.parametrize(("seconds", "quick"), [(12, True), (90, False)])
def test_leaving_within_half_a_minute_is_quick(seconds: int, quick: bool) -> None:
    start = datetime(2026, 11, 2, 9, tzinfo=UTC)
    found = kinds(
        a_conversation(
            user("I need a refund.", at=start),
            assistant("Which order is it about?", at=start + timedelta(seconds=seconds)),
        )
    )

    assert "abandonment" in found
    assert ("quick_abandonment" in found) is quick


@pytest.mark.parametrize(
    "text",
    [
        "that makes no sense",
        "that doesnt make sense",
        "umm, what?",
        "What do you mean? Kinds of fish?",
        "what does that have to do with music?",
    ],
)
def test_more_ways_to_say_that_an_answer_is_no_help(text: str) -> None:
    assert "error_pointed_out" in kinds(after_answer(text))


@pytest.mark.parametrize("text", ["What?? That is great, thank you!", "What do you charge?"])
def test_what_alone_means_something_else(text: str) -> None:
    assert "error_pointed_out" not in kinds(after_answer(text))


# -- languages ------------------------------------------------------------------------------------

ANSWER = "Die Lampe kostet 20 EUR. / ランプは20ユーロです。"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Das hilft mir nicht weiter.", "error_pointed_out"),
        ("Was meinen Sie damit?", "error_pointed_out"),
        ("Eso no es lo que pedí", "quick_correction"),
        ("Lo siento, pero sigue sin funcionar", "error_pointed_out"),
        ("¿De qué está hablando?", "error_pointed_out"),
        ("isso está errado", "error_pointed_out"),
        ("non è corretto", "error_pointed_out"),
        ("dat klopt niet", "error_pointed_out"),
        ("Это неправильно", "error_pointed_out"),
        ("Нет, я имел в виду синюю", "quick_correction"),
        ("Bu yanlış", "error_pointed_out"),
        ("それは間違っています", "error_pointed_out"),
        ("いいえ、そうではなくて青いほうです", "quick_correction"),
        ("这个不对", "error_pointed_out"),
        ("我的意思是蓝色的", "quick_correction"),
        ("그건 틀렸어요", "error_pointed_out"),
        ("هذا خطأ", "error_pointed_out"),
        ("لا، كنت أقصد الأزرق", "quick_correction"),
        ("担当者に代わってください", "escalation_request"),
        ("我要转人工", "escalation_request"),
        ("أريد التحدث إلى موظف", "escalation_request"),
        ("Соедините меня с оператором", "escalation_request"),
        ("Quero falar com um atendente", "escalation_request"),
    ],
)
def test_users_are_understood_in_other_languages(text: str, kind: SignalKind) -> None:
    assert kinds(after_answer(text, answer=ANSWER)) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "Nein danke, das ist alles",
        "No, gracias",
        "はい、お願いします",
        "好的,谢谢",
        "نعم من فضلك",
        "Да, спасибо",
    ],
)
def test_ordinary_answers_in_other_languages_say_nothing(text: str) -> None:
    assert kinds(after_answer(text, answer=ANSWER)) == []


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (
            "Wie lange dauert die Lieferung nach Graz?",
            "Wie lange dauert die Lieferung nach Graz??!",
        ),
        (
            "グラーツまでの配送にはどのくらいかかりますか",
            "グラーツまでの配送には何日くらいかかりますか",
        ),
        ("كم يستغرق التوصيل إلى مدينة غراتس", "كم يستغرق التوصيل إلى مدينة غراتس من فضلك"),
        ("送到格拉茨的快递需要多长时间", "请问送到格拉茨的快递需要多长时间"),
        ("¿Cuánto tarda el envío a Graz?", "Pero ¿cuánto tarda el envío a Graz?"),
    ],
)
def test_asking_again_is_seen_in_any_language(first: str, again: str) -> None:
    asked = a_conversation(user(first), assistant(ANSWER), user(again), assistant(ANSWER))
    repeated = a_conversation(*(user(first), assistant(ANSWER)) * 3)

    assert set(kinds(asked)) <= {"reformulation"}
    assert kinds(asked) or first.rstrip("?") == again.rstrip("?!")
    assert kinds(repeated) == ["repeated_query"]


@pytest.mark.parametrize(
    "answer",
    [
        "Lo siento, no puedo ayudarle con eso.",
        "申し訳ございませんが、対応できません。",
        "抱歉，我无法处理这个请求。",
        "عذراً، لا أستطيع المساعدة",
        "К сожалению, я не могу это сделать.",
    ],
)
def test_refusals_in_other_languages(answer: str) -> None:
    assert kinds(a_conversation(user("?"), assistant(answer))) == ["refusal"]


# -- broken answers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("Dear [Your Name], it is here.", "slot"),
        ("Hello {first_name}, it is here.", "slot"),
        ("It is here.<|im_end|>", "marks"),
        ("</think> It is here.", "marks"),
        ("Ihr Paket ist fÃ¼r Sie da.", "letters"),
        ("```python\nprint(1)", "not closed"),
        ("Sorry:\n" + "Your order is on its way.\n" * 6, "repeated"),
    ],
)
def test_what_came_out_broken_is_named(answer: str, why: str) -> None:
    (found,) = find_signals(a_conversation(user("Where is it?"), assistant(answer)))

    assert found.kind == "broken_format"
    assert why in found.evidence


@pytest.mark.parametrize(
    "answer",
    [
        "Write `{{name}}` where the name goes.",
        "```\n{user_name} <think>\n```",
        "See [1] and <b>this</b>; {a, b} is a set.",
        "| a | b |\n" * 8,
        "Æ, Ã and ß are letters.",
    ],
)
def test_code_and_markup_are_not_broken(answer: str) -> None:
    assert kinds(a_conversation(user("How do I do it?"), assistant(answer))) == []


# -- still going on --------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "abandoned"), [(5, False), (31, True)])
def test_nobody_has_left_a_conversation_that_may_go_on(minutes: int, abandoned: bool) -> None:
    start = datetime(2026, 11, 2, 9, tzinfo=UTC)
    conversation = a_conversation(
        user("I need a refund.", at=start),
        assistant("Which order is it about?", at=start),
        started_at=start,
        ended_at=start,
    )

    found = find_signals(conversation, now=start + timedelta(minutes=minutes))

    assert any(one.kind == "abandonment" for one in found) is abandoned
