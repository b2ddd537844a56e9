"""A merged rule without effect is taken out again, through the commands that a person types."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.marker import render_marker
from bot.publish.git_target import GitTarget
from tests.loop import (
    NOW,
    OUTREACH,
    Debrief,
    a_repository,
    accepted_drafts,
    corrected_drafts,
    git,
    write_lines,
)


@pytest.fixture
def debrief(tmp_path, capsys, monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "GITHUB_TOKEN", "GH_TOKEN", "DEBRIEF_STORE"):
        monkeypatch.delenv(name, raising=False)
    return Debrief(tmp_path / "store", capsys)


def merged(repo, *, at=NOW):
    """The one open branch comes into main; gives the id of its proposal."""
    listed = git(
        repo, "branch", "--no-merged", "main", "--format=%(refname:short)", "--list", "debrief/*"
    )
    (branch,) = listed.split()
    git(repo, "merge", "--quiet", "--no-ff", "--message", "Merge it", branch, at=at)
    return branch.removeprefix("debrief/")


def corrected_later(count: int, *, since: datetime) -> list[dict]:
    """As the corrected drafts, one every two hours from then on."""
    drafts = corrected_drafts(count)
    for number, draft in enumerate(drafts):
        at = since + number * timedelta(hours=2)
        draft |= {"id": f"later-{number}", "start_time": at.isoformat()}
        draft["events"][0]["at"] = (at + timedelta(hours=1)).isoformat()
    return drafts


def judged(repo, id, result):
    """A verdict stands under the pull request."""
    target = GitTarget(repo, now=NOW)
    (pull,) = target.pulls(f"debrief/{id}")
    marker = {"comment": "verdict", "id": id, "result": result}
    target.comment(pull, f"{render_marker(marker)}\nMeasured.\n")


def test_a_retirement_is_measured_and_what_was_missed_comes_back(debrief, tmp_path):
    repo = a_repository(tmp_path / "repo", {"prompts/outreach.md": OUTREACH})
    to = ("--repo", repo, "--to", f"git:{repo}")
    debrief("import", write_lines(tmp_path / "d.jsonl", corrected_drafts(5)))
    debrief("run", *to)
    rule = merged(repo)
    with_rule = (repo / "prompts/outreach.md").read_text()
    judged(repo, rule, "no_effect")
    retired_at = NOW + timedelta(days=30)
    kept = accepted_drafts(
        80, since=NOW + timedelta(days=3), over=timedelta(days=26), system=with_rule
    )
    debrief("import", write_lines(tmp_path / "kept.jsonl", kept))
    proposed = debrief("run", *to, "--json", now=retired_at)
    retirement = merged(repo, at=retired_at)

    since = retired_at + timedelta(hours=1)
    missed = corrected_later(60, since=since)
    debrief("import", write_lines(tmp_path / "missed.jsonl", missed))
    later = retired_at + timedelta(days=11)
    measured = debrief("run", *to, "--json", now=later)
    again = debrief("run", *to, "--json", now=later)

    prediction = next(one for one in proposed.json["operations"] if one["op"] == "open")
    assert prediction["prediction"]["margin"] == 0.05
    (verdict,) = measured.json["verdicts"]
    assert (verdict["proposal_id"], verdict["result"]) == (retirement, "harmed")
    assert "drift" not in {one["kind"] for one in measured.json["findings"]}
    (opened, said) = measured.json["operations"]
    assert said["op"] == "verdict"
    assert again.json["published"]["writes"] == 0
    assert opened["title"].startswith("Bring back: Leave out the opening line")
    assert opened["request"] == {"retire": retirement}
    assert git(repo, "show", f"{opened['branch']}:prompts/outreach.md") == with_rule


def test_a_rule_without_effect_is_retired_and_later_lines_of_people_stay(debrief, tmp_path):
    text = OUTREACH.replace("# Outreach", "# Outreach by mail")
    repo = a_repository(tmp_path / "repo", {"prompts/outreach.md": OUTREACH})
    debrief("import", write_lines(tmp_path / "d.jsonl", corrected_drafts(5)))
    debrief("run", "--repo", repo, "--to", f"git:{repo}")
    id = merged(repo)
    rule = (repo / "prompts/outreach.md").read_text()
    (repo / "prompts/outreach.md").write_text(rule.replace(OUTREACH[:10], text[:18]))
    git(repo, "commit", "--quiet", "--all", "--message", "By hand")
    judged(repo, id, "no_effect")

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
