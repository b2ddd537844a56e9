# ruff: noqa: F811  (the fixtures of the other cycles are imported, and named as arguments)
"""`debrief publish` meets a fault at each of its calls: dashboard, answers and checks as well.

What `bot.publish` does by itself is in `tests/bot/test_publish_faults.py`.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.bot.fault_matrix import ANSWERS, CRASHES
from tests.fake_github import (
    ALICE,
    FORBIDDEN_LIMIT,
    RATE_LIMIT,
    TIMEOUT,
    Fault,
    Request,
    git,
)
from tests.loop import decisions, write_lines
from tests.test_cycle_github import (  # noqa: F401
    TO,
    TODAY,
    corrected,
    debrief,
    fake,
    repo,
)
from tests.test_cycle_surface import a_pull_request

pytestmark = pytest.mark.slow
LATER = TODAY + timedelta(hours=1)
ANSWERED = (RATE_LIMIT, *(one for one in ANSWERS if one not in (TIMEOUT, FORBIDDEN_LIMIT)))
"""Without those that only take longer: a time limit is a lost answer, and the other limit waits."""
RETRIES = 3


def seen(hub):
    """What people see: files of all branches and refs of ours, issues, what is said, checks."""
    trees = git(hub.git, "for-each-ref", "--format=%(refname) %(tree)")
    issues = [
        (one.head, one.state, one.title, one.body, sorted(one.labels), one.requested)
        for one in hub.issues.values()
    ]
    said = [
        sorted((one["body"], len(one.get("reacted", []))) for one in issue.comments)
        for issue in hub.issues.values()
    ]
    newest = {}
    for run in hub.checks:
        tree = git(hub.git, "rev-parse", f"{run['head_sha']}^{{tree}}")
        notes = [(note["path"], note["start_line"]) for note in run["annotations"]]
        newest[tree] = run["name"], run.get("status"), run.get("conclusion"), notes
    return trees, issues, said, newest


def test_a_fault_at_any_call_of_publish_is_finished_by_the_next(corrected, fake, repo, tmp_path):
    """One proposal is rejected by a command, one is new, one person asks, one has his own."""
    corrected("run", "--repo", repo, *TO, now=TODAY)
    fake.say(1, ALICE, "/debrief explain")
    fake.say(1, ALICE, "/debrief reject wrong fix: keep the greeting")
    prompt = git(fake.git, "show", "main:prompts/outreach.md")
    a_pull_request(fake, {"prompts/outreach.md": f"{prompt}\n- Be brief.\n"})
    corrected("import", write_lines(tmp_path / "e.jsonl", decisions(400)))
    bundle = tmp_path / "bundle"
    proposed = corrected("propose", "--repo", repo, "--history", TO[1], "--out", bundle, now=LATER)
    assert proposed.code == 0, proposed.err
    kept, before = fake.snapshot(), len(fake.requests)

    def publish():
        return corrected("publish", bundle, *TO, now=LATER)

    assert publish().code == 0
    requests, wanted = fake.requests[before:], seen(fake)
    assert {pull.state for pull in fake.pulls} == {"open", "closed"}
    wrong = []
    for call, request in enumerate(requests, 1):
        for fault in faults_at(call, request):
            fake.restore(kept)
            fake.break_from(call, fault, calls=calls_of(fault))
            publish()
            fake.mend()
            publish()
            if seen(fake) != wanted:
                wrong.append(f"{fault.name} at call {call}, {request.method} {request.path}")

    assert wrong == []


def faults_at(call: int, request: Request):
    """Both deaths and an answer at each call that writes; an answer at each third that reads.

    A run that dies while it reads leaves what it left when it died before its next write.
    """
    answer = ANSWERED[call % len(ANSWERED)]
    if request.method == "GET":
        return (answer,) if call % 3 == 0 else ()
    return (*CRASHES, answer)


def calls_of(fault: Fault) -> int:
    """How long it lasts: a run is over, what is tried again fails each time, all else once."""
    if fault in CRASHES:
        return 1_000_000
    return 1 + RETRIES if (fault.status or 0) >= 500 else 1
