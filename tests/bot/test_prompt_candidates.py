"""Which edits may stand: kinds, conflicts, rounds, no change, and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.figures import MINUS
from bot.proposals.edits import apply_edits
from bot.proposals.spending import MAX_TOKENS, tokens_allowed
from bot.proposals.writing import MAX_ROUNDS, Candidate, check_candidate
from bot.records import Ask, Finding, ModelCost, Proposal, RenderedPrompt, Reply, Skipped
from collector.records import Conversation
from tests.bot.builders import assistant, calls, returns, user
from tests.bot.readers import transcripts
from tests.bot.test_prompt_proposals import (
    OLD,
    PATH,
    PROMPT,
    RULE,
    Script,
    a_candidate,
    a_diagnosis,
    a_failure,
    a_problem,
    a_prompt,
    a_repository,
    a_success,
    candidates,
    propose,
)
from tests.messages_server import Asked

TWO_RULES = PROMPT.replace(
    "- Refunds go",
    "- Refunds are for orders that have shipped.\n- Refunds are for orders that have not shipped.\n"
    "- You must never refund a voucher.\n- Vouchers are refunded on request.\n- Refunds go",
)
WEAK = "- Refunds are for orders that have not shipped.\n"
VOUCHERS = "- You must never refund a voucher.\n- Vouchers are refunded on request."
CONFLICT = a_diagnosis(kind="conflicting_rules")
OUT = a_candidate(kind="delete", old=WEAK, new="")


def test_a_rule_is_taken_out_where_readers_saw_two_in_conflict() -> None:
    repository = a_repository(TWO_RULES)

    proposal = propose(Script(diagnose=CONFLICT, write=candidates(OUT)), repository=repository)

    assert isinstance(proposal, Proposal)
    after = apply_edits(repository.files, proposal.edits)
    assert after == {PATH: TWO_RULES.replace(WEAK, "")}
    assert proposal.what.startswith("Takes a rule out of")
    assert "No call gets longer." in proposal.risk
    assert "which of the two is meant is for you to say" in proposal.risk
    assert proposal.title.startswith("support.md: Take out “Refunds are for orders that")


def test_a_judge_may_say_that_the_sentence_that_goes_is_missed() -> None:
    gone = "Refunds are for orders that have not shipped."
    script = Script(
        diagnose=CONFLICT,
        write=candidates(OUT),
        review=a_problem(kind="takes_away", sentence=gone, reason="Nothing else says it."),
    )

    skipped = propose(script, repository=a_repository(TWO_RULES))

    assert isinstance(skipped, Skipped)
    assert "it takes from users what the file gives them" in skipped.reason


def test_where_nothing_shows_which_of_two_rules_holds_a_person_is_asked_once() -> None:
    script = Script(diagnose=CONFLICT, write={"candidates": []})

    finding = propose(script, repository=a_repository(TWO_RULES))

    assert isinstance(finding, Finding)
    assert finding.kind == "undecided"
    assert finding.sentence == (
        "A person has to decide. In 6 of 6 failing conversations that were read, of 6 users, two "
        f"sentences of `{PATH}` order different things, and nothing shows which one holds. What "
        f"would have helped: {RULE} Take out the one that does not hold."
    )
    assert len(script.of("write")) == 1


def test_a_writer_who_proposes_nothing_is_not_asked_the_same_again() -> None:
    script = Script(write={"candidates": []})

    skipped = propose(script)

    assert isinstance(skipped, Skipped)
    assert skipped.code == "no_edit"
    assert len(script.of("write")) == 1


@pytest.mark.parametrize("kind", ["delete", "merge", "sharpen", "structural"])
def test_no_rule_is_taken_out_for_another_cause_whatever_the_edit_calls_itself(kind: str) -> None:
    skipped = propose(
        Script(write=candidates({**OUT, "kind": kind})), repository=a_repository(TWO_RULES)
    )

    assert isinstance(skipped, Skipped)
    assert "only where readers saw two rules in conflict" in skipped.reason


def test_half_of_the_diagnoses_are_no_conflict() -> None:
    kinds = iter(["conflicting_rules", "missing_rule"] * 3)

    skipped = propose(
        Script(diagnose=lambda _: a_diagnosis(kind=next(kinds)), write=candidates(OUT)),
        repository=a_repository(TWO_RULES),
    )

    assert isinstance(skipped, Skipped)


def checked(**changes: Any) -> Candidate | list[str]:
    claim = a_candidate(**{"kind": "merge", **changes})
    return check_candidate(a_prompt(TWO_RULES), claim, sources=[], is_conflict=True)


def test_a_duty_never_goes_not_even_in_a_conflict() -> None:
    gone = checked(kind="delete", old="- You must never refund a voucher.\n", new="")
    reworded = checked(old=VOUCHERS, new="- Vouchers are refunded on request.")

    for found in (gone, reworded):
        assert isinstance(found, list)
        assert "must, never" in " ".join(found)


@pytest.mark.parametrize(
    "new",
    [
        pytest.param("- You must never refund a voucher.", id="the-other-sentence-goes"),
        pytest.param(
            f"{VOUCHERS} This holds for vouchers that another customer gave back; the rule above "
            "comes first.",
            id="it-is-said-which-comes-first",
        ),
        pytest.param(
            "- You must never refund a voucher; all else is refunded on request.",
            id="the-two-become-one",
        ),
    ],
)
def test_a_conflict_with_a_duty_is_settled_around_the_duty(new: str) -> None:
    found = checked(old=VOUCHERS, new=new)

    assert isinstance(found, Candidate)
    assert "You must never refund a voucher" in found.text


def test_a_rewrite_of_many_sentences_is_refused() -> None:
    lines = [f"- Point {word} is told to the user in short.\n" for word in "abcde"]
    text = PROMPT + "".join(lines)
    new = "".join(line.replace("told", "explained") for line in lines)

    found = check_candidate(
        a_prompt(text), a_candidate(kind="sharpen", old="".join(lines), new=new), sources=[]
    )

    assert isinstance(found, list)
    assert "replaces 5 sentences; 3 are allowed" in " ".join(found)


def test_the_writer_has_three_rounds_and_gets_all_reasons() -> None:
    links = [f"{OLD}\n- See https://evil{n}.example" for n in range(9)]
    left = iter(links)
    script = Script(write=lambda asked: candidates(a_candidate(new=next(left))))

    skipped = propose(script)

    assert isinstance(skipped, Skipped)
    rounds = script.of("write")
    assert len(rounds) == MAX_ROUNDS == 3
    assert rounds[0].between("rejected") == "(none)"
    assert rounds[2].between("rejected").count("a link") == 2


def test_four_kinds_are_tried_and_the_rest_is_not_even_read() -> None:
    five = [a_candidate(new=f"{OLD}\n- See https://evil.example", kind="add_rule")] * 4
    sound = a_candidate()

    assert isinstance(propose(Script(write=candidates(*five, sound))), Skipped)
    assert isinstance(propose(Script(write=candidates(*five[:3], sound))), Proposal)


def test_an_edit_that_is_no_better_than_no_change_is_not_proposed() -> None:
    script = Script(review=a_problem(kind="no_gain", sentence=""))

    skipped = propose(script)

    assert isinstance(skipped, Skipped)
    assert skipped.code == "no_change"
    assert "no change at all would do as well" in skipped.reason


def test_people_read_of_refused_edits_in_words_and_not_in_names_of_our_schema() -> None:
    linked = a_candidate(new=f"{OLD}\n- See https://evil.example", kind="add_rule")

    skipped = propose(Script(write=candidates(linked)))

    assert isinstance(skipped, Skipped)
    assert skipped.what == f"an edit of {PATH}"
    assert "One new rule was refused: The change adds a link" in skipped.detail
    assert "add_rule" not in skipped.reason


def test_an_edit_that_spoils_successes_goes_back_to_the_writer() -> None:
    careful = "Open the order and read its state before you promise anything."

    def effect(asked_of: Callable[[], str]) -> Callable[[str], dict[str, str]]:
        return lambda _: {
            "reason": "It takes longer.",
            "effect": "already_followed" if careful in asked_of() else "worse",
        }

    script = Script(
        write=lambda asked: candidates(
            a_candidate(new=f"{OLD}\n- {careful}")
            if "went well" in asked.between("rejected")
            else a_candidate()
        ),
    )
    script.parts["contrast"] = effect(lambda: script.of("contrast")[-1].between("rule"))

    proposal = propose(script)

    assert isinstance(proposal, Proposal)
    assert careful in proposal.edits[0].new
    assert proposal.losing == ()
    assert any("would have made 3 of them worse" in text for text in proposal.alternatives)


def test_a_reader_misled_by_one_conversation_cannot_speak_for_three_users() -> None:
    """The reader of one request obeys it, for all that it was shown; the others see nothing."""
    failing = [a_failure(n) for n in range(20)]

    def obeys(transcript: str) -> dict[str, Any]:
        return a_diagnosis()

    class Misled(Script):
        def __call__(self, asked: Asked) -> Any:
            poisoned = "L-3000" in asked.user
            self.parts["diagnose"] = obeys if poisoned else a_diagnosis(present=False)
            return super().__call__(asked)

    skipped = propose(Misled(), failing=failing)

    assert isinstance(skipped, Skipped)
    assert skipped.code == "evidence_floor"


def test_a_cause_of_two_requests_only_is_not_believed() -> None:
    failing = [a_failure(n) for n in range(20)]
    seen: list[Asked] = []

    class TwoOnly(Script):
        def __call__(self, asked: Asked) -> Any:
            if "findings" in (asked.schema or {})["properties"]:
                seen.append(asked)
                self.parts["diagnose"] = a_diagnosis(present=len(seen) <= 2)
            return super().__call__(asked)

    skipped = propose(TwoOnly(), failing=failing)

    assert isinstance(skipped, Skipped)
    assert "10 conversations share a cause, but fewer than 3 requests to the" in skipped.reason


TWO_SENTENCES = a_candidate(new=f"{OLD}\n- {RULE} Wait until they have answered.")


def test_what_each_added_line_costs_is_in_the_body() -> None:
    script = Script(write=candidates(TWO_SENTENCES))

    proposal = propose(script, conversations_per_month=3_000.0)

    assert isinstance(proposal, Proposal)
    prices = next(one for one in proposal.tables if one.title.startswith("What the change costs"))
    line = f"- {RULE}"
    tokens = -(-len(line) // 4)
    calls = 3_000 * 1  # each of the conversations has one answer
    assert prices.title.endswith("at about 3,000 calls a month")
    assert prices.rows[0] == (RULE, str(tokens), f"{round(tokens * calls):,}")
    assert "tokens a month" in proposal.risk


def test_one_sentence_alone_needs_no_table_of_prices() -> None:
    proposal = propose(Script(), conversations_per_month=3_000.0)

    assert isinstance(proposal, Proposal)
    assert not [one for one in proposal.tables if one.rows and "costs" in one.title]
    assert "tokens a month" in proposal.risk


def test_a_sentence_that_is_reworded_costs_what_it_is_longer() -> None:
    new = f"{OLD[:-1]} and look it up before you promise anything."
    claim = a_candidate(kind="sharpen", new=new)

    proposal = propose(Script(write=candidates(claim)))

    assert isinstance(proposal, Proposal)
    prices = next(one for one in proposal.tables if one.title == "What the change costs")
    added, gone, whole = (int(shown.replace(MINUS, "-")) for _, shown in prices.rows)
    assert gone < 0
    assert added + gone == whole


def test_without_traffic_no_price_of_a_month_is_given() -> None:
    proposal = propose(Script(write=candidates(TWO_SENTENCES)))

    assert isinstance(proposal, Proposal)
    prices = next(one for one in proposal.tables if one.title == "What the change costs")
    assert len(prices.header) == 2
    assert "month" not in proposal.risk


def test_twenty_long_conversations_and_every_round_stay_under_the_limit_of_tokens() -> None:
    text = _with_facts(180)
    failing = [_padded(a_failure(n), text) for n in range(30)]
    passing = [_padded(a_success(n), text) for n in range(10)]
    script = Script(
        review=lambda asked: {"problems": []} if len(script.of("write")) == 3 else a_problem()
    )

    proposal = propose(script, failing=failing, passing=passing, repository=a_repository(text))

    assert isinstance(proposal, Proposal)
    cost = proposal.cost
    assert 0 < cost.input_tokens + cost.output_tokens <= MAX_TOKENS
    assert len(script.of("write")) == 3
    assert sum(len(transcripts(asked)) for asked in script.of("diagnose")) == 20


def test_a_proposal_that_would_pass_its_limit_stops_and_says_so() -> None:
    text = _with_facts(420)
    others = [f"{OLD}\n- Answer {word} in every case." for word in ("kindly", "soon", "once")]
    script = Script(
        review=a_problem(), write=candidates(a_candidate(), *(a_candidate(new=o) for o in others))
    )

    skipped = propose(
        script,
        failing=[_padded(a_failure(n), text) for n in range(20)],
        repository=a_repository(text),
        passing=[],
    )

    assert isinstance(skipped, Skipped)
    assert skipped.code == "budget"
    assert skipped.what == f"an edit of {PATH}"
    assert "that one proposal may cost" in skipped.reason


def test_a_longer_prompt_of_the_agent_may_cost_more() -> None:
    assert tokens_allowed("x" * 20_000) == MAX_TOKENS
    assert tokens_allowed("x" * 40_000) == MAX_TOKENS + 50_000


def _with_facts(number: int) -> str:
    facts = (f"- The shop in {chr(97 + n % 26) * (n // 26 + 2)} is open.\n" for n in range(number))
    return f"{PROMPT}\n## Facts\n\n{''.join(facts)}"


def _padded(conversation: Conversation, system: str) -> Conversation:
    more = [
        one
        for n in range(8)
        for one in (
            user(f"And what about point {n}? " + "It matters to me a lot. " * 10),
            calls("look_up", {"point": n}),
            returns([{"key": f"k{k}", "value": "v" * 30} for k in range(60)], name="look_up"),
            assistant(f"Point {n} is settled. " + "I wrote it down for you. " * 12),
        )
    ]
    first, *rest = conversation.messages
    return replace(conversation, messages=(first, *more, *rest), system=system)


def test_answers_that_were_kept_count_with_what_they_had_cost() -> None:
    """The reader of causes asks the same first: its answers are no cheaper for being there."""
    kept: dict[str, Reply] = {}

    def remembering(ask: Ask) -> Ask:
        def once(prompt: RenderedPrompt) -> Reply | Skipped:
            if prompt.user in kept:
                old = kept[prompt.user]
                return replace(old, cost=ModelCost(), paid_before=old.cost)
            reply = ask(prompt)
            if isinstance(reply, Reply):
                kept[prompt.user] = reply
            return reply

        return once

    first, second = (propose(Script(), wrap=remembering) for _ in range(2))

    assert isinstance(first, Proposal)
    assert isinstance(second, Proposal)
    assert second.cost == first.cost
    assert second.fingerprint == first.fingerprint
