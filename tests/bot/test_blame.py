"""Each line of a prompt says which proposal or which person it is from."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rich.cells import cell_len

from tests.loop import (
    NOW,
    OUTREACH,
    Debrief,
    a_repository,
    corrected_drafts,
    git,
    write_lines,
)

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def debrief(tmp_path, capsys, monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "GITHUB_TOKEN", "GH_TOKEN", "DEBRIEF_STORE"):
        monkeypatch.delenv(name, raising=False)
    return Debrief(tmp_path / "store", capsys)


@pytest.fixture
def repo(tmp_path):
    return a_repository(tmp_path / "repo", {"prompts/outreach.md": OUTREACH})


def merge_a_rule(debrief, repo, tmp_path, *, squash=False):
    """A rule of ours comes into main; gives the id of its proposal."""
    debrief("import", write_lines(tmp_path / "d.jsonl", corrected_drafts(5)))
    debrief("run", "--repo", repo, "--to", f"git:{repo}")
    branch = git(repo, "branch", "--list", "debrief/*", "--format=%(refname:short)").strip()
    if squash:
        git(repo, "merge", "--squash", "--quiet", branch, at=LATER)
        git(repo, "commit", "--quiet", "--message", "A better opening (#7)", at=LATER)
    else:
        git(repo, "merge", "--quiet", "--no-ff", "--message", "Merge it", branch, at=LATER)
    return branch.removeprefix("debrief/")


@pytest.mark.parametrize("squash", [False, True], ids=["merge", "squash"])
def test_the_added_line_is_the_proposals_and_all_others_are_a_persons(
    debrief, repo, tmp_path, squash
):
    id = merge_a_rule(debrief, repo, tmp_path, squash=squash)

    told = debrief("blame", "prompts/outreach.md", "--repo", repo, "--json").json

    ours = [line for line in told["lines"] if line["proposal"]]
    assert [line["proposal"] for line in ours] == [id]
    assert "opening" in ours[0]["text"]
    assert ours[0]["tokens"] == -(-len(ours[0]["text"]) // 4)
    assert {line["commit"]["author"] for line in told["lines"] if line not in ours} == {"A Person"}
    (behind,) = told["proposals"]
    assert (behind["kind"], behind["evidence"], behind["verdict"]) == ("rule", 5, None)
    assert [line["text"] for line in told["lines"]] == (
        repo / "prompts/outreach.md"
    ).read_text().splitlines()


def test_on_a_pipe_it_is_plain_text_with_one_row_a_line(debrief, repo, tmp_path):
    id = merge_a_rule(debrief, repo, tmp_path)

    done = debrief("blame", "prompts/outreach.md", "--repo", repo)

    assert done.code == 0
    assert "\x1b" not in done.out
    rows = [line for line in done.out.splitlines() if line.startswith(id)]
    assert "measuring" in rows[0]
    assert rows[0].rstrip().endswith("opening line.")
    assert "evidence: 5; verdict: measuring" in done.out
    assert "Of Debrief: 1 line, about 20 tokens." in done.out
    others = [line for line in done.out.splitlines() if "superlatives" in line]
    assert " ".join(others[0].split()) == "7 - Write plainly. No superlatives."


@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_each_row_is_one_line_cut_at_the_edge(
    debrief, repo, tmp_path, columns, monkeypatch
):
    (repo / "prompts/outreach.md").write_text(OUTREACH + f"- {'Long 東京 ' * 40}\n")
    git(repo, "commit", "--quiet", "--all", "--message", "Long")
    merge_a_rule(debrief, repo, tmp_path)
    for name, value in {"COLUMNS": columns, "FORCE_COLOR": 1, "TERM": "xterm"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("NO_COLOR", raising=False)

    done = debrief("blame", "prompts/outreach.md", "--repo", repo)

    rows = [row for row in done.out.splitlines() if " Long " in row or "contact" in row]
    assert all(cell_len(row) <= columns for row in rows)
    assert [row[-1] for row in rows if " Long " in row] == ["…"]


def test_a_line_that_people_took_out_and_brought_back_is_still_the_proposals(
    debrief, repo, tmp_path
):
    id = merge_a_rule(debrief, repo, tmp_path)
    merge = git(repo, "rev-parse", "HEAD").strip()
    git(repo, "revert", "--no-edit", "--mainline", "1", merge)
    gone = debrief("blame", "prompts/outreach.md", "--repo", repo, "--json").json
    git(repo, "revert", "--no-edit", "HEAD")

    back = debrief("blame", "prompts/outreach.md", "--repo", repo, "--json").json

    assert {line["proposal"] for line in gone["lines"]} == {None}
    assert [one["id"] for one in back["proposals"]] == [id]
    assert [line["proposal"] for line in back["lines"]].count(id) == 1


def test_a_rollback_gives_the_lines_of_people_back_to_people(debrief, repo, tmp_path):
    """Also such as the merge had replaced: the commit that restores them is ours, they are not."""
    id = merge_a_rule(debrief, repo, tmp_path)
    assert debrief("rollback", id, "--repo", repo, "--to", f"git:{repo}").code == 0
    (branch,) = git(repo, "branch", "--no-merged", "main", "--format=%(refname:short)").split()
    git(repo, "merge", "--quiet", "--no-ff", "--message", "Undo it", branch, at=LATER)

    told = debrief("blame", "prompts/outreach.md", "--repo", repo, "--json").json

    assert "\n".join(line["text"] for line in told["lines"]) + "\n" == OUTREACH
    assert told["proposals"] == []


def test_a_line_that_a_person_rewrote_is_the_persons(debrief, repo, tmp_path):
    merge_a_rule(debrief, repo, tmp_path)
    text = (repo / "prompts/outreach.md").read_text()
    (repo / "prompts/outreach.md").write_text(text.replace("leave out", "always drop"))
    git(repo, "commit", "--quiet", "--all", "--message", "In our words")

    told = debrief("blame", "prompts/outreach.md", "--repo", repo, "--json").json

    assert told["proposals"] == []


def test_a_file_that_was_renamed_and_indented_keeps_its_lines(debrief, repo, tmp_path):
    id = merge_a_rule(debrief, repo, tmp_path)
    git(repo, "mv", "prompts/outreach.md", "prompts/mail.md")
    git(repo, "commit", "--quiet", "--message", "Another name")
    text = (repo / "prompts/mail.md").read_text()
    (repo / "prompts/mail.md").write_text(text.replace("\n- ", "\n  - "))
    git(repo, "commit", "--quiet", "--all", "--message", "Indent")

    told = debrief("blame", "prompts/mail.md", "--repo", repo, "--json").json

    assert [line["proposal"] for line in told["lines"]].count(id) == 1


def test_a_trailer_that_a_person_wrote_by_hand_makes_no_line_ours(debrief, repo):
    (repo / "prompts/outreach.md").write_text(OUTREACH + "\n- Always say yes.\n")
    message = "Add\n\nDebrief-Proposal: p-00000000"
    git(repo, "commit", "--quiet", "--all", "--message", message)

    told = debrief("blame", "prompts/outreach.md", "--repo", repo, "--json").json

    assert told["proposals"] == []
    assert {line["proposal"] for line in told["lines"]} == {None}


def test_code_around_a_prompt_costs_no_tokens(debrief, tmp_path):
    code = 'import os\n\nSYSTEM_PROMPT = """You help people with lamps.\nBe kind to them."""\n'
    repo = a_repository(tmp_path / "repo", {"agent.py": code})

    told = debrief("blame", "agent.py", "--repo", repo, "--json").json

    tokens = [line["tokens"] for line in told["lines"]]
    assert tokens[:2] == [0, 0]
    assert all(tokens[2:4])
    assert told["lines"][3]["region"] == "SYSTEM_PROMPT"


def test_what_a_commit_says_of_itself_cannot_steer_the_terminal(debrief, repo):
    (repo / "prompts/outreach.md").write_text(OUTREACH + "- Be \x1b[2Jkind \u202e.\n")
    git(repo, "commit", "--quiet", "--all", "--message", "x", "--author", "\x1b[31mEve <e@e.e>")

    done = debrief("blame", "prompts/outreach.md", "--repo", repo)

    assert "\x1b" not in done.out
    assert "\u202e" not in done.out


def test_a_file_that_is_not_there_is_one_clear_line(debrief, repo):
    done = debrief("blame", "prompts/none.md", "--repo", repo)

    assert done.code == 2
    assert "has no text file 'prompts/none.md'" in done.err
