# ruff: noqa: F811  (the fixtures of the other cycles are imported, and named as arguments)
"""What people see on GitHub besides the pull requests, and what they say back: whole cycles."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.dashboard import parse_dashboard
from bot.marker import parse_marker
from tests.fake_github import ALICE, BOT, STRANGER, commit_on, git
from tests.fake_github.hub import Issue
from tests.loop import corrected_drafts, decisions, write_lines
from tests.test_cycle_github import (  # noqa: F401
    MERGED,
    TO,
    TODAY,
    branches,
    corrected,
    debrief,
    fake,
    repo,
)

pytestmark = pytest.mark.slow
LATER = TODAY + timedelta(hours=1)


def dashboards(hub):
    return [one for one in hub.issues.values() if "dashboard" in one.title]


def tick(issue, key):
    """A person ticks a box, as GitHub's page does."""
    ticked = issue.body.replace(
        f"[ ] <!-- debrief:box {key} -->", f"[x] <!-- debrief:box {key} -->"
    )
    assert ticked != issue.body, issue.body
    issue.body = ticked


def a_pull_request(hub, files, *, branch="alice/prompt"):
    """A person's own pull request from a branch of the repository."""
    head = git(hub.git, "rev-parse", "main")
    git(hub.git, "update-ref", f"refs/heads/{branch}", head)
    sha = commit_on(hub.git, branch, files)
    number = len(hub.issues) + 1
    hub.issues[number] = Issue(
        number=number,
        user=ALICE,
        title="My change",
        body="",
        created_at=hub.now(),
        head=branch,
        head_sha=sha,
        base_sha=head,
    )
    return hub.issues[number]


@pytest.fixture
def ran(corrected, fake, repo):
    """After the first run: one rule is open, and the dashboard is there."""
    assert corrected("run", "--repo", repo, *TO, now=TODAY).code == 0
    return corrected


def again(ran, repo, now=LATER):
    done = ran("run", "--repo", repo, *TO, "--json", now=now)
    assert done.code == 0, done.err + done.out
    return done


class TestDashboard:
    def test_one_issue_says_where_everything_stands(self, ran, fake, repo):
        (issue,) = dashboards(fake)
        page = parse_dashboard(issue.body)

        assert [(row.reference, row.state, row.kind) for row in page.rows] == [
            ("#1", "open", "rule")
        ]
        assert [agent.agent for agent in page.agents] == ["outreach"]
        assert (page.quota.opened, page.quota.per_week) == (1, 3)

    def test_nothing_new_is_no_write(self, ran, fake, repo):
        writes = len(fake.writes)

        for hour in range(3):
            again(ran, repo, LATER + timedelta(hours=hour))

        assert [one.path for one in fake.writes[writes:]] == []

    def test_a_deleted_one_comes_again_and_a_closed_one_stays_closed(self, ran, fake, repo):
        (issue,) = dashboards(fake)
        del fake.issues[issue.number]
        again(ran, repo)
        (new,) = dashboards(fake)
        fake.close(new.number, ALICE)
        before = new.body

        again(ran, repo, LATER + timedelta(days=2))

        assert [(one.state, one.body) for one in dashboards(fake)] == [("closed", before)]

    def test_one_without_our_label_is_found_again(self, ran, fake, repo):
        (issue,) = dashboards(fake)
        issue.labels.clear()

        again(ran, repo, LATER + timedelta(days=1))

        assert len(dashboards(fake)) == 1

    def test_a_strangers_copy_of_the_page_is_not_ours(self, corrected, fake, repo):
        body = '<!-- debrief:1 {"issue":"dashboard"} -->\n- [x] <!-- debrief:box pause -->pause\n'
        fake.issues[1] = Issue(
            number=1,
            user=STRANGER,
            title="dashboard of mine",
            body=body,
            created_at=fake.now(),
            labels=["debrief:page"],
        )

        corrected("run", "--repo", repo, *TO, now=TODAY)

        assert fake.issues[1].body == body
        assert len(fake.pulls) == 1

    def test_a_pause_that_a_person_ticks_stays_until_he_unticks_it(
        self,
        ran,
        fake,
        repo,
        tmp_path,
    ):
        (issue,) = dashboards(fake)
        tick(issue, "pause")
        ran("import", write_lines(tmp_path / "e.jsonl", decisions(400)))

        done = again(ran, repo)
        paused = len(fake.pulls)
        issue.body = issue.body.replace("[x] <!-- debrief:box pause", "[ ] <!-- debrief:box pause")
        again(ran, repo, LATER + timedelta(hours=1))

        assert paused == 1
        assert any("ticked on the dashboard" in one["reason"] for one in done.json["left_out"])
        assert len(fake.pulls) == 2

    def test_a_tick_is_honoured_once_and_said(self, ran, fake, repo):
        (issue,) = dashboards(fake)
        proposal = branches(fake)[0].removeprefix("debrief/")
        tick(issue, f"evaluate={proposal}")

        again(ran, repo)

        assert f"[ ] <!-- debrief:box evaluate={proposal}" in issue.body
        assert "looked at again" in issue.body

    def test_a_box_ticked_while_the_bot_writes_is_honoured_by_the_next_run(
        self,
        ran,
        fake,
        repo,
        tmp_path,
        monkeypatch,
    ):
        (issue,) = dashboards(fake)
        proposal = branches(fake)[0].removeprefix("debrief/")
        bundle = tmp_path / "bundle"
        later = LATER + timedelta(days=1)
        ran("propose", "--repo", repo, "--history", TO[1], "--out", bundle, now=later)
        tick(issue, f"evaluate={proposal}")  # the bundle does not know of it

        ran("publish", bundle, *TO, now=later)
        kept = f"[x] <!-- debrief:box evaluate={proposal}" in issue.body
        again(ran, repo, later + timedelta(hours=1))

        assert kept
        assert f"[ ] <!-- debrief:box evaluate={proposal}" in issue.body

    def test_a_rejection_can_be_taken_back(self, ran, fake, repo, tmp_path):
        proposal = branches(fake)[0].removeprefix("debrief/")
        fake.close(1, ALICE)
        git(fake.git, "update-ref", "-d", f"refs/heads/debrief/{proposal}")
        again(ran, repo)
        (issue,) = dashboards(fake)
        still = [pull.state for pull in fake.pulls]
        tick(issue, f"lift={proposal}")

        again(ran, repo, LATER + timedelta(hours=1))

        assert still == ["closed"]
        assert [pull.state for pull in fake.pulls] == ["closed", "open"]

    def test_what_waits_for_a_limit_is_opened_when_its_box_is_ticked(
        self,
        corrected,
        fake,
        tmp_path,
        repo,
    ):
        path = tmp_path / "repo" / ".github" / "debrief.yml"
        path.write_text(path.read_text() + "limits: {new_per_week: 0}\n")
        git(tmp_path / "repo", "commit", "-qam", "no new ones")
        git(fake.git, "fetch", "-q", str(tmp_path / "repo"), "main:main")
        corrected("run", "--repo", repo, *TO, now=TODAY)
        (issue,) = dashboards(fake)
        (row,) = [one for one in parse_dashboard(issue.body).rows if one.state == "waiting"]
        before = len(fake.pulls)
        tick(issue, f"create={row.id}")

        corrected("run", "--repo", repo, *TO, now=LATER)

        assert before == 0
        assert [pull.head for pull in fake.pulls] == [f"debrief/{row.id}"]

    def test_a_token_that_may_not_read_issues_still_proposes(self, corrected, fake, repo):
        fake.forbid_issues = True

        done = corrected("run", "--repo", repo, *TO, "--json", now=TODAY)

        assert done.code == 3, done.err
        assert [one["code"] for one in done.json["degraded"]] == ["no_dashboard"]
        assert "no_permission" in {one["code"] for one in done.json["published"]["refused"]}
        assert len(fake.pulls) == 1

    def test_issues_that_are_off_are_said_and_cost_nothing_else(self, corrected, fake, repo):
        fake.has_issues = False

        done = corrected("run", "--repo", repo, *TO, "--json", now=TODAY)

        assert done.code == 3, done.err
        assert [one["code"] for one in done.json["degraded"]] == ["issues_off"]
        assert len(fake.pulls) == 1


class TestCommands:
    def test_explain_answers_once_and_the_reaction_is_the_state(self, ran, fake, repo):
        fake.say(1, ALICE, "/debrief explain\nplease")
        again(ran, repo)
        said = len(fake.issues[1].comments)

        again(ran, repo, LATER + timedelta(hours=1))

        (answer,) = [one for one in fake.issues[1].comments if one["user"] == BOT]
        assert parse_marker(answer["body"])["verb"] == "explain"
        assert "opening removed" in answer["body"]
        assert len(fake.issues[1].comments) == said
        assert [one["content"] for one in fake.issues[1].comments[0]["reacted"]] == ["rocket"]

    @pytest.mark.parametrize(
        ("user", "body"),
        [
            pytest.param(STRANGER, "/debrief reject not_a_problem", id="a-stranger"),
            pytest.param(BOT, "/debrief reject not_a_problem", id="another-bot"),
            pytest.param(ALICE, "> /debrief reject not_a_problem", id="quoted"),
            pytest.param(ALICE, "```\n/debrief reject not_a_problem\n```", id="fenced"),
            pytest.param(ALICE, "    /debrief reject not_a_problem", id="indented"),
            pytest.param(ALICE, "see below\n/debrief reject not_a_problem", id="not-first"),
            pytest.param(ALICE, "/debrief explode", id="no-such-command"),
        ],
    )
    def test_what_is_no_command_does_nothing(self, ran, fake, repo, user, body):
        fake.say(1, user, body)
        writes = len(fake.writes)

        again(ran, repo)

        assert fake.writes[writes:] == []

    def test_an_edited_comment_is_no_command(self, ran, fake, repo):
        fake.say(1, ALICE, "/debrief reject later")
        fake.issues[1].comments[0]["updated_at"] = fake.now()

        again(ran, repo)

        assert fake.issues[1].state == "open"

    def test_reject_closes_with_the_reason_in_code(self, ran, fake, repo):
        fake.say(1, ALICE, "/debrief reject wrong fix: @mallory keep `greetings`")

        again(ran, repo)
        again(ran, repo, LATER + timedelta(hours=1))

        assert fake.issues[1].state == "closed"
        assert len(fake.pulls) == 1
        said = "\n".join(one["body"] for one in fake.issues[1].comments if one["user"] == BOT)
        assert not re.search(r"@\w", said)
        (row,) = parse_dashboard(dashboards(fake)[0].body).rows
        assert (row.state, row.detail) == ("rejected", "wrong fix")

    def test_hold_puts_a_label_and_retry_looks_again(self, ran, fake, repo):
        fake.say(1, ALICE, "/debrief hold")
        fake.say(1, ALICE, "/debrief retry")

        again(ran, repo)

        assert "debrief:hold" in fake.issues[1].labels
        answers = [parse_marker(one["body"]) or {} for one in fake.issues[1].comments]
        assert {one["verb"] for one in answers if one.get("comment") == "answer"} == {
            "hold",
            "retry",
        }

    def test_pause_ticks_the_dashboard(self, ran, fake, repo):
        fake.say(1, ALICE, "/debrief pause")

        again(ran, repo)

        assert "[x] <!-- debrief:box pause -->" in dashboards(fake)[0].body

    def test_rollback_opens_what_undoes_the_merge(self, ran, fake, repo):
        before = git(fake.git, "show", "main:prompts/outreach.md")
        fake.merge(1)
        git(repo, "pull", "--quiet", str(fake.git), "main")
        fake.say(1, ALICE, "/debrief rollback")

        again(ran, repo, MERGED + timedelta(days=1, hours=6))

        (back,) = [pull for pull in fake.pulls if pull.state == "open"]
        assert back.title.startswith("Take back:")
        assert git(fake.git, "show", f"{back.head}:prompts/outreach.md") == before


class TestTerminal:
    def test_rollback_by_id(self, ran, fake, repo):
        proposal = branches(fake)[0].removeprefix("debrief/")
        before = git(fake.git, "show", "main:prompts/outreach.md")
        early = ran("rollback", proposal, "--repo", repo, *TO, now=LATER)
        fake.merge(1)
        git(repo, "pull", "--quiet", str(fake.git), "main")

        done = ran("rollback", proposal, "--repo", repo, *TO, now=LATER)
        writes = len(fake.writes)
        ran("rollback", proposal, "--repo", repo, *TO, now=LATER)

        assert early.code == 1
        assert "only what is merged can" in early.err
        assert done.code == 0, done.err
        (back,) = [pull for pull in fake.pulls if pull.state == "open"]
        assert git(fake.git, "show", f"{back.head}:prompts/outreach.md") == before
        assert len(fake.writes) == writes

    def test_pause_and_resume_turn_the_dashboards_switch(self, ran, fake, repo):
        box = "<!-- debrief:box pause -->"
        paused = ran("pause", *TO, now=LATER)
        on = f"[x] {box}" in dashboards(fake)[0].body
        resumed = ran("resume", *TO, now=LATER)

        assert (paused.code, resumed.code) == (0, 0), paused.err + resumed.err
        assert on
        assert f"[ ] {box}" in dashboards(fake)[0].body
        assert parse_dashboard(dashboards(fake)[0].body).rows

    def test_a_pause_before_the_first_run_makes_the_dashboard(self, corrected, fake, repo):
        assert corrected("pause", *TO, now=TODAY).code == 0

        corrected("run", "--repo", repo, *TO, now=TODAY)

        assert fake.pulls == []
        assert len(dashboards(fake)) == 1

    def test_a_repository_without_github_is_paused_by_a_ref(self, corrected, repo):
        to = ("--to", f"git:{repo}")
        corrected("pause", *to, now=TODAY)
        held = corrected("run", "--repo", repo, *to, "--json", now=TODAY)
        corrected("resume", *to, now=TODAY)

        done = corrected("run", "--repo", repo, *to, "--json", now=TODAY)

        assert held.json["published"]["done"] == []
        assert [one["op"] for one in done.json["published"]["done"]] == ["open"]

    def test_evidence_of_one_pull_request(self, ran, fake, repo, tmp_path, monkeypatch):
        text = git(fake.git, "show", "main:prompts/outreach.md") + "\n- Be brief.\n"
        pull = a_pull_request(fake, {"prompts/outreach.md": text})
        monkeypatch.setenv("DEBRIEF_ANNOTATIONS", str(tmp_path / "lines"))
        summary = tmp_path / "summary.md"
        given = ("evidence", *TO, "--pull", pull.number, "--summary", summary)

        dry = ran(*given, "--dry-run", now=LATER)
        silent = list(pull.comments)
        done = ran(*given, now=LATER)

        assert (dry.code, done.code) == (0, 0), dry.err + done.err
        assert silent == []
        assert len(pull.comments) == 1
        assert "opening removed" in summary.read_text()
        assert (tmp_path / "lines").read_text().startswith("::notice ")


class TestPeoplesOwn:
    def test_a_change_of_a_watched_file_is_told_what_relies_on_it(self, ran, fake, repo):
        text = git(fake.git, "show", "main:prompts/outreach.md") + "\n- Be brief.\n"
        pull = a_pull_request(fake, {"prompts/outreach.md": text})
        again(ran, repo)
        writes = len(fake.writes)

        again(ran, repo, LATER + timedelta(hours=1))

        (comment,) = pull.comments
        assert parse_marker(comment["body"])["comment"] == "evidence"
        assert "opening removed" in comment["body"]
        (check,) = [one for one in fake.checks if one["head_sha"] == pull.head_sha]
        assert (check["name"], check["conclusion"]) == ("debrief/evidence", "neutral")
        assert check["annotations"][0]["path"] == "prompts/outreach.md"
        assert fake.writes[writes:] == []

    def test_the_one_comment_follows_the_pull_request(self, ran, fake, repo):
        main = git(fake.git, "show", "main:prompts/outreach.md") + "\n"
        pull = a_pull_request(fake, {"prompts/outreach.md": main + "- Be brief.\n"})
        again(ran, repo)
        commit_on(fake.git, pull.head, {"prompts/outreach.md": main, "README.md": "hello\n"})

        again(ran, repo, LATER + timedelta(hours=1))

        (comment,) = pull.comments
        assert "no longer changes a file" in comment["body"]

    def test_other_files_are_none_of_our_business(self, ran, fake, repo):
        pull = a_pull_request(fake, {"README.md": "hello\n"})

        again(ran, repo)

        assert pull.comments == []
        assert [one for one in fake.checks if one["head_sha"] == pull.head_sha] == []

    def test_a_token_of_a_person_writes_a_status_instead(self, corrected, fake, repo):
        fake.forbid_checks = True

        done = corrected("run", "--repo", repo, *TO, now=TODAY)

        assert done.code == 0, done.err
        (status,) = fake.statuses
        assert (status["context"], status["state"]) == ("debrief/evidence", "success")

    def test_a_token_without_either_still_comments(self, ran, fake, repo):
        fake.forbid_checks = fake.forbid_statuses = True
        text = git(fake.git, "show", "main:prompts/outreach.md") + "\n- Be brief.\n"
        pull = a_pull_request(fake, {"prompts/outreach.md": text})

        again(ran, repo)

        assert len(pull.comments) == 1


def test_the_map_of_evidence_holds_no_text_of_a_conversation(ran, fake):
    text = git(fake.git, "show", "refs/debrief/evidence:evidence.json")

    for draft in corrected_drafts(5):
        for message in draft["messages"]:
            assert message["content"] not in text
