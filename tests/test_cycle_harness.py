"""A tool that refuses its arguments: from conversations to a checked change of its function."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.marker import parse_marker
from tests.bot.readers import findings_for
from tests.fake_github import REPOSITORY, TOKEN, FakeGitHub, git, serve_github
from tests.loop import NOW, Debrief, a_repository, write_lines
from tests.messages_server import KEY, Asked, messages_server
from tests.test_airline import Reader

CODE = '''"""The shop's tools."""

ORDERS = {"W23781": "sent"}


def find_order(order_id: str) -> str:
    """Finds an order by its number."""
    if not order_id.isalnum():
        raise ValueError("an order number has letters and digits only")
    return ORDERS.get(order_id, "unknown")
'''
REFUSED = "ValueError: an order number has letters and digits only"
OLD = "    if not order_id.isalnum():"
NEW = f'    order_id = order_id.strip().removeprefix("#")\n{OLD}'
SETTINGS = """version: 1
agents:
  - {name: support, prompts: [prompts/*.md], harness: [shop/*.py]}
harness: {check: "CHECK", timeout_s: 60}
"""
CHECK = "python3 -c 'from shop.tools import find_order; assert find_order(chr(87) + str(23781))'"
PROMPT = "# Support\n\nYou help customers of a shop with their orders. Be brief and friendly.\n"
OTHERS = ("change my delivery address", "return a lamp that is too bright", "get an invoice")


def conversations() -> list[dict[str, Any]]:
    """Half of the customers write their number with a sign that the tool refuses."""
    found = []
    for number in range(160):
        fails = number % 4 == 0
        sign = "#" if fails else ""
        order_id = f"{sign}W{10_000 + number}"
        wish = "know where my parcel is" if fails else OTHERS[number % 3]
        result = (
            {"role": "tool", "tool_call_id": "1", "error": REFUSED}
            if fails
            else {"role": "tool", "tool_call_id": "1", "content": "sent"}
        )
        found.append(
            {
                "id": f"c-{number}",
                "agent": "support",
                "user_id": f"u-{number}",
                "start_time": (NOW - timedelta(days=20, hours=-number)).isoformat(),
                "messages": [
                    {"role": "system", "content": PROMPT},
                    {"role": "user", "content": f"I want to {wish}, order {order_id}."},
                    {
                        "role": "assistant",
                        "tool_calls": [
                            {"id": "1", "name": "find_order", "arguments": {"order_id": order_id}}
                        ],
                    },
                    {"name": "find_order", **result},
                    {"role": "assistant", "content": "I cannot say." if fails else "It is done."},
                ],
                "outcome": {"success": not fails},
            }
        )
    return found


def write(asked: Asked) -> dict[str, Any]:
    edit = {"thought": "", "part": 1, "old": OLD, "new": NEW}
    return {"why_not": "", "edits": [edit] if OLD in asked.between("parts") else []}


def nothing_seen(asked: Asked) -> dict[str, Any]:
    absent = {"present": False, "locus": "unknown", "kind": "none", "rule": "", "quotes": []}
    return findings_for(asked, {**absent, "paraphrase": ""})


@pytest.fixture
def debrief(tmp_path: Path, capsys: Any, monkeypatch: Any) -> Debrief:
    for name in ("ANTHROPIC_API_KEY", "GITHUB_TOKEN", "GH_TOKEN", "DEBRIEF_STORE"):
        monkeypatch.delenv(name, raising=False)
    done = Debrief(tmp_path / "store", capsys)
    lines = write_lines(tmp_path / "conversations.jsonl", conversations())
    assert done("import", lines).code == 0
    return done


@pytest.fixture
def run(
    tmp_path: Path, debrief: Debrief, monkeypatch: Any
) -> Callable[..., tuple[Any, FakeGitHub, list[Any]]]:
    """Cycles against GitHub with a model; gives the last one's JSON, GitHub and its writes."""

    def cycles(check: str = CHECK, times: int = 1) -> tuple[Any, FakeGitHub, list[Any]]:
        files = {
            "shop/__init__.py": "",
            "shop/tools.py": CODE,
            "prompts/support.md": PROMPT,
            ".github/debrief.yml": SETTINGS.replace("CHECK", check.replace('"', '\\"')),
        }
        folder = a_repository(tmp_path / "repository", files)
        bare = tmp_path / "hub.git"
        git(folder, "clone", "--quiet", "--bare", str(folder), str(bare))
        reader = Reader(edits=write, findings=nothing_seen)
        with serve_github(bare) as fake, messages_server(reader) as server:
            monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
            monkeypatch.setenv("GITHUB_API_URL", fake.url)
            monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
            monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
            for _ in range(times):
                before = len(fake.writes)
                done = debrief("run", "--repo", folder, "--to", f"github:{REPOSITORY}", "--json")
                assert done.code in (0, 3), done.err
        return done.json, fake, fake.writes[before:]

    return cycles


def pulls(fake: FakeGitHub) -> list[Any]:
    return [one for one in fake.pulls if (parse_marker(one.body) or {}).get("kind") == "harness"]


def test_the_function_is_mended_and_its_check_stands_in_the_body(run: Any) -> None:
    _, fake, _ = run()

    (pull,) = pulls(fake)
    assert pull.title == "tools.py: Mend find_order"
    assert "Changes 1 line of the function `find_order` in `shop/tools.py`." in pull.body
    assert "| `order_id` | `#A9…` | 40 | 0 |" in pull.body
    assert "from shop.tools import find_order" in pull.body
    assert " passed, in " in pull.body
    assert "I want to know" not in pull.body


def test_the_same_run_twice_gives_no_write(run: Any) -> None:
    _, fake, writes = run(times=2)

    assert len(pulls(fake)) == 1
    assert [one for one in writes if "/pulls" in str(one)] == []


def test_a_change_that_fails_the_check_is_not_proposed_and_the_run_says_why(run: Any) -> None:
    done, fake, _ = run(check="if grep removeprefix shop/tools.py; then exit 1; fi")

    assert pulls(fake) == []
    (left_out,) = [one for one in done["left_out"] if one["code"] == "check_failed"]
    assert left_out["what"] == "tools.py: Mend find_order"
    assert left_out["reason"].startswith("With this change the repository's check `if grep")


def test_a_check_that_fails_without_the_change_is_said_and_does_not_count(run: Any) -> None:
    _, fake, _ = run(check="echo broken since May; exit 1")

    (pull,) = pulls(fake)
    assert "fails without this change as well, so it says nothing of it" in pull.body
    assert "broken since May" in pull.body
