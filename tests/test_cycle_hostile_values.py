"""Hostile words around changes that are computed: a limit and a threshold.

No word of a conversation has a way into these but by a name, so each name that a sender chooses is
hostile here, and every user and every answer says a hostile set.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.marker import parse_marker
from tests.fake_github import REPOSITORY, TOKEN, git, serve_github
from tests.hostile import Left, attacks, collect, found_in
from tests.hostile_names import PAYLOADS, TOKEN_WORD
from tests.loop import NOW, THRESHOLDS, Debrief, a_repository, decisions, write_lines

SETTINGS = """version: 1
agents:
  - {name: writer, prompts: [prompts/writer.md], configs: [config/writer.yaml]}
  - {name: fraud-desk, thresholds: [config/thresholds.yaml]}
"""
PROMPT = "# Writer\n\nYou describe rooms.\n"
ANSWERS = 200
CUT_CHARS = 800
"""200 tokens, which a third of the answers need more than."""


@pytest.fixture
def debrief(tmp_path: Path, capsys: Any, monkeypatch: Any) -> Debrief:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "GH_TOKEN", "DEBRIEF_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    return Debrief(tmp_path / "store", capsys)


def answers() -> Iterator[dict[str, Any]]:
    """Spans of an agent whose long answers are cut off; all that is said is hostile."""
    drawn = random.Random(1)  # noqa: S311 - drawn sizes, no secret
    payloads = itertools.cycle(PAYLOADS.values())
    orders = itertools.cycle(attacks())
    for number in range(ANSWERS):
        order, payload = next(orders), next(payloads)
        size = int(700 * drawn.lognormvariate(0, 0.5))
        text = f"{order.new} {payload} ".ljust(2_000, "x")[: min(size, CUT_CHARS)]
        reason = "length" if size > CUT_CHARS else "stop"
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.conversation.id": f"{payload} {number}",
            "gen_ai.agent.name": "writer",
            "gen_ai.request.model": payload,
            "user.id": f"{payload} {number % 60}",
            "gen_ai.system_instructions": [{"type": "text", "content": PROMPT}],
            "gen_ai.input.messages": [_message("user", f"{order.said} {payload}")],
            "gen_ai.output.messages": [{**_message("assistant", text), "finish_reason": reason}],
        }
        start = int((NOW - timedelta(hours=number + 1)).timestamp()) * 1_000_000_000
        span = {
            "traceId": f"{number + 1:032x}",
            "spanId": f"{number + 1:016x}",
            "name": "chat",
            "kind": 3,
            "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(start + 3_000_000_000),
            "attributes": [_attribute(*one) for one in attributes.items()],
        }
        yield {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [span]}]}]}


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _attribute(key: str, value: object) -> dict[str, Any]:
    text = value if isinstance(value, str) else json.dumps(value)
    return {"key": key, "value": {"stringValue": text}}


def hostile_decisions() -> list[dict[str, Any]]:
    """Reviewed decisions of which people say a hostile set."""
    orders = itertools.cycle(attacks())
    return [
        {**one, "reasoning": next(orders).new, "note": f"{next(orders).said} {TOKEN_WORD}"}
        for one in decisions(400)
    ]


def assert_no_word_left(left: Left) -> None:
    """Ids may stand in a body, in code; what is said stands nowhere."""
    telling = [" ".join(one.new.split()) for one in attacks() if len(one.new.split()) > 3]
    plain = {where: " ".join(text.split()) for where, text in left.everything.items()}
    assert found_in(left.strict, [TOKEN_WORD]) == []
    assert [(where, one) for one in telling for where, text in plain.items() if one in text] == []


def test_what_is_computed_carries_no_word_of_those_it_is_computed_from(
    debrief: Debrief, tmp_path: Path, monkeypatch: Any
) -> None:
    files = {
        "prompts/writer.md": PROMPT,
        "config/writer.yaml": "model: m\nmax_tokens: 200  # kept\n",
        "config/thresholds.yaml": THRESHOLDS,
        ".github/debrief.yml": SETTINGS,
    }
    repo, out = a_repository(tmp_path / "repo", files), tmp_path / "out"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(tmp_path / "hub.git"))
    out.mkdir()
    given = [
        write_lines(tmp_path / "a.otlp.jsonl", answers()),
        write_lines(tmp_path / "d.jsonl", hostile_decisions()),
    ]
    imported = debrief("import", *given)
    pages = ("--out", out / "bundle", "--summary", out / "summary.md")
    with serve_github(tmp_path / "hub.git") as fake:
        monkeypatch.setenv("GITHUB_API_URL", fake.url)
        to = f"github:{REPOSITORY}"
        done = debrief("run", "--repo", repo, "--to", to, *pages, "--json")

    assert [imported.code, done.code] == [0, 0], done.err
    opened = {(parse_marker(one.body) or {})["kind"] for one in fake.pulls}
    assert {"config", "threshold"} <= opened, done.json["left_out"]
    assert_no_word_left(collect(fake, debrief, out, done.out, done.err))
