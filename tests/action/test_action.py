"""The composite action as a runner runs it: an empty environment, both layouts, every exit code."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.setup.workflows import Pin, check_workflow_text, workflow_text
from tests.action.runner import Job, a_source, an_image, run_job
from tests.fake_github import (
    ALICE,
    REPOSITORY,
    TOKEN,
    FakeGitHub,
    Issue,
    commit_on,
    serve_github,
)
from tests.loop import NOW, OUTREACH, Debrief, a_repository, corrected_drafts, git, write_lines

pytestmark = pytest.mark.slow
SETTINGS = "version: 1\nagents:\n  - name: outreach\n    prompts: [prompts/outreach.md]\n"
FILES = {"prompts/outreach.md": OUTREACH, ".github/debrief.yml": SETTINGS}
PIN = Pin(action="agent-debrief/debrief", sha="0123456789" * 4, version="v0.1.0")
CHECKOUT = {"steps": [{"uses": "actions/checkout@v6", "with": {"persist-credentials": "false"}}]}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_source(tmp_path_factory.mktemp("action"))


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return an_image(tmp_path_factory.mktemp("image"), installs=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return a_repository(tmp_path / "repo", FILES)


@pytest.fixture
def github(repository: Path, tmp_path: Path) -> Iterator[FakeGitHub]:
    bare = tmp_path / "hub.git"
    git(repository, "clone", "--quiet", "--bare", str(repository), str(bare))
    with serve_github(bare) as fake:
        yield fake


@pytest.fixture
def store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Twelve drafts whose opening a reviewer removed, up to now: the runner has no other clock."""
    later = datetime.now(UTC) - NOW
    drafts = corrected_drafts(12)
    for draft in drafts:
        for holder, key in ((draft, "start_time"), (draft["events"][0], "at")):
            holder[key] = (datetime.fromisoformat(holder[key]) + later).isoformat()
    path = write_lines(tmp_path / "drafts.jsonl", drafts)
    debrief = Debrief(tmp_path / "store", capsys)
    assert debrief("import", path, now=datetime.now(UTC)).code == 0
    return debrief.store


class Machines:
    """Makes jobs that know one repository on one GitHub, and what they hand to one another."""

    def __init__(self, tmp_path: Path, github: FakeGitHub, source: Path, python: Path) -> None:
        self._folder, self._github = tmp_path / "jobs", github
        self._source, self._python = source, python
        self._artifacts = tmp_path / "artifacts"
        self._repository = tmp_path / "repo"
        self.jobs: list[Job] = []

    def job(self, *, event: Mapping[str, Any] | None = None, **facts: Any) -> Job:
        job = Job(
            folder=self._folder / str(len(self.jobs)),
            source=self._source,
            github={
                "repository": REPOSITORY,
                "api_url": self._github.url,
                "token": TOKEN,
                "run_id": "1",
                "ref": "refs/heads/main",
                "event": event or {},
            },
            **{"python": self._python, **facts},
        )
        self.jobs.append(job)
        return job

    def run(self, job: Job, described: Mapping[str, Any]) -> int:
        return run_job(
            job,
            described,
            {
                "actions/checkout": self._checkout,
                "actions/upload-artifact": self._upload,
                "actions/download-artifact": self._download,
            },
        )

    def _checkout(self, job: Job, given: Mapping[str, str]) -> dict[str, str]:
        assert given["persist-credentials"] == "false"
        shutil.copytree(self._repository, job.workspace, dirs_exist_ok=True)
        return {}

    def _upload(self, job: Job, given: Mapping[str, str]) -> dict[str, str]:
        shutil.copytree(job.workspace / given["path"], self._artifacts / given["name"])
        return {}

    def _download(self, job: Job, given: Mapping[str, str]) -> dict[str, str]:
        shutil.copytree(self._artifacts / given["name"], job.workspace / given["path"])
        return {}


@pytest.fixture
def machines(
    tmp_path: Path, repository: Path, github: FakeGitHub, source: Path, python: Path
) -> Machines:
    return Machines(tmp_path, github, source, python)


def test_two_jobs_with_an_artifact_between_them_open_a_pull_request(
    machines: Machines, github: FakeGitHub, store: Path, tmp_path: Path
) -> None:
    jobs = YAML(typ="safe").load(workflow_text(PIN, store=None))["jobs"]
    variables = {"DEBRIEF_STORE": str(store)}

    first = machines.job(variables=variables, python=an_image(tmp_path / "image", installs=True))
    assert machines.run(first, jobs["propose"]) == 0, first.log
    writes = list(github.writes)
    second = machines.job(variables=variables)
    assert machines.run(second, jobs["publish"]) == 0, second.log

    assert [request for request in writes if request.path != "/graphql"] == []
    (pull,) = github.pulls
    assert pull.head.startswith("debrief/")
    assert "outreach" in first.summary + second.summary
    seen = [name for environment in second.environments for name in environment.items()]
    assert not any("ANTHROPIC" in name and value for name, value in seen)
    assert not any(str(store) in value for _, value in seen)


def test_one_job_does_the_whole_cycle(machines: Machines, github: FakeGitHub, store: Path) -> None:
    job = machines.job()
    machines.run(job, CHECKOUT)

    code, outputs = job.use(job.source, {"store": str(store), "python": str(job.python)})

    assert code == 0, job.log
    assert outputs == {"degraded": "false", "bundle": "debrief-bundle"}
    assert len(github.pulls) == 1
    assert (job.workspace / "debrief-bundle" / "plan.json").exists()
    assert TOKEN not in job.log + job.summary


def test_what_was_left_out_is_a_warning_and_no_failure(
    machines: Machines, github: FakeGitHub, store: Path
) -> None:
    github.forbid_pull_requests = True
    job = machines.job()
    machines.run(job, CHECKOUT)

    code, outputs = job.use(job.source, {"store": str(store), "python": str(job.python)})

    assert code == 0, job.log
    assert outputs["degraded"] == "true"
    assert "::warning::Debrief left something out" in job.log


def test_settings_are_checked_beside_the_lines_of_a_pull_request(
    machines: Machines, repository: Path
) -> None:
    (repository / ".github/debrief.yml").write_text("version: 1\nagnets: []\n")
    jobs = YAML(typ="safe").load(check_workflow_text(PIN, paths=[]))["jobs"]
    job = machines.job()

    code = machines.run(job, jobs["check"])

    assert code == 2
    assert "::error title=Debrief,file=.github/debrief.yml,line=2::unknown key `agnets`" in job.log


def test_a_pull_request_of_a_person_is_told_of_evidence(
    machines: Machines, github: FakeGitHub, repository: Path
) -> None:
    head_sha = commit_on(github.git, "edit", {"prompts/outreach.md": "# Outreach\n"})
    github.issues[1] = Issue(
        number=1, user=ALICE, title="Shorter", body="", created_at=github.now(), head="edit",
        head_sha=head_sha, base_sha=git(repository, "rev-parse", "main").strip(),
    )  # fmt: skip
    jobs = YAML(typ="safe").load(check_workflow_text(PIN, paths=[]))["jobs"]
    job = machines.job(event={"pull_request": {"number": 1}})

    code = machines.run(job, jobs["evidence"])

    assert code == 0, job.log
    assert "No run has kept evidence" in job.log


def test_words_of_strangers_cannot_command_the_runner(machines: Machines) -> None:
    job = machines.job()

    given = {"command": "publish", "bundle": f"::warning::{TOKEN}"}
    job.use(job.source, {"python": str(job.python), "anthropic-api-key": "sk-ant-1", **given})

    lines = job.log.splitlines()
    (stop,) = [line for line in lines if line.startswith("::stop-commands::")]
    word = stop.rpartition("::")[2]
    assert len(word) == 32
    during = lines[lines.index(stop) + 1 : lines.index(f"::{word}::")]
    assert any("::warning::***" in line for line in during)
    assert lines.count("::add-mask::***") == 2
    assert TOKEN not in job.log


@pytest.mark.parametrize(
    ("given", "code", "word"),
    [
        pytest.param(
            {"command": "prpose"}, 2, "use run, propose, publish, check or evidence", id="command"
        ),
        pytest.param({"python": "/bin/false"}, 2, "is not Python 3.11", id="python"),
        pytest.param({"command": "publish", "bundle": "none"}, 2, "none", id="no-bundle"),
    ],
)
def test_wrong_use_ends_with_a_sentence(
    machines: Machines, given: dict[str, str], code: int, word: str
) -> None:
    job = machines.job()

    ended, _ = job.use(job.source, {"python": str(job.python), **given})

    assert (ended, word in job.log) == (code, True), job.log
