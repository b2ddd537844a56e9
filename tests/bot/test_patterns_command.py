"""`debrief patterns` as people and programs read it: why, how sure, and what is not said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.loop import NOW, Debrief, a_repository, write_lines
from tests.messages_server import KEY, Answer, Asked, messages_server, says

PROMPT = "# Support\n\nYou help people who bought a lamp.\n"
SETTINGS = """agents:
  - name: support
    prompts: [prompt.md]
    task: Help people who bought a lamp.
    done_when: The lamp works or is paid back.
"""
FAILS, WORKS = "I cannot mend the lamp for you.", "The money for the lamp is on its way."


@pytest.fixture
def debrief(tmp_path, capsys, monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "GITHUB_TOKEN", "DEBRIEF_STORE"):
        monkeypatch.delenv(name, raising=False)
    return Debrief(tmp_path / "store", capsys)


def conversation(number: int, *, failed: bool, declared: bool = True, **more: Any) -> Any:
    """One user who wants a broken lamp mended, or a good one delivered."""
    at = NOW - timedelta(days=1 + number % 20, minutes=number)
    wish = "My lamp is broken, please mend it." if failed else "Please pay back my lamp."
    return {
        "id": f"c-{number}",
        "agent": "support",
        "user_id": f"u-{number}",
        "start_time": at.isoformat(),
        "messages": [
            {"role": "system", "content": PROMPT},
            {"role": "user", "content": f"{wish} It is number {number}."},
            {"role": "assistant", "content": FAILS if failed else WORKS},
        ],
        **({"outcome": {"success": not failed}} if declared else {}),
        **more,
    }


def sent(debrief: Debrief, tmp_path, records: list[Any]) -> None:
    assert debrief("import", write_lines(tmp_path / "in.jsonl", records)).code == 0


def test_a_program_finds_every_part_under_its_key(debrief, tmp_path):
    records = [
        conversation(n, failed=n % 2 == 0, segments={"channel": "web" if n % 2 == 0 else "mail"})
        for n in range(120)
    ]
    sent(debrief, tmp_path, records)

    told = debrief("patterns", "--json").json

    assert set(told) == {
        *("agents", "tested", "patterns", "gone", "decisions", "signals", "workflows"),
        *("findings", "refused", "compared"),
    }
    assert told["compared"][told["patterns"][0]["id"]]["rate"] == told["patterns"][0]["rate"]
    (pattern, *_) = told["patterns"]
    assert pattern["risk_difference"] > 0.5
    assert pattern["interval"]["low"] <= pattern["risk_difference"] <= pattern["interval"]["high"]
    assert {"cause", "exemplars", "share_explained", "q_value", "weeks"} <= set(pattern)
    (work, *_) = told["workflows"]
    assert (work["span"], work["jobs"]) == ("last 100 jobs", 100)
    assert work["completion"]["failed"] == 48  # done, of the newest hundred
    assert {"corrections", "decisions"}.isdisjoint(pattern)  # they hold texts of people


@pytest.mark.parametrize(
    ("count", "failing", "said"),
    [
        pytest.param(60, 0, "0 of 60 users failed, 0 %", id="healthy"),
        pytest.param(9, 3, "3 of 9 users failed, 33 % (12\u201365); 20 are needed", id="too-few"),
    ],
)
def test_what_is_healthy_and_what_is_too_little_are_said(debrief, tmp_path, count, failing, said):
    sent(debrief, tmp_path, [conversation(n, failed=n < failing) for n in range(count)])

    text = " ".join(debrief("patterns").out.split())

    assert said in text
    assert ("healthy" in text) == (failing == 0)
    assert ("not enough data" in text) == (failing > 0)
    assert "Why users fail" not in text


def judged(asked: Asked) -> Answer:
    """A reader of outcomes: a lamp that is not mended is a failure."""
    properties = (asked.schema or {}).get("properties", {})
    if "outcome" in properties:
        failed = FAILS in asked.user
        quote = FAILS if failed else WORKS
        return says(
            {
                "wanted": "a lamp",
                "done": "what was asked" if not failed else "nothing",
                "outcome": "failure" if failed else "success",
                "turn": 1,
                "quote": quote,
            }
        )
    if "coherent" in properties:
        name = "mend a lamp" if "broken" in asked.user else "be paid back"
        return says(
            {"coherent": True, "name": name, "definition": name, "include": [], "exclude": []}
        )
    return says({"merge": [], "split": []})


def read(asked: list[Asked]) -> int:
    """Conversations whose outcome was asked for."""
    return sum("It is done when: The lamp works" in one.user for one in asked)


def test_outcomes_that_nobody_declared_are_inferred_and_called_so(debrief, tmp_path, monkeypatch):
    records = [conversation(n, failed=n % 2 == 0, declared=False) for n in range(200)]
    sent(debrief, tmp_path, records)
    repo = a_repository(tmp_path / "repo", {"prompt.md": PROMPT, ".github/debrief.yml": SETTINGS})

    with messages_server(judged) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        told = debrief("patterns", "--json", "--repo", repo).json
        assert read(server.asked) == 150
        again = debrief("patterns", "--repo", repo)
        assert read(server.asked) == 150  # what was answered once is not paid for twice

    (finding,) = [one for one in told["findings"] if one["kind"] == "inferred_outcomes"]
    assert "a model read 150 of 200 conversations (7" in finding["sentence"]
    assert "Declare outcomes to replace them." in finding["sentence"]
    assert told["patterns"]
    assert {one["outcome"] for one in told["patterns"]} == {"inferred:failure"}
    assert "inferred" in again.out
    # Never mixed: what is inferred completes no job, for nobody declared one.
    assert not told["workflows"]
