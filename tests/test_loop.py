"""From a file or OTLP to a pull request, through the commands that a person types."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.loop import (
    NOW,
    OPENINGS,
    OUTREACH,
    THRESHOLDS,
    Debrief,
    a_repository,
    corrected_drafts,
    decisions,
    git,
    write_lines,
)
from tests.samples import samples_path

pytestmark = pytest.mark.slow
FILES = {"prompts/outreach.md": OUTREACH, "config/thresholds.yaml": THRESHOLDS}


@pytest.fixture
def debrief(tmp_path, capsys, monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "GITHUB_TOKEN", "GH_TOKEN", "DEBRIEF_STORE"):
        monkeypatch.delenv(name, raising=False)
    return Debrief(tmp_path / "store", capsys)


@pytest.fixture
def repo(tmp_path):
    return a_repository(tmp_path / "repo", FILES)


def branches(repo):
    return git(repo, "branch", "--list", "debrief/*", "--format=%(refname:short)").split()


@pytest.mark.parametrize("declared", [False, True], ids=["untyped", "typed"])
def test_five_corrections_of_one_segment_give_one_rule_in_the_right_section(
    debrief, repo, tmp_path, declared
):
    drafts = write_lines(tmp_path / "d.jsonl", corrected_drafts(5, declared=declared))
    assert debrief("import", drafts).code == 0

    done = debrief("run", "--repo", repo, "--to", f"git:{repo}", "--json")

    assert done.code == 0, done.err
    (branch,) = branches(repo)
    diff = git(repo, "diff", "--unified=0", f"main...{branch}")
    added = [line for line in diff.splitlines() if line.startswith("+") and line[1:2] != "+"]
    assert len(added) == 1
    assert "opening" in added[0].lower()
    assert "c_level" in added[0].lower()
    assert "+++ b/prompts/outreach.md" in diff
    style = git(repo, "show", f"{branch}:prompts/outreach.md").split("## Style")[1]
    assert added[0][1:] in style.split("## Facts")[0]


def test_corrections_count_where_their_conversations_never_came(debrief, repo, tmp_path):
    events = [
        {
            "event": "debrief.correction",
            "conversation_id": f"ticket-{number}",
            "agent": "outreach",
            "at": (NOW - timedelta(days=number + 1)).isoformat(),
            "original": f"{opening} We make lamps. Shall we talk on Monday?",
            "corrected": "We make lamps. Shall we talk on Monday?",
            "segment.contact_level": "c_level",
        }
        for number, opening in enumerate(OPENINGS)
    ]
    debrief("import", write_lines(tmp_path / "events.jsonl", events))

    done = debrief("run", "--repo", repo, "--to", f"git:{repo}", "--json")

    assert [one["kind"] for one in done.json["operations"]] == ["rule"]


def test_two_corrections_give_no_rule_and_the_run_says_why(debrief, repo, tmp_path):
    debrief("import", write_lines(tmp_path / "d.jsonl", corrected_drafts(2)))

    done = debrief("run", "--repo", repo, "--to", f"git:{repo}", "--json")

    assert branches(repo) == []
    assert any("3" in one["reason"] and "2" in one["reason"] for one in done.json["refused"])


def test_a_miscalibrated_threshold_gives_one_proposal_of_at_most_a_fifth(debrief, repo, tmp_path):
    debrief("import", write_lines(tmp_path / "e.jsonl", decisions(400)))

    debrief("run", "--repo", repo, "--to", f"git:{repo}")

    (branch,) = branches(repo)
    changed = git(repo, "show", f"{branch}:config/thresholds.yaml")
    value = float(changed.split("flag:")[1].split("#")[0])
    assert 0.5 < value <= 0.6
    assert changed.replace(f"{changed.split('flag:')[1].split('#')[0]}", " 0.50 ") == THRESHOLDS


@pytest.mark.parametrize(
    ("events", "words"),
    [
        pytest.param(decisions(400, needed_from=0.51), "healthy", id="healthy"),
        pytest.param(decisions(400, answered=0.4), "60 %", id="few-responses"),
        pytest.param(decisions(400, newest=timedelta(0))[-60:], "48", id="young"),
        pytest.param(decisions(6), "6", id="six-decisions"),
    ],
)
def test_a_threshold_without_a_case_is_left_alone_and_the_run_says_why(
    debrief, repo, tmp_path, events, words
):
    debrief("import", write_lines(tmp_path / "e.jsonl", events))

    done = debrief("run", "--repo", repo, "--to", f"git:{repo}", "--json")

    assert branches(repo) == []
    assert any(words in one["reason"] for one in done.json["refused"]), done.json["refused"]


def test_the_second_run_writes_nothing(debrief, repo, tmp_path):
    debrief("import", write_lines(tmp_path / "d.jsonl", corrected_drafts(5)))
    debrief("run", "--repo", repo, "--to", f"git:{repo}")
    refs = git(repo, "for-each-ref")

    done = debrief("run", "--repo", repo, "--to", f"git:{repo}", "--json")

    assert git(repo, "for-each-ref") == refs
    assert done.json["published"]["writes"] == 0


def test_a_rejected_proposal_never_comes_back(debrief, repo, tmp_path):
    debrief("import", write_lines(tmp_path / "d.jsonl", corrected_drafts(5)))
    debrief("run", "--repo", repo, "--to", f"git:{repo}")
    (branch,) = branches(repo)
    proposal = branch.removeprefix("debrief/")
    assert debrief("reject", proposal, "not_a_problem", "--to", f"git:{repo}").code == 0
    git(repo, "branch", "--delete", "--force", branch)

    done = debrief("run", "--repo", repo, "--to", f"git:{repo}", "--json")

    assert branches(repo) == []
    assert done.code == 0


def test_every_record_of_the_real_data_is_read_and_agents_are_kept_apart(debrief):
    files = sorted(samples_path("conversations").glob("*.jsonl.gz"))

    imported = debrief("import", *files, "--json")
    found = debrief("patterns", "--json").json

    assert imported.code == 0
    assert imported.json["conversations"] == 2135
    agents = {agent["agent"]: agent for agent in found["agents"]}
    assert {"airline", "retail", "telecom", "medical", "phone-appointment-bot"} <= set(agents)
    assert agents["medical"]["health"] == "healthy"
    assert not [one for one in found["patterns"] if one["agent"] == "medical"]
    airline = [one for one in found["patterns"] if one["agent"] == "airline"]
    assert all(one["interval"] and one["q_value"] <= 0.05 for one in airline)


def test_bundles_are_sent_by_publish_alone(debrief, repo, tmp_path):
    debrief("import", write_lines(tmp_path / "d.jsonl", corrected_drafts(5)))
    bundle = tmp_path / "bundle"

    proposed = debrief("propose", "--repo", repo, "--out", bundle)
    assert (proposed.code, branches(repo)) == (0, [])
    published = debrief("publish", bundle, "--to", f"git:{repo}")

    assert published.code == 0
    assert len(branches(repo)) == 1


def test_an_estimate_says_what_a_run_could_cost_and_asks_nobody(
    debrief, repo, tmp_path, monkeypatch
):
    debrief("import", write_lines(tmp_path / "d.jsonl", corrected_drafts(9)))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")  # nobody listens there

    done = debrief("run", "--repo", repo, "--to", f"git:{repo}", "--estimate", "--json")

    assert done.code == 0, done.err
    assert done.json["estimate"]["calls"] >= 1
    assert done.json["estimate"]["usd"] > 0
    assert branches(repo) == []


def test_a_bundle_that_was_changed_opens_no_more_than_a_week_allows(debrief, repo, tmp_path):
    debrief("import", write_lines(tmp_path / "d.jsonl", corrected_drafts(5)))
    debrief("propose", "--repo", repo, "--out", tmp_path / "bundle")
    file = tmp_path / "bundle" / "plan.json"
    plan = json.loads(file.read_text())
    (operation,) = plan["operations"]
    copies = [
        {**operation, "id": f"p-0000000{number}", "branch": f"debrief/p-0000000{number}"}
        for number in range(9)
    ]
    file.write_text(json.dumps({**plan, "operations": copies}))

    done = debrief("publish", tmp_path / "bundle", "--to", f"git:{repo}", "--json")

    assert len(branches(repo)) <= 3
    assert [one["code"] for one in done.json["published"]["refused"]].count("cap") == 6


def test_an_edit_of_the_wrong_file_is_refused_with_exit_code_1(debrief, repo, tmp_path):
    debrief("import", write_lines(tmp_path / "d.jsonl", corrected_drafts(5)))
    debrief("propose", "--repo", repo, "--out", tmp_path / "bundle")
    file = tmp_path / "bundle" / "plan.json"
    plan = json.loads(file.read_text())
    edit = {"path": ".github/workflows/ci.yml", "base_blob": None, "old": "", "new": "on: push\n"}
    plan["operations"][0]["edits"] = [edit]
    file.write_text(json.dumps(plan))

    done = debrief("publish", tmp_path / "bundle", "--to", f"git:{repo}")

    assert done.code == 1
    assert branches(repo) == []


class TestOneClearLine:
    """What a person sees when something is missing or broken, and the exit code of the design."""

    def test_an_empty_store(self, debrief, repo):
        done = debrief("run", "--repo", repo, "--to", f"git:{repo}")

        assert done.code == 0
        assert "no conversations" in done.out.lower()

    def test_broken_settings(self, debrief, tmp_path):
        repo = a_repository(tmp_path / "r", {".github/debrief.yml": "agents: [", "a.md": "x"})

        done = debrief("run", "--repo", repo, "--to", f"git:{repo}")

        assert done.code == 2
        assert done.err.count("\n") == 1
        assert ".github/debrief.yml, line 1" in done.err

    def test_a_repository_without_prompts(self, debrief, tmp_path):
        repo = a_repository(tmp_path / "r", {"main.py": "print()\n"})
        debrief("import", write_lines(tmp_path / "d.jsonl", corrected_drafts(5)))

        done = debrief("run", "--repo", repo, "--to", f"git:{repo}", "--json")

        assert done.code == 0
        assert any(one["code"] == "no_file" for one in done.json["left_out"])

    def test_no_repository(self, debrief, tmp_path):
        done = debrief("run", "--repo", tmp_path, "--to", f"git:{tmp_path}")

        assert done.code in (2, 4)
        assert done.err.count("\n") == 1

    def test_no_token_for_github(self, debrief, repo):
        done = debrief("run", "--repo", repo, "--to", "github:o/r")

        assert done.code == 2
        assert "GITHUB_TOKEN" in done.err
        assert done.err.count("\n") == 1

    def test_no_model_key_is_said_and_is_no_fault(self, debrief, repo, tmp_path):
        write_lines(tmp_path / "d.jsonl", corrected_drafts(5))
        debrief("import", tmp_path / "d.jsonl")

        done = debrief("run", "--repo", repo, "--to", f"git:{repo}", "--json")

        assert done.code == 0
        assert NOW.year == 2026
        assert any(one["code"] == "no_key" for one in done.json["left_out"])


def test_intents_keep_their_ids_while_conversations_come_in(debrief, tmp_path):
    wishes = ("cancel my booking", "send me the invoice", "change the delivery address")
    lines = [
        {
            "id": f"c-{number}",
            "agent": "support",
            "messages": [{"role": "user", "content": f"{opening}, I want to {wishes[number % 3]}"}],
        }
        for number in range(90)
        for opening in ["Hello" if number % 2 else "Good day"]
    ]
    debrief("import", write_lines(tmp_path / "first.jsonl", lines[:60]))
    before = debrief("intents", "list", "--json").json["intents"]

    debrief("import", write_lines(tmp_path / "second.jsonl", lines[60:]))
    after = debrief("intents", "list", "--json").json["intents"]

    assert len(before) >= 2
    assert {one["id"]: one["name"] for one in before} == {one["id"]: one["name"] for one in after}
    assert sum(one["conversations"] for one in after) > sum(one["conversations"] for one in before)
