"""The command `debrief versions`, over a real store and a real repository."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main
from bot.versions.redacted import hidden_spans
from tests.fake_github import git

START = datetime(2026, 11, 1, tzinfo=UTC)
PROMPT = """You are OrderBot, and you talk to {customer}. Write to help@acme.example for help.
Look every order up before you answer, even if the customer is in a hurry.
Never promise a refund before the order was found in the system.
Hand over to a person when the customer asks for one twice."""
NEWER = PROMPT.replace("twice", "once")
TOOL = {
    "name": "lookup_order",
    "description": "Look up one order by its id.",
    "parameters": {
        "type": "object",
        "properties": {"order_id": {"type": "string", "description": "like A-1001"}},
    },
}


@dataclass(frozen=True, slots=True)
class Debrief:
    store: Path
    repo: Path
    capsys: pytest.CaptureFixture[str]

    def commit(self, files: dict[str, str], *, day: float) -> str:
        for name, text in files.items():
            path = self.repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        git(self.repo, "add", "-A")
        at = f"{(START + timedelta(days=day)).timestamp():.0f} +0000"
        git(self.repo, "commit", "-q", "-m", "step", env={"GIT_COMMITTER_DATE": at})
        return git(self.repo, "rev-parse", "HEAD")

    def served(self, prompt: str | None, days: Sequence[float], *, agent: str = "support") -> None:
        """One conversation on each day."""
        lines = []
        for day in days:
            said = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]
            if prompt is not None:
                customer = f"customer {day}"
                system = prompt.replace("{customer}", customer)
                said.insert(0, {"role": "system", "content": system})
            lines.append(
                {
                    "id": f"{agent}-{day}",
                    "agent": agent,
                    "start_time": (START + timedelta(days=day)).isoformat(),
                    "messages": said,
                    "tools": [TOOL],
                }
            )
        path = self.repo.parent / f"{agent}-{days[0]}.jsonl"
        path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
        assert main(["import", str(path), "--store", str(self.store)]) == 0
        self.capsys.readouterr()

    def versions(self, *given: str) -> Any:
        options = ["--repo", str(self.repo), "--store", str(self.store), "--json", *given]
        assert main(["versions", *options]) == 0
        return json.loads(self.capsys.readouterr().out)

    def printed(self) -> str:
        assert main(["versions", "--repo", str(self.repo), "--store", str(self.store)]) == 0
        return self.capsys.readouterr().out


@pytest.fixture
def debrief(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Debrief:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    return Debrief(tmp_path / "store", repo, capsys)


def system_of(document: Any, agent: str = "support") -> list[Any]:
    (found,) = (one for one in document["agents"] if one["agent"] == agent)
    return [one for one in found["served"] if one["kind"] == "system"]


def test_each_version_tells_how_many_it_served_and_when(debrief: Debrief) -> None:
    first = debrief.commit({"prompts/support.md": PROMPT}, day=0)
    second = debrief.commit({"prompts/support.md": NEWER}, day=3)
    debrief.served(PROMPT, [1, 2])
    debrief.served(NEWER, [4, 5, 6])

    document = debrief.versions()

    old, new = system_of(document)
    assert [old["result"], new["result"]] == ["exact", "exact"]
    assert (old["version"], new["version"]) == (first[:12], second[:12])
    assert (old["conversations"], new["conversations"]) == (2, 3)
    assert old["parts"][0]["path"] == "prompts/support.md"
    assert new["first_at"] == (START + timedelta(days=4)).isoformat()
    assert (old["commits"]["until"] is None, new["commits"]["until"]) == (False, None)
    assert document["agents"][0]["drift"] == []
    assert document["repository"]["head_sha"] == second


def test_a_merge_that_production_does_not_take_up_is_drift(debrief: Debrief) -> None:
    debrief.commit({"prompts/support.md": PROMPT}, day=0)
    debrief.commit({"prompts/support.md": NEWER}, day=3)
    debrief.served(PROMPT, [1, 9])

    (sentence,) = debrief.versions()["agents"][0]["drift"]

    assert "prompts/support.md" in sentence
    assert "production has not taken that up" in sentence


def test_a_merge_of_today_is_no_drift_yet(debrief: Debrief) -> None:
    debrief.commit({"prompts/support.md": PROMPT}, day=0)
    debrief.commit({"prompts/support.md": NEWER}, day=3)
    debrief.served(PROMPT, [1, 3.5])

    assert debrief.versions()["agents"][0]["drift"] == []


def test_a_text_that_was_never_committed_is_drift(debrief: Debrief) -> None:
    debrief.commit({"prompts/support.md": PROMPT}, day=0)
    debrief.served(PROMPT.replace("Never promise", "Please promise"), [1])

    document = debrief.versions()

    (served,) = system_of(document)
    assert (served["result"], served["version"]) == ("edited", None)
    assert "never on main" in document["agents"][0]["drift"][0]
    assert "near " in debrief.printed()


def test_a_prompt_that_is_elsewhere_is_said_to_be(debrief: Debrief) -> None:
    debrief.commit(
        {"prompts/support.md": "A prompt of quite another agent, which sells lamps."}, day=0
    )
    debrief.served(PROMPT, [1])

    document = debrief.versions()

    assert system_of(document)[0]["result"] == "none"
    assert "in no watched file" in document["agents"][0]["drift"][0]
    assert "not in the repository" in debrief.printed()


def test_the_definition_of_a_tool_has_a_version_of_its_own(debrief: Debrief) -> None:
    debrief.commit({"tools.json": json.dumps([TOOL]), "prompts/support.md": PROMPT}, day=0)
    debrief.commit({"tools.json": json.dumps([{**TOOL, "description": "Look it up."}])}, day=2)
    debrief.served(PROMPT, [1])

    found = debrief.versions()["agents"][0]["served"]

    (tool,) = (one for one in found if one["kind"] == "tool")
    assert (tool["tool"], tool["result"]) == ("lookup_order", "exact")
    assert tool["parts"][0]["path"] == "tools.json"
    assert tool["commits"]["until"] == (START + timedelta(days=2)).isoformat()
    assert re.search(r"tools\.json:.*lookup_order", debrief.printed(), re.DOTALL)


def test_a_docstring_is_the_definition_of_a_tool(debrief: Debrief) -> None:
    code = (
        "def lookup_order(order_id: str) -> dict:\n"
        '    """Look up one order by its id.\n\n    Args:\n        order_id: like A-1001\n    """\n'
    )
    debrief.commit({"agent/tools.py": code}, day=0)
    debrief.served(PROMPT, [1])

    found = debrief.versions()["agents"][0]["served"]

    (tool,) = (one for one in found if one["kind"] == "tool")
    assert tool["result"] == "exact"
    assert tool["parts"][0]["path"] == "agent/tools.py"
    assert tool["parts"][0]["region"] == "lookup_order"


def test_the_settings_say_which_files_count(debrief: Debrief) -> None:
    settings = "version: 1\nagents:\n- name: support\n  prompts: ['texts/*.md']\n"
    debrief.commit({".github/debrief.yml": settings, "prompts/support.md": PROMPT}, day=0)
    debrief.served(PROMPT, [1])
    assert system_of(debrief.versions())[0]["result"] == "none"

    debrief.commit({"texts/support.md": PROMPT}, day=0.5)

    assert system_of(debrief.versions())[0]["parts"][0]["path"] == "texts/support.md"


def test_conversations_without_a_prompt_are_counted(debrief: Debrief) -> None:
    debrief.commit({"prompts/support.md": PROMPT}, day=0)
    debrief.served(None, [1, 2], agent="silent")

    document = debrief.versions()

    assert document["agents"][0]["conversations"] == 2
    assert system_of(document, "silent") == []


def test_an_empty_store_is_said_to_be_empty(debrief: Debrief) -> None:
    debrief.commit({"prompts/support.md": PROMPT}, day=0)

    assert debrief.versions()["agents"] == []
    assert "There are no conversations" in debrief.printed()


def test_a_shallow_clone_is_told_what_to_set(debrief: Debrief, tmp_path: Path) -> None:
    debrief.commit({"prompts/support.md": PROMPT}, day=0)
    debrief.commit({"prompts/support.md": NEWER}, day=3)
    debrief.served(NEWER, [4])
    git(tmp_path, "clone", "-q", "--depth", "1", debrief.repo.as_uri(), "clone")

    shallow = Debrief(debrief.store, tmp_path / "clone", debrief.capsys)

    assert "fetch-depth: 0" in shallow.printed()
    assert shallow.versions()["repository"]["is_whole"] is False


def test_what_strangers_wrote_cannot_steer_the_terminal(debrief: Debrief) -> None:
    debrief.commit({"prompts/support.md": PROMPT}, day=0)
    debrief.served(PROMPT.replace("Never promise", "\x1b[2Jpromise \u202e"), [1])

    printed = debrief.printed()

    assert "\x1b[2J" not in printed
    assert "\u202e" not in printed


@pytest.mark.parametrize(
    ("text", "redacted", "spans"),
    [
        pytest.param("a b", "a b", [], id="nothing"),
        pytest.param("to x@y.z now", "to [email:abcdef] now", [(3, 8)], id="inside"),
        pytest.param("x@y.z", "[email:abcdef]", [(0, 5)], id="all"),
        pytest.param("x@y.z end", "[email:abcdef] end", [(0, 5)], id="at-the-start"),
        pytest.param("see x@y.z", "see [email:abcdef]", [(4, 9)], id="at-the-end"),
        pytest.param(
            "a@b.c and d@e.f.", "[email:abcdef] and [email:abcde0].", [(0, 5), (10, 15)], id="two"
        ),
    ],
)
def test_hidden_spans_are_what_redaction_took(
    text: str, redacted: str, spans: list[tuple[int, int]]
) -> None:
    assert hidden_spans(text, redacted) == spans
