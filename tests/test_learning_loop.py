"""Reviewers shorten three proposals alike; the fourth one is written so, and says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.fake_github import REPOSITORY, TOKEN, git, serve_github
from tests.fake_github.repository import commit_on
from tests.loop import OUTREACH, Debrief, a_repository, corrected_drafts, write_lines
from tests.loop import git as local_git

AGENTS = ("outreach", "renewals", "events", "hiring")
SETTINGS = "version: 1\nagents:\n" + "".join(
    f"  - name: {name}\n    prompts: [prompts/{name}.md]\n" for name in AGENTS
)
FILES = {f"prompts/{name}.md": OUTREACH for name in AGENTS} | {".github/debrief.yml": SETTINGS}
TO = ("--to", f"github:{REPOSITORY}")
TODAY = datetime(2026, 11, 21, 6, tzinfo=UTC)
LONG, SHORT = "start with the point; leave out", "leave out"


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


def proposed(debrief, repo, tmp_path, agent, *, now=TODAY):
    """Reviewers correct drafts of `agent`, and a cycle runs."""
    drafts = [{**one, "id": f"{agent}-{one['id']}", "agent": agent} for one in corrected_drafts(5)]
    assert debrief("import", write_lines(tmp_path / f"{agent}.jsonl", drafts)).code == 0
    done = debrief("run", "--repo", repo, *TO, now=now)
    assert done.code == 0, done.err
    return done


def test_what_three_reviews_did_alike_the_fourth_proposal_does_by_itself(
    debrief, fake, repo, tmp_path
):
    first = ""
    for agent in AGENTS[:3]:
        done = proposed(debrief, repo, tmp_path, agent)
        first = first or done.out
        pull = fake.pulls[-1]
        path = f"prompts/{agent}.md"
        text = git(fake.git, "show", f"{pull.head}:{path}")
        assert LONG in text
        commit_on(fake.git, pull.head, {path: text.replace(LONG, SHORT) + "\n"})
        fake.merge(pull.number)
        local_git(repo, "pull", "--quiet", str(fake.git), "main")
    fake.today = "2026-11-29"
    later = TODAY + timedelta(days=8)

    done = proposed(debrief, repo, tmp_path, AGENTS[3], now=later)

    assert len(fake.pulls) == 4
    pull = fake.pulls[-1]
    added = git(fake.git, "diff", f"main...{pull.head}")
    assert "\n+- For contact_level c_level: leave out the opening line." in added
    said = " ".join(done.out.split())
    assert "Nothing is known yet of what helps here" in " ".join(first.split())
    assert "Learned from 3 decided proposals: rule changes" in said
    assert "taught" in said
    assert "**Written as reviewers taught Debrief here**" in pull.body
    assert "changed 3 proposals in the same way: say it in fewer words" in pull.body
    assert "| changed by a reviewer before the merge | 3 |" in pull.body
