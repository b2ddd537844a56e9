"""Publishing to a repository without GitHub, bare or with somebody's dirty work tree."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from bot import local_pulls
from bot.errors import RepositoryError, UsageError
from bot.marker import render_marker
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
    fingerprint_in,
    publish_to,
    refs_of,
)
from tests.fake_github import a_bare_repository, commit_on, git

PULL = f"refs/debrief/pulls/{ID}"


@pytest.fixture(params=["bare", "work tree"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    bare = a_bare_repository(tmp_path / "agent.git", FILES)
    if request.param == "bare":
        return bare
    clone = tmp_path / "clone"
    git(bare, "clone", "-q", str(bare), str(clone))
    (clone / "README.md").write_text("not committed\n")
    (clone / PROMPT).write_text("half done\n")
    git(clone, "add", PROMPT)
    return clone


def fingerprint_of_work_tree(repository: Path) -> object:
    """Files, index and checked-out branch as git sees them; None of a bare repository."""
    if not (repository / ".git").exists():
        return None
    index = (repository / ".git" / "index").read_bytes()
    status = git(repository, "--no-optional-locks", "status", "--porcelain=v2", "--branch")
    return index, status, (repository / PROMPT).read_text(), (repository / ".git/HEAD").read_text()


def the_pull(repository: Path) -> local_pulls.LocalPull:
    [(pull, _)] = local_pulls.read_pulls(repository)
    return pull


def test_a_proposal_becomes_a_branch_and_a_stored_pull_request(repository: Path) -> None:
    before = fingerprint_of_work_tree(repository)

    report = publish_to(str(repository), an_operation())

    text = git(repository, "show", f"{BRANCH}:{PROMPT}") + "\n"
    assert text == FILES[PROMPT].replace("Start with a greeting.\n", NEW)
    assert git(repository, "show", "-s", "--format=%an", BRANCH) == "Debrief"
    assert git(repository, "show", f"{PULL}:body.md") + "\n" == a_body(an_operation())
    pull = the_pull(repository)
    assert (pull.state, pull.opened_at, pull.labels) == ("open", NOW, ("debrief", "kind/rule"))
    assert report.done[0].reference == BRANCH
    assert fingerprint_of_work_tree(repository) == before


def test_the_same_plan_again_moves_no_ref(repository: Path) -> None:
    publish_to(str(repository), an_operation())
    before = refs_of(repository)

    report = publish_to(str(repository), an_operation(), now=NOW + timedelta(days=1))

    assert refs_of(repository) == before
    assert (report.unchanged, report.writes) == (1, 0)


def test_a_dry_run_moves_no_ref(repository: Path) -> None:
    before = refs_of(repository)

    report = publish_to(str(repository), an_operation(), dry_run=True)

    assert refs_of(repository) == before
    assert report.done[0].steps == ("branch", "pull_request", "labels")


def test_two_repositories_get_the_same_commit_ids(tmp_path: Path) -> None:
    one, two = (a_bare_repository(tmp_path / name, FILES) for name in ("one.git", "two.git"))

    publish_to(str(one), an_operation())
    publish_to(str(two), an_operation())

    assert refs_of(one) == refs_of(two)


def test_an_update_moves_the_branch_forward_and_keeps_the_past(repository: Path) -> None:
    publish_to(str(repository), an_operation())
    first = git(repository, "rev-parse", BRANCH)
    work_tree = fingerprint_of_work_tree(repository)

    edit = an_edit(new="Other.\n")
    publish_to(str(repository), an_operation("update", fingerprint="f2", edits=(edit,)))

    assert git(repository, "rev-parse", f"{BRANCH}^") == first
    assert fingerprint_in(the_pull(repository).body) == "f2"
    assert the_pull(repository).head_sha == git(repository, "rev-parse", BRANCH)
    assert fingerprint_in(git(repository, "show", f"{PULL}~1:body.md")) == "f1"
    assert fingerprint_of_work_tree(repository) == work_tree


def test_a_persons_commit_means_hands_off_and_is_said_once(repository: Path) -> None:
    publish_to(str(repository), an_operation())
    theirs = commit_on(repository, BRANCH, {PROMPT: "mine\n"})

    for _ in range(2):
        report = publish_to(str(repository), an_operation("update", fingerprint="f2"))
        assert report.refused[0].code == "hands_off"

    assert git(repository, "rev-parse", BRANCH) == theirs
    assert len(the_pull(repository).comments) == 1


def test_a_branch_that_a_work_tree_stands_on_is_not_moved(tmp_path: Path) -> None:
    bare = a_bare_repository(tmp_path / "agent.git", FILES)
    publish_to(str(bare), an_operation())
    git(bare, "worktree", "add", "-q", str(tmp_path / "review"), BRANCH)

    report = publish_to(str(bare), an_operation("update", fingerprint="f2"))

    assert report.refused[0].code == "checked_out"
    assert git(tmp_path / "review", "status", "--porcelain") == ""


def test_a_merge_is_seen_and_a_later_remedy_gets_a_second_pull_request(repository: Path) -> None:
    publish_to(str(repository), an_operation())
    git(repository, "update-ref", "refs/heads/main", BRANCH)
    further = an_edit(old=NEW, new="Other.\n")

    same = publish_to(str(repository), an_operation())
    report = publish_to(str(repository), an_operation(fingerprint="f2", edits=(further,)))

    assert same.unchanged == 1
    assert report.done[0].reference == f"{BRANCH}-2"
    assert [pull.key for pull, _ in local_pulls.read_pulls(repository)] == [ID, f"{ID}-2"]


def test_a_rejected_proposal_is_never_opened_again(repository: Path) -> None:
    publish_to(str(repository), an_operation())
    [(pull, sha)] = local_pulls.read_pulls(repository)
    rejected = local_pulls.LocalPull(
        **{name: getattr(pull, name) for name in pull.__slots__} | {"state": "rejected"}
    )
    local_pulls.write_pull(repository, rejected, expected=sha, at=NOW)
    before = refs_of(repository)

    report = publish_to(str(repository), an_operation(fingerprint="f2"))

    assert report.refused[0].code == "rejected_before"
    assert refs_of(repository) == before


def test_close_and_verdict_are_written_once(repository: Path) -> None:
    publish_to(str(repository), an_operation())
    verdict = an_operation("verdict")
    marker = render_marker({"comment": "verdict", "id": ID, "result": "worked"})
    operations = [verdict, an_operation("close")]

    for _ in range(2):
        publish_to(str(repository), *operations, texts={verdict.body_file: f"{marker}\nGood."})

    pull = the_pull(repository)
    assert (pull.state, pull.closed_at, len(pull.comments)) == ("closed", NOW, 2)


@pytest.mark.parametrize("number", range(1, 4))
def test_a_crash_between_two_steps_is_finished_by_the_next_run(tmp_path: Path, number: int) -> None:
    undisturbed = a_bare_repository(tmp_path / "one.git", FILES)
    publish_to(str(undisturbed), an_operation())
    broken = a_bare_repository(tmp_path / "two.git", FILES)
    # git refuses to move a ref whose lock file exists: the step that needs it fails.
    blocked = [f"refs/heads/{BRANCH}", PULL, PULL][number - 1]
    if number == 3:
        publish_to(str(broken), an_operation(labels=()))
    lock = broken / f"{blocked}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    with pytest.raises(RepositoryError):
        publish_to(str(broken), an_operation())
    lock.unlink()

    publish_to(str(broken), an_operation())

    assert refs_of(broken) == refs_of(undisturbed)


def test_a_folder_inside_another_repository_is_no_target(repository: Path) -> None:
    inner = repository / "inner"
    inner.mkdir()

    with pytest.raises(UsageError, match="not the root of a git repository"):
        publish_to(str(inner), an_operation())


def test_the_hooks_and_settings_of_the_repository_are_not_run(tmp_path: Path) -> None:
    bare = a_bare_repository(tmp_path / "agent.git", FILES)
    hook = bare / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    subprocess.run(["git", "-C", bare, "config", "commit.gpgsign", "true"], check=True)

    publish_to(str(bare), an_operation())

    assert not (tmp_path / "ran").exists()
