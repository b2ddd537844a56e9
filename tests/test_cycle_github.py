"""Whole cycles against GitHub: what `debrief run` does there, twice, after people, after faults."""

from __future__ import annotations

import json
import re
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.marker import parse_marker
from collector.store import open_store
from tests.fake_github import (
    ALICE,
    REPOSITORY,
    SERVER_ERROR,
    TOKEN,
    Fault,
    git,
    serve_github,
)
from tests.loop import (
    OUTREACH,
    THRESHOLDS,
    Debrief,
    a_repository,
    accepted_drafts,
    corrected_drafts,
    decisions,
    write_lines,
)
from tests.samples import ROOT

pytestmark = pytest.mark.slow
SETTINGS = """version: 1
agents:
  - name: outreach
    prompts: [prompts/outreach.md]
  - name: fraud-desk
    thresholds: [config/thresholds.yaml]
"""
CHANGED = {"prompts/outreach.md": OUTREACH, "config/thresholds.yaml": THRESHOLDS}
FILES = {**CHANGED, ".github/debrief.yml": SETTINGS}
TO = ("--to", f"github:{REPOSITORY}")
TODAY = datetime(2026, 11, 21, 6, tzinfo=UTC)
"""The day on which the fake opens and closes pull requests."""
MERGED = TODAY.replace(hour=0)
RUN = "import sys; from bot.cli import main; sys.exit(main(pause_s=0))"
"""As the command does it, without the pause that GitHub asks for."""


@pytest.fixture
def repo(tmp_path):
    return a_repository(tmp_path / "repo", FILES)


@pytest.fixture
def fake(repo, tmp_path):
    bare = tmp_path / "hub.git"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    with serve_github(bare) as fake:
        yield fake


@pytest.fixture
def debrief(fake, tmp_path, capsys, monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "GH_TOKEN", "DEBRIEF_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", fake.url)
    return Debrief(tmp_path / "store", capsys)


@pytest.fixture
def corrected(debrief, tmp_path):
    """A store in which five corrections ask for one rule."""
    drafts = write_lines(tmp_path / "d.jsonl", corrected_drafts(5))
    assert debrief("import", drafts).code == 0
    return debrief


def ledger(debrief):
    """(action, subject, what it says) of each entry."""
    rows = open_store(str(debrief.store), create=False).scan("ledger").to_pylist()
    return [(row["action"], row["subject"], json.loads(row["entry"])) for row in rows]


def branches(fake):
    refs = git(fake.git, "for-each-ref", "--format=%(refname:short)", "refs/heads/debrief/")
    return refs.split()


def changed(fake, branch):
    return git(fake.git, "diff", "--name-only", f"main...{branch}").split()


def written(fake):
    """Writes to branches, pull requests and what is said on them; the dashboard is no such."""
    about = re.compile(r"/(pulls|labels|comments)(/|$)|/git/refs(/heads/|$)")
    return [
        one
        for one in fake.writes
        if about.search(one.path) and "refs/debrief/" not in str((one.body or {}).get("ref"))
    ]


class TestTwice:
    def test_corrections_and_decisions_give_a_pull_request_each_and_the_second_run_no_write(
        self, corrected, fake, repo, tmp_path
    ):
        corrected("import", write_lines(tmp_path / "e.jsonl", decisions(400)))

        first = corrected("run", "--repo", repo, *TO, now=TODAY)
        writes = len(fake.writes)
        second = corrected("run", "--repo", repo, *TO, "--json", now=TODAY)

        assert (first.code, second.code) == (0, 0), first.err + second.err
        assert sorted(path for b in branches(fake) for path in changed(fake, b)) == sorted(CHANGED)
        assert [pull.state for pull in fake.pulls] == ["open", "open"]
        assert {parse_marker(pull.body)["kind"] for pull in fake.pulls} == {"rule", "threshold"}
        assert writes > 0
        assert len(fake.writes) == writes
        assert second.json["published"]["writes"] == 0
        assert "unreadable" not in {one["code"] for one in second.json["left_out"]}

    def test_the_second_run_adds_nothing_to_the_ledger_that_stands_there_already(
        self, corrected, fake, repo
    ):
        corrected("run", "--repo", repo, *TO, now=TODAY)
        corrected("run", "--repo", repo, *TO, now=TODAY)
        once = ledger(corrected)

        corrected("run", "--repo", repo, *TO, now=TODAY)

        assert [entry[0] for entry in once].count("published") == 1
        assert ledger(corrected) == once

    def test_more_evidence_updates_the_same_pull_request(self, corrected, fake, repo, tmp_path):
        corrected("run", "--repo", repo, *TO, now=TODAY)
        body = fake.pulls[0].body
        corrected("import", write_lines(tmp_path / "more.jsonl", corrected_drafts(8)[5:]))

        done = corrected("run", "--repo", repo, *TO, now=TODAY)

        assert done.code == 0, done.err
        assert len(fake.pulls) == 1
        assert parse_marker(fake.pulls[0].body)["evidence"]["entries"] == 8
        assert fake.pulls[0].body != body

    def test_a_dry_run_says_what_it_would_do_and_sends_no_write(self, corrected, fake, repo):
        done = corrected("run", "--repo", repo, *TO, "--dry-run", "--json", now=TODAY)

        assert done.code == 0, done.err
        assert [one["op"] for one in done.json["published"]["done"]] == ["open"]
        assert fake.writes == []
        assert ledger(corrected) == []


class TestPeople:
    """What a person did on GitHub stands."""

    @pytest.mark.parametrize("how", ["box", "label", "words", "nothing"])
    def test_what_a_person_closed_is_not_opened_again(self, corrected, fake, repo, tmp_path, how):
        corrected("run", "--repo", repo, *TO, now=TODAY)
        (pull,) = fake.pulls
        if how == "box":
            ticked = re.sub(r"\[ \](?= not a problem)", "[x]", pull.body, flags=re.IGNORECASE)
            assert ticked != pull.body
            pull.body = ticked
        elif how == "label":
            pull.labels.append("debrief:not-a-problem")
        elif how == "words":
            fake.say(pull.number, ALICE, "not a problem: we like our openings")
        fake.close(pull.number, ALICE)
        git(fake.git, "update-ref", "-d", f"refs/heads/{pull.head}")
        corrected("import", write_lines(tmp_path / "more.jsonl", corrected_drafts(8)[5:]))
        writes = len(written(fake))

        done = corrected("run", "--repo", repo, *TO, "--json", now=TODAY + timedelta(days=1))

        assert done.code == 0, done.err
        assert len(written(fake)) == writes
        assert branches(fake) == []
        assert any("#1" in one["reason"] for one in done.json["left_out"])
        rejected = [said for action, _, said in ledger(corrected) if action == "rejected"]
        assert [said["why"] for said in rejected] == [None if how == "nothing" else "not_a_problem"]

    def test_a_rejection_by_command_closes_it_for_good(self, corrected, fake, repo):
        corrected("run", "--repo", repo, *TO, now=TODAY)
        proposal = branches(fake)[0].removeprefix("debrief/")

        done = corrected("reject", proposal, "wrong_fix: keep it", *TO, now=TODAY)
        writes = len(written(fake))
        again = corrected("run", "--repo", repo, *TO, now=TODAY)

        assert (done.code, again.code) == (0, 0), done.err + again.err
        assert [pull.state for pull in fake.pulls] == ["closed"]
        assert len(written(fake)) == writes

    def test_a_branch_that_a_person_edited_is_left_alone(self, corrected, fake, repo, tmp_path):
        corrected("run", "--repo", repo, *TO, now=TODAY)
        (branch,) = branches(fake)
        mine = git(fake.git, "commit-tree", f"{branch}^{{tree}}", "-p", branch, stdin=b"mine")
        git(fake.git, "update-ref", f"refs/heads/{branch}", mine)
        corrected("import", write_lines(tmp_path / "more.jsonl", corrected_drafts(8)[5:]))

        done = corrected("run", "--repo", repo, *TO, now=TODAY)

        assert done.code == 0, done.err
        assert fake.sha(f"refs/heads/{branch}") == mine

    def test_a_merge_gets_one_verdict_after_a_week_said_once_and_kept_in_the_ledger(
        self, corrected, fake, repo, tmp_path
    ):
        corrected("run", "--repo", repo, *TO, now=TODAY)
        fake.merge(1)
        git(repo, "pull", "--quiet", str(fake.git), "main")
        early = corrected(
            "run", "--repo", repo, *TO, "--json", now=MERGED + timedelta(days=4, hours=6)
        )
        merged = (Path(repo) / "prompts/outreach.md").read_text()
        drafts = accepted_drafts(60, since=MERGED + timedelta(hours=2), system=merged)
        assert corrected("import", write_lines(tmp_path / "after.jsonl", drafts)).code == 0
        later = MERGED + timedelta(days=9, hours=6)

        done = corrected("run", "--repo", repo, *TO, "--json", now=later)
        writes = len(written(fake))
        again = corrected("run", "--repo", repo, *TO, now=later + timedelta(hours=1))

        assert (early.code, done.code, again.code) == (0, 0, 0)
        assert any("4 of 7 days" in one["reason"] for one in early.json["left_out"])
        (comment,) = fake.issues[1].comments
        assert parse_marker(comment["body"])["result"] == "worked"
        assert "before is only compared with after" in comment["body"]
        assert len(written(fake)) == writes
        assert [pull.number for pull in fake.pulls] == [1]
        actions = [(action, subject) for action, subject, _ in ledger(corrected)]
        proposal = fake.pulls[0].head.removeprefix("debrief/")
        assert actions.count(("verdict", proposal)) == 1
        assert actions.count(("approved", proposal)) == 1

    def test_a_merge_that_production_does_not_serve_is_not_measured(
        self, corrected, fake, repo, tmp_path
    ):
        corrected("run", "--repo", repo, *TO, now=TODAY)
        fake.merge(1)
        git(repo, "pull", "--quiet", str(fake.git), "main")
        drafts = accepted_drafts(60, since=MERGED + timedelta(hours=2))
        assert corrected("import", write_lines(tmp_path / "after.jsonl", drafts)).code == 0

        done = corrected("run", "--repo", repo, *TO, "--json", now=MERGED + timedelta(days=10))

        assert fake.issues[1].comments == []
        assert any("is the one before" in one["reason"] for one in done.json["left_out"])
        assert any("has not taken that up" in one["sentence"] for one in done.json["findings"])

    def test_a_merged_threshold_is_measured_from_when_the_new_value_is_seen(
        self, debrief, fake, repo, tmp_path
    ):
        debrief("import", write_lines(tmp_path / "before.jsonl", decisions(400)))
        debrief("run", "--repo", repo, *TO, now=TODAY)
        fake.merge(1)
        git(repo, "pull", "--quiet", str(fake.git), "main")
        week = timedelta(days=7)
        after = decisions(
            200, newest=-week - timedelta(days=3), span=week, threshold=0.6, first=500
        )
        debrief("import", write_lines(tmp_path / "after.jsonl", after))

        done = debrief("run", "--repo", repo, *TO, "--json", now=TODAY + timedelta(days=14))

        assert done.code == 0, done.err
        (verdict,) = done.json["verdicts"]
        assert verdict["result"] == "worked", verdict["sentence"]
        assert datetime.fromisoformat(verdict["live_at"]) > MERGED + timedelta(days=1)
        assert len(fake.issues[1].comments) == 1
        assert [pull.number for pull in fake.pulls] == [1]


class TestOneClearLine:
    """Faults of credentials, disks and GitHub: one line that says what to do, and the exit code."""

    @staticmethod
    def is_one_line(done, code, *words):
        assert done.code == code, (done.code, done.out, done.err)
        assert done.err.count("\n") == 1, done.err
        assert done.err.startswith("debrief: ")
        assert all(word in done.err for word in words), done.err
        assert TOKEN not in done.err + done.out

    def test_a_token_that_github_does_not_accept(self, corrected, repo, monkeypatch):
        monkeypatch.setenv("GITHUB_TOKEN", "ghs_revoked_0123456789")

        done = corrected("run", "--repo", repo, *TO, now=TODAY)

        self.is_one_line(done, 2, "GITHUB_TOKEN", "401")
        assert "ghs_revoked" not in done.err + done.out

    def test_a_repository_that_does_not_exist(self, corrected, repo):
        done = corrected("run", "--repo", repo, "--to", "github:acme/typo", now=TODAY)

        self.is_one_line(done, 2, "acme/typo")

    def test_github_that_keeps_failing(self, corrected, fake, repo):
        fake.break_from(1, SERVER_ERROR)

        done = corrected("run", "--repo", repo, *TO, now=TODAY)

        self.is_one_line(done, 4, "GitHub", "run again")

    def test_github_that_fails_after_the_proposals_leaves_the_bundle_to_publish(
        self, corrected, fake, repo, tmp_path
    ):
        corrected("run", "--repo", repo, *TO, "--dry-run", now=TODAY)
        fake.break_from(len(fake.requests) + 1, SERVER_ERROR)
        bundle = tmp_path / "bundle"

        done = corrected("run", "--repo", repo, *TO, "--out", bundle, now=TODAY)
        fake.mend()
        sent = corrected("publish", bundle, *TO, now=TODAY)

        self.is_one_line(done, 4, "GitHub")
        assert sent.code == 0, sent.err
        assert len(fake.pulls) == 1

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            pytest.param(".github/debrief.yml", "version: 1\nagents: [", id="no-yaml"),
            pytest.param(".github/debrief.yml", "version: 1\nagnets: []\n", id="unknown-key"),
            pytest.param(".debrief/intents.yml", "version: 1\nintents: 7\n", id="taxonomy"),
        ],
    )
    def test_broken_yaml(self, corrected, fake, tmp_path, file, text):
        repo = a_repository(tmp_path / "broken", {**FILES, file: text})

        done = corrected("run", "--repo", repo, *TO, now=TODAY)

        self.is_one_line(done, 2, file)
        assert fake.writes == []

    def test_a_store_that_is_a_file(self, debrief, repo, tmp_path):
        debrief.store.write_text("not a folder")

        imported = debrief("import", write_lines(tmp_path / "d.jsonl", corrected_drafts(5)))
        ran = debrief("run", "--repo", repo, *TO, now=TODAY)

        self.is_one_line(imported, 4, str(debrief.store))
        self.is_one_line(ran, 4, str(debrief.store))

    def test_a_full_disk_under_the_store(self, debrief, tmp_path):
        drafts = write_lines(tmp_path / "d.jsonl", corrected_drafts(5))
        with no_room_for_files():
            done = debrief("import", drafts)

        self.is_one_line(done, 4, "File too large", "free")
        assert debrief("import", drafts).code == 0
        assert debrief("conversations", "--json").json["total"] == 5

    def test_a_full_disk_under_the_bundle(self, corrected, fake, repo, tmp_path):
        out = tmp_path / "bundle"
        with no_room_for_files():
            done = corrected("propose", "--repo", repo, "--out", out, now=TODAY)

        self.is_one_line(done, 4, "File too large", "free")
        assert corrected("publish", out, *TO).code != 0
        assert fake.writes == []

    def test_a_ledger_that_cannot_be_written_is_no_fault_of_what_was_done(
        self, corrected, fake, repo
    ):
        (corrected.store / "ledger").write_text("in the way")

        done = corrected("run", "--repo", repo, *TO, "--json", now=TODAY)

        assert done.code == 3, done.err
        assert [one["code"] for one in done.json["degraded"]] == ["ledger"]
        assert len(fake.pulls) == 1

    def test_pull_requests_that_are_forbidden_give_a_branch_and_a_link(self, corrected, fake, repo):
        fake.forbid_pull_requests = True

        done = corrected("run", "--repo", repo, *TO, now=TODAY)

        assert done.code == 3, done.err
        assert len(branches(fake)) == 1
        assert "Allow GitHub Actions to create" in " ".join(done.out.split())


@contextmanager
def no_room_for_files():
    """No file can grow beyond a few bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_token_is_nowhere_in_what_is_printed_written_or_sent(corrected, fake, repo, tmp_path):
    bundle, summary = tmp_path / "bundle", tmp_path / "summary.md"
    given = ("--repo", repo, *TO, "--out", bundle, "--summary", summary)

    done = corrected("run", *given, now=TODAY)
    written = [path.read_text() for path in bundle.rglob("*") if path.is_file()]
    said = corrected("run", *given, "--json", now=TODAY)

    sent = [json.dumps(request.body) for request in fake.requests]
    texts = [done.out, done.err, said.out, said.err, summary.read_text(), *written, *sent]
    assert len(written) >= 3
    assert summary.read_text()
    assert not [text for text in (*texts, str(ledger(corrected))) if TOKEN in text]


@pytest.mark.parametrize(
    ("write", "path", "is_carried_out"),
    [
        pytest.param(0, "/git/commits/", False, id="while-it-reads"),
        pytest.param(3, "/git/refs", False, id="before-the-branch"),
        pytest.param(3, "/git/refs", True, id="after-the-branch"),
        pytest.param(4, "/pulls", True, id="after-the-pull-request"),
    ],
)
def test_a_run_that_is_killed_is_finished_by_the_next_without_a_duplicate(
    corrected, fake, repo, write, path, is_carried_out
):
    corrected("run", "--repo", repo, *TO, "--dry-run", now=TODAY)
    reads = len(fake.requests) + 1  # and the commit that the new one stands on
    given = ["run", "--repo", repo, *TO, "--store", corrected.store, "--now", TODAY.isoformat()]
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *map(str, given)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    fault = Fault(name="killed", is_carried_out=is_carried_out, then=process.kill)
    fake.break_from(reads + write, fault, calls=1)
    assert process.wait(timeout=60) == -signal.SIGKILL
    assert path in fake.requests[-1].path
    fake.mend()

    done = corrected("run", "--repo", repo, *TO, now=TODAY)
    writes = len(fake.writes)
    again = corrected("run", "--repo", repo, *TO, now=TODAY)

    assert (done.code, again.code) == (0, 0), done.err
    assert [(pull.state, pull.head) for pull in fake.pulls] == [("open", branches(fake)[0])]
    assert len(branches(fake)) == 1
    assert len(git(fake.git, "log", "--format=%H", f"main..{branches(fake)[0]}").split()) == 1
    proposal = branches(fake)[0].removeprefix("debrief/")
    assert ("open", proposal) in {(action, subject) for action, subject, _ in ledger(corrected)}
    assert len(fake.writes) == writes
