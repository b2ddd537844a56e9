"""What maintainers are promised, one test for each; through the real client, over real HTTP.

Two promises are kept elsewhere: hostile text stays inert (`test_body.py`, `test_markdown.py`,
`test_surface_pages.py`), and the linters are clean (`tests/test_frame.py`, `test_init_command.py`).
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.bundle import render_body
from bot.limits import allowed_now
from bot.recheck import check_again
from bot.records import Evidence, EvidenceItem, Operation
from bot.settings import load_settings
from tests.bot.plans_built import (
    BRANCH,
    FILES,
    ID,
    NEW,
    NOW,
    PROMPT,
    a_plan,
    an_edit,
    an_operation,
    client_of,
    fingerprint_in,
    history_of,
    publish_to,
    refs_of,
)
from tests.bot.proposals_built import a_proposal
from tests.fake_github import (
    ALICE,
    BODY_LIMIT,
    RATE_LIMIT,
    SERVER_ERROR_AFTER,
    FakeGitHub,
    a_bare_repository,
    commit_on,
    git,
    serve_github,
)

SETTINGS = "version: 1\nagents:\n  - {name: outreach, prompts: [prompts/**]}\n"
UPDATE = an_operation("update", fingerprint="f2", edits=(an_edit(new="Other.\n"),))


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeGitHub]:
    files = {**FILES, ".github/debrief.yml": SETTINGS}
    with serve_github(a_bare_repository(tmp_path / "agent.git", files)) as fake:
        yield fake


def text_on(fake: FakeGitHub, branch: str, path: str = PROMPT) -> str:
    return git(fake.git, "show", f"{branch}:{path}") + "\n"


def test_ten_runs_on_the_same_input_give_one_pull_request_one_commit_and_no_further_write(
    fake: FakeGitHub,
) -> None:
    publish_to(fake, an_operation())
    writes = len(fake.writes)

    reports = [publish_to(fake, an_operation()) for _ in range(9)]

    assert [report.writes for report in reports] == [0] * 9
    assert len(fake.writes) == writes
    assert len(fake.pulls) == 1
    assert git(fake.git, "rev-list", "--count", f"main..{BRANCH}") == "1"


@pytest.mark.parametrize("how", ["closed", "branch-deleted", "reverted"])
def test_what_a_person_turned_down_is_not_created_by_twenty_later_runs(
    fake: FakeGitHub, how: str
) -> None:
    publish_to(fake, an_operation())
    if how == "reverted":
        revert(fake, fake.merge(1))
    else:
        fake.close(1, ALICE)
    if how == "branch-deleted":
        git(fake.git, "update-ref", "-d", f"refs/heads/{BRANCH}")
    writes = len(fake.writes)

    for run in range(20):
        # The same remedy in other words has the same id.
        reworded = an_edit(new=f"Wording {run}.\n")
        published(fake, an_operation(fingerprint=f"f{run}", edits=(reworded,), entries=5 + run % 5))

    assert len(fake.writes) == writes
    assert len(fake.pulls) == 1


def test_what_a_person_turned_down_comes_again_when_its_evidence_has_doubled(
    fake: FakeGitHub,
) -> None:
    publish_to(fake, an_operation())
    revert(fake, fake.merge(1))

    published(fake, an_operation(fingerprint="f2", entries=10))

    assert [pull.number for pull in fake.pulls] == [1, 2]


def test_a_persons_push_between_our_read_and_our_write_is_not_overwritten(
    fake: FakeGitHub,
) -> None:
    publish_to(fake, an_operation())
    pushed: list[str] = []

    def push() -> None:
        pushed.append(commit_on(fake.git, BRANCH, {PROMPT: "mine\n"}))

    fake.interjections.append(("PATCH", f"/git/refs/heads/{BRANCH}", push))
    report = publish_to(fake, UPDATE)

    assert [one.code for one in report.refused] == ["moved"]
    assert fake.sha(f"refs/heads/{BRANCH}") == pushed[0]
    assert publish_to(fake, UPDATE).refused[0].code == "hands_off"
    assert len(fake.pulls[0].comments) == 1


def test_a_server_error_on_a_pull_request_that_was_created_gives_no_duplicate(
    fake: FakeGitHub,
) -> None:
    publish_to(fake, an_operation(id="p-00000001"))
    posted = [one.path.endswith("/pulls") and one.method == "POST" for one in fake.requests]
    fake.break_from(posted.index(True) + 1, SERVER_ERROR_AFTER, calls=1)

    publish_to(fake, an_operation(), retries=2)

    assert [pull.head for pull in fake.pulls] == ["debrief/p-00000001", BRANCH]


def test_300000_characters_of_samples_give_a_body_that_github_takes(fake: FakeGitHub) -> None:
    items = tuple(EvidenceItem(id=f"c-{n}", paraphrase="word " * 120) for n in range(500))
    proposal = a_proposal(
        id=ID,
        fingerprint="f1",
        evidence=Evidence(entries=500, users=9, conversation_ids=(), items=items),
        losing=items,
    )
    assert sum(len(item.paraphrase) for item in items) >= 300_000
    body = render_body(proposal, base_sha="0" * 40)
    operation = an_operation()

    publish_to(fake, operation, texts={operation.body_file: body})

    assert len(body) < 60_000 < BODY_LIMIT
    assert fingerprint_in(fake.pulls[0].body) == "f1"
    assert body.count("<details>") == body.count("</details>")


def test_where_creation_is_forbidden_a_branch_and_a_link_remain_and_no_run_repeats_them(
    fake: FakeGitHub,
) -> None:
    fake.forbid_pull_requests = True

    reports = [publish_to(fake, an_operation()) for _ in range(3)]

    assert {report.degraded[0].code for report in reports} == {"pull_request_forbidden"}
    assert f"compare/main...{BRANCH}?expand=1" in reports[0].degraded[0].sentence
    assert git(fake.git, "rev-list", "--count", f"main..{BRANCH}") == "1"


@pytest.mark.parametrize(
    "path",
    [
        ".github/debrief.yml",
        ".github/workflows/ci.yml",
        ".GitHub/Workflows/ci.yml",
        ".debrief/intents.yml",
        "src/app.py",
        "prompts/../.github/debrief.yml",
        "prompts/linked.md",
        "prompts/folder/inside.md",
        "prompts/deep",
    ],
)
def test_protected_paths_links_and_our_own_settings_are_refused_before_any_write(
    fake: FakeGitHub, path: str
) -> None:
    with_links(fake)
    there = {".github/debrief.yml": SETTINGS}
    old = there.get(path, "")
    edit = an_edit(path=path, old=old, new="version: 1\nallow: ['**']\n")

    report = publish_to(fake, an_operation(edits=(edit,)), check=check_again)

    assert [one.code for one in report.refused] in (["guardrail"], ["does_not_apply"])
    assert fake.writes == []


def test_a_box_that_is_ticked_while_publish_runs_is_honoured_next_time(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    pull = fake.pulls[0]

    def tick() -> None:
        pull.body = pull.body.replace("[ ] wrong fix", "[x] wrong fix")

    fake.interjections.append(("GET", "/pulls/1", tick))
    during = publish_to(fake, UPDATE)
    after = publish_to(fake, UPDATE)

    assert [one.code for one in during.refused] == ["moved"]
    assert "[x] wrong fix" in pull.body
    assert [one.code for one in after.refused] == ["rejected_before"]
    assert history_of(fake)[0].rejection == "wrong_fix"


def test_a_changed_base_makes_it_stale_and_it_is_brought_up_to_date_once(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation())
    commit_on(fake.git, "main", {"README.md": "not ours\n"})
    fresh = history_of(fake)[0].stale_paths
    commit_on(fake.git, "main", {PROMPT: FILES[PROMPT] + "Be kind.\n"})
    stale = history_of(fake)[0].stale_paths

    renewed = publish_to(fake, an_operation("update"))
    writes = len(fake.writes)
    again = publish_to(fake, an_operation("update"))

    assert (fresh, stale) == ((), (PROMPT,))
    assert renewed.done[0].steps == ("branch", "body")
    assert text_on(fake, BRANCH) == f"# Outreach\n\n{NEW}Keep it short.\nBe kind.\n"
    assert history_of(fake)[0].stale_paths == ()
    assert (again.unchanged, len(fake.writes)) == (1, writes)


def test_a_rate_limit_an_hour_away_ends_within_a_minute_and_a_later_run_goes_on(
    fake: FakeGitHub,
) -> None:
    publish_to(fake, an_operation(id="p-00000001"))
    fake.break_from(5, RATE_LIMIT)
    started = time.monotonic()

    report = publish_to(fake, an_operation(), an_operation(id="p-00000002"), retries=3)

    assert time.monotonic() - started < 60
    assert [one.code for one in report.degraded] == ["rate_limit"]
    assert "2 operations left to a later run" in report.degraded[0].sentence
    fake.mend()
    publish_to(fake, an_operation(), an_operation(id="p-00000002"))
    assert len(fake.pulls) == 3


def test_a_token_that_only_reads_gives_the_identical_plan_in_a_dry_run(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation(), an_operation(id="p-00000002"))
    operations = [UPDATE, an_operation("close", id="p-00000002"), an_operation(id="p-00000003")]
    writes, before = len(fake.writes), refs_of(fake.git)

    planned = publish_to(fake, *operations, dry_run=True)
    nothing_written = (len(fake.writes), refs_of(fake.git)) == (writes, before)
    done = publish_to(fake, *operations)

    assert nothing_written
    assert [(one.op, one.id, one.steps) for one in planned.done] == [
        (one.op, one.id, one.steps) for one in done.done
    ]


def test_on_github_enterprise_server_no_request_goes_to_another_host(fake: FakeGitHub) -> None:
    fake.prefix = "/api/v3"
    called: list[object] = []
    listen_to_connections(called)

    publish_to(fake, an_operation())
    publish_to(fake, UPDATE)
    past = history_of(fake)
    client_of(fake).login()
    heard, LISTENERS[:] = list(called), []

    port = int(fake.url.rpartition(":")[2])
    assert {address[1] for address in heard if isinstance(address, tuple)} == {port}
    assert {address[0] for address in heard if isinstance(address, tuple)} <= {"127.0.0.1", "::1"}
    assert past[0].fingerprint == "f2"


def test_two_runs_at_once_give_no_duplicate(fake: FakeGitHub) -> None:
    publish_to(fake, an_operation(id="p-00000002"))
    operations = [an_operation(), an_operation("close", id="p-00000002")]
    runs = [threading.Thread(target=publish_to, args=(fake, *operations)) for _ in range(4)]

    for run in runs:
        run.start()
    for run in runs:
        run.join(timeout=60)
    publish_to(fake, *operations)

    assert [pull.head for pull in fake.pulls] == ["debrief/p-00000002", BRANCH]
    assert git(fake.git, "rev-list", "--count", f"main..{BRANCH}") == "1"
    assert len(fake.issues[1].comments) == 1
    assert fake.issues[1].state == "closed"
    assert fake.pulls[1].labels == ["debrief", "kind/rule"]


# -- what people and machines do -------------------------------------------------------------------


def published(fake: FakeGitHub, *operations: Operation) -> None:
    """Publish as the command does: what history forbids is not even asked for."""
    plan = a_plan(*operations)
    plan, _ = allowed_now(plan, history_of(fake), settings=load_settings(SETTINGS), now=NOW)
    publish_to(fake, *plan.operations)


def revert(fake: FakeGitHub, sha: str) -> None:
    text = git(fake.git, "show", f"{sha}^1:{PROMPT}") + "\n"
    commit_on(fake.git, "main", {PROMPT: text}, message=f"Revert\n\nThis reverts commit {sha}.")


def with_links(fake: FakeGitHub) -> None:
    """A linked file, a linked folder and a folder where a proposal would like to write."""
    script = "\n".join(
        [
            "commit refs/heads/main",
            "committer Alice <alice@example.com> 1760000000 +0000",
            "data 5",
            "links",
            "from refs/heads/main^0",
            "M 120000 inline prompts/linked.md",
            "data 22",
            "../.github/debrief.yml",
            "M 120000 inline prompts/folder",
            "data 10",
            "../.github",
            "M 100644 inline prompts/deep/file.md",
            "data 2",
            "x",
            "",
        ]
    )
    git(fake.git, "fast-import", "--quiet", stdin=script.encode())


LISTENERS: list[list[object]] = []


def listen_to_connections(heard: list[object]) -> None:
    """Note every address that this process connects to. A hook cannot be taken off again."""
    if not getattr(sys, "_debrief_listens", False):
        sys.addaudithook(_hear)
        sys._debrief_listens = True  # type: ignore[attr-defined]
    LISTENERS.append(heard)


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        for heard in LISTENERS:
            heard.append(arguments[1])
