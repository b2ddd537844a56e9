"""Every call of a run meets a fault in turn; the next clean run has to end as an undisturbed one.

`python -m tests.bot.fault_matrix` tries every fault at every call; the tests a part of them.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bot.errors import DebriefError
from bot.marker import render_marker
from bot.records import Operation
from bot.settings import PublishSettings
from tests.bot.plans_built import BRANCH, FILES, ID, PROMPT, an_edit, an_operation, publish_to
from tests.fake_github import (
    BAD_GATEWAY,
    CONFLICT,
    FORBIDDEN_LIMIT,
    LOST_ANSWER,
    LOST_REQUEST,
    NOT_FOUND,
    SERVER_ERROR,
    SERVER_ERROR_AFTER,
    TIMEOUT,
    UNPROCESSABLE,
    FakeGitHub,
    Fault,
    Request,
    a_bare_repository,
    commit_on,
    git,
    serve_github,
)

CRASHES = (LOST_REQUEST, LOST_ANSWER)
"""The run is over at this call: all later ones fail too."""
ANSWERS = (
    SERVER_ERROR,
    BAD_GATEWAY,
    SERVER_ERROR_AFTER,
    FORBIDDEN_LIMIT,
    NOT_FOUND,
    CONFLICT,
    UNPROCESSABLE,
    TIMEOUT,
)
"""This one call fails; what the run does next is its own decision."""
SUCCESSOR = "p-5e6f7a8b"
SETTINGS = PublishSettings(reviewers=("alice", "acme/prompts"))


Act: TypeAlias = Callable[[FakeGitHub, int], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """What stands there, and what is published then."""

    prepare: Callable[[FakeGitHub], object]
    act: Act
    """Takes the client's time limit in seconds."""


def _publish(*operations: Operation, texts: Mapping[str, str] | None = None) -> Act:
    def act(fake: FakeGitHub, timeout_s: int) -> object:
        return publish_to(fake, *operations, texts=texts, settings=SETTINGS, timeout_s=timeout_s)

    return act


def _verdict() -> Act:
    operation = an_operation("verdict", reference="#1")
    marker = render_marker({"comment": "verdict", "id": ID, "result": "worked"})
    return _publish(operation, texts={operation.body_file: f"{marker}\nIt worked."})


def _open(fake: FakeGitHub) -> None:
    _publish(an_operation())(fake, 30)


def _touched(fake: FakeGitHub) -> None:
    _open(fake)
    commit_on(fake.git, BRANCH, {"note.md": "mine\n"})


def _stale(fake: FakeGitHub) -> None:
    _open(fake)
    commit_on(fake.git, "main", {PROMPT: FILES[PROMPT] + "Be kind.\n"})


def _merged(fake: FakeGitHub) -> None:
    _open(fake)
    fake.merge(1)


_update = an_operation("update", fingerprint="f2", edits=(an_edit(new="Other.\n"),))
_close = an_operation("close", superseded_by=SUCCESSOR)
SCENARIOS: Mapping[str, Scenario] = {
    "open": Scenario(prepare=lambda fake: None, act=_publish(an_operation())),
    "update": Scenario(prepare=_open, act=_publish(_update)),
    "stale": Scenario(prepare=_stale, act=_publish(an_operation("update"))),
    "close": Scenario(prepare=_open, act=_publish(an_operation("close"))),
    "supersede": Scenario(
        prepare=_open,
        act=_publish(an_operation(id=SUCCESSOR), _close),
    ),
    "hands-off": Scenario(prepare=_touched, act=_publish(_update)),
    "verdict": Scenario(prepare=_merged, act=_verdict()),
}


def state_of(fake: FakeGitHub) -> object:
    """What people see: trees of the branches, pull requests, comments."""
    trees = git(fake.git, "for-each-ref", "--format=%(refname) %(tree)", "refs/heads")
    pulls = [
        (one.head, one.state, one.title, one.body, one.labels, one.requested, bool(one.merged_at))
        for one in fake.pulls
    ]
    comments = [[comment["body"] for comment in pull.comments] for pull in fake.pulls]
    return trees, pulls, comments


def disturbed(
    fake: FakeGitHub, scenario: Scenario, faults: Callable[[int, Request], tuple[Fault, ...]]
) -> Iterator[tuple[str, object, object]]:
    """(which fault at which call, the state wanted, the state after the next clean run)."""
    scenario.prepare(fake)
    kept, before = fake.snapshot(), len(fake.requests)
    scenario.act(fake, 30)
    requests, wanted = fake.requests[before:], state_of(fake)
    for call, request in enumerate(requests, start=1):
        for fault in faults(call, request):
            if fault.is_carried_out and request.method == "GET":
                continue  # The same as a lost request.
            fake.restore(kept)
            fake.break_from(call, fault, calls=1 if fault in ANSWERS else 1_000_000)
            with suppress(DebriefError):
                scenario.act(fake, 1 if fault is TIMEOUT else 30)
            fake.mend()
            scenario.act(fake, 30)
            yield (
                f"{fault.name} at call {call}, {request.method} {request.path}",
                wanted,
                state_of(fake),
            )


def all_faults(call: int, request: Request) -> tuple[Fault, ...]:
    return (*CRASHES, *ANSWERS)


def main() -> int:
    """Try everything; print what does not end as it should."""
    wrong = 0
    for name, scenario in SCENARIOS.items():
        with tempfile.TemporaryDirectory() as folder:
            bare = a_bare_repository(Path(folder) / "agent.git", FILES)
            with serve_github(bare) as fake:
                results = list(disturbed(fake, scenario, all_faults))
        bad = [what for what, wanted, found in results if wanted != found]
        wrong += len(bad)
        sys.stdout.write(f"{name}: {len(results)} faults, {len(bad)} end elsewhere\n")
        sys.stdout.writelines(f"  {what}\n" for what in bad)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
