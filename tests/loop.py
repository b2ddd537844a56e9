"""Builders for tests of whole commands: a repository, files to import, and the command line."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
IDENTITY = {
    "GIT_AUTHOR_NAME": "A Person",
    "GIT_AUTHOR_EMAIL": "person@example.com",
    "GIT_COMMITTER_NAME": "A Person",
    "GIT_COMMITTER_EMAIL": "person@example.com",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}
OUTREACH = """# Outreach

You draft e-mails. A person edits every draft before it is sent.

## Style

- Write plainly. No superlatives.
- At most 120 words.

## Facts

- Samples are free.
"""
THRESHOLDS = "# reviewed by the risk team\nfraud:\n  flag: 0.50 # a person checks\n"
OPENINGS = (
    "I hope this finds you well.",
    "What a lovely autumn we are having!",
    "I saw your new lobby and had to smile.",
    "Congratulations on the season.",
    "It was a pleasure to read about you.",
)


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


class Debrief:
    """The command line, in this process, on one store and a fixed clock."""

    def __init__(self, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.store = store
        self._capsys = capsys

    def __call__(self, *arguments: object, now: datetime = NOW) -> Done:
        self._capsys.readouterr()
        given = [*map(str, arguments), "--store", str(self.store), "--now", now.isoformat()]
        code = main(given, pause_s=0)
        said = self._capsys.readouterr()
        return Done(code, said.out, said.err)


def a_repository(path: Path, files: Mapping[str, str], *, at: datetime | None = None) -> Path:
    """A git repository with one commit on main."""
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    when = at or NOW - timedelta(days=60)
    git(path, "init", "--quiet", "--initial-branch", "main")
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message", "As in production", at=when)
    return path


def git(path: Path, *arguments: str, at: datetime = NOW) -> str:
    dates = {"GIT_AUTHOR_DATE": at.isoformat(), "GIT_COMMITTER_DATE": at.isoformat()}
    done = subprocess.run(
        ["git", "-C", str(path), *arguments],
        env={"PATH": os.environ["PATH"], **IDENTITY, **dates},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def write_lines(path: Path, values: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def corrected_drafts(
    count: int, *, declared: bool = False, level: str = "c_level"
) -> list[dict[str, Any]]:
    """Conversations in which a reviewer removed the opening of a draft."""
    drafts = []
    for number in range(count):
        at = NOW - timedelta(days=20 - number, hours=1)
        body = f"We supply hotels. You open a house in city {'abcdefgh'[number % 8]}. Samples?"
        original = f"{OPENINGS[number % len(OPENINGS)]}\n\n{body}"
        correction = {
            "event": "debrief.correction",
            "at": at.isoformat(),
            "original": original,
            "corrected": body,
            "segment.contact_level": level,
            "reviewer.id": "manager-1",
            **({"type": "opening_removed"} if declared else {}),
        }
        drafts.append(
            {
                "id": f"draft-{number}",
                "agent": "outreach",
                "start_time": (at - timedelta(hours=1)).isoformat(),
                "messages": [
                    {"role": "system", "content": OUTREACH},
                    {"role": "user", "content": "Draft a mail."},
                    {"role": "assistant", "content": original},
                ],
                "events": [correction],
            }
        )
    return drafts


def accepted_drafts(
    count: int,
    *,
    since: datetime,
    over: timedelta = timedelta(days=6),
    level: str = "c_level",
    system: str = OUTREACH,
) -> list[dict[str, Any]]:
    """Conversations in which a reviewer sent the draft as it was, evenly over some days."""
    return [
        {
            "id": f"accepted-{number}",
            "agent": "outreach",
            "start_time": (at := since + over * number / count).isoformat(),
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": "Draft a mail."},
                {"role": "assistant", "content": f"We supply hotels, {number}. Samples?"},
            ],
            "events": [
                {
                    "event": "debrief.review",
                    "at": (at + timedelta(hours=1)).isoformat(),
                    "action": "accepted",
                    "segment.contact_level": level,
                }
            ],
        }
        for number in range(count)
    ]


def decisions(
    count: int,
    *,
    answered: float = 0.95,
    needed_from: float = 0.6,
    newest: timedelta = timedelta(days=3),
    span: timedelta = timedelta(days=24),
    threshold: float = 0.5,
    first: int = 0,
) -> list[dict[str, Any]]:
    """Decisions at a threshold, and what reviewers said; what scores less than needed is dismissed.

    They are numbered from `first` on and spread over `span`, the last one `newest` before now.
    """
    events: list[dict[str, Any]] = []
    for number in range(first, first + count):
        at = NOW - newest - span * (first + count - 1 - number) / max(1, count)
        score = round(threshold + 0.4 * ((number * 37) % 100) / 100, 3)
        events.append(
            {
                "event": "debrief.decision",
                "agent": "fraud-desk",
                "conversation_id": f"order-{number}",
                "user_id": f"buyer-{number}",
                "at": at.isoformat(),
                "id": f"d-{number}",
                "action": "flag",
                "confidence": score,
                "threshold.name": "fraud.flag",
                "threshold.value": threshold,
                "input.hash": f"h-{number}",
            }
        )
        if (number * 61) % 100 < answered * 100:
            events.append(
                {
                    "event": "debrief.response",
                    "agent": "fraud-desk",
                    "conversation_id": f"order-{number}",
                    "at": (at + timedelta(hours=5)).isoformat(),
                    "decision.id": f"d-{number}",
                    "action": "approve" if score >= needed_from else "dismiss",
                    "responder.id": "risk-1",
                }
            )
    return events
