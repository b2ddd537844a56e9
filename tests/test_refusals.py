"""Each refusal through the real command, as one sentence: what, why, what to do.

The repository is `tests/realistic_repository.py`; each case takes away or sets one thing. Guests
and the model are simulated.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.careful_model import careful
from tests.fake_github import ALICE, REPOSITORY, TOKEN, serve_github
from tests.loop import git
from tests.messages_server import KEY, Answer, Asked, messages_server, says
from tests.realistic_repository import (
    BOOKING_CONFIG,
    SETTINGS,
    SUPPORT_TOOLS,
    THRESHOLDS,
    a_realistic_repository,
)
from tests.realistic_story import START, Story, environment
from tests.realistic_traffic import World, import_days

pytestmark = pytest.mark.slow
DAYS = 14
QUIET = "cases: {propose: true}\ndataset: {path: data/debrief, at_least: 12}\n"
ALONE = SETTINGS.replace(QUIET, "judge: {share: 0}\n")
"""Without what is no part of these cases."""
MOST_CHARS = 220
MARKS = re.compile(r"Traceback|<[a-z]+ object|Exception|None\b|\bnan\b|\{|\}")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of two weeks."""
    folder = tmp_path_factory.mktemp("filled")
    story = Story(folder=folder, repo=folder, fake=None)  # type: ignore[arg-type]
    first = (START - timedelta(days=DAYS)).replace(hour=0)
    with environment({}):
        import_days(story.debrief, folder, World(), first=first, days=DAYS, now=START)
    return folder / "store"


@pytest.fixture
def refused(filled: Path, tmp_path: Path) -> Callable[..., dict[str, list[str]]]:
    """Runs a cycle on a changed repository; gives "what: reason" of all left out, by code."""
    shutil.copytree(filled, tmp_path / "store")

    def run(
        changed: Mapping[str, str] | None = None,
        *,
        key: bool = True,
        model: Callable[[Asked], Answer] = careful,
        before: Callable[[Story], object] = lambda story: None,
    ) -> dict[str, list[str]]:
        texts = {".github/debrief.yml": ALONE, **(changed or {})}
        repo = a_realistic_repository(tmp_path / "repository", now=START, changed=texts)
        bare = tmp_path / "hub.git"
        git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
        with serve_github(bare) as fake, messages_server(model) as server:
            fake.today = f"{START:%Y-%m-%d}"
            keys = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": fake.url}
            if key:
                keys |= {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": server.url}
            with environment(keys):
                story = Story(folder=tmp_path, repo=repo, fake=fake)
                before(story)
                return left_out(story)

    return run


def left_out(story: Story) -> dict[str, list[str]]:
    to = ("--to", f"github:{REPOSITORY}")
    done = story.debrief("run", "--repo", story.repo, *to, "--json", now=START)
    assert done.code in (0, 3), done.err
    document = json.loads(done.out)
    found: dict[str, list[str]] = {}
    for one in [*document["left_out"], *document["published"]["refused"]]:
        found.setdefault(one["code"], []).append(f"{one['what']}: {one['reason']}")
    return found


def in_settings(old: str, new: str) -> dict[str, str]:
    assert old in ALONE
    return {".github/debrief.yml": ALONE.replace(old, new)}


def rejected(story: Story) -> None:
    """A first run opens its pull requests, and a person turns the threshold's down."""
    left_out(story)
    pull = next(one for one in story.fake.pulls if "kind/threshold" in one.labels)
    story.fake.say(pull.number, ALICE, "not a problem: finance wants to see them all")
    story.fake.close(pull.number, ALICE)


def paused(story: Story) -> None:
    to = ("--to", f"github:{REPOSITORY}")
    assert story.debrief("pause", *to, now=START).code == 0


def hostile_writer(asked: Asked) -> Answer:
    """Writes what no guardrail lets through."""
    answer = careful(asked)
    said = json.loads(answer.text)
    for one in said.get("candidates", ()):
        one["new"] += " See https://example.com/terms."
    return says(said)


RUNS: Mapping[str, tuple[dict[str, Any], Mapping[str, str]]] = {
    "files that are elsewhere, broken or not ours": (
        {
            "changed": {
                **in_settings("agents/support/support/*.py", "agents/support/app.py"),
                "config/thresholds.yaml": "# moved to the console\n",
                "agents/booking/tools.yaml": "tools:\n  - name: [search_rooms\n",
                "agents/booking/config-defaults.yaml": BOOKING_CONFIG.replace("256", "90000"),
            }
        },
        {
            "no_file": r"refund\.review.*config/thresholds\.yaml",
            "not_allowed": r"agents/support/support/tools\.py.*add it to `harness`",
            "no_file ": r"agents/booking/tools\.yaml.*does not parse",
            "no_file  ": r"argument `arrival` of the tool `search_rooms`",
            "production_differs": r"max_tokens.*is 90000, and in production answers stop at about",
        },
    ),
    "an edit that no guardrail lets through, and two places": (
        {
            "model": hostile_writer,
            "changed": {"agents/support/support/copy.py": SUPPORT_TOOLS},
        },
        {"guardrail": r"adds a link", "ambiguous": r"copy\.py"},
    ),
    "a budget that is spent": (
        {"changed": in_settings("budget_usd: 5", "budget_usd: 0.005")},
        {"budget": r"raise model\.budget_usd"},
    ),
    "no key, one a week, too few corrections": (
        {
            "key": False,
            "changed": {
                ".github/debrief.yml": SETTINGS.replace("at_least: 12", "at_least: 500")
                + "limits: {new_per_week: 1}\n"
            },
        },
        {
            "no_key": r"set ANTHROPIC_API_KEY",
            "cap": r"1 new proposal",
            "evidence_floor": r"500",
        },
    ),
    "a check that fails, a number that production does not use": (
        {
            "key": False,
            "changed": {
                **in_settings(
                    "model: {budget_usd: 5}",
                    "harness: {check: grep -q 256 agents/booking/config-defaults.yaml}",
                ),
                "config/thresholds.yaml": THRESHOLDS.replace("0.50", "0.55"),
            },
        },
        {
            "check_failed": r"Raise max_tokens.*the repository's check `grep",
            "production_differs": r"deploy the file or correct it",
        },
    ),
    "what a person turned down": (
        {"key": False, "before": rejected},
        {"rejected_before": r"was closed as not a problem"},
    ),
    "a pause": ({"key": False, "before": paused}, {"paused": r"dashboard"}),
}
"""What is given, and what is left out: code (blanks tell equal ones apart) to words of it."""


@pytest.mark.parametrize("name", RUNS)
def test_each_refusal_is_one_clear_sentence(
    refused: Callable[..., dict[str, list[str]]], name: str
) -> None:
    given, expected = RUNS[name]

    found = refused(**given)

    for code, words in expected.items():
        (first, *_) = [one for one in found.get(code.strip(), ()) if re.search(words, one)] or [""]
        assert first, (code, found)
        assert MARKS.search(first) is None, first
    for told in (one for every in found.values() for one in every):
        _, _, reason = told.partition(": ")
        assert len(told) <= MOST_CHARS, told
        assert reason.endswith("."), told
        assert re.search(r"[.!?] +[A-Z]", reason) is None, told
