"""Runs the repository's own check command on a candidate, in a copy of the repository.

Takes a repository, a commit and the texts that change; gives a `CheckRun`. The copy is a clone that
shares the objects: nothing is written into the person's repository, so a run that is killed leaves
a temporary folder and no more. The command gets no secret, no network where the system
can take it away, bounded time, and goes with all its children.
"""

from __future__ import annotations

import logging
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from bot.errors import RepositoryError
from bot.git import copy_commit
from bot.records import CheckRun, CheckState
from bot.settings import PASSED_ON

log = logging.getLogger(__name__)

TAIL_BYTES = 16_000
LAST_LINES = 20
LINE_CHARS = 200
_READ_BYTES = 65_536
_ANYWAY: Mapping[CheckState, CheckState] = {
    "failed": "fails_anyway",
    "timed_out": "times_out_anyway",
}
"""What a candidate's failure is where the default branch fails in this way."""
_ISOLATED = (
    "unshare",
    *("--map-current-user", "--keep-caps", "--net", "--pid", "--fork", "--kill-child"),
    "--mount-proc",
)
"""A network and process tree of its own (util-linux 2.38): its /proc shows no environment of ours,
and all its processes end with it."""
_INSIDE = """
import ctypes, fcntl, os, socket, struct, sys
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(link, 0x8914, struct.pack("16sh", b"lo", 0x41))  # SIOCSIFFLAGS: up and running
link.close()
ctypes.CDLL(None).prctl(47, 4, 0, 0, 0)  # PR_CAP_AMBIENT_CLEAR_ALL: what was needed for that
os.execv("/bin/sh", ["sh", "-c", sys.argv[1]])
"""
"""A fresh network has its loopback down, and tests that serve on 127.0.0.1 need it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckCommand:
    """One repository's check, on candidates for one commit of it."""

    repository: Path
    base_sha: str
    command: str
    """For `sh -c`, from the settings on the default branch."""
    timeout_s: float
    environment: Mapping[str, str] = field(repr=False)
    """Ours; only `PASSED_ON` of it goes on."""
    _base: list[CheckRun] = field(default_factory=list, repr=False)

    def run(self, changed: Mapping[str, str]) -> CheckRun:
        """Check the commit with `changed`, text by path. Where that fails, the commit alone too."""
        found = self._once(changed)
        if found.state not in _ANYWAY:
            return found
        if not self._base:
            self._base.append(self._once({}))
        return replace(found, state=_ANYWAY.get(self._base[0].state, found.state))

    def _once(self, changed: Mapping[str, str]) -> CheckRun:
        try:
            return self._in_a_copy(changed)
        except RepositoryError as error:
            return CheckRun(
                state="not_run",
                command=self.command,
                elapsed_s=0.0,
                is_offline=False,
                last_lines=(str(error)[:LINE_CHARS],),
            )

    def _in_a_copy(self, changed: Mapping[str, str]) -> CheckRun:
        with tempfile.TemporaryDirectory(
            prefix="debrief-check-", ignore_cleanup_errors=True
        ) as folder:
            tree, home = Path(folder, "tree"), Path(folder, "home")
            for one in (home, Path(folder, "tmp")):
                one.mkdir()
            copy_commit(self.repository, self.base_sha, tree)
            for path, text in changed.items():
                _write(tree, path, text)
            environment = {
                **{name: self.environment[name] for name in PASSED_ON if name in self.environment},
                "HOME": str(home),
                "TMPDIR": str(Path(folder, "tmp")),
                "CI": "true",
            }
            return self._watched(tree, environment)

    def _watched(self, tree: Path, environment: Mapping[str, str]) -> CheckRun:
        """Start the command, keep the end of what it says, stop it when its time is over."""
        path = environment.get("PATH", os.defpath)
        alone = _is_isolating(path)
        shell = ["/bin/sh", "-c", self.command]
        inside = [*_ISOLATED, "--", sys.executable, "-I", "-c", _INSIDE, self.command]
        # Should this very process be killed, nobody watches the clock but `timeout`.
        clock = ["timeout", "-s", "KILL", f"{self.timeout_s + 30:.0f}"]
        started = time.monotonic()
        process = subprocess.Popen(  # noqa: S603  (the team's own command, from its settings)
            [
                *(clock if shutil.which(clock[0], path=path) else ()),
                *(inside if alone else shell),
            ],
            cwd=tree,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            said, is_done = _listen(process, started + self.timeout_s)
        finally:
            _end(process, str(tree.parent))
        lines = said.replace(str(tree), ".").splitlines()
        passed = process.returncode == 0
        return CheckRun(
            state="timed_out" if not is_done else "passed" if passed else "failed",
            command=self.command,
            elapsed_s=time.monotonic() - started,
            is_offline=alone,
            last_lines=tuple(line[:LINE_CHARS] for line in lines[-LAST_LINES:]),
        )


def _listen(process: subprocess.Popen[bytes], until: float) -> tuple[str, bool]:
    """(the end of the output, the command ended by itself before `until`)."""
    tail = b""
    stream = process.stdout
    assert stream is not None  # noqa: S101  (asked for above)
    with selectors.DefaultSelector() as selector, stream:
        selector.register(stream, selectors.EVENT_READ)
        # A child that it left behind may hold the stream open: the command itself decides.
        while (left := until - time.monotonic()) > 0:
            ended = process.poll() is not None
            if selector.select(0 if ended else min(left, 0.2)):
                read = os.read(stream.fileno(), _READ_BYTES)
                tail = (tail + read)[-TAIL_BYTES:]
                if read:
                    continue
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, until - time.monotonic()))
                ended = process.poll() is not None
            if ended:
                break
    return tail.decode("utf-8", "replace"), process.poll() is not None


def _end(process: subprocess.Popen[bytes], folder: str) -> None:
    """Kill the command's group, then whatever of its children went into a group of its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    mark = f"HOME={folder}/".encode()
    for _ in range(5):  # a child may have had a child meanwhile
        left = [number for number in _processes() if mark in _environment_of(number)]
        for number in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        if not left:
            return
        time.sleep(0.05)
    log.warning("check command: %d processes of it could not be ended", len(left))


def _processes() -> list[int]:
    """Ids of all processes; none where the system does not list them as Linux does."""
    proc = Path("/proc")
    return [int(one.name) for one in proc.iterdir() if one.name.isdigit()] if proc.is_dir() else []


def _environment_of(number: int) -> bytes:
    try:
        return Path(f"/proc/{number}/environ").read_bytes()
    except OSError:  # another user's, or gone
        return b""


@cache
def _is_isolating(path: str) -> bool:
    """Whether this system lets us take the network away, with the programs on `path`."""
    if shutil.which(_ISOLATED[0], path=path) is None:
        return False
    try:
        done = subprocess.run(  # noqa: S603
            [*_ISOLATED, "--", sys.executable, "-I", "-c", _INSIDE, "exit 0"],
            env={"PATH": path},
            capture_output=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _write(tree: Path, path: str, text: str) -> None:
    """Write a file of the copy, never through a link that leads out of it."""
    file = tree / path
    if not file.parent.resolve().is_relative_to(tree.resolve()) or file.is_symlink():
        raise RepositoryError(f"{path!r} leads out of the repository through a symbolic link")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode("utf-8"))
