"""Each pattern gets one answer in a run: a pull request, a finding, or a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.marker import parse_marker
from tests.bot.readers import findings_for
from tests.fake_github import REPOSITORY, TOKEN, FakeGitHub, git, serve_github
from tests.loop import Debrief, Done, a_repository, write_lines
from tests.messages_server import KEY, Asked, messages_server
from tests.test_airline import Reader
from tests.test_cycle_harness import CODE, PROMPT, conversations, nothing_seen, write

MISSING = "Error: order not found"
"""By its words a fault of the records; only the form of the numbers tells that it is not."""


def lookups(form: str) -> list[dict[str, Any]]:
    """Half of those who look for a parcel give a number of this form, and it is not found."""
    lines = conversations()[:80]
    for number, line in enumerate(lines):
        _, wish, call, result, _ = line["messages"]
        if number % 4 < 2:
            wish["content"] = f"I want to know where my parcel is, order W{10_000 + number}."
        if "error" in result:
            result["error"] = MISSING
            call["tool_calls"][0]["arguments"]["order_id"] = f"{form}{10_000 + number}"
    return lines


@pytest.fixture
def debrief(tmp_path: Path, capsys: Any, monkeypatch: Any) -> Debrief:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "GH_TOKEN", "DEBRIEF_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    return Debrief(tmp_path / "store", capsys)


class Cycles:
    """A repository, GitHub and a model around one store."""

    def __init__(self, debrief: Debrief, folder: Path, monkeypatch: Any, code: str = CODE) -> None:
        self.debrief = debrief
        settings = "{name: support, prompts: [prompts/*.md], harness: [shop/*.py]}"
        files = {
            "shop/tools.py": code,
            "prompts/support.md": PROMPT,
            ".github/debrief.yml": f"version: 1\nagents:\n  - {settings}\n",
        }
        self.repo = a_repository(folder / "repository", files)
        self.bare = folder / "hub.git"
        git(self.repo, "clone", "--quiet", "--bare", str(self.repo), str(self.bare))
        self.setenv = monkeypatch.setenv

    def run(self, reader: Any, *, times: int = 1) -> tuple[list[Done], FakeGitHub]:
        with serve_github(self.bare) as fake, messages_server(reader or Reader()) as server:
            self.setenv("GITHUB_API_URL", fake.url)
            self.setenv("ANTHROPIC_BASE_URL", server.url)
            if reader is not None:
                self.setenv("ANTHROPIC_API_KEY", KEY)
            to = ("--to", f"github:{REPOSITORY}", "--json")
            done = [self.debrief("run", "--repo", self.repo, *to) for _ in range(times)]
        assert [one.code for one in done] == [0] * times, done[0].err
        return done, fake


def answers(done: Done, fake: FakeGitHub) -> dict[str, list[str]]:
    """Pattern to what the run says of it: pull requests, findings, reasons."""
    found: dict[str, list[str]] = {one["id"]: [] for one in done.json["patterns"]}
    for one in done.json["findings"]:
        if one["pattern_id"]:
            found[one["pattern_id"]].append(f"finding {one['kind']}")
    for one in done.json["left_out"]:
        # Of an open pull request a run says only that nothing is new.
        if one["pattern_id"] and one["code"] != "unchanged":
            found[one["pattern_id"]].append(f"reason {one['code']}")
    for pull in fake.pulls:
        marker = parse_marker(pull.body) or {}
        own = found.get(str(marker.get("pattern_id")))
        if own is not None:
            own.append(f"pull request {marker['kind']}")
    return found


def test_a_cause_that_turns_out_to_lie_in_a_tool_is_no_finding_beside_its_pull_request(
    debrief: Debrief, tmp_path: Path, monkeypatch: Any
) -> None:
    debrief("import", write_lines(tmp_path / "c.jsonl", lookups("#W")))

    (first, second), fake = Cycles(debrief, tmp_path, monkeypatch).run(
        Reader(edits=write, findings=nothing_seen), times=2
    )

    for done in (first, second):
        assert {one["root_cause"] for one in done.json["patterns"]} == {"data"}
        every = list(answers(done, fake).values())
        assert ["pull request harness"] in every
        assert max(map(len, every)) == 1, every


def test_where_the_prompt_was_tried_for_want_of_the_tools_file_there_is_one_reason(
    debrief: Debrief, tmp_path: Path, monkeypatch: Any
) -> None:
    debrief("import", write_lines(tmp_path / "c.jsonl", lookups("#W")))

    (done,), fake = Cycles(debrief, tmp_path, monkeypatch, code="LIMIT = 3\n").run(
        Reader(findings=nothing_seen, differences=lambda asked: {"differences": []})
    )

    every = list(answers(done, fake).values())
    assert ["reason evidence_floor"] in every
    assert max(map(len, every)) == 1, every
    (told,) = (one for one in done.json["left_out"] if one["code"] == "evidence_floor")
    assert told["reason"].startswith("The tool that it lies in stands in no file of this agent")
    assert told["detail"]


def test_a_fact_that_the_owner_has_to_state_is_the_only_finding_of_its_pattern(
    debrief: Debrief, tmp_path: Path, monkeypatch: Any
) -> None:
    def missing(asked: Asked) -> dict[str, Any]:
        said = {
            "present": True,
            "locus": "knowledge",
            "kind": "missing_fact",
            "rule": "Say where parcels are kept.",
            "quotes": [{"turn": 3, "text": "I cannot say."}],
            "paraphrase": "The agent did not know where parcels are kept.",
        }
        return findings_for(asked, said)

    debrief("import", write_lines(tmp_path / "c.jsonl", lookups("W")))

    (done,), fake = Cycles(debrief, tmp_path, monkeypatch).run(Reader(findings=missing))

    every = list(answers(done, fake).values())
    assert ["finding missing_fact"] in every
    assert max(map(len, every)) == 1, every


def test_without_a_key_the_finding_of_a_rule_is_the_answer(
    debrief: Debrief, tmp_path: Path, monkeypatch: Any
) -> None:
    debrief("import", write_lines(tmp_path / "c.jsonl", lookups("W")))

    (done,), fake = Cycles(debrief, tmp_path, monkeypatch).run(None)

    every = list(answers(done, fake).values())
    assert ["finding root_cause:data"] in every
    assert max(map(len, every)) == 1, every
