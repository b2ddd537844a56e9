"""The surface's writes over real HTTP: batches, once only, and what a token may not do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bot.github.checks import Annotation, Check, put_check
from bot.marker import parse_marker
from bot.records import Alert, Operation, PublishReport
from bot.surface import show
from bot.surface.alerts import alert_body, alert_title
from tests.bot.plans_built import FILES, client_of
from tests.bot.test_surface_pages import an_alert
from tests.fake_github import (
    RATE_LIMIT,
    SERVER_ERROR,
    FakeGitHub,
    a_bare_repository,
    serve_github,
)

NOTHING = PublishReport(done=(), unchanged=0, refused=(), degraded=(), writes=0)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeGitHub]:
    with serve_github(a_bare_repository(tmp_path / "agent.git", FILES)) as fake:
        yield fake


def a_check(annotations: int = 0) -> Check:
    return Check(
        conclusion="neutral",
        title="2 measured rates",
        summary="x" * 70_000,
        fingerprint="f1",
        annotations=tuple(
            Annotation(path="a.md", first_line=n, last_line=n, title="t" * 300, message="m")
            for n in range(1, annotations + 1)
        ),
    )


def shown(fake: FakeGitHub, alert: Alert) -> PublishReport:
    operation = Operation(
        op="issue",
        id=alert.id,
        kind="alert",
        branch="",
        title=alert_title(alert),
        body_file="bodies/alert.md",
    )
    bodies: Mapping[str, str] = {"bodies/alert.md": alert_body(alert)}
    client = client_of(fake, read_only=False, retries=1)
    return show(
        client,
        [operation],
        bodies.__getitem__,
        NOTHING,
        reject=lambda id, reason: None,
        planned={},
    )


def test_annotations_come_in_batches_and_a_check_is_written_once(fake: FakeGitHub) -> None:
    client, sha = client_of(fake, read_only=False), fake.sha("main") or ""

    first = put_check(client, sha, a_check(120))
    writes = len(fake.writes)
    second = put_check(client, sha, a_check(120))

    assert (first, second) == ("check", "unchanged")
    assert [len(one.body["output"].get("annotations", [])) for one in fake.writes] == [50, 50, 20]
    assert len(fake.writes) == writes
    assert (fake.checks[0]["status"], fake.checks[0]["conclusion"]) == ("completed", "neutral")
    assert len(fake.checks[0]["annotations"]) == 120


def test_a_check_that_was_cut_off_is_written_again(fake: FakeGitHub) -> None:
    client, sha = client_of(fake, read_only=False), fake.sha("main") or ""
    fake.break_from(3, SERVER_ERROR)
    with pytest.raises(Exception, match="GitHub"):
        put_check(client, sha, a_check(120))
    fake.mend()

    again = put_check(client, sha, a_check(120))

    assert again == "check"
    assert [run.get("status") for run in fake.checks] == ["in_progress", "completed"]


def test_a_status_has_one_short_line_and_never_blocks_what_we_cannot_tell(
    fake: FakeGitHub,
) -> None:
    fake.forbid_checks = True
    client, sha = client_of(fake, read_only=False), fake.sha("main") or ""
    check = replace(a_check(), title="word " * 60)

    first, second = put_check(client, sha, check), put_check(client, sha, check)

    assert (first, second) == ("status", "unchanged")
    assert [one["state"] for one in fake.statuses] == ["success"]


def test_an_alert_is_one_issue_from_its_first_day_to_the_recovery(fake: FakeGitHub) -> None:
    shown(fake, an_alert())
    again = shown(fake, an_alert())
    shown(fake, an_alert(evidence=("c-9",)))
    newer = fake.issues[1].body
    shown(fake, an_alert(state="recovered"))
    once_more = shown(fake, an_alert(state="recovered"))

    assert (again.done, once_more.done) == ((), ())
    assert [one.state for one in fake.issues.values()] == ["closed"]
    assert "c-9" in newer
    (comment,) = fake.issues[1].comments
    assert (parse_marker(comment["body"]) or {})["comment"] == "recovered"


def test_an_alert_that_a_person_closed_stays_closed(fake: FakeGitHub) -> None:
    shown(fake, an_alert())
    fake.close(1, {"login": "alice", "type": "User"})

    report = shown(fake, an_alert(evidence=("c-9",)))

    assert report.done == ()
    assert fake.issues[1].state == "closed"


def test_an_alert_that_recovered_before_it_was_shown_is_no_issue(fake: FakeGitHub) -> None:
    shown(fake, an_alert(state="recovered"))

    assert fake.issues == {}


def test_a_rate_limit_ends_it_at_once_and_is_said(fake: FakeGitHub) -> None:
    fake.break_from(1, RATE_LIMIT)

    report = shown(fake, an_alert())

    assert [one.code for one in report.degraded] == ["rate_limit"]
    assert len(fake.requests) <= 2


def test_a_github_that_fails_is_no_fault_of_what_was_published(fake: FakeGitHub) -> None:
    fake.break_from(1, SERVER_ERROR)

    report = shown(fake, an_alert())

    assert [one.code for one in report.degraded] == ["no_dashboard"]
