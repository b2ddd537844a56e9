"""The life of a pull request between its opening and its end, on GitHub and without it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.bundle import Operations, operations_for
from bot.history import read_history
from bot.marker import HOLD, parse_marker, render_marker
from bot.records import PastProposal, PatternReport, Proposal
from bot.settings import PublishSettings
from tests.bot.plans_built import (
    BRANCH,
    FILES,
    ID,
    NOW,
    PROMPT,
    a_body,
    an_edit,
    an_operation,
    history_of,
    publish_to,
)
from tests.bot.proposals_built import a_proposal
from tests.fake_github import (
    ALICE,
    BOT,
    PERSONAL_TOKEN,
    STRANGER,
    FakeGitHub,
    a_bare_repository,
    commit_on,
    git,
    serve_github,
)

UPDATE = an_operation("update", fingerprint="f2", edits=(an_edit(new="Other.\n"),))
NOTHING = PatternReport(agents=(), patterns=(), findings=(), tested=0, refused=())


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return a_bare_repository(tmp_path / "agent.git", FILES)


@pytest.fixture
def fake(bare: Path) -> Iterator[FakeGitHub]:
    with serve_github(bare) as fake:
        yield fake


def local_history(path: Path) -> tuple[PastProposal, ...]:
    return read_history(f"git:{path}", connect=lambda name: None)  # type: ignore[arg-type, return-value]


# -- what history sees -----------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["github", "git"])
def test_files_that_changed_under_it_are_stale_and_others_are_not(
    fake: FakeGitHub, bare: Path, where: str
) -> None:
    publish_to(fake if where == "github" else str(bare), an_operation())
    commit_on(bare, "main", {"README.md": "new\n"})
    [before] = history_of(fake) if where == "github" else local_history(bare)
    commit_on(bare, "main", {PROMPT: FILES[PROMPT] + "Be kind.\n"})

    [after] = history_of(fake) if where == "github" else local_history(bare)

    assert before.paths == after.paths == (PROMPT,)
    assert (before.stale_paths, after.stale_paths) == ((), (PROMPT,))
    assert not after.is_done


@pytest.mark.parametrize("where", ["github", "git"])
def test_a_change_that_people_made_themselves_is_done(
    fake: FakeGitHub, bare: Path, where: str
) -> None:
    publish_to(fake if where == "github" else str(bare), an_operation())
    text = git(bare, "show", f"{BRANCH}:{PROMPT}") + "\n"
    commit_on(bare, "main", {PROMPT: text, "more.md": "and more\n"})

    past = history_of(fake)[0] if where == "github" else local_history(bare)[0]

    assert past.is_done or past.state == "merged"


@pytest.mark.parametrize("how", ["message", "squashed-button", "by-hand"])
def test_a_merge_that_people_took_back_is_known(fake: FakeGitHub, how: str) -> None:
    publish_to(fake, an_operation())
    sha = fake.merge(1)
    kept = history_of(fake)[0].reverted
    message = {
        "message": f"Revert\n\nThis reverts commit {sha[:12]}.",
        "squashed-button": 'Revert "Start c_level" (#9)\n\nReverts acme/agent#1',
        "by-hand": "back to the old wording",
    }[how]
    text = FILES[PROMPT] if how == "by-hand" else FILES[PROMPT] + "And more.\n"
    commit_on(fake.git, "main", {PROMPT: text}, message=message)

    assert (kept, history_of(fake)[0].reverted) == (False, True)


def test_a_later_change_of_the_same_file_is_no_revert(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    fake.merge(1)
    commit_on(fake.git, "main", {PROMPT: "All new.\n"}, message="Reverts nothing, see #1")

    assert not history_of(fake)[0].reverted


def test_without_github_a_merge_that_was_taken_back_is_known_too(bare: Path) -> None:
    publish_to(str(bare), an_operation())
    git(bare, "update-ref", "refs/heads/main", BRANCH)
    kept = local_history(bare)[0].reverted
    commit_on(bare, "main", {PROMPT: FILES[PROMPT]}, message="back")

    assert (kept, local_history(bare)[0].reverted) == (False, True)


@pytest.mark.parametrize("is_merged", [False, True])
def test_a_reviewers_edit_is_kept_as_a_correction_of_debrief(
    fake: FakeGitHub, is_merged: bool
) -> None:
    publish_to(fake, an_operation())
    proposed = git(fake.git, "show", f"{BRANCH}:{PROMPT}") + "\n"
    commit_on(fake.git, BRANCH, {PROMPT: "better\n"})
    if is_merged:
        fake.merge(1)

    [edit] = history_of(fake)[0].reviewer_edits

    assert (edit.path, edit.proposed, edit.edited) == (PROMPT, proposed, "better\n")


def test_red_checks_and_reviews_of_people_of_the_repository_are_remarks_until_answered(
    fake: FakeGitHub,
) -> None:
    publish_to(fake, an_operation())
    fake.fail_check(1, "lint", "line too long")
    fake.fail_check(1, "debrief/evidence", "ours")
    fake.review(1, ALICE, "Too curt.")
    fake.review(1, ALICE, "Not here.", path=PROMPT)
    fake.review(1, STRANGER, "Buy my product.")
    fake.review(1, {"login": "ci[bot]", "type": "Bot"}, "Coverage fell.")

    remarks = history_of(fake)[0].remarks
    fake.say(1, BOT, render_marker({"comment": "answer", "id": ID}) + "\nRevised once.")

    assert [(one.kind, one.author, one.text, one.path) for one in remarks] == [
        ("check", "lint", "line too long", None),
        ("review", "alice", "Too curt.", None),
        ("review", "alice", "Not here.", PROMPT),
    ]
    assert history_of(fake)[0].remarks == ()


def test_a_rejection_that_a_person_took_back_is_none(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    fake.close(1, ALICE)
    fake.say(1, STRANGER, render_marker({"comment": "lift", "id": ID}))
    forged = history_of(fake)[0].state
    fake.say(1, BOT, render_marker({"comment": "lift", "id": ID}) + "\nLifted.")

    assert (forged, history_of(fake)[0].state) == ("rejected", "closed")
    assert publish_to(fake, an_operation(fingerprint="f2")).done[0].reference == "#2"


def test_a_pull_request_on_hold_is_left_alone_like_one_that_a_person_edited(
    fake: FakeGitHub,
) -> None:
    publish_to(fake, an_operation())
    fake.pulls[0].labels.append(HOLD)
    writes = len(fake.writes)

    reports = [publish_to(fake, UPDATE), publish_to(fake, an_operation("close"))]

    assert [report.refused[0].code for report in reports] == ["hands_off", "hands_off"]
    assert history_of(fake)[0].touched
    assert len(fake.writes) == writes


# -- what a cycle plans ----------------------------------------------------------------------------


def planned(
    past: PastProposal, *proposals: Proposal, days: int = 1, **given: object
) -> tuple[list[tuple[str, str]], Operations]:
    """[(op, id)] and all of it, `days` after the pull request was opened."""
    made = operations_for(
        proposals,
        [past],
        (),
        report=NOTHING,
        base_sha="0" * 40,
        now=(past.opened_at or NOW) + timedelta(days=days),
        **given,  # type: ignore[arg-type]
    )
    return [(one.op, one.id) for one in made.operations], made


def why_closed(made: Operations) -> object:
    [operation] = [one for one in made.operations if one.op == "close"]
    return (parse_marker(made.bodies[operation.body_file]) or {}).get("why")


def a_past(**changes: object) -> PastProposal:
    given: dict[str, object] = {
        "id": ID,
        "fingerprint": "f1",
        "kind": "rule",
        "agent": "outreach",
        "pattern_id": "c-1",
        "branch": BRANCH,
        "title": "t",
        "state": "open",
        "reference": "#1",
        "opened_at": NOW,
    }
    return PastProposal(**{**given, **changes})  # type: ignore[arg-type]


def the_same(**changes: object) -> Proposal:
    given = {"id": ID, "fingerprint": "f1", "kind": "rule", "agent": "outreach"}
    return a_proposal(**{**given, "pattern_id": "c-1", **changes})


def test_what_is_stale_is_brought_up_to_date_even_if_it_says_the_same() -> None:
    assert planned(a_past(), the_same())[0] == []
    assert planned(a_past(stale_paths=(PROMPT,)), the_same())[0] == [("update", ID)]


def test_what_is_stale_and_not_proposed_again_is_said_once(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    commit_on(fake.git, "main", {PROMPT: "Quite another prompt.\n"})
    operations, made = planned(history_of(fake)[0])
    texts = {one.body_file: made.bodies[one.body_file] for one in made.operations}

    for _ in range(3):
        publish_to(fake, *made.operations, texts=texts)

    assert operations == [("comment", ID)]
    [comment] = fake.pulls[0].comments
    assert "about the earlier text" in comment["body"]


def test_a_remark_is_answered_by_one_revision_and_one_sentence(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    fake.review(1, ALICE, "Too curt.")
    revised, made = planned(history_of(fake)[0], the_same(fingerprint="f2"))
    texts = {one.body_file: made.bodies[one.body_file] for one in made.operations}
    texts[made.operations[0].body_file] = a_body(UPDATE)

    publish_to(fake, UPDATE, made.operations[1], texts=texts)
    again, _ = planned(history_of(fake)[0], the_same(fingerprint="f2"))

    assert revised == [("update", ID), ("comment", ID)]
    assert "revised the change once" in fake.pulls[0].comments[0]["body"]
    assert again == []


@pytest.mark.parametrize(
    ("past", "proposals", "days", "why"),
    [
        pytest.param(a_past(is_done=True), (), 1, "done", id="people-did-it"),
        pytest.param(a_past(), (the_same(id="p-2"),), 1, "superseded", id="another-remedy"),
        pytest.param(a_past(), (), 61, "expired", id="forgotten"),
    ],
)
def test_what_has_no_use_any_more_is_closed_with_the_reason(
    past: PastProposal, proposals: tuple[Proposal, ...], days: int, why: str
) -> None:
    assert why_closed(planned(past, *proposals, days=days)[1]) == why


@pytest.mark.parametrize(
    ("past", "proposals"),
    [
        pytest.param(a_past(touched=True), (), id="a-person-works-on-it"),
        pytest.param(a_past(active_at=NOW + timedelta(days=30)), (), id="somebody-looked"),
        pytest.param(a_past(), (the_same(),), id="it-is-proposed-again"),
        pytest.param(a_past(state="merged"), (), id="merged"),
    ],
)
def test_what_is_in_use_does_not_expire(
    past: PastProposal, proposals: tuple[Proposal, ...]
) -> None:
    assert ("close", ID) not in planned(past, *proposals, days=61)[0]


def test_an_old_one_is_closed_only_when_its_successor_is_open(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    close = an_operation("close", superseded_by="p-00000002")

    alone = publish_to(fake, close)
    publish_to(fake, an_operation(id="p-00000002"), close)

    assert alone.refused[0].code == "no_successor"
    assert [pull.state for pull in fake.pulls] == ["closed", "open"]
    assert "superseded by #2" in fake.pulls[0].comments[0]["body"]


# -- what people find on it ------------------------------------------------------------------------


def test_a_title_that_a_person_gave_it_stays(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    fake.pulls[0].title = "Our own words"

    publish_to(fake, UPDATE)

    assert fake.pulls[0].title == "Our own words"
    assert (parse_marker(fake.pulls[0].body) or {})["fingerprint"] == "f2"


def test_owners_and_those_named_in_the_settings_are_asked_once(fake: FakeGitHub) -> None:
    owners = {".github/CODEOWNERS": "prompts/ @bob @debrief[bot] @nobody-here\n"}
    commit_on(fake.git, "main", owners)
    settings = PublishSettings(reviewers=("alice", "acme/prompts"))

    report = publish_to(fake, an_operation(), settings=settings)
    asked = list(fake.pulls[0].requested)
    fake.pulls[0].requested.clear()  # They have given their reviews.
    publish_to(fake, UPDATE, settings=settings)

    assert asked == ["alice", "acme/prompts", "bob"]
    assert report.done[0].steps == ("branch", "pull_request", "reviewers", "labels")
    assert [one.code for one in report.degraded] == ["reviewers"]
    assert "nobody-here" in report.degraded[0].sentence
    assert fake.pulls[0].requested == []


def test_the_repositorys_template_stands_below_and_keeps_what_people_filled_in(
    fake: FakeGitHub,
) -> None:
    commit_on(fake.git, "main", {".github/pull_request_template.md": "- [ ] Tested by hand\n"})
    publish_to(fake, an_operation())
    first = fake.pulls[0].body
    fake.pulls[0].body = first.replace("[ ] Tested", "[x] Tested")

    publish_to(fake, UPDATE)
    publish_to(fake, an_operation(id="p-00000002"), settings=PublishSettings(template=False))

    assert first.startswith(a_body(an_operation()).rstrip())
    assert "[x] Tested by hand" in fake.pulls[0].body
    assert (parse_marker(fake.pulls[0].body) or {})["fingerprint"] == "f2"
    assert "Tested by hand" not in fake.pulls[1].body


def test_a_persons_token_commits_so_that_github_signs_it(fake: FakeGitHub) -> None:
    report = publish_to(fake, an_operation(), token=PERSONAL_TOKEN)

    assert fake.signed == [fake.sha(f"refs/heads/{BRANCH}")]
    assert report.done[0].steps == ("branch", "pull_request", "labels")
    assert not history_of(fake)[0].touched
    assert publish_to(fake, an_operation(), token=PERSONAL_TOKEN).writes == 0


def test_where_github_cannot_sign_it_the_commit_is_made_all_the_same(fake: FakeGitHub) -> None:
    fake.has_graphql = False

    report = publish_to(fake, an_operation(), token=PERSONAL_TOKEN)

    assert fake.signed == []
    assert report.done[0].reference == "#1"
    assert git(fake.git, "rev-list", "--count", f"main..{BRANCH}") == "1"


def test_a_token_that_may_not_push_degrades_and_the_bundle_keeps_the_patch(
    fake: FakeGitHub,
) -> None:
    fake.forbid_pushes = True

    report = publish_to(fake, an_operation(), an_operation(id="p-00000002"))

    assert [one.code for one in report.degraded] == ["not_permitted", "not_permitted"]
    assert "contents: write" in report.degraded[0].sentence
    assert fake.pulls == []
