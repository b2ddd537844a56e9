"""Publishing to GitHub, over real HTTP to `tests/fake_github.py`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.bundle import operations_for
from bot.errors import CredentialsError, UsageError
from bot.github import NotPermitted, connect
from bot.marker import render_marker
from bot.publish import open_target
from bot.records import Operation
from tests.bot.plans_built import (
    BRANCH,
    FILES,
    ID,
    NEW,
    NOW,
    PROMPT,
    a_body,
    an_edit,
    an_operation,
    client_of,
    fingerprint_in,
    history_of,
    publish_to,
    refs_of,
)
from tests.bot.proposals_built import a_report
from tests.fake_github import (
    ALICE,
    BODY_LIMIT,
    BOT,
    LOST_ANSWER,
    SERVER_ERROR_AFTER,
    STRANGER,
    TOKEN,
    FakeGitHub,
    Fault,
    a_bare_repository,
    commit_on,
    git,
    serve_github,
)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeGitHub]:
    with serve_github(a_bare_repository(tmp_path / "agent.git", FILES)) as fake:
        yield fake


def text_on(fake: FakeGitHub, branch: str, path: str = PROMPT) -> str:
    return git(fake.git, "show", f"{branch}:{path}") + "\n"


def test_a_proposal_becomes_a_branch_with_one_commit_and_a_pull_request(fake: FakeGitHub) -> None:
    report = publish_to(fake, an_operation())

    [pull] = fake.pulls
    assert (pull.head, pull.base, pull.state) == (BRANCH, "main", "open")
    assert pull.body == a_body(an_operation())
    assert pull.labels == ["debrief", "kind/rule"]
    assert text_on(fake, BRANCH) == FILES[PROMPT].replace("Start with a greeting.\n", NEW)
    assert git(fake.git, "rev-list", "--count", f"main..{BRANCH}") == "1"
    message = git(fake.git, "show", "-s", "--format=%B", BRANCH)
    assert message.endswith(f"Debrief-Proposal: {ID}\nDebrief-Fingerprint: f1")
    [done] = report.done
    assert (done.reference, done.steps) == ("#1", ("branch", "pull_request", "labels"))
    assert report.writes == 3
    assert not report.refused
    assert not report.degraded


def test_the_same_plan_again_writes_nothing(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    before = len(fake.writes)

    report = publish_to(fake, an_operation())

    assert len(fake.writes) == before
    assert (report.unchanged, report.writes, report.done) == (1, 0, ())


def test_a_dry_run_says_what_it_would_do_and_only_reads(fake: FakeGitHub) -> None:
    report = publish_to(fake, an_operation(), dry_run=True)

    assert report.done[0].steps == ("branch", "pull_request", "labels")
    assert report.writes == 0
    assert fake.writes == []


def test_a_client_that_only_reads_cannot_write(fake: FakeGitHub) -> None:
    client = client_of(fake, read_only=True)

    with pytest.raises(NotPermitted, match="only reads"):
        client.add_comment(1, "hello")

    assert fake.requests == []


def test_an_update_moves_the_branch_forward_and_edits_the_body(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    first = fake.sha(BRANCH)
    edit = an_edit(new="For c_level and vp: start with the point.\n")

    update = an_operation("update", fingerprint="f2", edits=(edit,))
    report = publish_to(fake, update)

    assert git(fake.git, "rev-parse", f"{BRANCH}^1") == first
    assert "c_level and vp" in text_on(fake, BRANCH)
    assert fingerprint_in(fake.pulls[0].body) == "f2"
    assert report.done[0].steps == ("branch", "body")
    before = len(fake.writes)
    assert publish_to(fake, update).unchanged == 1
    assert len(fake.writes) == before


def test_edits_are_applied_again_on_a_base_that_has_moved(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    commit_on(fake.git, "main", {"README.md": "new\n", PROMPT: FILES[PROMPT] + "Be kind.\n"})

    publish_to(fake, an_operation("update", fingerprint="f2"))

    merge_base = git(fake.git, "merge-base", "main", BRANCH)
    assert merge_base == fake.sha("main")
    assert git(fake.git, "diff", "--name-only", f"main...{BRANCH}") == PROMPT
    assert text_on(fake, BRANCH) == f"# Outreach\n\n{NEW}Keep it short.\nBe kind.\n"


def test_edits_that_no_longer_apply_are_refused_with_the_reason(fake: FakeGitHub) -> None:
    commit_on(fake.git, "main", {PROMPT: "# Outreach\n\nSomething else.\n"})

    report = publish_to(fake, an_operation())

    assert [skipped.code for skipped in report.refused] == ["does_not_apply"]
    assert fake.writes == []


def test_a_guardrail_sees_texts_and_the_settings_that_people_merged(fake: FakeGitHub) -> None:
    seen = []

    def check(operation: Operation, before: object, after: object, settings: object) -> list[str]:
        seen.append((operation.kind, before, after, settings))
        return ["Too large."]

    report = publish_to(fake, an_operation(), check=check)

    after = {PROMPT: FILES[PROMPT].replace("Start with a greeting.\n", NEW)}
    assert seen == [("rule", {PROMPT: FILES[PROMPT]}, after, "version: 1\n")]
    assert report.refused[0].code == "guardrail"
    assert "Too large." in report.refused[0].reason
    assert fake.writes == []


def test_a_rejected_proposal_is_never_opened_again(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    fake.close(1, ALICE)
    before = len(fake.writes)

    report = publish_to(fake, an_operation(fingerprint="f2", entries=9))

    assert report.refused[0].code == "rejected_before"
    assert len(fake.writes) == before


def test_a_rejected_proposal_may_come_again_when_its_evidence_has_doubled(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation(entries=5))
    fake.close(1, ALICE)

    report = publish_to(fake, an_operation(fingerprint="f2", entries=10))

    assert report.done[0].reference == "#2"


def test_a_rejected_proposal_stays_rejected_when_a_stranger_forges_our_marker(
    fake: FakeGitHub,
) -> None:
    publish_to(fake, an_operation())
    fake.say(1, STRANGER, render_marker({"comment": "close", "id": ID}) + "\nclosed by Debrief")
    fake.close(1, ALICE)

    report = publish_to(fake, an_operation(fingerprint="f2"))

    assert report.refused[0].code == "rejected_before"


def test_what_a_person_ticked_in_the_body_is_left_alone(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    # A form on GitHub's pages sends CRLF.
    fake.pulls[0].body = fake.pulls[0].body.replace("[ ] wrong", "[x] wrong").replace("\n", "\r\n")
    before = len(fake.writes)

    report = publish_to(fake, an_operation("update", fingerprint="f2"))

    assert report.refused[0].code == "rejected_before"
    assert len(fake.writes) == before


def test_a_persons_commit_means_hands_off_and_is_said_once(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    theirs = commit_on(fake.git, BRANCH, {PROMPT: "mine\n"}, message="my wording")

    reports = [publish_to(fake, an_operation("update", fingerprint="f2")) for _ in range(2)]

    assert fake.sha(BRANCH) == theirs
    assert fingerprint_in(fake.pulls[0].body) == "f1"
    assert [report.refused[0].code for report in reports] == ["hands_off", "hands_off"]
    assert len(fake.pulls[0].comments) == 1
    assert publish_to(fake, an_operation()).unchanged == 1


def test_a_commit_of_ours_that_a_person_amended_is_theirs(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    tree = git(fake.git, "rev-parse", "main^{tree}")
    message = git(fake.git, "show", "-s", "--format=%B", BRANCH).encode()
    author = {"GIT_AUTHOR_NAME": BOT["login"], "GIT_AUTHOR_EMAIL": "bot@users.noreply.github.com"}
    amended = git(fake.git, "commit-tree", tree, "-p", "main", stdin=message, env=author)
    git(fake.git, "update-ref", f"refs/heads/{BRANCH}", amended)

    report = publish_to(fake, an_operation("update", fingerprint="f2"))

    assert report.refused[0].code == "hands_off"
    assert fake.sha(BRANCH) == amended


def test_a_close_says_why_once_and_closes(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())

    report = publish_to(fake, an_operation("close", reference="#1"))
    again = publish_to(fake, an_operation("close", reference="#1"))

    assert fake.pulls[0].state == "closed"
    assert report.done[0].steps == ("comment", "close")
    assert again.unchanged == 1
    [comment] = fake.pulls[0].comments
    assert comment["body"].startswith("<!-- debrief:1 ")
    assert comment["body"].endswith("The pattern is gone.")


def test_what_debrief_closed_may_be_opened_again_with_new_evidence(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    publish_to(fake, an_operation("close"))

    old_plan = publish_to(fake, an_operation())
    report = publish_to(fake, an_operation(fingerprint="f2"))

    assert old_plan.unchanged == 1
    assert report.done[0].reference == "#2"


def test_after_a_merge_the_same_remedy_opens_a_new_pull_request_on_the_new_base(
    fake: FakeGitHub,
) -> None:
    publish_to(fake, an_operation())
    fake.merge(1)
    further = an_edit(old=NEW, new="For c_level and vp: start with the point.\n")

    old_plan = publish_to(fake, an_operation())
    report = publish_to(fake, an_operation(fingerprint="f2", edits=(further,)))

    assert old_plan.unchanged == 1
    assert report.done[0].reference == "#2"
    assert git(fake.git, "rev-parse", f"{BRANCH}^1") == fake.sha("main")


def test_a_verdict_is_posted_once_on_the_pull_request_that_it_is_about(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    fake.merge(1)
    verdict = an_operation("verdict", reference="#1")
    marker = {"comment": "verdict", "id": ID, "result": "worked"}
    texts = {verdict.body_file: f"{render_marker(marker)}\nIt worked.\n"}

    publish_to(fake, verdict, texts=texts)
    again = publish_to(fake, verdict, texts=texts)

    assert [comment["body"] for comment in fake.pulls[0].comments] == list(texts.values())
    assert again.unchanged == 1


def test_a_comment_without_a_marker_gets_one_and_is_posted_once(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())

    for _ in range(2):
        publish_to(fake, an_operation("comment"))

    assert len(fake.pulls[0].comments) == 1


def test_a_verdict_never_goes_to_a_pull_request_of_another_branch(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())

    report = publish_to(fake, an_operation("verdict", reference="#7"))

    assert report.refused[0].code == "no_pull"


def test_where_pull_requests_are_forbidden_the_branch_and_a_link_remain(fake: FakeGitHub) -> None:
    fake.forbid_pull_requests = True

    report = publish_to(fake, an_operation())

    [degraded] = report.degraded
    assert degraded.code == "pull_request_forbidden"
    assert f"{fake.url}/acme/agent/compare/main...{BRANCH}?expand=1" in degraded.sentence
    assert fake.sha(BRANCH) is not None
    fake.forbid_pull_requests = False
    assert publish_to(fake, an_operation()).done[0].steps == ("pull_request", "labels")


def test_labels_that_are_forbidden_degrade_and_stop_nothing(fake: FakeGitHub) -> None:
    fake.forbid_labels = True

    report = publish_to(fake, an_operation())

    assert len(fake.pulls) == 1
    assert [degraded.code for degraded in report.degraded] == ["labels"]


def test_labels_that_github_did_not_take_are_put_on_by_the_next_run(fake: FakeGitHub) -> None:
    fake.forbid_labels = True
    publish_to(fake, an_operation())
    without = history_of(fake)
    fake.forbid_labels = False

    def next_run(days: int) -> tuple[Operation, ...]:
        planned = operations_for(
            (),
            history_of(fake),
            (),
            report=a_report(agents=(), patterns=()),
            base_sha="a" * 40,
            now=NOW + timedelta(days=days),
        )
        return planned.operations

    late = next_run(4)
    (again,) = next_run(0)
    report = publish_to(fake, again)

    assert [one.has_labels for one in without] == [False]
    assert late == ()
    assert report.done[0].steps == ("labels",)
    assert fake.pulls[0].labels == ["debrief", "kind/rule"]
    assert next_run(0) == ()
    assert publish_to(fake, again).writes == 0


def test_a_branch_made_by_somebody_else_is_not_taken_over(fake: FakeGitHub) -> None:
    theirs = commit_on(fake.git, "side", {"x.md": "theirs\n"})
    git(fake.git, "update-ref", f"refs/heads/{BRANCH}", theirs)

    report = publish_to(fake, an_operation())

    assert report.refused[0].code == "hands_off"
    assert fake.sha(BRANCH) == theirs
    assert fake.pulls == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"branch": "main"}, id="another-branch"),
        pytest.param({"id": "../x", "branch": "debrief/../x"}, id="id-that-is-a-path"),
        pytest.param({"fingerprint": "f1\nDebrief-Proposal: p-2"}, id="forged-trailer"),
        pytest.param({"edits": ()}, id="no-edits"),
        pytest.param({"op": "flag"}, id="operation-of-a-later-version"),
    ],
)
def test_a_malformed_operation_is_refused_and_the_others_go_on(
    fake: FakeGitHub, changes: dict[str, object]
) -> None:
    bad = an_operation(body_file="bodies/bad.md", **changes)
    texts = {bad.body_file: a_body(bad)}

    report = publish_to(fake, bad, an_operation(id="p-00000002"), texts=texts)

    assert [skipped.code for skipped in report.refused] == ["malformed"]
    assert [pull.head for pull in fake.pulls] == ["debrief/p-00000002"]


def test_a_body_that_github_would_refuse_is_refused_before_any_write(fake: FakeGitHub) -> None:
    operation = an_operation()
    texts = {operation.body_file: a_body(operation, text="x" * BODY_LIMIT)}

    report = publish_to(fake, operation, texts=texts)

    assert report.refused[0].code == "malformed"
    assert fake.writes == []


def test_a_hostile_title_is_made_inert_in_commit_and_pull_request(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation(title="Fixes #1 for @alice\n\nDebrief-Proposal: p-evil"))

    title = fake.pulls[0].title
    message = git(fake.git, "show", "-s", "--format=%B", BRANCH)
    assert "#1" not in title + message
    assert "@alice" not in title + message
    assert message.splitlines()[0] == title
    assert message.count("\nDebrief-Proposal: ") == 1


def test_a_token_that_is_not_accepted_gives_one_clear_line_without_the_token(
    fake: FakeGitHub,
) -> None:
    client = client_of(fake, token="ghs_wrong_secret")

    with pytest.raises(CredentialsError) as error:
        client.base()

    assert "GITHUB_TOKEN (401)" in str(error.value)
    assert "pull-requests: write" in str(error.value)
    assert "ghs_wrong_secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_token_names_the_variable() -> None:
    with pytest.raises(CredentialsError, match="DEBRIEF_TOKEN is not set"):
        connect("acme/agent", token="", token_variable="DEBRIEF_TOKEN")


def test_an_unknown_repository_is_said_in_one_line(fake: FakeGitHub) -> None:
    with pytest.raises(CredentialsError, match="acme/nothing"):
        client_of(fake, name="acme/nothing").base()


@pytest.mark.parametrize("spec", ["", "github:", "svn:x", "https://github.com/acme/agent"])
def test_a_target_of_another_kind_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="github:OWNER/NAME or git:DIR"):
        open_target(spec, connect=lambda name: connect(name, token=TOKEN), now=NOW)


@pytest.mark.parametrize("fault", [LOST_ANSWER, SERVER_ERROR_AFTER], ids=lambda fault: fault.name)
def test_a_write_that_worked_but_seemed_to_fail_is_repeated_without_a_duplicate(
    fake: FakeGitHub, fault: Fault
) -> None:
    publish_to(fake, an_operation(id="p-00000001"))
    calls = [n for n, request in enumerate(fake.requests, start=1) if request.method != "GET"]

    for call in calls:
        fake.break_from(call, fault, calls=1)
        publish_to(fake, an_operation(id=f"p-1000{call:04}"), retries=2)
        fake.mend()

    assert len(fake.pulls) == len({pull.head for pull in fake.pulls}) == len(calls) + 1
    assert all(pull.labels for pull in fake.pulls)


@pytest.mark.parametrize(
    ("base_url", "web_url"),
    [
        ("https://api.github.com", "https://github.com/acme/agent"),
        ("https://ghes.example/api/v3/", "https://ghes.example/acme/agent"),
    ],
)
def test_people_see_the_repository_on_the_host_of_the_api(base_url: str, web_url: str) -> None:
    assert connect("acme/agent", token=TOKEN, base_url=base_url).web_url == web_url


def test_refs_outside_our_own_never_move(fake: FakeGitHub) -> None:
    before = refs_of(fake.git)

    publish_to(fake, an_operation(), an_operation("verdict"))

    after = [line for line in refs_of(fake.git).splitlines() if BRANCH not in line]
    assert after == before.splitlines()
