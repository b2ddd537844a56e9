"""A merged rule without effect is taken out again, through the commands that a person types."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.marker import render_marker
from bot.publish.git_target import GitTarget
from tests.loop import NOW, OUTREACH, Debrief, a_repository, corrected_drafts, git, write_lines


@pytest.fixture
def debrief(tmp_path, capsys, monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "GITHUB_TOKEN", "GH_TOKEN", "DEBRIEF_STORE"):
        monkeypatch.delenv(name, raising=False)
    return Debrief(tmp_path / "store", capsys)


def test_a_rule_without_effect_is_retired_and_later_lines_of_people_stay(debrief, tmp_path):
    text = OUTREACH.replace("# Outreach", "# Outreach by mail")
    repo = a_repository(tmp_path / "repo", {"prompts/outreach.md": OUTREACH})
    debrief("import", write_lines(tmp_path / "d.jsonl", corrected_drafts(5)))
    debrief("run", "--repo", repo, "--to", f"git:{repo}")
    (branch,) = git(repo, "branch", "--list", "debrief/*", "--format=%(refname:short)").split()
    git(repo, "merge", "--quiet", "--no-ff", "--message", "Merge it", branch)
    rule = (repo / "prompts/outreach.md").read_text()
    (repo / "prompts/outreach.md").write_text(rule.replace(OUTREACH[:10], text[:18]))
    git(repo, "commit", "--quiet", "--all", "--message", "By hand")
    id = branch.removeprefix("debrief/")
    target = GitTarget(repo, now=NOW)
    (pull,) = target.pulls(branch)
    marker = {"comment": "verdict", "id": id, "result": "no_effect"}
    target.comment(pull, f"{render_marker(marker)}\nNo effect.\n")

    later = NOW + timedelta(days=30)
    done = debrief("run", "--repo", repo, "--to", f"git:{repo}", "--json", now=later)
    again = debrief("run", "--repo", repo, "--to", f"git:{repo}", "--json", now=later)

    assert done.code == 0, done.err
    opened = [one for one in done.json["operations"] if one["op"] == "open"]
    assert [one["request"] for one in opened] == [{"retire": id}]
    assert opened[0]["title"].startswith("Retire: Leave out the opening line")
    retired = git(repo, "show", f"{opened[0]['branch']}:prompts/outreach.md")
    assert retired == text
    assert again.json["published"]["writes"] == 0
