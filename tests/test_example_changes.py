"""Cases and data sets from a store to a pull request on GitHub, and back through `debrief eval`."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import pytest
from ruamel.yaml import YAML

from tests.fake_github import REPOSITORY, TOKEN, git, serve_github
from tests.loop import (
    NOW,
    OUTREACH,
    Debrief,
    a_repository,
    accepted_drafts,
    corrected_drafts,
    write_lines,
)

SETTINGS = """version: 1
agents:
  - name: outreach
    prompts: [prompts/outreach.md]
  - name: desk
    prompts: [prompts/desk.md]
cases: {propose: true}
dataset: {path: data/debrief, at_least: 5}
"""
FILES = {
    "prompts/outreach.md": OUTREACH,
    "prompts/desk.md": "# Desk\n\nYou look orders up.\n",
    ".github/debrief.yml": SETTINGS,
}
TO = ("--to", f"github:{REPOSITORY}")


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


def orders(count, *, failing, user=None):
    """Conversations of the desk: who asks for an order is refused, or looked up."""
    found = []
    for number in range(count):
        order = f"W-{number:03d}{'F' if failing else 'S'}"
        at = NOW - timedelta(days=10, hours=number)
        asked = {"role": "user", "content": f"Hello, when does my parcel {order} get here?"}
        refused = {"role": "assistant", "content": "I'm sorry, but I can't help with that."}
        looked = [
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"id": "c1", "name": "find_order", "arguments": {"order": order, "full": True}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "name": "find_order", "content": "on its way"},
            {"role": "assistant", "content": f"Parcel {order} gets there on Monday."},
        ]
        found.append(
            {
                "id": f"{'bad' if failing else 'good'}-{number}",
                "agent": "desk",
                "user_id": user or f"u-{number}-{failing}",
                "start_time": at.isoformat(),
                "messages": [asked, *([refused] if failing else looked)],
                "outcome": {"success": not failing},
            }
        )
    return found


def told(debrief, tmp_path, *groups):
    lines = write_lines(tmp_path / "told.jsonl", [one for group in groups for one in group])
    done = debrief("import", lines)
    assert done.code == 0, done.err


def operation(done, kind):
    return next(one for one in done.json["operations"] if one["kind"] == kind)


def proposed(done, kind):
    """Path to text of what the proposal of this kind writes."""
    return {one["path"]: one["new"] for one in operation(done, kind)["edits"]}


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def desk(debrief, tmp_path):
    """A store in which the desk refuses orders that it should look up."""
    told(debrief, tmp_path, orders(24, failing=True), orders(60, failing=False))
    return debrief


@pytest.fixture
def drafts(debrief, tmp_path):
    """A store with corrected and accepted drafts."""
    accepted = accepted_drafts(40, since=NOW - timedelta(days=18), over=timedelta(days=12))
    told(debrief, tmp_path, corrected_drafts(8), accepted)
    return debrief


def test_failures_and_successes_become_a_file_of_cases_without_a_word_of_a_user(
    desk, fake, repo, tmp_path
):
    done = desk("run", "--repo", repo, *TO, "--json")

    assert done.code == 0, done.err
    ((path, text),) = proposed(done, "cases").items()
    cases = lines(text)
    assert [one["was"] for one in cases] == ["failure"] * 10 + ["success"] * 20
    assert {one["words_of"] for one in cases} == {"store"}
    assert "parcel" not in text
    assert "W-0" not in text
    (call,) = [one for one in cases[0]["checks"] if one["type"] == "tool_called"]
    assert call["tool"] == "find_order"
    assert call["from_user"] == ["order"]
    branch = operation(done, "cases")["branch"]
    assert git(fake.git, "diff", "--name-only", f"main...{branch}").split() == [path]

    again = desk("run", "--repo", repo, *TO, "--json")

    assert again.json["published"]["writes"] == 0


def test_cases_run_against_replies_and_a_command_and_the_store_gives_the_words(
    desk, repo, tmp_path
):
    done = desk("run", "--repo", repo, *TO, "--json")
    ((_, text),) = proposed(done, "cases").items()
    cases = tmp_path / "cases.jsonl"
    cases.write_text(text)
    agent = tmp_path / "agent.py"
    agent.write_text(
        "import json, re, sys\n"
        "asked = json.load(sys.stdin)['messages'][-1]['content']\n"
        "order = re.search(r'W-[0-9]+[A-Z]', asked)[0]\n"
        "call = {'name': 'find_order', 'arguments': {'order': order, 'full': True}}\n"
        "print(json.dumps({'text': 'On Monday.', 'tool_calls': [call]}))\n"
    )
    refusing = [{"id": one["id"], "text": "I cannot help."} for one in lines(text)]
    replies = write_lines(tmp_path / "replies.jsonl", refusing)

    good = desk("eval", cases, "--command", f"{sys.executable} {agent}", "--json")
    bad = desk("eval", cases, "--replies", replies, "--json")

    assert (good.code, good.json["verdicts"]) == (0, {"pass": 30})
    assert (bad.code, bad.json["verdicts"]) == (1, {"fail": 30})
    assert bad.json["cases"][0]["broken"] == [
        "calls `find_order` with full, order; order as the user wrote it"
    ]


def test_corrections_and_accepted_answers_become_a_data_set_where_the_settings_say(
    drafts, fake, repo
):
    done = drafts("run", "--repo", repo, *TO, "--json")

    assert done.code == 0, done.err
    files = proposed(done, "dataset")
    folder = "data/debrief/outreach"
    assert sorted(files) == [
        f"{folder}/config-defaults.yaml",
        f"{folder}/examples.jsonl",
        f"{folder}/preferences.jsonl",
    ]
    examples = lines(files[f"{folder}/examples.jsonl"])
    sources = [one["source"] for one in examples]
    assert (sources.count("correction"), sources.count("accepted")) == (8, 16)
    hard = [one["difficulty"] for one in examples]
    assert hard == sorted(hard)
    assert examples[0]["messages"][-1]["role"] == "assistant"
    pairs = lines(files[f"{folder}/preferences.jsonl"])
    assert len(pairs) == 8
    assert pairs[0]["rejected"][0]["content"].endswith(pairs[0]["chosen"][0]["content"])
    config = YAML(typ="safe").load(files[f"{folder}/config-defaults.yaml"])
    assert config["retention_ratio"] == {"desc": config["retention_ratio"]["desc"], "value": 2}

    again = drafts("run", "--repo", repo, *TO, "--json")

    assert again.json["published"]["writes"] == 0


def test_without_a_folder_in_the_settings_no_data_set_is_proposed(drafts, tmp_path):
    silent = {**FILES, ".github/debrief.yml": SETTINGS.replace("path: data/debrief, ", "")}
    repo = a_repository(tmp_path / "other", silent)

    done = drafts("propose", "--repo", repo, "--out", tmp_path / "bundle", "--json")

    assert "dataset" not in {one["kind"] for one in done.json["operations"]}
    assert "data set" not in json.dumps(done.json["left_out"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{}", "line 1: id: Field required", id="no-case"),
        pytest.param("{", "line 1: case: Invalid JSON", id="no-json"),
    ],
)
def test_a_line_that_is_no_case_is_named(debrief, tmp_path, text, said):
    (tmp_path / "c.jsonl").write_text(text)

    done = debrief("eval", tmp_path / "c.jsonl", "--command", "true")

    assert done.code == 2
    assert said in done.err
