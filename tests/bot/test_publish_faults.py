"""Publish dies after each single call in turn; the next run ends where an undisturbed one does."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from bot.errors import FaultElsewhere, GitHubError
from bot.records import Operation
from tests.bot.fault_matrix import ANSWERS, CRASHES, SCENARIOS, disturbed, state_of
from tests.bot.plans_built import (
    FILES,
    an_edit,
    an_operation,
    publish_to,
)
from tests.fake_github import (
    ALICE,
    CONFLICT,
    LOST_ANSWER,
    LOST_REQUEST,
    NOT_FOUND,
    RATE_LIMIT,
    SECONDARY_LIMIT,
    SERVER_ERROR,
    FakeGitHub,
    Fault,
    Request,
    a_bare_repository,
    serve_github,
)

pytestmark = pytest.mark.slow
COME_BACK = Fault(
    name="retry-after", status=429, message="Slow down.", headers={"Retry-After": "3600"}
)
Serve = Callable[[], AbstractContextManager[FakeGitHub]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """A new fake with a new repository, each time it is called."""
    template = a_bare_repository(tmp_path / "template.git", FILES)
    numbers = itertools.count()

    def start() -> AbstractContextManager[FakeGitHub]:
        made = shutil.copytree(template, tmp_path / f"{next(numbers)}.git")
        return serve_github(made)

    return start


@pytest.fixture
def fake(serve: Serve) -> Iterator[FakeGitHub]:
    with serve() as fake:
        yield fake


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_fault_at_any_call_is_finished_by_the_next_run(fake: FakeGitHub, name: str) -> None:
    def some(call: int, request: Request) -> tuple[Fault, ...]:
        """Both crashes at each call, and the other faults in turn from call to call."""
        return *CRASHES, ANSWERS[call % len(ANSWERS)]

    for what, wanted, found in disturbed(fake, SCENARIOS[name], some):
        assert found == wanted, f"after {what}"


def test_a_comparison_that_github_cannot_find_says_nothing_about_who_made_the_branch(
    fake: FakeGitHub,
) -> None:
    update = an_operation("update", fingerprint="f2", edits=(an_edit(new="Other.\n"),))
    open_one(fake)
    before = len(fake.requests)
    publish_to(fake, update, dry_run=True)
    paths = [request.path for request in fake.requests[before:]]
    compared = next(n for n, path in enumerate(paths, 1) if "/compare/" in path)
    fake.break_from(compared, NOT_FOUND, calls=1)

    with pytest.raises(GitHubError, match="Not Found"):
        publish_to(fake, update)

    assert fake.pulls[0].comments == []


def open_one(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())


def close(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation("close"))


@pytest.mark.parametrize("fault", [SERVER_ERROR, CONFLICT], ids=lambda f: f.name)
def test_a_fault_is_one_line_with_the_call_and_what_to_do(fake: FakeGitHub, fault: Fault) -> None:
    fake.break_from(1, fault)

    with pytest.raises(GitHubError) as error:
        publish_to(fake, an_operation())

    assert "GET" in str(error.value)
    assert "run again" in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 4


@pytest.mark.parametrize("fault", [SERVER_ERROR, SECONDARY_LIMIT], ids=lambda fault: fault.name)
def test_a_passing_fault_at_any_call_is_ridden_out_by_retries(serve: Serve, fault: Fault) -> None:
    with serve() as undisturbed:
        publish_to(undisturbed, an_operation())
        requests, wanted = undisturbed.requests, state_of(undisturbed)

    for call, request in enumerate(requests, start=1):
        if request.method == "GET" and call > 1:
            continue
        with serve() as fake:
            fake.break_from(call, fault, calls=1)
            publish_to(fake, an_operation(), retries=2)
            assert state_of(fake) == wanted


@pytest.mark.parametrize("fault", [RATE_LIMIT, COME_BACK], ids=lambda fault: fault.name)
def test_a_rate_limit_that_lasts_an_hour_is_not_waited_for(fake: FakeGitHub, fault: Fault) -> None:
    fake.break_from(1, fault)
    started = time.monotonic()

    report = publish_to(fake, an_operation(), retries=3)

    assert [one.code for one in report.degraded] == ["rate_limit"]
    assert "1 operation left to a later run" in report.degraded[0].sentence
    assert time.monotonic() - started < 10


def test_a_comment_whose_answer_was_lost_is_not_said_twice(serve: Serve) -> None:
    with serve() as undisturbed:
        open_one(undisturbed)
        before = len(undisturbed.requests)
        close(undisturbed)
        methods = [request.method for request in undisturbed.requests[before:]]
    with serve() as fake:
        open_one(fake)
        fake.break_from(methods.index("POST") + 1, LOST_ANSWER, calls=1)

        publish_to(fake, an_operation("close"), retries=3)

        assert len(fake.pulls[0].comments) == 1
        assert fake.pulls[0].state == "closed"


@pytest.mark.parametrize("after", [1, 5, 9])
def test_a_rejection_in_the_middle_of_a_run_is_respected_by_the_next(
    fake: FakeGitHub, after: int
) -> None:
    open_one(fake)
    fake.break_from(after, LOST_REQUEST)
    operations: Sequence[Operation] = [
        an_operation("update", fingerprint="f2", edits=(an_edit(new="Other.\n"),))
    ]
    with pytest.raises(FaultElsewhere):
        publish_to(fake, *operations)
    fake.mend()
    fake.close(1, ALICE)
    before = len(fake.writes)

    report = publish_to(fake, *operations)

    assert report.refused[0].code == "rejected_before"
    assert len(fake.writes) == before
