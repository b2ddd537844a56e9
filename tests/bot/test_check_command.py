"""The repository's own check runs on a candidate: in a copy, without secrets, and bounded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.check_command import CheckCommand
from tests.loop import a_repository, git
from tests.samples import ROOT

SECRET = "sk-ant-nobody-may-read-this"
CODE = "LIMIT = 3\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return a_repository(tmp_path / "repository", {"agent/code.py": CODE, "ok": "", "n.txt": "1\n"})


def a_check(repository: Path, command: str, **changes: object) -> CheckCommand:
    values: dict[str, object] = {
        "repository": repository,
        "base_sha": git(repository, "rev-parse", "HEAD").strip(),
        "command": command,
        "timeout_s": 20.0,
        "environment": {**os.environ, "ANTHROPIC_API_KEY": SECRET, "GITHUB_TOKEN": SECRET},
        **changes,
    }
    return CheckCommand(**values)  # type: ignore[arg-type]


def files_below(folder: Path) -> Mapping[str, bytes]:
    return {str(one): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_the_command_sees_the_candidate_and_the_rest_of_the_commit(repository: Path) -> None:
    (repository / "n.txt").write_text("not committed\n")

    found = a_check(repository, "cat agent/code.py n.txt").run({"agent/code.py": "LIMIT = 4\n"})

    assert found.state == "passed"
    assert found.last_lines == ("LIMIT = 4", "1")
    assert found.command == "cat agent/code.py n.txt"
    assert 0 < found.elapsed_s < 20


def test_nothing_changes_in_the_persons_repository(repository: Path) -> None:
    before = files_below(repository)
    command = "git commit -qam x; git tag t; git branch b; echo gone > agent/code.py; rm ok"

    a_check(repository, f"{command}; exit 0").run({"agent/code.py": "LIMIT = 4\n"})

    assert files_below(repository) == before


def test_a_failure_that_the_change_makes_is_one(repository: Path) -> None:
    check = a_check(repository, "echo looking; grep -q 'LIMIT = 3' agent/code.py")

    assert check.run({"agent/code.py": "LIMIT = 4\n"}).state == "failed"
    assert check.run({"n.txt": "2\n"}).state == "passed"


def test_a_failure_that_was_there_before_does_not_count(repository: Path) -> None:
    check = a_check(repository, "echo broken since May; exit 3")

    found = check.run({"agent/code.py": "LIMIT = 4\n"})

    assert found.state == "fails_anyway"
    assert found.last_lines == ("broken since May",)


def test_what_takes_too_long_is_ended_with_its_children(repository: Path, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    grandchild = f"setsid sh -c 'sleep 1.5; touch {alive}' & "

    started = time.monotonic()
    found = a_check(
        repository, f"{grandchild} grep 3 agent/code.py || sleep 60", timeout_s=1.0
    ).run({"agent/code.py": "LIMIT = 4\n"})

    assert found.state == "timed_out"
    assert time.monotonic() - started < 15
    time.sleep(max(0.0, started + 4 - time.monotonic()))
    assert not alive.exists()


def test_a_child_that_stays_behind_ends_with_the_command(repository: Path, tmp_path: Path) -> None:
    alive = tmp_path / "alive"

    started = time.monotonic()
    found = a_check(repository, f"setsid sh -c 'sleep 2; touch {alive}' & echo done").run({})

    assert (found.state, found.last_lines) == ("passed", ("done",))
    assert time.monotonic() - started < 2
    time.sleep(2.5)
    assert not alive.exists()


def test_where_the_network_stays_the_run_says_so_and_ends_all_the_same(
    repository: Path, tmp_path: Path
) -> None:
    programs, alive = tmp_path / "programs", tmp_path / "alive"
    programs.mkdir()
    for name in ("sh", "sleep", "touch", "setsid", "echo"):
        (programs / name).symlink_to(shutil.which(name) or name)
    command = f"setsid sh -c 'sleep 2; touch {alive}' & sleep 60"

    found = a_check(repository, command, timeout_s=1.0, environment={"PATH": str(programs)}).run({})

    assert (found.state, found.is_offline) == ("times_out_anyway", False)
    time.sleep(2.5)
    assert not alive.exists()


def test_a_run_that_is_killed_leaves_nothing_that_stops_the_next(repository: Path) -> None:
    check = a_check(repository, "sleep 60", timeout_s=60.0)
    script = (
        "import sys; from pathlib import Path; from bot.check_command import CheckCommand; "
        f"CheckCommand(repository=Path({str(repository)!r}), base_sha={check.base_sha!r}, "
        f"command='touch $HOME/../begun; sleep 60', timeout_s=60, "
        f"environment={{'PATH': {os.environ['PATH']!r}}}).run({{}})"
    )
    before = files_below(repository)
    killed = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, start_new_session=True)
    deadline = time.monotonic() + 20
    while not any(Path(tempfile.gettempdir()).glob("debrief-check-*/begun")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    killed.kill()
    killed.wait()

    assert files_below(repository) == before
    assert a_check(repository, "true").run({}).state == "passed"


def test_no_secret_reaches_the_command(repository: Path) -> None:
    outer = "cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n' | grep -c nobody-may-read"

    found = a_check(repository, f"env; {outer}; exit 0").run({})

    said = "\n".join(found.last_lines)
    assert SECRET not in said
    assert "GITHUB_TOKEN" not in said
    assert str(Path.home()) not in [line.removeprefix("HOME=") for line in found.last_lines]
    if found.is_offline:
        assert found.last_lines[-1] == "0"


def test_there_is_no_network_but_ones_own(repository: Path) -> None:
    serve = (
        "import socket, threading; s = socket.create_server(('127.0.0.1', 0)); "
        "c = socket.create_connection(s.getsockname()); print('own: yes')\n"
        "try: socket.create_connection(('192.0.2.1', 80), timeout=1); print('other: yes')\n"
        "except TimeoutError: print('other: maybe')\n"
        "except OSError: print('other: no')"
    )

    found = a_check(repository, f'python3 -c "{serve}"').run({})

    assert found.last_lines[0] == "own: yes"
    if found.is_offline:
        assert found.last_lines[1] == "other: no"


def test_of_much_output_the_end_is_kept(repository: Path) -> None:
    found = a_check(repository, "seq 1 300000; printf 'x%.0s' $(seq 1 5000)").run({})

    assert found.state == "passed"
    assert found.last_lines[-2] == "300000"
    assert len(found.last_lines) == 20
    assert max(map(len, found.last_lines)) == 200


def test_paths_of_the_copy_are_not_told(repository: Path) -> None:
    found = a_check(repository, "pwd; ls $PWD/ok").run({})

    assert found.last_lines == (".", "./ok")


def test_nothing_is_written_through_a_link_that_leads_out(repository: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (repository / "link").symlink_to(outside)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "link")

    found = a_check(repository, "true").run({"link/x.py": "1\n"})

    assert found.state == "not_run"
    assert list(outside.iterdir()) == []


def test_a_commit_that_cannot_be_copied_is_said_and_not_checked(repository: Path) -> None:
    found = a_check(repository, "true", base_sha="0" * 40).run({})

    assert found.state == "not_run"
    assert found.last_lines[0].startswith("git ")
