"""What the target remembers, from GitHub over HTTP and from a repository alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import Refused, UsageError
from bot.history import parse_reason, read_history, reject
from bot.marker import render_marker
from bot.records import PastProposal
from tests.bot.plans_built import (
    BRANCH,
    FILES,
    ID,
    NOW,
    PROMPT,
    an_edit,
    an_operation,
    client_of,
    publish_to,
    refs_of,
)
from tests.fake_github import (
    ALICE,
    BOT,
    REPOSITORY,
    STRANGER,
    FakeGitHub,
    Issue,
    a_bare_repository,
    commit_on,
    git,
    serve_github,
)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return a_bare_repository(tmp_path / "agent.git", FILES)


@pytest.fixture
def fake(bare: Path) -> Iterator[FakeGitHub]:
    with serve_github(bare) as fake:
        yield fake


def history_of(fake: FakeGitHub) -> tuple[PastProposal, ...]:
    return read_history(f"github:{REPOSITORY}", connect=lambda name: client_of(fake, name=name))


def local_history(path: Path) -> tuple[PastProposal, ...]:
    def no_client(name: str) -> object:
        raise AssertionError("git: needs no client")

    return read_history(f"git:{path}", connect=no_client)  # type: ignore[arg-type]


# -- on GitHub -----------------------------------------------------------------------------------


def test_an_open_proposal_is_read_from_its_marker(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    writes = len(fake.writes)

    [past] = history_of(fake)

    assert (past.id, past.fingerprint, past.kind) == (ID, "f1", "rule")
    assert (past.agent, past.pattern_id) == ("outreach", "c-11112222")
    assert (past.branch, past.reference, past.state) == (BRANCH, "#1", "open")
    assert past.evidence_entries == 5
    assert past.marker["prediction"] == {"metric": "correction:opening_removed", "days": 14}
    assert past.head_sha == fake.sha(BRANCH)
    assert not past.touched
    assert len(fake.writes) == writes


def test_a_merged_proposal_has_its_time_and_its_verdict(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    sha = fake.merge(1)
    marker = {"comment": "verdict", "id": ID, "result": "worked"}
    fake.say(1, BOT, render_marker(marker) + "\nIt worked.")
    forged = {"comment": "verdict", "id": ID, "result": "harmed"}
    fake.say(1, STRANGER, render_marker(forged))

    [past] = history_of(fake)

    assert (past.state, past.merge_sha, past.verdict) == ("merged", sha, "worked")
    assert past.merged_at is not None


def test_a_persons_commit_on_the_branch_means_touched(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    commit_on(fake.git, BRANCH, {PROMPT: "mine\n"})

    assert history_of(fake)[0].touched


def test_closed_by_a_person_is_rejected_and_closed_by_us_or_another_bot_is_not(
    fake: FakeGitHub,
) -> None:
    for number in range(1, 4):
        publish_to(fake, an_operation(id=f"p-0000000{number}"))
    fake.close(1, ALICE)
    publish_to(fake, an_operation("close", id="p-00000002"))
    fake.close(3, {"login": "stale[bot]", "type": "Bot"})

    states = [past.state for past in history_of(fake)]

    assert states == ["rejected", "closed", "closed"]


def test_what_we_closed_with_a_persons_token_is_not_a_rejection(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    publish_to(fake, an_operation("close"))
    fake.issues[1].closed_by = ALICE

    assert history_of(fake)[0].state == "closed"


@pytest.mark.parametrize(
    ("tick", "label", "said", "rejection", "reason"),
    [
        pytest.param("wrong fix", None, None, "wrong_fix", None, id="ticked"),
        pytest.param("not a problem", None, "fine", "not_a_problem", "fine", id="ticked-and-said"),
        pytest.param(None, "debrief:later", None, "later", None, id="labelled"),
        pytest.param(None, None, "Wrong fix: keep it", "wrong_fix", "keep it", id="said"),
        pytest.param(None, None, "no thanks", None, "no thanks", id="said-without-category"),
        pytest.param(None, None, None, None, None, id="silent"),
    ],
)
def test_why_a_person_rejected_it(
    fake: FakeGitHub,
    tick: str | None,
    label: str | None,
    said: str | None,
    rejection: str | None,
    reason: str | None,
) -> None:
    publish_to(fake, an_operation())
    pull = fake.issues[1]
    if tick:
        pull.body = pull.body.replace(f"[ ] {tick}", f"[x] {tick}")
    if label:
        pull.labels.append(label)
    if said:
        fake.say(1, ALICE, said)
    fake.say(1, STRANGER, "not a problem: buy my product")
    fake.say(1, {"login": "ci[bot]", "type": "Bot"}, "later: build failed")
    fake.close(1, ALICE)

    [past] = history_of(fake)

    assert (past.state, past.rejection, past.reason) == ("rejected", rejection, reason)


def test_a_fork_cannot_forge_a_proposal(fake: FakeGitHub) -> None:
    fake.issues[1] = Issue(
        number=1,
        user=STRANGER,
        title="forged",
        body=render_marker({"id": ID, "fingerprint": "f", "kind": "rule"}),
        created_at=fake.now(),
        head=BRANCH,
        head_repository="mallory/agent",
    )

    assert history_of(fake) == ()


def test_pull_requests_of_people_are_not_ours(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    for number in range(2, 140):
        fake.issues[number] = Issue(
            number=number,
            user=ALICE,
            title="feature",
            body="text",
            created_at=fake.now(),
            head=f"feature-{number}",
            state="closed",
        )

    assert [past.reference for past in history_of(fake)] == ["#1"]
    pages = [request for request in fake.requests if request.path.endswith("/pulls")]
    assert len([request for request in pages if request.method == "GET"]) == 3


def test_a_body_without_our_marker_is_left_out_and_said(
    fake: FakeGitHub, caplog: pytest.LogCaptureFixture
) -> None:
    publish_to(fake, an_operation(), an_operation(id="p-00000002"))
    fake.issues[1].body = "I rewrote this."

    with caplog.at_level(logging.WARNING):
        assert [past.reference for past in history_of(fake)] == ["#2"]

    assert "#1 has no marker" in caplog.text


def test_a_damaged_marker_is_read_as_far_as_it_makes_sense(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    fake.issues[1].body = render_marker({"id": "p-other", "kind": [], "evidence": 7})

    [past] = history_of(fake)

    assert (past.id, past.fingerprint, past.evidence_entries) == (ID, "", 0)


def test_rejecting_by_command_on_github_counts_as_a_persons_word_whoever_owns_the_token(
    fake: FakeGitHub,
) -> None:
    publish_to(fake, an_operation())

    def writing(name: str) -> object:
        return client_of(fake, name=name, read_only=False)

    words = "wrong fix: keep the ``` greeting"
    target = f"github:{REPOSITORY}"
    assert reject(target, ID, words, connect=writing, now=NOW) == "#1"  # type: ignore[arg-type]

    [past] = history_of(fake)
    assert (past.state, past.rejection) == ("rejected", "wrong_fix")
    assert past.reason == "keep the ``` greeting"


# -- without GitHub ------------------------------------------------------------------------------


def test_a_repository_remembers_open_touched_merged_and_rejected(bare: Path) -> None:
    commit_on(bare, "main", {f"a{number}.md": "one\n" for number in range(4)})
    ids = [f"p-0000000{number}" for number in range(4)]
    for number, id in enumerate(ids):
        edit = an_edit(path=f"a{number}.md", old="one\n", new="two\n")
        operation = an_operation(id=id, edits=(edit,))
        publish_to(str(bare), operation, now=NOW + timedelta(hours=number))
    commit_on(bare, f"debrief/{ids[1]}", {"a1.md": "mine\n"})
    commit_on(bare, "main", {"a2.md": "two\n"}, message="squashed")
    later = NOW + timedelta(days=1)
    reject(f"git:{bare}", ids[3], "wrong_fix keep it", connect=lambda name: None, now=later)  # type: ignore[arg-type, return-value]

    past = local_history(bare)

    assert [one.state for one in past] == ["open", "open", "merged", "rejected"]
    assert [one.touched for one in past] == [False, True, False, False]
    assert [one.opened_at for one in past] == [NOW + timedelta(hours=n) for n in range(4)]
    assert (past[3].rejection, past[3].reason) == ("wrong_fix", "keep it")
    assert past[3].closed_at == later
    assert past[2].merged_at is not None
    assert past[0].evidence_entries == 5


def test_deleting_the_branch_turns_the_proposal_down(bare: Path) -> None:
    publish_to(str(bare), an_operation())
    git(bare, "update-ref", "-d", f"refs/heads/{BRANCH}")

    [past] = local_history(bare)

    assert past.state == "rejected"


def test_a_branch_that_is_deleted_after_its_merge_was_merged(bare: Path) -> None:
    publish_to(str(bare), an_operation())
    git(bare, "update-ref", "refs/heads/main", BRANCH)
    git(bare, "update-ref", "-d", f"refs/heads/{BRANCH}")

    [past] = local_history(bare)

    assert past.state == "merged"


def test_a_merge_is_never_dated_before_the_proposal(bare: Path) -> None:
    publish_to(str(bare), an_operation())
    git(bare, "update-ref", "refs/heads/main", BRANCH)

    [past] = local_history(bare)

    assert past.merged_at == past.opened_at == NOW


def test_verdicts_without_github_are_remembered(bare: Path) -> None:
    publish_to(str(bare), an_operation())
    verdict = an_operation("verdict")
    marker = render_marker({"comment": "verdict", "id": ID, "result": "no_effect"})
    publish_to(str(bare), verdict, texts={verdict.body_file: f"{marker}\nNothing."})

    assert local_history(bare)[0].verdict == "no_effect"


def test_reading_moves_no_ref(bare: Path) -> None:
    publish_to(str(bare), an_operation())
    before = refs_of(bare)

    local_history(bare)

    assert refs_of(bare) == before


# -- both ----------------------------------------------------------------------------------------


def test_rejecting_what_is_not_open_is_refused(bare: Path) -> None:
    with pytest.raises(Refused, match="no open proposal 'p-9'"):
        reject(f"git:{bare}", "p-9", "later", connect=lambda name: None, now=NOW)  # type: ignore[arg-type, return-value]


def test_a_target_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="github:OWNER/NAME or git:DIR"):
        read_history("https://example.com", connect=lambda name: None)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not a problem", ("not_a_problem", None)),
        ("not_a_problem", ("not_a_problem", None)),
        ("Wrong fix - say hello", ("wrong_fix", "say hello")),
        ("LATER: in May", ("later", "in May")),
        ("laterally wrong", (None, "laterally wrong")),
        ("  ", (None, None)),
    ],
)
def test_a_reason_is_a_category_and_words(text: str, expected: tuple[object, object]) -> None:
    assert parse_reason(text) == expected
