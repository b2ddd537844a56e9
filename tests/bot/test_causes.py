"""Root causes: what most failing conversations show, with what speaks against it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.causes import Trait, explain_by_reader, explain_by_rules, traits_of
from bot.causes.versions import kinds_of_files
from bot.model import Model
from bot.records import FileHistory, HistoryCommit, Pattern, PatternReport
from bot.settings import AgentSettings, Settings
from bot.signals import find_signals
from collector.records import CallError, Conversation
from tests.bot.builders import (
    NOW,
    a_conversation,
    a_fact,
    a_pattern,
    assistant,
    calls,
    facts,
    returns,
    user,
)
from tests.bot.readers import findings_for
from tests.messages_server import KEY, messages_server, says


def kinds(conversation: Conversation) -> set[tuple[str, str]]:
    return {
        (trait.kind, trait.detail) for trait in traits_of(conversation, find_signals(conversation))
    }


def with_a_failing_tool(error: str, **changes: object) -> Conversation:
    return a_conversation(
        user("Book me the morning flight to Rome please."),
        calls("book_flight", {"to": "Rome"}),
        returns(error, name="book_flight", error=error),
        assistant("It is booked."),
        **changes,
    )


def a_report(*patterns: Pattern) -> PatternReport:
    return PatternReport(agents=(), tested=1, patterns=patterns, findings=(), refused=())


def explained(
    failing: dict[str, tuple[Trait, ...]],
    passing: dict[str, tuple[Trait, ...]],
    *,
    history: FileHistory | None = None,
    **changes: object,
) -> tuple[Pattern, PatternReport]:
    """The pattern of these failing conversations after the rules, and the whole report."""
    pattern = a_pattern(evidence=tuple(failing), intent_id=None, **changes)
    rows = [
        a_fact(number, conversation_id=one, failed=one in failing)
        for number, one in enumerate([*failing, *passing])
    ]
    report = explain_by_rules(
        a_report(pattern),
        facts(rows),
        {("support", one): traits for one, traits in {**failing, **passing}.items()},
        history=history,
        settings=Settings(),
    )
    return report.patterns[0], report


def having(count: int, *traits: Trait, prefix: str = "f") -> dict[str, tuple[Trait, ...]]:
    return {f"{prefix}-{number}": traits for number in range(count)}


# -- traits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param("Error: missing required parameter `date`", "tool_arguments", id="arguments"),
        pytest.param("TimeoutError: read timed out after 30 s", "tool_unavailable", id="timeout"),
        pytest.param("HTTP 503 Service Unavailable", "tool_unavailable", id="503"),
        pytest.param("403 Forbidden", "tool_denied", id="forbidden"),
        pytest.param("Error: user not found", "tool_not_found", id="no-record"),
        pytest.param("Unknown tool: book_flight", "tool_unknown", id="no-such-tool"),
        pytest.param("Error: 17", "tool_failed", id="nothing-said"),
    ],
)
def test_a_tools_error_says_how_it_failed(error, kind):
    assert (kind, "book_flight") in kinds(with_a_failing_tool(error))


def test_a_search_that_finds_nothing_is_told_from_one_that_fails():
    found_nothing = a_conversation(
        user("How do I change my tariff?"),
        calls("search_docs", {"q": "tariff"}),
        returns({"hits": []}, name="search_docs"),
        assistant("I could not find anything about it."),
    )

    assert ("empty_lookup", "search_docs") in kinds(found_nothing)


def test_an_empty_answer_of_a_tool_that_does_not_search_is_no_lookup():
    saved = a_conversation(
        user("Please save my new address."),
        calls("save_address", {}),
        returns({}, name="save_address"),
        assistant("Your address is saved."),
    )

    assert kinds(saved) == set()


def test_a_user_who_asks_for_a_person_and_gets_none():
    asked = (user("I want to talk to a human, please."), assistant("I can help you here."))

    assert ("person_not_reached", "") in kinds(a_conversation(*asked))
    handed = (*asked, calls("transfer_to_human_agents"), returns("ok"))
    assert ("handed_over", "") in kinds(a_conversation(*handed))
    assert ("person_not_reached", "") not in kinds(a_conversation(*handed))


def test_an_answer_that_takes_a_minute_is_a_wait():
    at = datetime(2026, 11, 1, tzinfo=UTC)
    slow = a_conversation(
        user("Where is my order?", at=at),
        assistant("On its way.", at=at + timedelta(seconds=61)),
    )
    quick = a_conversation(
        user("Where is my order?", at=at),
        assistant("On its way.", at=at + timedelta(seconds=59)),
    )

    assert ("slow_answer", "") in kinds(slow)
    assert kinds(quick) == set()


def test_a_conversation_that_grew_too_long_is_told_from_a_provider_that_failed():
    long = CallError(kind="provider", message="maximum context length exceeded", http_status=400)
    down = CallError(kind="provider", message="overloaded", http_status=529)
    late = CallError(kind="timeout", message="no answer")

    assert kinds(a_conversation(errors=(long,))) == {("context_too_long", "")}
    assert kinds(a_conversation(errors=(down,))) == {("call_failed", "")}
    assert kinds(a_conversation(errors=(late,))) == {("call_timeout", "")}


# -- rules -----------------------------------------------------------------------------------------


def test_the_tool_that_fails_in_most_failing_conversations_is_the_cause():
    failing = {
        **having(8, Trait("tool_arguments", "book_flight", 4)),
        **having(2, Trait("slow_answer", "", 1), prefix="g"),
    }

    pattern, _ = explained(failing, having(40, prefix="p"))

    assert pattern.root_cause == "tool_definition"
    assert pattern.cause is not None
    assert (pattern.cause.support, pattern.cause.contradicting) == (8, 2)
    assert "8 of 10 failing conversations" in pattern.cause.sentence
    assert "`book_flight`" in pattern.cause.sentence
    assert "2 do not" in pattern.cause.sentence
    assert {(one.message_index) for one in pattern.cause.quotes} == {4}


def test_a_tool_that_is_down_is_for_the_harness():
    pattern, _ = explained(
        having(8, Trait("tool_unavailable", "search", 2)), having(40, prefix="p")
    )

    assert pattern.root_cause == "harness"


def test_what_the_others_show_as_often_is_no_cause():
    trait = Trait("tool_failed", "search", 2)

    pattern, _ = explained(having(10, trait), having(40, trait, prefix="p"))

    assert (pattern.root_cause, pattern.cause) == ("unknown", None)


def test_what_fewer_than_half_show_is_no_cause():
    failing = {**having(4, Trait("cut_off", "", 1)), **having(6, prefix="g")}

    pattern, _ = explained(failing, having(40, prefix="p"))

    assert pattern.cause is None


def test_four_failing_conversations_are_too_few():
    pattern, _ = explained(having(4, Trait("cut_off", "", 1)), having(40, prefix="p"))

    assert pattern.cause is None


def test_a_pattern_on_a_signal_needs_no_others_for_what_its_name_says():
    failing = having(12, Trait("tool_unavailable", "search", 2))

    pattern, _ = explained(failing, {}, outcome="signal:tool_error")

    assert pattern.root_cause == "harness"


def test_what_made_the_group_is_not_told_as_evidence():
    failing = having(12, Trait("asks_again", "", 2))

    pattern, _ = explained(
        failing, having(40, prefix="p"), segment={"signal": "repeated_clarification"}
    )

    assert pattern.cause is not None
    assert pattern.cause.sentence.startswith("All have the agent ask what the user had answered")
    assert "that makes the group" in pattern.cause.sentence
    assert "12 of 12" not in pattern.cause.sentence


def test_a_gap_in_what_the_agent_knows_is_a_finding_and_no_diff():
    failing = having(9, Trait("empty_lookup", "search_docs", 3))

    pattern, report = explained(failing, having(40, prefix="p"))

    assert pattern.root_cause == "knowledge"
    assert pattern.cause is not None
    assert not pattern.cause.is_fixable
    (finding,) = report.findings
    assert finding.kind == "root_cause:knowledge"
    assert finding.sentence.startswith("Not fixable by a change to a file")


def test_a_version_points_at_what_its_commit_changed():
    sha = "abcdef1234567890"
    history = FileHistory(
        branch="main",
        commits=(
            HistoryCommit(sha="0" * 16, at=NOW - timedelta(days=60), files={"a.py": "b0"}),
            HistoryCommit(
                sha=sha,
                at=NOW - timedelta(days=9),
                files={"prompts/support.md": "b1", "README.md": "b2"},
            ),
        ),
        texts={},
        is_whole=True,
    )

    pattern, _ = explained(
        having(9), having(40, prefix="p"), history=history, segment={"version": sha[:12]}
    )

    assert pattern.root_cause == "prompt"
    assert pattern.cause is not None
    assert "prompts/support.md" in pattern.cause.sentence


def test_the_oldest_commit_holds_all_files_and_is_no_change():
    history = FileHistory(
        branch="main",
        commits=(HistoryCommit(sha="a" * 16, at=NOW, files={"prompts/x.md": "b"}),),
        texts={},
        is_whole=True,
    )

    pattern, _ = explained(
        having(9), having(40, prefix="p"), history=history, segment={"version": "a" * 12}
    )

    assert pattern.cause is None


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("agent/prompts/system.md", "prompt", id="prompt"),
        pytest.param("config/model.yaml", "config", id="config"),
        pytest.param("fraud-thresholds.json", "threshold", id="threshold"),
        pytest.param("agent/tools.py", "tool_definition", id="tools"),
        pytest.param("agent/loop.py", "harness", id="code"),
        pytest.param("LICENSE", None, id="nothing-of-the-agent"),
    ],
)
def test_a_path_says_what_it_is_to_the_agent(path, kind):
    assert kinds_of_files(AgentSettings(name="support"))(path) == kind


def test_the_settings_say_it_first():
    own = AgentSettings(name="support", prompts=("texts/*.txt",))

    assert kinds_of_files(own)("texts/a.txt") == "prompt"


# -- the reader ------------------------------------------------------------------------------------

LIES = "It is booked for Tuesday then"


def failing_conversations(count: int) -> dict[tuple[str, str], Conversation]:
    return {
        ("support", f"f-{number}"): a_conversation(
            user("Book me the morning flight to Rome please."),
            assistant(LIES),
            conversation_id=f"f-{number}",
            user_id=f"u-{number}",
            system="You book flights.",
        )
        for number in range(count)
    }


def diagnosis(locus: str, quote: str = LIES, *, present: bool = True) -> dict[str, object]:
    return {
        "present": present,
        "locus": locus,
        "kind": "missing_rule",
        "rule": "Call the booking tool before you say that it is booked.",
        "quotes": [{"turn": 1, "text": quote}],
        "paraphrase": "The agent claimed a booking that never happened.",
    }


def read_with(script, count: int = 6, **changes: object):
    conversations = failing_conversations(count)
    pattern = a_pattern(evidence=tuple(one for _, one in conversations), **changes)
    with messages_server(lambda asked: says(findings_for(asked, script))) as server:
        model = Model(api_key=KEY, budget_usd=5.0, base_url=server.url)
        found = explain_by_reader(
            a_report(pattern),
            repository=None,
            files={},
            newest=lambda one: [("support", key) for key in one.evidence],
            conversations_of=lambda keys: {key: conversations[key] for key in keys},
            ask=model.ask,
        )
    return found, server


def test_the_reader_names_the_place_that_most_diagnoses_name_and_what_contradicts_it():
    places = iter(["harness"] * 4 + ["user"] * 2)

    found, server = read_with(lambda transcript: diagnosis(next(places)))

    (pattern,) = found.report.patterns
    assert pattern.root_cause == "harness"
    assert pattern.cause is not None
    assert (pattern.cause.by, pattern.cause.support, pattern.cause.contradicting) == ("model", 4, 2)
    assert "what the user gave (2)" in pattern.cause.sentence
    assert {place.message_index for place in pattern.cause.quotes} == {1}
    assert "You book flights." in server.asked[0].user


def test_a_diagnosis_whose_quote_stands_nowhere_counts_for_nothing():
    found, _ = read_with(lambda transcript: diagnosis("harness", "words that nobody ever said"))

    assert found.report.patterns[0].cause is None


def test_where_the_readers_do_not_agree_the_cause_is_unknown_and_a_finding():
    places = iter(["prompt", "harness", "user", "model", "prompt", "data"])

    found, _ = read_with(lambda transcript: diagnosis(next(places)))

    (pattern,) = found.report.patterns
    assert pattern.root_cause == "unknown"
    assert pattern.cause is not None
    assert pattern.cause.sentence.startswith("No one cause")
    assert [one.kind for one in found.report.findings] == ["root_cause:unknown"]


def test_conversations_without_a_mistake_speak_against_the_cause():
    answers = iter([diagnosis("prompt")] * 4 + [diagnosis("unknown", present=False)] * 2)

    found, _ = read_with(lambda transcript: next(answers))

    cause = found.report.patterns[0].cause
    assert cause is not None
    assert (cause.support, cause.contradicting) == (4, 2)
    assert "no mistake in 2" in cause.sentence


def test_what_a_rule_explained_is_not_read():
    pattern = a_pattern(kind="correction")
    found = explain_by_reader(
        a_report(pattern),
        repository=None,
        files={},
        newest=lambda one: pytest.fail("it was read"),
        conversations_of=lambda keys: {},
        ask=lambda prompt: pytest.fail("it was asked"),
    )

    assert found.report.patterns == (pattern,)
